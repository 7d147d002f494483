//! The same input gives the same events, byte for byte: at any packet length, at any pace, and from recorded inputs.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::support::{err, run, stereo_wav};

fn replay(dir: &Path, args: &[&str]) -> Vec<u8> {
    let mut all = vec!["replay"];
    all.extend(args);
    all.extend(["--events", "events.jsonl"]);
    let output = run(dir, &all);
    assert!(output.status.success(), "{}", err(&output));
    std::fs::read(dir.join("events.jsonl")).unwrap()
}

#[test]
fn packet_length_and_pace_do_not_show_and_a_record_replays_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    stereo_wav("real-speech", &dir.join("call.wav"));
    let first = replay(dir, &["call.wav", "--inputs", "inputs.jsonl"]);
    let text = String::from_utf8(first.clone()).unwrap();
    assert!(text.lines().count() > 20 && text.contains("words_committed") && text.contains("call_ended"), "{text}");
    assert_eq!(first, replay(dir, &["call.wav"]), "a second time");
    for packet_ms in ["5", "100", "1000"] {
        assert_eq!(first, replay(dir, &["call.wav", "--packet-ms", packet_ms]), "{packet_ms} ms packets");
    }
    assert_eq!(first, replay(dir, &["call.wav", "--pace", "12"]), "paced by the clock");
    assert_eq!(first, replay(dir, &["inputs.jsonl"]), "from recorded inputs, without a model");
}

/// A record tells the settings it was heard with: what this machine is told now makes no difference to it.
#[test]
fn a_record_replays_with_its_own_settings() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    stereo_wav("cold-call", &dir.join("call.wav"));
    let settings =
        "version = 1\n[session.deck]\nmin_show_ms = 100\nmax_wait_ms = 3000\n[session.endpoint]\nstop_ms = 400\n";
    std::fs::write(dir.join("reframe.toml"), settings).unwrap();
    let first = replay(dir, &["call.wav", "--inputs", "inputs.jsonl"]);
    std::fs::remove_file(dir.join("reframe.toml")).unwrap();
    assert_ne!(first, replay(dir, &["call.wav"]), "the settings make a difference");
    assert!(first == replay(dir, &["inputs.jsonl"]), "the record replays as it was heard");
}

/// `fixtures/recorded` holds a call's inputs as they were heard, the playbook they were heard with, and the events that
/// followed. No model and no float of it is computed again, so the bytes must be the same on any machine.
#[test]
fn a_committed_record_gives_the_committed_events_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = crate::support::root().join("fixtures/recorded");
    let inputs = recorded.join("inputs.jsonl");
    // Without the encoder: its sums are rounded in the order that suits a processor, and the record must be good on any.
    std::fs::write(dir.path().join("phrases.toml"), "version = 1\n[encoder]\nkind = \"none\"\n").unwrap();
    let playbook = recorded.to_str().unwrap();
    let got = replay(dir.path(), &[inputs.to_str().unwrap(), "--playbook", playbook, "--config", "phrases.toml"]);
    let want = recorded.join("expected.jsonl");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&want, &got).unwrap();
    }
    let text = String::from_utf8(got).unwrap();
    assert!(text.contains("card_shown"));
    assert!(
        text == std::fs::read_to_string(&want).unwrap(),
        "the events changed; UPDATE_GOLDEN=1 rewrites them, if this is meant"
    );
}
