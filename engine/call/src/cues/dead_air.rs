//! Nobody speaks.

use super::{
    Finding, Watch,
    phrases::Ear,
    scene::{Fact, Scene},
    spoken_time,
};
use crate::time::MediaTime;

/// At the beginning people join, greet and share screens: silence is not dead air yet.
const SETTLING_MS: u64 = 60_000;

/// A silence of everybody, while everybody could speak and is heard.
#[derive(Debug)]
pub(super) struct DeadAir {
    longer_than_ms: u64,
    /// The silence it fired for, by where it began.
    fired: Option<MediaTime>,
}

impl DeadAir {
    pub fn new(longer_than_s: u32) -> Self {
        Self { longer_than_ms: u64::from(longer_than_s) * 1_000, fired: None }
    }
}

impl Watch for DeadAir {
    fn observe(&mut self, _: &Scene, _: &Fact<'_>, _: &mut Ear) {}

    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        let quiet = scene.quiet_since().filter(|quiet| self.fired != Some(*quiet) && !scene.goodbye)?;
        Some(quiet.plus_ms(self.longer_than_ms).max(scene.began?.plus_ms(SETTLING_MS)))
    }

    /// Only a timer can tell: what comes as an event is no silence.
    fn evaluate(&mut self, scene: &Scene, at: MediaTime, timer: bool) -> Option<Finding> {
        let quiet = scene.quiet_since().filter(|_| timer && self.due(scene).is_some_and(|due| due <= at))?;
        self.fired = Some(quiet);
        if scene.misses_audio(at) || !scene.both_could_speak() {
            return None;
        }
        let (silent, limit) = (spoken_time(at.ms_since(quiet)), spoken_time(self.longer_than_ms));
        Some(Finding::of(format!("nobody has spoken for {silent} (limit {limit})"), None, quiet))
    }
}
