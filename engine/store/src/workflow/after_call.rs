//! What is remembered of calls that are over: that they were looked at, and who opened their debrief to others.

use reframe_consent::Person;
use reframe_workflow::{
    artifact::Kind,
    audit::{Actor, Happening, What},
    outbox::{Kept, LedgerError},
};
use rusqlite::{OptionalExtension, Row, params};

use super::{audit_book, from_column, to_column};
use crate::{
    id::CallId,
    sqlite::{SqliteLog, column},
};

impl SqliteLog {
    /// Notes for good that the stage after a call has looked at it; a second time changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn look_at(&self, call: &CallId, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.change(|tx| {
            let sql = "INSERT OR IGNORE INTO looked_at (call, at_unix_ms) SELECT no, ?2 FROM calls WHERE id = ?1";
            tx.prepare_cached(sql)?.execute(params![call.as_str(), at_unix_ms])?;
            Ok(())
        })
    }

    /// Whether it has.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn was_looked_at(&self, call: &CallId) -> Result<bool, LedgerError> {
        self.look(|conn| {
            let sql = "SELECT EXISTS (SELECT 1 FROM looked_at WHERE call = (SELECT no FROM calls WHERE id = ?1))";
            Ok(conn.prepare_cached(sql)?.query_row([call.as_str()], |row| row.get(0))?)
        })
    }

    /// Hand-offs of a kind, the latest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn latest_artifacts(&self, kind: Kind, limit: usize) -> Result<Vec<Kept>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT kind, body, made_unix_ms FROM artifacts WHERE kind = ?1
                 ORDER BY made_unix_ms DESC, id LIMIT ?2",
            )?;
            let rows = find.query_map(params![to_column(&kind), column(limit as u64)], kept)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The debrief of a call, the latest that was made.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn debrief_of(&self, call: &CallId) -> Result<Option<Kept>, LedgerError> {
        self.look(|conn| {
            // As the index has it.
            let sql = "SELECT kind, body, made_unix_ms FROM artifacts
                       WHERE kind = '\"debrief\"' AND body ->> '$.body.call' = ?1 ORDER BY made_unix_ms DESC LIMIT 1";
            Ok(conn.prepare_cached(sql)?.query_row([call.as_str()], kept).optional()?)
        })
    }

    /// Opens a call's debrief to others, once: the seller whose call it was says so. It goes into the audit log.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn release_debrief(&self, call: &CallId, by: &Person, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.change(|tx| {
            let sql = "INSERT OR IGNORE INTO debriefs_released (call, by, at_unix_ms)
                       SELECT no, ?2, ?3 FROM calls WHERE id = ?1";
            if tx.prepare_cached(sql)?.execute(params![call.as_str(), by.as_str(), at_unix_ms])? == 0 {
                return Ok(());
            }
            let (by, what) = (Actor::Person { name: by.clone() }, What::Released);
            let subjects = vec![format!("call {call}")];
            let entry = Happening { at_unix_ms, by, what, subjects, detail: "debrief".to_owned() };
            audit_book::add(tx, &[entry])
        })
    }

    /// When a call's debrief was opened to others, in ms since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn debrief_released(&self, call: &CallId) -> Result<Option<i64>, LedgerError> {
        self.look(|conn| {
            let sql = "SELECT at_unix_ms FROM debriefs_released WHERE call = (SELECT no FROM calls WHERE id = ?1)";
            Ok(conn.prepare_cached(sql)?.query_row([call.as_str()], |row| row.get(0)).optional()?)
        })
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let (kind, artifact) = (from_column(row, 0)?, from_column(row, 1)?);
    Ok(Kept { kind, artifact, at_unix_ms: row.get(2)? })
}
