//! WAV files, read as they come: also truncated ones, and those whose writer never filled in the length.

use std::io::{self, Read};

/// Most bytes of header chunks before the audio. Cover art and cue lists fit; a file that claims more is broken.
const MAX_HEADER: usize = 1 << 20;
/// Most channels of a file.
pub const MAX_CHANNELS: u16 = 16;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavError {
    /// Nothing in it.
    #[error("the file is empty (0 bytes)")]
    Empty,
    /// Something else than WAV.
    #[error(
        "this is not a WAV file (it begins with {start:?}): convert it, for example with `ffmpeg -i IN -c:a pcm_s16le OUT.wav`"
    )]
    NotWav {
        /// Its first bytes, as text.
        start: String,
    },
    /// A WAV file whose header makes no sense or that has no audio chunk.
    #[error("this WAV file cannot be read: {0}")]
    Broken(String),
    /// A WAV file with audio in a format we do not take.
    #[error(
        "this WAV file holds {what}: convert it to 16-bit PCM at 8000 to 48000 Hz, for example with `ffmpeg -i IN -c:a pcm_s16le -ar 48000 OUT.wav`"
    )]
    Unsupported {
        /// What.
        what: String,
    },
    /// Reading failed.
    #[error("reading the WAV file failed: {0}")]
    Io(#[from] io::Error),
}

type Source<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

/// A WAV file being read: any rate from 8 to 48 kHz, 8 to 32 bits or float, up to [`MAX_CHANNELS`] channels. Samples come
/// out as 16 bits.
pub struct WavFile<R: Read> {
    reader: hound::WavReader<Source<R>>,
    spec: hound::WavSpec,
    warning: Option<String>,
    read: u64,
    done: bool,
}

impl<R: Read> WavFile<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`WavError`] saying what is wrong with the file and what to do.
    pub fn open(mut input: R) -> Result<Self, WavError> {
        let (header, open_ended) = read_header(&mut input)?;
        let reader = hound::WavReader::new(io::Cursor::new(header).chain(input)).map_err(|error| match error {
            hound::Error::Unsupported => {
                WavError::Unsupported { what: "compressed audio or an unusual sample format".into() }
            }
            hound::Error::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => WavError::Io(error),
            other => WavError::Broken(other.to_string()),
        })?;
        let spec = reader.spec();
        let what = if !(8_000..=48_000).contains(&spec.sample_rate) {
            Some(format!("audio at {} Hz", spec.sample_rate))
        } else if spec.channels == 0 || spec.channels > MAX_CHANNELS {
            Some(format!("{} channels", spec.channels))
        } else if spec.bits_per_sample == 0 || spec.bits_per_sample > 32 {
            Some(format!("{}-bit samples", spec.bits_per_sample))
        } else {
            None
        };
        if let Some(what) = what {
            return Err(WavError::Unsupported { what });
        }
        let warning = open_ended.then(|| "the header does not say how long the audio is: read to the end".to_owned());
        Ok(Self { reader, spec, warning, read: 0, done: false })
    }

    /// Sample rate in Hz.
    #[must_use]
    pub const fn rate_hz(&self) -> u32 {
        self.spec.sample_rate
    }

    /// Number of channels.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.spec.channels as usize
    }

    /// Samples per channel read so far.
    #[must_use]
    pub const fn samples_read(&self) -> u64 {
        self.read
    }

    /// What the person should know about the file: that it is truncated, for example. Complete once
    /// [`read`](Self::read) has returned `None`.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The next `samples` samples of every channel, `[channel][sample]`; fewer at the end; `None` after it. A file that
    /// breaks off gives what is there, and a [`warning`](Self::warning).
    ///
    /// # Errors
    /// [`WavError::Io`] if the source fails.
    pub fn read(&mut self, samples: usize) -> Result<Option<Vec<Vec<i16>>>, WavError> {
        if self.done {
            return Ok(None);
        }
        let channels = self.channels();
        let mut interleaved = Vec::with_capacity(samples.min(1 << 20) * channels);
        let wanted = samples.saturating_mul(channels);
        let result = match self.spec.sample_format {
            hound::SampleFormat::Float => {
                take(self.reader.samples::<f32>(), wanted, &mut interleaved, |s| to_i16(f64::from(s)))
            }
            hound::SampleFormat::Int => {
                let full = f64::from(2.0f32.powi(i32::from(self.spec.bits_per_sample) - 1));
                take(self.reader.samples::<i32>(), wanted, &mut interleaved, |s| to_i16(f64::from(s) / full))
            }
        };
        match result {
            Ok(()) => {}
            Err(hound::Error::IoError(error)) if !is_end(&error) => return Err(WavError::Io(error)),
            Err(_) => self.truncated(),
        }
        if interleaved.len() < wanted {
            self.done = true;
        }
        if interleaved.len() % channels != 0 {
            self.truncated();
        }
        let split = crate::decode::split_channels(&interleaved, channels);
        self.read += split[0].len() as u64;
        Ok((!split[0].is_empty()).then_some(split))
    }

    fn truncated(&mut self) {
        self.done = true;
        // An open-ended file always ends "early".
        if self.warning.is_none() {
            self.warning = Some("the file is truncated: it ends before its header says; read what is there".into());
        }
    }
}

/// hound reports a short read in its own words, as "other".
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Other)
}

fn take<S>(
    samples: impl Iterator<Item = hound::Result<S>>,
    wanted: usize,
    out: &mut Vec<i16>,
    convert: impl Fn(S) -> i16,
) -> hound::Result<()> {
    for sample in samples.take(wanted) {
        out.push(convert(sample?));
    }
    Ok(())
}

fn to_i16(sample: f64) -> i16 {
    // `as` saturates, and makes silence of NaN.
    (sample * 32_768.0).round() as i16
}

/// Reads everything up to the first byte of audio, and repairs the length of the audio chunk where the writer left it
/// open (0 or the largest number, as pipes do) or where it is no whole number of samples. Also says if it was open.
fn read_header<R: Read>(input: &mut R) -> Result<(Vec<u8>, bool), WavError> {
    let mut header = Vec::new();
    let broken = |why: &str| WavError::Broken(why.to_owned());
    read_more(input, &mut header, 12)?;
    if header.is_empty() {
        return Err(WavError::Empty);
    }
    if header.len() < 12 || &header[..4] != b"RIFF" || &header[8..12] != b"WAVE" {
        let start = String::from_utf8_lossy(&header[..header.len().min(12)]).into_owned();
        return Err(WavError::NotWav { start });
    }
    let mut block = 0u32;
    loop {
        let at = header.len();
        if !read_more(input, &mut header, 8)? {
            return Err(broken("it ends before the audio begins"));
        }
        let name: [u8; 4] = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        let length = u32::from_le_bytes([header[at + 4], header[at + 5], header[at + 6], header[at + 7]]);
        if &name == b"data" {
            if block == 0 {
                return Err(broken("it does not say in what format its audio is"));
            }
            let open = length == 0 || length == u32::MAX || length >= u32::MAX - 64;
            let length = if open { u32::MAX } else { length };
            let length = length - length % block;
            header[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
            return Ok((header, open));
        }
        // Chunks are padded to even lengths.
        let padded = length as usize + (length as usize & 1);
        if header.len() + padded > MAX_HEADER {
            return Err(broken("a chunk before the audio is larger than 1 MB"));
        }
        if !read_more(input, &mut header, padded)? {
            return Err(broken("it ends before the audio begins"));
        }
        if &name == b"fmt " {
            let body = &header[at + 8..];
            if body.len() < 16 {
                return Err(broken("its format chunk is too short"));
            }
            let channels = u32::from(u16::from_le_bytes([body[2], body[3]]));
            let align = u32::from(u16::from_le_bytes([body[12], body[13]]));
            let bits = u32::from(u16::from_le_bytes([body[14], body[15]]));
            if channels == 0 || bits == 0 || align == 0 || align != channels * bits.div_ceil(8) {
                return Err(broken(&format!("{channels} channels of {bits} bits do not make blocks of {align} bytes")));
            }
            block = align;
        }
    }
}

/// Appends `n` bytes; false if the input ends before.
fn read_more<R: Read>(input: &mut R, to: &mut Vec<u8>, n: usize) -> Result<bool, io::Error> {
    let got = input.by_ref().take(n as u64).read_to_end(to)?;
    Ok(got == n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(spec: hound::WavSpec, samples: usize) -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for n in 0..samples {
            for channel in 0..spec.channels {
                let value = if channel == 0 { 0.5 } else { -0.25 } * if n % 2 == 0 { 1.0 } else { 0.5 };
                match spec.sample_format {
                    hound::SampleFormat::Float => writer.write_sample(value as f32).unwrap(),
                    hound::SampleFormat::Int => {
                        writer.write_sample((value * f64::from(1u32 << (spec.bits_per_sample - 1))) as i32).unwrap()
                    }
                }
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(channels: u16, sample_rate: u32, bits: u16, float: bool) -> hound::WavSpec {
        let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
        hound::WavSpec { channels, sample_rate, bits_per_sample: bits, sample_format }
    }

    fn read_all(bytes: &[u8]) -> Result<(Vec<Vec<i16>>, Option<String>), WavError> {
        let mut file = WavFile::open(bytes)?;
        let mut all = vec![Vec::new(); file.channels()];
        while let Some(part) = file.read(100)? {
            for (all, part) in all.iter_mut().zip(part) {
                all.extend(part);
            }
        }
        Ok((all, file.warning().map(str::to_owned)))
    }

    #[test]
    fn every_common_format_reads_alike() {
        for (bits, float) in [(8, false), (16, false), (24, false), (32, false), (32, true)] {
            for channels in [1, 2, 6] {
                let (all, warning) = read_all(&write(spec(channels, 44_100, bits, float), 250)).unwrap();
                assert_eq!(all.len(), usize::from(channels));
                assert_eq!(all[0].len(), 250);
                assert_eq!(all[0][..2], [16_384, 8_192], "{bits} bits, float {float}");
                if channels > 1 {
                    assert_eq!(all[1][..2], [-8_192, -4_096]);
                }
                assert_eq!(warning, None);
            }
        }
    }

    #[test]
    fn a_truncated_file_gives_what_is_there() {
        let bytes = write(spec(2, 16_000, 16, false), 1_000);
        let (all, warning) = read_all(&bytes[..44 + 250 * 4 + 1]).unwrap();
        assert_eq!((all[0].len(), all[1].len()), (250, 250));
        assert!(warning.unwrap().contains("truncated"));
    }

    #[test]
    fn a_length_left_open_is_read_to_the_end() {
        for length in [0, u32::MAX] {
            let mut bytes = write(spec(2, 16_000, 16, false), 1_000);
            bytes[40..44].copy_from_slice(&u32::to_le_bytes(length));
            let (all, warning) = read_all(&bytes).unwrap();
            assert_eq!(all[0].len(), 1_000);
            assert!(warning.unwrap().contains("how long"));
        }
    }

    #[test]
    fn what_is_no_wav_is_refused_with_advice() {
        assert_eq!(read_all(b"").unwrap_err().to_string(), "the file is empty (0 bytes)");
        assert!(read_all(b"OggS........").unwrap_err().to_string().contains("not a WAV file"));
        assert!(matches!(read_all(b"RIFF"), Err(WavError::NotWav { .. })));
        assert!(matches!(read_all(&write(spec(1, 96_000, 16, false), 9)), Err(WavError::Unsupported { .. })));
        let bytes = write(spec(1, 16_000, 16, false), 10);
        assert!(matches!(read_all(&bytes[..30]), Err(WavError::Broken(_))));
        assert_eq!(read_all(&bytes[..44]).unwrap().0[0].len(), 0, "a header alone is an empty recording");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _outcome = read_all(&bytes);
        }

        #[test]
        fn no_damage_panics(at in 0usize..200, value in any::<u8>(), cut in 0usize..400, bits in 0..3u16) {
            let mut bytes = write(spec(2, 16_000, 8 * (bits + 1), false), 60);
            let at = at.min(bytes.len() - 1);
            bytes[at] = value;
            bytes.truncate(cut);
            let _outcome = read_all(&bytes);
        }
    }
}
