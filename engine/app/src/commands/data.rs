//! `reframe data`: everything out, in again, and whatever has to go.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use reframe_consent::Person;
use reframe_store::{CallId, SqliteLog, SqliteOptions, person::RetentionRules};
use reframe_workflow::audit::Actor;

use super::{rebuild::rebuild, run::Place};
use crate::{
    config::Config,
    exit::Exit,
    server::{admission::now_unix_ms, export::Exported, tokens::Secret},
};

/// Your data: export, import, erase, keep no longer than wanted
#[derive(Debug, clap::Subcommand)]
pub enum DataCommand {
    /// Write everything into a new folder: calls, notes, decisions, audit log, with the JSON Schemas
    Export {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Read an export into an empty data folder, whole or not at all
    Import {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Fill an empty data folder again from the files that calls left in its `calls`
    ///
    /// For when the store is lost, or was thrown away. Drafts are made anew from the calls and the CRM; decisions, consents
    /// and wishes for no more messages are in an export only.
    Rebuild(Place),
    /// Erase a person: what they said, what quotes or names them; a salted digest stays
    Erase {
        /// E-mail address or name, and other spellings of the same person
        #[arg(required = true)]
        person: Vec<String>,
        /// Who asks for it, for the audit log
        #[arg(long = "as", value_name = "NAME")]
        by: String,
        #[command(flatten)]
        place: Place,
    },
    /// Erase the words of calls that began longer ago than so many days
    Retention {
        /// Days
        #[arg(long, value_name = "N")]
        days: u32,
        /// Only say which calls that would be
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Runs it.
///
/// # Errors
/// If a folder cannot be read or written, or nobody is named.
pub fn run(command: &DataCommand) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    match command {
        DataCommand::Export { dir, place } => {
            let (store, _) = open(place)?;
            let manifest = store.export(dir)?;
            writeln!(out, "{} files in {}", manifest.files.len(), dir.display())?;
        }
        DataCommand::Import { dir, place } => {
            let (store, _) = open(place)?;
            let manifest = store.import(dir)?;
            writeln!(out, "{} files read; the data folder holds what the export held", manifest.files.len())?;
        }
        DataCommand::Rebuild(place) => {
            let (store, data_dir) = open(place)?;
            let (calls, events) = rebuild(&store, &data_dir)?;
            writeln!(out, "{calls} calls with {events} events read")?;
            writeln!(out, "draft again what is not in the CRM: reframe run post-call, reframe run hygiene")?;
            writeln!(
                out,
                "decisions, consents and wishes for no more messages are not in these files; enter them before you write to \
                 anybody: reframe contact suppress"
            )?;
        }
        DataCommand::Erase { person, by, place } => {
            let (store, data_dir) = open(place)?;
            let spelled = person.iter().map(|p| Person::new(p).with_context(|| format!("`{p}` names nobody")));
            let who: Vec<Person> = spelled.collect::<anyhow::Result<_>>()?;
            let actor = Actor::Person { name: Person::new(by).context("--as names nobody")? };
            let salt = Secret::load(&data_dir)?.salt();
            let erased = store.erase_person(&who, &salt, &actor, now_unix_ms())?;
            remove_files(&data_dir, &erased.calls)?;
            store.person_erased(erased.no)?;
            let (calls, events, rest) = (erased.calls.len(), erased.events, erased.artifacts + erased.proposals);
            writeln!(out, "erased: {events} events of {calls} calls, {rest} notes and proposals")?;
            for call in &erased.open_calls {
                writeln!(out, "call {call} is not over; run this again when it is")?;
            }
            for call in &erased.unmatched_calls {
                writeln!(out, "nobody in call {call} is called so; run this again with the name they go by there")?;
            }
            writeln!(out, "exports made before, and what was written to other systems, are not touched")?;
        }
        DataCommand::Retention { days, dry_run, place } => {
            let (store, data_dir) = open(place)?;
            let rules = RetentionRules { words_days: Some(*days) };
            let done = if *dry_run {
                store.retention_due(rules, now_unix_ms())?
            } else {
                let done = store.retention(rules, now_unix_ms())?;
                remove_files(&data_dir, &done.calls)?;
                done
            };
            for call in &done.calls {
                writeln!(out, "{call}")?;
            }
            let would = if *dry_run { "would lose" } else { "lost" };
            writeln!(out, "{} calls {would} their words", done.calls.len())?;
        }
    }
    Ok(Exit::Success)
}

fn open(place: &Place) -> anyhow::Result<(SqliteLog, PathBuf)> {
    let config = Config::load(place.config.as_deref())?;
    let dir = place.data.clone().unwrap_or(config.data.dir);
    if !dir.is_dir() {
        bail!("the data folder {} is not there; name it with --data", dir.display());
    }
    Ok((SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default())?, dir))
}

/// Files of calls whose words went from the store.
pub(super) fn remove_files(data_dir: &Path, calls: &[CallId]) -> anyhow::Result<()> {
    for call in calls {
        let Exported { about, transcript, events } = Exported::paths(data_dir, call);
        let inputs = events.with_file_name(format!("{call}.inputs.jsonl"));
        for path in [about, transcript, events, inputs] {
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(e).with_context(|| format!("{} cannot be removed; run this again", path.display()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
