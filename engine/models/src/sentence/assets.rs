//! The files of an encoder: embedded in the program, or read from a folder.

use std::{borrow::Cow, io::ErrorKind, path::Path};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::likeness;
use crate::error::ModelError;

const CONFIG: &str = "config.json";
const EXPECTED: &str = "config.json, model.safetensors and vocabulary.txt";

/// The files of one encoder, unparsed.
pub(super) struct Assets {
    pub(super) config: Cow<'static, [u8]>,
    pub(super) weights: Cow<'static, [u8]>,
    pub(super) vocabulary: Cow<'static, [u8]>,
    /// Not every encoder has it.
    pub(super) likeness: Option<Cow<'static, [u8]>>,
}

impl Assets {
    /// The encoder that is part of the program.
    pub(super) fn embedded() -> Self {
        macro_rules! file {
            ($name:literal) => {
                Cow::Borrowed(include_bytes!(concat!("../../assets/sentence-v1/", $name)).as_slice())
            };
        }
        Self {
            config: file!("config.json"),
            weights: file!("model.safetensors"),
            vocabulary: file!("vocabulary.txt"),
            likeness: Some(file!("likeness.safetensors")),
        }
    }

    pub(super) fn from_dir(dir: &Path) -> Result<Self, ModelError> {
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read(&path).map(Cow::Owned).map_err(|source| ModelError::Read { path, source, expected: EXPECTED })
        };
        let likeness = match read(likeness::FILE) {
            Err(ModelError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => None,
            read => Some(read?),
        };
        Ok(Self {
            config: read(CONFIG)?,
            weights: read("model.safetensors")?,
            vocabulary: read("vocabulary.txt")?,
            likeness,
        })
    }

    /// First 12 hex digits of the SHA-256 over all files.
    pub(super) fn digest(&self) -> String {
        let mut sha = Sha256::new();
        for file in [&self.config, &self.weights, &self.vocabulary].into_iter().chain(&self.likeness) {
            sha.update(file);
        }
        sha.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Shapes and names, from `config.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) name: String,
    /// Width of a word piece's vector and of the sentence's.
    pub(super) width: usize,
    /// Attention heads; `width` is a multiple.
    pub(super) heads: usize,
    pub(super) layers: usize,
    /// Width inside the feed-forward half of a layer.
    pub(super) hidden: usize,
    /// Weightings of the pieces that the classifier looks at.
    pub(super) pools: usize,
    /// Width of the classifier's hidden layer.
    pub(super) head: usize,
    /// Longest sentence in word pieces, with the two that open and close it.
    pub(super) max_pieces: usize,
    /// Divides the classifier's scores before they become probabilities; fitted on the development set (temperature
    /// scaling, Guo et al. 2017).
    pub(super) temperature: f32,
    pub(super) labels: Vec<String>,
    /// Those of the labels that are objections.
    pub(super) objections: Vec<String>,
}

impl Config {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let config: Self = serde_json::from_slice(bytes).map_err(|e| ModelError::format(CONFIG, e.to_string()))?;
        let sizes = [config.width, config.heads, config.layers, config.hidden, config.pools, config.head];
        if sizes.contains(&0)
            || !config.width.is_multiple_of(config.heads)
            || config.max_pieces < 3
            || config.labels.is_empty()
        {
            return Err(ModelError::format(CONFIG, "a size is 0, or width is no multiple of heads"));
        }
        if !(config.temperature > 0.0 && config.temperature.is_finite()) {
            return Err(ModelError::format(CONFIG, "temperature must be above 0"));
        }
        Ok(config)
    }
}
