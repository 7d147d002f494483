//! The WebSocket ingest on the network: `GET /v1/ingest`. Who may in, how much, how long; what it hears goes to a
//! [`CallHost`].

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use reframe_audio::decode::Codec;
use reframe_call::{audio::TrackId, input::GapReason};
use subtle::ConstantTimeEq;
use tokio::{sync::watch, time::timeout};

use super::{
    limit::{LimitConfig, Limiter, Verdict},
    protocol::{
        ClientMessage, Code, Ended, MAX_AUDIO_BYTES, MAX_TRACKS, Refusal, ServerMessage, Start, Started, VERSION,
        parse_binary, parse_text,
    },
};
use crate::{
    assembler::Mode,
    item::{IngestItem, What},
};

/// Opens calls; implemented by the application.
pub trait CallHost: Send + Sync + 'static {
    /// A new call. May take a moment (loading a playbook); runs off the network threads.
    ///
    /// # Errors
    /// [`Refusal`] saying why not: no such playbook, too many calls.
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal>;
}

/// A call as its ingest sees it.
pub trait CallHandle: Send + Sync {
    /// What to tell the sender; `version` and `resumed` are filled in here.
    fn started(&self) -> Started;

    /// Live: takes an item without ever waiting. A full queue throws away its oldest audio, counts it, and leaves a
    /// [`What::Dropped`]. Returns how many packets were thrown away.
    fn push(&self, item: IngestItem) -> u64;

    /// Recorded: takes an item when there is room, so that the sender is held back. Returns at once if the call is over.
    fn push_when_room<'a>(&'a self, item: IngestItem) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Waits until the call is over, for whatever reason, and says how it went. Can be asked more than once.
    fn finished<'a>(&'a self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;
}

/// Settings of the ingest.
#[derive(Clone, Debug)]
pub struct IngestConfig {
    /// Token a sender must bring (`Authorization: Bearer …`). `None` lets everybody in: for a loopback address only.
    pub token: Option<String>,
    /// Origins that web pages may connect from. None unless listed; programs send no origin.
    pub allowed_origins: Vec<String>,
    /// What a live connection may send.
    pub limit: LimitConfig,
    /// What a connection may say in text, over and above audio. Default 64 kB/s, 1 MB at once.
    pub text_limit: LimitConfig,
    /// Participants per call; more than [`MAX_TRACKS`] are never taken. Default that many.
    pub max_tracks: usize,
    /// How long to wait for `start`. Default 10 s.
    pub start_timeout: Duration,
    /// A connection that says nothing for so long, not even a pong, is taken for broken. Default 45 s.
    pub idle_timeout: Duration,
    /// How often to ping. Default 15 s.
    pub ping_every: Duration,
    /// How long a call waits for its sender to come back. Default 30 s.
    pub resume_grace: Duration,
    /// How long a call may take to finish after its last audio. Default 60 s.
    pub finish_timeout: Duration,
    /// At most one `dropped` notice in this time. Default 1 s.
    pub notice_every: Duration,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            token: None,
            allowed_origins: Vec::new(),
            limit: LimitConfig::default(),
            text_limit: LimitConfig { bytes_per_s: 64_000, burst_bytes: 1_000_000, ..LimitConfig::default() },
            max_tracks: MAX_TRACKS,
            start_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(45),
            ping_every: Duration::from_secs(15),
            resume_grace: Duration::from_secs(30),
            finish_timeout: Duration::from_secs(60),
            notice_every: Duration::from_secs(1),
        }
    }
}

/// What became of connections and messages, since the start.
#[derive(Debug, Default)]
pub struct IngestCounters {
    /// Connections refused before they began: token, origin.
    pub refused: AtomicU64,
    /// Connections taken.
    pub connections: AtomicU64,
    /// Connections that went on with a call.
    pub resumed: AtomicU64,
    /// Calls given up because their sender did not come back.
    pub abandoned: AtomicU64,
    /// Audio messages taken.
    pub packets: AtomicU64,
    /// Audio messages thrown away by a limit or a full queue.
    pub dropped: AtomicU64,
    /// Messages that could not be understood.
    pub bad_messages: AtomicU64,
}

/// A call whose sender is connected, or may come back.
struct OpenCall {
    handle: Arc<dyn CallHandle>,
    mode: Mode,
    /// Number of the connection that feeds it; a newer one turns the older away.
    connection: watch::Sender<u64>,
    codecs: BTreeMap<TrackId, Codec>,
}

/// Shared by all connections.
pub struct IngestState {
    config: IngestConfig,
    host: Arc<dyn CallHost>,
    open: Mutex<BTreeMap<String, OpenCall>>,
    counters: IngestCounters,
}

impl IngestState {
    /// For [`router`].
    #[must_use]
    pub fn new(config: IngestConfig, host: Arc<dyn CallHost>) -> Arc<Self> {
        Arc::new(Self { config, host, open: Mutex::default(), counters: IngestCounters::default() })
    }

    /// What became of connections and messages.
    #[must_use]
    pub const fn counters(&self) -> &IngestCounters {
        &self.counters
    }

    fn open_calls(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, OpenCall>> {
        // The map is whole after every statement that holds the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `GET /v1/ingest`.
pub fn router(state: Arc<IngestState>) -> Router {
    Router::new().route("/v1/ingest", get(upgrade)).with_state(state)
}

/// Does `given` hold the bearer token `wanted`? Takes as long for a near miss as for a far one.
fn token_fits(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = match given.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => "",
    };
    bool::from(given.as_bytes().ct_eq(wanted.as_bytes()))
}

fn refuse(status: StatusCode, code: Code, message: &str) -> Response {
    let body = ServerMessage::from(Refusal::new(code, message)).to_json();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn upgrade(State(state): State<Arc<IngestState>>, headers: HeaderMap, socket: WebSocketUpgrade) -> Response {
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or_default());
    if let Some(origin) = origin
        && !state.config.allowed_origins.iter().any(|allowed| allowed == origin)
    {
        state.counters.refused.fetch_add(1, Ordering::Relaxed);
        let message = "web pages may not send audio from this origin; add it to the allowed origins of the ingest";
        return refuse(StatusCode::FORBIDDEN, Code::OriginRefused, message);
    }
    if let Some(token) = &state.config.token
        && !token_fits(&headers, token)
    {
        state.counters.refused.fetch_add(1, Ordering::Relaxed);
        let message = "wrong or missing token; send it as `Authorization: Bearer TOKEN`";
        return refuse(StatusCode::UNAUTHORIZED, Code::Unauthorized, message);
    }
    socket
        .max_message_size(MAX_AUDIO_BYTES)
        .max_frame_size(MAX_AUDIO_BYTES)
        .on_upgrade(move |socket| serve(state, socket))
}

/// Why a connection's loop ended.
enum Outcome {
    /// `stop`, or the call ended by itself: say so and close.
    Finished,
    /// The connection broke: the sender may come back.
    Broken,
    /// Closed by us for cause; the sender may come back.
    Refused(Refusal),
    /// A newer connection feeds the call.
    Replaced,
}

async fn serve(state: Arc<IngestState>, mut socket: WebSocket) {
    state.counters.connections.fetch_add(1, Ordering::Relaxed);
    let start = match timeout(state.config.start_timeout, first_message(&mut socket)).await {
        Ok(Ok(Some(start))) => start,
        Ok(Ok(None)) => return,
        Ok(Err(refusal)) => {
            state.counters.bad_messages.fetch_add(1, Ordering::Relaxed);
            return close(&mut socket, refusal).await;
        }
        Err(_) => return close(&mut socket, Refusal::new(Code::IdleTimeout, "no `start` came; send it first")).await,
    };
    let (call, mut connection) = match enter(&state, start).await {
        Ok(entered) => entered,
        Err(refusal) => return close(&mut socket, refusal).await,
    };
    let number = connection.connection;
    let outcome = connection.run(&mut socket).await;
    let handle = Arc::clone(&connection.handle);
    match outcome {
        Outcome::Finished => {
            let ended = timeout(state.config.finish_timeout, handle.finished()).await;
            remove(&state, &call, number);
            let last = match ended {
                Ok(mut ended) => {
                    ended.call.clone_from(&call);
                    ServerMessage::Ended(ended)
                }
                Err(_) => {
                    Refusal::new(Code::Internal, "the call did not finish in time; its log may be incomplete").into()
                }
            };
            say(&mut socket, &last).await;
            hang_up(&mut socket, 1000, "the call is over").await;
        }
        Outcome::Replaced => {
            let refusal = Refusal::new(Code::Replaced, "another connection goes on with this call");
            close(&mut socket, refusal).await;
        }
        Outcome::Broken => wait_for_return(state, call, number),
        Outcome::Refused(refusal) => {
            close(&mut socket, refusal).await;
            wait_for_return(state, call, number);
        }
    }
}

/// The `start`; `None` if the connection broke first.
async fn first_message(socket: &mut WebSocket) -> Result<Option<Start>, Refusal> {
    loop {
        let first = |message: &str| Err(Refusal::new(Code::OutOfOrder, message));
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => match parse_text(&text)? {
                ClientMessage::Start(start) => return Ok(Some(start)),
                ClientMessage::Ping(_) if say(socket, &ServerMessage::Pong {}).await => {}
                ClientMessage::Ping(_) => return Ok(None),
                _ => return first("the first message must be `start`"),
            },
            Some(Ok(Message::Binary(_))) => return first("audio before `start`; send `start` first"),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
        }
    }
}

/// Refuses more participants than a call may have.
fn check_tracks(state: &IngestState, tracks: usize) -> Result<(), Refusal> {
    let most = state.config.max_tracks.min(MAX_TRACKS);
    if tracks > most {
        return Err(Refusal::new(Code::BadMessage, format!("{tracks} tracks; a call has at most {most} here")));
    }
    Ok(())
}

/// Opens the call or goes on with it.
async fn enter(state: &Arc<IngestState>, start: Start) -> Result<(String, Connection), Refusal> {
    check_tracks(state, start.tracks.len())?;
    if let Some(id) = &start.call
        && let Some(connection) = resume(state, id, &start)
    {
        state.counters.resumed.fetch_add(1, Ordering::Relaxed);
        return Ok((id.clone(), connection));
    }
    let host = Arc::clone(&state.host);
    let asked = start.clone();
    let handle = tokio::task::spawn_blocking(move || host.open(&asked))
        .await
        .map_err(|_| Refusal::new(Code::Internal, "the call could not be opened; see the server's log"))??;
    let handle: Arc<dyn CallHandle> = Arc::from(handle);
    let call = handle.started().call;
    let (sender, receiver) = watch::channel(1);
    let codecs = start.tracks.iter().map(|t| (TrackId(u16::from(t.track)), t.codec())).collect();
    let opened = OpenCall { handle: Arc::clone(&handle), mode: start.mode, connection: sender, codecs };
    let connection = Connection::new(state, &call, &opened, receiver, &start, false);
    state.open_calls().insert(call.clone(), opened);
    Ok((call, connection))
}

fn resume(state: &Arc<IngestState>, id: &str, start: &Start) -> Option<Connection> {
    let mut open = state.open_calls();
    let call = open.get_mut(id)?;
    call.connection.send_modify(|number| *number += 1);
    for track in &start.tracks {
        call.codecs.insert(TrackId(u16::from(track.track)), track.codec());
    }
    let receiver = call.connection.subscribe();
    Some(Connection::new(state, id, call, receiver, start, true))
}

/// Forgets a call, unless a newer connection feeds it.
fn remove(state: &IngestState, call: &str, number: u64) -> Option<Arc<dyn CallHandle>> {
    let mut open = state.open_calls();
    if *open.get(call)?.connection.borrow() != number {
        return None;
    }
    open.remove(call).map(|call| call.handle)
}

/// Gives the sender time to come back; then ends the call.
fn wait_for_return(state: Arc<IngestState>, call: String, number: u64) {
    tokio::spawn(async move {
        tokio::time::sleep(state.config.resume_grace).await;
        if let Some(handle) = remove(&state, &call, number) {
            state.counters.abandoned.fetch_add(1, Ordering::Relaxed);
            tracing::info!(call, "the sender did not come back; ending the call");
            handle.push_when_room(IngestItem::new(Instant::now(), What::End)).await;
        }
    });
}

/// One connection that feeds a call.
struct Connection {
    state: Arc<IngestState>,
    call: String,
    handle: Arc<dyn CallHandle>,
    mode: Mode,
    connection: u64,
    newest: watch::Receiver<u64>,
    codecs: BTreeMap<TrackId, Codec>,
    limiter: Limiter,
    text_limiter: Limiter,
    greeting: Vec<What>,
    resumed: bool,
    /// Thrown away since the last notice.
    dropped: u64,
    /// Tracks to be told about what was thrown away.
    holed: BTreeSet<TrackId>,
    noticed: Option<Instant>,
}

impl Connection {
    fn new(
        state: &Arc<IngestState>,
        id: &str,
        call: &OpenCall,
        newest: watch::Receiver<u64>,
        start: &Start,
        resumed: bool,
    ) -> Self {
        let mut greeting: Vec<What> = if resumed { vec![What::Resumed] } else { Vec::new() };
        greeting.extend(start.tracks.iter().map(super::protocol::TrackStart::to_item));
        Self {
            state: Arc::clone(state),
            call: id.to_owned(),
            handle: Arc::clone(&call.handle),
            mode: call.mode,
            connection: *call.connection.borrow(),
            newest,
            codecs: call.codecs.clone(),
            limiter: Limiter::new(state.config.limit, call.codecs.len(), Instant::now()),
            text_limiter: Limiter::new(state.config.text_limit, 1, Instant::now()),
            greeting,
            resumed,
            dropped: 0,
            holed: BTreeSet::new(),
            noticed: None,
        }
    }

    async fn run(&mut self, socket: &mut WebSocket) -> Outcome {
        let started =
            Started { call: self.call.clone(), version: VERSION, resumed: self.resumed, ..self.handle.started() };
        if !say(socket, &ServerMessage::Started(started)).await {
            return Outcome::Broken;
        }
        for what in std::mem::take(&mut self.greeting) {
            self.tell(what).await;
        }
        let handle = Arc::clone(&self.handle);
        let mut finished = handle.finished();
        let mut newest = self.newest.clone();
        let mut ping = tokio::time::interval(self.state.config.ping_every);
        let mut heard = Instant::now();
        loop {
            if *newest.borrow_and_update() != self.connection {
                return Outcome::Replaced;
            }
            tokio::select! {
                message = socket.recv() => {
                    heard = Instant::now();
                    let outcome = match message {
                        Some(Ok(Message::Text(text))) => self.text(socket, &text).await,
                        Some(Ok(Message::Binary(bytes))) => self.audio(socket, &bytes).await,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => Some(Outcome::Broken),
                    };
                    if let Some(outcome) = outcome {
                        return outcome;
                    }
                }
                _ = &mut finished => return Outcome::Finished,
                _ = newest.changed() => {}
                _ = ping.tick() => {
                    if heard.elapsed() > self.state.config.idle_timeout {
                        let why = "nothing was heard for too long; connect again with the same call id to go on";
                        return Outcome::Refused(Refusal::new(Code::IdleTimeout, why));
                    }
                    if !send(socket, Message::Ping(Bytes::new())).await {
                        return Outcome::Broken;
                    }
                }
            }
        }
    }

    /// Hands an item over: at once in a live call, when there is room in a recorded one.
    async fn tell(&mut self, what: What) {
        let item = IngestItem::new(Instant::now(), what);
        match self.mode {
            Mode::Live => {
                let dropped = self.handle.push(item);
                self.count_dropped(dropped);
            }
            Mode::Recorded => self.handle.push_when_room(item).await,
        }
    }

    fn count_dropped(&mut self, packets: u64) {
        self.dropped += packets;
        self.state.counters.dropped.fetch_add(packets, Ordering::Relaxed);
    }

    async fn text(&mut self, socket: &mut WebSocket, text: &str) -> Option<Outcome> {
        // News cannot be thrown away like audio, so too much of it ends the connection at once.
        if self.text_limiter.judge(text.len(), 0, 1, Instant::now()) != Verdict::Pass {
            let why = "too many text messages; send audio in binary messages";
            return Some(Outcome::Refused(Refusal::new(Code::TooFast, why)));
        }
        let message = match parse_text(text) {
            Ok(message) => message,
            Err(refusal) => {
                self.state.counters.bad_messages.fetch_add(1, Ordering::Relaxed);
                return Some(Outcome::Refused(refusal));
            }
        };
        let known = |track: u8| {
            let id = TrackId(u16::from(track));
            if self.codecs.contains_key(&id) {
                return Ok(id);
            }
            let why = format!("track {track} is not known; announce it with `track` first");
            Err(Outcome::Refused(Refusal::new(Code::UnknownTrack, why)))
        };
        let what = match message {
            ClientMessage::Start(_) => {
                let why = "`start` came twice; announce participants with `track`";
                return Some(Outcome::Refused(Refusal::new(Code::OutOfOrder, why)));
            }
            ClientMessage::Ping(_) => {
                return if say(socket, &ServerMessage::Pong {}).await { None } else { Some(Outcome::Broken) };
            }
            ClientMessage::Stop(_) => {
                self.tell(What::End).await;
                return Some(Outcome::Finished);
            }
            ClientMessage::Track(track) => {
                self.codecs.insert(TrackId(u16::from(track.track)), track.codec());
                if let Err(refusal) = check_tracks(&self.state, self.codecs.len()) {
                    return Some(Outcome::Refused(refusal));
                }
                if let Some(call) = self.state.open_calls().get_mut(&self.call) {
                    call.codecs.clone_from(&self.codecs);
                }
                track.to_item()
            }
            ClientMessage::Gap(gap) => match known(gap.track) {
                Ok(track) => What::Gap { track, until_us: gap.until_us },
                Err(outcome) => return Some(outcome),
            },
            ClientMessage::Leave(leave) => match known(leave.track) {
                Ok(track) => What::Leave { track },
                Err(outcome) => return Some(outcome),
            },
            ClientMessage::Consent(consent) => match known(consent.track) {
                Ok(track) => What::Consent { track, consent: consent.consent },
                Err(outcome) => return Some(outcome),
            },
        };
        self.tell(what).await;
        None
    }

    async fn audio(&mut self, socket: &mut WebSocket, message: &[u8]) -> Option<Outcome> {
        let now = Instant::now();
        if self.mode == Mode::Live {
            // Judged before it is copied: a flood must cost as little as possible.
            let track = message.get(1).map(|&t| TrackId(u16::from(t)));
            let payload = message.get(super::protocol::HEADER_BYTES..).unwrap_or_default();
            let length_us =
                track.and_then(|t| self.codecs.get(&t)).and_then(|codec| codec.duration_us(payload)).unwrap_or(20_000);
            match self.limiter.judge(message.len(), length_us, self.codecs.len(), now) {
                Verdict::Pass => {}
                Verdict::Drop => {
                    self.count_dropped(1);
                    self.holed.extend(track.filter(|t| self.codecs.contains_key(t)));
                    let why = "audio comes faster than a live call can hold; send in real time, or say \"mode\": \"recorded\"";
                    return self.notice(socket, why, now).await;
                }
                Verdict::Close => {
                    self.count_dropped(1);
                    let why = format!(
                        "audio came far faster than real time for {} s; send in real time, or say \"mode\": \"recorded\"",
                        self.state.config.limit.patience.as_secs()
                    );
                    return Some(Outcome::Refused(Refusal::new(Code::TooFast, why)));
                }
            }
        }
        let packet = match parse_binary(message) {
            Ok(packet) => packet,
            Err(refusal) => {
                self.state.counters.bad_messages.fetch_add(1, Ordering::Relaxed);
                return Some(Outcome::Refused(refusal));
            }
        };
        if !self.codecs.contains_key(&packet.track) {
            let why = format!("audio of track {}, which is not known; announce it with `track` first", packet.track);
            return Some(Outcome::Refused(Refusal::new(Code::UnknownTrack, why)));
        }
        if self.holed.remove(&packet.track) {
            self.tell(What::Dropped { track: packet.track, reason: GapReason::Overflow }).await;
        }
        self.state.counters.packets.fetch_add(1, Ordering::Relaxed);
        self.tell(What::Packet(packet)).await;
        self.notice(socket, "this machine is behind; the oldest audio was dropped", now).await
    }

    /// Says how many packets were thrown away, if any and if it is time.
    async fn notice(&mut self, socket: &mut WebSocket, why: &str, now: Instant) -> Option<Outcome> {
        let due = self.noticed.is_none_or(|at| now.saturating_duration_since(at) >= self.state.config.notice_every);
        if self.dropped == 0 || !due {
            return None;
        }
        self.noticed = Some(now);
        let packets = std::mem::take(&mut self.dropped);
        let notice = ServerMessage::Dropped { packets, why: why.to_owned() };
        if say(socket, &notice).await { None } else { Some(Outcome::Broken) }
    }
}

/// A sender that does not read must not hold us up for ever.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(Duration::from_secs(5), socket.send(message)).await, Ok(Ok(())))
}

async fn say(socket: &mut WebSocket, message: &ServerMessage) -> bool {
    send(socket, Message::Text(message.to_json().into())).await
}

async fn hang_up(socket: &mut WebSocket, code: u16, reason: &str) {
    let frame = CloseFrame { code, reason: reason.into() };
    if send(socket, Message::Close(Some(frame))).await {
        // Read to the sender's own close, or the kernel may throw away what it has not read yet.
        let drain = async { while let Some(Ok(_)) = socket.recv().await {} };
        if timeout(Duration::from_secs(1), drain).await.is_err() {
            tracing::debug!("the sender did not close its side");
        }
    }
}

async fn close(socket: &mut WebSocket, refusal: Refusal) {
    let code = match refusal.code {
        Code::TooFast => 1008,
        Code::BadMessage | Code::OutOfOrder | Code::UnknownTrack | Code::BadVersion => 1002,
        Code::Busy => 1013,
        Code::Internal => 1011,
        _ => 1000,
    };
    tracing::info!(code = ?refusal.code, "closing an ingest connection: {refusal}");
    // A close reason holds 123 bytes; the whole sentence goes ahead of it.
    let reason: String = refusal.message.chars().take(60).collect();
    if say(socket, &refusal.into()).await {
        hang_up(socket, code, &reason).await;
    }
}
