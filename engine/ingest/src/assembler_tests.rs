//! What the assembler promises: one order, whatever the packets looked like; nobody waits for ever; nothing is lost silently.

use proptest::prelude::*;
use reframe_audio::decode::to_s16le;
use reframe_call::audio::{Consent, Party};

use super::*;

const REP: TrackId = TrackId(0);
const BUYER: TrackId = TrackId(1);
const PCM: Codec = Codec::PcmS16le { rate_hz: 16_000 };

fn info(id: TrackId) -> TrackInfo {
    TrackInfo {
        id,
        party: if id == REP { Party::Rep } else { Party::Buyer },
        name: format!("track {id}"),
        email: None,
        consent: Some(agreed()),
    }
}

fn agreed() -> Consent {
    Consent { basis: "test".into(), reference: String::new() }
}

/// Sound of somebody who has not agreed is not even decoded: the packets may hold anything, and their time passes as
/// silence. What comes after the consent is heard.
#[test]
fn without_consent_nothing_is_decoded() {
    let now = Instant::now();
    let mut assembler = Assembler::new(AssemblerConfig::new(Mode::Recorded));
    let silent = TrackInfo { consent: None, ..info(BUYER) };
    assembler.push(IngestItem::new(now, What::Track { info: silent, codec: PCM, who: Box::default() }));
    for (n, (_, what)) in packets(BUYER, 16_000, 2_000, 20).into_iter().enumerate() {
        if n == 50 {
            assembler.push(IngestItem::new(now, What::Consent { track: BUYER, consent: Some(agreed()) }));
        }
        assembler.push(IngestItem::new(now, what));
    }
    assembler.push(IngestItem::new(now, What::End));
    let frames: Vec<bool> = std::iter::from_fn(|| assembler.pop(now))
        .filter_map(|(input, _)| if let Input::Audio(f) = input { Some(f) } else { None })
        .map(|f| f.samples.iter().any(|s| s.abs() > 1e-3))
        .collect();
    assert_eq!(frames.len(), 100, "the clock goes on");
    assert_eq!(frames.iter().position(|heard| *heard), Some(50));
    assert!(frames[51..].iter().all(|heard| *heard));
}

/// A sound that differs from place to place, so that a shifted frame shows.
fn sound(track: TrackId, rate_hz: u32, ms: u32) -> Vec<i16> {
    (0..rate_hz / 1_000 * ms).map(|n| ((n as f32 * 0.01 * (1.0 + f32::from(track.0))).sin() * 8_000.0) as i16).collect()
}

fn packets(track: TrackId, rate_hz: u32, ms: u32, packet_ms: u32) -> Vec<(u64, What)> {
    let per = (rate_hz / 1_000 * packet_ms) as usize;
    sound(track, rate_hz, ms)
        .chunks(per)
        .enumerate()
        .map(|(n, samples)| {
            let timestamp_us = (n * per) as u64 * 1_000_000 / u64::from(rate_hz);
            let what = What::Packet(Packet {
                track,
                sequence: Some(n as u16),
                timestamp_us,
                exact: false,
                payload: to_s16le(samples),
            });
            (timestamp_us + u64::from(packet_ms) * 1_000, what)
        })
        .collect()
}

/// Runs two tracks through a recorded call; packets in order of their ends.
fn recorded(rate_hz: u32, sizes: [u32; 2], ms: u32) -> Vec<Input> {
    let now = Instant::now();
    let mut assembler = Assembler::new(AssemblerConfig::new(Mode::Recorded));
    let codec = Codec::PcmS16le { rate_hz };
    for id in [REP, BUYER] {
        assembler.push(IngestItem::new(now, What::Track { info: info(id), codec, who: Box::default() }));
    }
    let mut all = packets(REP, rate_hz, ms, sizes[0]);
    all.extend(packets(BUYER, rate_hz, ms, sizes[1]));
    all.sort_by_key(|(end, _)| *end);
    let mut out = Vec::new();
    for (_, what) in all {
        assembler.push(IngestItem::new(now, what));
        while let Some((input, _)) = assembler.pop(now) {
            out.push(input);
        }
    }
    assembler.push(IngestItem::new(now, What::End));
    while let Some((input, _)) = assembler.pop(now) {
        out.push(input);
    }
    assert!(assembler.is_ended());
    assert_eq!(assembler.held(), 0);
    out
}

fn check_order(inputs: &[Input]) {
    let mut last = (MediaTime::ZERO, TrackId(0));
    for input in inputs {
        if let Input::Audio(frame) = input {
            let key = (frame.end(), frame.track);
            assert!(key > last, "{key:?} after {last:?}");
            last = key;
        }
    }
}

#[test]
fn the_order_is_by_end_then_track() {
    let inputs = recorded(16_000, [20, 20], 400);
    check_order(&inputs);
    assert!(matches!(inputs[..2], [Input::TrackAdded(_), Input::TrackAdded(_)]));
    assert_eq!(inputs.len(), 2 + 40 + 1);
    assert_eq!(inputs.last(), Some(&Input::End));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn packet_lengths_do_not_show(
        a in prop::sample::select(vec![5u32, 20, 60, 100, 1_000]),
        b in prop::sample::select(vec![5u32, 10, 20, 100, 1_000]),
        rate_hz in prop::sample::select(vec![8_000u32, 16_000, 24_000, 48_000]),
        ms in 1_000u32..2_500,
    ) {
        let one = recorded(rate_hz, [20, 20], ms);
        let other = recorded(rate_hz, [a, b], ms);
        check_order(&one);
        prop_assert!(one == other, "packets of {} and {} ms gave another call", a, b);
    }
}

struct Live {
    assembler: Assembler,
    start: Instant,
    sent: BTreeMap<TrackId, u16>,
}

impl Live {
    fn new() -> Self {
        let mut this = Self {
            assembler: Assembler::new(AssemblerConfig::new(Mode::Live)),
            start: Instant::now(),
            sent: BTreeMap::new(),
        };
        for id in [REP, BUYER] {
            this.push(0, What::Track { info: info(id), codec: PCM, who: Box::default() });
        }
        assert_eq!(this.drain(0).len(), 2);
        this
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn push(&mut self, ms: u64, what: What) {
        let arrived = self.at(ms);
        self.assembler.push(IngestItem::new(arrived, what));
    }

    /// 20 ms of `track` from `media_ms` on, arriving at `ms`.
    fn packet(&mut self, ms: u64, track: TrackId, media_ms: u64) {
        let sequence = self.sent.entry(track).or_insert(0);
        *sequence += 1;
        let sequence = Some(*sequence);
        let payload = to_s16le(&[1_000; 320]);
        self.push(ms, What::Packet(Packet { track, sequence, timestamp_us: media_ms * 1_000, exact: false, payload }));
    }

    fn drain(&mut self, ms: u64) -> Vec<(TrackId, u64)> {
        let now = self.at(ms);
        let mut out = Vec::new();
        while let Some((input, arrived)) = self.assembler.pop(now) {
            match input {
                Input::Audio(frame) => {
                    assert!(arrived.is_some());
                    out.push((frame.track, frame.start.ms()));
                }
                Input::TrackAdded(info) => out.push((info.id, 0)),
                Input::TrackEnded(id) => out.push((id, 999_999)),
                Input::Gap { track, until, .. } => out.push((track, until.ms())),
                _ => {}
            }
        }
        out
    }
}

#[test]
fn a_lagging_track_is_waited_for_then_not() {
    let mut live = Live::new();
    live.packet(20, REP, 0);
    live.packet(20, BUYER, 0);
    assert_eq!(live.drain(20), [(REP, 0), (BUYER, 0)]);

    live.packet(40, BUYER, 20);
    assert_eq!(live.drain(40), []);
    assert_eq!(live.assembler.wake_at(), Some(live.at(290)));
    assert_eq!(live.drain(289), [], "one ms too early");
    assert_eq!(live.drain(290), [(BUYER, 20)]);
    assert_eq!(live.assembler.counters().idled, 1);

    live.packet(300, BUYER, 40);
    assert_eq!(live.drain(300), [(BUYER, 40)], "an idle track is not waited for again");

    live.packet(310, REP, 20);
    live.packet(310, REP, 40);
    live.packet(310, BUYER, 60);
    assert_eq!(live.drain(310), [(REP, 20), (REP, 40)], "late frames still pass; then it is waited for again");
    live.packet(320, REP, 60);
    assert_eq!(live.drain(320), [(REP, 60), (BUYER, 60)]);
}

#[test]
fn a_track_that_never_speaks_delays_the_other_once() {
    let mut live = Live::new();
    live.packet(20, BUYER, 0);
    assert_eq!(live.drain(269), []);
    assert_eq!(live.drain(270), [(BUYER, 0)]);
    live.packet(271, BUYER, 20);
    assert_eq!(live.drain(271), [(BUYER, 20)]);
}

#[test]
fn leaving_and_coming_back_never_goes_backwards() {
    let mut live = Live::new();
    live.packet(20, REP, 0);
    live.packet(20, BUYER, 0);
    live.drain(20);
    live.push(25, What::Leave { track: BUYER });
    assert_eq!(live.drain(25), [(BUYER, 999_999)]);
    live.packet(40, BUYER, 20);
    assert_eq!(live.assembler.counters().unknown_track, 1, "it left");
    live.push(50, What::Track { info: info(BUYER), codec: PCM, who: Box::default() });
    live.packet(60, BUYER, 10);
    live.packet(60, REP, 20);
    let after = live.drain(400);
    assert!(after.contains(&(REP, 20)), "{after:?}");
    for (track, ms) in after {
        assert!(track == REP || ms == 0 || ms >= 20, "{track} at {ms}");
    }
}

#[test]
fn a_recording_with_a_silent_track_stays_bounded() {
    let now = Instant::now();
    let mut assembler = Assembler::new(AssemblerConfig { max_hold_ms: 1_000, ..AssemblerConfig::new(Mode::Recorded) });
    for id in [REP, BUYER] {
        assembler.push(IngestItem::new(now, What::Track { info: info(id), codec: PCM, who: Box::default() }));
    }
    let (mut most, mut out) = (0, 0);
    for (_, what) in packets(BUYER, 16_000, 10_000, 20) {
        assembler.push(IngestItem::new(now, what));
        most = most.max(assembler.held());
        while assembler.pop(now).is_some() {
            out += 1;
        }
    }
    assert!(most <= 53, "{most} held");
    assert_eq!(out, 502, "then it all comes out");
}

#[test]
fn what_our_queue_dropped_is_called_overflow() {
    let mut live = Live::new();
    live.packet(20, REP, 0);
    live.packet(20, BUYER, 0);
    live.drain(20);
    live.push(30, What::Dropped { track: BUYER, reason: GapReason::Overflow });
    live.packet(1_000, BUYER, 960);
    let now = live.at(2_000);
    let mut gaps = Vec::new();
    while let Some((input, _)) = live.assembler.pop(now) {
        if let Input::Gap { track, until, reason } = input {
            gaps.push((track, until.ms(), reason));
        }
    }
    assert_eq!(gaps, [(BUYER, 960, GapReason::Overflow)]);
}

#[test]
fn after_the_end_things_are_counted_and_ignored() {
    let mut live = Live::new();
    live.push(10, What::End);
    live.packet(20, REP, 0);
    let now = live.at(20);
    assert_eq!(live.assembler.pop(now).map(|(i, _)| i), Some(Input::End));
    assert_eq!(live.assembler.pop(now), None);
    assert_eq!(live.assembler.counters().after_end, 1);
}

proptest! {
    #[test]
    fn each_track_keeps_its_own_order(
        steps in prop::collection::vec((0u16..3, 0u64..3_000_000, any::<u16>(), 0usize..900, 0u64..4_000, 0u8..20), 1..120),
        recorded in any::<bool>(),
    ) {
        let start = Instant::now();
        let mode = if recorded { Mode::Recorded } else { Mode::Live };
        let mut assembler = Assembler::new(AssemblerConfig::new(mode));
        let mut clock = start;
        let mut next = BTreeMap::new();
        let mut check = |input: Input| {
            match input {
                Input::Audio(frame) => {
                    let next = next.entry(frame.track).or_insert(MediaTime::ZERO);
                    assert!(frame.start >= *next, "track {} went back", frame.track);
                    *next = frame.end();
                }
                Input::Gap { track, until, .. } => {
                    let next = next.entry(track).or_insert(MediaTime::ZERO);
                    assert!(until > *next);
                    *next = until;
                }
                _ => {}
            }
        };
        for (track, timestamp_us, sequence, bytes, ms, kind) in steps {
            clock += Duration::from_millis(ms % 60);
            let track = TrackId(track);
            let what = match kind {
                0..=2 => What::Track { info: info(track), codec: if kind == 0 { Codec::Opus { pre_skip: 312 } } else { PCM }, who: Box::default() },
                3 => What::Leave { track },
                4 => What::Gap { track, until_us: timestamp_us },
                5 => What::Resumed,
                6 => What::Consent { track, consent: None },
                7 => What::Dropped { track, reason: GapReason::Overflow },
                _ => What::Packet(Packet { track, sequence: (kind % 2 == 0).then_some(sequence), timestamp_us, exact: false, payload: vec![7; bytes] }),
            };
            assembler.push(IngestItem::new(clock, what));
            while let Some((input, _)) = assembler.pop(clock) {
                check(input);
            }
        }
        assembler.push(IngestItem::new(clock, What::End));
        while let Some((input, _)) = assembler.pop(clock) {
            check(input);
        }
        prop_assert!(assembler.is_ended());
    }
}
