//! The embedded sentence encoder: a small transformer that places a sentence among others and names its class.
//!
//! Three BERT layers of width 384 over ten thousand word pieces, started from the first, third and fifth layer of
//! all-MiniLM-L6-v2 (Apache-2.0), distilled to place sentences where the whole of it places them, then trained on
//! labelled sentences to tell objections from talk. The recipe is in `training/sentence`. Weights are stored as 8-bit
//! integers with a scale per row, and its products are of integers.

mod assets;
#[cfg(feature = "bert")]
pub mod bert;
mod likeness;
mod network;
mod pieces;

use std::path::Path;

use reframe_call::detect::semantic::{Sentence, SentenceEncoder};

use self::{
    assets::{Assets, Config},
    likeness::Likeness,
    network::Network,
    pieces::Pieces,
};
use crate::error::ModelError;

/// The encoder. Shared by all calls; encoding needs no lock.
pub struct MiniEncoder {
    network: Network,
    likeness: Option<Likeness>,
    pieces: Pieces,
    labels: Vec<String>,
    objections: Vec<bool>,
    id: String,
}

impl std::fmt::Debug for MiniEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MiniEncoder").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MiniEncoder {
    /// The encoder that is part of the program.
    ///
    /// # Errors
    /// [`ModelError`] if its files do not fit together, which a test rules out.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::from_assets(&Assets::embedded())
    }

    /// The encoder in folder `dir`: `config.json`, `model.safetensors` and `vocabulary.txt`; with `likeness.safetensors` it is
    /// better at plays that no class covers.
    ///
    /// # Errors
    /// [`ModelError::Read`] names the first file that cannot be read, [`ModelError::Format`] what is wrong with one.
    pub fn from_dir(dir: &Path) -> Result<Self, ModelError> {
        Self::from_assets(&Assets::from_dir(dir)?)
    }

    fn from_assets(assets: &Assets) -> Result<Self, ModelError> {
        let config = Config::parse(&assets.config)?;
        let pieces = Pieces::parse(&assets.vocabulary, config.max_pieces)?;
        let network = Network::load(&assets.weights, &config, pieces.len())?;
        let likeness = assets.likeness.as_deref().map(|bytes| Likeness::load(bytes, config.width)).transpose()?;
        let id = format!("{}:{}", config.name, assets.digest());
        let objections = config.labels.iter().map(|l| config.objections.contains(l)).collect();
        Ok(Self { network, likeness, pieces, labels: config.labels, objections, id })
    }
}

impl SentenceEncoder for MiniEncoder {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn labels(&self) -> &[String] {
        &self.labels
    }

    fn objections(&self) -> &[bool] {
        &self.objections
    }

    fn encode(&self, text: &str) -> Sentence {
        self.network.run(self.likeness.as_ref(), &self.pieces.encode(text))
    }

    fn crowd(&self, alike: &[f32]) -> f32 {
        self.likeness.as_ref().map_or(0.0, |likeness| likeness.crowd(alike))
    }

    /// On as many threads as there are cores: half a second instead of one for the playbook that ships, on two.
    fn encode_all(&self, texts: &[String]) -> Vec<Sentence> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = texts.len().div_ceil(cores).max(1);
        std::thread::scope(|scope| {
            let one = |part: &[String]| part.iter().map(|text| self.encode(text)).collect::<Vec<_>>();
            let parts: Vec<_> = texts.chunks(share).map(|part| scope.spawn(move || one(part))).collect();
            let done =
                parts.into_iter().map(|part| part.join().expect("encoding does not panic: it gives an empty place"));
            done.flatten().collect()
        })
    }
}
