//! Google Calendar's `events.list`: an item is an event, a repetition of one, or a deleted one of which only the id is left.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use reframe_workflow::handoff::Meeting;
use serde::Deserialize;

use super::{
    MAX_EVENTS, MAX_INVITED, Problem, Read, Window,
    event::{Event, address, basic, meetings},
    join_address,
    rule::{Rule, local},
    short,
};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Item {
    id: String,
    status: String,
    summary: String,
    location: String,
    description: String,
    hangout_link: String,
    start: Option<When>,
    end: Option<When>,
    original_start_time: Option<When>,
    recurring_event_id: String,
    recurrence: Vec<String>,
    attendees: Vec<Person>,
    organizer: Person,
    sequence: u32,
    conference_data: Conference,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct When {
    date: Option<String>,
    date_time: Option<String>,
    time_zone: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Person {
    email: String,
    resource: bool,
    response_status: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Conference {
    entry_points: Vec<Entry>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    entry_point_type: String,
    uri: String,
}

pub(super) fn read(bytes: &[u8], window: Window, home: &TimeZone) -> Read {
    let mut read = Read::default();
    let mut say = |place: String, message: String| read.problems.push(Problem { place, message });
    let value: serde_json::Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            say(format!("line {}", error.line()), format!("this is no JSON: {error}"));
            return read;
        }
    };
    let home = value.get("timeZone").and_then(|z| TimeZone::get(z.as_str()?).ok()).unwrap_or_else(|| home.clone());
    let Some(items) = value.get("items").unwrap_or(&value).as_array() else {
        say("line 1".to_owned(), "there is no list `items`; give what events.list answers".to_owned());
        return read;
    };
    let mut events = Vec::new();
    let mut gone = Vec::new();
    for (number, item) in (1..).zip(items) {
        if number > MAX_EVENTS {
            say(format!("item {number}"), format!("only {MAX_EVENTS} items are read; ask for fewer years"));
            break;
        }
        let item = match Item::deserialize(item) {
            Ok(item) => item,
            Err(error) => {
                say(format!("item {number}"), error.to_string());
                continue;
            }
        };
        if item.status == "cancelled" && item.start.is_none() && item.original_start_time.is_none() {
            if !item.id.is_empty() {
                gone.push(Meeting { event: short(&item.id), cancelled: true, ..Meeting::default() });
            }
            continue;
        }
        match event(&item, &home) {
            Ok(found) => events.extend(found),
            Err(message) => say(format!("item {number}"), message),
        }
    }
    read.meetings = meetings(events, window, |id, at| match at {
        None => id.to_owned(),
        // Google's own form of the id of a repetition.
        Some(at) => format!("{id}_{}", basic(at)),
    });
    read.meetings.extend(gone);
    read
}

/// Reads one item; nothing if it takes whole days.
fn event(item: &Item, home: &TimeZone) -> Result<Option<Event>, String> {
    let start = item.start.as_ref().or(item.original_start_time.as_ref()).ok_or("it has no `start`")?;
    if start.date_time.is_none() && start.date.is_some() {
        return Ok(None);
    }
    if item.id.is_empty() {
        return Err("it has no `id`, so it could not be found again".to_owned());
    }
    let (first, zone, begins) = moment(start, home)?;
    let ends = item.end.as_ref().map_or(Ok(begins), |end| moment(end, home).map(|(.., ms)| ms))?;
    if ends < begins {
        return Err("`end` lies before `start`".to_owned());
    }
    let (mut rule, mut without) = (None, BTreeSet::new());
    for line in &item.recurrence {
        if let Some(text) = line.strip_prefix("RRULE:") {
            rule = Some(Rule::read(text)?);
        } else if let Some(rest) = line.strip_prefix("EXDATE") {
            let (params, values) = rest.split_once(':').unwrap_or(("", rest));
            let zone = params.strip_prefix(";TZID=").and_then(|id| TimeZone::get(id).ok()).unwrap_or(zone.clone());
            for value in values.split(',') {
                let at = local(value.trim().trim_end_matches('Z')).ok_or(format!("`{}` is no time", short(value)))?;
                let zone = if value.trim().ends_with('Z') { TimeZone::UTC } else { zone.clone() };
                without.extend(at.to_zoned(zone).ok().map(|z| z.timestamp().as_millisecond()));
            }
        }
    }
    let instead_of = match &item.original_start_time {
        Some(at) if !item.recurring_event_id.is_empty() => Some(moment(at, home)?.2),
        _ => None,
    };
    let uid = if instead_of.is_some() { &item.recurring_event_id } else { &item.id };
    let video = item.conference_data.entry_points.iter().find(|e| e.entry_point_type == "video").map(|e| short(&e.uri));
    let link = Some(short(&item.hangout_link)).filter(|l| !l.is_empty());
    let url = video.or(link).or_else(|| join_address(&item.location)).or_else(|| join_address(&item.description));
    let people = item.attendees.iter().filter(|a| !a.resource && a.response_status != "declined");
    Ok(Some(Event {
        uid: short(uid),
        sequence: item.sequence,
        first,
        zone,
        start_unix_ms: begins,
        length_ms: ends - begins,
        rule,
        without,
        without_days: BTreeSet::new(),
        also: Vec::new(),
        instead_of,
        meeting: Meeting {
            title: short(&item.summary),
            invited: people.filter_map(|a| address(&a.email)).take(MAX_INVITED).collect(),
            organizer: address(&item.organizer.email),
            location: Some(short(&item.location)).filter(|l| !l.is_empty()),
            url: url.filter(|u| u.starts_with("https://")),
            cancelled: item.status == "cancelled",
            ..Meeting::default()
        },
    }))
}

/// A time: in its own zone's words, its zone, and its instant.
fn moment(when: &When, home: &TimeZone) -> Result<(DateTime, TimeZone, i64), String> {
    let text = when.date_time.as_deref().ok_or("a time has no `dateTime`")?;
    let bad = |_| format!("`{}` is no time; write one like 2026-03-02T09:00:00+01:00", short(text));
    let zone = match when.time_zone.as_deref() {
        Some(id) => TimeZone::get(id).map_err(|_| format!("the time zone `{}` is not known", short(id)))?,
        None => home.clone(),
    };
    let zoned = match text.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(zone.clone()),
        // Without an offset it is meant in the zone beside it.
        Err(_) => text.parse::<DateTime>().and_then(|at| at.to_zoned(zone.clone())).map_err(bad)?,
    };
    Ok((zoned.datetime(), zone, zoned.timestamp().as_millisecond()))
}
