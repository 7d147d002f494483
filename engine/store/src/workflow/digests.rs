//! Digests of calls, kept for the nightly review. They are derived: whatever rewrites a call's events or the note takes
//! them along in the same transaction, by triggers of the file.

use reframe_workflow::{artifact::ArtifactId, hygiene::CallDigest, outbox::LedgerError};
use rusqlite::{OptionalExtension, params};

use super::{from_column, to_column};
use crate::{
    id::CallId,
    sqlite::{SqliteLog, column},
};

impl SqliteLog {
    /// How often stored events of a call were rewritten, by an erasure or a withdrawal. To be asked before the events are
    /// read from which a digest is made.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn times_rewritten(&self, call: &CallId) -> Result<u64, LedgerError> {
        self.look(|conn| {
            let sql = "SELECT times FROM rewritten WHERE call = (SELECT no FROM calls WHERE id = ?1)";
            let times: Option<i64> =
                conn.prepare_cached(sql)?.query_row([call.as_str()], |row| row.get(0)).optional()?;
            Ok(times.unwrap_or(0).unsigned_abs())
        })
    }

    /// Keeps what a call says, made from its events and this note by rules of this version. Nothing is kept, and `false`
    /// given, if events were rewritten since they had been so often, or the note is gone: it may hold what was erased.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn keep_digest(
        &self,
        digest: &CallDigest,
        note: &ArtifactId,
        version: u32,
        times_rewritten: u64,
    ) -> Result<bool, LedgerError> {
        self.change(|tx| {
            let sql = "INSERT OR REPLACE INTO call_digests (note, call, version, body)
                SELECT ?1, no, ?3, ?4 FROM calls WHERE id = ?2
                AND coalesce((SELECT times FROM rewritten WHERE call = calls.no), 0) = ?5
                AND EXISTS (SELECT 1 FROM artifacts WHERE id = ?1 AND body ->> '$.body.erased' IS NULL)";
            let row = params![note.as_str(), digest.call, version, to_column(digest), column(times_rewritten)];
            Ok(tx.prepare_cached(sql)?.execute(row)? > 0)
        })
    }

    /// The digest that was made from a note by rules of this version, if it is kept.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn digest(&self, note: &ArtifactId, version: u32) -> Result<Option<CallDigest>, LedgerError> {
        self.look(|conn| {
            let sql = "SELECT body FROM call_digests WHERE note = ?1 AND version = ?2";
            let mut find = conn.prepare_cached(sql)?;
            Ok(find.query_row(params![note.as_str(), version], |row| from_column(row, 0)).optional()?)
        })
    }

    /// The same hand-offs, the one made last first; those that are not there are left out.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn latest_first(&self, ids: &[ArtifactId]) -> Result<Vec<ArtifactId>, LedgerError> {
        self.look(|conn| {
            // Made in the same ms: the one kept last.
            let mut find = conn.prepare_cached("SELECT made_unix_ms, rowid FROM artifacts WHERE id = ?1")?;
            let mut made = Vec::with_capacity(ids.len());
            for id in ids {
                let at = find.query_row([id.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
                made.extend(at.optional()?.map(|at| (at, id)));
            }
            made.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            Ok(made.into_iter().map(|(_, id)| id.clone()).collect())
        })
    }
}
