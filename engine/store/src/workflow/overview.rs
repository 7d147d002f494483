//! What a person sees before looking at anything: which batches there are, and what became of what was approved lately.

use reframe_workflow::outbox::{Entry, LedgerError};
use rusqlite::params;

use super::from_column;
use crate::sqlite::{SqliteLog, column};

/// Proposals that belong together, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchCount {
    /// Name of the batch.
    pub batch: String,
    /// How many of its proposals wait for a person.
    pub waiting: usize,
    /// How many it has, those left out that a newer one replaced.
    pub total: usize,
    /// When its first was made, in ms since 1970-01-01 UTC.
    pub made_unix_ms: i64,
}

impl SqliteLog {
    /// Batches, those with something that waits first and then the latest, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn batches(&self, limit: usize) -> Result<Vec<BatchCount>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT batch, sum(standing IN ('open', 'failed', 'void')) AS waiting, sum(standing <> 'superseded'),
                        min(made_unix_ms) AS made
                 FROM proposals GROUP BY batch ORDER BY waiting > 0 DESC, made DESC, batch LIMIT ?1",
            )?;
            let count = |row: &rusqlite::Row<'_>, at: usize| -> rusqlite::Result<usize> {
                Ok(usize::try_from(row.get::<_, i64>(at)?).unwrap_or(0))
            };
            let rows = find.query_map([column(limit as u64)], |row| {
                let (waiting, total) = (count(row, 1)?, count(row, 2)?);
                Ok(BatchCount { batch: row.get(0)?, waiting, total, made_unix_ms: row.get(3)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Entries of the outbox, the latest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn latest_entries(&self, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached("SELECT body FROM outbox ORDER BY no DESC LIMIT ?1")?;
            let rows = find.query_map(params![column(limit as u64)], |row| from_column(row, 0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
