//! Zoom meetings over Realtime Media Streams: webhooks in, signalling and media sockets, participants into the engine.
//!
//! | part | what it is | pure |
//! |---|---|---|
//! | [`codes`] | Zoom's numbers by name | yes |
//! | [`sign`] | signatures, age and replay of webhooks | yes |
//! | [`notice`] | what webhooks say | yes |
//! | [`protocol`] | messages of the two sockets | yes |
//! | [`order`], [`people`], [`media`] | messages in order, participants as tracks | yes |
//! | [`exchange`], [`session`] | one meeting from its first webhook to its end, as a state machine | yes |
//! | [`webhook`] | the HTTP server | no |
//! | [`io`] | sockets, the engine, one task for each meeting | no |
//! | [`command`] | `reframe-bot zoom` | no |

pub mod codes;
pub mod command;
pub mod exchange;
pub mod io;
pub mod media;
pub mod notice;
pub mod order;
pub mod people;
pub mod protocol;
pub mod session;
pub mod sign;
pub mod webhook;
