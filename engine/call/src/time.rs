//! Media time: the only clock the core knows, counted in audio, never read from the machine.

use serde::{Deserialize, Serialize};

/// Microseconds since the first sample of the call.
///
/// One sample at 16 kHz is 62.5 us, so every 20 ms frame edge is exact. There is no float and no epoch: a
/// `MediaTime` can be written down and read back on another machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(u64);

impl MediaTime {
    /// The first sample of the call.
    pub const ZERO: Self = Self(0);
    /// A time that never comes; used as "no deadline" in comparisons.
    pub const MAX: Self = Self(u64::MAX);

    /// From microseconds.
    #[must_use]
    pub const fn from_us(us: u64) -> Self {
        Self(us)
    }

    /// From milliseconds; saturates.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// Time at which sample number `samples` of a 16 kHz stream starts, rounded down to a microsecond.
    #[must_use]
    pub const fn from_samples_16k(samples: u64) -> Self {
        Self(samples.saturating_mul(125) / 2)
    }

    /// Microseconds since the start of the call.
    #[must_use]
    pub const fn us(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the start of the call, rounded down.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0 / 1_000
    }

    /// `self + us` microseconds; saturates.
    #[must_use]
    pub const fn plus_us(self, us: u64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// `self + ms` milliseconds; saturates.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        self.plus_us(ms.saturating_mul(1_000))
    }

    /// `self` plus the length of `samples` samples at 16 kHz, rounded down to a microsecond; saturates.
    #[must_use]
    pub const fn plus_samples_16k(self, samples: u64) -> Self {
        self.plus_us(Self::from_samples_16k(samples).us())
    }

    /// `self - ms` milliseconds, not before the start of the call.
    #[must_use]
    pub const fn minus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms.saturating_mul(1_000)))
    }

    /// Microseconds from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn us_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole milliseconds from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.us_since(earlier) / 1_000
    }
}

impl std::fmt::Display for MediaTime {
    /// `mm:ss.mmm`, or `h:mm:ss.mmm` past the hour.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.ms();
        let (h, m, s, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
        if h > 0 { write!(f, "{h}:{m:02}:{s:02}.{ms:03}") } else { write!(f, "{m:02}:{s:02}.{ms:03}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_edges_are_exact() {
        for n in 0..10_000u64 {
            assert_eq!(MediaTime::from_samples_16k(n * 320).us(), n * 20_000);
        }
    }

    #[test]
    fn displays_minutes_and_hours() {
        assert_eq!(MediaTime::from_ms(61_005).to_string(), "01:01.005");
        assert_eq!(MediaTime::from_ms(3_661_005).to_string(), "1:01:01.005");
    }
}
