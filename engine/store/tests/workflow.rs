//! What the workflow's ledger promises, on a file and in memory alike.
#![allow(clippy::unwrap_used)]

use crate::faults::made::{SYSTEM, action, proposal, propose, service};
use reframe_consent::Person;
use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Kind, Maker},
    audit::{Actor, Happening, Head, What, verify_chain},
    gate::{Action, Approver, Click, Proposal, Refusal, Seen},
    outbox::{
        AuditBook, Inbox, Kept, LedgerError, Limits, Outcome, Put, Queue, Standing, State, VoidWhy, Which, Worker,
        whole_record,
    },
    system::{Receipt, RecordKind, RecordRef},
};
use rusqlite::Connection;

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";

fn stages() -> Actor {
    Actor::service("stages")
}

fn click(by: &str, seen: &Proposal, at_unix_ms: i64) -> Click {
    Click { by: Approver::person(by).unwrap(), shown: seen.digest(), at_unix_ms }
}

fn worker(run: &str) -> Worker {
    Worker { run: run.into(), service: "writer".into(), limits: Limits::default() }
}

fn put(log: &SqliteLog, new: &[Proposal]) -> Vec<Put> {
    log.put_proposals(new, &stages(), 0).unwrap()
}

fn standing(log: &SqliteLog, p: &Proposal) -> Standing {
    log.proposal(&p.id).unwrap().unwrap().standing
}

fn receipt() -> Receipt {
    let record = RecordRef { system: SYSTEM.into(), kind: RecordKind::Note, id: "9".into() };
    Receipt { record, version: None, url: None }
}

fn whats(log: &SqliteLog, p: &Proposal) -> Vec<What> {
    log.record_of(p.id.0.as_str()).unwrap().into_iter().map(|e| e.what).collect()
}

fn the_same_work_done_twice_is_proposed_once(log: &SqliteLog) {
    let p = proposal("a", 0, "v0", 1);
    assert_eq!(put(log, &[p.clone(), p.clone()]), [Put::New, Put::Known]);
    log.reject(&p.id, &click(ADA, &p, 2), "no need").unwrap();
    assert_eq!(put(log, std::slice::from_ref(&p)), [Put::Known]);
    assert!(matches!(standing(log, &p), Standing::Rejected { reason, .. } if reason == "no need"));
    assert_eq!(log.proposals(&Which { waiting: true, ..Which::default() }, 10).unwrap(), []);
}

fn a_newer_proposal_about_the_same_field_takes_the_place_of_an_undecided_one(log: &SqliteLog) {
    let old = proposal("a", 1, "v0", 1);
    let Action::UpdateField { record, field, before, .. } = old.action.clone() else { panic!() };
    let change = |after: &str| Action::UpdateField {
        record: record.clone(),
        field: field.clone(),
        before: before.clone(),
        after: Some(after.into()),
    };
    let new = propose("b", change("later"), "v0", 5);
    let late = propose("c", change("from an older run"), "v0", 3);
    let other = proposal("a", 5, "v0", 1);
    assert_eq!(put(log, &[old.clone(), other.clone(), new.clone(), late.clone()])[2..], [Put::New, Put::Outdated]);
    for p in [&old, &late] {
        assert_eq!(standing(log, p), Standing::Superseded { by: new.id.clone() });
        let refused = log.approve(&p.id, &click(ADA, p, 9));
        assert!(matches!(refused, Err(LedgerError::Decided { .. })), "{refused:?}");
    }
    assert_eq!(standing(log, &other), Standing::Open, "another field");
    // What is approved already stays.
    log.approve(&new.id, &click(ADA, &new, 6)).unwrap();
    put(log, &[propose("d", change("newest"), "v0", 7)]);
    assert!(matches!(standing(log, &new), Standing::Approved { .. }));
}

fn two_approvers_and_double_clicks_make_one_entry(log: &SqliteLog) {
    let p = proposal("a", 0, "v0", 1);
    put(log, std::slice::from_ref(&p));
    log.approve(&p.id, &click(ADA, &p, 2)).unwrap();
    for by in [ADA, GRACE] {
        let error = log.approve(&p.id, &click(by, &p, 3)).unwrap_err();
        assert_eq!(error.to_string(), "already approved by ada@example.com");
    }
    assert_eq!(log.entries(None, 0, 10).unwrap().len(), 1);
    assert_eq!(whats(log, &p), [What::Proposed, What::Approved]);
}

fn a_batch_is_taken_in_one_go_each_for_itself(log: &SqliteLog) {
    let all: Vec<_> = (0..4).map(|n| proposal("a", n, "v0", 1)).collect();
    put(log, &all[..3]);
    let mut clicks: Vec<_> = all.iter().map(|p| (p.id.clone(), click(ADA, p, 2))).collect();
    clicks[1].1.shown = all[0].digest();
    let results = log.approve_batch(&clicks).unwrap();
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(LedgerError::Refused(Refusal::Changed))), "{:?}", results[1]);
    assert!(matches!(results[3], Err(LedgerError::Unknown(_))), "{:?}", results[3]);
    assert_eq!(log.entries(Some("pending"), 0, 10).unwrap().len(), 2);
    assert_eq!(log.proposals(&Which { batch: Some("a".into()), ..Which::default() }, 10).unwrap().len(), 3);
}

fn an_edit_voids_what_was_approved_and_the_old_screen_with_it(log: &SqliteLog) {
    let p = proposal("a", 0, "v0", 1);
    put(log, std::slice::from_ref(&p));
    log.approve(&p.id, &click(ADA, &p, 2)).unwrap();
    let edited = log.revise(&p.id, &click(ADA, &p, 3), action("a", 0, "shorter")).unwrap();
    assert_eq!((edited.revision, standing(log, &p)), (2, Standing::Open));
    let entry = &log.entries(None, 0, 10).unwrap()[0];
    assert_eq!(entry.state, State::Void { why: VoidWhy::Edited });
    assert!(matches!(log.approve(&p.id, &click(GRACE, &p, 4)), Err(LedgerError::Refused(Refusal::Changed))));
    assert!(matches!(log.revise(&p.id, &click(GRACE, &p, 4), p.action.clone()), Err(LedgerError::Refused(_))));
    log.approve(&p.id, &click(GRACE, &edited, 5)).unwrap();
    assert_eq!(log.revision(&p.id, 1).unwrap(), Some(p.clone()));
    assert_eq!(log.revision(&p.id, 2).unwrap(), Some(edited));
    let empty = Action::CreateNote { about: crate::faults::made::deal("a"), body: " ".into(), at_unix_ms: 0 };
    let q = proposal("b", 0, "v0", 1);
    put(log, std::slice::from_ref(&q));
    assert!(matches!(log.revise(&q.id, &click(ADA, &q, 3), empty), Err(LedgerError::Impossible(_))));
    assert_eq!(log.proposal(&q.id).unwrap().unwrap().proposal, q);
}

fn what_may_have_been_sent_can_no_longer_be_edited_or_taken_back(log: &SqliteLog) {
    log.enrol(&service("writer"), &stages(), 0).unwrap();
    let p = proposal("a", 0, "v0", 1);
    put(log, std::slice::from_ref(&p));
    log.approve(&p.id, &click(ADA, &p, 2)).unwrap();
    let claim = log.claim(&worker("r1"), 3).unwrap().unwrap();
    let begun = log.begin(&claim.entry, &worker("r1"), 4).unwrap();
    for _ in 0..2 {
        let edit = log.revise(&p.id, &click(ADA, &p, 5), action("a", 0, "shorter"));
        assert!(matches!(edit, Err(LedgerError::BeingWritten)), "{edit:?}");
        assert!(matches!(log.reject(&p.id, &click(ADA, &p, 5), "no"), Err(LedgerError::BeingWritten)));
        drop(log.settle(&begun, &worker("r1"), &Outcome::Unknown { problem: "time-out".into() }, 6));
    }
    let again = log.claim(&worker("r1"), 10_000).unwrap().unwrap();
    log.settle(&again.entry, &worker("r1"), &Outcome::Found(receipt()), 10_001).unwrap();
    assert_eq!(standing(log, &p), Standing::Done { receipt: receipt() });
    assert!(matches!(log.revise(&p.id, &click(ADA, &p, 5), p.action.clone()), Err(LedgerError::Decided { .. })));
    let told = [What::Proposed, What::Approved, What::WriteAttempted, What::Unknown, What::Found];
    assert_eq!(whats(log, &p), told);
}

fn a_claim_is_one_workers_and_a_late_one_cannot_settle(log: &SqliteLog) {
    log.enrol(&service("writer"), &stages(), 0).unwrap();
    let p = proposal("a", 0, "v0", 1);
    put(log, std::slice::from_ref(&p));
    log.approve(&p.id, &click(ADA, &p, 2)).unwrap();
    assert_eq!(log.next_due().unwrap(), Some(2));
    let first = log.claim(&worker("r1"), 3).unwrap().unwrap();
    assert_eq!(log.claim(&worker("r2"), 4).unwrap(), None);
    let after = 3 + Limits::default().lease_ms;
    let second = log.claim(&worker("r2"), after).unwrap().unwrap();
    assert!(matches!(log.begin(&first.entry, &worker("r1"), after), Err(LedgerError::Lost(_))));
    let done = Outcome::Done(receipt());
    assert!(matches!(log.settle(&first.entry, &worker("r1"), &done, after), Err(LedgerError::Lost(_))));
    log.begin(&second.entry, &worker("r2"), after).unwrap();
    log.settle(&second.entry, &worker("r2"), &done, after).unwrap();
    assert_eq!(log.next_due().unwrap(), None);
}

fn a_revoked_identity_begins_nothing_and_does_not_come_back(log: &SqliteLog) {
    let p = proposal("a", 0, "v0", 1);
    put(log, std::slice::from_ref(&p));
    log.approve(&p.id, &click(ADA, &p, 2)).unwrap();
    let held = log.claim(&worker("r1"), 3).unwrap().unwrap().entry;
    assert!(matches!(log.begin(&held, &worker("r1"), 3), Err(LedgerError::Stopped { .. })), "never enrolled");
    log.enrol(&service("writer"), &stages(), 3).unwrap();
    log.revoke("writer", &Actor::Person { name: Person::new(ADA).unwrap() }, 4).unwrap();
    assert!(matches!(log.begin(&held, &worker("r1"), 5), Err(LedgerError::Stopped { .. })));
    assert!(matches!(log.enrol(&service("writer"), &stages(), 6), Err(LedgerError::Stopped { .. })));
    assert!(matches!(log.revoke("nobody", &stages(), 6), Err(LedgerError::Unknown(_))));
    let told: Vec<_> = log.record_of("service:writer").unwrap().into_iter().map(|e| (e.what, e.by.kind())).collect();
    assert_eq!(told, [(What::Enrolled, "service"), (What::Revoked, "person")]);
}

fn what_its_target_has_outrun_is_approved_again_only_for_the_target_as_it_is_now(log: &SqliteLog) {
    log.enrol(&service("writer"), &stages(), 0).unwrap();
    let p = proposal("a", 1, "v0", 1);
    put(log, std::slice::from_ref(&p));
    log.approve(&p.id, &click(ADA, &p, 2)).unwrap();
    let held = log.claim(&worker("r1"), 3).unwrap().unwrap().entry;
    let changed = Outcome::Void(VoidWhy::TargetChanged { problem: "stage reads otherwise".into() });
    log.settle(&held, &worker("r1"), &changed, 4).unwrap();
    assert_eq!(log.proposals(&Which { waiting: true, ..Which::default() }, 10).unwrap().len(), 1);
    assert!(matches!(log.approve(&p.id, &click(ADA, &p, 5)), Err(LedgerError::Decided { .. })));
    let now = Proposal { seen: Some(Seen { version: "v1".into(), at_unix_ms: 6 }), made_unix_ms: 6, ..p.clone() };
    assert_eq!(put(log, &[now]), [Put::Refreshed]);
    let fresh = log.proposal(&p.id).unwrap().unwrap().proposal;
    assert_eq!(fresh.revision, 2);
    assert!(matches!(log.approve(&p.id, &click(ADA, &p, 7)), Err(LedgerError::Refused(Refusal::Changed))));
    log.approve(&p.id, &click(ADA, &fresh, 8)).unwrap();
    assert_eq!(log.entries(None, 0, 10).unwrap().len(), 2);
}

fn times_of_showing_and_deciding_are_kept(log: &SqliteLog) {
    let p = proposal("a", 0, "v0", 1);
    put(log, std::slice::from_ref(&p));
    let ada = Person::new(ADA).unwrap();
    for at in [10, 20] {
        log.shown(&[p.id.clone(), proposal("unknown", 0, "v0", 1).id], &ada, at).unwrap();
    }
    log.approve(&p.id, &click(ADA, &p, 30)).unwrap();
    let listed = log.proposal(&p.id).unwrap().unwrap();
    assert_eq!((listed.shown_unix_ms, listed.decided_unix_ms), (Some(10), Some(30)));
    assert_eq!(whats(log, &p), [What::Proposed, What::Shown, What::Approved]);
}

fn the_whole_record_reaches_back_to_the_models_that_wrote(log: &SqliteLog) {
    let make = |kind, parents, body: &str| Kept {
        kind,
        artifact: Artifact::new(kind, parents, Maker::rules("post_call", 1), serde_json::json!({ "text": body })),
        at_unix_ms: 1,
    };
    let transcript = make(Kind::CallTranscript, vec![], "words");
    let note = make(Kind::NoteProposal, vec![transcript.artifact.id.clone()], "note");
    for kept in [&transcript, &note] {
        assert!(log.put_artifact(kept, &stages()).unwrap());
        assert!(!log.put_artifact(kept, &stages()).unwrap());
        assert_eq!(log.artifact(&kept.artifact.id).unwrap().as_ref(), Some(kept));
    }
    let called = Happening {
        at_unix_ms: 2,
        by: Actor::model("local:writer"),
        what: What::ModelCalled,
        subjects: vec![note.artifact.id.to_string()],
        detail: "prompt note@3".into(),
    };
    log.note(&[called]).unwrap();
    let from = |p: Proposal| Proposal { from: note.artifact.id.clone(), ..p };
    let (p, other) = (from(proposal("a", 0, "v0", 1)), from(proposal("a", 2, "v0", 1)));
    put(log, &[p.clone(), other]);
    log.approve(&p.id, &click(ADA, &p, 3)).unwrap();
    let record = whole_record(log, &p.id).unwrap();
    let told: Vec<_> = record.iter().map(|e| (e.what, e.by.kind())).collect();
    assert_eq!(
        told,
        [
            (What::ArtifactMade, "service"),
            (What::ArtifactMade, "service"),
            (What::ModelCalled, "model"),
            (What::Proposed, "service"),
            (What::Approved, "person"),
        ]
    );
    assert!(matches!(whole_record(log, &proposal("z", 0, "v", 1).id), Err(LedgerError::Unknown(_))));
    assert_eq!(log.artifact(&ArtifactId::of("draft", b"none")).unwrap(), None);
    let all = log.entries_from(0, 100).unwrap();
    assert_eq!(verify_chain(&all, Head::default()), Ok(log.head().unwrap()));
}

type Case = (&'static str, fn(&SqliteLog));

const CASES: [Case; 11] = [
    ("same work twice", the_same_work_done_twice_is_proposed_once),
    ("superseding", a_newer_proposal_about_the_same_field_takes_the_place_of_an_undecided_one),
    ("two approvers", two_approvers_and_double_clicks_make_one_entry),
    ("batch", a_batch_is_taken_in_one_go_each_for_itself),
    ("edit", an_edit_voids_what_was_approved_and_the_old_screen_with_it),
    ("sent", what_may_have_been_sent_can_no_longer_be_edited_or_taken_back),
    ("claims", a_claim_is_one_workers_and_a_late_one_cannot_settle),
    ("revocation", a_revoked_identity_begins_nothing_and_does_not_come_back),
    ("refresh", what_its_target_has_outrun_is_approved_again_only_for_the_target_as_it_is_now),
    ("times", times_of_showing_and_deciding_are_kept),
    ("record", the_whole_record_reaches_back_to_the_models_that_wrote),
];

#[test]
fn in_memory() {
    for (name, case) in CASES {
        println!("{name}");
        case(&SqliteLog::in_memory().unwrap());
    }
}

#[test]
fn in_a_file() {
    for (name, case) in CASES {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        case(&SqliteLog::open(folder.path().join("calls.db"), SqliteOptions::default()).unwrap());
    }
}

#[test]
fn a_clash_of_two_programs_makes_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let open = || SqliteLog::open(&path, SqliteOptions { busy_ms: 20_000, ..SqliteOptions::default() }).unwrap();
    let all: Vec<_> = (0..20).map(|n| proposal(&format!("b{n}"), 0, "v0", 1)).collect();
    put(&open(), &all);
    let taken: usize = std::thread::scope(|scope| {
        let clicking = [ADA, GRACE].map(|by| {
            let (log, all) = (open(), &all);
            scope.spawn(move || all.iter().filter(|p| log.approve(&p.id, &click(by, p, 2)).is_ok()).count())
        });
        clicking.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!((taken, open().entries(None, 0, 100).unwrap().len()), (20, 20));
}

#[test]
fn the_audit_log_cannot_be_changed_through_the_file_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    put(&log, &(0..3).map(|n| proposal("a", n, "v0", 1)).collect::<Vec<_>>());
    let other = Connection::open(&path).unwrap();
    for sql in [
        "UPDATE audit SET body = replace(body, 'proposed', 'approved') WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1",
        "INSERT INTO audit VALUES (7, '', '')",
        "UPDATE audit_subjects SET subject = 'x'",
        "DELETE FROM audit_subjects",
        "INSERT INTO audit_subjects VALUES ('x', 0)",
    ] {
        let error = other.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("only ever added"), "{sql}: {error}");
    }
    let verify = || verify_chain(&log.entries_from(0, 100).unwrap(), Head::default());
    assert_eq!(verify(), Ok(log.head().unwrap()));
    // Who takes the triggers away first is found by the chain.
    other.execute_batch("DROP TRIGGER audit_is_not_changed").unwrap();
    other.execute("UPDATE audit SET body = replace(body, 'stages', 'staged') WHERE seq = 1", []).unwrap();
    assert_eq!(verify().unwrap_err().seq, 2);
}
