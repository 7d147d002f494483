//! Every kind of citation held against what is there now: words of calls, events, mails, news, facts, entries of the calendar,
//! records, cards.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use reframe_call::{event::Event, playbook::Playbook};
use reframe_prep::brief::history_item;
use reframe_store::CallId;
use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::CallTranscript,
    system::{Record, RecordRef},
    verify::{Broken, Sources, check_all},
};

use super::office::Office;

/// Calls that are kept at hand, since what is checked one after the other mostly cites the same.
const CALLS: usize = 32;
/// Records that are asked for; a vendor counts requests.
const RECORDS: usize = 500;

/// What citations came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Citations there are.
    pub cited: usize,
    /// Those that do not hold.
    pub broken: Vec<Broken>,
    /// Fields of records, and lines of cards, that read otherwise now than when they were cited: both change, so this is no
    /// fault of what cites them.
    pub otherwise: usize,
    /// Fields of records that nobody looked at: the CRM does not answer, or they are too many.
    pub unasked: usize,
}

impl Held {
    /// With what others came to.
    pub fn add(&mut self, more: Self) {
        self.cited += more.cited;
        self.broken.extend(more.broken);
        self.otherwise += more.otherwise;
        self.unasked += more.unasked;
    }
}

/// What may be cited, read when it first is.
pub(super) struct Shelf<'a> {
    office: &'a Office,
    playbook: Option<Arc<Playbook>>,
    asked: BTreeSet<String>,
    calls: Vec<CallTranscript>,
    logs: Vec<(String, Vec<Event>)>,
    records: BTreeMap<RecordRef, Option<Record>>,
    silent: bool,
}

impl<'a> Shelf<'a> {
    /// Nothing was read yet.
    pub(super) fn new(office: &'a Office) -> Self {
        Self {
            office,
            playbook: office.playbook.get().and_then(|current| current()),
            asked: BTreeSet::new(),
            calls: Vec::new(),
            logs: Vec::new(),
            records: BTreeMap::new(),
            silent: false,
        }
    }

    /// Holds the citations of claims against what is there. `own` is name and text of what is not kept under its name: the entry
    /// of a meeting, which may have been renamed since.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn hold(&mut self, claims: &[&Claim], own: &[(String, String)]) -> anyhow::Result<Held> {
        let mut held = Held::default();
        let mut items: BTreeMap<String, String> = own.iter().cloned().collect();
        let mut firm = Vec::new();
        let mut wanted = BTreeSet::new();
        for claim in claims {
            let mut stays = Vec::new();
            for evidence in claim.evidence() {
                held.cited += 1;
                match evidence {
                    Evidence::Field { record, field, value, .. } => match self.reads(record, field) {
                        Some(now) => held.otherwise += usize::from(now != *value),
                        None => held.unasked += 1,
                    },
                    Evidence::Source { item, quote, .. } if item.starts_with("play/") => {
                        held.otherwise += usize::from(!self.says(item, quote));
                    }
                    Evidence::Source { item, quote, .. } => {
                        if !items.contains_key(item)
                            && let Some(text) = self.text(item, quote)?
                        {
                            items.insert(item.clone(), text);
                        }
                        stays.push(evidence.clone());
                    }
                    Evidence::Words { call, .. } | Evidence::Event { call, .. } => {
                        wanted.insert(call.clone());
                        stays.push(evidence.clone());
                    }
                }
            }
            firm.extend(Claim::new(claim.text(), stays, claim.confidence()));
        }
        self.hear(wanted);
        let items: Vec<(String, String)> = items.into_iter().collect();
        let sources = Sources { calls: &self.calls, events: &self.logs, items: &items, ..Sources::default() };
        held.broken = check_all(&firm.iter().collect::<Vec<_>>(), sources);
        Ok(held)
    }

    /// Has these calls at hand. One that is not there, or was erased, is missed by whatever cites it.
    fn hear(&mut self, calls: BTreeSet<String>) {
        if self.calls.len() + calls.len() > CALLS {
            self.asked.clear();
            self.calls.clear();
            self.logs.clear();
        }
        for call in calls {
            let Ok(id) = CallId::new(call.as_str()) else { continue };
            if self.asked.insert(call)
                && let Ok(heard) = self.office.hear(&id)
            {
                let (transcript, log) = heard.into_parts();
                self.calls.push(transcript);
                self.logs.push(log);
            }
        }
    }

    /// What a field of a record reads now; nothing, if nobody can tell.
    fn reads(&mut self, at: &RecordRef, field: &str) -> Option<Option<String>> {
        if !self.records.contains_key(at) {
            let crm = &*self.office.systems.crm;
            if self.silent || self.records.len() >= RECORDS || at.system != crm.name() {
                return None;
            }
            match crm.read(at) {
                Ok(record) => drop(self.records.insert(at.clone(), record)),
                Err(_) => {
                    // It is asked once: what does not answer is not asked for every record.
                    self.silent = true;
                    return None;
                }
            }
        }
        let record = self.records.get(at)?.as_ref();
        Some(record.and_then(|r| r.field(field)).map(str::to_owned))
    }

    /// Whether a card has a line now.
    fn says(&self, item: &str, quote: &str) -> bool {
        let play = item.strip_prefix("play/").and_then(|id| self.playbook.as_ref()?.play(id));
        play.is_some_and(|play| {
            let card = &play.card;
            let mut lines = std::iter::once(&card.title).chain(&card.say).chain(&card.ask);
            lines.any(|line| line.contains(quote)) || card.proofs.iter().any(|proof| proof.text.contains(quote))
        })
    }

    /// The text of what is cited under a name.
    fn text(&self, item: &str, quote: &str) -> anyhow::Result<Option<String>> {
        // A line that was counted is named by its words: whether they were changed shows, the count itself does not.
        if item.starts_with("history/") {
            return Ok((item == history_item(quote)).then(|| quote.to_owned()));
        }
        self.office.item_text(item.strip_prefix("fact/").unwrap_or(item))
    }
}
