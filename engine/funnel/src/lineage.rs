//! From any hand-off or proposal back to the signal it began with, or the name of the link that is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{account::AccountState, stage::before};

/// Why a chain breaks off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "missing", rename_all = "snake_case", deny_unknown_fields)]
pub enum Missing {
    /// It names what it was made from, and that is not kept.
    #[error("names `{parent}` as what it was made from, and that is not kept; put that artifact, or erase both")]
    NotKept {
        /// What is missing.
        parent: ArtifactId,
    },
    /// It names nothing of the stage before.
    #[error("does not say which {} it came from; put its id among the parents", words(.expected))]
    NoLink {
        /// Kinds one of which must stand there.
        expected: Vec<Kind>,
    },
}

fn words(kinds: &[Kind]) -> String {
    kinds.iter().map(|k| k.as_str().replace('_', " ")).collect::<Vec<_>>().join(" or ")
}

/// A link that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{at} {missing}")]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Where the chain breaks: an artifact or a proposal.
    pub at: String,
    /// What is missing there.
    pub missing: Missing,
}

/// The chain from an artifact back to a `begin` (a signal card; a call, for accounts that came by themselves), each a
/// link that can be opened. The nearest of several is taken, of equally near ones the first by id.
///
/// # Errors
/// [`Gap`], at the place furthest back that could be reached.
pub fn back_to(state: &AccountState, from: &ArtifactId, begin: Kind) -> Result<Vec<ArtifactId>, Gap> {
    let mut chain = vec![from.clone()];
    let mut seen = BTreeSet::from([from.clone()]);
    let mut at = from.clone();
    loop {
        let node = state.nodes.get(&at).ok_or_else(|| not_kept(from, &at))?;
        if node.kind == begin {
            return Ok(chain);
        }
        let step = step_back(state, &at, node.kind)?;
        for id in step {
            // A chain in a circle leads nowhere.
            if !seen.insert(id.clone()) {
                return Err(no_link(&at, node.kind));
            }
            at = id.clone();
            chain.push(id);
        }
    }
}

/// The chain from a write back to a `begin`, the artifact it was drafted in first. One whose draft was made from nothing,
/// as those of a night are, goes on from the calls its words are from.
///
/// # Errors
/// [`Gap`].
pub fn write_back_to(state: &AccountState, write: &ProposalId, begin: Kind) -> Result<Vec<ArtifactId>, Gap> {
    let nothing = || Gap { at: write.to_string(), missing: Missing::NoLink { expected: vec![Kind::NoteProposal] } };
    let ask = state.asks.get(write).ok_or_else(nothing)?;
    let orphan = state.nodes.get(&ask.from).is_some_and(|node| node.parents.is_empty());
    let gap = match back_to(state, &ask.from, begin) {
        Err(gap) if orphan => gap,
        found => return found,
    };
    let cited = state.nodes.iter().find(|(_, node)| {
        node.kind == Kind::CallTranscript && node.call.as_ref().is_some_and(|call| ask.rests_on.contains(call))
    });
    let Some((call, _)) = cited else { return Err(gap) };
    let mut chain = vec![ask.from.clone()];
    chain.extend(back_to(state, call, begin)?);
    Ok(chain)
}

/// Every hand-off of the account whose chain does not reach the hand-off before it, in order of their ids. An account's
/// first hand-offs are where its walks begin: they may be of any stage.
#[must_use]
pub fn gaps(state: &AccountState) -> Vec<Gap> {
    let mut first: BTreeMap<u32, (i64, &ArtifactId)> = BTreeMap::new();
    for (id, node) in &state.nodes {
        let begins = first.entry(node.walk).or_insert((node.at_unix_ms, id));
        *begins = (*begins).min((node.at_unix_ms, id));
    }
    let starts = |id: &ArtifactId, walk: u32| first.get(&walk).is_some_and(|(_, begins)| *begins == id);
    let open = state.nodes.iter().filter(|(_, node)| !before(node.kind).is_empty());
    let mut gaps: Vec<Gap> = open
        .filter_map(|(id, node)| {
            let gap = step_back(state, id, node.kind).err()?;
            let bridged = node.kind == Kind::FieldProposal && node.parents.is_empty() && rests_on_calls(state, id);
            let begins = node.parents.is_empty() && starts(id, node.walk);
            (!bridged && !begins).then_some(gap)
        })
        .collect();
    let lost = state.asks.iter().filter(|(_, ask)| !state.nodes.contains_key(&ask.from));
    gaps.extend(
        lost.map(|(id, ask)| Gap { at: id.to_string(), missing: Missing::NotKept { parent: ask.from.clone() } }),
    );
    gaps
}

/// Whether a night's review has proposals here, and all of them quote calls that are there, mails and news (`mail/…`), or
/// fields alone.
fn rests_on_calls(state: &AccountState, id: &ArtifactId) -> bool {
    let mut asks = state.asks.values().filter(|ask| ask.from == *id).peekable();
    asks.peek().is_some()
        && asks.all(|ask| ask.rests_on.iter().all(|item| item.contains('/') || state.calls.contains_key(item)))
}

/// The way to the nearest hand-off of the stage before, through whatever lies between (a debrief, a later draft).
fn step_back(state: &AccountState, from: &ArtifactId, kind: Kind) -> Result<Vec<ArtifactId>, Gap> {
    let wanted = before(kind);
    let mut came: BTreeMap<&ArtifactId, &ArtifactId> = BTreeMap::new();
    let mut ahead = VecDeque::from([from]);
    let mut lost = None;
    while let Some(at) = ahead.pop_front() {
        let Some(node) = state.nodes.get(at) else {
            lost = lost.or(Some(at));
            continue;
        };
        if at != from && wanted.contains(&node.kind) {
            let mut way = vec![at.clone()];
            let mut here = at;
            while let Some(&next) = came.get(here).filter(|next| **next != from) {
                way.push(next.clone());
                here = next;
            }
            way.reverse();
            return Ok(way);
        }
        // Only what is of the same stage may lie between: a note does not follow from a card through nothing.
        if at == from || node.kind == kind || node.kind == Kind::Debrief {
            for parent in &node.parents {
                if parent != from && !came.contains_key(parent) {
                    came.insert(parent, at);
                    ahead.push_back(parent);
                }
            }
        }
    }
    Err(lost.map_or_else(|| no_link(from, kind), |parent| not_kept(from, parent)))
}

fn not_kept(at: &ArtifactId, parent: &ArtifactId) -> Gap {
    Gap { at: at.to_string(), missing: Missing::NotKept { parent: parent.clone() } }
}

fn no_link(at: &ArtifactId, kind: Kind) -> Gap {
    Gap { at: at.to_string(), missing: Missing::NoLink { expected: before(kind).to_vec() } }
}
