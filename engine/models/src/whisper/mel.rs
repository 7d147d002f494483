//! The log-mel picture Whisper looks at, computed only as far as asked.
//!
//! Follows the front end the models were trained with (Radford et al., 2022, section 2.2): 25 ms Hann windows every
//! 10 ms, power spectrum, Slaney mel filters from 0 to 8 kHz, base-10 logarithm, everything more than 8 below the
//! loudest bin raised to that, then `(x + 4) / 4`.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

/// Samples under one window: 25 ms at 16 kHz (`n_fft` of the published feature extractor).
pub const WINDOW_SAMPLES: usize = 400;
/// Samples from one mel frame to the next: 10 ms at 16 kHz (`hop_length` of the published feature extractor).
pub const HOP_SAMPLES: usize = 160;
const SAMPLE_RATE_HZ: f64 = 16_000.0;
/// Frequencies of the power spectrum, 0 Hz to 8 kHz.
const BINS: usize = WINDOW_SAMPLES / 2 + 1;
/// Power below this counts as this (`1e-10` in the published feature extractor).
const FLOOR_POWER: f32 = 1e-10;
/// Nothing lies more than this many powers of ten below the loudest bin.
const RANGE: f32 = 8.0;

/// A log-mel picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Mel {
    /// `[bins, frames]`, row by row.
    pub values: Vec<f32>,
    /// Mel bins: 80, or 128 for the large-v3 family.
    pub bins: usize,
    /// Mel frames of 10 ms.
    pub frames: usize,
}

/// One triangular filter: its weights from power-spectrum bin `first` on.
#[derive(Clone, Debug)]
struct Filter {
    first: usize,
    weights: Vec<f32>,
}

/// Makes [`Mel`]s. Cheap to clone.
#[derive(Clone)]
pub struct LogMel {
    filters: Arc<[Filter]>,
    window: Arc<[f32]>,
    fft: Arc<dyn RealToComplex<f32>>,
}

impl std::fmt::Debug for LogMel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogMel").field("bins", &self.filters.len()).finish_non_exhaustive()
    }
}

impl LogMel {
    /// A front end with `bins` mel bins.
    #[must_use]
    pub fn new(bins: usize) -> Self {
        let window = (0..WINDOW_SAMPLES)
            .map(|n| {
                // The periodic form of the Hann window, as torch.hann_window gives it.
                let turn = 2.0 * std::f64::consts::PI * n as f64 / WINDOW_SAMPLES as f64;
                (0.5 - 0.5 * turn.cos()) as f32
            })
            .collect();
        Self {
            filters: slaney_filters(bins).into(),
            window,
            fft: RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW_SAMPLES),
        }
    }

    /// Mel bins of the pictures made.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.filters.len()
    }

    /// The picture of `samples` (16 kHz mono), cut or filled with silence to exactly `frames` mel frames.
    ///
    /// Frames that see nothing but the filling cost no transform, so a long filling is nearly free here (though not in
    /// the encoder).
    #[must_use]
    pub fn compute(&self, samples: &[f32], frames: usize) -> Mel {
        let length = frames * HOP_SAMPLES;
        let samples = &samples[..samples.len().min(length)];
        let bins = self.bins();
        let quiet = FLOOR_POWER.log10();
        let mut values = vec![quiet; bins * frames];
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        let mut power = [0f32; BINS];
        for frame in 0..frames {
            let from = (frame * HOP_SAMPLES) as isize - (WINDOW_SAMPLES / 2) as isize;
            let mirrored_end = from + WINDOW_SAMPLES as isize > length as isize;
            if from >= samples.len() as isize && !mirrored_end {
                continue;
            }
            for (n, (slot, w)) in input.iter_mut().zip(self.window.iter()).enumerate() {
                let at = mirror(from + n as isize, length);
                *slot = samples.get(at).map_or(0.0, |s| s * w);
            }
            self.fft
                .process_with_scratch(&mut input, &mut spectrum, &mut scratch)
                .expect("the buffers were made by this very transform");
            for (p, c) in power.iter_mut().zip(&spectrum) {
                *p = Complex::norm_sqr(c);
            }
            for (bin, filter) in self.filters.iter().enumerate() {
                let sum: f32 = filter.weights.iter().zip(&power[filter.first..]).map(|(w, p)| w * p).sum();
                values[bin * frames + frame] = sum.max(FLOOR_POWER).log10();
            }
        }
        let loudest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for v in &mut values {
            *v = (v.max(loudest - RANGE) + 4.0) / 4.0;
        }
        Mel { values, bins, frames }
    }
}

/// Position `at` of a sound of `length` samples whose ends are mirrors (the edge sample itself is not repeated).
fn mirror(at: isize, length: usize) -> usize {
    let last = length as isize - 1;
    if last <= 0 {
        return 0;
    }
    let within = at.rem_euclid(2 * last);
    (if within > last { 2 * last - within } else { within }) as usize
}

/// Mel of a frequency on Slaney's scale: linear to 1 kHz at 3 mel per 200 Hz, then 27 steps for each factor of 6.4
/// (M. Slaney, Auditory Toolbox, Technical Report 1998-010, Interval Research, 1998; `htk=False` in librosa).
fn hz_to_mel(hz: f64) -> f64 {
    if hz < 1_000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1_000.0).ln() * 27.0 / 6.4f64.ln() }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1_000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp() }
}

/// Triangles between neighbouring points of the scale, each scaled to the same area (`norm="slaney"`).
fn slaney_filters(bins: usize) -> Vec<Filter> {
    let top = hz_to_mel(SAMPLE_RATE_HZ / 2.0);
    let points: Vec<f64> = (0..bins + 2).map(|i| mel_to_hz(top * i as f64 / (bins + 1) as f64)).collect();
    points
        .windows(3)
        .map(|p| {
            let area = 2.0 / (p[2] - p[0]);
            let weight = |k: usize| {
                let hz = k as f64 * SAMPLE_RATE_HZ / WINDOW_SAMPLES as f64;
                let rise = (hz - p[0]) / (p[1] - p[0]);
                let fall = (p[2] - hz) / (p[2] - p[1]);
                (rise.min(fall).max(0.0) * area) as f32
            };
            let first = (0..BINS).find(|&k| weight(k) > 0.0).unwrap_or(0);
            let weights = (first..BINS).map(weight).take_while(|&w| w > 0.0).collect();
            Filter { first, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_there_and_back() {
        for hz in [0.0, 440.0, 999.0, 1_000.0, 1_001.0, 6_400.0, 8_000.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9, "{hz}");
        }
        assert!((hz_to_mel(6_400.0) - 42.0).abs() < 1e-9);
    }

    #[test]
    fn mirrors_do_not_repeat_the_edge() {
        assert_eq!((-3..8).map(|i| mirror(i, 5)).collect::<Vec<_>>(), [3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1]);
    }

    #[test]
    fn any_length_works_and_silence_is_flat() {
        let mel = LogMel::new(80);
        for (samples, frames) in [(0, 1), (0, 7), (1, 1), (159, 2), (16_000, 3), (16_000, 100), (16_000, 3_000)] {
            let picture = mel.compute(&vec![0.0; samples], frames);
            assert_eq!(picture.values.len(), 80 * frames);
            assert!(picture.values.iter().all(|&v| v == -1.5), "{samples} {frames}");
        }
        assert!(mel.compute(&[0.1; 400], 0).values.is_empty());
    }

    #[test]
    fn filling_beyond_the_sound_changes_nothing_before_it() {
        let mel = LogMel::new(80);
        let sound: Vec<f32> = (0..16_000).map(|n| (n as f32 * 0.3).sin() * 0.2).collect();
        let (short, long) = (mel.compute(&sound, 120), mel.compute(&sound, 3_000));
        for bin in 0..80 {
            // The frames next to the short picture's end see its mirror.
            assert_eq!(short.values[bin * 120..bin * 120 + 118], long.values[bin * 3_000..bin * 3_000 + 118]);
        }
    }
}
