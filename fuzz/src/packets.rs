//! Packets in any order, with any times and contents, up to the call itself.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reframe_audio::{
    decode::Codec,
    track::{EncodedPacket, TrackItem, TrackPipeline},
};
use reframe_call::{
    audio::{Consent, FRAME_US, Party, TrackId, TrackInfo},
    input::{ConsentRule, Disclosure, GapReason, Input, InputError, SourceState, SourceStatus},
    time::MediaTime,
};
use reframe_ingest::{
    Assembler, AssemblerConfig, IngestItem, Mode, What,
    item::{Packet, Words},
};

use crate::{bytes::Bytes, call};

/// Things done per run: enough to get anywhere, few enough to be quick.
const STEPS: usize = 60;

fn codec(bytes: &mut Bytes<'_>) -> Codec {
    match bytes.below(9) {
        0 => Codec::PcmS16le { rate_hz: 16_000 },
        1 => Codec::PcmS16le { rate_hz: 8_000 },
        2 => Codec::PcmS16le { rate_hz: 24_000 },
        3 => Codec::PcmS16le { rate_hz: 44_100 },
        4 => Codec::PcmS16le { rate_hz: 48_000 },
        5 => Codec::Pcmu,
        6 => Codec::Pcma,
        7 => Codec::Opus { pre_skip: 312 },
        _ => Codec::Opus { pre_skip: bytes.u16() },
    }
}

/// The contents of a packet: often of an ordinary length, sometimes made of fuzz bytes.
fn payload(bytes: &mut Bytes<'_>, codec: Codec) -> Vec<u8> {
    let n = usize::from(bytes.byte());
    match (bytes.below(3), codec) {
        (0, Codec::PcmS16le { rate_hz }) => vec![n as u8; rate_hz as usize / 1_000 * 2 * (n % 40)],
        (0, Codec::Pcmu | Codec::Pcma) => vec![n as u8; 8 * n],
        _ => bytes.take(n).to_vec(),
    }
}

/// One track. Frames follow one another without overlap, on the grid, and time only goes forward.
pub fn packets(data: &[u8]) {
    let mut bytes = Bytes(data);
    let track = TrackId(0);
    let mut pipeline = TrackPipeline::new(track);
    let (mut out, mut at, mut end) = (Vec::new(), 0_u64, None::<MediaTime>);
    let mut used = codec(&mut bytes);
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        match bytes.below(10) {
            0 => {
                let until = MediaTime::from_us(bytes.time_us(at).min(1 << 40));
                pipeline.gap(until, GapReason::Sender, &mut out);
            }
            1 => pipeline.expect_gap(GapReason::Overflow),
            2 => used = codec(&mut bytes),
            _ => {
                let start = bytes.time_us(at).min(1 << 40);
                let payload = payload(&mut bytes, used);
                let lost_before = (bytes.below(4) == 0).then(|| u32::from(bytes.u16()));
                at = start.saturating_add(FRAME_US);
                let packet = EncodedPacket { track, at: MediaTime::from_us(start), codec: used, payload, lost_before };
                pipeline.push(&packet, &mut out);
            }
        }
        follow(&out, &mut end);
        out.clear();
    }
    pipeline.finish(&mut out);
    follow(&out, &mut end);
}

fn follow(items: &[TrackItem], end: &mut Option<MediaTime>) {
    for item in items {
        if let TrackItem::Frame(frame) = item {
            assert!(frame.samples.iter().all(|s| s.is_finite() && s.abs() <= 4.0), "a sample out of any range");
            if let Some(before) = *end {
                assert_eq!(frame.start, before, "a frame does not follow what came before it");
            }
        } else if let Some(before) = *end {
            assert!(item.end() > before, "a gap that goes backwards or nowhere");
        }
        *end = Some(item.end());
    }
}

/// Several tracks, merged, into a call: no order or time of packets may make the assembler break the call's contract.
pub fn assembler(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mode = if bytes.below(2) == 0 { Mode::Live } else { Mode::Recorded };
    let mut assembler = Assembler::new(AssemblerConfig::new(mode));
    let mut call = call::Checked::new(call::script(&mut bytes));
    let mut codecs = BTreeMap::new();
    // A moment to count from; nothing below reads a clock.
    let mut now = Instant::now();
    let (mut at, mut sequence) = (0_u64, 0_u16);
    for _ in 0..STEPS {
        if bytes.is_empty() {
            break;
        }
        let track = TrackId(u16::from(bytes.below(3)));
        let what = match bytes.below(20) {
            0 | 1 => {
                let codec = codec(&mut bytes);
                codecs.insert(track, codec);
                let consent = (bytes.below(4) != 0).then(consent);
                let party = [Party::Buyer, Party::Rep, Party::Unknown][usize::from(bytes.below(3))];
                What::Track {
                    info: TrackInfo { id: track, party, name: "x".into(), email: None, consent },
                    codec,
                    who: Box::default(),
                }
            }
            2 => What::Gap { track, until_us: bytes.time_us(at) },
            3 => What::Consent { track, consent: (bytes.below(2) == 0).then(consent) },
            4 => What::Leave { track },
            5 => What::Dropped { track, reason: GapReason::Overflow },
            6 => What::Resumed,
            7 if bytes.below(8) == 0 => What::End,
            16 | 17 => {
                let (start_us, end_us) = (bytes.time_us(at), bytes.time_us(at));
                let text = ["", "too expensive", "well"][usize::from(bytes.below(3))].to_owned();
                What::Words(Words { track, start_us, end_us, text, last: bytes.below(2) == 0 })
            }
            18 => What::Pause { track },
            19 => match bytes.below(4) {
                0 => What::Source(SourceStatus { state: SourceState::Joined, detail: String::new() }),
                1 => What::Disclosed(Disclosure { via: "chat".into(), text: "x".into() }),
                2 => What::Erase { reason: "fuzz".into() },
                _ => {
                    let rule = if bytes.below(2) == 0 { ConsentRule::Everyone } else { ConsentRule::EachOwn };
                    What::ConsentRule { rule, because: "fuzz".into() }
                }
            },
            _ => {
                let payload = payload(&mut bytes, codecs.get(&track).copied().unwrap_or(Codec::Pcmu));
                at = bytes.time_us(at);
                sequence = if bytes.below(8) == 0 { bytes.u16() } else { sequence.wrapping_add(1) };
                let exact = bytes.below(2) == 0;
                let packet = Packet { track, sequence: Some(sequence), timestamp_us: at, exact, payload };
                at = at.saturating_add(FRAME_US);
                What::Packet(packet)
            }
        };
        assembler.push(IngestItem::new(now, what));
        now += Duration::from_millis(u64::from(bytes.byte()));
        drain(&mut assembler, now, &mut call);
    }
    assembler.push(IngestItem::new(now, What::End));
    now += Duration::from_secs(60);
    drain(&mut assembler, now, &mut call);
    assert!(assembler.is_ended() && assembler.held() == 0, "something was held back at the end");
    assert!(call.ended(), "the call was not ended");
}

fn consent() -> Consent {
    Consent { basis: "fixture".into(), reference: String::new() }
}

fn drain(assembler: &mut Assembler, now: Instant, call: &mut call::Checked) {
    while let Some((input, _)) = assembler.pop(now) {
        let outcome = call.input(&input);
        let excused = matches!((&input, &outcome), (Input::Consent { .. }, Err(InputError::UnknownTrack(_))));
        assert!(outcome.is_ok() || excused, "the assembler made the call refuse {input:?}: {outcome:?}");
    }
}
