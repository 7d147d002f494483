//! The people of a simulated conference: what they are called, when they are there, and what they say, 20 ms by 20 ms.

use std::{fs::File, io::BufReader, path::Path};

use anyhow::{Context as _, ensure};
use reframe_audio::ogg_opus::OggOpus;
use ropus::{Application, Channels, Encoder};

use crate::script::Script;

/// Length of a slot: one packet of every stream. 20 ms at 48 kHz.
pub const SLOT_SAMPLES: u64 = 960;
/// The same in milliseconds.
pub const SLOT_MS: u64 = 20;
/// Louder than this is speech, as the mean square of samples within ±1: -50 dB.
const SPEECH: f32 = 1e-5;

/// How somebody takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuestKind {
    /// With a Google account.
    #[default]
    SignedIn,
    /// With a name of their choice.
    Anonymous,
    /// By phone.
    Phone,
}

/// Somebody in the conference.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Name to show.
    pub name: String,
    /// How they take part.
    pub kind: GuestKind,
    /// When they are there, in slots from the beginning: from, until. Each stay has a CSRC of its own.
    pub stays: Vec<(u64, u64)>,
    /// One Opus packet per slot; `None` where the encoder sent nothing.
    packets: Vec<Option<Vec<u8>>>,
    /// How loud each slot is, as the mean square of its samples.
    loud: Vec<f32>,
}

impl Guest {
    /// Somebody who is there all the time and says what is in this Opus file: mono, packets of 20 ms.
    ///
    /// # Errors
    /// If the file cannot be read or is of another kind.
    pub fn from_file(name: &str, path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let file = OggOpus::read(BufReader::new(file)).with_context(|| format!("{}", path.display()))?;
        ensure!(file.channels == 1, "{}: {} channels; one is played", path.display(), file.channels);
        let mut packets = Vec::new();
        for packet in &file.packets {
            ensure!(
                u64::from(packet.samples_48k) == SLOT_SAMPLES,
                "{}: a packet of {} samples; a conference sends 20 ms (960) at a time",
                path.display(),
                packet.samples_48k
            );
            let slot = usize::try_from(packet.start_48k / SLOT_SAMPLES).context("the file is too long")?;
            packets.resize(slot.max(packets.len()), None);
            packets.push(Some(packet.data.clone()));
        }
        let samples = file.decode(16_000).0.into_iter().next().unwrap_or_default();
        Ok(Self::new(name, packets, &samples))
    }

    /// Somebody who says `samples` (16-bit mono at 16 kHz).
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn from_samples(name: &str, samples: &[i16]) -> anyhow::Result<Self> {
        let mut encoder = Encoder::builder(16_000, Channels::Mono, Application::Voip).build()?;
        let mut room = [0u8; 1_500];
        let mut packets = Vec::new();
        for slot in samples.chunks_exact(320) {
            let length = encoder.encode(slot, &mut room)?;
            packets.push(Some(room[..length].to_vec()));
        }
        Ok(Self::new(name, packets, samples))
    }

    fn new(name: &str, packets: Vec<Option<Vec<u8>>>, samples: &[i16]) -> Self {
        let loud = samples
            .chunks(320)
            .map(|slot| slot.iter().map(|s| (f32::from(*s) / 32_768.0).powi(2)).sum::<f32>() / slot.len() as f32)
            .collect();
        Self { name: name.into(), kind: GuestKind::default(), stays: vec![(0, u64::MAX)], packets, loud }
    }

    /// The same, taking part in this way.
    #[must_use]
    pub fn by(self, kind: GuestKind) -> Self {
        Self { kind, ..self }
    }

    /// The participants of a fixture call.
    ///
    /// # Errors
    /// If the folder holds none, or their sound cannot be used.
    pub fn of_fixture(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let at = folder.join("script.toml");
        let text = std::fs::read_to_string(&at).with_context(|| format!("{} cannot be read", at.display()))?;
        let script = Script::parse(&text).with_context(|| format!("{}", at.display()))?;
        script.participant.iter().map(|p| Self::from_file(&p.name, &folder.join(&p.file))).collect()
    }

    /// Is there at that time? Then as which of the stays.
    #[must_use]
    pub fn stay_at(&self, slot: u64) -> Option<usize> {
        self.stays.iter().position(|(from, until)| (*from..*until).contains(&slot))
    }

    /// Slots until the sound is over.
    #[must_use]
    pub fn slots(&self) -> u64 {
        self.packets.len() as u64
    }

    /// The packet of a slot.
    #[must_use]
    pub fn packet(&self, slot: u64) -> Option<&[u8]> {
        self.packets.get(usize::try_from(slot).ok()?)?.as_deref()
    }

    /// How loud the guest is around a slot; `None` if it does not speak. A speaker is known 300 ms before the first word
    /// and for 400 ms after the last, so that no word is clipped.
    #[must_use]
    pub fn loudness(&self, slot: u64) -> Option<f32> {
        let slot = usize::try_from(slot).ok()?;
        let around = self.loud.get(slot.saturating_sub(20)..(slot + 15).min(self.loud.len()))?;
        around.iter().copied().max_by(f32::total_cmp).filter(|loud| *loud > SPEECH)
    }
}
