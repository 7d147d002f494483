//! What came of the calls over one way: figures, what was missed or wrong and why, as lines, numbers and bars.

use anyhow::ensure;
use serde_json::{Value, json};

use super::{
    Heard, Measured, Way,
    parts::{self, CardTime, Computed, Row},
    replay,
    why::{Missed, Wrong},
};
use crate::{detect::stats::poisson_upper, plot::Bars, sample_call::SampleCall, screen};

/// Half of all painted cards should be there within this, in ms.
const P50_GOAL_MS: f64 = 500.0;
/// 95 of 100 painted cards should be there within this, in ms.
const P95_GOAL_MS: f64 = 800.0;

/// What came of the calls over one way.
pub struct Outcome {
    way: Way,
    expected: usize,
    right: usize,
    /// Right cards, in the order they came.
    cards: Vec<CardTime>,
    rows: Vec<Row>,
    missed: Vec<Missed>,
    wrong: Vec<Wrong>,
    audio_s: f64,
    /// How far the page's clock may have been off at most, in ms.
    clock_ms: Option<f64>,
    /// The furthest a packet was sent behind its time, in ms.
    late_ms: Option<u64>,
    lost: u64,
    dropped: u64,
    /// Calls whose screen was told that they are behind.
    behind: usize,
}

impl Outcome {
    /// Of all calls over one way; `replayed` has the cards of each sample as a replay brought them.
    pub fn of(measured: &Measured, samples: &[SampleCall], replayed: &[Vec<replay::Card>]) -> Self {
        let mut this = Self {
            way: measured.way,
            expected: 0,
            right: 0,
            cards: Vec::new(),
            rows: Vec::new(),
            missed: Vec::new(),
            wrong: Vec::new(),
            audio_s: 0.0,
            clock_ms: None,
            late_ms: None,
            lost: 0,
            dropped: 0,
            behind: 0,
        };
        let mut computed: Vec<Computed> = Vec::new();
        for call in &measured.calls {
            this.count(call, &samples[call.sample]);
            for seen in call.played.cards.iter().filter(|seen| seen.late.is_some()) {
                let again = replay::same(&replayed[call.sample], &seen.card.label, seen.card.reason.phrase_end_ms);
                computed.extend(again.map(|card| card.computed));
            }
        }
        this.rows = parts::rows(&this.cards, &computed, Some(measured.decode));
        this
    }

    fn count(&mut self, call: &Heard, sample: &SampleCall) {
        let Heard { played, log, .. } = call;
        self.expected += played.seen.expected;
        self.right += played.seen.right;
        self.audio_s += sample.length_ms() as f64 / 1e3;
        self.behind += usize::from(played.seen.behind);
        self.lost += played.sent.lost;
        self.dropped += played.sent.dropped;
        self.late_ms = self.late_ms.max(played.sent.late_ms);
        let error_ms = played.painted.as_ref().map(|painted| painted.clock.error_ms);
        self.clock_ms = self.clock_ms.into_iter().chain(error_ms).reduce(f64::max);
        self.cards.extend(played.cards.iter().filter_map(|seen| CardTime::of(seen, played.paint_ms(seen))));
        let name = &sample.name;
        self.missed.extend(played.seen.missed.iter().map(|o| Missed::explained(name, o, log)));
        let objections: Vec<_> = screen::truth(&sample.script).objections().map(|(o, _)| o.clone()).collect();
        self.wrong.extend(played.cards.iter().filter_map(|seen| Wrong::explained(name, seen, &objections, log)));
    }

    /// Prints it.
    pub fn print(&self) {
        let hours = self.audio_s / 3_600.0;
        let wrong = self.wrong.len() as u64;
        println!(
            "\nover {}: {} of {} objections answered, {wrong} false or wrong cards in {hours:.3} h ({:.1} per hour, 95 %: at most {:.1})",
            self.way.as_str(),
            self.right,
            self.expected,
            wrong as f64 / hours,
            poisson_upper(wrong) / hours
        );
        parts::print(&self.rows);
        if let Some(ms) = self.clock_ms {
            println!("the page's clock is known to {ms:.1} ms; a frame more than a person waits is in its times");
        }
        let late = self.late_ms.map_or_else(|| "unknown".to_owned(), |ms| format!("{ms} ms"));
        println!(
            "packets: furthest behind their time {late}, lost before the engine {}, thrown away by it {}; calls behind: {}",
            self.lost, self.dropped, self.behind
        );
        self.missed
            .iter()
            .map(Missed::told)
            .chain(self.wrong.iter().map(Wrong::told))
            .for_each(|told| println!("{told}"));
    }

    /// Whether these figures can be at all; `browser`: cards must have been painted.
    ///
    /// # Errors
    /// Says what cannot be.
    pub fn check(&self, browser: bool) -> anyhow::Result<()> {
        let way = self.way.as_str();
        let clock_ms = self.clock_ms.unwrap_or(0.0);
        self.cards.iter().try_for_each(|card| card.check(clock_ms))?;
        ensure!(self.right == self.cards.len(), "{} right cards, {} of them timed", self.right, self.cards.len());
        ensure!(
            self.right + self.missed.len() == self.expected,
            "{} answered and {} missed of {} objections",
            self.right,
            self.missed.len(),
            self.expected
        );
        ensure!(self.expected == 0 || self.right > 0, "over {way} no objection was answered");
        let painted = self.cards.iter().filter(|card| card.painted_ms.is_some()).count();
        ensure!(
            !browser || self.right == 0 || painted > 0,
            "over {way} {} cards came and none was painted",
            self.right
        );
        Ok(())
    }

    /// As numbers, for the record.
    pub fn json(&self) -> Value {
        let wrong = self.wrong.len();
        // What nobody measured is no row of zeros.
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.figures().n > 0).collect();
        json!({
            "over": self.way.as_str(), "audio_s": self.audio_s, "objections": self.expected, "right": self.right,
            "false_or_wrong_cards": wrong, "false_or_wrong_cards_per_hour": wrong as f64 / (self.audio_s / 3_600.0),
            "latency": rows, "cards": self.cards, "missed": self.missed, "wrong": self.wrong,
            "page_clock_error_ms": self.clock_ms, "latest_packet_ms": self.late_ms, "packets_lost": self.lost,
            "packets_dropped": self.dropped, "calls_behind": self.behind,
        })
    }

    /// Totals and parts against the goals of a painted card.
    pub fn bars(&self) -> Vec<Bars> {
        let timed = || self.rows.iter().filter(|row| row.figures().n > 0);
        let of = |quantile: &str, limit: f64, value: &dyn Fn(&Row) -> f64| Bars {
            title: format!("Card over {}: {quantile} in ms (goal for the painted card {limit})", self.way.as_str()),
            limit,
            bars: timed().map(|row| (row.part().trim().to_owned(), value(row))).collect(),
        };
        vec![of("p50", P50_GOAL_MS, &|row| row.figures().p50_ms), of("p95", P95_GOAL_MS, &|row| row.figures().p95_ms)]
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::parts::{ON_SOCKET, PAINTED, SAMPLE},
        *,
    };
    use crate::report::figures;

    fn outcome(cards: &[CardTime], missed: usize) -> Outcome {
        let one = Missed {
            call: "demo".into(),
            label: "price".into(),
            play: "p".into(),
            phrase: "x".into(),
            start_ms: 0,
            end_ms: 1,
            heard: String::new(),
            why: vec!["held back: budget".into()],
        };
        Outcome {
            way: Way::Whip,
            expected: cards.len() + missed,
            right: cards.len(),
            cards: cards.to_vec(),
            rows: parts::rows(cards, &[], None),
            missed: vec![one; missed],
            wrong: Vec::new(),
            audio_s: 360.0,
            clock_ms: Some(0.4),
            late_ms: Some(2),
            lost: 0,
            dropped: 0,
            behind: 0,
        }
    }

    /// A card that no browser painted.
    const BLIND: CardTime = CardTime { painted_ms: None, paint_ms: None, ..SAMPLE };

    #[test]
    fn a_miss_is_explained_in_the_record_and_the_page_finds_both_totals() {
        let json = outcome(&[SAMPLE, BLIND], 1).json();
        assert_eq!(json["missed"][0]["why"][0], "held back: budget");
        let names = |json: &Value| figures::of("latency", json).into_iter().map(|f| f.name).collect::<Vec<_>>();
        for name in [format!("{ON_SOCKET}, p95"), format!("{PAINTED}, p95")] {
            assert!(names(&json).contains(&name), "{name} is not in {:?}", names(&json));
        }
        let blind = names(&outcome(&[BLIND], 0).json());
        assert!(!blind.is_empty() && !blind.iter().any(|name| name.contains("paint")), "{blind:?}");
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        outcome(&[SAMPLE, BLIND], 1).check(true).unwrap();
        outcome(&[BLIND], 0).check(false).unwrap();
        assert!(outcome(&[BLIND], 0).check(true).unwrap_err().to_string().contains("none was painted"));
        assert!(outcome(&[], 2).check(false).unwrap_err().to_string().contains("no objection was answered"));
        let uncounted = Outcome { expected: 5, ..outcome(&[BLIND], 1) };
        assert!(uncounted.check(false).unwrap_err().to_string().contains("1 answered and 1 missed of 5"));
    }
}
