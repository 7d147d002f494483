//! Trains what the post-call stage judges by, on the labelled calls of `fixtures/postcall/{train,dev}`.
//!
//! ```sh
//! cargo run --release -p reframe-workflow --example postcall_learn -- train engine/workflow/assets/postcall-v1.bin
//! cargo run --release -p reframe-workflow --example postcall_learn -- check
//! cargo run --release -p reframe-workflow --example postcall_learn -- folds DIR
//! cargo run --release -p reframe-workflow --example postcall_score -- --split train,dev --cross DIR
//! ```
//!
//! `train` writes the same bytes every time; `check` says whether they are those of the program. `folds` writes weights that
//! were made without a tenth of the calls each: with them `postcall_score` measures every call by weights that never saw it.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts of a few thousand examples; a trainer stops at the first bad label"
)]

#[path = "../../tests/support/mod.rs"]
mod support;
mod training;

use std::{collections::BTreeSet, error::Error, path::Path};

use reframe_workflow::{
    artifact::Evidence,
    handoff::CallTranscript,
    postcall::{
        Settings,
        learned::{Judges, Model, Seen, examples},
    },
};
use support::{FOLDS, Labelled, cited, fold, given, load, place, same};
use training::{Example, Goal, cross, fit};

/// Examples of the three models.
#[derive(Default)]
struct Sets {
    handled: Vec<Example>,
    answered: Vec<Example>,
    promise: Vec<Example>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let calls: Vec<Labelled> = ["train", "dev"].into_iter().flat_map(load).collect();
    let mut sets = Sets::default();
    calls.iter().for_each(|c| gather(c, &mut sets));
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["train", out] => std::fs::write(out, judges(&sets, None).to_bytes())?,
        ["check"] => {
            let same = judges(&sets, None) == *Judges::embedded();
            println!("the weights of the program are {}", if same { "these, byte for byte" } else { "NOT these" });
        }
        ["folds", dir] => {
            std::fs::create_dir_all(dir)?;
            for held_out in 0..FOLDS {
                let bytes = judges(&sets, Some(held_out)).to_bytes();
                std::fs::write(Path::new(dir).join(format!("fold-{held_out}.bin")), bytes)?;
            }
        }
        _ => return Err("say `train OUT`, `check` or `folds DIR`".into()),
    }
    Ok(())
}

/// Trains all three, without the calls of one fold if one is held out.
fn judges(sets: &Sets, held_out: Option<u64>) -> Judges {
    let one = |name: &str, all: &[Example], cost: f64, goal: Goal| -> Model {
        let seen: Vec<&Example> = all.iter().filter(|e| Some(e.fold) != held_out).collect();
        let unseen = cross(&seen, cost);
        let threshold = goal.threshold(&unseen);
        if held_out.is_none() {
            println!("{name:9} {}", goal.show(&unseen, threshold));
        }
        fit(&seen, cost, threshold)
    };
    Judges {
        handled: one("handled", &sets.handled, 2.0, Goal::Accuracy),
        answered: one("answered", &sets.answered, 2.0, Goal::Accuracy),
        promise: one("promise", &sets.promise, 1.0, Goal::F1),
    }
}

fn gather(labelled: &Labelled, sets: &mut Sets) {
    let Labelled { name, call, labels } = labelled;
    let fold = fold(name);
    let settings = Settings { fiscal_year_starts: labels.fiscal_year_starts.unwrap_or(1), ..Settings::default() };
    let seen = examples(&given(labelled), &settings);
    let at = |said: &Evidence| cited(call, said);
    for (handled, answered) in seen.handled.into_iter().zip(seen.answered) {
        let Some(place_said) = at(&handled.said[0]) else { continue };
        let label = labels.objection.iter().find(|o| same(&place(call, o.turn, &o.quote), &place_said));
        let Some(label) = label else { continue };
        let yes = label.handled == "handled";
        sets.handled.push(Example { fold, features: handled.features, yes });
        if !yes {
            let yes = label.handled == "answered";
            sets.answered.push(Example { fold, features: answered.features, yes });
        }
    }
    acts(call, labelled, seen.promise, sets, fold);
}

/// What is labelled is a promise. What says the same elsewhere teaches nothing: it is one, and is not labelled.
fn acts(call: &CallTranscript, labelled: &Labelled, seen: Vec<Seen>, sets: &mut Sets, fold: u64) {
    let places: Vec<_> = labelled.labels.commitment.iter().map(|c| place(call, c.turn, &c.quote)).collect();
    let yes: Vec<bool> = seen
        .iter()
        .map(|s| s.said.iter().filter_map(|e| cited(call, e)).any(|said| places.iter().any(|p| same(p, &said))))
        .collect();
    let groups: BTreeSet<usize> = seen.iter().zip(&yes).filter(|(_, yes)| **yes).map(|(s, _)| s.group).collect();
    for (s, yes) in seen.into_iter().zip(yes) {
        if yes || !groups.contains(&s.group) {
            sets.promise.push(Example { fold, features: s.features, yes });
        }
    }
}
