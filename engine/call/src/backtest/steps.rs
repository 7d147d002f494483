//! From the events of a log to what a replay is given, in the order in which it was heard.
//!
//! A log tells of a phrase heard in the sounds only with the detection that came of it, a moment later. So events wait
//! here for a while, and the phrase is put where it was heard.

use std::collections::VecDeque;

use super::cards::{Cards, Seen};
use crate::{
    audio::{Consent, TrackId, TrackInfo},
    card::CardEnd,
    detect::{Detection, fusion},
    event::{Event, EventBody, UtteranceId},
    input::Coaching,
    session::from_log::Logged,
    time::MediaTime,
};

/// How long an event waits for a phrase that was heard before it. Detections are held back 160 ms at most; a log of a
/// later engine may hold them longer.
const WAIT_MS: u64 = 2_000;
/// Steps that wait at a time. Far more than two seconds bring.
const STEPS_MAX: usize = 10_000;

/// What the rep did with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Used it.
    Used,
    /// Dismissed it.
    Dismissed,
    /// Marked it wrong.
    Wrong,
    /// Asked for the next one.
    Skipped,
    /// Pinned it, or let it go again.
    Pinned,
}

/// What a replay is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Joined(TrackInfo),
    Left(TrackId),
    Paused(TrackId),
    Heard(TrackId, Logged),
    Coaching(Coaching),
    /// The rep did something with this card of the log.
    Rep(Did, Box<Seen>),
    /// Audio comes, or comes no more.
    Audio(bool),
    /// The server was restarted: who spoke is cut off.
    Restarted,
}

/// One step, and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub at: MediaTime,
    pub what: What,
    /// The utterance that ends with it.
    ends: Option<UtteranceId>,
}

/// Puts events in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    waiting: VecDeque<Step>,
    ready: VecDeque<Step>,
    /// Phrases heard in the sounds that the log tells of.
    pub sounds: u32,
}

impl Steps {
    /// Takes the next event; `cards` are those of the log up to before it.
    pub fn event(&mut self, event: &Event, cards: &Cards) {
        let at = event.at;
        match &event.body {
            EventBody::TrackAdded { track } => {
                // Their words are in the log: they were listened to rightly.
                let consent = Consent { basis: "log".to_owned(), reference: String::new() };
                let consent = Some(track.consent.clone().unwrap_or(consent));
                self.push(at, What::Joined(TrackInfo { consent, ..track.clone() }));
            }
            EventBody::TrackEnded { track } => self.push(at, What::Left(*track)),
            EventBody::TrackPaused { track } => self.push(at, What::Paused(*track)),
            EventBody::SpeechStarted { track, start, .. } => {
                self.push(at, What::Heard(*track, Logged::Began { start: *start }));
            }
            EventBody::WordsCommitted { track, words, .. } => {
                for word in words {
                    self.insert(word.start.min(at), *track, None, Logged::Speaks(word.end));
                }
                self.push(at, What::Heard(*track, Logged::Words(words.clone())));
            }
            EventBody::UtteranceEnded { track, utterance, end, .. } => {
                let what = What::Heard(*track, Logged::Ended { end: *end });
                self.waiting.push_back(Step { at, what, ends: Some(*utterance) });
            }
            EventBody::CoachingChanged { coaching } => self.push(at, What::Coaching(*coaching)),
            EventBody::AudioStalled { .. } => self.push(at, What::Audio(false)),
            EventBody::AudioResumed => self.push(at, What::Audio(true)),
            EventBody::CallResumed { .. } => self.push(at, What::Restarted),
            EventBody::CardClosed { card, end } => {
                let did = match end {
                    CardEnd::Used => Some(Did::Used),
                    CardEnd::Dismissed => Some(Did::Dismissed),
                    CardEnd::Wrong => Some(Did::Wrong),
                    CardEnd::Skipped => Some(Did::Skipped),
                    _ => None,
                };
                if let (Some(did), Some(card)) = (did, cards.get(*card)) {
                    self.push(at, What::Rep(did, Box::new(card.clone())));
                }
            }
            EventBody::CardPinned { card, .. } => {
                if let Some(card) = cards.get(*card) {
                    self.push(at, What::Rep(Did::Pinned, Box::new(card.clone())));
                }
            }
            EventBody::ObjectionDetected { detection } => self.sound(at, detection, None),
            EventBody::DetectionSuppressed { detection, by } => self.sound(at, detection, vetoed_by(by)),
            _ => {}
        }
        while self.waiting.front().is_some_and(|s| at.ms_since(s.at) > WAIT_MS) || self.waiting.len() > STEPS_MAX {
            self.ready.extend(self.waiting.pop_front());
        }
    }

    /// Nothing follows.
    pub fn finish(&mut self) {
        self.ready.append(&mut self.waiting);
    }

    /// The next step whose place is settled.
    pub fn pop(&mut self) -> Option<Step> {
        self.ready.pop_front()
    }

    fn push(&mut self, at: MediaTime, what: What) {
        self.waiting.push_back(Step { at, what, ends: None });
    }

    /// A detection that rests on the sounds says which phrase was heard when. `veto`: the do-not-trigger phrase that was
    /// heard as well.
    fn sound(&mut self, at: MediaTime, detection: &Detection, veto: Option<&str>) {
        let evidence = &detection.evidence;
        // Without a phrase it was erased.
        let Some(score) = evidence.sound.filter(|_| !evidence.phrase.is_empty()) else { return };
        self.sounds += 1;
        let heard_at = evidence.heard_at.min(at);
        let phrase = |phrase: &str, trigger| Logged::Phrase {
            play: detection.play.clone(),
            phrase: phrase.to_owned(),
            trigger,
            start: evidence.start,
            end: evidence.end,
            score,
            threshold: score - fusion::sound_margin(detection.score),
        };
        let heard = veto.map(|v| phrase(v, false)).into_iter().chain([phrase(&evidence.phrase, true)]);
        for logged in heard {
            self.insert(heard_at, detection.track, Some(detection.utterance), logged);
        }
    }

    /// Before everything later, and before the end of the utterance it belongs to.
    fn insert(&mut self, at: MediaTime, track: TrackId, utterance: Option<UtteranceId>, logged: Logged) {
        let earlier = |s: &Step| s.at < at || s.at == at && (s.ends.is_none() || s.ends != utterance);
        // What is inserted belongs near the end.
        let late = self.waiting.iter().rev().take_while(|s| s.at >= at).count();
        let from = self.waiting.len() - late;
        let i = (from..self.waiting.len()).find(|i| !earlier(&self.waiting[*i])).unwrap_or(self.waiting.len());
        self.waiting.insert(i, Step { at, what: What::Heard(track, logged), ends: None });
    }
}

/// The do-not-trigger phrase that was heard in the sounds, out of the words a guard gives for its reason.
fn vetoed_by(by: &str) -> Option<&str> {
    by.strip_prefix("do-not-trigger: \"")?.strip_suffix("\" heard in the sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_veto_is_read_from_its_reason() {
        assert_eq!(vetoed_by("do-not-trigger: \"not too dear\" heard in the sound"), Some("not too dear"));
        assert_eq!(vetoed_by("do-not-trigger: \"not too dear\""), None);
        assert_eq!(vetoed_by("cool-down: 4 ms left"), None);
    }
}
