//! What the model looks at in an answer: words, their order, families of expressions, shape.

use super::{Received, Sender, Written, cues};
use crate::text::{key, sentences, stem};

/// Places in the table of weights of one class.
pub const BUCKETS: usize = 1 << 13;
/// Longest part of an answer that is looked at, in words.
const MOST_WORDS: usize = 220;

/// A place in the table, and how strongly it counts.
pub type Feature = (usize, i8);

#[derive(Clone, Copy)]
enum Kind {
    Word = 1,
    Pair,
    First,
    Last,
    Subject,
    Cue,
    CueAtEnd,
    CueAtStart,
    Shape,
    Asked,
    Prefix,
}

#[derive(Default)]
struct Set {
    out: Vec<Feature>,
}

impl Set {
    /// FNV-1a over the kind and the parts, each closed by a byte no text has.
    fn add<'a>(&mut self, kind: Kind, weight: i8, parts: impl IntoIterator<Item = &'a str>) {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |b: u8| hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        eat(kind as u8);
        for part in parts {
            part.bytes().for_each(&mut eat);
            eat(0xff);
        }
        let folded = (hash ^ (hash >> 32)) % BUCKETS as u64;
        self.out.push((usize::try_from(folded).expect("less than the number of buckets"), weight));
    }
}

/// The features of an answer, sorted, each place once.
#[must_use]
pub fn features(received: &Received, written: &Written, sender: Sender) -> Vec<Feature> {
    let mut set = Set::default();
    let text = key(&written.text);
    let all: Vec<&str> = text.split(' ').filter(|w| !w.is_empty()).take(MOST_WORDS).collect();
    let digit = |w: &&str| if w.bytes().any(|b| b.is_ascii_digit()) { "0" } else { stem(w) }.to_owned();
    let stems: Vec<String> = all.iter().map(digit).collect();
    for (i, word) in stems.iter().enumerate() {
        set.add(Kind::Word, 1, [word.as_str()]);
        if let Some(next) = stems.get(i + 1) {
            set.add(Kind::Pair, 1, [word.as_str(), next]);
        }
        if word.len() >= 6 {
            set.add(Kind::Prefix, 1, [&word[..word.char_indices().nth(5).map_or(word.len(), |c| c.0)]]);
        }
    }
    // A greeting and a name open most answers.
    let greeting = ["hi", "hello", "hey", "dear", "hallo", "bonjour", "hola", "guten"];
    let skip = usize::from(stems.first().is_some_and(|w| greeting.contains(&w.as_str()))) * 2;
    for word in stems.iter().skip(skip).take(3) {
        set.add(Kind::First, 1, [word.as_str()]);
    }
    for word in stems.iter().rev().take(3) {
        set.add(Kind::Last, 1, [word.as_str()]);
    }
    let subject = key(&received.subject);
    let answers = ["re ", "aw ", "sv ", "fwd ", "fw ", "wg "].iter().any(|p| subject.starts_with(p));
    set.add(Kind::Shape, 1, [if answers { "answers" } else { "own subject" }]);
    if !answers {
        for word in subject.split(' ').take(12) {
            set.add(Kind::Subject, 1, [stem(word)]);
        }
    }
    let read = sentences(&written.text);
    let (start, end) = (read.first(), read.last());
    let (start, end) = (start.map(|s| key(&s.text)).unwrap_or_default(), end.map(|s| key(&s.text)).unwrap_or_default());
    for nth in 0..cues::FAMILIES.len() {
        let name = nth.to_string();
        let strength = |n: u8| if n > 1 { "many" } else { "one" };
        let n = cues::heard(&text, nth);
        if n > 0 {
            set.add(Kind::Cue, 3, [name.as_str()]);
            set.add(Kind::Cue, 2, [name.as_str(), strength(n)]);
            if n > 2 {
                set.add(Kind::Cue, 2, [name.as_str(), "three"]);
            }
        } else {
            set.add(Kind::Cue, 1, [name.as_str(), "none"]);
        }
        if cues::heard(&start, nth) > 0 {
            set.add(Kind::CueAtStart, 2, [name.as_str()]);
        }
        if cues::heard(&end, nth) > 0 {
            set.add(Kind::CueAtEnd, 2, [name.as_str()]);
        }
        if answers || cues::heard(&subject, nth) == 0 {
            continue;
        }
        set.add(Kind::Cue, 2, [name.as_str(), "subject"]);
    }
    // Which families come together says more than each alone.
    let present: Vec<usize> = (0..cues::FAMILIES.len()).filter(|n| cues::heard(&text, *n) > 0).collect();
    for (i, a) in present.iter().enumerate() {
        for b in &present[i + 1..] {
            set.add(Kind::Cue, 1, [a.to_string().as_str(), b.to_string().as_str(), "both"]);
        }
    }
    let asked: usize = read.iter().map(|s| s.questions).sum();
    set.add(Kind::Asked, 3, [["none", "one", "two", "more"][asked.min(3)]]);
    if read.last().is_some_and(|s| s.questions > 0) {
        set.add(Kind::Asked, 2, ["last"]);
    }
    let length = match all.len() {
        0..=3 => "a few",
        4..=9 => "line",
        10..=25 => "short",
        26..=60 => "middle",
        _ => "long",
    };
    set.add(Kind::Shape, 2, [length]);
    if all.iter().any(|w| w.bytes().filter(u8::is_ascii_digit).count() >= 6) || written.text.contains('+') {
        set.add(Kind::Shape, 2, ["telephone"]);
    }
    if written.text.contains('@') {
        set.add(Kind::Shape, 2, ["address"]);
    }
    let times =
        written.text.as_bytes().windows(4).any(|w| w[0].is_ascii_digit() && w[1] == b':' && w[2].is_ascii_digit());
    if times {
        set.add(Kind::Shape, 3, ["time"]);
    }
    if written.text.contains('!') {
        set.add(Kind::Shape, 1, ["mark"]);
    }
    if sender == Sender::Machine {
        set.add(Kind::Shape, 3, ["machine"]);
    }
    set.out.sort_unstable();
    set.out.dedup_by_key(|f| f.0);
    set.out
}
