//! RTP numbers of a line: where its sequence and its clock begin. No IO.

/// One participant's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Names the source of its packets.
    pub ssrc: u32,
    /// Its first sequence number.
    pub first_sequence: u16,
    /// The RTP time of its first sample.
    pub first_timestamp: u32,
}

/// A packet ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its place in the line; wraps.
    pub sequence: u16,
    /// RTP time of its first sample at 48 kHz; wraps.
    pub timestamp: u32,
    /// Begins to speak after silence.
    pub marker: bool,
    /// One Opus packet.
    pub payload: Vec<u8>,
}

impl Line {
    /// The line of participant `n`, beginning at arbitrary but repeatable numbers (RFC 3550 asks for arbitrary ones).
    #[must_use]
    pub fn new(seed: u64, n: usize) -> Self {
        let mut random = super::network::Random::new(seed ^ (n as u64 + 1).wrapping_mul(0x9e37_79b9));
        let (a, b) = (random.next(), random.next());
        // Zero is a source like any other, but some receivers take it for none.
        Self { ssrc: (a as u32).max(1), first_sequence: (a >> 32) as u16, first_timestamp: b as u32 }
    }

    /// The packet with the `count`-th number whose first sample lies at `start_us` from the first sample of the line.
    #[must_use]
    pub fn number(&self, count: u16, start_us: u64, payload: Vec<u8>) -> Numbered {
        // 48 samples per ms. Opus packets begin at multiples of 2.5 ms, so nothing is rounded away.
        let samples = (u128::from(start_us) * 48 / 1_000) as u64;
        Numbered {
            sequence: self.first_sequence.wrapping_add(count),
            timestamp: self.first_timestamp.wrapping_add(samples as u32),
            marker: count == 0 && start_us == 0,
            payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_and_lines_differ() {
        let line = Line { ssrc: 1, first_sequence: 65_535, first_timestamp: u32::MAX - 959 };
        let packets: Vec<_> = (0..3).map(|n| line.number(n, u64::from(n) * 20_000, vec![])).collect();
        assert_eq!(packets.iter().map(|p| p.sequence).collect::<Vec<_>>(), [65_535, 0, 1]);
        assert_eq!(packets.iter().map(|p| p.timestamp).collect::<Vec<_>>(), [u32::MAX - 959, 0, 960]);
        // A call of a day: 48,000 samples a second for 86,400 s, modulo 2^32.
        assert_eq!(line.number(0, 86_400_000_000, vec![]).timestamp, line.first_timestamp.wrapping_add(4_147_200_000));
        assert_ne!(Line::new(1, 0).ssrc, Line::new(1, 1).ssrc);
        assert_eq!(Line::new(1, 0), Line::new(1, 0));
    }
}
