//! One track: RTP packets in as they arrive, items for its call out.

use std::time::{Duration, Instant};

use reframe_audio::decode::Codec;
use reframe_call::audio::TrackId;

use super::{
    clock::RtpClock,
    order::{OrderCounters, Ordered, Reorder},
};
use crate::item::{IngestItem, Packet, What};

/// Nothing for so long, and the track counts as paused: nobody waits for it. Above the jitter of a bad network, below the
/// 250 ms the assembler waits for a lagging track.
const PAUSE_AFTER: Duration = Duration::from_millis(200);
/// After a pause a packet is held until another follows, this much longer than its own length at most. A sender in
/// discontinuous transmission says every 400 ms that it has nothing to say; each of these is no end of the pause.
const ALONE: Duration = Duration::from_millis(100);
/// Packets of the source before the present one are stragglers for so long, then a change back.
const STRAGGLE: Duration = Duration::from_secs(1);
/// Google Meet names this contributor when it means "the loudest"; it is nobody.
const LOUDEST: u32 = 42;

/// The parts of an RTP packet that matter here; padding is taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpPacket {
    /// Source.
    pub ssrc: u32,
    /// Number, counting every packet; wraps.
    pub sequence: u16,
    /// RTP time of the first sample; wraps.
    pub timestamp: u32,
    /// First contributor, if a mixer named any.
    pub contributor: Option<u32>,
    /// The audio; empty if there was nothing but padding.
    pub payload: Vec<u8>,
}

/// What became of a track's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpCounters {
    /// Packets that arrived.
    pub packets: u64,
    /// Packets with nothing but padding.
    pub padding: u64,
    /// What became of their numbers.
    pub order: OrderCounters,
    /// Changes of the source.
    pub sources: u64,
    /// Packets of the source before the present one, dropped.
    pub stragglers: u64,
    /// Changes of the contributor.
    pub contributors: u64,
    /// Pauses.
    pub pauses: u64,
    /// Lone packets within a pause, dropped.
    pub comfort: u64,
    /// Times the track was moved against this machine's clock: drift, or a sender's clock that began anew.
    pub corrections: u64,
}

/// A packet that is in order, waiting for another to follow it.
#[derive(Debug)]
struct Alone {
    item: IngestItem,
    until: Instant,
}

/// One track of a session.
#[derive(Debug)]
pub struct RtpTrack {
    track: TrackId,
    codec: Codec,
    order: Reorder<RtpPacket>,
    clock: RtpClock,
    source: Option<u32>,
    former: Option<(u32, Instant)>,
    contributor: Option<u32>,
    /// Our own numbers: packets with nothing but padding have none, and a new source goes on.
    sequence: u16,
    /// Numbers given up since the last packet with audio.
    lost: u64,
    /// Arrival of the last packet with audio.
    heard: Option<Instant>,
    paused: bool,
    alone: Option<Alone>,
    ready: Vec<Ordered<RtpPacket>>,
    counters: RtpCounters,
}

impl RtpTrack {
    /// A track of `codec` whose RTP time runs at `rate_hz` (48,000 for Opus whatever it holds: RFC 7587, section 4.1).
    /// `epoch` must be the same for all tracks that may meet in a call.
    #[must_use]
    pub fn new(track: TrackId, codec: Codec, rate_hz: u32, epoch: Instant) -> Self {
        Self {
            track,
            codec,
            order: Reorder::default(),
            clock: RtpClock::new(epoch, rate_hz),
            source: None,
            former: None,
            contributor: None,
            sequence: 0,
            lost: 0,
            heard: None,
            paused: false,
            alone: None,
            ready: Vec::new(),
            counters: RtpCounters::default(),
        }
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn counters(&self) -> RtpCounters {
        RtpCounters { order: self.order.counters(), corrections: self.clock.corrections(), ..self.counters }
    }

    /// The contributor now, if a mixer names one.
    #[must_use]
    pub const fn contributor(&self) -> Option<u32> {
        self.contributor
    }

    /// When [`tick`](Self::tick) has something to do, if nothing arrives.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        let pause = self.heard.filter(|_| !self.paused).map(|heard| heard + PAUSE_AFTER);
        [self.order.wake_at(), pause, self.alone.as_ref().map(|a| a.until)].into_iter().flatten().min()
    }

    /// Takes a packet that arrived at `arrived` and appends what follows from it.
    pub fn push(&mut self, packet: RtpPacket, arrived: Instant, out: &mut Vec<IngestItem>) {
        self.tick(arrived, out);
        self.counters.packets += 1;
        if self.source != Some(packet.ssrc) {
            let straggler = |&(former, since): &(u32, Instant)| {
                former == packet.ssrc && arrived.saturating_duration_since(since) < STRAGGLE
            };
            if self.former.as_ref().is_some_and(straggler) {
                self.counters.stragglers += 1;
                return;
            }
            if let Some(former) = self.source.replace(packet.ssrc) {
                self.former = Some((former, arrived));
                self.counters.sources += 1;
                self.order.restart(&mut self.ready);
                self.drain(out);
                self.clock.restart();
            }
        }
        self.order.push(packet.sequence, packet, arrived, &mut self.ready);
        self.drain(out);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<IngestItem>) {
        self.order.tick(now, &mut self.ready);
        self.drain(out);
        if self.alone.as_ref().is_some_and(|alone| alone.until <= now) {
            self.alone = None;
            self.counters.comfort += 1;
        }
        if !self.paused && self.heard.is_some_and(|heard| now.saturating_duration_since(heard) >= PAUSE_AFTER) {
            self.pause(now, out);
        }
    }

    fn pause(&mut self, now: Instant, out: &mut Vec<IngestItem>) {
        self.paused = true;
        self.counters.pauses += 1;
        self.clock.paused(now);
        out.push(IngestItem::new(now, What::Pause { track: self.track }));
    }

    fn drain(&mut self, out: &mut Vec<IngestItem>) {
        let mut ready = std::mem::take(&mut self.ready);
        for packet in ready.drain(..) {
            self.hand_on(packet, out);
        }
        self.ready = ready;
    }

    fn hand_on(&mut self, ordered: Ordered<RtpPacket>, out: &mut Vec<IngestItem>) {
        let Ordered { packet, arrived, lost_before } = ordered;
        self.lost += lost_before;
        if packet.payload.is_empty() {
            // It used up a number, and nothing is missing.
            self.counters.padding += 1;
            return;
        }
        let length_us = self.codec.duration_us(&packet.payload).unwrap_or(0);
        if let Some(contributor) = packet.contributor.filter(|&c| c != LOUDEST)
            && self.contributor.replace(contributor).is_some_and(|former| former != contributor)
        {
            // Another person speaks on this track: what was said before is an utterance of its own.
            self.counters.contributors += 1;
            out.push(IngestItem::new(arrived, What::Pause { track: self.track }));
        }
        let timestamp_us = self.clock.place(packet.timestamp, length_us, arrived);
        // A run of 65,536 numbers without a packet is no loss any more, but a gap in time.
        let lost = (std::mem::take(&mut self.lost) % 0x1_0000) as u16;
        self.sequence = self.sequence.wrapping_add(lost).wrapping_add(1);
        let item = IngestItem::new(
            arrived,
            What::Packet(Packet {
                track: self.track,
                sequence: Some(self.sequence),
                timestamp_us,
                exact: true,
                payload: packet.payload,
            }),
        );
        if !self.paused {
            self.heard = Some(arrived);
            out.push(item);
        } else if let Some(first) = self.alone.take() {
            self.paused = false;
            self.heard = Some(arrived);
            out.extend([first.item, item]);
        } else {
            self.alone = Some(Alone { item, until: arrived + ALONE + Duration::from_micros(length_us) });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACK: TrackId = TrackId(3);

    struct Bench {
        track: RtpTrack,
        epoch: Instant,
        out: Vec<IngestItem>,
        from: usize,
    }

    impl Bench {
        fn new() -> Self {
            let epoch = Instant::now();
            let track = RtpTrack::new(TRACK, Codec::Opus { pre_skip: 312 }, 48_000, epoch);
            Self { track, epoch, out: Vec::new(), from: 0 }
        }

        fn push_as(
            &mut self,
            ssrc: u32,
            contributor: Option<u32>,
            sequence: u16,
            timestamp: u32,
            bytes: usize,
            ms: u64,
        ) {
            // 0x08: SILK, narrow band, 20 ms, mono, one frame (RFC 6716, section 3.1).
            let payload = vec![0x08; bytes];
            let packet = RtpPacket { ssrc, sequence, timestamp, contributor, payload };
            self.track.push(packet, self.epoch + Duration::from_millis(ms), &mut self.out);
        }

        fn push(&mut self, sequence: u16, timestamp: u32, ms: u64) {
            self.push_as(1, None, sequence, timestamp, 40, ms);
        }

        fn tick(&mut self, ms: u64) {
            self.track.tick(self.epoch + Duration::from_millis(ms), &mut self.out);
        }

        /// What came out since the last time: `number@ms`, or `pause`.
        fn said(&mut self) -> Vec<String> {
            let said = self.out[self.from..]
                .iter()
                .map(|item| match &item.what {
                    What::Packet(p) => {
                        assert!(p.exact && p.track == TRACK);
                        format!("{}@{}", p.sequence.unwrap(), (p.timestamp_us - 3_600_000_000) / 1_000)
                    }
                    What::Pause { track: TRACK } => "pause".to_owned(),
                    other => panic!("{other:?}"),
                })
                .collect();
            self.from = self.out.len();
            said
        }
    }

    #[test]
    fn padding_uses_up_numbers_and_is_no_loss() {
        let mut b = Bench::new();
        b.push(100, 0, 1_020);
        b.push_as(1, None, 101, 0, 0, 1_021);
        b.push_as(1, None, 102, 0, 0, 1_022);
        b.push(103, 960, 1_040);
        assert_eq!(b.said(), ["1@1000", "2@1020"]);
        assert_eq!((b.track.counters().padding, b.track.counters().order.lost), (2, 0));
    }

    #[test]
    fn loss_shows_in_the_numbers_once_it_is_given_up() {
        let mut b = Bench::new();
        b.push(100, 0, 1_020);
        b.push(102, 1_920, 1_060);
        assert_eq!(b.said(), ["1@1000"]);
        assert_eq!(b.track.wake_at(), Some(b.epoch + Duration::from_millis(1_120)));
        b.tick(1_119);
        assert!(b.said().is_empty());
        b.tick(1_120);
        assert_eq!(b.said(), ["3@1040"], "number 2 never came");
        b.push(101, 960, 1_130);
        assert!(b.said().is_empty());
        assert_eq!(b.track.counters().order.late, 1);
    }

    #[test]
    fn silence_is_one_pause_and_lone_packets_do_not_end_it() {
        let mut b = Bench::new();
        b.push(1, 0, 1_020);
        b.tick(1_219);
        assert_eq!(b.said(), ["1@1000"]);
        b.tick(1_220);
        b.tick(1_900);
        assert_eq!(b.said(), ["pause"]);
        // Discontinuous transmission: a sign of life every 400 ms.
        b.push(2, 19_200, 1_420);
        b.tick(1_540);
        b.push(3, 38_400, 1_820);
        b.tick(1_940);
        assert!(b.said().is_empty());
        assert_eq!(b.track.counters().comfort, 2);
        // Speech again.
        b.push(4, 48_000, 2_020);
        b.push(5, 48_960, 2_040);
        b.push(6, 49_920, 2_060);
        assert_eq!(b.said(), ["4@2000", "5@2020", "6@2040"]);
        assert_eq!(b.track.counters().pauses, 1);
    }

    #[test]
    fn a_new_source_goes_on_and_stragglers_of_the_old_one_are_dropped() {
        let mut b = Bench::new();
        b.push_as(1, None, 7, 0, 40, 1_020);
        b.push_as(1, None, 9, 1_920, 40, 1_060);
        b.push_as(2, None, 50_000, 3_000_000_000, 40, 1_081);
        b.push_as(1, None, 10, 2_880, 40, 1_082);
        b.push_as(2, None, 50_001, 3_000_000_960, 40, 1_101);
        assert_eq!(b.said(), ["1@1000", "3@1040", "4@1060", "5@1080"]);
        assert_eq!(b.track.counters().sources, 1);
    }

    #[test]
    fn another_contributor_ends_the_utterance() {
        let mut b = Bench::new();
        for (n, who) in [None, Some(42), Some(7), Some(42), Some(7), Some(8)].into_iter().enumerate() {
            b.push_as(1, who, n as u16, n as u32 * 960, 40, 1_020 + n as u64 * 20);
        }
        assert_eq!(b.said(), ["1@1000", "2@1020", "3@1040", "4@1060", "5@1080", "pause", "6@1100"]);
        assert_eq!((b.track.counters().contributors, b.track.contributor()), (1, Some(8)));
    }

    proptest! {
        /// Any packets at any time: no panic, little held, time never runs back by more than a correction.
        #[test]
        fn nothing_panics_and_everything_is_counted(
            packets in proptest::collection::vec((0u32..3, any::<u16>(), any::<u32>(), 0usize..4, 0u64..300), 1..200),
            wild in any::<bool>(),
        ) {
            let mut b = Bench::new();
            let mut ms = 0;
            for (n, &(ssrc, sequence, timestamp, bytes, wait)) in packets.iter().enumerate() {
                ms += wait;
                if wild {
                    b.push_as(ssrc, Some(ssrc), sequence, timestamp, bytes, ms);
                } else {
                    b.push_as(1, None, sequence % 8 + n as u16, timestamp % 9_600 + n as u32 * 960, bytes, ms);
                }
            }
            b.tick(ms + 1_000);
            let c = b.track.counters();
            let handed = b.out.iter().filter(|i| matches!(i.what, What::Packet(_))).count() as u64;
            prop_assert_eq!(c.packets, packets.len() as u64);
            prop_assert_eq!(handed + c.padding + c.comfort + c.stragglers + c.order.late + c.order.duplicate, c.packets);
        }
    }
}
