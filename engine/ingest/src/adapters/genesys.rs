//! Genesys AudioHook, version 2: JSON in text messages that both sides number, telephone audio in binary ones, the two
//! sides interleaved byte by byte (<https://developer.genesys.cloud/devapps/audiohook>).

use reframe_audio::decode::Codec;
use reframe_call::input::{SourceState, SourceStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Adapter, Facts, Step, roster::Roster};
use crate::{adapters::io::bad_message, socket::protocol::Refusal};

/// Samples per second and side.
const RATE_HZ: u64 = 8_000;
/// The conversation of a connection test: no call, and no audio follows.
const TEST_CONVERSATION: &str = "00000000-0000-0000-0000-000000000000";
/// The sides, as `channels` names them; the caller is `external`.
const SIDES: [&str; 2] = ["external", "internal"];

/// One connection of an AudioHook client.
pub struct Genesys {
    roster: Roster,
    session: Option<String>,
    /// The client's last number, and ours.
    client_seq: u64,
    server_seq: u64,
    /// Sides in the order they are interleaved; empty until the session is open.
    sides: Vec<&'static str>,
    /// Samples per side so far, paused and discarded ones included.
    position: u64,
    paused: bool,
}

#[derive(Deserialize)]
struct Message {
    version: String,
    id: String,
    #[serde(rename = "type")]
    kind: String,
    seq: u64,
    #[serde(default)]
    parameters: Value,
}

#[derive(Deserialize)]
struct Open {
    #[serde(rename = "conversationId")]
    conversation: String,
    #[serde(default)]
    participant: Participant,
    media: Vec<Media>,
}

#[derive(Default, Deserialize)]
struct Participant {
    #[serde(rename = "aniName", default)]
    name: String,
}

#[derive(Clone, Deserialize, Serialize)]
struct Media {
    #[serde(rename = "type")]
    kind: String,
    format: String,
    channels: Vec<String>,
    rate: u64,
}

impl Genesys {
    /// For a connection that begins now.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self {
            roster: Roster::new(facts),
            session: None,
            client_seq: 0,
            server_seq: 0,
            sides: Vec::new(),
            position: 0,
            paused: false,
        }
    }

    fn reply(&mut self, kind: &str, parameters: Value) -> Step {
        Step::Reply(self.spell(kind, parameters))
    }

    fn spell(&mut self, kind: &str, parameters: Value) -> String {
        self.server_seq += 1;
        json!({
            "version": "2",
            "id": self.session.as_deref().unwrap_or_default(),
            "type": kind,
            "seq": self.server_seq,
            "clientseq": self.client_seq,
            "position": iso_duration(self.position),
            "parameters": parameters,
        })
        .to_string()
    }

    fn open(&mut self, parameters: Value) -> Result<Vec<Step>, Refusal> {
        if !self.sides.is_empty() {
            return Err(bad_message("`open` came twice"));
        }
        let open: Open = serde_json::from_value(parameters).map_err(bad_message)?;
        let fits = |media: &&Media| {
            let known = media.channels.iter().all(|c| SIDES.contains(&c.as_str()));
            media.kind == "audio"
                && media.format == "PCMU"
                && media.rate == RATE_HZ
                && known
                && !media.channels.is_empty()
        };
        // Both sides if they are offered.
        let media = open.media.iter().filter(fits).max_by_key(|media| media.channels.len());
        let media = media.ok_or_else(|| bad_message("no PCMU audio at 8000 Hz is offered"))?;
        self.sides = SIDES.iter().copied().filter(|side| media.channels.iter().any(|c| c == side)).collect();
        self.sides.sort_by_key(|side| media.channels.iter().position(|c| c == side));
        let mut steps = Vec::new();
        if open.conversation != TEST_CONVERSATION {
            steps.push(self.roster.open(&open.conversation, None));
            for side in self.sides.clone() {
                let side = self.roster.side(side, "internal", &open.participant.name, Codec::Pcmu);
                steps.extend(side.and_then(|(_, news)| news));
            }
        }
        let media = json!([media]);
        steps.push(self.reply("opened", json!({"startPaused": false, "media": media})));
        Ok(steps)
    }

    fn pause(&mut self, paused: bool) -> Vec<Step> {
        if self.paused == paused || !self.roster.is_open() {
            return Vec::new();
        }
        self.paused = paused;
        let (state, detail) = match paused {
            true => (SourceState::Paused, "the telephone system paused the audio"),
            false => (SourceState::Joined, ""),
        };
        let mut steps = vec![Step::Source(SourceStatus { state, detail: detail.to_owned() })];
        if paused {
            steps.extend((0u8..).zip(&self.sides).map(|(person, _)| Step::Pause(person)));
        }
        steps
    }
}

impl Adapter for Genesys {
    fn text(&mut self, text: &str, _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        let message: Message = serde_json::from_str(text).map_err(bad_message)?;
        if message.version != "2" {
            return Err(bad_message(format!("version {:?}; version \"2\" is known here", message.version)));
        }
        if message.seq != self.client_seq + 1 {
            return Err(bad_message(format!(
                "message {} after {}: one is missing or came twice",
                message.seq, self.client_seq
            )));
        }
        match &self.session {
            None => self.session = Some(message.id.chars().filter(|c| !c.is_control()).take(64).collect()),
            Some(id) if *id != message.id => return Err(bad_message("a message of another session")),
            Some(_) => {}
        }
        self.client_seq = message.seq;
        let opened = !self.sides.is_empty();
        match message.kind.as_str() {
            "open" => steps.extend(self.open(message.parameters)?),
            _ if !opened => return Err(bad_message(format!("`{}` before `open`", message.kind))),
            "ping" => steps.push(self.reply("pong", json!({}))),
            "close" => {
                steps.push(self.reply("closed", json!({})));
                steps.extend(self.roster.is_open().then_some(Step::Stop));
            }
            "paused" => steps.extend(self.pause(true)),
            "resumed" => steps.extend(self.pause(false)),
            "discarded" => {
                // Audio the client had to throw away: time passed without it.
                let samples = message.parameters.get("discarded").and_then(Value::as_str).and_then(parse_duration);
                self.position += samples.unwrap_or(0);
            }
            "error" => tracing::warn!("the telephone system reports an error"),
            // update, dtmf, playback: nothing for us.
            _ => {}
        }
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8], _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        let sides = self.sides.len();
        if sides == 0 || !self.roster.is_open() {
            return Err(bad_message("audio before `open`"));
        }
        if bytes.is_empty() || !bytes.len().is_multiple_of(sides) {
            return Err(bad_message(format!("{} bytes are not whole samples of {sides} sides", bytes.len())));
        }
        let at_us = self.position * 1_000_000 / RATE_HZ;
        self.position += (bytes.len() / sides) as u64;
        for (nth, side) in self.sides.clone().into_iter().enumerate() {
            let own = bytes.iter().skip(nth).step_by(sides).copied().collect();
            steps.extend(self.roster.audio_at(side, at_us, own));
        }
        Ok(())
    }

    fn farewell(&mut self, why: &str) -> Option<String> {
        self.session.as_ref()?;
        let why: String = why.chars().take(120).collect();
        Some(self.spell("disconnect", json!({"reason": "completed", "info": why})))
    }
}

/// Samples as an ISO 8601 duration: `PT1.25S`.
fn iso_duration(samples: u64) -> String {
    let ms = samples * 1_000 / RATE_HZ;
    match ms % 1_000 {
        0 => format!("PT{}S", ms / 1_000),
        part => format!("PT{}.{part:03}S", ms / 1_000),
    }
}

/// Samples of an ISO 8601 duration in seconds: `PT1.25S`.
fn parse_duration(text: &str) -> Option<u64> {
    let seconds: f64 = text.strip_prefix("PT")?.strip_suffix('S')?.parse().ok()?;
    // A day of audio: more is a mistake, and would move the clock past any call.
    (0.0..=86_400.0).contains(&seconds).then_some((seconds * RATE_HZ as f64) as u64)
}
