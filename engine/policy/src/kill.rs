//! Reasons not to write to an account now, whatever the law allows: each with what it is and when it ends.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{DAY_MS, civil_of, day_of, start_of},
    ledger::Touch,
    rules::Purpose,
};

/// Days of an industry or of one account in which nobody is written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietPeriod {
    /// Its name, for people: `quarter-end reporting`.
    pub name: String,
    /// Industries, as accounts name theirs, in letters of any case.
    #[serde(default)]
    pub industries: BTreeSet<String>,
    /// Accounts, by their id.
    #[serde(default)]
    pub accounts: BTreeSet<String>,
    /// Its first day: `2026-12-21`, or `12-21` of every year.
    pub from: String,
    /// Its last day.
    pub to: String,
    /// Where this comes from.
    pub source: String,
}

/// A file of quiet periods that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quiet periods: {0}")]
pub struct BadQuiet(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietFile {
    #[serde(default)]
    quiet: Vec<QuietPeriod>,
}

/// First and last day of a period, as the file names them.
enum Span {
    Dated(Date, Date),
    Yearly((u8, u8), (u8, u8)),
}

fn yearly(text: &str) -> Option<(u8, u8)> {
    // A leap year, so that the 29th of February may be named.
    let day: jiff::civil::Date = format!("2024-{text}").parse().ok()?;
    (text.len() == 5).then_some((u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?))
}

impl QuietPeriod {
    fn span(&self) -> Option<Span> {
        if let Some((from, to)) = yearly(&self.from).zip(yearly(&self.to)) {
            return Some(Span::Yearly(from, to));
        }
        let dated = self.from.parse().ok().zip(self.to.parse().ok());
        dated.filter(|(from, to)| from <= to).map(|(from, to)| Span::Dated(from, to))
    }

    /// When it ends if it is on at an instant, by the days of a zone.
    fn ends(&self, zone: &TimeZone, now_unix_ms: i64) -> Option<i64> {
        let today = day_of(zone, now_unix_ms);
        let last = match self.span()? {
            Span::Dated(from, to) => {
                let (from, to) = (civil_of(&from), civil_of(&to));
                (from <= today && today <= to).then_some(to)?
            }
            Span::Yearly(from, to) => {
                let now = (u8::try_from(today.month()).ok()?, u8::try_from(today.day()).ok()?);
                let over_new_year = from > to;
                let on = if over_new_year { from <= now || now <= to } else { from <= now && now <= to };
                let year = today.year() + i16::from(on && over_new_year && now >= from);
                let month = i8::try_from(to.0).ok()?;
                // The 29th of February of a year that has none is its 28th.
                let end = |day: u8| jiff::civil::Date::new(year, month, i8::try_from(day).ok()?).ok();
                on.then(|| end(to.1).or_else(|| end(to.1 - 1)))??
            }
        };
        Some(start_of(zone, last.tomorrow().ok()?))
    }
}

/// Reads a file of quiet periods: `[[quiet]]` tables.
///
/// # Errors
/// [`BadQuiet`] with the line, or the period that cannot be.
pub fn read_quiet(text: &str) -> Result<Vec<QuietPeriod>, BadQuiet> {
    let file: QuietFile = toml::from_str(text).map_err(|e| BadQuiet(e.to_string()))?;
    for period in &file.quiet {
        let problem = if period.span().is_none() {
            "write `from` and `to` as two days in order (2026-12-21) or two days of every year (12-21)"
        } else if period.industries.is_empty() && period.accounts.is_empty() {
            "name industries or accounts; a period of nobody keeps nothing quiet"
        } else {
            continue;
        };
        return Err(BadQuiet(format!("`{}`: {problem}", period.name)));
    }
    Ok(file.quiet)
}

/// The quiet periods this program carries: an example of each kind, to be replaced by your own.
#[must_use]
pub fn shipped_quiet() -> Vec<QuietPeriod> {
    read_quiet(include_str!("../assets/quiet.toml")).expect("a test reads the periods that ship")
}

/// How long things keep an account quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KillSettings {
    /// Days after somebody of the account unsubscribed in which nobody there is written to unasked.
    pub account_unsubscribe_days: u32,
    /// Days after a message to the contact, by any channel, in which no other goes to them unasked.
    pub touch_days: u32,
    /// Days after a message to anybody of the account in which no other goes there unasked.
    pub account_touch_days: u32,
    /// Messages without an answer after which it is enough.
    pub unanswered: u32,
    /// Days for which a soft no is heard.
    pub soft_no_days: u32,
}

impl Default for KillSettings {
    /// 90 days after an unsubscribe, 3 between messages to one person, 1 to one account, three messages without an answer
    /// (the playbook's number), then 90 days of quiet. The days are our own choice.
    fn default() -> Self {
        Self { account_unsubscribe_days: 90, touch_days: 3, account_touch_days: 1, unanswered: 3, soft_no_days: 90 }
    }
}

/// The account a message goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its id in the system of record.
    pub id: String,
    /// Its industries, as the system of record names them.
    pub industries: BTreeSet<String>,
    /// Where its days are meant: an IANA zone; UTC if nobody knows.
    pub zone: Option<String>,
}

/// What was sent to the contact and what they said, by all their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// Messages to them.
    pub touches: Vec<Touch>,
    /// When they wrote, in ms since 1970-01-01 UTC.
    pub replies_unix_ms: Vec<i64>,
    /// Soft no's of theirs: "slow down", a brief thanks.
    pub soft_nos: Vec<SoftNo>,
    /// Why the sequence a message belongs to lets it go no more, without names of people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_over: Option<String>,
}

/// A no that was not said as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SoftNo {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What it was, in a word or two: `asked to slow down`.
    pub what: String,
}

/// A stretch of time, with an end if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// When it begins, in ms since 1970-01-01 UTC.
    pub from_unix_ms: i64,
    /// When it ends; nothing: it goes on.
    pub to_unix_ms: Option<i64>,
}

impl Stretch {
    fn is_on(&self, now: i64) -> bool {
        self.from_unix_ms <= now && self.to_unix_ms.is_none_or(|to| now < to)
    }
}

/// All that is known of the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// What the message is for. Answers and follow-ups are not held up by what only speaks against writing unasked.
    pub purpose: Purpose,
    /// Quiet periods.
    pub quiet: Vec<QuietPeriod>,
    /// Deals of the account that are open.
    pub open_deals: u32,
    /// Disputes with the account.
    pub disputes: Vec<Stretch>,
    /// When people of the account unsubscribed, in ms since 1970-01-01 UTC.
    pub account_unsubscribes_unix_ms: Vec<i64>,
    /// When messages went to anybody of the account.
    pub account_touches_unix_ms: Vec<i64>,
    /// When our own product is down, or was announced to be.
    pub outages: Vec<Stretch>,
    /// How long things keep an account quiet.
    pub settings: KillSettings,
}

impl Facts {
    /// Nothing known that speaks against it; for outreach.
    #[must_use]
    pub fn none(purpose: Purpose) -> Self {
        Self {
            purpose,
            quiet: vec![],
            open_deals: 0,
            disputes: vec![],
            account_unsubscribes_unix_ms: vec![],
            account_touches_unix_ms: vec![],
            outages: vec![],
            settings: KillSettings::default(),
        }
    }
}

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KillKind {
    /// Their industry is in a quiet period.
    QuietPeriod,
    /// A deal with them is open.
    ActiveDeal,
    /// There is a dispute with them.
    LegalDispute,
    /// Somebody there unsubscribed lately.
    RecentUnsubscribe,
    /// They were written to lately.
    TouchedLately,
    /// Our own product is down.
    OwnOutage,
    /// They said no without saying it.
    SoftNo,
    /// The sequence it belongs to has ended, or waits for another message.
    SequenceOver,
}

/// A reason not to write now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kill {
    /// What kind.
    pub kind: KillKind,
    /// In words, without names of people.
    pub reason: String,
    /// When it ends, in ms since 1970-01-01 UTC; nothing: when somebody ends it.
    pub until_unix_ms: Option<i64>,
}

/// Every reason not to write to this contact of this account now, in ms since 1970-01-01 UTC. Asked when a message is drafted
/// and again when it is sent.
#[must_use]
pub fn evaluate(account: &Account, contact: &Contact, now_unix_ms: i64, facts: &Facts) -> Vec<Kill> {
    let now = now_unix_ms;
    let mut kills = Vec::new();
    let mut kill = |kind, reason: String, until_unix_ms| kills.push(Kill { kind, reason, until_unix_ms });
    for dispute in facts.disputes.iter().filter(|d| d.is_on(now)) {
        kill(KillKind::LegalDispute, "there is a legal dispute with the account".to_owned(), dispute.to_unix_ms);
    }
    for outage in facts.outages.iter().filter(|o| o.is_on(now)) {
        kill(KillKind::OwnOutage, "our own product is down".to_owned(), outage.to_unix_ms);
    }
    // Only messages of a sequence have one, whatever they are taken for.
    if let Some(why) = &contact.sequence_over {
        kill(KillKind::SequenceOver, why.clone(), None);
    }
    if facts.purpose != Purpose::Outreach {
        return kills;
    }
    let zone = account.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    for period in &facts.quiet {
        let named = |name: &String| account.industries.iter().any(|i| i.to_lowercase() == name.to_lowercase());
        let concerned = period.accounts.contains(&account.id) || period.industries.iter().any(named);
        if let Some(end) = period.ends(&zone, now).filter(|_| concerned) {
            kill(KillKind::QuietPeriod, format!("quiet period: {}", period.name), Some(end));
        }
    }
    if facts.open_deals > 0 {
        kill(KillKind::ActiveDeal, "the account is in an active deal".to_owned(), None);
    }
    let after = |at: i64, days: u32| Some(at.saturating_add(i64::from(days) * DAY_MS)).filter(|end| now < *end);
    let settings = facts.settings;
    // What lies ahead by its clock counts as well: it was written down before.
    let last = |times: &mut dyn Iterator<Item = i64>, days: u32| times.filter_map(|at| after(at, days)).max();
    let unsubscribes = &mut facts.account_unsubscribes_unix_ms.iter().copied();
    if let Some(end) = last(unsubscribes, settings.account_unsubscribe_days) {
        let days = settings.account_unsubscribe_days;
        kill(KillKind::RecentUnsubscribe, format!("somebody there unsubscribed within {days} days"), Some(end));
    }
    if let Some(end) = last(&mut contact.touches.iter().map(|t| t.at_unix_ms), settings.touch_days) {
        let reason = format!("they were written to within {} days", settings.touch_days);
        kill(KillKind::TouchedLately, reason, Some(end));
    }
    let touches = &mut facts.account_touches_unix_ms.iter().copied();
    if let Some(end) = last(touches, settings.account_touch_days) {
        let reason = format!("the account was written to within {} days", settings.account_touch_days);
        kill(KillKind::TouchedLately, reason, Some(end));
    }
    for no in &contact.soft_nos {
        if let Some(end) = after(no.at_unix_ms, settings.soft_no_days) {
            kill(KillKind::SoftNo, format!("soft no: {}", no.what), Some(end));
        }
    }
    let answered = contact.replies_unix_ms.iter().copied().max();
    let open = || contact.touches.iter().map(|t| t.at_unix_ms).filter(|at| answered.is_none_or(|a| *at > a));
    let most = usize::try_from(settings.unanswered).unwrap_or(usize::MAX);
    let enough = settings.unanswered > 0 && open().count() >= most;
    if let Some(end) = last(&mut open(), settings.soft_no_days).filter(|_| enough) {
        kill(KillKind::SoftNo, format!("no answer after {} messages", open().count()), Some(end));
    }
    kills
}

#[cfg(test)]
mod tests;
