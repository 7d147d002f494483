//! Kept digests of calls: nothing that was erased is in one, and none is kept that was made from what was erased since.
#![allow(clippy::unwrap_used)]

use crate::made::{call, event, id, person, started};
use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{EventBody, UtteranceId},
    time::MediaTime,
};
use reframe_consent::{NewRecord, Person};
use reframe_store::{ConsentBook as _, EventLog as _, SqliteLog};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Claim, Evidence, Kind, Maker},
    audit::Actor,
    hygiene::CallDigest,
    outbox::{Inbox as _, Kept},
};
use serde_json::json;

const HERS: &str = "zorblaxing";

fn store() -> (SqliteLog, ArtifactId, CallDigest) {
    let log = SqliteLog::in_memory().unwrap();
    log.create(&call("c")).unwrap();
    let mut bodies = vec![
        started(),
        EventBody::TrackAdded { track: TrackInfo { party: Party::Rep, ..person(0, "Ada King", None) } },
        EventBody::TrackAdded { track: person(1, "Dana Whitfield", Some("verbal")) },
    ];
    let (start, end) = (MediaTime::from_ms(1), MediaTime::from_ms(9));
    for (track, text) in [(0, "anything else"), (1, HERS)] {
        let (utterance, track) = (UtteranceId(u32::from(track)), TrackId(track));
        bodies.push(EventBody::SpeechStarted { track, utterance, start });
        bodies.push(EventBody::UtteranceEnded { track, utterance, start, end, text: text.into() });
    }
    bodies.push(EventBody::CallEnded { cards_shown: 0, utterances: 2 });
    let events: Vec<_> = (0..).zip(bodies).map(|(seq, body)| event(seq, body)).collect();
    log.append(&id("c"), 0, &events).unwrap();
    let words = Evidence::Words { call: "c".into(), utterance: 1, from_ms: 1, to_ms: 9, quote: HERS.into() };
    let claim = Claim::new("a need", vec![words], 0.7).unwrap();
    let note = note(&log, json!({ "call": "c", "need": claim }), 5);
    let slots = vec![("need".to_owned(), claim)];
    let (objections, commitments, absent) = (vec![], vec![], vec![]);
    (log, note, CallDigest { call: "c".into(), at_unix_ms: 7, slots, objections, commitments, absent })
}

fn note(log: &SqliteLog, body: serde_json::Value, at_unix_ms: i64) -> ArtifactId {
    let artifact = Artifact::new(Kind::NoteProposal, vec![], Maker::rules("test", 1), body);
    let made = artifact.id.clone();
    log.put_artifact(&Kept { kind: Kind::NoteProposal, artifact, at_unix_ms }, &Actor::service("test")).unwrap();
    made
}

fn withdraw(log: &SqliteLog, person: &str) {
    let says = NewRecord {
        person: Person::new(person).unwrap(),
        scope: "call:c".parse().unwrap(),
        jurisdiction: None,
        method: "verbal".into(),
        proof: String::new(),
        given_unix_ms: 1,
        withdrawn_unix_ms: Some(1),
    };
    log.add_consents(&[says]).unwrap();
    log.carry_out_withdrawals(9).unwrap();
}

#[test]
fn a_digest_is_read_as_it_was_kept_and_only_by_the_rules_that_made_it() {
    let (log, note, digest) = store();
    assert_eq!(log.digest(&note, 1).unwrap(), None);
    assert!(log.keep_digest(&digest, &note, 1, 0).unwrap());
    assert_eq!(log.digest(&note, 1).unwrap(), Some(digest.clone()));
    assert_eq!(log.digest(&note, 2).unwrap(), None);
    let newer = CallDigest { at_unix_ms: 8, ..digest };
    assert!(log.keep_digest(&newer, &note, 2, 0).unwrap());
    assert_eq!((log.digest(&note, 1).unwrap(), log.digest(&note, 2).unwrap()), (None, Some(newer)));
}

type Takes = fn(&SqliteLog);

#[test]
fn whatever_rewrites_the_call_or_its_note_takes_the_digest_along() {
    let takes: [(&str, Takes); 5] = [
        ("withdrawal", |log| withdraw(log, "Dana Whitfield")),
        ("words that its note does not quote, but its cues may", |log| withdraw(log, "Ada King")),
        ("a person", |log| {
            let who = [Person::new("Dana Whitfield").unwrap()];
            log.erase_person(&who, b"a salt nobody knows", &Actor::service("test"), 9).unwrap();
        }),
        ("retention", |log| {
            let rules = reframe_store::person::RetentionRules { words_days: Some(1) };
            log.retention(rules, i64::MAX / 2).unwrap();
        }),
        ("retraction", |log| assert_eq!(log.retract(&id("c"), 9).unwrap(), (1, 0))),
    ];
    for (what, take) in takes {
        let (log, note, digest) = store();
        assert!(log.keep_digest(&digest, &note, 1, log.times_rewritten(&id("c")).unwrap()).unwrap());
        take(&log);
        assert_eq!(log.digest(&note, 1).unwrap(), None, "{what}");
    }
    let (log, note, digest) = store();
    log.keep_digest(&digest, &note, 1, 0).unwrap();
    log.delete(&id("c")).unwrap();
    assert_eq!(log.digest(&note, 1).unwrap(), None, "deleted with its call");
}

/// Made from words that were read before they were erased, and kept after.
#[test]
fn a_digest_that_comes_too_late_is_not_kept() {
    let (log, note, digest) = store();
    let read_at = log.times_rewritten(&id("c")).unwrap();
    withdraw(&log, "Dana Whitfield");
    assert!(!log.keep_digest(&digest, &note, 1, read_at).unwrap());
    let now = log.times_rewritten(&id("c")).unwrap();
    assert!(!log.keep_digest(&digest, &note, 1, now).unwrap(), "its note is a tombstone");
    let clean = CallDigest { slots: vec![], ..digest };
    let again = self::note(&log, json!({ "call": "c" }), 6);
    assert!(!log.keep_digest(&clean, &again, 1, read_at).unwrap());
    assert!(log.keep_digest(&clean, &again, 1, now).unwrap());
}

#[test]
fn notes_are_put_in_order_of_when_they_were_made() {
    let (log, first, _) = store();
    let (third, second) = (note(&log, json!({ "n": 3 }), 9), note(&log, json!({ "n": 2 }), 5));
    let unknown = ArtifactId::of("note_proposal", b"unknown");
    let ids = [first.clone(), third.clone(), unknown, second.clone()];
    assert_eq!(log.latest_first(&ids).unwrap(), [third, second, first]);
}
