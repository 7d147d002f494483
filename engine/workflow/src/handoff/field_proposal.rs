//! A field of a record that should read otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::Claim, system::RecordRef};

/// A field that should read otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldProposal {
    /// The record.
    pub record: RecordRef,
    /// Version it was read at.
    pub version: String,
    /// Our name of the field.
    pub field: String,
    /// What it reads; nothing: it is empty.
    pub before: Option<String>,
    /// What it should read; nothing: it should be empty.
    pub after: Option<String>,
    /// Why.
    pub because: Claim,
    /// Which rule says so: `stage-exit/discovery`, `post-call`.
    pub rule: String,
}
