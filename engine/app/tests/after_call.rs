//! From a call to the CRM, through the whole program: what is drafted, what a person's yes does, and what nothing does
//! without it.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{err, out, run};

/// The demo call, written up; approved too, if a name is given. The JSON line of what was drafted.
fn demo(dir: &Path, approve_as: Option<&str>) -> Value {
    let mut args = vec!["demo", "--pace", "max", "--json", "--name", "one", "--data", "data"];
    args.extend(approve_as.iter().flat_map(|name| ["--approve-as", name]));
    let output = run(dir, &args);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    let text = out(&output);
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.into_iter().find(|line| line["type"] == "drafted").unwrap()
}

/// Every file of the CRM's folder with its text, but for the lock.
fn crm(dir: &Path) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&dir.join("data/crm"), &mut found);
    found.sort();
    found
}

/// Not an autonomous agent, and the rep-review gate: a call is drafted, and without a yes not one byte of the CRM changes.
#[test]
fn not_an_autonomous_agent_and_the_rep_review_gate() {
    let dir = tempfile::tempdir().unwrap();
    let drafted = demo(dir.path(), None);
    assert!(drafted["proposals"].as_array().unwrap().len() >= 2, "{drafted}");
    let before = crm(dir.path());
    assert_eq!(before.len(), 3, "{before:?}");
    let shipped = support::call("demo").join("crm/deals.csv");
    let deals = before.iter().find(|(path, _)| path.ends_with("deals.csv")).unwrap();
    assert_eq!(deals.1, std::fs::read_to_string(shipped).unwrap());

    // Whoever pipes something into the review is no person, and the program cannot approve in its own name.
    let piped = run(dir.path(), &["review", "--as", "Dana Reyes", "--data", "data"]);
    assert!(!piped.status.success() && err(&piped).contains("a person decides at a terminal"), "{}", err(&piped));
    let itself = run(dir.path(), &["review", "--as", "reframe", "--data", "data"]);
    assert!(!itself.status.success() && err(&itself).contains("cannot approve"), "{}", err(&itself));
    let again = run(dir.path(), &["run", "post-call", "--data", "data"]);
    assert!(out(&again).contains("every call that is over is written up"), "{}", out(&again));
    assert_eq!(crm(dir.path()), before);

    let listed = out(&run(dir.path(), &["review", "--list", "--data", "data"]));
    assert_eq!(listed.lines().count(), drafted["proposals"].as_array().unwrap().len(), "{listed}");
}

/// The system-of-record write: what was approved stands there once, with its mark; every step is on record; and every line
/// of the note can be looked up.
#[test]
fn system_of_record_write() {
    let dir = tempfile::tempdir().unwrap();
    let drafted = demo(dir.path(), Some("Dana Reyes"));
    let files = crm(dir.path());
    let notes: Vec<_> = files.iter().filter(|(path, _)| path.contains("/notes/")).collect();
    assert_eq!(notes.len(), 1, "{files:?}");
    assert!(notes[0].1.contains("ref: rf-") && notes[0].1.contains("Objections"), "{}", notes[0].1);
    let deals = &files.iter().find(|(path, _)| path.ends_with("deals.csv")).unwrap().1;
    assert!(deals.contains("48000"), "{deals}");

    // Run again, nothing is written twice.
    let again = run(dir.path(), &["run", "post-call", "one", "--data", "data"]);
    assert!(again.status.success(), "{}", err(&again));
    assert_eq!(crm(dir.path()), files);

    let verified = run(dir.path(), &["verify", "--data", "data"]);
    assert!(verified.status.success() && out(&verified).contains(" 0 that do not hold"), "{}", out(&verified));
    let chain = run(dir.path(), &["audit", "verify", "--data", "data"]);
    assert!(chain.status.success(), "{}{}", out(&chain), err(&chain));
    let record = out(&run(dir.path(), &["audit", "show", "call one", "--data", "data"]));
    for step in ["proposed", "approved", "write_attempted", "done"] {
        let n = record.lines().filter(|l| l.contains(&format!(" {step} "))).count();
        assert_eq!(n, drafted["proposals"].as_array().unwrap().len(), "{step}: {record}");
    }
    assert!(record.contains("person dana reyes") && record.contains("service reframe-writer"), "{record}");
}

/// Not a CRM replacement: what was written is in the CRM, whatever becomes of our store; and the store comes out and in again
/// whole.
#[test]
fn not_a_crm_replacement() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), Some("Dana Reyes"));
    let there = crm(dir.path());
    let exported = run(dir.path(), &["data", "export", "out", "--data", "data"]);
    assert!(exported.status.success(), "{}", err(&exported));
    std::fs::remove_file(dir.path().join("data/reframe.db")).unwrap();
    for rest in ["data/reframe.db-wal", "data/reframe.db-shm"] {
        let _may_be_gone = std::fs::remove_file(dir.path().join(rest));
    }
    assert_eq!(crm(dir.path()), there);
    let imported = run(dir.path(), &["data", "import", "out", "--data", "data"]);
    assert!(imported.status.success(), "{}", err(&imported));
    let verified = run(dir.path(), &["verify", "--data", "data"]);
    assert!(out(&verified).starts_with("1 notes,"), "{}", out(&verified));
    let found = run(dir.path(), &["search", "vendor", "--data", "data"]);
    assert!(found.status.success() && out(&found).contains("Marcus Bell"), "{}", out(&found));

    // Whoever asks to be forgotten is, also there.
    let erased = run(dir.path(), &["data", "erase", "Marcus Bell", "--as", "Dana Reyes", "--data", "data"]);
    assert!(erased.status.success(), "{}", err(&erased));
    let found = run(dir.path(), &["search", "vendor", "--speaker", "Marcus", "--data", "data"]);
    assert!(!found.status.success(), "{}", out(&found));
    let bytes = std::fs::read(dir.path().join("data/reframe.db")).unwrap();
    assert!(!bytes.windows(11).any(|w| w == b"Marcus Bell"), "the name is still in the file");
}
