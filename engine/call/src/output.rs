//! Everything a call asks of, or tells, the world.

use serde::{Deserialize, Serialize};

use crate::{
    audio::TrackId,
    event::{Event, UtteranceId},
    recognize::Word,
    time::MediaTime,
};

/// One step of draining a [`CallSession`](crate::session::CallSession).
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // handed over one at a time and never stored in bulk: a box would only cost
pub enum Output {
    /// A fact, for the screens and the log.
    Event(Event),
    /// What the live caption looks like now. For the screens only: it is replaced by the next one and never logged.
    Caption(Caption),
    /// Work too slow for the line; its result comes back as an input.
    Job(Job),
    /// Nothing more until the next input, or until media time reaches `deadline`.
    Idle {
        /// The next timer, if one runs.
        deadline: Option<MediaTime>,
    },
}

/// The utterance in progress as it looks now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caption {
    /// Who speaks.
    pub track: TrackId,
    /// Which utterance.
    pub utterance: UtteranceId,
    /// Words that stay.
    pub committed: String,
    /// Words that may still change.
    pub tail: String,
}

/// Slow work.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Let a better recogniser hear this utterance again. Answered by
    /// [`Input::Refined`](crate::input::Input::Refined).
    Refine {
        /// Which utterance.
        utterance: UtteranceId,
        /// Who spoke.
        track: TrackId,
        /// Media time of the first sample.
        start: MediaTime,
        /// Its audio: 16 kHz mono.
        samples: Vec<f32>,
        /// What the live recogniser heard.
        words: Vec<Word>,
    },
}
