//! What becomes of a proposal when its target was read again.

use crate::{
    gate::{Action, Proposal, Seen},
    system::Record,
};

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Rebased {
    /// It stands as it is; an approval of it too.
    StillGood,
    /// It makes no sense any more.
    Void {
        /// Why, for a person.
        why: String,
    },
    /// The record moved on and the field did not: the same change on the new version. It is a new revision, so what was
    /// approved before is void and a person must look again.
    Updated(Box<Proposal>),
}

/// Holds a proposal against its target as it reads now (`None`: it is gone), read at `read_unix_ms`.
#[must_use]
pub fn rebase(proposal: &Proposal, target: Option<&Record>, read_unix_ms: i64) -> Rebased {
    let Some(at) = proposal.action.target() else { return Rebased::StillGood };
    let void = |why: String| Rebased::Void { why };
    let Some(record) = target else { return void(format!("{at} is no longer there")) };
    if record.at != *at {
        return void(format!("it is about {at}, and {} was read", record.at));
    }
    let Action::UpdateField { field, before, after, .. } = &proposal.action else { return Rebased::StillGood };
    let reads = record.field(field);
    let shown = |text: Option<&str>| text.map_or("nothing".to_owned(), |t| format!("\"{t}\""));
    if reads == after.as_deref() {
        return void(format!("{field} reads {} already", shown(reads)));
    }
    // First the field, then the version: not every system raises it with every change.
    if reads != before.as_deref() {
        return void(format!("{field} reads {} now, and not {} as before", shown(reads), shown(before.as_deref())));
    }
    if proposal.seen.as_ref().is_some_and(|seen| seen.version == record.version) {
        return Rebased::StillGood;
    }
    let seen = Some(Seen { version: record.version.clone(), at_unix_ms: read_unix_ms });
    Rebased::Updated(Box::new(Proposal { seen, ..proposal.edited(proposal.action.clone()) }))
}
