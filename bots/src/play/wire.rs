//! The words of the ingest protocol as a sender needs them (see `docs/PROTOCOL.md`).

use serde_json::{Value, json};

use super::source::{Sound, Voice};

/// What goes into `start`.
pub struct Opening<'a> {
    pub call: Option<&'a str>,
    pub title: Option<&'a str>,
    pub playbook: Option<&'a str>,
    pub context: &'a [String],
    pub recorded: bool,
    pub voices: &'a [Voice],
}

/// Spells `start`.
pub fn start(opening: &Opening<'_>) -> String {
    let tracks: Vec<Value> = opening
        .voices
        .iter()
        .map(|voice| {
            let mut track = json!({
                "track": voice.track,
                "name": voice.name,
                "party": voice.party,
                "consent": voice.consent.as_ref().map(|c| json!({"basis": c.basis, "reference": c.reference})),
            });
            match &voice.sound {
                Sound::Pcm { rate_hz, .. } => {
                    track["codec"] = json!("pcm_s16le");
                    track["rate_hz"] = json!(rate_hz);
                }
                Sound::Opus(file) => {
                    track["codec"] = json!("opus");
                    track["rate_hz"] = json!(48_000);
                    track["pre_skip"] = json!(file.pre_skip);
                }
            }
            track
        })
        .collect();
    let mut start = json!({
        "type": "start",
        "version": 1,
        "mode": if opening.recorded { "recorded" } else { "live" },
        "tracks": tracks,
    });
    for (key, value) in [("call", opening.call), ("title", opening.title), ("playbook", opening.playbook)] {
        if let Some(value) = value {
            start[key] = json!(value);
        }
    }
    if !opening.context.is_empty() {
        start["context"] = json!(opening.context);
    }
    start.to_string()
}

/// What the server said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Started { call: String, overlay_url: Option<String> },
    Dropped { packets: u64, why: String },
    Ended(Value),
    Refused(String),
    Broken(String),
    Other,
}

/// Reads a message of the server; `None` if it is not JSON.
pub fn read(text: &str) -> Option<Heard> {
    let value: Value = serde_json::from_str(text).ok()?;
    let string = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(match value.get("type").and_then(Value::as_str) {
        Some("started") => Heard::Started {
            call: string("call"),
            overlay_url: value.get("overlay_url").and_then(Value::as_str).map(str::to_owned),
        },
        Some("dropped") => {
            Heard::Dropped { packets: value.get("packets").and_then(Value::as_u64).unwrap_or(0), why: string("why") }
        }
        Some("error") => Heard::Refused(string("message")),
        Some("ended") => Heard::Ended(value),
        _ => Heard::Other,
    })
}
