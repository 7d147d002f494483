//! Shares and what they may be worth: Wilson's interval, quantiles of a sample.

use reframe_call::wilson;
pub use reframe_call::wilson::Z;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many of so many, with the interval that holds 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many did.
    pub k: u64,
    /// Of how many.
    pub n: u64,
    /// The share, 0 to 1; nothing if there was nobody.
    pub share: Option<f64>,
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
}

impl Rate {
    /// Wilson's score interval (Wilson, J. Am. Stat. Assoc. 22 (1927) 209), without continuity correction. Of nobody the
    /// whole of 0 to 1. `k` above `n` counts as `n`.
    #[must_use]
    pub fn of(k: u64, n: u64) -> Self {
        let k = k.min(n);
        let (low, high) = wilson::interval(k, n);
        #[allow(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
        let share = (n > 0).then(|| k as f64 / n as f64);
        Self { k, n, share, low, high }
    }

    /// `3 of 8 (37.5 %, 13.7–69.4)`.
    #[must_use]
    pub fn text(&self) -> String {
        self.share.map_or_else(
            || "none yet".to_owned(),
            |p| {
                format!(
                    "{} of {} ({:.1} %, {:.1}–{:.1})",
                    self.k,
                    self.n,
                    p * 100.0,
                    self.low * 100.0,
                    self.high * 100.0
                )
            },
        )
    }
}

/// The value below which a share `q` of a sorted sample lies, interpolated between neighbours (Hyndman and Fan's type 7).
#[must_use]
pub fn quantile(sorted: &[i64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[allow(clippy::cast_precision_loss, reason = "times in ms and lengths of samples are far below 2^52")]
    let (at, value) = (q.clamp(0.0, 1.0) * last as f64, |i: usize| sorted[i] as f64);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last index")]
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(value(below) + (value(above) - value(below)) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends from the formula worked out by hand with z = 1.96 (Newcombe, Stat. Med. 17 (1998) 857, table I, method 3).
    #[test]
    fn the_ends_are_those_of_the_published_table() {
        for (k, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let rate = Rate::of(k, n);
            assert!((rate.low - low).abs() < 6e-5 && (rate.high - high).abs() < 6e-5, "{k}/{n}: {rate:?}");
        }
        let nobody = Rate::of(0, 0);
        assert_eq!((nobody.share, nobody.low, nobody.high), (None, 0.0, 1.0));
        assert_eq!(Rate::of(7, 7).high, 1.0);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[4], 0.9), Some(4.0));
        assert_eq!(quantile(&[1, 2, 3, 10], 0.5), Some(2.5));
        assert_eq!(quantile(&[1, 2, 3, 10], 1.0), Some(10.0));
    }
}
