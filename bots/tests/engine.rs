//! The engine client against the real ingest: what a bot says arrives, also over a connection that breaks and a server
//! that is restarted.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crate::support::{Call, PATIENCE, TOKEN, serve, serve_at, until};
use reframe_bots::engine::{
    Codec, Consent, ConsentRule, EngineCall, EngineClient, Link, MAX_TRACKS, Mode, Opening, Over, Party, SourceState,
    TooManyTracks, Track,
};
use reframe_call::audio::TrackId;
use reframe_ingest::What;
use tokio::{io::copy_bidirectional, net::TcpListener, sync::watch, time::timeout};

const PCM: Codec = Codec::PcmS16le { rate_hz: 16_000 };

fn opening(url: &str) -> Opening {
    Opening { token: Some(TOKEN.into()), call: Some("acme".into()), ..Opening::new(url) }
}

fn buyer(id: u8, name: &str) -> Track {
    let consent = Some(Consent { basis: "platform".into(), reference: "m".into() });
    Track { party: Party::Buyer, consent, ..Track::new(id, name, PCM) }
}

/// Sequence numbers and times of a track's packets.
fn packets(call: &Call, track: u16) -> Vec<(u16, u64)> {
    call.what()
        .iter()
        .filter_map(|what| match what {
            What::Packet(p) if p.track == TrackId(track) => Some((p.sequence.unwrap(), p.timestamp_us)),
            _ => None,
        })
        .collect()
}

fn names(call: &Call) -> Vec<String> {
    let name = |what: &What| if let What::Track { info, .. } = what { Some(info.name.clone()) } else { None };
    call.what().iter().filter_map(name).collect()
}

async fn up(call: &EngineCall) {
    let mut link = call.link();
    timeout(PATIENCE, link.wait_for(|link| *link == Link::Up)).await.unwrap().unwrap();
}

async fn away(call: &EngineCall) {
    let mut link = call.link();
    timeout(PATIENCE, link.wait_for(|link| matches!(link, Link::Away { .. }))).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_a_bot_says_arrives_in_order() {
    let server = serve();
    let mut opening = opening(&server.url());
    opening.title = Some("Acme\u{7}".into());
    opening.playbook = Some("b2b-saas".into());
    let call = EngineClient::open(opening).await.unwrap();
    let started = call.started();
    assert_eq!((started.call.as_str(), started.consent_rule), ("acme", ConsentRule::Everyone));
    assert_eq!(started.disclosure.as_deref(), Some("we listen"));

    call.status(SourceState::Joined, "");
    call.disclosed("chat", "we listen");
    call.track(Track { email: Some("d@x.example".into()), host: Some(true), ..buyer(1, "Dana") }).unwrap();
    call.track(Track::new(2, "Lee", Codec::Text)).unwrap();
    call.audio(1, 1_000, &[0; 640]);
    call.audio(9, 0, &[0; 640]);
    call.audio(1, 21_000, &[0; 640]);
    call.missed(1, 2);
    call.audio(1, 81_000, &[0; 640]);
    call.pause(1);
    call.gap(1, 500_000);
    call.consent(1, None);
    call.words(2, 5, 9, "hello there", true);
    call.words(9, 5, 9, "of nobody", true);
    call.leave(2);
    call.leave(9);
    let ended = timeout(PATIENCE, call.stop()).await.unwrap().unwrap();
    assert_eq!(ended.cards_shown, Some(3));
    assert_eq!((call.counts().sent, call.counts().unknown, call.counts().dropped), (3, 1, 0));

    let host = server.host.last();
    assert_eq!((host.start.title.as_deref(), host.start.playbook.as_deref()), (Some("Acme "), Some("b2b-saas")));
    let kinds: Vec<&str> = host
        .what()
        .iter()
        .map(|what| match what {
            What::Source(_) => "source",
            What::Disclosed(_) => "disclosed",
            What::Track { .. } => "track",
            What::Packet(_) => "packet",
            What::Pause { .. } => "pause",
            What::Gap { .. } => "gap",
            What::Consent { .. } => "consent",
            What::Words(_) => "words",
            What::Leave { .. } => "leave",
            What::End => "end",
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = "source disclosed track track packet packet packet pause gap consent words leave end";
    assert_eq!(kinds.join(" "), expected);
    assert_eq!(packets(&host, 1), [(0, 1_000), (1, 21_000), (4, 81_000)]);
    let who = host.what().into_iter().find_map(|w| if let What::Track { who, .. } = w { Some(who) } else { None });
    let who = who.unwrap();
    assert_eq!((who.email.as_deref(), who.host), (Some("d@x.example"), Some(true)));
}

/// Passes connections on, until it is told to cut them or to let nobody in.
struct Proxy {
    addr: SocketAddr,
    cut: watch::Sender<(u32, bool)>,
}

impl Proxy {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (cut, watching) = watch::channel((0, true));
        tokio::spawn(async move {
            loop {
                let Ok((mut near, _)) = listener.accept().await else { return };
                let mut watching = watching.clone();
                let (now, open) = *watching.borrow();
                if !open {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut far) = tokio::net::TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = watching.wait_for(|(cuts, _)| *cuts > now) => {}
                    }
                });
            }
        });
        Self { addr, cut }
    }

    fn cut(&self, let_back_in: bool) {
        self.cut.send_modify(|(cuts, open)| (*cuts, *open) = (*cuts + 1, let_back_in));
    }

    fn let_in(&self) {
        self.cut.send_modify(|(_, open)| *open = true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_mends_and_loses_no_news() {
    let server = serve();
    let proxy = Proxy::before(server.addr).await;
    let call = EngineClient::open(opening(&format!("ws://{}/v1/ingest", proxy.addr))).await.unwrap();
    call.track(buyer(1, "Dana")).unwrap();
    call.track(buyer(2, "Lee")).unwrap();
    for n in 0..10 {
        call.audio(1, n * 20_000, &[0; 640]);
    }
    until("ten packets", || (packets(&server.host.last(), 1).len() == 10).then_some(())).await;

    proxy.cut(false);
    away(&call).await;
    // What happens meanwhile: somebody comes, somebody goes, somebody agrees; and sound, some of it too old.
    call.leave(2);
    call.track(Track { consent: None, ..buyer(3, "Kim") }).unwrap();
    call.consent(3, Some(Consent { basis: "verbal".into(), reference: String::new() }));
    call.audio(1, 200_000, &[0; 640]);
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    for n in 11..15 {
        call.audio(1, n * 20_000, &[0; 640]);
    }
    proxy.let_in();
    up(&call).await;
    call.audio(3, 300_000, &[0; 640]);
    timeout(PATIENCE, call.stop()).await.unwrap().unwrap();

    assert_eq!(server.host.calls().len(), 1, "it is the same call");
    let host = server.host.last();
    assert!(host.what().contains(&What::Resumed));
    let resumed = host.what().iter().position(|w| *w == What::Resumed).unwrap();
    let after = &host.what()[resumed..];
    assert!(after.contains(&What::Leave { track: TrackId(2) }));
    let consents = |w: &&What| matches!(w, What::Consent { track: TrackId(3), consent: Some(_) });
    assert_eq!(after.iter().filter(consents).count(), 1);
    assert_eq!(names(&host).last().map(String::as_str), Some("Kim"));
    let sound = packets(&host, 1);
    assert_eq!(
        sound[10..],
        [(11, 220_000), (12, 240_000), (13, 260_000), (14, 280_000)],
        "two seconds are kept, not more"
    );
    assert_eq!(packets(&host, 3).len(), 1);
    assert_eq!((call.counts().dropped, call.counts().reconnects), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_was_on_its_way_arrives_all_the_same() {
    let server = serve();
    let proxy = Proxy::before(server.addr).await;
    let call = EngineClient::open(opening(&format!("ws://{}/v1/ingest", proxy.addr))).await.unwrap();
    call.track(Track::new(0, "Lee", Codec::Text)).unwrap();
    // Cut over and over while words are said: each must arrive, in order; twice is allowed.
    for n in 0..200u64 {
        call.words(0, n, n + 1, format!("w{n}"), true);
        if n % 40 == 20 {
            up(&call).await;
            proxy.cut(true);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    timeout(PATIENCE, call.stop()).await.unwrap().unwrap();
    let host = server.host.last();
    let mut heard: Vec<u64> =
        host.what().iter().filter_map(|w| if let What::Words(w) = w { Some(w.start_us) } else { None }).collect();
    assert!(call.counts().reconnects >= 3, "{:?}", call.counts());
    let mut first_times = Vec::new();
    for &n in &heard {
        if !first_times.contains(&n) {
            first_times.push(n);
        }
    }
    assert!(first_times.is_sorted());
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard, (0..200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_is_told_everything_again() {
    let server = serve();
    let call = EngineClient::open(opening(&server.url())).await.unwrap();
    call.status(SourceState::Joined, "");
    call.disclosed("chat", "we listen");
    call.track(buyer(1, "Dana")).unwrap();
    call.track(buyer(2, "Lee")).unwrap();
    call.track(buyer(3, "Gone")).unwrap();
    call.leave(3);
    call.consent(2, None);
    call.pause(2);
    until("the pause", || server.host.last().what().contains(&What::Pause { track: TrackId(2) }).then_some(())).await;
    let addr = server.kill();
    away(&call).await;
    call.audio(1, 0, &[0; 640]);
    let server = serve_at(addr);
    up(&call).await;
    call.audio(1, 20_000, &[0; 640]);
    timeout(PATIENCE, call.stop()).await.unwrap().unwrap();
    let host = server.host.last();
    assert_eq!(host.start.call.as_deref(), Some("acme"));
    assert_eq!(call.started().call, "acme");
    let announced: Vec<_> = host.start.tracks.iter().map(|t| (t.name.as_str(), t.consent.is_some())).collect();
    // "Gone" is there only if the server died before it said that it had taken the news.
    assert_eq!(
        announced.iter().filter(|(name, _)| *name != "Gone").copied().collect::<Vec<_>>(),
        [("Dana", true), ("Lee", false)]
    );
    let what = host.what();
    assert!(what.contains(&What::Pause { track: TrackId(2) }));
    assert!(what.iter().any(|w| matches!(w, What::Disclosed(_))) && what.iter().any(|w| matches!(w, What::Source(_))));
    assert_eq!(packets(&host, 1).last(), Some(&(1, 20_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stays_away_is_given_up() {
    let server = serve();
    let grace = Duration::from_millis(900);
    let call = EngineClient::open(Opening { grace, ..opening(&server.url()) }).await.unwrap();
    server.kill();
    let Over::Lost(why) = timeout(PATIENCE, call.over()).await.unwrap() else { panic!() };
    assert!(why.contains("stayed away"), "{why}");
    assert!(matches!(call.stop().await, Err(Over::Lost(_))));
    // TLS is there; nobody speaks it at the other end.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/v1/ingest", deaf.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = deaf.accept().await {
            drop(socket)
        }
    });
    assert!(matches!(EngineClient::open(opening(&url)).await, Err(Over::Lost(_))));
    let Err(Over::Lost(why)) = EngineClient::open(opening("ws://127.0.0.1:1/v1/ingest")).await else { panic!() };
    assert!(why.contains("is the engine running?"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_end_the_call_and_say_why() {
    let server = serve();
    let wrong = Opening { token: Some("wrong-token".into()), ..opening(&server.url()) };
    assert!(!format!("{wrong:?}").contains("wrong-token"));
    let Err(Over::Refused { code, message }) = EngineClient::open(wrong).await else { panic!() };
    assert_eq!(code, "unauthorized");
    assert!(message.contains("token") && !message.contains("wrong-token"), "{message}");

    let first = EngineClient::open(opening(&server.url())).await.unwrap();
    let second = EngineClient::open(opening(&server.url())).await.unwrap();
    let Over::Refused { code, .. } = timeout(PATIENCE, first.over()).await.unwrap() else { panic!() };
    assert_eq!(code, "replaced");
    first.status(SourceState::Joined, "nobody hears this");
    timeout(PATIENCE, second.stop()).await.unwrap().unwrap();
    assert_eq!(server.host.calls().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_and_crowds_do_not_end_the_call() {
    let server = serve();
    let call = EngineClient::open(opening(&server.url())).await.unwrap();
    for id in 0..MAX_TRACKS as u8 {
        call.track(Track::new(id, "\u{0}\u{202e}x".repeat(500), PCM)).unwrap();
    }
    assert_eq!(call.track(Track::new(200, "one too many", PCM)), Err(TooManyTracks));
    call.leave(0);
    call.track(Track::new(0, "back again", PCM)).unwrap();
    timeout(PATIENCE, call.stop()).await.unwrap().unwrap();
    assert_eq!(names(&server.host.last()).last().map(String::as_str), Some("back again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_sent_whole() {
    let server = serve();
    let call = EngineClient::open(Opening { mode: Mode::Recorded, ..opening(&server.url()) }).await.unwrap();
    call.track(buyer(1, "Dana")).unwrap();
    for n in 0..3_000 {
        call.room().await;
        call.audio(1, n * 100_000, &[0; 3_200]);
    }
    timeout(PATIENCE, call.stop()).await.unwrap().unwrap();
    assert_eq!((packets(&server.host.last(), 1).len(), call.counts().dropped), (3_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_call_cuts_the_connection() {
    let server = serve();
    let call = EngineClient::open(opening(&server.url())).await.unwrap();
    let clone = call.clone();
    drop(call);
    clone.track(buyer(1, "Dana")).unwrap();
    until("a track", || (!names(&server.host.last()).is_empty()).then_some(())).await;
    drop(clone);
    // The id is free for a new connection, which goes on with the call.
    let again = EngineClient::open(opening(&server.url())).await.unwrap();
    assert!(again.started().resumed);
    timeout(PATIENCE, again.stop()).await.unwrap().unwrap();
    assert!(Arc::ptr_eq(&server.host.last(), &server.host.calls()[0]));
}
