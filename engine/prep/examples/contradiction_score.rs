//! Precision and recall of contradictions on labelled calls.
//!
//! `cargo run --release -p reframe-prep --example contradiction_score -- FILE`; `--show` lists what was missed and what was
//! found for nothing, but of a file whose name has `test` in it, whose texts are never shown. Of a file to learn from,
//! `--held` takes the third of its deals that nothing is learnt from, `--learnt` the rest; of the third nothing is shown.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a scorer stops at the first bad label")]

use std::collections::BTreeMap;

use reframe_call::wilson;
use reframe_prep::contradiction::labelled::{Case, Score, is_held, judge, ordinary};

/// A share with its 95 % interval.
fn share(a: usize, b: usize) -> String {
    let (low, high) = wilson::interval(a as u64, b as u64);
    if b == 0 { "-".to_owned() } else { format!("{:.3} [{low:.3}, {high:.3}] ({a} of {b})", a as f64 / b as f64) }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = args.iter().find(|a| !a.starts_with("--")).expect("give a file: fixtures/prep/contradictions_dev.jsonl");
    let told = |name: &str| args.iter().any(|a| a == name);
    let (held, learnt) = (told("--held"), told("--learnt"));
    let show = told("--show") && !file.contains("test") && !held;
    let text = std::fs::read_to_string(file).unwrap();
    let mut score = Score::default();
    let mut slots: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut cases = 0;
    let read: Vec<Case> = if file.ends_with(".txt") {
        ordinary(&text)
    } else {
        text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
    };
    for case in read {
        if held && !is_held(&case) || learnt && is_held(&case) {
            continue;
        }
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
