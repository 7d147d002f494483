//! Who a mail goes to and all that speaks for or against it, read afresh from store and CRM: what the executor asks before
//! anything goes to a person outside.

mod by_hand;
mod held;

use std::sync::{Arc, Mutex, PoisonError};

use reframe_call::audio::Party;
use reframe_policy::{
    Book, Case, Clearance, OwnSender, PersonKey, Recipient, Rules,
    clock::{Calendar, DAY_MS},
    kill::{Facts, KillSettings},
    ledger::{Entry, Reason, Salt, Subject, What, standing},
    rules::{Channel, Purpose},
};
use reframe_store::{CallId, EventLog as _, Item, ItemKind, SqliteLog};
use reframe_workflow::{
    artifact::Kind,
    audit::{Actor, Happening, What as Told},
    gate::{Action, Approved, Mail},
    outbox::{Inbox as _, LedgerError, subjects},
    system::{ReadError, SystemOfRecord},
};

pub use self::by_hand::ByHand;
use super::{
    carried::{Carried, carried},
    known_contact::{Known, look_up},
    office::call_of,
    outreach_settings::Outreach,
    places,
    systems::SERVICE,
};

/// Mails read at a time.
const PAGE: usize = 500;
/// Kept mails of one name that are looked at; there is mostly one.
const ANSWERED: usize = 10;
/// How far back mail counts against the day's most, in ms: whatever the zone, today began less than this ago.
const TODAY_MS: i64 = 2 * DAY_MS;

/// Why nobody can say whether a message may go: it waits. Without names, for it is shown and kept.
#[derive(Debug, thiserror::Error)]
pub enum Unsaid {
    /// The store.
    #[error("the store cannot be read")]
    Store(#[from] LedgerError),
    /// The CRM.
    #[error("{system} cannot be asked: {how}")]
    Crm {
        /// Which.
        system: String,
        /// In what way.
        how: &'static str,
    },
    /// A file of the settings.
    #[error("workflow.outreach.{0} cannot be used")]
    Settings(&'static str),
    /// Outreach goes out in working hours.
    #[error("it is outside working hours; it goes out when they begin")]
    Hours,
    /// What is kept of a sequence.
    #[error("the sequence it belongs to cannot be read")]
    Sequence,
    /// The gap to the touch before has grown since it was drafted.
    #[error("its turn in the sequence has not come; it goes out when it has")]
    Early,
}

/// All of one person at one moment.
pub struct Person {
    /// As the rules see them.
    pub recipient: Recipient,
    /// What the CRM knows.
    pub known: Known,
}

/// The book.
pub struct ContactBook {
    store: Arc<SqliteLog>,
    crm: Arc<dyn SystemOfRecord>,
    outreach: Outreach,
    salt: Salt,
    /// The sender's address, where the settings say it.
    from: Option<String>,
    /// Below this number of the outbox every mail is in the ledger.
    noted: Mutex<u64>,
}

impl ContactBook {
    /// A book. `from` is the address that messages go out from, if it is known.
    #[must_use]
    pub fn new(
        store: Arc<SqliteLog>,
        crm: Arc<dyn SystemOfRecord>,
        outreach: Outreach,
        salt: Salt,
        from: Option<String>,
    ) -> Self {
        Self { store, crm, outreach, salt, from, noted: Mutex::default() }
    }

    /// What is mixed into the hashes of people.
    #[must_use]
    pub const fn salt(&self) -> &Salt {
        &self.salt
    }

    /// The team's working time.
    #[must_use]
    pub const fn working(&self) -> &Calendar {
        &self.outreach.working
    }

    /// Enters every mail that went out and is not in the ledger yet: those of this run, of another, and of one that ended
    /// between a write and its note.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn note_sent(&self) -> Result<(), LedgerError> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut from = *noted;
        loop {
            let (mails, upto) = self.store.mails_sent(from, PAGE)?;
            for mail in &mails {
                self.store.note_sent(mail, &self.salt, SERVICE)?;
            }
            // What is on its way holds the mark back; those after it are looked at again.
            *noted = upto.max(*noted);
            match mails.last() {
                Some(last) if mails.len() == PAGE => from = last.no + 1,
                _ => return Ok(()),
            }
        }
    }

    /// A person, by an address as somebody wrote it.
    ///
    /// # Errors
    /// [`Unsaid`].
    pub fn person(&self, key: &PersonKey, written: &str, now_unix_ms: i64) -> Result<Person, Unsaid> {
        let known = look_up(&*self.crm, key, written).map_err(|e| self.crm_says(&e))?;
        let keys = known.keys(key);
        let mut entries = self.store.contacts_of(&keys, &self.salt)?;
        if known.opted_out() {
            // After all there is, so that only the CRM can take it back.
            entries.push(Entry {
                seq: u64::MAX,
                at_unix_ms: now_unix_ms,
                about: Subject::Person { key: key.clone() },
                what: What::Suppressed {
                    reason: Reason::Unsubscribe,
                    channel: Some(Channel::Email),
                    only_there: false,
                },
                by: self.crm.name().to_owned(),
            });
        }
        let places = places::of(&known.contacts);
        let mut regions = places.known;
        if places.unreadable {
            regions.clear();
        } else if regions.is_empty() {
            regions.extend(self.outreach.region_default.clone());
        }
        let standing = standing(&entries, &keys, &self.salt, now_unix_ms);
        let subscriber = known.subscriber(key);
        Ok(Person { recipient: Recipient { keys, regions, subscriber, standing }, known })
    }

    /// All that is known of the moment about a person's account.
    ///
    /// # Errors
    /// [`Unsaid`].
    pub fn facts(&self, of: &Person, purpose: Purpose, now_unix_ms: i64) -> Result<Facts, Unsaid> {
        let Some(key) = of.recipient.keys.first() else { return Ok(Facts::none(purpose)) };
        let names = of.known.account_names(key);
        let settings = KillSettings::default();
        let longest = i64::from(settings.account_unsubscribe_days.max(settings.account_touch_days)) * DAY_MS;
        let entries = self.of_account(of, key, now_unix_ms.saturating_sub(longest))?;
        let unsubscribed = |e: &&Entry| match &e.what {
            What::Suppressed { reason, .. } => {
                matches!(reason, Reason::Unsubscribe | Reason::Objection | Reason::Complaint)
            }
            What::Withdrawn { .. } | What::Complaint { .. } => true,
            _ => false,
        };
        let touched = |e: &&Entry| matches!(e.what, What::TouchSent { .. });
        let mut account_touches_unix_ms: Vec<i64> = entries.iter().filter(touched).map(|e| e.at_unix_ms).collect();
        let domains = of.known.domains(key);
        let colleagues = of.known.colleagues();
        let there = |k: &PersonKey| k.domain().is_some_and(|d| domains.contains(d)) || colleagues.contains(k);
        let doubtful = self.store.mails_in_doubt()?.into_iter().filter(|m| m.to.iter().any(there));
        // Mails to the person themselves are in their own history, and this very message may be among those in doubt.
        let doubtful = doubtful.filter(|m| !m.to.iter().any(|k| of.recipient.keys.contains(k)));
        account_touches_unix_ms.extend(doubtful.map(|_| now_unix_ms));
        Ok(Facts {
            purpose,
            quiet: self.outreach.quiet_for(&of.known.account(key).id, &names),
            open_deals: of.known.open_deals,
            disputes: self.outreach.disputes(&names).map_err(|_| Unsaid::Settings("disputes"))?,
            account_unsubscribes_unix_ms: entries.iter().filter(unsubscribed).map(|e| e.at_unix_ms).collect(),
            account_touches_unix_ms,
            outages: self.outreach.outages().map_err(|_| Unsaid::Settings("outages_file"))?,
            settings,
        })
    }

    /// Entries about other people of the account.
    fn of_account(&self, of: &Person, key: &PersonKey, from_unix_ms: i64) -> Result<Vec<Entry>, Unsaid> {
        let mut entries = Vec::new();
        for domain in of.known.domains(key) {
            entries.extend(self.store.contacts_at(&domain, from_unix_ms)?);
        }
        let colleagues = of.known.colleagues();
        if !colleagues.is_empty() {
            entries.extend(self.store.contacts_of(&colleagues, &self.salt)?);
        }
        let other = |e: &Entry| {
            matches!(&e.about, Subject::Person { key } if !of.recipient.keys.contains(key))
                && e.at_unix_ms >= from_unix_ms
        };
        entries.retain(other);
        entries.sort_by_key(|e| e.seq);
        entries.dedup_by_key(|e| e.seq);
        Ok(entries)
    }

    /// What a mail is for, as far as it goes to this person: an answer if they wrote what it answers, a follow-up if it was
    /// drafted of a call they were in, else it is unasked for.
    fn purpose(&self, write: &Approved, mail: &Mail, of: &Person) -> Result<Purpose, Unsaid> {
        if let Some(id) = &mail.in_reply_to {
            let theirs = |kept: &Item| {
                let from = kept.body["from"].as_str().and_then(|from| PersonKey::new(from).ok());
                from.is_some_and(|from| of.recipient.keys.contains(&from))
            };
            if self.store.items_with(ItemKind::Mail, "message_id", id, ANSWERED)?.iter().any(theirs) {
                return Ok(Purpose::Reply);
            }
        }
        let Some(listed) = self.store.proposal(&write.approval().proposal)? else { return Ok(Purpose::Outreach) };
        let of_note = listed.proposal.from.kind() == Kind::NoteProposal.as_str();
        let call = call_of(&listed.proposal.batch).filter(|_| of_note).and_then(|call| CallId::new(call).ok());
        let Some(call) = call else { return Ok(Purpose::Outreach) };
        let record = self.store.call(&call).map_err(LedgerError::from)?;
        let names = of.known.names();
        let took_part = record.is_some_and(|record| {
            record.participants.iter().filter(|p| p.party != Party::Rep).any(|p| {
                let by_address = p.email.as_deref().and_then(|email| PersonKey::new(email).ok());
                let by_name = || names.iter().any(|name| name.trim().eq_ignore_ascii_case(p.name.trim()));
                by_address.map_or_else(by_name, |key| of.recipient.keys.contains(&key))
            })
        });
        Ok(if took_part { Purpose::FollowUp } else { Purpose::Outreach })
    }

    fn case(
        &self,
        (write, mail, carries): (&Approved, &Mail, &Carried),
        (key, written): (&PersonKey, &str),
        now: i64,
    ) -> Result<Case, Unsaid> {
        let person = self.person(key, written, now)?;
        let purpose = self.purpose(write, mail, &person)?;
        let facts = self.facts(&person, purpose, now)?;
        let mut contact = self.in_doubt(&person, Some(&write.approval().proposal), now)?;
        if mail.to.iter().any(|to| to == written) {
            contact.sequence_over = self.sequence_says(write, &person, now)?;
        }
        let account = person.known.account(key);
        let (carries, sender) = (carries.needs.clone(), self.sender(write, carries, now)?);
        Ok(Case { to: person.recipient, account, contact, facts, carries, sender })
    }

    /// The domain that was set up, if the mail goes out from it.
    fn sender(&self, write: &Approved, carries: &Carried, now: i64) -> Result<Option<OwnSender>, Unsaid> {
        let Some((set_up, warm_up)) = &self.outreach.sender else { return Ok(None) };
        if reframe_policy::ledger::domain_key(&set_up.domain) != carries.from_domain {
            return Ok(None);
        }
        let unasked =
            |e: &Entry| matches!(e.what, What::TouchSent { channel: Channel::Email, purpose: Purpose::Outreach, .. });
        let sent = self.store.touches_from(now.saturating_sub(TODAY_MS))?;
        let mut sent_unix_ms: Vec<i64> = sent.into_iter().filter(unasked).map(|e| e.at_unix_ms).collect();
        let doubtful = self.store.mails_in_doubt()?.into_iter().filter(|m| m.proposal != write.approval().proposal);
        sent_unix_ms.extend(doubtful.map(|_| now));
        Ok(Some(OwnSender { set_up: set_up.clone(), warm_up: warm_up.clone(), sent_unix_ms }))
    }

    fn all_cases(&self, write: &Approved, now: i64) -> Result<Vec<Case>, Unsaid> {
        let Action::SendMail { mail, .. } = write.action() else { return Ok(Vec::new()) };
        self.note_sent()?;
        let found = carried(mail, self.from.as_deref(), write.approval().at_unix_ms, &self.outreach.settings);
        let mut cases = Vec::new();
        for address in mail.to.iter().chain(&mail.cc) {
            // Whose address cannot be read gets no case, and then the mail goes to nobody.
            let Ok(key) = PersonKey::new(address) else { continue };
            cases.push(self.case((write, mail, &found), (&key, address), now)?);
        }
        let unasked = cases.iter().any(|case| case.facts.purpose == Purpose::Outreach);
        if unasked && self.outreach.calendar.as_ref().is_some_and(|c| !c.is_working(now)) {
            return Err(Unsaid::Hours);
        }
        Ok(cases)
    }

    fn keep_basis(&self, write: &Approved, clearances: &[Clearance], now: i64) -> Result<(), Unsaid> {
        let Action::SendMail { mail, .. } = write.action() else { return Ok(()) };
        let message = &write.approval().digest;
        let mut entries = Vec::new();
        for key in mail.to.iter().chain(&mail.cc).filter_map(|address| PersonKey::new(address).ok()) {
            let Some(clearance) = clearances.iter().find(|c| c.covers(message, &key, Channel::Email, now)) else {
                continue;
            };
            let what = What::Cleared {
                channel: Channel::Email,
                purpose: clearance.purpose(),
                message: message.clone(),
                basis: Box::new(clearance.basis().clone()),
            };
            entries.push((Subject::Person { key }, what));
        }
        let subjects = match self.store.proposal(&write.approval().proposal)? {
            Some(listed) => subjects(&listed.proposal),
            None => vec![write.approval().proposal.to_string()],
        };
        self.store.note_contacts_and(&entries, SERVICE, now, &[self.told(clearances, subjects, now)])?;
        Ok(())
    }

    /// What the audit log says of clearances: the rules they rest on.
    fn told(&self, clearances: &[Clearance], subjects: Vec<String>, at_unix_ms: i64) -> Happening {
        let mut rules: Vec<&str> = clearances.iter().flat_map(|c| &c.basis().rules).map(String::as_str).collect();
        rules.sort_unstable();
        rules.dedup();
        let (version, digest) = (self.outreach.rules.version(), self.outreach.rules.digest());
        let detail = format!("rules {version} {digest}: {}", rules.join(" "));
        Happening { at_unix_ms, by: Actor::service(SERVICE), what: Told::Cleared, subjects, detail }
    }

    fn crm_says(&self, error: &ReadError) -> Unsaid {
        let how = match error {
            ReadError::Unreachable { .. } => "it does not answer",
            ReadError::Busy { .. } => "it asks us to wait",
            ReadError::Forbidden { .. } => "it does not let us in",
            _ => "its answer is not understood",
        };
        Unsaid::Crm { system: self.crm.name().to_owned(), how }
    }
}

impl Book for ContactBook {
    fn rules(&self) -> &Rules {
        &self.outreach.rules
    }

    fn cases(&self, write: &Approved, now_unix_ms: i64) -> Result<Vec<Case>, String> {
        self.all_cases(write, now_unix_ms).map_err(|unsaid| unsaid.to_string())
    }

    fn cleared(&self, write: &Approved, clearances: &[Clearance], now_unix_ms: i64) -> Result<(), String> {
        self.keep_basis(write, clearances, now_unix_ms).map_err(|unsaid| unsaid.to_string())
    }
}
