//! What the stages before a call keep: what happened at accounts, mails that came, meetings that were booked, sequences
//! under way. Each thing once, under a name its content or its system gives it.

use reframe_consent::Person;
use reframe_workflow::outbox::LedgerError;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{from_column, to_column};
use crate::sqlite::{SqliteLog, column};

/// What a kept thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Something that happened at an account.
    Signal,
    /// A statement about an account or a person, with its source.
    Fact,
    /// A mail that came in.
    Mail,
    /// A meeting in the calendar.
    Meeting,
    /// Where a sequence of touches to one person stands.
    Sequence,
    /// Settings that people make as a whole: the ICP, the voice guide.
    Guide,
    /// What was shown of a day: which cards, in which order, and who was left out.
    Feed,
    /// What was taken in and must not be taken in again: a delivery, a dropped file.
    Taken,
}

/// One kept thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// Its name, unique within the kind.
    pub id: String,
    /// The account it belongs to, if that is known.
    pub account: Option<String>,
    /// When it happened or takes place, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// All of it, in the form of whoever keeps it.
    pub body: serde_json::Value,
}

const ITEM: &str = "SELECT kind, id, account, at_unix_ms, body FROM items";

impl SqliteLog {
    /// Keeps things; those that are there already stay as they are. Gives how many are new.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn keep_items(&self, items: &[Item]) -> Result<usize, LedgerError> {
        self.change(|tx| {
            let mut insert = tx.prepare_cached(
                "INSERT OR IGNORE INTO items (kind, id, account, at_unix_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let mut new = 0;
            for item in items {
                new += insert.execute(row(item))?;
            }
            Ok(new)
        })
    }

    /// Keeps a thing in place of the one of its name: a meeting that moved, a sequence that went on.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn replace_item(&self, item: &Item) -> Result<(), LedgerError> {
        self.change(|tx| {
            let sql = "INSERT INTO items (kind, id, account, at_unix_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (kind, id) DO UPDATE SET account = ?3, at_unix_ms = ?4, body = ?5";
            tx.prepare_cached(sql)?.execute(row(item))?;
            Ok(())
        })
    }

    /// Forgets a thing; whether it was there.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn drop_item(&self, kind: ItemKind, id: &str) -> Result<bool, LedgerError> {
        self.change(|tx| {
            let sql = "DELETE FROM items WHERE kind = ?1 AND id = ?2";
            Ok(tx.prepare_cached(sql)?.execute(params![to_column(&kind), id])? > 0)
        })
    }

    /// The thing of this name.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn item(&self, kind: ItemKind, id: &str) -> Result<Option<Item>, LedgerError> {
        self.look(|conn| {
            let sql = format!("{ITEM} WHERE kind = ?1 AND id = ?2");
            Ok(conn.prepare_cached(&sql)?.query_row(params![to_column(&kind), id], read).optional()?)
        })
    }

    /// Things of a kind, of one account if one is named, that happened at or after a time; in order of time, the oldest so
    /// many. Who wants the newest asks for [`latest_items`](Self::latest_items).
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn items(
        &self,
        kind: ItemKind,
        account: Option<&str>,
        from_unix_ms: i64,
        limit: usize,
    ) -> Result<Vec<Item>, LedgerError> {
        self.in_time(kind, account, from_unix_ms, limit, "ORDER BY at_unix_ms, id")
    }

    /// The same, in order of time too, but the newest so many: what a bound cuts off is what is oldest. Found by the index, so
    /// that no more rows are read than are given.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn latest_items(
        &self,
        kind: ItemKind,
        account: Option<&str>,
        from_unix_ms: i64,
        limit: usize,
    ) -> Result<Vec<Item>, LedgerError> {
        let mut newest = self.in_time(kind, account, from_unix_ms, limit, "ORDER BY at_unix_ms DESC, id DESC")?;
        newest.reverse();
        Ok(newest)
    }

    fn in_time(
        &self,
        kind: ItemKind,
        account: Option<&str>,
        from_unix_ms: i64,
        limit: usize,
        order: &str,
    ) -> Result<Vec<Item>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(&in_time(account.is_some(), order))?;
            let rows = find.query_map(params![to_column(&kind), account, from_unix_ms, column(limit as u64)], read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// The query of things at or after a time, of one account or of all.
fn in_time(of_account: bool, order: &str) -> String {
    let of = if of_account { "account = ?2" } else { "?2 IS NULL" };
    format!("{ITEM} WHERE kind = ?1 AND {of} AND at_unix_ms >= ?3 {order} LIMIT ?4")
}

impl SqliteLog {
    /// Things of a kind in whose body a field of this name reads so, the latest first, at most `limit`. Goes through all of
    /// the kind.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn items_with(&self, kind: ItemKind, field: &str, value: &str, limit: usize) -> Result<Vec<Item>, LedgerError> {
        self.look(|conn| {
            let sql = format!("{ITEM} WHERE kind = ?1 AND body ->> ?2 = ?3 ORDER BY at_unix_ms DESC, id LIMIT ?4");
            let mut find = conn.prepare_cached(&sql)?;
            let rows = find.query_map(params![to_column(&kind), field, value, column(limit as u64)], read)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Things that name a person by one of these spellings, in order of kind and name, at most `limit`. Goes through all
    /// there are.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn items_naming(&self, who: &[Person], limit: usize) -> Result<Vec<Item>, LedgerError> {
        self.look(|conn| {
            let names = naming(conn, who)?;
            let mut find = conn.prepare_cached(&format!("{ITEM} WHERE kind = ?1 AND id = ?2"))?;
            let found = names.iter().take(limit).map(|(kind, id)| find.query_row([kind, id], read));
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Kind and name of every thing that names a person by one of these spellings, as their columns have them.
fn naming(conn: &Connection, who: &[Person]) -> rusqlite::Result<Vec<(String, String)>> {
    let spelled: Vec<String> = who.iter().map(|person| person.as_str().to_lowercase()).collect();
    let mut all = conn.prepare("SELECT kind, id, lower(body) FROM items ORDER BY kind, id")?;
    let mut rows = all.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(2)?;
        if spelled.iter().any(|name| stands_in(name, &body)) {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}

/// Removes every thing that names a person by one of these spellings: what was kept about an account goes with them rather
/// than be rewritten, for its name follows from its content. Gives how many went.
pub(crate) fn forget(tx: &Transaction<'_>, who: &[Person]) -> rusqlite::Result<usize> {
    let gone = naming(tx, who)?;
    let mut remove = tx.prepare("DELETE FROM items WHERE kind = ?1 AND id = ?2")?;
    gone.iter().try_fold(0, |n, (kind, id)| Ok(n + remove.execute(params![kind, id])?))
}

/// Whether a name stands in a text as words of its own.
fn stands_in(name: &str, text: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !name.is_empty()
        && text
            .match_indices(name)
            .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next()))
}

fn row(item: &Item) -> (String, &str, Option<&str>, i64, String) {
    (to_column(&item.kind), &item.id, item.account.as_deref(), item.at_unix_ms, to_column(&item.body))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        kind: from_column(row, 0)?,
        id: row.get(1)?,
        account: row.get(2)?,
        at_unix_ms: row.get(3)?,
        body: from_column(row, 4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However much is kept: an index leads to the first row, and none is sorted but those of one moment.
    #[test]
    fn the_oldest_and_the_newest_are_found_by_index() {
        let log = SqliteLog::in_memory().unwrap();
        for (account, index) in [(None, "items_by_time"), (Some("acme"), "items_by_account")] {
            for order in ["ORDER BY at_unix_ms, id", "ORDER BY at_unix_ms DESC, id DESC"] {
                let plan: Vec<String> = log
                    .look(|conn| {
                        let sql = format!("EXPLAIN QUERY PLAN {}", in_time(account.is_some(), order));
                        let mut explain = conn.prepare(&sql)?;
                        let rows = explain.query_map(params!["\"mail\"", account, 0, 10], |row| row.get(3))?;
                        Ok(rows.collect::<rusqlite::Result<_>>()?)
                    })
                    .unwrap();
                let plan = plan.join("; ");
                assert!(plan.contains(&format!("SEARCH items USING INDEX {index} ")), "{plan}");
                assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
            }
        }
    }
}
