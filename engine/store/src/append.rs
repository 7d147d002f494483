//! The rules of appending, the same for every store: what to skip, what to write, what to refuse.

use reframe_call::{
    audio::TrackInfo,
    event::{Event, EventBody},
};

use crate::{
    erasure,
    error::StoreError,
    id::CallId,
    log::{Append, Appended},
    record::CallState,
};

/// What an append that keeps the rules will do.
#[derive(Debug)]
pub(crate) struct Plan {
    /// To be answered once it is done.
    pub(crate) done: Appended,
    /// Lines to write, numbered from the log's present end.
    pub(crate) lines: Vec<String>,
    /// State of the call afterwards.
    pub(crate) state: CallState,
    /// Participants afterwards, if they change.
    pub(crate) participants: Option<Vec<TrackInfo>>,
    /// Number of the last event that asks for an erasure, if one does.
    pub(crate) erase_due: Option<u64>,
}

/// Where a call's log stands before an append.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) next_seq: u64,
    pub(crate) state: CallState,
    pub(crate) participants: Vec<TrackInfo>,
}

/// Judges an append against the log as it stands. `stored` gives the line at a number below `now.next_seq`.
pub(crate) fn plan(
    part: &Append<'_>,
    now: Standing,
    mut stored: impl FnMut(u64) -> Result<String, StoreError>,
) -> Result<Plan, StoreError> {
    let call = part.call;
    for (expected, event) in (part.expected_seq..).zip(part.events) {
        if event.seq != expected {
            return Err(StoreError::Misnumbered { call: call.clone(), expected, found: event.seq });
        }
    }
    if part.expected_seq > now.next_seq {
        return Err(StoreError::Hole { call: call.clone(), next: now.next_seq, given: part.expected_seq });
    }

    let (mut state, mut participants) = (now.state, now.participants);
    let (mut lines, mut repeated, mut changed, mut erase_due) = (Vec::new(), 0, false, None);
    for event in part.events {
        let line = encode(call, event)?;
        if event.seq < now.next_seq {
            let there = stored(event.seq)?;
            if there != line {
                let (stored, given) = (kind(&there), kind(&line));
                return Err(StoreError::Conflict { call: call.clone(), seq: event.seq, stored, given });
            }
            repeated += 1;
        } else if state == CallState::Open {
            changed |= fold(&event.body, &mut state, &mut participants);
            if erasure::asks(&event.body) {
                erase_due = Some(event.seq);
            }
            lines.push(line);
        } else {
            // Not below `next_seq`, so an event stands before it: the last one of a closed log.
            return Err(StoreError::Closed { call: call.clone(), state, last: event.seq - 1 });
        }
    }
    let done = Appended { next_seq: now.next_seq + lines.len() as u64, written: lines.len(), repeated };
    Ok(Plan { done, lines, state, participants: changed.then_some(participants), erase_due })
}

/// What the record of a call takes from an event; whether the participants changed.
fn fold(body: &EventBody, state: &mut CallState, participants: &mut Vec<TrackInfo>) -> bool {
    match body {
        EventBody::TrackAdded { track } => {
            match participants.binary_search_by_key(&track.id, |p| p.id) {
                Ok(at) => participants[at] = track.clone(),
                Err(at) => participants.insert(at, track.clone()),
            }
            return true;
        }
        EventBody::ConsentChanged { track, consent } => {
            if let Ok(at) = participants.binary_search_by_key(track, |p| p.id) {
                participants[at].consent.clone_from(consent);
                return true;
            }
        }
        EventBody::CallEnded { .. } => *state = CallState::Ended,
        EventBody::CallFailed { .. } => *state = CallState::Failed,
        _ => {}
    }
    false
}

/// The one spelling of an event.
pub(crate) fn encode(call: &CallId, event: &Event) -> Result<String, StoreError> {
    serde_json::to_string(event).map_err(|e| StoreError::Encode {
        call: call.clone(),
        seq: event.seq,
        reason: e.to_string(),
    })
}

/// Reads a stored line back as the event number `seq`.
pub(crate) fn decode(call: &CallId, seq: u64, line: &str) -> Result<Event, StoreError> {
    let bad = |reason: String| StoreError::BadEvent { call: call.clone(), seq, reason };
    let event: Event = serde_json::from_str(line).map_err(|e| bad(e.to_string()))?;
    if event.seq == seq { Ok(event) } else { Err(bad(format!("it says it is number {}", event.seq))) }
}

/// The kind of event a line holds. Never its contents: errors are printed and logged, and a transcript must not be.
fn kind(line: &str) -> String {
    serde_json::from_str::<serde_json::Value>(line)
        .ok()
        .and_then(|v| v.get("event").and_then(|k| k.as_str()).map(str::to_owned))
        .unwrap_or_else(|| "unreadable".to_owned())
}
