//! What a review looks at: one deal with everything known of it, and how the deals before it went.

use jiff::civil;
use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    artifact::{Claim, Evidence},
    handoff::{Commitment, ObjectionRaised},
    system::{Record, RecordRef},
};

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Names of the fields that rules know, as [`Record::fields`] has them.
pub mod field {
    /// Stage of a deal.
    pub const STAGE: &str = "stage";
    /// Day a deal is to be signed.
    pub const CLOSE_DATE: &str = "close_date";
    /// What a deal is worth.
    pub const AMOUNT: &str = "amount";
    /// What comes next in a deal, in words.
    pub const NEXT_STEP: &str = "next_step";
    /// The day of it.
    pub const NEXT_STEP_DATE: &str = "next_step_date";
    /// What a contact is to the deal: `economic_buyer`, `champion`.
    pub const ROLE: &str = "role";
    /// What a task says.
    pub const SUBJECT: &str = "subject";
    /// Whether a task is done: done, completed, closed or cancelled, or anything else.
    pub const STATUS: &str = "status";
    /// The day a task is due.
    pub const DUE: &str = "due";
    /// What a note says.
    pub const BODY: &str = "body";
}

/// Spellings of a finished task's status (HubSpot: `COMPLETED`; a folder of ours: `done`).
const DONE: [&str; 4] = ["done", "completed", "closed", "cancelled"];

/// What one call says about its deal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallDigest {
    /// Name of the call.
    pub call: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What it is evidence for: slot (`budget`, `need`) and the words.
    pub slots: Vec<(String, Claim)>,
    /// Objections and what became of them.
    pub objections: Vec<ObjectionRaised>,
    /// What each side said it would do.
    pub commitments: Vec<Commitment>,
    /// People who were spoken of and not there.
    pub absent: Vec<Claim>,
}

/// A sign of life from the buyer's side: a mail, a reply, a call they spoke in, a meeting they came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyerActivity {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Where it can be looked up.
    pub evidence: Evidence,
}

/// A deal came into a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageChange {
    /// Which, as the system of record spells it.
    pub stage: String,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// The close date was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseDateChange {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// From which day.
    #[schemars(with = "String")]
    pub from: Date,
    /// To which day.
    #[schemars(with = "String")]
    pub to: Date,
}

/// One deal and everything known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DealView {
    /// The deal.
    pub deal: Record,
    /// When it and the records below were read, in ms since 1970-01-01 UTC.
    pub read_unix_ms: i64,
    /// People of the buyer's on it.
    pub contacts: Vec<Record>,
    /// Notes on it.
    pub notes: Vec<Record>,
    /// Tasks on it, done ones too.
    pub tasks: Vec<Record>,
    /// Its calls, in any order.
    pub calls: Vec<CallDigest>,
    /// What the buyer's side did, in any order.
    pub buyer_activity: Vec<BuyerActivity>,
    /// Stages it came into, in order of time.
    pub stages: Vec<StageChange>,
    /// How its close date was moved, in order of time.
    pub close_dates: Vec<CloseDateChange>,
}

impl DealView {
    /// Evidence for a field of one of its records, as it was read.
    #[must_use]
    pub fn cite(&self, record: &Record, field: &str) -> Evidence {
        Evidence::Field {
            record: record.at.clone(),
            field: field.to_owned(),
            value: record.field(field).map(str::to_owned),
            read_unix_ms: self.read_unix_ms,
        }
    }

    /// Evidence for a field of the deal.
    #[must_use]
    pub fn cite_deal(&self, field: &str) -> Evidence {
        self.cite(&self.deal, field)
    }

    /// The deal's name in its system.
    #[must_use]
    pub const fn at(&self) -> &RecordRef {
        &self.deal.at
    }

    /// Its tasks that are not done.
    pub(super) fn open_tasks(&self) -> impl Iterator<Item = &Record> {
        self.tasks.iter().filter(|t| !is_done(t))
    }

    /// The last sign of life at or before a time.
    pub(super) fn last_activity(&self, now_ms: i64) -> Option<&BuyerActivity> {
        self.buyer_activity.iter().filter(|a| a.at_unix_ms <= now_ms).max_by_key(|a| a.at_unix_ms)
    }
}

/// Whether a task is done.
pub(super) fn is_done(task: &Record) -> bool {
    task.field(field::STATUS).is_some_and(|s| DONE.contains(&s.to_lowercase().as_str()))
}

/// The day a field means: what stands before a `T` is enough, for some systems add a time.
pub(super) fn day(text: &str) -> Option<civil::Date> {
    text.get(..10)?.parse().ok()
}

/// The same day in the other calendar type.
pub(super) fn civil(date: Date) -> Option<civil::Date> {
    date.to_string().parse().ok()
}

/// The same day in the type of the hand-offs; none before year 1.
pub(super) fn handed(date: civil::Date) -> Option<Date> {
    Date::new(u16::try_from(date.year()).ok()?, u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?)
}

/// Days from one day to another; negative if the other comes first.
pub(super) fn days(from: civil::Date, to: civil::Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// So many days later; the last day there is, if that is beyond the calendar.
pub(super) fn later(from: civil::Date, days: u32) -> civil::Date {
    let span = jiff::Span::new().try_days(days).ok();
    span.and_then(|span| from.checked_add(span).ok()).unwrap_or(civil::Date::MAX)
}

/// A number as people and systems write amounts: `25000`, `25,000.00`, `$25 000`.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '_' | '$' | '€' | '£')).collect();
    plain.parse::<f64>().ok().filter(|n| n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_amounts_are_read_as_systems_write_them() {
        assert_eq!(day("2026-05-01").unwrap().to_string(), "2026-05-01");
        assert_eq!(day("2026-05-01T00:00:00Z").unwrap().to_string(), "2026-05-01");
        for bad in ["", "soon", "2026-02-30", "01.05.2026", "äöüäö"] {
            assert_eq!(day(bad), None, "{bad}");
        }
        for (text, is) in [("25000", Some(25_000.0)), ("$25,000.50", Some(25_000.5)), ("tbd", None), ("NaN", None)] {
            assert_eq!(number(text), is, "{text}");
        }
        let (a, b) = (day("2026-02-27").unwrap(), day("2026-03-01").unwrap());
        assert_eq!((days(a, b), days(b, a), later(a, 2)), (2, -2, b));
        assert_eq!(later(a, u32::MAX), civil::Date::MAX);
    }
}
