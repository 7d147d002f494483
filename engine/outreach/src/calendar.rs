//! Working time as a stage sees it: whoever knows zones, hours and holidays computes the instants.

/// Working time of one place. Instants are ms since 1970-01-01 UTC.
pub trait WorkingTime {
    /// The first working moment at or after `from`.
    fn next_working(&self, from_unix_ms: i64) -> i64;
    /// `minutes` of working time after `from`.
    fn add_minutes(&self, from_unix_ms: i64, minutes: u32) -> i64;
    /// The same time of day, `days` working days after `from`.
    fn add_days(&self, from_unix_ms: i64, days: u32) -> i64;
    /// When work begins on a day, or on the first working day after it.
    fn begins(&self, day: reframe_call::date::Date) -> i64;
}

/// Every hour of every day is working time, in UTC: for tests and for teams around the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllHours;

/// A day in ms.
pub(crate) const DAY_MS: i64 = 86_400_000;

impl WorkingTime for AllHours {
    fn next_working(&self, from: i64) -> i64 {
        from
    }

    fn add_minutes(&self, from: i64, minutes: u32) -> i64 {
        from.saturating_add(i64::from(minutes) * 60_000)
    }

    fn add_days(&self, from: i64, days: u32) -> i64 {
        from.saturating_add(i64::from(days) * DAY_MS)
    }

    fn begins(&self, day: reframe_call::date::Date) -> i64 {
        let civil: Option<jiff::civil::Date> = day.to_string().parse().ok();
        let at = civil.and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok());
        at.map_or(i64::MAX, |z| z.timestamp().as_millisecond())
    }
}
