//! From when to when "yesterday" is, in the team's zone.

use jiff::{Timestamp, civil, tz::TimeZone};
use reframe_call::date::Date;
use reframe_workflow::dates::calendar::{WorkDays, plus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest time a page covers, in days: after that a team has been on holiday, and starts afresh.
const LONGEST_DAYS: i64 = 14;

/// On which days the team works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkWeek {
    /// Monday to Friday, with or without the federal holidays of the United States.
    pub days: WorkDays,
    /// Further days off: the team's own calendar.
    pub off: Vec<Date>,
}

impl WorkWeek {
    fn works(&self, day: civil::Date) -> bool {
        self.days.is_working(day) && !self.off.iter().any(|off| ours(day) == Some(*off))
    }
}

fn ours(day: civil::Date) -> Option<Date> {
    Date::new(u16::try_from(day.year()).ok()?, u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?)
}

/// The time a page is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The day it is read on.
    #[schemars(with = "String")]
    pub today: Date,
    /// First day it covers.
    #[schemars(with = "String")]
    pub first: Date,
    /// Last day it covers: yesterday.
    #[schemars(with = "String")]
    pub last: Date,
    /// The team's zone: `Europe/Berlin`.
    pub zone: String,
    /// When the first day began, in ms since 1970-01-01 UTC.
    pub from_unix_ms: i64,
    /// When the last one ended: the beginning of today.
    pub to_unix_ms: i64,
}

/// A time no calendar has, or a zone without a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadTime(String);

/// Everything since the last working day before today began. A day is as long as it is in that zone: 23 or 25 hours where
/// the clocks are set.
///
/// # Errors
/// [`BadTime`].
pub fn window(now_unix_ms: i64, zone: &TimeZone, week: &WorkWeek) -> Result<Window, BadTime> {
    let bad = |what: String| BadTime(format!("{what}; give the present in ms since 1970-01-01 UTC"));
    let now = Timestamp::from_millisecond(now_unix_ms).map_err(|e| bad(e.to_string()))?;
    let today = zone.to_datetime(now).date();
    let name =
        zone.iana_name().ok_or_else(|| BadTime("the zone has no name; write one like `Europe/Berlin`".into()))?;
    let last = plus(today, -1);
    let mut first = last;
    while !week.works(first) && plus(first, LONGEST_DAYS) > today {
        first = plus(first, -1);
    }
    let begins = |day: civil::Date| {
        day.to_zoned(zone.clone()).map(|at| at.timestamp().as_millisecond()).map_err(|e| bad(e.to_string()))
    };
    let day = |day: civil::Date| ours(day).ok_or_else(|| bad(format!("{day} is before the year 1")));
    Ok(Window {
        today: day(today)?,
        first: day(first)?,
        last: day(last)?,
        zone: name.to_owned(),
        from_unix_ms: begins(first)?,
        to_unix_ms: begins(today)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(now: &str, zone: &str, week: &WorkWeek) -> (String, String, i64) {
        let now = now.parse::<Timestamp>().unwrap().as_millisecond();
        let w = window(now, &TimeZone::get(zone).unwrap(), week).unwrap();
        (w.first.to_string(), w.last.to_string(), (w.to_unix_ms - w.from_unix_ms) / 3_600_000)
    }

    #[test]
    fn a_page_goes_back_to_the_last_working_day() {
        let plain = WorkWeek::default();
        let us = WorkWeek { days: WorkDays { us_federal_holidays: true }, off: vec![] };
        let own = WorkWeek { off: vec!["2026-03-12".parse().unwrap()], ..WorkWeek::default() };
        let zone = "Europe/Berlin";
        for (now, zone, week, first, last, hours) in [
            // A Wednesday, a Monday, and the two days of a weekend.
            ("2026-03-11T07:00:00Z", zone, &plain, "2026-03-10", "2026-03-10", 24),
            ("2026-03-09T07:00:00Z", zone, &plain, "2026-03-06", "2026-03-08", 72),
            ("2026-03-07T07:00:00Z", zone, &plain, "2026-03-06", "2026-03-06", 24),
            ("2026-03-08T07:00:00Z", zone, &plain, "2026-03-06", "2026-03-07", 48),
            // Over the clocks' change: 71 hours in spring, 73 in autumn.
            ("2026-03-30T07:00:00Z", zone, &plain, "2026-03-27", "2026-03-29", 71),
            ("2026-10-26T07:00:00Z", zone, &plain, "2026-10-23", "2026-10-25", 73),
            // It is still Sunday in Chicago.
            ("2026-03-09T04:00:00Z", "America/Chicago", &plain, "2026-03-06", "2026-03-07", 48),
            // The Tuesday after Labor Day; a day off of the team's own.
            ("2026-09-08T14:00:00Z", "America/Chicago", &us, "2026-09-04", "2026-09-07", 96),
            ("2026-03-13T07:00:00Z", zone, &own, "2026-03-11", "2026-03-12", 48),
        ] {
            assert_eq!(of(now, zone, week), (first.into(), last.into(), hours), "{now}");
        }
    }

    #[test]
    fn a_long_holiday_ends_the_page() {
        let off = (1..=31).map(|d| Date::new(2026, 8, d).unwrap()).collect();
        let week = WorkWeek { off, ..WorkWeek::default() };
        assert_eq!(of("2026-09-01T07:00:00Z", "Europe/Berlin", &week).0, "2026-08-18");
    }
}
