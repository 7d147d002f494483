//! A simulated Google Meet conference: the HTTP address that takes offers, and a WebRTC peer that sends three virtual
//! streams with moving speakers and tells who they are. For tests, and for trying the bot without an account.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use reframe_bots::sim::meet::{Conference, Guest, Plan};
//!
//! let guests = Guest::of_fixture("fixtures/calls/demo".as_ref())?;
//! let conference = Conference::open("127.0.0.1:0".parse()?, Plan::new(guests)).await?;
//! println!("join {} at {}", conference.space(), conference.url());
//! conference.over().await;
//! # Ok(())
//! # }
//! ```

pub mod cli;
mod guest;
mod mixer;
mod offer;
mod peer;
mod road;
mod session;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

pub use self::{
    guest::{Guest, GuestKind, SLOT_MS, SLOT_SAMPLES},
    mixer::{Mixer, News, Sent, csrc, news},
    offer::{Offered, check},
    road::Weather,
};
pub use crate::meet::protocol::DisconnectReason;

/// Sessions at a time, over all clients.
const MAX_SESSIONS: usize = 8;

/// How the conference goes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who takes part.
    pub guests: Vec<Guest>,
    /// Decides streams, orders, losses: the same seed, the same conference.
    pub seed: u64,
    /// The token that is good at first.
    pub token: String,
    /// The conference's name.
    pub space: String,
    /// Clients wait to be [admitted](Conference::admit).
    pub waiting_room: bool,
    /// Once in so many slots somebody changes the stream in mid-sentence; 0 for never.
    pub restless: u64,
    /// Seconds between two statistics reports; 0 asks for none.
    pub stats_interval_s: u32,
    /// Connections are refused with this HTTP status, canonical status and message.
    pub refuse: Option<(u16, String, String)>,
    /// Does the answer name the SSRCs of the virtual streams?
    pub names_ssrcs: bool,
    /// The way to the clients.
    pub weather: Weather,
    /// The conference ends when everything was said.
    pub ends: bool,
}

impl Plan {
    /// An ordinary conference of these people.
    #[must_use]
    pub fn new(guests: Vec<Guest>) -> Self {
        Self {
            guests,
            seed: 1,
            token: "sim-token".into(),
            space: "sim".into(),
            waiting_room: false,
            restless: 0,
            stats_interval_s: 5,
            refuse: None,
            names_ssrcs: true,
            weather: Weather::default(),
            ends: true,
        }
    }
}

/// What the conference saw of its clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Offers that were good, as they were.
    pub offers: Vec<Offered>,
    /// Offers that were refused, and why.
    pub bad_offers: Vec<String>,
    /// Requests with a token that is not good.
    pub bad_tokens: u64,
    /// Labels of data channels that were opened, in order, over all sessions.
    pub channels: Vec<String>,
    /// Sessions that had everything they need.
    pub joined: u64,
    /// Sessions without `session-control` or `media-stats`.
    pub incomplete: u64,
    /// Requests to leave.
    pub leaves: u64,
    /// Statistics reports: kinds of sections of each.
    pub reports: Vec<Vec<String>>,
    /// Requests that cannot be read.
    pub bad_requests: u64,
}

/// What the conference wants of its sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Orders {
    admitted: bool,
    over: Option<DisconnectReason>,
    /// Sessions that began before this many were cut.
    cut: u64,
}

struct Shared {
    plan: Plan,
    ip: std::net::IpAddr,
    token: Mutex<String>,
    seen: Mutex<Seen>,
    orders: watch::Sender<Orders>,
    /// The slot that goes out now; the conference begins with its first joined session.
    begun: watch::Sender<Option<tokio::time::Instant>>,
    sessions: Mutex<(u64, usize)>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Whole after every statement that holds the lock.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When slot 0 went out.
    fn begin(&self) -> tokio::time::Instant {
        let now = tokio::time::Instant::now();
        self.begun.send_if_modified(|begun| {
            let first = begun.is_none();
            begun.get_or_insert(now);
            first
        });
        self.begun.borrow().unwrap_or(now)
    }

    /// Slots until everything was said.
    fn slots(&self) -> u64 {
        self.plan.guests.iter().map(Guest::slots).max().unwrap_or(0)
    }
}

/// A conference that runs. It ends when it is dropped.
pub struct Conference {
    shared: Arc<Shared>,
    url: String,
    server: JoinHandle<()>,
}

impl Drop for Conference {
    fn drop(&mut self) {
        self.server.abort();
        self.end(DisconnectReason::ConferenceEnded);
    }
}

impl Conference {
    /// Begins to listen. The conference itself begins when the first client has joined.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub async fn open(listen: SocketAddr, plan: Plan) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
        let at = listener.local_addr()?;
        let shared = Arc::new(Shared {
            ip: at.ip(),
            token: Mutex::new(plan.token.clone()),
            seen: Mutex::default(),
            orders: watch::Sender::new(Orders { admitted: !plan.waiting_room, ..Orders::default() }),
            begun: watch::Sender::new(None),
            sessions: Mutex::default(),
            plan,
        });
        let app = Router::new()
            .route("/v2beta/spaces/{target}", post(connect).options(|| async { (CORS, StatusCode::NO_CONTENT) }))
            .layer(DefaultBodyLimit::max(crate::meet::protocol::MAX_MESSAGE_BYTES))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the simulated conference stopped listening");
            }
        });
        Ok(Self { shared, url: format!("http://{at}"), server })
    }

    /// What takes the place of `https://meet.googleapis.com`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Name of the space.
    #[must_use]
    pub fn space(&self) -> &str {
        &self.shared.plan.space
    }

    /// Lets waiting clients in.
    pub fn admit(&self) {
        self.shared.orders.send_modify(|orders| orders.admitted = true);
    }

    /// Ends the session of every client, now and later.
    pub fn end(&self, reason: DisconnectReason) {
        self.shared.orders.send_if_modified(|orders| {
            let first = orders.over.is_none();
            orders.over.get_or_insert(reason);
            first
        });
    }

    /// Cuts the network of all sessions there are. Nobody is told.
    pub fn cut(&self) {
        let begun = self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner).0;
        self.shared.orders.send_modify(|orders| orders.cut = begun);
    }

    /// From now on only this token is good.
    pub fn renew_token(&self, token: &str) {
        *self.shared.token.lock().unwrap_or_else(PoisonError::into_inner) = token.to_owned();
    }

    /// What was seen of clients so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.shared.seen().clone()
    }

    /// When the first client had joined: the time of slot 0.
    #[must_use]
    pub fn begun(&self) -> Option<std::time::Instant> {
        self.shared.begun.borrow().map(tokio::time::Instant::into_std)
    }

    /// Resolves when the conference is over.
    pub async fn over(&self) {
        let mut orders = self.shared.orders.subscribe();
        // The sender lives as long as `self`.
        if orders.wait_for(|orders| orders.over.is_some()).await.is_err() {
            tracing::debug!("the conference is gone");
        }
    }
}

/// Clients in a browser may come from any page, as with Google.
const CORS: [(HeaderName, &str); 2] =
    [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type")];

fn error(http: u16, status: &str, message: impl Into<String>) -> Response {
    let body = json!({"error": {"code": http, "message": message.into(), "status": status}});
    let http = StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (http, CORS, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn connect(
    State(shared): State<Arc<Shared>>,
    Path(target): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let good = shared.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let token = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "));
    if token != Some(good.as_str()) {
        shared.seen().bad_tokens += 1;
        return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    }
    let over = shared.orders.borrow().over;
    if target != format!("{}:connectActiveConference", shared.plan.space) || over.is_some() {
        return error(404, "NOT_FOUND", "There is no active conference in this space.");
    }
    if let Some((http, status, message)) = &shared.plan.refuse {
        return error(*http, status, message);
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let Some(offer) = body["offer"].as_str() else {
        shared.seen().bad_offers.push("no offer".into());
        return error(400, "INVALID_ARGUMENT", "The request holds no offer.");
    };
    let offered = match offer::check(offer) {
        Ok(offered) => offered,
        Err(why) => {
            shared.seen().bad_offers.push(why.clone());
            return error(400, "INVALID_ARGUMENT", why);
        }
    };
    let number = {
        let mut sessions = shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.1 >= MAX_SESSIONS {
            return error(429, "RESOURCE_EXHAUSTED", "There are too many sessions.");
        }
        sessions.0 += 1;
        sessions.1 += 1;
        sessions.0
    };
    match session::begin(Arc::clone(&shared), number, offer).await {
        Ok(answer) => {
            shared.seen().offers.push(offered);
            (CORS, [(header::CONTENT_TYPE, "application/json")], json!({ "answer": answer }).to_string())
                .into_response()
        }
        Err(why) => {
            shared.sessions.lock().unwrap_or_else(PoisonError::into_inner).1 -= 1;
            tracing::warn!("an offer that looked good could not be answered: {why:#}");
            error(500, "INTERNAL", format!("{why:#}"))
        }
    }
}

/// How long a client has for opening the channels it must have.
const CHANNELS_WITHIN: Duration = Duration::from_secs(10);
