//! Zoom's side of RTMS in words: what a client may say, how its wishes are judged, and how the answers are spelt. No IO.
//!
//! Facts from Zoom's event reference and data types (developers.zoom.us/docs/rtms), and from what Zoom's own SDK
//! (`rtms` 1.1.0 on PyPI) sends and accepts; `docs/platforms/zoom-simulator.md` says which is which.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// Longest message taken from a client, in bytes. The largest real one, a media handshake, has under 1 KiB.
pub const MAX_CLIENT_BYTES: usize = 64 * 1_024;

/// `media_type` bit of audio.
pub const AUDIO: u64 = 1;
/// `media_type` bit of transcripts.
pub const TRANSCRIPT: u64 = 8;
/// `media_type` that stands for all kinds together.
pub const ALL: u64 = 32;

/// Status codes of both handshakes, as far as this simulator gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Status {
    /// Everything is in order.
    Ok = 0,
    /// Another message than a handshake came first.
    InvalidMessageType = 1,
    /// No such stream.
    InvalidStreamId = 2,
    /// The signature is not the one of this client, meeting and stream.
    InvalidSignature = 3,
    /// Not JSON, a field is missing, or another protocol version.
    InvalidPayload = 4,
    /// No such kind of media, or not at this address.
    InvalidMediaType = 7,
    /// Video, which is not simulated.
    VideoNotSupported = 10,
    /// A shared screen, which is not simulated.
    ShareNotSupported = 11,
    /// Chat, which is not simulated.
    ChatNotSupported = 13,
    /// This kind of media has a connection already.
    DuplicateMedia = 16,
    /// `media_params` cannot be read.
    InvalidMediaParams = 17,
    /// `content_type` is not raw audio.
    AudioContent = 19,
    /// `sample_rate` does not exist, or not with this codec.
    AudioRate = 20,
    /// `channel` does not exist, or not with this codec.
    AudioChannel = 21,
    /// `codec` does not exist, or is not simulated.
    AudioCodec = 22,
    /// `data_opt` is neither mixed nor one per participant.
    AudioDataOpt = 23,
    /// `send_rate` is no multiple of 20 ms up to 1,000.
    AudioSendRate = 24,
    /// The meeting is another one.
    InvalidMeeting = 40,
}

impl Status {
    /// As it goes over the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// In words, as `reason`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ok => "",
            Self::InvalidMessageType => "the first message must be the handshake",
            Self::InvalidStreamId => "invalid rtms_stream_id",
            Self::InvalidSignature => "invalid signature",
            Self::InvalidPayload => "invalid payload",
            Self::InvalidMediaType => "invalid media_type",
            Self::VideoNotSupported => "video is not supported",
            Self::ShareNotSupported => "screen share is not supported",
            Self::ChatNotSupported => "chat is not supported",
            Self::DuplicateMedia => "this media type has a connection already",
            Self::InvalidMediaParams => "invalid media_params",
            Self::AudioContent => "invalid audio content_type",
            Self::AudioRate => "invalid audio sample_rate",
            Self::AudioChannel => "invalid audio channel",
            Self::AudioCodec => "invalid audio codec",
            Self::AudioDataOpt => "invalid audio data_opt",
            Self::AudioSendRate => "invalid audio send_rate",
            Self::InvalidMeeting => "invalid meeting_uuid",
        }
    }
}

/// Stop reasons, as far as this simulator gives them.
pub mod stop_reason {
    /// The meeting is over.
    pub const MEETING_ENDED: u16 = 6;
    /// The stream was revoked: what was received must be deleted.
    pub const STREAM_REVOKED: u16 = 8;
    /// A broken connection was not restored in time.
    pub const AWAIT_RECONNECTION_TIMEOUT: u16 = 19;
    /// The client asked for the end.
    pub const RECEIVER_REQUEST: u16 = 20;
}

/// States of the session (`msg_type` 9).
pub mod session_state {
    /// Media is sent.
    pub const STARTED: u16 = 2;
    /// The host paused it.
    pub const PAUSED: u16 = 3;
    /// It goes on.
    pub const RESUMED: u16 = 4;
    /// It is over.
    pub const STOPPED: u16 = 5;
}

/// States of the stream (`msg_type` 8).
pub mod stream_state {
    /// Media is sent.
    pub const ACTIVE: u16 = 1;
    /// About to end.
    pub const TERMINATING: u16 = 3;
    /// Over.
    pub const TERMINATED: u16 = 4;
    /// The host paused it.
    pub const PAUSED: u16 = 5;
    /// It goes on.
    pub const RESUMED: u16 = 6;
}

/// Event types (`msg_type` 6).
pub mod event_type {
    /// Time of the first packet; comes unasked.
    pub const FIRST_PACKET: u64 = 1;
    /// Somebody else speaks.
    pub const ACTIVE_SPEAKER: u64 = 2;
    /// Somebody came, or was there already.
    pub const JOIN: u64 = 3;
    /// Somebody left.
    pub const LEAVE: u64 = 4;
    /// A media connection broke; comes unasked.
    pub const MEDIA_INTERRUPTED: u64 = 7;
}

/// What a client said.
#[derive(Clone, Debug, PartialEq)]
pub enum FromClient {
    /// The handshake of the signalling socket.
    Signalling(Identity),
    /// The handshake of a media socket.
    Media {
        /// Who says so.
        identity: Identity,
        /// Bits of the kinds wanted.
        media_type: u64,
        /// What is asked for, to be judged by [`AudioParams::negotiate`] and echoed.
        params: Value,
    },
    /// Which events it wants to hear of, and which no more.
    Subscribe(Vec<(u64, bool)>),
    /// Media may start.
    Ready {
        /// The stream it means.
        stream: String,
    },
    /// Answer to a keep-alive.
    KeepAlive {
        /// The time given in it.
        timestamp: Option<u64>,
        /// The number given in it.
        sequence: Option<u64>,
    },
    /// How is the session?
    SessionState,
    /// How is the stream?
    StreamState,
    /// Please end the stream.
    Close,
    /// Something this simulator does not speak.
    Other(u64),
}

/// What both handshakes say about the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Number to be repeated in the answer.
    pub sequence: u64,
    /// Version of the protocol; 1 is the only one.
    pub version: u64,
    /// Which meeting.
    pub meeting: String,
    /// Which stream.
    pub stream: String,
    /// Proof that it knows the client secret.
    pub signature: String,
}

/// Reads a message of a client.
///
/// # Errors
/// What is wrong with it, for the report.
pub fn read(message: &[u8]) -> Result<FromClient, String> {
    if message.len() > MAX_CLIENT_BYTES {
        return Err(format!("a message of {} bytes; at most {MAX_CLIENT_BYTES} are taken", message.len()));
    }
    let value: Value = serde_json::from_slice(message).map_err(|error| format!("not JSON: {error}"))?;
    let kind = value.get("msg_type").and_then(Value::as_u64).ok_or("no msg_type")?;
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    Ok(match kind {
        1 => FromClient::Signalling(identity(&value)?),
        3 => FromClient::Media {
            identity: identity(&value)?,
            media_type: number("media_type").ok_or("no media_type")?,
            params: value.get("media_params").cloned().unwrap_or(Value::Null),
        },
        5 => FromClient::Subscribe(
            value
                .get("events")
                .and_then(Value::as_array)
                .ok_or("no events")?
                .iter()
                .map(|event| {
                    let kind = event.get("event_type").and_then(Value::as_u64).ok_or("an event without event_type")?;
                    Ok((kind, event.get("subscribe").and_then(Value::as_bool).ok_or("an event without subscribe")?))
                })
                .collect::<Result<_, String>>()?,
        ),
        7 => FromClient::Ready { stream: text(&value, "rtms_stream_id")? },
        10 => FromClient::SessionState,
        13 => FromClient::KeepAlive { timestamp: number("timestamp"), sequence: number("sequence") },
        19 => FromClient::StreamState,
        21 => FromClient::Close,
        other => FromClient::Other(other),
    })
}

fn text(value: &Value, key: &str) -> Result<String, String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no {key}"))
}

fn identity(value: &Value) -> Result<Identity, String> {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    Ok(Identity {
        sequence: number("sequence").unwrap_or(0),
        version: number("protocol_version").ok_or("no protocol_version")?,
        meeting: text(value, "meeting_uuid")?,
        stream: text(value, "rtms_stream_id")?,
        signature: text(value, "signature")?,
    })
}

/// How sound is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Signed 16-bit little-endian.
    L16,
    /// G.711 mu-law.
    G711,
    /// One Opus packet per message.
    Opus,
}

/// What sound a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioParams {
    /// Spelling.
    pub coding: Coding,
    /// Samples per second.
    pub rate_hz: u32,
    /// 1, or 2 for Opus.
    pub channels: u8,
    /// One stream for each participant, or all mixed into one?
    pub per_participant: bool,
    /// Sound in each message, in ms.
    pub send_rate_ms: u32,
}

impl Default for AudioParams {
    /// What a client gets that asks for nothing.
    fn default() -> Self {
        Self { coding: Coding::L16, rate_hz: 16_000, channels: 1, per_participant: false, send_rate_ms: 20 }
    }
}

impl AudioParams {
    /// Judges the `media_params` of a handshake.
    ///
    /// # Errors
    /// The status to refuse with.
    pub fn negotiate(params: &Value) -> Result<Self, Status> {
        let audio = match params {
            Value::Null => return Ok(Self::default()),
            Value::Object(kinds) => match kinds.get("audio") {
                None | Some(Value::Null) => return Ok(Self::default()),
                Some(audio @ Value::Object(_)) => audio,
                Some(_) => return Err(Status::InvalidMediaParams),
            },
            _ => return Err(Status::InvalidMediaParams),
        };
        let field = |key: &str, usual: u64, bad: Status| match audio.get(key) {
            None => Ok(usual),
            Some(value) => value.as_u64().ok_or(bad),
        };
        // 1 is RTP, 2 raw audio; raw is what this socket carries.
        if field("content_type", 2, Status::AudioContent)? != 2 {
            return Err(Status::AudioContent);
        }
        let coding = match field("codec", 1, Status::AudioCodec)? {
            1 => Coding::L16,
            2 => Coding::G711,
            4 => Coding::Opus,
            _ => return Err(Status::AudioCodec),
        };
        let rate_hz = match field("sample_rate", 1, Status::AudioRate)? {
            0 => 8_000,
            1 => 16_000,
            2 => 32_000,
            3 => 48_000,
            _ => return Err(Status::AudioRate),
        };
        if coding == Coding::G711 && rate_hz != 8_000 || coding == Coding::Opus && rate_hz == 32_000 {
            return Err(Status::AudioRate);
        }
        let channels = match (field("channel", 1, Status::AudioChannel)?, coding) {
            (1, _) => 1,
            (2, Coding::Opus) => 2,
            _ => return Err(Status::AudioChannel),
        };
        let per_participant = match field("data_opt", 1, Status::AudioDataOpt)? {
            1 => false,
            2 => true,
            _ => return Err(Status::AudioDataOpt),
        };
        let send_rate_ms = match field("send_rate", 20, Status::AudioSendRate)? {
            ms @ 20..=1_000 if ms % 20 == 0 => u32::try_from(ms).map_err(|_| Status::AudioSendRate)?,
            _ => return Err(Status::AudioSendRate),
        };
        // An Opus packet holds at most 120 ms, and encoders stop at 60; how Zoom bundles more is not documented.
        if coding == Coding::Opus && send_rate_ms > 60 {
            return Err(Status::AudioSendRate);
        }
        Ok(Self { coding, rate_hz, channels, per_participant, send_rate_ms })
    }
}

fn mac(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The signature both handshakes must carry.
#[must_use]
pub fn handshake_signature(client_secret: &str, client_id: &str, meeting: &str, stream: &str) -> String {
    mac(client_secret, &[client_id.as_bytes(), b",", meeting.as_bytes(), b",", stream.as_bytes()])
}

/// The value of `x-zm-signature` for a webhook's body.
#[must_use]
pub fn webhook_signature(webhook_secret: &str, timestamp: &str, body: &str) -> String {
    format!("v0={}", mac(webhook_secret, &[b"v0:", timestamp.as_bytes(), b":", body.as_bytes()]))
}

/// What the answer to `endpoint.url_validation` must hold as `encryptedToken`.
#[must_use]
pub fn validation_token(webhook_secret: &str, plain: &str) -> String {
    mac(webhook_secret, &[plain.as_bytes()])
}

/// Where media is to be had.
#[must_use]
pub fn signalling_accepted(sequence: u64, media_base: &str) -> Value {
    json!({
        "msg_type": 2, "protocol_version": 1, "sequence": sequence, "status_code": 0, "reason": "",
        "media_server": {"server_urls": {
            "audio": format!("{media_base}/audio"), "video": format!("{media_base}/video"),
            "transcript": format!("{media_base}/transcript"), "all": format!("{media_base}/all"),
        }},
    })
}

/// No, to a signalling handshake.
#[must_use]
pub fn signalling_refused(sequence: u64, status: Status) -> Value {
    json!({"msg_type": 2, "protocol_version": 1, "sequence": sequence, "status_code": status.code(), "reason": status.reason()})
}

/// Yes, to a media handshake; repeats what was asked for.
#[must_use]
pub fn media_accepted(sequence: u64, params: &Value) -> Value {
    json!({
        "msg_type": 4, "protocol_version": 1, "sequence": sequence, "status_code": 0, "reason": "",
        "payload_encrypted": false, "media_params": params,
    })
}

/// No, to a media handshake.
#[must_use]
pub fn media_refused(sequence: u64, status: Status) -> Value {
    json!({"msg_type": 4, "protocol_version": 1, "sequence": sequence, "status_code": status.code(), "reason": status.reason()})
}

/// Somebody came (3) or left (4).
#[must_use]
pub fn participants(event_type: u64, timestamp: u64, who: &[(u32, &str)]) -> Value {
    let list: Vec<Value> = who.iter().map(|(id, name)| json!({"user_id": id, "user_name": name})).collect();
    json!({"msg_type": 6, "event": {"event_type": event_type, "timestamp": timestamp, "participants": list}})
}

/// Somebody else speaks.
#[must_use]
pub fn active_speaker(timestamp: u64, id: u32, name: &str) -> Value {
    json!({"msg_type": 6, "event": {"event_type": event_type::ACTIVE_SPEAKER, "timestamp": timestamp, "user_id": id, "user_name": name}})
}

/// An event that is about nobody: first packet, media interrupted.
#[must_use]
pub fn event(event_type: u64, timestamp: u64) -> Value {
    json!({"msg_type": 6, "event": {"event_type": event_type, "timestamp": timestamp}})
}

/// How the stream is.
#[must_use]
pub fn stream_state(stream: &str, state: u16, reason: u16, timestamp: u64) -> Value {
    json!({"msg_type": 8, "rtms_stream_id": stream, "state": state, "reason": reason, "timestamp": timestamp})
}

/// How the session is.
#[must_use]
pub fn session_state(session: &str, state: u16, stop_reason: u16, timestamp: u64) -> Value {
    json!({"msg_type": 9, "rtms_session_id": session, "state": state, "stop_reason": stop_reason, "timestamp": timestamp})
}

/// Are you there? Zoom's SDK answers only if it carries a `sequence`, and repeats it.
#[must_use]
pub fn keep_alive(sequence: u64, timestamp: u64) -> Value {
    json!({"msg_type": 12, "sequence": sequence, "timestamp": timestamp})
}

/// Sound. Of nobody in particular (id 0, no name) if it is mixed.
#[must_use]
pub fn audio(id: u32, name: &str, data: &[u8], timestamp: u64) -> Value {
    let mut content =
        json!({"user_id": id, "data": STANDARD.encode(data), "length": data.len(), "timestamp": timestamp});
    if id != 0 {
        content["user_name"] = json!(name);
    }
    json!({"msg_type": 14, "content": content})
}

/// Words, as Zoom's own recogniser heard them.
#[must_use]
pub fn transcript(id: u32, name: &str, words: &str, start: u64, end: u64) -> Value {
    json!({"msg_type": 17, "content": {
        "user_id": id, "user_name": name, "start_time": start, "end_time": end, "timestamp": end,
        "language": 9, "data": words,
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_the_documented_ones() {
        // Made with Python's hmac module, and the first one seen from Zoom's SDK for the same names.
        let seen = "b4fe123193e33abf5e12ae363896ce9ffa373ebcc3da7ae7cbefc726a6676a5d";
        assert_eq!(handshake_signature("sec", "cid", "abc==", "st1"), seen);
        assert!(webhook_signature("s", "1", "{}").starts_with("v0="));
        assert_ne!(webhook_signature("s", "1", "{}"), webhook_signature("s", "2", "{}"));
        assert_eq!(validation_token("s", "t").len(), 64);
    }

    #[test]
    fn what_zooms_own_client_sends_is_read() {
        let media = br#"{"media_params":{"audio":{"channel":1,"codec":1,"content_type":2,"data_opt":2,"sample_rate":1,"send_rate":20}},
            "media_type":1,"meeting_uuid":"m","msg_type":3,"protocol_version":1,"rtms_stream_id":"s","sequence":13,"signature":"x"}"#;
        let Ok(FromClient::Media { identity, media_type: AUDIO, params }) = read(media) else { panic!() };
        assert_eq!((identity.sequence, identity.meeting.as_str()), (13, "m"));
        let audio = AudioParams::negotiate(&params).unwrap();
        assert_eq!(audio, AudioParams { per_participant: true, ..AudioParams::default() });
        let subscribe =
            br#"{"events":[{"event_type":2,"subscribe":true},{"event_type":4,"subscribe":false}],"msg_type":5}"#;
        assert_eq!(read(subscribe), Ok(FromClient::Subscribe(vec![(2, true), (4, false)])));
        assert_eq!(read(br#"{"msg_type":7,"rtms_stream_id":"s"}"#), Ok(FromClient::Ready { stream: "s".into() }));
        assert_eq!(read(br#"{"msg_type":99}"#), Ok(FromClient::Other(99)));
        for bad in [&b"{"[..], b"[]", b"{}", br#"{"msg_type":1}"#, br#"{"msg_type":5}"#, &[b' '; MAX_CLIENT_BYTES + 1]]
        {
            assert!(read(bad).is_err());
        }
    }

    #[test]
    fn impossible_wishes_are_refused_with_their_code() {
        let judge = |audio: Value| AudioParams::negotiate(&json!({"audio": audio}));
        for (audio, status) in [
            (json!({"content_type": 1}), Status::AudioContent),
            (json!({"sample_rate": 4}), Status::AudioRate),
            (json!({"codec": 2, "sample_rate": 1}), Status::AudioRate),
            (json!({"channel": 2}), Status::AudioChannel),
            (json!({"codec": 3}), Status::AudioCodec),
            (json!({"data_opt": 3}), Status::AudioDataOpt),
            (json!({"send_rate": 30}), Status::AudioSendRate),
            (json!({"send_rate": 1020}), Status::AudioSendRate),
            (json!({"send_rate": 0}), Status::AudioSendRate),
            (json!({"codec": 4, "send_rate": 100}), Status::AudioSendRate),
            (json!(7), Status::InvalidMediaParams),
        ] {
            assert_eq!(judge(audio.clone()), Err(status), "{audio}");
        }
        assert_eq!(judge(json!({"send_rate": 1000})).unwrap().send_rate_ms, 1_000);
        assert_eq!(judge(json!({"codec": 4, "sample_rate": 3, "channel": 2})).unwrap().channels, 2);
        assert_eq!(AudioParams::negotiate(&Value::Null), Ok(AudioParams::default()));
        assert_eq!(AudioParams::negotiate(&json!([])), Err(Status::InvalidMediaParams));
    }
}
