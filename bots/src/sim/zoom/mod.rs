//! Zoom, as far as a bot sees it: webhooks, the signalling server and the media server of RTMS, with a meeting whose
//! participants speak from files. For tests, demonstrations and trying a bot without an account.
//!
//! ```no_run
//! # async fn f() -> anyhow::Result<()> {
//! use reframe_bots::{play, sim::zoom::{Chaos, Credentials, Meeting}};
//! let call = play::load(&["fixtures/calls/demo"], &[])?;
//! let credentials = Credentials::new("id", "client secret", "webhook secret");
//! let running = Meeting::new(call, credentials)
//!     .webhook("http://127.0.0.1:7312/")
//!     .chaos(Chaos { duplicate_webhooks: true, revoke_at: Some(20.0), ..Chaos::default() })
//!     .speed(3.0)
//!     .start()
//!     .await?;
//! let report = running.finished().await;
//! assert!(report.signatures_bad == 0 && report.keep_alives_answered > 0);
//! # Ok(()) }
//! ```
//!
//! All times of [`Chaos`] are seconds of *media*: of the conversation, which begins when the bot first says that it is
//! ready ([`Meeting::talk_at_once`] changes that) and then goes on whether anybody listens or not. [`Meeting::speed`]
//! makes it faster than the world; keep-alives and time-outs stay on the wall clock.

pub mod cli;
mod connection;
mod meeting;
pub mod protocol;
mod report;
mod script;
mod sound;
mod webhook;

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

pub use self::report::{End, MediaConnection, Report, SignallingConnection, WebhookSent};
use crate::play::Call;

/// What Zoom and the bot's maker share. Never shown.
#[derive(Clone)]
pub struct Credentials {
    client_id: String,
    client_secret: String,
    webhook_secret: String,
}

impl Credentials {
    /// The three of them, as the Zoom Marketplace gives them out.
    #[must_use]
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        webhook_secret: impl Into<String>,
    ) -> Self {
        Self { client_id: client_id.into(), client_secret: client_secret.into(), webhook_secret: webhook_secret.into() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What goes wrong, or happens, on purpose. Times in seconds of media. The same seed gives the same meeting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chaos {
    /// Decides which packets are reordered and how late slow ones are.
    pub seed: u64,
    /// `rtms_started` is posted so many ms after the stream began.
    pub late_webhook_ms: u64,
    /// Every webhook is posted twice.
    pub duplicate_webhooks: bool,
    /// Before `rtms_started`: one with a wrong signature, one with a right one that is 10 minutes old. Both name a
    /// server where nobody is.
    pub forged_webhooks: bool,
    /// The payload is wrapped in `payload.object`, as some accounts get it.
    pub wrapped_payload: bool,
    /// The media server answers that late, and each of its messages up to that late (never out of order).
    pub slow_media_ms: u64,
    /// Packets that swap places with the participant's next one, in percent.
    pub reorder_percent: f64,
    /// All in one stream that names nobody, whatever the bot asks for.
    pub mixed: bool,
    /// Sound per message in ms, whatever the bot asks for. Not for Opus.
    pub send_rate_ms: Option<u32>,
    /// Nothing is sent for a participant who is silent.
    pub skip_silence: bool,
    /// Zoom's messages come in binary frames.
    pub binary_frames: bool,
    /// From then on both sockets are dead without being closed: no keep-alives, nothing. New ones are well.
    pub miss_keep_alives_at: Option<f64>,
    /// The media socket is cut, and event 7 says so.
    pub drop_media_at: Option<f64>,
    /// Both sockets are cut, and `rtms_interrupted` is posted.
    pub interrupt_at: Option<f64>,
    /// The server dies; a second `rtms_started` names another one.
    pub failover_at: Option<f64>,
    /// The host pauses the stream from one time to the other. People talk on.
    pub pause: Option<(f64, f64)>,
    /// The stream is revoked: stop reason 8.
    pub revoke_at: Option<f64>,
    /// Participants who leave, by name.
    pub leave_at: Vec<(String, f64)>,
    /// Participants who come later, by name.
    pub join_at: Vec<(String, f64)>,
}

/// A line about what happens, for whoever watches.
pub type Watcher = Box<dyn Fn(&str) + Send + Sync>;

/// A meeting to be simulated.
pub struct Meeting {
    call: Call,
    credentials: Credentials,
    webhook: Option<String>,
    listen: SocketAddr,
    chaos: Chaos,
    speed: f64,
    keep_alive: Duration,
    signalling_back_within: Duration,
    media_back_within: Duration,
    retry_after: Duration,
    talk_at_once: bool,
    transcripts: bool,
    meeting_uuid: String,
    stream_id: String,
    epoch_ms: Option<u64>,
    watcher: Watcher,
}

impl Meeting {
    /// A meeting of the participants of `call`.
    #[must_use]
    pub fn new(call: Call, credentials: Credentials) -> Self {
        Self {
            call,
            credentials,
            webhook: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            chaos: Chaos::default(),
            speed: 1.0,
            // Zoom sends one about every 10 s, gives the signalling socket 60 s and the media socket 65 s to come back.
            keep_alive: Duration::from_secs(10),
            signalling_back_within: Duration::from_secs(60),
            media_back_within: Duration::from_secs(65),
            // Zoom waits minutes; nobody who tries a bot wants to.
            retry_after: Duration::from_secs(1),
            talk_at_once: false,
            transcripts: true,
            meeting_uuid: "SimulatedMeeting00000A==".into(),
            stream_id: "5151a0e00f5b4b0cb1a0c0ffee000001".into(),
            epoch_ms: None,
            watcher: Box::new(|_| {}),
        }
    }

    /// Where the bot takes webhooks. Without it none are posted, and the bot is to be told [`Running::server_url`].
    #[must_use]
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhook = Some(url.into());
        self
    }

    /// Where the first signalling and media server listens; port 0 (the default) takes a free one.
    #[must_use]
    pub const fn listen(mut self, at: SocketAddr) -> Self {
        self.listen = at;
        self
    }

    /// What goes wrong.
    #[must_use]
    pub fn chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = chaos;
        self
    }

    /// How many times faster than the world people talk: 0.1 to 100, 1 unless said otherwise. Timestamps stay those of
    /// the sound. The engine's live ingest refuses more than 4.
    #[must_use]
    pub const fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Time between keep-alives. 10 s unless said otherwise.
    #[must_use]
    pub const fn keep_alive(mut self, every: Duration) -> Self {
        self.keep_alive = every;
        self
    }

    /// How long a broken socket is waited for: signalling 60 s, media 65 s unless said otherwise.
    #[must_use]
    pub const fn back_within(mut self, signalling: Duration, media: Duration) -> Self {
        self.signalling_back_within = signalling;
        self.media_back_within = media;
        self
    }

    /// Pause before a webhook that was not answered with 200 within 3 s is posted again; at most twice. 1 s unless said
    /// otherwise.
    #[must_use]
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause;
        self
    }

    /// People do not wait for the bot: what is said before it listens is lost to it.
    #[must_use]
    pub const fn talk_at_once(mut self) -> Self {
        self.talk_at_once = true;
        self
    }

    /// No transcript messages, even to a bot that connects for them.
    #[must_use]
    pub const fn without_transcripts(mut self) -> Self {
        self.transcripts = false;
        self
    }

    /// Other ids than the usual ones.
    #[must_use]
    pub fn ids(mut self, meeting_uuid: impl Into<String>, stream_id: impl Into<String>) -> Self {
        self.meeting_uuid = meeting_uuid.into();
        self.stream_id = stream_id.into();
        self
    }

    /// Unix time in ms of the first sample, for timestamps that are the same in every run. The wall clock's unless said
    /// otherwise.
    #[must_use]
    pub const fn epoch_ms(mut self, epoch_ms: u64) -> Self {
        self.epoch_ms = Some(epoch_ms);
        self
    }

    /// Tells this what happens, a plain line at a time.
    #[must_use]
    pub fn watch(mut self, watcher: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.watcher = Box::new(watcher);
        self
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.call.voices.is_empty(), "nobody is in the meeting: name a file or a fixture folder");
        ensure!((0.1..=100.0).contains(&self.speed), "speed is {}; use 0.1 to 100", self.speed);
        ensure!(
            (0.0..=100.0).contains(&self.chaos.reorder_percent),
            "{} % reordered packets; use 0 to 100",
            self.chaos.reorder_percent
        );
        if let Some(ms) = self.chaos.send_rate_ms {
            ensure!(
                (20..=1_000).contains(&ms) && ms % 20 == 0,
                "a send rate of {ms} ms; use a multiple of 20 up to 1000"
            );
        }
        if let Some((from, to)) = self.chaos.pause {
            ensure!(from < to, "the pause ends ({to} s) before it begins ({from} s)");
        }
        for (name, _) in self.chaos.leave_at.iter().chain(&self.chaos.join_at) {
            let known: Vec<&str> = self.call.voices.iter().map(|v| v.name.as_str()).collect();
            ensure!(known.contains(&name.as_str()), "nobody is called {name:?}; there are {}", known.join(", "));
        }
        Ok(())
    }

    /// Opens the servers, and lets the meeting run in the background.
    ///
    /// # Errors
    /// If an option makes no sense, or no server can listen.
    pub async fn start(self) -> anyhow::Result<Running> {
        self.check()?;
        let first =
            TcpListener::bind(self.listen).await.with_context(|| format!("cannot listen on {}", self.listen))?;
        let second = TcpListener::bind(SocketAddr::new(self.listen.ip(), 0)).await.context("no second server")?;
        let servers = [first.local_addr()?, second.local_addr()?];
        // From all sockets to the one task that is the meeting. When full, sockets are not read: the client waits.
        let (tell, news) = mpsc::channel(256);
        let mut tasks = vec![];
        for (server, listener) in [first, second].into_iter().enumerate() {
            tasks.push(tokio::spawn(connection::accept(listener, server, tell.clone())));
        }
        let report = Arc::new(Mutex::new(Report::default()));
        let (done, over) = watch::channel(false);
        let server_url = format!("ws://{}/signalling", servers[0]);
        let meeting = meeting::Live::new(self, servers, tell, Arc::clone(&report));
        tasks.push(tokio::spawn(async move {
            meeting.run(news).await;
            done.send_replace(true);
        }));
        Ok(Running { server_url, servers, report, over, tasks })
    }
}

/// A meeting that goes on in the background; dropped, it vanishes without a word to the bot.
pub struct Running {
    server_url: String,
    servers: [SocketAddr; 2],
    report: Arc<Mutex<Report>>,
    over: watch::Receiver<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Running {
    /// What `rtms_started` says as `server_urls`.
    #[must_use]
    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// Addresses of both servers; the second one takes over after a failure of the first.
    #[must_use]
    pub const fn servers(&self) -> [SocketAddr; 2] {
        self.servers
    }

    /// What happened so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the meeting is over and all webhooks are delivered, and gives the whole report.
    pub async fn finished(mut self) -> Report {
        if self.over.wait_for(|over| *over).await.is_err() {
            tracing::error!("the simulated meeting broke off");
        }
        self.report()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
