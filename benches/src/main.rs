//! Measurements of Reframe: how well objections are found, how late a card is, what hearing costs, how much memory a
//! server takes, what a bad network costs, whether time and memory stay put.

mod detect;
mod ingest;
mod latency;
mod loss;
mod plot;
mod process;
mod recognizer;
mod record;
mod server;
mod serving;
mod soak;
mod wer;

use std::process::ExitCode;

use clap::Parser;

/// Measure Reframe on this machine
///
/// Build the program first (cargo build --release): all but detect and recognizer run it as a process of its own. With --record, the
/// result is kept under benches/record/MACHINE/.
#[derive(Debug, Parser)]
#[command(name = "reframe-benches", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Keep the result under benches/record/MACHINE/DATE-COMMAND.json
    #[arg(long, global = true)]
    record: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Detect(detect::Args),
    Ingest(ingest::Args),
    Latency(latency::Args),
    Loss(loss::Args),
    Recognizer(recognizer::Args),
    Server(server::Args),
    Soak(soak::Args),
}

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!(
            "error: this is a debug build, whose numbers mean nothing; use cargo run --release -p reframe-benches"
        );
        return ExitCode::from(3);
    }
    let cli = Cli::parse();
    if matches!(cli.command, Command::Detect(_))
        && let Some(code) = process::again_on_one_core()
    {
        return code;
    }
    let (name, result) = match &cli.command {
        Command::Detect(args) => ("detect", detect::run(args, cli.record)),
        Command::Ingest(args) => ("ingest", ingest::run(args)),
        Command::Latency(args) => ("latency", latency::run(args)),
        Command::Loss(args) => ("loss", loss::run(args)),
        Command::Recognizer(args) => ("recognizer", recognizer::run(args)),
        Command::Server(args) => ("server", server::run(args)),
        Command::Soak(args) => ("soak", soak::run(args, cli.record)),
    };
    let kept = result.and_then(|value| if cli.record { record::keep(name, &value).map(Some) } else { Ok(None) });
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
