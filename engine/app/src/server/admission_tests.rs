//! What a call hears of who is in it, case by case.

use std::time::Duration;

use reframe_audio::decode::Codec;
use reframe_call::{audio::TrackInfo, event::UtteranceId, input::Disclosure, recognize::Word, time::MediaTime};
use reframe_store::{ConsentBook, MemoryLog};

use super::*;
use crate::server::log_writer::LogWriter;

/// A call, the registry beside it, and what the call was told.
struct Call {
    book: Arc<MemoryLog>,
    writer: LogWriter,
    admission: Admission,
}

fn rules() -> Rules {
    Rules::default()
}

fn platform(reference: &str) -> Option<Consent> {
    Some(Consent { basis: "platform".into(), reference: reference.into() })
}

fn record(person: &str, scope: &str, withdrawn: bool) -> NewRecord {
    NewRecord {
        person: Person::new(person).unwrap(),
        scope: scope.parse().unwrap(),
        jurisdiction: None,
        method: "written".into(),
        proof: "form 7".into(),
        given_unix_ms: 1,
        withdrawn_unix_ms: withdrawn.then_some(1),
    }
}

impl Call {
    fn new(rules: Rules) -> Self {
        Self::after(rules, Arc::default(), &[])
    }

    fn after(rules: Rules, book: Arc<MemoryLog>, history: &[Event]) -> Self {
        let store = Arc::clone(&book) as Arc<dyn Store>;
        let writer = LogWriter::start(Arc::clone(&store), 64).unwrap();
        let call = Arc::new(CallId::new("x").unwrap());
        let admission = Admission::new(call, Arc::new(rules), store, writer.handle(), history);
        Self { book, writer, admission }
    }

    fn tell(&mut self, what: What) -> Vec<What> {
        let mut out = Vec::new();
        self.admission.admit(IngestItem::new(Instant::now(), what), &mut out);
        out.into_iter().map(|item| item.what).collect()
    }

    fn on_record(&mut self, record: &NewRecord) -> Vec<What> {
        let mut out = Vec::new();
        self.admission.on_record(record, &mut out);
        out.into_iter().map(|item| item.what).collect()
    }

    fn track(&mut self, track: u16, name: &str, email: Option<&str>, consent: Option<Consent>) -> Vec<What> {
        self.track_in(track, name, email, consent, None)
    }

    fn track_in(
        &mut self,
        track: u16,
        name: &str,
        email: Option<&str>,
        consent: Option<Consent>,
        place: Option<&str>,
    ) -> Vec<What> {
        let info = TrackInfo { id: TrackId(track), party: Party::Unknown, name: name.into(), email: None, consent };
        let who = Who { email: email.map(Into::into), host: None, jurisdiction: place.map(Into::into) };
        self.tell(What::Track { info, codec: Codec::Pcmu, who: Box::new(who) })
    }

    fn records(&self) -> Vec<ConsentRecord> {
        assert!(self.writer.handle().flush(Duration::from_secs(20)));
        let mut records = self.book.consents(None, 100).unwrap();
        records.reverse();
        records
    }
}

/// The consent a track was announced to the call with.
fn announced(told: &[What]) -> Option<Consent> {
    match told {
        [What::Track { info, .. }] => info.consent.clone(),
        other => panic!("{other:?}"),
    }
}

fn consent_of(told: &[What]) -> Vec<(u16, Option<String>)> {
    let one = |what: &What| match what {
        What::Consent { track, consent } => Some((track.0, consent.as_ref().map(|c| c.basis.clone()))),
        _ => None,
    };
    told.iter().filter_map(one).collect()
}

#[test]
fn what_the_bot_brings_goes_on_record_once() {
    let mut call = Call::new(rules());
    assert_eq!(announced(&call.track(1, "Dana", Some("dana@a.example"), platform("m1"))), platform("m1"));
    assert_eq!(announced(&call.track(1, "Dana", Some("dana@a.example"), platform("m1"))), platform("m1"));
    assert_eq!(announced(&call.track(2, "Guest", None, platform("m1"))), platform("m1"));
    let records = call.records();
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0].says.person.as_str(), "dana@a.example");
    assert_eq!(records[0].says.scope.to_string(), "call:x");
    assert_eq!((records[0].says.method.as_str(), records[0].says.proof.as_str()), ("platform", "m1"));
    assert_eq!(records[1].says.scope.to_string(), "call:x/track:2", "a name alone means this very participant");
    // The same bot on a new connection, after a restart too.
    let mut again = Call::after(rules(), Arc::clone(&call.book), &[]);
    assert_eq!(announced(&again.track(1, "Dana", Some("dana@a.example"), platform("m1"))), platform("m1"));
    assert_eq!(again.records().len(), 2);
}

#[test]
fn where_the_bot_brings_nothing_the_registry_is_asked() {
    let book = Arc::new(MemoryLog::new());
    book.add_consents(&[
        record("dana@a.example", "*", false),
        record("lee", "call:x", false),
        record("kim", "call:y", false),
    ])
    .unwrap();
    let mut call = Call::after(rules(), book, &[]);
    let given = announced(&call.track(1, "Dana", Some("Dana@A.example"), None)).unwrap();
    assert_eq!((given.basis.as_str(), given.reference.as_str()), ("written", "form 7"));
    assert!(announced(&call.track(2, "LEE", None, None)).is_some());
    assert_eq!(announced(&call.track(3, "Kim", None, None)), None, "another call");
    assert_eq!(announced(&call.track(4, "Dana", None, None)), None, "a name is not an address");
    assert_eq!(announced(&call.track(5, "Lee", None, None)), None, "two of that name: it could be either");
    assert_eq!(call.records().len(), 3, "asking leaves no trace");
}

#[test]
fn one_guests_consent_is_not_anothers() {
    let mut call = Call::new(rules());
    assert!(announced(&call.track(1, "Guest", None, platform("m1"))).is_some());
    call.tell(What::Leave { track: TrackId(1) });
    assert_eq!(announced(&call.track(2, "Guest", None, None)), None);
    assert_eq!(announced(&call.track(3, "", None, None)), None);
    assert!(announced(&call.track(4, "", None, platform("m1"))).is_some());
    assert_eq!(announced(&call.track(5, "", None, None)), None);
}

#[test]
fn an_announcement_does_not_undo_a_withdrawal_but_a_message_does() {
    let book = Arc::new(MemoryLog::new());
    book.add_consents(&[record("dana@a.example", "*", true)]).unwrap();
    let mut call = Call::after(rules(), book, &[]);
    assert_eq!(announced(&call.track(1, "Dana", Some("dana@a.example"), platform("m1"))), None);
    assert_eq!(call.records().len(), 1, "what does not count is not put on record");
    let message = What::Consent { track: TrackId(1), consent: platform("asked again") };
    assert_eq!(consent_of(&call.tell(message.clone())), [(1, Some("platform".into()))]);
    assert_eq!(call.records().len(), 2);
    call.tell(message);
    assert_eq!(call.records().len(), 2, "the same again says nothing new");
}

#[test]
fn a_bot_withdraws_by_message_or_by_announcing_without() {
    let mut call = Call::new(rules());
    call.track(1, "Dana", None, platform("m1"));
    assert_eq!(consent_of(&call.tell(What::Consent { track: TrackId(1), consent: None })), [(1, None)]);
    assert_eq!(consent_of(&call.tell(What::Consent { track: TrackId(1), consent: None })), [(1, None)]);
    assert_eq!(call.records().iter().filter(|r| r.is_withdrawal()).count(), 1);
    // The bot says again what it said at first: that is no news.
    assert_eq!(announced(&call.track(1, "Dana", None, platform("m1"))), None);
    assert_eq!(announced(&call.track(1, "Dana Whitfield", None, platform("m1"))), None, "nor under another name");
    assert_eq!(announced(&call.track(1, "Dana", None, platform("m1"))), None);
    // Nor on a new connection.
    let mut again = Call::after(rules(), Arc::clone(&call.book), &[]);
    assert_eq!(announced(&again.track(1, "Dana", None, platform("m1"))), None);

    call.track(2, "Lee", None, platform("m1"));
    let told = call.track(2, "Lee", None, None);
    assert!(matches!(&told[0], What::Track { info, .. } if info.consent.is_some()), "{told:?}");
    assert_eq!(consent_of(&told), [(2, None)], "the call must know that something is taken back");
    assert_eq!(call.records().iter().filter(|r| r.is_withdrawal()).count(), 2);
    // Consent that did not come from the announcement is not taken back by its absence there.
    call.track(3, "Kim", None, None);
    call.tell(What::Consent { track: TrackId(3), consent: platform("m1") });
    assert!(announced(&call.track(3, "Kim", None, None)).is_some());
    assert!(consent_of(&call.tell(What::Consent { track: TrackId(9), consent: platform("m1") })) == [(9, None)]);
}

#[test]
fn a_record_made_by_hand_reaches_those_it_is_about() {
    let mut call = Call::new(rules());
    call.track(1, "Dana", Some("dana@a.example"), platform("m1"));
    call.track(2, "Lee", None, None);
    call.track(3, "Guest", None, None);
    call.track(4, "Guest", None, None);
    assert_eq!(consent_of(&call.on_record(&record("lee", "call:x", false))), [(2, Some("written".into()))]);
    assert_eq!(consent_of(&call.on_record(&record("guest", "call:x", false))), []);
    assert_eq!(consent_of(&call.on_record(&record("lee", "call:y", true))), []);
    assert_eq!(consent_of(&call.on_record(&record("lee", "*", true))), [(2, None)]);
    assert_eq!(consent_of(&call.on_record(&record("dana@a.example", "call:x", true))), [(1, None)]);
    assert_eq!(announced(&call.track(1, "Dana", Some("dana@a.example"), platform("m1"))), None);
    assert_eq!(announced(&call.track(1, "Dana W.", Some("dana@a.example"), platform("m1"))), None, "a new name");
    // Somebody who has left can take back what they said.
    call.track(5, "Kim", None, platform("m1"));
    call.tell(What::Leave { track: TrackId(5) });
    assert_eq!(consent_of(&call.on_record(&record("kim", "*", true))), [(5, None)]);
}

#[test]
fn until_everybody_was_told_nobody_has_agreed() {
    let mut call = Call::new(Rules { require_disclosure: true, ..rules() });
    assert_eq!(announced(&call.track(1, "Dana", None, platform("m1"))), None);
    assert_eq!(announced(&call.track(2, "Lee", None, None)), None);
    assert_eq!(call.tell(What::Consent { track: TrackId(2), consent: platform("m1") }), []);
    assert_eq!(call.records().len(), 2, "it is on record all the same");
    call.track(3, "Kim", None, platform("m1"));
    call.tell(What::Consent { track: TrackId(3), consent: None });
    let said = What::Disclosed(Disclosure { via: "chat".into(), text: "we listen".into() });
    let told = call.tell(said.clone());
    assert!(matches!(told[0], What::Disclosed(_)));
    assert_eq!(consent_of(&told), [(1, Some("platform".into())), (2, Some("platform".into()))]);
    assert_eq!(consent_of(&call.tell(said)), [], "once");
    assert!(announced(&call.track(4, "Ann", None, platform("m1"))).is_some());
    // After a restart the log knows that they were told.
    let disclosure = Disclosure { via: "chat".into(), text: "we listen".into() };
    let posted = Event { seq: 0, at: MediaTime::ZERO, body: EventBody::DisclosurePosted { disclosure } };
    let mut again = Call::after(Rules { require_disclosure: true, ..rules() }, Arc::clone(&call.book), &[posted]);
    assert!(announced(&again.track(1, "Dana", None, platform("m1"))).is_some());
}

#[test]
fn the_strictest_place_in_the_call_rules_it_and_nobody_else_can() {
    let mut call = Call::new(Rules { setting: RuleSetting::ByJurisdiction, ..rules() });
    let rule_of = |told: &[What]| match told.iter().find(|w| matches!(w, What::ConsentRule { .. })) {
        Some(What::ConsentRule { rule, .. }) => Some(*rule),
        _ => None,
    };
    let told = call.track_in(1, "Dana", None, None, Some("US-NY"));
    assert_eq!(rule_of(&told), Some(ConsentRule::EachOwn));
    let told = call.track_in(2, "Lee", None, None, Some("US-CA"));
    assert!(matches!(told[0], What::ConsentRule { rule: ConsentRule::Everyone, .. }), "before the one who asks for it");
    assert_eq!(rule_of(&call.track_in(3, "Kim", None, None, Some("US-CA"))), None, "nothing new");
    call.tell(What::Leave { track: TrackId(3) });
    assert_eq!(rule_of(&call.tell(What::Leave { track: TrackId(2) })), Some(ConsentRule::EachOwn));
    assert_eq!(rule_of(&call.track(4, "Ann", None, None)), Some(ConsentRule::Everyone), "nobody knows where");
    let relaxed = What::ConsentRule { rule: ConsentRule::EachOwn, because: "I say so".into() };
    assert_eq!(call.tell(relaxed.clone()), [], "a sender has no say in it");
    let mut strict = Call::new(rules());
    assert_eq!(rule_of(&strict.track_in(1, "Dana", None, None, Some("US-NY"))), None);
    assert_eq!(strict.tell(relaxed), []);
}

#[test]
fn a_revoked_permission_takes_everybodys_consent_with_it() {
    let mut call = Call::new(rules());
    call.track(1, "Dana", None, platform("m1"));
    call.track(2, "Lee", None, None);
    call.track(3, "Kim", None, platform("m1"));
    let told = call.tell(What::Erase { reason: "revoked".into() });
    assert_eq!(consent_of(&told), [(1, None), (3, None)]);
    assert!(matches!(told.last(), Some(What::Erase { .. })));
    assert_eq!(call.records().iter().filter(|r| r.is_withdrawal()).count(), 2);
    assert_eq!(announced(&call.track(1, "Dana", None, platform("m1"))), None);
}

#[test]
fn words_from_before_a_restart_go_if_consent_was_withdrawn_meanwhile() {
    let word = Word { text: "w".into(), start: MediaTime::ZERO, end: MediaTime::ZERO, confidence: 1.0 };
    let said = |seq, track| {
        let body =
            EventBody::WordsCommitted { track: TrackId(track), utterance: UtteranceId(0), words: vec![word.clone()] };
        Event { seq, at: MediaTime::ZERO, body }
    };
    let erased = Event { seq: 2, at: MediaTime::ZERO, body: EventBody::WordsErased { track: TrackId(2) } };
    let book = Arc::new(MemoryLog::new());
    book.add_consents(&[record("dana", "*", true), record("lee", "*", true)]).unwrap();
    let mut call = Call::after(rules(), book, &[said(0, 1), said(1, 2), erased]);
    let told = call.track(1, "Dana", None, platform("m1"));
    assert!(matches!(&told[0], What::Track { info, .. } if info.consent.is_some()), "{told:?}");
    assert_eq!(consent_of(&told), [(1, None)]);
    assert_eq!(announced(&call.track(1, "Dana", None, platform("m1"))), None, "once");
    assert_eq!(announced(&call.track(2, "Lee", None, platform("m1"))), None, "these are gone already");
}

#[test]
fn parties_are_settled_where_the_bot_knows_none() {
    let people = People::new(&crate::config::People { domains: vec!["ours.example".into()], ..Default::default() });
    let mut call = Call::new(Rules { people, ..rules() });
    let party = |told: &[What]| match told {
        [What::Track { info, .. }] => info.party,
        other => panic!("{other:?}"),
    };
    assert_eq!(party(&call.track(1, "Rae", Some("rae@ours.example"), None)), Party::Rep);
    assert_eq!(party(&call.track(2, "Dana", Some("dana@a.example"), None)), Party::Buyer);
    assert_eq!(party(&call.track(3, "Lee", None, None)), Party::Unknown);
    let info = TrackInfo { id: TrackId(4), party: Party::Buyer, name: "Rae".into(), email: None, consent: None };
    let who = Who { email: Some("rae@ours.example".into()), ..Who::default() };
    let told = call.tell(What::Track { info, codec: Codec::Pcmu, who: Box::new(who) });
    assert_eq!(party(&told), Party::Buyer, "a bot that knows is believed");
}
