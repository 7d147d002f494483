//! What an ingest hands to a call: packets and news about tracks, each with the moment it arrived.

use std::time::Instant;

use reframe_audio::decode::Codec;
use reframe_call::{
    audio::{Consent, TrackId, TrackInfo},
    input::GapReason,
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

/// A packet of audio as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Whose.
    pub track: TrackId,
    /// Number in its track, counting every packet sent; wraps. `None` if the transport has no numbers.
    pub sequence: Option<u16>,
    /// Sender's time of the first sample, in microseconds.
    pub timestamp_us: u64,
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
