//! When a call counts as behind: decided from its queue, told to the session as an input so that replay sees it too.

use std::time::{Duration, Instant};

use reframe_call::input::Load;

/// The queue must be over half full this long.
const BEHIND_FOR: Duration = Duration::from_secs(1);
/// And under half this long to be well again; longer, so that the state does not flutter.
const WELL_FOR: Duration = Duration::from_secs(3);

/// Watches one call's queue.
#[derive(Debug, Default)]
pub struct Overload {
    high: bool,
    since: Option<Instant>,
}

impl Overload {
    /// Takes how the queue looks now; gives the new level when it changes.
    pub fn observe(&mut self, over_half: bool, now: Instant) -> Option<Load> {
        if over_half == self.high {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let wait = if self.high { WELL_FOR } else { BEHIND_FOR };
        if now.saturating_duration_since(since) < wait {
            return None;
        }
        self.high = over_half;
        self.since = None;
        Some(if self.high { Load::High } else { Load::Normal })
    }

    /// Whether it counts as behind now.
    pub const fn is_high(&self) -> bool {
        self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_behind_is_high_and_three_seconds_well_is_normal() {
        let t0 = Instant::now();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut o = Overload::default();
        assert_eq!(o.observe(true, at(0)), None);
        assert_eq!(o.observe(false, at(900)), None, "a short burst does not count");
        assert_eq!(o.observe(true, at(1_000)), None);
        assert_eq!(o.observe(true, at(2_000)), Some(Load::High));
        assert_eq!(o.observe(false, at(2_100)), None);
        assert_eq!(o.observe(false, at(5_000)), None);
        assert_eq!(o.observe(false, at(5_100)), Some(Load::Normal));
    }
}
