//! From a call to the CRM, through the whole program: what is drafted, what a person's yes does, and what nothing does
//! without it.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::support::{err, out, run};
use serde_json::Value;

/// The demo call, written up; approved too, if a name is given. The JSON line of what was drafted.
fn demo(dir: &Path, approve_as: Option<&str>) -> Value {
    let mut args = vec!["demo", "--call-only", "--pace", "max", "--json", "--name", "one", "--data", "data"];
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
    let shipped = crate::support::call("demo").join("crm/deals.csv");
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

/// How the call was led: its seller sees it first, and nobody else; each score stands with the words it rests on.
#[test]
fn the_debrief_is_the_sellers_first() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), None);
    let show = |who: &str, more: &[&str]| {
        run(dir.path(), &[&["debrief", "one", "--as", who, "--data", "data"], more].concat())
    };
    for (who, more) in [("Marcus Bell", &[][..]), ("Lee Park", &[]), ("Lee Park", &["--release"])] {
        let refused = show(who, more);
        assert!(!refused.status.success() && out(&refused).is_empty(), "{who}: {}", out(&refused));
    }
    let own = show("dana  REYES", &[]);
    let text = out(&own);
    assert!(own.status.success(), "{}", err(&own));
    for part in [
        "seller spoke",
        "longest monologue",
        "questions",
        "next step",
        "decision criteria",
        "of 5",
        "opens to the manager on",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().filter(|line| line.trim_start().contains(" \"")).count() >= 3, "quotations: {text}");
    assert!(show("Dana Reyes", &["--release"]).status.success());
    assert!(out(&show("Dana Reyes", &[])).contains("open to the manager since"));
    let log = out(&run(dir.path(), &["audit", "show", "call one", "--data", "data"]));
    assert!(log.contains("person marcus bell") && log.contains(" denied ") && log.contains(" released "), "{log}");
    let none = run(dir.path(), &["debrief", "two", "--as", "Dana Reyes", "--data", "data"]);
    assert!(err(&none).contains("there is no debrief of call two"), "{}", err(&none));
}

/// A buyer takes consent back the day after: what quotes or names them is gone at once, from the file's bytes too, and what
/// was to be decided about it with it.
#[test]
fn consent_withdrawn_after_the_call_leaves_nothing_of_that_person() {
    let dir = tempfile::tempdir().unwrap();
    let drafted = demo(dir.path(), None);
    let holds = |what: &str| {
        let files = std::fs::read_dir(dir.path().join("data/calls")).unwrap().map(|f| f.unwrap().path());
        let all: Vec<_> =
            files.chain(["reframe.db", "reframe.db-wal"].map(|f| dir.path().join("data").join(f))).collect();
        all.iter().any(|f| std::fs::read(f).is_ok_and(|bytes| bytes.windows(what.len()).any(|w| w == what.as_bytes())))
    };
    assert!(holds("Marcus Bell"));
    let withdraw =
        ["consent", "withdraw", "--person", "Marcus Bell", "--call", "one", "--method", "e-mail", "--data", "data"];
    let taken = run(dir.path(), &withdraw);
    assert!(taken.status.success(), "{}", err(&taken));
    assert!(!holds("Marcus Bell"));
    let found = run(dir.path(), &["search", "vendor", "--speaker", "Marcus", "--data", "data"]);
    assert!(!found.status.success(), "{}", out(&found));
    let debrief = run(dir.path(), &["debrief", "one", "--as", "Dana Reyes", "--data", "data"]);
    assert!(err(&debrief).contains("there is no debrief"), "{}{}", out(&debrief), err(&debrief));
    let waits = run(dir.path(), &["review", "--list", "--data", "data"]);
    // What rests on the seller's own words and names nobody may still be decided.
    let (left, before) = (out(&waits).lines().count(), drafted["proposals"].as_array().unwrap().len());
    assert!(left < before && !out(&waits).contains("note on"), "{}", out(&waits));
    let chain = run(dir.path(), &["audit", "verify", "--data", "data"]);
    assert!(chain.status.success(), "{}", err(&chain));
}

#[test]
fn schemas_of_the_hand_offs_are_printed() {
    let dir = tempfile::tempdir().unwrap();
    let names = out(&run(dir.path(), &["schema"]));
    for name in [
        "signal_card",
        "draft",
        "meeting",
        "brief",
        "call_transcript",
        "note_proposal",
        "field_proposal",
        "debrief",
        "proposal",
    ] {
        assert!(names.lines().any(|line| line == name), "{name}: {names}");
        let schema = run(dir.path(), &["schema", name]);
        let schema: Value = serde_json::from_str(&out(&schema)).unwrap();
        assert!(
            schema["$schema"].as_str().unwrap().contains("2020-12") && schema["properties"].is_object(),
            "{schema}"
        );
    }
    let docs = std::fs::read_to_string(crate::support::root().join("docs/WORKFLOW.md")).unwrap();
    let unlisted: Vec<&str> = names.lines().filter(|name| !docs.contains(&format!("`{name}`"))).collect();
    assert!(unlisted.is_empty(), "docs/WORKFLOW.md does not list {unlisted:?}");
    let wrong = run(dir.path(), &["schema", "nonsense"]);
    assert!(!wrong.status.success() && err(&wrong).contains("write one of: "), "{}", err(&wrong));
}
