//! A log from which somebody's words were taken still says that they spoke, and no longer what.

use super::*;
use crate::event::Eraser;

/// A call in which both say things, cards come of the buyer's and of the rep's, and second opinions come.
fn call(recorder: &Recorder) -> (Vec<Event>, Vec<RecordLine>) {
    let book = r#"
version = 1
name = "t"
[[play]]
id = "one"
label = "price"
phrases = ["zebra crossing", "giraffe"]
never = ["giraffe house"]
speaker = "any"
cooldown_ms = 500
[play.card]
title = "Card"
say = ["a"]
"#;
    let lines = script(&[
        (BUYER, 2_000, "quokka zebra crossing wombat"),
        (BUYER, 2_400, "we saw a giraffe house"),
        (REP, 4_000, "pelican giraffe heron"),
        (BUYER, 9_000, "not a giraffe"),
    ]);
    let settings = SessionSettings { refine: true, ..SessionSettings::default() };
    let playbook = Arc::new(playbook::parse("t", book).0.unwrap());
    let ears = recorder.wrap(scripted_ears(lines));
    let mut call = CallSession::new(SessionSetup { settings, playbook, ..setup(ears) });
    let mut inputs = vec![Input::TrackAdded(info(REP, Party::Rep)), Input::TrackAdded(info(BUYER, Party::Buyer))];
    for start in (0..12_000).step_by(20) {
        let level = |on: bool| if on { 0.1 } else { 0.0 };
        let rep = frame(REP, MediaTime::from_ms(start), level((3_500..4_500).contains(&start)));
        let buyer = level((1_000..3_000).contains(&start) || (8_500..12_000).contains(&start));
        inputs.extend([Input::Audio(rep), Input::Audio(frame(BUYER, MediaTime::from_ms(start), buyer))]);
    }
    let third = TrackId(2);
    inputs.push(Input::TrackAdded(info(third, Party::Buyer)));
    let word = |text: &str| Word { text: text.into(), start: MediaTime::ZERO, end: MediaTime::ZERO, confidence: 1.0 };
    inputs.push(Input::Words { track: third, words: vec![word("albatross")], tail: vec![word("egret")], done: false });
    // Ends the utterances of all tracks within one input.
    inputs.push(Input::Rep { at: MediaTime::ZERO, action: RepAction::Next });
    inputs.push(Input::End);
    let (mut events, mut record) = (Vec::new(), Vec::new());
    drain(&mut call, &mut events);
    let mut waiting = VecDeque::from(inputs);
    while let Some(input) = waiting.pop_front() {
        call.handle_input(&input).unwrap();
        record.push(recorder.line(&input));
        loop {
            match call.poll_output() {
                Output::Event(e) => events.push(e),
                Output::Job(crate::output::Job::Refine { utterance, words, .. }) if !call.ended() => {
                    let model = "second".to_owned();
                    waiting.push_front(Input::Refined(Refined { utterance, words, model }));
                }
                Output::Idle { .. } => break,
                _ => {}
            }
        }
    }
    (events, record)
}

const BUYERS: [&str; 4] = ["quokka", "zebra", "wombat", "saw"];

fn holds(log: &str, words: &[&str]) -> Vec<String> {
    words.iter().filter(|w| log.contains(**w)).map(|w| (*w).to_owned()).collect()
}

fn record_lines(record: &[RecordLine]) -> String {
    record.iter().map(|l| serde_json::to_string(l).unwrap() + "\n").collect()
}

#[test]
fn no_word_is_left_and_others_words_are() {
    let (mut events, mut record) = call(&Recorder::default());
    let kinds = names(&events);
    for kind in ["card_shown", "objection_detected", "detection_suppressed", "utterance_refined"] {
        assert!(kinds.iter().any(|k| k.ends_with(kind)), "the call has every kind of event: {kinds:?}");
    }
    assert_eq!(holds(&lines(&events), &BUYERS), BUYERS);
    assert_eq!(holds(&record_lines(&record), &BUYERS), BUYERS);
    let before = events.clone();
    let mut eraser = Eraser::new(BUYER);
    let erased = events.iter_mut().map(|e| eraser.event(e)).filter(|erased| *erased).count();
    assert!(erased >= 6, "{erased}");
    let log = lines(&events);
    assert_eq!(holds(&log, &BUYERS), [""; 0], "{log}");
    assert_eq!(holds(&log, &["pelican", "giraffe", "heron", "albatross"]).len(), 4, "{log}");
    assert_eq!(names(&events), kinds);
    assert!(events.iter().zip(&before).all(|(a, b)| (a.seq, a.at) == (b.seq, b.at)));
    let others = |events: &[Event]| -> Vec<Event> {
        let about = |e: &Event| lines(std::slice::from_ref(e));
        events.iter().filter(|e| about(e).contains("pelican") || about(e).contains("heron")).cloned().collect()
    };
    assert_eq!(others(&events), others(&before), "others' events are as they were");

    let again = events.clone();
    let mut second = Eraser::new(BUYER);
    assert!(!events.iter_mut().any(|e| second.event(e)), "a second time changes nothing");
    assert_eq!(events, again);

    for line in &mut record {
        eraser.line(line);
    }
    let text = record_lines(&record);
    assert_eq!(holds(&text, &BUYERS), [""; 0], "{text}");
    assert_eq!(holds(&text, &["pelican", "heron", "albatross"]).len(), 3);
    assert!(!record.iter_mut().any(|line| eraser.line(line)));
    // What is left of the record still replays.
    let playback = Playback::new("scripted".to_owned());
    let settings = SessionSettings { refine: true, ..SessionSettings::default() };
    let mut call = CallSession::new(SessionSetup { settings, ..setup(playback.ears()) });
    let mut replayed = Vec::new();
    drain(&mut call, &mut replayed);
    for line in &record {
        call.handle_input(&playback.load(line)).unwrap();
        drain(&mut call, &mut replayed);
    }
    assert!(lines(&replayed).contains("pelican"));
}

#[test]
fn without_the_events_second_opinions_go_as_well() {
    let (_, mut record) = call(&Recorder::default());
    let mut eraser = Eraser::new(BUYER);
    for line in &mut record {
        eraser.line(line);
    }
    assert_eq!(holds(&record_lines(&record), &BUYERS), [""; 0]);
}

#[test]
fn a_line_in_which_several_spoke_keeps_the_others_words() {
    let recorder = Recorder::default();
    // Both utterances are in progress when the call ends, and a recogniser that says its words only then.
    let ears = recorder.wrap(Ears { recognizer: Arc::new(AtTheEnd), ..scripted_ears(vec![]) });
    let mut call = CallSession::new(setup(ears));
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    let mut inputs = two_tracks(400, 0..400);
    inputs.iter_mut().for_each(|i| {
        if let Input::Audio(f) = i {
            f.samples.fill(0.1);
        }
    });
    inputs.push(Input::End);
    let mut record = Vec::new();
    for input in inputs {
        call.handle_input(&input).unwrap();
        record.push(recorder.line(&input));
        drain(&mut call, &mut events);
    }
    let mut last = record.pop().unwrap();
    assert_eq!(last.whose, [REP, BUYER]);
    let json = serde_json::to_string(&last).unwrap();
    assert_eq!(serde_json::from_str::<RecordLine>(&json).unwrap(), last);
    assert!(Eraser::new(BUYER).line(&mut last));
    let json = serde_json::to_string(&last).unwrap();
    assert!(json.contains("word0") && !json.contains("word1"), "{json}");
}

struct AtTheEnd;

struct AtTheEndStream(TrackId);

impl Recognizer for AtTheEnd {
    fn id(&self) -> String {
        "at the end".to_owned()
    }

    fn start(
        &self,
        track: TrackId,
        _: &crate::recognize::Bias,
    ) -> Result<Box<dyn crate::recognize::RecognizerStream>, crate::recognize::RecognizeError> {
        Ok(Box::new(AtTheEndStream(track)))
    }
}

impl crate::recognize::RecognizerStream for AtTheEndStream {
    fn accept(&mut self, _: &crate::audio::AudioFrame, _: &mut Vec<crate::recognize::Recognized>) {}

    fn finish(&mut self, out: &mut Vec<crate::recognize::Recognized>) {
        let word =
            Word { text: format!("word{}", self.0), start: MediaTime::ZERO, end: MediaTime::ZERO, confidence: 1.0 };
        let committed = vec![word];
        out.push(crate::recognize::Recognized::Hypothesis(crate::recognize::Hypothesis { committed, tail: vec![] }));
    }
}
