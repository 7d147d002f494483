//! `reframe playbook check`: reads playbooks, runs their own tests, and says what is wrong with them.

use std::{io::Write, path::PathBuf, sync::Arc};

use reframe_call::{audio::Party, detect::Detector, playbook::Severity, recognize::Recognizer};

use crate::{exit::Exit, playbooks, recognizers, sentences::Plan};

/// Check playbooks: their form, their tests, and which phrases can be heard
///
/// Prints every problem with file and line. Exit code 0 if all can be used and their tests pass, else 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folders with a playbook.toml
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Also list phrases too short to be spotted in the sound (they still match in the words)
    #[arg(long)]
    sounds: bool,
}

/// Runs it.
///
/// # Errors
/// If a file cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let recognizer = if args.sounds { Some(recognizers::embedded(None)?) } else { None };
    let mut exit = Exit::Success;
    for dir in super::only_playbooks(&args.dirs)? {
        if !check_one(dir, recognizer.as_deref())? {
            exit = Exit::Failure;
        }
    }
    Ok(exit)
}

/// Checks one playbook and prints what it finds; true if it can be used and its tests pass.
///
/// # Errors
/// If the file cannot be read.
pub fn check_one(dir: &std::path::Path, recognizer: Option<&dyn Recognizer>) -> anyhow::Result<bool> {
    let (playbook, problems) = playbooks::read(Some(dir))?;
    for problem in &problems {
        writeln!(std::io::stdout(), "{problem}")?;
    }
    let Some(playbook) = playbook.map(Arc::new) else {
        let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
        writeln!(std::io::stdout(), "{}: cannot be used, {errors} error(s)", dir.display())?;
        return Ok(false);
    };
    let plan = Plan::embedded(Arc::clone(&playbook))?;
    let failed = super::test::run_one(dir, &plan, false)?;
    if let Some(recognizer) = recognizer {
        let detector = Detector::new(Arc::clone(&playbook), None);
        let bias = detector.bias(Party::Buyer, &[]);
        for (id, why) in recognizer.unspottable(&bias) {
            if let Some(phrase) = bias.spot.iter().find(|s| s.id == id) {
                writeln!(std::io::stdout(), "{}: note: \"{}\": {why}", dir.display(), phrase.text)?;
            }
        }
    }
    let (plays, tests) = (playbook.plays.len(), playbook.tests.len() + playbook.calls.len());
    let phrases: usize = playbook.plays.iter().map(|p| p.phrases.len()).sum();
    writeln!(
        std::io::stdout(),
        "{}: {plays} plays, {phrases} phrases, {} of {tests} tests passed",
        dir.display(),
        tests - failed
    )?;
    Ok(failed == 0)
}
