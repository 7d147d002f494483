//! An outbox in memory, a mailbox that counts, and a world whose history random events write.

use std::{
    collections::BTreeSet,
    sync::{Mutex, OnceLock},
};

use reframe_policy::{
    Basis, Clearance, PersonKey, Recipient, Rules, Standing, Subscriber,
    desk::{Book, Case, OwnSender},
    kill::{Account, Contact, Facts, KillSettings, QuietPeriod, SoftNo, Stretch},
    ledger::{Ledger, Salt, Subject, What},
    rules::{Channel, Need, Purpose, Region},
    sender::{Ladder, SetUp, TxtRecord, WarmUp},
};
use reframe_workflow::{
    artifact::{ArtifactId, Claim as Statement, Evidence},
    audit::Actor,
    gate::{Action, Approved, Approver, Click, Mail, Proposal, approve},
    outbox::{Claim, Entry, LedgerError, Limits, Outcome, Queue, Service, Worker},
    system::{FieldInfo, Listing, ReadError, Receipt, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

pub const DAY: i64 = 24 * 60 * 60 * 1_000;
/// 2026-06-10T12:00Z, a Wednesday outside the shipped quiet periods.
pub const START: i64 = 1_781_092_800_000;
pub const ADDRESS: &str = "dana@acme.example";

pub fn salt() -> Salt {
    Salt::new(b"a salt of the tests").unwrap()
}

pub fn dana() -> PersonKey {
    PersonKey::new(ADDRESS).unwrap()
}

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(Rules::shipped)
}

/// All that has happened, as a store would have it.
#[derive(Clone, Debug)]
pub struct World {
    pub ledger: Ledger,
    pub region: Region,
    pub quiet: Vec<QuietPeriod>,
    pub open_deals: u32,
    pub disputes: Vec<Stretch>,
    pub outages: Vec<Stretch>,
    pub account_unsubscribes: Vec<i64>,
    pub soft_nos: Vec<SoftNo>,
    pub sequence_over: bool,
    pub sent: Vec<i64>,
    pub warm_up_began: i64,
    pub spf: bool,
    pub carries: BTreeSet<Need>,
    pub readable: bool,
    pub known: bool,
    pub kept: Vec<Basis>,
}

impl World {
    /// Nothing speaks against a mail to Dana in New York.
    pub fn clean() -> Self {
        let all = [
            Need::SenderIdentity,
            Need::PostalAddress,
            Need::UnsubscribeLine,
            Need::UnsubscribeHeaders,
            Need::SourceOfData,
            Need::ObjectionNotice,
            Need::AiDisclosure,
        ];
        Self {
            ledger: Ledger::default(),
            region: Region::new("US-NY").unwrap(),
            quiet: vec![],
            open_deals: 0,
            disputes: vec![],
            outages: vec![],
            account_unsubscribes: vec![],
            soft_nos: vec![],
            sequence_over: false,
            sent: vec![],
            warm_up_began: START - 100 * DAY,
            spf: true,
            carries: all.into(),
            readable: true,
            known: true,
            kept: vec![],
        }
    }

    pub fn note(&mut self, at: i64, what: What) {
        let about = match what {
            What::BalancingTest { .. } => Subject::Everybody,
            _ => Subject::Person { key: dana() },
        };
        self.ledger.append(at, about, what, "test");
    }

    pub fn standing(&self, now: i64) -> Standing {
        self.ledger.standing(&[dana()], &salt(), now)
    }

    fn sender(&self) -> OwnSender {
        let domain = "try-seller.example";
        let txt = |name: &str, text: String| TxtRecord { name: name.into(), text };
        let spf = if self.spf { "v=spf1 include:_spf.mail.example -all" } else { "none" };
        OwnSender {
            set_up: SetUp {
                domain: domain.into(),
                company_domain: "seller.example".into(),
                spf_mechanism: "include:_spf.mail.example".into(),
                dkim_selector: "s1".into(),
                report_to: "dmarc@seller.example".into(),
                records: vec![
                    txt(domain, spf.into()),
                    txt("s1._domainkey.try-seller.example", format!("v=DKIM1; p={}", "A".repeat(392))),
                    txt("_dmarc.try-seller.example", "v=DMARC1; p=reject; rua=mailto:a@b.example".into()),
                ],
            },
            warm_up: WarmUp {
                began_unix_ms: self.warm_up_began,
                zone: "America/New_York".into(),
                ladder: Ladder::default(),
                daily_cap: 2,
            },
            sent_unix_ms: self.sent.clone(),
        }
    }
}

/// The world as the desk reads it.
pub struct Store(pub Mutex<World>);

impl Book for Store {
    fn rules(&self) -> &Rules {
        rules()
    }

    fn cases(&self, _: &Approved, now: i64) -> Result<Vec<Case>, String> {
        let world = self.0.lock().unwrap();
        if !world.readable {
            return Err("the store is busy".into());
        }
        if !world.known {
            return Ok(vec![]);
        }
        let standing = world.standing(now);
        Ok(vec![Case {
            to: Recipient {
                keys: vec![dana()],
                regions: [world.region.clone()].into(),
                subscriber: Subscriber::Corporate,
                standing,
            },
            account: Account {
                id: "7".into(),
                industries: ["banking".to_owned()].into(),
                zone: Some("America/New_York".into()),
            },
            contact: Contact {
                soft_nos: world.soft_nos.clone(),
                sequence_over: world.sequence_over.then(|| "its sequence is over: replied".to_owned()),
                ..Contact::default()
            },
            facts: Facts {
                purpose: Purpose::Outreach,
                quiet: world.quiet.clone(),
                open_deals: world.open_deals,
                disputes: world.disputes.clone(),
                account_unsubscribes_unix_ms: world.account_unsubscribes.clone(),
                account_touches_unix_ms: vec![],
                outages: world.outages.clone(),
                settings: KillSettings::default(),
            },
            carries: world.carries.clone(),
            sender: Some(world.sender()),
        }])
    }

    fn cleared(&self, _: &Approved, clearances: &[Clearance], _: i64) -> Result<(), String> {
        self.0.lock().unwrap().kept.extend(clearances.iter().map(|c| c.basis().clone()));
        Ok(())
    }
}

/// The outbox, in memory.
#[derive(Default)]
pub struct Memory(pub Mutex<Vec<(Entry, Proposal)>>);

impl Memory {
    /// A person approves a mail: it is in the outbox.
    pub fn approve(&self, nth: usize, cc: &[&str], at: i64) {
        let proposal = proposal(nth, cc);
        let click = Click { by: Approver::person("Ada").unwrap(), shown: proposal.digest(), at_unix_ms: at };
        let approval = approve(&proposal, &click).unwrap().approval().clone();
        let mut entries = self.0.lock().unwrap();
        let no = entries.len() as u64;
        entries.push((Entry::new(no, approval), proposal));
    }

    fn change(&self, no: u64, change: impl FnOnce(&Entry) -> Result<Entry, LedgerError>) -> Result<Entry, LedgerError> {
        let mut entries = self.0.lock().unwrap();
        let (entry, _) = entries.iter_mut().find(|(e, _)| e.no == no).unwrap();
        *entry = change(entry)?;
        Ok(entry.clone())
    }
}

fn proposal(nth: usize, cc: &[&str]) -> Proposal {
    let mail: Mail = serde_json::from_value(serde_json::json!({
        "message_id": format!("<rf-{nth}@try-seller.example>"),
        "to": [ADDRESS],
        "cc": cc,
        "subject": "your launch",
        "body": "Hi Dana",
    }))
    .unwrap();
    let evidence = vec![Evidence::Event { call: "c".into(), seq: 1 }];
    let because = Statement::new("they launched", evidence, 1.0).unwrap();
    let action = Action::SendMail { mail, draft: None };
    Proposal::new("mailbox", action, None, because, ArtifactId::of("draft", b"x"), "b", 0)
}

pub fn worker() -> Worker {
    Worker { run: "w".into(), service: "writer".into(), limits: Limits::default() }
}

impl Queue for Memory {
    fn enrol(&self, _: &Service, _: &Actor, _: i64) -> Result<(), LedgerError> {
        Ok(())
    }

    fn revoke(&self, _: &str, _: &Actor, _: i64) -> Result<(), LedgerError> {
        Ok(())
    }

    fn service(&self, name: &str) -> Result<Option<Service>, LedgerError> {
        Ok(Some(Service::new(name, &[("mailbox", &["send_mail"])])))
    }

    fn claim(&self, worker: &Worker, now: i64) -> Result<Option<Claim>, LedgerError> {
        let mut entries = self.0.lock().unwrap();
        let due = entries.iter_mut().find(|(e, _)| e.is_due(now, worker.limits));
        Ok(due.map(|(entry, proposal)| {
            *entry = entry.clone().claimed(&worker.run, now, worker.limits);
            Claim { entry: entry.clone(), proposal: proposal.clone() }
        }))
    }

    fn begin(&self, held: &Entry, worker: &Worker, now: i64) -> Result<Entry, LedgerError> {
        self.change(held.no, |entry| {
            entry.is_held_as(held)?;
            Ok(entry.clone().begun(&worker.run, now, worker.limits)?)
        })
    }

    fn settle(&self, held: &Entry, _: &Worker, outcome: &Outcome, now: i64) -> Result<Entry, LedgerError> {
        self.change(held.no, |entry| {
            entry.is_held_as(held)?;
            Ok(entry.clone().settled(outcome, now))
        })
    }

    fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        Ok(None)
    }

    fn entries(&self, _: Option<&str>, _: u64, _: usize) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.0.lock().unwrap().iter().map(|(e, _)| e.clone()).collect())
    }
}

/// A mailbox: what was sent, and when.
#[derive(Default)]
pub struct Mailbox {
    pub sent: Mutex<Vec<String>>,
    /// What it answers next, instead of yes.
    pub fails: Mutex<bool>,
}

impl SystemOfRecord for Mailbox {
    fn name(&self) -> &str {
        "mailbox"
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
        Ok(None)
    }

    fn write(&self, write: &Approved) -> Result<Receipt, WriteError> {
        if std::mem::take(&mut *self.fails.lock().unwrap()) {
            return Err(WriteError::NotDone { problem: "429".into(), wait_ms: 1 });
        }
        self.sent.lock().unwrap().push(write.marker().as_str().to_owned());
        let record = RecordRef { system: "mailbox".into(), kind: RecordKind::Mail, id: "9".into() };
        Ok(Receipt { record, version: None, url: None })
    }
}

/// Outreach by mail, permitted.
pub fn permission(ground: reframe_policy::ledger::Ground) -> What {
    What::Permission {
        channel: Channel::Email,
        purpose: Purpose::Outreach,
        ground,
        method: "form".into(),
        proof: "form-7".into(),
        ends_unix_ms: None,
    }
}
