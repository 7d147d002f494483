//! Whether somebody asks: by the first words of a clause or its last ones, for recognised words carry no question mark.

use crate::{
    detect::normalize::{Token, tokens_of},
    recognize::Word,
};

/// A silence this long between two words begins a new clause: the detector's measure.
const CLAUSE_PAUSE_MS: u64 = 450;

/// Words people put in front of a question without changing what it is.
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
    "hey",
    "sorry",
    "got",
    "gotcha",
    "good",
    "interesting",
    "curious",
];
/// Subjects that follow an auxiliary in a question, and a question word in a statement ("what we do is").
const PRONOUNS: &[&str] = &["i", "you", "we", "they", "he", "she", "it"];
/// Further subjects.
const OTHER_SUBJECTS: &[&str] = &[
    "this",
    "that",
    "there",
    "these",
    "those",
    "your",
    "our",
    "their",
    "my",
    "his",
    "her",
    "the",
    "a",
    "an",
    "any",
    "anyone",
    "anybody",
    "anything",
    "someone",
    "somebody",
    "something",
    "everyone",
    "everybody",
    "everything",
    "all",
];
/// Auxiliaries that stand in front of any subject in a question.
const AUXILIARIES: &[&str] = &[
    "does", "did", "is", "are", "was", "were", "can", "could", "would", "will", "should", "has", "had", "may", "might",
    "shall", "am",
];
/// Auxiliaries that also begin requests ("do the numbers", "have a look"): only these subjects make a question of them.
const AFTER_DO_OR_HAVE: &[&str] = &["you", "we", "they", "i", "your", "these", "those", "any", "anyone", "anybody"];
/// What follows `how` in a question.
const AFTER_HOW: &[&str] = &[
    "much",
    "many",
    "long",
    "often",
    "far",
    "big",
    "soon",
    "well",
    "important",
    "quickly",
    "about",
    "do",
    "does",
    "did",
    "is",
    "are",
    "was",
    "were",
    "would",
    "will",
    "can",
    "could",
    "should",
    "has",
    "have",
    "come",
    "painful",
    "large",
];
/// What follows `when`, `where` and `why` in a question.
const AFTER_WH: &[&str] = &[
    "do", "does", "did", "is", "are", "was", "were", "would", "will", "can", "could", "should", "has", "have", "not",
    "else", "exactly",
];
/// What makes a statement of `what` and `which`: "what this means", "which is why".
const STATEMENT_AFTER_WHICH: &[&str] = &["is", "was", "means", "meant", "are", "were", "would", "will", "can", "makes"];
/// In front of a closing "right" or "correct" these make an answer of it, not a tag.
const BEFORE_RIGHT: &[&str] = &["is", "are", "am", "be", "all", "not", "was", "were", "exactly", "the", "so", "yeah"];

fn is(token: Option<&Token>, list: &[&str]) -> bool {
    token.is_some_and(|t| list.contains(&t.text.as_str()))
}

fn is_subject(token: Option<&Token>) -> bool {
    is(token, PRONOUNS) || is(token, OTHER_SUBJECTS)
}

fn is_auxiliary(token: Option<&Token>) -> bool {
    is(token, AUXILIARIES) || is(token, &["do", "have"])
}

/// Whether `tokens`, one clause, are a question: a question word or an auxiliary before its subject at the beginning
/// (after words like "so" or "okay"), or a tag at the end.
fn asks(tokens: &[Token]) -> bool {
    let lead = tokens.iter().take_while(|t| LEAD_IN.contains(&t.text.as_str())).count();
    let clause = &tokens[lead..];
    begins_like_one(clause) || ends_like_one(clause)
}

fn begins_like_one(clause: &[Token]) -> bool {
    let Some(first) = clause.first() else { return false };
    let second = clause.get(1);
    // "do not you think": the opened form of "don't you".
    let negated = is(second, &["not"]) && is_auxiliary(Some(first)) && is(clause.get(2), PRONOUNS);
    negated
        || match first.text.as_str() {
            "how" => is(second, AFTER_HOW),
            "when" | "where" | "why" => is(second, AFTER_WH),
            "what" => {
                second.is_some() && !is(second, PRONOUNS) && !is(second, &["this", "that", "your", "our", "their", "a"])
            }
            "which" => second.is_some() && !is(second, PRONOUNS) && !is(second, STATEMENT_AFTER_WHICH),
            "who" | "whose" | "whom" => second.is_some(),
            "do" | "have" => is(second, AFTER_DO_OR_HAVE) || first.text == "have" && is(second, &["there"]),
            word => AUXILIARIES.contains(&word) && is_subject(second),
        }
}

fn ends_like_one(clause: &[Token]) -> bool {
    // A tag needs a statement before it.
    let n = clause.len();
    if n < 4 {
        return false;
    }
    let last = Some(&clause[n - 1]);
    if is(last, &["right", "correct"]) {
        return !is(Some(&clause[n - 2]), BEFORE_RIGHT);
    }
    // "…, isn't it", "…, are you": the subject of the statement comes back after an auxiliary.
    let (pronoun, auxiliary) = (&clause[n - 1], &clause[n - 2]);
    let negated = auxiliary.text == "not";
    let auxiliary = if negated { &clause[n - 3] } else { auxiliary };
    let statement = &clause[..n - 2 - usize::from(negated)];
    let comes_back = |t: &Token| match pronoun.text.as_str() {
        "it" => ["it", "that", "this", "there"].contains(&t.text.as_str()),
        _ => t.text == pronoun.text,
    };
    let about_a_thing = pronoun.text != "it" || !is(Some(auxiliary), &["do", "did", "have", "had"]);
    let pronoun_tag = is(last, PRONOUNS)
        && is_auxiliary(Some(auxiliary))
        && about_a_thing
        && (statement.iter().any(comes_back) || negated);
    pronoun_tag || is(last, &["not", "no"]) && is(Some(&clause[n - 2]), &["or"])
}

/// Ends of the clauses of an utterance, as indices one past their last word.
pub(super) fn clause_ends(words: &[Word]) -> Vec<usize> {
    let breaks = |i: &usize| {
        words[*i].start.ms_since(words[*i - 1].end) >= CLAUSE_PAUSE_MS || words[*i - 1].text.ends_with(['?', '.', '!'])
    };
    (1..words.len()).filter(breaks).chain((!words.is_empty()).then_some(words.len())).collect()
}

/// How many questions `words`, one utterance, hold: one for each clause that is one. Where the words come with
/// punctuation, a question mark decides.
pub(super) fn questions(words: &[Word]) -> usize {
    let mut from = 0;
    let mut count = 0;
    for end in clause_ends(words) {
        let clause = &words[from..end];
        from = end;
        let marked = clause.last().is_some_and(|w| w.text.ends_with('?'));
        count += usize::from(marked || asks(&tokens_of(clause)));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::MediaTime;

    /// Words of 200 ms with 100 ms between them; `/` stands for a pause of a second.
    fn words(text: &str) -> Vec<Word> {
        let (mut at, mut out) = (0, Vec::new());
        for text in text.split_whitespace() {
            if text == "/" {
                at += 1_000;
                continue;
            }
            let (start, end) = (MediaTime::from_ms(at), MediaTime::from_ms(at + 200));
            out.push(Word { text: text.to_owned(), start, end, confidence: 1.0 });
            at += 300;
        }
        out
    }

    #[test]
    fn questions_are_told_from_statements() {
        for text in [
            "what do you use today",
            "so what is the biggest problem with that",
            "how many reps do you have",
            "how does that work on your side",
            "okay and who signs off on this",
            "why is that",
            "when would you want to start",
            "which of the two matters more",
            "do you see that often",
            "don't you have that problem too",
            "is there anybody else we should talk to",
            "could you walk me through it",
            "have you tried that",
            "would that help",
            "you use a spreadsheet right",
            "it is mostly the mornings isn't it",
            "you are not on the old plan are you",
            "is that something you need or not",
            "Does that make sense?",
        ] {
            assert_eq!(questions(&words(text)), 1, "{text}");
        }
        for text in [
            "",
            "what we do is simple",
            "what this means is less work",
            "how it works is very simple",
            "how we do that is another story",
            "when you log in you see the list",
            "where it gets interesting is here",
            "which is why we built it",
            "do it now",
            "have a look at the screen",
            "do the numbers and you will see",
            "that is right",
            "yeah you are right",
            "right",
            "i will send you that tomorrow",
            "we can do it",
            "that is how we did it",
            "it is so good to have you",
            "as soon as you can",
            "i think it is",
        ] {
            assert_eq!(questions(&words(text)), 0, "{text}");
        }
    }

    #[test]
    fn each_clause_counts() {
        assert_eq!(questions(&words("we do that for everyone / what do you use today")), 1);
        assert_eq!(questions(&words("what do you use today / and how many of you are there / okay")), 2);
        assert_eq!(questions(&words("We do it all. What do you use? Who signs?")), 2);
    }
}
