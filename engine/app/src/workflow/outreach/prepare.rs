//! Everything about the next touch but its way out: who, which, about what, in which words; or why there is none.

use anyhow::{Context, bail};
use reframe_outreach::{
    draft::{Drafted, Request, draft},
    lint::{Channel, Language},
    sequence::Next,
};
use reframe_policy::{
    ledger::{PersonKey, standing},
    rules::Purpose,
};
use reframe_signal::{feed::AccountRecord, identity::Vouched};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Digest},
    handoff::SignalCard,
    system::RecordRef,
    verify,
};

use super::{
    draft::{Asked, NotDrafted},
    sequences::{KeptSequence, around},
};
use crate::workflow::{
    Office,
    contact_book::Person,
    known_contact::keys_of,
    signals::{ContactAt, Market},
};

/// The way a touch goes.
pub enum Reach {
    /// By mail, to an address that two sources vouch for.
    Mail {
        /// The address.
        vouched: Vouched,
    },
    /// By a person's hand.
    ByHand {
        /// By what.
        channel: Channel,
        /// What the person opens: a profile, or a number.
        open: String,
    },
}

/// A touch in its words, before it goes anywhere.
pub struct Ready {
    /// The card it comes from.
    pub card_id: ArtifactId,
    /// Warnings of the card that a person should know.
    pub warnings: Vec<String>,
    /// Where they work.
    pub account: RecordRef,
    /// Their name.
    pub name: String,
    /// All that is known of them at this moment.
    pub person: Person,
    /// The key their sequence is kept under.
    pub key: PersonKey,
    /// Their sequence.
    pub kept: KeptSequence,
    /// Which touch of it.
    pub nth: u8,
    /// The words.
    pub drafted: Drafted,
    /// What they rest on.
    pub because: Claim,
    /// The way it goes.
    pub reach: Reach,
}

impl Office {
    /// Prepares the next touch to somebody at an account. Inside: why there is none.
    pub(super) fn prepare(&self, asked: &Asked) -> anyhow::Result<Result<Ready, NotDrafted>> {
        // The proof that all is there; nothing below is reached without it.
        let _cleared = match self.preflight()?.cleared() {
            Ok(cleared) => cleared,
            Err(blocked) => return Ok(Err(NotDrafted::NotCleared(blocked.to_string()))),
        };
        let (events, _) = self.events()?;
        let market = self.market(&events)?;
        let account = match market.find(&asked.account) {
            Ok(account) => account,
            Err(why) => return Ok(Err(NotDrafted::Account(why))),
        };
        let Some((card_id, card)) = self.latest_card(&account.at)? else {
            return Ok(Err(NotDrafted::NoCard(account.name.clone())));
        };
        let contact = match choose(&market, account, &card, asked.to.as_deref()) {
            Ok(contact) => contact,
            Err(why) => return Ok(Err(NotDrafted::NoContact(why))),
        };
        let name = contact.name.clone();
        let now = (self.clock)();
        let vouched = contact.vouched(now);
        let keys = keys_to(contact, vouched.as_ref().ok());
        let Some(first) = keys.first() else {
            let why = format!("{name} has no address, profile or number that can be read; add one in the CRM");
            return Ok(Err(NotDrafted::NoContact(why)));
        };
        // As somebody wrote it: the key follows from it.
        let written = vouched.as_ref().ok().map(Vouched::email).or_else(|| contact.email());
        let written = written.filter(|text| PersonKey::new(text).is_ok_and(|key| key == *first));
        let written = written.unwrap_or_else(|| first.as_str()).to_owned();
        let (key, kept) = self.sequence_to(&keys, &written, (&contact.record.at, &account.at))?;
        let around = around(&self.store, &key, &keys, &account.at, now)?;
        let hours = self.hours();
        // It may be written at night; when it goes out is asked again then.
        let at = hours.next_working(now).context("there is no working time at all")?;
        let (nth, planned) = match next(&kept.sequence.next(at, hours, &around), &name) {
            Ok(next) => next,
            // That they want no more is told before whose turn it is.
            Err(why) => {
                let stop = self.stopped(&keys, asked.channel.unwrap_or_default(), now)?;
                return Ok(Err(stop.map_or(NotDrafted::NotNow(why), |why| NotDrafted::Suppressed { name, why })));
            }
        };
        let channel = asked.channel.unwrap_or(planned);
        if let Some(why) = self.stopped(&keys, channel, now)? {
            return Ok(Err(NotDrafted::Suppressed { name, why }));
        }
        let reach = match reach(contact, channel, nth) {
            Ok(None) => match vouched {
                Ok(vouched) => Reach::Mail { vouched },
                Err(why) => return Ok(Err(NotDrafted::Unvouched { name, why })),
            },
            Ok(Some(open)) => Reach::ByHand { channel, open },
            Err(why) => return Ok(Err(NotDrafted::NoContact(why))),
        };
        let book = &self.clearing.0;
        book.note_sent()?;
        let person = book.person(first, &written, now)?;
        // What the CRM says of them is no entry of the ledger.
        if let Some(stop) = person.recipient.standing.stop_on(channel.into()) {
            let why = stop.in_words().to_owned();
            return Ok(Err(NotDrafted::Suppressed { name, why }));
        }
        // Asked when it is drafted, and again when it goes out.
        if let Some(kill) = book.kills(&person, Purpose::Outreach, now)?.into_iter().next() {
            let until = kill.until_unix_ms.map_or_else(String::new, |until| format!(", until {}", instant(until)));
            return Ok(Err(NotDrafted::Suppressed { name, why: format!("{}{until}", kill.reason) }));
        }
        let language = self.language(asked.language);
        let (event, signal) = match self.tellable(&card, account, language)? {
            Ok(told) => told,
            Err(why) => return Ok(Err(NotDrafted::NothingToTell(why))),
        };
        let Some(pain) = self.settings.messages.pain(event.kind, language) else {
            return Ok(Err(NotDrafted::NoPain(language.code())));
        };
        let voice = self.settings.messages.voice()?.context("the voice guide is gone")?;
        let sheet = self.sheet(&account.at)?;
        let request = Request {
            channel,
            seller_first_name: self.settings.messages.seller.trim(),
            contact_first_name: contact.first_name(),
            signal: Some(&signal),
            sheet: &sheet,
            pain: &pain,
            voice: &voice,
            tone: None,
            seed: seed(&card_id, key.as_str(), nth),
        };
        let drafted = match draft(&request) {
            Ok(drafted) => drafted,
            Err(why) => return Ok(Err(why.into())),
        };
        let said = format!("{}: {}", event.kind.words(), drafted.quote);
        let because = signal.claim(&said, &drafted.quote).context("a signal is no reason")?;
        // What it cites stands in what is kept, or nobody gets to see it.
        let items = [(event.id.clone(), event.text())];
        let sources = verify::Sources { items: &items, ..verify::Sources::default() };
        if !verify::check_all(&[&because], sources).is_empty() {
            bail!("the draft cites what its signal does not say; nothing was proposed");
        }
        let (account, warnings) = (account.at.clone(), card.warnings);
        Ok(Ok(Ready { card_id, warnings, account, name, person, key, kept, nth, drafted, because, reach }))
    }

    /// Why somebody is not to be written to by a channel, if the ledger says so of any of their keys.
    fn stopped(&self, keys: &[PersonKey], channel: Channel, now: i64) -> anyhow::Result<Option<String>> {
        let salt = self.clearing.0.salt();
        let entries = self.store.contacts_of(keys, salt)?;
        let stands = standing(&entries, keys, salt, now);
        Ok(stands.stop_on(channel.into()).map(|stop| stop.in_words().to_owned()))
    }

    fn language(&self, asked: Option<Language>) -> Language {
        asked.or_else(|| self.settings.messages.pains.first().map(|p| p.language)).unwrap_or_default()
    }
}

/// Every key of a contact, the address they are written to first.
fn keys_to(contact: &ContactAt, vouched: Option<&Vouched>) -> Vec<PersonKey> {
    let mut keys: Vec<PersonKey> = vouched.and_then(|v| PersonKey::new(v.email()).ok()).into_iter().collect();
    for key in keys_of(&contact.record) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// What a person opens to make a touch by hand; nothing: it goes by mail.
fn reach(contact: &ContactAt, channel: Channel, nth: u8) -> Result<Option<String>, String> {
    let (fields, what): (&[&str], _) = match channel {
        Channel::Email => return Ok(None),
        Channel::Linkedin => (&["linkedin", "linkedin_url"], "profile (https://www.linkedin.com/in/…)"),
        Channel::Sms if nth == 1 => return Err("a first message is no text message; begin by another way".to_owned()),
        // A text reaches no telephone on a desk.
        Channel::Sms => (&["mobile"], "mobile number with its country code (+49…)"),
        Channel::Call => (&["mobile", "phone"], "number with its country code (+49…)"),
    };
    let fits = |text: &&str| PersonKey::new(text).is_ok_and(|key| is_of(&key, channel));
    let found = fields.iter().filter_map(|field| contact.record.field(field)).map(str::trim).find(fits);
    let none =
        || format!("{} has no {what} in the CRM; add it there first, in the field `{}`", contact.name, fields[0]);
    found.map(|open| Some(open.to_owned())).ok_or_else(none)
}

fn is_of(key: &PersonKey, channel: Channel) -> bool {
    let kind = if channel == Channel::Linkedin { "profile:linkedin.com/" } else { "tel:" };
    key.as_str().starts_with(kind)
}

/// An instant as people read it, by UTC.
pub(super) fn instant(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map_or_else(|_| "later".into(), |t| t.to_string())
}

/// Which touch is due and by what; else why none is.
fn next(next: &Next, name: &str) -> Result<(u8, Channel), String> {
    match next {
        Next::Propose { nth, channel } => Ok((*nth, *channel)),
        Next::Decide { nth } => Err(format!(
            "message {nth} to {name} waits in the inbox; decide about it first: reframe review (one by hand: reframe \
             outreach cards)"
        )),
        Next::Wait { until_unix_ms } => {
            Err(format!("the next message to {name} is not before {}", instant(*until_unix_ms)))
        }
        Next::Over { why } => Err(format!("the messages to {name} are over: {}", why.in_words())),
    }
}

/// Who gets it: the one named, who must be on record; else the one the card opens with.
fn choose<'a>(
    market: &'a Market,
    account: &'a AccountRecord,
    card: &SignalCard,
    to: Option<&str>,
) -> Result<&'a ContactAt, String> {
    let people = || market.people(&account.at);
    if let Some(to) = to {
        let key = PersonKey::new(to).ok();
        let same = |c: &&ContactAt| {
            c.email().is_some_and(|e| e.eq_ignore_ascii_case(to.trim()))
                || key.as_ref().is_some_and(|key| keys_of(&c.record).contains(key))
        };
        return people()
            .find(same)
            .ok_or_else(|| format!("{to} is no contact of {} in the CRM; add them there first", account.name));
    }
    let opening = card.opening.as_ref().ok_or_else(|| {
        format!("the card of {} opens with nobody; name somebody with --to, or add contacts to the CRM", account.name)
    })?;
    let named: Vec<&ContactAt> = people().filter(|c| c.name == opening.name).collect();
    match named.as_slice() {
        [one] => Ok(one),
        _ => Err(format!(
            "which {} of {} is meant cannot be told; name the address with --to",
            opening.name, account.name
        )),
    }
}

/// Chooses among phrasings: the same card, person and touch give the same words.
fn seed(card: &ArtifactId, to: &str, nth: u8) -> u64 {
    let digest = Digest::of(format!("{card}\u{1f}{to}\u{1f}{nth}").as_bytes());
    u64::from_str_radix(&digest.as_str()[..15], 16).unwrap_or_default()
}
