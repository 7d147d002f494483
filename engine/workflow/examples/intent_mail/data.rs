//! Reads the labelled sentences and deals them into folds.

use std::{io, path::Path};

/// Sentences to train on.
pub const TRAIN: &str = "train_Ask0729-fixed.txt";
/// Sentences to report on.
pub const TEST: &str = "test_qualifiedBatch-fixed.txt";

/// A sentence and whether it asks for or proposes an action.
pub struct Labelled {
    pub asks: bool,
    pub sentence: String,
}

/// The sentences of a file, a label and a tab before each. Broken UTF-8 is replaced.
pub fn read(folder: &Path, file: &str) -> io::Result<Vec<Labelled>> {
    let bytes = std::fs::read(folder.join(file))?;
    let text = String::from_utf8_lossy(&bytes);
    let rows = text.lines().filter_map(|line| {
        let (label, sentence) = line.split_once('\t')?;
        Some(Labelled { asks: label == "Yes", sentence: sentence.trim().to_owned() })
    });
    Ok(rows.collect())
}

/// Which of `folds` a sentence is in. Sentences with the same first three words are together: much of the mail is made from
/// templates, and a template must not be in both halves.
pub fn fold(sentence: &str, folds: u64) -> u64 {
    let start: Vec<String> = sentence
        .split_whitespace()
        .take(3)
        .map(|w| w.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase())
        .collect();
    let hash = start
        .join(" ")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 32)) % folds
}
