//! Whether a person may be reached, by what, for what: the rules of every place they are known to be in, all of them.

use std::collections::BTreeSet;

use reframe_call::date::Date;
use reframe_workflow::artifact::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{DAY_MS, months_after, stamp},
    ledger::{Ground, PersonKey, Standing},
    rules::{Channel, Fact, Need, Purpose, Region, Rule, Rules},
};

/// Whose the address is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subscriber {
    /// A company's.
    Corporate,
    /// A private person's, a sole trader's or a simple partnership's.
    Individual,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// A person as the rules see them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    /// All keys they are known under: addresses, numbers, profiles.
    pub keys: Vec<PersonKey>,
    /// Every place they are known to be in, by address, number or profile. None: they are not reached.
    pub regions: BTreeSet<Region>,
    /// Whose the address is.
    pub subscriber: Subscriber,
    /// What is in force for them, by all their keys.
    pub standing: Standing,
}

/// One fact a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rest {
    /// The rule that asks for it.
    pub rule: String,
    /// What it is.
    pub fact: Fact,
    /// The entry of the ledger it is in; nothing: it is not one entry's.
    pub entry: Option<u64>,
    /// Until when it counts, in ms since 1970-01-01 UTC.
    pub until_unix_ms: Option<i64>,
}

/// What a message rests on: kept with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// The laws that were asked.
    pub regimes: BTreeSet<String>,
    /// The rules that applied, all of them.
    pub rules: BTreeSet<String>,
    /// Version of the file of rules.
    pub rules_version: u32,
    /// Digest of the file.
    pub rules_digest: Digest,
    /// The facts that made it lawful by these rules.
    pub rests_on: Vec<Rest>,
    /// What the message must carry.
    pub needs: BTreeSet<Need>,
    /// The first moment at which one of the facts no longer counts, in ms since 1970-01-01 UTC.
    pub expires_unix_ms: Option<i64>,
}

/// Whether a person may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Decision {
    /// They may.
    Allow {
        /// On what that rests, and what the message must carry.
        basis: Box<Basis>,
    },
    /// They may not.
    Deny {
        /// The rule that says so; `default.…` and `suppression` are not in the file.
        rule: String,
        /// Why, without names of people.
        why: String,
    },
}

impl Decision {
    /// Whether they may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }
}

/// A fact that holds.
struct Held {
    entry: Option<u64>,
    until: Option<i64>,
}

fn deny(rule: &str, why: impl Into<String>) -> Decision {
    Decision::Deny { rule: rule.to_owned(), why: why.into() }
}

/// Whether a person may be reached by this channel for this purpose now, in ms since 1970-01-01 UTC. Refused unless every rule
/// of every place they are in holds, and each place has at least one that allows.
#[must_use]
pub fn policy(rules: &Rules, to: &Recipient, channel: Channel, purpose: Purpose, now_unix_ms: i64) -> Decision {
    if let Some(stop) = to.standing.stop_on(channel) {
        return deny("suppression", stop.in_words());
    }
    if to.standing.erased {
        return deny("suppression", "they asked to be forgotten");
    }
    if to.regions.is_empty() {
        return deny("default.region", "nobody knows where they are; enter their country");
    }
    let today = today(now_unix_ms);
    let mut basis = Basis {
        regimes: BTreeSet::new(),
        rules: BTreeSet::new(),
        rules_version: rules.version(),
        rules_digest: rules.digest().clone(),
        rests_on: Vec::new(),
        needs: BTreeSet::new(),
        expires_unix_ms: None,
    };
    for region in &to.regions {
        if !rules.knows(region) {
            return deny("default.region", format!("the rules do not speak of {region}"));
        }
        let mut allows = false;
        for rule in rules.applying(region, channel, purpose, today) {
            if let Err(why) = hold(rules, rule, to, region, (channel, purpose), now_unix_ms, &mut basis) {
                return deny(&rule.id, why);
            }
            allows |= !rule.requires.any_of.is_empty();
            basis.needs.extend(rules.needs(rule, region));
        }
        if !allows {
            return deny("default.uncovered", format!("no rule allows this channel for this purpose in {region}"));
        }
        if rules.always_discloses(region) {
            basis.needs.insert(Need::AiDisclosure);
        }
    }
    basis.expires_unix_ms = basis.rests_on.iter().filter_map(|rest| rest.until_unix_ms).min();
    Decision::Allow { basis: Box::new(basis) }
}

/// The channels by which a person may be reached for a purpose now: the list of tools that a draft may choose from.
#[must_use]
pub fn allowed_channels(rules: &Rules, to: &Recipient, purpose: Purpose, now_unix_ms: i64) -> Vec<Channel> {
    let may = |channel: &Channel| policy(rules, to, *channel, purpose, now_unix_ms).is_allowed();
    Channel::ALL.into_iter().filter(may).collect()
}

/// The day by UTC.
fn today(now_unix_ms: i64) -> Date {
    let day = stamp(now_unix_ms).to_zoned(jiff::tz::TimeZone::UTC).date();
    let parts = (u16::try_from(day.year()), u8::try_from(day.month()), u8::try_from(day.day()));
    let (Ok(year), Ok(month), Ok(day)) = parts else { return first_day() };
    Date::new(year, month, day).unwrap_or_else(first_day)
}

/// For times before all calendars: no rule that begins on a day holds yet.
fn first_day() -> Date {
    Date::new(1, 1, 1).expect("the calendar begins with it")
}

fn hold(
    rules: &Rules,
    rule: &Rule,
    to: &Recipient,
    region: &Region,
    what: (Channel, Purpose),
    now: i64,
    basis: &mut Basis,
) -> Result<(), String> {
    let held = |fact: Fact| holds(rules, fact, to, region, what, now);
    let rest = |fact, held: Held| Rest { rule: rule.id.clone(), fact, entry: held.entry, until_unix_ms: held.until };
    for fact in &rule.requires.all_of {
        let held = held(*fact).ok_or_else(|| format!("{} asks for {}", rule.regime, words([*fact])))?;
        basis.rests_on.push(rest(*fact, held));
    }
    if !rule.requires.any_of.is_empty() {
        // The one that counts longest: the basis ends when the last of them does.
        let found = rule.requires.any_of.iter().filter_map(|fact| Some((*fact, held(*fact)?)));
        let best = found.max_by_key(|(_, held)| held.until.unwrap_or(i64::MAX));
        let (fact, held) = best.ok_or_else(|| {
            format!("{} asks for {}; none is on record", rule.regime, words(rule.requires.any_of.iter().copied()))
        })?;
        basis.rests_on.push(rest(fact, held));
    }
    basis.regimes.insert(rule.regime.clone());
    basis.rules.insert(rule.id.clone());
    Ok(())
}

fn words(facts: impl IntoIterator<Item = Fact>) -> String {
    let words: Vec<&str> = facts.into_iter().map(Fact::in_words).collect();
    words.join(", or ")
}

impl Fact {
    /// In words, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NoOptOut => "no opt-out",
            Self::ExpressConsent => "express consent",
            Self::WrittenConsent => "written consent",
            Self::ExistingCustomer => "a purchase or contract",
            Self::RecentInquiry => "an inquiry of theirs",
            Self::PublishedAddress => "an address published for their role",
            Self::SoftOptIn => "a customer's address given with notice of the right to object",
            Self::BalancingTest => "a balancing test that came out for us",
            Self::CorporateSubscriber => "an address of a company",
            Self::TheyWrote => "a message of theirs",
            Self::AgreedContact => "an agreement in a conversation",
            Self::RegisterChecked => "a look into the do-not-call register",
            Self::NoProfilingOptOut => "no objection to profiling",
        }
    }
}

/// Whether a fact is on record and counts now.
fn holds(
    rules: &Rules,
    fact: Fact,
    to: &Recipient,
    region: &Region,
    (channel, purpose): (Channel, Purpose),
    now: i64,
) -> Option<Held> {
    let terms = rules.terms();
    let months = |n: u32| move |at: i64| Some(months_after(at, n));
    let days = |n: u32| move |at: i64| Some(at.saturating_add(i64::from(n) * DAY_MS));
    let plain = |yes: bool| yes.then_some(Held { entry: None, until: None });
    let by = |grounds: &[Ground], term: &dyn Fn(i64) -> Option<i64>| {
        let fits = to.standing.permissions.iter().filter(|p| {
            // A purchase, an inquiry or a look into a register is of the person, not of a channel or purpose; a yes is.
            let whole = matches!(p.ground, Ground::Customer | Ground::Inquiry | Ground::RegisterChecked);
            grounds.contains(&p.ground) && (whole || (p.channel == channel && p.purpose == purpose))
        });
        let held = fits.map(|p| {
            let until = [p.ends_unix_ms, term(p.since_unix_ms)].into_iter().flatten().min();
            Held { entry: Some(p.entry), until }
        });
        held.filter(|h| h.until.is_none_or(|until| now < until)).max_by_key(|h| h.until.unwrap_or(i64::MAX))
    };
    let never = |_: i64| None;
    match fact {
        // Suppressions are refused before any rule is read.
        Fact::NoOptOut => plain(true),
        Fact::NoProfilingOptOut => plain(!to.standing.profiling_opt_out),
        Fact::CorporateSubscriber => plain(to.subscriber == Subscriber::Corporate),
        Fact::ExpressConsent => by(&[Ground::Express, Ground::Written], &never),
        Fact::WrittenConsent => by(&[Ground::Written], &never),
        Fact::ExistingCustomer => by(&[Ground::Customer], &months(terms.existing_customer_months)),
        Fact::RecentInquiry => by(&[Ground::Inquiry], &months(terms.recent_inquiry_months)),
        Fact::PublishedAddress => by(&[Ground::Published], &months(terms.published_address_months)),
        Fact::SoftOptIn => by(&[Ground::SoftOptIn], &never),
        Fact::AgreedContact => by(&[Ground::Agreed], &days(terms.agreed_contact_days)),
        Fact::RegisterChecked => by(&[Ground::RegisterChecked], &days(terms.register_checked_days)),
        Fact::TheyWrote => {
            let last = to.standing.replies.iter().map(|(at, _)| *at).filter(|at| *at <= now).max()?;
            let until = days(terms.they_wrote_days)(last);
            until.is_some_and(|until| now < until).then_some(Held { entry: None, until })
        }
        Fact::BalancingTest => {
            // The last word on this place, channel and purpose counts; a test that fails ends those before it.
            let speaks = |regions: &BTreeSet<Region>| regions.contains(region) || regions.contains(&region.whole());
            let mut about = to
                .standing
                .balanced
                .iter()
                .filter(|b| speaks(&b.regions) && b.channels.contains(&channel) && b.purposes.contains(&purpose));
            let last = about.next_back().filter(|b| b.passed)?;
            let until = months_after(last.at_unix_ms, terms.balancing_test_months);
            (now < until).then_some(Held { entry: Some(last.entry), until: Some(until) })
        }
    }
}

#[cfg(test)]
mod tests;
