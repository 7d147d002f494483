//! How phrases sound: lexicon first, then the full dictionary, then letter-to-sound rules.

use std::sync::OnceLock;

use super::{
    assets::Assets,
    dictionary::{Dictionary, Rules},
    lexicon::{Phone, Phones, Pronunciations},
    spoken::{Spoken, spoken},
    words::Words,
};
use crate::error::ModelError;

/// Pronunciations tried for one phrase or name.
pub const MAX_VARIANTS: usize = 3;
/// Shortest part of a name that is split into two known words ("hub" + "spot").
const MIN_PART: usize = 3;
/// Names of the letters a to z.
const LETTERS: [&str; 26] = [
    "EY",
    "B IY",
    "S IY",
    "D IY",
    "IY",
    "EH F",
    "JH IY",
    "EY CH",
    "AY",
    "JH EY",
    "K EY",
    "EH L",
    "EH M",
    "EH N",
    "OW",
    "P IY",
    "K Y UW",
    "AA R",
    "EH S",
    "T IY",
    "Y UW",
    "V IY",
    "D AH B AH L Y UW",
    "EH K S",
    "W AY",
    "Z IY",
];

/// Where a pronunciation was found; later ones are less certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// All words are in the recogniser's own vocabulary.
    Lexicon,
    /// The full dictionary was needed, or a letter's name.
    Dictionary,
    /// A word was put together from two known ones.
    Compound,
    /// Letter-to-sound rules were needed: about every second such word has a wrong phone. Give a sound-alike.
    Rules,
}

/// How a text sounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pronunciation {
    /// Phones by name, separated by spaces: `HH AH B S P AA T`.
    pub phones: String,
    /// The least certain source that was needed.
    pub source: Source,
}

/// Finds pronunciations.
pub struct Pronouncer {
    names: Phones,
    rules: Rules,
    /// The full dictionary as it ships; most calls never need it.
    packed: std::borrow::Cow<'static, [u8]>,
    dictionary: OnceLock<Option<Dictionary>>,
}

/// A word's pronunciations and where they are from.
type Found = (Vec<Vec<Phone>>, Source);

impl Pronouncer {
    /// Reads the rules; keeps the dictionary packed.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the rules do not parse.
    pub fn new(assets: &Assets, names: Phones) -> Result<Self, ModelError> {
        let rules = Rules::load(&assets.lts, &names)?;
        Ok(Self { names, rules, packed: assets.cmudict.clone(), dictionary: OnceLock::new() })
    }

    /// Names of the phones.
    #[must_use]
    pub fn names(&self) -> &Phones {
        &self.names
    }

    fn dictionary(&self) -> Option<&Dictionary> {
        // A damaged dictionary costs accuracy, not the call: the rules still give a pronunciation.
        self.dictionary.get_or_init(|| Dictionary::load(&self.packed, &self.names).ok()).as_ref()
    }

    /// Checks that the dictionary unpacks; otherwise a damaged one is only noticed by worse pronunciations.
    ///
    /// # Errors
    /// [`ModelError::Format`] says what is wrong with it.
    pub fn check_dictionary(&self) -> Result<(), ModelError> {
        Dictionary::load(&self.packed, &self.names).map(|_| ())
    }

    fn known(&self, word: &str, words: &Words, lexicon: &Pronunciations) -> Option<Found> {
        if let Some(id) = words.find(word) {
            let variants: Vec<Vec<Phone>> = lexicon.of(id).map(<[Phone]>::to_vec).collect();
            if !variants.is_empty() {
                return Some((variants, Source::Lexicon));
            }
        }
        let variants = self.dictionary()?.find(word);
        (!variants.is_empty()).then_some((variants, Source::Dictionary))
    }

    fn letter(&self, letter: char) -> Vec<Phone> {
        let mut phones = Vec::new();
        if letter.is_ascii_lowercase() {
            self.names.parse(LETTERS[(letter as u8 - b'a') as usize], &mut phones);
        }
        phones
    }

    /// Pronunciations of one spoken item, the usual one first; empty if it has no sound.
    fn item(&self, item: &Spoken, words: &Words, lexicon: &Pronunciations) -> Found {
        let word = match item {
            Spoken::Letter(letter) => return (vec![self.letter(*letter)], Source::Dictionary),
            Spoken::Word(word) => word,
        };
        if let Some((mut variants, source)) = self.known(word, words, lexicon) {
            // What the lexicon says of a name the dictionary lacks was put there by rule: two known words are surer.
            if source == Source::Lexicon
                && let Some(joined) = compound(word, words, lexicon)
                && !variants.contains(&joined)
                && self.dictionary().is_some_and(|d| d.find(word).is_empty())
            {
                variants.insert(0, joined);
                return (variants, Source::Compound);
            }
            return (variants, source);
        }
        if let Some(stem) = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'")) {
            let (mut variants, source) = self.item(&Spoken::Word(stem.into()), words, lexicon);
            variants.iter_mut().for_each(|v| self.add_plural(v));
            return (variants, source);
        }
        if let Some(joined) = compound(word, words, lexicon) {
            let mut variants = vec![joined, self.rules.apply(word)];
            variants.dedup();
            return (variants, Source::Compound);
        }
        (vec![self.rules.apply(&fold(word))], Source::Rules)
    }

    /// Adds the sound of a plural or possessive s.
    fn add_plural(&self, phones: &mut Vec<Phone>) {
        let last = phones.last().map(|&p| self.names.spell(&[p])).unwrap_or_default();
        let ending = match last.as_str() {
            "S" | "Z" | "SH" | "ZH" | "CH" | "JH" => "IH Z",
            "P" | "T" | "K" | "F" | "TH" => "S",
            _ => "Z",
        };
        self.names.parse(ending, phones);
    }

    /// Up to [`MAX_VARIANTS`] pronunciations of `text`, the usual one first, with the least certain source needed.
    /// Empty if nothing in `text` has a sound.
    #[must_use]
    pub fn variants(&self, text: &str, words: &Words, lexicon: &Pronunciations) -> (Vec<Vec<Phone>>, Source) {
        let items: Vec<Found> = spoken(text).iter().map(|item| self.item(item, words, lexicon)).collect();
        let source = items.iter().map(|i| i.1).max().unwrap_or(Source::Lexicon);
        let mut variants: Vec<Vec<Phone>> = Vec::new();
        // The n-th variant takes each word's n-th pronunciation: people who speak carelessly do so throughout.
        for n in 0..MAX_VARIANTS {
            let chosen = items.iter().filter_map(|(options, _)| options.get(n.min(options.len().saturating_sub(1))));
            let joined = chosen.flatten().copied().collect();
            if !variants.contains(&joined) && !joined.is_empty() {
                variants.push(joined);
            }
        }
        (variants, source)
    }
}

/// `word` said as two words of the lexicon, if it can be split into two.
fn compound(word: &str, words: &Words, lexicon: &Pronunciations) -> Option<Vec<Phone>> {
    if !word.is_ascii() || word.len() < 2 * MIN_PART {
        return None;
    }
    // The most even split is the likeliest: "hub|spot", not "hubs|pot" when both are words.
    let splits = (MIN_PART..=word.len() - MIN_PART).filter_map(|at| {
        let part = |w: &str| words.find(w).and_then(|id| lexicon.of(id).next());
        let joined = [part(&word[..at])?, part(&word[at..])?].concat();
        Some((at.abs_diff(word.len() - at), joined))
    });
    splits.min_by_key(|s| s.0).map(|s| s.1)
}

/// Replaces accented letters by the plain ones the rules know.
fn fold(word: &str) -> String {
    let plain = word.chars().map(|c| match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ß' => 's',
        other => other,
    });
    plain.filter(char::is_ascii_lowercase).collect()
}
