//! Recall at five of the likely objections against the most frequent classes of the team's history.
//!
//! `cargo run --release -p reframe-prep --example objections_score -- HISTORY MEETINGS`
#![allow(clippy::unwrap_used, reason = "a scorer stops at the first bad label")]

use reframe_prep::objections::{
    History, PastCall, Weights,
    score::{Case, Share, score},
};
use serde::de::DeserializeOwned;

fn lines<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [history, meetings] = &args[..] else {
        eprintln!("give two files: fixtures/prep/meetings_history.jsonl fixtures/prep/meetings_dev.jsonl");
        std::process::exit(2);
    };
    let past: Vec<PastCall> = lines(history);
    let cases: Vec<Case> = lines(meetings);
    let report = score(&History::of(&past), &cases, &Weights::default());
    let shown = |s: Share| format!("{:.3} [{:.3}, {:.3}]", s.mean, s.low, s.high);
    println!("history    {} calls", past.len());
    println!("meetings   {} with {} objections raised", report.meetings, report.raised);
    println!("recall@5   {}   {} found", shown(report.ours), report.found.0);
    println!("frequency  {}   {} found", shown(report.baseline), report.found.1);
    println!("better by  {}   95 % of 10,000 bootstrap draws over meetings", shown(report.better_by));
}
