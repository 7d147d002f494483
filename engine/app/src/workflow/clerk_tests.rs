//! What the clerk remembers from one run of the program to the next.

use reframe_call::audio::Party;
use reframe_consent::Scope;
use reframe_store::{CallId, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::Kind,
    gate::{Approver, Click},
    outbox::{Inbox as _, Listed, Which},
    system::{Listing, RecordKind},
};

use super::*;
use crate::workflow::{
    WorkflowSettings,
    test_call::{ended_call, taken_back},
};

const NOW: i64 = 1_772_418_600_000;

fn store(dir: &std::path::Path) -> Arc<SqliteLog> {
    Arc::new(SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default()).unwrap())
}

fn work(dir: &std::path::Path) -> Work {
    let settings = WorkflowSettings { nightly_at: String::new(), ..WorkflowSettings::default() };
    let office = Office::open(&settings, dir, store(dir), || NOW).unwrap();
    Work::new(Arc::new(office), Arc::default()).unwrap()
}

/// A call that is over, with somebody of whom no deal is known.
fn call(store: &SqliteLog, name: &str) -> CallId {
    let talk = [
        (Party::Rep, "what happens next on your side"),
        (Party::Buyer, "i will send you the contract by friday zorblaxing"),
    ];
    ended_call(store, name, NOW - 3_600_000, &talk)
}

#[test]
fn a_call_without_a_deal_is_written_up_once_and_not_again_at_every_start() {
    let dir = tempfile::tempdir().unwrap();
    let id = call(&store(dir.path()), "alone");
    let mut first = work(dir.path());
    assert_eq!(first.office.due(false).unwrap(), std::slice::from_ref(&id));
    first.round().unwrap();
    let proposals = first.office.store.proposals(&Which::default(), 10).unwrap();
    let notes = |work: &Work| work.office.store.latest_artifacts(Kind::NoteProposal, 10).unwrap().len();
    assert!(proposals.is_empty() && notes(&first) == 1, "or this test shows nothing: {proposals:?}");
    drop(first);
    let again = work(dir.path());
    assert!(!again.office.has_looked_at(&id), "another run of the program");
    assert!(again.office.due(false).unwrap().is_empty());
    assert_eq!(again.office.due(true).unwrap(), [id], "by hand it can be");
}

/// Whoever takes consent back is in no draft any more, and what was approved of it is not written, in the very round in
/// which that was to happen.
#[test]
fn a_withdrawal_comes_before_drafts_and_writes() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("crm")).unwrap();
    std::fs::write(dir.path().join("crm/deals.csv"), "id,name,stage\n7,Acme,discovery\n").unwrap();
    std::fs::write(
        dir.path().join("crm/contacts.csv"),
        "id,name,email,deal_ids\nc1,Dana Whitfield,dana@acme.example,7\n",
    )
    .unwrap();
    let id = call(&store(dir.path()), "taken");
    let mut work = work(dir.path());
    work.round().unwrap();
    let waiting = work.office.store.proposals(&Which::default(), 50).unwrap();
    let quoting = |l: &&Listed| format!("{:?}", l.proposal).contains("zorblaxing");
    assert!(waiting.iter().any(|l| quoting(&l)), "or this test shows nothing: {waiting:?}");
    let clicks: Vec<_> = waiting
        .iter()
        .map(|l| {
            let by = Approver::person("Ada King").unwrap();
            let click = Click { by, shown: l.proposal.digest(), at_unix_ms: NOW };
            (l.proposal.id.clone(), click)
        })
        .collect();
    let yes = work.office.store.approve_batch(&clicks).unwrap();
    assert!(yes.iter().any(Result::is_ok), "{yes:?}");
    taken_back(&work.office.store, Scope::Call("taken".into()), NOW);
    work.round().unwrap();
    let store = &work.office.store;
    assert!(!store.proposals(&Which::default(), 50).unwrap().iter().any(|l| quoting(&l)));
    let notes = work.office.systems.crm.list(RecordKind::Note, &Listing::default()).unwrap();
    let tasks = work.office.systems.crm.list(RecordKind::Task, &Listing::default()).unwrap();
    assert!(!format!("{notes:?} {tasks:?}").contains("zorblaxing"), "it was written after it was taken back");
    for kind in [Kind::NoteProposal, Kind::Debrief] {
        let kept = store.latest_artifacts(kind, 10).unwrap();
        assert!(!format!("{kept:?}").contains("zorblaxing"), "{kept:?}");
    }
    // By hand it is written up again, from what is left.
    let again = work.office.post_call(&id, None).unwrap();
    assert!(!format!("{:?} {:?}", again.note, again.proposals).contains("zorblaxing"));
}
