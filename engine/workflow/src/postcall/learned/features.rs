//! A set of hashed features, each with a strength.

use std::collections::BTreeMap;

/// Places in a table of weights: one byte each, so 32 KiB.
pub const BUCKETS: usize = 1 << 15;

/// A place in a table of weights, and how strongly it counts.
pub type Feature = (usize, i8);

/// Letters that stand for a word whatever its ending.
const STEM: usize = 5;

/// Features while they are gathered; of equal ones the strongest stays.
#[derive(Debug, Default)]
pub struct Set {
    found: BTreeMap<usize, i8>,
}

impl Set {
    /// FNV-1a over the parts, each closed by a byte no text has.
    pub fn add(&mut self, strength: i8, parts: &[&str]) {
        let bytes = parts.iter().flat_map(|p| p.bytes().chain([0xff]));
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        // The low bits of FNV mix poorly: fold the high ones in.
        let folded = (hash ^ (hash >> 32)) % BUCKETS as u64;
        let at = usize::try_from(folded).expect("less than the number of buckets");
        let known = self.found.entry(at).or_insert(strength);
        *known = (*known).max(strength);
    }

    /// A yes or no.
    pub fn flag(&mut self, strength: i8, name: &str, set: bool) {
        self.add(strength, &[name, if set { "yes" } else { "no" }]);
    }

    /// A count, as the step it is on.
    pub fn count(&mut self, strength: i8, name: &[&str], n: usize) {
        let step = match n {
            0 => "0",
            1 => "1",
            2 => "2",
            3..=4 => "4",
            5..=7 => "7",
            8..=12 => "12",
            13..=20 => "20",
            21..=35 => "35",
            _ => "more",
        };
        self.add(strength, &[name, &[step]].concat());
    }

    /// All of them, by place.
    pub fn list(self) -> Vec<Feature> {
        self.found.into_iter().collect()
    }
}

/// The beginning of a word.
pub fn stem(word: &str) -> &str {
    word.char_indices().nth(STEM).map_or(word, |(end, _)| &word[..end])
}
