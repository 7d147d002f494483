//! The WebSocket ingest over a real socket: who may in, how much, and what a broken connection does to a call.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use reframe_ingest::{
    CallHandle, CallHost, Calls, CallsConfig, IngestItem, OneToken, What,
    socket::{
        io::{IngestConfig, IngestState, router},
        limit::LimitConfig,
        protocol::{Code, Ended, Refusal, ServerMessage, Start, Started, audio_message},
    },
};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, watch},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

struct Call {
    id: String,
    items: Mutex<Vec<IngestItem>>,
    bytes: AtomicUsize,
    room: Semaphore,
    ended: watch::Sender<bool>,
}

impl Call {
    fn take(&self, item: IngestItem) {
        self.bytes.fetch_add(item.payload_bytes(), Ordering::Relaxed);
        let end = item.what == What::End;
        self.items.lock().unwrap().push(item);
        if end {
            self.ended.send_replace(true);
        }
    }

    fn whats(&self) -> Vec<What> {
        self.items.lock().unwrap().iter().map(|i| i.what.clone()).collect()
    }

    fn packets(&self) -> usize {
        self.whats().iter().filter(|w| matches!(w, What::Packet(_))).count()
    }
}

struct Handle(Arc<Call>);

impl CallHandle for Handle {
    fn started(&self) -> Started {
        Started { call: self.0.id.clone(), ..Started::default() }
    }
    fn push(&self, item: IngestItem) -> u64 {
        self.0.take(item);
        0
    }
    fn push_when_room<'a>(&'a self, item: IngestItem) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            self.0.room.acquire().await.unwrap().forget();
            self.0.take(item);
        })
    }
    fn finished<'a>(&'a self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'a>> {
        Box::pin(async move {
            self.0.ended.subscribe().wait_for(|e| *e).await.unwrap();
            Ended { events: Some(7), ..Ended::default() }
        })
    }
}

#[derive(Default)]
struct Host {
    calls: Mutex<Vec<Arc<Call>>>,
    room: usize,
}

impl CallHost for Host {
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal> {
        if start.playbook.as_deref() == Some("none") {
            return Err(Refusal::new(Code::UnknownPlaybook, "no playbook `none`; known are: b2b-saas"));
        }
        let mut calls = self.calls.lock().unwrap();
        let call = Arc::new(Call {
            id: start.call.clone().unwrap_or_else(|| format!("call-{}", calls.len())),
            items: Mutex::default(),
            bytes: AtomicUsize::new(0),
            room: Semaphore::new(self.room),
            ended: watch::Sender::new(false),
        });
        calls.push(Arc::clone(&call));
        Ok(Box::new(Handle(call)))
    }
}

struct Server {
    url: String,
    host: Arc<Host>,
    calls: Arc<Calls>,
}

async fn serve(config: IngestConfig, room: usize) -> Server {
    serve_with(config, CallsConfig::default(), None, room).await
}

async fn serve_with(config: IngestConfig, calls: CallsConfig, token: Option<String>, room: usize) -> Server {
    let host = Arc::new(Host { room, ..Host::default() });
    let calls = Calls::new(calls, Arc::clone(&host) as Arc<dyn CallHost>);
    let state = IngestState::new(config, Arc::clone(&calls), OneToken::new(token));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1/ingest", listener.local_addr().unwrap());
    let app = router(state);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Server { url, host, calls }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &Server, headers: &[(&'static str, &str)]) -> Result<Socket, tungstenite::Error> {
    let mut request = server.url.as_str().into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    Ok(tokio_tungstenite::connect_async(request).await?.0)
}

fn start(call: &str, mode: &str) -> String {
    format!(
        r#"{{"type":"start","version":1,"call":"{call}","mode":"{mode}","tracks":[
        {{"track":0,"name":"Rae","party":"rep","codec":"pcm_s16le","rate_hz":16000,"consent":null}}]}}"#
    )
}

async fn text(socket: &mut Socket, text: &str) {
    socket.send(Message::Text(text.into())).await.unwrap();
}

/// The server's next text message; `None` when it closed.
async fn hear(socket: &mut Socket) -> Option<ServerMessage> {
    loop {
        match tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("an answer") {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

async fn begin(server: &Server, call: &str, mode: &str) -> (Socket, Started) {
    let mut socket = connect(server, &[]).await.unwrap();
    text(&mut socket, &start(call, mode)).await;
    let Some(ServerMessage::Started(started)) = hear(&mut socket).await else { panic!("no started") };
    (socket, started)
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn audio(n: u16) -> Message {
    Message::Binary(audio_message(0, n, u64::from(n) * 20_000, &[1; 640]).into())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_or_from_a_strange_page_nobody_gets_in() {
    let config = IngestConfig { allowed_origins: vec!["https://app.example".into()], ..IngestConfig::default() };
    let server = serve_with(config, CallsConfig::default(), Some("s3cret".into()), 0).await;
    for (headers, status, code) in [
        (vec![], 401, "unauthorized"),
        (vec![("authorization", "Bearer s3cre")], 401, "unauthorized"),
        (vec![("authorization", "Bearer s3cret2")], 401, "unauthorized"),
        (vec![("authorization", "Basic s3cret")], 401, "unauthorized"),
        (vec![("authorization", "Bearer s3cret"), ("origin", "https://evil.example")], 403, "origin_refused"),
    ] {
        let Err(tungstenite::Error::Http(response)) = connect(&server, &headers).await else { panic!("{headers:?}") };
        assert_eq!(response.status(), status, "{headers:?}");
        let body = String::from_utf8(response.body().clone().unwrap_or_default()).unwrap();
        assert!(body.contains(code), "{body}");
    }
    assert!(connect(&server, &[("authorization", "Bearer s3cret")]).await.is_ok());
    let page = [("authorization", "bearer s3cret"), ("origin", "https://app.example")];
    assert!(connect(&server, &page).await.is_ok());
    assert_eq!(server.calls.counters().refused.load(Ordering::Relaxed), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_start_to_end() {
    let server = serve(IngestConfig::default(), 0).await;
    let (mut socket, started) = begin(&server, "c1", "live").await;
    assert_eq!((started.call.as_str(), started.version, started.resumed), ("c1", 1, false));
    for n in 0..5 {
        socket.send(audio(n)).await.unwrap();
    }
    text(&mut socket, r#"{"type":"ping"}"#).await;
    assert_eq!(hear(&mut socket).await, Some(ServerMessage::Pong {}));
    text(&mut socket, r#"{"type":"gap","track":0,"until_us":500000}"#).await;
    text(&mut socket, r#"{"type":"consent","track":0,"consent":{"basis":"verbal"}}"#).await;
    text(
        &mut socket,
        r#"{"type":"track","track":1,"name":"Bo","party":"buyer","codec":"opus","rate_hz":48000,"consent":null}"#,
    )
    .await;
    text(&mut socket, r#"{"type":"leave","track":1}"#).await;
    text(&mut socket, r#"{"type":"stop"}"#).await;
    let Some(ServerMessage::Ended(ended)) = hear(&mut socket).await else { panic!() };
    assert_eq!((ended.call.as_str(), ended.events), ("c1", Some(7)));
    assert_eq!(hear(&mut socket).await, None);

    let call = Arc::clone(&server.host.calls.lock().unwrap()[0]);
    let kinds: Vec<&str> = call
        .whats()
        .iter()
        .map(|w| match w {
            What::Track { .. } => "track",
            What::Packet(_) => "packet",
            What::Gap { .. } => "gap",
            What::Consent { .. } => "consent",
            What::Leave { .. } => "leave",
            What::End => "end",
            _ => "other",
        })
        .collect();
    assert_eq!(
        kinds,
        ["track", "packet", "packet", "packet", "packet", "packet", "gap", "consent", "track", "leave", "end"]
    );
    assert!(call.items.lock().unwrap().is_sorted_by_key(|i| i.arrived));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_refused_in_words() {
    let server = serve(IngestConfig::default(), 0).await;
    for (first, code) in [
        (Message::Text(r#"{"type":"stop"}"#.into()), Code::OutOfOrder),
        (audio(0), Code::OutOfOrder),
        (Message::Text("hello".into()), Code::BadMessage),
        (Message::Text(r#"{"type":"start","version":9}"#.into()), Code::BadVersion),
        (
            Message::Text(r#"{"type":"start","version":1,"mode":"live","playbook":"none","tracks":[]}"#.into()),
            Code::UnknownPlaybook,
        ),
    ] {
        let mut socket = connect(&server, &[]).await.unwrap();
        socket.send(first.clone()).await.unwrap();
        let Some(ServerMessage::Error { code: got, .. }) = hear(&mut socket).await else { panic!("{first:?}") };
        assert_eq!(got, code, "{first:?}");
        assert_eq!(hear(&mut socket).await, None);
    }
    for (n, (then, code)) in [
        (Message::Text(start("again", "live").into()), Code::OutOfOrder),
        (Message::Binary(audio_message(9, 0, 0, &[0, 0]).into()), Code::UnknownTrack),
        (Message::Text(r#"{"type":"leave","track":9}"#.into()), Code::UnknownTrack),
        (Message::Binary(vec![5; 30].into()), Code::BadMessage),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut socket, _) = begin(&server, &format!("x{n}"), "live").await;
        socket.send(then.clone()).await.unwrap();
        let Some(ServerMessage::Error { code: got, .. }) = hear(&mut socket).await else { panic!("{then:?}") };
        assert_eq!(got, code, "{then:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_too_long_ends_the_connection_not_the_server() {
    let server = serve(IngestConfig::default(), 0).await;
    let (mut socket, _) = begin(&server, "long", "live").await;
    let _sent_or_not = socket.send(Message::Binary(audio_message(0, 0, 0, &vec![0; 4_000_000]).into())).await;
    while hear(&mut socket).await.is_some() {}
    assert_eq!(server.host.calls.lock().unwrap()[0].bytes.load(Ordering::Relaxed), 0);
    let (_, started) = begin(&server, "long", "live").await;
    assert!(started.resumed, "and the call can go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_dropped_counted_and_closed() {
    let limit = LimitConfig { patience: Duration::from_millis(500), ..LimitConfig::default() };
    let server = serve(IngestConfig { limit, ..IngestConfig::default() }, 0).await;
    let (socket, _) = begin(&server, "flood", "live").await;
    let (mut sink, mut stream) = socket.split();
    // As fast as loopback takes it: hundreds of MB/s.
    let flood = tokio::spawn(async move {
        let mut sent = 0usize;
        for n in 0..u16::MAX {
            let message = audio_message(0, n, u64::from(n) * 1_000_000, &[3; 100_000]);
            if sink.send(Message::Binary(message.into())).await.is_err() {
                break;
            }
            sent += 100_000;
        }
        sent
    });
    let (mut notices, mut error) = (0u64, None);
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(text) = message {
            match serde_json::from_str(&text).unwrap() {
                ServerMessage::Dropped { packets, .. } => notices += packets,
                ServerMessage::Error { code, .. } => error = Some(code),
                other => panic!("{other:?}"),
            }
        }
    }
    let sent = flood.await.unwrap();
    let taken = server.host.calls.lock().unwrap()[0].bytes.load(Ordering::Relaxed);
    println!("flood: {} MB sent, {} kB taken", sent / 1_000_000, taken / 1_000);
    assert_eq!(error, Some(Code::TooFast));
    assert!(notices > 0, "the sender was told");
    assert!(server.calls.counters().dropped.load(Ordering::Relaxed) > 10);
    assert!(sent > taken, "{sent} {taken}");
    assert!(taken < 12_000_000, "{taken} bytes were taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_held_back_and_loses_nothing() {
    let server = serve(IngestConfig::default(), 10).await;
    let (mut socket, _) = begin(&server, "rec", "recorded").await;
    let sender = tokio::spawn(async move {
        for n in 0..2_000 {
            socket.send(audio(n)).await.unwrap();
        }
        text(&mut socket, r#"{"type":"stop"}"#).await;
        hear(&mut socket).await
    });
    let call = Arc::clone(&server.host.calls.lock().unwrap()[0]);
    until("the queue fills", || call.items.lock().unwrap().len() == 10).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(call.items.lock().unwrap().len(), 10, "no more than there is room for");
    call.room.add_permits(100_000);
    assert!(matches!(sender.await.unwrap(), Some(ServerMessage::Ended(_))));
    assert_eq!(call.packets(), 2_000);
    assert_eq!(server.calls.counters().dropped.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_can_come_back() {
    let server = serve(IngestConfig::default(), 0).await;
    let (mut socket, _) = begin(&server, "c", "live").await;
    socket.send(audio(0)).await.unwrap();
    let call = Arc::clone(&server.host.calls.lock().unwrap()[0]);
    until("the packet arrives", || call.packets() == 1).await;
    drop(socket);
    let (mut socket, started) = begin(&server, "c", "live").await;
    assert!(started.resumed);
    socket.send(audio(100)).await.unwrap();
    text(&mut socket, r#"{"type":"stop"}"#).await;
    assert!(matches!(hear(&mut socket).await, Some(ServerMessage::Ended(_))));
    assert_eq!(server.host.calls.lock().unwrap().len(), 1, "one call");
    assert!(call.whats().contains(&What::Resumed));
    assert_eq!(call.packets(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_sender_stays_away_ends() {
    let calls = CallsConfig { resume_grace: Duration::from_millis(100), ..CallsConfig::default() };
    let server = serve_with(IngestConfig::default(), calls, None, 5).await;
    let (socket, _) = begin(&server, "c", "live").await;
    drop(socket);
    let call = Arc::clone(&server.host.calls.lock().unwrap()[0]);
    until("the call ends", || call.whats().last() == Some(&What::End)).await;
    assert_eq!(server.calls.counters().abandoned.load(Ordering::Relaxed), 1);
    let (_, started) = begin(&server, "c", "live").await;
    assert!(!started.resumed, "a new call now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_connection_takes_the_call_over() {
    let server = serve(IngestConfig::default(), 0).await;
    let (mut first, _) = begin(&server, "c", "live").await;
    let (mut second, started) = begin(&server, "c", "live").await;
    assert!(started.resumed);
    let Some(ServerMessage::Error { code, .. }) = hear(&mut first).await else { panic!() };
    assert_eq!(code, Code::Replaced);
    second.send(audio(1)).await.unwrap();
    let call = Arc::clone(&server.host.calls.lock().unwrap()[0]);
    until("the packet arrives", || call.packets() == 1).await;
    assert!(!call.whats().contains(&What::End));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_let_go() {
    let config = IngestConfig { start_timeout: Duration::from_millis(100), ..IngestConfig::default() };
    let server = serve(config, 0).await;
    let mut socket = connect(&server, &[]).await.unwrap();
    let Some(ServerMessage::Error { code, .. }) = hear(&mut socket).await else { panic!() };
    assert_eq!(code, Code::IdleTimeout);
}
