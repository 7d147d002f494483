//! A bot written out by hand, for tests that need every step in their own hands; and a screen beside it.

use std::{
    io::{Read, Write},
    path::Path,
};

use futures_util::{SinkExt, StreamExt};
use reframe_call::event::{Event, EventBody};
use reframe_ingest::socket::protocol::audio_message;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::support::{Served, call, open_screen};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// One side of a fixture call: 16 kHz, 16 bits.
pub fn samples(fixture: &str, file: &str) -> Vec<i16> {
    let bytes = std::fs::read(call(fixture).join(file)).unwrap();
    reframe_audio::ogg_opus::OggOpus::read(std::io::Cursor::new(bytes)).unwrap().decode(16_000).0.remove(0)
}

/// What the script of a fixture says one side says.
pub fn script(fixture: &str, who: &str) -> Vec<String> {
    let text = std::fs::read_to_string(call(fixture).join("script.toml")).unwrap();
    let script: toml::Table = text.parse().unwrap();
    let lines = script["line"].as_array().unwrap().iter();
    lines.filter(|l| l["who"].as_str() == Some(who)).map(|l| l["text"].as_str().unwrap().to_owned()).collect()
}

/// A participant as `start` announces it.
pub fn track(track: u8, name: &str, party: &str, consent: Option<&str>) -> Value {
    let consent = consent.map(|basis| json!({"basis": basis, "reference": "a test"}));
    json!({"track": track, "name": name, "party": party, "codec": "pcm_s16le", "rate_hz": 16_000, "consent": consent})
}

pub fn start(call: &str, mode: &str, tracks: &[Value]) -> Value {
    json!({"type": "start", "version": 1, "call": call, "mode": mode, "tracks": tracks})
}

/// A bot in a call.
pub struct Bot {
    pub socket: Socket,
    pub started: Value,
    sides: Vec<Vec<i16>>,
    /// Packets sent so far, of 20 ms.
    sent: usize,
}

impl Bot {
    /// Connects and says `start`. Both sides of `fixture` can then be sent as tracks 0 (rep) and 1 (buyer).
    pub async fn connect(server: &Served, token: &str, start: &Value, fixture: &str) -> Self {
        let mut request = server.ingest().into_client_request().unwrap();
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(Message::text(start.to_string())).await.unwrap();
        let started = next_text(&mut socket).await.unwrap();
        assert_eq!(started["type"], "started", "{started}");
        let sides = ["rep.opus", "buyer.opus"].map(|file| samples(fixture, file)).into();
        Self { socket, started, sides, sent: 0 }
    }

    pub async fn say(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Sends both sides, up to this part of the call.
    pub async fn send_until(&mut self, part: f64) {
        let packets = self.sides.iter().map(Vec::len).max().unwrap() / 320;
        let until = (packets as f64 * part) as usize;
        for n in self.sent..until {
            for (track, side) in (0..).zip(&self.sides) {
                let mut payload = Vec::with_capacity(640);
                for at in n * 320..(n + 1) * 320 {
                    payload.extend(side.get(at).copied().unwrap_or(0).to_le_bytes());
                }
                let message = audio_message(track, n as u16, n as u64 * 20_000, &payload);
                // A server that is killed by the test hangs up.
                if self.socket.send(Message::binary(message)).await.is_err() {
                    return;
                }
            }
        }
        self.sent = until;
    }

    /// Ends the call and waits until the server says so.
    pub async fn stop(mut self) -> Value {
        self.say(&json!({"type": "stop"})).await;
        while let Some(message) = next_text(&mut self.socket).await {
            if message["type"] == "ended" {
                return message;
            }
        }
        panic!("the server hung up without a word");
    }

    /// Where the rep's screen is.
    pub fn overlay(&self) -> String {
        self.started["overlay_url"].as_str().unwrap().to_owned()
    }
}

pub async fn next_text(socket: &mut Socket) -> Option<Value> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            return Some(serde_json::from_str(&text).unwrap());
        }
    }
    None
}

/// Opens a screen and gives all it is told until it has been quiet for a while.
pub async fn look(overlay: &str) -> String {
    let mut socket = open_screen(overlay).await;
    let mut all = String::new();
    let mut told = false;
    // The state follows the greeting at once; captions and finals follow it.
    let patience = |told: bool| std::time::Duration::from_millis(if told { 700 } else { 20_000 });
    while let Ok(Some(message)) = tokio::time::timeout(patience(told), next_text(&mut socket)).await {
        told |= message["type"] == "state";
        all += &message.to_string();
        all.push('\n');
    }
    assert!(told, "{all}");
    all
}

/// Sends an HTTP request with a bearer token; status and body.
pub fn http(server: &Served, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
    let mut socket = std::net::TcpStream::connect(&server.addr).unwrap();
    let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{authorization}{kind}Content-Length: {}\r\n\r\n",
        server.addr,
        body.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(body.as_bytes()).unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// A token made on the command line.
pub fn mint(dir: &Path, args: &[&str]) -> String {
    let output = crate::support::run(dir, &[&["token", "mint"], args].concat());
    assert!(output.status.success(), "{}", crate::support::err(&output));
    crate::support::out(&output).trim().to_owned()
}

/// What a track was heard to say, utterance by utterance.
pub fn heard(events: &[Event], track: u16) -> Vec<String> {
    let text = |e: &Event| match &e.body {
        EventBody::UtteranceEnded { track: of, text, .. } if of.0 == track && !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// Every file below a folder, except these names, as one heap of bytes each.
pub fn files(dir: &Path, except: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, except));
        } else if !except.contains(&entry.file_name().to_str().unwrap()) {
            // A file may go while we look.
            found.extend(std::fs::read(&path).map(|bytes| (path.display().to_string(), bytes)));
        }
    }
    found
}

pub fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Two words in a row, as the recogniser spells them, of each text.
pub fn pairs(texts: &[String]) -> Vec<String> {
    let mut pairs = Vec::new();
    for text in texts {
        let spelled: String =
            text.to_lowercase().chars().map(|c| if c.is_alphanumeric() || c == '\'' { c } else { ' ' }).collect();
        let words: Vec<&str> = spelled.split_whitespace().collect();
        // Short ones stand in any text.
        pairs.extend(words.windows(2).map(|pair| pair.join(" ")).filter(|pair| pair.len() >= 9));
    }
    pairs
}
