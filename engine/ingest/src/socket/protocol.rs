//! The words of the WebSocket ingest, version 1: parsing what a sender says, spelling what we answer. No IO.

use std::collections::BTreeSet;

use reframe_audio::decode::{Codec, OPUS_PRE_SKIP};
use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    deal::Deal,
    input::{ConsentRule, Disclosure, SourceStatus},
};
use serde::{Deserialize, Serialize};

use crate::{
    assembler::Mode,
    item::{Packet, What, Who, Words},
};

/// The version spoken here.
pub const VERSION: u32 = 1;
/// Longest text message, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1_024;
/// Longest audio message, in bytes: one second of 16-bit PCM at 48 kHz, with room to spare.
pub const MAX_AUDIO_BYTES: usize = 128 * 1_024;
/// Bytes asked of a connection at a time. The library clears as many before each read; with its own 128 KiB that took a
/// twentieth of a server's time on quiet calls, where a message has a hundred bytes.
pub const READ_AT_ONCE: usize = 8 * 1_024;
/// Bytes before the audio in an audio message.
pub const HEADER_BYTES: usize = 12;
/// The messages a sender may send.
const KINDS: &str = "start, track, gap, pause, words, status, disclosed, leave, consent, erase, ping and stop";
/// Most tracks of a call.
pub const MAX_TRACKS: usize = 32;
/// Most names in `context`.
pub const MAX_CONTEXT: usize = 200;
/// Longest text of a `words` message, in characters.
pub const MAX_WORDS_CHARS: usize = 4_000;
/// Longest name, title or reference, in characters.
pub const MAX_CHARS: usize = 200;

/// Why a message was refused, to be sent back as [`ServerMessage::Error`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people: what was wrong and what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The message cannot be understood.
    BadMessage,
    /// The sender speaks another version.
    BadVersion,
    /// No token, or a wrong one.
    Unauthorized,
    /// Web pages may not connect from that origin.
    OriginRefused,
    /// The first message must be `start`, and only the first.
    OutOfOrder,
    /// No such playbook.
    UnknownPlaybook,
    /// A track that was not announced.
    UnknownTrack,
    /// The call is over, or belongs to someone else.
    CallEnded,
    /// As many calls as this machine can carry are running.
    Busy,
    /// More audio than a live call can hold.
    TooFast,
    /// Nothing was heard of the sender for too long.
    IdleTimeout,
    /// Another connection took the call over.
    Replaced,
    /// Trouble on our side.
    Internal,
}

/// A track as `start` or `track` announces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackStart {
    /// Number, 0 to 255: the second byte of its audio messages.
    pub track: u8,
    /// Name to show.
    pub name: String,
    /// `rep`, `buyer` or `unknown`.
    pub party: Party,
    /// `pcm_s16le`, `opus`, `pcmu` or `pcma`.
    pub codec: CodecName,
    /// Sample rate: 8000, 16000, 24000, 44100 or 48000; 8000 for `pcmu` and `pcma`; any of them for `opus`, which knows
    /// its own.
    pub rate_hz: u32,
    /// Opus: samples at 48 kHz by which the encoder delays the sound, 312 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_skip: Option<u16>,
    /// Consent on record, or `null`. Without it no audio of the track is processed.
    pub consent: Option<Consent>,
    /// E-mail address, if the platform says it: tells our people from buyers, and finds consent on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether this participant hosts the meeting, if the platform says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<bool>,
    /// Where the participant is: `US-CA`, `DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
}

/// Codecs by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodecName {
    /// Signed 16-bit little-endian PCM, mono.
    PcmS16le,
    /// Opus.
    Opus,
    /// G.711 mu-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// No audio: this participant's words come in `words` messages.
    Text,
}

impl TrackStart {
    /// The track as the core knows it.
    #[must_use]
    pub fn info(&self) -> TrackInfo {
        TrackInfo {
            id: TrackId(u16::from(self.track)),
            party: self.party,
            name: self.name.clone(),
            // Who admits the track puts it there, once the person is known to have agreed.
            email: None,
            consent: self.consent.clone(),
        }
    }

    /// How its packets are to be read.
    #[must_use]
    pub fn codec(&self) -> Codec {
        match self.codec {
            CodecName::PcmS16le => Codec::PcmS16le { rate_hz: self.rate_hz },
            // Never used: no packet of such a track is taken.
            CodecName::Text => Codec::PcmS16le { rate_hz: 16_000 },
            CodecName::Pcmu => Codec::Pcmu,
            CodecName::Pcma => Codec::Pcma,
            CodecName::Opus => Codec::Opus { pre_skip: self.pre_skip.unwrap_or(OPUS_PRE_SKIP) },
        }
    }

    /// The item that tells the call about it.
    #[must_use]
    pub fn to_item(&self) -> What {
        What::Track { info: self.info(), codec: self.codec(), who: Box::new(self.who()) }
    }

    /// What the platform says about the person.
    #[must_use]
    pub fn who(&self) -> Who {
        Who { email: self.email.clone(), host: self.host, jurisdiction: self.jurisdiction.clone() }
    }

    fn check(&self) -> Result<(), String> {
        let id = self.track;
        check_chars("name", &self.name)?;
        if let Some(consent) = &self.consent {
            check_chars("consent.basis", &consent.basis)?;
            check_chars("consent.reference", &consent.reference)?;
            if consent.basis.trim().is_empty() {
                return Err(format!(
                    "track {id}: consent.basis is empty; say how consent was given, or send consent null"
                ));
            }
        }
        match (self.codec, self.rate_hz) {
            (CodecName::Pcmu | CodecName::Pcma, 8_000) => {}
            (CodecName::Pcmu | CodecName::Pcma, hz) => {
                return Err(format!("track {id}: rate_hz is {hz}; pcmu and pcma are always 8000"));
            }
            (CodecName::Text, _) => {}
            (_, 8_000 | 16_000 | 24_000 | 44_100 | 48_000) => {}
            (_, hz) => {
                return Err(format!("track {id}: rate_hz is {hz}; use 8000, 16000, 24000, 44100 or 48000"));
            }
        }
        if self.pre_skip.is_some() && self.codec != CodecName::Opus {
            return Err(format!("track {id}: pre_skip is for opus alone; leave it out"));
        }
        Ok(())
    }
}

/// The first message of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Version of the protocol the sender speaks.
    pub version: u32,
    /// The call's id: the sender's choice, or left out. With the id of a call whose connection broke, the call goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Title to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `live` or `recorded`.
    pub mode: Mode,
    /// Name of the playbook; the server's default if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// Names of people, products and firms that may be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<String>,
    /// What is known of the deal: chooses among the texts of the cards.
    #[serde(default, skip_serializing_if = "Deal::is_empty")]
    pub deal: Deal,
    /// Participants known so far; more may `track` in later.
    pub tracks: Vec<TrackStart>,
}

impl Start {
    fn check(&self) -> Result<(), String> {
        if let Some(call) = &self.call {
            let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if call.is_empty() || call.len() > 64 || !call.chars().all(fine) {
                return Err("call must be 1 to 64 letters, digits, - or _; or leave it out".into());
            }
        }
        if let Some(title) = &self.title {
            check_chars("title", title)?;
        }
        if let Some(playbook) = &self.playbook {
            check_chars("playbook", playbook)?;
        }
        if self.context.len() > MAX_CONTEXT {
            return Err(format!("context has {} names; send at most {MAX_CONTEXT}", self.context.len()));
        }
        for name in &self.context {
            check_chars("context", name)?;
        }
        self.deal.check()?;
        if self.tracks.len() > MAX_TRACKS {
            return Err(format!("{} tracks; a call has at most {MAX_TRACKS}", self.tracks.len()));
        }
        let mut seen = BTreeSet::new();
        for track in &self.tracks {
            track.check()?;
            if !seen.insert(track.track) {
                return Err(format!("track {} is announced twice; give each participant its own number", track.track));
            }
        }
        Ok(())
    }
}

impl WordsMessage {
    fn check(&self) -> Result<(), String> {
        if self.end_us < self.start_us {
            return Err(format!("end_us {} lies before start_us {}", self.end_us, self.start_us));
        }
        check_text("text", &self.text, MAX_WORDS_CHARS)
    }

    /// The item that tells the call about it.
    #[must_use]
    pub fn to_item(&self) -> What {
        What::Words(Words {
            track: TrackId(u16::from(self.track)),
            start_us: self.start_us,
            end_us: self.end_us,
            text: self.text.clone(),
            last: self.last,
        })
    }
}

/// As [`check_chars`], for running text: line breaks are fine.
fn check_text(field: &str, value: &str, most: usize) -> Result<(), String> {
    let length = value.chars().count();
    if length > most {
        return Err(format!("{field} has {length} characters; at most {most} are taken"));
    }
    if value.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(format!("{field} holds control characters; send plain text"));
    }
    Ok(())
}

fn check_chars(field: &str, value: &str) -> Result<(), String> {
    let length = value.chars().count();
    if length > MAX_CHARS {
        return Err(format!("{field} has {length} characters; at most {MAX_CHARS} are kept"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("{field} holds control characters; send plain text"));
    }
    Ok(())
}

/// What a sender says in text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Opens a call, or goes on with one.
    Start(Start),
    /// A participant joined, or its facts changed.
    Track(TrackStart),
    /// Nothing of this track up to then.
    Gap(GapMessage),
    /// Nothing of this track until its audio goes on: muted, on hold.
    Pause(PauseMessage),
    /// Words the platform heard.
    Words(WordsMessage),
    /// How the connection to the meeting is doing.
    Status(SourceStatus),
    /// The participants were told that they are listened to.
    Disclosed(Disclosure),
    /// A participant left.
    Leave(LeaveMessage),
    /// Consent was given, or withdrawn (`null`).
    Consent(ConsentMessage),
    /// Everything received of this call is to be deleted.
    Erase(EraseMessage),
    /// Answered by `pong`.
    Ping(Empty),
    /// The call is over.
    Stop(Empty),
}

/// `gap`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapMessage {
    /// Whose.
    pub track: u8,
    /// Sender's time at which audio goes on, in microseconds.
    pub until_us: u64,
}

/// `pause`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseMessage {
    /// Whose.
    pub track: u8,
}

/// `words`: what another recogniser heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordsMessage {
    /// Who spoke.
    pub track: u8,
    /// Sender's time at which the first word began, in microseconds.
    pub start_us: u64,
    /// Sender's time at which the last word ended, in microseconds.
    pub end_us: u64,
    /// The words, with spaces between; at most [`MAX_WORDS_CHARS`].
    pub text: String,
    /// They will not change any more, and the utterance is over.
    #[serde(rename = "final")]
    pub last: bool,
}

/// `leave`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveMessage {
    /// Who.
    pub track: u8,
}

/// `consent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentMessage {
    /// Whose.
    pub track: u8,
    /// The record, or `null` when it is withdrawn. Must be there: leaving it out must not look like withdrawing.
    #[serde(deserialize_with = "required")]
    pub consent: Option<Consent>,
}

/// `erase`: whoever owns the meeting took the permission back. All words received so far are deleted, everybody's; the
/// call goes on until `stop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseMessage {
    /// Why, for the log.
    #[serde(default)]
    pub reason: String,
}

/// A message with nothing in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// With `deserialize_with`, serde asks for the field even if it may be null.
fn required<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Consent>, D::Error> {
    Option::deserialize(from)
}

/// Reads a text message.
///
/// # Errors
/// [`Refusal`] with what was wrong and what to send instead.
pub fn parse_text(text: &str) -> Result<ClientMessage, Refusal> {
    let bad = |message: String| Refusal::new(Code::BadMessage, message);
    if text.len() > MAX_TEXT_BYTES {
        return Err(bad(format!("a message of {} bytes; at most {MAX_TEXT_BYTES} are taken", text.len())));
    }
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| bad(format!("text messages are JSON objects; this is not one: {error}")))?;
    let kind = match object.remove("type") {
        Some(serde_json::Value::String(kind)) => kind,
        _ => return Err(bad(format!("a message needs a \"type\": {KINDS}"))),
    };
    if kind == "start" {
        // Before anything else: a later version may have fields we do not know.
        match object.get("version").map(serde_json::Value::as_u64) {
            Some(Some(version)) if version == u64::from(VERSION) => {}
            Some(Some(version)) => {
                let message = format!("this server speaks version {VERSION} of the ingest protocol, not {version}");
                return Err(Refusal::new(Code::BadVersion, message));
            }
            _ => return Err(bad(format!("start needs \"version\": {VERSION}"))),
        }
    }
    let value = serde_json::Value::Object(object);
    let in_kind = |error: serde_json::Error| bad(format!("{kind}: {error}"));
    let checked = |outcome: Result<(), String>| outcome.map_err(|why| bad(format!("{kind}: {why}")));
    match kind.as_str() {
        "start" => {
            let start: Start = serde_json::from_value(value).map_err(in_kind)?;
            checked(start.check())?;
            Ok(ClientMessage::Start(start))
        }
        "track" => {
            let track: TrackStart = serde_json::from_value(value).map_err(in_kind)?;
            checked(track.check())?;
            Ok(ClientMessage::Track(track))
        }
        "gap" => serde_json::from_value(value).map(ClientMessage::Gap).map_err(in_kind),
        "pause" => serde_json::from_value(value).map(ClientMessage::Pause).map_err(in_kind),
        "words" => {
            let words: WordsMessage = serde_json::from_value(value).map_err(in_kind)?;
            checked(words.check())?;
            Ok(ClientMessage::Words(words))
        }
        "status" => {
            let status: SourceStatus = serde_json::from_value(value).map_err(in_kind)?;
            checked(check_chars("detail", &status.detail))?;
            Ok(ClientMessage::Status(status))
        }
        "disclosed" => {
            let disclosure: Disclosure = serde_json::from_value(value).map_err(in_kind)?;
            checked(check_chars("via", &disclosure.via).and_then(|()| check_text("text", &disclosure.text, 2_000)))?;
            Ok(ClientMessage::Disclosed(disclosure))
        }
        "leave" => serde_json::from_value(value).map(ClientMessage::Leave).map_err(in_kind),
        "consent" => {
            let consent: ConsentMessage = serde_json::from_value(value).map_err(in_kind)?;
            if let Some(c) = &consent.consent {
                checked(check_chars("basis", &c.basis).and_then(|()| check_chars("reference", &c.reference)))?;
            }
            Ok(ClientMessage::Consent(consent))
        }
        "erase" => {
            let erase: EraseMessage = serde_json::from_value(value).map_err(in_kind)?;
            checked(check_chars("reason", &erase.reason))?;
            Ok(ClientMessage::Erase(erase))
        }
        "ping" => serde_json::from_value(value).map(ClientMessage::Ping).map_err(in_kind),
        "stop" => serde_json::from_value(value).map(ClientMessage::Stop).map_err(in_kind),
        other => {
            let other: String = other.chars().take(40).collect();
            Err(bad(format!("no message is called {other:?}; known are {KINDS}")))
        }
    }
}

/// Reads an audio message: a header of 12 bytes, then one packet.
///
/// | byte | what |
/// |---|---|
/// | 0 | kind, 1 = audio |
/// | 1 | track |
/// | 2..4 | sequence number, little-endian, wraps |
/// | 4..12 | sender's time of the first sample in microseconds, little-endian |
/// | 12.. | one packet: PCM bytes, or one Opus packet |
///
/// # Errors
/// [`Refusal`] with what was wrong and what to send instead.
pub fn parse_binary(message: &[u8]) -> Result<Packet, Refusal> {
    let bad = |message: String| Refusal::new(Code::BadMessage, message);
    if message.len() > MAX_AUDIO_BYTES {
        return Err(bad(format!("an audio message of {} bytes; at most {MAX_AUDIO_BYTES}", message.len())));
    }
    let Some((header, payload)) = message.split_first_chunk::<HEADER_BYTES>() else {
        return Err(bad(format!("an audio message of {} bytes is shorter than its header of 12", message.len())));
    };
    let [kind, track, s0, s1, t0, t1, t2, t3, t4, t5, t6, t7] = *header;
    if kind != 1 {
        return Err(bad(format!("binary messages begin with 1 (audio), not {kind}")));
    }
    if payload.is_empty() {
        return Err(bad("an audio message without audio; say `gap` if there is none".into()));
    }
    Ok(Packet {
        track: TrackId(u16::from(track)),
        sequence: Some(u16::from_le_bytes([s0, s1])),
        timestamp_us: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
        exact: false,
        payload: payload.to_vec(),
    })
}

/// Spells an audio message.
#[must_use]
pub fn audio_message(track: u8, sequence: u16, timestamp_us: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + payload.len());
    out.extend([1, track]);
    out.extend(sequence.to_le_bytes());
    out.extend(timestamp_us.to_le_bytes());
    out.extend(payload);
    out
}

/// What we say, in text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The call is open.
    Started(Started),
    /// Packets were thrown away. At most once a second.
    Dropped {
        /// How many since the last notice.
        packets: u64,
        /// Why, and what to do.
        why: String,
    },
    /// Answer to `ping`.
    Pong {},
    /// Something was refused. If it ends the connection, a close follows.
    Error {
        /// For programs.
        code: Code,
        /// For people.
        message: String,
    },
    /// The call is over; the last message.
    Ended(Ended),
}

/// Answer to `start`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The call's id; to be given in `start` to go on after a broken connection.
    pub call: String,
    /// Version spoken.
    pub version: u32,
    /// Goes on with a call whose connection broke?
    pub resumed: bool,
    /// Where the rep's screen is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay_url: Option<String>,
    /// The playbook in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// What the bot must say in the meeting before it sends audio, if anything; answered by `disclosed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disclosure: Option<String>,
    /// Whose consent it takes.
    #[serde(default)]
    pub consent_rule: ConsentRule,
}

/// Last message of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The call's id.
    pub call: String,
    /// Number of events in its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Cards that were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cards_shown: Option<u64>,
    /// Where the log and the transcript can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_url: Option<String>,
}

impl ServerMessage {
    /// As it goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("these types hold only strings and numbers")
    }
}

impl From<Refusal> for ServerMessage {
    fn from(refusal: Refusal) -> Self {
        Self::Error { code: refusal.code, message: refusal.message }
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
