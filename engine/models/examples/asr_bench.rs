//! Where the recogniser's time goes, per second of speech: `asr_bench FILE.wav.. [--step FRAMES] [--dir MODEL]`.
//!
//! Runs front end, network, decoder and spotter as a track does, timing each; prints memory and load time. Run with
//! `RAYON_NUM_THREADS=1`.

use std::{path::Path, time::Instant};

use reframe_call::recognize::{PhraseId, SpotPhrase};
use reframe_models::ctc::{
    CtcModel, CtcOptions, CtcRecognizer,
    decoder::{Decoder, Finality},
    spotter::Spotter,
};

/// Phrases listened for; as many as a large playbook has.
const PHRASES: usize = 150;

fn memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0) / 1024.0
}

/// Processor time this process has used, in seconds; what other programs take does not count.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut files, mut step, mut dir) = (Vec::new(), CtcOptions::default().step_frames, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--step" => step = args.next().ok_or("--step needs a number")?.parse()?,
            "--dir" => dir = args.next(),
            _ => files.push(arg),
        }
    }
    let start = Instant::now();
    let mut stages: Vec<(&str, f64)> = Vec::new();
    let mut seen = |stage: &'static str, _share: f32| {
        stages.retain(|s| s.0 != stage);
        stages.push((stage, start.elapsed().as_secs_f64()));
    };
    let model = match &dir {
        Some(dir) => CtcModel::load(Path::new(dir), &mut seen)?,
        None => CtcModel::embedded(&mut seen)?,
    };
    println!("{}: loaded in {:.3} s {stages:.3?}, {:.1} MiB", model.id(), start.elapsed().as_secs_f64(), memory_mib());
    let options = CtcOptions { step_frames: step, ..CtcOptions::default() };
    let recognizer = CtcRecognizer::new(model, options)?;
    let model = recognizer.model();

    let subjects = ["the price", "your contract", "our budget", "their support", "the board", "this quarter"];
    let predicates = ["is too expensive", "needs more time", "is a real problem for us", "has to be approved"];
    let texts = subjects.iter().flat_map(|s| predicates.iter().map(move |p| format!("{s} {p}")));
    let texts: Vec<String> = texts.collect::<Vec<_>>().into_iter().cycle().take(PHRASES).collect();
    let phrase = |(i, text): (usize, &String)| {
        recognizer.phrase(&SpotPhrase {
            id: PhraseId(i as u32),
            text: text.clone(),
            sounds_like: Vec::new(),
            min_score: None,
        })
    };
    let phrases: Vec<_> = texts.iter().enumerate().map(phrase).collect();
    let variants: usize = phrases.iter().map(|p| p.variants.len()).sum();
    let context = model.context(&texts, 1.0);

    let mut spent = [0.0f64; 4];
    let (mut seconds, mut words, mut hits, mut slowest) = (0.0, 0, 0, 0.0f64);
    let before = processor_seconds();
    for file in &files {
        let samples: Vec<f32> = hound::WavReader::open(file)?
            .samples::<i16>()
            .map(|s| s.map(|s| f32::from(s) / 32_768.0))
            .collect::<Result<_, _>>()?;
        seconds += samples.len() as f64 / 16_000.0;
        let (mut frontend, mut network) = (model.frontend.start(), model.network.start());
        let mut decoder = Decoder::new(Finality { pause_rows: Some(20), age_rows: Some(62) });
        let mut spotter = Spotter::new(&phrases);
        let knowledge = model.knowledge(&context);
        let (mut mel, mut rows) = (Vec::new(), Vec::new());
        let (mut committed, mut tail, mut found) = (Vec::new(), Vec::new(), Vec::new());
        let chunks: Vec<&[f32]> = samples.chunks(320 * step).collect();
        for (i, chunk) in chunks.iter().enumerate() {
            let last = i + 1 == chunks.len();
            let t0 = Instant::now();
            mel.clear();
            model.frontend.push(&mut frontend, chunk, last, &mut mel);
            let t1 = Instant::now();
            rows.clear();
            model.network.push(&mut network, &mel, last, &mut rows)?;
            let t2 = Instant::now();
            for row in rows.chunks_exact(model.config.symbols()) {
                decoder.push(&knowledge, row);
            }
            decoder.take(&knowledge, &mut committed, &mut tail);
            let t3 = Instant::now();
            for row in rows.chunks_exact(model.config.symbols()) {
                spotter.push(row, &mut found);
            }
            let t4 = Instant::now();
            for (sum, (a, b)) in spent.iter_mut().zip([(t0, t1), (t1, t2), (t2, t3), (t3, t4)]) {
                *sum += (b - a).as_secs_f64();
            }
            slowest = slowest.max((t4 - t0).as_secs_f64());
        }
        decoder.finish(&knowledge, &mut committed);
        words += committed.len();
        hits += found.len();
    }
    println!("{seconds:.1} s of speech, steps of {} ms, {PHRASES} phrases ({variants} variants)", step * 20);
    for (name, sum) in ["front end", "network", "decoder", "spotter"].iter().zip(spent) {
        println!("{name:>10} {:7.2} ms per second", sum * 1e3 / seconds);
    }
    let total: f64 = spent.iter().sum();
    println!("{:>10} {:7.2} ms per second, slowest step {:.2} ms", "total", total * 1e3 / seconds, slowest * 1e3);
    println!("processor time: {:.2} ms per second", (processor_seconds() - before) * 1e3 / seconds);
    println!("{words} words, {hits} phrase reports, {:.1} MiB", memory_mib());
    Ok(())
}
