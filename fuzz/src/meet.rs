//! Google Meet: messages of its data channels, its answers, and packets of its virtual streams. The files are taken as
//! they are instead of through their crate, which would bring WebRTC into this build.
#![allow(dead_code)]

#[path = "../../bots/src/meet/protocol.rs"]
mod protocol;
#[path = "../../bots/src/meet/roster.rs"]
mod roster;
#[path = "../../bots/src/meet/streams.rs"]
mod streams;

use streams::{RtpIn, Streams};

/// The first byte says what the rest is.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 3 {
        0 => messages(rest),
        1 => drop(protocol::connect_response(u16::from(*kind) * 3, rest)),
        _ => packets(rest),
    }
}

/// Messages, one per line, to a roster.
fn messages(data: &[u8]) {
    let mut roster = roster::Roster::new();
    for line in data.split(|b| *b == b'\n') {
        let _ = (protocol::session_control(line), protocol::media_stats(line));
        if let Ok(update) = protocol::media_entries(line) {
            roster.entries(update);
        }
        if let Ok(update) = protocol::participants(line) {
            roster.participants(update);
        }
    }
    assert!(roster.speaker(roster::LOUDEST).is_none(), "42 is nobody");
}

/// Packets of eight bytes: stream, number, time, speaker, length, and how long after the one before.
fn packets(data: &[u8]) {
    let (mut streams, mut out, mut now_us) = (Streams::new(), Vec::new(), 10_000_000);
    for chunk in data.chunks_exact(8) {
        now_us += u64::from(chunk[7]) * 500;
        let packet = RtpIn {
            ssrc: u32::from(chunk[0] % 10),
            sequence: u16::from_le_bytes([chunk[1], chunk[2]]),
            timestamp: u32::from_le_bytes([0, chunk[3], chunk[4], chunk[3]]),
            csrcs: vec![u32::from(chunk[5]); usize::from(chunk[5] % 3)],
            payload: [0xf8, 0xff, 0xfe][..usize::from(chunk[6] % 4).min(3)].to_vec(),
        };
        streams.push(now_us, packet, &mut out);
        if chunk[6] > 200 {
            streams.tick(now_us, &mut out);
        }
    }
    streams.start_over(&mut out);
    let counts = streams.counts();
    let held_back = counts.late + counts.duplicate + counts.without_sound + counts.beyond;
    assert!(out.len() as u64 + held_back <= counts.packets, "{counts:?}");
    assert!(out.iter().all(|piece| piece.csrc != Some(roster::LOUDEST)), "42 is nobody");
}
