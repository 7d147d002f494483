//! Seven layers of a sales stack, each with the fault it most often has: values in, findings with what to do out.
//!
//! Layers and faults are those of the playbook's table. What is not told is not taken for
//! well: a layer nobody looked at is a finding of its own.

mod layers;
mod text;
mod vitals;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    text::text,
    vitals::{
        Channel, Conversation, Data, DataSource, Engagement, Forecast, Identity, Input, Observability, Runtime, Task,
        Vitals,
    },
};

/// A layer, from the ground up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Where accounts and contacts are kept.
    Data,
    /// Who somebody is and what they care about.
    Identity,
    /// What drafts and classifies.
    Runtime,
    /// What reaches a buyer.
    Engagement,
    /// What is recorded and understood of calls.
    Conversation,
    /// What is expected to be sold.
    Forecast,
    /// What is known of all that afterwards.
    Observability,
}

impl Layer {
    /// All seven.
    pub const ALL: [Self; 7] = [
        Self::Data,
        Self::Identity,
        Self::Runtime,
        Self::Engagement,
        Self::Conversation,
        Self::Forecast,
        Self::Observability,
    ];

    /// The words on screens.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Identity => "Identity and intent",
            Self::Runtime => "Runtime",
            Self::Engagement => "Engagement",
            Self::Conversation => "Conversation",
            Self::Forecast => "Forecast",
            Self::Observability => "Observability",
        }
    }

    /// The fault it most often has, in the playbook's words.
    #[must_use]
    pub const fn gotcha(self) -> &'static str {
        match self {
            Self::Data => "Tool-by-tool data silos, no source of truth",
            Self::Identity => "Buying signals without explanation, hard to act on",
            Self::Runtime => "One-tier on the cheapest model, low message quality",
            Self::Engagement => "Channel-specific tools that do not share context",
            Self::Conversation => "Tool installed but adoption below 50%",
            Self::Forecast => "Forecasting on CRM stage alone",
            Self::Observability => "No audit trail until an incident",
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is not known.
    Unknown,
    /// It will cost.
    Warning,
    /// The layer's own fault: see to it before anything is built on it.
    Gotcha,
}

/// Something to see to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Where.
    pub layer: Layer,
    /// A short name that stays: `silos`, `adoption`.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// What was found, with the numbers.
    pub says: String,
    /// What to do.
    pub todo: String,
}

/// Everything found, the worst first, then by layer.
#[must_use]
pub fn doctor(vitals: &Vitals) -> Vec<Finding> {
    let mut all = layers::check(vitals);
    all.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.layer.cmp(&b.layer)).then(a.id.cmp(&b.id)));
    all
}
