//! The Vexa client between a server that speaks the documented messages and the real ingest.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::support::{Host, Manner, Server, TOKEN, serve_with};
use axum::{
    Router,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use reframe_bots::{
    engine::{Consent, Opening},
    vexa::{Bot, Key, protocol::Meeting, run},
};
use reframe_call::input::SourceState;
use reframe_ingest::What;
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

const PATIENCE: Duration = Duration::from_secs(60);

// ---- the engine's ingest

fn engine() -> Server {
    serve_with(Manner { disclosure: Some("Reframe listens.".into()), cards_shown: 1 })
}

fn states(host: &Host) -> Vec<SourceState> {
    host.what().into_iter().filter_map(|w| if let What::Source(s) = w { Some(s.state) } else { None }).collect()
}

/// Track, text and whether it is final.
fn words(host: &Host) -> Vec<(u16, String, bool)> {
    let words = |w| if let What::Words(w) = w { Some((w.track.0, w.text, w.last)) } else { None };
    host.what().into_iter().filter_map(words).collect()
}

// ---- Vexa

/// What one connection does.
#[derive(Clone)]
enum Step {
    /// Says this.
    Say(Value),
    /// Waits until the engine has got so many words.
    Words(usize),
    /// Waits until the disclosure was posted.
    Chat,
    /// Closes with this code.
    Close(u16),
    /// Breaks.
    Break,
}

struct Vexa {
    key: Mutex<String>,
    connections: Mutex<VecDeque<Vec<Step>>>,
    subscribed: Mutex<Vec<Value>>,
    chat: watch::Sender<Vec<(String, Value)>>,
    host: Arc<Host>,
}

async fn vexa(host: Arc<Host>, connections: Vec<Vec<Step>>) -> (String, Arc<Vexa>) {
    let state = Arc::new(Vexa {
        key: Mutex::new("good".into()),
        connections: Mutex::new(connections.into()),
        subscribed: Mutex::default(),
        chat: watch::Sender::default(),
        host,
    });
    let app = Router::new()
        .route("/ws", get(upgrade))
        .route("/bots/{platform}/{id}/chat", post(chat))
        .with_state(Arc::clone(&state));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, state)
}

async fn chat(
    State(vexa): State<Arc<Vexa>>,
    Path((platform, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    if headers["x-api-key"] != vexa.key.lock().unwrap().as_str() {
        return StatusCode::UNAUTHORIZED;
    }
    vexa.chat.send_modify(|all| all.push((format!("{platform}/{id}"), serde_json::from_str(&body).unwrap())));
    StatusCode::ACCEPTED
}

async fn upgrade(State(vexa): State<Arc<Vexa>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let good = headers["x-api-key"] == vexa.key.lock().unwrap().as_str();
    upgrade.on_upgrade(move |socket| serve(socket, vexa, good))
}

async fn close(mut socket: WebSocket, code: u16) {
    socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await.unwrap();
    while let Some(Ok(_)) = socket.recv().await {}
}

async fn serve(mut socket: WebSocket, vexa: Arc<Vexa>, good: bool) {
    if !good {
        return close(socket, 4401).await;
    }
    let Some(Ok(Message::Text(ask))) = socket.recv().await else { panic!("it must subscribe") };
    let ask: Value = serde_json::from_str(&ask).unwrap();
    vexa.subscribed.lock().unwrap().push(ask.clone());
    let steps = vexa.connections.lock().unwrap().pop_front().unwrap_or_default();
    let ack = json!({"type": "subscribed", "meetings": ask["meetings"]});
    socket.send(Message::text(ack.to_string())).await.unwrap();
    for step in steps {
        match step {
            Step::Say(value) => socket.send(Message::text(value.to_string())).await.unwrap(),
            Step::Words(n) => wait(|| words(&vexa.host).len() >= n).await,
            Step::Chat => drop(timeout(PATIENCE, vexa.chat.subscribe().wait_for(|c| !c.is_empty())).await.unwrap()),
            Step::Close(code) => return close(socket, code).await,
            Step::Break => return,
        }
    }
    while let Some(Ok(_)) = socket.recv().await {}
}

async fn wait(mut done: impl FnMut() -> bool) {
    let all = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, all).await.expect("waited in vain");
}

fn now_us() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

fn segment(id: &str, speaker: &str, text: &str, at_ms: i64) -> Value {
    let time = |ms: i64| jiff::Timestamp::from_microsecond(now_us() + ms * 1_000).unwrap().to_string();
    json!({"segment_id": id, "speaker": speaker, "text": text, "absolute_start_time": time(at_ms),
        "absolute_end_time": time(at_ms + 900), "completed": false, "language": "en"})
}

fn transcript(speaker: &str, confirmed: &[&Value], pending: &[&Value]) -> Step {
    Step::Say(json!({"type": "transcript", "meeting": {"id": 1}, "speaker": speaker, "confirmed": confirmed,
        "pending": pending, "ts": "2026-03-02T10:00:00Z"}))
}

fn status(status: &str) -> Step {
    Step::Say(json!({"type": "meeting.status", "payload": {"status": status}}))
}

fn bot(vexa: String, engine: String, key: Key) -> Bot {
    let mut opening = Opening::new(engine);
    opening.token = Some(TOKEN.into());
    opening.call = Some("c".into());
    let mut bot = Bot::new(vexa, key, Meeting::parse("google_meet/abc-defg-hij").unwrap(), opening);
    bot.consent = Some(Consent { basis: "platform".into(), reference: "r".into() });
    bot.first_pause = Duration::from_millis(20);
    bot.last_pause = Duration::from_millis(100);
    bot
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_from_waiting_room_to_its_end_over_a_break() {
    let engine = engine();
    let (draft, long) = (segment("1", "Ann", "that is", 0), segment("1", "Ann", "That is too expensive for us.", 0));
    let other = segment("2", "Bob", "I see", 1_000);
    let (url, server) = vexa(
        Arc::clone(&engine.host),
        vec![
            vec![
                status("joining"),
                status("awaiting_admission"),
                status("active"),
                Step::Chat,
                transcript("Ann", &[], &[&draft]),
                Step::Words(1),
                transcript("Ann", &[&long], &[]),
                Step::Say(json!({"type": "novel"})),
                Step::Words(2),
                Step::Break,
            ],
            vec![
                // What it said before, once more.
                transcript("Ann", &[&long], &[]),
                transcript("Bob", &[], &[&other]),
                Step::Words(3),
                status("completed"),
            ],
        ],
    )
    .await;
    let ended =
        timeout(PATIENCE, run(bot(url, engine.url(), Key::Text("good".into())), std::future::pending(), |_| {}))
            .await
            .unwrap()
            .unwrap();
    assert_eq!(ended.cards_shown, Some(1));
    assert_eq!(
        words(&engine.host),
        [
            (0, "that is".into(), false),
            (0, "That is too expensive for us.".into(), true),
            (1, "I see".into(), false),
            // The end makes final what nobody confirmed.
            (1, "I see".into(), true),
        ]
    );
    use SourceState::{Connecting, Disconnected, Joined, Reconnecting, WaitingRoom};
    assert_eq!(states(&engine.host), [Connecting, Connecting, WaitingRoom, Joined, Reconnecting, Joined, Disconnected]);
    let all = engine.host.what();
    let tracks: Vec<_> = all
        .iter()
        .filter_map(|w| {
            if let What::Track { info, .. } = w { Some((info.name.as_str(), info.consent.is_some())) } else { None }
        })
        .collect();
    assert_eq!(tracks, [("Ann", true), ("Bob", true)]);
    assert_eq!(all.last(), Some(&What::End));
    assert!(all.iter().any(|w| matches!(w, What::Disclosed(d) if d.via == "chat" && d.text == "Reframe listens.")));
    let chat = server.chat.borrow().clone();
    assert_eq!(chat, [("google_meet/abc-defg-hij".into(), json!({"text": "Reframe listens."}))]);
    let asked = json!({"action": "subscribe", "meetings": [{"platform": "google_meet", "native_id": "abc-defg-hij"}]});
    assert_eq!(*server.subscribed.lock().unwrap(), [asked.clone(), asked]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_good_is_told_and_read_anew() {
    let engine = engine();
    let (url, server) =
        vexa(Arc::clone(&engine.host), vec![vec![status("active"), Step::Close(4401)], vec![status("failed")]]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "stale\n").unwrap();
    let running = tokio::spawn(run(bot(url, engine.url(), Key::File(file.clone())), std::future::pending(), |_| {}));
    wait(|| !engine.host.calls().is_empty() && states(&engine.host).contains(&SourceState::TokenExpired)).await;
    assert!(server.subscribed.lock().unwrap().is_empty());
    std::fs::write(&file, "good\n").unwrap();
    timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    let states = states(&engine.host);
    let expired: Vec<_> = states.iter().filter(|s| **s == SourceState::TokenExpired).collect();
    assert!(expired.len() >= 2, "at first, and when the connection is closed with 4401: {states:?}");
    assert_eq!(states.last(), Some(&SourceState::Disconnected));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_by_hand_it_ends_the_call_and_without_an_engine_it_says_so() {
    let engine = engine();
    let (url, _vexa) = vexa(Arc::clone(&engine.host), vec![]).await;
    let stop = async { wait(|| !engine.host.calls().is_empty()).await };
    timeout(PATIENCE, run(bot(url.clone(), engine.url(), Key::Text("good".into())), stop, |_| {}))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(engine.host.what().last(), Some(&What::End));
    let nowhere = bot(url, "ws://127.0.0.1:1/v1/ingest".into(), Key::Text("secret-key".into()));
    assert!(!format!("{nowhere:?}").contains("secret-key"));
    assert!(run(nowhere, std::future::pending(), |_| {}).await.is_err());
}
