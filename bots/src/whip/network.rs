//! A bad network, played: which packets are lost, which ones overtake each other, how unevenly they arrive. The same in
//! every run. No IO.

use std::collections::VecDeque;

/// How bad.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bad {
    /// Packets that are overtaken by the next one of their line, in percent.
    pub reorder_percent: f64,
    /// Most that the way delays a packet, in ms. Packets keep their order (they wait in line behind a slow one), so this
    /// alone reorders nothing.
    pub jitter_ms: u32,
    /// Decides which packets; the same in every run.
    pub seed: u64,
}

/// Delays and reorders packets of several lines.
pub struct Network<T> {
    bad: Bad,
    random: Random,
    /// When the last packet leaves, in microseconds.
    last_us: u64,
    /// A packet of each line that is to be overtaken.
    held: Vec<Option<T>>,
    out: VecDeque<(u64, usize, T)>,
}

impl<T> Network<T> {
    /// A network for so many lines.
    #[must_use]
    pub fn new(bad: Bad, lines: usize) -> Self {
        let held = (0..lines).map(|_| None).collect();
        Self { bad, random: Random::new(bad.seed ^ 0x6e65_7477), last_us: 0, held, out: VecDeque::new() }
    }

    /// A packet of a line, to be sent at `due_us`. Packets must be pushed in the order of their times.
    pub fn push(&mut self, due_us: u64, line: usize, packet: T) {
        let delay_us = (self.random.share() * f64::from(self.bad.jitter_ms) * 1_000.0) as u64;
        let overtaken = self.random.share() * 100.0 < self.bad.reorder_percent;
        let Some(held) = self.held.get_mut(line) else { return };
        if overtaken && held.is_none() {
            *held = Some(packet);
            return;
        }
        self.last_us = self.last_us.max(due_us + delay_us);
        self.out.push_back((self.last_us, line, packet));
        if let Some(late) = held.take() {
            self.out.push_back((self.last_us, line, late));
        }
    }

    /// What leaves next: when, in microseconds, on which line, and what. `None` if more must be pushed first.
    pub fn pop(&mut self) -> Option<(u64, usize, T)> {
        self.out.pop_front()
    }

    /// Nothing comes any more: lets go of what was to be overtaken.
    pub fn flush(&mut self) {
        for line in 0..self.held.len() {
            if let Some(late) = self.held[line].take() {
                self.out.push_back((self.last_us, line, late));
            }
        }
    }
}

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers that follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number from 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(bad: Bad) -> Vec<(u64, usize, u64)> {
        let mut network = Network::new(bad, 2);
        let mut out = Vec::new();
        for n in 0..5_000u64 {
            for line in 0..2 {
                network.push(n * 20_000, line, n);
                out.extend(std::iter::from_fn(|| network.pop()));
            }
        }
        network.flush();
        out.extend(std::iter::from_fn(|| network.pop()));
        out
    }

    #[test]
    fn nothing_is_lost_and_times_never_go_back() {
        for bad in [
            Bad::default(),
            Bad { reorder_percent: 2.0, jitter_ms: 100, seed: 4 },
            Bad { reorder_percent: 100.0, jitter_ms: 5, seed: 1 },
        ] {
            let out = run(bad);
            assert_eq!(out.len(), 10_000);
            assert!(out.is_sorted_by_key(|p| p.0));
            for line in 0..2 {
                let mut all: Vec<u64> = out.iter().filter(|p| p.1 == line).map(|p| p.2).collect();
                all.sort_unstable();
                assert_eq!(all, (0..5_000).collect::<Vec<_>>());
            }
            assert_eq!(out, run(bad), "the same in every run");
        }
    }

    #[test]
    fn it_is_as_bad_as_asked_for() {
        let perfect = run(Bad::default());
        assert!(perfect.iter().all(|(at, _, n)| *at == n * 20_000));
        let bad = run(Bad { reorder_percent: 2.0, jitter_ms: 100, seed: 4 });
        let line: Vec<(u64, u64)> = bad.iter().filter(|p| p.1 == 0).map(|p| (p.0, p.2)).collect();
        let swapped = line.windows(2).filter(|w| w[1].1 < w[0].1).count();
        assert!((60..140).contains(&swapped), "{swapped} of 5000");
        let late: Vec<u64> = line.iter().map(|(at, n)| at - n * 20_000).collect();
        assert!(late.iter().max() > Some(&95_000) && late.iter().max() <= Some(&120_000), "{:?}", late.iter().max());
        let mean = late.iter().sum::<u64>() / 5_000;
        assert!((40_000..100_000).contains(&mean), "{mean}");
    }
}
