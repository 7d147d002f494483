//! Clock tables for the weekends on which clocks change, and the laws that sums of business time must obey.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> i64 {
    text.parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond()
}

fn always(zone: &str) -> Calendar {
    let hours = WEEKDAYS.iter().map(|d| ((*d).to_owned(), ("00:00".to_owned(), "24:00".to_owned()))).collect();
    let settings = CalendarSettings { zone: zone.into(), hours, us_federal: false, days_off: BTreeSet::new() };
    Calendar::new(&settings).unwrap()
}

/// Days later keep the time of day by the clock on the wall, over weekends and a change of clocks.
#[test]
fn days_later_are_business_days_at_the_same_hour() {
    let berlin = office("Europe/Berlin");
    for (from, days, to) in [
        ("2026-11-20T10:00[Europe/Berlin]", 2, "2026-11-24T10:00[Europe/Berlin]"),
        ("2026-10-23T16:30[Europe/Berlin]", 1, "2026-10-26T16:30[Europe/Berlin]"),
        ("2026-11-20T10:00[Europe/Berlin]", 0, "2026-11-20T10:00[Europe/Berlin]"),
    ] {
        assert_eq!(berlin.business_days_later(at(from), days), at(to), "{from} {days}");
    }
    let saturday: Date = "2026-11-21".parse().unwrap();
    assert_eq!(berlin.begins(&saturday), Some(at("2026-11-23T09:00[Europe/Berlin]")));
    let all = Calendar::around_the_clock(TimeZone::UTC);
    assert_eq!(all.begins(&saturday), Some(at("2026-11-21T00:00[UTC]")));
    assert_eq!(all.business_days_later(at("2026-11-20T10:00[UTC]"), 3), at("2026-11-23T10:00[UTC]"));
    let never =
        CalendarSettings { zone: "UTC".into(), hours: BTreeMap::new(), us_federal: false, days_off: BTreeSet::new() };
    assert_eq!(Calendar::new(&never).unwrap().business_days_later(0, 1), i64::MAX);
}

fn office(zone: &str) -> Calendar {
    Calendar::weekdays(TimeZone::get(zone).unwrap())
}

#[test]
fn days_on_which_clocks_change_have_their_true_length() {
    for (zone, day, next, minutes) in [
        ("America/New_York", "2026-03-08", "2026-03-09", 23 * 60),
        ("America/New_York", "2026-11-01", "2026-11-02", 25 * 60),
        ("Europe/Berlin", "2026-03-29", "2026-03-30", 23 * 60),
        ("Europe/Berlin", "2026-10-25", "2026-10-26", 25 * 60),
        ("Australia/Sydney", "2026-10-04", "2026-10-05", 23 * 60),
        ("Australia/Sydney", "2026-04-05", "2026-04-06", 25 * 60),
    ] {
        let (from, to) = (at(&format!("{day}T00:00[{zone}]")), at(&format!("{next}T00:00[{zone}]")));
        assert_eq!(always(zone).minutes_between(from, to), minutes, "{zone} {day}");
        assert_eq!(always(zone).add_minutes(from, minutes), Some(to), "{zone} {day}");
    }
}

#[test]
fn thirty_minutes_over_a_weekend_with_a_change_of_clocks() {
    // 16:45 on Friday, 15 minutes are left; the other 15 are on Monday, at 9:15 by the clock on the wall.
    for (zone, friday, monday) in [
        ("America/New_York", "2026-03-06", "2026-03-09"),
        ("America/New_York", "2026-10-30", "2026-11-02"),
        ("Europe/Berlin", "2026-03-27", "2026-03-30"),
        ("Europe/Berlin", "2026-10-23", "2026-10-26"),
        ("Australia/Sydney", "2026-04-03", "2026-04-06"),
        ("Australia/Sydney", "2026-10-02", "2026-10-05"),
    ] {
        let from = at(&format!("{friday}T16:45[{zone}]"));
        let to = at(&format!("{monday}T09:15[{zone}]"));
        assert_eq!(office(zone).add_minutes(from, 30), Some(to), "{zone} {friday}");
        assert_eq!(office(zone).minutes_between(from, to), 30, "{zone} {friday}");
        assert_eq!(office(zone).next_working(at(&format!("{friday}T17:00[{zone}]"))).unwrap(), to - 15 * MINUTE_MS);
    }
}

#[test]
fn a_working_time_that_the_clock_leaves_out_is_empty_and_one_that_comes_twice_counts_once_through() {
    let hours = |from: &str, to: &str| CalendarSettings {
        zone: "America/New_York".into(),
        hours: [("sun".to_owned(), (from.to_owned(), to.to_owned()))].into(),
        us_federal: false,
        days_off: BTreeSet::new(),
    };
    let minutes = |settings, day: &str, next: &str| {
        let zone = "America/New_York";
        let (from, to) = (at(&format!("{day}T00:00[{zone}]")), at(&format!("{next}T00:00[{zone}]")));
        Calendar::new(&settings).unwrap().minutes_between(from, to)
    };
    assert_eq!(minutes(hours("02:00", "03:00"), "2026-03-08", "2026-03-09"), 0);
    assert_eq!(minutes(hours("01:00", "04:00"), "2026-03-08", "2026-03-09"), 120);
    assert_eq!(minutes(hours("00:00", "03:00"), "2026-11-01", "2026-11-02"), 240);
}

#[test]
fn ten_business_days_pass_over_weekends_and_holidays() {
    let zone = "America/New_York";
    let statutory = Calendar::statutory_us(TimeZone::get(zone).unwrap());
    for (received, last) in [
        ("2026-03-02", "2026-03-16"),
        // Thanksgiving is no business day; Friday after it is.
        ("2026-11-20", "2026-12-07"),
        // Christmas and New Year.
        ("2026-12-18", "2027-01-05"),
        // Received on a Saturday.
        ("2026-03-07", "2026-03-20"),
    ] {
        let from = at(&format!("{received}T22:10[{zone}]"));
        let last: civil::Date = last.parse().unwrap();
        let deadline = start_of(statutory.zone(), last.tomorrow().unwrap());
        assert_eq!(statutory.business_days_deadline(from, 10), Some(deadline), "{received}");
    }
}

#[test]
fn a_calendar_says_what_is_wrong_and_one_without_hours_has_no_end() {
    let good = CalendarSettings {
        zone: "Europe/Berlin".into(),
        hours: [("mon".to_owned(), ("09:00".to_owned(), "17:00".to_owned()))].into(),
        us_federal: false,
        days_off: ["2026-05-04".parse().unwrap()].into(),
    };
    let calendar = Calendar::new(&good).unwrap();
    // The fourth of May is a Monday, and off.
    let friday = at("2026-05-01T12:00[Europe/Berlin]");
    assert_eq!(calendar.next_working(friday), Some(at("2026-05-11T09:00[Europe/Berlin]")));
    let with = |day: &str, from: &str, to: &str| CalendarSettings {
        hours: [(day.to_owned(), (from.to_owned(), to.to_owned()))].into(),
        ..good.clone()
    };
    for (field, bad) in [
        ("zone", CalendarSettings { zone: "Berlin".into(), ..good.clone() }),
        ("monday", with("monday", "09:00", "17:00")),
        ("mon", with("mon", "9:00", "17:00")),
        ("mon", with("mon", "17:00", "09:00")),
        ("mon", with("mon", "09:00", "24:01")),
    ] {
        assert_eq!(Calendar::new(&bad).unwrap_err().field, field, "{bad:?}");
    }
    let never = Calendar::new(&CalendarSettings { hours: BTreeMap::new(), ..good }).unwrap();
    assert_eq!((never.next_working(0), never.add_minutes(0, 1), never.between_ms(0, i64::MAX)), (None, None, 0));
}

#[test]
fn months_end_where_the_month_does() {
    let utc = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
    assert_eq!(months_after(utc("2024-02-29T10:00:00Z"), 24), utc("2026-02-28T10:00:00Z"));
    assert_eq!(months_after(utc("2026-08-31T10:00:00Z"), 6), utc("2027-02-28T10:00:00Z"));
    assert_eq!(months_after(i64::MAX, 6), i64::MAX);
}

fn calendars() -> impl Strategy<Value = Calendar> {
    let zones = ["America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Kolkata", "America/Havana"];
    let hours = proptest::collection::vec(proptest::option::of((0_u16..1_440, 1_u16..=1_440)), 7);
    (0..zones.len(), hours, any::<bool>()).prop_map(move |(zone, hours, us_federal)| Calendar {
        zone: TimeZone::get(zones[zone]).unwrap(),
        hours: std::array::from_fn(|d| hours[d].filter(|(from, to)| from < to)),
        us_federal,
        days_off: BTreeSet::new(),
    })
}

/// Instants around the changes of clocks of 2026, to the second.
fn instants() -> impl Strategy<Value = i64> {
    (1_767_225_600_i64..1_798_761_600).prop_map(|s| s * 1_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn business_time_adds_up_and_never_runs_backwards(calendar in calendars(), mut t in [instants(), instants(), instants()]) {
        t.sort_unstable();
        let [a, b, c] = t;
        let (ab, bc, ac) = (calendar.between_ms(a, b), calendar.between_ms(b, c), calendar.between_ms(a, c));
        prop_assert_eq!(ab + bc, ac);
        prop_assert!(0 <= ab && ab <= b - a);
        prop_assert_eq!(calendar.between_ms(b, a), 0);
    }

    #[test]
    fn what_is_added_is_what_then_lies_between(calendar in calendars(), from in instants(), more in 0_i64..5_000, rest in 0_i64..5_000) {
        if let Some(first) = calendar.add_minutes(from, more) {
            prop_assert_eq!(calendar.minutes_between(from, first), more);
            prop_assert_eq!(calendar.add_minutes(first, rest), calendar.add_minutes(from, more + rest));
            prop_assert!(more == 0 || calendar.between_ms(from, first - 1) < more * MINUTE_MS, "the first such moment");
        }
        if let Some(next) = calendar.next_working(from) {
            prop_assert!(next >= from && calendar.is_working(next));
            prop_assert_eq!(calendar.between_ms(from, next), 0);
        }
    }
}
