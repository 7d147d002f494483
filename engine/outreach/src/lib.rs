//! Stage two: facts first, then a draft tied to one signal, a linter that blocks approval, sequences, and what replies mean.
//!
//! Pure: nothing in here sends anything. The way of a message: [`facts::Fact::screen`] → [`draft::draft`] →
//! [`lint::lint`] → [`lint::Linted::proposal`] → the gate of `reframe-workflow`, where a person approves it. The way of an
//! answer: [`reply::classify`] → [`reply::handle`] → [`sequence::Sequence::happened`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod draft;
pub mod facts;
pub mod lint;
pub mod message;
pub mod metrics;
pub mod reply;
pub mod sequence;
pub mod text;
pub mod voice;
