//! What a person may ask: what is on record about them, and why they are, or are not, written to. Values, to be shown or
//! handed over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, PersonKey, Salt, Standing, Subject, standing};
use crate::{
    decide::{Decision, Recipient, policy},
    rules::{Channel, Purpose, Rules},
};

/// One channel and purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelView {
    /// By what.
    pub channel: Channel,
    /// What for.
    pub purpose: Purpose,
    /// Whether, and on what that rests.
    pub decision: Decision,
}

/// Why a person is, or is not, written to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Version of the rules.
    pub rules_version: u32,
    /// Every channel and purpose.
    pub decisions: Vec<ChannelView>,
    /// What is in force.
    pub standing: Standing,
    /// How it is decided, in a few sentences.
    pub logic: String,
}

/// How it is decided; the same for everybody.
const LOGIC: &str = "A suppression refuses everything it covers before any rule is read. Then all rules of the places the \
person is known to be in must hold; a place, channel or purpose without a rule is refused, and so is what rests on a fact \
nobody wrote down. No score and no model takes part. A person of ours approves each message, and may always decide not to \
send it.";

/// Why a person is, or is not, written to.
#[must_use]
pub fn explain(rules: &Rules, recipient: &Recipient, now_unix_ms: i64) -> Explanation {
    let both = Channel::ALL.into_iter().flat_map(|c| Purpose::ALL.map(|p| (c, p)));
    let decisions = both.map(|(channel, purpose)| {
        let decision = policy(rules, recipient, channel, purpose, now_unix_ms);
        ChannelView { channel, purpose, decision }
    });
    Explanation {
        rules_version: rules.version(),
        decisions: decisions.collect(),
        standing: recipient.standing.clone(),
        logic: LOGIC.to_owned(),
    }
}

/// All that is on record about a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// Who: all keys they are known under.
    pub person: Vec<PersonKey>,
    /// Their entries, and those of an earlier erasure; none about anybody else.
    pub entries: Vec<Entry>,
    /// What is in force.
    pub standing: Standing,
}

/// All that is on record about a person.
#[must_use]
pub fn access(entries: &[Entry], keys: &[PersonKey], salt: &Salt, now_unix_ms: i64) -> Access {
    let hashes: Vec<_> = keys.iter().map(|key| salt.hash(key)).collect();
    let theirs = |e: &&Entry| match &e.about {
        Subject::Person { key } => keys.contains(key),
        Subject::Erased { hash } => hashes.contains(hash),
        Subject::Domain { .. } | Subject::Everybody => false,
    };
    Access {
        person: keys.to_vec(),
        entries: entries.iter().filter(theirs).cloned().collect(),
        standing: standing(entries, keys, salt, now_unix_ms),
    }
}
