//! What brings audio to the engine: programs that join a call, and reach the engine by wire only.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod play;
pub mod script;
