//! Federal holidays of the United States, by rule (5 U.S.C. § 6103; days observed: Executive Order 11582).

use jiff::civil::{Date, Weekday};

/// First year of Juneteenth (Public Law 117-17).
const JUNETEENTH_SINCE: i16 = 2021;

/// Whether a day is a federal holiday, or the day one is observed: the Friday before one on a Saturday, the Monday after one
/// on a Sunday.
#[must_use]
pub fn us_federal(day: Date) -> bool {
    match day.weekday() {
        Weekday::Monday => by_weekday(day) || fixed(day) || day.yesterday().is_ok_and(fixed),
        Weekday::Friday => fixed(day) || day.tomorrow().is_ok_and(fixed),
        _ => by_weekday(day) || fixed(day),
    }
}

fn fixed(day: Date) -> bool {
    matches!((day.month(), day.day()), (1, 1) | (7, 4) | (11, 11) | (12, 25))
        || ((day.month(), day.day()) == (6, 19) && day.year() >= JUNETEENTH_SINCE)
}

fn by_weekday(day: Date) -> bool {
    let nth = (day.day() - 1) / 7 + 1;
    match (day.month(), day.weekday()) {
        // Martin Luther King, Washington; Memorial Day is the last Monday; Labor Day, Columbus Day; Thanksgiving.
        (1 | 2, Weekday::Monday) => nth == 3,
        (5, Weekday::Monday) => day.day() > 24,
        (9, Weekday::Monday) => nth == 1,
        (10, Weekday::Monday) => nth == 2,
        (11, Weekday::Thursday) => nth == 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_that_are_observed_in_2026_and_across_a_new_year() {
        let of = |year: i16| -> Vec<String> {
            let first = Date::constant(year, 1, 1);
            let days = std::iter::successors(Some(first), |d| d.tomorrow().ok()).take_while(|d| d.year() == year);
            days.filter(|d| us_federal(*d) && crate::clock::is_weekday(*d)).map(|d| d.to_string()[5..].into()).collect()
        };
        let year_2026 =
            ["01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11", "11-26", "12-25"];
        assert_eq!(of(2026), year_2026);
        // New Year 2022 was a Saturday, hence observed in 2021; Juneteenth and Independence Day fell on a weekend.
        let year_2021 = [
            "01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11", "11-25", "12-24", "12-31",
        ];
        assert_eq!(of(2021), year_2021);
        assert!(!us_federal(Date::constant(2020, 6, 19)));
    }
}
