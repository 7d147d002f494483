//! The only place where senders' time, this machine's time and media time meet.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use reframe_call::{audio::TrackId, time::MediaTime};

/// While sequence numbers are unbroken, a timestamp may differ from the count of samples by this much, in microseconds,
/// and still follow on: a sender's clock drifts (50 ppm is 40 ms in 13 minutes) or is read when the packet is sent. What
/// has added up is made good at the next gap.
pub const SLACK_US: u64 = 40_000;
/// The same for timestamps that count samples exactly: only what a sender rounds, at most to milliseconds, and what two
/// clocks drift apart in minutes. A step of half a packet is one on purpose.
pub const EXACT_SLACK_US: u64 = 5_000;
/// No call is longer than a day; a packet that claims to be later is dropped.
pub const MAX_CALL_US: u64 = 24 * 3_600 * 1_000_000;
/// In a live call a timestamp may run ahead of this machine's clock by this much before it is taken for a clock that
/// was set anew.
const MAX_AHEAD_US: u64 = 60_000_000;
/// After this many packets in a row from before the present, the sender's clock is taken to have started afresh.
const MAX_LATE_RUN: u32 = 50;

/// What the clock says about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It belongs here.
    At {
        /// Media time of its first sample.
        at: MediaTime,
        /// Packets missing just before it, if the transport has numbers.
        lost_before: Option<u32>,
    },
    /// Its number came before.
    Duplicate,
    /// It lies outside any call.
    OutOfRange,
}

struct Track {
    last_sequence: Option<u16>,
    /// Sender's time just after the last packet, by count of samples.
    next_sender_us: u64,
    /// Media time just after the last packet.
    next_media_us: u64,
    /// Length of the last packet: the best guess for one that cannot be read.
    last_length_us: u64,
    late_run: u32,
}

/// Maps each sender's timestamps to media time. The first packet of a live call is media time zero; all tracks of a
/// connection share the sender's clock, so they keep their places relative to each other.
pub struct CallClock {
    /// In a recording, sender's time counts from its beginning and is media time.
    recorded: bool,
    /// Media time of a live call's first packet: 0, or where a call stood that goes on after a restart.
    starts_at_us: u64,
    /// `media = sender + offset`; set by the first packet.
    offset_us: Option<i128>,
    /// Arrival and media time of the packet that anchored the clock.
    anchor: Option<(Instant, u64)>,
    /// Latest media time placed so far, and when.
    latest: Option<(Instant, u64)>,
    resumed: bool,
    tracks: BTreeMap<TrackId, Track>,
    reanchored: u64,
}

impl CallClock {
    /// A clock for one call.
    #[must_use]
    pub const fn new(recorded: bool) -> Self {
        Self::starting_at(recorded, MediaTime::ZERO)
    }

    /// A clock for a call whose audio goes on at `start`: the server was restarted in the middle of it.
    #[must_use]
    pub const fn starting_at(recorded: bool, start: MediaTime) -> Self {
        Self {
            recorded,
            starts_at_us: start.us(),
            offset_us: None,
            anchor: None,
            latest: None,
            resumed: false,
            tracks: BTreeMap::new(),
            reanchored: 0,
        }
    }

    /// How often the sender's clock was found to have started afresh.
    #[must_use]
    pub const fn reanchored(&self) -> u64 {
        self.reanchored
    }

    /// The connection broke and is back: numbers start afresh, and timestamps may.
    pub fn resume(&mut self) {
        self.resumed = true;
        for track in self.tracks.values_mut() {
            track.last_sequence = None;
        }
    }

    /// Media time of a sender's timestamp, if the call has begun.
    #[must_use]
    pub fn media(&self, sender_us: u64) -> Option<MediaTime> {
        let media = if self.recorded { i128::from(sender_us) } else { i128::from(sender_us) + self.offset_us? };
        Some(MediaTime::from_us(u64::try_from(media.max(0)).unwrap_or(u64::MAX).min(MAX_CALL_US)))
    }

    /// Media time it is now, by this machine's clock: for clicks, and for telling a clock that was set anew.
    #[must_use]
    pub fn now(&self, now: Instant) -> Option<MediaTime> {
        let (arrived, media_us) = self.anchor?;
        Some(MediaTime::from_us(media_us + duration_us(now.saturating_duration_since(arrived))))
    }

    /// Places a packet of `length_us` (`None` if it cannot be read). `exact`: its timestamp counts samples.
    pub fn place(
        &mut self,
        track: TrackId,
        sequence: Option<u16>,
        sender_us: u64,
        exact: bool,
        length_us: Option<u64>,
        arrived: Instant,
    ) -> Placed {
        let slack_us = if exact { EXACT_SLACK_US } else { SLACK_US };
        let length_us = length_us.or_else(|| Some(self.tracks.get(&track)?.last_length_us)).unwrap_or(0);
        self.anchor_call(sender_us, length_us, arrived);
        let Some(mut media_us) = self.media(sender_us).map(MediaTime::us) else { return Placed::OutOfRange };

        let mut lost_before = None;
        if let Some(state) = self.tracks.get_mut(&track) {
            let step = match (state.last_sequence, sequence) {
                (Some(last), Some(now)) => Some(now.wrapping_sub(last)),
                _ => None,
            };
            if step == Some(0) {
                return Placed::Duplicate;
            }
            // More than half the circle back is a late packet, not 40,000 lost ones.
            lost_before = step.map(|step| if step < 0x8000 { u32::from(step) - 1 } else { 0 });
            let off = sender_us.abs_diff(state.next_sender_us);
            if step == Some(1) && off < slack_us {
                media_us = state.next_media_us;
            } else if sender_us < state.next_sender_us && off >= slack_us {
                state.late_run += 1;
                let restarted = step == Some(1) && off > 1_000_000;
                if !self.recorded && (restarted || state.late_run > MAX_LATE_RUN) {
                    let to = state.next_media_us;
                    self.reanchor(sender_us, to, arrived);
                    media_us = to;
                }
            }
        }
        if !self.recorded
            && let Some(now) = self.now(arrived)
            && media_us > now.us() + MAX_AHEAD_US
        {
            let to = self.latest.map_or(0, |(at, us)| us + duration_us(arrived.saturating_duration_since(at)));
            self.reanchor(sender_us, to, arrived);
            media_us = to;
        }
        if media_us >= MAX_CALL_US {
            return Placed::OutOfRange;
        }
        self.follow(track, sequence, sender_us, media_us, length_us);
        if self.latest.is_none_or(|(_, us)| us < media_us + length_us) {
            self.latest = Some((arrived, media_us + length_us));
        }
        Placed::At { at: MediaTime::from_us(media_us), lost_before }
    }

    /// Places words said from `start_us` to `end_us`. If nothing came before, they tell the call's time: the last of them
    /// ended when they arrived. Times outside the call are clamped; the end is never before the start.
    pub fn place_words(&mut self, start_us: u64, end_us: u64, arrived: Instant) -> (MediaTime, MediaTime) {
        let end_us = end_us.max(start_us);
        let length_us = (end_us - start_us).min(MAX_CALL_US);
        self.anchor_call(start_us, length_us, arrived);
        let latest = match self.now(arrived) {
            // Nobody has said what is yet to come: a clock that is far off, or was set anew.
            Some(now) if !self.recorded => now.us().saturating_add(MAX_AHEAD_US).min(MAX_CALL_US),
            _ => MAX_CALL_US,
        };
        let clamp = |us| {
            let media = self.media(us).unwrap_or_default();
            if media.us() > latest { self.now(arrived).unwrap_or(media).min(MediaTime::from_us(latest)) } else { media }
        };
        let (start, end) = (clamp(start_us), clamp(end_us));
        if self.latest.is_none_or(|(_, us)| us < end.us()) {
            self.latest = Some((arrived, end.us()));
        }
        (start.min(end), end)
    }

    /// The sender announced that `track` is silent up to `sender_us`. Returns the media time of that, if the call has
    /// begun, and if it is no mistake: a live call is not silent for an hour that has not passed.
    pub fn skip_to(&mut self, track: TrackId, sender_us: u64, arrived: Instant) -> Option<MediaTime> {
        let media = self.media(sender_us)?;
        let latest = if self.recorded { None } else { self.now(arrived) };
        if latest.is_some_and(|now| media.us() > now.us() + MAX_AHEAD_US) {
            return None;
        }
        if let Some(state) = self.tracks.get_mut(&track)
            && media.us() > state.next_media_us
        {
            state.next_sender_us = sender_us;
            state.next_media_us = media.us();
        }
        Some(media)
    }

    fn anchor_call(&mut self, sender_us: u64, length_us: u64, arrived: Instant) {
        if self.offset_us.is_none() {
            self.offset_us = Some(i128::from(self.starts_at_us) - i128::from(sender_us));
            let media_us = if self.recorded { sender_us } else { self.starts_at_us };
            // The last sample of a packet is as old as its way to us; the first is older by the packet's length.
            self.anchor = Some((arrived, media_us.saturating_add(length_us)));
        } else if std::mem::take(&mut self.resumed)
            && !self.recorded
            && let Some((at, us)) = self.latest
        {
            // A sender that kept running kept its clock; one that was restarted did not.
            let expected = us + duration_us(arrived.saturating_duration_since(at));
            let claimed = self.media(sender_us).map_or(0, MediaTime::us);
            if claimed.abs_diff(expected) > 5_000_000 {
                self.reanchor(sender_us, expected, arrived);
            }
        }
    }

    /// From now on `sender_us` is media time `media_us`.
    fn reanchor(&mut self, sender_us: u64, media_us: u64, arrived: Instant) {
        self.reanchored += 1;
        self.offset_us = Some(i128::from(media_us) - i128::from(sender_us));
        self.anchor = Some((arrived, media_us));
        for track in self.tracks.values_mut() {
            track.next_sender_us = sender_us;
            track.next_media_us = track.next_media_us.max(media_us);
            track.late_run = 0;
        }
    }

    fn follow(&mut self, track: TrackId, sequence: Option<u16>, sender_us: u64, media_us: u64, length_us: u64) {
        let counted = self.tracks.get(&track).is_some_and(|t| t.next_media_us == media_us);
        let state = self.tracks.entry(track).or_insert(Track {
            last_sequence: None,
            next_sender_us: sender_us,
            next_media_us: media_us,
            last_length_us: length_us,
            late_run: 0,
        });
        let end_media_us = media_us + length_us;
        if end_media_us < state.next_media_us {
            // Late: it does not move the track back.
            return;
        }
        state.late_run = 0;
        state.last_length_us = length_us;
        state.last_sequence = sequence;
        // While counted, the sender's time is counted too, so that drift adds up until it is made good.
        let from_us = if counted { state.next_sender_us } else { sender_us };
        state.next_sender_us = from_us.saturating_add(length_us);
        state.next_media_us = end_media_us;
    }
}

fn duration_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(MAX_CALL_US)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REP: TrackId = TrackId(0);
    const BUYER: TrackId = TrackId(1);

    struct Sender {
        clock: CallClock,
        start: Instant,
    }

    impl Sender {
        fn new() -> Self {
            Self { clock: CallClock::new(false), start: Instant::now() }
        }

        /// A packet of 20 ms that arrives `arrived_ms` after the start.
        fn packet(&mut self, track: TrackId, sequence: u16, sender_us: u64, arrived_ms: u64) -> Placed {
            let arrived = self.start + Duration::from_millis(arrived_ms);
            self.clock.place(track, Some(sequence), sender_us, false, Some(20_000), arrived)
        }
    }

    fn at(us: u64, lost: Option<u32>) -> Placed {
        Placed::At { at: MediaTime::from_us(us), lost_before: lost }
    }

    #[test]
    fn the_first_packet_is_zero_and_tracks_keep_their_places() {
        let mut s = Sender::new();
        assert_eq!(s.packet(REP, 9, 5_000_000, 0), at(0, None));
        assert_eq!(s.packet(BUYER, 1, 5_013_000, 1), at(13_000, None));
        assert_eq!(s.packet(REP, 10, 5_020_000, 20), at(20_000, Some(0)));
        assert_eq!(s.packet(BUYER, 2, 5_033_000, 21), at(33_000, Some(0)));
    }

    #[test]
    fn jitter_of_timestamps_is_counted_away_and_losses_are_exact() {
        let mut s = Sender::new();
        s.packet(REP, 0, 0, 0);
        assert_eq!(s.packet(REP, 1, 31_000, 20), at(20_000, Some(0)), "11 ms of jitter");
        assert_eq!(s.packet(REP, 2, 38_000, 40), at(40_000, Some(0)));
        assert_eq!(s.packet(REP, 5, 100_000, 100), at(100_000, Some(2)), "two lost");
        assert_eq!(s.packet(REP, 5, 100_000, 100), Placed::Duplicate);
        assert_eq!(s.packet(REP, 65_535, 60_000, 101), at(60_000, Some(0)), "late: the pipeline drops it");
        assert_eq!(s.packet(REP, 6, 120_000, 120), at(120_000, Some(0)));
    }

    #[test]
    fn drift_is_made_good_in_one_step_once_it_shows() {
        let mut s = Sender::new();
        let (mut worst, mut steps) = (0u64, 0);
        for n in 0..20_000u64 {
            // 1,000 ppm fast.
            let sender_us = n * 20_020;
            let Placed::At { at, .. } = s.packet(REP, n as u16, sender_us, n * 20) else { panic!() };
            worst = worst.max(at.us().abs_diff(sender_us));
            steps += u32::from(n > 0 && at.us() == sender_us);
        }
        assert!(worst < SLACK_US, "{worst}");
        assert!((5..20).contains(&steps), "{steps} steps in 400 s");
    }

    #[test]
    fn rubbish_and_announced_gaps_do_not_shift_what_follows() {
        let mut s = Sender::new();
        s.packet(REP, 0, 0, 0);
        s.clock.place(REP, Some(1), 20_000, false, None, s.start);
        assert_eq!(s.packet(REP, 2, 40_000, 40), at(40_000, Some(0)), "after a packet of unknown length");
        assert_eq!(s.clock.skip_to(REP, 90_000, s.start), Some(MediaTime::from_us(90_000)));
        assert_eq!(s.packet(REP, 3, 90_000, 90), at(90_000, Some(0)), "after a gap of 30 ms");
    }

    #[test]
    fn a_gap_that_ends_far_ahead_is_a_mistake_in_a_live_call() {
        let mut s = Sender::new();
        s.packet(REP, 0, 0, 0);
        assert_eq!(s.clock.skip_to(REP, 7_200_000_000, s.start), None);
        assert_eq!(s.packet(REP, 1, 20_000, 20), at(20_000, Some(0)), "the track goes on");
        assert_eq!(
            s.clock.skip_to(REP, 30_000_000, s.start),
            Some(MediaTime::from_us(30_000_000)),
            "half a minute may be"
        );
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut s = Sender::new();
        s.packet(REP, 65_535, 0, 0);
        assert_eq!(s.packet(REP, 0, 20_000, 20), at(20_000, Some(0)));
        assert_eq!(s.packet(REP, 2, 60_000, 60), at(60_000, Some(1)));
    }

    #[test]
    fn a_clock_set_back_does_not_silence_the_track() {
        let mut s = Sender::new();
        for n in 0..10u64 {
            s.packet(REP, n as u16, 9_000_000 + n * 20_000, n * 20);
        }
        assert_eq!(s.packet(REP, 10, 0, 200), at(200_000, Some(0)));
        assert_eq!(s.packet(REP, 11, 20_000, 220), at(220_000, Some(0)));
        assert_eq!(s.clock.reanchored(), 1);
    }

    #[test]
    fn a_clock_set_ahead_does_not_empty_the_call() {
        let mut s = Sender::new();
        for n in 0..10u64 {
            s.packet(REP, n as u16, n * 20_000, n * 20);
        }
        let Placed::At { at, .. } = s.packet(REP, 10, 7_200_000_000, 200) else { panic!() };
        assert!((200_000..260_000).contains(&at.us()), "{at}");
    }

    #[test]
    fn a_restarted_sender_goes_on_where_the_wall_is() {
        let mut s = Sender::new();
        for n in 0..100u64 {
            s.packet(REP, n as u16, 1_000_000_000 + n * 20_000, n * 20);
        }
        s.clock.resume();
        let Placed::At { at, lost_before } = s.packet(REP, 0, 0, 6_980) else { panic!() };
        assert_eq!(at.us(), 7_000_000, "2 s of call, then 5 s of break");
        assert_eq!(lost_before, None);
    }

    #[test]
    fn a_sender_that_kept_its_clock_keeps_its_place() {
        let mut s = Sender::new();
        for n in 0..100u64 {
            s.packet(REP, n as u16, n * 20_000, n * 20);
        }
        s.clock.resume();
        assert_eq!(s.packet(REP, 0, 7_123_000, 7_000), at(7_123_000, None));
    }

    proptest! {
        #[test]
        fn nothing_panics(packets in proptest::collection::vec((any::<u16>(), any::<u64>(), any::<Option<u64>>(), 0u64..10_000), 1..50), recorded in any::<bool>()) {
            let mut clock = CallClock::new(recorded);
            let start = Instant::now();
            for (n, (sequence, sender_us, length_us, ms)) in packets.into_iter().enumerate() {
                if n % 17 == 16 {
                    clock.resume();
                }
                let length_us = length_us.map(|l| l % 2_000_000);
                let arrived = start + Duration::from_millis(ms);
                if let Placed::At { at, .. } = clock.place(REP, Some(sequence), sender_us, n % 2 == 0, length_us, arrived) {
                    prop_assert!(at.us() < MAX_CALL_US);
                }
            }
        }
    }
}
