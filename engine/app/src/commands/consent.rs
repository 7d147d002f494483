//! `reframe consent`: the consent registry, in the data folder or at a running server.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use reframe_consent::{ConsentRecord, Person, Scope};
use reframe_store::{ConsentBook, SqliteLog, SqliteOptions};

use super::{
    data::remove_files,
    http::{Place, escape},
};
use crate::{
    config::Config,
    exit::Exit,
    server::{
        admission::now_unix_ms,
        api::{Found, Stands, Statement, stands},
    },
};

/// Records shown at the most.
const MOST: usize = 1_000;

/// Who agreed to be listened to: list, give, withdraw, why
///
/// Works on the data folder of the settings. With `--server`, asks the running server instead: then calls that run take
/// notice at once. Exit code of `why`: 0 if there is consent, else 1.
#[derive(Debug, clap::Subcommand)]
pub enum ConsentCommand {
    /// Show the records, the latest first
    List(List),
    /// Record that somebody agreed
    Give(Change),
    /// Record that somebody took it back: what they said goes, and what quotes or names them; with --server, also in calls
    /// that run
    Withdraw(Change),
    /// Say how somebody stands to a call, and by which record
    Why(Why),
}

/// Where the registry is.
#[derive(Debug, clap::Args)]
struct Where {
    /// Configuration file (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, instead of data.dir
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Ask this running server instead of the data folder
    #[arg(long, value_name = "http://HOST:PORT")]
    server: Option<Place>,
    /// Environment variable with an admin token for --server
    #[arg(long, value_name = "NAME", default_value = "REFRAME_ADMIN_TOKEN")]
    token_env: String,
}

/// `reframe consent list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only those about this person: an e-mail address or a name
    #[arg(long)]
    person: Option<String>,
    #[command(flatten)]
    registry: Where,
}

/// `reframe consent give` and `reframe consent withdraw`.
#[derive(Debug, clap::Args)]
pub struct Change {
    /// E-mail address; or a name, together with --call
    #[arg(long)]
    person: String,
    /// Only for this call; without, for all calls
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// How: verbal, written, contract, platform ...
    #[arg(long)]
    method: String,
    /// Where the proof lies
    #[arg(long, default_value = "")]
    proof: String,
    /// Where the person was: US-CA, DE
    #[arg(long)]
    jurisdiction: Option<String>,
    #[command(flatten)]
    registry: Where,
}

/// `reframe consent why`.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// E-mail address or name
    #[arg(long)]
    person: String,
    /// The call
    #[arg(long, value_name = "ID")]
    call: String,
    #[command(flatten)]
    registry: Where,
}

/// Runs it.
///
/// # Errors
/// If the registry cannot be reached, or what is to be recorded may not stand in it.
pub fn run(command: &ConsentCommand) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    match command {
        ConsentCommand::List(list) => {
            let person = list.person.as_deref().map(Person::new).transpose()?;
            for record in list.registry.read(person.as_ref(), None)?.records {
                writeln!(out, "{}", line(&record))?;
            }
        }
        ConsentCommand::Give(change) => writeln!(out, "{}", line(&change.write(false)?))?,
        ConsentCommand::Withdraw(change) => writeln!(out, "{}", line(&change.write(true)?))?,
        ConsentCommand::Why(why) => {
            let person = Person::new(&why.person)?;
            let found = why.registry.read(Some(&person), Some(&why.call))?;
            let Stands { is, by } = found.standing.context("the server does not say how the person stands")?;
            writeln!(out, "{is}")?;
            for record in &found.records {
                let mark = if by == Some(record.id) { "*" } else { " " };
                writeln!(out, "{mark} {}", line(record))?;
            }
            return Ok(if is == "given" { Exit::Success } else { Exit::Failure });
        }
    }
    Ok(Exit::Success)
}

impl Where {
    fn token(&self) -> anyhow::Result<String> {
        std::env::var(&self.token_env).with_context(|| {
            format!("{} is not set; put an admin token there: `reframe token mint --kind admin`", self.token_env)
        })
    }

    fn open(&self) -> anyhow::Result<SqliteLog> {
        Ok(self.open_in()?.0)
    }

    /// The registry and the folder it is in.
    fn open_in(&self) -> anyhow::Result<(SqliteLog, PathBuf)> {
        let config = Config::load(self.config.as_deref())?;
        let dir = self.data.clone().unwrap_or(config.data.dir);
        Ok((SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default())?, dir))
    }

    fn read(&self, person: Option<&Person>, call: Option<&str>) -> anyhow::Result<Found> {
        let Some(server) = &self.server else {
            let book = self.open()?;
            let records = match (person, call) {
                (Some(person), Some(call)) => book.consents_about(person, call, MOST)?,
                _ => book.consents(person, MOST)?,
            };
            let standing = person.zip(call).map(|(person, call)| stands(&records, person, call));
            return Ok(Found { records, standing });
        };
        let query: Vec<String> = [("person", person.map(Person::as_str)), ("call", call)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", escape(value?))))
            .collect();
        let answer = server.ask("GET", &format!("/v1/consents?{}", query.join("&")), &self.token()?, None)?;
        serde_json::from_str(&answer).context("the server's answer cannot be read; is it of the same version?")
    }
}

impl Change {
    fn write(&self, withdrawn: bool) -> anyhow::Result<ConsentRecord> {
        let statement = Statement {
            person: self.person.clone(),
            call: self.call.clone(),
            jurisdiction: self.jurisdiction.clone(),
            method: self.method.clone(),
            proof: self.proof.clone(),
            at_unix_ms: None,
        };
        let Some(server) = &self.registry.server else {
            let record = statement.record(withdrawn).map_err(anyhow::Error::msg)?;
            let (book, dir) = self.registry.open_in()?;
            let stored = book.add_consents(&[record])?.pop().context("the registry gave no record back")?;
            if withdrawn {
                erase(&book, &dir)?;
            }
            return Ok(stored);
        };
        let path = if withdrawn { "/v1/consents/withdraw" } else { "/v1/consents" };
        let answer = server.ask("POST", path, &self.registry.token()?, Some(&serde_json::to_string(&statement)?))?;
        serde_json::from_str(&answer).context("the server's answer cannot be read; is it of the same version?")
    }
}

/// Carries withdrawals out in calls that are over, at once. Of those that a server runs, that server does it.
fn erase(book: &SqliteLog, data_dir: &Path) -> anyhow::Result<()> {
    book.carry_out_withdrawals(now_unix_ms())?;
    for (consent, calls) in book.withdrawals_to_finish()? {
        remove_files(data_dir, &calls)?;
        book.withdrawal_finished(consent)?;
    }
    Ok(())
}

/// A record on one line, for people.
fn line(record: &ConsentRecord) -> String {
    let says = &record.says;
    let what = if record.is_withdrawal() { "withdrawn" } else { "given" };
    let scope = match &says.scope {
        Scope::AllCalls => "all calls".to_owned(),
        other => other.to_string(),
    };
    let place = says.jurisdiction.as_deref().unwrap_or("-");
    let at = says.withdrawn_unix_ms.unwrap_or(says.given_unix_ms);
    let proof = if says.proof.is_empty() { String::new() } else { format!("  {}", says.proof) };
    format!("#{}  {}  {what}  {}  {scope}  {place}  {}{proof}", record.id, utc(at), says.person, says.method)
}

/// `2026-11-22 09:15:00Z`.
fn utc(unix_ms: i64) -> String {
    // A time beyond the calendar is a mistake, and shown as it is.
    jiff::Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| format!("{unix_ms} ms"), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_for_people() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00Z"),
            (951_782_400_000, "2000-02-29 00:00:00Z"),
            (1_793_353_500_999, "2026-10-30 09:45:00Z"),
            (i64::MAX, "9223372036854775807 ms"),
        ] {
            assert_eq!(utc(ms), text);
        }
    }
}
