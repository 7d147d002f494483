//! Accounts, funnel and huddle on what the store keeps of a small company's weeks.
//! One program, since each would link the whole engine again: `cargo test -p PACKAGE --test all FILE::` runs one file.

#![allow(clippy::unwrap_used)]

mod support;

mod account;
mod doctor;
mod hand_off;
mod huddle;
mod metrics;
mod one_system;
mod pages;
mod per_stage_measurement;
mod review_gate;
mod system_of_record;
