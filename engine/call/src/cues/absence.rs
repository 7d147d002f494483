//! What has not been said by a certain minute: `not_said_by`, `agenda_missing`, `never_asked`, `no_next_step`.

use super::{
    Finding, Watch, minutes_ms,
    phrases::{Ear, Phrases},
    scene::{Fact, Scene},
    spoken_time,
};
use crate::{
    audio::{Party, TrackId},
    playbook::SpeakerRule,
    time::MediaTime,
};

/// For so long in the whole call somebody may have gone unheard; after more nobody can say what was not said.
const UNHEARD_MAX_US: u64 = 30_000_000;

/// By when.
#[derive(Clone, Copy, Debug)]
enum By {
    /// So long after the first speech.
    FromStart(u64),
    /// So long before the planned end.
    BeforeEnd(u64),
}

/// Nobody of `speaker`'s side has said it by then. Decided once: at that instant, or at the first speech after it.
#[derive(Debug)]
pub(super) struct Absence {
    speaker: SpeakerRule,
    by: By,
    what: &'static str,
    phrases: Phrases,
    /// It was said, or the time to miss it is over.
    settled: bool,
    /// Something that might have been it went by unjudged.
    unsure: bool,
}

impl Absence {
    fn new(speaker: SpeakerRule, by: By, what: &'static str, phrases: &[String], like: &[String]) -> Self {
        Self { speaker, by, what, phrases: Phrases::new(phrases, like), settled: false, unsure: false }
    }

    pub fn by_minute(speaker: SpeakerRule, minute: u32, phrases: &[String], like: &[String]) -> Self {
        let what = match speaker {
            SpeakerRule::Rep => "the rep has not said it",
            SpeakerRule::Buyer => "the buyer has not said it",
            SpeakerRule::Any => "nobody has said it",
        };
        Self::new(speaker, By::FromStart(minutes_ms(minute)), what, phrases, like)
    }

    pub fn agenda(minute: u32, phrases: &[String], like: &[String]) -> Self {
        let by = By::FromStart(minutes_ms(minute));
        Self::new(SpeakerRule::Rep, by, "the rep has not said what the call is about", phrases, like)
    }

    pub fn question(minute: u32, phrases: &[String], like: &[String]) -> Self {
        let by = By::FromStart(minutes_ms(minute));
        Self::new(SpeakerRule::Rep, by, "the rep has not asked it", phrases, like)
    }

    pub fn next_step(before_end: u32, phrases: &[String], like: &[String]) -> Self {
        let by = By::BeforeEnd(minutes_ms(before_end));
        Self::new(SpeakerRule::Any, by, "nobody has spoken of a next step", phrases, like)
    }

    fn at(&self, scene: &Scene) -> Option<MediaTime> {
        let began = scene.began?;
        match self.by {
            By::FromStart(ms) => Some(began.plus_ms(ms)),
            By::BeforeEnd(ms) => Some(began.plus_ms(minutes_ms(scene.planned_minutes?).checked_sub(ms)?)),
        }
    }

    /// Of somebody whose side is not known it is taken as said: a rule that accuses needs to be sure.
    fn may_be_of(&self, scene: &Scene, track: TrackId) -> bool {
        scene.is_of(self.speaker, track) || scene.party(track) == Party::Unknown
    }

    /// Whether it can be told at all that it was not said.
    fn can_tell(&self, scene: &Scene) -> bool {
        let there = match self.speaker {
            SpeakerRule::Rep => scene.has(Party::Rep),
            SpeakerRule::Buyer => scene.has(Party::Buyer),
            SpeakerRule::Any => true,
        };
        there && !self.unsure && !scene.taken_back && !scene.is_deaf() && scene.deaf_us <= UNHEARD_MAX_US
    }
}

impl Watch for Absence {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, ear: &mut Ear) {
        if self.settled {
            return;
        }
        match fact {
            Fact::Words { track, utterance, new } if self.may_be_of(scene, *track) => {
                self.settled = self.phrases.in_words(scene.said(*utterance), new.len()).is_some();
            }
            Fact::Ended { track, said, .. } if self.phrases.has_like() && self.may_be_of(scene, *track) => {
                if scene.busy {
                    self.unsure = true;
                } else {
                    self.settled = self.phrases.any_like(said, ear);
                }
            }
            _ => {}
        }
    }

    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        if self.settled { None } else { self.at(scene) }
    }

    fn evaluate(&mut self, scene: &Scene, at: MediaTime, _: bool) -> Option<Finding> {
        let due = self.at(scene)?;
        if self.settled || at < due || !scene.is_alive(at) {
            return None;
        }
        self.settled = true;
        if !self.can_tell(scene) {
            return None;
        }
        let began = scene.began?;
        let gone = spoken_time(at.ms_since(began));
        let because = match (self.by, scene.planned_minutes) {
            (By::BeforeEnd(_), Some(planned)) => {
                let left = spoken_time(began.plus_ms(minutes_ms(planned)).ms_since(at));
                format!("{} and {left} of the planned {planned} min are left", self.what)
            }
            _ => format!("{} in the first {gone} of the call", self.what),
        };
        Some(Finding::of(because, None, began))
    }
}
