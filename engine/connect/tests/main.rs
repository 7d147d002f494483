//! Systems of record: one set of cases for all, their faults, their bytes, the vendors' own clients.
//! One program, since each would link the whole engine again: `cargo test -p PACKAGE --test all FILE::` runs one file.

#![allow(clippy::unwrap_used)]

mod support;

mod conformance;
mod faults;
mod golden;
mod local;
mod model;
mod vendors;
