//! All six stages of an account with times, approvals and lineage; what is lost between any two of them.
//!
//! Pure: artifacts, proposals, audit entries and calls come in, pages of values go out; time is an argument.
//!
//! ```text
//! artifacts, proposals, audit, calls ─► fact ─► gather ─► account (walks of six stages) ─┬─► lineage, page, text
//!                                                                                       └─► funnel (drop-off, time)
//! moments of a day ─► huddle      names of numbers ─► metrics      set-up ─► preflight, doctor, maturity
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod account;
pub mod deal;
pub mod doctor;
pub mod fact;
pub mod funnel;
pub mod gather;
pub mod huddle;
pub mod interval;
pub mod lineage;
pub mod maturity;
pub mod metrics;
pub mod page;
pub mod preflight;
pub mod stage;
pub mod time_on_task;

mod words;
