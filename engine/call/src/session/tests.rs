//! The fold as a whole: ordering, timers, consent, gaps, replay.

mod attention;
mod consent;
mod cues;
mod erase;
mod speech;

use proptest::prelude::*;

use super::*;
use crate::{
    audio::{Consent, Party, TrackInfo},
    card::CardEnd,
    playbook,
    recorded::{Playback, RecordLine, Recorder},
    testing::{frame, scripted_ears},
};

const REP: TrackId = TrackId(0);
const BUYER: TrackId = TrackId(1);

fn book() -> Arc<Playbook> {
    book_of(8_000, "")
}

/// One play about price, whose card stays for `ttl_ms`, with a line of its own.
fn book_of(ttl_ms: u64, line: &str) -> Arc<Playbook> {
    let text = format!(
        r#"
version = 1
name = "t"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
ttl_ms = {ttl_ms}
{line}
cooldown_ms = 20000
[play.card]
title = "Price"
say = ["a"]
"#
    );
    Arc::new(playbook::parse("t", &text).0.unwrap())
}

fn info(id: TrackId, party: Party) -> TrackInfo {
    let consent = Some(Consent { basis: "test".to_owned(), reference: String::new() });
    TrackInfo { id, party, name: party.as_str().to_owned(), email: None, consent }
}

type Script = Vec<(TrackId, MediaTime, String)>;

fn script(lines: &[(TrackId, u64, &str)]) -> Script {
    lines.iter().map(|(t, ms, s)| (*t, MediaTime::from_ms(*ms), (*s).to_owned())).collect()
}

fn setup(ears: Ears) -> SessionSetup {
    SessionSetup {
        settings: SessionSettings::default(),
        playbook: book(),
        context: vec![],
        deal: Deal::default(),
        ears,
        semantic: None,
    }
}

fn drain(call: &mut CallSession, events: &mut Vec<Event>) -> Option<MediaTime> {
    loop {
        match call.poll_output() {
            Output::Event(e) => events.push(e),
            Output::Idle { deadline } => return deadline,
            Output::Caption(_) | Output::Job(_) => {}
        }
    }
}

fn run(ears: Ears, inputs: &[Input]) -> Vec<Event> {
    let mut call = CallSession::new(setup(ears));
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    for input in inputs {
        call.handle_input(input).unwrap();
        drain(&mut call, &mut events);
    }
    events
}

/// Both parties from 0 to `end_ms`; the buyer makes sound within `sound_ms`.
fn two_tracks(end_ms: u64, sound_ms: std::ops::Range<u64>) -> Vec<Input> {
    let mut inputs = vec![Input::TrackAdded(info(REP, Party::Rep)), Input::TrackAdded(info(BUYER, Party::Buyer))];
    for start in (0..end_ms).step_by(20) {
        let level = if sound_ms.contains(&start) { 0.1 } else { 0.0 };
        inputs.push(Input::Audio(frame(REP, MediaTime::from_ms(start), 0.0)));
        inputs.push(Input::Audio(frame(BUYER, MediaTime::from_ms(start), level)));
    }
    inputs
}

fn names(events: &[Event]) -> Vec<String> {
    events.iter().map(|e| format!("{} {}", e.at.ms(), name(&e.body))).collect()
}

fn name(body: &EventBody) -> String {
    let json = serde_json::to_value(body).unwrap();
    json["event"].as_str().unwrap().to_owned()
}

#[test]
fn words_become_a_card_that_expires_at_its_deadline() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "it is too expensive")]));
    let events = run(ears, &two_tracks(12_000, 1_000..2_000));
    let got = names(&events);
    let want = [
        "0 call_started",
        "0 track_added",
        "0 track_added",
        "1060 speech_started",
        "2000 words_committed",
        "2000 objection_detected",
        "2000 card_shown",
        "2700 utterance_ended",
        "10000 card_closed",
    ];
    assert_eq!(got, want);
    assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), (0..want.len() as u64).collect::<Vec<_>>());
    let EventBody::CardShown { card } = &events[6].body else { panic!() };
    assert_eq!((card.reason.phrase_end.ms(), card.reason.speaker.as_str()), (2_000, "buyer"));
}

#[test]
fn the_cool_down_holds_back_and_says_so() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "too expensive"), (BUYER, 9_000, "well still too expensive")]));
    let events = run(ears, &two_tracks(10_000, 1_000..9_500));
    let held = events.iter().find_map(|e| match &e.body {
        EventBody::DetectionSuppressed { by, .. } => Some(by.clone()),
        _ => None,
    });
    assert_eq!(held.as_deref(), Some("cool-down: 13000 ms left"));
}

#[test]
fn without_consent_nothing_is_heard() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "too expensive")]));
    let mut inputs = two_tracks(4_000, 1_000..3_000);
    inputs[1] = Input::TrackAdded(TrackInfo { consent: None, ..info(BUYER, Party::Buyer) });
    let got = names(&run(ears, &inputs));
    let want = ["0 call_started", "0 track_added", "0 track_added", "0 consent_awaited", "20 audio_withheld"];
    assert_eq!(got, want);
}

#[test]
fn consent_can_come_and_go_in_mid_call() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "hello"), (BUYER, 3_900, "too expensive")]));
    let mut inputs = two_tracks(4_000, 1_000..4_000);
    let at_ms = |ms: u64| 2 + (ms / 20) as usize * 2;
    inputs.insert(at_ms(3_000), Input::Consent { track: BUYER, consent: None });
    let got = names(&run(ears, &inputs));
    assert!(got.contains(&"3000 utterance_ended".to_owned()), "{got:?}");
    assert!(got.contains(&"3020 audio_withheld".to_owned()), "{got:?}");
    assert!(!got.iter().any(|e| e.contains("card")), "{got:?}");
}

#[test]
fn consent_withdrawn_by_announcing_the_track_again_ends_the_utterance() {
    let ears = scripted_ears(script(&[(BUYER, 3_900, "too expensive")]));
    let mut inputs = two_tracks(4_000, 1_000..4_000);
    let at_ms = |ms: u64| 2 + (ms / 20) as usize * 2;
    let again = |consent| Input::TrackAdded(TrackInfo { consent, ..info(BUYER, Party::Buyer) });
    inputs.insert(at_ms(3_400), again(info(BUYER, Party::Buyer).consent));
    inputs.insert(at_ms(3_000), again(None));
    inputs.insert(at_ms(2_000), again(None));
    inputs.insert(at_ms(2_000) - 1, again(info(BUYER, Party::Buyer).consent));
    let got = names(&run(ears, &inputs));
    assert!(got.contains(&"2000 utterance_ended".to_owned()), "{got:?}");
    assert!(got.contains(&"2020 audio_withheld".to_owned()), "{got:?}");
    assert_eq!(got.iter().filter(|e| e.ends_with("speech_started")).count(), 2, "{got:?}");
}

#[test]
fn a_refused_detection_that_is_contradicted_takes_no_card_away() {
    let book = book_of(30_000, r#"never = ["too expensive for them"]"#);
    let lines = script(&[
        (BUYER, 2_000, "it is too expensive"),
        (BUYER, 6_000, "we have been thinking"),
        (BUYER, 6_400, "too expensive"),
        (BUYER, 6_800, "for them"),
    ]);
    let mut call = CallSession::new(SessionSetup { playbook: book, ..setup(scripted_ears(lines)) });
    let mut events = Vec::new();
    for input in two_tracks(8_000, 1_000..8_000) {
        drain(&mut call, &mut events);
        call.handle_input(&input).unwrap();
    }
    drain(&mut call, &mut events);
    let got = names(&events);
    assert!(got.contains(&"6400 detection_suppressed".to_owned()), "{got:?}");
    assert!(!got.iter().any(|e| e.ends_with("card_closed")), "the first objection stands: {got:?}");
}

#[test]
fn a_gap_ends_the_utterance_and_does_not_shift_the_clock() {
    let ears = scripted_ears(vec![]);
    let mut inputs = vec![Input::TrackAdded(info(BUYER, Party::Buyer))];
    inputs.extend((0..25).map(|i| Input::Audio(frame(BUYER, MediaTime::from_ms(i * 20), 0.1))));
    inputs.push(Input::Gap { track: BUYER, until: MediaTime::from_ms(1_500), reason: GapReason::Lost });
    inputs.extend((75..100).map(|i| Input::Audio(frame(BUYER, MediaTime::from_ms(i * 20), 0.1))));
    let got = names(&run(ears, &inputs));
    let want = [
        "0 call_started",
        "0 track_added",
        "60 speech_started",
        "1500 utterance_ended",
        "1500 audio_gap",
        "1560 speech_started",
    ];
    assert_eq!(got, want);
}

#[test]
fn misuse_is_an_error_and_changes_nothing() {
    let mut call = CallSession::new(setup(scripted_ears(vec![])));
    assert_eq!(call.handle_input(&Input::End), Err(InputError::NotDrained));
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    let audio = |ms| Input::Audio(frame(BUYER, MediaTime::from_ms(ms), 0.0));
    assert_eq!(call.handle_input(&audio(0)), Err(InputError::UnknownTrack(BUYER)));
    call.handle_input(&Input::TrackAdded(info(BUYER, Party::Buyer))).unwrap();
    drain(&mut call, &mut events);
    call.handle_input(&audio(100)).unwrap();
    drain(&mut call, &mut events);
    let never = Input::Tick(MediaTime::MAX);
    assert_eq!(call.handle_input(&never), Err(InputError::TooFar { at: MediaTime::MAX }));
    let error = call.handle_input(&audio(100)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "track 1: frame at 100000 us starts before 120000 us, the end of its last frame or gap"
    );
    call.handle_input(&Input::End).unwrap();
    drain(&mut call, &mut events);
    assert_eq!(call.handle_input(&Input::End), Err(InputError::Ended));
    assert_eq!(name(&events.last().unwrap().body), "call_ended");
}

#[test]
fn a_lagging_track_loses_nothing_and_turns_nothing_back() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "too expensive")]));
    let mut inputs = two_tracks(4_000, 1_000..2_000);
    // All of the rep's audio first, the buyer's after it.
    inputs[2..].sort_by_key(|i| matches!(i, Input::Audio(f) if f.track == BUYER));
    let events = run(ears, &inputs);
    assert!(events.windows(2).all(|w| w[0].at <= w[1].at));
    let shown = events.iter().find(|e| name(&e.body) == "card_shown").unwrap();
    assert_eq!(shown.at.ms(), 4_000, "known when the audio came, not when it was said");
}

#[test]
fn silence_from_everyone_is_said_once_and_ends() {
    let mut inputs = two_tracks(1_000, 0..0);
    inputs.push(Input::Tick(MediaTime::from_ms(30_000)));
    inputs.push(Input::Tick(MediaTime::from_ms(60_000)));
    inputs.push(Input::Audio(frame(REP, MediaTime::from_ms(61_000), 0.0)));
    let got = names(&run(scripted_ears(vec![]), &inputs));
    assert_eq!(&got[3..], ["11000 audio_stalled", "61020 audio_resumed"]);
}

#[test]
fn a_single_track_stalls_alike_with_and_without_ticks() {
    let one = |ticks: &[u64]| {
        let mut inputs = vec![Input::TrackAdded(info(REP, Party::Rep)), Input::Audio(frame(REP, MediaTime::ZERO, 0.0))];
        inputs.extend(ticks.iter().map(|ms| Input::Tick(MediaTime::from_ms(*ms))));
        inputs.push(Input::Audio(frame(REP, MediaTime::from_ms(30_000), 0.0)));
        names(&run(scripted_ears(vec![]), &inputs))
    };
    assert_eq!(one(&[]), one(&[5_000, 15_000]));
    assert!(one(&[]).contains(&"10020 audio_stalled".to_owned()));
}

#[test]
fn a_restarted_call_goes_on_where_its_log_ends() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "too expensive")]));
    let log = run(ears, &two_tracks(3_000, 1_000..2_000));
    let mut call = CallSession::resume(setup(scripted_ears(script(&[(BUYER, 4_000, "too expensive")]))), &log);
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    let last_seq = log.last().unwrap().seq;
    assert_eq!(events[0].seq, last_seq + 1);
    assert_eq!(events[0].body, EventBody::CallResumed { after_seq: last_seq });
    call.handle_input(&Input::TrackAdded(info(BUYER, Party::Buyer))).unwrap();
    drain(&mut call, &mut events);
    for i in 150..250u64 {
        call.handle_input(&Input::Audio(frame(BUYER, MediaTime::from_ms(i * 20), 0.1))).unwrap();
        drain(&mut call, &mut events);
    }
    let got = names(&events);
    assert!(got.iter().any(|e| e.ends_with("detection_suppressed")), "the cool-down survives: {got:?}");
    let second = events.iter().find_map(|e| match &e.body {
        EventBody::SpeechStarted { utterance, .. } => Some(utterance.0),
        _ => None,
    });
    assert_eq!(second, Some(1), "utterance numbers go on");
    let used = RepAction::Used { card: CardId(0) };
    call.handle_input(&Input::Rep { at: MediaTime::from_ms(5_100), action: used }).unwrap();
    events.clear();
    drain(&mut call, &mut events);
    assert_eq!(names(&events), ["5100 card_closed"], "the card from before is still the one on the screen");
}

#[test]
fn what_falls_due_as_the_log_breaks_off_fires_at_once() {
    let mut log = run(scripted_ears(script(&[(BUYER, 2_000, "too expensive")])), &two_tracks(3_000, 1_000..2_000));
    let shown = log.iter().find_map(|e| match &e.body {
        EventBody::CardShown { card } => Some((e.at, card.ttl_ms)),
        _ => None,
    });
    let (at, ttl_ms) = shown.unwrap();
    let due = at.plus_ms(ttl_ms);
    log.push(Event { seq: log.len() as u64, at: due, body: EventBody::AudioStalled { since: at } });
    let mut events = Vec::new();
    drain(&mut CallSession::resume(setup(scripted_ears(vec![])), &log), &mut events);
    assert!(names(&events).contains(&format!("{} card_closed", due.ms())), "{:?}", names(&events));
}

#[test]
fn a_restart_ends_the_load_of_the_run_before() {
    let mut log = run(scripted_ears(vec![]), &two_tracks(1_000, 0..0));
    let high =
        Event { seq: log.len() as u64, at: log[log.len() - 1].at, body: EventBody::LoadChanged { load: Load::High } };
    log.push(high);
    let mut events = Vec::new();
    drain(&mut CallSession::resume(setup(scripted_ears(vec![])), &log), &mut events);
    assert_eq!(events.last().unwrap().body, EventBody::LoadChanged { load: Load::Normal }, "{events:?}");
    log.push(events.pop().unwrap());
    drain(&mut CallSession::resume(setup(scripted_ears(vec![])), &log), &mut events);
    assert!(matches!(events.last().unwrap().body, EventBody::CallResumed { .. }), "only if it was high");
}

fn lines(events: &[Event]) -> String {
    events.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect()
}

#[test]
fn a_record_replays_to_the_same_bytes() {
    let recorder = Recorder::default();
    let ears = recorder.wrap(scripted_ears(script(&[(BUYER, 2_000, "it is too expensive"), (REP, 3_000, "i see")])));
    let mut inputs = two_tracks(6_000, 1_000..2_500);
    let used = RepAction::Used { card: CardId(0) };
    inputs.insert(400, Input::Rep { at: MediaTime::from_ms(4_000), action: used });
    inputs.push(Input::End);
    let mut call = CallSession::new(setup(ears));
    let (mut live, mut record) = (Vec::new(), Vec::new());
    drain(&mut call, &mut live);
    for input in &inputs {
        call.handle_input(input).unwrap();
        record.push(serde_json::to_string(&recorder.line(input)).unwrap());
        drain(&mut call, &mut live);
    }
    assert!(live.iter().any(|e| matches!(&e.body, EventBody::CardClosed { end: CardEnd::Used, .. })));

    let playback = Playback::new("scripted".to_owned());
    let mut call = CallSession::new(setup(playback.ears()));
    let mut again = Vec::new();
    drain(&mut call, &mut again);
    for line in &record {
        let line: RecordLine = serde_json::from_str(line).unwrap();
        call.handle_input(&playback.load(&line)).unwrap();
        drain(&mut call, &mut again);
    }
    assert_eq!(lines(&live), lines(&again));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// How often the driver ticks while nobody sends does not show in the log.
    #[test]
    fn tick_rate_does_not_show(ticks in proptest::collection::vec(3_000u64..40_000, 0..20)) {
        let make = || scripted_ears(script(&[(BUYER, 2_000, "it is too expensive")]));
        let audio = two_tracks(3_000, 1_000..2_000);
        let end = Input::Tick(MediaTime::from_ms(40_000));
        let once: Vec<_> = audio.iter().cloned().chain([end.clone()]).collect();
        let mut ticks = ticks;
        ticks.sort_unstable();
        let ticks = ticks.into_iter().map(|ms| Input::Tick(MediaTime::from_ms(ms)));
        let often: Vec<_> = audio.iter().cloned().chain(ticks).chain([end]).collect();
        prop_assert_eq!(lines(&run(make(), &once)), lines(&run(make(), &often)));
    }

    /// Whatever comes in whatever order: no panic, sequence numbers without holes, time that never turns back.
    #[test]
    fn any_input_leaves_an_ordered_log(steps in proptest::collection::vec((0u8..15, 0u16..3, 0u64..30_000), 0..200)) {
        let ears = scripted_ears(script(&[(TrackId(0), 500, "too expensive"), (TrackId(1), 700, "too expensive")]));
        let mut call = CallSession::new(setup(ears));
        let mut events = Vec::new();
        drain(&mut call, &mut events);
        for (kind, track, ms) in steps {
            let (track, at) = (TrackId(track), MediaTime::from_ms(ms));
            let input = match kind {
                0 => Input::TrackAdded(info(track, if ms % 2 == 0 { Party::Buyer } else { Party::Rep })),
                1 | 2 => Input::Audio(frame(track, at, 0.1)),
                3 => Input::Gap { track, until: at, reason: GapReason::Lost },
                4 => Input::Tick(at),
                5 => {
                    let card = CardId(ms as u32 % 4);
                    let action = if ms % 3 == 0 { RepAction::Wrong { card } } else { RepAction::Dismiss { card } };
                    Input::Rep { at, action }
                }
                6 => Input::Consent { track, consent: None },
                7 => Input::TrackEnded(track),
                8 => Input::Paused(track),
                9 => {
                    let word = Word { text: "expensive".into(), start: at, end: at, confidence: 1.0 };
                    Input::Words { track, words: vec![word.clone()], tail: vec![word], done: ms % 2 == 0 }
                }
                10 => Input::Consent { track, consent: info(track, Party::Rep).consent },
                11 => Input::Erase { reason: String::new() },
                12 => {
                    let coaching = if ms % 2 == 0 { Coaching::Live } else { Coaching::Off };
                    Input::Rep { at, action: RepAction::SetCoaching { coaching } }
                }
                13 => {
                    let rule = if ms % 2 == 0 { ConsentRule::Everyone } else { ConsentRule::EachOwn };
                    Input::ConsentRule { rule, because: String::new() }
                }
                _ => Input::Load(Load::High),
            };
            let _refused = call.handle_input(&input);
            drain(&mut call, &mut events);
        }
        prop_assert!(events.windows(2).all(|w| w[0].seq + 1 == w[1].seq && w[0].at <= w[1].at));
    }
}
