//! Looks over all there is: which batches there are, what became of what was approved lately, every proposal one by one.

use reframe_workflow::{
    artifact::Kind,
    outbox::{Entry, Kept as Artifact, LedgerError, Listed},
};
use rusqlite::params;

use super::{from_column, rows, to_column};
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

/// A call without what was said in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutline {
    /// Its name.
    pub call: String,
    /// Its title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// When the last that is known of it happened: its end, if it is over.
    pub until_unix_ms: i64,
    /// Whether it is over.
    pub over: bool,
    /// The deal's id in the CRM, if whoever opened the call named it.
    pub deal: Option<String>,
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

    /// Every hand-off, in the order they were kept, one after the other: their texts are more than should be in memory
    /// together.
    ///
    /// # Errors
    /// [`LedgerError::Store`]; those read until then were handed over.
    pub fn each_artifact(&self, mut take: impl FnMut(Artifact)) -> Result<(), LedgerError> {
        let sql = "SELECT kind, body, made_unix_ms, rowid FROM artifacts WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
        let mut upto = 0;
        loop {
            let read: Vec<(i64, Artifact)> = self.look(|conn| {
                let mut find = conn.prepare_cached(sql)?;
                let rows = find.query_map(params![upto, column(AT_ONCE)], |row| {
                    let (kind, artifact) = (from_column(row, 0)?, from_column(row, 1)?);
                    Ok((row.get(3)?, Artifact { kind, artifact, at_unix_ms: row.get(2)? }))
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })?;
            let Some((last, _)) = read.last() else { return Ok(()) };
            upto = *last;
            read.into_iter().for_each(|(_, kept)| take(kept));
        }
    }

    /// Hand-offs of a kind that were kept in a time, both ends in it, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn artifacts_between(
        &self,
        kind: Kind,
        from_unix_ms: i64,
        until_unix_ms: i64,
        limit: usize,
    ) -> Result<Vec<Artifact>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT kind, body, made_unix_ms FROM artifacts WHERE kind = ?1 AND made_unix_ms BETWEEN ?2 AND ?3
                 ORDER BY made_unix_ms, id LIMIT ?4",
            )?;
            let which = params![to_column(&kind), from_unix_ms, until_unix_ms, column(limit as u64)];
            let rows = find.query_map(which, |row| {
                let (kind, artifact) = (from_column(row, 0)?, from_column(row, 1)?);
                Ok(Artifact { kind, artifact, at_unix_ms: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Every call in outline, in the order they began to be kept, one after the other.
    ///
    /// # Errors
    /// [`LedgerError::Store`]; those read until then were handed over.
    pub fn each_call(&self, mut take: impl FnMut(CallOutline)) -> Result<(), LedgerError> {
        let sql = "SELECT no, id, title, started_unix_ms, state,
                (SELECT line ->> '$.at_us' FROM events WHERE call = calls.no ORDER BY seq DESC LIMIT 1),
                (SELECT line ->> '$.deal.crm_id' FROM events WHERE call = calls.no AND seq = 0)
            FROM calls WHERE no > ?1 ORDER BY no LIMIT ?2";
        let mut upto = 0;
        loop {
            let read: Vec<(i64, CallOutline)> = self.look(|conn| {
                let mut find = conn.prepare_cached(sql)?;
                let rows = find.query_map(params![upto, column(AT_ONCE)], |row| {
                    let (started_unix_ms, state): (i64, String) = (row.get(3)?, row.get(4)?);
                    let last_us: Option<i64> = row.get(5)?;
                    let outline = CallOutline {
                        call: row.get(1)?,
                        title: row.get(2)?,
                        started_unix_ms,
                        until_unix_ms: started_unix_ms.saturating_add(last_us.unwrap_or(0) / 1_000),
                        over: state != "open",
                        deal: row.get(6)?,
                    };
                    Ok((row.get(0)?, outline))
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })?;
            let Some((last, _)) = read.last() else { return Ok(()) };
            upto = *last;
            read.into_iter().for_each(|(_, call)| take(call));
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
    use reframe_call::{
        deal::Deal,
        event::{Event, EventBody},
        time::MediaTime,
    };
    use reframe_workflow::{
        artifact::{ArtifactId, Claim, Evidence, Maker},
        audit::Actor,
        gate::{Action, Proposal},
        outbox::Inbox as _,
        system::{RecordKind, RecordRef},
    };

    use super::*;
    use crate::{CallId, EventLog as _, NewCall};

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
    #[test]
    fn every_hand_off_comes_once_and_in_order() {
        let store = SqliteLog::in_memory().unwrap();
        let n = i64::try_from(AT_ONCE).unwrap() + 3;
        for at_unix_ms in 0..n {
            let body = serde_json::json!({ "n": at_unix_ms });
            let artifact =
                reframe_workflow::artifact::Artifact::new(Kind::Meeting, vec![], Maker::rules("test", 1), body);
            let kept = Artifact { kind: Kind::Meeting, artifact, at_unix_ms };
            assert!(store.put_artifact(&kept, &Actor::service("test")).unwrap());
        }
        let mut seen = Vec::new();
        store.each_artifact(|kept| seen.push(kept.at_unix_ms)).unwrap();
        assert_eq!(seen, (0..n).collect::<Vec<_>>());
        let between = |kind, from, until| {
            let kept = store.artifacts_between(kind, from, until, 3).unwrap();
            kept.iter().map(|kept| kept.at_unix_ms).collect::<Vec<_>>()
        };
        assert_eq!((between(Kind::Meeting, 5, 6), between(Kind::Meeting, 5, n)), (vec![5, 6], vec![5, 6, 7]));
        assert!(between(Kind::Brief, 0, n).is_empty());
    }

    #[test]
    fn a_call_in_outline_says_when_it_ended_and_which_deal_was_named() {
        let store = SqliteLog::in_memory().unwrap();
        for (name, crm_id) in [("one", Some("7")), ("two", None)] {
            let id = CallId::new(name).unwrap();
            let call = NewCall {
                id: id.clone(),
                title: format!("Call {name}"),
                playbook: "p".into(),
                started_unix_ms: 1_000,
                token_hash: String::new(),
            };
            store.create(&call).unwrap();
            let deal = Deal { crm_id: crm_id.map(str::to_owned), ..Deal::default() };
            let begun = EventBody::CallStarted {
                schema: 1,
                playbook: "p".into(),
                recognizer: "r".into(),
                detector: "d".into(),
                deal,
            };
            let ended = EventBody::CallEnded { cards_shown: 0, utterances: 0 };
            let mut events = vec![Event { seq: 0, at: MediaTime::ZERO, body: begun }];
            if crm_id.is_some() {
                events.push(Event { seq: 1, at: MediaTime::from_ms(90_500), body: ended });
            }
            store.append(&id, 0, &events).unwrap();
        }
        let mut seen = Vec::new();
        store.each_call(|call| seen.push((call.call, call.until_unix_ms, call.over, call.deal))).unwrap();
        let of = |name: &str, until, over, deal: Option<&str>| (name.to_owned(), until, over, deal.map(str::to_owned));
        assert_eq!(seen, [of("one", 91_500, true, Some("7")), of("two", 1_000, false, None)]);
    }
}
