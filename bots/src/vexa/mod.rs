//! Words from a meeting that a Vexa bot is in: its live transcript becomes participants and their words. No audio.
//!
//! `docs/platforms/vexa.md` says how to use it.

pub mod cli;
pub mod io;
pub mod protocol;
pub mod transcript;

pub use self::io::{Bot, Key, run};
