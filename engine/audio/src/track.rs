//! One track from packets to frames: the place where loss, lateness and rubbish are turned into gaps and counters, and
//! never into a shift of the clock.

use std::collections::VecDeque;

use reframe_call::{
    audio::{AudioFrame, FRAME_US, SAMPLE_RATE_HZ, TrackId},
    input::GapReason,
    time::MediaTime,
};

use crate::{
    decode::{Codec, Decoder, samples_to_us, us_to_samples},
    reframe::Reframer,
    resample::Resampler,
};

/// Longest hole that is filled in rather than reported, in microseconds. Three packets of 20 ms: beyond that an Opus
/// decoder's guess has faded to silence, and speech made up by us would be worse than a gap.
pub const CONCEAL_MAX_US: u64 = 60_000;
/// Longest hole after a packet that says that nothing follows for a while, in microseconds: it is silence. Senders
/// repeat such packets every 400 ms (20 frames of 20 ms in the reference encoder).
const QUIET_MAX_US: u64 = 1_000_000;
/// Timestamps may be this far from the count of samples and still follow on, in microseconds: senders round to
/// milliseconds.
pub const TOLERANCE_US: u64 = 1_000;
/// A run of undecodable packets is reported in gaps of this length, in microseconds.
const UNDECODABLE_STEP_US: u64 = 200_000;
/// Starts of packets remembered to tell a duplicate from a late one.
const REMEMBERED: usize = 64;

/// One packet, placed in media time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPacket {
    /// Whose.
    pub track: TrackId,
    /// Media time of its first sample.
    pub at: MediaTime,
    /// How to read the payload.
    pub codec: Codec,
    /// The bytes.
    pub payload: Vec<u8>,
    /// Packets that sequence numbers say are missing just before this one; `None` if the transport has no numbers.
    pub lost_before: Option<u32>,
}

/// What a track has to say, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub enum TrackItem {
    /// 20 ms.
    Frame(AudioFrame),
    /// Nothing until then. Frames go on exactly there.
    Gap {
        /// First instant after the gap, on the track's grid of frames.
        until: MediaTime,
        /// Why.
        reason: GapReason,
    },
}

impl TrackItem {
    /// Media time up to which this item accounts for its track.
    #[must_use]
    pub const fn end(&self) -> MediaTime {
        match self {
            Self::Frame(frame) => frame.end(),
            Self::Gap { until, .. } => *until,
        }
    }
}

/// What became of a track's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackCounters {
    /// Packets that came.
    pub packets: u64,
    /// Packets that never came, by the sequence numbers.
    pub lost: u64,
    /// Missing audio that was filled in, in ms.
    pub concealed_ms: u64,
    /// Packets dropped because their time had passed.
    pub late: u64,
    /// Packets dropped because they had come before.
    pub duplicate: u64,
    /// Packets that could not be decoded.
    pub undecodable: u64,
    /// Packets of which the front was cut off because it overlapped the one before.
    pub trimmed: u64,
    /// Gaps reported.
    pub gaps: u64,
}

/// An unbroken run of audio.
struct Run {
    /// Media time of its first sample.
    start: MediaTime,
    /// Samples taken since, at the codec's rate.
    taken: u64,
    /// Decoded samples still to be thrown away: the encoder's delay.
    skip: usize,
}

/// Turns one track's packets into frames on a 20 ms grid that begins with the track's first packet.
pub struct TrackPipeline {
    track: TrackId,
    decoder: Option<Decoder>,
    resampler: Option<Resampler>,
    reframer: Option<Reframer>,
    run: Option<Run>,
    /// Why the next gap will be there, if it is known already.
    cause: Option<GapReason>,
    /// The last packet said that nothing follows for a while.
    quiet: bool,
    recent: VecDeque<MediaTime>,
    decoded: Vec<f32>,
    resampled: Vec<f32>,
    counters: TrackCounters,
}

impl TrackPipeline {
    /// A pipeline for one track.
    #[must_use]
    pub const fn new(track: TrackId) -> Self {
        Self {
            track,
            decoder: None,
            resampler: None,
            reframer: None,
            run: None,
            cause: None,
            quiet: false,
            recent: VecDeque::new(),
            decoded: Vec::new(),
            resampled: Vec::new(),
            counters: TrackCounters {
                packets: 0,
                lost: 0,
                concealed_ms: 0,
                late: 0,
                duplicate: 0,
                undecodable: 0,
                trimmed: 0,
                gaps: 0,
            },
        }
    }

    /// A pipeline whose grid begins at `start` already, before any packet: for a track that comes back.
    #[must_use]
    pub fn starting_at(track: TrackId, start: MediaTime) -> Self {
        let mut this = Self::new(track);
        this.reframer = Some(Reframer::new(track, start));
        this
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counters(&self) -> TrackCounters {
        self.counters
    }

    /// Earliest end the next item can have; `None` before the first packet.
    #[must_use]
    pub fn next_end(&self) -> Option<MediaTime> {
        Some(self.reframer.as_ref()?.next_start().plus_us(FRAME_US))
    }

    /// Media time up to which audio was taken in; `None` before the first packet.
    #[must_use]
    pub fn position(&self) -> Option<MediaTime> {
        if let (Some(run), Some(decoder)) = (&self.run, &self.decoder) {
            return Some(run.start.plus_us(samples_to_us(run.taken, decoder.codec().decoded_hz())));
        }
        let reframer = self.reframer.as_ref()?;
        Some(reframer.next_start().plus_us(samples_to_us(reframer.pending() as u64, SAMPLE_RATE_HZ)))
    }

    /// The next hole in this track is there for `reason`, whatever it looks like from here.
    pub const fn expect_gap(&mut self, reason: GapReason) {
        self.cause = Some(reason);
    }

    /// Takes a packet and appends what it completes to `out`.
    pub fn push(&mut self, packet: &EncodedPacket, out: &mut Vec<TrackItem>) {
        self.counters.packets += 1;
        self.counters.lost += u64::from(packet.lost_before.unwrap_or(0));
        let rate_hz = packet.codec.decoded_hz();
        let Some(samples) = packet.codec.samples(&packet.payload) else {
            self.undecodable(packet.at, out);
            return;
        };
        if !self.use_codec(packet.codec, out) {
            self.undecodable(packet.at.plus_us(samples_to_us(samples as u64, rate_hz)), out);
            return;
        }
        let end = packet.at.plus_us(samples_to_us(samples as u64, rate_hz));
        let position = self.position().unwrap_or(packet.at);
        self.reframer.get_or_insert_with(|| Reframer::new(self.track, packet.at));

        let mut trim = 0;
        if packet.at.plus_us(TOLERANCE_US) < position {
            if end <= position.plus_us(TOLERANCE_US) {
                if self.recent.contains(&packet.at) {
                    self.counters.duplicate += 1;
                } else {
                    self.counters.late += 1;
                }
                return;
            }
            self.counters.trimmed += 1;
            trim =
                usize::try_from(us_to_samples(position.us_since(packet.at), rate_hz)).unwrap_or(samples).min(samples);
        }
        let hole = packet.at.us_since(position);
        if hole > TOLERANCE_US {
            let lost = if packet.lost_before == Some(0) { GapReason::Sender } else { GapReason::Lost };
            let reason = self.cause.take().unwrap_or(lost);
            let quiet = self.quiet && lost == GapReason::Sender && reason == lost && hole <= QUIET_MAX_US;
            match &self.run {
                Some(run) if quiet || hole <= CONCEAL_MAX_US => {
                    let missing = us_to_samples(packet.at.us_since(run.start), rate_hz).saturating_sub(run.taken);
                    let missing = usize::try_from(missing).unwrap_or(0);
                    if quiet {
                        self.feed(&vec![0.0; missing], out);
                    } else {
                        let next = (lost == GapReason::Lost).then_some(packet.payload.as_slice());
                        self.conceal(missing, next, out);
                        self.counters.concealed_ms += hole / 1_000;
                    }
                }
                _ => {
                    self.close_run(true, out);
                    self.gap_until(packet.at, reason, out);
                }
            }
        }

        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.clear();
        let ok = self.decoder.as_mut().is_some_and(|d| d.decode(&packet.payload, &mut decoded).is_ok());
        if ok {
            self.cause = None;
            self.quiet = packet.codec.is_silence(&packet.payload);
            if self.recent.len() == REMEMBERED {
                self.recent.pop_front();
            }
            self.recent.push_back(packet.at);
            if self.run.is_none() {
                self.open_run(if trim > 0 { position } else { packet.at.max(position) }, packet.codec, out);
            }
            self.feed(&decoded[trim.min(decoded.len())..], out);
        } else {
            self.undecodable(end, out);
        }
        self.decoded = decoded;
    }

    /// There is no audio up to `until`, and `reason` is known.
    pub fn gap(&mut self, until: MediaTime, reason: GapReason, out: &mut Vec<TrackItem>) {
        if self.position().is_some_and(|position| until > position) {
            self.close_run(true, out);
            self.gap_until(until, reason, out);
        }
    }

    /// The track is over: appends what is still held back. The last frame is filled up with silence.
    pub fn finish(&mut self, out: &mut Vec<TrackItem>) {
        self.close_run(true, out);
    }

    /// Makes decoder and resampler fit `codec`; false if its rate cannot be used.
    fn use_codec(&mut self, codec: Codec, out: &mut Vec<TrackItem>) -> bool {
        if self.decoder.as_ref().is_some_and(|d| d.codec() == codec) {
            return true;
        }
        // A new codec goes on in the middle of a frame if it must.
        self.close_run(false, out);
        let Ok(resampler) = Resampler::new(codec.decoded_hz(), SAMPLE_RATE_HZ) else { return false };
        self.resampler = Some(resampler);
        self.decoder = Some(Decoder::new(codec));
        true
    }

    fn undecodable(&mut self, end: MediaTime, out: &mut Vec<TrackItem>) {
        self.counters.undecodable += 1;
        self.cause = Some(GapReason::Undecodable);
        self.reframer.get_or_insert_with(|| Reframer::new(self.track, end));
        // The clock stands until a good packet tells the time; but if none comes, the others should not wait for it.
        if self.position().is_some_and(|position| end.us_since(position) >= UNDECODABLE_STEP_US) {
            self.close_run(true, out);
            self.gap_until(end, GapReason::Undecodable, out);
        }
    }

    fn open_run(&mut self, at: MediaTime, codec: Codec, out: &mut Vec<TrackItem>) {
        let Some(reframer) = &mut self.reframer else { return };
        let filled = reframer.next_start().plus_us(samples_to_us(reframer.pending() as u64, SAMPLE_RATE_HZ));
        let silence = us_to_samples(at.us_since(filled).min(2 * FRAME_US), SAMPLE_RATE_HZ);
        reframer.push(&vec![0.0; usize::try_from(silence).unwrap_or(0)], |f| out.push(TrackItem::Frame(f)));
        let skip = match codec {
            // Pre-skip is counted at 48 kHz, we decode at 16.
            Codec::Opus { pre_skip } => usize::from(pre_skip) / 3,
            _ => 0,
        };
        self.run = Some(Run { start: at, taken: 0, skip });
    }

    fn feed(&mut self, samples: &[f32], out: &mut Vec<TrackItem>) {
        let (Some(run), Some(resampler), Some(reframer)) = (&mut self.run, &mut self.resampler, &mut self.reframer)
        else {
            return;
        };
        run.taken += samples.len() as u64;
        let skipped = run.skip.min(samples.len());
        run.skip -= skipped;
        self.resampled.clear();
        resampler.push(&samples[skipped..], &mut self.resampled);
        reframer.push(&self.resampled, |f| out.push(TrackItem::Frame(f)));
    }

    /// Fills in what is missing; `next` is the packet after it, if packets were lost.
    fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<TrackItem>) {
        let mut guess = Vec::new();
        match (&mut self.decoder, next) {
            (Some(decoder), Some(next)) => decoder.recover(next, samples, &mut guess),
            (Some(decoder), None) => decoder.conceal(samples, &mut guess),
            (None, _) => {}
        }
        self.feed(&guess, out);
    }

    /// Flushes the resampler; with `pad` also fills up the frame in work.
    fn close_run(&mut self, pad: bool, out: &mut Vec<TrackItem>) {
        let run = self.run.take();
        let (Some(resampler), Some(reframer)) = (&mut self.resampler, &mut self.reframer) else { return };
        if run.is_some() {
            self.resampled.clear();
            resampler.finish(&mut self.resampled);
            reframer.push(&self.resampled, |f| out.push(TrackItem::Frame(f)));
        }
        if pad {
            reframer.pad(|f| out.push(TrackItem::Frame(f)));
        }
    }

    /// Reports a gap up to the last edge of the grid that is not after `until`. No run may be open.
    fn gap_until(&mut self, until: MediaTime, reason: GapReason, out: &mut Vec<TrackItem>) {
        let Some(reframer) = &mut self.reframer else { return };
        let whole = until.us_since(reframer.next_start()) / FRAME_US * FRAME_US;
        if whole > 0 {
            let until = reframer.next_start().plus_us(whole);
            self.counters.gaps += 1;
            out.push(TrackItem::Gap { until, reason });
            reframer.jump(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reframe_call::audio::FRAME_SAMPLES;

    use super::*;
    use crate::decode::{OPUS_PRE_SKIP, to_s16le};

    const PCM: Codec = Codec::PcmS16le { rate_hz: 16_000 };

    fn packet(at_us: u64, codec: Codec, payload: Vec<u8>) -> EncodedPacket {
        EncodedPacket { track: TrackId(0), at: MediaTime::from_us(at_us), codec, payload, lost_before: None }
    }

    fn tone(samples: usize) -> Vec<u8> {
        to_s16le(&(0..samples).map(|n| ((n as f32 * 0.2).sin() * 10_000.0) as i16).collect::<Vec<_>>())
    }

    fn run(packets: &[EncodedPacket]) -> (Vec<TrackItem>, TrackCounters) {
        let mut pipeline = TrackPipeline::new(TrackId(0));
        let mut out = Vec::new();
        for packet in packets {
            pipeline.push(packet, &mut out);
        }
        pipeline.finish(&mut out);
        check_grid(packets.first().map_or(0, |p| p.at.us()), &out);
        (out, pipeline.counters())
    }

    /// Every item must begin where the one before ended, on the grid.
    fn check_grid(anchor: u64, items: &[TrackItem]) {
        let mut expected = anchor;
        for item in items {
            match item {
                TrackItem::Frame(frame) => {
                    assert_eq!(frame.start.us(), expected, "frames follow on");
                    expected += FRAME_US;
                }
                TrackItem::Gap { until, .. } => {
                    assert!(until.us() > expected, "a gap has a length");
                    expected = until.us();
                }
            }
            assert_eq!((expected - anchor) % FRAME_US, 0, "on the grid");
        }
    }

    fn frames(items: &[TrackItem]) -> usize {
        items.iter().filter(|i| matches!(i, TrackItem::Frame(_))).count()
    }

    #[test]
    fn packets_of_any_length_give_the_same_frames() {
        for rate_hz in [8_000u32, 16_000, 24_000, 44_100, 48_000] {
            let codec = Codec::PcmS16le { rate_hz };
            let bytes = tone(rate_hz as usize * 2);
            let cut = |ms: u32| -> Vec<TrackItem> {
                let samples = (rate_hz * ms / 1_000) as usize;
                let packets: Vec<_> = bytes
                    .chunks(samples * 2)
                    .enumerate()
                    .map(|(n, b)| packet(samples_to_us((n * samples) as u64, rate_hz), codec, b.to_vec()))
                    .collect();
                run(&packets).0
            };
            let whole = cut(1_000);
            assert_eq!(frames(&whole), 100, "{rate_hz}");
            for ms in [5, 20, 100] {
                assert!(cut(ms) == whole, "{rate_hz} Hz in packets of {ms} ms");
            }
        }
    }

    #[test]
    fn a_short_hole_is_filled_and_a_long_one_reported() {
        let p = |ms: u64| packet(ms * 1_000, PCM, tone(320));
        let (items, counters) = run(&[p(0), p(20), p(60), p(80)]);
        assert_eq!(frames(&items), 5);
        assert_eq!(items.len(), 5, "no gap for 20 ms");
        assert_eq!(counters.concealed_ms, 20);

        let (items, counters) = run(&[p(0), p(20), p(540)]);
        assert_eq!(
            items.iter().filter(|i| !matches!(i, TrackItem::Frame(_))).collect::<Vec<_>>(),
            [&TrackItem::Gap { until: MediaTime::from_ms(540), reason: GapReason::Lost }]
        );
        assert_eq!((frames(&items), counters.gaps, counters.concealed_ms), (3, 1, 0));
    }

    #[test]
    fn a_packet_off_the_grid_is_placed_to_the_sample() {
        let mut click = vec![0i16; 320];
        click[0] = 20_000;
        let (items, _) = run(&[packet(0, PCM, tone(320)), packet(507_000, PCM, to_s16le(&click))]);
        let Some(TrackItem::Frame(frame)) = items.get(2) else { panic!("{items:?}") };
        assert_eq!(frame.start, MediaTime::from_ms(500));
        assert!(frame.samples[112] > 0.5, "7 ms into the frame");
    }

    #[test]
    fn late_duplicate_and_overlapping_packets_do_not_move_the_clock() {
        let p = |ms: u64| packet(ms * 1_000, PCM, tone(320));
        let (items, counters) = run(&[p(0), p(20), p(20), p(40), p(30), p(50)]);
        assert_eq!((counters.duplicate, counters.late, counters.trimmed), (1, 1, 1));
        assert_eq!(items.len(), 4, "60 ms, and the rest of the trimmed one in a padded frame");
    }

    #[test]
    fn rubbish_is_counted_and_becomes_a_gap() {
        let good = |ms: u64| packet(ms * 1_000, PCM, tone(320));
        let bad = |ms: u64| packet(ms * 1_000, PCM, vec![1, 2, 3]);
        let mut packets = vec![good(0)];
        packets.extend((1..30).map(|n| bad(n * 20)));
        packets.push(good(600));
        let (items, counters) = run(&packets);
        assert_eq!(counters.undecodable, 29);
        assert!(items.len() > 3, "{items:?}");
        for item in &items[1..items.len() - 1] {
            assert!(matches!(item, TrackItem::Gap { reason: GapReason::Undecodable, .. }), "{item:?}");
        }
        let Some(TrackItem::Frame(last)) = items.last() else { panic!() };
        assert_eq!(last.start, MediaTime::from_ms(600));
    }

    #[test]
    fn a_sender_that_pauses_is_not_called_lossy() {
        let mut second = packet(900_000, PCM, tone(320));
        second.lost_before = Some(0);
        let (items, counters) = run(&[packet(0, PCM, tone(320)), second]);
        assert!(matches!(items[1], TrackItem::Gap { reason: GapReason::Sender, .. }));
        assert_eq!(counters.lost, 0);
    }

    /// With discontinuous transmission a sender says once that it is silent, then every 400 ms: that is no gap.
    #[test]
    fn announced_silence_is_filled_and_ends_nothing() {
        let opus = Codec::Opus { pre_skip: 0 };
        // Silk, wide band, 20 ms, one frame without a byte.
        let silent = |ms: u64| EncodedPacket { lost_before: Some(0), ..packet(ms * 1_000, opus, vec![0x48]) };
        let (items, counters) = run(&[silent(0), silent(400), silent(800)]);
        assert_eq!((frames(&items), items.len(), counters.gaps, counters.concealed_ms), (41, 41, 0, 0));
        let mut lost = silent(800);
        lost.lost_before = Some(1);
        let (items, counters) = run(&[silent(0), silent(400), lost]);
        assert_eq!(counters.gaps, 1, "what was lost is no silence: {items:?}");
    }

    #[test]
    fn a_change_of_codec_loses_nothing() {
        let narrow = Codec::Pcmu;
        let (items, _) =
            run(&[packet(0, PCM, tone(400)), packet(25_000, narrow, vec![0x10; 200]), packet(50_000, PCM, tone(160))]);
        assert_eq!(frames(&items), 3);
        let Some(TrackItem::Frame(second)) = items.get(1) else { panic!() };
        assert!(second.samples[200..].iter().all(|s| s.abs() > 0.01), "mu-law begins 5 ms into the frame");
    }

    #[test]
    fn the_encoders_delay_is_taken_off() {
        let mut signal = vec![0i16; 48_000];
        // A burst of 1 kHz from 500 ms on.
        for (n, s) in signal.iter_mut().enumerate().skip(24_000).take(4_800) {
            *s = ((n as f32 * std::f32::consts::TAU / 48.0).sin() * 16_000.0) as i16;
        }
        let mut encoder =
            ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Voip).build().unwrap();
        let mut room = [0u8; 4_000];
        let packets: Vec<_> = signal
            .chunks_exact(960)
            .enumerate()
            .map(|(n, chunk)| {
                let len = encoder.encode(chunk, &mut room).unwrap();
                packet(n as u64 * 20_000, Codec::Opus { pre_skip: OPUS_PRE_SKIP }, room[..len].to_vec())
            })
            .collect();
        let (items, counters) = run(&packets);
        assert_eq!(counters.undecodable, 0);
        let samples: Vec<f32> = items
            .iter()
            .flat_map(|i| match i {
                TrackItem::Frame(f) => f.samples.to_vec(),
                TrackItem::Gap { .. } => vec![],
            })
            .collect();
        let onset = samples.iter().position(|s| s.abs() > 0.2).unwrap();
        assert!(onset.abs_diff(8_000) < 24, "burst of 500 ms came out at {} ms", onset as f32 / 16.0);
    }

    proptest! {
        #[test]
        fn whatever_comes_frames_stay_on_the_grid(
            packets in proptest::collection::vec(
                (0u64..3_000_000, 0..5u8, proptest::collection::vec(any::<u8>(), 0..700), any::<bool>()), 1..60),
            sorted in any::<bool>(),
        ) {
            let mut packets: Vec<_> = packets
                .into_iter()
                .map(|(at, codec, payload, numbered)| {
                    let codec = [
                        PCM, Codec::PcmS16le { rate_hz: 44_100 }, Codec::Pcmu, Codec::Opus { pre_skip: 312 },
                        Codec::PcmS16le { rate_hz: 15_999 },
                    ][usize::from(codec)];
                    let mut p = packet(at, codec, payload);
                    p.lost_before = numbered.then_some(0);
                    p
                })
                .collect();
            if sorted {
                packets.sort_by_key(|p| p.at);
            }
            let mut pipeline = TrackPipeline::new(TrackId(0));
            let mut out = Vec::new();
            for p in &packets {
                let before = out.len();
                let promised = pipeline.next_end();
                pipeline.push(p, &mut out);
                if let (Some(promised), Some(item)) = (promised, out.get(before)) {
                    prop_assert!(item.end() >= promised, "next_end is a lower bound");
                }
            }
            pipeline.finish(&mut out);
            if let Some(first) = out.first() {
                let anchor = match first {
                    TrackItem::Frame(f) => f.start.us(),
                    TrackItem::Gap { until, .. } => until.us() % FRAME_US,
                };
                if matches!(first, TrackItem::Frame(_)) {
                    check_grid(anchor, &out);
                }
            }
            for item in &out {
                if let TrackItem::Frame(f) = item {
                    prop_assert!(f.samples.len() == FRAME_SAMPLES && f.samples.iter().all(|s| s.is_finite()));
                }
            }
        }

        #[test]
        fn absurd_times_do_not_panic(ats in proptest::collection::vec(any::<u64>(), 1..10)) {
            let mut pipeline = TrackPipeline::new(TrackId(0));
            let mut out = Vec::new();
            for at in ats {
                pipeline.push(&packet(at, PCM, tone(320)), &mut out);
                pipeline.gap(MediaTime::from_us(at), GapReason::Sender, &mut out);
            }
            pipeline.finish(&mut out);
        }
    }
}
