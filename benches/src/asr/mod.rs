//! How well speech is heard, how soon, and at what cost, as a meeting, a telephone or a bad network brings it.

pub mod condition;
pub mod hear;
pub mod normal;
mod numbers;
pub mod phrases;
pub mod set;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, ensure};
use reframe_call::{
    audio::Party,
    detect::Detector,
    recognize::{Bias, Recognizer},
};
use reframe_models::ctc::{CtcModel, CtcOptions, CtcRecognizer};
use serde_json::{Map, Value, json};

use self::{
    condition::Condition,
    hear::Emission,
    phrases::{Count, Phrases},
    set::Utterance,
};
use crate::{
    detect::{playbooks, stats::bootstrap},
    plot::Bars,
    process, record,
    wer::Wer,
};

/// Resamplings for an interval.
const ROUNDS: usize = 1_000;
/// From so many percent on, words are not misheard but not heard at all.
const NOTHING: f64 = 90.0;
/// Utterances of each tag with --quick.
const QUICK: usize = 6;

/// Word errors, the delay and the cost of words, and recall of playbook phrases
///
/// Hears every utterance under every condition with the embedded recogniser, biased to the built-in playbook, and once more
/// without biasing. Words are compared after Whisper's English normaliser, re-implemented (benches/src/asr/normal.rs says
/// what of it). A word's delay counts from its end as the recogniser places it, and holds the time of computing, queued
/// frames included. Runs on one core.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Lists of utterances: columns path, speaker, seconds, transcript, with tabs between (default: the lines of the fixture calls)
    #[arg(long, value_name = "TSV", num_args = 1..)]
    set: Vec<PathBuf>,
    /// Folder with another recogniser than the one in the program
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// What is done to the sound
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Condition::ALL)]
    conditions: Vec<Condition>,
    /// What makes the noise
    #[arg(long, value_name = "FILE", default_value_os_t = fixtures().join("synthesis/noise.opus"))]
    noise: PathBuf,
    /// A minute's worth of it
    #[arg(long)]
    quick: bool,
}

/// The repository's recorded input.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// The utterances of these lists, or those of the fixture calls.
///
/// # Errors
/// If one cannot be read.
pub fn utterances(lists: &[PathBuf], quick: bool) -> anyhow::Result<Vec<Utterance>> {
    let mut all = Vec::new();
    if lists.is_empty() {
        all = set::calls(&fixtures().join("calls"))?;
    }
    for file in lists {
        all.extend(set::list(file)?);
    }
    if quick {
        let mut seen = std::collections::BTreeMap::<String, usize>::new();
        all.retain(|u| {
            let n = seen.entry(u.tag.clone()).or_default();
            *n += 1;
            *n <= QUICK
        });
    }
    ensure!(!all.is_empty(), "there is nothing to hear");
    Ok(all)
}

/// Errors of many utterances, and how sure the rate is.
pub fn errors(each: &[Wer]) -> Value {
    let sum = |of: &mut dyn Iterator<Item = &Wer>| {
        let mut all = Wer::default();
        of.for_each(|w| all.add(w));
        all
    };
    let all = sum(&mut each.iter());
    let (low, high) = bootstrap(each.len(), ROUNDS, |drawn| sum(&mut drawn.iter().map(|i| &each[*i])).percent());
    json!({ "words": all.words, "errors": all.errors, "percent": hundredth(all.percent()), "low": hundredth(low), "high": hundredth(high) })
}

/// Hundredths: more are not told apart.
fn hundredth(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

/// Words compared after the normaliser.
pub fn wer(said: &str, heard: &str) -> Wer {
    Wer::of_words(&normal::words(said), &normal::words(heard))
}

/// What one condition gave.
struct Run {
    condition: Condition,
    tags: Vec<String>,
    wers: Vec<Wer>,
    emission: Emission,
    audio_s: f64,
    cpu_s: f64,
    words: Count,
    sounds: Count,
}

struct Bench<'a> {
    recognizer: &'a dyn Recognizer,
    all: &'a [Utterance],
    noise: Vec<i16>,
    phrases: Phrases,
    biased: Bias,
}

impl Bench<'_> {
    fn run(&self, condition: Condition, bias: &Bias) -> anyhow::Result<Run> {
        let mut run = Run {
            condition,
            tags: Vec::new(),
            wers: Vec::new(),
            emission: Emission::default(),
            audio_s: 0.0,
            cpu_s: 0.0,
            words: Count::default(),
            sounds: Count::default(),
        };
        for (n, one) in self.all.iter().enumerate() {
            let frames = condition.frames(&one.samples()?, &self.noise, n)?;
            let heard = hear::hear(self.recognizer, bias, &frames, &mut run.emission)?;
            let text = heard.words.join(" ");
            run.tags.push(one.tag.clone());
            run.wers.push(wer(&one.said, &text));
            run.audio_s += heard.audio_s;
            run.cpu_s += heard.cpu_s;
            self.phrases.compare(&one.said, &text, &mut run.words);
            let spotted = heard.phrases.iter().filter_map(|id| bias.spot.iter().find(|s| s.id.0 == *id));
            self.phrases.compare_sounds(&one.said, spotted.map(|s| s.text.as_str()), &mut run.sounds);
        }
        Ok(run)
    }
}

impl Run {
    fn json(&self) -> Value {
        let mut names = self.tags.clone();
        names.sort_unstable();
        names.dedup();
        let of = |tag: &String| {
            let each: Vec<Wer> = self.wers.iter().zip(&self.tags).filter(|(_, t)| *t == tag).map(|(w, _)| *w).collect();
            json!({ "tag": tag, "utterances": each.len(), "wer": errors(&each) })
        };
        json!({
            "condition": self.condition.name(), "wer": errors(&self.wers), "tags": names.iter().map(of).collect::<Vec<_>>(),
            "emission": { "settled": self.emission.settled.figures(), "committed": self.emission.committed.figures() },
            "audio_s": self.audio_s, "cpu_s": self.cpu_s, "real_time_factor": self.cpu_s / self.audio_s.max(1e-9),
        })
    }
}

/// Runs it.
///
/// # Errors
/// If speech or model cannot be read.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let all = utterances(&args.set, args.quick)?;
    let noise = set::read(&args.noise).with_context(|| args.noise.display().to_string())?;
    let before = memory("VmRSS")?;
    let model = match &args.model {
        None => CtcModel::embedded(&mut |_, _| {})?,
        Some(dir) => CtcModel::load(dir, &mut |_, _| {})?,
    };
    let recognizer = CtcRecognizer::new(model, CtcOptions::default())?;
    let loaded = memory("VmRSS")? - before;
    let book = playbooks::built_in()?;
    let biased = Detector::new(Arc::clone(&book), None).bias(Party::Buyer, &[]);
    let bench = Bench { recognizer: &recognizer, all: &all, noise, phrases: Phrases::new(&book), biased };
    println!("{}; {} utterances, {} phrases listened for", recognizer.id(), all.len(), bench.phrases.len());
    println!(
        "\n{:16} {:>7} {:>8} {:>15} {:>22} {:>22} {:>9}",
        "", "words", "errors %", "95 %", "settled p50 p95 ms", "committed p50 p95 ms", "of a core"
    );
    let mut rows = Vec::new();
    let mut first = None;
    for condition in &args.conditions {
        let run = bench.run(*condition, &bench.biased)?;
        let row = run.json();
        print(&row);
        rows.push(row);
        if first.is_none() {
            first = Some(run);
        }
    }
    let first = first.context("no condition was named")?;
    let wrong = rows[0]["wer"]["percent"].as_f64().unwrap_or(100.0);
    ensure!(
        wrong < NOTHING,
        "{wrong:.0} % of the words are wrong: the recogniser hears nothing, or the lists hold other speech"
    );
    println!();
    for tag in rows[0]["tags"].as_array().into_iter().flatten() {
        let w = &tag["wer"];
        println!(
            "{:24} {:>6} words {:>7} % ({} to {})",
            tag["tag"].as_str().unwrap_or_default(),
            w["words"],
            w["percent"],
            w["low"],
            w["high"]
        );
    }
    let plain = bench.run(first.condition, &Bias::default())?;
    let most = memory("VmHWM")? - before;
    let hours = first.audio_s / 3_600.0;
    let counts = [("biased", &first.words), ("plain", &plain.words), ("sounds", &first.sounds)];
    println!("\nplaybook phrases, {}", first.condition.name());
    for ((_, count), name) in
        counts.iter().zip(["in the words, with biasing", "in the words, without", "in the sounds"])
    {
        println!(
            "  {name:28} {}   {} invented, {:.1} an hour",
            count.recall,
            count.invented,
            count.invented as f64 / hours
        );
    }
    let phrases: Map<String, Value> =
        counts.iter().map(|(key, count)| ((*key).to_owned(), count.json(hours))).collect();
    println!("memory: {loaded:.0} MiB for the model, {most:.0} MiB at most");
    if keep {
        std::fs::write(record::beside("asr", "svg")?, picture(&rows))?;
    }
    let sets: Vec<String> =
        args.set.iter().map(|s| s.file_stem().unwrap_or_default().to_string_lossy().into_owned()).collect();
    Ok(json!({
        "recognizer": recognizer.id(), "quick": args.quick, "sets": sets, "utterances": all.len(), "conditions": rows,
        "without_biasing": plain.json(), "phrases": phrases, "memory_mib": { "loaded": loaded, "most": most },
    }))
}

/// A line of this process's `/proc/PID/status`, in MiB.
fn memory(field: &str) -> anyhow::Result<f64> {
    Ok(process::status_kib(std::process::id(), field)? as f64 / 1_024.0)
}

fn print(row: &Value) {
    let two = |key: &str| {
        let of = &row["emission"][key];
        format!("{:.0} {:.0}", of["p50_ms"].as_f64().unwrap_or(0.0), of["p95_ms"].as_f64().unwrap_or(0.0))
    };
    let w = &row["wer"];
    println!(
        "{:16} {:>7} {:>8} {:>15} {:>22} {:>22} {:>8.2}%",
        row["condition"].as_str().unwrap_or_default(),
        w["words"],
        w["percent"],
        format!("{} to {}", w["low"], w["high"]),
        two("settled"),
        two("committed"),
        100.0 * row["real_time_factor"].as_f64().unwrap_or(0.0)
    );
}

fn picture(rows: &[Value]) -> String {
    let percent = |v: &Value| v["wer"]["percent"].as_f64().unwrap_or(0.0);
    let conditions =
        rows.iter().map(|r| (r["condition"].as_str().unwrap_or_default().to_owned(), percent(r))).collect();
    let clean = rows.first().and_then(|r| r["tags"].as_array()).into_iter().flatten();
    let tags = clean.map(|t| (t["tag"].as_str().unwrap_or_default().to_owned(), percent(t))).collect();
    Bars::page(&[
        Bars { title: "Word errors by condition, %".into(), limit: 100.0, bars: conditions },
        Bars { title: "Word errors by source, %".into(), limit: 100.0, bars: tags },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_all_words_and_lies_in_its_interval() {
        // One long utterance without an error weighs more than many short wrong ones.
        let mut each = vec![Wer { words: 80, errors: 0 }];
        each.extend([Wer { words: 2, errors: 2 }; 10]);
        let got = errors(&each);
        assert_eq!(
            (got["words"].as_u64(), got["errors"].as_u64(), got["percent"].as_f64()),
            (Some(100), Some(20), Some(20.0))
        );
        let (low, high) = (got["low"].as_f64().unwrap_or(99.0), got["high"].as_f64().unwrap_or(0.0));
        assert!(low < 15.0 && high > 50.0, "{got}");
    }

    #[test]
    fn spelling_is_no_error() {
        assert_eq!(wer("Mr. O'Neil's colour costs $20", "mister oneil is color costs twenty dollars").errors, 0);
        assert_eq!(wer("we can't pay", "we can pay"), Wer { words: 4, errors: 1 });
    }
}
