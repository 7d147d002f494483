//! One account's walks through the six stages, as a fold over its facts.
//!
//! A *walk* begins with a signal (or with whatever comes first) and ends when its deal is closed, or when a signal comes
//! after it got as far as a write in the system of record. The daily feed's later cards join the walk that is under way.
//! The state follows from the set of facts alone: their order, and facts that come twice, change nothing.

mod text;
mod walk;

use std::collections::BTreeMap;

use reframe_workflow::{
    artifact::{ArtifactId, Kind, canonical},
    gate::ProposalId,
    system::RecordRef,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    text::text,
    walk::{Counts, Ended, StageState, Walk},
};
use crate::{
    fact::{Approval, End, Fact, Happened, Step},
    stage::Stage,
};

/// A company with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name in links and on the command line: `local:company/7`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its company, deals and contacts.
    pub records: Vec<RecordRef>,
}

/// A hand-off on an account's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// When it was made, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What it was made from.
    pub parents: Vec<ArtifactId>,
    /// The call it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Its title; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Number of the walk it stands in.
    pub walk: u32,
}

/// Something that was put before a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What it was drafted in.
    pub from: ArtifactId,
    /// Name of the action.
    pub action: String,
    /// System it is to be done in.
    pub system: String,
    /// The record it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<RecordRef>,
    /// Calls and items whose words it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<String>,
    /// How it stands.
    pub state: Approval,
    /// When it was put, in ms since 1970-01-01 UTC.
    pub proposed_unix_ms: i64,
    /// When a person first had it on their screen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_unix_ms: Option<i64>,
    /// When a person last said yes, and who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<(i64, String)>,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_unix_ms: Option<i64>,
    /// Number in the audit log of the step that left it so.
    pub seq: u64,
    /// Number of the walk it stands in.
    pub walk: u32,
    /// The stage it stands in.
    pub stage: Stage,
}

/// A call on an account's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// When it ended.
    pub ended_unix_ms: i64,
}

/// An account as its facts leave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountState {
    /// Which.
    pub account: Account,
    /// Its walks, the oldest first.
    pub walks: Vec<Walk>,
    /// Hand-offs by their ids.
    pub nodes: BTreeMap<ArtifactId, Node>,
    /// Proposals by their ids.
    pub asks: BTreeMap<ProposalId, Ask>,
    /// Calls by their names.
    pub calls: BTreeMap<String, Call>,
}

impl AccountState {
    /// An account of which nothing is known.
    #[must_use]
    pub const fn new(account: Account) -> Self {
        Self { account, walks: Vec::new(), nodes: BTreeMap::new(), asks: BTreeMap::new(), calls: BTreeMap::new() }
    }

    /// The state after these facts, whatever order they are in.
    #[must_use]
    pub fn replay(account: Account, facts: &[&Fact]) -> Self {
        let mut facts = facts.to_vec();
        facts.sort_unstable();
        facts.dedup();
        let mut state = Self::new(account);
        for fact in facts {
            state.apply(fact);
        }
        state
    }

    /// The one text of this state: two replays are equal if these bytes are.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Writes that were done and of which no approval is on record: there must be none.
    #[must_use]
    pub fn unapproved_writes(&self) -> Vec<&ProposalId> {
        let done = self.asks.iter().filter(|(_, ask)| ask.done_unix_ms.is_some() && ask.approved.is_none());
        done.map(|(id, _)| id).collect()
    }

    /// Takes the next fact. Facts come in order of time; [`replay`](Self::replay) sorts them.
    fn apply(&mut self, fact: &Fact) {
        let at = fact.at_unix_ms;
        match &fact.what {
            Happened::Called { call, ended_unix_ms, title, .. } => {
                if !self.calls.contains_key(call) {
                    let n = self.walk_of_call(at);
                    self.walks[n].stage_mut(Stage::LiveCall).begin(at);
                    self.walks[n].stage_mut(Stage::LiveCall).calls.push(call.clone());
                    let it = Call { title: title.clone(), started_unix_ms: at, ended_unix_ms: *ended_unix_ms };
                    self.calls.insert(call.clone(), it);
                }
            }
            Happened::Made { id, kind, parents, call, title, .. } => {
                if !self.nodes.contains_key(id) {
                    let node = Node {
                        kind: *kind,
                        at_unix_ms: at,
                        parents: parents.clone(),
                        call: call.clone(),
                        title: title.clone(),
                        walk: 0,
                    };
                    self.made(id, node);
                }
            }
            Happened::Touched { from, .. } => {
                if let Some(n) = self.nodes.get(from).and_then(|node| self.index(node.walk)) {
                    self.walks[n].stage_mut(Stage::Outreach).finish(at);
                }
            }
            Happened::Proposed { proposal, from, action, system, target, rests_on } => {
                let ask = Ask {
                    from: from.clone(),
                    action: action.clone(),
                    system: system.clone(),
                    target: target.clone(),
                    rests_on: rests_on.clone(),
                    state: Approval::Proposed,
                    proposed_unix_ms: at,
                    shown_unix_ms: None,
                    approved: None,
                    done_unix_ms: None,
                    seq: 0,
                    walk: 0,
                    stage: Stage::Hygiene,
                };
                self.proposed(proposal, ask);
            }
            Happened::Stepped { seq, proposal, step, by } => self.stepped(*seq, proposal, *step, by, at),
            Happened::Closed { end, .. } => {
                if let Some(walk) = self.walks.last_mut().filter(|w| w.ended.is_none()) {
                    walk.ended = Some(Ended { at_unix_ms: at, end: *end });
                }
            }
        }
    }

    fn made(&mut self, id: &ArtifactId, mut node: Node) {
        let at = node.at_unix_ms;
        let stage = Stage::of(node.kind);
        let n = match node.kind {
            Kind::SignalCard => self.walk_of_signal(at),
            _ => self.walk_of_work(&node.parents, node.call.as_deref(), stage, at),
        };
        node.walk = self.walks[n].no;
        let state = self.walks[n].stage_mut(stage);
        match node.kind {
            Kind::SignalCard | Kind::Brief => {
                state.begin(at);
                state.finish(at);
            }
            // A call began when it did, not when its words were written down.
            Kind::CallTranscript => {
                if state.begun.is_empty() {
                    state.begin(at);
                }
                state.finish(at);
            }
            _ => state.begin(at),
        }
        state.artifacts.push(id.clone());
        self.nodes.insert(id.clone(), node);
    }

    fn proposed(&mut self, id: &ProposalId, mut ask: Ask) {
        if self.asks.contains_key(id) {
            return;
        }
        let from = self.nodes.get(&ask.from);
        ask.stage = from.map_or_else(|| stage_of_word(ask.from.kind()), |node| Stage::of(node.kind));
        let own = from.filter(|node| node.kind != Kind::FieldProposal).map(|node| node.walk);
        // A night's review is of many accounts and days: its proposals belong to the walk under way.
        let n = own.and_then(|no| self.index(no)).unwrap_or_else(|| self.latest(ask.proposed_unix_ms));
        ask.walk = self.walks[n].no;
        let state = self.walks[n].stage_mut(ask.stage);
        state.begin(ask.proposed_unix_ms);
        state.asks.push(id.clone());
        state.count(None, ask.state);
        self.asks.insert(id.clone(), ask);
    }

    fn stepped(&mut self, seq: u64, id: &ProposalId, step: Step, by: &str, at: i64) {
        let Some(ask) = self.asks.get_mut(id) else { return };
        match step {
            Step::Shown => ask.shown_unix_ms = Some(ask.shown_unix_ms.map_or(at, |before| before.min(at))),
            Step::Done => ask.done_unix_ms = Some(at),
            Step::Approved => ask.approved = Some((at, by.to_owned())),
            // An approval was of those bytes; of what takes their place there is none yet.
            Step::Put | Step::Edited | Step::Void | Step::Rejected => ask.approved = None,
            _ => {}
        }
        let (stage, no, was) = (ask.stage, ask.walk, ask.state);
        if let Some(state) = step.leaves().filter(|_| seq >= ask.seq) {
            (ask.state, ask.seq) = (state, seq);
        }
        let (is, sends) = (ask.state, ask.action == "send_mail");
        let Some(n) = self.index(no) else { return };
        let state = self.walks[n].stage_mut(stage);
        state.count(Some(was), is);
        // Outreach is done once a message went out; a draft that lies in a mailbox reached nobody.
        if step == Step::Done && (stage != Stage::Outreach || sends) {
            state.finish(at);
        }
    }

    /// Place of the walk with this number.
    fn index(&self, no: u32) -> Option<usize> {
        self.walks.iter().position(|w| w.no == no)
    }

    fn start(&mut self, at: i64) -> usize {
        let no = u32::try_from(self.walks.len()).unwrap_or(u32::MAX).saturating_add(1);
        self.walks.push(Walk::new(no, at));
        self.walks.len() - 1
    }

    /// The latest walk, over or not; a new one if there is none.
    fn latest(&mut self, at: i64) -> usize {
        if self.walks.is_empty() { self.start(at) } else { self.walks.len() - 1 }
    }

    fn walk_of_signal(&mut self, at: i64) -> usize {
        match self.walks.last_mut() {
            Some(walk) if walk.ended.is_none() && !walk.is_complete() => self.walks.len() - 1,
            Some(walk) => {
                walk.ended.get_or_insert(Ended { at_unix_ms: at, end: End::Completed });
                self.start(at)
            }
            None => self.start(at),
        }
    }

    /// A call stands in the walk under way; one after its end begins another.
    fn walk_of_call(&mut self, at: i64) -> usize {
        match self.walks.last() {
            Some(walk) if walk.ended.is_none() => self.walks.len() - 1,
            _ => self.start(at),
        }
    }

    /// The walk of what it was made from, of its call, or the one under way. What is written down after an end belongs to
    /// what has ended; new work begins a walk.
    fn walk_of_work(&mut self, parents: &[ArtifactId], call: Option<&str>, stage: Stage, at: i64) -> usize {
        let of_parent = parents.iter().filter_map(|p| self.nodes.get(p)).map(|node| node.walk).max();
        let of_call =
            || self.walks.iter().find(|w| w.stage(Stage::LiveCall).calls.iter().any(|c| Some(c.as_str()) == call));
        if let Some(n) = of_parent.or_else(|| of_call().map(|w| w.no)).and_then(|no| self.index(no)) {
            return n;
        }
        let over = self.walks.last().is_some_and(|w| w.ended.is_some());
        if over && stage < Stage::PostCall { self.start(at) } else { self.latest(at) }
    }
}

/// The stage of an artifact that is not kept, by the word in its id.
fn stage_of_word(kind: &str) -> Stage {
    let kinds = [
        Kind::SignalCard,
        Kind::Draft,
        Kind::Meeting,
        Kind::Brief,
        Kind::CallTranscript,
        Kind::NoteProposal,
        Kind::FieldProposal,
        Kind::Debrief,
    ];
    kinds.into_iter().find(|k| k.as_str() == kind).map_or(Stage::Hygiene, Stage::of)
}
