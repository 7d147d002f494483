//! Whether a line says anything, and whether two lines speak of the same thing.

use std::collections::BTreeSet;

use rust_stemmers::{Algorithm, Stemmer};

/// Words that carry no content of their own.
const EMPTY: &[&str] = &[
    "a", "about", "again", "all", "also", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "for",
    "from", "get", "got", "have", "he", "her", "him", "i", "i'll", "in", "into", "is", "it", "its", "just", "let",
    "me", "my", "need", "of", "on", "or", "our", "out", "over", "she", "should", "so", "some", "that", "the", "their",
    "them", "then", "there", "they", "this", "to", "up", "us", "want", "was", "we", "we'll", "what", "when", "will",
    "with", "would", "you", "your",
];
/// Two lines speak of the same thing from this share of the shorter one's content words on.
const SAME_SHARE: f32 = 0.5;

/// Lower-case words, punctuation left out.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'));
    parts.map(|w| w.trim_matches('\'').replace('’', "'").to_lowercase()).filter(|w| !w.is_empty())
}

/// Whether nothing is left of a line when `vague` words and phrases, and those without content, are taken out.
pub(super) fn is_vague(text: &str, vague: &[String]) -> bool {
    let joined = |text: &str| format!(" {} ", words(text).collect::<Vec<_>>().join(" "));
    let mut left = joined(text);
    for phrase in vague {
        // Twice, for neighbours share the space between them.
        left = left.replace(&joined(phrase), "  ").replace(&joined(phrase), "  ");
    }
    left.split_whitespace().all(|w| EMPTY.contains(&w) || w.chars().count() < 2)
}

fn stems(text: &str) -> BTreeSet<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    words(text).filter(|w| !EMPTY.contains(&w.as_str())).map(|w| stemmer.stem(&w).into_owned()).collect()
}

/// Number of content words that two lines have in common, whatever their endings.
pub(crate) fn in_common(a: &str, b: &str) -> usize {
    stems(a).intersection(&stems(b)).count()
}

/// Whether two lines speak of the same thing: half the content words of the shorter one are in the other, and more than
/// one of them unless it has but one.
pub(super) fn same_thing(a: &str, b: &str) -> bool {
    let (a, b) = (stems(a), stems(b));
    let shorter = a.len().min(b.len());
    let common = a.intersection(&b).count();
    shorter > 0 && common >= shorter.min(2) && common as f32 >= SAME_SHARE * shorter as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vague_lines_are_told_from_those_that_say_something() {
        let vague: Vec<String> = ["follow up", "touch base", "tbd", "next week", "call"].map(String::from).into();
        for text in
            ["", "TBD", "Follow up", "follow-up next week", "Touch base / call them again", "…", "call call call"]
        {
            assert!(is_vague(text, &vague), "{text}");
        }
        for text in ["Send the security questionnaire", "call with their CFO", "demo for the warehouse team"] {
            assert!(!is_vague(text, &vague), "{text}");
        }
    }

    #[test]
    fn the_same_thing_under_other_words() {
        for (a, b, same) in [
            ("send the security pack", "I'll send you the security pack by Friday", true),
            ("Sending security pack", "send the security pack", true),
            ("send the security pack", "send the contract", false),
            ("send the price list", "book the demo", false),
            ("", "", false),
            ("invoice", "pay the invoice", true),
        ] {
            assert_eq!(same_thing(a, b), same, "{a} / {b}");
            assert_eq!(same_thing(b, a), same, "{b} / {a}");
        }
    }
}
