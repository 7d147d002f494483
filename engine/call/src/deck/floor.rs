//! Who has the floor: no card appears while the rep is speaking.

use crate::time::MediaTime;

/// Nobody speaks this long, in ms, without a pause: people breathe every 2 to 4 seconds of speech, and in the fixture
/// calls no stretch between pauses of 300 ms is longer than six seconds. What goes on for longer is noise, or the buyer's
/// voice in the rep's microphone, and keeps no card back until it pauses. Shorter than a card waits, so that noise alone
/// never costs one.
pub(super) const LONGEST_STRETCH_MS: u64 = 12_000;

/// What is known of the rep's speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Floor {
    stretch: Option<Stretch>,
}

/// Speech without a pause in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    since: MediaTime,
    until: MediaTime,
}

impl Floor {
    /// The rep was heard speaking up to `until`. A silence of `pause_ms` or more is a pause.
    pub fn spoke(&mut self, until: MediaTime, pause_ms: u64) {
        self.stretch = Some(match self.stretch {
            Some(s) if until.ms_since(s.until) < pause_ms => Stretch { until: s.until.max(until), ..s },
            _ => Stretch { since: until, until },
        });
    }

    /// When the rep will have paused if nothing more is heard; `None` if the rep never spoke.
    pub fn free_at(&self, pause_ms: u64) -> Option<MediaTime> {
        let s = self.stretch?;
        Some(s.until.plus_ms(pause_ms).min(s.since.plus_ms(LONGEST_STRETCH_MS)))
    }

    /// Whether the rep is speaking at `at`.
    pub fn is_taken(&self, at: MediaTime, pause_ms: u64) -> bool {
        self.free_at(pause_ms).is_some_and(|free| at < free)
    }
}

#[cfg(test)]
// Stretches of speech, of which there may be one.
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    const PAUSE_MS: u64 = 300;

    fn ms(ms: u64) -> MediaTime {
        MediaTime::from_ms(ms)
    }

    /// A rep who speaks in every frame of these stretches, in ms.
    fn speaking(stretches: &[std::ops::Range<u64>]) -> Floor {
        let mut floor = Floor::default();
        for at in stretches.iter().cloned().flat_map(|s| s.step_by(20)) {
            floor.spoke(ms(at), PAUSE_MS);
        }
        floor
    }

    #[test]
    fn a_pause_frees_the_floor_and_a_breath_does_not() {
        assert!(!Floor::default().is_taken(ms(0), PAUSE_MS));
        let floor = speaking(&[1_000..2_001]);
        assert!(floor.is_taken(ms(2_299), PAUSE_MS));
        assert!(!floor.is_taken(ms(2_300), PAUSE_MS));
        assert_eq!(speaking(&[1_000..2_001, 2_200..2_301]).free_at(PAUSE_MS), Some(ms(2_600)));
    }

    #[test]
    fn what_never_pauses_is_no_speech() {
        let floor = speaking(&[1_000..60_001]);
        assert!(floor.is_taken(ms(1_000 + LONGEST_STRETCH_MS - 1), PAUSE_MS));
        assert!(!floor.is_taken(ms(60_000), PAUSE_MS));
        let pauses_once = speaking(&[1_000..30_001, 30_300..30_401]);
        assert!(pauses_once.is_taken(ms(30_400), PAUSE_MS), "a pause begins a new stretch");
    }

    #[test]
    fn words_that_come_late_do_not_turn_it_back() {
        let mut floor = speaking(&[1_000..2_001]);
        floor.spoke(ms(1_500), PAUSE_MS);
        assert_eq!(floor.free_at(PAUSE_MS), Some(ms(2_300)));
    }

    #[test]
    fn without_a_pause_to_wait_for_nothing_waits() {
        let mut floor = Floor::default();
        floor.spoke(ms(1_000), 0);
        assert!(!floor.is_taken(ms(1_000), 0));
    }
}
