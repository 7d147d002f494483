//! Trains the classifier of e-mail intent, and holds it against naive Bayes on sentences it was not trained on.
//!
//! The data is ParakweetLabs' EmailIntentDataSet (Apache-2.0, github.com/ParakweetLabs/EmailIntentDataSet); `DIR` is the
//! folder with `train_Ask0729-fixed.txt` and `test_qualifiedBatch-fixed.txt`. It is not in the repository: the sentences
//! name people and their telephone numbers.
//!
//! ```sh
//! cargo run --release -p reframe-workflow --example intent_mail -- train DIR engine/workflow/assets/intent-v1.bin
//! cargo run --release -p reframe-workflow --example intent_mail -- score DIR
//! ```
//!
//! `train` writes the same bytes every time. `score` trains too, and says whether they are those of the program.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a few thousand sentences"
)]

mod data;
mod naive_bayes;
mod score;
mod training;

use std::{error::Error, path::Path};

use naive_bayes::NaiveBayes;
use reframe_workflow::intent::Model;
use score::{Counts, intervals};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["train", dir, out] => {
            let trained = training::train(&data::read(Path::new(dir), data::TRAIN)?);
            std::fs::write(out, trained.model.to_bytes())?;
            unseen(&trained);
            Ok(())
        }
        ["score", dir] => compare(Path::new(dir)),
        _ => Err("say `train DIR OUT` or `score DIR`".into()),
    }
}

/// Ten-fold cross-validation inside the training sentences.
fn unseen(trained: &training::Trained) {
    let model = &trained.model;
    let threshold = model.scale().threshold;
    row("in cross-validation", Counts::at(&trained.unseen, threshold), trained.unseen.len());
    println!("threshold {threshold:.2} of the margin, {:.3} as a probability", model.threshold());
}

fn compare(dir: &Path) -> Result<(), Box<dyn Error>> {
    let (train, test) = (data::read(dir, data::TRAIN)?, data::read(dir, data::TEST)?);
    let trained = training::train(&train);
    unseen(&trained);
    let same = trained.model == *Model::embedded();
    println!("the weights of the program are {}", if same { "these, byte for byte" } else { "NOT these" });

    let ours: Vec<(bool, bool)> = test.iter().map(|s| (Model::embedded().asks(&s.sentence), s.asks)).collect();
    println!("\n{} test sentences, {} ask", test.len(), test.iter().filter(|s| s.asks).count());
    row("ours", counts(&ours), test.len());
    for (name, singles) in [("naive Bayes, pairs", false), ("naive Bayes, words and pairs", true)] {
        let floor = NaiveBayes::train(&train, singles);
        let floor: Vec<(bool, bool)> = test.iter().map(|s| (floor.margin(&s.sentence) >= 0.0, s.asks)).collect();
        row(name, counts(&floor), test.len());
        let (alone, _) = intervals(&floor, &ours);
        let (_, above) = intervals(&ours, &floor);
        println!("{:32} F1 {:.3} to {:.3}; ours is {:+.3} to {:+.3} above", "", alone[0], alone[1], above[0], above[1]);
    }
    let (alone, _) = intervals(&ours, &ours);
    println!("ours, 95 % of 10,000 bootstrap draws: F1 {:.3} to {:.3}", alone[0], alone[1]);
    reliability(&test);
    Ok(())
}

/// How often sentences ask that are given a probability.
fn reliability(test: &[data::Labelled]) {
    let model = Model::embedded();
    for tenth in [0, 2, 4, 6, 8] {
        let bin = |p: f32| ((p * 10.0) as i32).min(9) / 2 * 2 == tenth;
        let inside: Vec<bool> =
            test.iter().filter(|s| bin(model.asks_for_action(&s.sentence))).map(|s| s.asks).collect();
        let asks = inside.iter().filter(|a| **a).count();
        println!("probability .{tenth} to .{}: {asks} of {} ask", tenth + 2, inside.len());
    }
}

fn counts(judged: &[(bool, bool)]) -> Counts {
    let scored: Vec<(f32, bool)> = judged.iter().map(|(said, asks)| (f32::from(u8::from(*said)), *asks)).collect();
    Counts::at(&scored, 0.5)
}

fn row(name: &str, counts: Counts, n: usize) {
    let Counts { hits, said, asks } = counts;
    let (f1, precision, recall) = (counts.f1(), counts.precision(), counts.recall());
    println!(
        "{name:32} F1 {f1:.3}   precision {precision:.3} ({hits}/{said})   recall {recall:.3} ({hits}/{asks})   n {n}"
    );
}
