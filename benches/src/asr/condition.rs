//! What is done to the sound on its way, as a meeting, a telephone or a bad network would do it; always the same for the same
//! utterance.

use std::time::{Duration, Instant};

use anyhow::Context;
use reframe_audio::{
    decode::{Codec, to_s16le},
    resample::Resampler,
    track::{EncodedPacket, TrackItem, TrackPipeline},
};
use reframe_call::{
    audio::{AudioFrame, TrackId},
    time::MediaTime,
};
use reframe_ingest::{
    item::What,
    rtp::{RtpPacket, RtpTrack},
};

use super::set::RATE_HZ;
use crate::dice::Dice;

/// Bits a second of the Opus conditions: the least at which Opus is meant for wideband speech (RFC 6716, section 2.1.1).
const OPUS_BITRATE: u32 = 16_000;
/// Packets lost of a thousand in [`Condition::Loss`].
const LOST: u64 = 50;
/// Most delay on the way in [`Condition::Loss`], in ms: packets of 20 ms overtake each other.
const JITTER_MS: u64 = 60;
/// Speech above noise in [`Condition::Noise`], in dB.
const SNR_DB: f32 = 10.0;
/// Frames this much below the loudest are pauses, when the level of the speech is taken, in dB.
const PAUSE_DB: f32 = 40.0;
/// Samples of 20 ms.
const PACKET: usize = RATE_HZ as usize / 50;

/// A way from a mouth to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Condition {
    /// As the file has it.
    Clean,
    /// Opus at 16 kbit/s, packets of 20 ms.
    Opus,
    /// 300 to 3,400 Hz, 8 kHz, G.711 mu-law.
    Telephone,
    /// The same Opus by RTP: 5 % of the packets lost one by one, up to 60 ms of jitter; our reordering and concealment.
    Loss,
    /// A machine in the room, 10 dB below the speech.
    Noise,
}

impl Condition {
    /// All, in the order of tables.
    pub const ALL: [Self; 5] = [Self::Clean, Self::Opus, Self::Telephone, Self::Loss, Self::Noise];

    /// For tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Opus => "Opus 16 kbit/s",
            Self::Telephone => "telephone band",
            Self::Loss => "5 % loss",
            Self::Noise => "noise at 10 dB",
        }
    }

    /// `samples` after this way, decoded, concealed and cut by the program's own parts. `n` is the utterance's number, by
    /// which chance is settled; `noise` is what [`Self::Noise`] adds.
    ///
    /// # Errors
    /// If the encoder cannot be made.
    pub fn frames(self, samples: &[i16], noise: &[i16], n: usize) -> anyhow::Result<Vec<AudioFrame>> {
        let mut packets = match self {
            Self::Clean => pcm(samples),
            Self::Noise => pcm(&noisy(samples, noise, n)),
            Self::Telephone => telephone(samples)?,
            Self::Opus => opus(samples)?,
            Self::Loss => lossy(&opus(samples)?, n),
        };
        let mut pipeline = TrackPipeline::new(TrackId(0));
        let mut items = Vec::new();
        packets.drain(..).for_each(|p| pipeline.push(&p, &mut items));
        pipeline.finish(&mut items);
        Ok(items
            .into_iter()
            .filter_map(|item| match item {
                TrackItem::Frame(frame) => Some(frame),
                TrackItem::Gap { .. } => None,
            })
            .collect())
    }
}

/// Packet number `n` of 20 ms.
fn packet(n: usize, codec: Codec, payload: Vec<u8>) -> EncodedPacket {
    EncodedPacket { track: TrackId(0), at: MediaTime::from_ms(n as u64 * 20), codec, payload, lost_before: Some(0) }
}

fn pcm(samples: &[i16]) -> Vec<EncodedPacket> {
    let codec = Codec::PcmS16le { rate_hz: RATE_HZ };
    samples.chunks(PACKET).enumerate().map(|(n, chunk)| packet(n, codec, to_s16le(chunk))).collect()
}

fn opus(samples: &[i16]) -> anyhow::Result<Vec<EncodedPacket>> {
    let mut encoder = ropus::Encoder::builder(RATE_HZ, ropus::Channels::Mono, ropus::Application::Voip)
        .bitrate(ropus::Bitrate::try_bits(OPUS_BITRATE).ok().context("the bit rate is out of range")?)
        .build()
        .context("no Opus encoder can be made")?;
    let delay = encoder.lookahead();
    // Pre-skip is counted at 48 kHz.
    let codec = Codec::Opus { pre_skip: u16::try_from(delay * 3).unwrap_or(312) };
    let mut padded = samples.to_vec();
    padded.resize((samples.len() + usize::try_from(delay).unwrap_or(0)).next_multiple_of(PACKET), 0);
    let mut room = [0; 4_000];
    padded
        .chunks_exact(PACKET)
        .enumerate()
        .map(|(n, chunk)| {
            let length = encoder.encode(chunk, &mut room).context("the sound cannot be encoded")?;
            Ok(packet(n, codec, room[..length].to_vec()))
        })
        .collect()
}

/// Through [`RtpTrack`], with losses and delays.
fn lossy(packets: &[EncodedPacket], n: usize) -> Vec<EncodedPacket> {
    let Some(codec) = packets.first().map(|p| p.codec) else { return Vec::new() };
    let mut dice = Dice(n as u64 + 1);
    let mut sent: Vec<(u64, usize)> = Vec::new();
    for i in 0..packets.len() {
        let (lost, delay) = (dice.roll(1_000) < LOST, dice.roll(JITTER_MS + 1));
        // By the first packet the clock is set, which in a call has long been done: it comes, and at once.
        if i == 0 {
            sent.push((0, i));
        } else if !lost {
            sent.push((i as u64 * 20 + delay, i));
        }
    }
    sent.sort_unstable();
    let epoch = Instant::now();
    let mut track = RtpTrack::new(TrackId(0), codec, 48_000, epoch);
    let mut items = Vec::new();
    for (ms, i) in &sent {
        let number = u32::try_from(*i).unwrap_or(u32::MAX);
        let rtp = RtpPacket {
            ssrc: 1,
            sequence: (*i % 0x1_0000) as u16,
            timestamp: number.wrapping_mul(960),
            contributor: None,
            payload: packets[*i].payload.clone(),
        };
        track.push(rtp, epoch + Duration::from_millis(*ms), &mut items);
    }
    // What is still held for a packet that does not come.
    track.tick(epoch + Duration::from_millis(packets.len() as u64 * 20 + 150), &mut items);
    let (mut first, mut before) = (None, None);
    let mut out = Vec::new();
    for item in items {
        let What::Packet(p) = item.what else { continue };
        let lost = match (before, p.sequence) {
            (Some(before), Some(now)) => Some(u32::from(now.wrapping_sub(before).wrapping_sub(1))),
            _ => Some(0),
        };
        before = p.sequence;
        let start = *first.get_or_insert(p.timestamp_us);
        let at = MediaTime::from_us(p.timestamp_us.saturating_sub(start));
        out.push(EncodedPacket { track: TrackId(0), at, codec, payload: p.payload, lost_before: lost });
    }
    out
}

fn telephone(samples: &[i16]) -> anyhow::Result<Vec<EncodedPacket>> {
    let input: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
    let mut resampler = Resampler::new(RATE_HZ, 8_000)?;
    let mut narrow = Vec::new();
    resampler.push(&input, &mut narrow);
    resampler.finish(&mut narrow);
    // The band of a telephone (ITU-T G.712), fourth order at either end.
    for _ in 0..2 {
        Biquad::high_pass(300.0, 8_000.0).run(&mut narrow);
        Biquad::low_pass(3_400.0, 8_000.0).run(&mut narrow);
    }
    let bytes: Vec<u8> =
        narrow.iter().map(|s| mulaw((s * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)).collect();
    Ok(bytes.chunks(160).enumerate().map(|(n, chunk)| packet(n, Codec::Pcmu, chunk.to_vec())).collect())
}

/// A 16-bit sample as a mu-law byte (ITU-T G.711, table 2a).
fn mulaw(sample: i16) -> u8 {
    const BIAS: u16 = 0x84;
    const CLIP: u16 = 32_635;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.unsigned_abs().min(CLIP) + BIAS;
    let exponent = (15 - magnitude.leading_zeros()).saturating_sub(7);
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

/// A second-order Butterworth filter (Bristow-Johnson's formulas with Q = 1/√2).
struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
}

impl Biquad {
    fn new(hz: f32, rate_hz: f32, pass: impl Fn(f32) -> [f32; 3]) -> Self {
        let w = std::f32::consts::TAU * hz / rate_hz;
        let alpha = w.sin() * std::f32::consts::FRAC_1_SQRT_2;
        let scale = 1.0 / (1.0 + alpha);
        Self { b: pass(w.cos()).map(|b| b * scale), a: [-2.0 * w.cos() * scale, (1.0 - alpha) * scale] }
    }

    fn high_pass(hz: f32, rate_hz: f32) -> Self {
        Self::new(hz, rate_hz, |c| [f32::midpoint(1.0, c), -1.0 - c, f32::midpoint(1.0, c)])
    }

    fn low_pass(hz: f32, rate_hz: f32) -> Self {
        Self::new(hz, rate_hz, |c| [(1.0 - c) / 2.0, 1.0 - c, (1.0 - c) / 2.0])
    }

    fn run(&self, samples: &mut [f32]) {
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for s in samples {
            let x = *s;
            let y = self.b[0] * x + self.b[1] * x1 + self.b[2] * x2 - self.a[0] * y1 - self.a[1] * y2;
            (x2, x1, y2, y1) = (x1, x, y1, y);
            *s = y;
        }
    }
}

/// `samples` with `noise` [`SNR_DB`] below the level of the speech in them, pauses not counted.
fn noisy(samples: &[i16], noise: &[i16], n: usize) -> Vec<i16> {
    if noise.is_empty() {
        return samples.to_vec();
    }
    let power = |x: &[i16]| x.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / x.len().max(1) as f32;
    let frames: Vec<f32> = samples.chunks(PACKET).map(power).collect();
    let least = frames.iter().copied().fold(0.0, f32::max) * 10_f32.powf(-PAUSE_DB / 10.0);
    let spoken: Vec<f32> = frames.into_iter().filter(|p| *p > least).collect();
    let speech = spoken.iter().sum::<f32>() / spoken.len().max(1) as f32;
    let gain = (speech / power(noise).max(1.0) / 10_f32.powf(SNR_DB / 10.0)).sqrt();
    // Each utterance has another part of the noise.
    let from = n * 7_919;
    let at = |i: usize| f32::from(noise[(from + i) % noise.len()]) * gain;
    samples.iter().enumerate().map(|(i, s)| (f32::from(*s) + at(i)).clamp(-32_768.0, 32_767.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use reframe_audio::g711;

    use super::*;

    fn tone(hz: f32, seconds: f32) -> Vec<i16> {
        (0..(seconds * 16_000.0) as usize)
            .map(|n| ((n as f32 * hz * std::f32::consts::TAU / 16_000.0).sin() * 8_000.0) as i16)
            .collect()
    }

    fn heard(condition: Condition, samples: &[i16]) -> Vec<f32> {
        let noise: Vec<i16> = (0..16_000).map(|n| ((n * 7_919) % 2_001) as i16 - 1_000).collect();
        condition.frames(samples, &noise, 3).unwrap().iter().flat_map(|f| f.samples.to_vec()).collect()
    }

    fn db(x: &[f32], reference: &[i16]) -> f32 {
        let power = |it: &mut dyn Iterator<Item = f32>| it.map(|s| s * s).sum::<f32>();
        let (x, y) = (&x[3_200..12_800], &reference[3_200..12_800]);
        10.0 * (power(&mut x.iter().copied()) / power(&mut y.iter().map(|s| f32::from(*s) / 32_768.0))).log10()
    }

    #[test]
    fn the_sound_keeps_its_length_and_level_where_it_may_pass() {
        let middle = tone(1_000.0, 1.0);
        for condition in Condition::ALL {
            let out = heard(condition, &middle);
            assert!(out.len().abs_diff(16_000) <= 640, "{condition:?}: {} samples", out.len());
            let level = db(&out, &middle);
            assert!(level.abs() < 1.5, "{condition:?}: {level} dB");
        }
    }

    #[test]
    fn a_telephone_has_neither_bass_nor_treble() {
        for (hz, most) in [(80.0, -15.0), (3_550.0, -8.0), (5_000.0, -15.0)] {
            let sound = tone(hz, 1.0);
            let level = db(&heard(Condition::Telephone, &sound), &sound);
            assert!(level < most, "{hz} Hz came through at {level} dB");
            assert!(db(&heard(Condition::Clean, &sound), &sound).abs() < 0.1);
        }
    }

    #[test]
    fn noise_is_as_far_below_the_speech_as_it_says() {
        let mut sound = tone(500.0, 1.0);
        // As much silence again: it must not count.
        sound.extend(vec![0; 16_000]);
        let noise: Vec<i16> = (0..16_000).map(|n| if n % 2 == 0 { 300 } else { -300 }).collect();
        let out = noisy(&sound, &noise, 0);
        let added: f32 = out[16_000..].iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / 16_000.0;
        let snr = 10.0 * (8_000_f32.powi(2) / 2.0 / added).log10();
        assert!((snr - 10.0).abs() < 0.1, "{snr} dB");
    }

    #[test]
    fn mulaw_comes_back_as_it_went() {
        for byte in 0..=255_u8 {
            let sample = g711::mulaw(byte);
            assert_eq!(g711::mulaw(mulaw(sample)), sample, "{byte:#x}");
        }
    }

    #[test]
    fn packets_get_lost() {
        let sent = opus(&tone(300.0, 20.0)).unwrap();
        let got = lossy(&sent, 1);
        let lost: u32 = got.iter().filter_map(|p| p.lost_before).sum();
        let share = f64::from(lost) / sent.len() as f64;
        assert!((0.02..0.08).contains(&share), "{share}");
        assert!(got.len() + lost as usize >= sent.len() - 3, "{} and {lost} of {}", got.len(), sent.len());
        assert!(got.windows(2).all(|w| w[0].at < w[1].at), "order");
    }
}
