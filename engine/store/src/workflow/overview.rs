//! Looks over all there is: which batches there are, what became of what was approved lately, every proposal one by one.

use reframe_workflow::outbox::{Entry, LedgerError, Listed};
use rusqlite::params;

use super::{from_column, rows};
use crate::sqlite::{SqliteLog, column};

/// Proposals read at once: some 3 MB, and short enough that nobody waits long for the file.
const AT_ONCE: u64 = 1_000;

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

    /// Every proposal, the oldest first, one after the other: a year of a large team's are more than should be in memory
    /// together. What is put meanwhile comes too.
    ///
    /// # Errors
    /// [`LedgerError::Store`]; those read until then were handed over.
    pub fn each_proposal(&self, mut take: impl FnMut(Listed)) -> Result<(), LedgerError> {
        let sql = format!("{} WHERE proposals.no > ?1 ORDER BY proposals.no LIMIT ?2", rows::LISTED);
        let mut upto = 0;
        loop {
            let read: Vec<rows::Kept> = self.look(|conn| {
                let mut find = conn.prepare_cached(&sql)?;
                let rows = find.query_map(params![upto, column(AT_ONCE)], rows::kept)?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })?;
            let Some(last) = read.last() else { return Ok(()) };
            upto = last.no;
            read.into_iter().for_each(|kept| take(kept.listed));
        }
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

#[cfg(test)]
mod tests {
    use reframe_workflow::{
        artifact::{ArtifactId, Claim, Evidence},
        audit::Actor,
        gate::{Action, Proposal},
        outbox::Inbox as _,
        system::{RecordKind, RecordRef},
    };

    use super::*;

    #[test]
    fn every_proposal_comes_once_and_in_order_however_many_there_are() {
        let store = SqliteLog::in_memory().unwrap();
        let about = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "7".into() };
        let because = Claim::new("x", vec![Evidence::Event { call: "c".into(), seq: 1 }], 0.9).unwrap();
        let made = |n: i64| {
            let action = Action::CreateNote { about: about.clone(), body: format!("note {n}"), at_unix_ms: n };
            let from = ArtifactId::of("note_proposal", b"x");
            Proposal::new("local", action, None, because.clone(), from, "call c", n)
        };
        // Two pages and some.
        let all: Vec<Proposal> = (0..2 * AT_ONCE as i64 + 5).map(made).collect();
        store.put_proposals(&all, &Actor::service("post_call"), 0).unwrap();
        let mut seen = Vec::new();
        store.each_proposal(|listed| seen.push(listed.proposal.made_unix_ms)).unwrap();
        assert_eq!(seen, (0..2 * AT_ONCE as i64 + 5).collect::<Vec<_>>());
        SqliteLog::in_memory().unwrap().each_proposal(|_| panic!("there is none")).unwrap();
    }
}
