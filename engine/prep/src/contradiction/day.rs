//! Statements with a day: when something is to start, and until when a contract runs.

use jiff::{ToSpan as _, civil::Date};
use reframe_workflow::dates::{Anchor, Mention, Role, mentions};

use super::{
    Slot,
    fact::{Fact, Line, Value},
    line::Sentence,
};

/// What begins, and what it is called.
const STARTS: &[(&str, &str)] = &[
    ("go|going|goes live", "live"),
    ("go live", "live"),
    ("roll* ~ out", "live"),
    ("rollout", "live"),
    ("launch*", "live"),
    ("in place", "live"),
    ("running", "live"),
    ("up and running", "live"),
    ("ready", "live"),
    ("start|starts|started|starting", "live"),
    ("begin|begins", "live"),
    ("first wave", "live"),
    ("switch* over?", "live"),
    ("introduce*", "live"),
    ("cut over", "live"),
    ("be|get done", "live"),
    ("deadline", "live"),
    ("live", "live"),
    ("timeline|timing|schedule", "live"),
    ("finished|complete|completed", "live"),
    ("need|needs|want|have it|this|that|them", "live"),
    ("sign|signed|signature|signing", "sign"),
    ("decide|decision|decided", "sign"),
    ("order|ordered", "sign"),
    ("kickoff", "kickoff"),
    ("kick off", "kickoff"),
    ("pilot|trial|test|workshop|training|demo", "pilot"),
    ("data|migration|export|templates", "data"),
];
/// What speaks of a contract with somebody else.
const CONTRACT: &[&str] = &[
    "contract*",
    "agreement",
    "bound",
    "notice",
    "extended|extend|extension",
    "renew*",
    "expire*",
    "supplier",
    "provider",
    "lease",
    "locked in",
    "term",
    "tied to|in",
    "present|current vendor|supplier|provider|tool",
    "we're out",
    "cancel*",
    "maintenance",
    "subscription",
    "licence|license ends|runs",
];
const ENDS: &[&str] = &[
    "end|ends|ended|ending",
    "until|till",
    "expire*",
    "runs|run|goes to|until|out|through",
    "we're out",
    "bound ~ after",
    "up for renewal",
    "renews|renewal",
    "out of",
    "free from|after",
    "through",
    "is up",
    "over",
];

/// Every statement of a turn of the buyer's.
pub fn facts(line: &Line<'_>) -> Vec<Fact> {
    if !line.buyer {
        return Vec::new();
    }
    let mut out: Vec<Fact> = Vec::new();
    for s in line.sentences.iter().filter(|s| !s.asks) {
        out.extend(length(line, s));
        let (words, back) = spoken(s);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let anchor = Anchor { now: line.now.clone(), fiscal_year_starts: 1 };
        for m in mentions(&words, &anchor) {
            let (from, to) = (back[m.words.start], back[m.words.end - 1] + 1);
            let Some((first, last)) = days(&m, line) else { continue };
            if s.imagined(from) || s.over(from) || m.role == Role::Past {
                continue;
            }
            let contract = line.about(CONTRACT) && (s.any(ENDS) || line.answers(ENDS));
            if contract {
                let notice = s.before(from, 5, &["notice", "cancel", "by"]) && !s.any(&["ends|until|expire*|bound"]);
                let other = s.any(&["data centre|center", "doesn't matter", "separate", "lease of the building"]);
                if !notice && !other {
                    out.push(Fact::new(line, s, Slot::Contract, Value::Days(first, last), from, to).on("end"));
                }
                continue;
            }
            if s.elsewhere(from) && !s.any(&["the board|management|ceo wants"])
                || line.says(&["just asking", "invoice goes"])
            {
                continue;
            }
            if let Some(topic) = topic(line, s, from) {
                out.push(Fact::new(line, s, Slot::Date, Value::Days(first, last), from, to).on(topic));
            }
        }
    }
    // The first day of a kind is the plan; what follows explains it ("the audit is at the start of april").
    let mut kept: Vec<Fact> = Vec::new();
    for fact in out {
        let known = kept.iter().position(|k| {
            k.slot == fact.slot
                && k.topic == fact.topic
                && matches!(k.value, Value::Days(..)) == matches!(fact.value, Value::Days(..))
        });
        if known.is_none() {
            kept.push(fact);
        }
    }
    kept
}

/// What the day at word `from` is the day of.
fn topic(line: &Line<'_>, s: &Sentence, from: usize) -> Option<&'static str> {
    let nearest = |s: &Sentence, at: usize| {
        let found = STARTS.iter().flat_map(|(p, topic)| {
            let mut places = Vec::new();
            let mut i = 0;
            while let Some((a, b)) = s.find_from(p, i) {
                places.push((a, b, *topic));
                i = a + 1;
            }
            places
        });
        found.map(|(a, b, topic)| (if b <= at { at - b } else { a.saturating_sub(at) }, topic)).min_by_key(|(d, _)| *d)
    };
    if let Some((distance, topic)) = nearest(s, from)
        && distance <= 9
    {
        return Some(topic);
    }
    // "When would you like to start?" / "By the end of March."
    let asked = line.asked.iter().filter(|a| {
        a.any(&[
            "when",
            "what date|day",
            "by when",
            "timeline|timing",
            "which month|quarter",
            "confirm the start",
            "start|go live",
        ])
    });
    let topics: Vec<&str> = asked.filter_map(|a| nearest(a, 0).map(|(_, t)| t)).collect();
    (from <= 10).then(|| topics.first().copied()).flatten()
}

/// First and last day that a mention may mean; "by" a day any up to it would do, so the day stands for it.
fn days(m: &Mention, line: &Line<'_>) -> Option<(Date, Date)> {
    let civil = |d: reframe_call::date::Date| d.to_string().parse::<Date>().ok();
    let (first, last) = (civil(m.earliest()?)?, civil(m.latest()?)?);
    let far = line.now.date().checked_add(10.years()).ok()?;
    (last < far).then_some((first, last))
}

/// "Another two years", "month to month", "we can leave any time".
fn length(line: &Line<'_>, s: &Sentence) -> Option<Fact> {
    const BOUND: &[&str] = &[
        "another ~ years|year|months",
        "extended itself",
        "renewed itself|automatically",
        "automatically renew*|extended",
        "locked in",
        "notice came too late",
        "notice came in too late",
        "missed the notice",
        "tied in|to them",
        "can't get out",
    ];
    const FREE: &[&str] = &[
        "given notice",
        "gave notice",
        "month to month",
        "any time",
        "we're out",
        "not bound",
        "no contract",
        "out of the contract",
        "already cancelled",
        "we've cancelled",
        "can leave|cancel whenever|anytime",
        "isn't a contract",
        "free to",
    ];
    if !line.about(CONTRACT) {
        return None;
    }
    let (stance, (from, to)) = match (s.first(BOUND), s.first(FREE)) {
        (Some(at), _) => ("bound", at),
        (None, Some(at)) => ("free", at),
        _ => return None,
    };
    let fits = !s.imagined(from) && !s.any(&["maintenance"]) && !s.before(from, 4, &["not", "never"]);
    fits.then(|| Fact::new(line, s, Slot::Contract, Value::Stance(stance), from, to).on("freedom"))
}

/// The words as a recogniser would have written them, for the reader of dates, and which word each came from.
fn spoken(s: &Sentence) -> (Vec<String>, Vec<usize>) {
    let (mut words, mut back) = (Vec::new(), Vec::new());
    for (i, w) in s.words.iter().enumerate() {
        for part in one(&w.text) {
            words.push(part);
            back.push(i);
        }
    }
    (words, back)
}

fn one(word: &str) -> Vec<String> {
    use reframe_call::number_words::{ONES, cardinal_words, ordinal_words};
    let quarter = word.strip_prefix(['q', 'h']).and_then(|n| n.parse::<usize>().ok()).filter(|n| (1..=4).contains(n));
    if let Some(n) = quarter {
        return vec![word[..1].to_owned(), ONES[n].to_owned()];
    }
    let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
    if let Ok(n) = word.parse::<usize>() {
        return match n {
            0..=99 => owned(cardinal_words(n)),
            // A year: "twenty twenty seven".
            2_010..=2_049 => [vec!["twenty".to_owned()], owned(cardinal_words(n - 2_000))].concat(),
            _ => vec![word.to_owned()],
        };
    }
    let digits = word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']);
    if let (Ok(n @ 1..=31), true) = (digits.parse::<usize>(), digits.len() + 2 == word.len()) {
        return owned(ordinal_words(n));
    }
    vec![word.to_owned()]
}
