//! A change of a field that hygiene may propose: any but those that belong to the seller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handoff::FieldProposal;

/// Fields no proposal may touch. The seller's own number is the official commit.
pub const PROTECTED: [&str; 1] = ["forecast_commit"];

/// Whether a field belongs to the seller alone, however it is spelled: `Forecast Commit`, `forecastCommit`.
#[must_use]
pub fn is_protected(field: &str) -> bool {
    let letters = |s: &str| s.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let plain: String = letters(field);
    PROTECTED.iter().any(|p| letters(p) == plain)
}

/// Why a change cannot be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The field belongs to the seller.
    #[error("`{0}` is the seller's own number and is never proposed; show another view beside it")]
    Protected(String),
    /// It would change nothing.
    #[error("`{0}` reads so already; there is nothing to propose")]
    Nothing(String),
}

/// A field that should read otherwise, and may: there is no value of this type for a field of [`PROTECTED`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "FieldProposal", into = "FieldProposal")]
#[schemars(with = "FieldProposal")]
pub struct Change(FieldProposal);

impl Change {
    /// Takes a proposal, if it may be made.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn new(proposal: FieldProposal) -> Result<Self, ChangeError> {
        if is_protected(&proposal.field) {
            return Err(ChangeError::Protected(proposal.field));
        }
        if proposal.before == proposal.after {
            return Err(ChangeError::Nothing(proposal.field));
        }
        Ok(Self(proposal))
    }

    /// The proposal.
    #[must_use]
    pub const fn get(&self) -> &FieldProposal {
        &self.0
    }
}

impl TryFrom<FieldProposal> for Change {
    type Error = ChangeError;

    fn try_from(proposal: FieldProposal) -> Result<Self, ChangeError> {
        Self::new(proposal)
    }
}

impl From<Change> for FieldProposal {
    fn from(change: Change) -> Self {
        change.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artifact::{Claim, Evidence},
        system::{RecordKind, RecordRef},
    };

    fn proposal(field: &str) -> FieldProposal {
        FieldProposal {
            record: RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "1".into() },
            version: "1".into(),
            field: field.into(),
            before: Some("10".into()),
            after: Some("20".into()),
            because: Claim::new("x", vec![Evidence::Event { call: "c".into(), seq: 1 }], 1.0).unwrap(),
            rule: "test".into(),
        }
    }

    #[test]
    fn the_sellers_commit_cannot_be_proposed_however_it_is_spelled() {
        for field in ["forecast_commit", "Forecast Commit", "forecastCommit", "FORECAST-COMMIT", " forecast_commit"] {
            assert_eq!(Change::new(proposal(field)), Err(ChangeError::Protected(field.into())));
            let json = serde_json::to_string(&proposal(field)).unwrap();
            let error = serde_json::from_str::<Change>(&json).unwrap_err().to_string();
            assert!(error.contains("the seller's own number"), "{error}");
        }
        for field in ["amount", "forecast", "commit", "forecast_commit_date"] {
            assert!(Change::new(proposal(field)).is_ok(), "{field}");
        }
        let same = FieldProposal { after: Some("10".into()), ..proposal("amount") };
        assert_eq!(Change::new(same), Err(ChangeError::Nothing("amount".into())));
    }
}
