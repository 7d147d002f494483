//! The sentence encoder against what PyTorch computes from the same weights.

#![allow(clippy::unwrap_used)]

use reframe_call::detect::semantic::SentenceEncoder;
use reframe_models::sentence::MiniEncoder;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    text: String,
    embedding: Vec<f32>,
    classes: Vec<f32>,
}

#[test]
fn it_computes_what_the_training_computed() {
    let golden: Vec<Golden> = serde_json::from_str(include_str!("../assets/sentence-v1/golden.json")).unwrap();
    let encoder = MiniEncoder::embedded().unwrap();
    for want in golden {
        let got = encoder.encode(&want.text);
        assert_eq!((got.embedding.len(), got.classes.len()), (want.embedding.len(), encoder.labels().len()));
        let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // The activation is approximated (2e-5), sums are in another order.
        assert!(off(&got.embedding, &want.embedding) < 1e-3, "{}: {}", want.text, off(&got.embedding, &want.embedding));
        assert!(off(&got.classes, &want.classes) < 2e-3, "{}: {}", want.text, off(&got.classes, &want.classes));
        assert_eq!(got, encoder.encode(&want.text), "the same text, the same bits");
    }
}

#[derive(Deserialize)]
struct Likened {
    text: String,
    place: Vec<f32>,
    crowd: f32,
}

#[test]
fn likeness_is_what_the_training_computed_and_may_be_missing() {
    let golden: Vec<Likened> =
        serde_json::from_str(include_str!("../assets/sentence-v1/likeness_golden.json")).unwrap();
    let encoder = MiniEncoder::embedded().unwrap();
    for want in golden {
        let got = encoder.encode(&want.text);
        let off = got.alike.iter().zip(&want.place).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(got.alike.len() == want.place.len() && off < 2e-3, "{}: {off}", want.text);
        let crowd = encoder.crowd(&got.alike);
        assert!((crowd - want.crowd).abs() < 2e-3, "{}: {crowd}, not {}", want.text, want.crowd);
    }
    let dir = tempfile::tempdir().unwrap();
    let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentence-v1");
    for name in ["config.json", "model.safetensors", "vocabulary.txt"] {
        std::fs::copy(assets.join(name), dir.path().join(name)).unwrap();
    }
    let plain = MiniEncoder::from_dir(dir.path()).unwrap();
    let (got, whole) = (plain.encode("the price"), encoder.encode("the price"));
    assert_eq!((got.alike.len(), &got.embedding, &got.classes), (0, &whole.embedding, &whole.classes));
    assert_ne!(plain.id(), encoder.id());
    std::fs::copy(assets.join("model.safetensors"), dir.path().join("likeness.safetensors")).unwrap();
    let error = MiniEncoder::from_dir(dir.path()).unwrap_err().to_string();
    assert!(error.contains("likeness.safetensors") && error.contains("up.bias"), "{error}");
}

#[test]
fn a_damaged_folder_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let error = MiniEncoder::from_dir(dir.path()).unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("vocabulary.txt"), "{error}");
    let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentence-v1");
    for name in ["config.json", "model.safetensors", "vocabulary.txt"] {
        std::fs::copy(assets.join(name), dir.path().join(name)).unwrap();
    }
    let weights = std::fs::read(dir.path().join("model.safetensors")).unwrap();
    std::fs::write(dir.path().join("model.safetensors"), &weights[..weights.len() / 2]).unwrap();
    let error = MiniEncoder::from_dir(dir.path()).unwrap_err().to_string();
    assert!(error.contains("model.safetensors"), "{error}");
}
