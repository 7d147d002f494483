//! The store: what it keeps, what it gives back, what it loses when it is killed (nothing).
//! One program, since each would link the whole engine again: `cargo test -p PACKAGE --test all FILE::` runs one file.

#![allow(clippy::unwrap_used)]

mod faults;
mod made;

mod after_call;
mod before_call;
mod conformance;
mod digests;
mod export;
mod kill;
mod person;
mod redraft;
mod search;
mod sqlite;
mod withdrawal;
mod workflow;
mod workflow_faults;
mod workflow_kill;
