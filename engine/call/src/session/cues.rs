//! From rules that fire to cards.

use std::sync::Arc;

use super::CallSession;
use crate::{
    card::{Reason, Stages},
    cues::Cue,
    event::EventBody,
    playbook::When,
    time::MediaTime,
};

impl CallSession {
    /// Deals what the rules raised since it was asked last.
    pub(super) fn raise_cues(&mut self) {
        while let Some(cue) = self.cues.take() {
            self.raise(cue);
        }
    }

    /// What was detected at `start` for `detected` is contradicted: so are the cards of rules about its label.
    pub(super) fn retract_labelled(&mut self, detected: &str, start: MediaTime) {
        let playbook = Arc::clone(&self.playbook);
        let Some(label) = playbook.play(detected).map(|p| p.label.as_str()) else {
            return;
        };
        let mut changes = Vec::new();
        for play in &playbook.plays {
            if matches!(&play.when, Some(When::Label { is }) if is == label && play.id != detected) {
                self.deck.retract(&play.id, start, self.now, &mut changes);
            }
        }
        self.apply(changes);
    }

    fn raise(&mut self, cue: Cue) {
        let playbook = Arc::clone(&self.playbook);
        let Some(play) = playbook.play(&cue.play) else {
            return;
        };
        if let Some(by) = self.deck.refuses(play, self.now) {
            self.emit(EventBody::CueSuppressed { cue, by });
            return;
        }
        let reason = Reason {
            rule: cue.because.clone(),
            words: cue.words.clone(),
            speaker: cue.track.and_then(|t| self.names.get(&t).cloned()).unwrap_or_default(),
            // A rule is measured, not guessed.
            score: 1.0,
            // A rule is complete at the instant it fires; from there the card's delay counts.
            phrase_start: cue.since,
            phrase_end: self.now,
            stages: Stages::default(),
        };
        let card = self.make_card(play, reason);
        if let Some(track) = cue.track {
            self.cards_of.insert(card.id, track);
        }
        self.emit(EventBody::CueRaised { cue });
        let mut changes = Vec::new();
        self.deck.offer(card, self.now, &mut changes);
        self.apply(changes);
    }
}
