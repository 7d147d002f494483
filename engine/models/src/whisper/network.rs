//! The network itself, from full or quantised weights: sound in, scores of the next token out.

use candle_core::{DType, Device, IndexOp, Tensor};
use candle_transformers::models::whisper::{Config, model, quantized_model};

use super::{error::WhisperError, mel::Mel};

/// A Whisper network. Clones share their weights; each keeps its own cache, so one clone serves one track.
#[derive(Clone, Debug)]
pub enum Network {
    /// 32-bit weights.
    Full(Box<model::Whisper>),
    /// Weights of a GGUF file.
    Quantized(Box<quantized_model::Whisper>),
}

impl Network {
    /// Its dimensions.
    #[must_use]
    pub fn config(&self) -> &Config {
        match self {
            Self::Full(w) => &w.config,
            Self::Quantized(w) => &w.config,
        }
    }

    /// Longest picture the encoder takes, in mel frames: two per position (the second convolution has stride 2).
    #[must_use]
    pub fn max_mel_frames(&self) -> usize {
        2 * self.config().max_source_positions
    }

    /// The encoder: a picture of at most [`max_mel_frames`](Self::max_mel_frames) to `[1, positions, width]`.
    ///
    /// # Errors
    /// [`WhisperError::Network`] if the picture has another number of bins or is too long.
    pub fn encode(&mut self, mel: &Mel, device: &Device) -> Result<Tensor, WhisperError> {
        let mel = Tensor::from_slice(&mel.values, (1, mel.bins, mel.frames), device)?;
        Ok(match self {
            Self::Full(w) => w.encoder.forward(&mel, true)?,
            Self::Quantized(w) => w.encoder.forward(&mel, true)?,
        })
    }

    /// The decoder over all of `tokens`: `[1, tokens, width]`. `first` says that `sound` is new since the last call;
    /// otherwise what the decoder keeps of it is used again.
    ///
    /// # Errors
    /// [`WhisperError::Network`] if there are more tokens than positions.
    pub fn decode(&mut self, tokens: &[u32], sound: &Tensor, first: bool) -> Result<Tensor, WhisperError> {
        let tokens = Tensor::new(tokens, sound.device())?.unsqueeze(0)?;
        Ok(match self {
            Self::Full(w) => w.decoder.forward(&tokens, sound, first)?,
            Self::Quantized(w) => w.decoder.forward(&tokens, sound, first)?,
        })
    }

    /// Scores of every token of the vocabulary after position `at` of what [`decode`](Self::decode) gave.
    ///
    /// # Errors
    /// [`WhisperError::Network`] if there is no such position.
    pub fn scores(&self, decoded: &Tensor, at: usize) -> Result<Vec<f32>, WhisperError> {
        // Only the one row is projected: the vocabulary is by far the widest matrix of the small models.
        let row = decoded.i((.., at..=at))?;
        let scores = match self {
            Self::Full(w) => w.decoder.final_linear(&row)?,
            Self::Quantized(w) => w.decoder.final_linear(&row)?,
        };
        Ok(scores.i((0, 0))?.to_dtype(DType::F32)?.to_vec1()?)
    }

    /// Forgets the sound of the last window.
    pub fn reset(&mut self) {
        match self {
            Self::Full(w) => w.reset_kv_cache(),
            Self::Quantized(w) => w.reset_kv_cache(),
        }
    }
}
