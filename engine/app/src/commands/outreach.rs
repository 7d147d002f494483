//! `reframe outreach`: first messages, what may be said in them, and what comes back.

use std::{io::Write, path::PathBuf};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use reframe_outreach::{
    lint::{Channel, Language},
    reply::Route,
};
use reframe_workflow::gate::{Action, Approver};

use super::{
    contact::word,
    run::{Place, line},
    signal::bytes,
};
use crate::{
    exit::Exit,
    workflow::{Asked, Made, Replied, Shown},
};

/// Largest file of facts, in bytes.
const MOST_FACTS: usize = 4 << 20;
/// Largest mail, in bytes.
const MOST_MAIL: usize = 25 << 20;

/// First messages that wait for a person, and the answers to them
///
/// Nothing is sent by any of these: a draft waits in the inbox (`reframe review`), and after a yes every rule is asked again
/// before it goes. What goes by LinkedIn, text or telephone you send yourself: copy, open, send, and say that you did.
#[derive(Debug, clap::Subcommand)]
pub enum OutreachCommand {
    /// Draft the next message to somebody at an account, from the latest feed that shows it
    ///
    /// Exit code 1, with every reason, if there is none.
    Draft(Draft),
    /// List touches by hand that wait for your word
    Cards(Place),
    /// Show a touch by hand again: text, whom to open, what to do. Every rule is asked again first
    ///
    /// Exit code 1, with every reason, if it may not go now.
    Card(Card),
    /// Say that you sent a message by hand, or made the call: that alone puts it on record
    Sent(Sent),
    /// Say that you did not send a message by hand and will not; it may be drafted anew
    Unsent(Unsent),
    /// Take in what is known about an account: statements with their sources, screened
    ///
    /// A JSON list, or one object a line. Exit code 1 if something may not be used; the rest is kept.
    Facts(Facts),
    /// Take in an answer: what it means, who has to see it by when; a wish for no more messages counts at once
    Reply(Reply),
    /// Suppress who a wish came from at the address that messages give for it
    Stop(Stop),
    /// Say whether outreach may start, and what is missing
    Ready(Place),
}

/// `reframe outreach draft`.
#[derive(Debug, clap::Args)]
pub struct Draft {
    /// The account: an id, a domain or a name
    account: String,
    /// Who gets it, by e-mail address, profile or number (default: whom the feed says to begin with)
    #[arg(long, value_name = "PERSON")]
    to: Option<String>,
    /// By what, instead of what the plan says: email, linkedin, sms, call
    #[arg(long, value_parser = word::<Channel>)]
    channel: Option<Channel>,
    /// Language: en, de, fr (default: that of the first pain in the settings)
    #[arg(long, value_parser = language)]
    language: Option<Language>,
    /// Propose a draft in the mailbox, which you send yourself, instead of sending it
    #[arg(long)]
    mailbox_draft: bool,
    #[command(flatten)]
    place: Place,
}

/// `reframe outreach card`.
#[derive(Debug, clap::Args)]
pub struct Card {
    /// Its name, as `reframe outreach draft` gave it
    card: String,
    #[command(flatten)]
    place: Place,
}

/// `reframe outreach sent`.
#[derive(Debug, clap::Args)]
pub struct Sent {
    /// The card's name
    card: String,
    /// Who sent it, for the record
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    /// When, if not just now: 2026-11-23T09:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    place: Place,
}

/// `reframe outreach unsent`.
#[derive(Debug, clap::Args)]
pub struct Unsent {
    /// The card's name
    card: String,
    /// Who says so
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    #[command(flatten)]
    place: Place,
}

/// `reframe outreach facts`.
#[derive(Debug, clap::Args)]
pub struct Facts {
    /// The file; - for standard input
    file: PathBuf,
    /// The account they are about: an id, a domain or a name
    #[arg(long, value_name = "ACCOUNT")]
    account: String,
    #[command(flatten)]
    place: Place,
}

/// `reframe outreach reply`.
#[derive(Debug, clap::Args)]
pub struct Reply {
    /// The mail as it came, with its headers; - for standard input
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// `reframe outreach stop`.
#[derive(Debug, clap::Args)]
pub struct Stop {
    /// What stood at the end of the address
    token: String,
    #[command(flatten)]
    place: Place,
}

fn language(code: &str) -> Result<Language, String> {
    Language::of(code).filter(|l| *l != Language::Japanese).ok_or_else(|| "write en, de or fr".to_owned())
}

/// Runs it.
///
/// # Errors
/// If files, data or the CRM cannot be read.
pub fn run(command: &OutreachCommand) -> anyhow::Result<Exit> {
    match command {
        OutreachCommand::Draft(args) => draft(args),
        OutreachCommand::Cards(place) => cards(place),
        OutreachCommand::Card(args) => match args.place.office()?.show_card(&args.card)? {
            Ok(shown) => show(&shown).map(|()| Exit::Success),
            Err(why) => {
                writeln!(std::io::stdout(), "not now: {why}")?;
                Ok(Exit::Failure)
            }
        },
        OutreachCommand::Sent(args) => sent(args),
        OutreachCommand::Unsent(args) => {
            let name = args.place.office()?.put_card_aside(&args.card, &Approver::person(&args.by)?)?;
            writeln!(std::io::stdout(), "put aside; the message to {name} may be drafted anew")?;
            Ok(Exit::Success)
        }
        OutreachCommand::Facts(args) => facts(args),
        OutreachCommand::Reply(args) => reply(args),
        OutreachCommand::Stop(args) => {
            let address = args.place.office()?.take_stop(&args.token)?;
            writeln!(std::io::stdout(), "{address} is not written to any more")?;
            Ok(Exit::Success)
        }
        OutreachCommand::Ready(place) => ready(place),
    }
}

fn draft(args: &Draft) -> anyhow::Result<Exit> {
    let asked = Asked {
        account: args.account.clone(),
        to: args.to.clone(),
        language: args.language,
        channel: args.channel,
        as_mailbox_draft: args.mailbox_draft,
    };
    let mut out = std::io::stdout();
    let written = match args.place.office()?.draft_touch(&asked)? {
        Ok(Made::Mail(written)) => written,
        Ok(Made::Card(shown)) => {
            show(&shown)?;
            return Ok(Exit::Success);
        }
        Err(why) => {
            writeln!(out, "no draft: {why}")?;
            return Ok(Exit::Failure);
        }
    };
    writeln!(out, "{} from {}", written.draft, written.card)?;
    writeln!(out, "{}", line(&written.proposal))?;
    if let Action::SendMail { mail, .. } | Action::CreateDraft { mail } = &written.proposal.action {
        mail.body.lines().try_for_each(|l| writeln!(out, "  | {l}"))?;
    }
    let sources: Vec<&str> = written.sources.iter().map(String::as_str).collect();
    writeln!(out, "the address is vouched for by {}", sources.join(" and "))?;
    written.warnings.iter().try_for_each(|w| writeln!(out, "note: {w}"))?;
    writeln!(out, "decide about it: reframe review, or the review page of reframe serve")?;
    Ok(Exit::Success)
}

/// A touch by hand: whom to open, what to copy, what to do.
fn show(shown: &Shown) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let Shown { id, nth, name, card, rules } = shown;
    writeln!(out, "{id}: message {nth} to {name}, by {}, by hand", card.channel.as_str())?;
    writeln!(out, "open: {}", card.open)?;
    card.text.lines().try_for_each(|l| writeln!(out, "  | {l}"))?;
    for (nth, step) in (1..).zip(&card.steps) {
        writeln!(out, "{nth}. {step}")?;
    }
    writeln!(out, "then: reframe outreach sent {id} --as NAME, or: reframe outreach unsent {id} --as NAME")?;
    writeln!(out, "it rests on {}; nothing is sent by this program", rules.join(" "))?;
    Ok(())
}

fn cards(place: &Place) -> anyhow::Result<Exit> {
    let waiting = place.office()?.waiting_cards()?;
    let mut out = std::io::stdout();
    if waiting.is_empty() {
        writeln!(out, "no touch by hand waits for your word")?;
    }
    for card in waiting {
        let made = Timestamp::from_millisecond(card.made_unix_ms)?.strftime("%Y-%m-%d %H:%MZ");
        writeln!(out, "{}: message {} to {}, by {}, of {made}", card.id, card.nth, card.name, card.channel.as_str())?;
    }
    Ok(Exit::Success)
}

fn sent(args: &Sent) -> anyhow::Result<Exit> {
    let by = Approver::person(&args.by).context("--as names nobody")?;
    let confirmed = args.place.office()?.confirm_card(&args.card, &by, args.at.map(|at| at.as_millisecond()))?;
    let mut out = std::io::stdout();
    writeln!(out, "on record: you sent the message to {}", confirmed.name)?;
    confirmed.against.iter().try_for_each(|why| writeln!(out, "note: by now it would not go: {why}"))?;
    Ok(Exit::Success)
}

fn facts(args: &Facts) -> anyhow::Result<Exit> {
    let taken = args.place.office()?.take_facts(&bytes(&args.file, MOST_FACTS)?, &args.account)?;
    let mut out = std::io::stdout();
    for (nth, why) in &taken.blocked {
        writeln!(out, "statement {nth} is not kept: {why}")?;
    }
    writeln!(out, "{} statements, {} of them new, {} left out", taken.facts, taken.new, taken.blocked.len())?;
    Ok(if taken.blocked.is_empty() { Exit::Success } else { Exit::Failure })
}

fn reply(args: &Reply) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let Replied { item, address, reading, handling, proposals, suppressed, sequence, notes } =
        office.take_reply(&bytes(&args.file, MOST_MAIL)?)?;
    let mut out = std::io::stdout();
    let sure = reading.confidence * 100.0;
    writeln!(out, "{item} from {address}: {} ({sure:.0} % sure)", reading.class.as_str())?;
    writeln!(out, "{}", handling.why)?;
    match handling.route {
        Route::Person { by_unix_ms } => {
            let zone = office.zone().unwrap_or(TimeZone::UTC);
            let by = Timestamp::from_millisecond(by_unix_ms)?.to_zoned(zone);
            writeln!(out, "a person sees it by {}", by.strftime("%Y-%m-%d %H:%M %Z"))?;
        }
        Route::LowStakes => writeln!(out, "nobody has to hurry")?,
    }
    if suppressed {
        writeln!(out, "{address} is not written to any more, as of now")?;
    }
    if let Some(sequence) = sequence {
        writeln!(out, "the sequence: {sequence}")?;
    }
    proposals.iter().try_for_each(|p| writeln!(out, "proposed: {}", line(p)))?;
    notes.iter().try_for_each(|n| writeln!(out, "note: {n}"))?;
    Ok(Exit::Success)
}

fn ready(place: &Place) -> anyhow::Result<Exit> {
    let preflight = place.office()?.preflight()?;
    let mut out = std::io::stdout();
    for item in preflight.items() {
        let name = serde_json::to_value(item.need)?;
        let name = name.as_str().unwrap_or_default();
        if item.says.is_empty() {
            writeln!(out, "{name}: ready")?;
        } else {
            writeln!(out, "{name}: {}; {}", item.says, item.todo)?;
        }
    }
    Ok(if preflight.cleared().is_ok() { Exit::Success } else { Exit::Failure })
}
