//! Business time: which moments count as working time in a zone, and sums over them.
//!
//! Working hours are wall-clock times of a zone; what lies between two of them is counted in elapsed time, so a night with
//! a change of clocks is neither lost nor counted twice.

mod holidays;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    Timestamp,
    civil::{self, Weekday},
    tz::TimeZone,
};
use reframe_call::date::Date;
use serde::{Deserialize, Serialize};

pub use self::holidays::us_federal;

/// A minute, in ms.
pub const MINUTE_MS: i64 = 60_000;
/// A day of 24 hours, in ms.
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// How far a search for working time goes, in days: over 50 years, so that a calendar without any ends with "none".
const FURTHEST_DAYS: usize = 20_000;
/// Minutes of a day by the clock on the wall.
const DAY_MINUTES: u16 = 24 * 60;

/// A calendar as a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSettings {
    /// IANA name of the zone: `Europe/Berlin`.
    pub zone: String,
    /// Working hours by weekday (`mon` … `sun`), from and to, as `["09:00", "17:00"]`; `24:00` ends a day.
    pub hours: BTreeMap<String, (String, String)>,
    /// Whether federal holidays of the United States are days off, on the day they are observed.
    #[serde(default)]
    pub us_federal: bool,
    /// Other days off.
    #[serde(default)]
    pub days_off: BTreeSet<Date>,
}

/// A calendar that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("calendar, {field}: {problem}")]
pub struct BadCalendar {
    /// Which part.
    pub field: String,
    /// What is wrong, and what to write.
    pub problem: String,
}

/// Working hours of a zone.
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: TimeZone,
    /// From Monday on: first and last minute of the day by the clock on the wall.
    hours: [Option<(u16, u16)>; 7],
    us_federal: bool,
    days_off: BTreeSet<civil::Date>,
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `09:30` as minutes since midnight; up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (h, m) = text.split_once(':')?;
    let two = |s: &str| (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse::<u16>().ok())?;
    let (h, m) = (two(h)?, two(m)?);
    let at = h * 60 + m;
    (m < 60 && at <= DAY_MINUTES).then_some(at)
}

/// The day as the zone library has it.
pub(crate) fn civil_of(date: &Date) -> civil::Date {
    // Both are days of the Gregorian calendar of the years 1 to 9999.
    date.to_string().parse().unwrap_or(civil::Date::MIN)
}

/// An instant, kept within what can be written as a date.
pub(crate) fn stamp(unix_ms: i64) -> Timestamp {
    let furthest = if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(unix_ms).unwrap_or(furthest)
}

/// The local day of an instant.
pub(crate) fn day_of(zone: &TimeZone, unix_ms: i64) -> civil::Date {
    zone.to_datetime(stamp(unix_ms)).date()
}

/// The first instant of a local day, in ms since 1970-01-01 UTC.
pub(crate) fn start_of(zone: &TimeZone, day: civil::Date) -> i64 {
    zone.to_timestamp(day.at(0, 0, 0, 0)).map_or(i64::MAX, Timestamp::as_millisecond)
}

/// The instant this many calendar months later, by UTC; a day the month lacks is its last.
#[must_use]
pub fn months_after(unix_ms: i64, months: u32) -> i64 {
    let at = stamp(unix_ms).to_zoned(TimeZone::UTC);
    let span = jiff::Span::new().try_months(i64::from(months));
    let later = span.and_then(|span| at.checked_add(span));
    later.map_or(i64::MAX, |later| later.timestamp().as_millisecond())
}

impl Calendar {
    /// A calendar of these settings.
    ///
    /// # Errors
    /// [`BadCalendar`] names the part and what to write.
    pub fn new(settings: &CalendarSettings) -> Result<Self, BadCalendar> {
        let bad = |field: &str, problem: &str| BadCalendar { field: field.to_owned(), problem: problem.to_owned() };
        let zone = TimeZone::get(&settings.zone)
            .map_err(|_| bad("zone", "no such zone; write its IANA name, like \"Europe/Berlin\""))?;
        let mut hours = [None; 7];
        for (day, (from, to)) in &settings.hours {
            let at = WEEKDAYS.iter().position(|w| w == day);
            let slot = at.and_then(|at| hours.get_mut(at));
            let slot = slot.ok_or_else(|| bad(day, "no weekday; write mon, tue, wed, thu, fri, sat or sun"))?;
            let span = minutes(from).zip(minutes(to)).filter(|(from, to)| from < to);
            *slot = Some(span.ok_or_else(|| bad(day, "write from and to, like [\"09:00\", \"17:00\"]"))?);
        }
        let days_off = settings.days_off.iter().map(civil_of).collect();
        Ok(Self { zone, hours, us_federal: settings.us_federal, days_off })
    }

    /// Monday to Friday from 9 to 17 in a zone, no holidays.
    #[must_use]
    pub fn weekdays(zone: TimeZone) -> Self {
        let hours = std::array::from_fn(|day| (day < 5).then_some((9 * 60, 17 * 60)));
        Self { zone, hours, us_federal: false, days_off: BTreeSet::new() }
    }

    /// Monday to Friday, whole days, less federal holidays of the United States: what "business day" means where a United
    /// States statute counts them.
    #[must_use]
    pub fn statutory_us(zone: TimeZone) -> Self {
        let hours = std::array::from_fn(|day| (day < 5).then_some((0, DAY_MINUTES)));
        Self { zone, hours, us_federal: true, days_off: BTreeSet::new() }
    }

    /// Every hour of every day, for who works around the clock.
    #[must_use]
    pub const fn around_the_clock(zone: TimeZone) -> Self {
        Self { zone, hours: [Some((0, DAY_MINUTES)); 7], us_federal: false, days_off: BTreeSet::new() }
    }

    /// Its zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn hours_of(&self, day: civil::Date) -> Option<(u16, u16)> {
        let off = self.days_off.contains(&day) || (self.us_federal && us_federal(day));
        let at = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.hours.get(at).copied().flatten().filter(|_| !off)
    }

    /// Whether any of this day is working time.
    #[must_use]
    pub fn is_business_day(&self, day: civil::Date) -> bool {
        self.hours_of(day).is_some()
    }

    /// First and last instant of a day's working time.
    fn span_of(&self, day: civil::Date) -> Option<(i64, i64)> {
        let (from, to) = self.hours_of(day)?;
        let at = |minute: u16| -> Option<i64> {
            let (day, minute) = if minute == DAY_MINUTES { (day.tomorrow().ok()?, 0) } else { (day, minute) };
            // Both fit: minutes of a day.
            let time = day.at(i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?, 0, 0);
            self.zone.to_timestamp(time).ok().map(Timestamp::as_millisecond)
        };
        // A working time that a change of clocks leaves out altogether is empty.
        at(from).zip(at(to)).filter(|(from, to)| from < to)
    }

    /// Working times from the day before an instant on, which may end or begin there.
    fn spans_from(&self, unix_ms: i64) -> impl Iterator<Item = (i64, i64)> + '_ {
        let day = day_of(&self.zone, unix_ms);
        let first = day.yesterday().unwrap_or(day);
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(FURTHEST_DAYS);
        days.filter_map(|day| self.span_of(day)).filter(move |(_, to)| *to > unix_ms)
    }

    /// Whether an instant is working time; the last instant of a working time is not.
    #[must_use]
    pub fn is_working(&self, unix_ms: i64) -> bool {
        self.next_working(unix_ms) == Some(unix_ms)
    }

    /// The first working moment at or after an instant; nothing if there is none within 50 years.
    #[must_use]
    pub fn next_working(&self, unix_ms: i64) -> Option<i64> {
        self.spans_from(unix_ms).next().map(|(from, _)| from.max(unix_ms))
    }

    /// Working time between two instants, in ms; 0 if the second is not later.
    #[must_use]
    pub fn between_ms(&self, from_unix_ms: i64, to_unix_ms: i64) -> i64 {
        if to_unix_ms <= from_unix_ms {
            return 0;
        }
        let spans = self.spans_from(from_unix_ms).take_while(|(from, _)| *from < to_unix_ms);
        spans.map(|(from, to)| to.min(to_unix_ms) - from.max(from_unix_ms)).sum()
    }

    /// Whole working minutes between two instants.
    #[must_use]
    pub fn minutes_between(&self, from_unix_ms: i64, to_unix_ms: i64) -> i64 {
        self.between_ms(from_unix_ms, to_unix_ms) / MINUTE_MS
    }

    /// The first moment at which this much working time, in ms, has passed since an instant; that instant itself for 0 or
    /// less. Nothing if there is not so much within 50 years.
    #[must_use]
    pub fn add_ms(&self, from_unix_ms: i64, working_ms: i64) -> Option<i64> {
        if working_ms <= 0 {
            return Some(from_unix_ms);
        }
        let mut left = working_ms;
        for (from, to) in self.spans_from(from_unix_ms) {
            let from = from.max(from_unix_ms);
            if to - from >= left {
                return Some(from + left);
            }
            left -= to - from;
        }
        None
    }

    /// The first moment at which this many working minutes have passed since an instant: a deadline of 30 minutes that
    /// starts on a Friday evening is on Monday morning.
    #[must_use]
    pub fn add_minutes(&self, from_unix_ms: i64, minutes: i64) -> Option<i64> {
        self.add_ms(from_unix_ms, minutes.saturating_mul(MINUTE_MS))
    }

    /// The `n`-th business day after a day.
    #[must_use]
    pub fn business_day_after(&self, day: civil::Date, n: u32) -> Option<civil::Date> {
        let mut left = n;
        let mut at = day;
        for _ in 0..FURTHEST_DAYS {
            if left == 0 {
                return Some(at);
            }
            at = at.tomorrow().ok()?;
            left -= u32::from(self.is_business_day(at));
        }
        None
    }

    /// The same time of day, this many business days after an instant, in ms since 1970-01-01 UTC; never, where there are
    /// not so many within 50 years.
    #[must_use]
    pub fn business_days_later(&self, from_unix_ms: i64, n: u32) -> i64 {
        let at = self.zone.to_datetime(stamp(from_unix_ms));
        let day = self.business_day_after(at.date(), n);
        let then = day.and_then(|day| self.zone.to_timestamp(day.to_datetime(at.time())).ok());
        then.map_or(i64::MAX, Timestamp::as_millisecond)
    }

    /// When work begins on a day, or on the first business day after it, in ms since 1970-01-01 UTC.
    #[must_use]
    pub fn begins(&self, day: &Date) -> Option<i64> {
        self.next_working(start_of(&self.zone, civil_of(day)))
    }

    /// The end of the `n`-th business day after the day of an instant: what must be done "within 10 business days" is late
    /// from then on.
    #[must_use]
    pub fn business_days_deadline(&self, from_unix_ms: i64, n: u32) -> Option<i64> {
        let last = self.business_day_after(day_of(&self.zone, from_unix_ms), n)?;
        Some(start_of(&self.zone, last.tomorrow().ok()?))
    }
}

/// Whether the weekday is one of the first five.
#[must_use]
pub fn is_weekday(day: civil::Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests;
