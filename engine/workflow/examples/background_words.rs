//! Counts in how many lines of our own labelled speech each word stands; writes `src/postcall/background.tsv`.
//!
//! `cargo run -p reframe-workflow --example background_words > engine/workflow/src/postcall/background.tsv`
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Words in fewer lines are left out: about what they mean nothing is known.
const LEAST: u32 = 3;

fn main() -> std::io::Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/detect");
    let mut files: Vec<_> =
        std::fs::read_dir(fixtures.join("train"))?.filter_map(Result::ok).map(|e| e.path()).collect();
    files.sort();
    files.push(fixtures.join("happy_calls.txt"));
    files.push(fixtures.join("ordinary/meetings.txt"));
    let mut lines = 0u32;
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for file in files {
        for line in std::fs::read_to_string(file)?.lines() {
            let text = line.rsplit('\t').next().unwrap_or_default();
            lines += 1;
            for word in text.split_whitespace().collect::<BTreeSet<_>>() {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
    }
    println!("\t{lines}");
    for (word, n) in counts.iter().filter(|(_, n)| **n >= LEAST) {
        println!("{word}\t{n}");
    }
    Ok(())
}
