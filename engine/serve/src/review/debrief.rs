//! How a call was led, for those who may see it: the seller first.

use std::sync::Arc;

use axum::extract::{Request, State};
use reframe_workflow::{
    gate::Approver,
    rubric::{Debrief, Trend},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    DeskError,
    access::body,
    answer::{Answer, give},
    decide::{now_unix_ms, person},
    routes::Shared,
};

/// A debrief as somebody who asks for it may see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DebriefView {
    /// There it is.
    Open(Box<OpenDebrief>),
    /// It is not theirs to see, or not yet; that they asked is in the audit log.
    Closed {
        /// Why, and what to do.
        says: String,
    },
}

/// A debrief with what goes beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenDebrief {
    /// How the call was led.
    pub debrief: Debrief,
    /// How the criteria went over the seller's calls up to this one, of which `calls` are counted.
    pub trends: Vec<Trend>,
    /// Calls the trends are over.
    pub calls: usize,
    /// Whether it is theirs: they may open it to others.
    pub own: bool,
    /// When the seller opened it to their manager, in ms since 1970-01-01 UTC.
    pub released_unix_ms: Option<i64>,
    /// When it opens by itself.
    pub opens_unix_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    by: String,
    call: String,
}

/// `POST /v1/review/debrief`: the name of who asks belongs into no address.
pub(super) async fn debrief(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let (by, call) = which(request).await?;
    answer(&shared, by, call).await
}

/// `POST /v1/review/debrief/release`.
pub(super) async fn release(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let (by, call) = which(request).await?;
    let (seller, of, at) = (by.clone(), call.clone(), now_unix_ms());
    shared.ask(move |desk| desk.release_debrief(&of, &seller, at)).await?;
    answer(&shared, by, call).await
}

async fn which(request: Request) -> Result<(Approver, String), super::answer::Failure> {
    let Which { by, call } = body(request).await?;
    Ok((person(&by)?, call))
}

async fn answer(shared: &Shared, by: Approver, call: String) -> Answer {
    let view = shared
        .ask(move |desk| desk.debrief(&call, &by)?.ok_or_else(|| DeskError::Unknown(format!("debrief of call {call}"))))
        .await?;
    give(&json!(view))
}
