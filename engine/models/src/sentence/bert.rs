//! A whole BERT sentence encoder from a folder, such as all-MiniLM-L6-v2: places sentences, knows no classes.
//!
//! The folder holds `config.json`, `model.safetensors` and `tokenizer.json` as sentence-transformers publish them. Mean
//! of the pieces, length 1, as that family is trained.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::bert::{BertModel, Config};
use reframe_call::detect::semantic::{Sentence, SentenceEncoder};
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use crate::error::ModelError;

const EXPECTED: &str = "config.json, model.safetensors and tokenizer.json";
/// Longest sentence in word pieces; the detector's window is shorter.
const MAX_PIECES: usize = 64;

/// The encoder.
pub struct BertEncoder {
    model: BertModel,
    tokenizer: Tokenizer,
    id: String,
}

impl std::fmt::Debug for BertEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BertEncoder").field("id", &self.id).finish_non_exhaustive()
    }
}

impl BertEncoder {
    /// The encoder in folder `dir`.
    ///
    /// # Errors
    /// [`ModelError::Read`] names the first file that cannot be read, [`ModelError::Format`] what is wrong with one.
    pub fn from_dir(dir: &Path) -> Result<Self, ModelError> {
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read(&path).map_err(|source| ModelError::Read { path, source, expected: EXPECTED })
        };
        let (config, weights, tokenizer) = (read("config.json")?, read("model.safetensors")?, read("tokenizer.json")?);
        let bad = |file: &'static str| move |e: String| ModelError::format(file, e);
        let config: Config = serde_json::from_slice(&config).map_err(|e| bad("config.json")(e.to_string()))?;
        let mut tokenizer = Tokenizer::from_bytes(tokenizer).map_err(|e| bad("tokenizer.json")(e.to_string()))?;
        // The published file pads every sentence to 128 pieces, which costs seven times the work.
        tokenizer.with_padding(None);
        let digest: String = Sha256::digest(&weights).iter().take(6).map(|b| format!("{b:02x}")).collect();
        let tensors = candle_nn::VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)
            .map_err(|e| bad("model.safetensors")(e.to_string()))?;
        let model = BertModel::load(tensors, &config).map_err(|e| bad("model.safetensors")(e.to_string()))?;
        Ok(Self { model, tokenizer, id: format!("bert:{digest}") })
    }

    /// # Errors
    /// [`ModelError`] if the text cannot be taken apart or a product fails.
    pub fn try_encode(&self, text: &str) -> Result<Vec<f32>, ModelError> {
        let pieces =
            self.tokenizer.encode(text, true).map_err(|e| ModelError::format("tokenizer.json", e.to_string()))?;
        let ids = &pieces.get_ids()[..pieces.get_ids().len().min(MAX_PIECES)];
        let ids = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
        let mean = self.model.forward(&ids, &ids.zeros_like()?, None)?.mean(1)?.squeeze(0)?;
        let length = mean.sqr()?.sum_all()?.sqrt()?;
        Ok(mean.broadcast_div(&length)?.to_vec1()?)
    }
}

impl SentenceEncoder for BertEncoder {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn labels(&self) -> &[String] {
        &[]
    }

    fn encode(&self, text: &str) -> Sentence {
        Sentence { embedding: self.try_encode(text).unwrap_or_default(), ..Sentence::default() }
    }
}
