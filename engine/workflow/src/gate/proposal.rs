//! What a stage would like to have done, with the reason for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Action;
use crate::artifact::{ArtifactId, Claim, Digest, canonical};

/// Name of a proposal; follows from its first contents, or from what was found, so the same work done twice proposes the
/// same thing once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ProposalId(pub ArtifactId);

impl std::fmt::Display for ProposalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a write leaves in the system so that it can be found again: `rf-` and 20 hexadecimal digits. It follows from the
/// proposal alone, not from its revision: an edited proposal is the same piece of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    fn of(id: &ProposalId) -> Self {
        Self(format!("rf-{}", &Digest::of(id.0.as_str().as_bytes()).as_str()[..20]))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The state in which the target was seen when the proposal was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Its version, as its system calls it.
    pub version: String,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// What a stage would like to have done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Its name.
    pub id: ProposalId,
    /// Raised by every edit, from 1.
    pub revision: u32,
    /// System it is to be done in: `local`, `hubspot`, `gmail`.
    pub system: String,
    /// What.
    pub action: Action,
    /// How its target read.
    pub seen: Option<Seen>,
    /// Why, with what that rests on.
    pub because: Claim,
    /// What it was drafted in.
    pub from: ArtifactId,
    /// Proposals that belong together, decided in one click if the rep likes: the call or the night they come from.
    pub batch: String,
    /// When it was made, in ms since 1970-01-01 UTC.
    pub made_unix_ms: i64,
    /// What was found that it is to mend, if a review found it: the same every night, whatever day it proposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
}

/// What a person approves: all that decides which bytes go out, and nothing else.
#[derive(Serialize)]
struct Bytes<'a> {
    proposal: &'a ProposalId,
    revision: u32,
    marker: Marker,
    system: &'a str,
    action: &'a Action,
    /// Of an action that overwrites: the version it was meant for.
    seen: Option<&'a str>,
}

impl Proposal {
    /// A first revision.
    #[must_use]
    pub fn new(
        system: impl Into<String>,
        action: Action,
        seen: Option<Seen>,
        because: Claim,
        from: ArtifactId,
        batch: impl Into<String>,
        made_unix_ms: i64,
    ) -> Self {
        let (system, batch) = (system.into(), batch.into());
        let id = ProposalId(ArtifactId::of("proposal", &canonical(&(&system, &action, &from, &batch))));
        Self { id, revision: 1, system, action, seen, because, from, batch, made_unix_ms, finding: None }
    }

    /// The same proposal, as the `nth` that mends this finding. Its name follows from these two alone: the day it
    /// proposes, and the night it was found in, may be others, and two runs in one night propose it once.
    #[must_use]
    pub fn mending(self, finding: String, nth: usize) -> Self {
        let id = ProposalId(ArtifactId::of("proposal", &canonical(&(&self.system, &finding, nth))));
        Self { id, finding: Some(finding), ..self }
    }

    /// The next revision, with other contents: what was approved before is void.
    #[must_use]
    pub fn edited(&self, action: Action) -> Self {
        Self { revision: self.revision + 1, action, ..self.clone() }
    }

    /// The mark its write leaves.
    #[must_use]
    pub fn marker(&self) -> Marker {
        Marker::of(&self.id)
    }

    /// The bytes that are approved.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let seen = self.seen.as_ref().filter(|_| !self.action.only_adds());
        canonical(&Bytes {
            proposal: &self.id,
            revision: self.revision,
            marker: self.marker(),
            system: &self.system,
            action: &self.action,
            seen: seen.map(|s| s.version.as_str()),
        })
    }

    /// Digest of [`bytes`](Self::bytes): what a screen sends back with a click.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }
}
