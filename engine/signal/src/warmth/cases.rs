//! The past as cases: what was known of an account the moment a deal began, and how the deal ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{SignalEvent, SignalKind};

/// A deal that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDeal {
    /// Its id.
    pub id: String,
    /// The account, by whatever key the events are grouped with.
    pub account: String,
    /// When it was opened, in ms since 1970-01-01 UTC.
    pub opened_unix_ms: i64,
    /// Was it won?
    pub won: bool,
}

/// A deal with what had happened before it was opened, and nothing later: what followed cannot leak into the fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The deal's id.
    pub deal: String,
    /// The account.
    pub account: String,
    /// When the deal was opened, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Was it won?
    pub won: bool,
    /// Kind and age in ms of each earlier event, the newest first.
    pub events: Vec<(SignalKind, i64)>,
}

/// How far back a case looks, in ms: a year, four half-lives of the slowest kind.
const LOOK_BACK_MS: i64 = 365 * crate::event::DAY_MS;

/// Makes the cases, in order of time. `of` gives an event's account key.
#[must_use]
pub fn cases<'a>(deals: &[PastDeal], events: impl IntoIterator<Item = (&'a str, &'a SignalEvent)>) -> Vec<Case> {
    let mut by_account: BTreeMap<&str, Vec<(i64, SignalKind)>> = BTreeMap::new();
    for (account, event) in events {
        by_account.entry(account).or_default().push((event.at_unix_ms, event.kind));
    }
    by_account.values_mut().for_each(|events| events.sort_unstable());
    let mut out: Vec<Case> = deals
        .iter()
        .map(|deal| {
            let at = deal.opened_unix_ms;
            let events = by_account.get(deal.account.as_str()).map_or(&[][..], Vec::as_slice);
            let from = events.partition_point(|(t, _)| *t < at - LOOK_BACK_MS);
            let to = events.partition_point(|(t, _)| *t < at).max(from);
            Case {
                deal: deal.id.clone(),
                account: deal.account.clone(),
                at_unix_ms: at,
                won: deal.won,
                events: events[from..to].iter().rev().map(|(t, kind)| (*kind, at - t)).collect(),
            }
        })
        .collect();
    out.sort_by(|a, b| (a.at_unix_ms, &a.deal).cmp(&(b.at_unix_ms, &b.deal)));
    out
}
