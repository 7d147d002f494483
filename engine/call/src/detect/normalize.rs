//! Words as they are compared: contractions opened, fillers and repetitions gone, every token tied to its source word.

use crate::recognize::Word;

/// A comparable token and the source word it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Lower-case letters, digits and inner hyphens; no punctuation.
    pub text: String,
    /// Index of the word it came from.
    pub word: usize,
}

/// Sounds and adverbs people put between the words that matter ("we can't *really* afford it"). Dropped from what is
/// said and from the phrases of a playbook alike, so that a phrase need not foresee them.
const FILLERS: &[&str] = &[
    "um",
    "uh",
    "uhm",
    "erm",
    "er",
    "ah",
    "eh",
    "hm",
    "hmm",
    "mm",
    "mhm",
    "really",
    "honestly",
    "actually",
    "basically",
    "just",
    "quite",
    "pretty",
    "simply",
    "literally",
    "frankly",
    "obviously",
];

/// The same, in two words.
const FILLER_PAIRS: &[(&str, &str)] =
    &[("you", "know"), ("i", "mean"), ("kind", "of"), ("sort", "of"), ("a", "bit"), ("a", "little")];

/// Longest run of tokens whose immediate repetition is taken for a stumble: "we can not, we can not".
const REPEATED_MAX: usize = 4;

/// Contractions that are not stem + suffix.
const IRREGULAR: &[(&str, &[&str])] = &[
    ("won't", &["will", "not"]),
    ("can't", &["can", "not"]),
    ("cannot", &["can", "not"]),
    ("shan't", &["shall", "not"]),
    ("ain't", &["is", "not"]),
    ("gonna", &["going", "to"]),
    ("wanna", &["want", "to"]),
    ("gotta", &["got", "to"]),
    ("dont", &["do", "not"]),
    ("doesnt", &["does", "not"]),
    ("isnt", &["is", "not"]),
    ("cant", &["can", "not"]),
    ("let's", &["let", "us"]),
];

/// Suffixes that stand for a word of their own. `'s` is opened after pronouns and question words only; elsewhere it is
/// a possessive and stays glued.
const SUFFIXES: &[(&str, &str)] =
    &[("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'d", "would"), ("'m", "am")];

const TAKES_IS: &[&str] = &[
    "it",
    "that",
    "this",
    "what",
    "there",
    "here",
    "he",
    "she",
    "who",
    "how",
    "where",
    "price",
    "money",
    "everything",
    "nothing",
];

fn open_contraction(word: &str, mut push: impl FnMut(&str)) {
    if let Some((_, parts)) = IRREGULAR.iter().find(|(from, _)| *from == word) {
        parts.iter().for_each(|p| push(p));
        return;
    }
    if let Some(stem) = word.strip_suffix("'s") {
        if TAKES_IS.contains(&stem) {
            push(stem);
            push("is");
            return;
        }
        push(&format!("{stem}s"));
        return;
    }
    for (suffix, full) in SUFFIXES {
        if let Some(stem) = word.strip_suffix(suffix)
            && !stem.is_empty()
        {
            push(stem);
            push(full);
            return;
        }
    }
    push(&word.replace('\'', ""));
}

/// Turns words into comparable tokens.
///
/// ```
/// use reframe_call::detect::normalize::{join, tokens};
/// let t = tokens(["Well,", "it's", "um", "really", "too", "too", "expensive."]);
/// assert_eq!(join(&t), "well it is too expensive");
/// ```
pub fn tokens<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    for (index, raw) in words.into_iter().enumerate() {
        let clean: String = raw
            .chars()
            .map(|c| if c == '’' { '\'' } else { c })
            .flat_map(char::to_lowercase)
            .filter(|c| c.is_alphanumeric() || *c == '\'' || *c == '-')
            .collect();
        let clean = clean.trim_matches(|c| c == '\'' || c == '-');
        for part in clean.split('-').filter(|p| !p.is_empty()) {
            open_contraction(part, |text| push(&mut out, text, index));
        }
    }
    out
}

/// [`tokens`] of recognised words.
pub fn tokens_of(words: &[Word]) -> Vec<Token> {
    tokens(words.iter().map(|w| w.text.as_str()))
}

/// [`tokens`] of a line of text.
pub fn tokens_of_text(text: &str) -> Vec<Token> {
    tokens(text.split_whitespace())
}

fn push(out: &mut Vec<Token>, text: &str, word: usize) {
    if text.is_empty() || FILLERS.contains(&text) {
        return;
    }
    // Repetitions: "too too expensive", "we can not we can not".
    if out.last().is_some_and(|t| t.text == text) {
        return;
    }
    out.push(Token { text: text.to_owned(), word });
    let n = out.len();
    if n >= 2 && FILLER_PAIRS.contains(&(out[n - 2].text.as_str(), out[n - 1].text.as_str())) {
        out.truncate(n - 2);
        return;
    }
    for len in 2..=REPEATED_MAX.min(n / 2) {
        let (first, again) = out[n - 2 * len..].split_at(len);
        if first.iter().zip(again).all(|(a, b)| a.text == b.text) {
            out.truncate(n - len);
            return;
        }
    }
}

/// Tokens with single spaces between them.
#[must_use]
pub fn join(tokens: &[Token]) -> String {
    tokens.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, want: &str) {
        assert_eq!(join(&tokens_of_text(said)), want, "{said}");
    }

    #[test]
    fn rows() {
        check("It's too expensive", "it is too expensive");
        check("we can't really afford that", "we can not afford that");
        check("we, um, we can not uh we can not do it", "we can not do it");
        check("that's, you know, kind of steep", "that is steep");
        check("our vendor's price", "our vendors price");
        check("sign-off", "sign off");
        check("I don’t think so", "i do not think so");
        check("", "");
        check("' - '", "");
        check("won't", "will not");
    }

    #[test]
    fn tokens_point_at_their_words() {
        let t = tokens_of_text("um it's pricey");
        assert_eq!(t.iter().map(|t| t.word).collect::<Vec<_>>(), [1, 1, 2]);
    }
}
