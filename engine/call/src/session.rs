//! The fold: inputs in, events out. One [`CallSession`] is one call.
//!
//! **Contract.** Every [`handle_input`](CallSession::handle_input) must be followed by
//! [`poll_output`](CallSession::poll_output) until it gives [`Output::Idle`], before the next input. The session reads
//! no clock: media time moves by the audio it is given, or by [`Input::Tick`] where audio does not come.

mod cards;
mod cues;
pub(crate) mod from_log;
mod gate;
mod roster;
mod speech;
mod track;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::{roster::Settled, speech::Ending, track::Track};
use crate::{
    audio::TrackId,
    card::CardEnd,
    cues::Cues,
    deal::Deal,
    deck::{Deck, DeckSettings},
    detect::{Detector, meaning::Meaning},
    endpoint::EndpointSettings,
    event::{CardId, Event, EventBody, UtteranceId},
    input::{
        Coaching, ConsentRule, GapReason, Input, InputError, Load, MAX_MEDIA_TIME, Refined, RepAction, SourceStatus,
    },
    output::Output,
    playbook::Playbook,
    recognize::{Recognizer, VoiceDetector, Word},
    time::MediaTime,
};

/// Version of the event vocabulary in [`crate::event`].
pub const EVENT_SCHEMA: u32 = 1;
/// Longest note kept, in characters.
pub const MAX_NOTE_CHARS: usize = 2_000;

/// Settings of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Where utterances begin and end.
    pub endpoint: EndpointSettings,
    /// Which card is on the screen.
    pub deck: DeckSettings,
    /// Without audio from anyone for this long, the screen says so.
    pub stall_ms: u64,
    /// Ask for a second opinion on every utterance ([`Job::Refine`](crate::output::Job::Refine)).
    pub refine: bool,
    /// Whose consent it takes, until [`Input::ConsentRule`] says otherwise.
    pub consent: ConsentRule,
    /// What Reframe does in the call until the rep says otherwise.
    pub coaching: Coaching,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            endpoint: EndpointSettings::default(),
            deck: DeckSettings::default(),
            stall_ms: 10_000,
            refine: false,
            consent: ConsentRule::default(),
            coaching: Coaching::default(),
        }
    }
}

/// Makes a voice detector for a new track.
pub type VoiceFactory = dyn Fn() -> Box<dyn VoiceDetector> + Send + Sync;

/// What a call hears with.
#[derive(Clone)]
pub struct Ears {
    /// Speech to words and phrases.
    pub recognizer: Arc<dyn Recognizer>,
    /// Speech or not.
    pub voice: Arc<VoiceFactory>,
}

/// Everything that makes up one call besides its inputs.
pub struct SessionSetup {
    /// Settings.
    pub settings: SessionSettings,
    /// What to listen for and answer.
    pub playbook: Arc<Playbook>,
    /// Names for this call the recogniser should lean towards.
    pub context: Vec<String>,
    /// What is known of the deal.
    pub deal: Deal,
    /// What to hear with.
    pub ears: Ears,
    /// What the playbook means, if meaning is to be asked; made for this very playbook, shared by its calls.
    pub semantic: Option<Arc<Meaning>>,
}

/// One call. See the [module](self) for the contract.
pub struct CallSession {
    settings: SessionSettings,
    playbook: Arc<Playbook>,
    context: Vec<String>,
    deal: Deal,
    ears: Ears,
    detector: Detector,
    cues: Cues,
    deck: Deck,
    tracks: BTreeMap<TrackId, Track>,
    /// Names of all who ever joined: a card may name somebody who has just left.
    names: BTreeMap<TrackId, String>,
    /// Sides the rep settled.
    settled: BTreeMap<TrackId, Settled>,
    rule: ConsentRule,
    /// The rule as it was told last, with its reason.
    told_rule: Option<(ConsentRule, String)>,
    coaching: Coaching,
    /// Whose consent everybody waits for.
    awaited: Vec<TrackId>,
    /// Those of whose words the log may hold some.
    spoke: BTreeSet<TrackId>,
    /// On whose words each card rests that is shown or waits.
    cards_of: BTreeMap<CardId, TrackId>,
    /// Utterances a second opinion was asked for, and whose they are.
    refining: BTreeMap<UtteranceId, TrackId>,
    source: Option<SourceStatus>,
    ignored: u64,
    now: MediaTime,
    next_seq: u64,
    next_utterance: u32,
    last_audio: MediaTime,
    stalled: bool,
    ended: bool,
    outputs: VecDeque<Output>,
}

impl std::fmt::Debug for CallSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallSession").field("now", &self.now).field("next_seq", &self.next_seq).finish_non_exhaustive()
    }
}

impl CallSession {
    /// A call that begins now. Its first output is [`EventBody::CallStarted`].
    #[must_use]
    pub fn new(setup: SessionSetup) -> Self {
        let mut session = Self::bare(setup);
        let started = EventBody::CallStarted {
            schema: EVENT_SCHEMA,
            playbook: session.playbook.id(),
            recognizer: session.ears.recognizer.id(),
            detector: session.detector.id(),
            deal: session.deal.clone(),
        };
        session.emit(started);
        if session.coaching != Coaching::Live {
            session.emit(EventBody::CoachingChanged { coaching: session.coaching });
        }
        session
    }

    /// A call that goes on after a restart of the server, from the log it left. Its first output is
    /// [`EventBody::CallResumed`]. Participants must be announced again; numbering and the cards' cool-downs go on.
    #[must_use]
    pub fn resume(setup: SessionSetup, log: &[Event]) -> Self {
        let Some(last) = log.last() else {
            return Self::new(setup);
        };
        let mut session = Self::bare(setup);
        session.next_seq = last.seq + 1;
        session.now = last.at;
        session.last_audio = last.at;
        let mut load = Load::Normal;
        let mut said_by = None;
        for event in log {
            session.deck.restore(event);
            session.cues.restore(event);
            match &event.body {
                // What the first part was told decides: a card keeps its wording, and no proof runs out in mid-call.
                EventBody::CallStarted { deal, .. } => {
                    session.deal = deal.clone();
                    session.deck.expect(&deal.plays);
                }
                EventBody::SpeechStarted { utterance, .. } => {
                    session.next_utterance = session.next_utterance.max(utterance.0 + 1);
                }
                EventBody::LoadChanged { load: now } => load = *now,
                EventBody::TrackAdded { track } => {
                    session.names.insert(track.id, track.name.clone());
                    let settled = Settled::follow(session.settled.get(&track.id), track);
                    session.settled.insert(track.id, settled);
                }
                EventBody::WordsCommitted { track, .. } => drop(session.spoke.insert(*track)),
                EventBody::WordsErased { track } => drop(session.spoke.remove(track)),
                EventBody::ObjectionDetected { detection } => {
                    session.spoke.insert(detection.track);
                    said_by = Some(detection.track);
                }
                EventBody::DetectionSuppressed { detection, .. } => drop(session.spoke.insert(detection.track)),
                EventBody::CueRaised { cue } => said_by = cue.track,
                EventBody::CardShown { card } | EventBody::CardQueued { card } => {
                    if let Some(track) = said_by {
                        session.cards_of.entry(card.id).or_insert(track);
                    }
                }
                EventBody::CardClosed { card, .. } => drop(session.cards_of.remove(card)),
                EventBody::ConsentRuleChanged { rule, because } => {
                    session.rule = *rule;
                    session.told_rule = Some((*rule, because.clone()));
                }
                EventBody::CoachingChanged { coaching } => session.coaching = *coaching,
                EventBody::SourceChanged { source } => session.source = Some(source.clone()),
                EventBody::ConsentAwaited { tracks } => session.awaited.clone_from(tracks),
                _ => {}
            }
        }
        session.emit(EventBody::CallResumed { after_seq: last.seq });
        if session.coaching != Coaching::Live {
            let mut changes = Vec::new();
            session.deck.clear(CardEnd::Dismissed, &mut changes);
            session.apply(changes);
        }
        if load == Load::High {
            // Whoever measures the load starts afresh, and would never say that it is over.
            session.emit(EventBody::LoadChanged { load: Load::Normal });
        }
        // What fell due at the very moment the log breaks off.
        session.advance(session.now);
        session
    }

    fn bare(setup: SessionSetup) -> Self {
        let mut deck = Deck::new(setup.settings.deck, &setup.playbook.plays);
        deck.expect(&setup.deal.plays);
        Self {
            cues: Cues::new(&setup.playbook, setup.semantic.as_ref().map(|meaning| meaning.encoder())),
            detector: Detector::new(Arc::clone(&setup.playbook), setup.semantic),
            deck,
            rule: setup.settings.consent,
            coaching: setup.settings.coaching,
            settings: setup.settings,
            playbook: setup.playbook,
            context: setup.context,
            deal: setup.deal,
            ears: setup.ears,
            tracks: BTreeMap::new(),
            names: BTreeMap::new(),
            settled: BTreeMap::new(),
            told_rule: None,
            awaited: Vec::new(),
            spoke: BTreeSet::new(),
            cards_of: BTreeMap::new(),
            refining: BTreeMap::new(),
            source: None,
            ignored: 0,
            now: MediaTime::ZERO,
            next_seq: 0,
            next_utterance: 0,
            last_audio: MediaTime::ZERO,
            stalled: false,
            ended: false,
            outputs: VecDeque::new(),
        }
    }

    /// Media time of the call: the furthest any input has moved it.
    #[must_use]
    pub const fn now(&self) -> MediaTime {
        self.now
    }

    /// Whether [`Input::End`] was taken.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// Frames and words that were ignored because their track's speech already comes as the other of the two.
    #[must_use]
    pub const fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Takes one input.
    ///
    /// # Errors
    /// [`InputError`] if the caller broke the contract; the session is then unchanged.
    pub fn handle_input(&mut self, input: &Input) -> Result<(), InputError> {
        if !self.outputs.is_empty() {
            return Err(InputError::NotDrained);
        }
        if self.ended {
            return Err(InputError::Ended);
        }
        if let Some(at) = input.time().filter(|at| *at > MAX_MEDIA_TIME) {
            return Err(InputError::TooFar { at });
        }
        let taken = self.take_input(input);
        self.raise_cues();
        taken
    }

    fn take_input(&mut self, input: &Input) -> Result<(), InputError> {
        match input {
            Input::TrackAdded(info) => self.announce(info)?,
            Input::Consent { track, consent } => self.change_consent(*track, consent.as_ref())?,
            Input::Audio(frame) => self.hear(frame)?,
            Input::Words { track, words, tail, done } => self.read(*track, words, tail, *done)?,
            Input::Paused(track) => self.pause(*track)?,
            Input::Gap { track, until, reason } => self.gap(*track, *until, *reason)?,
            Input::Tick(at) => self.advance(*at),
            Input::Silent => {
                if !self.stalled && self.coaching == Coaching::Live {
                    self.stalled = true;
                    self.emit(EventBody::AudioStalled { since: self.last_audio });
                }
            }
            Input::Rep { at, action } => {
                self.advance(*at);
                self.act(action)?;
            }
            Input::Source(source) => {
                if self.source.as_ref() != Some(source) {
                    self.source = Some(source.clone());
                    self.emit(EventBody::SourceChanged { source: source.clone() });
                }
            }
            Input::Disclosed(disclosure) => {
                self.emit(EventBody::DisclosurePosted { disclosure: disclosure.clone() });
            }
            Input::Erase { reason } => self.erase_all(reason),
            Input::ConsentRule { rule, because } => self.change_rule(*rule, because),
            Input::Refined(refined) => self.refined(refined),
            Input::Load(load) => {
                self.detector.rest_meaning(*load == Load::High);
                self.emit(EventBody::LoadChanged { load: *load });
            }
            Input::TrackEnded(track) => self.leave(*track)?,
            Input::End => self.end(),
        }
        Ok(())
    }

    /// The next thing to do; [`Output::Idle`] when there is nothing until the next input.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Idle { deadline: self.deadline() })
    }

    fn deadline(&self) -> Option<MediaTime> {
        if self.ended {
            return None;
        }
        // Who was said to have nothing to say is not missed.
        let expected = self.coaching == Coaching::Live && self.tracks.values().any(|t| !t.paused);
        let stall = (!self.stalled && expected).then(|| self.last_audio.plus_ms(self.settings.stall_ms));
        let gone = self.gone().map(|(at, _)| at);
        let parts = [self.deck.deadline(), self.detector.deadline(), self.cues.deadline()];
        parts.into_iter().flatten().chain(stall).chain(gone).min()
    }

    /// The first utterance that ends because nothing more comes of it, and when.
    fn gone(&self) -> Option<(MediaTime, TrackId)> {
        self.tracks.values().filter_map(|t| Some((t.gone_at()?, t.info.id))).min()
    }

    fn emit(&mut self, body: EventBody) {
        let event = Event { seq: self.next_seq, at: self.now, body };
        self.cues.observe(&event);
        self.outputs.push_back(Output::Event(event));
        self.next_seq += 1;
    }

    /// Moves media time to `to`; every timer due by then fires first, in order, stamped with its own deadline. So how
    /// often the driver ticks leaves no trace in the log.
    fn advance(&mut self, to: MediaTime) {
        while let Some(due) = self.deadline().filter(|d| *d <= to) {
            self.now = self.now.max(due);
            if self.cues.deadline().is_some_and(|d| d <= due) {
                // Before anything else that happens at this instant, as in a back-test over the log.
                self.cues.on_time(self.now);
            } else if self.deck.deadline().is_some_and(|d| d <= due) {
                let mut changes = Vec::new();
                self.deck.on_time(self.now, &mut changes);
                self.apply(changes);
            } else if self.detector.deadline().is_some_and(|d| d <= due) {
                let verdicts = self.detector.on_time(self.now);
                self.decide(verdicts);
            } else if let Some(id) = self.gone().filter(|(at, _)| *at <= due).map(|(_, id)| id) {
                if let Some(mut track) = self.tracks.remove(&id) {
                    self.end_utterance(&mut track, Ending::Complete);
                    self.tracks.insert(id, track);
                }
            } else {
                self.stalled = true;
                self.emit(EventBody::AudioStalled { since: self.last_audio });
            }
            self.raise_cues();
        }
        self.now = self.now.max(to);
    }

    fn take_track(&mut self, id: TrackId) -> Result<Track, InputError> {
        self.tracks.remove(&id).ok_or(InputError::UnknownTrack(id))
    }

    /// The rep did something.
    fn act(&mut self, action: &RepAction) -> Result<(), InputError> {
        match action {
            RepAction::SetParty { track, party } => self.set_party(*track, *party)?,
            RepAction::SetCoaching { coaching } => self.set_coaching(*coaching),
            RepAction::Note { text } => {
                let text: String = text.trim().chars().take(MAX_NOTE_CHARS).collect();
                if !text.is_empty() && self.coaching != Coaching::Off {
                    self.emit(EventBody::NoteTaken { text });
                }
            }
            of_a_card => {
                let mut changes = Vec::new();
                self.deck.act(of_a_card.clone(), self.now, &mut changes);
                self.apply(changes);
            }
        }
        Ok(())
    }

    fn gap(&mut self, id: TrackId, until: MediaTime, reason: GapReason) -> Result<(), InputError> {
        let from = self.tracks.get(&id).ok_or(InputError::UnknownTrack(id))?.next;
        if until > from {
            self.advance(until);
            let mut track = self.take_track(id)?;
            self.end_utterance(&mut track, Ending::Complete);
            track.next = until;
            // Where nobody listens, nothing is missing.
            if track.open {
                self.emit(EventBody::AudioGap { track: id, from, until, reason });
            }
            self.tracks.insert(id, track);
        }
        Ok(())
    }

    fn refined(&mut self, refined: &Refined) {
        // Of somebody who took back what was said nothing is asked any more; who has left had agreed.
        let asked = self.refining.remove(&refined.utterance);
        let allowed = |track| self.coaching == Coaching::Live && self.tracks.get(&track).is_none_or(|t| t.open);
        if !asked.is_some_and(allowed) {
            return;
        }
        self.emit(EventBody::UtteranceRefined {
            utterance: refined.utterance,
            text: text_of(&refined.words),
            words: refined.words.clone(),
            model: refined.model.clone(),
        });
    }

    fn end(&mut self) {
        for (id, mut track) in std::mem::take(&mut self.tracks) {
            self.end_utterance(&mut track, Ending::Complete);
            self.emit(EventBody::TrackEnded { track: id });
        }
        // What still waits for a veto will get none.
        let verdicts = self.detector.on_time(MediaTime::MAX);
        self.decide(verdicts);
        let mut changes = Vec::new();
        self.deck.clear(CardEnd::CallEnded, &mut changes);
        self.apply(changes);
        self.emit(EventBody::CallEnded { cards_shown: self.deck.shown(), utterances: self.next_utterance });
        self.ended = true;
    }
}

/// Words joined with single spaces.
#[must_use]
pub fn text_of(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
