//! What can happen to the file: full, locked, read-only, damaged, too new, somebody else's.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use crate::made::{call, event, id, run};
use reframe_call::{
    audio::TrackId,
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_consent::{NewRecord, Person, Scope};
use reframe_store::{Append, ConsentBook, EventLog, SqliteLog, SqliteOptions, StoreError};
use rusqlite::Connection;

fn quick() -> SqliteOptions {
    SqliteOptions { busy_ms: 30, ..SqliteOptions::default() }
}

fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, quick()).unwrap()
}

#[test]
fn a_log_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("folder").join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..50)).unwrap();
    let before = log.call(&id("a")).unwrap();
    drop(log);
    let log = open(&path);
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..50));
    assert_eq!(log.call(&id("a")).unwrap(), before);
    log.check().unwrap();
}

#[test]
fn a_closed_log_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..50)).unwrap();
    drop(log);
    let copy = folder.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    assert_eq!(open(&copy).read(&id("a"), 0).unwrap(), run("a", 0..50));
}

#[test]
fn a_full_disk_is_said_and_the_log_goes_on_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder.path().join("calls.db"));
    for name in ["a", "b"] {
        log.create(&call(name)).unwrap();
        log.append(&id(name), 0, &run(name, 0..100)).unwrap();
    }
    log.set_max_bytes(Some(1)).unwrap();
    let (a, b) = (id("a"), id("b"));
    // `a` grows a little and would fit into free space of its last page; `b` does not. Neither may be there.
    let (little, much) = (run("a", 100..101), run("b", 100..2_000));
    let parts = [
        Append { call: &a, expected_seq: 100, events: &little },
        Append { call: &b, expected_seq: 100, events: &much },
    ];
    for _ in 0..3 {
        let error = log.append_batch(&parts).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        assert!(error.is_worth_retrying());
        assert!(error.to_string().contains("free some space"), "{error}");
    }
    assert_eq!(log.read(&a, 0).unwrap(), run("a", 0..100));
    assert_eq!(log.read(&b, 0).unwrap(), run("b", 0..100));
    log.check().unwrap();

    log.set_max_bytes(None).unwrap();
    for result in log.append_batch(&parts).unwrap() {
        result.unwrap();
    }
    assert_eq!(log.read(&a, 0).unwrap(), run("a", 0..101));
    assert_eq!(log.read(&b, 0).unwrap(), run("b", 0..2_000));
}

#[test]
fn a_locked_file_is_said_and_the_log_goes_on_once_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = log.append(&id("a"), 0, &run("a", 0..3)).unwrap_err();
    assert!(matches!(error, StoreError::Locked { waited_ms: 30, .. }), "{error:?}");
    assert!(error.is_worth_retrying());
    assert_eq!(log.read(&id("a"), 0).unwrap(), [], "reading goes on meanwhile");
    other.execute_batch("ROLLBACK").unwrap();
    log.append(&id("a"), 0, &run("a", 0..3)).unwrap();
    assert_eq!(log.read(&id("a"), 0).unwrap().len(), 3);
}

#[test]
fn two_programs_on_one_file_cannot_mix_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let (one, two) = (open(&path), open(&path));
    one.create(&call("a")).unwrap();
    one.append(&id("a"), 0, &run("a", 0..3)).unwrap();
    assert_eq!(two.append(&id("a"), 0, &run("a", 0..4)).unwrap().repeated, 3);
    let error = one.append(&id("a"), 3, &run("b", 3..4)).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { seq: 3, .. }), "{error:?}");
}

#[test]
fn a_file_opened_for_reading_refuses_to_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let writer = open(&path);
    writer.create(&call("a")).unwrap();
    writer.append(&id("a"), 0, &run("a", 0..3)).unwrap();
    let reader = SqliteLog::open_read_only(&path, quick()).unwrap();
    let error = reader.append(&id("a"), 3, &run("a", 3..4)).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(!error.is_worth_retrying());
    writer.append(&id("a"), 3, &run("a", 3..4)).unwrap();
    assert_eq!(reader.read(&id("a"), 0).unwrap(), run("a", 0..4), "what is written meanwhile is seen");
    let missing = SqliteLog::open_read_only(folder.path().join("missing.db"), quick()).unwrap_err();
    assert!(matches!(missing, StoreError::Open { .. }), "{missing:?}");
}

#[cfg(unix)]
#[test]
fn a_file_without_the_right_to_write_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("calls.db");
    drop(open(&path));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600, "a log is for its owner only");
    assert_eq!(mode(path.parent().unwrap()), 0o700, "a folder for logs is for its owner only");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        println!("this user may write to everything: the rest of this test does not apply");
        return;
    }
    let error = SqliteLog::open(&path, quick()).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn a_place_that_cannot_hold_a_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    for path in [folder.path().join("file").join("calls.db"), folder.path().to_owned()] {
        let error = SqliteLog::open(&path, quick()).unwrap_err();
        assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    }
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    for error in [SqliteLog::open(&path, quick()).unwrap_err(), SqliteLog::open_read_only(&path, quick()).unwrap_err()]
    {
        assert!(matches!(error, StoreError::NewerFormat { found: 99, known: 7, .. }), "{error:?}");
        assert!(error.to_string().contains("use the newer program"), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path, quick()).unwrap_err();
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "not a database, but long enough to be taken for one if nobody looks closely\n".repeat(40);
    fs::write(&path, &text).unwrap();
    let error = SqliteLog::open(&path, quick()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn an_empty_file_becomes_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    fs::write(&path, "").unwrap();
    open(&path).create(&call("a")).unwrap();
}

#[test]
fn damage_is_found_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..3_000)).unwrap();
    drop(log);
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    // Each page after the first is overwritten in turn: table roots, inner pages, leaves.
    let pages = whole.len() / 4_096;
    assert!(pages > 20, "{pages}");
    for page in (1..pages).step_by(pages / 20) {
        let mut bytes = whole.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        fs::write(&path, &bytes).unwrap();
        let outcome = SqliteLog::open(&path, quick()).and_then(|log| {
            log.read(&id("a"), 0)?;
            log.check()
        });
        match outcome {
            Err(StoreError::Corrupt { .. } | StoreError::BadEvent { .. } | StoreError::Database { .. }) => found += 1,
            other => panic!("page {page}: {other:?}"),
        }
    }
    assert!(found >= 20, "{found}");
    for length in [50, 100, 4_096, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        let outcome = SqliteLog::open(&path, quick()).and_then(|log| {
            log.read(&id("a"), 0)?;
            log.check()
        });
        assert!(outcome.is_err(), "cut to {length} bytes");
    }
}

#[test]
fn a_line_that_is_not_its_event_is_found_and_still_exported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..5)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute("UPDATE events SET line = '{\"event\":\"from_the_future\"}' WHERE seq = 3", []).unwrap();
    let error = log.read(&id("a"), 0).unwrap_err();
    assert!(matches!(error, StoreError::BadEvent { seq: 3, .. }), "{error:?}");
    let mut bytes = Vec::new();
    assert_eq!(log.export_jsonl(&id("a"), &mut bytes).unwrap(), 5);
    assert!(String::from_utf8(bytes).unwrap().contains("from_the_future"));
    other.execute("UPDATE events SET line = (SELECT line FROM events WHERE seq = 2) WHERE seq = 3", []).unwrap();
    let error = log.read(&id("a"), 0).unwrap_err();
    assert!(matches!(error, StoreError::BadEvent { seq: 3, .. }), "{error:?}");
}

/// Calls that grow side by side, so that pages split and rows move about; then one participant's words go.
#[test]
fn what_is_erased_is_in_no_page_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    let names = ["one", "two", "three"];
    for name in names {
        log.create(&call(name)).unwrap();
    }
    // Lines of very different lengths.
    let said = |name: &str, seq: u64| -> Event {
        let text = format!("{name}said{seq}x").repeat(1 + (seq as usize * 7 % 40));
        let words =
            vec![Word { text, start: MediaTime::from_ms(seq), end: MediaTime::from_ms(seq + 1), confidence: 1.0 }];
        let track = TrackId((seq % 2) as u16);
        event(seq, EventBody::WordsCommitted { track, utterance: UtteranceId(seq as u32), words })
    };
    for seq in 0..400 {
        for name in names {
            log.append(&id(name), seq, &[said(name, seq)]).unwrap();
        }
    }
    log.append(&id("two"), 400, &[event(400, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    let count = |what: &str| -> usize {
        ["calls.db", "calls.db-wal", "calls.db-shm"]
            .iter()
            .filter_map(|file| fs::read(folder.path().join(file)).ok())
            .map(|bytes| bytes.windows(what.len()).filter(|w| *w == what.as_bytes()).count())
            .sum()
    };
    assert!(count("twosaid1x") > 0 && count("twosaid399x") > 0);
    assert_eq!(log.erase(&id("two")).unwrap().rewritten, 200);
    let left: Vec<u64> = (1..400).step_by(2).filter(|seq| count(&format!("twosaid{seq}x")) > 0).collect();
    assert!(left.is_empty(), "words of these events are still in the file: {left:?}");
    assert!(count("twosaid2x") > 0 && count("onesaid1x") > 0 && count("threesaid399x") > 0);
    log.check().unwrap();
    assert_eq!(log.read(&id("one"), 0).unwrap().len(), 400);
}

/// While somebody else reads, the write-ahead log cannot be cut off: then the erasure says that it is not done.
#[test]
fn an_erasure_that_another_program_holds_up_is_not_called_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..30)).unwrap();
    log.append(&id("a"), 30, &[event(30, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    let error = log.erase(&id("a")).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }) && error.is_worth_retrying(), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    log.erase(&id("a")).unwrap();
    assert!(!fs::read(&path).unwrap().windows(5).any(|w| w == b"a-1-0"));
}

#[test]
fn consent_records_can_neither_be_changed_nor_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    let says = NewRecord {
        person: Person::new("dana@acme.example").unwrap(),
        scope: Scope::AllCalls,
        jurisdiction: None,
        method: "contract".into(),
        proof: String::new(),
        given_unix_ms: 1,
        withdrawn_unix_ms: None,
    };
    log.add_consents(std::slice::from_ref(&says)).unwrap();
    let other = Connection::open(&path).unwrap();
    for sql in ["UPDATE consents SET method = 'x'", "DELETE FROM consents", "DELETE FROM consents WHERE id = 1"] {
        let error = other.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("only ever added"), "{sql}: {error}");
    }
    assert_eq!(log.consents(None, 10).unwrap()[0].says, says);
}

/// The tables as the first version made them, with a call in them.
#[test]
fn a_file_of_the_first_format_is_brought_up_to_date_with_all_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..30)).unwrap();
    drop(log);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER events_are_due_for_the_index; DROP TRIGGER rewritten_events_leave_the_index;
             DROP TRIGGER deleted_calls_leave_the_index;
             DROP TABLE said_index; DROP TABLE said; DROP TABLE said_by; DROP TABLE said_upto; DROP TABLE said_due;
             DROP TRIGGER rewritten_events_take_digests_along; DROP INDEX notes_taken;
             DROP TABLE items; DROP TABLE contact_ledger;
             DROP TABLE call_digests; DROP TABLE rewritten; DROP TABLE erasures_cleaned;
             DROP TABLE withdrawals_due; DROP TABLE looked_at; DROP TABLE debriefs_released;
             DROP TABLE forgotten; DROP TABLE words_gone;
             DROP TABLE audit_subjects; DROP TABLE audit; DROP TABLE services; DROP TABLE outbox; DROP TABLE approvals;
             DROP TABLE revisions; DROP TABLE proposals; DROP TABLE artifacts;
             DROP TABLE consents; DROP INDEX calls_to_erase; ALTER TABLE calls DROP COLUMN erase_due;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    let error = SqliteLog::open_read_only(&path, quick()).unwrap_err();
    assert!(error.to_string().contains("start the server on it once"), "{error}");
    let log = open(&path);
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..30));
    assert!(log.consents(None, 1).unwrap().is_empty() && log.erasures_due(1).unwrap().is_empty());
    log.append(&id("a"), 30, &[event(30, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    assert_eq!(log.erasures_due(1).unwrap(), [id("a")]);
}

/// A file of format 5 with a withdrawal that waited: it is carried out, and its pages are cleaned.
#[test]
fn a_withdrawal_that_waits_in_a_file_of_format_5_is_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..30)).unwrap();
    let says = NewRecord {
        person: Person::new("dana@acme.example").unwrap(),
        scope: Scope::AllCalls,
        jurisdiction: None,
        method: "contract".into(),
        proof: String::new(),
        given_unix_ms: 1,
        withdrawn_unix_ms: Some(2),
    };
    log.add_consents(&[says]).unwrap();
    drop(log);
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch(
            "DROP TRIGGER rewritten_events_take_digests_along; DROP TRIGGER rewritten_notes_take_digests_along;
             DROP INDEX notes_taken; DROP TABLE call_digests; DROP TABLE rewritten; DROP TABLE erasures_cleaned;
             DROP TABLE items; DROP TABLE contact_ledger;
             ALTER TABLE withdrawals_due DROP COLUMN who; ALTER TABLE withdrawals_due DROP COLUMN waits;
             ALTER TABLE withdrawals_due DROP COLUMN tries; ALTER TABLE withdrawals_due DROP COLUMN due_unix_ms;
             ALTER TABLE withdrawals_due DROP COLUMN unclean;
             PRAGMA user_version = 5;",
        )
        .unwrap();
    drop(other);
    let log = open(&path);
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..30));
    log.carry_out_withdrawals(3).unwrap();
    let cleaned = log.withdrawals_to_finish().unwrap();
    assert_eq!(cleaned, [(1, vec![])]);
    log.withdrawal_finished(1).unwrap();
    assert!(log.withdrawals_to_finish().unwrap().is_empty());
    assert_eq!(log.times_rewritten(&id("a")).unwrap(), 0);
    log.append(&id("a"), 30, &[event(30, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    log.erase(&id("a")).unwrap();
    assert!(log.times_rewritten(&id("a")).unwrap() > 0);
    log.check().unwrap();
}

#[test]
fn what_is_deleted_is_not_in_the_file_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = open(&path);
    for name in ["secretcall", "othercall"] {
        log.create(&call(name)).unwrap();
        log.append(&id(name), 0, &run(name, 0..300)).unwrap();
    }
    let holds = |what: &str| {
        ["calls.db", "calls.db-wal"].iter().any(|file| {
            fs::read(folder.path().join(file))
                .is_ok_and(|bytes| bytes.windows(what.len()).any(|w| w == what.as_bytes()))
        })
    };
    assert!(holds("secretcall"));
    assert!(log.delete(&id("secretcall")).unwrap());
    assert!(!holds("secretcall"), "words of a deleted call are still in the file");
    assert!(holds("othercall"));
}
