//! WHIP on the network: `POST /v1/whip`, the sessions below it, and the page a person joins with.

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use tokio::time::timeout;

use super::{
    protocol::{ENDPOINT, FRAGMENT, MAX_BODY_BYTES, PROBLEM, Refused, SDP, check_accept, check_type, link, origin_may},
    sessions::{Patched, WhipState},
};
use crate::access::{Grant, bearer};

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
/// The call of a session.
const CALL: HeaderName = HeaderName::from_static("reframe-call");
/// Where the rep's screen is.
const OVERLAY: HeaderName = HeaderName::from_static("reframe-overlay");

/// `POST /v1/whip`, `PATCH` and `DELETE /v1/whip/{session}`, `GET /whip`.
pub fn router(state: Arc<WhipState>) -> Router {
    Router::new()
        .route(ENDPOINT, any(endpoint))
        .route("/v1/whip/{session}", any(session))
        .route("/whip", get(|| async { asset("text/html; charset=utf-8", include_str!("../../assets/whip.html")) }))
        .route(
            "/whip.js",
            get(|| async { asset("text/javascript; charset=utf-8", include_str!("../../assets/whip.js")) }),
        )
        .route("/whip.css", get(|| async { asset("text/css; charset=utf-8", include_str!("../../assets/whip.css")) }))
        .with_state(state)
}

/// A file of the page. Nothing on it comes from elsewhere, and nobody may frame it.
fn asset(content_type: &'static str, text: &'static str) -> Response {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

async fn endpoint(State(state): State<Arc<WhipState>>, request: Request) -> Response {
    let answer = match *request.method() {
        Method::POST => post(&state, request).await,
        Method::OPTIONS => options(&state, request.headers(), "POST, OPTIONS"),
        _ => not_allowed("POST, OPTIONS", "an offer is sent with POST"),
    };
    finish(&state, answer)
}

async fn session(State(state): State<Arc<WhipState>>, Path(id): Path<String>, request: Request) -> Response {
    let answer = match *request.method() {
        Method::DELETE => delete(&state, &id, request.headers()).await,
        Method::PATCH => patch(&state, &id, request).await,
        Method::OPTIONS => options(&state, request.headers(), "PATCH, DELETE, OPTIONS"),
        _ => not_allowed("PATCH, DELETE, OPTIONS", "a session is ended with DELETE, and gets candidates with PATCH"),
    };
    finish(&state, answer)
}

/// An answer, good or bad, and the origin it may be read from.
struct Answer {
    response: Result<Response, Refused>,
    origin: Option<HeaderValue>,
}

fn finish(state: &WhipState, answer: Answer) -> Response {
    let mut response = answer.response.unwrap_or_else(|refused| {
        state.counters().refused.fetch_add(1, Ordering::Relaxed);
        tracing::info!(status = refused.status, "a WHIP request was refused: {refused}");
        problem(&refused)
    });
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = answer.origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("location, etag, link, accept-patch, reframe-call, reframe-overlay");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

fn problem(refused: &Refused) -> Response {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], refused.to_json()).into_response();
    let extra = match refused.status {
        401 => Some((header::WWW_AUTHENTICATE, "Bearer")),
        415 => Some((ACCEPT_POST, SDP)),
        // As long as a call takes to end.
        503 => Some((header::RETRY_AFTER, "5")),
        _ => None,
    };
    if let Some((name, value)) = extra {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn not_allowed(allow: &'static str, what: &str) -> Answer {
    let mut response = problem(&Refused::new(405, format!("{what}; see docs/PROTOCOL.md, WHIP")));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    Answer { response: Ok(response), origin: None }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// The origin of the page that asks, if a page asks.
///
/// # Errors
/// 403 if it may not.
fn origin(state: &WhipState, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refused> {
    let Some(value) = headers.get(header::ORIGIN) else { return Ok(None) };
    let origin = value.to_str().unwrap_or_default();
    if origin_may(origin, text(headers, header::HOST), &state.config.allowed_origins) {
        return Ok(Some(value.clone()));
    }
    Err(Refused::new(403, "pages of this origin may not join calls; add it to server.allowed_origins if they should"))
}

fn admit(state: &WhipState, headers: &HeaderMap) -> Result<Grant, Refused> {
    Ok(state.access.admit(bearer(text(headers, header::AUTHORIZATION)))?)
}

/// Reads the body as text, up to a size and for a time.
async fn body(state: &WhipState, body: Body) -> Result<String, Refused> {
    let bytes = match timeout(state.config.body_timeout, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            let detail = format!("the body could not be read to its end; it may have {MAX_BODY_BYTES} bytes at most");
            return Err(Refused::new(413, detail));
        }
        Err(_) => return Err(Refused::new(408, "the body did not come in time; send it at once")),
    };
    String::from_utf8(bytes.to_vec()).map_err(|_| Refused::new(400, "the body is not UTF-8"))
}

fn options(state: &WhipState, headers: &HeaderMap, methods: &'static str) -> Answer {
    let origin = match origin(state, headers) {
        Ok(origin) => origin,
        Err(refused) => return Answer { response: Err(refused), origin: None },
    };
    let answer = [
        (ACCEPT_POST, SDP),
        (ACCEPT_PATCH, FRAGMENT),
        (header::ALLOW, methods),
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, if-match"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    Answer { response: Ok((StatusCode::NO_CONTENT, answer).into_response()), origin }
}

/// Checks the origin, then does the work; the answer can be read by the page that asked.
async fn answered<F>(state: &WhipState, headers: &HeaderMap, work: F) -> Answer
where
    F: Future<Output = Result<Response, Refused>>,
{
    match origin(state, headers) {
        Ok(origin) => Answer { response: work.await, origin },
        Err(refused) => Answer { response: Err(refused), origin: None },
    }
}

async fn post(state: &Arc<WhipState>, request: Request) -> Answer {
    let (parts, sent) = request.into_parts();
    let work = async {
        let grant = admit(state, &parts.headers)?;
        check_type(text(&parts.headers, header::CONTENT_TYPE), SDP)?;
        check_accept(text(&parts.headers, header::ACCEPT), SDP)?;
        let offer = body(state, sent).await?;
        let created = state.create(&grant, parts.uri.query().unwrap_or_default(), &offer).await?;
        let mut response = (StatusCode::CREATED, created.answer).into_response();
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        };
        headers_of_session(&mut set, &created.etag);
        set(header::LOCATION, &format!("{ENDPOINT}/{}", created.id));
        set(CALL, &created.call);
        if let Some(overlay) = &created.overlay {
            set(OVERLAY, overlay);
        }
        for server in &state.config.ice_servers {
            set(header::LINK, &link(server));
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
        Ok(response)
    };
    answered(state, &parts.headers, work).await
}

fn headers_of_session(set: &mut impl FnMut(HeaderName, &str), etag: &str) {
    set(header::ETAG, etag);
    set(ACCEPT_PATCH, FRAGMENT);
}

async fn delete(state: &WhipState, id: &str, headers: &HeaderMap) -> Answer {
    let work = async {
        let grant = admit(state, headers)?;
        state.delete(&grant, id).await?;
        Ok(StatusCode::OK.into_response())
    };
    answered(state, headers, work).await
}

async fn patch(state: &WhipState, id: &str, request: Request) -> Answer {
    let (parts, sent) = request.into_parts();
    let work = async {
        let grant = admit(state, &parts.headers)?;
        check_type(text(&parts.headers, header::CONTENT_TYPE), FRAGMENT)?;
        let fragment = body(state, sent).await?;
        let patched = state.patch(&grant, id, text(&parts.headers, header::IF_MATCH), &fragment).await?;
        Ok(match patched {
            Patched::Candidates => StatusCode::NO_CONTENT.into_response(),
            Patched::Restarted { etag, fragment } => {
                ([(header::CONTENT_TYPE, FRAGMENT), (header::ETAG, etag.as_str())], fragment).into_response()
            }
        })
    };
    answered(state, &parts.headers, work).await
}
