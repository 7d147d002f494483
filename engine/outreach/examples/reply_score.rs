//! Scores the reading of answers on a labelled file: `reply_score -- FILE [--wrong]`.
//!
//! Macro F1 counts an uncertain answer as missed; the second figure is over the decided ones alone. `--wrong` prints the ids
//! of what was read wrong.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::disallowed_methods, clippy::disallowed_types)]

mod sets;

use std::path::Path;

use reframe_outreach::reply::{CLASSES, Class, Wish, classify};
use sets::Reply;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = args.iter().find(|a| !a.starts_with("--")).expect("usage: reply_score FILE [--wrong]");
    let rows: Vec<Reply> = sets::read(Path::new(file));
    let today = jiff::civil::date(2026, 11, 2);
    let mut table = [[0_usize; 10]; 8];
    let (mut uncertain, mut suppressed, mut wishes, mut false_certain, mut low) = (0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for row in &rows {
        let reading = classify(&row.received(), today);
        let is = row.class();
        let read = match reading.class {
            Class::Uncertain => 8,
            Class::Bounce => 9,
            class => CLASSES.iter().position(|c| *c == class).unwrap(),
        };
        table[is][read] += 1;
        uncertain += usize::from(read == 8);
        low += usize::from(
            matches!(reading.class, Class::Ooo | Class::WrongPerson | Class::Unsubscribe)
                && reading.wish != Wish::Chance,
        );
        if row.label == Class::Unsubscribe {
            wishes += 1;
            let held = reading.class == Class::Unsubscribe || reading.wish != Wish::None;
            suppressed += usize::from(held);
            if !held {
                wrong.push(format!("{} unsubscribe NOT SUPPRESSED", row.id));
            }
        } else {
            false_certain += usize::from(reading.wish != Wish::None);
        }
        if read != is {
            wrong.push(format!(
                "{} is {} read as {} ({:?} {:.2})",
                row.id,
                row.label.as_str(),
                reading.class.as_str(),
                reading.by,
                reading.confidence
            ));
        }
    }
    let n = rows.len();
    let f1 = |decided: bool| {
        let each = (0..8).map(|c| {
            let hit = table[c][c] as f64;
            let truth: usize =
                if decided { table[c].iter().sum::<usize>() - table[c][8] } else { table[c].iter().sum() };
            let said: usize = table.iter().map(|r| r[c]).sum();
            if truth + said == 0 { 0.0 } else { 2.0 * hit / (truth + said) as f64 }
        });
        each.collect::<Vec<f64>>()
    };
    let mean = |list: &[f64]| list.iter().sum::<f64>() / list.len() as f64;
    println!(
        "n {n}, uncertain {uncertain} ({:.1} %), low-stakes {:.1} %",
        100.0 * uncertain as f64 / n as f64,
        100.0 * low as f64 / n as f64
    );
    println!("macro F1 {:.3} (uncertain counts as missed), {:.3} of the decided", mean(&f1(false)), mean(&f1(true)));
    println!("unsubscribe: {suppressed} of {wishes} suppressed; others suppressed too: {false_certain}");
    println!(
        "{:<17}{}  unc bnc    F1",
        "",
        CLASSES.map(|c| format!("{:>5}", c.as_str().get(..4).unwrap_or(c.as_str()))).concat()
    );
    for (c, row) in table.iter().enumerate() {
        let cells: String = row.iter().map(|n| format!("{n:>5}")).collect();
        println!("{:<17}{cells}  {:.3}", CLASSES[c].as_str(), f1(false)[c]);
    }
    if args.iter().any(|a| a == "--wrong") {
        wrong.iter().for_each(|w| println!("{w}"));
    }
}
