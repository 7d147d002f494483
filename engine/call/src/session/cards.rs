//! From what the detector says to cards.

use std::sync::Arc;

use super::CallSession;
use crate::{
    card::{Card, Reason, Stages},
    deck::DeckChange,
    detect::{Detection, Verdict},
    event::EventBody,
};

impl CallSession {
    pub(super) fn decide(&mut self, verdicts: Vec<Verdict>) {
        for verdict in verdicts {
            match verdict {
                Verdict::Suppressed(detection, by) => self.emit(EventBody::DetectionSuppressed { detection, by }),
                Verdict::Contradicted { play, start, .. } => {
                    let mut changes = Vec::new();
                    self.deck.retract(&play, start, self.now, &mut changes);
                    self.apply(changes);
                }
                Verdict::Detected(detection) => self.deal(detection),
            }
        }
    }

    fn deal(&mut self, detection: Detection) {
        let playbook = Arc::clone(&self.playbook);
        let Some(play) = playbook.play(&detection.play) else {
            return;
        };
        if let Some(by) = self.deck.refuses(play, self.now) {
            self.emit(EventBody::DetectionSuppressed { detection, by });
            return;
        }
        let evidence = &detection.evidence;
        let card = Card {
            id: self.deck.take_id(),
            play: play.id.clone(),
            label: play.label.clone(),
            title: play.card.title.clone(),
            say: play.card.say.clone(),
            proof: play.card.proof.clone(),
            ask: play.card.ask.clone(),
            ttl_ms: play.ttl_ms,
            priority: play.priority,
            reason: Reason {
                rule: evidence.rule.clone(),
                words: evidence.words.clone(),
                speaker: self.names.get(&detection.track).cloned().unwrap_or_default(),
                score: detection.score,
                phrase_start: evidence.start,
                phrase_end: evidence.end,
                stages: Stages {
                    recognize_ms: evidence.heard_at.ms_since(evidence.end),
                    detect_ms: self.now.ms_since(evidence.heard_at),
                    deck_ms: 0,
                },
            },
        };
        self.cards_of.insert(card.id, detection.track);
        self.emit(EventBody::ObjectionDetected { detection });
        let mut changes = Vec::new();
        self.deck.offer(card, self.now, &mut changes);
        self.apply(changes);
    }

    pub(super) fn apply(&mut self, changes: Vec<DeckChange>) {
        for change in changes {
            let body = match change {
                DeckChange::Shown(mut card) => {
                    let stages = &mut card.reason.stages;
                    let decided_ms = stages.recognize_ms + stages.detect_ms;
                    stages.deck_ms = self.now.ms_since(card.reason.phrase_end).saturating_sub(decided_ms);
                    EventBody::CardShown { card }
                }
                DeckChange::Queued(card) => EventBody::CardQueued { card },
                DeckChange::Closed(card, end) => {
                    self.cards_of.remove(&card);
                    EventBody::CardClosed { card, end }
                }
                DeckChange::Pinned(card, pinned) => EventBody::CardPinned { card, pinned },
            };
            self.emit(body);
        }
    }
}
