//! Back-tests, reports and suggestions, from the command line and over the fixtures.

#![allow(clippy::unwrap_used)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::{err, out, root, run};
use serde_json::Value;

fn fixture(path: &str) -> String {
    root().join("fixtures/backtest").join(path).to_string_lossy().into_owned()
}

/// `reframe playbook ARGS` in an empty folder, its standard output as JSON.
#[track_caller]
fn json(args: &[&str]) -> (Value, i32) {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &[&["playbook"], args, &["--json", "-"]].concat());
    let text = out(&output);
    let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{}", err(&output)));
    (value, output.status.code().unwrap())
}

fn backtest(changed: &str, more: &[&str]) -> (Value, i32) {
    let (changed, calls) = (fixture(changed), fixture("calls"));
    json(&[&["backtest", &changed, "--calls", &calls, "--phrases-only"], more].concat())
}

#[test]
fn the_changed_playbook_beside_the_one_the_calls_were_made_with() {
    let (report, code) = backtest("changed", &[]);
    assert_eq!(code, 0);
    let totals = &report["totals"];
    assert_eq!(
        (&totals["calls"], &totals["judged_by_truth"], &totals["judged_by_marks"]),
        (&3.into(), &1.into(), &1.into())
    );
    assert!(report["present"][0].as_str().unwrap().starts_with("present:"), "found beside the changed one");
    assert_eq!(totals["replayed"]["of"], totals["replayed"]["n"], "the replay gives the cards of the logs");
    let mut changes = Vec::new();
    for call in report["calls"].as_array().unwrap() {
        for c in call["changes"].as_array().unwrap() {
            let text = |key: &str| c[key].as_str().unwrap().to_owned();
            changes.push((call["name"].as_str().unwrap().to_owned(), text("kind"), text("play"), text("worth")));
        }
    }
    let changes: Vec<[&str; 4]> =
        changes.iter().map(|(a, b, c, d)| [a.as_str(), b.as_str(), c.as_str(), d.as_str()]).collect();
    assert_eq!(
        changes,
        [
            ["phones", "disappears", "price_too_high", "wrong"],
            ["phones", "disappears", "price_too_high", "wrong"],
            ["quiet", "earlier", "security_review", "unknown"],
            ["renewal", "earlier", "price_too_high", "right"],
            ["renewal", "appears", "price_too_high", "right"],
            ["renewal", "earlier", "security_review", "right"],
            ["renewal", "appears", "security_review", "wrong"],
        ]
    );
    let earlier = &report["calls"][2]["changes"][0];
    assert_eq!((&earlier["by_ms"], &earlier["around"]["under"]), (&300.into(), &"more than we pay".into()));
    // Present: 2 of 2 by the key, and 1 of 4 by the marks. Changed: one more right, one wrong one new, two wrong ones gone.
    let rate =
        |side: &str, what: &str| (totals[side]["all"][what]["of"].clone(), totals[side]["all"][what]["n"].clone());
    assert_eq!(rate("present", "precision"), (3.into(), 6.into()));
    assert_eq!(rate("changed", "precision"), (4.into(), 6.into()));
    assert_eq!(rate("present", "recall"), (3.into(), 4.into()));
    assert_eq!(rate("changed", "recall"), (4.into(), 4.into()));
    // Byte for byte the same again.
    assert_eq!(backtest("changed", &[]).0, report);
}

#[test]
fn the_same_playbook_changes_nothing() {
    let (report, _) = backtest("present", &[]);
    let counts = &report["totals"]["counts"];
    assert_eq!((&counts["appear"], &counts["disappear"]), (&0.into(), &0.into()));
    assert_eq!((&counts["earlier"], &counts["later"], &counts["same"]), (&0.into(), &0.into(), &7.into()));
}

#[test]
fn a_gate_decides_the_exit_code() {
    assert_eq!(backtest("changed", &["--min-recall", "1", "--min-precision", "0.6"]).1, 0);
    let (report, code) = backtest("changed", &["--min-precision", "0.9", "--max-cards-per-hour", "5"]);
    assert_eq!(code, 1);
    assert_eq!(report["gate_failures"].as_array().unwrap().len(), 2, "{}", report["gate_failures"]);
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate.toml");
    std::fs::write(&gate, "min_precision = 0.9\n").unwrap();
    let (changed, calls) = (fixture("changed"), fixture("calls"));
    let args = ["playbook", "backtest", &changed, "--calls", &calls, "--phrases-only", "--gate", "gate.toml"];
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("gate not passed: precision: 4 of 6"), "{}", out(&output));
    std::fs::write(&gate, "min_precision = 90\n").unwrap();
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("gate.toml") && err(&output).contains("0.0 to 1.0"), "{}", err(&output));
}

#[test]
fn a_fixture_call_heard_in_the_sounds_comes_out_as_it_was() {
    let calls = root().join("fixtures/recorded/expected.jsonl").to_string_lossy().into_owned();
    let playbook = root().join("fixtures/recorded").to_string_lossy().into_owned();
    let (report, _) = json(&["backtest", &playbook, "--baseline", &playbook, "--calls", &calls, "--phrases-only"]);
    let totals = &report["totals"];
    assert!(totals["replayed"]["n"].as_u64().unwrap() >= 4, "{totals}");
    assert_eq!(totals["replayed"]["of"], totals["replayed"]["n"]);
    assert_eq!(totals["logged"], totals["present"]);
}

#[test]
fn the_page_stands_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (changed, calls) = (fixture("changed"), fixture("calls"));
    let args = ["playbook", "backtest", &changed, "--calls", &calls, "--phrases-only", "--html", "page.html"];
    let output = run(dir.path(), &args);
    assert!(output.status.success(), "{}", err(&output));
    let page = std::fs::read_to_string(dir.path().join("page.html")).unwrap();
    assert!(page.contains("<mark>twice what we budgeted</mark>") && page.contains("prefers-color-scheme: dark"));
    for forbidden in ["<script", "src=", "href=", "http:", "https:", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn broken_logs_are_refused_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let log = std::fs::read_to_string(fixture("calls/quiet.events.jsonl")).unwrap();
    let cut: Vec<&str> = log.lines().enumerate().filter(|(i, _)| *i != 4).map(|(_, l)| l).collect();
    std::fs::write(dir.path().join("cut.jsonl"), cut.join("\n")).unwrap();
    let present = fixture("present");
    for args in [&["backtest", &present][..], &["suggest", &present], &["report"]] {
        let output = run(dir.path(), &[&["playbook"], args, &["--calls", "cut.jsonl"]].concat());
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(err(&output).contains("cut.jsonl:5") && err(&output).contains("lines are missing"), "{}", err(&output));
    }
}

#[test]
fn the_report_puts_the_worst_play_first() {
    let calls = fixture("calls");
    let (report, code) = json(&["report", "--calls", &calls]);
    assert_eq!((code, &report["calls"]), (0, &3.into()));
    let price = &report["plays"][0];
    assert_eq!((&price["play"], &price["wrong"], &price["used"]), (&"price_too_high".into(), &2.into(), &1.into()));
    assert_eq!((&price["shown"], &price["wrong_rate"]["n"]), (&4.into(), &4.into()));
    assert_eq!((&report["plays"][1]["play"], &report["plays"][1]["dismissed"]), (&"timing_later".into(), &1.into()));
}

fn copy_of_present(dir: &Path) -> PathBuf {
    let file = dir.join("playbooks/mine/playbook.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::copy(fixture("present/playbook.toml"), &file).unwrap();
    file
}

#[test]
fn a_suggestion_is_a_patch_that_applies() {
    let dir = tempfile::tempdir().unwrap();
    let file = copy_of_present(dir.path());
    let before = std::fs::read_to_string(&file).unwrap();
    let calls = fixture("calls");
    let args = ["playbook", "suggest", "playbooks/mine", "--calls", &calls, "--phrases-only", "--patch", "it.patch"];
    let output = run(dir.path(), &args);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before, "nothing is changed by itself");
    let patch = std::fs::read_to_string(dir.path().join("it.patch")).unwrap();
    let added: Vec<&str> = patch.lines().filter(|l| l.starts_with('+') && !l.starts_with("+++")).collect();
    assert_eq!(
        added,
        ["+  \"phones were too expensive for us back then\",", "+  \"phones were too expensive for us and nobody\","]
    );
    let tools: [(&str, &[&str]); 2] = [("patch", &["-p1", "-i", "it.patch"]), ("git", &["apply", "it.patch"])];
    let mut applied = 0;
    for (program, arguments) in tools {
        std::fs::write(&file, &before).unwrap();
        let mut tool = Command::new(program);
        // Not within a repository the temporary folder may happen to lie in.
        tool.args(arguments).current_dir(dir.path()).env("GIT_CEILING_DIRECTORIES", dir.path().parent().unwrap());
        let Ok(output) = tool.stdin(Stdio::null()).output() else {
            eprintln!("skipped: there is no `{program}` here");
            continue;
        };
        assert!(output.status.success(), "{program}: {}{}", out(&output), err(&output));
        let after = std::fs::read_to_string(&file).unwrap();
        assert!(
            after.contains("too expensive for us back then\",") && after.contains("# a denial"),
            "{program}: {after}"
        );
        let mine = file.to_string_lossy();
        let present = fixture("present");
        let (report, _) = json(&["backtest", &mine, "--baseline", &present, "--calls", &calls, "--phrases-only"]);
        // The words that tell the two apart come after the card: it is taken back when they are said.
        let counts = &report["totals"]["counts"];
        assert_eq!((&counts["taken_back"], &counts["same"]), (&2.into(), &5.into()), "{counts}");
        applied += 1;
    }
    assert!(applied > 0 || std::env::var_os("CI").is_none(), "neither `patch` nor `git` is here");
}
