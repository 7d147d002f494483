//! What somebody stated about a slot: a value that another statement can contradict.

use std::collections::BTreeSet;

use jiff::{Zoned, civil::Date};

use super::{
    Slot,
    line::{Sentence, stem},
    number::Number,
};

/// A turn as the rules see it.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Which call, counted in order of time.
    pub call: usize,
    /// Which turn of it.
    pub turn: usize,
    /// Whether the buyer's side speaks.
    pub buyer: bool,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
    /// What the other side asked just before; empty if it did not.
    pub asked: Vec<Sentence>,
    /// When the call was.
    pub now: &'a Zoned,
}

impl Line<'_> {
    /// Whether what was asked, or the turn itself, has one of these patterns.
    pub fn about(&self, patterns: &[&str]) -> bool {
        self.sentences.iter().chain(&self.asked).any(|s| s.any(patterns))
    }

    /// Whether what was asked has one of these patterns.
    pub fn answers(&self, patterns: &[&str]) -> bool {
        self.asked.iter().any(|s| s.any(patterns))
    }

    /// Whether the turn itself has one of these patterns.
    pub fn says(&self, patterns: &[&str]) -> bool {
        self.sentences.iter().any(|s| s.any(patterns))
    }

    /// Subjects of the turn and of what was asked.
    pub fn subjects(&self) -> BTreeSet<String> {
        let words = self.sentences.iter().chain(&self.asked).flat_map(|s| &s.words);
        words.filter_map(|w| stem(&w.text)).collect()
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number of what (`money`, `price/call`, `people`).
    Amount(Number, String),
    /// Some day from one to another.
    Days(Date, Date),
    /// One of two or more that exclude one another.
    Stance(&'static str),
    /// Names of what is so, and of what is not.
    Names(BTreeSet<String>, BTreeSet<String>),
    /// Subjects that are wanted, allowed or so, and subjects that are not.
    Sides(BTreeSet<String>, BTreeSet<String>),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What about.
    pub slot: Slot,
    /// Which call.
    pub call: usize,
    /// Which turn.
    pub turn: usize,
    /// Whether the buyer's side said it.
    pub buyer: bool,
    /// What it says.
    pub value: Value,
    /// What narrows it: two facts about different things do not contradict.
    pub topic: String,
    /// First and last word as heard.
    pub words: (usize, usize),
    /// Subjects beside it.
    pub subjects: BTreeSet<String>,
    /// Whether the turn says that something has changed, or puts something right.
    pub corrects: bool,
}

/// Words of a change or a correction.
const CHANGES: &[&str] = &[
    "no",
    "not",
    "now",
    "instead",
    "rather",
    "actually",
    "changed",
    "change",
    "turns out",
    "it seems",
    "cut",
    "reduced",
    "down to",
    "up to",
    "went over",
    "came through",
    "the result is",
    "moved",
    "pushed",
    "postponed",
    "not any more",
    "anymore",
    "sorry",
    "problem",
    "i know",
    "we've discussed",
    "because we have",
    "new",
];

impl Fact {
    /// Of words `from..to` of a sentence.
    pub fn new(line: &Line<'_>, s: &Sentence, slot: Slot, value: Value, from: usize, to: usize) -> Self {
        let at = |i: usize| s.words.get(i).map_or(0, |w| w.at);
        let to = to.clamp(from + 1, s.words.len().max(from + 1));
        Self {
            slot,
            call: line.call,
            turn: line.turn,
            buyer: line.buyer,
            value,
            topic: String::new(),
            words: (at(from), at(to - 1)),
            subjects: line.subjects(),
            corrects: line.says(CHANGES),
        }
    }

    /// The same, narrowed.
    pub fn on(self, topic: impl Into<String>) -> Self {
        Self { topic: topic.into(), ..self }
    }

    /// Whether a later statement cannot be true together with this one.
    pub fn excludes(&self, later: &Self) -> bool {
        if self.slot != later.slot || self.topic != later.topic {
            return false;
        }
        match (&self.value, &later.value) {
            (Value::Amount(a, of), Value::Amount(b, other)) => of == other && a.differs(b),
            (Value::Days(from, to), Value::Days(other_from, other_to)) => {
                let apart = |early: &Date, late: &Date| early.until(*late).map_or(0, |span| span.get_days());
                apart(to, other_from) > SAME_DAYS || apart(other_to, from) > SAME_DAYS
            }
            (Value::Stance(a), Value::Stance(b)) => a != b,
            (Value::Names(is, is_not), Value::Names(other, other_not)) => {
                let named = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.intersection(b).next().is_some();
                named(is, other_not) || named(is_not, other) || !is.is_empty() && !other.is_empty() && !named(is, other)
            }
            (Value::Sides(wanted, not), Value::Sides(other, other_not)) => {
                let both = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.intersection(b).next().is_some();
                both(wanted, other_not) || both(not, other)
            }
            _ => false,
        }
    }
}

/// Days that two dates may lie apart and be the same plan: "early june" and "the fifteenth" differ by no decision.
const SAME_DAYS: i32 = 10;
