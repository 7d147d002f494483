//! Recording what a call's ears heard, and replaying it without weights.
//!
//! Given recorded ears the rest of a call is exact anywhere: integer time, ordered maps, and floats that are only
//! compared and rounded. A record is one line of JSON per input.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    audio::{AudioFrame, Consent, FRAME_SAMPLES, TrackId, TrackInfo},
    deal::Deal,
    input::{ConsentRule, Disclosure, GapReason, Input, Load, Refined, RepAction, SourceStatus},
    recognize::{Bias, RecognizeError, Recognized, Recognizer, RecognizerStream, VoiceDetector, Word},
    session::{Ears, SessionSettings, VoiceFactory},
    time::MediaTime,
};

/// First line of a record: what the ears and the call were made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordHeader {
    /// Version of this format.
    pub reframe_inputs: u32,
    /// The recogniser that was recorded.
    pub recognizer: String,
    /// The playbook in use.
    pub playbook: String,
    /// Names given for the call.
    #[serde(default)]
    pub context: Vec<String>,
    /// What was known of the deal.
    #[serde(default, skip_serializing_if = "Deal::is_empty")]
    pub deal: Deal,
    /// Settings of the call: with the inputs they decide what comes of it. The defaults, if the record has none.
    #[serde(default)]
    pub settings: SessionSettings,
}

/// Version of the record format.
pub const RECORD_VERSION: u32 = 1;

/// One input as it is written down: audio is replaced by what was heard in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InputRecord {
    /// See [`Input::TrackAdded`].
    TrackAdded(TrackInfo),
    /// See [`Input::Consent`].
    Consent {
        /// Whose.
        track: TrackId,
        /// The record.
        consent: Option<Consent>,
    },
    /// See [`Input::Audio`].
    #[serde(rename = "a")]
    Audio(HeardFrame),
    /// See [`Input::Words`].
    Words {
        /// Who spoke.
        track: TrackId,
        /// Words that stay.
        words: Vec<Word>,
        /// Words that may still change.
        tail: Vec<Word>,
        /// The utterance ends here.
        done: bool,
    },
    /// See [`Input::Paused`].
    Paused {
        /// Whose.
        track: TrackId,
    },
    /// See [`Input::Source`].
    Source(SourceStatus),
    /// See [`Input::Disclosed`].
    Disclosed(Disclosure),
    /// See [`Input::Erase`].
    Erase {
        /// Why.
        reason: String,
    },
    /// See [`Input::ConsentRule`].
    ConsentRule {
        /// The rule.
        rule: ConsentRule,
        /// Why.
        because: String,
    },
    /// See [`Input::Gap`].
    Gap {
        /// Whose.
        track: TrackId,
        /// Until.
        until: MediaTime,
        /// Why.
        reason: GapReason,
    },
    /// See [`Input::Tick`].
    Tick(MediaTime),
    /// See [`Input::Silent`].
    Silent,
    /// See [`Input::Rep`].
    Rep {
        /// When.
        at: MediaTime,
        /// What.
        action: RepAction,
    },
    /// See [`Input::Refined`].
    Refined(Refined),
    /// See [`Input::Load`].
    Load(Load),
    /// See [`Input::TrackEnded`]. What the recogniser gave when it was flushed stands in `heard`.
    TrackEnded {
        /// Who.
        track: TrackId,
    },
    /// See [`Input::End`].
    End,
}

/// What was heard in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeardFrame(
    /// Whose.
    pub TrackId,
    /// Start, us.
    pub MediaTime,
);

/// One line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// The input.
    #[serde(rename = "in")]
    pub input: InputRecord,
    /// Speech probability in percent, if the voice detector was asked.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub speech_percent: Option<u8>,
    /// What the recogniser gave, with the number of the call (accept or finish, counted within this input) that gave
    /// it. Calls that gave nothing are left out.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub recognized: Vec<(u32, Vec<Recognized>)>,
    /// Whose each entry of `recognized` is; left out if all are the input's own track's.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub whose: Vec<TrackId>,
}

impl RecordLine {
    /// Leaves out what was recognised in the sound of `track`. Where a line does not say whose it is, it goes as well.
    pub fn forget(&mut self, track: TrackId) {
        let own = self.input.track();
        let mut whose = std::mem::take(&mut self.whose).into_iter();
        let entries = std::mem::take(&mut self.recognized);
        for entry in entries {
            let of = whose.next().or(own);
            if of.is_some_and(|of| of != track) {
                self.recognized.push(entry);
                self.whose.extend(of);
            }
        }
        self.leave_out_own();
    }

    fn leave_out_own(&mut self) {
        let own = self.input.track();
        if self.whose.iter().all(|track| Some(*track) == own) {
            self.whose.clear();
        }
    }
}

#[derive(Debug, Default)]
struct Tape {
    speech_percent: Option<u8>,
    calls: u32,
    recognized: VecDeque<(u32, Vec<Recognized>)>,
    whose: Vec<TrackId>,
}

type SharedTape = Arc<Mutex<Tape>>;

/// The tape is only touched by the one thread that runs the call, so a poisoned lock holds nothing worth protecting.
fn lock(tape: &SharedTape) -> MutexGuard<'_, Tape> {
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wraps ears so that what they hear can be written down, input by input.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    tape: SharedTape,
}

impl Recorder {
    /// Ears to give to the session instead of `ears`.
    #[must_use]
    pub fn wrap(&self, ears: Ears) -> Ears {
        let (tape, voice) = (Arc::clone(&self.tape), ears.voice);
        let voice: Arc<VoiceFactory> =
            Arc::new(move || Box::new(RecordingVoice { inner: voice(), tape: Arc::clone(&tape) }));
        Ears {
            recognizer: Arc::new(RecordingRecognizer { inner: ears.recognizer, tape: Arc::clone(&self.tape) }),
            voice,
        }
    }

    /// The line for the input just handled. Call once after every `handle_input`.
    #[must_use]
    pub fn line(&self, input: &Input) -> RecordLine {
        let tape = std::mem::take(&mut *lock(&self.tape));
        let mut line = RecordLine {
            input: InputRecord::of(input),
            speech_percent: tape.speech_percent,
            recognized: tape.recognized.into(),
            whose: tape.whose,
        };
        line.leave_out_own();
        line
    }
}

impl InputRecord {
    /// The input without its sound.
    #[must_use]
    pub fn of(input: &Input) -> Self {
        match input.clone() {
            Input::TrackAdded(info) => Self::TrackAdded(info),
            Input::Consent { track, consent } => Self::Consent { track, consent },
            Input::Audio(frame) => Self::Audio(HeardFrame(frame.track, frame.start)),
            Input::Words { track, words, tail, done } => Self::Words { track, words, tail, done },
            Input::Paused(track) => Self::Paused { track },
            Input::Source(source) => Self::Source(source),
            Input::Disclosed(disclosure) => Self::Disclosed(disclosure),
            Input::Erase { reason } => Self::Erase { reason },
            Input::ConsentRule { rule, because } => Self::ConsentRule { rule, because },
            Input::Gap { track, until, reason } => Self::Gap { track, until, reason },
            Input::Tick(at) => Self::Tick(at),
            Input::Silent => Self::Silent,
            Input::Rep { at, action } => Self::Rep { at, action },
            Input::Refined(refined) => Self::Refined(refined),
            Input::Load(load) => Self::Load(load),
            Input::TrackEnded(track) => Self::TrackEnded { track },
            Input::End => Self::End,
        }
    }

    /// The track this input is about, if it is about one.
    #[must_use]
    pub const fn track(&self) -> Option<TrackId> {
        match self {
            Self::TrackAdded(info) => Some(info.id),
            Self::Audio(HeardFrame(track, _))
            | Self::Consent { track, .. }
            | Self::Words { track, .. }
            | Self::Paused { track }
            | Self::Gap { track, .. }
            | Self::TrackEnded { track } => Some(*track),
            _ => None,
        }
    }

    /// The input to replay; its audio is silence, for recorded ears do not listen to it.
    #[must_use]
    pub fn to_input(&self) -> Input {
        match self.clone() {
            Self::TrackAdded(info) => Input::TrackAdded(info),
            Self::Consent { track, consent } => Input::Consent { track, consent },
            Self::Audio(HeardFrame(track, start)) => {
                Input::Audio(AudioFrame { track, start, samples: Box::new([0.0; FRAME_SAMPLES]) })
            }
            Self::Words { track, words, tail, done } => Input::Words { track, words, tail, done },
            Self::Paused { track } => Input::Paused(track),
            Self::Source(source) => Input::Source(source),
            Self::Disclosed(disclosure) => Input::Disclosed(disclosure),
            Self::Erase { reason } => Input::Erase { reason },
            Self::ConsentRule { rule, because } => Input::ConsentRule { rule, because },
            Self::Gap { track, until, reason } => Input::Gap { track, until, reason },
            Self::Tick(at) => Input::Tick(at),
            Self::Silent => Input::Silent,
            Self::Rep { at, action } => Input::Rep { at, action },
            Self::Refined(refined) => Input::Refined(refined),
            Self::Load(load) => Input::Load(load),
            Self::TrackEnded { track } => Input::TrackEnded(track),
            Self::End => Input::End,
        }
    }
}

/// Plays a record back as ears.
#[derive(Debug, Clone)]
pub struct Playback {
    tape: SharedTape,
    recognizer_id: String,
}

impl Playback {
    /// For a record whose recogniser was `recognizer_id`.
    #[must_use]
    pub fn new(recognizer_id: String) -> Self {
        Self { tape: SharedTape::default(), recognizer_id }
    }

    /// Ears to give to the session.
    #[must_use]
    pub fn ears(&self) -> Ears {
        let tape = Arc::clone(&self.tape);
        Ears { recognizer: Arc::new(self.clone()), voice: Arc::new(move || Box::new(PlayedVoice(Arc::clone(&tape)))) }
    }

    /// Lays the next line in; hand the input it gives to the session.
    #[must_use]
    pub fn load(&self, line: &RecordLine) -> Input {
        *lock(&self.tape) = Tape {
            speech_percent: line.speech_percent,
            calls: 0,
            recognized: line.recognized.iter().cloned().collect(),
            whose: Vec::new(),
        };
        line.input.to_input()
    }
}

struct RecordingVoice {
    inner: Box<dyn VoiceDetector>,
    tape: SharedTape,
}

impl VoiceDetector for RecordingVoice {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0..=100 by the clamp
    fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        let p = self.inner.speech_probability(frame);
        lock(&self.tape).speech_percent = Some((p.clamp(0.0, 1.0) * 100.0).round() as u8);
        p
    }
}

struct PlayedVoice(SharedTape);

impl VoiceDetector for PlayedVoice {
    fn speech_probability(&mut self, _: &AudioFrame) -> f32 {
        f32::from(lock(&self.0).speech_percent.unwrap_or(0)) / 100.0
    }
}

struct RecordingRecognizer {
    inner: Arc<dyn Recognizer>,
    tape: SharedTape,
}

struct RecordingStream {
    track: TrackId,
    inner: Box<dyn RecognizerStream>,
    tape: SharedTape,
}

impl Recognizer for RecordingRecognizer {
    fn id(&self) -> String {
        self.inner.id()
    }

    fn start(&self, track: TrackId, bias: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        let inner = self.inner.start(track, bias)?;
        Ok(Box::new(RecordingStream { track, inner, tape: Arc::clone(&self.tape) }))
    }
}

impl RecordingStream {
    fn note(&self, news: &[Recognized]) {
        let mut tape = lock(&self.tape);
        let call = tape.calls;
        tape.calls += 1;
        if !news.is_empty() {
            tape.recognized.push_back((call, news.to_vec()));
            tape.whose.push(self.track);
        }
    }
}

impl RecognizerStream for RecordingStream {
    fn accept(&mut self, frame: &AudioFrame, out: &mut Vec<Recognized>) {
        let before = out.len();
        self.inner.accept(frame, out);
        self.note(&out[before..]);
    }

    fn finish(&mut self, out: &mut Vec<Recognized>) {
        let before = out.len();
        self.inner.finish(out);
        self.note(&out[before..]);
    }
}

impl Recognizer for Playback {
    fn id(&self) -> String {
        self.recognizer_id.clone()
    }

    fn start(&self, _: TrackId, _: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        Ok(Box::new(PlayedStream(Arc::clone(&self.tape))))
    }
}

struct PlayedStream(SharedTape);

impl PlayedStream {
    fn next(&self, out: &mut Vec<Recognized>) {
        let mut tape = lock(&self.0);
        let call = tape.calls;
        tape.calls += 1;
        if tape.recognized.front().is_some_and(|(n, _)| *n == call)
            && let Some((_, news)) = tape.recognized.pop_front()
        {
            out.extend(news);
        }
    }
}

impl RecognizerStream for PlayedStream {
    fn accept(&mut self, _: &AudioFrame, out: &mut Vec<Recognized>) {
        self.next(out);
    }

    fn finish(&mut self, out: &mut Vec<Recognized>) {
        self.next(out);
    }
}
