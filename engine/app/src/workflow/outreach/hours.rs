//! Working time of the team, for deadlines and gaps between messages.

use reframe_call::date::Date;
use reframe_outreach::calendar::WorkingTime;
use reframe_policy::clock::{Calendar, DAY_MS, MINUTE_MS};

use crate::workflow::Office;

/// Working hours of the settings; without any, Monday to Friday from 9 to 17 in the team's zone.
#[derive(Clone, Debug)]
pub struct Hours(Calendar);

impl Office {
    /// The team's working time.
    ///
    /// # Errors
    /// If zone or hours are none.
    pub(in crate::workflow) fn hours(&self) -> anyhow::Result<Hours> {
        let hours = match self.settings.outreach.as_ref().and_then(|o| o.hours.as_ref()) {
            Some(hours) => Calendar::new(hours)?,
            None => Calendar::weekdays(self.settings.zone()?),
        };
        Ok(Hours(hours))
    }
}

impl WorkingTime for Hours {
    fn next_working(&self, from_unix_ms: i64) -> i64 {
        self.0.next_working(from_unix_ms).unwrap_or(i64::MAX)
    }

    fn add_minutes(&self, from_unix_ms: i64, minutes: u32) -> i64 {
        self.0.add_ms(from_unix_ms, i64::from(minutes) * MINUTE_MS).unwrap_or(i64::MAX)
    }

    fn add_days(&self, from_unix_ms: i64, days: u32) -> i64 {
        let Ok(at) = jiff::Timestamp::from_millisecond(from_unix_ms) else { return i64::MAX };
        let at = at.to_zoned(self.0.zone().clone());
        let day = self.0.business_day_after(at.date(), days);
        let then = day.and_then(|day| day.to_datetime(at.time()).to_zoned(self.0.zone().clone()).ok());
        then.map_or_else(|| from_unix_ms.saturating_add(i64::from(days) * DAY_MS), |z| z.timestamp().as_millisecond())
    }

    fn begins(&self, day: Date) -> i64 {
        let civil: Option<jiff::civil::Date> = day.to_string().parse().ok();
        let first = civil.and_then(|d| d.to_zoned(self.0.zone().clone()).ok());
        first.map_or(i64::MAX, |z| self.next_working(z.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_hour_from_friday_evening_ends_on_monday() {
        let hours = Hours(Calendar::weekdays(jiff::tz::TimeZone::UTC));
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        assert_eq!(hours.add_minutes(at("2026-11-20T16:45:00Z"), 30), at("2026-11-23T09:15:00Z"));
        assert_eq!(hours.add_days(at("2026-11-20T10:00:00Z"), 2), at("2026-11-24T10:00:00Z"));
        assert_eq!(hours.begins("2026-11-21".parse().unwrap()), at("2026-11-23T09:00:00Z"));
    }
}
