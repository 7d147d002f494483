//! Many times of the same thing, as the numbers that are printed and kept.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Times, to a thousandth of each.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("constant bounds that fit"))
    }
}

/// What is said of them, in ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// How many.
    pub n: u64,
    /// Half are quicker.
    pub p50_ms: f64,
    /// 90 of 100 are quicker.
    pub p90_ms: f64,
    /// 95 of 100 are quicker.
    pub p95_ms: f64,
    /// 99 of 100 are quicker.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Times {
    /// One more.
    pub fn add(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// One more, in ms.
    pub fn add_ms(&mut self, ms: f64) {
        self.0.saturating_record((ms.max(0.0) * 1e3) as u64);
    }

    /// All of another's.
    pub fn add_all(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    /// What is said of them; zeros if there are none.
    pub fn figures(&self) -> Figures {
        let at = |q: f64| (self.0.value_at_quantile(q) as f64 / 10.0).round() / 100.0;
        Figures {
            n: self.0.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_all_times() {
        let (mut all, mut other) = (Times::default(), Times::default());
        assert_eq!(all.figures().n, 0);
        (1..=50).for_each(|ms| all.add(Duration::from_millis(ms)));
        (51..=100).for_each(|ms| other.add_ms(f64::from(ms)));
        all.add_all(&other);
        let f = all.figures();
        let near = |a: f64, b: f64| (a - b).abs() < 0.2;
        assert!(f.n == 100 && near(f.p50_ms, 50.0) && near(f.p90_ms, 90.0) && near(f.p95_ms, 95.0), "{f:?}");
        assert!(near(f.p99_ms, 99.0) && near(f.max_ms, 100.0), "{f:?}");
    }
}
