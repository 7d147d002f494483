//! A statement and what it rests on. What rests on nothing cannot be written down: the type has no such value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::system::RecordRef;

/// Where something can be looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// Words of a call, exactly as its transcript has them.
    Words {
        /// Name of the call.
        call: String,
        /// Number of the utterance in it.
        utterance: u32,
        /// Where the words begin, in ms since the call's first sample.
        from_ms: u64,
        /// Where they end.
        to_ms: u64,
        /// The words, joined with single spaces.
        quote: String,
    },
    /// An event of a call: a card that was used, a note that was taken.
    Event {
        /// Name of the call.
        call: String,
        /// Its number in the log.
        seq: u64,
    },
    /// A field of a record as it was read.
    Field {
        /// The record.
        record: RecordRef,
        /// Its field.
        field: String,
        /// What it said; nothing: it was empty.
        value: Option<String>,
        /// When it was read, in ms since 1970-01-01 UTC.
        read_unix_ms: i64,
    },
    /// Something published or received: news of a company, a line of a mail, a passage a person pasted.
    Source {
        /// Our name of it, which its content decides: `signal/…`, `mail/…`, `fact/…`.
        item: String,
        /// Where it can be looked at, if it has an address.
        url: Option<String>,
        /// The words, exactly as the item has them.
        quote: String,
        /// When it was published or received, in ms since 1970-01-01 UTC.
        at_unix_ms: i64,
    },
}

/// There was nothing to rest a claim on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a claim needs at least one piece of evidence")]
pub struct NoEvidence;

/// A statement with at least one piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Unchecked")]
pub struct Claim {
    text: String,
    evidence: Vec<Evidence>,
    confidence: f32,
}

/// A claim as it is read, before it is checked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Claim")]
struct Unchecked {
    text: String,
    evidence: Vec<Evidence>,
    confidence: f32,
}

impl TryFrom<Unchecked> for Claim {
    type Error = NoEvidence;

    fn try_from(u: Unchecked) -> Result<Self, NoEvidence> {
        Self::new(u.text, u.evidence, u.confidence)
    }
}

impl Claim {
    /// A statement, what it rests on, and how sure it is (0 to 1).
    ///
    /// # Errors
    /// [`NoEvidence`].
    pub fn new(text: impl Into<String>, evidence: Vec<Evidence>, confidence: f32) -> Result<Self, NoEvidence> {
        if evidence.is_empty() {
            return Err(NoEvidence);
        }
        Ok(Self { text: text.into(), evidence, confidence: confidence.clamp(0.0, 1.0) })
    }

    /// The statement.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it rests on; never empty.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// How sure it is, 0 to 1.
    #[must_use]
    pub const fn confidence(&self) -> f32 {
        self.confidence
    }

    /// The same evidence under other words: what a person made of it.
    #[must_use]
    pub fn reworded(&self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rests_on_nothing_cannot_be_said() {
        assert_eq!(Claim::new("they will sign", vec![], 1.0), Err(NoEvidence));
        let error = serde_json::from_str::<Claim>(r#"{"text":"x","evidence":[],"confidence":1.0}"#).unwrap_err();
        assert!(error.to_string().contains("at least one piece of evidence"));
    }
}
