//! Who agreed to be listened to: append-only records and what follows from them, and the rule that follows from where
//! the participants are. No clock, file or socket: times are given, and [`Policy::shipped`] is part of the program.
//!
//! Two questions, answered apart:
//!
//! - *Has this person agreed, for this call, now, and by which record?* [`decide`] folds the [`ConsentRecord`]s.
//! - *Whose agreement does the call need?* [`Policy::rule_for`]: everybody's, unless the settings say that the list of
//!   places may relax it and every participant is known to be in a place where it may.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod decide;
mod person;
mod policy;
mod record;

pub use crate::{
    decide::{Participant, Standing, decide, decide_for},
    person::{BadPerson, Person},
    policy::{Place, Policy, PolicyError, Requirement, RuleSetting, Source},
    record::{BadRecord, ConsentRecord, NewRecord, Scope},
};
