//! Weights and half-lives from won and lost deals, where there are enough and they show anything.

use std::collections::BTreeMap;

use super::{
    Basis, Case, KindWeight, Weights, left,
    newton::{Rows, chance, loss, minimise},
};
use crate::event::SignalKind;

/// Fewest won deals to fit on. Judgement: about four for each of twelve kinds.
pub const LEAST_WON: usize = 50;
/// Fewest lost deals to fit on; a win rate of a quarter is common.
pub const LEAST_LOST: usize = 150;
/// Half-lives that are tried, in days.
pub const HALF_LIVES_DAYS: [f64; 12] = [1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0];
/// Fewest cases in which a kind occurs; below, it keeps the weight it had.
const LEAST_SEEN: usize = 20;
/// Times that the half-lives of all kinds are gone through.
const ROUNDS: usize = 2;
/// Standard errors by which a fit must beat the base rate: one-sided, 5 hundredths.
const SURE: f64 = 1.64;
/// Parts of the cross-validation, by account.
const FOLDS: usize = 5;

/// Fits weights (logistic, L2) and half-lives (over [`HALF_LIVES_DAYS`]) on past deals. `given` is what holds without
/// history, and stays for kinds that occur in fewer than 20 cases.
///
/// Gives `given` back, saying why, if there are fewer than [`LEAST_WON`] or [`LEAST_LOST`] deals, or if the fit does not
/// foretell deals of accounts left out better than the base rate by more than 1.64 standard errors. The half-lives are not
/// chosen anew without the accounts left out, which flatters the fit a little.
///
/// Fitted points are log-odds scaled by one factor so that they sum to what the same kinds have in `given`: the order they
/// give is the fit's, and one can still read them beside kinds that were not fitted.
#[must_use]
pub fn fit(cases: &[Case], given: &Weights) -> Weights {
    let won = cases.iter().filter(|c| c.won).count();
    let lost = cases.len() - won;
    let stay = |why: String| {
        let mut same = given.clone();
        same.basis = Basis::Defaults { why };
        same
    };
    if won < LEAST_WON || lost < LEAST_LOST {
        let why = format!(
            "{won} won and {lost} lost deals are known; weights are fitted from {LEAST_WON} won and {LEAST_LOST} lost on"
        );
        return stay(why);
    }
    let kinds: Vec<SignalKind> = SignalKind::ALL
        .into_iter()
        .filter(|k| cases.iter().filter(|c| c.events.iter().any(|(kind, _)| kind == k)).count() >= LEAST_SEEN)
        .collect();
    if kinds.is_empty() {
        return stay("hardly any deal had a signal before it began".into());
    }
    let mut half_lives: Vec<f64> = kinds.iter().map(|k| nearest(given.of(*k).1)).collect();
    let mut rows = Rows {
        width: kinds.len(),
        values: vec![0.0; cases.len() * kinds.len()],
        won: cases.iter().map(|c| c.won).collect(),
    };
    for (j, kind) in kinds.iter().enumerate() {
        fill(&mut rows, j, cases, *kind, half_lives[j]);
    }
    let all = |_: usize| true;
    let base = (won as f64 / lost as f64).ln();
    let mut start = vec![0.0; kinds.len() + 1];
    start[0] = base;
    let (mut beta, _) = minimise(&rows, &start, &all);
    // Another half-life than the given one has to earn its freedom: half the logarithm of the cases (Schwarz's criterion).
    let earned = 0.5 * (cases.len() as f64).ln();
    for _ in 0..ROUNDS {
        for (j, kind) in kinds.iter().enumerate() {
            let stays = nearest(given.of(*kind).1);
            let mut best: Option<(f64, f64, Vec<f64>)> = None;
            for half_life in HALF_LIVES_DAYS {
                fill(&mut rows, j, cases, *kind, half_life);
                let (next, value) = minimise(&rows, &beta, &all);
                let value = if half_life == stays { value - earned } else { value };
                if best.as_ref().is_none_or(|(least, ..)| value < *least) {
                    best = Some((value, half_life, next));
                }
            }
            if let Some((_, half_life, next)) = best {
                (half_lives[j], beta) = (half_life, next);
            }
            fill(&mut rows, j, cases, *kind, half_lives[j]);
        }
    }
    let (gain, gain_error) = gain(&rows, cases, &beta);
    if gain <= SURE * gain_error {
        return stay(format!(
            "the {won} won and {lost} lost deals show no effect of signals (gain {gain:.4} ± {gain_error:.4} nats a deal)"
        ));
    }
    let (mut ours, mut theirs) = (0.0, 0.0);
    for (j, kind) in kinds.iter().enumerate() {
        ours += beta[j + 1].abs();
        theirs += given.of(*kind).0.abs();
    }
    let scale = if ours > 0.0 && theirs > 0.0 { theirs / ours } else { 10.0 };
    let mut out = given.clone();
    out.basis = Basis::Fitted { won, lost, gain, gain_error };
    for (j, kind) in kinds.iter().enumerate() {
        let source = format!("fitted: {:+.2} log-odds a fresh one", beta[j + 1]);
        out.set(*kind, KindWeight { points: beta[j + 1] * scale, half_life_days: half_lives[j], source });
    }
    out
}

fn nearest(half_life: f64) -> f64 {
    let far = |h: f64| (h / half_life).ln().abs();
    HALF_LIVES_DAYS.into_iter().min_by(|a, b| far(*a).total_cmp(&far(*b))).unwrap_or(half_life)
}

fn fill(rows: &mut Rows, column: usize, cases: &[Case], kind: SignalKind, half_life: f64) {
    for (i, case) in cases.iter().enumerate() {
        let of_kind = case.events.iter().filter(|(k, _)| *k == kind);
        rows.values[i * rows.width + column] = of_kind.map(|(_, age)| left(*age, half_life)).sum();
    }
}

/// Mean fall of the log loss against the base rate on accounts left out, and its standard error over accounts.
fn gain(rows: &Rows, cases: &[Case], beta: &[f64]) -> (f64, f64) {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        let n = places.len();
        places.entry(&case.account).or_insert(n);
    }
    let fold = |i: usize| places[cases[i].account.as_str()] % FOLDS;
    let mut sums = vec![0.0; places.len()];
    for out in 0..FOLDS {
        let inside = |i: usize| fold(i) != out;
        let (left_in, won) = (0..cases.len())
            .filter(|i| inside(*i))
            .fold((0.0, 0.0), |(n, w), i| (n + 1.0, w + f64::from(u8::from(cases[i].won))));
        let base = (won + 0.5) / (left_in + 1.0);
        let (fitted, _) = minimise(rows, beta, &inside);
        for i in (0..cases.len()).filter(|i| fold(*i) == out) {
            let won = cases[i].won;
            sums[places[cases[i].account.as_str()]] += loss(base, won) - loss(chance(&fitted, rows.row(i)), won);
        }
    }
    let (accounts, n) = (sums.len() as f64, cases.len() as f64);
    let mean = sums.iter().sum::<f64>() / accounts;
    let variance = sums.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (accounts - 1.0).max(1.0);
    (sums.iter().sum::<f64>() / n, (variance * accounts).sqrt() / n)
}
