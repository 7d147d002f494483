//! A message that the linter let through, and what it becomes: a proposal, or a card to copy from.

use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Claim, Digest, Kind, Maker, canonical},
    gate::{Action, Mail, Proposal, Unsubscribe},
    handoff::{Draft, DraftGrounds, TouchRef},
    system::RecordRef,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Candidate, Channel, edit};
use crate::message::Footer;

/// Name of the task in the lineage, and the version of its rules.
pub const MAKER: (&str, u32) = ("outreach", 1);

/// A message that breaks no rule. It has no public constructor and is not read from files: [`lint`](super::lint) makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Linted {
    candidate: Candidate,
}

/// Where a message stands: everything about it that is not its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Footing {
    /// Address it goes to.
    pub to: String,
    /// Domain for the `Message-ID`: that of the address it is sent from.
    pub mail_domain: String,
    /// Mailbox it is sent from: `gmail`.
    pub system: String,
    /// What it is about, and every other statement with its source; at least one.
    pub because: Vec<Claim>,
    /// What it was made from.
    pub parents: Vec<ArtifactId>,
    /// The account it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<RecordRef>,
    /// Which touch of which plan it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<TouchRef>,
    /// How it was phrased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrasing: Option<String>,
    /// What is put below the name.
    pub footer: Footer,
    /// Where a wish to get no more goes.
    pub unsubscribe: Unsubscribe,
    /// Messages that are decided together: the day, the plan.
    pub batch: String,
    /// Now, in ms since 1970-01-01 UTC.
    pub made_unix_ms: i64,
}

/// Why a message becomes no proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSendable {
    /// Only mail is sent; the others are copied by a person.
    #[error("this program sends e-mail only; open the card, copy the text and confirm that you sent it")]
    Copied,
    /// It rests on nothing.
    #[error("it rests on no signal; give at least one claim with its source")]
    NoReason,
    /// What is below the name is not complete.
    #[error("there is no postal address to put below the name; write it into the settings")]
    NoAddress,
}

impl Linted {
    pub(super) fn new(candidate: Candidate) -> Self {
        Self { candidate }
    }

    /// The message.
    #[must_use]
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// The hand-off, with a `Message-ID` that follows from its contents.
    ///
    /// # Errors
    /// [`NotSendable`].
    pub fn draft(&self, footing: &Footing) -> Result<Artifact<Draft>, NotSendable> {
        if self.candidate.channel != Channel::Email {
            return Err(NotSendable::Copied);
        }
        if footing.because.is_empty() {
            return Err(NotSendable::NoReason);
        }
        let footer = footing.footer.text(self.candidate.language).ok_or(NotSendable::NoAddress)?;
        let body = edit::whole(&self.candidate.body, &footer);
        let subject = self.candidate.subject.trim().to_owned();
        let contents = canonical(&(&footing.to, &subject, &body, &footing.parents, &footing.touch));
        let mail = Mail {
            message_id: format!("<rf-{}@{}>", &Digest::of(&contents).as_str()[..32], footing.mail_domain),
            to: vec![footing.to.clone()],
            cc: vec![],
            subject,
            body,
            in_reply_to: None,
            thread: None,
            unsubscribe: Some(footing.unsubscribe.clone()),
        };
        let draft = Draft {
            mail,
            because: footing.because.clone(),
            account: footing.account.clone(),
            language: Some(self.candidate.language.code().to_owned()),
            touch: footing.touch.clone(),
            phrasing: footing.phrasing.clone(),
            grounds: Some(DraftGrounds {
                seller: self.candidate.seller_first_name.clone(),
                contact: self.candidate.contact_first_name.clone(),
                signal: self.candidate.signal.clone(),
                facts: self.candidate.facts.clone(),
                footer,
            }),
        };
        Ok(Artifact::new(Kind::Draft, footing.parents.clone(), Maker::rules(MAKER.0, MAKER.1), draft))
    }

    /// What a person approves: the sending of exactly this message.
    ///
    /// # Errors
    /// [`NotSendable`].
    pub fn proposal(&self, footing: &Footing) -> Result<(Artifact<Draft>, Proposal), NotSendable> {
        let draft = self.draft(footing)?;
        let action = Action::SendMail { mail: draft.body.mail.clone(), draft: None };
        let because = footing.because.first().cloned().ok_or(NotSendable::NoReason)?;
        let id = draft.id.clone();
        let proposal = Proposal::new(&footing.system, action, None, because, id, &footing.batch, footing.made_unix_ms);
        Ok((draft, proposal))
    }
}
