//! ROUGE-1, -2 and -L (Lin 2004): what two texts share, by words, pairs of words, and the longest common subsequence.

use std::collections::BTreeMap;

use rust_stemmers::{Algorithm, Stemmer};

/// Recall and F1 of ROUGE-1, ROUGE-2 and ROUGE-L, in that order: `[r1, f1, r2, f2, rl, fl]`.
pub type Rouge = [f64; 6];

/// Stems of a text's words; letters and digits count, the rest divides.
pub fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    let low = text.to_lowercase();
    let words = low.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(|w| if w.len() > 3 { stemmer.stem(w).into_owned() } else { w.to_owned() }).collect()
}

/// How much of `reference` is in `text`; both as [`stems`].
pub fn rouge(text: &[String], reference: &[String]) -> Rouge {
    let [r1, f1] = shares(common(text, reference, 1), text.len(), reference.len());
    let pairs = |n: usize| n.saturating_sub(1);
    let [r2, f2] = shares(common(text, reference, 2), pairs(text.len()), pairs(reference.len()));
    let [rl, fl] = shares(subsequence(text, reference), text.len(), reference.len());
    [r1, f1, r2, f2, rl, fl]
}

fn shares(common: usize, text: usize, reference: usize) -> [f64; 2] {
    let recall = common as f64 / reference.max(1) as f64;
    [recall, 2.0 * common as f64 / (text + reference).max(1) as f64]
}

fn common(text: &[String], reference: &[String], n: usize) -> usize {
    let mut left: BTreeMap<&[String], usize> = BTreeMap::new();
    reference.windows(n).for_each(|w| *left.entry(w).or_default() += 1);
    let mut common = 0;
    for w in text.windows(n) {
        if let Some(n) = left.get_mut(w).filter(|n| **n > 0) {
            *n -= 1;
            common += 1;
        }
    }
    common
}

fn subsequence(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0usize; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}
