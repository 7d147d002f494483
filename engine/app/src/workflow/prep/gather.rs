//! Everything that is known for a meeting, read from the store and the CRM.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Zoned;
use reframe_call::{event::Event, playbook::Playbook};
use reframe_prep::{
    brief::{self, Input, Item},
    objections::{History, PastCall},
};
use reframe_store::CallId;
use reframe_workflow::{
    artifact::{ArtifactId, Digest, Kind, canonical},
    handoff::{Brief, CallTranscript, Meeting, NoteProposal},
    hygiene::{CallDigest, DealView},
    outbox::Inbox as _,
    system::{Listing, Record, RecordKind, RecordRef},
    verify::{self, Broken},
};

use super::{
    super::{
        nightly::{activity, close_dates, stages},
        office::Office,
    },
    things::Things,
};

/// Calls of a deal that are read, the latest first: a deal of a year has fewer.
const CALLS: usize = 50;
/// Notes of the team's calls that likely objections are counted from, the latest first.
const PAST_CALLS: usize = 500;

/// What is the same for every meeting of one look.
pub struct Shared {
    /// The team's calls until last midnight: what ends in the course of a day changes no brief of that day.
    history: History,
    playbook: Option<Arc<Playbook>>,
    /// All contacts of the CRM.
    contacts: Vec<Record>,
}

/// Everything a brief is made from.
pub struct Material {
    /// The meeting, with its deal if one was found.
    pub meeting: Meeting,
    /// The notes it rests on, as hand-offs.
    pub note_ids: Vec<ArtifactId>,
    deal: Option<DealView>,
    company: Option<Record>,
    contacts: Vec<Record>,
    read_unix_ms: i64,
    calls: Vec<CallTranscript>,
    logs: Vec<(String, Vec<Event>)>,
    notes: Vec<NoteProposal>,
    mails: Vec<Item>,
    signals: Vec<Item>,
    segment: String,
}

/// What is known for a meeting without hearing its calls: cheap to read, and enough to tell whether they are as they were.
pub struct Outline {
    /// All of it but the calls.
    rest: Material,
    /// The deal's calls, the latest first.
    noted: Vec<Noted>,
}

/// A call as far as it is known without hearing it.
struct Noted {
    call: String,
    /// How often its words were rewritten, by an erasure or a withdrawal; nothing else changes them once it is over.
    rewritten: u64,
    /// The latest of its notes that was not erased.
    note: Option<(ArtifactId, NoteProposal)>,
}

impl Outline {
    /// Digest of all that a brief is made from, with how often each call was rewritten in place of its words: while it is the
    /// same, [`Material::facts`] are.
    pub fn stamp(&self, office: &Office, shared: &Shared) -> Digest {
        let noted: Vec<_> = self.noted.iter().map(|n| (&n.call, n.rewritten, &n.note)).collect();
        Digest::of(&canonical(&(self.rest.facts(office, shared), noted)))
    }

    /// With its calls heard.
    pub fn heard(self, office: &Office) -> Material {
        let Self { rest: mut material, noted } = self;
        let DealCalls { calls, notes, note_ids, logs } = office.hear_all(material.meeting.deal.as_ref(), noted);
        if let Some(view) = &mut material.deal {
            let with_note = notes.iter().filter_map(|note| {
                let call = calls.iter().find(|c| c.call == note.call)?;
                Some(CallDigest::of(call, note))
            });
            view.calls = with_note.collect();
            view.buyer_activity = view.calls.iter().filter_map(activity).collect();
        }
        Material { calls, notes, note_ids, logs, ..material }
    }
}

/// A deal's calls with their notes.
#[derive(Default)]
pub struct DealCalls {
    /// What was said.
    pub calls: Vec<CallTranscript>,
    /// What was written down, of those calls that have a note.
    pub notes: Vec<NoteProposal>,
    /// The notes' names.
    pub note_ids: Vec<ArtifactId>,
    /// Events, with the calls' names.
    pub logs: Vec<(String, Vec<Event>)>,
}

impl Material {
    /// As the brief takes it.
    fn input<'a>(&'a self, office: &'a Office, shared: &'a Shared) -> Input<'a> {
        Input {
            meeting: &self.meeting,
            deal: self.deal.as_ref(),
            company: self.company.as_ref(),
            contacts: &self.contacts,
            read_unix_ms: self.read_unix_ms,
            calls: &self.calls,
            notes: &self.notes,
            mails: &self.mails,
            signals: &self.signals,
            rules: Some(&office.rules),
            playbook: shared.playbook.as_deref(),
            playbook_unix_ms: self.read_unix_ms,
            history: &shared.history,
            segment: &self.segment,
        }
    }

    /// Digest of all that the brief would be made from.
    pub fn facts(&self, office: &Office, shared: &Shared) -> String {
        brief::facts(self.input(office, shared))
    }

    /// The brief, held to the length of the settings.
    pub fn brief(&self, office: &Office, shared: &Shared, now: &Zoned) -> Brief {
        let mut made = brief::make(self.input(office, shared), now);
        brief::shorten(&mut made, office.settings.prep.most_words);
        made
    }

    /// Citations of the brief that do not hold.
    pub fn broken(&self, office: &Office, shared: &Shared, brief: &Brief) -> Vec<Broken> {
        let items = brief::sources(self.input(office, shared), brief);
        let mut records: Vec<Record> = self.contacts.iter().chain(&self.company).cloned().collect();
        if let Some(view) = &self.deal {
            records.push(view.deal.clone());
            records.extend(view.contacts.iter().chain(&view.tasks).cloned());
        }
        let sources = verify::Sources { calls: &self.calls, events: &self.logs, records: &records, items: &items };
        verify::check_all(&brief.claims(), sources)
    }
}

impl Office {
    /// What is the same for all meetings, read once.
    pub(super) fn shared(&self, now: &Zoned) -> anyhow::Result<Shared> {
        let today_ms = now.start_of_day()?.timestamp().as_millisecond();
        let contacts = self.systems.crm.list(RecordKind::Contact, &Listing::default())?;
        let playbook = self.playbook.get().and_then(|current| current());
        Ok(Shared { history: self.past(today_ms)?, playbook, contacts })
    }

    /// The team's calls that were written up before a time.
    fn past(&self, before_unix_ms: i64) -> anyhow::Result<History> {
        let mut seen = BTreeSet::new();
        let mut past = Vec::new();
        for kept in self.store.latest_artifacts(Kind::NoteProposal, PAST_CALLS)? {
            // A tombstone says nothing.
            let Ok(note) = serde_json::from_value::<NoteProposal>(kept.artifact.body) else { continue };
            if kept.at_unix_ms < before_unix_ms && seen.insert(note.call.clone()) {
                past.push(PastCall {
                    call: note.call,
                    deal: String::new(),
                    stage: String::new(),
                    segment: String::new(),
                    industry: String::new(),
                    objections: note.objections.into_iter().map(|o| o.label).collect(),
                    answered_with: Vec::new(),
                });
            }
        }
        Ok(History::of(&past))
    }

    /// The one open deal of those who are invited; of several the one whose name, or whose company's, the title has. Two of
    /// them: nobody can tell.
    pub(super) fn deal_of(&self, meeting: &Meeting, shared: &Shared) -> anyhow::Result<Option<RecordRef>> {
        let mut deals: Vec<Record> = Vec::new();
        for contact in invited(meeting, &shared.contacts) {
            let linked = Listing { linked_to: Some(contact.at.clone()), ..Listing::default() };
            deals.extend(self.systems.crm.list(RecordKind::Deal, &linked)?);
        }
        deals.retain(|d| !d.field("stage").is_some_and(|s| s.starts_with("closed")));
        deals.sort_by(|a, b| a.at.cmp(&b.at));
        deals.dedup_by(|a, b| a.at == b.at);
        if deals.len() > 1 {
            let title = meeting.title.to_lowercase();
            let named = |name: Option<&str>| {
                name.is_some_and(|n| !n.trim().is_empty() && title.contains(&n.trim().to_lowercase()))
            };
            let mut by_title = Vec::new();
            for deal in deals {
                let company = self.company_of(&[&deal])?;
                if named(deal.field("name")) || named(company.as_ref().and_then(|c| c.field("name"))) {
                    by_title.push(deal);
                }
            }
            deals = by_title;
        }
        Ok(match deals.len() {
            1 => deals.pop().map(|d| d.at),
            _ => None,
        })
    }

    /// The company that the first of these records is linked to.
    fn company_of(&self, records: &[&Record]) -> anyhow::Result<Option<Record>> {
        for at in records.iter().flat_map(|r| &r.linked).filter(|at| at.kind == RecordKind::Company) {
            if let Some(company) = self.systems.crm.read(at)? {
                return Ok(Some(company));
            }
        }
        Ok(None)
    }

    /// A deal's calls, the latest so many, with the latest note of each. A call whose words were erased is not among them.
    pub(super) fn calls_of(&self, deal: &RecordRef) -> anyhow::Result<DealCalls> {
        Ok(self.hear_all(Some(deal), self.noted(deal)?))
    }

    /// The same, before any of them is heard.
    fn noted(&self, deal: &RecordRef) -> anyhow::Result<Vec<Noted>> {
        let mut out = Vec::new();
        for (call, notes) in self.store.notes_about(deal, CALLS)? {
            let Ok(id) = CallId::new(call.as_str()) else { continue };
            // Before the note and the words are read: what is rewritten after this shows the next time.
            let rewritten = self.store.times_rewritten(&id)?;
            let ordered = if notes.len() > 1 { self.store.latest_first(&notes)? } else { notes };
            let mut note = None;
            for id in ordered {
                let Some(kept) = self.store.artifact(&id)? else { continue };
                if let Ok(read) = serde_json::from_value::<NoteProposal>(kept.artifact.body) {
                    note = Some((id, read));
                    break;
                }
            }
            out.push(Noted { call, rewritten, note });
        }
        Ok(out)
    }

    fn hear_all(&self, deal: Option<&RecordRef>, noted: Vec<Noted>) -> DealCalls {
        let mut out = DealCalls::default();
        for Noted { call, note, .. } in noted {
            let Ok(mut heard) = CallId::new(call.as_str()).map_err(anyhow::Error::from).and_then(|id| self.hear(&id))
            else {
                continue;
            };
            heard.transcript.deal = deal.cloned();
            let (transcript, log) = heard.into_parts();
            if let Some((id, note)) = note {
                out.notes.push(note);
                out.note_ids.push(id);
            }
            out.calls.push(transcript);
            out.logs.push(log);
        }
        out
    }

    /// Everything that is known for a meeting, read now.
    pub(super) fn material(&self, meeting: Meeting, shared: &Shared) -> anyhow::Result<Material> {
        Ok(self.outline(meeting, shared)?.heard(self))
    }

    /// The same before its calls are heard.
    pub(super) fn outline(&self, mut meeting: Meeting, shared: &Shared) -> anyhow::Result<Outline> {
        let now = (self.clock)();
        let crm = &*self.systems.crm;
        if meeting.deal.is_none() {
            meeting.deal = self.deal_of(&meeting, shared)?;
        }
        let record = meeting.deal.as_ref().map(|at| crm.read(at)).transpose()?.flatten();
        let mut contacts = record.as_ref().map_or_else(|| Ok(Vec::new()), |deal| self.contacts(deal))?;
        for contact in invited(&meeting, &shared.contacts) {
            if !contacts.iter().any(|c| c.at == contact.at) {
                contacts.push(contact.clone());
            }
        }
        let linked: Vec<&Record> = record.iter().chain(&contacts).collect();
        let company = self.company_of(&linked)?;
        let noted = record.as_ref().map_or_else(|| Ok(Vec::new()), |deal| self.noted(&deal.at))?;
        let deal = record.map(|deal| self.view_of(deal, &contacts, now)).transpose()?;
        let Things { mails, news } =
            self.things_of(company.as_ref(), deal.as_ref().map(|d| &d.deal), &contacts, now)?;
        let segment = company.as_ref().and_then(|c| c.field("segment")).unwrap_or_default().to_owned();
        let rest = Material {
            meeting,
            note_ids: Vec::new(),
            deal,
            company,
            contacts,
            read_unix_ms: now,
            calls: Vec::new(),
            logs: Vec::new(),
            notes: Vec::new(),
            mails,
            signals: news,
            segment,
        };
        Ok(Outline { rest, noted })
    }

    /// A deal with what hangs on it, but for its calls.
    fn view_of(&self, deal: Record, contacts: &[Record], now: i64) -> anyhow::Result<DealView> {
        let of = |kind| {
            let which = Listing { linked_to: Some(deal.at.clone()), ..Listing::default() };
            self.systems.crm.list(kind, &which)
        };
        let (notes, tasks) = (of(RecordKind::Note)?, of(RecordKind::Task)?);
        Ok(DealView {
            read_unix_ms: now,
            contacts: contacts.to_vec(),
            notes,
            tasks,
            buyer_activity: Vec::new(),
            calls: Vec::new(),
            stages: stages(&deal),
            close_dates: close_dates(&deal),
            deal,
        })
    }
}

/// Contacts that are invited.
fn invited<'a>(meeting: &'a Meeting, contacts: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    contacts.iter().filter(|c| {
        let address = c.field("email").map(str::trim).filter(|a| !a.is_empty());
        address.is_some_and(|a| meeting.invited.iter().any(|i| i.eq_ignore_ascii_case(a)))
    })
}
