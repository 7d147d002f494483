//! Finds playbooks: the built-in one, or a folder's.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use reframe_call::playbook::{self, Playbook, Problem, Severity};

/// The playbook that is built in.
const BUILT_IN: &str = include_str!("../../../playbooks/saas/playbook.toml");
/// Its file, as problems name it.
const BUILT_IN_FILE: &str = "playbooks/saas/playbook.toml (built in)";

/// Reads `dir/playbook.toml` (or `dir` itself, if it is a file); without one, the built-in playbook.
///
/// # Errors
/// If the file cannot be read.
pub fn read(dir: Option<&Path>) -> anyhow::Result<(Option<Playbook>, Vec<Problem>)> {
    let Some(dir) = dir else {
        return Ok(playbook::parse(BUILT_IN_FILE, BUILT_IN));
    };
    let file = if dir.is_dir() { dir.join("playbook.toml") } else { dir.to_owned() };
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("{} cannot be read; a playbook is a folder with a playbook.toml", file.display()))?;
    Ok(playbook::parse(&file.display().to_string(), &text))
}

/// Reads a playbook that is going to be used.
///
/// # Errors
/// If it cannot be read or has an error; the message holds all errors.
pub fn load(dir: Option<&Path>) -> anyhow::Result<Arc<Playbook>> {
    let (playbook, problems) = read(dir)?;
    match playbook {
        Some(playbook) => Ok(Arc::new(playbook)),
        None => {
            let errors: Vec<String> =
                problems.iter().filter(|p| p.severity == Severity::Error).map(ToString::to_string).collect();
            bail!("the playbook cannot be used:\n{}", errors.join("\n"))
        }
    }
}
