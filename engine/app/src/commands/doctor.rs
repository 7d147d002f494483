//! `reframe doctor`: the faults that stacks like this one usually have, whether this one has them, and whether outreach may start.

use std::{io::Write, sync::Arc};

use reframe_funnel::doctor::text;

use super::run::Place;
use crate::{
    exit::Exit,
    workflow::{Accounts, Look, Stand},
};

/// Look for the usual faults of a sales stack, layer by layer, and say what to do
///
/// Reads settings, data folder and CRM and changes nothing. Then what outreach needs: profile, voice, sponsor, the sender's domain,
/// its warm-up and today's volume; no name server is asked. What cannot be told is said to be not known. Exit code 1 if something
/// must be seen to first; what is not set up yet is no fault.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print values and findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let people = args.place.settings()?.people;
    let office = args.place.office()?;
    let examined = Accounts::new(Arc::clone(&office)).examine(&people)?;
    let outreach = office.outreach_looks()?;
    let mut out = std::io::stdout();
    if args.json {
        let mut all = serde_json::to_value(&examined)?;
        all["outreach"] = serde_json::to_value(&outreach)?;
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    } else {
        examined.unreadable.iter().try_for_each(|problem| writeln!(out, "cannot be read: {problem}"))?;
        write!(out, "{}{}", text(&examined.findings), outreach_text(&outreach))?;
    }
    let wrong = outreach.iter().any(|look| look.stands == Stand::Wrong);
    Ok(if examined.blocks() || wrong { Exit::Failure } else { Exit::Success })
}

/// One block, in the form of the layers above it.
fn outreach_text(looks: &[Look]) -> String {
    let mark = match looks.iter().map(|look| look.stands).max() {
        None | Some(Stand::Ready) => "ok",
        Some(Stand::Waits) => "waits",
        Some(Stand::Missing) => "not set up",
        Some(Stand::Wrong) => "see to it",
    };
    let mut out = format!("{:<20} {mark}\n", "Outreach");
    for Look { of, says, todo, .. } in looks {
        if !says.is_empty() {
            out += &format!("    {of}: {says}\n");
        }
        if !todo.is_empty() {
            out += &format!("      → {todo}\n");
        }
    }
    out
}
