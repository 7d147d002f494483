//! `reframe signal`: what happened at accounts, and which of them are worth a person's time today.

use std::{
    io::{Read as _, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use reframe_call::date::Date;
use reframe_signal::{event::SignalKind, icp, import::MOST_BYTES, rank::Why};

use super::run::Place;
use crate::{
    exit::Exit,
    server::admission::now_unix_ms,
    workflow::{About, DayFeed, Explained, Form, Took},
};

/// What happened at accounts, and which of them come first today
///
/// Nothing is sent or written anywhere by any of these. The nightly run makes the feed of each day by itself once
/// workflow.signals.icp names a profile.
#[derive(Debug, clap::Subcommand)]
pub enum SignalCommand {
    /// Take in events: tables, JSON lines, feeds, pasted text (- for standard input)
    ///
    /// What is known already is not taken twice. Exit code 1 if a line was refused; the others are kept.
    Import(Import),
    /// Show the feed of a day; that of today is made and kept, and does not change any more
    Feed(FeedArgs),
    /// Say how an account stands today: its score with all its parts, and why it is in the feed or not
    Explain(Explain),
    /// Check a profile of whom you sell to, print it for people, or print the form of the file
    Icp(IcpArgs),
}

/// `reframe signal import`.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// Files; - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How to read them (default: by their names)
    #[arg(long = "as", value_name = "FORM")]
    form: Option<Form>,
    /// The account that a feed or a text is about: a domain, an id in the CRM, or a name
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// What kind of signal a feed or a text is: new_hire, funding, launch, hiring, news ...
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<SignalKind>,
    #[command(flatten)]
    place: Place,
}

/// `reframe signal feed`.
#[derive(Debug, clap::Args)]
pub struct FeedArgs {
    /// The day (default: today)
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<Date>,
    /// Show at most so many
    #[arg(long, value_name = "N")]
    most: Option<usize>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// `reframe signal explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The account: an id, a domain or a name
    account: String,
    #[command(flatten)]
    place: Place,
}

/// `reframe signal icp`.
#[derive(Debug, clap::Args)]
pub struct IcpArgs {
    /// The profile; - for standard input
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,
    /// Print it for people
    #[arg(long)]
    markdown: bool,
    /// Print the JSON Schema of such files, for editors
    #[arg(long, conflicts_with_all = ["file", "markdown"])]
    schema: bool,
}

fn kind(text: &str) -> Result<SignalKind, String> {
    let known = || SignalKind::ALL.map(SignalKind::as_str).join(", ");
    SignalKind::parse(text).ok_or_else(|| format!("write one of {}", known()))
}

/// Runs it.
///
/// # Errors
/// If files, data or the CRM cannot be read.
pub fn run(command: &SignalCommand) -> anyhow::Result<Exit> {
    match command {
        SignalCommand::Import(args) => import(args),
        SignalCommand::Feed(args) => feed(args),
        SignalCommand::Explain(args) => explain(args),
        SignalCommand::Icp(args) => profile(args),
    }
}

/// The bytes of a file, or of standard input for `-`; at most one more than `most`, so that the reader sees it is too much.
pub(super) fn bytes(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let most = most as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut out).context("standard input cannot be read")?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        file.take(most).read_to_end(&mut out).with_context(|| format!("{} cannot be read", path.display()))?;
    }
    Ok(out)
}

fn import(args: &Import) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let about = About { account: args.account.clone(), kind: args.kind };
    let mut out = std::io::stdout();
    let mut exit = Exit::Success;
    for path in &args.files {
        let named = || path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let Some(form) = args.form.or_else(|| Form::of(path)) else {
            bail!("{}: how to read it cannot be told from its name; say it with --as", path.display());
        };
        let read = bytes(path, MOST_BYTES)?;
        let took = office.take_signals(&read, &named(), form, &about).with_context(|| path.display().to_string())?;
        let Took { events, new, refused, not_ours, problems, more_problems } = &took;
        for problem in problems {
            writeln!(out, "{}:{}: {}", path.display(), problem.line, problem.what)?;
        }
        if *more_problems > 0 {
            writeln!(out, "{}: {more_problems} further problems", path.display())?;
        }
        let ours = if *not_ours > 0 { format!(", {not_ours} about no account on record") } else { String::new() };
        writeln!(out, "{}: {events} events, {new} of them new, {refused} lines refused{ours}", path.display())?;
        if *refused > 0 {
            exit = Exit::Failure;
        }
    }
    Ok(exit)
}

fn feed(args: &FeedArgs) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let day = match args.day {
        Some(day) => day,
        None => office.today()?,
    };
    let mut feed = office.day_feed(day)?;
    feed.cards.truncate(args.most.unwrap_or(usize::MAX));
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&feed)?)?;
        return Ok(Exit::Success);
    }
    show(&feed, &mut out)?;
    Ok(Exit::Success)
}

fn show(feed: &DayFeed, out: &mut impl Write) -> anyhow::Result<()> {
    let DayFeed { day, kept, cards, weights, warnings, strangers, left_out, passed, .. } = feed;
    let made = if *kept { "" } else { "; made now, and not what was shown on that day" };
    writeln!(out, "{day}: {} accounts ({weights}){made}", cards.len())?;
    for (n, (_, card)) in (1..).zip(cards) {
        let milli = card.score.as_ref().map_or(0, |s| s.milli);
        writeln!(out, "\n{n}. {} ({})  {}", card.name, card.account, points(milli))?;
        if let Some(because) = &card.rationale {
            writeln!(out, "   {}", because.text())?;
        }
        if let Some(opening) = &card.opening {
            writeln!(out, "   begin with {} ({}): {}", opening.name, opening.role, opening.reason)?;
        }
        card.warnings.iter().try_for_each(|w| writeln!(out, "   note: {w}"))?;
    }
    writeln!(out)?;
    for removed in left_out {
        writeln!(out, "left out: {} ({}), {}", removed.name, removed.account, because(&removed.why))?;
    }
    writeln!(out, "{passed} accounts have no signal that speaks for them: PASS")?;
    for (who, events) in strangers {
        writeln!(out, "on no record: {who}, {events} events")?;
    }
    warnings.iter().try_for_each(|w| writeln!(out, "note: {w}"))?;
    Ok(())
}

fn because(why: &Why) -> String {
    match why {
        Why::Excluded { rule, reason } => format!("excluded by `{rule}`: {reason}"),
        Why::NoCapacity => "its owner has no room".to_owned(),
        Why::NoFit => "nothing of the profile fits".to_owned(),
        Why::Pass => "no signal speaks for it today (PASS)".to_owned(),
        Why::BeyondCap { place } => format!("place {place}, after the last that is shown"),
    }
}

/// Thousandths as a number with three places.
fn points(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", milli.unsigned_abs() / 1_000, milli.unsigned_abs() % 1_000)
}

fn explain(args: &Explain) -> anyhow::Result<Exit> {
    let explained = args.place.office()?.explain_account(&args.account)?;
    let mut out = std::io::stdout();
    let Explained { day, candidate, signals, place, left_out, weights, warnings } = &explained;
    let (fit, warm, room) = (candidate.judgement.fit_milli, candidate.warmth.milli, candidate.capacity_milli);
    let product = i128::from(fit) * i128::from(warm) * i128::from(room) / 1_000_000;
    let score = points(i64::try_from(product).unwrap_or(i64::MAX));
    writeln!(
        out,
        "{} ({}) on {day}: {score} = {} fit x {} warmth x {} room",
        candidate.name,
        candidate.account,
        points(fit),
        points(warm),
        points(room)
    )?;
    writeln!(out, "fit")?;
    for part in &candidate.judgement.parts {
        writeln!(out, "  {:>8}  {}", points(part.milli), part.rule)?;
    }
    writeln!(out, "warmth ({weights})")?;
    for part in &candidate.warmth.contributions {
        let line = signals.iter().find(|(id, _)| *id == part.event).map_or(part.kind.as_str(), |(_, line)| line);
        let days = part.age_ms / 86_400_000;
        writeln!(out, "  {:>8}  {line} ({days} days old)", points(part.milli))?;
    }
    if candidate.warmth.contributions.is_empty() {
        writeln!(out, "  no signal counts")?;
    }
    for (rule, reason) in &candidate.judgement.excluded {
        writeln!(out, "excluded by `{rule}`: {reason}")?;
    }
    for (rule, reason) in &candidate.judgement.unsure {
        writeln!(out, "nobody knows whether `{rule}` excludes it: {reason}")?;
    }
    match (place, left_out) {
        (Some(place), _) => writeln!(out, "place {place} in the feed of the day")?,
        (None, Some(why)) => writeln!(out, "not in the feed: {}", because(why))?,
        (None, None) => writeln!(out, "a feed made now would show it")?,
    }
    warnings.iter().try_for_each(|w| writeln!(out, "note: {w}"))?;
    Ok(Exit::Success)
}

fn profile(args: &IcpArgs) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    let Some(path) = args.file.as_deref().filter(|_| !args.schema) else {
        writeln!(out, "{}", serde_json::to_string_pretty(&icp::schema())?)?;
        return Ok(Exit::Success);
    };
    match icp::read(&bytes(path, MOST_BYTES)?) {
        Ok(icp) if args.markdown => {
            let today = jiff::Timestamp::from_millisecond(now_unix_ms())?.to_zoned(jiff::tz::TimeZone::UTC).date();
            write!(out, "{}", icp::markdown(&icp, today.to_string().parse()?))?;
            Ok(Exit::Success)
        }
        Ok(icp) => {
            let (fit, intent, out_of) = (icp.fit.len(), icp.intent.len(), icp.exclusion.len());
            writeln!(
                out,
                "\"{}\" version {}: {fit} fit rules, {intent} kinds of signals, {out_of} exclusions; to be looked at again by {}",
                icp.name, icp.version, icp.refresh_by
            )?;
            Ok(Exit::Success)
        }
        Err(error) => {
            writeln!(out, "{}: {error}", path.display())?;
            Ok(Exit::Failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_written_with_three_places() {
        assert_eq!([points(0), points(12_345), points(-7)], ["0.000", "12.345", "-0.007"]);
    }
}
