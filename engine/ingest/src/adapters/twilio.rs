//! Twilio Media Streams (<https://www.twilio.com/docs/voice/media-streams/websocket-messages>) and Telnyx media
//! streaming, which has the same shapes in snake_case and promises no order. Telephone audio: 8 kHz, one track each for
//! the caller (`inbound`) and our side (`outbound`).

use std::collections::BTreeMap;

use reframe_audio::decode::Codec;
use serde::Deserialize;

use super::{Adapter, Facts, Step, Vendor, roster::Roster};
use crate::{
    adapters::io::{bad_message, base64_audio},
    socket::protocol::Refusal,
};

/// Messages of a track that may wait for one that is missing. At 20 ms each that is 100 ms; what is later is lost.
const REORDER: usize = 5;

/// One connection.
pub struct Twilio {
    roster: Roster,
    codec: Codec,
    reorders: bool,
    tracks: BTreeMap<String, Order>,
    stream: Option<String>,
}

#[derive(Default)]
struct Order {
    next: Option<u64>,
    waiting: BTreeMap<u64, (u64, Vec<u8>)>,
}

#[derive(Deserialize)]
struct Message {
    event: String,
    #[serde(rename = "streamSid", alias = "stream_id")]
    stream: Option<String>,
    start: Option<Start>,
    media: Option<Media>,
}

#[derive(Deserialize)]
struct Start {
    #[serde(rename = "callSid", alias = "call_control_id")]
    call: Option<String>,
    #[serde(rename = "customParameters", alias = "custom_parameters", default)]
    parameters: BTreeMap<String, String>,
    #[serde(rename = "mediaFormat", alias = "media_format")]
    format: Option<Format>,
}

#[derive(Deserialize)]
struct Format {
    encoding: String,
    #[serde(rename = "sampleRate", alias = "sample_rate")]
    sample_rate: u32,
    channels: u32,
}

#[derive(Deserialize)]
struct Media {
    track: Option<String>,
    /// Twilio writes numbers as strings.
    chunk: serde_json::Value,
    timestamp: serde_json::Value,
    payload: String,
}

fn number(value: &serde_json::Value, what: &str) -> Result<u64, Refusal> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| bad_message(format!("`{what}` is no number")))
}

impl Twilio {
    /// For a connection that begins now, of Twilio or of Telnyx.
    #[must_use]
    pub fn new(vendor: Vendor, facts: Facts) -> Self {
        Self {
            roster: Roster::new(facts),
            codec: Codec::Pcmu,
            reorders: vendor == Vendor::Telnyx,
            tracks: BTreeMap::new(),
            stream: None,
        }
    }

    fn start(&mut self, stream: Option<String>, start: Start) -> Result<Vec<Step>, Refusal> {
        if self.roster.is_open() {
            return Err(bad_message("`start` came twice"));
        }
        if let Some(format) = &start.format {
            self.codec = match (format.encoding.to_ascii_lowercase().as_str(), format.sample_rate, format.channels) {
                ("audio/x-mulaw" | "pcmu", 8_000, 1) => Codec::Pcmu,
                ("pcma", 8_000, 1) => Codec::Pcma,
                ("l16", rate_hz @ (8_000 | 16_000 | 24_000 | 48_000), 1) => Codec::PcmS16le { rate_hz },
                (encoding, hz, channels) => {
                    let why = format!(
                        "{encoding} at {hz} Hz in {channels} channels; ask for audio/x-mulaw, PCMU, PCMA or L16, one channel"
                    );
                    return Err(bad_message(why));
                }
            };
        }
        let call = start.call.filter(|call| !call.is_empty()).or(stream.clone());
        let call = call.ok_or_else(|| bad_message("`start` names no call"))?;
        // `<Stream>` keeps no query string; `<Parameter>`s say what other vendors' addresses do.
        self.roster.learn(start.parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())))?;
        self.stream = stream;
        Ok(vec![self.roster.open(&call, start.parameters.get("token").cloned())])
    }

    fn media(&mut self, media: &Media) -> Result<Vec<Step>, Refusal> {
        if !self.roster.is_open() {
            return Err(bad_message("`media` before `start`"));
        }
        let chunk = number(&media.chunk, "chunk")?;
        let at_us = number(&media.timestamp, "timestamp")?.saturating_mul(1_000);
        let payload = base64_audio(&media.payload)?;
        let track = media.track.as_deref().unwrap_or("inbound");
        let track = track.strip_suffix("_track").unwrap_or(track);
        if track != "inbound" && track != "outbound" {
            return Err(bad_message("`track` is neither inbound nor outbound"));
        }
        // Callers are buyers unless the address says otherwise.
        let Some((_, news)) = self.roster.side(track, "outbound", "", self.codec) else { return Ok(Vec::new()) };
        let mut steps: Vec<Step> = news.into_iter().collect();
        for (at_us, payload) in self.in_order(track, chunk, at_us, payload) {
            steps.extend(self.roster.audio_at(track, at_us, payload));
        }
        Ok(steps)
    }

    /// What can go out now that this piece is here.
    fn in_order(&mut self, track: &str, chunk: u64, at_us: u64, payload: Vec<u8>) -> Vec<(u64, Vec<u8>)> {
        if !self.reorders {
            return vec![(at_us, payload)];
        }
        let order = self.tracks.entry(track.to_owned()).or_default();
        if order.next.is_some_and(|next| chunk < next) {
            // Too late, or a second time.
            return Vec::new();
        }
        order.waiting.insert(chunk, (at_us, payload));
        let mut out = Vec::new();
        while let Some((&first, _)) = order.waiting.first_key_value() {
            let is_next = order.next.is_none_or(|next| first == next);
            if !is_next && order.waiting.len() <= REORDER {
                break;
            }
            if let Some((_, piece)) = order.waiting.pop_first() {
                out.push(piece);
            }
            order.next = Some(first + 1);
        }
        out
    }
}

impl Adapter for Twilio {
    fn text(&mut self, text: &str, _now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        let message: Message = serde_json::from_str(text).map_err(bad_message)?;
        match (message.event.as_str(), message.start, message.media) {
            ("start", Some(start), _) => steps.extend(self.start(message.stream, start)?),
            ("media", _, Some(media)) => {
                if self.stream.is_some() && message.stream != self.stream {
                    return Err(bad_message("`media` of another stream than `start` named"));
                }
                steps.extend(self.media(&media)?);
            }
            ("start" | "media", ..) => return Err(bad_message(format!("`{}` without its contents", message.event))),
            ("stop", ..) => steps.push(Step::Stop),
            // connected, mark, dtmf, and what is still to come.
            _ => {}
        }
        Ok(())
    }

    fn binary(&mut self, _bytes: &[u8], _now_us: u64, _steps: &mut Vec<Step>) -> Result<(), Refusal> {
        Err(bad_message("media streams are text; this is binary"))
    }
}
