//! What the page asks for: batches, proposals, what was said.

use std::sync::Arc;

use axum::extract::{Query, State, rejection::QueryRejection};
use reframe_workflow::{artifact::ArtifactId, gate::ProposalId, handoff::CallTranscript};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    DeskError,
    answer::{Answer, Failure, give},
    routes::Shared,
};

/// Turns shown before and after the one that is asked for, unless told.
const NEIGHBOURS: usize = 8;
/// Most turns given at once: some ten minutes of talk, 300 KB.
const MOST_TURNS: usize = 200;
/// Most places a search gives.
const MOST_HITS: usize = 50;
/// Longest query, in characters.
const MAX_QUERY_CHARS: usize = 200;

type Asked<T> = Result<Query<T>, QueryRejection>;

fn asked<T>(query: Asked<T>) -> Result<T, Failure> {
    query.map(|Query(q)| q).map_err(|error| Failure::bad(format!("{}; see docs/REVIEW.md", error.body_text())))
}

/// The proposal of this name.
pub(super) fn proposal_id(text: &str) -> Result<ProposalId, Failure> {
    text.parse::<ArtifactId>().map(ProposalId).map_err(|error| Failure::bad(error.to_string()))
}

/// `GET /v1/review/inbox`.
pub(super) async fn inbox(State(shared): State<Arc<Shared>>) -> Answer {
    // The place to ask for changes from is taken before what is there, so that nothing falls in between.
    let (upto, batches, outbox) =
        shared.ask(|desk| Ok((desk.changes(None)?.upto, desk.inbox()?, desk.outbox()?))).await?;
    give(&json!({ "upto": upto, "batches": batches, "outbox": outbox }))
}

#[derive(Deserialize)]
pub(super) struct WhichBatch {
    batch: String,
}

/// `GET /v1/review/batch?batch=`.
pub(super) async fn batch(State(shared): State<Arc<Shared>>, query: Asked<WhichBatch>) -> Answer {
    let WhichBatch { batch } = asked(query)?;
    let items = shared.ask(move |desk| desk.batch(&batch)).await?;
    give(&json!({ "items": items }))
}

#[derive(Deserialize)]
pub(super) struct WhichItem {
    id: String,
}

/// `GET /v1/review/item?id=`.
pub(super) async fn item(State(shared): State<Arc<Shared>>, query: Asked<WhichItem>) -> Answer {
    let id = proposal_id(&asked(query)?.id)?;
    let item =
        shared.ask(move |desk| desk.item(&id)?.ok_or_else(|| DeskError::Unknown(format!("proposal {id}")))).await?;
    give(&item)
}

#[derive(Deserialize)]
pub(super) struct Since {
    since: u64,
}

/// `GET /v1/review/changes?since=`.
pub(super) async fn changes(State(shared): State<Arc<Shared>>, query: Asked<Since>) -> Answer {
    let Since { since } = asked(query)?;
    let news = shared
        .ask(move |desk| {
            let changes = desk.changes(Some(since))?;
            if changes.upto == since {
                return Ok(json!({ "upto": since, "items": [] }));
            }
            // Whatever changed, the page's lists may have.
            let (batches, outbox) = (desk.inbox()?, desk.outbox()?);
            Ok(json!({ "upto": changes.upto, "items": changes.items, "batches": batches, "outbox": outbox }))
        })
        .await?;
    give(&news)
}

#[derive(Deserialize)]
pub(super) struct WhichWords {
    call: String,
    /// The turn to show with its neighbours; without it, the beginning.
    utterance: Option<u32>,
    /// How many turns before and after it.
    around: Option<usize>,
}

/// A stretch of a call.
#[derive(Serialize)]
struct Stretch {
    /// The call, with the turns of the stretch only.
    transcript: CallTranscript,
    /// How many turns come before.
    before: usize,
    /// How many come after.
    after: usize,
}

/// `GET /v1/review/transcript?call=&utterance=&around=`.
pub(super) async fn transcript(State(shared): State<Arc<Shared>>, query: Asked<WhichWords>) -> Answer {
    let WhichWords { call, utterance, around } = asked(query)?;
    let found = shared
        .ask(move |desk| {
            desk.transcript(&call)?.ok_or_else(|| DeskError::Unknown(format!("transcript of call {call}")))
        })
        .await?;
    let at = match utterance {
        None => 0,
        Some(number) => found.turns.iter().position(|turn| turn.utterance == number).ok_or_else(|| {
            let says =
                format!("the transcript of {} has no utterance {number}; its words may have been erased", found.call);
            Failure::from(DeskError::Unknown(says))
        })?,
    };
    give(&stretch(found, at, around.unwrap_or(NEIGHBOURS)))
}

fn stretch(mut transcript: CallTranscript, at: usize, around: usize) -> Stretch {
    let around = around.min(MOST_TURNS / 2);
    let (from, until) = (at.saturating_sub(around), (at + around + 1).min(transcript.turns.len()));
    let after = transcript.turns.len() - until;
    transcript.turns.truncate(until);
    transcript.turns.drain(..from.min(until));
    Stretch { transcript, before: from.min(until), after }
}

#[derive(Deserialize)]
pub(super) struct WhichCall {
    call: String,
}

/// `GET /v1/review/note?call=`.
pub(super) async fn note(State(shared): State<Arc<Shared>>, query: Asked<WhichCall>) -> Answer {
    let WhichCall { call } = asked(query)?;
    let note = shared
        .ask(move |desk| desk.note(&call)?.ok_or_else(|| DeskError::Unknown(format!("note of call {call}"))))
        .await?;
    give(&note)
}

#[derive(Deserialize)]
pub(super) struct Words {
    q: String,
}

/// `GET /v1/review/search?q=`.
pub(super) async fn search(State(shared): State<Arc<Shared>>, query: Asked<Words>) -> Answer {
    let Words { q } = asked(query)?;
    let q = q.trim().to_owned();
    if q.is_empty() || q.chars().count() > MAX_QUERY_CHARS {
        return Err(Failure::bad(format!("search for 1 to {MAX_QUERY_CHARS} characters")));
    }
    let hits = shared.ask(move |desk| desk.search(&q, MOST_HITS)).await?;
    give(&json!({ "hits": hits }))
}

#[cfg(test)]
mod tests {
    use reframe_workflow::handoff::Turn;

    use super::*;

    fn call(turns: u32) -> CallTranscript {
        CallTranscript {
            call: "c".into(),
            title: "C".into(),
            started_unix_ms: 0,
            zone: "UTC".into(),
            deal: None,
            participants: vec![],
            turns: (0..turns).map(|utterance| Turn { utterance, speaker: 0, words: vec![] }).collect(),
            objections: vec![],
            cards: vec![],
            notes: vec![],
            missing_ms: 0,
        }
    }

    #[test]
    fn a_stretch_has_its_neighbours_and_says_what_is_left_out() {
        for (turns, at, around, expected) in [
            (10, 5, 2, (3, 5, 2)),
            (10, 0, 2, (0, 3, 7)),
            (10, 9, 2, (7, 3, 0)),
            (10, 4, usize::MAX, (0, 10, 0)),
            (0, 0, 3, (0, 0, 0)),
            (1_000, 500, 400, (400, 201, 399)),
        ] {
            let got = stretch(call(turns), at, around);
            let n = got.transcript.turns.len();
            assert_eq!((got.before, n, got.after), expected, "{turns} {at} {around}");
            if n > 0 {
                assert_eq!(got.transcript.turns[at - got.before].utterance as usize, at);
            }
        }
    }
}
