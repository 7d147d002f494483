//! How sure a number is: intervals of shares and rates, resampling, calibration.

use reframe_call::wilson;
use serde_json::{Value, json};

/// `k` of `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those it is about.
    pub k: u64,
    /// All.
    pub n: u64,
}

impl Share {
    /// Counts one.
    pub const fn count(&mut self, is: bool) {
        self.k += is as u64;
        self.n += 1;
    }

    /// 0..=1; 0 of nothing.
    pub fn value(self) -> f64 {
        self.k as f64 / self.n.max(1) as f64
    }

    /// Wilson's 95 % interval: holds its level for small counts and near 0 and 1.
    pub fn interval(self) -> (f64, f64) {
        wilson::interval(self.k, self.n)
    }

    /// For the record.
    pub fn json(self) -> Value {
        let (low, high) = self.interval();
        json!({ "k": self.k, "n": self.n, "value": round(self.value()), "low": round(low), "high": round(high) })
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (low, high) = self.interval();
        let whole = format!(
            "{:5.1} %  ({:.1} to {:.1})  {} of {}",
            100.0 * self.value(),
            100.0 * low,
            100.0 * high,
            self.k,
            self.n
        );
        f.pad(&whole)
    }
}

/// Four decimals.
pub fn round(x: f64) -> f64 {
    (x * 10_000.0).round() / 10_000.0
}

/// Greatest mean count that still gives `count` or fewer in one case of twenty: exact upper 95 % bound, one-sided.
pub fn poisson_upper(count: u64) -> f64 {
    let (mut low, mut high) = (count as f64, count as f64 * 2.0 + 20.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if poisson_at_most(count, middle) > 0.05 { low = middle } else { high = middle }
    }
    high
}

fn poisson_at_most(count: u64, mean: f64) -> f64 {
    // In logarithms: e^-mean is zero from a mean of 745 on.
    let mut log_term = -mean;
    let mut sum = log_term.exp();
    for k in 1..=count {
        log_term += (mean / k as f64).ln();
        sum += log_term.exp();
    }
    sum
}

/// Precision and recall in one number: twice the right ones over all that were said or should have been.
pub fn f1(found: u64, fired: u64, there: u64) -> f64 {
    2.0 * found as f64 / (fired + there).max(1) as f64
}

/// The middle 95 % of `of` over `rounds` resamplings of `n` things, each with replacement. The same every time.
pub fn bootstrap(n: usize, rounds: usize, mut of: impl FnMut(&[usize]) -> f64) -> (f64, f64) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut drawn = vec![0; n];
    let mut got: Vec<f64> = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        for slot in &mut drawn {
            // Xorshift (Marsaglia 2003): good enough to draw with, and needs nothing.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *slot = (state % n.max(1) as u64) as usize;
        }
        got.push(of(&drawn));
    }
    got.sort_by(f64::total_cmp);
    let at = |share: f64| got.get((share * (rounds.max(1) - 1) as f64).round() as usize).copied().unwrap_or(0.0);
    (at(0.025), at(0.975))
}

/// One tenth of the scale from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// Answers in it.
    pub n: u64,
    /// Mean of the probabilities that were told.
    pub told: f64,
    /// Share that was right.
    pub right: f64,
}

/// What was told against what was so, in ten bins of equal width.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// From 0.0–0.1 to 0.9–1.0.
    pub bins: [Bin; 10],
    /// Expected calibration error: mean distance of told and right, each bin weighted with its answers.
    pub ece: f64,
}

impl Calibration {
    /// Of probabilities and whether each was right.
    pub fn of(answers: impl IntoIterator<Item = (f64, bool)>) -> Self {
        let mut bins = [Bin::default(); 10];
        let mut all = 0.0_f64;
        for (p, right) in answers {
            let bin = &mut bins[((p * 10.0) as usize).min(9)];
            bin.n += 1;
            bin.told += p;
            bin.right += f64::from(u8::from(right));
            all += 1.0;
        }
        for bin in bins.iter_mut().filter(|b| b.n > 0) {
            bin.told /= bin.n as f64;
            bin.right /= bin.n as f64;
        }
        let ece = bins.iter().map(|b| b.n as f64 / all.max(1.0) * (b.told - b.right).abs()).sum();
        Self { bins, ece }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(got: f64, want: f64) {
        assert!((got - want).abs() < 5e-4, "{got} is not {want}");
    }

    #[test]
    fn wilson_as_in_the_books() {
        // Newcombe 1998, table I: 81 of 263 and 0 of 20.
        let (low, high) = Share { k: 81, n: 263 }.interval();
        near(low, 0.2553);
        near(high, 0.3662);
        let (low, high) = Share { k: 0, n: 20 }.interval();
        near(low, 0.0);
        near(high, 0.1611);
        assert_eq!(Share { k: 0, n: 0 }.interval(), (0.0, 1.0));
        near(Share { k: 9, n: 9 }.interval().1, 1.0);
    }

    #[test]
    fn poisson_as_in_the_books() {
        // Garwood 1936; the rule of three for none.
        near(poisson_upper(0), 2.9957);
        near(poisson_upper(1), 4.7439);
        near(poisson_upper(10), 16.9622);
        assert!(poisson_upper(1_000) > 1_000.0 && poisson_upper(1_000) < 1_060.0);
    }

    #[test]
    fn resampling_surrounds_the_truth_and_repeats() {
        let right: Vec<bool> = (0..200).map(|i| i % 4 != 0).collect();
        let mean = |drawn: &[usize]| drawn.iter().filter(|i| right[**i]).count() as f64 / drawn.len() as f64;
        let (low, high) = bootstrap(right.len(), 1_000, mean);
        // Normal approximation: 0.75 ± 1.96 · 0.0306.
        assert!((low - 0.69).abs() < 0.015 && (high - 0.81).abs() < 0.015, "{low} {high}");
        assert_eq!(bootstrap(right.len(), 1_000, mean), (low, high));
    }

    #[test]
    fn calibration() {
        let perfect = Calibration::of((0..10).map(|i| (0.8, i < 8)));
        near(perfect.ece, 0.0);
        let boasting = Calibration::of([(0.95, true), (0.95, false), (0.05, false), (1.0, true)]);
        assert_eq!((boasting.bins[9].n, boasting.bins[0].n), (3, 1));
        near(boasting.ece, 0.75 * (2.9 / 3.0 - 2.0 / 3.0) + 0.25 * 0.05);
        let modest = Calibration::of([(0.15, true), (0.95, false)]);
        near(modest.ece, 0.5 * 0.85 + 0.5 * 0.95);
        near(Calibration::of([]).ece, 0.0);
    }

    #[test]
    fn f1_of_all_and_nothing() {
        near(f1(10, 10, 10), 1.0);
        near(f1(0, 0, 0), 0.0);
        near(f1(5, 10, 10), 0.5);
    }
}
