//! Order, loss and clocks of virtual streams, on packets made by hand.

use proptest::prelude::*;

use super::*;

/// 20 ms of Opus in one frame.
const OPUS: [u8; 3] = [0xf8, 0xff, 0xfe];
const START_US: u64 = 50_000_000;

/// The `n`th packet of a stream whose numbers and clock are about to wrap.
fn packet(ssrc: u32, n: u64, csrcs: &[u32]) -> RtpIn {
    RtpIn {
        ssrc,
        sequence: 65_530u16.wrapping_add(n as u16),
        timestamp: (u32::MAX - 3_000).wrapping_add(n as u32 * 960),
        csrcs: csrcs.to_vec(),
        payload: OPUS.to_vec(),
    }
}

fn arrival(n: u64) -> u64 {
    START_US + n * 20_000
}

/// Feeds packets with their arrivals and gives the pieces.
fn run(packets: impl IntoIterator<Item = (u64, RtpIn)>) -> (Vec<Piece>, StreamCounts) {
    let (mut streams, mut out, mut last) = (Streams::new(), Vec::new(), 0);
    for (at, packet) in packets {
        streams.push(at, packet, &mut out);
        last = at;
    }
    streams.tick(last + HOLD_US, &mut out);
    (out, streams.counts())
}

#[test]
fn packets_have_times_on_this_machines_clock() {
    let (pieces, counts) = run((0..50).map(|n| (arrival(n) + n % 7 * 1_000, packet(1, n, &[7]))));
    assert_eq!(pieces.len(), 50);
    for (n, piece) in pieces.iter().enumerate() {
        assert!(piece.at_us.abs_diff(arrival(n as u64)) < 20, "{n}: {piece:?}");
        assert_eq!((piece.csrc, piece.length_us, piece.lost_before), (Some(7), 20_000, 0));
    }
    assert_eq!(counts, StreamCounts { packets: 50, ..StreamCounts::default() });
}

#[test]
fn the_loudest_mark_is_not_a_speaker() {
    let lists: [&[u32]; 5] = [&[42, 7], &[7, 42], &[42], &[], &[7]];
    let (pieces, _) = run(lists.iter().enumerate().map(|(n, csrcs)| (arrival(n as u64), packet(1, n as u64, csrcs))));
    let speakers: Vec<_> = pieces.iter().map(|p| p.csrc).collect();
    assert_eq!(speakers, [Some(7), Some(7), None, None, Some(7)]);
}

#[test]
fn order_is_restored_and_loss_told() {
    let order = [0u64, 1, 3, 2, 4, 4, 7, 8, 9, 10, 11, 12, 13, 5, 14];
    let packets = order.iter().enumerate().map(|(i, n)| (arrival(i as u64), packet(1, *n, &[7])));
    let (pieces, counts) = run(packets);
    let numbers: Vec<u64> = pieces.iter().map(|p| (p.at_us + 10_000 - pieces[0].at_us) / 20_000).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14]);
    assert_eq!(pieces[5].lost_before, 2);
    assert_eq!((counts.reordered, counts.lost, counts.late), (1, 2, 2), "{counts:?}");
}

#[test]
fn a_copy_of_what_waits_is_a_duplicate() {
    let (_, counts) = run([0u64, 2, 2, 1].iter().map(|n| (arrival(*n), packet(1, *n, &[7]))));
    assert_eq!((counts.duplicate, counts.late), (1, 0));
}

#[test]
fn nothing_waits_longer_than_the_hold() {
    let (mut streams, mut out) = (Streams::new(), Vec::new());
    streams.push(arrival(0), packet(1, 0, &[7]), &mut out);
    streams.push(arrival(2), packet(1, 2, &[7]), &mut out);
    streams.tick(arrival(2) + HOLD_US - 1, &mut out);
    assert_eq!(out.len(), 1);
    streams.tick(arrival(2) + HOLD_US, &mut out);
    assert_eq!((out.len(), out[1].lost_before), (2, 1));
    assert_eq!(out[1].at_us - out[0].at_us, 40_000);
}

#[test]
fn padding_is_neither_sound_nor_loss() {
    let mut padding = packet(1, 1, &[7]);
    padding.payload.clear();
    let (pieces, counts) =
        run([(arrival(0), packet(1, 0, &[7])), (arrival(1), padding), (arrival(2), packet(1, 2, &[7]))]);
    assert_eq!((pieces.len(), pieces[1].lost_before, counts.without_sound, counts.lost), (2, 0, 1, 0));
}

#[test]
fn what_is_lost_between_two_speakers_is_nobodys() {
    let (pieces, _) = run([(arrival(0), packet(1, 0, &[7])), (arrival(3), packet(1, 3, &[8]))]);
    assert_eq!((pieces[1].csrc, pieces[1].lost_before), (Some(8), 0));
}

#[test]
fn streams_share_one_clock() {
    // The second stream's RTP clock and numbers are elsewhere; what was said at the same time is at the same time.
    let mut all = Vec::new();
    for n in 0..100 {
        all.push((arrival(n) + 3_000, packet(1, n, &[7])));
        let mut other = packet(2, n, &[8]);
        (other.sequence, other.timestamp) =
            (other.sequence.wrapping_add(999), other.timestamp.wrapping_add(123_456_789));
        all.push((arrival(n) + 3_500, other));
    }
    let (pieces, _) = run(all);
    let times = |ssrc| pieces.iter().filter(move |p| p.ssrc == ssrc).map(|p| p.at_us).collect::<Vec<_>>();
    for (a, b) in times(1).iter().zip(times(2)) {
        assert!(a.abs_diff(b) <= 1_000, "{a} {b}");
    }
}

#[test]
fn a_drifting_clock_is_followed_without_a_jump() {
    // 100 ppm slow against this machine, for ten minutes of one person: 60 ms in all.
    let n_of = |n: u64| arrival(n) + n * 20_000 / 10_000;
    let (pieces, counts) = run((0..30_000).map(|n| (n_of(n) + (n % 5) * 2_000, packet(1, n, &[7]))));
    assert_eq!(counts.restarts, 0);
    for (n, pair) in pieces.windows(2).enumerate() {
        let step = pair[1].at_us - pair[0].at_us;
        assert!(step.abs_diff(20_000) <= 15, "{n}: {step}");
    }
    let off = pieces[29_999].at_us.abs_diff(n_of(29_999));
    assert!(off < 5_000, "{off} us");
}

#[test]
fn a_clock_set_anew_is_taken_over() {
    for (jump, what) in [(48_000u32 * 60, "ahead"), (0u32.wrapping_sub(48_000 * 60), "back")] {
        let packets = (0..100).map(|n| {
            let mut p = packet(1, n, &[7]);
            if n >= 50 {
                p.timestamp = p.timestamp.wrapping_add(jump);
            }
            (arrival(n), p)
        });
        let (pieces, _) = run(packets);
        assert!(pieces[99].at_us.abs_diff(arrival(99)) < 1_000, "{what}: {:?}", pieces[99]);
    }
    let mut restarted = packet(1, 50, &[7]);
    restarted.sequence = restarted.sequence.wrapping_add(20_000);
    let (pieces, counts) = run((0..50).map(|n| (arrival(n), packet(1, n, &[7]))).chain([(arrival(50), restarted)]));
    assert_eq!((pieces.len(), counts.restarts, counts.lost), (51, 1, 0));
}

#[test]
fn no_more_streams_are_kept_than_a_session_has() {
    let (pieces, counts) = run((0..20).map(|n| (arrival(0), packet(n, 0, &[7]))));
    assert_eq!((pieces.len(), counts.beyond), (MAX_STREAMS, 20 - MAX_STREAMS as u64));
}

proptest! {
    /// Whatever comes: no panic, bounded waiting, and per stream no packet twice and none out of order.
    #[test]
    fn any_packets(packets in proptest::collection::vec(
        (0u64..40_000, 0u32..4, any::<u16>(), any::<u32>(), proptest::collection::vec(any::<u32>(), 0..4), 0usize..4), 0..300)
    ) {
        let (mut streams, mut out, mut now) = (Streams::new(), Vec::new(), START_US);
        for (step, ssrc, sequence, timestamp, csrcs, length) in packets {
            now += step;
            streams.push(now, RtpIn { ssrc, sequence, timestamp, csrcs, payload: OPUS[..length.min(3)].to_vec() }, &mut out);
            prop_assert!(streams.streams.values().all(|s| s.held.len() <= WINDOW));
        }
        streams.start_over(&mut out);
        prop_assert!(out.len() as u64 <= streams.counts().packets);
    }

    /// Swaps within the window and any loss: what comes out is in order, and the holes are where packets are missing.
    #[test]
    fn holes_are_counted(lost in proptest::collection::btree_set(1u64..199, 0..30), swaps in proptest::collection::btree_set(0usize..80, 0..20)) {
        let mut kept: Vec<u64> = (0..200).filter(|n| !lost.contains(n)).collect();
        for swap in swaps {
            kept.swap(swap * 2, swap * 2 + 1);
        }
        // The first packet anchors the stream.
        prop_assume!(kept[0] == 0);
        let (pieces, counts) = run(kept.iter().enumerate().map(|(i, n)| (arrival(i as u64), packet(1, *n, &[7]))));
        prop_assert_eq!(pieces.len(), kept.len(), "{:?}", counts);
        prop_assert!(pieces.windows(2).all(|p| p[0].at_us < p[1].at_us));
        prop_assert_eq!(pieces.iter().map(|p| u64::from(p.lost_before)).sum::<u64>(), lost.len() as u64);
    }
}
