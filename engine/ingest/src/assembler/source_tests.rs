//! What meetings send besides steady audio: words, pauses, silence that is not sent, timestamps that count samples.

use reframe_audio::decode::to_s16le;
use reframe_call::{
    audio::Party,
    input::{SourceState, SourceStatus},
    recognize::Word,
};

use super::*;
use crate::item::Words;

const A: TrackId = TrackId(0);
const B: TrackId = TrackId(1);
const PCM: Codec = Codec::PcmS16le { rate_hz: 16_000 };

fn joins(track: TrackId, codec: Codec) -> What {
    let consent = Some(Consent { basis: "test".into(), reference: String::new() });
    let info = TrackInfo { id: track, party: Party::Unknown, name: format!("track {track}"), email: None, consent };
    What::Track { info, codec, who: Box::default() }
}

struct Call {
    assembler: Assembler,
    start: Instant,
}

impl Call {
    fn new(tracks: &[(TrackId, Codec)]) -> Self {
        let mut this = Self { assembler: Assembler::new(AssemblerConfig::new(Mode::Live)), start: Instant::now() };
        for &(track, codec) in tracks {
            this.push(0, joins(track, codec));
        }
        this.drain(0);
        this
    }

    fn push(&mut self, ms: u64, what: What) {
        let arrived = self.start + Duration::from_millis(ms);
        self.assembler.push(IngestItem::new(arrived, what));
    }

    fn packet(&mut self, ms: u64, track: TrackId, sequence: u16, timestamp_us: u64, payload: Vec<u8>) {
        self.push(ms, What::Packet(Packet { track, sequence: Some(sequence), timestamp_us, exact: true, payload }));
    }

    fn words(&mut self, ms: u64, start_us: u64, end_us: u64, text: &str, last: bool) {
        self.push(ms, What::Words(Words { track: A, start_us, end_us, text: text.into(), last }));
    }

    fn drain(&mut self, ms: u64) -> Vec<Input> {
        let now = self.start + Duration::from_millis(ms);
        std::iter::from_fn(|| self.assembler.pop(now)).map(|(input, _)| input).collect()
    }
}

type Timed = Vec<(String, u64, u64)>;

/// Words in short: those that stay, those that may change, each with its times in ms, and whether that is all.
fn said(input: &Input) -> (Timed, Timed, bool) {
    let Input::Words { words, tail, done, .. } = input else { panic!("{input:?}") };
    let short = |words: &[Word]| words.iter().map(|w| (w.text.clone(), w.start.ms(), w.end.ms())).collect::<Timed>();
    (short(words), short(tail), *done)
}

fn timed(words: &[(&str, u64, u64)]) -> Timed {
    words.iter().map(|&(text, start, end)| (text.to_owned(), start, end)).collect()
}

#[test]
fn words_are_spread_over_their_time_and_tell_the_calls_time() {
    let mut call = Call::new(&[(A, PCM)]);
    call.words(0, 5_000_000, 5_600_000, "it is  too", false);
    call.words(500, 5_000_000, 5_800_000, "it is too expensive", true);
    let inputs = call.drain(500);
    let all = timed(&[("it", 0, 200), ("is", 200, 400), ("too", 400, 600), ("expensive", 600, 800)]);
    assert_eq!(said(&inputs[0]), (vec![], all[..3].to_vec(), false));
    assert_eq!(said(&inputs[1]), (all, vec![], true));
    let now = call.start + Duration::from_millis(500);
    assert_eq!(call.assembler.clock().now(now).map(MediaTime::ms), Some(1_100), "the first words ended as they came");
}

#[test]
fn words_with_impossible_times_are_taken_all_the_same() {
    let mut call = Call::new(&[(A, PCM)]);
    call.words(0, 1_000_000, 2_000_000, "one", true);
    call.words(10, 500_000, 700_000, "two", true);
    call.words(20, 9_000_000_000_000, u64::MAX, "three", true);
    call.words(30, 2_000_000, 1_000_000, "four", true);
    call.words(40, 0, 0, "", true);
    let inputs = call.drain(1_000);
    let times: Vec<_> = inputs.iter().map(|i| said(i).0.first().map(|w| (w.1, w.2))).collect();
    assert_eq!(times, [Some((0, 1_000)), Some((1_000, 1_000)), Some((1_020, 1_020)), Some((1_020, 1_020)), None]);
}

#[test]
fn who_speaks_in_words_is_not_waited_for() {
    let mut call = Call::new(&[(A, PCM), (B, PCM)]);
    call.packet(20, B, 1, 0, to_s16le(&[1; 320]));
    call.words(30, 0, 20_000, "hello", false);
    assert_eq!(call.drain(30).len(), 2);
    call.packet(40, B, 2, 20_000, to_s16le(&[1; 320]));
    assert!(matches!(call.drain(40)[..], [Input::Audio(_)]), "at once");
}

#[test]
fn a_pause_lets_go_what_is_there_and_nobody_waits() {
    let mut call = Call::new(&[(A, PCM), (B, PCM)]);
    call.packet(20, A, 1, 0, to_s16le(&[1; 480]));
    call.packet(20, B, 1, 0, to_s16le(&[1; 320]));
    call.push(25, What::Pause { track: A });
    let inputs = call.drain(25);
    assert_eq!(inputs.iter().filter(|i| matches!(i, Input::Audio(_))).count(), 3, "the half frame is filled up");
    assert_eq!(inputs.last(), Some(&Input::Paused(A)));
    call.packet(40, B, 2, 20_000, to_s16le(&[1; 320]));
    call.packet(60, B, 3, 40_000, to_s16le(&[1; 320]));
    assert_eq!(call.drain(60).len(), 2, "B goes on alone");
    call.packet(5_000, A, 2, 5_000_000, to_s16le(&[1; 320]));
    call.packet(5_000, B, 4, 60_000, to_s16le(&[1; 320]));
    let inputs = call.drain(5_300);
    let gap = Input::Gap { track: A, until: MediaTime::from_ms(5_000), reason: GapReason::Sender };
    assert!(inputs.contains(&gap), "no gap");
}

/// One track is silent with discontinuous transmission, a packet of one byte each 400 ms; the other speaks on.
#[test]
fn silence_that_is_not_sent_holds_nobody_up() {
    let mut call = Call::new(&[(A, Codec::Opus { pre_skip: 0 }), (B, PCM)]);
    let (mut frames_of_a, mut gaps) = (0, 0);
    for n in 0..200u16 {
        let ms = u64::from(n) * 20;
        if n % 20 == 0 {
            call.packet(ms, A, n / 20, ms * 1_000, vec![0x48]);
        }
        call.packet(ms, B, n, ms * 1_000, to_s16le(&[1; 320]));
        let inputs = call.drain(ms);
        let of = |track| move |i: &&Input| matches!(i, Input::Audio(f) if f.track == track);
        assert_eq!(inputs.iter().filter(of(B)).count(), 1, "packet {n} of the other waits for nothing");
        frames_of_a += inputs.iter().filter(of(A)).count();
        gaps += inputs.iter().filter(|i| matches!(i, Input::Gap { .. })).count();
    }
    assert_eq!((frames_of_a, gaps), (181, 0), "its silence is silence, not a gap");
    assert_eq!(call.assembler.counters().idled, 0);
}

#[test]
fn exact_timestamps_are_followed_both_ways() {
    let click = || {
        let mut samples = [0i16; 960];
        samples[959] = 20_000;
        to_s16le(&samples)
    };
    // Packets of 60 ms: in order, 20 ms back, in order, 10 ms ahead.
    let starts_ms = [0u64, 60, 100, 160, 230];
    let run = |exact: bool| {
        let mut call = Call::new(&[(A, PCM)]);
        for (n, start) in (1u16..).zip(starts_ms) {
            let packet = Packet { track: A, sequence: Some(n), timestamp_us: start * 1_000, exact, payload: click() };
            call.push(n.into(), What::Packet(packet));
        }
        call.push(10, What::End);
        let samples: Vec<f32> = call
            .drain(10)
            .into_iter()
            .flat_map(|i| match i {
                Input::Audio(f) => f.samples.to_vec(),
                Input::Gap { .. } => panic!("too short for a gap"),
                _ => vec![],
            })
            .collect();
        let clicks: Vec<usize> = samples.iter().enumerate().filter(|(_, s)| **s > 0.5).map(|(n, _)| n / 16).collect();
        (clicks, call.assembler.track_counters()[&A])
    };
    let (clicks, counters) = run(true);
    assert_eq!(clicks, [59, 119, 159, 219, 289], "each packet ends where its timestamp says");
    assert_eq!((counters.trimmed, counters.late, counters.concealed_ms), (1, 0, 10));
    let (clicks, counters) = run(false);
    assert_eq!(clicks, [59, 119, 179, 239, 299], "else small steps are jitter");
    assert_eq!((counters.trimmed, counters.late, counters.concealed_ms), (0, 0, 0));
}

#[test]
fn news_about_the_call_wait_for_nobody() {
    let mut call = Call::new(&[(A, PCM), (B, PCM)]);
    call.packet(20, B, 1, 0, to_s16le(&[1; 320]));
    let source = SourceStatus { state: SourceState::Reconnecting, detail: String::new() };
    call.push(20, What::Source(source.clone()));
    assert_eq!(call.drain(20), [Input::Source(source)]);
}
