//! The audit log in the file.

use reframe_workflow::{
    artifact::Digest,
    audit::{Entry, Happening, Head},
    outbox::{AuditBook, LedgerError},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Fault, from_column, to_column};
use crate::sqlite::{SqliteLog, column, unreadable};

impl AuditBook for SqliteLog {
    fn note(&self, new: &[Happening]) -> Result<(), LedgerError> {
        self.change(|tx| add(tx, new))
    }

    fn record_of(&self, subject: &str) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT audit.body FROM audit_subjects JOIN audit USING (seq) WHERE subject = ?1 ORDER BY seq",
            )?;
            let rows = find.query_map([subject], |row| from_column(row, 0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn entries_from(&self, from_seq: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached("SELECT body FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?;
            let rows = find.query_map(params![column(from_seq), column(limit as u64)], |row| from_column(row, 0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn head(&self) -> Result<Head, LedgerError> {
        self.look(|conn| Ok(head(conn)?))
    }
}

fn head(conn: &Connection) -> rusqlite::Result<Head> {
    let last = conn
        .prepare_cached("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| {
            let seq: i64 = row.get(0)?;
            let digest = Digest::try_from(row.get::<_, String>(1)?).map_err(|e| unreadable(1, e.into()))?;
            Ok(Head { next: seq.unsigned_abs() + 1, digest })
        })
        .optional()?;
    Ok(last.unwrap_or_default())
}

/// Adds entries at the end of the chain.
pub(super) fn add(tx: &Transaction<'_>, new: &[Happening]) -> Result<(), Fault> {
    Ok(enter(tx, new)?)
}

/// Adds entries at the end of the chain, in anybody's transaction.
pub(crate) fn enter(tx: &Transaction<'_>, new: &[Happening]) -> rusqlite::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let mut enter = tx.prepare_cached("INSERT INTO audit (seq, body, digest) VALUES (?1, ?2, ?3)")?;
    let mut index = tx.prepare_cached("INSERT INTO audit_subjects (subject, seq) VALUES (?1, ?2)")?;
    let mut at = head(tx)?;
    for happening in new {
        let (entry, after) = at.add(happening);
        enter.execute(params![column(entry.seq), to_column(&entry), after.digest.as_str()])?;
        for subject in &entry.subjects {
            index.execute(params![subject, column(entry.seq)])?;
        }
        at = after;
    }
    Ok(())
}
