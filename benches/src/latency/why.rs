//! Why an objection brought no card, or the wrong one: what the engine's own event log says about it.

use std::collections::BTreeSet;

use reframe_call::{
    audio::{Party, TrackId},
    backtest::truth::{Judged, Objection, SAME_PHRASE_MS},
    event::{CardId, Event, EventBody},
    input::{Coaching, Load},
    recognize::Word,
    time::MediaTime,
};
use serde::Serialize;

use crate::screen::CardSeen;

/// Words so near a phrase are shown with it, in ms: the recogniser places a word to within some rows of 40 ms.
const AROUND_MS: u64 = 300;

/// An objection without its card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missed {
    /// The fixture.
    pub call: String,
    /// Class.
    pub label: String,
    /// The play that should have answered it.
    pub play: String,
    /// What was said.
    pub phrase: String,
    /// From, in ms.
    pub start_ms: u64,
    /// Until, in ms.
    pub end_ms: u64,
    /// The words the engine wrote down there.
    pub heard: String,
    /// What its log says about it, in the order of time.
    pub why: Vec<String>,
}

/// A card that answers nothing, or something else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wrong {
    /// The fixture.
    pub call: String,
    /// Class the card was for.
    pub label: String,
    /// Rule that decided.
    pub rule: String,
    /// Where its phrase was heard: from, in ms.
    pub start_ms: u64,
    /// Until, in ms.
    pub end_ms: u64,
    /// The words the engine wrote down there.
    pub heard: String,
    /// What the script has there: nothing, or another objection.
    pub instead_of: Vec<String>,
}

impl Missed {
    /// Looks it up in the log of its call.
    pub fn explained(call: &str, objection: &Objection, log: &[Event]) -> Self {
        let o = objection.clone();
        let (heard, why) = (heard(log, o.start_ms, o.end_ms), why(objection, log));
        let Objection { label, play, phrase, start_ms, end_ms, .. } = o;
        Self { call: call.to_owned(), label, play, phrase, start_ms, end_ms, heard, why }
    }

    /// As lines to print.
    pub fn told(&self) -> String {
        format!(
            "missed: {}, {} \"{}\" at {} (play {})\n    heard there: \"{}\"\n    {}",
            self.call,
            self.label,
            self.phrase,
            span(self.start_ms, self.end_ms),
            self.play,
            self.heard,
            self.why.join("\n    ")
        )
    }
}

impl Wrong {
    /// A card that is not right, among the objections of its call. None if it is right.
    pub fn explained(call: &str, seen: &CardSeen, objections: &[Objection], log: &[Event]) -> Option<Self> {
        if matches!(seen.judged, Judged::Right { .. }) {
            return None;
        }
        let reason = &seen.card.reason;
        let (start_ms, end_ms) = (reason.phrase_start_ms, reason.phrase_end_ms);
        let here = objections.iter().filter(|o| near(o, start_ms, end_ms));
        Some(Self {
            call: call.to_owned(),
            label: seen.card.label.clone(),
            rule: reason.rule.clone(),
            start_ms,
            end_ms,
            heard: heard(log, start_ms, end_ms),
            instead_of: here.map(|o| format!("{} \"{}\"", o.label, o.phrase)).collect(),
        })
    }

    /// As lines to print.
    pub fn told(&self) -> String {
        let (what, instead) = match &self.instead_of[..] {
            [] => ("false", "nothing was raised there".to_owned()),
            raised => ("wrong", format!("raised there: {}", raised.join(", "))),
        };
        format!(
            "{what}: {}, a card for {} at {}: {}\n    heard there: \"{}\"\n    {instead}",
            self.call,
            self.label,
            span(self.start_ms, self.end_ms),
            self.rule,
            self.heard
        )
    }
}

fn span(start_ms: u64, end_ms: u64) -> String {
    format!("{:.1} to {:.1} s", start_ms as f64 / 1e3, end_ms as f64 / 1e3)
}

/// Whether a phrase heard from `start_ms` to `end_ms` is this objection's, as [`reframe_call::backtest::truth`] counts.
fn near(o: &Objection, start_ms: u64, end_ms: u64) -> bool {
    start_ms <= o.end_ms + SAME_PHRASE_MS && o.start_ms <= end_ms + SAME_PHRASE_MS
}

/// Words of everybody but the rep that lie there.
fn heard(log: &[Event], start_ms: u64, end_ms: u64) -> String {
    let reps = reps(log);
    let mut words: Vec<&Word> = log
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::WordsCommitted { track, words, .. } if !reps.contains(track) => Some(words),
            _ => None,
        })
        .flatten()
        .filter(|w| w.start.ms() <= end_ms + AROUND_MS && start_ms <= w.end.ms() + AROUND_MS)
        .collect();
    words.sort_by_key(|w| w.start);
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn reps(log: &[Event]) -> BTreeSet<TrackId> {
    let rep = |event: &Event| match &event.body {
        EventBody::TrackAdded { track } if track.party == Party::Rep => Some(track.id),
        _ => None,
    };
    log.iter().filter_map(rep).collect()
}

/// What a log says about an objection that brought no card.
fn why(o: &Objection, log: &[Event]) -> Vec<String> {
    let here = |start: MediaTime, end: MediaTime| near(o, start.ms(), end.ms());
    let until = |id: CardId| {
        log.iter().find_map(|event| match &event.body {
            EventBody::CardClosed { card, end } if *card == id => Some((event.at, *end)),
            _ => None,
        })
    };
    let shown = |id: CardId| log.iter().any(|e| matches!(&e.body, EventBody::CardShown { card } if card.id == id));
    let mut why = Vec::new();
    let mut recognised = false;
    for event in log {
        let at = event.at.ms() as f64 / 1e3;
        match &event.body {
            EventBody::DetectionSuppressed { detection: d, by } if here(d.evidence.start, d.evidence.end) => {
                recognised |= d.label == o.label;
                why.push(format!("{at:.2} s: {} ({}) was recognised and held back: {by}", d.label, d.evidence.rule));
            }
            EventBody::CardQueued { card } if here(card.reason.phrase_start, card.reason.phrase_end) => {
                recognised |= card.label == o.label;
                if !shown(card.id) {
                    let end = until(card.id).map_or_else(
                        || "never came up".to_owned(),
                        |(gone, end)| format!("went at {:.2} s: {end:?}", gone.ms() as f64 / 1e3),
                    );
                    why.push(format!("{at:.2} s: a card for {} waited and {end}", card.label));
                }
            }
            EventBody::CardShown { card } if here(card.reason.phrase_start, card.reason.phrase_end) => {
                let (label, rule) = (&card.label, &card.reason.rule);
                recognised |= *label == o.label;
                why.push(if *label == o.label {
                    format!(
                        "{at:.2} s: its card ({rule}) is in the log; it counted for another, or was lost on its way"
                    )
                } else {
                    format!("{at:.2} s: it was taken for {label} ({rule})")
                });
            }
            EventBody::AudioGap { from, until, reason, .. } if from.ms() < o.end_ms && o.start_ms < until.ms() => {
                let ms = until.ms_since(*from);
                why.push(format!("{:.2} s: {ms} ms of audio are missing ({reason:?})", from.ms() as f64 / 1e3));
            }
            _ => {}
        }
    }
    why.extend(state(o, log));
    if !recognised {
        let spoke = log.iter().any(|e| matches!(e.body, EventBody::WordsCommitted { .. }));
        why.push(if heard(log, o.start_ms, o.end_ms).is_empty() {
            format!("no word was heard there{}", if spoke { "" } else { ", nor anywhere in the call" })
        } else {
            format!("nothing of the class {} was recognised in these words", o.label)
        });
    }
    why
}

/// How the call was as the phrase ended, where that keeps cards back.
fn state(o: &Objection, log: &[Event]) -> Vec<String> {
    let (mut load, mut coaching, mut awaited) = (Load::Normal, Coaching::Live, false);
    for event in log.iter().filter(|e| e.at.ms() <= o.end_ms) {
        match &event.body {
            EventBody::LoadChanged { load: now } => load = *now,
            EventBody::CoachingChanged { coaching: now } => coaching = *now,
            EventBody::ConsentAwaited { tracks } => awaited = !tracks.is_empty(),
            _ => {}
        }
    }
    let mut why = Vec::new();
    if load == Load::High {
        why.push("the call was behind: meaning was not asked".to_owned());
    }
    if coaching != Coaching::Live {
        why.push(format!("cards were off: {coaching:?}"));
    }
    if awaited {
        why.push("consent was waited for: nobody was listened to".to_owned());
    }
    why
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn objection() -> Objection {
        Objection {
            label: "price".into(),
            play: "price_too_high".into(),
            phrase: "too expensive".into(),
            start_ms: 10_000,
            end_ms: 11_000,
            line: 0,
        }
    }

    fn detection(label: &str, start_ms: u64) -> Value {
        json!({"play": "p", "label": label, "score": 0.9, "track": 1, "utterance": 0, "evidence": {
            "rule": "phrase \"too expensive\" in the words", "phrase": "too expensive", "words": [],
            "start_us": start_ms * 1_000, "end_us": (start_ms + 900) * 1_000, "heard_at_us": (start_ms + 1_300) * 1_000,
            "sound": null, "similarity": null}})
    }

    fn card(id: u32, label: &str, start_ms: u64) -> Value {
        json!({"id": id, "play": "p", "label": label, "title": "t", "say": [], "proof": null, "ask": null, "ttl_ms": 1,
            "priority": 1, "reason": {"rule": "r", "words": [], "speaker": "b", "score": 0.9,
            "phrase_start": start_ms * 1_000, "phrase_end": (start_ms + 900) * 1_000,
            "stages": {"recognize_ms": 1, "detect_ms": 1, "deck_ms": 1}}})
    }

    /// Events of a call whose buyer said these words where the objection lies.
    fn log(words: &str, more: &[Value]) -> Vec<Event> {
        let track = |id: u16, party: &str| json!({"event": "track_added", "at_us": 0, "track": {"id": id, "party": party, "name": "x", "consent": null}});
        let spoken = |track: u16, words: &str| {
            let all: Vec<Value> =
                words.split_whitespace().map(|w| json!({"w": w, "s": 10_200_000, "e": 10_400_000, "c": 1.0})).collect();
            json!({"event": "words_committed", "at_us": 11_500_000, "track": track, "utterance": 0, "words": all})
        };
        let head = [track(0, "rep"), track(1, "buyer"), spoken(0, "i see"), spoken(1, words)];
        let all = head.iter().chain(more);
        all.zip(0u64..)
            .map(|(event, seq)| {
                let mut event = event.clone();
                event["seq"] = seq.into();
                serde_json::from_value(event).unwrap()
            })
            .collect()
    }

    #[test]
    fn the_log_says_what_became_of_an_objection() {
        let at = |mut event: Value, at_ms: u64| {
            event["at_us"] = (at_ms * 1_000).into();
            event
        };
        let held =
            json!({"event": "detection_suppressed", "detection": detection("price", 10_050), "by": "budget: 6 cards"});
        let queued = json!({"event": "card_queued", "card": card(4, "price", 10_050)});
        let gone = json!({"event": "card_closed", "card": 4, "end": "expired"});
        let taken = json!({"event": "card_shown", "card": card(5, "budget", 10_050)});
        let own = json!({"event": "card_shown", "card": card(6, "price", 10_050)});
        let far = json!({"event": "detection_suppressed", "detection": detection("price", 30_000), "by": "far away"});
        let gap = json!({"event": "audio_gap", "track": 1, "from": 10_400_000, "until": 10_600_000, "reason": "lost"});
        let load = json!({"event": "load_changed", "load": "high"});
        let waits = vec![at(queued, 11_400), at(gone, 31_400)];
        const NOT: &str = "nothing of the class price";
        let cases: [(&str, Vec<Value>, &[&str], &str); 8] = [
            ("too expensive", vec![at(held, 11_400)], &["held back: budget: 6 cards"], NOT),
            ("too expensive", waits, &["waited and went at 31.40 s", "Expired"], NOT),
            ("too expensive", vec![at(taken, 11_400)], &["taken for budget", NOT], "held back"),
            ("too expensive", vec![at(own, 11_400)], &["is in the log"], NOT),
            ("two extensive", vec![at(far, 31_400)], &[NOT], "far away"),
            ("", vec![], &["no word was heard there"], NOT),
            ("extensive", vec![at(gap, 10_700)], &["200 ms of audio are missing (Lost)", NOT], "held back"),
            ("extensive", vec![at(load, 5_000)], &["the call was behind", NOT], "held back"),
        ];
        for (words, more, says, never) in cases {
            let missed = Missed::explained("demo", &objection(), &log(words, &more));
            assert_eq!(missed.heard, words, "the rep's words are left out");
            let told = missed.told();
            for part in says {
                assert!(told.contains(part), "{part:?} is not in: {told}");
            }
            assert!(!told.contains(never), "{never:?} is in: {told}");
        }
    }
}
