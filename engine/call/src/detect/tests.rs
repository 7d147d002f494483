//! The detector on words and on sounds.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::{
    detect::{
        line::LineDetector,
        semantic::{Sentence, SentenceEncoder},
    },
    playbook,
    recognize::{PhraseHit, PhraseId},
};

const PLAYBOOK: &str = r#"
version = 1
name = "t"
[[play]]
id = "price"
label = "price"
priority = 60
phrases = ["too expensive", "way too expensive for us", "cannot afford"]
never = ["too expensive for them", "used to be too expensive"]
[play.card]
title = "Price"
say = ["a"]
[[play]]
id = "timing"
label = "timing"
phrases = ["not this quarter", "expensive for us right now"]
[play.card]
title = "Timing"
say = ["b"]
[[play]]
id = "promise"
label = "promise"
speaker = "rep"
phrases = ["i guarantee you"]
[play.card]
title = "Careful"
say = ["c"]
[[test]]
say = "x"
expect = "none"
"#;

fn book() -> Arc<Playbook> {
    let (book, problems) = playbook::parse("t.toml", PLAYBOOK);
    Arc::new(book.unwrap_or_else(|| panic!("{problems:?}")))
}

#[track_caller]
fn check(party: Party, line: &str, want: &str) {
    let result = LineDetector::new(book(), None).detect(party, line);
    let got = result.detection.as_ref().map_or("none", |d| d.play.as_str());
    assert_eq!(got, want, "{line}: {result:?}");
}

#[test]
fn lines() {
    use Party::{Buyer, Rep, Unknown};
    check(Buyer, "Well, it's just, um, too too expensive.", "price");
    check(Unknown, "it's too expensive", "price");
    check(Rep, "is it too expensive", "none");
    check(Rep, "i guarantee you that", "promise");
    check(Buyer, "i guarantee you that", "none");
    check(Buyer, "it's not too expensive", "none");
    check(Buyer, "it is too expensive for them", "none");
    check(Buyer, "not this quarter", "timing");
    check(Buyer, "we can't really afford that", "price");
    check(Buyer, "the two expensive cars", "none");
    check(Buyer, "", "none");
    check(Buyer, "a tattoo expensive as that", "none");
}

#[test]
fn one_stretch_of_words_is_one_detection() {
    let mut line = LineDetector::new(book(), None);
    let result = line.detect(Party::Buyer, "that is way too expensive for us right now");
    assert_eq!(result.detection.unwrap().evidence.phrase, "way too expensive for us");
}

fn words(text: &str, from_ms: u64) -> Vec<Word> {
    (0u64..)
        .zip(text.split_whitespace())
        .map(|(i, t)| Word {
            text: t.to_owned(),
            start: MediaTime::from_ms(from_ms + i * 300),
            end: MediaTime::from_ms(from_ms + i * 300 + 280),
            confidence: 0.9,
        })
        .collect()
}

fn heard<'a>(at_ms: u64, committed: &'a [Word], tail: &'a [Word]) -> Heard<'a> {
    Heard {
        at: MediaTime::from_ms(at_ms),
        track: TrackId(1),
        party: Party::Buyer,
        utterance: UtteranceId(0),
        committed,
        tail,
    }
}

fn hit(detector: &Detector, phrase: &str, start_ms: u64, end_ms: u64, score: f32) -> PhraseHit {
    let bias = detector.bias(Party::Buyer, &[]);
    let id = bias.spot.iter().find(|s| s.text == phrase).unwrap().id;
    PhraseHit {
        phrase: id,
        start: MediaTime::from_ms(start_ms),
        end: MediaTime::from_ms(end_ms),
        score,
        threshold: -1.2,
    }
}

/// A phrase heard in the sounds, and what comes of it after the moment it is held.
fn hear(d: &mut Detector, h: &Heard<'_>, hit: &PhraseHit) -> Vec<Verdict> {
    let mut verdicts = d.on_phrase(h, hit);
    verdicts.extend(d.on_time(h.at.plus_ms(HOLD_MS)));
    verdicts
}

#[test]
fn a_veto_that_comes_a_moment_later_is_in_time() {
    let mut d = Detector::new(book(), None);
    let trigger = hit(&d, "too expensive", 600, 1_200, -0.5);
    let never = hit(&d, "too expensive for them", 600, 1_600, -0.4);
    assert_eq!(d.on_phrase(&heard(1_500, &[], &[]), &trigger), []);
    assert_eq!(d.deadline(), Some(MediaTime::from_ms(1_660)));
    assert!(matches!(d.on_phrase(&heard(1_620, &[], &[]), &never)[..], [Verdict::Suppressed(..)]));
    assert_eq!((d.deadline(), d.on_time(MediaTime::from_ms(9_000))), (None, vec![]));
    let timing = hit(&d, "not this quarter", 3_000, 3_600, -0.5);
    let got = d.on_phrase(&heard(3_900, &[], &[]), &timing);
    assert!(matches!(got[..], [Verdict::Detected(_)]), "a play without do-not-trigger phrases waits for nothing");
}

#[test]
fn what_is_forgotten_while_it_waits_never_counts() {
    let mut d = Detector::new(book(), None);
    let trigger = hit(&d, "too expensive", 600, 1_200, -0.5);
    assert_eq!(d.on_phrase(&heard(1_500, &[], &[]), &trigger), []);
    let track = heard(0, &[], &[]).track;
    d.forget_track(TrackId(track.0 + 1));
    assert!(d.deadline().is_some(), "another's");
    d.forget_track(track);
    assert_eq!((d.deadline(), d.on_time(MediaTime::from_ms(9_000))), (None, vec![]));
    let got = hear(&mut d, &heard(2_000, &[], &[]), &trigger);
    assert!(matches!(got[..], [Verdict::Detected(_)]), "as if it had never been heard");
}

#[test]
fn a_tail_must_stand_before_it_counts() {
    let mut d = Detector::new(book(), None);
    let tail = words("it is too expensive", 0);
    assert_eq!(d.on_words(&heard(1_200, &[], &tail)), []);
    assert_eq!(d.on_words(&heard(1_300, &[], &tail)), []);
    assert!(matches!(d.on_words(&heard(1_420, &[], &tail))[..], [Verdict::Detected(_)]));
    assert_eq!(d.on_words(&heard(1_500, &tail, &[])), [], "the same words, now certain, are the same occurrence");
}

#[test]
fn a_tail_that_changes_starts_again() {
    let mut d = Detector::new(book(), None);
    let (a, b) = (words("it is too expensive", 0), words("it is to expand sieve", 0));
    assert_eq!(d.on_words(&heard(1_200, &[], &a)), []);
    assert_eq!(d.on_words(&heard(1_300, &[], &b)), []);
    assert_eq!(d.on_words(&heard(1_440, &[], &a)), []);
}

#[test]
fn sound_alone_is_enough_and_words_do_not_repeat_it() {
    let mut d = Detector::new(book(), None);
    let h = hit(&d, "too expensive", 600, 1_200, -0.6);
    let got = hear(&mut d, &heard(1_500, &[], &[]), &h);
    let [Verdict::Detected(det)] = &got[..] else { panic!("{got:?}") };
    assert_eq!(det.evidence.sound, Some(-0.6));
    assert!(det.evidence.words.is_empty());
    assert_eq!(d.on_words(&heard(2_000, &words("it is too expensive", 0), &[])), []);
}

#[test]
fn sound_after_a_negation_is_held_back() {
    let mut d = Detector::new(book(), None);
    let h = hit(&d, "too expensive", 900, 1_500, -0.4);
    let got = d.on_phrase(&heard(1_800, &[], &words("it is not too expensive", 0)), &h);
    assert!(matches!(&got[..], [Verdict::Suppressed(_, by)] if by.contains("negation")), "{got:?}");
}

#[test]
fn a_veto_in_the_sound_holds_back_or_takes_back() {
    let mut d = Detector::new(book(), None);
    let never = hit(&d, "too expensive for them", 600, 1_900, -0.7);
    let trigger = hit(&d, "too expensive", 600, 1_200, -0.5);
    assert!(matches!(hear(&mut d, &heard(1_500, &[], &[]), &trigger)[..], [Verdict::Detected(_)]));
    assert!(matches!(d.on_phrase(&heard(2_200, &[], &[]), &never)[..], [Verdict::Contradicted { .. }]));

    let mut d = Detector::new(book(), None);
    assert_eq!(d.on_phrase(&heard(1_500, &[], &[]), &never), []);
    assert!(matches!(d.on_phrase(&heard(1_540, &[], &[]), &trigger)[..], [Verdict::Suppressed(..)]));
}

#[test]
fn what_was_taken_back_does_not_hide_another_objection() {
    let mut d = Detector::new(book(), None);
    let trigger = hit(&d, "too expensive", 600, 1_200, -0.5);
    let never = hit(&d, "too expensive for them", 600, 1_900, -0.7);
    assert!(matches!(hear(&mut d, &heard(1_500, &[], &[]), &trigger)[..], [Verdict::Detected(_)]));
    assert!(matches!(d.on_phrase(&heard(2_000, &[], &[]), &never)[..], [Verdict::Contradicted { .. }]));
    assert_eq!(d.on_phrase(&heard(2_040, &[], &[]), &trigger), [], "the same play stays taken back");
    let other = hit(&d, "not this quarter", 1_000, 1_900, -0.3);
    let got = d.on_phrase(&heard(2_100, &[], &[]), &other);
    assert!(matches!(&got[..], [Verdict::Detected(x)] if x.play == "timing"), "{got:?}");
}

#[test]
fn certain_words_take_back_a_detection_once() {
    let mut d = Detector::new(book(), None);
    let h = hit(&d, "too expensive", 900, 1_500, -0.4);
    assert!(matches!(hear(&mut d, &heard(1_800, &[], &[]), &h)[..], [Verdict::Detected(_)]));
    let w = words("it is not too expensive", 0);
    let got = d.on_words(&heard(2_400, &w, &[]));
    assert!(matches!(&got[..], [Verdict::Contradicted { play, .. }] if play == "price"), "{got:?}");
    assert_eq!(d.on_words(&heard(2_500, &w, &[])), []);
}

#[test]
fn too_late_to_take_back() {
    let mut d = Detector::new(book(), None);
    let h = hit(&d, "too expensive", 900, 1_500, -0.4);
    hear(&mut d, &heard(1_800, &[], &[]), &h);
    assert_eq!(d.on_words(&heard(9_000, &words("it is not too expensive", 0), &[])), []);
}

#[test]
fn an_unknown_phrase_number_is_ignored() {
    let mut d = Detector::new(book(), None);
    let h = PhraseHit { phrase: PhraseId(999), ..hit(&d, "too expensive", 0, 1, -0.1) };
    assert_eq!(d.on_phrase(&heard(10, &[], &[]), &h), []);
}

#[test]
fn the_rep_is_only_listened_to_for_the_reps_plays() {
    let d = Detector::new(book(), None);
    let bias = d.bias(Party::Rep, &["Northbeam".to_owned()]);
    assert_eq!(bias.spot.len(), 1);
    assert_eq!(bias.spot[0].text, "i guarantee you");
    assert!(bias.context.contains(&"northbeam".to_owned()));
    let strict: Vec<String> =
        d.bias(Party::Buyer, &[]).spot.into_iter().filter(|s| s.min_score.is_some()).map(|s| s.text).collect();
    assert_eq!(
        strict,
        ["too expensive for them", "used to be too expensive"],
        "do-not-trigger phrases need a clear hearing"
    );
}

/// Knows `price` by one of a few words; anything else is ordinary.
struct Words(Vec<String>);

impl SentenceEncoder for Words {
    fn id(&self) -> String {
        "words".into()
    }

    fn labels(&self) -> &[String] {
        &self.0
    }

    fn encode(&self, text: &str) -> Sentence {
        let price = match text {
            t if t.contains("cheaper than") => 0.01,
            t if t.contains("wince") || t.contains("expensive") => 0.97,
            _ => 0.02,
        };
        Sentence { embedding: vec![1.0, 0.0], classes: vec![1.0 - price, price, 0.0], alike: Vec::new() }
    }
}

fn meaning() -> Option<Arc<Meaning>> {
    Some(Arc::new(Meaning::new(Arc::new(Words(vec!["none".into(), "price".into(), "timing".into()])), &book())))
}

#[test]
fn what_is_meant_counts_without_a_phrase_and_rests_under_load() {
    let w = words("your number makes me wince", 0);
    let mut d = Detector::new(book(), meaning());
    d.rest_meaning(true);
    assert_eq!(d.on_utterance_end(&heard(3_000, &w, &[])), []);
    d.rest_meaning(false);
    let got = d.on_utterance_end(&heard(3_000, &w, &[]));
    assert!(matches!(&got[..], [Verdict::Detected(x)] if x.evidence.similarity == Some(0.97)), "{got:?}");
}

#[test]
fn a_clear_clause_counts_before_it_is_over_and_is_taken_back_if_its_end_turns_it() {
    let mut d = Detector::new(book(), meaning());
    let whole = words("your number makes me wince a bit cheaper than i feared", 0);
    let grown = |d: &mut Detector, n: usize| d.on_words(&heard(3_000, &whole[..n], &[]));
    assert_eq!(grown(&mut d, 5), [], "once is not enough");
    assert!(matches!(&grown(&mut d, 7)[..], [Verdict::Detected(_)]));
    grown(&mut d, 10);
    let got = d.on_utterance_end(&heard(3_500, &whole, &[]));
    assert!(matches!(&got[..], [Verdict::Contradicted { .. }]), "{got:?}");
}

#[test]
fn a_pause_closes_a_clause() {
    let mut d = Detector::new(book(), meaning());
    let mut said = words("that makes me wince", 0);
    assert_eq!(d.on_words(&heard(1_500, &said, &[])), []);
    said.extend(words("so tell me", 3_000));
    let got = d.on_words(&heard(3_500, &said, &[]));
    assert!(matches!(&got[..], [Verdict::Detected(x)] if x.evidence.words.len() == 4), "{got:?}");
}

#[test]
fn a_phrase_in_a_sentence_that_means_something_else_is_held_back() {
    let mut d = Detector::new(book(), meaning());
    let said = words("cheaper than i feared too expensive", 0);
    let got = d.on_words(&heard(4_000, &said, &[]));
    assert!(matches!(&got[..], [Verdict::Suppressed(_, by)] if by.contains("something else")), "{got:?}");
    let mut d = Detector::new(book(), meaning());
    let said = words("cheaper than i feared way too expensive for us", 0);
    let got = d.on_words(&heard(4_000, &said, &[]));
    assert!(matches!(&got[..], [Verdict::Detected(_)]), "a long phrase speaks for itself: {got:?}");
}

#[test]
fn a_pause_ends_what_a_negation_reaches() {
    let mut d = Detector::new(book(), None);
    let mut said = words("that is not it", 0);
    said.extend(words("too expensive", 2_000));
    assert!(matches!(d.on_words(&heard(2_600, &said, &[]))[..], [Verdict::Detected(_)]));
    let mut d = Detector::new(book(), None);
    let h = hit(&d, "too expensive", 2_000, 2_600, -0.4);
    let got = hear(&mut d, &heard(2_700, &[], &words("that is not it", 0)), &h);
    assert!(matches!(&got[..], [Verdict::Detected(_)]), "{got:?}");
}

/// Hears an objection in "wince", maybe `price`, and likeness as turns of a circle: each sentence says by how much, in
/// degrees.
struct Turns(Vec<String>);

impl SentenceEncoder for Turns {
    fn id(&self) -> String {
        "turns".into()
    }

    fn labels(&self) -> &[String] {
        &self.0
    }

    fn objections(&self) -> &[bool] {
        &[false, true, true]
    }

    fn encode(&self, text: &str) -> Sentence {
        let classes = if text.contains("wince") { vec![0.02, 0.6, 0.38] } else { vec![0.98, 0.01, 0.01] };
        let degrees = text.split(' ').find_map(|w| w.parse::<f32>().ok()).unwrap_or(180.0).to_radians();
        Sentence { embedding: vec![1.0], classes, alike: vec![degrees.cos(), degrees.sin()] }
    }

    /// Everything lies near to 90 degrees.
    fn crowd(&self, alike: &[f32]) -> f32 {
        alike[1]
    }
}

#[test]
fn a_play_of_its_own_label_is_known_by_likeness_beyond_that_to_everything() {
    const OWN: &str = r#"
version = 1
name = "t"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
[play.card]
title = "Price"
say = ["a"]
[[play]]
id = "tides"
label = "tides"
like = ["the boat lies at 40", "we sail at 50", "the harbour is dry at 60"]
not_like = ["the pilot comes at 30"]
[play.card]
title = "Tides"
say = ["b"]
[[test]]
say = "x"
expect = "none"
"#;
    let (book, problems) = playbook::parse("t.toml", OWN);
    let book = book.unwrap_or_else(|| panic!("{problems:?}"));
    let meaning = Meaning::new(Arc::new(Turns(vec!["none".into(), "price".into(), "timing".into()])), &book);
    let best = |at: f32, text: &str| {
        let (play, p) = meaning.best(&meaning.judge(text), at, |_| true).unwrap();
        (book.plays[play].id.clone(), p)
    };
    let half = fusion::MEANING_AT;
    let (sin, cos) = (|degrees: f32| degrees.to_radians().sin(), |degrees: f32| degrees.to_radians().cos());
    let near = |degrees: f32, want: f32| {
        let judged = meaning.judge(&format!("we are there at {degrees}"));
        assert!((judged.near[1] - want).abs() < 1e-3, "at {degrees}: {judged:?}, not {want}");
    };
    // The middle lies at 50 degrees; the crowd takes half of both sines.
    near(35.0, cos(15.0) - (sin(35.0) + sin(50.0)) / 2.0);
    // The line at 40 is 30 away, and the `not_like` line only 20.
    near(10.0, cos(40.0) - (cos(20.0) - cos(30.0)) - (sin(10.0) + sin(50.0)) / 2.0);
    assert_eq!(best(half, "we are there at 50").0, "tides");
    assert_eq!(meaning.probability(&meaning.judge("at 50"), 1), 0.0, "two words lie near anything");
    let (play, p) = best(half, "the pilots wince at 70");
    assert!(play == "tides" && (0.65..0.9).contains(&p), "likelier than the class of 0.6, not than any objection: {p}");
    assert_eq!(best(0.9, "the pilots wince at 70").0, "price", "where that is not enough");
    assert_eq!(best(half, "the pilots wince at 80").0, "price", "less likely than the class");
}
