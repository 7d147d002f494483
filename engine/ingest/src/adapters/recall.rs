//! Recall.ai: real-time WebSocket endpoints with raw audio, mixed or one per participant
//! (<https://docs.recall.ai/docs/real-time-websocket-endpoints>). Audio is s16le, 16 kHz, mono, in base64.

use reframe_audio::decode::Codec;
use serde::Deserialize;

use super::{Adapter, Facts, Step, roster::Roster};
use crate::{
    adapters::io::{bad_message, base64_audio, seconds_to_us},
    item::Who,
    socket::protocol::Refusal,
};

const CODEC: Codec = Codec::PcmS16le { rate_hz: 16_000 };
/// The id under which mixed audio goes: no participant has an empty one.
const MIXED: &str = "";

/// One connection of a Recall.ai bot.
pub struct Recall {
    roster: Roster,
}

#[derive(Deserialize)]
struct Message {
    event: String,
    #[serde(default)]
    data: Outer,
}

#[derive(Default, Deserialize)]
struct Outer {
    #[serde(default)]
    data: Inner,
    #[serde(default)]
    bot: Thing,
    #[serde(default)]
    recording: Thing,
}

#[derive(Default, Deserialize)]
struct Thing {
    #[serde(default)]
    id: String,
}

#[derive(Default, Deserialize)]
struct Inner {
    buffer: Option<String>,
    timestamp: Option<Timestamp>,
    participant: Option<Participant>,
    #[serde(default)]
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Timestamp {
    relative: f64,
}

#[derive(Deserialize)]
struct Participant {
    id: serde_json::Value,
    name: Option<String>,
    is_host: Option<bool>,
    email: Option<String>,
}

#[derive(Deserialize)]
struct Word {
    text: String,
    start_timestamp: Timestamp,
    end_timestamp: Option<Timestamp>,
}

impl Recall {
    /// For a connection that begins now.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self { roster: Roster::new(facts) }
    }

    fn participant(&mut self, participant: &Participant, steps: &mut Vec<Step>) -> Option<(String, u8)> {
        let id = participant.id.to_string();
        let who = Who { email: participant.email.clone(), host: participant.is_host, jurisdiction: None };
        let (number, news) = self.roster.person(&id, participant.name.as_deref().unwrap_or_default(), who, CODEC)?;
        steps.extend(news);
        Some((id, number))
    }

    fn words(&mut self, inner: &Inner, last: bool, steps: &mut Vec<Step>) -> Option<()> {
        let (_, person) = self.participant(inner.participant.as_ref()?, steps)?;
        let (first, end) = (inner.words.first()?, inner.words.last()?);
        let text = inner.words.iter().map(|w| w.text.trim()).collect::<Vec<_>>().join(" ");
        let start_us = seconds_to_us(first.start_timestamp.relative);
        let end_us = seconds_to_us(end.end_timestamp.as_ref().unwrap_or(&end.start_timestamp).relative).max(start_us);
        steps.push(Step::Words { person, start_us, end_us, text, last });
        Some(())
    }
}

impl Adapter for Recall {
    fn text(&mut self, text: &str, _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        let message: Message = serde_json::from_str(text).map_err(bad_message)?;
        if !self.roster.is_open() {
            let meeting = [&message.data.bot.id, &message.data.recording.id].into_iter().find(|id| !id.is_empty());
            let meeting = meeting.ok_or_else(|| bad_message("the first message names no bot and no recording"))?;
            steps.push(self.roster.open(meeting, None));
        }
        let inner = message.data.data;
        match message.event.as_str() {
            "audio_mixed_raw.data" | "audio_separate_raw.data" if !self.roster.facts().words => {
                let id = if message.event == "audio_mixed_raw.data" {
                    let (_, news) = self.roster.person(MIXED, "Meeting", Who::default(), CODEC).unwrap_or_default();
                    steps.extend(news);
                    MIXED.to_owned()
                } else {
                    let participant = inner.participant.as_ref();
                    let participant = participant.ok_or_else(|| bad_message("separate audio without a participant"))?;
                    match self.participant(participant, steps) {
                        Some((id, _)) => id,
                        None => return Ok(()),
                    }
                };
                let buffer = inner.buffer.ok_or_else(|| bad_message("audio without `buffer`"))?;
                let at = inner.timestamp.ok_or_else(|| bad_message("audio without `timestamp`"))?;
                steps.extend(self.roster.audio_at(&id, seconds_to_us(at.relative), base64_audio(&buffer)?));
            }
            "participant_events.join" | "participant_events.update" => {
                if let Some(participant) = &inner.participant {
                    self.participant(participant, steps);
                }
            }
            "participant_events.leave" => {
                steps.extend(inner.participant.and_then(|p| self.roster.leave(&p.id.to_string())));
            }
            "transcript.data" if self.roster.facts().words => {
                self.words(&inner, true, steps);
            }
            "transcript.partial_data" if self.roster.facts().words => {
                self.words(&inner, false, steps);
            }
            // Chat, screen sharing and what is still to come.
            _ => {}
        }
        Ok(())
    }

    fn binary(&mut self, _bytes: &[u8], _now_us: u64, _steps: &mut Vec<Step>) -> Result<(), Refusal> {
        Err(bad_message("Recall.ai sends text; this is binary"))
    }
}
