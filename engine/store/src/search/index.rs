//! The indexer: reads what was appended since it last looked.

use std::collections::BTreeMap;

use reframe_call::{
    audio::{TrackId, TrackInfo},
    event::{Event, EventBody},
    time::MediaTime,
};
use reframe_consent::Person;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::PER_CALL;
use crate::{append, error::StoreError, id::CallId, sqlite::SqliteLog};

/// What one run of the indexer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Calls it read on in.
    pub calls: usize,
    /// Utterances that were added or changed.
    pub utterances: usize,
    /// Calls that are still due.
    pub left: usize,
}

/// An utterance on its way into the index.
struct Said {
    track: TrackId,
    start: MediaTime,
    text: String,
}

impl SqliteLog {
    /// Reads on in at most `max_calls` calls that have new events, in one transaction. What is not acknowledged by it is
    /// done again by the next run.
    ///
    /// An event that cannot be read is passed over: the rest of its call is found all the same.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn index(&self, max_calls: usize) -> Result<Indexed, StoreError> {
        let mut writer = self.writer();
        let mut run = || -> rusqlite::Result<Indexed> {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let due: Vec<i64> = tx
                .prepare_cached("SELECT call FROM said_due ORDER BY call LIMIT ?1")?
                .query_map([i64::try_from(max_calls).unwrap_or(i64::MAX)], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut done = Indexed { calls: due.len(), ..Indexed::default() };
            for call in due {
                done.utterances += read_on(&tx, call)?;
                tx.prepare_cached("DELETE FROM said_due WHERE call = ?1")?.execute([call])?;
            }
            done.left = behind(&tx)?;
            tx.commit()?;
            Ok(done)
        };
        run().map_err(|e| self.faults().name(e))
    }

    /// Drops the index and notes every call as due: [`index`](Self::index) makes it again from the logs.
    ///
    /// # Errors
    /// Errors of the file; then the old index stands.
    pub fn rebuild_index(&self) -> Result<(), StoreError> {
        let mut writer = self.writer();
        let mut run = || -> rusqlite::Result<()> {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // All at once, and the rows after: row by row each deletion would go through the index.
            tx.execute_batch(
                "INSERT INTO said_index (said_index) VALUES ('delete-all');
                 DROP TRIGGER said_removed;
                 DELETE FROM said;
                 CREATE TRIGGER said_removed AFTER DELETE ON said
                     BEGIN INSERT INTO said_index (said_index, rowid, text) VALUES ('delete', OLD.no, OLD.text); END;
                 DELETE FROM said_by; DELETE FROM said_upto;
                 INSERT OR IGNORE INTO said_due SELECT no FROM calls;",
            )?;
            tx.commit()
        };
        run().map_err(|e| self.faults().name(e))
    }

    /// Checks that the index fits the rows it was made from. Takes as long as making it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]: then rebuild it; errors of the file.
    pub fn check_index(&self) -> Result<(), StoreError> {
        self.writer()
            .execute("INSERT INTO said_index (said_index, rank) VALUES ('integrity-check', 1)", [])
            .map(drop)
            .map_err(|e| self.faults().name(e))
    }
}

/// Calls the indexer has not read to their end.
pub(super) fn behind(conn: &Connection) -> rusqlite::Result<usize> {
    conn.prepare_cached("SELECT count(*) FROM said_due")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(|n| usize::try_from(n).unwrap_or(0))
}

/// Reads one call on from its mark. Gives the count of utterances that were written.
fn read_on(tx: &Transaction<'_>, call: i64) -> rusqlite::Result<usize> {
    let found: Option<(String, String)> = tx
        .prepare_cached("SELECT id, participants FROM calls WHERE no = ?1")?
        .query_row([call], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, participants)) = found else { return Ok(0) };
    let upto: i64 = tx
        .prepare_cached("SELECT next_seq FROM said_upto WHERE call = ?1")?
        .query_row([call], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    people(tx, call, &participants)?;

    let mut new: BTreeMap<u32, Said> = BTreeMap::new();
    let mut refined: BTreeMap<u32, String> = BTreeMap::new();
    let mut next = upto;
    let mut lines = tx.prepare_cached("SELECT seq, line FROM events WHERE call = ?1 AND seq >= ?2 ORDER BY seq")?;
    let mut rows = lines.query(params![call, upto])?;
    let id = CallId::new(id).ok();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        next = seq + 1;
        let line = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        // Most events are none of the two; only they are worth being read as a whole.
        if !line.contains("\"utterance_ended\"") && !line.contains("\"utterance_refined\"") {
            continue;
        }
        let Some(event) = id.as_ref().and_then(|id| append::decode(id, seq.unsigned_abs(), line).ok()) else {
            continue;
        };
        take(event, &mut new, &mut refined);
    }
    drop(rows);
    let mut count = 0;
    let mut put =
        tx.prepare_cached("INSERT INTO said (no, track, start_ms, words, text) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut gone = tx.prepare_cached("DELETE FROM said WHERE no = ?1")?;
    let mut change = tx.prepare_cached("UPDATE said SET text = ?2, words = ?3 WHERE no = ?1")?;
    for (utterance, said) in new {
        let Some(no) = number(call, utterance) else { continue };
        let text = refined.remove(&utterance).unwrap_or(said.text);
        // An utterance ends once; a log that says otherwise must not stop the indexer.
        gone.execute([no])?;
        if text.trim().is_empty() {
            continue;
        }
        put.execute(params![no, said.track.0, said.start.ms().cast_signed(), words(&text), text])?;
        count += 1;
    }
    for (utterance, text) in refined {
        let Some(no) = number(call, utterance) else { continue };
        count += if text.trim().is_empty() {
            gone.execute([no])?
        } else {
            change.execute(params![no, text, words(&text)])?
        };
    }
    tx.prepare_cached("INSERT OR REPLACE INTO said_upto (call, next_seq) VALUES (?1, ?2)")?.execute([call, next])?;
    Ok(count)
}

fn take(event: Event, new: &mut BTreeMap<u32, Said>, refined: &mut BTreeMap<u32, String>) {
    match event.body {
        EventBody::UtteranceEnded { track, utterance, start, text, .. } => {
            new.insert(utterance.0, Said { track, start, text });
        }
        EventBody::UtteranceRefined { utterance, text, .. } => {
            refined.insert(utterance.0, text);
        }
        _ => {}
    }
}

/// Writes down who speaks on which track.
fn people(tx: &Transaction<'_>, call: i64, participants: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM said_by WHERE call = ?1")?.execute([call])?;
    let people: Vec<TrackInfo> = serde_json::from_str(participants).unwrap_or_default();
    let mut put =
        tx.prepare_cached("INSERT INTO said_by (call, track, name, spelled, side) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for person in people {
        put.execute(params![call, person.id.0, person.name, spelled(&person.name), person.party.as_str()])?;
    }
    Ok(())
}

/// A name as it is looked for.
pub(super) fn spelled(name: &str) -> String {
    Person::new(name).map_or_else(|_| name.to_lowercase(), |person| person.as_str().to_owned())
}

fn words(text: &str) -> i64 {
    i64::try_from(text.split_whitespace().count()).unwrap_or(i64::MAX)
}

/// The row of an utterance; none if the call has more than the index can number.
pub(super) fn number(call: i64, utterance: u32) -> Option<i64> {
    (i64::from(utterance) < PER_CALL).then(|| call * PER_CALL + i64::from(utterance))
}
