//! Cases by the week or month they entered in, on the team's calendar.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fate, Tally};
use crate::interval::{Rate, quantile};

/// How cohorts are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Weeks from Monday to Sunday (ISO 8601): `2026-W11`.
    #[default]
    Week,
    /// Months: `2026-03`.
    Month,
}

/// Cases that entered together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// Which week or month.
    pub name: String,
    /// How many came and what became of them.
    pub tally: Tally,
    /// Share of those decided that went on.
    pub decided: Rate,
    /// Share of all that have gone on so far.
    pub so_far: Rate,
    /// Median time of those that went on, in ms: of a young cohort the quick ones alone.
    pub median_ms: Option<f64>,
}

/// The week or month of a moment in this zone; of a moment no calendar has, `unknown`.
#[must_use]
pub fn cohort_of(unix_ms: i64, zone: &TimeZone, by: By) -> String {
    Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| "unknown".to_owned(), |at| name(zone.to_datetime(at).date(), by))
}

fn name(day: Date, by: By) -> String {
    match by {
        By::Month => format!("{:04}-{:02}", day.year(), day.month()),
        By::Week => {
            let week = day.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
    }
}

/// How far from both ends of a week or month its beginning and end are worked out for each case anew, in ms: more than any
/// zone sets its clocks back.
const EDGE_MS: i64 = 3 * crate::words::HOUR_MS;

/// Cohorts while they are counted.
pub(super) struct Cohorts<'a> {
    zone: &'a TimeZone,
    by: By,
    of: Vec<(Tally, Vec<i64>)>,
    /// Places in `of` by name.
    names: BTreeMap<String, usize>,
    /// Times that are known to lie in one cohort: from when, until when, and its place. Looking a day up in a calendar
    /// costs more than all the rest, and a few hundred weeks hold all cases.
    spans: BTreeMap<i64, (i64, usize)>,
}

impl<'a> Cohorts<'a> {
    pub(super) const fn new(zone: &'a TimeZone, by: By) -> Self {
        Self { zone, by, of: Vec::new(), names: BTreeMap::new(), spans: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, entered_unix_ms: i64, fate: Fate) {
        let place = self.place_of(entered_unix_ms);
        let (tally, times) = &mut self.of[place];
        tally.take(fate);
        if let Fate::Advanced(after) = fate {
            times.push(after);
        }
    }

    fn place_of(&mut self, at: i64) -> usize {
        let known = self.spans.range(..=at).next_back().filter(|(_, (until, _))| at < *until);
        if let Some((_, (_, place))) = known {
            return *place;
        }
        let name = cohort_of(at, self.zone, self.by);
        let span = inner(at, self.zone, self.by).filter(|(from, until)| {
            from < until && [*from, *until - 1].iter().all(|end| cohort_of(*end, self.zone, self.by) == name)
        });
        let place = *self.names.entry(name).or_insert_with(|| {
            self.of.push(Default::default());
            self.of.len() - 1
        });
        if let Some((from, until)) = span {
            self.spans.insert(from, (until, place));
        }
        place
    }

    pub(super) fn finish(self) -> Vec<Cohort> {
        let Self { mut of, names, .. } = self;
        let make = |(name, place): (String, usize)| {
            let (tally, mut times) = std::mem::take(&mut of[place]);
            times.sort_unstable();
            let (decided, so_far) = (tally.decided(), tally.so_far());
            Cohort { name, tally, decided, so_far, median_ms: quantile(&times, 0.5) }
        };
        names.into_iter().map(make).collect()
    }
}

/// The week or month of a moment without its edges, in ms since 1970-01-01 UTC.
fn inner(at: i64, zone: &TimeZone, by: By) -> Option<(i64, i64)> {
    let day = zone.to_datetime(Timestamp::from_millisecond(at).ok()?).date();
    let (first, next) = match by {
        By::Month => (day.first_of_month(), day.last_of_month().tomorrow().ok()?),
        By::Week => {
            let monday = day.checked_sub(jiff::Span::new().days(day.weekday().to_monday_zero_offset())).ok()?;
            (monday, monday.checked_add(jiff::Span::new().days(7)).ok()?)
        }
    };
    let begins = |day: Date| day.to_zoned(zone.clone()).ok().map(|z| z.timestamp().as_millisecond());
    Some((begins(first)? + EDGE_MS, begins(next)? - EDGE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_months_are_the_teams_own() {
        let zone = |name| TimeZone::get(name).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        for (moment, place, by, name) in [
            ("2026-03-01T23:30:00Z", "UTC", By::Week, "2026-W09"),
            ("2026-03-01T23:30:00Z", "Europe/Berlin", By::Week, "2026-W10"),
            ("2026-03-01T04:30:00Z", "America/Chicago", By::Month, "2026-02"),
            // The last days of a year may be in the first week of the next.
            ("2025-12-30T12:00:00Z", "UTC", By::Week, "2026-W01"),
            ("2027-01-02T12:00:00Z", "UTC", By::Week, "2026-W53"),
        ] {
            assert_eq!(cohort_of(at(moment), &zone(place), by), name, "{moment} {place}");
        }
    }
    /// What is remembered of weeks and months gives what looking each case up does, at their very ends too.
    #[test]
    fn what_is_remembered_is_what_the_calendar_says() {
        let begin = "2025-12-20T00:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
        for zone in ["UTC", "America/Havana", "Pacific/Apia", "Asia/Kathmandu"] {
            let zone = TimeZone::get(zone).unwrap();
            for by in [By::Week, By::Month] {
                let mut cohorts = Cohorts::new(&zone, by);
                let mut expected: BTreeMap<String, u64> = BTreeMap::new();
                // Every 23 minutes of 14 months, in an order that jumps.
                let n = 14 * 30 * 24 * 60 / 23;
                for i in 0..n {
                    let at = begin + (i * 7_919 % n) * 23 * 60_000;
                    cohorts.take(at, Fate::Open(1));
                    *expected.entry(cohort_of(at, &zone, by)).or_default() += 1;
                }
                assert!(!cohorts.spans.is_empty());
                let got: BTreeMap<String, u64> =
                    cohorts.finish().into_iter().map(|c| (c.name, c.tally.entered)).collect();
                assert_eq!(got, expected, "{zone:?} {by:?}");
            }
        }
    }
}
