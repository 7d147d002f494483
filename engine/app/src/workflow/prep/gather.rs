//! Everything that is known for a meeting, read from the store and the CRM.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Zoned;
use reframe_call::{event::Event, playbook::Playbook};
use reframe_prep::{
    brief::{self, Input, Item},
    objections::{History, PastCall},
};
use reframe_store::{CallId, Item as Kept, ItemKind};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    handoff::{Brief, CallTranscript, Meeting, NoteProposal},
    hygiene::{CallDigest, DealView},
    outbox::Inbox as _,
    system::{Listing, Record, RecordKind, RecordRef},
    verify::{self, Broken},
};
use serde_json::Value;

use super::super::{
    nightly::{activity, close_dates, stages},
    office::Office,
};

/// Calls of a deal that are read, the latest first: a deal of a year has fewer.
const CALLS: usize = 50;
/// Notes of the team's calls that likely objections are counted from, the latest first.
const PAST_CALLS: usize = 500;
/// Mails and news that are looked through, and how far back, in ms: half a year.
const ITEMS: usize = 2_000;
const ITEMS_MS: i64 = 180 * 24 * 60 * 60 * 1_000;
/// Mails, and news, of one account that go into a brief's input, the latest first.
const OF_ACCOUNT: usize = 50;

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
        let mut claims: Vec<_> = brief.parts.iter().flat_map(|(_, claims)| claims).collect();
        claims.extend(brief.objections.iter().map(|o| &o.because));
        claims.extend(brief.questions.iter().map(|q| &q.ask));
        verify::check_all(&claims, sources)
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
        let mut out = DealCalls::default();
        for (call, notes) in self.store.notes_about(deal, CALLS)? {
            let Ok(mut heard) = CallId::new(call.as_str()).map_err(anyhow::Error::from).and_then(|id| self.hear(&id))
            else {
                continue;
            };
            heard.transcript.deal = Some(deal.clone());
            let (transcript, log) = heard.into_parts();
            let ordered = if notes.len() > 1 { self.store.latest_first(&notes)? } else { notes };
            for id in ordered {
                let Some(kept) = self.store.artifact(&id)? else { continue };
                if let Ok(note) = serde_json::from_value::<NoteProposal>(kept.artifact.body) {
                    out.notes.push(note);
                    out.note_ids.push(id);
                    break;
                }
            }
            out.calls.push(transcript);
            out.logs.push(log);
        }
        Ok(out)
    }

    /// Everything that is known for a meeting, read now.
    pub(super) fn material(&self, mut meeting: Meeting, shared: &Shared) -> anyhow::Result<Material> {
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
        let heard = record.as_ref().map_or_else(|| Ok(DealCalls::default()), |deal| self.calls_of(&deal.at))?;
        let deal = match record {
            Some(deal) => Some(self.view_of(deal, &contacts, &heard, now)?),
            None => None,
        };
        let keys = account_keys(company.as_ref(), deal.as_ref().map(|d| &d.deal));
        let mails =
            self.items_of(ItemKind::Mail, now, |kept| of_account(kept, &keys) || from_one_of(kept, &contacts))?;
        let mut signals = self.items_of(ItemKind::Signal, now, |kept| of_account(kept, &keys))?;
        signals.extend(self.items_of(ItemKind::Fact, now, |kept| of_account(kept, &keys))?);
        let segment = company.as_ref().and_then(|c| c.field("segment")).unwrap_or_default().to_owned();
        let DealCalls { calls, notes, note_ids, logs } = heard;
        Ok(Material {
            meeting,
            note_ids,
            deal,
            company,
            contacts,
            read_unix_ms: now,
            calls,
            logs,
            notes,
            mails,
            signals,
            segment,
        })
    }

    fn view_of(&self, deal: Record, contacts: &[Record], heard: &DealCalls, now: i64) -> anyhow::Result<DealView> {
        let of = |kind| {
            let which = Listing { linked_to: Some(deal.at.clone()), ..Listing::default() };
            self.systems.crm.list(kind, &which)
        };
        let (notes, tasks) = (of(RecordKind::Note)?, of(RecordKind::Task)?);
        let with_note = heard.notes.iter().filter_map(|note| {
            let call = heard.calls.iter().find(|c| c.call == note.call)?;
            Some(CallDigest::of(call, note))
        });
        let calls: Vec<CallDigest> = with_note.collect();
        Ok(DealView {
            read_unix_ms: now,
            contacts: contacts.to_vec(),
            notes,
            tasks,
            buyer_activity: calls.iter().filter_map(activity).collect(),
            calls,
            stages: stages(&deal),
            close_dates: close_dates(&deal),
            deal,
        })
    }

    /// The latest things of a kind that are wanted.
    fn items_of(&self, kind: ItemKind, now: i64, wanted: impl Fn(&Kept) -> bool) -> anyhow::Result<Vec<Item>> {
        let mut kept = self.store.items(kind, None, now - ITEMS_MS, ITEMS)?;
        kept.retain(|k| k.at_unix_ms <= now && wanted(k));
        let from = kept.len().saturating_sub(OF_ACCOUNT);
        Ok(kept[from..].iter().filter_map(item).collect())
    }
}

/// Contacts that are invited.
fn invited<'a>(meeting: &'a Meeting, contacts: &'a [Record]) -> impl Iterator<Item = &'a Record> {
    contacts.iter().filter(|c| {
        let address = c.field("email").map(str::trim).filter(|a| !a.is_empty());
        address.is_some_and(|a| meeting.invited.iter().any(|i| i.eq_ignore_ascii_case(a)))
    })
}

/// What an account may be called where things are kept: its id, name and domain, and those of its deal.
fn account_keys(company: Option<&Record>, deal: Option<&Record>) -> BTreeSet<String> {
    let records = company.into_iter().chain(deal);
    let mut keys: BTreeSet<String> = records.clone().map(|r| r.at.to_string().to_lowercase()).collect();
    keys.extend(company.map(|c| c.at.id.to_lowercase()));
    let fields = company.into_iter().flat_map(|c| ["name", "domain"].into_iter().filter_map(|f| c.field(f)));
    keys.extend(fields.map(|f| f.trim().to_lowercase()).filter(|f| !f.is_empty()));
    keys
}

/// Whether a kept thing is the account's: by what it is filed under, or by what its body says of the account.
fn of_account(kept: &Kept, keys: &BTreeSet<String>) -> bool {
    let known = |text: &str| {
        let text = text.trim().to_lowercase();
        let bare = text.strip_prefix("id:").or(text.strip_prefix("domain:")).or(text.strip_prefix("name:"));
        keys.contains(bare.unwrap_or(&text))
    };
    let hint = kept.body.get("account");
    let said = ["id", "domain", "name"].into_iter().filter_map(|key| hint?.get(key)?.as_str());
    kept.account.as_deref().into_iter().chain(hint.and_then(Value::as_str)).chain(said).any(known)
}

fn from_one_of(kept: &Kept, contacts: &[Record]) -> bool {
    let from = text_of(&kept.body, &["from"]).unwrap_or_default().to_lowercase();
    let addresses = contacts.iter().filter_map(|c| c.field("email")).map(|a| a.trim().to_lowercase());
    addresses.filter(|a| !a.is_empty()).any(|a| from.contains(&a))
}

/// The first of these members that is a text.
fn text_of(body: &Value, members: &[&str]) -> Option<String> {
    members.iter().find_map(|m| body.get(*m)?.as_str()).filter(|t| !t.trim().is_empty()).map(str::to_owned)
}

/// A kept thing as a brief takes it: its texts as they stand, for they are quoted.
fn item(kept: &Kept) -> Option<Item> {
    // A mail is told by what it says, not by its subject.
    let texts: &[&str] =
        if kept.kind == ItemKind::Mail { &["text", "body"] } else { &["title", "excerpt", "text", "quote"] };
    let said: Vec<String> = texts.iter().filter_map(|member| text_of(&kept.body, &[*member])).collect();
    (!said.is_empty()).then(|| Item {
        item: if kept.id.contains('/') { kept.id.clone() } else { format!("{}/{}", named(kept.kind), kept.id) },
        at_unix_ms: kept.at_unix_ms,
        url: text_of(&kept.body, &["url"]),
        from: text_of(&kept.body, &["from"]).unwrap_or_default(),
        text: said.join("\n"),
    })
}

const fn named(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Mail => "mail",
        ItemKind::Fact => "fact",
        _ => "signal",
    }
}
