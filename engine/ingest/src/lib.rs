//! From the outside world to a call's inputs: the WebSocket ingest, files, and the clock that turns senders' time into media time.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod assembler;
pub mod clock;
pub mod file;
pub mod item;
pub mod socket;

pub use assembler::{Assembler, AssemblerConfig, Mode};
pub use item::{IngestItem, What};
