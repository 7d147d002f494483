//! What hearing costs: processor time per second of audio, for speech and for silence, stage by stage.

use std::{hint::black_box, path::PathBuf, sync::Arc};

use anyhow::Context;
use reframe_audio::{ogg_opus::OggOpus, vad::Earshot};
use reframe_call::{
    audio::{AudioFrame, Consent, FRAME_SAMPLES, Party, TrackId, TrackInfo},
    detect::Detector,
    input::Input,
    output::Output,
    playbook::Playbook,
    recognize::{Recognizer, VoiceDetector},
    session::{CallSession, Ears, SessionSettings, SessionSetup},
    time::MediaTime,
};
use reframe_models::ctc::{CtcModel, CtcOptions, CtcRecognizer, network::Rows};
use serde_json::{Value, json};

use crate::process::{self, thread_cpu_s};

/// Processor time of the embedded recogniser
///
/// Plays the buyer's side of a fixture call and as much silence through a call, on one thread, and counts the processor
/// time that thread used: 0.02 means two percent of one core. The reference is a product of two 256 by 256 matrices in
/// plain code, timed in the same run: cost in such products per second of audio can be compared between machines.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ogg Opus file with one channel of speech
    #[arg(long, default_value_os_t = default_file())]
    file: PathBuf,
    /// Folder with a model (default: the one built into the program)
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// 20 ms frames per run of the network
    #[arg(long)]
    step_frames: Option<usize>,
}

fn default_file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/calls/demo/buyer.opus")
}

/// Runs it.
///
/// # Errors
/// If the file cannot be read or the model cannot be loaded.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let bytes = std::fs::read(&args.file).with_context(|| format!("{} cannot be read", args.file.display()))?;
    let samples = OggOpus::read(std::io::Cursor::new(bytes))?.decode(16_000).0.remove(0);
    let speech: Vec<AudioFrame> = frames(samples.iter().map(|s| f32::from(*s) / 32_768.0));
    let silence: Vec<AudioFrame> = frames((0..samples.len()).map(|i| noise(i) * 3e-4));
    let before = process::status_kib(std::process::id(), "VmRSS")?;
    let load = thread_cpu_s()?;
    let options = CtcOptions::default();
    let step_frames = args.step_frames.unwrap_or(options.step_frames);
    let model = match &args.model {
        None => CtcModel::embedded(&mut |_, _| {})?,
        Some(dir) => CtcModel::load(dir, &mut |_, _| {})?,
    };
    let recognizer = Arc::new(CtcRecognizer::new(model, CtcOptions { step_frames, ..options })?);
    let load_s = thread_cpu_s()? - load;
    let after = process::status_kib(std::process::id(), "VmRSS")?;
    let playbook = crate::detect::playbooks::built_in()?;
    let phrases = Detector::new(Arc::clone(&playbook), None).bias(Party::Buyer, &[]).spot.len();

    let seconds = speech.len() as f64 * 0.02;
    let voice_s = cost(|| {
        let mut voice = Earshot::new();
        for frame in &speech {
            black_box(voice.speech_probability(frame));
        }
        Ok(())
    })?;
    let stream_s = cost(|| {
        let bias = Detector::new(Arc::clone(&playbook), None).bias(Party::Buyer, &[]);
        let mut stream = recognizer.start(TrackId(0), &bias)?;
        let mut news = Vec::new();
        for frame in &speech {
            stream.accept(frame, &mut news);
            news.clear();
        }
        stream.finish(&mut news);
        Ok(())
    })?;
    let bare_s = cost(|| {
        let mut stream = recognizer.start(TrackId(0), &reframe_call::recognize::Bias::default())?;
        let mut news = Vec::new();
        for frame in &speech {
            stream.accept(frame, &mut news);
            news.clear();
        }
        Ok(())
    })?;
    let frontend_s = cost(|| features(&recognizer, &speech, step_frames, |_| Ok(())))?;
    let network_s = cost(|| {
        let model = recognizer.model();
        let (mut state, mut rows) = (model.network.start(), Rows::default());
        features(&recognizer, &speech, step_frames, |mel| {
            rows.clear();
            model.network.push(&mut state, mel, false, &mut rows)?;
            Ok(())
        })
    })?;
    let (start_s, speech_s, spoken) = call(&recognizer, &playbook, &speech)?;
    let (_, silence_s, _) = call(&recognizer, &playbook, &silence)?;
    let reference_s = cost(reference)? / f64::from(PRODUCTS);

    let share = |s: f64| s / seconds;
    let rows = [
        ("a call, this track as it is", share(speech_s)),
        ("a call, silence", share(silence_s)),
        ("voice detector alone", share(voice_s)),
        ("recogniser, every frame", share(stream_s)),
        ("  of it features", share(frontend_s)),
        ("  of it the network", share(network_s - frontend_s)),
        ("  of it words", share(bare_s - network_s)),
        ("  of it phrases", share(stream_s - bare_s)),
    ];
    println!(
        "{}; {seconds:.1} s of audio, {:.0} % of it speech, {phrases} phrases, steps of {} ms",
        recognizer.id(),
        spoken * 100.0,
        step_frames * 20
    );
    for (name, share) in rows {
        println!("{name:32} {share:.4} of one core   {:6.2} products a second", share / reference_s);
    }
    println!(
        "silence costs {:.1} % of speech; to load {load_s:.2} s, {} MiB; to start a track {start_s:.3} s",
        100.0 * silence_s / stream_s,
        (after - before) / 1024
    );
    println!("reference (256x256 product in plain code): {:.2} ms", reference_s * 1e3);
    Ok(json!({
        "recognizer": recognizer.id(), "step_ms": step_frames * 20, "phrases": phrases, "audio_s": seconds, "speech_share": spoken,
        "core_share": rows.iter().map(|(n, s)| json!({"what": n, "of_one_core": s})).collect::<Vec<_>>(),
        "silence_to_speech": silence_s / stream_s, "load_cpu_s": load_s, "load_mib": (after - before) / 1024,
        "track_start_cpu_s": start_s, "reference_ms": reference_s * 1e3,
    }))
}

fn frames(samples: impl Iterator<Item = f32>) -> Vec<AudioFrame> {
    let samples: Vec<f32> = samples.collect();
    (0u64..)
        .zip(samples.chunks_exact(FRAME_SAMPLES))
        .map(|(i, chunk)| AudioFrame {
            track: TrackId(0),
            start: MediaTime::from_ms(i * 20),
            samples: Box::new(chunk.try_into().expect("chunks of exactly this length")),
        })
        .collect()
}

/// Room tone that is the same in every run: a linear congruential generator (Knuth's MMIX constants), -1..1.
fn noise(i: usize) -> f32 {
    let x = (i as u64).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    ((x >> 40) as f32 / 8_388_608.0) - 1.0
}

/// Processor seconds of `work`: the least of three runs, since nothing makes code faster than it is.
fn cost(mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        let begun = thread_cpu_s()?;
        work()?;
        least = least.min(thread_cpu_s()? - begun);
    }
    Ok(least)
}

/// A whole call with one track: processor seconds to start it and to run it, and the share of the time somebody spoke.
fn call(
    recognizer: &Arc<CtcRecognizer>,
    playbook: &Arc<Playbook>,
    frames: &[AudioFrame],
) -> anyhow::Result<(f64, f64, f64)> {
    let ears = Ears {
        recognizer: Arc::clone(recognizer) as Arc<dyn Recognizer>,
        voice: Arc::new(|| Box::new(Earshot::new())),
    };
    let setup = SessionSetup {
        settings: SessionSettings::default(),
        playbook: Arc::clone(playbook),
        context: vec![],
        deal: reframe_call::deal::Deal::default(),
        ears,
        semantic: None,
    };
    let mut call = CallSession::new(setup);
    let mut spoken_us = 0;
    let begun = thread_cpu_s()?;
    drain(&mut call, &mut spoken_us);
    let consent = Some(Consent { basis: "fixture".to_owned(), reference: String::new() });
    let info = TrackInfo { id: TrackId(0), party: Party::Buyer, name: "Buyer".to_owned(), email: None, consent };
    call.handle_input(&Input::TrackAdded(info))?;
    drain(&mut call, &mut spoken_us);
    let started = thread_cpu_s()?;
    for frame in frames {
        call.handle_input(&Input::Audio(frame.clone()))?;
        drain(&mut call, &mut spoken_us);
    }
    call.handle_input(&Input::End)?;
    drain(&mut call, &mut spoken_us);
    Ok((started - begun, thread_cpu_s()? - started, spoken_us as f64 / (frames.len() as f64 * 20_000.0)))
}

fn drain(call: &mut CallSession, spoken_us: &mut u64) {
    loop {
        match call.poll_output() {
            Output::Idle { .. } => return,
            Output::Event(e) => {
                if let reframe_call::event::EventBody::UtteranceEnded { start, end, .. } = e.body {
                    *spoken_us += end.us_since(start);
                }
            }
            Output::Caption(_) | Output::Job(_) => {}
        }
    }
}

/// Features of all the audio, step by step, handed to `take`.
fn features(
    recognizer: &CtcRecognizer,
    audio: &[AudioFrame],
    step_frames: usize,
    mut take: impl FnMut(&[f32]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let model = recognizer.model();
    let (mut state, mut mel, mut samples) = (model.frontend.start(), Vec::new(), Vec::new());
    for frames in audio.chunks(step_frames) {
        samples.clear();
        frames.iter().for_each(|f| samples.extend_from_slice(&f.samples[..]));
        mel.clear();
        model.frontend.push(&mut state, &samples, false, &mut mel);
        take(&mel)?;
    }
    Ok(())
}

/// Products in a timed run of the reference: enough to last well over the scheduler's tick, by which processor time is
/// counted.
const PRODUCTS: u32 = 200;

fn reference() -> anyhow::Result<()> {
    (0..PRODUCTS).for_each(|_| product());
    Ok(())
}

fn product() {
    const N: usize = 256;
    let a: Vec<f32> = (0..N * N).map(noise).collect();
    let mut c = vec![0.0f32; N * N];
    for i in 0..N {
        for k in 0..N {
            let x = a[i * N + k];
            for j in 0..N {
                c[i * N + j] += x * a[k * N + j];
            }
        }
    }
    black_box(c);
}
