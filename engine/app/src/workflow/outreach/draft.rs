//! From the card of an account to a message in the inbox, or every reason why there is none.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use reframe_outreach::{
    lint::{Channel, Fault, Footing, Language, NotSendable},
    message::Footer,
    sequence::Happened,
};
use reframe_signal::identity::Unvouched;
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    audit::Actor,
    gate::{Action, Proposal, Unsubscribe},
    handoff::TouchRef,
    outbox::Inbox as _,
};

use super::{
    by_hand::Shown,
    prepare::{Reach, Ready},
    sequences::{Touched, plan_name},
};
use crate::workflow::Office;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The account: an id, a domain or a name.
    pub account: String,
    /// Address, profile or number of who gets it; left out: the one the card opens with.
    pub to: Option<String>,
    /// Language; left out: that of the first pain in the settings.
    pub language: Option<Language>,
    /// By what, instead of what the plan says.
    pub channel: Option<Channel>,
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

/// The next touch.
#[derive(Clone, Debug)]
pub enum Made {
    /// A mail: it waits in the inbox.
    Mail(Box<Written>),
    /// Something that a person copies and sends, or says: it is shown, and waits for their word.
    Card(Box<Shown>),
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
    /// They are not to be written to, or not now.
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
    NoDraft(#[from] reframe_outreach::draft::NoDraft),
    /// It breaks rules by now.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<Fault>),
    /// It cannot be sent.
    #[error("{0}")]
    NotSendable(#[from] NotSendable),
}

impl Office {
    /// Drafts the next touch to somebody at an account and puts it before a person. Inside: why there is none.
    ///
    /// # Errors
    /// If the store, the CRM or a file of the settings cannot be read.
    pub fn draft_touch(&self, asked: &Asked) -> anyhow::Result<Result<Made, NotDrafted>> {
        let ready = match self.prepare(asked)? {
            Ok(ready) => ready,
            Err(why) => return Ok(Err(why)),
        };
        match ready.reach {
            Reach::Mail { .. } => {
                Ok(self.propose_mail(ready, asked.as_mailbox_draft)?.map(|made| Made::Mail(Box::new(made))))
            }
            Reach::ByHand { .. } => Ok(self.make_card(ready)?.map(|made| Made::Card(Box::new(made)))),
        }
    }

    /// The same, by mail whatever the plan says.
    ///
    /// # Errors
    /// As [`draft_touch`](Self::draft_touch).
    pub fn draft_message(&self, asked: &Asked) -> anyhow::Result<Result<Written, NotDrafted>> {
        let by_mail = Asked { channel: Some(Channel::Email), ..asked.clone() };
        let ready = match self.prepare(&by_mail)? {
            Ok(ready) => ready,
            Err(why) => return Ok(Err(why)),
        };
        self.propose_mail(ready, asked.as_mailbox_draft)
    }

    /// Makes a mail of what is ready: a draft, and the proposal to send it.
    fn propose_mail(&self, ready: Ready, as_mailbox_draft: bool) -> anyhow::Result<Result<Written, NotDrafted>> {
        let Ready { card_id, warnings, account, key, mut kept, nth, drafted, because, reach, .. } = ready;
        let Reach::Mail { vouched } = reach else { bail!("this touch is made by hand") };
        let now = (self.clock)();
        let outreach = self.settings.outreach.as_ref().context("[workflow.outreach] is missing")?;
        let mailto = outreach.unsubscribe_mail.clone().context("workflow.outreach.unsubscribe_mail is missing")?;
        let token = self.secret.stop_token(key.as_str());
        if kept.token != token {
            // What was sent with the former one still counts.
            kept.former_tokens.push(std::mem::replace(&mut kept.token, token));
        }
        let footing = Footing {
            to: vouched.email().to_owned(),
            mail_domain: self.mail_domain(),
            system: self.systems.mail.name().to_owned(),
            because: vec![because],
            parents: vec![card_id.clone()],
            account: Some(account),
            touch: Some(TouchRef { plan: plan_name(&key), nth }),
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
        if as_mailbox_draft {
            let action = Action::CreateDraft { mail: artifact.body.mail.clone() };
            let Proposal { system, because, from, batch, made_unix_ms, .. } = proposal;
            proposal = Proposal::new(system, action, None, because, from, batch, made_unix_ms);
        }
        self.keep(Kind::Draft, &artifact)?;
        // The sequence first: a mail it does not know of would not be sent, one that is missing is drafted again.
        kept.sequence.happened(&Happened::Proposed { nth });
        kept.touches.push(Touched {
            nth,
            message_id: artifact.body.mail.message_id.clone(),
            draft: artifact.id.clone(),
            proposal: proposal.id.clone(),
        });
        self.keep_sequence(&key, &kept)?;
        self.store.put_proposals(std::slice::from_ref(&proposal), &Actor::service("outreach"), now)?;
        let sources = vouched.sources().clone();
        Ok(Ok(Written { draft: artifact.id, card: card_id, proposal, sources, warnings }))
    }

    /// Whether a message says that a program helped: it does, unless the settings switch it off everywhere they speak of.
    pub(super) fn discloses(&self) -> bool {
        let places = self.settings.outreach.as_ref().map(|o| &o.disclosure);
        places.is_none_or(|places| places.is_empty() || places.values().any(|on| *on))
    }
}
