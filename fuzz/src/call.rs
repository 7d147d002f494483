//! Any sequence of inputs into a call: it never panics, and its log is always in order.

use std::sync::{Arc, OnceLock};

use reframe_call::{
    audio::{Consent, FRAME_US, Party, TrackId, TrackInfo},
    event::{CardId, Eraser, Event, EventBody, UtteranceId},
    input::{
        Coaching, ConsentRule, Disclosure, GapReason, Input, InputError, Load, Refined, RepAction, SourceState,
        SourceStatus,
    },
    output::{Job, Output},
    playbook::Playbook,
    recognize::Word,
    session::{CallSession, SessionSettings, SessionSetup},
    testing::{frame, scripted_ears},
    time::MediaTime,
};

use crate::bytes::Bytes;

/// A playbook with everything a play can have, in few plays.
const PLAYBOOK: &str = include_str!("../seeds/playbook/small.toml");

/// What may be said: phrases of the playbook, what holds them back, and nothing in particular.
const SAID: &[&str] = &[
    "too expensive",
    "not too expensive",
    "honestly it is too expensive for us",
    "we already use",
    "maybe next quarter",
    "just joking",
    "",
    "well",
    "so how was your weekend",
    "is it too expensive",
];

/// What the recogniser will hear: a track, a time, and the words.
pub type Script = Vec<(TrackId, MediaTime, String)>;

pub fn script(bytes: &mut Bytes<'_>) -> Script {
    let mut at = 0;
    (0..bytes.below(9))
        .map(|_| {
            at += u64::from(bytes.byte()) * 20;
            let said = SAID[usize::from(bytes.byte()) % SAID.len()];
            (TrackId(u16::from(bytes.below(3))), MediaTime::from_ms(at), said.to_owned())
        })
        .collect()
}

fn playbook() -> Arc<Playbook> {
    static PARSED: OnceLock<Arc<Playbook>> = OnceLock::new();
    Arc::clone(PARSED.get_or_init(|| {
        let (playbook, problems) = reframe_call::playbook::parse("small.toml", PLAYBOOK);
        Arc::new(playbook.unwrap_or_else(|| panic!("the seed playbook must be good: {problems:?}")))
    }))
}

/// A call that is watched while it runs.
pub struct Checked {
    session: CallSession,
    script: Script,
    next_seq: u64,
    at: MediaTime,
    last: bool,
    log: Vec<Event>,
}

impl Checked {
    pub fn new(script: Script) -> Self {
        let session = CallSession::new(setup(&script));
        let mut this = Self { session, script, next_seq: 0, at: MediaTime::ZERO, last: false, log: Vec::new() };
        this.drain();
        this
    }

    /// Restarts the call in the middle, as a server does after a crash.
    pub fn resume(&mut self) {
        self.session = CallSession::resume(setup(&self.script), &self.log);
        self.drain();
    }

    pub fn input(&mut self, input: &Input) -> Result<(), InputError> {
        if std::env::var_os("FUZZ_SHOW").is_some() {
            eprintln!("{:?} <- {}", self.session.now(), shown(input));
        }
        let outcome = self.session.handle_input(input);
        self.drain();
        outcome
    }

    pub fn ended(&self) -> bool {
        self.session.ended() && self.last
    }

    /// Takes everybody's words out of the log: none may be left, and a second time there is nothing to take.
    fn erase(&mut self) {
        for track in (0..3).map(TrackId) {
            let mut eraser = Eraser::new(track);
            for event in &mut self.log {
                eraser.event(event);
            }
            let mut eraser = Eraser::new(track);
            assert!(!self.log.iter_mut().any(|event| eraser.event(event)), "a word was left");
        }
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Event(event) => self.event(event),
                Output::Caption(_) => {}
                Output::Job(Job::Refine { samples, .. }) => {
                    assert!(samples.len() < 16_000 * 3_600, "an utterance of more than an hour");
                }
                Output::Idle { deadline } => {
                    let now = self.session.now();
                    let late = deadline.filter(|d| *d <= now);
                    assert_eq!(late, None, "a timer was due by {now:?} and did not fire");
                    return;
                }
            }
        }
    }

    fn event(&mut self, event: Event) {
        assert!(!self.last, "an event after the last one: {event:?}");
        assert_eq!(event.seq, self.next_seq, "a hole in the log");
        assert!(event.at >= self.at, "time went backwards at {event:?}");
        self.next_seq += 1;
        self.at = event.at;
        self.last = matches!(event.body, EventBody::CallEnded { .. });
        let line = serde_json::to_string(&event).expect("an event has a JSON form");
        let again: Event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(again, event, "the log does not hold what happened");
        self.log.push(event);
    }
}

/// An input in a line; a frame without its samples.
fn shown(input: &Input) -> String {
    match input {
        Input::Audio(frame) => format!("Audio {:?} {:?} {}", frame.track, frame.start, frame.samples[0]),
        other => format!("{other:?}"),
    }
}

fn setup(script: &Script) -> SessionSetup {
    SessionSetup {
        settings: SessionSettings { refine: script.len() % 2 == 1, ..SessionSettings::default() },
        playbook: playbook(),
        context: Vec::new(),
        deal: reframe_call::deal::Deal::default(),
        ears: scripted_ears(script.clone()),
        semantic: None,
    }
}

fn party(bytes: &mut Bytes<'_>) -> Party {
    [Party::Buyer, Party::Rep, Party::Unknown][usize::from(bytes.below(3))]
}

fn words_of(said: &str, start_us: u64, end_us: u64) -> Vec<Word> {
    let (start, end) = (MediaTime::from_us(start_us), MediaTime::from_us(end_us));
    said.split_whitespace().map(|w| Word { text: w.into(), start, end, confidence: 0.5 }).collect()
}

fn words(bytes: &mut Bytes<'_>, at: u64) -> Vec<Word> {
    let said = SAID[usize::from(bytes.byte()) % SAID.len()];
    words_of(said, bytes.time_us(at), bytes.time_us(at))
}

/// Inputs of every kind, in any order, with any times.
pub fn call(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut call = Checked::new(script(&mut bytes));
    let mut at = 0_u64;
    let mut inputs = 0;
    while !bytes.is_empty() && inputs < 300 {
        inputs += 1;
        let track = TrackId(u16::from(bytes.below(3)));
        let input = match bytes.below(24) {
            0 | 1 => {
                let consent =
                    (bytes.below(4) != 0).then(|| Consent { basis: "fixture".into(), reference: String::new() });
                let party = party(&mut bytes);
                Input::TrackAdded(TrackInfo { id: track, party, name: "x".into(), email: None, consent })
            }
            2 => {
                let consent =
                    (bytes.below(2) == 0).then(|| Consent { basis: "verbal".into(), reference: String::new() });
                Input::Consent { track, consent }
            }
            3 => {
                let until = MediaTime::from_us(bytes.time_us(at));
                Input::Gap { track, until, reason: GapReason::Lost }
            }
            4 => Input::Tick(MediaTime::from_us(bytes.time_us(at))),
            5 | 6 => {
                let card = CardId(u32::from(bytes.below(4)));
                let action = match bytes.below(8) {
                    0 => RepAction::Used { card },
                    1 => RepAction::Dismiss { card },
                    2 => RepAction::Pin { card },
                    3 => RepAction::SetParty { track, party: party(&mut bytes) },
                    4 => RepAction::SetCoaching {
                        coaching: [Coaching::Live, Coaching::NotesOnly, Coaching::Off][usize::from(bytes.below(3))],
                    },
                    5 => RepAction::Note { text: "n".repeat(usize::from(bytes.byte()) * 20) },
                    6 => RepAction::Wrong { card },
                    _ => RepAction::Next,
                };
                Input::Rep { at: MediaTime::from_us(bytes.time_us(at)), action }
            }
            7 => {
                let words = words_of(SAID[usize::from(bytes.byte()) % SAID.len()], 0, u64::MAX);
                let utterance = UtteranceId(u32::from(bytes.below(4)));
                Input::Refined(Refined { utterance, words, model: "fuzz".into() })
            }
            8 => Input::Load(if bytes.below(2) == 0 { Load::Normal } else { Load::High }),
            9 => Input::TrackEnded(track),
            16 | 17 => {
                let words = words(&mut bytes, at);
                let tail = words_of(SAID[usize::from(bytes.byte()) % SAID.len()], at, at);
                Input::Words { track, words, tail, done: bytes.below(2) == 0 }
            }
            18 => Input::Paused(track),
            19 => {
                let state = if bytes.below(2) == 0 { SourceState::Joined } else { SourceState::Reconnecting };
                Input::Source(SourceStatus { state, detail: String::new() })
            }
            20 => Input::Disclosed(Disclosure { via: "chat".into(), text: "x".into() }),
            21 => {
                let rule = if bytes.below(2) == 0 { ConsentRule::Everyone } else { ConsentRule::EachOwn };
                Input::ConsentRule { rule, because: "fuzz".into() }
            }
            22 if bytes.below(4) == 0 => Input::Erase { reason: "fuzz".into() },
            10 if bytes.below(16) == 0 => Input::End,
            11 if bytes.below(8) == 0 && !call.ended() => {
                call.resume();
                continue;
            }
            _ => {
                // A run of frames, as audio comes.
                let (count, level) = (u64::from(bytes.byte()), f32::from(bytes.below(2)) * 0.5);
                let start = bytes.time_us(at);
                at = start;
                for n in 0..count {
                    let start = MediaTime::from_us(start.saturating_add(n * FRAME_US));
                    at = start.plus_us(FRAME_US).us();
                    if call.input(&Input::Audio(frame(track, start, level))).is_err() {
                        break;
                    }
                }
                continue;
            }
        };
        let _ = call.input(&input);
    }
    let ended = call.input(&Input::End);
    assert!(ended.is_ok() || ended == Err(InputError::Ended), "{ended:?}");
    assert!(call.ended(), "the call did not end with call_ended");
    assert_eq!(call.input(&Input::End), Err(InputError::Ended));
    call.erase();
}
