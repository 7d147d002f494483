//! What a night knows of calls: from kept digests, by the latest note, and nothing that was taken back.

use std::sync::Arc;

use reframe_call::audio::Party;
use reframe_consent::Scope;
use reframe_store::{ConsentBook as _, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, Kind, Maker},
    audit::Actor,
    outbox::{Listed, Which},
    system::RecordKind,
};

use super::*;
use crate::workflow::{
    WorkflowSettings,
    before::Before,
    test_call::{ended_call, taken_back},
};

/// 2026-03-02 02:30 UTC.
const NOW: i64 = 1_772_418_600_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Said by the buyer, and by nobody else.
const HERS: &str = "zorblaxing";

/// A call with Dana of deal 7, five weeks ago, in a team that keeps its records in a folder.
fn office(dir: &std::path::Path) -> (Office, CallId) {
    std::fs::create_dir_all(dir.join("crm")).unwrap();
    std::fs::write(dir.join("crm/deals.csv"), "id,name,stage,updated\n7,Acme,discovery,2026-01-01T08:00:00Z\n")
        .unwrap();
    std::fs::write(dir.join("crm/contacts.csv"), "id,name,email,deal_ids\nc1,Dana Whitfield,dana@acme.example,7\n")
        .unwrap();
    let store = Arc::new(SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default()).unwrap());
    let hers = [
        format!("we are comparing you with other vendors for the {HERS} project"),
        format!("i will send you the {HERS} contract by friday"),
    ];
    let talk = [
        (Party::Rep, "what happens next on your side"),
        (Party::Buyer, hers[0].as_str()),
        (Party::Buyer, hers[1].as_str()),
        (Party::Rep, "i will send you the security questionnaire by thursday"),
    ];
    let id = ended_call(&store, "c", NOW - 35 * DAY_MS, &talk);
    (Office::open(&WorkflowSettings::default(), dir, store, || NOW).unwrap(), id)
}

fn notes(office: &Office) -> Vec<NotesOf> {
    let mut before = Before::new(office.systems.crm.name(), NOW);
    office.store.each_proposal(|listed| before.add(listed)).unwrap();
    before.notes
}

fn digests(office: &Office) -> Vec<CallDigest> {
    office.digests(&notes(office)).unwrap().into_values().flatten().collect()
}

fn raw(dir: &std::path::Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("reframe.db")).unwrap()
}

fn kept(dir: &std::path::Path) -> Vec<String> {
    let raw = raw(dir);
    let mut all = raw.prepare("SELECT body FROM call_digests").unwrap();
    all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// From the logs and from what is kept a night finds the same; and with what is kept it reads no log.
#[test]
fn a_night_reads_kept_digests_and_finds_what_it_would_find_in_the_logs() {
    let dir = tempfile::tempdir().unwrap();
    let (office, id) = office(dir.path());
    office.post_call(&id, None).unwrap();
    assert_eq!(kept(dir.path()).len(), 1, "when it is written up");
    let of_kept = digests(&office);
    assert!(format!("{of_kept:?}").contains(HERS) && of_kept[0].slots.iter().any(|(s, _)| s == "competitive_language"));
    let found = office.night(&mut |_, _| {}).unwrap().findings;
    assert!(
        format!("{found:?}").contains("\"c\""),
        "a finding rests on the call, or this test shows nothing: {found:?}"
    );
    raw(dir.path()).execute("DELETE FROM call_digests", []).unwrap();
    let of_logs = digests(&office);
    assert_eq!(of_logs, of_kept);
    assert_eq!(kept(dir.path()).len(), 1, "made anew, and kept");
    raw(dir.path()).execute("DELETE FROM call_digests", []).unwrap();
    assert_eq!(office.night(&mut |_, _| {}).unwrap().findings, found);
    raw(dir.path()).execute("DELETE FROM events", []).unwrap();
    assert_eq!(digests(&office), of_kept, "there is no log any more");
}

/// The rules' note first, then one that somebody made later; and one that was erased says nothing.
#[test]
fn the_latest_note_that_is_still_there_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (office, id) = office(dir.path());
    let drafted = office.post_call(&id, None).unwrap();
    let first = digests(&office);
    assert_eq!(first.len(), 1);
    let mut later = drafted.note.clone();
    later.commitments.clear();
    assert_ne!(later, drafted.note, "or this test shows nothing");
    let again = |body: serde_json::Value, task: &str| {
        let maker = Maker::rules(task, 1);
        let made = Artifact::new(Kind::NoteProposal, vec![], maker, body);
        office.keep(Kind::NoteProposal, &made).unwrap();
        let of = &drafted.proposals.iter().find(|p| p.action.target().is_some()).unwrap();
        let (action, because) = (of.action.clone(), of.because.clone());
        let seen = of.seen.clone();
        let proposal = reframe_workflow::gate::Proposal::new(
            &of.system,
            action,
            seen,
            because,
            made.id.clone(),
            of.batch.clone(),
            NOW + 1,
        );
        office.store.put_proposals(std::slice::from_ref(&proposal), &Actor::service("test"), NOW).unwrap();
        made.id
    };
    again(serde_json::to_value(&later).unwrap(), "later");
    let second = digests(&office);
    assert_eq!(second.len(), 1, "a call counts once");
    assert!(second[0].commitments.is_empty() && !first[0].commitments.is_empty(), "{second:?}");
    again(serde_json::json!({ "erased": { "why": "test", "at_unix_ms": 1 } }), "gone");
    assert!(notes(&office).iter().any(|of| of.notes.len() == 3), "{:?}", notes(&office));
    assert_eq!(digests(&office), second, "the latest that can be read");
}

/// Written up, taken back, written up again of what is left: neither what is kept nor a night knows the words.
#[test]
fn what_was_taken_back_is_in_no_kept_digest() {
    let dir = tempfile::tempdir().unwrap();
    let (office, id) = office(dir.path());
    office.post_call(&id, None).unwrap();
    digests(&office);
    assert!(kept(dir.path()).iter().any(|text| text.contains(HERS)), "or this test shows nothing");
    taken_back(&office.store, Scope::AllCalls, NOW);
    office.store.carry_out_withdrawals(NOW).unwrap();
    assert!(kept(dir.path()).is_empty());
    office.post_call(&id, Some("7")).unwrap();
    office.night(&mut |_, _| {}).unwrap();
    let (known, kept) = (digests(&office), kept(dir.path()));
    assert!(!format!("{known:?} {kept:?}").contains(HERS));
    assert!(known.iter().any(|d| !d.commitments.is_empty()), "what the seller promised is still known: {known:?}");
    assert!(office.store.withdrawals_to_finish().unwrap().len() == 1);
    let bytes = std::fs::read(dir.path().join("reframe.db")).unwrap();
    assert!(!bytes.windows(HERS.len()).any(|w| w == HERS.as_bytes()));
    let listed: Vec<Listed> = office.store.proposals(&Which::default(), 100).unwrap();
    assert!(listed.iter().any(|l| l.proposal.action.target().is_some_and(|at| at.kind == RecordKind::Deal)));
}
