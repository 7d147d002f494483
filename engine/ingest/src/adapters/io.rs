//! The adapters on the network: `GET /v1/adapters/{vendor}`, a WebSocket that a vendor's bot opens to us.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, LazyLock, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{
        Path, Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::get,
};
use base64::Engine as _;
use reframe_call::{
    audio::{TrackId, TrackInfo},
    deal::Deal,
    input::GapReason,
};
use tokio::time::timeout;

use super::{Adapter, Facts, MAX_MESSAGE_BYTES, Person, Step, Vendor};
use crate::{
    access::{Access, Grant, bearer},
    assembler::Mode,
    calls::{Calls, Entry, Feed},
    intake::{Intake, TEXT_LIMIT},
    item::{IngestItem, Packet, What, Words},
    socket::{
        io::{close, hang_up, refuse, send},
        limit::{LimitConfig, Verdict},
        protocol::{Code, READ_AT_ONCE, Refusal, Start, VERSION},
    },
};

/// Settings of the adapters.
#[derive(Clone, Debug)]
pub struct AdaptersConfig {
    /// What a connection may send.
    pub limit: LimitConfig,
    /// How long to wait for the message that names the call. Default 10 s.
    pub open_timeout: Duration,
    /// A connection that says nothing for so long, not even a pong, is taken for broken. Default 45 s.
    pub idle_timeout: Duration,
    /// How often to ping. Default 15 s.
    pub ping_every: Duration,
    /// Messages that cannot be understood, after which a connection is closed. Default 10.
    pub max_bad_messages: u32,
    /// How long a call may take to finish after its last audio. Default 60 s.
    pub finish_timeout: Duration,
}

impl Default for AdaptersConfig {
    fn default() -> Self {
        Self {
            limit: LimitConfig::default(),
            open_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(45),
            ping_every: Duration::from_secs(15),
            max_bad_messages: 10,
            finish_timeout: Duration::from_secs(60),
        }
    }
}

struct Shared {
    config: AdaptersConfig,
    calls: Arc<Calls>,
    access: Arc<dyn Access>,
}

/// `GET /v1/adapters/{vendor}`.
pub fn router(config: AdaptersConfig, calls: Arc<Calls>, access: Arc<dyn Access>) -> Router {
    let shared = Arc::new(Shared { config, calls, access });
    Router::new().route("/v1/adapters/{vendor}", get(upgrade)).with_state(shared)
}

/// A message that cannot be understood.
pub(super) fn bad_message(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::BadMessage, why.to_string())
}

/// Audio in base64.
pub(super) fn base64_audio(text: &str) -> Result<Vec<u8>, Refusal> {
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| bad_message("audio is no base64"))?;
    if bytes.is_empty() { Err(bad_message("a packet without audio")) } else { Ok(bytes) }
}

/// Seconds as vendors write them; what makes no sense is zero.
pub(super) fn seconds_to_us(seconds: f64) -> u64 {
    if seconds.is_finite() && seconds > 0.0 { (seconds * 1_000_000.0).min(1e18) as u64 } else { 0 }
}

/// This machine's clock for vendors whose packets carry no time.
fn now_us() -> u64 {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(EPOCH.elapsed().as_micros()).unwrap_or(u64::MAX)
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Path(vendor): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    let counters = shared.calls.counters();
    let turn_away = |status: StatusCode, refusal: &Refusal| {
        counters.refused.fetch_add(1, Ordering::Relaxed);
        tracing::info!(code = ?refusal.code, "a vendor's bot was refused: {refusal}");
        refuse(status, refusal.code, &refusal.message)
    };
    let Some(vendor) = Vendor::of(&vendor) else {
        let known: Vec<&str> = Vendor::ALL.iter().map(|v| v.name()).collect();
        let why = format!("no adapter has this name; there are {}", known.join(", "));
        return turn_away(StatusCode::NOT_FOUND, &Refusal::new(Code::BadMessage, why));
    };
    if headers.contains_key(header::ORIGIN) {
        let refusal = Refusal::new(Code::OriginRefused, "web pages may not send audio here; this is for vendors' bots");
        return turn_away(StatusCode::FORBIDDEN, &refusal);
    }
    let facts = match Facts::read(vendor, query.iter().map(|(key, value)| (key.as_str(), value.as_str()))) {
        Ok(facts) => facts,
        Err(refusal) => return turn_away(StatusCode::BAD_REQUEST, &refusal),
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Vendors are given an address and nothing else, so the token may stand in it. Genesys has a header of its own.
    let in_query = query.iter().find(|(key, _)| key == "token").map(|(_, token)| token.as_str());
    let token = bearer(text("authorization")).or_else(|| text("x-api-key")).or(in_query);
    let grant = match shared.access.admit(token) {
        Ok(grant) => Some(grant),
        Err(_) if token.is_none() && vendor.token_in_message() => None,
        Err(refusal) => return turn_away(StatusCode::UNAUTHORIZED, &refusal),
    };
    socket
        .read_buffer_size(READ_AT_ONCE)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| serve(shared, vendor, facts, grant, socket))
}

/// Why a connection's loop ended.
enum Outcome {
    Finished,
    Broken,
    Replaced,
    Refused(Refusal),
}

struct Connection {
    shared: Arc<Shared>,
    vendor: Vendor,
    adapter: Box<dyn Adapter>,
    grant: Option<Grant>,
    feed: Option<Feed>,
    intake: Intake,
    /// The call's tracks by the adapter's numbers; `None` for people the call has no place for.
    tracks: BTreeMap<u8, Option<TrackId>>,
    bad: u32,
}

async fn serve(shared: Arc<Shared>, vendor: Vendor, facts: Facts, grant: Option<Grant>, mut socket: WebSocket) {
    shared.calls.counters().connections.fetch_add(1, Ordering::Relaxed);
    let mut connection = Connection {
        adapter: vendor.adapter(facts),
        intake: Intake::new(shared.config.limit, TEXT_LIMIT, 1, Instant::now()),
        shared,
        vendor,
        grant,
        feed: None,
        tracks: BTreeMap::new(),
        bad: 0,
    };
    let outcome = connection.run(&mut socket).await;
    let finish_timeout = connection.shared.config.finish_timeout;
    match outcome {
        Outcome::Finished => {
            if let Some(mut feed) = connection.feed.take() {
                feed.stop().await;
                if timeout(finish_timeout, feed.finished()).await.is_err() {
                    tracing::warn!(call = feed.call(), "the call did not finish in time; its log may be incomplete");
                }
            }
            hang_up(&mut socket, 1000, "the call is over").await;
        }
        // The feed is dropped: the call waits for the vendor to connect again.
        Outcome::Broken => {}
        Outcome::Replaced => {
            let refusal = Refusal::new(Code::Replaced, "another connection goes on with this call");
            connection.say_why(&mut socket, refusal).await;
        }
        Outcome::Refused(refusal) => connection.say_why(&mut socket, refusal).await,
    }
}

impl Connection {
    async fn say_why(&mut self, socket: &mut WebSocket, refusal: Refusal) {
        match self.adapter.farewell(&refusal.message) {
            Some(farewell) => {
                tracing::info!(code = ?refusal.code, "ending a vendor's connection: {refusal}");
                if send(socket, Message::Text(farewell.into())).await {
                    hang_up(socket, 1000, "see the last message").await;
                }
            }
            None => close(socket, refusal).await,
        }
    }

    async fn run(&mut self, socket: &mut WebSocket) -> Outcome {
        let begun = Instant::now();
        let mut heard = Instant::now();
        let mut ping = tokio::time::interval(self.shared.config.ping_every.min(self.shared.config.open_timeout));
        loop {
            let (finished, replaced) = match &self.feed {
                Some(feed) => (Some(feed.finished()), Some(feed.replaced())),
                None => (None, None),
            };
            let finished = async {
                match finished {
                    Some(finished) => drop(finished.await),
                    None => std::future::pending().await,
                }
            };
            let replaced = async {
                match replaced {
                    Some(replaced) => replaced.await,
                    None => std::future::pending().await,
                }
            };
            let (mut finished, mut replaced) = (pin!(finished), pin!(replaced));
            let was_open = self.feed.is_some();
            // Set up anew only when the call has been opened.
            while self.feed.is_some() == was_open {
                tokio::select! {
                    message = socket.recv() => {
                        heard = Instant::now();
                        if let Some(outcome) = self.take(socket, message).await {
                            return outcome;
                        }
                    }
                    () = &mut finished => return Outcome::Finished,
                    () = &mut replaced => return Outcome::Replaced,
                    _ = ping.tick() => {
                        if heard.elapsed() > self.shared.config.idle_timeout {
                            let why = "nothing was heard for too long; connect again to go on";
                            return Outcome::Refused(Refusal::new(Code::IdleTimeout, why));
                        }
                        if self.feed.is_none() && begun.elapsed() > self.shared.config.open_timeout {
                            let why = "no message named a call; the first one must";
                            return Outcome::Refused(Refusal::new(Code::IdleTimeout, why));
                        }
                        if !send(socket, Message::Ping(Bytes::new())).await {
                            return Outcome::Broken;
                        }
                    }
                }
            }
        }
    }

    async fn take(&mut self, socket: &mut WebSocket, message: Option<Result<Message, axum::Error>>) -> Option<Outcome> {
        let mut steps = Vec::new();
        let (outcome, bytes) = match message {
            Some(Ok(Message::Text(text))) => (self.adapter.text(&text, now_us(), &mut steps), text.len()),
            Some(Ok(Message::Binary(bytes))) => (self.adapter.binary(&bytes, now_us(), &mut steps), bytes.len()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return None,
            // Vendors end a call by closing; one whose network broke does not say goodbye, and may come back.
            Some(Ok(Message::Close(Some(frame)))) if frame.code == 1000 && self.feed.is_some() => {
                return Some(Outcome::Finished);
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Some(Outcome::Broken),
        };
        let audio = steps.iter().any(|step| matches!(step, Step::Audio { .. }));
        if !audio && !self.intake.judge_text(bytes, Instant::now()) {
            return Some(Outcome::Refused(Refusal::new(Code::TooFast, "too many messages without audio")));
        }
        for step in steps {
            if let Err(outcome) = self.carry_out(socket, step, bytes).await {
                return Some(outcome);
            }
        }
        let refusal = outcome.err()?;
        self.bad += 1;
        self.shared.calls.counters().bad_messages.fetch_add(1, Ordering::Relaxed);
        tracing::info!(vendor = self.vendor.name(), "a message was refused: {refusal}");
        (self.bad >= self.shared.config.max_bad_messages).then_some(Outcome::Refused(refusal))
    }

    async fn carry_out(&mut self, socket: &mut WebSocket, step: Step, bytes: usize) -> Result<(), Outcome> {
        match step {
            Step::Open { call, facts, token } => return self.open(call, *facts, token).await,
            Step::Reply(text) => {
                return if send(socket, Message::Text(text.into())).await { Ok(()) } else { Err(Outcome::Broken) };
            }
            Step::Stop => return Err(Outcome::Finished),
            Step::Person(person) => return self.announce(person).await,
            Step::Audio { person, sequence, timestamp_us, payload } => {
                return self.audio(person, sequence, timestamp_us, payload, bytes).await;
            }
            Step::Source(source) => self.tell(What::Source(source)).await,
            Step::Pause(person) => {
                if let Some(track) = self.track(person) {
                    self.tell(What::Pause { track }).await;
                }
            }
            Step::Leave(person) => {
                if let Some(track) = self.track(person) {
                    self.tell(What::Leave { track }).await;
                }
            }
            Step::Words { person, start_us, end_us, text, last } => {
                if let Some(track) = self.track(person) {
                    self.tell(What::Words(Words { track, start_us, end_us, text, last })).await;
                }
            }
        }
        Ok(())
    }

    async fn open(&mut self, call: String, facts: Facts, token: Option<String>) -> Result<(), Outcome> {
        let grant = match self.grant.take() {
            Some(grant) => grant,
            None => self.shared.access.admit(token.as_deref()).map_err(|refusal| {
                self.shared.calls.counters().refused.fetch_add(1, Ordering::Relaxed);
                Outcome::Refused(refusal)
            })?,
        };
        let call = grant.call_for(facts.call.as_deref()).map_err(Outcome::Refused)?.unwrap_or(call);
        let start = Start {
            version: VERSION,
            call: Some(call),
            title: facts.title,
            mode: Mode::Live,
            playbook: facts.playbook,
            context: facts.context,
            deal: Deal::default(),
            tracks: Vec::new(),
        };
        self.feed = Some(self.shared.calls.enter(&start, Entry::TakeOver).await.map_err(Outcome::Refused)?);
        Ok(())
    }

    fn track(&self, person: u8) -> Option<TrackId> {
        self.tracks.get(&person).copied().flatten()
    }

    async fn tell(&self, what: What) {
        if let Some(feed) = &self.feed {
            feed.tell(what).await;
        }
    }

    async fn announce(&mut self, person: Person) -> Result<(), Outcome> {
        let Some(feed) = &mut self.feed else { return Ok(()) };
        let id = match self.tracks.get(&person.person) {
            Some(&known) => known,
            None => match feed.track_for(&person.name) {
                Ok(id) => Some(id),
                Err(refusal) => {
                    tracing::warn!(call = feed.call(), "a participant is not listened to: {refusal}");
                    None
                }
            },
        };
        self.tracks.insert(person.person, id);
        let Some(id) = id else { return Ok(()) };
        let info = TrackInfo { id, party: person.party, name: person.name, email: None, consent: person.consent };
        feed.announce(info, person.codec, person.who).await.map_err(Outcome::Refused)
    }

    async fn audio(
        &mut self,
        person: u8,
        sequence: u16,
        timestamp_us: u64,
        payload: Vec<u8>,
        bytes: usize,
    ) -> Result<(), Outcome> {
        let (Some(feed), Some(track)) = (&self.feed, self.track(person)) else { return Ok(()) };
        let now = Instant::now();
        let length_us = feed.codec(track).and_then(|codec| codec.duration_us(&payload)).unwrap_or(20_000);
        match self.intake.judge_audio(Some(track), bytes, length_us, feed.tracks(), now) {
            Verdict::Pass => {}
            Verdict::Drop => {
                self.shared.calls.counters().dropped.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            Verdict::Close => {
                let why = "audio came far faster than it can have been spoken; send it as it is spoken";
                return Err(Outcome::Refused(Refusal::new(Code::TooFast, why)));
            }
        }
        if self.intake.take_hole(track) {
            feed.tell(What::Dropped { track, reason: GapReason::Overflow }).await;
        }
        self.shared.calls.counters().packets.fetch_add(1, Ordering::Relaxed);
        let packet = Packet { track, sequence: Some(sequence), timestamp_us, exact: false, payload };
        feed.push(IngestItem::new(now, What::Packet(packet)));
        Ok(())
    }
}
