//! Answers of the review interface: JSON, errors with a sentence that says what to do.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{DeskError, Item};

/// Something that was not done, and why.
#[derive(Debug)]
pub(crate) struct Failure {
    code: StatusCode,
    word: &'static str,
    says: String,
    now: Option<Box<Item>>,
}

impl Failure {
    pub(crate) fn new(code: StatusCode, word: &'static str, says: impl Into<String>) -> Self {
        Self { code, word, says: says.into(), now: None }
    }

    /// A request that cannot be understood.
    pub(crate) fn bad(says: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", says)
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        let (code, word) = match &error {
            DeskError::Unknown(_) => (StatusCode::NOT_FOUND, "unknown"),
            DeskError::Changed { .. } => (StatusCode::CONFLICT, "changed"),
            DeskError::Decided { .. } => (StatusCode::CONFLICT, "decided"),
            DeskError::BeingWritten => (StatusCode::CONFLICT, "being_written"),
            DeskError::Impossible(_) => (StatusCode::UNPROCESSABLE_ENTITY, "impossible"),
            DeskError::Down(_) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
        };
        let says = error.to_string();
        let now = match error {
            DeskError::Changed { now } | DeskError::Decided { now } => Some(now),
            _ => None,
        };
        Self { code, word, says, now }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { code, word, says, now } = self;
        (code, Json(json!({ "error": word, "says": says, "now": now }))).into_response()
    }
}

/// What a handler comes to.
pub(crate) type Answer = Result<Response, Failure>;

/// A value as an answer.
pub(crate) fn give(value: &impl Serialize) -> Answer {
    Ok(Json(json!(value)).into_response())
}
