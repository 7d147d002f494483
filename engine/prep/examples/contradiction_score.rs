//! Precision and recall of contradictions on labelled calls.
//!
//! `cargo run --release -p reframe-prep --example contradiction_score -- FILE`; `--show` lists what was missed and what was
//! found for nothing, but of a file whose name has `test` in it, whose texts are never shown.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a scorer stops at the first bad label")]

use std::collections::BTreeMap;

use reframe_prep::contradiction::labelled::{Case, Score, judge};

fn share(a: usize, b: usize) -> String {
    if b == 0 { "-".to_owned() } else { format!("{:.3} ({a} of {b})", a as f64 / b as f64) }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = args.iter().find(|a| !a.starts_with("--")).expect("give a file: fixtures/prep/contradictions_dev.jsonl");
    let show = args.iter().any(|a| a == "--show") && !file.contains("test");
    let text = std::fs::read_to_string(file).unwrap();
    let mut score = Score::default();
    let mut slots: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut cases = 0;
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let case: Case = serde_json::from_str(line).unwrap();
        let outcome = judge(&case);
        cases += 1;
        score.add(&outcome);
        for hit in &outcome.hits {
            let of = slots.entry(hit.slot.as_str()).or_default();
            *of = (of.0 + 1, of.1 + 1);
        }
        for miss in &outcome.missed {
            slots.entry(miss.slot.as_str()).or_default().1 += 1;
        }
        if show {
            for (what, list) in [("missed", &outcome.missed), ("false", &outcome.false_alarms)] {
                for p in list {
                    println!(
                        "{} {what} {} {} {} / {} {}",
                        case.id,
                        p.slot.as_str(),
                        p.first.call,
                        p.first.turn,
                        p.second.call,
                        p.second.turn
                    );
                }
            }
        }
    }
    println!("cases      {cases}");
    println!("precision  {}", share(score.hits, score.hits + score.false_alarms));
    println!("recall     {}", share(score.hits, score.hits + score.missed));
    println!("right slot {}", share(score.hits - score.other_slot, score.hits));
    for (slot, (found, of)) in slots {
        println!("  {slot:12} {found} of {of}");
    }
}
