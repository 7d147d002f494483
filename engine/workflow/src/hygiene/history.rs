//! How the deals before this one went: how long they could be silent, and how long they took.

use std::collections::BTreeMap;

use super::{
    rules::{End, Rules},
    view::{DAY_MS, StageChange},
};

/// A deal that is over, or one that is open for the stages it has left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastDeal {
    /// Stages it came into, in order of time, the end among them.
    pub stages: Vec<StageChange>,
    /// When the buyer's side did something, in ms since 1970-01-01 UTC, in any order.
    pub buyer_activity_unix_ms: Vec<i64>,
}

/// What past deals show, stage by stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Of each stay in a stage that the deal went on from: the longest silence of the buyer, in days; in order of length.
    silences: BTreeMap<String, Vec<u32>>,
    /// Of each won deal's way from a stage to the signature: its length in days; in order of length.
    ways: BTreeMap<String, Vec<u32>>,
}

/// A number of days and what it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Days.
    pub days: u32,
    /// Past deals it was measured on.
    pub n: usize,
    /// Set if those were too few, and it is the number in the file.
    pub is_default: bool,
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_default {
            write!(f, "default, n too small: {}", self.n)
        } else {
            write!(f, "measured, n = {}", self.n)
        }
    }
}

impl History {
    /// Reads it from past deals.
    #[must_use]
    pub fn of(deals: &[PastDeal], rules: &Rules) -> Self {
        let mut history = Self::default();
        for deal in deals {
            let mut activity = deal.buyer_activity_unix_ms.clone();
            activity.sort_unstable();
            let won = deal.stages.iter().find(|s| rules.stage(&s.stage).is_some_and(|s| s.end == Some(End::Won)));
            for (i, entered) in deal.stages.iter().enumerate() {
                let Some(at) = rules.stage_index(&entered.stage).filter(|i| rules.stages[*i].end.is_none()) else {
                    continue;
                };
                let name = &rules.stages[at].name;
                if let Some(left) = deal.stages.get(i + 1) {
                    let went_on = rules
                        .stage_index(&left.stage)
                        .is_some_and(|next| next > at && rules.stages[next].end != Some(End::Lost));
                    if went_on {
                        let longest = longest_silence(&activity, entered.at_unix_ms, left.at_unix_ms);
                        history.silences.entry(name.clone()).or_default().push(longest);
                    }
                }
                if let Some(won) = won.filter(|w| w.at_unix_ms >= entered.at_unix_ms) {
                    let way = whole_days(won.at_unix_ms.saturating_sub(entered.at_unix_ms));
                    history.ways.entry(name.clone()).or_default().push(way);
                }
            }
        }
        history.silences.values_mut().chain(history.ways.values_mut()).for_each(|v| v.sort_unstable());
        history
    }

    /// The silence that `share` of the deals which went on from a stage never exceeded, or `default` days if fewer than
    /// `at_least` are known.
    #[must_use]
    pub fn silence(&self, stage: &str, share: f32, at_least: usize, default: u32) -> Basis {
        let lengths = self.silences.get(stage).map_or(&[][..], Vec::as_slice);
        if lengths.len() < at_least.max(1) {
            return Basis { days: default, n: lengths.len(), is_default: true };
        }
        Basis { days: quantile(lengths, share), n: lengths.len(), is_default: false }
    }

    /// Share of the deals which went on from a stage that were never silent for as long as `days`; nothing without any.
    #[must_use]
    pub fn share_less_silent(&self, stage: &str, days: u32) -> Option<f32> {
        let lengths = self.silences.get(stage).filter(|l| !l.is_empty())?;
        Some(share(lengths.partition_point(|l| *l < days), lengths.len()))
    }

    /// Days that deals won from a stage still needed once they had been in it for `spent` days; in order of length.
    #[must_use]
    pub fn remaining(&self, stage: &str, spent: u32) -> Vec<u32> {
        let ways = self.ways.get(stage).map_or(&[][..], Vec::as_slice);
        ways[ways.partition_point(|way| *way < spent)..].iter().map(|way| way - spent).collect()
    }
}

/// The longest time without activity between coming and leaving, both of which count as signs of life.
fn longest_silence(activity: &[i64], from: i64, until: i64) -> u32 {
    let mut last = from;
    let mut longest = 0;
    for at in activity.iter().copied().filter(|at| (from..=until).contains(at)).chain([until]) {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    whole_days(longest)
}

fn whole_days(ms: i64) -> u32 {
    u32::try_from(ms.max(0) / DAY_MS).unwrap_or(u32::MAX)
}

/// The smallest value that at least `share` of all do not exceed (the inverse of the empirical distribution).
pub(super) fn quantile(sorted: &[u32], share: f32) -> u32 {
    let rank = (f64::from(share) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
}

/// `part` of `whole` as a share.
pub(super) fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(stages: &[(&str, i64)], activity: &[i64]) -> PastDeal {
        let stages = stages.iter().map(|(s, d)| StageChange { stage: (*s).into(), at_unix_ms: d * DAY_MS });
        PastDeal { stages: stages.collect(), buyer_activity_unix_ms: activity.iter().map(|d| d * DAY_MS).collect() }
    }

    #[test]
    fn silences_count_only_for_deals_that_went_on() {
        let rules = Rules::built_in();
        let deals = [
            past(&[("discovery", 0), ("evaluation", 20)], &[12, 5]),
            past(&[("discovery", 0), ("closed_lost", 90)], &[1]),
            past(&[("evaluation", 0), ("discovery", 60)], &[]),
            past(&[("discovery", 0)], &[1]),
        ];
        let history = History::of(&deals, &rules);
        let of = |n| history.silence("discovery", 0.9, n, 14);
        assert_eq!(of(1), Basis { days: 8, n: 1, is_default: false });
        assert_eq!(of(2), Basis { days: 14, n: 1, is_default: true });
        assert_eq!(of(2).to_string(), "default, n too small: 1");
        assert_eq!(history.silence("evaluation", 0.9, 1, 7), Basis { days: 7, n: 0, is_default: true });
        assert_eq!(
            (history.share_less_silent("discovery", 9), history.share_less_silent("discovery", 8)),
            (Some(1.0), Some(0.0))
        );
    }

    #[test]
    fn the_way_that_remains_is_that_of_deals_still_under_way() {
        let rules = Rules::built_in();
        let deals = [10, 30, 50].map(|d| past(&[("proposal", 0), ("closed_won", d)], &[]));
        let history = History::of(&deals, &rules);
        assert_eq!(history.remaining("proposal", 0), [10, 30, 50]);
        assert_eq!(history.remaining("proposal", 20), [10, 30]);
        assert!(history.remaining("proposal", 51).is_empty());
        assert_eq!([0.0, 0.33, 0.34, 0.9, 1.0].map(|q| quantile(&[1, 2, 3], q)), [1, 1, 2, 3, 3]);
        assert_eq!(quantile(&[], 0.5), 0);
    }
}
