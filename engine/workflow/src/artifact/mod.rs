//! What a stage makes: a body, where it came from, and who or what made it.

mod claim;
mod id;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    claim::{Claim, Evidence, NoEvidence},
    id::{ArtifactId, BadId, Digest, canonical},
};

/// The stages' hand-offs, in the order of a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Why an account is worth a person's time today.
    SignalCard,
    /// A message to somebody outside, not sent.
    Draft,
    /// A meeting that was booked.
    Meeting,
    /// What to know before it.
    Brief,
    /// What was said in a call.
    CallTranscript,
    /// What is to be written down about it.
    NoteProposal,
    /// Fields of a record that should read otherwise.
    FieldProposal,
    /// How a call was led, measured against a rubric.
    Debrief,
}

impl Kind {
    /// The word in ids and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignalCard => "signal_card",
            Self::Draft => "draft",
            Self::Meeting => "meeting",
            Self::Brief => "brief",
            Self::CallTranscript => "call_transcript",
            Self::NoteProposal => "note_proposal",
            Self::FieldProposal => "field_proposal",
            Self::Debrief => "debrief",
        }
    }
}

/// Which program text made an artifact, so that a change of rules or of a model can be told from a change of facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// The task: `post_call`, `hygiene`.
    pub task: String,
    /// Version of its rules, raised when its output may change.
    pub version: u32,
    /// Model that wrote, if one did: `anthropic:claude-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Name and digest of the prompt it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl Maker {
    /// Rules alone.
    #[must_use]
    pub fn rules(task: &str, version: u32) -> Self {
        Self { task: task.to_owned(), version, model: None, prompt: None }
    }
}

/// A hand-off with its lineage. The id follows from everything else, so the same work done twice is the same artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Artifact<T> {
    /// Kind and digest of all that follows.
    pub id: ArtifactId,
    /// What it was made from.
    pub parents: Vec<ArtifactId>,
    /// What made it.
    pub maker: Maker,
    /// The thing itself.
    pub body: T,
}

impl<T: Serialize> Artifact<T> {
    /// Puts an artifact together.
    #[must_use]
    pub fn new(kind: Kind, parents: Vec<ArtifactId>, maker: Maker, body: T) -> Self {
        let id = Self::id_of(kind, &parents, &maker, &body);
        Self { id, parents, maker, body }
    }

    fn id_of(kind: Kind, parents: &[ArtifactId], maker: &Maker, body: &T) -> ArtifactId {
        ArtifactId::of(kind.as_str(), &canonical(&(kind, parents, maker, body)))
    }

    /// Whether id and contents belong together.
    #[must_use]
    pub fn is_genuine(&self, kind: Kind) -> bool {
        self.id == Self::id_of(kind, &self.parents, &self.maker, &self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_the_contents() {
        let make = |body: &str| Artifact::new(Kind::Draft, vec![], Maker::rules("test", 1), body.to_owned());
        assert_eq!(make("a").id, make("a").id);
        assert_ne!(make("a").id, make("b").id);
        let mut forged = make("a");
        assert!(forged.is_genuine(Kind::Draft));
        forged.body = "b".into();
        assert!(!forged.is_genuine(Kind::Draft));
        assert!(!make("a").is_genuine(Kind::Brief));
    }
}
