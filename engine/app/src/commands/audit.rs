//! `reframe audit`: what was drafted, decided and written, by whom; and whether the record of it is whole.

use std::io::Write;

use reframe_workflow::{
    audit::{self, Entry, Head},
    gate::ProposalId,
    outbox::{AuditBook as _, Queue as _, whole_record},
};

use super::run::Place;
use crate::{exit::Exit, server::admission::now_unix_ms, workflow::SERVICE};

/// Entries read at a time.
const PAGE: usize = 10_000;

/// The record of every draft, decision and write; and the switch that stops all writes
#[derive(Debug, clap::Subcommand)]
pub enum AuditCommand {
    /// Everything about a proposal, an artifact, a call or an identity
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Check that no entry was changed, removed or put in between. Exit code 1 if one was
    Verify(Place),
    /// Take all rights from the program's identity: nothing is written from then on
    Revoke {
        /// Who decides that
        #[arg(long = "as", value_name = "NAME")]
        by: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Runs it.
///
/// # Errors
/// If the data cannot be read.
pub fn run(command: &AuditCommand) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    match command {
        AuditCommand::Show { id, place } => {
            let office = place.office()?;
            let store = &**office.store();
            let entries = match id.parse() {
                Ok(artifact) if id.starts_with("proposal-") => whole_record(store, &ProposalId(artifact))?,
                _ => store.record_of(id)?,
            };
            entries.iter().try_for_each(|entry| writeln!(out, "{}", line(entry)))?;
            if entries.is_empty() {
                writeln!(out, "nothing is on record about `{id}`")?;
                return Ok(Exit::Failure);
            }
        }
        AuditCommand::Verify(place) => {
            let office = place.office()?;
            let mut head = Head::default();
            loop {
                let page = office.store().entries_from(head.next, PAGE)?;
                if page.is_empty() {
                    break;
                }
                match audit::verify_chain(&page, head) {
                    Ok(next) => head = next,
                    Err(tampered) => {
                        writeln!(out, "the record is not whole: {tampered}")?;
                        return Ok(Exit::Failure);
                    }
                }
            }
            writeln!(out, "{} entries, none changed; the last has digest {}", head.next, head.digest)?;
        }
        AuditCommand::Revoke { by, place } => {
            let person = reframe_consent::Person::new(by)?;
            let office = place.office()?;
            office.store().revoke(SERVICE, &audit::Actor::Person { name: person }, now_unix_ms())?;
            writeln!(out, "{SERVICE} may write nothing from now on")?;
        }
    }
    Ok(Exit::Success)
}

fn line(entry: &Entry) -> String {
    let at = jiff::Timestamp::from_millisecond(entry.at_unix_ms).map_or_else(|_| "?".to_owned(), |t| t.to_string());
    format!("{:>6} {at} {:<15} {} {}", entry.seq, entry.what.as_str(), entry.by, entry.detail)
}
