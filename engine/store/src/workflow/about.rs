//! What was drafted about one record, and taking a proposal back that its record or its occasion has outrun.

use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    audit::{Actor, What},
    gate::ProposalId,
    outbox::{LedgerError, Standing, VoidWhy},
    system::RecordRef,
};
use rusqlite::params;

use super::{
    Fault,
    inbox::{note, take_back},
    rows, to_column,
};
use crate::sqlite::{SqliteLog, column};

/// Proposals that one call makes about its deal, at the most, as far as the bound of a look goes.
const OF_A_CALL: u64 = 40;

impl SqliteLog {
    /// Calls whose write-up is about this record, each with the notes its proposals come from; the latest call first, at
    /// most `limit` calls.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn notes_about(&self, record: &RecordRef, limit: usize) -> Result<Vec<(String, Vec<ArtifactId>)>, LedgerError> {
        // Batches of calls are found by their index, and only those that hold the record's own text are read.
        let sql = format!(
            "{} WHERE proposals.batch >= 'call ' AND proposals.batch < 'call!' AND instr(revisions.body, ?1) > 0
             ORDER BY proposals.no DESC LIMIT ?2",
            rows::LISTED
        );
        let most = (limit as u64).saturating_mul(OF_A_CALL);
        let read: Vec<rows::Kept> = self.look(|conn| {
            let mut find = conn.prepare_cached(&sql)?;
            let rows = find.query_map(params![to_column(record), column(most)], rows::kept)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        let mut out: Vec<(String, Vec<ArtifactId>)> = Vec::new();
        for proposal in read.into_iter().map(|kept| kept.listed.proposal) {
            let of_note = proposal.from.kind() == Kind::NoteProposal.as_str();
            let Some(call) = proposal.batch.strip_prefix("call ") else { continue };
            if !of_note || proposal.action.target() != Some(record) {
                continue;
            }
            let at = out.iter().position(|(known, _)| known == call).unwrap_or_else(|| {
                out.push((call.to_owned(), Vec::new()));
                out.len() - 1
            });
            if !out[at].1.contains(&proposal.from) {
                out[at].1.push(proposal.from);
            }
        }
        out.truncate(limit);
        Ok(out)
    }

    /// Makes a proposal void that makes no sense any more, for a reason outside of it: a meeting that was called off. It
    /// cannot be approved then; a person still sees it with the reason. `false` if it is done, decided otherwise, or being
    /// written: then it stays as it is.
    ///
    /// # Errors
    /// [`LedgerError::Unknown`], [`LedgerError::Store`].
    pub fn outrun(&self, id: &ProposalId, problem: &str, by: &Actor, at_unix_ms: i64) -> Result<bool, LedgerError> {
        let done = self.change(|tx| {
            let kept = rows::must_find(tx, id)?;
            let why = VoidWhy::TargetChanged { problem: problem.to_owned() };
            match kept.listed.standing {
                Standing::Open | Standing::Failed { .. } | Standing::Void { .. } => {
                    let detail = format!("revision {}: {why}", kept.listed.proposal.revision);
                    note(tx, &kept.listed.proposal, by, What::Void, detail, at_unix_ms)?;
                }
                Standing::Approved { .. } => take_back(tx, &kept, why.clone(), by, at_unix_ms)?,
                _ => return Ok(false),
            }
            rows::stand(tx, kept.no, &Standing::Void { why }, None)?;
            Ok::<bool, Fault>(true)
        });
        match done {
            Err(LedgerError::BeingWritten) => Ok(false),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use reframe_workflow::{
        artifact::{Claim, Evidence},
        gate::{Action, Approver, Click, Proposal},
        outbox::Inbox as _,
        system::RecordKind,
    };

    use super::*;

    fn deal(id: &str) -> RecordRef {
        RecordRef { system: "local".into(), kind: RecordKind::Deal, id: id.into() }
    }

    fn put(store: &SqliteLog, about: &str, from: &str, batch: &str) -> Proposal {
        let because = Claim::new("x", vec![Evidence::Event { call: "c".into(), seq: 1 }], 0.9).unwrap();
        let action = Action::CreateNote { about: deal(about), body: "a note".into(), at_unix_ms: 0 };
        let from = ArtifactId::of(from, batch.as_bytes());
        let made = Proposal::new("local", action, None, because, from, batch, 0);
        store.put_proposals(std::slice::from_ref(&made), &Actor::service("test"), 0).unwrap();
        made
    }

    #[test]
    fn the_calls_of_a_deal_are_found_and_no_others() {
        let store = SqliteLog::in_memory().unwrap();
        let one = put(&store, "7", "note_proposal", "call one");
        let two = put(&store, "7", "note_proposal", "call two");
        put(&store, "77", "note_proposal", "call of another deal");
        put(&store, "7", "field_proposal", "call that is no note");
        put(&store, "7", "note_proposal", "night 2026-03-02");
        let found = store.notes_about(&deal("7"), 10).unwrap();
        assert_eq!(found, [("two".to_owned(), vec![two.from]), ("one".to_owned(), vec![one.from])]);
        assert_eq!(store.notes_about(&deal("7"), 1).unwrap().len(), 1);
        assert_eq!(store.notes_about(&deal("8"), 10).unwrap(), []);
    }

    #[test]
    fn what_was_outrun_cannot_be_approved_and_what_is_on_its_way_comes_back() {
        let store = SqliteLog::in_memory().unwrap();
        let by = Actor::service("prep");
        for approved in [false, true] {
            let made = put(&store, "7", "brief", &format!("meeting {approved}"));
            let by_ada = Approver::person("Ada King").unwrap();
            let click = Click { by: by_ada, shown: made.digest(), at_unix_ms: 1 };
            if approved {
                store.approve(&made.id, &click).unwrap();
            }
            assert!(store.outrun(&made.id, "the meeting was called off", &by, 2).unwrap());
            let standing = store.proposal(&made.id).unwrap().unwrap().standing;
            assert!(standing.to_string().contains("called off") && !standing.may_be_approved(), "{standing}");
            assert!(store.approve(&made.id, &click).is_err());
        }
        let made = put(&store, "7", "brief", "meeting rejected");
        let click = Click { by: Approver::person("Ada King").unwrap(), shown: made.digest(), at_unix_ms: 1 };
        store.reject(&made.id, &click, "no").unwrap();
        assert!(!store.outrun(&made.id, "the meeting was called off", &by, 2).unwrap());
    }
}
