//! The bots against the engine's ways in and against stand-ins of the vendors.
//! One program, since each would link the whole engine again: `cargo test -p PACKAGE --test all FILE::` runs one file.

#![allow(clippy::unwrap_used)]

mod support;

mod engine;
mod meet;
mod meet_browser;
mod play_rtms;
mod sim_zoom;
mod vexa;
mod whip;
mod wire;
mod zoom;
