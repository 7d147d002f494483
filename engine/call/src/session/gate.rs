//! Who may be listened to: consent, and what the rep wants of Reframe.
//!
//! A track is *open* while it may be listened to. Only [`CallSession::settle_gate`] opens and shuts tracks, and nothing
//! of a track that is shut gets past `may_process`, so that what is held back meets neither voice detector nor
//! recogniser. Whoever is shut out is forgotten: what the recogniser had heard before is not continued afterwards.

use super::{CallSession, speech::Ending};
use crate::{
    audio::{Consent, TrackId},
    card::CardEnd,
    event::{EventBody, UtteranceId},
    input::{Coaching, ConsentRule, InputError},
    output::{Caption, Output},
};

impl CallSession {
    /// Those in the call for whose consent everybody waits.
    fn awaited_now(&self) -> Vec<TrackId> {
        match self.rule {
            ConsentRule::EachOwn => Vec::new(),
            ConsentRule::Everyone => {
                self.tracks.values().filter(|t| t.info.consent.is_none()).map(|t| t.info.id).collect()
            }
        }
    }

    /// Shuts and opens tracks after something changed that may have a bearing on it, and tells `facts`, which say what:
    /// after the end of what may no longer be heard, before the news that somebody is waited for.
    pub(super) fn settle_gate(&mut self, facts: impl IntoIterator<Item = EventBody>) {
        let awaited = self.awaited_now();
        let listening = self.coaching == Coaching::Live && awaited.is_empty();
        let ids: Vec<TrackId> = self.tracks.keys().copied().collect();
        for &id in &ids {
            let Some(mut track) = self.tracks.remove(&id) else { continue };
            if !(listening && track.info.consent.is_some()) {
                if track.open && track.in_utterance() {
                    self.end_utterance(&mut track, Ending::Complete);
                    self.clear_caption(id);
                }
                if track.open {
                    track.shut((self.ears.voice)());
                }
            }
            self.tracks.insert(id, track);
        }
        for fact in facts {
            self.emit(fact);
        }
        if awaited != self.awaited {
            self.awaited.clone_from(&awaited);
            self.emit(EventBody::ConsentAwaited { tracks: awaited });
        }
        for id in ids {
            let Some(mut track) = self.tracks.remove(&id) else { continue };
            if listening && track.info.consent.is_some() && !track.open {
                track.open = true;
                track.withheld = false;
                if track.stream.is_none() {
                    // If it cannot start now, the track's first frame tries again and says why.
                    track.stream = self.start_stream(&track.info).ok();
                }
            }
            self.tracks.insert(id, track);
        }
    }

    /// Consent was given or withdrawn. Withdrawn, all that the person said is taken back, also of one who has left.
    pub(super) fn change_consent(&mut self, id: TrackId, consent: Option<&Consent>) -> Result<(), InputError> {
        let fact = EventBody::ConsentChanged { track: id, consent: consent.cloned() };
        let left = !self.tracks.contains_key(&id);
        if left && (consent.is_some() || !self.names.contains_key(&id)) {
            return Err(InputError::UnknownTrack(id));
        }
        let mut withdrawn = consent.is_none() && self.spoke.contains(&id);
        if let Some(mut track) = self.tracks.remove(&id) {
            withdrawn |= consent.is_none() && track.info.consent.is_some();
            if withdrawn {
                self.end_utterance(&mut track, Ending::Erased);
            }
            track.info.consent = consent.cloned();
            track.withheld = false;
            self.tracks.insert(id, track);
        }
        if !withdrawn {
            self.settle_gate([fact]);
            return Ok(());
        }
        self.detector.forget_track(id);
        self.refining.retain(|_, track| *track != id);
        self.spoke.remove(&id);
        let cards = self.cards_of.iter().filter(|(_, track)| **track == id).map(|(card, _)| *card).collect();
        let mut changes = Vec::new();
        self.deck.take_away(&cards, self.now, &mut changes);
        self.apply(changes);
        self.settle_gate([fact, EventBody::WordsErased { track: id }]);
        self.clear_caption(id);
        Ok(())
    }

    /// All that was received is taken back, whoever said it, and with it everybody's consent.
    pub(super) fn erase_all(&mut self, reason: &str) {
        let mut facts = Vec::new();
        for id in self.tracks.keys().copied().collect::<Vec<_>>() {
            let Some(mut track) = self.tracks.remove(&id) else { continue };
            self.end_utterance(&mut track, Ending::Erased);
            if track.info.consent.take().is_some() {
                facts.push(EventBody::ConsentChanged { track: id, consent: None });
            }
            self.tracks.insert(id, track);
        }
        self.detector.forget();
        self.refining.clear();
        let cards = self.cards_of.keys().copied().collect();
        let mut changes = Vec::new();
        self.deck.take_away(&cards, self.now, &mut changes);
        self.apply(changes);
        facts.push(EventBody::CallErased { reason: reason.to_owned() });
        self.settle_gate(facts);
        for id in std::mem::take(&mut self.spoke) {
            self.clear_caption(id);
        }
    }

    /// Whose consent it takes was decided.
    pub(super) fn change_rule(&mut self, rule: ConsentRule, because: &str) {
        let told = (rule, because.to_owned());
        if self.told_rule.as_ref() == Some(&told) {
            return;
        }
        self.rule = rule;
        self.told_rule = Some(told);
        self.settle_gate([EventBody::ConsentRuleChanged { rule, because: because.to_owned() }]);
    }

    /// The rep wants Reframe to listen, to take notes only, or to stop.
    pub(super) fn set_coaching(&mut self, coaching: Coaching) {
        if coaching == self.coaching {
            return;
        }
        if self.coaching == Coaching::Live {
            for id in self.tracks.keys().copied().collect::<Vec<_>>() {
                let Some(mut track) = self.tracks.remove(&id) else { continue };
                self.end_utterance(&mut track, Ending::Cut);
                self.tracks.insert(id, track);
            }
            self.detector.forget();
            self.refining.clear();
            let mut changes = Vec::new();
            self.deck.clear(CardEnd::Dismissed, &mut changes);
            self.apply(changes);
        }
        self.coaching = coaching;
        // Nobody was listened to meanwhile; that was no stall.
        self.last_audio = self.now;
        self.settle_gate([EventBody::CoachingChanged { coaching }]);
    }

    /// Takes the track's caption off the screens.
    fn clear_caption(&mut self, track: TrackId) {
        let utterance = UtteranceId(self.next_utterance.saturating_sub(1));
        let caption = Caption { track, utterance, committed: String::new(), tail: String::new() };
        self.outputs.push_back(Output::Caption(caption));
    }
}
