//! What people allowed and forbade, and what was sent to them: append-only entries, and the fold to what is in force.

mod fold;
mod person;
mod view;

use std::collections::BTreeSet;

use reframe_workflow::artifact::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    fold::{Balanced, Permitted, Standing, Stop, Touch, standing},
    person::{BadKey, BadSalt, PersonKey, Salt, domain_key},
    view::{Access, ChannelView, Explanation, access, explain},
};
use crate::{
    decide::Basis,
    rules::{Channel, Purpose, Region},
};

/// Whom an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// A person.
    Person {
        /// Who.
        key: PersonKey,
    },
    /// A person who was erased: a salted hash of their key.
    Erased {
        /// [`Salt::hash`].
        hash: Digest,
    },
    /// Everybody at a domain.
    Domain {
        /// As [`domain_key`] spells it.
        domain: String,
    },
    /// Nobody in particular: a balancing test.
    Everybody,
}

/// What a permission rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// They said yes.
    Express,
    /// They said yes in writing, signed.
    Written,
    /// They bought or have a contract; counted from the day of the purchase, or of the contract's end.
    Customer,
    /// They asked about what we sell.
    Inquiry,
    /// They publish their address for their role, with no word against unasked-for messages.
    Published,
    /// They bought, were told then that they may object, and are told each time.
    SoftOptIn,
    /// In a conversation they agreed to hear from us.
    Agreed,
    /// The number was looked up in the do-not-call register, and is not in it.
    RegisterChecked,
}

/// Why somebody is not to be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They unsubscribed.
    Unsubscribe,
    /// They objected to direct marketing (GDPR art. 21(2)-(3)).
    Objection,
    /// They complained.
    Complaint,
    /// They asked to be forgotten.
    Erasure,
    /// There is a dispute, or a court said so.
    Legal,
    /// The address does not work.
    Bounce,
    /// A person of ours decided it.
    Own,
}

impl Reason {
    /// In words, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Unsubscribe => "they unsubscribed",
            Self::Objection => "they objected",
            Self::Complaint => "they complained",
            Self::Erasure => "they asked to be forgotten",
            Self::Legal => "there is a legal matter",
            Self::Bounce => "the address does not work",
            Self::Own => "somebody of ours decided so",
        }
    }

    /// Whether it can hold for one channel alone. What a person said to us is heard on all of them.
    #[must_use]
    pub const fn may_be_narrow(self) -> bool {
        matches!(self, Self::Bounce | Self::Own)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// A permission was given, or a fact came about that the law takes for one.
    Permission {
        /// By what they may be reached.
        channel: Channel,
        /// What for.
        purpose: Purpose,
        /// What it rests on.
        ground: Ground,
        /// How it came about: `web form`, `signed order`.
        method: String,
        /// Where the proof lies: a document's name or digest. Without it the permission does not count.
        proof: String,
        /// When it ends, in ms since 1970-01-01 UTC, if it was given for a time.
        ends_unix_ms: Option<i64>,
    },
    /// Permissions were taken back. Until a new one is given it also counts as an opt-out.
    Withdrawn {
        /// On this channel; nothing: on all.
        channel: Option<Channel>,
        /// How they said so.
        method: String,
    },
    /// Somebody is not to be written to, from now on.
    Suppressed {
        /// Why.
        reason: Reason,
        /// By what it came in, or the channel it is confined to.
        channel: Option<Channel>,
        /// Confined to that channel; heeded only of [`Reason::may_be_narrow`] ones.
        only_there: bool,
    },
    /// A message went out.
    TouchSent {
        /// By what.
        channel: Channel,
        /// What for.
        purpose: Purpose,
        /// The message.
        message: Digest,
        /// What it rested on.
        basis: Option<Box<Basis>>,
    },
    /// A message was found to be lawful, a moment before it was to go out: kept also if it then did not.
    Cleared {
        /// By what.
        channel: Channel,
        /// What for.
        purpose: Purpose,
        /// The message.
        message: Digest,
        /// What it rests on.
        basis: Box<Basis>,
    },
    /// They wrote or called.
    ReplyReceived {
        /// By what.
        channel: Channel,
    },
    /// They complained.
    Complaint {
        /// By what.
        channel: Channel,
    },
    /// They object to being profiled or decided about by machine.
    ProfilingOptOut,
    /// A balancing test was made.
    BalancingTest {
        /// Its name, under which it can be read.
        test: String,
        /// The places it speaks of: countries.
        regions: BTreeSet<Region>,
        /// The channels.
        channels: BTreeSet<Channel>,
        /// And purposes.
        purposes: BTreeSet<Purpose>,
        /// Whether our interest outweighs theirs.
        passed: bool,
    },
    /// All about them was removed.
    Erased,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number; larger ones came later, whatever the clock said.
    pub seq: u64,
    /// When it happened, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Whom it is about.
    pub about: Subject,
    /// What happened.
    pub what: What,
    /// Who wrote it down.
    pub by: String,
}

/// Entries in the order in which they were written. They are only ever added; the one exception is an erasure, which leaves
/// the hash of the person and that they are not to be written to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// A ledger of entries that were kept, in the order of their numbers.
    #[must_use]
    pub fn of(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|e| e.seq);
        Self { entries }
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds an entry, and gives it back with its number.
    pub fn append(&mut self, at_unix_ms: i64, about: Subject, what: What, by: impl Into<String>) -> &Entry {
        let seq = self.entries.last().map_or(0, |e| e.seq + 1);
        let at = self.entries.len();
        self.entries.push(Entry { seq, at_unix_ms, about, what, by: by.into() });
        &self.entries[at]
    }

    /// What is in force for a person at a time, by all keys they are known under.
    #[must_use]
    pub fn standing(&self, keys: &[PersonKey], salt: &Salt, now_unix_ms: i64) -> Standing {
        standing(&self.entries, keys, salt, now_unix_ms)
    }

    /// Removes all about a person, and keeps under their hash that they are not to be written to. Their domain's entries and
    /// those about everybody stay. Gives the number of entries removed.
    pub fn erase(&mut self, keys: &[PersonKey], salt: &Salt, at_unix_ms: i64, by: &str) -> usize {
        let mut seq = self.entries.last().map_or(0, |e| e.seq + 1);
        let before = self.entries.len();
        self.entries.retain(|e| !matches!(&e.about, Subject::Person { key } if keys.contains(key)));
        let removed = before - self.entries.len();
        for key in keys {
            let stop = What::Suppressed { reason: Reason::Erasure, channel: None, only_there: false };
            for what in [What::Erased, stop] {
                let about = Subject::Erased { hash: salt.hash(key) };
                self.entries.push(Entry { seq, at_unix_ms, about, what, by: by.to_owned() });
                seq += 1;
            }
        }
        removed
    }
}
