//! What reaches a person outside is asked for right before each attempt; everything else is not.

use std::sync::Mutex;

use reframe_consent::Person;

use super::*;
use crate::{
    artifact::{ArtifactId, Claim as Statement, Evidence},
    audit::Actor,
    gate::{Action, Approver, Click, Mail, Proposal, approve},
    outbox::{Limits, NoSends, Service, State},
    system::{FieldInfo, Listing, Receipt, Record, RecordKind, RecordRef},
};

/// One entry in memory.
struct One {
    entry: Mutex<Entry>,
    proposal: Proposal,
}

impl Queue for One {
    fn enrol(&self, _: &Service, _: &Actor, _: i64) -> Result<(), LedgerError> {
        Ok(())
    }

    fn revoke(&self, _: &str, _: &Actor, _: i64) -> Result<(), LedgerError> {
        Ok(())
    }

    fn service(&self, name: &str) -> Result<Option<Service>, LedgerError> {
        Ok(Some(Service::new(name, &[("sim", &["send_mail", "create_note", "create_draft"])])))
    }

    fn claim(&self, worker: &Worker, now: i64) -> Result<Option<Claim>, LedgerError> {
        let mut entry = self.entry.lock().unwrap();
        if !entry.is_due(now, worker.limits) {
            return Ok(None);
        }
        *entry = entry.clone().claimed(&worker.run, now, worker.limits);
        Ok(Some(Claim { entry: entry.clone(), proposal: self.proposal.clone() }))
    }

    fn begin(&self, held: &Entry, worker: &Worker, now: i64) -> Result<Entry, LedgerError> {
        let mut entry = self.entry.lock().unwrap();
        entry.is_held_as(held)?;
        *entry = entry.clone().begun(&worker.run, now, worker.limits)?;
        Ok(entry.clone())
    }

    fn settle(&self, held: &Entry, _: &Worker, outcome: &Outcome, now: i64) -> Result<Entry, LedgerError> {
        let mut entry = self.entry.lock().unwrap();
        entry.is_held_as(held)?;
        *entry = entry.clone().settled(outcome, now);
        Ok(entry.clone())
    }

    fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        Ok(None)
    }

    fn entries(&self, _: Option<&str>, _: u64, _: usize) -> Result<Vec<Entry>, LedgerError> {
        Ok(vec![self.entry.lock().unwrap().clone()])
    }
}

/// A system that answers as it is told, once each, then with yes.
#[derive(Default)]
struct Told {
    answers: Mutex<Vec<WriteError>>,
    writes: Mutex<u32>,
    landed: Mutex<bool>,
}

fn receipt() -> Receipt {
    let record = RecordRef { system: "sim".into(), kind: RecordKind::Mail, id: "9".into() };
    Receipt { record, version: None, url: None }
}

impl SystemOfRecord for Told {
    fn name(&self) -> &str {
        "sim"
    }

    fn read(&self, _: &RecordRef) -> Result<Option<Record>, ReadError> {
        Ok(None)
    }

    fn list(&self, _: RecordKind, _: &Listing) -> Result<Vec<Record>, ReadError> {
        Ok(vec![])
    }

    fn fields(&self, _: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        Ok(vec![])
    }

    fn find(&self, _: &Approved) -> Result<Option<Receipt>, ReadError> {
        Ok(self.landed.lock().unwrap().then(receipt))
    }

    fn write(&self, _: &Approved) -> Result<Receipt, WriteError> {
        *self.writes.lock().unwrap() += 1;
        match self.answers.lock().unwrap().pop() {
            Some(error) => Err(error),
            None => Ok(receipt()),
        }
    }
}

/// Answers in this order, then with yes; counts how often it was asked.
#[derive(Default)]
struct Says {
    answers: Mutex<Vec<NotCleared>>,
    asked: Mutex<u32>,
}

impl Clearing for Says {
    fn clear(&self, _: &Approved, _: i64) -> Result<(), NotCleared> {
        *self.asked.lock().unwrap() += 1;
        self.answers.lock().unwrap().pop().map_or(Ok(()), Err)
    }
}

fn says(answer: NotCleared) -> Says {
    Says { answers: Mutex::new(vec![answer]), ..Says::default() }
}

fn refused() -> NotCleared {
    NotCleared::Refused { why: "they unsubscribed (suppression)".into() }
}

fn mail() -> Mail {
    serde_json::from_value(serde_json::json!({
        "message_id": "<rf-1@seller.example>",
        "to": ["dana@buyer.example"],
        "cc": [],
        "subject": "our call",
        "body": "Thanks."
    }))
    .unwrap()
}

fn approved_entry(action: Action) -> One {
    let evidence = vec![Evidence::Event { call: "c".into(), seq: 1 }];
    let because = Statement::new("they asked", evidence, 1.0).unwrap();
    let from = ArtifactId::of("draft", b"x");
    let proposal = Proposal::new("sim", action, None, because, from, "b", 0);
    let click = Click { by: Approver::person("Ada").unwrap(), shown: proposal.digest(), at_unix_ms: 10 };
    let approval = approve(&proposal, &click).unwrap().approval().clone();
    assert_eq!(approval.by, Person::new("ada").unwrap());
    One { entry: Mutex::new(Entry::new(1, approval)), proposal }
}

fn send() -> One {
    approved_entry(Action::SendMail { mail: mail(), draft: None })
}

fn turn(queue: &One, system: &Told, clearing: &dyn Clearing, now: i64) -> State {
    let worker = Worker { run: "w".into(), service: "writer".into(), limits: Limits::default() };
    match step(queue, &[system], &worker, clearing, &|| now).unwrap() {
        Step::Settled(entry) => entry.state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_clears_nothing_sends_nothing_and_all_else_goes_on() {
    let system = Told::default();
    let State::Void { why: VoidWhy::NotCleared { reason } } = turn(&send(), &system, &NoSends, 20) else { panic!() };
    assert!(reason.contains("no rules for it are set up"));
    assert_eq!(*system.writes.lock().unwrap(), 0);
    let about = RecordRef { system: "sim".into(), kind: RecordKind::Deal, id: "1".into() };
    for action in [Action::CreateNote { about, body: "x".into(), at_unix_ms: 0 }, Action::CreateDraft { mail: mail() }]
    {
        let unasked = Says::default();
        assert!(matches!(turn(&approved_entry(action.clone()), &system, &unasked, 20), State::Done { .. }));
        assert!(matches!(turn(&approved_entry(action), &system, &NoSends, 20), State::Done { .. }));
        assert_eq!(*unasked.asked.lock().unwrap(), 0);
    }
}

#[test]
fn a_refusal_after_the_approval_is_void_and_says_why() {
    let system = Told::default();
    let state = turn(&send(), &system, &says(refused()), 20);
    let reason = "they unsubscribed (suppression)".to_owned();
    assert_eq!(state, State::Void { why: VoidWhy::NotCleared { reason } });
    assert_eq!(*system.writes.lock().unwrap(), 0);
}

#[test]
fn while_nobody_can_say_it_waits_and_is_asked_again() {
    let (system, queue) = (Told::default(), send());
    let clearing = says(NotCleared::Unavailable { problem: "the ledger cannot be read".into() });
    assert_eq!(turn(&queue, &system, &clearing, 20), State::Pending);
    assert_eq!(*system.writes.lock().unwrap(), 0);
    let waits = queue.entry.lock().unwrap().clone();
    assert_eq!((waits.last.as_str(), waits.attempts), ("the ledger cannot be read", 0));
    assert!(matches!(turn(&queue, &system, &clearing, waits.due_unix_ms), State::Done { .. }));
    assert_eq!((*system.writes.lock().unwrap(), *clearing.asked.lock().unwrap()), (1, 2));
}

#[test]
fn every_attempt_is_asked_for_anew() {
    let (system, queue) = (Told::default(), send());
    system.answers.lock().unwrap().push(WriteError::NotDone { problem: "429".into(), wait_ms: 1 });
    let clearing = Says::default();
    assert_eq!(turn(&queue, &system, &clearing, 20), State::Pending);
    clearing.answers.lock().unwrap().push(refused());
    let due = queue.entry.lock().unwrap().due_unix_ms;
    assert!(matches!(turn(&queue, &system, &clearing, due), State::Void { why: VoidWhy::NotCleared { .. } }));
    assert_eq!((*system.writes.lock().unwrap(), *clearing.asked.lock().unwrap()), (1, 2));
}

#[test]
fn what_has_landed_is_told_as_done_whatever_has_come_up_since() {
    let (system, queue) = (Told::default(), send());
    system.answers.lock().unwrap().push(WriteError::Unknown { problem: "time-out".into() });
    assert_eq!(turn(&queue, &system, &Says::default(), 20), State::Pending);
    *system.landed.lock().unwrap() = true;
    let due = queue.entry.lock().unwrap().due_unix_ms;
    assert!(matches!(turn(&queue, &system, &says(refused()), due), State::Done { .. }));
    assert_eq!(*system.writes.lock().unwrap(), 1);
}
