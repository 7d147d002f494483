//! What the WHIP tests share: a host that keeps what it gets, a server, plain HTTP, and a sender over WebRTC.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses its own part of it

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reframe_call::audio::TrackId;
use reframe_ingest::{
    CallHandle, CallHost, Calls, CallsConfig, IngestItem, OneToken, What,
    item::Packet,
    socket::protocol::{Code, Ended, Refusal, Start, Started},
    whip::{WhipConfig, WhipState, router},
};
use rtc::{
    peer_connection::configuration::RTCOfferOptions,
    rtp_transceiver::rtp_sender::{
        RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
};
use webrtc::{
    media_stream::{
        MediaStreamTrack,
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    },
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
        RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder,
    },
};

/// How long anything may take; generous, since machines that run tests are busy.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// What everybody must show.
pub const TOKEN: &str = "a-token-for-tests";

/// Waits until `done` holds.
pub async fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A call that keeps what it gets.
pub struct Call {
    pub id: String,
    pub start: Start,
    items: Mutex<Vec<IngestItem>>,
    ended: watch::Sender<bool>,
}

impl Call {
    pub fn items(&self) -> Vec<IngestItem> {
        self.items.lock().unwrap().clone()
    }

    pub fn whats(&self) -> Vec<What> {
        self.items().into_iter().map(|i| i.what).collect()
    }

    pub fn packets(&self, track: u16) -> Vec<Packet> {
        let of = |what| match what {
            What::Packet(packet) if packet.track == TrackId(track) => Some(packet),
            _ => None,
        };
        self.whats().into_iter().filter_map(of).collect()
    }

    /// The states of the source, in order.
    pub fn states(&self) -> Vec<String> {
        let of = |what| match what {
            What::Source(status) => Some(status.state.as_str().to_owned()),
            _ => None,
        };
        self.whats().into_iter().filter_map(of).collect()
    }

    pub fn has(&self, wanted: &What) -> bool {
        self.whats().contains(wanted)
    }

    /// Ends it, as a server does that stops.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }
}

struct Handle(Arc<Call>);

impl CallHandle for Handle {
    fn started(&self) -> Started {
        let overlay_url = Some(format!("http://127.0.0.1:1/overlay#call={}", self.0.id));
        Started { call: self.0.id.clone(), overlay_url, ..Started::default() }
    }

    fn push(&self, item: IngestItem) -> u64 {
        let end = item.what == What::End;
        self.0.items.lock().unwrap().push(item);
        if end {
            self.0.end();
        }
        0
    }

    fn push_when_room<'a>(&'a self, item: IngestItem) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            self.push(item);
        })
    }

    fn finished<'a>(&'a self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'a>> {
        Box::pin(async move {
            self.0.ended.subscribe().wait_for(|e| *e).await.unwrap();
            Ended::default()
        })
    }
}

/// Keeps the calls.
#[derive(Default)]
pub struct Host {
    calls: Mutex<Vec<Arc<Call>>>,
}

impl CallHost for Host {
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal> {
        match start.playbook.as_deref() {
            Some("none") => return Err(Refusal::new(Code::UnknownPlaybook, "no playbook `none`; known are: b2b-saas")),
            Some("busy") => return Err(Refusal::new(Code::Busy, "8 calls are running; try again later")),
            Some("over") => return Err(Refusal::new(Code::CallEnded, "this call is over; choose another id")),
            _ => {}
        }
        let mut calls = self.calls.lock().unwrap();
        let call = Arc::new(Call {
            id: start.call.clone().unwrap_or_else(|| format!("call-{}", calls.len())),
            start: start.clone(),
            items: Mutex::default(),
            ended: watch::Sender::new(false),
        });
        calls.push(Arc::clone(&call));
        Ok(Box::new(Handle(call)))
    }
}

/// A server with nothing but WHIP.
pub struct Server {
    pub addr: String,
    pub host: Arc<Host>,
    pub calls: Arc<Calls>,
    pub whip: Arc<WhipState>,
    /// How often somebody joined each call, as far as tests have waited for it.
    joined: Mutex<BTreeMap<String, usize>>,
}

impl Server {
    fn named(&self, id: &str) -> Arc<Call> {
        Arc::clone(self.host.calls.lock().unwrap().iter().find(|c| c.id == id).unwrap())
    }

    fn joined_before(&self, call: &Call) -> usize {
        self.joined.lock().unwrap().get(&call.id).copied().unwrap_or(0)
    }

    pub async fn start(config: WhipConfig) -> Self {
        let host = Arc::new(Host::default());
        let calls = Calls::new(CallsConfig::default(), Arc::clone(&host) as Arc<dyn CallHost>);
        let whip = WhipState::new(config, Arc::clone(&calls), OneToken::new(Some(TOKEN.into())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let app = router(Arc::clone(&whip));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, host, calls, whip, joined: Mutex::default() }
    }

    /// On loopback, with defaults.
    pub fn config() -> WhipConfig {
        WhipConfig::new([127, 0, 0, 1].into())
    }

    pub fn call(&self, n: usize) -> Arc<Call> {
        Arc::clone(&self.host.calls.lock().unwrap()[n])
    }

    pub fn count(&self) -> usize {
        self.host.calls.lock().unwrap().len()
    }

    pub async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("Authorization", "Bearer a-token-for-tests")];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend(headers.iter().copied().filter(|(_, value)| !value.is_empty()));
        request(&self.addr, method, path, &all, body).await
    }

    pub async fn post(&self, query: &str, offer: &str) -> Answer {
        self.request("POST", &format!("/v1/whip?{query}"), &[("Content-Type", "application/sdp")], offer).await
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// One request on a connection of its own.
pub async fn request(addr: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut socket = tokio::net::TcpStream::connect(addr).await.unwrap();
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    text += body;
    // A server that has read enough answers before it has read all.
    let _sent = socket.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let _read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) =
        answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

struct Events {
    gathered: watch::Sender<u64>,
    state: watch::Sender<RTCPeerConnectionState>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_modify(|n| *n += 1);
        }
    }
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }
}

/// A sender over WebRTC with full power over numbers and times.
pub struct Sender {
    pub connection: Arc<dyn PeerConnection>,
    pub tracks: Vec<Arc<TrackLocalStaticRTP>>,
    pub session: String,
    pub etag: String,
    pub answer: Answer,
    state: watch::Receiver<RTCPeerConnectionState>,
    gathered: watch::Receiver<u64>,
}

impl Sender {
    /// Its offer, of so many audio lines.
    pub async fn offer(lines: usize) -> (Self, String) {
        let codec = RTCRtpCodec {
            mime_type: "audio/opus".into(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: "minptime=10;useinbandfec=1".into(),
            rtcp_feedback: vec![],
        };
        let mut media = MediaEngine::default();
        let parameters = RTCRtpCodecParameters { rtp_codec: codec.clone(), payload_type: 109 };
        media.register_codec(parameters, RtpCodecKind::Audio).unwrap();
        let (gathered, gathered_seen) = watch::channel(0);
        let (state, state_seen) = watch::channel(RTCPeerConnectionState::New);
        let connection = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(Registry::new())
            .with_setting_engine(SettingEngineBuilder::new().with_include_loopback_candidate(true).build())
            .with_handler(Arc::new(Events { gathered, state }))
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build()
            .await
            .unwrap();
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        let mut tracks = Vec::new();
        for n in 0..lines {
            let coding = RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(1_000 + n as u32), ..Default::default() },
                codec: codec.clone(),
                ..Default::default()
            };
            // All of one name, as a careless sender might.
            let track =
                MediaStreamTrack::new("s".into(), format!("t{n}"), "mic".into(), RtpCodecKind::Audio, vec![coding]);
            let track = Arc::new(TrackLocalStaticRTP::new(track));
            connection.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await.unwrap();
            tracks.push(track);
        }
        let answer = Answer { status: 0, head: String::new(), body: String::new() };
        let mut this = Self {
            connection,
            tracks,
            session: String::new(),
            etag: String::new(),
            answer,
            state: state_seen,
            gathered: gathered_seen,
        };
        let offer = this.describe(None).await;
        (this, offer)
    }

    async fn describe(&mut self, options: Option<RTCOfferOptions>) -> String {
        let before = *self.gathered.borrow_and_update();
        let offer = self.connection.create_offer(options).await.unwrap();
        self.connection.set_local_description(offer).await.unwrap();
        tokio::time::timeout(PATIENCE, self.gathered.wait_for(|n| *n > before)).await.unwrap().unwrap();
        // Its own answers are sendrecv; a sender says what it does.
        self.connection.local_description().await.unwrap().sdp.replace("a=sendrecv", "a=sendonly")
    }

    /// Joins, and waits until it is connected.
    pub async fn join(server: &Server, query: &str, lines: usize) -> Self {
        let (mut this, offer) = Self::offer(lines).await;
        let answer = server.post(query, &offer).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        this.session = answer.header("Location").unwrap().to_owned();
        this.etag = answer.header("ETag").unwrap().to_owned();
        let theirs = RTCSessionDescription::answer(answer.body.clone()).unwrap();
        this.connection.set_remote_description(theirs).await.unwrap();
        let call = server.named(answer.header("Reframe-Call").unwrap());
        this.answer = answer;
        this.connected().await;
        // Our side is connected a moment before theirs, and what is sent in between is lost.
        let theirs = || call.states().iter().filter(|s| *s == "joined").count();
        wait_until("the server's side", || theirs() > server.joined_before(&call)).await;
        server.joined.lock().unwrap().insert(call.id.clone(), theirs());
        this
    }

    pub async fn connected(&mut self) {
        let connected = self.state.wait_for(|s| *s == RTCPeerConnectionState::Connected);
        tokio::time::timeout(PATIENCE, connected).await.expect("connects").unwrap();
    }

    /// Sends one packet; the payload's first byte says Opus, SILK, 20 ms.
    pub async fn send(&self, line: usize, sequence: u16, timestamp: u32, payload: &[u8]) {
        let header = rtc::rtp::Header {
            version: 2,
            payload_type: 109,
            sequence_number: sequence,
            timestamp,
            ssrc: 1_000 + line as u32,
            ..Default::default()
        };
        let packet = rtc::rtp::Packet { header, payload: payload.to_vec().into() };
        self.tracks[line].write_rtp(packet).await.unwrap();
    }

    /// Restarts ICE: the fragment of the new ICE session.
    pub async fn restart(&mut self) -> String {
        let offer = self.describe(Some(RTCOfferOptions { ice_restart: true })).await;
        let keep = |l: &&str| ["a=ice-ufrag:", "a=ice-pwd:", "a=mid:", "a=candidate:"].iter().any(|p| l.starts_with(p));
        let lines: Vec<&str> = offer.lines().filter(keep).collect();
        lines.join("\r\n") + "\r\n"
    }

    /// Takes the server's side of a restarted ICE session.
    pub async fn restarted(&self, fragment: &str) {
        let value = |name: &str| fragment.lines().find_map(|l| l.strip_prefix(name)).unwrap().to_owned();
        let answer: Vec<String> = self
            .answer
            .body
            .lines()
            .filter(|l| !l.starts_with("a=candidate:") && !l.starts_with("a=end-of"))
            .map(|l| match l {
                l if l.starts_with("a=ice-ufrag:") => format!("a=ice-ufrag:{}", value("a=ice-ufrag:")),
                l if l.starts_with("a=ice-pwd:") => format!("a=ice-pwd:{}", value("a=ice-pwd:")),
                l => l.to_owned(),
            })
            .collect();
        let candidates: String =
            fragment.lines().filter(|l| l.starts_with("a=candidate:")).map(|l| format!("{l}\r\n")).collect();
        let theirs = RTCSessionDescription::answer(answer.join("\r\n") + "\r\n" + &candidates).unwrap();
        self.connection.set_remote_description(theirs).await.unwrap();
    }
}
