//! `reframe playbook backtest`: what a changed playbook would have done in recorded calls.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::Context;
use reframe_call::{
    backtest::{CallResult, CallTest, Gate, Totals, Tried},
    detect::semantic::SentenceEncoder,
    event::EventBody,
    playbook::Playbook,
    session::SessionSettings,
};
use serde::Serialize;

use super::{
    baseline::{Baselines, tried},
    logs::{self, Log},
    page,
    remember::Remembering,
    text,
};
use crate::{config::Config, exit::Exit, playbooks, sentences};

/// Try a playbook on recorded calls: which cards would come, go or move
///
/// Replays event logs without their audio: the words when they became certain, beginnings and ends of speech, phrases
/// heard in the sounds, and what the rep did. Compares with the present playbook: --baseline, or the one each call was
/// made with if it is at hand, or the built-in one. Where an answer key lies beside a log (NAME.truth.toml) it judges the
/// cards; else the rep's own marks do: used is right, dismissed or wrong is not. Exit code 1 if a gate is not passed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with the changed playbook.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Event logs: files, folders with *.jsonl, or a server's reframe.db
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    calls: Vec<PathBuf>,
    /// Folder with the present playbook
    #[arg(long, value_name = "DIR")]
    baseline: Option<PathBuf>,
    /// Write everything to this file as JSON; - for standard output (then nothing else is printed)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a web page to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// File with min_precision, min_recall and max_cards_per_hour, any of them
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,
    /// Right cards among those judged, at least: 0 to 1
    #[arg(long, value_name = "P")]
    min_precision: Option<f64>,
    /// Objections that bring the right card, at least: 0 to 1
    #[arg(long, value_name = "R")]
    min_recall: Option<f64>,
    /// Cards an hour, at most
    #[arg(long, value_name = "N")]
    max_cards_per_hour: Option<f64>,
    /// Leave the sentence encoder out: seconds instead of minutes, and cards that come by meaning are missing on both sides
    #[arg(long)]
    phrases_only: bool,
    /// Configuration file, for the settings of calls (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What came of a back-test, as it is written down.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The changed playbook.
    pub playbook: String,
    /// The present ones: usually one.
    pub present: Vec<String>,
    /// What was asked for.
    pub gate: Gate,
    /// Why the gate is not passed; empty if it is, or if nothing was asked for.
    pub gate_failures: Vec<String>,
    /// What to know when reading the numbers.
    pub notes: Vec<String>,
    /// All calls together.
    pub totals: Totals,
    /// Call by call.
    pub calls: Vec<CallResult>,
}

/// Runs it.
///
/// # Errors
/// If a playbook, a log or the gate cannot be used, or a file cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let gate = gate(args)?;
    let config = Config::load(args.config.as_deref())?;
    let changed = playbooks::load(Some(&args.dir))?;
    let logs = logs::find(&args.calls)?;
    let encoder = if args.phrases_only { None } else { sentences::load(&config.encoder)? };
    let encoder = encoder.map(|e| Arc::new(Remembering::new(e)) as Arc<dyn SentenceEncoder>);
    let baselines = Baselines::new(&args.dir, args.baseline.as_deref(), encoder.as_ref())?;
    let changed = tried(changed, encoder.as_ref());
    let tests = run_all(&logs, config.session, &baselines, &changed)?;
    let report = report(&changed.playbook, gate, tests, &baselines, args.phrases_only);
    write_files(args, &report)?;
    if args.json.as_deref() != Some(Path::new("-")) {
        write!(std::io::stdout(), "{}", text::backtest(&report))?;
    }
    Ok(if report.gate_failures.is_empty() { Exit::Success } else { Exit::Failure })
}

fn gate(args: &Args) -> anyhow::Result<Gate> {
    let of_file = match &args.gate {
        None => Gate::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            Gate::parse(&text).map_err(|why| anyhow::anyhow!("{} is no gate: {why}", path.display()))?
        }
    };
    let gate = of_file.or(Gate {
        min_precision: args.min_precision,
        min_recall: args.min_recall,
        max_cards_per_hour: args.max_cards_per_hour,
    });
    gate.check().map_err(|why| anyhow::anyhow!("--{}", why.replace('_', "-")))?;
    Ok(gate)
}

/// The result of a call, and whether it was compared with the playbook it was made with or one that was named.
pub struct Tested {
    /// The comparison.
    pub result: CallResult,
    /// False: with the built-in playbook, for want of a better.
    pub with_its_own: bool,
}

/// Runs all calls, several at a time; the results are in the order of `logs`.
///
/// # Errors
/// That of the first log, in their order, that cannot be read.
pub fn run_all(
    logs: &[Log],
    settings: SessionSettings,
    baselines: &Baselines,
    changed: &Tried,
) -> anyhow::Result<Vec<Tested>> {
    let (next, broken) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done: Mutex<Vec<Option<anyhow::Result<Tested>>>> = Mutex::new(logs.iter().map(|_| None).collect());
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(logs.len());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(log) = logs.get(n).filter(|_| !broken.load(Ordering::Relaxed)) else { return };
                    let tested = run_one(log, settings, baselines, changed);
                    broken.fetch_or(tested.is_err(), Ordering::Relaxed);
                    done.lock().unwrap_or_else(PoisonError::into_inner)[n] = Some(tested);
                }
            });
        }
    });
    // Logs behind a broken one may be missing: the error comes before the hole.
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

fn run_one(log: &Log, settings: SessionSettings, baselines: &Baselines, changed: &Tried) -> anyhow::Result<Tested> {
    let mut test = None;
    let mut with_its_own = true;
    log.each(|event| {
        if let EventBody::CallStarted { playbook, .. } = &event.body
            && test.is_none()
        {
            let (present, found) = baselines.of(playbook);
            with_its_own = found;
            test = Some(CallTest::new(&log.name, settings, present, changed.clone()));
        }
        if let Some(test) = &mut test {
            test.event(event);
        }
    })?;
    let test = test.context("there is no event in it")?;
    Ok(Tested { result: test.finish(log.truth.as_ref()), with_its_own })
}

fn report(changed: &Playbook, gate: Gate, tests: Vec<Tested>, baselines: &Baselines, phrases_only: bool) -> Report {
    let mut totals = Totals::default();
    tests.iter().for_each(|t| totals.add(&t.result));
    let mut present: Vec<String> = tests.iter().map(|t| t.result.present_playbook.clone()).collect();
    present.sort();
    present.dedup();
    let mut notes = Vec::new();
    let mut foreign: Vec<&str> =
        tests.iter().filter(|t| !t.with_its_own).map(|t| t.result.logged_with.as_str()).collect();
    let calls = foreign.len();
    foreign.sort_unstable();
    foreign.dedup();
    if calls > 0 {
        notes.push(format!(
            "{calls} call(s) were made with a playbook that is not at hand ({}) and are compared with the built-in one; \
             name the present one with --baseline",
            foreign.join(", ")
        ));
    }
    let judged = totals.judged_by_truth + totals.judged_by_marks;
    notes.push(format!(
        "cards are judged by an answer key in {} call(s), by the rep's own marks in {} (used is right, dismissed or wrong is \
         not; what no card answered is not known), by nothing in {}",
        totals.judged_by_truth,
        totals.judged_by_marks,
        totals.calls - judged
    ));
    notes.push(format!(
        "replayed without audio, the present playbook brings again {} of the {} cards in the logs",
        totals.replayed.of, totals.replayed.n
    ));
    let new = new_phrases(changed, &present, baselines);
    if new > 0 {
        notes.push(format!(
            "{new} phrase(s) are new: nobody listened for their sounds in these calls, so they are found in the words only, \
             later than in a live call or not at all where the words were misheard"
        ));
    }
    let lost = totals.changed_sounds.unknown;
    if lost > 0 {
        notes.push(format!(
            "{lost} of {} phrases heard in the sounds are no longer in the changed playbook",
            lost + totals.changed_sounds.heard
        ));
    }
    if phrases_only {
        notes.push("without the sentence encoder: cards that come by meaning are missing on both sides".to_owned());
    }
    let beyond: u32 = tests.iter().map(|t| t.result.not_looked_at).sum();
    if beyond > 0 {
        notes.push(format!("{beyond} card(s) beyond what is looked at in one call are not counted"));
    }
    let gate_failures = gate.failures(&totals);
    let calls = tests.into_iter().map(|t| t.result).collect();
    Report { playbook: changed.id(), present, gate, gate_failures, notes, totals, calls }
}

/// Trigger phrases of `changed` that none of the present playbooks has.
fn new_phrases(changed: &Playbook, present: &[String], baselines: &Baselines) -> usize {
    let present: Vec<Tried> = present.iter().map(|id| baselines.of(id).0).collect();
    let is_known =
        |phrase: &String| present.iter().any(|t| t.playbook.plays.iter().any(|p| p.phrases.contains(phrase)));
    changed.plays.iter().flat_map(|p| &p.phrases).filter(|phrase| !is_known(phrase)).count()
}

fn write_files(args: &Args, report: &Report) -> anyhow::Result<()> {
    super::write_json(args.json.as_deref(), report)?;
    super::write_page(args.html.as_deref(), || page::backtest(report))
}
