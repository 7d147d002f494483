//! A meeting that was booked: what a calendar hands to call prep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::system::RecordRef;

/// A meeting that was booked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// E-mail address of whoever called the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<String>,
    /// Where it is, as the calendar has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Address to join it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Set if it was called off; the times are then those it had, or 0 where the calendar no longer tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}
