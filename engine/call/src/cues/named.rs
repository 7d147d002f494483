//! A name is mentioned; a class of the detector came up.

use super::{
    Finding, Watch,
    phrases::{Ear, Phrases},
    scene::{Fact, Scene},
};
use crate::{
    playbook::{NameList, Names, SpeakerRule, Vocabulary},
    time::MediaTime,
};

/// A name in the words.
#[derive(Debug)]
pub(super) struct Mention {
    names: Phrases,
    speaker: SpeakerRule,
    found: Option<Finding>,
}

impl Mention {
    pub fn new(names: &Names, speaker: SpeakerRule, vocabulary: &Vocabulary) -> Self {
        let names = match names {
            Names::Of(NameList::Competitors) => &vocabulary.competitors,
            Names::Of(NameList::Products) => &vocabulary.products,
            Names::Of(NameList::People) => &vocabulary.people,
            Names::These(names) => names,
        };
        Self { names: Phrases::new(names, &[]), speaker, found: None }
    }
}

impl Watch for Mention {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, _: &mut Ear) {
        match fact {
            // As with phrases: somebody of unknown side may be the buyer.
            Fact::Words { track, utterance, new } if self.speaker.admits(scene.party(*track)) => {
                if let Some(said) = self.names.in_words(scene.said(*utterance), new.len()) {
                    let since = said.words.first().map_or(scene.now, |w| w.start);
                    let because = format!("\"{}\" was named", said.phrase);
                    self.found = Some(Finding { because, track: Some(*track), since, words: said.words });
                }
            }
            Fact::Erased(_) => self.found = None,
            _ => {}
        }
    }

    fn due(&self, _: &Scene) -> Option<MediaTime> {
        None
    }

    fn evaluate(&mut self, _: &Scene, _: MediaTime, _: bool) -> Option<Finding> {
        self.found.take()
    }

    fn rest(&mut self, _: MediaTime) {
        self.found = None;
    }
}

/// A class that another play of the playbook, or none, has its card for.
#[derive(Debug)]
pub(super) struct Labelled {
    label: String,
    speaker: SpeakerRule,
    /// The play of this rule: what the detector found for that very play has brought its card.
    play: String,
    found: Option<Finding>,
}

impl Labelled {
    pub fn new(label: &str, speaker: SpeakerRule, play: &str) -> Self {
        Self { label: label.to_owned(), speaker, play: play.to_owned(), found: None }
    }
}

impl Watch for Labelled {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, _: &mut Ear) {
        match fact {
            Fact::Detected(d)
                if d.label == self.label && d.play != self.play && self.speaker.admits(scene.party(d.track)) =>
            {
                self.found = Some(Finding {
                    because: format!("{} came up", d.label),
                    track: Some(d.track),
                    since: d.evidence.start,
                    words: d.evidence.words.clone(),
                });
            }
            Fact::Erased(_) => self.found = None,
            _ => {}
        }
    }

    fn due(&self, _: &Scene) -> Option<MediaTime> {
        None
    }

    fn evaluate(&mut self, _: &Scene, _: MediaTime, _: bool) -> Option<Finding> {
        self.found.take()
    }

    fn rest(&mut self, _: MediaTime) {
        self.found = None;
    }
}
