//! What the model looks at in a sentence: words, their order, its grammar, and how its clauses begin and end.

use super::tokens::{Token, tokens};

/// Places in the table of weights: one byte each, so 128 KiB. Half as many cost no more than .003 of F1.
pub const BUCKETS: usize = 1 << 17;

/// Words that make the grammar of a sentence; the others are seen as their kind when order matters.
const FUNCTION: &[&str] = &[
    "i", "me", "my", "we", "us", "our", "you", "your", "he", "him", "his", "she", "her", "it", "its", "they", "them",
    "their", "this", "that", "these", "those", "there", "here", "who", "what", "when", "where", "which", "how", "why",
    "whether", "if", "as", "so", "and", "or", "but", "not", "no", "yes", "any", "some", "all", "a", "an", "the", "to",
    "of", "in", "on", "at", "for", "with", "by", "from", "about", "up", "out", "be", "is", "are", "am", "was", "were",
    "been", "being", "have", "has", "had", "do", "does", "did", "will", "would", "can", "could", "should", "shall",
    "may", "might", "must", "let", "let's", "please", "need", "want", "like", "know", "just", "also", "then", "now",
    "back", "ok", "thanks", "thank", "sure", "'s", "going", "get", "got", "until", "before", "after", "because",
    "since", "than", "very", "too", "again", "already", "soon", "asap", "today", "tomorrow",
];

/// Words a clause may begin with that say nothing about what it is.
const LEAD_IN: [&str; 14] =
    ["and", "but", "so", "or", "also", "then", "now", "ok", "hi", "hello", "hey", "dear", "well", "again"];

/// What is looked at; the numbers keep equal words of different kinds apart.
#[derive(Clone, Copy)]
enum Kind {
    Word = 1,
    Stem,
    Pair,
    Frame,
    ClauseStart,
    Start,
    End,
    Shape,
    Near,
}

/// Places of a sentence's features in a table of [`BUCKETS`] weights, sorted, each once. Never empty: no words are a feature too.
#[must_use]
pub fn features(sentence: &str) -> Vec<usize> {
    let tokens = tokens(sentence);
    let mut set = Set::default();
    words(&tokens, &mut set);
    frames(&tokens, &mut set);
    clauses(&tokens, &mut set);
    shape(&tokens, &mut set);
    set.out.sort_unstable();
    set.out.dedup();
    set.out
}

#[derive(Default)]
struct Set {
    out: Vec<usize>,
}

impl Set {
    /// FNV-1a over the kind and the parts, each closed by a byte no text has.
    fn add<'a>(&mut self, kind: Kind, parts: impl IntoIterator<Item = &'a str>) {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |b: u8| hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        eat(kind as u8);
        for part in parts {
            part.bytes().for_each(&mut eat);
            eat(0xff);
        }
        // The low bits of FNV mix poorly: fold the high ones in.
        let folded = (hash ^ (hash >> 32)) % BUCKETS as u64;
        self.out.push(usize::try_from(folded).expect("less than the number of buckets"));
    }
}

/// Letters that stand for a word whatever its ending.
const STEM: usize = 5;

fn words(tokens: &[Token], set: &mut Set) {
    let at = |i: usize| tokens[i].word.as_str();
    for i in 0..tokens.len() {
        set.add(Kind::Word, [at(i)]);
        let stem = at(i).char_indices().nth(STEM).map_or(at(i), |(end, _)| &at(i)[..end]);
        set.add(Kind::Stem, [stem]);
        if i + 1 < tokens.len() {
            set.add(Kind::Pair, [at(i), at(i + 1)]);
        }
    }
}

/// A word as the frame of a sentence shows it: itself if it is grammar, else its kind.
fn kind_of(token: &Token) -> &str {
    let word = token.word.as_str();
    if FUNCTION.contains(&word) || !word.starts_with(char::is_alphabetic) {
        word
    } else if token.name {
        "<name>"
    } else {
        ["ing", "ed", "ly", "tion", "s"]
            .into_iter()
            .find(|end| word.ends_with(end) && word.len() > end.len() + 2)
            .unwrap_or("<w>")
    }
}

/// Runs of two to five of the sentence with everything but its grammar left out: "if you <w> any <s> please".
fn frames(tokens: &[Token], set: &mut Set) {
    let kinds: Vec<&str> = tokens.iter().map(kind_of).collect();
    for n in 2..=5 {
        for run in kinds.windows(n) {
            set.add(Kind::Frame, run.iter().copied());
        }
    }
}

fn clauses(tokens: &[Token], set: &mut Set) {
    let ends = |t: &Token| matches!(t.word.as_str(), "." | "," | ":" | ";" | "!" | "?" | "-" | "(" | ")");
    let mut start = true;
    for i in 0..tokens.len() {
        if ends(&tokens[i]) {
            start = true;
            continue;
        }
        if start && LEAD_IN.contains(&tokens[i].word.as_str()) {
            continue;
        }
        if start {
            let kind = if set.out.is_empty() { Kind::Start } else { Kind::ClauseStart };
            for n in 1..=3.min(tokens.len() - i) {
                set.add(kind, tokens[i..i + n].iter().map(|t| t.word.as_str()));
                set.add(kind, std::iter::once("~").chain(tokens[i..i + n].iter().map(kind_of)));
            }
        }
        start = matches!(tokens[i].word.as_str(), "and" | "but");
    }
    if let Some(first) = tokens.first() {
        set.add(Kind::Start, ["first", &first.word]);
    }
}

fn shape(tokens: &[Token], set: &mut Set) {
    let last = tokens.last().map_or("", |t| if t.word.starts_with(char::is_alphabetic) { "word" } else { &t.word });
    set.add(Kind::End, [last]);
    let first = tokens.first().map_or("", |t| t.word.as_str());
    set.add(Kind::End, [first, last]);
    let length = match tokens.len() {
        0..=3 => "3",
        4..=6 => "6",
        7..=10 => "10",
        11..=16 => "16",
        17..=25 => "25",
        26..=40 => "40",
        _ => "more",
    };
    set.add(Kind::Shape, ["length", length]);
    set.add(Kind::Shape, ["length", length, last]);
    let has = |words: &[&str]| tokens.iter().any(|t| words.contains(&t.word.as_str()));
    let you = if has(&["you", "your"]) { "you" } else { "-" };
    let me = if has(&["me", "us", "i", "we", "my", "our"]) { "me" } else { "-" };
    set.add(Kind::Shape, ["who", you, me, last]);
    set.add(Kind::Shape, ["who", you, me]);
    // What stands near "you": who is asked, and with which verb.
    for i in (0..tokens.len()).filter(|i| matches!(tokens[*i].word.as_str(), "you" | "me" | "us" | "please" | "we")) {
        for j in (i + 1..tokens.len().min(i + 5)).chain(i.saturating_sub(4)..i) {
            let side = if j > i { ">" } else { "<" };
            set.add(Kind::Near, [tokens[i].word.as_str(), side, tokens[j].word.as_str()]);
        }
    }
}
