//! The routes of the pages and of the documents behind them.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, Request, State, rejection::QueryRejection},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use reframe_call::date::Date;
use reframe_funnel::{funnel::By, stage::Point};
use serde::{Deserialize, Serialize};

use super::{AccountsDesk, FunnelAsked, briefs, files};
use crate::{
    Token, page,
    review::{
        DeskError, ReviewOptions,
        access::permit,
        answer::{Answer, Failure, give},
    },
};

/// Longest id or name asked for, in bytes: names of calls may have 128, ids of other systems are shorter.
pub(super) const MAX_ID_BYTES: usize = 400;

pub(super) struct Shared {
    desk: Arc<dyn AccountsDesk>,
    options: ReviewOptions,
}

impl Shared {
    /// Asks the desk where that holds nobody up.
    pub(super) async fn ask<T: Serialize + Send + 'static>(
        &self,
        question: impl FnOnce(&dyn AccountsDesk) -> Result<T, DeskError> + Send + 'static,
    ) -> Answer {
        let desk = Arc::clone(&self.desk);
        let asked = tokio::task::spawn_blocking(move || question(desk.as_ref())).await;
        let answer = asked.map_err(|error| {
            tracing::error!(%error, "the desk of the account pages failed");
            let says = "Reframe failed at this; its log says at what. Load the page again";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", says)
        })?;
        give(&answer?)
    }
}

/// The page at `/accounts` and its documents under `/v1/accounts`. To be merged with [`router`](crate::router()) and
/// [`review_router`](crate::review::review_router), whose files it shares; `options` are the review page's.
pub fn accounts_router(desk: Arc<dyn AccountsDesk>, options: ReviewOptions) -> Router {
    let shared = Arc::new(Shared { desk, options });
    let documents = Router::new()
        .route("/accounts", get(accounts))
        .route("/account", get(account))
        .route("/journey", get(journey))
        .route("/briefs", get(briefs::list))
        .route("/brief", get(briefs::one))
        .route("/funnel", get(funnel))
        .route("/huddle", get(huddle))
        .route("/{*other}", any(nothing))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), check));
    Router::new()
        .route("/accounts", get(files::html))
        .route("/assets/accounts/{name}", get(files::file))
        .nest("/v1/accounts", documents)
        .layer(middleware::map_response(page::secure))
        .with_state(shared)
}

async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match permit(&shared.options, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

async fn nothing() -> Answer {
    Err(Failure::new(StatusCode::NOT_FOUND, "unknown", "there is nothing here; docs/FUNNEL.md lists what there is"))
}

async fn wrong_method() -> Response {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", "ask with GET; nothing is decided here").into_response()
}

pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

pub(super) fn asked<T>(query: Asked<T>) -> Result<T, Failure> {
    query.map(|Query(q)| q).map_err(|error| Failure::bad(format!("{}; see docs/FUNNEL.md", error.body_text())))
}

/// `GET /v1/accounts/accounts`.
async fn accounts(State(shared): State<Arc<Shared>>) -> Answer {
    shared.ask(|desk| desk.accounts()).await
}

#[derive(Deserialize)]
struct WhichAccount {
    id: String,
}

fn named(id: String) -> Result<String, Failure> {
    if id.trim().is_empty() || id.len() > MAX_ID_BYTES {
        return Err(Failure::bad(format!("name an account, in 1 to {MAX_ID_BYTES} bytes")));
    }
    Ok(id)
}

/// `GET /v1/accounts/account?id=`.
async fn account(State(shared): State<Arc<Shared>>, query: Asked<WhichAccount>) -> Answer {
    let id = named(asked(query)?.id)?;
    shared.ask(move |desk| desk.account(&id)).await
}

#[derive(Deserialize)]
struct WhichWalk {
    id: String,
    walk: Option<u32>,
}

/// `GET /v1/accounts/journey?id=&walk=`.
async fn journey(State(shared): State<Arc<Shared>>, query: Asked<WhichWalk>) -> Answer {
    let WhichWalk { id, walk } = asked(query)?;
    let id = named(id)?;
    shared.ask(move |desk| desk.journey(&id, walk)).await
}

#[derive(Deserialize)]
struct WhichFunnel {
    from: Option<String>,
    to: Option<String>,
    by: Option<By>,
}

/// `GET /v1/accounts/funnel?from=&to=&by=`.
async fn funnel(State(shared): State<Arc<Shared>>, query: Asked<WhichFunnel>) -> Answer {
    let WhichFunnel { from, to, by } = asked(query)?;
    let point = |text: &str| text.parse::<Point>().map_err(|error| Failure::bad(error.to_string()));
    let between = match (from, to) {
        (Some(from), Some(to)) => Some((point(&from)?, point(&to)?)),
        (None, None) => None,
        _ => return Err(Failure::bad("name both `from` and `to`, or neither")),
    };
    let wanted = FunnelAsked { between, by: by.unwrap_or_default() };
    shared.ask(move |desk| desk.funnel(&wanted)).await
}

#[derive(Deserialize)]
struct WhichDay {
    date: Option<String>,
}

/// `GET /v1/accounts/huddle?date=`.
async fn huddle(State(shared): State<Arc<Shared>>, query: Asked<WhichDay>) -> Answer {
    let day =
        asked(query)?.date.map(|text| text.parse::<Date>().map_err(|_| Failure::bad("write the day like 2026-03-30")));
    let day = day.transpose()?;
    shared.ask(move |desk| desk.huddle(day)).await
}

/// Link to the page of an account's walks. It opens what it shows to whoever has it, as the review page's link does.
#[must_use]
pub fn journey_link(base: &str, token: &Token, account: &str) -> String {
    // As the page writes it itself: letters, digits and a few marks stay, all else is percent-encoded.
    let mut id = String::with_capacity(account.len());
    for byte in account.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => id.push(char::from(byte)),
            other => id.push_str(&format!("%{other:02X}")),
        }
    }
    format!("{}/accounts#token={}&view=journey&id={id}", base.trim_end_matches('/'), token.reveal())
}
