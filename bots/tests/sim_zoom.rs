//! The Zoom simulator as a bot meets it: a small bot written here, by the documents alone, goes through whole meetings.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use hmac::{Hmac, Mac as _};
use reframe_bots::{
    play::{Call, Sound, Voice},
    sim::zoom::{Chaos, Credentials, Meeting, Report},
};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

const PATIENCE: Duration = Duration::from_secs(60);

fn hex_mac(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect()
}

/// Two people with a tone each, 3 s long: easy to tell apart, and nothing to load.
fn call() -> Call {
    let voice = |track: u8, name: &str, level: i16| Voice {
        track,
        name: name.into(),
        party: "buyer".into(),
        consent: None,
        sound: Sound::Pcm { rate_hz: 16_000, samples: vec![level; 48_000] },
    };
    Call { voices: vec![voice(0, "Ann", 1_000), voice(1, "Bob", 2_000)], script: None, warnings: Vec::new() }
}

fn credentials() -> Credentials {
    Credentials::new("client", "client secret", "webhook secret")
}

/// What the bot does differently from a good one.
#[derive(Clone, Copy, Default)]
struct Manners {
    /// Takes 4 s for the first answer to `rtms_started`.
    slow_answer: bool,
    /// Signs with another secret.
    wrong_secret: bool,
    /// Does not answer keep-alives.
    deaf: bool,
    /// Asks for this much sound per message.
    send_rate: u64,
}

#[derive(Default)]
struct Heard {
    /// Time and first sample of every audio message, by user.
    audio: BTreeMap<u64, Vec<(u64, i16)>>,
    bytes: usize,
    events: Vec<Value>,
    stop_reasons: Vec<u64>,
    refused: Vec<u64>,
}

struct Bot {
    url: String,
    heard: Arc<Mutex<Heard>>,
    /// Lives in every session that goes on.
    busy: Arc<()>,
    _tasks: Vec<tokio::task::JoinHandle<()>>,
}

fn head_and_body(request: &str) -> Option<(&str, &str)> {
    let (head, body) = request.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
    (body.len() >= length).then_some((head, body))
}

/// A webhook server of a few lines: checks, answers, and passes started ones on.
async fn bot(manners: Manners) -> Bot {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Heard::default()));
    let (tell, mut started) = mpsc::channel::<Value>(16);
    let slow = Arc::new(Mutex::new(manners.slow_answer));
    let stops = Arc::clone(&heard);
    let web = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (tell, slow, stops) = (tell.clone(), Arc::clone(&slow), Arc::clone(&stops));
            tokio::spawn(async move {
                let mut all = String::new();
                let mut part = [0; 4_096];
                while head_and_body(&all).is_none() {
                    let n = socket.read(&mut part).await.unwrap_or(0);
                    if n == 0 {
                        return;
                    }
                    all.push_str(&String::from_utf8_lossy(&part[..n]));
                }
                let (head, body) = head_and_body(&all).unwrap();
                let header = |name: &str| {
                    head.lines()
                        .find_map(|l| l.split_once(": ").filter(|(k, _)| k.eq_ignore_ascii_case(name)))
                        .unwrap()
                        .1
                };
                let stamp = header("x-zm-request-timestamp");
                let right = format!("v0={}", hex_mac("webhook secret", &format!("v0:{stamp}:{body}")));
                let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
                    - stamp.parse::<u64>().unwrap();
                let value: Value = serde_json::from_str(body).unwrap();
                let (status, answer) = if header("x-zm-signature") != right || age > 300 {
                    (401, json!({}))
                } else if let Some(plain) = value["payload"]["plainToken"].as_str() {
                    (200, json!({"plainToken": plain, "encryptedToken": hex_mac("webhook secret", plain)}))
                } else {
                    (200, json!({}))
                };
                if status == 200 && value["event"] == "meeting.rtms_started" {
                    tell.send(value.clone()).await.unwrap();
                    let wait = std::mem::take(&mut *slow.lock().unwrap());
                    if wait {
                        tokio::time::sleep(Duration::from_secs(4)).await;
                    }
                }
                if status == 200 && value["event"] == "meeting.rtms_stopped" {
                    let payload = value["payload"].get("object").unwrap_or(&value["payload"]);
                    stops.lock().unwrap().stop_reasons.push(payload["stop_reason"].as_u64().unwrap());
                }
                let answer = answer.to_string();
                let text = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                    answer.len()
                );
                drop(socket.write_all(text.as_bytes()).await);
            });
        }
    });
    let (ears, busy) = (Arc::clone(&heard), Arc::new(()));
    let alive = Arc::downgrade(&busy);
    let work = tokio::spawn(async move {
        let mut current: Option<(Value, tokio::task::JoinHandle<()>)> = None;
        while let Some(event) = started.recv().await {
            let payload = event["payload"].get("object").unwrap_or(&event["payload"]).clone();
            if current.as_ref().is_some_and(|(known, _)| *known == payload) {
                continue;
            }
            if let Some((_, old)) = current.take() {
                old.abort();
            }
            let (what, ears, guard) = (payload.clone(), Arc::clone(&ears), alive.upgrade());
            let task = tokio::spawn(async move {
                session(what, manners, ears).await;
                drop(guard);
            });
            current = Some((payload, task));
        }
    });
    Bot { url, heard, busy, _tasks: vec![web, work] }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
            Ok(Message::Binary(bytes)) => return serde_json::from_slice(&bytes).ok(),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// In binary frames, as Zoom's own client.
async fn say(socket: &mut Socket, value: Value) {
    drop(socket.send(Message::binary(value.to_string())).await);
}

/// Asks for the subprotocol that Zoom's own client asks for, and like it hangs up if it is not confirmed.
async fn connect(url: &str) -> Option<Socket> {
    let mut request = url.into_client_request().ok()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("websocket"));
    Some(connect_async(request).await.ok()?.0)
}

/// Both sockets, again and again until nobody is there any more.
async fn session(payload: Value, manners: Manners, heard: Arc<Mutex<Heard>>) {
    for _ in 0..20 {
        if connection(&payload, manners, &heard).await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn connection(payload: &Value, manners: Manners, heard: &Mutex<Heard>) -> Option<()> {
    let (meeting, stream) = (payload["meeting_uuid"].as_str()?, payload["rtms_stream_id"].as_str()?);
    let secret = if manners.wrong_secret { "x" } else { "client secret" };
    let hello = |kind: u64| {
        json!({"msg_type": kind, "protocol_version": 1, "sequence": 7, "meeting_uuid": meeting, "rtms_stream_id": stream,
            "signature": hex_mac(secret, &format!("client,{meeting},{stream}"))})
    };
    let mut signalling = connect(payload["server_urls"].as_str()?).await?;
    say(&mut signalling, hello(1)).await;
    let answer = next(&mut signalling).await?;
    if answer["status_code"] != 0 {
        heard.lock().unwrap().refused.push(answer["status_code"].as_u64()?);
        return None;
    }
    let url = answer["media_server"]["server_urls"]["all"].as_str()?;
    let mut media = connect(url).await?;
    let mut ask = hello(3);
    ask["media_type"] = json!(32);
    let rate = if manners.send_rate == 0 { 20 } else { manners.send_rate };
    ask["media_params"] = json!({"audio": {"content_type": 2, "sample_rate": 1, "channel": 1, "codec": 1, "data_opt": 2, "send_rate": rate}});
    say(&mut media, ask).await;
    let answer = next(&mut media).await?;
    if answer["status_code"] != 0 {
        heard.lock().unwrap().refused.push(answer["status_code"].as_u64()?);
        return None;
    }
    say(
        &mut signalling,
        json!({"msg_type": 5, "events": [{"event_type": 3, "subscribe": true}, {"event_type": 4, "subscribe": true}]}),
    )
    .await;
    say(&mut signalling, json!({"msg_type": 7, "rtms_stream_id": stream})).await;
    let (mut media_lives, mut over) = (true, false);
    // After the end, what is still on its way is heard.
    while !over || media_lives {
        let quiet = Duration::from_secs(3);
        tokio::select! {
            message = timeout(quiet, next(&mut signalling)), if !over => match message {
                Ok(Some(m)) if m["msg_type"] == 12 => {
                    if !manners.deaf {
                        say(&mut signalling, json!({"msg_type": 13, "sequence": m["sequence"], "timestamp": m["timestamp"]})).await;
                    }
                }
                Ok(Some(m)) => {
                    over = m["msg_type"] == 9 && m["state"] == 5;
                    let interrupted = m["event"]["event_type"] == 7;
                    heard.lock().unwrap().events.push(m);
                    // A fresh start of both sockets is the simplest way back.
                    if interrupted {
                        return Some(());
                    }
                }
                Ok(None) => return Some(()),
                // No keep-alive for a long while: the link is dead.
                Err(_) => return Some(()),
            },
            message = next(&mut media), if media_lives => match message {
                Some(m) if m["msg_type"] == 12 => {
                    if !manners.deaf {
                        say(&mut media, json!({"msg_type": 13, "sequence": m["sequence"], "timestamp": m["timestamp"]})).await;
                    }
                }
                Some(m) if m["msg_type"] == 14 => {
                    let content = &m["content"];
                    let data = STANDARD.decode(content["data"].as_str()?).ok()?;
                    assert_eq!(content["length"], data.len());
                    let first = i16::from_le_bytes([data[0], data[1]]);
                    let mut heard = heard.lock().unwrap();
                    heard.bytes += data.len();
                    heard.audio.entry(content["user_id"].as_u64()?).or_default().push((content["timestamp"].as_u64()?, first));
                }
                Some(_) => {}
                // The signalling socket will say why.
                None => media_lives = false,
            },
        }
    }
    None
}

async fn meet(chaos: Chaos, manners: Manners) -> (Report, Bot) {
    meet_with(chaos, manners, |m| m).await
}

async fn meet_with(chaos: Chaos, manners: Manners, change: impl FnOnce(Meeting) -> Meeting) -> (Report, Bot) {
    let bot = bot(manners).await;
    let meeting = Meeting::new(call(), credentials())
        .webhook(&bot.url)
        .chaos(chaos)
        .speed(2.0)
        .keep_alive(Duration::from_millis(500))
        .epoch_ms(1_000_000);
    let running = change(meeting).start().await.unwrap();
    let report = timeout(PATIENCE, running.finished()).await.expect("the meeting ends");
    // What is still on its way is heard before anybody looks.
    let idle = async {
        while Arc::strong_count(&bot.busy) > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, idle).await.expect("the bot ends");
    (report, bot)
}

const ANN: u64 = 16_778_240;
const BOB: u64 = ANN + 1_024;

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_meeting_goes_from_webhook_to_webhook() {
    let (report, bot) = meet(Chaos { forged_webhooks: true, ..Chaos::default() }, Manners::default()).await;
    assert_eq!(report.url_validated, Some(true), "{:#?}", report.lines);
    assert_eq!(report.end.unwrap().stop_reason, 6);
    assert_eq!((report.signatures_ok, report.signatures_bad, report.ready), (2, 0, 1));
    assert!(report.keep_alives_answered > 0 && report.odd_messages == 0);
    let statuses: Vec<_> = report.webhooks.iter().map(|w| (w.event.as_str(), w.kind, w.status)).collect();
    for expected in [
        ("endpoint.url_validation", "", Some(200)),
        ("meeting.rtms_started", "wrong signature", Some(401)),
        ("meeting.rtms_started", "old", Some(401)),
        ("meeting.rtms_started", "", Some(200)),
        ("meeting.rtms_stopped", "", Some(200)),
    ] {
        assert!(statuses.contains(&expected), "{expected:?} in {statuses:?}");
    }
    let heard = bot.heard.lock().unwrap();
    assert_eq!(heard.stop_reasons, [6]);
    // 3 s of voice and 1 s of silence, in messages of 20 ms; each from its own mouth, in order, without holes.
    for (user, level) in [(ANN, 1_000), (BOB, 2_000)] {
        let all = &heard.audio[&user];
        assert_eq!(all.len(), 200);
        assert!(all.iter().enumerate().all(|(n, (at, _))| *at == 1_000_000 + 20 * n as u64));
        assert!(all.iter().take(150).all(|(_, sample)| *sample == level));
    }
    let joined = heard.events.iter().find(|e| e["event"]["event_type"] == 3).unwrap();
    assert_eq!(joined["event"]["participants"][1], json!({"user_id": BOB, "user_name": "Bob"}));
    assert!(heard.events.iter().any(|e| e["event"]["event_type"] == 1), "the first packet is told unasked");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_messages_reordering_mixing_and_binary_frames() {
    for ms in [100u64, 1_000] {
        let (report, bot) = meet(Chaos::default(), Manners { send_rate: ms, ..Manners::default() }).await;
        let heard = bot.heard.lock().unwrap();
        assert_eq!(heard.audio[&ANN].len() as u64, 4_000 / ms);
        assert_eq!((heard.bytes, report.audio_missed), (2 * 4 * 32_000, 0));
    }
    let chaos = Chaos { seed: 3, reorder_percent: 20.0, binary_frames: true, ..Chaos::default() };
    let (report, bot) = meet(chaos, Manners::default()).await;
    {
        let heard = bot.heard.lock().unwrap();
        let all = &heard.audio[&BOB];
        let swapped = all.windows(2).filter(|w| w[0].0 > w[1].0).count();
        assert!(all.len() == 200 && swapped > 10 && report.reordered as usize > swapped, "{swapped}");
    }
    let (_, bot) = meet(Chaos { mixed: true, wrapped_payload: true, ..Chaos::default() }, Manners::default()).await;
    let heard = bot.heard.lock().unwrap();
    assert_eq!(heard.audio.keys().copied().collect::<Vec<_>>(), [0]);
    assert!(heard.audio[&0].iter().take(150).all(|(_, sample)| *sample == 3_000), "the sum of both");
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_leave_late_join_and_revocation() {
    let chaos = Chaos {
        pause: Some((0.5, 1.0)),
        leave_at: vec![("Ann".into(), 1.5)],
        join_at: vec![("Bob".into(), 0.3)],
        revoke_at: Some(2.5),
        late_webhook_ms: 300,
        ..Chaos::default()
    };
    let (report, bot) = meet(chaos, Manners::default()).await;
    assert_eq!(report.end.unwrap().stop_reason, 8);
    assert_eq!(report.audio_missed, 50);
    let heard = bot.heard.lock().unwrap();
    assert_eq!(heard.stop_reasons, [8]);
    let times = |user: u64| heard.audio[&user].iter().map(|(at, _)| at - 1_000_000).collect::<Vec<_>>();
    assert!(times(ANN).iter().all(|t| *t < 500 || (1_000..1_500).contains(t)), "{:?}", times(ANN));
    assert!(times(BOB).iter().all(|t| (300..500).contains(t) || (1_000..2_500).contains(t)), "{:?}", times(BOB));
    let states: Vec<_> =
        heard.events.iter().filter(|e| e["msg_type"] == 9).map(|e| e["state"].as_u64().unwrap()).collect();
    assert_eq!(states, [2, 3, 4, 5]);
    let left = heard.events.iter().find(|e| e["event"]["event_type"] == 4).unwrap();
    assert_eq!(left["event"]["participants"][0]["user_name"], "Ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn breaks_of_every_kind_are_survived_by_who_comes_back() {
    for (chaos, handshakes) in [
        (Chaos { failover_at: Some(1.0), ..Chaos::default() }, 2),
        (Chaos { drop_media_at: Some(1.0), ..Chaos::default() }, 2),
        (Chaos { interrupt_at: Some(1.0), duplicate_webhooks: true, ..Chaos::default() }, 2),
    ] {
        let (report, bot) = meet_with(chaos.clone(), Manners::default(), |m| m.speed(1.0)).await;
        assert_eq!(report.end.unwrap().stop_reason, 6, "{chaos:?}: {:#?}", report.lines);
        assert_eq!(report.signalling.len(), handshakes, "{:#?}", report.lines);
        let heard = bot.heard.lock().unwrap();
        let last = heard.audio[&ANN].last().unwrap().0;
        assert_eq!(last, 1_003_980, "the sound goes on to its end");
        // After a failure the bot may be back before the next message.
        let lost = heard.audio[&ANN].len() < 200 && report.audio_missed > 0;
        assert!(lost || chaos.failover_at.is_some(), "what was said in between is lost");
        assert_eq!(report.signalling.last().unwrap().server, usize::from(chaos.failover_at.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_goes_silent_is_noticed_by_the_bot_alone() {
    let chaos = Chaos { miss_keep_alives_at: Some(0.5), ..Chaos::default() };
    // The little bot gives up after 3 s of silence: the meeting must last longer.
    let (report, bot) = meet_with(chaos, Manners::default(), |m| m.speed(0.5)).await;
    assert_eq!(report.end.unwrap().stop_reason, 6, "{:#?}", report.lines);
    assert!(report.signalling.len() == 2 && report.pushed_out == 0, "{:#?}", report.lines);
    assert!(bot.heard.lock().unwrap().audio[&ANN].len() < 180);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bots_are_treated_as_zoom_treats_them() {
    // Wrong signature: refused with 3, and given up after the time to come back.
    let patience = |m: Meeting| m.back_within(Duration::from_secs(2), Duration::from_secs(2));
    let (report, bot) =
        meet_with(Chaos::default(), Manners { wrong_secret: true, ..Manners::default() }, patience).await;
    assert_eq!(bot.heard.lock().unwrap().refused, [3]);
    assert_eq!((report.signatures_bad, report.end.unwrap().stop_reason), (1, 19));

    // No answer to keep-alives: cut after three, each time it comes back.
    let deaf = Manners { deaf: true, ..Manners::default() };
    let (report, _) = meet_with(Chaos::default(), deaf, |m| m.keep_alive(Duration::from_millis(150)).speed(1.0)).await;
    assert!(report.cut_for_silence > 0 && report.keep_alives_answered == 0, "{:#?}", report.lines);
    assert!(report.webhooks.iter().any(|w| w.event == "meeting.rtms_interrupted"));

    // An answer that takes too long: posted again.
    let slow = Manners { slow_answer: true, ..Manners::default() };
    let (report, _) = meet_with(Chaos::default(), slow, |m| m.speed(0.5)).await;
    let started: Vec<_> = report.webhooks.iter().filter(|w| w.event == "meeting.rtms_started").collect();
    assert_eq!(started.iter().map(|w| (w.attempt, w.status)).collect::<Vec<_>>(), [(1, None), (2, Some(200))]);

    // Impossible wishes.
    let odd = Manners { send_rate: 30, ..Manners::default() };
    let (report, bot) = meet_with(Chaos::default(), odd, patience).await;
    assert_eq!(bot.heard.lock().unwrap().refused, [24]);
    assert!(report.media[0].status == 24 && report.ready == 0);
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let meeting = || Meeting::new(call(), credentials());
    for (chaos, says) in [
        (Chaos { reorder_percent: 101.0, ..Chaos::default() }, "0 to 100"),
        (Chaos { send_rate_ms: Some(30), ..Chaos::default() }, "multiple of 20"),
        (Chaos { pause: Some((2.0, 1.0)), ..Chaos::default() }, "ends"),
        (Chaos { leave_at: vec![("Cy".into(), 1.0)], ..Chaos::default() }, "Ann, Bob"),
    ] {
        let error = meeting().chaos(chaos).start().await.err().unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(meeting().speed(0.0).start().await.is_err());
    assert!(!format!("{:?}", credentials()).contains("secret\""));
}
