//! Which numbers this program may call a metric, and what each of them means.
//!
//! A [`Measured`] value can only be had from a [`Registry`], and the registry takes no number of which the playbook says
//! that it must not be measured ([`banned`]): it rewards being busy, or it cannot be known.

mod banned;
mod measure;
mod standard;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    banned::{Ban, banned},
    measure::{draft_distance, forecast_accuracy},
};
use crate::interval::Rate;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// An amount of money.
    Money,
    /// So many of so many.
    Rate,
    /// A time, told as a median.
    Duration,
    /// How often something of worth came about.
    Count,
    /// How near one thing is to another, 0 to 1.
    Nearness,
}

/// A number that may be shown as a measure of how it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name in files: lower case, words joined by `_`.
    pub id: String,
    /// Its name on screens.
    pub title: String,
    /// What kind of number it is.
    pub kind: MetricKind,
    /// What is counted or measured, in a sentence.
    pub of: String,
    /// What it is divided by; nothing: by nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
}

/// Why a metric is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The playbook says that this must not be measured.
    #[error("`{name}` cannot be a metric: it is {}. {}. Measure {} instead", .ban.what(), .ban.why(), .ban.instead())]
    Banned {
        /// What was to be registered.
        name: String,
        /// Which of the banned numbers it is.
        ban: Ban,
    },
    /// Its name is none.
    #[error("`{0}` is no name of a metric: write lower-case words joined by `_`, like `reply_rate`")]
    BadName(String),
    /// It does not say what it means.
    #[error("`{0}` does not say what is measured: fill in `title` and `of`; a rate also `per`")]
    Undefined(String),
    /// There is one of this name.
    #[error("there is a metric `{0}` already; give this one another name")]
    Taken(String),
    /// There is none of this name.
    #[error("there is no metric `{0}`; register it first")]
    Unknown(String),
    /// The number is of another kind.
    #[error("`{0}` is a {1:?}; give it a number of that kind")]
    OtherKind(String, MetricKind),
}

/// A number with what it rests on. Only a registry makes one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Measured {
    metric: String,
    value: Option<f64>,
    n: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<(f64, f64)>,
}

impl Measured {
    /// Name of the metric.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// The number, in the metric's unit; nothing if there was nothing to measure.
    #[must_use]
    pub const fn value(&self) -> Option<f64> {
        self.value
    }

    /// How many cases it rests on.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Ends of the 95 % interval, of a rate.
    #[must_use]
    pub const fn interval(&self) -> Option<(f64, f64)> {
        self.interval
    }
}

/// All metrics there are.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    metrics: BTreeMap<String, Metric>,
}

impl Registry {
    /// One without any.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Those the playbook names, and the distance of what was sent from what was drafted.
    ///
    /// # Panics
    /// Never: a test registers each of them.
    #[must_use]
    pub fn standard() -> Self {
        let mut registry = Self::new();
        for metric in standard::metrics() {
            registry.register(metric).expect("the standard metrics may be registered");
        }
        registry
    }

    /// Takes a metric, if it may be one.
    ///
    /// # Errors
    /// [`MetricError`]: what is wrong with it and what to measure instead.
    pub fn register(&mut self, metric: Metric) -> Result<(), MetricError> {
        let fits = !metric.id.is_empty()
            && metric
                .id
                .split('_')
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        // A ban says more than a wrong spelling does.
        for text in [&metric.id, &metric.title, &metric.of] {
            if let Some(ban) = banned(text) {
                return Err(MetricError::Banned { name: text.chars().take(80).collect(), ban });
            }
        }
        if !fits {
            return Err(MetricError::BadName(metric.id.chars().take(80).collect()));
        }
        let bare = metric.title.trim().is_empty() || metric.of.trim().is_empty();
        let rate = metric.kind == MetricKind::Rate;
        if bare || rate && metric.per.as_ref().is_none_or(|per| per.trim().is_empty()) {
            return Err(MetricError::Undefined(metric.id));
        }
        if self.metrics.contains_key(&metric.id) {
            return Err(MetricError::Taken(metric.id));
        }
        self.metrics.insert(metric.id.clone(), metric);
        Ok(())
    }

    /// All of them, by name.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.metrics.values()
    }

    fn of_kind(&self, id: &str, fits: impl Fn(MetricKind) -> bool) -> Result<String, MetricError> {
        let metric = self.metrics.get(id).ok_or_else(|| MetricError::Unknown(id.chars().take(80).collect()))?;
        if fits(metric.kind) {
            Ok(metric.id.clone())
        } else {
            Err(MetricError::OtherKind(metric.id.clone(), metric.kind))
        }
    }

    /// A rate: `k` of `n`.
    ///
    /// # Errors
    /// [`MetricError::Unknown`], [`MetricError::OtherKind`].
    pub fn rate(&self, id: &str, k: u64, n: u64) -> Result<Measured, MetricError> {
        let metric = self.of_kind(id, |kind| kind == MetricKind::Rate)?;
        let rate = Rate::of(k, n);
        Ok(Measured { metric, value: rate.share, n, interval: (n > 0).then_some((rate.low, rate.high)) })
    }

    /// Any other number, resting on `n` cases.
    ///
    /// # Errors
    /// [`MetricError::Unknown`], [`MetricError::OtherKind`].
    pub fn value(&self, id: &str, value: Option<f64>, n: u64) -> Result<Measured, MetricError> {
        let metric = self.of_kind(id, |kind| kind != MetricKind::Rate)?;
        Ok(Measured { metric, value: value.filter(|v| v.is_finite()), n, interval: None })
    }
}
