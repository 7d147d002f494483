//! Points in time as exports write them.

use jiff::{Timestamp, civil, fmt::rfc2822, tz::TimeZone};

/// Reads RFC 3339 (`2026-05-01T09:00:00Z`), a day (`2026-05-01`, meant as midnight UTC), RFC 2822 (`Fri, 01 May 2026
/// 09:00:00 +0000`) or a number of seconds (10 digits) or milliseconds (13 digits) since 1970-01-01 UTC, to milliseconds.
#[must_use]
pub fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.len() {
            10 => text.parse::<i64>().ok().map(|s| s * 1_000),
            13 => text.parse().ok(),
            _ => None,
        };
    }
    if text.len() == 10 {
        let day: civil::Date = text.parse().ok()?;
        return Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    rfc2822::parse(text).ok().map(|z| z.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_exports_are_read_and_others_are_not() {
        let t = 1_777_626_000_000;
        for (text, want) in [
            ("2026-05-01T09:00:00Z", Some(t)),
            (" 2026-05-01T11:00:00+02:00 ", Some(t)),
            ("2026-05-01", Some(t - 9 * 3_600_000)),
            ("Fri, 01 May 2026 09:00:00 +0000", Some(t)),
            ("Fri, 01 May 2026 09:00:00 GMT", Some(t)),
            ("1777626000", Some(t)),
            ("1777626000000", Some(t)),
            ("05/01/2026", None),
            ("2026-02-30", None),
            ("yesterday", None),
            ("", None),
            ("17776260", None),
        ] {
            assert_eq!(instant(text), want, "{text}");
        }
    }
}
