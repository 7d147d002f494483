//! The port to the systems a team already uses: CRM and mailbox. Connectors implement it; writes take an [`Approved`] and
//! nothing else.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gate::Approved;

/// What kind of thing a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Something that may be sold.
    Deal,
    /// A person.
    Contact,
    /// Where they work.
    Company,
    /// A text on a record.
    Note,
    /// Something to be done.
    Task,
    /// A message not sent yet.
    MailDraft,
    /// A message that was sent or received.
    Mail,
}

impl RecordKind {
    /// The word in ids, folders and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deal => "deal",
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Note => "note",
            Self::Task => "task",
            Self::MailDraft => "mail_draft",
            Self::Mail => "mail",
        }
    }
}

/// One record of one system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordRef {
    /// Name of the system: `local`, `hubspot`, `gmail`.
    pub system: String,
    /// What it is.
    pub kind: RecordKind,
    /// The system's own id.
    pub id: String,
}

impl std::fmt::Display for RecordRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}/{}", self.system, self.kind.as_str(), self.id)
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Which.
    pub at: RecordRef,
    /// What its system calls its version: a time, a number, an `ETag`. Another text means another state.
    pub version: String,
    /// When the system last changed it, in ms since 1970-01-01 UTC.
    pub updated_unix_ms: i64,
    /// Its fields under our names (`stage`, `close_date`, `amount`, `next_step`, …); those that are empty are left out.
    pub fields: BTreeMap<String, String>,
    /// What it belongs to: a note's deal, a deal's contacts.
    pub linked: Vec<RecordRef>,
    /// What fields read over time, under our names and in order of time; of fields whose changes the system does not
    /// tell, nothing. Connectors read it of a deal's `stage` and `close_date`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub history: BTreeMap<String, Vec<PastValue>>,
}

/// What a field read from a time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastValue {
    /// What it read; nothing: it was emptied.
    pub value: Option<String>,
    /// From when on, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

impl Record {
    /// A field, if it says anything.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Which records to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only those linked to this one.
    pub linked_to: Option<RecordRef>,
    /// Only those changed at or after this time.
    pub changed_since_unix_ms: Option<i64>,
    /// Only those whose field reads so.
    pub field: Option<(String, String)>,
}

/// What a system says about one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldInfo {
    /// Our name.
    pub name: String,
    /// The system's name.
    pub theirs: String,
    /// What may stand in it, if that is a list.
    pub options: Vec<String>,
    /// May it be written?
    pub writable: bool,
}

/// What a write left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The record that was made or changed.
    pub record: RecordRef,
    /// Its version afterwards, if the system told.
    pub version: Option<String>,
    /// Where a person can look at it.
    pub url: Option<String>,
}

/// Why a system could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It did not answer in time, or not at all.
    #[error("{system} does not answer: {problem}")]
    Unreachable {
        /// Which.
        system: String,
        /// What happened.
        problem: String,
    },
    /// Too many requests.
    #[error("{system} asks us to wait {} s", wait_ms.div_ceil(1_000))]
    Busy {
        /// Which.
        system: String,
        /// For how long, in ms.
        wait_ms: u64,
    },
    /// The key is missing, wrong, expired or may not do this.
    #[error("{system} does not let us in: {problem}")]
    Forbidden {
        /// Which.
        system: String,
        /// What it said.
        problem: String,
    },
    /// It answered something we do not understand.
    #[error("{system} answered something unexpected: {problem}")]
    Odd {
        /// Which.
        system: String,
        /// What.
        problem: String,
    },
}

/// Why a write is not known to be done. The kinds differ in what may be done next, and in nothing else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// It surely was not done: it never got there, or the system said so. May be tried again after `wait_ms`.
    #[error("not done: {problem}")]
    NotDone {
        /// What happened.
        problem: String,
        /// Least time until the next attempt, in ms.
        wait_ms: u64,
    },
    /// Nobody knows: the connection broke or time ran out after the request was sent. Before any other attempt
    /// [`SystemOfRecord::find`] must have been asked.
    #[error("it is not known whether it was done: {problem}")]
    Unknown {
        /// What happened.
        problem: String,
    },
    /// The record reads otherwise than when it was proposed. A person must look again.
    #[error("the record has changed since: {problem}")]
    TargetChanged {
        /// What is different.
        problem: String,
    },
    /// The system will never take it as it is.
    #[error("refused: {problem}")]
    Refused {
        /// What the system said.
        problem: String,
    },
}

/// A CRM or a mailbox. Calls block; an implementation sets its own time limits and does not retry writes, for retrying
/// lives in the outbox alone.
pub trait SystemOfRecord: Send + Sync {
    /// Its name, as in [`RecordRef::system`].
    fn name(&self) -> &str;

    /// One record; nothing if there is none, or no longer.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read(&self, record: &RecordRef) -> Result<Option<Record>, ReadError>;

    /// All records of a kind, in order of their ids.
    ///
    /// # Errors
    /// [`ReadError`].
    fn list(&self, kind: RecordKind, which: &Listing) -> Result<Vec<Record>, ReadError>;

    /// The fields it has for this kind, of those we know a name for.
    ///
    /// # Errors
    /// [`ReadError`].
    fn fields(&self, kind: RecordKind) -> Result<Vec<FieldInfo>, ReadError>;

    /// Looks for what an earlier attempt at this very write has left behind, by its marker; strongly consistent reads
    /// only.
    ///
    /// # Errors
    /// [`ReadError`].
    fn find(&self, write: &Approved) -> Result<Option<Receipt>, ReadError>;

    /// Does it. Checks first that the target still reads as it did when it was proposed.
    ///
    /// # Errors
    /// [`WriteError`].
    fn write(&self, write: &Approved) -> Result<Receipt, WriteError>;
}
