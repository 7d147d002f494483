//! Questions in recognised speech, which has no question marks: by the words they begin with.

use std::ops::Range;

use super::spoken::{clauses, plain};
use crate::handoff::HeardWord;

/// Words that may stand before a question.
const LEAD_IN: &[&str] = &[
    "so",
    "and",
    "but",
    "okay",
    "ok",
    "well",
    "great",
    "right",
    "now",
    "alright",
    "yeah",
    "yes",
    "cool",
    "perfect",
    "then",
    "or",
    "sorry",
    "gotcha",
    "good",
    "interesting",
    "curious",
    "um",
    "uh",
    "because",
    "sure",
    "question",
    "exactly",
];
/// Auxiliaries that stand before a subject in a question.
const AUXILIARIES: &[&str] = &[
    "do", "does", "did", "is", "are", "was", "were", "can", "could", "would", "will", "should", "has", "have", "had",
    "may", "might", "don't", "doesn't", "didn't", "isn't", "aren't", "wouldn't", "can't", "couldn't",
];
/// Subjects after an auxiliary.
const SUBJECTS: &[&str] = &[
    "you",
    "we",
    "they",
    "i",
    "he",
    "she",
    "it",
    "this",
    "that",
    "there",
    "these",
    "those",
    "your",
    "our",
    "their",
    "the",
    "any",
    "anyone",
    "anybody",
    "anything",
    "someone",
    "somebody",
    "everyone",
    "everybody",
    "all",
];
/// After these auxiliaries only such subjects ask: "do the numbers", "have a look" are requests.
const AFTER_DO_OR_HAVE: &[&str] = &["you", "we", "they", "your", "any", "anyone", "anybody", "those", "these"];
/// What follows `how` in a question.
const AFTER_HOW: &[&str] = &[
    "much",
    "many",
    "long",
    "often",
    "far",
    "big",
    "soon",
    "important",
    "quickly",
    "painful",
    "large",
    "about",
    "come",
];
/// Subjects after a question word that make a statement of it: "what we do is".
const PRONOUNS: &[&str] = &["you", "we", "they", "i", "he", "she", "it", "this", "that"];
/// Verbs after `what` and `which` that make a statement: "which means".
const STATES: &[&str] = &["means", "meant", "makes"];
/// Invitations that are questions in all but form.
const INVITATIONS: &[&str] =
    &["tell me about", "tell me more", "tell me a", "walk me through", "talk me through", "help me understand"];
/// Shortest question, in words.
const SHORTEST: usize = 3;

/// Where the questions of a turn stand: from the first word of each to the end of its clause or the next question.
pub(super) fn questions(words: &[HeardWord]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    for clause in clauses(words) {
        let said: Vec<String> = words[clause.clone()].iter().map(|w| plain(&w.text)).collect();
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        let mut starts: Vec<usize> = Vec::new();
        for i in 0..said.len() {
            let begins = i == 0 || LEAD_IN.contains(&said[i - 1]);
            let clear = starts.last().is_none_or(|last| i >= last + SHORTEST);
            if begins && clear && said.len() - i >= SHORTEST && asks(&said[i..]) {
                starts.push(i);
            }
        }
        let marked = words[clause.end - 1].text.ends_with('?');
        if starts.is_empty() && (marked || tag(&said)) {
            starts.push(0);
        }
        let ends = starts.iter().skip(1).copied().chain([said.len()]);
        out.extend(starts.iter().zip(ends).map(|(from, until)| clause.start + from..clause.start + until));
    }
    out
}

/// Whether these words begin with a question.
fn asks(said: &[&str]) -> bool {
    let (first, second) = (said[0], said.get(1).copied().unwrap_or_default());
    let auxiliary = AUXILIARIES.contains(&second);
    let invited = |p: &&str| p.split(' ').eq(said.iter().copied().take(p.split(' ').count()));
    match first {
        "what's" | "who's" | "where's" | "how's" => true,
        "what" => !PRONOUNS.contains(&second) && !STATES.contains(&second),
        "which" => !PRONOUNS.contains(&second) && !STATES.contains(&second) && second != "is",
        "who" | "whose" => true,
        "how" => auxiliary || AFTER_HOW.contains(&second),
        "when" | "where" | "why" => auxiliary,
        "do" | "have" | "had" => AFTER_DO_OR_HAVE.contains(&second),
        _ if AUXILIARIES.contains(&first) => SUBJECTS.contains(&second),
        _ => INVITATIONS.iter().any(invited),
    }
}

/// Whether a clause ends with a tag: "…, right", "…, isn't it", "…, are you".
fn tag(said: &[&str]) -> bool {
    let n = said.len();
    if n < SHORTEST + 1 {
        return false;
    }
    match (said[n - 2], said[n - 1]) {
        (
            "is" | "are" | "am" | "be" | "all" | "not" | "was" | "exactly" | "the" | "so" | "yeah" | "that's",
            "right",
        ) => false,
        (_, "right" | "correct") => true,
        ("or", "not" | "no") => true,
        (aux, "it" | "you" | "they" | "we") => aux.ends_with("n't") && AUXILIARIES.contains(&aux),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<HeardWord> {
        let (mut at, mut out) = (0, Vec::new());
        for text in text.split_whitespace() {
            if text == "/" {
                at += 1_000;
                continue;
            }
            out.push(HeardWord { text: text.into(), from_ms: at, to_ms: at + 200, confidence: 1.0 });
            at += 300;
        }
        out
    }

    #[test]
    fn questions_are_counted_without_question_marks() {
        for (text, n) in [
            ("", 0),
            ("what do you use today", 1),
            ("okay great so what do you use today", 1),
            ("that makes sense and how many people are on the team", 1),
            ("do you track that / and who owns the number", 2),
            ("is that a problem or is it just me", 2),
            ("walk me through a normal week", 1),
            ("you use a spreadsheet right", 1),
            ("it is mostly the mornings isn't it", 1),
            ("Does that make sense?", 1),
            ("what we do is simple", 0),
            ("which means less work for you", 0),
            ("when you log in you see the list", 0),
            ("how it works is very simple", 0),
            ("do the numbers and you will see", 0),
            ("have a look at the screen", 0),
            ("that is right", 0),
            ("i know what you mean", 0),
            ("we can do that for you", 0),
        ] {
            assert_eq!(questions(&words(text)).len(), n, "{text}");
        }
    }
}
