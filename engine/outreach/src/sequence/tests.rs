//! Sequences by a virtual clock: each touch on its day, and every way to end.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use reframe_policy::clock::DAY_MS;

use super::*;

const T0: i64 = 1_780_000_000_000;
/// Nothing is heard around it.
const ALONE: Around = Around { soft_nos: 0, last_unix_ms: None };

fn all_hours() -> Calendar {
    Calendar::around_the_clock(TimeZone::UTC)
}

fn sent(sequence: &mut Sequence, nth: u8, day: i64) {
    sequence.happened(&Happened::Proposed { nth });
    sequence.happened(&Happened::Sent { nth, at_unix_ms: T0 + day * DAY_MS });
}

fn reply(class: Class) -> Happened {
    Happened::Reply { class, brief: false, slow_down: false, back_on: None, at_unix_ms: T0 }
}

#[test]
fn each_touch_waits_for_its_day_and_its_person() {
    let mut s = Sequence::new(Plan::usual());
    assert_eq!(s.next(T0, &all_hours(), &ALONE), Next::Propose { nth: 1, channel: Channel::Email });
    // Not sent unless it was proposed and nothing is skipped.
    s.happened(&Happened::Sent { nth: 2, at_unix_ms: T0 });
    assert_eq!(s.sent, 0);
    s.happened(&Happened::Proposed { nth: 1 });
    assert_eq!(s.next(T0, &all_hours(), &ALONE), Next::Decide { nth: 1 });
    assert_eq!(s.may_send(1, T0, &all_hours(), &ALONE), Ok(()));
    assert_eq!(s.may_send(2, T0, &all_hours(), &ALONE), Err(Held::NotItsTurn));
    s.happened(&Happened::Declined { nth: 1 });
    assert_eq!(s.next(T0, &all_hours(), &ALONE), Next::Propose { nth: 1, channel: Channel::Email });
    sent(&mut s, 1, 0);
    assert_eq!(s.next(T0 + DAY_MS, &all_hours(), &ALONE), Next::Wait { until_unix_ms: T0 + 2 * DAY_MS });
    assert_eq!(s.next(T0 + 2 * DAY_MS, &all_hours(), &ALONE), Next::Propose { nth: 2, channel: Channel::Linkedin });
}

#[test]
fn it_ends_for_every_reason() {
    for (what, why) in [
        (reply(Class::PositiveInfo), Stopped::Replied),
        (reply(Class::Uncertain), Stopped::Replied),
        (reply(Class::Unsubscribe), Stopped::Unsubscribed),
        (reply(Class::Complaint), Stopped::Complained),
        (Happened::MeetingBooked, Stopped::MeetingBooked),
        (Happened::Killed { reason: "outage".into() }, Stopped::Killed { reason: "outage".into() }),
        (Happened::Ended, Stopped::ByHand),
        (Happened::Bounced, Stopped::Bounced),
    ] {
        let mut s = Sequence::new(Plan::usual());
        sent(&mut s, 1, 0);
        s.happened(&Happened::Proposed { nth: 2 });
        s.happened(&what);
        assert_eq!(s.next(T0 + 90 * DAY_MS, &all_hours(), &ALONE), Next::Over { why: why.clone() });
        // What was approved before must not go out after.
        let held = s.may_send(2, T0 + 90 * DAY_MS, &all_hours(), &ALONE);
        assert_eq!(held, Err(Held::Over { why: why.clone() }));
        assert!(held.unwrap_err().to_string().ends_with(why.in_words()));
        s.happened(&Happened::Proposed { nth: 2 });
        s.happened(&Happened::Sent { nth: 2, at_unix_ms: T0 });
        assert_eq!((s.sent, s.stopped.clone()), (1, Some(why)));
        s.happened(&reply(Class::Unsubscribe));
        assert_eq!(s.stopped, Some(Stopped::Unsubscribed));
    }
}

#[test]
fn soft_noes_slow_it_down_and_then_end_it() {
    let mut s = Sequence::new(Plan::usual());
    sent(&mut s, 1, 0);
    sent(&mut s, 2, 2);
    sent(&mut s, 3, 6);
    // Three without an answer: the gap of four days becomes eight.
    assert_eq!(s.next(T0 + 10 * DAY_MS, &all_hours(), &ALONE), Next::Wait { until_unix_ms: T0 + 14 * DAY_MS });
    let slow =
        Happened::Reply { class: Class::NegativeNow, brief: false, slow_down: true, back_on: None, at_unix_ms: T0 };
    s.happened(&slow);
    assert_eq!(s.stopped, Some(Stopped::SoftNo));
    let mut s = Sequence::new(Plan::usual());
    sent(&mut s, 1, 0);
    s.happened(&Happened::Reply {
        class: Class::PositiveInfo,
        brief: true,
        slow_down: false,
        back_on: None,
        at_unix_ms: T0,
    });
    assert_eq!(s.next(T0, &all_hours(), &ALONE), Next::Wait { until_unix_ms: T0 + 4 * DAY_MS });
}

/// A soft no is heard in every sequence of the person and of their account, for a while, and ends none of them.
#[test]
fn a_soft_no_elsewhere_doubles_the_gaps_here() {
    let slow_at = |at_unix_ms| Happened::Reply {
        class: Class::NegativeNow,
        brief: false,
        slow_down: true,
        back_on: None,
        at_unix_ms,
    };
    let mut colleague = Sequence::new(Plan::usual());
    sent(&mut colleague, 1, 0);
    colleague.happened(&slow_at(T0 + 3 * DAY_MS));
    let heard = |now: i64| Around::heard([&colleague, &Sequence::new(Plan::usual())], now);
    assert_eq!(heard(T0 + 4 * DAY_MS), Around { soft_nos: 1, last_unix_ms: Some(T0 + 3 * DAY_MS) });
    assert_eq!(heard(T0 + 93 * DAY_MS), ALONE, "after 90 days it is heard no more");
    let around = heard(T0 + 4 * DAY_MS);
    // Nothing was sent yet: four days (twice the gap of two) after it was said.
    let fresh = Sequence::new(Plan::usual());
    let wait = |day: i64| Next::Wait { until_unix_ms: T0 + day * DAY_MS };
    assert_eq!(fresh.next(T0 + 4 * DAY_MS, &all_hours(), &around), wait(7));
    assert_eq!(fresh.next(T0 + 4 * DAY_MS, &all_hours(), &ALONE), Next::Propose { nth: 1, channel: Channel::Email });
    // In the middle: twice the gap, at the moment of sending too.
    let mut own = Sequence::new(Plan::usual());
    sent(&mut own, 1, 2);
    own.happened(&Happened::Proposed { nth: 2 });
    assert_eq!(own.may_send(2, T0 + 4 * DAY_MS, &all_hours(), &ALONE), Ok(()));
    let early = Held::Early { until_unix_ms: T0 + 6 * DAY_MS };
    assert_eq!(own.may_send(2, T0 + 4 * DAY_MS, &all_hours(), &around), Err(early));
    assert!(own.stopped.is_none(), "it slows down and does not end");
    // Its own and the other's together; the same answer given twice is one.
    own.happened(&slow_at(T0 + 4 * DAY_MS));
    own.happened(&slow_at(T0 + 4 * DAY_MS));
    assert_eq!(own.next(T0 + 5 * DAY_MS, &all_hours(), &around), wait(10));
    // Who answered after all said no no more.
    colleague.happened(&reply(Class::PositiveInfo));
    assert_eq!(Around::heard([&colleague], T0 + 4 * DAY_MS), ALONE);
}

#[test]
fn what_was_kept_before_the_time_of_a_soft_no_was_is_read() {
    let mut old = Sequence::new(Plan::usual());
    sent(&mut old, 1, 0);
    old.soft_nos = 1;
    let text = serde_json::to_string(&old).unwrap();
    assert!(!text.contains("soft_no_unix_ms"), "{text}");
    let read: Sequence = serde_json::from_str(&text).unwrap();
    assert_eq!(Around::heard([&read], T0), Around { soft_nos: 1, last_unix_ms: Some(T0) });
}

#[test]
fn nobody_is_written_to_while_away() {
    let mut s = Sequence::new(Plan::usual());
    sent(&mut s, 1, 0);
    let back: jiff::Timestamp = "2026-06-22T00:00Z".parse().unwrap();
    let away = |back_on| Happened::Reply { class: Class::Ooo, brief: false, slow_down: false, back_on, at_unix_ms: T0 };
    s.happened(&Happened::Proposed { nth: 2 });
    s.happened(&away(Date::new(2026, 6, 22)));
    let monday = back.as_millisecond();
    assert_eq!(s.next(T0 + 3 * DAY_MS, &all_hours(), &ALONE), Next::Wait { until_unix_ms: monday + DAY_MS });
    s.happened(&Happened::Proposed { nth: 2 });
    let early = Held::Early { until_unix_ms: monday + DAY_MS };
    assert_eq!(s.may_send(2, monday, &all_hours(), &ALONE), Err(early));
    assert_eq!(s.may_send(2, monday + DAY_MS, &all_hours(), &ALONE), Ok(()));
    let mut s = Sequence::new(Plan::usual());
    sent(&mut s, 1, 0);
    s.happened(&away(None));
    assert_eq!(s.next(T0, &all_hours(), &ALONE), Next::Wait { until_unix_ms: T0 + 10 * DAY_MS });
}

#[test]
fn plans_have_four_to_seven_touches() {
    let touch = Touch { channel: Channel::Email, after_days: 3 };
    for (n, good) in [(3, false), (4, true), (7, true), (8, false)] {
        assert_eq!(Plan::try_from(vec![touch; n]).is_ok(), good, "{n}");
    }
    let mut touches = vec![touch; 4];
    touches[2].after_days = 0;
    assert!(Plan::try_from(touches).unwrap_err().to_string().contains("touch 3"));
    assert!(serde_json::from_str::<Plan>("[]").is_err());
    for good in [Plan::default(), Plan::usual()] {
        assert_eq!(Plan::try_from(good.touches().to_vec()), Ok(good));
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pass { hours: u16 },
    Propose,
    Decline,
    Send,
    SlowDown,
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u16..200).prop_map(|hours| Step::Pass { hours }),
        6 => Just(Step::Propose),
        1 => Just(Step::Decline),
        6 => Just(Step::Send),
        1 => Just(Step::SlowDown),
        1 => Just(Step::Answer),
    ]
}

/// Mondays to Fridays after one day, up to another.
fn weekdays(zone: &TimeZone, from: i64, to: i64) -> u32 {
    let day = |at: i64| zone.to_datetime(Timestamp::from_millisecond(at).unwrap()).date();
    let days = std::iter::successors(day(from).tomorrow().ok(), |d| d.tomorrow().ok()).take_while(|d| *d <= day(to));
    days.filter(|d| d.weekday().to_monday_zero_offset() < 5).count() as u32
}

proptest! {
    /// Whatever happens, over weekends and changes of clocks: nothing is proposed outside working hours, goes before its day,
    /// or goes after the end. The model counts days by the calendar on the wall.
    #[test]
    fn no_touch_goes_before_its_day_or_after_the_end(steps in proptest::collection::vec(step(), 1..120), noes in 0_u8..3) {
        let zone = TimeZone::get("America/New_York").unwrap();
        let time = Calendar::weekdays(zone.clone());
        let around = Around { soft_nos: noes, last_unix_ms: (noes > 0).then_some(T0) };
        let gaps = [4, 4, 4, 6];
        let mut s = Sequence::new(Plan::default());
        // What the model knows: now, the last touch, how many, soft noes with the last of them, and whether it is over.
        let (mut now, mut last, mut sent, mut slow, mut said, mut over) = (T0, around.last_unix_ms, 0_usize, 0_u8, None, false);
        for step in steps {
            match step {
                Step::Pass { hours } => now += i64::from(hours) * 3_600_000,
                Step::Propose => {
                    if let Next::Propose { nth, .. } = s.next(now, &time, &around) {
                        prop_assert!(time.is_working(now) && !over);
                        s.happened(&Happened::Proposed { nth });
                    }
                }
                Step::Decline => {
                    if let Some(nth) = s.waiting {
                        s.happened(&Happened::Declined { nth });
                    }
                }
                Step::Send => {
                    let may = (1..=4).find(|nth| s.may_send(*nth, now, &time, &around).is_ok());
                    let Some(nth) = may else { continue };
                    prop_assert!(!over && usize::from(nth) == sent + 1, "touch {nth} after {sent}");
                    if let Some(last) = last {
                        let least = gaps[sent] << (slow + noes).min(4);
                        prop_assert!(weekdays(&zone, last, now) >= least, "touch {nth} is early: {least} days");
                    }
                    s.happened(&Happened::Sent { nth, at_unix_ms: now });
                    (last, sent) = (Some(now), sent + 1);
                    if sent == 3 {
                        (slow, said) = (slow + 1, Some(now));
                    }
                    over |= sent == 4 || slow >= 2;
                }
                Step::SlowDown => {
                    s.happened(&Happened::Reply {
                        class: Class::NegativeNow,
                        brief: false,
                        slow_down: true,
                        back_on: None,
                        at_unix_ms: now,
                    });
                    if said != Some(now) && !over {
                        (slow, said) = (slow + 1, Some(now));
                        over = slow >= 2;
                    }
                }
                Step::Answer => {
                    s.happened(&reply(Class::PositiveInfo));
                    over = true;
                }
            }
            prop_assert_eq!(s.stopped.is_some(), over);
        }
    }
}
