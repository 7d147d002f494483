//! The buyer says one thing and the rep does not answer with another in time.

use std::collections::VecDeque;

use super::{
    Finding, Watch,
    phrases::{Ear, Phrases},
    scene::{Fact, Scene},
    spoken_time,
};
use crate::{
    audio::{Party, TrackId},
    playbook::SpeakerRule,
    recognize::Word,
    time::MediaTime,
};

/// Things the buyer said that may wait for an answer.
const OPEN_MAX: usize = 8;

#[derive(Clone, Debug)]
struct Unanswered {
    track: TrackId,
    start: MediaTime,
    /// When the answer is late.
    due: MediaTime,
    because: String,
    words: Vec<Word>,
}

/// What the buyer said, and whether it was answered within the time after the end of it.
#[derive(Debug)]
pub(super) struct Sequence {
    buyer: Phrases,
    label: Option<String>,
    answer: Phrases,
    within_ms: u64,
    open: VecDeque<Unanswered>,
}

impl Sequence {
    pub fn new(buyer: &[String], label: Option<&str>, answer: &[String], like: &[String], within_s: u32) -> Self {
        Self {
            buyer: Phrases::new(buyer, &[]),
            label: label.map(str::to_owned),
            answer: Phrases::new(answer, like),
            within_ms: u64::from(within_s) * 1_000,
            open: VecDeque::new(),
        }
    }

    fn raised(&mut self, track: TrackId, words: Vec<Word>, (start, end): (MediaTime, MediaTime), because: String) {
        // Said again in the same breath it is one question.
        if self.open.iter().any(|o| o.track == track && o.start == start) {
            return;
        }
        if self.open.len() == OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back(Unanswered { track, start, due: end.plus_ms(self.within_ms), because, words });
    }

    fn is_answer(&mut self, scene: &Scene, fact: &Fact<'_>, ear: &mut Ear) -> bool {
        let may_be_rep = |track| scene.party(track) != Party::Buyer;
        match fact {
            Fact::Words { track, utterance, new } if may_be_rep(*track) => {
                self.answer.in_words(scene.said(*utterance), new.len()).is_some()
            }
            Fact::Ended { track, said, .. } if may_be_rep(*track) && self.answer.has_like() => {
                // While the machine is behind nobody knows; better silent than wrong.
                scene.busy || self.answer.any_like(said, ear)
            }
            _ => false,
        }
    }
}

impl Watch for Sequence {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, ear: &mut Ear) {
        if !self.open.is_empty() && self.is_answer(scene, fact, ear) {
            self.open.clear();
        }
        match fact {
            Fact::Words { track, utterance, new } if scene.is_of(SpeakerRule::Buyer, *track) => {
                if let Some(said) = self.buyer.in_words(scene.said(*utterance), new.len())
                    && let (Some(first), Some(last)) = (said.words.first(), said.words.last())
                {
                    let (span, because) = ((first.start, last.end), format!("the buyer said \"{}\"", said.phrase));
                    self.raised(*track, said.words, span, because);
                }
            }
            Fact::Detected(d)
                if self.label.as_deref() == Some(d.label.as_str()) && scene.is_of(SpeakerRule::Buyer, d.track) =>
            {
                let because = format!("the buyer raised {}", d.label);
                self.raised(d.track, d.evidence.words.clone(), (d.evidence.start, d.evidence.end), because);
            }
            Fact::Erased(track) => self.open.retain(|o| track.is_some_and(|t| t != o.track)),
            _ => {}
        }
    }

    fn due(&self, _: &Scene) -> Option<MediaTime> {
        self.open.iter().map(|o| o.due).min()
    }

    fn evaluate(&mut self, scene: &Scene, at: MediaTime, _: bool) -> Option<Finding> {
        let first = self.open.iter().position(|o| o.due <= at)?;
        let late = self.open.remove(first)?;
        self.open.retain(|o| o.due > at);
        if !scene.has(Party::Rep) || scene.is_deaf() || scene.heard_since > late.start {
            return None;
        }
        let waited = spoken_time(self.within_ms);
        let because = format!("{} and the rep has not answered it as planned within {waited}", late.because);
        Some(Finding { because, track: Some(late.track), since: late.start, words: late.words })
    }

    fn rest(&mut self, at: MediaTime) {
        self.open.retain(|o| o.due > at);
    }
}
