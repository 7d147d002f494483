//! Fits the weights of the pair model for contradictions on labelled calls, and says how well it does on deals left out.
//!
//! ```sh
//! cargo run --release -p reframe-prep --example contradiction_train -- fixtures/prep/contradictions_dev.jsonl \
//!     fixtures/prep/contradictions_train.jsonl fixtures/prep/contradictions_more.jsonl \
//!     fixtures/detect/ordinary/meetings.txt --to engine/prep/src/contradiction/weights.tsv
//! ```
//!
//! Of a file whose name has `train` in it, and of ordinary talk (`.txt`, a line a turn), every third deal is left for
//! measuring (`contradiction_score --held`). A logistic
//! regression with a quadratic penalty, by Newton's method; the choice of a slot is a softmax regression, by gradient
//! descent. The same deals give the same file.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::needless_range_loop,
    reason = "a recipe stops at the first bad label, and reads as its formulas do"
)]

use reframe_prep::contradiction::{
    Slot,
    labelled::{Case, is_held, ordinary},
    model::{Model, SLOT_FEATURES},
    training::{Example, examples, shown},
};

/// Penalty on standardised weights, the lowest loss on deals left out of 5, 10 and 20.
const PENALTY: f64 = 5.0;
/// What a pair counts of ordinary talk, which has far more of them, and of deals in another style, beside one of the rest.
const LIGHT: f64 = 0.3;
/// Deals are left out by turns in so many parts.
const FOLDS: usize = 8;
/// Probability from which on a pair is shown. By judgement: 0.2 to 0.4 balance precision and recall alike on deals left out.
const THRESHOLD: f32 = 0.3;

struct Fit {
    weights: Vec<f64>,
    bias: f64,
}

/// Solves `a x = b` by elimination with pivots; `a` is positive definite.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        let pivot = (i..n).max_by(|x, y| a[*x][i].abs().total_cmp(&a[*y][i].abs())).unwrap();
        a.swap(i, pivot);
        b.swap(i, pivot);
        for k in i + 1..n {
            let times = a[k][i] / a[i][i];
            if times != 0.0 {
                for j in i..n {
                    a[k][j] -= times * a[i][j];
                }
                b[k] -= times * b[i];
            }
        }
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            b[i] -= a[i][k] * b[k];
        }
        b[i] /= a[i][i];
    }
    b
}

fn fit(rows: &[&Example], weights: &[f64]) -> Fit {
    let n = rows[0].row.len();
    let count = rows.len() as f64;
    let mean: Vec<f64> = (0..n).map(|k| rows.iter().map(|e| f64::from(e.row[k])).sum::<f64>() / count).collect();
    let spread: Vec<f64> = (0..n)
        .map(|k| {
            let square: f64 = rows.iter().map(|e| (f64::from(e.row[k]) - mean[k]).powi(2)).sum();
            (square / count).sqrt() + 1e-6
        })
        .collect();
    let z: Vec<Vec<f64>> = rows
        .iter()
        .map(|e| {
            let standard = (0..n).map(|k| (f64::from(e.row[k]) - mean[k]) / spread[k]);
            standard.chain([1.0]).collect()
        })
        .collect();
    let y: Vec<f64> = rows.iter().map(|e| f64::from(u8::from(e.planted.is_some()))).collect();
    // Ordinary talk has far more pairs than the deals: each of them counts for less.
    let weigh: Vec<f64> = rows.iter().map(|e| weights[e.case]).collect();
    let share = y.iter().sum::<f64>() / count;
    let mut w = vec![0.0; n + 1];
    w[n] = (share / (1.0 - share)).ln();
    let dot = |w: &[f64], z: &[f64]| w.iter().zip(z).map(|(a, b)| a * b).sum::<f64>();
    let loss = |w: &[f64]| {
        let data: f64 = z
            .iter()
            .zip(y.iter().zip(&weigh))
            .map(|(z, (y, weigh))| {
                let odds = dot(w, z).clamp(-50.0, 50.0);
                weigh * (odds.exp().ln_1p() - y * odds)
            })
            .sum();
        data + 0.5 * PENALTY * w[..n].iter().map(|w| w * w).sum::<f64>()
    };
    let mut now = loss(&w);
    for _ in 0..30 {
        let mut gradient: Vec<f64> = w.iter().enumerate().map(|(k, w)| if k < n { PENALTY * w } else { 0.0 }).collect();
        let mut curve = vec![vec![0.0; n + 1]; n + 1];
        for (k, row) in curve.iter_mut().enumerate() {
            row[k] = if k < n { PENALTY } else { 1e-6 };
        }
        for ((z, y), weigh) in z.iter().zip(&y).zip(&weigh) {
            let p = 1.0 / (1.0 + (-dot(&w, z).clamp(-50.0, 50.0)).exp());
            for i in 0..=n {
                gradient[i] += weigh * (p - y) * z[i];
                let weight = weigh * p * (1.0 - p) * z[i];
                if weight != 0.0 {
                    for j in 0..=n {
                        curve[i][j] += weight * z[j];
                    }
                }
            }
        }
        let step = solve(curve, gradient);
        let mut length = 1.0;
        let (next, then) = loop {
            let next: Vec<f64> = w.iter().zip(&step).map(|(w, s)| w - length * s).collect();
            let then = loss(&next);
            if then <= now || length < 1e-4 {
                break (next, then);
            }
            length /= 2.0;
        };
        let gain = now - then;
        (w, now) = (next, then);
        if gain < 1e-6 {
            break;
        }
    }
    let weights: Vec<f64> = (0..n).map(|k| w[k] / spread[k]).collect();
    let bias = w[n] - weights.iter().zip(&mean).map(|(w, m)| w * m).sum::<f64>();
    Fit { weights, bias }
}

/// Weights and biases of the choice of a slot.
fn fit_slots(rows: &[&Example]) -> ([f64; SLOT_FEATURES], [f64; Slot::ALL.len()]) {
    const SLOTS: usize = Slot::ALL.len();
    let told: Vec<_> =
        rows.iter().filter_map(|e| Some((e.slots?, Slot::ALL.iter().position(|s| Some(*s) == e.planted)?))).collect();
    let (mut w, mut b) = ([0.0; SLOT_FEATURES], [0.0; SLOTS]);
    let rate = 0.9 / told.len() as f64;
    for _ in 0..400 {
        let (mut dw, mut db) = (w, b);
        for (slots, right) in &told {
            let odds: Vec<f64> = (0..SLOTS)
                .map(|s| b[s] + (0..SLOT_FEATURES).map(|k| w[k] * f64::from(slots[s][k])).sum::<f64>())
                .collect();
            let most = odds.iter().copied().fold(f64::MIN, f64::max);
            let all: f64 = odds.iter().map(|o| (o - most).exp()).sum();
            for s in 0..SLOTS {
                let wrong = (odds[s] - most).exp() / all - f64::from(u8::from(s == *right));
                db[s] += wrong;
                for k in 0..SLOT_FEATURES {
                    dw[k] += wrong * f64::from(slots[s][k]);
                }
            }
        }
        for k in 0..SLOT_FEATURES {
            w[k] -= rate * dw[k];
        }
        for s in 0..SLOTS {
            b[s] -= rate * db[s];
        }
    }
    (w, b)
}

fn probability(fit: &Fit, e: &Example) -> f32 {
    let odds = fit.bias + fit.weights.iter().zip(&e.row).map(|(w, x)| w * f64::from(*x)).sum::<f64>();
    (1.0 / (1.0 + (-odds).exp())) as f32
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let to = args.iter().position(|a| a == "--to").map(|i| args[i + 1].clone());
    let files: Vec<&String> = args.iter().filter(|a| a.ends_with(".jsonl") || a.ends_with(".txt")).collect();
    assert!(
        !files.is_empty() && files.iter().all(|f| !f.contains("test")),
        "give files to learn from, none to test on"
    );
    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        if file.ends_with(".txt") {
            cases.extend(ordinary(&text).into_iter().filter(|c| !is_held(c)));
            continue;
        }
        let read = text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str::<Case>(l).unwrap());
        cases.extend(read.filter(|c| !file.contains("train") || !is_held(c)));
    }
    let of_case = |c: &Case| if ["ordinary", "more"].iter().any(|n| c.id.starts_with(n)) { LIGHT } else { 1.0 };
    let weights: Vec<f64> = cases.iter().map(of_case).collect();
    let all = examples(&cases);
    let planted: usize = cases.iter().map(|c| c.contradictions.len()).sum();
    println!(
        "{} deals, {planted} planted, {} pairs, {} of them planted",
        cases.len(),
        all.len(),
        all.iter().filter(|e| e.planted.is_some()).count()
    );
    let mut left_out = vec![0.0_f32; all.len()];
    for fold in 0..FOLDS {
        let rows: Vec<&Example> = all.iter().filter(|e| e.case % FOLDS != fold).collect();
        let fit = fit(&rows, &weights);
        for (e, p) in all.iter().zip(&mut left_out).filter(|(e, _)| e.case % FOLDS == fold) {
            *p = probability(&fit, e);
        }
    }
    let loss: f64 = all
        .iter()
        .zip(&left_out)
        .map(|(e, p)| -f64::from(if e.planted.is_some() { *p } else { 1.0 - p }).max(1e-9).ln())
        .sum();
    println!("loss on deals left out {loss:.1}");
    for threshold in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7] {
        let (shown, hits) = shown(&all, &left_out, threshold);
        println!(
            "  from {threshold:.1}: precision {:.3} ({hits} of {shown}), recall {:.3}",
            hits as f64 / shown.max(1) as f64,
            hits as f64 / planted as f64
        );
    }
    let rows: Vec<&Example> = all.iter().collect();
    let (fit, (slots, slot_biases)) = (fit(&rows, &weights), fit_slots(&rows));
    let mut model = Model::shipped().clone();
    for (to, from) in model.weights.iter_mut().zip(&fit.weights) {
        *to = *from as f32;
    }
    model.bias = fit.bias as f32;
    model.slot_weights = slots.map(|w| w as f32);
    model.slot_biases = slot_biases.map(|b| b as f32);
    model.threshold = THRESHOLD;
    if let Some(to) = to {
        std::fs::write(&to, model.write()).unwrap();
        println!("written to {to}");
    }
}
