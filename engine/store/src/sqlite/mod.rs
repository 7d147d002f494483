//! Event logs in a SQLite file.

mod consents;
mod erase;
pub(crate) mod faults;
mod open;
pub(crate) mod schema;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use reframe_call::audio::TrackInfo;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::{
    append::{Standing, plan},
    erasure::Erasure,
    error::StoreError,
    id::CallId,
    log::{Append, Appended, EventLog},
    record::{CallRecord, CallState, NewCall},
    sqlite::faults::Faults,
};

pub use open::SqliteOptions;

/// Event logs in one SQLite file (write-ahead log, every commit waits for the disk; see the crate's page).
///
/// Two connections, so that a screen that reads a log back does not hold up the writer.
#[derive(Debug)]
pub struct SqliteLog {
    writer: Mutex<Connection>,
    /// None in memory: another connection would be another database.
    reader: Option<Mutex<Connection>>,
    faults: Faults,
}

/// Columns in the order [`record`] reads them.
const RECORD: &str = "SELECT id, title, playbook, started_unix_ms, token_hash, state, participants,
    (SELECT coalesce(max(seq) + 1, 0) FROM events WHERE call = calls.no) FROM calls";

impl SqliteLog {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.faults.path
    }

    /// Reads the whole file and checks that its parts fit together. Takes seconds on a large file.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first thing that is wrong.
    pub fn check(&self) -> Result<(), StoreError> {
        let reader = self.reader();
        let first: String =
            reader.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(|e| self.faults.name(e))?;
        if first == "ok" { Ok(()) } else { Err(StoreError::Corrupt { path: self.path_buf(), detail: first }) }
    }

    /// Changes the limit set by [`SqliteOptions::max_bytes`]; `None` is none. A limit below the present size stops the
    /// file from growing.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn set_max_bytes(&self, max_bytes: Option<u64>) -> Result<(), StoreError> {
        open::limit(&lock(&self.writer), max_bytes).map_err(|e| self.faults.name(e))
    }

    pub(crate) fn reader(&self) -> MutexGuard<'_, Connection> {
        lock(self.reader.as_ref().unwrap_or(&self.writer))
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Connection> {
        lock(&self.writer)
    }

    pub(crate) const fn faults(&self) -> &Faults {
        &self.faults
    }

    fn path_buf(&self) -> PathBuf {
        self.faults.path.clone()
    }

    /// Runs `body` in a write transaction: all of it, or nothing on any error.
    fn write<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        // Immediate: a lock that cannot be had is found out now, not at the first write.
        let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| self.faults.name(e))?;
        let value = body(&tx)?;
        tx.commit().map_err(|e| self.faults.name(e))?;
        Ok(value)
    }

    fn append_in(&self, tx: &Transaction<'_>, part: &Append<'_>) -> Result<Result<Appended, StoreError>, StoreError> {
        let name = |e| self.faults.name(e);
        let found = tx
            .prepare_cached(
                "SELECT no, state, participants, (SELECT coalesce(max(seq) + 1, 0) FROM events WHERE call = no)
                 FROM calls WHERE id = ?1",
            )
            .and_then(|mut s| {
                s.query_row([part.call.as_str()], |row| {
                    let now = Standing { state: state(row, 1)?, participants: people(row, 2)?, next_seq: seq(row, 3)? };
                    Ok((row.get::<_, i64>(0)?, now))
                })
                .optional()
            })
            .map_err(name)?;
        let Some((no, now)) = found else {
            return Ok(Err(StoreError::UnknownCall { call: part.call.clone() }));
        };
        let (first, before) = (now.next_seq, now.state);
        let stored = |seq: u64| {
            tx.prepare_cached("SELECT line FROM events WHERE call = ?1 AND seq = ?2")
                .and_then(|mut s| s.query_row(params![no, column(seq)], |row| row.get(0)))
                .map_err(name)
        };
        let plan = match plan(part, now, stored) {
            Ok(plan) => plan,
            Err(refused) => return Ok(Err(refused)),
        };
        let write = || -> rusqlite::Result<()> {
            let mut insert = tx.prepare_cached("INSERT INTO events (call, seq, line) VALUES (?1, ?2, ?3)")?;
            for (seq, line) in (first..).zip(&plan.lines) {
                insert.execute(params![no, column(seq), line])?;
            }
            if let Some(people) = &plan.participants {
                tx.prepare_cached("UPDATE calls SET participants = ?2 WHERE no = ?1")?
                    .execute(params![no, people_column(people)])?;
            }
            if let Some(due) = plan.erase_due {
                tx.prepare_cached("UPDATE calls SET erase_due = ?2 WHERE no = ?1")?
                    .execute(params![no, column(due)])?;
            }
            if plan.state != before {
                tx.prepare_cached("UPDATE calls SET state = ?2 WHERE no = ?1")?
                    .execute(params![no, plan.state.as_str()])?;
            }
            Ok(())
        };
        write().map_err(name)?;
        Ok(Ok(plan.done))
    }
}

impl EventLog for SqliteLog {
    fn create(&self, call: &NewCall) -> Result<(), StoreError> {
        self.write(|tx| {
            let entered = tx
                .execute(
                    "INSERT INTO calls (id, title, playbook, started_unix_ms, token_hash, state, participants)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
                    params![
                        call.id.as_str(),
                        call.title,
                        call.playbook,
                        call.started_unix_ms,
                        call.token_hash,
                        CallState::Open.as_str(),
                        people_column(&[]),
                    ],
                )
                .map_err(|e| self.faults.name(e))?;
            if entered == 1 { Ok(()) } else { Err(StoreError::CallExists { call: call.id.clone() }) }
        })
    }

    fn append_batch(&self, parts: &[Append<'_>]) -> Result<Vec<Result<Appended, StoreError>>, StoreError> {
        self.write(|tx| parts.iter().map(|part| self.append_in(tx, part)).collect())
    }

    fn lines(&self, call: &CallId, from_seq: u64, limit: usize) -> Result<Vec<String>, StoreError> {
        let reader = self.reader();
        let read = || -> rusqlite::Result<Option<Vec<String>>> {
            let no: Option<i64> = reader
                .prepare_cached("SELECT no FROM calls WHERE id = ?1")?
                .query_row([call.as_str()], |row| row.get(0))
                .optional()?;
            let Some(no) = no else { return Ok(None) };
            reader
                .prepare_cached("SELECT line FROM events WHERE call = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3")?
                .query_map(params![no, column(from_seq), column(limit as u64)], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()
                .map(Some)
        };
        read().map_err(|e| self.faults.name(e))?.ok_or_else(|| StoreError::UnknownCall { call: call.clone() })
    }

    fn call(&self, call: &CallId) -> Result<Option<CallRecord>, StoreError> {
        let reader = self.reader();
        reader
            .prepare_cached(&format!("{RECORD} WHERE id = ?1"))
            .and_then(|mut s| s.query_row([call.as_str()], record).optional())
            .map_err(|e| self.faults.name(e))
    }

    fn calls(&self, state: Option<CallState>, limit: usize) -> Result<Vec<CallRecord>, StoreError> {
        let reader = self.reader();
        let sql = format!("{RECORD} WHERE ?1 IS NULL OR state = ?1 ORDER BY started_unix_ms DESC, no DESC LIMIT ?2");
        reader
            .prepare_cached(&sql)
            .and_then(|mut s| {
                s.query_map(params![state.map(CallState::as_str), column(limit as u64)], record)?.collect()
            })
            .map_err(|e| self.faults.name(e))
    }

    fn erase(&self, call: &CallId) -> Result<Erasure, StoreError> {
        self.erase_words(call)
    }

    fn erasures_due(&self, limit: usize) -> Result<Vec<CallId>, StoreError> {
        self.calls_to_erase(limit)
    }

    fn erasure_done(&self, call: &CallId, upto: u64) -> Result<(), StoreError> {
        self.note_erased(call, upto)
    }

    fn delete(&self, call: &CallId) -> Result<bool, StoreError> {
        let gone = self.write(|tx| {
            tx.execute("DELETE FROM calls WHERE id = ?1", [call.as_str()]).map_err(|e| self.faults.name(e))
        })?;
        self.leave_no_trace()?;
        Ok(gone > 0)
    }
}

fn lock(conn: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic rolls its transaction back while unwinding, so the connection behind a poisoned lock is sound.
    conn.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite's integers are signed; a number past their end finds nothing, which is what is there.
pub(crate) fn column(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn seq(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let n: i64 = row.get(at)?;
    u64::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, n))
}

fn state(row: &Row<'_>, at: usize) -> rusqlite::Result<CallState> {
    let word: String = row.get(at)?;
    word.parse().map_err(|e: String| unreadable(at, e.into()))
}

fn people(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<TrackInfo>> {
    let json: String = row.get(at)?;
    serde_json::from_str(&json).map_err(|e| unreadable(at, e.into()))
}

pub(crate) fn unreadable(at: usize, why: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, why)
}

fn people_column(people: &[TrackInfo]) -> String {
    serde_json::to_string(people).expect("strings and numbers always become JSON")
}

/// A row of [`RECORD`].
fn record(row: &Row<'_>) -> rusqlite::Result<CallRecord> {
    let id: String = row.get(0)?;
    Ok(CallRecord {
        call: NewCall {
            id: CallId::new(id).map_err(|e| unreadable(0, e.into()))?,
            title: row.get(1)?,
            playbook: row.get(2)?,
            started_unix_ms: row.get(3)?,
            token_hash: row.get(4)?,
        },
        state: state(row, 5)?,
        participants: people(row, 6)?,
        next_seq: seq(row, 7)?,
    })
}
