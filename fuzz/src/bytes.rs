//! Makes choices out of fuzz bytes. When they run out, every choice is the first one.

/// Times that are anything at all stay below this, 35 years in microseconds: what comes from outside is held to a day by
/// the ingest, and the end of the numbers is not the end of a call.
const AGES_US: u64 = 1 << 50;

pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn below(&mut self, n: u8) -> u8 {
        self.byte() % n
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A time in microseconds: mostly near `near`, sometimes anything at all.
    pub fn time_us(&mut self, near: u64) -> u64 {
        match self.below(8) {
            0..=3 => near,
            4 => near.saturating_add(u64::from(self.u16())).min(AGES_US),
            5 => near.saturating_sub(u64::from(self.u16())),
            6 => near.saturating_add(u64::from(self.u16()) * 1_000).min(AGES_US),
            _ => self.u64() % AGES_US,
        }
    }
}
