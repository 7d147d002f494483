//! What can go wrong with a Whisper model, and what to do about it.

use std::path::PathBuf;

/// Why a Whisper model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WhisperError {
    /// Files are not there.
    #[error("{}: {missing} not found; a Whisper folder holds config.json, tokenizer.json and model.safetensors (or one .gguf file)", folder.display())]
    Missing {
        /// Where they were looked for.
        folder: PathBuf,
        /// Their names, separated by commas.
        missing: String,
    },
    /// More than one file could be meant.
    #[error("{}: holds {count} .gguf files; name the one to load", folder.display())]
    Ambiguous {
        /// Where.
        folder: PathBuf,
        /// How many were found.
        count: usize,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what its name promises.
    #[error("{}: {why}; fetch it again", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A model this program cannot run.
    #[error("{}: {why}", path.display())]
    Unsupported {
        /// Which file says so.
        path: PathBuf,
        /// What is not supported.
        why: String,
    },
    /// A window is longer than the model's context.
    #[error("{samples} samples are longer than the model's context of {limit} samples; pass less at a time")]
    TooLong {
        /// Samples given.
        samples: usize,
        /// Samples that fit.
        limit: usize,
    },
    /// Arithmetic failed (out of memory, or weights of an unexpected shape).
    #[error("the network failed: {0}")]
    Network(#[from] candle_core::Error),
}
