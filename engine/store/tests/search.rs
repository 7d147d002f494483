//! Search over everything said: found as it was said, by whom and when; and gone as soon as it is erased.
#![allow(clippy::unwrap_used)]

use std::fs;

use crate::made::{call, event, id, person, started};
use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_store::{
    EventLog, NewCall, SqliteLog, SqliteOptions,
    search::{Filters, Found},
};

const DAY: i64 = 24 * 60 * 60 * 1_000;
const NOW: i64 = 1_700_000_000_000;

fn rep(track: u16, name: &str) -> TrackInfo {
    TrackInfo { party: Party::Rep, ..person(track, name, None) }
}

/// A call's events: who is on it, then each line by a track.
fn talk(people: &[TrackInfo], lines: &[(u16, &str)]) -> Vec<Event> {
    let mut bodies = vec![started()];
    bodies.extend(people.iter().map(|p| EventBody::TrackAdded { track: p.clone() }));
    for (n, (track, text)) in lines.iter().enumerate() {
        let (track, utterance) = (TrackId(*track), UtteranceId(n as u32));
        let at = |ms: usize| MediaTime::from_ms((n * 10_000 + ms) as u64);
        bodies.push(EventBody::SpeechStarted { track, utterance, start: at(0) });
        let words = text.split(' ').enumerate().map(|(w, text)| Word {
            text: text.into(),
            start: at(w * 100),
            end: at(w * 100 + 90),
            confidence: 0.9,
        });
        bodies.push(EventBody::WordsCommitted { track, utterance, words: words.collect() });
        bodies.push(EventBody::UtteranceEnded { track, utterance, start: at(0), end: at(9_000), text: (*text).into() });
    }
    (0..).zip(bodies).map(|(seq, body)| event(seq, body)).collect()
}

fn put(log: &SqliteLog, name: &str, days_ago: i64, events: &[Event]) {
    log.create(&NewCall { started_unix_ms: NOW - days_ago * DAY, ..call(name) }).unwrap();
    log.append(&id(name), 0, events).unwrap();
}

/// Three calls of one rep and three buyers.
fn filled(log: &SqliteLog) {
    let ada = rep(0, "Ada King");
    let lines =
        [(1, "the price is too expensive for us"), (0, "which price did you have in mind"), (1, "nothing zorbl")];
    put(log, "old", 400, &talk(&[ada.clone(), person(1, "Dana Whitfield", None)], &lines));
    let lines = [(1, "we compared prices with a café downstairs"), (0, "too many are expensive")];
    put(log, "mid", 30, &talk(&[ada.clone(), person(1, "Émile Roux", None)], &lines));
    let lines = [(0, "good morning"), (1, "the price is too expensive for us")];
    put(log, "new", 1, &talk(&[ada, person(1, "Bo Li", None)], &lines));
    while log.index(2).unwrap().left > 0 {}
}

fn names(found: &Found) -> Vec<String> {
    found.hits.iter().map(|h| format!("{}/{}", h.call, h.utterance.0)).collect()
}

fn ask(log: &SqliteLog, query: &str) -> Vec<String> {
    names(&log.search(query, &Filters::default(), 10, NOW).unwrap())
}

#[test]
fn who_said_what_when() {
    let log = SqliteLog::in_memory().unwrap();
    filled(&log);
    let found = log.search("\"too expensive\"", &Filters::default(), 10, NOW).unwrap();
    assert_eq!(names(&found), ["new/1", "old/0"], "the same words: the later call comes first");
    let hit = &found.hits[1];
    assert_eq!((hit.speaker.as_str(), hit.side, hit.at_ms), ("Dana Whitfield", Party::Buyer, 0));
    assert_eq!(hit.started_unix_ms, NOW - 400 * DAY);
    assert!(hit.title.contains("Call old"));
    assert_eq!(hit.snippet.marked("[", "]"), "the price is [too expensive] for us");
    assert_eq!(found.calls_behind, 0);
    // Words apart, other forms, accents.
    assert_eq!(ask(&log, "expensive too"), ["new/1", "mid/1", "old/0"]);
    assert_eq!(ask(&log, "PRICED"), ["new/1", "mid/0", "old/0", "old/1"]);
    assert_eq!(ask(&log, "cafe"), ["mid/0"]);
    assert_eq!(ask(&log, "price zorbl"), Vec::<String>::new(), "a hit holds all the words");
}

#[test]
fn filters_narrow_it_down() {
    let log = SqliteLog::in_memory().unwrap();
    filled(&log);
    let all = Filters::default;
    for (filters, expected) in [
        (Filters { speaker: Some("dana".into()), ..all() }, vec!["old/0"]),
        (Filters { speaker: Some(" ADA  king".into()), ..all() }, vec!["old/1"]),
        (Filters { speaker: Some("nobody".into()), ..all() }, vec![]),
        (Filters { side: Some(Party::Rep), ..all() }, vec!["old/1"]),
        (Filters { side: Some(Party::Buyer), call: Some(id("old")), ..all() }, vec!["old/0"]),
        (Filters { call: Some(id("unheard-of")), ..all() }, vec![]),
        (Filters { from_unix_ms: Some(NOW - 30 * DAY), ..all() }, vec!["new/1", "mid/0"]),
        (Filters { to_unix_ms: Some(NOW - 30 * DAY), ..all() }, vec!["old/0", "old/1"]),
        (Filters { from_unix_ms: Some(NOW - 31 * DAY), to_unix_ms: Some(NOW - 2 * DAY), ..all() }, vec!["mid/0"]),
        (Filters { from_unix_ms: Some(NOW), ..all() }, vec![]),
    ] {
        assert_eq!(names(&log.search("price", &filters, 10, NOW).unwrap()), expected, "{filters:?}");
    }
    assert_eq!(log.search("price", &all(), 1, NOW).unwrap().hits.len(), 1);
}

#[test]
fn whatever_is_typed_is_a_query() {
    let log = SqliteLog::in_memory().unwrap();
    filled(&log);
    let long = "price ".repeat(2_000);
    for typed in [
        "",
        " ",
        "\"",
        "\"\"",
        "\"price",
        "price\"",
        "(",
        ")",
        "*",
        "price*",
        "^price",
        "-price",
        "text:price",
        "NEAR(a,b",
        "OR",
        "AND NOT",
        "a AND",
        "{x}: y",
        "price + ",
        "'; DROP TABLE said; --",
        "\0",
        "price\0",
        "\u{1}\u{2}",
        "😀",
        "%_",
        long.as_str(),
    ] {
        log.search(typed, &Filters { speaker: Some(typed.into()), ..Filters::default() }, 10, NOW).unwrap();
        log.search(typed, &Filters::default(), 10, NOW).unwrap();
    }
    assert_eq!(ask(&log, "price*").len(), 4, "signs around a word do not matter");
    assert_eq!(ask(&log, &long).len(), 4);
}

#[test]
fn the_index_follows_a_running_call_and_says_when_it_is_behind() {
    let log = SqliteLog::in_memory().unwrap();
    let events = talk(&[person(1, "Dana", None)], &[(1, "first thing"), (1, "second thing")]);
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &events[..5]).unwrap();
    assert_eq!(log.search("thing", &Filters::default(), 10, NOW).unwrap().calls_behind, 1);
    assert_eq!(log.index(10).unwrap().utterances, 1);
    assert_eq!(ask(&log, "thing"), ["a/0"]);
    log.append(&id("a"), 5, &events[5..]).unwrap();
    assert_eq!(log.index(10).unwrap().utterances, 1, "what was read is not read again");
    let refined = |text: &str, utterance| EventBody::UtteranceRefined {
        utterance: UtteranceId(utterance),
        text: text.into(),
        words: vec![],
        model: "m".into(),
    };
    let next = events.len() as u64;
    log.append(&id("a"), next, &[event(next, refined("premier sting", 0)), event(next + 1, refined("deux", 1))])
        .unwrap();
    assert_eq!(log.index(10).unwrap(), reframe_store::search::Indexed { calls: 1, utterances: 2, left: 0 });
    assert_eq!(ask(&log, "thing"), Vec::<String>::new(), "a second opinion takes the place of the first");
    assert_eq!(ask(&log, "sting"), ["a/0"]);
    assert_eq!(ask(&log, "deux"), ["a/1"]);
    assert_eq!(log.index(10).unwrap().calls, 0, "what was read is not read again");
    log.check_index().unwrap();
}

#[test]
fn the_index_can_be_dropped_and_made_again() {
    let log = SqliteLog::in_memory().unwrap();
    filled(&log);
    let queries = ["price", "\"too expensive\"", "café", "good", "zorbl"];
    let before: Vec<Found> = queries.map(|q| log.search(q, &Filters::default(), 10, NOW).unwrap()).into();
    log.rebuild_index().unwrap();
    let gone = log.search("price", &Filters::default(), 10, NOW).unwrap();
    assert!(gone.hits.is_empty() && gone.calls_behind == 3);
    while log.index(1).unwrap().left > 0 {}
    log.check_index().unwrap();
    let after: Vec<Found> = queries.map(|q| log.search(q, &Filters::default(), 10, NOW).unwrap()).into();
    assert_eq!(before, after);
    assert!(before.iter().all(|f| !f.hits.is_empty()));
}

#[test]
fn what_is_erased_or_deleted_is_in_no_page_of_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    // Many calls, so that the index has many pages and words of ours stand at their ends as well.
    for n in 0..60 {
        let lines: Vec<String> =
            (0..40).map(|l| format!("qx{}vz and kw{}jy said here", n * 1_000 + l, l * 37 + n)).collect();
        let lines: Vec<(u16, &str)> = lines.iter().map(|l| (1, l.as_str())).collect();
        put(&log, &format!("c{n}"), 1, &talk(&[person(1, "Dana", None)], &lines));
    }
    while log.index(7).unwrap().left > 0 {}
    let holds = |what: &str| {
        ["calls.db", "calls.db-wal"].iter().any(|file| {
            fs::read(folder.path().join(file)).is_ok_and(|b| b.windows(what.len()).any(|w| w == what.as_bytes()))
        })
    };
    // Keys in the index leave out what they share with the one before, so the ends are looked for as well.
    assert!(holds("qx30007vz") && holds("qx31007vz") && holds("7vz"));
    let next = log.call(&id("c30")).unwrap().unwrap().next_seq;
    log.append(&id("c30"), next, &[event(next, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    log.erase(&id("c30")).unwrap();
    assert_eq!(ask(&log, "qx30007vz"), Vec::<String>::new());
    assert!(log.delete(&id("c31")).unwrap());
    for l in 0..40 {
        for word in [format!("qx{}vz", 30_000 + l), format!("qx{}vz", 31_000 + l)] {
            assert!(!holds(&word), "{word} is still in the file");
        }
    }
    assert!(holds("qx32007vz"));
    log.check_index().unwrap();
    log.index(10).unwrap();
    assert_eq!(ask(&log, "\"said here\"").len(), 10);
    assert_eq!(ask(&log, "qx32007vz"), ["c32/7"]);
}

#[test]
fn the_indexer_goes_on_after_a_crash_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let lines = [(1, "one zebra"), (1, "two zebras")];
    put(&log, "a", 1, &talk(&[person(1, "Dana", None)], &lines));
    // Another program holds the file when the indexer wants to write: its transaction fails as a whole.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(log.index(10).is_err());
    other.execute_batch("ROLLBACK").unwrap();
    drop(log);
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    assert_eq!(ask(&log, "zebra").len(), 0);
    assert_eq!(log.index(10).unwrap().utterances, 2);
    assert_eq!(ask(&log, "zebra").len(), 2);
}
