//! All the store and the CRM know about accounts, at one moment, as the funnel takes it.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use reframe_funnel::{
    account::{Account, AccountState},
    fact::{CallKept, Fact, Happened, Step},
    gather::{Collector, by_account},
    huddle::{Flag, Moment, Topic, Turn},
    time_on_task::{Sampling, TimeOnTask},
};
use reframe_workflow::{
    artifact::Kind,
    gate::Action,
    hygiene::Finding,
    outbox::{AuditBook as _, Kept, Listed, Standing, VoidWhy},
    system::{RecordKind, RecordRef},
};

use super::{Office, records::Records};
use crate::workflow::office::call_of;

/// Facts held at once: of 5,000 deals with 100,000 hand-offs there are some 300,000, in about 100 MB.
const MOST_FACTS: usize = 1_500_000;
/// Entries of the audit log read at once.
const AT_ONCE: usize = 10_000;
/// Flags are of use for a quarter ([`reframe_funnel::huddle::judge`]), and a page may be of a day weeks ago.
const FLAGS_MS: i64 = 182 * 86_400_000;

/// Signal cards of the latest day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// The day, `2026-03-02`.
    day: String,
    /// How many.
    pub cards: u64,
    /// Of these, how many cite nothing.
    pub unexplained: u64,
    /// When the last card was made, in ms since 1970-01-01 UTC.
    pub made_unix_ms: Option<i64>,
}

/// What is known at one moment.
pub struct Snapshot {
    /// Number of the audit log's next entry when it was begun.
    pub upto: u64,
    /// When it was begun, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Everything that happened, in order of time.
    pub log: Vec<Fact>,
    /// The accounts.
    pub accounts: Vec<AccountState>,
    /// How long decisions took.
    pub decisions: TimeOnTask,
    /// What reviews flagged in the last half year.
    pub flags: Vec<Flag>,
    /// Deals that were lost or put off.
    pub turns: Vec<Turn>,
    /// Messages that were held back.
    pub kills: Vec<Moment>,
    /// The daily feed.
    pub feed: Feed,
}

/// What is read off the store one after the other.
#[derive(Default)]
struct Reading {
    all: Collector,
    sampling: Sampling,
    /// The deal each call is about.
    deals: BTreeMap<String, RecordRef>,
    /// When the last call about each deal ended.
    last_call: BTreeMap<RecordRef, i64>,
    /// Accounts that signals name, with their names.
    named: BTreeMap<RecordRef, String>,
    /// When a person, or the write that mended it, settled a finding.
    settled: BTreeMap<String, i64>,
    found: Vec<(String, Flag)>,
    kills: Vec<Moment>,
    feed: Feed,
}

impl Snapshot {
    /// Reads it all.
    ///
    /// # Errors
    /// If the store cannot be read, or holds more than fits.
    pub fn read(office: &Office, records: &Records) -> anyhow::Result<Self> {
        let (store, now) = (&office.store, (office.clock)());
        let upto = store.head()?.next;
        let mut reading = Reading::default();
        store.each_proposal(|listed| reading.proposal(&listed))?;
        reading.fits()?;
        store.each_artifact(|kept| reading.artifact(&kept, now))?;
        reading.fits()?;
        let crm = office.systems.crm.name();
        store.each_call(|call| {
            let named = || call.deal.map(|id| RecordRef { system: crm.to_owned(), kind: RecordKind::Deal, id });
            let deal = reading.deals.remove(&call.call).or_else(named);
            let kept = CallKept {
                deal,
                title: call.title,
                started_unix_ms: call.started_unix_ms,
                ended_unix_ms: call.until_unix_ms,
                call: call.call,
            };
            if reading.has_room() {
                if let Some(deal) = &kept.deal {
                    let last = reading.last_call.entry(deal.clone()).or_insert(kept.ended_unix_ms);
                    *last = kept.ended_unix_ms.max(*last);
                }
                reading.all.call(&kept);
            }
        })?;
        reading.fits()?;
        let mut seq = 0;
        loop {
            let page = store.entries_from(seq, AT_ONCE)?;
            let Some(last) = page.last() else { break };
            seq = last.seq + 1;
            page.iter().for_each(|entry| reading.all.entry(entry));
            reading.fits()?;
        }
        let closed = records.closed(&office.rules, now, &reading.last_call);
        closed.iter().for_each(|fact| reading.all.fact(fact.clone()));
        let Reading { all, sampling, named, settled, found, kills, feed, .. } = reading;
        let log = all.finish();
        let voided: BTreeMap<String, i64> = log.iter().filter_map(voided).collect();
        let held_back = |kill: Moment| {
            let at_unix_ms = voided.get(&kill.links[0]).copied().unwrap_or(kill.at_unix_ms);
            Moment { at_unix_ms, ..kill }
        };
        let gathered = by_account(&with(records.accounts(), named), &log);
        let cleared =
            |(finding, flag): (String, Flag)| Flag { cleared_unix_ms: settled.get(&finding).copied(), ..flag };
        Ok(Self {
            upto,
            at_unix_ms: now,
            log,
            accounts: gathered.accounts,
            decisions: sampling.finish(),
            flags: found.into_iter().map(cleared).collect(),
            turns: records.turns(&closed),
            kills: kills.into_iter().map(held_back).collect(),
            feed,
        })
    }
}

/// The proposal whose approval stopped counting, and when.
fn voided(fact: &Fact) -> Option<(String, i64)> {
    match &fact.what {
        Happened::Stepped { proposal, step: Step::Void, .. } => Some((proposal.to_string(), fact.at_unix_ms)),
        _ => None,
    }
}

/// Accounts that only signals name come after those of the CRM.
fn with(mut accounts: Vec<Account>, named: BTreeMap<RecordRef, String>) -> Vec<Account> {
    let known: std::collections::BTreeSet<RecordRef> = accounts.iter().flat_map(|a| a.records.clone()).collect();
    let others = named.into_iter().filter(|(record, _)| !known.contains(record));
    accounts.extend(others.map(|(record, name)| Account { id: record.to_string(), name, records: vec![record] }));
    accounts
}

impl Reading {
    fn has_room(&self) -> bool {
        self.all.len() < MOST_FACTS
    }

    fn fits(&self) -> anyhow::Result<()> {
        if !self.has_room() {
            bail!(
                "the store holds more than {MOST_FACTS} steps of accounts, which is more than the page can take; keep \
                 less of the past in this data folder (`reframe data export` copies it, then begin a new one)"
            );
        }
        Ok(())
    }

    fn proposal(&mut self, listed: &Listed) {
        if !self.has_room() {
            return;
        }
        let proposal = &listed.proposal;
        if let (Some(call), Some(target)) = (call_of(&proposal.batch), proposal.action.target())
            && target.kind == RecordKind::Deal
        {
            self.deals.entry(call.to_owned()).or_insert_with(|| target.clone());
        }
        let over = matches!(listed.standing, Standing::Rejected { .. } | Standing::Done { .. });
        if let (Some(finding), Some(at), true) = (&proposal.finding, listed.decided_unix_ms, over) {
            self.settled.insert(finding.clone(), at);
        }
        if let (Action::SendMail { .. }, Standing::Void { why: VoidWhy::NotCleared { reason } }) =
            (&proposal.action, &listed.standing)
        {
            self.kills.push(Moment {
                at_unix_ms: listed.decided_unix_ms.unwrap_or(proposal.made_unix_ms),
                topic: Topic::Kill,
                links: vec![proposal.id.to_string(), proposal.from.to_string()],
                says: reason.clone(),
            });
        }
        self.sampling.take(listed);
        self.all.proposal(listed);
    }

    fn artifact(&mut self, kept: &Kept, now: i64) {
        if !self.has_room() {
            return;
        }
        let body = &kept.artifact.body;
        match kept.kind {
            Kind::SignalCard => self.signal(kept),
            // A night's: its batch, a digest of the deals, what was found.
            Kind::FieldProposal if now.saturating_sub(kept.at_unix_ms) <= FLAGS_MS => {
                let found = body.get(2).cloned().and_then(|list| serde_json::from_value::<Vec<Finding>>(list).ok());
                for finding in found.into_iter().flatten() {
                    let flag = Flag {
                        deal: finding.deal.clone(),
                        rule: finding.rule.clone(),
                        link: kept.artifact.id.to_string(),
                        raised_unix_ms: kept.at_unix_ms,
                        cleared_unix_ms: None,
                    };
                    self.found.push((finding.identity(), flag));
                }
            }
            _ => {}
        }
        self.all.artifact(kept);
    }

    fn signal(&mut self, kept: &Kept) {
        let body = &kept.artifact.body;
        let text = |name: &str| body.get(name).and_then(|v| v.as_str()).unwrap_or_default();
        let account = body.get("account").cloned().and_then(|v| serde_json::from_value::<RecordRef>(v).ok());
        if let Some(record) = account {
            let name = Some(text("name")).filter(|name| !name.is_empty()).unwrap_or(&record.id).to_owned();
            self.named.insert(record, name);
        }
        let day = text("day");
        if day > self.feed.day.as_str() {
            self.feed = Feed { day: day.to_owned(), made_unix_ms: self.feed.made_unix_ms, ..Feed::default() };
        }
        if day == self.feed.day {
            self.feed.cards += 1;
            let reasons = body.get("reasons").and_then(|v| v.as_array()).map_or(0, Vec::len);
            self.feed.unexplained += u64::from(reasons == 0);
        }
        self.feed.made_unix_ms = self.feed.made_unix_ms.max(Some(kept.at_unix_ms));
    }
}

/// The records, with a word on what to do if they cannot be read.
pub fn records(office: &Office) -> anyhow::Result<Records> {
    let crm = &*office.systems.crm;
    Records::read(crm).with_context(|| {
        format!(
            "accounts are read from {}, and that failed; [workflow] in reframe.toml says how it is reached",
            crm.name()
        )
    })
}
