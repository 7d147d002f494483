//! How moments, spans of time and counts are written in texts for people.

use jiff::{Timestamp, tz::TimeZone};

/// A minute, in ms.
pub const MINUTE_MS: i64 = 60_000;
/// An hour, in ms.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// A day of 24 hours, in ms.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// `2026-03-02 09:00` in this zone; what no calendar holds, as the number.
pub fn moment(unix_ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| unix_ms.to_string(), |at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string())
}

/// A span in the largest unit that leaves something to say: `40 s`, `12 min`, `5.0 h`, `3.5 d`.
pub fn span(ms: f64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "units of time are small numbers")]
    let (minute, hour, day) = (MINUTE_MS as f64, HOUR_MS as f64, DAY_MS as f64);
    if ms < 2.0 * minute {
        format!("{:.0} s", ms / 1_000.0)
    } else if ms < 2.0 * hour {
        format!("{:.0} min", ms / minute)
    } else if ms < 2.0 * day {
        format!("{:.1} h", ms / hour)
    } else {
        format!("{:.1} d", ms / day)
    }
}

/// `1 artifact`, `2 artifacts`.
pub fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// A share as `37.5 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_the_unit_it_has() {
        for (ms, text) in [(40_000.0, "40 s"), (720_000.0, "12 min"), (18_000_000.0, "5.0 h"), (302_400_000.0, "3.5 d")]
        {
            assert_eq!(span(ms), text);
        }
    }
}
