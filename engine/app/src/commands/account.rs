//! `reframe account`: an account over the six stages.

use std::io::Write;

use jiff::{Timestamp, tz::TimeZone};
use reframe_funnel::{account, page::AccountsPage};

use super::run::Place;
use crate::{
    exit::Exit,
    workflow::{Accounts, NotFound},
};

/// Show an account over the six stages: times, approvals, and what each thing was made from
///
/// Without a name, all accounts, those with the latest news first. Exit code 1 if there is none of that name, or several.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its name or id, or the id of a deal, call, hand-off or proposal of it
    #[arg(value_name = "NAME|ID")]
    account: Option<String>,
    /// Print the document of the page, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data or the CRM cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let accounts = Accounts::new(args.place.office()?);
    let zone = accounts.zone()?;
    let mut out = std::io::stdout();
    let Some(wanted) = &args.account else {
        let page = accounts.list()?;
        if args.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&page)?)?;
        } else {
            list(&page, &zone, &mut out)?;
        }
        return Ok(Exit::Success);
    };
    match accounts.one(wanted)? {
        Ok((_, page)) if args.json => writeln!(out, "{}", serde_json::to_string_pretty(&page)?)?,
        Ok((state, _)) => write!(out, "{}", account::text(&state, &zone))?,
        Err(NotFound::None(name)) => {
            eprintln!("there is no account `{name}`; `reframe account` lists them");
            return Ok(Exit::Failure);
        }
        Err(NotFound::Several(name, which)) => {
            eprintln!("`{name}` may be any of {which}; name one by its id");
            return Ok(Exit::Failure);
        }
    }
    Ok(Exit::Success)
}

fn list(page: &AccountsPage, zone: &TimeZone, out: &mut impl Write) -> anyhow::Result<()> {
    for account in &page.accounts {
        let at = account.last_unix_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let at =
            at.map_or_else(|| "–".to_owned(), |at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string());
        let stage = account.stage.map_or("–", |stage| stage.title());
        let approval = account.approval.map_or("–", |approval| approval.as_str());
        writeln!(out, "{at:<17} {stage:<12} {approval:<11} {} ({})", account.name, account.id)?;
    }
    if page.accounts.is_empty() {
        writeln!(out, "there is no account yet; the CRM has no company and no deal")?;
    }
    Ok(())
}
