//! Weeks, months, quarters, halves and years, whole and in part: "next week", "end of q three", "mid march".

use jiff::civil::Date;

use super::{
    calendar::{self, Span, fiscal_year, month_of, part_of_year, plus, plus_months, week},
    lexicon,
    mention::{Role, Why},
    reader::{Edge, Item, Reader, What},
};

/// A period as said.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Its days.
    pub span: Span,
    /// Where its words end.
    pub to: usize,
    /// Role that its own words settle.
    pub role: Option<Role>,
    /// How sure.
    pub certainty: f32,
    /// A part of it was said too.
    pub edge: Option<Edge>,
    /// It is a week.
    pub week: bool,
}

/// Words before a month that make "march" and "may" a month.
const BEFORE_MONTH: &[&str] = &[
    "in", "by", "of", "this", "last", "early", "mid", "late", "since", "until", "before", "after", "for", "through",
    "from", "around", "during", "between", "til", "as", "starting", "maybe", "say", "either", "next", "or",
];
/// Verbs after the modal "may".
const AFTER_MODAL: &[&str] = &[
    "be", "not", "have", "need", "want", "take", "also", "well", "even", "or", "just", "still", "actually", "come",
    "help",
];
/// After a name ("april said") the month is a person.
const AFTER_NAME: &[&str] =
    &["said", "says", "told", "thinks", "wants", "asked", "mentioned", "from", "here", "who", "and"];
/// Before a name.
const BEFORE_NAME: &[&str] =
    &["with", "hi", "hey", "thanks", "thank", "ask", "told", "tell", "cc", "loop", "hello", "looping"];

impl Reader {
    /// A period, or a part of one, at `i`.
    pub fn period_item(&self, i: usize) -> Option<Item> {
        let item = |p: Period, span: Span, edge, certainty: f32| Item {
            edge,
            period: true,
            role: p.role,
            ..Item::new(i, p.to, collapse(span), certainty.min(p.certainty))
        };
        if let Some((edge, at)) = self.edge_before(i) {
            // "Mid to late april".
            if self.is(at, &["to", "or"])
                && let Some((until, at)) = self.edge_before(at + 1)
                && let Some(p) = self.period(at, true)
            {
                let span = Span { first: self.part(p, edge).first, last: self.part(p, until).last };
                return Some(item(p, span, None, 0.75));
            }
            if let Some(p) = self.period(at, true).filter(|p| p.edge.is_none()) {
                return Some(item(p, self.part(p, edge), Some(edge), if edge == Edge::End { 0.95 } else { 0.8 }));
            }
            if edge == Edge::End
                && let Some(to) =
                    self.any(at, &["the day", "day", "business", "business day", "the business day", "play"])
            {
                // "At the end of the day" sums up; only "by the end of the day" is a deadline.
                if self.is(at, &["the"]) && !["by", "before", "until"].contains(&self.before(i, 1)) {
                    return None;
                }
                return Some(Item::new(i, to, What::Day(self.today), 0.9));
            }
            return None;
        }
        if let Some(item) = self.week_of(i).or_else(|| self.ordinal_part(i)).or_else(|| self.short_end(i)) {
            return Some(item);
        }
        if let Some(to) = self.any(i, &["the new year"]) {
            let span = month_of(self.today.year() + 1, 1)?;
            return Some(Item { period: true, ..Item::new(i, to, What::Span(span), 0.7) });
        }
        let p = self.period(i, false)?;
        if self.is(p.to, &["ends", "starts", "begins", "ended", "started"])
            && (self.is(p.to + 1, &["in", "on", "at"]) || lexicon::month(self.at(p.to + 1)).is_some())
        {
            // "Our fiscal year ends in june": the month is the news.
            return None;
        }
        if let Some(to) = self.any(p.to, &["end", "ends", "close"]).filter(|to| self.stops(*to)) {
            let p = Period { to, ..p };
            return Some(item(p, self.part(p, Edge::End), Some(Edge::End), 0.9));
        }
        Some(item(p, p.span, p.edge, 0.9))
    }

    /// "end of", "early", "the middle of": which part, and where the period begins.
    fn edge_before(&self, i: usize) -> Option<(Edge, usize)> {
        let at = self.skip(i, &["the very", "the", "very"]);
        let sides: [(Edge, &[&str]); 4] = [
            (Edge::End, &["end of", "tail end of", "close of", "end the", "end", "close"]),
            (
                Edge::Early,
                &["beginning of", "start of", "top of", "front end of", "early part of", "early in", "early"],
            ),
            (Edge::Mid, &["middle of", "mid"]),
            (
                Edge::Late,
                &[
                    "later part of",
                    "late part of",
                    "latter part of",
                    "back end of",
                    "later in",
                    "later",
                    "late in",
                    "late",
                ],
            ),
        ];
        sides.into_iter().find_map(|(edge, phrases)| Some((edge, self.any(at, phrases)?)))
    }

    /// The part of a period. Weeks: Monday and Tuesday, Wednesday, Thursday and Friday; their end is Friday. Anything
    /// longer is cut into three; months after their 10th and 20th day. The end reaches from the last working day to
    /// the last day.
    fn part(&self, p: Period, edge: Edge) -> Span {
        let Span { first, last } = p.span;
        if p.week {
            let (from, to) = match edge {
                Edge::Early => (0, 1),
                Edge::Mid => (2, 2),
                Edge::Late => (3, 4),
                Edge::End => (4, 4),
            };
            let span = Span { first: plus(first, from), last: plus(first, to) };
            // "End of the week" said on a weekend is the coming Friday.
            let gone = span.last < self.today && p.span.has(self.today);
            return if gone { Span { first: plus(span.first, 7), last: plus(span.last, 7) } } else { span };
        }
        if edge == Edge::End {
            return Span { first: p.span.due(self.work), last };
        }
        let months = i64::from(last.month() - first.month()).rem_euclid(12) + 1;
        let cut = |third: i64| {
            if months == 1 { plus(first, [0, 10, 20][third as usize]) } else { plus_months(first, months * third / 3) }
        };
        match edge {
            Edge::Early => Span { first, last: plus(cut(1), -1) },
            Edge::Mid => Span { first: cut(1), last: plus(cut(2), -1) },
            Edge::Late | Edge::End => Span { first: cut(2), last },
        }
    }

    /// "the week of the ninth", "the week after thanksgiving".
    fn week_of(&self, i: usize) -> Option<Item> {
        let at = self.skip(i, &["the", "that"]);
        let (weeks, at) = if let Some(to) = self.any(at, &["week of", "week commencing", "week beginning"]) {
            (0, to)
        } else if let Some(to) = self.any(at, &["week after"]) {
            (1, to)
        } else {
            (-1, self.phrase(at, "week before")?)
        };
        let day = self.day_item(at, true)?;
        let What::Day(of) = day.what else { return None };
        Some(Item { period: true, ..Item::new(i, day.to, What::Span(week(plus(of, 7 * weeks))), 0.85) })
    }

    /// "the first week of may", "the last friday of the month", "the second half of july", "the last day of q two".
    fn ordinal_part(&self, i: usize) -> Option<Item> {
        let at = self.skip(i, &["the"]);
        let (nth, at) = if self.is(at, &["last", "final"]) { (-1, at + 1) } else { self.ordinal(at)? };
        let weekday = self.weekday(at);
        let unit = self.unit(at);
        let half = self.is(at, &["half"]);
        let to = if let Some((_, to)) = unit { to } else { at + 1 };
        if weekday.is_none() && unit.is_none() && !half || !self.is(to, &["of", "in"]) {
            return None;
        }
        let p = self.period(to + 1, true).filter(|p| !p.week)?;
        let Span { first, last } = p.span;
        let days = |a: i64, b: i64| Span { first: plus(first, a), last: plus(first, b).min(last) };
        let what = if let Some(weekday) = weekday {
            What::Day(calendar::nth_weekday(p.span, nth, weekday)?)
        } else if half {
            let months = i64::from(last.month() - first.month()).rem_euclid(12) + 1;
            let middle = if months == 1 { plus(first, 15) } else { plus_months(first, months / 2) };
            match nth {
                1 => What::Span(Span { first, last: plus(middle, -1) }),
                _ => What::Span(Span { first: middle, last }),
            }
        } else {
            use super::reader::Unit::{Day, Month, Quarter, Week, WorkingDay, Year};
            match (unit?.0, nth) {
                (Day, -1) => What::Day(last),
                (Day, n) => What::Day(plus(first, n - 1)),
                (WorkingDay, -1) => What::Day(p.span.due(self.work)),
                (WorkingDay, n) => What::Day(self.work.plus(plus(first, -1), n)),
                (Week, -1) => What::Span(Span { first: plus(last, -6), last }),
                (Week, n @ 1..=5) => What::Span(days(7 * (n - 1), 7 * n - 1)),
                (Month, -1) => What::Span(calendar::month(last)),
                (Month, n) => What::Span(calendar::month(plus_months(first, n - 1))),
                (Quarter, -1) => What::Span(part_of_year(p.span, 4, 3)),
                (Quarter, n @ 1..=4) => What::Span(part_of_year(p.span, 4, n - 1)),
                (Week | Quarter | Year, _) => return None,
            }
        };
        Some(Item { period: true, role: p.role, ..Item::new(i, p.to, what, 0.85) })
    }

    /// "e o d", "year end", "close of business".
    fn short_end(&self, i: usize) -> Option<Item> {
        let end = |to, span: Span, is_week| {
            let p = Period { span, to, role: None, certainty: 0.9, edge: None, week: is_week };
            Some(Item {
                edge: Some(Edge::End),
                period: true,
                ..Item::new(i, to, collapse(self.part(p, Edge::End)), 0.9)
            })
        };
        let today = self.today;
        if let Some(to) = self.any(i, &["eod", "e o d", "cob", "c o b", "close of play"]) {
            return Some(Item::new(i, to, What::Day(today), 0.9));
        }
        if let Some(to) = self.any(i, &["eow", "e o w"]) {
            return end(to, week(today), true);
        }
        if let Some(to) = self.any(i, &["eom", "e o m", "month-end", "the month-end"]) {
            return end(to, calendar::month(today), false);
        }
        if let Some(to) = self.any(i, &["eoq", "e o q", "quarter-end", "the quarter-end"]) {
            return end(to, calendar::quarter(today, self.fiscal), false);
        }
        let at = self.skip(i, &["our", "their", "your", "the"]);
        if let Some(to) = self.any(at, &["fiscal year-end"]) {
            return end(to, fiscal_year(today, self.fiscal), false);
        }
        if let Some(to) = self.any(at, &["eoy", "e o y", "year-end"]) {
            return end(to, calendar::year(today), false);
        }
        None
    }

    /// A whole period at `i`. `after_of`: it follows "end of" and the like, where "the month" is this month.
    pub fn period(&self, i: usize, after_of: bool) -> Option<Period> {
        self.unit_period(i, after_of)
            .or_else(|| self.part_period(i))
            .or_else(|| self.month_period(i, after_of))
            .or_else(|| self.year_period(i, after_of))
    }

    /// "next week", "this quarter", "the week after next", "last fiscal year".
    fn unit_period(&self, i: usize, after_of: bool) -> Option<Period> {
        let today = self.today;
        let make = |unit: &str, n: i64, to| {
            let span = match unit {
                "week" => week(plus(today, 7 * n)),
                "month" => calendar::month(plus_months(today.first_of_month(), n)),
                "quarter" => {
                    calendar::quarter(plus_months(calendar::quarter(today, self.fiscal).first, 3 * n), self.fiscal)
                }
                "half" => {
                    let half = self.half_of(today);
                    self.half_of(plus_months(half.first, 6 * n))
                }
                "fiscal" => fiscal_year(plus_months(today.first_of_month(), 12 * n), self.fiscal),
                _ => calendar::year(plus_months(today.first_of_year(), 12 * n)),
            };
            let role = (n < 0).then_some(Role::Past);
            Some(Period { span, to, role, certainty: 0.95, edge: None, week: unit == "week" })
        };
        let unit = |i: usize| -> Option<(&'static str, usize)> {
            Some(match self.at(i) {
                "week" => ("week", i + 1),
                "month" => ("month", i + 1),
                "quarter" if !self.is(i + 1, &["past", "of", "million"]) => ("quarter", i + 1),
                "half" if !self.is(i + 1, &["of", "hour", "day", "past"]) => ("half", i + 1),
                "year" => ("year", i + 1),
                "calendar" if self.is(i + 1, &["year"]) => ("year", i + 2),
                "fiscal" if self.is(i + 1, &["year"]) => ("fiscal", i + 2),
                "fiscal" if self.is(i + 1, &["quarter"]) => ("quarter", i + 2),
                _ => return None,
            })
        };
        let at = self.skip(i, &["the"]);
        if let Some((kind, to)) = unit(at)
            && let Some(to) = self.phrase(to, "after next")
        {
            return make(kind, 2, to);
        }
        if let Some((kind, to)) = unit(at).filter(|_| at > i)
            && kind == "week"
            && let Some(to) = self.phrase(to, "before last")
        {
            return make(kind, -2, to);
        }
        let (n, next) = if self.is(at, &["this", "current"]) && !self.is(at + 1, &["past", "last"]) {
            (0, self.skip(at + 1, &["coming"]))
        } else if self.is(at, &["next", "coming", "upcoming", "following"]) {
            (1, at + 1)
        } else if let Some(to) = self.any(at, &["last", "previous", "this past", "this last", "past", "prior"]) {
            (-1, to)
        } else if after_of || self.is(at, &["fiscal"]) && at > i {
            (0, at)
        } else if self.is(i, &["our", "their", "your"]) && self.is(i + 1, &["fiscal"]) {
            let (kind, to) = unit(i + 1)?;
            // "Our fiscal year ends in june" tells when; "our fiscal year ends" is the day.
            return make(kind, 0, to);
        } else {
            return None;
        };
        let next = if after_of { self.skip(next, &["our", "your", "their"]) } else { next };
        let (kind, to) = unit(next)?;
        // "The week after": after what, stands elsewhere.
        let elsewhere = n == 0 && self.is(to, &["after", "before"]) && !self.is(at, &["this", "current"]);
        (!elsewhere).then(|| make(kind, n, to)).flatten()
    }

    fn half_of(&self, day: Date) -> Span {
        let year = fiscal_year(day, self.fiscal);
        let first = part_of_year(year, 2, 0);
        if first.has(day) { first } else { part_of_year(year, 2, 1) }
    }

    /// "q three", "third quarter", "h two", "first half of next year", with a year behind it.
    fn part_period(&self, i: usize) -> Option<Period> {
        let at = self.skip(i, &["our", "your", "their", "the"]);
        let calendar = self.is(at, &["calendar"]);
        let at = self.skip(at, &["fiscal", "calendar"]);
        let digit = |i: usize| match self.at(i) {
            "tree" | "free" => Some(3),
            "won" => Some(1),
            "to" | "too" => Some(2),
            "for" => Some(4),
            word => lexicon::cardinal(word),
        };
        let (parts, nth, mut to) = if self.is(at, &["q", "fq"]) {
            (4, digit(at + 1).filter(|n| (1..=4).contains(n))?, at + 2)
        } else if self.is(at, &["h"]) {
            (2, digit(at + 1).filter(|n| (1..=2).contains(n))?, at + 2)
        } else {
            let (nth, to) = if self.is(at, &["back"]) { (2, at + 1) } else { self.ordinal(at)? };
            match self.at(to) {
                "quarter" if (1..=4).contains(&nth) => (4, nth, to + 1),
                "half" if (1..=2).contains(&nth) => {
                    let prompted = ["in", "by", "for", "during"].contains(&self.before(i, 1));
                    let bare = prompted && !self.is(to + 1, &["of"]);
                    let year = self.phrase(to + 1, "of").and_then(|o| self.year_period(o, true).or(self.unit_year(o)));
                    (bare || year.is_some()).then_some((2, nth, to + 1))?
                }
                _ => return None,
            }
        };
        let starts = if calendar { 1 } else { self.fiscal };
        let of = self.skip(to, &["of", "in"]);
        if let Some(year) = self.year_period(of, true).or_else(|| self.unit_year(of)) {
            to = year.to;
            let base = if starts == 1 { year.span } else { fiscal_year(year.span.last, starts) };
            let span = part_of_year(base, parts, nth - 1);
            return Some(Period { span, to, role: None, certainty: 0.95, edge: None, week: false });
        }
        let year = fiscal_year(self.today, starts);
        let this = part_of_year(year, parts, nth - 1);
        let shifted = |n: i64| part_of_year(fiscal_year(plus_months(year.first, 12 * n), starts), parts, nth - 1);
        let past = self.is_past(i, to);
        let span = match (past, this.last < self.today, this.first > self.today) {
            (true, _, true) => shifted(-1),
            (true, ..) | (false, false, _) => this,
            (false, true, _) => shifted(1),
        };
        let certainty = if starts == 1 { 0.9 } else { 0.7 };
        Some(Period { span, to, role: None, certainty, edge: None, week: false })
    }

    fn unit_year(&self, i: usize) -> Option<Period> {
        self.unit_period(i, true).filter(|p| p.span.last == plus(plus_months(p.span.first, 12), -1))
    }

    /// "march", "next march", "march of next year", "march twenty twenty seven".
    fn month_period(&self, i: usize, after_of: bool) -> Option<Period> {
        let (rel, at) = match self.at(i) {
            "this" => (0, self.skip(i + 1, &["coming", "past"])),
            "next" | "coming" => (1, i + 1),
            "last" => (-1, i + 1),
            _ => (0, i),
        };
        let rel = if self.before(at, 1) == "past" { -1 } else { rel };
        let number = lexicon::month(self.at(at))?;
        let mut to = at + 1;
        let of = self.skip(to, &["of", "in"]);
        let year = self.year_period(of, true).or_else(|| self.unit_year(of));
        if year.is_none() && !self.is_month(i, at, after_of) {
            return None;
        }
        let this = month_of(self.today.year(), number)?;
        let shifted = |n: i16| month_of(self.today.year() + n, number);
        let past = rel < 0 || self.is_past(i, to);
        let span = if let Some(year) = year {
            to = year.to;
            month_of(year.span.first.year(), number)?
        } else if past {
            if this.first > self.today || rel < 0 && this.has(self.today) { shifted(-1)? } else { this }
        } else if this.last < self.today || rel > 0 && this.has(self.today) {
            shifted(1)?
        } else {
            this
        };
        let certainty = if rel > 0 && number > self.today.month() { 0.6 } else { 0.9 };
        let role = (rel < 0).then_some(Role::Past);
        Some(Period { span, to, role, certainty, edge: None, week: false })
    }

    /// Whether the month's name at `at` is one here, not a verb or a person.
    pub fn is_month(&self, from: usize, at: usize, after_of: bool) -> bool {
        let prev = self.before(at, 1);
        let person = (BEFORE_NAME.contains(&prev) || self.is(at + 1, AFTER_NAME))
            && !["in", "by", "since", "until", "of", "this", "last"].contains(&prev);
        match self.at(at) {
            "may" => {
                let firm = after_of
                    || prev == "or" && lexicon::month(self.before(at, 2)).is_some()
                    || ["in", "by", "of", "until", "since", "mid", "early", "late"].contains(&prev);
                firm || BEFORE_MONTH.contains(&prev)
                    && prev != "or"
                    && !self.is(at + 1, AFTER_MODAL)
                    && self.stops(at + 1)
            }
            "march" => {
                after_of
                    || lexicon::month(self.at(at + 1)).is_some_and(|m| m != 5)
                    || BEFORE_MONTH.contains(&prev)
                    || from == at && at == 0 && self.stops(at + 1)
            }
            "april" | "june" | "august" => after_of || !person,
            _ => true,
        }
    }

    /// "twenty twenty seven", "fiscal twenty seven", "f y twenty seven".
    fn year_period(&self, i: usize, after_of: bool) -> Option<Period> {
        let make = |span, to| Some(Period { span, to, role: None, certainty: 0.9, edge: None, week: false });
        if let Some(at) = self.any(i, &["fiscal year", "fiscal", "f y", "fy"]) {
            // A fiscal year is named by the calendar year it ends in (US federal usage, OMB Circular A-11, 20.3).
            let short = || self.number(at).filter(|(n, _)| (20..50).contains(n));
            let short = || short().and_then(|(n, to)| Some((i16::try_from(2_000 + n).ok()?, to)));
            let (year, to) = self.year(at).or_else(short)?;
            let within = Date::new(year, 12, 31).ok()?;
            let span = fiscal_year(within, self.fiscal);
            let span = if span.last.year() > year { fiscal_year(plus(span.first, -1), self.fiscal) } else { span };
            return make(span, to);
        }
        let (year, to) = self.year(i)?;
        let prompted = after_of
            || ["in", "by", "for", "of", "until", "since", "during", "through", "end"].contains(&self.before(i, 1));
        let last = Date::new(year, 12, 31).ok()?;
        (prompted && self.stops(to)).then(|| make(calendar::year(last), to)).flatten()
    }
}

/// A span of one day is that day.
pub fn collapse(span: Span) -> What {
    match span {
        Span { first, last } if first == last => What::Day(first),
        Span { first, last } if last < first => What::Never(Why::NoSuchDay),
        _ => What::Span(span),
    }
}
