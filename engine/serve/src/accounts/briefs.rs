//! Meetings ahead and the brief of each, for whoever has half a minute before one begins.

use std::sync::Arc;

use axum::extract::State;
use reframe_workflow::artifact::Claim;
use serde::{Deserialize, Serialize};

use super::routes::{Asked, MAX_ID_BYTES, Shared, asked};
use crate::review::answer::{Answer, Failure};

/// The meetings ahead.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BriefsPage {
    /// The team's zone, in which times are shown.
    pub zone: String,
    /// When this was put together, in ms since 1970-01-01 UTC.
    pub now_unix_ms: i64,
    /// Whether a calendar is read; without one no meeting is known.
    pub calendar: bool,
    /// Meetings, the next one first.
    pub meetings: Vec<MeetingRow>,
    /// How many more there are.
    pub more: usize,
}

/// A meeting in the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MeetingRow {
    /// The calendar's id of it.
    pub id: String,
    /// Title; empty: it has none.
    pub title: String,
    /// When it begins, in ms since 1970-01-01 UTC.
    pub start_unix_ms: i64,
    /// When it ends; not after the beginning: nobody knows.
    pub end_unix_ms: i64,
    /// How many people are invited.
    pub invited: usize,
    /// The deal it is about, as `system:deal/id`.
    pub deal: Option<String>,
    /// When its brief was made; nothing: not yet.
    pub made_unix_ms: Option<i64>,
    /// When it is made.
    pub due_unix_ms: i64,
    /// The objection that is likeliest, in words.
    pub first: Option<String>,
    /// Names of the parts of its brief that are empty.
    pub empty: Vec<String>,
}

/// A meeting with its brief.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BriefPage {
    /// The meeting. What of it is in the brief stands below.
    pub meeting: MeetingRow,
    /// The team's zone.
    pub zone: String,
    /// Address to join it by.
    pub url: Option<String>,
    /// Who is invited, by e-mail address.
    pub invited: Vec<String>,
    /// When this brief was made, in ms since 1970-01-01 UTC.
    pub made_unix_ms: i64,
    /// Whether it is the one that is kept and given to the call; else it was made now, to look at.
    pub kept: bool,
    /// Words of the whole brief.
    pub words: usize,
    /// What the buyer is likely to object, the likeliest first.
    pub objections: Vec<Expected>,
    /// What was said in different calls and cannot both be so, with both quotes.
    pub contradictions: Vec<Claim>,
    /// The last promises, the latest first.
    pub promises: Vec<Promised>,
    /// Who is met and who decides, by records.
    pub people: Vec<Claim>,
    /// Who was heard or spoken of in the deal's calls.
    pub heard: Vec<Heard>,
    /// What to ask.
    pub questions: Vec<Claim>,
    /// Cards the live call has ready, the likeliest first.
    pub plays: Vec<Armed>,
    /// What is missing, and what would fill it.
    pub missing: Vec<Missing>,
    /// The whole brief: its seven parts.
    pub parts: Vec<(String, Vec<Claim>)>,
}

/// An objection that is likely to come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// Its class, in words.
    pub label: String,
    /// How likely it is held to be, 0 to 1. It orders; it is not calibrated.
    pub likelihood: f32,
    /// Why.
    pub because: Claim,
    /// The approved answer.
    pub card: Option<Answering>,
}

/// The card that answers an objection, as the playbook has it now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answering {
    /// Its play.
    pub play: String,
    /// Title.
    pub title: String,
    /// Lines to say.
    pub say: Vec<String>,
    /// What to ask then.
    pub ask: Option<String>,
}

/// A promise and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promised {
    /// The promise.
    pub what: Claim,
    /// Whose it is: a name, else `We` or `They`.
    pub who: String,
    /// The day it is due, `2026-03-13`.
    pub due: Option<String>,
    /// What became of it: `kept`, `open`, `late`.
    pub state: String,
}

/// Somebody of the deal's calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heard {
    /// Name.
    pub name: String,
    /// Whose side: `rep`, `buyer`, `unknown`; `absent` for those who were only spoken of.
    pub side: String,
    /// In how many calls.
    pub calls: usize,
    /// The first words that show it.
    pub shown: Claim,
}

/// A card that the live call has ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Armed {
    /// Its play.
    pub play: String,
    /// Its title; nothing: the playbook has it no more.
    pub title: Option<String>,
}

/// Something that is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What.
    pub what: String,
    /// What would fill it.
    pub fill: String,
}

/// `GET /v1/accounts/briefs`.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Answer {
    shared.ask(|desk| desk.briefs()).await
}

#[derive(Deserialize)]
pub(super) struct WhichMeeting {
    id: String,
}

/// `GET /v1/accounts/brief?id=`.
pub(super) async fn one(State(shared): State<Arc<Shared>>, query: Asked<WhichMeeting>) -> Answer {
    let WhichMeeting { id } = asked(query)?;
    if id.trim().is_empty() || id.len() > MAX_ID_BYTES {
        return Err(Failure::bad(format!("name a meeting by its id in the calendar, in 1 to {MAX_ID_BYTES} bytes")));
    }
    shared.ask(move |desk| desk.brief(&id)).await
}
