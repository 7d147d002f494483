//! The port: what every store of event logs does.

use std::io::Write;

use reframe_call::event::Event;

use crate::{
    append,
    erasure::Erasure,
    error::StoreError,
    id::CallId,
    record::{CallRecord, CallState, NewCall},
};

/// Events read at a time by the provided methods, so that no reader holds a store for long. A page of typical events
/// (under 1 kB each) is half a megabyte.
const PAGE: usize = 512;

/// Events to append to one call.
#[derive(Clone, Debug)]
pub struct Append<'a> {
    /// Which call.
    pub call: &'a CallId,
    /// Number of the first of `events`, and the number the writer believes the log goes on with.
    pub expected_seq: u64,
    /// Events numbered from `expected_seq` without holes.
    pub events: &'a [Event],
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number the log goes on with.
    pub next_seq: u64,
    /// Events written.
    pub written: usize,
    /// Events that were there already, the same ones.
    pub repeated: usize,
}

/// A store of event logs. One writer per call at a time is expected, and a second one is found out:
///
/// - An append of events that are there already, the same ones, is harmless: a writer that does not know whether its
///   last append went through sends it again.
/// - Another event at a number that is taken is [`StoreError::Conflict`]; a hole is [`StoreError::Hole`].
/// - After `call_ended` or `call_failed` the log takes no more ([`StoreError::Closed`]).
/// - An append is in the log whole or not at all.
pub trait EventLog: Send + Sync {
    /// Enters a new call.
    ///
    /// # Errors
    /// [`StoreError::CallExists`] if the name is taken, whatever else is the same; errors of the file.
    fn create(&self, call: &NewCall) -> Result<(), StoreError>;

    /// Appends to several calls with one wait for the disk. Every part is judged for itself: the inner results are in
    /// the order of `parts`, and a part that is refused (hole, conflict, …) does not hold up the others. Two parts for
    /// the same call are taken in order.
    ///
    /// # Errors
    /// Errors of the file. Then no part was written.
    fn append_batch(&self, parts: &[Append<'_>]) -> Result<Vec<Result<Appended, StoreError>>, StoreError>;

    /// The stored lines of a call from number `from_seq` on, at most `limit`, each the exact JSON of one event without
    /// a line end. Empty if the log ends before.
    ///
    /// # Errors
    /// [`StoreError::UnknownCall`]; errors of the file.
    fn lines(&self, call: &CallId, from_seq: u64, limit: usize) -> Result<Vec<String>, StoreError>;

    /// A call, if it is there.
    ///
    /// # Errors
    /// Errors of the file.
    fn call(&self, call: &CallId) -> Result<Option<CallRecord>, StoreError>;

    /// Calls, the latest started first (of those started in the same ms, the latest entered first), at most `limit`;
    /// only those in `state` if one is given. Calls left open by a crash are found with `Some(CallState::Open)`.
    ///
    /// # Errors
    /// Errors of the file.
    fn calls(&self, state: Option<CallState>, limit: usize) -> Result<Vec<CallRecord>, StoreError>;

    /// Carries out the erasures the log of `call` asks for (`words_erased`, `call_erased`): the words of those
    /// participants are taken out of the events before, the rest stays as it is. Harmless to repeat. Once files outside
    /// the store are rid of them too, say [`erasure_done`](Self::erasure_done).
    ///
    /// # Errors
    /// [`StoreError::UnknownCall`], [`StoreError::BadEvent`]; errors of the file. Then try again: the old words may still
    /// be in it.
    fn erase(&self, call: &CallId) -> Result<Erasure, StoreError>;

    /// Calls with erasures that were asked for and are not [done](Self::erasure_done), at most `limit`.
    ///
    /// # Errors
    /// Errors of the file.
    fn erasures_due(&self, limit: usize) -> Result<Vec<CallId>, StoreError>;

    /// The erasures that events up to number `upto` of `call` asked for are done, inside the store and outside.
    ///
    /// # Errors
    /// [`StoreError::UnknownCall`]; errors of the file.
    fn erasure_done(&self, call: &CallId, upto: u64) -> Result<(), StoreError>;

    /// Removes a call and all its events for good. `false` if it was not there.
    ///
    /// # Errors
    /// Errors of the file. Then try again, even if the call is not there any more: parts of it may still be in the file.
    fn delete(&self, call: &CallId) -> Result<bool, StoreError>;

    /// Appends events to one call. `Ok` means they are safe (see the crate's page for how safe).
    ///
    /// # Errors
    /// [`StoreError::Hole`], [`Conflict`](StoreError::Conflict), [`Misnumbered`](StoreError::Misnumbered),
    /// [`Closed`](StoreError::Closed), [`UnknownCall`](StoreError::UnknownCall); errors of the file.
    fn append(&self, call: &CallId, expected_seq: u64, events: &[Event]) -> Result<Appended, StoreError> {
        let mut results = self.append_batch(&[Append { call, expected_seq, events }])?;
        results.pop().expect("one part gives one result")
    }

    /// Events of a call from number `from_seq` on, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::UnknownCall`], [`StoreError::BadEvent`]; errors of the file.
    fn read_page(&self, call: &CallId, from_seq: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        let lines = self.lines(call, from_seq, limit)?;
        lines.iter().zip(from_seq..).map(|(line, seq)| append::decode(call, seq, line)).collect()
    }

    /// All events of a call from number `from_seq` on.
    ///
    /// # Errors
    /// [`StoreError::UnknownCall`], [`StoreError::BadEvent`]; errors of the file.
    fn read(&self, call: &CallId, from_seq: u64) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        loop {
            let page = self.read_page(call, from_seq.saturating_add(events.len() as u64), PAGE)?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    /// Writes a call's log as JSON lines, byte for byte as stored: one event per line, each ended by `\n`. Returns the
    /// number of events.
    ///
    /// # Errors
    /// [`StoreError::UnknownCall`], [`StoreError::Export`] if `to` fails; errors of the file.
    fn export_jsonl(&self, call: &CallId, to: &mut dyn Write) -> Result<u64, StoreError> {
        let failed = |source| StoreError::Export { call: call.clone(), source };
        let mut seq = 0;
        loop {
            let lines = self.lines(call, seq, PAGE)?;
            if lines.is_empty() {
                to.flush().map_err(failed)?;
                return Ok(seq);
            }
            seq += lines.len() as u64;
            for line in lines {
                to.write_all(line.as_bytes()).and_then(|()| to.write_all(b"\n")).map_err(failed)?;
            }
        }
    }
}
