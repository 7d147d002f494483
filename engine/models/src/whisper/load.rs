//! From a folder as the model hubs lay it out to a model in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use candle_transformers::models::whisper::{Config, model, quantized_model};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use super::{
    error::WhisperError,
    mel::{HOP_SAMPLES, LogMel},
    network::Network,
    vocab::{Generation, Vocab},
};

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const GENERATION: &str = "generation_config.json";

/// `config.json`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct ModelConfig {
    model_type: Option<String>,
    num_mel_bins: usize,
    max_source_positions: usize,
    d_model: usize,
    encoder_attention_heads: usize,
    encoder_layers: usize,
    vocab_size: usize,
    max_target_positions: usize,
    decoder_attention_heads: usize,
    decoder_layers: usize,
    suppress_tokens: Option<Vec<i64>>,
}

/// A loaded model; shared by all streams made from it.
#[derive(Debug)]
pub struct WhisperModel {
    /// Name of its folder or `.gguf` file: `whisper-tiny.en`.
    pub name: String,
    /// SHA-256 over its files, in hex.
    pub sha256: String,
    /// Whether its weights are quantised.
    pub quantized: bool,
    pub(super) network: Network,
    pub(super) vocab: Arc<Vocab>,
    pub(super) mel: LogMel,
    pub(super) device: Device,
}

impl WhisperModel {
    /// Loads from a folder that holds `config.json`, `tokenizer.json` and `model.safetensors`, or one `.gguf` file in
    /// the weights' place; or from such a `.gguf` file, the others lying next to it. `generation_config.json` is used
    /// where it is there. A model of several languages is made to transcribe English.
    ///
    /// Reads the whole file into memory: while loading, half-precision weights need three times their size.
    ///
    /// # Errors
    /// [`WhisperError`] naming the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, WhisperError> {
        Self::load_on(path, &Device::Cpu)
    }

    /// [`load`](Self::load), on another device than the CPU.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_on(path: &Path, device: &Device) -> Result<Self, WhisperError> {
        let files = Files::find(path)?;
        let mut hash = Sha256::new();
        let mut read = |path: &Path| -> Result<Vec<u8>, WhisperError> {
            let bytes =
                std::fs::read(path).map_err(|source| WhisperError::Unreadable { path: path.to_owned(), source })?;
            hash.update(&bytes);
            Ok(bytes)
        };
        let config: ModelConfig = parse(&files.config, &read(&files.config)?)?;
        check(&files.config, &config)?;
        let tokenizer = Tokenizer::from_bytes(read(&files.tokenizer)?)
            .map_err(|e| malformed(&files.tokenizer, format!("is not a tokenizer: {e}")))?;
        let generation: Generation = match &files.generation {
            Some(path) => parse(path, &read(path)?)?,
            None => Generation::default(),
        };
        let vocab =
            Vocab::new(tokenizer, &files.tokenizer, config.vocab_size, config.suppress_tokens.clone(), generation)?;
        let weights = read(&files.weights)?;
        let mel = LogMel::new(config.num_mel_bins);
        let dims = Config {
            num_mel_bins: config.num_mel_bins,
            max_source_positions: config.max_source_positions,
            d_model: config.d_model,
            encoder_attention_heads: config.encoder_attention_heads,
            encoder_layers: config.encoder_layers,
            vocab_size: config.vocab_size,
            max_target_positions: config.max_target_positions,
            decoder_attention_heads: config.decoder_attention_heads,
            decoder_layers: config.decoder_layers,
            // Ours to handle: see `rules`.
            suppress_tokens: Vec::new(),
        };
        let broken = |e: candle_core::Error| malformed(&files.weights, e.to_string());
        let network = if files.quantized {
            if weights.get(..4) != Some(b"GGUF".as_slice()) {
                return Err(malformed(&files.weights, "is not a GGUF file".to_owned()));
            }
            let vars = quantized_model::VarBuilder::from_gguf_buffer(&weights, device).map_err(broken)?;
            drop(weights);
            Network::Quantized(Box::new(quantized_model::Whisper::load(&vars, dims).map_err(broken)?))
        } else {
            let vars = VarBuilder::from_buffered_safetensors(weights, DType::F32, device).map_err(broken)?;
            Network::Full(Box::new(model::Whisper::load(&vars, dims).map_err(broken)?))
        };
        Ok(Self {
            name: files.name,
            sha256: hash.finalize().iter().map(|b| format!("{b:02x}")).collect(),
            quantized: files.quantized,
            network,
            vocab: Arc::new(vocab),
            mel,
            device: device.clone(),
        })
    }

    /// Name and content hash, for the first event of a log: `whisper-tiny.en:9f3c…`, twelve digits of the hash.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.name, &self.sha256[..12])
    }

    /// Samples (16 kHz) of the longest sound heard at once: 30 s for every published model.
    #[must_use]
    pub fn context_samples(&self) -> usize {
        self.network.max_mel_frames() * HOP_SAMPLES
    }

    /// A network of its own cache, sharing the weights.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network.clone()
    }

    /// Its tokens.
    #[must_use]
    pub fn vocab(&self) -> &Arc<Vocab> {
        &self.vocab
    }

    /// Its front end.
    #[must_use]
    pub fn mel(&self) -> &LogMel {
        &self.mel
    }

    /// Where its weights lie.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }
}

/// Where the parts of a model lie.
#[derive(Debug)]
struct Files {
    name: String,
    config: PathBuf,
    tokenizer: PathBuf,
    weights: PathBuf,
    generation: Option<PathBuf>,
    quantized: bool,
}

impl Files {
    fn find(path: &Path) -> Result<Self, WhisperError> {
        let is_gguf = |p: &Path| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"));
        let name_of = |p: &Path, whole: bool| {
            let part = if whole { p.file_name() } else { p.file_stem() };
            part.map_or_else(|| "whisper".to_owned(), |n| n.to_string_lossy().into_owned())
        };
        let (folder, weights, name) = if path.is_file() && is_gguf(path) {
            let folder = path.parent().unwrap_or_else(|| Path::new("."));
            (folder.to_owned(), Some(path.to_owned()), name_of(path, false))
        } else {
            // `path` may be spelled "." or end in "..": the name is the folder's own.
            let own = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            (path.to_owned(), None, name_of(&own, true))
        };
        let mut missing = Vec::new();
        let mut need = |file: &'static str| {
            let full = folder.join(file);
            if !full.is_file() {
                missing.push(file);
            }
            full
        };
        let (config, tokenizer) = (need(CONFIG), need(TOKENIZER));
        let weights = match weights {
            Some(path) => path,
            None if folder.join(WEIGHTS).is_file() => folder.join(WEIGHTS),
            None => {
                let mut found: Vec<PathBuf> = std::fs::read_dir(&folder)
                    .into_iter()
                    .flatten()
                    .filter_map(|entry| entry.ok().map(|e| e.path()))
                    .filter(|p| is_gguf(p))
                    .collect();
                if found.len() > 1 {
                    return Err(WhisperError::Ambiguous { folder, count: found.len() });
                }
                found.pop().unwrap_or_else(|| need(WEIGHTS))
            }
        };
        if !missing.is_empty() {
            return Err(WhisperError::Missing { folder, missing: missing.join(", ") });
        }
        let generation = Some(folder.join(GENERATION)).filter(|p| p.is_file());
        let quantized = is_gguf(&weights);
        Ok(Self { name, config, tokenizer, weights, generation, quantized })
    }
}

fn malformed(path: &Path, why: String) -> WhisperError {
    WhisperError::Malformed { path: path.to_owned(), why }
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, bytes: &'a [u8]) -> Result<T, WhisperError> {
    serde_json::from_slice(bytes).map_err(|e| malformed(path, format!("is not the JSON expected: {e}")))
}

/// Refuses what would otherwise divide by zero or take all memory further down.
fn check(path: &Path, c: &ModelConfig) -> Result<(), WhisperError> {
    let refuse = |why: String| Err(WhisperError::Unsupported { path: path.to_owned(), why });
    if let Some(kind) = c.model_type.as_deref().filter(|kind| *kind != "whisper") {
        return refuse(format!("describes a `{kind}` model, not a whisper model"));
    }
    if ![80, 128].contains(&c.num_mel_bins) {
        return refuse(format!("wants {} mel bins; 80 and 128 are known", c.num_mel_bins));
    }
    let heads = [c.encoder_attention_heads, c.decoder_attention_heads];
    if heads.contains(&0) || heads.iter().any(|h| !c.d_model.is_multiple_of(*h)) || c.d_model < 4 {
        return refuse(format!("divides a width of {} over {heads:?} heads", c.d_model));
    }
    // Several times what the largest published model has.
    let within = c.d_model <= 8_192
        && c.vocab_size <= 1_000_000
        && (2..=4_096).contains(&c.max_target_positions)
        && (1..=15_000).contains(&c.max_source_positions)
        && c.encoder_layers <= 256
        && c.decoder_layers <= 256;
    if !within {
        return refuse("gives dimensions no Whisper model has".to_owned());
    }
    Ok(())
}
