//! What the screen makes of events.

use reframe_call::{
    audio::{Consent, Party, TrackInfo},
    detect::{Detection, Evidence},
    event::UtteranceId,
    input::{Coaching, ConsentRule, Disclosure, SourceState, SourceStatus},
};

use super::*;
use crate::{
    sample,
    wire::{AudioStatus, WireCoaching},
};

fn apply(screen: &mut Screen, seq: u64, at_ms: u64, body: EventBody) -> Vec<Change> {
    screen.apply(&Event { seq, at: MediaTime::from_ms(at_ms), body }, Some(1_500), 99).unwrap()
}

fn track(id: u16, party: Party, name: &str, consent: bool) -> EventBody {
    let consent = consent.then(|| Consent { basis: "fixture".into(), reference: String::new() });
    EventBody::TrackAdded { track: TrackInfo { id: TrackId(id), party, name: name.into(), email: None, consent } }
}

#[test]
fn an_event_is_taken_once() {
    let mut screen = Screen::new("c".into(), "t".into());
    let event = Event { seq: 4, at: MediaTime::ZERO, body: EventBody::CardShown { card: sample::card(0) } };
    assert_eq!(screen.apply(&event, None, 0).unwrap().len(), 1);
    assert_eq!(screen.apply(&event, None, 0), None);
    assert_eq!(screen.state(None).recap.shown, 1);
}

#[test]
fn consent_and_unknown_speakers_show_in_the_status() {
    let mut screen = Screen::new("c".into(), "t".into());
    assert_eq!(screen.status().audio, AudioStatus::Waiting);
    apply(&mut screen, 0, 0, track(0, Party::Rep, "Rae", true));
    assert_eq!(screen.status().audio, AudioStatus::Listening);
    let changes = apply(&mut screen, 1, 0, track(1, Party::Unknown, "Dana", false));
    assert_eq!(changes, [Change::Status]);
    assert_eq!(screen.status().consent_missing, ["Dana"]);
    assert!(!screen.status().speaker_unknown, "nobody who is not listened to can be mixed up");
    let consent = Some(Consent { basis: "verbal".into(), reference: String::new() });
    apply(&mut screen, 2, 0, EventBody::ConsentChanged { track: TrackId(1), consent });
    assert!(screen.status().consent_missing.is_empty() && screen.status().speaker_unknown);
    apply(&mut screen, 3, 0, EventBody::TrackEnded { track: TrackId(1) });
    assert!(!screen.status().speaker_unknown);
    apply(&mut screen, 4, 0, EventBody::AudioStalled { since: MediaTime::ZERO });
    assert_eq!(screen.status().audio, AudioStatus::NoAudio);
}

#[test]
fn cards_wait_show_pin_and_close() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, EventBody::CardShown { card: sample::card(0) });
    apply(&mut screen, 1, 10, EventBody::CardQueued { card: sample::card(1) });
    assert_eq!(screen.state(None).queue_len, 1);
    apply(&mut screen, 2, 20, EventBody::CardPinned { card: CardId(0), pinned: true });
    assert!(screen.state(None).card.unwrap().pinned);
    apply(&mut screen, 3, 30, EventBody::CardClosed { card: CardId(0), end: CardEnd::Used });
    let changes = apply(&mut screen, 4, 30, EventBody::CardShown { card: sample::card(1) });
    let Change::Sequenced { seq: 4, body: ServerBody::Card(card) } = &changes[0] else { panic!("{changes:?}") };
    assert_eq!((card.id, card.queue_len, card.latency.compute_ms), (1, 0, Some(1.5)));
    let state = screen.state(None);
    assert_eq!((state.card.unwrap().id, state.seq, state.recap.used), (1, Some(4), 1));
    let changes = apply(&mut screen, 5, 40, EventBody::CallEnded { cards_shown: 2, utterances: 1 });
    let Change::Sequenced { body: ServerBody::Ended(ended), .. } = &changes[0] else { panic!("{changes:?}") };
    assert_eq!(ended.recap.cards.iter().map(|card| card.end).collect::<Vec<_>>(), [WireEnd::Used, WireEnd::CallEnded]);
    assert!(screen.close_without_event().is_none());
}

#[test]
fn a_card_whose_end_was_lost_does_not_stay() {
    let mut screen = Screen::new("c".into(), "t".into());
    let card = sample::card(0);
    let ttl_ms = card.ttl_ms;
    apply(&mut screen, 0, 0, EventBody::CardShown { card });
    apply(&mut screen, 1, ttl_ms + 1_000, EventBody::AudioResumed);
    assert!(screen.state(None).card.is_some());
    apply(&mut screen, 2, ttl_ms + 3_000, EventBody::CallResumed { after_seq: 1 });
    assert!(screen.state(None).card.is_none());
}

#[test]
fn a_pinned_card_that_makes_way_comes_back_pinned_and_counts_once() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, EventBody::CardShown { card: sample::card(0) });
    apply(&mut screen, 1, 0, EventBody::CardPinned { card: CardId(0), pinned: true });
    apply(&mut screen, 2, 0, EventBody::CardQueued { card: sample::card(0) });
    let state = screen.state(None);
    assert!(state.card.is_none() && state.queue_len == 1);
    apply(&mut screen, 3, 0, EventBody::CardShown { card: sample::card(1) });
    apply(&mut screen, 4, 0, EventBody::CardClosed { card: CardId(1), end: CardEnd::Dismissed });
    let changes = apply(&mut screen, 5, 0, EventBody::CardShown { card: sample::card(0) });
    assert!(matches!(&changes[0], Change::Sequenced { body: ServerBody::Card(card), .. } if card.pinned));
    assert_eq!(screen.state(None).recap.shown, 2);
}

#[test]
fn a_restart_keeps_the_card_and_what_waits() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, track(1, Party::Buyer, "Dana", true));
    apply(&mut screen, 1, 0, EventBody::CardShown { card: sample::card(0) });
    apply(&mut screen, 2, 0, EventBody::CardQueued { card: sample::card(1) });
    let changes = apply(&mut screen, 3, 0, EventBody::CallResumed { after_seq: 2 });
    assert_eq!(changes, [Change::Status]);
    let state = screen.state(None);
    assert!(state.card.is_some() && state.status.audio == AudioStatus::Waiting);
    assert_eq!(state.queue_len, 1, "the deck still has it, and the rep may ask for it");
}

#[test]
fn captions_carry_names() {
    let mut screen = Screen::new("c".into(), "t".into());
    let caption =
        Caption { track: TrackId(1), utterance: UtteranceId(0), committed: "it is".into(), tail: "too".into() };
    assert_eq!(screen.caption(&caption).speaker, "Track 1");
    apply(&mut screen, 0, 0, track(1, Party::Buyer, "Dana", true));
    let message = screen.caption(&caption);
    assert_eq!((message.speaker.as_str(), message.party.as_str()), ("Dana", "buyer"));
}

fn detected(play: &str, track: u16, secret: &str) -> EventBody {
    let word = reframe_call::recognize::Word {
        text: secret.into(),
        start: MediaTime::ZERO,
        end: MediaTime::from_ms(300),
        confidence: 0.9,
    };
    EventBody::ObjectionDetected {
        detection: Detection {
            play: play.into(),
            label: play.into(),
            score: 0.9,
            track: TrackId(track),
            utterance: UtteranceId(0),
            evidence: Evidence {
                rule: format!("phrase \"{secret}\" in the words"),
                phrase: secret.into(),
                words: vec![word],
                start: MediaTime::ZERO,
                end: MediaTime::from_ms(300),
                heard_at: MediaTime::from_ms(400),
                sound: None,
                similarity: None,
            },
        },
    }
}

fn source(state: SourceState, detail: &str) -> EventBody {
    EventBody::SourceChanged { source: SourceStatus { state, detail: detail.into() } }
}

#[test]
fn the_way_to_the_meeting_and_what_was_told_are_in_the_status() {
    let mut screen = Screen::new("c".into(), "t".into());
    let status = screen.status();
    assert!(status.source.is_none() && status.consent_rule.is_none() && status.disclosed.is_none());
    assert_eq!(apply(&mut screen, 0, 0, source(SourceState::WaitingRoom, "let me in")), [Change::Status]);
    let said = screen.status().source.unwrap();
    assert_eq!((said.state.as_str(), said.detail.as_str()), ("waiting_room", "let me in"));
    let disclosure = Disclosure { via: "chat".into(), text: "Reframe listens.".into() };
    apply(&mut screen, 1, 0, EventBody::DisclosurePosted { disclosure });
    apply(&mut screen, 2, 0, EventBody::ConsentRuleChanged { rule: ConsentRule::EachOwn, because: "texas".into() });
    let status = screen.status();
    assert_eq!(status.disclosed.as_deref(), Some("chat"));
    let rule = status.consent_rule.unwrap();
    assert_eq!((rule.rule.as_str(), rule.because.as_str()), ("each_own", "texas"));
    // The session says only what changes, so a restart must not forget it.
    apply(&mut screen, 3, 0, EventBody::CallResumed { after_seq: 2 });
    assert_eq!(screen.status().source.unwrap().state, "waiting_room");
}

#[test]
fn one_missing_consent_means_that_nobody_is_listened_to() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, track(0, Party::Rep, "Rae", true));
    apply(&mut screen, 1, 0, track(1, Party::Buyer, "Dana", false));
    assert_eq!(screen.status().audio, AudioStatus::Listening, "each for themselves, until the session says otherwise");
    apply(&mut screen, 2, 0, EventBody::ConsentAwaited { tracks: vec![TrackId(1)] });
    let status = screen.status();
    assert_eq!((status.audio, status.consent_awaited), (AudioStatus::Waiting, vec!["Dana".to_owned()]));
    apply(&mut screen, 3, 0, EventBody::AudioWithheld { track: TrackId(0) });
    assert_eq!(screen.status().consent_missing, ["Dana"], "who agreed and is withheld all the same has still agreed");
    let consent = Some(Consent { basis: "verbal".into(), reference: String::new() });
    apply(&mut screen, 4, 0, EventBody::ConsentChanged { track: TrackId(1), consent });
    apply(&mut screen, 5, 0, EventBody::ConsentAwaited { tracks: Vec::new() });
    let status = screen.status();
    assert_eq!((status.audio, status.consent_awaited.len()), (AudioStatus::Listening, 0));
}

#[test]
fn silence_is_counted_from_when_sound_was_last_there() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, track(0, Party::Rep, "Rae", true));
    let stalled = Event {
        seq: 1,
        at: MediaTime::from_ms(25_000),
        body: EventBody::AudioStalled { since: MediaTime::from_ms(12_500) },
    };
    screen.apply(&stalled, None, 1_000_000_000).unwrap();
    let status = screen.status();
    assert_eq!((status.audio, status.silent_since_unix_us), (AudioStatus::NoAudio, Some(1_000_000_000 - 12_500_000)));
    apply(&mut screen, 2, 25_000, EventBody::AudioResumed);
    assert_eq!(screen.status().silent_since_unix_us, None);
}

#[test]
fn who_speaks_shows_and_ends() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, track(0, Party::Rep, "Rae", true));
    let (id, utterance) = (TrackId(0), UtteranceId(0));
    let begin = || EventBody::SpeechStarted { track: id, utterance, start: MediaTime::ZERO };
    let (start, end) = (MediaTime::ZERO, MediaTime::ZERO);
    let ends = [
        EventBody::UtteranceEnded { track: id, utterance, start, end, text: "so".into() },
        EventBody::TrackPaused { track: id },
        EventBody::AudioWithheld { track: id },
        EventBody::WordsErased { track: id },
        EventBody::CallErased { reason: "revoked".into() },
        EventBody::ConsentAwaited { tracks: vec![TrackId(9)] },
        EventBody::CoachingChanged { coaching: Coaching::NotesOnly },
        EventBody::AudioStalled { since: MediaTime::ZERO },
        EventBody::TrackEnded { track: id },
    ];
    for (seq, end) in (1..).step_by(2).zip(ends) {
        apply(&mut screen, seq, 0, begin());
        assert_eq!(screen.status().speaking, [0], "{end:?}");
        apply(&mut screen, seq + 1, 0, end.clone());
        assert!(screen.status().speaking.is_empty(), "{end:?}");
    }
}

#[test]
fn notes_only_hears_nobody_and_notes_are_kept_and_counted() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, track(0, Party::Rep, "Rae", true));
    apply(&mut screen, 1, 0, EventBody::CoachingChanged { coaching: Coaching::NotesOnly });
    let status = screen.status();
    assert_eq!((status.coaching, status.audio), (WireCoaching::NotesOnly, AudioStatus::Waiting));
    for seq in 2..32 {
        let changes = apply(&mut screen, seq, seq * 1_000, EventBody::NoteTaken { text: format!("note {seq}") });
        let Change::Sequenced { body: ServerBody::Note(note), .. } = &changes[0] else { panic!("{changes:?}") };
        assert_eq!((note.seq, note.at_ms), (seq, seq * 1_000));
    }
    let state = screen.state(None);
    assert_eq!((state.recap.notes, state.notes.len(), state.notes[19].text.as_str()), (30, NOTES, "note 31"));
    assert_eq!(state.seq, Some(31));
    apply(&mut screen, 32, 32_000, EventBody::CoachingChanged { coaching: Coaching::Live });
    assert_eq!(screen.status().audio, AudioStatus::Listening);
}

#[test]
fn a_card_says_whose_words_it_rests_on_also_when_it_had_to_wait() {
    let mut screen = Screen::new("c".into(), "t".into());
    let of = |changes: &[Change]| match &changes[0] {
        Change::Sequenced { body: ServerBody::Card(card), .. } => card.reason.track,
        other => panic!("{other:?}"),
    };
    assert_eq!(of(&apply(&mut screen, 0, 0, EventBody::CardShown { card: sample::card(0) })), None, "nobody knows");
    apply(&mut screen, 1, 0, detected("price", 1, "a"));
    assert_eq!(of(&apply(&mut screen, 2, 0, EventBody::CardShown { card: sample::card(1) })), Some(1));
    apply(&mut screen, 3, 0, detected("price", 2, "b"));
    apply(&mut screen, 4, 0, EventBody::CardQueued { card: sample::card(2) });
    apply(&mut screen, 5, 0, detected("price", 3, "c"));
    assert_eq!(of(&apply(&mut screen, 6, 0, EventBody::CardShown { card: sample::card(2) })), Some(2));
    // A pinned card that makes way and comes back is still the same.
    apply(&mut screen, 7, 0, EventBody::CardQueued { card: sample::card(2) });
    apply(&mut screen, 8, 0, detected("price", 4, "d"));
    assert_eq!(of(&apply(&mut screen, 9, 0, EventBody::CardShown { card: sample::card(2) })), Some(2));
    // A follow-up is another play of the class that was detected.
    let follow_up = Card { play: "price_again".into(), ..sample::card(3) };
    assert_eq!(of(&apply(&mut screen, 10, 0, EventBody::CardShown { card: follow_up })), Some(4));
    // A log that begins in the middle leaves the name.
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, track(5, Party::Buyer, "Dana", true));
    assert_eq!(of(&apply(&mut screen, 1, 0, EventBody::CardShown { card: sample::card(0) })), Some(5));
}

#[test]
fn a_card_that_waits_forgets_too() {
    let mut screen = Screen::new("c".into(), "t".into());
    apply(&mut screen, 0, 0, detected("price", 1, "marmalade"));
    apply(&mut screen, 1, 0, EventBody::CardShown { card: sample::card(0) });
    apply(&mut screen, 2, 0, EventBody::CardQueued { card: sample::card(0) });
    let kept = |screen: &Screen| screen.waiting[&0].was_shown.clone().unwrap().reason;
    assert!(!kept(&screen).words.is_empty());
    apply(&mut screen, 3, 0, EventBody::WordsErased { track: TrackId(2) });
    assert!(!kept(&screen).words.is_empty(), "somebody else's");
    let changes = apply(&mut screen, 4, 0, EventBody::WordsErased { track: TrackId(1) });
    assert!(kept(&screen).words.is_empty() && kept(&screen).rule == "phrase \"…\"");
    let erased = ServerBody::Erased(Erased { seq: 4, track: Some(1) });
    assert_eq!(changes, [Change::Sequenced { seq: 4, body: erased }]);
}
