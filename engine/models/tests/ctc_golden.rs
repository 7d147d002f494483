//! The recogniser against the arrays its training left behind: features, posteriors, decoded text, phrase scores.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Golden, model, posteriors, sounds};
use reframe_models::ctc::{
    CtcModel,
    decoder::{Decoder, Finality},
    spotter::{Spotter, SpotterPhrase},
};

/// What STREAMING tests allow on features; the mel sums run in another order here.
const FEATURE_TOLERANCE: f32 = 1e-3;
/// In f32, from the same weights.
const POSTERIOR_TOLERANCE: f32 = 1e-3;

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn decode_whole(model: &CtcModel, rows: &[f32]) -> String {
    let context = model.context(&[], 0.0);
    let knowledge = model.knowledge(&context);
    let mut decoder = Decoder::new(Finality { pause_rows: None, age_rows: None });
    for row in rows.chunks_exact(model.config.symbols()) {
        decoder.push(&knowledge, row);
    }
    let mut words = Vec::new();
    decoder.finish(&knowledge, &mut words);
    words.iter().map(|w| model.spelling(&context, w.word)).collect::<Vec<_>>().join(" ")
}

#[test]
fn features_are_the_reference() {
    let model = model();
    for golden in Golden::all() {
        let mut mel = Vec::new();
        let mut state = model.frontend.start();
        model.frontend.push(&mut state, &golden.samples, true, &mut mel);
        let difference = largest_difference(&mel, &golden.logmel);
        println!("{}: features differ by up to {difference:.1e}", golden.name);
        assert!(difference < FEATURE_TOLERANCE, "{}: {difference}", golden.name);
    }
}

#[test]
fn posteriors_are_the_reference() {
    let model = model();
    for golden in Golden::all() {
        let rows = posteriors(model, &golden.samples, golden.samples.len());
        for (output, rows, wanted) in
            [("middle", &rows.middle, &golden.logpost.middle), ("top", &rows.top, &golden.logpost.top)]
        {
            let difference = largest_difference(rows, wanted);
            println!("{}: log-posteriors of the {output} output differ by up to {difference:.1e}", golden.name);
            assert!(difference < POSTERIOR_TOLERANCE, "{}, {output}: {difference}", golden.name);
        }
    }
}

#[test]
fn text_is_the_reference() {
    let model = model();
    for golden in Golden::all() {
        assert_eq!(decode_whole(model, &golden.logpost.top), golden.decoded, "{}", golden.name);
    }
}

#[test]
fn phrase_scores_are_the_reference() {
    let model = model();
    for golden in Golden::all() {
        for expected in &golden.spotter {
            let mut phones = Vec::new();
            assert!(model.phones().parse(&expected.phones.join(" "), &mut phones));
            // Just below and just above the best score, the phrase must be found and missed.
            for (threshold, found) in [(expected.score - 0.002, true), (expected.score + 0.002, false)] {
                let phrase = SpotterPhrase { variants: vec![phones.clone()], thresholds: vec![threshold] };
                let mut spotter = Spotter::new(&[phrase]);
                let mut hits = Vec::new();
                for row in sounds(&golden.logpost).chunks_exact(model.config.symbols()) {
                    spotter.push(row, &mut hits);
                }
                assert_eq!(!hits.is_empty(), found, "{}: {} at {threshold}", golden.name, expected.phrase);
                if let Some(hit) = hits.first() {
                    assert_eq!(hit.last_row, expected.end_frame, "{}", expected.phrase);
                    assert!(hit.first_row < hit.last_row);
                }
            }
        }
    }
}
