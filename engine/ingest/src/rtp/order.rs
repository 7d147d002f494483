//! Puts packets back in order within a bounded window, and says how many never came.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Packets held back behind a hole at most. At 20 ms each, far more than arrive in [`HOLD`]; a flood ends the wait early.
pub const MAX_HELD: usize = 16;
/// How long a hole is waited for, from the arrival of the first packet behind it. Three packets of 20 ms: the longest hole
/// that is concealed (`CONCEAL_MAX_US` of `reframe-audio`), so that waiting never costs more than what it can save.
pub const HOLD: Duration = Duration::from_millis(60);
/// A number further ahead than this is a new beginning, not loss: RFC 3550, appendix A.1, `MAX_DROPOUT`.
const MAX_DROPOUT: u64 = 3_000;
/// A number further back than this is a new beginning if the next one follows on: RFC 3550, appendix A.1, `MAX_MISORDER`.
const MAX_MISORDER: u64 = 100;
/// Numbers below the next one of which is remembered whether they came.
const REMEMBERED: u64 = 64;

/// One packet handed on, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T> {
    /// The packet.
    pub packet: T,
    /// When it arrived.
    pub arrived: Instant,
    /// Numbers just before it that were given up.
    pub lost_before: u64,
}

/// What became of a track's sequence numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounters {
    /// Numbers given up.
    pub lost: u64,
    /// Packets that came after they were given up, and were dropped.
    pub late: u64,
    /// Packets whose number had come, and were dropped.
    pub duplicate: u64,
    /// Packets that came after a higher number, and still in time.
    pub reordered: u64,
    /// Times the numbers began anew.
    pub restarts: u64,
}

/// The window of one track.
#[derive(Debug)]
pub struct Reorder<T> {
    /// Number awaited, counted on past 65,535; `None` before the first packet.
    next: Option<u64>,
    /// Bit `n`: number `next - 1 - n` came.
    came: u64,
    held: BTreeMap<u64, (T, Instant)>,
    /// A lone packet from far away: the one after it would show that the sender began anew.
    stray: Option<u16>,
    counters: OrderCounters,
}

impl<T> Default for Reorder<T> {
    fn default() -> Self {
        Self { next: None, came: 0, held: BTreeMap::new(), stray: None, counters: OrderCounters::default() }
    }
}

impl<T> Reorder<T> {
    /// What became of the numbers so far.
    #[must_use]
    pub const fn counters(&self) -> OrderCounters {
        self.counters
    }

    /// Packets held back now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// When a hole is given up, if one is waited for.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.held.values().map(|(_, arrived)| *arrived).min().map(|oldest| oldest + HOLD)
    }

    /// Takes a packet and appends to `out` what is in order now.
    pub fn push(&mut self, sequence: u16, packet: T, arrived: Instant, out: &mut Vec<Ordered<T>>) {
        let Some(next) = self.next else {
            self.begin(sequence, packet, arrived, out);
            return;
        };
        let number = nearest(next, sequence);
        let far_back = number.saturating_add(MAX_MISORDER) < next;
        if far_back || number > next + MAX_DROPOUT {
            if self.stray == Some(sequence) {
                self.counters.restarts += 1;
                self.flush(out);
                self.begin(sequence, packet, arrived, out);
            } else {
                self.stray = Some(sequence.wrapping_add(1));
                self.counters.late += 1;
            }
            return;
        }
        self.stray = None;
        if number < next {
            let back = next - 1 - number;
            if back < REMEMBERED && self.came >> back & 1 == 1 {
                self.counters.duplicate += 1;
            } else {
                self.counters.late += 1;
            }
            return;
        }
        if self.held.contains_key(&number) {
            self.counters.duplicate += 1;
            return;
        }
        let highest = self.held.keys().next_back().copied();
        if highest.is_some_and(|highest| number < highest) {
            self.counters.reordered += 1;
        }
        self.held.insert(number, (packet, arrived));
        self.hand_out(0, out);
        while self.held.len() > MAX_HELD {
            self.give_up(out);
        }
        self.tick(arrived, out);
    }

    /// Time has passed: gives up holes that were waited for long enough.
    pub fn tick(&mut self, now: Instant, out: &mut Vec<Ordered<T>>) {
        while self.wake_at().is_some_and(|at| at <= now) {
            self.give_up(out);
        }
    }

    /// Hands out all that is held, holes or not.
    pub fn flush(&mut self, out: &mut Vec<Ordered<T>>) {
        while !self.held.is_empty() {
            self.give_up(out);
        }
    }

    /// The sender began anew: what is held goes out, and the next packet may have any number.
    pub fn restart(&mut self, out: &mut Vec<Ordered<T>>) {
        self.flush(out);
        self.next = None;
        self.counters.restarts += 1;
    }

    fn begin(&mut self, sequence: u16, packet: T, arrived: Instant, out: &mut Vec<Ordered<T>>) {
        // Far from 0, so that packets from before the first one have numbers too.
        self.next = Some((1 << 32) + u64::from(sequence) + 1);
        self.came = 1;
        self.stray = None;
        out.push(Ordered { packet, arrived, lost_before: 0 });
    }

    /// Gives up the first hole.
    fn give_up(&mut self, out: &mut Vec<Ordered<T>>) {
        let (Some(next), Some((&first, _))) = (self.next, self.held.first_key_value()) else { return };
        let lost = first - next;
        self.counters.lost += lost;
        self.came = self.came.checked_shl(u32::try_from(lost).unwrap_or(u32::MAX)).unwrap_or(0);
        self.next = Some(first);
        self.hand_out(lost, out);
    }

    /// Hands out what follows on, the first of it after `lost` missing numbers.
    fn hand_out(&mut self, mut lost: u64, out: &mut Vec<Ordered<T>>) {
        while let Some(next) = self.next
            && let Some((packet, arrived)) = self.held.remove(&next)
        {
            self.next = Some(next + 1);
            self.came = self.came << 1 | 1;
            out.push(Ordered { packet, arrived, lost_before: std::mem::take(&mut lost) });
        }
    }
}

/// The number that ends in `sequence` and lies nearest to `next`.
fn nearest(next: u64, sequence: u16) -> u64 {
    let ahead = sequence.wrapping_sub(next as u16);
    if ahead < 0x8000 { next + u64::from(ahead) } else { next - (0x1_0000 - u64::from(ahead)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds (number, ms of arrival); gives (number, lost before it) in the order handed on.
    fn run(packets: &[(u16, u64)]) -> (Vec<(u16, u64)>, OrderCounters) {
        let start = Instant::now();
        let (mut window, mut out) = (Reorder::default(), Vec::new());
        for &(sequence, ms) in packets {
            let now = start + Duration::from_millis(ms);
            window.tick(now, &mut out);
            window.push(sequence, sequence, now, &mut out);
        }
        window.flush(&mut out);
        (out.into_iter().map(|o| (o.packet, o.lost_before)).collect(), window.counters())
    }

    #[test]
    fn what_comes_out_of_what_goes_in() {
        type Case = (&'static str, &'static [(u16, u64)], &'static [(u16, u64)], (u64, u64, u64, u64, u64));
        // Counters: lost, late, duplicate, reordered, restarts.
        let cases: &[Case] = &[
            ("in order", &[(7, 0), (8, 20), (9, 40)], &[(7, 0), (8, 0), (9, 0)], (0, 0, 0, 0, 0)),
            ("swapped", &[(7, 0), (9, 20), (8, 21)], &[(7, 0), (8, 0), (9, 0)], (0, 0, 0, 1, 0)),
            ("far swapped", &[(7, 0), (10, 20), (9, 21), (8, 22)], &[(7, 0), (8, 0), (9, 0), (10, 0)], (0, 0, 0, 2, 0)),
            (
                "lost",
                &[(7, 0), (9, 40), (10, 60), (11, 80), (12, 100)],
                &[(7, 0), (9, 1), (10, 0), (11, 0), (12, 0)],
                (1, 0, 0, 0, 0),
            ),
            ("late", &[(7, 0), (9, 40), (10, 101), (8, 102)], &[(7, 0), (9, 1), (10, 0)], (1, 1, 0, 0, 0)),
            (
                "twice",
                &[(7, 0), (7, 1), (8, 20), (10, 21), (10, 22), (9, 23)],
                &[(7, 0), (8, 0), (9, 0), (10, 0)],
                (0, 0, 2, 1, 0),
            ),
            (
                "wraps",
                &[(65_534, 0), (65_535, 20), (1, 40), (0, 41)],
                &[(65_534, 0), (65_535, 0), (0, 0), (1, 0)],
                (0, 0, 0, 1, 0),
            ),
            ("wraps with loss", &[(65_535, 0), (1, 20), (2, 90)], &[(65_535, 0), (1, 1), (2, 0)], (1, 0, 0, 0, 0)),
            (
                "begins anew",
                &[(7, 0), (40_000, 20), (40_001, 40), (40_002, 60)],
                &[(7, 0), (40_001, 0), (40_002, 0)],
                (0, 1, 0, 0, 1),
            ),
            ("a stray is dropped", &[(7, 0), (40_000, 20), (8, 40)], &[(7, 0), (8, 0)], (0, 1, 0, 0, 0)),
            ("older than the first", &[(7, 0), (6, 1), (8, 20)], &[(7, 0), (8, 0)], (0, 1, 0, 0, 0)),
        ];
        for (what, packets, wanted, (lost, late, duplicate, reordered, restarts)) in cases {
            let (out, counters) = run(packets);
            assert_eq!(&out, wanted, "{what}");
            assert_eq!(
                counters,
                OrderCounters {
                    lost: *lost,
                    late: *late,
                    duplicate: *duplicate,
                    reordered: *reordered,
                    restarts: *restarts
                },
                "{what}"
            );
        }
    }

    #[test]
    fn a_flood_behind_a_hole_ends_the_wait() {
        let now = Instant::now();
        let (mut window, mut out) = (Reorder::default(), Vec::new());
        window.push(0, (), now, &mut out);
        for sequence in 2..40u16 {
            window.push(sequence, (), now, &mut out);
            assert!(window.held() <= MAX_HELD);
        }
        assert_eq!(window.counters().lost, 1);
        assert_eq!(out.len(), 39);
    }

    proptest! {
        /// Whatever order packets come in, as long as none is more than [`MAX_HELD`] out of place and all come at once,
        /// they come out in order and complete.
        #[test]
        fn disorder_within_the_window_is_undone(first in any::<u16>(), keys in proptest::collection::vec(0u64..14, 1..300)) {
            let mut numbers: Vec<u64> = (0..keys.len() as u64).collect();
            numbers.sort_by_key(|&n| (n + keys[usize::try_from(n).unwrap()], n));
            // The first one must be the first: before it nothing is known.
            numbers.retain(|&n| n != 0);
            numbers.insert(0, 0);
            let now = Instant::now();
            let (mut window, mut out) = (Reorder::default(), Vec::new());
            for &n in &numbers {
                window.push(first.wrapping_add(n as u16), n, now, &mut out);
            }
            window.flush(&mut out);
            let got: Vec<u64> = out.iter().map(|o| o.packet).collect();
            prop_assert_eq!(got, (0..keys.len() as u64).collect::<Vec<_>>());
            prop_assert!(out.iter().all(|o| o.lost_before == 0));
        }

        /// Every packet is handed on, held or counted, in rising order between restarts, and little is held.
        #[test]
        fn nothing_vanishes(packets in proptest::collection::vec((any::<u16>(), 0u64..100), 1..200)) {
            let start = Instant::now();
            let (mut window, mut out, mut ms) = (Reorder::default(), Vec::new(), 0);
            for (n, &(sequence, wait)) in packets.iter().enumerate() {
                ms += wait;
                // Mostly near each other, sometimes anywhere.
                let sequence = if n % 7 == 0 { sequence } else { sequence % 50 };
                window.push(sequence, n, start + Duration::from_millis(ms), &mut out);
                prop_assert!(window.held() <= MAX_HELD);
                let c = window.counters();
                prop_assert_eq!(out.len() as u64 + c.late + c.duplicate + window.held() as u64, n as u64 + 1);
            }
        }
    }
}
