//! How many questions the rep asks.

use std::collections::VecDeque;

use super::{
    Finding, Watch, minutes_ms,
    phrases::Ear,
    question::questions,
    scene::{Fact, Scene},
};
use crate::{
    audio::{Party, TrackId},
    playbook::SpeakerRule,
    time::MediaTime,
};

/// A rep who spoke less than a tenth of the window was listening: nothing to remark.
const REP_MIN_PERCENT: u64 = 10;

/// Questions of the rep in a sliding window; each counts from the end of the utterance it stands in.
#[derive(Debug)]
pub(super) struct QuestionRate {
    fewer_than: usize,
    window_ms: u64,
    after_ms: u64,
    /// Ends of the last questions, at most `fewer_than`.
    asked: VecDeque<(TrackId, MediaTime)>,
}

impl QuestionRate {
    pub fn new(fewer_than: u32, window_min: u32, after_minute: u32) -> Self {
        Self {
            fewer_than: fewer_than as usize,
            window_ms: minutes_ms(window_min),
            after_ms: minutes_ms(after_minute),
            asked: VecDeque::new(),
        }
    }

    /// When there have been too few: the window must have passed, and the oldest of the last so many left it.
    fn too_few_at(&self, scene: &Scene) -> Option<MediaTime> {
        let began = scene.began?;
        let heard = began.max(scene.heard_since).max(scene.words_since);
        let not_before = began.plus_ms(self.after_ms).max(heard.plus_ms(self.window_ms));
        let oldest = if self.asked.len() < self.fewer_than { None } else { self.asked.front() };
        Some(oldest.map_or(not_before, |(_, at)| not_before.max(at.plus_ms(self.window_ms))))
    }
}

impl Watch for QuestionRate {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, _: &mut Ear) {
        match fact {
            Fact::Ended { track, end, said, .. } if scene.is_of(SpeakerRule::Rep, *track) => {
                for _ in 0..questions(said).min(self.fewer_than) {
                    self.asked.push_back((*track, *end));
                }
                while self.asked.len() > self.fewer_than {
                    self.asked.pop_front();
                }
            }
            Fact::Erased(_) => self.asked.clear(),
            _ => {}
        }
    }

    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        self.too_few_at(scene)
    }

    fn evaluate(&mut self, scene: &Scene, at: MediaTime, _: bool) -> Option<Finding> {
        if at < self.too_few_at(scene)? || scene.is_deaf() || !scene.is_alive(at) {
            return None;
        }
        let from = at.minus_ms(self.window_ms);
        let of = |party: Party| move |p: Party| p == party;
        let rep_ms = scene.speech_us(from, at, of(Party::Rep)) / 1_000;
        let unknown = scene.speech_us(from, at, of(Party::Unknown)) > 0;
        // Who is in mid-sentence may be asking.
        let rep_speaks = scene.turns.iter().any(|t| t.end.is_none() && scene.party(t.track) == Party::Rep);
        let words: usize =
            scene.turns_since(from).filter(|t| scene.party(t.track) == Party::Rep).map(|t| t.words).sum();
        let enough = rep_ms * 100 >= self.window_ms * REP_MIN_PERCENT && words > 0;
        if unknown || rep_speaks || !enough || !scene.has(Party::Rep) {
            return None;
        }
        let count = self.asked.iter().filter(|(_, end)| *end > from).count();
        let (window, least) = (self.window_ms / 60_000, self.fewer_than);
        let because = format!("the rep asked {count} questions in the last {window} min (at least {least})");
        Some(Finding::of(because, None, from))
    }
}
