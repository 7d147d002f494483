//! `reframe playbook report`: what became of each play's cards in recorded calls.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use reframe_call::backtest::{PlayUse, Usage};
use serde::Serialize;

use super::{logs, page, text};
use crate::exit::Exit;

/// Say what became of each play's cards: used, dismissed, marked wrong
///
/// Reads event logs and replays nothing. The play most often marked wrong stands first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Event logs: files, folders with *.jsonl, or a server's reframe.db
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    calls: Vec<PathBuf>,
    /// Write it to this file as JSON; - for standard output (then nothing else is printed)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a web page to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What became of plays, as it is written down.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Calls.
    pub calls: u32,
    /// Their length in hours.
    pub hours: f64,
    /// The plays, the one most often wrong first.
    pub plays: Vec<PlayUse>,
}

/// Runs it.
///
/// # Errors
/// If a log cannot be used, or a file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut usage = Usage::default();
    for log in logs::find(&args.calls)? {
        let mut call = Usage::default();
        log.each(|event| call.event(event))?;
        call.finish();
        usage.add(&call);
    }
    let report = Report { calls: usage.calls, hours: usage.length_ms as f64 / 3.6e6, plays: usage.plays() };
    super::write_json(args.json.as_deref(), &report)?;
    super::write_page(args.html.as_deref(), || page::usage(&report))?;
    if args.json.as_deref() != Some(Path::new("-")) {
        write!(std::io::stdout(), "{}", text::usage(&report))?;
    }
    Ok(Exit::Success)
}
