//! Speakers who move, overlap, come unnamed, pause and leave.

use proptest::prelude::*;

use super::*;
use crate::meet::protocol::{MediaEntry, Participant, Update, User};

const ANN: u32 = 10;
const BO: u32 = 20;
const MOST: usize = 16;

fn update<T>(resources: Vec<(i64, T)>) -> Update<T> {
    Update { resources, deleted: vec![], response: None, unknown: 0 }
}

struct Scene {
    roster: Roster,
    voices: Voices,
    out: Vec<Say>,
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self { roster: Roster::new(), voices: Voices::new(MOST), out: vec![] };
        scene.comes("Ann", ANN);
        scene.comes("Bo", BO);
        scene
    }

    fn comes(&mut self, name: &str, csrc: u32) {
        let key = Some(format!("p/{}", name.to_lowercase()));
        let entry = MediaEntry { participant_key: key.clone(), audio_csrc: Some(csrc), ..MediaEntry::default() };
        let user = Some(User { user: None, display_name: Some(name.into()) });
        let participant = Participant { participant_key: key, signed_in_user: user, ..Participant::default() };
        let mut changes = self.roster.participants(update(vec![(csrc.into(), participant)]));
        changes.extend(self.roster.entries(update(vec![(csrc.into(), entry)])));
        self.voices.people(0, changes, &self.roster, &mut self.out);
    }

    fn goes(&mut self, csrc: u32) {
        let mut changes = self.roster.entries(Update { deleted: vec![csrc.into()], ..update(vec![]) });
        changes.extend(self.roster.participants(Update { deleted: vec![csrc.into()], ..update(vec![]) }));
        self.voices.people(0, changes, &self.roster, &mut self.out);
    }

    /// A packet of the time `ms`, heard at once, and the tick after it.
    fn hear(&mut self, ms: u64, ssrc: u32, csrc: Option<u32>) -> Vec<Say> {
        self.piece(ms, piece(ms, ssrc, csrc))
    }

    fn piece(&mut self, now_ms: u64, piece: Piece) -> Vec<Say> {
        self.out.clear();
        self.voices.hear(now_ms * 1_000, piece, &self.roster, &mut self.out);
        self.voices.tick(now_ms * 1_000, &self.roster, &mut self.out);
        self.out.clone()
    }

    fn tick(&mut self, ms: u64) -> Vec<Say> {
        self.out.clear();
        self.voices.tick(ms * 1_000, &self.roster, &mut self.out);
        self.out.clone()
    }
}

fn piece(ms: u64, ssrc: u32, csrc: Option<u32>) -> Piece {
    Piece { ssrc, csrc, at_us: ms * 1_000, length_us: 20_000, lost_before: 0, payload: vec![1] }
}

fn audio(track: u8, ms: u64) -> Say {
    Say::Audio { track, at_us: ms * 1_000, lost_before: 0, payload: vec![1] }
}

#[test]
fn people_are_tracks_with_names() {
    let mut scene = Scene::new();
    let named = |track, name: &str| Say::Track { track, name: name.into() };
    assert_eq!(scene.out, [named(0, "Ann"), named(1, "Bo")]);
    scene.out.clear();
    scene.goes(ANN);
    assert_eq!(scene.out, [Say::Leave { track: 0 }]);
    scene.out.clear();
    scene.comes("Ann", 11);
    assert_eq!(scene.out, [named(0, "Ann")], "who comes back has the old number");
    assert_eq!(scene.hear(0, 1, Some(11)), [audio(0, 0)]);
}

#[test]
fn another_speaker_on_the_stream_cuts_the_utterance() {
    let mut scene = Scene::new();
    assert_eq!(scene.hear(0, 1, Some(ANN)), [audio(0, 0)]);
    assert_eq!(scene.hear(20, 1, Some(BO)), [audio(1, 20)]);
    assert_eq!(scene.hear(40, 1, Some(BO)), [audio(1, 40)]);
    assert_eq!(scene.hear(80, 1, Some(BO)), [audio(1, 80), Say::Pause { track: 0 }]);
    assert_eq!(scene.hear(100, 1, None), []);
    assert_eq!(scene.tick(160), [Say::Pause { track: 1 }], "silence of nobody ends it too");
}

#[test]
fn a_speaker_who_moves_goes_on_without_a_cut_or_an_overlap() {
    for b_first in [true, false] {
        let mut scene = Scene::new();
        scene.hear(0, 1, Some(ANN));
        let mut said = Vec::new();
        // The other stream's clock is 4 ms behind.
        let there = Piece { at_us: 16_000, ..piece(0, 2, Some(ANN)) };
        if b_first {
            said.extend(scene.piece(20, there));
            said.extend(scene.hear(20, 1, Some(BO)));
        } else {
            said.extend(scene.hear(20, 1, Some(BO)));
            said.extend(scene.piece(20, there));
        }
        for n in 2..20u64 {
            said.extend(scene.piece(n * 20, Piece { at_us: n * 20_000 - 4_000, ..piece(0, 2, Some(ANN)) }));
            said.extend(scene.hear(n * 20, 1, Some(BO)));
        }
        let ann: Vec<u64> = said
            .iter()
            .filter_map(|s| if let Say::Audio { track: 0, at_us, .. } = s { Some(*at_us) } else { None })
            .collect();
        assert_eq!(ann, (1..20).map(|n| n * 20_000).collect::<Vec<_>>());
        assert!(!said.iter().any(|s| matches!(s, Say::Pause { .. })), "{said:?}");
        assert_eq!(scene.voices.counts().moves, 1);
    }
}

#[test]
fn the_same_packet_on_two_streams_is_heard_once() {
    let mut scene = Scene::new();
    let mut said = Vec::new();
    for n in 0..10 {
        said.extend(scene.hear(n * 20, 1, Some(ANN)));
        said.extend(scene.hear(n * 20, 2, Some(ANN)));
    }
    assert_eq!(said, (0..10).map(|n| audio(0, n * 20)).collect::<Vec<_>>());
    assert_eq!(scene.voices.counts().overlapping, 10);
}

#[test]
fn a_speaker_of_whom_nothing_comes_has_paused() {
    let mut scene = Scene::new();
    scene.hear(0, 1, Some(ANN));
    assert_eq!(scene.tick(199), []);
    assert_eq!(scene.tick(200), [Say::Pause { track: 0 }]);
    assert_eq!(scene.tick(400), []);
    assert_eq!(scene.hear(1_000, 1, Some(ANN)), [audio(0, 1_000)]);
}

#[test]
fn loss_is_passed_on_within_an_utterance_alone() {
    let mut scene = Scene::new();
    let lost = |ms, ssrc| Piece { lost_before: 2, ..piece(ms, ssrc, Some(ANN)) };
    assert_eq!(scene.piece(0, lost(0, 1)), [audio(0, 0)]);
    let Say::Audio { lost_before: 2, at_us: 60_000, .. } = scene.piece(60, lost(60, 1))[0] else { panic!() };
    assert_eq!(scene.piece(80, lost(80, 2)), [audio(0, 80)]);
}

#[test]
fn sound_waits_for_a_name_and_then_goes_without() {
    let mut scene = Scene::new();
    assert_eq!(scene.hear(0, 1, Some(30)), []);
    assert_eq!(scene.hear(20, 1, Some(30)), []);
    scene.out.clear();
    scene.comes("Cy", 30);
    assert_eq!(scene.out, [Say::Track { track: 2, name: "Cy".into() }, audio(2, 0), audio(2, 20)]);

    assert_eq!(scene.hear(1_000, 1, Some(40)), [Say::Pause { track: 2 }]);
    let said = scene.tick(1_500);
    assert_eq!(said, [Say::Track { track: 3, name: NO_NAME.into() }, audio(3, 1_000)]);
    scene.out.clear();
    scene.comes("Di", 40);
    assert_eq!(scene.out, [Say::Track { track: 4, name: "Di".into() }, Say::Leave { track: 3 }]);
    assert_eq!(scene.hear(1_600, 1, Some(40)), [audio(4, 1_600)]);

    for n in 0..300 {
        scene.hear(2_000, 1, Some(1_000 + n));
    }
    assert_eq!(scene.voices.unnamed.len(), MAX_UNNAMED);
    assert_eq!(scene.voices.counts().unnamed_dropped, 100);
}

#[test]
fn a_name_stays_when_news_has_none() {
    let mut scene = Scene::new();
    scene.out.clear();
    let nameless = Person { name: String::new(), kind: PersonKind::Unknown };
    let key = scene.roster.speaker(ANN).unwrap().clone();
    scene.voices.people(0, vec![Change::Here(key, nameless)], &scene.roster, &mut scene.out);
    assert_eq!(scene.out, []);
}

#[test]
fn beyond_the_most_tracks_nobody_is_heard() {
    let mut scene = Scene::new();
    for n in 0..40 {
        scene.comes(&format!("G{n}"), 100 + n);
    }
    assert_eq!(scene.voices.counts().crowd, 42 - MOST as u64);
    assert_eq!(scene.hear(0, 1, Some(139)), []);
    let said = scene.hear(20, 1, Some(100));
    assert!(matches!(said[..], [Say::Audio { .. }]));
}

#[test]
fn a_break_pauses_whoever_spoke() {
    let mut scene = Scene::new();
    scene.hear(0, 1, Some(ANN));
    scene.out.clear();
    scene.voices.start_over(&mut scene.out);
    assert_eq!(scene.out, [Say::Pause { track: 0 }]);
    assert_eq!(scene.hear(3_000, 9, Some(ANN)), [audio(0, 3_000)]);
}

proptest! {
    /// Whatever comes, a track's packets never overlap, and nobody is heard who was not announced.
    #[test]
    fn tracks_never_overlap(pieces in proptest::collection::vec((0u64..60, 0u32..3, 0u32..5, 0u64..40), 0..300)) {
        let mut scene = Scene::new();
        let (mut now, mut ends, mut known) = (1_000u64, BTreeMap::new(), std::collections::BTreeSet::from([0u8, 1]));
        for (step, ssrc, who, off) in pieces {
            now += step;
            let csrc = (who < 4).then_some(10 * who);
            for say in scene.piece(now, piece(now - off, ssrc, csrc)) {
                match say {
                    Say::Audio { track, at_us, .. } => {
                        prop_assert!(known.contains(&track));
                        let end = ends.insert(track, at_us + 20_000).unwrap_or(0);
                        prop_assert!(at_us >= end, "{track}: {at_us} before {end}");
                    }
                    Say::Track { track, .. } => { known.insert(track); }
                    _ => {}
                }
            }
        }
    }
}
