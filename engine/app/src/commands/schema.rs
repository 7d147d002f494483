//! `reframe schema`: JSON Schemas of what the stages hand to each other.

use std::io::Write;

use anyhow::bail;
use reframe_store::export::handoffs;

use crate::exit::Exit;

/// Print the JSON Schema of a hand-off between the stages, or the names of all
///
/// They are generated from the types the program itself reads and writes. An export has the same ones in its folder
/// `schemas`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which: `note_proposal`, `debrief`, `proposal` (default: list the names)
    name: Option<String>,
}

/// Runs it.
///
/// # Errors
/// If there is none of that name.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    let all = handoffs();
    let Some(name) = &args.name else {
        all.iter().try_for_each(|(name, _)| writeln!(out, "{name}"))?;
        return Ok(Exit::Success);
    };
    let Some((_, text)) = all.iter().find(|(known, _)| known == name) else {
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        bail!("there is no schema `{name}`; write one of: {}", names.join(", "));
    };
    write!(out, "{text}")?;
    Ok(Exit::Success)
}
