//! Pronunciations beyond the lexicon: the full CMU dictionary, unpacked only when first asked, and letter-to-sound rules.

use super::{
    assets::gunzip_text,
    lexicon::{Phone, Phones},
};
use crate::error::ModelError;

const DICTIONARY: &str = "cmudict.txt.gz";
const RULES: &str = "lts.txt.gz";
/// Letters of context a rule may look at on each side.
const REACH: usize = 4;
/// Context sizes (left, right) from the most special rules to the most general, as the rules were trained.
const CONTEXTS: [(usize, usize); 9] = [(4, 4), (3, 4), (3, 3), (2, 3), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0)];

/// The full dictionary in one allocation, sorted by word.
pub struct Dictionary {
    /// Per entry the word, then its phones with the high bit set.
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Dictionary {
    /// Unpacks lines `word PH ON ES`.
    ///
    /// # Errors
    /// [`ModelError::Format`] names the first line that does not parse.
    pub fn load(packed: &[u8], names: &Phones) -> Result<Self, ModelError> {
        let text = gunzip_text(DICTIONARY, packed)?;
        let mut lines: Vec<(&str, &str)> = Vec::new();
        for line in text.lines() {
            let parts = line.split_once(' ').filter(|(word, _)| word.is_ascii());
            lines.push(parts.ok_or_else(|| bad(DICTIONARY, line))?);
        }
        // Stable, so a word's usual pronunciation stays its first.
        lines.sort_by_key(|(word, _)| *word);
        let (mut bytes, mut ends) = (Vec::with_capacity(text.len() * 2 / 3), Vec::with_capacity(lines.len()));
        let mut phones = Vec::new();
        for (word, sounds) in lines {
            phones.clear();
            if !names.parse(sounds, &mut phones) {
                return Err(bad(DICTIONARY, &format!("{word} {sounds}")));
            }
            bytes.extend_from_slice(word.as_bytes());
            bytes.extend(phones.iter().map(|p| p | 0x80));
            ends.push(bytes.len() as u32);
        }
        bytes.shrink_to_fit();
        Ok(Self { bytes, ends })
    }

    fn entry(&self, index: usize) -> (&[u8], &[u8]) {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        let entry = &self.bytes[start..self.ends[index] as usize];
        entry.split_at(entry.iter().position(|b| b & 0x80 != 0).unwrap_or(entry.len()))
    }

    /// Pronunciations of `word`, the usual one first.
    #[must_use]
    pub fn find(&self, word: &str) -> Vec<Vec<Phone>> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.entry(middle).0 < word.as_bytes() { low = middle + 1 } else { high = middle }
        }
        (low..self.ends.len())
            .map(|i| self.entry(i))
            .take_while(|(spelling, _)| *spelling == word.as_bytes())
            .map(|(_, phones)| phones.iter().map(|p| p & 0x7f).collect())
            .collect()
    }
}

fn bad(file: &'static str, line: &str) -> ModelError {
    ModelError::format(file, format!("`{line}` does not parse"))
}

/// Letter-to-sound rules, learned from the dictionary.
pub struct Rules {
    /// Sorted. The key is four letters to the left, the letter, four to the right; 0 where the rule does not look.
    rules: Vec<([u8; 2 * REACH + 1], [Phone; 2])>,
}

impl Rules {
    /// Unpacks lines `LEFT tab LETTER tab RIGHT tab PHONES`, with up to two phones.
    ///
    /// # Errors
    /// [`ModelError::Format`] names the first line that does not parse.
    pub fn load(packed: &[u8], names: &Phones) -> Result<Self, ModelError> {
        let mut rules = Vec::new();
        for line in gunzip_text(RULES, packed)?.lines() {
            rules.push(Self::parse(line, names).ok_or_else(|| bad(RULES, line))?);
        }
        rules.sort_unstable();
        Ok(Self { rules })
    }

    fn parse(line: &str, names: &Phones) -> Option<([u8; 2 * REACH + 1], [Phone; 2])> {
        let mut fields = line.split('\t');
        let (left, letter, right) = (fields.next()?.as_bytes(), fields.next()?.as_bytes(), fields.next()?.as_bytes());
        let mut phones = Vec::new();
        if left.len() > REACH || right.len() > REACH || letter.len() != 1 || !names.parse(fields.next()?, &mut phones) {
            return None;
        }
        phones.resize(2.max(phones.len()), 0);
        Some((key(left, letter[0], right), <[Phone; 2]>::try_from(phones).ok()?))
    }

    /// Phones of `word` (lower-case letters; others have no sound).
    #[must_use]
    pub fn apply(&self, word: &str) -> Vec<Phone> {
        let edge = [b'#'; REACH];
        let padded: Vec<u8> = edge.iter().copied().chain(word.bytes()).chain(edge).collect();
        let mut phones = Vec::new();
        for at in REACH..padded.len() - REACH {
            let rule = CONTEXTS.iter().find_map(|&(left, right)| {
                let key = key(&padded[at - left..at], padded[at], &padded[at + 1..at + 1 + right]);
                self.rules.binary_search_by_key(&key, |r| r.0).ok()
            });
            if let Some(rule) = rule {
                phones.extend(self.rules[rule].1.iter().filter(|&&p| p != 0));
            }
        }
        phones
    }
}

fn key(left: &[u8], letter: u8, right: &[u8]) -> [u8; 2 * REACH + 1] {
    let mut key = [0; 2 * REACH + 1];
    key[REACH - left.len()..REACH].copy_from_slice(left);
    key[REACH] = letter;
    key[REACH + 1..REACH + 1 + right.len()].copy_from_slice(right);
    key
}
