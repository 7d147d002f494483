//! Sound as Opus packets, for ways that carry nothing else.

use anyhow::{Context as _, ensure};
use reframe_audio::ogg_opus::{OggOpus, OpusPacket};

use super::{
    Encoding,
    source::{self, Sound, Voice},
};

/// Bits per second of one voice: transparent for speech at 48 kHz (RFC 6716, section 2.1.1: 16 to 20 kbit/s for wideband
/// speech, 28 to 40 for fullband).
const BITRATE: u32 = 32_000;

/// Encodes every voice that is not Opus yet, in packets of `packet_ms`.
///
/// # Errors
/// If Opus has no packets of that length.
pub fn prepare(voices: Vec<Voice>, packet_ms: u32) -> anyhow::Result<Vec<Voice>> {
    voices
        .into_iter()
        .map(|voice| match voice.sound {
            Sound::Opus(_) => Ok(voice),
            sound @ Sound::Pcm { .. } => {
                let sound = source::convert(sound, Encoding::Pcm, Some(48_000))?;
                Ok(Voice { sound: Sound::Opus(encode(&sound, packet_ms)?), ..voice })
            }
        })
        .collect()
}

fn encode(sound: &Sound, packet_ms: u32) -> anyhow::Result<OggOpus> {
    ensure!(matches!(packet_ms, 5 | 10 | 20 | 40 | 60), "Opus packets of {packet_ms} ms: use 5, 10, 20, 40 or 60");
    let samples: &[i16] = match sound {
        Sound::Pcm { samples, .. } => samples,
        Sound::Opus(_) => &[],
    };
    let mut encoder = ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Voip)
        .bitrate(ropus::Bitrate::try_bits(BITRATE).ok().context("the bit rate is out of range")?)
        .build()
        .context("no Opus encoder can be made")?;
    let pre_skip = u16::try_from(encoder.lookahead()).unwrap_or(312);
    let length = (packet_ms * 48) as usize;
    // The encoder delays the sound; what would be cut off at the end comes out with silence behind it.
    let mut padded = samples.to_vec();
    padded.resize((samples.len() + usize::from(pre_skip)).next_multiple_of(length), 0);
    let mut room = [0; 4_000];
    let mut packets = Vec::with_capacity(padded.len() / length);
    for (n, chunk) in padded.chunks_exact(length).enumerate() {
        let len = encoder.encode(chunk, &mut room).context("the sound cannot be encoded")?;
        packets.push(OpusPacket {
            start_48k: (n * length) as u64,
            samples_48k: length as u32,
            data: room[..len].to_vec(),
        });
    }
    Ok(OggOpus { channels: 1, pre_skip, packets, samples_48k: samples.len() as u64, warning: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_sounds_the_same() {
        let samples: Vec<i16> = (0..16_000).map(|n| ((n as f32 * 0.2).sin() * 9_000.0) as i16).collect();
        let voice = Voice {
            track: 0,
            name: "x".into(),
            party: "buyer".into(),
            consent: None,
            sound: Sound::Pcm { rate_hz: 16_000, samples: samples.clone() },
        };
        for packet_ms in [10, 20, 60] {
            let voices = prepare(vec![voice.clone()], packet_ms).unwrap();
            let Sound::Opus(file) = &voices[0].sound else { panic!() };
            assert_eq!(file.samples_48k, 48_000);
            let (heard, failed) = file.decode(16_000);
            assert_eq!((heard[0].len(), failed), (16_000, 0));
            let middle = 4_000..12_000;
            let dot: f64 = middle.clone().map(|n| f64::from(heard[0][n]) * f64::from(samples[n])).sum();
            let norm = |v: &[i16]| middle.clone().map(|n| f64::from(v[n]).powi(2)).sum::<f64>().sqrt();
            let alike = dot / norm(&heard[0]) / norm(&samples);
            assert!(alike > 0.95, "{packet_ms} ms: {alike}");
        }
        assert!(prepare(vec![voice], 100).is_err());
    }
}
