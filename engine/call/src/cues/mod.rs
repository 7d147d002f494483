//! Plays beyond objections: how the call goes, and what has not been said in it.
//!
//! [`Cues`] is a fold over the call's own events: who speaks when, which words, what was detected. Each rule of the
//! playbook ([`When`]) is a `Watch` over what they share, the `Scene`; it fires at an instant that follows from the
//! events alone, its own deadline if no event comes then. So a live call, a replay and a back-test over the log raise
//! the same cues. What each rule measures stands in `docs/PLAYS.md`.

mod absence;
mod dead_air;
mod interruptions;
mod monologue;
mod named;
mod pace;
mod phrases;
mod question;
mod question_rate;
mod scene;
mod sequence;
mod talk_ratio;

use std::{collections::VecDeque, fmt::Debug, sync::Arc};

use serde::{Deserialize, Serialize};

use self::{
    absence::Absence,
    dead_air::DeadAir,
    interruptions::Interruptions,
    monologue::Monologue,
    named::{Labelled, Mention},
    pace::Pace,
    phrases::Ear,
    question_rate::QuestionRate,
    scene::{Fact, Scene},
    sequence::Sequence,
    talk_ratio::TalkRatio,
};
use crate::{
    audio::TrackId,
    detect::semantic::SentenceEncoder,
    event::{Event, EventBody},
    playbook::{Play, Playbook, When},
    recognize::Word,
    time::MediaTime,
};

/// A rule rests at least this long after it fired, whatever its play's cool-down: what it measures hardly changes sooner.
const MIN_REST_MS: u64 = 10_000;

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// Id of the play.
    pub play: String,
    /// Its label.
    pub label: String,
    /// Why, in words, with the numbers that were measured. What somebody said stands in quotation marks.
    pub because: String,
    /// Who it is about, or on whose words it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<TrackId>,
    /// Where in the audio that what it rests on began.
    #[serde(rename = "since_us")]
    pub since: MediaTime,
    /// The words it rests on, if it rests on words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

/// What a watch found.
#[derive(Clone, Debug, PartialEq)]
struct Finding {
    because: String,
    track: Option<TrackId>,
    since: MediaTime,
    words: Vec<Word>,
}

impl Finding {
    /// Of how the call goes, not of words.
    const fn of(because: String, track: Option<TrackId>, since: MediaTime) -> Self {
        Self { because, track, since, words: Vec::new() }
    }
}

/// One rule: what it remembers beyond the [`Scene`] is its own, and bounded.
trait Watch: Debug + Send {
    /// Takes a fact; `scene` has it already.
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, ear: &mut Ear);

    /// When, if nothing happens before, it wants to be asked.
    fn due(&self, scene: &Scene) -> Option<MediaTime>;

    /// Whether it fires at `at`: asked after every event, and, with `timer`, when it is due.
    fn evaluate(&mut self, scene: &Scene, at: MediaTime, timer: bool) -> Option<Finding>;

    /// It rests at `at`: what it would have found is let go.
    fn rest(&mut self, _at: MediaTime) {}
}

#[derive(Debug)]
struct Armed {
    play: String,
    label: String,
    rest_ms: u64,
    /// Times it may still fire.
    left: u32,
    rests_until: MediaTime,
    fired_at: Option<MediaTime>,
    /// When it was asked by a timer last; a deadline that is no later is not kept again.
    asked_at: Option<MediaTime>,
    watch: Box<dyn Watch>,
}

impl Armed {
    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        if self.left == 0 {
            return None;
        }
        let due = self.watch.due(scene)?.max(self.rests_until);
        (self.asked_at.is_none_or(|asked| asked < due)).then_some(due)
    }

    fn fired(&mut self, at: MediaTime) {
        if self.fired_at != Some(at) {
            self.fired_at = Some(at);
            self.rests_until = at.plus_ms(self.rest_ms);
            self.left = self.left.saturating_sub(1);
        }
    }

    fn ask(&mut self, scene: &Scene, at: MediaTime, timer: bool) -> Option<Cue> {
        if timer {
            self.asked_at = Some(at);
        }
        if self.left == 0 || at < self.rests_until {
            self.watch.rest(at);
            return None;
        }
        let Finding { because, track, since, words } = self.watch.evaluate(scene, at, timer)?;
        self.fired(at);
        Some(Cue { play: self.play.clone(), label: self.label.clone(), because, track, since, words })
    }
}

/// The rules of a playbook over one call.
///
/// **Contract.** Between two events every [`deadline`](Self::deadline) that has come is kept with
/// [`on_time`](Self::on_time), in order; then [`observe`](Self::observe) takes the event, and [`take`](Self::take) gives
/// what was raised.
pub struct Cues {
    scene: Scene,
    ear: Ear,
    watches: Vec<Armed>,
    raised: VecDeque<Cue>,
    next: Option<MediaTime>,
    over: bool,
}

impl Debug for Cues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cues").field("watches", &self.watches.len()).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Cues {
    /// The rules of `playbook`. Without `encoder` only phrases count, not sentences like the rules' examples.
    #[must_use]
    pub fn new(playbook: &Playbook, encoder: Option<Arc<dyn SentenceEncoder>>) -> Self {
        let armed = |play: &Play| {
            let watch = watch(play.when.as_ref()?, play, playbook);
            let left = if play.once { 1 } else { play.max_per_call };
            Some(Armed {
                play: play.id.clone(),
                label: play.label.clone(),
                rest_ms: play.cooldown_ms.max(MIN_REST_MS),
                left,
                rests_until: MediaTime::ZERO,
                fired_at: None,
                asked_at: None,
                watch,
            })
        };
        let watches = playbook.plays.iter().filter(|p| p.enabled).filter_map(armed).collect();
        Self {
            scene: Scene::default(),
            ear: Ear::new(encoder),
            watches,
            raised: VecDeque::new(),
            next: None,
            over: false,
        }
    }

    /// Whether the playbook has no rules: then nothing here does anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Takes the call's next event.
    pub fn observe(&mut self, event: &Event) {
        if self.watches.is_empty() || self.over {
            return;
        }
        match &event.body {
            EventBody::CallEnded { .. } | EventBody::CallFailed { .. } => {
                self.over = true;
                self.raised.clear();
                self.next = None;
                return;
            }
            // What the fold itself brought about: known here already, but not after a restart.
            EventBody::CueRaised { cue } | EventBody::CueSuppressed { cue, .. } => {
                self.watches.iter_mut().filter(|w| w.play == cue.play).for_each(|w| w.fired(event.at));
                self.settle();
                return;
            }
            EventBody::CardShown { .. }
            | EventBody::CardQueued { .. }
            | EventBody::CardClosed { .. }
            | EventBody::CardPinned { .. } => return,
            _ => {}
        }
        let fact = self.scene.take(event);
        if let Fact::Erased(track) = &fact {
            self.ear.forget();
            self.raised.retain(|c| c.words.is_empty() || track.is_some() && c.track != *track);
        }
        for armed in &mut self.watches {
            armed.watch.observe(&self.scene, &fact, &mut self.ear);
            self.raised.extend(armed.ask(&self.scene, event.at, false));
        }
        self.settle();
        // What the event made due in the past is due now. Every watch is asked once at an instant, so this ends.
        while self.next.is_some_and(|due| due <= event.at) {
            self.on_time(event.at);
        }
    }

    /// Takes an event of the log a restarted call left: what it raised was raised then. Turns, words and how often each
    /// rule fired are known again. What no log says is not: frames of silence, so that a silence at the restart counts
    /// from the first audio after it.
    pub fn restore(&mut self, event: &Event) {
        while let Some(due) = self.deadline().filter(|due| *due <= event.at) {
            self.on_time(due);
        }
        self.observe(event);
        self.raised.clear();
    }

    /// A frame of audio of `track`, heard with its sound or its silence, ends at `at`.
    pub fn heard_audio(&mut self, track: TrackId, at: MediaTime) {
        if self.watches.is_empty() || self.over {
            return;
        }
        if self.scene.heard_audio(track, at) {
            self.settle();
        }
    }

    /// When a rule next wants to be asked, if one does.
    #[must_use]
    pub const fn deadline(&self) -> Option<MediaTime> {
        self.next
    }

    /// Asks the rules that are due at `at`, which is [`deadline`](Self::deadline) or later.
    pub fn on_time(&mut self, at: MediaTime) {
        let at = at.max(self.scene.now);
        // Who is due is decided before the clock moves: some look at the clock to tell when they are due next.
        let due: Vec<bool> = self.watches.iter().map(|w| w.due(&self.scene).is_some_and(|due| due <= at)).collect();
        self.scene.now = at;
        for (armed, _) in self.watches.iter_mut().zip(due).filter(|(_, due)| *due) {
            self.raised.extend(armed.ask(&self.scene, at, true));
        }
        self.settle();
    }

    /// The next cue that was raised.
    pub fn take(&mut self) -> Option<Cue> {
        self.raised.pop_front()
    }

    fn settle(&mut self) {
        self.next = self.watches.iter().filter_map(|w| w.due(&self.scene)).min();
    }
}

fn watch(when: &When, play: &Play, playbook: &Playbook) -> Box<dyn Watch> {
    match when {
        When::NotSaidBy { speaker, minute, phrases, like } => {
            Box::new(Absence::by_minute(*speaker, *minute, phrases, like))
        }
        When::AgendaMissing { by_minute, phrases, like } => Box::new(Absence::agenda(*by_minute, phrases, like)),
        When::NeverAsked { by_minute, phrases, like } => Box::new(Absence::question(*by_minute, phrases, like)),
        When::NoNextStep { minutes_before_end, phrases, like } => {
            Box::new(Absence::next_step(*minutes_before_end, phrases, like))
        }
        When::Sequence { buyer, label, rep_does_not, like, within_s } => {
            Box::new(Sequence::new(buyer, label.as_deref(), rep_does_not, like, *within_s))
        }
        When::Monologue { speaker, longer_than_s } => Box::new(Monologue::new(*speaker, *longer_than_s)),
        When::TalkRatio { rep_above_percent, after_minute, window_min } => {
            Box::new(TalkRatio::new(*rep_above_percent, *after_minute, *window_min))
        }
        When::QuestionRate { fewer_than, window_min, after_minute } => {
            Box::new(QuestionRate::new(*fewer_than, *window_min, *after_minute))
        }
        When::Pace { speaker, words_per_minute_above, over_s } => {
            Box::new(Pace::new(*speaker, *words_per_minute_above, *over_s))
        }
        When::Interruptions { at_least, within_min } => Box::new(Interruptions::new(*at_least, *within_min)),
        When::DeadAir { longer_than_s } => Box::new(DeadAir::new(*longer_than_s)),
        When::Mention { names } => Box::new(Mention::new(names, play.speaker, &playbook.vocabulary)),
        When::Label { is } => Box::new(Labelled::new(is, play.speaker, &play.id)),
    }
}

/// `93 s`, `5 min`, `2 min 5 s`: a stretch of time as a rep reads it.
fn spoken_time(ms: u64) -> String {
    let s = ms / 1_000;
    match (s / 60, s % 60) {
        (0 | 1, _) => format!("{s} s"),
        (min, 0) => format!("{min} min"),
        (min, s) => format!("{min} min {s} s"),
    }
}

const fn minutes_ms(minutes: u32) -> u64 {
    minutes as u64 * 60_000
}

#[cfg(test)]
mod tests;
