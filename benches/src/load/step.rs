//! What one number of calls came to, as numbers and as a line.

use std::time::Instant;

use anyhow::ensure;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    slot::News,
    watch::{SHED, Stretch},
};
use crate::figures::{Figures, Times};

/// A card later than this is of no use (requirements: p95 over all cards).
pub const LATE_MS: f64 = 1_000.0;
/// What one number of calls came to.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Calls that were asked for.
    pub calls: u32,
    /// Least and most that were really open.
    pub open: (f64, f64),
    /// From the end of a phrase to its card.
    pub cards: Figures,
    /// Of that, the audio the engine had to hear first: it would take as long on any machine.
    pub heard: Figures,
    /// Objections in the calls that ended.
    pub expected: usize,
    /// Of these, answered.
    pub right: usize,
    /// Cards for nothing in them.
    pub wrong: usize,
    /// Calls whose screen broke.
    pub broken: usize,
    /// Cores the server took.
    pub engine_cores: f64,
    /// Cores the players and screens took.
    pub generator_cores: f64,
    /// Memory of the server.
    pub memory_mib: f64,
    /// Most calls behind at once.
    pub behind: u64,
    /// Calls whose screen was told so.
    pub told_behind: usize,
    /// Packets and calls the server says it shed.
    pub shed: f64,
    /// Packets it told the players it threw away.
    pub dropped: u64,
    /// Calls it refused.
    pub refused: u64,
    /// The furthest a packet was sent behind its time, in ms.
    pub generator_late_ms: u64,
    /// Cores of the server by kind of thread.
    pub stages: Value,
    /// What was shed, by what it is.
    pub shed_by: Value,
}

impl Step {
    /// Whether these figures can be at all on a machine with so many cores.
    ///
    /// # Errors
    /// Says which cannot.
    pub fn check(&self, cores: f64) -> anyhow::Result<()> {
        let took = self.engine_cores + self.generator_cores;
        // What /proc counts in hundredths of a second may be a little more than there was.
        ensure!(self.engine_cores > 0.0 && took <= cores * 1.1, "{took} of {cores} cores were used");
        // A call that has just ended may still be open as the next one of its slot begins.
        ensure!(self.open.1 >= 1.0 && self.open.1 <= 2.0 * f64::from(self.calls), "{:?} calls were open", self.open);
        ensure!(self.memory_mib > 1.0, "a server of {} MiB", self.memory_mib);
        ensure!(self.right <= self.expected, "{} of {} objections were answered", self.right, self.expected);
        let c = &self.cards;
        ensure!(c.p50_ms <= c.p95_ms && c.p95_ms <= c.max_ms, "times of cards that are out of order: {c:?}");
        ensure!(c.n == 0 || c.p50_ms > 0.0, "cards that came before their phrases ended");
        Ok(())
    }

    /// Whether all was in time and nothing was lost.
    pub fn went_well(&self) -> bool {
        self.cards.n > 0 && self.cards.p95_ms <= LATE_MS && self.shed == 0.0 && self.dropped == 0 && self.refused == 0
    }
}

/// Puts a step together from what was seen of the server and what the slots told since `begun`.
pub fn step(calls: u32, seen: &Stretch, news: &[News], begun: Instant, refused: u64) -> Step {
    let (mut cards, mut heard) = (Times::default(), Times::default());
    let (mut expected, mut right, mut wrong, mut broken, mut told_behind) = (0, 0, 0, 0, 0);
    let (mut dropped, mut generator_late_ms) = (0, 0);
    for one in news {
        let ended = match one {
            // A card of before belongs to fewer calls.
            News::Card(card) if card.at < begun => continue,
            News::Card(card) => {
                cards.add_ms(card.late_ms);
                heard.add_ms(card.heard_ms as f64);
                continue;
            }
            News::Ended(ended) => ended,
        };
        dropped += ended.dropped;
        generator_late_ms = generator_late_ms.max(ended.late_ms);
        match &ended.seen {
            Err(_) => broken += 1,
            Ok(screen) => {
                expected += screen.expected;
                right += screen.right;
                wrong += screen.wrong;
                told_behind += usize::from(screen.behind);
            }
        }
    }
    let share = |s: f64| (s / seen.wall_s.max(1e-9) * 1e3).round() / 1e3;
    Step {
        calls,
        open: seen.open,
        cards: cards.figures(),
        heard: heard.figures(),
        expected,
        right,
        wrong,
        broken,
        engine_cores: share(seen.engine_s),
        generator_cores: share(seen.generator_s),
        memory_mib: (seen.memory_kib as f64 / 102.4).round() / 10.0,
        behind: seen.behind,
        told_behind,
        // Gaps are no shedding by themselves: some fixtures lose packets on purpose.
        shed: seen.shed[..3].iter().sum(),
        dropped,
        refused,
        generator_late_ms,
        stages: seen
            .stages
            .iter()
            .map(|(name, s)| ((*name).to_owned(), json!(share(*s))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        shed_by: SHED
            .iter()
            .zip(seen.shed)
            .map(|((_, what), n)| ((*what).to_owned(), json!(n)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// Memory of one more call, in MiB: the slope of the line through all steps.
pub fn per_call_mib(steps: &[Step]) -> f64 {
    let n = steps.len() as f64;
    let mean = |of: fn(&Step) -> f64| steps.iter().map(of).sum::<f64>() / n.max(1.0);
    let (x, y) = (mean(|s| f64::from(s.calls)), mean(|s| s.memory_mib));
    let over: f64 = steps.iter().map(|s| (f64::from(s.calls) - x) * (s.memory_mib - y)).sum();
    let under: f64 = steps.iter().map(|s| (f64::from(s.calls) - x).powi(2)).sum();
    if under > 0.0 { over / under } else { 0.0 }
}

/// The heading of the table.
pub fn header() {
    println!(
        "\n{:>5} {:>6} {:>7} {:>7} {:>7} {:>7} {:>9} {:>5} {:>7} {:>8} {:>6} {:>6} {:>5}",
        "calls",
        "cards",
        "p50 ms",
        "p95",
        "p99",
        "max",
        "answered",
        "wrong",
        "server",
        "players",
        "MiB",
        "behind",
        "shed"
    );
}

/// A line of it.
pub fn line(s: &Step) {
    println!(
        "{:>5} {:>6} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>9} {:>5} {:>7.2} {:>8.2} {:>6.0} {:>6} {:>5}",
        s.calls,
        s.cards.n,
        s.cards.p50_ms,
        s.cards.p95_ms,
        s.cards.p99_ms,
        s.cards.max_ms,
        format!("{}/{}", s.right, s.expected),
        s.wrong,
        s.engine_cores,
        s.generator_cores,
        s.memory_mib,
        s.behind,
        s.shed + s.dropped as f64 + s.refused as f64
    );
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::slot, *};
    use crate::screen;

    fn seen(begun: Instant, late_ms: f64) -> [News; 2] {
        let seen = screen::Seen { expected: 3, right: 2, wrong: 1, ..screen::Seen::default() };
        let ended = slot::Ended { seen: Ok(seen), dropped: 0, late_ms: 12 };
        [News::Card(screen::Late { at: begun, late_ms, heard_ms: 300 }), News::Ended(ended)]
    }

    #[test]
    fn cards_of_before_the_step_do_not_count_and_late_or_shed_is_not_well() {
        let begun = Instant::now();
        let before = begun.checked_sub(Duration::from_secs(5)).unwrap();
        let stretch = Stretch { wall_s: 10.0, engine_s: 5.0, memory_kib: 102_400, ..Stretch::default() };
        let [early, _] = seen(before, 9_000.0);
        let [card, ended] = seen(begun, 400.0);
        let good = step(4, &stretch, &[early, card, ended], begun, 0);
        assert_eq!((good.cards.n, good.expected, good.right, good.wrong), (1, 3, 2, 1));
        assert!(good.went_well() && good.engine_cores == 0.5 && good.memory_mib == 100.0, "{good:?}");
        assert!(!step(4, &stretch, &seen(begun, 1_400.0), begun, 0).went_well(), "late");
        let shed = Stretch { shed: [1.0, 0.0, 0.0, 0.0], ..stretch.clone() };
        assert!(!step(4, &shed, &seen(begun, 400.0), begun, 0).went_well(), "shed");
        assert!(!step(4, &stretch, &seen(begun, 400.0), begun, 1).went_well(), "refused");
        assert!(!step(4, &stretch, &[], begun, 0).went_well(), "nothing was measured");
        let more = Step { calls: 8, memory_mib: 140.0, ..good.clone() };
        assert!((per_call_mib(&[good.clone(), more]) - 10.0).abs() < 1e-9);
        let open = Step { open: (1.0, 4.0), ..good };
        open.check(2.0).unwrap();
        for cannot_be in [
            Step { engine_cores: 3.0, ..open.clone() },
            Step { open: (0.0, 0.0), ..open.clone() },
            Step { right: 4, ..open.clone() },
            Step { memory_mib: 0.0, ..open },
        ] {
            assert!(cannot_be.check(2.0).is_err(), "{cannot_be:?}");
        }
    }
}
