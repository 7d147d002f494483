//! What holds a match back: a phrase that is denied, reported from others, or merely imagined is no objection.

use super::normalize::Token;

/// Words that turn a phrase round when they stand shortly before it.
const NEGATORS: &[&str] = &["not", "never", "hardly", "without", "neither", "nor", "nobody", "nothing"];
/// A negator within this many tokens before the phrase reaches it: "not saying it is | too expensive".
const NEGATION_REACH: usize = 4;
/// After "not", these make it about knowing or doing, not about the phrase: "not sure it is…" and "not only that, it
/// is…" are still objections.
const NOT_ABOUT_THE_PHRASE: &[&str] = &["know", "sure", "going", "afford", "do", "see", "because", "if", "only"];

/// Third parties whose opinion is told.
const OTHERS: &[&str] = &[
    "customers",
    "clients",
    "people",
    "others",
    "prospects",
    "folks",
    "users",
    "competitors",
    "everyone",
    "everybody",
    "some",
];
/// Verbs of telling.
const TELLING: &[&str] = &[
    "say",
    "says",
    "said",
    "tell",
    "told",
    "tells",
    "think",
    "thought",
    "claim",
    "claimed",
    "complain",
    "complained",
    "worry",
];
/// "Used to", "last year we thought": told of the past.
const PAST: &[(&str, &str)] = &[("used", "to"), ("back", "then")];
/// How far before the phrase a report can open.
const REPORT_REACH: usize = 7;
/// How far before the phrase an "if" reaches it.
const HYPOTHETICAL_REACH: usize = 3;

/// Why the phrase that follows `before` does not count, in words for the log; `None` if it does.
///
/// `before` are the tokens of the same utterance in front of the phrase; `phrase` the phrase's own tokens, which may
/// open with a negation of their own ("not in the budget") that must not be held against it.
#[must_use]
pub fn held_back_by(before: &[Token], phrase: &[Token]) -> Option<String> {
    negation(before, phrase).or_else(|| report(before)).or_else(|| hypothesis(before))
}

fn reach(before: &[Token], n: usize) -> &[Token] {
    &before[before.len().saturating_sub(n)..]
}

fn negation(before: &[Token], phrase: &[Token]) -> Option<String> {
    let near = reach(before, NEGATION_REACH);
    let at = near.iter().rposition(|t| NEGATORS.contains(&t.text.as_str()))?;
    let next = near.get(at + 1).or_else(|| phrase.first());
    if next.is_some_and(|t| NOT_ABOUT_THE_PHRASE.contains(&t.text.as_str())) {
        return None;
    }
    Some(format!("negation: \"{}\" before the phrase", near[at].text))
}

fn report(before: &[Token]) -> Option<String> {
    let near = reach(before, REPORT_REACH);
    for (i, token) in near.iter().enumerate() {
        let next = |n: usize| near.get(i + n).map(|t| t.text.as_str());
        if OTHERS.contains(&token.text.as_str()) {
            let told = (1..=2).find_map(|n| next(n).filter(|t| TELLING.contains(t)));
            if let Some(verb) = told {
                return Some(format!("reported speech: \"{} {verb}\"", token.text));
            }
        }
        if PAST.iter().any(|(a, b)| token.text == *a && next(1) == Some(b)) {
            return Some(format!("told of the past: \"{} {}\"", token.text, next(1).unwrap_or_default()));
        }
    }
    None
}

fn hypothesis(before: &[Token]) -> Option<String> {
    let near = reach(before, HYPOTHETICAL_REACH);
    near.iter().any(|t| t.text == "if").then(|| "hypothetical: \"if\" before the phrase".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::normalize::tokens_of_text;

    #[track_caller]
    fn check(before: &str, phrase: &str, held: bool) {
        let got = held_back_by(&tokens_of_text(before), &tokens_of_text(phrase));
        assert_eq!(got.is_some(), held, "`{before} | {phrase}` -> {got:?}");
    }

    #[test]
    fn rows() {
        check("honestly it's", "too expensive", false);
        check("it's not", "too expensive", true);
        check("i'm not saying it's", "too expensive", true);
        check("i don't think it's", "too expensive", true);
        check("i'm not sure, it's", "too expensive", false);
        check("we could not make that work last time and it is", "too expensive", false);
        check("no it's", "too expensive", false);
        check("it's not only that it's", "too expensive", false);
        check("", "not in the budget", false);
        check("some people say it's", "too expensive", true);
        check("our customers always tell us you are", "too expensive", true);
        check("my boss says it's", "too expensive", false);
        check("we used to find it", "too expensive", true);
        check("if it's", "too expensive", true);
        check("if we look at the whole package it is", "too expensive", false);
        check("we can't do that it's", "too expensive", false);
    }
}
