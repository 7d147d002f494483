//! The rules of erasing, the same for every store: what a log asks for, and which of its events change.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::{
    audio::TrackId,
    event::{Eraser, Event, EventBody},
};

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Number of the last event that asked for it; `None` if none did.
    pub upto: Option<u64>,
    /// Whose words, and up to which event.
    pub tracks: BTreeMap<TrackId, u64>,
    /// The call as a whole was asked to be erased: files of it should go.
    pub whole_call: bool,
    /// Events that changed.
    pub rewritten: usize,
    /// Notes, debriefs and other hand-offs made from those words that are tombstones now.
    pub artifacts: usize,
    /// Proposals made from those words whose texts went.
    pub proposals: usize,
    /// Such proposals that are being written right now: the erasure is to be carried out again before it is done.
    pub being_written: usize,
}

/// Does this event ask for words before it to be erased?
pub(crate) const fn asks(body: &EventBody) -> bool {
    matches!(body, EventBody::WordsErased { .. } | EventBody::CallErased { .. })
}

/// Takes out of a whole log what it asks to be taken out. Gives what was asked and the places of the events that changed.
pub(crate) fn carry_out(events: &mut [Event]) -> (Erasure, Vec<usize>) {
    let mut erasure = Erasure::default();
    let mut seen = BTreeSet::new();
    for event in events.iter() {
        match &event.body {
            EventBody::TrackAdded { track } => {
                seen.insert(track.id);
            }
            EventBody::WordsErased { track } => {
                erasure.tracks.insert(*track, event.seq);
            }
            EventBody::CallErased { .. } => {
                erasure.whole_call = true;
                erasure.tracks.extend(seen.iter().map(|track| (*track, event.seq)));
            }
            _ => continue,
        }
        if asks(&event.body) {
            erasure.upto = Some(event.seq);
        }
    }
    let mut changed = Vec::new();
    if erasure.tracks.is_empty() {
        return (erasure, changed);
    }
    let mut touched = BTreeSet::new();
    for (track, upto) in &erasure.tracks {
        let mut eraser = Eraser::new(*track);
        for (at, event) in events.iter_mut().enumerate().take_while(|(_, event)| event.seq < *upto) {
            if eraser.event(event) {
                touched.insert(at);
            }
        }
    }
    changed.extend(touched);
    erasure.rewritten = changed.len();
    (erasure, changed)
}
