//! What the demo prints: the call as it goes, and the numbers at its end.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use reframe_bots::{
    play::{PlayEvent, PlayReport},
    script::Script,
};
use reframe_call::time::MediaTime;
use reframe_serve::wire::{CardMessage, ServerBody};
use serde_json::json;

use crate::{
    latency::{Percentiles, histogram},
    server::export::Exported,
    truth::{self, Judged, Truth},
    view::{CardView, View},
};

/// What happened.
pub enum News {
    /// On the bot's side.
    Player(PlayEvent),
    /// On the screen's side.
    Screen {
        /// When the message was received.
        at: Instant,
        /// The message.
        body: Box<ServerBody>,
    },
    /// The screen could not watch.
    ScreenFailed(String),
}

/// Wall time from the end of a phrase to its card on the socket, and what it is made of. All in microseconds.
struct Latencies {
    total: Histogram<u64>,
    algorithmic: Histogram<u64>,
    compute: Histogram<u64>,
    transport: Histogram<u64>,
}

/// Prints the call, and counts.
pub struct Reporter {
    json: bool,
    real_time: bool,
    name: String,
    view: View<std::io::Stdout>,
    truth: Truth,
    /// Wall time of the first sample.
    zero: Option<Instant>,
    latencies: Latencies,
    cards: u32,
    screen_failed: bool,
    media_ms: u64,
    dropped: u64,
    begun: Instant,
}

impl Reporter {
    /// For the fixture call `name`.
    pub fn new(json: bool, real_time: bool, name: &str, script: &Script) -> Self {
        Self {
            json,
            real_time,
            name: name.to_owned(),
            view: View::stdout(),
            truth: truth::of(script),
            zero: None,
            latencies: Latencies {
                total: histogram(),
                algorithmic: histogram(),
                compute: histogram(),
                transport: histogram(),
            },
            cards: 0,
            screen_failed: false,
            media_ms: 0,
            dropped: 0,
            begun: Instant::now(),
        }
    }

    /// Whether the screen saw the whole call.
    pub const fn good(&self) -> bool {
        !self.screen_failed
    }

    /// Prints what happened.
    ///
    /// # Errors
    /// If the output breaks.
    pub fn take(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Player(PlayEvent::Started { call, overlay_url, zero }) => {
                self.zero = Some(zero);
                self.begun = Instant::now();
                let url = overlay_url.unwrap_or_default();
                if self.json {
                    self.json(&json!({"type": "started", "call": call, "fixture": self.name, "overlay_url": url}))?;
                } else {
                    self.view.line(&format!("call {call} ({})\nscreen: {url}\n", self.name))?;
                }
            }
            News::Player(PlayEvent::Broken { why }) => self.note(&format!("the connection broke: {why}"))?,
            News::Player(PlayEvent::Dropped { packets, why }) => {
                self.dropped += packets;
                self.note(&format!("the server dropped {packets} packet(s): {why}"))?;
            }
            News::Player(PlayEvent::Sent) => {}
            News::ScreenFailed(error) => {
                self.screen_failed = true;
                self.note(&format!("the screen failed: {error}"))?;
            }
            News::Screen { at, body } => self.screen(at, &body)?,
        }
        Ok(())
    }

    fn screen(&mut self, at: Instant, body: &ServerBody) -> anyhow::Result<()> {
        match body {
            ServerBody::Caption(c) if !self.json => self.view.partial(&c.speaker, &c.committed, &c.tail)?,
            ServerBody::Final(f) if self.json => {
                self.json(&json!({"type": "final", "start_ms": f.start_ms, "end_ms": f.end_ms,
                    "speaker": f.speaker, "party": f.party, "text": f.text}))?;
            }
            ServerBody::Final(f) => {
                self.view.final_line(MediaTime::from_ms(f.start_ms), &f.speaker, f.party == "buyer", &f.text)?;
            }
            ServerBody::Card(card) => self.card(at, card)?,
            ServerBody::CardClosed(closed) if closed.end == reframe_serve::wire::WireEnd::Retracted => {
                self.note("  ┃ taken back: the words that followed contradicted it")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn card(&mut self, at: Instant, card: &CardMessage) -> anyhow::Result<()> {
        self.cards += 1;
        let reason = &card.reason;
        let judged = self.truth.judge(&card.label, reason.phrase_start_ms, reason.phrase_end_ms);
        let known_at_ms = reason.phrase_end_ms + card.latency.algorithmic_ms;
        let (phrase_end_ms, by) = match judged {
            Judged::Right { phrase_end_ms } => (phrase_end_ms, "phrase"),
            // Without a scripted phrase to count from, the recogniser's own idea of it has to do.
            Judged::WrongLabel | Judged::False => (reason.phrase_end_ms, "phrase as heard"),
        };
        let algorithmic_ms = known_at_ms.saturating_sub(phrase_end_ms);
        let compute_us = (card.latency.compute_ms.unwrap_or(0.0) * 1_000.0) as u64;
        let total_us = self.zero.filter(|_| self.real_time).map(|zero| {
            let spoken = zero + Duration::from_millis(phrase_end_ms);
            u64::try_from(at.saturating_duration_since(spoken).as_micros()).unwrap_or(u64::MAX)
        });
        let transport_us = total_us.map(|t| t.saturating_sub(algorithmic_ms * 1_000 + compute_us));
        if matches!(judged, Judged::Right { .. }) {
            self.latencies.algorithmic.saturating_record(algorithmic_ms * 1_000);
            self.latencies.compute.saturating_record(compute_us);
            if let (Some(total), Some(transport)) = (total_us, transport_us) {
                self.latencies.total.saturating_record(total);
                self.latencies.transport.saturating_record(transport);
            }
        }
        if self.json {
            return self.json(&json!({
                "type": "card", "label": card.label, "title": card.title, "rule": reason.rule, "score": reason.score,
                "phrase_start_ms": reason.phrase_start_ms, "phrase_end_ms": reason.phrase_end_ms,
                "judged": match judged { Judged::Right { .. } => "right", Judged::WrongLabel => "wrong_label", Judged::False => "false" },
                "total_ms": total_us.map(|us| us as f64 / 1e3), "algorithmic_ms": algorithmic_ms,
                "compute_ms": compute_us as f64 / 1e3, "transport_ms": transport_us.map(|us| us as f64 / 1e3),
            }));
        }
        let when = match total_us {
            Some(us) => format!("{} ms after the {by} ended", us / 1_000),
            None => format!("{algorithmic_ms} ms of audio after the {by} ended"),
        };
        self.view.card(&CardView {
            label: &card.label,
            title: &card.title,
            say: &card.say,
            proof: card.proof.as_ref().map(|p| (p.text.as_str(), p.source.as_str())),
            ask: card.ask.as_deref(),
            why: &reason.rule,
            when,
        })?;
        Ok(())
    }

    /// Takes the bot's own report.
    pub fn played(&mut self, report: &PlayReport) {
        self.media_ms = report.media_ms;
        self.dropped = self.dropped.max(report.dropped);
    }

    /// Prints the numbers.
    ///
    /// # Errors
    /// If the output breaks.
    pub fn summary(&mut self, files: &Exported) -> anyhow::Result<()> {
        let l = &self.latencies;
        let (total, algorithmic) = (Percentiles::of(&l.total), Percentiles::of(&l.algorithmic));
        let (compute, transport) = (Percentiles::of(&l.compute), Percentiles::of(&l.transport));
        let (found, expected) = (self.truth.found(), self.truth.expected());
        let (false_cards, wrong_label) = (self.truth.false_cards(), self.truth.wrong_label());
        let missed: Vec<String> = self.truth.missed().map(|o| format!("{} (\"{}\")", o.label, o.phrase)).collect();
        let wall_s = self.begun.elapsed().as_secs_f64();
        if self.json {
            return self.json(&json!({
                "type": "summary", "fixture": self.name, "cards": self.cards, "objections": expected, "right": found,
                "missed": missed, "wrong_label": wrong_label, "false_cards": false_cards,
                "audio_s": self.media_ms as f64 / 1e3, "wall_s": wall_s, "packets_dropped": self.dropped,
                "latency": {"total": self.real_time.then_some(total), "algorithmic": algorithmic, "compute": compute,
                            "transport": self.real_time.then_some(transport)},
                "transcript": files.transcript, "events": files.events,
            }));
        }
        let v = &mut self.view;
        v.line(&format!(
            "\n{} card(s): {found} of {expected} objections answered, {wrong_label} of another kind, {false_cards} false",
            self.cards
        ))?;
        for m in &missed {
            v.line(&format!("  missed: {m}"))?;
        }
        v.line(&format!("{:.1} s of audio in {wall_s:.1} s", self.media_ms as f64 / 1e3))?;
        if total.n + algorithmic.n > 0 {
            v.line("latency, ms after the phrase ended      p50     p95     max")?;
            let mut row = |name: &str, p: &Percentiles| {
                v.line(&format!("  {name:34} {:7.1} {:7.1} {:7.1}", p.p50_ms, p.p95_ms, p.max_ms))
            };
            if self.real_time {
                row("card on the socket", &total)?;
            }
            row("of it algorithmic (audio needed)", &algorithmic)?;
            row("of it compute", &compute)?;
            if self.real_time {
                row("of it transport and waiting", &transport)?;
            }
        }
        v.line(&format!("transcript: {}\nevent log:  {}", files.transcript.display(), files.events.display()))?;
        Ok(())
    }

    /// Prints a remark (not in JSON).
    ///
    /// # Errors
    /// If the output breaks.
    pub fn note(&mut self, text: &str) -> anyhow::Result<()> {
        if self.json {
            return self.json(&json!({"type": "note", "text": text}));
        }
        Ok(self.view.line(text)?)
    }

    /// Whether JSON lines are wanted.
    pub(super) const fn is_json(&self) -> bool {
        self.json
    }

    pub(super) fn json(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        Ok(self.view.line(&value.to_string())?)
    }
}
