//! Any sample rate to another, streaming, with the filter's delay taken off: a click at `t` stays at `t`.

use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::SequentialSlice};

/// Longest block the filter may work in, in ms. Rates with no small common divisor with the target would need longer ones.
const MAX_BLOCK_MS: usize = 50;

/// A rate we cannot convert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot convert audio from {from_hz} Hz to {to_hz} Hz: convert it to 8000, 16000, 24000, 44100 or 48000 Hz first"
)]
pub struct ResampleError {
    /// Rate of the input.
    pub from_hz: u32,
    /// Rate asked for.
    pub to_hz: u32,
}

/// Streaming resampler of one mono track. Works in blocks of a fixed length, so what comes out does not depend on how
/// the input was cut into packets.
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// `None` if both rates are the same.
    filter: Option<Fft<f32>>,
    /// Input not yet a whole block.
    pending: Vec<f32>,
    /// Output still to be thrown away, so that the filter's delay does not shift the audio.
    skip: usize,
    scratch: Vec<f32>,
    taken: u64,
    given: u64,
}

impl Resampler {
    /// A resampler from `from_hz` to `to_hz`.
    ///
    /// # Errors
    /// [`ResampleError`] if a rate is zero, above 192 kHz, or has no usable ratio to the other.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, ResampleError> {
        let refused = ResampleError { from_hz, to_hz };
        if !(4_000..=192_000).contains(&from_hz) || !(4_000..=192_000).contains(&to_hz) {
            return Err(refused);
        }
        let mut filter = None;
        if from_hz != to_hz {
            let smallest = (from_hz / gcd(from_hz, to_hz)) as usize;
            // About 10 ms: long enough for a steep filter, short enough to cost the line little.
            let block = (from_hz as usize / 100).div_ceil(smallest) * smallest;
            if block * 1_000 > MAX_BLOCK_MS * from_hz as usize {
                return Err(refused);
            }
            filter = Some(
                Fft::new_custom(
                    from_hz as usize,
                    to_hz as usize,
                    block,
                    1,
                    1,
                    rubato::WindowFunction::BlackmanHarris,
                    FixedSync::Both,
                )
                .map_err(|_| refused)?,
            );
        }
        let mut this =
            Self { from_hz, to_hz, filter, pending: Vec::new(), skip: 0, scratch: Vec::new(), taken: 0, given: 0 };
        this.reset();
        Ok(this)
    }

    /// Takes `input`, appends what is ready to `out`. Sample `n` of the output lies at `n / to_hz` from the first
    /// sample of the input.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.taken += input.len() as u64;
        if self.filter.is_none() {
            self.given += input.len() as u64;
            out.extend_from_slice(input);
            return;
        }
        self.pending.extend_from_slice(input);
        let block = self.block();
        let whole = self.pending.len() / block * block;
        for start in (0..whole).step_by(block) {
            self.run(start, out);
        }
        self.pending.drain(..whole);
    }

    /// The input is over for now: appends the rest of the output, so that in all it is as long as the input, and starts
    /// afresh.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let wanted = (u128::from(self.taken) * u128::from(self.to_hz)).div_ceil(u128::from(self.from_hz));
        let begin = out.len();
        let missing = usize::try_from(wanted.saturating_sub(u128::from(self.given))).unwrap_or(0);
        if self.filter.is_some() {
            let block = self.block();
            while out.len() < begin + missing {
                self.pending.resize(block, 0.0);
                self.run(0, out);
                self.pending.clear();
            }
            out.truncate(begin + missing);
        }
        self.reset();
    }

    /// Forgets everything heard.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.taken = 0;
        self.given = 0;
        if let Some(filter) = &mut self.filter {
            filter.reset();
            self.skip = filter.output_delay();
        }
    }

    fn block(&self) -> usize {
        self.filter.as_ref().map_or(1, rubato::Resampler::input_frames_next).max(1)
    }

    /// Runs the filter over the block of `pending` that begins at `start`.
    fn run(&mut self, start: usize, out: &mut Vec<f32>) {
        let Some(filter) = &mut self.filter else { return };
        let (frames_in, frames_out) = (filter.input_frames_next(), filter.output_frames_next());
        self.scratch.clear();
        self.scratch.resize(frames_out, 0.0);
        let input = SequentialSlice::new(&self.pending[start..start + frames_in], 1, frames_in);
        let output = SequentialSlice::new_mut(&mut self.scratch, 1, frames_out);
        if let (Ok(input), Ok(mut output)) = (input, output)
            && filter.process_into_buffer(&input, &mut output, None).is_err()
        {
            // Both sizes come from the filter itself; should it still refuse, silence keeps the clock right.
            self.scratch.fill(0.0);
        }
        let skipped = self.skip.min(self.scratch.len());
        self.skip -= skipped;
        self.given += (self.scratch.len() - skipped) as u64;
        out.extend_from_slice(&self.scratch[skipped..]);
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [u32; 7] = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000];

    fn all(rate_hz: u32, input: &[f32], packet: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate_hz, 16_000).unwrap();
        let mut out = Vec::new();
        for chunk in input.chunks(packet) {
            resampler.push(chunk, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_click_stays_where_it_is() {
        for rate_hz in RATES {
            for at_ms in [0, 1, 37, 250, 999] {
                let mut input = vec![0.0; rate_hz as usize];
                let at = rate_hz as usize * at_ms / 1_000;
                input[at] = 1.0;
                let out = all(rate_hz, &input, 441);
                let peak = (0..out.len()).max_by(|&a, &b| out[a].abs().total_cmp(&out[b].abs())).unwrap();
                let wanted = at as f64 / f64::from(rate_hz) * 16_000.0;
                assert!(
                    (peak as f64 - wanted).abs() <= 1.0,
                    "{rate_hz} Hz: click of sample {wanted} came out at {peak}"
                );
            }
        }
    }

    #[test]
    fn the_output_is_as_long_as_the_input() {
        for rate_hz in RATES {
            for samples in [0, 1, 100, 479, 480, 481, 12_345] {
                let out = all(rate_hz, &vec![0.1; samples], 100);
                assert_eq!(out.len(), (samples * 16_000).div_ceil(rate_hz as usize), "{rate_hz} Hz, {samples}");
            }
        }
    }

    #[test]
    fn packets_do_not_show() {
        for rate_hz in RATES {
            let input: Vec<f32> = (0..rate_hz).map(|n| (n as f32 * 0.05).sin() * 0.5).collect();
            let whole = all(rate_hz, &input, input.len());
            for packet in [1, 7, 80, 441, 4_800] {
                assert!(all(rate_hz, &input, packet) == whole, "{rate_hz} Hz in packets of {packet}");
            }
        }
    }

    #[test]
    fn speech_band_passes_and_aliases_do_not() {
        let power = |x: &[f32]| x.iter().map(|s| s * s).sum::<f32>() / x.len() as f32;
        let tone = |rate: u32, hz: f32| -> Vec<f32> {
            (0..rate).map(|n| (n as f32 * hz * std::f32::consts::TAU / rate as f32).sin()).collect()
        };
        for hz in [200.0, 1_000.0, 3_400.0, 6_000.0] {
            let out = all(48_000, &tone(48_000, hz), 480);
            let db = 10.0 * (power(&out[1_600..14_400]) / 0.5).log10();
            assert!(db.abs() < 0.5, "{hz} Hz changed by {db} dB");
        }
        let out = all(48_000, &tone(48_000, 10_000.0), 480);
        let db = 10.0 * (power(&out[1_600..14_400]) / 0.5).log10();
        assert!(db < -55.0, "10 kHz leaks at {db} dB");
    }

    #[test]
    fn strange_rates_are_refused() {
        for rate_hz in [0, 1, 15_999, 47_999, 1_000_000] {
            assert!(Resampler::new(rate_hz, 16_000).is_err(), "{rate_hz}");
        }
    }
}
