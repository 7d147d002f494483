//! A store that forgets: for tests, and for running without a file.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    append::{Standing, plan},
    error::StoreError,
    id::CallId,
    log::{Append, Appended, EventLog},
    record::{CallRecord, CallState, NewCall},
};

/// Event logs in memory. They grow for as long as the calls in them are not [`delete`](EventLog::delete)d.
#[derive(Debug, Default)]
pub struct MemoryLog {
    /// In order of being entered.
    calls: Mutex<Vec<Stored>>,
}

#[derive(Debug)]
struct Stored {
    record: CallRecord,
    lines: Vec<String>,
}

impl MemoryLog {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Stored>> {
        // Every change below is a single step or made on a copy, so a panic elsewhere leaves nothing half-done.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(calls: &mut [Stored], part: &Append<'_>) -> Result<Appended, StoreError> {
    let stored = calls
        .iter_mut()
        .find(|s| s.record.call.id == *part.call)
        .ok_or_else(|| StoreError::UnknownCall { call: part.call.clone() })?;
    let now = Standing {
        next_seq: stored.record.next_seq,
        state: stored.record.state,
        participants: stored.record.participants.clone(),
    };
    let plan = plan(part, now, |seq| {
        let index = usize::try_from(seq).expect("a number below the count of lines in memory");
        Ok(stored.lines[index].clone())
    })?;
    stored.lines.extend(plan.lines);
    stored.record.state = plan.state;
    stored.record.next_seq = plan.done.next_seq;
    if let Some(participants) = plan.participants {
        stored.record.participants = participants;
    }
    Ok(plan.done)
}

impl EventLog for MemoryLog {
    fn create(&self, call: &NewCall) -> Result<(), StoreError> {
        let mut calls = self.lock();
        if calls.iter().any(|s| s.record.call.id == call.id) {
            return Err(StoreError::CallExists { call: call.id.clone() });
        }
        let record = CallRecord { call: call.clone(), state: CallState::Open, participants: Vec::new(), next_seq: 0 };
        calls.push(Stored { record, lines: Vec::new() });
        Ok(())
    }

    fn append_batch(&self, parts: &[Append<'_>]) -> Result<Vec<Result<Appended, StoreError>>, StoreError> {
        let mut calls = self.lock();
        Ok(parts.iter().map(|part| append(&mut calls, part)).collect())
    }

    fn lines(&self, call: &CallId, from_seq: u64, limit: usize) -> Result<Vec<String>, StoreError> {
        let calls = self.lock();
        let stored = calls
            .iter()
            .find(|s| s.record.call.id == *call)
            .ok_or_else(|| StoreError::UnknownCall { call: call.clone() })?;
        let from = usize::try_from(from_seq).unwrap_or(usize::MAX);
        Ok(stored.lines.iter().skip(from).take(limit).cloned().collect())
    }

    fn call(&self, call: &CallId) -> Result<Option<CallRecord>, StoreError> {
        Ok(self.lock().iter().map(|s| &s.record).find(|r| r.call.id == *call).cloned())
    }

    fn calls(&self, state: Option<CallState>, limit: usize) -> Result<Vec<CallRecord>, StoreError> {
        let calls = self.lock();
        let mut records: Vec<&CallRecord> =
            calls.iter().rev().map(|s| &s.record).filter(|r| state.is_none_or(|s| r.state == s)).collect();
        // Stable, so of those started in the same ms the latest entered stays first.
        records.sort_by_key(|r| std::cmp::Reverse(r.call.started_unix_ms));
        Ok(records.into_iter().take(limit).cloned().collect())
    }

    fn delete(&self, call: &CallId) -> Result<bool, StoreError> {
        let mut calls = self.lock();
        let before = calls.len();
        calls.retain(|s| s.record.call.id != *call);
        Ok(calls.len() < before)
    }
}
