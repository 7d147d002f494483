//! From the card of an account to a message in the inbox, or every reason why there is none.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use reframe_outreach::{
    calendar::WorkingTime as _,
    draft::{NoDraft, Request, draft},
    facts::{Fact, Found, SourceClass},
    lint::{Channel, Footing, Language, NotSendable},
    message::Footer,
    sequence::{Happened, Next},
};
use reframe_policy::ledger::{PersonKey, standing};
use reframe_signal::{
    event::{SignalEvent, SignalKind},
    feed::AccountRecord,
    identity::Unvouched,
};
use reframe_store::ItemKind;
use reframe_workflow::{
    artifact::{ArtifactId, Digest, Kind},
    audit::Actor,
    gate::{Action, Proposal, Unsubscribe},
    handoff::{SignalCard, TouchRef},
    outbox::Inbox as _,
    verify,
};

use super::sequences::Touched;
use crate::workflow::{
    Office,
    signals::{ContactAt, Market, cited_items},
};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The account: an id, a domain or a name.
    pub account: String,
    /// Address of who gets it; left out: the one the card opens with.
    pub to: Option<String>,
    /// Language; left out: that of the first pain in the settings.
    pub language: Option<Language>,
    /// Put it among the drafts of the mailbox instead of sending it.
    pub as_mailbox_draft: bool,
}

/// A message that waits for a person.
#[derive(Clone, Debug)]
pub struct Written {
    /// The draft's name.
    pub draft: ArtifactId,
    /// The card it comes from.
    pub card: ArtifactId,
    /// What is decided about.
    pub proposal: Proposal,
    /// Who vouches for the address.
    pub sources: BTreeSet<String>,
    /// Warnings of the card that a person should know.
    pub warnings: Vec<String>,
}

/// Why there is no message. All of these are for a person to read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDrafted {
    /// Outreach may not start.
    #[error("{0}")]
    NotCleared(String),
    /// There is no such account, or several.
    #[error("{0}")]
    Account(String),
    /// Nothing speaks for it.
    #[error(
        "no feed of the last 30 days shows {0}: nothing is written without a reason; look with: reframe signal feed"
    )]
    NoCard(String),
    /// Nobody there can be written to.
    #[error("{0}")]
    NoContact(String),
    /// Nobody vouches for the address.
    #[error("{name} is not written to: {why}")]
    Unvouched {
        /// Who.
        name: String,
        /// Why, and what to do.
        why: Unvouched,
    },
    /// They are not to be written to.
    #[error("{name} is not written to: {why}")]
    Suppressed {
        /// Who.
        name: String,
        /// Why.
        why: String,
    },
    /// The plan says not now, or never.
    #[error("{0}")]
    NotNow(String),
    /// What happened cannot be told to them.
    #[error(
        "none of the signals on the card can be told: each has to be public, with the address where it stands ({0}); \
         wait for another, or import it with its url"
    )]
    NothingToTell(String),
    /// There is no pain to write of.
    #[error(
        "there is no pain for this signal in {0}; write one under [[workflow.messages.pains]]: language, clause, topic"
    )]
    NoPain(&'static str),
    /// No wording holds.
    #[error("{0}")]
    NoDraft(#[from] NoDraft),
    /// It cannot be sent.
    #[error("{0}")]
    NotSendable(#[from] NotSendable),
}

impl Office {
    /// Drafts the next message to somebody at an account and puts it before a person. Inside: why there is none.
    ///
    /// # Errors
    /// If the store, the CRM or a file of the settings cannot be read.
    pub fn draft_message(&self, asked: &Asked) -> anyhow::Result<Result<Written, NotDrafted>> {
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
        let now = (self.clock)();
        let vouched = match contact.vouched(now) {
            Ok(vouched) => vouched,
            Err(why) => return Ok(Err(NotDrafted::Unvouched { name: contact.name.clone(), why })),
        };
        let Ok(key) = PersonKey::new(vouched.email()) else {
            return Ok(Err(NotDrafted::NoContact(format!("the address of {} cannot be read", contact.name))));
        };
        if let Some(why) = self.stopped(&key, now)? {
            return Ok(Err(NotDrafted::Suppressed { name: contact.name.clone(), why }));
        }
        let mut kept = self.sequence_to(&key, vouched.email(), &contact.record.at, &account.at)?;
        // It may be written at night; when it goes out is asked again then.
        let hours = self.hours()?;
        let nth = match next(&kept.sequence.next(hours.next_working(now), &hours), &contact.name) {
            Ok(nth) => nth,
            Err(why) => return Ok(Err(NotDrafted::NotNow(why))),
        };
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
            channel: Channel::Email,
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
        let outreach = self.settings.outreach.as_ref().context("[workflow.outreach] is missing")?;
        let mailto = outreach.unsubscribe_mail.clone().context("workflow.outreach.unsubscribe_mail is missing")?;
        let footing = Footing {
            to: vouched.email().to_owned(),
            mail_domain: self.mail_domain(),
            system: self.systems.mail.name().to_owned(),
            because: vec![because],
            parents: vec![card_id.clone()],
            account: Some(account.at.clone()),
            touch: Some(TouchRef { plan: kept.token.clone(), nth }),
            phrasing: Some(drafted.phrasing.clone()),
            footer: Footer {
                company: outreach.company.clone(),
                postal_address: outreach.postal_address.clone(),
                discloses_ai: self.discloses(),
            },
            unsubscribe: Unsubscribe {
                mailto,
                https: outreach.unsubscribe_url.as_ref().map(|url| format!("{url}{}", kept.token)),
            },
            batch: format!("outreach {}", self.today()?),
            made_unix_ms: now,
        };
        let (artifact, mut proposal) = match drafted.message.proposal(&footing) {
            Ok(made) => made,
            Err(why) => return Ok(Err(why.into())),
        };
        if asked.as_mailbox_draft {
            let action = Action::CreateDraft { mail: artifact.body.mail.clone() };
            let Proposal { system, because, from, batch, made_unix_ms, .. } = proposal;
            proposal = Proposal::new(system, action, None, because, from, batch, made_unix_ms);
        }
        // What it cites stands in what is kept, or nobody gets to see it.
        let items = [(event.id.clone(), event.text())];
        let sources = verify::Sources { items: &items, ..verify::Sources::default() };
        if !verify::check_all(&artifact.body.because.iter().collect::<Vec<_>>(), sources).is_empty() {
            bail!("the draft cites what its signal does not say; nothing was proposed");
        }
        self.keep(Kind::Draft, &artifact)?;
        self.store.put_proposals(std::slice::from_ref(&proposal), &Actor::service("outreach"), now)?;
        kept.sequence.happened(&Happened::Proposed { nth });
        kept.touches.push(Touched {
            nth,
            message_id: artifact.body.mail.message_id.clone(),
            draft: artifact.id.clone(),
            proposal: proposal.id.clone(),
        });
        self.keep_sequence(&key, &kept)?;
        let sources = vouched.sources().clone();
        Ok(Ok(Written { draft: artifact.id, card: card_id, proposal, sources, warnings: card.warnings }))
    }

    /// Why somebody is not to be written to by mail, if the ledger says so.
    fn stopped(&self, key: &PersonKey, now: i64) -> anyhow::Result<Option<String>> {
        let salt = self.clearing.0.salt();
        let entries = self.store.contacts_of(std::slice::from_ref(key), salt)?;
        let stands = standing(&entries, std::slice::from_ref(key), salt, now);
        Ok(stands.stop_on(reframe_policy::Channel::Email).map(|stop| stop.in_words().to_owned()))
    }

    fn language(&self, asked: Option<Language>) -> Language {
        asked.or_else(|| self.settings.messages.pains.first().map(|p| p.language)).unwrap_or_default()
    }

    /// Whether a message says that a program helped: it does, unless the settings switch it off everywhere they speak of.
    fn discloses(&self) -> bool {
        let places = self.settings.outreach.as_ref().map(|o| &o.disclosure);
        places.is_none_or(|places| places.is_empty() || places.values().any(|on| *on))
    }

    /// The weightiest signal of a card that may be told to somebody outside; else what each lacks.
    fn tellable(
        &self,
        card: &SignalCard,
        account: &AccountRecord,
        language: Language,
    ) -> anyhow::Result<Result<(SignalEvent, Fact), String>> {
        let mut lacks = Vec::new();
        for id in card.reasons.iter().flat_map(cited_items) {
            let Some(item) = self.store.item(ItemKind::Signal, &id)? else { continue };
            let Ok(event) = serde_json::from_value::<SignalEvent>(item.body) else { continue };
            let kind = event.kind.words();
            match found(&event, account, language).map(Fact::screen) {
                Some(Ok(fact)) => return Ok(Ok((event, fact))),
                Some(Err(why)) => lacks.push(format!("{kind}: {why}")),
                None => lacks.push(format!("{kind}: not public, or without an address")),
            }
        }
        lacks.dedup();
        Ok(Err(lacks.join("; ")))
    }
}

/// Which touch is due; else why none is.
fn next(next: &Next, name: &str) -> Result<u8, String> {
    match next {
        Next::Propose { nth, .. } => Ok(*nth),
        Next::Decide { nth } => {
            Err(format!("message {nth} to {name} waits in the inbox; decide about it first: reframe review"))
        }
        Next::Wait { until_unix_ms } => {
            let until =
                jiff::Timestamp::from_millisecond(*until_unix_ms).map_or_else(|_| "later".into(), |t| t.to_string());
            Err(format!("the next message to {name} is not before {until}"))
        }
        Next::Over { why } => {
            let why = serde_json::to_value(why).ok().and_then(|v| Some(v.get("why")?.as_str()?.replace('_', " ")));
            Err(format!("the messages to {name} are over: {}", why.unwrap_or_default()))
        }
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
        let same = |c: &&ContactAt| c.email().is_some_and(|e| e.eq_ignore_ascii_case(to.trim()));
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

/// An event as something that may be told: public, and with the address where it stands. What we know of visits, of the
/// use of our product and from vendors of intent is ours to know, and layoffs are no opening.
fn found(event: &SignalEvent, account: &AccountRecord, language: Language) -> Option<Found> {
    let class = match event.kind {
        SignalKind::WebsiteVisit | SignalKind::ProductUsage | SignalKind::IntentTopic | SignalKind::Layoffs => None,
        SignalKind::KeywordPost => Some(SourceClass::ProfessionalPost),
        SignalKind::Hiring => Some(SourceClass::JobPosting),
        _ => Some(SourceClass::News),
    }?;
    let url = event.url.clone()?;
    let host = url.split("://").nth(1)?.split(['/', '?', '#', ':']).next()?.to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host).to_owned();
    let within = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    let own = account.domains.iter().any(|d| within(&d.trim().to_lowercase()));
    let private = ["facebook.com", "instagram.com", "tiktok.com", "snapchat.com", "pinterest.com"];
    let class = match (own, private.into_iter().any(within)) {
        (_, true) => SourceClass::PrivateSocial,
        (true, _) => SourceClass::CompanySite,
        _ => class,
    };
    let source = if own {
        let name = &account.name;
        match language {
            Language::German => format!("Website von {name}"),
            Language::French => format!("site de {name}"),
            _ => format!("the website of {name}"),
        }
    } else {
        // An address in a message would be a link, and messages carry none.
        let label = host.rsplit('.').nth(1).unwrap_or(&host);
        let mut chars = label.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
    };
    Some(Found {
        text: event.line().to_owned(),
        class,
        url: Some(url),
        source,
        item: Some(event.id.clone()),
        at_unix_ms: event.at_unix_ms,
    })
}

/// Chooses among phrasings: the same card, person and touch give the same words.
fn seed(card: &ArtifactId, to: &str, nth: u8) -> u64 {
    let digest = Digest::of(format!("{card}\u{1f}{to}\u{1f}{nth}").as_bytes());
    u64::from_str_radix(&digest.as_str()[..15], 16).unwrap_or_default()
}
