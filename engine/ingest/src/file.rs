//! Recordings as calls: WAV files with a participant per channel, and Opus files, cut into packets of any length.

use std::{
    collections::VecDeque,
    io::{Read, Seek, SeekFrom},
};

use reframe_audio::{
    decode::{Codec, OpusDecode as _, Ropus, samples_to_us, split_channels, to_s16le},
    ogg_opus::{OggOpus, OggOpusError},
    wav::{WavError, WavFile},
};
use reframe_call::audio::{TrackId, TrackInfo};

use crate::item::{Packet, What};

/// Shortest packet a recording can be cut into, in ms.
pub const MIN_PACKET_MS: u32 = 5;
/// Longest packet a recording can be cut into, in ms.
pub const MAX_PACKET_MS: u32 = 1_000;

/// Something a recording can be read from. The caller opens files.
pub trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// Why a recording is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A WAV file with a problem.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// An Ogg file with a problem.
    #[error(transparent)]
    Ogg(#[from] OggOpusError),
    /// Neither WAV nor Ogg.
    #[error(
        "neither a WAV nor an Opus file (it begins with {start:?}): convert it, for example with `ffmpeg -i IN -c:a pcm_s16le OUT.wav`"
    )]
    Unknown {
        /// Its first bytes, as text.
        start: String,
    },
    /// Not as many channels as participants.
    #[error("the file has {found} channel{}, but {named} participant{} named: name one per channel, for example {example}", if *found == 1 { "" } else { "s" }, if *named == 1 { " is" } else { "s are" })]
    Channels {
        /// Channels in the file.
        found: usize,
        /// Participants named.
        named: usize,
        /// What would fit.
        example: String,
    },
    /// A packet length out of bounds.
    #[error("packets of {0} ms: use {MIN_PACKET_MS} to {MAX_PACKET_MS} ms")]
    PacketLength(u32),
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Something that happens in a recording, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// When it would have been sent, in microseconds from the start: at a packet's last sample.
    pub due_us: u64,
    /// What.
    pub what: What,
}

enum Audio {
    Wav(Box<WavFile<Box<dyn Source>>>),
    /// Mono Opus goes on as it is stored.
    Opus {
        file: OggOpus,
        next: usize,
    },
    /// Stereo Opus has to be taken apart.
    StereoOpus {
        file: OggOpus,
        next: usize,
        decoder: Box<Ropus>,
        skip: usize,
    },
}

struct Part {
    tracks: Vec<TrackInfo>,
    codec: Codec,
    audio: Audio,
    /// Samples (or, for stored Opus, samples at 48 kHz) handed out.
    at: u64,
    sequence: u16,
    /// Cut, not yet handed out.
    ready: VecDeque<Timed>,
    done: bool,
}

/// A recorded call: one or more files, merged in order of time.
pub struct Recording {
    packet_ms: u32,
    parts: Vec<Part>,
    greeting: VecDeque<What>,
    ended: bool,
    last_us: u64,
}

impl Recording {
    /// A recording to be cut into packets of `packet_ms` (mono Opus keeps its own).
    ///
    /// # Errors
    /// [`FileError::PacketLength`] outside [`MIN_PACKET_MS`]..=[`MAX_PACKET_MS`].
    pub fn new(packet_ms: u32) -> Result<Self, FileError> {
        if !(MIN_PACKET_MS..=MAX_PACKET_MS).contains(&packet_ms) {
            return Err(FileError::PacketLength(packet_ms));
        }
        Ok(Self { packet_ms, parts: Vec::new(), greeting: VecDeque::new(), ended: false, last_us: 0 })
    }

    /// Adds a file: `tracks` names its channels in order. Ids must differ over all files.
    ///
    /// # Errors
    /// [`FileError`] saying what is wrong with the file and what to do.
    pub fn add(&mut self, mut source: Box<dyn Source>, tracks: Vec<TrackInfo>) -> Result<(), FileError> {
        let mut start = Vec::new();
        source.by_ref().take(12).read_to_end(&mut start)?;
        source.seek(SeekFrom::Start(0))?;
        let (codec, audio, channels) = if start.starts_with(b"OggS") {
            let file = OggOpus::read(source)?;
            let channels = file.channels;
            if channels == 1 {
                (file.codec(), Audio::Opus { file, next: 0 }, 1)
            } else {
                let skip = usize::from(file.pre_skip) / 3;
                let audio = Audio::StereoOpus { file, next: 0, decoder: Box::new(Ropus::with(16_000, 2)), skip };
                (Codec::PcmS16le { rate_hz: 16_000 }, audio, channels)
            }
        } else if start.is_empty() || start.starts_with(b"RIFF") {
            let file = WavFile::open(source)?;
            let (rate_hz, channels) = (file.rate_hz(), file.channels());
            (Codec::PcmS16le { rate_hz }, Audio::Wav(Box::new(file)), channels)
        } else {
            return Err(FileError::Unknown { start: String::from_utf8_lossy(&start).into_owned() });
        };
        if channels != tracks.len() {
            let example = match channels {
                1 => "buyer".to_owned(),
                2 => "rep,buyer".to_owned(),
                n => vec!["unknown"; n].join(","),
            };
            return Err(FileError::Channels { found: channels, named: tracks.len(), example });
        }
        self.greeting.extend(tracks.iter().map(|info| What::Track { info: info.clone(), codec, who: Box::default() }));
        self.parts.push(Part { tracks, codec, audio, at: 0, sequence: 0, ready: VecDeque::new(), done: false });
        Ok(())
    }

    /// What the person should know about the files: truncation, for example. Complete once [`next`](Self::next) has
    /// returned `None`.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.parts
            .iter()
            .filter_map(|part| match &part.audio {
                Audio::Wav(file) => file.warning().map(str::to_owned),
                Audio::Opus { file, .. } | Audio::StereoOpus { file, .. } => file.warning.clone(),
            })
            .collect()
    }

    /// The next thing that happens: first all participants, then packets in order of their ends, then [`What::End`];
    /// after it `None`.
    ///
    /// # Errors
    /// [`FileError`] if reading fails.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Timed>, FileError> {
        if let Some(what) = self.greeting.pop_front() {
            return Ok(Some(Timed { due_us: 0, what }));
        }
        for part in &mut self.parts {
            while part.ready.is_empty() && !part.done {
                part.cut(self.packet_ms)?;
            }
        }
        let first = self.parts.iter_mut().filter(|p| !p.ready.is_empty()).min_by_key(|p| {
            let track = p.tracks.first().map_or(TrackId(0), |t| t.id);
            (p.ready.front().map_or(0, |t| t.due_us), track)
        });
        if let Some(timed) = first.and_then(|part| part.ready.pop_front()) {
            self.last_us = timed.due_us;
            return Ok(Some(timed));
        }
        if self.ended {
            return Ok(None);
        }
        self.ended = true;
        Ok(Some(Timed { due_us: self.last_us, what: What::End }))
    }
}

impl Part {
    fn cut(&mut self, packet_ms: u32) -> Result<(), FileError> {
        let channels = match &mut self.audio {
            Audio::Opus { file, next } => {
                let Some(packet) = file.packets.get(*next) else {
                    self.done = true;
                    return Ok(());
                };
                *next += 1;
                let (start, end) = (packet.start_48k, packet.start_48k + u64::from(packet.samples_48k));
                let payload = packet.data.clone();
                self.queue(samples_to_us(start, 48_000), samples_to_us(end, 48_000), vec![payload]);
                return Ok(());
            }
            Audio::Wav(file) => file.read((file.rate_hz() * packet_ms / 1_000).max(1) as usize)?,
            Audio::StereoOpus { file, next, decoder, skip } => match file.packets.get(*next) {
                None => None,
                Some(packet) => {
                    *next += 1;
                    let mut out = Vec::new();
                    if decoder.decode(&packet.data, &mut out).is_err() {
                        out.clear();
                    }
                    out.resize(packet.samples_48k as usize / 3 * 2, 0.0);
                    let skipped = (*skip).min(out.len() / 2);
                    *skip -= skipped;
                    let samples: Vec<i16> = out[skipped * 2..].iter().map(|s| (s * 32_768.0).round() as i16).collect();
                    Some(split_channels(&samples, 2))
                }
            },
        };
        let Some(channels) = channels else {
            self.done = true;
            return Ok(());
        };
        let samples = channels.first().map_or(0, Vec::len) as u64;
        if samples > 0 {
            let rate_hz = self.codec.decoded_hz();
            let (start, end) = (samples_to_us(self.at, rate_hz), samples_to_us(self.at + samples, rate_hz));
            self.at += samples;
            self.queue(start, end, channels.iter().map(|c| to_s16le(c)).collect());
        }
        Ok(())
    }

    /// One packet per track.
    fn queue(&mut self, start_us: u64, due_us: u64, payloads: Vec<Vec<u8>>) {
        for (info, payload) in self.tracks.iter().zip(payloads) {
            let packet =
                Packet { track: info.id, sequence: Some(self.sequence), timestamp_us: start_us, exact: false, payload };
            self.ready.push_back(Timed { due_us, what: What::Packet(packet) });
        }
        self.sequence = self.sequence.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Cursor, time::Instant};

    use reframe_call::{audio::Party, input::Input};

    use super::*;
    use crate::{Assembler, AssemblerConfig, IngestItem, Mode};

    fn tracks(n: u16) -> Vec<TrackInfo> {
        (0..n)
            .map(|id| TrackInfo {
                id: TrackId(id),
                party: Party::Unknown,
                name: format!("t{id}"),
                email: None,
                consent: Some(reframe_call::audio::Consent { basis: "test".into(), reference: String::new() }),
            })
            .collect()
    }

    fn wav(channels: u16, rate_hz: u32, samples: u32) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate_hz,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for n in 0..samples {
            for channel in 0..channels {
                writer.write_sample(((n as f32 * 0.03 * f32::from(channel + 1)).sin() * 9_000.0) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn inputs(mut recording: Recording) -> (Vec<Input>, Vec<String>) {
        let now = Instant::now();
        let mut assembler = Assembler::new(AssemblerConfig::new(Mode::Recorded));
        let mut out = Vec::new();
        let mut last = 0;
        while let Some(timed) = recording.next().unwrap() {
            assert!(timed.due_us >= last, "in order");
            last = timed.due_us;
            assembler.push(IngestItem::new(now, timed.what));
            while let Some((input, _)) = assembler.pop(now) {
                out.push(input);
            }
        }
        (out, recording.warnings())
    }

    fn replay(bytes: Vec<u8>, channels: u16, packet_ms: u32) -> (Vec<Input>, Vec<String>) {
        let mut recording = Recording::new(packet_ms).unwrap();
        recording.add(Box::new(Cursor::new(bytes)), tracks(channels)).unwrap();
        inputs(recording)
    }

    #[test]
    fn a_wav_file_is_the_same_call_in_any_packets() {
        for rate_hz in [8_000, 16_000, 44_100, 48_000] {
            let bytes = wav(2, rate_hz, rate_hz * 2 + 77);
            let (one, warnings) = replay(bytes.clone(), 2, 20);
            assert_eq!(warnings, Vec::<String>::new());
            assert_eq!(one.len(), 2 + 2 * 101 + 1, "{rate_hz}");
            for packet_ms in [5, 100, 1_000] {
                assert!(replay(bytes.clone(), 2, packet_ms).0 == one, "{rate_hz} Hz, {packet_ms} ms");
            }
        }
    }

    #[test]
    fn a_truncated_file_is_replayed_as_far_as_it_goes() {
        let mut bytes = wav(2, 16_000, 16_000);
        bytes.truncate(44 + 4 * 8_000 + 3);
        let (out, warnings) = replay(bytes, 2, 20);
        assert_eq!(out.len(), 2 + 50 + 1);
        assert!(warnings[0].contains("truncated"), "{warnings:?}");
    }

    #[test]
    fn wrong_files_are_refused_with_advice() {
        let refuse = |bytes: Vec<u8>, n: u16| {
            let mut recording = Recording::new(20).unwrap();
            recording.add(Box::new(Cursor::new(bytes)), tracks(n)).unwrap_err().to_string()
        };
        let message = refuse(wav(1, 16_000, 10), 2);
        assert_eq!(
            message,
            "the file has 1 channel, but 2 participants are named: name one per channel, for example buyer"
        );
        assert!(refuse(wav(2, 16_000, 10), 1).contains("for example rep,buyer"));
        assert_eq!(refuse(Vec::new(), 1), "the file is empty (0 bytes)");
        assert!(refuse(b"ID3\x04 an mp3 perhaps".to_vec(), 1).contains("neither a WAV nor an Opus file"));
        assert!(Recording::new(4).is_err());
    }

    fn opus(channels: u8, packets: usize) -> Vec<u8> {
        let layout = if channels == 2 { ropus::Channels::Stereo } else { ropus::Channels::Mono };
        let mut encoder = ropus::Encoder::builder(48_000, layout, ropus::Application::Audio).build().unwrap();
        let mut writer = ogg::PacketWriter::new(Cursor::new(Vec::new()));
        let mut head = b"OpusHead\x01".to_vec();
        head.push(channels);
        head.extend([0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0]);
        writer.write_packet(head, 1, ogg::PacketWriteEndInfo::EndPage, 0).unwrap();
        writer.write_packet(b"OpusTags".to_vec(), 1, ogg::PacketWriteEndInfo::EndPage, 0).unwrap();
        let mut room = [0u8; 4_000];
        for n in 0..packets {
            // Left sounds, right is silent.
            let mut pcm = Vec::new();
            for i in 0..960 {
                pcm.push((((n * 960 + i) as f32 * 0.05).sin() * 9_000.0) as i16);
                if channels == 2 {
                    pcm.push(0);
                }
            }
            let len = encoder.encode(&pcm, &mut room).unwrap();
            let last = n + 1 == packets;
            let end = if last { ogg::PacketWriteEndInfo::EndStream } else { ogg::PacketWriteEndInfo::NormalPacket };
            writer.write_packet(room[..len].to_vec(), 1, end, ((n + 1) * 960) as u64).unwrap();
        }
        writer.into_inner().into_inner()
    }

    #[test]
    fn opus_files_are_calls_too() {
        let (mono, _) = replay(opus(1, 50), 1, 20);
        assert_eq!(mono.iter().filter(|i| matches!(i, Input::Audio(_))).count(), 50);

        let (stereo, _) = replay(opus(2, 50), 2, 20);
        let power = |track: u16| -> f32 {
            stereo
                .iter()
                .filter_map(|i| match i {
                    Input::Audio(f) if f.track == TrackId(track) => Some(f.samples.iter().map(|s| s * s).sum::<f32>()),
                    _ => None,
                })
                .sum()
        };
        assert!(power(0) > 100.0 * power(1).max(0.001), "left {} right {}", power(0), power(1));
    }

    #[test]
    fn two_files_make_one_call() {
        let mut recording = Recording::new(20).unwrap();
        let mut tracks = tracks(2).into_iter();
        recording.add(Box::new(Cursor::new(opus(1, 50))), vec![tracks.next().unwrap()]).unwrap();
        recording.add(Box::new(Cursor::new(wav(1, 48_000, 48_000))), vec![tracks.next().unwrap()]).unwrap();
        let (out, _) = inputs(recording);
        assert_eq!(out.len(), 2 + 100 + 1);
        let ends: Vec<_> =
            out.iter().filter_map(|i| if let Input::Audio(f) = i { Some((f.end(), f.track)) } else { None }).collect();
        assert!(ends.is_sorted());
    }
}
