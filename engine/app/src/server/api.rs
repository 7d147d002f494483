//! The administrator's side over HTTP: the consent registry, and calls prepared ahead. Everything needs an admin token.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Query, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reframe_consent::{ConsentRecord, NewRecord, Participant, Person, Scope, Standing, decide_for};
use reframe_ingest::access::bearer;
use reframe_serve::{Token, overlay_link};
use serde::{Deserialize, Serialize};

use super::{
    admission::now_unix_ms,
    engine::Engine,
    tokens::{Kind, SCREEN_TTL_S, now_unix_s},
};

/// Largest request, in bytes; a record has at most a few hundred characters.
const MAX_BODY_BYTES: usize = 16 * 1_024;
/// Records in one answer.
const MAX_RECORDS: usize = 1_000;
/// A prepared call's tokens are good for this long unless asked otherwise, in seconds; and at most for a month.
const TTL_S: (u64, u64) = (SCREEN_TTL_S, 31 * 24 * 3_600);

/// `POST /v1/consents`, and in part `POST /v1/consents/withdraw`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// E-mail address or name.
    pub person: String,
    /// The call; `null`: all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Where the person was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
    /// How it was given, or how we learnt that it was withdrawn.
    pub method: String,
    /// Where the proof lies.
    #[serde(default)]
    pub proof: String,
    /// When, in ms since 1970-01-01 UTC; now if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_unix_ms: Option<i64>,
}

impl Statement {
    /// The record it asks for.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn record(self, withdrawn: bool) -> Result<NewRecord, String> {
        let at = self.at_unix_ms.unwrap_or_else(now_unix_ms);
        let scope = match self.call {
            None => Scope::AllCalls,
            Some(call) => {
                format!("call:{call}").parse().map_err(|_| "call: 1 to 128 letters, digits, `-`, `_`, `.`")?
            }
        };
        let record = NewRecord {
            person: Person::new(&self.person).map_err(|e| e.to_string())?,
            scope,
            jurisdiction: self.jurisdiction,
            method: self.method,
            proof: self.proof,
            given_unix_ms: at,
            withdrawn_unix_ms: withdrawn.then_some(at),
        };
        record.check().map_err(|e| e.to_string())?;
        Ok(record)
    }
}

/// `GET /v1/consents`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    person: Option<String>,
    call: Option<String>,
}

/// The answer to `GET /v1/consents`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Found {
    /// Records, the latest first, at most 1,000.
    pub records: Vec<ConsentRecord>,
    /// How the person stands to the call, if both were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Stands>,
}

/// How a person stands to a call, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// `given`, `withdrawn` or `unknown`.
    pub is: String,
    /// The record that decides.
    pub by: Option<u64>,
}

impl From<Standing<'_>> for Stands {
    fn from(standing: Standing<'_>) -> Self {
        let (is, by) = match standing {
            Standing::Given(record) => ("given", Some(record.id)),
            Standing::Withdrawn(record) => ("withdrawn", Some(record.id)),
            Standing::Unknown => ("unknown", None),
        };
        Self { is: is.to_owned(), by }
    }
}

/// How `person` stands to `call` by these records.
#[must_use]
pub fn stands(records: &[ConsentRecord], person: &Person, call: &str) -> Stands {
    // A record by track is about a participant of that call by this name, whichever track it has.
    let by_track = records.iter().filter_map(|r| match &r.says.scope {
        Scope::Track(id, track) if id == call => Some(*track),
        _ => None,
    });
    let mut last = decide_for(records, person, call);
    let id = |s: Standing<'_>| match s {
        Standing::Given(r) | Standing::Withdrawn(r) => r.id,
        Standing::Unknown => 0,
    };
    for track in by_track {
        let who = Participant { name: Some(person.clone()), track: Some(track), ..Participant::default() };
        let found = reframe_consent::decide(records, &who, call);
        if id(found) > id(last) {
            last = found;
        }
    }
    last.into()
}

/// `POST /v1/calls`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Prepare {
    /// The call's id; a new one if left out.
    call: Option<String>,
    /// How long its tokens are good, in seconds.
    ttl_s: Option<u64>,
}

/// The answer to `POST /v1/calls`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// The call's id.
    pub call: String,
    /// For the bot: feeds this call and no other.
    pub ingest_token: String,
    /// Where a bot sends audio over a WebSocket.
    pub ingest_url: String,
    /// Where a bot or a browser sends audio over WHIP.
    pub whip_url: String,
    /// For the rep: the screen.
    pub overlay_url: String,
    /// Until when both are good, in seconds since 1970-01-01 UTC.
    pub expires_unix_s: u64,
}

#[derive(Clone)]
struct Shared {
    engine: Arc<Engine>,
    base_url: String,
}

/// The routes. `base_url` is where this server is reached: `http://127.0.0.1:7311`.
pub fn router(engine: Arc<Engine>, base_url: String) -> Router {
    Router::new()
        .route("/v1/consents", get(list).post(give))
        .route("/v1/consents/withdraw", post(withdraw))
        .route("/v1/calls", post(prepare))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Shared { engine, base_url })
}

fn refuse(status: StatusCode, why: impl Into<String>) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(serde_json::json!({ "error": why.into() }))).into_response()
}

fn answer(status: StatusCode, body: impl Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Admits an administrator. A page in a browser is none, whatever token it has.
fn admin(shared: &Shared, headers: &HeaderMap) -> Result<(), Box<Response>> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Box::new(refuse(StatusCode::FORBIDDEN, "web pages may not administer this server")));
    }
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer(given).unwrap_or_default();
    match shared.engine.tokens().check(Kind::Admin, token, now_unix_s()) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => {
            Err(Box::new(refuse(StatusCode::FORBIDDEN, "an admin token is for no single call; make one without")))
        }
        Err(error) => Err(Box::new(refuse(StatusCode::UNAUTHORIZED, error.to_string()))),
    }
}

async fn list(State(shared): State<Shared>, headers: HeaderMap, query: Query<Asked>) -> Response {
    if let Err(refused) = admin(&shared, &headers) {
        return *refused;
    }
    let Query(Asked { person, call }) = query;
    let person = match person.as_deref().map(Person::new).transpose() {
        Ok(person) => person,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error.to_string()),
    };
    if person.is_none() && call.is_some() {
        return refuse(StatusCode::BAD_REQUEST, "name the person too: ?person=…&call=…");
    }
    let read = move || {
        let records = match (&person, &call) {
            (Some(person), Some(call)) => shared.engine.book().consents_about(person, call, MAX_RECORDS)?,
            _ => shared.engine.book().consents(person.as_ref(), MAX_RECORDS)?,
        };
        let standing = person.as_ref().zip(call.as_ref()).map(|(person, call)| stands(&records, person, call));
        Ok::<_, reframe_store::StoreError>(Found { records, standing })
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(found)) => answer(StatusCode::OK, found),
        Ok(Err(error)) => refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the registry could not be read; see the server's log"),
    }
}

async fn give(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Result<Json<Statement>, JsonRejection>,
) -> Response {
    put_on_record(shared, &headers, body, false).await
}

async fn withdraw(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Result<Json<Statement>, JsonRejection>,
) -> Response {
    put_on_record(shared, &headers, body, true).await
}

async fn put_on_record(
    shared: Shared,
    headers: &HeaderMap,
    body: Result<Json<Statement>, JsonRejection>,
    withdrawn: bool,
) -> Response {
    if let Err(refused) = admin(&shared, headers) {
        return *refused;
    }
    let statement = match body {
        Ok(Json(statement)) => statement,
        Err(error) => return refuse(error.status(), error.body_text()),
    };
    let record = match statement.record(withdrawn) {
        Ok(record) => record,
        Err(why) => return refuse(StatusCode::UNPROCESSABLE_ENTITY, why),
    };
    match tokio::task::spawn_blocking(move || shared.engine.put_on_record(record)).await {
        Ok(Ok(stored)) => answer(StatusCode::CREATED, stored),
        Ok(Err(error)) => refuse(StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")),
        Err(_) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "the record could not be added; see the server's log"),
    }
}

async fn prepare(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Result<Json<Prepare>, JsonRejection>,
) -> Response {
    if let Err(refused) = admin(&shared, &headers) {
        return *refused;
    }
    let Prepare { call, ttl_s } = match body {
        Ok(Json(asked)) => asked,
        Err(error) => return refuse(error.status(), error.body_text()),
    };
    let call = call.unwrap_or_else(|| shared.engine.fresh_id());
    // What the ingest takes for an id.
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if call.is_empty() || call.len() > 64 || !call.chars().all(fine) {
        return refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "call must be 1 to 64 letters, digits, - or _; or leave it out",
        );
    }
    let ttl_s = ttl_s.unwrap_or(TTL_S.0);
    if !(1..=TTL_S.1).contains(&ttl_s) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, format!("ttl_s must be 1 to {}", TTL_S.1));
    }
    let (tokens, expires_unix_s) = (shared.engine.tokens(), now_unix_s() + ttl_s);
    let base = shared.base_url.trim_end_matches('/');
    let socket = base.replacen("http", "ws", 1);
    let screen = Token::new(tokens.mint(Kind::Screen, Some(&call), expires_unix_s));
    let prepared = Prepared {
        ingest_token: tokens.mint(Kind::Ingest, Some(&call), expires_unix_s),
        ingest_url: format!("{socket}/v1/ingest"),
        whip_url: format!("{base}/v1/whip?call={call}"),
        overlay_url: overlay_link(base, &call, &screen),
        expires_unix_s,
        call,
    };
    answer(StatusCode::CREATED, prepared)
}
