//! Consent taken back when the call is over: note, debrief, proposals and index go with the words, and nothing approved of
//! them is written any more.
#![allow(clippy::unwrap_used)]

mod made;

use std::{fs, path::Path};

use made::{call, event, id, person, started};
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
