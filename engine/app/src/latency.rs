//! Latency in HdrHistograms: what is recorded, and how it is shown.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use reframe_serve::metrics::MetricsText;

/// Longest latency told apart from longer ones: a minute. A card that late is noise by any account.
const MAX_US: u64 = 60_000_000;
/// Significant digits kept: three, so 1 ms in 1 s.
const DIGITS: u8 = 3;

/// A histogram of microseconds that several threads may record into.
#[derive(Debug)]
pub struct Latency(Mutex<Histogram<u64>>);

impl Default for Latency {
    fn default() -> Self {
        Self(Mutex::new(histogram()))
    }
}

/// An empty histogram with the bounds used everywhere.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, DIGITS).expect("the bounds are constants that fit")
}

impl Latency {
    /// Records a latency; longer than a minute counts as a minute.
    pub fn record_us(&self, us: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(us);
    }

    /// Writes it as a Prometheus summary in seconds.
    pub fn write(&self, text: &mut MetricsText, name: &str, help: &str, labels: &[(&str, &str)]) {
        let h = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = |us: u64| us as f64 / 1e6;
        let quantiles: Vec<(f64, f64)> =
            [0.5, 0.9, 0.95, 0.99, 1.0].iter().map(|q| (*q, seconds(h.value_at_quantile(*q)))).collect();
        text.family(name, reframe_serve::metrics::Kind::Summary, help);
        text.summary(name, labels, &quantiles, h.mean() * h.len() as f64 / 1e6, h.len());
    }
}

/// p50, p95 and max in ms, as the demo's summary prints them.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Percentiles {
    /// Values recorded.
    pub n: u64,
    /// Half were at most this.
    pub p50_ms: f64,
    /// 95 of 100 were at most this.
    pub p95_ms: f64,
    /// The largest.
    pub max_ms: f64,
}

impl Percentiles {
    /// Of a histogram of microseconds.
    pub fn of(h: &Histogram<u64>) -> Self {
        let ms = |us: u64| (us as f64 / 100.0).round() / 10.0;
        Self {
            n: h.len(),
            p50_ms: ms(h.value_at_quantile(0.5)),
            p95_ms: ms(h.value_at_quantile(0.95)),
            max_ms: ms(h.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_set() {
        let mut h = histogram();
        (1..=100u64).for_each(|ms| h.saturating_record(ms * 1_000));
        let p = Percentiles::of(&h);
        assert_eq!(p.n, 100);
        assert!(
            (p.p50_ms - 50.0).abs() < 0.2 && (p.p95_ms - 95.0).abs() < 0.2 && (p.max_ms - 100.0).abs() < 0.2,
            "{p:?}"
        );
    }
}
