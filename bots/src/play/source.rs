//! What is played: sound files and fixture folders.

use std::{fs, io::Cursor, path::Path};

use anyhow::{Context as _, bail, ensure};
use reframe_audio::{ogg_opus::OggOpus, resample::Resampler};

use super::{
    Encoding,
    decode::{Kind, decode, kind},
};
use crate::script::{Consent, Script};

/// A participant's sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// 16-bit mono.
    Pcm {
        /// Sample rate in Hz.
        rate_hz: u32,
        /// The samples.
        samples: Vec<i16>,
    },
    /// Stored Opus packets.
    Opus(OggOpus),
}

/// A participant to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Number of its track.
    pub track: u8,
    /// Name to show.
    pub name: String,
    /// `rep`, `buyer` or `unknown`.
    pub party: String,
    /// Consent on record.
    pub consent: Option<Consent>,
    /// What it says.
    pub sound: Sound,
}

/// A call to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its participants.
    pub voices: Vec<Voice>,
    /// Its script, if it is a fixture.
    pub script: Option<Script>,
    /// What the person should know about the files.
    pub warnings: Vec<String>,
}

/// Loads files and fixture folders as one call. A folder must hold a `script.toml`. Of plain files, the channels become
/// participants in order; `parties` names their sides (`rep`, `buyer`, `unknown`): rep first, then buyers, if left empty
/// and there are several, a buyer if there is only one. Whoever plays a plain file states that everybody agreed to it.
///
/// # Errors
/// What is wrong with which file, and what to do.
pub fn load(paths: &[impl AsRef<Path>], parties: &[String]) -> anyhow::Result<Call> {
    let mut call = Call { voices: Vec::new(), script: None, warnings: Vec::new() };
    let mut plain = Vec::new();
    for path in paths {
        let path = path.as_ref();
        if path.is_dir() {
            ensure!(call.script.is_none(), "{}: only one fixture folder at a time", path.display());
            folder(path, &mut call)?;
        } else {
            let name = path.file_stem().map_or_else(|| "?".into(), |s| s.to_string_lossy().into_owned());
            let sounds = sounds(path, &mut call.warnings)?;
            let several = sounds.len() > 1;
            for (n, sound) in sounds.into_iter().enumerate() {
                plain.push((if several { format!("{name} {}", n + 1) } else { name.clone() }, sound));
            }
        }
    }
    ensure!(
        parties.is_empty() || parties.len() == plain.len(),
        "{} parties are named, but the files have {} channels: name one per channel",
        parties.len(),
        plain.len()
    );
    let alone = plain.len() == 1;
    let first = call.voices.iter().map(|v| usize::from(v.track) + 1).max().unwrap_or(0);
    for (n, (name, sound)) in plain.into_iter().enumerate() {
        let party = match parties.get(n) {
            Some(party) if matches!(party.as_str(), "rep" | "buyer" | "unknown") => party.clone(),
            Some(party) => bail!("{party:?} is not a party: write rep, buyer or unknown"),
            None if n == 0 && !alone => "rep".into(),
            None => "buyer".into(),
        };
        let track = u8::try_from(first + n).context("more than 256 participants")?;
        let consent = Some(Consent { basis: "operator".into(), reference: "stated by whoever plays the file".into() });
        call.voices.push(Voice { track, name, party, consent, sound });
    }
    ensure!(!call.voices.is_empty(), "nothing to play: name a file or a fixture folder");
    Ok(call)
}

fn folder(path: &Path, call: &mut Call) -> anyhow::Result<()> {
    let at = path.join("script.toml");
    let text = fs::read_to_string(&at).with_context(|| format!("{} cannot be read", at.display()))?;
    let script = Script::parse(&text).with_context(|| format!("{}", at.display()))?;
    for participant in &script.participant {
        let file = path.join(&participant.file);
        let mut sounds = sounds(&file, &mut call.warnings)?;
        ensure!(sounds.len() == 1, "{}: {} channels; a participant's file is mono", file.display(), sounds.len());
        call.voices.push(Voice {
            track: participant.track,
            name: participant.name.clone(),
            party: participant.party.clone(),
            consent: participant.consent.clone(),
            sound: sounds.remove(0),
        });
    }
    call.script = Some(script);
    Ok(())
}

/// The channels of a file.
fn sounds(path: &Path, warnings: &mut Vec<String>) -> anyhow::Result<Vec<Sound>> {
    let named = || format!("{}", path.display());
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let (sounds, warning) = match kind(&bytes).with_context(named)? {
        Kind::Opus => {
            let file = OggOpus::read(Cursor::new(bytes)).with_context(named)?;
            let warning = file.warning.clone();
            if file.channels == 1 {
                (vec![Sound::Opus(file)], warning)
            } else {
                let (channels, _) = file.decode(16_000);
                (channels.into_iter().map(|samples| Sound::Pcm { rate_hz: 16_000, samples }).collect(), warning)
            }
        }
        kind => {
            let file = decode(kind, bytes).with_context(named)?;
            let pcm = |samples| Sound::Pcm { rate_hz: file.rate_hz, samples };
            (file.channels.into_iter().map(pcm).collect(), file.warning)
        }
    };
    warnings.extend(warning.map(|w| format!("{}: {w}", path.display())));
    Ok(sounds)
}

/// Brings all sounds into the form they are to be sent in.
pub fn prepare(voices: Vec<Voice>, encoding: Encoding, rate_hz: Option<u32>) -> anyhow::Result<Vec<Voice>> {
    ensure!(!voices.is_empty(), "nothing to play: add a voice");
    if let Some(hz) = rate_hz {
        ensure!(
            matches!(hz, 8_000 | 16_000 | 24_000 | 44_100 | 48_000),
            "PCM at {hz} Hz: use 8000, 16000, 24000, 44100 or 48000"
        );
    }
    voices.into_iter().map(|voice| Ok(Voice { sound: convert(voice.sound, encoding, rate_hz)?, ..voice })).collect()
}

/// A sound in the form it is to be sent in.
pub fn convert(sound: Sound, encoding: Encoding, rate_hz: Option<u32>) -> anyhow::Result<Sound> {
    let (from_hz, samples) = match sound {
        Sound::Opus(file) if encoding == Encoding::AsStored => return Ok(Sound::Opus(file)),
        Sound::Opus(file) => {
            // What the decoder cannot do directly is resampled from 48 kHz.
            let hz = match rate_hz.unwrap_or(16_000) {
                44_100 => 48_000,
                hz => hz,
            };
            (hz, file.decode(hz).0.into_iter().next().unwrap_or_default())
        }
        Sound::Pcm { rate_hz, samples } => (rate_hz, samples),
    };
    let supported = matches!(from_hz, 8_000 | 16_000 | 24_000 | 44_100 | 48_000);
    let to_hz = rate_hz.unwrap_or(if supported { from_hz } else { 16_000 });
    if to_hz == from_hz {
        return Ok(Sound::Pcm { rate_hz: to_hz, samples });
    }
    let mut resampler = Resampler::new(from_hz, to_hz)?;
    let input: Vec<f32> = samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
    let mut output = Vec::new();
    resampler.push(&input, &mut output);
    resampler.finish(&mut output);
    let samples = output.iter().map(|s| (s * 32_768.0).round() as i16).collect();
    Ok(Sound::Pcm { rate_hz: to_hz, samples })
}
