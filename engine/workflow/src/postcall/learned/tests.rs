//! Tests of the learnt judgements.

use super::{BUCKETS, Judges, MODELS, Model, examples};
use crate::{
    handoff::{CallTranscript, Handling, ObjectionMoment},
    postcall::{Settings, run, run_with, tests::call},
};

/// A call whose first line is an objection of a class, as the detector hands it over.
fn objected(label: &str, lines: &[&str]) -> CallTranscript {
    let mut call = call(lines);
    let words = &call.turns[0].words;
    let (from_ms, to_ms) = (words[0].from_ms, words[words.len() - 1].to_ms);
    call.objections = vec![ObjectionMoment { seq: 0, label: label.into(), score: 0.9, utterance: 1, from_ms, to_ms }];
    call
}

/// Objections written for this test, and how they ended.
const ENDINGS: [(&str, &[&str], Handling); 4] = [
    (
        "price",
        &[
            "buyer tom: that's a lot more than we pay now",
            "rep maya: it is but it replaces two other tools you pay for so the total comes down",
            "buyer tom: oh hang on so i could drop the scanner licence",
            "rep maya: you could yes",
            "buyer tom: right well that pays for it then",
        ],
        Handling::Handled,
    ),
    (
        "price",
        &[
            "buyer tom: that's a lot more than we pay now",
            "rep maya: did you get the brochure i sent by the way",
            "buyer tom: i did yeah",
            "rep maya: and how's the new office",
            "buyer tom: it's cold",
        ],
        Handling::Open,
    ),
    (
        "security",
        &[
            "buyer tom: i don't want our files on somebody else's server",
            "rep maya: it's audited every year by an outside firm and they look at who can open what",
            "buyer tom: hm",
            "buyer tom: audits are audits",
            "rep maya: i know what you mean",
        ],
        Handling::Answered,
    ),
    (
        "effort",
        &[
            "buyer tom: nobody has time to learn another system",
            "rep maya: it takes about an hour and most of them never open the manual",
            "buyer tom: i'd want to see that with our lot",
        ],
        Handling::Answered,
    ),
];

#[test]
fn an_objection_passed_over_is_told_from_one_answered_and_one_taken_care_of() {
    for (label, lines, expected) in ENDINGS {
        let note = run(&objected(label, lines), &Settings::default());
        assert_eq!(note.objections[0].handling, expected, "{lines:?}");
        assert_eq!(note.objections[0].answer.is_none(), expected == Handling::Open, "{lines:?}");
    }
}

/// With no weights nothing is found to bind, and with a threshold nothing reaches everything is open.
#[test]
fn the_models_decide() {
    let blank = Model { unit: 1.0, bias: 0.0, threshold: 0.5, weights: vec![0; BUCKETS] };
    let none = Judges { handled: blank.clone(), answered: blank.clone(), promise: blank };
    let lines = [ENDINGS[0].1, &["rep maya: i'll send you the order form by friday"]].concat();
    let call = objected("price", &lines);
    let (with, without) = (run(&call, &Settings::default()), run_with(&call, &Settings::default(), &none));
    assert_eq!((with.commitments.len(), without.commitments.len()), (1, 0));
    assert_eq!((with.objections[0].handling, without.objections[0].handling), (Handling::Handled, Handling::Open));
}

/// The weights belong to these features: a change of either without the other shows here. New weights are made with
/// `--example postcall_learn -- train`, and then these numbers are new too.
#[test]
fn weights_and_features_belong_together() {
    let lines = [ENDINGS[0].1, &["rep maya: i'll send you the order form by friday"]].concat();
    let seen = examples(&objected("price", &lines), &Settings::default());
    let judges = Judges::embedded();
    let got = [
        judges.handled.margin(&seen.handled[0].features),
        judges.answered.margin(&seen.answered[0].features),
        judges.promise.margin(&seen.promise.last().unwrap().features),
    ];
    let expected = [0.448_320_75_f32, 0.236_166_07, 1.382_783_5];
    assert!(got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-4), "{got:?}");
}

#[test]
fn models_are_read_as_they_were_written_and_nothing_else_is_read() {
    let bytes = Judges::embedded().to_bytes();
    assert!(bytes.len() <= 200_000 && bytes.len() > MODELS * BUCKETS);
    assert_eq!(Judges::from_bytes(&bytes).unwrap(), *Judges::embedded());
    let mut other_features = bytes.clone();
    other_features[7] += 1;
    let mut not_a_number = bytes.clone();
    not_a_number[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    for bad in [&bytes[1..], &bytes[..bytes.len() - 1], &other_features, &not_a_number, &[]] {
        assert_eq!(Judges::from_bytes(bad).unwrap_err().bytes, bad.len());
    }
}

/// However long a call is, a sum of weights stays exact in an `f32`.
#[test]
fn features_of_a_call_without_end_are_bounded() {
    let long: String = (0..60_000).map(|i| format!(" w{i}")).collect();
    let answer = format!("rep maya: i'll send{long}");
    let call = objected("price", &["buyer tom: that's a lot", &answer, &answer.replace("rep maya", "buyer tom")]);
    let seen = examples(&call, &Settings::default());
    for features in [&seen.handled[0].features, &seen.promise[0].features] {
        assert!(features.len() <= BUCKETS && features.iter().all(|(at, n)| *at < BUCKETS && (1..=4).contains(n)));
    }
}
