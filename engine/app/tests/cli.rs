//! The command line: what a person gets who gives it something wrong, and the machine-readable outputs.

#![allow(clippy::unwrap_used)]

use crate::support::{call, err, out, run, run_with_input, stereo_wav};
use serde_json::Value;

/// Runs it, and wants this exit code and these words on standard error.
#[track_caller]
fn refused(dir: &std::path::Path, args: &[&str], code: i32, words: &[&str]) {
    let output = run(dir, args);
    let text = err(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{args:?}: no {word:?} in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn bad_files_are_refused_by_name_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("empty.wav"), b"").unwrap();
    std::fs::write(dir.join("text.wav"), b"this is no recording at all").unwrap();
    stereo_wav("real-speech", &dir.join("two.wav"));
    refused(dir, &["replay", "empty.wav"], 3, &["empty.wav", "empty"]);
    refused(dir, &["replay", "text.wav"], 3, &["text.wav", "ffmpeg"]);
    refused(dir, &["replay", "missing.wav"], 3, &["missing.wav"]);
    refused(dir, &["replay", "two.wav", "--channels", "buyer"], 3, &["two.wav", "2 channels", "rep,buyer"]);
    refused(dir, &["replay", "two.wav", "--channels", "seller,buyer"], 2, &["seller", "rep, buyer or unknown"]);
    refused(dir, &["replay", "two.wav", "--packet-ms", "2"], 3, &["5 to 1000"]);
    for pace in ["0", "1e-300", "nan"] {
        refused(dir, &["replay", "two.wav", "--pace", pace], 3, &["from 0.01 to 1000"]);
    }
    std::fs::write(dir.join("inputs.jsonl"), "{}\n").unwrap();
    refused(dir, &["replay", "inputs.jsonl"], 3, &["inputs.jsonl:1", "--inputs"]);
}

#[test]
fn a_truncated_recording_is_played_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    stereo_wav("real-speech", &dir.join("two.wav"));
    let whole = std::fs::read(dir.join("two.wav")).unwrap();
    std::fs::write(dir.join("cut.wav"), &whole[..whole.len() / 2 + 1]).unwrap();
    let output = run(dir, &["replay", "cut.wav", "--events", "-"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(err(&output).contains("note:"), "{}", err(&output));
    assert!(out(&output).contains("call_ended"));
}

#[test]
fn bad_settings_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("wrongkey.toml"), "version = 1\n[server]\nport = 80\n").unwrap();
    refused(dir, &["serve", "--config", "wrongkey.toml"], 3, &["wrongkey.toml", "port"]);
    refused(dir, &["serve", "--config", "gone.toml"], 3, &["gone.toml", "--config"]);
    std::fs::write(dir.join("model.toml"), "version = 1\n[recognizer]\ndir = \"no-such-model\"\n").unwrap();
    refused(dir, &["serve", "--config", "model.toml"], 3, &["no-such-model"]);
    std::fs::write(dir.join("env.toml"), "version = 1\n[server]\ningest_token_env = \"REFRAME_TEST_UNSET\"\n").unwrap();
    refused(dir, &["serve", "--config", "env.toml"], 3, &["REFRAME_TEST_UNSET", "not set"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    refused(dir, &["serve", "--listen", &addr], 3, &[&addr, "--listen"]);
    refused(dir, &["demo", "--call", "nothing"], 3, &["nothing", "cold-call"]);
    refused(dir, &["demo", "--playbook", "nowhere"], 3, &["nowhere", "playbook.toml"]);
}

#[test]
fn check_says_what_would_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let output = run(dir, &["check"]);
    assert!(output.status.success(), "{}", out(&output));
    assert!(!dir.join("reframe-data").exists(), "checking makes nothing");
    std::fs::write(dir.join("bad.toml"), "version = 1\n[recognizer]\ndir = \"gone\"\n[playbook]\ndir = \"none\"\n")
        .unwrap();
    let output = run(dir, &["check", "--config", "bad.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(text.contains("FAILED  recogniser") && text.contains("FAILED  playbook"), "{text}");
}

#[test]
fn transcribe_writes_one_json_line_per_channel() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    stereo_wav("real-speech", &dir.join("two.wav"));
    let buyer = call("real-speech").join("buyer.opus");
    let output = run(dir, &["transcribe", "two.wav", buyer.to_str().unwrap(), "gone.wav"]);
    assert_eq!(output.status.code(), Some(1), "one file is missing");
    let lines: Vec<Value> = out(&output).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!([&lines[0]["channel"], &lines[1]["channel"]], [0, 1]);
    for line in &lines[..3] {
        assert!((line["audio_s"].as_f64().unwrap() - 30.0).abs() < 3.0, "{line}");
        assert!(line["compute_s"].as_f64().unwrap() > 0.0);
        let words = line["words"].as_array().unwrap();
        let text: Vec<&str> = words.iter().map(|w| w["word"].as_str().unwrap()).collect();
        assert_eq!(text.join(" "), line["text"].as_str().unwrap());
        let times: Vec<u64> = words.iter().map(|w| w["start_ms"].as_u64().unwrap()).collect();
        assert!(times.is_sorted() && words.iter().all(|w| w["end_ms"].as_u64() > w["start_ms"].as_u64()), "{line}");
    }
    assert_eq!(lines[1]["text"], lines[2]["text"], "the same track from a WAV and from Opus");
    assert!(lines[3]["error"].as_str().unwrap().contains("gone.wav"));
}

#[test]
fn detect_answers_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let input = "{\"speaker\":\"buyer\",\"text\":\"honestly that is more than we pay today\"}\n{\"speaker\":\"buyer\",\"text\":\"lovely weather\"}\n";
    let output = run_with_input(dir.path(), &["detect"], input);
    assert!(output.status.success(), "{}", err(&output));
    let labels: Vec<Value> =
        out(&output).lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["label"].clone()).collect();
    assert_eq!(labels, ["price", "none"]);
}

#[test]
fn playbooks_are_checked_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let good = crate::support::root().join("playbooks/b2b-saas");
    let output = run(dir, &["playbook", "check", good.to_str().unwrap()]);
    assert!(output.status.success(), "{}", out(&output));
    std::fs::create_dir(dir.join("bad")).unwrap();
    let text = std::fs::read_to_string(good.join("playbook.toml")).unwrap();
    std::fs::write(dir.join("bad/playbook.toml"), text.replacen("label =", "lable =", 1)).unwrap();
    let output = run(dir, &["playbook", "check", "bad"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("bad/playbook.toml:") && out(&output).contains("lable"), "{}", out(&output));
}

/// A reader that has seen enough (`| head`) is no failure, and certainly no panic.
#[test]
fn a_closed_pipe_ends_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let playbook = crate::support::root().join("playbooks/b2b-saas");
    for args in [&["check"][..], &["demo", "--list"], &["playbook", "check", playbook.to_str().unwrap()]] {
        let mut child = crate::support::reframe(dir.path())
            .args(args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && !err(&output).contains("panicked"), "{args:?}: {}", err(&output));
    }
}

#[test]
fn help_and_completions_name_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let help = out(&run(dir.path(), &["--help"]));
    for command in ["demo", "serve", "replay", "transcribe", "detect", "playbook", "models", "check", "completions"] {
        assert!(help.contains(command), "{help}");
        assert!(run(dir.path(), &[command, "--help"]).status.success());
    }
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = out(&run(dir.path(), &["completions", shell]));
        assert!(script.contains("transcribe"), "{shell}");
    }
}
