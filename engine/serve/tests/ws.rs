//! The screen protocol over real sockets.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use reframe_call::{
    audio::{Party, TrackId},
    card::{Card, Reason, Stages},
    event::{CardId, Event, EventBody, UtteranceId},
    input::{Coaching, RepAction},
    output::Caption,
    time::MediaTime,
};
use reframe_serve::{
    AllowedHosts, CallMeta, CallScreen, Hub, HubOptions, Metrics, ServeOptions, Token, answer_only_to, router, serve,
    wire::{ServerBody, ServerMessage, WireAction},
};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderValue},
};

const TOKEN: &str = "0123456789abcdef";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Server {
    port: u16,
    hub: Hub,
    metrics: Metrics,
    actions: Arc<Mutex<Vec<RepAction>>>,
    screen: Option<CallScreen>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start(hub_options: HubOptions, change: impl FnOnce(&mut ServeOptions)) -> Server {
    let metrics = Metrics::new();
    let hub = Hub::new(hub_options, &metrics);
    let actions = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&actions);
    let meta = CallMeta { id: "c".into(), title: "Acme".into(), token: Token::new(TOKEN) };
    let screen = hub
        .open_call(
            meta,
            Arc::new(move |action| {
                sink.lock().unwrap().push(action);
                true
            }),
        )
        .unwrap();
    let mut options = ServeOptions::new(metrics.clone());
    change(&mut options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel();
    let app = router(hub.clone(), options);
    let task = tokio::spawn(serve(listener, hub.clone(), app, async move {
        stopped.await.ok();
    }));
    Server { port, hub, metrics, actions, screen: Some(screen), stop: Some(stop), task }
}

impl Server {
    fn screen(&self) -> &CallScreen {
        self.screen.as_ref().unwrap()
    }

    async fn connect(&self) -> Socket {
        connect_async(format!("ws://127.0.0.1:{}/v1/calls/c/screen", self.port)).await.unwrap().0
    }

    async fn with_headers(&self, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
        let mut request = format!("ws://127.0.0.1:{}/v1/calls/c/screen", self.port).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        connect_async(request).await.map(|(socket, _)| socket)
    }

    async fn hello(&self, resume_from: Option<u64>) -> Socket {
        let mut socket = self.connect().await;
        let hello = serde_json::json!({"v": 1, "type": "hello", "token": TOKEN, "resume_from": resume_from});
        send(&mut socket, &hello.to_string()).await;
        assert!(matches!(body(&mut socket).await, ServerBody::HelloAck(_)));
        socket
    }
}

async fn send(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

async fn next(socket: &mut Socket) -> Option<Result<Message, Error>> {
    tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("an answer within 20 s")
}

async fn body(socket: &mut Socket) -> ServerBody {
    let text = next(socket).await.unwrap().unwrap().into_text().unwrap();
    serde_json::from_str::<ServerMessage>(text.as_str()).unwrap().body
}

/// The code of the close frame that ends this connection.
async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        match next(socket).await {
            Some(Ok(Message::Close(frame))) => return frame.unwrap().code.into(),
            Some(Ok(_)) => {}
            other => panic!("no close frame but {other:?}"),
        }
    }
}

fn shown(seq: u64) -> Event {
    let card = Card {
        id: CardId(u32::try_from(seq).unwrap()),
        play: "price".into(),
        label: "price".into(),
        title: "x".repeat(20_000),
        say: vec!["Compared with what?".into()],
        proof: None,
        ask: None,
        avoid: None,
        case_study: None,
        variant: None,
        ttl_ms: 20_000,
        priority: 1,
        reason: Reason {
            rule: "phrase".into(),
            words: Vec::new(),
            speaker: "Dana".into(),
            score: 0.9,
            phrase_start: MediaTime::ZERO,
            phrase_end: MediaTime::ZERO,
            stages: Stages::default(),
        },
    };
    Event { seq, at: MediaTime::from_ms(seq), body: EventBody::CardShown { card } }
}

#[tokio::test]
async fn a_card_goes_out_and_an_action_comes_back() {
    let server = start(HubOptions::default(), |_| {}).await;
    let mut socket = server.hello(None).await;
    assert!(
        matches!(body(&mut socket).await, ServerBody::State(state) if state.title == "Acme" && state.card.is_none())
    );
    server.screen().publish(&shown(3), None);
    assert!(matches!(body(&mut socket).await, ServerBody::Card(card) if card.seq == 3));
    send(&mut socket, r#"{"type":"action","do":"used","card":3}"#).await;
    server.screen().publish(&shown(4), None);
    assert!(matches!(body(&mut socket).await, ServerBody::Card(card) if card.seq == 4));
    while server.actions.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(*server.actions.lock().unwrap(), [RepAction::Used { card: CardId(3) }]);
    let mut again = server.hello(Some(3)).await;
    assert!(matches!(body(&mut again).await, ServerBody::Card(card) if card.seq == 4));
}

#[tokio::test]
async fn sides_modes_and_notes_reach_the_call() {
    let server = start(HubOptions::default(), |_| {}).await;
    let mut socket = server.hello(None).await;
    // As many characters as a note may have, each written in the longest way there is.
    let long = "\\ud83d\\ude00".repeat(2_000);
    for text in [
        r#"{"type":"action","do":"set_party","track":2,"party":"buyer"}"#.to_owned(),
        r#"{"type":"action","do":"coaching","to":"notes_only"}"#.to_owned(),
        r#"{"type":"action","do":"note","text":"call back Friday"}"#.to_owned(),
        format!(r#"{{"type":"action","do":"note","text":"{long}"}}"#),
        format!(r#"{{"type":"action","do":"note","text":"{long}!"}}"#),
    ] {
        send(&mut socket, &text).await;
    }
    let refused = loop {
        if let ServerBody::Refused(refused) = body(&mut socket).await {
            break refused;
        }
    };
    assert_eq!((refused.reason.as_str(), refused.act), ("too_long", Some(WireAction::Note)));
    let heard = std::mem::take(&mut *server.actions.lock().unwrap());
    assert_eq!(
        heard,
        [
            RepAction::SetParty { track: TrackId(2), party: Party::Buyer },
            RepAction::SetCoaching { coaching: Coaching::NotesOnly },
            RepAction::Note { text: "call back Friday".into() },
            RepAction::Note { text: "😀".repeat(2_000) },
        ]
    );
    send(&mut socket, r#"{"type":"action","do":"set_party","track":2}"#).await;
    assert_eq!(close_code(&mut socket).await, 4400, "an action without what it needs is no action");
}

#[tokio::test]
async fn what_was_erased_is_not_sent_again() {
    let server = start(HubOptions::default(), |_| {}).await;
    let mut socket = server.hello(None).await;
    assert!(matches!(body(&mut socket).await, ServerBody::State(_)));
    let mut event = shown(0);
    if let EventBody::CardShown { card } = &mut event.body {
        card.reason.rule = "phrase \"marmalade\"".into();
    }
    server.screen().publish(&event, None);
    assert!(matches!(body(&mut socket).await, ServerBody::Card(card) if card.reason.rule.contains("marmalade")));
    let erased = Event { seq: 1, at: MediaTime::ZERO, body: EventBody::WordsErased { track: TrackId(1) } };
    server.screen().publish(&erased, None);
    assert!(matches!(body(&mut socket).await, ServerBody::Erased(erased) if erased.track == Some(1)));
    let mut again = server.hello(None).await;
    let ServerBody::State(state) = body(&mut again).await else { panic!("no state") };
    assert_eq!(state.card.unwrap().reason.rule, "phrase \"…\"");
    let mut back = server.hello(Some(0)).await;
    assert!(matches!(body(&mut back).await, ServerBody::Erased(erased) if erased.seq == 1));
}

#[tokio::test]
async fn only_own_names_are_answered() {
    let metrics = Metrics::new();
    let hub = Hub::new(HubOptions::default(), &metrics);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = router(hub.clone(), ServeOptions::new(metrics));
    let app = answer_only_to(AllowedHosts::new(addr, ["https://reframe.example.com"]), app);
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, hub, app, async move {
        stopped.await.ok();
    }));
    for path in ["/", "/healthz", "/metrics", "/v1/calls/c/screen", "/nowhere"] {
        let answer = request(addr.port(), path, "host: rebound.example\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{path}: {answer}");
        assert!(answer.contains("server.allowed_hosts") && answer.contains("x-frame-options"), "{answer}");
        let two = request(addr.port(), path, "host: 127.0.0.1\r\nhost: rebound.example\r\n").await;
        assert!(!two.starts_with("HTTP/1.1 200"), "{path}: {two}");
    }
    for host in ["localhost", "127.0.0.1", "reframe.example.com"] {
        let answer = request(addr.port(), "/healthz", &format!("host: {host}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
}

#[tokio::test]
async fn strangers_are_sent_away_with_a_reason() {
    let server = start(HubOptions::default(), |options| options.hello_timeout = Duration::from_millis(200)).await;
    let bad = [
        (r#"{"v":1,"type":"hello","token":"0123456789abcdeX"}"#, 4401),
        (r#"{"v":1,"type":"hello","token":""}"#, 4401),
        (r#"{"v":2,"type":"hello","token":"0123456789abcdef"}"#, 4400),
        (r#"{"type":"action","do":"next"}"#, 4400),
        ("hello", 4400),
    ];
    for (text, code) in bad {
        let mut socket = server.connect().await;
        send(&mut socket, text).await;
        assert_eq!(close_code(&mut socket).await, code, "{text}");
    }
    let mut socket = server.connect().await;
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1003);
    let mut silent = server.connect().await;
    assert_eq!(close_code(&mut silent).await, 4408);
    let mut request = format!("ws://127.0.0.1:{}/v1/calls/other/screen", server.port);
    request.push_str("?x=1");
    let mut other = connect_async(request).await.unwrap().0;
    send(&mut other, &format!(r#"{{"v":1,"type":"hello","token":"{TOKEN}"}}"#)).await;
    assert_eq!(close_code(&mut other).await, 4401, "an unknown call looks like a wrong token");
    assert_eq!(server.hub.clients(), 0);
    assert!(server.metrics.render().contains("reframe_screen_clients_refused_total{reason=\"token\"} 3\n"));
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let server =
        start(HubOptions::default(), |options| options.allowed_origins.push("https://crm.example".into())).await;
    let own = format!("http://127.0.0.1:{}", server.port);
    for origin in [own.as_str(), "https://crm.example"] {
        assert!(server.with_headers(&[("origin", origin)]).await.is_ok(), "{origin}");
    }
    for headers in [[("origin", "https://evil.example")], [("origin", "null")], [("sec-fetch-site", "cross-site")]] {
        match server.with_headers(&headers).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403),
            other => panic!("{headers:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn too_big_and_too_many_messages_end_the_session() {
    let server = start(HubOptions::default(), |_| {}).await;
    let mut socket = server.hello(None).await;
    send(&mut socket, &" ".repeat(32 * 1024 + 1)).await;
    assert_eq!(close_code(&mut socket).await, 1009);

    let mut socket = server.hello(None).await;
    for _ in 0..30 {
        send(&mut socket, r#"{"type":"action","do":"next"}"#).await;
    }
    let refused = loop {
        if let ServerBody::Refused(refused) = body(&mut socket).await {
            break refused;
        }
    };
    assert_eq!(refused.reason, "too_fast");
    let heard = server.actions.lock().unwrap().len();
    assert!((20..30).contains(&heard), "{heard} of 30 at once");
    for _ in 0..200 {
        if socket.send(Message::text(r#"{"type":"action","do":"next"}"#)).await.is_err() {
            break;
        }
    }
    assert_eq!(close_code(&mut socket).await, 4429);
    let mut fresh = server.hello(None).await;
    assert!(matches!(body(&mut fresh).await, ServerBody::State(_)), "others are not affected");
}

#[tokio::test]
async fn a_client_that_stops_reading_gets_the_state_and_holds_up_nobody() {
    let server = start(HubOptions::default(), |_| {}).await;
    let mut slow = server.hello(None).await;
    assert!(matches!(body(&mut slow).await, ServerBody::State(_)));
    // 20 kB each, 20 MB in all: far more than the kernel's buffers of a loopback connection take in.
    for seq in 0..1_000 {
        server.screen().publish(&shown(seq), None);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut quick = server.hello(Some(998)).await;
    assert!(matches!(body(&mut quick).await, ServerBody::Card(card) if card.seq == 999));
    let (mut expected, mut states) = (0, 0);
    while expected < 1_000 {
        match body(&mut slow).await {
            ServerBody::Card(card) => {
                assert_eq!(card.seq, expected, "what does come is in order and without a hole");
                expected += 1;
            }
            ServerBody::State(state) => {
                states += 1;
                let missed = state.missed.unwrap();
                assert_eq!(missed.from_seq, expected, "what is missing is named");
                assert_eq!(state.card.unwrap().seq, missed.to_seq);
                expected = missed.to_seq + 1;
            }
            ServerBody::Ping { .. } | ServerBody::Status(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(states > 0, "it did not fall behind, so this test shows nothing");
    assert!(server.metrics.render().contains(&format!("reframe_screen_resyncs_total {states}\n")));
    server.screen().publish(&shown(1_000), None);
    loop {
        match body(&mut slow).await {
            ServerBody::Card(card) => break assert_eq!(card.seq, 1_000, "and then it goes on"),
            ServerBody::Ping { .. } | ServerBody::Status(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn captions_are_thinned_and_the_last_one_arrives() {
    let server = start(HubOptions::default(), |options| options.caption_gap = Duration::from_millis(100)).await;
    let mut socket = server.hello(None).await;
    assert!(matches!(body(&mut socket).await, ServerBody::State(_)));
    for n in 0..=500 {
        let committed = n.to_string();
        server.screen().caption(&Caption {
            track: TrackId(0),
            utterance: UtteranceId(0),
            committed,
            tail: String::new(),
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut got = 0;
    loop {
        if let ServerBody::Caption(caption) = body(&mut socket).await {
            got += 1;
            if caption.committed == "500" {
                break;
            }
        }
    }
    // 500 captions take 500 ms or more; at most one in 100 ms, and a slow machine only makes the gaps longer.
    assert!(got < 250, "{got} captions of 501 were sent");
}

#[tokio::test]
async fn silent_clients_are_pinged_and_then_given_up() {
    let hub_options = HubOptions { ping: Duration::from_millis(50), ..HubOptions::default() };
    let server = start(hub_options, |options| options.idle_timeout = Duration::from_millis(400)).await;
    let mut socket = server.hello(None).await;
    let mut pings = 0;
    // Answers the first pings, then goes silent; the server must keep it as long as it answers.
    loop {
        match next(&mut socket).await {
            Some(Ok(Message::Text(text))) => {
                if let ServerBody::Ping { n } = serde_json::from_str::<ServerMessage>(text.as_str()).unwrap().body {
                    pings += 1;
                    if pings <= 12 {
                        send(&mut socket, &format!(r#"{{"type":"pong","n":{n}}}"#)).await;
                    }
                }
            }
            Some(Ok(_)) => {}
            None | Some(Err(_)) => break,
        }
    }
    assert!(pings > 12, "given up after {pings} pings although it answered");
    assert!(server.metrics.render().contains("reframe_screen_clients_lost_total 1\n"));
}

#[tokio::test]
async fn many_screens_get_every_card_and_one_too_many_is_told() {
    let server = start(HubOptions::default(), |_| {}).await;
    let mut sockets = Vec::new();
    for _ in 0..16 {
        sockets.push(server.hello(None).await);
    }
    let mut one_more = server.connect().await;
    send(&mut one_more, &format!(r#"{{"v":1,"type":"hello","token":"{TOKEN}"}}"#)).await;
    assert_eq!(close_code(&mut one_more).await, 4429);
    for seq in 0..20 {
        server.screen().publish(&shown(seq), None);
    }
    for socket in &mut sockets {
        let mut seqs = Vec::new();
        while seqs.last() != Some(&19) {
            match body(socket).await {
                // A screen that joined late finds the card in its state.
                ServerBody::State(state) => seqs.extend(state.card.map(|card| card.seq)),
                ServerBody::Card(card) => seqs.push(card.seq),
                _ => {}
            }
        }
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
    }
}

#[tokio::test]
async fn shutdown_tells_the_screens_and_health_says_so() {
    let mut server = start(HubOptions::default(), |_| {}).await;
    let mut socket = server.hello(None).await;
    assert!(get(server.port, "/healthz").await.starts_with("HTTP/1.1 200"));
    server.hub.begin_shutdown();
    let answer = get(server.port, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("shutting_down"), "{answer}");
    server.stop.take().unwrap().send(()).unwrap();
    assert_eq!(close_code(&mut socket).await, 1001);
    drop(socket);
    tokio::time::timeout(Duration::from_secs(20), server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_ended_call_is_put_away() {
    let options = HubOptions { linger: Duration::from_millis(100), ..HubOptions::default() };
    let mut server = start(options, |_| {}).await;
    let mut socket = server.hello(None).await;
    server.screen.take().unwrap().close();
    assert!(matches!(body(&mut socket).await, ServerBody::State(_) | ServerBody::Ended(_)));
    assert_eq!(close_code(&mut socket).await, 4410);
    assert_eq!(server.hub.calls(), 0);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = start(HubOptions::default(), |_| {}).await;
    for path in [
        "/",
        "/overlay",
        "/assets/overlay.js",
        "/assets/overlay.css",
        "/assets/nothing",
        "/healthz",
        "/metrics",
        "/nowhere",
    ] {
        let answer = get(server.port, path).await.to_ascii_lowercase();
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(answer.contains(header), "{path} lacks {header}: {answer}");
        }
        assert!(!answer.contains("unsafe-inline") && !answer.contains("unsafe-eval"));
    }
    let page = get(server.port, "/overlay").await;
    assert!(page.contains("text/html") && page.contains("<title>Reframe</title>"));
    assert!(get(server.port, "/metrics").await.contains("reframe_screen_calls 1\n"));
    assert!(get(server.port, "/assets/..%2fsrc%2flib.rs").await.starts_with("HTTP/1.1 404"));
}

async fn get(port: u16, path: &str) -> String {
    request(port, path, &format!("host: 127.0.0.1:{port}\r\n")).await
}

async fn request(port: u16, path: &str, headers: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
