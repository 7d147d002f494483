//! The second pass: a whole utterance heard again, for `Input::Refined`.

use reframe_call::{recognize::Word, time::MediaTime};

use super::{
    decode::{DecodeSettings, Doubt},
    error::WhisperError,
    hear::{Ear, Padding},
    load::WhisperModel,
};

/// The words of an utterance, and how far to believe them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refinement {
    /// In media time, in order, none overlapping.
    pub words: Vec<Word>,
    /// Windows heard.
    pub windows: u32,
    /// Windows in which nobody spoke.
    pub silent: u32,
    /// Windows whose text repeated itself and was dropped. Where this is not 0, better keep the live words.
    pub dropped: u32,
}

/// Hears utterances again. Not shared between threads: clone it, or make one per worker.
#[derive(Clone, Debug)]
pub struct Refiner {
    ear: Ear,
    id: String,
}

impl Refiner {
    /// A second pass by `model`, with the padding the model knows from its training.
    #[must_use]
    pub fn new(model: &WhisperModel) -> Self {
        Self::with(model, Padding::Full, DecodeSettings::default())
    }

    /// A second pass with other settings.
    #[must_use]
    pub fn with(model: &WhisperModel, padding: Padding, settings: DecodeSettings) -> Self {
        Self { ear: Ear::new(model, padding, settings), id: model.id() }
    }

    /// Name and content hash of the model.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Words of an utterance of any length: `samples` (16 kHz mono) starting at `start`.
    ///
    /// # Errors
    /// [`WhisperError::Network`] if the arithmetic fails.
    pub fn refine(&mut self, start: MediaTime, samples: &[f32]) -> Result<Refinement, WhisperError> {
        let context = self.ear.context_samples();
        let mut refined = Refinement::default();
        let mut from = 0;
        while from < samples.len() {
            let window = &samples[from..samples.len().min(from + context)];
            let last = from + window.len() == samples.len();
            let heard = self.ear.hear(window, &[])?;
            refined.windows += 1;
            match heard.doubt {
                Some(Doubt::NoSpeech) => refined.silent += 1,
                Some(Doubt::Repetitive) => refined.dropped += 1,
                None => {}
            }
            let at = start.plus_samples_16k(from as u64);
            // A window that ends within speech cuts a word; unless it is the last, only what the model closed counts,
            // and the next window starts there.
            let whole = heard.stretches.iter().filter(|s| last || s.closed);
            let reached = whole.clone().map(|s| s.end_s).fold(0.0, f32::max);
            let words: Vec<Word> = if reached > 0.0 || last {
                whole.flat_map(|s| &s.words).map(|w| w.at(at)).collect()
            } else {
                // Nothing was closed: all of it counts, or none of it would ever.
                heard.stretches.iter().flat_map(|s| &s.words).map(|w| w.at(at)).collect()
            };
            refined.words.extend(words);
            let step = (f64::from(reached) * 16_000.0) as usize;
            // At least a second further each time, so that the loop ends whatever the model says.
            from +=
                if last || reached == 0.0 { window.len() } else { step.clamp(16_000.min(window.len()), window.len()) };
        }
        Ok(refined)
    }
}
