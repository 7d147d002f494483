//! What each kind of signal counts and how fast it fades: defaults with their sources, a profile's, or fitted ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::left;
use crate::{event::SignalKind, icp::Icp};

/// What one kind counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindWeight {
    /// Points of a fresh one; may be negative.
    pub points: f64,
    /// Days until half of it is left.
    pub half_life_days: f64,
    /// Where these two numbers come from.
    pub source: String,
}

/// Where a set of weights comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum Basis {
    /// Nobody's history: the numbers of [`Weights::defaults`], or of the profile.
    Defaults {
        /// Why nothing was fitted.
        why: String,
    },
    /// The team's own won and lost deals.
    Fitted {
        /// Won deals.
        won: usize,
        /// Lost deals.
        lost: usize,
        /// By how much the log loss of deals left out is below that of the base rate, in nats a deal.
        gain: f64,
        /// Standard error of that, over accounts.
        gain_error: f64,
    },
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Defaults { why } => write!(f, "defaults: {why}"),
            Self::Fitted { won, lost, .. } => write!(f, "fitted on {won} won and {lost} lost deals"),
        }
    }
}

/// What all kinds count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// One for each of [`SignalKind::ALL`], in that order.
    kinds: Vec<KindWeight>,
    /// Where they come from.
    pub basis: Basis,
}

/// Source of half-lives of three days: "72 hours", and "day 1 brings about four times day 7" (2^(6/3) = 4), both a
/// vendor's words.
const VENDOR: &str = "half-life from a vendor's claim (72 h; day 1 is 4 times day 7), points by judgement";
/// Source of all else.
const JUDGED: &str = "judgement, from no data";

/// Points, half-life in days, source; in the order of [`SignalKind::ALL`].
const DEFAULTS: [(f64, f64, &str); 13] = [
    (12.0, 30.0, JUDGED),
    (15.0, 60.0, JUDGED),
    (6.0, 3.0, VENDOR),
    (6.0, 7.0, JUDGED),
    (8.0, 30.0, JUDGED),
    (8.0, 30.0, JUDGED),
    (12.0, 60.0, JUDGED),
    (15.0, 60.0, JUDGED),
    (12.0, 3.0, VENDOR),
    (3.0, 14.0, JUDGED),
    (-10.0, 90.0, JUDGED),
    (6.0, 7.0, JUDGED),
    (4.0, 14.0, JUDGED),
];

impl Weights {
    /// The numbers to begin with.
    #[must_use]
    pub fn defaults(why: &str) -> Self {
        let kinds = DEFAULTS.map(|(points, half_life_days, source)| KindWeight {
            points,
            half_life_days,
            source: source.to_owned(),
        });
        Self { kinds: kinds.to_vec(), basis: Basis::Defaults { why: why.to_owned() } }
    }

    /// Defaults with what a profile says of single kinds.
    #[must_use]
    pub fn of_icp(icp: &Icp, why: &str) -> Self {
        let mut weights = Self::defaults(why);
        for rule in &icp.intent {
            weights.set(
                rule.kind,
                KindWeight {
                    points: f64::from(rule.points),
                    half_life_days: f64::from(rule.half_life_days),
                    source: format!("ICP version {}", icp.version),
                },
            );
        }
        weights
    }

    /// Of one kind. A set that was read with a kind missing has the default there.
    #[must_use]
    pub fn of(&self, kind: SignalKind) -> (f64, f64) {
        self.kinds.get(kind.index()).map_or_else(
            || (DEFAULTS[kind.index()].0, DEFAULTS[kind.index()].1),
            |k| (k.points.clamp(-1_000.0, 1_000.0), k.half_life_days.clamp(0.01, 36_500.0)),
        )
    }

    /// All kinds with what they count.
    pub fn kinds(&self) -> impl Iterator<Item = (SignalKind, &KindWeight)> {
        SignalKind::ALL.into_iter().zip(&self.kinds)
    }

    pub(crate) fn set(&mut self, kind: SignalKind, weight: KindWeight) {
        if let Some(slot) = self.kinds.get_mut(kind.index()) {
            *slot = weight;
        }
    }

    /// Thousandths of a point that an event of this age adds; nothing before it has happened.
    #[must_use]
    pub fn milli(&self, kind: SignalKind, age_ms: i64) -> i64 {
        let (points, half_life) = self.of(kind);
        if age_ms < 0 { 0 } else { (points * 1_000.0 * left(age_ms, half_life)) as i64 }
    }
}
