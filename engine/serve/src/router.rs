//! The HTTP side: routes, health, metrics, and the server that runs them.

use std::{
    future::{Future, IntoFuture as _},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use serde_json::json;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{gate, hub::Hub, metrics::Metrics, page, ws};

/// Largest message read from the socket at all. Longer than what is accepted, so that a client that sends too much can be
/// told so instead of being cut off.
const READ_BYTES: usize = 64 * 1024;
/// Bytes the library clears and reads at a time, for each connection: a screen says little.
const READ_AT_ONCE: usize = 4 * 1_024;
/// How long [`serve`] waits for screens to leave once it stops.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Says whether the program is well, and if not, why. Must not block.
pub type HealthCheck = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Something `/healthz` says besides, under a name of its own; the second part must not block.
pub type HealthNote = (&'static str, Arc<dyn Fn() -> serde_json::Value + Send + Sync>);

/// Settings of the HTTP side.
#[derive(Clone)]
pub struct ServeOptions {
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// Origins besides the server's own whose pages may watch: `https://cards.example`. Needed behind a proxy that changes
    /// the `Host` header.
    pub allowed_origins: Vec<String>,
    /// Asked by `/healthz`, besides whether the server is shutting down.
    pub health: Option<HealthCheck>,
    /// What `/healthz` says besides. It is open to everybody: nothing private.
    pub about: Option<HealthNote>,
    /// A client must say hello within this time.
    pub hello_timeout: Duration,
    /// A client that says nothing for this long, not even `pong`, is gone.
    pub idle_timeout: Duration,
    /// A client that takes longer than this to take a message is gone.
    pub write_timeout: Duration,
    /// Captions to one client are at least this far apart.
    pub caption_gap: Duration,
    /// Largest message accepted from a client, in bytes.
    pub max_message_bytes: usize,
    /// Actions a client may send per second.
    pub actions_per_s: u32,
    /// Connections that may be between being opened and saying hello.
    pub max_strangers: usize,
}

impl ServeOptions {
    /// The defaults, showing `metrics`.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            allowed_origins: Vec::new(),
            health: None,
            about: None,
            hello_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            caption_gap: Duration::from_millis(50),
            // Room for the longest note with every character escaped.
            max_message_bytes: 32 * 1024,
            actions_per_s: 20,
            max_strangers: 64,
        }
    }
}

impl std::fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeOptions").field("allowed_origins", &self.allowed_origins).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Shared {
    hub: Hub,
    options: Arc<ServeOptions>,
    strangers: Arc<Semaphore>,
}

/// All routes: the overlay page, the screen sockets, `/healthz` and `/metrics`. Can be merged with others.
pub fn router(hub: Hub, options: ServeOptions) -> Router {
    let strangers = Arc::new(Semaphore::new(options.max_strangers));
    Router::new()
        .route("/", get(page::html))
        .route("/overlay", get(page::html))
        .route("/assets/{name}", get(page::file))
        .route("/v1/calls/{id}/screen", get(screen))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .layer(middleware::map_response(page::secure))
        .with_state(Shared { hub, options: Arc::new(options), strangers })
}

async fn screen(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Shared { hub, options, strangers } = shared;
    if let Err(error) = gate::check_origin(&headers, &options.allowed_origins) {
        hub.stats().turned_away("origin");
        return (StatusCode::FORBIDDEN, error.to_string()).into_response();
    }
    let Ok(permit) = strangers.try_acquire_owned() else {
        hub.stats().turned_away("strangers");
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections without a hello: try again in a moment")
            .into_response();
    };
    upgrade
        .read_buffer_size(READ_AT_ONCE)
        .max_message_size(READ_BYTES)
        .max_frame_size(READ_BYTES)
        .on_upgrade(move |socket| async move { ws::run(&hub, &id, socket, &options, permit).await })
}

async fn healthz(State(shared): State<Shared>) -> Response {
    let (code, status, detail) = if shared.hub.is_shutting_down() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting_down", None)
    } else {
        match shared.options.health.as_ref().map_or(Ok(()), |check| check()) {
            Ok(()) => (StatusCode::OK, "ok", None),
            Err(detail) => (StatusCode::SERVICE_UNAVAILABLE, "unwell", Some(detail)),
        }
    };
    let mut body = json!({
        "status": status,
        "detail": detail,
        "version": env!("CARGO_PKG_VERSION"),
        "calls": shared.hub.calls(),
        "screens": shared.hub.clients(),
    });
    if let Some((name, about)) = &shared.options.about {
        body[*name] = about();
    }
    (code, Json(body)).into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    // The number of calls is known only when asked: ended calls go by time.
    shared.hub.sweep();
    let calls = i64::try_from(shared.hub.calls()).unwrap_or(i64::MAX);
    shared
        .options
        .metrics
        .gauge("reframe_screen_calls", "Calls that can be watched, those that ended lately included.", &[])
        .set(calls);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shared.options.metrics.render())
        .into_response()
}

/// Serves `app` on `listener` until `stop` is ready, then sends the screens away and returns. Messages leave at once
/// (`TCP_NODELAY`), and ended calls of `hub` are put away every second.
///
/// # Errors
/// What the listener says when it cannot go on.
pub async fn serve(
    listener: TcpListener,
    hub: Hub,
    app: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY; cards may be up to 40 ms late on this connection");
        }
    });
    let sweeper = {
        let hub = hub.clone();
        async move {
            let mut every = tokio::time::interval(Duration::from_secs(1));
            loop {
                every.tick().await;
                hub.sweep();
            }
        }
    };
    let stopping = {
        let hub = hub.clone();
        async move {
            stop.await;
            hub.close_screens();
        }
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(stopping);
    tokio::select! {
        result = server.into_future() => result?,
        () = sweeper => {}
    }
    let left = async {
        while hub.clients() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(LEAVE_WITHIN, left).await.is_err() {
        tracing::warn!(screens = hub.clients(), "screens did not leave in time and are cut off");
    }
    Ok(())
}
