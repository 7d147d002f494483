//! `reframe playbook test`: runs the tests inside playbooks.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use reframe_call::{playbook::Severity, playbook_test};

use crate::{exit::Exit, playbooks, sentences::Plan};

/// Run the tests inside playbooks: their lines, and their little calls
///
/// Prints every test that fails, with its line, what came instead and why. Exit code 0 if all pass, else 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders with a playbook.toml
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Also print the tests that pass
    #[arg(long, short)]
    verbose: bool,
    /// Leave out the sentence encoder: phrases and rules only
    #[arg(long)]
    phrases_only: bool,
}

/// Runs it.
///
/// # Errors
/// If a file cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for dir in super::only_playbooks(&args.dirs)? {
        let (playbook, problems) = playbooks::read(Some(dir))?;
        let Some(playbook) = playbook.map(Arc::new) else {
            for problem in problems.iter().filter(|p| p.severity == Severity::Error) {
                writeln!(std::io::stdout(), "{problem}")?;
            }
            writeln!(std::io::stdout(), "{}: cannot be tested", dir.display())?;
            exit = Exit::Failure;
            continue;
        };
        let plan = if args.phrases_only { Plan::new(playbook, None) } else { Plan::embedded(playbook)? };
        let failed = run_one(dir, &plan, args.verbose)?;
        let tests = plan.playbook.tests.len() + plan.playbook.calls.len();
        writeln!(std::io::stdout(), "{}: {} of {tests} tests passed", dir.display(), tests - failed)?;
        if failed > 0 {
            exit = Exit::Failure;
        }
    }
    Ok(exit)
}

/// Runs the tests of one playbook, prints those that fail (all, if `verbose`), and gives their number.
///
/// # Errors
/// If nothing can be printed.
pub fn run_one(dir: &Path, plan: &Plan, verbose: bool) -> anyhow::Result<usize> {
    let file = playbooks::file_of(dir);
    let mut failed = 0;
    for run in playbook_test::run(&plan.playbook, plan.meaning.as_ref()) {
        if !run.passed {
            failed += 1;
        }
        if !run.passed || verbose {
            let kind = if run.passed { "passed" } else { "failed" };
            writeln!(std::io::stdout(), "{}:{}: {kind}: {run}", file.display(), run.line)?;
        }
    }
    Ok(failed)
}
