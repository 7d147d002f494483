//! The words of the ingest protocol as a bot needs them (see `docs/PROTOCOL.md`): spelling what we say, reading the
//! answers. No IO.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::script::Consent;

/// Most participants of a call, those who left included; the server takes no more.
pub const MAX_TRACKS: usize = 32;
/// Longest name, title or detail in characters; the server refuses longer ones.
pub const MAX_CHARS: usize = 200;
/// Longest text of `words`, in characters.
pub const MAX_WORDS_CHARS: usize = 4_000;
/// Longest text of `disclosed`, in characters.
pub const MAX_DISCLOSED_CHARS: usize = 2_000;

/// Whose side a participant is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// One of ours.
    Rep,
    /// One of theirs.
    Buyer,
    /// Nobody knows. The engine may find out by e-mail or name, and the rep can say.
    #[default]
    Unknown,
}

/// How a track's packets are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Signed 16-bit little-endian PCM, mono.
    PcmS16le {
        /// 8000, 16000, 24000, 44100 or 48000.
        rate_hz: u32,
    },
    /// One Opus packet each.
    Opus {
        /// Samples at 48 kHz by which the encoder delays the sound; the server takes 312 if it is not known.
        pre_skip: Option<u16>,
    },
    /// G.711 mu-law at 8 kHz.
    Pcmu,
    /// G.711 A-law at 8 kHz.
    Pcma,
    /// No audio: the participant's words come by [`words`](super::EngineCall::words).
    Text,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Number, 0 to 255: one per participant, the same one when the participant comes back.
    pub id: u8,
    /// Name to show. Control characters are taken out, and what is longer than 200 characters is cut.
    pub name: String,
    /// Whose side.
    pub party: Party,
    /// E-mail address, if the platform says it.
    pub email: Option<String>,
    /// Whether the participant hosts the meeting, if the platform says it.
    pub host: Option<bool>,
    /// Where the participant is (`US-CA`, `DE`), if the platform says it.
    pub jurisdiction: Option<String>,
    /// How its packets are coded.
    pub codec: Codec,
    /// Consent on record. Without it no audio of the participant is processed.
    pub consent: Option<Consent>,
}

impl Track {
    /// A participant of whom only the name is known.
    #[must_use]
    pub fn new(id: u8, name: impl Into<String>, codec: Codec) -> Self {
        Self {
            id,
            name: name.into(),
            party: Party::Unknown,
            email: None,
            host: None,
            jurisdiction: None,
            codec,
            consent: None,
        }
    }

    fn to_json(&self) -> Value {
        let (codec, rate_hz) = match self.codec {
            Codec::PcmS16le { rate_hz } => ("pcm_s16le", rate_hz),
            Codec::Opus { .. } => ("opus", 48_000),
            Codec::Pcmu => ("pcmu", 8_000),
            Codec::Pcma => ("pcma", 8_000),
            Codec::Text => ("text", 16_000),
        };
        let mut out = json!({
            "track": self.id,
            "name": line(&self.name),
            "party": self.party,
            "codec": codec,
            "rate_hz": rate_hz,
            "consent": consent(self.consent.as_ref()),
        });
        if let Codec::Opus { pre_skip: Some(samples) } = self.codec {
            out["pre_skip"] = json!(samples);
        }
        if let Some(email) = &self.email {
            out["email"] = json!(line(email));
        }
        if let Some(host) = self.host {
            out["host"] = json!(host);
        }
        if let Some(jurisdiction) = &self.jurisdiction {
            out["jurisdiction"] = json!(line(jurisdiction));
        }
        out
    }
}

/// How the connection to the meeting is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// On the way in.
    Connecting,
    /// Somebody must let us in.
    WaitingRoom,
    /// In the meeting; sound can come.
    Joined,
    /// The meeting or its host paused the stream.
    Paused,
    /// The platform's keep-alives stay away.
    KeepAliveLost,
    /// The connection broke; we are on the way back.
    Reconnecting,
    /// A token or a key is no longer good; somebody must renew it.
    TokenExpired,
    /// Somebody who has to agree did not.
    ConsentRefused,
    /// Out of the meeting.
    Disconnected,
}

/// Everything a bot says that is not audio. It is sent at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Joined, or its facts changed.
    Track(Track),
    /// Given or withdrawn.
    Consent { track: u8, consent: Option<Consent> },
    /// Silent until its audio goes on.
    Pause { track: u8 },
    /// Silent until then.
    Gap { track: u8, until_us: u64 },
    /// Left.
    Leave { track: u8 },
    /// How the connection to the meeting is doing.
    Status { state: SourceState, detail: String },
    /// They were told.
    Disclosed { via: String, text: String },
    /// What the platform heard.
    Words { track: u8, start_us: u64, end_us: u64, text: String, last: bool },
    /// What was received must be deleted.
    Erase { reason: String },
    /// The call is over.
    Stop,
}

impl News {
    /// As it goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = match self {
            Self::Track(track) => {
                let mut value = track.to_json();
                value["type"] = json!("track");
                value
            }
            Self::Consent { track, consent: given } => {
                json!({"type": "consent", "track": track, "consent": consent(given.as_ref())})
            }
            Self::Pause { track } => json!({"type": "pause", "track": track}),
            Self::Gap { track, until_us } => json!({"type": "gap", "track": track, "until_us": until_us}),
            Self::Leave { track } => json!({"type": "leave", "track": track}),
            Self::Status { state, detail } => json!({"type": "status", "state": state, "detail": line(detail)}),
            Self::Disclosed { via, text } => {
                json!({"type": "disclosed", "via": line(via), "text": running(text, MAX_DISCLOSED_CHARS)})
            }
            Self::Words { track, start_us, end_us, text, last } => json!({
                "type": "words", "track": track, "start_us": start_us, "end_us": (*end_us).max(*start_us),
                "text": running(text, MAX_WORDS_CHARS), "final": last,
            }),
            Self::Erase { reason } => json!({"type": "erase", "reason": line(reason)}),
            Self::Stop => json!({"type": "stop"}),
        };
        value.to_string()
    }
}

fn consent(given: Option<&Consent>) -> Value {
    given.map_or(Value::Null, |c| json!({"basis": line(&c.basis), "reference": line(&c.reference)}))
}

/// What people and platforms write must not make the server hang up: a name can hold anything.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS).collect()
}

/// As [`line`], for running text.
fn running(text: &str, most: usize) -> String {
    text.chars().map(|c| if c.is_control() && !c.is_whitespace() { ' ' } else { c }).take(most).collect()
}

/// What goes into `start`.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The call's id.
    pub call: Option<&'a str>,
    /// Its title.
    pub title: Option<&'a str>,
    /// Its playbook.
    pub playbook: Option<&'a str>,
    /// Names that may be said.
    pub context: &'a [String],
    /// A recording, or live?
    pub recorded: bool,
}

impl Start<'_> {
    /// As it goes over the wire, with the participants known so far.
    #[must_use]
    pub fn to_json<'t>(self, tracks: impl Iterator<Item = &'t Track>) -> String {
        let tracks: Vec<Value> = tracks.map(Track::to_json).collect();
        let mode = if self.recorded { "recorded" } else { "live" };
        let mut start = json!({"type": "start", "version": 1, "mode": mode, "tracks": tracks});
        for (key, value) in [
            ("call", self.call.map(str::to_owned)),
            ("title", self.title.map(line)),
            ("playbook", self.playbook.map(line)),
        ] {
            if let Some(value) = value {
                start[key] = json!(value);
            }
        }
        if !self.context.is_empty() {
            // The server takes 200 names.
            start["context"] = self.context.iter().take(200).map(|name| line(name)).collect();
        }
        start.to_string()
    }
}

/// Spells an audio message.
#[must_use]
pub fn audio(track: u8, sequence: u16, timestamp_us: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(12 + payload.len());
    out.extend([1, track]);
    out.extend(sequence.to_le_bytes());
    out.extend(timestamp_us.to_le_bytes());
    out.extend(payload);
    out
}

/// Answer to `start`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Started {
    /// The call's id.
    pub call: String,
    /// Goes on with a call whose connection broke?
    pub resumed: bool,
    /// Where the rep's screen is. It holds a token: show it to the rep, never log it.
    pub overlay_url: Option<String>,
    /// The playbook in use.
    pub playbook: Option<String>,
    /// What the bot must say in the meeting before it sends audio, if anything; answered by
    /// [`disclosed`](super::EngineCall::disclosed).
    pub disclosure: Option<String>,
    /// Whose consent it takes before anybody is listened to.
    pub consent_rule: ConsentRule,
}

/// Whose consent it takes before anybody is listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentRule {
    /// Everybody's own, for their own audio.
    EachOwn,
    /// Everybody's who is in the call. Also what a rule unknown here is taken for.
    #[default]
    #[serde(other)]
    Everyone,
}

/// The server's last message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Ended {
    /// The call's id.
    pub call: String,
    /// Events in its log, if the server says so.
    pub events: Option<u64>,
    /// Cards shown, if the server says so.
    pub cards_shown: Option<u64>,
}

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The call is open.
    Started(Started),
    /// It threw audio away.
    Dropped {
        /// How many packets.
        packets: u64,
        /// Why.
        why: String,
    },
    /// Answer to `ping`.
    Pong,
    /// It refused something and hangs up.
    Refused {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
    /// The call is over.
    Ended(Ended),
    /// Something newer than this program.
    Other,
}

/// Reads a message of the server; `None` if it is not one.
#[must_use]
pub fn read(text: &str) -> Option<Heard> {
    let value: Value = serde_json::from_str(text).ok()?;
    let string = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(match value.get("type").and_then(Value::as_str)? {
        "started" => Heard::Started(Started::deserialize(&value).ok()?),
        "dropped" => {
            Heard::Dropped { packets: value.get("packets").and_then(Value::as_u64).unwrap_or(0), why: string("why") }
        }
        "pong" => Heard::Pong,
        "error" => Heard::Refused { code: string("code"), message: string("message") },
        "ended" => Heard::Ended(Ended::deserialize(&value).ok()?),
        _ => Heard::Other,
    })
}

#[cfg(test)]
mod tests {
    use reframe_ingest::socket::protocol::{ClientMessage, parse_binary, parse_text};

    use super::*;

    fn track() -> Track {
        Track {
            email: Some("dana@x.example".into()),
            host: Some(false),
            jurisdiction: Some("DE".into()),
            party: Party::Buyer,
            consent: Some(Consent { basis: "platform".into(), reference: "m 1".into() }),
            ..Track::new(3, "Dana\u{7}", Codec::Opus { pre_skip: Some(0) })
        }
    }

    #[test]
    fn the_server_understands_all_news() {
        let odd = "a\u{0}b\n".repeat(3_000);
        for news in [
            News::Track(track()),
            News::Track(Track::new(0, odd.clone(), Codec::PcmS16le { rate_hz: 16_000 })),
            News::Track(Track::new(0, "", Codec::Pcmu)),
            News::Track(Track::new(0, "", Codec::Pcma)),
            News::Track(Track::new(0, "", Codec::Text)),
            News::Consent { track: 1, consent: track().consent },
            News::Consent { track: 1, consent: None },
            News::Pause { track: 1 },
            News::Gap { track: 1, until_us: 5 },
            News::Leave { track: 1 },
            News::Status { state: SourceState::KeepAliveLost, detail: odd.clone() },
            News::Disclosed { via: "chat".into(), text: odd.clone() },
            News::Erase { reason: odd.clone() },
            News::Words { track: 1, start_us: 9, end_us: 3, text: odd, last: true },
            News::Stop,
        ] {
            let spelt = news.to_json();
            let understood = parse_text(&spelt).unwrap_or_else(|why| panic!("{why}: {spelt}"));
            if let ClientMessage::Track(t) = understood
                && t.track == 3
            {
                assert_eq!(
                    (t.name.as_str(), t.email.as_deref(), t.host),
                    ("Dana ", Some("dana@x.example"), Some(false))
                );
                assert_eq!((t.jurisdiction.as_deref(), t.pre_skip), (Some("DE"), Some(0)));
            }
        }
    }

    #[test]
    fn the_server_understands_start_and_audio() {
        let context = vec!["Acme\u{1}".to_owned(); 300];
        let start = Start { call: Some("a"), title: Some("T\n"), playbook: None, context: &context, recorded: false };
        let ClientMessage::Start(read) = parse_text(&start.to_json([track()].iter())).unwrap() else { panic!() };
        assert_eq!((read.call.as_deref(), read.title.as_deref(), read.tracks.len()), (Some("a"), Some("T "), 1));
        let packet = parse_binary(&audio(7, 65_535, 1 << 40, b"xy")).unwrap();
        assert_eq!(
            (packet.sequence, packet.timestamp_us, packet.payload.as_slice()),
            (Some(65_535), 1 << 40, &b"xy"[..])
        );
    }

    #[test]
    fn answers_are_read() {
        let started = r#"{"type":"started","call":"c","version":1,"resumed":true,"consent_rule":"each_own","disclosure":"D","new":1}"#;
        let Some(Heard::Started(s)) = read(started) else { panic!() };
        assert_eq!(
            (s.call.as_str(), s.resumed, s.consent_rule, s.disclosure.as_deref()),
            ("c", true, ConsentRule::EachOwn, Some("D"))
        );
        let Some(Heard::Started(s)) = read(r#"{"type":"started","call":"c","consent_rule":"stricter_still"}"#) else {
            panic!()
        };
        assert_eq!(s.consent_rule, ConsentRule::Everyone);
        assert_eq!(read(r#"{"type":"pong"}"#), Some(Heard::Pong));
        assert_eq!(read(r#"{"type":"later"}"#), Some(Heard::Other));
        assert_eq!(read("no"), None);
        let Some(Heard::Refused { code, .. }) = read(r#"{"type":"error","code":"busy","message":"m"}"#) else {
            panic!()
        };
        assert_eq!(code, "busy");
    }
}
