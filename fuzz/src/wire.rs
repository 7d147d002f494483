//! Messages of the two WebSocket protocols.

use reframe_call::event::Event;
use reframe_ingest::socket::protocol::{ClientMessage, audio_message, parse_binary, parse_text};
use reframe_serve::wire;

/// Text messages of the ingest. What is accepted must come back the same when it is spelled and read again.
pub fn ingest_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(message) = parse_text(&text) else { return };
    match &message {
        ClientMessage::Start(start) => start.tracks.iter().for_each(|t| drop(t.to_item())),
        ClientMessage::Track(track) => drop(track.to_item()),
        _ => {}
    }
    let again = serde_json::to_string(&message).expect("a message has a JSON form");
    assert_eq!(parse_text(&again).ok().as_ref(), Some(&message), "{again}");
}

/// Audio messages of the ingest.
pub fn ingest_binary(data: &[u8]) {
    let Ok(packet) = parse_binary(data) else { return };
    let sequence = packet.sequence.expect("the socket's packets are numbered");
    let track = u8::try_from(packet.track.0).expect("a track number is one byte");
    assert_eq!(audio_message(track, sequence, packet.timestamp_us, &packet.payload), data);
}

/// Messages of the overlay page; and lines of the log, which are read back from a file.
pub fn overlay(data: &[u8]) {
    if let Ok(wire::ClientMessage::Action(action)) = serde_json::from_slice(data) {
        let _ = action.to_rep();
    }
    if let Ok(event) = serde_json::from_slice::<Event>(data) {
        let line = serde_json::to_string(&event).expect("an event has a JSON form");
        let again: Event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(serde_json::to_string(&again).expect("an event has a JSON form"), line);
    }
}
