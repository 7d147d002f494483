//! The address Zoom's webhooks come to: checked and answered at once, worked on afterwards.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    notice::{self, MAX_BODY_BYTES, Notice, Webhook},
    sign::{self, Secret, Seen},
};

/// Webhooks that wait to be worked on. When it is full the answer is 503, and Zoom sends the webhook again.
pub const QUEUE: usize = 256;

/// What became of webhooks.
#[derive(Debug, Default)]
pub struct WebhookCounters {
    /// Taken, to be worked on.
    pub taken: AtomicU64,
    /// The address was checked by Zoom.
    pub validated: AtomicU64,
    /// Not Zoom's, or too old.
    pub unsigned: AtomicU64,
    /// Came before, word for word.
    pub replayed: AtomicU64,
    /// Could not be understood.
    pub bad: AtomicU64,
    /// Refused because too many were waiting.
    pub overflowed: AtomicU64,
}

struct Receiver {
    secret: Secret,
    seen: Mutex<Seen>,
    queue: mpsc::Sender<Webhook>,
    counters: Arc<WebhookCounters>,
}

fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Takes webhooks at `/` and `/webhook`; good ones come out of the receiver's other end. `GET /healthz` answers 200.
pub fn router(secret: Secret, queue: mpsc::Sender<Webhook>, counters: Arc<WebhookCounters>) -> Router {
    let state = Arc::new(Receiver { secret, seen: Mutex::default(), queue, counters });
    Router::new()
        .route("/", post(receive))
        .route("/webhook", post(receive))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], json!({"error": why}).to_string()).into_response()
}

async fn receive(State(state): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> Response {
    let now = unix_s();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = text("x-zm-signature");
    if let Err(why) = sign::check(&state.secret, text("x-zm-request-timestamp"), signature, &body, now) {
        bump(&state.counters.unsigned);
        tracing::warn!("a webhook was refused: {why}");
        return refuse(StatusCode::UNAUTHORIZED, &why.to_string());
    }
    let webhook = match notice::parse(&body) {
        Ok(webhook) => webhook,
        Err(why) => {
            bump(&state.counters.bad);
            tracing::warn!("a webhook was refused: {why}");
            return refuse(StatusCode::BAD_REQUEST, &why.to_string());
        }
    };
    if let Notice::Validation { plain_token } = &webhook.notice {
        bump(&state.counters.validated);
        tracing::info!("Zoom checked this address");
        let answer = json!({"plainToken": plain_token, "encryptedToken": sign::validation(&state.secret, plain_token)});
        return ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response();
    }
    // Nothing waits while the lock is held.
    let new = state.seen.lock().unwrap_or_else(PoisonError::into_inner).is_new(signature.unwrap_or_default(), now);
    if !new {
        // Zoom itself may send one twice, and would go on if it were told that something is wrong.
        bump(&state.counters.replayed);
        tracing::warn!("a webhook came again word for word; it is not worked on");
        return StatusCode::OK.into_response();
    }
    match state.queue.try_send(webhook) {
        Ok(()) => {
            bump(&state.counters.taken);
            StatusCode::OK.into_response()
        }
        Err(_) => {
            bump(&state.counters.overflowed);
            tracing::error!("too many webhooks are waiting; this one was refused, and Zoom will send it again");
            state.seen.lock().unwrap_or_else(PoisonError::into_inner).forget(signature.unwrap_or_default());
            refuse(StatusCode::SERVICE_UNAVAILABLE, "busy; send it again")
        }
    }
}
