//! Times as the vendors write them, and ours.

use jiff::{Timestamp, civil, tz::TimeZone};
use reframe_call::date::Date;

/// Ms since 1970 of an ISO 8601 time or of a number of ms; nothing if it is neither.
pub fn parse_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse::<i64>().ok().or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond))
}

/// ISO 8601 in UTC, with ms: what HubSpot answers with and takes.
pub fn iso(unix_ms: i64) -> String {
    let at = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// The date of a message's header (RFC 5322), in UTC.
pub fn rfc5322(unix_ms: i64) -> String {
    let at = Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Noon of that day in `zone`, in ms since 1970: a day that reads the same in all zones less than 12 hours away.
pub fn noon_ms(day: Date, zone: &TimeZone) -> Option<i64> {
    let day: civil::Date = day.to_string().parse().ok()?;
    Some(day.at(12, 0, 0, 0).to_zoned(zone.clone()).ok()?.timestamp().as_millisecond())
}

/// The day in `zone` of a time as the vendors write it; a bare day stays what it is.
pub fn day_of(text: &str, zone: &TimeZone) -> Option<Date> {
    if let Ok(day) = text.trim().parse() {
        return Some(day);
    }
    let at = Timestamp::from_millisecond(parse_ms(text)?).ok()?;
    at.to_zoned(zone.clone()).date().to_string().parse().ok()
}

/// Now, in ms since 1970.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_survive_the_way_there_and_back() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc5322(1_777_636_800_000), "Fri, 01 May 2026 12:00:00 +0000");
        assert_eq!(parse_ms("2026-05-01T12:00:00.000Z"), Some(1_777_636_800_000));
        assert_eq!(parse_ms("1777636800000"), Some(1_777_636_800_000));
        assert_eq!(parse_ms("soon"), None);
        let day: Date = "2026-05-01".parse().unwrap();
        for zone in ["UTC", "America/Los_Angeles", "Asia/Tokyo", "Europe/Berlin"] {
            let zone = TimeZone::get(zone).unwrap();
            let there = iso(noon_ms(day, &zone).unwrap());
            assert_eq!(day_of(&there, &zone), Some(day));
            assert_eq!(day_of(&there, &TimeZone::UTC), Some(day), "{there}");
        }
        assert_eq!(day_of("2026-05-01", &TimeZone::UTC), Some(day));
        // The last minute of a day in New York belongs to that day, not to the next in UTC.
        let zone = TimeZone::get("America/New_York").unwrap();
        assert_eq!(day_of("2026-05-02T03:59:00Z", &zone), Some(day));
    }
}
