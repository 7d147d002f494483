//! Not a sample and not a word of what is held back gets through the assembler.

use std::collections::BTreeSet;

use proptest::prelude::*;
use reframe_audio::decode::to_s16le;
use reframe_call::audio::Party;

use super::*;
use crate::item::Words;

const A: TrackId = TrackId(0);
const B: TrackId = TrackId(1);
const PCM: Codec = Codec::PcmS16le { rate_hz: 16_000 };

fn agreed() -> Option<Consent> {
    Some(Consent { basis: "test".into(), reference: String::new() })
}

fn joins(track: TrackId, consent: Option<Consent>) -> What {
    let info = TrackInfo { id: track, party: Party::Unknown, name: format!("track {track}"), email: None, consent };
    What::Track { info, codec: PCM, who: Box::default() }
}

/// A call in which every packet is 20 ms of one level.
struct Call {
    assembler: Assembler,
    start: Instant,
    ms: u64,
    sent: BTreeMap<TrackId, u16>,
}

impl Call {
    fn new(consent: ConsentRule) -> Self {
        let config = AssemblerConfig { consent, ..AssemblerConfig::new(Mode::Live) };
        Self { assembler: Assembler::new(config), start: Instant::now(), ms: 0, sent: BTreeMap::new() }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    fn push(&mut self, what: What) {
        let arrived = self.now();
        self.assembler.push(IngestItem::new(arrived, what));
    }

    /// 20 ms of each track.
    fn packets(&mut self, tracks: &[TrackId], level: i16) {
        for &track in tracks {
            let sequence = self.sent.entry(track).or_default();
            *sequence = sequence.wrapping_add(1);
            let packet = Packet {
                track,
                sequence: Some(*sequence),
                timestamp_us: self.ms * 1_000,
                exact: true,
                payload: to_s16le(&[level; 320]),
            };
            self.push(What::Packet(packet));
        }
        self.ms += 20;
    }

    fn inputs(&mut self) -> Vec<Input> {
        let now = self.now();
        std::iter::from_fn(|| self.assembler.pop(now)).map(|(input, _)| input).collect()
    }

    /// What comes out within the next second, by level: the samples that are not silent.
    fn levels(&mut self) -> BTreeSet<(TrackId, i16)> {
        self.ms += 1_000;
        let inputs = self.inputs();
        let frames = inputs.iter().filter_map(|i| if let Input::Audio(f) = i { Some(f) } else { None });
        frames.flat_map(|f| f.samples.iter().map(|s| (f.track, level(*s)))).filter(|(_, level)| *level != 0).collect()
    }
}

#[allow(clippy::cast_possible_truncation)] // a sample is -1..1
fn level(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}

fn both(level: i16) -> BTreeSet<(TrackId, i16)> {
    [(A, level), (B, level)].into()
}

#[test]
fn while_one_has_not_agreed_nobody_is_decoded() {
    let mut call = Call::new(ConsentRule::Everyone);
    call.push(joins(A, agreed()));
    call.push(joins(B, None));
    call.packets(&[A, B], 1);
    assert_eq!(call.levels(), [].into(), "waiting for B");
    assert_eq!(call.assembler.counters().withheld, 2);
    call.push(What::Consent { track: B, consent: agreed() });
    call.packets(&[A, B], 2);
    assert_eq!(call.levels(), both(2));

    let late = TrackId(2);
    call.push(joins(late, None));
    call.packets(&[A, B, late], 3);
    assert_eq!(call.levels(), [].into(), "somebody joined late");
    call.push(What::Leave { track: late });
    call.packets(&[A, B], 4);
    assert_eq!(call.levels(), both(4), "and left again");

    call.push(What::Consent { track: A, consent: None });
    call.packets(&[A, B], 5);
    assert_eq!(call.levels(), [].into(), "A took it back");
    call.push(What::ConsentRule { rule: ConsentRule::EachOwn, because: "test".into() });
    call.packets(&[A, B], 6);
    assert_eq!(call.levels(), [(B, 6)].into(), "each for themselves");
}

#[test]
fn what_waits_goes_out_as_silence_once_consent_is_withdrawn() {
    let mut call = Call::new(ConsentRule::Everyone);
    call.push(joins(A, agreed()));
    call.push(joins(B, agreed()));
    call.packets(&[A, B], 1);
    assert_eq!(call.inputs().len(), 4);
    // B lags, so A's frames wait; half of one is still in work.
    call.packets(&[A], 2);
    let half = Packet { track: A, sequence: Some(3), timestamp_us: 40_000, exact: true, payload: to_s16le(&[3; 160]) };
    call.push(What::Packet(half));
    let text = Words { track: A, start_us: 40_000, end_us: 60_000, text: "secret".into(), last: true };
    call.push(What::Words(text));
    call.push(What::Consent { track: A, consent: None });
    call.ms += 1_000;
    let inputs = call.inputs();
    let frames: Vec<_> = inputs.iter().filter_map(|i| if let Input::Audio(f) = i { Some(f) } else { None }).collect();
    assert_eq!(frames.len(), 2, "the time still passes: {inputs:?}");
    assert!(frames.iter().all(|f| f.samples.iter().all(|s| *s == 0.0)));
    assert!(inputs.contains(&Input::Words { track: A, words: vec![], tail: vec![], done: true }), "{inputs:?}");
    assert_eq!(inputs.last(), Some(&Input::Consent { track: A, consent: None }));
}

#[test]
fn who_has_left_can_still_take_it_back() {
    let mut call = Call::new(ConsentRule::Everyone);
    call.push(joins(A, agreed()));
    call.packets(&[A], 1);
    call.push(What::Leave { track: A });
    call.inputs();
    call.push(What::Consent { track: A, consent: None });
    assert_eq!(call.inputs(), [Input::Consent { track: A, consent: None }]);
}

#[test]
fn erasing_makes_silence_of_everything_that_waits() {
    let mut call = Call::new(ConsentRule::Everyone);
    call.push(joins(A, agreed()));
    call.push(joins(B, agreed()));
    call.packets(&[A, B], 1);
    call.inputs();
    // A lags, so B's frame waits.
    call.packets(&[B], 2);
    call.push(What::Erase { reason: "revoked".into() });
    assert_eq!(call.inputs(), [Input::Erase { reason: "revoked".into() }], "at once");
    assert_eq!(call.levels(), [].into());
    call.packets(&[A, B], 3);
    assert_eq!(call.levels(), [].into(), "everybody's consent ends with it");
}

/// Who may be heard, worked out the simple way.
#[derive(Default)]
struct Oracle {
    /// Who is present, and agreed.
    present: BTreeMap<TrackId, bool>,
    /// How often each took consent back.
    withdrawn: BTreeMap<TrackId, i16>,
    each_own: bool,
}

impl Oracle {
    fn hears(&self, track: TrackId) -> bool {
        let own = self.present.get(&track) == Some(&true);
        own && (self.each_own || self.present.values().all(|agreed| *agreed))
    }

    fn level(&self, track: TrackId) -> i16 {
        100 + self.withdrawn.get(&track).copied().unwrap_or(0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Packets that must not be heard are loud downwards, those that may be heard are loud upwards, and louder each time
    /// their owner took consent back: nothing from before may come out after that.
    #[test]
    fn not_a_sample_of_a_held_back_time_comes_out(
        steps in prop::collection::vec((0u16..3, 0u8..24, 1usize..900, any::<bool>()), 1..150),
        each_own in any::<bool>(),
    ) {
        let rule = |own| if own { ConsentRule::EachOwn } else { ConsentRule::Everyone };
        let mut call = Call::new(rule(each_own));
        let mut oracle = Oracle { each_own, ..Oracle::default() };
        for (track, kind, samples, flag) in steps {
            let track = TrackId(track);
            let what = match kind {
                0..=2 => {
                    oracle.present.insert(track, flag);
                    joins(track, flag.then(agreed).flatten())
                }
                3 => {
                    oracle.present.remove(&track);
                    What::Leave { track }
                }
                4 | 5 => {
                    oracle.present.entry(track).and_modify(|agreed| *agreed = flag);
                    if !flag {
                        *oracle.withdrawn.entry(track).or_default() += 1;
                    }
                    What::Consent { track, consent: flag.then(agreed).flatten() }
                }
                6 => {
                    oracle.each_own = flag;
                    What::ConsentRule { rule: rule(flag), because: String::new() }
                }
                7 => What::Pause { track },
                8 => What::Resumed,
                _ => {
                    let level = if oracle.hears(track) { oracle.level(track) } else { -1 };
                    let sequence = call.sent.entry(track).or_default();
                    *sequence = sequence.wrapping_add(1);
                    let (sequence, payload) = (Some(*sequence), to_s16le(&vec![level; samples]));
                    let timestamp_us = call.ms * 1_000;
                    call.ms += samples as u64 / 16;
                    What::Packet(Packet { track, sequence, timestamp_us, exact: flag, payload })
                }
            };
            let gone = matches!(what, What::Leave { .. });
            call.push(what);
            if flag || gone {
                for input in call.inputs() {
                    let Input::Audio(frame) = input else { continue };
                    for sample in frame.samples.iter().map(|s| level(*s)).filter(|s| *s != 0) {
                        prop_assert!(sample > 0, "a sample of track {} that was held back", frame.track);
                        prop_assert_eq!(sample, oracle.level(frame.track), "a sample from before it was withdrawn");
                    }
                }
            }
        }
    }
}
