//! Erasing in the file: rows are rewritten, and nothing of the old ones may stay in its pages.

use reframe_call::{
    audio::TrackInfo,
    event::{Event, EventBody},
};
use reframe_consent::Person;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{SqliteLog, column, lock, people, state};
use crate::{
    append::encode,
    erasure::{self, Erasure},
    error::StoreError,
    id::CallId,
    person::{reach::Reach, redact::tombstone, rewrite, who::Who},
    record::CallState,
};

/// The machine's clock.
fn now_unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What was made from the words that go.
fn reach(call: &CallId, people: &[TrackInfo], events: &[Event], erasure: &Erasure) -> Reach {
    let call = call.as_str().to_owned();
    if erasure.whole_call {
        return Reach::Calls([call].into());
    }
    let theirs = |event: &Event| match &event.body {
        EventBody::SpeechStarted { track, utterance, .. }
        | EventBody::WordsCommitted { track, utterance, .. }
        | EventBody::UtteranceEnded { track, utterance, .. } => {
            erasure.tracks.get(track).is_some_and(|upto| event.seq < *upto).then_some(utterance.0)
        }
        _ => None,
    };
    let people = people.iter().filter(|p| erasure.tracks.contains_key(&p.id));
    let spelled = people.flat_map(|p| [Some(p.name.as_str()), p.email.as_deref()]).flatten();
    let who = Who::new(spelled.filter_map(|name| Person::new(name).ok()).collect());
    Reach::Person { who, calls: [(call, events.iter().filter_map(theirs).collect())].into(), everywhere: false }
}

impl SqliteLog {
    /// Takes back everything that was made from a call: it was read while words in it were being erased. Gives how many
    /// hand-offs and proposals that were.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn retract(&self, call: &CallId, at_unix_ms: i64) -> Result<(usize, usize), StoreError> {
        let name = |e| self.faults.name(e);
        let reach = Reach::Calls([call.as_str().to_owned()].into());
        let stone = tombstone("words erased", at_unix_ms);
        let done = self.write(|tx| {
            let artifacts = rewrite::artifacts(tx, &reach, &stone).map_err(name)?;
            Ok((artifacts, rewrite::proposals(tx, &reach, &stone, at_unix_ms).map_err(name)?.done))
        })?;
        if done != (0, 0) {
            self.leave_no_trace()?;
        }
        Ok(done)
    }

    pub(super) fn erase_words(&self, call: &CallId) -> Result<Erasure, StoreError> {
        let name = |e| self.faults.name(e);
        let (no, erasure, clean) = self.write(|tx| self.erase_in(tx, call))?;
        // Also when nothing changed: the process may have been killed between the rewriting and this.
        let Some(upto) = erasure.upto.filter(|_| !clean) else { return Ok(erasure) };
        self.leave_no_trace()?;
        self.write(|tx| {
            // A thread that has rewritten more meanwhile cleans after itself.
            tx.execute(
                "INSERT OR REPLACE INTO erasures_cleaned (call, upto) SELECT no, ?2 FROM calls WHERE no = ?1",
                params![no, column(upto)],
            )
            .map(drop)
            .map_err(name)
        })?;
        Ok(erasure)
    }

    /// All that is read is read here: a call may end, be written up, or lose other words at any moment before. Gives the
    /// call's row, what was done, and whether no page holds anything of it.
    fn erase_in(&self, tx: &Transaction<'_>, call: &CallId) -> Result<(i64, Erasure, bool), StoreError> {
        let name = |e| self.faults.name(e);
        let found = tx
            .prepare_cached("SELECT no, state, participants FROM calls WHERE id = ?1")
            .and_then(|mut s| {
                s.query_row([call.as_str()], |row| Ok((row.get::<_, i64>(0)?, state(row, 1)?, people(row, 2)?)))
                    .optional()
            })
            .map_err(name)?;
        let Some((no, state, people)) = found else {
            return Err(StoreError::UnknownCall { call: call.clone() });
        };
        let mut events = rewrite::log(tx, no, call, &self.faults)?;
        let before = events.clone();
        let (mut erasure, changed) = erasure::carry_out(&mut events);
        let Some(upto) = erasure.upto else { return Ok((no, erasure, true)) };
        let mut update = tx.prepare_cached("UPDATE events SET line = ?3 WHERE call = ?1 AND seq = ?2").map_err(name)?;
        for at in &changed {
            update.execute(params![no, column(events[*at].seq), encode(call, &events[*at])?]).map_err(name)?;
        }
        // Of a call that runs nothing was made yet.
        if state != CallState::Open {
            let at = now_unix_ms();
            let (reach, stone) = (reach(call, &people, &before, &erasure), tombstone("words erased", at));
            erasure.artifacts = rewrite::artifacts(tx, &reach, &stone).map_err(name)?;
            let stopped = rewrite::proposals(tx, &reach, &stone, at).map_err(name)?;
            (erasure.proposals, erasure.being_written) = (stopped.done, stopped.being_written.len());
        }
        if changed.len() + erasure.artifacts + erasure.proposals > 0 {
            tx.execute("DELETE FROM erasures_cleaned WHERE call = ?1", [no]).map_err(name)?;
        }
        let clean: bool = tx
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM erasures_cleaned WHERE call = ?1 AND upto >= ?2)",
                params![no, column(upto)],
                |row| row.get(0),
            )
            .map_err(name)?;
        Ok((no, erasure, clean))
    }

    /// `secure_delete` overwrites what is deleted, yet pages that were split can hold copies of rows that moved away. And
    /// the write-ahead log holds all of it until it is taken over and cut off.
    pub(crate) fn leave_no_trace(&self) -> Result<(), StoreError> {
        let name = |e| self.faults.name(e);
        let writer = lock(&self.writer);
        // Readers go on meanwhile; appends wait, some 20 ms for each MB of the file.
        writer.execute_batch("VACUUM").map_err(name)?;
        // Nobody of ours may be reading, or the log could not be cut off.
        let _no_reader = self.reader.as_ref().map(lock);
        let busy: i64 = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(name)?;
        if busy == 0 {
            return Ok(());
        }
        Err(StoreError::Locked { path: self.path_buf(), waited_ms: self.faults.busy_ms })
    }

    pub(super) fn calls_to_erase(&self, limit: usize) -> Result<Vec<CallId>, StoreError> {
        let reader = self.reader();
        let ids = || -> rusqlite::Result<Vec<String>> {
            reader
                .prepare_cached("SELECT id FROM calls WHERE erase_due IS NOT NULL ORDER BY no LIMIT ?1")?
                .query_map([column(limit as u64)], |row| row.get(0))?
                .collect()
        };
        ids().map_err(|e| self.faults.name(e))?.into_iter().map(CallId::new).collect()
    }

    pub(super) fn note_erased(&self, call: &CallId, upto: u64) -> Result<(), StoreError> {
        self.write(|tx| {
            let no: Option<i64> = tx
                .query_row("SELECT no FROM calls WHERE id = ?1", [call.as_str()], |row| row.get(0))
                .optional()
                .map_err(|e| self.faults.name(e))?;
            let no = no.ok_or_else(|| StoreError::UnknownCall { call: call.clone() })?;
            tx.execute("UPDATE calls SET erase_due = NULL WHERE no = ?1 AND erase_due <= ?2", params![no, column(upto)])
                .map(drop)
                .map_err(|e| self.faults.name(e))
        })
    }
}
