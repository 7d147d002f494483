//! Detection by others: the same labelled lines through a list of expressions and through the nearest example.

use std::{path::Path, sync::Arc, time::Instant};

use reframe_models::sentence::MiniEncoder;
use serde_json::{Value, json};

use crate::detect::{
    self, Encoder,
    data::{Split, is_objection},
    patterns::RegexList,
    playbooks,
    score::Scores,
    stats::round,
    systems::{Answer, NearestExample, Ours, System, best_threshold},
};

/// Of the lines, --quick takes every so-manieth.
const QUICK: usize = 5;

/// Ours first, then what else one could have taken; `minilm` is the folder of a whole MiniLM.
///
/// # Errors
/// If lines, playbook or a model cannot be read.
pub fn compare(minilm: Option<&Path>, quick: bool) -> anyhow::Result<Vec<Value>> {
    let book = playbooks::built_in()?;
    let step = if quick { QUICK } else { 1 };
    let folder = detect::default_folder();
    let lines: Vec<_> = Split::Test.read(&folder)?.into_iter().step_by(step).collect();
    let encoder: Encoder = Arc::new(MiniEncoder::embedded()?);
    let mut systems: Vec<Box<dyn System>> =
        vec![Box::new(Ours::new("Reframe", Arc::clone(&book), Some(&encoder))), Box::new(RegexList::new()?)];
    if let Some(dir) = minilm {
        let mut nearest = NearestExample::new(detect::full_size(dir)?, &book);
        // Set where our own threshold was: on the development lines.
        let dev: Vec<_> = Split::Dev.read(&folder)?.into_iter().step_by(step).collect();
        let answers: Vec<Answer> = dev.iter().map(|l| nearest.answer(&l.text)).collect();
        let there: Vec<bool> = dev.iter().map(|l| is_objection(&l.label)).collect();
        nearest.threshold = best_threshold(&answers, &there);
        systems.push(Box::new(nearest));
    } else {
        println!("no MiniLM was given: the nearest example is left out (--minilm DIR, built with --features bert)");
    }
    let mut rows: Vec<Value> = Vec::new();
    for system in &mut systems {
        // Once before: what is made on first use is no cost of a line.
        lines.iter().take(5).for_each(|l| drop(system.answer(&l.text)));
        let begun = Instant::now();
        let answers: Vec<Answer> = lines.iter().map(|l| system.answer(&l.text)).collect();
        let us = begun.elapsed().as_secs_f64() * 1e6 / lines.len().max(1) as f64;
        let scores = Scores::of(&lines, &answers);
        let mut row = json!({ "system": system.name(), "precision": scores.precision.json(), "recall": scores.recall.json(),
                              "hard_negatives_fired": scores.hard.json(), "f1": round(scores.f1.0), "us_per_line": round(us) });
        if let Some(ours) = rows.first() {
            let ratio = |theirs: f64, ours: f64| round(theirs / ours.max(1e-9));
            let missed = |row: &Value| 1.0 - row["recall"]["value"].as_f64().unwrap_or(1.0);
            row["miss_ratio"] = ratio(missed(&row), missed(ours)).into();
            row["time_ratio"] = ratio(us, ours["us_per_line"].as_f64().unwrap_or(0.0)).into();
        }
        rows.push(row);
    }
    Ok(rows)
}
