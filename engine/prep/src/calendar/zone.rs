//! Time zones as calendars name them: IANA names, Windows names, and zones that a file defines itself.

use std::collections::BTreeMap;

use jiff::tz::{Offset, TimeZone};

use super::line::Property;

/// Windows names and a place with that time (Unicode CLDR, `windowsZones.xml`, territory 001). The common ones; others are
/// read from the definition that Outlook puts into the file.
const WINDOWS: [(&str, &str); 44] = [
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("China Standard Time", "Asia/Shanghai"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Calcutta"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Mountain Standard Time", "America/Denver"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("UTC", "UTC"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("W. Europe Standard Time", "Europe/Berlin"),
];

/// A `STANDARD` or `DAYLIGHT` part of a definition.
#[derive(Clone, Debug, Default)]
pub struct Observance {
    /// Whether it is `DAYLIGHT`.
    pub daylight: bool,
    /// Its properties.
    pub properties: Vec<Property>,
}

/// Zones of one file.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    defined: BTreeMap<String, TimeZone>,
}

impl Zones {
    /// Learns a `VTIMEZONE`: its own properties and its parts.
    pub fn define(&mut self, own: &[Property], parts: &[Observance]) {
        let value = |name: &str| own.iter().find(|p| p.name == name).map(|p| p.value.trim().to_owned());
        let Some(id) = value("TZID") else { return };
        let zone =
            named(&id).or_else(|| value("X-LIC-LOCATION").and_then(|place| named(&place))).or_else(|| defined(parts));
        if let Some(zone) = zone {
            self.defined.insert(id, zone);
        }
    }

    /// The zone of a `TZID`.
    pub fn get(&self, id: &str) -> Option<TimeZone> {
        named(id).or_else(|| self.defined.get(id).cloned())
    }
}

/// A zone by a name that does not depend on the file.
pub fn named(id: &str) -> Option<TimeZone> {
    let id = id.trim();
    if let Some((_, place)) = WINDOWS.iter().find(|(name, _)| name.eq_ignore_ascii_case(id)) {
        return TimeZone::get(place).ok();
    }
    if id.is_empty() {
        return None;
    }
    // "/vendor.example/20260101_1/Europe/Berlin": the last parts are the name.
    let parts: Vec<&str> = id.split('/').filter(|p| !p.is_empty()).collect();
    let tails = (0..parts.len()).map(|from| parts[from..].join("/"));
    tails.into_iter().find_map(|name| TimeZone::get(&name).ok())
}

/// A zone by its definition: the last standard and the last daylight part, by the rule of each.
fn defined(parts: &[Observance]) -> Option<TimeZone> {
    let last = |daylight: bool| parts.iter().rfind(|p| p.daylight == daylight);
    let standard = last(false)?;
    let offset = |part: &Observance| seconds(part.properties.iter().find(|p| p.name == "TZOFFSETTO")?.value.trim());
    let base = offset(standard)?;
    let Some(daylight) = last(true) else {
        return Offset::from_seconds(base).ok().map(TimeZone::fixed);
    };
    let (on, off) = (change(daylight)?, change(standard)?);
    // POSIX counts west of Greenwich.
    let posix = format!("<+00>{}<+01>{},{on},{off}", clock(-base), clock(-offset(daylight)?));
    TimeZone::posix(&posix).ok()
}

/// When a part begins, as POSIX writes it: `M3.5.0/2:00:00`.
fn change(part: &Observance) -> Option<String> {
    let value = |name: &str| part.properties.iter().find(|p| p.name == name).map(|p| p.value.trim());
    let rule = value("RRULE")?;
    let of = |name: &str| rule.split(';').find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
    let (month, day) = (of("BYMONTH")?.parse::<u8>().ok()?, of("BYDAY")?);
    let (nth, name) = day.split_at(day.len().checked_sub(2)?);
    let weekday = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"].iter().position(|d| *d == name)?;
    let nth = match nth.parse::<i8>().ok()? {
        -1 => 5,
        n @ 1..=4 => n,
        _ => return None,
    };
    let time = value("DTSTART")?.split_once('T')?.1;
    let (h, m) = (time.get(..2)?.parse::<u8>().ok()?, time.get(2..4)?.parse::<u8>().ok()?);
    Some(format!("M{month}.{nth}.{weekday}/{h}:{m:02}"))
}

/// `+0130` in seconds.
fn seconds(text: &str) -> Option<i32> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let two = |from: usize| digits.get(from..from + 2).and_then(|d| d.parse::<i32>().ok());
    let total = two(0)? * 3_600 + two(2)? * 60 + two(4).unwrap_or(0);
    (total < 26 * 3_600).then_some(sign * total)
}

fn clock(seconds: i32) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let s = seconds.abs();
    format!("{sign}{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_any_of_their_names() {
        for (id, is) in [
            ("Europe/Berlin", Some("Europe/Berlin")),
            ("W. Europe Standard Time", Some("Europe/Berlin")),
            ("/freeassociation.sourceforge.net/America/New_York", Some("America/New_York")),
            ("Nowhere/Atlantis", None),
            ("", None),
        ] {
            assert_eq!(named(id).and_then(|z| z.iana_name().map(str::to_owned)).as_deref(), is, "{id}");
        }
        for (_, place) in WINDOWS {
            assert!(TimeZone::get(place).is_ok(), "{place}");
        }
    }
}
