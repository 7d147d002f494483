//! A cut of a fixture call in a simulated Zoom meeting: the bot joins its stream, and the call's cards come. Then another
//! one that is revoked in the middle, of which nothing may be left.

#![allow(clippy::unwrap_used)]

use std::{path::Path, sync::Arc, time::Duration};

use crate::support::{Served, call, log, stored, wait_until};
use reframe_bots::{
    engine::Opening,
    play::{Call, Sound, Voice},
    script::Script,
    sim::zoom::{Chaos, Credentials, Meeting, Report},
    zoom::{
        exchange::{Settings, Timing},
        io::{self, Config, call_id},
        notice::{Product, StreamId},
        protocol::AudioParameters,
        sign::Secret,
        webhook::WebhookCounters,
    },
};
use reframe_call::{
    audio::Party,
    event::{Event, EventBody},
};
use reframe_store::{CallId, CallState, EventLog};

/// The cut: two objections.
const FROM_MS: u64 = 12_000;
const UNTIL_MS: u64 = 33_000;
/// Real time, and what starting and ending take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const SECRETS: [&str; 2] = ["client-secret-41c0", "webhook-secret-9be2"];

fn script() -> Script {
    Script::parse(&std::fs::read_to_string(call("demo").join("script.toml")).unwrap()).unwrap()
}

/// The participants of the demo call, for the length of the cut.
fn cut() -> Call {
    let voices = script()
        .participant
        .iter()
        .enumerate()
        .map(|(n, person)| {
            let bytes = std::fs::read(call("demo").join(&person.file)).unwrap();
            let opus = reframe_audio::ogg_opus::OggOpus::read(std::io::Cursor::new(bytes)).unwrap();
            let samples = opus.decode(16_000).0.remove(0);
            let at = |ms: u64| usize::try_from(ms * 16).unwrap();
            Voice {
                track: u8::try_from(n).unwrap(),
                name: person.name.clone(),
                party: person.party.clone(),
                consent: None,
                sound: Sound::Pcm { rate_hz: 16_000, samples: samples[at(FROM_MS)..at(UNTIL_MS)].to_vec() },
            }
        })
        .collect();
    Call { voices, script: None, warnings: Vec::new() }
}

/// Words of the cut's first objection in any file of the data folder.
fn said(dir: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.join("reframe-data")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).to_lowercase();
            for word in ["eighteen thousand", "\"eighteen\"", "\"honestly\"", "than we pay"] {
                if text.contains(word) {
                    found.push(format!("{word} in {}", path.display()));
                }
            }
        }
    }
    found
}

/// Runs a meeting through the bot into the server until the call is over; gives the call's id and what Zoom saw.
async fn attend(server: &Served, dir: &Path, stream: &str, chaos: Chaos) -> (String, Report) {
    let mut engine = Opening::new(server.ingest());
    engine.token = Some(server.token.clone());
    engine.playbook = Some(script().playbook);
    let config = Config {
        webhook_secret: Secret::new(SECRETS[1]),
        settings: Settings {
            client_id: "client".into(),
            client_secret: Secret::new(SECRETS[0]),
            audio: Some(AudioParameters {
                content_type: 2,
                sample_rate: 1,
                channel: 1,
                codec: 1,
                data_opt: 2,
                send_rate: 20,
            }),
            transcript: false,
            platform_consent: true,
            timing: Timing::default(),
        },
        engine,
        max_meetings: 1,
        disclosed_by_host: true,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = format!("http://{}/webhook", listener.local_addr().unwrap());
    let bot = tokio::spawn(io::run(listener, config, Arc::new(WebhookCounters::default())));
    let meeting = Meeting::new(cut(), Credentials::new("client", SECRETS[0], SECRETS[1]))
        .ids("DemoMeeting==", stream)
        .webhook(webhook)
        .chaos(chaos)
        .start()
        .await
        .unwrap();
    let report = tokio::time::timeout(PATIENCE, meeting.finished()).await.expect("the meeting did not end");
    let id = call_id(&StreamId { product: Product::Meeting, meeting: "DemoMeeting==".into(), stream: stream.into() });
    let dir = dir.to_owned();
    let call = CallId::new(&id).unwrap();
    tokio::task::spawn_blocking(move || {
        wait_until("the call is over", || {
            log(&dir)
                .calls(None, 10)
                .is_ok_and(|calls| calls.iter().any(|c| c.call.id == call && c.state != CallState::Open))
        });
    })
    .await
    .unwrap();
    bot.abort();
    (id, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_brings_its_cards() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Served::start(dir.path(), "[people]\nnames = [\"Dana Reyes\"]\n");
    let chaos = Chaos { seed: 3, reorder_percent: 2.0, duplicate_webhooks: true, ..Chaos::default() };
    let (id, report) = attend(&server, dir.path(), "stream-1", chaos).await;
    assert_eq!((report.signatures_ok, report.signatures_bad, report.ready), (2, 0, 1));
    let events = stored(dir.path(), &id);
    let cards: Vec<&str> = events
        .iter()
        .filter_map(|e| if let EventBody::CardShown { card } = &e.body { Some(card.play.as_str()) } else { None })
        .collect();
    let wanted: Vec<String> = script()
        .objection
        .iter()
        .filter(|o| (FROM_MS..UNTIL_MS).contains(&o.start_ms))
        .map(|o| o.play.clone())
        .collect();
    assert!(!wanted.is_empty());
    assert_eq!(cards, wanted, "{}", server.log());
    let rep = events.iter().any(
        |e| matches!(&e.body, EventBody::TrackAdded { track } if track.name == "Dana Reyes" && track.party == Party::Rep),
    );
    assert!(rep, "the list of our people was not used");
    let told = |wanted: &str| {
        let line = |e: &Event| serde_json::to_string(e).unwrap();
        events.iter().any(|e| matches!(e.body, EventBody::SourceChanged { .. }) && line(e).contains(wanted))
    };
    assert!(told("joined") && told("the meeting is over"));
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    assert!(!said(dir.path()).is_empty(), "what is looked for after a revocation is found otherwise");
    for secret in SECRETS {
        assert!(!server.log().contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_revoked_stream_no_word_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Served::start(dir.path(), "");
    let chaos = Chaos { revoke_at: Some(9.0), ..Chaos::default() };
    let (id, _) = attend(&server, dir.path(), "stream-2", chaos).await;
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    let left = said(dir.path());
    assert!(left.is_empty(), "{left:?} (call {id})");
}
