//! The side of stages and screens in the file.

use reframe_consent::Person;
use reframe_workflow::{
    artifact::ArtifactId,
    audit::{Actor, Happening, What},
    gate::{Action, Approval, Click, Proposal, ProposalId, Refusal, approve},
    outbox::{
        Entry, Inbox, Kept as Artifact, LedgerError, Listed, Outcome, Put, Redraft, Standing, VoidWhy, Which, slot,
        subjects,
    },
};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Fault, audit_book, from_column, redraft, rows};
use crate::sqlite::{SqliteLog, column};

impl Inbox for SqliteLog {
    fn put_artifact(&self, new: &Artifact, by: &Actor) -> Result<bool, LedgerError> {
        self.change(|tx| redraft::keep(tx, new, by))
    }

    fn artifact(&self, id: &ArtifactId) -> Result<Option<Artifact>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached("SELECT kind, body, made_unix_ms FROM artifacts WHERE id = ?1")?;
            let read = |row: &rusqlite::Row<'_>| {
                let (kind, artifact) = (from_column(row, 0)?, from_column(row, 1)?);
                Ok(Artifact { kind, artifact, at_unix_ms: row.get(2)? })
            };
            Ok(find.query_row([id.as_str()], read).optional()?)
        })
    }

    fn put_proposals(&self, new: &[Proposal], by: &Actor, at_unix_ms: i64) -> Result<Vec<Put>, LedgerError> {
        self.change(|tx| new.iter().map(|p| put(tx, p, by, at_unix_ms)).collect())
    }

    fn proposal(&self, id: &ProposalId) -> Result<Option<Listed>, LedgerError> {
        self.look(|conn| Ok(rows::find(conn, id)?.map(|kept| kept.listed)))
    }

    fn revision(&self, id: &ProposalId, revision: u32) -> Result<Option<Proposal>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT body FROM revisions WHERE proposal = (SELECT no FROM proposals WHERE id = ?1) AND revision = ?2",
            )?;
            Ok(find.query_row(params![id.0.as_str(), revision], |row| from_column(row, 0)).optional()?)
        })
    }

    fn proposals(&self, which: &Which, limit: usize) -> Result<Vec<Listed>, LedgerError> {
        let mut sql = format!("{} WHERE 1", rows::LISTED);
        if which.waiting {
            sql += " AND standing IN ('open', 'failed', 'void')";
        }
        sql += if which.batch.is_some() { " AND batch = ?1" } else { " AND ?1 IS NULL" };
        sql += if which.standing.is_some() { " AND standing = ?2" } else { " AND ?2 IS NULL" };
        sql += " ORDER BY proposals.no LIMIT ?3";
        self.look(|conn| {
            let mut find = conn.prepare_cached(&sql)?;
            let rows = find.query_map(params![which.batch, which.standing, column(limit as u64)], rows::kept)?;
            Ok(rows.map(|kept| Ok(kept?.listed)).collect::<rusqlite::Result<_>>()?)
        })
    }

    fn shown(&self, ids: &[ProposalId], to: &Person, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.change(|tx| {
            for id in ids {
                let Some(kept) = rows::find(tx, id)? else { continue };
                let proposal = &kept.listed.proposal;
                if kept.shown_revision >= proposal.revision {
                    continue;
                }
                tx.prepare_cached(
                    "UPDATE proposals SET shown_unix_ms = coalesce(shown_unix_ms, ?2), shown_revision = ?3 WHERE no = ?1",
                )?
                .execute(params![kept.no, at_unix_ms, proposal.revision])?;
                let detail = format!("revision {}", proposal.revision);
                note(tx, proposal, &person(to.clone()), What::Shown, detail, at_unix_ms)?;
            }
            Ok(())
        })
    }

    fn approve_batch(&self, clicks: &[(ProposalId, Click)]) -> Result<Vec<Result<Approval, LedgerError>>, LedgerError> {
        self.change(|tx| {
            let each = clicks.iter().map(|(id, click)| match approve_in(tx, id, click) {
                Ok(approval) => Ok(Ok(approval)),
                // Only before anything of it was written.
                Err(Fault::Rule(refused)) => Ok(Err(refused)),
                Err(fault) => Err(fault),
            });
            each.collect()
        })
    }

    fn revise(&self, id: &ProposalId, click: &Click, action: Action) -> Result<Proposal, LedgerError> {
        self.change(|tx| {
            let kept = still_as_shown(tx, id, click)?;
            action.check().map_err(LedgerError::from)?;
            let next = kept.listed.proposal.edited(action);
            let by = clicker(click);
            take_back(tx, &kept, VoidWhy::Edited, &by, click.at_unix_ms)?;
            rows::revise(tx, kept.no, &next)?;
            // What its target has outrun stays so: an edit does not make it about the target as it is now.
            let outrun = matches!(&kept.listed.standing, Standing::Void { why: VoidWhy::TargetChanged { .. } });
            let standing = if outrun && !next.action.only_adds() { kept.listed.standing } else { Standing::Open };
            rows::stand(tx, kept.no, &standing, None)?;
            let detail = format!("revision {} bytes {}", next.revision, next.digest());
            note(tx, &next, &by, What::Edited, detail, click.at_unix_ms)?;
            Ok(next)
        })
    }

    fn redraft(
        &self,
        draft: &Artifact,
        new: &[Redraft],
        by: &Actor,
        at_unix_ms: i64,
    ) -> Result<Vec<bool>, LedgerError> {
        self.change(|tx| redraft::all(tx, draft, new, by, at_unix_ms))
    }

    fn reject(&self, id: &ProposalId, click: &Click, reason: &str) -> Result<(), LedgerError> {
        self.change(|tx| {
            let kept = still_as_shown(tx, id, click)?;
            let by = clicker(click);
            take_back(tx, &kept, VoidWhy::TakenBack, &by, click.at_unix_ms)?;
            let rejected = Standing::Rejected { by: who(click), reason: reason.to_owned() };
            rows::stand(tx, kept.no, &rejected, Some(click.at_unix_ms))?;
            let detail = format!("revision {}", kept.listed.proposal.revision);
            note(tx, &kept.listed.proposal, &by, What::Rejected, detail, click.at_unix_ms)
        })
    }
}

fn put(tx: &Transaction<'_>, new: &Proposal, by: &Actor, at_unix_ms: i64) -> Result<Put, Fault> {
    if let Some(known) = rows::find(tx, &new.id)? {
        return refresh(tx, &known, new, by, at_unix_ms);
    }
    let mut newer = None;
    if let Some(slot) = slot(new) {
        let sql = format!("{} WHERE slot = ?1 AND standing IN ('open', 'failed', 'void')", rows::LISTED);
        let others = tx.prepare_cached(&sql)?.query_map([slot], rows::kept)?.collect::<rusqlite::Result<Vec<_>>>()?;
        for other in others {
            let old = &other.listed.proposal;
            if old.made_unix_ms > new.made_unix_ms {
                newer = Some(old.id.clone());
                continue;
            }
            rows::stand(tx, other.no, &Standing::Superseded { by: new.id.clone() }, None)?;
            note(tx, old, by, What::Superseded, format!("by {}", new.id), at_unix_ms)?;
        }
    }
    let (standing, result) = match newer {
        Some(by) => (Standing::Superseded { by }, Put::Outdated),
        None => (Standing::Open, Put::New),
    };
    rows::insert(tx, new, &standing)?;
    let detail = format!("{} in {}, bytes {}", new.action.name(), new.system, new.digest());
    note(tx, new, by, What::Proposed, detail, at_unix_ms)?;
    Ok(result)
}

/// The same proposal again. If its target has another version by now and nobody has decided, it is about that version
/// from here on; what a person made of it stays.
fn refresh(
    tx: &Transaction<'_>,
    known: &rows::Kept,
    new: &Proposal,
    by: &Actor,
    at_unix_ms: i64,
) -> Result<Put, Fault> {
    let old = &known.listed.proposal;
    let undecided = matches!(known.listed.standing, Standing::Open | Standing::Void { .. });
    let version = |p: &Proposal| p.seen.as_ref().map(|s| s.version.clone());
    let same = old.action.only_adds() || version(old) == version(new) || new.made_unix_ms < old.made_unix_ms;
    if !undecided || same {
        return Ok(Put::Known);
    }
    let next = Proposal {
        revision: old.revision + 1,
        seen: new.seen.clone(),
        because: new.because.clone(),
        made_unix_ms: new.made_unix_ms,
        ..old.clone()
    };
    rows::revise(tx, known.no, &next)?;
    rows::stand(tx, known.no, &Standing::Open, None)?;
    let detail = format!("by revision {}, for the target as it is now", next.revision);
    note(tx, &next, by, What::Superseded, detail, at_unix_ms)?;
    Ok(Put::Refreshed)
}

fn approve_in(tx: &Transaction<'_>, id: &ProposalId, click: &Click) -> Result<Approval, Fault> {
    let kept = rows::must_find(tx, id)?;
    if !kept.listed.standing.may_be_approved() {
        return Err(LedgerError::Decided { standing: kept.listed.standing }.into());
    }
    let proposal = &kept.listed.proposal;
    let approval = approve(proposal, click).map_err(LedgerError::from)?.approval().clone();
    let no = tx
        .prepare_cached(
            "INSERT INTO approvals (proposal, revision, digest, person, at_unix_ms, expires_unix_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert(params![
            kept.no,
            approval.revision,
            approval.digest.as_str(),
            approval.by.as_str(),
            approval.at_unix_ms,
            approval.expires_unix_ms
        ])?;
    // Entered first and filled in at once, for its number stands in it.
    let entry = tx
        .prepare_cached(
            "INSERT INTO outbox (proposal, approval, state, due_unix_ms, body) VALUES (?1, ?2, 'pending', 0, '')",
        )?
        .insert(params![kept.no, no])?;
    rows::save(tx, &Entry::new(entry.unsigned_abs(), approval.clone()))?;
    let standing = Standing::Approved { by: approval.by.clone(), at_unix_ms: approval.at_unix_ms };
    rows::stand(tx, kept.no, &standing, Some(click.at_unix_ms))?;
    let detail = format!("revision {} bytes {}", approval.revision, approval.digest);
    note(tx, proposal, &clicker(click), What::Approved, detail, click.at_unix_ms)?;
    Ok(approval)
}

/// The proposal, if it may still be changed and reads as it did on the screen.
fn still_as_shown(tx: &Transaction<'_>, id: &ProposalId, click: &Click) -> Result<rows::Kept, Fault> {
    let kept = rows::must_find(tx, id)?;
    let standing = &kept.listed.standing;
    if !standing.waits() && !matches!(standing, Standing::Approved { .. }) {
        return Err(LedgerError::Decided { standing: kept.listed.standing }.into());
    }
    if click.shown != kept.listed.proposal.digest() {
        return Err(LedgerError::from(Refusal::Changed).into());
    }
    Ok(kept)
}

/// Makes an approval void of which nothing was sent. One that may have been sent cannot be taken back: whether it was
/// written would be anybody's guess.
pub(super) fn take_back(
    tx: &Transaction<'_>,
    kept: &rows::Kept,
    why: VoidWhy,
    by: &Actor,
    at_unix_ms: i64,
) -> Result<(), Fault> {
    let Some(entry) = rows::live_entry(tx, kept.no)? else { return Ok(()) };
    if entry.attempts > 0 || entry.doubt.is_some() {
        return Err(LedgerError::BeingWritten.into());
    }
    let detail = format!("outbox {}: {why}", entry.no);
    rows::save(tx, &entry.settled(&Outcome::Void(why), at_unix_ms))?;
    note(tx, &kept.listed.proposal, by, What::Void, detail, at_unix_ms)
}

pub(super) fn note(
    tx: &Transaction<'_>,
    proposal: &Proposal,
    by: &Actor,
    what: What,
    detail: String,
    at_unix_ms: i64,
) -> Result<(), Fault> {
    let subjects = subjects(proposal);
    audit_book::add(tx, &[Happening { at_unix_ms, by: by.clone(), what, subjects, detail }])
}

fn who(click: &Click) -> Person {
    Person::new(click.by.as_str()).expect("an approver is a person")
}

fn person(name: Person) -> Actor {
    Actor::Person { name }
}

fn clicker(click: &Click) -> Actor {
    person(who(click))
}
