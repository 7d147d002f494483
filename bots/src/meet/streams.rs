//! Three virtual audio streams to pieces of sound with a speaker and a time: order, loss, one clock, CSRC. No IO.
//!
//! A virtual stream carries now one person, now another. Each has numbers and a clock of its own; what the clocks have
//! in common is the moment of arrival. A packet's time is its RTP time plus the smallest delay lately seen between RTP
//! time and arrival, so that what the network adds to single packets does not show.

use std::collections::BTreeMap;

use reframe_audio::decode::opus_samples;

use super::roster::LOUDEST;

/// Packets that wait for one that is missing; also how far packets may change places.
pub const WINDOW: usize = 6;
/// How long they wait, in microseconds of this machine's clock. A sixth of what the engine waits for a lagging track.
pub const HOLD_US: u64 = 60_000;
/// Most streams of a session: the three virtual ones, and as many again that came with a restart of theirs.
pub const MAX_STREAMS: usize = 8;
/// A step of the numbers beyond this is a stream that began anew, not loss: five seconds of packets.
const JUMP: i64 = 250;
/// The smallest delay is looked for in the last one or two of these, in microseconds.
const BUCKET_US: u64 = 10_000_000;
/// The clock of a stream follows the smallest delay by at most so many microseconds per packet (0.5 ms in a second):
/// faster than crystals drift, too slow to be heard.
const SLEW_US: i64 = 10;
/// A clock that is off by more was set anew, in microseconds.
const SET_ANEW_US: i64 = 1_000_000;
/// A packet that is later than this against its stream's clock means the same, in the other direction.
const STALE_US: i64 = 10_000_000;

/// A packet as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RtpIn {
    /// Which virtual stream.
    pub ssrc: u32,
    /// Number in its stream; wraps.
    pub sequence: u16,
    /// RTP time at 48 kHz; wraps.
    pub timestamp: u32,
    /// Contributing sources: the speaker, and [`LOUDEST`].
    pub csrcs: Vec<u32>,
    /// One Opus packet; empty for padding.
    pub payload: Vec<u8>,
}

/// A piece of sound, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The stream it came on.
    pub ssrc: u32,
    /// Who speaks; `None` is silence of nobody.
    pub csrc: Option<u32>,
    /// Time of its first sample, in microseconds of this machine's clock.
    pub at_us: u64,
    /// Its length in microseconds.
    pub length_us: u64,
    /// Packets that never came, just before it.
    pub lost_before: u16,
    /// One Opus packet.
    pub payload: Vec<u8>,
}

/// What became of the packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Packets that came.
    pub packets: u64,
    /// Never came.
    pub lost: u64,
    /// Came a second time.
    pub duplicate: u64,
    /// Came after their place was given up.
    pub late: u64,
    /// Came before an earlier one, and were put in order.
    pub reordered: u64,
    /// Hold no sound: padding, or no Opus.
    pub without_sound: u64,
    /// Of streams beyond [`MAX_STREAMS`].
    pub beyond: u64,
    /// Streams whose numbers or clock began anew.
    pub restarts: u64,
}

/// The virtual streams of a session.
#[derive(Debug, Default)]
pub struct Streams {
    streams: BTreeMap<u32, Stream>,
    counts: StreamCounts,
}

impl Streams {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counts(&self) -> StreamCounts {
        self.counts
    }

    /// A packet arrived at `now_us`, microseconds of this machine's clock.
    pub fn push(&mut self, now_us: u64, packet: RtpIn, out: &mut Vec<Piece>) {
        self.counts.packets += 1;
        if !self.streams.contains_key(&packet.ssrc) && self.streams.len() >= MAX_STREAMS {
            self.counts.beyond += 1;
            return;
        }
        let stream = self.streams.entry(packet.ssrc).or_insert_with(|| Stream::beginning(&packet));
        stream.push(now_us, packet, &mut self.counts, out);
    }

    /// It is `now_us`: what has waited long enough waits no longer.
    pub fn tick(&mut self, now_us: u64, out: &mut Vec<Piece>) {
        for stream in self.streams.values_mut() {
            stream.give_up_waiting(now_us, &mut self.counts, out);
        }
    }

    /// The session is new: streams, numbers and clocks begin anew.
    pub fn start_over(&mut self, out: &mut Vec<Piece>) {
        for (_, mut stream) in std::mem::take(&mut self.streams) {
            while stream.skip_to_held(&mut self.counts) {
                stream.release(&mut self.counts, out);
            }
        }
    }
}

#[derive(Debug)]
struct Waiting {
    arrived_us: u64,
    rtp_us: i64,
    packet: RtpIn,
}

#[derive(Debug)]
struct Stream {
    /// Number of the next packet, counted on over wraps.
    next: i64,
    held: BTreeMap<i64, Waiting>,
    /// RTP time, counted on over wraps: the last one in samples, and as it was spelled.
    last_rtp: (i64, u32),
    delay: Delay,
    /// Added to RTP time to have this machine's time.
    offset_us: Option<i64>,
    /// Who was last heard, and until when.
    run: Option<(u32, i64)>,
    lost: i64,
}

impl Stream {
    fn beginning(packet: &RtpIn) -> Self {
        Self {
            next: i64::from(packet.sequence),
            held: BTreeMap::new(),
            last_rtp: (i64::from(packet.timestamp), packet.timestamp),
            delay: Delay::default(),
            offset_us: None,
            run: None,
            lost: 0,
        }
    }

    fn push(&mut self, now_us: u64, packet: RtpIn, counts: &mut StreamCounts, out: &mut Vec<Piece>) {
        // The nearest number that is spelled like this; a truncating cast is what wrapping numbers are about.
        let step = i64::from(packet.sequence.wrapping_sub(self.next as u16) as i16);
        if step.abs() > JUMP {
            counts.restarts += 1;
            while self.skip_to_held(counts) {
                self.release(counts, out);
            }
            *self = Self::beginning(&packet);
            return self.push(now_us, packet, counts, out);
        }
        let number = self.next + step;
        if step < 0 {
            counts.late += 1;
            return;
        }
        if self.held.contains_key(&number) {
            counts.duplicate += 1;
            return;
        }
        if self.held.last_key_value().is_some_and(|(&last, _)| number < last) {
            counts.reordered += 1;
        }
        let ahead = i64::from(packet.timestamp.wrapping_sub(self.last_rtp.1) as i32);
        let rtp = self.last_rtp.0 + ahead;
        if ahead > 0 {
            self.last_rtp = (rtp, packet.timestamp);
        }
        let rtp_us = rtp * 1_000 / 48;
        self.delay.saw(now_us, signed(now_us) - rtp_us);
        self.held.insert(number, Waiting { arrived_us: now_us, rtp_us, packet });
        self.release(counts, out);
        if self.held.len() > WINDOW && self.skip_to_held(counts) {
            self.release(counts, out);
        }
        self.give_up_waiting(now_us, counts, out);
    }

    fn give_up_waiting(&mut self, now_us: u64, counts: &mut StreamCounts, out: &mut Vec<Piece>) {
        while self.held.first_key_value().is_some_and(|(_, w)| w.arrived_us + HOLD_US <= now_us) {
            if !self.skip_to_held(counts) {
                return;
            }
            self.release(counts, out);
        }
    }

    /// Gives up what is missing before the first packet held. False if nothing is held.
    fn skip_to_held(&mut self, counts: &mut StreamCounts) -> bool {
        let Some((&first, _)) = self.held.first_key_value() else { return false };
        let lost = first - self.next;
        self.lost += lost;
        counts.lost += lost.unsigned_abs();
        self.next = first;
        true
    }

    /// Lets go what is next.
    fn release(&mut self, counts: &mut StreamCounts, out: &mut Vec<Piece>) {
        while let Some(waiting) = self.held.remove(&self.next) {
            self.next += 1;
            match opus_samples(&waiting.packet.payload) {
                Some(samples) => out.extend(self.place(waiting, samples, counts)),
                // Padding has a number, but is no sound and no loss.
                None => counts.without_sound += 1,
            }
        }
    }

    fn place(&mut self, waiting: Waiting, samples: usize, counts: &mut StreamCounts) -> Option<Piece> {
        let Waiting { arrived_us, rtp_us, packet } = waiting;
        let length_us = samples as i64 * 1_000 / 48;
        let csrc = packet.csrcs.iter().copied().find(|csrc| *csrc != LOUDEST);
        let continues = matches!(self.run, Some((who, until)) if Some(who) == csrc && rtp_us - until < 200_000);
        let wanted = self.delay.smallest().unwrap_or(signed(arrived_us) - rtp_us);
        let offset = match self.offset_us {
            Some(offset) if signed(arrived_us) - rtp_us - offset > STALE_US => {
                counts.restarts += 1;
                self.delay = Delay::default();
                self.delay.saw(arrived_us, signed(arrived_us) - rtp_us);
                signed(arrived_us) - rtp_us
            }
            Some(offset) if continues && (wanted - offset).abs() < SET_ANEW_US => {
                offset + (wanted - offset).clamp(-SLEW_US, SLEW_US)
            }
            // Between two speakers nobody hears the clock being put right.
            _ => wanted,
        };
        self.offset_us = Some(offset);
        let lost_before = u16::try_from(std::mem::take(&mut self.lost)).unwrap_or(u16::MAX);
        self.run = csrc.map(|csrc| (csrc, rtp_us + length_us));
        Some(Piece {
            ssrc: packet.ssrc,
            csrc,
            at_us: u64::try_from(rtp_us + offset).ok()?,
            length_us: length_us.unsigned_abs(),
            // What was lost between two speakers was nobody's.
            lost_before: if continues { lost_before } else { 0 },
            payload: packet.payload,
        })
    }
}

/// The smallest delay of the last ten to twenty seconds.
#[derive(Debug, Default)]
struct Delay {
    /// When the younger bucket began.
    since_us: u64,
    younger: Option<i64>,
    older: Option<i64>,
}

impl Delay {
    fn saw(&mut self, now_us: u64, delay_us: i64) {
        if self.younger.is_none() || now_us >= self.since_us + BUCKET_US {
            self.older = self.younger.take();
            self.since_us = now_us;
        }
        self.younger = Some(self.younger.map_or(delay_us, |least| least.min(delay_us)));
    }

    fn smallest(&self) -> Option<i64> {
        self.younger.into_iter().chain(self.older).min()
    }
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
#[path = "streams_tests.rs"]
mod tests;
