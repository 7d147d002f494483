//! What holds a message up besides rules of law: kill criteria, what may have gone out already, and its own sequence.

use reframe_outreach::sequence::Held;
use reframe_policy::{
    Kill, evaluate,
    kill::Contact,
    ledger::Touch,
    rules::{Channel, Purpose},
};
use reframe_store::SentMail;
use reframe_workflow::{
    artifact::Kind,
    gate::{Approved, ProposalId},
    handoff::Draft,
    outbox::Inbox as _,
};

use super::{ContactBook, Person, Unsaid};
use crate::workflow::outreach::held;

impl ContactBook {
    /// What holds up a message to a person now, whatever the rules say.
    ///
    /// # Errors
    /// [`Unsaid`].
    pub fn kills(&self, of: &Person, purpose: Purpose, now_unix_ms: i64) -> Result<Vec<Kill>, Unsaid> {
        let facts = self.facts(of, purpose, now_unix_ms)?;
        let mut contact = self.in_doubt(of, None, now_unix_ms)?;
        let standing = &of.recipient.standing;
        contact.touches.extend(standing.touches.iter().cloned());
        contact.replies_unix_ms = standing.replies.iter().map(|(at, _)| *at).collect();
        let account = of.recipient.keys.first().map(|key| of.known.account(key)).unwrap_or_default();
        Ok(evaluate(&account, &contact, now_unix_ms, &facts))
    }

    /// What may have reached a person already, without the message that is asked about.
    pub(super) fn in_doubt(&self, of: &Person, own: Option<&ProposalId>, now: i64) -> Result<Contact, Unsaid> {
        let theirs = |m: &SentMail| Some(&m.proposal) != own && m.to.iter().any(|k| of.recipient.keys.contains(k));
        let touch = |m: SentMail| Touch {
            channel: Channel::Email,
            purpose: Purpose::Outreach,
            message: m.message,
            at_unix_ms: now,
        };
        let touches = self.store.mails_in_doubt()?.into_iter().filter(theirs).map(touch).collect();
        Ok(Contact { touches, ..Contact::default() })
    }

    /// Why the sequence a mail belongs to lets it go no more; nothing: it does, or the mail belongs to none.
    pub(super) fn sequence_says(&self, write: &Approved, of: &Person, now: i64) -> Result<Option<String>, Unsaid> {
        let proposal = &write.approval().proposal;
        let Some(listed) = self.store.proposal(proposal)? else { return Ok(None) };
        if listed.proposal.from.kind() != Kind::Draft.as_str() {
            return Ok(None);
        }
        let kept = self.store.artifact(&listed.proposal.from)?;
        let draft = kept.and_then(|kept| serde_json::from_value::<Draft>(kept.artifact.body).ok());
        let Some(touch) = draft.and_then(|draft| draft.touch) else { return Ok(None) };
        let keys = &of.recipient.keys;
        let held = held(&self.store, (proposal, touch.nth), keys, self.working(), now).map_err(|_| Unsaid::Sequence)?;
        match held {
            Some(Held::Early { .. }) => Err(Unsaid::Early),
            held => Ok(held.map(|held| held.to_string())),
        }
    }
}
