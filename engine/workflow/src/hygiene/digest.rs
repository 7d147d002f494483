//! A call's digest, from what the post-call stage made of it and from the words themselves.

use super::{cues, view::CallDigest};
use crate::handoff::{CallTranscript, NoteProposal};

impl CallDigest {
    /// Of a call. The note gives the slots, objections, promises and people; the words give what rules about competitors
    /// ask for (cues.rs).
    #[must_use]
    pub fn of(call: &CallTranscript, note: &NoteProposal) -> Self {
        let mut slots = note.note.fields.clone();
        slots.extend(cues::slots(call));
        Self {
            call: call.call.clone(),
            at_unix_ms: call.started_unix_ms,
            slots,
            objections: note.objections.clone(),
            commitments: note.commitments.clone(),
            absent: note.absent.clone(),
        }
    }
}
