//! How much audio a live call may send: two leaky buckets, and the point at which patience ends. The caller brings the time.

use std::time::{Duration, Instant};

/// What a live connection may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitConfig {
    /// Audio per wall time, over all tracks, in multiples of real time per track. Default 4: a bot that was held up may
    /// catch up, a recording must say `"mode": "recorded"`.
    pub speed: f64,
    /// Audio a track may be ahead at once, in ms. Default 10 s.
    pub burst_ms: u64,
    /// Bytes per second over all tracks. Default 1 MB/s: ten tracks of 48 kHz PCM.
    pub bytes_per_s: u64,
    /// Bytes at once. Default 4 MB.
    pub burst_bytes: u64,
    /// Sending too much for this long ends the connection. Default 3 s.
    pub patience: Duration,
}

impl LimitConfig {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        speed: 4.0,
        burst_ms: 10_000,
        bytes_per_s: 1_000_000,
        burst_bytes: 4_000_000,
        patience: Duration::from_secs(3),
    };
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// May this packet in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Pass,
    /// No: throw it away and count it.
    Drop,
    /// No, and it has been so for too long: close.
    Close,
}

/// The limit of one connection.
#[derive(Clone, Debug)]
pub struct Limiter {
    config: LimitConfig,
    last: Instant,
    /// Audio that may still pass now, in us times tracks.
    audio_us: f64,
    bytes: f64,
    /// Since when packets are dropped, and when the last one was.
    dropping: Option<(Instant, Instant)>,
}

impl Limiter {
    /// A limiter whose buckets are full.
    #[must_use]
    pub fn new(config: LimitConfig, tracks: usize, now: Instant) -> Self {
        Self {
            config,
            last: now,
            audio_us: config.burst_ms as f64 * 1_000.0 * tracks.max(1) as f64,
            bytes: config.burst_bytes as f64,
            dropping: None,
        }
    }

    /// Judges a packet of `bytes` with `length_us` of audio in a call of `tracks` tracks.
    pub fn judge(&mut self, bytes: usize, length_us: u64, tracks: usize, now: Instant) -> Verdict {
        let tracks = tracks.max(1) as f64;
        let passed = now.saturating_duration_since(self.last).as_secs_f64();
        self.last = now;
        let audio_cap = self.config.burst_ms as f64 * 1_000.0 * tracks;
        self.audio_us = (self.audio_us + passed * 1_000_000.0 * self.config.speed * tracks).min(audio_cap);
        let bytes_cap = self.config.burst_bytes as f64;
        self.bytes = (self.bytes + passed * self.config.bytes_per_s as f64).min(bytes_cap);
        if self.audio_us >= length_us as f64 && self.bytes >= bytes as f64 {
            self.audio_us -= length_us as f64;
            self.bytes -= bytes as f64;
            // A second without a drop and it is forgiven.
            if self.dropping.is_some_and(|(_, last)| now.saturating_duration_since(last) > Duration::from_secs(1)) {
                self.dropping = None;
            }
            return Verdict::Pass;
        }
        let (since, _) = self.dropping.unwrap_or((now, now));
        self.dropping = Some((since, now));
        if now.saturating_duration_since(since) >= self.config.patience { Verdict::Close } else { Verdict::Drop }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_passes_for_ever() {
        let start = Instant::now();
        let mut limiter = Limiter::new(LimitConfig::default(), 2, start);
        for n in 0..100_000u64 {
            let now = start + Duration::from_millis(n * 10);
            assert_eq!(limiter.judge(1_920, 20_000, 2, now), Verdict::Pass, "packet {n}");
        }
    }

    #[test]
    fn a_burst_passes_a_flood_is_dropped_and_then_closed() {
        let start = Instant::now();
        let mut limiter = Limiter::new(LimitConfig::default(), 1, start);
        let at = |ms: u64| start + Duration::from_millis(ms);
        for _ in 0..500 {
            assert_eq!(limiter.judge(640, 20_000, 1, at(0)), Verdict::Pass);
        }
        assert_eq!(limiter.judge(640, 20_000, 1, at(0)), Verdict::Drop);
        assert_eq!(limiter.judge(640, 20_000, 1, at(2_000)), Verdict::Pass, "it has leaked since");
        // 100 MB/s in messages of 100 kB: one a ms.
        let mut verdicts = Vec::new();
        for ms in 10_000..14_000 {
            verdicts.push(limiter.judge(100_000, 1_000_000, 1, at(ms)));
        }
        let passed = verdicts.iter().filter(|v| **v == Verdict::Pass).count();
        assert!(passed < 30, "{passed} passed");
        assert_eq!(verdicts.last(), Some(&Verdict::Close));
        assert_eq!(verdicts[2_900], Verdict::Drop);
    }
}
