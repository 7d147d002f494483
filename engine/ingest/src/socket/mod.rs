//! The WebSocket ingest: any bot that can send PCM or Opus. The protocol is in `docs/PROTOCOL.md`.

pub mod io;
pub mod limit;
pub mod protocol;
