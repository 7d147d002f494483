//! `reframe doctor`: the faults that stacks like this one usually have, and whether this one has them.

use std::io::Write;

use reframe_funnel::doctor::text;

use super::run::Place;
use crate::{exit::Exit, workflow::Accounts};

/// Look for the usual faults of a sales stack, layer by layer, and say what to do
///
/// Reads settings, data folder and CRM and changes nothing. What cannot be told from them is said to be not known. Exit
/// code 1 if something must be seen to first.
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
    let examined = Accounts::new(args.place.office()?).examine(&people)?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&examined)?)?;
    } else {
        examined.unreadable.iter().try_for_each(|problem| writeln!(out, "cannot be read: {problem}"))?;
        write!(out, "{}", text(&examined.findings))?;
    }
    Ok(if examined.blocks() { Exit::Failure } else { Exit::Success })
}
