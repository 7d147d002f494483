//! The contact ledger: what people allowed and forbade, and what was sent to them. Rows are only ever added; an erasure
//! leaves the hash of the person and that they are not to be written to.

use reframe_policy::ledger::{Entry, PersonKey, Reason, Salt, Subject, What};
use reframe_workflow::{audit::Happening, outbox::LedgerError};
use rusqlite::{Row, Transaction, params};

use super::{audit_book, from_column, to_column};
use crate::sqlite::{SqliteLog, column};

const ENTRY: &str = "SELECT seq, at_unix_ms, about, what, by FROM contact_ledger";

impl SqliteLog {
    /// Adds to the ledger, all or nothing; gives the entries with their numbers. `by` is who writes it down.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn note_contacts(
        &self,
        what: &[(Subject, What)],
        by: &str,
        at_unix_ms: i64,
    ) -> Result<Vec<Entry>, LedgerError> {
        self.note_contacts_and(what, by, at_unix_ms, &[])
    }

    /// The same, with what the audit log is to say of it, in one transaction.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn note_contacts_and(
        &self,
        what: &[(Subject, What)],
        by: &str,
        at_unix_ms: i64,
        told: &[Happening],
    ) -> Result<Vec<Entry>, LedgerError> {
        self.change(|tx| {
            audit_book::add(tx, told)?;
            let add = |(about, what): &(Subject, What)| Ok(add(tx, about, what, by, at_unix_ms)?);
            what.iter().map(add).collect()
        })
    }

    /// The entries that bear on a person: those about them under any of their keys, about their domains, about everybody,
    /// and what an erasure left under their hash; in the order in which they were written.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn contacts_of(&self, keys: &[PersonKey], salt: &Salt) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(&format!("{ENTRY} WHERE about = ?1"))?;
            let mut entries: Vec<Entry> = Vec::new();
            for about in subjects(keys, salt) {
                for entry in find.query_map([to_column(&about)], read)? {
                    entries.push(entry?);
                }
            }
            entries.sort_by_key(|e| e.seq);
            entries.dedup_by_key(|e| e.seq);
            Ok(entries)
        })
    }

    /// Entries from a number on, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn contacts_from(&self, seq: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(&format!("{ENTRY} WHERE seq >= ?1 ORDER BY seq LIMIT ?2"))?;
            let rows = find.query_map(params![column(seq), column(limit as u64)], read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Entries about people whose mail address is at a domain, or at one below it, that happened at or after a time; in the
    /// order in which they were written. Goes through the names of all entries.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn contacts_at(&self, domain: &str, from_unix_ms: i64) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            // A subject's text ends with its key.
            let ends = |n: u8| format!("substr(about, -length(?{n})) = ?{n}");
            let sql = format!("{ENTRY} WHERE at_unix_ms >= ?1 AND ({} OR {}) ORDER BY seq", ends(2), ends(3));
            let mut find = conn.prepare_cached(&sql)?;
            let (at, below) = (format!("@{domain}\"}}"), format!(".{domain}\"}}"));
            let rows = find.query_map(params![from_unix_ms, at, below], read)?;
            let person = |e: &rusqlite::Result<Entry>| {
                e.as_ref().map_or(true, |e| matches!(&e.about, Subject::Person { key } if key.domain().is_some()))
            };
            Ok(rows.filter(person).collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Entries of messages that went out at or after a time, in the order in which they were written. Goes through all
    /// entries.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn touches_from(&self, from_unix_ms: i64) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let sql = format!("{ENTRY} WHERE at_unix_ms >= ?1 AND what ->> '$.what' = 'touch_sent' ORDER BY seq");
            let mut find = conn.prepare_cached(&sql)?;
            let rows = find.query_map([from_unix_ms], read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn subjects(keys: &[PersonKey], salt: &Salt) -> Vec<Subject> {
    let mut about = vec![Subject::Everybody];
    for key in keys {
        about.push(Subject::Erased { hash: salt.hash(key) });
        // What is said of a domain holds for those below it.
        let above = std::iter::successors(key.domain(), |domain| domain.split_once('.').map(|(_, above)| above));
        about.extend(above.map(|domain| Subject::Domain { domain: domain.to_owned() }));
        about.push(Subject::Person { key: key.clone() });
    }
    about
}

pub(super) fn add(
    tx: &Transaction<'_>,
    about: &Subject,
    what: &What,
    by: &str,
    at_unix_ms: i64,
) -> rusqlite::Result<Entry> {
    let sql = "INSERT INTO contact_ledger (at_unix_ms, about, what, by) VALUES (?1, ?2, ?3, ?4)";
    tx.prepare_cached(sql)?.execute(params![at_unix_ms, to_column(about), to_column(what), by])?;
    let seq = u64::try_from(tx.last_insert_rowid()).unwrap_or_default();
    Ok(Entry { seq, at_unix_ms, about: about.clone(), what: what.clone(), by: by.to_owned() })
}

/// Removes all about people, and keeps under their hash that they are not to be written to. Their domains' entries and those
/// about everybody stay. Harmless to repeat.
pub(crate) fn forget(
    tx: &Transaction<'_>,
    keys: &[PersonKey],
    salt: &Salt,
    by: &str,
    at_unix_ms: i64,
) -> rusqlite::Result<()> {
    for key in keys {
        let person = to_column(&Subject::Person { key: key.clone() });
        tx.prepare_cached("DELETE FROM contact_ledger WHERE about = ?1")?.execute([person])?;
        let about = Subject::Erased { hash: salt.hash(key) };
        let sql = "SELECT EXISTS (SELECT 1 FROM contact_ledger WHERE about = ?1)";
        let known: bool = tx.prepare_cached(sql)?.query_row([to_column(&about)], |row| row.get(0))?;
        if !known {
            add(tx, &about, &What::Erased, by, at_unix_ms)?;
            let stop = What::Suppressed { reason: Reason::Erasure, channel: None, only_there: false };
            add(tx, &about, &stop, by, at_unix_ms)?;
        }
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        seq: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        at_unix_ms: row.get(1)?,
        about: from_column(row, 2)?,
        what: from_column(row, 3)?,
        by: row.get(4)?,
    })
}
