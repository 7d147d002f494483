//! The models Reframe runs: implementations of the recogniser traits of `reframe-call`, and the weights that ship.
//!
//! Matrix products run in candle. It splits larger ones over threads unless told otherwise, which costs more than it
//! gains on the small steps of a live stream: run the process with `RAYON_NUM_THREADS=1`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod ctc;
mod error;
mod integer;
mod layers;
pub mod sentence;
mod weights;
#[cfg(feature = "whisper")]
pub mod whisper;

pub use self::error::ModelError;
