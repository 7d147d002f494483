//! Why an account is worth a person's time today: what signal hands to outreach.

use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::Claim, system::RecordRef};

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
    /// What it is called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// One paragraph that says why, citing at least one signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<Claim>,
    /// The number it was ranked by, with all that it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<SignalScore>,
    /// Who is known there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<SignalPerson>,
    /// With whom to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<SignalOpening>,
    /// What a person should know of how this was made: a stale profile, an exclusion nobody could check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// `fit × warmth × capacity`, in whole thousandths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalScore {
    /// Thousandths of a point: `fit · warmth · capacity / 1,000,000`, cut towards zero.
    pub milli: i64,
    /// How well it fits, 0 to 1,000: the sum of [`Self::fit`].
    pub fit_milli: i64,
    /// How warm it is, in thousandths of a point: the sum of [`Self::warmth`].
    pub warmth_milli: i64,
    /// How much room its team has, 0 to 1,000.
    pub capacity_milli: i64,
    /// What each rule of the profile adds.
    pub fit: Vec<SignalPart>,
    /// What each signal adds.
    pub warmth: Vec<SignalPart>,
    /// Where the weights of signals come from: `defaults: …`, `fitted on 61 won and 204 lost deals`.
    pub weights: String,
}

/// One part of a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalPart {
    /// What it is: a rule's name, a signal's id (`signal/…`), or `other signals` for those that are not shown one by one.
    pub what: String,
    /// What it adds, in thousandths.
    pub milli: i64,
}

/// Somebody at the account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalPerson {
    /// Their name.
    pub name: String,
    /// Their title, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `champion`, `economic`, `technical`, `user`, `blocker`, `unknown`.
    pub role: String,
    /// How sure that is, 0 to 1.
    pub confidence: f32,
    /// What it rests on besides the title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Claim>,
}

/// With whom to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalOpening {
    /// Their name.
    pub name: String,
    /// Their part in the decision.
    pub role: String,
    /// Why they and nobody else.
    pub reason: String,
}
