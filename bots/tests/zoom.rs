//! The Zoom bot between a simulated Zoom and the real ingest: whole meetings, and everything that may go wrong in one.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, OnceLock, atomic::Ordering},
    time::Duration,
};

use crate::support::{Server, TOKEN, serve, until};
use hmac::{Hmac, Mac as _};
use reframe_bots::{
    engine::Opening,
    play::{Call, Sound, Voice},
    sim::zoom::{Chaos, Credentials, Meeting, Report},
    zoom::{
        exchange::{Settings, Timing},
        io::{self as bot, Config},
        protocol::AudioParameters,
        sign::Secret,
        webhook::WebhookCounters,
    },
};
use reframe_call::{
    audio::Party,
    input::{Input, SourceState},
};
use reframe_ingest::What;
use sha2::Sha256;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

const PATIENCE: Duration = Duration::from_secs(90);
const CLIENT_SECRET: &str = "client-secret-5d1f";
const WEBHOOK_SECRET: &str = "webhook-secret-77ab";
/// How many times faster than the world people talk. The ingest takes 4.
const SPEED: f64 = 2.0;
/// Length of the meeting, in 20 ms.
const FRAMES: usize = 200;

/// Everything the program writes to its log in all of these tests.
fn log() -> &'static Arc<Mutex<Vec<u8>>> {
    static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    struct Writer(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    LOG.get_or_init(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        tracing_subscriber::fmt()
            .with_env_filter("trace")
            .with_ansi(false)
            .with_writer(move || Writer(Arc::clone(&kept)))
            .init();
        log
    })
}

/// Two people with a level each: easy to tell apart.
fn call() -> Call {
    let voice = |track: u8, name: &str, level: i16| Voice {
        track,
        name: name.into(),
        party: "buyer".into(),
        consent: None,
        sound: Sound::Pcm { rate_hz: 16_000, samples: vec![level; FRAMES * 320] },
    };
    Call { voices: vec![voice(0, "Ann", 1_000), voice(1, "Bob", 2_000)], script: None, warnings: Vec::new() }
}

fn meeting(bot: &Bot) -> Meeting {
    Meeting::new(call(), Credentials::new("client", CLIENT_SECRET, WEBHOOK_SECRET))
        .webhook(bot.webhook.clone())
        .speed(SPEED)
}

struct Bot {
    webhook: String,
    counters: Arc<WebhookCounters>,
    task: JoinHandle<()>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn audio() -> AudioParameters {
    AudioParameters { content_type: 2, sample_rate: 1, channel: 1, codec: 1, data_opt: 2, send_rate: 20 }
}

fn settings() -> Settings {
    Settings {
        client_id: "client".into(),
        client_secret: Secret::new(CLIENT_SECRET),
        audio: Some(audio()),
        transcript: false,
        platform_consent: true,
        timing: Timing { backoff_first: Duration::from_millis(200), ..Timing::default() },
    }
}

async fn bot(server: &Server, settings: Settings) -> Bot {
    log();
    let mut engine = Opening::new(server.url());
    engine.token = Some(TOKEN.into());
    let config = Config {
        webhook_secret: Secret::new(WEBHOOK_SECRET),
        settings,
        engine,
        max_meetings: 4,
        disclosed_by_host: true,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = format!("http://{}/", listener.local_addr().unwrap());
    let counters = Arc::new(WebhookCounters::default());
    let task = tokio::spawn({
        let counters = Arc::clone(&counters);
        async move { bot::run(listener, config, counters).await.unwrap() }
    });
    Bot { webhook, counters, task }
}

/// What arrived in the engine.
struct Arrived {
    what: Vec<What>,
    /// Frames by name, and how many of them hold that person's level and nothing else.
    frames: BTreeMap<String, (usize, usize)>,
    late: u64,
}

impl Arrived {
    fn statuses(&self) -> Vec<SourceState> {
        self.what.iter().filter_map(|w| if let What::Source(s) = w { Some(s.state) } else { None }).collect()
    }

    /// The state was told, and later another one.
    fn told(&self, first: SourceState, then: SourceState) -> bool {
        let all = self.statuses();
        all.iter().position(|s| *s == first).is_some_and(|at| all[at..].contains(&then))
    }

    fn last_detail(&self) -> String {
        let detail = |w: &What| if let What::Source(s) = w { Some(s.detail.clone()) } else { None };
        self.what.iter().rev().find_map(detail).unwrap_or_default()
    }

    fn frames(&self, name: &str) -> (usize, usize) {
        self.frames.get(name).copied().unwrap_or_default()
    }
}

fn arrived(server: &Server) -> Arrived {
    let call = server.host.last();
    let (inputs, assembler) = call.inputs();
    let levels = BTreeMap::from([("Ann", 1_000.0 / 32_768.0), ("Bob", 2_000.0 / 32_768.0)]);
    let (mut names, mut frames) = (BTreeMap::new(), BTreeMap::new());
    for input in inputs {
        match input {
            Input::TrackAdded(info) => {
                names.insert(info.id, info.name);
            }
            Input::Audio(frame) => {
                let name = names[&frame.track].clone();
                let level = levels.get(name.as_str()).copied().unwrap_or(0.0);
                let own = frame.samples.iter().all(|s| (s - level).abs() < 0.001);
                let (all, right) = frames.entry(name).or_insert((0, 0));
                *all += 1;
                *right += usize::from(own);
            }
            _ => {}
        }
    }
    let late = assembler.track_counters().values().map(|c| c.late + c.duplicate).sum();
    Arrived { what: call.what(), frames, late }
}

/// Lets a meeting run to its end, and gives what Zoom saw and what the engine got.
async fn whole(server: &Server, meeting: Meeting) -> (Report, Arrived) {
    let running = meeting.start().await.unwrap();
    let report = timeout(PATIENCE, running.finished()).await.unwrap();
    until("the call ended", || server.host.calls().last()?.what().contains(&What::End).then_some(())).await;
    (report, arrived(server))
}

/// Both were heard for most of the meeting, and nobody was taken for somebody else. Fades at holes are not their level.
fn heard_well(arrived: &Arrived, least: usize) {
    for name in ["Ann", "Bob"] {
        let (all, right) = arrived.frames(name);
        // What is not their level is the silence that the engine puts after the last sound, a second at most for each end.
        assert!(right >= least && right <= FRAMES && all <= FRAMES + 110, "{name}: {right} of {all}");
    }
    assert!(arrived.frames("Meeting") == (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_heard_at_any_send_rate() {
    for send_rate in [20, 100, 1_000] {
        let server = serve();
        let bot = bot(&server, Settings { audio: Some(AudioParameters { send_rate, ..audio() }), ..settings() }).await;
        let (report, arrived) = whole(&server, meeting(&bot)).await;
        assert_eq!((report.signatures_ok, report.signatures_bad, report.ready, report.odd_messages), (2, 0, 1, 0));
        assert_eq!(report.url_validated, Some(true));
        assert_eq!(report.subscriptions, BTreeMap::from([(2, true), (3, true), (4, true)]));
        heard_well(&arrived, FRAMES - 2);
        assert_eq!(arrived.late, 0);
        let statuses = arrived.statuses();
        // Zoom closes the sockets and tells the stop by webhook, and the closing may be seen first.
        let (last, before) = statuses.split_last().unwrap();
        let before = before.strip_suffix(&[SourceState::Reconnecting]).unwrap_or(before);
        assert_eq!(before, [SourceState::Connecting, SourceState::Joined], "{send_rate}");
        assert_eq!(*last, SourceState::Disconnected, "{send_rate}");
        assert_eq!(arrived.last_detail(), "the meeting is over");
        assert!(
            arrived.what.iter().any(|w| matches!(w, What::Disclosed(d) if d.via == "host" && d.text == "we listen"))
        );
        for what in &arrived.what {
            if let What::Track { info, .. } = what {
                assert_eq!((info.party, info.consent.as_ref().unwrap().basis.as_str()), (Party::Unknown, "platform"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_duplicate_forged_and_wrapped_webhooks_make_one_call() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let chaos = Chaos {
        late_webhook_ms: 700,
        duplicate_webhooks: true,
        forged_webhooks: true,
        wrapped_payload: true,
        ..Chaos::default()
    };
    let (report, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
    heard_well(&arrived, FRAMES - 2);
    assert_eq!(server.host.calls().len(), 1);
    assert_eq!((report.signalling.len(), report.pushed_out), (1, 0));
    assert_eq!(bot.counters.unsigned.load(Ordering::Relaxed), 2);
    for webhook in &report.webhooks {
        let refused = matches!(webhook.kind, "wrong signature" | "old");
        assert_eq!(webhook.status, Some(if refused { 401 } else { 200 }), "{webhook:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_out_of_order_and_slow_media_cost_nothing() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let chaos = Chaos { seed: 7, reorder_percent: 20.0, slow_media_ms: 60, ..Chaos::default() };
    let (report, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
    assert!(report.reordered > 10, "{}", report.reordered);
    assert_eq!(arrived.late, 0);
    heard_well(&arrived, FRAMES - 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_audio_is_one_track_of_nobody_in_particular() {
    let server = serve();
    let bot = bot(&server, Settings { audio: Some(AudioParameters { data_opt: 1, ..audio() }), ..settings() }).await;
    let (_, arrived) = whole(&server, meeting(&bot)).await;
    assert!(arrived.frames("Meeting").0 >= FRAMES - 2, "{:?}", arrived.frames);
    assert_eq!((arrived.frames("Ann"), arrived.frames("Bob")), ((0, 0), (0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_heard_while_the_host_pauses() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let chaos = Chaos { pause: Some((1.0, 3.0)), ..Chaos::default() };
    let (_, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
    assert!(arrived.told(SourceState::Paused, SourceState::Joined), "{:?}", arrived.statuses());
    assert!(arrived.what.iter().any(|w| matches!(w, What::Pause { .. })));
    let (all, right) = arrived.frames("Ann");
    assert!((80..=130).contains(&right), "{right} of {all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_takes_over() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let chaos = Chaos { failover_at: Some(1.0), duplicate_webhooks: true, ..Chaos::default() };
    let (report, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
    let servers: Vec<usize> = report.signalling.iter().filter(|s| s.status == 0).map(|s| s.server).collect();
    assert_eq!(servers, [0, 1], "{:#?}", report.lines);
    assert!(arrived.told(SourceState::Reconnecting, SourceState::Joined));
    assert_eq!(server.host.calls().len(), 1);
    heard_well(&arrived, FRAMES / 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_are_mended() {
    let cases =
        [Chaos { drop_media_at: Some(1.0), ..Chaos::default() }, Chaos { interrupt_at: Some(1.0), ..Chaos::default() }];
    for chaos in cases {
        let server = serve();
        let bot = bot(&server, settings()).await;
        let only_media = chaos.drop_media_at.is_some();
        let (report, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
        assert!(arrived.told(SourceState::Reconnecting, SourceState::Joined), "{:?}", arrived.statuses());
        assert_eq!((report.signalling.len(), report.media.len()), (if only_media { 1 } else { 2 }, 2));
        heard_well(&arrived, FRAMES / 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_keep_alives_are_told_and_mended() {
    let server = serve();
    let timing = Timing { keep_alive: Duration::from_secs(3), ..settings().timing };
    let bot = bot(&server, Settings { timing, ..settings() }).await;
    let mut long = call();
    for voice in &mut long.voices {
        if let Sound::Pcm { samples, .. } = &mut voice.sound {
            let level = samples[0];
            samples.resize(5 * FRAMES * 320, level);
        }
    }
    let meeting = Meeting::new(long, Credentials::new("client", CLIENT_SECRET, WEBHOOK_SECRET))
        .webhook(bot.webhook.clone())
        .speed(SPEED)
        .keep_alive(Duration::from_millis(500))
        .chaos(Chaos { miss_keep_alives_at: Some(1.0), ..Chaos::default() });
    let (report, arrived) = whole(&server, meeting).await;
    assert!(arrived.told(SourceState::KeepAliveLost, SourceState::Joined), "{:?}", arrived.statuses());
    assert!(report.keep_alives_answered > 0);
    assert!(arrived.frames("Ann").1 > FRAMES, "{:?}", arrived.frames);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_stream_is_erased() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let chaos = Chaos { revoke_at: Some(1.5), ..Chaos::default() };
    let (_, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
    let erased = arrived.what.iter().position(|w| matches!(w, What::Erase { .. })).unwrap();
    let after = &arrived.what[erased..];
    assert!(!after.iter().any(|w| matches!(w, What::Packet(_) | What::Words(_))), "{after:?}");
    assert!(arrived.last_detail().contains("deleted"), "{}", arrived.last_detail());
    let log = String::from_utf8_lossy(&log().lock().unwrap()).into_owned();
    assert!(log.contains("ordered to be deleted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_and_go() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let chaos = Chaos { leave_at: vec![("Ann".into(), 2.0)], join_at: vec![("Bob".into(), 1.0)], ..Chaos::default() };
    let (_, arrived) = whole(&server, meeting(&bot).chaos(chaos)).await;
    assert!(arrived.what.iter().any(|w| matches!(w, What::Leave { .. })));
    let (ann, bob) = (arrived.frames("Ann").1, arrived.frames("Bob").1);
    assert!((90..=115).contains(&ann) && (135..=155).contains(&bob), "{ann} {bob}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_and_not_tried_again() {
    let server = serve();
    let timing = Timing { restart: Duration::from_secs(1), ..settings().timing };
    let bot = bot(&server, Settings { client_secret: Secret::new("other"), timing, ..settings() }).await;
    let running = meeting(&bot).start().await.unwrap();
    until("the call ended", || server.host.calls().last()?.what().contains(&What::End).then_some(())).await;
    let arrived = arrived(&server);
    assert!(arrived.told(SourceState::TokenExpired, SourceState::Disconnected), "{:?}", arrived.statuses());
    assert_eq!(running.report().signatures_bad, 1);
}

fn sign(timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("v0={hex}")
}

/// Posts a webhook, and gives the status and the body of the answer.
async fn post(url: &str, body: Vec<u8>, headers: Vec<(&'static str, String)>) -> (u16, String) {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.post(&url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send(&body[..]) {
            Ok(mut answer) => (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default()),
            Err(error) => (0, error.to_string()),
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_are_not_zooms_are_refused_with_a_reason() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let signed = |at: u64, body: &[u8]| {
        let at = at.to_string();
        vec![("x-zm-signature", sign(&at, body)), ("x-zm-request-timestamp", at)]
    };
    let check = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}"#;
    let (status, answer) = post(&bot.webhook, check.to_vec(), signed(now, check)).await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(b"abc");
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((status, &answer["plainToken"], &answer["encryptedToken"]), (200, &"abc".into(), &hex.into()));

    let other = br#"{"event":"meeting.ended","payload":{}}"#;
    assert_eq!(post(&bot.webhook, other.to_vec(), signed(now, other)).await.0, 200);
    // Word for word once more: taken for what it is.
    assert_eq!(post(&bot.webhook, other.to_vec(), signed(now, other)).await.0, 200);
    assert_eq!(bot.counters.replayed.load(Ordering::Relaxed), 1);
    for (body, headers, wanted) in [
        (other.to_vec(), vec![], 401),
        (other.to_vec(), signed(now - 301, other), 401),
        (other.to_vec(), signed(now, b"else"), 401),
        (b"{".to_vec(), signed(now, b"{"), 400),
        (br#"{"event":"meeting.rtms_started"}"#.to_vec(), signed(now, br#"{"event":"meeting.rtms_started"}"#), 400),
    ] {
        let (status, answer) = post(&bot.webhook, body, headers).await;
        assert_eq!(status, wanted, "{answer}");
        assert!(answer.contains("error"), "{answer}");
    }
    let big = vec![b'a'; 70_000];
    let (status, _) = post(&bot.webhook, big.clone(), signed(now, &big)).await;
    assert!(matches!(status, 413 | 0), "{status}");
    assert!(server.host.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_logged() {
    let server = serve();
    let bot = bot(&server, settings()).await;
    let uuid = "SecretTestMeeting==";
    let meeting = meeting(&bot).ids(uuid, "stream-of-secrets");
    let (report, _) = whole(&server, meeting).await;
    assert_eq!(report.signatures_ok, 2);
    let signature =
        reframe_bots::zoom::sign::handshake("client", &Secret::new(CLIENT_SECRET), uuid, "stream-of-secrets");
    let log = String::from_utf8_lossy(&log().lock().unwrap()).into_owned();
    let ours: Vec<&str> = log.lines().filter(|line| line.contains("reframe_bots::zoom")).collect();
    assert!(ours.iter().any(|line| line.contains("stream-of-secrets")), "the log is not there");
    for secret in [CLIENT_SECRET, WEBHOOK_SECRET, TOKEN] {
        assert!(!ours.iter().any(|line| line.contains(secret)), "{secret} is in the log");
    }
    // At `trace` the library shows what goes over its sockets; the program itself never does, and `info` is the default.
    assert!(!ours.iter().any(|line| line.contains(&signature)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_tls_is_tried_and_a_broken_one_tried_again() {
    // Nobody speaks TLS there; without a provider of its cryptography the attempt would end in a panic.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/s", plain.local_addr().unwrap().port());
    let server = serve();
    let bot = bot(&server, settings()).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let body = format!(
        r#"{{"event":"meeting.rtms_started","event_ts":{now}000,"payload":{{"meeting_uuid":"m","rtms_stream_id":"s","server_urls":"{url}"}}}}"#
    );
    let headers =
        vec![("x-zm-signature", sign(&now.to_string(), body.as_bytes())), ("x-zm-request-timestamp", now.to_string())];
    assert_eq!(post(&bot.webhook, body.into_bytes(), headers).await.0, 200);
    let mut hellos = 0;
    while hellos < 2 {
        let (mut socket, _) = timeout(PATIENCE, plain.accept()).await.unwrap().unwrap();
        let mut first = [0u8; 1];
        if tokio::io::AsyncReadExt::read(&mut socket, &mut first).await.unwrap_or(0) == 1 {
            // A TLS record that holds a handshake.
            assert_eq!(first[0], 22);
            hellos += 1;
        }
    }
    let told = || {
        let what = server.host.calls().last()?.what();
        what.iter().any(|w| matches!(w, What::Source(s) if s.state == SourceState::Reconnecting)).then_some(())
    };
    until("reconnecting is told", told).await;
}
