//! The fold: inputs in, events out. One [`CallSession`] is one call.
//!
//! **Contract.** Every [`handle_input`](CallSession::handle_input) must be followed by
//! [`poll_output`](CallSession::poll_output) until it gives [`Output::Idle`], before the next input. The session reads
//! no clock: media time moves by the audio it is given, or by [`Input::Tick`] where audio does not come.

mod track;

use std::{collections::BTreeMap, collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use self::track::Track;
use crate::{
    audio::{AudioFrame, Consent, TrackId, TrackInfo},
    card::{Card, Reason, Stages},
    deck::{Deck, DeckChange, DeckSettings},
    detect::{Detection, Detector, Heard, Verdict, semantic::SemanticScorer},
    endpoint::{Boundary, EndpointSettings},
    event::{Event, EventBody, UtteranceId},
    input::{Coaching, ConsentRule, GapReason, Input, InputError, Load, MAX_MEDIA_TIME, Refined},
    output::{Caption, Job, Output},
    playbook::Playbook,
    recognize::{Recognized, Recognizer, VoiceDetector, Word},
    time::MediaTime,
};

/// Version of the event vocabulary in [`crate::event`].
pub const EVENT_SCHEMA: u32 = 1;

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
    /// Ask for a second opinion on every utterance ([`Job::Refine`]).
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
    /// What to hear with.
    pub ears: Ears,
    /// The semantic detector, if there is one.
    pub semantic: Option<Box<dyn SemanticScorer>>,
}

/// One call. See the [module](self) for the contract.
pub struct CallSession {
    settings: SessionSettings,
    playbook: Arc<Playbook>,
    context: Vec<String>,
    ears: Ears,
    detector: Detector,
    deck: Deck,
    tracks: BTreeMap<TrackId, Track>,
    /// Names of all who ever joined: a card may name somebody who has just left.
    names: BTreeMap<TrackId, String>,
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
        };
        session.emit(started);
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
        for event in log {
            session.deck.restore(event);
            match &event.body {
                EventBody::SpeechStarted { utterance, .. } => {
                    session.next_utterance = session.next_utterance.max(utterance.0 + 1);
                }
                EventBody::LoadChanged { load: now } => load = *now,
                _ => {}
            }
        }
        session.emit(EventBody::CallResumed { after_seq: last.seq });
        if load == Load::High {
            // Whoever measures the load starts afresh, and would never say that it is over.
            session.emit(EventBody::LoadChanged { load: Load::Normal });
        }
        session
    }

    fn bare(setup: SessionSetup) -> Self {
        Self {
            detector: Detector::new(Arc::clone(&setup.playbook), setup.semantic),
            deck: Deck::new(setup.settings.deck),
            settings: setup.settings,
            playbook: setup.playbook,
            context: setup.context,
            ears: setup.ears,
            tracks: BTreeMap::new(),
            names: BTreeMap::new(),
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
        match input {
            Input::TrackAdded(info) => self.add_track(info)?,
            Input::Consent { track, consent } => self.change_consent(*track, consent.as_ref())?,
            Input::Audio(frame) => self.hear(frame)?,
            Input::Gap { track, until, reason } => self.gap(*track, *until, *reason)?,
            Input::Tick(at) => self.advance(*at),
            Input::Rep { at, action } => {
                self.advance(*at);
                let mut changes = Vec::new();
                self.deck.act(action.clone(), self.now, &mut changes);
                self.apply(changes);
            }
            // The types stand; what they do comes with the consent gate.
            Input::Words { .. }
            | Input::Paused(_)
            | Input::Source(_)
            | Input::Disclosed(_)
            | Input::ConsentRule { .. } => {}
            Input::Refined(refined) => self.refined(refined),
            Input::Load(load) => {
                self.detector.rest_semantics(*load == Load::High);
                self.emit(EventBody::LoadChanged { load: *load });
            }
            Input::TrackEnded(track) => {
                let mut gone = self.take_track(*track)?;
                self.end_utterance(&mut gone);
                self.emit(EventBody::TrackEnded { track: *track });
            }
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
        let stall = (!self.stalled && !self.tracks.is_empty()).then(|| self.last_audio.plus_ms(self.settings.stall_ms));
        stall.into_iter().chain(self.deck.deadline()).chain(self.detector.deadline()).min()
    }

    fn emit(&mut self, body: EventBody) {
        self.outputs.push_back(Output::Event(Event { seq: self.next_seq, at: self.now, body }));
        self.next_seq += 1;
    }

    /// Moves media time to `to`; every timer due by then fires first, in order, stamped with its own deadline. So how
    /// often the driver ticks leaves no trace in the log.
    fn advance(&mut self, to: MediaTime) {
        while let Some(due) = self.deadline().filter(|d| *d <= to) {
            self.now = self.now.max(due);
            if self.deck.deadline().is_some_and(|d| d <= due) {
                let mut changes = Vec::new();
                self.deck.on_time(self.now, &mut changes);
                self.apply(changes);
            } else if self.detector.deadline().is_some_and(|d| d <= due) {
                let verdicts = self.detector.on_time(self.now);
                self.decide(verdicts);
            } else {
                self.stalled = true;
                self.emit(EventBody::AudioStalled { since: self.last_audio });
            }
        }
        self.now = self.now.max(to);
    }

    fn take_track(&mut self, id: TrackId) -> Result<Track, InputError> {
        self.tracks.remove(&id).ok_or(InputError::UnknownTrack(id))
    }

    fn add_track(&mut self, info: &TrackInfo) -> Result<(), InputError> {
        let bias = self.detector.bias(info.party, &self.context);
        let start = || self.ears.recognizer.start(info.id, &bias).map_err(|e| InputError::Recognizer(e.to_string()));
        // Made before the track is taken out, so that a failure leaves it as it was.
        let other_party = self.tracks.get(&info.id).is_some_and(|t| t.info.party != info.party);
        let stream = if other_party { Some(start()?) } else { None };
        match self.tracks.remove(&info.id) {
            Some(mut known) => {
                if other_party || info.consent.is_none() {
                    self.end_utterance(&mut known);
                }
                if let Some(stream) = stream {
                    known.stream = stream;
                }
                known.withheld &= info.consent.is_none();
                known.info = info.clone();
                self.tracks.insert(info.id, known);
            }
            None => {
                let track = Track::new(info.clone(), start()?, (self.ears.voice)(), self.settings.endpoint);
                // Waiting for somebody's first sound is not a stall.
                self.last_audio = self.last_audio.max(self.now);
                self.tracks.insert(info.id, track);
            }
        }
        self.names.insert(info.id, info.name.clone());
        self.emit(EventBody::TrackAdded { track: info.clone() });
        Ok(())
    }

    fn change_consent(&mut self, id: TrackId, consent: Option<&Consent>) -> Result<(), InputError> {
        let mut track = self.take_track(id)?;
        if consent.is_none() {
            self.end_utterance(&mut track);
            track.forget_audio();
        }
        track.info.consent = consent.cloned();
        track.withheld = false;
        self.tracks.insert(id, track);
        self.emit(EventBody::ConsentChanged { track: id, consent: consent.cloned() });
        Ok(())
    }

    fn hear(&mut self, frame: &AudioFrame) -> Result<(), InputError> {
        let expected = self.tracks.get(&frame.track).ok_or(InputError::UnknownTrack(frame.track))?.next;
        if frame.start < expected {
            return Err(InputError::Backwards { track: frame.track, start: frame.start, expected });
        }
        // Before the track is taken out: without any track the stall timer does not run.
        self.advance(frame.end());
        let mut track = self.take_track(frame.track)?;
        track.next = frame.end();
        self.last_audio = self.now;
        if self.stalled {
            self.stalled = false;
            self.emit(EventBody::AudioResumed);
        }
        if track.info.consent.is_none() {
            if !track.withheld {
                track.withheld = true;
                self.emit(EventBody::AudioWithheld { track: frame.track });
            }
        } else {
            self.listen(&mut track, frame);
        }
        self.tracks.insert(frame.track, track);
        Ok(())
    }

    fn listen(&mut self, track: &mut Track, frame: &AudioFrame) {
        let speech = track.speech_probability(frame);
        let was_in_utterance = track.endpointer.in_utterance();
        let boundary = track.endpointer.on_frame(frame.start, speech);
        if let Boundary::Began(start) = boundary {
            let utterance = UtteranceId(self.next_utterance);
            self.next_utterance += 1;
            track.begin(utterance, start);
            self.emit(EventBody::SpeechStarted { track: frame.track, utterance, start });
            for earlier in track.take_preroll() {
                self.recognize(track, &earlier);
            }
            self.recognize(track, frame);
        } else if was_in_utterance {
            self.recognize(track, frame);
        } else {
            track.keep_preroll(frame, self.settings.endpoint);
        }
        if let Boundary::Ended(end) = boundary {
            self.finish_utterance(track, end);
        }
    }

    fn recognize(&mut self, track: &mut Track, frame: &AudioFrame) {
        if self.settings.refine {
            track.utterance.samples.extend_from_slice(&frame.samples[..]);
        }
        let mut news = Vec::new();
        track.stream.accept(frame, &mut news);
        self.take_news(track, news);
    }

    fn take_news(&mut self, track: &mut Track, news: Vec<Recognized>) {
        let caption_before = track.utterance.caption(track.info.id);
        for item in news {
            match item {
                Recognized::Hypothesis(hypothesis) => {
                    if !hypothesis.committed.is_empty() {
                        track.utterance.committed.extend(hypothesis.committed.iter().cloned());
                        self.emit(EventBody::WordsCommitted {
                            track: track.info.id,
                            utterance: track.utterance.id,
                            words: hypothesis.committed,
                        });
                    }
                    track.utterance.tail = hypothesis.tail;
                    let verdicts = self.detector.on_words(&heard(self.now, track));
                    self.decide(verdicts);
                }
                Recognized::Phrase(hit) => {
                    let verdicts = self.detector.on_phrase(&heard(self.now, track), &hit);
                    self.decide(verdicts);
                }
            }
        }
        let caption = track.utterance.caption(track.info.id);
        if caption != caption_before {
            self.outputs.push_back(Output::Caption(caption));
        }
    }

    /// Ends the utterance in progress, if there is one, at the last speech heard.
    fn end_utterance(&mut self, track: &mut Track) {
        if let Boundary::Ended(end) = track.endpointer.interrupt() {
            self.finish_utterance(track, end);
        }
        track.forget_audio();
    }

    fn finish_utterance(&mut self, track: &mut Track, end: MediaTime) {
        let mut news = Vec::new();
        track.stream.finish(&mut news);
        self.take_news(track, news);
        let verdicts = self.detector.on_utterance_end(&heard(self.now, track));
        self.decide(verdicts);
        let done = track.utterance.take();
        self.emit(EventBody::UtteranceEnded {
            track: track.info.id,
            utterance: done.id,
            start: done.start,
            end,
            text: text_of(&done.committed),
        });
        if self.settings.refine && !done.samples.is_empty() {
            self.outputs.push_back(Output::Job(Job::Refine {
                utterance: done.id,
                track: track.info.id,
                start: done.audio_start,
                samples: done.samples,
                words: done.committed,
            }));
        }
    }

    fn decide(&mut self, verdicts: Vec<Verdict>) {
        for verdict in verdicts {
            match verdict {
                Verdict::Suppressed(detection, by) => self.emit(EventBody::DetectionSuppressed { detection, by }),
                Verdict::Contradicted { play, start, .. } => {
                    let mut changes = Vec::new();
                    self.deck.retract(&play, start, self.now, &mut changes);
                    self.apply(changes);
                }
                Verdict::Detected(detection) => self.deal(detection),
            }
        }
    }

    fn deal(&mut self, detection: Detection) {
        let playbook = Arc::clone(&self.playbook);
        let Some(play) = playbook.play(&detection.play) else {
            return;
        };
        if let Some(by) = self.deck.refuses(play, self.now) {
            self.emit(EventBody::DetectionSuppressed { detection, by });
            return;
        }
        let evidence = &detection.evidence;
        let card = Card {
            id: self.deck.take_id(),
            play: play.id.clone(),
            label: play.label.clone(),
            title: play.card.title.clone(),
            say: play.card.say.clone(),
            proof: play.card.proof.clone(),
            ask: play.card.ask.clone(),
            ttl_ms: play.ttl_ms,
            priority: play.priority,
            reason: Reason {
                rule: evidence.rule.clone(),
                words: evidence.words.clone(),
                speaker: self.names.get(&detection.track).cloned().unwrap_or_default(),
                score: detection.score,
                phrase_start: evidence.start,
                phrase_end: evidence.end,
                stages: Stages {
                    recognize_ms: evidence.heard_at.ms_since(evidence.end),
                    detect_ms: self.now.ms_since(evidence.heard_at),
                    deck_ms: 0,
                },
            },
        };
        self.emit(EventBody::ObjectionDetected { detection });
        let mut changes = Vec::new();
        self.deck.offer(card, self.now, &mut changes);
        self.apply(changes);
    }

    fn apply(&mut self, changes: Vec<DeckChange>) {
        for change in changes {
            let body = match change {
                DeckChange::Shown(mut card) => {
                    let stages = &mut card.reason.stages;
                    let decided_ms = stages.recognize_ms + stages.detect_ms;
                    stages.deck_ms = self.now.ms_since(card.reason.phrase_end).saturating_sub(decided_ms);
                    EventBody::CardShown { card }
                }
                DeckChange::Queued(card) => EventBody::CardQueued { card },
                DeckChange::Closed(card, end) => EventBody::CardClosed { card, end },
                DeckChange::Pinned(card, pinned) => EventBody::CardPinned { card, pinned },
            };
            self.emit(body);
        }
    }

    fn gap(&mut self, id: TrackId, until: MediaTime, reason: GapReason) -> Result<(), InputError> {
        let from = self.tracks.get(&id).ok_or(InputError::UnknownTrack(id))?.next;
        if until > from {
            self.advance(until);
            let mut track = self.take_track(id)?;
            self.end_utterance(&mut track);
            track.next = until;
            self.emit(EventBody::AudioGap { track: id, from, until, reason });
            self.tracks.insert(id, track);
        }
        Ok(())
    }

    fn refined(&mut self, refined: &Refined) {
        if refined.utterance.0 >= self.next_utterance {
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
            self.end_utterance(&mut track);
            self.emit(EventBody::TrackEnded { track: id });
        }
        // What still waits for a veto will get none.
        let verdicts = self.detector.on_time(MediaTime::MAX);
        self.decide(verdicts);
        let mut changes = Vec::new();
        self.deck.clear(&mut changes);
        self.apply(changes);
        self.emit(EventBody::CallEnded { cards_shown: self.deck.shown(), utterances: self.next_utterance });
        self.ended = true;
    }
}

fn heard(now: MediaTime, track: &Track) -> Heard<'_> {
    Heard {
        at: now,
        track: track.info.id,
        party: track.info.party,
        utterance: track.utterance.id,
        committed: &track.utterance.committed,
        tail: &track.utterance.tail,
    }
}

/// Words joined with single spaces.
#[must_use]
pub fn text_of(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// The caption of an utterance in progress.
impl track::UtteranceInProgress {
    fn caption(&self, track: TrackId) -> Caption {
        Caption { track, utterance: self.id, committed: text_of(&self.committed), tail: text_of(&self.tail) }
    }
}

#[cfg(test)]
mod tests;
