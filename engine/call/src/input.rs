//! Everything that can happen to a call.

use serde::{Deserialize, Serialize};

use crate::{
    audio::{AudioFrame, Consent, TrackId, TrackInfo},
    event::{CardId, UtteranceId},
    recognize::Word,
    time::MediaTime,
};

/// Longest call: a month. Times beyond it are mistakes of the sender, and would run every timer there is.
pub const MAX_MEDIA_TIME: MediaTime = MediaTime::from_ms(31 * 24 * 3_600 * 1_000);

/// What can happen to a call. All that is said, detected and shown follows from the sequence of these, the playbook and
/// the model weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A participant joined (or changed its name or party: same id, new facts).
    TrackAdded(TrackInfo),
    /// Consent of a participant was recorded, or withdrawn (`None`).
    Consent {
        /// Whose.
        track: TrackId,
        /// The record, or `None` when it is withdrawn.
        consent: Option<Consent>,
    },
    /// 20 ms of a track.
    Audio(AudioFrame),
    /// No audio of this track up to `until`: lost, muted, or paused. Frames go on from there.
    Gap {
        /// Whose.
        track: TrackId,
        /// First instant after the gap.
        until: MediaTime,
        /// Why, for the log.
        reason: GapReason,
    },
    /// Media time passed without audio. Stands in for frames that did not come.
    Tick(MediaTime),
    /// The rep did something on the overlay.
    Rep {
        /// Media time of the click, as the call's clock puts it.
        at: MediaTime,
        /// What.
        action: RepAction,
    },
    /// A slower recogniser's second opinion on an utterance.
    Refined(Refined),
    /// The machine is, or is no longer, behind.
    Load(Load),
    /// A participant left.
    TrackEnded(TrackId),
    /// The call is over.
    End,
}

impl Input {
    /// Media time this input carries, if it carries one.
    #[must_use]
    pub const fn time(&self) -> Option<MediaTime> {
        match self {
            Self::Audio(frame) => Some(frame.start),
            Self::Gap { until, .. } => Some(*until),
            Self::Tick(at) | Self::Rep { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// Why a stretch of audio is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Packets did not arrive.
    Lost,
    /// Packets arrived but could not be decoded.
    Undecodable,
    /// Our own queue was full and dropped the oldest.
    Overflow,
    /// The sender said so: mute, pause, hold.
    Sender,
}

/// A key or click on the overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum RepAction {
    /// The rep said it. Takes the card off the screen.
    Used {
        /// Which card.
        card: CardId,
    },
    /// Not helpful now. Takes the card off the screen.
    Dismiss {
        /// Which card.
        card: CardId,
    },
    /// Keep the card until it is dismissed (a second time: let it go again).
    Pin {
        /// Which card.
        card: CardId,
    },
    /// Show the next waiting card, if there is one.
    Next,
}

/// How far behind the machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Keeping up.
    Normal,
    /// Behind: the semantic detector rests, the lexicon and the phrase spotter go on.
    High,
}

/// The words of an utterance as a second pass heard them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refined {
    /// Which utterance.
    pub utterance: UtteranceId,
    /// Its words.
    pub words: Vec<Word>,
    /// Which model said so.
    pub model: String,
}

/// The caller broke the contract of [`CallSession`](crate::session::CallSession). What was *said* in a call can never be
/// an error; these are bugs of the driver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Outputs of the former input were not drained.
    #[error("poll_output() must be drained to Idle before the next input")]
    NotDrained,
    /// The call has ended.
    #[error("the call has ended; start a new session")]
    Ended,
    /// A time no call reaches.
    #[error("media time {us} us lies beyond the longest call, {max} us: the times of this input are wrong", us = at.us(), max = MAX_MEDIA_TIME.us())]
    TooFar {
        /// The time given.
        at: MediaTime,
    },
    /// The recogniser could not start for a new participant.
    #[error("{0}")]
    Recognizer(String),
    /// Audio or a gap for a track nobody announced.
    #[error("track {0} was never added: send TrackAdded first")]
    UnknownTrack(TrackId),
    /// A frame that lies before the end of its track's last one.
    #[error("track {track}: frame at {start_us} us starts before {expected_us} us, the end of its last frame or gap", start_us = start.us(), expected_us = expected.us())]
    Backwards {
        /// Whose.
        track: TrackId,
        /// Where the frame starts.
        start: MediaTime,
        /// Where it could have started at the earliest.
        expected: MediaTime,
    },
}
