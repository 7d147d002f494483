//! What a person outside may ask: what is kept about them, and why they are, or are not, written to; and what is entered
//! about them by hand.

use anyhow::Context;
use reframe_call::audio::Party;
use reframe_consent::Person as Name;
use reframe_outreach::{reply::Class, sequence::Happened};
use reframe_policy::{
    Decision, Kill, PersonKey,
    ledger::{Explanation, Subject, What, access, explain},
    policy,
    rules::{Channel, Purpose},
};
use reframe_store::{ConsentBook as _, EventLog as _, Item, search::Filters};
use reframe_workflow::{
    audit::{Actor, Happening, What as Told},
    gate::Approver,
    handoff::Turn,
    outbox::AuditBook as _,
};
use serde_json::{Value, json};

use super::office::Office;

/// Most of anything that is put together about one person.
const MOST: usize = 10_000;
/// Calls whose words go into the index at a time.
const INDEXED: usize = 100;

/// Whether somebody may be reached now.
pub struct Answer {
    /// What the rules say.
    pub decision: Decision,
    /// What holds it up all the same.
    pub kills: Vec<Kill>,
}

impl Office {
    /// Enters something about a person or a domain in the contact ledger. `at_unix_ms` is when it happened; the audit log has
    /// when it was entered, by whom, and the person's salted digest.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_contact(&self, about: Subject, what: What, by: &Approver, at_unix_ms: i64) -> anyhow::Result<()> {
        let code = match &what {
            What::Permission { .. } => "permission",
            What::Withdrawn { .. } => "withdrawn",
            What::Suppressed { .. } => "suppressed",
            What::ReplyReceived { .. } => "reply",
            What::BalancingTest { .. } => "balancing test",
            What::TouchSent { .. } => "touch",
            _ => "other",
        };
        let subject = match &about {
            Subject::Person { key } => self.contact_digest(key),
            Subject::Domain { .. } => "contact-domain".to_owned(),
            Subject::Erased { hash } => format!("contact:{hash}"),
            Subject::Everybody => "contact-everybody".to_owned(),
        };
        let told = self.happening(by, Told::ContactNoted, subject, code)?;
        self.store.note_contacts_and(&[(about, what)], by.as_str(), at_unix_ms, &[told])?;
        Ok(())
    }

    /// Enters that somebody wrote or called, as a person heard it: every sequence to them is over, and that person goes on.
    ///
    /// # Errors
    /// If the store cannot be written, or the CRM cannot be read; that they wrote is on record before it is asked.
    pub fn note_answer(&self, key: &PersonKey, channel: Channel, by: &Approver) -> anyhow::Result<()> {
        let now = (self.clock)();
        self.note_contact(Subject::Person { key: key.clone() }, What::ReplyReceived { channel }, by, now)?;
        let what =
            Happened::Reply { class: Class::Uncertain, brief: false, slow_down: false, back_on: None, at_unix_ms: now };
        let keys = self.clearing.0.person(key, key.as_str(), now)?.recipient.keys;
        self.tell_sequences(&keys, &what)
    }

    /// Under which name the audit log has a person outside.
    fn contact_digest(&self, key: &PersonKey) -> String {
        format!("contact:{}", self.clearing.0.salt().hash(key))
    }

    fn happening(&self, by: &Approver, what: Told, subject: String, detail: &str) -> anyhow::Result<Happening> {
        let name = Name::new(by.as_str()).context("--as names nobody")?;
        let (at_unix_ms, by) = ((self.clock)(), Actor::Person { name });
        Ok(Happening { at_unix_ms, by, what, subjects: vec![subject], detail: detail.to_owned() })
    }

    /// Whether a person may be reached by this channel for this purpose now.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read.
    pub fn may_reach(&self, key: &PersonKey, channel: Channel, purpose: Purpose) -> anyhow::Result<Answer> {
        let (book, now) = (&self.clearing.0, (self.clock)());
        book.note_sent()?;
        let person = book.person(key, key.as_str(), now)?;
        let kills = book.kills(&person, purpose, now)?;
        let decision = policy(reframe_policy::Book::rules(book), &person.recipient, channel, purpose, now);
        Ok(Answer { decision, kills })
    }

    /// Why a person is, or is not, written to.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read.
    pub fn explain_contact(&self, key: &PersonKey) -> anyhow::Result<Explanation> {
        let (book, now) = (&self.clearing.0, (self.clock)());
        book.note_sent()?;
        let person = book.person(key, key.as_str(), now)?;
        Ok(explain(reframe_policy::Book::rules(book), &person.recipient, now))
    }

    /// All that is kept about a person: the ledger, the CRM's contacts, consent, what was kept before calls, what they said in
    /// calls and who named them there, proposals that name them. `also` are other names of theirs. That it was asked for
    /// goes into the audit log.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read.
    pub fn access_contact(&self, key: &PersonKey, also: &[String], by: &Approver) -> anyhow::Result<Value> {
        let (book, now) = (&self.clearing.0, (self.clock)());
        book.note_sent()?;
        let person = book.person(key, key.as_str(), now)?;
        let keys = &person.recipient.keys;
        let ledger = access(&self.store.contacts_of(keys, book.salt())?, keys, book.salt(), now);

        let spelled = keys.iter().map(|key| key.as_str().split_once(':').map_or(key.as_str(), |(_, rest)| rest));
        let written = person.known.contacts.iter().filter_map(|c| c.field("email"));
        let names = person.known.names();
        let all = spelled.chain(written).chain(names.iter().map(String::as_str)).chain(also.iter().map(String::as_str));
        let mut who: Vec<Name> = all.filter_map(|name| Name::new(name).ok()).collect();
        who.sort();
        who.dedup();

        let mut consents = Vec::new();
        for name in &who {
            consents.extend(self.store.consents(Some(name), MOST)?);
        }
        let items = self.store.items_naming(&who, MOST)?;
        let item = |i: Item| {
            json!({
                "kind": i.kind, "id": i.id, "account": i.account, "at_unix_ms": i.at_unix_ms, "body": i.body,
            })
        };
        let items: Vec<Value> = items.into_iter().map(item).collect();
        let mut proposals = Vec::new();
        self.store.each_proposal(|listed| {
            let text = serde_json::to_string(&listed.proposal).unwrap_or_default().to_lowercase();
            if proposals.len() < MOST && who.iter().any(|name| text.contains(name.as_str())) {
                proposals.push(json!({ "proposal": listed.proposal, "standing": listed.standing }));
            }
        })?;
        let value = json!({
            "person": keys,
            "also_called": who,
            "regions": person.recipient.regions,
            "ledger": ledger,
            "crm": person.known.contacts,
            "consents": consents,
            "items": items,
            "calls": self.words_of(&who)?,
            "named_in_calls": self.named(&who, now)?,
            "proposals": proposals,
        });
        self.store.note(&[self.happening(by, Told::ContactShown, self.contact_digest(key), "access")?])?;
        Ok(value)
    }

    /// Calls they took part in, with what they said.
    fn words_of(&self, who: &[Name]) -> anyhow::Result<Vec<Value>> {
        let is = |name: &str| Name::new(name).is_ok_and(|name| who.contains(&name));
        let mut calls = Vec::new();
        for record in self.store.calls(None, MOST)? {
            let them = |p: &&reframe_call::audio::TrackInfo| is(&p.name) || p.email.as_deref().is_some_and(is);
            let Some(them) = record.participants.iter().filter(|p| p.party != Party::Rep).find(them) else { continue };
            // Of a call whose words were erased there is nothing to tell.
            let said: Vec<Value> = self.hear(&record.call.id).map_or_else(
                |_| Vec::new(),
                |heard| {
                    let call = &heard.transcript;
                    let theirs = call.turns.iter().filter(|turn| {
                        call.participants
                            .get(turn.speaker)
                            .is_some_and(|p| is(&p.name) || p.email.as_deref().is_some_and(is))
                    });
                    theirs.map(|turn| json!({ "utterance": turn.utterance, "text": text(turn) })).collect()
                },
            );
            calls.push(json!({
                "call": record.call.id.to_string(),
                "title": record.call.title,
                "started_unix_ms": record.call.started_unix_ms,
                "as": them.name,
                "said": said,
            }));
        }
        Ok(calls)
    }

    /// Where anybody names them, at most a page of hits for each name.
    fn named(&self, who: &[Name], now_unix_ms: i64) -> anyhow::Result<Vec<Value>> {
        while self.store.index(INDEXED)?.left > 0 {}
        let mut hits = Vec::new();
        for name in who.iter().filter(|name| !name.is_email()) {
            let query = format!("\"{}\"", name.as_str().replace('"', " "));
            let found = self.store.search(&query, &Filters::default(), MOST, now_unix_ms)?;
            hits.extend(found.hits.iter().map(|hit| {
                let (call, text) = (hit.call.to_string(), hit.snippet.marked("", ""));
                json!({ "call": call, "at_ms": hit.at_ms, "speaker": hit.speaker, "text": text })
            }));
        }
        Ok(hits)
    }
}

fn text(turn: &Turn) -> String {
    turn.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}
