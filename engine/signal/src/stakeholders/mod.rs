//! Who has which part in the decision: from titles, and from what was said in calls.

mod calls;
mod map;
mod titles;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    calls::{Spoken, spoken},
    map::{Known, Opening, Stakeholder, opening, stakeholders},
    titles::{RoleGuess, role_of_title},
};

/// A part in the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Wants it and speaks for it inside.
    Champion,
    /// Decides on the money.
    Economic,
    /// Decides whether it can be run.
    Technical,
    /// Works with it.
    User,
    /// Can stop it and gains nothing by it: purchasing, law, data protection, works council.
    Blocker,
    /// Nobody can tell.
    Unknown,
}

impl Role {
    /// The word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Champion => "champion",
            Self::Economic => "economic",
            Self::Technical => "technical",
            Self::User => "user",
            Self::Blocker => "blocker",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests;
