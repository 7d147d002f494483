//! The few numbers a comparison needs, with how sure they are.

use serde::Serialize;

use crate::wilson;

/// `of` times out of `n`, with the 95 % interval of Wilson (1927), which is sound for small `n` and near 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// How often it was so.
    pub of: u32,
    /// How often it could have been.
    pub n: u32,
}

impl Rate {
    /// Counts one more.
    pub const fn count(&mut self, is_so: bool) {
        self.n += 1;
        if is_so {
            self.of += 1;
        }
    }

    /// Counts what another has counted.
    pub const fn add(&mut self, other: Self) {
        self.of += other.of;
        self.n += other.n;
    }

    /// The share, 0..=1; `None` out of nothing.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        (self.n > 0).then(|| f64::from(self.of) / f64::from(self.n))
    }

    /// Its 95 % interval; `None` out of nothing.
    #[must_use]
    pub fn interval(self) -> Option<(f64, f64)> {
        (self.n > 0).then(|| wilson::interval(self.of.into(), self.n.into()))
    }
}

/// `{"of":3,"n":4,"share":0.75,"low":0.3006,"high":0.9544}`; share and bounds to four decimals, `null` out of nothing.
impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written {
            of: u32,
            n: u32,
            share: Option<f64>,
            low: Option<f64>,
            high: Option<f64>,
        }
        let round = |x: f64| (x * 1e4).round() / 1e4;
        let (low, high) = self.interval().map_or((None, None), |(l, h)| (Some(round(l)), Some(round(h))));
        Written { of: self.of, n: self.n, share: self.share().map(round), low, high }.serialize(to)
    }
}

/// `4 of 5, 0.80 (0.38–0.96)`; `none of 0` where there is nothing to count.
impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.share(), self.interval()) {
            (Some(p), Some((low, high))) => write!(f, "{} of {}, {p:.2} ({low:.2}–{high:.2})", self.of, self.n),
            _ => f.write_str("none of 0"),
        }
    }
}

/// How long before the end of the sentence cards came, in ms; negative: after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leads(Vec<i64>);

/// [`Leads`] in three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeadSummary {
    /// Cards.
    pub n: usize,
    /// The earliest: the largest lead.
    pub earliest_ms: Option<i64>,
    /// The median (the lower of the middle two).
    pub median_ms: Option<i64>,
}

impl Leads {
    /// Counts one more.
    pub fn count(&mut self, lead_ms: i64) {
        self.0.push(lead_ms);
    }

    /// Counts what another has counted.
    pub fn add(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// In three numbers.
    #[must_use]
    pub fn summary(&self) -> LeadSummary {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let n = sorted.len();
        LeadSummary { n, earliest_ms: sorted.last().copied(), median_ms: sorted.get(n.saturating_sub(1) / 2).copied() }
    }
}

impl Serialize for Leads {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.summary().serialize(to)
    }
}

/// `median 310 ms, earliest 1200 ms (n 14)`.
impl std::fmt::Display for LeadSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.median_ms, self.earliest_ms) {
            (Some(median), Some(earliest)) => write!(f, "median {median} ms, earliest {earliest} ms (n {})", self.n),
            _ => f.write_str("no card (n 0)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(rate: Rate, low: f64, high: f64) {
        let (l, h) = rate.interval().unwrap();
        assert!((l - low).abs() < 5e-4 && (h - high).abs() < 5e-4, "{l} {h}");
    }

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29 (method 3).
        near(Rate { of: 81, n: 263 }, 0.2553, 0.3662);
        near(Rate { of: 15, n: 148 }, 0.0624, 0.1605);
        near(Rate { of: 0, n: 20 }, 0.0, 0.1611);
        near(Rate { of: 1, n: 29 }, 0.0061, 0.1718);
        near(Rate { of: 20, n: 20 }, 0.8389, 1.0);
        assert_eq!(Rate::default().interval(), None);
        assert_eq!(Rate::default().to_string(), "none of 0");
        assert_eq!(Rate { of: 4, n: 5 }.to_string(), "4 of 5, 0.80 (0.38–0.96)");
    }

    #[test]
    fn leads_are_summed_up() {
        let mut leads = Leads::default();
        assert_eq!(leads.summary(), LeadSummary::default());
        for ms in [300, -200, 100, 900] {
            leads.count(ms);
        }
        assert_eq!(leads.summary(), LeadSummary { n: 4, earliest_ms: Some(900), median_ms: Some(100) });
        leads.count(-5_000);
        assert_eq!(leads.summary().median_ms, Some(100));
    }
}
