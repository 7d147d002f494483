//! An account that walks from a signal to an approved write and back into a signal, made of the stages' own types.
#![allow(dead_code)]

use jiff::Timestamp;
use reframe_funnel::{
    account::{Account, AccountState},
    fact::CallKept,
    gather::{Sources, by_account, log},
};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Claim, Evidence, Kind, Maker},
    audit::{Actor, Entry, Happening, Head, What},
    gate::{Action, Approver, Click, Mail, Proposal, approve},
    outbox::{Kept, Listed, Standing},
    system::{RecordKind, RecordRef},
};
use serde_json::{Value, json};

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

pub fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

pub fn record(kind: RecordKind, id: &str) -> RecordRef {
    RecordRef { system: "local".into(), kind, id: id.into() }
}

pub fn account(id: &str) -> Account {
    let records = [RecordKind::Company, RecordKind::Deal, RecordKind::Contact].map(|kind| record(kind, id));
    Account { id: format!("local:company/{id}"), name: format!("Account {id}"), records: records.to_vec() }
}

/// What the store would hold.
#[derive(Clone, Default)]
pub struct World {
    pub artifacts: Vec<Kept>,
    pub proposals: Vec<Listed>,
    pub audit: Vec<Entry>,
    pub calls: Vec<CallKept>,
    pub more: Vec<reframe_funnel::fact::Fact>,
    head: Head,
}

impl World {
    pub fn make(&mut self, kind: Kind, parents: &[&ArtifactId], body: Value, at_unix_ms: i64) -> ArtifactId {
        let parents = parents.iter().map(|id| (*id).clone()).collect();
        let artifact = Artifact::new(kind, parents, Maker::rules("test", 1), body);
        let id = artifact.id.clone();
        self.artifacts.push(Kept { kind, artifact, at_unix_ms });
        id
    }

    pub fn call(&mut self, name: &str, deal: Option<&str>, at_unix_ms: i64) {
        self.calls.push(CallKept {
            call: name.into(),
            title: format!("Call {name}"),
            started_unix_ms: at_unix_ms,
            ended_unix_ms: at_unix_ms + HOUR / 2,
            deal: deal.map(|id| record(RecordKind::Deal, id)),
        });
    }

    /// Puts a proposal; returns its place.
    pub fn propose(&mut self, action: Action, from: &ArtifactId, rests_on: &str, at_unix_ms: i64) -> usize {
        let words = Evidence::Event { call: rests_on.into(), seq: 1 };
        let because = Claim::new("they said so", vec![words], 0.9).unwrap();
        let system = if matches!(action, Action::SendMail { .. }) { "gmail" } else { "local" };
        let proposal = Proposal::new(system, action, None, because, from.clone(), "batch", at_unix_ms);
        let listed = Listed { proposal, standing: Standing::Open, shown_unix_ms: None, decided_unix_ms: None };
        self.proposals.push(listed);
        let n = self.proposals.len() - 1;
        self.step(n, What::Proposed, at_unix_ms);
        n
    }

    pub fn step(&mut self, n: usize, what: What, at_unix_ms: i64) {
        let proposal = &self.proposals[n].proposal;
        let person = matches!(what, What::Approved | What::Rejected | What::Edited | What::Shown);
        let by = if person {
            Actor::Person { name: reframe_consent::Person::new("ada").unwrap() }
        } else {
            Actor::service("reframe-writer")
        };
        let subjects = vec![proposal.id.to_string(), proposal.from.to_string(), proposal.batch.clone()];
        let happening = Happening { at_unix_ms, by, what, subjects, detail: String::new() };
        let (entry, head) = self.head.add(&happening);
        self.audit.push(entry);
        self.head = head;
    }

    /// Shown, approved through the real gate, and done.
    pub fn carry_out(&mut self, n: usize, at_unix_ms: i64) {
        self.step(n, What::Shown, at_unix_ms);
        let proposal = &self.proposals[n].proposal;
        let click = Click { by: Approver::person("Ada").unwrap(), shown: proposal.digest(), at_unix_ms };
        approve(proposal, &click).unwrap();
        self.step(n, What::Approved, at_unix_ms + 20_000);
        self.step(n, What::WriteAttempted, at_unix_ms + 21_000);
        self.step(n, What::Done, at_unix_ms + 22_000);
    }

    pub fn sources(&self) -> Sources<'_> {
        Sources {
            artifacts: &self.artifacts,
            proposals: &self.proposals,
            audit: &self.audit,
            calls: &self.calls,
            more: &self.more,
        }
    }

    pub fn state(&self, id: &str) -> AccountState {
        by_account(&[account(id)], &log(self.sources())).accounts.remove(0)
    }
}

pub fn mail(to: &str) -> Action {
    let mail = json!({
        "message_id": format!("<{to}@reframe.example>"),
        "to": [format!("{to}@buyer.example")],
        "cc": [],
        "subject": "Your new warehouse",
        "body": "Hi Dana,\nI saw the news.",
    });
    let mail: Mail = serde_json::from_value(mail).unwrap();
    Action::SendMail { mail, draft: None }
}

pub fn field(deal: &str, name: &str, after: &str) -> Action {
    Action::UpdateField {
        record: record(RecordKind::Deal, deal),
        field: name.into(),
        before: None,
        after: Some(after.into()),
    }
}

pub fn note(deal: &str, at_unix_ms: i64) -> Action {
    Action::CreateNote { about: record(RecordKind::Deal, deal), body: format!("Note {at_unix_ms}"), at_unix_ms }
}

/// Ids of one walk's hand-offs, in order.
pub struct Walked {
    pub signal: ArtifactId,
    pub draft: ArtifactId,
    pub meeting: ArtifactId,
    pub brief: ArtifactId,
    pub call: ArtifactId,
    pub note: ArtifactId,
    pub fields: ArtifactId,
    /// Places of its proposals: mail, note, field.
    pub asks: [usize; 3],
}

/// A whole walk of account `id`, beginning at `start`; each stage comes a day after the one before it.
pub fn walk(world: &mut World, id: &str, start: i64, after: &[&ArtifactId]) -> Walked {
    let deal = json!(record(RecordKind::Deal, id));
    let company = json!(record(RecordKind::Company, id));
    let signal = world.make(Kind::SignalCard, after, json!({ "account": company, "day": start }), start);
    let draft = world.make(Kind::Draft, &[&signal], json!({ "to": id, "n": start }), start + HOUR);
    let sent = world.propose(mail(&format!("dana{id}{start}")), &draft, "signal/news", start + HOUR);
    world.carry_out(sent, start + 2 * HOUR);
    let body = json!({ "deal": deal, "title": "Intro", "start": start });
    let meeting = world.make(Kind::Meeting, &[&draft], body, start + DAY);
    let brief = world.make(Kind::Brief, &[&meeting], json!({ "event": start }), start + 2 * DAY);
    let name = format!("call-{id}-{start}");
    world.call(&name, Some(id), start + 2 * DAY + HOUR);
    let ended = start + 2 * DAY + 2 * HOUR;
    let call = world.make(Kind::CallTranscript, &[&brief], json!({ "call": name }), ended);
    let noted = world.make(Kind::NoteProposal, &[&call], json!({ "call": name, "note": 1 }), ended + 5_000);
    let ask = world.propose(note(id, start), &noted, &name, ended + 6_000);
    world.carry_out(ask, ended + HOUR);
    let body = json!({ "record": deal, "night": start });
    let fields = world.make(Kind::FieldProposal, &[&noted], body, start + 3 * DAY);
    let change = world.propose(field(id, "next_step", &format!("pilot {start}")), &fields, &name, start + 3 * DAY);
    world.carry_out(change, start + 3 * DAY + HOUR);
    Walked { signal, draft, meeting, brief, call, note: noted, fields, asks: [sent, ask, change] }
}
