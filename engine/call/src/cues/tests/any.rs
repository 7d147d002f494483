//! All rules at once, over any call: no panic, the same from the log as live, and after a restart.

use proptest::prelude::*;

use super::*;
use crate::{
    deal::Deal,
    input::{Coaching, GapReason, Input, Load, RepAction},
    output::Output,
    session::{CallSession, SessionSettings, SessionSetup},
    testing::{deaf_ears, frame, scripted_ears},
};

fn all() -> Arc<Playbook> {
    book(&[
        "cooldown_ms = 20000|rule = \"monologue\"\nlonger_than_s = 10",
        "cooldown_ms = 20000|rule = \"monologue\"\nspeaker = \"any\"\nlonger_than_s = 15",
        "cooldown_ms = 20000|rule = \"talk_ratio\"\nrep_above_percent = 40\nafter_minute = 0\nwindow_min = 1",
        "cooldown_ms = 20000|rule = \"question_rate\"\nfewer_than = 2\nafter_minute = 0\nwindow_min = 1",
        "cooldown_ms = 20000|rule = \"pace\"\nspeaker = \"any\"\nwords_per_minute_above = 60\nover_s = 10",
        "cooldown_ms = 20000|rule = \"interruptions\"\nat_least = 1\nwithin_min = 1",
        "cooldown_ms = 20000|rule = \"dead_air\"\nlonger_than_s = 3",
        "rule = \"agenda_missing\"\nby_minute = 1\nphrases = [\"agenda\"]",
        "rule = \"not_said_by\"\nspeaker = \"any\"\nminute = 1\nphrases = [\"agenda\"]",
        "rule = \"never_asked\"\nby_minute = 2\nphrases = [\"agenda\"]",
        "rule = \"no_next_step\"\nminutes_before_end = 1\nphrases = [\"calendar\"]",
        "cooldown_ms = 20000|rule = \"sequence\"\nbuyer = [\"word agenda\"]\nrep_does_not = [\"calendar\"]\nwithin_s = 5",
        "cooldown_ms = 20000\nspeaker = \"any\"|rule = \"mention\"\nnames = [\"calendar\"]",
        "cooldown_ms = 20000|rule = \"label\"\nis = \"price\"",
    ])
}

fn setup(ears: crate::session::Ears) -> SessionSetup {
    let deal = Deal { planned_minutes: Some(3), ..Deal::default() };
    let settings = SessionSettings::default();
    SessionSetup { settings, playbook: all(), context: vec![], deal, ears, semantic: None }
}

fn drain(call: &mut CallSession, events: &mut Vec<Event>) {
    loop {
        match call.poll_output() {
            Output::Event(e) => events.push(e),
            Output::Idle { .. } => return,
            Output::Caption(_) | Output::Job(_) => {}
        }
    }
}

fn run(ears: crate::session::Ears, inputs: &[Input]) -> Vec<Event> {
    let mut call = CallSession::new(setup(ears));
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    for input in inputs {
        let _refused = call.handle_input(input);
        drain(&mut call, &mut events);
    }
    events
}

fn raised(events: &[Event]) -> Vec<(u64, String, String)> {
    let cue = |e: &Event| match &e.body {
        EventBody::CueRaised { cue } | EventBody::CueSuppressed { cue, .. } => {
            Some((e.at.ms(), cue.play.clone(), cue.because.clone()))
        }
        _ => None,
    };
    events.iter().filter_map(cue).collect()
}

const WORDS: [&str; 6] = ["word", "agenda", "calendar", "right", "what", "you"];

/// One step of a call: what, whose, and how long it takes.
fn steps(longest: usize) -> impl Strategy<Value = Vec<(u8, u16, u64)>> {
    proptest::collection::vec((0u8..16, 0u16..3, 0u64..9_000), 0..longest)
}

/// A call in words: every step moves time on.
fn inputs(steps: &[(u8, u16, u64)]) -> Vec<Input> {
    let party = [Party::Rep, Party::Buyer, Party::Unknown];
    let mut inputs: Vec<Input> = (0..2).map(|i| Input::TrackAdded(info(TrackId(i), party[usize::from(i)]))).collect();
    let mut now = 0;
    for (kind, track, ms) in steps {
        let (from, id) = (now, TrackId(*track));
        now += ms;
        let at = MediaTime::from_ms(now);
        inputs.push(match kind {
            0..=8 => {
                let n = 1 + ms / 700;
                let each = ms / n;
                let word = |i: u64| Word {
                    text: WORDS[((u64::from(*kind) + i * ms) % 6) as usize].to_owned(),
                    start: MediaTime::from_ms(from + i * each),
                    end: MediaTime::from_ms(from + (i + 1) * each),
                    confidence: 1.0,
                };
                Input::Words { track: id, words: (0..n).map(word).collect(), tail: vec![], done: ms % 3 != 0 }
            }
            9 => Input::Tick(at),
            10 => Input::Paused(id),
            11 => Input::Consent { track: id, consent: if ms % 2 == 0 { None } else { info(id, Party::Rep).consent } },
            12 => Input::TrackAdded(info(id, party[(ms % 3) as usize])),
            13 => {
                let coaching = if ms % 2 == 0 { Coaching::Live } else { Coaching::NotesOnly };
                Input::Rep { at, action: RepAction::SetCoaching { coaching } }
            }
            14 => Input::Gap { track: id, until: at, reason: GapReason::Lost },
            _ if ms % 7 == 0 => Input::Erase { reason: String::new() },
            _ => Input::Load(if ms % 2 == 0 { Load::High } else { Load::Normal }),
        });
    }
    inputs.push(Input::Tick(MediaTime::from_ms(now + 5_000)));
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The same inputs give the same log, and the log alone raises the same cues at the same instants.
    #[test]
    fn a_log_raises_what_the_call_raised(steps in steps(120)) {
        let inputs = inputs(&steps);
        let events = run(deaf_ears(), &inputs);
        prop_assert_eq!(&events, &run(deaf_ears(), &inputs));
        prop_assert!(events.windows(2).all(|w| w[0].seq + 1 == w[1].seq && w[0].at <= w[1].at));
        let told: Vec<Event> =
            events.iter().filter(|e| !matches!(e.body, EventBody::CueRaised { .. } | EventBody::CueSuppressed { .. })).cloned().collect();
        let last = events.last().map_or(0, |e| e.at.ms());
        let again = drive(&mut Cues::new(&all(), None), &told, last.max(steps.iter().map(|s| s.2).sum::<u64>() + 5_000));
        prop_assert_eq!(again, raised(&events));
    }

    /// Ticks between the inputs leave no trace.
    #[test]
    fn ticks_leave_no_trace(steps in steps(60)) {
        // Every step begins at a time of its own; in between there are ticks, or none.
        let times = steps.iter().scan(0, |now, step| Some(std::mem::replace(now, *now + step.2)));
        let times: Vec<u64> = [0, 0].into_iter().chain(times).chain([steps.iter().map(|s| s.2).sum()]).collect();
        let tick = |ms: u64| Input::Tick(MediaTime::from_ms(ms));
        let (mut plain, mut ticked) = (Vec::new(), Vec::new());
        for (i, input) in inputs(&steps).into_iter().enumerate() {
            let before = if i == 0 { 0 } else { times[i - 1] };
            ticked.extend((before..times[i]).step_by(700).map(tick));
            for list in [&mut plain, &mut ticked] {
                list.extend([tick(times[i]), input.clone()]);
            }
        }
        prop_assert_eq!(run(deaf_ears(), &plain), run(deaf_ears(), &ticked));
    }

    /// Cut anywhere, the log's first part taken up again leads to the same cues in the second.
    #[test]
    fn a_restart_takes_up_where_the_log_ends(steps in steps(80), cut in 0usize..200) {
        let events = run(deaf_ears(), &inputs(&steps));
        let cut = cut.min(events.len());
        let last = events.last().map_or(0, |e| e.at.ms());
        let mut whole = Cues::new(&all(), None);
        for event in &events[..cut] {
            whole.restore(event);
        }
        let got = drive(&mut whole, &events[cut..], last);
        let want: Vec<_> = raised(&events[cut..]);
        // At the very instant of the cut the cue stands on one side and what raised it on the other.
        let edge = events[..cut].last().map_or(0, |e| e.at.ms());
        let after = |cues: &[(u64, String, String)]| cues.iter().filter(|c| c.0 > edge).cloned().collect::<Vec<_>>();
        prop_assert_eq!(after(&got), after(&want));
    }

    /// Audio, words and mischief in any order: no panic, a bounded state, an ordered log.
    #[test]
    fn any_input_is_taken(steps in proptest::collection::vec((0u8..8, 0u16..3, 0u64..90_000), 0..150)) {
        let mut inputs = inputs(&[]);
        for (kind, track, ms) in steps {
            let (track, at) = (TrackId(track), MediaTime::from_ms(ms));
            inputs.push(match kind {
                0..=3 => Input::Audio(frame(track, at, if ms % 2 == 0 { 0.1 } else { 0.0 })),
                4 => Input::Tick(at),
                5 => Input::TrackEnded(track),
                6 => Input::Silent,
                _ => Input::TrackAdded(info(track, Party::Rep)),
            });
        }
        inputs.push(Input::End);
        let script = vec![(REP, MediaTime::from_ms(500), "what you agenda".to_owned())];
        let events = run(scripted_ears(script), &inputs);
        prop_assert!(events.windows(2).all(|w| w[0].seq + 1 == w[1].seq && w[0].at <= w[1].at));
        let over = matches!(events.last().unwrap().body, EventBody::CallEnded { .. });
        prop_assert!(over);
    }
}
