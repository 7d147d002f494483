//! Made-up cards for the tests of this crate.

use reframe_call::{
    card::{Card, Proof, Reason, Stages},
    event::{CardId, Event, EventBody},
    recognize::Word,
    time::MediaTime,
};

/// A full card.
pub(crate) fn card(id: u32) -> Card {
    Card {
        id: CardId(id),
        play: "price".into(),
        label: "price".into(),
        title: format!("Card {id}"),
        say: vec!["one".into(), "two".into(), "three".into(), "four is too many".into()],
        proof: Some(Proof { text: "9 of 10".into(), source: "survey".into(), ..Proof::default() }),
        ask: Some("What would it cost to wait?".into()),
        avoid: None,
        case_study: None,
        variant: None,
        ttl_ms: 20_000,
        priority: 1,
        reason: Reason {
            rule: "phrase \"too expensive\"".into(),
            words: vec![Word {
                text: "expensive".into(),
                start: MediaTime::from_ms(400),
                end: MediaTime::from_ms(900),
                confidence: 0.9,
            }],
            speaker: "Dana".into(),
            score: 0.9,
            phrase_start: MediaTime::from_ms(100),
            phrase_end: MediaTime::from_ms(900),
            stages: Stages { recognize_ms: 320, detect_ms: 20, deck_ms: 0 },
        },
    }
}

/// The event that shows [`card`] number `id`.
pub(crate) fn shown(seq: u64, id: u32) -> Event {
    Event { seq, at: MediaTime::from_ms(seq), body: EventBody::CardShown { card: card(id) } }
}
