//! Keeps the event logs of calls: what was acknowledged is still there after a crash, in order and without holes.
//!
//! [`EventLog`] is the port, [`SqliteLog`] the store that ships, [`MemoryLog`] one for tests and for running without
//! a file. All methods take `&self` and may be called from any thread; reads do not wait for writes.
//!
//! # What survives
//!
//! An append is *acknowledged* when [`EventLog::append`] or [`EventLog::append_batch`] returns `Ok`. For [`SqliteLog`]:
//!
//! - **The process is killed** (`kill -9`, panic, out of memory): nothing acknowledged is lost, and an append under way
//!   is there whole or not at all. The test `tests/kill.rs` does this to a real process.
//! - **The machine loses power**: nothing acknowledged is lost either, because every commit waits for the disk
//!   (`synchronous=FULL`; on macOS `fullfsync`). What was not yet acknowledged is lost: with a writer that appends
//!   every 50 ms, the last 50 ms and the append under way. A disk or a virtual machine that says "written" before it is
//!   can lose more, up to what it held in its cache; the file stays readable as far as the disk kept the order.
//! - **The disk is full, read-only, locked or failing**: the append returns an error that says which, nothing of it is
//!   in the file, and the same append may be tried again ([`StoreError::is_worth_retrying`]).
//!
//! # What is erased
//!
//! A log is never edited, with one exception: an event `words_erased` or `call_erased` in it asks that what was said
//! before be taken out. [`EventLog::erase`] does it: the events stay where they are, their words go, also from the pages of
//! the file. What was asked for and is not done yet is known to the store ([`EventLog::erasures_due`]), so a process that
//! is killed in between finishes it at its next start.
//!
//! The wait for the disk is paid once per append, so a writer with several calls uses
//! [`append_batch`](EventLog::append_batch).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod append;
mod consents;
mod erasure;
mod error;
pub mod export;
mod id;
mod log;
mod memory;
pub mod person;
mod record;
pub mod search;
mod sqlite;
mod workflow;

pub use crate::{
    consents::{ConsentBook, Withdrawn},
    erasure::Erasure,
    error::StoreError,
    id::CallId,
    log::{Append, Appended, EventLog},
    memory::MemoryLog,
    record::{CallRecord, CallState, NewCall},
    sqlite::{SqliteLog, SqliteOptions},
    workflow::{BatchCount, CallOutline, Item, ItemKind, SentMail},
};

/// A store of both: what was said, and who agreed to it.
pub trait Store: EventLog + ConsentBook {}

impl<T: EventLog + ConsentBook> Store for T {}
