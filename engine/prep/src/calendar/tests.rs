//! Calendars as programs write them, with every kind of time, repetition and change, and files that are wrong.

use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

use super::*;

const YEAR: Window = Window { from_unix_ms: 1_767_225_600_000, to_unix_ms: 1_798_761_600_000 };

fn ical(lines: &str) -> Read {
    let lines: Vec<&str> = lines.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let file = format!("BEGIN:VCALENDAR\r\n{}\r\nEND:VCALENDAR\r\n", lines.join("\r\n"));
    icalendar(file.as_bytes(), YEAR, &TimeZone::get("Europe/Berlin").unwrap())
}

/// The beginnings of an event with these lines, in UTC: `03-02 09:00`.
fn starts(lines: &str) -> Vec<String> {
    let read = ical(&format!("BEGIN:VEVENT\nUID:u\n{lines}\nEND:VEVENT"));
    assert_eq!(read.problems, [], "{lines}");
    read.meetings.iter().map(|m| shown(m.start_unix_ms)).collect()
}

fn shown(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().strftime("%m-%d %H:%M").to_string()
}

#[test]
fn times_of_every_form() {
    for (lines, want) in [
        ("DTSTART:20260302T090000Z", "03-02 09:00"),
        ("DTSTART;TZID=Europe/Berlin:20260302T090000", "03-02 08:00"),
        ("DTSTART;TZID=\"Pacific Standard Time\":20260702T090000", "07-02 16:00"),
        ("DTSTART;TZID=/x.org/2026/America/New_York:20260702T090000", "07-02 13:00"),
        // Without a zone: at home.
        ("DTSTART:20260702T090000", "07-02 07:00"),
        ("DTSTART;VALUE=DATE:20260702", ""),
        ("DTSTART:20250702T090000Z", ""),
    ] {
        assert_eq!(starts(lines).join(","), want, "{lines}");
    }
    let length = |lines: &str| {
        let read = ical(&format!("BEGIN:VEVENT\nUID:u\nDTSTART:20260302T090000Z\n{lines}\nEND:VEVENT"));
        (read.meetings[0].end_unix_ms - read.meetings[0].start_unix_ms) / 60_000
    };
    assert_eq!(length("DTEND:20260302T094500Z"), 45);
    assert_eq!(length("DURATION:PT1H30M"), 90);
    assert_eq!(length("DURATION:P1DT2H"), 26 * 60);
    assert_eq!(length(""), 0);
}

#[test]
fn a_zone_that_the_file_defines() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Our Office\nBEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\nBEGIN:VTIMEZONE\nTZID:Fixed\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:-0330\nTZOFFSETTO:-0330\nEND:STANDARD\nEND:VTIMEZONE";
    let event = |zone: &str, at: &str| format!("BEGIN:VEVENT\nUID:{at}\nDTSTART;TZID={zone}:{at}\nEND:VEVENT\n");
    let all = [
        event("Our Office", "20260301T090000"),
        event("Our Office", "20260701T090000"),
        event("Fixed", "20260801T090000"),
    ];
    let read = ical(&format!("{zone}\n{}", all.concat()));
    assert_eq!(read.problems, []);
    let at: Vec<_> = read.meetings.iter().map(|m| shown(m.start_unix_ms)).collect();
    assert_eq!(at, ["03-01 08:00", "07-01 07:00", "08-01 12:30"]);
}

#[test]
fn repetitions() {
    for (lines, want) in [
        ("DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=3", "03-02,03-03,03-04"),
        ("DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;INTERVAL=10;UNTIL=20260322T090000Z", "03-02,03-12,03-22"),
        ("DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;BYDAY=MO,FR;COUNT=4", "03-02,03-06,03-09,03-13"),
        ("DTSTART:20260302T090000Z\nRRULE:FREQ=WEEKLY;UNTIL=20260316", "03-02,03-09,03-16"),
        ("DTSTART:20260303T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;INTERVAL=2;COUNT=4", "03-03,03-05,03-17,03-19"),
        // Sunday belongs to the week before with WKST=MO, to the week after with WKST=SU (the example of RFC 5545).
        (
            "DTSTART:20260303T090000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "03-03,03-08,03-17,03-22",
        ),
        (
            "DTSTART:20260303T090000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "03-03,03-15,03-17,03-29",
        ),
        ("DTSTART:20260131T090000Z\nRRULE:FREQ=MONTHLY;COUNT=3", "01-31,03-31,05-31"),
        ("DTSTART:20260113T090000Z\nRRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=3", "01-13,02-10,03-10"),
        ("DTSTART:20260130T090000Z\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "01-30,02-27,03-27"),
        ("DTSTART:20260131T090000Z\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "01-31,02-28,03-31"),
        ("DTSTART:20260130T090000Z\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3", "01-30,02-27,03-31"),
        ("DTSTART:20240615T090000Z\nRRULE:FREQ=YEARLY", "06-15"),
        ("DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260303T090000Z,20260304T090000Z", "03-02,03-05"),
        ("DTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260303", "03-02,03-04"),
        ("DTSTART:20260302T090000Z\nRDATE:20260310T090000Z", "03-02,03-10"),
        // Began before the window: what lies in it.
        ("DTSTART:20251230T090000Z\nRRULE:FREQ=DAILY;COUNT=4", "01-01,01-02"),
    ] {
        let days: Vec<String> = starts(lines).iter().map(|s| s[..5].to_owned()).collect();
        assert_eq!(days.join(","), want, "{lines}");
    }
    // The clock on the wall stays when summer time begins.
    let at = starts("DTSTART;TZID=Europe/Berlin:20260328T090000\nRRULE:FREQ=DAILY;COUNT=2");
    assert_eq!(at, ["03-28 08:00", "03-29 07:00"]);
    // Without an end: what lies in the window, and no more than is kept.
    assert_eq!(starts("DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY").len(), 365);
}

#[test]
fn single_repetitions_are_moved_and_called_off() {
    let series = "BEGIN:VEVENT\nUID:s\nDTSTART:20260302T090000Z\nDTEND:20260302T093000Z\nSUMMARY:Weekly\nRRULE:FREQ=WEEKLY;COUNT=4\nEND:VEVENT";
    let change = |lines: &str| format!("BEGIN:VEVENT\nUID:s\n{lines}\nEND:VEVENT");
    let moved = change("RECURRENCE-ID:20260309T090000Z\nDTSTART:20260310T150000Z\nSUMMARY:Moved\nSEQUENCE:1");
    let off = change("RECURRENCE-ID:20260316T090000Z\nDTSTART:20260316T090000Z\nSTATUS:CANCELLED");
    let again = change("RECURRENCE-ID:20260309T090000Z\nDTSTART:20260311T150000Z\nSUMMARY:Moved again\nSEQUENCE:2");
    let read = ical(&[series.to_owned(), again, moved, off].join("\n"));
    assert_eq!(read.problems, []);
    let all: Vec<_> = read
        .meetings
        .iter()
        .map(|m| (m.event.as_str(), shown(m.start_unix_ms), m.title.as_str(), m.cancelled))
        .collect();
    assert_eq!(
        all,
        [
            ("s/20260302T090000Z", "03-02 09:00".to_owned(), "Weekly", false),
            ("s/20260309T090000Z", "03-11 15:00".to_owned(), "Moved again", false),
            ("s/20260316T090000Z", "03-16 09:00".to_owned(), "", true),
            ("s/20260323T090000Z", "03-23 09:00".to_owned(), "Weekly", false),
        ]
    );
    // A new version of the whole.
    let newer = "BEGIN:VEVENT\nUID:s\nDTSTART:20260303T090000Z\nSEQUENCE:3\nEND:VEVENT";
    assert_eq!(ical(&[newer, series].join("\n")).meetings.len(), 1);
    let cancelled = ical("METHOD:CANCEL\nBEGIN:VEVENT\nUID:x\nDTSTART:20260303T090000Z\nEND:VEVENT");
    assert!(cancelled.meetings[0].cancelled);
}

#[test]
fn people_places_and_addresses() {
    let read = ical(
        "BEGIN:VEVENT\nUID:u\nDTSTART:20260302T090000Z\nSUMMARY:Demo\\, part 2\nORGANIZER;CN=Ann:MAILTO:Ann@Larkspan.example\nATTENDEE;PARTSTAT=ACCEPTED:mailto:dana@buyer.example\nATTENDEE;PARTSTAT=DECLINED:mailto:no@buyer.example\nATTENDEE;CUTYPE=ROOM:mailto:room@buyer.example\nATTENDEE:mailto:dana@buyer.example\nLOCATION:https://larkspan.zoom.us/j/123?pwd=x\nDESCRIPTION:Join\\nhttps://meet.google.com/abc\nBEGIN:VALARM\nTRIGGER:-PT15M\nSUMMARY:Alarm\nEND:VALARM\nEND:VEVENT",
    );
    let m = &read.meetings[0];
    assert_eq!((m.event.as_str(), m.title.as_str()), ("u", "Demo, part 2"));
    assert_eq!(m.organizer.as_deref(), Some("ann@larkspan.example"));
    assert_eq!(m.invited, ["dana@buyer.example"]);
    assert_eq!(m.url.as_deref(), Some("https://larkspan.zoom.us/j/123?pwd=x"));
    assert_eq!(
        join_address("see https://notzoom.us.evil.example/j/1 or (https://meet.google.com/abc)").as_deref(),
        Some("https://meet.google.com/abc")
    );
}

#[test]
fn a_bad_event_loses_only_itself() {
    let good = "BEGIN:VEVENT\nUID:good\nDTSTART:20260302T090000Z\nEND:VEVENT\n";
    for (bad, line, says) in [
        ("BEGIN:VEVENT\nUID:b\nDTSTART:2026-03-02\nEND:VEVENT", 4, "is no time"),
        ("BEGIN:VEVENT\nUID:b\nEND:VEVENT", 2, "no DTSTART"),
        ("BEGIN:VEVENT\nDTSTART:20260302T090000Z\nEND:VEVENT", 2, "no UID"),
        ("BEGIN:VEVENT\nUID:b\nDTSTART;TZID=Atlantis:20260302T090000\nEND:VEVENT", 4, "time zone `Atlantis`"),
        ("BEGIN:VEVENT\nUID:b\nDTSTART:20260302T090000Z\nDTEND:20260301T090000Z\nEND:VEVENT", 5, "before DTSTART"),
        ("BEGIN:VEVENT\nUID:b\nDTSTART:20260302T090000Z\nRRULE:FREQ=HOURLY\nEND:VEVENT", 5, "HOURLY"),
        ("BEGIN:VEVENT\nUID:b\nDTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;INTERVAL=0\nEND:VEVENT", 5, "INTERVAL=0"),
        ("BEGIN:VEVENT\nUID:b\nDTSTART:20260302T090000Z\nDURATION:1h\nEND:VEVENT", 5, "no duration"),
        ("BEGIN:VEVENT\nUID:b\nDTSTART:20260230T090000Z\nEND:VEVENT", 4, "is no time"),
    ] {
        let read = ical(&format!("{bad}\n{good}"));
        let names: Vec<_> = read.meetings.iter().map(|m| m.event.as_str()).collect();
        assert_eq!(names, ["good"], "{bad}");
        assert_eq!(read.problems.len(), 1, "{bad}: {:?}", read.problems);
        let problem = read.problems[0].to_string();
        assert!(problem.starts_with(&format!("line {line}: ")) && problem.contains(says), "{bad}: {problem}");
    }
    let cut = icalendar(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\n", YEAR, &TimeZone::UTC);
    assert!(cut.problems[0].message.contains("cut off"));
}

#[test]
fn google_items_become_the_same_meetings() {
    let text = r#"{"timeZone":"Europe/Berlin","items":[
      {"id":"a1","status":"confirmed","summary":"Demo","start":{"dateTime":"2026-03-02T09:00:00+01:00"},"end":{"dateTime":"2026-03-02T09:30:00+01:00"},
       "organizer":{"email":"ann@larkspan.example"},"attendees":[{"email":"Dana@buyer.example"},{"email":"room@x.example","resource":true},{"email":"no@x.example","responseStatus":"declined"}],
       "conferenceData":{"entryPoints":[{"entryPointType":"phone","uri":"tel:1"},{"entryPointType":"video","uri":"https://meet.google.com/abc"}]}},
      {"id":"w","start":{"dateTime":"2026-03-03T09:00:00","timeZone":"America/New_York"},"end":{"dateTime":"2026-03-03T10:00:00","timeZone":"America/New_York"},"recurrence":["RRULE:FREQ=WEEKLY;COUNT=3"]},
      {"id":"w_20260310T130000Z","status":"cancelled","recurringEventId":"w","originalStartTime":{"dateTime":"2026-03-10T09:00:00-04:00"}},
      {"id":"holiday","start":{"date":"2026-03-04"},"end":{"date":"2026-03-05"}},
      {"id":"bad","start":{"dateTime":"tomorrow"}},
      {"id":"gone","status":"cancelled"}]}"#;
    let read = google(text.as_bytes(), YEAR, &TimeZone::UTC);
    let all: Vec<_> = read.meetings.iter().map(|m| (m.event.as_str(), m.cancelled, shown(m.start_unix_ms))).collect();
    assert_eq!(
        all,
        [
            ("gone", true, "01-01 00:00".to_owned()),
            ("a1", false, "03-02 08:00".to_owned()),
            ("w_20260303T140000Z", false, "03-03 14:00".to_owned()),
            // Summer time began on 8 March.
            ("w_20260310T130000Z", true, "03-10 13:00".to_owned()),
            ("w_20260317T130000Z", false, "03-17 13:00".to_owned()),
        ]
    );
    assert_eq!(read.meetings[1].invited, ["dana@buyer.example"]);
    assert_eq!(read.meetings[1].url.as_deref(), Some("https://meet.google.com/abc"));
    assert_eq!(read.problems.len(), 1);
    assert!(read.problems[0].to_string().starts_with("item 5: `tomorrow` is no time"), "{}", read.problems[0]);
    assert!(google(b"{", YEAR, &TimeZone::UTC).problems[0].message.contains("no JSON"));
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400), line in "(BEGIN|END|DTSTART|RRULE|EXDATE|DURATION|TZOFFSETTO|RECURRENCE-ID)(;TZID=[A-Za-z/]{0,8})?:[A-Z0-9=;,+-]{0,24}") {
        prop_assert!(icalendar(&bytes, YEAR, &TimeZone::UTC).problems.len() <= MAX_PROBLEMS + 1);
        prop_assert!(google(&bytes, YEAR, &TimeZone::UTC).problems.len() <= MAX_PROBLEMS + 1);
        let file = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART:20260302T090000Z\n{line}\nEND:VEVENT\nEND:VCALENDAR");
        let read = icalendar(file.as_bytes(), YEAR, &TimeZone::UTC);
        prop_assert!(read.meetings.len() <= MAX_REPEATS + 1);
    }
}
