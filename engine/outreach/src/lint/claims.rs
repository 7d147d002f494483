//! Numbers, names and events that a message states and no fact holds.

use super::{Candidate, Language};
use crate::text::{Sentence, has, key, stem};

/// Number words and their digits, as keys.
#[rustfmt::skip]
const NUMBERS: &[(&str, &str)] = &[
    ("two years", "2"),
    ("two months", "2"),
    ("two weeks", "2"),
    ("two percent", "2"),
    ("two million", "2"),
    ("two thirds", "x66"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("fifteen", "15"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("seventy", "70"),
    ("eighty", "80"),
    ("ninety", "90"),
    ("hundred", "100"),
    ("thousand", "1000"),
    ("million", "1000000"),
    ("billion", "1000000000"),
    ("dozen", "12"),
    ("drei", "3"),
    ("vier", "4"),
    ("fuenf", "5"),
    ("sechs", "6"),
    ("sieben", "7"),
    ("acht", "8"),
    ("neun", "9"),
    ("zehn", "10"),
    ("zwoelf", "12"),
    ("fuenfzehn", "15"),
    ("zwanzig", "20"),
    ("dreissig", "30"),
    ("fuenfzig", "50"),
    ("hundert", "100"),
    ("tausend", "1000"),
    ("trois", "3"),
    ("quatre", "4"),
    ("cinq", "5"),
    ("sept", "7"),
    ("huit", "8"),
    ("neuf", "9"),
    ("dix", "10"),
    ("douze", "12"),
    ("quinze", "15"),
    ("vingt", "20"),
    ("trente", "30"),
    ("cinquante", "50"),
    ("cent", "100"),
    ("mille", "1000"),
    ("doubled", "x2"),
    ("tripled", "x3"),
    ("quadrupled", "x4"),
    ("half", "x0"),
    ("halved", "x0"),
    ("third", "x33"),
    ("twice", "x2"),
    ("verdoppelt", "x2"),
    ("double", "x2"),
    ("triple", "x3"),
    ("quarter of", "x25"),
    ("second", "2nd"),
    ("fourth", "4th"),
    ("fifth", "5th"),
    ("sixth", "6th"),
    ("hundreds", "100s"),
    ("thousands", "1000s"),
    ("millions", "1000000s"),
    ("dozens", "12s"),
];
/// Groups of words for one kind of event: whoever says one of them says that it happened.
#[rustfmt::skip]
const EVENTS: &[&[&str]] = &[
    &[
        "raised", "raise", "funding", "round", "series", "investment", "invested", "investors", "capital", "seed",
        "backed", "finanzierung", "levee", "financing",
    ],
    &[
        "acquired", "acquisition", "acquire", "bought", "merger", "merged", "merging", "takeover", "uebernahme",
        "uebernommen", "rachat", "fusion", "buying", "purchase", "acquiring", "buys",
    ],
    &[
        "laid", "layoffs", "layoff", "redundancies", "downsizing", "entlassungen", "licenciements", "downsized",
        "cuts", "cutting", "job",
    ],
    &["lost", "losing", "loses", "verloren", "perdu"],
    &["missed", "missing", "verfehlt", "rate"],
    &[
        "switched", "switching", "migrated", "migrating", "migration", "moved", "moving", "replaced", "replacing",
        "replace", "umgestellt", "migriert", "ripped", "dropped", "wechsel", "swapped", "ditched", "left", "move",
        "rollout", "rolled",
    ],
    &[
        "struggling", "struggle", "struggles", "suffering", "failing", "frustrated", "unhappy", "dissatisfied",
        "complained", "kaempfen", "probleme",
    ],
    &["bankrupt", "insolvent", "bankruptcy"],
    &["ipo", "listing", "listed", "public"],
    &["breach", "breached", "hacked", "leak", "outage", "incident", "downtime"],
    &["award", "awarded", "won", "winning", "prize", "preis", "prix", "named", "recognised", "recognized", "winner"],
    &["resigned", "fired", "stepped", "quit", "departure", "departed"],
    &[
        "promoted", "promotion", "appointed", "joined", "joining", "stepping", "became", "nommee", "nomme",
        "befoerdert", "role", "new",
    ],
    &["profitable", "profit", "profits", "loss", "losses", "revenue", "turnover", "umsatz"],
    &["partnered", "partnership", "partner", "partnering", "alliance", "partenariat", "partnerschaft", "teaming"],
];
/// Who the events are told of.
#[rustfmt::skip]
const THEM: &[&str] = &[
    "you", "youre", "youve", "your", "yours", "company", "team", "sie", "ihr", "ihre", "ihrem", "ihren", "vous",
    "votre", "vos",
];
/// Who is not meant by them.
#[rustfmt::skip]
const US: &[&str] = &[
    "we", "our", "ours", "us", "i", "im", "ill", "id", "ive", "my", "mine", "weve", "were", "well", "wir", "unser",
    "unsere", "unseren", "unserem", "unserer", "uns", "ich", "mein", "meine", "nous", "nos", "notre", "je", "jai",
    "mon", "ma", "mes",
];
/// Praise and rank that only a source may give, as keys.
#[rustfmt::skip]
const RANKS: &[&str] = &[
    "market leader", "fastest growing", "industry leader", "number one", "leading provider", "the largest",
    "the biggest", "marktfuehrer", "leader du marche", "award winning", "best in class", "the leading", "record year",
    "record quarter", "all of your competitors", "your competitors are", "your competitor", "your biggest competitor",
    "already use us", "already uses us", "colleagues told me", "colleague told me", "your ceo told", "your cfo told",
    "as you told me", "as we discussed", "as discussed", "your board", "you asked me", "behind on", "behind schedule",
    "running out of", "over budget", "under pressure from", "churn is", "churn rate is", "turnover is high",
    "you recently hired", "you mentioned to me", "mutual friend", "referred me",
];
/// Capitalised words that are nobody's name: days, months, tools of every desk, words of titles. As keys.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "i", "im", "id", "ill", "ive", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "crm", "erp", "api", "ceo", "cfo", "cto", "cio", "coo", "cmo", "cro", "ciso", "vp", "hr", "it", "ai",
    "eu", "us", "uk", "gdpr", "q1", "q2", "q3", "q4", "excel", "linkedin", "english", "german", "french", "europe",
    "european", "american", "zoom", "teams", "series", "hi", "hello", "dear", "cet", "est", "pst", "gmt", "cest",
    "am", "pm", "kpi", "sla", "soc", "iso", "sdr", "bdr", "saas", "b2b", "ops", "revops", "devops", "rfp", "pdf",
    "mon", "tue", "wed", "thu", "fri", "inc", "ltd", "gmbh", "corp", "vps", "cfos", "ctos", "ceos", "cios", "cisos",
    "slas", "kpis", "apis", "crms", "erps",
];

/// The words that nothing supports.
pub(super) fn unsupported(candidate: &Candidate, read: &[Sentence], subject: &str) -> Vec<String> {
    let mut known = candidate.signal.clone();
    for fact in &candidate.facts {
        known.push_str(" . ");
        known.push_str(fact);
    }
    let known_key = key(&known);
    let held = numbers(&known);
    let mut out = Vec::new();
    let subject = Sentence { at: 0, text: subject.to_owned(), questions: 0 };
    for sentence in read.iter().chain([&subject]) {
        let said = key(&sentence.text);
        out.extend(RANKS.iter().filter(|r| has(&said, r) && !has(&known_key, r)).map(|r| (*r).to_owned()));
        // A question states little, and what we say of ourselves is not about them.
        if sentence.questions > 0 {
            continue;
        }
        let alone = !speaks(&said, US);
        for clause in clauses(&sentence.text) {
            let part = key(clause);
            let theirs = speaks(&part, THEM) && !speaks(&part, US);
            if !(theirs || alone) || is_general(&said) {
                continue;
            }
            for (number, shown) in numbers(clause) {
                if !held.iter().any(|(h, _)| *h == number) && !is_offer(&sentence.text, &shown) {
                    out.push(shown);
                }
            }
            if theirs {
                out.extend(events(&part.split(' ').collect::<Vec<_>>(), &known_key));
            }
        }
        if alone && speaks(&said, THEM) && candidate.language != Language::German && !is_general(&said) {
            out.extend(names(&sentence.text, candidate, &known_key));
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Events told of the other side that no source tells of.
fn events(words: &[&str], known: &str) -> Vec<String> {
    let told = EVENTS.iter().filter(|g| !g.iter().any(|w| known.split(' ').any(|k| k == *w || stem(k) == stem(w))));
    // The first few words of a group state it; the others only support it.
    told.filter_map(|g| g.iter().take(4).find(|w| words.contains(*w)).map(|w| (*w).to_owned())).collect()
}

/// Parts between signs; a comma inside a number parts nothing.
fn clauses(text: &str) -> Vec<&str> {
    text.split([';', ':', '(', '\u{2013}', '\u{2014}']).flat_map(|part| part.split(", ")).collect()
}

fn speaks(key: &str, of: &[&str]) -> bool {
    key.split(' ').any(|w| of.contains(&w))
}

/// Whether a sentence speaks of companies in general: the pain of an ideal customer, not a claim about this one.
fn is_general(said: &str) -> bool {
    const GENERAL: &[&str] = &[
        "teams",
        "companies",
        "many",
        "most",
        "often",
        "usually",
        "tends to",
        "tend to",
        "firms",
        "typically",
        "usual",
        "in our experience",
        "mostly",
        "sometimes",
        "viele",
        "oft",
        "meist",
        "haeufig",
        "souvent",
        "beaucoup",
        "la plupart",
        "similar companies",
        "that usually",
        "on average",
    ];
    GENERAL.iter().any(|g| has(said, g))
}

/// Numbers of the offer itself: minutes, times of day, days of the month.
fn is_offer(text: &str, shown: &str) -> bool {
    let key = key(text);
    let shown = crate::text::key(shown);
    let words: Vec<&str> = key.split(' ').collect();
    let units = [
        "minute",
        "minutes",
        "min",
        "mins",
        "minuten",
        "minuetiges",
        "minuetigen",
        "minuetiger",
        "mn",
        "am",
        "pm",
        "uhr",
        "h",
        "heures",
        "oclock",
        "cet",
        "est",
        "gmt",
        "pst",
        "cest",
        "et",
        "pt",
        "ct",
    ];
    let months = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "januar",
        "februar",
        "maerz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "janvier",
        "fevrier",
        "mars",
        "avril",
        "juin",
        "juillet",
        "aout",
        "septembre",
        "octobre",
        "novembre",
        "decembre",
    ];
    let at = ["at", "around", "um", "gegen", "vers", "before", "after", "between", "or", "and", "from", "until", "ab"];
    let days = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "tomorrow",
        "morgen",
        "demain",
    ];
    let timed = words.iter().any(|w| days.contains(w));
    let first = shown.split(' ').next().unwrap_or_default().to_owned();
    if shown == "quarter of" {
        return key.contains("quarter of an hour");
    }
    if shown == "half" || shown == "second" || shown == "third" {
        return shown != "half" || key.contains("half an hour") || key.contains("half hour");
    }
    words.iter().enumerate().filter(|(_, w)| **w == first).all(|(i, _)| {
        let next = |n: usize| words.get(i + n).copied().unwrap_or_default();
        let before = i.checked_sub(1).and_then(|p| words.get(p)).copied().unwrap_or_default();
        let unit = (next(2) == "m" && ["a", "p"].contains(&next(1)))
            || units.contains(&next(1))
            || (next(1).bytes().all(|b| b.is_ascii_digit()) && units.contains(&next(2)))
            || (units.contains(&next(2)) && next(1).is_empty())
            || (["or", "to", "bis", "a", "oder", "ou"].contains(&next(1)) && units.contains(&next(3)));
        let date = months.contains(&next(1)) || months.contains(&before);
        let o_clock = timed && (at.contains(&before) || days.contains(&before));
        unit || date || o_clock || (before.bytes().all(|b| b.is_ascii_digit()) && !before.is_empty() && timed)
    }) && words.contains(&first.as_str())
        || glued(&first)
}

/// "15min", "10am", "9h30".
fn glued(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && ["min", "mins", "mn", "am", "pm", "h", "h30", "h00"].contains(&&word[digits..])
        || word.ends_with("分")
}

/// The numbers of a text: what they are, and how they were written.
fn numbers(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut i = 0;
    while i < chars.len() {
        if !chars[i].is_ascii_digit() {
            i += 1;
            continue;
        }
        let mut end = i;
        while end < chars.len()
            && (chars[end].is_ascii_digit()
                || (".,' \u{a0}".contains(chars[end])
                    && chars.get(end + 1).is_some_and(char::is_ascii_digit)
                    && (chars[end] != ' ' || thousands(&chars, end))))
        {
            end += 1;
        }
        // A digit inside a name ("B2B", "Q3", "ISO27001") belongs to the name.
        let inside = i > 0 && chars[i - 1].is_alphabetic();
        let shown: String = chars[i..end].iter().collect();
        let tail: String = chars[end..].iter().take_while(|c| c.is_alphabetic()).collect();
        // One is no number to check; days, hours and minutes are written with these signs in Japanese.
        let date = tail.starts_with(['月', '日', '年', '分', '時']);
        if !inside && !date && shown != "1" {
            out.push((normal(&shown), format!("{shown}{tail}")));
        }
        i = end.max(i + 1);
    }
    let key = key(text);
    let mut more: Vec<(String, String)> = Vec::new();
    for (word, digits) in NUMBERS {
        if has(&key, word) {
            more.push(((*digits).to_owned(), (*word).to_owned()));
        }
    }
    // "3 million", "40 percent": the unit is no number of its own beside digits.
    if !out.is_empty() {
        more.retain(|(_, w)| {
            !["hundred", "thousand", "million", "billion", "mille", "tausend", "cent"].contains(&w.as_str())
        });
    }
    out.extend(more);
    out
}

fn thousands(chars: &[char], at: usize) -> bool {
    let digits = |r: std::ops::Range<usize>| {
        r.clone().all(|i| chars.get(i).is_some_and(char::is_ascii_digit))
            && !chars.get(r.end).is_some_and(char::is_ascii_digit)
    };
    digits(at + 1..at + 4)
}

/// One spelling of a number: groups joined, decimals with a point.
fn normal(shown: &str) -> String {
    let parts: Vec<&str> = shown.split(['.', ',', '\'', ' ', '\u{a0}']).collect();
    let groups = parts.len() > 1 && parts[1..].iter().all(|p| p.len() == 3) && parts[0].len() <= 3;
    let joined = if groups { parts.concat() } else { parts.join(".") };
    let trimmed = if joined.contains('.') { joined.trim_end_matches('0').trim_end_matches('.') } else { &joined };
    trimmed.to_owned()
}

/// Names inside of sentences that neither signal nor facts have.
fn names(sentence: &str, candidate: &Candidate, known: &str) -> Vec<String> {
    let own = [key(&candidate.seller_first_name), key(&candidate.contact_first_name)];
    let pieces: Vec<&str> = sentence.split_whitespace().collect();
    let mut out = Vec::new();
    for (i, piece) in pieces.iter().enumerate().skip(1) {
        let before = pieces[i - 1];
        let opens = piece.starts_with(['"', '(', '\'']) || before.ends_with([':', '"']);
        let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.strip_suffix("'s").unwrap_or(bare);
        if !bare.starts_with(char::is_uppercase) || opens {
            continue;
        }
        for part in bare.split(['-', '/', '&']) {
            let word = key(part);
            let fine = word.len() < 2
                || COMMON.contains(&word.as_str())
                || own.contains(&word)
                || known
                    .split(' ')
                    .any(|k| k == word || (word.len() > 3 && (stem(k) == stem(&word) || k.starts_with(&word))));
            let abbreviation = part.chars().all(|c| c.is_uppercase() || c.is_ascii_digit()) && part.len() <= 4;
            if !fine && part.starts_with(char::is_uppercase) && !abbreviation {
                out.push(part.to_owned());
            }
        }
    }
    out
}
