//! Who is listened to, and that nobody else is.

use std::sync::Mutex;

use super::*;
use crate::{
    audio::AudioFrame,
    recognize::{Bias, RecognizeError, Recognized, RecognizerStream},
};

const LATE: TrackId = TrackId(2);

fn agreed() -> Option<Consent> {
    info(REP, Party::Rep).consent
}

fn without(id: TrackId) -> Input {
    Input::TrackAdded(TrackInfo { consent: None, ..info(id, Party::Unknown) })
}

fn consent(track: TrackId, consent: Option<Consent>) -> Input {
    Input::Consent { track, consent }
}

/// Index in [`two_tracks`] of the rep's frame that starts at `ms`.
fn at_ms(ms: u64) -> usize {
    2 + (ms / 20) as usize * 2
}

/// Level of a frame, and the number of the stream that got it; 0 is the voice detector.
type Log = Arc<Mutex<Vec<(TrackId, u32, f32)>>>;

/// Ears that write down all they are given.
#[derive(Clone, Default)]
struct Witness {
    log: Log,
    streams: Arc<Mutex<u32>>,
}

struct WitnessStream(Log, u32);

impl Witness {
    fn ears(&self) -> Ears {
        let log = Arc::clone(&self.log);
        Ears {
            recognizer: Arc::new(self.clone()),
            voice: Arc::new(move || Box::new(WitnessStream(Arc::clone(&log), 0))),
        }
    }

    fn heard(&self) -> Vec<(TrackId, u32, f32)> {
        self.log.lock().unwrap().clone()
    }
}

impl Recognizer for Witness {
    fn id(&self) -> String {
        "witness".to_owned()
    }

    fn start(&self, _: TrackId, _: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        let mut streams = self.streams.lock().unwrap();
        *streams += 1;
        Ok(Box::new(WitnessStream(Arc::clone(&self.log), *streams)))
    }
}

impl RecognizerStream for WitnessStream {
    fn accept(&mut self, frame: &AudioFrame, _: &mut Vec<Recognized>) {
        self.0.lock().unwrap().push((frame.track, self.1, frame.samples[0]));
    }

    fn finish(&mut self, _: &mut Vec<Recognized>) {}
}

impl VoiceDetector for WitnessStream {
    fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        self.0.lock().unwrap().push((frame.track, 0, frame.samples[0]));
        if frame.samples[0] == 0.0 { 0.0 } else { 1.0 }
    }
}

#[test]
fn somebody_who_joins_late_stops_everything_until_they_agree() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "hello"), (BUYER, 3_500, "too expensive"), (BUYER, 4_800, "so")]));
    let mut inputs = two_tracks(6_000, 1_000..6_000);
    inputs.insert(at_ms(4_000), consent(LATE, agreed()));
    inputs.insert(at_ms(3_000), without(LATE));
    let got = names(&run(ears, &inputs));
    let want = [
        "0 call_started",
        "0 track_added",
        "0 track_added",
        "1060 speech_started",
        "2000 words_committed",
        "3000 utterance_ended",
        "3000 track_added",
        "3000 consent_awaited",
        "4000 consent_changed",
        "4000 consent_awaited",
        "4060 speech_started",
    ];
    assert_eq!(got[..want.len()], want);
    // The scripted recogniser starts anew with its fresh stream.
    assert_eq!(got[want.len()], "4060 words_committed");
}

#[test]
fn who_leaves_is_not_waited_for_and_who_is_waited_for_is_named_once() {
    let inputs = [
        Input::TrackAdded(info(REP, Party::Rep)),
        without(BUYER),
        without(BUYER),
        without(LATE),
        Input::TrackEnded(BUYER),
        Input::TrackEnded(LATE),
    ];
    let events = run(scripted_ears(vec![]), &inputs);
    let awaited: Vec<_> = events
        .iter()
        .filter_map(|e| if let EventBody::ConsentAwaited { tracks } = &e.body { Some(tracks.clone()) } else { None })
        .collect();
    assert_eq!(awaited, [vec![BUYER], vec![BUYER, LATE], vec![LATE], vec![]]);
}

#[test]
fn each_for_themselves_holds_back_only_who_has_not_agreed() {
    let ears = scripted_ears(script(&[(BUYER, 2_000, "too expensive")]));
    let mut inputs = two_tracks(4_000, 1_000..3_000);
    inputs[0] = without(REP);
    let rule = Input::ConsentRule { rule: ConsentRule::EachOwn, because: "one-party place".to_owned() };
    inputs.insert(2, rule.clone());
    inputs.insert(2, rule);
    let got = names(&run(ears, &inputs));
    let start = ["0 call_started", "0 track_added", "0 consent_awaited", "0 track_added"];
    assert_eq!(got[..4], start);
    assert_eq!(got[4..7], ["0 consent_rule_changed", "0 consent_awaited", "20 audio_withheld"]);
    assert!(got.contains(&"2000 card_shown".to_owned()), "{got:?}");
}

#[test]
fn consent_of_somebody_unknown_is_refused_and_changes_nothing() {
    let mut call = CallSession::new(setup(scripted_ears(vec![])));
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    for consent in [agreed(), None] {
        assert_eq!(call.handle_input(&Input::Consent { track: BUYER, consent }), Err(InputError::UnknownTrack(BUYER)));
        drain(&mut call, &mut events);
    }
    assert_eq!(events.len(), 1);
}

/// What was heard before the gate shut is not continued after it opens: neither the recogniser nor the pre-roll.
#[test]
fn what_was_heard_before_is_forgotten() {
    let witness = Witness::default();
    let mut inputs = vec![Input::TrackAdded(info(BUYER, Party::Buyer))];
    let frames = |from: u64, until: u64, level: f32| {
        (from..until).step_by(20).map(move |ms| Input::Audio(frame(BUYER, MediaTime::from_ms(ms), level)))
    };
    // 40 ms of sound: too short to begin an utterance, kept as pre-roll.
    inputs.extend(frames(0, 40, 0.1));
    inputs.push(without(LATE));
    inputs.extend(frames(40, 80, 0.2));
    inputs.push(Input::TrackEnded(LATE));
    inputs.extend(frames(80, 200, 0.3));
    inputs.push(without(LATE));
    inputs.push(Input::TrackEnded(LATE));
    inputs.extend(frames(200, 400, 0.4));
    run(witness.ears(), &inputs);
    let recognized: BTreeSet<(u32, u32)> =
        witness.heard().iter().filter(|h| h.1 > 0).map(|h| (h.1, (h.2 * 10.0).round() as u32)).collect();
    // Streams 2, 4, 5 and so on belong to who joined late; each opening of the gate brings the buyer a new one.
    assert_eq!(recognized.iter().map(|r| r.1).collect::<Vec<_>>(), [3, 4], "{recognized:?}");
    assert_eq!(recognized.iter().map(|r| r.0).collect::<BTreeSet<_>>().len(), 2, "{recognized:?}");
    assert!(witness.heard().iter().all(|h| (h.2 * 10.0).round() as u32 != 2), "held back from the voice detector, too");
}

#[test]
fn withdrawing_takes_back_words_and_cards() {
    let lines = script(&[(BUYER, 2_000, "it is too expensive"), (BUYER, 2_900, "a secret"), (REP, 2_500, "i see")]);
    let mut inputs = two_tracks(4_000, 1_000..4_000);
    for input in &mut inputs {
        if let Input::Audio(f) = input
            && f.track == REP
        {
            *f = frame(REP, f.start, 0.1);
        }
    }
    inputs.insert(at_ms(3_000), consent(BUYER, None));
    let mut call = CallSession::new(setup(scripted_ears(lines)));
    let (mut events, mut captions) = (Vec::new(), Vec::new());
    for input in [None].into_iter().chain(inputs.iter().map(Some)) {
        if let Some(input) = input {
            call.handle_input(input).unwrap();
        }
        loop {
            match call.poll_output() {
                Output::Event(e) => events.push(e),
                Output::Caption(c) => captions.push(c),
                Output::Job(_) => {}
                Output::Idle { .. } => break,
            }
        }
    }
    let got: Vec<String> = names(&events).into_iter().filter(|e| e.starts_with("3000")).collect();
    let want = [
        "3000 utterance_ended",
        "3000 card_closed",
        "3000 utterance_ended",
        "3000 consent_changed",
        "3000 words_erased",
        "3000 consent_awaited",
    ];
    assert_eq!(got, want, "the buyer's, then the rep's, who waits as well");
    let texts: Vec<_> = events
        .iter()
        .filter_map(|e| match &e.body {
            EventBody::UtteranceEnded { track, text, .. } => Some((*track, text.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(texts, [(BUYER, ""), (REP, "i see")]);
    let closed =
        events.iter().find_map(|e| if let EventBody::CardClosed { end, .. } = &e.body { Some(*end) } else { None });
    assert_eq!(closed, Some(CardEnd::Retracted));
    let last = captions.iter().rev().find(|c| c.track == BUYER).unwrap();
    assert_eq!((last.committed.as_str(), last.tail.as_str()), ("", ""));
    assert!(call.handle_input(&consent(BUYER, None)).is_ok());
    events.clear();
    drain(&mut call, &mut events);
    assert_eq!(names(&events), ["4000 consent_changed"], "there is nothing more to take back");
}

#[test]
fn who_has_left_can_take_back_what_was_said_also_after_a_restart() {
    let lines = || scripted_ears(script(&[(BUYER, 2_000, "it is too expensive")]));
    let mut inputs = two_tracks(2_500, 1_000..2_500);
    inputs.push(Input::TrackEnded(BUYER));
    let log = run(lines(), &inputs);
    inputs.push(consent(BUYER, None));
    let want = ["2500 card_closed", "2500 consent_changed", "2500 words_erased"];
    let got = names(&run(lines(), &inputs));
    assert_eq!(got[got.len() - 3..], want);
    let mut call = CallSession::resume(setup(lines()), &log);
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    call.handle_input(&consent(BUYER, None)).unwrap();
    drain(&mut call, &mut events);
    assert_eq!(names(&events)[1..], want);
}

#[test]
fn announcing_somebody_again_without_consent_erases_nothing() {
    let mut inputs = two_tracks(2_500, 1_000..2_500);
    inputs.push(without(BUYER));
    let got = names(&run(scripted_ears(script(&[(BUYER, 2_000, "too expensive")])), &inputs));
    assert_eq!(got[got.len() - 3..], ["2500 utterance_ended", "2500 track_added", "2500 consent_awaited"]);
}

#[test]
fn a_second_opinion_on_what_was_taken_back_is_not_wanted() {
    let lines = || scripted_ears(script(&[(BUYER, 1_500, "hello")]));
    let settings = SessionSettings { refine: true, ..SessionSettings::default() };
    let word = Word { text: "secret".into(), start: MediaTime::ZERO, end: MediaTime::ZERO, confidence: 1.0 };
    let refined = Input::Refined(Refined { utterance: UtteranceId(0), words: vec![word], model: "m".into() });
    let mut inputs = two_tracks(3_000, 1_000..2_000);
    inputs.push(refined.clone());
    inputs.push(refined.clone());
    let refinements = |inputs: &[Input]| {
        let mut call = CallSession::new(SessionSetup { settings, ..setup(lines()) });
        let mut events = Vec::new();
        drain(&mut call, &mut events);
        for input in inputs {
            call.handle_input(input).unwrap();
            drain(&mut call, &mut events);
        }
        events.iter().filter(|e| matches!(e.body, EventBody::UtteranceRefined { .. })).count()
    };
    assert_eq!(refinements(&inputs), 1, "one was asked for");
    inputs.insert(inputs.len() - 2, consent(BUYER, None));
    assert_eq!(refinements(&inputs), 0);
}

#[test]
fn everything_can_be_taken_back() {
    let mut inputs = two_tracks(4_000, 1_000..4_000);
    inputs.insert(at_ms(3_000), Input::Erase { reason: "revoked".to_owned() });
    let lines = script(&[(BUYER, 2_000, "it is too expensive"), (BUYER, 2_900, "a secret")]);
    let events = run(scripted_ears(lines), &inputs);
    let got: Vec<String> = names(&events).into_iter().filter(|e| e.starts_with("3000")).collect();
    let want = [
        "3000 utterance_ended",
        "3000 card_closed",
        "3000 consent_changed",
        "3000 consent_changed",
        "3000 call_erased",
        "3000 consent_awaited",
    ];
    assert_eq!(got, want, "with everybody's consent");
    assert!(!names(&events).iter().any(|e| e.starts_with("3060")), "nobody is heard any more");
}

#[test]
fn the_rep_can_stop_the_listening_and_take_it_up_again() {
    let coaching = |coaching| Input::Rep { at: MediaTime::ZERO, action: RepAction::SetCoaching { coaching } };
    let note = |text: &str| Input::Rep { at: MediaTime::ZERO, action: RepAction::Note { text: text.to_owned() } };
    let ears = || scripted_ears(script(&[(BUYER, 2_000, "too expensive")]));
    let mut inputs = two_tracks(40_000, 1_000..40_000);
    inputs.insert(at_ms(39_000), coaching(Coaching::Live));
    inputs.insert(at_ms(33_000), note("kept to myself"));
    inputs.insert(at_ms(30_000), coaching(Coaching::Off));
    inputs.insert(at_ms(20_000), Input::Paused(BUYER));
    inputs.insert(at_ms(20_000), note(&"x".repeat(3_000)));
    inputs.insert(at_ms(20_000), note("  "));
    inputs.insert(at_ms(9_000), coaching(Coaching::NotesOnly));
    inputs.insert(at_ms(9_000), coaching(Coaching::Live));
    let events = run(ears(), &inputs);
    let got = names(&events);
    let from = got.iter().position(|e| e.starts_with("9000")).unwrap();
    let want = [
        "9000 utterance_ended",
        "9000 card_closed",
        "9000 coaching_changed",
        "20000 note_taken",
        "30000 coaching_changed",
        "39000 coaching_changed",
        "39060 speech_started",
    ];
    assert_eq!(got[from..from + want.len()], want, "{got:?}");
    let EventBody::NoteTaken { text } = &events.iter().find(|e| name(&e.body) == "note_taken").unwrap().body else {
        panic!()
    };
    assert_eq!(text.len(), MAX_NOTE_CHARS);

    let witness = Witness::default();
    let settings = SessionSettings { coaching: Coaching::NotesOnly, ..SessionSettings::default() };
    let mut call = CallSession::new(SessionSetup { settings, ..setup(witness.ears()) });
    let mut events = Vec::new();
    drain(&mut call, &mut events);
    for input in two_tracks(20_000, 1_000..20_000) {
        call.handle_input(&input).unwrap();
        drain(&mut call, &mut events);
    }
    assert_eq!(names(&events), ["0 call_started", "0 coaching_changed", "0 track_added", "0 track_added"]);
    assert!(witness.heard().is_empty());
}

#[test]
fn the_rep_settles_who_is_who() {
    let party = |party| Input::Rep { at: MediaTime::ZERO, action: RepAction::SetParty { track: BUYER, party } };
    let bot_says = |party| Input::TrackAdded(TrackInfo { name: "Dana".into(), ..info(BUYER, party) });
    let inputs = [
        party(Party::Rep),
        bot_says(Party::Unknown),
        party(Party::Buyer),
        party(Party::Buyer),
        bot_says(Party::Unknown),
        bot_says(Party::Rep),
        bot_says(Party::Unknown),
    ];
    let parties = |events: &[Event]| -> Vec<Party> {
        events
            .iter()
            .filter_map(|e| if let EventBody::TrackAdded { track } = &e.body { Some(track.party) } else { None })
            .collect()
    };
    let events = run(scripted_ears(vec![]), &inputs);
    use Party::{Buyer, Rep, Unknown};
    assert_eq!(parties(&events), [Unknown, Buyer, Buyer, Rep, Unknown], "until the bot knows better");
    let mut call = CallSession::resume(setup(scripted_ears(vec![])), &events[..4]);
    let mut after = Vec::new();
    drain(&mut call, &mut after);
    call.handle_input(&bot_says(Unknown)).unwrap();
    drain(&mut call, &mut after);
    assert_eq!(parties(&after), [Buyer], "a restart forgets nothing the rep said");
}

#[test]
fn trouble_of_the_meeting_is_told_once() {
    use crate::input::{Disclosure, SourceState};
    let source = |state| Input::Source(SourceStatus { state, detail: String::new() });
    let inputs = [
        source(SourceState::WaitingRoom),
        source(SourceState::WaitingRoom),
        source(SourceState::Joined),
        Input::Disclosed(Disclosure { via: "chat".into(), text: "We take notes.".into() }),
    ];
    let got = names(&run(scripted_ears(vec![]), &inputs));
    assert_eq!(got[1..], ["0 source_changed", "0 source_changed", "0 disclosure_posted"]);
}

/// Who may be heard, worked out the simple way.
#[derive(Default)]
struct Oracle {
    present: BTreeMap<TrackId, bool>,
    each_own: bool,
    idle: bool,
}

impl Oracle {
    fn hears(&self, track: TrackId) -> bool {
        let own = self.present.get(&track) == Some(&true);
        !self.idle && own && (self.each_own || self.present.values().all(|agreed| *agreed))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever joins, leaves, agrees and withdraws in whatever order: frames of a held-back time, marked by their level,
    /// meet neither voice detector nor recogniser, then or later; and words of such a time stand in no event.
    #[test]
    fn nothing_held_back_is_ever_heard(
        steps in proptest::collection::vec((0u8..30, 0u16..3, any::<bool>()), 0..300),
    ) {
        let witness = Witness::default();
        let mut call = CallSession::new(setup(witness.ears()));
        let mut events = Vec::new();
        drain(&mut call, &mut events);
        let (mut oracle, mut ms) = (Oracle::default(), 0);
        for (kind, track, flag) in steps {
            let track = TrackId(track);
            let input = match kind {
                0..=2 => {
                    oracle.present.insert(track, flag);
                    Input::TrackAdded(TrackInfo { consent: flag.then(agreed).flatten(), ..info(track, Party::Buyer) })
                }
                3 => {
                    oracle.present.remove(&track);
                    Input::TrackEnded(track)
                }
                4 | 5 => {
                    oracle.present.entry(track).and_modify(|agreed| *agreed = flag);
                    consent(track, flag.then(agreed).flatten())
                }
                6 => {
                    oracle.each_own = flag;
                    let rule = if flag { ConsentRule::EachOwn } else { ConsentRule::Everyone };
                    Input::ConsentRule { rule, because: String::new() }
                }
                7 => {
                    oracle.idle = flag;
                    let coaching = if flag { Coaching::NotesOnly } else { Coaching::Live };
                    Input::Rep { at: MediaTime::ZERO, action: RepAction::SetCoaching { coaching } }
                }
                8 => {
                    let text = if oracle.hears(track) { "fine" } else { "leaked" };
                    let end = MediaTime::from_ms(ms);
                    let word = Word { text: text.into(), start: end, end, confidence: 1.0 };
                    let (words, tail) = if flag { (vec![word], vec![]) } else { (vec![], vec![word]) };
                    Input::Words { track, words, tail, done: flag }
                }
                9 => Input::Paused(track),
                _ => {
                    ms += 20;
                    let level = if oracle.hears(track) { 0.5 } else { -0.5 };
                    Input::Audio(frame(track, MediaTime::from_ms(ms), level))
                }
            };
            let _refused = call.handle_input(&input);
            drain(&mut call, &mut events);
        }
        let leaked = witness.heard().into_iter().find(|h| h.2 < 0.0);
        prop_assert!(leaked.is_none(), "{leaked:?}");
        prop_assert!(!lines(&events).contains("leaked"));
    }
}
