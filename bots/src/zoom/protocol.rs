//! Messages of Zoom's signalling and media sockets, read and spelled. No IO.
//!
//! Source: developers.zoom.us/docs/rtms/event-reference/. Unknown fields are ignored, unknown types kept as numbers.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::codes::{EventType, MessageType, SessionState, Status, StopReason, StreamState};

/// Longest message taken, in bytes: one second of 48 kHz PCM in base64 with room to spare.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1_024;
/// Longest name kept, in characters: what the engine takes.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest transcript text kept, in characters: what the engine takes.
pub const MAX_TEXT_CHARS: usize = 4_000;
/// Most participants of one event.
pub const MAX_PARTICIPANTS: usize = 1_000;

/// A message that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadMessage(String);

/// A message of Zoom's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Incoming {
    /// Signalling is open, or refused.
    Signalling {
        /// Taken or why not.
        status: Status,
        /// Zoom's own words.
        reason: String,
        /// Where the media is.
        media: MediaUrls,
    },
    /// Media is open, or refused.
    Media {
        /// Taken or why not.
        status: Status,
        /// Zoom's own words.
        reason: String,
        /// The audio as Zoom will send it, if it says so.
        audio: Option<AudioAnswer>,
        /// The payload is encrypted, though we did not ask for it.
        encrypted: bool,
    },
    /// Something happened in the meeting.
    Event {
        /// What.
        event: EventType,
        /// Unix time in ms; 0 if it was left out.
        at_ms: u64,
        /// Whom it concerns.
        people: Vec<Person>,
    },
    /// The stream's state changed, or was asked for.
    Stream {
        /// What it is now.
        state: StreamState,
        /// Why.
        reason: StopReason,
    },
    /// The state of one session within the stream.
    Session {
        /// Which; empty if it was left out.
        session: String,
        /// What it is now.
        state: SessionState,
        /// Why.
        reason: StopReason,
    },
    /// Answer to our request to end the stream.
    Closed {
        /// Taken or why not.
        status: Status,
    },
    /// To be answered with the same time.
    KeepAlive {
        /// Zoom's time.
        timestamp: u64,
    },
    /// Sound.
    Audio {
        /// Whose; id 0 for everybody's.
        person: Person,
        /// Unix time of the first sample, in ms.
        at_ms: u64,
        /// As the codec has it.
        data: Vec<u8>,
    },
    /// Words.
    Transcript {
        /// Whose.
        person: Person,
        /// Unix time of the beginning, in ms.
        start_ms: u64,
        /// Unix time of the end, in ms.
        end_ms: u64,
        /// The words.
        text: String,
    },
    /// A type we know and have no use for.
    Unused {
        /// Which.
        message: MessageType,
    },
    /// A type we do not know.
    Unknown {
        /// Its number.
        number: u32,
    },
}

/// Somebody in the meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Zoom's number within this meeting.
    pub user: i64,
    /// The name they chose; may be empty.
    pub name: String,
}

/// Where the media is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaUrls {
    /// Audio alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// The transcript alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// Everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<String>,
}

/// How audio is asked for, in Zoom's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AudioParameters {
    /// 1 RTP, 2 raw.
    pub content_type: u32,
    /// 0: 8, 1: 16, 2: 32, 3: 48 kHz.
    pub sample_rate: u32,
    /// 1 mono, 2 stereo.
    pub channel: u32,
    /// 1 PCM, 2 G.711, 3 G.722, 4 Opus.
    pub codec: u32,
    /// 1 everybody mixed, 2 one stream for each.
    pub data_opt: u32,
    /// Length of a message, in ms.
    pub send_rate: u32,
}

/// How Zoom says it will send audio. What it leaves out is as it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AudioAnswer {
    /// As in [`AudioParameters`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u32>,
    /// As in [`AudioParameters`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<u32>,
    /// As in [`AudioParameters`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<u32>,
}

impl AudioAnswer {
    /// What was asked for, with what was answered in its place.
    #[must_use]
    pub fn over(self, asked: AudioParameters) -> AudioParameters {
        AudioParameters {
            sample_rate: self.sample_rate.unwrap_or(asked.sample_rate),
            channel: self.channel.unwrap_or(asked.channel),
            codec: self.codec.unwrap_or(asked.codec),
            ..asked
        }
    }
}

/// A whole number, also if it is spelled as text or with a decimal point; negative numbers for `i64` only.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(value
        .as_i64()
        .or_else(|| value.as_f64().filter(|f| f.abs() < 9e15).map(|f| f as i64))
        .or_else(|| value.as_str()?.trim().parse().ok()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(deserialize_with = "whole")]
    msg_type: Option<i64>,
    #[serde(deserialize_with = "whole")]
    status_code: Option<i64>,
    #[serde(deserialize_with = "whole")]
    timestamp: Option<i64>,
    #[serde(deserialize_with = "whole")]
    state: Option<i64>,
    #[serde(deserialize_with = "whole")]
    stop_reason: Option<i64>,
    /// A text in handshakes, a number in stream states.
    reason: Value,
    rtms_session_id: Value,
    payload_encrypted: Value,
    media_server: Option<RawServer>,
    media_params: Option<RawParameters>,
    event: Option<RawEvent>,
    content: Option<RawContent>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawServer {
    server_urls: Option<MediaUrls>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawParameters {
    audio: Option<AudioAnswer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawEvent {
    #[serde(deserialize_with = "whole")]
    event_type: Option<i64>,
    #[serde(deserialize_with = "whole")]
    timestamp: Option<i64>,
    #[serde(deserialize_with = "whole")]
    user_id: Option<i64>,
    user_name: Option<String>,
    participants: Vec<RawPerson>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPerson {
    #[serde(deserialize_with = "whole")]
    user_id: Option<i64>,
    user_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawContent {
    #[serde(deserialize_with = "whole")]
    user_id: Option<i64>,
    user_name: Option<String>,
    data: Option<String>,
    #[serde(deserialize_with = "whole")]
    timestamp: Option<i64>,
    #[serde(deserialize_with = "whole")]
    start_time: Option<i64>,
    #[serde(deserialize_with = "whole")]
    end_time: Option<i64>,
}

/// Plain text of a bounded length: control characters become spaces, what is too long is cut.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect::<String>().trim().to_owned()
}

fn positive(number: Option<i64>) -> Option<u64> {
    number.and_then(|n| u64::try_from(n).ok())
}

fn code(number: Option<i64>) -> Option<u32> {
    number.and_then(|n| u32::try_from(n).ok())
}

fn person(user: Option<i64>, name: Option<&String>) -> Option<Person> {
    Some(Person { user: user?, name: name.map(|n| plain(n, MAX_NAME_CHARS)).unwrap_or_default() })
}

/// Unix time in ms. Zoom's documents say ms, its samples also show µs: told apart by their size, as any time from 1973 on
/// has at most 13 digits in ms and at least 14 in µs.
fn unix_ms(time: Option<i64>) -> u64 {
    match positive(time).unwrap_or(0) {
        us if us >= 100_000_000_000_000 => us / 1_000,
        ms => ms,
    }
}

/// Reads a message.
///
/// # Errors
/// [`BadMessage`] with what is wrong. A message of an unknown type is none.
pub fn parse(text: &str) -> Result<Incoming, BadMessage> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(BadMessage(format!("a message of {} bytes; at most {MAX_MESSAGE_BYTES} are taken", text.len())));
    }
    if !text.trim_start().starts_with('{') {
        return Err(BadMessage("not a message of Zoom: those are JSON objects".into()));
    }
    // serde_json's words quote the message; only where it broke may be told.
    let raw: Raw = serde_json::from_str(text).map_err(|e| {
        BadMessage(format!("not a message of Zoom ({:?} error in column {})", e.classify(), e.column()))
    })?;
    let number = code(raw.msg_type).ok_or_else(|| BadMessage("msg_type is missing".into()))?;
    let missing = |what: &str| BadMessage(format!("message of type {number}: {what} is missing"));
    let reason_text = || plain(raw.reason.as_str().unwrap_or_default(), MAX_NAME_CHARS);
    let stop_reason = || {
        let reason = raw.reason.as_i64().or_else(|| raw.reason.as_str()?.parse().ok());
        StopReason::from_code(code(raw.stop_reason).or(code(reason)).unwrap_or(0))
    };
    let status = || code(raw.status_code).map(Status::from_code);
    Ok(match MessageType::from_code(number) {
        MessageType::SignallingResponse => Incoming::Signalling {
            status: status().ok_or_else(|| missing("status_code"))?,
            reason: reason_text(),
            media: raw.media_server.and_then(|s| s.server_urls).unwrap_or_default(),
        },
        MessageType::MediaResponse => Incoming::Media {
            status: status().ok_or_else(|| missing("status_code"))?,
            reason: reason_text(),
            audio: raw.media_params.and_then(|p| p.audio),
            encrypted: raw.payload_encrypted.as_bool().unwrap_or(false),
        },
        MessageType::EventUpdate => {
            let event = raw.event.ok_or_else(|| missing("event"))?;
            let kind = code(event.event_type).ok_or_else(|| missing("event_type"))?;
            let mut people: Vec<Person> = event
                .participants
                .iter()
                .take(MAX_PARTICIPANTS)
                .filter_map(|p| person(p.user_id, p.user_name.as_ref()))
                .collect();
            people.extend(person(event.user_id, event.user_name.as_ref()));
            Incoming::Event {
                event: EventType::from_code(kind),
                at_ms: unix_ms(event.timestamp.or(raw.timestamp)),
                people,
            }
        }
        MessageType::StreamStateUpdate | MessageType::StreamStateResponse => Incoming::Stream {
            state: StreamState::from_code(code(raw.state).ok_or_else(|| missing("state"))?),
            reason: stop_reason(),
        },
        MessageType::SessionStateUpdate | MessageType::SessionStateResponse => Incoming::Session {
            session: plain(raw.rtms_session_id.as_str().unwrap_or_default(), MAX_NAME_CHARS),
            state: SessionState::from_code(code(raw.state).ok_or_else(|| missing("state"))?),
            reason: stop_reason(),
        },
        MessageType::StreamCloseResponse => Incoming::Closed { status: status().unwrap_or(Status::Ok) },
        MessageType::KeepAliveRequest => Incoming::KeepAlive { timestamp: positive(raw.timestamp).unwrap_or(0) },
        MessageType::Audio => {
            let content = raw.content.ok_or_else(|| missing("content"))?;
            let data = content.data.as_ref().ok_or_else(|| missing("data"))?;
            let data = STANDARD.decode(data).map_err(|_| BadMessage("audio that is no base64".into()))?;
            if data.is_empty() {
                return Err(BadMessage("audio without any bytes".into()));
            }
            Incoming::Audio {
                person: person(content.user_id, content.user_name.as_ref()).ok_or_else(|| missing("user_id"))?,
                at_ms: match unix_ms(content.timestamp) {
                    0 => return Err(missing("timestamp")),
                    ms => ms,
                },
                data,
            }
        }
        MessageType::Transcript => {
            let content = raw.content.ok_or_else(|| missing("content"))?;
            let at_ms = unix_ms(content.timestamp);
            let start_ms = Some(unix_ms(content.start_time)).filter(|&ms| ms > 0).unwrap_or(at_ms);
            let end_ms = Some(unix_ms(content.end_time)).filter(|&ms| ms > 0).unwrap_or(at_ms).max(start_ms);
            if end_ms == 0 {
                return Err(missing("timestamp"));
            }
            Incoming::Transcript {
                person: person(content.user_id, content.user_name.as_ref()).ok_or_else(|| missing("user_id"))?,
                start_ms: if start_ms == 0 { end_ms } else { start_ms },
                end_ms,
                text: plain(content.data.as_deref().unwrap_or_default(), MAX_TEXT_CHARS),
            }
        }
        MessageType::Other(number) => Incoming::Unknown { number },
        message => Incoming::Unused { message },
    })
}

/// What both handshakes name.
#[derive(Clone, Copy)]
pub struct Handshake<'a> {
    /// The meeting's uuid, the session's id or the engagement's id.
    pub meeting: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// [`sign::handshake`](super::sign::handshake).
    pub signature: &'a str,
}

/// The media to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Sound.
    Audio(AudioParameters),
    /// Words in English: `src_language` 9, and no guessing of the language, which would cost three seconds.
    Transcript,
}

/// `media_type` of audio.
const AUDIO: u32 = 1;
/// `media_type` of the transcript.
const TRANSCRIPT: u32 = 8;
/// Zoom's number of English.
const ENGLISH: u32 = 9;
/// `content_type` of text.
const TEXT: u32 = 5;

/// Opens signalling.
#[must_use]
pub fn open_signalling(who: Handshake<'_>) -> String {
    json!({
        "msg_type": 1, "protocol_version": 1, "sequence": 1,
        "meeting_uuid": who.meeting, "rtms_stream_id": who.stream, "signature": who.signature,
    })
    .to_string()
}

/// Opens media.
#[must_use]
pub fn open_media(who: Handshake<'_>, wanted: Wanted) -> String {
    let (media_type, parameters) = match wanted {
        Wanted::Audio(audio) => (AUDIO, json!({"audio": audio})),
        Wanted::Transcript => {
            let transcript = json!({"content_type": TEXT, "src_language": ENGLISH, "enable_lid": false});
            (TRANSCRIPT, json!({"transcript": transcript}))
        }
    };
    json!({
        "msg_type": 3, "protocol_version": 1, "sequence": 1,
        "meeting_uuid": who.meeting, "rtms_stream_id": who.stream, "signature": who.signature,
        "media_type": media_type, "payload_encryption": false, "media_params": parameters,
    })
    .to_string()
}

/// Asks to be told who speaks, joins and leaves.
#[must_use]
pub fn subscribe() -> String {
    let events: Vec<Value> = [EventType::ActiveSpeaker, EventType::ParticipantJoin, EventType::ParticipantLeave]
        .into_iter()
        .map(|event| json!({"event_type": event, "subscribe": true}))
        .collect();
    json!({"msg_type": 5, "events": events}).to_string()
}

/// Says that media may come. Goes over the signalling socket.
#[must_use]
pub fn ready(stream: &str) -> String {
    json!({"msg_type": 7, "rtms_stream_id": stream}).to_string()
}

/// Answers a keep-alive.
#[must_use]
pub fn alive(timestamp: u64) -> String {
    json!({"msg_type": 13, "timestamp": timestamp}).to_string()
}

/// Asks for the stream's state.
#[must_use]
pub fn ask_stream_state(stream: &str) -> String {
    json!({"msg_type": 19, "rtms_stream_id": stream}).to_string()
}

/// Asks Zoom to end the stream.
#[must_use]
pub fn close_stream(stream: &str) -> String {
    json!({"msg_type": 21, "rtms_stream_id": stream}).to_string()
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
