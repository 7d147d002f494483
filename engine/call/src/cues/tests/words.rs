//! Rules about what is said, and what is not.

use super::*;
use crate::{
    detect::{Detection, Evidence, semantic::Sentence},
    input::Load,
};

const NONE: [u64; 0] = [];
const AGENDA: &str =
    "rule = \"agenda_missing\"\nby_minute = 5\nphrases = [\"agenda for today\", \"what i'd like to cover\"]";

/// Somebody speaks every 10 s for six minutes.
fn chatter() -> Call {
    let mut call = Call::two();
    for i in 0..36 {
        let track = if i % 2 == 0 { REP } else { BUYER };
        call.say(track, f64::from(i) * 10.0, f64::from(i) * 10.0 + 6.0, "it rained a lot here this week");
    }
    call
}

fn with(from: f64, track: TrackId, text: &str) -> Call {
    let mut call = chatter();
    call.say(track, from, from + 2.0, text);
    call
}

#[test]
fn a_missing_agenda_fires_at_its_minute_and_once() {
    assert_eq!(chatter().fires(AGENDA, 360.0), [300_000]);
    assert_eq!(
        chatter().because(AGENDA, 360.0),
        "the rep has not said what the call is about in the first 5 min of the call"
    );
    assert_eq!(with(207.0, REP, "so what i would like to cover is this").fires(AGENDA, 360.0), NONE);
    assert_eq!(
        with(298.0, REP, "my agenda for today").fires(AGENDA, 360.0),
        [300_000],
        "a moment too late to be known"
    );
    assert_eq!(with(207.0, BUYER, "is there an agenda for today").fires(AGENDA, 360.0), [300_000], "the buyer's words");
    assert!(chatter().fires(AGENDA, 299.9).is_empty());
}

#[test]
fn minutes_count_from_the_first_speech() {
    let mut call = Call::two();
    for i in 0..60 {
        call.say(REP, 100.0 + f64::from(i) * 10.0, 105.0 + f64::from(i) * 10.0, "it rained");
    }
    assert_eq!(call.fires(AGENDA, 700.0), [400_000]);
}

#[test]
fn what_somebody_of_unknown_side_said_may_have_been_it() {
    let mut call = with(207.0, THIRD, "the agenda for today");
    call.at(0, EventBody::TrackAdded { track: info(THIRD, Party::Unknown) });
    assert_eq!(call.fires(AGENDA, 360.0), NONE);
}

#[test]
fn who_was_not_heard_all_the_time_may_have_said_it() {
    let off = |from: u64, until: u64| {
        let mut call = chatter();
        call.at(from, EventBody::ConsentAwaited { tracks: vec![THIRD] });
        call.at(until, EventBody::ConsentAwaited { tracks: vec![] });
        call.fires(AGENDA, 360.0)
    };
    assert_eq!(off(100_000, 130_000), [300_000]);
    assert_eq!(off(100_000, 130_100), NONE);
    let mut erased = chatter();
    erased.at(100_000, EventBody::WordsErased { track: REP });
    assert_eq!(erased.fires(AGENDA, 360.0), NONE, "what was taken back may have been it");
}

#[test]
fn in_a_pause_it_waits_for_somebody_to_speak() {
    let mut call = Call::two();
    call.say(REP, 0.0, 5.0, "hello there").say(BUYER, 320.0, 325.0, "back again");
    assert_eq!(call.fires(AGENDA, 360.0), [320_060]);
}

#[test]
fn not_said_by_and_never_asked_look_at_their_speaker() {
    let buyer = "rule = \"not_said_by\"\nspeaker = \"buyer\"\nminute = 5\nphrases = [\"our budget\"]";
    assert_eq!(chatter().fires(buyer, 360.0), [300_000]);
    assert_eq!(chatter().because(buyer, 360.0), "the buyer has not said it in the first 5 min of the call");
    assert_eq!(with(207.0, BUYER, "our budget is small").fires(buyer, 360.0), NONE);
    assert_eq!(with(207.0, REP, "about our budget").fires(buyer, 360.0), [300_000]);
    let any = buyer.replace("\"buyer\"", "\"any\"");
    assert_eq!(with(207.0, REP, "about our budget").fires(&any, 360.0), NONE);
    let asked = "rule = \"never_asked\"\nby_minute = 5\nphrases = [\"who else is involved\"]";
    assert_eq!(chatter().fires(asked, 360.0), [300_000]);
    assert_eq!(with(207.0, REP, "and who else is involved").fires(asked, 360.0), NONE);
}

#[test]
fn a_next_step_is_missed_shortly_before_the_planned_end() {
    let rule = "rule = \"no_next_step\"\nminutes_before_end = 2\nphrases = [\"next step\", \"calendar\"]";
    let planned = |minutes: Option<u32>, step: bool| {
        let deal = Deal { planned_minutes: minutes, ..Deal::default() };
        let mut call = Call::of(&[(REP, Party::Rep), (BUYER, Party::Buyer)], deal);
        for i in 0..36 {
            call.say(REP, f64::from(i) * 10.0, f64::from(i) * 10.0 + 6.0, "it rained a lot here");
        }
        if step {
            call.say(BUYER, 107.0, 109.0, "put it in my calendar");
        }
        call
    };
    assert_eq!(planned(Some(7), false).fires(rule, 360.0), [300_000]);
    let because = planned(Some(7), false).because(rule, 360.0);
    assert_eq!(because, "nobody has spoken of a next step and 2 min of the planned 7 min are left");
    assert_eq!(planned(Some(7), true).fires(rule, 360.0), NONE, "whoever speaks of it");
    assert_eq!(planned(None, false).fires(rule, 360.0), NONE, "nobody knows when it ends");
    assert_eq!(planned(Some(1), false).fires(rule, 360.0), NONE, "shorter than that");
}

const ANSWER: &str = "rule = \"sequence\"\nbuyer = [\"who else uses it\"]\nrep_does_not = [\"for example\", \"customer of ours\"]\nwithin_s = 20";

fn asked_then(answer: Option<(f64, &str)>) -> Call {
    let mut call = Call::two();
    call.say(REP, 0.0, 8.0, "it rained a lot here").say(BUYER, 10.0, 14.0, "and who else uses it");
    call.say(REP, 16.0, 20.0, "well that depends").say(BUYER, 26.0, 28.0, "i see");
    if let Some((at, text)) = answer {
        call.say(REP, at, at + 2.0, text);
    }
    call
}

#[test]
fn what_the_rep_does_not_answer_in_time_is_said() {
    assert_eq!(asked_then(None).fires(ANSWER, 100.0), [34_000], "20 s after the end of the phrase");
    assert_eq!(
        asked_then(None).because(ANSWER, 100.0),
        "the buyer said \"who else uses it\" and the rep has not answered it as planned within 20 s"
    );
    assert_eq!(asked_then(Some((22.0, "for example a bakery"))).fires(ANSWER, 100.0), NONE);
    assert_eq!(asked_then(Some((2.0, "for example a bakery"))).fires(ANSWER, 100.0), [34_000], "before the question");
    assert_eq!(asked_then(Some((33.5, "for example a bakery"))).fires(ANSWER, 100.0), [34_000], "too late");
    let mut taken_back = asked_then(None);
    taken_back.at(30_000, EventBody::WordsErased { track: BUYER });
    assert_eq!(taken_back.fires(ANSWER, 100.0), NONE);
    let mut others = asked_then(None);
    others.at(30_000, EventBody::WordsErased { track: THIRD });
    assert_eq!(others.fires(ANSWER, 100.0), [34_000]);
}

fn detection(label: &str, play: &str, at: u64, track: TrackId) -> EventBody {
    let (start, end) = (MediaTime::from_ms(at - 1_000), MediaTime::from_ms(at));
    let evidence = Evidence {
        rule: String::new(),
        phrase: String::new(),
        words: vec![Word { text: "zebra".to_owned(), start, end, confidence: 1.0 }],
        start,
        end,
        heard_at: end,
        sound: None,
        similarity: None,
    };
    let (label, play) = (label.to_owned(), play.to_owned());
    EventBody::ObjectionDetected {
        detection: Detection { play, label, score: 0.9, track, utterance: UtteranceId(0), evidence },
    }
}

#[test]
fn a_class_can_begin_a_sequence_or_bring_a_play() {
    let rule = "rule = \"sequence\"\nlabel = \"price\"\nrep_does_not = [\"compared to\"]\nwithin_s = 20";
    let mut call = asked_then(None);
    call.at(30_000, detection("price", "x", 30_000, BUYER));
    assert_eq!(call.fires(rule, 100.0), [50_000]);
    assert_eq!(call.fires(&rule.replace("price", "timing"), 100.0), NONE);

    let rule = "rule = \"label\"\nis = \"price\"";
    assert_eq!(call.fires(rule, 100.0), [30_000]);
    assert_eq!(call.because(rule, 100.0), "price came up");
    assert_eq!(call.fires(&format!("speaker = \"rep\"|{rule}"), 100.0), NONE);
    let mut own = asked_then(None);
    own.at(30_000, detection("price", "p0", 30_000, BUYER));
    assert_eq!(own.fires(rule, 100.0), NONE, "the detector has brought this play's card itself");
}

#[test]
fn names_are_heard_of_whom_the_play_admits() {
    let rule = "rule = \"mention\"\nnames = \"competitors\"";
    let call = with(107.0, BUYER, "we had quillstone before");
    let got = call.raises(&book(&[rule]), 360.0);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].2, "\"quillstone\" was named");
    assert!((108_000..110_000).contains(&got[0].0), "{got:?}");
    assert_eq!(with(107.0, REP, "quillstone").fires(rule, 360.0), NONE);
    assert_eq!(with(107.0, REP, "quillstone").fires(&format!("speaker = \"any\"|{rule}"), 360.0).len(), 1);
    assert_eq!(chatter().fires(rule, 360.0), NONE);
    assert_eq!(chatter().fires("cooldown_ms = 5000000|rule = \"mention\"\nnames = [\"a lot here\"]", 360.0).len(), 1);
    let mut unknown = Call::unknown();
    unknown.say(BUYER, 1.0, 3.0, "we had quillstone before");
    assert_eq!(unknown.fires(rule, 60.0).len(), 1, "may be the buyer, as with phrases");
}

/// Knows that lines with the same last word mean the same.
struct LastWord;

impl SentenceEncoder for LastWord {
    fn id(&self) -> String {
        "last word".to_owned()
    }

    fn labels(&self) -> &[String] {
        &[]
    }

    fn encode(&self, text: &str) -> Sentence {
        let last = text.split(' ').next_back().unwrap_or("");
        let mut embedding = vec![0.0; 128];
        embedding[last.bytes().map(usize::from).sum::<usize>() % 128] = 1.0;
        Sentence { embedding, ..Sentence::default() }
    }
}

#[test]
fn sentences_like_the_examples_count() {
    let rule = book(&["rule = \"agenda_missing\"\nby_minute = 5\nlike = [\"this is our plan\"]"]);
    let run = |call: &Call, encoder: bool| {
        let encoder: Option<Arc<dyn SentenceEncoder>> = if encoder { Some(Arc::new(LastWord)) } else { None };
        drive(&mut Cues::new(&rule, encoder), &call.events(), 360_000).len()
    };
    assert_eq!(run(&chatter(), true), 1);
    assert_eq!(run(&with(207.0, REP, "here is the plan"), true), 0);
    assert_eq!(run(&with(207.0, BUYER, "here is the plan"), true), 1);
    let mut busy = chatter();
    busy.at(100_000, EventBody::LoadChanged { load: Load::High });
    busy.at(130_000, EventBody::LoadChanged { load: Load::Normal });
    assert_eq!(run(&busy, true), 0, "nobody compared sentences meanwhile");
}

#[test]
fn what_was_erased_is_in_no_cue() {
    // The cue waits to be taken while its words are taken back.
    let mut cues = Cues::new(&book(&["rule = \"mention\"\nnames = [\"quillstone\"]"]), None);
    for event in with(107.0, BUYER, "we had quillstone before").events().iter().filter(|e| e.at.ms() < 110_000) {
        cues.observe(event);
    }
    let at = MediaTime::from_ms(110_000);
    cues.observe(&Event { seq: 0, at, body: EventBody::WordsErased { track: BUYER } });
    assert_eq!(cues.take(), None);
    // What is in the log loses its quotation.
    let cue = Cue {
        play: "p".to_owned(),
        label: "l".to_owned(),
        because: "\"quillstone\" was named".to_owned(),
        track: Some(BUYER),
        since: at,
        words: vec![Word { text: "quillstone".to_owned(), start: at, end: at, confidence: 1.0 }],
    };
    let raised = Event { seq: 0, at, body: EventBody::CueRaised { cue: cue.clone() } };
    let held = Event { seq: 0, at, body: EventBody::CueSuppressed { cue, by: "cool-down".to_owned() } };
    for mut event in [raised, held] {
        assert!(!crate::event::Eraser::new(REP).event(&mut event));
        assert!(crate::event::Eraser::new(BUYER).event(&mut event));
        assert!(!serde_json::to_string(&event).unwrap().contains("quillstone"));
    }
}

#[test]
fn pace_and_questions_forget_words_that_were_taken_back() {
    let rules = ["rule = \"pace\"\nwords_per_minute_above = 60\nover_s = 20"];
    let talk = |erased: bool| {
        let mut call = Call::two();
        call.say(REP, 0.0, 15.0, &vec!["word"; 60].join(" "));
        if erased {
            call.at(16_000, EventBody::WordsErased { track: REP });
        }
        call.say(REP, 17.0, 27.0, "few words here");
        call.raises(&book(&rules), 60.0).len()
    };
    assert_eq!((talk(false), talk(true)), (1, 0));
    let questions = "rule = \"question_rate\"\nfewer_than = 1\nwindow_min = 5\nafter_minute = 5";
    assert_eq!(chatter().fires(questions, 350.0).len(), 1);
    let mut erased = chatter();
    erased.at(100_000, EventBody::WordsErased { track: REP });
    assert_eq!(erased.fires(questions, 350.0), NONE, "not five minutes of words are left");
}
