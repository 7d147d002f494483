//! A call's thread that goes wrong must leave the others alone.

use std::sync::Arc;

use reframe_audio::decode::Codec;
use reframe_call::{
    audio::{AudioFrame, Consent, Party, TrackInfo},
    recognize::{Bias, RecognizeError, Recognized, Recognizer, RecognizerStream},
    session::{Ears, SessionSettings, SessionSetup},
    testing::deaf_ears,
};
use reframe_ingest::item::Packet;
use reframe_serve::{CallMeta, Hub, HubOptions, Metrics, Token};
use reframe_store::{CallState, EventLog, MemoryLog, NewCall, Store};

use super::*;
use crate::{
    queue::WhenFull,
    server::{admission::Rules, erasures::Eraser, log_writer::LogWriter},
};

/// A recogniser that takes its time once, and fails at the next frame if it is told to.
#[derive(Clone, Copy)]
struct Slow {
    in_finish: bool,
    then_fail: bool,
}

/// Longer than a call's queue must be half full for it to count as behind.
const TOO_LONG: Duration = Duration::from_millis(1_100);

impl Recognizer for Slow {
    fn id(&self) -> String {
        "slow".to_owned()
    }

    fn start(&self, _: TrackId, _: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        Ok(Box::new(SlowStream { how: *self, frames: 0 }))
    }
}

struct SlowStream {
    how: Slow,
    frames: u32,
}

impl RecognizerStream for SlowStream {
    fn accept(&mut self, _: &AudioFrame, _: &mut Vec<Recognized>) {
        self.frames += 1;
        if self.frames == 1 && !self.how.in_finish {
            std::thread::sleep(TOO_LONG);
        }
        assert!(!(self.how.then_fail && self.frames > 30), "it was told to fail");
    }

    fn finish(&mut self, _: &mut Vec<Recognized>) {
        if self.how.in_finish {
            std::thread::sleep(TOO_LONG);
        }
    }
}

/// Runs a call with these messages waiting for it. Gives how it ended, its log and the engine's counters.
fn run(how: Slow, capacity: usize, messages: Vec<What>) -> (Outcome, Vec<Event>, CallState, Arc<EngineStats>) {
    run_with(SessionSettings::default(), how, capacity, messages, |_, _| {})
}

/// The same, with `meanwhile` going on beside it.
fn run_with(
    settings: SessionSettings,
    how: Slow,
    capacity: usize,
    messages: Vec<What>,
    meanwhile: impl FnOnce(&Inbox, &MemoryLog) + Send + 'static,
) -> (Outcome, Vec<Event>, CallState, Arc<EngineStats>) {
    let log = Arc::new(MemoryLog::new());
    let id = Arc::new(CallId::new("c").unwrap());
    let call = NewCall {
        id: (*id).clone(),
        title: String::new(),
        playbook: String::new(),
        started_unix_ms: 0,
        token_hash: String::new(),
    };
    log.create(&call).unwrap();
    let writer = LogWriter::start(Arc::clone(&log) as Arc<dyn Store>, 64).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::clone(&log) as Arc<dyn Store>;
    let eraser = Eraser::start(Arc::clone(&store), writer.handle(), dir.path().into()).unwrap();
    let hub = Hub::new(HubOptions::default(), &Metrics::new());
    let meta = CallMeta { id: "c".into(), title: String::new(), token: Token::generate() };
    let stats = Arc::<EngineStats>::default();
    let (queue, parker) = InputQueue::new(capacity, WhenFull::DropOldest);
    let inbox = Arc::new(Inbox::new(queue, Arc::clone(&stats)));
    for what in messages {
        assert_eq!(inbox.put(Message::Item(IngestItem::new(Instant::now(), what))), Some(0));
    }
    let setup = SessionSetup {
        settings,
        playbook: crate::playbooks::load(None).unwrap(),
        context: Vec::new(),
        deal: reframe_call::deal::Deal::default(),
        ears: Ears { recognizer: Arc::new(how), voice: deaf_ears().voice },
        semantic: None,
    };
    let thread = CallThread {
        id: Arc::clone(&id),
        inbox: Arc::clone(&inbox),
        runner: Runner::new(setup, &[], None).unwrap(),
        screen: hub.open_call(meta, Arc::new(|_| true)).unwrap(),
        log: writer.handle(),
        refine: None,
        admission: Admission::new(Arc::clone(&id), Rules::default().into(), Arc::clone(&store), writer.handle(), &[]),
        erasures: eraser.handle(),
        stats: Arc::clone(&stats),
        mode: Mode::Live,
        starts_at: MediaTime::ZERO,
    };
    let watched = Arc::clone(&log);
    let beside = std::thread::spawn(move || meanwhile(&inbox, &watched));
    let outcome = thread.run(&parker);
    beside.join().unwrap();
    assert!(writer.handle().flush(Duration::from_secs(10)));
    let state = log.call(&id).unwrap().unwrap().state;
    (outcome, log.read(&id, 0).unwrap(), state, stats)
}

fn track() -> What {
    let consent = Some(Consent { basis: "test".into(), reference: String::new() });
    let info = TrackInfo { id: TrackId(0), party: Party::Buyer, name: String::new(), email: None, consent };
    What::Track { info, codec: Codec::PcmS16le { rate_hz: 16_000 }, who: Box::default() }
}

/// 20 ms in which every sample is loud.
fn packet(n: u16) -> What {
    let payload = 20_000i16.to_le_bytes().repeat(320);
    What::Packet(Packet {
        track: TrackId(0),
        sequence: Some(n),
        timestamp_us: u64::from(n) * 20_000,
        exact: false,
        payload,
    })
}

#[test]
fn a_call_to_which_no_sound_comes_at_all_says_so() {
    let settings = SessionSettings { stall_ms: 100, ..SessionSettings::default() };
    let stalled = |e: &Event| matches!(e.body, EventBody::AudioStalled { .. });
    let how = Slow { in_finish: false, then_fail: false };
    let (_, events, _, _) = run_with(settings, how, 100, vec![track()], move |inbox, log| {
        let until = Instant::now() + Duration::from_secs(30);
        while !log.read(&CallId::new("c").unwrap(), 0).unwrap().iter().any(stalled) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Sound comes late, and the call goes on as if nothing had been.
        inbox.put(Message::Item(IngestItem::new(Instant::now(), packet(0))));
        inbox.put(Message::Item(IngestItem::new(Instant::now(), What::End)));
    });
    let kinds: Vec<u64> = events.iter().filter(|e| stalled(e)).map(|e| e.at.ms()).collect();
    assert_eq!(kinds, [0], "once, at no media time: {events:?}");
    assert!(events.iter().any(|e| matches!(e.body, EventBody::AudioResumed)), "{events:?}");
}

#[test]
fn a_call_that_fails_while_it_is_behind_does_not_keep_others_out() {
    let messages = std::iter::once(track()).chain((0..90).map(packet)).collect();
    let (outcome, events, state, stats) = run(Slow { in_finish: false, then_fail: true }, 100, messages);
    assert!(outcome.failed);
    assert!(events.iter().any(|e| matches!(e.body, EventBody::LoadChanged { load: Load::High })), "{events:?}");
    assert!(matches!(events.last().unwrap().body, EventBody::CallFailed { .. }));
    assert_eq!(state, CallState::Failed);
    assert!(!stats.is_overloaded());
}

#[test]
fn a_call_that_falls_behind_at_its_very_end_ends_well() {
    let spoken = (0..20).map(packet);
    let too_late = (20..60).map(packet);
    let messages = std::iter::once(track()).chain(spoken).chain([What::End]).chain(too_late).collect();
    let (outcome, events, state, stats) = run(Slow { in_finish: true, then_fail: false }, 64, messages);
    assert!(!outcome.failed, "{:?}", events.last());
    assert!(matches!(events.last().unwrap().body, EventBody::CallEnded { .. }));
    assert_eq!(state, CallState::Ended);
    assert!(!stats.is_overloaded());
}

fn inbox(capacity: usize, rule: WhenFull) -> Inbox {
    Inbox::new(InputQueue::new(capacity, rule).0, Arc::default())
}

#[test]
fn what_is_pushed_out_is_counted_whoever_pushed() {
    let inbox = inbox(2, WhenFull::DropOldest);
    let high = Packet { track: TrackId(200), sequence: None, timestamp_us: 0, exact: false, payload: vec![0] };
    inbox.put(Message::Item(IngestItem::new(Instant::now(), What::Packet(high))));
    inbox.put(Message::Rep(RepAction::Next));
    let refined = Refined { utterance: reframe_call::event::UtteranceId(0), words: Vec::new(), model: String::new() };
    assert_eq!(inbox.put(Message::Refined { refined, erasures: 0 }), Some(1), "a click makes the audio go");
    assert_eq!(inbox.stats.queue_dropped.load(Ordering::Relaxed), 1);
    assert_eq!(inbox.take_overflowed().collect::<Vec<_>>(), [TrackId(200)], "and its own track is told");
    assert_eq!(inbox.put(Message::Item(IngestItem::new(Instant::now(), What::Resumed))), Some(0));
    assert!(matches!(inbox.queue.pop(), Some(Message::Rep(_))), "the click is not lost");
}

#[test]
fn a_second_opinion_finds_its_way_into_a_full_recording() {
    let inbox = inbox(1, WhenFull::Block);
    inbox.put(Message::Item(IngestItem::new(Instant::now(), packet(0))));
    let refined = Refined { utterance: reframe_call::event::UtteranceId(0), words: Vec::new(), model: String::new() };
    assert_eq!(inbox.put(Message::Refined { refined, erasures: 0 }), Some(0));
    assert!(matches!(inbox.queue.pop(), Some(Message::Refined { .. })));
}

#[test]
fn news_that_nobody_reads_ends_the_call_and_does_not_grow() {
    let inbox = inbox(4, WhenFull::DropOldest);
    let withdrawn = || IngestItem::new(Instant::now(), What::Consent { track: TrackId(0), consent: None });
    let taken = (0..100_000).filter(|_| inbox.put(Message::Item(withdrawn())).is_some()).count();
    assert!(inbox.queue.is_closed());
    assert!((1_024..2_000).contains(&taken), "{taken}");
    assert_eq!(std::iter::from_fn(|| inbox.queue.pop()).count(), taken, "and what was taken is not lost");
}
