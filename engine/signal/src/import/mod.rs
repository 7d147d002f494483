//! From bytes to events: CSV, JSON Lines, RSS and Atom, pasted text and the signed webhook. A bad line loses only itself.

mod feed;
mod guess;
mod pasted;
mod row;
mod table;
mod webhook;
mod when;

use serde::{Deserialize, Serialize};

pub use self::{
    feed::{FeedAbout, feed},
    guess::{Guess, guess_kind},
    pasted::{Pasted, pasted},
    row::FIELDS,
    table::{csv, json_lines},
    webhook::{Delivery, Refused, WINDOW_MS, sign, webhook},
    when::instant,
};
use crate::event::SignalEvent;

/// Most bytes one import reads; a year of a team's signals is a few megabytes.
pub const MOST_BYTES: usize = 64 << 20;
/// Most events one import gives.
pub const MOST_EVENTS: usize = 500_000;
/// Most problems that are listed; the rest is counted in [`Imported::more_problems`].
pub const MOST_PROBLEMS: usize = 200;

/// Where bytes came from and when.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Importer and file: `csv:visits-2026-05.csv`.
    pub source: &'a str,
    /// When they arrived, in ms since 1970-01-01 UTC. Nothing may have happened more than a day after it.
    pub received_unix_ms: i64,
}

/// A line that gave no event, or not all that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its line, from 1; 0: the whole.
    pub line: u64,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// What an import gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Events in the order of the file; not deduplicated (see [`crate::event::dedupe`]).
    pub events: Vec<SignalEvent>,
    /// What was left out and why, at most [`MOST_PROBLEMS`].
    pub problems: Vec<Problem>,
    /// Problems beyond those.
    pub more_problems: usize,
    /// How many of the problems cost nothing that was to be read: columns without a meaning here.
    pub notes: usize,
    /// Items of a feed that name no watched account: no fault, but not ours.
    pub not_ours: usize,
}

impl Imported {
    /// How many lines, or rests of files, were refused.
    #[must_use]
    pub const fn refused(&self) -> usize {
        (self.problems.len() + self.more_problems).saturating_sub(self.notes)
    }

    fn problem(&mut self, line: u64, what: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem { line, what: what.into() });
        } else {
            self.more_problems += 1;
        }
    }

    /// Takes an event, or says why there is none. False: no more are taken.
    fn take(&mut self, line: u64, event: Result<SignalEvent, String>) -> bool {
        match event {
            Ok(event) => self.events.push(event),
            Err(what) => self.problem(line, what),
        }
        if self.events.len() < MOST_EVENTS {
            return true;
        }
        self.problem(line, format!("more than {MOST_EVENTS} events: the rest was not read; split the file"));
        false
    }
}

/// The text of some bytes, without a byte order mark.
fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    let too_big = || format!("{} bytes are more than {MOST_BYTES}: split the file", bytes.len());
    if bytes.len() > MOST_BYTES {
        return Err(Problem { line: 0, what: too_big() });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = 1 + bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64;
        Problem { line, what: "this is no UTF-8: save the file as UTF-8".into() }
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests;
