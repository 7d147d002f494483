//! Cards and the rep's attention: not into the rep's own words, no repeats, and what the rep thought of them.

// Stretches of sound, of which there may be one.
#![allow(clippy::single_range_in_vec_init)]

use std::ops::Range;

use super::*;

const BOOK: &str = r#"
version = 1
name = "t"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
cooldown_ms = 1000
max_per_call = 9
[play.card]
title = "Price"
say = ["a"]
[[play]]
id = "price_again"
label = "price"
follows = "price"
phrases = ["still too much"]
[play.card]
title = "Price again"
say = ["b"]
[[play]]
id = "leaving"
label = "leaving"
urgent = true
phrases = ["have to drop"]
[play.card]
title = "They must go"
say = ["c"]
"#;

fn call_with(lines: &[(TrackId, u64, &str)]) -> SessionSetup {
    let playbook = Arc::new(playbook::parse("t", BOOK).0.unwrap());
    SessionSetup { playbook, ..setup(scripted_ears(script(lines))) }
}

/// Both up to `end_ms`; each makes sound within its ranges, in ms.
fn sounds(end_ms: u64, rep: &[Range<u64>], buyer: &[Range<u64>]) -> Vec<Input> {
    let mut inputs = vec![Input::TrackAdded(info(REP, Party::Rep)), Input::TrackAdded(info(BUYER, Party::Buyer))];
    for start in (0..end_ms).step_by(20) {
        for (track, ranges) in [(REP, rep), (BUYER, buyer)] {
            let level = if ranges.iter().any(|r| r.contains(&start)) { 0.1 } else { 0.0 };
            inputs.push(Input::Audio(frame(track, MediaTime::from_ms(start), level)));
        }
    }
    inputs
}

fn fold(mut call: CallSession, inputs: &[Input]) -> Vec<Event> {
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    for input in inputs {
        call.handle_input(input).unwrap();
        drain(&mut call, &mut events);
    }
    events
}

/// What became of cards and detections, with the play of a card and the reason of a refusal.
fn cards(events: &[Event]) -> Vec<String> {
    let what = |body: &EventBody| {
        Some(match body {
            EventBody::CardShown { card } => format!("{} shown", card.play),
            EventBody::CardQueued { card } => format!("{} waits", card.play),
            EventBody::CardClosed { card, end } => format!("{} {end:?}", card.0),
            EventBody::DetectionSuppressed { by, .. } => by.clone(),
            _ => return None,
        })
    };
    events.iter().filter_map(|e| Some(format!("{} {}", e.at.ms(), what(&e.body)?))).collect()
}

#[test]
fn a_card_comes_up_when_the_rep_pauses() {
    let setup = call_with(&[(BUYER, 2_000, "it is too expensive")]);
    let events = fold(CallSession::new(setup), &sounds(6_000, &[1_500..4_000], &[1_000..2_000]));
    assert_eq!(cards(&events), ["2000 price waits", "4300 price shown"]);
    let shown = events.iter().find_map(|e| if let EventBody::CardShown { card } = &e.body { Some(card) } else { None });
    assert_eq!(shown.unwrap().reason.stages.deck_ms, 2_300, "the wait is accounted for");
}

#[test]
fn a_rep_who_is_not_heard_speaking_holds_nothing_back() {
    let says = [(BUYER, 2_000, "it is too expensive")];
    let shown = ["2000 price shown"];
    let done = fold(CallSession::new(call_with(&says)), &sounds(4_000, &[0..1_700], &[1_000..2_000]));
    assert_eq!(cards(&done), shown, "paused 300 ms ago");
    let click = fold(CallSession::new(call_with(&says)), &sounds(4_000, &[1_960..2_000], &[1_000..2_000]));
    assert_eq!(cards(&click), shown, "two frames are no utterance");
    let mut unknown = sounds(4_000, &[0..4_000], &[1_000..2_000]);
    unknown[0] = Input::TrackAdded(info(REP, Party::Unknown));
    assert_eq!(cards(&fold(CallSession::new(call_with(&says)), &unknown)), shown, "nobody knows that it is the rep");
}

#[test]
fn noise_from_the_rep_delays_a_card_and_loses_none() {
    let setup = call_with(&[(BUYER, 5_000, "it is too expensive")]);
    let events = fold(CallSession::new(setup), &sounds(30_000, &[0..30_000], &[4_000..5_000]));
    assert_eq!(cards(&events), ["5000 price waits", "12060 price shown"]);
}

#[test]
fn an_urgent_play_comes_up_at_once() {
    let setup = call_with(&[(BUYER, 2_000, "sorry i have to drop")]);
    let events = fold(CallSession::new(setup), &sounds(4_000, &[1_000..4_000], &[1_000..2_000]));
    assert_eq!(cards(&events), ["2000 leaving shown"]);
}

#[test]
fn words_of_the_rep_hold_cards_back_too() {
    let words = |track, end_ms: u64, text: &str| {
        let words = text.split(' ').map(|w| Word {
            text: w.to_owned(),
            start: MediaTime::from_ms(end_ms - 200),
            end: MediaTime::from_ms(end_ms),
            confidence: 1.0,
        });
        Input::Words { track, words: words.collect(), tail: vec![], done: true }
    };
    let mut inputs = sounds(0, &[], &[]);
    inputs.extend([
        words(REP, 2_000, "as i said"),
        words(BUYER, 2_100, "too expensive"),
        Input::Tick(MediaTime::from_ms(3_000)),
    ]);
    assert_eq!(cards(&fold(CallSession::new(call_with(&[])), &inputs)), ["2100 price waits", "2300 price shown"]);
    let late = [
        inputs[0].clone(),
        inputs[1].clone(),
        words(BUYER, 3_000, "well"),
        words(REP, 2_000, "as i said"),
        words(BUYER, 3_050, "too expensive"),
    ];
    assert_eq!(cards(&fold(CallSession::new(call_with(&[])), &late)), ["3050 price shown"], "said long ago");
}

#[test]
fn what_is_raised_again_brings_the_follow_up() {
    let says = [
        (BUYER, 2_000, "it is too expensive"),
        (BUYER, 9_000, "no it is too expensive"),
        (BUYER, 14_000, "still too much"),
    ];
    let events = fold(CallSession::new(call_with(&says)), &sounds(15_000, &[], &[1_000..14_500]));
    let want = [
        "2000 price shown",
        "9000 0 Replaced",
        "9000 price_again shown",
        "14000 follow-up to price: cool-down: 55000 ms left",
    ];
    assert_eq!(cards(&events), want);
    let detected: Vec<_> = events
        .iter()
        .filter_map(|e| match &e.body {
            EventBody::ObjectionDetected { detection } => Some(detection.play.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(detected, ["price", "price"], "the log says what was detected");
    let rules: Vec<_> = events
        .iter()
        .filter_map(
            |e| if let EventBody::CardShown { card } = &e.body { Some(card.reason.rule.as_str()) } else { None },
        )
        .collect();
    assert!(rules[1].starts_with("follow-up to price: phrase \"too expensive\""), "{rules:?}");
}

fn wrong(card: u32, at_ms: u64) -> Input {
    Input::Rep { at: MediaTime::from_ms(at_ms), action: RepAction::Wrong { card: CardId(card) } }
}

#[test]
fn a_play_that_was_wrong_twice_rests_also_after_a_restart() {
    let says = [(BUYER, 2_000, "too expensive"), (BUYER, 50_000, "too expensive")];
    let mut inputs = sounds(52_000, &[], &[1_000..2_000, 49_000..50_000]);
    let at = |ms: u64| 2 + (ms / 20) as usize * 2;
    inputs.insert(at(51_000), wrong(1, 51_000));
    inputs.insert(at(3_000), wrong(0, 3_000));
    let log = fold(CallSession::new(call_with(&says)), &inputs);
    assert_eq!(cards(&log), ["2000 price shown", "3000 0 Wrong", "50000 price shown", "51000 1 Wrong"]);

    let again = CallSession::resume(call_with(&[(BUYER, 120_000, "too expensive")]), &log);
    let mut inputs = vec![Input::TrackAdded(info(BUYER, Party::Buyer))];
    inputs.extend((5_900..6_050).map(|i| Input::Audio(frame(BUYER, MediaTime::from_ms(i * 20), 0.1))));
    assert_eq!(cards(&fold(again, &inputs)), ["120000 the rep marked it wrong twice"]);
}

#[test]
fn a_card_that_waits_outlives_a_restart() {
    let log = fold(
        CallSession::new(call_with(&[(BUYER, 2_000, "it is too expensive")])),
        &sounds(2_400, &[1_000..2_400], &[1_000..2_000]),
    );
    assert_eq!(cards(&log), ["2000 price waits"]);
    let again = fold(CallSession::resume(call_with(&[]), &log), &[Input::Tick(MediaTime::from_ms(3_000))]);
    assert_eq!(cards(&again), ["2000 price shown"], "as soon as the call goes on");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// A card that waits for a pause comes up when the pause does, however often the driver ticks.
    #[test]
    fn tick_rate_does_not_show_in_a_pause(ticks in proptest::collection::vec(3_000u64..6_000, 0..20)) {
        let says = [(BUYER, 2_000, "it is too expensive")];
        let mut inputs = sounds(3_000, &[1_000..3_000], &[1_000..2_000]);
        let mut ticks = ticks;
        ticks.sort_unstable();
        inputs.extend(ticks.into_iter().map(|ms| Input::Tick(MediaTime::from_ms(ms))));
        inputs.push(Input::Tick(MediaTime::from_ms(6_000)));
        let events = fold(CallSession::new(call_with(&says)), &inputs);
        prop_assert_eq!(cards(&events), ["2000 price waits", "3300 price shown"]);
    }
}
