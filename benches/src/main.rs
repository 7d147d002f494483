//! Measurements of Reframe: how well objections are found, how late a card is, what hearing costs, how much memory a
//! server takes, how many calls it carries at once, what a bad network costs, whether time and memory stay put, and how long
//! the work between calls takes.

mod asr;
#[path = "../../engine/serve/tests/browser/cdp.rs"]
#[allow(dead_code, clippy::unwrap_used, missing_docs, reason = "the browser tests' client, of which a part is needed")]
mod cdp;
mod detect;
mod dice;
mod figures;
mod ingest;
mod latency;
mod load;
mod loss;
mod micro;
mod peers;
mod plot;
mod process;
mod recognizer;
mod record;
mod report;
mod sample_call;
mod screen;
mod server;
mod serving;
mod soak;
mod wer;
mod workflow;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Measure Reframe on this machine
///
/// Build the program first (cargo build --release): all but asr, detect, micro, peers, recognizer and report run it as a
/// process of its own. With --record, the result is kept under benches/record/MACHINE/.
#[derive(Debug, Parser)]
#[command(name = "reframe-benches", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Keep the result under benches/record/MACHINE/DATE-COMMAND.json
    #[arg(long, global = true)]
    record: bool,
    /// Write the result into this file
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Asr(asr::Args),
    Detect(detect::Args),
    Ingest(ingest::Args),
    Latency(latency::Args),
    Load(load::Args),
    Loss(loss::Args),
    Micro(micro::Args),
    Peers(peers::Args),
    Recognizer(recognizer::Args),
    Report(report::Args),
    Server(server::Args),
    Soak(soak::Args),
    Workflow(workflow::Args),
}

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!(
            "error: this is a debug build, whose numbers mean nothing; use cargo run --release -p reframe-benches"
        );
        return ExitCode::from(3);
    }
    let cli = Cli::parse();
    let computes = matches!(
        cli.command,
        Command::Asr(_)
            | Command::Detect(_)
            | Command::Latency(_)
            | Command::Micro(_)
            | Command::Peers(_)
            | Command::Recognizer(_)
    );
    if computes && let Some(code) = process::again_on_one_core() {
        return code;
    }
    let (name, result) = match &cli.command {
        Command::Asr(args) => ("asr", asr::run(args, cli.record)),
        Command::Detect(args) => ("detect", detect::run(args, cli.record)),
        Command::Ingest(args) => ("ingest", ingest::run(args)),
        Command::Latency(args) => ("latency", latency::run(args, cli.record)),
        Command::Load(args) => ("load", load::run(args, cli.record)),
        Command::Loss(args) => ("loss", loss::run(args)),
        Command::Micro(args) => ("micro", micro::run(args, cli.record)),
        Command::Peers(args) => ("peers", peers::run(args, cli.record)),
        Command::Recognizer(args) => ("recognizer", recognizer::run(args)),
        Command::Report(args) => ("report", report::run(args)),
        Command::Server(args) => ("server", server::run(args)),
        Command::Soak(args) => ("soak", soak::run(args, cli.record)),
        Command::Workflow(args) => ("workflow", workflow::run(args, cli.record)),
    };
    // The page is made of records and is none.
    let keep = cli.record && name != "report";
    let result = result.and_then(|value| {
        cli.json.as_ref().map_or(Ok(()), |file| record::write(file, name, &value))?;
        Ok(value)
    });
    let kept = result.and_then(|value| if keep { record::keep(name, &value).map(Some) } else { Ok(None) });
    match kept {
        Ok(Some(path)) => {
            println!("recorded in {}", path.display());
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
