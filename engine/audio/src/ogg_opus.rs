//! Ogg Opus files (RFC 7845): the packets as they are stored, with what is needed to place them in time.

use std::io::{Read, Seek, SeekFrom};

use crate::decode::{Codec, OpusDecode as _, Ropus, opus_samples, split_channels};

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OggOpusError {
    /// Nothing in it.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// Something else than Ogg.
    #[error("this is not an Ogg file: {0}")]
    NotOgg(String),
    /// An Ogg file without Opus in it.
    #[error("this Ogg file holds no Opus audio: convert it, for example with `ffmpeg -i IN -c:a libopus OUT.opus`")]
    NotOpus,
    /// More channels than we take.
    #[error("this Opus file has {channels} channels: mono and stereo are understood")]
    Channels {
        /// How many.
        channels: u8,
    },
}

/// One Opus packet of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpusPacket {
    /// Samples at 48 kHz in all packets before it; its time is this at the encoder's *input*, the pre-skip is not taken
    /// off.
    pub start_48k: u64,
    /// Samples at 48 kHz it holds.
    pub samples_48k: u32,
    /// The packet.
    pub data: Vec<u8>,
}

/// A whole Ogg Opus file: 24 kbit/s make an hour 11 MB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OggOpus {
    /// 1 or 2.
    pub channels: usize,
    /// Samples at 48 kHz to throw away at the start of the decoded audio.
    pub pre_skip: u16,
    /// The packets, in order.
    pub packets: Vec<OpusPacket>,
    /// Samples at 48 kHz of audio proper, without pre-skip and padding at the end.
    pub samples_48k: u64,
    /// What the person should know about the file: that it is truncated, for example.
    pub warning: Option<String>,
}

impl OggOpus {
    /// Reads a file.
    ///
    /// # Errors
    /// [`OggOpusError`] saying what is wrong with the file and what to do. A file that breaks off gives what is there,
    /// and a warning.
    pub fn read<R: Read + Seek>(mut input: R) -> Result<Self, OggOpusError> {
        let not_ogg = |error: std::io::Error| OggOpusError::NotOgg(error.to_string());
        if input.seek(SeekFrom::End(0)).map_err(not_ogg)? == 0 {
            return Err(OggOpusError::Empty);
        }
        input.rewind().map_err(not_ogg)?;
        let mut reader = ogg::PacketReader::new(input);
        let head = match reader.read_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Err(OggOpusError::NotOgg("no page in it".into())),
            Err(error) => return Err(OggOpusError::NotOgg(error.to_string())),
        };
        // RFC 7845, section 5.1.
        if head.data.len() < 19 || &head.data[..8] != b"OpusHead" || head.data[8] >> 4 != 0 {
            return Err(OggOpusError::NotOpus);
        }
        let channels = head.data[9];
        if channels == 0 || channels > 2 {
            return Err(OggOpusError::Channels { channels });
        }
        let serial = head.stream_serial();
        let mut this = Self {
            channels: usize::from(channels),
            pre_skip: u16::from_le_bytes([head.data[10], head.data[11]]),
            packets: Vec::new(),
            samples_48k: 0,
            warning: None,
        };
        let (mut at, mut broken, mut last_granule, mut tags) = (0u64, 0usize, None, false);
        loop {
            match reader.read_packet() {
                Ok(Some(packet)) if packet.stream_serial() != serial => {}
                // The comment header comes second, and says nothing we need.
                Ok(Some(_)) if !tags => tags = true,
                Ok(Some(packet)) => {
                    if packet.last_in_stream() {
                        last_granule = Some(packet.absgp_page());
                    }
                    let Some(samples) = opus_samples(&packet.data) else {
                        broken += 1;
                        continue;
                    };
                    this.packets.push(OpusPacket { start_48k: at, samples_48k: samples as u32, data: packet.data });
                    at += samples as u64;
                }
                Ok(None) => break,
                Err(error) => {
                    this.warning = Some(format!("the file is damaged or truncated ({error}); read what is there"));
                    break;
                }
            }
        }
        if broken > 0 && this.warning.is_none() {
            this.warning = Some(format!("{broken} packets of the file are not Opus and were left out"));
        }
        let end = last_granule.filter(|&g| g <= at).unwrap_or(at);
        this.samples_48k = end.saturating_sub(u64::from(this.pre_skip));
        if last_granule.is_none() && this.warning.is_none() {
            this.warning = Some("the file is truncated: its end is not marked; read what is there".into());
        }
        Ok(this)
    }

    /// How its packets are to be read.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        Codec::Opus { pre_skip: self.pre_skip }
    }

    /// Decodes the whole file, `[channel][sample]` at `rate_hz` (8, 12, 16, 24 or 48 kHz), pre-skip and padding taken
    /// off. Packets that do not decode become silence; their number is the second value.
    #[must_use]
    pub fn decode(&self, rate_hz: u32) -> (Vec<Vec<i16>>, usize) {
        let mut decoder = Ropus::with(rate_hz, self.channels);
        let at = |samples_48k: u64| (samples_48k * u64::from(rate_hz) / 48_000) as usize;
        let (mut out, mut failed) = (Vec::new(), 0);
        for packet in &self.packets {
            if decoder.decode(&packet.data, &mut out).is_err() {
                failed += 1;
            }
            out.resize(at(packet.start_48k + u64::from(packet.samples_48k)) * self.channels, 0.0);
        }
        let begin = at(u64::from(self.pre_skip)).min(out.len() / self.channels);
        let end = (begin + at(self.samples_48k)).min(out.len() / self.channels);
        let samples: Vec<i16> =
            out[begin * self.channels..end * self.channels].iter().map(|s| (s * 32_768.0).round() as i16).collect();
        (split_channels(&samples, self.channels), failed)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ogg::writing::{PacketWriteEndInfo, PacketWriter};
    use proptest::prelude::*;

    use super::*;

    fn file(samples: usize) -> Vec<u8> {
        let mut encoder =
            ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Voip).build().unwrap();
        let mut writer = PacketWriter::new(Cursor::new(Vec::new()));
        let mut head = b"OpusHead\x01\x01".to_vec();
        head.extend(312u16.to_le_bytes());
        head.extend(48_000u32.to_le_bytes());
        head.extend([0, 0, 0]);
        writer.write_packet(head, 7, PacketWriteEndInfo::EndPage, 0).unwrap();
        writer.write_packet(b"OpusTags\0\0\0\0\0\0\0\0".to_vec(), 7, PacketWriteEndInfo::EndPage, 0).unwrap();
        let total = samples + 312;
        let packets = total.div_ceil(960);
        let mut room = [0u8; 4_000];
        for n in 0..packets {
            let chunk: Vec<i16> =
                (n * 960..(n + 1) * 960).map(|i| ((i as f32 * 0.05).sin() * 9_000.0) as i16).collect();
            let len = encoder.encode(&chunk, &mut room).unwrap();
            let (end, granule) = if n + 1 == packets {
                (PacketWriteEndInfo::EndStream, total)
            } else if n % 50 == 49 {
                (PacketWriteEndInfo::EndPage, (n + 1) * 960)
            } else {
                (PacketWriteEndInfo::NormalPacket, (n + 1) * 960)
            };
            writer.write_packet(room[..len].to_vec(), 7, end, granule as u64).unwrap();
        }
        writer.into_inner().into_inner()
    }

    #[test]
    fn a_file_keeps_its_length() {
        let opus = OggOpus::read(Cursor::new(file(100_000))).unwrap();
        assert_eq!((opus.channels, opus.pre_skip, opus.samples_48k), (1, 312, 100_000));
        assert_eq!(opus.warning, None);
        assert_eq!(opus.packets.len(), 105);
        assert_eq!(opus.packets[2].start_48k, 1_920);
        let (audio, failed) = opus.decode(16_000);
        assert_eq!((audio[0].len(), failed), (33_333, 0));
        assert!(audio[0].iter().any(|s| s.abs() > 4_000));
    }

    #[test]
    fn a_truncated_file_gives_what_is_there() {
        let bytes = file(200_000);
        let opus = OggOpus::read(Cursor::new(&bytes[..bytes.len() / 2])).unwrap();
        assert!(!opus.packets.is_empty() && opus.packets.len() < 150, "{}", opus.packets.len());
        assert!(opus.warning.unwrap().contains("truncated"));
    }

    #[test]
    fn other_files_are_refused() {
        assert!(matches!(OggOpus::read(Cursor::new(b"")), Err(OggOpusError::Empty)));
        assert!(matches!(OggOpus::read(Cursor::new(b"RIFF....WAVEfmt ........")), Err(OggOpusError::NotOgg(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _outcome = OggOpus::read(Cursor::new(bytes));
        }

        #[test]
        fn no_damage_panics(changes in proptest::collection::vec((0usize..2_000, any::<u8>()), 1..6), cut in 0usize..4_000) {
            let mut bytes = file(20_000);
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            bytes.truncate(cut);
            if let Ok(opus) = OggOpus::read(Cursor::new(bytes)) {
                let _audio = opus.decode(16_000);
            }
        }
    }
}
