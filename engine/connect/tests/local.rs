//! The folder among people and other programs: hand edits, two writers, bad files, files left unfinished.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, sync::Arc};

use crate::support::{approved, approved_in, at, mail, note, task, update};
use reframe_connect::local::Local;
use reframe_workflow::{
    gate::Action,
    system::{Listing, ReadError, RecordKind, SystemOfRecord, WriteError},
};

const DEALS: &str = "# best first\r\nid,updated,stage,amount,our own column\r\n\r\n7,2026-01-01,discovery,-5,\"x, \"\"y\"\"\"\r\n8,,demo,9,\r\n";

fn folder() -> (tempfile::TempDir, Local) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("deals.csv"), DEALS).unwrap();
    let local = Local::open(folder.path(), None).unwrap().with_clock(|| crate::support::NOON);
    (folder, local)
}

fn deals(folder: &Path) -> String {
    fs::read_to_string(folder.join("deals.csv")).unwrap()
}

#[test]
fn a_change_touches_its_cells_and_nothing_else() {
    let (folder, local) = folder();
    let deal = at("local", RecordKind::Deal, "8");
    local.write(&approved("local", update(&deal, "stage", Some("demo"), Some("=won, \"really\"")))).unwrap();
    let row = "8,2026-05-01T12:00:00.000Z,\"'=won, \"\"really\"\"\",9,\r\n";
    assert_eq!(deals(folder.path()), DEALS.replace("8,,demo,9,\r\n", row));
    assert_eq!(local.read(&deal).unwrap().unwrap().field("stage"), Some("=won, \"really\""));
    for field in ["id", "updated", "deal_ids", "no such"] {
        let error = local.write(&approved("local", update(&deal, field, None, Some("x")))).unwrap_err();
        assert!(matches!(error, WriteError::Refused { .. }), "{field}: {error}");
    }
}

#[test]
fn bad_files_are_named_by_line_and_left_alone() {
    let (folder, local) = folder();
    let deal = at("local", RecordKind::Deal, "7");
    for (bytes, words) in [
        (b"id,stage\n7,a\n7,b\n".as_slice(), "deals.csv:3: has the id `7` of line 2"),
        (b"id,stage\n7,a,b\n", "deals.csv:2: has 3 cells"),
        (b"id,stage\n7,\xff\n", "deals.csv:2: is not UTF-8"),
    ] {
        fs::write(folder.path().join("deals.csv"), bytes).unwrap();
        let error = local.read(&deal).unwrap_err();
        assert!(matches!(&error, ReadError::Odd { problem, .. } if problem.contains(words)), "{error}");
        let error = local.write(&approved("local", update(&deal, "stage", Some("a"), Some("c")))).unwrap_err();
        assert!(matches!(&error, WriteError::NotDone { problem, .. } if problem.contains(words)), "{error}");
        assert_eq!(fs::read(folder.path().join("deals.csv")).unwrap(), bytes);
    }
}

#[test]
fn many_writers_lose_nothing() {
    let (folder, local) = folder();
    let (local, deal) = (Arc::new(local), at("local", RecordKind::Deal, "7"));
    let threads = (0..8).map(|i| {
        let (local, deal) = (Arc::clone(&local), deal.clone());
        std::thread::spawn(move || {
            for j in 0..5 {
                let batch = format!("{i}-{j}");
                local.write(&approved_in("local", task(&deal, None), &batch)).unwrap();
                local.write(&approved_in("local", note(&deal, &batch), &batch)).unwrap();
                // Twice the same is once.
                local.write(&approved_in("local", task(&deal, None), &batch)).unwrap();
            }
        })
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(local.list(RecordKind::Task, &Listing::default()).unwrap().len(), 40);
    assert_eq!(local.list(RecordKind::Note, &Listing::default()).unwrap().len(), 40);
    let left = |f: &Path| {
        fs::read_dir(f)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("unfinished"))
            .count()
    };
    assert_eq!(left(folder.path()), 0);
}

#[test]
fn another_program_that_writes_is_waited_for_and_then_told() {
    let (folder, local) = folder();
    let file = fs::File::create(folder.path().join(".reframe.lock")).unwrap();
    file.lock().unwrap();
    let write = approved("local", note(&at("local", RecordKind::Deal, "7"), "x"));
    let error = local.write(&write).unwrap_err();
    assert!(matches!(&error, WriteError::NotDone { problem, .. } if problem.contains("another program")), "{error}");
    assert_eq!(local.find(&write).unwrap(), None);
    drop(file);
    local.write(&write).unwrap();
}

#[test]
fn what_a_crash_left_is_no_record_and_is_removed() {
    let (folder, local) = folder();
    let notes = folder.path().join("notes");
    fs::create_dir(&notes).unwrap();
    let stray = notes.join(".reframe-unfinished-abc.md");
    fs::write(&stray, "about: deal/7\n\nhalf").unwrap();
    assert_eq!(local.list(RecordKind::Note, &Listing::default()).unwrap(), []);
    local.write(&approved("local", note(&at("local", RecordKind::Deal, "7"), "x"))).unwrap();
    assert!(!stray.exists());
}

#[test]
fn renamed_files_are_found_again() {
    let (folder, local) = folder();
    let write = approved("local", note(&at("local", RecordKind::Deal, "7"), "x"));
    let made = local.write(&write).unwrap().record.id;
    let notes = folder.path().join("notes");
    fs::rename(notes.join(format!("{made}.md")), notes.join("first talk, Ümit.md")).unwrap();
    assert_eq!(local.find(&write).unwrap().unwrap().record.id, "first talk, Ümit");
    assert_eq!(local.write(&write).unwrap().record.id, "first talk, Ümit", "it is there already");
    let sent = approved("local", Action::SendMail { mail: mail(1), draft: None });
    let made = local.write(&sent).unwrap().record.id;
    let folder = folder.path().join("mail/sent");
    fs::rename(folder.join(format!("{made}.eml")), folder.join("done.eml")).unwrap();
    assert_eq!(local.find(&sent).unwrap().unwrap().record.id, "done");
}

/// Somebody moves a deal by hand: the folder's own history says so, with the latest time it can have been.
#[test]
fn a_stage_changed_by_hand_is_in_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let deals = |stage: &str| {
        let text =
            format!("id,updated,stage,stage_since,close_date\n7,2026-01-05T08:00:00Z,{stage},2026-01-02,2026-06-30\n");
        fs::write(folder.path().join("deals.csv"), text).unwrap();
    };
    deals("discovery");
    let local = Local::open(folder.path(), None).unwrap().with_clock(|| crate::support::NOON);
    let deal = at("local", RecordKind::Deal, "7");
    let history = |field: &str| {
        let read = local.read(&deal).unwrap().unwrap();
        let past = read.history.get(field).cloned().unwrap_or_default();
        past.into_iter().map(|v| (v.value.unwrap_or_default(), v.at_unix_ms / 86_400_000)).collect::<Vec<_>>()
    };
    let day = |text: &str| text.parse::<jiff::civil::Date>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    let day = |text: &str| day(text).timestamp().as_millisecond() / 86_400_000;
    assert_eq!(history("stage"), [("discovery".to_owned(), day("2026-01-02"))]);
    assert_eq!(history("close_date"), [], "nobody knows since when");
    local.write(&approved("local", update(&deal, "close_date", Some("2026-06-30"), Some("2026-07-31")))).unwrap();
    let noon = crate::support::NOON / 86_400_000;
    let moved = [("2026-06-30".to_owned(), day("2026-01-05")), ("2026-07-31".to_owned(), noon)];
    assert_eq!(history("close_date"), moved);
    assert_eq!(fs::read_to_string(folder.path().join("history.csv")).unwrap().lines().count(), 3);
    deals("proposal");
    assert_eq!(history("close_date").last().unwrap().0, "2026-06-30", "taken back by hand");
    fs::write(folder.path().join("history.csv"), "id,deal_id,field,value\n1,7,stage,x\n").unwrap();
    let error = local.read(&deal).unwrap_err();
    assert!(matches!(&error, ReadError::Odd { problem, .. } if problem.contains("no column `at`")), "{error}");
}
