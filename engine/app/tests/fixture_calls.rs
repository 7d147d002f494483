//! Every fixture call through the whole system, over the network: the right cards, and no others.

#![allow(clippy::unwrap_used)]

use crate::support::{err, out, run};
use serde_json::Value;

/// The recogniser places a phrase to within a row or two (40 ms each); another kind of processor may move it by one.
const SAME_PLACE_MS: u64 = 120;

fn field(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap()
}

/// Cards of an event log: label, play, end of the phrase in ms.
fn cards(events: &str) -> Vec<(String, String, u64)> {
    events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|e| e["event"] == "card_shown")
        .map(|e| {
            let card = &e["card"];
            let text = |name: &str| card[name].as_str().unwrap().to_owned();
            (text("label"), text("play"), card["reason"]["phrase_end"].as_u64().unwrap() / 1_000)
        })
        .collect()
}

fn play(name: &str) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--call", name, "--pace", "max", "--json", "--data", "data"]);
    assert!(output.status.success(), "{name}: {}", err(&output));
    let text = out(&output);
    let summary: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(summary["type"], "summary", "{text}");
    let events = std::fs::read_to_string(dir.path().join(summary["events"].as_str().unwrap())).unwrap();
    let transcript = std::fs::read_to_string(dir.path().join(summary["transcript"].as_str().unwrap())).unwrap();
    assert!(!transcript.is_empty());
    let golden = crate::support::call(name).join("expected.jsonl");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &events).unwrap();
    }
    let (got, want) = (cards(&events), cards(&std::fs::read_to_string(&golden).unwrap()));
    let alike = got.len() == want.len()
        && got.iter().zip(&want).all(|(g, w)| (&g.0, &g.1) == (&w.0, &w.1) && g.2.abs_diff(w.2) <= SAME_PLACE_MS);
    assert!(alike, "{name}: {got:?} instead of {want:?}; UPDATE_GOLDEN=1 rewrites it, if this is meant");
    summary
}

/// At least four of five scripted objections bring the right card, and nothing else brings one.
#[track_caller]
fn check(name: &str) {
    let summary = play(name);
    let (right, expected) = (field(&summary, "right"), field(&summary, "objections"));
    assert!(right * 5 >= expected * 4, "{name}: {right} of {expected}: {summary}");
    assert_eq!(field(&summary, "false_cards") + field(&summary, "wrong_label"), 0, "{summary}");
    assert_eq!(field(&summary, "packets_dropped"), 0, "{summary}");
}

#[test]
fn demo() {
    check("demo");
}

#[test]
fn cold_call() {
    check("cold-call");
}

#[test]
fn procurement() {
    check("procurement");
}

#[test]
fn telephone_band_noise_and_packet_loss() {
    check("bad-line");
}

#[test]
fn a_call_without_objections_brings_no_card() {
    assert_eq!(field(&play("no-objection"), "cards"), 0);
}

#[test]
fn real_speech_without_objections_brings_no_card() {
    assert_eq!(field(&play("real-speech"), "cards"), 0);
}
