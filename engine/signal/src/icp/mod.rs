//! Whom we sell to, as a file a machine reads: fit, intent and exclusion. The page people read is made
//! from it.

mod judge;
mod markdown;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    judge::{FitPart, Judgement},
    markdown::markdown,
    read::{IcpError, read, schema},
};
use crate::event::SignalKind;

/// Days after which a profile is stale, whatever its own `refresh_by` says: a quarter.
pub const STALE_DAYS: i32 = 90;

/// An ideal customer profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Icp {
    /// What it is called.
    pub name: String,
    /// Raised with every change, from 1.
    pub version: u32,
    /// The day it came into force.
    #[schemars(with = "String")]
    pub valid_from: Date,
    /// The day by which a person looks at it again.
    #[schemars(with = "String")]
    pub refresh_by: Date,
    /// What makes an account fit, each with its weight; at least one.
    pub fit: Vec<FitRule>,
    /// What counts as interest, replacing the defaults of these kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intent: Vec<IntentRule>,
    /// What keeps an account out, whatever else speaks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion: Vec<ExclusionRule>,
}

/// Something that makes an account fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FitRule {
    /// Its name, unique in the file.
    pub id: String,
    /// How much it counts against the others, 1 to 100.
    pub weight: u32,
    /// What has to hold.
    pub when: Predicate,
}

/// What a kind of signal counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntentRule {
    /// The kind.
    pub kind: SignalKind,
    /// Points of a fresh one, -100 to 100.
    pub points: i32,
    /// Days until half of it is left, 1 to 365.
    pub half_life_days: u32,
}

/// Something that keeps an account out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExclusionRule {
    /// Its name, unique in the file.
    pub id: String,
    /// Why, in words people read.
    pub reason: String,
    /// What has to hold.
    pub when: Predicate,
}

/// A fact about an account with one value that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextField {
    /// What it does.
    Industry,
    /// Two letters of ISO 3166: `DE`.
    Country,
    /// Part of the market: `mid`.
    Segment,
    /// Who owns it: `public`, `private`, `state`.
    Ownership,
}

/// A fact about an account with one value that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberField {
    /// How many people work there.
    Employees,
    /// Of these, how many sell.
    Sellers,
    /// Revenue a year in US dollars.
    RevenueUsd,
    /// The year it was founded.
    Founded,
}

/// A fact about an account with several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListField {
    /// Tools in use.
    Tech,
    /// Whatever the team marks accounts with: `competitor`, `churned-2026`.
    Tags,
}

/// What has to hold. Its fields are typed: a number cannot be compared with a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Predicate {
    /// The text is one of these, whatever the case.
    OneOf {
        /// Which.
        field: TextField,
        /// At least one.
        values: Vec<String>,
    },
    /// The number lies between these, both included; at least one of them is given.
    Between {
        /// Which.
        field: NumberField,
        /// From.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        least: Option<i64>,
        /// To.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<i64>,
    },
    /// The list has at least one of these, whatever the case.
    HasAny {
        /// Which.
        field: ListField,
        /// At least one.
        values: Vec<String>,
    },
    /// Each of these holds.
    All {
        /// At least one.
        of: Vec<Predicate>,
    },
    /// At least one of these holds.
    Any {
        /// At least one.
        of: Vec<Predicate>,
    },
    /// This does not hold.
    Not {
        /// Which.
        of: Box<Predicate>,
    },
}

/// What is known of an account; what is missing is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firmographics {
    /// Texts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<TextField, String>,
    /// Numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<NumberField, i64>,
    /// Lists; a list that is there and empty is known to be empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<ListField, BTreeSet<String>>,
}

impl Icp {
    /// What every output made with it has to say if it is stale or not yet in force; nothing while it is good.
    #[must_use]
    pub fn warning(&self, today: Date) -> Option<String> {
        let (now, from, by) = (civil_day(today), civil_day(self.valid_from), civil_day(self.refresh_by));
        let age = from.until(now).map_or(0, |span| span.get_days());
        let named = format!("ICP \"{}\" version {}", self.name, self.version);
        if age < 0 {
            return Some(format!("{named} is valid from {} only", self.valid_from));
        }
        if now > by {
            return Some(format!("{named} was to be looked at by {}: refresh it", self.refresh_by));
        }
        (age > STALE_DAYS).then(|| format!("{named} is {age} days old, more than {STALE_DAYS}: refresh it"))
    }
}

/// A day as the library for calendars has it.
pub(crate) fn civil_day(day: Date) -> civil::Date {
    day.to_string().parse().expect("both hold the days of the years 1 to 9999")
}

#[cfg(test)]
mod tests;
