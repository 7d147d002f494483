//! Every vendor's audio socket, from its documented messages over a real WebSocket to the card: a cut of a fixture call
//! with one objection, all vendors at the same time.

#![allow(clippy::unwrap_used)]

use std::{path::Path, time::Duration};

use crate::support::{Served, call, log, wait_until};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use reframe_call::{
    audio::Party,
    event::{Event, EventBody},
};
use reframe_store::{CallId, CallState, EventLog};
use serde_json::json;
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest};

/// The cut: the buyer says "more than we pay today" in it.
const FROM_MS: usize = 13_000;
const UNTIL_MS: usize = 21_500;
const PLAY: &str = "price_too_high";
const STEP_MS: usize = 20;

/// Both sides of the cut at a rate, s16.
fn sides(rate_hz: u32) -> [Vec<i16>; 2] {
    ["rep.opus", "buyer.opus"].map(|file| {
        let bytes = std::fs::read(call("demo").join(file)).unwrap();
        let opus = reframe_audio::ogg_opus::OggOpus::read(std::io::Cursor::new(bytes)).unwrap();
        let samples = opus.decode(rate_hz).0.remove(0);
        let at = |ms: usize| ms * rate_hz as usize / 1_000;
        samples[at(FROM_MS)..at(UNTIL_MS)].to_vec()
    })
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// A sample as mu-law (ITU-T G.711): sign, exponent and four bits.
fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(32_635) + 0x84;
    let exponent = (magnitude.ilog2() - 7) as i32;
    let mantissa = magnitude >> (exponent + 3) & 0x0f;
    !(sign | (exponent << 4) | mantissa) as u8
}

/// One vendor's half of the conversation.
struct Script {
    vendor: &'static str,
    query: &'static str,
    id: &'static str,
    first: Vec<Message>,
    /// What is sent for each 20 ms.
    steps: Vec<Vec<Message>>,
    last: Option<Message>,
}

fn text(value: &serde_json::Value) -> Message {
    Message::text(value.to_string())
}

/// Cuts samples into steps of 20 ms.
fn steps(samples: &[i16], rate_hz: u32) -> Vec<&[i16]> {
    samples.chunks(rate_hz as usize * STEP_MS / 1_000).collect()
}

fn both<T>(rate_hz: u32, each: impl Fn(usize, usize, &[i16]) -> T) -> Vec<Vec<T>> {
    let sides = sides(rate_hz);
    let (rep, buyer) = (steps(&sides[0], rate_hz), steps(&sides[1], rate_hz));
    rep.iter().zip(&buyer).enumerate().map(|(n, (rep, buyer))| vec![each(n, 0, rep), each(n, 1, buyer)]).collect()
}

const NAMES: [&str; 2] = ["Rae", "Dana"];

fn recall() -> Script {
    let bot = json!({"id": "b1", "metadata": {}});
    Script {
        vendor: "recall",
        query: "rep=Rae&consent=platform",
        id: "recall-b1",
        first: vec![],
        steps: both(16_000, |n, side, samples| {
            text(&json!({"event": "audio_separate_raw.data", "data": {"bot": bot, "data": {
                "buffer": STANDARD.encode(bytes(samples)),
                "timestamp": {"relative": 5.0 + (n * STEP_MS) as f64 / 1e3, "absolute": ""},
                "participant": {"id": side, "name": NAMES[side], "is_host": side == 0, "email": null},
            }}}))
        }),
        last: None,
    }
}

fn attendee() -> Script {
    Script {
        vendor: "attendee",
        query: "consent=platform&call=att-1&title=Attendee",
        id: "att-1",
        first: vec![],
        steps: both(24_000, |n, side, samples| {
            text(&json!({"bot_id": "b2", "trigger": "realtime_audio.per_participant", "data": {
                "chunk": STANDARD.encode(bytes(samples)), "sample_rate": 24_000,
                "timestamp_ms": 1_703_123_456_789_u64 + (n * STEP_MS) as u64, "participant_uuid": format!("p{side}"),
            }}))
        }),
        last: None,
    }
}

fn meeting_baas() -> Script {
    let [rep, buyer] = sides(24_000);
    let mixed: Vec<i16> = rep.iter().zip(&buyer).map(|(a, b)| a.saturating_add(*b)).collect();
    Script {
        vendor: "meeting-baas",
        query: "consent=platform&rate_hz=24000",
        id: "meeting-baas-b3",
        first: vec![text(&json!({"protocol_version": 1, "bot_id": "b3", "offset": 0.0}))],
        steps: steps(&mixed, 24_000).into_iter().map(|s| vec![Message::binary(bytes(s))]).collect(),
        last: None,
    }
}

fn meetstream() -> Script {
    let framed = |name: &str, samples: &[i16]| {
        let mut out = vec![1];
        for field in [name, name] {
            out.extend(u16::try_from(field.len()).unwrap().to_le_bytes());
            out.extend(field.as_bytes());
        }
        out.extend(bytes(samples));
        Message::binary(out)
    };
    Script {
        vendor: "meetstream",
        query: "rep=Rae&consent=platform",
        id: "meetstream-b4",
        first: vec![text(&json!({"type": "ready", "bot_id": "b4", "message": "Ready to receive messages"}))],
        steps: both(48_000, |_, side, samples| framed(NAMES[side], samples)),
        last: None,
    }
}

fn phone(vendor: &'static str, query: &'static str, id: &'static str, start: serde_json::Value, snake: bool) -> Script {
    let stream = if snake { "stream_id" } else { "streamSid" };
    Script {
        vendor,
        query,
        id,
        first: vec![text(&json!({"event": "connected", "version": "1.0.0"})), text(&start)],
        steps: both(8_000, |n, side, samples| {
            let payload: Vec<u8> = samples.iter().map(|&s| mu_law(s)).collect();
            text(&json!({"event": "media", stream: "S1", "media": {
                "track": if side == 0 { "outbound" } else { "inbound" }, "chunk": (n + 1).to_string(),
                "timestamp": (n * STEP_MS).to_string(), "payload": STANDARD.encode(payload),
            }}))
        }),
        last: Some(text(&json!({"event": "stop", stream: "S1", "stop": {}}))),
    }
}

fn twilio(token: &str) -> Script {
    let start = json!({"event": "start", "streamSid": "S1", "start": {
        "streamSid": "S1", "callSid": "CA5", "tracks": ["inbound", "outbound"],
        "customParameters": {"token": token, "consent": "verbal", "title": "Phone"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }});
    phone("twilio", "", "twilio-CA5", start, false)
}

fn telnyx() -> Script {
    let start = json!({"event": "start", "stream_id": "S1", "start": {
        "call_control_id": "v3:x", "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    }});
    phone("telnyx", "consent=verbal", "telnyx-v3-x", start, true)
}

fn genesys() -> Script {
    let message = |kind: &str, seq: u64, parameters: serde_json::Value| {
        text(
            &json!({"version": "2", "id": "s6", "type": kind, "seq": seq, "serverseq": 0, "position": "PT0S", "parameters": parameters}),
        )
    };
    let media = json!([{"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}]);
    let open =
        json!({"organizationId": "o", "conversationId": "c6", "participant": {"aniName": "Dana"}, "media": media});
    let [rep, buyer] = sides(8_000);
    let both: Vec<u8> = buyer.iter().zip(&rep).flat_map(|(b, r)| [mu_law(*b), mu_law(*r)]).collect();
    Script {
        vendor: "genesys",
        query: "consent=platform",
        id: "genesys-c6",
        first: vec![message("open", 1, open), message("ping", 2, json!({}))],
        steps: both.chunks(2 * 8 * STEP_MS).map(|s| vec![Message::binary(s.to_vec())]).collect(),
        last: Some(message("close", 3, json!({"reason": "end"}))),
    }
}

/// Plays a script at the pace of speech, and gives what the server said.
async fn play(addr: String, token: String, script: Script) -> Vec<String> {
    let mut request =
        format!("ws://{addr}/v1/adapters/{}?{}", script.vendor, script.query).into_client_request().unwrap();
    match script.vendor {
        // Each way a token can come: in a message, in a header of its own, in the address.
        "twilio" => {}
        "genesys" => drop(request.headers_mut().insert("x-api-key", token.parse().unwrap())),
        _ => {
            let separator = if script.query.is_empty() { "" } else { "&" };
            let url = format!("ws://{addr}/v1/adapters/{}?{}{separator}token={token}", script.vendor, script.query);
            request = url.into_client_request().unwrap();
        }
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    for message in script.first {
        socket.send(message).await.unwrap();
    }
    let begun = tokio::time::Instant::now();
    for (n, messages) in script.steps.into_iter().enumerate() {
        tokio::time::sleep_until(begun + Duration::from_millis((n * STEP_MS) as u64)).await;
        for message in messages {
            socket.send(message).await.unwrap();
        }
    }
    match script.last {
        Some(last) => socket.send(last).await.unwrap(),
        None => socket
            .close(Some(tungstenite::protocol::CloseFrame { code: 1000.into(), reason: "".into() }))
            .await
            .unwrap(),
    }
    let mut heard = Vec::new();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(30), socket.next()).await {
        if let Message::Text(text) = message {
            heard.push(text.to_string());
        }
    }
    heard
}

/// The log of a call that is over.
fn finished(dir: &Path, id: &str) -> Vec<Event> {
    let id = CallId::new(id).unwrap();
    let log = log(dir);
    wait_until("the call is over", || log.call(&id).unwrap().is_some_and(|record| record.state != CallState::Open));
    log.read(&id, 0).unwrap()
}

#[test]
fn every_vendor_brings_a_call_to_its_card() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scripts = [recall(), attendee(), meeting_baas(), meetstream(), twilio(&server.token), telnyx(), genesys()];
    let ids: Vec<&str> = scripts.iter().map(|s| s.id).collect();
    let said = runtime.block_on(async {
        let all: Vec<_> = scripts
            .into_iter()
            .map(|script| tokio::spawn(play(server.addr.clone(), server.token.clone(), script)))
            .collect();
        let mut said = Vec::new();
        for one in all {
            said.push(one.await.unwrap());
        }
        said
    });
    let genesys = said.last().unwrap().concat();
    for kind in ["opened", "pong", "closed"] {
        assert!(genesys.contains(&format!("\"type\":\"{kind}\"")), "{genesys}");
    }
    for id in ids {
        let events = finished(dir.path(), id);
        let cards: Vec<&str> = events
            .iter()
            .filter_map(|e| match &e.body {
                EventBody::CardShown { card } => Some(card.play.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(cards, [PLAY], "{id}");
        let parties: Vec<Party> = events
            .iter()
            .filter_map(|e| match &e.body {
                EventBody::TrackAdded { track } => Some(track.party),
                _ => None,
            })
            .collect();
        let known = !id.starts_with("att") && !id.starts_with("meeting-baas");
        assert_eq!(parties.contains(&Party::Rep) && parties.contains(&Party::Buyer), known, "{id}: {parties:?}");
        assert!(!events.iter().any(|e| matches!(e.body, EventBody::AudioGap { .. })), "{id}: nothing was lost");
    }
    assert!(!server.log().contains(&server.token), "the token stays out of the log");
}

#[test]
fn strangers_and_rubbish_are_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for (path, status) in [
            ("recall", 401),
            ("recall?token=wrong", 401),
            ("genesys?token=wrong", 401),
            ("twilio?token=wrong", 401),
            (&format!("nobody?token={}", server.token), 404),
            (&format!("recall?token={}&colour=red", server.token), 400),
        ] {
            let url = format!("ws://{}/v1/adapters/{path}", server.addr);
            match tokio_tungstenite::connect_async(url).await {
                Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), status, "{path}"),
                other => panic!("{path}: {other:?}"),
            }
        }
        // Twilio's token comes in `start`: a wrong one opens nothing.
        let url = format!("ws://{}/v1/adapters/twilio", server.addr);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let start = json!({"event": "start", "start": {"callSid": "CA9", "customParameters": {"token": "wrong"}}});
        socket.send(text(&start)).await.unwrap();
        // The server may ask whether we are there before it answers.
        let answer = loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Ping(_) => {}
                answer => break answer.into_text().unwrap(),
            }
        };
        assert!(answer.contains("unauthorized"), "{answer}");
        // Ten messages that make no sense end a connection.
        let url = format!("ws://{}/v1/adapters/recall?token={}", server.addr, server.token);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        for _ in 0..10 {
            socket.send(Message::text("{")).await.unwrap();
        }
        while let Some(Ok(_)) = socket.next().await {}
    });
    assert_eq!(server.metric("reframe_calls_total"), 0);
}
