//! How warm an account is: a sum of signals that fade, every part of it shown.

mod cases;
mod fit;
mod newton;
mod weights;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    cases::{Case, PastDeal, cases},
    fit::{HALF_LIVES_DAYS, LEAST_LOST, LEAST_WON, fit},
    weights::{Basis, KindWeight, Weights},
};
use crate::event::{DAY_MS, SignalEvent, SignalKind};

/// What one event adds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The event's id.
    pub event: String,
    /// Its kind.
    pub kind: SignalKind,
    /// How old it is, in ms.
    pub age_ms: i64,
    /// What it adds, in thousandths of a point, cut towards zero.
    pub milli: i64,
}

/// How warm an account is at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warmth {
    /// Thousandths of a point: exactly the sum of the contributions.
    pub milli: i64,
    /// What each event adds, the weightiest first; events that add less than a thousandth are left out.
    pub contributions: Vec<Contribution>,
}

/// `score(t) = Σ w · 2^(-(t - tᵢ) / h)` over events at or before `now`. Sums whole thousandths, so the
/// parts add up to the number, and the sum over two sets of events is the sum of their sums.
#[must_use]
pub fn warmth<'a>(events: impl IntoIterator<Item = &'a SignalEvent>, weights: &Weights, now_unix_ms: i64) -> Warmth {
    let mut contributions: Vec<Contribution> = events
        .into_iter()
        .filter_map(|event| {
            let age_ms = now_unix_ms - event.at_unix_ms;
            let milli = weights.milli(event.kind, age_ms);
            (milli != 0).then(|| Contribution { event: event.id.clone(), kind: event.kind, age_ms, milli })
        })
        .collect();
    contributions.sort_by(|a, b| (b.milli.abs(), &a.event).cmp(&(a.milli.abs(), &b.event)));
    Warmth { milli: contributions.iter().map(|c| c.milli).sum(), contributions }
}

/// What is left of one after `age_ms` with a half-life in days.
pub(crate) fn left(age_ms: i64, half_life_days: f64) -> f64 {
    (-(age_ms as f64) / (half_life_days * DAY_MS as f64)).exp2()
}

#[cfg(test)]
mod tests;
