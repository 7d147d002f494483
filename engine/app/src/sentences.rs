//! Makes the sentence encoder the configuration asks for, and what a playbook means to it.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use reframe_call::{
    detect::{meaning::Meaning, semantic::SentenceEncoder},
    playbook::Playbook,
};
use reframe_models::sentence::MiniEncoder;

use crate::config::{EncoderKind, EncoderSource};

/// What calls are run with: a playbook, and what it means to the encoder. Made once, shared by calls.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What to listen for and answer.
    pub playbook: Arc<Playbook>,
    /// Its meaning, if meaning is asked.
    pub meaning: Option<Arc<Meaning>>,
}

impl Plan {
    /// Encodes the playbook's examples: a few milliseconds each.
    pub fn new(playbook: Arc<Playbook>, encoder: Option<&Arc<dyn SentenceEncoder>>) -> Self {
        let meaning = encoder.map(|encoder| Arc::new(Meaning::new(Arc::clone(encoder), &playbook)));
        Self { playbook, meaning }
    }

    /// With the encoder that is part of the program.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub fn embedded(playbook: Arc<Playbook>) -> anyhow::Result<Self> {
        Ok(Self::new(playbook, Some(&embedded()?)))
    }
}

/// The encoder that is part of the program.
///
/// # Errors
/// If its files do not fit together, which a test rules out.
pub fn embedded() -> anyhow::Result<Arc<dyn SentenceEncoder>> {
    Ok(Arc::new(MiniEncoder::embedded().context("the sentence encoder cannot be loaded")?))
}

/// The encoder the configuration asks for, if it wants one.
///
/// # Errors
/// If it cannot be loaded, or this program was built without what it needs.
pub fn load(source: &EncoderSource) -> anyhow::Result<Option<Arc<dyn SentenceEncoder>>> {
    match (source.kind, source.dir.as_deref()) {
        (EncoderKind::None, _) => Ok(None),
        (EncoderKind::Embedded, None) => embedded().map(Some),
        (EncoderKind::Embedded, Some(dir)) => {
            let encoder = MiniEncoder::from_dir(dir);
            let encoder = encoder.with_context(|| format!("the encoder in {} cannot be loaded", dir.display()))?;
            Ok(Some(Arc::new(encoder)))
        }
        (EncoderKind::Bert, dir) => bert(dir.context("encoder.dir is needed for kind = \"bert\"")?).map(Some),
    }
}

#[cfg(feature = "bert")]
fn bert(dir: &Path) -> anyhow::Result<Arc<dyn SentenceEncoder>> {
    let encoder = reframe_models::sentence::bert::BertEncoder::from_dir(dir);
    Ok(Arc::new(encoder.with_context(|| format!("the BERT model in {} cannot be loaded", dir.display()))?))
}

#[cfg(not(feature = "bert"))]
fn bert(_: &Path) -> anyhow::Result<Arc<dyn SentenceEncoder>> {
    anyhow::bail!("this program was built without BERT; build it with: cargo build --release --features bert")
}
