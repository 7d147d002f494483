//! A new team's first minutes: what `reframe init` writes is what every command reads, and nothing is ever overwritten.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::Path};

use crate::support::{err, out, root, run, run_with_input};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

/// Every file below a folder, with its bytes.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                left.push(entry);
            } else {
                let name = entry.strip_prefix(dir).unwrap().display().to_string();
                found.insert(name, std::fs::read(entry).unwrap());
            }
        }
    }
    found
}

fn init(dir: &Path, args: &[&str]) -> (i32, String, String) {
    // With a pipe for input: nobody is asked.
    let output = run_with_input(dir, &[&["init"], args].concat(), "");
    (output.status.code().unwrap(), out(&output), err(&output))
}

/// Without an answer and with all of them, each command starts on what was written, and the doctor finds nothing wrong.
#[test]
fn what_init_writes_every_command_reads() {
    // A profile that need not be looked through again before a month is over.
    let profiles = tempfile::tempdir().unwrap();
    let day = |days: i64| (Timestamp::now() + (days * 24).hours()).to_zoned(TimeZone::UTC).date().to_string();
    let text = std::fs::read_to_string(root().join("engine/signal/assets/icp.example.json")).unwrap();
    let icp = profiles.path().join("ours.json");
    std::fs::write(&icp, text.replace("2026-04-01", &day(-1)).replace("2026-06-30", &day(30))).unwrap();
    let icp = icp.to_str().unwrap();
    let all = [
        "--zone",
        "Europe/Berlin",
        "--domain",
        "kestrel.example",
        "--company",
        "Kestrel \"Tools\" Ltd",
        "--postal-address",
        "1 High Street, Leeds",
        "--rep",
        "Tom",
        "--icp",
        icp,
    ];
    for args in [&[][..], &all[..]] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let (code, says, problem) = init(dir, args);
        assert_eq!((code, problem.as_str()), (0, ""), "{says}");
        let next: Vec<&str> = says.split("Next:\n").nth(1).unwrap().lines().collect();
        assert!((3..=5).contains(&next.len()) && says.contains("`reframe doctor`"), "{says}");
        for name in ["reframe.toml", "voice.toml", "icp.example.json", "reframe-data/crm/deals.csv"] {
            assert!(says.contains(&format!("wrote {name}\n")) && dir.join(name).is_file(), "{name}: {says}");
        }
        assert!(dir.join("calendars").is_dir() && dir.join("signals").is_dir());

        let ask = |args: &[&str]| {
            let output = run(dir, args);
            (output.status.code().unwrap(), out(&output) + &err(&output))
        };
        let (code, says) = ask(&["doctor"]);
        assert_eq!(code, 0, "{says}");
        assert!(!says.contains("cannot be read") && !says.contains("see to it"), "{says}");
        assert!(
            says.contains("Outreach             not set up") && says.contains("there is no sender set-up"),
            "{says}"
        );
        let (code, says) = ask(&["check"]);
        assert!(code == 0 && says.contains("ok      configuration"), "{says}");
        let (_, says) = ask(&["outreach", "ready"]);
        assert_eq!(says.contains("profile: ready"), !args.is_empty(), "{says}");
        for kind in ["profile", "voice", "sender", "sponsor"] {
            assert!(says.contains(kind), "{kind}: {says}");
        }
        assert_eq!(ask(&["signal", "icp", "icp.example.json"]).0, 0);
        let (code, says) = ask(&["run", "prep"]);
        assert!(code == 0 && says.starts_with("0 meetings ahead"), "{says}");
        let (code, says) = ask(&["run", "hygiene"]);
        assert!(code == 0 && says.contains("0 deals, 0 findings"), "{says}");
        assert_eq!(ask(&["account"]).0, 0);
        if !args.is_empty() {
            sender_without_records(dir);
        }
        // A deal in the table, by the columns it has.
        let table = dir.join("reframe-data/crm/deals.csv");
        let heading = std::fs::read_to_string(&table).unwrap();
        let cell = |column: &str| match column {
            "id" => "7",
            "stage" => "discovery",
            _ => "",
        };
        let row: Vec<&str> = heading.trim().split(',').map(cell).collect();
        std::fs::write(&table, format!("{heading}{}\n", row.join(","))).unwrap();
        assert!(ask(&["run", "hygiene"]).1.contains("1 deals, "), "{}", ask(&["run", "hygiene"]).1);
    }
}

/// A sender is named whose domain has no record yet: the doctor has each record to write, and says that it asked nobody.
fn sender_without_records(dir: &Path) {
    let path = dir.join("reframe.toml");
    let whole = std::fs::read_to_string(&path).unwrap();
    let (before, sender) = whole.split_once("#[workflow.outreach.sender]\n").unwrap();
    let on = sender.lines().filter(|l| !l.contains("zone_file")).map(|l| format!("{}\n", l.trim_start_matches('#')));
    std::fs::write(&path, format!("{before}[workflow.outreach.sender]\n{}", on.collect::<String>())).unwrap();
    let output = run(dir, &["doctor"]);
    let says = out(&output);
    assert_eq!(output.status.code(), Some(1), "{says}{}", err(&output));
    for words in [
        "Outreach             see to it",
        "domain: there is no SPF record\n      → write into the zone: try-example.com TXT \"v=spf1 include:",
        "google._domainkey.try-example.com TXT",
        "_dmarc.try-example.com TXT",
        "those in the settings; no name server was asked",
        "warm-up: ",
    ] {
        assert!(says.contains(words), "{words}: {says}");
    }
    let json = run(dir, &["doctor", "--json"]);
    let all: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let wrong = all["outreach"].as_array().unwrap().iter().filter(|l| l["stands"] == "wrong").count();
    assert!(wrong >= 4, "the sender and its three records: {all}");
    std::fs::write(&path, whole).unwrap();
}

#[test]
fn nothing_that_is_there_is_overwritten_and_what_cannot_be_meant_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (args, says) in [
        (&["--zone", "Berlin"][..], "write a name like Europe/Berlin"),
        (&["--domain", "dana@kestrel.example"], "what stands after the @"),
        (&["--rep", "Tom Miller"], "first name alone"),
        (&["--postal-address", "1 High Street\nLeeds"], "one line"),
        (&["--icp", "nowhere.json"], "nowhere.json cannot be read"),
    ] {
        let (code, _, problem) = init(dir, args);
        assert!(code == 3 && problem.contains(says), "{args:?}: {problem}");
        assert!(files(dir).is_empty(), "{args:?} wrote {:?}", files(dir).keys());
    }
    std::fs::write(dir.join("bad.json"), "{\"name\": \"x\"}").unwrap();
    let (code, _, problem) = init(dir, &["--icp", "bad.json"]);
    assert!(code == 3 && problem.contains("bad.json") && files(dir).len() == 1, "{problem}");
    std::fs::remove_file(dir.join("bad.json")).unwrap();

    // What the team has stays, byte for byte; the rest is written beside it.
    let theirs = "tone = \"warm\"\n";
    std::fs::write(dir.join("voice.toml"), theirs).unwrap();
    std::fs::create_dir_all(dir.join("reframe-data/crm")).unwrap();
    std::fs::write(dir.join("reframe-data/crm/deals.csv"), "id,name,stage\n7,Acme,discovery\n").unwrap();
    let (code, says, _) = init(dir, &["--rep", "Tom"]);
    assert!(
        code == 0 && says.contains("kept  voice.toml") && says.contains("kept  reframe-data/crm/deals.csv"),
        "{says}"
    );
    let before = files(dir);
    assert_eq!(before["voice.toml"], theirs.as_bytes());
    assert!(before["reframe-data/crm/deals.csv"].ends_with(b"7,Acme,discovery\n"));
    for args in [&[][..], &["--rep", "Ann"], &["--zone", "Europe/Berlin"]] {
        let (code, says, _) = init(dir, args);
        assert!(code == 1 && says.contains("reframe.toml is there already; nothing was written"), "{says}");
        assert_eq!(files(dir), before, "{args:?}");
    }
    // Another folder, which is made; and a profile that is there and differs from the one given.
    let (code, says, _) = init(dir, &["team", "--rep", "Ann"]);
    assert!(code == 0 && says.contains("wrote team/reframe.toml") && says.contains("cd team, then"), "{says}");
    std::fs::create_dir(dir.join("other")).unwrap();
    std::fs::write(dir.join("other/icp.json"), "{}").unwrap();
    let icp = root().join("engine/signal/assets/icp.example.json");
    let (code, _, problem) = init(dir, &["other", "--icp", icp.to_str().unwrap()]);
    assert!(code == 3 && problem.contains("other/icp.json is there already and says something else"), "{problem}");
    assert_eq!(std::fs::read(dir.join("other/icp.json")).unwrap(), b"{}");
    assert!(!dir.join("other/reframe.toml").exists());
}
