//! How likely a frame holds speech, by the `earshot` network.

use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES},
    recognize::VoiceDetector,
    time::MediaTime,
};

/// Samples the network takes at a time: 16 ms at 16 kHz.
const BLOCK: usize = 256;
/// A frame whose every sample is below this holds no speech: a muted or filled-in track, a quiet room. 24 steps of 16 bits
/// are -63 dB of full scale; frames within 30 dB of the loud ones in our fixture calls peak at -41 dB and above.
const SILENCE: f32 = 24.0 / 32_768.0;
/// Silent frames the network still hears, so that it sees the word fade; from then on they cost nothing.
const HEARD_SILENCE: u32 = 5;

/// [`VoiceDetector`] on `earshot`. Scores are rounded to two decimals, so that a replay on another machine kind does not
/// differ in the last bits.
pub struct Earshot {
    network: Box<earshot::Detector>,
    pending: Vec<f32>,
    silent: u32,
    expected: Option<MediaTime>,
}

impl Earshot {
    /// A detector for one track.
    #[must_use]
    pub fn new() -> Self {
        Self { network: earshot::Detector::default_boxed(), pending: Vec::new(), silent: 0, expected: None }
    }

    fn forget(&mut self) {
        self.network.reset();
        self.pending.clear();
    }
}

impl Default for Earshot {
    fn default() -> Self {
        Self::new()
    }
}

impl VoiceDetector for Earshot {
    fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        if self.expected.is_some_and(|expected| expected != frame.start) {
            self.forget();
        }
        self.expected = Some(frame.end());
        if frame.samples.iter().all(|s| s.abs() < SILENCE) {
            self.silent = self.silent.saturating_add(1);
            if self.silent > HEARD_SILENCE {
                if self.silent == HEARD_SILENCE + 1 {
                    self.forget();
                }
                return 0.0;
            }
        } else {
            self.silent = 0;
        }
        self.pending.reserve(FRAME_SAMPLES);
        // The network asserts its range; a decoder may overshoot it.
        self.pending.extend(frame.samples.iter().map(|s| if s.is_finite() { s.clamp(-1.0, 1.0) } else { 0.0 }));
        let mut best = 0.0f32;
        let whole = self.pending.len() / BLOCK * BLOCK;
        for block in self.pending[..whole].chunks_exact(BLOCK) {
            best = best.max(self.network.predict_f32(block));
        }
        self.pending.drain(..whole);
        (best * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use reframe_call::audio::TrackId;

    use super::*;

    fn frame(n: u64, sample: impl Fn(usize) -> f32) -> AudioFrame {
        let mut samples = Box::new([0.0; FRAME_SAMPLES]);
        for (i, s) in samples.iter_mut().enumerate() {
            *s = sample(n as usize * FRAME_SAMPLES + i);
        }
        AudioFrame { track: TrackId(0), start: MediaTime::from_ms(n * 20), samples }
    }

    /// A buzz with moving formants: enough of a voice for the network.
    fn voice(n: usize) -> f32 {
        let t = n as f32 / 16_000.0;
        let tau = std::f32::consts::TAU;
        let pitch = 120.0 + 15.0 * (tau * 3.0 * t).sin();
        let mut sum = 0.0;
        for k in 1..30 {
            let hz = pitch * k as f32;
            let f1 = 600.0 + 200.0 * (tau * 2.5 * t).sin();
            let f2 = 1_400.0 + 500.0 * (tau * 1.7 * t).sin();
            let gain = (-((hz - f1) / 150.0).powi(2)).exp() + 0.6 * (-((hz - f2) / 200.0).powi(2)).exp() + 0.02;
            sum += gain * (tau * 120.0 * k as f32 * t).sin();
        }
        0.1 * sum * (0.6 + 0.4 * (tau * 4.0 * t).sin())
    }

    #[test]
    fn silence_is_no_speech_and_speech_is_told_from_it() {
        let mut vad = Earshot::new();
        let silence = (0..50).map(|n| vad.speech_probability(&frame(n, |_| 0.0))).fold(0.0f32, f32::max);
        let speech = (50..150).map(|n| vad.speech_probability(&frame(n, voice))).fold(0.0f32, f32::max);
        assert!(silence < 0.5, "{silence}");
        assert!(speech > silence + 0.2, "speech {speech}, silence {silence}");
    }

    #[test]
    fn scores_repeat_and_have_two_decimals() {
        let run = || -> Vec<f32> {
            let mut vad = Earshot::new();
            (0..100).map(|n| vad.speech_probability(&frame(n, |i| if n % 30 < 20 { voice(i) } else { 0.0 }))).collect()
        };
        let first = run();
        assert_eq!(first, run());
        assert!(first.iter().all(|p| (0.0..=1.0).contains(p) && (p * 100.0 - (p * 100.0).round()).abs() < 1e-3));
    }

    #[test]
    fn overshoot_and_nan_do_not_panic() {
        let mut vad = Earshot::new();
        for n in 0..20 {
            let p = vad.speech_probability(&frame(n, |i| if i % 7 == 0 { f32::NAN } else { 3.0 }));
            assert!((0.0..=1.0).contains(&p));
        }
    }
}
