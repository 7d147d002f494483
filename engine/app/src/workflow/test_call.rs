//! For tests: a call of Ada King's with Dana Whitfield that is over, and Dana taking her consent back.

use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_consent::{NewRecord, Person, Scope};
use reframe_store::{CallId, ConsentBook as _, EventLog as _, NewCall, SqliteLog};

/// The buyer's address, by which the CRM may know her.
pub const DANA: &str = "dana@acme.example";

/// Puts a call of this name, in which both agreed and this was said, a turn every ten seconds.
pub fn ended_call(store: &SqliteLog, name: &str, started_unix_ms: i64, talk: &[(Party, &str)]) -> CallId {
    let id = CallId::new(name).unwrap();
    let call = NewCall {
        id: id.clone(),
        title: "A call".into(),
        playbook: "p".into(),
        started_unix_ms,
        token_hash: String::new(),
    };
    store.create(&call).unwrap();
    let person = |id, party, name: &str, email: Option<&str>| EventBody::TrackAdded {
        track: TrackInfo {
            id: TrackId(id),
            party,
            name: name.into(),
            email: email.map(Into::into),
            consent: Some(Consent { basis: "verbal".into(), reference: String::new() }),
        },
    };
    let mut bodies =
        vec![person(0, Party::Rep, "Ada King", None), person(1, Party::Buyer, "Dana Whitfield", Some(DANA))];
    for (n, (party, text)) in talk.iter().enumerate() {
        let (track, utterance) = (TrackId(u16::from(*party == Party::Buyer)), UtteranceId(n as u32));
        let at = |ms: usize| MediaTime::from_ms((n * 10_000 + ms) as u64);
        let words = text.split(' ').enumerate().map(|(w, text)| Word {
            text: text.into(),
            start: at(w * 300),
            end: at(w * 300 + 250),
            confidence: 0.95,
        });
        bodies.push(EventBody::SpeechStarted { track, utterance, start: at(0) });
        bodies.push(EventBody::WordsCommitted { track, utterance, words: words.collect() });
        let (start, end, text) = (at(0), at(5_000), (*text).into());
        bodies.push(EventBody::UtteranceEnded { track, utterance, start, end, text });
    }
    bodies.push(EventBody::CallEnded { cards_shown: 0, utterances: talk.len() as u32 });
    let events: Vec<Event> = (0..).zip(bodies).map(|(seq, body)| Event { seq, at: MediaTime::ZERO, body }).collect();
    store.append(&id, 0, &events).unwrap();
    id
}

/// Dana takes back what she agreed to.
pub fn taken_back(store: &SqliteLog, scope: Scope, at_unix_ms: i64) {
    let says = NewRecord {
        person: Person::new(DANA).unwrap(),
        scope,
        jurisdiction: None,
        method: "e-mail".into(),
        proof: String::new(),
        given_unix_ms: at_unix_ms,
        withdrawn_unix_ms: Some(at_unix_ms),
    };
    store.add_consents(&[says]).unwrap();
}
