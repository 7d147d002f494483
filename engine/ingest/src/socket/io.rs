//! The WebSocket ingest on the network: `GET /v1/ingest`. Who may in, how much, how long; what it hears goes to a
//! [`CallHost`](crate::host::CallHost).

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
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
use reframe_call::{audio::TrackId, input::GapReason};
use tokio::time::timeout;

use super::{
    limit::{LimitConfig, Verdict},
    protocol::{
        ClientMessage, Code, MAX_AUDIO_BYTES, READ_AT_ONCE, Refusal, ServerMessage, Start, parse_binary, parse_text,
    },
};
use crate::{
    access::{Access, Grant, bearer},
    assembler::Mode,
    calls::{Calls, Entry, Feed, IngestCounters},
    intake::{Intake, TEXT_LIMIT},
    item::What,
};

/// Settings of the ingest.
#[derive(Clone, Debug)]
pub struct IngestConfig {
    /// Origins that web pages may connect from. None unless listed; programs send no origin.
    pub allowed_origins: Vec<String>,
    /// What a live connection may send.
    pub limit: LimitConfig,
    /// What a connection may say in text, over and above audio. Default 64 kB/s, 1 MB at once.
    pub text_limit: LimitConfig,
    /// How long to wait for `start`. Default 10 s.
    pub start_timeout: Duration,
    /// A connection that says nothing for so long, not even a pong, is taken for broken. Default 45 s.
    pub idle_timeout: Duration,
    /// How often to ping. Default 15 s.
    pub ping_every: Duration,
    /// How long a call may take to finish after its last audio. Default 60 s.
    pub finish_timeout: Duration,
    /// At most one `dropped` notice in this time. Default 1 s.
    pub notice_every: Duration,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            limit: LimitConfig::default(),
            text_limit: TEXT_LIMIT,
            start_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(45),
            ping_every: Duration::from_secs(15),
            finish_timeout: Duration::from_secs(60),
            notice_every: Duration::from_secs(1),
        }
    }
}

/// Shared by all connections.
pub struct IngestState {
    config: IngestConfig,
    calls: Arc<Calls>,
    access: Arc<dyn Access>,
}

impl IngestState {
    /// For [`router`].
    #[must_use]
    pub fn new(config: IngestConfig, calls: Arc<Calls>, access: Arc<dyn Access>) -> Arc<Self> {
        Arc::new(Self { config, calls, access })
    }

    fn counters(&self) -> &IngestCounters {
        self.calls.counters()
    }
}

/// `GET /v1/ingest`.
pub fn router(state: Arc<IngestState>) -> Router {
    Router::new().route("/v1/ingest", get(upgrade)).with_state(state)
}

pub(crate) fn refuse(status: StatusCode, code: Code, message: &str) -> Response {
    let body = ServerMessage::from(Refusal::new(code, message)).to_json();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn upgrade(State(state): State<Arc<IngestState>>, headers: HeaderMap, socket: WebSocketUpgrade) -> Response {
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or_default());
    if let Some(origin) = origin
        && !state.config.allowed_origins.iter().any(|allowed| allowed == origin)
    {
        state.counters().refused.fetch_add(1, Ordering::Relaxed);
        let message = "web pages may not send audio from this origin; add it to the allowed origins of the ingest";
        return refuse(StatusCode::FORBIDDEN, Code::OriginRefused, message);
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let grant = match state.access.admit(bearer(authorization)) {
        Ok(grant) => grant,
        Err(refusal) => {
            state.counters().refused.fetch_add(1, Ordering::Relaxed);
            return refuse(StatusCode::UNAUTHORIZED, refusal.code, &refusal.message);
        }
    };
    socket
        .read_buffer_size(READ_AT_ONCE)
        .max_message_size(MAX_AUDIO_BYTES)
        .max_frame_size(MAX_AUDIO_BYTES)
        .on_upgrade(move |socket| serve(state, grant, socket))
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

async fn serve(state: Arc<IngestState>, grant: Grant, mut socket: WebSocket) {
    state.counters().connections.fetch_add(1, Ordering::Relaxed);
    let start = match timeout(state.config.start_timeout, first_message(&mut socket)).await {
        Ok(Ok(Some(start))) => start,
        Ok(Ok(None)) => return,
        Ok(Err(refusal)) => {
            state.counters().bad_messages.fetch_add(1, Ordering::Relaxed);
            return close(&mut socket, refusal).await;
        }
        Err(_) => return close(&mut socket, Refusal::new(Code::IdleTimeout, "no `start` came; send it first")).await,
    };
    let feed = match grant.call_for(start.call.as_deref()) {
        Ok(call) => state.calls.enter(&Start { call, ..start }, Entry::TakeOver).await,
        Err(refusal) => Err(refusal),
    };
    let feed = match feed {
        Ok(feed) => feed,
        Err(refusal) => return close(&mut socket, refusal).await,
    };
    let mut connection = Connection::new(&state, feed);
    let outcome = connection.run(&mut socket).await;
    let mut feed = connection.feed;
    match outcome {
        Outcome::Finished => {
            feed.stop().await;
            let last = match timeout(state.config.finish_timeout, feed.finished()).await {
                Ok(ended) => ServerMessage::Ended(ended),
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
        // The feed is dropped, and the call waits for the sender to come back.
        Outcome::Broken => {}
        Outcome::Refused(refusal) => close(&mut socket, refusal).await,
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

/// One connection that feeds a call.
struct Connection {
    state: Arc<IngestState>,
    feed: Feed,
    intake: Intake,
    /// Thrown away since the last notice.
    dropped: u64,
    noticed: Option<Instant>,
}

impl Connection {
    fn new(state: &Arc<IngestState>, feed: Feed) -> Self {
        Self {
            state: Arc::clone(state),
            intake: Intake::new(state.config.limit, state.config.text_limit, feed.tracks(), Instant::now()),
            feed,
            dropped: 0,
            noticed: None,
        }
    }

    async fn run(&mut self, socket: &mut WebSocket) -> Outcome {
        if !say(socket, &ServerMessage::Started(self.feed.started())).await {
            return Outcome::Broken;
        }
        let mut finished = pin!(self.feed.finished());
        let mut replaced = pin!(self.feed.replaced());
        let mut ping = tokio::time::interval(self.state.config.ping_every);
        let mut heard = Instant::now();
        loop {
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
                () = &mut replaced => return Outcome::Replaced,
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

    fn count_dropped(&mut self) {
        self.dropped += 1;
        self.state.counters().dropped.fetch_add(1, Ordering::Relaxed);
    }

    async fn tell(&mut self, what: What) {
        self.dropped += self.feed.tell(what).await;
    }

    async fn text(&mut self, socket: &mut WebSocket, text: &str) -> Option<Outcome> {
        if !self.intake.judge_text(text.len(), Instant::now()) {
            let why = "too many text messages; send audio in binary messages";
            return Some(Outcome::Refused(Refusal::new(Code::TooFast, why)));
        }
        let message = match parse_text(text) {
            Ok(message) => message,
            Err(refusal) => {
                self.state.counters().bad_messages.fetch_add(1, Ordering::Relaxed);
                return Some(Outcome::Refused(refusal));
            }
        };
        let known = |track: u8| {
            let id = TrackId(u16::from(track));
            if self.feed.codec(id).is_some() {
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
            ClientMessage::Stop(_) => return Some(Outcome::Finished),
            ClientMessage::Track(track) => {
                return self.feed.announce(track.info(), track.codec(), track.who()).await.err().map(Outcome::Refused);
            }
            ClientMessage::Pause(pause) => match known(pause.track) {
                Ok(track) => What::Pause { track },
                Err(outcome) => return Some(outcome),
            },
            ClientMessage::Words(words) => match known(words.track) {
                Ok(_) => words.to_item(),
                Err(outcome) => return Some(outcome),
            },
            ClientMessage::Status(status) => What::Source(status),
            ClientMessage::Disclosed(disclosure) => What::Disclosed(disclosure),
            ClientMessage::Erase(erase) => What::Erase { reason: erase.reason },
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
        if self.feed.mode() == Mode::Live {
            // Judged before it is copied: a flood must cost as little as possible.
            let track = message.get(1).map(|&t| TrackId(u16::from(t)));
            let payload = message.get(super::protocol::HEADER_BYTES..).unwrap_or_default();
            let length_us =
                track.and_then(|t| self.feed.codec(t)).and_then(|codec| codec.duration_us(payload)).unwrap_or(20_000);
            let known = track.filter(|&t| self.feed.codec(t).is_some());
            match self.intake.judge_audio(known, message.len(), length_us, self.feed.tracks(), now) {
                Verdict::Pass => {}
                Verdict::Drop => {
                    self.count_dropped();
                    let why = "audio comes faster than a live call can hold; send in real time, or say \"mode\": \"recorded\"";
                    return self.notice(socket, why, now).await;
                }
                Verdict::Close => {
                    self.count_dropped();
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
                self.state.counters().bad_messages.fetch_add(1, Ordering::Relaxed);
                return Some(Outcome::Refused(refusal));
            }
        };
        if self.feed.codec(packet.track).is_none() {
            let why = format!("audio of track {}, which is not known; announce it with `track` first", packet.track);
            return Some(Outcome::Refused(Refusal::new(Code::UnknownTrack, why)));
        }
        if self.intake.take_hole(packet.track) {
            self.tell(What::Dropped { track: packet.track, reason: GapReason::Overflow }).await;
        }
        self.state.counters().packets.fetch_add(1, Ordering::Relaxed);
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
pub(crate) async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(Duration::from_secs(5), socket.send(message)).await, Ok(Ok(())))
}

async fn say(socket: &mut WebSocket, message: &ServerMessage) -> bool {
    send(socket, Message::Text(message.to_json().into())).await
}

pub(crate) async fn hang_up(socket: &mut WebSocket, code: u16, reason: &str) {
    let frame = CloseFrame { code, reason: reason.into() };
    if send(socket, Message::Close(Some(frame))).await {
        // Read to the sender's own close, or the kernel may throw away what it has not read yet.
        let drain = async { while let Some(Ok(_)) = socket.recv().await {} };
        if timeout(Duration::from_secs(1), drain).await.is_err() {
            tracing::debug!("the sender did not close its side");
        }
    }
}

pub(crate) async fn close(socket: &mut WebSocket, refusal: Refusal) {
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
