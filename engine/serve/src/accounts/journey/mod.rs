//! One walk of an account as a page: a stage a row, with what it made, what that cites, who approved it and where it
//! landed; what is missing is said, and nothing is made up for it.
//!
//! [`journey`] puts together what the funnel's fold knows ([`AccountState`]: ids, times, approvals, lineage) and what its
//! caller read of each thing ([`Told`]). It reads nothing itself.

mod row;
mod trail;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use reframe_funnel::{
    account::{AccountState, Walk},
    fact::Approval,
    stage::Stage,
};
use reframe_workflow::{artifact::ArtifactId, gate::ProposalId};
use serde::Serialize;

/// Things of one stage that a row shows, the latest; the rest is counted.
pub const MOST_MADE: usize = 40;

/// What an account's walk came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JourneyPage {
    /// The account's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Zone to show times in.
    pub zone: String,
    /// Number of the walk, from 1; 0: the account has none yet.
    pub walk: u32,
    /// How many walks there are.
    pub walks: u32,
    /// The six stages in order, and last what came of them.
    pub rows: Vec<JourneyRow>,
    /// Ids from the last thing there is back to the first signal, each made from the next.
    pub trail: Vec<String>,
    /// Where that way breaks off, in words; nothing: it does not.
    pub gap: Option<String>,
}

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// It gave what it gives, and all links are there.
    Done,
    /// A person is to decide about something.
    Waits,
    /// Something is missing.
    Missing,
    /// It has not begun, and nothing after it has.
    NotYet,
}

impl RowState {
    /// The words on screens.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waits => "waits for a person",
            Self::Missing => "a link is missing",
            Self::NotYet => "not yet",
        }
    }
}

/// One stage of the walk, or what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JourneyRow {
    /// Which; nothing: the new signal after the six.
    pub stage: Option<Stage>,
    /// Its name for people.
    pub title: String,
    /// How it stands.
    pub state: RowState,
    /// How many things it made.
    pub n: usize,
    /// The latest forty of them, in order of time.
    pub made: Vec<Made>,
    /// What is missing in it, in words.
    pub missing: Vec<String>,
}

/// A hand-off, call, proposal, answer or signal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// What it is: `signal card`, `proposal`.
    pub what: String,
    /// When it was made or took place, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Ids of what it was made from.
    pub from: Vec<String>,
    /// What there is to tell of it.
    #[serde(flatten)]
    pub telling: Telling,
    /// Of a proposal: what was decided.
    pub decided: Option<Decided>,
}

/// What its caller read of a thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Telling {
    /// Lines about it, the first the most telling.
    pub says: Vec<String>,
    /// What it rests on.
    pub cites: Vec<Cite>,
    /// How many more citations it has.
    pub more_cites: usize,
    /// Where it can be looked at.
    pub places: Vec<Place>,
}

/// Words that something rests on, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cite {
    /// Our name of what holds them: `signal/…`, `local:deal/7 stage`, a call with its time.
    pub item: String,
    /// The words.
    pub quote: String,
}

/// Where something can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Place {
    /// The review page.
    Review {
        /// Its batch there.
        batch: String,
    },
    /// The page of the account, where this stands on it.
    Account {
        /// Id of the thing.
        id: String,
    },
    /// The system of record.
    Record {
        /// The record: `local:note/rf-…`.
        record: String,
        /// Its address there, if the system gave one.
        at: Option<String>,
    },
}

/// What was decided about a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// How it stands.
    pub state: Approval,
    /// Who said yes.
    pub by: Option<String>,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: Option<i64>,
    /// When it was done.
    pub done_unix_ms: Option<i64>,
}

/// A meeting as far as its links go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The calendar's id of it; a meeting that moved is kept anew under the same.
    pub event: String,
    /// When it begins, in ms since 1970-01-01 UTC.
    pub start_unix_ms: i64,
    /// Set if it was called off.
    pub cancelled: bool,
}

/// A mail that came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Our name of it: `mail/…`.
    pub item: String,
    /// When it came, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// The draft it answers.
    pub to: ArtifactId,
    /// What there is to tell of it.
    pub telling: Telling,
}

/// A signal that came of an approved write.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSignal {
    /// Its id: `signal/…`.
    pub item: String,
    /// When it happened, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// The write.
    pub of: ProposalId,
    /// What there is to tell of it.
    pub telling: Telling,
}

/// What was read of the things of a walk. What is not in it is shown by its id alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// The present, in ms since 1970-01-01 UTC: a meeting ahead need not have its brief yet.
    pub now_unix_ms: i64,
    /// Hand-offs.
    pub artifacts: BTreeMap<ArtifactId, Telling>,
    /// Proposals.
    pub proposals: BTreeMap<ProposalId, Telling>,
    /// Calls by their names.
    pub calls: BTreeMap<String, Telling>,
    /// Meetings.
    pub meetings: BTreeMap<ArtifactId, Booked>,
    /// What came back.
    pub answers: Vec<Answer>,
    /// What came of writes.
    pub new_signals: Vec<NewSignal>,
    /// Signals that cards cite, by card.
    pub cited: BTreeMap<ArtifactId, Vec<String>>,
}

/// The walk that is meant: the one of this number, else the latest.
#[must_use]
pub fn walk_of(state: &AccountState, no: Option<u32>) -> Option<&Walk> {
    no.map_or_else(|| state.walks.last(), |no| state.walks.iter().find(|walk| walk.no == no))
}

/// The page of a walk; without a number, of the latest. Nothing if there is no walk of that number. An account without any
/// walk has a page on which nothing has begun.
#[must_use]
pub fn journey(state: &AccountState, no: Option<u32>, told: &Told, zone: &str) -> Option<JourneyPage> {
    let walk = walk_of(state, no);
    if walk.is_none() && no.is_some() {
        return None;
    }
    let rows = match walk {
        Some(walk) => row::rows(state, walk, told),
        None => row::nothing_yet(),
    };
    let (trail, gap) = walk.map_or_else(Default::default, |walk| trail::trail(state, walk, told));
    Some(JourneyPage {
        id: state.account.id.clone(),
        name: state.account.name.clone(),
        zone: zone.to_owned(),
        walk: walk.map_or(0, |walk| walk.no),
        walks: u32::try_from(state.walks.len()).unwrap_or(u32::MAX),
        rows,
        trail,
        gap,
    })
}
