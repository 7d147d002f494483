//! The `reframe` program.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod commands;
mod config;
mod exit;
mod fixtures;
mod latency;
mod logging;
mod models_cmd;
mod playbooks;
mod progress;
mod queue;
mod recognizers;
mod runner;
mod sentences;
mod server;
mod truth;
mod view;
mod whip;
mod workflow;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::exit::Exit;

/// Live sales-call coaching: the right answer on the rep's screen about a second after the buyer objects.
///
/// Everything runs on this machine. Nothing is sent anywhere unless you configure it.
///
/// Exit codes: 0 done; 1 it ran, and something is wrong with what it was given; 2 wrong command line; 3 it could not
/// start.
#[derive(Debug, Parser)]
#[command(name = "reframe", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Demo(commands::demo::Args),
    Init(commands::init::Args),
    Serve(commands::serve::Args),
    Replay(commands::replay::Args),
    Transcribe(commands::transcribe::Args),
    Detect(commands::detect::Args),
    Playbook(commands::playbook::Args),
    #[command(subcommand)]
    Consent(commands::consent::ConsentCommand),
    #[command(subcommand)]
    Contact(commands::contact::ContactCommand),
    #[command(subcommand)]
    Token(commands::token::TokenCommand),
    /// Speech models: list, fetch, verify
    #[command(subcommand)]
    Models(models_cmd::ModelsCommand),
    #[command(subcommand)]
    Signal(commands::signal::SignalCommand),
    #[command(subcommand)]
    Outreach(commands::outreach::OutreachCommand),
    Check(commands::check::Args),
    #[command(subcommand)]
    Run(commands::run::RunCommand),
    Review(commands::review::Args),
    Debrief(commands::debrief::Args),
    Prep(commands::prep::Args),
    Verify(commands::verify::Args),
    Search(commands::search::Args),
    Account(commands::account::Args),
    Funnel(commands::funnel::Args),
    Huddle(commands::huddle::Args),
    Doctor(commands::doctor::Args),
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    #[command(subcommand)]
    Data(commands::data::DataCommand),
    Schema(commands::schema::Args),
    /// Write a completion script for a shell to standard output
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    if let Some(code) = single_threaded_arithmetic() {
        return code;
    }
    let result = match Cli::parse().command {
        Command::Demo(args) => commands::demo::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Transcribe(args) => commands::transcribe::run(&args),
        Command::Detect(args) => commands::detect::run(&args),
        Command::Playbook(args) => commands::playbook::run(&args),
        Command::Consent(command) => commands::consent::run(&command),
        Command::Contact(command) => commands::contact::run(&command),
        Command::Token(command) => commands::token::run(&command),
        Command::Signal(command) => commands::signal::run(&command),
        Command::Outreach(command) => commands::outreach::run(&command),
        Command::Check(args) => commands::check::run(&args),
        Command::Run(command) => commands::run::run(&command),
        Command::Review(args) => commands::review::run(&args),
        Command::Debrief(args) => commands::debrief::run(&args),
        Command::Prep(args) => commands::prep::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Search(args) => commands::search::run(&args),
        Command::Account(args) => commands::account::run(&args),
        Command::Funnel(args) => commands::funnel::run(&args),
        Command::Huddle(args) => commands::huddle::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Audit(command) => commands::audit::run(&command),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Data(command) => commands::data::run(&command),
        Command::Models(command) => {
            return models_cmd::run(&command, &mut std::io::stdout()).unwrap_or_else(|error| failed(&error));
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "reframe", &mut std::io::stdout());
            Ok(Exit::Success)
        }
    };
    result.map_or_else(|error| failed(&error), Into::into)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // A reader that has seen enough (`| head`) is no failure of ours.
    let broken_pipe = error
        .chain()
        .any(|e| e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe));
    if broken_pipe {
        return Exit::Success.into();
    }
    eprintln!("error: {error:#}");
    Exit::CannotStart.into()
}

/// The tensor library spreads even small products over all cores, which costs a live stream more than it gains, and
/// would let one call's work disturb another's. It reads the number of threads from the environment when it is first
/// used, so the program starts itself again with that set; in one process it can only be set by unsafe code.
fn single_threaded_arithmetic() -> Option<ExitCode> {
    const NAME: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(NAME).is_some() {
        return None;
    }
    let mut again = std::process::Command::new(std::env::current_exe().ok()?);
    again.args(std::env::args_os().skip(1)).env(NAME, "1");
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(&mut again);
        eprintln!("note: arithmetic may use all cores, for the program could not start itself again: {error}");
        None
    }
    #[cfg(not(unix))]
    {
        let status = again.status().ok()?;
        Some(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1).into())
    }
}
