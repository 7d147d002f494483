//! The format of the file: its tables, its version, and the steps from one version to the next.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::{error::StoreError, sqlite::faults::Faults};

/// `RFRM` in ASCII, in the file's header: tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x5246_524d;

/// Step `n` makes format `n + 1` from format `n`; format 0 is an empty file. Steps that have been released are never
/// changed, only followed by others.
const STEPS: &[&str] = &[
    "
    CREATE TABLE calls (
        no              INTEGER PRIMARY KEY,
        id              TEXT    NOT NULL UNIQUE,
        title           TEXT    NOT NULL,
        playbook        TEXT    NOT NULL,
        started_unix_ms INTEGER NOT NULL,
        token_hash      TEXT    NOT NULL,
        state           TEXT    NOT NULL CHECK (state IN ('open', 'ended', 'failed')),
        participants    TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX calls_by_start ON calls (started_unix_ms);
    CREATE TABLE events (
        call INTEGER NOT NULL REFERENCES calls (no) ON DELETE CASCADE,
        seq  INTEGER NOT NULL CHECK (seq >= 0),
        line TEXT    NOT NULL,
        PRIMARY KEY (call, seq)
    ) STRICT, WITHOUT ROWID;
",
    // Number of the last event that asked for an erasure which is not carried out yet; and who agreed to what, in a
    // table that only grows.
    "
    ALTER TABLE calls ADD COLUMN erase_due INTEGER;
    CREATE INDEX calls_to_erase ON calls (erase_due) WHERE erase_due IS NOT NULL;
    CREATE TABLE consents (
        id                INTEGER PRIMARY KEY AUTOINCREMENT,
        person            TEXT    NOT NULL,
        scope             TEXT    NOT NULL,
        jurisdiction      TEXT,
        method            TEXT    NOT NULL,
        proof             TEXT    NOT NULL,
        given_unix_ms     INTEGER NOT NULL,
        withdrawn_unix_ms INTEGER
    ) STRICT;
    CREATE INDEX consents_by_person ON consents (person, id);
    CREATE TRIGGER consents_are_not_changed BEFORE UPDATE ON consents
        BEGIN SELECT RAISE(ABORT, 'consent records are only ever added'); END;
    CREATE TRIGGER consents_are_not_removed BEFORE DELETE ON consents
        BEGIN SELECT RAISE(ABORT, 'consent records are only ever added'); END;
",
];

/// Newest format this program knows.
pub(crate) const FORMAT: i64 = STEPS.len() as i64;

/// Refuses a file that is not ours or too new, before anything in it is touched. Returns its format.
pub(crate) fn check(conn: &Connection, path: &Path, faults: &Faults) -> Result<i64, StoreError> {
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| faults.name(e));
    let application = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let empty = application == 0 && format == 0 && tables == 0;
    if application != APPLICATION_ID && !empty {
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    if format > FORMAT {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found: format, known: FORMAT });
    }
    Ok(format)
}

/// Brings a checked file to the newest format, whole or not at all.
pub(crate) fn migrate(conn: &mut Connection, path: &Path, faults: &Faults) -> Result<(), StoreError> {
    if check(conn, path, faults)? == FORMAT {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| faults.name(e))?;
    // Again, now that no other program can be at it.
    let format = check(&tx, path, faults)?;
    let from = usize::try_from(format).unwrap_or(0);
    let apply = || -> rusqlite::Result<()> {
        for step in &STEPS[from..] {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", FORMAT)
    };
    apply().map_err(|e| faults.name(e))?;
    tx.commit().map_err(|e| faults.name(e))
}
