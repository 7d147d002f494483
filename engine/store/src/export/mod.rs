//! Everything in the store as plain files, and back: a folder of JSON lines that needs no program of ours to be read.
//!
//! ```text
//! FOLDER/manifest.json       format, counts and SHA-256 of every file
//! FOLDER/calls.jsonl         one call per line
//! FOLDER/calls/ID.jsonl      the events of a call, byte for byte as stored
//! FOLDER/consents.jsonl …    one file per table, one row per line, its columns as members
//! FOLDER/schemas/*.json      what the lines look like (JSON Schema)
//! ```
//!
//! An export is one state of the store, whatever is written meanwhile; it is made beside its place and moved there when it
//! is whole. An import goes into an empty store, whole or not at all. The same store gives the same bytes, so that
//! export, import, export ends where it began. What is derived (the index of what was said) is left out and made again.
//! Neither needs a network.
//!
//! Left out are things the store does not hold: playbooks, prompts, rubrics and sound are files of their own already.

mod error;
mod manifest;
mod read;
mod rows;
mod schemas;
mod tables;
mod write;

pub use self::{
    error::ExportError,
    manifest::{FileEntry, Manifest},
    schemas::handoffs,
};

/// Version of this layout, raised when an older program could not read a newer export.
pub const LAYOUT: u32 = 1;
