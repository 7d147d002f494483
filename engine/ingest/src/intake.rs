//! Holds one connection to what a live call may send, whatever protocol it speaks.

use std::{collections::BTreeSet, time::Instant};

use reframe_call::audio::TrackId;

use crate::socket::limit::{LimitConfig, Limiter, Verdict};

/// What a connection may say in text, over and above audio: 64 kB/s, 1 MB at once.
pub const TEXT_LIMIT: LimitConfig = LimitConfig { bytes_per_s: 64_000, burst_bytes: 1_000_000, ..LimitConfig::DEFAULT };

/// The limits of one connection, and which tracks have a hole because of them.
pub struct Intake {
    audio: Limiter,
    text: Limiter,
    holed: BTreeSet<TrackId>,
}

impl Intake {
    /// For a connection that begins now.
    #[must_use]
    pub fn new(audio: LimitConfig, text: LimitConfig, tracks: usize, now: Instant) -> Self {
        Self { audio: Limiter::new(audio, tracks, now), text: Limiter::new(text, 1, now), holed: BTreeSet::new() }
    }

    /// May this packet in? `bytes` as they came over the wire, `length_us` of audio, of a call of `tracks` tracks. What
    /// is dropped leaves a hole in `track`.
    pub fn judge_audio(
        &mut self,
        track: Option<TrackId>,
        bytes: usize,
        length_us: u64,
        tracks: usize,
        now: Instant,
    ) -> Verdict {
        let verdict = self.audio.judge(bytes, length_us, tracks, now);
        if verdict != Verdict::Pass {
            self.holed.extend(track);
        }
        verdict
    }

    /// May a text of so many bytes in? News cannot be thrown away like audio: too much of it ends the connection.
    pub fn judge_text(&mut self, bytes: usize, now: Instant) -> bool {
        self.text.judge(bytes, 0, 1, now) == Verdict::Pass
    }

    /// Whether something of this track was dropped since the last time: the call must be told before its next packet.
    pub fn take_hole(&mut self, track: TrackId) -> bool {
        self.holed.remove(&track)
    }
}
