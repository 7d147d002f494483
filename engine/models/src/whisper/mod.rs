//! Whisper through candle: a second pass over finished utterances ([`refine`]), or a live recogniser where the machine
//! is fast enough ([`live`]). Off by default; the embedded recogniser needs none of it.
//!
//! ```no_run
//! use std::{path::Path, sync::Arc};
//! use reframe_models::whisper::{LiveSettings, Refiner, WhisperModel, WhisperRecognizer};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Arc::new(WhisperModel::load(Path::new("models/whisper-tiny.en"))?);
//! let mut second_pass = Refiner::new(&model);
//! let live = WhisperRecognizer::new(model, LiveSettings::default());
//! # let _ = (second_pass.id(), live); Ok(()) }
//! ```
//!
//! The network's GELU is the tanh form where the published one is exact; on the test model that moves a score by no
//! more than the `gelu` test in `tests/whisper.rs` states.

pub mod agree;
pub mod decode;
mod error;
pub mod hear;
pub mod live;
mod load;
pub mod mel;
mod network;
pub mod refine;
pub mod rules;
mod vocab;
pub mod words;

pub use error::WhisperError;
pub use live::{LiveSettings, WhisperRecognizer};
pub use load::WhisperModel;
pub use network::Network;
pub use refine::{Refinement, Refiner};
pub use vocab::{STAMP_S, SpokenWord, Vocab};
