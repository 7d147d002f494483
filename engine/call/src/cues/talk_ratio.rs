//! The rep's share of the speech.

use super::{
    Finding, Watch, minutes_ms,
    phrases::Ear,
    scene::{Fact, Scene},
};
use crate::{audio::Party, time::MediaTime};

/// While the rep speaks the share is looked at every so often.
const LOOK_EVERY_MS: u64 = 5_000;
/// Less than a fifth of the window is speech: a share of that says nothing.
const SPEECH_MIN_PERCENT: u64 = 20;

/// Speech time of the rep over speech time of all, in a sliding window. Speech at the same time counts for each.
#[derive(Debug)]
pub(super) struct TalkRatio {
    above_percent: u64,
    after_ms: u64,
    window_ms: u64,
    look: bool,
}

impl TalkRatio {
    pub fn new(above_percent: u32, after_minute: u32, window_min: u32) -> Self {
        Self {
            above_percent: u64::from(above_percent),
            after_ms: minutes_ms(after_minute),
            window_ms: minutes_ms(window_min),
            look: false,
        }
    }

    fn not_before(&self, scene: &Scene) -> Option<MediaTime> {
        let began = scene.began?;
        Some(began.plus_ms(self.after_ms).max(began.max(scene.heard_since).plus_ms(self.window_ms)))
    }
}

impl Watch for TalkRatio {
    fn observe(&mut self, _: &Scene, fact: &Fact<'_>, _: &mut Ear) {
        self.look = matches!(fact, Fact::Ended { .. });
    }

    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        let rep_speaks = scene.turns.iter().any(|t| t.end.is_none() && scene.party(t.track) == Party::Rep);
        let from = self.not_before(scene).filter(|_| rep_speaks)?;
        let next = (scene.now.ms() / LOOK_EVERY_MS + 1) * LOOK_EVERY_MS;
        Some(from.max(MediaTime::from_ms(next)))
    }

    fn evaluate(&mut self, scene: &Scene, at: MediaTime, timer: bool) -> Option<Finding> {
        if !(timer || self.look) || at < self.not_before(scene)? || scene.is_deaf() {
            return None;
        }
        self.look = false;
        let from = at.minus_ms(self.window_ms);
        let speech = |party: Party| scene.speech_us(from, at, |p| p == party) / 1_000;
        let (rep, buyer, unknown) = (speech(Party::Rep), speech(Party::Buyer), speech(Party::Unknown));
        let all = rep + buyer;
        let enough = all * 100 >= self.window_ms * SPEECH_MIN_PERCENT;
        let both = scene.has(Party::Rep) && scene.has(Party::Buyer) && unknown == 0;
        if !both || !enough || rep * 100 <= all * self.above_percent {
            return None;
        }
        let (tenths, window) = (rep * 1_000 / all, self.window_ms / 60_000);
        let because = format!(
            "the rep had {}.{} % of the speech in the last {window} min (limit {} %)",
            tenths / 10,
            tenths % 10,
            self.above_percent
        );
        Some(Finding::of(because, None, from))
    }
}
