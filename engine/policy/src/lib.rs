//! Who may be written to, when and on what basis.
//!
//! Pure: rules are data, histories are given, time is an argument. The walk of one message:
//!
//! ```text
//! entries ─► ledger::standing ─► Recipient ─┐
//! rules.toml ─► rules::Rules ───────────────┼─► decide: Allow{basis} | Deny{rule, why} ─┐
//! account, deals, outages ─► kill::evaluate ─► kills ───────────────────────────────────┼─► clearance::clear
//! zone, warm-up, sent today ─► sender ──────────────────────────────────────────────────┘        │
//!                                                          Clearance for these bytes, or every reason why not
//! ```
//!
//! Nothing here is legal advice: the rules are a dated model of some laws, kept as data so that it can be corrected.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod clearance;
pub mod clock;
pub mod decide;
pub mod desk;
pub mod kill;
pub mod ledger;
pub mod rules;
pub mod sender;

pub use crate::{
    clearance::{Ask, Blocked, Clearance, clear},
    decide::{Basis, Decision, Recipient, Subscriber, allowed_channels, policy},
    desk::{Book, Case, Desk, OwnSender},
    kill::{Kill, evaluate},
    ledger::{PersonKey, Standing, standing},
    rules::{Channel, Fact, Need, Purpose, Region, Rules},
};
