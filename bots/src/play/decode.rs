//! Sound files of every common kind as 16-bit samples per channel. What kind it is, the first bytes say, not the name.

use std::io::Cursor;

use anyhow::{Context as _, bail, ensure};
use lewton::{
    audio::{PreviousWindowRight, read_audio_packet_generic},
    header::{read_header_comment, read_header_ident, read_header_setup},
};
use reframe_audio::wav::{WavError, WavFile};

/// Most channels of a file: more is no recording of a call.
const MAX_CHANNELS: usize = 16;

/// A decoded file.
#[derive(Debug)]
pub struct Decoded {
    /// Sample rate in Hz.
    pub rate_hz: u32,
    /// `[channel][sample]`.
    pub channels: Vec<Vec<i16>>,
    /// What the person should know about the file.
    pub warning: Option<String>,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Wav,
    Flac,
    Mp3,
    Vorbis,
    Opus,
}

/// What kind of file it is.
pub fn kind(bytes: &[u8]) -> anyhow::Result<Kind> {
    let head = &bytes[..bytes.len().min(512)];
    let holds = |name: &[u8]| head.windows(name.len()).any(|w| w == name);
    Ok(match head {
        // The reader of WAV files has the words for an empty one.
        [] | [b'R', b'I', b'F', b'F', ..] => Kind::Wav,
        [b'f', b'L', b'a', b'C', ..] => Kind::Flac,
        [b'O', b'g', b'g', b'S', ..] if holds(b"OpusHead") => Kind::Opus,
        [b'O', b'g', b'g', b'S', ..] if holds(b"\x01vorbis") => Kind::Vorbis,
        [b'O', b'g', b'g', b'S', ..] => bail!("an Ogg file with neither Opus nor Vorbis in it: {CONVERT}"),
        _ if bytes.get(4..8) == Some(b"ftyp") => bail!("MP4 and M4A files are not read: {CONVERT}"),
        _ if nanomp3::detect(bytes) => Kind::Mp3,
        _ => bail!("no WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis file: {CONVERT}"),
    })
}

const CONVERT: &str = "convert it, for example with `ffmpeg -i IN OUT.flac`";

/// Decodes a file of any kind but Opus, whose packets are played as they are.
///
/// # Errors
/// What is wrong with the file, and what to do.
pub fn decode(kind: Kind, bytes: Vec<u8>) -> anyhow::Result<Decoded> {
    let decoded = match kind {
        Kind::Wav => wav(bytes),
        Kind::Flac => flac(&bytes),
        Kind::Mp3 => mp3(&bytes),
        Kind::Vorbis => vorbis(bytes),
        Kind::Opus => bail!("Opus packets are played as they are"),
    }?;
    ensure!(decoded.channels.iter().any(|c| !c.is_empty()), "there is no sound in the file");
    ensure!(
        decoded.channels.len() <= MAX_CHANNELS,
        "{} channels; at most {MAX_CHANNELS} are taken",
        decoded.channels.len()
    );
    Ok(decoded)
}

fn wav(bytes: Vec<u8>) -> anyhow::Result<Decoded> {
    let mut file = match WavFile::open(Cursor::new(&bytes)) {
        Ok(file) => file,
        // What the engine itself does not take, a bot that resamples can.
        Err(WavError::Unsupported { .. }) if studio_rate(&bytes) => return wav_of_any_rate(&bytes),
        Err(error) => return Err(error.into()),
    };
    let rate_hz = file.rate_hz();
    let mut channels = vec![Vec::new(); file.channels()];
    while let Some(part) = file.read(rate_hz as usize)? {
        for (all, part) in channels.iter_mut().zip(part) {
            all.extend(part);
        }
    }
    Ok(Decoded { rate_hz, channels, warning: file.warning().map(str::to_owned) })
}

/// A rate above the engine's 48 kHz?
fn studio_rate(bytes: &[u8]) -> bool {
    hound::WavReader::new(Cursor::new(bytes)).is_ok_and(|r| r.spec().sample_rate > 48_000)
}

fn wav_of_any_rate(bytes: &[u8]) -> anyhow::Result<Decoded> {
    let mut reader = hound::WavReader::new(Cursor::new(bytes))?;
    let spec = reader.spec();
    let samples: Vec<i16> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map(|s| s.map(from_unit)).collect::<Result<_, _>>(),
        hound::SampleFormat::Int => {
            let bits = u32::from(spec.bits_per_sample);
            reader.samples::<i32>().map(|s| s.map(|s| from_bits(s, bits))).collect::<Result<_, _>>()
        }
    }
    .context("this WAV file breaks off")?;
    let channels = reframe_audio::decode::split_channels(&samples, usize::from(spec.channels));
    Ok(Decoded { rate_hz: spec.sample_rate, channels, warning: None })
}

fn flac(bytes: &[u8]) -> anyhow::Result<Decoded> {
    let mut reader = claxon::FlacReader::new(Cursor::new(bytes)).context("this FLAC file cannot be read")?;
    let info = reader.streaminfo();
    let mut channels = vec![Vec::new(); info.channels as usize];
    let (mut blocks, mut room, mut warning) = (reader.blocks(), Vec::new(), None);
    loop {
        match blocks.read_next_or_eof(room) {
            Ok(Some(block)) => {
                for (n, channel) in channels.iter_mut().enumerate() {
                    // A file that changes its mind about channels in the middle is missing some there.
                    if (n as u32) < block.channels() {
                        channel.extend(block.channel(n as u32).iter().map(|&s| from_bits(s, info.bits_per_sample)));
                    }
                }
                room = block.into_buffer();
            }
            Ok(None) => break,
            Err(error) => {
                warning = Some(format!("the file is damaged ({error}): read up to there"));
                break;
            }
        }
    }
    Ok(Decoded { rate_hz: info.sample_rate, channels, warning })
}

fn mp3(bytes: &[u8]) -> anyhow::Result<Decoded> {
    let decoded = nanomp3::decode_all::<i16>(bytes);
    let channels = match decoded.channels {
        Some(nanomp3::Channels::Mono) => 1,
        Some(nanomp3::Channels::Stereo) => 2,
        None => bail!("there is no MP3 sound in the file, or it changes between mono and stereo: {CONVERT}"),
    };
    let warning = decoded.format_changed.then(|| "the file changes its format on the way: read up to there".to_owned());
    let channels = reframe_audio::decode::split_channels(&decoded.samples, channels);
    Ok(Decoded { rate_hz: decoded.sample_rate, channels, warning })
}

fn vorbis(bytes: Vec<u8>) -> anyhow::Result<Decoded> {
    let broken = "this Ogg Vorbis file cannot be read";
    let mut packets = ogg::PacketReader::new(Cursor::new(bytes));
    let mut header = || packets.read_packet_expected().context(broken);
    let ident = read_header_ident(&header()?.data).ok().context(broken)?;
    read_header_comment(&header()?.data).ok().context(broken)?;
    let sizes = (ident.blocksize_0, ident.blocksize_1);
    let setup = read_header_setup(&header()?.data, ident.audio_channels, sizes).ok().context(broken)?;
    let mut channels = vec![Vec::new(); usize::from(ident.audio_channels)];
    let (mut overlap, mut warning, mut end) = (PreviousWindowRight::new(), None, None);
    loop {
        let packet = match packets.read_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(error) => {
                warning = Some(format!("the file is damaged ({error}): read up to there"));
                break;
            }
        };
        // Chained and multiplexed files hold other things behind and between.
        let Ok(part) = read_audio_packet_generic::<Vec<Vec<i16>>>(&ident, &setup, &packet.data, &mut overlap) else {
            warning = Some("parts of the file cannot be decoded and are left out".to_owned());
            continue;
        };
        for (all, part) in channels.iter_mut().zip(part) {
            all.extend(part);
        }
        if packet.last_in_stream() {
            end = usize::try_from(packet.absgp_page()).ok();
            break;
        }
    }
    // The last page says how much of its last packet counts.
    if let Some(end) = end {
        channels.iter_mut().for_each(|c| c.truncate(end));
    }
    Ok(Decoded { rate_hz: ident.audio_sample_rate, channels, warning })
}

fn from_bits(sample: i32, bits: u32) -> i16 {
    from_unit(sample as f32 / 2.0f32.powi(bits.clamp(1, 32) as i32 - 1))
}

fn from_unit(sample: f32) -> i16 {
    // `as` saturates, and makes silence of NaN.
    (sample * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Files of `tests/sounds`: 0.4 s, a tone of 440 Hz; the second channel, if any, 880 Hz.
    fn sound(name: &str) -> Decoded {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds").join(name)).unwrap();
        decode(kind(&bytes).unwrap(), bytes).unwrap_or_else(|e| panic!("{name}: {e:#}"))
    }

    /// Strength of a tone in the middle of a sound, 1 for one at full scale.
    fn tone(samples: &[i16], rate_hz: u32, hz: f32) -> f32 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let (mut re, mut im) = (0.0f32, 0.0f32);
        for (n, &s) in middle.iter().enumerate() {
            let at = n as f32 * hz * std::f32::consts::TAU / rate_hz as f32;
            re += f32::from(s) / 32_768.0 * at.cos();
            im += f32::from(s) / 32_768.0 * at.sin();
        }
        re.hypot(im) * 2.0 / middle.len() as f32
    }

    #[test]
    fn every_kind_sounds_the_same() {
        for (name, rate_hz, channels) in [
            ("tone.flac", 22_050, 2),
            ("tone24.flac", 96_000, 1),
            ("tone.mp3", 44_100, 2),
            ("tone.ogg", 48_000, 2),
            ("tone8k.ogg", 8_000, 1),
        ] {
            let decoded = sound(name);
            assert_eq!((decoded.rate_hz, decoded.channels.len()), (rate_hz, channels), "{name}");
            assert_eq!(decoded.warning, None, "{name}");
            let ms = decoded.channels[0].len() as u64 * 1_000 / u64::from(rate_hz);
            assert!((395..=430).contains(&ms), "{name}: {ms} ms");
            for (n, channel) in decoded.channels.iter().enumerate() {
                let (own, other) = if n == 0 { (440.0, 880.0) } else { (880.0, 440.0) };
                let (own, other) = (tone(channel, rate_hz, own), tone(channel, rate_hz, other));
                assert!((0.2..0.3).contains(&own) && other < 0.02, "{name}, channel {n}: {own} {other}");
            }
        }
    }

    #[test]
    fn wav_files_of_studio_rates_are_read() {
        for (bits, float) in [(24, false), (32, true)] {
            let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
            let spec = hound::WavSpec { channels: 2, sample_rate: 96_000, bits_per_sample: bits, sample_format };
            let mut bytes = Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
            for n in 0..9_600 {
                for hz in [440.0, 880.0] {
                    let sample = (n as f32 * hz * std::f32::consts::TAU / 96_000.0).sin() * 0.25;
                    if float {
                        writer.write_sample(sample).unwrap();
                    } else {
                        writer.write_sample((sample * 8_388_607.0) as i32).unwrap();
                    }
                }
            }
            writer.finalize().unwrap();
            let decoded = decode(Kind::Wav, bytes.into_inner()).unwrap();
            assert_eq!((decoded.rate_hz, decoded.channels.len(), decoded.channels[1].len()), (96_000, 2, 9_600));
            let strength = tone(&decoded.channels[1], 96_000, 880.0);
            assert!((0.24..0.26).contains(&strength), "{strength}");
        }
    }

    #[test]
    fn other_files_are_refused_in_words() {
        for (bytes, says) in [
            (&b"plain text, and long enough to be no sound at all"[..], "convert it"),
            (b"OggS\0\0and something", "neither Opus nor Vorbis"),
            (b"\0\0\0\x20ftypM4A more", "M4A"),
        ] {
            let error = format!("{:#}", kind(bytes).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
        for name in ["tone.flac", "tone.ogg", "tone.mp3"] {
            let whole = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sounds").join(name)).unwrap();
            for length in [whole.len() / 2, 100, 30] {
                let cut = whole[..length.min(whole.len())].to_vec();
                // Never a panic; a warning or words if there is nothing in it.
                if let Ok(kind) = kind(&cut) {
                    let _either_way = decode(kind, cut);
                }
            }
            let mut bad = whole.clone();
            bad.iter_mut().skip(60).step_by(97).for_each(|b| *b ^= 0x55);
            if let Ok(kind) = kind(&bad) {
                let _either_way = decode(kind, bad);
            }
        }
    }
}
