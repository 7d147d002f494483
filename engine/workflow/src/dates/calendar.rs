//! Calendar arithmetic: weeks, quarters, fiscal years, working days and the holidays of the United States.

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};

/// Days from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First day.
    pub first: Date,
    /// Last day, not before the first.
    pub last: Date,
}

impl Span {
    /// Whether the day is in it.
    #[must_use]
    pub fn has(self, day: Date) -> bool {
        self.first <= day && day <= self.last
    }

    /// Last working day in it, or its last day if it has none.
    #[must_use]
    pub fn due(self, work: WorkDays) -> Date {
        let mut day = self.last;
        while day >= self.first {
            if work.is_working(day) {
                return day;
            }
            day = plus(day, -1);
        }
        self.last
    }
}

/// So many days later (earlier, if negative); at the calendar's ends the day itself.
#[must_use]
pub fn plus(day: Date, days: i64) -> Date {
    // Speech can say no count near this limit; it keeps `ToSpan` from panicking.
    day.checked_add(days.clamp(-1_000_000, 1_000_000).days()).unwrap_or(day)
}

/// So many months later; a day that the month lacks becomes its last.
#[must_use]
pub fn plus_months(day: Date, months: i64) -> Date {
    day.checked_add(months.clamp(-100_000, 100_000).months()).unwrap_or(day)
}

/// The week that holds the day, Monday to Sunday (ISO 8601).
#[must_use]
pub fn week(day: Date) -> Span {
    let first = plus(day, -i64::from(day.weekday().to_monday_zero_offset()));
    Span { first, last: plus(first, 6) }
}

/// Year and number of the ISO 8601 week that holds the day.
#[must_use]
pub fn iso_week(day: Date) -> (i16, i8) {
    let iso = day.iso_week_date();
    (iso.year(), iso.week())
}

/// The day of this weekday in the week that holds `day`.
#[must_use]
pub fn in_week(day: Date, weekday: Weekday) -> Date {
    plus(week(day).first, i64::from(weekday.to_monday_zero_offset()))
}

/// The first such weekday after `day`.
#[must_use]
pub fn next_weekday(day: Date, weekday: Weekday) -> Date {
    let ahead = i64::from(weekday.to_monday_zero_offset()) - i64::from(day.weekday().to_monday_zero_offset());
    plus(day, if ahead > 0 { ahead } else { ahead + 7 })
}

/// The last such weekday before `day`.
#[must_use]
pub fn previous_weekday(day: Date, weekday: Weekday) -> Date {
    let behind = i64::from(day.weekday().to_monday_zero_offset()) - i64::from(weekday.to_monday_zero_offset());
    plus(day, -if behind > 0 { behind } else { behind + 7 })
}

/// The month that holds the day.
#[must_use]
pub fn month(day: Date) -> Span {
    Span { first: day.first_of_month(), last: day.last_of_month() }
}

/// The month by number, 1 to 12.
#[must_use]
pub fn month_of(year: i16, number: i8) -> Option<Span> {
    Date::new(year, number, 1).ok().map(month)
}

/// The calendar year that holds the day.
#[must_use]
pub fn year(day: Date) -> Span {
    Span { first: day.first_of_year(), last: day.last_of_year() }
}

/// The fiscal year that holds the day, for a company whose year starts in month `starts` (1 to 12).
#[must_use]
pub fn fiscal_year(day: Date, starts: i8) -> Span {
    let starts = if (1..=12).contains(&starts) { starts } else { 1 };
    let back = i64::from((day.month() - starts).rem_euclid(12));
    let first = plus_months(day.first_of_month(), -back);
    Span { first, last: plus(plus_months(first, 12), -1) }
}

/// The fiscal quarter that holds the day.
#[must_use]
pub fn quarter(day: Date, starts: i8) -> Span {
    let year = fiscal_year(day, starts);
    let into = i64::from((day.month() - year.first.month()).rem_euclid(12)) / 3;
    part_of_year(year, 4, into)
}

/// Part `index` (from 0) of a year cut into `parts` equal parts.
#[must_use]
pub fn part_of_year(year: Span, parts: i64, index: i64) -> Span {
    let months = 12 / parts;
    let first = plus_months(year.first, index * months);
    Span { first, last: plus(plus_months(first, months), -1) }
}

/// Weekday number `nth` (from 1) of a span; -1 counts from its end.
#[must_use]
pub fn nth_weekday(span: Span, nth: i64, weekday: Weekday) -> Option<Date> {
    let day = if nth > 0 {
        plus(next_weekday(plus(span.first, -1), weekday), (nth - 1) * 7)
    } else {
        previous_weekday(plus(span.last, 1), weekday)
    };
    span.has(day).then_some(day)
}

/// Easter Sunday in the Gregorian calendar, by the anonymous algorithm (Nature 13, 1876, p. 487; Meeus, Astronomical
/// Algorithms, chapter 8).
#[must_use]
pub fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Date::new(year, i8::try_from(n / 31).ok()?, i8::try_from(n % 31 + 1).ok()?).ok()
}

/// Which days are worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkDays {
    /// Whether the federal holidays of the United States are days off.
    pub us_federal_holidays: bool,
}

impl WorkDays {
    /// Monday to Friday, and no holiday if those count.
    #[must_use]
    pub fn is_working(self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        !(weekend || self.us_federal_holidays && is_us_federal_holiday(day))
    }

    /// So many working days after `day` (before it, if negative); `day` itself does not count.
    #[must_use]
    pub fn plus(self, day: Date, working: i64) -> Date {
        let step = working.signum();
        let mut day = day;
        // Nobody says more than a few hundred; the limit bounds the loop.
        for _ in 0..working.abs().min(2_000) {
            loop {
                day = plus(day, step);
                if self.is_working(day) || step == 0 || day == Date::MAX || day == Date::MIN {
                    break;
                }
            }
        }
        day
    }
}

/// Whether the day is a federal holiday of the United States, or the working day on which one that falls on a weekend
/// is observed (5 U.S.C. 6103).
#[must_use]
pub fn is_us_federal_holiday(day: Date) -> bool {
    let nth =
        |month, nth, weekday| month_of(day.year(), month).and_then(|span| nth_weekday(span, nth, weekday)) == Some(day);
    let fixed = |d: Date| {
        matches!((d.month(), d.day()), (1, 1) | (7, 4) | (11, 11) | (12, 25))
            || (d.month(), d.day()) == (6, 19) && d.year() >= 2021
    };
    let monday = Weekday::Monday;
    fixed(day)
        || day.weekday() == Weekday::Friday && fixed(plus(day, 1))
        || day.weekday() == monday && fixed(plus(day, -1))
        || nth(1, 3, monday)
        || nth(2, 3, monday)
        || nth(5, -1, monday)
        || nth(9, 1, monday)
        || nth(10, 2, monday)
        || nth(11, 4, Weekday::Thursday)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn easter_falls_where_the_tables_say() {
        for (year, want) in [(1961, "1961-04-02"), (2000, "2000-04-23"), (2024, "2024-03-31"), (2026, "2026-04-05")] {
            assert_eq!(easter(year), Some(day(want)));
        }
        assert_eq!(easter(2038), Some(day("2038-04-25")));
    }

    #[test]
    fn quarters_follow_the_fiscal_year() {
        for (today, starts, first, last) in [
            ("2026-03-11", 1, "2026-01-01", "2026-03-31"),
            ("2026-12-31", 1, "2026-10-01", "2026-12-31"),
            ("2026-03-11", 7, "2026-01-01", "2026-03-31"),
            ("2026-01-31", 2, "2025-11-01", "2026-01-31"),
            ("2024-02-29", 12, "2023-12-01", "2024-02-29"),
            ("2026-03-11", 0, "2026-01-01", "2026-03-31"),
        ] {
            assert_eq!(quarter(day(today), starts), Span { first: day(first), last: day(last) }, "{today} {starts}");
        }
        assert_eq!(fiscal_year(day("2026-06-30"), 7).first, day("2025-07-01"));
        assert_eq!(fiscal_year(day("2026-07-01"), 7).last, day("2027-06-30"));
    }

    #[test]
    fn weekends_and_holidays_are_not_worked() {
        let plain = WorkDays::default();
        let federal = WorkDays { us_federal_holidays: true };
        for (from, n, want, with_holidays) in [
            ("2026-03-11", 5, "2026-03-18", "2026-03-18"),
            ("2026-03-13", 1, "2026-03-16", "2026-03-16"),
            ("2026-11-25", 1, "2026-11-26", "2026-11-27"),
            ("2026-12-31", 1, "2027-01-01", "2027-01-04"),
            ("2026-07-02", 1, "2026-07-03", "2026-07-06"),
            ("2026-03-16", -1, "2026-03-13", "2026-03-13"),
            ("2026-03-14", 0, "2026-03-14", "2026-03-14"),
        ] {
            assert_eq!(plain.plus(day(from), n), day(want), "{from} {n}");
            assert_eq!(federal.plus(day(from), n), day(with_holidays), "{from} {n}");
        }
        assert_eq!(plain.plus(Date::MAX, 3), Date::MAX);
    }

    #[test]
    fn iso_weeks_cross_the_year() {
        assert_eq!(iso_week(day("2027-01-01")), (2026, 53));
        assert_eq!(iso_week(day("2024-12-30")), (2025, 1));
        assert_eq!(week(day("2027-01-01")), Span { first: day("2026-12-28"), last: day("2027-01-03") });
    }

    #[test]
    fn the_last_working_day_of_a_span_is_due() {
        let span = |a, b| Span { first: day(a), last: day(b) };
        assert_eq!(span("2026-05-01", "2026-05-31").due(WorkDays::default()), day("2026-05-29"));
        assert_eq!(span("2026-03-14", "2026-03-15").due(WorkDays::default()), day("2026-03-15"));
        assert_eq!(
            span("2026-05-01", "2026-05-25").due(WorkDays { us_federal_holidays: true }),
            day("2026-05-22"),
            "Memorial Day"
        );
    }
}
