//! The routes of the review page and of the interface behind it.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};

use super::{
    DeskError, ReviewDesk, access,
    answer::{Answer, Failure},
    debrief, decide, files, read,
};
use crate::{Token, page};

/// Settings of the review page.
#[derive(Clone, Debug)]
pub struct ReviewOptions {
    /// What lets a browser in: a token of its own, for a screen's may be on a shared screen's address bar while this one
    /// lets its holder decide.
    pub token: Token,
    /// Origins besides the server's own whose pages may use the interface. Needed behind a proxy that changes the `Host`
    /// header.
    pub allowed_origins: Vec<String>,
}

/// What every handler has at hand.
pub(super) struct Shared {
    pub(super) desk: Arc<dyn ReviewDesk>,
    pub(super) options: ReviewOptions,
}

impl Shared {
    /// Asks the desk where that holds nobody up.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn ReviewDesk) -> Result<T, DeskError> + Send + 'static,
    ) -> Result<T, Failure> {
        let desk = Arc::clone(&self.desk);
        let asked = tokio::task::spawn_blocking(move || question(desk.as_ref())).await;
        let answer = asked.map_err(|error| {
            tracing::error!(%error, "the desk of the review page failed");
            let says = "Reframe failed at this; its log says at what. Load the page again to see what was done";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", says)
        })?;
        Ok(answer?)
    }
}

/// The review page at `/review` and its interface under `/v1/review`. To be merged with [`router`](crate::router()).
pub fn review_router(desk: Arc<dyn ReviewDesk>, options: ReviewOptions) -> Router {
    let shared = Arc::new(Shared { desk, options });
    let interface = Router::new()
        .route("/inbox", get(read::inbox))
        .route("/batch", get(read::batch))
        .route("/item", get(read::item))
        .route("/changes", get(read::changes))
        .route("/transcript", get(read::transcript))
        .route("/note", get(read::note))
        .route("/search", get(read::search))
        .route("/shown", post(decide::shown))
        .route("/approve", post(decide::approve))
        .route("/reject", post(decide::reject))
        .route("/edit", post(decide::edit))
        .route("/debrief", post(debrief::debrief))
        .route("/debrief/release", post(debrief::release))
        .route("/{*other}", any(nothing))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), access::check));
    Router::new()
        .route("/review", get(files::html))
        .route("/assets/review/{name}", get(files::file))
        .nest("/v1/review", interface)
        .layer(middleware::map_response(page::secure))
        .with_state(shared)
}

async fn nothing() -> Answer {
    Err(Failure::new(StatusCode::NOT_FOUND, "unknown", "there is nothing here; docs/REVIEW.md lists what there is"))
}

async fn wrong_method() -> Response {
    let says = "ask with GET, decide with POST; docs/REVIEW.md lists which is which";
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", says).into_response()
}

/// The link to hand to the person who decides. The token stands in the fragment, which browsers never send to a server.
/// `base` is like `http://127.0.0.1:7300`.
#[must_use]
pub fn review_link(base: &str, token: &Token) -> String {
    format!("{}/review#token={}", base.trim_end_matches('/'), token.reveal())
}
