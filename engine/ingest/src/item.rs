//! What an ingest hands to a call: packets and news about tracks, each with the moment it arrived.

use std::time::Instant;

use reframe_audio::decode::Codec;
use reframe_call::{
    audio::{Consent, TrackId, TrackInfo},
    input::{ConsentRule, Disclosure, GapReason, SourceStatus},
};

/// One thing that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct IngestItem {
    /// When, on this machine's clock.
    pub arrived: Instant,
    /// What.
    pub what: What,
}

/// What arrived. Times are the sender's, in microseconds; only the [`Assembler`](crate::Assembler) knows media time.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A track joined, or its facts or its codec changed.
    Track {
        /// Who.
        info: TrackInfo,
        /// How its packets are to be read.
        codec: Codec,
        /// What the platform says about the person; the application may settle party and consent by it before the call
        /// hears of the track.
        who: Box<Who>,
    },
    /// A packet of audio.
    Packet(Packet),
    /// The sender says it has nothing up to then: mute, pause, hold.
    Gap {
        /// Whose.
        track: TrackId,
        /// Sender's time at which audio goes on.
        until_us: u64,
    },
    /// Words from the platform's own recogniser, where there is no audio. Times are the sender's.
    Words(Words),
    /// The sender has nothing of this track until it goes on. Unlike a gap, nobody knows until when.
    Pause {
        /// Whose.
        track: TrackId,
    },
    /// How the connection to the meeting is doing.
    Source(SourceStatus),
    /// The participants were told that they are listened to.
    Disclosed(Disclosure),
    /// Everything received of this call is to be deleted: who owns the meeting took the permission back.
    Erase {
        /// Why, for the log.
        reason: String,
    },
    /// Whose consent it takes from now on.
    ConsentRule {
        /// The rule.
        rule: ConsentRule,
        /// Why it holds.
        because: String,
    },
    /// Consent was recorded or withdrawn.
    Consent {
        /// Whose.
        track: TrackId,
        /// The record.
        consent: Option<Consent>,
    },
    /// A queue on our side, or a limit, threw packets of this track away: the hole that follows is there for `reason`.
    Dropped {
        /// Whose.
        track: TrackId,
        /// Why.
        reason: GapReason,
    },
    /// A track left.
    Leave {
        /// Who.
        track: TrackId,
    },
    /// The connection is back after a break; its clock may have started afresh.
    Resumed,
    /// The call is over.
    End,
}

/// What a meeting platform says about a participant, besides the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// E-mail address.
    pub email: Option<String>,
    /// Whether the person hosts the meeting. Nobody knows: `None`.
    pub host: Option<bool>,
    /// Where the person is, as an ISO 3166 code with subdivision: `US-CA`, `DE`.
    pub jurisdiction: Option<String>,
}

/// Words of one utterance, as another recogniser heard them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Who spoke.
    pub track: TrackId,
    /// Sender's time at which the first word began, in microseconds.
    pub start_us: u64,
    /// Sender's time at which the last word ended, in microseconds.
    pub end_us: u64,
    /// The words, with spaces between.
    pub text: String,
    /// They will not change any more, and the utterance is over. Otherwise they replace the last ones that were not final.
    pub last: bool,
}

/// A packet of audio as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Whose.
    pub track: TrackId,
    /// Number in its track, counting every packet sent; wraps. `None` if the transport has no numbers.
    pub sequence: Option<u16>,
    /// Sender's time of the first sample, in microseconds.
    pub timestamp_us: u64,
    /// The time counts samples exactly: a packet that is off by half a packet is off on purpose. Otherwise small
    /// deviations are taken for jitter of the sender's clock.
    pub exact: bool,
    /// The bytes.
    pub payload: Vec<u8>,
}

impl IngestItem {
    /// An item that arrived at `arrived`.
    #[must_use]
    pub const fn new(arrived: Instant, what: What) -> Self {
        Self { arrived, what }
    }

    /// Bytes of audio in it: what a queue has to hold.
    #[must_use]
    pub const fn payload_bytes(&self) -> usize {
        match &self.what {
            What::Packet(packet) => packet.payload.len(),
            _ => 0,
        }
    }

    /// May a full queue throw it away? Only audio: it leaves a gap, while news about tracks would be lost for good.
    #[must_use]
    pub const fn is_droppable(&self) -> bool {
        matches!(self.what, What::Packet(_))
    }
}
