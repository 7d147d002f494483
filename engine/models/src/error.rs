//! What can be wrong with a model's files.

use std::path::PathBuf;

/// Why a model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file of the model cannot be read.
    #[error("cannot read the model file {}: {source}; a model folder holds {expected}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// Names of all files a model folder must hold.
        expected: &'static str,
    },
    /// A file is there but damaged, cut short, or not what `config.json` says.
    #[error("the model file {file} is unusable: {problem}; get the model again or fix its config.json")]
    Format {
        /// Name of the file.
        file: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The options given do not fit.
    #[error("bad recogniser option: {0}")]
    Option(String),
    /// A matrix product failed; with weights that passed the checks at load this is a lack of memory.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl ModelError {
    pub(crate) fn format(file: &'static str, problem: impl Into<String>) -> Self {
        Self::Format { file, problem: problem.into() }
    }
}
