//! One speaker goes on without a turn of anybody else.

use super::{
    Finding, Watch,
    phrases::Ear,
    scene::{Fact, Scene, Turn},
    spoken_time,
};
use crate::{audio::TrackId, playbook::SpeakerRule, time::MediaTime};

/// Who is silent for this long has left the floor to others.
const FLOOR_LEFT_MS: u64 = 5_000;

/// From the first word of a speaker, over pauses and others' back-channels, to the first turn of somebody else.
#[derive(Debug)]
pub(super) struct Monologue {
    speaker: SpeakerRule,
    longer_than_ms: u64,
    /// The monologue it fired for.
    fired: Option<(TrackId, MediaTime)>,
}

impl Monologue {
    pub fn new(speaker: SpeakerRule, longer_than_s: u32) -> Self {
        Self { speaker, longer_than_ms: u64::from(longer_than_s) * 1_000, fired: None }
    }

    /// The monologues under way at `at`: who speaks, and since when.
    fn under_way<'a>(&'a self, scene: &'a Scene, at: MediaTime) -> impl Iterator<Item = (TrackId, MediaTime)> + 'a {
        let speaks = |t: &&Turn| t.end.is_none() && scene.is_of(self.speaker, t.track) && self.is_known(scene, t.track);
        scene.turns.iter().rev().filter(speaks).map(move |t| (t.track, since(scene, t, at)))
    }

    /// A track of unknown side may be a whole room.
    fn is_known(&self, scene: &Scene, track: TrackId) -> bool {
        scene.party(track) != crate::audio::Party::Unknown
    }
}

/// Where the monologue began in which `turn` stands.
fn since(scene: &Scene, turn: &Turn, at: MediaTime) -> MediaTime {
    let others = scene.turns.iter().filter(|t| t.track != turn.track && t.takes_the_floor(at));
    let taken = others.map(|t| t.until(at)).max().unwrap_or(MediaTime::ZERO);
    let mut start = turn.start;
    for earlier in scene.turns.iter().rev().filter(|t| t.track == turn.track && t.utterance != turn.utterance) {
        let Some(end) = earlier.end else { continue };
        if end <= taken || start.ms_since(end) >= FLOOR_LEFT_MS {
            break;
        }
        start = start.min(earlier.start);
    }
    start.max(taken)
}

impl Watch for Monologue {
    fn observe(&mut self, _: &Scene, _: &Fact<'_>, _: &mut Ear) {}

    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        let open = self.under_way(scene, scene.now).filter(|run| self.fired != Some(*run));
        open.map(|(_, since)| since.plus_ms(self.longer_than_ms)).min()
    }

    fn evaluate(&mut self, scene: &Scene, at: MediaTime, _: bool) -> Option<Finding> {
        let long = |(_, since): &(TrackId, MediaTime)| {
            at.ms_since(*since) >= self.longer_than_ms && !scene.is_deaf() && scene.heard_since <= *since
        };
        let run = self.under_way(scene, at).find(|run| long(run) && self.fired != Some(*run))?;
        self.fired = Some(run);
        let (track, since) = run;
        let (spoken, limit) = (spoken_time(at.ms_since(since)), spoken_time(self.longer_than_ms));
        let who = scene.party(track).as_str();
        let because = format!("the {who} has spoken for {spoken} without a turn of anybody else (limit {limit})");
        Some(Finding::of(because, Some(track), since))
    }
}
