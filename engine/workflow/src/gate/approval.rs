//! A person's click, and what it makes possible.

use reframe_consent::Person;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, ActionError, Marker, Proposal, ProposalId};
use crate::artifact::Digest;

/// How long an approval may wait for its execution: a day. A rep who said yes on Monday has not said yes to Wednesday.
pub const GOOD_FOR_MS: i64 = 24 * 60 * 60 * 1_000;
/// Names of ours that can never approve.
const NOT_PEOPLE: [&str; 4] = ["reframe", "service", "system", "bot"];

/// Somebody who may say yes: a person, never the program's own identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approver(Person);

/// Nobody who may approve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot approve: name the person who decides, by e-mail address or name")]
pub struct BadApprover(String);

impl Approver {
    /// The person in front of the screen.
    ///
    /// # Errors
    /// [`BadApprover`] if the text names nobody, or the program itself.
    pub fn person(name: &str) -> Result<Self, BadApprover> {
        let bad = || BadApprover(name.chars().take(60).collect());
        let person = Person::new(name).map_err(|_| bad())?;
        let first = person.as_str().split(['@', '-', ' ']).next().unwrap_or_default();
        if NOT_PEOPLE.contains(&first) { Err(bad()) } else { Ok(Self(person)) }
    }

    /// The spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// One person's yes to what they saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// Who.
    pub by: Approver,
    /// Digest of what their screen showed.
    pub shown: Digest,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// An approval as it is kept: everything needed to tell later what was approved, and nothing that could be turned into a
/// write without the proposal it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Of which proposal.
    pub proposal: ProposalId,
    /// And which revision of it.
    pub revision: u32,
    /// Digest of the bytes that were approved.
    pub digest: Digest,
    /// Who approved.
    #[schemars(with = "String")]
    pub by: Person,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// From when on it no longer counts.
    pub expires_unix_ms: i64,
}

/// Why there is no approval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// What was shown is not what would be done.
    #[error("what you saw has changed since; look at it again")]
    Changed,
    /// It is over.
    #[error("the approval ran out at {expires_unix_ms} (unix ms); look at it again")]
    Expired {
        /// When it ran out.
        expires_unix_ms: i64,
    },
    /// Nobody could carry it out.
    #[error("it cannot be done as it stands: {0}")]
    Impossible(#[from] ActionError),
}

/// A write that a person has approved. The only key to [`SystemOfRecord::write`](crate::system::SystemOfRecord::write).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    approval: Approval,
    system: String,
    marker: Marker,
    action: Action,
    seen_version: Option<String>,
}

/// Lets a proposal through, if `click` was on exactly this.
///
/// # Errors
/// [`Refusal`].
pub fn approve(proposal: &Proposal, click: &Click) -> Result<Approved, Refusal> {
    if click.shown != proposal.digest() {
        return Err(Refusal::Changed);
    }
    proposal.action.check()?;
    let approval = Approval {
        proposal: proposal.id.clone(),
        revision: proposal.revision,
        digest: click.shown.clone(),
        by: click.by.0.clone(),
        at_unix_ms: click.at_unix_ms,
        expires_unix_ms: click.at_unix_ms.saturating_add(GOOD_FOR_MS),
    };
    Ok(through(proposal, approval))
}

/// Makes the key again from the stored approval, when the time for the write has come.
///
/// # Errors
/// [`Refusal`] if the proposal is no longer what was approved, or the approval is over at `now_unix_ms`.
pub fn reopen(proposal: &Proposal, approval: &Approval, now_unix_ms: i64) -> Result<Approved, Refusal> {
    let same = approval.proposal == proposal.id && approval.revision == proposal.revision;
    if !same || approval.digest != proposal.digest() {
        return Err(Refusal::Changed);
    }
    if now_unix_ms >= approval.expires_unix_ms {
        return Err(Refusal::Expired { expires_unix_ms: approval.expires_unix_ms });
    }
    Approver::person(approval.by.as_str()).map_err(|_| Refusal::Changed)?;
    proposal.action.check()?;
    Ok(through(proposal, approval.clone()))
}

fn through(proposal: &Proposal, approval: Approval) -> Approved {
    let seen = proposal.seen.as_ref().filter(|_| !proposal.action.only_adds());
    Approved {
        approval,
        system: proposal.system.clone(),
        marker: proposal.marker(),
        action: proposal.action.clone(),
        seen_version: seen.map(|s| s.version.clone()),
    }
}

impl Approved {
    /// Who approved which bytes, when and until when.
    #[must_use]
    pub const fn approval(&self) -> &Approval {
        &self.approval
    }

    /// System it is to be done in.
    #[must_use]
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The mark the write must leave.
    #[must_use]
    pub const fn marker(&self) -> &Marker {
        &self.marker
    }

    /// What is to be done.
    #[must_use]
    pub const fn action(&self) -> &Action {
        &self.action
    }

    /// The version of its target it was meant for, of an action that overwrites.
    #[must_use]
    pub fn seen_version(&self) -> Option<&str> {
        self.seen_version.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        artifact::{ArtifactId, Claim, Evidence},
        gate::Seen,
        system::{RecordKind, RecordRef},
    };

    fn proposal() -> Proposal {
        let record = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "7".into() };
        let evidence = vec![Evidence::Event { call: "c".into(), seq: 3 }];
        Proposal::new(
            "local",
            Action::UpdateField {
                record,
                field: "stage".into(),
                before: Some("discovery".into()),
                after: Some("proposal".into()),
            },
            Some(Seen { version: "1".into(), at_unix_ms: 0 }),
            Claim::new("they asked for an offer", evidence, 0.9).unwrap(),
            ArtifactId::of("note_proposal", b"x"),
            "call c",
            5,
        )
    }

    fn click(proposal: &Proposal) -> Click {
        Click { by: Approver::person("Ada").unwrap(), shown: proposal.digest(), at_unix_ms: 10 }
    }

    fn other_stage(proposal: &Proposal) -> Action {
        let Action::UpdateField { record, field, before, .. } = proposal.action.clone() else { panic!() };
        Action::UpdateField { record, field, before, after: Some("closed_won".into()) }
    }

    #[test]
    fn only_what_was_shown_is_approved() {
        let p = proposal();
        assert!(approve(&p, &click(&p)).is_ok());
        let edited = p.edited(other_stage(&p));
        assert_eq!(approve(&edited, &click(&p)), Err(Refusal::Changed));
        // The same contents under another revision, and another version of the target, are something else too.
        assert_eq!(approve(&p.edited(p.action.clone()), &click(&p)), Err(Refusal::Changed));
        let moved = Proposal { seen: Some(Seen { version: "2".into(), at_unix_ms: 9 }), ..p.clone() };
        assert_eq!(approve(&moved, &click(&p)), Err(Refusal::Changed));
    }

    #[test]
    fn an_approval_is_void_after_an_edit_and_after_a_day() {
        let p = proposal();
        let approved = approve(&p, &click(&p)).unwrap();
        assert_eq!(reopen(&p, approved.approval(), 11).unwrap(), approved);
        let end = 10 + GOOD_FOR_MS;
        assert!(reopen(&p, approved.approval(), end - 1).is_ok());
        assert_eq!(reopen(&p, approved.approval(), end), Err(Refusal::Expired { expires_unix_ms: end }));
        // Somebody changed the stored proposal behind the gate's back.
        let tampered = Proposal { action: other_stage(&p), ..p.clone() };
        assert_eq!(reopen(&tampered, approved.approval(), 11), Err(Refusal::Changed));
    }

    #[test]
    fn the_program_itself_cannot_approve() {
        for name in ["reframe", "Reframe-service", "service@reframe.example", "bot", " ", ""] {
            assert!(Approver::person(name).is_err(), "{name}");
        }
        assert_eq!(Approver::person("Robert Botham").unwrap().as_str(), "robert botham");
    }
}
