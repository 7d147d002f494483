//! Days with names: "christmas", "labor day", "good friday".

use jiff::civil::{Date, Weekday};

use super::calendar::{easter, month_of, nth_weekday, plus};

/// When a named day falls in a year.
#[derive(Clone, Copy)]
enum Rule {
    /// Month and day.
    Fixed(i8, i8),
    /// Month, which one (-1: the last), weekday, days after it.
    Nth(i8, i64, Weekday, i64),
    /// Days after Easter Sunday.
    Easter(i64),
}

/// Names, longer ones first where one begins with another.
const NAMES: &[(&str, Rule)] = &[
    ("christmas eve", Rule::Fixed(12, 24)),
    ("christmas day", Rule::Fixed(12, 25)),
    ("christmas", Rule::Fixed(12, 25)),
    ("boxing day", Rule::Fixed(12, 26)),
    ("new year's eve", Rule::Fixed(12, 31)),
    ("new years eve", Rule::Fixed(12, 31)),
    ("new year's day", Rule::Fixed(1, 1)),
    ("new years day", Rule::Fixed(1, 1)),
    ("new year's", Rule::Fixed(1, 1)),
    ("new years", Rule::Fixed(1, 1)),
    ("valentine's day", Rule::Fixed(2, 14)),
    ("valentine's", Rule::Fixed(2, 14)),
    ("saint patrick's day", Rule::Fixed(3, 17)),
    ("halloween", Rule::Fixed(10, 31)),
    ("juneteenth", Rule::Fixed(6, 19)),
    ("independence day", Rule::Fixed(7, 4)),
    ("veterans day", Rule::Fixed(11, 11)),
    ("martin luther king day", Rule::Nth(1, 3, Weekday::Monday, 0)),
    ("m l k day", Rule::Nth(1, 3, Weekday::Monday, 0)),
    ("mlk day", Rule::Nth(1, 3, Weekday::Monday, 0)),
    ("president's day", Rule::Nth(2, 3, Weekday::Monday, 0)),
    ("presidents day", Rule::Nth(2, 3, Weekday::Monday, 0)),
    ("memorial day", Rule::Nth(5, -1, Weekday::Monday, 0)),
    ("labor day", Rule::Nth(9, 1, Weekday::Monday, 0)),
    ("labour day", Rule::Nth(9, 1, Weekday::Monday, 0)),
    ("columbus day", Rule::Nth(10, 2, Weekday::Monday, 0)),
    ("thanksgiving day", Rule::Nth(11, 4, Weekday::Thursday, 0)),
    ("thanksgiving", Rule::Nth(11, 4, Weekday::Thursday, 0)),
    ("black friday", Rule::Nth(11, 4, Weekday::Thursday, 1)),
    ("cyber monday", Rule::Nth(11, 4, Weekday::Thursday, 4)),
    ("good friday", Rule::Easter(-2)),
    ("easter monday", Rule::Easter(1)),
    ("easter sunday", Rule::Easter(0)),
    ("easter", Rule::Easter(0)),
];

impl Rule {
    fn in_year(self, year: i16) -> Option<Date> {
        match self {
            Self::Fixed(month, day) => Date::new(year, month, day).ok(),
            Self::Nth(month, nth, weekday, after) => {
                month_of(year, month).and_then(|m| nth_weekday(m, nth, weekday)).map(|d| plus(d, after))
            }
            Self::Easter(after) => easter(year).map(|d| plus(d, after)),
        }
    }
}

impl super::reader::Reader {
    /// A named day at `i`: the one before today (`past`), or the next from today on.
    pub fn holiday(&self, i: usize, past: bool) -> Option<(Date, usize)> {
        let (rule, to) = NAMES.iter().find_map(|(name, rule)| self.phrase(i, name).map(|to| (*rule, to)))?;
        let year = self.today.year();
        let days = [year - 1, year, year + 1].map(|y| rule.in_year(y));
        let mut days = days.into_iter().flatten();
        let day = if past { days.rfind(|d| *d < self.today) } else { days.find(|d| *d >= self.today) };
        day.map(|d| (d, to))
    }
}
