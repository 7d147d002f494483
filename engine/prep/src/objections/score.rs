//! How well a list of five foresees what is raised: recall at five against the most frequent classes, with intervals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EarlierCall, History, LISTED, Outlook, Weights, rank};

/// A meeting with what was raised in it, as `fixtures/prep/meetings_*.jsonl` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Name.
    pub id: String,
    /// Stage of the deal.
    pub stage: String,
    /// Segment of the account.
    #[serde(default)]
    pub segment: String,
    /// Its industry.
    #[serde(default)]
    pub industry: String,
    /// Calls of the deal before.
    #[serde(default)]
    pub earlier: Vec<EarlierCall>,
    /// What is open.
    #[serde(default)]
    pub open_points: Vec<String>,
    /// Classes that were raised in the meeting.
    pub raised: Vec<String>,
}

impl Case {
    /// What was known before it.
    #[must_use]
    pub fn outlook(&self) -> Outlook<'_> {
        Outlook {
            stage: &self.stage,
            segment: &self.segment,
            industry: &self.industry,
            earlier: &self.earlier,
            open_points: &self.open_points,
        }
    }
}

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub mean: f64,
    /// 2.5th percentile of the bootstrap draws.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// What a scoring found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Meetings in which something was raised: the others say nothing about recall.
    pub meetings: usize,
    /// Objections raised in them.
    pub raised: usize,
    /// Those that the list had, and that the baseline had.
    pub found: (usize, usize),
    /// Mean over meetings of the share that the list had.
    pub ours: Share,
    /// The same of the most frequent classes of the history.
    pub baseline: Share,
    /// The difference, meeting by meeting.
    pub better_by: Share,
}

/// Draws of the bootstrap.
const DRAWS: usize = 10_000;
/// Where its numbers begin.
const SEED: u64 = 0x0005_eed0_f4e6;

/// Scores the first five of the list against the first five of the baseline.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts of objections are far below 2^52")]
pub fn score(history: &History, cases: &[Case], weights: &Weights) -> Report {
    let frequent: Vec<String> = history.most_frequent().into_iter().take(LISTED).collect();
    let mut rows = Vec::new();
    let (mut raised, mut found) = (0, (0, 0));
    for case in cases.iter().filter(|c| !c.raised.is_empty()) {
        let list: Vec<String> =
            rank(history, case.outlook(), weights).into_iter().take(LISTED).map(|l| l.label).collect();
        let hits = |list: &[String]| case.raised.iter().filter(|r| list.contains(r)).count();
        let (ours, theirs) = (hits(&list), hits(&frequent));
        let n = case.raised.len();
        raised += n;
        found = (found.0 + ours, found.1 + theirs);
        rows.push((ours as f64 / n as f64, theirs as f64 / n as f64));
    }
    let of = |f: &dyn Fn(&(f64, f64)) -> f64| bootstrap(&rows.iter().map(f).collect::<Vec<_>>());
    Report {
        meetings: rows.len(),
        raised,
        found,
        ours: of(&|r| r.0),
        baseline: of(&|r| r.1),
        better_by: of(&|r| r.0 - r.1),
    }
}

/// Mean of values and its percentile interval. The same numbers every time (xorshift64*, Marsaglia 2003, Vigna 2016).
#[allow(clippy::cast_precision_loss, reason = "counts of meetings are far below 2^52")]
fn bootstrap(values: &[f64]) -> Share {
    if values.is_empty() {
        return Share { mean: 0.0, low: 0.0, high: 0.0 };
    }
    let n = values.len();
    let mut state = SEED;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let drawn = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn % n as u64).unwrap_or(0)
    };
    let mut means: Vec<f64> = (0..DRAWS).map(|_| (0..n).map(|_| values[next()]).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    Share { mean: values.iter().sum::<f64>() / n as f64, low: means[DRAWS / 40], high: means[DRAWS - 1 - DRAWS / 40] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objections::{PastCall, Raised};

    fn case(class: &str, raised: &str) -> Case {
        let objections = vec![Raised { class: class.into(), handled: false, words: String::new() }];
        Case {
            id: String::new(),
            stage: "proposal".into(),
            segment: String::new(),
            industry: String::new(),
            earlier: vec![EarlierCall { call: "c".into(), objections, ..EarlierCall::default() }],
            open_points: Vec::new(),
            raised: vec![raised.into()],
        }
    }

    #[test]
    fn the_interval_tells_an_effect_from_none() {
        let frequent = ["price", "timing", "need", "authority", "budget"];
        let past = |class: &&str| PastCall {
            call: String::new(),
            deal: String::new(),
            stage: "proposal".into(),
            segment: String::new(),
            industry: String::new(),
            objections: vec![(*class).to_owned()],
            answered_with: Vec::new(),
        };
        let rare = ["security"; 4];
        let calls: Vec<_> = frequent.iter().cycle().take(100).chain(&rare).map(past).collect();
        let history = History::of(&calls);
        let weights = Weights::default();
        // What was left open comes again, and is none of the frequent ones.
        let again: Vec<_> = (0..30).map(|_| case("security", "security")).collect();
        let report = score(&history, &again, &weights);
        assert_eq!((report.ours.mean, report.baseline.mean), (1.0, 0.0));
        assert!(report.better_by.low > 0.5);
        // Nothing to be seen beforehand.
        let chance: Vec<_> = (0..30).map(|i| case("price", if i % 2 == 0 { "roi" } else { "price" })).collect();
        let report = score(&history, &chance, &weights);
        assert_eq!(report.better_by.low.max(report.better_by.high), 0.0);
        assert_eq!(report, score(&history, &chance, &weights));
        assert_eq!(score(&history, &[], &weights).meetings, 0);
    }
}
