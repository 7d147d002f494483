//! The connection to Vexa, and from there to the engine: comes back after every break, says what is wrong, waits for
//! nobody.

use std::{
    fmt,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, StatusCode},
        protocol::WebSocketConfig,
    },
};

use super::{
    protocol::{self, FromVexa, Meeting, Status},
    transcript::{self, Action, Transcript},
};
use crate::engine::{self, Codec, Consent, Ended, EngineCall, EngineClient, Opening, Over, SourceState, Track};

const _: () = assert!(transcript::MAX_TRACKS == engine::MAX_TRACKS);

/// Vexa wants a sign of life every 25 s (docs.vexa.ai).
const PING_EVERY: Duration = Duration::from_secs(25);
/// Two pings without an answer, and a bit: the connection is dead.
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// First pause before coming back; doubles up to [`LAST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before coming back; also the one after a key that is not good.
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// Time for connecting, and for posting to the chat.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the API key comes from. Never shown.
#[derive(Clone)]
pub enum Key {
    /// Given once.
    Text(String),
    /// Read anew for every connection, so that it can be renewed.
    File(PathBuf),
}

impl Key {
    fn read(&self) -> anyhow::Result<String> {
        match self {
            Self::Text(key) => Ok(key.clone()),
            Self::File(path) => Ok(std::fs::read_to_string(path)
                .with_context(|| format!("the key file {} cannot be read", path.display()))?
                .trim()
                .to_owned()),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Key"),
            Self::File(path) => f.debug_tuple("KeyFile").field(path).finish(),
        }
    }
}

/// What to listen to, and whom to tell.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Vexa's socket: `ws://HOST:PORT/ws`.
    pub url: String,
    /// Its API key.
    pub key: Key,
    /// The meeting its bot is in.
    pub meeting: Meeting,
    /// The engine's call.
    pub opening: Opening,
    /// Consent of everybody in the meeting, if the platform has asked for it; otherwise it is waited for.
    pub consent: Option<Consent>,
    /// First pause after a break. Half a second, unless a test has no time.
    pub first_pause: Duration,
    /// Longest pause after a break. Half a minute, unless a test has no time.
    pub last_pause: Duration,
}

impl Bot {
    /// A bot that takes no consent for granted.
    #[must_use]
    pub const fn new(url: String, key: Key, meeting: Meeting, opening: Opening) -> Self {
        Self { url, key, meeting, opening, consent: None, first_pause: FIRST_PAUSE, last_pause: LAST_PAUSE }
    }
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Why a connection to Vexa ended.
enum Break {
    /// The meeting is over, or its bot failed.
    Over,
    /// The key is not good.
    Unauthorized,
    /// Nothing came any more.
    Silent,
    /// It broke, or could not be made; in words.
    Broken(String),
}

/// Runs until the meeting is over, `stop` resolves, or the engine ends the call; `on_start` is told where the rep's
/// screen is.
///
/// # Errors
/// If the engine cannot be reached, refuses or loses the call; says what to do. Trouble with Vexa is no error: it is
/// shown to the rep, and tried again.
pub async fn run(
    bot: Bot,
    stop: impl Future<Output = ()> + Send,
    on_start: impl FnOnce(&EngineCall) + Send,
) -> anyhow::Result<Ended> {
    let call = EngineClient::open(bot.opening.clone()).await?;
    on_start(&call);
    call.status(SourceState::Connecting, "");
    let mut listener = Listener {
        transcript: Transcript::new(unix_us()),
        begun: Instant::now(),
        disclosed: false,
        joined: false,
        odd: 0,
        bot: &bot,
        call: &call,
    };
    tokio::select! {
        () = listener.listen() => {}
        () = stop => tracing::info!("stopped by hand"),
        over = call.over() => match over {
            Over::Ended(ended) => return Ok(ended),
            other => return Err(other.into()),
        },
    }
    let rest = listener.transcript.tick(listener.begun.elapsed(), true);
    listener.tell(rest);
    tracing::info!(counts = ?listener.transcript.counts(), odd = listener.odd, "the transcript is over");
    Ok(call.stop().await?)
}

fn unix_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

struct Listener<'a> {
    bot: &'a Bot,
    call: &'a EngineCall,
    transcript: Transcript,
    begun: Instant,
    disclosed: bool,
    joined: bool,
    /// Messages and segments that could not be read.
    odd: u64,
}

impl Listener<'_> {
    /// One connection after the other, until the meeting is over.
    async fn listen(&mut self) {
        let mut pause = self.bot.first_pause;
        loop {
            let came = Instant::now();
            let why = match self.connect().await {
                Ok(socket) => self.hear(socket).await,
                Err(why) => why,
            };
            self.joined = false;
            if came.elapsed() > DEAD_AFTER {
                pause = self.bot.first_pause;
            }
            match why {
                Break::Over => return,
                Break::Unauthorized => {
                    tracing::warn!("Vexa does not accept the API key");
                    self.call.status(SourceState::TokenExpired, "Vexa does not accept the API key: renew VEXA_API_KEY");
                    pause = self.bot.last_pause;
                }
                Break::Silent => {
                    tracing::warn!("nothing came from Vexa for {} s", DEAD_AFTER.as_secs());
                    self.call.status(SourceState::KeepAliveLost, "Vexa says nothing any more; connecting again");
                }
                Break::Broken(why) => {
                    tracing::warn!(%why, "the connection to Vexa is broken");
                    self.call.status(SourceState::Reconnecting, format!("no connection to Vexa ({why})"));
                }
            }
            // Drafts must not wait for a connection that may not come back.
            let settle = self.begun.elapsed() + pause;
            sleep(pause).await;
            let settled = self.transcript.tick(settle, false);
            self.tell(settled);
            pause = (pause * 2).min(self.bot.last_pause);
        }
    }

    async fn connect(&self) -> Result<Socket, Break> {
        let broken = |error: &dyn fmt::Display| Break::Broken(error.to_string());
        let mut request = self.bot.url.as_str().into_client_request().map_err(|e| broken(&e))?;
        let key = self.bot.key.read().map_err(|e| broken(&e))?;
        let value = HeaderValue::from_str(&key).map_err(|_| Break::Broken("the key holds odd characters".into()))?;
        request.headers_mut().insert("x-api-key", value);
        let config = WebSocketConfig::default()
            .max_message_size(Some(protocol::MAX_BYTES))
            .max_frame_size(Some(protocol::MAX_BYTES));
        match timeout(PATIENCE, connect_async_with_config(request, Some(config), true)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(Error::Http(response))) => match response.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Break::Unauthorized),
                status => Err(Break::Broken(format!("HTTP {status}"))),
            },
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Break::Broken("no answer within 10 s".into())),
        }
    }

    async fn hear(&mut self, mut socket: Socket) -> Break {
        if let Err(error) = socket.send(Message::text(protocol::subscribe(&self.bot.meeting))).await {
            return Break::Broken(error.to_string());
        }
        let (mut ping, mut settle) = (interval(PING_EVERY), interval(Duration::from_millis(500)));
        // The first tick of an interval comes at once.
        ping.tick().await;
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            if let Some(why) = self.said(&text) {
                                return why;
                            }
                        }
                        Some(Ok(Message::Close(frame))) => {
                            return match frame {
                                Some(f) if u16::from(f.code) == protocol::CLOSE_UNAUTHORIZED => Break::Unauthorized,
                                Some(f) => Break::Broken(format!("closed with code {}", f.code)),
                                None => Break::Broken("closed".into()),
                            };
                        }
                        Some(Ok(Message::Binary(_))) => self.odd += 1,
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Break::Broken(error.to_string()),
                        None => return Break::Broken("closed".into()),
                    }
                }
                _ = ping.tick() => {
                    if heard.elapsed() > DEAD_AFTER {
                        return Break::Silent;
                    }
                    if let Err(error) = socket.send(Message::text(protocol::ping())).await {
                        return Break::Broken(error.to_string());
                    }
                }
                _ = settle.tick() => {
                    let settled = self.transcript.tick(self.begun.elapsed(), false);
                    self.tell(settled);
                }
            }
            if self.joined && !self.disclosed {
                self.disclosed = true;
                self.disclose();
            }
        }
    }

    /// Takes a message in; `Some` if it ends the connection.
    fn said(&mut self, text: &str) -> Option<Break> {
        match protocol::read(text) {
            Ok(FromVexa::Transcript { speaker, confirmed, pending, whole, unreadable }) => {
                self.odd += unreadable as u64;
                if unreadable > 0 {
                    tracing::debug!(unreadable, "segments that cannot be read");
                }
                self.join();
                let now = self.begun.elapsed();
                let actions = self.transcript.take(speaker.as_deref(), confirmed, pending, whole, now);
                self.tell(actions);
            }
            Ok(FromVexa::Status(status)) => return self.status(status),
            Ok(FromVexa::Subscribed { meetings: 0 }) => {
                tracing::warn!("Vexa has no such meeting for this key");
                self.call.status(
                    SourceState::Connecting,
                    "Vexa knows no such meeting for this key: start its bot, and check platform and id",
                );
            }
            Ok(FromVexa::Subscribed { .. } | FromVexa::Pong) => {}
            Ok(FromVexa::Health(words)) => {
                tracing::warn!(%words, "Vexa is in trouble");
                self.call.status(SourceState::Joined, format!("Vexa: {words}"));
            }
            Ok(FromVexa::Error(words)) => {
                tracing::warn!(%words, "Vexa refuses");
                if words.contains("api_key") || words.contains("unauthorized") && !words.contains("meeting") {
                    return Some(Break::Unauthorized);
                }
                self.call.status(SourceState::Connecting, format!("Vexa refuses: {words}"));
            }
            Ok(FromVexa::Other(kind)) => tracing::debug!(%kind, "a message that is not used"),
            Err(why) => {
                self.odd += 1;
                tracing::warn!(%why, "a message of Vexa cannot be read");
            }
        }
        None
    }

    fn join(&mut self) {
        if !self.joined {
            self.joined = true;
            self.call.status(SourceState::Joined, "");
        }
    }

    fn status(&mut self, status: Status) -> Option<Break> {
        let (state, detail) = match status {
            Status::Active => {
                self.join();
                return None;
            }
            Status::Joining => (SourceState::Connecting, "Vexa's bot is on its way into the meeting"),
            Status::AwaitingAdmission => (SourceState::WaitingRoom, "let Vexa's bot into the meeting"),
            Status::NeedsHelp => (SourceState::Connecting, "Vexa's bot needs help to get in: see its dashboard"),
            Status::Stopping => (SourceState::Disconnected, "Vexa's bot leaves the meeting"),
            Status::Completed => (SourceState::Disconnected, "the meeting is over"),
            Status::Failed => {
                (SourceState::Disconnected, "Vexa's bot could not stay in the meeting: see its dashboard")
            }
            Status::Other(ref other) => {
                tracing::info!(status = %other, "a status that is not known");
                return None;
            }
        };
        self.joined = false;
        self.call.status(state, detail);
        matches!(status, Status::Completed | Status::Failed).then_some(Break::Over)
    }

    fn tell(&self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Track { id, name } => {
                    let track = Track { consent: self.bot.consent.clone(), ..Track::new(id, name, Codec::Text) };
                    if let Err(error) = self.call.track(track) {
                        tracing::warn!(%error, "a speaker is left out");
                    }
                }
                Action::Words { track, start_us, end_us, text, last } => {
                    self.call.words(track, start_us, end_us, text, last);
                }
            }
        }
    }

    /// Posts the disclosure in the meeting's chat, through Vexa's bot.
    fn disclose(&self) {
        let Some(text) = self.call.started().disclosure else { return };
        let url = protocol::chat_url(&self.bot.url, &self.bot.meeting);
        let (key, call) = (self.bot.key.clone(), self.call.clone());
        tokio::spawn(async move {
            let words = text.clone();
            let posted = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
                let url = url.context("the address does not end in /ws, so the chat's is not known")?;
                let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
                let body = serde_json::json!({"text": words}).to_string();
                agent
                    .post(&url)
                    .header("x-api-key", &key.read()?)
                    .header("content-type", "application/json")
                    .send(&body)?;
                Ok(())
            });
            let posted = posted.await.map_err(anyhow::Error::from).and_then(|done| done);
            match posted {
                Ok(()) => call.disclosed("chat", text),
                Err(error) => {
                    tracing::warn!(error = %format!("{error:#}"), "the disclosure could not be posted");
                    call.status(
                        SourceState::Joined,
                        "the notice that Reframe listens could not be posted in the chat: tell the participants yourself",
                    );
                }
            }
        });
    }
}
