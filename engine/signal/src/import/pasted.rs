//! Text that a person pasted, with what they say of it.

use super::{Guess, Imported, Origin, Problem, guess_kind, row::not_ahead};
use crate::event::{AccountHint, PersonHint, Raw, SignalEvent, SignalKind, TITLE_CHARS};

/// What a person says of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pasted {
    /// Where.
    pub account: AccountHint,
    /// What kind; nothing: it is guessed.
    pub kind: Option<SignalKind>,
    /// Who it is about.
    pub person: Option<PersonHint>,
    /// When it happened; nothing: when it was pasted.
    pub at_unix_ms: Option<i64>,
    /// Where it stands.
    pub url: Option<String>,
}

/// Least confidence of a guessed kind; below it a person has to say.
const SURE: f32 = 0.5;

/// One event from a pasted passage, its first line being the title. With it comes the guess, if the kind was not said.
#[must_use]
pub fn pasted(text: &str, about: &Pasted, origin: Origin<'_>) -> (Imported, Option<Guess>) {
    let mut out = Imported::default();
    if text.len() > super::MOST_BYTES {
        out.problems.push(Problem { line: 0, what: "this is too long: paste the passage that matters".into() });
        return (out, None);
    }
    let text = text.trim();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    // A long first line is a paragraph and no headline.
    let (title, excerpt) = if first.chars().count() <= TITLE_CHARS { (first, rest) } else { ("", text) };
    let guess = about.kind.is_none().then(|| guess_kind(title, excerpt));
    let kind = match (about.kind, guess) {
        (Some(kind), _) => Ok(kind),
        (None, Some(guess)) if guess.confidence >= SURE => Ok(guess.kind),
        (None, guess) => {
            let looks = guess.filter(|g| g.confidence > 0.0).map_or_else(String::new, |g| {
                format!("; it may be {} ({:.0} %)", g.kind.as_str(), g.confidence * 100.0)
            });
            Err(format!("nothing says clearly what kind of signal this is: say the kind{looks}"))
        }
    };
    let event = kind.and_then(|kind| {
        let at_unix_ms = about.at_unix_ms.unwrap_or(origin.received_unix_ms);
        not_ahead(at_unix_ms, origin)?;
        let raw = Raw {
            kind,
            account: about.account.clone(),
            person: about.person.clone(),
            at_unix_ms,
            url: about.url.clone(),
            title: title.to_owned(),
            excerpt: excerpt.to_owned(),
            source: origin.source.to_owned(),
            amount: None,
        };
        SignalEvent::new(raw).map_err(|e| e.to_string())
    });
    out.take(1, event);
    (out, guess)
}
