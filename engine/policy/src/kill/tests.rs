//! Each reason by itself, from its first moment to its last.

use super::*;
use crate::rules::Channel;

const NOW: i64 = 1_795_305_600_000; // 2026-11-22T00:00Z

fn account() -> Account {
    Account { id: "7".into(), industries: ["Banking".to_owned()].into(), zone: Some("America/New_York".into()) }
}

fn touch(at_unix_ms: i64) -> Touch {
    let message = reframe_workflow::artifact::Digest::of(b"x");
    Touch { channel: Channel::Linkedin, purpose: Purpose::Outreach, message, at_unix_ms }
}

fn kinds(contact: &Contact, now: i64, facts: &Facts) -> Vec<KillKind> {
    evaluate(&account(), contact, now, facts).into_iter().map(|k| k.kind).collect()
}

fn none() -> Facts {
    Facts::none(Purpose::Outreach)
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond()
}

fn period(from: &str, to: &str) -> QuietPeriod {
    QuietPeriod {
        name: "reporting".into(),
        industries: ["banking".to_owned()].into(),
        accounts: BTreeSet::new(),
        from: from.into(),
        to: to.into(),
        source: "test".into(),
    }
}

#[test]
fn nothing_known_is_nothing_against_it() {
    assert_eq!(evaluate(&account(), &Contact::default(), NOW, &none()), []);
}

#[test]
fn each_reason_ends_when_it_says() {
    let d = DAY_MS;
    let open = Stretch { from_unix_ms: NOW, to_unix_ms: Some(NOW + 5) };
    let contact = Contact::default;
    let slow = SoftNo { at_unix_ms: NOW, what: "asked to slow down".into() };
    let touched = |times: &[i64]| Contact { touches: times.iter().map(|t| touch(*t)).collect(), ..contact() };
    for (kind, contact, facts, end) in [
        (KillKind::OwnOutage, contact(), Facts { outages: vec![open], ..none() }, NOW + 5),
        (KillKind::LegalDispute, contact(), Facts { disputes: vec![open], ..none() }, NOW + 5),
        (
            KillKind::RecentUnsubscribe,
            contact(),
            Facts { account_unsubscribes_unix_ms: vec![NOW], ..none() },
            NOW + 90 * d,
        ),
        (KillKind::TouchedLately, contact(), Facts { account_touches_unix_ms: vec![NOW], ..none() }, NOW + d),
        (KillKind::TouchedLately, touched(&[NOW]), none(), NOW + 3 * d),
        (KillKind::SoftNo, Contact { soft_nos: vec![slow], ..contact() }, none(), NOW + 90 * d),
    ] {
        assert_eq!(kinds(&contact, NOW, &facts), [kind]);
        assert_eq!(kinds(&contact, end - 1, &facts), [kind]);
        assert_eq!(kinds(&contact, end, &facts), [], "{kind:?}");
        let told = evaluate(&account(), &contact, NOW, &facts).remove(0);
        assert!(!told.reason.is_empty() && told.until_unix_ms.is_none_or(|until| until == end), "{told:?}");
    }
    let active = Facts { open_deals: 1, ..none() };
    assert_eq!(kinds(&contact(), NOW, &active), [KillKind::ActiveDeal]);
    let over = Contact { sequence_over: Some("its sequence is over: replied".into()), ..contact() };
    for purpose in Purpose::ALL {
        assert_eq!(kinds(&over, NOW, &Facts::none(purpose)), [KillKind::SequenceOver], "{purpose:?}");
    }
}

#[test]
fn three_messages_without_an_answer_are_enough_and_an_answer_begins_anew() {
    let d = DAY_MS;
    let touches: Vec<Touch> = [30, 20, 10].map(|days| touch(NOW - days * d)).into();
    let mut contact = Contact { touches, ..Contact::default() };
    assert_eq!(kinds(&contact, NOW, &none()), [KillKind::SoftNo]);
    assert_eq!(kinds(&contact, NOW + 80 * d, &none()), [], "90 days after the last");
    contact.replies_unix_ms = vec![NOW - 15 * d];
    assert_eq!(kinds(&contact, NOW, &none()), []);
    contact.replies_unix_ms = vec![NOW - 31 * d];
    assert_eq!(kinds(&contact, NOW, &none()), [KillKind::SoftNo], "an answer from before them");
    let two = Contact { touches: contact.touches[1..].to_vec(), ..Contact::default() };
    assert_eq!(kinds(&two, NOW, &none()), []);
}

#[test]
fn what_speaks_against_writing_unasked_does_not_hold_up_an_answer() {
    let always = Stretch { from_unix_ms: 0, to_unix_ms: None };
    let facts = |purpose| Facts {
        purpose,
        quiet: vec![period("01-01", "12-31")],
        open_deals: 1,
        disputes: vec![always],
        account_unsubscribes_unix_ms: vec![NOW],
        account_touches_unix_ms: vec![NOW],
        outages: vec![always],
        settings: KillSettings::default(),
    };
    let contact = Contact { touches: vec![touch(NOW)], ..Contact::default() };
    assert_eq!(kinds(&contact, NOW, &facts(Purpose::Outreach)).len(), 7);
    for purpose in [Purpose::Reply, Purpose::FollowUp] {
        assert_eq!(kinds(&contact, NOW, &facts(purpose)), [KillKind::LegalDispute, KillKind::OwnOutage]);
    }
}

#[test]
fn quiet_days_are_those_of_the_accounts_zone_also_when_clocks_change() {
    let zone = "[America/New_York]";
    for (from, to, first, last_end) in [
        ("2026-03-06", "2026-03-08", "2026-03-06T00:00", "2026-03-09T00:00"),
        ("2026-10-30", "2026-11-01", "2026-10-30T00:00", "2026-11-02T00:00"),
        ("12-20", "01-15", "2026-12-20T00:00", "2027-01-16T00:00"),
        ("02-20", "02-29", "2026-02-20T00:00", "2026-03-01T00:00"),
        ("02-20", "02-29", "2028-02-20T00:00", "2028-03-01T00:00"),
        ("07-01", "07-15", "2026-07-01T00:00", "2026-07-16T00:00"),
    ] {
        let (first, end) = (at(&format!("{first}{zone}")), at(&format!("{last_end}{zone}")));
        let facts = Facts { quiet: vec![period(from, to)], ..none() };
        let told = |now| evaluate(&account(), &Contact::default(), now, &facts);
        assert_eq!(told(first - 1), [], "{from} {to}");
        assert_eq!(told(first)[0].until_unix_ms, Some(end), "{from} {to}");
        assert_eq!(told(end - 1)[0].until_unix_ms, Some(end), "{from} {to}");
        assert_eq!(told(end), [], "{from} {to}");
    }
    // The other half of a period over New Year.
    let facts = Facts { quiet: vec![period("12-20", "01-15")], ..none() };
    let told = evaluate(&account(), &Contact::default(), at("2027-01-03T12:00[America/New_York]"), &facts);
    assert_eq!(told[0].until_unix_ms, Some(at("2027-01-16T00:00[America/New_York]")));
}

#[test]
fn a_file_of_periods_is_read_or_says_what_is_wrong() {
    assert!(shipped_quiet().len() >= 2);
    let file = |from: &str, whose: &str| {
        format!("[[quiet]]\nname = \"n\"\n{whose}\nfrom = \"{from}\"\nto = \"2026-12-31\"\nsource = \"s\"\n")
    };
    assert_eq!(read_quiet(&file("2026-12-21", "accounts = [\"7\"]")).unwrap().len(), 1);
    for (says, bad) in [
        ("two days", file("2027-12-21", "accounts = [\"7\"]")),
        ("two days", file("12-21", "accounts = [\"7\"]")),
        ("two days", file("21.12.", "accounts = [\"7\"]")),
        ("name industries", file("2026-12-21", "")),
        ("line 3", file("2026-12-21", "account = 7")),
    ] {
        let error = read_quiet(&bad).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
