//! Consent that is taken back in mid-call takes the words with it: from the database's bytes, from files and screens, and
//! even if the server is killed in between.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::feed::{Bot, files, heard, holds, http, mint, runtime, start, track};
use crate::support::{Served, log, out, reframe, stored, wait_until};
use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_store::{CallId, EventLog, NewCall};
use serde_json::{Value, json};

const FIXTURE: &str = "cold-call";

fn both() -> [Value; 2] {
    let mut buyer = track(1, "Peter Lindqvist", "buyer", Some("platform"));
    buyer["email"] = json!("peter@acme.example");
    [track(0, "Sam", "rep", Some("platform")), buyer]
}

/// Words that were heard of a track and of no other.
fn own_words(events: &[Event], track: u16) -> Vec<String> {
    let mut own = std::collections::BTreeSet::new();
    let mut others = std::collections::BTreeSet::new();
    for event in events {
        if let EventBody::WordsCommitted { track: of, words, .. } = &event.body {
            let to = if of.0 == track { &mut own } else { &mut others };
            to.extend(words.iter().map(|w| w.text.clone()));
        }
    }
    own.difference(&others).cloned().collect()
}

/// Those words that nobody else was heard to say by now.
fn not_said_by_others(words: Vec<String>, events: &[Event], track: u16) -> Vec<String> {
    let others: std::collections::BTreeSet<&str> = events
        .iter()
        .filter_map(|e| match &e.body {
            EventBody::WordsCommitted { track: of, words, .. } if of.0 != track => Some(words),
            _ => None,
        })
        .flatten()
        .map(|w| w.text.as_str())
        .collect();
    words.into_iter().filter(|w| !others.contains(w.as_str())).collect()
}

/// Where these words or utterances of somebody still stand in the data folder.
fn traces(dir: &Path, words: &[String], utterances: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in files(&dir.join("reframe-data"), &["secret"]) {
        for word in words {
            let spelled = format!("\"w\":\"{word}\"");
            let quoted = format!("\"text\":\"{word}\"");
            if holds(&bytes, spelled.as_bytes()) || holds(&bytes, quoted.as_bytes()) {
                found.push(format!("{word:?} in {place}"));
            }
        }
        found.extend(utterances.iter().filter(|u| holds(&bytes, u.as_bytes())).map(|u| format!("{u:?} in {place}")));
    }
    found
}

fn of_several_words(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().filter(|t| t.split(' ').count() >= 3).collect()
}

#[test]
fn what_a_person_takes_back_in_mid_call_is_gone_everywhere_and_others_words_stay() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut server = Served::start(dir, "[data]\nrecord_inputs = true\n[log]\nlevel = \"trace\"\n");
    let admin = mint(dir, &["--kind", "admin"]);
    let runtime = runtime();
    let mut bot = runtime.block_on(Bot::connect(&server, &server.token, &start("w", "recorded", &both()), FIXTURE));
    let overlay = bot.overlay();
    runtime.block_on(bot.send_until(0.6));
    wait_until("both were heard", || {
        let events = stored(dir, "w");
        of_several_words(heard(&events, 0)).len() >= 2 && own_words(&events, 1).len() > 20
    });
    let before = stored(dir, "w");
    let (words, said) = (own_words(&before, 1), of_several_words(heard(&before, 1)));
    let kept = of_several_words(heard(&before, 0));
    assert!(said.len() >= 2 && !traces(dir, &words, &said).is_empty(), "{words:?}");
    let screen = runtime.block_on(crate::feed::look(&overlay));

    let body = json!({"person": "Peter@ACME.example", "method": "verbal", "proof": "said so"}).to_string();
    let (status, answer) = http(&server, "POST", "/v1/consents/withdraw", &admin, &body);
    assert_eq!(status, 201, "{answer}");
    wait_until("the words are erased", || server.metric("reframe_erasures_total") >= 1);
    let after = stored(dir, "w");
    // Others may have said the same word since.
    let words = not_said_by_others(words, &after, 1);
    assert!(words.len() > 10, "{words:?}");
    let left = traces(dir, &words, &said);
    assert!(left.is_empty(), "{left:?}");
    assert!(after.len() > before.len() && after.iter().any(|e| matches!(e.body, EventBody::WordsErased { .. })));
    assert!(heard(&after, 0).starts_with(&heard(&before, 0)), "what others said stays");
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((old.seq, old.at), (new.seq, new.at), "the log keeps its shape");
    }
    let again = runtime.block_on(crate::feed::look(&overlay));
    for text in &said {
        assert!(!again.contains(text.as_str()), "{text:?} is still on the screen, which had shown: {screen}");
    }

    // The rest of the call: Peter speaks on, and nobody listens to him.
    runtime.block_on(bot.send_until(1.0));
    let ended = runtime.block_on(bot.stop());
    assert_eq!(ended["call"], "w");
    let all = stored(dir, "w");
    assert!(heard(&all, 1).is_empty(), "{:?}", heard(&all, 1));
    let words = not_said_by_others(words, &all, 1);
    assert_eq!(traces(dir, &words, &said), [] as [String; 0]);
    let transcript = std::fs::read_to_string(dir.join("reframe-data/calls/w.transcript.txt")).unwrap();
    assert!(kept.iter().all(|text| transcript.contains(text.as_str())), "{transcript}");
    assert!(!transcript.contains("(buyer)"), "{transcript}");
    assert!(!dir.join("reframe-data/calls/w.inputs.jsonl").exists(), "the recording went as a whole");
    let log = server.log();
    assert!(!log.contains("acme.example") && !log.contains("Lindqvist"), "who it was stays out of the log");

    // And the registry says why.
    let args = ["consent", "why", "--person", "peter@acme.example", "--call", "w", "--server"];
    let output =
        reframe(dir).args(args).arg(format!("http://{}", server.addr)).env("REFRAME_ADMIN_TOKEN", &admin).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", crate::support::err(&output));
    let why = out(&output);
    assert!(why.starts_with("withdrawn\n* #3") && why.contains("said so") && why.contains("platform"), "{why}");
    assert_eq!(server.terminate(), Some(0));
    let why = crate::support::run(dir, &["consent", "why", "--person", "peter@acme.example", "--call", "w"]);
    assert!(out(&why).starts_with("withdrawn\n* #3"), "without the server too: {}", out(&why));
}

#[test]
fn a_bot_can_take_a_participants_words_back_and_a_whole_call() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let server = Served::start(dir, "[data]\nrecord_inputs = true\n");
    let runtime = runtime();
    for (call, message) in [
        ("null", json!({"type": "consent", "track": 1, "consent": null})),
        ("erase", json!({"type": "erase", "reason": "the host revoked it"})),
    ] {
        let erased = server.metric("reframe_erasures_total");
        let mut bot =
            runtime.block_on(Bot::connect(&server, &server.token, &start(call, "recorded", &both()), FIXTURE));
        runtime.block_on(bot.send_until(0.5));
        wait_until("both were heard", || {
            let events = stored(dir, call);
            !of_several_words(heard(&events, 0)).is_empty() && !of_several_words(heard(&events, 1)).is_empty()
        });
        runtime.block_on(bot.say(&message));
        wait_until("words are erased", || server.metric("reframe_erasures_total") > erased);
        runtime.block_on(bot.stop());
        let events = stored(dir, call);
        assert!(heard(&events, 1).is_empty());
        assert_eq!(heard(&events, 0).is_empty(), call == "erase");
    }
    let events = stored(dir, "erase");
    assert!(events.iter().any(|e| matches!(&e.body, EventBody::CallErased { reason } if reason.contains("revoked"))));
    assert!(matches!(events.last().unwrap().body, EventBody::CallEnded { .. }));
    let calls = dir.join("reframe-data/calls");
    let names: Vec<String> =
        std::fs::read_dir(calls).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("null.")), "an erased call leaves no files: {names:?}");
}

/// The state a server leaves that is killed after the event was stored and before anything was erased.
#[test]
fn an_erasure_that_was_cut_off_is_finished_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let id = CallId::new("k").unwrap();
    let said = |seq: u64, track: u16, text: &str| {
        let word =
            |w: &str| Word { text: w.into(), start: MediaTime::ZERO, end: MediaTime::from_ms(1), confidence: 1.0 };
        let words = text.split(' ').map(word).collect();
        let (track, utterance) = (TrackId(track), UtteranceId(u32::try_from(seq).unwrap()));
        Event { seq, at: MediaTime::ZERO, body: EventBody::WordsCommitted { track, utterance, words } }
    };
    let info = TrackInfo { id: TrackId(1), party: Party::Buyer, name: "Peter".into(), email: None, consent: None };
    let event = |seq, body| Event { seq, at: MediaTime::ZERO, body };
    {
        let log = log(dir);
        let call = NewCall {
            id: id.clone(),
            title: "k".into(),
            playbook: "b2b-saas".into(),
            started_unix_ms: 0,
            token_hash: String::new(),
        };
        log.create(&call).unwrap();
        let events = [
            event(0, EventBody::TrackAdded { track: info }),
            said(1, 1, "peters confidential words"),
            said(2, 0, "sams ordinary words"),
            event(3, EventBody::WordsErased { track: TrackId(1) }),
        ];
        log.append(&id, 0, &events).unwrap();
        let calls = dir.join("reframe-data/calls");
        std::fs::create_dir_all(&calls).unwrap();
        std::fs::write(calls.join("k.inputs.jsonl"), "confidential").unwrap();
        std::fs::write(calls.join("k.transcript.txt"), "confidential").unwrap();
    }
    let places = || files(&dir.join("reframe-data"), &["secret"]);
    assert!(places().iter().any(|(_, bytes)| holds(bytes, b"confidential")));
    let mut server = Served::start(dir, "[server]\nresume_grace_s = 1\n");
    wait_until("the words are gone", || !places().iter().any(|(_, bytes)| holds(bytes, b"confidential")));
    wait_until("the call is closed", || dir.join("reframe-data/calls/k.events.jsonl").exists());
    wait_until("nothing is due any more", || log(dir).erasures_due(10).unwrap().is_empty());
    assert!(places().iter().any(|(_, bytes)| holds(bytes, b"ordinary")));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_server_killed_right_after_a_withdrawal_erases_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut server = Served::start(dir, "[data]\nrecord_inputs = true\n");
    let runtime = runtime();
    let mut bot = runtime.block_on(Bot::connect(&server, &server.token, &start("dead", "recorded", &both()), FIXTURE));
    runtime.block_on(bot.send_until(0.5));
    wait_until("both were heard", || {
        let events = stored(dir, "dead");
        !of_several_words(heard(&events, 0)).is_empty() && of_several_words(heard(&events, 1)).len() >= 2
    });
    let before = stored(dir, "dead");
    let (words, said) = (own_words(&before, 1), of_several_words(heard(&before, 1)));
    assert!(!traces(dir, &words, &said).is_empty());
    runtime.block_on(bot.say(&json!({"type": "consent", "track": 1, "consent": null})));
    // As soon as the event is there, wherever the erasing is by then.
    wait_until("it is in the log", || {
        stored(dir, "dead").iter().any(|e| matches!(e.body, EventBody::WordsErased { .. }))
    });
    server.kill();
    let mut server = Served::start(dir, "[server]\nresume_grace_s = 1\n");
    let words = not_said_by_others(words, &stored(dir, "dead"), 1);
    wait_until("the words are gone", || traces(dir, &words, &said).is_empty());
    wait_until("the call is closed", || dir.join("reframe-data/calls/dead.events.jsonl").exists());
    assert_eq!(traces(dir, &words, &said), [] as [String; 0]);
    assert!(!heard(&stored(dir, "dead"), 0).is_empty(), "what Sam said stays");
    assert!(!dir.join("reframe-data/calls/dead.inputs.jsonl").exists());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_registry_can_be_kept_over_http_and_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let server = Served::start(dir, "");
    let admin = mint(dir, &["--kind", "admin"]);
    let give = |body: Value| http(&server, "POST", "/v1/consents", &admin, &body.to_string());
    assert_eq!(give(json!({"person": "Dana@acme.example", "method": "contract", "proof": "§ 4"})).0, 201);
    for (body, part) in [
        (json!({"person": "Dana", "method": "verbal"}), "a name alone"),
        (json!({"person": "", "method": "verbal"}), "name a person"),
        (json!({"person": "dana@acme.example", "method": " "}), "how it was given"),
        (json!({"person": "dana@acme.example", "call": "a b", "method": "verbal"}), "call:"),
        (json!({"person": "dana@acme.example", "method": "verbal", "colour": 1}), "colour"),
    ] {
        let (status, text) = give(body);
        assert!(status == 422 && text.contains(part), "{status} {text}");
    }
    for token in ["", "wrong", server.token.as_str()] {
        for (method, path) in [("GET", "/v1/consents"), ("POST", "/v1/consents"), ("POST", "/v1/consents/withdraw")] {
            let (status, body) = http(&server, method, path, token, "");
            assert!(status == 401 && !body.contains("dana"), "{status} {body}");
        }
    }
    let get = |query: &str| -> Value {
        let (status, body) = http(&server, "GET", &format!("/v1/consents{query}"), &admin, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    assert_eq!(get("")["records"].as_array().unwrap().len(), 1);
    assert_eq!(get("?person=DANA@acme.example&call=x")["standing"], json!({"is": "given", "by": 1}));
    // The command line, at the server and beside it.
    let place = format!("http://{}", server.addr);
    let at_server = |args: &[&str]| {
        let command = [&["consent"], args, &["--server", place.as_str()]].concat();
        reframe(dir).args(command).env("REFRAME_ADMIN_TOKEN", &admin).output().unwrap()
    };
    let output = at_server(&["withdraw", "--person", "dana@acme.example", "--call", "x", "--method", "e-mail"]);
    assert!(output.status.success(), "{}", crate::support::err(&output));
    assert_eq!(get("?person=dana@acme.example&call=x")["standing"], json!({"is": "withdrawn", "by": 2}));
    assert_eq!(get("?person=dana@acme.example&call=y")["standing"], json!({"is": "given", "by": 1}));
    let args = ["consent", "give", "--person", "lee", "--call", "x", "--method", "verbal", "--jurisdiction", "US-CA"];
    assert!(crate::support::run(dir, &args).status.success());
    assert_eq!(at_server(&["why", "--person", "lee", "--call", "x"]).status.code(), Some(0));
    let list = out(&at_server(&["list"]));
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.starts_with("#3") && list.contains("US-CA") && list.contains("withdrawn"), "{list}");
    let refused =
        reframe(dir).args(["consent", "list", "--server", &place]).env("REFRAME_ADMIN_TOKEN", "wrong").output();
    let refused = refused.unwrap();
    assert!(
        !refused.status.success() && crate::support::err(&refused).contains("401"),
        "{}",
        crate::support::err(&refused)
    );
}
