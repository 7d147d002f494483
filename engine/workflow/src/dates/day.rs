//! Single days: weekdays, "tomorrow", "in three weeks", "the fifteenth", "march third", named days.

use jiff::civil::{Date, Weekday};

use super::{
    calendar::{Span, in_week, month, month_of, next_weekday, plus, plus_months, previous_weekday, week},
    lexicon,
    mention::{Role, Why},
    period::collapse,
    reader::{Edge, Item, Reader, Unit, What},
};

/// Before a bare "the third" they show that a day is meant; without one of them only the tenth and later count.
const BEFORE_ORDINAL: &[&str] = &[
    "on",
    "by",
    "before",
    "until",
    "after",
    "from",
    "since",
    "through",
    "between",
    "or",
    "about",
    "say",
    "it",
    "to",
    "thursday",
    "monday",
    "tuesday",
    "wednesday",
    "friday",
    "saturday",
    "sunday",
    "of",
];

impl Reader {
    /// A day at `i`. `nested`: inside another expression ("the week of ...").
    pub fn day_item(&self, i: usize, nested: bool) -> Option<Item> {
        let item = self
            .relative_day(i)
            .or_else(|| self.counted(i))
            .or_else(|| self.weekday_item(i))
            .or_else(|| self.day_of_month(i, nested))
            .or_else(|| self.holiday_item(i))
            .or_else(|| self.beside_day(i))?;
        Some(Item { to: self.skip(item.to, PARTS_OF_DAY), ..item })
    }

    fn relative_day(&self, i: usize) -> Option<Item> {
        let day = |to, n: i64, role: Option<Role>| {
            Some(Item { role, ..Item::new(i, to, What::Day(plus(self.today, n)), 0.97) })
        };
        if let Some(to) = self.any(i, &["the day after tomorrow", "day after tomorrow"]) {
            return day(to, 2, None);
        }
        if let Some(to) = self.any(i, &["the day before yesterday", "day before yesterday"]) {
            return day(to, -2, Some(Role::Past));
        }
        if let Some(to) = self.any(i, &["yesterday", "last night"]) {
            return day(to, -1, Some(Role::Past));
        }
        if let Some(to) = self.any(i, &["tomorrow week"]) {
            return day(to, 8, None);
        }
        if let Some(to) = self.any(i, &["first thing tomorrow", "tomorrow", "the next day"]) {
            let _ = to;
            return (!self.is(i, &["the"])).then(|| day(to, 1, None)).flatten();
        }
        if let Some(to) = self.any(i, &["this morning"]) {
            // Said after noon, the morning is over.
            let over = self.hour >= 12 || self.is_past(i, to);
            return day(to, 0, over.then_some(Role::Past));
        }
        if let Some(to) = self.any(i, &["earlier today"]) {
            return day(to, 0, Some(Role::Past));
        }
        let to = self.any(i, &["later today", "today", "tonight", "this afternoon", "this evening"])?;
        Some(Item { certainty: if self.before(i, 1) == "by" { 0.97 } else { 0.85 }, ..day(to, 0, None)? })
    }

    /// Counts of units: "in three weeks", "two weeks ago", "two weeks from friday", "within two working days".
    fn counted(&self, i: usize) -> Option<Item> {
        if let Some(to) =
            self.any(i, &["this time next week", "same time next week", "same day next week", "by this time next week"])
        {
            return Some(Item::new(i, to, What::Day(plus(self.today, 7)), 0.85));
        }
        let (mode, at) = self.count_mode(i);
        let weeks = self.any(at, &["week from", "week on"]).map(|to| to - 1);
        let (count, at) =
            if weeks.is_some() { (Some((1, 1)), at) } else { self.count(at).unwrap_or((None, usize::MAX)) };
        let at = if at == usize::MAX && matches!(mode, Mode::Next | Mode::Past) { self.vague_units(i)? } else { at };
        let (unit, mut to) = self.unit(at)?;
        if self.is(to, &["time"]) {
            to += 1;
        }
        let shift = |from: Date, n: i64| self.shift(from, n, unit);
        let (count, or_two) = match (count, self.any(to, &["or two", "or so"])) {
            (Some((1, 1)), Some(end)) if self.is(to + 1, &["two"]) => (Some((1, 2)), end),
            (_, Some(end)) if self.is(to + 1, &["so"]) => (count, end),
            _ => (count, to),
        };
        to = or_two;
        if let Some(end) = self.any(to, &["ago", "back", "earlier"]) {
            let what = count.map_or(What::Never(Why::Vague), |(n, most)| {
                collapse(Span { first: shift(self.today, -most), last: shift(self.today, -n) })
            });
            return Some(Item::new(i, end, what, 0.85).as_role(Role::Past));
        }
        if mode == Mode::Past {
            let what = count.map_or(What::Never(Why::Vague), |(_, n)| {
                What::Span(Span { first: shift(self.today, -n), last: self.today })
            });
            return Some(Item::new(i, to, what, 0.8).as_role(Role::Past));
        }
        if let Some(item) = self.counted_from(i, mode, count, unit, to) {
            return Some(item);
        }
        let Some((least, most)) = count else {
            return matches!(mode, Mode::In | Mode::Within | Mode::Next)
                .then(|| Item::new(i, to, What::Never(Why::Vague), 0.8));
        };
        let (first, last) = (shift(self.today, least), shift(self.today, most));
        let certainty =
            if least < most || unit == Unit::Month || self.is(i + 1, &["a", "couple"]) { 0.7 } else { 0.85 };
        match mode {
            Mode::In => Some(Item::new(i, to, collapse(Span { first, last }), certainty)),
            Mode::Within | Mode::Next => Some(Item::new(i, to, collapse(Span { first: self.today, last }), certainty)),
            // "Five business days" with nothing before it is mostly how long until, never how long it took.
            Mode::Bare if unit == Unit::WorkingDay && !self.is_length(i) => {
                Some(Item::new(i, to, collapse(Span { first: self.today, last }), 0.6))
            }
            Mode::Bare if self.is(to, &["out"]) && self.stops(to + 1) => {
                Some(Item::new(i, to + 1, collapse(Span { first, last }), 0.7))
            }
            Mode::Bare | Mode::Past => None,
        }
    }

    /// What stands before a count.
    fn count_mode(&self, i: usize) -> (Mode, usize) {
        let about =
            |at| self.skip(at, &["about", "like", "maybe", "say", "probably", "roughly", "around", "the next", "just"]);
        let past = [
            "in the last",
            "over the last",
            "for the last",
            "in the past",
            "over the past",
            "for the past",
            "the last",
            "the past",
            "within the last",
            "during the last",
        ];
        if let Some(to) = self.any(i, &past) {
            return (Mode::Past, to);
        }
        if let Some(to) = self.any(
            i,
            &["in the next", "over the next", "within the next", "the next", "in the coming", "over the coming"],
        ) {
            return (Mode::Next, to);
        }
        if let Some(to) = self.any(i, &["within", "inside of", "inside", "in under", "in less than", "no later than"]) {
            return (Mode::Within, about(to));
        }
        if let Some(to) = self.any(i, &["in"]) {
            return (Mode::In, about(to));
        }
        (Mode::Bare, i)
    }

    /// "the coming weeks", "the last weeks": a unit with no count.
    fn vague_units(&self, i: usize) -> Option<usize> {
        let at = self.any(i, &["in the coming", "over the coming", "over the next", "over the last"])?;
        self.at(at).ends_with('s').then_some(at)
    }

    /// "... from now", "... from tuesday", "... thursday", "... after go live".
    fn counted_from(&self, i: usize, mode: Mode, count: Option<(i64, i64)>, unit: Unit, to: usize) -> Option<Item> {
        let span = |from: Date, (a, b): (i64, i64)| {
            collapse(Span { first: self.shift(from, a, unit), last: self.shift(from, b, unit) })
        };
        if let Some(end) = self.any(to, &["from now", "from today", "from here", "from the day"]) {
            let what = count.map_or(What::Never(Why::Vague), |n| span(self.today, n));
            return Some(Item::new(i, end, what, if count.is_some() { 0.9 } else { 0.8 }));
        }
        let within = mode == Mode::Within && self.is(to, &["of"]);
        if within
            || self.is(to, &["from", "after", "following", "on", "before"])
            || unit == Unit::Week && (self.weekday(to).is_some() || self.is(to, &["tomorrow", "today"]))
        {
            let on = self.weekday(to).is_none() && !self.is(to, &["tomorrow", "today"]);
            let at = if on { to + 1 } else { to };
            if self.is(to, &["on"]) && (unit != Unit::Week || self.weekday(at).is_none()) {
                return None;
            }
            if let Some(base) = self.day_item(at, true) {
                let (What::Day(day), Some(n)) = (base.what, count) else { return None };
                let n = if self.is(to, &["before"]) { (-n.1, -n.0) } else { n };
                return Some(Item::new(i, base.to, span(day, n), if on { 0.85 } else { 0.75 }));
            }
            let event = !self.is(to, &["on"])
                && self.weekday(to).is_none()
                && !self.at(to + 1).is_empty()
                && mode != Mode::Past;
            return event.then(|| Item::new(i, (to + 3).min(self.words.text.len()), What::Never(Why::Event), 0.8));
        }
        None
    }

    /// So many units later.
    pub fn shift(&self, from: Date, n: i64, unit: Unit) -> Date {
        match unit {
            Unit::Day => plus(from, n),
            Unit::WorkingDay => self.work.plus(from, n),
            Unit::Week => plus(from, 7 * n),
            Unit::Month => plus_months(from, n),
            Unit::Quarter => plus_months(from, 3 * n),
            Unit::Year => plus_months(from, 12 * n),
        }
    }

    /// Whether a count here is how long something lasts.
    fn is_length(&self, i: usize) -> bool {
        let verbs = [
            "took", "take", "takes", "taking", "was", "for", "of", "every", "spent", "lasted", "a", "the", "past",
            "last",
        ];
        verbs.contains(&self.before(i, 1))
            || verbs.contains(&self.before(i, 2)) && self.is(i - 1, &["about", "like", "around"])
    }

    fn weekday_item(&self, i: usize) -> Option<Item> {
        let today = self.today;
        let monday = week(today).first;
        // "next week on friday", "the week after next monday"
        let weeks: [(&str, i64); 6] = [
            ("next week on", 1),
            ("next week", 1),
            ("the week after next on", 2),
            ("the week after next", 2),
            ("this week on", 0),
            ("later this week on", 0),
        ];
        if let Some((n, to)) = weeks.iter().find_map(|(p, n)| Some((*n, self.phrase(i, p)?)))
            && let Some(day) =
                self.weekday(to).or_else(|| self.weekday(self.skip(to, &["maybe", "probably", "like", "say"])))
        {
            let to = if self.weekday(to).is_some() { to } else { to + 1 };
            return Some(Item::new(i, to + 1, What::Day(in_week(plus(monday, 7 * n), day)), 0.95));
        }
        let at = self.skip(
            i,
            &[
                "first thing",
                "end of day",
                "end of day on",
                "close of business",
                "close of business on",
                "eod",
                "cob",
                "e o d",
                "c o b",
            ],
        );
        let ends = at > i;
        let at = if ends { self.skip(at, &["on"]) } else { at };
        if ends && let Some(item) = self.relative_day(at) {
            return Some(Item { from: i, ..item });
        }
        let (how, at) = match self.at(at) {
            "this" if self.is(at + 1, &["past"]) => (How::Last, at + 2),
            "this" => (How::This, self.skip(at + 1, &["coming", "next"])),
            "next" => (How::Next, at + 1),
            "last" | "past" => (How::Last, at + 1),
            "coming" | "following" => (How::Plain, at + 1),
            _ => (How::Plain, at),
        };
        let name = self.weekday(at)?;
        let mut to = at + 1;
        let day = |d: Date, to, certainty| Some(Item::new(i, to, What::Day(d), certainty));
        // A date right behind the weekday says which one.
        let dated = self.skip(to, &["the"]);
        if let Some(date) = self.day_of_month(dated, true).or_else(|| self.day_of_month(to, true))
            && let What::Day(d) = date.what
        {
            return day(d, date.to, if d.weekday() == name { 0.97 } else { 0.5 });
        }
        to = self.skip(to, &["morning", "afternoon", "evening"]);
        if let Some(end) = self.any(to, &["after next"]) {
            return day(in_week(plus(monday, 14), name), end, 0.7);
        }
        for (phrase, n) in [
            ("of next week", 1),
            ("next week", 1),
            ("of this week", 0),
            ("this week", 0),
            ("the week after next", 2),
            ("the following week", 1),
            ("the week after", 1),
        ] {
            if let Some(end) = self.phrase(to, phrase) {
                return day(in_week(plus(monday, 7 * n), name), end, 0.95);
            }
        }
        if let Some(end) = self.phrase(to, "last week") {
            return Some(Item::new(i, end, What::Day(in_week(plus(monday, -7), name)), 0.95).as_role(Role::Past));
        }
        if self.is(to, &["in"])
            && let Some((Some((n, most)), unit)) = self.count(to + 1)
            && n == most
            && self.is(unit, &["week", "weeks"])
        {
            return day(in_week(plus(monday, 7 * n), name), unit + 1, 0.85);
        }
        if let Some(end) =
            self.any(to, &["week", "a week"]).filter(|end| self.stops(*end) && !self.is(*end, &["from", "after"]))
        {
            return day(plus(next_weekday(today, name), 7), end, 0.8);
        }
        let this = in_week(today, name);
        match how {
            How::Last => Some(Item::new(i, to, What::Day(previous_weekday(today, name)), 0.85).as_role(Role::Past)),
            How::Next => day(plus(this, 7), to, if plus(this, 7) == next_weekday(today, name) { 0.9 } else { 0.7 }),
            How::This => day(if this < today { plus(this, 7) } else { this }, to, 0.95),
            How::Plain if self.is_past(i, to) => {
                Some(Item::new(i, to, What::Day(previous_weekday(today, name)), 0.75).as_role(Role::Past))
            }
            How::Plain => day(next_weekday(today, name), to, if name == today.weekday() { 0.6 } else { 0.92 }),
        }
    }

    /// "march third", "the third of march", "the fifteenth", "the fifteenth of next month".
    pub fn day_of_month(&self, i: usize, nested: bool) -> Option<Item> {
        let the = self.is(i, &["the"]);
        let at = self.skip(i, &["the"]);
        if !the && let Some(number) = lexicon::month(self.at(at)) {
            let day_at = self.skip(at + 1, &["the"]);
            let year_first =
                self.year(day_at).is_some_and(|(y, to)| y >= 2020 && self.ordinal(day_at).is_none() && to > day_at + 1);
            let units =
                ["percent", "dollars", "thousand", "people", "hundred", "million", "of", "users", "seats", "deals"];
            let cardinal = || {
                self.number(day_at)
                    .filter(|(_, to)| !self.is(*to, &units) && day_at == at + 1 && (number != 5 || self.stops(*to)))
            };
            let (n, to) = self.ordinal(day_at).or_else(|| if year_first { None } else { cardinal() })?;
            return (1..=31).contains(&n).then(|| self.dated(i, number, n, to)).flatten();
        }
        let (n, to) = self.ordinal(at)?;
        let of = self.skip(to, &["of"]);
        if let Some(number) =
            lexicon::month(self.at(of)).filter(|_| of > to || !["may", "march"].contains(&self.at(of)))
        {
            return self.dated(i, number, n, of + 1);
        }
        if of > to
            && let Some(p) = self.period(of, true).filter(|p| month(p.span.first) == p.span)
        {
            // "The first of the month", when this month's is over, is the next one's.
            let over = self.is(of, &["the"])
                && p.span.has(self.today)
                && n < i64::from(self.today.day())
                && !self.is_past(i, p.to);
            let base = plus_months(p.span.first, i64::from(over));
            let day = Date::new(base.year(), base.month(), i8::try_from(n).ok()?).ok();
            return Some(Item {
                role: p.role,
                ..Item::new(i, p.to, day.map_or(What::Never(Why::NoSuchDay), What::Day), 0.9)
            });
        }
        // A bare day needs its article, a word that leads to a day, and nothing behind it that it could count.
        let prev = self.before(i, 1);
        let led = BEFORE_ORDINAL.contains(&prev) || n >= 10;
        // "From the ninth and", "the fifth and the sixth".
        let pair = self.is(to, &["and"])
            && self.is(to + 1, &["the"])
            && self.ordinal(to + 2).is_some_and(|(_, end)| self.stops(end));
        let firm = pair || ["on", "by", "before", "from", "until"].contains(&prev);
        let led = led || pair || prev == "and" && self.ordinal(i.saturating_sub(2)).is_some();
        let free = self.stops(to) || self.weekday(to).is_some();
        let sound = (the && (led || nested) || nested && self.weekday_before(i))
            && free
            && !(n < 10 && self.is(to, &["and", "of"]) && !firm);
        sound.then(|| self.next_day_numbered(n)).flatten().map(|day| {
            let day =
                if self.is_past(i, to) && day > self.today { self.last_day_numbered(n).unwrap_or(day) } else { day };
            Item { bare_day: true, ..Item::new(i, to, What::Day(day), if n < 4 { 0.75 } else { 0.88 }) }
        })
    }

    fn weekday_before(&self, i: usize) -> bool {
        lexicon::weekday(self.before(i, 1)).is_some() || lexicon::weekday(self.before(i, 2)).is_some()
    }

    /// Day and month, with the year that was said or fits.
    fn dated(&self, i: usize, number: i8, n: i64, to: usize) -> Option<Item> {
        let n = i8::try_from(n).ok()?;
        let this = self.today.year();
        let of = self.skip(to, &["of"]);
        let (year, end) = if let Some((year, end)) = self.year(of) {
            (Some(year), end)
        } else if let Some(end) = self.any(of, &["next year"]) {
            (Some(this + 1), end)
        } else if let Some(end) = self.any(of, &["this year"]) {
            (Some(this), end)
        } else if let Some(end) = self.any(of, &["last year"]) {
            (Some(this - 1), end)
        } else {
            (None, to)
        };
        let in_year = |y| Date::new(y, number, n).ok();
        let day = match year {
            Some(year) => in_year(year),
            None if self.is_past(i, to) => (this - 8..=this).rev().filter_map(in_year).find(|d| *d <= self.today),
            // Leap days come every four years, at a century's turn every eight.
            None => (this..=this + 8).filter_map(in_year).find(|d| *d >= self.today),
        };
        Some(Item::new(
            i,
            end,
            day.map_or(What::Never(Why::NoSuchDay), What::Day),
            if day.is_some() { 0.97 } else { 0.6 },
        ))
    }

    /// The next day of this number from today on, in the first month that has it.
    fn next_day_numbered(&self, n: i64) -> Option<Date> {
        let months = (0..3).map(|k| plus_months(self.today.first_of_month(), k));
        months.filter_map(|m| Date::new(m.year(), m.month(), i8::try_from(n).ok()?).ok()).find(|d| *d >= self.today)
    }

    fn last_day_numbered(&self, n: i64) -> Option<Date> {
        let months = (0..3).map(|k| plus_months(self.today.first_of_month(), -k));
        months.filter_map(|m| Date::new(m.year(), m.month(), i8::try_from(n).ok()?).ok()).find(|d| *d <= self.today)
    }

    fn holiday_item(&self, i: usize) -> Option<Item> {
        let last = self.is(i, &["last"]);
        let at = self.skip(i, &["last", "this", "next"]);
        let past = last || self.is_past(i, at + 1);
        let (day, to) = self.holiday(at, past)?;
        let item = Item::new(i, to, What::Day(day), 0.95);
        Some(if past { item.as_role(Role::Past) } else { item })
    }

    /// "the day after thanksgiving", "the friday before labor day".
    fn beside_day(&self, i: usize) -> Option<Item> {
        let at = self.skip(i, &["the"]);
        let weekday = self.weekday(at);
        if weekday.is_none() && !self.is(at, &["day"]) || !self.is(at + 1, &["after", "before", "following"]) {
            return None;
        }
        let after = !self.is(at + 1, &["before"]);
        let base = self.day_item(at + 2, true)?;
        let What::Day(day) = base.what else { return None };
        let day = match (weekday, after) {
            (Some(name), true) => next_weekday(day, name),
            (Some(name), false) => previous_weekday(day, name),
            (None, true) => plus(day, 1),
            (None, false) => plus(day, -1),
        };
        Some(Item::new(i, base.to, What::Day(day), 0.9))
    }

    /// "this weekend", "over the weekend".
    pub fn weekend(&self, i: usize) -> Option<Item> {
        let (n, to) = if let Some(to) = self.any(i, &["next weekend"]) {
            (1, to)
        } else if let Some(to) = self.any(i, &["last weekend", "this past weekend"]) {
            (-1, to)
        } else {
            (0, self.any(i, &["this weekend", "this coming weekend", "the weekend"])?)
        };
        let n = if n == 0 && self.is_past(i, to) { -1 } else { n };
        let first = in_week(plus(self.today, 7 * n), Weekday::Saturday);
        let item = Item::new(i, to, What::Span(Span { first, last: plus(first, 1) }), 0.9);
        Some(if n < 0 { item.as_role(Role::Past) } else { item })
    }

    /// Puts a day number into the month of `like`: the right side of "march third or fourth".
    pub fn renumber(day: Date, like: Date) -> Option<Date> {
        month_of(like.year(), like.month()).and_then(|m| Date::new(m.first.year(), m.first.month(), day.day()).ok())
    }

    /// The same part of another period, for corrections that leave the part out.
    pub fn edge_of(&self, span: Span, edge: Edge) -> What {
        match edge {
            Edge::End => collapse(Span { first: span.due(self.work), last: span.last }),
            _ => What::Span(span),
        }
    }
}

/// Parts of the day that belong to the day before them.
const PARTS_OF_DAY: &[&str] = &[
    "morning",
    "afternoon",
    "evening",
    "night",
    "end of day",
    "eod",
    "in the morning",
    "in the afternoon",
    "by end of day",
    "close of business",
    "by close of business",
];

/// What stands before a count of units.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bare,
    In,
    Within,
    Next,
    Past,
}

/// What stands before a weekday.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Plain,
    This,
    Next,
    Last,
}
