//! What can go wrong with the log, and what to do about it.

use std::path::PathBuf;

use crate::{id::CallId, record::CallState};

/// Why the store did not do what it was asked. Whatever the error, nothing of the refused append is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A name that cannot be stored. The name itself is left out: it may come from outside.
    #[error(
        "a call id of {bytes} bytes is not usable: write 1 to 128 of the characters a-z A-Z 0-9 - _ . and do not start with a dot"
    )]
    BadCallId {
        /// Its length.
        bytes: usize,
    },
    /// The call is not in the store.
    #[error("call `{call}` is not in the store: create it first, or list the calls there are")]
    UnknownCall {
        /// Which.
        call: CallId,
    },
    /// A call of that name is there already.
    #[error("call `{call}` is in the store already: choose another id, or go on with that call")]
    CallExists {
        /// Which.
        call: CallId,
    },
    /// Events between the last one stored and the first one given are missing.
    #[error(
        "call `{call}` has a hole: the next event must be number {next}, and number {given} was given; append the ones between first"
    )]
    Hole {
        /// Which call.
        call: CallId,
        /// Number the log goes on with.
        next: u64,
        /// Number given.
        given: u64,
    },
    /// Another event stands at that number.
    #[error(
        "call `{call}` already has another event at number {seq} (`{stored}` is stored, `{given}` was given): two writers on one call, or a replay of something else; the stored one was kept"
    )]
    Conflict {
        /// Which call.
        call: CallId,
        /// Which number.
        seq: u64,
        /// Kind of the stored event.
        stored: String,
        /// Kind of the given event.
        given: String,
    },
    /// The events given are not numbered one after the other from the expected number.
    #[error("events for call `{call}` are misnumbered: number {expected} was expected and the event says {found}")]
    Misnumbered {
        /// Which call.
        call: CallId,
        /// What the number had to be.
        expected: u64,
        /// What it was.
        found: u64,
    },
    /// The call is over; its log takes no more.
    #[error("call `{call}` has {state} with event {last}: its log takes no more events, start a new call")]
    Closed {
        /// Which call.
        call: CallId,
        /// How it ended.
        state: CallState,
        /// Number of its last event.
        last: u64,
    },
    /// A stored line cannot be read as the event it should be.
    #[error(
        "event {seq} of call `{call}` cannot be read ({reason}): it was written by another version, or the file is damaged; `export` still gives the line as it stands"
    )]
    BadEvent {
        /// Which call.
        call: CallId,
        /// Which number.
        seq: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An event cannot be written down.
    #[error("event {seq} of call `{call}` cannot be written down: {reason}")]
    Encode {
        /// Which call.
        call: CallId,
        /// Which number.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// A consent record that cannot be kept.
    #[error("this consent record cannot be kept: {0}")]
    BadConsent(#[from] reframe_consent::BadRecord),
    /// The export could not be written.
    #[error("the log of call `{call}` could not be written out")]
    Export {
        /// Which call.
        call: CallId,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be opened or made.
    #[error("the log file {} cannot be opened ({reason}): check that the folder exists and may be written to", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A newer Reframe wrote the file.
    #[error("the log file {} has format {found} and this program knows formats up to {known}: use the newer program, or name another file", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// Newest format known here.
        known: i64,
    },
    /// A database of another program.
    #[error("the file {} is a database of another program; it was left as it is, name another file", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// No room left.
    #[error("no room left for the log file {}: free some space; nothing of this append was written, it may be tried again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file or its folder may not be written to.
    #[error("the log file {} may only be read: allow writing to it and to its folder, or name another file", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds the file.
    #[error("another program has held the log file {} for more than {waited_ms} ms: close it, or try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The file is not a log, or is damaged.
    #[error("the file {} is damaged or is not a log ({detail}): restore it from a copy, or move it away and start a new one", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The disk failed.
    #[error("the disk failed under the log file {} ({detail}): nothing of this append was written, it may be tried again", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// Anything else SQLite says.
    #[error("the log file {} answered with an error", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Whether the same append may go through later without a change to it: the disk was full, failing, or held by
    /// another program.
    #[must_use]
    pub const fn is_worth_retrying(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Locked { .. } | Self::Disk { .. })
    }
}
