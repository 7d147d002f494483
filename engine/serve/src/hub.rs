//! All calls that can be watched, and the handle through which a call's thread tells its watchers what happened.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use reframe_call::{audio::TrackId, event::Event, input::RepAction, output::Caption};

use crate::{
    live::{Away, LiveCall, Watcher},
    metrics::{Counter, Gauge, Metrics},
    token::{MIN_TOKEN_BYTES, Token},
};

/// Takes a rep's action to its call; `false` if the call does not take it (over, or its queue is full). Runs on a
/// network task, so it must not block.
pub type RepActions = Arc<dyn Fn(RepAction) -> bool + Send + Sync>;

/// Bounds of a [`Hub`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubOptions {
    /// Calls at a time, those that linger included.
    pub max_calls: usize,
    /// Screens per call: the rep's, a second one, a manager's.
    pub max_clients_per_call: usize,
    /// Card messages a client may be behind before it gets the present state instead.
    pub queue: usize,
    /// Card messages kept per call for clients that come back.
    pub ring: usize,
    /// How long an ended call can still be looked at.
    pub linger: Duration,
    /// How often a client is asked whether it is there.
    pub ping: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            max_calls: 256,
            max_clients_per_call: 16,
            queue: 64,
            ring: 512,
            linger: Duration::from_secs(300),
            ping: Duration::from_secs(10),
        }
    }
}

/// What to open a call with.
#[derive(Clone, Debug)]
pub struct CallMeta {
    /// Name of the call in links: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub id: String,
    /// Heading on the screen.
    pub title: String,
    /// The secret that lets a browser in.
    pub token: Token,
}

/// How long a card took to compute, measured by the call's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeLatency {
    /// Wall time from the arrival of the decisive frame until now, without waiting the method needs, in microseconds.
    pub compute_us: u64,
}

/// Why a call cannot be opened for watching.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The hub is full.
    #[error("{open} calls are open and no more than {max} may be: end one, or raise max_calls")]
    TooManyCalls {
        /// Calls open.
        open: usize,
        /// The bound.
        max: usize,
    },
    /// The id is in use.
    #[error("call `{0}` is open already: choose another id, or end that call first")]
    AlreadyOpen(String),
    /// The id cannot stand in a link.
    #[error("`{0}` cannot name a call: use 1 to 64 letters, digits, `-`, `_` or `.`")]
    BadId(String),
    /// The token can be guessed.
    #[error("the token has {bytes} bytes and needs {MIN_TOKEN_BYTES} or more: use Token::generate()")]
    WeakToken {
        /// Its length.
        bytes: usize,
    },
    /// The server stops.
    #[error("the server is shutting down: start the call again when it is back")]
    ShuttingDown,
}

/// Why a client may not watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No such call, or not its token. One answer for both, so that ids cannot be probed.
    #[error("no such call, or a wrong token: ask for a new link")]
    NotFound,
    /// The call has as many screens as it may.
    #[error("this call is open on too many screens: close one")]
    TooManyClients,
    /// The server stops.
    #[error("the server is shutting down: try again in a moment")]
    ShuttingDown,
}

/// Counters of a hub.
#[derive(Clone, Debug)]
pub(crate) struct HubStats {
    pub(crate) clients: Gauge,
    pub(crate) cards: Counter,
    pub(crate) resyncs: Counter,
    pub(crate) repeated_events: Counter,
    pub(crate) actions: Counter,
    pub(crate) actions_refused: Counter,
    pub(crate) replies_dropped: Counter,
    pub(crate) messages: Counter,
    pub(crate) clients_lost: Counter,
    refused_calls: Counter,
    metrics: Metrics,
}

impl HubStats {
    fn new(metrics: &Metrics) -> Self {
        let counter = |name: &str, help: &str| metrics.counter(name, help, &[]);
        Self {
            clients: metrics.gauge("reframe_screen_clients", "Screens connected.", &[]),
            cards: counter("reframe_screen_cards_total", "Cards published to screens."),
            resyncs: counter(
                "reframe_screen_resyncs_total",
                "Times a screen fell behind and got the whole state instead.",
            ),
            repeated_events: counter(
                "reframe_screen_repeated_events_total",
                "Events published a second time and ignored.",
            ),
            actions: counter("reframe_screen_actions_total", "Actions of reps taken by their call."),
            actions_refused: counter("reframe_screen_actions_refused_total", "Actions of reps not carried out."),
            replies_dropped: counter(
                "reframe_screen_replies_dropped_total",
                "Answers to a flooding screen that were dropped.",
            ),
            messages: counter("reframe_screen_messages_total", "Messages written to screens."),
            clients_lost: counter(
                "reframe_screen_clients_lost_total",
                "Screens given up because they stopped reading or answering.",
            ),
            refused_calls: counter(
                "reframe_screen_calls_refused_total",
                "Calls that could not be opened for watching.",
            ),
            metrics: metrics.clone(),
        }
    }

    /// Counts a client turned away.
    pub(crate) fn turned_away(&self, reason: &str) {
        self.metrics
            .counter("reframe_screen_clients_refused_total", "Screens turned away.", &[("reason", reason)])
            .inc();
    }
}

struct Inner {
    options: HubOptions,
    stats: HubStats,
    calls: Mutex<BTreeMap<String, Arc<LiveCall>>>,
    stopping: AtomicBool,
}

/// All calls that can be watched. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

impl Hub {
    /// A hub without calls, counting into `metrics`.
    #[must_use]
    pub fn new(options: HubOptions, metrics: &Metrics) -> Self {
        // A ring shorter than what a client may lag would lose messages without noticing.
        let options = HubOptions { ring: options.ring.max(options.queue).max(1), ..options };
        let inner =
            Inner { options, stats: HubStats::new(metrics), calls: Mutex::default(), stopping: AtomicBool::new(false) };
        Self(Arc::new(inner))
    }

    /// Opens a call for watching. An ended call of the same id that still lingers makes room.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way.
    pub fn open_call(&self, meta: CallMeta, actions: RepActions) -> Result<CallScreen, OpenError> {
        self.sweep();
        let opened = self.try_open(meta, actions);
        if opened.is_err() {
            self.0.stats.refused_calls.inc();
        }
        opened
    }

    fn try_open(&self, meta: CallMeta, actions: RepActions) -> Result<CallScreen, OpenError> {
        let CallMeta { id, title, token } = meta;
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > 64 || !id.chars().all(good) {
            return Err(OpenError::BadId(id));
        }
        let bytes = token.reveal().len();
        if bytes < MIN_TOKEN_BYTES {
            return Err(OpenError::WeakToken { bytes });
        }
        if self.is_shutting_down() {
            return Err(OpenError::ShuttingDown);
        }
        let mut calls = self.lock();
        match calls.get(&id) {
            Some(old) if old.ended_at().is_none() => return Err(OpenError::AlreadyOpen(id)),
            Some(old) => old.send_away(Away::CallOver),
            None if calls.len() >= self.0.options.max_calls => {
                // An ended call that can still be looked at is worth less than a new one.
                let ended = calls.iter().filter_map(|(id, call)| Some((call.ended_at()?, id))).min();
                let Some(oldest) = ended.map(|(_, id)| id.clone()) else {
                    return Err(OpenError::TooManyCalls { open: calls.len(), max: self.0.options.max_calls });
                };
                if let Some(old) = calls.remove(&oldest) {
                    old.send_away(Away::CallOver);
                }
            }
            None => {}
        }
        let call = LiveCall::new(id.clone(), title, token, actions, self.0.options.clone(), self.0.stats.clone());
        let call = Arc::new(call);
        calls.insert(id, Arc::clone(&call));
        Ok(CallScreen { call })
    }

    /// Puts away calls that ended longer ago than they may linger. [`serve`](crate::serve) does this every second; whoever
    /// serves the router in another way must do it too, or ended calls stay until the next one is opened.
    pub fn sweep(&self) {
        self.sweep_at(Instant::now());
    }

    fn sweep_at(&self, now: Instant) {
        let linger = self.0.options.linger;
        self.lock().retain(|_, call| {
            let over = call.ended_at().is_some_and(|ended| now.saturating_duration_since(ended) >= linger);
            if over {
                call.send_away(Away::CallOver);
            }
            !over
        });
    }

    /// From now on: no new calls, no new screens, and `/healthz` answers 503. Screens stay until
    /// [`close_screens`](Self::close_screens).
    pub fn begin_shutdown(&self) {
        self.0.stopping.store(true, Ordering::Release);
    }

    /// Sends all screens away; their pages will try to come back.
    pub fn close_screens(&self) {
        self.begin_shutdown();
        for call in self.lock().values() {
            call.send_away(Away::Stopping);
        }
    }

    /// Whether [`begin_shutdown`](Self::begin_shutdown) was called.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// Calls that can be watched, those that linger included.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.lock().len()
    }

    /// Screens connected.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.lock().values().map(|call| call.watchers()).sum()
    }

    /// Forgets what a participant of a call (`None`: anybody) said, as [`CallScreen::erase`] does, also in a call that ended
    /// and can still be looked at. False if there is no such call.
    pub fn erase(&self, call: &str, track: Option<TrackId>) -> bool {
        let found = self.lock().get(call).cloned();
        if let Some(call) = &found {
            call.erase(track);
        }
        found.is_some()
    }

    pub(crate) fn options(&self) -> &HubOptions {
        &self.0.options
    }

    pub(crate) fn stats(&self) -> &HubStats {
        &self.0.stats
    }

    /// A place for a client that knows the token.
    pub(crate) fn join(&self, call: &str, token: &str, resume_from: Option<u64>) -> Result<Watcher, JoinError> {
        if self.is_shutting_down() {
            return Err(JoinError::ShuttingDown);
        }
        let call =
            self.lock().get(call).cloned().filter(|call| call.token.matches(token)).ok_or(JoinError::NotFound)?;
        call.join(resume_from).ok_or(JoinError::TooManyClients)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<LiveCall>>> {
        // Inserting and removing cannot leave the map half done.
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's side of its screens. Every method returns at once, whatever the clients do, so the call's own thread may use
/// it. Dropping it closes the call.
pub struct CallScreen {
    call: Arc<LiveCall>,
}

impl std::fmt::Debug for CallScreen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallScreen").field("call", &self.call.id).finish_non_exhaustive()
    }
}

impl CallScreen {
    /// Tells the screens what happened. Events must come in the order of the log; one that was published or
    /// [restored](Self::restore) before is ignored and counted. `compute` is shown on a card.
    pub fn publish(&self, event: &Event, compute: Option<ComputeLatency>) {
        self.call.publish(event, compute.map(|compute| compute.compute_us));
    }

    /// Shows what is being said. The last one wins.
    pub fn caption(&self, caption: &Caption) {
        self.call.caption(caption);
    }

    /// Takes in the log so far of a call that goes on after a restart, so that pages that come back miss nothing. Call it
    /// before anything else.
    pub fn restore(&self, events: &[Event]) {
        self.call.restore(events);
    }

    /// Forgets what a participant said: in the captions, in the cards on the screen and in those kept for clients that come
    /// back; and makes every page forget it. An [`EventBody::WordsErased`](reframe_call::event::EventBody::WordsErased) that
    /// is published does the same by itself.
    pub fn erase(&self, track: TrackId) {
        self.call.erase(Some(track));
    }

    /// Screens connected to this call.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.call.watchers()
    }

    /// The call is over. If no `CallEnded` or `CallFailed` was published, the screens learn it now.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for CallScreen {
    fn drop(&mut self) {
        self.call.close();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reframe_call::event::{CardId, EventBody};

    use super::*;
    use crate::{
        live::Next,
        sample,
        wire::{EndReason, Missed, ServerBody, ServerMessage},
    };

    const TOKEN: &str = "0123456789abcdef";

    fn hub(options: HubOptions) -> (Hub, Metrics) {
        let metrics = Metrics::new();
        (Hub::new(options, &metrics), metrics)
    }

    fn meta(id: &str) -> CallMeta {
        CallMeta { id: id.into(), title: "Acme".into(), token: Token::new(TOKEN) }
    }

    fn open(hub: &Hub, id: &str) -> CallScreen {
        hub.open_call(meta(id), Arc::new(|_| true)).unwrap()
    }

    /// All that a client has to read right now.
    fn drain(watcher: &Watcher) -> Vec<ServerBody> {
        let mut bodies = Vec::new();
        while let Next::Send(text) | Next::SendCaption(text) = watcher.next(true) {
            bodies.push(serde_json::from_str::<ServerMessage>(text.as_str()).unwrap().body);
        }
        bodies
    }

    fn seqs(bodies: &[ServerBody]) -> Vec<u64> {
        bodies.iter().filter_map(|body| if let ServerBody::Card(card) = body { Some(card.seq) } else { None }).collect()
    }

    #[test]
    fn a_client_that_comes_back_gets_what_it_missed_once_and_in_order() {
        let (hub, _) = hub(HubOptions::default());
        let screen = open(&hub, "c");
        for seq in 0..100 {
            screen.publish(&sample::shown(seq, 0), None);
        }
        let watcher = hub.join("c", TOKEN, Some(9)).unwrap();
        assert!(matches!(&watcher.ack, ServerBody::HelloAck(ack) if ack.resumed && ack.seq == Some(99)));
        let bodies = drain(&watcher);
        assert_eq!(
            seqs(&bodies),
            (10..100).collect::<Vec<_>>(),
            "more than a queue of messages, and no state in between"
        );
        assert!(matches!(bodies.last(), Some(ServerBody::Status(_))));
        screen.publish(&sample::shown(100, 0), None);
        assert_eq!(seqs(&drain(&watcher)), [100]);
        let up_to_date = hub.join("c", TOKEN, Some(100)).unwrap();
        assert_eq!(seqs(&drain(&up_to_date)), [0u64; 0]);
    }

    #[test]
    fn a_client_away_for_too_long_gets_the_state_and_learns_what_it_missed() {
        let (hub, _) = hub(HubOptions { queue: 4, ring: 8, ..HubOptions::default() });
        let screen = open(&hub, "c");
        for seq in 0..20 {
            screen.publish(&sample::shown(seq, u32::try_from(seq).unwrap()), None);
        }
        // The ring holds 12..=19: a client that has 11 has all before it, one that has 10 lacks 11.
        let watcher = hub.join("c", TOKEN, Some(11)).unwrap();
        assert_eq!(seqs(&drain(&watcher)), (12..20).collect::<Vec<_>>());
        let watcher = hub.join("c", TOKEN, Some(10)).unwrap();
        assert!(matches!(&watcher.ack, ServerBody::HelloAck(ack) if !ack.resumed));
        let bodies = drain(&watcher);
        let [ServerBody::State(state)] = &bodies[..] else { panic!("{bodies:?}") };
        assert_eq!((state.missed, state.seq), (Some(Missed { from_seq: 11, to_seq: 19 }), Some(19)));
        // A number this log never had: another log, so nothing can be said to be missed.
        let bodies = drain(&hub.join("c", TOKEN, Some(50)).unwrap());
        assert!(matches!(&bodies[..], [ServerBody::State(state)] if state.missed.is_none()));
    }

    #[test]
    fn a_client_that_never_reads_costs_nothing_and_then_gets_the_state() {
        let (hub, metrics) = hub(HubOptions::default());
        let screen = open(&hub, "c");
        let (slow, quick) = (hub.join("c", TOKEN, None).unwrap(), hub.join("c", TOKEN, None).unwrap());
        assert_eq!((drain(&slow).len(), drain(&quick).len()), (1, 1));
        let mut got = Vec::new();
        for seq in 0..10_000 {
            screen.publish(&sample::shown(seq, u32::try_from(seq).unwrap()), None);
            got.extend(seqs(&drain(&quick)));
        }
        assert_eq!(got, (0..10_000).collect::<Vec<_>>(), "a slow client delays nobody");
        let bodies = drain(&slow);
        let [ServerBody::State(state)] = &bodies[..] else { panic!("{}", bodies.len()) };
        assert_eq!((state.missed, state.seq), (Some(Missed { from_seq: 0, to_seq: 9_999 }), Some(9_999)));
        screen.publish(&sample::shown(10_000, 0), None);
        assert_eq!(seqs(&drain(&slow)), [10_000], "and then goes on");
        assert!(metrics.render().contains("reframe_screen_resyncs_total 1\n"));
    }

    #[test]
    fn sixty_four_behind_is_still_delivered_and_one_more_is_not() {
        for (behind, lost) in [(64, false), (65, true)] {
            let (hub, _) = hub(HubOptions::default());
            let screen = open(&hub, "c");
            let watcher = hub.join("c", TOKEN, None).unwrap();
            drain(&watcher);
            for seq in 0..behind {
                screen.publish(&sample::shown(seq, 0), None);
            }
            let bodies = drain(&watcher);
            assert_eq!(matches!(&bodies[..], [ServerBody::State(_)]), lost, "{behind}");
            assert_eq!(seqs(&bodies).len() as u64, if lost { 0 } else { behind });
        }
    }

    #[test]
    fn a_restored_call_goes_on_with_its_numbers() {
        let (hub, metrics) = hub(HubOptions::default());
        let screen = open(&hub, "c");
        let log: Vec<Event> = (0..5).map(|seq| sample::shown(seq, u32::try_from(seq).unwrap())).collect();
        screen.restore(&log);
        screen.publish(&log[4], None);
        assert!(metrics.render().contains("reframe_screen_repeated_events_total 1\n"));
        let bodies = drain(&hub.join("c", TOKEN, Some(3)).unwrap());
        assert_eq!(seqs(&bodies), [4]);
        assert!(matches!(&bodies[0], ServerBody::Card(card) if card.latency.compute_ms.is_none()));
    }

    #[test]
    fn captions_are_replaced_and_can_be_held_back() {
        let (hub, _) = hub(HubOptions::default());
        let screen = open(&hub, "c");
        let watcher = hub.join("c", TOKEN, None).unwrap();
        drain(&watcher);
        for word in ["it", "it is", "it is too"] {
            screen.caption(&Caption {
                track: reframe_call::audio::TrackId(1),
                utterance: reframe_call::event::UtteranceId(0),
                committed: word.into(),
                tail: String::new(),
            });
        }
        assert_eq!(watcher.next(false), Next::CaptionLater);
        let bodies = drain(&watcher);
        assert!(
            matches!(&bodies[..], [ServerBody::Caption(caption)] if caption.committed == "it is too"),
            "{bodies:?}"
        );
        assert_eq!(watcher.next(false), Next::Wait);
    }

    #[test]
    fn hub_says_why_it_refuses() {
        let options = HubOptions { max_calls: 2, max_clients_per_call: 1, ..HubOptions::default() };
        let (hub, metrics) = hub(options);
        let _a = open(&hub, "a");
        let refuse = |meta| hub.open_call(meta, Arc::new(|_| true)).map(drop).unwrap_err();
        assert_eq!(refuse(meta("a")), OpenError::AlreadyOpen("a".into()));
        assert_eq!(refuse(meta("a/b")), OpenError::BadId("a/b".into()));
        assert_eq!(refuse(CallMeta { token: Token::new("short"), ..meta("b") }), OpenError::WeakToken { bytes: 5 });
        let _b = open(&hub, "b");
        assert_eq!(refuse(meta("c")), OpenError::TooManyCalls { open: 2, max: 2 });
        assert!(metrics.render().contains("reframe_screen_calls_refused_total 4\n"));

        assert_eq!(hub.join("a", "0123456789abcdeX", None).map(drop), Err(JoinError::NotFound));
        assert_eq!(hub.join("z", TOKEN, None).map(drop), Err(JoinError::NotFound));
        let watcher = hub.join("a", TOKEN, None).unwrap();
        assert_eq!(hub.join("a", TOKEN, None).map(drop), Err(JoinError::TooManyClients));
        drop(watcher);
        assert!(hub.join("a", TOKEN, None).is_ok(), "a client that left makes room");
        hub.begin_shutdown();
        assert_eq!(hub.join("a", TOKEN, None).map(drop), Err(JoinError::ShuttingDown));
        assert_eq!(refuse(meta("d")), OpenError::ShuttingDown);
    }

    #[test]
    fn ended_calls_linger_and_go() {
        let (hub, _) = hub(HubOptions { linger: Duration::from_secs(60), ..HubOptions::default() });
        let screen = open(&hub, "c");
        let watcher = hub.join("c", TOKEN, None).unwrap();
        drain(&watcher);
        screen.publish(
            &Event { seq: 0, at: Default::default(), body: EventBody::CallEnded { cards_shown: 0, utterances: 0 } },
            None,
        );
        screen.close();
        let bodies = drain(&watcher);
        assert!(
            matches!(&bodies[..], [ServerBody::Ended(ended)] if ended.reason == EndReason::Ended),
            "told once: {bodies:?}"
        );
        watcher.act(RepAction::Used { card: CardId(0) });
        assert!(matches!(&drain(&watcher)[..], [ServerBody::Refused(refused)] if refused.reason == "call_ended"));
        hub.sweep_at(Instant::now() + Duration::from_secs(59));
        assert_eq!(hub.calls(), 1);
        hub.sweep_at(Instant::now() + Duration::from_secs(61));
        assert_eq!(hub.calls(), 0);
        assert_eq!(watcher.next(true), Next::Leave(Away::CallOver));
        // A call that was dropped without an end still ends on the screens, also for those who come later.
        let screen = open(&hub, "d");
        screen.publish(&sample::shown(0, 0), None);
        drop(screen);
        let bodies = drain(&hub.join("d", TOKEN, Some(0)).unwrap());
        assert!(
            matches!(&bodies[..], [ServerBody::State(state)] if state.ended == Some(EndReason::Closed)),
            "{bodies:?}"
        );
        let _again = open(&hub, "d");
    }

    #[test]
    fn actions_reach_the_call() {
        let (hub, metrics) = hub(HubOptions::default());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let actions: RepActions = Arc::new(move |action| {
            let taken = action != RepAction::Next;
            sink.lock().unwrap().push(action);
            taken
        });
        let _screen = hub.open_call(meta("c"), actions).unwrap();
        let watcher = hub.join("c", TOKEN, None).unwrap();
        drain(&watcher);
        watcher.act(RepAction::Pin { card: CardId(3) });
        watcher.act(RepAction::Next);
        assert_eq!(*heard.lock().unwrap(), [RepAction::Pin { card: CardId(3) }, RepAction::Next]);
        assert!(matches!(&drain(&watcher)[..], [ServerBody::Refused(refused)] if refused.reason == "not_accepted"));
        let text = metrics.render();
        assert!(
            text.contains("reframe_screen_actions_total 1\n")
                && text.contains("reframe_screen_actions_refused_total 1\n")
        );
    }
}
