//! What is lost between any two points of the walk: who came, who went on, who dropped out and who is still on the way.
//!
//! A case is a walk that was at point A. It *advanced* if it was at point B afterwards (or at the same time), *dropped* if
//! its walk ended first, and is *open* else; `entered = advanced + dropped + open` always. Open cases are in no rate of
//! decided ones. How long B takes, and what share will get there, is estimated from all cases with the open ones counted
//! for as long as they were watched ([`wait`]).

mod cohort;
mod text;
mod wait;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    cohort::{By, Cohort, cohort_of},
    text::text,
    wait::{At, Wait, wait},
};
use crate::{
    account::{AccountState, Walk},
    fact::End,
    interval::Rate,
    stage::{Point, Stage},
};

/// Ids of cases that are listed for looking into; the rest is counted.
const LISTED: usize = 50;

/// One walk of one account, as the funnel sees it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Account it is of.
    pub account: &'a str,
    /// The walk.
    pub walk: &'a Walk,
}

/// All walks of these accounts.
#[must_use]
pub fn cases(accounts: &[AccountState]) -> Vec<Case<'_>> {
    accounts.iter().flat_map(|a| a.walks.iter().map(|walk| Case { account: &a.account.id, walk })).collect()
}

/// What is asked of a funnel.
#[derive(Clone, Debug)]
pub struct Question {
    /// Where cases enter.
    pub from: Point,
    /// Where they are counted as having gone on.
    pub to: Point,
    /// The present, in ms since 1970-01-01 UTC. What happened later is not known yet.
    pub now_unix_ms: i64,
    /// The team's zone: which week or month a case entered in.
    pub zone: jiff::tz::TimeZone,
    /// How cohorts are cut.
    pub by: By,
    /// An open case that is older than this counts as dropped, in ms; nothing: only a walk's end drops a case.
    pub lapse_ms: Option<i64>,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// At the second point after so long, in ms.
    Advanced(i64),
    /// Out after so long, and how.
    Dropped(i64, Loss),
    /// Watched for so long.
    Open(i64),
}

/// How a case dropped out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The deal was won without it.
    Won,
    /// The deal was lost.
    Lost,
    /// Work on the account was stopped.
    Stopped,
    /// The walk went to its end past this point.
    PassedBy,
    /// Nothing happened for longer than [`Question::lapse_ms`].
    Lapsed,
}

impl Loss {
    /// The words on screens.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Won => "won without it",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
            Self::PassedBy => "passed by",
            Self::Lapsed => "lapsed",
        }
    }
}

/// How many came and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Cases that were at the first point.
    pub entered: u64,
    /// Of these at the second point afterwards.
    pub advanced: u64,
    /// Out before.
    pub dropped: u64,
    /// Still on the way.
    pub open: u64,
}

impl Tally {
    pub(crate) const fn take(&mut self, fate: Fate) {
        self.entered += 1;
        match fate {
            Fate::Advanced(_) => self.advanced += 1,
            Fate::Dropped(..) => self.dropped += 1,
            Fate::Open(_) => self.open += 1,
        }
    }

    /// Of those whose fate is decided: how many went on. Quick fates weigh more in a young cohort; [`wait`] does not have
    /// this bias.
    #[must_use]
    pub fn decided(&self) -> Rate {
        Rate::of(self.advanced, self.advanced + self.dropped)
    }

    /// Of all that came: how many have gone on so far. Of a young cohort this is too low.
    #[must_use]
    pub fn so_far(&self) -> Rate {
        Rate::of(self.advanced, self.entered)
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropOff {
    /// Where cases entered.
    pub from: Point,
    /// Where they went on.
    pub to: Point,
    /// All of them.
    pub all: Tally,
    /// Share of those decided.
    pub decided: Rate,
    /// Share of all so far.
    pub so_far: Rate,
    /// How those that dropped did.
    pub dropped_by: BTreeMap<Loss, u64>,
    /// How long it takes, open cases kept apart.
    pub wait: Wait,
    /// By when they entered, the oldest first.
    pub cohorts: Vec<Cohort>,
    /// Accounts of open cases, those that have waited longest first, at most 50: account, walk, ms waited.
    pub waiting: Vec<(String, u32, i64)>,
}

/// What became of one case; nothing if it never was at the first point.
#[must_use]
pub fn fate(walk: &Walk, question: &Question) -> Option<(i64, Fate)> {
    let now = question.now_unix_ms;
    let entered = *walk.times(question.from).first().filter(|at| **at <= now)?;
    let after = |at: i64| at.saturating_sub(entered);
    let to = walk.times(question.to);
    let reached = to.iter().copied().find(|at| *at >= entered && *at <= now);
    let ended = walk.ended.filter(|ended| ended.at_unix_ms <= now);
    // What is written down after an end was still reached: notes come after the call that lost the deal.
    let fate = match (reached, ended) {
        (Some(at), _) => Fate::Advanced(after(at)),
        (None, Some(ended)) => {
            let how = match ended.end {
                End::Won => Loss::Won,
                End::Lost => Loss::Lost,
                End::Stopped => Loss::Stopped,
                End::Completed => Loss::PassedBy,
            };
            Fate::Dropped(after(ended.at_unix_ms).max(0), how)
        }
        (None, None) => match question.lapse_ms {
            Some(lapse) if after(now) > lapse => Fate::Dropped(lapse, Loss::Lapsed),
            _ => Fate::Open(after(now)),
        },
    };
    Some((entered, fate))
}

/// The funnel between two points.
#[must_use]
pub fn drop_off(cases: &[Case<'_>], question: &Question) -> DropOff {
    let mut all = Tally::default();
    let mut dropped_by = BTreeMap::new();
    let mut cohorts = cohort::Cohorts::new(&question.zone, question.by);
    let (mut spans, mut waiting) = (Vec::new(), Vec::new());
    for case in cases {
        let Some((entered, fate)) = fate(case.walk, question) else { continue };
        all.take(fate);
        cohorts.take(entered, fate);
        let watched = question.now_unix_ms.saturating_sub(entered);
        match fate {
            Fate::Advanced(after) => spans.push((after, true)),
            Fate::Dropped(_, how) => {
                *dropped_by.entry(how).or_insert(0) += 1;
                spans.push((watched, false));
            }
            Fate::Open(after) => {
                spans.push((watched, false));
                waiting.push((case.account, case.walk.no, after));
            }
        }
    }
    let longest_first =
        |a: &(&str, u32, i64), b: &(&str, u32, i64)| b.2.cmp(&a.2).then_with(|| (a.0, a.1).cmp(&(b.0, b.1)));
    if waiting.len() > LISTED {
        waiting.select_nth_unstable_by(LISTED, longest_first);
        waiting.truncate(LISTED);
    }
    waiting.sort_unstable_by(longest_first);
    let waiting = waiting.into_iter().map(|(account, walk, ms)| (account.to_owned(), walk, ms)).collect();
    DropOff {
        from: question.from,
        to: question.to,
        all,
        decided: all.decided(),
        so_far: all.so_far(),
        dropped_by,
        wait: wait(spans),
        cohorts: cohorts.finish(),
        waiting,
    }
}

/// The funnel from each stage to the one after it: five steps.
#[must_use]
pub fn steps(cases: &[Case<'_>], question: &Question) -> Vec<DropOff> {
    let pairs = Stage::ALL.windows(2).map(|pair| (Point::begun(pair[0]), Point::begun(pair[1])));
    pairs.map(|(from, to)| drop_off(cases, &Question { from, to, ..question.clone() })).collect()
}
