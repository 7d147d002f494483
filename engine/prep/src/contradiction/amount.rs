//! Statements with a number: budget, price, size, team.

use reframe_call::date::MONTHS;

use super::{
    Slot,
    fact::{Fact, Line, Value},
    line::Sentence,
    number::{Number, numbers},
};

/// What speaks of money that is there.
const BUDGET: &[&str] = &[
    "budget*",
    "money",
    "set aside",
    "in the plan",
    "approved",
    "spend",
    "frame",
    "funding",
    "funds",
    "grant",
    "fixed amount",
    "range",
    "cost centre|center",
    "envelope",
    "ceiling",
    "earmarked",
    "allocated",
    "investment",
    "put down for",
    "put aside",
    "to work with",
    "for the project",
    "for the whole thing",
    "for this project",
    "have available",
    "available",
];
/// What speaks of money in a statement that stands for itself.
const HAVE: &[&str] = &[
    "we've|i've|we|i|they've|department got|have|has",
    "there's|there is ~",
    "is what we|i",
    "it's|is",
    "have|has",
    "got",
    "stay under|below|within",
    "released",
    "gave us|me",
    "no more than",
    "at most",
    "up to",
    "down to",
    "cut to",
    "limit*",
    "capped at",
    "cap",
];
/// Numbers that are no budget.
const NO_BUDGET: &[&str] =
    &["threshold", "invoice", "offer", "offers", "quote", "costs", "cost", "price", "pay", "paid", "paying"];
/// What speaks of a price.
const PRICE: &[&str] = &[
    "pay|pays|paying|paid",
    "price*",
    "pricing",
    "cost|costs",
    "rate",
    "fee",
    "fees",
    "invoice",
    "charge*",
    "licen* is|are",
    "per user|seat|head|call|month|year|licence|license|unit|order|document|site|hour|day",
    "a seat|head|user|call|licence|unit|month|hour",
    "edition",
    "package",
    "subscription",
    "discount",
];
/// Units of a price.
const UNITS: &[(&str, &str)] = &[
    ("per|a|each user|users|seat|seats|head|person|employee|licence|license|account", "person"),
    ("per|a|each call|calls", "call"),
    ("per|a|each hour|hours", "hour"),
    ("per|a|each day|days", "day"),
    ("per|a|each document|invoice|order|ticket|transaction|parcel|shipment|delivery", "piece"),
    ("per|a|each site|location|store|branch|plant|vehicle|van|truck|device|machine", "site"),
    ("per|a|each month", "month"),
    ("monthly", "month"),
    ("per|a|each year", "year"),
    ("yearly|annually|annual", "year"),
];

/// Every statement of a turn.
pub fn facts(line: &Line<'_>) -> Vec<Fact> {
    let mut out = Vec::new();
    for s in line.sentences.iter().filter(|s| !s.asks) {
        let all = numbers(s);
        for n in all.iter().filter(|n| !n.percent && !s.imagined(n.from) && !s.over(n.from)) {
            out.extend(price(line, s, n));
            if line.buyer {
                out.extend(budget(line, s, n));
                out.extend(count(line, s, n));
            }
        }
    }
    if line.buyer {
        out.extend(no_money(line));
    }
    // Where a turn says several numbers of one thing, the last one is what it comes to: "from fifty to thirty".
    let mut kept: Vec<Fact> = Vec::new();
    for fact in out {
        let same = |k: &Fact| k.slot == fact.slot && k.topic == fact.topic && same_kind(&k.value, &fact.value);
        match kept.iter().position(same) {
            Some(at) if fact.slot == Slot::Budget || fact.corrects => kept[at] = fact,
            Some(_) => {}
            None => kept.push(fact),
        }
    }
    kept
}

fn same_kind(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Amount(_, a), Value::Amount(_, b)) => a == b,
        (Value::Stance(_), Value::Stance(_)) => true,
        _ => false,
    }
}

fn word(s: &Sentence, i: usize) -> &str {
    s.words.get(i).map_or("", |w| w.text.as_str())
}

/// Whether a number tells a day, a time, or how often: it is followed by what is no amount.
fn is_time(s: &Sentence, n: &Number) -> bool {
    const TIMES: [&str; 22] = [
        "day", "days", "week", "weeks", "month", "months", "year", "years", "hour", "hours", "minutes", "minute",
        "o'clock", "am", "pm", "quarter", "quarters", "times", "percent", "th", "st", "march",
    ];
    let next = word(s, n.to);
    let before = n.from.checked_sub(1).map_or("", |k| word(s, k));
    TIMES.contains(&next)
        || MONTHS.contains(&next)
        || MONTHS.contains(&before)
        || ["q", "version", "phase", "gate", "position", "module", "wave", "article", "page"].contains(&before)
        || (2_000.0..2_100.0).contains(&n.low) && !n.money && !word(s, n.from).contains(',')
}

fn budget(line: &Line<'_>, s: &Sentence, n: &Number) -> Option<Fact> {
    if is_time(s, n) || unit(s, n).is_some() {
        return None;
    }
    let near = |words: &[&str]| s.before(n.from, 4, words);
    if near(NO_BUDGET) && !near(&["budget"])
        || s.before(n.from, 8, &["threshold"])
        || near(&["under", "over", "above", "than", "below"]) && !s.any(&["stay under|below", "budget"])
    {
        return None;
    }
    let ours = s.before(
        n.from,
        5,
        &["we", "we've", "i", "i've", "our", "us", "me", "my", "approved", "released", "cut", "reduced"],
    );
    if s.elsewhere(n.from) && !ours || s.after(n.to, 2, &["more", "extra", "off", "back", "less"]) {
        return None;
    }
    // "Under thirty thousand i approve it myself": what somebody may sign, not what there is.
    if s.any(&["i|he|she|they approve|sign*|decide*"]) && s.any(&["under|over|above|below|up"]) {
        return None;
    }
    let big = n.money || n.scaled && n.high >= 1_000.0;
    let counted = s.words.get(n.to).is_some_and(|w| noun(&w.text).is_some() && !n.money);
    let cued = line.about(BUDGET);
    let stated = s.any(HAVE);
    let bare = !big
        && (10.0..1_000.0).contains(&n.low)
        && line.about(&["budget*", "money", "frame", "range", "above what", "offer", "department has"]);
    let fits = (big && (cued || stated) || bare && stated)
        && !counted
        && !line.about(&["per user|seat|head|call|month", "what do you pay"]);
    fits.then(|| Fact::new(line, s, Slot::Budget, Value::Amount(n.clone(), "money".into()), n.from, n.to))
}

/// "There is no budget", "the budget is frozen"; and that it is there.
fn no_money(line: &Line<'_>) -> Option<Fact> {
    const NONE: &[&str] = &[
        "no budget",
        "no money",
        "isn't|no ~ budget",
        "budget ~ frozen|gone|cancelled|cut|stopped|blocked",
        "spending|budget freeze",
        "haven't|don't got|have any? a? budget|money",
        "money is gone|blocked",
        "money isn't there",
        "not in the budget|plan",
        "nothing in the budget|plan",
        "without a? budget",
        "money's|money is gone|not there",
        "not budgeted",
        "unbudgeted",
    ];
    const THERE: &[&str] = &[
        "budget is|was|has ~ approved|released|secured|there|confirmed|signed",
        "money is|was|has ~ approved|released|there|secured",
        "have|got ~ budget|money ~ approved|set|for",
        "budgeted",
        "budget's ~ approved|there|secured",
        "approved budget",
        "it's in the budget|plan",
        "approved since",
    ];
    line.sentences.iter().filter(|s| !s.asks).find_map(|s| {
        let (stance, (from, to)) = match (s.first(NONE), s.first(THERE)) {
            (Some(at), _) => ("none", at),
            (None, Some(at)) => ("there", at),
            _ => return None,
        };
        let fits = !s.imagined(from) && !s.over(from) && !s.elsewhere(from);
        fits.then(|| Fact::new(line, s, Slot::Budget, Value::Stance(stance), from, to))
    })
}

fn unit(s: &Sentence, n: &Number) -> Option<&'static str> {
    let near = |pattern: &str| s.find_from(pattern, n.to.saturating_sub(1)).is_some_and(|(from, _)| from <= n.to + 3);
    UNITS.iter().find(|(pattern, _)| near(pattern)).map(|(_, unit)| *unit)
}

fn asked_unit(line: &Line<'_>) -> Option<&'static str> {
    line.asked.iter().find_map(|s| UNITS.iter().find(|(p, _)| s.find(p).is_some()).map(|(_, unit)| *unit))
}

fn price(line: &Line<'_>, s: &Sentence, n: &Number) -> Option<Fact> {
    if is_time(s, n) && unit(s, n).is_none() || n.percent {
        return None;
    }
    let own = unit(s, n);
    let cued = s.any(PRICE)
        || line.answers(&[
            "what do you pay",
            "how much ~ pay|cost|spend",
            "price*",
            "cost|costs",
            "what ~ cost|charge",
        ]);
    let amount = n.money
        || n.scaled
        || own.is_some_and(|u| u != "month" && u != "year")
        || n.high < 10_000.0 && s.any(&["pay|paying|costs|cost|price is|price"]);
    if !cued || !amount || s.after(n.to, 2, &["more", "off", "extra", "people", "users"]) {
        return None;
    }
    // A plain count with "a month" behind it is no price.
    if !n.money && !n.scaled && matches!(own, Some("month" | "year")) && !s.any(&["pay|paying|cost|costs|price|fee"]) {
        return None;
    }
    let per = own.or_else(|| asked_unit(line)).unwrap_or("all");
    let ours = line.buyer
        && (s.any(&["we|i pay|paid|paying|spend", "we're|i'm paying", "it's|is|costs us", "our cost|price"])
            || line.answers(&["do you pay", "you pay|paying|spend"]));
    if line.buyer && !ours || line.buyer && s.elsewhere(n.from) && !s.any(&["we pay"]) {
        return None;
    }
    let topic = if line.buyer { "paid" } else { "asked" };
    // Two editions have two prices: what stands beside the number tells them apart.
    let what = if line.buyer { String::new() } else { edition(s, n) };
    let of = format!("price/{per}{what}");
    Some(Fact::new(line, s, Slot::Price, Value::Amount(n.clone(), of), n.from, n.to).on(topic))
}

/// Names of editions and terms beside a price.
fn edition(s: &Sentence, n: &Number) -> String {
    const NAMES: [&str; 24] = [
        "basic",
        "pro",
        "premium",
        "standard",
        "enterprise",
        "starter",
        "plus",
        "advance",
        "years",
        "setup",
        "training",
        "onboarding",
        "implementation",
        "support",
        "interface",
        "connector",
        "module",
        "licence",
        "license",
        "hour",
        "day",
        "workshop",
        "hosting",
        "maintenance",
    ];
    let near = s.words.iter().enumerate().filter(|(i, _)| *i + 6 >= n.from && *i < n.to + 6);
    let mut names: Vec<&str> = near.map(|(_, w)| w.text.as_str()).filter(|w| NAMES.contains(w)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|n| format!("/{n}")).collect()
}

/// What a count is of, under one name for what is the same.
fn noun(word: &str) -> Option<&'static str> {
    let one = word.strip_suffix('s').unwrap_or(word);
    Some(match one {
        "user" | "employee" | "people" | "person" | "licence" | "license" | "seat" | "account" | "rep"
        | "colleague" | "head" | "staff" | "worker" | "agent" | "seller" | "headcount" | "technician" | "driver"
        | "engineer" | "nurse" | "teacher" | "consultant" | "developer" | "recruiter" | "folk" | "member" | "fte"
        | "student" | "operator" | "picker" | "planner" | "analyst" => "people",
        "van" | "vehicle" | "truck" | "car" | "lorrie" | "bu" | "fleet" | "trailer" => "vehicles",
        "site" | "branche" | "branch" | "location" | "plant" | "store" | "shop" | "office" | "warehouse"
        | "restaurant" | "hotel" | "clinic" | "school" | "factory" | "factorie" | "depot" | "region" | "countrie"
        | "market" => "sites",
        "machine" | "device" | "phone" | "laptop" | "server" | "terminal" | "printer" | "tablet" | "sensor" => {
            "devices"
        }
        "order" | "ticket" | "invoice" | "parcel" | "shipment" | "document" | "customer" | "patient" | "guest"
        | "contract" | "article" | "product" | "supplier" | "call" | "claim" | "policie" | "room" | "bed" | "unit"
        | "apartment" | "deal" | "record" => "things",
        _ => return None,
    })
}

/// What speaks of people who do the work on the buyer's side.
const TEAM: &[&str] = &[
    "team",
    "full time",
    "half of her|his|their time",
    "part time",
    "on your|our side",
    "fte",
    "could be with you",
    "for the project",
    "project lead|manager",
    "be the contact",
    "contact people",
    "people from",
    "half a person",
];

fn count(line: &Line<'_>, s: &Sentence, n: &Number) -> Option<Fact> {
    if n.money || is_time(s, n) || n.high >= 10_000_000.0 || n.low < 1.0 || unit(s, n).is_some() {
        return None;
    }
    let ahead = (n.to..n.to + 4).find_map(|i| noun(word(s, i)).map(|g| (g, word(s, i).to_owned())));
    let own = line.sentences.iter().filter(|s| s.asks);
    let asked = line
        .asked
        .iter()
        .chain(own)
        .filter(|a| a.any(&["how many|large|big", "number of", "count", "headcount", "size"]))
        .flat_map(|a| &a.words)
        .find_map(|w| noun(&w.text).map(|g| (g, w.text.clone())));
    let (group, exact) = ahead.clone().or(asked.clone())?;
    let first_answer = asked.is_some() && n.from <= 4;
    if ahead.is_none() && !first_answer {
        return None;
    }
    let whole = s.any(&[
        "we have|had|got|are|employ|run",
        "we've|there's",
        "there are",
        "we're",
        "it's",
        "can offer|provide|spare|give",
        "in total",
        "all of them",
        "entire",
        "every one",
        "altogether",
        "please count",
        "count",
        "all electric",
        "our",
    ]) || first_answer;
    let part = s.after(n.to, 3, &["more", "extra", "other", "new", "key"])
        || s.before(n.from, 3, &["of", "first", "other", "another", "only?", "plus", "only", "least"])
            && !s.any(&["in total", "all of"])
        || s.after(n.to, 2, &["of"]) && s.after(n.to, 3, &["them", "these", "those", "our", "the"]);
    if !whole || part || s.elsewhere(n.from) || line.says(&["key users", "not coming", "quarter of"]) {
        return None;
    }
    let team = line.about(TEAM) && group == "people";
    let slot = if team { Slot::Team } else { Slot::Size };
    let of = if group == "things" { format!("things/{exact}") } else { group.to_owned() };
    Some(Fact::new(line, s, slot, Value::Amount(n.clone(), of), n.from, n.to))
}
