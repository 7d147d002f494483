//! Who may use the review interface: the token of the scope `review`, pages of this very server, and bodies of a size.

use std::sync::Arc;

use axum::{
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::{ReviewOptions, answer::Failure, routes::Shared};
use crate::gate;

/// Longest body read, in bytes: the longest note there may be (65,536 characters) with every character escaped
/// (`\u0000`: 6 bytes), and room for the rest of it.
const MAX_BODY_BYTES: usize = 512 * 1024;

/// Lets a request through to the interface, or says why not.
pub(super) async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match permit(&shared.options, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// Whether who asks may: with the token, from a page of this server or of an origin that is allowed.
pub(crate) fn permit(options: &ReviewOptions, method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
    // Browsers name the page they act for when it changes something. When it only reads they may not, but say whether
    // the page is one of ours.
    let foreign = if *method == Method::GET && !headers.contains_key(header::ORIGIN) {
        headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin")
    } else {
        gate::check_origin(headers, &options.allowed_origins).is_err()
    };
    if foreign {
        let says = "only pages of this server may ask this; open the link Reframe gave you, or add the \
                    page's address to allowed_origins";
        return Err(Failure::new(StatusCode::FORBIDDEN, "origin", says));
    }
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (given.next(), given.next()) {
        (Some(one), None) => one.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")),
        _ => None,
    };
    if token.is_some_and(|token| options.token.matches(token)) {
        return Ok(());
    }
    let says = "this link does not work, or no longer; ask Reframe for a new one (`reframe review` prints it)";
    Err(Failure::new(StatusCode::UNAUTHORIZED, "token", says))
}

/// The JSON value in a request's body.
pub(super) async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let json = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // A page of another site can send anything else without asking first.
    if json.is_none_or(|kind| kind.split(';').next().is_none_or(|kind| kind.trim() != "application/json")) {
        let says = "send JSON, with the header content-type: application/json";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", says));
    }
    let bytes: Bytes = to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|_| {
        let says = format!("that is too long: a request may have {} KiB; make it shorter", MAX_BODY_BYTES / 1_024);
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", says)
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::bad(format!("this is not understood: {error}; docs/REVIEW.md says what to send")))
}
