//! Prints what the recogniser hears:
//! `transcribe [--model DIR] [--step FRAMES] [--whole] [--spot PHRASE].. [--times] FILE.wav..`
//!
//! Streams each file through the recogniser as a live call would, one line per file: name, tab, words. `--whole`
//! decodes the file in one piece instead, with nothing final before the end, to see what streaming costs. `--model`
//! takes another model folder than the one that is part of the program.

use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES, TrackId},
    recognize::{Bias, PhraseId, Recognized, RecognizerStream, SpotPhrase, Word},
    time::MediaTime,
};
use reframe_models::ctc::{
    CtcOptions, CtcRecognizer,
    decoder::{Decoder, Finality},
    network::Rows,
};

fn whole(recognizer: &CtcRecognizer, samples: &[f32]) -> Result<String, Box<dyn std::error::Error>> {
    let model = recognizer.model();
    let (mut mel, mut rows, mut words) = (Vec::new(), Rows::default(), Vec::new());
    model.frontend.push(&mut model.frontend.start(), samples, true, &mut mel);
    model.network.push(&mut model.network.start(), &mel, true, &mut rows)?;
    let context = model.context(&[], 0.0);
    let knowledge = model.knowledge(&context);
    let mut decoder = Decoder::new(Finality { pause_rows: None, age_rows: None });
    rows.top.chunks_exact(model.config.symbols()).for_each(|row| decoder.push(&knowledge, row));
    decoder.finish(&knowledge, &mut words);
    Ok(words.iter().map(|w| model.spelling(&context, w.word)).collect::<Vec<_>>().join(" "))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut files, mut options, mut bias) = (Vec::new(), CtcOptions::default(), Bias::default());
    let (mut in_one, mut times, mut delays) = (false, false, Vec::new());
    let mut folder = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--step" => options.step_frames = args.next().ok_or("--step needs a number")?.parse()?,
            "--model" => folder = Some(args.next().ok_or("--model needs a folder")?),
            "--whole" => in_one = true,
            "--times" => times = true,
            "--spot" => {
                let text = args.next().ok_or("--spot needs a phrase")?;
                bias.context.push(text.clone());
                bias.spot.push(SpotPhrase {
                    id: PhraseId(bias.spot.len() as u32),
                    text,
                    sounds_like: Vec::new(),
                    min_score: None,
                });
            }
            _ => files.push(arg),
        }
    }
    let recognizer = match folder {
        Some(folder) => CtcRecognizer::from_dir(folder.as_ref(), options)?,
        None => CtcRecognizer::embedded(options)?,
    };
    for file in &files {
        let samples: Vec<f32> = hound::WavReader::open(file)?
            .samples::<i16>()
            .map(|s| s.map(|s| f32::from(s) / 32_768.0))
            .collect::<Result<_, _>>()?;
        if in_one {
            println!("{file}\t{}", whole(&recognizer, &samples)?);
            continue;
        }
        let mut stream = recognizer.stream(&bias);
        let (mut heard, mut words): (Vec<Recognized>, Vec<Word>) = (Vec::new(), Vec::new());
        for (n, chunk) in samples.chunks(FRAME_SAMPLES).enumerate() {
            let mut frame = Box::new([0.0; FRAME_SAMPLES]);
            frame[..chunk.len()].copy_from_slice(chunk);
            let start = MediaTime::from_samples_16k((n * FRAME_SAMPLES) as u64);
            stream.accept(&AudioFrame { track: TrackId(0), start, samples: frame }, &mut heard);
            let now = start.plus_ms(20);
            take(&mut heard, &bias, now, &mut words, &mut delays);
        }
        stream.finish(&mut heard);
        let end = MediaTime::from_samples_16k(samples.len() as u64);
        take(&mut heard, &bias, end, &mut words, &mut delays);
        println!("{file}\t{}", words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "));
        if times {
            words.iter().for_each(|w| println!("  {} {} {} {}", w.start, w.end, w.confidence, w.text));
        }
    }
    delays.sort_unstable();
    if let Some(last) = delays.len().checked_sub(1) {
        let at = |share: usize| delays[last * share / 100];
        eprintln!("word end to commit: median {} ms, p90 {} ms, p99 {} ms", at(50), at(90), at(99));
    }
    Ok(())
}

fn take(heard: &mut Vec<Recognized>, bias: &Bias, now: MediaTime, words: &mut Vec<Word>, delays: &mut Vec<u64>) {
    for one in heard.drain(..) {
        match one {
            Recognized::Hypothesis(hypothesis) => {
                delays.extend(hypothesis.committed.iter().map(|w| now.ms_since(w.end)));
                words.extend(hypothesis.committed);
            }
            Recognized::Phrase(hit) => {
                let text = &bias.spot[hit.phrase.0 as usize].text;
                println!("  {now}: `{text}` {} - {} score {} of {}", hit.start, hit.end, hit.score, hit.threshold);
            }
        }
    }
}
