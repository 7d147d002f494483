//! What a review found: what is wrong, how sure that is, what it rests on, and what to do about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::Change;
use crate::{
    artifact::{ArtifactId, Claim, Digest, canonical},
    gate::{Action, Proposal, Seen},
    handoff::TaskProposal,
    system::RecordRef,
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Untidy.
    Low,
    /// It will cost the deal time.
    Concern,
    /// It may cost the deal.
    High,
}

/// What to do about a finding. Either goes through the gate; neither is done by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Suggest {
    /// Change a field.
    Change {
        /// From what to what.
        change: Change,
    },
    /// Remind the seller.
    Task {
        /// Of what, and by when.
        task: TaskProposal,
    },
}

/// Something found in a deal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The deal.
    pub deal: RecordRef,
    /// Version of the deal it was found in.
    pub version: String,
    /// Which rule found it: `stale/evaluation`, `risk/no-executive-sponsor`.
    pub rule: String,
    /// What of several things of this kind in the deal: a task, a promise; else empty.
    pub subject: String,
    /// How bad.
    pub level: Level,
    /// What is wrong, what that rests on and how sure it is.
    pub what: Claim,
    /// What to do.
    pub suggest: Suggest,
}

impl Finding {
    /// Tells it from every other finding, and is the same every night until it is mended.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {} {}", self.deal, self.rule, self.subject)
    }

    /// What it is found by again on another night: the deal, the rule, what of several things, and of a field that
    /// would be changed how it reads now. Not the day that is proposed, which is another one every night.
    #[must_use]
    pub fn identity(&self) -> String {
        let what = self.change().map(|c| (c.get().field.as_str(), c.get().before.as_deref()));
        Digest::of(&canonical(&(&self.deal, &self.rule, &self.subject, what))).to_string()
    }

    /// The field change it suggests, if it suggests one.
    #[must_use]
    pub const fn change(&self) -> Option<&Change> {
        match &self.suggest {
            Suggest::Change { change } => Some(change),
            Suggest::Task { .. } => None,
        }
    }

    /// As a proposal for the gate, the `nth` about this finding. `from` is the artifact it stands in, `batch` the night it
    /// was found in, times are in ms since 1970-01-01 UTC.
    #[must_use]
    pub fn proposal(
        &self,
        from: ArtifactId,
        batch: &str,
        nth: usize,
        read_unix_ms: i64,
        made_unix_ms: i64,
    ) -> Proposal {
        let (action, version) = match &self.suggest {
            Suggest::Change { change } => {
                let p = change.get();
                let action = Action::UpdateField {
                    record: p.record.clone(),
                    field: p.field.clone(),
                    before: p.before.clone(),
                    after: p.after.clone(),
                };
                (action, &p.version)
            }
            Suggest::Task { task } => {
                let action = Action::CreateTask {
                    about: self.deal.clone(),
                    subject: task.what.text().to_owned(),
                    body: self.what.text().to_owned(),
                    due: task.due,
                    owner: None,
                };
                (action, &self.version)
            }
        };
        let seen = Seen { version: version.clone(), at_unix_ms: read_unix_ms };
        Proposal::new(&self.deal.system, action, Some(seen), self.what.clone(), from, batch, made_unix_ms)
            .mending(self.identity(), nth)
    }
}
