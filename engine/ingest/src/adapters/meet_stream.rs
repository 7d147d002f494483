//! MeetStream: audio with its speaker in every binary message
//! (<https://docs.meetstream.ai/guides/get-started/real-time-audio-streaming>): a byte 1, then id and name, each with a
//! 16-bit little-endian length before it, then s16le mono PCM at 48 kHz. Nobody speaks: the name is `NoSpeaker`.

use reframe_audio::decode::Codec;
use serde::Deserialize;

use super::{Adapter, Facts, Step, roster::Roster};
use crate::{adapters::io::bad_message, item::Who, socket::protocol::Refusal};

const CODEC: Codec = Codec::PcmS16le { rate_hz: 48_000 };
/// The name under which silence comes.
const NOBODY: &str = "NoSpeaker";

/// One connection of a MeetStream bot.
pub struct MeetStream {
    roster: Roster,
    /// Whose audio came last.
    speaking: Option<u8>,
}

#[derive(Deserialize)]
struct Ready {
    #[serde(rename = "type")]
    kind: String,
    bot_id: Option<String>,
}

impl MeetStream {
    /// For a connection that begins now.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self { roster: Roster::new(facts), speaking: None }
    }
}

impl Adapter for MeetStream {
    fn text(&mut self, text: &str, _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        let ready: Ready = serde_json::from_str(text).map_err(bad_message)?;
        if ready.kind != "ready" || self.roster.is_open() {
            return Ok(());
        }
        let bot = ready.bot_id.filter(|id| !id.trim().is_empty()).ok_or_else(|| bad_message("`ready` names no bot"))?;
        steps.push(self.roster.open(&bot, None));
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8], now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        if !self.roster.is_open() {
            return Err(bad_message("audio before `ready`"));
        }
        let (id, name, pcm) = split(bytes)?;
        if name == NOBODY || id == NOBODY {
            // Somebody's utterance is over; the silence itself is nobody's.
            steps.extend(self.speaking.take().map(Step::Pause));
            return Ok(());
        }
        let Some((person, news)) = self.roster.person(&id, &name, Who::default(), CODEC) else { return Ok(()) };
        steps.extend(news);
        self.speaking = Some(person);
        if !pcm.is_empty() {
            steps.extend(self.roster.audio_now(&id, now_us, pcm.to_vec()));
        }
        Ok(())
    }
}

/// Id, name and samples of a binary message.
fn split(bytes: &[u8]) -> Result<(String, String, &[u8]), Refusal> {
    let short = || bad_message(format!("a binary message of {} bytes ends before its audio", bytes.len()));
    let (&kind, rest) = bytes.split_first().ok_or_else(short)?;
    if kind != 1 {
        return Err(bad_message(format!("binary messages begin with 1 (audio), not {kind}")));
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (id, rest) = field(rest).ok_or_else(short)?;
    let (name, pcm) = field(rest).ok_or_else(short)?;
    if !pcm.len().is_multiple_of(2) {
        return Err(bad_message(format!("{} bytes are not 16-bit samples", pcm.len())));
    }
    Ok((text(id), text(name), pcm))
}

/// A field with its length before it, and what follows.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_le_bytes(*length));
    (length <= rest.len()).then(|| rest.split_at(length))
}
