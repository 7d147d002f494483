//! The server under people who do not behave: bots that send too much, screens that do not read, too many at once.

#![allow(clippy::unwrap_used)]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::support::{Served, call, hello, log, open_screen, screen_of, told, wait_until};
use futures_util::{SinkExt, StreamExt};
use reframe_bots::play::{self, PlayEvent, Player};
use reframe_ingest::socket::protocol::audio_message;
use reframe_serve::wire::ServerBody;
use reframe_store::{CallState, EventLog};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

/// The whole server with its model has 80 to 110 MB resident; a flood may add its bounded queues and buffers, no more.
const MOST_RESIDENT_KB: u64 = 200_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn bot(ingest: &str, token: &str, start: &Value) -> (Socket, Value) {
    let mut request = ingest.into_client_request().unwrap();
    request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::text(start.to_string())).await.unwrap();
    let answer = loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            break serde_json::from_str(&text).unwrap();
        }
    };
    (socket, answer)
}

fn start(call: &str, mode: &str, rate_hz: u32) -> Value {
    json!({"type": "start", "version": 1, "call": call, "mode": mode, "tracks": [{
        "track": 0, "name": "Dana", "party": "buyer", "codec": "pcm_s16le", "rate_hz": rate_hz,
        "consent": {"basis": "test", "reference": ""}}]})
}

/// Sends audio messages of `bytes` as fast as they are taken until the server hangs up. Gives what the server said, the
/// close code and reason, and how many messages were sent.
async fn flood(socket: Socket, bytes: usize) -> (Vec<Value>, Option<(u16, String)>, u64) {
    let (mut sink, mut stream) = socket.split();
    let over = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&over);
    let sending = tokio::spawn(async move {
        let mut noise = 1u32;
        let payload: Vec<u8> = (0..bytes)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 26) as u8
            })
            .collect();
        let length_us = bytes as u64 / 2 * 1_000_000 / 48_000;
        let mut sent = 0u64;
        while !stop.load(Ordering::Relaxed) {
            let message = audio_message(0, sent as u16, sent * length_us, &payload);
            if sink.send(Message::binary(message)).await.is_err() {
                break;
            }
            sent += 1;
        }
        sent
    });
    let (mut said, mut closed) = (Vec::new(), None);
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(text) => said.push(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => {
                closed = frame.map(|f| (f.code.into(), f.reason.to_string()));
                break;
            }
            _ => {}
        }
    }
    over.store(true, Ordering::Relaxed);
    (said, closed, sending.await.unwrap())
}

fn a_flood_is_turned_away(bytes: usize) {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    let runtime = runtime();
    let (ingest, token) = (server.ingest(), server.token.clone());
    let flooding = runtime.spawn(async move {
        let (socket, answer) = bot(&ingest, &token, &start("flood", "live", 48_000)).await;
        assert_eq!(answer["type"], "started", "{answer}");
        flood(socket, bytes).await
    });
    let mut most_kb = 0;
    wait_until("the flood is turned away", || {
        most_kb = most_kb.max(server.resident_kb().unwrap_or(0));
        flooding.is_finished()
    });
    let (said, closed, sent) = runtime.block_on(flooding).unwrap();
    let error = said.iter().find(|m| m["type"] == "error").unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!(error["code"], "too_fast", "{error}");
    let (code, reason) = closed.expect("a close frame with a reason");
    assert!(code == 1008 && !reason.is_empty(), "{code} {reason}");
    assert!(said.iter().any(|m| m["type"] == "dropped"), "{said:?}");
    let (taken, dropped) =
        (server.metric("reframe_ingest_packets_total"), server.metric("reframe_ingest_dropped_total"));
    assert!(dropped > taken && dropped + taken <= sent, "{sent} sent, {taken} taken, {dropped} dropped");

    let player = Player::new(server.ingest()).token(&server.token).pace(play::Pace::AsFastAsTaken);
    let report = runtime.block_on(player.add(play::load(&[call("cold-call")], &[]).unwrap()).run()).unwrap();
    assert!(report.ended["cards_shown"].as_u64().unwrap() >= 3, "a call beside it goes on as ever: {report:?}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
    most_kb = most_kb.max(server.resident_kb().unwrap_or(0));
    println!("{bytes} bytes a message: {sent} sent, {taken} taken, {dropped} dropped, {most_kb} kB resident at most");
    assert!(most_kb < MOST_RESIDENT_KB, "{most_kb} kB resident");
}

#[test]
fn a_flood_of_large_messages_is_turned_away() {
    a_flood_is_turned_away(100_000);
}

#[test]
fn a_flood_of_middling_messages_is_turned_away() {
    a_flood_is_turned_away(20_000);
}

/// A recording may come as fast as it is taken: it is held back, and nothing is lost.
#[test]
fn a_recording_sent_at_once_is_held_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    let (ingest, token) = (server.ingest(), server.token.clone());
    let sending = runtime().block_on(async move {
        let (mut socket, _) = bot(&ingest, &token, &start("fast", "recorded", 48_000)).await;
        for n in 0..400u16 {
            let payload = vec![0; 96_000];
            socket.send(Message::binary(audio_message(0, n, u64::from(n) * 1_000_000, &payload))).await.unwrap();
        }
        socket.send(Message::text(json!({"type": "stop"}).to_string())).await.unwrap();
        loop {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                break serde_json::from_str::<Value>(&text).unwrap();
            }
        }
    });
    assert_eq!(sending["type"], "ended", "{sending}");
    assert_eq!(server.metric("reframe_ingest_packets_total"), 400);
    assert_eq!(server.metric("reframe_packets_displaced_total"), 0);
    let resident_kb = server.resident_kb().unwrap_or(0);
    assert!(resident_kb < MOST_RESIDENT_KB, "{resident_kb} kB resident");
}

/// A screen that says hello and then never reads. Its kernel takes as little as can be set.
async fn screen_that_never_reads(url: &str) -> WebSocketStream<TcpStream> {
    let (host, socket_url, token) = screen_of(url);
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(1).unwrap();
    let tcp = tcp.connect(host.parse().unwrap()).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(socket_url, tcp).await.unwrap();
    socket.send(hello(token)).await.unwrap();
    socket
}

#[test]
fn a_screen_that_never_reads_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    let player = Player::new(server.ingest()).token(&server.token).pace(play::Pace::AsFastAsTaken);
    let player = player.add(play::load(&[call("demo")], &[]).unwrap());
    let (report, cards) = runtime().block_on(async {
        let (tell, link) = tokio::sync::oneshot::channel();
        let mut tell = Some(tell);
        let playing = tokio::spawn(player.run_with(move |event| {
            if let (PlayEvent::Started { overlay_url, .. }, Some(tell)) = (event, tell.take()) {
                tell.send(overlay_url.unwrap()).unwrap();
            }
        }));
        let url = link.await.unwrap();
        let mut deaf = Vec::new();
        for _ in 0..4 {
            deaf.push(screen_that_never_reads(&url).await);
        }
        let mut screen = open_screen(&url).await;
        let mut cards = Vec::new();
        while let Some(body) = told(&mut screen).await {
            match body {
                ServerBody::Card(card) => cards.push(card.seq),
                // Cards shown before it joined are part of the state it gets.
                ServerBody::State(state) => cards.extend(state.card.map(|c| c.seq)),
                ServerBody::Ended(_) => break,
                _ => {}
            }
        }
        let report = playing.await.unwrap().unwrap();
        drop(deaf);
        (report, cards)
    });
    assert_eq!(cards.len() as u64, report.ended["cards_shown"].as_u64().unwrap(), "{cards:?}");
    assert!(cards.len() >= 3 && cards.is_sorted(), "{cards:?}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Ended calls stay to be looked at for a while; they must not keep new ones out.
#[test]
fn many_short_calls_after_another_are_all_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "[limits]\nmax_calls = 1\n");
    runtime().block_on(async {
        for n in 0..12 {
            let (mut socket, answer) =
                bot(&server.ingest(), &server.token, &start(&format!("short-{n}"), "recorded", 16_000)).await;
            assert_eq!(answer["type"], "started", "call {n}: {answer}");
            socket.send(Message::text(json!({"type": "stop"}).to_string())).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Text(text) = message {
                    assert!(text.contains("\"ended\""), "{text}");
                    break;
                }
            }
        }
    });
}

/// Bots that all come at the same moment are counted one by one.
#[test]
fn calls_that_come_at_once_do_not_exceed_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "[limits]\nmax_calls = 2\n");
    let (ingest, token) = (server.ingest(), server.token.clone());
    let answers = runtime().block_on(async move {
        let bots = (0..24).map(|n| {
            let (ingest, token) = (ingest.clone(), token.clone());
            tokio::spawn(async move { bot(&ingest, &token, &start(&format!("c-{n}"), "live", 16_000)).await })
        });
        let bots: Vec<_> = bots.collect();
        let mut answers = Vec::new();
        for bot in bots {
            answers.push(bot.await.unwrap());
        }
        answers
    });
    let begun = answers.iter().filter(|(_, a)| a["type"] == "started").count();
    assert_eq!(begun, 2, "{:?}", answers.iter().map(|(_, a)| a).collect::<Vec<_>>());
}

/// Whoever read its output may be gone by the time it is told to stop.
#[test]
fn it_stops_in_order_when_nobody_reads_its_output() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Served::start_unread(dir.path(), "");
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
}

/// A call that cannot end, for the disk does not take its last events, holds up the first Ctrl-C and not the second.
#[test]
fn a_second_ctrl_c_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[server]\nshutdown_deadline_s = 600\n[limits]\nlog_queue_events = 1\n";
    let mut server = Served::start(dir.path(), config);
    let runtime = runtime();
    let (ingest, token) = (server.ingest(), server.token.clone());
    let (mut socket, _) = runtime.block_on(bot(&ingest, &token, &start("held", "live", 16_000)));
    // To fill a disk would need privileges; a lock on the database keeps it from being written just as well.
    let lock = crate::support::Locked::new(&dir.path().join("reframe-data/reframe.db"));
    for _ in 0..10 {
        let consent = json!({"type": "consent", "track": 0, "consent": null}).to_string();
        runtime.block_on(socket.send(Message::text(consent))).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
    server.signal("-INT");
    wait_until("it is stopping", || server.get("/healthz").0 == 503);
    std::thread::sleep(std::time::Duration::from_millis(200));
    server.signal("-INT");
    let mut code = None;
    wait_until("the second Ctrl-C stops it", || {
        code = server.child.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(1), "{}", server.log());
    drop((lock, socket));
}

/// More calls than this server may have were left open by the run before: each of them is closed.
#[test]
fn every_call_left_open_is_closed_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Served::start(dir.path(), "[limits]\nmax_calls = 3\n");
    let (ingest, token) = (server.ingest(), server.token.clone());
    let runtime = runtime();
    let mut bots = Vec::new();
    for n in 0..3 {
        bots.push(runtime.block_on(bot(&ingest, &token, &start(&format!("open-{n}"), "live", 16_000))));
    }
    server.kill();
    drop(bots);
    let server = Served::start(dir.path(), "[limits]\nmax_calls = 1\n[server]\nresume_grace_s = 1\n");
    let log = log(dir.path());
    wait_until("they are closed", || log.calls(Some(CallState::Open), 10).unwrap().is_empty());
    assert_eq!(log.calls(Some(CallState::Failed), 10).unwrap().len(), 3, "{}", server.log());
}

/// What arrives and cannot be used is counted.
#[test]
fn packets_of_a_participant_who_left_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    runtime().block_on(async {
        let (mut socket, _) = bot(&server.ingest(), &server.token, &start("left", "recorded", 16_000)).await;
        socket.send(Message::text(json!({"type": "leave", "track": 0}).to_string())).await.unwrap();
        for n in 0..5u16 {
            let message = audio_message(0, n, u64::from(n) * 20_000, &[0; 640]);
            socket.send(Message::binary(message)).await.unwrap();
        }
        socket.send(Message::text(json!({"type": "stop"}).to_string())).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Text(_)) {
                break;
            }
        }
    });
    assert_eq!(server.metric("reframe_packets_unplaced_total"), 5);
}

#[test]
fn more_tracks_than_the_limit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "[limits]\nmax_tracks = 1\n");
    let mut two = start("two", "live", 16_000);
    let mut other = two["tracks"][0].clone();
    other["track"] = json!(1);
    two["tracks"].as_array_mut().unwrap().push(other);
    let (_, answer) = runtime().block_on(bot(&server.ingest(), &server.token, &two));
    assert!(answer["type"] == "error" && answer["message"].as_str().unwrap().contains("at most 1"), "{answer}");
}
