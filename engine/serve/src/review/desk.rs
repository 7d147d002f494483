//! The port behind the review page: what there is to decide, and what a decision does. The program implements it over
//! its store; nothing here knows of one.

use reframe_workflow::{
    artifact::Digest,
    gate::{Action, Approver, Click, Marker, Proposal, ProposalId},
    handoff::{CallTranscript, NoteProposal},
    outbox::{Listed, Standing},
    system::Receipt,
};
use serde::{Deserialize, Serialize};

use super::DebriefView;

/// Proposals that belong together: a call, or a night's review of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Its name, as in [`Proposal::batch`].
    pub batch: String,
    /// What a person calls it: the call's title, "Nightly review".
    pub title: String,
    /// The call it comes from, if it comes from one.
    pub call: Option<String>,
    /// When it was made, or when its call began, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// How many of its proposals wait for a person.
    pub waiting: usize,
    /// How many it has in all.
    pub total: usize,
}

/// A proposal as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// In its latest revision.
    pub proposal: Proposal,
    /// What a click on it must carry.
    pub digest: Digest,
    /// The exact text that digest is of: what is approved, byte for byte.
    pub bytes: String,
    /// The mark its write leaves.
    pub marker: Marker,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
    /// That in words.
    pub says: String,
    /// Whether a person is to look at it.
    pub waits: bool,
    /// Whether a click may approve it as it stands.
    pub may_be_approved: bool,
    /// What stands in the way of its being carried out at all, with what to write instead.
    pub problem: Option<String>,
    /// When a person first had it on their screen, in ms since 1970-01-01 UTC.
    pub shown_unix_ms: Option<i64>,
    /// When a person last decided about it.
    pub decided_unix_ms: Option<i64>,
}

impl From<Listed> for Item {
    fn from(Listed { proposal, standing, shown_unix_ms, decided_unix_ms }: Listed) -> Self {
        Self {
            digest: proposal.digest(),
            // Canonical JSON is text; if it were not, the page must not show something else than what is approved.
            bytes: String::from_utf8(proposal.bytes()).expect("JSON is UTF-8"),
            marker: proposal.marker(),
            says: standing.to_string(),
            waits: standing.waits(),
            may_be_approved: standing.may_be_approved(),
            problem: proposal.action.check().err().map(|error| error.to_string()),
            standing,
            shown_unix_ms,
            decided_unix_ms,
            proposal,
        }
    }
}

/// What has changed since the page last asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Changes {
    /// To be given back the next time. It grows with every change, and means nothing else.
    pub upto: u64,
    /// Proposals that are new, or read or stand otherwise than at `since`.
    pub items: Vec<Item>,
}

/// What came of one click of yes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Verdict {
    /// It is on its way.
    Approved {
        /// From when on the approval no longer counts, in ms since 1970-01-01 UTC.
        expires_unix_ms: i64,
    },
    /// Somebody (perhaps the same person) had approved it before; this click did nothing.
    Already {
        /// Who.
        by: String,
    },
    /// What was on the screen is not what it is now; nothing was approved.
    Changed {
        /// What it is now.
        now: Box<Item>,
    },
    /// It was not approved.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
}

/// How far an approved write has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// Waits for its turn.
    Pending {
        /// Why it was put off, if it was.
        note: Option<String>,
    },
    /// It is being written.
    Sending,
    /// It is in its system.
    Done {
        /// Where.
        receipt: Receipt,
    },
    /// Its system will never take it as it is.
    Failed {
        /// What the system said.
        reason: String,
    },
    /// It was not done and will not be.
    Void {
        /// Why.
        reason: String,
    },
}

/// An approved write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The proposal it carries out.
    pub id: ProposalId,
    /// Who approved it.
    pub by: String,
    /// When that was, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// How far it has come.
    #[serde(flatten)]
    pub progress: Progress,
}

/// A stretch of text that was found, or stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is what was looked for.
    pub hit: bool,
}

/// Somebody said what was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Name of the call.
    pub call: String,
    /// Its title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// Number of the utterance in it.
    pub utterance: u32,
    /// Who spoke.
    pub speaker: String,
    /// Where the utterance begins, in ms since the call's first sample.
    pub from_ms: u64,
    /// Its words around what was found.
    pub snippet: Vec<Piece>,
}

/// Why the desk did not do what it was asked. Each says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// There is no such thing.
    #[error("there is no {0} any more; load the page again to see what there is")]
    Unknown(String),
    /// What was on the screen is not what it is now.
    #[error("this has changed since you looked; here is how it reads now, decide again")]
    Changed {
        /// What it is now.
        now: Box<Item>,
    },
    /// It is decided, or cannot be decided now.
    #[error("{}; nothing was changed", now.says)]
    Decided {
        /// How it stands.
        now: Box<Item>,
    },
    /// An attempt was begun, and until it is known how that ended nothing about it can be changed.
    #[error("it is being written right now; wait until it is known whether that went through, then look again")]
    BeingWritten,
    /// Nobody could carry it out.
    #[error("it cannot be done like this: {0}")]
    Impossible(String),
    /// The store does not answer.
    #[error("{0}; nothing was changed, try again")]
    Down(String),
}

/// What there is to decide, and what a decision does. Calls may block: the server makes them where that holds nobody up.
pub trait ReviewDesk: Send + Sync {
    /// Batches with something that waits, and those decided lately, the newest first.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn inbox(&self) -> Result<Vec<Batch>, DeskError>;

    /// The proposals of a batch in the order they are read; none if there is no such batch.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn batch(&self, batch: &str) -> Result<Vec<Item>, DeskError>;

    /// One proposal.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn item(&self, id: &ProposalId) -> Result<Option<Item>, DeskError>;

    /// What has changed since, at most a few hundred at a time; with nothing to start from, only where things stand.
    /// It is asked every two seconds by every open page.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn changes(&self, since: Option<u64>) -> Result<Changes, DeskError>;

    /// Notes that these were on a person's screen; the first time counts, and unknown ones are passed over.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn shown(&self, ids: &[ProposalId], to: &Approver, at_unix_ms: i64) -> Result<(), DeskError>;

    /// Takes clicks of yes, each for itself; as many answers as clicks, in their order.
    ///
    /// # Errors
    /// [`DeskError::Down`]; then none was taken.
    fn approve(&self, clicks: &[(ProposalId, Click)]) -> Result<Vec<Verdict>, DeskError>;

    /// Says no, if `click` was on its present contents.
    ///
    /// # Errors
    /// [`DeskError`].
    fn reject(&self, id: &ProposalId, click: &Click, reason: &str) -> Result<Item, DeskError>;

    /// Gives a proposal other contents, if `click` was on its present ones; what was approved before is void.
    ///
    /// # Errors
    /// [`DeskError`].
    fn edit(&self, id: &ProposalId, click: &Click, action: Action) -> Result<Item, DeskError>;

    /// What became of approved writes, the newest first: those on their way, and those that ended lately.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn outbox(&self) -> Result<Vec<Sent>, DeskError>;

    /// What was said in a call.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn transcript(&self, call: &str) -> Result<Option<CallTranscript>, DeskError>;

    /// What a call left to write down.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn note(&self, call: &str) -> Result<Option<NoteProposal>, DeskError>;

    /// How a call was led, as far as this person may see it at the moment; nothing if there is no debrief of it.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn debrief(&self, call: &str, viewer: &Approver) -> Result<Option<DebriefView>, DeskError>;

    /// The seller whose call it was opens its debrief to their manager; a second time changes nothing.
    ///
    /// # Errors
    /// [`DeskError::Unknown`], [`DeskError::Impossible`] for anybody else, [`DeskError::Down`].
    fn release_debrief(&self, call: &str, by: &Approver, at_unix_ms: i64) -> Result<(), DeskError>;

    /// Who said this, and when; the best first. What cannot be understood as a query finds nothing.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn search(&self, query: &str, limit: usize) -> Result<Vec<Hit>, DeskError>;
}
