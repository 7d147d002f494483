//! Every table of the store, and what an export does with it. A table that is missing here makes every export fail, and a
//! test with it.

use rusqlite::Connection;

/// What is done with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// One file, its rows in the order of these columns.
    Rows(&'static str),
    /// The events: one file per call, the lines as they stand.
    Lines,
    /// The audit log: its index of subjects is written again with each entry.
    Audit,
    /// Left out: follows from the others.
    Derived,
}

/// The tables in the order in which an import can fill them: what is pointed at comes first.
pub(super) const TABLES: &[(&str, Kept)] = &[
    ("calls", Kept::Rows("no")),
    ("events", Kept::Lines),
    ("consents", Kept::Rows("id")),
    ("artifacts", Kept::Rows("id")),
    ("proposals", Kept::Rows("no")),
    ("revisions", Kept::Rows("proposal, revision")),
    ("approvals", Kept::Rows("no")),
    ("outbox", Kept::Rows("no")),
    ("services", Kept::Rows("name")),
    ("audit", Kept::Audit),
    ("audit_subjects", Kept::Derived),
    ("items", Kept::Rows("kind, id")),
    ("contact_ledger", Kept::Rows("seq")),
    ("forgotten", Kept::Rows("no")),
    ("words_gone", Kept::Rows("call")),
    ("withdrawals_due", Kept::Derived),
    ("erasures_cleaned", Kept::Derived),
    ("rewritten", Kept::Derived),
    ("call_digests", Kept::Derived),
    ("looked_at", Kept::Rows("call")),
    ("debriefs_released", Kept::Rows("call")),
    ("said", Kept::Derived),
    ("said_index", Kept::Derived),
    ("said_index_data", Kept::Derived),
    ("said_index_idx", Kept::Derived),
    ("said_index_config", Kept::Derived),
    ("said_by", Kept::Derived),
    ("said_upto", Kept::Derived),
    ("said_due", Kept::Derived),
];

/// A table of the file that is not listed, if there is one.
pub(super) fn unlisted(conn: &Connection) -> rusqlite::Result<Option<String>> {
    let mut all = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names: Vec<String> = all.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names.into_iter().find(|name| !TABLES.iter().any(|(listed, _)| listed == name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteLog;

    #[test]
    fn every_table_of_the_store_is_listed_and_none_besides() {
        let log = SqliteLog::in_memory().unwrap();
        let conn = log.writer();
        assert_eq!(unlisted(&conn).unwrap(), None, "say in TABLES what an export does with it");
        for (table, _) in TABLES {
            let there: i64 = conn
                .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1", [table], |r| {
                    r.get(0)
                })
                .unwrap();
            assert_eq!(there, 1, "{table} is listed and not there");
        }
        conn.execute_batch("CREATE TABLE new_thing (a INTEGER)").unwrap();
        assert_eq!(unlisted(&conn).unwrap().as_deref(), Some("new_thing"));
    }
}
