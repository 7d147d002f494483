//! When somebody who is away is back, from their note: "until 14 August", "zurück am 03.08.", "back on Monday".

use jiff::civil::{self, Weekday};
use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{has, key, plain};

/// Longest absence that is believed, in days.
const LONGEST: i64 = 400;

/// When they are back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Away {
    /// The first day they are there again.
    #[schemars(with = "String")]
    pub back: Date,
}

const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "janvier", "enero", "gennaio", "jaenner"],
    &["february", "feb", "februar", "fevrier", "febrero", "febbraio"],
    &["march", "mar", "maerz", "mars", "marzo"],
    &["april", "apr", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio"],
    &["june", "jun", "juni", "juin", "junio", "giugno"],
    &["july", "jul", "juli", "juillet", "julio", "luglio"],
    &["august", "aug", "aout", "agosto"],
    &["september", "sep", "sept", "septembre", "septiembre", "settembre"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre"],
    &["november", "nov", "novembre", "noviembre"],
    &["december", "dec", "dezember", "dez", "decembre", "diciembre", "dicembre"],
];
const WEEKDAYS: [(Weekday, &[&str]); 7] = [
    (Weekday::Monday, &["monday", "montag", "lundi", "lunes"]),
    (Weekday::Tuesday, &["tuesday", "dienstag", "mardi", "martes"]),
    (Weekday::Wednesday, &["wednesday", "mittwoch", "mercredi", "miercoles"]),
    (Weekday::Thursday, &["thursday", "donnerstag", "jeudi", "jueves"]),
    (Weekday::Friday, &["friday", "freitag", "vendredi", "viernes"]),
    (Weekday::Saturday, &["saturday", "samstag", "samedi", "sabado"]),
    (Weekday::Sunday, &["sunday", "sonntag", "dimanche", "domingo"]),
];
/// What stands before the last day away, as keys: the day after is the first one back.
const LAST: &[&str] = &[
    "until",
    "till",
    "til",
    "through",
    "thru",
    "bis",
    "bis einschliesslich",
    "bis zum",
    "bis inklusive",
    "jusquau",
    "jusqua",
    "hasta el",
    "hasta",
    "to",
    "fino al",
    "tot en met",
    "inclusive",
    "au",
];
/// What stands before the first day back, as keys.
const FIRST: &[&str] = &[
    "back on",
    "back in the office on",
    "back in office on",
    "back at my desk on",
    "back at work on",
    "back",
    "returning",
    "returning on",
    "return on",
    "return to the office on",
    "returning to the office on",
    "return",
    "available from",
    "available again from",
    "available again on",
    "reachable again from",
    "from",
    "on",
    "zurueck am",
    "wieder am",
    "ab dem",
    "ab",
    "erreichbar ab",
    "wieder ab",
    "wieder da am",
    "am",
    "de retour le",
    "retour le",
    "a partir du",
    "le",
    "de vuelta el",
    "regreso el",
    "vuelvo el",
    "a partir del",
    "again on",
    "office on",
];

/// When they are back, as far as the note says so. "Until Friday" is back on Saturday: who reckons with working days makes
/// Monday of it. A day that could be read in two ways (03/04) gives none.
#[must_use]
pub fn back_on(text: &str, today: civil::Date) -> Option<Away> {
    let text = plain(text);
    let mut best: Option<(u8, civil::Date)> = None;
    for day in days(&text, today) {
        let before = key(&text[..day.from]);
        let ends = |list: &[&str]| list.iter().any(|p| before == *p || before.ends_with(&format!(" {p}")));
        // A weekday between: "until Friday, 14 August".
        let before_weekday = before
            .rsplit_once(' ')
            .filter(|(_, w)| WEEKDAYS.iter().any(|d| d.1.contains(w)))
            .map(|(b, _)| b.to_owned());
        let ends_too = |list: &[&str]| {
            before_weekday.as_ref().is_some_and(|b| list.iter().any(|p| b == p || b.ends_with(&format!(" {p}"))))
        };
        let dash = text[..day.from].trim_end().ends_with(['-', '\u{2013}']);
        let strong = [
            "back",
            "return",
            "again",
            "wieder",
            "zurueck",
            "erreichbar",
            "retour",
            "available",
            "vuelta",
            "regreso",
            "office on",
            "ab",
            "reachable",
        ];
        let near: String = before.chars().rev().take(40).collect::<String>().chars().rev().collect();
        let (rank, date) = if ends(LAST) || ends_too(LAST) || dash {
            (2, day.date.tomorrow().ok()?)
        } else if ends(FIRST) || ends_too(FIRST) {
            (if strong.iter().any(|s| has(&near, s)) { 3 } else { 1 }, day.date)
        } else {
            continue;
        };
        let ahead = (date - today).get_days();
        if ahead <= 0 || i64::from(ahead) > LONGEST {
            continue;
        }
        // The strongest wording; of equals the later day.
        if best.is_none_or(|(r, d)| rank > r || (rank == r && date > d)) {
            best = Some((rank, date));
        }
    }
    let (_, date) = best?;
    let back =
        Date::new(u16::try_from(date.year()).ok()?, u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?)?;
    Some(Away { back })
}

struct Day {
    from: usize,
    date: civil::Date,
}

/// The days a text names, with the byte where each begins.
fn days(text: &str, today: civil::Date) -> Vec<Day> {
    let tokens: Vec<(usize, String)> = crate::text::words(text).into_iter().map(|(at, w)| (at, w.to_owned())).collect();
    let mut out = Vec::new();
    for (i, (from, raw)) in tokens.iter().enumerate() {
        let word = |n: usize| tokens.get(i + n).map(|t| key(&t.1)).unwrap_or_default();
        if let Some(date) = numeric(raw, today) {
            out.push(Day { from: *from, date });
        } else if let Some(day) = ordinal(&word(0)) {
            let of = usize::from(["of", "de"].contains(&word(1).as_str()));
            if let Some(month) = month(&word(1 + of)) {
                out.extend(named(day, month, year(&word(2 + of)), today).map(|date| Day { from: *from, date }));
            }
        } else if let (Some(month), Some(day)) = (month(&word(0)), ordinal(&word(1))) {
            out.extend(named(day, month, year(&word(2)), today).map(|date| Day { from: *from, date }));
        } else if let Some((weekday, _)) = WEEKDAYS.iter().find(|d| d.1.contains(&word(0).as_str())) {
            let dated = ordinal(&word(1)).is_some()
                || month(&word(1)).is_some()
                || tokens.get(i + 1).is_some_and(|t| numeric(&t.1, today).is_some());
            if !dated {
                out.extend(today.nth_weekday(1, *weekday).ok().map(|date| Day { from: *from, date }));
            }
        }
    }
    out
}

fn month(word: &str) -> Option<i8> {
    MONTHS.iter().position(|names| names.contains(&word)).and_then(|i| i8::try_from(i + 1).ok())
}

fn ordinal(word: &str) -> Option<i8> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let tail = &word[digits..];
    (1..=2).contains(&digits).then_some(())?;
    ["", "st", "nd", "rd", "th", "er", "o"].contains(&tail).then_some(())?;
    word[..digits].parse().ok().filter(|d| (1..=31).contains(d))
}

fn year(word: &str) -> Option<i16> {
    word.parse().ok().filter(|y| (2000..2100).contains(y))
}

/// Without a year it is the next such day.
fn named(day: i8, month: i8, year: Option<i16>, today: civil::Date) -> Option<civil::Date> {
    if let Some(year) = year {
        return civil::Date::new(year, month, day).ok();
    }
    let this = civil::Date::new(today.year(), month, day).ok()?;
    if this < today { civil::Date::new(today.year() + 1, month, day).ok() } else { Some(this) }
}

/// "2026-08-14", "14.08.2026", "14.8.", "8/14/2026"; not what has two readings.
fn numeric(raw: &str, today: civil::Date) -> Option<civil::Date> {
    let raw = raw.trim_matches(|c: char| "(),;:!?".contains(c)).trim_end_matches('.');
    let parts = |sep: char| raw.split(sep).map(|p| p.parse::<i16>().ok()).collect::<Option<Vec<i16>>>();
    let make = |y: i16, m: i16, d: i16| {
        let y = if (0..100).contains(&y) { 2000 + y } else { y };
        civil::Date::new(y, i8::try_from(m).ok()?, i8::try_from(d).ok()?).ok()
    };
    match parts('-').as_deref() {
        Some([y, m, d]) if *y > 1999 => return make(*y, *m, *d),
        _ => {}
    }
    match parts('.').as_deref() {
        Some([d, m, y]) => return make(*y, *m, *d),
        Some([d, m]) if (1..=12).contains(m) && (1..=31).contains(d) => {
            return named(i8::try_from(*d).ok()?, i8::try_from(*m).ok()?, None, today);
        }
        _ => {}
    }
    match parts('/').as_deref() {
        Some([a, b, y]) if *a > 12 || a == b => make(*y, *b, *a),
        Some([a, b, y]) if *b > 12 => make(*y, *a, *b),
        Some([a, b]) if *a > 12 && *b <= 12 => named(i8::try_from(*a).ok()?, i8::try_from(*b).ok()?, None, today),
        Some([a, b]) if *b > 12 && *a <= 12 => named(i8::try_from(*b).ok()?, i8::try_from(*a).ok()?, None, today),
        _ => None,
    }
}
