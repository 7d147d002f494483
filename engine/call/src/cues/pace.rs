//! How fast somebody speaks.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Finding, Watch,
    phrases::Ear,
    scene::{Fact, Scene},
};
use crate::{audio::TrackId, event::UtteranceId, playbook::SpeakerRule, time::MediaTime};

/// Words remembered of a speaker: ten minutes of speech at twice the fastest limit.
const WORDS_MAX: usize = 8_000;
/// Utterances remembered of a speaker.
const SPANS_MAX: usize = 2_048;
/// Speakers told apart.
const SPEAKERS_MAX: usize = 64;

/// What one speaker said lately.
#[derive(Clone, Debug, Default)]
struct Speech {
    /// Utterances: where they begin, and where their speech ends as far as their words are known.
    spans: VecDeque<(UtteranceId, MediaTime, MediaTime)>,
    /// Where the words begin.
    words: VecDeque<MediaTime>,
}

impl Speech {
    /// Where the last `over_us` of speech begin; `None` if there was less.
    fn window_start(&self, over_us: u64) -> Option<MediaTime> {
        let mut left = over_us;
        for (_, start, end) in self.spans.iter().rev() {
            let us = end.us_since(*start);
            if us >= left {
                return Some(MediaTime::from_us(end.us() - left));
            }
            left -= us;
        }
        None
    }

    fn forget_before(&mut self, from: MediaTime) {
        while self.spans.front().is_some_and(|(_, _, end)| *end <= from) || self.spans.len() > SPANS_MAX {
            self.spans.pop_front();
        }
        while self.words.front().is_some_and(|w| *w < from) || self.words.len() > WORDS_MAX {
            self.words.pop_front();
        }
    }
}

/// Words per minute over the last so many seconds of a speaker's own speech; pauses between utterances do not count.
#[derive(Debug)]
pub(super) struct Pace {
    speaker: SpeakerRule,
    above: u64,
    over_us: u64,
    speech: BTreeMap<TrackId, Speech>,
    /// Whose words are news.
    look: Option<TrackId>,
}

impl Pace {
    pub fn new(speaker: SpeakerRule, above: u32, over_s: u32) -> Self {
        let over_us = u64::from(over_s) * 1_000_000;
        Self { speaker, above: u64::from(above), over_us, speech: BTreeMap::new(), look: None }
    }

    fn span(&mut self, track: TrackId, utterance: UtteranceId, start: MediaTime, until: MediaTime) {
        if self.speech.len() >= SPEAKERS_MAX && !self.speech.contains_key(&track) {
            return;
        }
        let speech = self.speech.entry(track).or_default();
        match speech.spans.iter_mut().rev().find(|s| s.0 == utterance) {
            Some(span) => span.2 = span.2.max(until),
            None => speech.spans.push_back((utterance, start, until.max(start))),
        }
        self.look = Some(track);
    }
}

impl Watch for Pace {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, _: &mut Ear) {
        self.look = None;
        match fact {
            Fact::Words { track, utterance, new } if scene.is_of(self.speaker, *track) => {
                let (Some(first), Some(last)) = (scene.said(*utterance).first(), new.last()) else { return };
                let began =
                    scene.turns.iter().rev().find(|t| t.utterance == *utterance).map_or(first.start, |t| t.start);
                self.span(*track, *utterance, began.min(first.start), last.end);
                if let Some(speech) = self.speech.get_mut(track) {
                    speech.words.extend(new.iter().map(|w| w.start));
                }
            }
            // Sounds without words are no speech that could be counted.
            Fact::Ended { track, utterance, start, end, said }
                if !said.is_empty() && scene.is_of(self.speaker, *track) =>
            {
                self.span(*track, *utterance, *start, *end);
            }
            Fact::Erased(Some(track)) => drop(self.speech.remove(track)),
            Fact::Erased(None) => self.speech.clear(),
            _ => {}
        }
    }

    fn due(&self, _: &Scene) -> Option<MediaTime> {
        None
    }

    fn evaluate(&mut self, scene: &Scene, _: MediaTime, _: bool) -> Option<Finding> {
        let track = self.look.take()?;
        let speech = self.speech.get_mut(&track)?;
        let from = speech.window_start(self.over_us)?;
        speech.forget_before(from);
        let per_minute = speech.words.len() as u64 * 60_000_000 / self.over_us;
        if per_minute <= self.above {
            return None;
        }
        let (who, over_s) = (scene.party(track).as_str(), self.over_us / 1_000_000);
        let because = format!(
            "the {who} spoke {per_minute} words a minute over the last {over_s} s of speech (limit {})",
            self.above
        );
        Some(Finding::of(because, Some(track), from))
    }
}
