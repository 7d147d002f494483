//! Stage one: what happened at accounts, how warm each is and why, and the few that are worth a person's time today.
//!
//! Pure: bytes and records come in, [`reframe_workflow::handoff::SignalCard`]s go out; time is an argument.
//!
//! ```text
//! bytes ─► import ─► SignalEvent ─► identity (which account) ─► warmth ─┐
//!                                   icp (fit, exclusion) ───────────────┼─► rank ─► rationale ─► feed ─► SignalCard
//!                                   capacity ───────────────────────────┘    stakeholders ────────┘
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod chance;
pub mod event;
pub mod feed;
pub mod icp;
pub mod identity;
pub mod import;
pub mod rank;
pub mod rationale;
pub mod research;
pub mod stakeholders;
#[cfg(test)]
mod testing;
pub mod warmth;
