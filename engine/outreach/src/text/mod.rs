//! Text as its reader sees it: folded letters, words, sentences and pictures.

mod fold;
mod picture;
mod sentence;

pub use self::{
    fold::{key, plain},
    picture::pictures,
    sentence::{Sentence, sentences},
};

/// Pieces between blanks and dashes that hold a letter or digit, with the byte where each begins.
#[must_use]
pub fn words(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut from = None;
    let breaks = |c: char| c.is_whitespace() || matches!(c, '\u{2013}' | '\u{2014}' | '\u{2015}');
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (breaks(c), from) {
            (true, Some(start)) => {
                let piece = &text[start..at];
                if piece.chars().any(char::is_alphanumeric) {
                    out.push((start, piece));
                }
                from = None;
            }
            (false, None) => from = Some(at),
            _ => {}
        }
    }
    out
}

/// Whether `phrase` (a [`key`]) stands in `key`, at the borders of words.
#[must_use]
pub fn has(key: &str, phrase: &str) -> bool {
    find(key, phrase).is_some()
}

/// Where `phrase` (a [`key`]) begins in `key`, at the borders of words.
#[must_use]
pub fn find(key: &str, phrase: &str) -> Option<usize> {
    let border = |b: Option<&u8>| b.is_none_or(|b| *b == b' ');
    key.match_indices(phrase).map(|(at, _)| at).find(|at| {
        let before = at.checked_sub(1).and_then(|i| key.as_bytes().get(i));
        border(before) && border(key.as_bytes().get(at + phrase.len()))
    })
}

/// The first letters of a folded word, which stand for it whatever its ending: "opened" and "opening".
#[must_use]
pub fn stem(word: &str) -> &str {
    let word = match word.len() {
        6.. => ["ings", "ing", "ers", "ies", "ed", "es", "er", "en", "s"].iter().find_map(|e| word.strip_suffix(e)),
        4..6 => word.strip_suffix('s').filter(|w| !w.ends_with('s')),
        _ => None,
    }
    .unwrap_or(word);
    let word = word.strip_suffix('e').filter(|w| w.len() > 3).unwrap_or(word);
    word.char_indices().nth(7).map_or(word, |(end, _)| &word[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_at_borders() {
        let text = key("Stop by our booth; we are un\u{200b}stoppable.");
        assert!(has(&text, "stop by our"));
        assert!(!has(&text, "stoppable") && has(&text, "unstoppable"));
        assert_eq!(words("a \u{2014} b\u{2014}c  \u{a0}d !").len(), 4);
        assert_eq!(
            (stem("hiring"), stem("hire"), stem("opened"), stem("warehouses")),
            ("hir", "hire", "open", "warehou")
        );
    }
}
