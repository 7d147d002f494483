//! What the core needs from a speech recogniser and a voice detector. Implementations live in `reframe-models` and
//! `reframe-audio`; the core only sees these traits, so a call can be replayed without weights.

use serde::{Deserialize, Serialize};

use crate::{
    audio::{AudioFrame, TrackId},
    time::MediaTime,
};

/// A recognised word, in media time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Lower case, no punctuation.
    #[serde(rename = "w")]
    pub text: String,
    /// Where its sound starts (not when it was recognised).
    #[serde(rename = "s")]
    pub start: MediaTime,
    /// Where its sound ends.
    #[serde(rename = "e")]
    pub end: MediaTime,
    /// 0..=1, rounded to three decimals so that a log has one spelling of it.
    #[serde(rename = "c")]
    pub confidence: f32,
}

/// Words heard so far in the current utterance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// Words committed by this step, to be appended to those committed before. Never taken back.
    pub committed: Vec<Word>,
    /// What follows the committed words, as it looks now; replaces the tail given before.
    pub tail: Vec<Word>,
}

/// Number of a phrase in the [`Bias`] the stream was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhraseId(pub u32);

/// A playbook phrase heard in the sounds themselves, whatever words the transcript settled on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhraseHit {
    /// Which phrase.
    pub phrase: PhraseId,
    /// Where its sound starts.
    pub start: MediaTime,
    /// Where its sound ends.
    pub end: MediaTime,
    /// Mean log-probability per phone against the best path, `<= 0`; rounded to three decimals.
    pub score: f32,
    /// The threshold `score` had to reach.
    pub threshold: f32,
}

/// One thing a recogniser has to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recognized {
    /// Words.
    Hypothesis(Hypothesis),
    /// A phrase. Sent once per occurrence, the moment it is complete.
    Phrase(PhraseHit),
}

/// A phrase to listen for in the sounds.
#[derive(Clone, Debug, PartialEq)]
pub struct SpotPhrase {
    /// Number to report it by.
    pub id: PhraseId,
    /// Words, lower case, separated by single spaces.
    pub text: String,
    /// Other spellings that sound like it (for brand names): `"hub spot"`.
    pub sounds_like: Vec<String>,
    /// Report it at this score or better, where that is stricter than the recogniser's own threshold.
    pub min_score: Option<f32>,
}

/// What a recogniser is told about a call before it starts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bias {
    /// Word sequences and names (playbook phrases, products, competitors, people) the transcript should lean towards.
    pub context: Vec<String>,
    /// Phrases to spot.
    pub spot: Vec<SpotPhrase>,
}

/// Why a stream cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecognizeError {
    /// The model's files are unusable.
    #[error("the recogniser cannot start: {0}")]
    Model(String),
}

/// Shared weights that make streams. One per process; streams are cheap.
pub trait Recognizer: Send + Sync {
    /// Name and content hash, for the first event of the log: `asr-v1:9f3c…`.
    fn id(&self) -> String;

    /// A stream for one track.
    ///
    /// # Errors
    /// [`RecognizeError`] if the model cannot serve another stream.
    fn start(&self, track: TrackId, bias: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError>;

    /// Phrases of `bias` this recogniser cannot spot, each with what to do about it (too short, no pronunciation).
    fn unspottable(&self, bias: &Bias) -> Vec<(PhraseId, String)> {
        let _ = bias;
        Vec::new()
    }
}

/// Recognition of one track. Frames come in order; a stretch between two [`finish`](Self::finish) calls is one
/// utterance. All times are media time with the model's own delay already subtracted.
pub trait RecognizerStream: Send {
    /// Takes the next frame; appends what is new to `out`. After a [`finish`](Self::finish) the next frame may start
    /// anywhere later; within an utterance frames are contiguous.
    fn accept(&mut self, frame: &AudioFrame, out: &mut Vec<Recognized>);

    /// The utterance is over: flushes what the model still holds back. After this every word is committed, the tail is
    /// empty, and the stream is ready for the next utterance.
    fn finish(&mut self, out: &mut Vec<Recognized>);
}

/// Scores how likely a frame holds speech.
pub trait VoiceDetector: Send {
    /// Probability of speech in `frame`, 0..=1. Called for every frame of a track, in order.
    fn speech_probability(&mut self, frame: &AudioFrame) -> f32;
}

/// Rounds a score to three decimals, so that a log has one spelling of it.
#[must_use]
pub fn round3(x: f32) -> f32 {
    (x * 1_000.0).round() / 1_000.0
}
