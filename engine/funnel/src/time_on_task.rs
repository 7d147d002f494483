//! How long a person takes from having a draft on the screen to deciding about it: measured, never claimed.

use std::collections::BTreeMap;

use reframe_workflow::outbox::Listed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    interval::{Z, quantile},
    words::MINUTE_MS,
};

/// From here on a draft was not being read but left open, in ms. Half an hour: the playbook's review takes 30 s, a brief
/// five minutes. Such decisions are counted apart, not left out in silence.
pub const LEFT_OPEN_MS: i64 = 30 * MINUTE_MS;

/// The distribution of one kind of proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Decisions it rests on.
    pub n: u64,
    /// Decided after it was on the screen for longer than [`LEFT_OPEN_MS`]: in no quantile.
    pub left_open: u64,
    /// Decided without having been on a page: in the terminal, or all at once.
    pub unseen: u64,
    /// Not decided yet.
    pub undecided: u64,
    /// A quarter took at most so long, in ms.
    pub q25_ms: Option<f64>,
    /// Half.
    pub median_ms: Option<f64>,
    /// Ends of the 95 % interval of the median, from the order of the times; nothing with fewer than six.
    pub median_interval_ms: Option<(i64, i64)>,
    /// Three quarters.
    pub q75_ms: Option<f64>,
    /// Nine of ten.
    pub q90_ms: Option<f64>,
    /// Decided within half a minute.
    pub within_30_s: u64,
}

/// All of them, and by action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeOnTask {
    /// All kinds together.
    pub all: Times,
    /// By name of the action.
    pub by_action: BTreeMap<String, Times>,
}

#[derive(Default)]
struct Sample {
    times: Vec<i64>,
    left_open: u64,
    unseen: u64,
    undecided: u64,
}

impl Sample {
    fn take(&mut self, listed: &Listed) {
        match (listed.shown_unix_ms, listed.decided_unix_ms) {
            (_, None) => self.undecided += 1,
            // A clock that was set back between the two tells nothing.
            (Some(shown), Some(decided)) if decided >= shown => match decided - shown {
                took if took > LEFT_OPEN_MS => self.left_open += 1,
                took => self.times.push(took),
            },
            _ => self.unseen += 1,
        }
    }

    fn finish(mut self) -> Times {
        self.times.sort_unstable();
        let at = |q| quantile(&self.times, q);
        Times {
            n: self.times.len() as u64,
            left_open: self.left_open,
            unseen: self.unseen,
            undecided: self.undecided,
            q25_ms: at(0.25),
            median_ms: at(0.5),
            median_interval_ms: median_interval(&self.times),
            q75_ms: at(0.75),
            q90_ms: at(0.9),
            within_30_s: self.times.iter().filter(|t| **t <= 30_000).count() as u64,
        }
    }
}

/// The order statistics that hold the median in 95 % of samples, by the normal approximation of the binomial (Conover,
/// Practical Nonparametric Statistics, 3rd ed., section 3.2). With fewer than six no two do.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
fn median_interval(sorted: &[i64]) -> Option<(i64, i64)> {
    let n = sorted.len();
    if n < 6 {
        return None;
    }
    let half = Z * (n as f64).sqrt() / 2.0;
    let low = (n as f64 / 2.0 - half).floor().max(1.0) as usize;
    Some((sorted[low - 1], sorted[n - low]))
}

/// Takes proposals one after the other, so that their texts need not be in memory together.
#[derive(Default)]
pub struct Sampling {
    all: Sample,
    by: BTreeMap<String, Sample>,
}

impl Sampling {
    /// One more.
    pub fn take(&mut self, listed: &Listed) {
        self.all.take(listed);
        let name = listed.proposal.action.name();
        match self.by.get_mut(name) {
            Some(sample) => sample.take(listed),
            None => self.by.entry(name.to_owned()).or_default().take(listed),
        }
    }

    /// The distribution over those that were taken.
    #[must_use]
    pub fn finish(self) -> TimeOnTask {
        let by_action = self.by.into_iter().map(|(action, sample)| (action, sample.finish())).collect();
        TimeOnTask { all: self.all.finish(), by_action }
    }
}

/// The distribution over these proposals.
#[must_use]
pub fn time_on_task(listed: &[Listed]) -> TimeOnTask {
    let mut sampling = Sampling::default();
    listed.iter().for_each(|each| sampling.take(each));
    sampling.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_its_interval() {
        assert_eq!(median_interval(&[1, 2, 3, 4, 5]), None);
        assert_eq!(median_interval(&[1, 2, 3, 4, 5, 6]), Some((1, 6)));
        // Of 25 the 7th and the 19th ... by the approximation; tables give the 8th and 18th at 95.7 %.
        let sorted: Vec<i64> = (1..=25).collect();
        assert_eq!(median_interval(&sorted), Some((7, 19)));
    }
}
