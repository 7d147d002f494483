//! One WHIP session: packets of its peer to items of its call, until the peer is gone or the call is over.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reframe_audio::decode::Codec;
use reframe_call::{
    audio::TrackId,
    input::{GapReason, SourceState, SourceStatus},
};
use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc, oneshot};

use super::{
    config::WhipConfig,
    peer::{Arrived, Peer, PeerState},
    sdp::Offer,
    sessions::WhipCounters,
};
use crate::{
    calls::Feed,
    intake::{Intake, TEXT_LIMIT},
    item::{IngestItem, What},
    rtp::RtpTrack,
    socket::limit::Verdict,
};

/// A connected peer of which nothing came for so long gives way to one that says it is the same.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// What the offer and its restarts have led to.
pub struct Negotiation {
    /// The offer in force.
    pub offer: Offer,
    /// Entity tag of the ICE session, with its quotes.
    pub etag: String,
}

/// What can be asked of a session. The sender is dropped once it is done.
pub enum Order {
    /// The peer is done.
    Stop(oneshot::Sender<()>),
    /// The peer is back on a new connection: leave the call to that one.
    GiveWay(oneshot::Sender<()>),
}

/// What requests see of a session.
pub struct Session {
    /// Unguessable.
    pub id: String,
    /// Its call.
    pub call: String,
    /// Its participants; those without a name are left out.
    pub names: Vec<String>,
    /// Our end of its connection.
    pub peer: Peer,
    /// Held while it is changed.
    pub negotiation: Mutex<Negotiation>,
    /// To [`Worker::run`].
    pub orders: mpsc::Sender<Order>,
    /// When the session began.
    pub begun: Instant,
    /// Arrival of the last packet, in ms since `begun`.
    pub heard_ms: AtomicU64,
    /// The connection is broken.
    pub away: AtomicBool,
}

impl Session {
    /// Whether its peer seems to be gone.
    pub fn is_stale(&self) -> bool {
        let heard = Duration::from_millis(self.heard_ms.load(Ordering::Relaxed));
        self.away.load(Ordering::Relaxed) || self.begun.elapsed().saturating_sub(heard) >= STALE_AFTER
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The peer said so.
    Stopped,
    /// The peer is back on another connection.
    GaveWay,
    /// It was never connected.
    NeverConnected,
    /// The peer did not come back.
    Lost,
    /// It sent far more than real time.
    Flood,
    /// The call is over.
    CallOver,
    /// Another ingest has taken the call over.
    Replaced,
}

/// The session's task.
pub struct Worker {
    /// Settings.
    pub config: Arc<WhipConfig>,
    /// What requests see.
    pub session: Arc<Session>,
    /// The way into the call.
    pub feed: Feed,
    /// The tracks, in the order of the offer's audio lines.
    pub tracks: Vec<(TrackId, RtpTrack)>,
    /// How their packets are read.
    pub codec: Codec,
    /// From the connection.
    pub packets: mpsc::Receiver<Arrived>,
    /// Packets the queue before us had no room for.
    pub overflowed: Arc<AtomicU64>,
    /// From requests.
    pub orders: mpsc::Receiver<Order>,
    /// Of the server.
    pub counters: Arc<WhipCounters>,
    /// Given back at the end.
    pub seat: OwnedSemaphorePermit,
}

impl Worker {
    /// Runs the session to its end.
    pub async fn run(mut self) {
        let (end, done) = self.feed_call().await;
        tracing::info!(call = self.session.call, ?end, "a WHIP session is over");
        self.session.away.store(true, Ordering::Relaxed);
        match end {
            End::Stopped | End::NeverConnected | End::CallOver => self.feed.stop().await,
            End::Lost | End::Flood => {
                self.status(SourceState::Disconnected, "left: the connection did not come back");
                // Others may feed the call: nobody waits for these participants there. Alone, the call waits its grace.
                for (track, _) in &self.tracks {
                    self.feed.push(IngestItem::new(Instant::now(), What::Leave { track: *track }));
                }
            }
            End::GaveWay | End::Replaced => {}
        }
        drop(self.feed);
        self.session.peer.close().await;
        for (_, track) in &self.tracks {
            self.counters.add_track(&track.counters());
        }
        self.counters.overflowed.fetch_add(self.overflowed.load(Ordering::Relaxed), Ordering::Relaxed);
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
        drop(self.seat);
        drop(done);
    }

    async fn feed_call(&mut self) -> (End, Option<oneshot::Sender<()>>) {
        let mut state = self.session.peer.state();
        let mut finished = pin!(self.feed.finished());
        let mut replaced = pin!(self.feed.replaced());
        let mut intake = Intake::new(self.config.limit, TEXT_LIMIT, self.tracks.len(), Instant::now());
        // Until when the peer must be there.
        let mut deadline = Some((Instant::now() + self.config.connect_timeout, End::NeverConnected));
        let mut out = Vec::new();
        loop {
            let wakes = self.tracks.iter().filter_map(|(_, t)| t.wake_at());
            let wake = wakes.chain(deadline.map(|(at, _)| at)).min();
            // With nothing to wait for, the next packet or change wakes us.
            let sleep = tokio::time::sleep_until(wake.unwrap_or_else(|| Instant::now() + STALE_AFTER).into());
            tokio::select! {
                arrived = self.packets.recv() => {
                    let Some(arrived) = arrived else { return (End::Lost, None) };
                    if !self.packet(arrived, &mut intake, &mut out) {
                        return (End::Flood, None);
                    }
                }
                changed = state.changed() => {
                    let now = *state.borrow_and_update();
                    if changed.is_err() {
                        return (End::Lost, None);
                    }
                    match now {
                        PeerState::Connecting => {}
                        PeerState::Connected => {
                            deadline = None;
                            self.session.away.store(false, Ordering::Relaxed);
                            self.status(SourceState::Joined, "joined");
                        }
                        PeerState::Disconnected => {
                            if !self.session.away.swap(true, Ordering::Relaxed) {
                                self.status(SourceState::Reconnecting, "lost the connection; waiting for it to come back");
                            }
                            let end = deadline.map_or(End::Lost, |(_, end)| end);
                            deadline.get_or_insert_with(|| (Instant::now() + self.config.return_timeout, end));
                        }
                        PeerState::Failed => return (deadline.map_or(End::Lost, |(_, end)| end), None),
                    }
                }
                order = self.orders.recv() => match order {
                    Some(Order::Stop(done)) => return (End::Stopped, Some(done)),
                    Some(Order::GiveWay(done)) => return (End::GaveWay, Some(done)),
                    None => return (End::Lost, None),
                },
                _ = &mut finished => return (End::CallOver, None),
                () = &mut replaced => return (End::Replaced, None),
                () = sleep => {
                    let now = Instant::now();
                    for (_, track) in &mut self.tracks {
                        track.tick(now, &mut out);
                    }
                    self.hand_over(&mut out);
                    if let Some((_, end)) = deadline.filter(|(at, _)| *at <= now) {
                        return (end, None);
                    }
                }
            }
        }
    }

    /// False if the peer sends so much that the session must end.
    fn packet(&mut self, arrived: Arrived, intake: &mut Intake, out: &mut Vec<IngestItem>) -> bool {
        let Arrived { line, at, packet } = arrived;
        let ms = u64::try_from(at.saturating_duration_since(self.session.begun).as_millis()).unwrap_or(u64::MAX);
        self.session.heard_ms.store(ms, Ordering::Relaxed);
        let tracks = self.tracks.len();
        let Some((id, track)) = self.tracks.get_mut(line) else { return true };
        let length_us = self.codec.duration_us(&packet.payload).unwrap_or(0);
        match intake.judge_audio(Some(*id), packet.payload.len(), length_us, tracks, at) {
            Verdict::Pass => {}
            Verdict::Drop => {
                self.counters.too_fast.fetch_add(1, Ordering::Relaxed);
                return true;
            }
            Verdict::Close => return false,
        }
        if intake.take_hole(*id) {
            out.push(IngestItem::new(at, What::Dropped { track: *id, reason: GapReason::Overflow }));
        }
        track.push(packet, at, out);
        self.hand_over(out);
        true
    }

    fn hand_over(&self, out: &mut Vec<IngestItem>) {
        for item in out.drain(..) {
            if matches!(item.what, What::Packet(_)) {
                self.counters.packets.fetch_add(1, Ordering::Relaxed);
            }
            // Never waits; what had to make room is counted by the feed.
            self.feed.push(item);
        }
    }

    fn status(&self, state: SourceState, what: &str) {
        let who =
            if self.session.names.is_empty() { "A participant".to_owned() } else { self.session.names.join(", ") };
        let status = SourceStatus { state, detail: format!("{who} {what}") };
        self.feed.push(IngestItem::new(Instant::now(), What::Source(status)));
    }
}
