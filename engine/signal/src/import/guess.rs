//! What kind of thing a text tells of, from cue words; for feeds and for what a person pastes without saying.

use crate::event::SignalKind;

/// Phrases with how much each says, 1 (a hint) to 3 (hardly anything else). Judgement, in English, German and French.
const CUES: [(SignalKind, u32, &[&str]); 26] = [
    (SignalKind::Funding, 3, &["series a", "series b", "series c", "series d", "seed round", "funding round"]),
    (SignalKind::Funding, 3, &["finanzierungsrunde", "levée de fonds", "lève", "raises $", "raised $", "raises €"]),
    (SignalKind::Funding, 2, &["raises", "raised", "secures funding", "led by", "investors", "valuation", "funding"]),
    (SignalKind::NewHire, 3, &["joins as", "joined as", "started a new position", "welcome our new", "is the new"]),
    (SignalKind::NewHire, 2, &["new hire", "new role", "neue stelle", "rejoint", "joins"]),
    (SignalKind::ExecMove, 3, &["appoints", "appointed", "names new ceo", "new ceo", "new cfo", "new cro", "new cto"]),
    (SignalKind::ExecMove, 3, &["steps down", "chief executive", "chief revenue officer", "neuer geschäftsführer"]),
    (SignalKind::ExecMove, 2, &["promoted to", "chief", "vice president", "nommé", "ernennt", "succeeds"]),
    (SignalKind::Launch, 3, &["launches", "launched", "announces the launch", "now available", "general availability"]),
    (SignalKind::Launch, 2, &["unveils", "introduces", "introducing", "new product", "beta", "bringt", "lance"]),
    (SignalKind::Hiring, 3, &["is hiring", "we are hiring", "we're hiring", "open positions", "job opening"]),
    (SignalKind::Hiring, 2, &["hiring", "careers", "apply now", "wir suchen", "recrute", "open role", "vacancy"]),
    (SignalKind::StackChange, 3, &["migrates to", "migrated to", "switched from", "switches to", "replaces its crm"]),
    (SignalKind::StackChange, 2, &["adopts", "rolls out", "implemented", "integrates with", "selects", "now uses"]),
    (SignalKind::Layoffs, 3, &["layoffs", "lays off", "laid off", "job cuts", "cuts jobs", "stellenabbau"]),
    (SignalKind::Layoffs, 2, &["restructuring", "redundancies", "workforce reduction", "licencie", "downsizing"]),
    (SignalKind::WebsiteVisit, 3, &["visited /", "page view", "viewed /", "visited our", "viewed the pricing page"]),
    (SignalKind::WebsiteVisit, 2, &["pricing page", "sessions on", "visits to"]),
    (SignalKind::ProductUsage, 3, &["signed up", "started a trial", "active users", "invited teammates"]),
    (SignalKind::ProductUsage, 2, &["trial", "logged in", "workspace created", "usage"]),
    (SignalKind::IntentTopic, 3, &["intent surge", "surging on", "topic surge", "researching"]),
    (SignalKind::IntentTopic, 2, &["intent score", "topic:"]),
    (SignalKind::KeywordPost, 3, &["posted on linkedin", "#"]),
    (SignalKind::KeywordPost, 2, &["anyone recommend", "looking for recommendations", "what tool do you", "hot take"]),
    (SignalKind::News, 2, &["acquires", "acquisition", "merger", "partnership", "quarterly results", "annual report"]),
    (SignalKind::News, 1, &["announces", "announced", "reports", "press release", "pressemitteilung"]),
];

/// What a text seems to tell of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guess {
    /// The likeliest kind; [`SignalKind::News`] where nothing speaks for any.
    pub kind: SignalKind,
    /// Its share of all that speaks for some kind, less for few words: 0 to 1. Below 0.5 a person should say.
    pub confidence: f32,
}

/// Guesses by the cue words of the title, which count twice, and of the passage.
#[must_use]
pub fn guess_kind(title: &str, excerpt: &str) -> Guess {
    let mut points = [0_u32; SignalKind::ALL.len()];
    for (text, times) in [(title, 2), (excerpt, 1)] {
        let text = format!(" {} ", text.to_lowercase());
        for (kind, weight, phrases) in CUES {
            let n = phrases.iter().filter(|p| stands(&text, p)).count();
            points[kind.index()] += times * weight * u32::try_from(n.min(3)).unwrap_or(3);
        }
    }
    let total: u32 = points.iter().sum();
    let best = SignalKind::ALL.into_iter().rev().max_by_key(|k| points[k.index()]).unwrap_or(SignalKind::News);
    if total == 0 {
        return Guess { kind: SignalKind::News, confidence: 0.0 };
    }
    // Two points more of doubt: one weak word alone stays below one half.
    let share = points[best.index()] as f32 / (total + 2) as f32;
    Guess { kind: best, confidence: share }
}

/// Whether a phrase stands there, its letters not inside a longer word.
fn stands(text: &str, phrase: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(phrase).any(|(at, found)| {
        let before = letter(text[..at].chars().next_back()) && letter(phrase.chars().next());
        let after = letter(text[at + found.len()..].chars().next()) && letter(phrase.chars().next_back());
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_from_words_and_doubt_is_said() {
        for (text, kind) in [
            ("Northwind raises $12M Series A led by Example Ventures", SignalKind::Funding),
            ("Jane Doe joins as Head of Enablement", SignalKind::NewHire),
            ("Acme appoints new CRO", SignalKind::ExecMove),
            ("Acme launches its parts marketplace", SignalKind::Launch),
            ("We are hiring twelve account executives - open positions", SignalKind::Hiring),
            ("Acme migrates to a new CRM, switched from spreadsheets", SignalKind::StackChange),
            ("Acme lays off 80 people", SignalKind::Layoffs),
            ("Stellenabbau bei Acme", SignalKind::Layoffs),
        ] {
            let guess = guess_kind(text, "");
            assert_eq!(guess.kind, kind, "{text}");
            assert!(guess.confidence >= 0.5, "{text}: {}", guess.confidence);
        }
        assert_eq!(guess_kind("A nice day", "").confidence, 0.0);
        assert!(guess_kind("Company announces", "").confidence < 0.51);
        // "lance" inside "balance" is no launch.
        assert_eq!(guess_kind("The balance of trade", "").confidence, 0.0);
    }
}
