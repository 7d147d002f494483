//! One page, and README's section, from everything that was recorded.

mod course;
mod draw;
mod figure;
pub mod figures;
mod page;
mod pictures;
mod readme;
pub mod records;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

/// One page from everything that was recorded, with its history
///
/// Writes a single HTML file that needs no network and no script. With --readme, README's section on performance is made
/// anew from the same records; with --check, nothing is written, and it is an error if README says something else.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The page
    #[arg(long, value_name = "FILE", default_value_os_t = default_page())]
    out: PathBuf,
    /// Folder with the records
    #[arg(long, value_name = "DIR", default_value_os_t = records::folder())]
    records: PathBuf,
    /// Write README's section on performance instead
    #[arg(long)]
    readme: bool,
    /// Only look whether README says what was recorded
    #[arg(long, conflicts_with = "readme")]
    check: bool,
}

fn default_page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benchmarks.html")
}

/// Runs it.
///
/// # Errors
/// If a record or README cannot be read or written, or README differs with `--check`.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let all = records::read(&args.records)?;
    let count: usize = all.values().flat_map(|m| m.values()).map(Vec::len).sum();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    if args.readme || args.check {
        let text = std::fs::read_to_string(&readme).context("README.md cannot be read")?;
        let section = readme::section(&all);
        if args.check {
            readme::check(&text, &section)?;
            println!("README.md says what {count} records say");
        } else {
            std::fs::write(&readme, readme::replaced(&text, &section)?).context("README.md cannot be written")?;
            println!("README.md has the figures of {count} records");
        }
        return Ok(json!({ "records": count }));
    }
    if let Some(folder) = args.out.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let html = page::html(&all);
    std::fs::write(&args.out, &html).with_context(|| format!("{} cannot be written", args.out.display()))?;
    println!("{} records of {} machines: {} ({} kB)", count, all.len(), args.out.display(), html.len() / 1_000);
    for (machine, commands) in &all {
        for (command, records) in commands {
            let Some(last) = records::latest(records) else { continue };
            for figure in figures::of(command, &last.result).iter().filter(|f| f.front) {
                println!(
                    "  {machine}  {:10} {:46} {:>12}  {}",
                    command,
                    figure.name,
                    figure.unit.write(figure.value),
                    figure.n
                );
            }
        }
    }
    Ok(json!({ "records": count, "bytes": html.len() }))
}

#[cfg(test)]
mod sample {
    //! Records to test with: two days of one machine.

    use serde_json::{Value, json};

    use super::records::{Record, Records};

    fn record(command: &str, date: &str, load: f64, result: Value) -> Record {
        let (command, date, machine) = (command.to_owned(), date.to_owned(), "amd-epyc-2-cores".to_owned());
        Record { command, date, machine, cores: 2, load: Some(load), result }
    }

    fn latency(p95: f64) -> Value {
        let row = |part: &str, p50: f64, p95: f64| json!({"part": part, "n": 16, "p50_ms": p50, "p90_ms": p95, "p95_ms": p95, "p99_ms": p95, "max_ms": p95});
        json!({ "calls": ["demo"], "over": "whip", "audio_s": 367.6, "objections": 16, "right": 15, "false_or_wrong_cards": 0,
                "latency": [row("card on the socket", 422.1, p95), row("compute (packet in to card out)", 0.1, 2.4)] })
    }

    /// Of commands the page knows and of one it does not.
    pub fn records() -> Records {
        let mut all = Records::new();
        for r in [
            record("latency", "2026-01-31", 0.5, latency(870.4)),
            record("latency", "2026-02-01", 0.5, latency(570.9)),
            record("novel", "2026-02-01", 7.5, json!({"a": 1})),
        ] {
            all.entry(r.machine.clone()).or_default().entry(r.command.clone()).or_default().push(r);
        }
        all
    }
}
