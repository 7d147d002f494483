//! Retention: what was said is forgotten after a time, that it was said is kept.

use std::collections::BTreeSet;

use rusqlite::params;

use super::{
    reach::Reach,
    redact::tombstone,
    rewrite::{self, Whose},
};
use crate::{error::StoreError, id::CallId, sqlite::SqliteLog};

/// A day, in ms.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Calls rewritten in one transaction: about 90,000 events, so that appends wait for no more than a second or two.
const BATCH: usize = 200;

/// What is kept for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionRules {
    /// Words of calls that began more than so many days ago go; nothing: they stay.
    pub words_days: Option<u32>,
}

/// What a run did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Calls whose words go, the oldest entered first. Files of them outside the store have to go as well.
    pub calls: Vec<CallId>,
    /// Events that were rewritten; 0 of a dry run.
    pub events: usize,
    /// Hand-offs that are tombstones now; 0 of a dry run.
    pub artifacts: usize,
    /// Proposals whose texts went; 0 of a dry run.
    pub proposals: usize,
    /// Proposals that are being written right now: done by a later run, over these calls again.
    pub being_written: usize,
}

impl RetentionRules {
    fn before(self, now_unix_ms: i64) -> Option<i64> {
        self.words_days.map(|days| now_unix_ms.saturating_sub(i64::from(days) * DAY_MS))
    }
}

impl SqliteLog {
    /// What [`retention`](Self::retention) would do now: calls that are over, began before the time and still have words.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn retention_due(&self, rules: RetentionRules, now_unix_ms: i64) -> Result<Retained, StoreError> {
        let Some(before) = rules.before(now_unix_ms) else { return Ok(Retained::default()) };
        let calls = rewrite::calls(&self.reader(), Some(before), self.faults())?;
        Ok(Retained { calls: calls.into_iter().map(|call| call.id).collect(), ..Retained::default() })
    }

    /// Erases what was said in calls that are too old: everybody's words, notes, hand-offs and proposals that rest on
    /// them. Events, names, times and lineage stay. A crash loses nothing: a call is off the list only when its words are
    /// out of the file's pages, and what rests on it went before.
    ///
    /// # Errors
    /// Errors of the file; run it again.
    pub fn retention(&self, rules: RetentionRules, now_unix_ms: i64) -> Result<Retained, StoreError> {
        let Some(before) = rules.before(now_unix_ms) else { return Ok(Retained::default()) };
        let name = |e| self.faults().name(e);
        let mut done = self.transact(|tx| {
            let calls: Vec<CallId> =
                rewrite::calls(tx, Some(before), self.faults())?.into_iter().map(|call| call.id).collect();
            let mut done = Retained { calls, ..Retained::default() };
            if !done.calls.is_empty() {
                let names: BTreeSet<String> = done.calls.iter().map(|id| id.as_str().to_owned()).collect();
                let (reach, stone) = (Reach::Calls(names), tombstone("retention", now_unix_ms));
                done.artifacts = rewrite::artifacts(tx, &reach, &stone).map_err(name)?;
                let stopped = rewrite::proposals(tx, &reach, &stone, now_unix_ms).map_err(name)?;
                (done.proposals, done.being_written) = (stopped.done, stopped.being_written.len());
            }
            Ok(done)
        })?;
        if done.calls.is_empty() {
            return Ok(done);
        }
        let wanted: BTreeSet<&CallId> = done.calls.iter().collect();
        let calls = rewrite::calls(&self.writer(), Some(before), self.faults())?;
        let calls: Vec<_> = calls.into_iter().filter(|call| wanted.contains(&call.id)).collect();
        for batch in calls.chunks(BATCH) {
            done.events += self.transact(|tx| {
                batch.iter().try_fold(0, |sum, call| Ok(sum + rewrite::events(tx, call, &Whose::All, self.faults())?.0))
            })?;
        }
        self.clean_pages()?;
        // Off the list only now, that no page holds their words any more; and not while a proposal is on its way.
        if done.being_written == 0 {
            self.transact(|tx| {
                let mut note = tx
                    .prepare_cached(
                        "INSERT OR IGNORE INTO words_gone (call, at_unix_ms) SELECT no, ?2 FROM calls WHERE no = ?1",
                    )
                    .map_err(name)?;
                calls.iter().try_for_each(|call| note.execute(params![call.no, now_unix_ms]).map(drop).map_err(name))
            })?;
        }
        Ok(done)
    }
}
