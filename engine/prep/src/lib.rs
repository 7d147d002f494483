//! Stage three: what to know before a meeting, and what the live call is armed with.
//!
//! Pure: calendars, records and transcripts come in, a [`reframe_workflow::handoff::Brief`] goes out; time is an argument.
//!
//! ```text
//! iCalendar, Google ─► calendar ─► Meeting ─► schedule (30 minutes before, again when it moves or its facts change)
//! calls, notes, mails, records, signals ─┬─► contradiction, objections, questions ─► brief ─► Brief, Arm
//!                                        └─► deal_summary
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod arm;
pub mod brief;
pub mod calendar;
pub mod contradiction;
pub mod deal_summary;
pub mod objections;
pub mod questions;
pub mod schedule;
mod wording;

#[cfg(test)]
mod sample;

/// Version of these rules, for [`Maker`](reframe_workflow::artifact::Maker): raised when what they write may change.
pub const VERSION: u32 = 1;
