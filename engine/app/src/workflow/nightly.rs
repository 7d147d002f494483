//! The night's look through all deals: every finding a proposal, each of them once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use jiff::Timestamp;
use reframe_call::date::Date;
use reframe_store::ConsentBook as _;
use reframe_workflow::{
    artifact::{Artifact, Digest, Evidence, Kind, Maker, canonical},
    audit::Actor,
    gate::Proposal,
    hygiene::{
        self, BuyerActivity, CallDigest, CloseDateChange, DealView, Finding, History, PastDeal, Rebased, StageChange,
        field,
    },
    outbox::{AuditBook as _, Inbox as _, Listed},
    system::{Listing, Record, RecordKind, RecordRef},
};

use super::{
    before::{Before, NotesOf, wish},
    office::Office,
    unchanged::TRIES,
};

/// What a night came to.
#[derive(Debug, Default)]
pub struct Night {
    /// Name of the batch.
    pub batch: String,
    /// Deals looked at.
    pub deals: usize,
    /// What was found in them.
    pub findings: Vec<Finding>,
    /// How many of these are new to the inbox.
    pub new: usize,
    /// Proposals that make no sense any more, with the reason.
    pub void: usize,
}

/// Proposals of a night that one batch takes: what a person looks through in one go, and a page paints at once.
const IN_PART: usize = 100;

/// A night's batches: each of so many proposals, a deal's all in one.
struct Parts<'a> {
    night: &'a str,
    part: usize,
    held: usize,
    deal: Option<RecordRef>,
}

impl<'a> Parts<'a> {
    const fn new(night: &'a str) -> Self {
        Self { night, part: 1, held: 0, deal: None }
    }

    /// The batch that a proposal about `deal` goes into.
    fn of(&mut self, deal: &RecordRef) -> String {
        if self.held >= IN_PART && self.deal.as_ref() != Some(deal) {
            self.part += 1;
            self.held = 0;
        }
        if self.part == 1 { self.night.to_owned() } else { format!("{}, part {}", self.night, self.part) }
    }

    fn taken(&mut self, deal: &RecordRef) {
        self.held += 1;
        self.deal = Some(deal.clone());
    }
}

impl Office {
    /// Contacts on a deal.
    pub(super) fn contacts(&self, deal: &Record) -> anyhow::Result<Vec<Record>> {
        let which = Listing { linked_to: Some(deal.at.clone()), ..Listing::default() };
        Ok(self.systems.crm.list(RecordKind::Contact, &which)?)
    }

    /// Looks through all deals. Harmless to repeat, in the same night and in every other.
    ///
    /// # Errors
    /// If the CRM or the store cannot be read; what was found until then is not proposed.
    pub fn night(&self, progress: &mut dyn FnMut(usize, usize)) -> anyhow::Result<Night> {
        for _ in 0..TRIES {
            self.store.carry_out_withdrawals((self.clock)())?;
            let from = self.store.head()?.next;
            if let Some(night) = self.look_through(from, progress)? {
                // What went between the last look and the writing.
                for call in self.erased_since(from)? {
                    self.store.retract(&call, (self.clock)())?;
                }
                return Ok(night);
            }
            tracing::info!("words were erased during the night's review; it begins again");
        }
        bail!("words keep being erased; the deals are reviewed later: reframe run hygiene")
    }

    /// One look through everything; none, if words were erased since the entry `from` of the audit log, which may have been
    /// read before.
    fn look_through(&self, from: u64, progress: &mut dyn FnMut(usize, usize)) -> anyhow::Result<Option<Night>> {
        let now = (self.clock)();
        let zoned = Timestamp::from_millisecond(now)?.to_zoned(self.settings.zone()?);
        let batch = format!("night {}", zoned.date());
        let mut before = Before::new(self.systems.crm.name(), now);
        self.store.each_proposal(|listed| before.add(listed))?;
        let deals = self.systems.crm.list(RecordKind::Deal, &Listing::default())?;
        let void = self.look_again(&before.open, &deals, now)?;
        let views = self.views(deals, &before.notes, now, progress)?;
        let past: Vec<PastDeal> = views.iter().map(past).collect();
        let history = History::of(&past, &self.rules);
        let findings = hygiene::review(&views, &history, &self.rules, &zoned);
        let maker = Maker::rules("hygiene", hygiene::VERSION);
        let of: Vec<RecordRef> = views.iter().map(|v| v.deal.at.clone()).collect();
        let made =
            Artifact::new(Kind::FieldProposal, vec![], maker, (batch.clone(), Digest::of(&canonical(&of)), findings));
        let known = before.known;
        let mut parts = Parts::new(&batch);
        let mut proposals: Vec<Proposal> = Vec::new();
        for finding in made.body.2.iter().filter(|finding| !known.settled.contains(&finding.identity())) {
            let part = parts.of(&finding.deal);
            let proposal = finding.proposal(made.id.clone(), &part, known.times(&finding.identity()), now, now);
            if proposal.action.check().is_ok() && !known.wishes.contains(&wish(&proposal)) {
                parts.taken(&finding.deal);
                proposals.push(proposal);
            }
        }
        if !self.erased_since(from)?.is_empty() {
            return Ok(None);
        }
        if !proposals.is_empty() {
            self.keep(Kind::FieldProposal, &made)?;
            self.store.put_proposals(&proposals, &Actor::service("hygiene"), now)?;
        }
        Ok(Some(Night { batch, deals: views.len(), new: proposals.len(), findings: made.body.2, void }))
    }

    /// Holds what waits against the records as they read now, so that nobody approves what makes no sense any more.
    fn look_again(&self, open: &[Listed], deals: &[Record], now: i64) -> anyhow::Result<usize> {
        // Most of what waits is about deals, and those were read just now.
        let known: BTreeMap<&RecordRef, &Record> = deals.iter().map(|d| (&d.at, d)).collect();
        let mut outrun = 0;
        let mut fresh = Vec::new();
        for listed in open {
            let Some(at) = listed.proposal.action.target() else { continue };
            let read = if known.contains_key(at) { None } else { self.systems.crm.read(at)? };
            let record = known.get(at).copied().or(read.as_ref());
            match hygiene::rebase(&listed.proposal, record, now) {
                Rebased::StillGood => {}
                Rebased::Void { .. } => {
                    tracing::info!(proposal = %listed.proposal.id, "a proposal was outrun by its record");
                    outrun += 1;
                }
                Rebased::Updated(proposal) => fresh.push(*proposal),
            }
        }
        if !fresh.is_empty() {
            self.store.put_proposals(&fresh, &Actor::service("hygiene"), now)?;
        }
        Ok(outrun)
    }

    /// Everything known of every deal.
    fn views(
        &self,
        deals: Vec<Record>,
        notes: &[NotesOf],
        now: i64,
        progress: &mut dyn FnMut(usize, usize),
    ) -> anyhow::Result<Vec<DealView>> {
        let crm = &*self.systems.crm;
        let all = Listing::default();
        // One list of each kind and not one question for each deal: five thousand deals are five lists.
        let mut contacts = by_deal(crm.list(RecordKind::Contact, &all)?, &deals);
        let mut calls = self.digests(notes)?;
        let mut notes = by_deal(crm.list(RecordKind::Note, &all)?, &deals);
        let mut tasks = by_deal(crm.list(RecordKind::Task, &all)?, &deals);
        let total = deals.len();
        let mut views = Vec::with_capacity(total);
        for (i, deal) in deals.into_iter().enumerate() {
            progress(i, total);
            let calls = calls.remove(&deal.at).unwrap_or_default();
            let buyer_activity = calls.iter().filter_map(activity).collect();
            views.push(DealView {
                contacts: contacts.remove(&deal.at).unwrap_or_default(),
                notes: notes.remove(&deal.at).unwrap_or_default(),
                tasks: tasks.remove(&deal.at).unwrap_or_default(),
                calls,
                buyer_activity,
                stages: stages(&deal),
                close_dates: close_dates(&deal),
                read_unix_ms: now,
                deal,
            });
        }
        progress(total, total);
        Ok(views)
    }
}

/// Records by the deal they are linked to, from whichever side the link is kept.
fn by_deal(records: Vec<Record>, deals: &[Record]) -> BTreeMap<RecordRef, Vec<Record>> {
    let mut from_deals: BTreeMap<&RecordRef, Vec<&RecordRef>> = BTreeMap::new();
    for deal in deals {
        for other in &deal.linked {
            from_deals.entry(other).or_default().push(&deal.at);
        }
    }
    let mut out: BTreeMap<RecordRef, Vec<Record>> = BTreeMap::new();
    for record in records {
        let mut of: BTreeSet<RecordRef> =
            record.linked.iter().filter(|r| r.kind == RecordKind::Deal).cloned().collect();
        of.extend(from_deals.get(&record.at).into_iter().flatten().map(|d| (*d).clone()));
        for deal in of {
            out.entry(deal).or_default().push(record.clone());
        }
    }
    out
}

/// A call in which something of the buyer's was heard.
pub(super) fn activity(call: &CallDigest) -> Option<BuyerActivity> {
    let claims = call.slots.iter().map(|(_, claim)| claim).chain(call.objections.iter().map(|o| &o.raised));
    let evidence = claims.flat_map(|c| c.evidence()).find(|e| matches!(e, Evidence::Words { .. }))?.clone();
    Some(BuyerActivity { at_unix_ms: call.at_unix_ms, evidence })
}

fn past(view: &DealView) -> PastDeal {
    PastDeal {
        stages: view.stages.clone(),
        buyer_activity_unix_ms: view.buyer_activity.iter().map(|a| a.at_unix_ms).collect(),
    }
}

/// The stages a deal came into: by its system's own history, else by the day its record has for the present one.
pub(super) fn stages(deal: &Record) -> Vec<StageChange> {
    let mut out: Vec<StageChange> = Vec::new();
    for past in deal.history.get(field::STAGE).into_iter().flatten() {
        let Some(stage) = &past.value else { continue };
        if out.last().is_none_or(|last| last.stage != *stage) {
            out.push(StageChange { stage: stage.clone(), at_unix_ms: past.at_unix_ms });
        }
    }
    if let (true, Some(stage)) = (out.is_empty(), deal.field(field::STAGE)) {
        let since = deal.field("stage_since").and_then(|s| s.parse::<Timestamp>().ok());
        let at_unix_ms = since.map_or(deal.updated_unix_ms, Timestamp::as_millisecond);
        out.push(StageChange { stage: stage.to_owned(), at_unix_ms });
    }
    out
}

/// How a deal's close date was moved from one day to another.
pub(super) fn close_dates(deal: &Record) -> Vec<CloseDateChange> {
    let day = |text: &Option<String>| text.as_deref().and_then(|t| t.get(..10)).and_then(|t| t.parse::<Date>().ok());
    let past: Vec<(i64, Date)> = deal
        .history
        .get(field::CLOSE_DATE)
        .into_iter()
        .flatten()
        .filter_map(|p| Some((p.at_unix_ms, day(&p.value)?)))
        .collect();
    let moves = past.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    moves.map(|pair| CloseDateChange { at_unix_ms: pair[1].0, from: pair[0].1, to: pair[1].1 }).collect()
}

#[cfg(test)]
#[path = "nightly_tests.rs"]
mod tests;
