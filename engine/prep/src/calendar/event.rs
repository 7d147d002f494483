//! Events of an iCalendar file: read one by one, repeated, and put right by the changes of single repetitions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{civil::DateTime, tz::TimeZone};
use reframe_workflow::handoff::Meeting;

use super::{
    MAX_EVENTS, MAX_INVITED, MAX_REPEATS, Problem, Read, Window, join_address,
    line::{Property, properties},
    rule::{Rule, local},
    short,
    zone::{Observance, Zones, named},
};

/// A time as a property gives it.
#[derive(Clone, Debug)]
enum Moment {
    /// A day without a time.
    Day(DateTime),
    /// A time of day in a zone.
    At(DateTime, TimeZone),
}

impl Moment {
    fn ms(&self) -> Option<i64> {
        match self {
            Self::Day(_) => None,
            Self::At(at, zone) => at.to_zoned(zone.clone()).ok().map(|z| z.timestamp().as_millisecond()),
        }
    }
}

/// One `VEVENT`: where it begins and its properties.
struct Component {
    line: usize,
    properties: Vec<Property>,
}

impl Component {
    fn get(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|p| p.name == name)
    }

    fn value(&self, name: &str) -> &str {
        self.get(name).map_or("", |p| p.value.trim())
    }
}

/// An event that was read.
pub(super) struct Event {
    pub uid: String,
    pub sequence: u32,
    pub first: DateTime,
    pub zone: TimeZone,
    pub start_unix_ms: i64,
    pub length_ms: i64,
    pub rule: Option<Rule>,
    /// Repetitions that are left out: instants, and whole days.
    pub without: BTreeSet<i64>,
    pub without_days: BTreeSet<jiff::civil::Date>,
    /// Repetitions beside the rule.
    pub also: Vec<i64>,
    /// Of which repetition it is another version.
    pub instead_of: Option<i64>,
    /// With everything but its times and its name.
    pub meeting: Meeting,
}

pub(super) fn read(bytes: &[u8], window: Window, home: &TimeZone) -> Read {
    let mut read = Read::default();
    let File { components, zones, cancelled } = file(bytes, &mut read.problems);
    let mut events = Vec::new();
    for component in &components {
        match event(component, &zones, home) {
            Ok(Some(mut event)) => {
                event.meeting.cancelled |= cancelled;
                events.push(event);
            }
            Ok(None) => {}
            Err((line, message)) => read.problems.push(Problem { place: format!("line {line}"), message }),
        }
    }
    read.meetings = meetings(events, window, |uid, at| match at {
        None => uid.to_owned(),
        Some(at) => format!("{uid}/{}", basic(at)),
    });
    read
}

/// `20260302T090000Z`.
pub(super) fn basic(unix_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Meetings of events: repeated, with the changed ones in the place of what they change. `name` gives a meeting's id from
/// the event's and, of a repeating one, the time it was first meant for.
pub(super) fn meetings(events: Vec<Event>, window: Window, name: impl Fn(&str, Option<i64>) -> String) -> Vec<Meeting> {
    // The last version of each event, and of each changed repetition.
    let mut latest: BTreeMap<(String, Option<i64>), Event> = BTreeMap::new();
    for event in events {
        let key = (event.uid.clone(), event.instead_of);
        if latest.get(&key).is_none_or(|known| known.sequence <= event.sequence) {
            latest.insert(key, event);
        }
    }
    let changed: BTreeSet<(String, i64)> = latest.keys().filter_map(|(uid, at)| Some((uid.clone(), (*at)?))).collect();
    let mut out = Vec::new();
    for ((uid, instead_of), event) in &latest {
        let at = |start: i64, id: String| Meeting {
            event: id,
            start_unix_ms: start,
            end_unix_ms: start.saturating_add(event.length_ms),
            ..event.meeting.clone()
        };
        if let Some(original) = instead_of {
            // Moved out of the window or into it, or called off: it is told if either time lies in the window.
            if window.has(event.start_unix_ms) || window.has(*original) && event.meeting.cancelled {
                out.push(at(event.start_unix_ms, name(uid, Some(*original))));
            }
            continue;
        }
        let Some(rule) = &event.rule else {
            if event.also.is_empty() {
                if window.has(event.start_unix_ms) {
                    out.push(at(event.start_unix_ms, name(uid, None)));
                }
                continue;
            }
            let all = std::iter::once(event.start_unix_ms).chain(event.also.iter().copied());
            let kept = all.filter(|ms| window.has(*ms) && !changed.contains(&(uid.clone(), *ms)));
            out.extend(kept.take(MAX_REPEATS).map(|ms| at(ms, name(uid, Some(ms)))));
            continue;
        };
        let mut starts: BTreeSet<i64> = rule
            .starts(event.first, &event.zone, window.to_unix_ms)
            .into_iter()
            .filter(|(local, _)| !event.without_days.contains(&local.date()))
            .map(|(_, ms)| ms)
            .collect();
        starts.extend(&event.also);
        let kept = starts
            .into_iter()
            .filter(|ms| window.has(*ms) && !event.without.contains(ms) && !changed.contains(&(uid.clone(), *ms)));
        out.extend(kept.take(MAX_REPEATS).map(|ms| at(ms, name(uid, Some(ms)))));
    }
    out
}

struct File {
    components: Vec<Component>,
    zones: Zones,
    /// The whole file calls its events off.
    cancelled: bool,
}

/// Takes a file apart. What stands in parts of events (alarms) is passed by.
fn file(bytes: &[u8], problems: &mut Vec<Problem>) -> File {
    let mut file = File { components: Vec::new(), zones: Zones::default(), cancelled: false };
    let mut open: Vec<String> = Vec::new();
    let mut event: Option<Component> = None;
    let mut zone: (Vec<Property>, Vec<Observance>) = Default::default();
    let mut too_many = 0;
    for read in properties(bytes) {
        let p = match read {
            Ok(p) => p,
            Err((line, message)) => {
                problems.push(Problem { place: format!("line {line}"), message });
                continue;
            }
        };
        let within = open.last().map_or("", String::as_str);
        match (p.name.as_str(), within) {
            ("BEGIN", _) => {
                let what = p.value.trim().to_ascii_uppercase();
                match what.as_str() {
                    "VEVENT" => event = Some(Component { line: p.line, properties: Vec::new() }),
                    "VTIMEZONE" => zone = Default::default(),
                    "STANDARD" | "DAYLIGHT" if within == "VTIMEZONE" => {
                        zone.1.push(Observance { daylight: what == "DAYLIGHT", properties: Vec::new() });
                    }
                    _ => {}
                }
                open.push(what);
            }
            ("END", _) => {
                let what = p.value.trim().to_ascii_uppercase();
                match open.iter().rposition(|o| *o == what) {
                    Some(at) => open.truncate(at),
                    None => {
                        let message = format!("END:{what} without its BEGIN");
                        problems.push(Problem { place: format!("line {}", p.line), message });
                    }
                }
                if what == "VTIMEZONE" {
                    file.zones.define(&zone.0, &zone.1);
                }
                if let ("VEVENT", Some(done)) = (what.as_str(), event.take_if(|_| what == "VEVENT")) {
                    if file.components.len() < MAX_EVENTS {
                        file.components.push(done);
                    } else {
                        too_many += 1;
                    }
                }
            }
            ("METHOD", "VCALENDAR") => file.cancelled = p.value.trim().eq_ignore_ascii_case("CANCEL"),
            (_, "VEVENT") => {
                if let Some(event) = &mut event {
                    event.properties.push(p);
                }
            }
            (_, "VTIMEZONE") => zone.0.push(p),
            (_, "STANDARD" | "DAYLIGHT") => {
                if let Some(part) = zone.1.last_mut() {
                    part.properties.push(p);
                }
            }
            _ => {}
        }
    }
    if let Some(event) = event {
        let message = "this event has no END:VEVENT; the file was cut off".to_owned();
        problems.push(Problem { place: format!("line {}", event.line), message });
    }
    if too_many > 0 {
        let message = format!("{too_many} events beyond the {MAX_EVENTS} that are read; export fewer years");
        problems.push(Problem { place: "end".to_owned(), message });
    }
    file
}

/// Reads one event; nothing if it takes whole days.
fn event(c: &Component, zones: &Zones, home: &TimeZone) -> Result<Option<Event>, (usize, String)> {
    let at = |p: &Property, message: String| (p.line, message);
    let start = c.get("DTSTART").ok_or((c.line, "this event has no DTSTART".to_owned()))?;
    let uid = c.get("UID").map(|p| short(&p.text())).filter(|u| !u.is_empty());
    let uid = uid.ok_or((c.line, "this event has no UID, so it could not be found again".to_owned()))?;
    let Moment::At(first, zone) = moment(start, &start.value, zones, home)? else { return Ok(None) };
    let begins = Moment::At(first, zone.clone()).ms().ok_or_else(|| at(start, "no such time".to_owned()))?;
    let length_ms = match (c.get("DTEND"), c.get("DURATION")) {
        (Some(end), _) => {
            let Some(ends) = moment(end, &end.value, zones, home)?.ms() else { return Ok(None) };
            if ends < begins {
                return Err(at(end, "DTEND lies before DTSTART".to_owned()));
            }
            ends - begins
        }
        (None, Some(p)) => duration(p.value.trim())
            .ok_or_else(|| at(p, format!("`{}` is no duration; write one like PT30M", short(&p.value))))?,
        (None, None) => 0,
    };
    let rule = match c.get("RRULE") {
        Some(p) => Some(Rule::read(&p.value).map_err(|message| at(p, message))?),
        None => None,
    };
    let (mut without, mut without_days, mut also) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for p in c.properties.iter().filter(|p| p.name == "EXDATE" || p.name == "RDATE") {
        for value in p.value.split(',').filter(|v| !v.trim().is_empty()) {
            match (moment(p, value.split('/').next().unwrap_or_default(), zones, home)?, p.name.as_str()) {
                (Moment::Day(day), "EXDATE") => {
                    without_days.insert(day.date());
                }
                (m @ Moment::At(..), "EXDATE") => without.extend(m.ms()),
                (m, _) => also.extend(m.ms().filter(|_| also.len() < MAX_REPEATS)),
            }
        }
    }
    let instead_of = match c.get("RECURRENCE-ID") {
        Some(p) => match moment(p, &p.value, zones, home)? {
            m @ Moment::At(..) => m.ms(),
            Moment::Day(_) => None,
        },
        None => None,
    };
    if let Some(p) = c.get("RECURRENCE-ID").filter(|p| p.param("RANGE").is_some()) {
        return Err(at(p, "a change of all repetitions from one on (RANGE) is not understood".to_owned()));
    }
    let place = c.get("LOCATION").map(|p| short(&p.text())).filter(|t| !t.is_empty());
    let about = c.get("DESCRIPTION").map(Property::text).unwrap_or_default();
    let named_url = ["X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "CONFERENCE", "URL"];
    let url = named_url.iter().map(|n| short(c.value(n))).find(|u| u.starts_with("https://"));
    let url = place.as_deref().and_then(join_address).or(url).or_else(|| join_address(&about));
    Ok(Some(Event {
        sequence: c.value("SEQUENCE").parse().unwrap_or(0),
        first,
        zone,
        start_unix_ms: begins,
        length_ms,
        rule,
        without,
        without_days,
        also,
        instead_of,
        meeting: Meeting {
            title: c.get("SUMMARY").map(|p| short(&p.text())).unwrap_or_default(),
            invited: invited(c),
            organizer: c.get("ORGANIZER").and_then(|p| address(&p.value)),
            location: place,
            url,
            cancelled: c.value("STATUS").eq_ignore_ascii_case("CANCELLED"),
            ..Meeting::default()
        },
        uid,
    }))
}

/// People who were invited and did not decline; rooms are no people.
fn invited(c: &Component) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for p in c.properties.iter().filter(|p| p.name == "ATTENDEE") {
        let is = |name: &str, values: &[&str]| {
            p.param(name).is_some_and(|v| values.iter().any(|x| v.eq_ignore_ascii_case(x)))
        };
        if is("CUTYPE", &["RESOURCE", "ROOM"]) || is("PARTSTAT", &["DECLINED"]) {
            continue;
        }
        if let Some(address) = address(&p.value).filter(|a| !out.contains(a) && out.len() < MAX_INVITED) {
            out.push(address);
        }
    }
    out
}

/// `mailto:Ann@Example.com` as an address in lower case.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.get(..7).filter(|s| s.eq_ignore_ascii_case("mailto:")).map_or(text, |_| &text[7..]);
    let plain = short(rest).to_lowercase();
    (plain.contains('@') && !plain.contains(char::is_whitespace)).then_some(plain)
}

fn moment(p: &Property, value: &str, zones: &Zones, home: &TimeZone) -> Result<Moment, (usize, String)> {
    let value = value.trim();
    let utc = value.ends_with('Z');
    let bad = || (p.line, format!("`{}` in {} is no time; write one like 20260302T090000Z", short(value), p.name));
    let at = local(value.trim_end_matches('Z')).ok_or_else(bad)?;
    if value.len() == 8 {
        return Ok(Moment::Day(at));
    }
    if utc {
        return Ok(Moment::At(at, TimeZone::UTC));
    }
    let zone = match p.param("TZID") {
        None => home.clone(),
        Some(id) => zones.get(id).or_else(|| named(id)).ok_or_else(|| {
            (p.line, format!("the time zone `{}` is not known and the file does not define it", short(id)))
        })?,
    };
    Ok(Moment::At(at, zone))
}

/// `P1DT2H30M` in ms; a day has 24 hours, negative ones are none.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text).strip_prefix('P')?;
    let (mut total, mut time, mut any) = (0_i64, false, false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (time, rest) = (true, after);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let n: i64 = rest[..digits].parse().ok()?;
        let unit = match (rest[digits..].chars().next()?, time) {
            ('W', false) => 7 * 86_400_000,
            ('D', false) => 86_400_000,
            ('H', true) => 3_600_000,
            ('M', true) => 60_000,
            ('S', true) => 1_000,
            _ => return None,
        };
        total = total.checked_add(n.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
        any = true;
    }
    any.then_some(total)
}
