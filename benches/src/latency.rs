//! How late a card is: fixture calls in real time through the program, over the network.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{process, serving::Over};

/// Card latency, with what was missed and what was wrong
///
/// Plays fixture calls in real time through `reframe demo`: from the end of the needed phrase, as the synthesiser placed
/// it, to the card's receipt on the WebSocket. Each card's delay is counted from its own phrase, not from the card
/// before, so a stall counts for every card it delays and nothing needs to be corrected for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which fixture calls
    #[arg(long, value_delimiter = ',', default_value = "demo,cold-call,procurement,bad-line,no-objection,real-speech")]
    calls: Vec<String>,
    /// How often
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// How the sound gets in
    #[arg(long, value_enum, default_value = "whip")]
    over: Over,
}

struct Part {
    name: &'static str,
    field: &'static str,
    histogram: Histogram<u64>,
}

/// Runs it.
///
/// # Errors
/// If the program is missing or a call fails.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let program = process::reframe()?;
    let mut parts = [
        ("card on the socket", "total_ms"),
        ("algorithmic (audio needed)", "algorithmic_ms"),
        ("compute (packet in to card out)", "compute_ms"),
        ("transport and waiting", "transport_ms"),
    ]
    .map(|(name, field)| Part {
        name,
        field,
        histogram: Histogram::new_with_bounds(1, 60_000_000, 3).expect("constant bounds that fit"),
    });
    let (mut right, mut expected, mut false_cards, mut audio_s) = (0, 0, 0, 0.0);
    for call in (0..args.rounds).flat_map(|_| &args.calls) {
        let data = tempfile::tempdir()?;
        let output = Command::new(&program)
            .args(["demo", "--json", "--over", args.over.as_str(), "--call", call, "--data"])
            .arg(data.path())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("{} cannot be run", program.display()))?;
        if !output.status.success() {
            bail!("the call {call} failed: {}", output.status);
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let line: Value = serde_json::from_str(line).context("the program printed something else than JSON")?;
            match line["type"].as_str() {
                Some("card") if line["judged"] == "right" => {
                    for part in &mut parts {
                        let ms = line[part.field].as_f64().context("a latency is missing")?;
                        part.histogram.saturating_record((ms * 1e3) as u64);
                    }
                }
                Some("summary") => {
                    let count = |field: &str| line[field].as_u64().unwrap_or(0);
                    right += count("right");
                    expected += count("objections");
                    false_cards += count("false_cards") + count("wrong_label");
                    audio_s += line["audio_s"].as_f64().unwrap_or(0.0);
                }
                _ => {}
            }
        }
        println!("{call}: done");
    }
    let hours = audio_s / 3_600.0;
    println!(
        "\n{right} of {expected} objections answered, {false_cards} false or wrong cards in {hours:.3} h ({:.1} per hour)",
        f64::from(u32::try_from(false_cards)?) / hours
    );
    println!(
        "{:34} {:>5} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "ms after the phrase ended", "n", "p50", "p90", "p95", "p99", "max"
    );
    let mut rows = Vec::new();
    for part in &parts {
        let h = &part.histogram;
        let at = |q: f64| (h.value_at_quantile(q) as f64 / 100.0).round() / 10.0;
        let (p50, p90, p95, p99, max) = (at(0.5), at(0.9), at(0.95), at(0.99), at(1.0));
        println!("{:34} {:>5} {p50:>8.1} {p90:>8.1} {p95:>8.1} {p99:>8.1} {max:>8.1}", part.name, h.len());
        rows.push(json!({"part": part.name, "n": h.len(), "p50_ms": p50, "p90_ms": p90, "p95_ms": p95, "p99_ms": p99, "max_ms": max}));
    }
    Ok(json!({
        "calls": args.calls, "over": args.over.as_str(), "rounds": args.rounds, "audio_s": audio_s,
        "objections": expected, "right": right, "false_or_wrong_cards": false_cards,
        "false_or_wrong_cards_per_hour": false_cards as f64 / hours, "latency": rows,
    }))
}
