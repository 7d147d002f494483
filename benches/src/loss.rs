//! What a bad network costs: word errors and cards over WebRTC, clean and bad.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use reframe_bots::{play, script::Script};
use serde_json::{Value, json};

use crate::{process, serving::fixture, wer::Wer};

/// Word errors and cards over a clean network and over a bad one
///
/// Plays fixture calls in real time through `reframe demo` over WebRTC, without any loss and with what is asked for, and
/// counts words against the script, each participant's for itself: a word on the wrong track counts as two errors.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which fixture calls
    #[arg(long, value_delimiter = ',', default_value = "demo,cold-call")]
    calls: Vec<String>,
    /// Packets lost, in percent
    #[arg(long, default_value_t = 5.0)]
    loss: f64,
    /// Packets overtaken, in percent
    #[arg(long, default_value_t = 2.0)]
    reorder: f64,
    /// Most delay on the way, in ms
    #[arg(long, default_value_t = 100)]
    jitter: u32,
    /// Which packets
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Default)]
struct Sum {
    wer: Wer,
    cards: u64,
    right: u64,
    objections: u64,
    wrong: u64,
    card_ms: Vec<f64>,
}

/// Runs it.
///
/// # Errors
/// If the program is missing or a call fails.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let percent = |p: f64| p.to_string();
    let bad = [
        "--loss",
        &percent(args.loss),
        "--reorder",
        &percent(args.reorder),
        "--jitter",
        &args.jitter.to_string(),
        "--seed",
        &args.seed.to_string(),
    ]
    .map(str::to_owned);
    let clean = ["--loss", "0"].map(str::to_owned);
    println!(
        "{:12} {:8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>10}",
        "call", "network", "words", "errors", "WER %", "right", "wrong", "worst ms"
    );
    let mut rows = Vec::new();
    for (network, options) in [("clean", &clean[..]), ("bad", &bad[..])] {
        let mut all = Sum::default();
        for name in &args.calls {
            let one = play_one(name, options)?;
            print(name, network, &one);
            rows.push(row(name, network, &one));
            all.wer.add(&one.wer);
            all.cards += one.cards;
            all.right += one.right;
            all.objections += one.objections;
            all.wrong += one.wrong;
            all.card_ms.extend(one.card_ms);
        }
        print("all", network, &all);
        rows.push(row("all", network, &all));
    }
    Ok(json!({
        "over": "whip", "loss_percent": args.loss, "reorder_percent": args.reorder, "jitter_ms": args.jitter,
        "seed": args.seed, "rows": rows,
    }))
}

fn play_one(name: &str, options: &[String]) -> anyhow::Result<Sum> {
    let data = tempfile::tempdir()?;
    let output = Command::new(process::reframe()?)
        .args(["demo", "--call-only", "--json", "--over", "whip", "--call", name, "--data"])
        .arg(data.path())
        .args(options)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the program cannot be run")?;
    if !output.status.success() {
        bail!("the call {name} failed: {}", output.status);
    }
    let script = play::load(&[fixture(name)], &[])?.script.context("the fixture has no script")?;
    let mut sum = Sum::default();
    let mut heard: Vec<(String, String)> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Value = serde_json::from_str(line).context("the program printed something else than JSON")?;
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        match line["type"].as_str() {
            Some("final") => heard.push((text("speaker"), text("text"))),
            Some("card") if line["judged"] == "right" => sum.card_ms.extend(line["total_ms"].as_f64()),
            Some("summary") => {
                let count = |field: &str| line[field].as_u64().unwrap_or(0);
                sum.cards = count("cards");
                sum.right = count("right");
                sum.objections = count("objections");
                sum.wrong = count("false_cards") + count("wrong_label");
            }
            _ => {}
        }
    }
    sum.wer = words(&script, &heard);
    Ok(sum)
}

fn words(script: &Script, heard: &[(String, String)]) -> Wer {
    let mut wer = Wer::default();
    for participant in &script.participant {
        let said: Vec<&str> = script
            .line
            .iter()
            .filter(|l| script.speaker(l).is_some_and(|p| p.track == participant.track))
            .map(|l| l.text.as_str())
            .collect();
        let heard: Vec<&str> =
            heard.iter().filter(|(speaker, _)| *speaker == participant.name).map(|(_, text)| text.as_str()).collect();
        wer.add(&Wer::of(&said.join(" "), &heard.join(" ")));
    }
    wer
}

fn worst(sum: &Sum) -> f64 {
    sum.card_ms.iter().copied().fold(0.0, f64::max)
}

fn print(call: &str, network: &str, sum: &Sum) {
    println!(
        "{call:12} {network:8} {:>8} {:>8} {:>8.1} {:>9} {:>8} {:>10.0}",
        sum.wer.words,
        sum.wer.errors,
        sum.wer.percent(),
        format!("{} of {}", sum.right, sum.objections),
        sum.wrong,
        worst(sum)
    );
}

fn row(call: &str, network: &str, sum: &Sum) -> Value {
    json!({
        "call": call, "network": network, "words": sum.wer.words, "errors": sum.wer.errors,
        "wer_percent": (sum.wer.percent() * 10.0).round() / 10.0, "objections": sum.objections, "right": sum.right,
        "false_or_wrong_cards": sum.wrong, "worst_card_ms": worst(sum),
    })
}
