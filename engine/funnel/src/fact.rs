//! The log a page is a fold of: facts about artifacts, calls and proposals, made from what the store keeps.
//!
//! A fact holds ids, kinds and times, and titles where a call or meeting has one. Words of calls and contents of drafts
//! stay where they are.

use reframe_workflow::{
    artifact::{ArtifactId, Evidence, Kind},
    audit::{self, What},
    gate::ProposalId,
    outbox::{Kept, Listed, Standing},
    system::RecordRef,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest title that is kept, in characters.
const MAX_TITLE_CHARS: usize = 120;

/// How something that was put before a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Waits for a person.
    Proposed,
    /// A person said yes; it is on its way.
    Approved,
    /// It is in its system.
    Done,
    /// What was approved no longer counts; a person must look again.
    Void,
    /// Its system will not take it; a person must look again.
    Failed,
    /// A person said no.
    Rejected,
    /// A newer one took its place.
    Superseded,
}

impl Approval {
    /// The word in JSON and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Done => "done",
            Self::Void => "void",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }

    /// What of several a page speaks of first: what a person must do something about, then what is under way, then what
    /// is over.
    #[must_use]
    pub const fn urgency(self) -> u8 {
        match self {
            Self::Failed => 6,
            Self::Void => 5,
            Self::Proposed => 4,
            Self::Approved => 3,
            Self::Done => 2,
            Self::Rejected => 1,
            Self::Superseded => 0,
        }
    }

    /// The same of the store's word.
    #[must_use]
    pub const fn of(standing: &Standing) -> Self {
        match standing {
            Standing::Open => Self::Proposed,
            Standing::Approved { .. } => Self::Approved,
            Standing::Rejected { .. } => Self::Rejected,
            Standing::Superseded { .. } => Self::Superseded,
            Standing::Done { .. } => Self::Done,
            Standing::Failed { .. } => Self::Failed,
            Standing::Void { .. } => Self::Void,
        }
    }
}

/// What was done with a proposal, as the audit log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It was put, or put again for a newer state of its target.
    Put,
    /// A person had it on their screen.
    Shown,
    /// A person said yes.
    Approved,
    /// A person changed it.
    Edited,
    /// A person said no.
    Rejected,
    /// A write is about to go out, failed for now, or nobody knows.
    Tried,
    /// It was done, or found done.
    Done,
    /// Its system will not take it.
    Failed,
    /// The approval no longer counts.
    Void,
    /// A newer one took its place.
    Superseded,
}

impl Step {
    /// How the proposal stands after it; nothing: as before.
    #[must_use]
    pub const fn leaves(self) -> Option<Approval> {
        match self {
            Self::Shown => None,
            Self::Put | Self::Edited => Some(Approval::Proposed),
            Self::Approved | Self::Tried => Some(Approval::Approved),
            Self::Rejected => Some(Approval::Rejected),
            Self::Done => Some(Approval::Done),
            Self::Failed => Some(Approval::Failed),
            Self::Void => Some(Approval::Void),
            Self::Superseded => Some(Approval::Superseded),
        }
    }
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The deal was won.
    Won,
    /// The deal was lost.
    Lost,
    /// Nothing more is to be done: a sequence ran out, somebody opted out, the account was ruled out.
    Stopped,
    /// It went all the way to a write in the system of record, and the next signal came.
    Completed,
}

impl End {
    /// The word in JSON and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
        }
    }
}

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What.
    pub what: Happened,
}

/// What happened. At one moment the order is that of this list: what is made stands before what is proposed in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fact", rename_all = "snake_case", deny_unknown_fields)]
pub enum Happened {
    /// A call took place; the time of the fact is its beginning.
    Called {
        /// Name of the call.
        call: String,
        /// When it ended, in ms since 1970-01-01 UTC.
        ended_unix_ms: i64,
        /// The deal it was about.
        deal: Option<RecordRef>,
        /// Its title.
        title: String,
    },
    /// A stage made a hand-off.
    Made {
        /// What it is. Of things made at one moment the earlier stage's come first.
        kind: Kind,
        /// Its id.
        id: ArtifactId,
        /// What it was made from.
        parents: Vec<ArtifactId>,
        /// Records it names as its own.
        about: Vec<RecordRef>,
        /// The call it is of.
        call: Option<String>,
        /// Its title; may be empty.
        title: String,
    },
    /// A touch on a channel that no proposal stands for: a person sent a copied text and confirmed it.
    Touched {
        /// Its name.
        touch: String,
        /// `linkedin`, `phone`.
        channel: String,
        /// The draft it was.
        from: ArtifactId,
    },
    /// Something was put before a person.
    Proposed {
        /// Its name.
        proposal: ProposalId,
        /// What it was drafted in.
        from: ArtifactId,
        /// Name of the action: `send_mail`.
        action: String,
        /// System it is to be done in.
        system: String,
        /// The record it is about.
        target: Option<RecordRef>,
        /// Calls and items whose words it rests on.
        rests_on: Vec<String>,
    },
    /// Something was done with a proposal.
    Stepped {
        /// Number in the audit log: of two steps the one with the higher number was later, whatever the clocks said.
        seq: u64,
        /// Which.
        proposal: ProposalId,
        /// What.
        step: Step,
        /// Kind and name of who did it.
        by: String,
    },
    /// The deal, or the work on the account, came to an end.
    Closed {
        /// The deal or company.
        record: RecordRef,
        /// How.
        end: End,
    },
}

/// A call as the page needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallKept {
    /// Name.
    pub call: String,
    /// Title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// When it ended.
    pub ended_unix_ms: i64,
    /// The deal it was about.
    pub deal: Option<RecordRef>,
}

impl Fact {
    /// Of a call.
    #[must_use]
    pub fn of_call(call: &CallKept) -> Self {
        let what = Happened::Called {
            call: call.call.clone(),
            ended_unix_ms: call.ended_unix_ms,
            deal: call.deal.clone(),
            title: short(&call.title),
        };
        Self { at_unix_ms: call.started_unix_ms, what }
    }

    /// Of an artifact. Which records, call and title it is about stands in its body under the names that the hand-offs
    /// have for them (`account`, `deal`, `record`; `call`; `title`).
    #[must_use]
    pub fn of_artifact(kept: &Kept) -> Self {
        let body = &kept.artifact.body;
        let record = |name: &str| serde_json::from_value::<RecordRef>(body.get(name)?.clone()).ok();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let what = Happened::Made {
            id: kept.artifact.id.clone(),
            kind: kept.kind,
            parents: kept.artifact.parents.clone(),
            about: ["account", "deal", "record"].iter().filter_map(|name| record(name)).collect(),
            call: text("call"),
            title: text("title").map_or_else(String::new, |t| short(&t)),
        };
        Self { at_unix_ms: kept.at_unix_ms, what }
    }

    /// Of a proposal: that it was put. What was done with it is in the audit log ([`Fact::of_entry`]).
    #[must_use]
    pub fn of_proposal(listed: &Listed) -> Self {
        let proposal = &listed.proposal;
        let mut rests_on: Vec<String> = proposal.because.evidence().iter().filter_map(source).collect();
        rests_on.sort_unstable();
        rests_on.dedup();
        let what = Happened::Proposed {
            proposal: proposal.id.clone(),
            from: proposal.from.clone(),
            action: proposal.action.name().to_owned(),
            system: proposal.system.clone(),
            target: proposal.action.target().cloned(),
            rests_on,
        };
        Self { at_unix_ms: proposal.made_unix_ms, what }
    }

    /// How a proposal stands, for one of which the audit log at hand says nothing; nothing if nobody decided it yet.
    #[must_use]
    pub fn of_standing(listed: &Listed) -> Option<Self> {
        let (step, by) = match &listed.standing {
            Standing::Open => return None,
            Standing::Approved { by, .. } => (Step::Approved, format!("person {}", by.as_str())),
            Standing::Rejected { by, .. } => (Step::Rejected, format!("person {}", by.as_str())),
            Standing::Superseded { .. } => (Step::Superseded, String::new()),
            Standing::Done { .. } => (Step::Done, String::new()),
            Standing::Failed { .. } => (Step::Failed, String::new()),
            Standing::Void { .. } => (Step::Void, String::new()),
        };
        let at_unix_ms = listed.decided_unix_ms.unwrap_or(listed.proposal.made_unix_ms);
        Some(Self { at_unix_ms, what: Happened::Stepped { seq: 0, proposal: listed.proposal.id.clone(), step, by } })
    }

    /// Of an entry of the audit log: one fact for each proposal it is about, none if it is about none.
    #[must_use]
    pub fn of_entry(entry: &audit::Entry) -> Vec<Self> {
        let Some(step) = step(entry) else { return Vec::new() };
        let proposals = entry.subjects.iter().filter_map(|s| s.parse::<ArtifactId>().ok());
        let proposals = proposals.filter(|id| id.kind() == "proposal");
        let by = entry.by.to_string();
        let fact = |id| {
            let what = Happened::Stepped { seq: entry.seq, proposal: ProposalId(id), step, by: by.clone() };
            Self { at_unix_ms: entry.at_unix_ms, what }
        };
        proposals.map(fact).collect()
    }
}

fn step(entry: &audit::Entry) -> Option<Step> {
    Some(match entry.what {
        What::Proposed => Step::Put,
        // A newer state of the target, or a later draft, makes a new revision of the same proposal.
        What::Superseded if entry.detail.starts_with("by revision ") => Step::Put,
        What::Superseded => Step::Superseded,
        What::Shown => Step::Shown,
        What::Approved => Step::Approved,
        What::Edited => Step::Edited,
        What::Rejected => Step::Rejected,
        What::WriteAttempted | What::NotDone | What::Unknown => Step::Tried,
        What::Found | What::Done => Step::Done,
        What::Failed => Step::Failed,
        What::Void => Step::Void,
        _ => return None,
    })
}

/// The call or item that evidence points at.
fn source(evidence: &Evidence) -> Option<String> {
    match evidence {
        Evidence::Words { call, .. } | Evidence::Event { call, .. } => Some(call.clone()),
        Evidence::Source { item, .. } => Some(item.clone()),
        Evidence::Field { .. } => None,
    }
}

fn short(title: &str) -> String {
    title.chars().filter(|c| !c.is_control()).take(MAX_TITLE_CHARS).collect()
}

/// A line of a log that is no fact.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the log is no fact: {problem}; write the log anew from the store")]
pub struct BadLine {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: serde_json::Error,
}

/// Facts as JSON Lines, in their order.
///
/// # Panics
/// Never: facts have a JSON form.
#[must_use]
pub fn write_log(facts: &[Fact]) -> String {
    let line = |fact| serde_json::to_string(fact).expect("facts have a JSON form") + "\n";
    facts.iter().map(line).collect()
}

/// Facts of JSON Lines; empty lines are passed over.
///
/// # Errors
/// [`BadLine`].
pub fn read_log(text: &str) -> Result<Vec<Fact>, BadLine> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines.map(|(text, line)| serde_json::from_str(text).map_err(|problem| BadLine { line, problem })).collect()
}
