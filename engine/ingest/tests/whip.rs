//! WHIP over real sockets, with a sender over WebRTC that nobody here wrote the inside of.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::{net::IpAddr, sync::Arc, time::Duration};

use reframe_call::audio::{Party, TrackId};
use reframe_ingest::{
    What,
    whip::{IceServer, WhipConfig},
};
use support::{Sender, Server, TOKEN, request, wait_until};

/// SILK, narrow band, 20 ms, mono, one frame, and a number to tell it by.
fn payload(n: u16) -> Vec<u8> {
    let mut payload = vec![0x08; 40];
    payload[1..3].copy_from_slice(&n.to_be_bytes());
    payload
}

fn number(payload: &[u8]) -> u16 {
    u16::from_be_bytes([payload[1], payload[2]])
}

/// Sends `count` packets on each line in real time, from `first` on.
async fn talk(sender: &Sender, first: u16, count: u16) {
    for n in first..first + count {
        for line in 0..sender.tracks.len() {
            sender.send(line, n, u32::from(n) * 960, &payload(n)).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_one_sender_are_two_tracks_on_one_clock() {
    let server = Server::start(Server::config()).await;
    let query = "call=acme&title=Acme&track=rep,Rae,platform,rae@x.example&track=buyer,Dana";
    let sender = Sender::join(&server, query, 2).await;
    assert_eq!(sender.answer.header("Reframe-Call"), Some("acme"));
    assert!(sender.answer.header("Reframe-Overlay").unwrap().starts_with("http://"));
    assert!(sender.answer.header("Location").unwrap().len() > "/v1/whip/".len() + 31, "unguessable");
    talk(&sender, 0, 30).await;
    let call = server.call(0);
    wait_until("all packets", || call.packets(0).len() == 30 && call.packets(1).len() == 30).await;

    let told: Vec<_> = call
        .whats()
        .into_iter()
        .filter_map(|w| if let What::Track { info, who, .. } = w { Some((info, who)) } else { None })
        .collect();
    assert_eq!((told[0].0.party, told[0].0.name.as_str()), (Party::Rep, "Rae"));
    assert_eq!(told[0].0.consent.as_ref().unwrap().basis, "platform");
    assert_eq!(told[0].1.email.as_deref(), Some("rae@x.example"));
    assert_eq!((told[1].0.party, told[1].0.consent.as_ref()), (Party::Buyer, None), "silence is no consent");
    assert_eq!(call.start.context, ["Rae", "Dana"]);
    assert_eq!(call.states(), ["joined"]);
    for track in 0..2 {
        let packets = call.packets(track);
        assert!(packets.iter().map(|p| number(&p.payload)).eq(0..30), "in order and complete");
        assert!(packets.windows(2).all(|w| w[1].timestamp_us - w[0].timestamp_us == 20_000));
        assert!(packets.windows(2).all(|w| w[1].sequence.unwrap() == w[0].sequence.unwrap() + 1));
        assert!(packets.iter().all(|p| p.exact && p.timestamp_us % 20_000 == 0), "on the grid of frames");
    }
    let apart = call.packets(0)[0].timestamp_us.abs_diff(call.packets(1)[0].timestamp_us);
    assert!(apart <= 100_000, "they began together and lie {apart} us apart");

    // Both fall silent: one pause each, and no more.
    let pauses = |track| call.whats().iter().filter(|w| **w == What::Pause { track: TrackId(track) }).count();
    wait_until("pauses", || pauses(0) == 1 && pauses(1) == 1).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!((pauses(0), pauses(1)), (1, 1));

    let answer = server.request("DELETE", &sender.session, &[], "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    wait_until("the end", || call.has(&What::End)).await;
    assert_eq!(server.request("DELETE", &sender.session, &[], "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn loss_and_disorder_on_the_way() {
    let server = Server::start(Server::config()).await;
    let sender = Sender::join(&server, "", 1).await;
    // By order of sending: 7 is lost, 12 and 13 are swapped, 21 comes far too late, the numbers wrap.
    let numbers: Vec<u16> = (0..41).map(|n| [n, 13, 12][usize::from(n == 12) + 2 * usize::from(n == 13)]).collect();
    let base = 65_520u16;
    let send = |n: u16| {
        let payload = payload(n);
        let sender = &sender;
        async move { sender.send(0, base.wrapping_add(n), u32::from(n) * 960, &payload).await }
    };
    for n in numbers.into_iter().filter(|n| *n != 7 && *n != 21) {
        send(n).await;
        if n == 30 {
            send(21).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let call = server.call(0);
    wait_until("the last packet", || call.packets(0).last().is_some_and(|p| number(&p.payload) == 40)).await;
    let packets = call.packets(0);
    let got: Vec<u16> = packets.iter().map(|p| number(&p.payload)).collect();
    assert_eq!(got, (0..41).filter(|n| *n != 7 && *n != 21).collect::<Vec<u16>>());
    // Numbers and times say exactly what is missing.
    for pair in packets.windows(2) {
        let steps = u64::from(number(&pair[1].payload) - number(&pair[0].payload));
        assert_eq!(u64::from(pair[1].sequence.unwrap() - pair[0].sequence.unwrap()), steps);
        assert_eq!(pair[1].timestamp_us - pair[0].timestamp_us, steps * 20_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_vanishes_is_missed_and_takes_its_place_again() {
    let config = WhipConfig { disconnected_after: Duration::from_millis(800), ..Server::config() };
    let server = Arc::new(Server::start(config).await);
    let query = "call=acme&track=buyer,Dana,platform";
    // It lives in a runtime of its own, so that it can be killed: no DELETE, and no goodbye on the wire.
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let its = Arc::clone(&server);
    let sender = doomed.spawn(async move {
        let sender = Sender::join(&its, query, 1).await;
        talk(&sender, 0, 10).await;
        sender
    });
    let sender = sender.await.unwrap();
    let call = server.call(0);
    wait_until("packets", || call.packets(0).len() == 10).await;
    // A second participant, who stays.
    let other = Sender::join(&server, "call=acme&track=rep,Rae,platform", 1).await;
    assert_eq!(server.count(), 1, "both are in one call");

    doomed.shutdown_background();
    std::mem::forget(sender);
    wait_until("the status", || call.states().last().is_some_and(|s| s == "reconnecting")).await;

    let back = Sender::join(&server, query, 1).await;
    talk(&back, 500, 10).await;
    wait_until("packets again", || call.packets(0).len() == 20).await;
    assert_eq!(server.count(), 1);
    assert_eq!(call.states(), ["joined", "joined", "reconnecting", "joined"]);
    assert!(!call.whats().iter().any(|w| matches!(w, What::End | What::Leave { .. })), "nobody left");
    let announced =
        call.whats().into_iter().filter(|w| matches!(w, What::Track { info, .. } if info.id == TrackId(0))).count();
    assert_eq!(announced, 2, "the same track, announced again");
    let packets = call.packets(0);
    let gap = packets[10].timestamp_us - packets[9].timestamp_us;
    assert!(gap > 800_000 && gap % 20_000 == 0, "the gap is as long as the absence: {gap} us");

    // One leaves, the other stays.
    assert_eq!(server.request("DELETE", &other.session, &[], "").await.status, 200);
    wait_until("leaving", || call.has(&What::Leave { track: TrackId(1) })).await;
    assert!(!call.has(&What::End));
    assert_eq!(server.request("DELETE", &back.session, &[], "").await.status, 200);
    wait_until("the end", || call.has(&What::End)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ice_is_restarted_and_the_sound_goes_on() {
    let server = Server::start(Server::config()).await;
    let mut sender = Sender::join(&server, "call=acme", 1).await;
    talk(&sender, 0, 10).await;
    let call = server.call(0);
    wait_until("packets", || call.packets(0).len() == 10).await;

    let patch = |headers: &'static [(&'static str, &'static str)], etag: Option<String>, body: String| {
        let (server, path) = (&server, sender.session.clone());
        async move {
            let mut all: Vec<(&str, &str)> = headers.to_vec();
            all.extend(etag.as_deref().map(|tag| ("If-Match", tag)));
            server.request("PATCH", &path, &all, &body).await
        }
    };
    let fragment = "a=ice-ufrag:other\r\na=ice-pwd:0123456789abcdefghijkl\r\n".to_owned();
    let etag = sender.etag.clone();
    static KIND: [(&str, &str); 1] = [("Content-Type", "application/trickle-ice-sdpfrag")];
    static SDP: [(&str, &str); 1] = [("Content-Type", "application/sdp")];
    assert_eq!(patch(&KIND, None, fragment.clone()).await.status, 428);
    assert_eq!(patch(&KIND, Some("\"stale\"".into()), fragment.clone()).await.status, 412);
    assert_eq!(patch(&KIND, Some(etag.clone()), fragment.clone()).await.status, 422, "a restart needs *");
    assert_eq!(patch(&KIND, Some(etag.clone()), "rubbish".into()).await.status, 400);
    assert_eq!(patch(&SDP, Some(etag.clone()), "v=0\r\n".into()).await.status, 415);

    // More candidates of the session as it is.
    let own = sender.connection.local_description().await.unwrap().sdp;
    let of = |name: &str| own.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    let more = format!(
        "{}\r\n{}\r\na=mid:0\r\na=candidate:7 1 udp 1 127.0.0.1 9 typ host\r\na=candidate:8 1 udp 1 x.local 9 typ host\r\n",
        of("a=ice-ufrag:"),
        of("a=ice-pwd:")
    );
    let answer = patch(&KIND, Some(etag.clone()), more).await;
    assert_eq!(answer.status, 204, "{answer:?}");

    let fragment = sender.restart().await;
    let answer = server.request("PATCH", &sender.session, &[KIND[0], ("If-Match", "*")], &fragment).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("Content-Type"), Some("application/trickle-ice-sdpfrag"));
    let new = answer.header("ETag").unwrap().to_owned();
    assert_ne!(new, etag);
    sender.restarted(&answer.body).await;
    sender.connected().await;
    let begun = std::time::Instant::now();
    let mut n = 100;
    // The first packets may go the old way.
    while call.packets(0).len() < 40 {
        assert!(begun.elapsed() < support::PATIENCE, "no sound after the restart");
        talk(&sender, n, 5).await;
        n += 5;
    }
    let stale = server.request("PATCH", &sender.session, &[KIND[0], ("If-Match", &etag)], &fragment).await;
    assert_eq!(stale.status, 412, "the old tag is no longer good");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_and_how() {
    let server = Server::start(WhipConfig { max_tracks: 2, ..Server::config() }).await;
    let (_sender, good) = Sender::offer(1).await;
    let sdp = ("Content-Type", "application/sdp");
    let big = format!("v=0\r\n{}", "a=x\r\n".repeat(20_000));
    let recvonly = good.replace("a=sendonly", "a=recvonly");
    let no_opus = good.replace("opus/48000/2", "PCMU/8000");
    let crooked = good.replace("a=fingerprint:sha-256 ", "a=fingerprint:");
    let (_three, many) = Sender::offer(3).await;
    type Case<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str, u16, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("no token", "POST", "", vec![sdp, ("Authorization", "")], &good, 401, "token"),
        ("a wrong token", "POST", "", vec![sdp, ("Authorization", "Bearer x")], &good, 401, "token"),
        ("a foreign page", "POST", "", vec![sdp, ("Origin", "https://evil.example")], &good, 403, "allowed_origins"),
        ("no type", "POST", "", vec![], &good, 415, "application/sdp"),
        ("json", "POST", "", vec![("Content-Type", "application/json")], "{}", 415, "application/sdp"),
        ("wants html", "POST", "", vec![sdp, ("Accept", "text/html")], &good, 406, "application/sdp"),
        ("empty", "POST", "", vec![sdp], "", 400, "v=0"),
        ("rubbish", "POST", "", vec![sdp], "hello", 400, "v=0"),
        ("too big", "POST", "", vec![sdp], &big, 413, "65536"),
        ("receives", "POST", "", vec![sdp], &recvonly, 422, "sendonly"),
        ("no Opus", "POST", "", vec![sdp], &no_opus, 422, "Opus"),
        ("a crooked fingerprint", "POST", "", vec![sdp], &crooked, 422, "cannot be used"),
        ("too many lines", "POST", "", vec![sdp], &many, 422, "at most 2"),
        ("recorded", "POST", "?mode=recorded", vec![sdp], &good, 400, "live"),
        ("a bad id", "POST", "?call=a+b", vec![sdp], &good, 400, "letters"),
        ("an unknown fact", "POST", "?colour=red", vec![sdp], &good, 400, "colour"),
        ("no such playbook", "POST", "?playbook=none", vec![sdp], &good, 422, "b2b-saas"),
        ("too many calls", "POST", "?playbook=busy", vec![sdp], &good, 503, "later"),
        ("a call that is over", "POST", "?playbook=over", vec![sdp], &good, 409, "another id"),
        ("GET", "GET", "", vec![], "", 405, "POST"),
        ("PUT", "PUT", "", vec![sdp], &good, 405, "POST"),
        ("no session", "DELETE", "/0123456789abcdef", vec![], "", 404, "session"),
        ("a session got", "GET", "/0123456789abcdef", vec![], "", 405, "DELETE"),
    ];
    for (what, method, path, headers, body, status, part) in cases {
        let answer = server.request(method, &format!("/v1/whip{path}"), &headers, body).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(answer.header("Content-Type"), Some("application/problem+json"), "{what}");
        assert!(answer.body.contains(part), "{what}: {}", answer.body);
        assert_eq!(answer.header("Allow").is_some(), status == 405, "{what}");
        assert_eq!(answer.header("WWW-Authenticate").is_some(), status == 401, "{what}");
        assert_eq!(answer.header("Retry-After").is_some(), status == 503, "{what}");
        assert!(!answer.body.contains(TOKEN));
    }
    assert_eq!(server.count(), 0, "no call was opened for any of them");
    let open = server.whip.counters().open.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(open, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_listed_origins_may_ask_first() {
    let ice_servers = vec![IceServer { url: "stun:127.0.0.1:9".into(), credential: None }];
    let config = WhipConfig {
        allowed_origins: vec!["https://crm.example.com".into()],
        ice_servers,
        gather_timeout: Duration::from_millis(200),
        ..Server::config()
    };
    let server = Server::start(config).await;
    let asks =
        [("Origin", "https://crm.example.com"), ("Access-Control-Request-Method", "POST"), ("Authorization", "")];
    let answer = server.request("OPTIONS", "/v1/whip", &asks, "").await;
    assert_eq!(answer.status, 204, "{answer:?}");
    for (name, wanted) in [
        ("Access-Control-Allow-Origin", "https://crm.example.com"),
        ("Accept-Post", "application/sdp"),
        ("Access-Control-Allow-Methods", "POST, OPTIONS"),
        ("Access-Control-Allow-Headers", "authorization, content-type, if-match"),
    ] {
        assert_eq!(answer.header(name), Some(wanted), "{name}");
    }
    let answer = server.request("OPTIONS", "/v1/whip", &[("Origin", "https://evil.example")], "").await;
    assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (403, None));

    let (_sender, offer) = Sender::offer(1).await;
    let headers = [("Content-Type", "application/sdp"), ("Origin", "https://crm.example.com")];
    let answer = server.request("POST", "/v1/whip", &headers, &offer).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.header("Link"), Some("<stun:127.0.0.1:9>; rel=\"ice-server\""));
    assert!(answer.header("Access-Control-Expose-Headers").unwrap().contains("location"));

    let page = request(&server.addr, "GET", "/whip", &[], "").await;
    assert_eq!(page.status, 200);
    assert!(page.header("Content-Security-Policy").unwrap().contains("script-src 'self'"));
    assert_eq!(request(&server.addr, "GET", "/whip.js", &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_ports_and_time_are_limited() {
    let loopback: IpAddr = [127, 0, 0, 1].into();
    let free = |port: u16| std::net::UdpSocket::bind((loopback, port)).is_ok();
    let first = (20_100u16..60_000).step_by(2).find(|&p| free(p) && free(p + 1)).unwrap();
    let config = WhipConfig {
        max_sessions: 2,
        udp_ports: Some((first, first + 1)),
        connect_timeout: Duration::from_millis(1_500),
        ..Server::config()
    };
    let server = Server::start(config).await;
    let (_sender, offer) = Sender::offer(1).await;
    let answers = [server.post("call=a", &offer).await, server.post("call=b", &offer).await];
    for (answer, port) in answers.iter().zip([first, first + 1]) {
        assert_eq!(answer.status, 201, "{answer:?}");
        let candidate = answer.body.lines().find(|l| l.starts_with("a=candidate:")).unwrap();
        assert!(candidate.contains(&format!("127.0.0.1 {port} typ host")), "{candidate}");
    }
    let third = server.post("call=c", &offer).await;
    assert_eq!(third.status, 503, "{third:?}");
    assert!(third.body.contains("max_sessions"), "{}", third.body);
    // Nobody ever connects: seats and ports are given back, and the calls end.
    wait_until("the end of the calls", || (0..2).all(|n| server.call(n).has(&What::End))).await;
    wait_until("the seats", || server.whip.counters().open.load(std::sync::atomic::Ordering::Relaxed) == 0).await;
    let sender = Sender::join(&server, "call=d", 1).await;
    talk(&sender, 0, 3).await;
    let call = server.call(2);
    wait_until("packets", || call.packets(0).len() == 3).await;

    // The server ends the call: the session goes with it.
    call.end();
    wait_until("the session's end", || server.whip.counters().open.load(std::sync::atomic::Ordering::Relaxed) == 0)
        .await;
    assert_eq!(server.request("DELETE", &sender.session, &[], "").await.status, 404);
}

/// A Python that has aiortc: the one named in `AIORTC_PYTHON`, or the usual one.
fn python() -> Option<String> {
    let named = std::env::var("AIORTC_PYTHON").unwrap_or_else(|_| "python3".into());
    let asked = std::process::Command::new(&named).args(["-c", "import aiortc, aiohttp"]).output().ok()?;
    asked.status.success().then_some(named)
}

#[tokio::test(flavor = "multi_thread")]
async fn aiortc_joins_and_is_heard() {
    let Some(python) = python() else {
        eprintln!("skipped: no Python with aiortc (pip install aiortc aiohttp; AIORTC_PYTHON names another Python)");
        return;
    };
    let dir = std::env::temp_dir().join(format!("reframe-aiortc-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let wav = dir.join("tone.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&wav, spec).unwrap();
    for n in 0..48_000 * 5 {
        writer
            .write_sample(((f64::from(n) * 440.0 * std::f64::consts::TAU / 48_000.0).sin() * 8_000.0) as i16)
            .unwrap();
    }
    writer.finalize().unwrap();
    let server = Server::start(Server::config()).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/aiortc_whip.py");
    let url = format!("http://{}/v1/whip?call=py&track=buyer,Py,platform", server.addr);
    let output = tokio::task::spawn_blocking(move || {
        std::process::Command::new(python).args([script, &url, TOKEN]).arg(wav).arg("3").output().unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    std::fs::remove_dir_all(dir).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\"left\": 200"), "{said}");
    let call = server.call(0);
    wait_until("the end", || call.has(&What::End)).await;
    let packets = call.packets(0);
    assert!(packets.len() > 100, "{} packets of 3 s", packets.len());
    assert!(packets.windows(2).all(|w| w[1].sequence.unwrap() == w[0].sequence.unwrap().wrapping_add(1)), "no loss");
    assert!(packets.windows(2).all(|w| w[1].timestamp_us - w[0].timestamp_us == 20_000), "20 ms each");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_come_to_a_new_call_at_once_meet_there() {
    let server = Server::start(Server::config()).await;
    let (_a, first) = Sender::offer(1).await;
    let (_b, second) = Sender::offer(1).await;
    let (first, second) =
        tokio::join!(server.post("call=new&track=rep,Rae", &first), server.post("call=new&track=buyer,Dana", &second));
    assert_eq!((first.status, second.status), (201, 201), "{first:?} {second:?}");
    assert_eq!(server.count(), 1);
}

/// Prints how long joining takes: `cargo test --release -p reframe-ingest --test whip -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints numbers, proves nothing"]
async fn how_long_joining_takes() {
    let server = Server::start(Server::config()).await;
    let (mut answered, mut connected) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let (mut sender, offer) = Sender::offer(1).await;
        let begun = std::time::Instant::now();
        let answer = server.post("", &offer).await;
        answered.push(begun.elapsed().as_millis());
        let theirs = webrtc::peer_connection::RTCSessionDescription::answer(answer.body.clone()).unwrap();
        sender.connection.set_remote_description(theirs).await.unwrap();
        sender.connected().await;
        connected.push(begun.elapsed().as_millis());
        let session = answer.header("Location").unwrap().to_owned();
        assert_eq!(server.request("DELETE", &session, &[], "").await.status, 200);
        sender.connection.close().await.unwrap();
    }
    for (what, mut ms) in [("POST to 201", answered), ("POST to connected", connected)] {
        ms.sort_unstable();
        eprintln!("{what}: p50 {} ms, p90 {} ms, max {} ms", ms[15], ms[27], ms[29]);
    }
}
