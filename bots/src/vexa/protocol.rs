//! Vexa's `/ws` in words: what we ask for, and what it says. No IO.
//!
//! Shapes from docs.vexa.ai (`how-to/stream-transcript`, `websocket`, `ws/events`). Two dialects are in use: servers of
//! today send `transcript` with confirmed and pending segments, older ones `transcript.mutable`.

use serde_json::{Value, json};

/// Longest message taken, in bytes. A long transcript of hundreds of segments has some 100 KiB.
pub const MAX_BYTES: usize = 1_024 * 1_024;
/// Most segments taken from one message.
pub const MAX_SEGMENTS: usize = 1_000;
/// Longest text of a segment, in characters; the rest is cut. The engine takes no more.
pub const MAX_TEXT_CHARS: usize = 4_000;
/// Longest name of a speaker, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// How the server closes a connection whose key is not good.
pub const CLOSE_UNAUTHORIZED: u16 = 4401;

/// Which meeting, as Vexa names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// `google_meet`, `teams` or `zoom`.
    pub platform: String,
    /// The platform's own id, `abc-defg-hij` for example.
    pub native_id: String,
}

impl Meeting {
    /// Reads `PLATFORM/ID`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (platform, native_id) = text
            .split_once('/')
            .ok_or_else(|| format!("{text:?} is not PLATFORM/ID; write google_meet/abc-defg-hij, teams/… or zoom/…"))?;
        // Both become parts of an address.
        let fine = |s: &str| {
            !s.is_empty() && s.len() <= 128 && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        if !fine(platform) || !fine(native_id) || native_id.starts_with('.') {
            return Err(format!("{text:?}: platform and id are letters, digits, - . and _"));
        }
        Ok(Self { platform: platform.into(), native_id: native_id.into() })
    }
}

/// A piece of the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name, if the server gives one.
    pub id: Option<String>,
    /// Who speaks, if that is known.
    pub speaker: Option<String>,
    /// What was said.
    pub text: String,
    /// When it began, in microseconds of Unix time.
    pub start_us: u64,
    /// When it ended.
    pub end_us: u64,
    /// It will not change any more.
    pub completed: bool,
}

/// Where the bot is on its way into the meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is being started, or joining.
    Joining,
    /// Somebody has to let it in.
    AwaitingAdmission,
    /// It is in the meeting and listens.
    Active,
    /// It needs a person to get on.
    NeedsHelp,
    /// It is on its way out.
    Stopping,
    /// The meeting is over, or the bot was stopped.
    Completed,
    /// It could not join, or broke.
    Failed,
    /// A status we do not know.
    Other(String),
}

/// What the server says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromVexa {
    /// We will hear of so many meetings.
    Subscribed {
        /// How many it lists.
        meetings: usize,
    },
    /// Pieces of the transcript.
    Transcript {
        /// Whose pending list this is, if the message says so.
        speaker: Option<String>,
        /// Final pieces.
        confirmed: Vec<Segment>,
        /// Pieces that may change.
        pending: Vec<Segment>,
        /// `pending` replaces all pending pieces of the speaker; otherwise each replaces the one with its name.
        whole: bool,
        /// Pieces left out because they cannot be read.
        unreadable: usize,
    },
    /// How the bot is doing.
    Status(Status),
    /// Answer to our ping.
    Pong,
    /// Vexa is in trouble; in its words.
    Health(String),
    /// Our request is refused; in its words.
    Error(String),
    /// Something we do not know, by its type.
    Other(String),
}

/// Asks for the transcript of a meeting.
#[must_use]
pub fn subscribe(meeting: &Meeting) -> String {
    let meeting = json!({"platform": meeting.platform, "native_id": meeting.native_id});
    json!({"action": "subscribe", "meetings": [meeting]}).to_string()
}

/// Asks for nothing but a sign of life.
#[must_use]
pub fn ping() -> String {
    json!({"action": "ping"}).to_string()
}

/// The address for posting to the meeting's chat, from the address of the socket.
#[must_use]
pub fn chat_url(socket_url: &str, meeting: &Meeting) -> Option<String> {
    let without_query = socket_url.split('?').next()?;
    let rest = without_query.trim_end_matches('/').strip_suffix("/ws")?;
    let base = match rest.split_once("://")? {
        ("ws", host) => format!("http://{host}"),
        ("wss", host) => format!("https://{host}"),
        _ => return None,
    };
    Some(format!("{base}/bots/{}/{}/chat", meeting.platform, meeting.native_id))
}

/// Reads a message.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<FromVexa, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("a message of {} bytes; at most {MAX_BYTES} are taken", text.len()));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let kind = value.get("type").and_then(Value::as_str).ok_or("a message without type")?;
    Ok(match kind {
        "subscribed" => FromVexa::Subscribed { meetings: list(value.get("meetings")).len() },
        "transcript" => {
            let speaker = named(&value);
            let mut unreadable = 0;
            let confirmed = segments(list(value.get("confirmed")), speaker.as_deref(), Some(true), &mut unreadable);
            let pending = segments(list(value.get("pending")), speaker.as_deref(), Some(false), &mut unreadable);
            FromVexa::Transcript { speaker, confirmed, pending, whole: true, unreadable }
        }
        "transcript.mutable" | "transcript.finalized" => {
            let all = value.get("payload").and_then(|p| p.get("segments"));
            let settled = (kind == "transcript.finalized").then_some(true);
            let mut unreadable = 0;
            let all = segments(list(all), None, settled, &mut unreadable);
            let (confirmed, pending) = all.into_iter().partition(|s| s.completed);
            FromVexa::Transcript { speaker: None, confirmed, pending, whole: false, unreadable }
        }
        "meeting.status" => {
            let payload = value.get("payload").unwrap_or(&value);
            FromVexa::Status(match payload.get("status").and_then(Value::as_str).unwrap_or_default() {
                "requested" | "joining" => Status::Joining,
                "awaiting_admission" => Status::AwaitingAdmission,
                "active" => Status::Active,
                "needs_human_help" => Status::NeedsHelp,
                "stopping" => Status::Stopping,
                "completed" => Status::Completed,
                "failed" => Status::Failed,
                other => Status::Other(cut(other, MAX_NAME_CHARS)),
            })
        }
        "pong" => FromVexa::Pong,
        "health" => FromVexa::Health(words(&value)),
        "error" => FromVexa::Error(words(&value)),
        other => FromVexa::Other(cut(other, 40)),
    })
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whatever a message says for people, on one line.
fn words(value: &Value) -> String {
    let all: Vec<String> = ["error", "code", "status", "message", "detail", "details"]
        .iter()
        .filter_map(|key| value.get(key).and_then(Value::as_str))
        .map(|text| cut(text, MAX_NAME_CHARS))
        .collect();
    if all.is_empty() { "no reason given".into() } else { all.join(": ") }
}

fn named(value: &Value) -> Option<String> {
    let name = value.get("speaker").and_then(Value::as_str)?.trim();
    (!name.is_empty()).then(|| cut(name, MAX_NAME_CHARS))
}

/// Shortened, and without line breaks and other controls: it goes to names, screens and logs.
fn cut(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect()
}

fn segments(list: &[Value], speaker: Option<&str>, completed: Option<bool>, unreadable: &mut usize) -> Vec<Segment> {
    *unreadable += list.len().saturating_sub(MAX_SEGMENTS);
    let read: Vec<Option<Segment>> =
        list.iter().take(MAX_SEGMENTS).map(|value| segment(value, speaker, completed)).collect();
    *unreadable += read.iter().filter(|s| s.is_none()).count();
    read.into_iter().flatten().collect()
}

fn segment(value: &Value, speaker: Option<&str>, completed: Option<bool>) -> Option<Segment> {
    let time = |key: &str| value.get(key).and_then(Value::as_str).and_then(unix_us);
    let start_us = time("absolute_start_time")?;
    let end_us = time("absolute_end_time").unwrap_or(start_us).max(start_us);
    let text = cut(value.get("text").and_then(Value::as_str)?.trim(), MAX_TEXT_CHARS);
    let id = value.get("segment_id").and_then(Value::as_str).map(|id| cut(id, MAX_NAME_CHARS));
    let said = value.get("completed").and_then(Value::as_bool).unwrap_or(false);
    let speaker = named(value).or_else(|| speaker.map(str::to_owned));
    Some(Segment { id, speaker, text, start_us, end_us, completed: completed.unwrap_or(said) })
}

/// An ISO 8601 time as microseconds of Unix time. Without a zone it is UTC: older servers leave it out.
fn unix_us(text: &str) -> Option<u64> {
    let time = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    u64::try_from(time.as_microsecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            read(include_str!(concat!("../../../fixtures/wire/vexa/", $name, ".json"))).unwrap()
        };
    }

    /// 2026-03-02T10:00:00Z in microseconds.
    const TEN: u64 = 1_772_445_600_000_000;

    #[test]
    fn documented_messages_are_read() {
        assert_eq!(fixture!("subscribed"), FromVexa::Subscribed { meetings: 1 });
        assert_eq!(fixture!("subscribed_by_id"), FromVexa::Subscribed { meetings: 1 });
        assert_eq!(fixture!("pong"), FromVexa::Pong);
        assert_eq!(fixture!("status_waiting"), FromVexa::Status(Status::AwaitingAdmission));
        assert_eq!(fixture!("status_completed"), FromVexa::Status(Status::Completed));
        assert_eq!(fixture!("error"), FromVexa::Error("missing_api_key".into()));
        let FromVexa::Error(why) = fixture!("error_in_words") else { panic!() };
        assert_eq!(why, "unauthorized_meeting: no such meeting for this key");
        assert_eq!(fixture!("health"), FromVexa::Health("no_signal: no audio has come for 30 s".into()));
    }

    #[test]
    fn both_dialects_of_the_transcript_are_read() {
        let FromVexa::Transcript { speaker, confirmed, pending, whole: true, unreadable: 0 } =
            fixture!("transcript_pending")
        else {
            panic!()
        };
        assert_eq!((speaker.as_deref(), confirmed.len()), (Some("Marcus Bell"), 0));
        assert_eq!((pending[0].start_us, pending[0].end_us), (TEN + 13_735_000, TEN + 17_100_000));
        assert!(!pending[0].completed && pending[0].id.as_deref() == Some("s-2"));

        let FromVexa::Transcript { confirmed, pending, .. } = fixture!("transcript_confirmed") else { panic!() };
        assert_eq!((confirmed[0].end_us, pending.len()), (TEN + 19_535_000, 0));
        assert!(confirmed[0].completed && confirmed[0].text.contains("more than we pay today"));

        let FromVexa::Transcript { speaker: None, confirmed, pending, whole: false, .. } =
            fixture!("transcript_mutable")
        else {
            panic!()
        };
        assert_eq!((confirmed.len(), pending[0].start_us), (0, TEN + 880_000));
        assert_eq!((pending[0].id.as_deref(), pending[0].speaker.as_deref()), (None, Some("Dana Reyes")));
    }

    #[test]
    fn what_cannot_be_read_is_counted_or_refused() {
        for bad in ["", "[]", "{}", r#"{"type":7}"#, &format!("\"{}\"", "x".repeat(MAX_BYTES))] {
            assert!(read(bad).is_err());
        }
        assert_eq!(read(r#"{"type":"novel"}"#), Ok(FromVexa::Other("novel".into())));
        assert_eq!(read(r#"{"type":"error"}"#), Ok(FromVexa::Error("no reason given".into())));
        let odd = r#"{"type":"transcript","confirmed":[{"text":"x"},7,{"text":"y","absolute_start_time":"yesterday"},
            {"absolute_start_time":"2026-03-02T10:00:00Z"},
            {"text":"a\u0007b","absolute_start_time":"2026-03-02T10:00:00Z","absolute_end_time":"2026-03-02T09:00:00Z"}]}"#;
        let Ok(FromVexa::Transcript { confirmed, unreadable: 4, .. }) = read(odd) else { panic!() };
        // An end before the beginning is no end.
        assert_eq!((confirmed[0].text.as_str(), confirmed[0].end_us), ("a b", TEN));
        let many = json!({"type": "transcript", "confirmed": vec![json!(0); MAX_SEGMENTS + 5]}).to_string();
        let Ok(FromVexa::Transcript { unreadable, .. }) = read(&many) else { panic!() };
        assert_eq!(unreadable, MAX_SEGMENTS + 5);
    }

    #[test]
    fn meetings_and_addresses() {
        let meeting = Meeting::parse("google_meet/abc-defg-hij").unwrap();
        assert!(subscribe(&meeting).contains(r#""native_id":"abc-defg-hij""#));
        assert_eq!(ping(), r#"{"action":"ping"}"#);
        for bad in ["abc", "google_meet/", "/abc", "a/b/c", "a/..", "a/b?c"] {
            assert!(Meeting::parse(bad).is_err(), "{bad}");
        }
        let at = |url| chat_url(url, &meeting);
        assert_eq!(at("ws://h:1/ws").unwrap(), "http://h:1/bots/google_meet/abc-defg-hij/chat");
        assert_eq!(at("wss://h/api/ws/?api_key=k").unwrap(), "https://h/api/bots/google_meet/abc-defg-hij/chat");
        assert_eq!(at("ws://h/elsewhere"), None);
    }
}
