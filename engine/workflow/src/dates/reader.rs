//! The words under the reader's finger: numbers, units and set phrases, read at a position.

use jiff::civil::{Date, Weekday};

use super::{
    calendar::{Span, WorkDays},
    lexicon::{self, Words},
    mention::{Clock, Role, Why},
};

/// What an expression was read as, before roles, times, ranges and corrections are settled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// One day.
    Day(Date),
    /// Several days.
    Span(Span),
    /// A time of day alone.
    Time(Clock),
    /// Again and again.
    Recurring,
    /// No date.
    Never(Why),
}

/// Which part of a period was said, kept so that a correction can keep it ("end of q two sorry q three").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Beginning, early.
    Early,
    /// Middle.
    Mid,
    /// Late.
    Late,
    /// The last day.
    End,
}

/// An expression that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// First word, as an index into the cleaned words.
    pub from: usize,
    /// One past the last word.
    pub to: usize,
    /// What it means.
    pub what: What,
    /// Time of day said with the day.
    pub time: Option<Clock>,
    /// Role that its own words settle ("last", "ago").
    pub role: Option<Role>,
    /// How sure.
    pub certainty: f32,
    /// The part that was said of a period.
    pub edge: Option<Edge>,
    /// It names a week, month, quarter, half or year.
    pub period: bool,
    /// A day of a month said without its month: the month may come from its neighbour.
    pub bare_day: bool,
}

impl Item {
    /// An expression of words `from..to`.
    pub const fn new(from: usize, to: usize, what: What, certainty: f32) -> Self {
        Self { from, to, what, time: None, role: None, certainty, edge: None, period: false, bare_day: false }
    }

    /// The same with a settled role.
    pub const fn as_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Calendar day.
    Day,
    /// Working day.
    WorkingDay,
    /// Seven days.
    Week,
    /// Calendar month.
    Month,
    /// Three months.
    Quarter,
    /// Twelve months.
    Year,
}

/// Cleaned words and what is known of the call's day.
#[derive(Debug)]
pub struct Reader {
    /// The words.
    pub words: Words,
    /// The call's day.
    pub today: Date,
    /// Hour of the call, 0 to 23.
    pub hour: i8,
    /// Month in which the fiscal year starts.
    pub fiscal: i8,
    /// Which days are worked.
    pub work: WorkDays,
}

impl Reader {
    /// The word at `i`, or nothing past the end.
    pub fn at(&self, i: usize) -> &str {
        self.words.text.get(i).map_or("", String::as_str)
    }

    /// The word `n` before `i`.
    pub fn before(&self, i: usize, n: usize) -> &str {
        i.checked_sub(n).map_or("", |i| self.at(i))
    }

    /// Whether one of `words` stands at `i`.
    pub fn is(&self, i: usize, words: &[&str]) -> bool {
        let word = self.at(i);
        !word.is_empty() && words.contains(&word)
    }

    /// Where the phrase that stands at `i` ends.
    pub fn phrase(&self, i: usize, phrase: &str) -> Option<usize> {
        let mut at = i;
        for word in phrase.split(' ') {
            if self.at(at) != word {
                return None;
            }
            at += 1;
        }
        Some(at)
    }

    /// Where the first of the phrases that stands at `i` ends.
    pub fn any(&self, i: usize, phrases: &[&str]) -> Option<usize> {
        phrases.iter().find_map(|p| self.phrase(i, p))
    }

    /// `i`, moved past the phrase if one stands there.
    pub fn skip(&self, i: usize, phrases: &[&str]) -> usize {
        self.any(i, phrases).unwrap_or(i)
    }

    /// The weekday at `i`.
    pub fn weekday(&self, i: usize) -> Option<Weekday> {
        lexicon::weekday(self.at(i))
    }

    /// A number from 0 to 999 at `i`, and where it ends.
    pub fn number(&self, i: usize) -> Option<(i64, usize)> {
        let (mut n, mut at) = self.below_hundred(i)?;
        if self.at(at) == "hundred" && n < 10 {
            at = self.skip(at + 1, &["and"]);
            n *= 100;
            if let Some((rest, to)) = self.below_hundred(at) {
                return Some((n + rest, to));
            }
        }
        Some((n, at))
    }

    /// A number from 0 to 99.
    fn below_hundred(&self, i: usize) -> Option<(i64, usize)> {
        let n = lexicon::cardinal(self.at(i))?;
        if n >= 20
            && let Some(ones) = lexicon::cardinal(self.at(i + 1)).filter(|o| (1..10).contains(o))
        {
            return Some((n + ones, i + 2));
        }
        Some((n, i + 1))
    }

    /// An ordinal from 1st to 31st at `i`: "twenty third".
    pub fn ordinal(&self, i: usize) -> Option<(i64, usize)> {
        if let Some(n) = lexicon::ordinal(self.at(i)) {
            return Some((n, i + 1));
        }
        let tens = lexicon::cardinal(self.at(i)).filter(|t| *t == 20 || *t == 30)?;
        let ones = lexicon::ordinal(self.at(i + 1)).filter(|o| *o < 10)?;
        (tens + ones <= 31).then_some((tens + ones, i + 2))
    }

    /// A year: "twenty twenty seven", "two thousand twenty seven".
    pub fn year(&self, i: usize) -> Option<(i16, usize)> {
        if let Some(at) = self.phrase(i, "two thousand") {
            let at = self.skip(at, &["and"]);
            let (n, to) = self.below_hundred(at)?;
            return i16::try_from(2_000 + n).ok().map(|y| (y, to));
        }
        // "twenty ten" to "twenty forty nine": a year somebody on a sales call may mean.
        let (n, to) = (self.at(i) == "twenty").then(|| self.below_hundred(i + 1)).flatten()?;
        let year = i16::try_from(2_000 + n).ok().filter(|_| (10..50).contains(&n))?;
        Some((year, to))
    }

    /// A unit at `i`: "business days".
    pub fn unit(&self, i: usize) -> Option<(Unit, usize)> {
        if self.is(i, &["business", "working", "work"]) && self.is(i + 1, &["day", "days"]) {
            return Some((Unit::WorkingDay, i + 2));
        }
        let i = if self.is(i, &["calendar"]) { i + 1 } else { i };
        let unit = match self.at(i) {
            "day" | "days" => Unit::Day,
            "week" | "weeks" => Unit::Week,
            "month" | "months" => Unit::Month,
            "quarter" | "quarters" => Unit::Quarter,
            "year" | "years" => Unit::Year,
            _ => return None,
        };
        Some((unit, i + 1))
    }

    /// A count before a unit: "a", "a couple of", "three", "two or three"; least and most. `None` inside: a count that
    /// says nothing ("a few").
    pub fn count(&self, i: usize) -> Option<(Option<(i64, i64)>, usize)> {
        if let Some(to) =
            self.any(i, &["a couple of", "a couple", "couple of", "couple more", "couple", "another couple of"])
        {
            return Some((Some((2, 2)), self.skip(to, &["more"])));
        }
        if let Some(to) = self.any(i, &["a few", "few", "several", "a number of", "a handful of", "so many"]) {
            return Some((None, self.skip(to, &["more", "short"])));
        }
        if self.is(i, &["a", "an", "another"]) {
            return Some((Some((1, 1)), i + 1));
        }
        let (n, at) = self.number(i)?;
        if self.is(at, &["or", "to"])
            && let Some((most, to)) = self.number(at + 1)
            && most > n
        {
            return Some((Some((n, most)), self.skip(to, &["more"])));
        }
        Some((Some((n, n)), self.skip(at, &["more"])))
    }

    /// Whether the sentence could end before `i`: its end, or a word that no date runs into as a noun.
    pub fn stops(&self, i: usize) -> bool {
        self.at(i).is_empty() || self.is(i, STOPS)
    }
}

/// Words that follow a day of the month ("the fifteenth works") but not an ordinal before a noun ("the first call").
const STOPS: &[&str] = &[
    "a",
    "after",
    "afternoon",
    "again",
    "and",
    "around",
    "as",
    "at",
    "because",
    "before",
    "but",
    "by",
    "can",
    "could",
    "do",
    "does",
    "doesn't",
    "evening",
    "for",
    "from",
    "good",
    "great",
    "he",
    "how",
    "i",
    "i'll",
    "i'm",
    "if",
    "in",
    "instead",
    "is",
    "isn't",
    "it",
    "it's",
    "just",
    "latest",
    "let's",
    "like",
    "maybe",
    "might",
    "morning",
    "no",
    "not",
    "of",
    "oh",
    "okay",
    "on",
    "or",
    "please",
    "right",
    "she",
    "should",
    "so",
    "sorry",
    "sounds",
    "still",
    "that",
    "that's",
    "the",
    "then",
    "there",
    "they",
    "through",
    "to",
    "too",
    "unless",
    "until",
    "was",
    "we",
    "we'd",
    "we'll",
    "we're",
    "well",
    "what",
    "when",
    "where",
    "which",
    "will",
    "with",
    "work",
    "works",
    "would",
    "yeah",
    "yes",
    "you",
    "you'll",
    "your",
    "actually",
    "next",
    "this",
    "i'd",
    "they'll",
    "without",
    "right",
    "once",
    "while",
    "since",
    "probably",
    "though",
    "either",
    "looks",
    "sometime",
    "somewhere",
    "wait",
    "rather",
];
