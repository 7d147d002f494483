//! How the call is doing: who is there, who is heard, and what stands in the way.

use reframe_call::input::{Coaching, ConsentRule, SourceStatus};
use serde::{Deserialize, Serialize};

/// How the call is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Is there sound?
    pub audio: AudioStatus,
    /// With `no_audio`: when sound was last there, microseconds since 1970 by the server's clock.
    #[serde(default)]
    pub silent_since_unix_us: Option<u64>,
    /// Whether somebody is heard who is neither known to be the rep nor the buyer.
    pub speaker_unknown: bool,
    /// How far behind the machine is.
    pub load: LoadStatus,
    /// Names of those who are not listened to because no consent is on record.
    pub consent_missing: Vec<String>,
    /// Names of those whose consent is missing so that *nobody* is listened to; empty: nobody is waited for.
    #[serde(default)]
    pub consent_awaited: Vec<String>,
    /// Whose consent it takes; `null` until that was said.
    #[serde(default)]
    pub consent_rule: Option<RuleMessage>,
    /// How the connection to the meeting is doing; `null` until its bot said so.
    #[serde(default)]
    pub source: Option<SourceMessage>,
    /// What Reframe does in this call.
    #[serde(default)]
    pub coaching: WireCoaching,
    /// How the participants were last told that they are listened to (`chat`, `voice`, `platform`); `null`: not yet.
    #[serde(default)]
    pub disclosed: Option<String>,
    /// Tracks on which somebody speaks right now.
    #[serde(default)]
    pub speaking: Vec<u16>,
    /// Who is in the call.
    pub participants: Vec<Participant>,
}

/// Somebody in the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Their track.
    pub track: u16,
    /// Name to show.
    pub name: String,
    /// Which side: `rep`, `buyer`, `unknown`.
    pub party: String,
    /// Whether consent is on record.
    pub consent: bool,
    /// Whether they are still in the call.
    pub present: bool,
}

/// Is there sound?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioStatus {
    /// Somebody with consent is in the call, and sound arrives.
    Listening,
    /// No sound from anyone for a while.
    NoAudio,
    /// Nobody to listen to.
    Waiting,
}

/// How far behind the machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadStatus {
    /// Keeping up.
    Normal,
    /// Behind; some detection rests.
    High,
}

/// Whose consent it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMessage {
    /// `everyone`: while one is missing, nobody is listened to. `each_own`: each for themselves.
    pub rule: String,
    /// Why it holds.
    pub because: String,
}

/// The connection to the meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMessage {
    /// `connecting`, `waiting_room`, `joined`, `paused`, `keep_alive_lost`, `reconnecting`, `token_expired`,
    /// `consent_refused`, `disconnected`.
    pub state: String,
    /// In words: what is wrong and what to do. May be empty.
    pub detail: String,
}

/// What Reframe does in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireCoaching {
    /// It listens, and shows cards.
    #[default]
    Live,
    /// It does not listen; the rep may take notes.
    NotesOnly,
    /// It does nothing at all.
    Off,
}

impl From<Coaching> for WireCoaching {
    fn from(coaching: Coaching) -> Self {
        match coaching {
            Coaching::Live => Self::Live,
            Coaching::NotesOnly => Self::NotesOnly,
            Coaching::Off => Self::Off,
        }
    }
}

impl From<WireCoaching> for Coaching {
    fn from(coaching: WireCoaching) -> Self {
        match coaching {
            WireCoaching::Live => Self::Live,
            WireCoaching::NotesOnly => Self::NotesOnly,
            WireCoaching::Off => Self::Off,
        }
    }
}

impl From<&SourceStatus> for SourceMessage {
    fn from(source: &SourceStatus) -> Self {
        Self { state: source.state.as_str().to_owned(), detail: source.detail.clone() }
    }
}

impl RuleMessage {
    /// The wire form of `rule`, which holds for the reason `because`.
    #[must_use]
    pub fn new(rule: ConsentRule, because: &str) -> Self {
        let rule = match rule {
            ConsentRule::Everyone => "everyone",
            ConsentRule::EachOwn => "each_own",
        };
        Self { rule: rule.to_owned(), because: because.to_owned() }
    }
}
