//! The hand-offs that come before a call.

use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::Claim, gate::Mail, system::RecordRef};

/// Why an account is worth a person's time today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalCard {
    /// The account.
    pub account: RecordRef,
    /// The day it is for.
    #[schemars(with = "String")]
    pub day: Date,
    /// Reasons, the weightiest first.
    pub reasons: Vec<Claim>,
}

/// A message to somebody outside, not sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The message.
    pub mail: Mail,
    /// The signals it is about.
    pub because: Vec<Claim>,
}

/// A meeting that was booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// The calendar's own id.
    pub event: String,
    /// Title.
    pub title: String,
    /// When it begins, in ms since 1970-01-01 UTC.
    pub start_unix_ms: i64,
    /// When it ends.
    pub end_unix_ms: i64,
    /// Who was invited, by e-mail address.
    pub invited: Vec<String>,
    /// The deal it is about.
    pub deal: Option<RecordRef>,
}

/// What to know before a meeting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// The calendar's id of the meeting.
    pub event: String,
    /// Parts in the order they are read; an empty one says that nothing was found.
    pub parts: Vec<(String, Vec<Claim>)>,
}
