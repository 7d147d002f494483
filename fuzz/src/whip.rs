//! What a WHIP peer sends: descriptions, fragments, queries, and RTP packets in any order at any time.

use std::time::{Duration, Instant};

use reframe_audio::decode::Codec;
use reframe_call::audio::TrackId;
use reframe_ingest::{
    What,
    rtp::{RtpPacket, RtpTrack},
    whip::{
        query,
        sdp::{Offer, answer_fragment, read_fragment},
    },
};

use crate::bytes::Bytes;

/// RTP packets of one track: none vanishes, and nothing is held for long.
pub fn rtp(data: &[u8]) {
    let mut bytes = Bytes(data);
    let epoch = Instant::now();
    let mut track = RtpTrack::new(TrackId(0), Codec::Opus { pre_skip: 312 }, 48_000, epoch);
    let (mut out, mut ms, mut packets) = (Vec::new(), 0u64, 0u64);
    while !bytes.is_empty() {
        let kind = bytes.byte();
        ms += u64::from(kind & 0x3f);
        let now = epoch + Duration::from_millis(ms);
        if kind & 0xc0 == 0xc0 {
            track.tick(now, &mut out);
            continue;
        }
        let packet = RtpPacket {
            ssrc: u32::from(bytes.byte() & 1),
            sequence: bytes.u16(),
            timestamp: u32::from(bytes.u16()).wrapping_mul(if kind & 0x80 == 0 { 960 } else { 1 << 17 }),
            contributor: (kind & 0x40 != 0).then(|| u32::from(bytes.byte())),
            payload: vec![bytes.byte(); usize::from(bytes.byte() & 3)],
        };
        packets += 1;
        track.push(packet, now, &mut out);
    }
    track.tick(epoch + Duration::from_millis(ms + 1_000), &mut out);
    let counted = track.counters();
    let handed = out.iter().filter(|item| matches!(item.what, What::Packet(_))).count() as u64;
    let dropped = counted.padding + counted.comfort + counted.stragglers + counted.order.late + counted.order.duplicate;
    assert_eq!(counted.packets, packets);
    assert_eq!(handed + dropped, packets, "{counted:?}");
}

/// Offers, the answers to them, fragments and queries. What our end gets of an offer can be read again.
pub fn whip(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (first, second) = text.split_once('\0').unwrap_or((&text, ""));
    let _ = query::read(first, 2);
    let _ = answer_fragment(second);
    let fragment = read_fragment(second);
    let Ok(offer) = Offer::read(first, 8) else { return };
    let ours = offer.for_peer();
    let again = Offer::read(&ours, 8).unwrap_or_else(|e| panic!("{e}: {ours}"));
    assert_eq!(again.audio_lines(), offer.audio_lines());
    let _ = offer.answer(second, &[[192, 0, 2, 1].into()]);
    if let Ok(ice) = fragment {
        let _ = offer.restarted(ice).for_peer();
    }
}
