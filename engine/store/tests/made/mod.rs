//! Events made for the tests: what they hold follows from the call and the number, so any of them can be checked.
#![allow(dead_code)] // each test program uses its own part

use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    input::GapReason,
    recognize::{Word, round3},
    time::MediaTime,
};
use reframe_store::{CallId, NewCall};

pub fn id(name: &str) -> CallId {
    CallId::new(name).unwrap()
}

pub fn call(name: &str) -> NewCall {
    NewCall {
        id: id(name),
        title: format!("Call {name} – \"quoted\", ünïcode"),
        playbook: "b2b-saas@1:0123abcd".into(),
        started_unix_ms: 1_700_000_000_000,
        token_hash: "hash".into(),
    }
}

pub fn event(seq: u64, body: EventBody) -> Event {
    Event { seq, at: MediaTime::from_ms(seq * 20), body }
}

pub fn started() -> EventBody {
    EventBody::CallStarted {
        schema: 1,
        playbook: "b2b-saas@1:0123abcd".into(),
        recognizer: "none".into(),
        detector: "none".into(),
        deal: reframe_call::deal::Deal::default(),
    }
}

/// Words whose number, text and scores follow from the call and the number.
pub fn words(name: &str, seq: u64) -> EventBody {
    let count = 1 + seq % 7;
    let words = (0..count)
        .map(|n| Word {
            text: format!("{name}-{seq}-{n}"),
            start: MediaTime::from_ms(seq * 100 + n),
            end: MediaTime::from_ms(seq * 100 + n + 1),
            confidence: round3((seq % 1_001) as f32 / 1_000.0),
        })
        .collect();
    EventBody::WordsCommitted { track: TrackId(1), utterance: UtteranceId(seq as u32), words }
}

/// Event `seq` of a call that never ends: the start, then words with a gap now and then.
pub fn nth(name: &str, seq: u64) -> Event {
    let body = match seq {
        0 => started(),
        n if n % 11 == 0 => EventBody::AudioGap {
            track: TrackId(0),
            from: MediaTime::from_ms(n),
            until: MediaTime::from_ms(n + 20),
            reason: GapReason::Lost,
        },
        n => words(name, n),
    };
    event(seq, body)
}

pub fn run(name: &str, seqs: std::ops::Range<u64>) -> Vec<Event> {
    seqs.map(|seq| nth(name, seq)).collect()
}

pub fn person(track: u16, name: &str, consent: Option<&str>) -> TrackInfo {
    TrackInfo {
        id: TrackId(track),
        party: Party::Buyer,
        name: name.into(),
        email: None,
        consent: consent.map(|basis| Consent { basis: basis.into(), reference: String::new() }),
    }
}
