//! `reframe token`: tokens for bots, screens and administrators.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::Context;

use crate::{
    config::Config,
    exit::Exit,
    server::tokens::{Kind, Secret, Tokens, now_unix_s},
};

/// Make tokens for bots, screens and administrators
#[derive(Debug, clap::Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it
    ///
    /// Good for what it is made for and nothing else, until it expires. It needs no server: a server on the same data
    /// folder knows it.
    Mint(Mint),
}

/// `reframe token mint`.
#[derive(Debug, clap::Args)]
pub struct Mint {
    /// What it is for
    #[arg(long, value_enum)]
    kind: Kind,
    /// The one call it is for; without, any call
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// How long it is good: 90s, 30m, 2h, 7d
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = duration)]
    ttl: Duration,
    /// Configuration file (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// If the data folder's secret cannot be read or made, or a token like this would open nothing.
pub fn run(command: &TokenCommand) -> anyhow::Result<Exit> {
    let TokenCommand::Mint(mint) = command;
    match (mint.kind, &mint.call) {
        (Kind::Admin, Some(_)) => anyhow::bail!("an admin token is for the whole server; leave --call out"),
        (Kind::Screen, None) => anyhow::bail!("a screen shows one call; name it with --call"),
        _ => {}
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if mint.call.as_ref().is_some_and(|call| call.is_empty() || call.len() > 64 || !call.chars().all(fine)) {
        anyhow::bail!("--call: 1 to 64 letters, digits, `-`, `_` or `.`");
    }
    let config = Config::load(mint.config.as_deref())?;
    let tokens = Tokens::new(secret(&config)?, None, None);
    let token = tokens.mint(mint.kind, mint.call.as_deref(), now_unix_s() + mint.ttl.as_secs());
    writeln!(std::io::stdout(), "{token}")?;
    Ok(Exit::Success)
}

/// The secret of the settings' data folder.
fn secret(config: &Config) -> anyhow::Result<Secret> {
    let dir = &config.data.dir;
    crate::server::listen::private_folder(dir)
        .with_context(|| format!("the data folder {} cannot be made; set data.dir to one that can", dir.display()))?;
    Secret::load(dir)
}

/// `90s`, `30m`, `2h`, `7d`.
fn duration(text: &str) -> Result<Duration, String> {
    let say = || "write a number and s, m, h or d: 90s, 30m, 2h, 7d; at most 31d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 24 * 3_600,
        _ => return Err(say()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| say())?;
    match number.checked_mul(unit) {
        Some(seconds @ 1..=2_678_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(say()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_an_end() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("31d", 2_678_400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "2", "h", "-1h", "0s", "32d", "1é", "99999999999999999999d"] {
            assert!(duration(bad).unwrap_err().contains("2h"), "{bad}");
        }
    }
}
