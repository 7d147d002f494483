//! The unit of sound the core works in, and who it belongs to.

use serde::{Deserialize, Serialize};

use crate::time::MediaTime;

/// Sample rate of every [`AudioFrame`], in Hz.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
/// Samples in an [`AudioFrame`]: 20 ms at 16 kHz.
pub const FRAME_SAMPLES: usize = 320;
/// Length of an [`AudioFrame`] in microseconds.
pub const FRAME_US: u64 = 20_000;

/// One participant's audio stream in a call. Small, dense, assigned by the ingest in order of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackId(pub u16);

impl std::fmt::Display for TrackId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Which side of the table a track speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The seller who sees the cards.
    Rep,
    /// The other side.
    Buyer,
    /// Not known: a mixed stream, or a participant nobody has named. Treated as a possible buyer, and the screen
    /// says so.
    Unknown,
}

impl Party {
    /// The word used in files and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::Buyer => "buyer",
            Self::Unknown => "unknown",
        }
    }
}

impl std::str::FromStr for Party {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "rep" => Ok(Self::Rep),
            "buyer" => Ok(Self::Buyer),
            "unknown" => Ok(Self::Unknown),
            other => Err(format!("`{other}` is not a party: write rep, buyer or unknown")),
        }
    }
}

/// A participant's agreement to be listened to, as it stands on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// How it was given: `"verbal"`, `"platform"` (the meeting platform asked), `"contract"`, `"operator"` (the person
    /// who replays a recording states it), `"fixture"`. Free text, kept for the record.
    pub basis: String,
    /// Who or what recorded it, or where the proof lies. May be empty.
    #[serde(default)]
    pub reference: String,
}

/// What the call knows about a track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackInfo {
    /// The track.
    pub id: TrackId,
    /// Which side it is on.
    pub party: Party,
    /// Name to show, as the platform gave it.
    pub name: String,
    /// Their e-mail address, if the platform gave it and they agreed to be listened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Consent on record. Without one, no audio of this track is processed.
    pub consent: Option<Consent>,
}

/// 20 ms of one track: 16 kHz, mono, -1..1. The type makes a wrong length impossible.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioFrame {
    /// Whose audio.
    pub track: TrackId,
    /// Media time of the first sample.
    pub start: MediaTime,
    /// The samples.
    pub samples: Box<[f32; FRAME_SAMPLES]>,
}

impl AudioFrame {
    /// Media time just after the last sample.
    #[must_use]
    pub const fn end(&self) -> MediaTime {
        self.start.plus_us(FRAME_US)
    }
}
