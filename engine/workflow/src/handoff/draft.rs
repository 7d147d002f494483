//! A message to somebody outside, not sent: what outreach hands to the gate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::Claim, gate::Mail, system::RecordRef};

/// Which touch of which plan a draft is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TouchRef {
    /// Name of the plan: one for an account's contact.
    pub plan: String,
    /// Which touch of it, from 1.
    pub nth: u8,
}

/// What a message's words were held against, so that an edit can be held against the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftGrounds {
    /// First name of who signs.
    pub seller: String,
    /// First name of who gets it.
    pub contact: String,
    /// The signal it is about, in the words of its source.
    pub signal: String,
    /// What else may be said.
    pub facts: Vec<String>,
    /// What stands below the name; no edit touches it.
    pub footer: String,
}

/// A message to somebody outside, not sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The message.
    pub mail: Mail,
    /// The signals it is about, and every other statement in it with its source.
    pub because: Vec<Claim>,
    /// The account it is for, so that the way from signal to call can be followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<RecordRef>,
    /// Language of the message: `en`, `de`, `fr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Which touch it is, if it belongs to a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touch: Option<TouchRef>,
    /// How it was phrased: style and variant, so that the same input gives the same draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrasing: Option<String>,
    /// What its words were held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounds: Option<DraftGrounds>,
}
