//! From the outside world to a call's inputs: the WebSocket ingest, files, and the clock that turns senders' time into media time.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod adapters;
pub mod assembler;
pub mod calls;
pub mod clock;
pub mod file;
pub mod host;
pub mod intake;
pub mod item;
pub mod rtp;
pub mod socket;
pub mod whip;

pub use access::{Access, Grant, OneToken};
pub use assembler::{Assembler, AssemblerConfig, Mode};
pub use calls::{Calls, CallsConfig, Entry, Feed, IngestCounters};
pub use host::{CallHandle, CallHost};
pub use item::{IngestItem, What};
