//! `reframe search`: who said what, and when.

use std::io::Write;

use reframe_call::audio::Party;
use reframe_store::{CallId, search::Filters};

use super::run::Place;
use crate::{exit::Exit, server::admission::now_unix_ms};

/// Calls read into the index at a time.
const INDEXED: usize = 100;

/// Find who said something, in which call and when
///
/// Words are found in all their forms; "quoted words" as they stand. Exit code 1 if nothing was found.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What was said
    #[arg(required = true)]
    query: Vec<String>,
    /// Only this speaker
    #[arg(long, value_name = "NAME")]
    speaker: Option<String>,
    /// Only one side
    #[arg(long, value_parser = ["rep", "buyer"])]
    side: Option<String>,
    /// Only in this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let store = office.store();
    while store.index(INDEXED)?.left > 0 {}
    let filters = Filters {
        speaker: args.speaker.clone(),
        side: args.side.as_deref().map(|s| if s == "rep" { Party::Rep } else { Party::Buyer }),
        call: args.call.as_deref().map(CallId::new).transpose()?,
        ..Filters::default()
    };
    let found = store.search(&args.query.join(" "), &filters, args.limit, now_unix_ms())?;
    let mut out = std::io::stdout();
    for hit in &found.hits {
        let at = format!("{:02}:{:02}", hit.at_ms / 60_000, hit.at_ms / 1_000 % 60);
        writeln!(out, "{} {at} {} ({}): {}", hit.call, hit.speaker, hit.title, hit.snippet.marked("[", "]"))?;
    }
    if found.hits.is_empty() {
        writeln!(out, "nobody said that in a call that is kept here")?;
        return Ok(Exit::Failure);
    }
    Ok(Exit::Success)
}
