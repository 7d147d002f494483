//! What one stage gives the next: `SignalCard → Draft → Meeting → Brief → CallTranscript → NoteProposal → FieldProposal`.

mod before_call;
mod call_transcript;
mod field_proposal;
mod note_proposal;

pub use self::{
    before_call::{Brief, Draft, Meeting, SignalCard},
    call_transcript::{
        CallFacts, CallTranscript, CardMoment, CardOutcome, HeardWord, ObjectionMoment, Participant, Turn,
    },
    field_proposal::FieldProposal,
    note_proposal::{Commitment, FollowUp, Handling, Note, NoteProposal, ObjectionRaised, Owner, Risk, TaskProposal},
};
