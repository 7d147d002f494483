//! The engine as a bot sees it: a call that is fed without waiting, over a connection that mends itself.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use reframe_bots::engine::{Codec, EngineClient, Opening, Party, SourceState, Track};
//!
//! let mut opening = Opening::new("ws://127.0.0.1:7311/v1/ingest");
//! opening.token = std::env::var("REFRAME_TOKEN").ok();
//! opening.call = Some("acme-2".into());
//! let call = EngineClient::open(opening).await?;
//! if let Some(text) = call.started().disclosure {
//!     // say it in the meeting, then:
//!     call.disclosed("chat", text);
//! }
//! call.status(SourceState::Joined, "");
//! call.track(Track { party: Party::Buyer, ..Track::new(1, "Dana", Codec::PcmS16le { rate_hz: 16_000 }) })?;
//! call.audio(1, 0, &[0; 640]);
//! let ended = call.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! - Nothing but [`open`](EngineClient::open), [`stop`](EngineCall::stop), [`over`](EngineCall::over) and
//!   [`room`](EngineCall::room) waits. [`EngineCall`] is cheap to clone and may be used from any task.
//! - When the engine is slow or away, audio older than two seconds is thrown away and counted
//!   ([`counts`](EngineCall::counts)); it shows up in the call's log as a gap. News (everything else) is never thrown
//!   away, and goes out again after a break if it may not have arrived.
//! - A broken connection is opened again with the same call id, after 0.2 s, then twice as long up to 5 s, for
//!   [`Opening::grace`]. The participants are announced again; a bot need not know. Keep counting timestamps on the
//!   same clock throughout.
//! - If the engine ends the call, refuses something or stays away, [`over`](EngineCall::over) says so. What is said
//!   afterwards goes nowhere.
//! - When the last clone is dropped without [`stop`](EngineCall::stop), the connection is cut; the engine then waits for
//!   the bot to come back.

mod link;
mod outbox;
pub(crate) mod protocol;
mod roster;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

pub use self::{
    outbox::Counts,
    protocol::{Codec, ConsentRule, Ended, MAX_TRACKS, Party, SourceState, Started, Track},
};
use self::{outbox::Outbox, protocol::News};
pub use crate::script::Consent;

/// Live, or a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Goes on now; late audio is worth nothing.
    #[default]
    Live,
    /// Everything is heard, however long it takes. Ask for [`EngineCall::room`] before each packet.
    Recorded,
}

/// Which call to feed, and where.
#[derive(Clone)]
pub struct Opening {
    /// The engine's ingest: `ws://HOST:PORT/v1/ingest` (`wss` too).
    pub url: String,
    /// Token to show, if the engine asks for one.
    pub token: Option<String>,
    /// Id for the call; the engine chooses one if it is left out.
    pub call: Option<String>,
    /// Title to show.
    pub title: Option<String>,
    /// Playbook; the engine's default if left out.
    pub playbook: Option<String>,
    /// Names that may be said.
    pub context: Vec<String>,
    /// Live, or a recording.
    pub mode: Mode,
    /// How long to try to come back after a break. 30 s unless changed: as long as the engine waits for us.
    pub grace: Duration,
}

impl Opening {
    /// A live call at `url`, the rest left to the engine.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            call: None,
            title: None,
            playbook: None,
            context: Vec::new(),
            mode: Mode::Live,
            grace: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the token.
        f.debug_struct("Opening").field("call", &self.call).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Why there is no call (any more).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Over {
    /// The call is over: because of `stop`, or because the engine ended it.
    #[error("the call is over")]
    Ended(Ended),
    /// The engine refused something, and would again. The message says what to do.
    #[error("the engine refused: {message}")]
    Refused {
        /// For programs: `unauthorized`, `replaced`, `busy`, … (`docs/PROTOCOL.md`).
        code: String,
        /// For people.
        message: String,
    },
    /// The engine could not be reached, or not in time.
    #[error("{0}")]
    Lost(String),
}

/// How the connection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Up.
    Up,
    /// Broken; on the way back.
    Away {
        /// What broke it.
        why: String,
    },
    /// There is no call any more.
    Over(Over),
}

/// The call has as many participants as a call may have ([`MAX_TRACKS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call has {MAX_TRACKS} participants already, and no more can be listened to")]
pub struct TooManyTracks;

/// Opens calls.
#[derive(Clone, Copy, Debug)]
pub struct EngineClient;

impl EngineClient {
    /// Connects, opens the call (or goes on with it, if one with this id is open) and waits for the engine's answer.
    ///
    /// # Errors
    /// [`Over`] if the engine cannot be reached or refuses. It is tried once: whether to wait for an engine that is not
    /// there is for the bot to say.
    pub async fn open(opening: Opening) -> Result<EngineCall, Over> {
        let (link, _) = watch::channel(Link::Up);
        let (started, _) = watch::channel(Started::default());
        let outbox = Mutex::new(Outbox::new(opening.mode == Mode::Recorded));
        let shared = Arc::new(Shared { outbox, wake: Notify::new(), room: Notify::new(), link, started });
        let task = link::open(opening, Arc::clone(&shared)).await?;
        Ok(EngineCall(Arc::new(Held { shared, task })))
    }
}

/// A call that is being fed. See the [module](self).
#[derive(Clone)]
pub struct EngineCall(Arc<Held>);

struct Held {
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the handles and the connection's task share.
struct Shared {
    outbox: Mutex<Outbox>,
    /// Something is to be sent.
    wake: Notify,
    /// Something was sent.
    room: Notify,
    link: watch::Sender<Link>,
    started: watch::Sender<Started>,
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // The queue is whole after every statement that holds the lock.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        matches!(*self.link.borrow(), Link::Over(_))
    }
}

impl EngineCall {
    /// What the engine answered last to `start`: the call's id, the rep's screen, what must be disclosed.
    #[must_use]
    pub fn started(&self) -> Started {
        self.0.shared.started.borrow().clone()
    }

    /// A participant joined, came back, or its facts changed.
    ///
    /// # Errors
    /// [`TooManyTracks`]; the call goes on with those it has.
    pub fn track(&self, track: Track) -> Result<(), TooManyTracks> {
        if !self.0.shared.outbox().admits(track.id) {
            return Err(TooManyTracks);
        }
        self.news(News::Track(track));
        Ok(())
    }

    /// One packet of a participant's sound: `timestamp_us` is the time of its first sample on a clock that all tracks of
    /// the call share and that counts samples; `payload` is PCM or G.711 bytes, or exactly one Opus packet. Packets are
    /// numbered here. Audio of a participant who was not announced, or who left, is counted and thrown away.
    pub fn audio(&self, track: u8, timestamp_us: u64, payload: &[u8]) {
        let shared = &self.0.shared;
        if shared.is_over() {
            return;
        }
        shared.outbox().push_audio(track, timestamp_us, payload, Instant::now());
        shared.wake.notify_one();
    }

    /// So many packets of a participant were lost before they reached the bot: their numbers are left out, and the
    /// engine conceals the hole.
    pub fn missed(&self, track: u8, packets: u16) {
        self.0.shared.outbox().skip(track, packets);
    }

    /// Nothing of this participant until its audio goes on: muted, on hold.
    pub fn pause(&self, track: u8) {
        self.known(track, News::Pause { track });
    }

    /// As [`pause`](Self::pause), if it is known when audio goes on.
    pub fn gap(&self, track: u8, until_us: u64) {
        self.known(track, News::Gap { track, until_us });
    }

    /// A participant left.
    pub fn leave(&self, track: u8) {
        self.known(track, News::Leave { track });
    }

    /// A participant gave consent, or withdrew it (`None`).
    pub fn consent(&self, track: u8, consent: Option<Consent>) {
        self.known(track, News::Consent { track, consent });
    }

    /// How the connection to the meeting is doing; `detail` is for the rep: what is wrong and what to do.
    pub fn status(&self, state: SourceState, detail: impl Into<String>) {
        self.news(News::Status { state, detail: detail.into() });
    }

    /// The participants were told that they are listened to: how (`chat`, `voice`, `platform`), and in which words.
    pub fn disclosed(&self, via: impl Into<String>, text: impl Into<String>) {
        self.news(News::Disclosed { via: via.into(), text: text.into() });
    }

    /// Words the platform heard, of a participant of [`Codec::Text`]. With `last` they are final and the utterance is
    /// over; otherwise they replace those before. Text beyond 4,000 characters is cut, and that is logged.
    pub fn words(&self, track: u8, start_us: u64, end_us: u64, text: impl Into<String>, last: bool) {
        let text = text.into();
        if text.chars().nth(protocol::MAX_WORDS_CHARS).is_some() {
            tracing::warn!(
                track,
                "an utterance is longer than {} characters; its end is cut",
                protocol::MAX_WORDS_CHARS
            );
        }
        self.known(track, News::Words { track, start_us, end_us, text, last });
    }

    /// Everything received of this call must be deleted, and why.
    pub fn erase(&self, reason: impl Into<String>) {
        self.news(News::Erase { reason: reason.into() });
    }

    /// Ends the call and waits until the engine has finished it.
    ///
    /// # Errors
    /// [`Over`] if it was over for another reason, or if the engine did not come back or took more than three minutes.
    pub async fn stop(&self) -> Result<Ended, Over> {
        self.news(News::Stop);
        match tokio::time::timeout(Duration::from_secs(180), self.over()).await {
            Ok(Over::Ended(ended)) => Ok(ended),
            Ok(over) => Err(over),
            Err(_) => Err(Over::Lost("the engine did not finish the call within 180 s".into())),
        }
    }

    /// Resolves when there is no call any more, and says why. Can be asked any number of times.
    pub async fn over(&self) -> Over {
        let mut link = self.link();
        // The channel closes with the last handle, and this is one.
        match link.wait_for(|link| matches!(link, Link::Over(_))).await.as_deref() {
            Ok(Link::Over(over)) => over.clone(),
            _ => Over::Lost("the connection's task is gone".into()),
        }
    }

    /// How the connection to the engine is doing, now and as it changes.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.0.shared.link.subscribe()
    }

    /// Resolves when there is room for more of a recording, or when the call is over. In a live call never wait for it.
    pub async fn room(&self) {
        loop {
            let more = self.0.shared.room.notified();
            if self.0.shared.is_over() || self.0.shared.outbox().has_room() {
                return;
            }
            more.await;
        }
    }

    /// What became of the audio so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.shared.outbox().counts()
    }

    /// News about a participant whom the server would not know is news about nobody.
    fn known(&self, track: u8, news: News) {
        if self.0.shared.outbox().knows(track) {
            self.news(news);
        } else {
            tracing::debug!(track, "news of a participant who was not announced, or left, is not passed on");
        }
    }

    fn news(&self, news: News) {
        let shared = &self.0.shared;
        if shared.is_over() {
            return;
        }
        let pushed = shared.outbox().push_news(news);
        if pushed.is_err() {
            let why = "more news waits for the engine than can be kept; giving the call up".to_owned();
            tracing::error!("{why}");
            link::end(shared, Over::Lost(why));
            self.0.task.abort();
        }
        shared.wake.notify_one();
    }
}

impl fmt::Debug for EngineCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineCall").field("call", &self.0.shared.started.borrow().call).finish_non_exhaustive()
    }
}
