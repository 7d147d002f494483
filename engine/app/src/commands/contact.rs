//! `reframe contact`: who outside may be written to, and what is kept about them.

use std::io::Write;

use anyhow::{Context, bail};
use reframe_call::date::Date;
use reframe_policy::{
    Decision, PersonKey,
    clock::DAY_MS,
    ledger::{Ground, Reason, Subject, What, domain_key},
    rules::{Channel, Purpose, Region},
};
use reframe_workflow::gate::Approver;
use serde::{Serialize, de::DeserializeOwned};

use super::run::Place;
use crate::{exit::Exit, server::admission::now_unix_ms};

/// Who outside may be written to: permit, withdraw, suppress, ask why; all that is kept about somebody
///
/// Nothing is sent by any of these. What they enter is only ever added to, and counts from that moment on, also for what was
/// approved before. People are named by e-mail address, telephone number (+49…) or profile (https://…).
#[derive(Debug, clap::Subcommand)]
pub enum ContactCommand {
    /// Record a permission, or a fact that a law takes for one
    Permit(Permit),
    /// Record that somebody took their permission back; until they give it anew they are not written to
    Withdraw {
        #[command(flatten)]
        who: Who,
        /// Only by this channel: email, linkedin, sms, call, ai_call
        #[arg(long, value_parser = word::<Channel>)]
        channel: Option<Channel>,
        /// How they said so
        #[arg(long)]
        method: String,
    },
    /// Record that somebody, or everybody at a domain (@example.com), is not to be written to
    Suppress {
        #[command(flatten)]
        who: Who,
        /// unsubscribe, objection, complaint, legal, bounce, own
        #[arg(long, value_parser = word::<Reason>, default_value = "unsubscribe")]
        reason: Reason,
        /// By what it came in
        #[arg(long, value_parser = word::<Channel>)]
        channel: Option<Channel>,
        /// Only on that channel; of a bounce, or of a decision of our own
        #[arg(long, requires = "channel")]
        only_there: bool,
    },
    /// Record that somebody wrote or called, so that they may be answered; a sequence to them is over
    Replied {
        #[command(flatten)]
        who: Who,
        /// By what
        #[arg(long, value_parser = word::<Channel>, default_value = "email")]
        channel: Channel,
    },
    /// Record a balancing test (GDPR, article 6(1)(f)) for places, channels and purposes
    Balance(Balance),
    /// Say whether somebody may be reached by a channel for a purpose now, and on what that rests. Exit code 1 if not
    Ask {
        /// E-mail address, telephone number or profile
        person: String,
        /// email, linkedin, sms, call, ai_call
        #[arg(value_parser = word::<Channel>)]
        channel: Channel,
        /// outreach, follow_up, reply
        #[arg(value_parser = word::<Purpose>)]
        purpose: Purpose,
        #[command(flatten)]
        place: Place,
    },
    /// Say why somebody is, or is not, written to, by every channel for every purpose
    Explain {
        /// E-mail address, telephone number or profile
        person: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Print all that is kept about somebody, as JSON: what a person may ask for
    Access {
        #[command(flatten)]
        who: Who,
        /// Other names of theirs
        #[arg(long, value_name = "NAME")]
        also: Vec<String>,
    },
}

/// Whom it is about, and who says so.
#[derive(Debug, clap::Args)]
pub struct Who {
    /// E-mail address, telephone number or profile
    person: String,
    /// Who enters it, or asks for it, for the record
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    #[command(flatten)]
    place: Place,
}

/// `reframe contact permit`.
#[derive(Debug, clap::Args)]
pub struct Permit {
    #[command(flatten)]
    who: Who,
    /// By what they may be reached: email, linkedin, sms, call, ai_call
    #[arg(long, value_parser = word::<Channel>)]
    channel: Channel,
    /// What for: outreach, follow_up, reply
    #[arg(long, value_parser = word::<Purpose>)]
    purpose: Purpose,
    /// What it rests on: express, written, customer, inquiry, published, soft_opt_in, agreed, register_checked
    #[arg(long, value_parser = word::<Ground>)]
    ground: Ground,
    /// How it came about: web form, signed order …
    #[arg(long)]
    method: String,
    /// Where the proof lies; without proof it would not count
    #[arg(long)]
    proof: String,
    /// The day it happened, if not today: of the purchase, of the look into the register
    #[arg(long, value_name = "DAY")]
    on: Option<Date>,
    /// Its last day, if it was given for a time
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
}

/// `reframe contact balance`.
#[derive(Debug, clap::Args)]
pub struct Balance {
    /// Its name, under which it can be read
    test: String,
    /// Countries it speaks of: DE,FR
    #[arg(long, value_delimiter = ',', required = true, value_parser = |code: &str| Region::new(code))]
    regions: Vec<Region>,
    /// Channels
    #[arg(long, value_delimiter = ',', required = true, value_parser = word::<Channel>)]
    channels: Vec<Channel>,
    /// Purposes
    #[arg(long, value_delimiter = ',', required = true, value_parser = word::<Purpose>)]
    purposes: Vec<Purpose>,
    /// It came out against us
    #[arg(long)]
    failed: bool,
    /// Who made it
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    #[command(flatten)]
    place: Place,
}

/// A word of a list, as files and JSON have it.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|e| e.to_string())
}

fn as_word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Runs it.
///
/// # Errors
/// If the data cannot be used, or nobody is named.
pub fn run(command: &ContactCommand) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    match command {
        ContactCommand::Permit(permit) => {
            let at_unix_ms = permit.on.map(begin_of).transpose()?.unwrap_or_else(now_unix_ms);
            if at_unix_ms > now_unix_ms() {
                bail!("--on lies ahead; enter it when it has happened");
            }
            let last = permit.until.map(begin_of).transpose()?;
            let what = What::Permission {
                channel: permit.channel,
                purpose: permit.purpose,
                ground: permit.ground,
                method: filled("--method", &permit.method)?,
                proof: filled("--proof", &permit.proof)?,
                ends_unix_ms: last.map(|day| day.saturating_add(DAY_MS)),
            };
            permit.who.note(what, at_unix_ms)?;
            writeln!(out, "entered; `reframe contact ask` says what follows from it")?;
        }
        ContactCommand::Withdraw { who, channel, method } => {
            let what = What::Withdrawn { channel: *channel, method: filled("--method", method)? };
            who.note(what, now_unix_ms())?;
            let by = channel.map_or_else(|| "any channel".to_owned(), |channel| as_word(&channel));
            writeln!(out, "entered: nothing goes to them by {by} from now on")?;
        }
        ContactCommand::Suppress { who, reason, channel, only_there } => {
            if *reason == Reason::Erasure {
                bail!("to erase somebody: reframe data erase PERSON --as NAME");
            }
            if *only_there && !reason.may_be_narrow() {
                bail!("what a person said is heard on all channels; leave out --only-there");
            }
            who.note_wide(What::Suppressed { reason: *reason, channel: *channel, only_there: *only_there })?;
            let by = channel.filter(|_| *only_there).map_or_else(|| "any channel".to_owned(), |c| as_word(&c));
            writeln!(out, "entered: nothing goes to them by {by} from now on")?;
        }
        ContactCommand::Replied { who, channel } => {
            let by = Approver::person(&who.by)?;
            who.place.office()?.note_answer(&PersonKey::new(&who.person)?, *channel, &by)?;
            writeln!(out, "entered; a sequence to them is over, you go on")?;
        }
        ContactCommand::Balance(balance) => {
            let what = What::BalancingTest {
                test: filled("the test", &balance.test)?,
                regions: balance.regions.iter().cloned().collect(),
                channels: balance.channels.iter().copied().collect(),
                purposes: balance.purposes.iter().copied().collect(),
                passed: !balance.failed,
            };
            let by = Approver::person(&balance.by)?;
            balance.place.office()?.note_contact(Subject::Everybody, what, &by, now_unix_ms())?;
            writeln!(out, "entered")?;
        }
        ContactCommand::Ask { person, channel, purpose, place } => {
            let answer = place.office()?.may_reach(&PersonKey::new(person)?, *channel, *purpose)?;
            writeln!(out, "{}", decision(&answer.decision))?;
            for kill in &answer.kills {
                let until = kill
                    .until_unix_ms
                    .map_or_else(|| "until somebody ends it".to_owned(), |ms| format!("until {}", at(ms)));
                writeln!(out, "  held up: {} ({until})", kill.reason)?;
            }
            let may = answer.decision.is_allowed() && answer.kills.is_empty();
            return Ok(if may { Exit::Success } else { Exit::Failure });
        }
        ContactCommand::Explain { person, json, place } => {
            let explained = place.office()?.explain_contact(&PersonKey::new(person)?)?;
            if *json {
                writeln!(out, "{}", serde_json::to_string_pretty(&explained)?)?;
                return Ok(Exit::Success);
            }
            for view in &explained.decisions {
                let (channel, purpose) = (as_word(&view.channel), as_word(&view.purpose));
                writeln!(out, "{channel:<8} {purpose:<9} {}", decision(&view.decision))?;
            }
            for stop in &explained.standing.stops {
                let by = stop.only_on.map_or_else(|| "all channels".to_owned(), |channel| as_word(&channel));
                writeln!(out, "since {}: {}, on {by}", at(stop.since_unix_ms), stop.in_words())?;
            }
            for permitted in &explained.standing.permissions {
                let (channel, purpose) = (as_word(&permitted.channel), as_word(&permitted.purpose));
                let ground = as_word(&permitted.ground);
                writeln!(out, "since {}: {ground}, {channel} for {purpose}", at(permitted.since_unix_ms))?;
            }
            let (sent, heard) = (explained.standing.touches.len(), explained.standing.replies.len());
            writeln!(out, "{sent} messages to them, {heard} from them\n{}", explained.logic)?;
        }
        ContactCommand::Access { who, also } => {
            let by = Approver::person(&who.by)?;
            let all = who.place.office()?.access_contact(&PersonKey::new(&who.person)?, also, &by)?;
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        }
    }
    Ok(Exit::Success)
}

impl Who {
    /// Enters something about a person.
    fn note(&self, what: What, at_unix_ms: i64) -> anyhow::Result<()> {
        let key = PersonKey::new(&self.person)?;
        self.enter(Subject::Person { key }, what, at_unix_ms)
    }

    /// The same about a person or everybody at a domain.
    fn note_wide(&self, what: What) -> anyhow::Result<()> {
        let Some(domain) = self.person.strip_prefix('@') else { return self.note(what, now_unix_ms()) };
        let domain = domain_key(domain).context("write a domain like @example.com")?;
        self.enter(Subject::Domain { domain }, what, now_unix_ms())
    }

    fn enter(&self, about: Subject, what: What, at_unix_ms: i64) -> anyhow::Result<()> {
        let by = Approver::person(&self.by)?;
        self.place.office()?.note_contact(about, what, &by, at_unix_ms)
    }
}

fn filled(field: &str, text: &str) -> anyhow::Result<String> {
    let text = text.trim();
    if text.is_empty() {
        bail!("{field} is empty; write it out");
    }
    Ok(text.to_owned())
}

fn begin_of(day: Date) -> anyhow::Result<i64> {
    let day: jiff::civil::Date = day.to_string().parse()?;
    Ok(day.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp().as_millisecond())
}

fn at(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| unix_ms.to_string(), |at| at.strftime("%Y-%m-%d %H:%MZ").to_string())
}

/// In a line.
fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Deny { rule, why } => format!("denied: {why} ({rule})"),
        Decision::Allow { basis } => {
            let rests: Vec<&str> = basis.rests_on.iter().map(|rest| rest.fact.in_words()).collect();
            let rules: Vec<&str> = basis.rules.iter().map(String::as_str).collect();
            let needs: Vec<&str> = basis.needs.iter().map(|need| need.in_words()).collect();
            let until = basis.expires_unix_ms.map(|ms| format!(", until {}", at(ms))).unwrap_or_default();
            let (rests, rules, needs) = (rests.join(", "), rules.join(" "), needs.join(", "));
            format!("allowed: {rests} ({rules}; rules {}){until}; it must carry {needs}", basis.rules_version)
        }
    }
}
