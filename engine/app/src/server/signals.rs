//! `POST /v1/signals`: what other systems say happened at accounts. Signed; off unless a secret is set up.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use reframe_signal::import::{Delivery, Refused};
use serde_json::{Value, json};

use crate::workflow::Office;

/// Largest body, in bytes; the check of deliveries has the same.
const MOST_BODY: usize = 1 << 20;

#[derive(Clone)]
struct Shared {
    office: Arc<Office>,
    secret: Arc<str>,
}

/// The route, if there is a secret; else none, and nobody can tell that there might be one.
pub fn router(office: Arc<Office>, secret: Option<String>) -> Router {
    let Some(secret) = secret else { return Router::new() };
    Router::new()
        .route("/v1/signals", post(deliver))
        .layer(DefaultBodyLimit::max(MOST_BODY))
        .with_state(Shared { office, secret: secret.into() })
}

fn says(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn refuse(status: StatusCode, why: &str) -> Response {
    says(status, json!({ "error": why }))
}

async fn deliver(State(shared): State<Shared>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    if headers.contains_key(header::ORIGIN) {
        return refuse(StatusCode::FORBIDDEN, "web pages may not deliver; sign and send from a server");
    }
    let body = match body {
        Ok(body) => body,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, &Refused::TooLarge.to_string());
        }
        Err(error) => return refuse(error.status(), &error.body_text()),
    };
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let (timestamp, signature) = (text("x-reframe-timestamp"), text("x-reframe-signature"));
    let took = tokio::task::spawn_blocking(move || {
        let delivery = Delivery { timestamp: &timestamp, signature: &signature, body: &body };
        shared.office.deliver_signals(&shared.secret, delivery)
    });
    match took.await {
        Ok(Ok(Ok(took))) => {
            // Nothing of it could be read: a sender that looks at the status alone must notice.
            let none = took.events == 0 && took.refused > 0;
            let status = if none { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            says(status, json!(took))
        }
        Ok(Ok(Err(refused))) => refuse(status(&refused), &refused.to_string()),
        Ok(Err(error)) => {
            tracing::error!("a delivery of signals was not kept: {error:#}");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "the events could not be kept; deliver them again later")
        }
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the delivery could not be read; see the server's log"),
    }
}

const fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refused::BadSignature | Refused::NotNow => StatusCode::UNAUTHORIZED,
        Refused::Replayed(_) => StatusCode::CONFLICT,
        Refused::BadBody(_) => StatusCode::UNPROCESSABLE_ENTITY,
        // Our own fault, which is found when the server starts.
        Refused::WeakSecret => StatusCode::SERVICE_UNAVAILABLE,
    }
}
