//! What the time of a card is made of, and the table of it.

use anyhow::ensure;
use reframe_serve::wire::CardMessage;
use serde::Serialize;

use crate::{
    figures::{Figures, Times},
    screen::{CardSeen, Late},
};

/// A card that is on the socket; the goals of the page are held against this row.
pub const ON_SOCKET: &str = "card on the socket";
/// The same, once a browser has painted it.
pub const PAINTED: &str = "card painted";
/// The server's own measurement of every frame.
const DECODE: &str = "  decode, resample, order (every frame)";
/// Two clocks of one machine, one of them rounded to 0.1 ms and the other to the last packet, may differ by so much.
const SLACK_MS: f64 = 5.0;
/// A card later than this is none, whatever the clocks say.
const LONGEST_MS: f64 = 60_000.0;

/// What a right card took, in ms of wall time unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CardTime {
    /// From the end of its phrase to its being on the socket.
    pub socket_ms: f64,
    /// To its being painted; none without a browser, or if the page had not loaded yet.
    pub painted_ms: Option<f64>,
    /// Audio the engine had to hear after the phrase (media time).
    pub audio_ms: f64,
    /// Of it until the phrase was recognised.
    pub recognised_ms: f64,
    /// Of it until the detector decided.
    pub detected_ms: f64,
    /// Of it until the deck let it on the screen.
    pub shown_ms: f64,
    /// From the last sample needed to its packet's being read by the engine; none if no packet led to the card.
    pub way_in_ms: Option<f64>,
    /// From that packet's being read to the card's being sent.
    pub compute_ms: Option<f64>,
    /// From the card's being sent to its being on the socket.
    pub push_ms: f64,
    /// From its being on the socket to its being painted.
    pub paint_ms: Option<f64>,
}

impl CardTime {
    /// Of a card, painted so long after it was on the socket. None if it is not right.
    pub fn of(seen: &CardSeen, paint_ms: Option<f64>) -> Option<Self> {
        Some(Self::new(&seen.card, seen.late?, seen.push_ms, paint_ms))
    }

    fn new(card: &CardMessage, late: Late, push_ms: f64, paint_ms: Option<f64>) -> Self {
        let stages = &card.reason.stages;
        let audio_ms = late.heard_ms as f64;
        let compute_ms = card.latency.compute_ms;
        let (detected_ms, shown_ms) = (stages.detect_ms as f64, stages.deck_ms as f64);
        Self {
            socket_ms: late.late_ms,
            painted_ms: paint_ms.map(|ms| late.late_ms + ms),
            audio_ms,
            // The recogniser's idea of where the phrase ended differs from the truth's: that is counted here.
            recognised_ms: audio_ms - detected_ms - shown_ms,
            detected_ms,
            shown_ms,
            way_in_ms: compute_ms.map(|compute| late.late_ms - audio_ms - compute - push_ms),
            compute_ms,
            push_ms,
            paint_ms,
        }
    }

    /// Whether this can be, the page's clock being known to `clock_ms`.
    ///
    /// # Errors
    /// Says what cannot.
    pub fn check(&self, clock_ms: f64) -> anyhow::Result<()> {
        let Self { socket_ms, audio_ms, push_ms, .. } = *self;
        ensure!(socket_ms > 0.0 && socket_ms < LONGEST_MS, "a card came {socket_ms:.1} ms after its phrase");
        ensure!(
            audio_ms < socket_ms + SLACK_MS,
            "a card that needs {audio_ms} ms of audio came after {socket_ms:.1} ms: the call's clock is off"
        );
        ensure!(push_ms > -SLACK_MS && push_ms < socket_ms + SLACK_MS, "a card was on its way for {push_ms:.1} ms");
        let paint_ms = self.paint_ms.unwrap_or(0.0);
        ensure!(
            paint_ms > -SLACK_MS - clock_ms && paint_ms < LONGEST_MS,
            "a card was painted {paint_ms:.1} ms after it was on the socket"
        );
        Ok(())
    }
}

/// Computing of one card, as a replay of its call measured it.
#[derive(Clone, Copy, Debug)]
pub struct Computed {
    /// Voice detector, features, network, search and phrases, in ms.
    pub recognition_ms: f64,
    /// Everything else the call did with that frame, in ms.
    pub detection_ms: f64,
}

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    part: String,
    #[serde(flatten)]
    figures: Figures,
}

impl Row {
    /// Which part.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Its times.
    pub const fn figures(&self) -> &Figures {
        &self.figures
    }
}

/// The table: the two totals, then what they are made of, in the order it happens.
///
/// `decode` is the server's own summary over all frames.
pub fn rows(cards: &[CardTime], computed: &[Computed], decode: Option<Figures>) -> Vec<Row> {
    let of = |part: &str, value: &dyn Fn(&CardTime) -> Option<f64>| {
        let mut times = Times::default();
        cards.iter().filter_map(value).for_each(|ms| times.add_ms(ms));
        Row { part: part.to_owned(), figures: times.figures() }
    };
    let replayed = |part: &str, value: &dyn Fn(&Computed) -> f64| {
        let mut times = Times::default();
        computed.iter().map(value).for_each(|ms| times.add_ms(ms));
        Row { part: part.to_owned(), figures: times.figures() }
    };
    let mut rows = vec![
        of(ON_SOCKET, &|c| Some(c.socket_ms)),
        of(PAINTED, &|c| c.painted_ms),
        of("audio needed (endpoint, commit)", &|c| Some(c.audio_ms)),
        of("  until recognised", &|c| Some(c.recognised_ms)),
        of("  until detected", &|c| Some(c.detected_ms)),
        of("  until let on the screen", &|c| Some(c.shown_ms)),
        of("capture (packet filled, way in)", &|c| c.way_in_ms),
        of("compute (packet in to card out)", &|c| c.compute_ms),
    ];
    rows.extend(decode.map(|figures| Row { part: DECODE.to_owned(), figures }));
    rows.extend([
        replayed("  recognition (replayed)", &|c| c.recognition_ms),
        replayed("  detection, deck (replayed)", &|c| c.detection_ms),
        of("push (card out to socket)", &|c| Some(c.push_ms)),
        of("paint (socket to screen)", &|c| c.paint_ms),
    ]);
    rows
}

/// Prints it. A part nobody measured has empty columns.
pub fn print(rows: &[Row]) {
    println!(
        "{:40} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "ms after the phrase ended", "n", "p50", "p90", "p95", "p99", "max"
    );
    for Row { part, figures: f } in rows {
        if f.n == 0 {
            println!("{part:40} {:>6}", 0);
            continue;
        }
        println!(
            "{part:40} {:>6} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            f.n, f.p50_ms, f.p90_ms, f.p95_ms, f.p99_ms, f.max_ms
        );
    }
}

/// A card that took half a second, to test with.
#[cfg(test)]
pub const SAMPLE: CardTime = CardTime {
    socket_ms: 440.0,
    painted_ms: Some(470.0),
    audio_ms: 410.0,
    recognised_ms: 250.0,
    detected_ms: 160.0,
    shown_ms: 0.0,
    way_in_ms: Some(24.0),
    compute_ms: Some(5.0),
    push_ms: 1.0,
    paint_ms: Some(30.0),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused() {
        SAMPLE.check(0.5).unwrap();
        CardTime { painted_ms: None, paint_ms: None, way_in_ms: None, compute_ms: None, ..SAMPLE }.check(0.0).unwrap();
        for (wrong, says) in [
            (CardTime { socket_ms: 0.0, ..SAMPLE }, "after its phrase"),
            (CardTime { socket_ms: 400.0, ..SAMPLE }, "clock is off"),
            (CardTime { push_ms: -20.0, ..SAMPLE }, "on its way"),
            (CardTime { paint_ms: Some(-20.0), ..SAMPLE }, "was painted"),
        ] {
            let error = wrong.check(0.5).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn parts_that_were_not_measured_are_not_zero() {
        let blind = CardTime { painted_ms: None, paint_ms: None, ..SAMPLE };
        let rows = rows(&[SAMPLE, blind], &[], None);
        let n = |part: &str| rows.iter().find(|r| r.part == part).map(|r| r.figures.n);
        assert_eq!((n(ON_SOCKET), n(PAINTED)), (Some(2), Some(1)));
        assert_eq!(n("  recognition (replayed)"), Some(0));
        assert_eq!(n(DECODE), None);
        let json = serde_json::to_value(&rows).unwrap();
        let first = (json[0]["part"].as_str(), json[0]["n"].as_u64());
        assert_eq!(first, (Some(ON_SOCKET), Some(2)), "the page reads these names");
    }
}
