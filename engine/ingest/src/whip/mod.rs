//! WHIP (RFC 9725): anybody with a browser or an encoder sends a call's sound over WebRTC.

pub mod config;
pub mod io;
mod peer;
mod ports;
pub mod protocol;
pub mod query;
pub mod sdp;
mod session;
pub mod sessions;

pub use config::{IceServer, WhipConfig};
pub use io::router;
pub use sessions::{WhipCounters, WhipState};
