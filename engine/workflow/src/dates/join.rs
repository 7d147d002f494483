//! From expressions to mentions: days with times, ranges, corrections.

use jiff::civil::Date;

use super::{
    calendar::{Span, plus},
    lexicon,
    mention::{Role, Why},
    period::collapse,
    reader::{Item, Reader, What},
};

/// Words that take back what was just said.
const CORRECTIONS: &[&str] =
    &["no", "sorry", "mean", "rather", "actually", "wait", "scratch", "oops", "correction", "nope", "meant", "make"];
/// Words that may stand between the two sides of a correction.
const BETWEEN: &[&str] = &[
    "i", "that", "or", "on", "by", "the", "it", "it's", "oh", "well", "let's", "say", "in", "at", "yeah", "hang",
    "hold", "not", "that's", "sorry", "like", "till", "until", "my", "bad", "better", "for", "we", "said", "is",
];
/// Most words between the two sides of a correction.
const GAP: usize = 6;

impl Reader {
    /// Every expression, in order, before they are joined.
    pub fn read(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut i = 0;
        while i < self.words.text.len() {
            if let Some(to) = self.trap(i) {
                i = to;
                continue;
            }
            let Some(item) = self.expression(i) else {
                i += 1;
                continue;
            };
            i = item.to.max(i + 1);
            items.push(item);
            if let Some(right) = items.last().and_then(|left| self.second_number(left)) {
                i = right.to;
                items.push(right);
            }
        }
        items
    }

    fn expression(&self, i: usize) -> Option<Item> {
        if let Some(item) = self.recurring(i) {
            return Some(item);
        }
        if let Some((clock, to)) = self.clock(i, true)
            && let Some(day) = self.day_item(self.skip(to, &["on", "this"]), false).or_else(|| self.day_item(to, false))
            && matches!(day.what, What::Day(_))
            && day.time.is_none()
        {
            return Some(Item { from: i, time: Some(clock), ..day });
        }
        let choices = [self.day_item(i, false), self.period_item(i), self.weekend(i), self.undated(i)];
        let mut best: Option<Item> = None;
        for item in choices.into_iter().flatten() {
            if best.is_none_or(|b| item.to > b.to) {
                best = Some(item);
            }
        }
        let Some(item) = best else {
            return self.clock(i, false).map(|(clock, to)| Item::new(i, to, What::Time(clock), 0.8));
        };
        if item.what == What::Never(Why::Event) && self.is(i, &["after", "until", "following"]) {
            let dated = self.day_item(i + 1, true).is_some()
                || self.period_item(i + 1).is_some()
                || self.weekend(i + 1).is_some();
            if dated {
                return None;
            }
        }
        if matches!(item.what, What::Day(_))
            && let Some((clock, to)) = self.clock_behind(item.to)
        {
            return Some(Item { to, time: Some(clock), ..item });
        }
        Some(item)
    }

    /// A time of day behind a day: "tuesday at two thirty", "tomorrow morning around ten".
    fn clock_behind(&self, to: usize) -> Option<(super::mention::Clock, usize)> {
        self.clock(self.skip(to, &["then", "like", "maybe", "say"]), true)
    }

    /// The second day of "march third or fourth".
    fn second_number(&self, left: &Item) -> Option<Item> {
        let What::Day(day) = left.what else { return None };
        lexicon::ordinal(self.before(left.to, 1)).filter(|_| left.time.is_none())?;
        let between = self.before(left.from, 1) == "between" && self.is(left.to, &["and"]);
        if !self.is(left.to, &["or", "to", "through"]) && !between {
            return None;
        }
        let at = self.skip(left.to + 1, &["the"]);
        let (n, to) = self.ordinal(at)?;
        if !self.stops(to) || self.day_item(left.to + 1, false).is_some_and(|d| d.to > to) {
            return None;
        }
        let day = Date::new(day.year(), day.month(), i8::try_from(n).ok()?).ok().filter(|d| *d > day)?;
        Some(Item::new(left.to + 1, to, What::Day(day), left.certainty))
    }

    /// Ranges and corrections between neighbours, then the role of each.
    pub fn join(&self, items: Vec<Item>) -> Vec<Item> {
        let mut out: Vec<Item> = Vec::new();
        for mut right in items {
            if let Some(left) = out.last().copied() {
                let gap = &self.words.text[left.to.min(right.from)..right.from];
                if let Some(fixed) = self.corrected(&left, &right, gap) {
                    out.pop();
                    right = fixed;
                } else if let Some(range) = self.range(&left, &right, gap) {
                    out.pop();
                    right = range;
                } else if left.what == What::Never(Why::Event) && gap.len() <= 3 && !self.is(left.from, &["when", "by"])
                {
                    right.role = right.role.or(Some(Role::After));
                }
            }
            out.push(right);
        }
        for item in &mut out {
            item.role = item.role.or_else(|| Some(self.role(item)));
        }
        out
    }

    /// Whether two weekdays of a list, or two months, stand side by side.
    fn chained(&self, left: &Item, right: &Item) -> bool {
        let word = |item: &Item| if item.to == item.from + 1 { self.at(item.from) } else { "" };
        let (a, b) = (word(left), word(right));
        let days = lexicon::weekday(a).is_some() && lexicon::weekday(b).is_some() && self.is(right.to, &["or"]);
        days || lexicon::month(a).is_some() && lexicon::month(b).is_some()
    }

    /// Whether the day is named only to be ruled out: "i can't do friday", "friday doesn't work".
    fn is_refused(&self, item: &Item) -> bool {
        let from = if ["on", "this"].contains(&self.before(item.from, 1)) { item.from - 1 } else { item.from };
        let verbs = ["can't", "cannot", "couldn't", "won't"];
        let before = ["do", "make"].contains(&self.before(from, 1)) && verbs.contains(&self.before(from, 2));
        before
            || self
                .any(
                    item.to,
                    &["doesn't work", "won't work", "isn't good", "is no good", "is out", "is bad", "is tough"],
                )
                .is_some()
    }

    fn role(&self, item: &Item) -> Role {
        let latest = match item.what {
            What::Day(d) => d,
            What::Span(s) => s.last,
            _ => return Role::Ahead,
        };
        let prev = self.before(item.from, 1);
        if item.period && self.is_topic(item.to) || self.is_refused(item) {
            Role::Topic
        } else if latest < self.today || prev == "since" {
            Role::Past
        } else if ["after", "following", "past"].contains(&prev) {
            Role::After
        } else {
            Role::Ahead
        }
    }

    /// The right side, if it takes the left one back.
    fn corrected(&self, left: &Item, right: &Item, gap: &[String]) -> Option<Item> {
        let has = |w: &[&str]| gap.iter().any(|g| w.contains(&g.as_str()));
        let instead = self.before(left.from, 1) == "not" && gap.len() <= 2 && !has(&["or", "and", "until"]);
        let taken_back = has(CORRECTIONS)
            && gap.len() <= GAP
            && gap.iter().all(|g| CORRECTIONS.contains(&g.as_str()) || BETWEEN.contains(&g.as_str()));
        if !(instead || taken_back) {
            return None;
        }
        match (left.what, right.what) {
            (What::Day(_) | What::Span(_), What::Time(clock)) if left.time.is_some() => {
                Some(Item { time: Some(clock), to: right.to, ..*left })
            }
            (What::Day(_) | What::Span(_), What::Day(_)) => {
                let time = right.time.or(left.time);
                Some(Item { time, ..*right })
            }
            (What::Day(_) | What::Span(_), What::Span(span)) => {
                let edge = if right.edge.is_none() && right.period { left.edge } else { None };
                let what = edge.map_or(right.what, |e| self.edge_of(span, e));
                Some(Item { what, ..*right })
            }
            (What::Time(_), What::Time(_)) => Some(*right),
            _ => None,
        }
    }

    /// Both sides as one range.
    fn range(&self, left: &Item, right: &Item, gap: &[String]) -> Option<Item> {
        let gap: Vec<&str> = gap.iter().map(String::as_str).collect();
        let between = self.before(left.from, 1) == "between";
        let ordered = match gap.as_slice() {
            ["and"] if between => true,
            // "Monday tuesday or wednesday", "march april".
            [] if self.chained(left, right) => false,
            ["to" | "through" | "thru" | "until"] => true,
            ["or"]
            | ["or", "maybe" | "even" | "possibly" | "on" | "by" | "in" | "early" | "perhaps"]
            | ["or", "at", "the", "latest"]
            | ["or", "latest"] => false,
            _ => return None,
        };
        let span = |item: &Item| match item.what {
            What::Day(d) => Some(Span { first: d, last: d }),
            What::Span(s) => Some(s),
            _ => None,
        };
        if left.role.is_some() || right.role.is_some() {
            return None;
        }
        let (mut a, mut b) = (span(left)?, span(right)?);
        let plain = |item: &Item| item.to == item.from + 1 && self.weekday(item.from).is_some();
        if plain(left) {
            // "Thursday or friday next week": the week holds for both.
            let ahead = b.first.duration_since(a.last).as_hours() / 24;
            if ahead >= 7 && self.weekday(right.from).is_some() {
                let days = ahead / 7 * 7;
                a = Span { first: plus(a.first, days), last: plus(a.last, days) };
            }
        }
        if ordered && plain(right) && b.last < a.first {
            b = Span { first: plus(b.first, 7), last: plus(b.last, 7) };
        }
        if right.bare_day && !left.bare_day && ordered && b.first < a.first {
            b.last = Self::renumber(b.last, a.last)?;
        }
        if left.bare_day && !right.bare_day && matches!(right.what, What::Day(_)) {
            // "Between the third and the fifth of march".
            a.first = Self::renumber(a.first, b.first).filter(|d| *d <= b.last).unwrap_or(a.first);
        }
        let whole = Span { first: a.first.min(b.first), last: a.last.max(b.last) };
        Some(Item {
            from: left.from,
            to: right.to,
            what: collapse(whole),
            time: None,
            certainty: left.certainty.min(right.certainty) * 0.95,
            ..*right
        })
    }
}
