//! Makes the recogniser the configuration asks for.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use reframe_audio::vad::Earshot;
use reframe_call::{recognize::Recognizer, session::Ears};
use reframe_models::ctc::{CtcModel, CtcOptions, CtcRecognizer};

use crate::config::{RecognizerKind, RecognizerSource};

/// Told the stage of loading and how far it is, 0..=1.
pub type OnProgress<'a> = &'a mut dyn FnMut(&'static str, f32);

/// The small streaming model: the one in the program, or the one in `dir`.
///
/// # Errors
/// If the model cannot be loaded; the message names the file.
pub fn embedded(dir: Option<&Path>) -> anyhow::Result<Arc<dyn Recognizer>> {
    load_embedded(dir, &mut |_, _| {})
}

fn load_embedded(dir: Option<&Path>, progress: OnProgress<'_>) -> anyhow::Result<Arc<dyn Recognizer>> {
    let model = match dir {
        None => CtcModel::embedded(progress),
        Some(dir) => CtcModel::load(dir, progress),
    };
    let model = model.context("the speech model cannot be loaded")?;
    Ok(Arc::new(CtcRecognizer::new(model, CtcOptions::default())?))
}

/// The recogniser the configuration asks for.
///
/// # Errors
/// If the model cannot be loaded, or this program was built without what it needs.
pub fn load(source: &RecognizerSource, progress: OnProgress<'_>) -> anyhow::Result<Arc<dyn Recognizer>> {
    match source.kind {
        RecognizerKind::Embedded => load_embedded(source.dir.as_deref(), progress),
        RecognizerKind::Whisper => whisper(source.dir.as_deref(), progress),
    }
}

#[cfg(feature = "whisper")]
fn whisper(dir: Option<&Path>, progress: OnProgress<'_>) -> anyhow::Result<Arc<dyn Recognizer>> {
    let dir = dir.context("recognizer.dir is needed for kind = \"whisper\"")?;
    progress("whisper", 0.0);
    let recognizer = reframe_models::whisper::WhisperRecognizer::from_dir(dir)
        .with_context(|| format!("the Whisper model in {} cannot be loaded", dir.display()))?;
    progress("whisper", 1.0);
    Ok(Arc::new(recognizer))
}

#[cfg(not(feature = "whisper"))]
fn whisper(_: Option<&Path>, _: OnProgress<'_>) -> anyhow::Result<Arc<dyn Recognizer>> {
    anyhow::bail!("this program was built without Whisper; build it with: cargo build --release --features whisper")
}

/// `recognizer` with the voice detector every call uses.
pub fn ears(recognizer: Arc<dyn Recognizer>) -> Ears {
    Ears { recognizer, voice: Arc::new(|| Box::new(Earshot::new())) }
}
