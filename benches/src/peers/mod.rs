//! The same audio and the same lines through what one would pick instead, and through ourselves as recorded earlier.

mod lines;
mod outside;

use std::path::{Path, PathBuf};

use anyhow::Context;
use reframe_call::{audio::Party, detect::Detector, endpoint::EndpointSettings};
use reframe_models::ctc::{CtcOptions, CtcRecognizer};
use serde_json::{Value, json};

use self::outside::Heard;
use crate::{
    asr::{self, condition::Condition, hear, set},
    detect::{playbooks, stats::bootstrap},
    plot::Bars,
    record,
    report::records,
    wer::Wer,
};

/// Resamplings for an interval.
const ROUNDS: usize = 1_000;
/// Samples of a ms.
const PER_MS: usize = set::RATE_HZ as usize / 1_000;

/// The same audio and lines through what one would pick instead
///
/// Recognition: PocketSphinx from PyPI, in an environment made under target/ (needs Python and, the first time, a network),
/// and whisper.cpp or faster-whisper if their model is given; each a process of its own, one thread. Detection: a list of
/// regular expressions and, if given, the nearest example by a whole MiniLM. Ratios count: ours is 1, and more is worse
/// than ours. Seconds are this machine's.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Lists of utterances: columns path, speaker, seconds, transcript, with tabs between (default: the lines of the fixture calls)
    #[arg(long, value_name = "TSV", num_args = 1..)]
    set: Vec<PathBuf>,
    /// Without PocketSphinx
    #[arg(long)]
    no_pocketsphinx: bool,
    /// whisper.cpp's program (whisper-cli); with --whisper-model
    #[arg(long, value_name = "FILE", requires = "whisper_model")]
    whisper_cpp: Option<PathBuf>,
    /// Model file for it
    #[arg(long, value_name = "FILE", requires = "whisper_cpp")]
    whisper_model: Option<PathBuf>,
    /// Folder with a faster-whisper model
    #[arg(long, value_name = "DIR")]
    faster_whisper: Option<PathBuf>,
    /// Folder with a MiniLM (config.json, model.safetensors, tokenizer.json); needs --features bert
    #[arg(long, value_name = "DIR")]
    minilm: Option<PathBuf>,
    /// A minute's worth of it
    #[arg(long)]
    quick: bool,
}

/// Runs it.
///
/// # Errors
/// If speech, lines or our own models cannot be read; what others lack is said and left out.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let all = asr::utterances(&args.set, args.quick)?;
    let folder = tempfile::tempdir()?;
    let recognizer = CtcRecognizer::embedded(CtcOptions::default())?;
    let bias = Detector::new(playbooks::built_in()?, None).bias(Party::Buyer, &[]);
    let (mut files, mut ours, mut said) = (Vec::new(), Vec::new(), Vec::new());
    let (mut audio_s, mut cpu_s) = (0.0, 0.0);
    for (n, one) in all.iter().enumerate() {
        let mut samples = one.samples()?;
        let frames = Condition::Clean.frames(&samples, &[], n)?;
        let heard = hear::hear(&recognizer, &bias, &frames, &mut hear::Emission::default())?;
        audio_s += heard.audio_s;
        cpu_s += heard.cpu_s;
        ours.push(asr::wer(&one.said, &heard.words.join(" ")));
        said.push(one.said.clone());
        // The silence at the end that ours hears too.
        samples.resize(samples.len() + EndpointSettings::default().stop_ms as usize * PER_MS, 0);
        let file = folder.path().join(format!("{n}.wav"));
        std::fs::write(&file, outside::wav(&samples, set::RATE_HZ)).context("a WAV file cannot be written")?;
        files.push(file);
    }
    let id = reframe_call::recognize::Recognizer::id(&recognizer);
    println!("{} utterances, {audio_s:.0} s of audio; ours: {id}", all.len());
    let mut rows = Vec::new();
    for heard in others(args, &files) {
        rows.push(row(&heard, &said, &ours, cpu_s, audio_s));
    }
    let mine = json!({ "system": "Reframe", "version": id, "wer": asr::errors(&ours), "cpu_s": cpu_s,
                       "real_time_factor": cpu_s / audio_s.max(1e-9) });
    rows.iter().for_each(|r| print(r, "word errors"));
    small(&mine);
    let lines = lines::compare(args.minilm.as_deref(), args.quick)?;
    print_lines(&lines);
    let sets: Vec<String> =
        args.set.iter().map(|s| s.file_stem().unwrap_or_default().to_string_lossy().into_owned()).collect();
    let mut result = json!({ "quick": args.quick, "sets": sets, "utterances": all.len(), "audio_s": audio_s, "ours": mine,
                             "recognition": rows, "detection": lines });
    let then = earlier(&result, &records::folder());
    for e in &then {
        println!(
            "ours on {}: {:.2} × today's {}",
            e["date"].as_str().unwrap_or_default(),
            e["ratio"].as_f64().unwrap_or(0.0),
            e["what"].as_str().unwrap_or_default()
        );
    }
    result["earlier"] = then.into();
    if keep {
        std::fs::write(record::beside("peers", "svg")?, picture(&result))?;
    }
    Ok(result)
}

/// Every recogniser that is there; of each that is not, one line says why.
fn others(args: &Args, files: &[PathBuf]) -> Vec<Heard> {
    let mut out = Vec::new();
    let mut take = |name: &str, heard: anyhow::Result<Heard>| match heard {
        Ok(heard) => out.push(heard),
        Err(error) => println!("{name} is left out: {error:#}"),
    };
    if !args.no_pocketsphinx {
        take("PocketSphinx", outside::pocketsphinx(files));
    }
    match (&args.whisper_cpp, &args.whisper_model) {
        (Some(program), Some(model)) => take("whisper.cpp", outside::whisper_cpp(program, model, files)),
        _ => println!("whisper.cpp is left out: no program and model were given (--whisper-cpp, --whisper-model)"),
    }
    match &args.faster_whisper {
        Some(dir) => take("faster-whisper", outside::faster_whisper(dir, files)),
        None => println!("faster-whisper is left out: no model was given (--faster-whisper)"),
    }
    out
}

/// Theirs beside ours. The interval of the ratio resamples utterances, the same for both.
fn row(heard: &Heard, said: &[String], ours: &[Wer], our_cpu_s: f64, audio_s: f64) -> Value {
    let theirs: Vec<Wer> = said.iter().zip(&heard.texts).map(|(said, text)| asr::wer(said, text)).collect();
    let ratio = |drawn: &mut dyn Iterator<Item = usize>| {
        let (mut them, mut us) = (0, 0);
        for i in drawn {
            them += theirs[i].errors;
            us += ours[i].errors;
        }
        them as f64 / (us as f64).max(1.0)
    };
    let value = ratio(&mut (0..theirs.len()));
    let (low, high) = bootstrap(theirs.len(), ROUNDS, |drawn| ratio(&mut drawn.iter().copied()));
    json!({ "system": heard.system, "version": heard.version, "wer": asr::errors(&theirs), "cpu_s": heard.cpu_s,
            "real_time_factor": heard.cpu_s / audio_s.max(1e-9),
            "error_ratio": { "value": value, "low": low, "high": high }, "time_ratio": heard.cpu_s / our_cpu_s.max(1e-9) })
}

fn number(v: &Value, pointer: &str) -> f64 {
    v.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0)
}

fn print(r: &Value, errors: &str) {
    println!("\n{} {}", r["system"].as_str().unwrap_or_default(), r["version"].as_str().unwrap_or_default());
    println!(
        "    {:>6.2} ×  our {errors}   ({:.2} to {:.2})",
        number(r, "/error_ratio/value"),
        number(r, "/error_ratio/low"),
        number(r, "/error_ratio/high")
    );
    println!("    {:>6.2} ×  our time", number(r, "/time_ratio"));
    small(r);
}

fn small(r: &Value) {
    println!(
        "            {}: {:.1} % of {} words wrong ({:.1} to {:.1}); {:.1} s of one core, {:.3} a second of audio",
        r["system"].as_str().unwrap_or_default(),
        number(r, "/wer/percent"),
        r["wer"]["words"],
        number(r, "/wer/low"),
        number(r, "/wer/high"),
        number(r, "/cpu_s"),
        number(r, "/real_time_factor")
    );
}

fn print_lines(rows: &[Value]) {
    for r in rows {
        println!("\n{}", r["system"].as_str().unwrap_or_default());
        if r["miss_ratio"].is_number() {
            println!(
                "    {:>6.2} ×  the objections we miss\n    {:>6.4} ×  our time",
                number(r, "/miss_ratio"),
                number(r, "/time_ratio")
            );
        }
        println!(
            "            precision {:.1} %, recall {:.1} % ({} of {}); {:.0} µs a line",
            100.0 * number(r, "/precision/value"),
            100.0 * number(r, "/recall/value"),
            r["recall"]["k"],
            r["recall"]["n"],
            number(r, "/us_per_line")
        );
    }
    println!();
}

/// Our own recorded results on the same speech, as ratios to `now`: more than 1 was worse.
fn earlier(now: &Value, folder: &Path) -> Vec<Value> {
    let Ok(all) = records::read(folder) else { return Vec::new() };
    let kept = all.get(&record::machine()).and_then(|m| m.get("peers")).map_or(&[][..], Vec::as_slice);
    let same = |r: &&records::Record| ["sets", "quick", "utterances"].iter().all(|key| r.result[*key] == now[*key]);
    let mut out = Vec::new();
    for record in kept.iter().filter(same) {
        for (what, pointer) in [("word errors", "/ours/wer/percent"), ("time", "/ours/real_time_factor")] {
            let (then, today) = (number(&record.result, pointer), number(now, pointer));
            if then > 0.0 && today > 0.0 {
                out.push(
                    json!({ "date": record.date, "what": what, "then": then, "now": today, "ratio": then / today }),
                );
            }
        }
    }
    out
}

fn picture(result: &Value) -> String {
    let name = |r: &Value| r["system"].as_str().unwrap_or_default().to_owned();
    let rows = |key: &str, pointer: &str| -> Vec<(String, f64)> {
        let list = result[key].as_array().into_iter().flatten();
        list.filter_map(|r| Some((name(r), r.pointer(pointer)?.as_f64()?))).collect()
    };
    Bars::page(&[
        Bars { title: "Word errors, ours being 1".into(), limit: 1.0, bars: rows("recognition", "/error_ratio/value") },
        Bars {
            title: "Processor time of recognition, ours being 1".into(),
            limit: 1.0,
            bars: rows("recognition", "/time_ratio"),
        },
        Bars { title: "Objections missed, ours being 1".into(), limit: 1.0, bars: rows("detection", "/miss_ratio") },
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn heard(texts: &[&str]) -> Heard {
        Heard {
            system: "X".into(),
            version: "1".into(),
            texts: texts.iter().map(|t| (*t).to_owned()).collect(),
            cpu_s: 6.0,
        }
    }

    #[test]
    fn ratios_are_theirs_over_ours() {
        let said = ["we find it dear", "no time for that now"].map(str::to_owned);
        let ours = [asr::wer(&said[0], "we find it deer"), asr::wer(&said[1], "no time for that now")];
        let r = row(&heard(&["we fined it deer", "time for the now"]), &said, &ours, 2.0, 100.0);
        assert_eq!((number(&r, "/error_ratio/value"), number(&r, "/time_ratio")), (4.0, 3.0));
        assert_eq!(number(&r, "/real_time_factor"), 0.06);
    }

    #[test]
    fn only_records_of_the_same_speech_are_compared() {
        let dir = tempfile::tempdir().unwrap();
        let machine = record::machine();
        std::fs::create_dir(dir.path().join(&machine)).unwrap();
        let result = |percent: f64, utterances: u64| json!({ "sets": [], "quick": true, "utterances": utterances, "ours": { "wer": { "percent": percent }, "real_time_factor": 0.02 } });
        for (date, utterances) in [("2026-01-01", 7), ("2026-01-02", 8)] {
            let record = json!({ "command": "peers", "date": date, "machine": machine, "cores": 2, "result": result(30.0, utterances) });
            std::fs::write(dir.path().join(&machine).join(format!("{date}-peers.json")), record.to_string()).unwrap();
        }
        let got = earlier(&result(20.0, 8), dir.path());
        assert_eq!(got.len(), 2);
        assert_eq!(
            (got[0]["date"].as_str(), got[0]["ratio"].as_f64(), got[1]["ratio"].as_f64()),
            (Some("2026-01-02"), Some(1.5), Some(1.0))
        );
    }
}
