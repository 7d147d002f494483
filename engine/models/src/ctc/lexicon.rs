//! Pronunciations: per word, and as a trie over phones that the decoder walks.

use super::{
    lm::LanguageModel,
    words::{WordId, Words},
};
use crate::error::ModelError;

pub(super) const FILE: &str = "lexicon.txt.gz";

/// A phone, as its column in the network's output; 0 is the blank and never part of a pronunciation.
pub type Phone = u8;

/// Number of a node in a [`Trie`]; 0 is the root.
pub type NodeId = u32;

/// Longest pronunciation accepted, in phones. The longest in CMUdict has 32.
const MAX_PHONES: usize = 64;

/// The names of the phones.
pub struct Phones(Vec<String>);

impl Phones {
    /// `names` in column order, the blank first.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    /// Column of phone `name`; `None` also for the blank.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Phone> {
        self.0.iter().skip(1).position(|n| n == name).and_then(|p| Phone::try_from(p + 1).ok())
    }

    /// Parses names separated by spaces onto the end of `out`; `false` if one is unknown.
    pub fn parse(&self, names: &str, out: &mut Vec<Phone>) -> bool {
        names.split_ascii_whitespace().all(|name| self.find(name).map(|p| out.push(p)).is_some())
    }

    /// Names of `phones`, separated by spaces.
    #[must_use]
    pub fn spell(&self, phones: &[Phone]) -> String {
        let names: Vec<&str> = phones.iter().filter_map(|&p| self.0.get(p as usize)).map(String::as_str).collect();
        names.join(" ")
    }
}

/// All pronunciations of all words, in one allocation, sorted by word; a word's own order is kept.
pub struct Pronunciations {
    phones: Vec<Phone>,
    /// `(word, end in phones)`.
    entries: Vec<(WordId, u32)>,
}

impl Pronunciations {
    /// Parses lines `word PH ON ES`.
    ///
    /// # Errors
    /// [`ModelError::Format`] names the first line that does not parse.
    pub fn parse(text: &str, words: &Words, names: &Phones) -> Result<Self, ModelError> {
        let mut lines = Vec::new();
        let mut all = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let bad =
                || ModelError::format(FILE, format!("line {} is `{line}`, not a word and its phones", number + 1));
            let (word, sounds) = line.split_once(' ').ok_or_else(bad)?;
            let word = words.find(word).ok_or_else(bad)?;
            let start = all.len();
            if !names.parse(sounds, &mut all) || all.len() == start || all.len() - start > MAX_PHONES {
                return Err(bad());
            }
            lines.push((word, start..all.len()));
        }
        if lines.is_empty() {
            return Err(ModelError::format(FILE, "it is empty"));
        }
        lines.sort_by_key(|(word, _)| *word);
        let mut phones = Vec::with_capacity(all.len());
        let mut entries = Vec::with_capacity(lines.len());
        for (word, range) in lines {
            phones.extend_from_slice(&all[range]);
            entries.push((word, phones.len() as u32));
        }
        Ok(Self { phones, entries })
    }

    fn at(&self, index: usize) -> &[Phone] {
        let start = if index == 0 { 0 } else { self.entries[index - 1].1 };
        &self.phones[start as usize..self.entries[index].1 as usize]
    }

    /// The pronunciations of `word`, the usual one first.
    pub fn of(&self, word: WordId) -> impl Iterator<Item = &[Phone]> {
        let start = self.entries.partition_point(|e| e.0 < word);
        let end = self.entries.partition_point(|e| e.0 <= word);
        (start..end).map(|i| self.at(i))
    }
}

/// Trie over phones. Children of a node have successive numbers above their parent's.
pub struct Trie {
    phone: Vec<Phone>,
    first_child: Vec<NodeId>,
    /// Where each node's words end in `words`; they start where the node before ends.
    words_end: Vec<u32>,
    words: Vec<WordId>,
    /// Best unigram log-probability of the words at or below a node; 0 for the root.
    look_ahead: Vec<f32>,
}

impl Trie {
    /// Builds the trie of all pronunciations.
    #[must_use]
    pub fn build(pronunciations: &Pronunciations, lm: &LanguageModel) -> Self {
        let entries = (0..pronunciations.entries.len()).map(|i| (pronunciations.at(i), pronunciations.entries[i].0));
        Self::from_entries(entries.collect(), |word| lm.unigram(word))
    }

    /// Builds a trie of `(phones, word)` pairs, none of them without phones.
    #[must_use]
    pub fn from_entries(mut entries: Vec<(&[Phone], WordId)>, unigram: impl Fn(WordId) -> f32) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let mut trie = Self {
            phone: vec![0],
            first_child: Vec::new(),
            words_end: Vec::new(),
            words: Vec::new(),
            look_ahead: Vec::new(),
        };
        // Breadth first: `spans[n]` is the run of sorted entries that pass through node n, all equal up to its depth.
        let mut spans = vec![(0, entries.len(), 0)];
        let mut node = 0;
        while let Some(&(start, end, depth)) = spans.get(node) {
            let here = entries[start..end].partition_point(|(phones, _)| phones.len() == depth);
            trie.words.extend(entries[start..start + here].iter().map(|e| e.1));
            trie.words_end.push(trie.words.len() as u32);
            trie.first_child.push(trie.phone.len() as NodeId);
            let mut from = start + here;
            while from < end {
                let phone = entries[from].0[depth];
                let to = from + entries[from..end].partition_point(|(phones, _)| phones[depth] == phone);
                trie.phone.push(phone);
                spans.push((from, to, depth + 1));
                from = to;
            }
            node += 1;
        }
        trie.first_child.push(trie.phone.len() as NodeId);
        trie.look_ahead = vec![f32::NEG_INFINITY; node];
        for n in (0..node).rev() {
            let own = trie.words(n as NodeId).iter().map(|&w| unigram(w));
            let below = trie.children(n as NodeId).map(|c| trie.look_ahead[c as usize]);
            trie.look_ahead[n] = own.chain(below).fold(f32::NEG_INFINITY, f32::max);
        }
        trie.look_ahead[0] = 0.0;
        trie
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.phone.len()
    }

    /// Numbers of the children of `node`.
    #[must_use]
    pub fn children(&self, node: NodeId) -> std::ops::Range<NodeId> {
        self.first_child[node as usize]..self.first_child[node as usize + 1]
    }

    /// Phone that leads to `node`.
    #[must_use]
    pub fn phone(&self, node: NodeId) -> Phone {
        self.phone[node as usize]
    }

    /// Words that end at `node`.
    #[must_use]
    pub fn words(&self, node: NodeId) -> &[WordId] {
        let start = if node == 0 { 0 } else { self.words_end[node as usize - 1] };
        &self.words[start as usize..self.words_end[node as usize] as usize]
    }

    /// Best unigram log-probability at or below `node`.
    #[must_use]
    pub fn look_ahead(&self, node: NodeId) -> f32 {
        self.look_ahead[node as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trie_holds_every_word_once_and_looks_ahead() {
        let entries: [(&[Phone], WordId); 6] =
            [(&[3, 1], 0), (&[3], 1), (&[3, 1], 2), (&[2, 1, 1], 3), (&[3, 1], 0), (&[3, 2], 4)];
        let trie = Trie::from_entries(entries.to_vec(), |word| -(word as f32));
        let walk = |phones: &[Phone]| {
            phones.iter().try_fold(0, |node, &phone| trie.children(node).find(|&c| trie.phone(c) == phone))
        };
        for (phones, words, look_ahead) in [
            (&[3][..], &[1][..], 0.0),
            (&[3, 1], &[0, 2], 0.0),
            (&[3, 2], &[4], -4.0),
            (&[2], &[], -3.0),
            (&[2, 1, 1], &[3], -3.0),
        ] {
            let node = walk(phones).unwrap();
            assert_eq!(trie.words(node), words, "{phones:?}");
            assert_eq!(trie.look_ahead(node), look_ahead, "{phones:?}");
        }
        assert_eq!(walk(&[1]), None);
        assert_eq!(trie.nodes(), 7);
        assert_eq!(trie.look_ahead(0), 0.0);
    }

    #[test]
    fn a_word_keeps_the_order_of_its_pronunciations() {
        let names = Phones::new(&["<blk>", "T", "UW", "AH"].map(String::from));
        let words = Words::new(FILE, vec!["to", "a"]).unwrap();
        let said = Pronunciations::parse("to T UW\na AH\nto T AH\n", &words, &names).unwrap();
        assert_eq!(said.of(words.find("to").unwrap()).collect::<Vec<_>>(), [[1, 2], [1, 3]]);
        for bad in ["", "to\n", "to T XX\n", "to \n", "two T UW\n", "to <blk>\n"] {
            assert!(Pronunciations::parse(bad, &words, &names).is_err(), "{bad:?}");
        }
    }
}
