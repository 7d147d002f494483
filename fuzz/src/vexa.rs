//! Vexa: its messages, one per line, to a transcript. The files are taken as they are instead of through their crate,
//! which would bring WebRTC into this build.
#![allow(dead_code)]

#[path = "../../bots/src/vexa/protocol.rs"]
mod protocol;
#[path = "../../bots/src/vexa/transcript.rs"]
mod transcript;

use std::{collections::BTreeSet, time::Duration};

use protocol::FromVexa;
use transcript::{Action, Transcript};

/// Lines are messages; an empty one is a second that passes.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // 2026-03-02T10:00:00Z, where the seeds are.
    let mut transcript = Transcript::new(1_772_445_600_000_000);
    let mut announced = BTreeSet::new();
    let mut now = Duration::ZERO;
    for line in text.lines() {
        let mut actions = Vec::new();
        if line.is_empty() {
            now += Duration::from_secs(1);
        } else if let Ok(FromVexa::Transcript { speaker, confirmed, pending, whole, .. }) = protocol::read(line) {
            actions = transcript.take(speaker.as_deref(), confirmed, pending, whole, now);
        }
        actions.extend(transcript.tick(now, false));
        for action in actions {
            match action {
                Action::Track { id, .. } => assert!(announced.insert(id), "track {id} is announced twice"),
                Action::Words { track, start_us, end_us, text, .. } => {
                    assert!(announced.contains(&track) && start_us <= end_us);
                    assert!(!text.chars().any(char::is_control));
                }
            }
        }
    }
    assert!(announced.len() <= transcript::MAX_TRACKS);
    let _ = protocol::Meeting::parse(&text).map(|m| protocol::chat_url("ws://h/ws", &m));
}
