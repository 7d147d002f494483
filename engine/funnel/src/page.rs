//! What the pages are fed with: one JSON document for each view.
//!
//! Times are ms since 1970-01-01 UTC; the document names the zone they are to be shown in. Ids are whole, so that each can
//! be asked for. The shapes are in `docs/FUNNEL.md`.

use std::collections::BTreeMap;

use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
    system::RecordRef,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountState, Counts, Walk},
    deal::DealSummary,
    fact::{Approval, End},
    funnel::{By, Case, DropOff, Question, steps},
    huddle::Huddle,
    lineage,
    stage::Stage,
    time_on_task::TimeOnTask,
};

/// Walks of an account that a page shows, the latest first; the rest is counted.
const WALKS: usize = 20;
/// Things of one stage that a page shows, the latest; the rest is counted.
const ITEMS: usize = 100;

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The furthest stage of its latest walk.
    pub stage: Option<Stage>,
    /// What of that walk a person must act on first.
    pub approval: Option<Approval>,
    /// When something last happened, in ms since 1970-01-01 UTC.
    pub last_unix_ms: Option<i64>,
}

/// The list of accounts: `accounts.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountsPage {
    /// Zone to show times in.
    pub zone: String,
    /// The accounts, those with the latest news first.
    pub accounts: Vec<AccountLine>,
}

/// A hand-off, call or proposal on a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Item {
    /// A hand-off.
    Artifact {
        /// Its id.
        id: ArtifactId,
        /// What it is.
        kind: Kind,
        /// Its title; may be empty.
        title: String,
        /// When it was made.
        at_unix_ms: i64,
        /// What it was made from.
        parents: Vec<ArtifactId>,
        /// What was made from it.
        children: Vec<ArtifactId>,
        /// The call it is of.
        call: Option<String>,
    },
    /// A call.
    Call {
        /// Its name.
        call: String,
        /// Its title.
        title: String,
        /// When it began.
        at_unix_ms: i64,
        /// When it ended.
        ended_unix_ms: i64,
    },
    /// A proposal.
    Proposal {
        /// Its id.
        id: ProposalId,
        /// Name of the action.
        action: String,
        /// System it is to be done in.
        system: String,
        /// The record it is about.
        target: Option<RecordRef>,
        /// What it was drafted in.
        from: ArtifactId,
        /// How it stands.
        state: Approval,
        /// When it was put.
        at_unix_ms: i64,
        /// When a person said yes.
        approved_unix_ms: Option<i64>,
        /// Who did.
        approved_by: Option<String>,
        /// When it was done.
        done_unix_ms: Option<i64>,
    },
}

impl Item {
    const fn at(&self) -> i64 {
        match self {
            Self::Artifact { at_unix_ms, .. } | Self::Call { at_unix_ms, .. } | Self::Proposal { at_unix_ms, .. } => {
                *at_unix_ms
            }
        }
    }
}

/// One stage of a walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageView {
    /// Which.
    pub stage: Stage,
    /// Its name for people.
    pub title: String,
    /// When it began; nothing: it has not.
    pub begun_unix_ms: Option<i64>,
    /// When it first gave what it gives.
    pub done_unix_ms: Option<i64>,
    /// Whether what it does passes a person.
    pub gated: bool,
    /// What of its proposals a person must act on first.
    pub approval: Option<Approval>,
    /// Its proposals by how they stand.
    pub counts: Counts,
    /// How many things stand in it.
    pub n: u64,
    /// The latest hundred, in order of time.
    pub items: Vec<Item>,
}

/// One walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WalkView {
    /// Its number, from 1.
    pub no: u32,
    /// When it began.
    pub began_unix_ms: i64,
    /// When it first got as far as a write in the system of record after a call.
    pub completed_unix_ms: Option<i64>,
    /// When it ended.
    pub ended_unix_ms: Option<i64>,
    /// How.
    pub end: Option<End>,
    /// The six stages, in order.
    pub stages: Vec<StageView>,
}

/// One account: `account.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountPage {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Zone to show times in.
    pub zone: String,
    /// How many walks there are.
    pub n: u64,
    /// The latest twenty, the latest first.
    pub walks: Vec<WalkView>,
    /// Links that are missing, in words; empty: the lineage is unbroken.
    pub gaps: Vec<String>,
    /// What its calls left, if somebody put it together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<DealSummary>,
}

/// The funnel: `funnel.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunnelPage {
    /// Zone cohorts are cut in.
    pub zone: String,
    /// How they are cut.
    pub by: By,
    /// The present it was made at.
    pub now_unix_ms: i64,
    /// From each stage to the next.
    pub steps: Vec<DropOff>,
    /// Between two points that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<DropOff>,
}

/// The morning: `huddle.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HuddlePage {
    /// The seven lines.
    pub huddle: Huddle,
    /// How long decisions took, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_on_task: Option<TimeOnTask>,
}

/// The list of accounts.
#[must_use]
pub fn accounts_page(accounts: &[AccountState], zone: &str) -> AccountsPage {
    let mut lines: Vec<AccountLine> = accounts.iter().map(account_line).collect();
    lines.sort_by(|a, b| b.last_unix_ms.cmp(&a.last_unix_ms).then_with(|| a.id.cmp(&b.id)));
    AccountsPage { zone: zone.to_owned(), accounts: lines }
}

fn account_line(state: &AccountState) -> AccountLine {
    let walk = state.walks.last();
    let states = walk.into_iter().flat_map(|w| w.stages.iter().filter_map(crate::account::StageState::approval));
    let times =
        state.walks.iter().flat_map(|w| w.stages.iter().flat_map(|s| s.begun.last().into_iter().chain(s.done.last())));
    AccountLine {
        id: state.account.id.clone(),
        name: state.account.name.clone(),
        stage: walk.and_then(Walk::furthest),
        approval: states.max_by_key(|s| s.urgency()),
        last_unix_ms: times.max().copied(),
    }
}

/// One account's page.
#[must_use]
pub fn account_page(state: &AccountState, summary: Option<DealSummary>, zone: &str) -> AccountPage {
    let mut children: BTreeMap<&ArtifactId, Vec<ArtifactId>> = BTreeMap::new();
    for (id, node) in &state.nodes {
        for parent in &node.parents {
            children.entry(parent).or_default().push(id.clone());
        }
    }
    AccountPage {
        id: state.account.id.clone(),
        name: state.account.name.clone(),
        zone: zone.to_owned(),
        n: state.walks.len() as u64,
        walks: state.walks.iter().rev().take(WALKS).map(|walk| walk_view(state, walk, &children)).collect(),
        gaps: lineage::gaps(state).iter().map(ToString::to_string).collect(),
        summary,
    }
}

fn walk_view(state: &AccountState, walk: &Walk, children: &BTreeMap<&ArtifactId, Vec<ArtifactId>>) -> WalkView {
    let stages = walk.stages.iter().map(|stage| {
        let artifacts = stage.artifacts.iter().filter_map(|id| {
            let node = state.nodes.get(id)?;
            Some(Item::Artifact {
                id: id.clone(),
                kind: node.kind,
                title: node.title.clone(),
                at_unix_ms: node.at_unix_ms,
                parents: node.parents.clone(),
                children: children.get(id).cloned().unwrap_or_default(),
                call: node.call.clone(),
            })
        });
        let calls = stage.calls.iter().filter_map(|name| {
            let call = state.calls.get(name)?;
            Some(Item::Call {
                call: name.clone(),
                title: call.title.clone(),
                at_unix_ms: call.started_unix_ms,
                ended_unix_ms: call.ended_unix_ms,
            })
        });
        let proposals = stage.asks.iter().filter_map(|id| {
            let ask = state.asks.get(id)?;
            let approved = ask.approved.as_ref();
            Some(Item::Proposal {
                id: id.clone(),
                action: ask.action.clone(),
                system: ask.system.clone(),
                target: ask.target.clone(),
                from: ask.from.clone(),
                state: ask.state,
                at_unix_ms: ask.proposed_unix_ms,
                approved_unix_ms: approved.map(|(at, _)| *at),
                approved_by: approved.map(|(_, by)| by.clone()),
                done_unix_ms: ask.done_unix_ms,
            })
        });
        let mut items: Vec<Item> = calls.chain(artifacts).chain(proposals).collect();
        items.sort_by_key(Item::at);
        let n = items.len();
        StageView {
            stage: stage.stage,
            title: stage.stage.title().to_owned(),
            begun_unix_ms: stage.begun_unix_ms(),
            done_unix_ms: stage.done_unix_ms(),
            gated: stage.stage.is_gated(),
            approval: stage.approval(),
            counts: stage.counts,
            n: n as u64,
            items: items.split_off(n.saturating_sub(ITEMS)),
        }
    });
    WalkView {
        no: walk.no,
        began_unix_ms: walk.began_unix_ms,
        completed_unix_ms: walk.completed_unix_ms(),
        ended_unix_ms: walk.ended.map(|e| e.at_unix_ms),
        end: walk.ended.map(|e| e.end),
        stages: stages.collect(),
    }
}

/// The funnel's page: five steps, and the one between the question's own two points if `asked`.
#[must_use]
pub fn funnel_page(cases: &[Case<'_>], question: &Question, asked: bool) -> FunnelPage {
    FunnelPage {
        zone: question.zone.iana_name().unwrap_or("UTC").to_owned(),
        by: question.by,
        now_unix_ms: question.now_unix_ms,
        steps: steps(cases, question),
        asked: asked.then(|| crate::funnel::drop_off(cases, question)),
    }
}
