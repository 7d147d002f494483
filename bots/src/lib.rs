//! What brings audio to the engine: programs that join a call, and reach the engine by wire only.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod engine;
pub mod meet;
pub mod play;
pub mod script;
pub mod sim;
pub mod vexa;
pub mod whip;
pub mod zoom;
