//! Systems of record behind `reframe_workflow`'s port: a folder of files, HubSpot and Gmail; language models behind another
//! ([`model`]); and stand-in servers for the vendors, for tests and trials without an account.
//!
//! Three rules hold for all systems of record:
//!
//! - What changes something takes a `reframe_workflow::gate::Approved`: over the wire it must pass through
//!   [`http::Mutation`], which is made from nothing else.
//! - No write is tried twice in here. What a failure means for the next attempt is decided in one place,
//!   [`http::outcome`], and written down in docs/CONNECTORS.md.
//! - A field is overwritten only while it reads as it did when the change was proposed. That another field of the record
//!   changed meanwhile takes nothing from it, so the changes of one call can be approved and done together.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod gmail;
pub mod http;
pub mod hubspot;
pub mod local;
pub mod message;
pub mod model;
pub mod secret;
pub mod standin;
mod text;
mod time;

use reframe_workflow::{
    gate::{Action, Approved},
    system::{Listing, Record, WriteError},
};

/// Whether a record meets the conditions on time and field; links are each system's own matter.
fn matches(record: &Record, which: &Listing) -> bool {
    let since = which.changed_since_unix_ms.is_none_or(|since| record.updated_unix_ms >= since);
    since && which.field.as_ref().is_none_or(|(name, value)| record.field(name) == Some(value))
}

/// Whether a write is meant for this system, its target with it.
fn addressed_to(system: &str, write: &Approved) -> Result<(), WriteError> {
    let draft = if let Action::SendMail { draft, .. } = write.action() { draft.as_ref() } else { None };
    let elsewhere = write.action().target().or(draft).filter(|r| r.system != system);
    let problem = match elsewhere {
        Some(record) => format!("{record} is not in {system}"),
        None if write.system() != system => format!("it is meant for {}, not for {system}", write.system()),
        None => return Ok(()),
    };
    Err(WriteError::Refused { problem })
}

/// How to say that a field is not what the proposal saw.
fn reads_otherwise(field: &str, is: Option<&str>, before: Option<&str>) -> String {
    let shown = |v: Option<&str>| v.map_or("nothing".to_owned(), |v| format!("\"{v}\""));
    format!("{field} reads {}, not {}", shown(is), shown(before))
}
