//! How long it takes to get to the second point, and what share gets there: Kaplan and Meier's estimate with open cases
//! censored.
//!
//! A case that dropped out never gets there, so it must not be treated as if it had only left our sight: that would say
//! what share would get there if nobody ever dropped out. It stays among those at risk for as long as it would have been
//! watched, from its entry to now; every case is watched until the same now, so this time is known. One minus the
//! product-limit estimate is then the cumulative incidence of getting there (Fine and Gray, J. Am. Stat. Assoc. 94 (1999)
//! 496, section 3.1: censoring complete data). Intervals by Greenwood's variance on the log(-log) scale (Kalbfleisch and
//! Prentice, 2nd ed., section 1.4), which keeps them between 0 and 1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    interval::{Rate, Z},
    words::DAY_MS,
};

/// Days after entry at which the share is told: a day, half a week, one, two and four weeks, a quarter.
const DAYS: [i64; 6] = [1, 3, 7, 14, 28, 91];

/// The share that is there after a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// Days after entry.
    pub days: i64,
    /// Estimated share, 0 to 1.
    pub share: f64,
    /// Lower end of 95 %.
    pub low: f64,
    /// Upper end of 95 %.
    pub high: f64,
    /// Cases that were watched at least that long and were not there before.
    pub at_risk: u64,
}

/// How long it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Cases it rests on.
    pub n: u64,
    /// Of these, how many got there.
    pub reached: u64,
    /// Shares at fixed times, as far as anybody was watched.
    pub at: Vec<At>,
    /// Time after which half of all cases are there, in ms; nothing if fewer than half ever were.
    pub median_ms: Option<i64>,
    /// Lower end of the median's 95 %.
    pub median_low_ms: Option<i64>,
    /// Upper end; nothing: it cannot be told yet.
    pub median_high_ms: Option<i64>,
}

/// One step of the estimate.
struct Step {
    after_ms: i64,
    /// Share not there yet.
    left: f64,
    /// Ends of the interval of the share that is *there*.
    low: f64,
    high: f64,
}

/// The interval of one less `left`, given Greenwood's sum; `left` lies between 0 and 1.
fn ends(left: f64, sum: f64) -> (f64, f64) {
    let half = Z * sum.sqrt() / left.ln().abs();
    (1.0 - left.powf((-half).exp()), 1.0 - left.powf(half.exp()))
}

/// The estimate from times in ms: to the second point (`true`), or how long a case was or would have been watched.
#[must_use]
pub fn wait(mut spans: Vec<(i64, bool)>) -> Wait {
    spans.sort_unstable();
    let n = spans.len();
    let mut steps: Vec<Step> = Vec::new();
    let (mut left, mut sum) = (1.0_f64, 0.0_f64);
    let mut at = 0;
    while at < n {
        let after_ms = spans[at].0;
        let here = spans[at..].iter().take_while(|(t, _)| *t == after_ms);
        let (all, got) = here.fold((0_usize, 0_usize), |(all, got), (_, there)| (all + 1, got + usize::from(*there)));
        if got > 0 {
            #[allow(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
            let (d, risk) = (got as f64, (n - at) as f64);
            let before = left;
            left *= 1.0 - d / risk;
            let (low, high) = if got < n - at {
                sum += d / (risk * (risk - d));
                ends(left, sum)
            } else {
                // All that were left are there: the scale has no value, Wilson's interval of this step stands in.
                let of_these = Rate::of(got as u64, got as u64).low;
                let floor = steps.last().map_or(0.0, |s: &Step| s.low);
                (floor.max(1.0 - before * (1.0 - of_these)), 1.0)
            };
            steps.push(Step { after_ms, left, low, high });
        }
        at += all;
    }
    let longest = spans.last().map_or(0, |(t, _)| *t);
    let shares = DAYS.iter().filter(|days| **days * DAY_MS <= longest).map(|&days| {
        let step = steps.iter().rev().find(|s| s.after_ms <= days * DAY_MS);
        let at_risk = spans.iter().filter(|(t, _)| *t >= days * DAY_MS).count() as u64;
        // Before anybody is there: none of those who were watched so long.
        let (share, low, high) =
            step.map_or_else(|| (0.0, 0.0, Rate::of(0, at_risk).high), |s| (1.0 - s.left, s.low, s.high));
        At { days, share, low, high, at_risk }
    });
    let first = |reaches: &dyn Fn(&Step) -> bool| steps.iter().find(|s| reaches(s)).map(|s| s.after_ms);
    Wait {
        n: n as u64,
        reached: spans.iter().filter(|(_, there)| *there).count() as u64,
        at: shares.collect(),
        // A product of fractions that is one half may be a little more in floating point.
        median_ms: first(&|s| s.left <= 0.5 + 1e-12),
        // Brookmeyer and Crowley: the times at which the curve's interval holds one half.
        median_low_ms: first(&|s| s.high >= 0.5),
        median_high_ms: first(&|s| s.low >= 0.5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(spans: &[(i64, bool)]) -> Wait {
        wait(spans.iter().map(|(d, there)| (d * DAY_MS, *there)).collect())
    }

    /// Worked by hand: 6 cases; there after 1, 3, 3 and 14 days, watched without for 2 and 20 days.
    /// left(1) = 5/6; at 3 days 4 are at risk, 2 get there: 5/12; at 14 days 2 at risk, 1 gets there: 5/24.
    /// Greenwood(3) = 1/(6·5) + 2/(4·2) = 0.28333.
    #[test]
    fn the_curve_is_the_one_worked_out_by_hand() {
        let w = days(&[(1, true), (2, false), (3, true), (3, true), (14, true), (20, false)]);
        let at = |days| w.at.iter().find(|a| a.days == days).unwrap();
        assert_eq!((w.n, w.reached), (6, 4));
        assert!((at(1).share - 1.0 / 6.0).abs() < 1e-12 && at(1).at_risk == 6);
        assert!((at(3).share - 7.0 / 12.0).abs() < 1e-12 && at(3).at_risk == 4);
        assert!((at(7).share - 7.0 / 12.0).abs() < 1e-12 && at(7).at_risk == 2);
        assert!((at(14).share - 19.0 / 24.0).abs() < 1e-12);
        assert!(w.at.iter().all(|a| a.days < 28), "nobody was watched for four weeks");
        let half = Z * 0.283_333_333_333_f64.sqrt() / (5.0_f64 / 12.0).ln().abs();
        assert!((at(3).low - (1.0 - (5.0_f64 / 12.0).powf((-half).exp()))).abs() < 1e-9);
        assert!((at(3).high - (1.0 - (5.0_f64 / 12.0).powf(half.exp()))).abs() < 1e-9);
        assert_eq!(w.median_ms, Some(3 * DAY_MS));
        assert!(w.median_low_ms.unwrap() <= 3 * DAY_MS && w.median_high_ms.is_none_or(|t| t >= 3 * DAY_MS));
    }

    #[test]
    fn of_nobody_and_of_all_there_are_ends_too() {
        assert_eq!(wait(vec![]).at, vec![]);
        let all = days(&[(1, true), (2, true)]);
        assert_eq!(all.median_ms, Some(DAY_MS));
        // All of 15 at once: as sure as 15 of 15, and before that as 0 of 15.
        let once = days(&[(2, true); 15]);
        let (first, last) = (once.at[0], wait(vec![(2 * DAY_MS, true); 15]).median_low_ms);
        assert_eq!((first.share, first.low, last), (0.0, 0.0, Some(2 * DAY_MS)));
        assert!((first.high - 0.2039).abs() < 1e-3, "{first:?}");
        let with_one_watched = days(&[(2, true), (2, true), (2, true), (9, false)]);
        assert!(with_one_watched.at.iter().all(|a| a.low <= a.share && a.share <= a.high && a.high < 1.0));
        let none = days(&[(5, false), (9, false)]);
        assert_eq!((none.median_ms, none.at.last().unwrap().share), (None, 0.0));
    }
}
