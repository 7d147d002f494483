//! One packet of any codec we take, to mono samples in -1..1; loss is concealed here as well.

use crate::g711;

/// Rate at which Opus packets are decoded, in Hz. Opus decodes to any of its rates at the same cost, so the detour over
/// 48 kHz and a resampler is not needed.
pub const OPUS_DECODE_HZ: u32 = 16_000;
/// Samples at 48 kHz by which a common Opus encoder delays its input (libopus: 4 ms of delay compensation plus 2.5 ms
/// of overlap); the pre-skip of files it writes.
pub const OPUS_PRE_SKIP: u16 = 312;
/// Longest Opus packet: 120 ms (RFC 6716, section 3.2.5), in samples at [`OPUS_DECODE_HZ`].
const OPUS_MAX_SAMPLES: usize = 1_920;
/// Longest PCM packet taken, in microseconds. Above it a packet is a mistake, not audio.
pub const MAX_PACKET_US: u64 = 2_000_000;

/// How the bytes of a packet are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Signed 16-bit little-endian PCM, mono.
    PcmS16le {
        /// Sample rate in Hz.
        rate_hz: u32,
    },
    /// G.711 mu-law, 8 kHz mono.
    Pcmu,
    /// G.711 A-law, 8 kHz mono.
    Pcma,
    /// One Opus packet (RFC 6716), mono or stereo; stereo is mixed down.
    Opus {
        /// Samples at 48 kHz by which the encoder delays its input; taken off, so that a word lies where it was
        /// spoken. [`OPUS_PRE_SKIP`] unless the sender says otherwise.
        pre_skip: u16,
    },
}

impl Codec {
    /// Sample rate of the decoded audio, in Hz.
    #[must_use]
    pub const fn decoded_hz(self) -> u32 {
        match self {
            Self::PcmS16le { rate_hz } => rate_hz,
            Self::Pcmu | Self::Pcma => 8_000,
            Self::Opus { .. } => OPUS_DECODE_HZ,
        }
    }

    /// Samples at [`decoded_hz`](Self::decoded_hz) that `payload` holds, read from its length or header alone. `None`
    /// if it cannot be a packet of this codec.
    #[must_use]
    pub fn samples(self, payload: &[u8]) -> Option<usize> {
        let samples = match self {
            Self::PcmS16le { .. } if !payload.len().is_multiple_of(2) => return None,
            Self::PcmS16le { .. } => payload.len() / 2,
            Self::Pcmu | Self::Pcma => payload.len(),
            Self::Opus { .. } => return opus_samples(payload).map(|at_48k| at_48k / 3),
        };
        let longest = u64::from(self.decoded_hz()) * MAX_PACKET_US / 1_000_000;
        (samples > 0 && samples as u64 <= longest).then_some(samples)
    }

    /// Whether `payload` says that nothing follows for a while: an Opus packet without sound in it, one or two bytes long
    /// (RFC 6716, sections 2.1.9 and 3.2.1). Senders that use it repeat one about every 400 ms.
    #[must_use]
    pub const fn is_silence(self, payload: &[u8]) -> bool {
        matches!(self, Self::Opus { .. }) && payload.len() <= 2
    }

    /// Length of `payload` in microseconds, rounded down. `None` if it cannot be a packet of this codec.
    #[must_use]
    pub fn duration_us(self, payload: &[u8]) -> Option<u64> {
        Some(samples_to_us(self.samples(payload)? as u64, self.decoded_hz()))
    }
}

/// `samples` at `rate_hz` in microseconds, rounded down.
#[must_use]
pub fn samples_to_us(samples: u64, rate_hz: u32) -> u64 {
    u64::try_from(u128::from(samples) * 1_000_000 / u128::from(rate_hz.max(1))).unwrap_or(u64::MAX)
}

/// Microseconds in samples at `rate_hz`, to the nearest.
#[must_use]
pub fn us_to_samples(us: u64, rate_hz: u32) -> u64 {
    u64::try_from((u128::from(us) * u128::from(rate_hz) + 500_000) / 1_000_000).unwrap_or(u64::MAX)
}

/// Samples at 48 kHz in an Opus packet, from its first two bytes (RFC 6716, section 3.1). `None` if it breaks the
/// format's rules.
#[must_use]
pub fn opus_samples(packet: &[u8]) -> Option<usize> {
    let toc = *packet.first()?;
    let config = toc >> 3;
    // Frame lengths of table 2: SILK 10/20/40/60 ms, hybrid 10/20 ms, CELT 2.5/5/10/20 ms.
    let frame = match config {
        0..=11 => [480, 960, 1_920, 2_880][usize::from(config % 4)],
        12..=15 => [480, 960][usize::from(config % 2)],
        _ => [120, 240, 480, 960][usize::from(config % 4)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(packet.get(1)? & 0x3f),
    };
    let samples = frame * frames;
    (samples > 0 && samples <= 5_760).then_some(samples)
}

/// Why a packet gave no audio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not a packet of the codec it was announced as.
    #[error("{bytes} bytes are not a packet of this codec: check the `codec` and `rate_hz` of the track")]
    Malformed {
        /// Length of the packet.
        bytes: usize,
    },
    /// The Opus decoder refused it.
    #[error("the Opus decoder refused a packet of {bytes} bytes: {why}")]
    Opus {
        /// Length of the packet.
        bytes: usize,
        /// In the decoder's words.
        why: String,
    },
}

/// An Opus decoder of one track: mono out at [`OPUS_DECODE_HZ`]. A trait, because every pure-Rust decoder is young.
pub trait OpusDecode: Send {
    /// Decodes `packet` and appends its samples to `out`. On an error nothing is appended.
    ///
    /// # Errors
    /// [`DecodeError`] if the packet is not one.
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), DecodeError>;

    /// Appends `samples` samples of what the lost packet may have held.
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>);

    /// As [`conceal`](Self::conceal), for packets lost just before `next`, which may hold a coarse copy of the last of
    /// them (RFC 6716, section 2.1.7). `next` itself is still to be decoded afterwards.
    fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>);
}

/// [`OpusDecode`] by the `ropus` crate.
pub struct Ropus {
    decoder: Option<ropus::Decoder>,
    channels: usize,
    rate_hz: u32,
    scratch: Vec<i16>,
}

impl Ropus {
    /// A decoder for one mono track at [`OPUS_DECODE_HZ`].
    #[must_use]
    pub fn new() -> Self {
        Self::with(OPUS_DECODE_HZ, 1)
    }

    /// A decoder at another rate (8, 12, 16, 24 or 48 kHz) or with two channels (interleaved out).
    #[must_use]
    pub fn with(rate_hz: u32, channels: usize) -> Self {
        let mut this = Self { decoder: None, channels: channels.clamp(1, 2), rate_hz, scratch: Vec::new() };
        this.restart();
        this
    }

    fn restart(&mut self) {
        let channels = if self.channels == 2 { ropus::Channels::Stereo } else { ropus::Channels::Mono };
        self.decoder = ropus::Decoder::new(self.rate_hz, channels).ok();
    }

    /// Runs the decoder; `samples` per channel is the room it is given.
    fn run(
        &mut self,
        packet: &[u8],
        mode: ropus::DecodeMode,
        samples: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), DecodeError> {
        let refused = |why: String| DecodeError::Opus { bytes: packet.len(), why };
        self.scratch.clear();
        self.scratch.resize(samples * self.channels, 0);
        let Some(decoder) = self.decoder.as_mut() else {
            return Err(refused(format!("no decoder for {} Hz: use 8, 12, 16, 24 or 48 kHz", self.rate_hz)));
        };
        let scratch = &mut self.scratch;
        // The crate is young and a packet comes from the network: a panic in it must cost this packet, not the call.
        let run = std::panic::AssertUnwindSafe(|| decoder.decode(packet, scratch, mode));
        match std::panic::catch_unwind(run) {
            Ok(Ok(decoded)) => {
                let decoded = (decoded * self.channels).min(self.scratch.len());
                out.extend(self.scratch[..decoded].iter().map(|&s| f32::from(s) / 32_768.0));
                Ok(())
            }
            Ok(Err(error)) => Err(refused(error.to_string())),
            Err(_) => {
                self.restart();
                Err(refused("the decoder panicked and was restarted".into()))
            }
        }
    }
}

impl Default for Ropus {
    fn default() -> Self {
        Self::new()
    }
}

impl OpusDecode for Ropus {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), DecodeError> {
        // An empty packet means "conceal" to the decoder; from the network it means nothing.
        if opus_samples(packet).is_none() {
            return Err(DecodeError::Malformed { bytes: packet.len() });
        }
        let room = OPUS_MAX_SAMPLES * self.rate_hz as usize / OPUS_DECODE_HZ as usize;
        self.run(packet, ropus::DecodeMode::Normal, room, out)
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        // Concealment runs in steps of 2.5 ms, at most 120 ms at a time.
        let step = self.rate_hz as usize / 400;
        let end = out.len() + samples * self.channels;
        while out.len() < end && step > 0 {
            let missing = ((end - out.len()) / self.channels).div_ceil(step) * step;
            let before = out.len();
            if self.run(&[], ropus::DecodeMode::Normal, missing.min(step * 48), out).is_err() || out.len() == before {
                break;
            }
        }
        out.resize(end, 0.0);
    }

    fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) {
        let step = self.rate_hz as usize / 400;
        let whole = samples > 0 && step > 0 && samples.is_multiple_of(step) && samples <= step * 48;
        let (before, end) = (out.len(), out.len() + samples * self.channels);
        let tried = whole && opus_samples(next).is_some();
        if tried && self.run(next, ropus::DecodeMode::Fec, samples, out).is_ok() && out.len() == end {
            return;
        }
        out.truncate(before);
        self.conceal(samples, out);
    }
}

/// Decoder of one track: keeps what the codec needs from packet to packet.
pub struct Decoder {
    codec: Codec,
    opus: Option<Box<dyn OpusDecode>>,
}

impl Decoder {
    /// A decoder for `codec`.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        let opus = matches!(codec, Codec::Opus { .. }).then(|| Box::new(Ropus::new()) as Box<dyn OpusDecode>);
        Self { codec, opus }
    }

    /// The codec it was made for.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Decodes `payload`, appends its samples at [`Codec::decoded_hz`] to `out`. On an error nothing is appended.
    ///
    /// # Errors
    /// [`DecodeError`] if the payload is no packet of the codec.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> Result<(), DecodeError> {
        if self.codec.samples(payload).is_none() {
            return Err(DecodeError::Malformed { bytes: payload.len() });
        }
        match (self.codec, &mut self.opus) {
            (Codec::PcmS16le { .. }, _) => {
                out.extend(payload.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0));
            }
            (Codec::Pcmu, _) => out.extend(payload.iter().map(|&b| g711::MULAW[usize::from(b)])),
            (Codec::Pcma, _) => out.extend(payload.iter().map(|&b| g711::ALAW[usize::from(b)])),
            (Codec::Opus { .. }, Some(opus)) => opus.decode(payload, out)?,
            (Codec::Opus { .. }, None) => return Err(DecodeError::Malformed { bytes: payload.len() }),
        }
        Ok(())
    }

    /// Appends `samples` samples for audio that did not come: the Opus decoder's guess, else silence.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        match &mut self.opus {
            Some(opus) => opus.conceal(samples, out),
            None => out.resize(out.len() + samples, 0.0),
        }
    }

    /// As [`conceal`](Self::conceal), with the help of `next`, the packet that follows what is missing.
    pub fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) {
        match &mut self.opus {
            Some(opus) => opus.recover(next, samples, out),
            None => out.resize(out.len() + samples, 0.0),
        }
    }
}

/// Splits interleaved samples into one vector per channel; an incomplete last group is left out.
#[must_use]
pub fn split_channels(interleaved: &[i16], channels: usize) -> Vec<Vec<i16>> {
    let channels = channels.max(1);
    let mut out = vec![Vec::with_capacity(interleaved.len() / channels); channels];
    for group in interleaved.chunks_exact(channels) {
        for (channel, &sample) in out.iter_mut().zip(group) {
            channel.push(sample);
        }
    }
    out
}

/// Samples as signed 16-bit little-endian bytes.
#[must_use]
pub fn to_s16le(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pcm_is_read_little_endian() {
        let mut out = Vec::new();
        Decoder::new(Codec::PcmS16le { rate_hz: 16_000 }).decode(&[0x00, 0x40, 0x00, 0x80], &mut out).unwrap();
        assert_eq!(out, [0.5, -1.0]);
    }

    #[test]
    fn half_a_sample_is_no_packet() {
        let mut out = Vec::new();
        let error = Decoder::new(Codec::PcmS16le { rate_hz: 8_000 }).decode(&[1, 2, 3], &mut out).unwrap_err();
        assert_eq!(error, DecodeError::Malformed { bytes: 3 });
        assert!(out.is_empty());
    }

    #[test]
    fn opus_lengths_follow_the_rfc() {
        for (packet, samples) in [
            (vec![0 << 3], Some(480)),
            (vec![3 << 3], Some(2_880)),
            (vec![(13 << 3) | 1], Some(1_920)),
            (vec![16 << 3], Some(120)),
            (vec![(31 << 3) | 3, 6], Some(5_760)),
            (vec![(31 << 3) | 3, 7], None),
            (vec![(31 << 3) | 3, 0], None),
            (vec![(31 << 3) | 3], None),
            (vec![], None),
        ] {
            assert_eq!(opus_samples(&packet), samples, "{packet:?}");
        }
    }

    fn encode(signal: &[i16]) -> Vec<Vec<u8>> {
        let mut encoder =
            ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Voip).build().unwrap();
        let mut room = [0u8; 4_000];
        signal
            .chunks_exact(960)
            .map(|chunk| {
                let n = encoder.encode(chunk, &mut room).unwrap();
                room[..n].to_vec()
            })
            .collect()
    }

    fn tone() -> Vec<i16> {
        (0..48_000).map(|n| ((n as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin() * 12_000.0) as i16).collect()
    }

    #[test]
    fn opus_decodes_to_16_khz_and_conceals() {
        let packets = encode(&tone());
        let mut decoder = Decoder::new(Codec::Opus { pre_skip: OPUS_PRE_SKIP });
        let mut out = Vec::new();
        for packet in &packets[..20] {
            decoder.decode(packet, &mut out).unwrap();
        }
        assert_eq!(out.len(), 20 * 320);
        let power = |x: &[f32]| x.iter().map(|s| s * s).sum::<f32>() / x.len() as f32;
        let loud = power(&out[3_200..]);
        assert!(loud > 0.03, "tone came through: {loud}");
        let mut guess = Vec::new();
        decoder.conceal(330, &mut guess);
        assert_eq!(guess.len(), 330);
        assert!(power(&guess) > 0.1 * loud, "concealment goes on with the tone: {}", power(&guess));
    }

    /// Something like a voice: a buzz whose pitch and loudness move, in syllables with pauses between them.
    fn voice(seconds: usize) -> Vec<i16> {
        let (mut phase, mut noise) = (0.0_f32, 1_u32);
        (0..seconds * 48_000)
            .map(|n| {
                let t = n as f32 / 48_000.0;
                phase += (130.0 + 35.0 * (t * 2.9).sin() + 12.0 * (t * 11.0).sin()) / 48_000.0;
                let buzz: f32 = (1..=14u8)
                    .map(|k| {
                        let k = f32::from(k);
                        let formant = 1.0 / (1.0 + ((k - 4.0 - 3.0 * (t * 3.7).sin()) / 2.0).powi(2));
                        (phase * k * std::f32::consts::TAU).sin() * (formant + 0.05)
                    })
                    .sum();
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let hiss = (noise >> 16) as f32 / 65_536.0 - 0.5;
                let syllable = (t * 4.0 * std::f32::consts::PI).sin().max(0.0);
                ((buzz * 4_000.0 + hiss * 300.0) * syllable) as i16
            })
            .collect()
    }

    /// Signal-to-noise ratio in dB of what stands in for every tenth packet, against what it held; by the copy in the
    /// next packet, and by guessing.
    #[test]
    fn the_copy_in_the_next_packet_is_better_than_a_guess() {
        let mut encoder = ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Voip)
            .bitrate(ropus::Bitrate::Bits(24_000))
            .inband_fec(ropus::InbandFec::Enabled)
            .packet_loss_perc(10)
            .build()
            .unwrap();
        let mut room = [0u8; 4_000];
        let packets: Vec<Vec<u8>> = voice(20)
            .chunks_exact(960)
            .map(|chunk| {
                let n = encoder.encode(chunk, &mut room).unwrap();
                room[..n].to_vec()
            })
            .collect();
        let mut clean = Vec::new();
        let mut decoder = Ropus::new();
        packets.iter().for_each(|p| decoder.decode(p, &mut clean).unwrap());
        let snr_db = |copy: bool| {
            let (mut decoder, mut out) = (Ropus::new(), Vec::new());
            let (mut signal, mut error) = (0.0_f32, 0.0_f32);
            for (n, packet) in packets.iter().enumerate() {
                if n % 10 == 7 && n + 1 < packets.len() {
                    let from = out.len();
                    if copy {
                        decoder.recover(&packets[n + 1], 320, &mut out);
                    } else {
                        decoder.conceal(320, &mut out);
                    }
                    assert_eq!(out.len(), from + 320);
                    for (got, want) in out[from..].iter().zip(&clean[from..]) {
                        signal += want * want;
                        error += (got - want) * (got - want);
                    }
                } else {
                    decoder.decode(packet, &mut out).unwrap();
                }
            }
            10.0 * (signal / error).log10()
        };
        let (copied, guessed) = (snr_db(true), snr_db(false));
        println!("10 % loss, 24 kbit/s: {copied:.1} dB by the copy, {guessed:.1} dB by guessing");
        assert!(copied > guessed + 3.0, "{copied:.1} dB by the copy, {guessed:.1} dB by guessing");
    }

    #[test]
    fn a_copy_that_is_not_there_is_guessed() {
        let packets = encode(&tone());
        let mut decoder = Ropus::new();
        let mut out = Vec::new();
        for (samples, next) in [(320, packets[5].clone()), (330, packets[5].clone()), (320, vec![]), (0, vec![1, 2])] {
            out.clear();
            decoder.recover(&next, samples, &mut out);
            assert_eq!(out.len(), samples);
        }
    }

    #[test]
    fn channels_are_split() {
        assert_eq!(split_channels(&[1, 2, 3, 4, 5], 2), [vec![1, 3], vec![2, 4]]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..8),
            codec in 0..4u8,
        ) {
            let codec = [
                Codec::PcmS16le { rate_hz: 44_100 }, Codec::Pcmu, Codec::Pcma, Codec::Opus { pre_skip: 312 },
            ][usize::from(codec)];
            let mut decoder = Decoder::new(codec);
            for packet in packets {
                let mut out = Vec::new();
                if decoder.decode(&packet, &mut out).is_ok() {
                    prop_assert_eq!(Some(out.len()), codec.samples(&packet));
                } else {
                    prop_assert!(out.is_empty());
                }
            }
        }

        #[test]
        fn corrupt_opus_does_not_panic(seed in any::<u64>()) {
            let mut decoder = Decoder::new(Codec::Opus { pre_skip: 312 });
            let mut state = seed | 1;
            for packet in encode(&tone()[..9_600]) {
                let mut bad = packet.clone();
                for byte in &mut bad {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if state >> 61 == 0 {
                        *byte ^= (state >> 40) as u8;
                    }
                }
                let mut out = Vec::new();
                let _decoded_or_not = decoder.decode(&bad, &mut out);
                prop_assert!(out.iter().all(|s| s.is_finite()));
            }
        }
    }
}
