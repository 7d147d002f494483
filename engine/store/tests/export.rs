//! Export and import: everything comes back, byte for byte; and what was tampered with is refused as a whole.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::Path};

use crate::made::{call, event, id, person, run};
use reframe_call::{audio::TrackId, event::EventBody};
use reframe_consent::{NewRecord, Person, Scope};
use reframe_store::{ConsentBook, EventLog, SqliteLog, SqliteOptions, export::ExportError, search::Filters};
use reframe_workflow::{
    artifact::{Artifact, Claim, Evidence, Kind, Maker},
    audit::Actor,
    gate::{Action, Approver, Click, Proposal, Seen},
    outbox::{AuditBook, Inbox, Kept, Limits, Outcome, Queue, Service, Worker},
    system::{Receipt, RecordKind, RecordRef},
};

/// A store with something in every table.
fn fill(log: &SqliteLog) {
    let service = Actor::service("reframe");
    for name in ["one", "two"] {
        log.create(&call(name)).unwrap();
        log.append(&id(name), 0, &run(name, 0..40)).unwrap();
    }
    let end = |seq| event(seq, EventBody::CallEnded { cards_shown: 0, utterances: 3 });
    log.append(
        &id("one"),
        40,
        &[event(40, EventBody::TrackAdded { track: person(1, "Dana – \"D\"", Some("x")) }), end(41)],
    )
    .unwrap();
    log.append(&id("two"), 40, &[event(40, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    let says = NewRecord {
        person: Person::new("dana@acme.example").unwrap(),
        scope: Scope::Call("one".into()),
        jurisdiction: None,
        method: "contract".into(),
        proof: "line\nbreak".replace('\n', " "),
        given_unix_ms: -1,
        withdrawn_unix_ms: None,
    };
    log.add_consents(&[says]).unwrap();
    let body = serde_json::json!({ "text": "ünïcode \u{2028} and \\ \"quotes\"", "number": 0.1 });
    let artifact = Artifact::new(Kind::Draft, vec![], Maker::rules("test", 1), body);
    let from = artifact.id.clone();
    log.put_artifact(&Kept { kind: Kind::Draft, artifact, at_unix_ms: 5 }, &service).unwrap();
    let proposals: Vec<Proposal> = (0..3)
        .map(|n| {
            let record = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: n.to_string() };
            let action =
                Action::UpdateField { record, field: "stage".into(), before: None, after: Some("proposal".into()) };
            let claim = Claim::new("why", vec![Evidence::Event { call: "one".into(), seq: 3 }], 0.3).unwrap();
            let seen = Some(Seen { version: "1".into(), at_unix_ms: 0 });
            Proposal::new("local", action, seen, claim, from.clone(), "call one", 6)
        })
        .collect();
    log.put_proposals(&proposals, &service, 6).unwrap();
    let click = |p: &Proposal| Click { by: Approver::person("Ada").unwrap(), shown: p.digest(), at_unix_ms: 7 };
    for p in &proposals[..2] {
        log.approve(&p.id, &click(p)).unwrap();
    }
    log.reject(&proposals[2].id, &click(&proposals[2]), "no").unwrap();
    log.enrol(&Service::new("writer", &[("local", &["update_field"])]), &service, 8).unwrap();
    let worker = Worker { run: "r".into(), service: "writer".into(), limits: Limits::default() };
    let held = log.claim(&worker, 10).unwrap().unwrap().entry;
    let begun = log.begin(&held, &worker, 10).unwrap();
    let record = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "0".into() };
    log.settle(&begun, &worker, &Outcome::Done(Receipt { record, version: None, url: None }), 11).unwrap();
    log.erase_person(&[Person::new("Nobody Here").unwrap()], b"sixteen bytes ok", &service, 12).unwrap();
    log.index(100).unwrap();
}

fn store(folder: &Path, name: &str) -> SqliteLog {
    SqliteLog::open(folder.join(name), SqliteOptions::default()).unwrap()
}

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn export_import_export_is_byte_for_byte_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let log = store(folder.path(), "a.db");
    fill(&log);
    let manifest = log.export(&first).unwrap();
    for table in [
        "calls",
        "events",
        "consents",
        "artifacts",
        "proposals",
        "revisions",
        "approvals",
        "outbox",
        "audit",
        "services",
        "forgotten",
    ] {
        assert!(manifest.rows[table] > 0, "the test should have rows in {table}");
    }
    let copy = store(folder.path(), "b.db");
    assert_eq!(copy.import(&first).unwrap(), manifest);
    assert_eq!(copy.export(&second).unwrap(), manifest);
    assert!(files(&first) == files(&second), "the two exports differ");
    // And it is the same store, not just the same text.
    assert_eq!(copy.calls(None, 10).unwrap(), log.calls(None, 10).unwrap());
    assert_eq!(copy.read(&id("one"), 0).unwrap(), log.read(&id("one"), 0).unwrap());
    assert_eq!(copy.erasures_due(5).unwrap(), log.erasures_due(5).unwrap());
    assert_eq!(copy.head().unwrap(), log.head().unwrap());
    assert_eq!(copy.record_of("call one").unwrap(), log.record_of("call one").unwrap());
    assert!(!copy.record_of("call one").unwrap().is_empty());
    assert_eq!(copy.entries(None, 0, 10).unwrap(), log.entries(None, 0, 10).unwrap());
    assert_eq!(copy.search("x", &Filters::default(), 5, 0).unwrap().calls_behind, 2);
    copy.check().unwrap();
    // In memory too.
    let memory = SqliteLog::in_memory().unwrap();
    memory.import(&first).unwrap();
    memory.export(&folder.path().join("third")).unwrap();
    assert!(files(&first) == files(&folder.path().join("third")));
}

#[test]
fn a_store_deleted_and_made_again_from_its_export_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let log = store(folder.path(), "a.db");
    fill(&log);
    let ask = |log: &SqliteLog| {
        let inbox = log.proposals(&reframe_workflow::outbox::Which::default(), 10).unwrap();
        (log.consents(None, 10).unwrap(), inbox, log.entries_from(0, 1_000).unwrap())
    };
    let (before, out) = (ask(&log), folder.path().join("out"));
    log.export(&out).unwrap();
    drop(log);
    fs::remove_file(folder.path().join("a.db")).unwrap();
    let log = store(folder.path(), "a.db");
    log.import(&out).unwrap();
    assert_eq!(ask(&log), before);
}

#[test]
fn nothing_is_written_over_and_nothing_half_done_stays() {
    let folder = tempfile::tempdir().unwrap();
    let log = store(folder.path(), "a.db");
    fill(&log);
    let out = folder.path().join("out");
    // What a killed export left, and an empty folder, are no hindrance.
    fs::create_dir_all(folder.path().join(".out.partial/calls")).unwrap();
    fs::write(folder.path().join(".out.partial/calls/x.jsonl"), "half").unwrap();
    fs::create_dir(&out).unwrap();
    log.export(&out).unwrap();
    assert!(!folder.path().join(".out.partial").exists() && !out.join("calls/x.jsonl").exists());
    assert!(matches!(log.export(&out), Err(ExportError::NotEmpty { .. })));
    fs::write(folder.path().join("file"), "x").unwrap();
    assert!(matches!(log.export(&folder.path().join("file")), Err(ExportError::NotEmpty { .. })));
    let error = log.import(&out).unwrap_err();
    assert!(matches!(&error, ExportError::StoreNotEmpty { table } if table == "calls"), "{error}");
    // A table an export would leave out stops it, and leaves no folder.
    rusqlite::Connection::open(log.path()).unwrap().execute_batch("CREATE TABLE mine (a TEXT)").unwrap();
    let error = log.export(&folder.path().join("more")).unwrap_err();
    assert!(matches!(&error, ExportError::UnknownTable { table } if table == "mine"), "{error}");
    assert!(!folder.path().join("more").exists() && !folder.path().join(".more.partial").exists());
}

#[test]
fn what_was_tampered_with_is_refused_as_a_whole_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let log = store(folder.path(), "a.db");
    fill(&log);
    log.export(&out).unwrap();
    let copy = store(folder.path(), "b.db");
    let change = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(out.join(file)).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        fs::write(out.join(file), text.replacen(from, to, 1)).unwrap();
        let error = copy.import(&out).unwrap_err();
        fs::write(out.join(file), text).unwrap();
        assert!(copy.calls(None, 1).unwrap().is_empty() && copy.consents(None, 1).unwrap().is_empty());
        error.to_string()
    };
    for (file, from, to, says) in [
        // One letter of what somebody said.
        ("calls/one.jsonl", "one-3-0", "one-3-9", "calls/one.jsonl: its digest is"),
        (
            "calls/one.jsonl",
            "{\"seq\":7,",
            "{\"seq\":8,",
            "calls/one.jsonl, line 8: it is event 8, and event 7 belongs here",
        ),
        ("calls/one.jsonl", "{\"seq\":7,", "{seq:7,", "calls/one.jsonl, line 8: it is no JSON"),
        ("consents.jsonl", "\"method\"", "\"methods\"", "consents.jsonl, line 1: `method` is missing"),
        ("consents.jsonl", "\n", "\n\n", "consents.jsonl, line 2: it is no JSON"),
        ("proposals.jsonl", "\"rejected\"", "\"accepted\"", "proposals.jsonl, line 3: the store does not take it"),
        ("audit.jsonl", "person", "nosrep", "audit.jsonl, line"),
        ("manifest.json", "\"layout\": 1", "\"layout\": 9", "use the program that made it"),
        ("manifest.json", "\"lines\": 1,", "\"lines\": 7,", "the manifest says 7"),
    ] {
        let error = change(file, from, to);
        assert!(error.contains(says), "{file}: {error}");
    }
    fs::remove_file(out.join("calls/two.jsonl")).unwrap();
    let error = copy.import(&out).unwrap_err();
    assert!(matches!(&error, ExportError::File { path, .. } if path.ends_with("calls/two.jsonl")), "{error}");
}
