//! Whisper through the program: as the recogniser of files, and as the second pass of a call. On the toy model of
//! `reframe-models`, which understands a small language of tones.
#![cfg(feature = "whisper")]
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // shared with the tests of `main.rs`, which use all of it
mod support;

use std::path::PathBuf;

use serde_json::Value;
use support::{err, out, run};

fn toy() -> PathBuf {
    support::root().join("engine/models/tests/whisper")
}

#[test]
fn files_are_transcribed_with_the_model_of_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let (model, sound) = (toy(), toy().join("golden.wav"));
    let args = ["transcribe", "--whisper", "--model", model.to_str().unwrap(), sound.to_str().unwrap()];
    let output = run(dir.path(), &args);
    assert!(output.status.success(), "{}", err(&output));
    let line: Value = serde_json::from_str(out(&output).lines().next().unwrap()).unwrap();
    assert!(line["words"].as_array().unwrap().len() >= 3, "{line}");
}

#[test]
fn a_second_pass_corrects_utterances_and_replays_alike() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let config = format!(
        "version = 1\n[recognizer]\nrefine_dir = {:?}\n[session]\nrefine = true\n[session.endpoint]\nenter_percent = 0\n",
        toy()
    );
    std::fs::write(dir.join("reframe.toml"), config).unwrap();
    // Two seconds of silence, so that the utterance ends before the call does: a second pass that comes after the end
    // finds the log closed.
    let mut wav = std::fs::read(toy().join("golden.wav")).unwrap();
    wav.resize(wav.len() + 64_000, 0);
    let bytes = u32::try_from(wav.len()).unwrap();
    wav[4..8].copy_from_slice(&(bytes - 8).to_le_bytes());
    wav[40..44].copy_from_slice(&(bytes - 44).to_le_bytes());
    let sound = dir.join("call.wav");
    std::fs::write(&sound, wav).unwrap();
    let replay = |events: &str| {
        let args =
            ["replay", sound.to_str().unwrap(), "--channels", "buyer", "--events", events, "--inputs", "in.jsonl"];
        let output = run(dir, &args);
        assert!(output.status.success(), "{}", err(&output));
        std::fs::read_to_string(dir.join(events)).unwrap()
    };
    let first = replay("a.jsonl");
    assert!(first.contains("\"event\":\"utterance_refined\""), "{first}");
    assert_eq!(first, replay("b.jsonl"));
    let output = run(dir, &["replay", "in.jsonl", "--events", "-"]);
    assert_eq!(first, out(&output), "the second pass's results are inputs, and replay without its model");
}
