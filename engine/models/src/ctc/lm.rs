//! Word trigram with back-off in flat sorted arrays; read from ARPA, or from columns (`columns.rs`).

use std::collections::HashMap;

use super::{
    columns::{self, Columns},
    words::{WordId, Words},
};
use crate::error::ModelError;

pub(super) const FILE: &str = "lm.arpa.gz";

/// Log-probability of a word the model does not know, as natural logarithm.
const UNKNOWN: f32 = -25.0;
/// ARPA files hold decimal logarithms.
pub(super) const LN_10: f32 = std::f32::consts::LN_10;
/// Longest n-grams used.
const ORDER: usize = 3;

/// The n-grams of a file in any order; all probabilities are natural logarithms.
pub(super) struct Grams {
    /// `(log-probability, back-off)` by word.
    pub unigrams: Vec<(f32, f32)>,
    pub bigrams: Vec<([WordId; 2], (f32, f32))>,
    pub trigrams: Vec<([WordId; 3], f32)>,
}

impl Grams {
    /// None of any of so many words.
    pub fn new(words: usize) -> Self {
        Self { unigrams: vec![(UNKNOWN, 0.0); words], bigrams: Vec::new(), trigrams: Vec::new() }
    }
}

/// An unpacked file of a trigram, in either form.
pub(super) enum Unpacked<'a> {
    Arpa(&'a str),
    Columns(Box<Columns<'a>>),
}

impl<'a> Unpacked<'a> {
    /// Tells the form by what the file begins with.
    ///
    /// # Errors
    /// [`ModelError::Format`] if it is neither.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ModelError> {
        if Columns::recognised(bytes) {
            return Ok(Self::Columns(Box::new(Columns::read(bytes)?)));
        }
        let text = std::str::from_utf8(bytes);
        text.map(Self::Arpa).map_err(|e| ModelError::format(FILE, format!("it is neither ARPA text nor columns ({e})")))
    }

    /// The words it knows.
    pub fn words(&self) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        match self {
            Self::Arpa(text) => Box::new(unigram_words(text)),
            Self::Columns(columns) => Box::new(columns.words()),
        }
    }

    /// The model; `words` must hold its words. `done` is told the finished share, 0..=1.
    ///
    /// # Errors
    /// [`ModelError::Format`] says where the file is wrong.
    pub fn model(&self, words: &Words, mut done: impl FnMut(f32)) -> Result<LanguageModel, ModelError> {
        match self {
            Self::Arpa(text) => LanguageModel::parse(text, words, done),
            Self::Columns(columns) => {
                let model = LanguageModel::new(columns::FILE, words, columns.grams(words)?)?;
                done(1.0);
                Ok(model)
            }
        }
    }
}

/// A trigram model; all probabilities are natural logarithms.
pub struct LanguageModel {
    /// `(log-probability, back-off)` by word.
    unigrams: Vec<(f32, f32)>,
    /// Where the bigrams of each first word start; one more than words.
    bigram_start: Vec<u32>,
    bigram_word: Vec<WordId>,
    bigram: Vec<(f32, f32)>,
    /// Where the trigrams of each bigram start; one more than bigrams.
    trigram_start: Vec<u32>,
    trigram_word: Vec<WordId>,
    trigram: Vec<f32>,
    sentence_start: WordId,
}

/// The words of an ARPA text's unigram section, for building the vocabulary before parsing.
pub fn unigram_words(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .skip_while(|l| *l != "\\1-grams:")
        .skip(1)
        .take_while(|l| !l.starts_with('\\'))
        .filter_map(|l| l.split_ascii_whitespace().nth(1))
}

/// A decimal number as ARPA files write them (`-12.345`); anything else goes the slow, general way.
fn parse_log(text: &str) -> Option<f32> {
    let digits = text.strip_prefix('-')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() > 7 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return text.parse().ok().filter(|x: &f32| x.is_finite());
    }
    let number = whole.bytes().chain(fraction.bytes()).fold(0u32, |n, b| n * 10 + u32::from(b - b'0'));
    // Both are exact in f32 up to seven digits, so this rounds as the general parser does.
    Some(-(number as f32 / [1e0f32, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7][fraction.len()]))
}

impl LanguageModel {
    /// Parses ARPA `text` up to trigrams; `words` must hold its unigrams. `done` is told the finished share, 0..=1.
    ///
    /// # Errors
    /// [`ModelError::Format`] names the first line that does not parse.
    pub fn parse(text: &str, words: &Words, mut done: impl FnMut(f32)) -> Result<Self, ModelError> {
        let index: HashMap<&str, WordId> = (0..words.count() as WordId).map(|id| (words.get(id), id)).collect();
        let mut grams = Grams::new(words.count());
        let mut order = 0;
        let mut ended = false;
        // N-grams come sorted, so the first word is nearly always that of the line before.
        let mut last: (&str, WordId) = ("", 0);
        for (number, line) in text.lines().enumerate() {
            if number % 65_536 == 0 {
                done((line.as_ptr().addr() - text.as_ptr().addr()) as f32 / text.len() as f32);
            }
            if let Some(section) = line.strip_prefix('\\') {
                order = section.split('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                ended = section == "end\\";
                continue;
            }
            if order == 0 || order > ORDER || line.is_empty() {
                continue;
            }
            let bad = || ModelError::format(FILE, format!("line {} is `{line}`, not an n-gram", number + 1));
            let mut fields = line.split_ascii_whitespace();
            let log = LN_10 * fields.next().and_then(parse_log).ok_or_else(bad)?;
            let mut ids = [0; ORDER];
            for (position, id) in ids.iter_mut().take(order).enumerate() {
                let word = fields.next().ok_or_else(bad)?;
                *id = if position == 0 && last.0 == word { last.1 } else { *index.get(word).ok_or_else(bad)? };
                if position == 0 {
                    last = (word, *id);
                }
            }
            let back_off = match fields.next() {
                Some(text) => LN_10 * text.parse::<f32>().ok().filter(|x| x.is_finite()).ok_or_else(bad)?,
                None => 0.0,
            };
            match order {
                1 => grams.unigrams[ids[0] as usize] = (log, back_off),
                2 => grams.bigrams.push(([ids[0], ids[1]], (log, back_off))),
                _ => grams.trigrams.push((ids, log)),
            }
        }
        if !ended {
            return Err(ModelError::format(FILE, "it is cut short: no \\end\\ line"));
        }
        Self::new(FILE, words, grams)
    }

    /// The model of `grams`, which came from `file`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if a trigram's first two words are no bigram, or if there is no `<s>`.
    pub(super) fn new(file: &'static str, words: &Words, grams: Grams) -> Result<Self, ModelError> {
        let sentence_start = words.find("<s>").ok_or_else(|| ModelError::format(file, "it has no <s>"))?;
        let Grams { unigrams, mut bigrams, mut trigrams } = grams;
        bigrams.sort_unstable_by_key(|b| b.0);
        bigrams.dedup_by_key(|b| b.0);
        trigrams.sort_unstable_by_key(|t| t.0);
        trigrams.dedup_by_key(|t| t.0);
        let mut lm = Self {
            bigram_start: starts(words.count(), bigrams.iter().map(|b| b.0[0] as usize)),
            bigram_word: bigrams.iter().map(|b| b.0[1]).collect(),
            bigram: bigrams.iter().map(|b| b.1).collect(),
            trigram_start: Vec::new(),
            trigram_word: trigrams.iter().map(|t| t.0[2]).collect(),
            trigram: trigrams.iter().map(|t| t.1).collect(),
            unigrams,
            sentence_start,
        };
        let mut contexts = Vec::with_capacity(trigrams.len());
        for ([u, v, w], _) in &trigrams {
            let problem = || format!("trigram `{} {} {}` has no bigram", words.get(*u), words.get(*v), words.get(*w));
            contexts.push(lm.find_bigram(*u, *v).ok_or_else(|| ModelError::format(file, problem()))?);
        }
        lm.trigram_start = starts(bigrams.len(), contexts.into_iter());
        Ok(lm)
    }

    fn find_bigram(&self, first: WordId, second: WordId) -> Option<usize> {
        let start = *self.bigram_start.get(first as usize)? as usize;
        let end = *self.bigram_start.get(first as usize + 1)? as usize;
        self.bigram_word[start..end].binary_search(&second).ok().map(|i| start + i)
    }

    /// The context at the start of an utterance.
    #[must_use]
    pub fn sentence_start(&self) -> WordId {
        self.sentence_start
    }

    /// Log-probability of `word` on its own.
    #[must_use]
    pub fn unigram(&self, word: WordId) -> f32 {
        self.unigrams.get(word as usize).map_or(UNKNOWN, |u| u.0)
    }

    /// Log-probability of `word` after `before`, `previous`.
    #[must_use]
    pub fn score(&self, before: WordId, previous: WordId, word: WordId) -> f32 {
        let mut back_off = 0.0;
        if let Some(context) = self.find_bigram(before, previous) {
            let (start, end) = (self.trigram_start[context] as usize, self.trigram_start[context + 1] as usize);
            if let Ok(i) = self.trigram_word[start..end].binary_search(&word) {
                return self.trigram[start + i];
            }
            back_off = self.bigram[context].1;
        }
        match self.find_bigram(previous, word) {
            Some(i) => back_off + self.bigram[i].0,
            None => back_off + self.unigrams.get(previous as usize).map_or(0.0, |u| u.1) + self.unigram(word),
        }
    }
}

/// Start of each of `groups` groups in a list sorted by group, and its end.
fn starts(groups: usize, members: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut counts = vec![0u32; groups + 1];
    for group in members {
        counts[group + 1] += 1;
    }
    for i in 0..groups {
        counts[i + 1] += counts[i];
    }
    counts
}

/// A small model as ARPA text, for tests.
#[cfg(test)]
pub(super) const SMALL: &str = "\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\t-0.5\n-1.0\ta\t-0.25\n-1.5\tb\t-0.125\n-2.0\tc\n\n\
                         \\2-grams:\n-0.5\t<s> a\t-0.75\n-0.25\ta b\n\n\\3-grams:\n-0.125\t<s> a b\n\n\\end\\\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_numbers_are_the_general_ones() {
        for text in ["-2.082", "-99", "-0.5", "-5.67212", "-1.2345678", "-0"] {
            assert_eq!(parse_log(text), text.parse().ok(), "{text}");
        }
        assert_eq!(parse_log("-x"), None);
        assert_eq!(parse_log("-inf"), None);
    }

    #[test]
    fn backs_off_as_arpa_says() {
        let words = Words::new(FILE, unigram_words(SMALL).collect()).unwrap();
        let lm = LanguageModel::parse(SMALL, &words, |_| {}).unwrap();
        let score = |u: &str, v: &str, w: &str| {
            let id = |w: &str| words.find(w).unwrap_or(words.count() as WordId);
            lm.score(id(u), id(v), id(w)) / LN_10
        };
        for (u, v, w, expected) in [
            ("<s>", "a", "b", -0.125),
            ("<s>", "a", "c", -0.75 - 0.25 - 2.0),
            ("<s>", "<s>", "a", -0.5),
            ("c", "a", "b", -0.25),
            ("a", "b", "c", -0.125 - 2.0),
            ("b", "c", "a", -1.0),
            ("nobody", "nobody", "a", -1.0),
            ("<s>", "a", "nobody", -0.75 - 0.25 + UNKNOWN / LN_10),
        ] {
            assert!((score(u, v, w) - expected).abs() < 1e-5, "{u} {v} {w}: {}", score(u, v, w));
        }
    }

    #[test]
    fn broken_files_are_refused() {
        let words = Words::new(FILE, unigram_words(SMALL).collect()).unwrap();
        for (from, to) in [
            ("\\end\\\n", ""),
            ("-0.25\ta b", "a b"),
            ("-0.25\ta b", "-0.25\ta"),
            ("-0.25\ta b", "-0.25\ta z"),
            ("-0.5\t<s> a\t-0.75\n", ""),
            ("\t-0.125\n", "\tnan\n"),
        ] {
            let text = SMALL.replacen(from, to, 1);
            assert!(LanguageModel::parse(&text, &words, |_| {}).is_err(), "without `{from}`");
        }
    }
}
