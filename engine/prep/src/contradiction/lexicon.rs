//! What phrases speak of: the lexicon (`lexicon.txt`), looked up in the words of a turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::{
    Slot,
    line::{Sentence, takes},
};

/// What a phrase speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A slot.
    Topic(Slot),
    /// One of the two sides that can be taken on a slot, 0 or 1.
    Side(Slot, usize),
    /// That something has changed, or is put right.
    Change,
    /// That something was never so.
    Deny,
    /// That it is as before.
    Same,
    /// That it is somebody else's, or over.
    Other,
    /// That it is only imagined.
    Supposed,
    /// Surprise at what was just said.
    Surprise,
    /// What was done or planned on what was said before.
    Plan,
}

const SLOTS: usize = Slot::ALL.len();
/// How many classes there are.
pub const CLASSES: usize = SLOTS * 3 + 7;

impl Class {
    /// Its number, below [`CLASSES`].
    pub const fn index(self) -> usize {
        match self {
            Self::Topic(slot) => slot as usize,
            Self::Side(slot, side) => SLOTS + 2 * (slot as usize) + side,
            Self::Change => SLOTS * 3,
            Self::Deny => SLOTS * 3 + 1,
            Self::Same => SLOTS * 3 + 2,
            Self::Other => SLOTS * 3 + 3,
            Self::Supposed => SLOTS * 3 + 4,
            Self::Surprise => SLOTS * 3 + 5,
            Self::Plan => SLOTS * 3 + 6,
        }
    }
}

/// A phrase.
struct Entry {
    class: usize,
    /// What its first word may be.
    first: &'static str,
    /// What follows.
    rest: &'static str,
}

/// Where a phrase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which phrase, by its place in the lexicon.
    pub phrase: u16,
    /// First word.
    pub from: usize,
    /// One past the last.
    pub to: usize,
}

struct Lexicon {
    entries: Vec<Entry>,
    /// Phrases by a first word.
    exact: BTreeMap<&'static str, Vec<u16>>,
    /// Phrases whose first word only begins so, by its first three letters.
    begins: BTreeMap<&'static str, Vec<u16>>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("lexicon.txt")));

/// The class that a heading names; `sides` is what was named before, so that the second side of a slot is told from the first.
fn class(heading: &str, sides: &mut BTreeSet<&'static str>) -> Option<usize> {
    let mut words = heading.split(' ');
    let (kind, slot) = (words.next()?, words.next().unwrap_or_default());
    let slot = Slot::ALL.into_iter().find(|s| s.as_str() == slot);
    let class = match (kind, slot) {
        ("topic", Some(slot)) => Class::Topic(slot),
        ("side", Some(slot)) => Class::Side(slot, usize::from(!sides.insert(slot.as_str()))),
        ("change", _) => Class::Change,
        ("deny", _) => Class::Deny,
        ("same", _) => Class::Same,
        ("other", _) => Class::Other,
        ("supposed", _) => Class::Supposed,
        ("surprise", _) => Class::Surprise,
        ("plan", _) => Class::Plan,
        _ => return None,
    };
    Some(class.index())
}

impl Lexicon {
    fn read(text: &'static str) -> Self {
        let mut out = Self { entries: Vec::new(), exact: BTreeMap::new(), begins: BTreeMap::new() };
        let mut sides = BTreeSet::new();
        for block in text.split("\n[").skip(1) {
            let (heading, body) = block.split_once("]\n").unwrap_or_default();
            let class = class(heading, &mut sides).expect("the test below reads every heading");
            // A phrase may be cut by the end of a line: its words are what counts.
            for phrase in body.split(',') {
                out.add(class, phrase);
            }
        }
        out
    }

    fn add(&mut self, class: usize, phrase: &'static str) {
        let phrase = phrase.trim();
        let Some(end) = phrase.find(char::is_whitespace).or(Some(phrase.len())).filter(|_| !phrase.is_empty()) else {
            return;
        };
        let (first, rest) = (&phrase[..end], phrase[end..].trim());
        let Ok(number) = u16::try_from(self.entries.len()) else { return };
        self.entries.push(Entry { class, first, rest });
        for word in first.split('|') {
            match word.strip_suffix('*') {
                Some(stem) => self.begins.entry(stem.get(..3).unwrap_or(stem)).or_default().push(number),
                None => self.exact.entry(word).or_default().push(number),
            }
        }
    }
}

/// Every phrase of the lexicon that a turn's words have, each once, where it stands first.
pub fn hits(words: &Sentence) -> Vec<Hit> {
    let lexicon = &*LEXICON;
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for (from, word) in words.words.iter().enumerate() {
        let exact = lexicon.exact.get(word.text.as_str());
        let begins = word.text.get(..3).and_then(|start| lexicon.begins.get(start));
        for phrase in exact.into_iter().chain(begins).flatten().copied() {
            let entry = &lexicon.entries[usize::from(phrase)];
            if !seen.contains(&phrase)
                && takes(entry.first, &word.text)
                && let Some(to) = words.at(from + 1, entry.rest)
            {
                seen.insert(phrase);
                out.push(Hit { phrase, from, to });
            }
        }
    }
    out
}

/// The class of a phrase, below [`CLASSES`].
pub fn class_of(phrase: u16) -> usize {
    LEXICON.entries[usize::from(phrase)].class
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contradiction::reading::flat;

    #[test]
    fn every_class_has_phrases_and_they_are_found() {
        let lexicon = &*LEXICON;
        for class in 0..CLASSES {
            assert!(lexicon.entries.iter().filter(|e| e.class == class).count() >= 10, "{class}");
        }
        assert!(lexicon.entries.iter().all(|e| !e.rest.contains('\n') || e.rest.split_whitespace().count() > 1));
        let classes = |text: &str| -> BTreeSet<usize> {
            hits(&flat(&text.split(' ').collect::<Vec<_>>())).into_iter().map(|h| class_of(h.phrase)).collect()
        };
        let got = classes("Turns out there's no money, the board has to approve it.");
        for class in
            [Class::Change, Class::Topic(Slot::Budget), Class::Side(Slot::Budget, 1), Class::Side(Slot::Authority, 1)]
        {
            assert!(got.contains(&class.index()), "{class:?}");
        }
        assert!(!got.contains(&Class::Side(Slot::Budget, 0).index()) && classes("xyzzy").is_empty());
    }
}
