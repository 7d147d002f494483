//! The daily feed: the few accounts that are worth a person's time today, the same however often it is made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{civil::Time, tz::TimeZone};
use reframe_call::date::Date;
use reframe_workflow::{
    artifact::{Artifact, Claim, Kind, Maker},
    handoff::{SignalCard, SignalOpening, SignalPart, SignalPerson, SignalScore},
    system::RecordRef,
};

use crate::{
    event::{SignalEvent, SignalKind},
    icp::{Firmographics, Icp, NumberField, civil_day},
    identity::{Mention, resolve},
    rank::{Candidate, Capacity, Order, Ranked, Removed, Why, order},
    rationale::{Rationale, rationale},
    stakeholders::{Stakeholder, opening},
    warmth::{Warmth, Weights, warmth},
};

/// Version of these rules; raised when a feed of the same inputs may differ.
pub const VERSION: u32 = 1;
/// Most accounts of one feed, whatever the settings say: more than a team can treat well.
pub const MOST_CARDS: usize = 200;
/// Reasons that stand on a card.
const REASONS: usize = 5;
/// Signals whose parts stand on a card one by one; the rest is summed.
const SHOWN: usize = 20;
/// People on a card; a decision has seven on average, so this is ample.
const PEOPLE: usize = 20;

/// An account as records have it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRecord {
    /// The record.
    pub at: RecordRef,
    /// What it is called.
    pub name: String,
    /// Its domains and pages.
    pub domains: Vec<String>,
    /// Mail addresses of people there.
    pub emails: Vec<String>,
    /// What is known of it.
    pub facts: Firmographics,
    /// Who works on it.
    pub owner: Option<String>,
    /// Who is there ([`crate::stakeholders::stakeholders`]).
    pub people: Vec<Stakeholder>,
}

impl AccountRecord {
    /// The mention under which it is resolved.
    #[must_use]
    pub fn mention(&self) -> Mention {
        Mention {
            key: self.at.to_string(),
            // Ids that events carry are the system's own; with several systems they are written `system/id`.
            id: Some(self.at.id.clone()),
            names: vec![self.name.clone()],
            domains: self.domains.clone(),
            emails: self.emails.clone(),
            country: self.facts.texts.get(&crate::icp::TextField::Country).cloned(),
        }
    }
}

/// All that a feed is made of.
#[derive(Clone, Copy, Debug)]
pub struct FeedInput<'a> {
    /// The day.
    pub day: Date,
    /// The team's zone: the feed knows what had happened when the day began there.
    pub zone: &'a TimeZone,
    /// Accounts.
    pub accounts: &'a [AccountRecord],
    /// Events, in any order, with or without doubles.
    pub events: &'a [SignalEvent],
    /// The profile.
    pub icp: &'a Icp,
    /// What signals count.
    pub weights: &'a Weights,
    /// How busy owners are.
    pub capacity: &'a Capacity,
    /// How many accounts at most; never more than [`MOST_CARDS`].
    pub cap: usize,
}

/// A day's feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// The day.
    pub day: Date,
    /// Cards, the first first.
    pub cards: Vec<Artifact<SignalCard>>,
    /// The order behind the cards, for [`crate::rank::changes`].
    pub order: Order,
    /// Hints of events that belong to no account on record, with how many events each has, the most first: who to add.
    pub strangers: Vec<(String, usize)>,
    /// What a person should know: a stale profile, names that two accounts bear.
    pub warnings: Vec<String>,
}

impl Feed {
    /// Accounts that are not in, with why; those without any signal are [`Why::Pass`].
    #[must_use]
    pub fn removed(&self) -> &[Removed] {
        &self.order.removed
    }

    /// What stands in an account's row: its paragraph, or `PASS`; nothing for an account that is unknown or left out for
    /// another reason.
    #[must_use]
    pub fn row(&self, account: &RecordRef) -> Option<String> {
        let card = self.cards.iter().find(|c| c.body.account == *account);
        let pass = || self.removed().iter().any(|r| r.account == *account && r.why == Why::Pass);
        card.and_then(|c| c.body.rationale.as_ref().map(|r| r.text().to_owned()))
            .or_else(|| pass().then(|| crate::rationale::PASS.to_owned()))
    }
}

/// The first instant of a day in a zone, in ms since 1970-01-01 UTC.
fn begins(day: Date, zone: &TimeZone) -> i64 {
    let first = civil_day(day).to_datetime(Time::midnight());
    zone.to_ambiguous_timestamp(first).compatible().map_or(i64::MAX, |t| t.as_millisecond())
}

/// Makes the feed of a day. The same input gives the same bytes, at whatever hour it is made and in whatever order events
/// come: only what had happened when the day began counts.
#[must_use]
pub fn feed(input: FeedInput<'_>) -> Feed {
    let now = begins(input.day, input.zone);
    let stale: Vec<String> = input.icp.warning(input.day).into_iter().collect();
    let mut accounts: Vec<&AccountRecord> = input.accounts.iter().collect();
    accounts.sort_by(|a, b| a.at.cmp(&b.at));
    accounts.dedup_by(|a, b| a.at == b.at);
    let Assigned { events: of_account, strangers, doubts } = assign(&accounts, input.events);
    let candidates = accounts.iter().enumerate().map(|(i, account)| {
        let events = of_account.get(&i).map_or(&[][..], Vec::as_slice);
        stands(&input, account, events, now)
    });
    let order = order(candidates.collect(), input.cap.min(MOST_CARDS));
    let cards = order.top.iter().filter_map(|ranked| {
        let i = accounts.binary_search_by(|a| a.at.cmp(&ranked.candidate.account)).ok()?;
        let events = of_account.get(&i).map_or(&[][..], Vec::as_slice);
        let card = card(&input, ranked, accounts[i], events, &stale)?;
        Some(Artifact::new(Kind::SignalCard, vec![], Maker::rules("signal", VERSION), card))
    });
    let cards = cards.collect();
    Feed { day: input.day, cards, order, strangers, warnings: [stale, doubts].concat() }
}

fn stands(input: &FeedInput<'_>, account: &AccountRecord, events: &[&SignalEvent], now_unix_ms: i64) -> Candidate {
    Candidate {
        account: account.at.clone(),
        name: account.name.clone(),
        judgement: input.icp.judge(&account.facts),
        warmth: warmth(events.iter().copied(), input.weights, now_unix_ms),
        capacity_milli: input.capacity.of(account.owner.as_deref()),
    }
}

/// How one account stands on the day, whether it is in the feed or not; nothing if it is on no record.
#[must_use]
pub fn candidate(input: &FeedInput<'_>, account: &RecordRef) -> Option<Candidate> {
    let record = input.accounts.iter().find(|a| a.at == *account)?;
    let events = events_of(input.accounts, input.events);
    let events = events.get(account).map_or(&[][..], Vec::as_slice);
    Some(stands(input, record, events, begins(input.day, input.zone)))
}

/// The events of each account on record, in order of time and each once, as the feed counts them.
#[must_use]
pub fn events_of<'a>(
    accounts: &[AccountRecord],
    events: &'a [SignalEvent],
) -> BTreeMap<RecordRef, Vec<&'a SignalEvent>> {
    let mut sorted: Vec<&AccountRecord> = accounts.iter().collect();
    sorted.sort_by(|a, b| a.at.cmp(&b.at));
    sorted.dedup_by(|a, b| a.at == b.at);
    let assigned = assign(&sorted, events);
    assigned.events.into_iter().filter_map(|(i, events)| Some((sorted.get(i)?.at.clone(), events))).collect()
}

/// Which events belong to which account, by its place.
struct Assigned<'a> {
    events: BTreeMap<usize, Vec<&'a SignalEvent>>,
    strangers: Vec<(String, usize)>,
    doubts: Vec<String>,
}

/// Names of one hint that are looked at; more are a fault of the source.
const NAMES: usize = 20;
/// Doubts of one sort that are told.
const DOUBTS: usize = 20;

/// Puts each event to its account: once, though two sources tell it under different names of the account. Of several
/// records of one account the least has the events, and the others are told of.
fn assign<'a>(accounts: &[&AccountRecord], events: &'a [SignalEvent]) -> Assigned<'a> {
    let mut hints: BTreeMap<String, Mention> = BTreeMap::new();
    let mut keys: Vec<String> = Vec::with_capacity(events.len());
    for event in events {
        let key = format!("event {}", event.account.key());
        let fresh = || Mention { key: key.clone(), ..Mention::of_hint(&event.account) };
        let hint = hints.entry(key.clone()).or_insert_with(fresh);
        if let Some(name) = &event.account.name
            && hint.names.len() < NAMES
            && !hint.names.contains(name)
        {
            hint.names.push(name.clone());
        }
        keys.push(key);
    }
    let systems: BTreeSet<&str> = accounts.iter().map(|a| a.at.system.as_str()).collect();
    let mention = |account: &&AccountRecord| {
        let mut mention = account.mention();
        if systems.len() > 1 {
            // Two systems may give the same id to different accounts.
            mention.id = Some(format!("{}/{}", account.at.system, account.at.id));
        }
        mention
    };
    let records: Vec<Mention> = accounts.iter().map(mention).collect();
    let identities = resolve(&records.iter().cloned().chain(hints.into_values()).collect::<Vec<_>>());
    let mut doubts: Vec<String> = Vec::new();
    for (name, of) in identities.doubtful.iter().take(DOUBTS) {
        doubts.push(format!("events of \"{name}\" may be of {}: say which", of.join(" or ")));
    }
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    let mut twice = 0;
    for (i, record) in records.iter().enumerate() {
        let Some(account) = identities.account(&record.key) else { continue };
        let first = *place.entry(&account.key).or_insert(i);
        if first != i {
            twice += 1;
            if twice <= DOUBTS {
                doubts.push(format!(
                    "{} and {} seem to be one account: merge them in the CRM",
                    records[first].key, record.key
                ));
            }
        }
    }
    let mut out: BTreeMap<usize, Vec<&'a SignalEvent>> = BTreeMap::new();
    let mut strange: BTreeMap<String, usize> = BTreeMap::new();
    for (event, key) in events.iter().zip(&keys) {
        match identities.account(key).and_then(|a| place.get(a.key.as_str())) {
            Some(i) => out.entry(*i).or_default().push(event),
            None => *strange.entry(event.account.key()).or_default() += 1,
        }
    }
    for events in out.values_mut() {
        events.sort_by(|a, b| (a.at_unix_ms, &a.id, &a.source).cmp(&(b.at_unix_ms, &b.id, &b.source)));
        let mut seen: BTreeSet<(SignalKind, i64, String)> = BTreeSet::new();
        events.retain(|e| seen.insert((e.kind, e.day(), e.plain())));
    }
    let mut strangers: Vec<(String, usize)> = strange.into_iter().collect();
    strangers.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    strangers.truncate(100);
    Assigned { events: out, strangers, doubts }
}

fn card(
    input: &FeedInput<'_>,
    ranked: &Ranked,
    account: &AccountRecord,
    events: &[&SignalEvent],
    warnings: &[String],
) -> Option<SignalCard> {
    let Candidate { judgement, warmth, capacity_milli, .. } = &ranked.candidate;
    let by_id: BTreeMap<&str, &SignalEvent> = events.iter().map(|e| (e.id.as_str(), *e)).collect();
    let Rationale::Because(because) = rationale(&account.name, warmth, judgement, &by_id) else { return None };
    let reasons = warmth.contributions.iter().filter(|c| c.milli > 0).take(REASONS).filter_map(|c| {
        let event = by_id.get(c.event.as_str())?;
        Claim::new(format!("{}: {}", c.kind.words(), event.line()), vec![event.evidence()], 1.0).ok()
    });
    let mut warnings = warnings.to_vec();
    for (rule, reason) in &judgement.unsure {
        warnings
            .push(format!("nobody knows whether exclusion `{rule}` holds ({reason}): look before anything goes out"));
    }
    let employees = account.facts.numbers.get(&NumberField::Employees).copied();
    let opening = opening(&account.people, employees).map(|o| SignalOpening {
        name: o.name,
        role: o.role.as_str().to_owned(),
        reason: o.reason,
    });
    Some(SignalCard {
        account: account.at.clone(),
        day: input.day,
        reasons: reasons.collect(),
        name: account.name.clone(),
        rationale: Some(because),
        score: Some(SignalScore {
            milli: ranked.milli,
            fit_milli: judgement.fit_milli,
            warmth_milli: warmth.milli,
            capacity_milli: *capacity_milli,
            fit: judgement.parts.iter().map(|p| SignalPart { what: p.rule.clone(), milli: p.milli }).collect(),
            warmth: shown(warmth),
            weights: input.weights.basis.to_string(),
        }),
        people: account.people.iter().take(PEOPLE).map(person).collect(),
        opening,
        warnings,
    })
}

/// The parts of the warmth, the lightest summed into one so that all still add up.
fn shown(warmth: &Warmth) -> Vec<SignalPart> {
    let mut parts: Vec<SignalPart> =
        warmth.contributions.iter().take(SHOWN).map(|c| SignalPart { what: c.event.clone(), milli: c.milli }).collect();
    let rest: i64 = warmth.contributions.iter().skip(SHOWN).map(|c| c.milli).sum();
    if warmth.contributions.len() > SHOWN {
        parts.push(SignalPart { what: "other signals".into(), milli: rest });
    }
    parts
}

fn person(p: &Stakeholder) -> SignalPerson {
    let unnamed = || format!("(spoken of: {})", p.title.as_deref().unwrap_or("somebody"));
    SignalPerson {
        name: p.name.clone().unwrap_or_else(unnamed),
        title: p.title.clone(),
        role: p.role.as_str().to_owned(),
        confidence: p.confidence,
        because: p.because.clone(),
    }
}

#[cfg(test)]
mod tests;
