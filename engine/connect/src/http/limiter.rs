//! How much we may ask of a vendor: units within a window, counted on our side so that the vendor need not say stop.

use std::collections::VecDeque;

/// A vendor's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Units per window; a request costs one or more.
    pub units: u32,
    /// Length of the window, in ms.
    pub window_ms: u64,
}

/// What has been spent of an [`Allowance`]. Times are given, in ms of any clock that never goes back.
#[derive(Debug)]
pub struct Limiter {
    allowance: Allowance,
    spent: VecDeque<(u64, u32)>,
    paused_until_ms: u64,
}

impl Limiter {
    /// Nothing spent yet.
    #[must_use]
    pub const fn new(allowance: Allowance) -> Self {
        Self { allowance, spent: VecDeque::new(), paused_until_ms: 0 }
    }

    /// Spends `cost`, or says how long to wait first, in ms.
    ///
    /// # Errors
    /// The wait.
    pub fn take(&mut self, now_ms: u64, cost: u32) -> Result<(), u64> {
        if now_ms < self.paused_until_ms {
            return Err(self.paused_until_ms - now_ms);
        }
        let window = self.allowance.window_ms;
        while self.spent.front().is_some_and(|(at, _)| at + window <= now_ms) {
            self.spent.pop_front();
        }
        let used: u32 = self.spent.iter().map(|(_, cost)| cost).sum();
        let mut over = (used + cost).saturating_sub(self.allowance.units);
        // What costs more than all there is goes alone, or it would never go.
        if over == 0 || self.spent.is_empty() {
            self.spent.push_back((now_ms, cost));
            return Ok(());
        }
        let mut free_at = now_ms;
        for (at, cost) in &self.spent {
            free_at = at + window;
            over = over.saturating_sub(*cost);
            if over == 0 {
                break;
            }
        }
        Err(free_at - now_ms)
    }

    /// The vendor said stop: nothing goes out for `wait_ms`.
    pub fn pause(&mut self, now_ms: u64, wait_ms: u64) {
        self.paused_until_ms = self.paused_until_ms.max(now_ms.saturating_add(wait_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_allowed_in_any_window() {
        let mut limiter = Limiter::new(Allowance { units: 3, window_ms: 100 });
        assert_eq!([0, 10, 20].map(|t| limiter.take(t, 1)), [Ok(()); 3]);
        assert_eq!(limiter.take(30, 1), Err(70));
        assert_eq!(limiter.take(30, 2), Err(80));
        assert_eq!(limiter.take(100, 1), Ok(()));
        assert_eq!(limiter.take(105, 1), Err(5));
        // More than there is at all: when all is free.
        assert_eq!(limiter.take(150, 9), Err(50));
        assert_eq!(limiter.take(200, 9), Ok(()));
    }

    #[test]
    fn a_pause_holds_everything() {
        let mut limiter = Limiter::new(Allowance { units: 3, window_ms: 100 });
        limiter.pause(0, 50);
        limiter.pause(0, 10);
        assert_eq!(limiter.take(20, 1), Err(30));
        assert_eq!(limiter.take(50, 1), Ok(()));
    }
}
