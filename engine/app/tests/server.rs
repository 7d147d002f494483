//! The server as a process: killed in mid-call, told to stop, flooded; nothing acknowledged is lost.

#![allow(clippy::unwrap_used)]

use crate::support::{Served, call, log, stored, wait_until, watch};
use reframe_bots::play::{self, PlayEvent, PlayReport, Player};
use reframe_call::event::{Event, EventBody};
use reframe_serve::wire::ServerBody;
use reframe_store::{CallId, CallState, EventLog};
use serde_json::Value;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn player(server: &Served, fixture: &str) -> Player {
    let call = play::load(&[call(fixture)], &[]).unwrap();
    Player::new(server.ingest()).token(&server.token).add(call)
}

fn in_order(events: &[Event]) -> bool {
    (0u64..).zip(events).all(|(seq, e)| e.seq == seq)
}

#[test]
fn killed_in_mid_call_it_goes_on_and_nothing_stored_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let runtime = runtime();
    let mut server = Served::start(dir, "[server]\nresume_grace_s = 20\n");
    let first = runtime.spawn(player(&server, "real-speech").call_id("c-1").run());
    wait_until("words in the store", || {
        stored(dir, "c-1").iter().any(|e| matches!(e.body, EventBody::WordsCommitted { .. }))
    });
    server.kill();
    let before = stored(dir, "c-1");
    assert!(in_order(&before) && before.len() >= 5, "{}", before.len());
    assert!(runtime.block_on(first).unwrap().is_err(), "the bot notices");

    let mut server = Served::start(dir, "[server]\nresume_grace_s = 20\n");
    // As fast as it is taken: the second half need not take half a minute.
    let report = runtime.block_on(player(&server, "real-speech").call_id("c-1").run()).unwrap();
    assert_eq!(report.call, "c-1");
    let after = stored(dir, "c-1");
    assert!(in_order(&after));
    assert_eq!(after[..before.len()], before[..], "what was stored is unchanged");
    assert_eq!(after[before.len()].body, EventBody::CallResumed { after_seq: before.last().unwrap().seq });
    assert!(matches!(after.last().unwrap().body, EventBody::CallEnded { .. }));
    assert!(after.windows(2).all(|w| w[0].at <= w[1].at));
    let heard = |events: &[Event]| events.iter().filter(|e| matches!(e.body, EventBody::WordsCommitted { .. })).count();
    assert!(heard(&after) > heard(&before), "it goes on hearing");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_call_whose_bot_does_not_come_back_is_closed_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let runtime = runtime();
    let mut server = Served::start(dir, "");
    let playing = runtime.spawn(player(&server, "real-speech").call_id("c-2").run());
    wait_until("the call is in the store", || stored(dir, "c-2").len() >= 3);
    server.kill();
    drop(playing);
    let mut server = Served::start(dir, "[server]\nresume_grace_s = 1\n");
    let id = CallId::new("c-2").unwrap();
    wait_until("the call is closed", || log(dir).call(&id).unwrap().unwrap().state == CallState::Failed);
    let events = stored(dir, "c-2");
    assert!(in_order(&events));
    assert!(
        matches!(&events.last().unwrap().body, EventBody::CallFailed { error } if error.contains("did not come back"))
    );
    assert!(dir.join("reframe-data/calls/c-2.events.jsonl").exists());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn told_to_stop_it_ends_its_calls_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let runtime = runtime();
    let mut server = Served::start(dir, "");
    let playing = runtime.spawn(player(&server, "demo").call_id("c-3").run());
    wait_until("somebody speaks", || {
        stored(dir, "c-3").iter().any(|e| matches!(e.body, EventBody::SpeechStarted { .. }))
    });
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    let events = stored(dir, "c-3");
    assert!(in_order(&events));
    assert!(matches!(events.last().unwrap().body, EventBody::CallEnded { .. }), "{:?}", events.last());
    assert!(dir.join("reframe-data/calls/c-3.transcript.txt").exists());
    drop(playing);
}

#[test]
fn health_metrics_and_screen_agree_with_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let runtime = runtime();
    let server = Served::start(dir, "");
    let (status, health) = server.get("/healthz");
    assert_eq!(status, 200, "{health}");
    let (report, bodies): (PlayReport, Vec<ServerBody>) = runtime.block_on(async {
        let (tell, told) = tokio::sync::oneshot::channel();
        let mut tell = Some(tell);
        let player = player(&server, "cold-call").pace(play::Pace::AsFastAsTaken);
        let playing = tokio::spawn(player.run_with(move |event| {
            if let (PlayEvent::Started { overlay_url, .. }, Some(tell)) = (event, tell.take()) {
                tell.send(overlay_url.unwrap()).unwrap();
            }
        }));
        let bodies = watch(told.await.unwrap()).await;
        (playing.await.unwrap().unwrap(), bodies)
    });
    let events = stored(dir, &report.call);
    let cards: Vec<u64> =
        events.iter().filter(|e| matches!(e.body, EventBody::CardShown { .. })).map(|e| e.seq).collect();
    let seen: Vec<u64> =
        bodies.iter().filter_map(|b| if let ServerBody::Card(c) = b { Some(c.seq) } else { None }).collect();
    assert!(cards.len() >= 3, "{cards:?}");
    assert_eq!(seen, cards, "every card reached the screen, in order");
    let (_, metrics) = server.get("/metrics");
    for line in [
        format!("reframe_cards_total {}", cards.len()),
        format!("reframe_log_events_total {}", events.len()),
        format!("reframe_card_compute_seconds_count {}", cards.len()),
        "reframe_packets_displaced_total 0".to_owned(),
        "reframe_calls_open 0".to_owned(),
    ] {
        assert!(metrics.contains(&line), "no `{line}` in:\n{metrics}");
    }
    let exported =
        std::fs::read_to_string(dir.join("reframe-data/calls").join(format!("{}.events.jsonl", report.call)));
    let lines: Vec<Value> = exported.unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), events.len());
}

#[test]
fn more_calls_than_the_limit_are_refused_and_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let server = Served::start(dir.path(), "[limits]\nmax_calls = 1\n");
    let playing = runtime.spawn(player(&server, "demo").call_id("first").run());
    wait_until("the first call runs", || stored(dir.path(), "first").len() >= 2);
    let error = runtime.block_on(player(&server, "demo").call_id("second").run()).unwrap_err().to_string();
    assert!(error.contains("limits.max_calls"), "{error}");
    let error = runtime.block_on(player(&server, "demo").token("wrong-token-wrong-token").run()).unwrap_err();
    assert!(format!("{error:#}").contains("401") || format!("{error:#}").contains("token"), "{error:#}");
    playing.abort();
}

/// Words of a call never reach the program's own log, however talkative it is set.
#[test]
fn what_is_said_stays_out_of_the_programs_log() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut server = Served::start(dir, "[log]\nlevel = \"trace\"\n");
    let player = player(&server, "cold-call").call_id("quiet").pace(play::Pace::AsFastAsTaken);
    runtime().block_on(player.run()).unwrap();
    assert_eq!(server.terminate(), Some(0));
    let log = server.log().to_lowercase();
    assert!(log.contains("quiet"), "the log names the call: {}", &log[..log.len().min(500)]);
    let events = stored(dir, "quiet");
    let utterances = events.iter().filter_map(|e| match &e.body {
        EventBody::UtteranceEnded { text, .. } if text.split(' ').count() >= 3 => Some(text),
        _ => None,
    });
    let mut checked = 0;
    for text in utterances {
        for three in text.split(' ').collect::<Vec<_>>().windows(3) {
            assert!(!log.contains(&three.join(" ")), "`{}` was said and stands in the log", three.join(" "));
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} runs of words to look for");
    for name in ["sam okafor", "lindqvist"] {
        assert!(!log.contains(name), "{name} stands in the log");
    }
}
