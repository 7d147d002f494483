//! A transcript in, a card out: the Vexa client between a server that speaks the documented messages and the program.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Served, call, stored, watch};
use futures_util::{SinkExt, StreamExt};
use reframe_bots::{
    engine::{Consent, Opening},
    script::Script,
    vexa::{Bot, Key, protocol::Meeting, run},
};
use reframe_call::event::EventBody;
use reframe_serve::wire::ServerBody;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// Microseconds of Unix time as Vexa writes them.
fn iso(us: u64) -> String {
    jiff::Timestamp::from_microsecond(i64::try_from(us).unwrap()).unwrap().to_string()
}

/// Vexa for one connection: the lines of a fixture call as segments, a draft and then the confirmation of each.
async fn vexa(listener: TcpListener) {
    let script = Script::parse(&std::fs::read_to_string(call("demo").join("script.toml")).unwrap()).unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
    let ask = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(ask.contains("subscribe"));
    let mut say = async |value: Value| socket.send(Message::text(value.to_string())).await.unwrap();
    say(json!({"type": "subscribed", "meetings": [{"platform": "google_meet", "native_id": "m"}]})).await;
    say(json!({"type": "meeting.status", "payload": {"status": "active"}})).await;
    let begun = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    for (n, line) in script.line.iter().take(4).enumerate() {
        let speaker = &script.speaker(line).unwrap().name;
        let segment = |text: &str| {
            json!({"segment_id": format!("s{n}"), "speaker": speaker, "text": text, "language": "en",
                "absolute_start_time": iso(begun + line.start_ms * 1_000),
                "absolute_end_time": iso(begun + line.end_ms * 1_000)})
        };
        let half: String = line.text.split_inclusive(' ').take(4).collect();
        let message = |confirmed: &[Value], pending: &[Value]| {
            json!({"type": "transcript", "meeting": {"id": 1}, "speaker": speaker, "confirmed": confirmed,
                "pending": pending})
        };
        say(message(&[], &[segment(&half)])).await;
        say(message(&[segment(&line.text)], &[])).await;
    }
    // The engine looks at words as time goes by: the meeting does not end with the last of them.
    tokio::time::sleep(Duration::from_secs(2)).await;
    say(json!({"type": "meeting.status", "payload": {"status": "completed"}})).await;
    while let Some(Ok(_)) = socket.next().await {}
}

#[test]
fn an_objection_in_a_transcript_becomes_a_card() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut server = Served::start(dir, "");
    let screen = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        tokio::spawn(vexa(listener));
        let mut opening = Opening::new(server.ingest());
        opening.token = Some(server.token.clone());
        opening.call = Some("vexa-1".into());
        opening.playbook = Some("b2b-saas".into());
        let mut bot = Bot::new(url, Key::Text("k".into()), Meeting::parse("google_meet/m").unwrap(), opening);
        bot.consent = Some(Consent { basis: "platform".into(), reference: "google_meet m".into() });
        let (tell, told) = tokio::sync::oneshot::channel();
        let running = tokio::spawn(run(bot, std::future::pending(), move |call| {
            tell.send(call.started().overlay_url.unwrap()).unwrap();
        }));
        let screen = tokio::spawn(watch(told.await.unwrap()));
        let ended = tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap().unwrap();
        assert!(ended.cards_shown >= Some(1), "{ended:?}");
        screen.await.unwrap()
    });
    let events = stored(dir, "vexa-1");
    let shown: Vec<_> = events
        .iter()
        .filter_map(|e| if let EventBody::CardShown { card } = &e.body { Some(card.play.as_str()) } else { None })
        .collect();
    assert_eq!(shown, ["price_too_high"], "{events:#?}");
    let ended: Vec<_> = events
        .iter()
        .filter_map(|e| if let EventBody::UtteranceEnded { text, .. } = &e.body { Some(text.as_str()) } else { None })
        .collect();
    assert!(ended.iter().any(|text| text.to_lowercase().contains("more than we pay today")), "{ended:?}");
    assert!(screen.iter().any(|body| matches!(body, ServerBody::Card(_))), "the overlay shows it");
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
}
