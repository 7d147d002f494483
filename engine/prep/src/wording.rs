//! Words of written lines: for looking up and for counting.

use std::collections::BTreeSet;

/// Lower-case words, without punctuation; hyphens part words.
pub fn plain_words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'));
    parts.map(|w| w.trim_matches('\'').replace('’', "'").to_lowercase()).filter(|w| !w.is_empty()).collect()
}

/// Words that carry nothing of their own.
const EMPTY: &[&str] = &[
    "a", "about", "again", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "get", "got", "had", "has", "have", "he", "her", "him", "how", "i",
    "i'll", "i'm", "i've", "if", "in", "into", "is", "it", "it's", "its", "just", "let", "me", "my", "need", "not",
    "of", "on", "or", "our", "out", "over", "she", "should", "so", "some", "that", "that's", "the", "their", "them",
    "then", "there", "they", "this", "to", "up", "us", "want", "was", "we", "we'll", "we're", "we've", "well", "were",
    "what", "when", "will", "with", "would", "yeah", "you", "you'll", "your", "who",
];

/// Beginnings (six letters) of the words of a line that carry something.
pub fn content(text: &str) -> BTreeSet<String> {
    let words = plain_words(text).into_iter().filter(|w| !EMPTY.contains(&w.as_str()) && w.chars().count() > 1);
    words.map(|w| w.chars().take(6).collect()).collect()
}

/// Whether two lines speak of the same: half of what the shorter one says is in the other, and two words at least.
pub fn same_thing(a: &str, b: &str) -> bool {
    let (a, b) = (content(a), content(b));
    let common = a.intersection(&b).count();
    let shorter = a.len().min(b.len());
    shorter > 0 && common >= shorter.min(2) && 2 * common >= shorter
}

/// The first so many words of a line, marked where something is left out.
pub fn first_words(text: &str, most: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() <= most { words.join(" ") } else { format!("{} …", words[..most].join(" ")) }
}

/// Number of words.
pub fn count(text: &str) -> usize {
    text.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric)).count()
}

/// `economic_buyer` as it is said.
pub fn spoken(name: &str) -> String {
    name.replace(['_', '-'], " ")
}
