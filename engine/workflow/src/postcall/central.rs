//! The passages a call turns on: those with most of the words that come back, each word counted less once it is covered.

use std::collections::{BTreeMap, BTreeSet};

use rust_stemmers::{Algorithm, Stemmer};

use super::{
    people::{People, bare},
    talk::{Span, Talk},
    topics::{content, rarity},
};

/// Lengths of a passage, in words: a shorter one says little without its neighbours.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=24;
/// Lines in which a word must stand for the call to come back to it.
const LEAST_LINES: u32 = 2;
/// Surprise, in nats, that does not count: a word below it stands in more than one line of thirty.
const EVERYDAY: f64 = 3.5;
/// What is left of a word's weight each time it is covered.
const COVERED: f64 = 0.3;

/// Passages of `words` words in all at most, the most central first. None overlaps one of `have`, whose words count as
/// covered, and none has a word that was heard badly.
pub fn passages(talk: &Talk<'_>, people: &People, have: &[Span], words: usize) -> Vec<Span> {
    let stemmer = Stemmer::create(Algorithm::English);
    let stems = |span: &Span| -> BTreeSet<String> {
        let plain = talk.words(span).iter().filter(|w| content(w, people));
        plain.map(|w| stemmer.stem(bare(w)).into_owned()).collect()
    };
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    for (n, line) in talk.lines.iter().enumerate() {
        for stem in stems(&Span::new(n, 0..line.words.len())) {
            *lines.entry(stem).or_default() += 1;
        }
    }
    let mut weights: BTreeMap<String, f64> = lines
        .into_iter()
        .filter(|(_, n)| *n >= LEAST_LINES)
        .map(|(stem, n)| {
            let weight = f64::from(n).sqrt() * (rarity(&stem) - EVERYDAY).max(0.0);
            (stem, weight)
        })
        .collect();
    for stem in have.iter().flat_map(&stems) {
        weights.entry(stem).and_modify(|w| *w *= COVERED);
    }
    let mut candidates: Vec<(Span, BTreeSet<String>)> = candidates(talk, have)
        .into_iter()
        .map(|span| {
            let stems = stems(&span).into_iter().filter(|s| weights.contains_key(s)).collect();
            (span, stems)
        })
        .collect();
    let mut chosen: Vec<Span> = Vec::new();
    let mut left = words;
    while let Some((span, stems)) = heaviest(&candidates, &weights, left) {
        left -= span.to - span.from;
        stems.iter().for_each(|s| {
            weights.entry(s.clone()).and_modify(|w| *w *= COVERED);
        });
        candidates.retain(|(c, _)| !overlap(c, &span));
        chosen.push(span);
    }
    chosen
}

/// Every clause as a passage, each once.
fn candidates(talk: &Talk<'_>, have: &[Span]) -> BTreeSet<Span> {
    let mut spans = BTreeSet::new();
    for (n, line) in talk.lines.iter().enumerate() {
        for clause in &line.clauses {
            let span = talk.passage(n, clause.clone(), *LENGTH.end());
            if LENGTH.contains(&(span.to - span.from)) && !talk.unsure(&span) && !have.iter().any(|h| overlap(h, &span))
            {
                spans.insert(span);
            }
        }
    }
    spans
}

fn overlap(a: &Span, b: &Span) -> bool {
    a.line == b.line && a.from < b.to && b.from < a.to
}

/// The passage of at most `most` words that covers most for its length; the earlier of equals.
fn heaviest(
    candidates: &[(Span, BTreeSet<String>)],
    weights: &BTreeMap<String, f64>,
    most: usize,
) -> Option<(Span, BTreeSet<String>)> {
    let mut best: Option<(f64, &(Span, BTreeSet<String>))> = None;
    for candidate in candidates.iter().filter(|(s, _)| s.to - s.from <= most) {
        let sum: f64 = candidate.1.iter().map(|s| weights[s]).sum();
        // The root: by the word alone the shortest would always win. A passage has at most `LENGTH` words.
        #[allow(clippy::cast_precision_loss)]
        let score = sum / ((candidate.0.to - candidate.0.from) as f64).sqrt();
        if score > 0.0 && best.is_none_or(|(b, _)| score > b) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, c)| c.clone())
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::*;
    use crate::{
        dates::Anchor,
        handoff::{CallTranscript, HeardWord, Participant, Turn},
    };

    /// Turbines, which the call comes back to most, payroll, twice, and what is said once.
    const SAID: [&str; 7] = [
        "good morning everybody it is so nice to see you all again this week",
        "the turbine blades crack because the turbine gearbox vibrates at low wind speeds",
        "our turbine crews inspect the gearbox and the blades every month by hand",
        "my cousin once saw a giraffe and an ostrich near the old railway museum",
        "so the gearbox vibrates and the turbine crews replace blades far too often",
        "the payroll clerks type every timesheet into the ledger with two fingers",
        "and payroll clerks want a ledger that reads the timesheet all by itself",
    ];

    fn call(confidence: f32) -> CallTranscript {
        let word = |text: &str| HeardWord { text: text.to_owned(), from_ms: 0, to_ms: 1, confidence };
        let turns = (1u32..).zip(SAID).map(|(utterance, said)| Turn {
            utterance,
            speaker: 0,
            words: said.split(' ').map(word).collect(),
        });
        CallTranscript {
            call: "c".to_owned(),
            title: String::new(),
            started_unix_ms: 0,
            zone: "UTC".to_owned(),
            deal: None,
            participants: vec![Participant { name: "Ann".to_owned(), side: "buyer".to_owned(), email: None }],
            turns: turns.collect(),
            objections: vec![],
            cards: vec![],
            notes: vec![],
            missing_ms: 0,
        }
    }

    fn lines(confidence: f32, have: &[Span], words: usize) -> Vec<usize> {
        let call = call(confidence);
        let anchor = Anchor { now: Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC), fiscal_year_starts: 1 };
        let talk = Talk::read(&call, &anchor);
        let people = People::new(["Ann"].into_iter());
        let chosen = passages(&talk, &people, have, words);
        assert!(chosen.iter().map(|s| s.to - s.from).sum::<usize>() <= words);
        chosen.iter().map(|s| s.line).collect()
    }

    #[test]
    fn what_the_call_comes_back_to_is_chosen_and_what_comes_once_is_not() {
        let all = lines(1.0, &[], 200);
        assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2, 4, 5, 6]), "{all:?}");
        assert_eq!(all[0], 4);
    }

    #[test]
    fn the_second_passage_is_about_something_else() {
        assert!([5, 6].contains(&lines(1.0, &[], 200)[1]));
        // The same for what the summary has already, which is not said again.
        let rest = lines(1.0, &[Span::new(4, 0..13)], 200);
        assert!([5, 6].contains(&rest[0]) && !rest.contains(&4), "{rest:?}");
    }

    #[test]
    fn what_was_heard_badly_is_in_no_passage_and_no_room_is_no_passage() {
        assert!(lines(0.3, &[], 200).is_empty() && lines(1.0, &[], 11).is_empty());
    }
}
