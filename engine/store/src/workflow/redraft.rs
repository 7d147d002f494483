//! A later draft in place of one that nobody has looked at, and the keeping of drafts.

use reframe_workflow::{
    artifact::Artifact,
    audit::{Actor, Happening, What},
    gate::Proposal,
    outbox::{Kept, LedgerError, Redraft, is_untouched},
};
use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::Value;

use super::{Fault, audit_book, from_column, inbox::note, rows, to_column};

/// Keeps an artifact; `false` if it was there already.
pub(super) fn keep(tx: &Transaction<'_>, new: &Kept, by: &Actor) -> Result<bool, Fault> {
    let id = new.artifact.id.as_str();
    let entered = tx
        .prepare_cached(
            "INSERT INTO artifacts (id, kind, body, made_unix_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![id, to_column(&new.kind), to_column(&new.artifact), new.at_unix_ms])?;
    if entered == 0 {
        return Ok(false);
    }
    let maker = &new.artifact.maker;
    let mut subjects = vec![id.to_owned()];
    subjects.extend(new.artifact.parents.iter().map(ToString::to_string));
    let prompt = maker.prompt.as_ref().map_or_else(String::new, |p| format!(" prompt {p}"));
    let detail = format!("{} version {}{prompt}", maker.task, maker.version);
    let (by, what, at_unix_ms) = (by.clone(), What::ArtifactMade, new.at_unix_ms);
    audit_book::add(tx, &[Happening { at_unix_ms, by, what, subjects, detail }])?;
    Ok(true)
}

/// Puts the contents of a later draft into each proposal that is as it was and that no person has seen.
pub(super) fn all(
    tx: &Transaction<'_>,
    draft: &Kept,
    new: &[Redraft],
    by: &Actor,
    at_unix_ms: i64,
) -> Result<Vec<bool>, Fault> {
    // Words may have been erased since it was begun; a draft that was made from them would bring them back.
    if !sources_are_whole(tx, draft)? {
        return Ok(vec![false; new.len()]);
    }
    let mut done = Vec::with_capacity(new.len());
    for redraft in new {
        let kept = rows::find(tx, &redraft.id)?.filter(|kept| is_untouched(&kept.listed, &redraft.was));
        let Some(kept) = kept else {
            done.push(false);
            continue;
        };
        redraft.action.check().map_err(LedgerError::from)?;
        keep(tx, draft, by)?;
        let edited = kept.listed.proposal.edited(redraft.action.clone());
        let next = Proposal { because: redraft.because.clone(), from: draft.artifact.id.clone(), ..edited };
        rows::revise(tx, kept.no, &next)?;
        let detail = format!("by revision {}, bytes {}", next.revision, next.digest());
        note(tx, &next, by, What::Superseded, detail, at_unix_ms)?;
        done.push(true);
    }
    Ok(done)
}

/// Whether all that a draft was made from is there as it was made.
fn sources_are_whole(tx: &Transaction<'_>, draft: &Kept) -> Result<bool, Fault> {
    let mut find = tx.prepare_cached("SELECT kind, body FROM artifacts WHERE id = ?1")?;
    for parent in &draft.artifact.parents {
        let read = |row: &rusqlite::Row<'_>| Ok((from_column(row, 0)?, from_column::<Artifact<Value>>(row, 1)?));
        let found = find.query_row([parent.as_str()], read).optional()?;
        if !found.is_some_and(|(kind, artifact)| artifact.is_genuine(kind)) {
            return Ok(false);
        }
    }
    Ok(true)
}
