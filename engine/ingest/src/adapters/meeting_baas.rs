//! Meeting BaaS: one mixed stream (<https://docs.meetingbaas.com/>). First a text with `protocol_version`, `bot_id` and
//! `offset`; then s16le mono PCM in binary messages, and a list of who speaks, in text, whenever that changes. The audio
//! stays one track: the list comes too late to cut words by it.

use reframe_audio::decode::Codec;
use serde::Deserialize;

use super::{Adapter, Facts, Step, roster::Roster};
use crate::{adapters::io::bad_message, item::Who, socket::protocol::Refusal};

/// The only participant: the meeting itself.
const MIXED: &str = "";

/// One connection of a Meeting BaaS bot.
pub struct MeetingBaas {
    roster: Roster,
}

#[derive(Deserialize)]
struct Hello {
    protocol_version: u32,
    bot_id: String,
}

impl MeetingBaas {
    /// For a connection that begins now.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self { roster: Roster::new(facts) }
    }
}

impl Adapter for MeetingBaas {
    fn text(&mut self, text: &str, _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        if self.roster.is_open() {
            // Who speaks, or something newer; it must at least be JSON.
            let _list: serde_json::Value = serde_json::from_str(text).map_err(bad_message)?;
            return Ok(());
        }
        let hello: Hello = serde_json::from_str(text).map_err(bad_message)?;
        if hello.protocol_version != 1 {
            let message = format!("protocol_version {}; version 1 is known here", hello.protocol_version);
            return Err(bad_message(message));
        }
        if hello.bot_id.trim().is_empty() {
            return Err(bad_message("`bot_id` is empty"));
        }
        steps.push(self.roster.open(&hello.bot_id, None));
        let rate_hz = self.roster.facts().rate_hz.unwrap_or(16_000);
        let (_, news) =
            self.roster.person(MIXED, "Meeting", Who::default(), Codec::PcmS16le { rate_hz }).unwrap_or_default();
        steps.extend(news);
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8], now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        if !self.roster.is_open() {
            return Err(bad_message("audio before the text that names the bot"));
        }
        if bytes.is_empty() || !bytes.len().is_multiple_of(2) {
            return Err(bad_message(format!("{} bytes are not 16-bit samples", bytes.len())));
        }
        steps.extend(self.roster.audio_now(MIXED, now_us, bytes.to_vec()));
        Ok(())
    }
}
