//! The consent registry in the file.

use reframe_consent::{ConsentRecord, NewRecord, Person};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{SqliteLog, column, unreadable};
use crate::{consents::ConsentBook, error::StoreError, id::CallId};

/// Columns in the order [`record`] reads them.
const RECORD: &str =
    "SELECT id, person, scope, jurisdiction, method, proof, given_unix_ms, withdrawn_unix_ms FROM consents";

impl ConsentBook for SqliteLog {
    fn add_consents(&self, new: &[NewRecord]) -> Result<Vec<ConsentRecord>, StoreError> {
        new.iter().try_for_each(NewRecord::check)?;
        self.write(|tx| {
            let add = || -> rusqlite::Result<Vec<ConsentRecord>> {
                let mut insert = tx.prepare_cached(
                    "INSERT INTO consents (person, scope, jurisdiction, method, proof, given_unix_ms, withdrawn_unix_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?;
                new.iter()
                    .map(|says| {
                        let id = insert.insert(params![
                            says.person.as_str(),
                            says.scope.to_string(),
                            says.jurisdiction,
                            says.method,
                            says.proof,
                            says.given_unix_ms,
                            says.withdrawn_unix_ms,
                        ])?;
                        Ok(ConsentRecord { id: id.unsigned_abs(), says: says.clone() })
                    })
                    .collect()
            };
            add().map_err(|e| self.faults.name(e))
        })
    }

    fn consents_about(&self, person: &Person, call: &str, limit: usize) -> Result<Vec<ConsentRecord>, StoreError> {
        let reader = self.reader();
        // Ids of calls hold no `/`, so the prefix ends where the id does.
        let sql = format!(
            "{RECORD} WHERE person = ?1
             AND (scope IN ('*', 'call:' || ?2) OR substr(scope, 1, length(?2) + 12) = 'call:' || ?2 || '/track:')
             ORDER BY id DESC LIMIT ?3"
        );
        reader
            .prepare_cached(&sql)
            .and_then(|mut s| s.query_map(params![person.as_str(), call, column(limit as u64)], record)?.collect())
            .map_err(|e| self.faults.name(e))
    }

    fn consents(&self, person: Option<&Person>, limit: usize) -> Result<Vec<ConsentRecord>, StoreError> {
        let reader = self.reader();
        let sql = format!("{RECORD} WHERE ?1 IS NULL OR person = ?1 ORDER BY id DESC LIMIT ?2");
        reader
            .prepare_cached(&sql)
            .and_then(|mut s| s.query_map(params![person.map(Person::as_str), column(limit as u64)], record)?.collect())
            .map_err(|e| self.faults.name(e))
    }

    fn carry_out_withdrawals(&self, at_unix_ms: i64) -> Result<(), StoreError> {
        self.withdraw_all(at_unix_ms)
    }

    fn withdrawals_to_finish(&self) -> Result<Vec<(u64, Vec<CallId>)>, StoreError> {
        self.withdrawals_rewritten()
    }

    fn withdrawal_finished(&self, consent: u64) -> Result<(), StoreError> {
        self.forget_withdrawal(consent)
    }
}

impl SqliteLog {
    /// One record, inside the caller's transaction.
    pub(crate) fn consent(&self, conn: &Connection, id: u64) -> Result<Option<ConsentRecord>, StoreError> {
        conn.prepare_cached(&format!("{RECORD} WHERE id = ?1"))
            .and_then(|mut s| s.query_row([column(id)], record).optional())
            .map_err(|e| self.faults.name(e))
    }

    /// All records about a person, inside the caller's transaction.
    pub(crate) fn consents_of(&self, conn: &Connection, person: &Person) -> Result<Vec<ConsentRecord>, StoreError> {
        conn.prepare_cached(&format!("{RECORD} WHERE person = ?1"))
            .and_then(|mut s| s.query_map([person.as_str()], record)?.collect())
            .map_err(|e| self.faults.name(e))
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<ConsentRecord> {
    let (id, person, scope): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(ConsentRecord {
        id: id.unsigned_abs(),
        says: NewRecord {
            person: Person::new(&person).map_err(|e| unreadable(1, e.into()))?,
            scope: scope.parse().map_err(|e: reframe_consent::BadRecord| unreadable(2, e.into()))?,
            jurisdiction: row.get(3)?,
            method: row.get(4)?,
            proof: row.get(5)?,
            given_unix_ms: row.get(6)?,
            withdrawn_unix_ms: row.get(7)?,
        },
    })
}
