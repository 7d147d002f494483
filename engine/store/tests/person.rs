//! Erasing a person and retention: the words are in no byte of the file, what must stay stays, and a crash changes nothing.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use crate::made::{call, event, id, person, started};
use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_consent::{NewRecord, Person, Scope};
use reframe_store::{
    ConsentBook, EventLog, NewCall, SqliteLog, SqliteOptions, StoreError,
    person::{Erased, PersonError, Retained, RetentionRules, salted},
    search::Filters,
};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Claim, Evidence, Kind, Maker},
    audit::{Actor, Head, What, verify_chain},
    gate::{Action, Approver, Click, Mail, Proposal},
    outbox::{AuditBook, Inbox, Kept, Limits, Queue, Service, Standing, Which, Worker},
};

const SALT: &[u8] = b"a salt that nobody else knows";
const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Words of hers, of which each is looked for in the file. Stems begin with the first five letters.
const HERS: [&str; 4] = ["zorblaxing", "quintavelle", "wibbelhunk", "frobnastic"];
const OTHERS: &str = "plentiful";

fn service() -> Actor {
    Actor::service("reframe")
}

fn who(names: &[&str]) -> Vec<Person> {
    names.iter().map(|n| Person::new(n).unwrap()).collect()
}

fn talk(buyer: &str, hers: &str, over: bool) -> Vec<Event> {
    let mut bodies = vec![
        started(),
        EventBody::TrackAdded { track: TrackInfo { party: Party::Rep, ..person(0, "Ada King", None) } },
        EventBody::TrackAdded { track: person(1, buyer, Some("verbal")) },
        EventBody::NoteTaken { text: format!("call {buyer} back") },
    ];
    for (n, (track, text)) in [(0, format!("{OTHERS} words of the rep")), (1, hers.to_owned())].into_iter().enumerate()
    {
        let (track, utterance) = (TrackId(track), UtteranceId(n as u32));
        let at = |ms: usize| MediaTime::from_ms((n * 1_000 + ms) as u64);
        let words = text.split(' ').enumerate().map(|(w, text)| Word {
            text: text.into(),
            start: at(w * 10),
            end: at(w * 10 + 9),
            confidence: 0.9,
        });
        bodies.push(EventBody::SpeechStarted { track, utterance, start: at(0) });
        bodies.push(EventBody::WordsCommitted { track, utterance, words: words.collect() });
        bodies.push(EventBody::UtteranceEnded { track, utterance, start: at(0), end: at(900), text });
    }
    if over {
        bodies.push(EventBody::CallEnded { cards_shown: 0, utterances: 2 });
    }
    (0..).zip(bodies).map(|(seq, body)| event(seq, body)).collect()
}

fn put(log: &SqliteLog, name: &str, started_unix_ms: i64, events: &[Event]) {
    log.create(&NewCall { started_unix_ms, title: format!("Call {name}"), ..call(name) }).unwrap();
    log.append(&id(name), 0, events).unwrap();
}

fn quote(call: &str, utterance: u32, quote: &str) -> Claim {
    let words = Evidence::Words { call: call.into(), utterance, from_ms: 0, to_ms: 9, quote: quote.into() };
    Claim::new(format!("said: {quote}"), vec![words], 0.9).unwrap()
}

fn artifact(log: &SqliteLog, body: serde_json::Value) -> ArtifactId {
    let parents = vec![ArtifactId::of("call_transcript", b"x")];
    let artifact = Artifact::new(Kind::Draft, parents, Maker::rules("test", 1), body);
    let made = artifact.id.clone();
    log.put_artifact(&Kept { kind: Kind::Draft, artifact, at_unix_ms: 77 }, &service()).unwrap();
    made
}

fn mail(log: &SqliteLog, because: Claim, body: &str, from: &ArtifactId) -> Proposal {
    let mail = Mail {
        message_id: format!("<{}@x.example>", body.len()),
        to: vec!["buyer@acme.example".into()],
        cc: vec![],
        subject: "hello".into(),
        body: body.into(),
        in_reply_to: None,
        thread: None,
        unsubscribe: None,
    };
    let proposal = Proposal::new("gmail", Action::CreateDraft { mail }, None, because, from.clone(), "b", 78);
    log.put_proposals(std::slice::from_ref(&proposal), &service(), 78).unwrap();
    proposal
}

fn approve(log: &SqliteLog, proposal: &Proposal) {
    let click = Click { by: Approver::person("Ada").unwrap(), shown: proposal.digest(), at_unix_ms: 80 };
    log.approve(&proposal.id, &click).unwrap();
}

struct Scene {
    hit: Vec<ArtifactId>,
    spared: ArtifactId,
    open: Proposal,
    approved: Proposal,
    other: Proposal,
}

/// Two calls with Dana, one with Bo; hand-offs and proposals about both.
fn scene(log: &SqliteLog) -> Scene {
    let hers = HERS.join(" ");
    put(log, "d1", 10 * DAY, &talk("Dana Whitfield", &hers, true));
    put(log, "d2", 20 * DAY, &talk("dana  whitfield", &hers, true));
    put(log, "b1", 20 * DAY, &talk("Bo Li", "nothing of note", true));
    log.index(10).unwrap();
    let hit = vec![
        artifact(log, serde_json::json!({ "note": quote("d1", 1, HERS[0]) })),
        artifact(log, serde_json::json!({ "call": "d2", "turns": [{ "words": HERS[1] }] })),
        artifact(log, serde_json::json!({ "absent": "we should ask Dana Whitfield", "n": HERS[2] })),
        artifact(log, serde_json::json!({ "headline": "Dana liked it", "because": quote("d1", 0, OTHERS) })),
    ];
    let spared = artifact(log, serde_json::json!({ "note": quote("b1", 1, "nothing of note"), "w": OTHERS }));
    let open = mail(log, quote("d1", 1, HERS[3]), "you said zorblaxing", &hit[0]);
    let approved = mail(log, quote("d2", 1, HERS[3]), "you said it: wibbelhunk", &hit[0]);
    approve(log, &approved);
    let other = mail(log, quote("b1", 1, "nothing of note"), "fine", &spared);
    approve(log, &other);
    Scene { hit, spared, open, approved, other }
}

fn holds(folder: &Path, what: &str) -> bool {
    ["calls.db", "calls.db-wal", "calls.db-shm", "calls.db-journal"].iter().any(|file| {
        fs::read(folder.join(file))
            .is_ok_and(|bytes| bytes.windows(what.len()).any(|w| w.eq_ignore_ascii_case(what.as_bytes())))
    })
}

fn open(folder: &Path) -> SqliteLog {
    SqliteLog::open(folder.join("calls.db"), SqliteOptions { busy_ms: 30, ..SqliteOptions::default() }).unwrap()
}

fn chain_is_whole(log: &SqliteLog) {
    let entries = log.entries_from(0, 10_000).unwrap();
    assert_eq!(verify_chain(&entries, Head::default()).unwrap(), log.head().unwrap());
}

#[test]
fn an_erased_person_is_in_no_byte_of_the_file_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let scene = scene(&log);
    let events_before = log.read(&id("d1"), 0).unwrap();
    for word in HERS {
        assert!(holds(folder.path(), word) && holds(folder.path(), &word[1..6]), "{word}");
    }
    let erased = log.erase_person(&who(&["Dana Whitfield", "dana@acme.example"]), SALT, &service(), 99).unwrap();
    assert_eq!((erased.calls.clone(), erased.artifacts, erased.proposals), (vec![id("d1"), id("d2")], 4, 2));
    assert!(erased.open_calls.is_empty() && erased.unmatched_calls.is_empty() && erased.being_written == 0);
    // Words, the stems the index holds of them (without the letters it may share with a neighbour), and the name.
    for word in HERS.iter().flat_map(|w| [*w, &w[1..6]]).chain(["whitfield", "dana liked"]) {
        assert!(!holds(folder.path(), word), "`{word}` is still in the file");
    }
    assert!(holds(folder.path(), OTHERS) && holds(folder.path(), "nothing of note"));

    // The skeleton stays: same numbers, times and kinds.
    let events = log.read(&id("d1"), 0).unwrap();
    assert_eq!(events.len(), events_before.len());
    assert!(events.iter().zip(&events_before).all(|(a, b)| (a.seq, a.at) == (b.seq, b.at)));
    assert_eq!(log.call(&id("d1")).unwrap().unwrap().participants[1].party, Party::Buyer);
    log.index(10).unwrap();
    let found = |query: &str| log.search(query, &Filters::default(), 10, 0).unwrap().hits.len();
    assert_eq!((found(HERS[0]), found(OTHERS), found("note")), (0, 3, 1));
    log.check_index().unwrap();

    // Tombstones keep id, kind, lineage and time, and the salted digest.
    let digest = salted(SALT, &who(&["dana whitfield"])[0]);
    for made in &scene.hit {
        let kept = log.artifact(made).unwrap().unwrap();
        assert_eq!((kept.kind, kept.at_unix_ms, kept.artifact.parents.len()), (Kind::Draft, 77, 1));
        assert_eq!(kept.artifact.body["erased"]["why"], digest.as_str());
        assert!(!kept.artifact.is_genuine(Kind::Draft));
    }
    assert!(log.artifact(&scene.spared).unwrap().unwrap().artifact.is_genuine(Kind::Draft));

    // Nothing of it will be written; the other one will.
    for proposal in [&scene.open, &scene.approved] {
        let listed = log.proposal(&proposal.id).unwrap().unwrap();
        assert!(matches!(listed.standing, Standing::Rejected { .. }), "{:?}", listed.standing);
        assert_eq!(listed.proposal.from, proposal.from);
        assert_eq!(listed.proposal.because.evidence().len(), 1);
    }
    log.enrol(&Service::new("w", &[("gmail", &["create_draft"])]), &service(), 100).unwrap();
    let worker = Worker { run: "r".into(), service: "w".into(), limits: Limits::default() };
    assert_eq!(log.claim(&worker, 200).unwrap().unwrap().proposal, scene.other);
    assert!(log.claim(&worker, 200).unwrap().is_none());
    assert_eq!(log.proposals(&Which::default(), 10).unwrap().len(), 3, "the inbox can still be read");

    chain_is_whole(&log);
    let record = log.record_of(digest.as_str()).unwrap();
    assert_eq!(record.iter().map(|e| e.what).collect::<Vec<_>>(), [What::Erased]);
    assert!(!record[0].detail.to_lowercase().contains("dana"));
    log.check().unwrap();
}

#[test]
fn erasing_twice_is_erasing_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    scene(&log);
    let names = who(&["Dana Whitfield"]);
    let first = log.erase_person(&names, SALT, &service(), 99).unwrap();
    let entries = log.head().unwrap().next;
    let again = log.erase_person(&names, SALT, &service(), 150).unwrap();
    assert_eq!(again, Erased { no: first.no, calls: first.calls.clone(), ..Erased::default() });
    assert_eq!(log.head().unwrap().next, entries);
    // Due until files outside are gone; then no more.
    let due = log.person_erasures_due().unwrap();
    assert_eq!((due.len(), due[0].in_store, due[0].calls.clone()), (1, false, first.calls));
    assert!(log.person_erased(first.no).unwrap());
    assert!(log.person_erasures_due().unwrap().is_empty());
    // A later call is found by asking again, under the same number.
    put(&log, "d3", 30 * DAY, &talk("Dana Whitfield", "one more", true));
    let third = log.erase_person(&names, SALT, &service(), 200).unwrap();
    assert_eq!((third.no, third.calls), (first.no, vec![id("d3")]));
}

#[test]
fn a_running_call_and_a_running_write_are_done_once_they_are_over() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let scene = scene(&log);
    log.enrol(&Service::new("w", &[("gmail", &["create_draft"])]), &service(), 90).unwrap();
    let worker = Worker { run: "r".into(), service: "w".into(), limits: Limits::default() };
    let held = log.claim(&worker, 95).unwrap().unwrap();
    assert_eq!(held.proposal, scene.approved);
    let live = talk("Dana Whitfield", "gribblewort", false);
    put(&log, "live", 40 * DAY, &live);
    let erased = log.erase_person(&who(&["Dana Whitfield"]), SALT, &service(), 99).unwrap();
    assert_eq!((erased.open_calls, erased.being_written), (vec![id("live")], 1));
    assert!(!log.person_erased(erased.no).unwrap(), "not while the store still holds something");
    assert!(log.person_erasures_due().unwrap()[0].in_store);
    // The running call goes on undisturbed.
    let next = live.len() as u64;
    let end = event(next, EventBody::CallEnded { cards_shown: 0, utterances: 2 });
    log.append(&id("live"), 0, &[live, vec![end]].concat()).unwrap();
    log.settle(&held.entry, &worker, &reframe_workflow::outbox::Outcome::Failed { reason: "refused".into() }, 100)
        .unwrap();
    let done = log.resume_person_erasures(&service(), 120).unwrap();
    assert_eq!((done.len(), done[0].open_calls.len(), done[0].being_written), (1, 0, 0));
    for word in ["gribblewort", "zorblax", "whitfield"] {
        assert!(!holds(folder.path(), word), "{word}");
    }
    assert!(!log.person_erasures_due().unwrap()[0].in_store);
    chain_is_whole(&log);
}

/// Another program that reads stands for the crash: everything up to the cleaning of the pages is done, and that is not.
#[test]
fn what_a_crash_cut_short_is_due_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    scene(&log);
    let other = rusqlite::Connection::open(folder.path().join("calls.db")).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    let error = log.erase_person(&who(&["Dana Whitfield"]), SALT, &service(), 99).unwrap_err();
    assert!(matches!(error, PersonError::Store(StoreError::Locked { .. })), "{error}");
    assert!(holds(folder.path(), HERS[0]), "the old pages are still there");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    drop(log);
    let log = open(folder.path());
    assert_eq!(log.person_erasures_due().unwrap().len(), 1);
    let done = log.resume_person_erasures(&service(), 120).unwrap();
    assert_eq!(done[0].calls, [id("d1"), id("d2")]);
    let digest = salted(SALT, &who(&["dana whitfield"])[0]);
    assert_eq!(log.record_of(digest.as_str()).unwrap().len(), 1, "the audit log has it all the same");
    for word in HERS {
        assert!(!holds(folder.path(), word), "{word}");
    }
    // The wish alone was written down: nothing was done yet.
    let conn = rusqlite::Connection::open(folder.path().join("calls.db")).unwrap();
    conn.execute("INSERT INTO forgotten (digest, asked_unix_ms, who, stage, calls) VALUES ('x', 1, '[\"bo li\"]', 'asked', '[]')", [])
        .unwrap_or_else(|e| panic!("{e}"));
    drop(conn);
    assert!(log.person_erasures_due().unwrap().iter().any(|d| d.in_store));
    let digest: String = "0".repeat(64);
    rusqlite::Connection::open(folder.path().join("calls.db"))
        .unwrap()
        .execute("UPDATE forgotten SET digest = ?1 WHERE digest = 'x'", [&digest])
        .unwrap();
    log.resume_person_erasures(&service(), 130).unwrap();
    assert!(!holds(folder.path(), "bo li") && !holds(folder.path(), "nothing of note"));
}

#[test]
fn people_are_found_by_the_registry_too() {
    let log = SqliteLog::in_memory().unwrap();
    put(&log, "a", 1, &talk("Guest 7", "secret words", true));
    put(&log, "b", 2, &talk("Somebody", "other words", true));
    let says = |person: &str, scope| NewRecord {
        person: Person::new(person).unwrap(),
        scope,
        jurisdiction: None,
        method: "verbal".into(),
        proof: String::new(),
        given_unix_ms: 1,
        withdrawn_unix_ms: None,
    };
    let eve = "eve@acme.example";
    log.add_consents(&[says(eve, Scope::Track("a".into(), 1)), says(eve, Scope::Call("b".into()))]).unwrap();
    let erased = log.erase_person(&who(&[eve]), SALT, &service(), 5).unwrap();
    assert_eq!((erased.calls, erased.unmatched_calls), (vec![id("a")], vec![id("b")]));
    assert!(!format!("{:?}", log.read(&id("a"), 0).unwrap()).contains("secret"));
    assert!(format!("{:?}", log.read(&id("b"), 0).unwrap()).contains("other"));
    assert_eq!(log.consents(None, 9).unwrap().len(), 2, "the registry stays");
    assert!(matches!(log.erase_person(&[], SALT, &service(), 5), Err(PersonError::Nobody)));
    assert!(matches!(log.erase_person(&who(&["x"]), b"short", &service(), 5), Err(PersonError::Salt(5))));
}

#[test]
fn words_go_after_their_time_and_the_skeleton_stays() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(folder.path());
    let scene = scene(&log);
    put(&log, "live", DAY, &talk("Cy", "running words", false));
    let rules = RetentionRules { words_days: Some(15) };
    let now = 30 * DAY;
    let due = log.retention_due(rules, now).unwrap();
    assert_eq!(due, Retained { calls: vec![id("d1")], ..Retained::default() }, "a running call is not touched");
    assert_eq!(log.retention_due(RetentionRules::default(), now).unwrap(), Retained::default());
    assert!(format!("{:?}", log.read(&id("d1"), 0).unwrap()).contains(HERS[0]), "a dry run changes nothing");
    let done = log.retention(rules, now).unwrap();
    // The task that quotes them, and the message that was made of the same note.
    assert_eq!((done.calls.clone(), done.artifacts, done.proposals), (due.calls, 2, 2));
    let events = log.read(&id("d1"), 0).unwrap();
    assert_eq!(events.len(), talk("Dana Whitfield", "x", true).len());
    let text = format!("{events:?}");
    assert!(!text.contains(HERS[0]) && !text.contains(OTHERS) && !text.contains("back"));
    assert!(text.contains("Dana Whitfield"), "who spoke, and when, is kept");
    assert!(format!("{:?}", log.read(&id("d2"), 0).unwrap()).contains(HERS[0]), "a younger call keeps its words");
    assert_eq!(log.artifact(&scene.hit[0]).unwrap().unwrap().artifact.body["erased"]["why"], "retention");
    assert_eq!(log.retention(rules, now).unwrap(), Retained::default(), "a second run finds nothing");
    assert_eq!(log.retention(rules, now + 20 * DAY).unwrap().calls, [id("d2"), id("b1")]);
    for word in HERS.iter().take(2).chain([&OTHERS]) {
        let left = holds(folder.path(), word);
        assert!(!left || *word == OTHERS, "{word}");
    }
    chain_is_whole(&log);
    log.check().unwrap();
}
