//! What all rules share: who is there, who speaks when, since when everybody is heard. A fold over the call's events.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    audio::{Party, TrackId},
    detect::{Detection, normalize::tokens_of},
    event::{Event, EventBody, UtteranceId},
    input::{Coaching, GapReason, Load},
    playbook::{MAX_MINUTES, SpeakerRule},
    recognize::Word,
    time::MediaTime,
};

/// Turns remembered. An hour of a turn a second.
const TURNS_MAX: usize = 4_096;
/// Words kept of an utterance in progress; the session cuts one that has more.
const WORDS_MAX: usize = 4_096;
/// Participants told apart: more than any meeting shows.
const TRACKS_MAX: usize = 1_024;
/// Of an utterance in progress so much, at its end, may be the silence that will end it (`stop_ms` of the endpointer).
const TRAILING_MS: u64 = 700;
/// A turn longer than this is one; what is shorter does not take the floor.
pub(super) const TURN_MS: u64 = 1_000;
/// Audio missing for this long may hide something.
const HIDING_GAP_MS: u64 = 2_000;
/// Frames of a track that is heard come every 20 ms of media time. When none came for this long, none are coming.
const FRESH_MS: u64 = 500;
/// Without a word from anybody for this long nobody is there to be coached.
const ALIVE_MS: u64 = 60_000;

/// What people say to show that they listen. An utterance of nothing else takes no floor, however long it is.
const BACK_CHANNELS: &[&str] = &[
    "right",
    "yeah",
    "yes",
    "yep",
    "yup",
    "ok",
    "okay",
    "sure",
    "exactly",
    "great",
    "cool",
    "wow",
    "absolutely",
    "true",
    "huh",
    "oh",
    "alright",
    "good",
    "nice",
    "interesting",
    "fine",
    "definitely",
    "totally",
    "perfect",
    "no",
    "i",
    "see",
    "got",
    "it",
    "makes",
    "sense",
    "of",
    "course",
    "fair",
    "enough",
    "that",
];
/// Words that close a call: silence after them is nobody's fault.
const GOODBYES: &[&str] = &["bye", "goodbye", "cheers", "ciao"];

/// One stretch of speech of one participant.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub track: TrackId,
    pub utterance: UtteranceId,
    pub start: MediaTime,
    /// None while it goes on.
    pub end: Option<MediaTime>,
    pub words: usize,
    /// Of nothing but "right", "I see": all its words so far, of which there is at least one.
    pub back_channel: bool,
}

impl Turn {
    /// Where its speech ends, as far as is known at `now`.
    pub fn until(&self, now: MediaTime) -> MediaTime {
        self.end.unwrap_or_else(|| now.minus_ms(TRAILING_MS)).max(self.start)
    }

    /// Speech in it between `from` and `now`, in microseconds.
    pub fn speech_us(&self, from: MediaTime, now: MediaTime) -> u64 {
        self.until(now).us_since(self.start.max(from))
    }

    /// Whether it takes the floor: longer than a second, and more than a back-channel.
    pub fn takes_the_floor(&self, now: MediaTime) -> bool {
        !self.back_channel && self.until(now).us_since(self.start) > TURN_MS * 1_000
    }

    /// When, going on like this, it will have taken the floor.
    pub fn floor_at(&self) -> MediaTime {
        self.start.plus_ms(TURN_MS + TRAILING_MS).plus_us(1)
    }
}

#[derive(Clone, Debug)]
struct Present {
    consented: bool,
    paused: bool,
}

/// What an event means to the rules.
#[derive(Clone, Debug)]
pub(super) enum Fact<'a> {
    /// Somebody begins to speak.
    Began { track: TrackId, utterance: UtteranceId },
    /// New words; [`Scene::said`] has all of the utterance.
    Words { track: TrackId, utterance: UtteranceId, new: &'a [Word] },
    /// Somebody stopped.
    Ended { track: TrackId, utterance: UtteranceId, start: MediaTime, end: MediaTime, said: Vec<Word> },
    /// The detector found something.
    Detected(&'a Detection),
    /// What this track said (`None`: anybody) is taken back.
    Erased(Option<TrackId>),
    /// Nothing that matters to a rule.
    Other,
}

/// Who is there, who speaks when, since when everybody is heard.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// Media time of the last event or timer.
    pub now: MediaTime,
    /// Planned length of the call in minutes.
    pub planned_minutes: Option<u32>,
    /// First speech heard: minutes of the call count from here.
    pub began: Option<MediaTime>,
    /// Turns in order of being noticed.
    pub turns: VecDeque<Turn>,
    /// Since when all who are there are heard without a break.
    pub heard_since: MediaTime,
    /// For how long, since the first speech, somebody was not heard, in microseconds.
    pub deaf_us: u64,
    /// Since when no words were taken back.
    pub words_since: MediaTime,
    /// Words were taken back.
    pub taken_back: bool,
    /// The machine is behind, and sentences are not compared.
    pub busy: bool,
    /// The last to speak said goodbye.
    pub goodbye: bool,
    /// No audio comes from anyone.
    pub stalled: bool,
    parties: BTreeMap<TrackId, Party>,
    present: BTreeMap<TrackId, Present>,
    open: BTreeMap<UtteranceId, Vec<Word>>,
    live: bool,
    awaited: bool,
    /// After a restart, until something is heard again.
    hole: bool,
    deaf_from: Option<MediaTime>,
    /// When audio came last, where audio comes.
    audio_at: Option<MediaTime>,
    /// When it came back after it was missing.
    audio_since: MediaTime,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            now: MediaTime::ZERO,
            planned_minutes: None,
            began: None,
            turns: VecDeque::new(),
            heard_since: MediaTime::ZERO,
            deaf_us: 0,
            words_since: MediaTime::ZERO,
            taken_back: false,
            busy: false,
            goodbye: false,
            stalled: false,
            parties: BTreeMap::new(),
            present: BTreeMap::new(),
            open: BTreeMap::new(),
            live: true,
            awaited: false,
            hole: false,
            deaf_from: None,
            audio_at: None,
            audio_since: MediaTime::ZERO,
        }
    }
}

impl Scene {
    /// Which side a track is on.
    pub fn party(&self, track: TrackId) -> Party {
        self.parties.get(&track).copied().unwrap_or(Party::Unknown)
    }

    /// Whether somebody of this side is there.
    pub fn has(&self, party: Party) -> bool {
        self.present.keys().any(|t| self.party(*t) == party)
    }

    /// Whether the words of `track` are known to be of the side `rule` names. Unlike where a phrase speaks for itself,
    /// somebody of unknown side is nobody's.
    pub fn is_of(&self, rule: SpeakerRule, track: TrackId) -> bool {
        match rule {
            SpeakerRule::Any => true,
            SpeakerRule::Rep => self.party(track) == Party::Rep,
            SpeakerRule::Buyer => self.party(track) == Party::Buyer,
        }
    }

    /// All words so far of an utterance in progress.
    pub fn said(&self, utterance: UtteranceId) -> &[Word] {
        self.open.get(&utterance).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody who is there is not heard.
    pub fn is_deaf(&self) -> bool {
        self.deaf_from.is_some()
    }

    /// Whether somebody spoke within the last minute before `at`.
    pub fn is_alive(&self, at: MediaTime) -> bool {
        self.turns.iter().any(|t| at.ms_since(t.until(at)) < ALIVE_MS)
    }

    /// Turns that reach into the time after `from`, newest first.
    pub fn turns_since(&self, from: MediaTime) -> impl Iterator<Item = &Turn> {
        let now = self.now;
        self.turns.iter().rev().filter(move |t| t.until(now) > from)
    }

    /// Speech of all for whom `whose` holds between `from` and `at`, in microseconds.
    pub fn speech_us(&self, from: MediaTime, at: MediaTime, whose: impl Fn(Party) -> bool) -> u64 {
        self.turns.iter().filter(|t| whose(self.party(t.track))).map(|t| t.speech_us(from, at)).sum()
    }

    /// Where a silence that still lasts began: nobody speaks, and all has been heard since.
    pub fn quiet_since(&self) -> Option<MediaTime> {
        if !self.open.is_empty() || self.stalled || self.is_deaf() {
            return None;
        }
        let last = self.turns.iter().filter_map(|t| t.end).max()?;
        Some(last.max(self.heard_since).max(self.audio_since))
    }

    /// Whether both sides could speak: somebody who is or may be the rep, and somebody who is or may be the buyer, has
    /// not paused.
    pub fn both_could_speak(&self) -> bool {
        let could = |side: Party| {
            self.present.iter().any(|(t, p)| !p.paused && [side, Party::Unknown].contains(&self.party(*t)))
        };
        could(Party::Rep) && could(Party::Buyer)
    }

    /// Whether audio that used to come is missing at `at`.
    pub fn misses_audio(&self, at: MediaTime) -> bool {
        self.audio_at.is_some_and(|last| at.ms_since(last) > FRESH_MS)
    }

    /// A frame of `track` that ends at `at` is heard. Says whether that changes anything but that time went on.
    pub fn heard_audio(&mut self, track: TrackId, at: MediaTime) -> bool {
        let back = self.audio_at.is_none_or(|last| at.ms_since(last) > FRESH_MS);
        if back {
            self.audio_since = at;
        }
        self.audio_at = self.audio_at.max(Some(at));
        if let Some(there) = self.present.get_mut(&track) {
            there.paused = false;
        }
        let hole = self.hole;
        self.close_hole(at);
        back || hole
    }

    /// Takes the next event and says what it means.
    pub fn take<'a>(&mut self, event: &'a Event) -> Fact<'a> {
        self.now = self.now.max(event.at);
        let fact = self.fold(event);
        self.settle_hearing();
        self.forget_old();
        fact
    }

    fn fold<'a>(&mut self, event: &'a Event) -> Fact<'a> {
        match &event.body {
            EventBody::CallStarted { deal, .. } => self.planned_minutes = deal.planned_minutes,
            EventBody::TrackAdded { track }
                if self.parties.len() < TRACKS_MAX || self.parties.contains_key(&track.id) =>
            {
                self.parties.insert(track.id, track.party);
                let paused = self.present.get(&track.id).is_some_and(|p| p.paused);
                self.present.insert(track.id, Present { consented: track.consent.is_some(), paused });
            }
            EventBody::TrackEnded { track } => drop(self.present.remove(track)),
            EventBody::TrackPaused { track } => {
                if let Some(there) = self.present.get_mut(track) {
                    there.paused = true;
                }
            }
            EventBody::ConsentChanged { track, consent } => {
                if let Some(there) = self.present.get_mut(track) {
                    there.consented = consent.is_some();
                }
            }
            EventBody::ConsentAwaited { tracks } => self.awaited = !tracks.is_empty(),
            EventBody::CoachingChanged { coaching } => self.live = *coaching == Coaching::Live,
            EventBody::LoadChanged { load } => self.busy = *load == Load::High,
            EventBody::AudioStalled { .. } => self.stalled = true,
            EventBody::AudioResumed => {
                self.stalled = false;
                self.audio_since = self.now;
            }
            EventBody::AudioGap { from, until, reason, .. }
                if *reason != GapReason::Sender && until.ms_since(*from) > HIDING_GAP_MS =>
            {
                self.missed(*from, *until);
            }
            EventBody::CallResumed { .. } => self.resume(),
            EventBody::SpeechStarted { track, utterance, start } => {
                self.began.get_or_insert(*start);
                self.close_hole(self.now);
                if let Some(there) = self.present.get_mut(track) {
                    there.paused = false;
                }
                self.open.insert(*utterance, Vec::new());
                self.turns.push_back(Turn {
                    track: *track,
                    utterance: *utterance,
                    start: *start,
                    end: None,
                    words: 0,
                    back_channel: false,
                });
                return Fact::Began { track: *track, utterance: *utterance };
            }
            EventBody::WordsCommitted { track, utterance, words } => {
                // Of an utterance nobody saw begin nothing is made.
                let Some(said) = self.open.get_mut(utterance) else { return Fact::Other };
                let room = WORDS_MAX.saturating_sub(said.len()).min(words.len());
                said.extend_from_slice(&words[..room]);
                let small = is_back_channel(said);
                if let Some(turn) = self.turns.iter_mut().rev().find(|t| t.utterance == *utterance) {
                    turn.words += words.len();
                    turn.back_channel = small;
                }
                return Fact::Words { track: *track, utterance: *utterance, new: &words[..room] };
            }
            EventBody::UtteranceEnded { track, utterance, start, end, text } => {
                let mut said = self.open.remove(utterance).unwrap_or_default();
                if text.is_empty() {
                    said.clear();
                }
                if let Some(turn) = self.turns.iter_mut().rev().find(|t| t.utterance == *utterance) {
                    turn.end = Some((*end).max(turn.start));
                    if said.is_empty() {
                        turn.words = 0;
                    }
                }
                self.goodbye = tokens_of(&said).iter().any(|t| GOODBYES.contains(&t.text.as_str()));
                return Fact::Ended { track: *track, utterance: *utterance, start: *start, end: *end, said };
            }
            EventBody::ObjectionDetected { detection } => return Fact::Detected(detection),
            EventBody::WordsErased { track } => {
                self.forget_words(Some(*track));
                return Fact::Erased(Some(*track));
            }
            EventBody::CallErased { .. } => {
                self.forget_words(None);
                return Fact::Erased(None);
            }
            _ => {}
        }
        Fact::Other
    }

    fn forget_words(&mut self, track: Option<TrackId>) {
        self.taken_back = true;
        self.words_since = self.now;
        for turn in self.turns.iter_mut().filter(|t| track.is_none_or(|of| of == t.track)) {
            turn.words = 0;
            if let Some(said) = self.open.get_mut(&turn.utterance) {
                said.clear();
            }
        }
    }

    /// After a restart nobody is there until announced anew, and what was said meanwhile is lost.
    fn resume(&mut self) {
        let now = self.now;
        for turn in self.turns.iter_mut().filter(|t| t.end.is_none()) {
            turn.end = Some(turn.until(now));
        }
        self.open.clear();
        self.present.clear();
        self.stalled = false;
        self.audio_at = None;
        self.hole = true;
    }

    fn close_hole(&mut self, at: MediaTime) {
        if self.hole {
            self.now = self.now.max(at);
            self.hole = false;
            self.settle_hearing();
        }
    }

    fn missed(&mut self, from: MediaTime, until: MediaTime) {
        if self.began.is_some() {
            self.deaf_us = self.deaf_us.saturating_add(until.us_since(from));
        }
        self.heard_since = self.heard_since.max(until);
    }

    fn settle_hearing(&mut self) {
        let deaf = !self.live || self.awaited || self.hole || self.present.values().any(|p| !p.consented);
        match (deaf, self.deaf_from) {
            (true, None) => self.deaf_from = Some(self.now),
            (false, Some(from)) => {
                self.deaf_from = None;
                self.missed(from, self.now);
            }
            _ => {}
        }
    }

    fn forget_old(&mut self) {
        let horizon = self.now.minus_ms(u64::from(MAX_MINUTES) * 60_000);
        while self.turns.front().is_some_and(|t| t.end.is_some_and(|end| end < horizon)) || self.turns.len() > TURNS_MAX
        {
            if let Some(gone) = self.turns.pop_front() {
                self.open.remove(&gone.utterance);
            }
        }
    }
}

fn is_back_channel(said: &[Word]) -> bool {
    !said.is_empty() && tokens_of(said).iter().all(|t| BACK_CHANNELS.contains(&t.text.as_str()))
}
