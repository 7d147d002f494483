//! Search over everything said: who said what when.
//!
//! The index is derived from the event logs and can be dropped and made again ([`SqliteLog::rebuild_index`](crate::SqliteLog::rebuild_index)). It is filled
//! by an indexer that runs behind the log, not by the append itself: an append stays as short as it is while a call runs,
//! and a fault of the index can never hold up the log. Nothing can be missed all the same: appending notes the call as due
//! in the append's own transaction, and [`SqliteLog::index`](crate::SqliteLog::index) takes the rows, the mark up to which a log was read and the
//! note away in one transaction, so a crash at any point leaves either the old state or the new one. Erasing and deleting
//! take words out of the index in the transaction that takes them out of the log (triggers in the file).
//!
//! # Order of the hits
//!
//! A query is words and `"quoted phrases"`; a hit holds all of them, in any of their forms (Porter's stems, accents
//! folded). Score = BM25 × recency. Of BM25 (Robertson and Zaragoza 2009; k₁ = 1.2, b = 0.75) the parts for frequency
//! and length are taken; the rarity of words is left out, since every hit holds all of them and it would be the same factor
//! for each. Recency is `½ + ½ · 2^(−age / 90 days)`: a hit of today counts up to twice as much as one of long ago. Only the
//! 500 latest hits that pass the filters are ranked, so that a query of everyday words stays fast; a query with fewer
//! hits is ranked whole.

mod find;
mod index;
mod query;
mod snippet;

use reframe_call::{audio::Party, event::UtteranceId};

pub use self::{index::Indexed, snippet::Snippet};
use crate::id::CallId;

/// Which utterances to look at. Nothing given: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Only of speakers whose name holds this text; case does not matter.
    pub speaker: Option<String>,
    /// Only of this side.
    pub side: Option<Party>,
    /// Only in this call.
    pub call: Option<CallId>,
    /// Only in calls that began at or after this time, in ms since 1970-01-01 UTC.
    pub from_unix_ms: Option<i64>,
    /// Only in calls that began before this time.
    pub to_unix_ms: Option<i64>,
}

/// An utterance that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its call.
    pub call: CallId,
    /// Title of the call.
    pub title: String,
    /// When the call began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// Its number in the call.
    pub utterance: UtteranceId,
    /// Who said it; `?` if nobody knows.
    pub speaker: String,
    /// Whose side they are on.
    pub side: Party,
    /// Where in the call it begins, in ms since the call's first sample.
    pub at_ms: u64,
    /// The words around the first place that matched.
    pub snippet: Snippet,
    /// By what the hits are ordered, higher first. Comparable within one answer only.
    pub score: f64,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The best first.
    pub hits: Vec<Hit>,
    /// Calls with events that the indexer has not read yet: what was said there last is not found.
    pub calls_behind: usize,
}

/// Utterances of one call that have a number in the index: 2^20, as the file's triggers have it. At one per second that
/// is twelve days of talk; what comes after it is not found.
const PER_CALL: i64 = 1 << 20;
