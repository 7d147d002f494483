//! How much of the rep's attention cards may take.

use std::collections::VecDeque;

use crate::time::MediaTime;

/// The window the budget is for, in ms of media time.
pub(super) const WINDOW_MS: u64 = 10 * 60 * 1_000;

/// When cards came up that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    shown: VecDeque<MediaTime>,
}

impl Budget {
    /// A card came up at `at`.
    pub fn spend(&mut self, at: MediaTime) {
        while self.shown.front().is_some_and(|t| at.ms_since(*t) >= WINDOW_MS) {
            self.shown.pop_front();
        }
        self.shown.push_back(at);
    }

    /// Why no further card may come at `at`, in words, if `max` may come within the window and `waiting` are on their way.
    pub fn refuses(&self, max: u32, waiting: usize, at: MediaTime) -> Option<String> {
        let recent = self.shown.iter().filter(|t| at.ms_since(**t) < WINDOW_MS).count();
        (recent + waiting >= max as usize).then(|| match waiting {
            0 => format!("budget: {recent} cards in the last 10 minutes"),
            _ => format!("budget: {recent} cards in the last 10 minutes, {waiting} waiting"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let mut budget = Budget::default();
        for minute in [0, 4] {
            budget.spend(MediaTime::from_ms(minute * 60_000));
        }
        let at = |ms: u64| budget.refuses(2, 0, MediaTime::from_ms(ms));
        assert_eq!(at(599_999).as_deref(), Some("budget: 2 cards in the last 10 minutes"));
        assert_eq!(at(600_000), None);
        let waiting = budget.refuses(2, 1, MediaTime::from_ms(600_000));
        assert_eq!(waiting.as_deref(), Some("budget: 1 cards in the last 10 minutes, 1 waiting"));
    }
}
