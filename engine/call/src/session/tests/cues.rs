//! Rules of a playbook in a session: their cards, and what becomes of them.

use super::*;
use crate::event::Eraser;

const MENTION: &str = r#"
version = 1
name = "t"
[[play]]
id = "rival"
label = "competitor_mention"
[play.when]
rule = "mention"
names = ["quillstone"]
[play.card]
title = "A rival"
say = ["a"]
"#;

fn of(book: &str) -> SessionSetup {
    let (playbook, problems) = playbook::parse("t", book);
    SessionSetup {
        playbook: Arc::new(playbook.unwrap_or_else(|| panic!("{problems:?}"))),
        ..setup(scripted_ears(vec![]))
    }
}

/// `text` said by the buyer from `ms` on, 300 ms a word.
fn said(ms: u64, text: &str, done: bool) -> Input {
    let at = |i: u64| MediaTime::from_ms(ms + i * 300);
    let words = (0u64..).zip(text.split(' '));
    let words =
        words.map(|(i, w)| Word { text: w.to_owned(), start: at(i), end: at(i + 1), confidence: 1.0 }).collect();
    Input::Words { track: BUYER, words, tail: vec![], done }
}

fn play(call: &mut CallSession, inputs: &[Input]) -> Vec<Event> {
    let mut events = Vec::new();
    drain(call, &mut events);
    for input in inputs {
        call.handle_input(input).unwrap();
        drain(call, &mut events);
    }
    events
}

fn joined() -> [Input; 2] {
    [Input::TrackAdded(info(REP, Party::Rep)), Input::TrackAdded(info(BUYER, Party::Buyer))]
}

#[test]
fn a_rule_brings_its_card_and_says_why() {
    let [rep, buyer] = joined();
    let mut call = CallSession::new(of(MENTION));
    let events = play(&mut call, &[rep, buyer, said(1_000, "we had quillstone", true)]);
    let want = [
        "0 call_started",
        "0 track_added",
        "0 track_added",
        "1900 speech_started",
        "1900 words_committed",
        "1900 utterance_ended",
        "1900 cue_raised",
        "1900 card_shown",
    ];
    assert_eq!(names(&events), want);
    let EventBody::CardShown { card } = &events[7].body else { panic!() };
    assert_eq!((card.play.as_str(), card.reason.rule.as_str()), ("rival", "\"quillstone\" was named"));
    assert_eq!((card.reason.speaker.as_str(), card.reason.stages.total_ms()), ("buyer", 0));
    let line = serde_json::to_string(&events[6]).unwrap();
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), events[6]);
    assert!(line.contains(r#""event":"cue_raised""#) && line.contains(r#""since_us":1600000"#), "{line}");
}

#[test]
fn withdrawing_takes_the_card_back_also_after_a_restart() {
    let [rep, buyer] = joined();
    let heard = [rep.clone(), buyer.clone(), said(1_000, "we had quillstone", true)];
    let withdrawn = Input::Consent { track: BUYER, consent: None };
    let mut call = CallSession::new(of(MENTION));
    let log = play(&mut call, &heard);
    for mut call in [call, CallSession::resume(of(MENTION), &log)] {
        let events = play(&mut call, &[rep.clone(), buyer.clone(), withdrawn.clone()]);
        let closed = events.iter().find(|e| matches!(e.body, EventBody::CardClosed { end: CardEnd::Retracted, .. }));
        assert!(closed.is_some(), "{:?}", names(&events));
    }
    let mut erased = log.clone();
    let mut eraser = Eraser::new(BUYER);
    for event in &mut erased {
        eraser.event(event);
    }
    assert!(lines(&log).contains("quillstone") && !lines(&erased).contains("quillstone"), "{}", lines(&erased));
}

#[test]
fn what_the_deck_refuses_is_said() {
    let second = MENTION.split_once("[[play]]").unwrap().1.replace("rival", "other").replace("quillstone", "acme");
    let [rep, buyer] = joined();
    let mut call = CallSession::new(of(&format!("{MENTION}[[play]]{second}")));
    let lines = [said(1_000, "we had quillstone", true), said(9_000, "and acme", true)];
    let events = play(&mut call, &[rep, buyer, lines[0].clone(), lines[1].clone()]);
    let held = events.iter().find_map(|e| match &e.body {
        EventBody::CueSuppressed { cue, by } => Some((cue.play.clone(), by.clone())),
        _ => None,
    });
    let (play, by) = held.unwrap_or_else(|| panic!("{:?}", names(&events)));
    assert!(play == "other" && !by.is_empty(), "a card of that label was there a moment ago: {by}");
}

#[test]
fn the_card_of_a_class_goes_with_the_detection_it_rests_on() {
    let book = r#"
version = 1
name = "t"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
never = ["too expensive for them"]
[play.card]
title = "Price"
say = ["a"]
[[play]]
id = "stay_calm"
label = "coaching"
[play.when]
rule = "label"
is = "price"
[play.card]
title = "Calm"
say = ["a"]
"#;
    let [rep, buyer] = joined();
    let mut call = CallSession::new(of(book));
    let first = [rep, buyer, said(1_000, "it is too expensive", false)];
    let events = play(&mut call, &first);
    let queued = events.iter().find_map(|e| match &e.body {
        EventBody::CardQueued { card } => Some(card.play.clone()),
        _ => None,
    });
    assert_eq!(queued.as_deref(), Some("stay_calm"), "{:?}", names(&events));
    let events = play(&mut call, &[said(2_200, "for them", true)]);
    let closed = |e: &&Event| matches!(e.body, EventBody::CardClosed { end: CardEnd::Retracted, .. });
    assert_eq!(events.iter().filter(closed).count(), 2, "{:?}", names(&events));
}

#[test]
fn after_the_end_no_rule_fires() {
    let rule = "rule = \"talk_ratio\"\nafter_minute = 0\nwindow_min = 1";
    let book = MENTION.replace("rule = \"mention\"\nnames = [\"quillstone\"]", rule);
    let [rep, buyer] = joined();
    let Input::Words { words, tail, .. } = said(0, &vec!["word"; 233].join(" "), false) else { panic!() };
    let speech = Input::Words { track: REP, words, tail, done: false };
    let mut call = CallSession::new(of(&book));
    // The share is looked at when the utterance ends, and that is the call's end.
    let events = play(&mut call, &[rep.clone(), buyer.clone(), speech.clone(), Input::End]);
    assert_eq!(name(&events.last().unwrap().body), "call_ended");
    assert!(!names(&events).iter().any(|e| e.contains("cue")), "{:?}", names(&events));
    // It would have fired.
    let mut call = CallSession::new(of(&book));
    let events = play(&mut call, &[rep, buyer, speech, Input::Tick(MediaTime::from_ms(75_000))]);
    assert!(names(&events).contains(&"70000 cue_raised".to_owned()), "{:?}", names(&events));
}
