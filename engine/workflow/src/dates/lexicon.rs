//! Words of time: weekdays, months, numbers, and the recogniser's usual slips.

use jiff::civil::Weekday;
use reframe_call::{date::MONTHS, number_words};

/// Sounds that mean nothing wherever they stand.
const FILLERS: &[&str] = &["um", "uh", "er", "erm", "uhm", "hm", "hmm", "mm", "mhm", "ah", "eh"];

/// Single words as recognisers mishear or split them, and short forms, with what is meant.
const SLIPS: &[(&str, &str)] = &[
    ("wensday", "wednesday"),
    ("wednesdy", "wednesday"),
    ("wendsday", "wednesday"),
    ("tuesdy", "tuesday"),
    ("teusday", "tuesday"),
    ("thursdy", "thursday"),
    ("fryday", "friday"),
    ("munday", "monday"),
    ("tommorow", "tomorrow"),
    ("tomorow", "tomorrow"),
    ("chrismas", "christmas"),
    ("xmas", "christmas"),
    ("febuary", "february"),
    ("weak", "week"),
    ("cue", "q"),
    ("queue", "q"),
    ("till", "until"),
    ("til", "until"),
    ("yr", "year"),
    ("arvo", "afternoon"),
    ("feb", "february"),
    ("sept", "september"),
    ("nov", "november"),
    ("dec", "december"),
];

/// Pairs of words that are one.
const SPLITS: &[(&str, &str, &str)] = &[
    ("to", "morrow", "tomorrow"),
    ("mon", "day", "monday"),
    ("moon", "day", "monday"),
    ("wednes", "day", "wednesday"),
    ("wens", "day", "wednesday"),
    ("thurs", "day", "thursday"),
    ("fry", "day", "friday"),
    ("thanks", "giving", "thanksgiving"),
    ("week", "end", "weekend"),
    ("year", "end", "year-end"),
    ("month", "end", "month-end"),
    ("quarter", "end", "quarter-end"),
    ("mid", "week", "midweek"),
    ("half", "year", "half-year"),
];

/// The words that count, cleaned, and where each stood.
#[derive(Debug)]
pub struct Words {
    /// Cleaned words.
    pub text: Vec<String>,
    /// First and one past the last index of each in what was given.
    pub at: Vec<(usize, usize)>,
}

impl Words {
    /// Takes out fillers and stuttered repetitions, mends slips, and cuts the `'s` off words of time.
    pub fn of(words: &[&str]) -> Self {
        let mut out = Self { text: Vec::with_capacity(words.len()), at: Vec::with_capacity(words.len()) };
        for (i, raw) in words.iter().enumerate() {
            let lower = raw.to_lowercase();
            if FILLERS.contains(&lower.as_str()) {
                continue;
            }
            let mut word =
                SLIPS.iter().find(|(slip, _)| *slip == lower).map_or(lower.clone(), |(_, w)| (*w).to_owned());
            if let Some(stem) = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'"))
                // "New year's" is a day with that name.
                && out.text.last().is_none_or(|last| last != "new")
                && (weekday(stem).is_some() || month(stem).is_some() || UNITS.contains(&stem) || ordinal(stem).is_some())
            {
                word = stem.to_owned();
            }
            if let Some(last) = out.text.last_mut() {
                if let Some((_, _, whole)) = SPLITS.iter().find(|(a, b, _)| a == last && *b == word) {
                    (*whole).clone_into(last);
                    if let Some(at) = out.at.last_mut() {
                        at.1 = i + 1;
                    }
                    continue;
                }
                // "the the fifteenth": a stutter. Numbers repeat for a reason ("twenty twenty").
                if *last == word && cardinal(&word).is_none() {
                    if let Some(at) = out.at.last_mut() {
                        at.1 = i + 1;
                    }
                    continue;
                }
            }
            if word == "fortnight" || word == "fortnight's" {
                // Two words, as its two weeks; "a" before it goes with it.
                let from = if out.text.last().is_some_and(|last| last == "a") { out.drop_last() } else { i };
                out.text.extend(["two".to_owned(), "weeks".to_owned()]);
                out.at.extend([(from, i + 1); 2]);
                continue;
            }
            out.text.push(word);
            out.at.push((i, i + 1));
        }
        out
    }

    /// Takes the last word off and tells where it stood.
    fn drop_last(&mut self) -> usize {
        self.text.pop();
        self.at.pop().map_or(0, |at| at.0)
    }
}

/// Words that may carry `'s` and mean the same.
const UNITS: &[&str] = &["today", "tomorrow", "week", "month", "quarter", "year", "week-end", "day", "yesterday"];

/// "monday".
pub fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

/// "january", 1 to 12.
pub fn month(word: &str) -> Option<i8> {
    MONTHS.iter().position(|m| *m == word).and_then(|i| i8::try_from(i + 1).ok())
}

/// One word of a number: 0 to 19, tens.
pub fn cardinal(word: &str) -> Option<i64> {
    number_words::cardinal(word).and_then(|n| i64::try_from(n).ok())
}

/// One word of a day's ordinal: 1 to 19, 20, 30.
pub fn ordinal(word: &str) -> Option<i64> {
    number_words::ordinal(word).filter(|n| (1..=30).contains(n)).and_then(|n| i64::try_from(n).ok())
}

/// The zone a speaker means by "eastern" or "p s t". Daylight saving is the place's, whatever letter was said: people
/// say "e s t" all year.
pub fn zone(word: &str) -> Option<&'static str> {
    Some(match word {
        "eastern" | "est" | "edt" => "America/New_York",
        "central" | "cst" | "cdt" => "America/Chicago",
        "mountain" | "mst" | "mdt" => "America/Denver",
        "pacific" | "pst" | "pdt" => "America/Los_Angeles",
        "gmt" | "bst" | "uk" | "london" => "Europe/London",
        "cet" | "cest" | "berlin" => "Europe/Berlin",
        "utc" => "UTC",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_mended_and_their_places_kept() {
        let words = Words::of(&["um", "by", "to", "morrow", "or", "the", "the", "fry", "day's", "twenty", "twenty"]);
        assert_eq!(words.text, ["by", "tomorrow", "or", "the", "friday", "twenty", "twenty"]);
        assert_eq!(words.at[1], (2, 4));
        assert_eq!(words.at[3], (5, 7));
        assert_eq!(words.at[4], (7, 9));
        assert_eq!(Words::of(&["wednesday's", "queue", "three"]).text, ["wednesday", "q", "three"]);
    }
}
