//! What of a card's computing is recognition and what detection: the same call once more through the same code, timed.
//!
//! The server tells the whole of it, card by card. Asking it for more would put clocks where it has none, so the same frames
//! are heard again here, in a thread like a call's own, without a network.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::Context;
use reframe_audio::vad::Earshot;
use reframe_bots::play::Voice;
use reframe_call::{
    audio::{AudioFrame, Consent, FRAME_SAMPLES, FRAME_US, Party, TrackId, TrackInfo},
    deal::Deal,
    detect::meaning::Meaning,
    event::EventBody,
    input::Input,
    output::Output,
    playbook::Playbook,
    recognize::{Bias, PhraseId, RecognizeError, Recognized, Recognizer, RecognizerStream, VoiceDetector},
    session::{CallSession, Ears, SessionSettings, SessionSetup},
    time::MediaTime,
};
use reframe_models::{
    ctc::{CtcOptions, CtcRecognizer},
    sentence::MiniEncoder,
};

use super::parts::Computed;
use crate::sample_call::{self, SampleCall};

/// The recogniser may place a phrase by some rows elsewhere than live: packets were lost, Opus was encoded anew.
const SAME_MS: u64 = 1_000;

/// What calls are heard with, as the program's own are.
pub struct Ear {
    recognizer: Arc<dyn Recognizer>,
    playbook: Arc<Playbook>,
    meaning: Arc<Meaning>,
}

/// A card of a replay.
#[derive(Clone, Debug)]
pub struct Card {
    label: String,
    phrase_end_ms: u64,
    /// What it took to compute.
    pub computed: Computed,
}

impl Ear {
    /// Loads the embedded models and the built-in playbook.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub fn new() -> anyhow::Result<Self> {
        let playbook = crate::detect::playbooks::built_in()?;
        let encoder = Arc::new(MiniEncoder::embedded().context("the sentence encoder cannot be loaded")?);
        let meaning = Arc::new(Meaning::new(encoder, &playbook));
        Ok(Self { recognizer: Arc::new(CtcRecognizer::embedded(CtcOptions::default())?), playbook, meaning })
    }

    /// All cards of a call, with what computing the frame that brought them took.
    ///
    /// # Errors
    /// If the call's sound cannot be read, or the session refuses it.
    pub fn hear(&self, sample: &SampleCall) -> anyhow::Result<Vec<Card>> {
        let spent = Arc::new(AtomicU64::new(0));
        let mut call = self.session(&spent);
        let mut cards = Vec::new();
        let mut step = |input: &Input| -> anyhow::Result<()> {
            spent.store(0, Ordering::Relaxed);
            let begun = Instant::now();
            call.handle_input(input)?;
            let shown = drain(&mut call);
            let all_ms = begun.elapsed().as_secs_f64() * 1e3;
            let recognition_ms = spent.load(Ordering::Relaxed) as f64 / 1e6;
            let computed = Computed { recognition_ms, detection_ms: (all_ms - recognition_ms).max(0.0) };
            cards.extend(shown.into_iter().map(|(label, phrase_end_ms)| Card { label, phrase_end_ms, computed }));
            Ok(())
        };
        let mut tracks = Vec::new();
        for (id, voice) in (0u16..).zip(&sample.call.voices) {
            step(&Input::TrackAdded(info(TrackId(id), voice)?))?;
            tracks.push(sample_call::samples(&voice.sound)?);
        }
        let frames = tracks.iter().map(|samples| samples.len() / FRAME_SAMPLES).max().unwrap_or(0);
        for n in 0..frames {
            for (id, samples) in (0u16..).zip(&tracks) {
                let Some(part) = samples.get(n * FRAME_SAMPLES..(n + 1) * FRAME_SAMPLES) else { continue };
                let start = MediaTime::from_us(n as u64 * FRAME_US);
                let samples = Box::new(std::array::from_fn(|i| f32::from(part[i]) / 32_768.0));
                step(&Input::Audio(AudioFrame { track: TrackId(id), start, samples }))?;
            }
        }
        step(&Input::End)?;
        Ok(cards)
    }

    fn session(&self, spent: &Arc<AtomicU64>) -> CallSession {
        let recognizer = Arc::new(Timed { inner: Arc::clone(&self.recognizer), spent: Arc::clone(spent) });
        let for_voices = Arc::clone(spent);
        let voice = move || -> Box<dyn VoiceDetector> {
            Box::new(TimedVoice { inner: Earshot::new(), spent: Arc::clone(&for_voices) })
        };
        let mut call = CallSession::new(SessionSetup {
            settings: SessionSettings::default(),
            playbook: Arc::clone(&self.playbook),
            context: Vec::new(),
            deal: Deal::default(),
            ears: Ears { recognizer, voice: Arc::new(voice) },
            semantic: Some(Arc::clone(&self.meaning)),
        });
        drain(&mut call);
        call
    }
}

/// The card of a replay that a live one with this label and end of its phrase is.
pub fn same<'a>(cards: &'a [Card], label: &str, phrase_end_ms: u64) -> Option<&'a Card> {
    let apart = |card: &&Card| card.phrase_end_ms.abs_diff(phrase_end_ms);
    cards.iter().filter(|c| c.label == label).min_by_key(apart).filter(|c| apart(c) <= SAME_MS)
}

fn info(id: TrackId, voice: &Voice) -> anyhow::Result<TrackInfo> {
    let party: Party = voice.party.parse().map_err(anyhow::Error::msg)?;
    let consent = Some(Consent { basis: "fixture".to_owned(), reference: String::new() });
    Ok(TrackInfo { id, party, name: voice.name.clone(), email: None, consent })
}

/// Label and end of the phrase, in ms, of every card that came up.
fn drain(call: &mut CallSession) -> Vec<(String, u64)> {
    let mut shown = Vec::new();
    loop {
        match call.poll_output() {
            Output::Idle { .. } => return shown,
            Output::Event(event) => {
                if let EventBody::CardShown { card } = event.body {
                    shown.push((card.label, card.reason.phrase_end.ms()));
                }
            }
            Output::Caption(_) | Output::Job(_) => {}
        }
    }
}

/// A recogniser whose streams add up what they take, in ns.
struct Timed {
    inner: Arc<dyn Recognizer>,
    spent: Arc<AtomicU64>,
}

impl Recognizer for Timed {
    fn id(&self) -> String {
        self.inner.id()
    }

    fn start(&self, track: TrackId, bias: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        let inner = self.inner.start(track, bias)?;
        Ok(Box::new(TimedStream { inner, spent: Arc::clone(&self.spent) }))
    }

    fn unspottable(&self, bias: &Bias) -> Vec<(PhraseId, String)> {
        self.inner.unspottable(bias)
    }
}

struct TimedStream {
    inner: Box<dyn RecognizerStream>,
    spent: Arc<AtomicU64>,
}

impl RecognizerStream for TimedStream {
    fn accept(&mut self, frame: &AudioFrame, out: &mut Vec<Recognized>) {
        timed(&self.spent, || self.inner.accept(frame, out));
    }

    fn finish(&mut self, out: &mut Vec<Recognized>) {
        timed(&self.spent, || self.inner.finish(out));
    }
}

struct TimedVoice {
    inner: Earshot,
    spent: Arc<AtomicU64>,
}

impl VoiceDetector for TimedVoice {
    fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        timed(&self.spent, || self.inner.speech_probability(frame))
    }
}

fn timed<T>(spent: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    spent.fetch_add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_call_brings_its_card_again_and_its_time_has_both_parts() {
        let sample = SampleCall::short().unwrap();
        let cards = Ear::new().unwrap().hear(&sample).unwrap();
        let objection = &sample.script.objection[0];
        let card = same(&cards, &objection.label, objection.end_ms).expect("the card of its only objection");
        assert!(card.computed.recognition_ms > 0.0 && card.computed.detection_ms > 0.0, "{card:?}");
        assert!(same(&cards, &objection.label, objection.end_ms + 2 * SAME_MS).is_none());
        assert!(same(&cards, "no such class", objection.end_ms).is_none());
    }
}
