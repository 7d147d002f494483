//! Streaming log-mel front end: samples in, one row of mel energies per hop out.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};
use safetensors::SafeTensors;

use super::config::Features;
use crate::{error::ModelError, weights::tensor_f32};

const FILE: &str = "frontend.safetensors";

/// The part shared by all tracks: window, mel filters, FFT plan.
pub struct Frontend {
    features: Features,
    window: Vec<f32>,
    /// Per mel band: first FFT bin and the weights from there; the filters are triangles, so most of the matrix is zero.
    bands: Vec<(usize, Vec<f32>)>,
    fft: Arc<dyn RealToComplex<f32>>,
}

/// Samples not yet used up by one track, and scratch space.
pub struct FrontendState {
    samples: Vec<f32>,
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
}

impl Frontend {
    /// Reads window and mel matrix from `frontend.safetensors`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if they are missing or do not fit `features`.
    pub fn load(bytes: &[u8], features: &Features) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| ModelError::format(FILE, e.to_string()))?;
        let bins = features.fft_size / 2 + 1;
        let window = tensor_f32(FILE, &file, "window", &[features.window_length])?;
        let mel = tensor_f32(FILE, &file, "mel", &[bins, features.num_mels])?;
        let bands = (0..features.num_mels)
            .map(|band| {
                let column: Vec<f32> = mel.iter().skip(band).step_by(features.num_mels).copied().collect();
                let first = column.iter().position(|&w| w != 0.0).unwrap_or(0);
                let end = column.iter().rposition(|&w| w != 0.0).map_or(first, |last| last + 1);
                (first, column[first..end].to_vec())
            })
            .collect();
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(features.fft_size);
        Ok(Self { features: features.clone(), window, bands, fft })
    }

    /// The state at the start of an utterance.
    #[must_use]
    pub fn start(&self) -> FrontendState {
        FrontendState {
            samples: vec![0.0; self.features.window_length / 2],
            padded: self.fft.make_input_vec(),
            spectrum: self.fft.make_output_vec(),
            scratch: self.fft.make_scratch_vec(),
            power: vec![0.0; self.features.fft_size / 2 + 1],
        }
    }

    /// Takes samples, appends the finished rows `[frames, mel]` to `out` and returns how many they are. With `last` the
    /// half window after the end is filled with zeros. Samples that are not numbers count as 0, others are limited to
    /// -1..1, so that nothing from outside can spoil the state.
    pub fn push(&self, state: &mut FrontendState, samples: &[f32], last: bool, out: &mut Vec<f32>) -> usize {
        let Features { window_length, hop, floor_added, mean, std, .. } = self.features;
        state.samples.extend(samples.iter().map(|x| if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 }));
        if last {
            state.samples.resize(state.samples.len() + window_length / 2, 0.0);
        }
        let frames = match state.samples.len().checked_sub(window_length) {
            Some(rest) => rest / hop + 1,
            None => 0,
        };
        for frame in 0..frames {
            let start = frame * hop;
            state.padded.fill(0.0);
            let windowed = state.samples[start..start + window_length].iter().zip(&self.window).map(|(x, w)| x * w);
            state.padded.iter_mut().zip(windowed).for_each(|(slot, x)| *slot = x);
            self.fft
                .process_with_scratch(&mut state.padded, &mut state.spectrum, &mut state.scratch)
                .expect("the buffers were made by this plan");
            for (power, bin) in state.power.iter_mut().zip(&state.spectrum) {
                *power = bin.norm_sqr();
            }
            out.extend(self.bands.iter().map(|(first, weights)| {
                let energy: f32 = weights.iter().zip(&state.power[*first..]).map(|(w, p)| w * p).sum();
                ((energy + floor_added).ln() - mean) / std
            }));
        }
        // A hop longer than what is left would mean a hop longer than the window, which no front end has; min() keeps
        // even that from panicking.
        state.samples.drain(..(frames * hop).min(state.samples.len()));
        frames
    }
}
