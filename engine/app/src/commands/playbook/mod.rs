//! `reframe playbook`: work with playbooks. Each command has a file of its own.

mod backtest;
mod baseline;
mod check;
mod logs;
mod page;
mod remember;
mod report;
mod schema;
mod suggest;
mod test;
mod text;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;

pub use self::check::check_one;
use crate::exit::Exit;

/// Work with playbooks
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Args),
    Test(test::Args),
    Schema(schema::Args),
    Backtest(backtest::Args),
    Report(report::Args),
    Suggest(suggest::Args),
}

/// Runs it.
///
/// # Errors
/// If a file cannot be read or written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Backtest(args) => backtest::run(args),
        Command::Report(args) => report::run(args),
        Command::Suggest(args) => suggest::run(args),
    }
}

/// Those of `dirs` that are playbooks: `playbooks/*` names the files beside them too.
///
/// # Errors
/// If none is one.
fn only_playbooks(dirs: &[PathBuf]) -> anyhow::Result<Vec<&PathBuf>> {
    let is_playbook = |path: &&PathBuf| !path.is_file() || path.extension().is_some_and(|e| e == "toml");
    let dirs: Vec<&PathBuf> = dirs.iter().filter(is_playbook).collect();
    anyhow::ensure!(!dirs.is_empty(), "none of these is a playbook; name folders with a playbook.toml");
    Ok(dirs)
}

/// Writes `value` as JSON to `path`, or to standard output for `-`.
///
/// # Errors
/// If it cannot be written.
fn write_json(path: Option<&Path>, value: &impl serde::Serialize) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let mut json = serde_json::to_vec_pretty(value).context("the result cannot be written as JSON")?;
    json.push(b'\n');
    if path == Path::new("-") {
        return Ok(std::io::stdout().write_all(&json)?);
    }
    std::fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes a page to `path`.
///
/// # Errors
/// If it cannot be written.
fn write_page(path: Option<&Path>, page: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, page()).with_context(|| format!("{} cannot be written", path.display()))
}
