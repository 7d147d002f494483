//! What is no date ("monday dot com"), what has none ("after the board meets"), what recurs, and which way time runs.

use super::{
    lexicon,
    mention::Why,
    reader::{Item, Reader, What},
};

/// Verbs that put the day beside them into the past. "Said" and "agreed" are not here: "we said friday" lies ahead.
const PAST_VERBS: &[&str] = &[
    "was",
    "were",
    "had",
    "did",
    "didn't",
    "wasn't",
    "weren't",
    "talked",
    "spoke",
    "met",
    "sent",
    "went",
    "came",
    "signed",
    "launched",
    "started",
    "finished",
    "missed",
    "bought",
    "lost",
    "won",
    "called",
    "emailed",
    "ran",
    "happened",
    "rolled",
    "shipped",
    "moved",
    "joined",
    "left",
    "hired",
    "renewed",
    "switched",
    "expired",
    "lapsed",
    "tried",
    "built",
    "made",
    "took",
    "saw",
    "hit",
    "ended",
    "began",
    "delivered",
    "grew",
    "dropped",
    "back",
    "churned",
    "found",
    "wrote",
    "heard",
    "gave",
    "paid",
];
/// Words that end like a past verb and look ahead, or are none.
const NOT_PAST: &[&str] = &[
    "agreed",
    "hoped",
    "expected",
    "interested",
    "based",
    "indeed",
    "speed",
    "proceed",
    "exceed",
    "targeted",
    "slated",
    "committed",
    "promised",
    "closed",
    "needed",
    "signed-off",
    "hundred",
    "asked",
    "offered",
];
/// Words that put it ahead, whatever the verbs say.
const AHEAD_WORDS: &[&str] = &[
    "will",
    "i'll",
    "we'll",
    "you'll",
    "they'll",
    "he'll",
    "she'll",
    "it'll",
    "gonna",
    "going",
    "by",
    "until",
    "let's",
    "can",
    "could",
    "should",
    "would",
    "want",
    "need",
    "wants",
    "needs",
    "next",
    "before",
    "due",
    "hoping",
    "supposed",
    "wanted",
    "planned",
    "scheduled",
    "booked",
    "i'd",
    "we'd",
    "they'd",
    "if",
    "it's",
];
/// Words that end the reach of a verb.
const BREAKS: &[&str] = &["and", "but", "so", "because", "then"];
/// How many words a verb reaches, before the expression and after it.
const REACH: usize = 5;
/// What a period is the period of ("the q three numbers").
const TOPICS: &[&str] = &[
    "numbers",
    "number",
    "results",
    "revenue",
    "budget",
    "budgets",
    "forecast",
    "report",
    "reports",
    "pipeline",
    "target",
    "targets",
    "quota",
    "review",
    "planning",
    "roadmap",
    "earnings",
    "goals",
    "goal",
    "spend",
    "bookings",
    "invoice",
    "figures",
    "data",
    "initiative",
    "campaign",
    "okrs",
    "plan",
    "financials",
    "sales",
    "performance",
    "commit",
    "close",
    "business",
    "retro",
    "churn",
    "cohort",
    "priorities",
    "kickoff",
    "invoices",
    "volume",
    "volumes",
    "statement",
];
/// Phrases of time words that mean no time, or none that a calendar has.
const TRAPS: &[&str] = &[
    "monday dot com",
    "monday com",
    "day to day",
    "day in day out",
    "day one",
    "one day",
    "these days",
    "those days",
    "the other day",
    "back in the day",
    "at the end of the day",
    "year over year",
    "month over month",
    "quarter over quarter",
    "week over week",
    "year on year",
    "month to month",
    "quarter to quarter",
    "week to week",
    "year to date",
    "month to date",
    "quarter to date",
    "twenty four seven",
    "nine to five",
    "half the time",
    "march in",
    "march into",
    "marching",
    "a quarter of",
    "second to none",
    "ruby tuesday",
    "sunny day",
    "rainy day",
    "back to back",
    "last minute",
    "next level",
    "next step",
    "next steps",
    "in no time",
    "on second thought",
    "friday night lights",
    "in one day",
    "in a day",
    "man friday",
    "casual friday",
    "casual fridays",
    "freaky friday",
    "to the second",
    "day of the week",
    "per day",
    "per week",
    "per month",
    "per quarter",
    "per year",
    "twenty twenty vision",
    "hindsight is twenty twenty",
    "groundhog day",
    "the year of",
    "of the year award",
    "good day",
    "all day",
    "end to end",
    "the end of the day",
    "happy friday",
    "happy monday",
    "happy new year",
    "merry christmas",
    "two day",
    "three day",
    "end of story",
    "end of life",
    "this day and age",
];
/// Vague times.
const VAGUE: &[&str] = &[
    "as soon as possible",
    "pretty soon",
    "very soon",
    "sometime soon",
    "soon",
    "at some point",
    "some point",
    "eventually",
    "someday",
    "some day",
    "one of these days",
    "down the road",
    "down the line",
    "in the near future",
    "in due course",
    "sooner or later",
    "asap",
    "a s a p",
    "in a bit",
    "in a while",
    "after the holidays",
    "before the holidays",
    "when things calm down",
    "when things settle down",
    "when i get a chance",
    "when i get a minute",
    "later on",
    "over time",
    "whenever",
    "in the future",
    "shortly",
    "this summer",
    "in the summer",
    "over the summer",
    "before the summer",
    "after the summer",
    "this fall",
    "in the fall",
    "this spring",
    "in the spring",
    "this winter",
    "in the winter",
];
/// Recurrence.
const RECURRING: &[&str] = &[
    "weekly",
    "biweekly",
    "bi weekly",
    "monthly",
    "quarterly",
    "daily",
    "annually",
    "yearly",
    "nightly",
    "every other",
    "once a day",
    "once a week",
    "once a month",
    "once a quarter",
    "once a year",
    "twice a week",
    "twice a month",
    "twice a year",
    "every single",
    "month after month",
    "year after year",
];

impl Reader {
    /// Whether the verbs around words `from..to` put them into the past.
    pub fn is_past(&self, from: usize, to: usize) -> bool {
        if self.before(from, 1) == "since" {
            return true;
        }
        for n in 1..=REACH {
            let word = self.before(from, n);
            if word.is_empty() || n > 1 && BREAKS.contains(&word) || AHEAD_WORDS.contains(&word) {
                break;
            }
            // "Back in june" looks back; "she's back on the third" does not.
            let returns = word == "back"
                && (n != 2
                    || self.before(from, 1) != "in"
                    || self.before(from, 3).ends_with("'s")
                    || self.before(from, 3) == "be");
            if self.is_past_verb(from - n) && !returns {
                // "I was thinking friday", "I was hoping for tuesday": a wish.
                let wish = ["was", "were"].contains(&word) && (1..n).any(|k| self.before(from, k).ends_with("ing"));
                return !wish;
            }
        }
        let told = self.is(to, &["i", "we", "he", "she", "they", "you"]);
        if told && (self.is_past_verb(to + 1) || self.is(to + 1, &["got"])) {
            return true;
        }
        let topic = if self.is(to, TOPICS) { to + 1 } else { to };
        (topic..topic + 2).any(|k| self.is(k, &["was", "were", "went", "came", "wasn't", "weren't", "didn't", "had"]))
    }

    /// Whether a plain past verb stands at `i`: a known one, or any that ends like one and is no participle.
    fn is_past_verb(&self, i: usize) -> bool {
        let word = self.at(i);
        if word == "said" {
            // "He said it monday" looks back, "we said friday" ahead.
            return self.is(i + 1, &["it", "that", "this"]);
        }
        let state = [
            "is", "are", "be", "been", "get", "gets", "being", "it's", "we're", "they're", "he's", "she's", "you're",
            "i'm", "that's", "to",
        ];
        let regular =
            word.len() > 4 && word.ends_with("ed") && !NOT_PAST.contains(&word) && !AHEAD_WORDS.contains(&word);
        (PAST_VERBS.contains(&word) || regular) && !state.contains(&self.before(i, 1))
    }

    /// Whether words behind the period make it a topic.
    pub fn is_topic(&self, to: usize) -> bool {
        // "By q three close" is a date, "the q three close" too often is as well.
        self.is(to, TOPICS) && !self.is(to, &["close", "business"])
            || self.is(to, &["business"]) && self.is(to + 1, &["review"])
    }

    /// Where a phrase that only looks like a time ends.
    pub fn trap(&self, i: usize) -> Option<usize> {
        // A deadline: not the phrase that sums up.
        if ["by", "before", "until"].contains(&self.before(i, 1)) && self.is(i, &["the"]) {
            return None;
        }
        let to = TRAPS.iter().filter_map(|p| self.phrase(i, p)).max()?;
        match self.at(i) {
            "march" => (!["in", "by", "of", "end", "until", "mid", "early", "late", "this", "next"]
                .contains(&self.before(i, 1)))
            .then_some(to),
            "one" if self.is(to, &["next", "this"]) => None,
            "two" | "three" => (!["in", "within", "next"].contains(&self.before(i, 1))).then_some(to),
            "in" if self.is(i + 1, &["a", "one"]) => None,
            _ => Some(to),
        }
    }

    /// A time with no date in it.
    pub fn undated(&self, i: usize) -> Option<Item> {
        if let Some(to) = VAGUE.iter().filter_map(|p| self.phrase(i, p)).max()
            && !(self.is(i, &["soon", "asap"]) && self.is(to, &["as", "enough"]))
            && !self.is(i.wrapping_sub(1), &["how", "too", "as"])
        {
            return Some(Item::new(i, to, What::Never(Why::Vague), 0.9));
        }
        // "Whenever", "as soon as legal signs", "once the board has met", "after the audit".
        let subject = |at: usize| {
            !self.at(at).is_empty()
                && !self.is(at, &["a", "again", "more", "in", "per", "every", "upon", "was", "and", "all"])
        };
        let event = |to| Some(Item::new(i, to, What::Never(Why::Event), 0.85));
        let end = |at: usize| (at + 3).min(self.words.text.len());
        if let Some(at) = self.any(i, &["as soon as", "once", "pending", "depending on", "contingent on"]) {
            let at_once = self.before(i, 1) == "at" || self.before(i, 1) == "than";
            return (subject(at) && !at_once).then(|| event(self.cut(at, end(at)))).flatten();
        }
        if let Some(at) = self.any(i, &["after", "until", "following"]) {
            let clause = self.is(
                at,
                &[
                    "the",
                    "our",
                    "their",
                    "your",
                    "my",
                    "we",
                    "they",
                    "he",
                    "she",
                    "legal",
                    "that",
                    "this",
                    "procurement",
                    "it",
                    "i",
                    "you",
                    "his",
                    "her",
                    "finance",
                    "security",
                    "you've",
                    "we've",
                    "they've",
                    "i've",
                ],
            );
            return clause.then(|| event(self.cut(at, end(at)))).flatten();
        }
        if let Some(at) = self.any(i, &["by the time", "before we", "before they", "before legal"]) {
            return subject(at).then(|| event(self.cut(at, end(at)))).flatten();
        }
        let at = self.any(
            i,
            &[
                "when i get back",
                "when i'm back",
                "when she's back",
                "when he's back",
                "when they're back",
                "when we get",
                "when you're ready",
                "when they're ready",
                "when we're ready",
            ],
        )?;
        event(at)
    }

    /// Ends the words of an event before the next time expression begins.
    fn cut(&self, from: usize, to: usize) -> usize {
        let hit = (from + 1..to).find(|k| {
            self.weekday(*k).is_some() || self.is(*k, &["in", "on", "by", "at", "tomorrow", "next", "and", "but"])
        });
        hit.unwrap_or(to)
    }

    /// Something that comes again.
    pub fn recurring(&self, i: usize) -> Option<Item> {
        let item = |to| Some(Item::new(i, to, What::Recurring, 0.95));
        if let Some(to) = RECURRING.iter().filter_map(|p| self.phrase(i, p)).max() {
            let to = if self.unit(to).is_some() || self.weekday(to).is_some() { to + 1 } else { to };
            return item(to);
        }
        if self.is(i, &["every", "each"]) {
            let at = if let Some((_, to)) = self.number(i + 1).or_else(|| self.ordinal(i + 1)) {
                to
            } else {
                self.skip(i + 1, &["other", "couple of", "few"])
            };
            if self.ordinal(i + 1).is_some_and(|(_, to)| to == at) && self.stops(at) {
                return item(self.skip(at, &["of the month", "of each month", "of every month"]));
            }
            let (unit, weekday) = (self.unit(at), self.weekday(at));
            if let Some((_, to)) = unit {
                return item(to);
            }
            if weekday.is_some()
                || lexicon::month(self.at(at)).is_some()
                || self.is(at, &["morning", "night", "afternoon"])
            {
                return item(at + 1);
            }
        }
        let plural = self.at(i).strip_suffix('s').is_some_and(|w| lexicon::weekday(w).is_some());
        plural.then(|| item(i + 1)).flatten()
    }
}
