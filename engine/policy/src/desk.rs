//! What the outbox asks before it sends: every person a mail goes to is cleared, or nobody gets it.

use std::collections::BTreeSet;

use reframe_workflow::{
    gate::{Action, Approved},
    outbox::{Clearing, NotCleared},
};

use crate::{
    clearance::{Ask, Clearance, Sender, clear},
    decide::Recipient,
    kill::{Account, Contact, Facts},
    ledger::PersonKey,
    rules::{Channel, Need, Rules},
    sender::{SetUp, WarmUp},
};

/// A sender, with what it has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSender {
    /// What its zone says.
    pub set_up: SetUp,
    /// How far its domain is.
    pub warm_up: WarmUp,
    /// When mail went out from it lately, today at least, in ms since 1970-01-01 UTC.
    pub sent_unix_ms: Vec<i64>,
}

/// One person a mail goes to, with all that is known of them at this moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Who.
    pub to: Recipient,
    /// Their account.
    pub account: Account,
    /// What was sent to them and what they said.
    pub contact: Contact,
    /// All else that is known, and what the message is for.
    pub facts: Facts,
    /// What the message carries.
    pub carries: BTreeSet<Need>,
    /// Who sends, if it is outreach.
    pub sender: Option<OwnSender>,
}

/// Where cases come from: the store, read afresh each time.
pub trait Book: Send + Sync {
    /// The rules in force.
    fn rules(&self) -> &Rules;

    /// One case for each person this goes to.
    ///
    /// # Errors
    /// What could not be read, without names: the message then waits.
    fn cases(&self, write: &Approved, now_unix_ms: i64) -> Result<Vec<Case>, String>;

    /// Keeps what a message rests on, before it goes out.
    ///
    /// # Errors
    /// What could not be written: the message then waits.
    fn cleared(&self, write: &Approved, clearances: &[Clearance], now_unix_ms: i64) -> Result<(), String>;
}

/// Clears mail by a book.
#[derive(Clone, Copy, Debug)]
pub struct Desk<B>(pub B);

fn refused<T>(why: impl Into<String>) -> Result<T, NotCleared> {
    Err(NotCleared::Refused { why: why.into() })
}

impl<B: Book> Clearing for Desk<B> {
    fn clear(&self, write: &Approved, now_unix_ms: i64) -> Result<(), NotCleared> {
        let Action::SendMail { mail, .. } = write.action() else {
            return refused("only mail can be cleared here");
        };
        let cases = self.0.cases(write, now_unix_ms).map_err(|problem| NotCleared::Unavailable { problem })?;
        let message = &write.approval().digest;
        let mut clearances = Vec::new();
        for case in &cases {
            let sender = case.sender.as_ref().map(|s| Sender {
                set_up: &s.set_up,
                warm_up: &s.warm_up,
                sent_unix_ms: &s.sent_unix_ms,
            });
            let ask = Ask {
                message,
                carries: &case.carries,
                to: &case.to,
                channel: Channel::Email,
                account: &case.account,
                contact: &case.contact,
                facts: &case.facts,
                sender,
            };
            match clear(self.0.rules(), &ask, now_unix_ms) {
                Ok(clearance) => clearances.push(clearance),
                Err(blocked) => {
                    let why: Vec<String> = blocked.iter().map(ToString::to_string).collect();
                    return refused(why.join("; "));
                }
            }
        }
        // Whoever the book forgot, or spelled otherwise, has no case and gets nothing.
        for address in mail.to.iter().chain(&mail.cc) {
            let Ok(key) = PersonKey::new(address) else { return refused("an address cannot be read") };
            if !clearances.iter().any(|c| c.covers(message, &key, Channel::Email, now_unix_ms)) {
                return refused("nothing is known of somebody it goes to");
            }
        }
        let kept = self.0.cleared(write, &clearances, now_unix_ms);
        kept.map_err(|problem| NotCleared::Unavailable { problem })
    }
}
