//! The participants' sound, cut into what goes into one message. No IO.

use anyhow::Context as _;
use reframe_audio::{decode::to_s16le, resample::Resampler};

use super::protocol::{AudioParams, Coding};
use crate::play::{Sound, Voice};

/// Sound below this is silence to `skip_silence`: 0.3 % of full scale, under any voice and over dither.
const SILENCE: u16 = 100;

/// All voices of a meeting as samples of one rate, mono.
pub struct Sounds {
    params: AudioParams,
    voices: Vec<Vec<i16>>,
    encoders: Vec<Option<ropus::Encoder>>,
}

/// Length of a voice in ms, rounded up.
#[must_use]
pub fn length_ms(sound: &Sound) -> u64 {
    let (samples, rate_hz) = match sound {
        Sound::Pcm { rate_hz, samples } => (samples.len() as u64, u64::from(*rate_hz)),
        Sound::Opus(file) => (file.packets.last().map_or(0, |p| p.start_48k + u64::from(p.samples_48k)), 48_000),
    };
    (samples * 1_000).div_ceil(rate_hz.max(1))
}

fn at_rate(sound: &Sound, to_hz: u32) -> anyhow::Result<Vec<i16>> {
    let (from_hz, samples) = match sound {
        Sound::Pcm { rate_hz, samples } => (*rate_hz, samples.clone()),
        Sound::Opus(file) => {
            // 32 kHz is no rate of Opus.
            let hz = if to_hz == 32_000 { 48_000 } else { to_hz };
            (hz, file.decode(hz).0.into_iter().next().unwrap_or_default())
        }
    };
    if from_hz == to_hz {
        return Ok(samples);
    }
    let mut resampler = Resampler::new(from_hz, to_hz)?;
    let input: Vec<f32> = samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
    let mut output = Vec::new();
    resampler.push(&input, &mut output);
    resampler.finish(&mut output);
    Ok(output.iter().map(|s| (s * 32_768.0).round() as i16).collect())
}

fn encoder(params: &AudioParams) -> anyhow::Result<Option<ropus::Encoder>> {
    if params.coding != Coding::Opus {
        return Ok(None);
    }
    let channels = if params.channels == 2 { ropus::Channels::Stereo } else { ropus::Channels::Mono };
    ropus::Encoder::builder(params.rate_hz, channels, ropus::Application::Voip)
        .build()
        .map(Some)
        .map_err(|error| anyhow::anyhow!("no Opus encoder: {error}"))
}

impl Sounds {
    /// Brings all voices into the form asked for.
    ///
    /// # Errors
    /// If a file's rate cannot be converted.
    pub fn new(voices: &[Voice], params: AudioParams) -> anyhow::Result<Self> {
        let sounds: Vec<Vec<i16>> = voices
            .iter()
            .map(|voice| at_rate(&voice.sound, params.rate_hz).with_context(|| voice.name.clone()))
            .collect::<anyhow::Result<_>>()?;
        let streams = if params.per_participant { sounds.len() } else { 1 };
        let encoders = (0..streams).map(|_| encoder(&params)).collect::<anyhow::Result<_>>()?;
        Ok(Self { params, voices: sounds, encoders })
    }

    fn slice(&self, who: usize, start_ms: u64) -> Vec<i16> {
        let per_ms = u64::from(self.params.rate_hz / 1_000);
        let length = (per_ms * u64::from(self.params.send_rate_ms)) as usize;
        let from = usize::try_from(start_ms * per_ms).unwrap_or(usize::MAX);
        let voice = &self.voices[who];
        let mut out: Vec<i16> = voice.iter().skip(from).take(length).copied().collect();
        out.resize(length, 0);
        out
    }

    /// Nothing to hear from this participant in the message that starts there?
    #[must_use]
    pub fn silent(&self, who: usize, start_ms: u64) -> bool {
        self.slice(who, start_ms).iter().all(|s| s.unsigned_abs() < SILENCE)
    }

    /// The message of one participant that starts at `start_ms`.
    ///
    /// # Errors
    /// If the encoder refuses it.
    pub fn of(&mut self, who: usize, start_ms: u64) -> anyhow::Result<Vec<u8>> {
        let samples = self.slice(who, start_ms);
        self.spell(who, &samples)
    }

    /// The message of all that are present, mixed.
    ///
    /// # Errors
    /// If the encoder refuses it.
    pub fn mixed(&mut self, present: &[bool], start_ms: u64) -> anyhow::Result<Vec<u8>> {
        let mut sum: Vec<i32> = Vec::new();
        for (who, _) in present.iter().enumerate().filter(|(_, present)| **present) {
            let part = self.slice(who, start_ms);
            sum.resize(part.len(), 0);
            for (sum, sample) in sum.iter_mut().zip(part) {
                *sum += i32::from(sample);
            }
        }
        let length = (self.params.rate_hz / 1_000 * self.params.send_rate_ms) as usize;
        sum.resize(length, 0);
        let samples: Vec<i16> =
            sum.into_iter().map(|s| s.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16).collect();
        self.spell(0, &samples)
    }

    fn spell(&mut self, stream: usize, samples: &[i16]) -> anyhow::Result<Vec<u8>> {
        Ok(match self.params.coding {
            Coding::L16 => to_s16le(samples),
            Coding::G711 => samples.iter().map(|&s| mu_law(s)).collect(),
            Coding::Opus => {
                let both: Vec<i16>;
                let samples = if self.params.channels == 2 {
                    both = samples.iter().flat_map(|&s| [s, s]).collect();
                    &both
                } else {
                    samples
                };
                let encoder = self.encoders[stream].as_mut().context("no Opus encoder")?;
                let mut room = [0u8; 4_000];
                let length = encoder.encode(samples, &mut room).map_err(|error| anyhow::anyhow!("Opus: {error}"))?;
                room[..length].to_vec()
            }
        })
    }
}

/// ITU-T G.711, mu-law: sign, three bits of exponent, four of mantissa, all turned over.
fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let exponent = (31 - magnitude.leading_zeros() as i32 - 7).clamp(0, 7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

#[cfg(test)]
mod tests {
    use reframe_audio::decode::{Codec, Decoder};

    use super::*;

    fn voice(rate_hz: u32, ms: u32, level: i16) -> Voice {
        let samples = (0..rate_hz * ms / 1_000)
            .map(|n| ((n as f32 / rate_hz as f32 * 440.0 * std::f32::consts::TAU).sin() * f32::from(level)) as i16)
            .collect();
        Voice {
            track: 0,
            name: "x".into(),
            party: "buyer".into(),
            consent: None,
            sound: Sound::Pcm { rate_hz, samples },
        }
    }

    #[test]
    fn every_coding_can_be_read_again() {
        for (coding, rate_hz, channels, codec) in [
            (Coding::L16, 16_000, 1, Codec::PcmS16le { rate_hz: 16_000 }),
            (Coding::L16, 48_000, 1, Codec::PcmS16le { rate_hz: 48_000 }),
            (Coding::G711, 8_000, 1, Codec::Pcmu),
            (Coding::Opus, 48_000, 2, Codec::Opus { pre_skip: 0 }),
            (Coding::Opus, 16_000, 1, Codec::Opus { pre_skip: 0 }),
        ] {
            let params = AudioParams { coding, rate_hz, channels, per_participant: true, send_rate_ms: 20 };
            let mut sounds = Sounds::new(&[voice(16_000, 400, 8_000)], params).unwrap();
            let mut decoder = Decoder::new(codec);
            let mut heard = Vec::new();
            for n in 0..20 {
                decoder.decode(&sounds.of(0, n * 20).unwrap(), &mut heard).unwrap();
            }
            let loud = (heard.iter().map(|s| s * s).sum::<f32>() / heard.len() as f32).sqrt();
            // A sine of 8,000 of 32,768 has an effective value of 0.173.
            assert!((0.15..0.19).contains(&loud), "{coding:?} at {rate_hz}: {loud}");
        }
    }

    #[test]
    fn mixing_adds_and_keeps_within_bounds_and_the_end_is_silence() {
        let params = AudioParams { send_rate_ms: 100, ..AudioParams::default() };
        let mut sounds = Sounds::new(&[voice(16_000, 150, 30_000), voice(8_000, 150, 30_000)], params).unwrap();
        let both = sounds.mixed(&[true, true], 0).unwrap();
        assert_eq!(both.len(), 3_200);
        let peak = both.chunks(2).map(|b| i16::from_le_bytes([b[0], b[1]]).unsigned_abs()).max().unwrap();
        assert_eq!(peak, 32_768);
        assert_ne!(both, sounds.mixed(&[true, false], 0).unwrap());
        assert!(sounds.mixed(&[false, false], 0).unwrap().iter().all(|b| *b == 0));
        assert!(!sounds.silent(0, 100) && sounds.silent(0, 200));
        assert_eq!(sounds.of(0, 100_000).unwrap(), vec![0; 3_200]);
        assert_eq!(length_ms(&voice(8_000, 150, 1).sound), 150);
    }

    #[test]
    fn mu_law_of_the_standard() {
        // Corners of G.711's table: zero, the loudest of both signs, and one in the middle.
        assert_eq!((mu_law(0), mu_law(32_767), mu_law(-32_768)), (0xff, 0x80, 0x00));
        assert_eq!(mu_law(1_000), 0xce);
    }
}
