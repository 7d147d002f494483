//! What the stand-in was asked, and what it did.

use serde::Serialize;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 1.
    pub no: usize,
    /// When, in ms of the stand-in's clock.
    pub at_ms: u64,
    /// Method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Body, if it was JSON.
    pub body: Option<serde_json::Value>,
    /// Status it was answered with; 0: the connection was dropped.
    pub status: u16,
    /// Fault it met.
    pub fault: Option<String>,
    /// What it changed.
    pub change: Option<Change>,
}

/// A change that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `notes`, `deals`, `drafts`, `sent` …
    pub kind: String,
    /// The record that was made or changed.
    pub id: String,
    /// Whether it was made.
    pub made: bool,
    /// Our mark in it, if it bears one: `rf-…` of a note, the `Message-ID` of a message.
    pub mark: Option<String>,
}
