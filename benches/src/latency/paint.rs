//! The overlay in a headless Chromium: when was a card really painted, by this program's clock?

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::cdp::{self, Browser};

/// Size of the window: the overlay beside a meeting.
const WINDOW: (u32, u32) = (400, 700);
/// Questions asked to align the clocks; the one answered quickest counts.
const ROUND_TRIPS: usize = 30;
/// A page's clock is rounded to this, in ms, unless it is isolated from all other origins (High Resolution Time, 4.1).
const ROUNDED_MS: f64 = 0.1;
/// The page's clock in ms since 1970, as its own marks have it.
const NOW: &str = "performance.timeOrigin + performance.now()";
/// How long a page may take to load and connect.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the page's clock said at a moment of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at: Instant,
    page_ms: f64,
    /// Half the round trip: the answer was given somewhere within it.
    error_ms: f64,
}

/// The page's clock, read before and after a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    at: Instant,
    page_ms: f64,
    /// How far it may be off, in ms: half the quicker round trip, what the two readings differ by, and what the page rounds.
    pub error_ms: f64,
}

impl Clock {
    fn of(before: Sample, after: Sample) -> Self {
        let best = if before.error_ms <= after.error_ms { before } else { after };
        let passed_ms = after.at.saturating_duration_since(before.at).as_secs_f64() * 1e3;
        let apart_ms = (after.page_ms - before.page_ms - passed_ms).abs();
        Self { at: best.at, page_ms: best.page_ms, error_ms: best.error_ms + apart_ms + ROUNDED_MS }
    }

    /// What the page's clock said at `at`.
    fn page_ms(&self, at: Instant) -> f64 {
        let since_ms = at.saturating_duration_since(self.at).as_secs_f64() * 1e3;
        let until_ms = self.at.saturating_duration_since(at).as_secs_f64() * 1e3;
        self.page_ms + since_ms - until_ms
    }
}

/// What was painted in one call.
#[derive(Clone, Debug)]
pub struct Painted {
    /// By number of the card, the page's time.
    cards: BTreeMap<u32, f64>,
    /// The page's clock.
    pub clock: Clock,
}

impl Painted {
    /// How long after `at` a card was painted, in ms. None if it was not.
    pub fn after_ms(&self, card: u32, at: Instant) -> Option<f64> {
        self.cards.get(&card).map(|painted| painted - self.clock.page_ms(at))
    }
}

/// A browser.
pub struct Painter {
    browser: Browser,
}

/// The overlay of a call in it.
pub struct Screen {
    painter: Painter,
    page: cdp::Page,
    before: Sample,
}

impl Painter {
    /// Starts one; none if this machine has no Chromium.
    ///
    /// # Errors
    /// If it is there and does not start.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        let Some(program) = Browser::find() else { return Ok(None) };
        // The browser tests' client fails by panicking; here that is a failure like any other.
        let starting = tokio::spawn(async move { Browser::start(&program).await });
        let browser = starting.await.context("Chromium is there but did not start")?;
        Ok(Some(Self { browser }))
    }

    /// Opens an overlay link and waits until the page is connected.
    ///
    /// # Errors
    /// If the page does not connect.
    pub async fn open(mut self, link: String) -> anyhow::Result<Screen> {
        let page = self.browser.open(&link, WINDOW, "light").await;
        // A tab that nobody looks at paints nothing.
        self.browser.call(Some(&page), "Page.bringToFront", json!({})).await;
        let begun = Instant::now();
        while self.browser.eval(&page, "window.__reframe?.link === 'online'").await != true {
            ensure!(begun.elapsed() < PATIENCE, "the overlay did not connect: {:?}", self.browser.complaints);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let before = self.sample(&page).await?;
        Ok(Screen { painter: self, page, before })
    }

    async fn sample(&mut self, page: &cdp::Page) -> anyhow::Result<Sample> {
        let mut best: Option<Sample> = None;
        for _ in 0..ROUND_TRIPS {
            let asked = Instant::now();
            let page_ms = self.browser.eval(page, NOW).await.as_f64().context("the page has no clock")?;
            let half = asked.elapsed() / 2;
            let sample = Sample { at: asked + half, page_ms, error_ms: half.as_secs_f64() * 1e3 };
            best = best.filter(|b| b.error_ms <= sample.error_ms).or(Some(sample));
        }
        best.context("the page's clock was never asked")
    }
}

impl Screen {
    /// What it painted; closes the page and gives the browser back.
    ///
    /// # Errors
    /// If the page complained of something: then its times mean nothing.
    pub async fn close(self) -> anyhow::Result<(Painted, Painter)> {
        let Self { mut painter, page, before } = self;
        let after = painter.sample(&page).await?;
        let painted = painter.browser.eval(&page, "window.__reframe.painted.map((p) => [p.id, p.at_unix_ms])").await;
        let one = |pair: &serde_json::Value| Some((u32::try_from(pair[0].as_u64()?).ok()?, pair[1].as_f64()?));
        let cards =
            painted.as_array().context("the page does not say what it painted")?.iter().filter_map(one).collect();
        painter.browser.close(&page).await;
        ensure!(painter.browser.complaints.is_empty(), "the overlay complained: {:?}", painter.browser.complaints);
        Ok((Painted { cards, clock: Clock::of(before, after) }, painter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_reading_counts_and_what_they_differ_by_is_error() {
        let at = Instant::now();
        let before = Sample { at, page_ms: 1_000.0, error_ms: 0.5 };
        let after = Sample { at: at + Duration::from_secs(60), page_ms: 61_000.7, error_ms: 0.2 };
        let clock = Clock::of(before, after);
        assert!((clock.error_ms - (0.2 + 0.7 + ROUNDED_MS)).abs() < 1e-6, "{clock:?}");
        assert!((clock.page_ms(at) - 1_000.7).abs() < 1e-6);
        assert!((clock.page_ms(at + Duration::from_secs(61)) - 62_000.7).abs() < 1e-6);
        let painted = Painted { cards: BTreeMap::from([(3, 31_030.7)]), clock };
        let seen = at + Duration::from_secs(30);
        assert!((painted.after_ms(3, seen).unwrap() - 30.0).abs() < 1e-6);
        assert_eq!(painted.after_ms(4, seen), None);
    }
}
