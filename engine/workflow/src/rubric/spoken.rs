//! The words of a call by side, and where phrases stand in them.

use std::ops::Range;

use reframe_call::audio::Party;

use crate::{
    artifact::Evidence,
    handoff::{CallTranscript, HeardWord, Turn},
};

/// A silence this long between two words begins a new clause: the detector's measure.
const CLAUSE_PAUSE_MS: u64 = 450;
/// Sounds that may stand between the words of a phrase.
const FILLERS: &[&str] = &["um", "uh", "er", "erm", "ah", "hmm", "mm", "like"];
/// Phrases that begin within so many words of one another speak of one thing.
const APART_WORDS: usize = 6;
/// Longest quote, in words: what a person reads at a glance.
const QUOTE_WORDS: usize = 24;
/// Words before a phrase that its quote begins with at most.
const LEAD_WORDS: usize = 6;

/// A place in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Index of the turn.
    pub turn: usize,
    /// Words of it.
    pub words: Range<usize>,
}

/// A call made ready to be searched.
pub(crate) struct Spoken<'a> {
    call: &'a CallTranscript,
    sides: Vec<Party>,
}

/// A word as phrases are written: lower case, without punctuation around it.
pub(crate) fn plain(text: &str) -> String {
    text.trim_matches(|c: char| !c.is_alphanumeric()).replace('’', "'").to_lowercase()
}

impl<'a> Spoken<'a> {
    /// Of a call.
    pub fn of(call: &'a CallTranscript) -> Self {
        Self { call, sides: call.turns.iter().map(|t| call.side(t)).collect() }
    }

    /// The call.
    pub fn call(&self) -> &'a CallTranscript {
        self.call
    }

    /// The turns of a side that have words, with their indices.
    pub fn turns(&self, side: Party) -> impl Iterator<Item = (usize, &'a Turn)> + '_ {
        let turns = self.call.turns.iter().enumerate().zip(&self.sides);
        turns.filter(move |((_, t), s)| **s == side && !t.words.is_empty()).map(|(turn, _)| turn)
    }

    /// Where a side says one of `phrases`; of those that begin within a few words of one another, the first.
    pub fn places(&self, side: Party, phrases: &[&str]) -> Vec<Place> {
        let phrases: Vec<Vec<&str>> = phrases.iter().map(|p| p.split(' ').collect()).collect();
        let mut out = Vec::new();
        for (turn, t) in self.turns(side) {
            for clause in clauses(&t.words) {
                let said: Vec<String> = t.words[clause.clone()].iter().map(|w| plain(&w.text)).collect();
                let mut from = 0;
                while from < said.len() {
                    let found = phrases.iter().find_map(|p| matched(&said[from..], p));
                    if let Some(n) = found {
                        let at = clause.start + from;
                        out.push(Place { turn, words: at..at + n });
                    }
                    from += found.map_or(1, |n| n.max(APART_WORDS));
                }
            }
        }
        out
    }

    /// Evidence for each of [`places`](Self::places), with the words around it.
    pub fn find(&self, side: Party, phrases: &[&str]) -> Vec<Evidence> {
        self.places(side, phrases).iter().map(|p| self.quote(p)).collect()
    }

    /// Evidence for a place, with the words of its clause around it as far as a glance takes them in.
    pub fn quote(&self, place: &Place) -> Evidence {
        let turn = &self.call.turns[place.turn];
        let clause = clauses(&turn.words).into_iter().find(|c| c.contains(&place.words.start));
        let clause = clause.unwrap_or(place.words.clone());
        let from = place.words.start.saturating_sub(LEAD_WORDS).max(clause.start);
        let until = clause.end.max(place.words.end).min(from + QUOTE_WORDS).max(place.words.end);
        self.call.quote(turn, from..until)
    }

    /// Evidence for how a turn begins.
    pub fn beginning(&self, turn: usize) -> Option<Evidence> {
        let t = self.call.turns.get(turn).filter(|t| !t.words.is_empty())?;
        Some(self.call.quote(t, 0..t.words.len().min(QUOTE_WORDS)))
    }

    /// The turn of a side that is longest in words, the first of equals.
    pub fn longest(&self, side: Party) -> Option<usize> {
        self.turns(side).max_by_key(|(i, t)| (t.words.len(), std::cmp::Reverse(*i))).map(|(i, _)| i)
    }
}

/// Number of words at the beginning of `said` that `phrase` takes up, fillers between its words included.
fn matched(said: &[String], phrase: &[&str]) -> Option<usize> {
    let mut at = 0;
    for (i, word) in phrase.iter().enumerate() {
        while i > 0 && said.get(at).is_some_and(|s| FILLERS.contains(&s.as_str()) && s != word) {
            at += 1;
        }
        if said.get(at)? != word {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// The clauses of a turn: stretches without a pause, or up to a full stop where the words come with one.
pub(crate) fn clauses(words: &[HeardWord]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut from = 0;
    for i in 1..=words.len() {
        let ends = i == words.len()
            || words[i].from_ms.saturating_sub(words[i - 1].to_ms) >= CLAUSE_PAUSE_MS
            || words[i - 1].text.ends_with(['.', '?', '!']);
        if ends {
            out.push(from..i);
            from = i;
        }
    }
    out
}
