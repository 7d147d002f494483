//! Whether a message names the signal it is about.

use super::{Candidate, Language};
use crate::text::{key, stem, words};

/// Words that say nothing of a signal, as keys: those of grammar, and those every sales mail has.
const GENERIC: &[&str] = &[
    "the",
    "a",
    "an",
    "and",
    "or",
    "of",
    "to",
    "in",
    "on",
    "at",
    "for",
    "with",
    "by",
    "from",
    "is",
    "are",
    "was",
    "were",
    "be",
    "been",
    "has",
    "have",
    "had",
    "will",
    "would",
    "could",
    "can",
    "their",
    "its",
    "his",
    "her",
    "our",
    "your",
    "you",
    "we",
    "they",
    "he",
    "she",
    "it",
    "this",
    "that",
    "these",
    "those",
    "as",
    "into",
    "over",
    "after",
    "before",
    "than",
    "more",
    "up",
    "out",
    "about",
    "said",
    "says",
    "announced",
    "announces",
    "announce",
    "company",
    "companies",
    "team",
    "teams",
    "business",
    "new",
    "growth",
    "growing",
    "recent",
    "recently",
    "news",
    "post",
    "posted",
    "linkedin",
    "article",
    "website",
    "customers",
    "customer",
    "sales",
    "people",
    "time",
    "week",
    "month",
    "year",
    "today",
    "last",
    "next",
    "first",
    "one",
    "two",
    "who",
    "which",
    "what",
    "when",
    "where",
    "how",
    "why",
    "not",
    "no",
    "so",
    "if",
    "but",
    "work",
    "working",
    "also",
    "all",
    "any",
    "some",
    "most",
    "many",
    "via",
    "per",
    "group",
    "inc",
    "ltd",
    "gmbh",
    "plc",
    "llc",
    "corp",
    "head",
    "vp",
    "director",
    "role",
    "industry",
    "market",
    "plans",
    "plan",
    "help",
    "great",
    "good",
    "way",
    "make",
    "made",
    "der",
    "die",
    "das",
    "und",
    "oder",
    "ein",
    "eine",
    "einen",
    "einem",
    "einer",
    "fuer",
    "mit",
    "von",
    "im",
    "in",
    "auf",
    "zu",
    "zum",
    "zur",
    "sie",
    "ihr",
    "ihre",
    "ihren",
    "ihrem",
    "ihrer",
    "wir",
    "ist",
    "sind",
    "hat",
    "haben",
    "wird",
    "werden",
    "bei",
    "nach",
    "aus",
    "als",
    "auch",
    "neue",
    "neuen",
    "neuer",
    "neues",
    "unternehmen",
    "des",
    "dem",
    "den",
    "le",
    "la",
    "les",
    "un",
    "une",
    "et",
    "ou",
    "de",
    "du",
    "pour",
    "avec",
    "sur",
    "dans",
    "par",
    "est",
    "sont",
    "a",
    "ont",
    "votre",
    "vos",
    "nos",
    "notre",
    "leur",
    "leurs",
    "qui",
    "que",
    "au",
    "aux",
    "ce",
    "cette",
    "nouveau",
    "nouvelle",
    "nouveaux",
    "entreprise",
    "equipe",
    "equipes",
    "en",
    "ses",
    "son",
    "sa",
];
/// What the shared words must weigh: a name or a number is enough, of plain words it takes two.
const ENOUGH: u32 = 2;

/// What to write, if the message names nothing of its signal.
pub(super) fn missing(candidate: &Candidate, middle: &str) -> Option<String> {
    let short: String = candidate.signal.trim().chars().take(80).collect();
    let write = format!("name in the first sentence what you saw: \"{short}\"");
    if candidate.signal.trim().is_empty() {
        return Some("there is no signal; without one nothing is written".into());
    }
    let weight = if candidate.language == Language::Japanese {
        shared_pairs(&candidate.signal, middle)
    } else {
        shared_words(candidate, middle)
    };
    (weight < ENOUGH).then_some(write)
}

/// Weight of the words that signal and message share, less those that only name the company.
fn shared_words(candidate: &Candidate, middle: &str) -> u32 {
    let body: Vec<String> = tokens(middle).into_iter().map(|t| t.1).collect();
    let companies: Vec<String> =
        std::iter::once(&candidate.signal).chain(&candidate.facts).flat_map(|text| leading(text)).collect();
    let contact = key(&candidate.contact_first_name);
    let mut seen: Vec<String> = Vec::new();
    let mut weight = 0;
    for (raw, token) in tokens(&candidate.signal) {
        if seen.contains(&token) || token == contact {
            continue;
        }
        let shared = body.iter().any(|b| alike(b, &token));
        seen.push(token.clone());
        if !shared {
            continue;
        }
        let capital = raw.starts_with(char::is_uppercase);
        let digits = raw.chars().any(|c| c.is_ascii_digit());
        // The company's name stands at the beginning of its news, and in its facts.
        let company = capital && companies.contains(&token);
        weight += if company {
            0
        } else if capital || digits {
            2
        } else {
            1
        };
    }
    // A language of its own has few words of the source; there one is enough.
    if candidate.language == Language::English { weight } else { weight * 2 }
}

/// The capitalised words that a text begins with: mostly the company's name.
fn leading(text: &str) -> Vec<String> {
    let named = tokens(text).into_iter().take_while(|(raw, _)| raw.starts_with(char::is_uppercase));
    named.map(|(_, key)| key).collect()
}

fn alike(a: &str, b: &str) -> bool {
    if a == b || stem(a) == stem(b) {
        return true;
    }
    let common = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    common >= 5 && common * 3 >= a.len().min(b.len()) * 2
}

/// Words that mean something, as written and as keys.
fn tokens(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (_, piece) in words(text) {
        for raw in piece.split(|c: char| "-/'’".contains(c)) {
            let key = key(raw).replace(' ', "");
            if !key.is_empty()
                && !GENERIC.contains(&key.as_str())
                && (key.len() > 2 || key.bytes().any(|b| b.is_ascii_digit()))
            {
                out.push((raw.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned(), key));
            }
        }
    }
    out
}

/// Pairs of characters that both texts have, where words are not written apart.
fn shared_pairs(signal: &str, body: &str) -> u32 {
    let pairs = |text: &str| {
        let chars: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
        let mut pairs: Vec<[char; 2]> = chars.windows(2).map(|w| [w[0], w[1]]).collect();
        // Syllables of grammar are in every text.
        pairs.retain(|p| !p.iter().all(|c| ('\u{3040}'..='\u{309f}').contains(c)));
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    };
    let body = pairs(body);
    let shared = pairs(signal).into_iter().filter(|p| body.binary_search(p).is_ok()).count();
    u32::try_from(shared).unwrap_or(u32::MAX)
}
