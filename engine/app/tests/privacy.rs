//! Who has not agreed leaves no trace, and no secret leaves its place: looked for in every byte the server writes.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use crate::feed::{Bot, files, heard, holds, http, mint, pairs, runtime, samples, script, start, track};
use crate::support::{Served, run, stored};
use reframe_call::event::EventBody;
use serde_json::{Value, json};

const FIXTURE: &str = "cold-call";

/// Plays a whole call into a talkative server that records all it can. Gives all that it said and wrote, by place.
fn play(dir: &Path, config: &str, tracks: &[Value]) -> Vec<(String, Vec<u8>)> {
    let config = format!("[log]\nlevel = \"trace\"\n[data]\nrecord_inputs = true\n{config}");
    let mut server = Served::start(dir, &config);
    let seen = runtime().block_on(async {
        let mut bot = Bot::connect(&server, &server.token, &start("p", "recorded", tracks), FIXTURE).await;
        bot.send_until(0.5).await;
        let seen = crate::feed::look(&bot.overlay()).await;
        bot.send_until(1.0).await;
        bot.stop().await;
        seen
    });
    let (_, metrics) = server.get("/metrics");
    let (_, health) = server.get("/healthz");
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    let mut places = files(&dir.join("reframe-data"), &[]);
    assert!(places.iter().any(|(name, _)| name.ends_with("p.inputs.jsonl")), "the recording is among them");
    for (name, text) in [("log", server.log()), ("metrics", metrics), ("health", health), ("screen", seen)] {
        places.push((name.to_owned(), text.into_bytes()));
    }
    places
}

/// The places in which any of these texts stands.
fn traces(places: &[(String, Vec<u8>)], texts: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (place, bytes) in places {
        let lower = bytes.to_ascii_lowercase();
        found.extend(texts.iter().filter(|t| holds(&lower, t.as_bytes())).map(|t| format!("{t:?} in {place}")));
    }
    found
}

/// What only this side says.
fn only(who: &str, other: &str) -> BTreeSet<String> {
    let others: BTreeSet<String> = pairs(&script(FIXTURE, other)).into_iter().collect();
    pairs(&script(FIXTURE, who)).into_iter().filter(|pair| !others.contains(pair)).collect()
}

#[test]
fn who_has_not_agreed_leaves_no_trace() {
    let (buyers, reps) = (only("buyer", "rep"), only("rep", "buyer"));
    assert!(buyers.len() > 20 && reps.len() > 20, "{} and {}", buyers.len(), reps.len());
    let agreed = || track(0, "Sam", "rep", Some("fixture"));
    let with = |mut track: Value, place: &str| {
        track["jurisdiction"] = json!(place);
        track
    };

    // First the counter-proof: with consent the words are found, so looking for them this way means something.
    let dir = tempfile::tempdir().unwrap();
    let places = play(dir.path(), "", &[agreed(), track(1, "Peter", "buyer", Some("fixture"))]);
    let found = traces(&places, &buyers);
    assert!(found.len() > 20, "{found:?}");
    assert!(!found.iter().any(|f| f.ends_with("in log") || f.ends_with("in metrics")), "{found:?}");

    // Everybody's consent is needed, which is what holds unless said otherwise: nobody is heard.
    let dir = tempfile::tempdir().unwrap();
    let places = play(dir.path(), "", &[agreed(), track(1, "Peter", "buyer", None)]);
    assert_eq!(traces(&places, &buyers), [] as [String; 0]);
    assert_eq!(traces(&places, &reps), [] as [String; 0]);
    nothing_of_the_sound(&places);
    let events = stored(dir.path(), "p");
    assert!(events.iter().any(|e| matches!(e.body, EventBody::AudioWithheld { .. })), "{events:?}");
    assert!(heard(&events, 0).is_empty() && heard(&events, 1).is_empty());

    // Each for themselves: the rep is heard, the buyer is not.
    let dir = tempfile::tempdir().unwrap();
    let tracks = [with(agreed(), "US-NY"), with(track(1, "Peter", "buyer", None), "US-TX")];
    let places = play(dir.path(), "[consent]\nrule = \"by_jurisdiction\"\n", &tracks);
    assert_eq!(traces(&places, &buyers), [] as [String; 0]);
    assert!(traces(&places, &reps).len() > 10);
    nothing_of_the_sound(&places);
    assert!(!heard(&stored(dir.path(), "p"), 0).is_empty());

    // A disclosure that is asked for and never made.
    let dir = tempfile::tempdir().unwrap();
    let both = [agreed(), track(1, "Peter", "buyer", Some("fixture"))];
    let places = play(dir.path(), "[consent]\nrequire_disclosure = true\n", &both);
    assert_eq!(traces(&places, &buyers), [] as [String; 0]);
    assert_eq!(traces(&places, &reps), [] as [String; 0]);

    // A server that takes notes only.
    let dir = tempfile::tempdir().unwrap();
    let places = play(dir.path(), "[consent]\nmode = \"notes_only\"\n", &both);
    assert_eq!(traces(&places, &buyers), [] as [String; 0]);
    assert_eq!(traces(&places, &reps), [] as [String; 0]);
}

/// Not a stretch of the buyer's samples, as they came or as the recogniser takes them.
fn nothing_of_the_sound(places: &[(String, Vec<u8>)]) {
    let samples = samples(FIXTURE, "buyer.opus");
    let loud = samples.chunks_exact(32).filter(|c| c.iter().map(|s| i32::from(*s).abs()).sum::<i32>() > 32 * 1_500);
    let needles: Vec<&[i16]> = loud.step_by(400).take(12).collect();
    assert_eq!(needles.len(), 12);
    for needle in needles {
        let as_sent: Vec<u8> = needle.iter().flat_map(|s| s.to_le_bytes()).collect();
        let as_heard: Vec<u8> = needle.iter().flat_map(|s| (f32::from(*s) / 32_768.0).to_le_bytes()).collect();
        for (place, bytes) in places {
            assert!(!holds(bytes, &as_sent) && !holds(bytes, &as_heard), "sound of the buyer in {place}");
        }
    }
}

/// Collects what this process itself has to say, at its most talkative: the bot runs here.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_token_stands_where_it_does_not_belong() {
    let said = Said::default();
    let sink = said.clone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || sink.clone()).init();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Minted before the server is there: both derive them from the same secret.
    std::fs::write(dir.join("reframe.toml"), "version = 1\n").unwrap();
    let ingest = mint(dir, &["--kind", "ingest", "--call", "s", "--ttl", "10m"]);
    let other = mint(dir, &["--kind", "ingest", "--call", "another", "--ttl", "10m"]);
    let short = mint(dir, &["--kind", "ingest", "--ttl", "1s"]);
    let admin = mint(dir, &["--kind", "admin", "--ttl", "10m"]);
    let screen = mint(dir, &["--kind", "screen", "--call", "s", "--ttl", "10m"]);
    let mut server = Served::start(dir, "[log]\nlevel = \"trace\"\n");
    let runtime = runtime();
    let overlay = runtime.block_on(async {
        let both = [track(0, "Sam", "rep", Some("fixture")), track(1, "Peter", "buyer", Some("fixture"))];
        let mut bot = Bot::connect(&server, &ingest, &start("s", "recorded", &both), FIXTURE).await;
        bot.send_until(0.2).await;
        let overlay = bot.overlay();
        crate::feed::look(&overlay).await;
        let (page, _) = overlay.split_once("&token=").unwrap();
        crate::feed::look(&format!("{page}&token={screen}")).await;
        bot.stop().await;
        overlay
    });
    let report = runtime.block_on(
        reframe_bots::play::Player::new(server.ingest())
            .token(&other)
            .call_id("another")
            .pace(reframe_bots::play::Pace::AsFastAsTaken)
            .add(reframe_bots::play::load(&[crate::support::call("no-objection")], &[]).unwrap())
            .run(),
    );
    assert!(report.is_ok(), "{report:?}");
    // Wrong in every way there is: a refusal must not quote what it refuses.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for (token, why) in [(short.as_str(), "expired"), (admin.as_str(), "for admin"), ("not-a-token-at-all", "wrong")] {
        let (status, body) = http(&server, "POST", "/v1/calls", token, "{}");
        assert_eq!(status == 201, token == admin, "{body}");
        let mut request = format!("ws://{}/v1/ingest", server.addr);
        request = request.replacen("ws", "http", 1);
        let (status, body) = ingest_refusal(&server, &request, token);
        assert_eq!(status, 401, "{body}");
        assert!(body.contains(why) && !body.contains(token), "{why}: {body}");
    }
    let (status, body) = http(&server, "GET", "/v1/consents", &ingest, "");
    assert!(status == 401 && body.contains("for ingest"), "{status} {body}");
    let (_, metrics) = server.get("/metrics");
    assert_eq!(server.terminate(), Some(0));

    let link = overlay.split_once("&token=").unwrap().1.to_owned();
    let printed = server.token.clone();
    let mut places = files(&dir.join("reframe-data"), &["secret"]);
    places.push(("metrics".into(), metrics.into_bytes()));
    places.push(("the server's log".into(), server.log().into_bytes()));
    places.push(("the bot's log".into(), said.0.lock().unwrap().clone()));
    assert!(places.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 10_000);
    let secret = std::fs::read(dir.join("reframe-data/secret")).unwrap();
    let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
    let mut needles: Vec<(String, Vec<u8>)> =
        vec![("the secret".into(), secret), ("the secret in hex".into(), hex.into_bytes())];
    for (name, token) in [
        ("ingest", &ingest),
        ("another call's", &other),
        ("expired", &short),
        ("admin", &admin),
        ("screen", &screen),
        ("link", &link),
        ("printed", &printed),
    ] {
        // The part that is secret; the rest says only what it is for.
        let part = token.split('.').nth(2).unwrap_or(token);
        assert!(part.len() >= 32, "{name}");
        needles.push((name.into(), part.as_bytes().to_vec()));
    }
    for (name, needle) in &needles {
        for (place, bytes) in &places {
            assert!(!holds(bytes, needle), "{name} stands in {place}");
        }
    }
}

/// Knocks at the ingest as a bot does.
fn ingest_refusal(server: &Served, _: &str, token: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut socket = std::net::TcpStream::connect(&server.addr).unwrap();
    write!(
        socket,
        "GET /v1/ingest HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n",
        server.addr
    )
    .unwrap();
    let mut bytes = [0; 4_096];
    let mut text = String::new();
    while !text.contains('}') {
        match socket.read(&mut bytes).unwrap() {
            0 => break,
            n => text.push_str(&String::from_utf8_lossy(&bytes[..n])),
        }
    }
    (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
}

#[test]
fn tokens_open_what_they_are_for_and_calls_can_be_prepared() {
    let dir = tempfile::tempdir().unwrap();
    let server = Served::start(dir.path(), "");
    let admin = mint(dir.path(), &["--kind", "admin"]);
    for (token, status) in [("", 401), ("nonsense-nonsense", 401), (server.token.as_str(), 401), (admin.as_str(), 201)]
    {
        assert_eq!(http(&server, "POST", "/v1/calls", token, "{\"call\": \"prep\"}").0, status);
    }
    let (_, body) = http(&server, "POST", "/v1/calls", &admin, "{\"call\": \"prep\", \"ttl_s\": 600}");
    let prepared: Value = serde_json::from_str(&body).unwrap();
    let token = prepared["ingest_token"].as_str().unwrap();
    assert_eq!(prepared["ingest_url"].as_str().unwrap(), server.ingest());
    let both = [track(0, "Sam", "rep", Some("fixture")), track(1, "Peter", "buyer", Some("fixture"))];
    let seen = runtime().block_on(async {
        let bot = Bot::connect(&server, token, &start("prep", "recorded", &both), FIXTURE).await;
        // Both links show the same call.
        assert_ne!(prepared["overlay_url"].as_str().unwrap(), bot.overlay());
        let seen = crate::feed::look(prepared["overlay_url"].as_str().unwrap()).await;
        bot.stop().await;
        seen
    });
    assert!(seen.contains("\"prep\""), "{seen}");
    // Its bot may not feed another call.
    let refused = runtime().block_on(async {
        use futures_util::SinkExt;
        use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
        let mut request = server.ingest().into_client_request().unwrap();
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(Message::text(start("other", "recorded", &both).to_string())).await.unwrap();
        crate::feed::next_text(&mut socket).await.unwrap()
    });
    assert!(refused["code"] == "unauthorized" && refused["message"].as_str().unwrap().contains("another call"));
    for (body, part) in [("{\"call\": \"a b\"}", "letters"), ("{\"ttl_s\": 0}", "ttl_s"), ("{\"colour\": 1}", "colour")]
    {
        let (status, text) = http(&server, "POST", "/v1/calls", &admin, body);
        assert!((400..500).contains(&status) && text.contains(part), "{status} {text}");
    }
    for (args, part) in [
        (["--kind", "screen", "--ttl", "1h"], "--call"),
        (["--kind", "ingest", "--ttl", "forever"], "2h"),
        (["--kind", "root", "--ttl", "1h"], "root"),
    ] {
        let output = run(dir.path(), &[&["token", "mint"][..], &args].concat());
        assert!(
            !output.status.success() && crate::support::err(&output).contains(part),
            "{}",
            crate::support::err(&output)
        );
    }
}
