//! What one stage gives the next: `SignalCard → Draft → Meeting → Brief → CallTranscript → NoteProposal → FieldProposal`.

mod brief;
mod call_transcript;
mod draft;
mod field_proposal;
mod meeting;
mod note_proposal;
mod signal_card;

pub use self::{
    brief::{AimedQuestion, Arm, Brief, LikelyObjection},
    call_transcript::{
        CallFacts, CallTranscript, CardMoment, CardOutcome, HeardWord, ObjectionMoment, Participant, Turn,
    },
    draft::{Draft, DraftGrounds, TouchRef},
    field_proposal::FieldProposal,
    meeting::Meeting,
    note_proposal::{Commitment, FollowUp, Handling, Note, NoteProposal, ObjectionRaised, Owner, Risk, TaskProposal},
    signal_card::{SignalCard, SignalOpening, SignalPart, SignalPerson, SignalScore},
};
