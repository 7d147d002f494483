//! Whether a message says what is to happen next: a talk of a given length, or at a given time.

use super::Language;
use crate::text::{has, key};

/// Days and times that make an offer concrete, as keys.
const TIMES: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "tomorrow",
    "next week",
    "this week",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "morgen",
    "naechste woche",
    "naechster woche",
    "naechsten woche",
    "diese woche",
    "dieser woche",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "demain",
    "semaine prochaine",
    "cette semaine",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "am",
    "pm",
    "week of",
    "early next",
    "kommende woche",
    "kommender woche",
];

/// Whether there is one.
pub(super) fn is_there(language: Language, text: &str) -> bool {
    if language == Language::Japanese {
        let any = |list: &[&str]| list.iter().any(|w| text.contains(w));
        return any(language.minutes()) && text.chars().any(|c| c.is_ascii_digit() || ('０'..='９').contains(&c))
            || any(language.talks()) && ["来週", "今週", "曜日", "明日"].iter().any(|t| text.contains(t));
    }
    let key = key(text);
    let any = |list: &[&str]| list.iter().any(|w| has(&key, w) || has(&key, &format!("{w}s")));
    // English words for times and talks are heard in all of them.
    let minutes = any(language.minutes()) || glued_minutes(&key);
    let talks = any(language.talks()) || any(Language::English.talks());
    minutes || (talks && any(TIMES))
}

/// "15min", "15mn".
fn glued_minutes(key: &str) -> bool {
    key.split(' ').any(|w| {
        let digits = w.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && ["min", "mins", "mn", "minuten", "minuetiges", "minutes"].contains(&&w[digits..])
    })
}
