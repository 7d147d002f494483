//! The vocabulary: every word the lexicon or the language model knows, numbered in alphabetical order.

use crate::error::ModelError;

/// Number of a word in a [`Words`].
pub type WordId = u32;

/// Stands for "no word".
pub const NO_WORD: WordId = u32::MAX;

/// A sorted list of words in one allocation.
pub struct Words {
    text: String,
    /// Where each word ends in `text`.
    ends: Vec<u32>,
}

impl Words {
    /// Sorts and numbers `words`; duplicates are dropped.
    ///
    /// # Errors
    /// [`ModelError::Format`] in the name of `file` if there are more than the numbers used here can hold.
    pub fn new(file: &'static str, mut words: Vec<&str>) -> Result<Self, ModelError> {
        words.sort_unstable();
        words.dedup();
        let length: usize = words.iter().map(|w| w.len()).sum();
        if u32::try_from(length).is_err() || words.len() >= NO_WORD as usize / 2 {
            return Err(ModelError::format(file, format!("{} words are too many", words.len())));
        }
        let mut text = String::with_capacity(length);
        let mut ends = Vec::with_capacity(words.len());
        for word in words {
            text.push_str(word);
            ends.push(text.len() as u32);
        }
        Ok(Self { text, ends })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Spelling of word `id`; empty if there is no such word.
    #[must_use]
    pub fn get(&self, id: WordId) -> &str {
        let id = id as usize;
        let start = if id == 0 { Some(&0) } else { self.ends.get(id - 1) };
        match (start, self.ends.get(id)) {
            (Some(&start), Some(&end)) => &self.text[start as usize..end as usize],
            _ => "",
        }
    }

    /// Number of `word`, if it is known.
    #[must_use]
    pub fn find(&self, word: &str) -> Option<WordId> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle as WordId).cmp(word) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle as WordId),
            }
        }
        None
    }
}
