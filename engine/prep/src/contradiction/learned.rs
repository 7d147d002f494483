//! Contradictions that a pair model finds: pairs of turns by how likely they are one, each turn in one pair at most.

use std::collections::BTreeSet;

use super::{
    Pair, Place, Slot, SpokenCall,
    lexicon::{Class, class_of},
    line::Sentence,
    model::{Model, slot_rows},
    number::numbers,
    pair::{Candidate, candidates},
    reading::{Deal, Reading},
};

/// Longest span that stands for a statement, in words.
const MAX_SPAN: usize = 14;

/// Pairs of a deal whose probability reaches the model's threshold, the likeliest first.
pub fn find(calls: &[SpokenCall<'_>], model: &Model) -> Vec<Pair> {
    let deal = Deal::read(calls, None);
    let found = candidates(&deal).into_iter().map(|c| (model.probability(&c.row), c));
    let likely = found.filter(|(p, _)| *p >= model.threshold).collect();
    let pairs = choose(likely).into_iter().map(|(_, c)| {
        let (first, second) = (&deal.turns[c.first], &deal.turns[c.second]);
        let slot = model.slot(&slot_rows(&deal, first, second));
        Pair { slot, first: place(first, slot), second: place(second, slot) }
    });
    pairs.collect()
}

/// The likeliest pairs in which no turn stands twice on the same side, in order of probability.
pub fn choose(mut pairs: Vec<(f32, Candidate)>) -> Vec<(f32, Candidate)> {
    pairs.sort_by(|(p, a), (q, b)| q.total_cmp(p).then((a.first, a.second).cmp(&(b.first, b.second))));
    let (mut firsts, mut seconds) = (BTreeSet::new(), BTreeSet::new());
    pairs.retain(|(_, c)| {
        let free = !firsts.contains(&c.first) && !seconds.contains(&c.second);
        if free {
            firsts.insert(c.first);
            seconds.insert(c.second);
        }
        free
    });
    pairs
}

/// Where a turn says what it says about a slot: the words that speak of it, or take a side on it, and numbers, as many of
/// them as lie close together.
fn place(turn: &Reading, slot: Slot) -> Place {
    let classes = [Class::Topic(slot), Class::Side(slot, 0), Class::Side(slot, 1)].map(Class::index);
    let mut spans: Vec<(usize, usize)> =
        turn.hits.iter().filter(|h| classes.contains(&class_of(h.phrase))).map(|h| (h.from, h.to)).collect();
    spans.extend(numbers(&turn.words).iter().map(|n| (n.from, n.to)));
    let covered = |from: usize| {
        let inside = spans.iter().filter(move |s| s.0 >= from && s.1 <= from + MAX_SPAN);
        (inside.clone().count(), inside.map(|s| s.1).max())
    };
    let best = spans.iter().max_by_key(|s| (covered(s.0).0, std::cmp::Reverse(s.0)));
    let (from, to) = match best {
        Some((from, to)) => (*from, covered(*from).1.unwrap_or(*to)),
        None => (0, turn.len().min(MAX_SPAN)),
    };
    Place { call: turn.call, turn: turn.turn, words: heard(&turn.words, from, to) }
}

/// First and last word as heard of words `from..to`.
fn heard(words: &Sentence, from: usize, to: usize) -> (usize, usize) {
    let at = |i: usize| words.words.get(i).map_or(0, |w| w.at);
    let first = at(from);
    (first, at(to.saturating_sub(1)).max(first))
}
