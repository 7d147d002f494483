//! `reframe huddle`: what happened since the last working day, for the team's morning.

use std::io::Write;

use reframe_call::date::Date;
use reframe_funnel::huddle::text;

use super::run::Place;
use crate::{exit::Exit, workflow::Accounts};

/// Show the morning: sent, replies, meetings, held back, cards used, flags right and missed
///
/// Of everything since the last working day, in the team's zone (`workflow.zone`), each number with the things themselves.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The morning of this day (default: today)
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<Date>,
    /// Print the document of the page, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data or the CRM cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let page = Accounts::new(args.place.office()?).morning(args.date)?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&page)?)?;
    } else {
        write!(out, "{}", text(&page.huddle))?;
    }
    Ok(Exit::Success)
}
