//! One walk: six stages, each with its times, what stands in it and how that was decided.

use reframe_workflow::{artifact::ArtifactId, gate::ProposalId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    fact::{Approval, End},
    stage::{Edge, Point, Stage},
};

/// How many proposals of a stage stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Wait for a person.
    pub proposed: u32,
    /// Approved and on their way.
    pub approved: u32,
    /// Done.
    pub done: u32,
    /// Approved, and no longer counting.
    pub void: u32,
    /// Refused by their system.
    pub failed: u32,
    /// Rejected by a person.
    pub rejected: u32,
    /// Replaced.
    pub superseded: u32,
}

impl Counts {
    const fn of(&mut self, state: Approval) -> &mut u32 {
        match state {
            Approval::Proposed => &mut self.proposed,
            Approval::Approved => &mut self.approved,
            Approval::Done => &mut self.done,
            Approval::Void => &mut self.void,
            Approval::Failed => &mut self.failed,
            Approval::Rejected => &mut self.rejected,
            Approval::Superseded => &mut self.superseded,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.proposed + self.approved + self.done + self.void + self.failed + self.rejected + self.superseded
    }

    /// How the stage as a whole stands: what a person must act on first ([`Approval::urgency`]); nothing if there is no
    /// proposal.
    #[must_use]
    pub fn first(&self) -> Option<Approval> {
        let mut all = [
            (Approval::Proposed, self.proposed),
            (Approval::Approved, self.approved),
            (Approval::Done, self.done),
            (Approval::Void, self.void),
            (Approval::Failed, self.failed),
            (Approval::Rejected, self.rejected),
            (Approval::Superseded, self.superseded),
        ];
        all.sort_by_key(|(state, _)| std::cmp::Reverse(state.urgency()));
        all.into_iter().find(|(_, n)| *n > 0).map(|(state, _)| state)
    }
}

/// One stage of a walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageState {
    /// Which.
    pub stage: Stage,
    /// When it was given something to work on, in ms since 1970-01-01 UTC, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<i64>,
    /// When it gave what it gives, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<i64>,
    /// Its proposals by how they stand.
    pub counts: Counts,
    /// Its hand-offs, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactId>,
    /// Its proposals, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<ProposalId>,
    /// Its calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
}

impl StageState {
    fn new(stage: Stage) -> Self {
        Self {
            stage,
            begun: Vec::new(),
            done: Vec::new(),
            counts: Counts::default(),
            artifacts: Vec::new(),
            asks: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// How its proposals stand as a whole; nothing: there is none.
    #[must_use]
    pub fn approval(&self) -> Option<Approval> {
        self.counts.first()
    }

    /// When it began.
    #[must_use]
    pub fn begun_unix_ms(&self) -> Option<i64> {
        self.begun.first().copied()
    }

    /// When it first gave what it gives.
    #[must_use]
    pub fn done_unix_ms(&self) -> Option<i64> {
        self.done.first().copied()
    }

    pub(super) fn begin(&mut self, at: i64) {
        note(&mut self.begun, at);
    }

    pub(super) fn finish(&mut self, at: i64) {
        note(&mut self.done, at);
    }

    /// A proposal goes from one standing to another; from nothing: it is new.
    pub(super) fn count(&mut self, was: Option<Approval>, is: Approval) {
        if let Some(was) = was {
            let n = self.counts.of(was);
            *n = n.saturating_sub(1);
        }
        *self.counts.of(is) += 1;
    }
}

fn note(times: &mut Vec<i64>, at: i64) {
    if let Err(place) = times.binary_search(&at) {
        times.insert(place, at);
    }
}

/// How and when a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// How.
    pub end: End,
}

/// One way of an account through the stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// Its number in the account, from 1.
    pub no: u32,
    /// When it began, in ms since 1970-01-01 UTC.
    pub began_unix_ms: i64,
    /// How it ended; nothing: it is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// The six stages in order.
    pub stages: Vec<StageState>,
}

impl Walk {
    pub(super) fn new(no: u32, at: i64) -> Self {
        Self { no, began_unix_ms: at, ended: None, stages: Stage::ALL.into_iter().map(StageState::new).collect() }
    }

    /// One of its stages.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> &StageState {
        &self.stages[stage.index()]
    }

    pub(super) fn stage_mut(&mut self, stage: Stage) -> &mut StageState {
        &mut self.stages[stage.index()]
    }

    /// When it was at a point, in ms since 1970-01-01 UTC, in order.
    #[must_use]
    pub fn times(&self, point: Point) -> &[i64] {
        let stage = self.stage(point.stage);
        match point.edge {
            Edge::Begun => &stage.begun,
            Edge::Done => &stage.done,
        }
    }

    /// Whether it got as far as a write in the system of record after a call: a *workflow completion*.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.completed_unix_ms().is_some()
    }

    /// When it first did.
    #[must_use]
    pub fn completed_unix_ms(&self) -> Option<i64> {
        let called = self.stage(Stage::LiveCall).begun_unix_ms()?;
        let writes = [Stage::PostCall, Stage::Hygiene].map(|s| self.stage(s).done.iter().find(|at| **at >= called));
        writes.into_iter().flatten().min().copied()
    }

    /// The furthest stage it has reached.
    #[must_use]
    pub fn furthest(&self) -> Option<Stage> {
        self.stages.iter().rev().find(|s| !s.begun.is_empty()).map(|s| s.stage)
    }
}
