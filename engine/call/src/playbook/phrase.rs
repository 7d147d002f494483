//! Phrases of a play: whether they can be looked for at all.

use crate::detect::normalize::{join, tokens_of_text};

/// Stands for up to three words that may come between: `too .. expensive`.
pub const GAP: &str = "..";

/// Words that are in every sentence: a phrase of nothing else matches everything. The function words without those that
/// turn a meaning round (`not`, `no`, `never`), and what people say to show that they listen.
const EVERYWHERE: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "be", "but", "by", "did", "do", "does", "for", "from", "had", "has",
    "have", "he", "her", "here", "him", "his", "i", "if", "in", "is", "it", "its", "like", "me", "my", "of", "ok",
    "okay", "on", "or", "our", "right", "she", "so", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "us", "was", "we", "well", "were", "what", "which", "who", "will", "with", "would", "yeah",
    "yes", "you", "your",
];

/// A phrase that can be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phrase {
    /// As it is written, in lower case and with single blanks.
    pub text: String,
    /// As it is compared: two phrases with the same one are the same.
    pub key: String,
}

impl Phrase {
    /// Whether it is a single word short enough to turn up by chance.
    pub fn is_short(&self) -> bool {
        // Five letters: shorter ones are mostly function words and halves of other words.
        !self.key.contains(' ') && self.key.len() < 5
    }
}

/// Reads a phrase.
///
/// # Errors
/// What is wrong with it and what to write instead.
pub(super) fn read(text: &str) -> Result<Phrase, String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let text = words.join(" ");
    if words.is_empty() {
        return Err("a phrase is empty: write what is said, or take it out".to_owned());
    }
    let glued = |w: &String| w != GAP && (w.contains(GAP) || w.contains('…'));
    if words.iter().any(glued) {
        return Err(format!(
            "\"{text}\": write `..` with a blank on either side; it stands for up to three words between"
        ));
    }
    let pieces: Vec<String> = words.split(|w| w == GAP).map(|p| join(&tokens_of_text(&p.join(" ")))).collect();
    if words.first().is_some_and(|w| w == GAP) || words.last().is_some_and(|w| w == GAP) {
        return Err(format!("\"{text}\": `..` at an end would match anything there; take it out"));
    }
    if pieces.iter().all(String::is_empty) {
        return Err(format!("the phrase \"{text}\" has no words that count (fillers are ignored); write what is said"));
    }
    if pieces.iter().any(String::is_empty) {
        return Err(format!(
            "\"{text}\": between and beside `..` there must be words that count (fillers are ignored)"
        ));
    }
    if pieces.iter().flat_map(|p| p.split(' ')).all(|w| EVERYWHERE.contains(&w)) {
        return Err(format!(
            "\"{text}\" would match nearly everything: all its words are in every conversation; add the words that matter"
        ));
    }
    Ok(Phrase { key: pieces.join(&format!(" {GAP} ")), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones_are_kept_as_they_are_written() {
        let phrase = read("Too  .. Expensive").unwrap();
        assert_eq!((phrase.text.as_str(), phrase.key.as_str()), ("too .. expensive", "too .. expensive"));
        assert_eq!(read("it's um really steep").unwrap().key, "it is steep");
        assert_eq!(read("not for us").unwrap().text, "not for us", "a word that turns the meaning round counts");
        assert!(read("cost").unwrap().is_short());
        assert!(!read("budget").unwrap().is_short());
        assert!(!read("no .. go").unwrap().is_short());
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let why = read(text).unwrap_err();
        assert!(why.contains(part), "{text}: {why}");
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        refused("", "is empty");
        refused("   ", "is empty");
        refused("um you know", "no words that count");
        refused("the", "nearly everything");
        refused("and", "nearly everything");
        refused("and then they", "nearly everything");
        refused("so .. it", "nearly everything");
        refused("too expensive ..", "at an end");
        refused(".. too expensive", "at an end");
        refused("..", "at an end");
        refused("too .. .. expensive", "between and beside");
        refused("too .. um .. expensive", "between and beside");
        refused("too..expensive", "blank on either side");
        refused("too ... expensive", "blank on either side");
        refused("too … expensive", "blank on either side");
    }
}
