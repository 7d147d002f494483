//! What the pair model learns from: every pair of labelled deals, with whether it was planted and about what.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Slot,
    labelled::{At, Case, spoken},
    learned::choose,
    lexicon::hits,
    model::{SLOT_FEATURES, slot_rows},
    pair::{Candidate, Row, candidates},
    reading::{Deal, flat},
};

/// A pair of turns.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Number of the deal.
    pub case: usize,
    /// Places of the turns in the deal.
    pub turns: (usize, usize),
    /// Its numbers.
    pub row: Row,
    /// What it is about, if it was planted.
    pub planted: Option<Slot>,
    /// What tells of each slot; only of what was planted.
    pub slots: Option<[[f32; SLOT_FEATURES]; Slot::ALL.len()]>,
}

/// Every pair of the deals that is looked at.
///
/// A phrase of the lexicon counts only if another of the deals has it too: whoever wrote the lexicon has read these deals,
/// and a phrase of one deal alone may have been written for it. On deals nobody read there are none of those.
#[must_use]
pub fn examples(cases: &[Case]) -> Vec<Example> {
    let mut deals_with: BTreeMap<u16, BTreeSet<usize>> = BTreeMap::new();
    for (case, turn) in
        cases.iter().enumerate().flat_map(|(n, c)| c.calls.iter().flat_map(|c| &c.turns).map(move |t| (n, t)))
    {
        for hit in hits(&flat(&turn.text.split_whitespace().collect::<Vec<_>>())) {
            deals_with.entry(hit.phrase).or_default().insert(case);
        }
    }
    let common: BTreeSet<u16> = deals_with.into_iter().filter(|(_, d)| d.len() > 1).map(|(p, _)| p).collect();
    let mut out = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let deal = Deal::read(&spoken(case), Some(&common));
        for Candidate { first, second, row } in candidates(&deal) {
            let at =
                |turn: usize| At { call: case.calls[deal.turns[turn].call].call.clone(), turn: deal.turns[turn].turn };
            let planted = case.contradictions.iter().find(|p| p.first == at(first) && p.second == at(second));
            let slots = planted.map(|_| slot_rows(&deal, &deal.turns[first], &deal.turns[second]));
            out.push(Example { case: number, turns: (first, second), row, planted: planted.map(|p| p.slot), slots });
        }
    }
    out
}

/// How many pairs would be shown from a threshold on, and how many of them were planted, given each one's probability.
#[must_use]
pub fn shown(examples: &[Example], probabilities: &[f32], threshold: f32) -> (usize, usize) {
    let mut by_case: BTreeMap<usize, Vec<(f32, Candidate)>> = BTreeMap::new();
    let mut planted = BTreeSet::new();
    for (e, p) in examples.iter().zip(probabilities) {
        if *p >= threshold {
            let pair = Candidate { first: e.turns.0, second: e.turns.1, row: e.row };
            by_case.entry(e.case).or_default().push((*p, pair));
        }
        if e.planted.is_some() {
            planted.insert((e.case, e.turns));
        }
    }
    let (mut all, mut hits) = (0, 0);
    for (case, pairs) in by_case {
        for (_, pair) in choose(pairs) {
            all += 1;
            hits += usize::from(planted.contains(&(case, (pair.first, pair.second))));
        }
    }
    (all, hits)
}
