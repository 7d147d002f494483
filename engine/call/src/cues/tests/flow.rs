//! Rules about how the call goes.

use super::*;
use crate::input::{Coaching, GapReason};

const NONE: [u64; 0] = [];
const LONG: &str = "and then we go on to the next point which is about the same thing again and again";

/// The rep speaks from 0 for 100 s, with pauses of a second.
fn long_talk() -> Call {
    let mut call = Call::two();
    for i in 0..5 {
        call.say(REP, f64::from(i) * 20.0, f64::from(i) * 20.0 + 19.0, LONG);
    }
    call
}

const MONOLOGUE: &str = "rule = \"monologue\"\nlonger_than_s = 90";

#[test]
fn a_monologue_fires_at_its_limit_and_once() {
    assert_eq!(long_talk().fires(MONOLOGUE, 200.0), [90_000]);
    let because = long_talk().because(MONOLOGUE, 200.0);
    assert_eq!(because, "the rep has spoken for 90 s without a turn of anybody else (limit 90 s)");
    // The last utterance ends at 99 s.
    assert_eq!(long_talk().fires("rule = \"monologue\"\nlonger_than_s = 100", 200.0), NONE);
    assert_eq!(long_talk().fires("rule = \"monologue\"\nspeaker = \"buyer\"\nlonger_than_s = 90", 200.0), NONE);
    assert_eq!(long_talk().fires("rule = \"monologue\"\nspeaker = \"any\"\nlonger_than_s = 90", 200.0), [90_000]);
}

#[test]
fn back_channels_do_not_end_a_monologue_and_turns_do() {
    let rule = "rule = \"monologue\"\nlonger_than_s = 90";
    let with = |from: f64, to: f64, text: &str| {
        let mut call = long_talk();
        call.say(BUYER, from, to, text);
        call.fires(rule, 200.0)
    };
    assert_eq!(with(50.0, 50.9, "what about mondays"), [90_000], "too short to take the floor");
    assert_eq!(with(50.0, 53.0, "right okay yeah i see makes sense"), [90_000], "only says that they listen");
    assert_eq!(with(5.0, 7.0, "and what about mondays"), [97_000], "counts from where the turn ended");
    assert_eq!(with(50.0, 52.0, "and what about mondays"), NONE);
}

#[test]
fn who_is_silent_for_five_seconds_has_left_the_floor() {
    let mut call = Call::two();
    call.say(REP, 0.0, 50.0, LONG).say(REP, 54.9, 100.0, LONG);
    assert_eq!(call.fires(MONOLOGUE, 200.0), [90_000]);
    let mut call = Call::two();
    call.say(REP, 0.0, 50.0, LONG).say(REP, 55.0, 100.0, LONG);
    assert_eq!(call.fires(MONOLOGUE, 200.0), NONE);
}

#[test]
fn of_unknown_sides_nothing_is_said_where_sides_matter() {
    let mut call = Call::unknown();
    for i in 0..60 {
        let from = f64::from(i) * 20.0;
        call.say(REP, from, from + 18.0, LONG);
        call.say(BUYER, from + 17.0, from + 18.0, "yes but tell me");
    }
    for rule in [
        "rule = \"monologue\"\nlonger_than_s = 10",
        "rule = \"monologue\"\nspeaker = \"any\"\nlonger_than_s = 10",
        "rule = \"talk_ratio\"\nrep_above_percent = 1\nafter_minute = 1\nwindow_min = 1",
        "rule = \"question_rate\"\nfewer_than = 5\nafter_minute = 1\nwindow_min = 1",
        "rule = \"pace\"\nwords_per_minute_above = 60\nover_s = 10",
        "rule = \"interruptions\"\nat_least = 1",
        "rule = \"not_said_by\"\nspeaker = \"buyer\"\nminute = 2\nphrases = [\"zebra\"]",
        "rule = \"agenda_missing\"\nby_minute = 2\nphrases = [\"zebra\"]",
        "rule = \"never_asked\"\nby_minute = 2\nphrases = [\"zebra\"]",
        "rule = \"sequence\"\nbuyer = [\"tell me\"]\nrep_does_not = [\"zebra\"]\nwithin_s = 5",
    ] {
        assert_eq!(call.fires(rule, 1_200.0), NONE, "{rule}");
    }
}

/// Minutes of a call in which, in every minute, the rep speaks `rep` seconds and the buyer `buyer` seconds.
fn minutes(n: u32, rep: f64, buyer: f64) -> Call {
    let mut call = Call::two();
    for i in 0..n {
        let from = f64::from(i) * 60.0;
        call.say(REP, from, from + rep, LONG);
        call.say(BUYER, from + rep + 1.0, from + rep + 1.0 + buyer, "we do it by hand today");
    }
    call
}

const RATIO: &str =
    "cooldown_ms = 600000|rule = \"talk_ratio\"\nrep_above_percent = 65\nafter_minute = 5\nwindow_min = 5";

#[test]
fn the_talk_ratio_is_rep_speech_over_all_speech() {
    // 33 of 50 s. Five minutes are over at 300 s; from then on it is looked at every five seconds while the rep speaks.
    // At 305 s: 28 + 4 * 33 + 4.3 s (what may be the silence that ends an utterance does not count) of 249.3 s.
    let call = minutes(8, 33.0, 17.0);
    assert_eq!(call.fires(RATIO, 500.0), [305_000]);
    assert_eq!(call.because(RATIO, 500.0), "the rep had 65.9 % of the speech in the last 5 min (limit 65 %)");
    // 30 of 50 s: 60 %.
    assert_eq!(minutes(8, 30.0, 20.0).fires(RATIO, 500.0), NONE);
    // Hardly anybody speaks.
    assert_eq!(minutes(8, 6.0, 2.0).fires(RATIO, 500.0), NONE);
    // Somebody of unknown side has a share.
    let mut call = minutes(8, 33.0, 17.0);
    call.at(0, EventBody::TrackAdded { track: info(THIRD, Party::Unknown) });
    call.say(THIRD, 200.0, 203.0, "hello from me too");
    assert_eq!(call.fires(RATIO, 490.0), NONE);
}

#[test]
fn a_rule_rests_for_its_cool_down() {
    let rule = "cooldown_ms = 120000\nmax_per_call = 3|rule = \"talk_ratio\"\nrep_above_percent = 50\nafter_minute = 5\nwindow_min = 5";
    let got = minutes(20, 33.0, 17.0).fires(rule, 1_200.0);
    assert_eq!(got.len(), 3, "{got:?}");
    assert!(got.windows(2).all(|w| w[1] - w[0] >= 120_000), "{got:?}");
    let once = rule.replace("max_per_call = 3", "once = true");
    assert_eq!(minutes(20, 33.0, 17.0).fires(&once, 1_200.0).len(), 1);
}

#[test]
fn while_somebody_is_not_heard_shares_say_nothing() {
    let mut call = minutes(12, 33.0, 17.0);
    call.at(100_000, EventBody::CoachingChanged { coaching: Coaching::NotesOnly });
    call.at(130_000, EventBody::CoachingChanged { coaching: Coaching::Live });
    let got = call.fires(RATIO, 700.0);
    assert_eq!(got.first().map(|at| at / 1_000), Some(430), "five minutes after all were heard again: {got:?}");
    let mut call = minutes(12, 33.0, 17.0);
    call.at(100_000, EventBody::ConsentAwaited { tracks: vec![THIRD] });
    assert_eq!(call.fires(RATIO, 700.0), NONE);
    let mut call = long_talk();
    let (from, until) = (MediaTime::from_ms(30_000), MediaTime::from_ms(33_000));
    call.at(33_000, EventBody::AudioGap { track: BUYER, from, until, reason: GapReason::Lost });
    assert_eq!(call.fires(MONOLOGUE, 200.0), NONE, "the buyer may have spoken");
}

const QUESTIONS: &str =
    "cooldown_ms = 600000|rule = \"question_rate\"\nfewer_than = 2\nwindow_min = 5\nafter_minute = 5";

/// The rep speaks from 13 s on for 5 s of every 15, and asks at these times.
fn asking(at: &[f64]) -> Call {
    let mut call = Call::two();
    call.say(REP, 0.0, 1.0, "hello there");
    for i in 0..40 {
        let from = f64::from(i) * 15.0 + 13.0;
        call.say(REP, from, from + 5.0, "we do it for many teams like yours");
        call.say(BUYER, from + 6.0, from + 10.0, "how do you do that");
    }
    for at in at {
        call.say(REP, *at, at + 2.0, "and how do you do it today");
    }
    call
}

#[test]
fn too_few_questions_of_the_rep_fire_when_the_window_has_gone_by() {
    // At 300 s the rep is in a sentence that may become a question; its end is known at 303.7 s.
    assert_eq!(asking(&[]).fires(QUESTIONS, 400.0), [303_700]);
    assert_eq!(asking(&[]).because(QUESTIONS, 400.0), "the rep asked 0 questions in the last 5 min (at least 2)");
    assert_eq!(asking(&[]).fires(QUESTIONS, 303.6), NONE);
    // Of two questions that end at 221 s and 251 s the older leaves the window at 521 s.
    assert_eq!(asking(&[219.0, 249.0]).fires(QUESTIONS, 590.0), [521_000]);
    assert_eq!(asking(&[219.0, 249.0, 399.0]).fires(QUESTIONS, 550.0), NONE);
    // A rep who listens.
    let mut call = Call::two();
    for i in 0..40 {
        call.say(BUYER, f64::from(i) * 15.0, f64::from(i) * 15.0 + 13.0, LONG);
    }
    call.say(REP, 13.5, 14.5, "i see");
    assert_eq!(call.fires(QUESTIONS, 590.0), NONE);
}

const PACE: &str = "rule = \"pace\"\nwords_per_minute_above = 190\nover_s = 30";

/// Utterances of 10 s with `words` words each and pauses of 5 s.
fn at_pace(words: usize, n: u32) -> Call {
    let mut call = Call::two();
    for i in 0..n {
        let from = f64::from(i) * 15.0;
        call.say(REP, from, from + 10.0, &vec!["word"; words].join(" "));
    }
    call
}

#[test]
fn pace_counts_words_over_speech_not_over_pauses() {
    // 32 words in 10 s: 192 a minute. Thirty seconds of speech are there when the third utterance's words are.
    let got = at_pace(32, 4).fires(PACE, 100.0);
    assert_eq!(got.len(), 1);
    assert!((40_000..41_000).contains(&got[0]), "{got:?}");
    assert_eq!(
        at_pace(32, 4).because(PACE, 100.0),
        "the rep spoke 192 words a minute over the last 30 s of speech (limit 190)"
    );
    assert_eq!(at_pace(31, 6).fires(PACE, 100.0), NONE, "186 a minute");
    assert_eq!(at_pace(40, 2).fires(PACE, 100.0), NONE, "less than thirty seconds of speech");
}

#[test]
fn a_burst_leaves_the_window_again() {
    let mut call = at_pace(31, 3);
    call.say(REP, 45.0, 50.0, &vec!["word"; 20].join(" "));
    // 240 a minute for 5 s of the last 30.
    assert_eq!(call.fires(PACE, 100.0).len(), 1);
    let mut call = at_pace(28, 3);
    call.say(REP, 45.0, 50.0, &vec!["word"; 20].join(" "));
    assert_eq!(call.fires(PACE, 100.0), NONE);
}

/// Every 20 s the buyer speaks from 0 to `stop`, and the rep from `start` for 5 s.
fn cutting_in(n: u32, start: f64, stop: f64) -> Call {
    let mut call = Call::two();
    for i in 0..n {
        let from = f64::from(i) * 20.0;
        call.say(BUYER, from, from + stop, "we have been doing it by hand for years");
        call.say(REP, from + start, from + start + 5.0, "sure but what we do here is much better");
    }
    call
}

const CUTS: &str = "rule = \"interruptions\"\nat_least = 3\nwithin_min = 5";

#[test]
fn an_interruption_is_a_turn_that_begins_in_the_buyers_and_ends_it() {
    let got = cutting_in(4, 3.0, 4.0).fires(CUTS, 100.0);
    assert_eq!(got, [44_700], "when the buyer's end is known, the third time");
    assert_eq!(
        cutting_in(4, 3.0, 4.0).because(CUTS, 100.0),
        "the rep cut the buyer off 3 times in the last 5 min (limit 3)"
    );
    assert_eq!(cutting_in(2, 3.0, 4.0).fires(CUTS, 100.0), NONE, "two times");
    assert_eq!(cutting_in(4, 0.9, 2.0).fires(CUTS, 100.0), NONE, "the buyer had not spoken for a second");
    assert_eq!(cutting_in(4, 3.0, 4.6).fires(CUTS, 100.0), NONE, "the buyer went on for more than 1.5 s");
    assert_eq!(cutting_in(4, 3.0, 3.1).fires(CUTS, 100.0), NONE, "turns change hands like that");
    assert_eq!(cutting_in(4, 4.5, 4.0).fires(CUTS, 100.0), NONE, "after the buyer's end");
    assert_eq!(cutting_in(20, 3.0, 4.0).fires(&CUTS.replace("3", "18"), 380.0), NONE, "15 in five minutes at most");
}

#[test]
fn a_short_word_into_the_buyers_sentence_is_no_interruption() {
    for (length, text) in [(0.8, "but how"), (2.0, "right yeah exactly i see")] {
        let mut call = Call::two();
        for i in 0..4 {
            let from = f64::from(i) * 20.0;
            call.say(BUYER, from, from + 4.0, "we have been doing it by hand");
            call.say(REP, from + 3.5, from + 3.5 + length, text);
        }
        assert_eq!(call.fires(CUTS, 100.0), NONE, "{text}");
    }
}

const SILENCE: &str = "rule = \"dead_air\"\nlonger_than_s = 8";

/// Ends at 70 s.
fn then_nothing() -> Call {
    let mut call = Call::two();
    call.say(REP, 0.0, 30.0, LONG).say(BUYER, 31.0, 70.0, LONG);
    call
}

#[test]
fn dead_air_fires_when_nobody_has_spoken_for_that_long() {
    assert_eq!(then_nothing().fires(SILENCE, 200.0), [78_000]);
    assert_eq!(then_nothing().because(SILENCE, 200.0), "nobody has spoken for 8 s (limit 8 s)");
    let mut call = then_nothing();
    call.say(REP, 77.9, 79.0, "so");
    assert_eq!(call.fires(SILENCE, 86.9), NONE);
    assert_eq!(call.fires(SILENCE, 87.0), [87_000]);
}

#[test]
fn some_silences_are_nobodys_fault() {
    let mut early = Call::two();
    early.say(REP, 0.0, 5.0, "hello there");
    early.say(BUYER, 40.0, 55.0, LONG);
    assert_eq!(early.fires(SILENCE, 59.0), NONE, "people are still joining");
    let with = |body: EventBody| {
        let mut call = then_nothing();
        call.at(72_000, body);
        call.fires(SILENCE, 200.0)
    };
    assert_eq!(with(EventBody::TrackPaused { track: BUYER }), NONE, "muted");
    assert_eq!(with(EventBody::CoachingChanged { coaching: Coaching::Off }), NONE);
    assert_eq!(with(EventBody::ConsentAwaited { tracks: vec![BUYER] }), NONE);
    assert_eq!(with(EventBody::AudioStalled { since: MediaTime::from_ms(72_000) }), NONE);
    assert_eq!(with(EventBody::TrackEnded { track: BUYER }), NONE, "nobody left to talk to");
    let mut bye = then_nothing();
    bye.say(BUYER, 71.0, 72.0, "okay bye");
    assert_eq!(bye.fires(SILENCE, 200.0), NONE);
    let mut never = Call::two();
    never.at(90_000, EventBody::AudioResumed);
    assert_eq!(never.fires(SILENCE, 200.0), NONE, "nobody has spoken yet");
}

#[test]
fn where_audio_stays_away_silence_is_not_heard() {
    let mut cues = Cues::new(&book(&[SILENCE]), None);
    let events = then_nothing().events();
    let run = |cues: &mut Cues, audio: &[u64], until: u64| {
        let mut out = Vec::new();
        for at in audio {
            let at = MediaTime::from_ms(*at);
            while let Some(due) = cues.deadline().filter(|due| *due <= at) {
                cues.on_time(due);
            }
            cues.heard_audio(REP, at);
        }
        while let Some(due) = cues.deadline().filter(|due| due.ms() <= until) {
            cues.on_time(due);
        }
        while let Some(cue) = cues.take() {
            out.push(cue.since.ms());
        }
        out
    };
    drive(&mut cues, &events, 71_000);
    let frames = |from: u64, to: u64| (from..to).step_by(20).collect::<Vec<_>>();
    assert_eq!(run(&mut cues, &frames(71_000, 74_000), 79_000), NONE, "no frame since 74 s");
    assert_eq!(run(&mut cues, &frames(90_000, 97_980), 97_990), NONE, "counts from where audio is back");
    assert_eq!(run(&mut cues, &frames(98_000, 99_000), 99_000), [90_000]);
}
