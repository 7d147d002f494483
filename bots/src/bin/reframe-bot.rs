//! `reframe-bot`: brings recordings into a call over the wire, as a meeting bot would.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Brings audio into a Reframe call, as a meeting bot would.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Play(reframe_bots::play::cli::Play),
    /// Listen to Zoom meetings over Realtime Media Streams.
    Zoom(reframe_bots::zoom::command::Zoom),
    Meet(reframe_bots::meet::cli::Meet),
    Vexa(reframe_bots::vexa::cli::Vexa),
    /// Play a meeting platform for a bot, without an account.
    #[command(subcommand)]
    Sim(Sim),
}

#[derive(Subcommand)]
enum Sim {
    /// Zoom: webhooks, signalling and media servers of RTMS.
    Zoom(reframe_bots::sim::zoom::cli::Zoom),
    Meet(reframe_bots::sim::meet::cli::Meet),
}

#[tokio::main]
async fn main() -> ExitCode {
    // What happens goes to standard error; `RUST_LOG=reframe_bots=debug` says more.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match Arguments::parse().command {
        Command::Play(arguments) => arguments.run().await,
        Command::Zoom(options) => reframe_bots::zoom::command::run(options).await,
        Command::Meet(arguments) => reframe_bots::meet::cli::run_cli(arguments).await,
        Command::Vexa(arguments) => reframe_bots::vexa::cli::run(arguments).await,
        Command::Sim(Sim::Zoom(arguments)) => reframe_bots::sim::zoom::cli::run(arguments).await,
        Command::Sim(Sim::Meet(arguments)) => reframe_bots::sim::meet::cli::run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reframe-bot: {error:#}");
            ExitCode::FAILURE
        }
    }
}
