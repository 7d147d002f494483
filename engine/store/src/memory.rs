//! A store that forgets: for tests, and for running without a file.

use std::sync::{Mutex, MutexGuard, PoisonError};

use reframe_call::event::Event;
use reframe_consent::{ConsentRecord, NewRecord, Person, Scope};

use crate::{
    append::{Standing, decode, encode, plan},
    consents::ConsentBook,
    erasure::{self, Erasure},
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
    consents: Mutex<Vec<ConsentRecord>>,
}

#[derive(Debug)]
struct Stored {
    record: CallRecord,
    lines: Vec<String>,
    erase_due: Option<u64>,
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
    let stored = find(calls, part.call)?;
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
    stored.erase_due = plan.erase_due.or(stored.erase_due);
    Ok(plan.done)
}

fn find<'a>(calls: &'a mut [Stored], call: &CallId) -> Result<&'a mut Stored, StoreError> {
    calls.iter_mut().find(|s| s.record.call.id == *call).ok_or_else(|| StoreError::UnknownCall { call: call.clone() })
}

impl ConsentBook for MemoryLog {
    fn add_consents(&self, new: &[NewRecord]) -> Result<Vec<ConsentRecord>, StoreError> {
        new.iter().try_for_each(NewRecord::check)?;
        let mut book = self.consents.lock().unwrap_or_else(PoisonError::into_inner);
        let first = book.len() as u64 + 1;
        let added: Vec<_> = (first..).zip(new).map(|(id, says)| ConsentRecord { id, says: says.clone() }).collect();
        book.extend(added.iter().cloned());
        Ok(added)
    }

    fn consents_about(&self, person: &Person, call: &str, limit: usize) -> Result<Vec<ConsentRecord>, StoreError> {
        let book = self.consents.lock().unwrap_or_else(PoisonError::into_inner);
        let of_call = |scope: &Scope| match scope {
            Scope::AllCalls => true,
            Scope::Call(id) | Scope::Track(id, _) => id == call,
        };
        let about = book.iter().rev().filter(|r| r.says.person == *person && of_call(&r.says.scope));
        Ok(about.take(limit).cloned().collect())
    }

    fn consents(&self, person: Option<&Person>, limit: usize) -> Result<Vec<ConsentRecord>, StoreError> {
        let book = self.consents.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = book.iter().rev().filter(|r| person.is_none_or(|p| r.says.person == *p));
        Ok(wanted.take(limit).cloned().collect())
    }
}

impl EventLog for MemoryLog {
    fn create(&self, call: &NewCall) -> Result<(), StoreError> {
        let mut calls = self.lock();
        if calls.iter().any(|s| s.record.call.id == call.id) {
            return Err(StoreError::CallExists { call: call.id.clone() });
        }
        let record = CallRecord { call: call.clone(), state: CallState::Open, participants: Vec::new(), next_seq: 0 };
        calls.push(Stored { record, lines: Vec::new(), erase_due: None });
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

    fn erase(&self, call: &CallId) -> Result<Erasure, StoreError> {
        let mut calls = self.lock();
        let stored = find(&mut calls, call)?;
        let mut events = (0..)
            .zip(&stored.lines)
            .map(|(seq, line)| decode(call, seq, line))
            .collect::<Result<Vec<Event>, StoreError>>()?;
        let (erasure, changed) = erasure::carry_out(&mut events);
        for at in changed {
            stored.lines[at] = encode(call, &events[at])?;
        }
        Ok(erasure)
    }

    fn erasures_due(&self, limit: usize) -> Result<Vec<CallId>, StoreError> {
        let calls = self.lock();
        let due = calls.iter().filter(|s| s.erase_due.is_some()).map(|s| s.record.call.id.clone());
        Ok(due.take(limit).collect())
    }

    fn erasure_done(&self, call: &CallId, upto: u64) -> Result<(), StoreError> {
        let mut calls = self.lock();
        let stored = find(&mut calls, call)?;
        stored.erase_due = stored.erase_due.filter(|due| *due > upto);
        Ok(())
    }

    fn delete(&self, call: &CallId) -> Result<bool, StoreError> {
        let mut calls = self.lock();
        let before = calls.len();
        calls.retain(|s| s.record.call.id != *call);
        Ok(calls.len() < before)
    }
}
