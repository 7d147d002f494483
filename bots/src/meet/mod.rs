//! Google Meet by its Media API: joins a running conference as a listener and feeds the engine one Opus track per person.
//!
//! ```text
//! http, peer  ──packets──► streams ──pieces──► voices ──► engine call
//!     │                                          ▲
//!     └──data channels──► protocol ──► roster ───┘
//! ```
//!
//! `protocol`, `roster`, `streams` and `voices` do no IO; `io` ties them to the connection.

pub mod cli;
pub mod http;
pub mod io;
mod peer;
pub mod protocol;
pub mod roster;
pub mod streams;
pub mod voices;

pub use self::peer::Network;
