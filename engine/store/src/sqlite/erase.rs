//! Erasing in the file: rows are rewritten, and nothing of the old ones may stay in its pages.

use rusqlite::{OptionalExtension, params};

use super::{SqliteLog, column, lock};
use crate::{
    append::encode,
    erasure::{self, Erasure},
    error::StoreError,
    id::CallId,
    log::EventLog,
};

impl SqliteLog {
    pub(super) fn erase_words(&self, call: &CallId) -> Result<Erasure, StoreError> {
        let name = |e| self.faults.name(e);
        // Read before the writer is taken: stored events change only by erasing, and a repetition is harmless.
        let mut events = self.read(call, 0)?;
        let (erasure, changed) = erasure::carry_out(&mut events);
        if !changed.is_empty() {
            let lines = changed
                .iter()
                .map(|&at| Ok((events[at].seq, encode(call, &events[at])?)))
                .collect::<Result<Vec<_>, StoreError>>()?;
            self.write(|tx| {
                let rewrite = || -> rusqlite::Result<()> {
                    let no: i64 =
                        tx.query_row("SELECT no FROM calls WHERE id = ?1", [call.as_str()], |row| row.get(0))?;
                    let mut update = tx.prepare_cached("UPDATE events SET line = ?3 WHERE call = ?1 AND seq = ?2")?;
                    for (seq, line) in &lines {
                        update.execute(params![no, column(*seq), line])?;
                    }
                    Ok(())
                };
                rewrite().map_err(name)
            })?;
        }
        // Also when nothing changed: the process may have been killed between the rewriting and this.
        if erasure.upto.is_some() {
            self.leave_no_trace()?;
        }
        Ok(erasure)
    }

    /// `secure_delete` overwrites what is deleted, yet pages that were split can hold copies of rows that moved away. And
    /// the write-ahead log holds all of it until it is taken over and cut off.
    pub(crate) fn leave_no_trace(&self) -> Result<(), StoreError> {
        let name = |e| self.faults.name(e);
        let writer = lock(&self.writer);
        // Readers go on meanwhile; appends wait, some 20 ms for each MB of the file.
        writer.execute_batch("VACUUM").map_err(name)?;
        // Nobody of ours may be reading, or the log could not be cut off.
        let _no_reader = self.reader.as_ref().map(lock);
        let busy: i64 = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(name)?;
        if busy == 0 {
            return Ok(());
        }
        Err(StoreError::Locked { path: self.path_buf(), waited_ms: self.faults.busy_ms })
    }

    pub(super) fn calls_to_erase(&self, limit: usize) -> Result<Vec<CallId>, StoreError> {
        let reader = self.reader();
        let ids = || -> rusqlite::Result<Vec<String>> {
            reader
                .prepare_cached("SELECT id FROM calls WHERE erase_due IS NOT NULL ORDER BY no LIMIT ?1")?
                .query_map([column(limit as u64)], |row| row.get(0))?
                .collect()
        };
        ids().map_err(|e| self.faults.name(e))?.into_iter().map(CallId::new).collect()
    }

    pub(super) fn note_erased(&self, call: &CallId, upto: u64) -> Result<(), StoreError> {
        self.write(|tx| {
            let no: Option<i64> = tx
                .query_row("SELECT no FROM calls WHERE id = ?1", [call.as_str()], |row| row.get(0))
                .optional()
                .map_err(|e| self.faults.name(e))?;
            let no = no.ok_or_else(|| StoreError::UnknownCall { call: call.clone() })?;
            tx.execute("UPDATE calls SET erase_due = NULL WHERE no = ?1 AND erase_due <= ?2", params![no, column(upto)])
                .map(drop)
                .map_err(|e| self.faults.name(e))
        })
    }
}
