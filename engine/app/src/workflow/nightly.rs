//! The night's look through all deals: every finding a proposal, each of them once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use reframe_store::CallId;
use reframe_workflow::{
    artifact::{Artifact, Digest, Evidence, Kind, Maker, canonical},
    audit::Actor,
    gate::Proposal,
    handoff::NoteProposal,
    hygiene::{self, BuyerActivity, CallDigest, DealView, Finding, History, PastDeal, Rebased, StageChange},
    outbox::{Inbox as _, Listed, Standing, Which},
    system::{Listing, Record, RecordKind, RecordRef},
};

use super::office::{Office, call_of};

/// Proposals looked at for what was proposed before.
const BEFORE: usize = 50_000;
/// What a person said no to, or what was done, is not proposed again for so long: a quarter of a year.
const NOT_AGAIN_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

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
        let now = (self.clock)();
        let zoned = Timestamp::from_millisecond(now)?.to_zoned(self.settings.zone()?);
        let batch = format!("night {}", zoned.date());
        let before = self.store.proposals(&Which::default(), BEFORE)?;
        let deals = self.systems.crm.list(RecordKind::Deal, &Listing::default())?;
        let void = self.look_again(&before, &deals, now)?;
        let views = self.views(deals, &before, now, progress)?;
        let past: Vec<PastDeal> = views.iter().map(past).collect();
        let history = History::of(&past, &self.rules);
        let findings = hygiene::review(&views, &history, &self.rules, &zoned);
        let maker = Maker::rules("hygiene", hygiene::VERSION);
        let of: Vec<RecordRef> = views.iter().map(|v| v.deal.at.clone()).collect();
        let made =
            Artifact::new(Kind::FieldProposal, vec![], maker, (batch.clone(), Digest::of(&canonical(&of)), findings));
        let known = known(&before, now);
        let proposals: Vec<Proposal> = made
            .body
            .2
            .iter()
            .map(|finding| finding.proposal(made.id.clone(), &batch, now, now))
            .filter(|p| p.action.check().is_ok() && !known.contains(&wish(p)))
            .collect();
        if !proposals.is_empty() {
            self.keep(Kind::FieldProposal, &made)?;
            self.store.put_proposals(&proposals, &Actor::service("hygiene"), now)?;
        }
        Ok(Night { batch, deals: views.len(), new: proposals.len(), findings: made.body.2, void })
    }

    /// Holds what waits against the records as they read now, so that nobody approves what makes no sense any more.
    fn look_again(&self, before: &[Listed], deals: &[Record], now: i64) -> anyhow::Result<usize> {
        // Most of what waits is about deals, and those were read just now.
        let known: BTreeMap<&RecordRef, &Record> = deals.iter().map(|d| (&d.at, d)).collect();
        let mut outrun = 0;
        let mut fresh = Vec::new();
        for listed in before.iter().filter(|l| matches!(l.standing, Standing::Open)) {
            let Some(at) = listed.proposal.action.target() else { continue };
            if at.system != self.systems.crm.name() {
                continue;
            }
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
        before: &[Listed],
        now: i64,
        progress: &mut dyn FnMut(usize, usize),
    ) -> anyhow::Result<Vec<DealView>> {
        let crm = &*self.systems.crm;
        let all = Listing::default();
        // One list of each kind and not one question for each deal: five thousand deals are five lists.
        let mut contacts = by_deal(crm.list(RecordKind::Contact, &all)?, &deals);
        let mut notes = by_deal(crm.list(RecordKind::Note, &all)?, &deals);
        let mut tasks = by_deal(crm.list(RecordKind::Task, &all)?, &deals);
        let mut calls = self.digests(before)?;
        let total = deals.len();
        let mut views = Vec::with_capacity(total);
        for (i, deal) in deals.into_iter().enumerate() {
            progress(i, total);
            let calls = calls.remove(&deal.at).unwrap_or_default();
            let buyer_activity = calls.iter().filter_map(activity).collect();
            let stages = deal.field("stage").map(|stage| {
                let since = deal.field("stage_since").and_then(|s| s.parse::<Timestamp>().ok());
                let at_unix_ms = since.map_or(deal.updated_unix_ms, Timestamp::as_millisecond);
                StageChange { stage: stage.to_owned(), at_unix_ms }
            });
            views.push(DealView {
                contacts: contacts.remove(&deal.at).unwrap_or_default(),
                notes: notes.remove(&deal.at).unwrap_or_default(),
                tasks: tasks.remove(&deal.at).unwrap_or_default(),
                calls,
                buyer_activity,
                stages: stages.into_iter().collect(),
                close_dates: vec![],
                read_unix_ms: now,
                deal,
            });
        }
        progress(total, total);
        Ok(views)
    }

    /// What the calls said, by the deal their note is about.
    fn digests(&self, before: &[Listed]) -> anyhow::Result<BTreeMap<RecordRef, Vec<CallDigest>>> {
        let mut seen = BTreeSet::new();
        let mut out: BTreeMap<RecordRef, Vec<CallDigest>> = BTreeMap::new();
        for listed in before {
            let Proposal { batch, action, from, .. } = &listed.proposal;
            let (Some(call), Some(deal)) = (call_of(batch), action.target()) else { continue };
            if from.kind() != Kind::NoteProposal.as_str() || !seen.insert((call.to_owned(), deal.clone())) {
                continue;
            }
            let (Ok(id), Some(kept)) = (CallId::new(call), self.store.artifact(from)?) else { continue };
            let Ok(note) = serde_json::from_value::<NoteProposal>(kept.artifact.body) else { continue };
            // A call whose words were erased says nothing any more.
            let Ok(heard) = self.hear(&id) else { continue };
            out.entry(deal.clone()).or_default().push(CallDigest::of(&heard.transcript, &note));
        }
        Ok(out)
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
fn activity(call: &CallDigest) -> Option<BuyerActivity> {
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

/// What a proposal wants, whichever night it was made in.
fn wish(proposal: &Proposal) -> Vec<u8> {
    canonical(&(&proposal.system, &proposal.action))
}

/// What is waiting or on its way, and what was decided not long ago.
fn known(before: &[Listed], now: i64) -> BTreeSet<Vec<u8>> {
    let counts = |l: &&Listed| match l.standing {
        Standing::Open | Standing::Approved { .. } | Standing::Failed { .. } => true,
        Standing::Rejected { .. } | Standing::Done { .. } => {
            l.decided_unix_ms.is_some_and(|at| now - at < NOT_AGAIN_MS)
        }
        Standing::Superseded { .. } | Standing::Void { .. } => false,
    };
    before.iter().filter(counts).map(|l| wish(&l.proposal)).collect()
}
