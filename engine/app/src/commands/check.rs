//! `reframe check`: is everything in order to start?

use std::{io::Write, path::PathBuf};

use crate::{commands::playbook, config::Config, exit::Exit, playbooks, progress, recognizers};

/// Check configuration, playbook and model without starting anything
///
/// Prints one line for each part. Exit code 0 if the server would start, else 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration file (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// Never for what it checks: that is printed. Only if the output breaks.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut good = true;
    let mut out = std::io::stdout();
    let mut report = |what: &str, result: anyhow::Result<String>| -> std::io::Result<()> {
        match result {
            Ok(detail) => writeln!(out, "ok      {what}: {detail}"),
            Err(error) => {
                good = false;
                writeln!(out, "FAILED  {what}: {error:#}")
            }
        }
    };
    let config = match Config::load(args.config.as_deref()) {
        Ok(config) => {
            report("configuration", Ok(format!("listens on {}", config.server.listen)))?;
            config
        }
        Err(error) => {
            report("configuration", Err(error))?;
            return Ok(Exit::Failure);
        }
    };
    let source = config.server.ingest_token_env.as_ref().map(|name| format!("from {name}"));
    report(
        "token",
        crate::server::listen::ingest_token(&config).map(|_| source.unwrap_or("made at every start".to_owned())),
    )?;
    if let Some(name) = &config.server.admin_token_env {
        report("admin token", crate::server::listen::admin_token(&config).map(|_| format!("from {name}")))?;
    }
    match &config.playbook.dir {
        Some(dir) => {
            let checked = playbook::check_one(dir, None);
            report(
                "playbook",
                match checked {
                    Ok(true) => Ok(dir.display().to_string()),
                    Ok(false) => Err(anyhow::anyhow!("{}: see above", dir.display())),
                    Err(error) => Err(error),
                },
            )?;
        }
        None => report("playbook", playbooks::load(None).map(|p| format!("{} (built in)", p.name)))?,
    }
    let loaded = progress::loading(|p| recognizers::load(&config.recognizer, p));
    report("recogniser", loaded.map(|r| r.id()))?;
    if let Some(dir) = config.recognizer.refine_dir.as_ref().filter(|_| config.session.refine) {
        let loaded = crate::server::refine::load(dir);
        report("second pass", loaded.map(|_| dir.display().to_string()))?;
    }
    report("data folder", writable(&config))?;
    Ok(if good { Exit::Success } else { Exit::Failure })
}

/// Looks without making anything: an existing folder must be writable, a missing one must have such a parent.
fn writable(config: &Config) -> anyhow::Result<String> {
    let dir = &config.data.dir;
    let existing = dir.ancestors().find(|d| !d.as_os_str().is_empty() && d.exists());
    let existing = existing.unwrap_or(std::path::Path::new("."));
    let meta = std::fs::metadata(existing)?;
    if !meta.is_dir() {
        anyhow::bail!("{} is not a folder; set data.dir to one", existing.display());
    }
    if meta.permissions().readonly() {
        anyhow::bail!("{} may not be written to; set data.dir to a folder that may", existing.display());
    }
    Ok(dir.display().to_string())
}
