//! Meetings on the network: one task for each, with its two sockets and its call in the engine.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::{
    net::TcpListener,
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::{interval, sleep, timeout},
};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::{
    codes::StopReason,
    exchange::{Action, Input, Settings, Socket},
    media::ToEngine,
    notice::{Notice, StreamId, Webhook},
    protocol::MAX_MESSAGE_BYTES,
    session::Session,
    sign::Secret,
    webhook::{self, QUEUE, WebhookCounters},
};
use crate::engine::{EngineCall, EngineClient, Opening, Over};

/// Webhooks that wait for one meeting's task. When it is full the newest is dropped and logged: Zoom sends a handful in
/// a whole meeting.
const MEETING_QUEUE: usize = 32;
/// Messages of one socket that wait for the meeting's task. When it is full the socket is not read, and Zoom waits.
const SOCKET_QUEUE: usize = 256;
/// Messages to Zoom that wait to be sent. When it is full the socket is given up: Zoom has stopped reading.
const SEND_QUEUE: usize = 64;
/// How often time passes for a session: the length of the shortest message.
const TICK: Duration = Duration::from_millis(20);
/// How long to wait for a socket to open. The session's own limit, a handshake's, is longer only in tests.
const CONNECT: Duration = Duration::from_secs(10);
/// How long to look for the engine when a meeting starts.
const ENGINE_PATIENCE: Duration = Duration::from_secs(30);

/// Settings of the bot.
#[derive(Clone, Debug)]
pub struct Config {
    /// Secret token of the app's webhooks.
    pub webhook_secret: Secret,
    /// How to speak with Zoom.
    pub settings: Settings,
    /// The engine, and what is the same for every call. The call's id is added.
    pub engine: Opening,
    /// Most meetings at once; more are refused with a line in the log.
    pub max_meetings: usize,
    /// The host tells everybody in the meeting what the engine wants told, and this says so to the engine.
    pub disclosed_by_host: bool,
}

/// Runs the bot on `listener` until the future is dropped. Meetings are then left without ending their calls: Zoom tells
/// the address again, and the engine waits for a moment, so that a bot that is started again goes on with them.
///
/// # Errors
/// If the listener fails.
pub async fn run(listener: TcpListener, config: Config, counters: Arc<WebhookCounters>) -> anyhow::Result<()> {
    let (queue, mut webhooks) = mpsc::channel(QUEUE);
    let router = webhook::router(config.webhook_secret.clone(), queue, counters);
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, router).await });
    let mut meetings = Meetings { config: Arc::new(config), open: BTreeMap::new(), tasks: JoinSet::new(), next: 0 };
    loop {
        tokio::select! {
            served = serving.join_next() => {
                served.context("the web server is gone")??.context("the web server failed")?;
                anyhow::bail!("the web server stopped");
            }
            Some(webhook) = webhooks.recv() => meetings.webhook(webhook),
            Some(done) = meetings.tasks.join_next(), if !meetings.tasks.is_empty() => match done {
                Ok(number) => meetings.open.retain(|_, meeting| meeting.number != number),
                // A meeting's failure is its own.
                Err(error) => {
                    tracing::error!("a meeting's task failed: {error}");
                    meetings.open.retain(|_, meeting| !meeting.queue.is_closed());
                }
            },
        }
    }
}

struct Meeting {
    number: u64,
    queue: mpsc::Sender<Webhook>,
}

/// The meetings that are being listened to.
struct Meetings {
    config: Arc<Config>,
    /// By the stream each began with.
    open: BTreeMap<StreamId, Meeting>,
    tasks: JoinSet<u64>,
    next: u64,
}

impl Meetings {
    fn webhook(&mut self, webhook: Webhook) {
        let (stream, urls) = match &webhook.notice {
            Notice::Started { stream, urls } | Notice::Interrupted { stream, urls } => (stream.clone(), urls.clone()),
            Notice::Stopped { stream, .. } => (stream.clone(), Vec::new()),
            Notice::TooManyStreams => {
                tracing::error!("Zoom started no stream: the account has as many at once as its plan allows");
                return;
            }
            Notice::Other { event } => {
                tracing::debug!(event, "a webhook that does not concern streams");
                return;
            }
            Notice::Validation { .. } => return,
        };
        let known = self.open.iter().find(|(first, meeting)| first.same_call(&stream) && !meeting.queue.is_closed());
        if let Some((_, meeting)) = known {
            if meeting.queue.try_send(webhook).is_err() {
                tracing::error!(stream = stream.stream, "more webhooks than a meeting can have; one was dropped");
            }
            return;
        }
        if let Notice::Stopped { reason: StopReason::StreamRevoked, .. } = &webhook.notice {
            tracing::error!(
                call = call_id(&stream),
                "permission was revoked after the call was over: delete what is stored of this call"
            );
            return;
        }
        if urls.is_empty() {
            tracing::info!(stream = stream.stream, "a webhook about a stream that is not listened to");
            return;
        }
        if self.open.len() >= self.config.max_meetings {
            tracing::error!(
                stream = stream.stream,
                "{} meetings are listened to already, and no more are taken; see --max-meetings",
                self.open.len()
            );
            return;
        }
        let (queue, webhooks) = mpsc::channel(MEETING_QUEUE);
        let number = self.next;
        self.next += 1;
        self.open.insert(stream.clone(), Meeting { number, queue });
        let config = Arc::clone(&self.config);
        self.tasks.spawn(async move {
            let id = call_id(&stream);
            tracing::info!(call = id, stream = stream.stream, "a meeting's stream started");
            let done = attend(&config, &id, stream, urls, webhook.at_ms, webhooks).await;
            match done {
                Ok(why) => tracing::info!(call = id, "the call is over: {why}"),
                Err(error) => tracing::error!(call = id, "the meeting could not be listened to: {error:#}"),
            }
            number
        });
    }
}

/// The id of the call for a stream: the same whenever the bot is started again in the middle of it.
#[must_use]
pub fn call_id(stream: &StreamId) -> String {
    let mut hash = Sha256::new();
    hash.update(stream.meeting.as_bytes());
    hash.update([0]);
    hash.update(stream.stream.as_bytes());
    let hex: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("zoom-{hex}")
}

/// Opens the call in the engine; tries for a while if the engine cannot be reached.
async fn open_call(opening: &Opening) -> Result<EngineCall, Over> {
    let started = Instant::now();
    let mut wait = Duration::from_millis(200);
    loop {
        match EngineClient::open(opening.clone()).await {
            Err(Over::Lost(why)) if started.elapsed() < ENGINE_PATIENCE => {
                tracing::warn!("the engine cannot be reached ({why}); trying again");
                sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(5));
            }
            other => return other,
        }
    }
}

/// Unix time in ms that never goes back, whatever happens to the machine's clock.
struct UnixClock {
    began: Instant,
    began_ms: u64,
}

impl UnixClock {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), began_ms: u64::try_from(since.as_millis()).unwrap_or(0) }
    }

    fn now_ms(&self) -> u64 {
        self.began_ms + u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0)
    }
}

/// Listens to one meeting to its end. Gives how it ended, in words.
async fn attend(
    config: &Config,
    id: &str,
    stream: StreamId,
    urls: Vec<String>,
    told_ms: u64,
    mut webhooks: mpsc::Receiver<Webhook>,
) -> anyhow::Result<String> {
    let opening = Opening { call: Some(id.to_owned()), ..config.engine.clone() };
    let engine = open_call(&opening).await.context("the engine did not take the call")?;
    // The rep's link holds a token, so it goes to the terminal and not to the log.
    if let Some(url) = engine.started().overlay_url {
        println!("overlay {url}");
    }
    disclose(config, &engine);

    let clock = UnixClock::new();
    let mut session = Session::new(Arc::new(config.settings.clone()), stream, urls, told_ms, clock.now_ms());
    let (heard, mut ears) = mpsc::channel(SOCKET_QUEUE);
    let mut sockets = Sockets { heard, open: BTreeMap::new(), next: 0 };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let over = engine.over();
    tokio::pin!(over);
    let (mut done, mut stop) = (None, false);
    let mut next = Some(Input::Tick);
    loop {
        if let Some(input) = next.take() {
            for action in session.handle(input, clock.now_ms()) {
                match action {
                    Action::Connect(socket, url) => sockets.connect(socket, url),
                    Action::Send(socket, text) => sockets.send(socket, text),
                    Action::Close(socket) => sockets.close(socket),
                    Action::Engine(ToEngine::Stop) => stop = true,
                    Action::Engine(one) => tell(&engine, one),
                    Action::Done(why) => done = Some(why),
                }
            }
        }
        if let Some(why) = done.take() {
            webhooks.close();
            sockets.finish();
            tracing::info!(call = id, counts = ?session.counts(), engine = ?engine.counts(), "what became of messages");
            if stop && let Err(over) = engine.stop().await {
                return Ok(format!("{why}; {over}"));
            }
            return Ok(why);
        }
        next = tokio::select! {
            why = &mut over, if !session.is_over() => Some(Input::EngineOver(why.to_string())),
            Some(webhook) = webhooks.recv() => Some(Input::Webhook(webhook)),
            Some((number, input)) = ears.recv() => sockets.is_current(number).then_some(input),
            _ = ticks.tick() => Some(Input::Tick),
        };
    }
}

/// RTMS brings media out of a meeting and takes nothing in: the host must tell what has to be told.
fn disclose(config: &Config, engine: &EngineCall) {
    let Some(text) = engine.started().disclosure else { return };
    if config.disclosed_by_host {
        engine.disclosed("host", text);
    } else {
        tracing::warn!(
            "Zoom's streams cannot write into the chat: let the host tell everybody this, and start the bot with \
             --disclosed-by-host so that it is on record: {text}"
        );
    }
}

fn tell(engine: &EngineCall, one: ToEngine) {
    match one {
        ToEngine::Track(track) => {
            if let Err(error) = engine.track(track) {
                tracing::warn!("a participant is not listened to: {error}");
            }
        }
        ToEngine::Audio { track, at_us, data } => engine.audio(track, at_us, &data),
        ToEngine::Words { track, start_us, end_us, text } => engine.words(track, start_us, end_us, text, true),
        ToEngine::Pause(track) => engine.pause(track),
        ToEngine::Leave(track) => engine.leave(track),
        ToEngine::Status { state, detail } => engine.status(state, detail),
        ToEngine::Erase { reason } => engine.erase(reason),
        // Said when everything else is.
        ToEngine::Stop => {}
    }
}

struct Open {
    number: u64,
    queue: mpsc::Sender<String>,
    task: AbortHandle,
}

/// The sockets of one meeting. Each has a number, so that nothing is heard of one that was replaced.
struct Sockets {
    heard: mpsc::Sender<(u64, Input)>,
    open: BTreeMap<Socket, Open>,
    next: u64,
}

impl Sockets {
    fn connect(&mut self, socket: Socket, url: String) {
        self.close(socket);
        let number = self.next;
        self.next += 1;
        let (queue, to_send) = mpsc::channel(SEND_QUEUE);
        let heard = self.heard.clone();
        let task = tokio::spawn(async move {
            let why = match talk(number, socket, &url, to_send, &heard).await {
                Ok(()) => "closed by Zoom".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            // If nobody listens any more the meeting is over.
            drop(heard.send((number, Input::Closed(socket, why))).await);
        })
        .abort_handle();
        self.open.insert(socket, Open { number, queue, task });
    }

    fn send(&mut self, socket: Socket, text: String) {
        if let Some(open) = self.open.get(&socket)
            && let Err(mpsc::error::TrySendError::Full(_)) = open.queue.try_send(text)
        {
            tracing::warn!(?socket, "Zoom takes no messages; giving the connection up");
            let (number, heard) = (open.number, self.heard.clone());
            open.task.abort();
            tokio::spawn(async move {
                let why = "Zoom takes no messages".to_owned();
                drop(heard.send((number, Input::Closed(socket, why))).await);
            });
        }
    }

    /// Lets go of a socket. What was said last still goes out; what it says from now on is not heard.
    fn close(&mut self, socket: Socket) {
        if let Some(open) = self.open.remove(&socket) {
            // The task ends when its queue is empty and closed; one that hangs is not waited for.
            tokio::spawn(async move {
                drop(open.queue);
                sleep(Duration::from_secs(1)).await;
                open.task.abort();
            });
        }
    }

    fn finish(&mut self) {
        self.close(Socket::Media);
        self.close(Socket::Signalling);
    }

    fn is_current(&self, number: u64) -> bool {
        self.open.values().any(|open| open.number == number)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.open.values().for_each(|open| open.task.abort());
    }
}

/// One connection from its opening to its end. Returns when either side is done.
async fn talk(
    number: u64,
    socket: Socket,
    url: &str,
    mut to_send: mpsc::Receiver<String>,
    heard: &mpsc::Sender<(u64, Input)>,
) -> anyhow::Result<()> {
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES)).max_frame_size(Some(MAX_MESSAGE_BYTES));
    let (mut stream, _) = timeout(CONNECT, connect_async_with_config(url, Some(config), true))
        .await
        .context("no answer within 10 s")?
        .context("not reachable")?;
    if heard.send((number, Input::Opened(socket))).await.is_err() {
        return Ok(());
    }
    loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if heard.send((number, Input::Message(socket, text.to_string()))).await.is_err() {
                        return Ok(());
                    }
                }
                Some(Ok(Message::Binary(bytes))) => {
                    // Some of Zoom's servers send their JSON in binary frames.
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if heard.send((number, Input::Message(socket, text))).await.is_err() {
                        return Ok(());
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            },
            text = to_send.recv() => match text {
                Some(text) => stream.send(Message::Text(text.into())).await?,
                // Not heard any more: say good-bye.
                None => {
                    stream.close(None).await?;
                    return Ok(());
                }
            },
        }
    }
}
