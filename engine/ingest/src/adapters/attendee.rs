//! Attendee: real-time audio over a WebSocket, mixed or one per participant
//! (<https://docs.attendee.dev/guides/realtime-audio-input-and-output>). Audio is s16le mono in base64, at 8, 16 or 24 kHz.

use reframe_audio::decode::Codec;
use serde::Deserialize;

use super::{Adapter, Facts, Step, roster::Roster};
use crate::{
    adapters::io::{bad_message, base64_audio},
    item::Who,
    socket::protocol::Refusal,
};

/// The id under which mixed audio goes.
const MIXED: &str = "";

/// One connection of an Attendee bot. A bot that lost it comes back by itself, up to 30 times, every two seconds.
pub struct Attendee {
    roster: Roster,
}

#[derive(Deserialize)]
struct Message {
    bot_id: String,
    trigger: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    chunk: Option<String>,
    sample_rate: Option<u32>,
    timestamp_ms: Option<u64>,
    participant_uuid: Option<String>,
    participant_name: Option<String>,
    participant_is_host: Option<bool>,
}

impl Attendee {
    /// For a connection that begins now.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self { roster: Roster::new(facts) }
    }
}

impl Adapter for Attendee {
    fn text(&mut self, text: &str, _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        let message: Message = serde_json::from_str(text).map_err(bad_message)?;
        if !self.roster.is_open() {
            if message.bot_id.trim().is_empty() {
                return Err(bad_message("`bot_id` is empty"));
            }
            steps.push(self.roster.open(&message.bot_id, None));
        }
        let data = message.data;
        let rate_hz = data.sample_rate.or(self.roster.facts().rate_hz).unwrap_or(16_000);
        if !matches!(rate_hz, 8_000 | 16_000 | 24_000 | 48_000) {
            return Err(bad_message(format!("sample_rate {rate_hz}; 8000, 16000 and 24000 are known")));
        }
        let (id, name) = match message.trigger.as_str() {
            "realtime_audio.mixed" => (MIXED.to_owned(), "Meeting".to_owned()),
            "realtime_audio.per_participant" => {
                let id = data.participant_uuid.ok_or_else(|| bad_message("no `participant_uuid`"))?;
                (id, data.participant_name.unwrap_or_default())
            }
            _ => return Ok(()),
        };
        let who = Who { host: data.participant_is_host, ..Who::default() };
        let Some((_, news)) = self.roster.person(&id, &name, who, Codec::PcmS16le { rate_hz }) else {
            return Ok(());
        };
        steps.extend(news);
        let chunk = data.chunk.ok_or_else(|| bad_message("audio without `chunk`"))?;
        let at_ms = data.timestamp_ms.ok_or_else(|| bad_message("audio without `timestamp_ms`"))?;
        steps.extend(self.roster.audio_at(&id, at_ms.saturating_mul(1_000), base64_audio(&chunk)?));
        Ok(())
    }

    fn binary(&mut self, _bytes: &[u8], _now_us: u64, _steps: &mut Vec<Step>) -> Result<(), Refusal> {
        Err(bad_message("Attendee sends text; this is binary"))
    }
}
