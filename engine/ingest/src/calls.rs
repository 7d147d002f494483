//! The calls that are being fed, and by whom: shared by every ingest. Opening, joining, taking over, coming back after a
//! break, and ending when nobody feeds a call any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reframe_audio::decode::Codec;
use reframe_call::{
    audio::{TrackId, TrackInfo},
    input::{SourceState, SourceStatus},
};
use tokio::sync::watch;

use crate::{
    assembler::Mode,
    host::{CallHandle, CallHost},
    item::{IngestItem, What, Who},
    socket::protocol::{Code, Ended, MAX_TRACKS, Refusal, Start, Started, VERSION},
};

/// Settings shared by every ingest.
#[derive(Clone, Copy, Debug)]
pub struct CallsConfig {
    /// Participants per call; more than [`MAX_TRACKS`] are never taken. Default that many.
    pub max_tracks: usize,
    /// How long a call waits for its sender to come back. Default 30 s.
    pub resume_grace: Duration,
}

impl Default for CallsConfig {
    fn default() -> Self {
        Self { max_tracks: MAX_TRACKS, resume_grace: Duration::from_secs(30) }
    }
}

/// What became of connections and messages, since the start, over every ingest.
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

/// How a feed comes into a call that is open already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// In place of whoever feeds it: the same sender on a new connection.
    TakeOver,
    /// Beside the others: one participant of several that come on connections of their own.
    Join,
}

struct OpenCall {
    handle: Arc<dyn CallHandle>,
    mode: Mode,
    /// How its first feed came: all of a call's feeds come the same way, because those that join share this machine's
    /// clock, and one that takes over brings a clock of its own.
    entry: Entry,
    /// Feeds with a lower number were taken over from.
    oldest: watch::Sender<u64>,
    next: u64,
    feeds: BTreeSet<u64>,
    tracks: BTreeMap<TrackId, Known>,
}

#[derive(Clone)]
struct Known {
    name: String,
    codec: Codec,
    /// The feed that brings it.
    feed: u64,
}

/// The calls that are being fed.
pub struct Calls {
    config: CallsConfig,
    host: Arc<dyn CallHost>,
    open: Mutex<BTreeMap<String, OpenCall>>,
    counters: IngestCounters,
}

impl Calls {
    /// None yet.
    #[must_use]
    pub fn new(config: CallsConfig, host: Arc<dyn CallHost>) -> Arc<Self> {
        Arc::new(Self { config, host, open: Mutex::default(), counters: IngestCounters::default() })
    }

    /// What became of connections and messages.
    #[must_use]
    pub const fn counters(&self) -> &IngestCounters {
        &self.counters
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, OpenCall>> {
        // The map is whole after every statement that holds the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the call of `start` or goes on with it, and tells it about the tracks of `start`. A `start` without an id is
    /// always a new call.
    ///
    /// # Errors
    /// [`Refusal`] saying why not.
    pub async fn enter(self: &Arc<Self>, start: &Start, entry: Entry) -> Result<Feed, Refusal> {
        self.check_tracks(start.tracks.len())?;
        let known = start.call.as_ref().and_then(|id| self.enter_open(id, start.mode, entry));
        let mut feed = match known {
            Some(feed) => {
                let (feed, was_unfed) = feed?;
                if was_unfed && start.mode == Mode::Live {
                    feed.tell(source(SourceState::Joined, "")).await;
                }
                if entry == Entry::TakeOver {
                    self.counters.resumed.fetch_add(1, Ordering::Relaxed);
                    feed.tell(What::Resumed).await;
                }
                feed
            }
            None => self.open_new(start, entry).await?,
        };
        for track in &start.tracks {
            feed.announce(track.info(), track.codec(), track.who()).await?;
        }
        Ok(feed)
    }

    async fn open_new(self: &Arc<Self>, start: &Start, entry: Entry) -> Result<Feed, Refusal> {
        let (host, asked) = (Arc::clone(&self.host), start.clone());
        let handle = tokio::task::spawn_blocking(move || host.open(&asked))
            .await
            .map_err(|_| Refusal::new(Code::Internal, "the call could not be opened; see the server's log"))??;
        let handle: Arc<dyn CallHandle> = Arc::from(handle);
        let id = handle.started().call;
        let (oldest, receiver) = watch::channel(1);
        let opened = OpenCall {
            handle: Arc::clone(&handle),
            mode: start.mode,
            entry,
            oldest,
            next: 2,
            feeds: BTreeSet::from([1]),
            tracks: BTreeMap::new(),
        };
        self.lock().insert(id.clone(), opened);
        Ok(Feed {
            calls: Arc::clone(self),
            call: id,
            handle,
            mode: start.mode,
            number: 1,
            oldest: receiver,
            codecs: BTreeMap::new(),
            announced: BTreeSet::new(),
            resumed: false,
            left: false,
        })
    }

    /// A feed into a call that is open, and whether nobody fed it until now; `None` if it is not open.
    fn enter_open(self: &Arc<Self>, id: &str, mode: Mode, entry: Entry) -> Option<Result<(Feed, bool), Refusal>> {
        let mut open = self.lock();
        let call = open.get_mut(id)?;
        if call.mode != mode {
            let message = format!("call `{id}` is {:?}, not {mode:?}; choose another id", call.mode).to_lowercase();
            return Some(Err(Refusal::new(Code::Busy, message)));
        }
        if call.entry != entry {
            let message = format!("call `{id}` is fed by another kind of bot, whose clock differs; choose another id");
            return Some(Err(Refusal::new(Code::Busy, message)));
        }
        let number = call.next;
        call.next += 1;
        let was_unfed = call.feeds.is_empty();
        let codecs = match entry {
            Entry::TakeOver => {
                call.oldest.send_replace(number);
                call.feeds.clear();
                for track in call.tracks.values_mut() {
                    track.feed = number;
                }
                call.tracks.iter().map(|(&id, track)| (id, track.codec)).collect()
            }
            Entry::Join => BTreeMap::new(),
        };
        call.feeds.insert(number);
        let feed = Feed {
            calls: Arc::clone(self),
            call: id.to_owned(),
            handle: Arc::clone(&call.handle),
            mode: call.mode,
            number,
            oldest: call.oldest.subscribe(),
            codecs,
            announced: BTreeSet::new(),
            resumed: true,
            left: false,
        };
        Some(Ok((feed, was_unfed)))
    }

    fn check_tracks(&self, tracks: usize) -> Result<(), Refusal> {
        let most = self.config.max_tracks.min(MAX_TRACKS);
        if tracks > most {
            return Err(Refusal::new(Code::BadMessage, format!("{tracks} tracks; a call has at most {most} here")));
        }
        Ok(())
    }

    /// A feed is gone. Gives the call's handle if it was the last one.
    fn leave(&self, call: &str, number: u64) -> Option<Arc<dyn CallHandle>> {
        let mut open = self.lock();
        let state = open.get_mut(call)?;
        (state.feeds.remove(&number) && state.feeds.is_empty()).then(|| Arc::clone(&state.handle))
    }

    /// Forgets a call that nobody feeds. False if somebody does again.
    fn forget_unfed(&self, call: &str) -> bool {
        let mut open = self.lock();
        let unfed = open.get(call).is_some_and(|c| c.feeds.is_empty());
        if unfed {
            open.remove(call);
        }
        unfed
    }

    /// Ends the call unless somebody feeds it again within the grace.
    fn wait_for_return(self: Arc<Self>, call: String, handle: Arc<dyn CallHandle>) {
        // Without a runtime the program is going down, and its calls with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            tokio::time::sleep(self.config.resume_grace).await;
            if self.forget_unfed(&call) {
                self.counters.abandoned.fetch_add(1, Ordering::Relaxed);
                tracing::info!(call, "the sender did not come back; ending the call");
                handle.push_when_room(IngestItem::new(Instant::now(), What::End)).await;
            }
        });
    }
}

/// One connection that feeds a call. Dropped without [`stop`](Self::stop), it counts as broken: the call waits for the
/// sender to come back.
pub struct Feed {
    calls: Arc<Calls>,
    call: String,
    handle: Arc<dyn CallHandle>,
    mode: Mode,
    number: u64,
    oldest: watch::Receiver<u64>,
    codecs: BTreeMap<TrackId, Codec>,
    /// What this connection itself announced; after a take-over less than `codecs` knows.
    announced: BTreeSet<TrackId>,
    resumed: bool,
    left: bool,
}

impl Feed {
    /// The call's id.
    #[must_use]
    pub fn call(&self) -> &str {
        &self.call
    }

    /// Live or recorded.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What to tell the sender.
    #[must_use]
    pub fn started(&self) -> Started {
        let started = self.handle.started();
        Started { call: self.call.clone(), version: VERSION, resumed: self.resumed || started.resumed, ..started }
    }

    /// The codec of a track this feed announced.
    #[must_use]
    pub fn codec(&self, track: TrackId) -> Option<Codec> {
        self.codecs.get(&track).copied()
    }

    /// How many tracks this feed announced.
    #[must_use]
    pub fn tracks(&self) -> usize {
        self.codecs.len()
    }

    /// The id for a participant whom the transport does not number: that of the same name if nobody brings it now, this
    /// connection included (two people may share a name), else the next free one.
    ///
    /// # Errors
    /// If the call has as many participants as it may have.
    pub fn track_for(&self, name: &str) -> Result<TrackId, Refusal> {
        let open = self.calls.lock();
        let Some(call) = open.get(&self.call) else { return Ok(TrackId(0)) };
        let fed = |feed: u64| feed != self.number && call.feeds.contains(&feed);
        let same = |id: &TrackId, t: &Known| t.name == name && !fed(t.feed) && !self.announced.contains(id);
        if let Some((&id, _)) = call.tracks.iter().find(|(id, t)| !name.is_empty() && same(id, t)) {
            return Ok(id);
        }
        self.calls.check_tracks(call.tracks.len() + 1)?;
        let free = (0..u16::MAX).map(TrackId).find(|id| !call.tracks.contains_key(id));
        Ok(free.unwrap_or(TrackId(0)))
    }

    /// A participant joined, or its facts changed.
    ///
    /// # Errors
    /// If the call has as many participants as it may have, or another connection brings this track.
    pub async fn announce(&mut self, info: TrackInfo, codec: Codec, who: Who) -> Result<(), Refusal> {
        {
            let mut open = self.calls.lock();
            if let Some(call) = open.get_mut(&self.call) {
                let others =
                    call.tracks.get(&info.id).filter(|t| t.feed != self.number && call.feeds.contains(&t.feed));
                if others.is_some() {
                    let message = format!("track {} comes over another connection; choose another number", info.id);
                    return Err(Refusal::new(Code::BadMessage, message));
                }
                if !call.tracks.contains_key(&info.id) {
                    self.calls.check_tracks(call.tracks.len() + 1)?;
                }
                call.tracks.insert(info.id, Known { name: info.name.clone(), codec, feed: self.number });
            }
        }
        self.codecs.insert(info.id, codec);
        self.announced.insert(info.id);
        self.tell(What::Track { info, codec, who: Box::new(who) }).await;
        Ok(())
    }

    /// Hands an item over that arrived now: at once in a live call, when there is room in a recorded one. Gives how many
    /// packets were thrown away for it.
    pub async fn tell(&self, what: What) -> u64 {
        let item = IngestItem::new(Instant::now(), what);
        match self.mode {
            Mode::Live => self.push(item),
            Mode::Recorded => {
                self.handle.push_when_room(item).await;
                0
            }
        }
    }

    /// Live: hands an item over without waiting. Gives how many packets were thrown away for it.
    pub fn push(&self, item: IngestItem) -> u64 {
        let dropped = self.handle.push(item);
        self.calls.counters.dropped.fetch_add(dropped, Ordering::Relaxed);
        dropped
    }

    /// Has another connection taken over?
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        *self.oldest.borrow() > self.number
    }

    /// Resolves when another connection has taken over.
    pub fn replaced(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut oldest, number) = (self.oldest.clone(), self.number);
        async move {
            if oldest.wait_for(|&oldest| oldest > number).await.is_err() {
                // The call is gone; nobody takes over any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Resolves when the call is over, and says how it went.
    pub fn finished(&self) -> impl Future<Output = Ended> + Send + 'static {
        let (handle, call) = (Arc::clone(&self.handle), self.call.clone());
        async move { Ended { call, ..handle.finished().await } }
    }

    /// The sender is done. The call ends if nobody else feeds it.
    pub async fn stop(&mut self) {
        self.left = true;
        if let Some(handle) = self.calls.leave(&self.call, self.number) {
            self.calls.forget_unfed(&self.call);
            let item = IngestItem::new(Instant::now(), What::End);
            match self.mode {
                Mode::Live => drop(handle.push(item)),
                Mode::Recorded => handle.push_when_room(item).await,
            }
        } else {
            // The others go on without this feed's participants.
            let tracks: Vec<TrackId> = self.codecs.keys().copied().collect();
            if !self.is_replaced() {
                for track in tracks {
                    self.tell(What::Leave { track }).await;
                }
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        if let Some(handle) = self.calls.leave(&self.call, self.number) {
            if self.mode == Mode::Live {
                let why = "the connection to the meeting bot broke; it is expected back";
                handle.push(IngestItem::new(Instant::now(), source(SourceState::Reconnecting, why)));
            }
            Arc::clone(&self.calls).wait_for_return(self.call.clone(), handle);
        }
    }
}

fn source(state: SourceState, detail: &str) -> What {
    What::Source(SourceStatus { state, detail: detail.to_owned() })
}
