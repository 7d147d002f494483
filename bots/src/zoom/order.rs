//! Audio messages of one participant put in order within a bounded window, and Zoom's clock kept in bounds. No IO.

use std::collections::BTreeMap;

/// Most messages held back: a message is overtaken by one or two others, never by more on one connection.
const MAX_HELD: usize = 3;
/// Least time a message waits for the one before it, in ms: three messages of 20 ms.
const MIN_HOLD_MS: u64 = 60;
/// How far a time of Zoom's may be from what is expected after the last one, in ms. Zoom's servers keep Unix time; a message is
/// at most some seconds late.
const MAX_DRIFT_MS: u64 = 30_000;
/// So many messages in a row with strange times, and the clock is set anew.
const STRANGE: u32 = 5;

/// A message that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// Time of its first sample, in ms.
    pub at_ms: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, now or soon.
    Taken,
    /// It came before.
    Duplicate,
    /// Its place is gone.
    Late,
}

struct Held {
    arrived_ms: u64,
    length_ms: u64,
    data: Vec<u8>,
}

/// Puts the messages of one participant in order. A message that follows on goes on at once; one that leaves a hole waits
/// a little for what may fill it.
pub struct Order {
    hold_ms: u64,
    held: BTreeMap<u64, Held>,
    /// Beginning and end of the last message that went on, in ms.
    last: Option<(u64, u64)>,
}

impl Order {
    /// For messages of `send_rate_ms` each.
    #[must_use]
    pub fn new(send_rate_ms: u64) -> Self {
        Self { hold_ms: MIN_HOLD_MS.max(send_rate_ms + 40), held: BTreeMap::new(), last: None }
    }

    /// Takes a message of `length_ms` that begins at `at_ms`; what may go on is added to `out`.
    pub fn push(&mut self, at_ms: u64, length_ms: u64, data: Vec<u8>, now_ms: u64, out: &mut Vec<Ordered>) -> Verdict {
        if let Some((start, _)) = self.last
            && at_ms <= start
        {
            return if at_ms == start { Verdict::Duplicate } else { Verdict::Late };
        }
        if self.held.contains_key(&at_ms) {
            return Verdict::Duplicate;
        }
        self.held.insert(at_ms, Held { arrived_ms: now_ms, length_ms, data });
        self.release(now_ms, out);
        Verdict::Taken
    }

    /// Lets go on what has waited long enough.
    pub fn release(&mut self, now_ms: u64, out: &mut Vec<Ordered>) {
        while let Some(first) = self.held.first_entry() {
            let held = first.get();
            // Zoom's times may be off by some ms; a message that is missing leaves at least its own length.
            let slack = held.length_ms * 3 / 4;
            let follows = self.last.is_some_and(|(_, end)| *first.key() <= end + slack);
            let waited = now_ms.saturating_sub(held.arrived_ms) >= self.hold_ms;
            if !follows && !waited && self.held.len() < MAX_HELD {
                break;
            }
            self.take_first(out);
        }
    }

    /// Lets everything go on.
    pub fn flush(&mut self, out: &mut Vec<Ordered>) {
        while !self.held.is_empty() {
            self.take_first(out);
        }
    }

    fn take_first(&mut self, out: &mut Vec<Ordered>) {
        if let Some((at_ms, held)) = self.held.pop_first() {
            self.last = Some((at_ms, at_ms + held.length_ms));
            out.push(Ordered { at_ms, data: held.data });
        }
    }
}

/// Zoom's clock, as far as it can be believed. A server that counts from somewhere else is followed after a few messages,
/// so that one wild number does not move the call's time by a year.
#[derive(Default)]
pub struct Clock {
    /// Zoom's time and ours of the last message that was believed, in ms, and what is added to Zoom's.
    set: Option<(u64, u64, i64)>,
    strange: u32,
}

impl Clock {
    /// The time of a message on one clock for the whole call, in ms. `None`: not to be believed.
    pub fn place(&mut self, at_ms: u64, now_ms: u64) -> Option<u64> {
        let Some((zoom, here, offset)) = self.set else {
            self.set = Some((at_ms, now_ms, 0));
            return Some(at_ms);
        };
        let expected = zoom.saturating_add(now_ms.saturating_sub(here));
        if at_ms.abs_diff(expected) <= MAX_DRIFT_MS {
            self.strange = 0;
            self.set = Some((at_ms, now_ms, offset));
            return at_ms.checked_add_signed(offset);
        }
        self.strange += 1;
        if self.strange < STRANGE {
            return None;
        }
        self.strange = 0;
        // From here on the new clock goes on where the old one would be now.
        let shifted = expected.checked_add_signed(offset)?;
        let offset = i64::try_from(i128::from(shifted) - i128::from(at_ms)).ok()?;
        self.set = Some((at_ms, now_ms, offset));
        Some(shifted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn push(order: &mut Order, at: u64, now: u64) -> (Verdict, Vec<u64>) {
        let mut out = Vec::new();
        let verdict = order.push(at, 20, vec![0; 4], now, &mut out);
        (verdict, out.iter().map(|o| o.at_ms).collect())
    }

    #[test]
    fn what_follows_on_goes_on_at_once() {
        let mut order = Order::new(20);
        // The first waits for what may come before it.
        assert_eq!(push(&mut order, 1_000, 0), (Verdict::Taken, vec![]));
        let mut out = Vec::new();
        order.release(60, &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(push(&mut order, 1_020, 61).1, [1_020]);
        // The clock may be off by some ms.
        assert_eq!(push(&mut order, 1_053, 80).1, [1_053]);
        assert_eq!(push(&mut order, 1_060, 100).1, [1_060]);
    }

    #[test]
    fn two_that_changed_places_are_put_right() {
        let mut order = Order::new(20);
        let mut out = Vec::new();
        order.push(1_000, 20, vec![], 0, &mut out);
        order.release(100, &mut out);
        assert_eq!(push(&mut order, 1_040, 100), (Verdict::Taken, vec![]));
        assert_eq!(push(&mut order, 1_020, 101).1, [1_020, 1_040]);
        assert_eq!(push(&mut order, 1_020, 102).0, Verdict::Late);
        assert_eq!(push(&mut order, 1_040, 102).0, Verdict::Duplicate);
    }

    #[test]
    fn a_hole_is_waited_for_but_not_for_long() {
        let mut order = Order::new(20);
        let mut out = Vec::new();
        order.push(1_000, 20, vec![], 0, &mut out);
        order.release(60, &mut out);
        assert_eq!(push(&mut order, 1_060, 60).1, [] as [u64; 0]);
        assert_eq!(push(&mut order, 1_060, 61).0, Verdict::Duplicate);
        assert_eq!(push(&mut order, 1_080, 80).1, [] as [u64; 0]);
        // The third in hand says that nothing comes any more.
        assert_eq!(push(&mut order, 1_100, 100).1, [1_060, 1_080, 1_100]);
        assert_eq!(push(&mut order, 1_040, 101).0, Verdict::Late);
    }

    proptest! {
        /// Whatever comes: times only go forward, nothing is made up, and little is held.
        #[test]
        fn out_of_it_comes_order(all in prop::collection::vec((0u64..5_000, 0u64..30), 0..200)) {
            let mut order = Order::new(20);
            let (mut out, mut now, mut taken) = (Vec::new(), 0, 0);
            for &(at, step) in &all {
                now += step;
                if order.push(at, 20, vec![1], now, &mut out) == Verdict::Taken {
                    taken += 1;
                }
                prop_assert!(order.held.len() < MAX_HELD);
            }
            order.flush(&mut out);
            prop_assert_eq!(out.len(), taken);
            prop_assert!(out.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
        }

        /// Neighbours that change places cost nothing, at any length of messages.
        #[test]
        fn swapped_neighbours_all_arrive(swaps in prop::collection::vec(any::<bool>(), 50), rate in 1u64..=50) {
            let rate = rate * 20;
            let mut times: Vec<u64> = (0..100).map(|n| 1_000 + n * rate).collect();
            for (pair, &swap) in swaps.iter().enumerate() {
                if swap {
                    times.swap(2 * pair, 2 * pair + 1);
                }
            }
            let mut order = Order::new(rate);
            let mut out = Vec::new();
            for (n, &at) in times.iter().enumerate() {
                order.push(at, rate, vec![], n as u64 * rate, &mut out);
            }
            order.flush(&mut out);
            prop_assert_eq!(out.len(), 100);
        }
    }

    #[test]
    fn one_wild_time_is_not_believed_but_a_new_clock_is() {
        let mut clock = Clock::default();
        assert_eq!(clock.place(1_700_000_000_000, 0), Some(1_700_000_000_000));
        assert_eq!(clock.place(9_000_000_000_000, 20), None);
        assert_eq!(clock.place(1_700_000_000_040, 40), Some(1_700_000_000_040));
        // Half a minute late is late; a server that counts from zero is another clock.
        assert_eq!(clock.place(1_700_000_000_060, 29_000), Some(1_700_000_000_060));
        for n in 0..4 {
            assert_eq!(clock.place(n * 20, 30_000 + n * 20), None);
        }
        assert_eq!(clock.place(80, 30_080), Some(1_700_000_001_140));
        assert_eq!(clock.place(100, 30_100), Some(1_700_000_001_160));
    }
}
