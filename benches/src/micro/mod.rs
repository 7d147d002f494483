//! The pieces one by one: time by criterion, instructions by callgrind.

mod bodies;
mod counted;

use std::{path::Path, time::Duration};

use anyhow::Context;
use criterion::Criterion;
use serde_json::{Value, json};

use crate::{plot::Bars, record};

/// Time of each piece, from resampler to event log
///
/// Runs each piece under criterion, on one core. `cargo bench -p reframe-benches` runs the same with criterion's own options,
/// to compare with a saved baseline, for example. With --instructions, one run of each is counted under callgrind, which
/// other programs cannot disturb: that is what to judge a small change by on a busy machine. Callgrind's processor has no
/// AVX-512, so counts compare with counts alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only pieces with this in their name
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Count instructions too
    #[arg(long)]
    instructions: bool,
    /// Seconds instead of minutes
    #[arg(long)]
    quick: bool,
    /// Run one piece under callgrind
    #[arg(long, value_name = "NAME", hide = true)]
    count: Option<String>,
}

/// Runs it.
///
/// # Errors
/// If a piece cannot be made ready, or criterion leaves no result.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    if let Some(name) = &args.count {
        counted::run(name)?;
        return Ok(Value::Null);
    }
    let folder = tempfile::tempdir()?;
    let (samples, warm, measure) = if args.quick { (10, 50, 200) } else { (60, 1_000, 3_000) };
    let mut criterion = Criterion::default()
        .without_plots()
        .output_directory(folder.path())
        .sample_size(samples)
        .warm_up_time(Duration::from_millis(warm))
        .measurement_time(Duration::from_millis(measure));
    let names: Vec<&str> = bodies::NAMES.into_iter().filter(|n| n.contains(&args.only)).collect();
    let mut rows = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let mut body = bodies::make(name)?;
        // Names of folders cannot hold all that ours do.
        let id = format!("piece-{n}");
        criterion.bench_function(&id, |b| b.iter(&mut body));
        let (ns, low_ns, high_ns) = estimate(&folder.path().join(&id))?;
        rows.push(json!({ "name": name, "ns": ns, "low_ns": low_ns, "high_ns": high_ns, "samples": samples }));
    }
    println!("\n{:34} {:>12}   95 %", "median of one run", "µs");
    for row in &rows {
        let us = |key: &str| row[key].as_f64().unwrap_or(0.0) / 1e3;
        println!(
            "{:34} {:>12.3}   {:.3} to {:.3}",
            row["name"].as_str().unwrap_or_default(),
            us("ns"),
            us("low_ns"),
            us("high_ns")
        );
    }
    let mut counts = Vec::new();
    if args.instructions && counted::there() {
        println!("\n{:34} {:>14}", "instructions of one run", "");
        for name in &names {
            let n = counted::instructions(name, folder.path())?;
            println!("{name:34} {n:>14}");
            counts.push(json!({ "name": name, "instructions": n }));
        }
    } else if args.instructions {
        println!("valgrind is not on this machine: no instructions are counted (apt-get install valgrind)");
    }
    if keep {
        let bars = rows
            .iter()
            .map(|r| (r["name"].as_str().unwrap_or_default().to_owned(), r["ns"].as_f64().unwrap_or(0.0) / 1e3));
        let longest = rows.iter().filter_map(|r| r["ns"].as_f64()).fold(0.0, f64::max) / 1e3 * 1.1;
        let page = Bars::page(&[Bars { title: "Median of one run, µs".into(), limit: longest, bars: bars.collect() }]);
        std::fs::write(record::beside("micro", "svg")?, page)?;
    }
    Ok(json!({ "quick": args.quick, "bodies": rows, "instructions": counts }))
}

/// Median and its 95 % interval, in ns, as criterion left them.
fn estimate(folder: &Path) -> anyhow::Result<(f64, f64, f64)> {
    let file = folder.join("new/estimates.json");
    let text = std::fs::read_to_string(&file).with_context(|| format!("criterion left no {}", file.display()))?;
    let all: Value = serde_json::from_str(&text)?;
    let at = |pointer: &str| {
        all.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("criterion says no {pointer}"))
    };
    Ok((
        at("/median/point_estimate")?,
        at("/median/confidence_interval/lower_bound")?,
        at("/median/confidence_interval/upper_bound")?,
    ))
}
