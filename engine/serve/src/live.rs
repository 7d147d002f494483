//! One call as its watchers share it: the screen, the messages kept for resuming, and how far each client has read.
//!
//! No client owns a queue. Card messages lie once in a ring of fixed size and a client is a place in it, so a client that
//! reads slowly, or not at all, costs no memory; when it is too far behind, its place is given up and it gets the state.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::extract::ws::Utf8Bytes;
use reframe_call::{audio::TrackId, event::Event, input::RepAction, output::Caption};
use tokio::sync::Notify;

use crate::{
    erase::scrub_text,
    hub::{HubOptions, HubStats, RepActions},
    screen::{Change, Screen},
    token::Token,
    wire::{EndReason, HelloAck, Missed, Refused, ServerBody, WireAction},
};

/// Answers to one client's own actions that may wait to be sent. A client that floods does not need them all.
const MAX_REPLIES: usize = 8;
/// Tracks whose live caption is kept at a time.
const MAX_CAPTIONS: usize = 16;

/// Why a client is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    /// The call is over and was put away.
    CallOver,
    /// The server stops.
    Stopping,
}

/// What a client is to be sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This message.
    Send(Utf8Bytes),
    /// This caption, and then none for a while.
    SendCaption(Utf8Bytes),
    /// Nothing until notified.
    Wait,
    /// A caption, as soon as captions are allowed again.
    CaptionLater,
    /// Nothing more, ever.
    Leave(Away),
}

struct ClientSlot {
    notify: Arc<Notify>,
    /// Ring position of the next message to send.
    cursor: u64,
    /// Messages before this position were there when the client resumed; lagging behind them is no fault of its own.
    behind_from: u64,
    /// Send the state before anything else; `true` if it replaces messages the client will never get.
    state_due: Option<bool>,
    /// Last sequence number handed over.
    seq: Option<u64>,
    caption_seen: u64,
    status_seen: u64,
    replies: VecDeque<Utf8Bytes>,
    away: Option<Away>,
}

struct CallState {
    screen: Screen,
    ring: VecDeque<(u64, Utf8Bytes)>,
    /// Messages ever put into the ring.
    head: u64,
    /// Highest sequence number that fell out of the ring.
    forgotten: Option<u64>,
    /// Last sequence number when words were erased without a message that has a number: whoever has seen no more than this
    /// may still show them, and only the state can tell.
    rewritten: Option<u64>,
    /// Counts replaceable messages, so that a client knows which it has seen.
    version: u64,
    captions: BTreeMap<TrackId, (u64, Utf8Bytes)>,
    status: (u64, Utf8Bytes),
    clients: BTreeMap<u64, ClientSlot>,
    next_client: u64,
    ended_at: Option<Instant>,
}

/// A call that can be watched.
pub(crate) struct LiveCall {
    pub(crate) id: String,
    pub(crate) token: Token,
    actions: RepActions,
    options: HubOptions,
    stats: HubStats,
    state: Mutex<CallState>,
}

/// A client's place in a call. Dropping it gives the place up.
pub(crate) struct Watcher {
    call: Arc<LiveCall>,
    number: u64,
    /// Rings when there may be something to send.
    pub(crate) notify: Arc<Notify>,
    /// The first message to send.
    pub(crate) ack: ServerBody,
}

/// Microseconds since 1970 by the machine's clock.
pub(crate) fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

impl LiveCall {
    pub(crate) fn new(
        id: String,
        title: String,
        token: Token,
        actions: RepActions,
        options: HubOptions,
        stats: HubStats,
    ) -> Self {
        let screen = Screen::new(id.clone(), title);
        let status = (1, Utf8Bytes::from(ServerBody::Status(screen.status()).to_json()));
        let state = CallState {
            screen,
            ring: VecDeque::with_capacity(options.ring),
            head: 0,
            forgotten: None,
            rewritten: None,
            version: 1,
            captions: BTreeMap::new(),
            status,
            clients: BTreeMap::new(),
            next_client: 0,
            ended_at: None,
        };
        Self { id, token, actions, options, stats, state: Mutex::new(state) }
    }

    /// Tells the watchers about an event.
    pub(crate) fn publish(&self, event: &Event, compute_us: Option<u64>) {
        let mut state = self.lock();
        if self.take(&mut state, event, compute_us) {
            state.wake();
        }
    }

    /// Takes in the log of a call that goes on after a restart.
    pub(crate) fn restore(&self, events: &[Event]) {
        let mut state = self.lock();
        for event in events {
            self.take(&mut state, event, None);
        }
        state.captions.clear();
        state.wake();
    }

    fn take(&self, state: &mut CallState, event: &Event, compute_us: Option<u64>) -> bool {
        let Some(changes) = state.screen.apply(event, compute_us, unix_us()) else {
            self.stats.repeated_events.inc();
            return false;
        };
        let any = !changes.is_empty();
        for change in changes {
            match change {
                Change::Sequenced { seq, body } => {
                    match &body {
                        ServerBody::Card(_) => self.stats.cards.inc(),
                        ServerBody::Erased(erased) => state.forget_words(erased.track.map(TrackId)),
                        _ => {}
                    }
                    self.push(state, seq, body);
                }
                Change::Final(message) => {
                    let track = TrackId(message.track);
                    state.put_caption(track, ServerBody::Final(message));
                }
                Change::Status => {
                    state.version += 1;
                    state.status = (state.version, ServerBody::Status(state.screen.status()).to_json().into());
                }
                Change::CaptionGone(track) => drop(state.captions.remove(&track)),
            }
        }
        if state.screen.ended().is_some() && state.ended_at.is_none() {
            state.ended_at = Some(Instant::now());
            state.captions.clear();
        }
        any
    }

    fn push(&self, state: &mut CallState, seq: u64, body: ServerBody) {
        if state.ring.len() >= self.options.ring
            && let Some((seq, _)) = state.ring.pop_front()
        {
            state.forgotten = Some(seq);
        }
        state.ring.push_back((seq, body.to_json().into()));
        state.head += 1;
        let head = state.head;
        let allowed = u64::try_from(self.options.queue).unwrap_or(u64::MAX);
        for client in state.clients.values_mut() {
            if client.state_due.is_some() {
                client.cursor = head;
            } else if head - client.cursor.max(client.behind_from).min(head) > allowed {
                client.cursor = head;
                client.state_due = Some(true);
                self.stats.resyncs.inc();
            }
        }
    }

    /// Shows what is being said.
    pub(crate) fn caption(&self, caption: &Caption) {
        let mut state = self.lock();
        if state.ended_at.is_some() {
            return;
        }
        let body = ServerBody::Caption(state.screen.caption(caption));
        state.put_caption(caption.track, body);
        state.wake();
    }

    /// Forgets what a participant (`None`: anybody) said and makes every client forget it.
    pub(crate) fn erase(&self, track: Option<TrackId>) {
        let mut state = self.lock();
        state.screen.erase(track);
        state.forget_words(track);
        // Before the first number there is nothing to come back for.
        state.rewritten = state.screen.seq();
        let head = state.head;
        for client in state.clients.values_mut() {
            let lost = client.cursor < head;
            client.cursor = head;
            client.state_due = Some(client.state_due.unwrap_or(false) || lost);
        }
        state.wake();
    }

    /// The call's own thread lets go of it.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if let Some(body) = state.screen.close_without_event() {
            let seq = state.screen.seq().unwrap_or(0);
            self.push(&mut state, seq, body);
            state.captions.clear();
        }
        state.ended_at.get_or_insert_with(Instant::now);
        state.wake();
    }

    /// When the call ended, if it did.
    pub(crate) fn ended_at(&self) -> Option<Instant> {
        self.lock().ended_at
    }

    /// Sends every watcher away.
    pub(crate) fn send_away(&self, why: Away) {
        let mut state = self.lock();
        for client in state.clients.values_mut() {
            client.away = Some(why);
        }
        state.wake();
    }

    /// Watchers at present.
    pub(crate) fn watchers(&self) -> usize {
        self.lock().clients.len()
    }

    /// Adds a watcher that has everything up to `resume_from`. `None` if there are too many.
    pub(crate) fn join(self: &Arc<Self>, resume_from: Option<u64>) -> Option<Watcher> {
        let mut state = self.lock();
        if state.clients.len() >= self.options.max_clients_per_call {
            return None;
        }
        let seq = state.screen.seq();
        let tail = state.tail();
        let kept = |from: u64| {
            state.forgotten.is_none_or(|forgotten| forgotten <= from) && seq.is_some_and(|last| from <= last)
        };
        let (cursor, state_due) = match resume_from {
            // That end has no number of its own, so only the state can tell.
            _ if state.screen.ended() == Some(EndReason::Closed) => (state.head, Some(false)),
            Some(from) if state.rewritten.is_some_and(|at| from <= at) => {
                (state.head, Some(seq.is_some_and(|last| from < last)))
            }
            Some(from) if kept(from) => (tail + state.ring.partition_point(|(seq, _)| *seq <= from) as u64, None),
            // Older than what is kept: something was missed. Newer than the call itself: it is not the same log.
            Some(from) => (state.head, Some(seq.is_some_and(|last| from <= last))),
            None => (state.head, Some(false)),
        };
        let notify = Arc::new(Notify::new());
        let number = state.next_client;
        state.next_client += 1;
        let slot = ClientSlot {
            notify: Arc::clone(&notify),
            cursor,
            behind_from: state.head,
            state_due,
            seq: resume_from,
            caption_seen: 0,
            status_seen: 0,
            replies: VecDeque::new(),
            away: None,
        };
        state.clients.insert(number, slot);
        drop(state);
        self.stats.clients.add(1);
        let ping_ms = u64::try_from(self.options.ping.as_millis()).unwrap_or(u64::MAX);
        let ack =
            HelloAck { call: self.id.clone(), seq, resumed: state_due.is_none(), now_unix_us: unix_us(), ping_ms };
        Some(Watcher { call: Arc::clone(self), number, notify, ack: ServerBody::HelloAck(ack) })
    }

    fn lock(&self) -> MutexGuard<'_, CallState> {
        // The worst a panic can leave is a message not yet counted; watchers are better served than cut off.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallState {
    fn tail(&self) -> u64 {
        self.head - self.ring.len() as u64
    }

    fn put_caption(&mut self, track: TrackId, body: ServerBody) {
        self.version += 1;
        self.captions.insert(track, (self.version, body.to_json().into()));
        if self.captions.len() > MAX_CAPTIONS
            && let Some(oldest) = self.captions.iter().min_by_key(|(_, (version, _))| *version).map(|(track, _)| *track)
        {
            self.captions.remove(&oldest);
        }
    }

    /// Takes what a participant (`None`: anybody) said out of everything that is kept to be sent.
    fn forget_words(&mut self, track: Option<TrackId>) {
        self.captions.retain(|of, _| track.is_some_and(|track| track != *of));
        for (_, text) in &mut self.ring {
            if let Some(clean) = scrub_text(text.as_str(), track) {
                *text = clean.into();
            }
        }
    }

    fn wake(&self) {
        for client in self.clients.values() {
            client.notify.notify_one();
        }
    }
}

impl Watcher {
    /// What to send next. With `captions` false, captions are held back.
    pub(crate) fn next(&self, captions: bool) -> Next {
        let mut guard = self.call.lock();
        let state = &mut *guard;
        let tail = state.tail();
        let Some(client) = state.clients.get_mut(&self.number) else { return Next::Leave(Away::CallOver) };
        if let Some(why) = client.away {
            return Next::Leave(why);
        }
        if let Some(reply) = client.replies.pop_front() {
            return Next::Send(reply);
        }
        if client.cursor < tail && client.state_due.is_none() {
            client.state_due = Some(true);
            self.call.stats.resyncs.inc();
        }
        if let Some(lost) = client.state_due.take() {
            let last = state.screen.seq();
            let missed = match (lost, last) {
                (true, Some(to_seq)) => Some(Missed { from_seq: client.seq.map_or(0, |seq| seq + 1), to_seq }),
                _ => None,
            };
            client.cursor = state.head;
            client.seq = last;
            client.status_seen = state.status.0;
            client.caption_seen = 0;
            return Next::Send(ServerBody::State(state.screen.state(missed)).to_json().into());
        }
        if client.cursor < state.head {
            let at = usize::try_from(client.cursor - tail).expect("a place in the ring fits in memory");
            let (seq, text) = &state.ring[at];
            client.cursor += 1;
            client.seq = Some(*seq);
            return Next::Send(text.clone());
        }
        if client.status_seen < state.status.0 {
            client.status_seen = state.status.0;
            return Next::Send(state.status.1.clone());
        }
        let caption = state
            .captions
            .values()
            .filter(|(version, _)| *version > client.caption_seen)
            .min_by_key(|(version, _)| *version);
        match caption {
            None => Next::Wait,
            Some(_) if !captions => Next::CaptionLater,
            Some((version, text)) => {
                client.caption_seen = *version;
                Next::SendCaption(text.clone())
            }
        }
    }

    /// Hands an action to the call.
    pub(crate) fn act(&self, action: RepAction) {
        let (act, card) = WireAction::of(&action);
        if self.call.ended_at().is_some() {
            self.refuse(act, card, "call_ended");
        } else if (self.call.actions)(action) {
            self.call.stats.actions.inc();
        } else {
            self.refuse(act, card, "not_accepted");
        }
    }

    /// Tells this client that an action was not carried out.
    pub(crate) fn refuse(&self, act: WireAction, card: Option<u32>, reason: &str) {
        self.call.stats.actions_refused.inc();
        self.reply(ServerBody::Refused(Refused { card, reason: reason.to_owned(), act: Some(act) }));
    }

    /// Puts a message of its own in front of this client.
    pub(crate) fn reply(&self, body: ServerBody) {
        let mut state = self.call.lock();
        if let Some(client) = state.clients.get_mut(&self.number) {
            if client.replies.len() < MAX_REPLIES {
                client.replies.push_back(body.to_json().into());
            } else {
                self.call.stats.replies_dropped.inc();
            }
            client.notify.notify_one();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.call.lock().clients.remove(&self.number);
        self.call.stats.clients.add(-1);
    }
}
