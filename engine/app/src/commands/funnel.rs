//! `reframe funnel`: what is lost between any two stages.

use std::io::Write;

use reframe_funnel::{
    funnel::{By, text},
    stage::Point,
};
use reframe_serve::accounts::FunnelAsked;

use super::run::Place;
use crate::{exit::Exit, workflow::Accounts};

/// Show what is lost between stages: counts, rates with intervals, times, by week or month
///
/// A stage is signal, outreach, call_prep, live_call, post_call or hygiene: the point where it begins; with `.done` the point
/// where it has given what it gives. Cases that are still on their way are counted apart and are in no rate.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where cases enter; without it, from each stage to the next
    #[arg(long, value_name = "STAGE", requires = "to")]
    from: Option<Point>,
    /// Where they have gone on
    #[arg(long, value_name = "STAGE", requires = "from")]
    to: Option<Point>,
    /// How cohorts are cut
    #[arg(long, value_parser = ["week", "month"], default_value = "week")]
    by: String,
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
    let by = if args.by == "month" { By::Month } else { By::Week };
    let asked = FunnelAsked { between: args.from.zip(args.to), by };
    let page = Accounts::new(args.place.office()?).lost(&asked)?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&page)?)?;
        return Ok(Exit::Success);
    }
    let steps = page.asked.as_ref().map_or(page.steps.as_slice(), std::slice::from_ref);
    for (n, step) in steps.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        write!(out, "{}", text(step))?;
    }
    Ok(Exit::Success)
}
