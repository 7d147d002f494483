//! Labelled calls (`fixtures/prep/contradictions_*.jsonl`) and how well the rules do on them.

use jiff::civil::Date;
use reframe_call::date::Date as Day;
use serde::{Deserialize, Serialize};

use super::{Slot, SpokenCall, SpokenTurn, find};

/// A deal's calls with the contradictions planted in them; none: what only looks like one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Name.
    pub id: String,
    /// Calls in order of time.
    pub calls: Vec<Call>,
    /// What contradicts what.
    pub contradictions: Vec<Planted>,
}

/// A call of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Name.
    pub call: String,
    /// The day it was.
    pub day: Day,
    /// What was said.
    pub turns: Vec<Turn>,
}

/// A turn of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// `buyer` or `seller`.
    pub side: String,
    /// Who.
    pub speaker: String,
    /// What.
    pub text: String,
}

/// A planted contradiction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// What about.
    pub slot: Slot,
    /// The earlier statement.
    pub first: At,
    /// The later one.
    pub second: At,
}

/// Where a statement is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// Name of the call.
    pub call: String,
    /// Number of the turn, from 0.
    pub turn: usize,
}

/// What was found in a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Planted and found: both turns are right.
    pub hits: Vec<Planted>,
    /// Of those, the slot was told wrong.
    pub other_slot: usize,
    /// Planted and not found.
    pub missed: Vec<Planted>,
    /// Found and not planted.
    pub false_alarms: Vec<Planted>,
}

/// Counts over cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Planted and found.
    pub hits: usize,
    /// Of those, the slot was told wrong.
    pub other_slot: usize,
    /// Planted and not found.
    pub missed: usize,
    /// Found and not planted.
    pub false_alarms: usize,
}

impl Score {
    /// Adds a case.
    pub fn add(&mut self, outcome: &Outcome) {
        self.hits += outcome.hits.len();
        self.other_slot += outcome.other_slot;
        self.missed += outcome.missed.len();
        self.false_alarms += outcome.false_alarms.len();
    }
}

/// Whether a case of the file to learn from is kept for measuring: every third, by the number at the end of its name.
#[must_use]
pub fn is_held(case: &Case) -> bool {
    let number = case.id.rsplit('-').next().and_then(|n| n.parse::<usize>().ok());
    number.is_some_and(|n| n.is_multiple_of(3))
}

/// Lines of a call cut from ordinary talk.
const ORDINARY_LINES: usize = 120;
/// Days of the calls of a deal made of ordinary talk.
const ORDINARY_DAYS: [&str; 3] = ["2026-03-02", "2026-03-16", "2026-03-30"];

/// Deals made of ordinary talk, a line a turn: three calls each in which nobody contradicts anybody, for all one knows.
#[must_use]
pub fn ordinary(text: &str) -> Vec<Case> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let deals = lines.chunks_exact(ORDINARY_LINES * ORDINARY_DAYS.len()).enumerate().map(|(n, lines)| {
        let calls = lines.chunks(ORDINARY_LINES).zip(ORDINARY_DAYS).enumerate().map(|(c, (lines, day))| Call {
            call: format!("c{c}"),
            day: day.parse().expect("a day of the calendar"),
            turns: lines
                .iter()
                .enumerate()
                .map(|(i, text)| {
                    let side = if i % 2 == 0 { "seller" } else { "buyer" };
                    Turn { side: side.into(), speaker: String::new(), text: (*text).into() }
                })
                .collect(),
        });
        Case { id: format!("ordinary-{n}"), calls: calls.collect(), contradictions: Vec::new() }
    });
    deals.collect()
}

/// The calls of a case, as they are read.
#[must_use]
pub fn spoken(case: &Case) -> Vec<SpokenCall<'_>> {
    let calls = case.calls.iter().map(|call| {
        let day: Date = call.day.to_string().parse().unwrap_or(Date::ZERO);
        let turns = call
            .turns
            .iter()
            .map(|t| SpokenTurn { buyer: t.side == "buyer", words: t.text.split_whitespace().collect() });
        let now = day.at(10, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap_or_default();
        SpokenCall { now, turns: turns.collect() }
    });
    calls.collect()
}

/// Reads a case and compares. A hit has both turns of a planted pair; of two findings of one pair the second is false.
#[must_use]
pub fn judge(case: &Case) -> Outcome {
    let mut open: Vec<Planted> = case.contradictions.clone();
    let mut outcome = Outcome::default();
    for pair in find(&spoken(case)) {
        let at = |place: super::Place| At { call: case.calls[place.call].call.clone(), turn: place.turn };
        let found = Planted { slot: pair.slot, first: at(pair.first), second: at(pair.second) };
        match open.iter().position(|p| p.first == found.first && p.second == found.second) {
            Some(n) => {
                let planted = open.remove(n);
                outcome.other_slot += usize::from(planted.slot != found.slot);
                outcome.hits.push(planted);
            }
            None => outcome.false_alarms.push(found),
        }
    }
    outcome.missed = open;
    outcome
}
