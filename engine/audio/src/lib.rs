//! From bytes to frames: decoding, resampling to 16 kHz, cutting into 20 ms frames, and telling voice from silence; free of clocks, sockets and files.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod decode;
pub mod g711;
pub mod ogg_opus;
pub mod reframe;
pub mod resample;
pub mod track;
pub mod vad;
pub mod wav;
