//! Trains the model of replies: `reply_learn -- train|check|cross [FILE…]`, by default on
//! `fixtures/outreach/replies_train_*.jsonl`.
//!
//! `cross` prints ten-fold figures, `train` writes `engine/outreach/assets/reply-v1.bin`, `check` says whether it would
//! write the same bytes. Softmax regression with L2 by gradient descent in a fixed order; the threshold of abstention is the
//! probability under which the least sure 7 % of held-out answers lie.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::disallowed_methods, clippy::disallowed_types)]

mod sets;

use std::path::{Path, PathBuf};

use reframe_outreach::reply::{
    BUCKETS, CLASSES, Class, Feature, Model, Wish, classify_with, features, sender, written,
};
use sets::Reply;

const N: usize = CLASSES.len();
const EPOCHS: usize = 60;
const RATE: f64 = 0.5;
/// Strength of the pull towards zero.
const L2: f64 = 2e-4;

const FOLDS: usize = 10;
/// Share of held-out answers that may be uncertain.
const UNSURE: f64 = 0.07;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asset = here.join("assets/reply-v1.bin");
    let files: Vec<PathBuf> = if args.len() > 1 {
        args[1..].iter().map(PathBuf::from).collect()
    } else {
        let folder = here.join("../../fixtures/outreach");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.retain(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("replies_train_")));
        files.sort();
        files
    };
    let rows: Vec<Reply> = files.iter().flat_map(|f| sets::read::<Reply>(f)).collect();
    let seen: Vec<Vec<Feature>> = rows
        .iter()
        .map(|r| {
            let received = r.received();
            features(&received, &written(&received.body), sender(&received))
        })
        .collect();
    let truth: Vec<usize> = rows.iter().map(Reply::class).collect();
    let threshold = cross(&rows, &seen, &truth);
    match args.first().map(String::as_str) {
        Some("cross") => {}
        Some(what @ ("train" | "check")) => {
            let all: Vec<usize> = (0..rows.len()).collect();
            let bytes = fit(&seen, &truth, &all, threshold).to_bytes();
            if what == "train" {
                std::fs::write(&asset, &bytes).unwrap();
                println!("wrote {} bytes", bytes.len());
            } else {
                let same = std::fs::read(&asset).unwrap() == bytes;
                println!("{}", if same { "the same bytes" } else { "OTHER BYTES" });
                std::process::exit(i32::from(!same));
            }
        }
        _ => panic!("usage: reply_learn train|check|cross [FILE…]"),
    }
}

/// Ten-fold figures of the whole reading, and the threshold.
fn cross(rows: &[Reply], seen: &[Vec<Feature>], truth: &[usize]) -> f32 {
    let today = jiff::civil::date(2026, 11, 2);
    let mut read = Vec::new();
    for fold in 0..FOLDS {
        let train: Vec<usize> = (0..rows.len()).filter(|i| i % FOLDS != fold).collect();
        let model = fit(seen, truth, &train, 0.0);
        for i in (0..rows.len()).filter(|i| i % FOLDS == fold) {
            let reading = classify_with(&rows[i].received(), today, &model);
            read.push((i, reading));
        }
    }
    let mut sure: Vec<f32> = read.iter().map(|(_, r)| r.confidence).collect();
    sure.sort_by(f32::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let threshold = sure[(sure.len() as f64 * UNSURE) as usize];
    let f1 = |least: f32| {
        let mut table = [[0_usize; 10]; N];
        for (i, r) in &read {
            let at = CLASSES.iter().position(|c| *c == r.likely).unwrap_or(9);
            table[truth[*i]][if r.confidence < least { 8 } else { at }] += 1;
        }
        let each: Vec<f64> = (0..N)
            .map(|c| {
                2.0 * table[c][c] as f64
                    / (table[c].iter().sum::<usize>() + table.iter().map(|r| r[c]).sum::<usize>()) as f64
            })
            .collect();
        let decided: Vec<f64> = (0..N)
            .map(|c| {
                let truth = table[c].iter().sum::<usize>() - table[c][8];
                2.0 * table[c][c] as f64 / (truth + table.iter().map(|r| r[c]).sum::<usize>()) as f64
            })
            .collect();
        (each.iter().sum::<f64>() / N as f64, decided.iter().sum::<f64>() / N as f64, table)
    };
    let (all, _, _) = f1(0.0);
    let (missed, decided, table) = f1(threshold);
    println!(
        "n {}; macro F1 {all:.3} of all, {decided:.3} decided at threshold {threshold:.3} ({missed:.3} with uncertain as missed)",
        rows.len()
    );
    for (c, row) in table.iter().enumerate() {
        println!("{:<17}{row:?}", CLASSES[c].as_str());
    }
    let lost: Vec<&str> = read
        .iter()
        .filter(|(i, r)| rows[*i].label == Class::Unsubscribe && r.class != Class::Unsubscribe && r.wish == Wish::None)
        .map(|(i, _)| rows[*i].id.as_str())
        .collect();
    println!("unsubscribe not suppressed: {lost:?}");
    let others = read.iter().filter(|(i, r)| rows[*i].label != Class::Unsubscribe && r.wish != Wish::None).count();
    println!("others suppressed: {others}");
    if std::env::args().any(|a| a == "--wrong") || std::env::var("WRONG").is_ok() {
        for (i, r) in &read {
            if CLASSES[truth[*i]] != r.likely {
                println!(
                    "{} {} <- {:?} {:?} {:.2}",
                    rows[*i].id,
                    rows[*i].label.as_str(),
                    r.likely,
                    r.by,
                    r.confidence
                );
            }
        }
    }
    threshold
}

/// Trains on the rows `train`.
fn fit(seen: &[Vec<Feature>], truth: &[usize], train: &[usize], threshold: f32) -> Model {
    let mut weights = vec![0.0_f64; N * BUCKETS];
    let mut biases = [0.0_f64; N];
    let mut squares = vec![1e-3_f64; N * BUCKETS];
    let mut bias_squares = [1e-3_f64; N];
    for epoch in 0..EPOCHS {
        // A fixed order that differs from round to round: a step coprime to most lengths.
        let step = [7919, 104_729, 1_299_709][epoch % 3];
        for k in 0..train.len() {
            let i = train[(k * step + epoch) % train.len()];
            let row = &seen[i];
            let square: f64 = row.iter().map(|(_, n)| f64::from(*n) * f64::from(*n)).sum();
            let scale = 1.0 / square.max(1.0).sqrt();
            let margins: Vec<f64> = (0..N)
                .map(|c| {
                    biases[c] + row.iter().map(|(at, n)| weights[c * BUCKETS + at] * f64::from(*n) * scale).sum::<f64>()
                })
                .collect();
            let top = margins.iter().copied().fold(f64::MIN, f64::max);
            let exps: Vec<f64> = margins.iter().map(|m| (m - top).exp()).collect();
            let sum: f64 = exps.iter().sum();
            for c in 0..N {
                let error = exps[c] / sum - f64::from(u8::from(truth[i] == c));
                bias_squares[c] += error * error;
                biases[c] -= 0.1 * RATE * error / bias_squares[c].sqrt();
                for (at, n) in row {
                    let w = c * BUCKETS + at;
                    let gradient = error * f64::from(*n) * scale + L2 * weights[w];
                    squares[w] += gradient * gradient;
                    weights[w] -= RATE * gradient / squares[w].sqrt();
                }
            }
        }
    }
    let mut units = [0.0_f32; N];
    let mut small = vec![0_i8; N * BUCKETS];
    for c in 0..N {
        let table = &weights[c * BUCKETS..(c + 1) * BUCKETS];
        let most = table.iter().map(|w| w.abs()).fold(1e-9, f64::max);
        #[allow(clippy::cast_possible_truncation)]
        for (at, w) in table.iter().enumerate() {
            small[c * BUCKETS + at] = (w / most * 127.0).round() as i8;
        }
        #[allow(clippy::cast_possible_truncation)]
        {
            units[c] = (most / 127.0) as f32;
        }
    }
    #[allow(clippy::cast_possible_truncation)]
    let biases = biases.map(|b| b as f32);
    Model::new(units, biases, threshold, small)
}
