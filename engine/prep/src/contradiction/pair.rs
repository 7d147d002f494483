//! Two turns of the same side in different calls, as numbers: what they share, where they differ, and what was said around
//! them. What the numbers weigh is `model`.

use super::{
    Slot,
    lexicon::Class,
    reading::{Amount, Deal, Reading},
};

/// How many numbers a pair has.
pub const FEATURES: usize = ALONE + RELATIVE;
/// Of them, those that the pair has by itself.
const ALONE: usize = 56;
/// And those that hold it against the other pairs of its turns.
const RELATIVE: usize = 18;
/// The numbers of [`ALONE`] that are held against those of other pairs; of the earlier turn's own, only among earlier turns.
const HELD: [usize; 6] = [SHARED, SHARED + 1, TOPIC + 1, SIDES + 1, AMOUNTS, SHARED + 2];
const SHARED: usize = 34;
const AMOUNTS: usize = 39;
const TOPIC: usize = 48;
const SIDES: usize = 52;
const FIRST_WORDS: usize = 0;
const FIRST_ASKED: usize = 2;

/// Their names, in order.
pub const NAMES: [&str; FEATURES] = [
    // The earlier turn.
    "first/words",
    "first/asks",
    "first/answers",
    "first/answers a w-question",
    "first/supposed",
    "first/other",
    "first/change",
    "first/deny",
    "first/same",
    "first/amount",
    "first/denials",
    "first/begins with no",
    // The later one.
    "second/words",
    "second/asks",
    "second/answers",
    "second/supposed",
    "second/other",
    "second/change",
    "second/deny",
    "second/same",
    "second/amount",
    "second/denials",
    "second/begins with no",
    "second/begins with yes",
    // Around the later one.
    "before/plan",
    "before/surprise",
    "before/so",
    "after/surprise",
    "later/surprise",
    "after/same",
    "after/asks",
    "after/short",
    "after/interjection",
    "after/so",
    // Subject words both have.
    "shared/own",
    "shared/context",
    "shared/first with before second",
    "shared/first with after second",
    "shared/before first with second",
    // Numbers.
    "amount/differs",
    "amount/same",
    "amount/same before second",
    "amount/same after second",
    "amount/of one thing differs",
    "amount/of one thing same",
    "amount/both",
    "month/differs",
    "month/same",
    // What they are about, and the sides they take.
    "topic/likeness",
    "topic/strongest in both",
    "topic/first",
    "topic/second",
    "side/opposed",
    "side/most opposed",
    "side/same",
    // How long passed.
    "days",
    // Against other pairs.
    "among first/shared own",
    "among first/shared context",
    "among first/topic",
    "among first/side",
    "among first/amount",
    "among first/before second",
    "among first/words",
    "among first/answers",
    "among first/related",
    "among second/shared own",
    "among second/shared context",
    "among second/topic",
    "among second/side",
    "among second/amount",
    "among second/before second",
    "among second/related",
    "first of its kind",
    "denied in one",
];

/// The numbers of a pair.
pub type Row = [f32; FEATURES];

/// A pair under judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Place of the earlier turn in the deal.
    pub first: usize,
    /// Place of the later one.
    pub second: usize,
    /// Its numbers.
    pub row: Row,
}

/// Turns of one side of one call that are looked at, the most telling: what a call of an hour says, not all it chats about.
const MAX_STATEMENTS: usize = 10;
/// Calls before the later statement that are looked at, the latest.
const MAX_CALLS: usize = 24;
/// Words from which on a turn is a full statement.
const FULL: f32 = 20.0;
/// Days after which more of them make a change no likelier.
const MOST_DAYS: f32 = 60.0;

/// Every pair of a deal that may be a contradiction, with its numbers.
pub fn candidates(deal: &Deal) -> Vec<Candidate> {
    let mut out = Vec::new();
    for buyer in [true, false] {
        let statements = statements(deal, buyer);
        let from = out.len();
        for second in statements.iter().flatten().copied().filter(|s| deal.turns[*s].len() >= 3) {
            let call = deal.turns[second].call;
            for first in statements[call.saturating_sub(MAX_CALLS)..call].iter().flatten().copied() {
                let row = alone(deal, &deal.turns[first], &deal.turns[second]);
                out.push(Candidate { first, second, row });
            }
        }
        compare(deal, &mut out[from..]);
    }
    out
}

/// The turns of a side by call, the most telling of each.
fn statements(deal: &Deal, buyer: bool) -> Vec<Vec<usize>> {
    let mut by_call = vec![Vec::new(); deal.days.len()];
    for (i, turn) in deal.turns.iter().enumerate() {
        if turn.buyer == buyer && (turn.len() >= 2 || !turn.amounts.is_empty()) {
            by_call[turn.call].push(i);
        }
    }
    let telling = |i: usize| {
        let turn = &deal.turns[i];
        let about = turn.topics.iter().copied().fold(0.0, f32::max);
        about + 2.0 * full(turn) + f32::from(u8::from(!turn.amounts.is_empty())) + share(turn, Class::Change, 3)
    };
    for turns in &mut by_call {
        if turns.len() > MAX_STATEMENTS {
            turns.sort_by(|a, b| telling(*b).total_cmp(&telling(*a)).then(a.cmp(b)));
            turns.truncate(MAX_STATEMENTS);
            turns.sort_unstable();
        }
    }
    by_call
}

fn full(turn: &Reading) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "words of a turn are far below 2^24")]
    let words = turn.len() as f32;
    words.min(FULL) / FULL
}

/// Phrases of a class, as a share of `most`.
fn share(turn: &Reading, class: Class, most: u8) -> f32 {
    f32::from(turn.count(class).min(most)) / f32::from(most)
}

fn yes(is: bool) -> f32 {
    f32::from(u8::from(is))
}

const W_WORDS: [&str; 8] = ["what", "who", "which", "where", "when", "how", "why", "whose"];
const ASSENT: [&str; 10] = ["yes", "yep", "yeah", "exactly", "correct", "right", "still", "both", "good", "sure"];
const INTERJECTIONS: [&str; 15] =
    ["oh", "ah", "hm", "okay", "ok", "right", "so", "sorry", "uh", "wow", "really", "since", "half", "wait", "hang"];

/// Whether a turn asks with a w-word among its first `reach` words.
fn w_question(turn: &Reading, reach: usize) -> bool {
    turn.words.words.iter().take(reach).any(|w| W_WORDS.contains(&w.text.as_str()))
}

/// The numbers that a pair has by itself; the rest are 0.
fn alone(deal: &Deal, first: &Reading, second: &Reading) -> Row {
    let of = |at: Option<usize>| at.map(|at| &deal.turns[at]);
    let around = |at: Option<&Reading>, class| at.map_or(0.0, |t| share(t, class, 3));
    let asked = |t: &Reading| of(t.before).is_some_and(|q| q.asks || w_question(q, q.len()));
    let so = |at: Option<&Reading>| yes(at.is_some_and(|t| t.word(0) == "so" || t.word(1) == "so"));
    let denials = |t: &Reading| [0.0, 0.5, 1.0][t.denials.min(2)];
    let (question, before, after, later) = (of(first.before), of(second.before), of(second.after), of(second.later));
    let shared = |a: &[u32], b: &[u32], most: f32| common(deal, a, b).min(most) / most;
    let numbers = Numbers::of(&first.amounts, &second.amounts);
    let again = |at: Option<&Reading>| yes(at.is_some_and(|t| Numbers::of(&first.amounts, &t.amounts).same));
    let months = first.months != 0 && second.months != 0;
    let (opposed, most_opposed, agreed) = sides(first, second);
    let strongest = |t: &Reading| t.topics.iter().copied().fold(0.0, f32::max) / 2.0;
    let both = first.topics.iter().zip(&second.topics).map(|(a, b)| a.min(*b)).fold(0.0, f32::max) / 2.0;
    let mut row = [0.0; FEATURES];
    let own = [
        full(first),
        yes(first.asks),
        yes(asked(first)),
        yes(question.is_some_and(|q| w_question(q, 4))),
        share(first, Class::Supposed, 3),
        share(first, Class::Other, 3),
        share(first, Class::Change, 3),
        share(first, Class::Deny, 3),
        share(first, Class::Same, 3),
        yes(!first.amounts.is_empty()),
        denials(first),
        yes(["no", "none", "nobody", "never", "nothing", "not"].contains(&first.word(0))),
        full(second),
        yes(second.asks),
        yes(asked(second)),
        share(second, Class::Supposed, 3),
        share(second, Class::Other, 3),
        share(second, Class::Change, 3),
        share(second, Class::Deny, 3),
        share(second, Class::Same, 3),
        yes(!second.amounts.is_empty()),
        denials(second),
        yes(["no", "nope"].contains(&second.word(0))),
        yes(ASSENT.contains(&second.word(0))),
        around(before, Class::Plan),
        around(before, Class::Surprise),
        so(before),
        around(after, Class::Surprise),
        around(later, Class::Surprise),
        around(after, Class::Same),
        yes(after.is_some_and(|t| t.asks)),
        yes(after.is_some_and(|t| t.len() <= 4)),
        yes(after.is_some_and(|t| INTERJECTIONS.contains(&t.word(0)))),
        so(after),
        shared(&first.stems, &second.stems, 8.0),
        shared(&first.context, &second.context, 12.0),
        shared(&first.stems, stems(before), 8.0),
        shared(&first.stems, stems(after), 8.0),
        shared(stems(question), &second.stems, 8.0),
        numbers.differ,
        yes(numbers.same),
        again(before),
        again(after),
        yes(numbers.of_one_differ),
        yes(numbers.of_one_same),
        yes(!first.amounts.is_empty() && !second.amounts.is_empty()),
        yes(months && first.months & second.months == 0),
        yes(first.months & second.months != 0),
        likeness(&first.topics, &second.topics),
        both,
        strongest(first),
        strongest(second),
        opposed.min(4.0) / 2.0,
        most_opposed,
        agreed.min(4.0) / 2.0,
        passed(deal, first, second),
    ];
    row[..ALONE].copy_from_slice(&own);
    row[FEATURES - 1] = yes((first.denials == 0) != (second.denials == 0));
    row
}

/// A turn's subject words; none of no turn.
fn stems(at: Option<&Reading>) -> &[u32] {
    at.map_or(&[][..], |t| &t.stems[..])
}

/// How telling the subject words are that two turns share; both are in order.
fn common(deal: &Deal, a: &[u32], b: &[u32]) -> f32 {
    let (mut i, mut k, mut sum) = (0, 0, 0.0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(k)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => k += 1,
            std::cmp::Ordering::Equal => {
                sum += deal.telling[*x as usize];
                i += 1;
                k += 1;
            }
        }
    }
    sum
}

/// What two turns' numbers have to do with one another.
struct Numbers {
    /// 1 where two of one unit differ, 0.5 where two of any unit do, by less than tenfold.
    differ: f32,
    /// Two are the same, or the thousandfold of one another.
    same: bool,
    of_one_differ: bool,
    of_one_same: bool,
}

impl Numbers {
    fn of(first: &[Amount], second: &[Amount]) -> Self {
        const PER: [&str; 4] = ["a", "an", "each", "per"];
        let mut out = Self { differ: 0.0, same: false, of_one_differ: false, of_one_same: false };
        for (a, b) in first.iter().flat_map(|a| second.iter().map(move |b| (a, b))) {
            let (low, high) = (a.value.min(b.value), a.value.max(b.value));
            if low <= 0.0 {
                continue;
            }
            let times = high / low;
            let (a_per, b_per) = (PER.contains(&a.unit.as_str()), PER.contains(&b.unit.as_str()));
            let of_one = a.unit == b.unit && a.unit.len() > 3;
            if times < 1.05 || (950.0..1_050.0).contains(&times) {
                out.same = true;
            } else if times < 10.0 {
                let differ = if of_one || a_per && b_per { 1.0 } else { 0.5 };
                out.differ = out.differ.max(differ);
            }
            out.of_one_differ |= of_one && times > 1.05;
            out.of_one_same |= of_one && times <= 1.05;
        }
        out
    }
}

/// How far two turns are about the same slots: the cosine.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if norm > 0.0 { dot(a, b) / norm } else { 0.0 }
}

/// Which of the sides of a slot a turn takes: 1 the first, -1 the second, 0 neither or both alike.
pub fn side(turn: &Reading, slot: Slot) -> f32 {
    let [a, b] = [0, 1].map(|side| f32::from(turn.count(Class::Side(slot, side))));
    if a + b > 0.0 { (a - b) / (a + b) } else { 0.0 }
}

/// How far they take opposite sides: over all slots, on the slot where they do most, and how far the same side.
fn sides(first: &Reading, second: &Reading) -> (f32, f32, f32) {
    let (mut opposed, mut most, mut agreed) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (n, slot) in Slot::ALL.into_iter().enumerate() {
        let about = first.topics[n].min(1.5) * second.topics[n].min(1.5);
        let product = side(first, slot) * side(second, slot) * about;
        opposed += (-product).max(0.0);
        most = most.max(-product);
        agreed += product.max(0.0);
    }
    (opposed, most, agreed)
}

/// How long passed between them, 0 for none to 1: the longer, the likelier that something is otherwise.
fn passed(deal: &Deal, first: &Reading, second: &Reading) -> f32 {
    let span = deal.days[first.call].until(deal.days[second.call]).map_or(0, |s| s.get_days());
    #[allow(clippy::cast_precision_loss, reason = "days between calls are far below 2^24")]
    let days = (span.max(0) as f32).min(MOST_DAYS);
    days.ln_1p() / MOST_DAYS.ln_1p()
}

/// How much a pair's turns have to do with one another.
fn related(row: &Row) -> f32 {
    row[SHARED + 1] + 0.5 * row[TOPIC]
}

/// Best and second best of what was seen.
#[derive(Clone, Copy, Default)]
struct Top {
    best: f32,
    next: f32,
}

impl Top {
    fn see(&mut self, value: f32) {
        if value > self.best {
            (self.best, self.next) = (value, self.best);
        } else {
            self.next = self.next.max(value);
        }
    }

    /// How far below the best, or, for the best, how far above the next.
    fn against(self, value: f32) -> f32 {
        if value < self.best { value - self.best } else { self.best - self.next }
    }
}

/// What is held against other pairs: the numbers of [`HELD`], words, whether it answers, how related.
fn held(row: &Row) -> [f32; 9] {
    let mut out = [0.0; 9];
    for (to, from) in HELD.into_iter().chain([FIRST_WORDS, FIRST_ASKED]).enumerate() {
        out[to] = row[from];
    }
    out[8] = related(row);
    out
}

/// Fills in how each pair stands among those of the same later turn, and of the same earlier one.
fn compare(deal: &Deal, pairs: &mut [Candidate]) {
    use std::collections::BTreeMap;
    let mut among_first: BTreeMap<usize, [Top; 9]> = BTreeMap::new();
    let mut among_second: BTreeMap<usize, [Top; 9]> = BTreeMap::new();
    // Of each later turn, the most related pair with each earlier call.
    let mut by_call: BTreeMap<(usize, usize), f32> = BTreeMap::new();
    for pair in pairs.iter() {
        let held = held(&pair.row);
        let first = among_first.entry(pair.second).or_default();
        let second = among_second.entry(pair.first).or_default();
        for (n, value) in held.into_iter().enumerate() {
            first[n].see(value);
            second[n].see(value);
        }
        let most = by_call.entry((pair.second, deal.turns[pair.first].call)).or_default();
        *most = most.max(held[8]);
    }
    for pair in pairs {
        let held = held(&pair.row);
        let (first, second) = (among_first[&pair.second], among_second[&pair.first]);
        let row = &mut pair.row;
        for n in 0..9 {
            row[ALONE + n] = first[n].against(held[n]);
        }
        for (to, n) in [0, 1, 2, 3, 4, 5, 8].into_iter().enumerate() {
            row[ALONE + 9 + to] = second[n].against(held[n]);
        }
        let call = deal.turns[pair.first].call;
        let earlier = by_call.range((pair.second, 0)..(pair.second, call)).map(|(_, v)| *v).reduce(f32::max);
        // Of what was said again and again the first time counts; nothing before it counts for some.
        row[ALONE + 16] = earlier.map_or(0.3, |e| (held[8] - e).clamp(-1.0, 1.0));
    }
}
