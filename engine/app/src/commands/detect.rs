//! `reframe detect`: lines of text in, what the detector makes of each out.

use std::{
    io::{BufRead, Write},
    path::PathBuf,
    time::Instant,
};

use anyhow::Context;
use reframe_call::{audio::Party, detect::line::LineDetector};
use serde::{Deserialize, Serialize};

use crate::{exit::Exit, playbooks, sentences::Plan};

/// Find objections in lines of text
///
/// Reads JSON lines {"speaker":"rep|buyer|unknown","text":"…"} from standard input and writes one JSON line for each:
/// line (from 1), label ("none" if nothing), objection (false for topics such as a question about the price), score, play, micros (time spent), and held_back with the reason when a
/// guard held a match back. Each line is judged on its own. A line that cannot be read gives {"line":N,"error":"…"} and
/// exit code 1 at the end.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with a playbook.toml (default: the built-in playbook)
    #[arg(long, value_name = "DIR")]
    playbook: Option<PathBuf>,
    /// Leave out the sentence encoder: phrases only
    #[arg(long)]
    phrases_only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineIn {
    speaker: Party,
    text: String,
}

#[derive(Serialize)]
struct LineOut<'a> {
    line: u64,
    label: &'a str,
    objection: bool,
    score: f32,
    play: Option<&'a str>,
    micros: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    phrase: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back: Option<&'a str>,
}

#[derive(Serialize)]
struct LineError {
    line: u64,
    error: String,
}

/// Runs it over standard input and output.
///
/// # Errors
/// If the playbook cannot be used, or a stream breaks.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let playbook = playbooks::load(args.playbook.as_deref())?;
    let plan = if args.phrases_only { Plan::new(playbook, None) } else { Plan::embedded(playbook)? };
    let mut detector = LineDetector::new(plan.playbook, plan.meaning);
    let out = std::io::stdout().lock();
    judge(&mut detector, std::io::stdin().lock(), std::io::BufWriter::new(out))
}

fn judge(detector: &mut LineDetector, input: impl BufRead, mut out: impl Write) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for (number, line) in (1u64..).zip(input.lines()) {
        let line = line.context("standard input cannot be read as UTF-8 text")?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<LineIn>(&line) {
            Ok(said) => {
                let start = Instant::now();
                let result = detector.detect(said.speaker, &said.text);
                let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                let hit = result.detection.as_ref();
                let line = LineOut {
                    line: number,
                    label: hit.map_or("none", |d| &d.label),
                    objection: hit.is_some_and(|d| detector.playbook().play(&d.play).is_some_and(|p| p.when.is_none())),
                    score: hit.map_or(0.0, |d| d.score),
                    play: hit.map(|d| d.play.as_str()),
                    micros,
                    phrase: hit.map(|d| d.evidence.phrase.as_str()),
                    held_back: result.suppressed.first().filter(|_| hit.is_none()).map(|s| s.1.as_str()),
                };
                serde_json::to_writer(&mut out, &line)?;
            }
            Err(error) => {
                exit = Exit::Failure;
                let error = format!("{error}; write {{\"speaker\":\"buyer\",\"text\":\"…\"}}");
                serde_json::to_writer(&mut out, &LineError { line: number, error })?;
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_gets_an_answer() {
        let mut detector = LineDetector::new(playbooks::load(None).unwrap(), None);
        let input = "{\"speaker\":\"buyer\",\"text\":\"That is more than we pay today\"}\nnot json\n\n\
                     {\"speaker\":\"rep\",\"text\":\"is it more than we pay today\"}\n";
        let mut out = Vec::new();
        let exit = judge(&mut detector, input.as_bytes(), &mut out).unwrap();
        assert_eq!(exit, Exit::Failure);
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines[0]["label"], "price");
        assert_eq!(lines[0]["line"], 1);
        assert!(lines[0]["micros"].is_u64() && lines[0]["score"].as_f64().unwrap() > 0.5);
        assert!(lines[1]["error"].as_str().unwrap().contains("write {"));
        assert_eq!((&lines[2]["label"], &lines[2]["line"]), (&"none".into(), &4.into()));
    }
}
