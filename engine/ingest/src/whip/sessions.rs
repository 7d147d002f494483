//! All WHIP sessions of a server: making them, finding them, and letting a peer that comes back take its place again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reframe_audio::decode::{Codec, OPUS_PRE_SKIP};
use reframe_call::audio::TrackInfo;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    config::WhipConfig,
    peer::Peer,
    ports::Ports,
    protocol::{Match, Refused, check_match},
    query,
    sdp::{Offer, answer_fragment, read_fragment},
    session::{Negotiation, Order, Session, Worker},
};
use crate::{
    access::{Access, Grant},
    calls::{Calls, Entry},
    rtp::{RtpCounters, RtpTrack},
    socket::protocol::Start,
};

/// Packets that may wait between a connection and its session: 20 s of one track, so only a task that stands still fills
/// it. What comes then is dropped and counted.
const QUEUE_PACKETS: usize = 1_024;
/// RTP time of Opus, whatever it holds (RFC 7587, section 4.1).
const OPUS_RTP_HZ: u32 = 48_000;
/// How long a session may take to obey.
const OBEY: Duration = Duration::from_secs(5);

/// What became of sessions and packets since the start; packets of sessions that run are added when they end.
#[derive(Debug, Default)]
pub struct WhipCounters {
    /// Sessions now.
    pub open: AtomicI64,
    /// Sessions made.
    pub sessions: AtomicU64,
    /// Requests refused.
    pub refused: AtomicU64,
    /// ICE restarts.
    pub restarts: AtomicU64,
    /// Peers that came back on a new connection.
    pub returned: AtomicU64,
    /// Packets handed to calls.
    pub packets: AtomicU64,
    /// Packets a session had no room for.
    pub overflowed: AtomicU64,
    /// Packets dropped because they came faster than real time.
    pub too_fast: AtomicU64,
    /// Packets that never came.
    pub lost: AtomicU64,
    /// Packets that came too late, or twice.
    pub late: AtomicU64,
    /// Packets put back in order.
    pub reordered: AtomicU64,
    /// Pauses of tracks.
    pub pauses: AtomicU64,
    /// Corrections of tracks against this machine's clock.
    pub corrections: AtomicU64,
}

impl WhipCounters {
    pub(super) fn add_track(&self, c: &RtpCounters) {
        for (counter, n) in [
            (&self.lost, c.order.lost),
            (&self.late, c.order.late + c.order.duplicate + c.stragglers),
            (&self.reordered, c.order.reordered),
            (&self.pauses, c.pauses),
            (&self.corrections, c.corrections),
        ] {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }
}

/// A new session, for the answer.
pub struct Created {
    /// Its id.
    pub id: String,
    /// Entity tag of its ICE session.
    pub etag: String,
    /// The answer to the offer.
    pub answer: String,
    /// Its call.
    pub call: String,
    /// Where the rep's screen is; only for those who may feed any call.
    pub overlay: Option<String>,
}

/// What a PATCH came to.
pub enum Patched {
    /// Candidates were taken.
    Candidates,
    /// ICE was restarted.
    Restarted {
        /// Entity tag of the new ICE session.
        etag: String,
        /// Our side of it.
        fragment: String,
    },
}

/// Everything the routes need.
pub struct WhipState {
    /// Settings.
    pub(super) config: Arc<WhipConfig>,
    /// Who may come in.
    pub(super) access: Arc<dyn Access>,
    calls: Arc<Calls>,
    seats: Arc<Semaphore>,
    ports: Arc<Ports>,
    sessions: Mutex<BTreeMap<String, Arc<Session>>>,
    /// Held while a call is entered: of two people who come to a new call at once, one opens it and the other joins.
    entering: tokio::sync::Mutex<()>,
    /// One clock for all tracks of all sessions.
    epoch: Instant,
    counters: Arc<WhipCounters>,
}

impl WhipState {
    /// No sessions yet.
    #[must_use]
    pub fn new(config: WhipConfig, calls: Arc<Calls>, access: Arc<dyn Access>) -> Arc<Self> {
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(config.max_sessions.min(Semaphore::MAX_PERMITS))),
            ports: Ports::new(config.udp_ports),
            config: Arc::new(config),
            access,
            calls,
            sessions: Mutex::default(),
            entering: tokio::sync::Mutex::default(),
            epoch: Instant::now(),
            counters: Arc::default(),
        })
    }

    /// What became of sessions and packets.
    #[must_use]
    pub fn counters(&self) -> &Arc<WhipCounters> {
        &self.counters
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Session>>> {
        // The map is whole after every statement that holds the lock.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session its bearer may see.
    ///
    /// # Errors
    /// 404 if there is none, 403 if the token is for another call.
    fn find(&self, id: &str, grant: &Grant) -> Result<Arc<Session>, Refused> {
        let session = self.lock().get(id).cloned();
        let session = session.ok_or_else(|| Refused::new(404, "there is no such session; it is over, or never was"))?;
        grant.call_for(Some(&session.call)).map_err(|refusal| Refused::new(403, refusal.message))?;
        Ok(session)
    }

    /// Makes a session for an offer.
    ///
    /// # Errors
    /// [`Refused`], saying what to send.
    pub async fn create(self: &Arc<Self>, grant: &Grant, query: &str, offer: &str) -> Result<Created, Refused> {
        let offer = Offer::read(offer, self.config.max_tracks)?;
        let mut start = query::read(query, offer.audio_lines())?;
        start.call = grant.call_for(start.call.as_deref()).map_err(|refusal| Refused::new(403, refusal.message))?;
        let named = start.tracks.iter().map(|t| t.name.clone()).filter(|name| !name.is_empty());
        let names: Vec<String> = named.collect();
        // A peer that comes back finds its old seat first.
        self.make_way(start.call.as_deref(), &names).await;
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| {
            let most = self.config.max_sessions;
            Refused::new(
                503,
                format!("{most} sessions are open, as many as whip.max_sessions lets in; try again later"),
            )
        })?;
        let (sender, packets) = mpsc::channel(QUEUE_PACKETS);
        let overflowed = Arc::new(AtomicU64::new(0));
        let (peer, answer) = Peer::answer(&self.config, &self.ports, &offer, sender, Arc::clone(&overflowed)).await?;
        let codec = Codec::Opus { pre_skip: OPUS_PRE_SKIP };
        let (feed, tracks) = match self.enter(start, codec).await {
            Ok(entered) => entered,
            Err(refused) => {
                peer.close().await;
                return Err(refused);
            }
        };
        let started = feed.started();
        let (orders, orders_in) = mpsc::channel(4);
        let (id, etag) = (random_hex::<16>(), new_etag());
        let session = Arc::new(Session {
            id: id.clone(),
            call: started.call.clone(),
            names,
            peer,
            negotiation: tokio::sync::Mutex::new(Negotiation { offer, etag: etag.clone() }),
            orders,
            begun: Instant::now(),
            heard_ms: AtomicU64::new(0),
            away: AtomicBool::new(false),
        });
        self.counters.open.fetch_add(1, Ordering::Relaxed);
        self.counters.sessions.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id.clone(), Arc::clone(&session));
        tracing::info!(call = started.call, tracks = tracks.len(), "a WHIP session began");
        let worker = Worker {
            config: Arc::clone(&self.config),
            session,
            feed,
            tracks,
            codec,
            packets,
            overflowed,
            orders: orders_in,
            counters: Arc::clone(&self.counters),
            seat,
        };
        let (this, key) = (Arc::clone(self), id.clone());
        tokio::spawn(async move {
            worker.run().await;
            this.lock().remove(&key);
        });
        let overlay = started.overlay_url.filter(|_| grant.call.is_none());
        Ok(Created { id, etag, answer, call: started.call, overlay })
    }

    /// Enters the call and announces the tracks.
    async fn enter(
        &self,
        mut start: Start,
        codec: Codec,
    ) -> Result<(crate::Feed, Vec<(reframe_call::audio::TrackId, RtpTrack)>), Refused> {
        let asked = std::mem::take(&mut start.tracks);
        // Names that will be said.
        start.context.extend(asked.iter().map(|t| t.name.clone()).filter(|n| !n.is_empty()));
        let mut feed = {
            let _turn = self.entering.lock().await;
            self.calls.enter(&start, Entry::Join).await?
        };
        let mut tracks = Vec::with_capacity(asked.len());
        for track in asked {
            let entered = match feed.track_for(&track.name) {
                Ok(id) => {
                    let info = TrackInfo { id, ..track.info() };
                    feed.announce(info, codec, track.who()).await.map(|()| id)
                }
                Err(refusal) => Err(refusal),
            };
            match entered {
                Ok(id) => tracks.push((id, RtpTrack::new(id, codec, OPUS_RTP_HZ, self.epoch))),
                Err(refusal) => {
                    feed.stop().await;
                    return Err(Refused::new(422, refusal.message));
                }
            }
        }
        Ok((feed, tracks))
    }

    /// Sessions of the same call and the same people that seem to be gone leave their place to the one that comes.
    async fn make_way(&self, call: Option<&str>, names: &[String]) {
        let Some(call) = call else { return };
        let stale: Vec<Arc<Session>> = self
            .lock()
            .values()
            .filter(|s| s.call == call && s.names.iter().any(|n| names.contains(n)) && s.is_stale())
            .cloned()
            .collect();
        for session in stale {
            self.counters.returned.fetch_add(1, Ordering::Relaxed);
            self.order(&session, Order::GiveWay).await;
        }
    }

    /// Gives an order and waits until the session is over.
    async fn order(&self, session: &Session, order: impl FnOnce(oneshot::Sender<()>) -> Order) {
        let (done, over) = oneshot::channel();
        // A session that takes no orders any more is over.
        if session.orders.send(order(done)).await.is_ok() && timeout(OBEY, over).await.is_err() {
            tracing::error!(call = session.call, "a WHIP session does not end");
        }
        self.lock().remove(&session.id);
    }

    /// Ends a session: its peer is done.
    ///
    /// # Errors
    /// 404 if there is none, 403 if the token is for another call.
    pub async fn delete(&self, grant: &Grant, id: &str) -> Result<(), Refused> {
        let session = self.find(id, grant)?;
        self.order(&session, Order::Stop).await;
        Ok(())
    }

    /// Takes candidates of the peer, or restarts ICE.
    ///
    /// # Errors
    /// 404, 403; 428 without `If-Match`, 412 with a stale one; 400 and 422 for fragments that cannot be used.
    pub async fn patch(
        &self,
        grant: &Grant,
        id: &str,
        if_match: Option<&str>,
        fragment: &str,
    ) -> Result<Patched, Refused> {
        let session = self.find(id, grant)?;
        let mut negotiation = session.negotiation.lock().await;
        let wanted = check_match(if_match, &negotiation.etag)?;
        let ice = read_fragment(fragment)?;
        if ice.ufrag == negotiation.offer.ice().ufrag {
            session.peer.add_candidates(&ice).await;
            return Ok(Patched::Candidates);
        }
        if wanted == Match::Current {
            let detail = "the fragment is of another ICE session; to restart ICE, send it with If-Match: *";
            return Err(Refused::new(422, detail));
        }
        let offer = negotiation.offer.restarted(ice);
        let answer = session.peer.negotiate(&offer).await?;
        *negotiation = Negotiation { offer, etag: new_etag() };
        self.counters.restarts.fetch_add(1, Ordering::Relaxed);
        Ok(Patched::Restarted { etag: negotiation.etag.clone(), fragment: answer_fragment(&answer) })
    }
}

fn new_etag() -> String {
    format!("\"{}\"", random_hex::<8>())
}

/// `N` random bytes in hexadecimal.
fn random_hex<const N: usize>() -> String {
    let bytes: [u8; N] = rand::random();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
