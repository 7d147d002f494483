//! One window of sound to words: what the live recogniser and the second pass share.

use std::sync::Arc;

use candle_core::Device;

use super::{
    decode::{self, DecodeSettings, Decoded, Doubt},
    error::WhisperError,
    load::WhisperModel,
    mel::{HOP_SAMPLES, LogMel},
    network::Network,
    vocab::Vocab,
    words::{Stretch, stretches},
};

/// How much silence follows the sound in the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As much as the context holds (30 s): what the models were trained on, and what they hear best. The encoder
    /// then takes the same long time for any sound.
    Full,
    /// This much. Many times faster for a short sound, at some cost in accuracy: the less silence, the likelier the
    /// model is to repeat itself or to miss the last word.
    Tail {
        /// Milliseconds of silence.
        ms: u32,
    },
}

/// What was heard in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// What was said; empty where [`doubt`](Self::doubt) says why.
    pub stretches: Vec<Stretch>,
    /// Why nothing of it is believed.
    pub doubt: Option<Doubt>,
    /// What the decoder gave.
    pub decoded: Decoded,
}

/// Hears windows, one after another, on weights shared with others.
#[derive(Clone, Debug)]
pub struct Ear {
    network: Network,
    vocab: Arc<Vocab>,
    mel: LogMel,
    device: Device,
    padding: Padding,
    settings: DecodeSettings,
}

impl Ear {
    /// An ear on `model`.
    #[must_use]
    pub fn new(model: &WhisperModel, padding: Padding, settings: DecodeSettings) -> Self {
        Self {
            network: model.network(),
            vocab: Arc::clone(&model.vocab),
            mel: model.mel.clone(),
            device: model.device.clone(),
            padding,
            settings,
        }
    }

    /// Samples of the longest window.
    #[must_use]
    pub fn context_samples(&self) -> usize {
        self.network.max_mel_frames() * HOP_SAMPLES
    }

    /// Text tokens for the prompt of [`hear`](Self::hear).
    #[must_use]
    pub fn prompt(&self, text: &str) -> Vec<u32> {
        self.vocab.encode(text)
    }

    /// Words of `samples` (16 kHz mono), leaning towards `prompt`.
    ///
    /// # Errors
    /// [`WhisperError::TooLong`] above [`context_samples`](Self::context_samples); [`WhisperError::Network`].
    pub fn hear(&mut self, samples: &[f32], prompt: &[u32]) -> Result<Heard, WhisperError> {
        let limit = self.context_samples();
        if samples.len() > limit {
            return Err(WhisperError::TooLong { samples: samples.len(), limit });
        }
        let most = self.network.max_mel_frames();
        let frames = match self.padding {
            Padding::Full => most,
            // Two mel frames to a position of the encoder.
            Padding::Tail { ms } => (samples.len().div_ceil(HOP_SAMPLES) + ms as usize / 10).next_multiple_of(2),
        };
        let mel = self.mel.compute(samples, frames.clamp(2, most));
        let seconds = samples.len() as f32 / 16_000.0;
        let sound = self.network.encode(&mel, &self.device)?;
        let decoded = decode::greedy(&mut self.network, &self.vocab, &sound, seconds, prompt, &self.settings)?;
        self.network.reset();
        let doubt = decoded.doubt(&self.settings).filter(|_| self.settings.guard);
        let stretches = match doubt {
            Some(_) => Vec::new(),
            None => stretches(&decoded, &self.vocab, seconds),
        };
        Ok(Heard { stretches, doubt, decoded })
    }
}
