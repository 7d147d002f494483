//! Repetition (RFC 5545 section 3.3.10): `RRULE` by day, week, month and year, as calendars of people use it.

use jiff::{
    Span,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};

/// Periods that are walked through at most: daily for more than fifty years.
const MAX_PERIODS: i64 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// The last moment of a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Instant(i64),
    Local(DateTime),
}

/// A rule that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    every: Every,
    interval: i64,
    count: Option<usize>,
    until: Option<Until>,
    /// Weekdays, with which of the month (0: all of them).
    days: Vec<(i8, Weekday)>,
    month_days: Vec<i8>,
    months: Vec<i8>,
    positions: Vec<i32>,
    week_begins: Weekday,
}

/// Two letters of a weekday.
fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

/// Numbers within `1..=most`, or their negatives.
fn numbers(text: &str, most: i32) -> Option<Vec<i32>> {
    let one = |n: &str| n.trim().parse::<i32>().ok().filter(|n| *n != 0 && n.abs() <= most);
    text.split(',').map(one).collect()
}

/// `20260302T090000` or `20260302`, without a zone.
pub fn local(text: &str) -> Option<DateTime> {
    let number = |from: usize, to: usize| {
        text.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| d.parse::<i16>().ok())
    };
    let small = |from: usize, to: usize| number(from, to).and_then(|n| i8::try_from(n).ok());
    let date = Date::new(number(0, 4)?, small(4, 6)?, small(6, 8)?).ok()?;
    if text.len() == 8 {
        return Some(date.at(0, 0, 0, 0));
    }
    let time = text.get(8..9).filter(|t| *t == "T").and(small(9, 11)).zip(small(11, 13)).zip(small(13, 15));
    let ((h, m), s) = time.filter(|_| text.len() == 15)?;
    // A leap second is the last of its minute.
    Some(DateTime::from_parts(date, jiff::civil::Time::new(h, m, s.min(59), 0).ok()?))
}

impl Rule {
    /// Reads the value of an `RRULE`.
    ///
    /// # Errors
    /// What is not understood, and what would be.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut rule = Self {
            every: Every::Day,
            interval: 1,
            count: None,
            until: None,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
            positions: Vec::new(),
            week_begins: Weekday::Monday,
        };
        let mut every = None;
        for part in text.trim().split(';').filter(|p| !p.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(format!("`{part}` in RRULE has no `=`"))?;
            let bad = || format!("`{part}` in RRULE is not understood");
            let value = value.trim().to_ascii_uppercase();
            let small = |list: Vec<i32>| list.into_iter().filter_map(|n| i8::try_from(n).ok()).collect::<Vec<_>>();
            match name.trim().to_ascii_uppercase().as_str() {
                "FREQ" => {
                    every = Some(match value.as_str() {
                        "DAILY" => Every::Day,
                        "WEEKLY" => Every::Week,
                        "MONTHLY" => Every::Month,
                        "YEARLY" => Every::Year,
                        _ => return Err(format!("{}; DAILY, WEEKLY, MONTHLY and YEARLY are", bad())),
                    });
                }
                "INTERVAL" => {
                    rule.interval = value.parse().ok().filter(|n| (1..=1_000).contains(n)).ok_or_else(bad)?;
                }
                "COUNT" => rule.count = Some(value.parse().ok().filter(|n| *n >= 1).ok_or_else(bad)?),
                "UNTIL" => {
                    let at = local(value.trim_end_matches('Z')).ok_or_else(bad)?;
                    rule.until = Some(if value.ends_with('Z') {
                        let at = at.to_zoned(TimeZone::UTC).map_err(|_| bad())?;
                        Until::Instant(at.timestamp().as_millisecond())
                    } else if value.len() == 8 {
                        Until::Local(at.date().at(23, 59, 59, 0))
                    } else {
                        Until::Local(at)
                    });
                }
                "BYDAY" => {
                    let day = |text: &str| {
                        let text = text.trim();
                        let (nth, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
                        let nth = if nth.is_empty() { 0 } else { nth.parse().ok().filter(|n: &i8| *n != 0)? };
                        Some(((-5..=5).contains(&nth).then_some(nth)?, weekday(name)?))
                    };
                    rule.days = value.split(',').map(day).collect::<Option<_>>().ok_or_else(bad)?;
                }
                "BYMONTHDAY" => rule.month_days = small(numbers(&value, 31).ok_or_else(bad)?),
                "BYMONTH" => {
                    rule.months = small(numbers(&value, 12).filter(|n| n.iter().all(|m| *m > 0)).ok_or_else(bad)?);
                }
                "BYSETPOS" => rule.positions = numbers(&value, 366).ok_or_else(bad)?,
                "WKST" => rule.week_begins = weekday(&value).ok_or_else(bad)?,
                _ => return Err(bad()),
            }
        }
        rule.every = every.ok_or("RRULE has no FREQ; write one like FREQ=WEEKLY")?;
        let nth = rule.days.iter().any(|(nth, _)| *nth != 0);
        if nth
            && (matches!(rule.every, Every::Day | Every::Week) || rule.every == Every::Year && rule.months.is_empty())
        {
            return Err("BYDAY with a number is understood by month only".to_owned());
        }
        if !rule.positions.is_empty() && rule.every != Every::Month {
            return Err("BYSETPOS is understood with FREQ=MONTHLY only".to_owned());
        }
        Ok(rule)
    }

    /// Beginnings of its repetitions, the first included, in order, up to `end_unix_ms` (not included), in the zone's own
    /// time: what is skipped by a change of the clock comes so much later.
    pub fn starts(&self, first: DateTime, zone: &TimeZone, end_unix_ms: i64) -> Vec<(DateTime, i64)> {
        let mut out: Vec<(DateTime, i64)> = Vec::new();
        let mut take = |at: DateTime| {
            let Some(ms) = at.to_zoned(zone.clone()).ok().map(|z| z.timestamp().as_millisecond()) else { return false };
            let over = match self.until {
                Some(Until::Instant(last)) => ms > last,
                Some(Until::Local(last)) => at > last,
                None => false,
            };
            if over || ms >= end_unix_ms || self.count.is_some_and(|n| out.len() >= n) {
                return false;
            }
            out.push((at, ms));
            true
        };
        // What a calendar shows first is its first, whether the rule names its day or not.
        if !take(first) {
            return out;
        }
        for period in 0..MAX_PERIODS {
            let Some(dates) = self.period(first.date(), period * self.interval) else { break };
            for date in dates.into_iter().filter(|d| *d > first.date()) {
                if !take(DateTime::from_parts(date, first.time())) {
                    return out;
                }
            }
        }
        out
    }

    /// The days of one period, in order; nothing beyond the calendar.
    fn period(&self, first: Date, steps: i64) -> Option<Vec<Date>> {
        let plus = |date: Date, span: Result<Span, jiff::Error>| date.checked_add(span.ok()?).ok();
        let month_fits = |d: &Date| self.months.is_empty() || self.months.contains(&d.month());
        match self.every {
            Every::Day => {
                let day = plus(first, Span::new().try_days(steps))?;
                let weekday = self.days.is_empty() || self.days.iter().any(|(_, w)| *w == day.weekday());
                let of_month =
                    self.month_days.is_empty() || self.month_days.iter().any(|n| month_day(day, *n) == Some(day));
                Some(if weekday && of_month && month_fits(&day) { vec![day] } else { Vec::new() })
            }
            Every::Week => {
                let back = first.weekday().since(self.week_begins);
                let monday = plus(first, Span::new().try_days(steps * 7 - i64::from(back)))?;
                let mut days = Vec::new();
                for n in 0..7 {
                    let day = plus(monday, Span::new().try_days(n))?;
                    let fits = if self.days.is_empty() {
                        day.weekday() == first.weekday()
                    } else {
                        self.days.iter().any(|(_, w)| *w == day.weekday())
                    };
                    if fits && month_fits(&day) {
                        days.push(day);
                    }
                }
                Some(days)
            }
            Every::Month => {
                let month = plus(first.first_of_month(), Span::new().try_months(steps))?;
                if !month_fits(&month) {
                    return Some(Vec::new());
                }
                let days = self.of_month(month, first);
                if self.positions.is_empty() {
                    return Some(days);
                }
                let at = |p: &i32| {
                    let n = i32::try_from(days.len()).unwrap_or(0);
                    let index = if *p > 0 { p - 1 } else { n + p };
                    usize::try_from(index).ok().and_then(|i| days.get(i).copied())
                };
                let mut chosen: Vec<Date> = self.positions.iter().filter_map(at).collect();
                chosen.sort();
                chosen.dedup();
                Some(chosen)
            }
            Every::Year => {
                let year = plus(first.first_of_year(), Span::new().try_years(steps))?;
                let own = [first.month()];
                let months = if self.months.is_empty() { &own[..] } else { &self.months };
                let mut days: Vec<Date> = months
                    .iter()
                    .filter_map(|m| Date::new(year.year(), *m, 1).ok())
                    .flat_map(|month| self.of_month(month, first))
                    .collect();
                days.sort();
                Some(days)
            }
        }
    }

    /// Its days in the month that begins on `month`.
    fn of_month(&self, month: Date, first: Date) -> Vec<Date> {
        let mut days: Vec<Date> = if self.days.is_empty() {
            let own = [first.day()];
            let wanted = if self.month_days.is_empty() { &own[..] } else { &self.month_days };
            wanted.iter().filter_map(|n| month_day(month, *n)).collect()
        } else {
            let all = (1..=month.days_in_month()).filter_map(|d| Date::new(month.year(), month.month(), d).ok());
            let fits = |day: &Date| {
                self.days.iter().any(|(nth, w)| {
                    *w == day.weekday() && (*nth == 0 || month.nth_weekday_of_month(*nth, *w).ok() == Some(*day))
                }) && (self.month_days.is_empty() || self.month_days.iter().any(|n| month_day(month, *n) == Some(*day)))
            };
            all.filter(fits).collect()
        };
        days.sort();
        days.dedup();
        days
    }
}

/// The `n`th day of a date's month, from its end if negative; none if it has no such day.
fn month_day(of: Date, n: i8) -> Option<Date> {
    let day = if n > 0 { n } else { of.days_in_month() + 1 + n };
    Date::new(of.year(), of.month(), day).ok()
}
