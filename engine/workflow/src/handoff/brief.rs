//! What to know before a meeting: what call prep hands to the person and to the live call.

use reframe_call::deal::Deal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artifact::Claim;

/// What to know before a meeting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brief {
    /// The calendar's id of the meeting.
    pub event: String,
    /// Parts in the order they are read; an empty one says that nothing was found.
    pub parts: Vec<(String, Vec<Claim>)>,
    /// Of each empty part: what would fill it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty: Vec<(String, String)>,
    /// When the meeting begins for which it was made, in ms since 1970-01-01 UTC; 0: not said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_unix_ms: i64,
    /// When it was made, in ms since 1970-01-01 UTC; 0: not said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub made_unix_ms: i64,
    /// Digest of all that it was made from: another one means that it is out of date.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub facts: String,
    /// What the buyer is likely to object, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<LikelyObjection>,
    /// What to ask, the most useful first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<AimedQuestion>,
    /// What the live call is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
}

impl Brief {
    /// Every statement it makes, for checking what they cite.
    #[must_use]
    pub fn claims(&self) -> Vec<&Claim> {
        let parts = self.parts.iter().flat_map(|(_, claims)| claims);
        let likely = self.objections.iter().map(|o| &o.because);
        parts.chain(likely).chain(self.questions.iter().map(|q| &q.ask)).collect()
    }
}

/// An objection that is likely to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LikelyObjection {
    /// Class: `price`.
    pub label: String,
    /// How likely it is held to be, 0 to 1.
    pub likelihood: f32,
    /// Play whose card answers it, if the playbook has one.
    pub play: Option<String>,
    /// Why it is likely, and what that rests on.
    pub because: Claim,
}

/// A question and the gap it is to close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AimedQuestion {
    /// The gap: `exit/budget`, `contact/economic_buyer`, `stakeholder/dana`.
    pub gap: String,
    /// The question, and what shows the gap.
    pub ask: Claim,
}

/// What the live call is told before it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Names the recogniser should lean towards, the most telling first, in lower case: `context` of the message that
    /// begins a call, at most 200.
    pub context: Vec<String>,
    /// What chooses among the texts of cards: `deal` of the same message.
    pub deal: Deal,
    /// Plays whose cards are likely to be needed, the likeliest first.
    pub plays: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(ms: &i64) -> bool {
    *ms == 0
}
