//! From what the detector says to cards.

use std::sync::Arc;

use super::CallSession;
use crate::{
    card::{Card, Reason, Stages},
    deck::DeckChange,
    detect::{Detection, Verdict},
    event::EventBody,
    playbook::Play,
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
                    self.retract_labelled(&play, start);
                }
                Verdict::Detected(detection) => self.deal(detection),
            }
        }
    }

    fn deal(&mut self, detection: Detection) {
        let playbook = Arc::clone(&self.playbook);
        let Some(detected) = playbook.play(&detection.play) else {
            return;
        };
        let evidence = &detection.evidence;
        let answer = match self.deck.answer(&playbook.plays, detected, evidence.start, self.now) {
            Ok(answer) => answer,
            Err(by) => {
                self.emit(EventBody::DetectionSuppressed { detection, by });
                return;
            }
        };
        let reason = Reason {
            rule: answer.in_words(&evidence.rule),
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
        };
        let card = self.make_card(answer.play, reason);
        self.cards_of.insert(card.id, detection.track);
        self.emit(EventBody::ObjectionDetected { detection });
        let mut changes = Vec::new();
        self.deck.offer_for(&detected.id, card, self.now, &mut changes);
        self.apply(changes);
    }

    /// The card of `play` for this call: with this call's wording, and what fits its deal.
    pub(super) fn make_card(&mut self, play: &Play, reason: Reason) -> Card {
        let wording = play.card.wording_for(&play.id, self.deal.id.as_deref());
        Card {
            id: self.deck.take_id(),
            play: play.id.clone(),
            label: play.label.clone(),
            title: play.card.title.clone(),
            say: wording.say.to_vec(),
            proof: play.card.proof_on(self.deal.date).cloned(),
            ask: wording.ask.map(str::to_owned),
            avoid: play.card.avoid.clone(),
            case_study: play.card.case_study_for(&self.deal),
            variant: wording.id.map(str::to_owned),
            ttl_ms: play.ttl_ms,
            priority: play.priority,
            reason,
        }
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
