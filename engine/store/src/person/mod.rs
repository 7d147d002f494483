//! Taking a person, or what has been kept long enough, out of the store.
//!
//! # What goes, and what stays
//!
//! Erasing a person ([`SqliteLog::erase_person`](crate::SqliteLog::erase_person)) takes out of the file, in one transaction and then also out of its pages:
//!
//! - what they said in every call that is over: words, second opinions, quotations in detections, cues and cards; and
//!   with it all of it in the index. The events stay where they are, without words;
//! - their name as a participant, and titles of calls and notes of the rep's that name them, also of calls they were not
//!   on: a mask takes its place;
//! - hand-offs that quote them, hold the transcript of a call they were on, or name them: the body becomes a
//!   [`tombstone`] with the salted digest of the person; id, kind, lineage and time stay. Its id no longer
//!   follows from its contents, and that is how it can be told from one that was never changed;
//! - proposals likewise: every text in them goes, and one that was not yet done is rejected, so that nothing is written.
//!
//! What stays, on purpose: the consent registry (the proof that listening was allowed; it only grows), the audit log (ids,
//! digests, times; as an approver a person is named there) and approvals, and what *others* said about them. What is outside
//! the file is not touched: folders of exports, recordings, transcripts written as files. [`Erased::calls`] says whose
//! files have to go; until [`SqliteLog::person_erased`](crate::SqliteLog::person_erased) says they are gone, the erasure stays on the list of what is due.
//!
//! # A crash in the middle
//!
//! The wish is written down first, with the names; then everything in the file is rewritten in one transaction, which
//! also takes the names out of the wish; then the file's pages and write-ahead log are cleaned; then files outside. Each step
//! is harmless to repeat, and [`SqliteLog::resume_person_erasures`](crate::SqliteLog::resume_person_erasures) goes on from wherever it stopped. A call that is
//! still running is left until it is over, and so is a proposal that is being written: the erasure stays due.

mod erase;
pub(crate) mod reach;
pub(crate) mod redact;
mod retention;
pub(crate) mod rewrite;
pub(crate) mod who;
mod withdrawal;

use reframe_workflow::artifact::Digest;

pub use self::{
    redact::tombstone,
    retention::{Retained, RetentionRules},
};
use crate::{error::StoreError, id::CallId};

/// What an erasure did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Its number on the list, for [`SqliteLog::person_erased`](crate::SqliteLog::person_erased).
    pub no: u64,
    /// Calls whose words or names went: files of them outside the store have to go as well.
    pub calls: Vec<CallId>,
    /// Events that were rewritten.
    pub events: usize,
    /// Hand-offs that are tombstones now.
    pub artifacts: usize,
    /// Proposals whose texts went.
    pub proposals: usize,
    /// Things kept from before calls that named them, and went.
    pub items: usize,
    /// Calls they are on, or whose notes name them, that are not over yet: done once they are.
    pub open_calls: Vec<CallId>,
    /// Proposals that are being written right now: done once that is settled.
    pub being_written: usize,
    /// Calls on record as theirs by e-mail address, in which no participant's name fits any spelling given: erase again
    /// with the name they go by there.
    pub unmatched_calls: Vec<CallId>,
}

/// An erasure that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub no: u64,
    /// Salted digest of the person.
    pub digest: String,
    /// When it was asked for, in ms since 1970-01-01 UTC.
    pub asked_unix_ms: i64,
    /// Whether the store itself still has something to take out.
    pub in_store: bool,
    /// Calls whose files outside have to go.
    pub calls: Vec<CallId>,
}

/// Why a person was not erased.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersonError {
    /// Nobody was named.
    #[error("name the person to be erased, by e-mail address or name")]
    Nobody,
    /// A salt that could be guessed.
    #[error("the salt has {0} bytes: give at least 16 that nobody knows, or names could be tried out on the digest")]
    Salt(usize),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit log did not take the entry.
    #[error("the erasure is done and could not be written into the audit log")]
    Audit(#[source] reframe_workflow::outbox::LedgerError),
}

/// Shortest salt, in bytes: 128 bits cannot be tried out.
const SALT_BYTES: usize = 16;

/// Digest under which an erased person is remembered. Who has the salt can tell whether a name is the one; nobody else.
#[must_use]
pub fn salted(salt: &[u8], person: &reframe_consent::Person) -> Digest {
    let mut bytes = salt.to_vec();
    // Its length stands before the name, so that no other salt and name give the same bytes.
    bytes.extend((salt.len() as u64).to_be_bytes());
    bytes.extend(person.as_str().as_bytes());
    Digest::of(&bytes)
}
