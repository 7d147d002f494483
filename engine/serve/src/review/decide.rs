//! What a person does: look, say yes, say no, change the words.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use reframe_workflow::{
    artifact::Digest,
    gate::{Action, Approver, Click, ProposalId},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    DeskError, Verdict,
    access::body,
    answer::{Answer, Failure, give},
    edit::same_work,
    routes::Shared,
};

/// Most proposals in one request: more than one batch has, less than fills the longest body.
const MOST_AT_ONCE: usize = 2_000;
/// Longest reason for a no, in characters.
const MAX_REASON_CHARS: usize = 500;
/// How long ago something may have come on a screen that says so only now, in ms: half a day, a tab left open over lunch.
const LONGEST_AGO_MS: i64 = 12 * 60 * 60 * 1_000;

pub(super) fn now_unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn person(name: &str) -> Result<Approver, Failure> {
    Approver::person(name).map_err(|error| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "who", format!("{error}")))
}

fn few_enough(n: usize) -> Result<(), Failure> {
    if (1..=MOST_AT_ONCE).contains(&n) {
        return Ok(());
    }
    Err(Failure::bad(format!("send 1 to {MOST_AT_ONCE} proposals at once, not {n}")))
}

/// What was on the screen and is decided about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    id: ProposalId,
    /// Of what the screen showed.
    digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    by: String,
    ids: Vec<ProposalId>,
    /// How long ago they came on the screen, in ms: the page may not have known for whom until now.
    ago_ms: u32,
}

/// `POST /v1/review/shown`.
pub(super) async fn shown(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let Shown { by, ids, ago_ms } = body(request).await?;
    few_enough(ids.len())?;
    let to = person(&by)?;
    let at = now_unix_ms().saturating_sub(i64::from(ago_ms).min(LONGEST_AGO_MS));
    shared.ask(move |desk| desk.shown(&ids, &to, at)).await?;
    give(&json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Yes {
    by: String,
    items: Vec<Seen>,
}

/// `POST /v1/review/approve`.
pub(super) async fn approve(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let Yes { by, items } = body(request).await?;
    few_enough(items.len())?;
    let (by, at_unix_ms) = (person(&by)?, now_unix_ms());
    let distinct: BTreeSet<&ProposalId> = items.iter().map(|seen| &seen.id).collect();
    if distinct.len() < items.len() {
        return Err(Failure::bad("the same proposal stands in there twice; send each once"));
    }
    let clicks: Vec<(ProposalId, Click)> = items
        .into_iter()
        .map(|Seen { id, digest }| (id, Click { by: by.clone(), shown: digest, at_unix_ms }))
        .collect();
    let ids: Vec<ProposalId> = clicks.iter().map(|(id, _)| id.clone()).collect();
    let verdicts = shared.ask(move |desk| desk.approve(&clicks)).await?;
    let approved = verdicts.iter().filter(|v| matches!(v, Verdict::Approved { .. } | Verdict::Already { .. })).count();
    let results: Vec<Value> = ids
        .iter()
        .zip(&verdicts)
        .map(|(id, verdict)| {
            let mut result = json!(verdict);
            result["id"] = json!(id);
            result
        })
        .collect();
    give(&json!({ "results": results, "approved": approved, "not_approved": results.len() - approved }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct No {
    by: String,
    id: ProposalId,
    digest: Digest,
    reason: String,
}

/// `POST /v1/review/reject`.
pub(super) async fn reject(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let No { by, id, digest, reason } = body(request).await?;
    let click = Click { by: person(&by)?, shown: digest, at_unix_ms: now_unix_ms() };
    let reason = reason.trim().to_owned();
    let plain = !reason.chars().any(char::is_control);
    if reason.is_empty() || !plain || reason.chars().count() > MAX_REASON_CHARS {
        let says =
            format!("say why in one line of 1 to {MAX_REASON_CHARS} characters; the next draft is measured by it");
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "reason", says));
    }
    let item = shared.ask(move |desk| desk.reject(&id, &click, &reason)).await?;
    give(&item)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    by: String,
    id: ProposalId,
    digest: Digest,
    action: Action,
}

/// `POST /v1/review/edit`.
pub(super) async fn edit(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let Edit { by, id, digest, action } = body(request).await?;
    let click = Click { by: person(&by)?, shown: digest, at_unix_ms: now_unix_ms() };
    let item = shared
        .ask(move |desk| {
            let now = desk.item(&id)?.ok_or_else(|| DeskError::Unknown(format!("proposal {id}")))?;
            same_work(&now.proposal.action, &action).map_err(|part| {
                DeskError::Impossible(format!("an edit cannot change {part}; reject this and write it by hand"))
            })?;
            action.check().map_err(|error| DeskError::Impossible(error.to_string()))?;
            desk.edit(&id, &click, action)
        })
        .await?;
    give(&item)
}
