//! Golden clips and helpers shared by the recogniser's tests.
#![allow(dead_code, clippy::unwrap_used)]

use std::{path::PathBuf, sync::OnceLock};

use reframe_models::ctc::{CtcModel, config::Output, network::Rows};
use safetensors::SafeTensors;

/// A phrase with its best score in a clip.
#[derive(serde::Deserialize)]
pub struct GoldenPhrase {
    pub phrase: String,
    pub phones: Vec<String>,
    pub score: f32,
    pub end_frame: u32,
}

#[derive(serde::Deserialize)]
struct Description {
    reference: String,
    decoded: String,
    spotter: Vec<GoldenPhrase>,
}

/// One clip with what the reference implementation made of it.
pub struct Golden {
    pub name: String,
    /// 16 kHz, -1..1.
    pub samples: Vec<f32>,
    /// `[frames, mel]`.
    pub logmel: Vec<f32>,
    /// `[rows, symbols]`.
    pub logpost: Rows,
    pub reference: String,
    pub decoded: String,
    pub spotter: Vec<GoldenPhrase>,
}

/// Folder of the shipped model.
pub fn assets() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/asr-v1")
}

impl Golden {
    pub fn load(name: &str) -> Self {
        let file = |ending: &str| assets().join("golden").join(format!("{name}.{ending}"));
        let description: Description = serde_json::from_slice(&std::fs::read(file("json")).unwrap()).unwrap();
        let bytes = std::fs::read(file("safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let array = |name: &str| -> Vec<f32> {
            let data = tensors.tensor(name).unwrap().data();
            data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        };
        let wav = hound::WavReader::open(file("wav")).unwrap();
        Self {
            name: name.into(),
            samples: wav.into_samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect(),
            logmel: array("logmel"),
            logpost: Rows { middle: array("logpost_middle"), top: array("logpost") },
            reference: description.reference,
            decoded: description.decoded,
            spotter: description.spotter,
        }
    }

    pub fn all() -> Vec<Self> {
        ["clip1", "clip2", "clip3"].map(Self::load).into()
    }
}

/// The shipped model, loaded once per test program.
pub fn model() -> &'static CtcModel {
    static MODEL: OnceLock<CtcModel> = OnceLock::new();
    MODEL.get_or_init(|| CtcModel::embedded(&mut |_, _| {}).unwrap())
}

/// Log-posteriors of `samples` fed in chunks of `chunk`.
pub fn posteriors(model: &CtcModel, samples: &[f32], chunk: usize) -> Rows {
    let (mut frontend, mut network) = (model.frontend.start(), model.network.start());
    let (mut mel, mut rows) = (Vec::new(), Rows::default());
    let mut rest = samples;
    loop {
        let (now, later) = rest.split_at(chunk.min(rest.len()));
        rest = later;
        mel.clear();
        model.frontend.push(&mut frontend, now, rest.is_empty(), &mut mel);
        model.network.push(&mut network, &mel, rest.is_empty(), &mut rows).unwrap();
        if rest.is_empty() {
            return rows;
        }
    }
}

/// The rows in which the shipped model looks for phrases.
pub fn sounds(rows: &Rows) -> &[f32] {
    match model().config.spotter.listens_to {
        Output::Middle => &rows.middle,
        Output::Top => &rows.top,
    }
}
