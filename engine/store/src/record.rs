//! What the store knows about a call besides its events.

use reframe_call::audio::TrackInfo;

use crate::id::CallId;

/// A call about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCall {
    /// Its name, new in this store.
    pub id: CallId,
    /// Title to show.
    pub title: String,
    /// Playbook it runs with, as in its first event: `b2b-saas@3:ab12…`.
    pub playbook: String,
    /// When it began, in ms since 1970-01-01 UTC. The store reads no clock.
    pub started_unix_ms: i64,
    /// Hash of the token its screens and senders show, so that they can come back after a restart. Opaque here; never
    /// the token itself. Empty: nobody comes back to it, as to a call that was read from files.
    pub token_hash: String,
}

/// A call in the store. State, participants and `next_seq` follow from its events, so they cannot disagree with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// What was given when it began.
    pub call: NewCall,
    /// Is it over?
    pub state: CallState,
    /// Everybody who joined, with consent as last recorded, in order of their track numbers.
    pub participants: Vec<TrackInfo>,
    /// Number the next event must have; the count of events stored.
    pub next_seq: u64,
}

/// Whether a call is over, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallState {
    /// It has no last event yet: it runs, or the program stopped in the middle of it.
    Open,
    /// `call_ended` is its last event.
    Ended,
    /// `call_failed` is its last event.
    Failed,
}

impl CallState {
    /// The word used in the file and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for CallState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for CallState {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "open" => Ok(Self::Open),
            "ended" => Ok(Self::Ended),
            "failed" => Ok(Self::Failed),
            other => Err(format!("`{other}` is not a state of a call: write open, ended or failed")),
        }
    }
}
