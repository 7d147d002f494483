//! Scores the linter on a labelled file: `lint_score -- FILE [--wrong]`.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::disallowed_methods, clippy::disallowed_types)]

mod sets;

use std::{collections::BTreeMap, path::Path};

use reframe_outreach::{lint::faults, voice::Voice};
use sets::Labelled;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = args.iter().find(|a| !a.starts_with("--")).expect("usage: lint_score FILE [--wrong]");
    let show = args.iter().any(|a| a == "--wrong");
    let rows: Vec<Labelled> = sets::read(Path::new(file));
    let (mut good, mut passed, mut bad, mut blocked) = (0, 0, 0, 0);
    // By code: labelled, found where labelled, found where not.
    let mut codes: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for row in &rows {
        let found = faults(&row.candidate(), &Voice::default());
        let names = found.iter().map(|f| serde_json::to_value(f.rule).unwrap().as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.collect();
        names.dedup();
        if row.good {
            good += 1;
            passed += usize::from(found.is_empty());
        } else {
            bad += 1;
            blocked += usize::from(!found.is_empty());
        }
        for code in &row.faults {
            let entry = codes.entry(code.clone()).or_default();
            entry[0] += 1;
            entry[1] += usize::from(names.contains(code));
        }
        for name in names.iter().filter(|n| !row.faults.contains(n)) {
            codes.entry(name.clone()).or_default()[2] += 1;
        }
        let missed: Vec<&String> = row.faults.iter().filter(|c| !names.contains(c)).collect();
        let more: Vec<String> = found
            .iter()
            .filter(|f| !row.faults.contains(&serde_json::to_value(f.rule).unwrap().as_str().unwrap().to_owned()))
            .map(|f| format!("{:?} \"{}\"", f.rule, f.words))
            .collect();
        if show && !(missed.is_empty() && more.is_empty()) {
            println!("{}: missed {missed:?}, more {more:?}", row.id);
        }
    }
    println!("bad: {blocked} of {bad} blocked; good: {passed} of {good} passed");
    for (code, [labelled, found, more]) in &codes {
        println!("{code:<17} found {found} of {labelled}, more {more}");
    }
}
