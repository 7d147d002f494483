//! The keeper of everything between a draft and its write: the port a store implements.
//!
//! Three sides of one keeper, so that each caller sees only its own: [`Inbox`] for stages and screens, [`Queue`] for the
//! executor, [`AuditBook`] for who asks later. Each method is one transaction together with its audit entries: whole, or
//! not at all.

use std::collections::{BTreeMap, BTreeSet};

use reframe_consent::Person;
use serde::{Deserialize, Serialize};

use super::{Entry, Limits, Outcome, Service, VoidWhy};
use crate::{
    artifact::{self, Artifact, ArtifactId, Digest, Kind},
    audit::{self, Actor, Happening, What},
    gate::{Action, ActionError, Approval, Click, Proposal, ProposalId, Refusal},
    system::Receipt,
};

/// Where a proposal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case", deny_unknown_fields)]
pub enum Standing {
    /// Waits for a person.
    Open,
    /// A person said yes; it is on its way.
    Approved {
        /// Who.
        by: Person,
        /// When, in ms since 1970-01-01 UTC.
        at_unix_ms: i64,
    },
    /// A person said no.
    Rejected {
        /// Who.
        by: Person,
        /// Why, in their words.
        reason: String,
    },
    /// A newer one about the same field took its place.
    Superseded {
        /// Which.
        by: ProposalId,
    },
    /// It is in its system.
    Done {
        /// What was left there.
        receipt: Receipt,
    },
    /// Its system will never take it as it is; edited, it can be approved again.
    Failed {
        /// What the system said.
        reason: String,
    },
    /// What was approved was not done and will not be; a person must look again.
    Void {
        /// Why.
        why: VoidWhy,
    },
}

impl Standing {
    /// The word in the store and on screens.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Superseded { .. } => "superseded",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Void { .. } => "void",
        }
    }

    /// Whether a person is to look at it.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self, Self::Open | Self::Failed { .. } | Self::Void { .. })
    }

    /// Whether a click may approve it as it stands. What failed must be edited first, and what its target has outrun must
    /// be proposed again on the target as it is now.
    #[must_use]
    pub const fn may_be_approved(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Void { why } => !matches!(why, VoidWhy::TargetChanged { .. }),
            _ => false,
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open => f.write_str("not decided"),
            Self::Approved { by, .. } => write!(f, "already approved by {}", by.as_str()),
            Self::Rejected { by, .. } => write!(f, "already rejected by {}", by.as_str()),
            Self::Superseded { by } => write!(f, "replaced by the newer {by}"),
            Self::Done { receipt } => write!(f, "already done: {}", receipt.record),
            Self::Failed { reason } => write!(f, "refused by its system ({reason}); edit it first"),
            Self::Void { why } => write!(f, "void: {why}"),
        }
    }
}

/// A proposal with where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// In its latest revision.
    pub proposal: Proposal,
    /// Where it stands.
    pub standing: Standing,
    /// When a person first had it on their screen, in ms since 1970-01-01 UTC.
    pub shown_unix_ms: Option<i64>,
    /// When a person last decided about it.
    pub decided_unix_ms: Option<i64>,
}

/// Which proposals to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Only those a person is to look at: the inbox.
    pub waiting: bool,
    /// Only those of this batch.
    pub batch: Option<String>,
    /// Only those whose standing reads so ([`Standing::as_str`]).
    pub standing: Option<&'static str>,
}

/// What became of a proposal that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    New,
    /// It was there already.
    Known,
    /// It was there, made for an older state of its target; now it is for this one, under a new revision.
    Refreshed,
    /// A newer one about the same field was there already.
    Outdated,
}

/// Why the keeper did not do what it was asked. Nothing of it is kept then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is no such thing.
    #[error("there is no `{0}`; list what there is")]
    Unknown(String),
    /// It is decided, or cannot be decided now.
    #[error("{standing}")]
    Decided {
        /// How it stands.
        standing: Standing,
    },
    /// The gate did not let it through.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody could carry it out.
    #[error("it cannot be done as it stands: {0}")]
    Impossible(#[from] ActionError),
    /// An attempt was begun; until it is known how that ended, nothing about it can be changed.
    #[error("it is being written; wait until it is known whether that went through, then look again")]
    BeingWritten,
    /// The claim is somebody else's now.
    #[error(transparent)]
    Lost(#[from] super::Lost),
    /// The program's identity may write nothing.
    #[error("{service} may write nothing: {why}")]
    Stopped {
        /// Which identity.
        service: String,
        /// It was revoked, or never enrolled.
        why: &'static str,
    },
    /// The store failed.
    #[error("the store did not take it")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An artifact of any kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What it is.
    pub kind: Kind,
    /// The thing with its lineage.
    pub artifact: Artifact<serde_json::Value>,
    /// When it was put, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// Other contents for a proposal that nobody has looked at yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Redraft {
    /// Which.
    pub id: ProposalId,
    /// Digest of what it says now.
    pub was: Digest,
    /// What it shall say.
    pub action: Action,
    /// Why, with what that rests on.
    pub because: artifact::Claim,
}

/// Whether a proposal still reads so, in its first revision, and no person has seen or decided it.
#[must_use]
pub fn is_untouched(listed: &Listed, was: &Digest) -> bool {
    let proposal = &listed.proposal;
    let seen = listed.shown_unix_ms.is_some() || listed.decided_unix_ms.is_some();
    listed.standing == Standing::Open && !seen && proposal.revision == 1 && proposal.digest() == *was
}

/// The side of stages and screens.
pub trait Inbox: Send + Sync {
    /// Keeps an artifact; `false` if it was there already.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn put_artifact(&self, artifact: &Kept, by: &Actor) -> Result<bool, LedgerError>;

    /// An artifact.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn artifact(&self, id: &ArtifactId) -> Result<Option<Kept>, LedgerError>;

    /// Keeps proposals, all or none. The same one twice is kept once, whatever was decided about it; one that is not
    /// decided yet and was now made for another state of its target is refreshed; one about a field of a record replaces
    /// older undecided ones about that field.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn put_proposals(&self, new: &[Proposal], by: &Actor, at_unix_ms: i64) -> Result<Vec<Put>, LedgerError>;

    /// A proposal.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn proposal(&self, id: &ProposalId) -> Result<Option<Listed>, LedgerError>;

    /// A proposal as it was in an earlier revision: what was approved can be read also after an edit.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn revision(&self, id: &ProposalId, revision: u32) -> Result<Option<Proposal>, LedgerError>;

    /// Proposals, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn proposals(&self, which: &Which, limit: usize) -> Result<Vec<Listed>, LedgerError>;

    /// Notes that these were on a person's screen; the first time counts. Unknown ones are passed over.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn shown(&self, ids: &[ProposalId], to: &Person, at_unix_ms: i64) -> Result<(), LedgerError>;

    /// Takes clicks of yes in one transaction, each for itself: through the gate, then approval, outbox entry and audit
    /// entry. However often and by however many it is clicked, there is one outbox entry.
    ///
    /// # Errors
    /// [`LedgerError::Store`]; then none was taken.
    fn approve_batch(&self, clicks: &[(ProposalId, Click)]) -> Result<Vec<Result<Approval, LedgerError>>, LedgerError>;

    /// Takes one click of yes.
    ///
    /// # Errors
    /// [`LedgerError::Decided`], [`LedgerError::Refused`], [`LedgerError::Unknown`], [`LedgerError::Store`].
    fn approve(&self, id: &ProposalId, click: &Click) -> Result<Approval, LedgerError> {
        let one = self.approve_batch(&[(id.clone(), click.clone())])?.pop();
        one.unwrap_or_else(|| Err(LedgerError::Unknown(id.to_string())))
    }

    /// Gives a proposal other contents, if `click` was on its present ones. An approval not yet begun is void.
    ///
    /// # Errors
    /// As [`approve`](Self::approve); [`LedgerError::Impossible`], [`LedgerError::BeingWritten`].
    fn revise(&self, id: &ProposalId, click: &Click, action: Action) -> Result<Proposal, LedgerError>;

    /// Gives proposals the contents of a later draft, each only if [`is_untouched`]: what a person has on their screen does
    /// not change under their eyes. `draft` is what they come from then; it is kept only if any of them was changed, and
    /// only while what it was made from is there with its words. Tells of each whether it was changed.
    ///
    /// # Errors
    /// [`LedgerError::Impossible`], [`LedgerError::Store`]; then none was.
    fn redraft(&self, draft: &Kept, new: &[Redraft], by: &Actor, at_unix_ms: i64) -> Result<Vec<bool>, LedgerError>;

    /// Says no, if `click` was on its present contents. An approval not yet begun is void.
    ///
    /// # Errors
    /// As [`revise`](Self::revise).
    fn reject(&self, id: &ProposalId, click: &Click, reason: &str) -> Result<(), LedgerError>;
}

/// Who works off the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// A name of this run of the program, never used by another run: its clock is its own.
    pub run: String,
    /// Identity under which it writes.
    pub service: String,
    /// Its time limits.
    pub limits: Limits,
}

/// An entry with what it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The entry, claimed.
    pub entry: Entry,
    /// The proposal in its latest revision.
    pub proposal: Proposal,
}

/// The executor's side.
pub trait Queue: Send + Sync {
    /// Gives an identity these rights and no others. One that was revoked stays so: let a new one take its place.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`] if it was revoked, [`LedgerError::Store`].
    fn enrol(&self, service: &Service, by: &Actor, at_unix_ms: i64) -> Result<(), LedgerError>;

    /// Takes all rights from an identity, for good. The next write under it is stopped.
    ///
    /// # Errors
    /// [`LedgerError::Unknown`], [`LedgerError::Store`].
    fn revoke(&self, service: &str, by: &Actor, at_unix_ms: i64) -> Result<(), LedgerError>;

    /// An identity.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn service(&self, name: &str) -> Result<Option<Service>, LedgerError>;

    /// Claims the entry whose turn it is, if there is one.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn claim(&self, worker: &Worker, now_unix_ms: i64) -> Result<Option<Claim>, LedgerError>;

    /// Writes down that the write is about to be sent, if the claim still holds and the identity was not revoked.
    ///
    /// # Errors
    /// [`LedgerError::Lost`], [`LedgerError::Stopped`], [`LedgerError::Store`]; then nothing may be sent.
    fn begin(&self, held: &Entry, worker: &Worker, now_unix_ms: i64) -> Result<Entry, LedgerError>;

    /// Ends a claim.
    ///
    /// # Errors
    /// [`LedgerError::Lost`], [`LedgerError::Store`].
    fn settle(&self, held: &Entry, worker: &Worker, outcome: &Outcome, now_unix_ms: i64) -> Result<Entry, LedgerError>;

    /// When the next entry is due, in ms since 1970-01-01 UTC; nothing: the outbox is empty.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn next_due(&self) -> Result<Option<i64>, LedgerError>;

    /// Entries from number `from_no` on whose state reads so ([`State::as_str`](super::State::as_str)), in their order,
    /// at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn entries(&self, state: Option<&str>, from_no: u64, limit: usize) -> Result<Vec<Entry>, LedgerError>;
}

/// The side of who asks later.
pub trait AuditBook: Send + Sync {
    /// Adds what happened outside the other two sides: calls of models, reads of whole calls. All or none.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn note(&self, new: &[Happening]) -> Result<(), LedgerError>;

    /// All about a subject, the oldest first: a proposal, an artifact, a call, an identity.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn record_of(&self, subject: &str) -> Result<Vec<audit::Entry>, LedgerError>;

    /// A piece of the whole log, from number `from_seq`, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn entries_from(&self, from_seq: u64, limit: usize) -> Result<Vec<audit::Entry>, LedgerError>;

    /// Where the chain stands, to be kept elsewhere.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    fn head(&self) -> Result<audit::Head, LedgerError>;
}

/// All three sides.
pub trait Ledger: Inbox + Queue + AuditBook {}

impl<T: Inbox + Queue + AuditBook + ?Sized> Ledger for T {}

/// What a proposal's audit entries are found by: itself, what it was drafted in, the call or night it belongs to.
#[must_use]
pub fn subjects(proposal: &Proposal) -> Vec<String> {
    vec![proposal.id.to_string(), proposal.from.to_string(), proposal.batch.clone()]
}

/// The place a proposal wants to change, if only one change of it can be wanted at a time: system, record and field.
#[must_use]
pub fn slot(proposal: &Proposal) -> Option<String> {
    match &proposal.action {
        Action::UpdateField { record, field, .. } => Some(format!("{} {record} {field}", proposal.system)),
        _ => None,
    }
}

/// Everything there is about a proposal, the oldest first: how what it rests on was made, and by which models; who saw,
/// edited and decided it; each attempt to write it and what came of that.
///
/// # Errors
/// [`LedgerError::Unknown`], [`LedgerError::Store`].
pub fn whole_record(ledger: &(impl Ledger + ?Sized), id: &ProposalId) -> Result<Vec<audit::Entry>, LedgerError> {
    let listed = ledger.proposal(id)?.ok_or_else(|| LedgerError::Unknown(id.to_string()))?;
    let mut all: BTreeMap<u64, audit::Entry> =
        ledger.record_of(&id.to_string())?.into_iter().map(|e| (e.seq, e)).collect();
    let mut ahead = vec![listed.proposal.from];
    let mut seen = BTreeSet::new();
    while let Some(artifact) = ahead.pop() {
        if !seen.insert(artifact.clone()) {
            continue;
        }
        // Other proposals drafted in the same artifact are their own record.
        let made = |e: &audit::Entry| matches!(e.what, What::ArtifactMade | What::ModelCalled);
        all.extend(ledger.record_of(artifact.as_str())?.into_iter().filter(made).map(|e| (e.seq, e)));
        ahead.extend(ledger.artifact(&artifact)?.map(|kept| kept.artifact.parents).unwrap_or_default());
    }
    Ok(all.into_values().collect())
}
