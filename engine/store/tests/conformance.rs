//! The same cases on every store: what `EventLog` promises. A new store is one more line at the end.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crate::made::{call, event, id, nth, person, run, started, words};
use reframe_call::{
    audio::{Consent, TrackId},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_consent::{ConsentRecord, NewRecord, Person};
use reframe_store::{
    Append, Appended, CallState, Erasure, EventLog, MemoryLog, SqliteLog, SqliteOptions, Store, StoreError,
};

fn appends_and_reads_back(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    let done = log.append(&id("a"), 0, &run("a", 0..10)).unwrap();
    assert_eq!(done, Appended { next_seq: 10, written: 10, repeated: 0 });
    let done = log.append(&id("a"), 10, &run("a", 10..13)).unwrap();
    assert_eq!(done, Appended { next_seq: 13, written: 3, repeated: 0 });
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..13));
    assert_eq!(log.read(&id("a"), 11).unwrap(), run("a", 11..13));
    assert_eq!(log.read(&id("a"), 13).unwrap(), []);
    assert_eq!(log.read(&id("a"), u64::MAX).unwrap(), []);
    assert_eq!(log.read_page(&id("a"), 2, 3).unwrap(), run("a", 2..5));
}

fn every_score_comes_back_as_it_was(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    let events: Vec<_> = (0..1_001).map(|seq| event(seq, words("a", seq))).collect();
    log.append(&id("a"), 0, &events).unwrap();
    assert_eq!(log.read(&id("a"), 0).unwrap(), events);
}

fn a_long_log_is_read_in_pages_without_seams(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..2_000)).unwrap();
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..2_000));
}

fn a_repeated_append_is_harmless(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..5)).unwrap();
    let again = log.append(&id("a"), 0, &run("a", 0..5)).unwrap();
    assert_eq!(again, Appended { next_seq: 5, written: 0, repeated: 5 });
    let overlap = log.append(&id("a"), 3, &run("a", 3..8)).unwrap();
    assert_eq!(overlap, Appended { next_seq: 8, written: 3, repeated: 2 });
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..8));
}

fn another_event_at_a_taken_number_is_refused(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..5)).unwrap();
    let error = log.append(&id("a"), 2, &[nth("a", 2), event(3, EventBody::AudioResumed), nth("a", 4), nth("a", 5)]);
    match error {
        Err(StoreError::Conflict { seq: 3, stored, given, .. }) => {
            assert_eq!((stored.as_str(), given.as_str()), ("words_committed", "audio_resumed"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..5), "nothing of the refused append may be there");
}

fn a_hole_is_refused_with_both_numbers(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..5)).unwrap();
    let error = log.append(&id("a"), 7, &run("a", 7..9)).unwrap_err();
    assert!(matches!(error, StoreError::Hole { next: 5, given: 7, .. }), "{error:?}");
    assert!(error.to_string().contains("number 5") && error.to_string().contains("number 7"), "{error}");
    assert!(matches!(log.append(&id("a"), 6, &[]), Err(StoreError::Hole { .. })), "an empty append is judged as well");
    assert_eq!(log.append(&id("a"), 5, &[]).unwrap().written, 0);
    assert_eq!(log.read(&id("a"), 0).unwrap().len(), 5);
}

fn misnumbered_events_are_refused(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    for events in [vec![nth("a", 1)], vec![nth("a", 0), nth("a", 2)], vec![nth("a", 0), nth("a", 0)]] {
        let error = log.append(&id("a"), 0, &events).unwrap_err();
        assert!(matches!(error, StoreError::Misnumbered { .. }), "{error:?}");
    }
    assert_eq!(log.read(&id("a"), 0).unwrap(), []);
}

fn calls_are_kept_apart(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.create(&call("b")).unwrap();
    for seq in 0..20 {
        log.append(&id("a"), seq, &[nth("a", seq)]).unwrap();
        log.append(&id("b"), seq, &[nth("b", seq)]).unwrap();
    }
    assert_eq!(log.read(&id("a"), 0).unwrap(), run("a", 0..20));
    assert_eq!(log.read(&id("b"), 0).unwrap(), run("b", 0..20));
}

fn a_call_that_is_not_there_is_said_so(log: &dyn EventLog) {
    let missing = id("missing");
    assert!(matches!(log.append(&missing, 0, &[nth("a", 0)]), Err(StoreError::UnknownCall { .. })));
    assert!(matches!(log.read(&missing, 0), Err(StoreError::UnknownCall { .. })));
    assert!(matches!(log.export_jsonl(&missing, &mut Vec::new()), Err(StoreError::UnknownCall { .. })));
    assert_eq!(log.call(&missing).unwrap(), None);
    assert!(!log.delete(&missing).unwrap());
}

fn a_name_is_taken_once(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..3)).unwrap();
    assert!(matches!(log.create(&call("a")), Err(StoreError::CallExists { .. })));
    assert_eq!(log.call(&id("a")).unwrap().unwrap().next_seq, 3);
}

fn the_record_follows_from_the_events(log: &dyn EventLog) {
    let new = call("a");
    log.create(&new).unwrap();
    let record = log.call(&id("a")).unwrap().unwrap();
    assert_eq!((record.call, record.state, record.next_seq), (new, CallState::Open, 0));
    assert_eq!(record.participants, []);

    let contract = Consent { basis: "contract".into(), reference: "§ 4".into() };
    let events = [
        event(0, started()),
        event(1, EventBody::TrackAdded { track: person(1, "Bea", None) }),
        event(2, EventBody::TrackAdded { track: person(0, "Ann", Some("platform")) }),
        event(3, EventBody::ConsentChanged { track: TrackId(1), consent: Some(contract.clone()) }),
        event(4, EventBody::ConsentChanged { track: TrackId(9), consent: None }),
        event(5, EventBody::TrackAdded { track: person(0, "Ann Lee", Some("platform")) }),
    ];
    // The first in one part, the rest in another, so that the fold goes on from what is stored.
    log.append(&id("a"), 0, &events[..3]).unwrap();
    log.append(&id("a"), 3, &events[3..]).unwrap();
    let mut bea = person(1, "Bea", None);
    bea.consent = Some(contract);
    let record = log.call(&id("a")).unwrap().unwrap();
    assert_eq!(record.participants, [person(0, "Ann Lee", Some("platform")), bea]);
    assert_eq!(record.next_seq, 6);
}

fn a_call_that_is_over_takes_no_more(log: &dyn EventLog) {
    let endings = [
        ("ended", EventBody::CallEnded { cards_shown: 1, utterances: 2 }, CallState::Ended),
        ("failed", EventBody::CallFailed { error: "thread panicked".into() }, CallState::Failed),
    ];
    for (name, ending, state) in endings {
        log.create(&call(name)).unwrap();
        let mut events = run(name, 0..3);
        events.push(event(3, ending));
        log.append(&id(name), 0, &events).unwrap();
        assert_eq!(log.call(&id(name)).unwrap().unwrap().state, state);
        let error = log.append(&id(name), 4, &[nth(name, 4)]).unwrap_err();
        assert!(matches!(error, StoreError::Closed { last: 3, .. }), "{error:?}");
        assert_eq!(log.append(&id(name), 0, &events).unwrap().repeated, 4, "a repetition stays harmless");
    }
    log.create(&call("both")).unwrap();
    let past_the_end =
        [event(0, started()), event(1, EventBody::CallEnded { cards_shown: 0, utterances: 0 }), nth("both", 2)];
    let error = log.append(&id("both"), 0, &past_the_end).unwrap_err();
    assert!(matches!(error, StoreError::Closed { last: 1, .. }), "{error:?}");
    assert_eq!(log.call(&id("both")).unwrap().unwrap().next_seq, 0);
}

fn a_call_left_open_goes_on(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..4)).unwrap();
    let open = log.calls(Some(CallState::Open), 10).unwrap();
    assert_eq!(open.len(), 1);
    let next = open[0].next_seq;
    log.append(&id("a"), next, &[event(next, EventBody::CallResumed { after_seq: next - 1 })]).unwrap();
    assert_eq!(log.read(&id("a"), 4).unwrap().len(), 1);
}

fn calls_are_listed_latest_first(log: &dyn EventLog) {
    for (name, started_unix_ms) in [("old", 1), ("new", 3), ("mid", 2), ("mid2", 2)] {
        log.create(&made_at(name, started_unix_ms)).unwrap();
    }
    let end = EventBody::CallEnded { cards_shown: 0, utterances: 0 };
    log.append(&id("mid"), 0, &[event(0, started()), event(1, end)]).unwrap();
    let names = |state, limit| -> Vec<String> {
        log.calls(state, limit).unwrap().into_iter().map(|r| r.call.id.to_string()).collect()
    };
    assert_eq!(names(None, 10), ["new", "mid2", "mid", "old"]);
    assert_eq!(names(None, 2), ["new", "mid2"]);
    assert_eq!(names(Some(CallState::Open), 10), ["new", "mid2", "old"]);
    assert_eq!(names(Some(CallState::Ended), 10), ["mid"]);
    assert!(names(Some(CallState::Failed), 10).is_empty());
}

fn made_at(name: &str, started_unix_ms: i64) -> reframe_store::NewCall {
    reframe_store::NewCall { started_unix_ms, ..call(name) }
}

fn a_batch_judges_each_part_for_itself(log: &dyn EventLog) {
    for name in ["a", "b", "c"] {
        log.create(&call(name)).unwrap();
    }
    let (a, b, c, missing) = (id("a"), id("b"), id("c"), id("missing"));
    let (first, more, hole, ok) = (run("a", 0..3), run("a", 3..6), run("b", 4..5), run("c", 0..2));
    let results = log
        .append_batch(&[
            Append { call: &a, expected_seq: 0, events: &first },
            Append { call: &b, expected_seq: 4, events: &hole },
            Append { call: &missing, expected_seq: 0, events: &ok },
            Append { call: &a, expected_seq: 3, events: &more },
            Append { call: &c, expected_seq: 0, events: &ok },
        ])
        .unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!(results[0].as_ref().unwrap().next_seq, 3);
    assert!(matches!(results[1], Err(StoreError::Hole { next: 0, given: 4, .. })));
    assert!(matches!(results[2], Err(StoreError::UnknownCall { .. })));
    assert_eq!(results[3].as_ref().unwrap().next_seq, 6);
    assert_eq!(results[4].as_ref().unwrap().written, 2);
    assert_eq!(log.read(&a, 0).unwrap(), run("a", 0..6));
    assert_eq!(log.read(&b, 0).unwrap(), []);
    assert!(log.append_batch(&[]).unwrap().is_empty());
}

fn the_export_is_the_exact_lines(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    let events = run("a", 0..700);
    log.append(&id("a"), 0, &events).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(log.export_jsonl(&id("a"), &mut bytes).unwrap(), 700);
    let expected: String = events.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

fn a_failing_reader_of_the_export_is_reported(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    log.append(&id("a"), 0, &run("a", 0..3)).unwrap();
    let mut too_small = [0_u8; 20];
    let error = log.export_jsonl(&id("a"), &mut too_small.as_mut_slice()).unwrap_err();
    assert!(matches!(error, StoreError::Export { .. }), "{error:?}");
}

fn a_deleted_call_is_gone_and_others_stay(log: &dyn EventLog) {
    for name in ["a", "b"] {
        log.create(&call(name)).unwrap();
        log.append(&id(name), 0, &run(name, 0..5)).unwrap();
    }
    assert!(log.delete(&id("a")).unwrap());
    assert!(!log.delete(&id("a")).unwrap());
    assert!(matches!(log.read(&id("a"), 0), Err(StoreError::UnknownCall { .. })));
    assert_eq!(log.read(&id("b"), 0).unwrap(), run("b", 0..5));
    log.create(&call("a")).unwrap();
    assert_eq!(log.read(&id("a"), 0).unwrap(), [], "nothing of the old call may come back under its name");
}

fn secret(seq: u64, track: u16, text: &str) -> Event {
    let words = vec![Word {
        text: text.into(),
        start: MediaTime::from_ms(seq),
        end: MediaTime::from_ms(seq + 1),
        confidence: 1.0,
    }];
    event(seq, EventBody::WordsCommitted { track: TrackId(track), utterance: UtteranceId(seq as u32), words })
}

fn all_lines(log: &dyn EventLog, name: &str) -> String {
    log.lines(&id(name), 0, 10_000).unwrap().join("\n")
}

fn what_a_log_asks_to_be_erased_is_erased_and_nothing_else(log: &dyn EventLog) {
    for name in ["a", "b"] {
        log.create(&call(name)).unwrap();
        let events = [
            event(0, started()),
            event(1, EventBody::TrackAdded { track: person(1, "Bea", None) }),
            secret(2, 1, "firstsecret"),
            secret(3, 0, "kept"),
            event(4, EventBody::AudioResumed),
        ];
        log.append(&id(name), 0, &events).unwrap();
    }
    assert!(log.erasures_due(10).unwrap().is_empty());
    assert_eq!(log.erase(&id("a")).unwrap(), Erasure::default(), "nothing was asked for");

    let asked = event(5, EventBody::WordsErased { track: TrackId(1) });
    log.append(&id("a"), 5, &[asked, secret(6, 1, "secondsecret")]).unwrap();
    assert_eq!(log.erasures_due(10).unwrap(), [id("a")]);
    let before = log.read(&id("a"), 0).unwrap();
    let done = log.erase(&id("a")).unwrap();
    assert_eq!((done.upto, done.rewritten, done.whole_call), (Some(5), 1, false));
    assert_eq!(done.tracks, [(TrackId(1), 5)].into());
    let lines = all_lines(log, "a");
    assert!(!lines.contains("firstsecret"), "{lines}");
    assert!(lines.contains("kept") && lines.contains("secondsecret"), "{lines}");
    let after = log.read(&id("a"), 0).unwrap();
    assert_eq!(after.len(), before.len());
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((old.seq, old.at), (new.seq, new.at));
        assert_eq!(old == new, old.seq != 2, "event {}", old.seq);
    }
    assert!(all_lines(log, "b").contains("firstsecret"), "another call is none of its business");

    // Not done until said so, and harmless to repeat.
    assert_eq!(log.erasures_due(10).unwrap(), [id("a")]);
    assert_eq!(log.erase(&id("a")).unwrap().rewritten, 0);
    log.append(&id("a"), 7, &[event(7, EventBody::WordsErased { track: TrackId(1) })]).unwrap();
    log.erasure_done(&id("a"), 5).unwrap();
    assert_eq!(log.erasures_due(10).unwrap(), [id("a")], "asked for again since");
    assert_eq!(log.erase(&id("a")).unwrap().upto, Some(7));
    log.erasure_done(&id("a"), 7).unwrap();
    assert!(log.erasures_due(10).unwrap().is_empty());
    assert!(!all_lines(log, "a").contains("secondsecret"));
    assert!(matches!(log.erase(&id("missing")), Err(StoreError::UnknownCall { .. })));
    assert!(matches!(log.erasure_done(&id("missing"), 0), Err(StoreError::UnknownCall { .. })));
    // The log goes on where it was.
    log.append(&id("a"), 8, &[event(8, EventBody::CallEnded { cards_shown: 0, utterances: 0 })]).unwrap();
}

fn a_whole_call_can_be_erased(log: &dyn EventLog) {
    log.create(&call("a")).unwrap();
    let events = [
        event(0, started()),
        event(1, EventBody::TrackAdded { track: person(0, "Ann", None) }),
        event(2, EventBody::TrackAdded { track: person(1, "Bea", None) }),
        secret(3, 0, "onesecret"),
        secret(4, 1, "othersecret"),
        event(5, EventBody::CallErased { reason: "revoked".into() }),
    ];
    log.append(&id("a"), 0, &events).unwrap();
    assert_eq!(log.erasures_due(10).unwrap(), [id("a")]);
    let done = log.erase(&id("a")).unwrap();
    assert_eq!((done.upto, done.rewritten, done.whole_call), (Some(5), 2, true));
    assert!(!all_lines(log, "a").contains("secret"), "{}", all_lines(log, "a"));
    assert!(all_lines(log, "a").contains("revoked"));
}

fn record(person: &str, scope: &str, withdrawn: bool) -> NewRecord {
    NewRecord {
        person: Person::new(person).unwrap(),
        scope: scope.parse().unwrap(),
        jurisdiction: Some("US-CA".into()),
        method: "verbal".into(),
        proof: "said \"yes\" at 00:41".into(),
        given_unix_ms: 1_700_000_000_000,
        withdrawn_unix_ms: withdrawn.then_some(1_700_000_000_001),
    }
}

fn consent_records_come_back_as_they_were_latest_first(log: &dyn Store) {
    let new = [
        record("dana@acme.example", "*", false),
        record("dana@acme.example", "call:a", true),
        record("dana@acme.example", "call:b", true),
        record("dana@acme.example", "call:a/track:3", false),
        record("dana@acme.example", "call:ab/track:3", false),
        record("lee", "call:a", false),
    ];
    let added = log.add_consents(&new[..4]).unwrap();
    assert_eq!(added.iter().map(|r| r.says.clone()).collect::<Vec<_>>(), new[..4]);
    let more = log.add_consents(&new[4..]).unwrap();
    assert!(more[0].id > added[3].id, "later records have higher numbers");
    let ids = |records: Vec<ConsentRecord>| records.into_iter().map(|r| r.id).collect::<Vec<_>>();
    let dana = Person::new("dana@acme.example").unwrap();
    assert_eq!(ids(log.consents_about(&dana, "a", 10).unwrap()), [added[3].id, added[1].id, added[0].id]);
    assert_eq!(ids(log.consents_about(&dana, "a", 1).unwrap()), [added[3].id]);
    assert_eq!(ids(log.consents_about(&dana, "ab", 10).unwrap()), [more[0].id, added[0].id]);
    assert!(log.consents_about(&Person::new("nobody").unwrap(), "a", 10).unwrap().is_empty());
    assert_eq!(log.consents(None, 10).unwrap().len(), 6);
    assert_eq!(log.consents(Some(&dana), 10).unwrap().len(), 5);
    assert_eq!(log.consents(None, 1).unwrap(), more[1..]);
    let bad = [record("lee", "call:a", false), record("lee", "*", false)];
    assert!(matches!(log.add_consents(&bad), Err(StoreError::BadConsent(_))));
    assert_eq!(log.consents(None, 10).unwrap().len(), 6, "all or none");
    assert!(log.add_consents(&[]).unwrap().is_empty());
}

fn two_writers_on_one_call_cannot_mix(log: Arc<dyn EventLog>) {
    log.create(&call("a")).unwrap();
    // Both write the whole log, one event at a time, with different events after the first.
    let writers: Vec<_> = ["x", "y"]
        .into_iter()
        .map(|name| {
            let log = log.clone();
            std::thread::spawn(move || (0..200).all(|seq| log.append(&id("a"), seq, &[nth(name, seq)]).is_ok()))
        })
        .collect();
    let finished: Vec<bool> = writers.into_iter().map(|w| w.join().unwrap()).collect();
    assert_eq!(finished.iter().filter(|ok| **ok).count(), 1, "one writer wins, the other is told: {finished:?}");
    let winner = if finished[0] { "x" } else { "y" };
    assert_eq!(log.read(&id("a"), 0).unwrap(), run(winner, 0..200));
}

fn readers_see_whole_appends_only(log: Arc<dyn EventLog>) {
    log.create(&call("a")).unwrap();
    let writer = {
        let log = log.clone();
        std::thread::spawn(move || {
            for part in 0..100_u64 {
                log.append(&id("a"), part * 5, &run("a", part * 5..part * 5 + 5)).unwrap();
            }
        })
    };
    let mut seen = 0;
    while seen < 500 {
        let lines = log.lines(&id("a"), 0, 10_000).unwrap().len();
        assert!(lines.is_multiple_of(5) && lines >= seen, "{lines} events after {seen}");
        seen = lines;
    }
    writer.join().unwrap();
}

/// Makes a test of every case for a store that `$make` makes: a value to keep for the length of the test, and the log.
macro_rules! conformance {
    ($store:ident, $make:expr) => {
        mod $store {
            use super::*;

            conformance!(@cases $make;
                appends_and_reads_back every_score_comes_back_as_it_was a_long_log_is_read_in_pages_without_seams
                a_repeated_append_is_harmless another_event_at_a_taken_number_is_refused
                a_hole_is_refused_with_both_numbers misnumbered_events_are_refused calls_are_kept_apart
                a_call_that_is_not_there_is_said_so a_name_is_taken_once the_record_follows_from_the_events
                a_call_that_is_over_takes_no_more a_call_left_open_goes_on calls_are_listed_latest_first
                a_batch_judges_each_part_for_itself the_export_is_the_exact_lines
                a_failing_reader_of_the_export_is_reported a_deleted_call_is_gone_and_others_stay
                what_a_log_asks_to_be_erased_is_erased_and_nothing_else a_whole_call_can_be_erased
                consent_records_come_back_as_they_were_latest_first);

            #[test]
            fn two_writers_on_one_call_cannot_mix() {
                let (_keep, log) = $make();
                super::two_writers_on_one_call_cannot_mix(Arc::new(log));
            }

            #[test]
            fn readers_see_whole_appends_only() {
                let (_keep, log) = $make();
                super::readers_see_whole_appends_only(Arc::new(log));
            }
        }
    };
    (@cases $make:expr; $($case:ident)*) => {$(
        #[test]
        fn $case() {
            let (_keep, log) = $make();
            super::$case(&log);
        }
    )*};
}

conformance!(memory, || ((), MemoryLog::new()));
conformance!(sqlite, || {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("calls.db"), SqliteOptions::default()).unwrap();
    (folder, log)
});
