//! Words from elsewhere, pauses, and audio that just stops.

use super::*;

fn word(text: &str, start_ms: u64, end_ms: u64) -> Word {
    Word {
        text: text.to_owned(),
        start: MediaTime::from_ms(start_ms),
        end: MediaTime::from_ms(end_ms),
        confidence: 1.0,
    }
}

fn said(words: &[Word], tail: &[Word], done: bool) -> Input {
    Input::Words { track: BUYER, words: words.to_vec(), tail: tail.to_vec(), done }
}

fn joined() -> Input {
    Input::TrackAdded(info(BUYER, Party::Buyer))
}

#[test]
fn words_from_elsewhere_become_a_card() {
    let phrase = [word("It's", 1_000, 1_200), word("too", 1_200, 1_400), word("expensive.", 1_400, 1_900)];
    let inputs = [
        joined(),
        said(&[], &phrase[..1], false),
        said(&[], &phrase[..2], false),
        said(&phrase, &[], true),
        said(&[], &[], true),
        said(&[word("Bye.", 4_000, 4_200)], &[], true),
    ];
    let events = run(scripted_ears(vec![]), &inputs);
    let want = [
        "0 call_started",
        "0 track_added",
        "1200 speech_started",
        "1900 words_committed",
        "1900 objection_detected",
        "1900 card_shown",
        "1900 utterance_ended",
        "4200 speech_started",
        "4200 words_committed",
        "4200 utterance_ended",
    ];
    assert_eq!(names(&events), want);
    let EventBody::UtteranceEnded { start, end, text, .. } = &events[6].body else { panic!() };
    assert_eq!((start.ms(), end.ms(), text.as_str()), (1_000, 1_900, "It's too expensive."));
}

#[test]
fn what_a_platform_holds_for_likely_counts_when_it_stands_and_is_seen_in_the_caption() {
    let tail = [word("too", 1_200, 1_400), word("expensive", 1_400, 1_900)];
    let mut call = CallSession::new(setup(scripted_ears(vec![])));
    let (mut events, mut captions) = (Vec::new(), Vec::new());
    let tick = Input::Tick(MediaTime::from_ms(2_200));
    for input in [None, Some(joined()), Some(said(&[], &tail, false)), Some(tick), Some(said(&[], &tail, false))] {
        input.iter().for_each(|i| call.handle_input(i).unwrap());
        loop {
            match call.poll_output() {
                Output::Event(e) => events.push(e),
                Output::Caption(c) => captions.push(c.tail),
                Output::Job(_) => {}
                Output::Idle { .. } => break,
            }
        }
    }
    assert_eq!(captions, ["too expensive"]);
    assert!(names(&events).contains(&"2200 card_shown".to_owned()), "{:?}", names(&events));
}

#[test]
fn a_track_is_fed_by_what_comes_first() {
    let sound = |ms: u64| Input::Audio(frame(BUYER, MediaTime::from_ms(ms), 0.1));
    let hello = said(&[word("hello", 0, 20)], &[], true);
    let mut inputs = vec![joined(), hello.clone()];
    inputs.extend((2..50).map(|n| sound(n * 20)));
    let got = names(&run(scripted_ears(script(&[(BUYER, 100, "twice")])), &inputs));
    assert_eq!(got[2..], ["20 speech_started", "20 words_committed", "20 utterance_ended"]);

    let mut call = CallSession::new(setup(scripted_ears(vec![])));
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    for input in [joined(), sound(0), hello] {
        call.handle_input(&input).unwrap();
        drain(&mut call, &mut events);
    }
    assert_eq!((events.len(), call.ignored()), (2, 1));
}

#[test]
fn words_keep_the_stall_away() {
    let mut inputs = vec![joined()];
    inputs.extend((1..6).map(|n| said(&[], &[word("hm", n * 8_000, n * 8_000 + 100)], false)));
    let got = names(&run(scripted_ears(vec![]), &inputs));
    assert!(!got.iter().any(|e| e.contains("stalled")), "{got:?}");
}

#[test]
fn a_pause_ends_the_utterance_and_is_told_once() {
    let mut inputs = vec![joined()];
    inputs.extend((0..25).map(|n| Input::Audio(frame(BUYER, MediaTime::from_ms(n * 20), 0.1))));
    inputs.extend([Input::Paused(BUYER), Input::Paused(BUYER), Input::Tick(MediaTime::from_ms(30_000))]);
    inputs.push(Input::Audio(frame(BUYER, MediaTime::from_ms(30_000), 0.0)));
    inputs.push(Input::Paused(BUYER));
    let got = names(&run(scripted_ears(vec![]), &inputs));
    let want = ["60 speech_started", "500 utterance_ended", "500 track_paused", "30020 track_paused"];
    assert_eq!(got[2..], want, "and who has paused is not missed");
}

#[test]
fn audio_that_just_stops_does_not_hang_its_utterance() {
    let ears = || scripted_ears(script(&[(BUYER, 400, "too expensive")]));
    let mut inputs = vec![Input::TrackAdded(info(REP, Party::Rep)), joined()];
    inputs.extend((0..25).map(|n| Input::Audio(frame(BUYER, MediaTime::from_ms(n * 20), 0.1))));
    let ticks: Vec<_> = inputs.iter().cloned().chain([Input::Tick(MediaTime::from_ms(9_000))]).collect();
    let others =
        inputs.iter().cloned().chain((0..300).map(|n| Input::Audio(frame(REP, MediaTime::from_ms(n * 20), 0.0))));
    let others: Vec<_> = others.collect();
    for inputs in [ticks, others] {
        let got = names(&run(ears(), &inputs));
        assert!(got.contains(&"2500 utterance_ended".to_owned()), "stamped with its own time: {got:?}");
    }
    // Words that come no more.
    let inputs = [joined(), said(&[], &[word("so", 0, 500)], false), Input::Tick(MediaTime::from_ms(60_000))];
    let got = names(&run(ears(), &inputs));
    assert!(got.contains(&"10500 utterance_ended".to_owned()), "{got:?}");
}
