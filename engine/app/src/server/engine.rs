//! Opens calls and keeps track of them: admission, restart, shutdown.

use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use reframe_call::{
    deal::Deal,
    event::{Event, EventBody},
    input::ConsentRule,
    playbook::Playbook,
    session::{Ears, SessionSettings, SessionSetup},
    time::MediaTime,
};
use reframe_consent::{ConsentRecord, NewRecord};
use reframe_ingest::{
    CallHandle, CallHost, IngestItem, Mode,
    socket::protocol::{Code, Ended, Refusal, Start, Started},
};
use reframe_serve::{CallMeta, CallScreen, Hub, OpenError, Token, overlay_link};
use reframe_store::{CallId, CallState, ConsentBook, NewCall, Store, StoreError};
use tokio::sync::watch;

use super::{
    admission::{Admission, Rules, now_unix_ms},
    call_thread::{CallThread, Inbox, Message, Outcome},
    erasures::Erasures,
    export,
    log_writer::LogHandle,
    playbook_reload::Shelf,
    refine::RefineHandle,
    stats::EngineStats,
    tokens::{Tokens, token_hash},
};
use crate::{
    playbooks,
    queue::{InputQueue, Pushed, WhenFull},
    runner::Runner,
    sentences::Plan,
    workflow::Arms,
};

/// Calls left open by former runs that are closed at once; a server that was killed a thousand times over has more to
/// worry about.
const MOST_LEFT_OPEN: usize = 1_000;
/// A finished call's events are waited for this long before its files are written without them.
const FLUSH_LIMIT: Duration = Duration::from_secs(10);

/// Everything calls are made of.
pub struct EngineParts {
    /// What to listen for and answer, for calls that begin now.
    pub shelf: Arc<Shelf>,
    /// Names the recogniser should lean towards in every call.
    pub context: Vec<String>,
    /// What to hear with.
    pub ears: Ears,
    /// Settings of every call.
    pub settings: SessionSettings,
    /// The second pass, if there is one.
    pub refine: Option<RefineHandle>,
    /// The event log and the consent registry.
    pub log: Arc<dyn Store>,
    /// Their writer.
    pub writer: LogHandle,
    /// Erases what has to go.
    pub erasures: Erasures,
    /// Who is who, and whose consent it takes.
    pub rules: Arc<Rules>,
    /// What bots are asked to say in the meeting.
    pub disclosure: Option<String>,
    /// The screens.
    pub hub: Hub,
    /// Where screens find this server: `http://127.0.0.1:7311`.
    pub base_url: String,
    /// Where finished calls go.
    pub data_dir: PathBuf,
    /// Write down each call's inputs.
    pub record_inputs: bool,
    /// Makes the tokens.
    pub tokens: Arc<Tokens>,
    /// Calls at the same time.
    pub max_calls: usize,
    /// Packets that may wait for a call.
    pub queue_packets: usize,
    /// What a call is told of the brief that was made for it.
    pub arms: Arms,
    /// Wakes who writes up calls that are over.
    pub call_over: Arc<dyn Fn() + Send + Sync>,
}

/// A call's place among those that run at the same time. Given up when dropped.
struct Seat {
    engine: Arc<Engine>,
    id: Arc<CallId>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.engine.stats.calls_open.fetch_sub(1, Ordering::Relaxed);
        self.engine.lock().remove(self.id.as_str());
    }
}

/// What the store knows of a call that is to be opened.
struct Known {
    history: Vec<Event>,
    resumed: bool,
    started_unix_ms: i64,
}

struct Dormant {
    screen: CallScreen,
    /// Where clicks go once the call is taken up again.
    inbox: Arc<Mutex<Option<Arc<Inbox>>>>,
}

/// The engine.
pub struct Engine {
    parts: EngineParts,
    stats: Arc<EngineStats>,
    /// Calls that run or are about to.
    calls: Mutex<BTreeMap<String, Arc<Inbox>>>,
    /// Calls the last run of the server left open: their screens can come back while their bots are awaited.
    dormant: Mutex<BTreeMap<String, Dormant>>,
    stopping: std::sync::atomic::AtomicBool,
}

impl Engine {
    /// An engine without calls.
    #[must_use]
    pub fn new(parts: EngineParts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            stats: Arc::default(),
            calls: Mutex::default(),
            dormant: Mutex::default(),
            stopping: false.into(),
        })
    }

    /// What it counts.
    #[must_use]
    pub fn stats(&self) -> &Arc<EngineStats> {
        &self.stats
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Inbox>>> {
        // Inserting and removing cannot leave the map half done.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while a call is taken up or given up, so that it is never both. `calls` may be locked under it, not the
    /// other way round.
    fn dormant(&self) -> MutexGuard<'_, BTreeMap<String, Dormant>> {
        self.dormant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops admitting, ends every call, and waits for them until `deadline`. Gives the names of calls still running
    /// then.
    #[must_use]
    pub fn stop(&self, deadline: Instant) -> Vec<String> {
        self.stopping.store(true, Ordering::Release);
        for inbox in self.lock().values() {
            inbox.queue.close();
        }
        loop {
            let running: Vec<String> = self.lock().keys().cloned().collect();
            if running.is_empty() || Instant::now() >= deadline {
                return running;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A seat for a call, counted from now on: bots that come at the same moment must not all find the last one free.
    fn admit(self: &Arc<Self>, id: &Arc<CallId>, inbox: &Arc<Inbox>) -> Result<Seat, Refusal> {
        let busy = |message: String| Err(Refusal::new(Code::Busy, message));
        let mut calls = self.lock();
        if self.stopping.load(Ordering::Acquire) {
            return busy("the server is shutting down; try again when it is back".to_owned());
        }
        if calls.contains_key(id.as_str()) {
            // Until its last event is stored it could only go on from half its log.
            return busy(format!("call `{id}` is running or just ending; try again in a moment, or choose another id"));
        }
        let open = calls.len();
        if open >= self.parts.max_calls {
            return busy(format!("{open} calls are running, as many as limits.max_calls lets in; try again later"));
        }
        if self.stats.is_overloaded() || self.parts.writer.behind() {
            return busy("this machine is behind with the calls it has; try again in a moment".to_owned());
        }
        calls.insert(id.to_string(), Arc::clone(inbox));
        self.stats.calls_open.fetch_add(1, Ordering::Relaxed);
        Ok(Seat { engine: Arc::clone(self), id: Arc::clone(id) })
    }

    fn open_call(self: &Arc<Self>, start: &Start) -> Result<LiveCall, Refusal> {
        let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error.to_string());
        let Plan { playbook, meaning } = self.parts.shelf.plan();
        if let Some(name) = start.playbook.as_ref().filter(|n| **n != playbook.name) {
            let message = format!("playbook `{name}` is not loaded; this server runs `{}`", playbook.name);
            return Err(Refusal::new(Code::UnknownPlaybook, message));
        }
        let id = match &start.call {
            Some(id) => id.clone(),
            None => self.fresh_id(),
        };
        let id = Arc::new(CallId::new(id).map_err(|e| Refusal::new(Code::BadMessage, e.to_string()))?);
        let title = start.title.clone().unwrap_or_else(|| id.to_string());
        let rule = if start.mode == Mode::Live { WhenFull::DropOldest } else { WhenFull::Block };
        let (queue, parker) = InputQueue::new(self.parts.queue_packets, rule);
        let inbox = Arc::new(Inbox::new(queue, Arc::clone(&self.stats)));
        let seat = self.admit(&id, &inbox)?;
        let mut dormant = self.dormant();
        let Known { history, resumed, started_unix_ms } = self.history(&id, &title, &playbook)?;
        let token = self.parts.tokens.screen_token(id.as_str(), started_unix_ms);
        let asleep = match dormant.remove(id.as_str()) {
            Some(asleep) => asleep,
            None => self.open_screen(&id, title, token.clone(), &history).map_err(|error| match error {
                OpenError::AlreadyOpen(_) => Refusal::new(Code::CallEnded, error.to_string()),
                OpenError::TooManyCalls { .. } | OpenError::ShuttingDown => Refusal::new(Code::Busy, error.to_string()),
                other => internal(&other),
            })?,
        };
        drop(dormant);
        *asleep.inbox.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&inbox));
        let screen = asleep.screen;

        let mut context = self.parts.context.clone();
        context.extend(start.context.iter().cloned());
        context.extend(start.tracks.iter().map(|t| t.name.clone()));
        let armed = (self.parts.arms)(start);
        // Both are inputs of the call: they stand in its record, and the deal in its log's first event.
        context.extend(armed.iter().flat_map(|arm| arm.context.iter().cloned()));
        let name = playbook.name.clone();
        let setup = SessionSetup {
            settings: self.parts.settings,
            playbook,
            context,
            deal: deal_of(start, armed.map(|arm| arm.deal), &id),
            ears: self.parts.ears.clone(),
            semantic: meaning,
        };
        let record = self.record_file(&id, resumed).map_err(|e| internal(&format!("{e:#}")))?;
        let runner = Runner::new(setup, &history, record).map_err(|e| internal(&format!("{e:#}")))?;
        let thread = CallThread {
            id: Arc::clone(&id),
            inbox: Arc::clone(&inbox),
            runner,
            screen,
            log: self.parts.writer.clone(),
            admission: Admission::new(
                Arc::clone(&id),
                Arc::clone(&self.parts.rules),
                Arc::clone(&self.parts.log),
                self.parts.writer.clone(),
                &history,
            ),
            erasures: self.parts.erasures.clone(),
            refine: self.parts.refine.clone(),
            stats: Arc::clone(&self.stats),
            mode: start.mode,
            starts_at: history.last().map_or(MediaTime::ZERO, |e| e.at),
        };
        let (finished, done) = watch::channel(None);
        self.stats.calls_opened.fetch_add(1, Ordering::Relaxed);
        tracing::info!(call = %id, resumed, mode = ?start.mode, "a call began");
        let engine = Arc::clone(self);
        std::thread::Builder::new()
            .name(format!("call-{id}"))
            .spawn(move || {
                let outcome = thread.run(&parker);
                engine.finish(seat, outcome, &finished);
            })
            .map_err(|error| internal(&format!("the call's thread cannot be started: {error}")))?;
        let started = Started {
            call: id.to_string(),
            version: reframe_ingest::socket::protocol::VERSION,
            resumed,
            overlay_url: Some(overlay_link(&self.parts.base_url, id.as_str(), &token)),
            playbook: Some(name),
            disclosure: self.parts.disclosure.clone(),
            consent_rule: self.rule_at_start(start),
        };
        Ok(LiveCall { inbox, started, done })
    }

    /// Whose consent it takes with the participants known so far.
    fn rule_at_start(&self, start: &Start) -> ConsentRule {
        let places = start.tracks.iter().map(|t| t.jurisdiction.as_deref());
        self.parts.rules.policy.rule_for(places, self.parts.rules.setting).0
    }

    /// Adds a record to the consent registry and tells the calls that run. A withdrawal is told first: nobody is to be
    /// listened to while it is being written down; a consent last: nobody is to be listened to before it is.
    ///
    /// # Errors
    /// If the record may not stand in a registry, or could not be stored yet: then it still will be, or the log says not.
    pub fn put_on_record(&self, record: NewRecord) -> anyhow::Result<ConsentRecord> {
        record.check()?;
        let record = Arc::new(record);
        let tell = || {
            for inbox in self.lock().values() {
                // A call that takes no more is over.
                let _taken = inbox.put(Message::OnRecord(Arc::clone(&record)));
            }
        };
        let withdrawal = record.withdrawn_unix_ms.is_some();
        if withdrawal {
            tell();
        }
        self.parts.writer.append_consent((*record).clone());
        anyhow::ensure!(
            self.parts.writer.flush(FLUSH_LIMIT),
            "the registry cannot be written for now; it is tried again, see the server's log"
        );
        let latest = self.parts.log.consents(Some(&record.person), 100)?;
        let stored = latest.into_iter().find(|r| r.says == *record).context("the registry refused the record")?;
        if withdrawal {
            // Before anybody is told that it is done: of calls that are over nothing is to be shown, or written, any more.
            self.parts.log.carry_out_withdrawals(now_unix_ms())?;
            self.parts.erasures.wake();
        } else {
            tell();
        }
        Ok(stored)
    }

    /// The consent registry.
    #[must_use]
    pub fn book(&self) -> &dyn ConsentBook {
        &*self.parts.log
    }

    /// Makes the tokens.
    #[must_use]
    pub const fn tokens(&self) -> &Arc<Tokens> {
        &self.parts.tokens
    }

    /// An id for a new call that nobody chose one for.
    #[must_use]
    pub fn fresh_id(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The time keeps ids in order for people; the random part keeps two of the same millisecond apart.
        format!("{}-{:04x}", now.as_millis(), rand::random::<u16>())
    }

    fn open_screen(&self, id: &CallId, title: String, token: Token, history: &[Event]) -> Result<Dormant, OpenError> {
        let inbox = Arc::new(Mutex::new(None::<Arc<Inbox>>));
        let clicks = Arc::clone(&inbox);
        let actions = move |action| {
            let inbox = clicks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            inbox.is_some_and(|inbox| inbox.put(Message::Rep(action)).is_some())
        };
        let screen = self.parts.hub.open_call(CallMeta { id: id.to_string(), title, token }, Arc::new(actions))?;
        screen.restore(history);
        Ok(Dormant { screen, inbox })
    }

    /// Takes up the calls the last run of the server left open: their screens may come back at once. Gives their
    /// number.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn wake_open_calls(&self) -> Result<usize, StoreError> {
        let mut dormant = self.dormant();
        for record in self.parts.log.calls(Some(CallState::Open), self.parts.max_calls)? {
            let id = record.call.id;
            let token = self.parts.tokens.screen_token(id.as_str(), record.call.started_unix_ms);
            match self.open_screen(&id, record.call.title, token, &self.parts.log.read(&id, 0)?) {
                Ok(asleep) => drop(dormant.insert(id.to_string(), asleep)),
                Err(error) => tracing::warn!(call = %id, %error, "a call left open cannot be watched"),
            }
        }
        Ok(dormant.len())
    }

    /// Gives up the calls of the last run whose bots did not come back: each gets its last event and its files.
    pub fn abandon_dormant(&self) {
        let mut dormant = self.dormant();
        // Asked of the store, not of the map: more may have been left open than screens could be opened for.
        let open = match self.parts.log.calls(Some(CallState::Open), MOST_LEFT_OPEN) {
            Ok(open) => open,
            Err(error) => return tracing::error!(%error, "calls left open could not be looked for"),
        };
        for id in open.into_iter().map(|record| record.call.id) {
            if self.lock().contains_key(id.as_str()) {
                continue;
            }
            let asleep = dormant.remove(id.as_str());
            if let Err(error) = self.abandon(&id, asleep.map(|a| a.screen)) {
                tracing::error!(call = %id, "a call left open could not be closed: {error:#}");
            }
        }
        dormant.clear();
    }

    fn abandon(&self, id: &CallId, screen: Option<CallScreen>) -> anyhow::Result<()> {
        let last = self.parts.log.read(id, 0)?.pop();
        let (seq, at) = last.map_or((0, MediaTime::ZERO), |e| (e.seq + 1, e.at));
        let error = "the server stopped in mid-call and its audio did not come back".to_owned();
        let event = Event { seq, at, body: EventBody::CallFailed { error } };
        self.parts.log.append(id, seq, std::slice::from_ref(&event))?;
        if let Some(screen) = screen {
            screen.publish(&event, None);
        }
        let _files = self.parts.erasures.files();
        export::export(&*self.parts.log, &self.parts.data_dir, id)?;
        tracing::warn!(call = %id, "a call the last run left open was closed: its audio did not come back");
        Ok(())
    }

    /// The log of a call that goes on after a restart; enters a new call in the store otherwise.
    fn history(&self, id: &CallId, title: &str, playbook: &Playbook) -> Result<Known, Refusal> {
        let internal = |e: StoreError| Refusal::new(Code::Internal, e.to_string());
        let log = &self.parts.log;
        match log.call(id).map_err(internal)? {
            None => {
                let started_unix_ms = now_unix_ms();
                let token = self.parts.tokens.screen_token(id.as_str(), started_unix_ms);
                let call = NewCall {
                    id: id.clone(),
                    title: title.to_owned(),
                    playbook: playbook.id(),
                    started_unix_ms,
                    token_hash: token_hash(&token),
                };
                log.create(&call).map_err(internal)?;
                Ok(Known { history: Vec::new(), resumed: false, started_unix_ms })
            }
            Some(record) if record.state == CallState::Open => {
                let history = log.read(id, 0).map_err(internal)?;
                Ok(Known { history, resumed: true, started_unix_ms: record.call.started_unix_ms })
            }
            Some(_) => {
                let message = format!("call `{id}` is over; leave `call` out, or choose another id");
                Err(Refusal::new(Code::CallEnded, message))
            }
        }
    }

    fn record_file(&self, id: &CallId, resumed: bool) -> anyhow::Result<Option<Box<dyn std::io::Write + Send>>> {
        // A record tells a whole call or nothing: the part before a restart is gone.
        if !self.parts.record_inputs || resumed {
            return Ok(None);
        }
        self.parts.erasures.record(id).map(Some)
    }

    fn finish(&self, seat: Seat, outcome: Outcome, finished: &watch::Sender<Option<Ended>>) {
        let id = Arc::clone(&seat.id);
        let stored = self.parts.writer.flush(FLUSH_LIMIT);
        if !stored {
            tracing::error!(call = %id, "the call is over and part of its log is not stored yet");
        }
        self.parts.erasures.forget_record(&id);
        let exported = {
            let _files = self.parts.erasures.files();
            export::export(&*self.parts.log, &self.parts.data_dir, &id)
                .with_context(|| format!("the files of call {id} could not be written; its log is in the store"))
        };
        let log_url = match exported {
            Ok(paths) => paths.map(|paths| paths.events.display().to_string()),
            Err(error) => {
                tracing::error!("{error:#}");
                None
            }
        };
        // Somebody may have taken consent back while it ran: their name goes now that it is over.
        self.parts.erasures.wake();
        tracing::info!(call = %id, events = outcome.events, cards = outcome.cards, failed = outcome.failed, "a call ended");
        drop(seat);
        (self.parts.call_over)();
        let ended =
            Ended { call: id.to_string(), events: Some(outcome.events), cards_shown: Some(outcome.cards), log_url };
        finished.send_replace(Some(ended));
    }
}

/// What is known of a call's deal: what its bot says, where it says nothing what its brief knows, and the call's own id and
/// day.
fn deal_of(start: &Start, brief: Option<Deal>, id: &CallId) -> Deal {
    let mut deal = start.deal.clone();
    if let Some(brief) = brief {
        deal.crm_id = deal.crm_id.or(brief.crm_id);
        deal.industry = deal.industry.or(brief.industry);
        deal.size = deal.size.or(brief.size);
        deal.competitor = deal.competitor.or(brief.competitor);
        deal.stage = deal.stage.or(brief.stage);
        deal.language = deal.language.or(brief.language);
        if deal.plays.is_empty() {
            deal.plays = brief.plays;
        }
    }
    deal.id.get_or_insert_with(|| id.to_string());
    deal.date = deal.date.or_else(playbooks::today);
    deal
}

/// [`CallHost`] over an engine.
pub struct Host(pub Arc<Engine>);

impl CallHost for Host {
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal> {
        match self.0.open_call(start) {
            Ok(call) => Ok(Box::new(call)),
            Err(refusal) => {
                self.0.stats.calls_refused.fetch_add(1, Ordering::Relaxed);
                Err(refusal)
            }
        }
    }
}

struct LiveCall {
    inbox: Arc<Inbox>,
    started: Started,
    done: watch::Receiver<Option<Ended>>,
}

impl CallHandle for LiveCall {
    fn started(&self) -> Started {
        self.started.clone()
    }

    fn push(&self, item: IngestItem) -> u64 {
        // What comes after the end of a call is owed to nobody.
        self.inbox.put(Message::Item(item)).unwrap_or(0)
    }

    fn push_when_room<'a>(&'a self, item: IngestItem) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let mut message = Message::Item(item);
            while !self.inbox.queue.is_closed() {
                match self.inbox.queue.push(message) {
                    Pushed::Full(back) => message = back,
                    Pushed::Taken => return,
                    Pushed::Displaced(old) => {
                        self.inbox.make_way(old);
                        return;
                    }
                }
                self.inbox.room.notified().await;
            }
            // Whoever else waits for room in a closed queue must learn it too.
            self.inbox.room.notify_one();
        })
    }

    fn finished<'a>(&'a self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'a>> {
        Box::pin(async move {
            let mut done = self.done.clone();
            match done.wait_for(Option::is_some).await {
                Ok(ended) => ended.clone().unwrap_or_default(),
                Err(_) => Ended { call: self.started.call.clone(), ..Ended::default() },
            }
        })
    }
}
