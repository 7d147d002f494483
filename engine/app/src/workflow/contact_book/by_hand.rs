//! Touches that a person makes by hand: before they see the text, all is asked that is asked before a mail goes out.

use reframe_policy::{
    Ask, Blocked, Clearance, PersonKey, clear,
    kill::Contact,
    ledger::{Subject, What},
    rules::{Channel, Purpose},
};
use reframe_workflow::artifact::Digest;

use super::{ContactBook, Person, Unsaid};
use crate::workflow::{carried::carried_by_hand, systems::SERVICE};

/// A message that a person copies, or a call that they make.
#[derive(Clone, Copy, Debug)]
pub struct ByHand<'a> {
    /// By what.
    pub channel: Channel,
    /// All of its text.
    pub text: &'a str,
    /// Why its sequence lets it go no more.
    pub sequence_over: Option<&'a str>,
}

impl ByHand<'_> {
    /// Under which digest the ledger has it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}

impl ContactBook {
    /// Clears a message that a person sends by hand now. Inside: every reason why not.
    ///
    /// # Errors
    /// [`Unsaid`]: nobody can say.
    pub fn clear_by_hand(
        &self,
        of: &Person,
        message: &ByHand<'_>,
        now_unix_ms: i64,
    ) -> Result<Result<Clearance, Vec<Blocked>>, Unsaid> {
        let facts = self.facts(of, Purpose::Outreach, now_unix_ms)?;
        let doubtful = self.in_doubt(of, None, now_unix_ms)?;
        let contact = Contact { sequence_over: message.sequence_over.map(str::to_owned), ..doubtful };
        let account = of.recipient.keys.first().map(|key| of.known.account(key)).unwrap_or_default();
        let ask = Ask {
            message: &message.digest(),
            carries: &carried_by_hand(message.text, message.channel, &self.outreach.settings),
            to: &of.recipient,
            channel: message.channel,
            account: &account,
            contact: &contact,
            facts: &facts,
            // Nothing goes out from a domain of ours.
            sender: None,
        };
        Ok(clear(&self.outreach.rules, &ask, now_unix_ms))
    }

    /// Keeps what such a message rests on, before the person sees its text.
    ///
    /// # Errors
    /// [`Unsaid`].
    pub fn keep_by_hand(
        &self,
        key: &PersonKey,
        message: &ByHand<'_>,
        clearance: &Clearance,
        now_unix_ms: i64,
    ) -> Result<(), Unsaid> {
        let what = What::Cleared {
            channel: message.channel,
            purpose: clearance.purpose(),
            message: message.digest(),
            basis: Box::new(clearance.basis().clone()),
        };
        let subjects = vec![format!("contact:{}", self.salt.hash(key))];
        let told = self.told(std::slice::from_ref(clearance), subjects, now_unix_ms);
        let about = Subject::Person { key: key.clone() };
        self.store.note_contacts_and(&[(about, what)], SERVICE, now_unix_ms, &[told])?;
        Ok(())
    }
}
