//! What the model looks at in an answer: words and pairs of them, pieces of words, signs, and what its sentences mean.

use reframe_call::detect::{
    normalize::{join, tokens_of_text},
    semantic::SentenceEncoder,
};

use super::{Received, Sender, Wish, Written, answers, wish};
use crate::text::{key, sentences};

/// Places in a table of words, and in one of pieces.
pub const BUCKETS: usize = 1 << 14;
/// Numbers an encoder says what a sentence means with: the width of `sentence-v1`.
pub const WIDTH: usize = 384;
/// Signs: see [`Features::signs`].
pub const SIGNS: usize = 4;
/// Longest part of an answer that is looked at, in words.
const MOST_WORDS: usize = 220;
/// Most sentences whose meaning is asked for.
const MOST_SENTENCES: usize = 12;
/// Words of a subject of their own that are looked at.
const MOST_OF_SUBJECT: usize = 12;
/// Pieces of words, in letters.
const PIECES: std::ops::RangeInclusive<usize> = 3..=5;

/// What is known of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Words, pairs and shape: places in the table of words, rising, each once.
    pub words: Vec<u16>,
    /// Pieces of words: places in the table of pieces, rising, each once.
    pub pieces: Vec<u16>,
    /// Whether a rule is certain of a wish for no more messages; whether one sees a chance; whether a machine wrote;
    /// whether there is nobody who knows meanings.
    pub signs: [bool; SIGNS],
    /// What its sentences mean, on average: [`WIDTH`] numbers of length 1, or none if nobody knows meanings.
    pub meaning: Vec<f32>,
}

/// The features of an answer. Without an encoder they are the words alone.
#[must_use]
pub fn features(
    received: &Received,
    written: &Written,
    sender: Sender,
    encoder: Option<&dyn SentenceEncoder>,
) -> Features {
    let text = key(&written.core);
    let words: Vec<String> = text.split(' ').filter(|w| !w.is_empty()).take(MOST_WORDS).map(without_digits).collect();
    let mut at_words = Vec::new();
    let mut at_pieces = Vec::new();
    for word in &words {
        at_words.push(place(["w", word]));
        pieces(word, &mut at_pieces);
    }
    let mut before = "<";
    for word in words.iter().map(String::as_str).chain([">"]) {
        at_words.push(place([before, word]));
        before = word;
    }
    at_words.extend(shape(received, written, sender, words.len()));
    let wish = wish(&received.subject, &written.core, &received.headers);
    let meaning = encoder.map(|e| meaning(&written.core, e)).unwrap_or_default();
    let signs = [wish == Wish::Certain, wish == Wish::Chance, sender == Sender::Machine, meaning.is_empty()];
    Features { words: once(at_words), pieces: once(at_pieces), signs, meaning }
}

/// What is neither a word nor a pair: length, questions, marks, numbers of a kind, a subject of their own.
fn shape(received: &Received, written: &Written, sender: Sender, words: usize) -> Vec<u16> {
    let text = written.core.trim_end();
    let mut out = vec![place(["length", &words.checked_ilog2().unwrap_or(0).to_string()])];
    out.push(place(["asked", &text.matches('?').count().min(3).to_string()]));
    let mut sign = |holds: bool, name: &str| out.extend(holds.then(|| place(["shape", name])));
    sign(text.ends_with('?'), "asked last");
    sign(text.contains('!'), "mark");
    sign(text.contains('@'), "address");
    sign(text.as_bytes().windows(4).any(is_time), "time");
    sign(longest_number(text) >= 6, "telephone");
    sign(sender == Sender::Machine, "machine");
    if !answers(&received.subject) {
        sign(true, "own subject");
        let subject = key(&received.subject);
        out.extend(subject.split(' ').filter(|w| !w.is_empty()).take(MOST_OF_SUBJECT).map(|w| place(["subject", w])));
    }
    out
}

/// "1:30".
fn is_time(w: &[u8]) -> bool {
    w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit() && w[3].is_ascii_digit()
}

/// Most digits in a row, with what stands between those of a telephone.
fn longest_number(text: &str) -> usize {
    let (mut most, mut now) = (0, 0);
    for c in text.chars() {
        match c {
            '0'..='9' => now += 1,
            ' ' | '(' | ')' | '+' | '-' => {}
            _ => now = 0,
        }
        most = most.max(now);
    }
    most
}

/// The word with a 0 for each number in it.
fn without_digits(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            c if !c.is_ascii_digit() => out.push(c),
            _ if out.ends_with('0') => {}
            _ => out.push('0'),
        }
    }
    out
}

/// Pieces of a word between its borders.
fn pieces(word: &str, out: &mut Vec<u16>) {
    let letters: Vec<char> = ['_'].into_iter().chain(word.chars()).chain(['_']).collect();
    for length in PIECES {
        out.extend(letters.windows(length).map(|w| place([w.iter().collect::<String>().as_str()])));
    }
}

/// FNV-1a over the parts, each closed by a byte no text has.
fn place<'a>(parts: impl IntoIterator<Item = &'a str>) -> u16 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |b: u8| hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        part.bytes().for_each(&mut eat);
        eat(0xff);
    }
    let folded = (hash ^ (hash >> 32)) % BUCKETS as u64;
    u16::try_from(folded).expect("less than the number of buckets, which is 2^14")
}

fn once(mut places: Vec<u16>) -> Vec<u16> {
    places.sort_unstable();
    places.dedup();
    places
}

/// What the sentences mean on average, of length 1; nothing if the encoder is of another width.
#[must_use]
pub fn meaning(text: &str, encoder: &dyn SentenceEncoder) -> Vec<f32> {
    let mut sum = vec![0.0_f32; WIDTH];
    for sentence in said(text) {
        let embedding = encoder.encode(&sentence).embedding;
        if embedding.len() != WIDTH {
            return Vec::new();
        }
        sum.iter_mut().zip(&embedding).for_each(|(s, e)| *s += e);
    }
    let length = sum.iter().map(|v| v * v).sum::<f32>().sqrt();
    if !length.is_normal() {
        return Vec::new();
    }
    sum.iter_mut().for_each(|v| *v /= length);
    sum
}

/// The sentences in the spelling that an encoder reads.
#[must_use]
pub fn said(text: &str) -> Vec<String> {
    let read = sentences(text).into_iter().take(MOST_SENTENCES);
    read.map(|s| join(&tokens_of_text(&s.text))).filter(|s| !s.is_empty()).collect()
}
