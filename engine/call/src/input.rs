//! Everything that can happen to a call.

use serde::{Deserialize, Serialize};

use crate::{
    audio::{AudioFrame, Consent, Party, TrackId, TrackInfo},
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
    /// Consent of a participant was recorded, or withdrawn (`None`). What somebody said who had consented is taken back
    /// when it is withdrawn; announcing a track again without consent only stops the listening.
    Consent {
        /// Whose.
        track: TrackId,
        /// The record, or `None` when it is withdrawn.
        consent: Option<Consent>,
    },
    /// 20 ms of a track.
    Audio(AudioFrame),
    /// Words from somewhere else: the meeting platform's own recogniser, where no audio is to be had. A track's speech
    /// comes as audio or as words; whichever comes first counts, and the other is ignored from then on.
    Words {
        /// Who spoke.
        track: TrackId,
        /// Words that stay, in order; they follow the ones given before.
        words: Vec<Word>,
        /// What may still change.
        tail: Vec<Word>,
        /// The speaker's utterance ends here.
        done: bool,
    },
    /// This track has nothing until it goes on: muted, on hold, somebody else took its place. Ends its utterance.
    Paused(TrackId),
    /// How the connection to the meeting is doing.
    Source(SourceStatus),
    /// The participants were told that they are listened to.
    Disclosed(Disclosure),
    /// Everything received so far is to be deleted, whoever said it.
    Erase {
        /// Why, for the log.
        reason: String,
    },
    /// Whose consent it takes, from now on.
    ConsentRule {
        /// The rule.
        rule: ConsentRule,
        /// Why it holds, for the log: `california (ann)`.
        because: String,
    },
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
    /// The call has been open for a while, and no audio came at all: there is no media time yet that could tell.
    Silent,
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
    pub fn time(&self) -> Option<MediaTime> {
        match self {
            Self::Audio(frame) => Some(frame.start),
            Self::Words { words, tail, .. } => words.iter().chain(tail).map(|w| w.end).max(),
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

/// How the connection between the meeting and us is doing, as its bot tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceStatus {
    /// Which state.
    pub state: SourceState,
    /// In words, for the rep: what is wrong and what to do. May be empty.
    #[serde(default)]
    pub detail: String,
}

/// States of the connection to a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// On the way in.
    Connecting,
    /// Somebody must let us in.
    WaitingRoom,
    /// In the meeting; sound can come.
    Joined,
    /// The meeting or its host paused the stream.
    Paused,
    /// The platform's keep-alives stay away.
    KeepAliveLost,
    /// The connection broke; we are on the way back.
    Reconnecting,
    /// A token or a key is no longer good; somebody must renew it.
    TokenExpired,
    /// Somebody who has to agree did not.
    ConsentRefused,
    /// Out of the meeting, for the reason in `detail`.
    Disconnected,
}

impl SourceState {
    /// The word used in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::WaitingRoom => "waiting_room",
            Self::Joined => "joined",
            Self::Paused => "paused",
            Self::KeepAliveLost => "keep_alive_lost",
            Self::Reconnecting => "reconnecting",
            Self::TokenExpired => "token_expired",
            Self::ConsentRefused => "consent_refused",
            Self::Disconnected => "disconnected",
        }
    }
}

/// That the participants were told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// How: `chat`, `voice`, `platform` (the platform's own notice).
    pub via: String,
    /// The words they were told.
    pub text: String,
}

/// Whose consent it takes before anybody is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentRule {
    /// Everybody's who is in the call: while one is missing, nobody is listened to.
    #[default]
    Everyone,
    /// Each for themselves: who has agreed is listened to, who has not is not.
    EachOwn,
}

/// What Reframe does in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coaching {
    /// It listens, and shows cards.
    #[default]
    Live,
    /// It does not listen; the rep may take notes.
    NotesOnly,
    /// It does nothing at all.
    Off,
}

impl Coaching {
    /// The word used in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::NotesOnly => "notes_only",
            Self::Off => "off",
        }
    }
}

/// A key or click on the overlay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// It should not have come: nobody raised this. Takes the card off the screen.
    Wrong {
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
    /// This participant is on that side.
    SetParty {
        /// Who.
        track: TrackId,
        /// Which side.
        party: Party,
    },
    /// Listen, take notes only, or stop.
    SetCoaching {
        /// What from now on.
        coaching: Coaching,
    },
    /// The rep wrote something down.
    Note {
        /// What.
        text: String,
    },
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
