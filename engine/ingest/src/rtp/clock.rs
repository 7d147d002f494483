//! RTP time to sender's time: one clock for all tracks of all sessions, so that they keep their places relative to each
//! other, and one that follows drift.

use std::time::{Duration, Instant};

/// Sender's time at the epoch, in microseconds: so far from 0 that no correction falls below it. A multiple of
/// [`GRID_US`].
const EPOCH_US: u64 = 3_600_000_000;
/// Tracks are anchored on multiples of this, and corrected in steps of it: the length of a frame, in microseconds.
///
/// All tracks then share one grid of frames. Without it, two people's frames would lie anywhere between each other, and the
/// order in which a call hears them (end of frame, track) would hang on a millisecond of scheduling; with it the same call
/// gives the same order in every run. An anchor moves by half a frame at most, less than what a network does to it.
pub const GRID_US: u64 = 20_000;
/// Drift beyond this is made good, in microseconds. A little more than half a step, so that a correction does not call for
/// its own opposite.
const CORRECT_FROM_US: i64 = 12_000;
/// After a beginning or a pause the place is checked against this, in microseconds: well above the jitter of a busy
/// machine, well below what a listener would notice.
const SETTLE_FROM_US: i64 = 30_000;
/// Every packet of a whole second came later than this, in microseconds: the sender lost time, as a busy machine does whose
/// microphone is not read. It is made good at once, or the others of the call would wait for this track again and again.
const LOST_TIME_US: i64 = 60_000;
/// How long it is checked then: packets, and time.
const SETTLE: (u32, Duration) = (10, Duration::from_millis(180));
/// Seconds over which the smallest delay is taken: long enough that some packet came without queueing.
const WINDOW_S: usize = 10;
/// RTP time that is off by more than this is not drift: the sender's clock began anew. In microseconds.
const RESTART_US: i64 = 5_000_000;

#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// RTP time, counted on past 32 bits.
    rtp: i64,
    us: u64,
}

/// The smallest delay of a while, against what the mapping expects, in microseconds.
#[derive(Debug, Default)]
struct Drift {
    /// Just after a beginning or a pause: since when, packets, smallest.
    settling: Option<(Instant, u32, i64)>,
    /// Smallest of each full second, newest last.
    seconds: Vec<i64>,
    /// The second in work: since when, smallest.
    second: Option<(Instant, i64)>,
}

impl Drift {
    fn settle(&mut self, now: Instant) {
        *self = Self { settling: Some((now, 0, i64::MAX)), seconds: Vec::new(), second: None };
    }

    /// Takes the delay of a packet; gives by how much the mapping should move.
    fn note(&mut self, off_us: i64, now: Instant) -> i64 {
        let grid = GRID_US.cast_signed();
        if let Some((since, packets, smallest)) = &mut self.settling {
            *packets += 1;
            *smallest = off_us.min(*smallest);
            if *packets < SETTLE.0 || now.saturating_duration_since(*since) < SETTLE.1 {
                return 0;
            }
            let off = *smallest;
            self.settling = None;
            return if off.abs() > SETTLE_FROM_US { (off + off.signum() * grid / 2) / grid * grid } else { 0 };
        }
        let (since, smallest) = self.second.get_or_insert((now, off_us));
        *smallest = off_us.min(*smallest);
        if now.saturating_duration_since(*since) < Duration::from_secs(1) {
            return 0;
        }
        let smallest = *smallest;
        self.second = None;
        if smallest > LOST_TIME_US {
            self.seconds.clear();
            return smallest / grid * grid;
        }
        self.seconds.push(smallest);
        if self.seconds.len() < WINDOW_S {
            return 0;
        }
        let off = self.seconds.iter().copied().min().unwrap_or(0);
        self.seconds.remove(0);
        if off.abs() <= CORRECT_FROM_US {
            return 0;
        }
        // One step at a time: more would be heard.
        let step = off.signum() * grid;
        self.seconds.iter_mut().for_each(|s| *s -= step);
        step
    }
}

/// The clock of one track.
#[derive(Debug)]
pub struct RtpClock {
    epoch: Instant,
    rate_hz: u32,
    /// Last RTP time, counted on past 32 bits.
    last: Option<i64>,
    anchor: Option<Anchor>,
    /// Sender's time just after the last packet.
    end_us: u64,
    drift: Drift,
    corrections: u64,
}

impl RtpClock {
    /// A clock; `epoch` must be the same for all tracks of all sessions that may meet in a call.
    #[must_use]
    pub fn new(epoch: Instant, rate_hz: u32) -> Self {
        Self {
            epoch,
            rate_hz: rate_hz.max(1),
            last: None,
            anchor: None,
            end_us: 0,
            drift: Drift::default(),
            corrections: 0,
        }
    }

    /// Times the mapping was moved, by drift or because the sender's clock began anew.
    #[must_use]
    pub const fn corrections(&self) -> u64 {
        self.corrections
    }

    /// The sender began anew, with any RTP time.
    pub const fn restart(&mut self) {
        self.last = None;
        self.anchor = None;
    }

    /// Nothing came for a while: a sender that stopped its clock meanwhile would show now.
    pub fn paused(&mut self, now: Instant) {
        self.drift.settle(now);
    }

    /// Sender's time in microseconds of a packet's first sample. Packets must come in order.
    pub fn place(&mut self, timestamp: u32, length_us: u64, arrived: Instant) -> u64 {
        let rtp = match self.last {
            None => i64::from(timestamp),
            // The difference fits 32 bits whichever way the circle was crossed.
            Some(last) => last + i64::from(timestamp.wrapping_sub(last as u32).cast_signed()),
        };
        self.last = Some(rtp);
        let arrived_us =
            EPOCH_US + u64::try_from(arrived.saturating_duration_since(self.epoch).as_micros()).unwrap_or(0);
        let off = |us: i64| arrived_us.cast_signed() - us - length_us.cast_signed();
        let mapped = self.anchor.map(|anchor| self.map(anchor, rtp)).filter(|&us| off(us).abs() <= RESTART_US);
        let us = match mapped {
            Some(us) => {
                let step = self.drift.note(off(us), arrived);
                if step != 0 {
                    self.corrections += 1;
                    if let Some(anchor) = &mut self.anchor {
                        anchor.us = anchor.us.saturating_add_signed(step);
                    }
                }
                us + step
            }
            None => {
                self.corrections += u64::from(self.anchor.is_some());
                // The last sample is as old as its way here; the first is older by the packet's length.
                let begun = arrived_us.saturating_sub(length_us);
                let us = ((begun + GRID_US / 2) / GRID_US * GRID_US).max(self.end_us.div_ceil(GRID_US) * GRID_US);
                self.anchor = Some(Anchor { rtp, us });
                self.drift.settle(arrived);
                us.cast_signed()
            }
        };
        let us = u64::try_from(us).unwrap_or(0);
        self.end_us = us + length_us;
        us
    }

    fn map(&self, anchor: Anchor, rtp: i64) -> i64 {
        let us = i128::from(rtp - anchor.rtp) * 1_000_000 / i128::from(self.rate_hz) + i128::from(anchor.us);
        i64::try_from(us).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: u64 = 20_000;

    struct Bench {
        clock: RtpClock,
        epoch: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let epoch = Instant::now();
            Self { clock: RtpClock::new(epoch, 48_000), epoch }
        }

        /// A packet that arrives `us` after the epoch; its place, counted from the epoch.
        fn at(&mut self, timestamp: u32, us: u64) -> i64 {
            let place = self.clock.place(timestamp, LENGTH, self.epoch + Duration::from_micros(us));
            place.cast_signed() - EPOCH_US.cast_signed()
        }
    }

    #[test]
    fn the_first_packet_lies_on_the_grid_and_the_rest_follows_rtp_time() {
        for (arrived, wanted) in [(100_000, 80_000), (109_900, 80_000), (110_100, 100_000), (20_000, 0)] {
            let mut b = Bench::new();
            assert_eq!(b.at(4_294_967_000, arrived), wanted);
            // Jitter does not show, and the 32 bits wrap on the way.
            assert_eq!(b.at(4_294_967_000u32.wrapping_add(960), arrived + 33_000), wanted + 20_000);
            assert_eq!(b.at(4_294_967_000u32.wrapping_add(1_920), arrived + 35_000), wanted + 40_000);
            assert_eq!(
                b.at(4_294_967_000u32.wrapping_add(1_920 + 48_000), arrived + 1_040_000),
                wanted + 1_040_000,
                "a pause"
            );
        }
    }

    #[test]
    fn drift_is_made_good_for_half_an_hour() {
        for ppm in [-200i64, -60, 60, 200] {
            let mut b = Bench::new();
            let (mut worst, mut steps, mut last) = (0, 0, None);
            for n in 0..90_000i64 {
                // The sender's crystal is off by so much; every third packet is queued for up to 15 ms.
                let sent_us = n * 20_000 * (1_000_000 + ppm) / 1_000_000;
                let jitter = if n % 3 == 0 { (n * 7_919) % 15_000 } else { 0 };
                let arrived = 1_000_000 + sent_us + jitter;
                let place = b.at((n as u32).wrapping_mul(960), arrived.cast_unsigned());
                worst = worst.max((place + LENGTH.cast_signed() - (1_000_000 + sent_us)).abs());
                let moved: i64 = last.map_or(0, |last| place - last - 20_000);
                assert!(moved % 20_000 == 0 && moved.abs() <= 20_000, "moved by {moved} us at once");
                steps += i64::from(moved != 0);
                last = Some(place);
            }
            assert!(worst <= 20_000, "{ppm} ppm: {worst} us off");
            let needed = 1_800 * ppm.abs() / 20_000;
            assert!((needed - 1..=needed + 1).contains(&steps), "{ppm} ppm: {steps} steps, {needed} are needed");
        }
    }

    #[test]
    fn jitter_alone_moves_nothing() {
        let mut b = Bench::new();
        for n in 0..10_000u64 {
            b.at(n as u32 * 960, 1_000_000 + n * 20_000 + (n * 104_729) % 100_000);
        }
        assert_eq!(b.clock.corrections(), 0);
    }

    #[test]
    fn a_first_packet_that_was_held_up_is_put_in_its_place_soon() {
        let mut b = Bench::new();
        b.at(0, 1_200_000);
        let mut last = 0;
        for n in 1..20u32 {
            last = b.at(n * 960, 1_000_000 + u64::from(n) * 20_000);
        }
        assert_eq!(last, 1_000_000 + 19 * 20_000 - 20_000);
        assert_eq!(b.clock.corrections(), 1);
    }

    #[test]
    fn a_clock_that_stood_still_during_a_pause_is_found_out() {
        let mut b = Bench::new();
        for n in 0..100u32 {
            b.at(n * 960, 1_000_000 + u64::from(n) * 20_000);
        }
        b.clock.paused(b.epoch + Duration::from_millis(3_200));
        let mut last = 0;
        for n in 100..150u32 {
            // Three seconds passed, and RTP time went on as if none had.
            last = b.at(n * 960, 4_000_000 + u64::from(n) * 20_000);
        }
        assert_eq!(last, 4_000_000 + 149 * 20_000 - 20_000);
    }

    #[test]
    fn a_sender_that_loses_time_bit_by_bit_is_caught_up_with() {
        let mut b = Bench::new();
        let (mut late, mut worst) = (0, 0);
        for n in 0..1_000u64 {
            // Ten stumbles of 30 ms within four seconds; none is a pause.
            late += if (100..300).contains(&n) && n % 20 == 0 { 30_000 } else { 0 };
            let arrived = 1_000_000 + n * 20_000 + late;
            let place = b.at(n as u32 * 960, arrived);
            if n > 400 {
                worst = worst.max((place + LENGTH.cast_signed() - arrived.cast_signed()).abs());
            }
        }
        assert!(worst <= LOST_TIME_US, "{worst} us off a second later");
        assert!(b.clock.corrections() >= 4, "{}", b.clock.corrections());
    }

    #[test]
    fn a_clock_that_begins_anew_does_not_go_back() {
        let mut b = Bench::new();
        let first = b.at(1_000_000_000, 1_000_000);
        let second = b.at(5, 1_020_000);
        assert_eq!(second, first + 20_000);
        assert_eq!(b.clock.corrections(), 1);
    }

    proptest! {
        #[test]
        fn nothing_panics(packets in proptest::collection::vec((any::<u32>(), 0u64..1_000_000_000, 0u64..200_000), 1..100), rate in any::<u32>()) {
            let epoch = Instant::now();
            let mut clock = RtpClock::new(epoch, rate);
            for (n, (timestamp, us, length)) in packets.into_iter().enumerate() {
                let now = epoch + Duration::from_micros(us);
                if n % 11 == 10 { clock.paused(now) }
                if n % 23 == 22 { clock.restart() }
                clock.place(timestamp, length, now);
            }
        }
    }
}
