//! The last question before a message goes out: all of it, at once, about exactly these bytes.
//!
//! A [`Clearance`] comes from [`clear`] alone:
//!
//! ```compile_fail
//! use reframe_policy::{Basis, Channel, Clearance, PersonKey, Purpose};
//! use reframe_workflow::artifact::Digest;
//! fn forge(message: Digest, to: Vec<PersonKey>, channel: Channel, purpose: Purpose, basis: Basis) -> Clearance {
//!     Clearance { message, to, channel, purpose, basis, given_unix_ms: 0, until_unix_ms: i64::MAX }
//! }
//! ```
//!
//! ```compile_fail
//! fn read(json: &str) -> Option<reframe_policy::Clearance> {
//!     serde_json::from_str(json).ok()
//! }
//! ```
//!
//! ```
//! fn read(json: &str) -> Option<reframe_policy::Basis> {
//!     serde_json::from_str(json).ok()
//! }
//! ```

use std::collections::BTreeSet;

use reframe_workflow::artifact::Digest;
use serde::Serialize;

use crate::{
    clock::MINUTE_MS,
    decide::{Basis, Decision, Recipient, policy},
    kill::{Account, Contact, Facts, Kill, evaluate},
    ledger::PersonKey,
    rules::{Channel, Need, Purpose, Rules},
    sender::{Finding, SetUp, WarmUp},
};

/// How long a clearance holds, in ms: five minutes. It is asked for right before the write; what takes longer asks again.
pub const GOOD_FOR_MS: i64 = 5 * MINUTE_MS;

/// The sender of mail.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// What its zone says.
    pub set_up: &'a SetUp,
    /// How far its domain is.
    pub warm_up: &'a WarmUp,
    /// When mail went out from it lately, today at least, in ms since 1970-01-01 UTC.
    pub sent_unix_ms: &'a [i64],
}

/// What is asked: may this message go to this person now.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Digest of the message's bytes, as they will go out.
    pub message: &'a Digest,
    /// What it carries, as linter and connector found it.
    pub carries: &'a BTreeSet<Need>,
    /// To whom.
    pub to: &'a Recipient,
    /// By what.
    pub channel: Channel,
    /// Their account.
    pub account: &'a Account,
    /// What was sent to them and what they said.
    pub contact: &'a Contact,
    /// All else that is known, and what the message is for.
    pub facts: &'a Facts,
    /// Who sends outreach by mail. Without, that is refused.
    pub sender: Option<Sender<'a>>,
}

/// A reason why it may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "by", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blocked {
    /// A rule, or a suppression.
    #[error("{why} ({rule})")]
    Policy {
        /// Which.
        rule: String,
        /// Why.
        why: String,
    },
    /// Something about the account or the moment.
    #[error("{}", .kill.reason)]
    Kill {
        /// What.
        kill: Kill,
    },
    /// The message lacks what the rules ask for.
    #[error("the message lacks {}", lacks(.missing))]
    Lacks {
        /// What.
        missing: BTreeSet<Need>,
    },
    /// The sender's zone.
    #[error("the sender's domain is not set up: {}", .finding.problem)]
    Sender {
        /// What is wrong.
        finding: Finding,
    },
    /// Nobody said who sends.
    #[error("no sender is set up for outreach by mail")]
    NoSender,
    /// The sender's domain is too young.
    #[error("the sender's domain is being warmed up: day {day} of {of}")]
    WarmUp {
        /// The day it is.
        day: i64,
        /// The day sending begins.
        of: u32,
        /// When that is, in ms since 1970-01-01 UTC.
        until_unix_ms: i64,
    },
    /// Enough for today.
    #[error("{cap} messages have gone out today, which is the most for now")]
    DailyCap {
        /// The most for today.
        cap: u32,
        /// When today ends, in ms since 1970-01-01 UTC.
        until_unix_ms: i64,
    },
}

fn lacks(missing: &BTreeSet<Need>) -> String {
    let words: Vec<&str> = missing.iter().map(|need| need.in_words()).collect();
    words.join(", ")
}

impl Need {
    /// In words, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::SenderIdentity => "who sends it",
            Self::PostalAddress => "a postal address",
            Self::UnsubscribeLine => "a line to unsubscribe",
            Self::UnsubscribeHeaders => "the headers to unsubscribe (List-Unsubscribe)",
            Self::SourceOfData => "where their data comes from",
            Self::ObjectionNotice => "that they may object",
            Self::AiDisclosure => "that a machine helped to write it",
        }
    }
}

/// This message may go to this person by this channel, for a few minutes. No public constructor, no `Deserialize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clearance {
    message: Digest,
    to: Vec<PersonKey>,
    channel: Channel,
    purpose: Purpose,
    basis: Basis,
    given_unix_ms: i64,
    until_unix_ms: i64,
}

impl Clearance {
    /// Whether it is for this message, person and channel, and holds now.
    #[must_use]
    pub fn covers(&self, message: &Digest, to: &PersonKey, channel: Channel, now_unix_ms: i64) -> bool {
        let in_time = self.given_unix_ms <= now_unix_ms && now_unix_ms < self.until_unix_ms;
        in_time && self.message == *message && self.to.contains(to) && self.channel == channel
    }

    /// What it rests on: to be kept with the message.
    #[must_use]
    pub const fn basis(&self) -> &Basis {
        &self.basis
    }

    /// What the message is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// When it ends, in ms since 1970-01-01 UTC.
    #[must_use]
    pub const fn until_unix_ms(&self) -> i64 {
        self.until_unix_ms
    }
}

/// Clears a message, or tells every reason why not.
///
/// # Errors
/// All [`Blocked`], never an empty list.
pub fn clear(rules: &Rules, ask: &Ask<'_>, now_unix_ms: i64) -> Result<Clearance, Vec<Blocked>> {
    let now = now_unix_ms;
    let purpose = ask.facts.purpose;
    let mut blocked: Vec<Blocked> = Vec::new();
    let decision = policy(rules, ask.to, ask.channel, purpose, now);
    let basis = match decision {
        Decision::Allow { basis } => {
            let missing: BTreeSet<Need> = basis.needs.difference(ask.carries).copied().collect();
            if !missing.is_empty() {
                blocked.push(Blocked::Lacks { missing });
            }
            Some(*basis)
        }
        Decision::Deny { rule, why } => {
            blocked.push(Blocked::Policy { rule, why });
            None
        }
    };
    // The person's own history holds the touches and answers of all channels, whoever put the contact together.
    let mut contact = ask.contact.clone();
    let standing = &ask.to.standing;
    contact.touches.extend(standing.touches.iter().filter(|t| !ask.contact.touches.contains(t)).cloned());
    contact.replies_unix_ms.extend(standing.replies.iter().map(|(at, _)| *at));
    blocked.extend(evaluate(ask.account, &contact, now, ask.facts).into_iter().map(|kill| Blocked::Kill { kill }));
    // An answer or a follow-up goes out from the rep's own mailbox.
    if ask.channel == Channel::Email && purpose == Purpose::Outreach {
        match ask.sender {
            None => blocked.push(Blocked::NoSender),
            Some(sender) => blocked.extend(may_send(sender, now)),
        }
    }
    match basis {
        Some(basis) if blocked.is_empty() => {
            let latest = now.saturating_add(GOOD_FOR_MS);
            Ok(Clearance {
                message: ask.message.clone(),
                to: ask.to.keys.clone(),
                channel: ask.channel,
                purpose,
                // What it rests on may end sooner.
                until_unix_ms: basis.expires_unix_ms.map_or(latest, |end| end.min(latest)),
                basis,
                given_unix_ms: now,
            })
        }
        _ => Err(blocked),
    }
}

fn may_send(sender: Sender<'_>, now: i64) -> Vec<Blocked> {
    let findings = sender.set_up.check().into_iter().filter(|f| f.blocks);
    let mut blocked: Vec<Blocked> = findings.map(|finding| Blocked::Sender { finding }).collect();
    match sender.warm_up.allowance(now) {
        Err(not) => blocked.push(Blocked::WarmUp { day: not.day, of: not.of, until_unix_ms: not.until_unix_ms }),
        Ok(cap) => {
            let (sent, until_unix_ms) = sender.warm_up.sent_today(sender.sent_unix_ms, now);
            if sent >= usize::try_from(cap).unwrap_or(usize::MAX) {
                blocked.push(Blocked::DailyCap { cap, until_unix_ms });
            }
        }
    }
    blocked
}
