//! Phrases looked for in words without punctuation.
//!
//! A pattern is words with single spaces between them. `a|b` is one of several words, `x?` may be missing, `_` is any one
//! word, `~` is up to three words of any kind, `approv*` is any word that begins so.

use std::collections::BTreeMap;

/// A pattern and what it stands for, as tables list them.
pub const fn cue<T: Copy>(pattern: &'static str, meaning: T) -> (&'static str, T) {
    (pattern, meaning)
}

/// One place of a pattern.
#[derive(Clone, Debug)]
struct Place {
    words: Vec<&'static str>,
    may_be_missing: bool,
}

impl Place {
    fn takes(&self, word: &str) -> bool {
        self.words.iter().any(|w| match w.strip_suffix('*') {
            Some(stem) => word.starts_with(stem),
            None => *w == "_" || *w == word,
        })
    }
}

/// A table of patterns, ready for use.
#[derive(Clone, Debug)]
pub struct Cues<T> {
    patterns: Vec<(Vec<Place>, T)>,
    /// Patterns by their exact first word.
    by_first: BTreeMap<&'static str, Vec<usize>>,
    /// Patterns whose first word is not one fixed word.
    others: Vec<usize>,
}

impl<T: Copy> Cues<T> {
    /// Reads a table. The order matters only between matches of the same length: the first wins.
    pub fn new(table: &[(&'static str, T)]) -> Self {
        let mut cues = Self { patterns: Vec::new(), by_first: BTreeMap::new(), others: Vec::new() };
        for (pattern, meaning) in table {
            let places: Vec<Place> = pattern
                .split(' ')
                .map(|p| {
                    let (words, may_be_missing) = p.strip_suffix('?').map_or((p, false), |p| (p, true));
                    Place { words: words.split('|').collect(), may_be_missing }
                })
                .collect();
            let n = cues.patterns.len();
            let first = &places[0];
            if first.may_be_missing || first.words.iter().any(|w| *w == "_" || *w == "~" || w.ends_with('*')) {
                cues.others.push(n);
            } else {
                for word in &first.words {
                    cues.by_first.entry(word).or_default().push(n);
                }
            }
            cues.patterns.push((places, *meaning));
        }
        cues
    }

    /// The longest match that begins at word `from`: where it ends, and its meaning.
    pub fn at(&self, words: &[&str], from: usize) -> Option<(usize, T)> {
        let first = *words.get(from)?;
        let known = self.by_first.get(first).into_iter().flatten().chain(&self.others);
        let mut best: Option<(usize, T)> = None;
        for &n in known {
            let (places, meaning) = &self.patterns[n];
            if let Some(end) = matched(places, words, from)
                && best.is_none_or(|(longest, _)| end > longest)
            {
                best = Some((end, *meaning));
            }
        }
        best
    }

    /// All matches, the longest at each place, those inside an earlier one left out.
    pub fn all(&self, words: &[&str]) -> Vec<(std::ops::Range<usize>, T)> {
        let mut found = Vec::new();
        let mut i = 0;
        while i < words.len() {
            match self.at(words, i) {
                Some((end, meaning)) if end > i => {
                    found.push((i..end, meaning));
                    i = end;
                }
                _ => i += 1,
            }
        }
        found
    }

    /// Whether anything of the table is in the words.
    pub fn any(&self, words: &[&str]) -> bool {
        (0..words.len()).any(|i| self.at(words, i).is_some())
    }
}

fn matched(places: &[Place], words: &[&str], at: usize) -> Option<usize> {
    let Some((place, rest)) = places.split_first() else { return Some(at) };
    if place.words == ["~"] {
        return (0..=3).find_map(|skip| (at + skip <= words.len()).then(|| matched(rest, words, at + skip))?);
    }
    if words.get(at).is_some_and(|w| place.takes(w))
        && let Some(end) = matched(rest, words, at + 1)
    {
        return Some(end);
    }
    if place.may_be_missing { matched(rest, words, at) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_documented() {
        let hit = |pattern: &'static str, text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            Cues::new(&[(pattern, ())]).all(&words).first().map(|(r, ())| words[r.clone()].join(" "))
        };
        for (pattern, text, expected) in [
            ("let me|us check", "so let us check it", Some("let us check")),
            ("i'll just? send", "i'll send it", Some("i'll send")),
            ("i'll just? send", "i'll just send it", Some("i'll just send")),
            ("run ~ by", "i need to run the whole thing by dana", Some("run the whole thing by")),
            ("run ~ by", "run a b c d by", None),
            ("approv* it", "she approves it", Some("approves it")),
            ("_ from legal", "marcus from legal", Some("marcus from legal")),
            ("see you", "i see", None),
        ] {
            assert_eq!(hit(pattern, text).as_deref(), expected, "{pattern} / {text}");
        }
    }
}
