//! A new domain sends nothing for four weeks, then a little more each week.

use jiff::{civil, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::{day_of, start_of};

/// From which day on how many messages a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Days since the warm-up began, and messages a day from then on; in order.
    pub steps: Vec<(u32, u32)>,
}

impl Default for Ladder {
    /// Nothing for 28 days (the playbook's four weeks); then 20 a day, 40, 60, 90 and 120 week by week: 120 is the most one
    /// person reviews in a day by the playbook. The steps between are our own choice.
    fn default() -> Self {
        Self { steps: vec![(28, 20), (35, 40), (42, 60), (49, 90), (56, 120)] }
    }
}

/// The domain may not send yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sender's domain is being warmed up: day {day} of {of}")]
pub struct NotYet {
    /// The day it is.
    pub day: i64,
    /// The day sending begins.
    pub of: u32,
    /// When that is, in ms since 1970-01-01 UTC.
    pub until_unix_ms: i64,
}

/// A domain's warm-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// When it began, in ms since 1970-01-01 UTC: that day is day 0.
    pub began_unix_ms: i64,
    /// Zone in which its days are counted.
    pub zone: String,
    /// How much from when on.
    pub ladder: Ladder,
    /// Most messages a day, whatever the ladder says.
    pub daily_cap: u32,
}

impl WarmUp {
    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    fn day(&self, at: i64) -> civil::Date {
        day_of(&self.zone(), at)
    }

    /// Days since it began.
    fn age(&self, now: i64) -> i64 {
        // Days between two dates of the calendar: a span of days is a whole number of them.
        self.day(self.began_unix_ms).until(self.day(now)).map_or(i64::MIN, |span| i64::from(span.get_days()))
    }

    /// How many messages may go out on the day of `now`.
    ///
    /// # Errors
    /// [`NotYet`]; with an empty ladder, for ever.
    pub fn allowance(&self, now_unix_ms: i64) -> Result<u32, NotYet> {
        let age = self.age(now_unix_ms);
        let reached = self.ladder.steps.iter().filter(|(day, _)| i64::from(*day) <= age).max_by_key(|(day, _)| *day);
        if let Some((_, messages)) = reached {
            return Ok(self.daily_cap.min(*messages));
        }
        let first = self.ladder.steps.iter().map(|(day, _)| *day).min();
        let of = first.unwrap_or(u32::MAX);
        let begins =
            jiff::Span::new().try_days(i64::from(of)).and_then(|days| self.day(self.began_unix_ms).checked_add(days));
        let until_unix_ms = begins.map_or(i64::MAX, |day| start_of(&self.zone(), day));
        Err(NotYet { day: age, of, until_unix_ms })
    }

    /// Messages of `sent` (times, in ms since 1970-01-01 UTC) that count against today, and when today ends.
    #[must_use]
    pub fn sent_today(&self, sent: &[i64], now_unix_ms: i64) -> (usize, i64) {
        let today = self.day(now_unix_ms);
        let n = sent.iter().filter(|at| self.day(**at) == today).count();
        let end = today.tomorrow().map_or(i64::MAX, |day| start_of(&self.zone(), day));
        (n, end)
    }
}
