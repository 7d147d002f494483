//! When briefs are made: 30 minutes before each booked meeting, and again when it moves or its facts change.
//!
//! A plan follows from what is booked, what was made, and the time; nothing is remembered here. Times are instants, so a
//! change of the clock between now and a meeting shifts nothing: 30 minutes are 30 minutes that pass.

use std::collections::BTreeMap;

use reframe_workflow::handoff::Meeting;
use serde::{Deserialize, Serialize};

/// How long before a meeting its brief is there, in ms: 30 minutes (item 53 of the requirements).
pub const LEAD_MS: i64 = 30 * 60 * 1_000;
/// Shortest time between two briefs of one meeting whose facts change again and again, in ms. Set by judgement: whoever
/// reads one is not to have it changed under their eyes all the time.
pub const REMAKE_GAP_MS: i64 = 2 * 60 * 1_000;

/// A meeting and the digest of all that is known for it now ([`crate::brief::facts`]).
#[derive(Clone, Copy, Debug)]
pub struct Booked<'a> {
    /// The meeting.
    pub meeting: &'a Meeting,
    /// The digest.
    pub facts: &'a str,
}

/// A brief that was made: the last one of its meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The calendar's id of the meeting.
    pub event: String,
    /// When the meeting was to begin, in ms since 1970-01-01 UTC.
    pub start_unix_ms: i64,
    /// Digest of what it was made from.
    pub facts: String,
    /// When it was made.
    pub made_unix_ms: i64,
}

/// Why a brief is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There is none.
    New,
    /// The meeting begins at another time.
    Moved,
    /// Something is known now that was not.
    FactsChanged,
}

/// A brief that is to be made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    /// The calendar's id of the meeting.
    pub event: String,
    /// Why.
    pub why: Why,
    /// When the meeting begins.
    pub start_unix_ms: i64,
    /// By how much its time has passed, in ms: booked or moved within the last half hour, or the program was not running.
    pub late_ms: i64,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Briefs to make now, in the order of their meetings.
    pub make: Vec<Due>,
    /// Meetings whose brief is of no more use: called off, gone from the calendar, or moved into the past.
    pub drop: Vec<String>,
    /// When to look again, if nothing else happens; nothing: there is nothing ahead.
    pub wake_unix_ms: Option<i64>,
}

/// What to do at `now_unix_ms`, with briefs [`LEAD_MS`] before their meetings; see [`plan_ahead`].
#[must_use]
pub fn plan(booked: &[Booked<'_>], made: &[Made], now_unix_ms: i64) -> Plan {
    plan_ahead(booked, made, LEAD_MS, now_unix_ms)
}

/// What to do at `now_unix_ms`, with briefs so many ms before their meetings. `booked` is what the calendar says now; of
/// several entries with one id the last counts. Of `made` the last entry of a meeting counts.
#[must_use]
pub fn plan_ahead(booked: &[Booked<'_>], made: &[Made], lead_ms: i64, now_unix_ms: i64) -> Plan {
    let known: BTreeMap<&str, &Made> = made.iter().map(|m| (m.event.as_str(), m)).collect();
    let live: BTreeMap<&str, Booked<'_>> = booked.iter().map(|b| (b.meeting.event.as_str(), *b)).collect();
    let mut plan = Plan::default();
    for (event, brief) in &known {
        let of_use = match live.get(event) {
            Some(b) if b.meeting.cancelled => false,
            // Moved into the past: nobody goes to it any more.
            Some(b) => b.meeting.start_unix_ms > now_unix_ms || b.meeting.start_unix_ms == brief.start_unix_ms,
            // A meeting that is over may leave the calendar's window; its brief stays.
            None => brief.start_unix_ms <= now_unix_ms,
        };
        if !of_use {
            plan.drop.push((*event).to_owned());
        }
    }
    let mut wake = |at: i64| plan.wake_unix_ms = Some(plan.wake_unix_ms.map_or(at, |w| w.min(at)));
    for (event, b) in &live {
        let start = b.meeting.start_unix_ms;
        if b.meeting.cancelled || start <= now_unix_ms {
            continue;
        }
        let (why, earliest) = match known.get(event) {
            None => (Why::New, start - lead_ms),
            Some(m) if m.start_unix_ms != start => (Why::Moved, start - lead_ms),
            Some(m) if m.facts != b.facts => {
                (Why::FactsChanged, (start - lead_ms).max(m.made_unix_ms.saturating_add(REMAKE_GAP_MS)))
            }
            Some(_) => continue,
        };
        if earliest > now_unix_ms {
            wake(earliest);
        } else {
            plan.make.push(Due {
                event: (*event).to_owned(),
                why,
                start_unix_ms: start,
                late_ms: now_unix_ms - earliest,
            });
        }
    }
    plan.make.sort_by(|a, b| (a.start_unix_ms, &a.event).cmp(&(b.start_unix_ms, &b.event)));
    plan
}

#[cfg(test)]
mod tests {
    use jiff::{Zoned, tz::TimeZone};

    use super::*;
    use crate::calendar::{self, Window};

    const MIN: i64 = 60_000;

    fn ms(text: &str) -> i64 {
        text.parse::<Zoned>().unwrap().timestamp().as_millisecond()
    }

    fn meeting(event: &str, start: i64) -> Meeting {
        Meeting { event: event.into(), start_unix_ms: start, end_unix_ms: start + 30 * MIN, ..Meeting::default() }
    }

    /// A clock that goes from one wake to the next, with what a calendar says by then.
    struct Clock {
        now: i64,
        made: Vec<Made>,
        log: Vec<(i64, String, Why)>,
    }

    impl Clock {
        fn at(now: i64) -> Self {
            Self { now, made: Vec::new(), log: Vec::new() }
        }

        fn run(&mut self, until: i64, meetings: &[Meeting], facts: &str) -> Vec<String> {
            let mut dropped = Vec::new();
            loop {
                let booked: Vec<_> = meetings.iter().map(|meeting| Booked { meeting, facts }).collect();
                let plan = plan(&booked, &self.made, self.now);
                for event in plan.drop {
                    self.made.retain(|m| m.event != event);
                    dropped.push(event);
                }
                for due in plan.make {
                    self.made.retain(|m| m.event != due.event);
                    self.made.push(Made {
                        event: due.event.clone(),
                        start_unix_ms: due.start_unix_ms,
                        facts: facts.into(),
                        made_unix_ms: self.now,
                    });
                    self.log.push((self.now, due.event, due.why));
                }
                match plan.wake_unix_ms {
                    Some(at) if at <= until => {
                        assert!(at > self.now, "a wake that is not ahead never ends");
                        self.now = at;
                    }
                    _ => break,
                }
            }
            self.now = until;
            dropped
        }
    }

    #[test]
    fn each_meeting_has_its_brief_thirty_minutes_before() {
        let noon = ms("2026-03-06T12:00[Europe/Berlin]");
        // Friday, Monday, and two at the same time.
        let starts = [noon + 60 * MIN, noon + 3 * 24 * 60 * MIN, noon + 60 * MIN];
        let meetings: Vec<_> = starts.iter().enumerate().map(|(i, s)| meeting(&format!("m{i}"), *s)).collect();
        let mut clock = Clock::at(noon);
        clock.run(noon + 7 * 24 * 60 * MIN, &meetings, "a");
        let log: Vec<_> = clock.log.iter().map(|(at, e, why)| (*at, e.as_str(), *why)).collect();
        assert_eq!(
            log,
            [
                (starts[0] - LEAD_MS, "m0", Why::New),
                (starts[2] - LEAD_MS, "m2", Why::New),
                (starts[1] - LEAD_MS, "m1", Why::New)
            ]
        );
    }

    #[test]
    fn moves_changes_and_cancellations() {
        let t = ms("2026-03-02T09:00[UTC]");
        let start = t + 120 * MIN;
        let at = |start| [meeting("m", start)];
        // Moved before its brief: made once, at the new time. Moved after: made again.
        let mut clock = Clock::at(t);
        clock.run(t + 10 * MIN, &at(start), "a");
        clock.run(start, &at(start + 60 * MIN), "a");
        assert_eq!(clock.log, []);
        clock.run(start + 40 * MIN, &at(start + 60 * MIN), "a");
        clock.run(start + 600 * MIN, &at(start + 600 * MIN), "a");
        let whys: Vec<_> = clock.log.iter().map(|(at, _, why)| (*at - start, *why)).collect();
        assert_eq!(whys, [(30 * MIN, Why::New), (570 * MIN, Why::Moved)]);

        // Moved to in ten minutes, and booked for in five: at once, and late.
        let now = start - 10 * MIN;
        let made = |start, facts: &str, made| Made {
            event: "m".into(),
            start_unix_ms: start,
            facts: facts.into(),
            made_unix_ms: made,
        };
        let one = |m: &Meeting, facts: &str, made: &[Made], now| plan(&[Booked { meeting: m, facts }], made, now);
        let due = one(&meeting("m", start), "a", &[made(start + 999 * MIN, "a", t)], now).make.remove(0);
        assert_eq!((due.why, due.late_ms), (Why::Moved, 20 * MIN));
        assert_eq!(one(&meeting("m", start), "a", &[], start - 5 * MIN).make[0].late_ms, 25 * MIN);

        // Moved into the past, called off, gone: dropped and not made. Over: kept.
        let ahead = made(start, "a", t);
        assert_eq!(
            one(&meeting("m", now - MIN), "a", std::slice::from_ref(&ahead), now),
            Plan { drop: vec!["m".into()], ..Plan::default() }
        );
        let off = Meeting { cancelled: true, ..meeting("m", start) };
        assert_eq!(
            one(&off, "b", std::slice::from_ref(&ahead), now),
            Plan { drop: vec!["m".into()], ..Plan::default() }
        );
        assert_eq!(plan(&[], std::slice::from_ref(&ahead), now).drop, ["m"]);
        assert_eq!(plan(&[], std::slice::from_ref(&ahead), start + MIN), Plan::default());
        assert_eq!(one(&meeting("m", start), "b", &[ahead], start + MIN), Plan::default());
        // Moved into the past without a brief: nothing.
        assert_eq!(one(&meeting("m", now - MIN), "a", &[], now), Plan::default());

        // Facts that change: made again, but not at once when they change again.
        let fresh = [made(start, "a", now)];
        let again = one(&meeting("m", start), "b", &fresh, now + MIN);
        assert_eq!((again.make.len(), again.wake_unix_ms), (0, Some(now + REMAKE_GAP_MS)));
        assert_eq!(one(&meeting("m", start), "b", &fresh, now + REMAKE_GAP_MS).make[0].why, Why::FactsChanged);
        assert_eq!(one(&meeting("m", start), "a", &fresh, now + MIN), Plan::default());
    }

    #[test]
    fn summer_time_shifts_no_brief() {
        // Weekly at 09:00 in Berlin and at 02:30 in New York over the change of the clock; 02:30 does not exist on 8 March.
        let file = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:b\nDTSTART;TZID=Europe/Berlin:20260322T090000\nRRULE:FREQ=WEEKLY;COUNT=2\nEND:VEVENT\nBEGIN:VEVENT\nUID:n\nDTSTART;TZID=America/New_York:20260308T023000\nEND:VEVENT\nEND:VCALENDAR\n";
        let window = Window { from_unix_ms: 0, to_unix_ms: i64::MAX / 2 };
        let read = calendar::icalendar(file.as_bytes(), window, &TimeZone::UTC);
        assert_eq!(read.problems, []);
        let mut clock = Clock::at(ms("2026-03-01T00:00[UTC]"));
        clock.run(ms("2026-04-30T00:00[UTC]"), &read.meetings, "a");
        let at: Vec<i64> = clock.log.iter().map(|(at, ..)| *at).collect();
        let want = [
            // 03:30 daylight time, half an hour of which began at 03:00.
            ms("2026-03-08T03:00[America/New_York]"),
            ms("2026-03-22T08:30[Europe/Berlin]"),
            ms("2026-03-29T08:30[Europe/Berlin]"),
        ];
        assert_eq!(at, want);
        // An hour less between the two in Berlin.
        assert_eq!(at[2] - at[1], (7 * 24 - 1) * 60 * MIN);
    }
}
