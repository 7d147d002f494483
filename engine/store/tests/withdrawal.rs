//! Consent taken back when the call is over: note, debrief, proposals and index go with the words, and nothing approved of
//! them is written any more.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use crate::made::{call, event, id, person, started};
use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_consent::{NewRecord, Person};
use reframe_store::{ConsentBook, EventLog, NewCall, SqliteLog, SqliteOptions, search::Filters};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Claim, Evidence, Kind, Maker},
    audit::{Actor, Head, What, verify_chain},
    gate::{Action, Approver, Click, Mail, Proposal},
    outbox::{AuditBook, Inbox, Kept, Limits, Outcome, Queue, Service, Standing, Worker},
    system::{RecordKind, RecordRef},
};
use serde_json::json;

/// Said by Dana, and by nobody else.
const HERS: &str = "zorblaxing";
const OTHERS: &str = "plentiful";
const EMAIL: &str = "dana@acme.example";

fn service() -> Actor {
    Actor::service("reframe")
}

fn dana() -> TrackInfo {
    TrackInfo { email: Some(EMAIL.into()), ..person(1, "Dana Whitfield", Some("verbal")) }
}

fn talk(buyer: &TrackInfo, hers: &str, over: bool) -> Vec<Event> {
    let mut bodies = vec![
        started(),
        EventBody::TrackAdded { track: TrackInfo { party: Party::Rep, ..person(0, "Ada King", None) } },
        EventBody::TrackAdded { track: buyer.clone() },
    ];
    for (n, (track, text)) in [(0, format!("{OTHERS} words")), (1, hers.to_owned())].into_iter().enumerate() {
        let (track, utterance) = (TrackId(track), UtteranceId(n as u32));
        let at = |ms: usize| MediaTime::from_ms((n * 1_000 + ms) as u64);
        let words = text.split(' ').map(|text| Word { text: text.into(), start: at(1), end: at(9), confidence: 0.9 });
        bodies.push(EventBody::SpeechStarted { track, utterance, start: at(0) });
        bodies.push(EventBody::WordsCommitted { track, utterance, words: words.collect() });
        bodies.push(EventBody::UtteranceEnded { track, utterance, start: at(0), end: at(900), text });
    }
    if over {
        bodies.push(EventBody::CallEnded { cards_shown: 0, utterances: 2 });
    }
    (0..).zip(bodies).map(|(seq, body)| event(seq, body)).collect()
}

fn put(log: &SqliteLog, name: &str, events: &[Event]) {
    log.create(&NewCall { title: "Acme".into(), ..call(name) }).unwrap();
    log.append(&id(name), 0, events).unwrap();
}

fn quote(call: &str, utterance: u32, quote: &str) -> Claim {
    let words = Evidence::Words { call: call.into(), utterance, from_ms: 0, to_ms: 9, quote: quote.into() };
    Claim::new(format!("said: {quote}"), vec![words], 0.9).unwrap()
}

fn artifact(log: &SqliteLog, kind: Kind, body: serde_json::Value) -> ArtifactId {
    let artifact = Artifact::new(kind, vec![], Maker::rules("test", 1), body);
    let made = artifact.id.clone();
    log.put_artifact(&Kept { kind, artifact, at_unix_ms: 77 }, &service()).unwrap();
    made
}

fn task(log: &SqliteLog, batch: &str, because: Claim, subject: &str, from: &ArtifactId) -> Proposal {
    let about = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "7".into() };
    let action = Action::CreateTask { about, subject: subject.into(), body: String::new(), due: None, owner: None };
    let proposal = Proposal::new("local", action, None, because, from.clone(), batch, 78);
    log.put_proposals(std::slice::from_ref(&proposal), &service(), 78).unwrap();
    proposal
}

fn approve(log: &SqliteLog, proposal: &Proposal) {
    let click = Click { by: Approver::person("Ada").unwrap(), shown: proposal.digest(), at_unix_ms: 80 };
    log.approve(&proposal.id, &click).unwrap();
}

/// Two calls with Dana, `w` and `v`, and one with Bo, each with note, debrief and a task that was approved.
struct Scene {
    folder: tempfile::TempDir,
    log: SqliteLog,
    notes: [ArtifactId; 3],
    debriefs: [ArtifactId; 3],
    open: Proposal,
    approved: [Proposal; 3],
}

const CALLS: [&str; 3] = ["w", "v", "b"];

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions { busy_ms: 30, ..SqliteOptions::default() };
    let log = SqliteLog::open(folder.path().join("calls.db"), options).unwrap();
    put(&log, "w", &talk(&dana(), HERS, true));
    put(&log, "v", &talk(&dana(), HERS, true));
    put(&log, "b", &talk(&person(1, "Bo Li", Some("verbal")), "nothing of note", true));
    log.index(10).unwrap();
    let words = |call: &str| if call == "b" { "nothing of note" } else { HERS };
    let named = |call: &str| if call == "b" { "Bo Li" } else { "Dana Whitfield" };
    let note = |c| {
        artifact(&log, Kind::NoteProposal, json!({ "call": c, "decided": quote(c, 1, words(c)), "with": named(c) }))
    };
    let debrief = |c| artifact(&log, Kind::Debrief, json!({ "call": c, "because": quote(c, 1, words(c)) }));
    let (notes, debriefs) = (CALLS.map(note), CALLS.map(debrief));
    // Words of the rep's alone, who names her.
    let open = task(&log, "call w", quote("w", 0, OTHERS), "call Dana back", &notes[0]);
    let mut n = 0;
    let approved = CALLS.map(|c| {
        n += 1;
        let proposal = task(&log, &format!("call {c}"), quote(c, 1, words(c)), &format!("task {c}"), &notes[n - 1]);
        approve(&log, &proposal);
        proposal
    });
    log.enrol(&Service::new("w", &[("local", &["create_task"])]), &service(), 90).unwrap();
    Scene { folder, log, notes, debriefs, open, approved }
}

impl Scene {
    fn say(&self, person: &str, scope: &str, withdrawn: bool) {
        let says = NewRecord {
            person: Person::new(person).unwrap(),
            scope: scope.parse().unwrap(),
            jurisdiction: None,
            method: "verbal".into(),
            proof: String::new(),
            given_unix_ms: 100,
            withdrawn_unix_ms: withdrawn.then_some(100),
        };
        self.log.add_consents(&[says]).unwrap();
    }

    /// Which of the calls still have their words in the log, their note, their debrief and their task.
    fn left(&self) -> Vec<(&'static str, bool, bool, bool, bool)> {
        let genuine = |id: &ArtifactId, kind| self.log.artifact(id).unwrap().unwrap().artifact.is_genuine(kind);
        let rows = CALLS.iter().enumerate().map(|(n, call)| {
            let events = self.log.read(&id(call), 0).unwrap();
            let said = |e: &Event| matches!(&e.body, EventBody::UtteranceEnded { track, text, .. } if track.0 == 1 && !text.is_empty());
            let standing = self.log.proposal(&self.approved[n].id).unwrap().unwrap().standing;
            let (note, debrief) = (&self.notes[n], &self.debriefs[n]);
            (
                *call,
                events.iter().any(said),
                genuine(note, Kind::NoteProposal),
                genuine(debrief, Kind::Debrief),
                matches!(standing, Standing::Approved { .. }),
            )
        });
        rows.collect()
    }

    /// What an executor is given, one after the other.
    fn claimed(&self) -> Vec<Proposal> {
        let worker = Worker { run: "r".into(), service: "w".into(), limits: Limits::default() };
        std::iter::from_fn(|| self.log.claim(&worker, 200).unwrap()).map(|claim| claim.proposal).collect()
    }

    fn holds(&self, what: &str) -> bool {
        let within = |bytes: Vec<u8>| bytes.windows(what.len()).any(|w| w.eq_ignore_ascii_case(what.as_bytes()));
        ["calls.db", "calls.db-wal"].iter().any(|f| fs::read(Path::new(self.folder.path()).join(f)).is_ok_and(within))
    }

    fn finish(&self) -> Vec<(u64, Vec<reframe_store::CallId>)> {
        let due = self.log.withdrawals_to_finish().unwrap();
        due.iter().for_each(|(consent, _)| self.log.withdrawal_finished(*consent).unwrap());
        due
    }
}

const WHOLE: (bool, bool, bool, bool) = (true, true, true, true);
const GONE: (bool, bool, bool, bool) = (false, false, false, false);

fn row(call: &'static str, (a, b, c, d): (bool, bool, bool, bool)) -> (&'static str, bool, bool, bool, bool) {
    (call, a, b, c, d)
}

#[test]
fn consent_withdrawn_after_a_call_takes_note_debrief_proposals_and_index_of_that_call_with_it() {
    let scene = scene();
    let log = &scene.log;
    assert_eq!(scene.left(), CALLS.map(|c| row(c, WHOLE)), "or this test shows nothing");
    scene.say("Dana Whitfield", "call:w", true);
    log.carry_out_withdrawals(101).unwrap();
    // Before any page is cleaned nothing of it can be seen or written.
    assert_eq!(scene.left(), [row("w", GONE), row("v", WHOLE), row("b", WHOLE)]);
    let open = log.proposal(&scene.open.id).unwrap().unwrap();
    assert!(matches!(open.standing, Standing::Rejected { .. }), "it names her: {:?}", open.standing);
    assert!(!serde_json::to_string(&open.proposal).unwrap().contains("Dana"));
    log.index(10).unwrap();
    let found = |query: &str| log.search(query, &Filters::default(), 10, 0).unwrap().hits.len();
    assert_eq!((found(HERS), found(OTHERS)), (1, 3));
    let claimed = scene.claimed();
    assert_eq!(claimed, scene.approved[1..], "what was approved of that call and not begun is void");
    let people = log.call(&id("w")).unwrap().unwrap().participants;
    assert_eq!((people[1].name.as_str(), people[1].email.as_deref()), ("(erased) #1", None));

    let record = log.record_of("call w").unwrap();
    let erased: Vec<_> = record.iter().filter(|e| e.what == What::Erased).collect();
    assert_eq!(erased.len(), 1);
    assert!(!format!("{:?}", erased[0]).to_lowercase().contains("dana"));
    let entries = log.entries_from(0, 1_000).unwrap();
    assert_eq!(verify_chain(&entries, Head::default()).unwrap(), log.head().unwrap());

    assert_eq!(scene.finish(), [(1, vec![id("w")])]);
    assert!(scene.finish().is_empty());
    log.carry_out_withdrawals(102).unwrap();
    assert_eq!(log.head().unwrap().next, entries.len() as u64, "once is enough");
}

#[test]
fn consent_withdrawn_for_all_calls_leaves_no_byte_of_words_or_name() {
    let scene = scene();
    assert!(scene.holds(HERS) && scene.holds("whitfield") && scene.holds(EMAIL));
    scene.say(EMAIL, "*", true);
    scene.log.carry_out_withdrawals(101).unwrap();
    assert_eq!(scene.left(), [row("w", GONE), row("v", GONE), row("b", WHOLE)]);
    assert_eq!(scene.finish(), [(1, vec![id("w"), id("v")])]);
    for word in [HERS, "whitfield", "orbla"] {
        assert!(!scene.holds(word), "`{word}` is still in the file");
    }
    assert!(scene.holds(OTHERS) && scene.holds("nothing of note"));
}

#[test]
fn who_agreed_again_and_who_is_somebody_else_keep_their_words() {
    let scene = scene();
    scene.say(EMAIL, "call:w", true);
    scene.say(EMAIL, "call:w", false);
    scene.say("dana@other.example", "*", true);
    scene.say("Dana Whitfield", "call:b", true);
    scene.say("Dana Whitfield", "call:v/track:0", true);
    scene.log.carry_out_withdrawals(101).unwrap();
    assert_eq!(scene.left(), CALLS.map(|c| row(c, WHOLE)));
    assert!(scene.finish().iter().all(|(_, calls)| calls.is_empty()));
}

#[test]
fn a_withdrawal_waits_for_a_running_call_and_a_running_write() {
    let scene = scene();
    let log = &scene.log;
    let events = talk(&dana(), "", false);
    put(log, "open", &events);
    let worker = Worker { run: "r".into(), service: "w".into(), limits: Limits::default() };
    let held = log.claim(&worker, 95).unwrap().unwrap();
    assert_eq!(held.proposal, scene.approved[0]);
    let held = log.begin(&held.entry, &worker, 95).unwrap();
    scene.say(EMAIL, "*", true);
    log.carry_out_withdrawals(101).unwrap();
    assert_eq!(scene.left()[0], row("w", (false, false, false, true)), "it may be in the system already");
    assert!(scene.finish().is_empty(), "not done yet");
    let reason = "dana@acme.example is known already".to_owned();
    log.settle(&held, &worker, &Outcome::Failed { reason }, 110).unwrap();
    log.carry_out_withdrawals(111).unwrap();
    assert_eq!(scene.left()[..2], [row("w", GONE), row("v", GONE)]);
    assert!(scene.finish().is_empty(), "the call still runs");
    let end = event(events.len() as u64, EventBody::CallEnded { cards_shown: 0, utterances: 2 });
    log.append(&id("open"), events.len() as u64, &[end]).unwrap();
    log.carry_out_withdrawals(112).unwrap();
    let calls = &scene.finish()[0].1;
    assert_eq!(calls.len(), 3);
    assert!(!scene.holds("whitfield"));
}

/// Words that a call's own log asks to be erased, of a call that is over by then: what was made of them goes too.
#[test]
fn a_note_that_is_withdrawn_takes_the_message_that_retells_it_along() {
    let scene = scene();
    // Shown with words of the rep's, and naming nobody; what it promises further down was Dana's.
    let mail = Mail {
        message_id: "<m1@us.example>".into(),
        to: vec!["bo@acme.example".into()],
        cc: vec![],
        subject: "Next steps".into(),
        body: "Hello all, from you: the drawings by Friday.".into(),
        in_reply_to: None,
        thread: None,
        unsubscribe: None,
    };
    let because = quote("w", 0, OTHERS);
    let (action, from) = (Action::CreateDraft { mail }, scene.notes[0].clone());
    let draft = Proposal::new("local", action, None, because.clone(), from.clone(), "call w", 78);
    // A task that rests on the same words and retells nothing stays.
    let other = task(&scene.log, "call w", because, "send the plan", &from);
    scene.log.put_proposals(std::slice::from_ref(&draft), &service(), 78).unwrap();
    scene.say("Dana Whitfield", "call:w", true);
    scene.log.carry_out_withdrawals(101).unwrap();
    let after = |p: &Proposal| scene.log.proposal(&p.id).unwrap().unwrap();
    assert!(matches!(after(&draft).standing, Standing::Rejected { .. }), "{:?}", after(&draft).standing);
    assert!(!serde_json::to_string(&after(&draft).proposal).unwrap().contains("drawings"));
    assert!(matches!(after(&other).standing, Standing::Open), "{:?}", after(&other).standing);
}

#[test]
fn a_name_that_is_a_word_takes_nothing_of_other_calls() {
    let scene = scene();
    let will = TrackInfo { email: Some("will@acme.example".into()), ..person(1, "Will", Some("verbal")) };
    put(&scene.log, "g", &talk(&will, HERS, true));
    let own = artifact(&scene.log, Kind::Debrief, json!({ "call": "g", "says": "will was sure" }));
    let others = artifact(&scene.log, Kind::Debrief, json!({ "call": "b", "says": "she will see", "side": "buyer" }));
    scene.say("will@acme.example", "*", true);
    scene.log.carry_out_withdrawals(101).unwrap();
    assert_eq!(scene.left(), CALLS.map(|c| row(c, WHOLE)));
    let genuine = |id| scene.log.artifact(id).unwrap().unwrap().artifact.is_genuine(Kind::Debrief);
    assert!(!genuine(&own) && genuine(&others));
}

#[test]
fn erased_words_take_what_was_made_of_them_along() {
    for body in [EventBody::WordsErased { track: TrackId(1) }, EventBody::CallErased { reason: "revoked".into() }] {
        let scene = scene();
        let log = &scene.log;
        let mut events = talk(&dana(), HERS, false);
        events.push(event(events.len() as u64, body));
        events.push(event(events.len() as u64, EventBody::CallEnded { cards_shown: 0, utterances: 2 }));
        put(log, "late", &events);
        // Drafted from what was read before the erasure was carried out.
        let note = artifact(log, Kind::NoteProposal, json!({ "call": "late", "decided": quote("late", 1, HERS) }));
        let late = task(log, "call late", quote("late", 1, HERS), "late", &note);
        approve(log, &late);
        let erasure = log.erase(&id("late")).unwrap();
        assert_eq!((erasure.artifacts, erasure.proposals, erasure.being_written), (1, 1, 0));
        assert!(!log.artifact(&note).unwrap().unwrap().artifact.is_genuine(Kind::NoteProposal));
        assert_eq!(scene.claimed(), scene.approved);
        let standing = log.proposal(&late.id).unwrap().unwrap().standing;
        assert!(matches!(standing, Standing::Rejected { .. }), "{standing:?}");
        assert_eq!(scene.left(), CALLS.map(|c| row(c, WHOLE)), "the other calls' stay");
    }
}

/// What a system answered stays with the write, where it can be erased; the audit log, which cannot, has the status alone.
#[test]
fn the_audit_log_holds_no_text_of_a_system() {
    let scene = scene();
    let log = &scene.log;
    let worker = Worker { run: "r".into(), service: "w".into(), limits: Limits::default() };
    let says = "HTTP 409: Contact Dana Whitfield <dana@acme.example> exists".to_owned();
    let changed = reframe_workflow::outbox::VoidWhy::TargetChanged { problem: says.clone() };
    let outcomes =
        [Outcome::Unknown { problem: says.clone() }, Outcome::Failed { reason: says.clone() }, Outcome::Void(changed)];
    for outcome in outcomes {
        let held = log.claim(&worker, 95).unwrap().unwrap();
        let held = log.begin(&held.entry, &worker, 95).unwrap();
        log.settle(&held, &worker, &outcome, 96).unwrap();
    }
    let entries = log.entries_from(0, 1_000).unwrap();
    let text = serde_json::to_string(&entries).unwrap();
    assert!(text.contains("http 409") && text.contains("the record has changed since"), "{text}");
    assert!(!text.contains("Whitfield") && !text.contains("acme.example"), "{text}");
    assert!(
        log.entries(None, 0, 10).unwrap().iter().any(|e| format!("{e:?}").contains("Whitfield")),
        "a person reads it there"
    );
}

impl Scene {
    /// Another program's look at the file.
    fn other(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("calls.db")).unwrap()
    }

    /// The claimed and begun write of a proposal, which is the first in the queue.
    fn begin(&self, proposal: &Proposal, worker: &Worker) -> reframe_workflow::outbox::Entry {
        let held = self.log.claim(worker, 95).unwrap().unwrap();
        assert_eq!(held.proposal, *proposal);
        self.log.begin(&held.entry, worker, 95).unwrap()
    }
}

fn worker() -> Worker {
    Worker { run: "r".into(), service: "w".into(), limits: Limits::default() }
}

/// Changes whenever somebody else has written.
fn writes(other: &rusqlite::Connection) -> i64 {
    other.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap()
}

/// What names somebody by a part of their name only, and is on its way when they take back by address: the second try, when
/// the calls are masked, still has to know the name.
#[test]
fn a_second_try_still_knows_how_the_person_is_spelled() {
    let scene = scene();
    let log = &scene.log;
    // Ahead of it in the queue.
    for proposal in &scene.approved {
        let held = scene.begin(proposal, &worker());
        log.settle(&held, &worker(), &Outcome::Failed { reason: "no".into() }, 96).unwrap();
    }
    approve(log, &scene.open);
    let held = scene.begin(&scene.open, &worker());
    scene.say(EMAIL, "*", true);
    log.carry_out_withdrawals(101).unwrap();
    let text = || format!("{:?}", log.proposal(&scene.open.id).unwrap().unwrap());
    assert!(text().contains("Dana"), "it may be in its system already");
    assert!(scene.finish().is_empty());
    let who = |other: rusqlite::Connection| -> Vec<Option<String>> {
        let mut all = other.prepare("SELECT who FROM withdrawals_due").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(who(scene.other()), [Some(r#"["dana whitfield","dana@acme.example"]"#.to_owned())]);
    log.settle(&held, &worker(), &Outcome::Failed { reason: "Dana is known already".into() }, 110).unwrap();
    log.carry_out_withdrawals(111).unwrap();
    assert!(!text().contains("Dana"), "{}", text());
    assert_eq!(who(scene.other()), [None], "its rewriting is done");
    assert_eq!(scene.finish().len(), 1);
    assert!(!scene.holds("whitfield") && !scene.holds("dana is known"));
    assert!(who(scene.other()).is_empty());
}

/// While what it waits for goes on nothing is read or written again, but for a look now and then; and pages are cleaned only
/// if something in them was rewritten.
#[test]
fn a_withdrawal_that_waits_is_left_alone_until_what_it_waits_for_is_over() {
    let scene = scene();
    let log = &scene.log;
    let held = scene.begin(&scene.approved[0], &worker());
    scene.say(EMAIL, "*", true);
    log.carry_out_withdrawals(101).unwrap();
    log.withdrawals_to_finish().unwrap();
    let other = scene.other();
    let quiet = |from: i64, to: i64| {
        let before = writes(&other);
        for now in [from, (from + to) / 2, to] {
            log.carry_out_withdrawals(now).unwrap();
            assert!(log.withdrawals_to_finish().unwrap().is_empty());
        }
        assert_eq!(writes(&other), before, "written between {from} and {to}");
    };
    let mut at = 101;
    for pause in [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000] {
        quiet(at + 1, at + pause - 1);
        at += pause;
        let before = writes(&other);
        log.carry_out_withdrawals(at).unwrap();
        assert_ne!(writes(&other), before, "tried again at {at}");
    }
    // A clock that was set back does not make it wait for more than the longest pause.
    log.carry_out_withdrawals(at - 10_000_000).unwrap();
    at -= 10_000_000;
    quiet(at + 1, at + 599_999);
    log.settle(&held, &worker(), &Outcome::Failed { reason: "no".into() }, 110).unwrap();
    log.carry_out_withdrawals(at + 1).unwrap();
    assert_eq!(log.withdrawals_to_finish().unwrap().len(), 1, "at once, whatever its pause");
    // The files outside cannot be written for now: asked again, nothing is cleaned twice.
    let before = writes(&other);
    assert_eq!(log.withdrawals_to_finish().unwrap().len(), 1);
    assert_eq!(writes(&other), before);
    assert!(!scene.holds(HERS) && !scene.holds("whitfield"));
}

/// The same of words that a call's own log asks to be erased.
#[test]
fn pages_are_cleaned_once_for_an_erasure_that_waits_for_a_write() {
    let scene = scene();
    let log = &scene.log;
    for proposal in &scene.approved {
        let held = scene.begin(proposal, &worker());
        log.settle(&held, &worker(), &Outcome::Failed { reason: "no".into() }, 96).unwrap();
    }
    let mut events = talk(&dana(), HERS, false);
    events.push(event(events.len() as u64, EventBody::WordsErased { track: TrackId(1) }));
    events.push(event(events.len() as u64, EventBody::CallEnded { cards_shown: 0, utterances: 2 }));
    put(log, "late", &events);
    let note = artifact(log, Kind::NoteProposal, json!({ "call": "late", "decided": quote("late", 1, HERS) }));
    let late = task(log, "call late", quote("late", 1, HERS), "late", &note);
    approve(log, &late);
    let held = scene.begin(&late, &worker());
    assert_eq!(log.erase(&id("late")).unwrap().being_written, 1);
    let other = scene.other();
    let before = writes(&other);
    assert_eq!(log.erase(&id("late")).unwrap().being_written, 1);
    assert_eq!(writes(&other), before, "nothing changed, and the pages are clean");
    log.settle(&held, &worker(), &Outcome::Failed { reason: "no".into() }, 110).unwrap();
    let before = writes(&other);
    assert_eq!(log.erase(&id("late")).unwrap().being_written, 0);
    assert_ne!(writes(&other), before);
}

/// A call that ends and is written up while its erasure waits for the file: what was made of the words goes too.
#[test]
fn an_erasure_reads_what_it_rewrites_in_its_own_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = SqliteLog::open(&path, SqliteOptions { busy_ms: 20_000, ..SqliteOptions::default() }).unwrap();
    let mut events = talk(&dana(), HERS, false);
    events.push(event(events.len() as u64, EventBody::WordsErased { track: TrackId(1) }));
    put(&log, "late", &events);
    let clerk = rusqlite::Connection::open(&path).unwrap();
    clerk.execute_batch("BEGIN IMMEDIATE; UPDATE calls SET state = 'ended'").unwrap();
    let note = Artifact::new(
        Kind::NoteProposal,
        vec![],
        Maker::rules("test", 1),
        json!({ "call": "late", "decided": quote("late", 1, HERS) }),
    );
    std::thread::scope(|scope| {
        let erasing = scope.spawn(|| log.erase(&id("late")).unwrap());
        // Time to read what is there before: no outcome rests on it.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let row = rusqlite::params![note.id.as_str(), serde_json::to_string(&note).unwrap()];
        clerk
            .execute(
                "INSERT INTO artifacts (id, kind, body, made_unix_ms) VALUES (?1, '\"note_proposal\"', ?2, 1)",
                row,
            )
            .unwrap();
        clerk.execute_batch("COMMIT").unwrap();
        assert_eq!(erasing.join().unwrap().artifacts, 1);
    });
    assert!(!log.artifact(&note.id).unwrap().unwrap().artifact.is_genuine(Kind::NoteProposal));
}

/// Titles and the rep's notes of calls they were not on.
#[test]
fn titles_and_notes_of_other_calls_that_name_the_person_go_with_a_withdrawal_for_all_calls() {
    const TITLE: &str = "Call with Dana Whitfield, dana@acme.example";
    const NOTE: &str = "ask dana whitfield for the drawings";
    const WILL: (&str, &str) = ("Dana will call", "send it to dana");
    let bo = person(1, "Bo Li", Some("verbal"));
    let with = |log: &SqliteLog, name: &str, title: &str, note: &str, over: bool| {
        let mut events = talk(&bo, "nothing of note", false);
        let noted = event(events.len() as u64, EventBody::NoteTaken { text: note.into() });
        events.push(noted);
        if over {
            events.push(event(events.len() as u64, EventBody::CallEnded { cards_shown: 0, utterances: 2 }));
        }
        log.create(&NewCall { title: title.into(), ..call(name) }).unwrap();
        log.append(&id(name), 0, &events).unwrap();
        events.len() as u64
    };
    let read = |log: &SqliteLog, name: &str| -> (String, String) {
        let note = log.read(&id(name), 0).unwrap().into_iter().find_map(|e| match e.body {
            EventBody::NoteTaken { text } => Some(text),
            _ => None,
        });
        (log.call(&id(name)).unwrap().unwrap().call.title, note.unwrap())
    };
    let gone = ("(erased)".to_owned(), "(erased)".to_owned());
    let owned = |(title, note): (&str, &str)| (title.to_owned(), note.to_owned());
    // By her address alone, which is spelled out in the calls she was on; then by a name nobody on a call has.
    for (person, agreed_again, goes) in [(EMAIL, false, true), ("Dana Whitfield", false, true), (EMAIL, true, false)] {
        let scene = scene();
        let log = &scene.log;
        with(log, "other", TITLE, NOTE, true);
        with(log, "will", WILL.0, WILL.1, true);
        let next = with(log, "runs", TITLE, NOTE, false);
        scene.say(person, "*", true);
        if agreed_again {
            scene.say(person, "*", false);
        }
        log.carry_out_withdrawals(101).unwrap();
        assert_eq!(read(log, "will"), owned(WILL), "a word that is also a name is nobody's there");
        if !goes {
            assert_eq!((read(log, "other"), read(log, "runs")), (owned((TITLE, NOTE)), owned((TITLE, NOTE))));
            continue;
        }
        assert_eq!(read(log, "other"), gone);
        assert_eq!(read(log, "runs"), owned(("(erased)", NOTE)), "its log is somebody's who writes it");
        assert!(scene.finish().is_empty());
        let end = event(next, EventBody::CallEnded { cards_shown: 0, utterances: 2 });
        log.append(&id("runs"), next, &[end]).unwrap();
        log.carry_out_withdrawals(102).unwrap();
        assert_eq!(read(log, "runs"), gone);
        let calls = &scene.finish()[0].1;
        assert!(
            calls.contains(&id("other")) && calls.contains(&id("runs")) && !calls.contains(&id("will")),
            "{calls:?}"
        );
        assert!(!scene.holds("dana whitfield") || person != EMAIL, "the registry alone has the name");
        assert!(!scene.holds("for the drawings"));
    }
    // For one call: the others are not its business; nobody's call of theirs: the withdrawal still stands.
    let scene = scene();
    with(&scene.log, "other", TITLE, NOTE, true);
    scene.say("Dana Whitfield", "call:w", true);
    scene.log.carry_out_withdrawals(101).unwrap();
    assert_eq!(read(&scene.log, "other"), owned((TITLE, NOTE)));
    let log = SqliteLog::in_memory().unwrap();
    with(&log, "other", "To cy@acme.example", "Cy's address: cy@acme.example", true);
    let says = NewRecord {
        person: Person::new("cy@acme.example").unwrap(),
        scope: reframe_consent::Scope::AllCalls,
        jurisdiction: None,
        method: "verbal".into(),
        proof: String::new(),
        given_unix_ms: 100,
        withdrawn_unix_ms: Some(100),
    };
    log.add_consents(&[says]).unwrap();
    log.carry_out_withdrawals(101).unwrap();
    assert_eq!(read(&log, "other"), gone);
}

/// In a call they were on a first name is enough.
#[test]
fn the_title_of_their_own_call_goes_by_a_first_name() {
    let scene = scene();
    scene.log.create(&NewCall { title: "Dana and Bo, prices".into(), ..call("t") }).unwrap();
    scene.log.append(&id("t"), 0, &talk(&dana(), HERS, true)).unwrap();
    scene.say(EMAIL, "call:t", true);
    scene.log.carry_out_withdrawals(101).unwrap();
    assert_eq!(scene.log.call(&id("t")).unwrap().unwrap().call.title, "(erased)");
}
