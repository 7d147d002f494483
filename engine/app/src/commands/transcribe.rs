//! `reframe transcribe`: files in, one JSON line per channel out.

use std::{
    fs::File,
    io::{BufReader, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;
use reframe_call::{
    audio::{AudioFrame, Consent, Party, TrackId, TrackInfo},
    input::Input,
    recognize::{Bias, Recognized, Recognizer, Word},
    session::text_of,
};
use reframe_ingest::{
    Assembler, AssemblerConfig, IngestItem, Mode,
    file::{FileError, Recording},
};
use serde::Serialize;

use crate::{
    config::{RecognizerKind, RecognizerSource},
    exit::Exit,
    progress, recognizers,
};

/// Length of the packets files are read in, in ms. Makes no difference to the result.
const PACKET_MS: u32 = 100;
/// More channels than any call has are a mistake in the file.
const MAX_CHANNELS: usize = 64;

/// Write down what is said in files
///
/// One JSON line per channel: file, channel (from 0), text, words [{word,start_ms,end_ms,confidence}], audio_s and
/// compute_s. Running this states that the people recorded agreed to it. A file that cannot be read gives {"file":…,"error":…}, and exit code 1 at the end.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// WAV or Opus files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Names and phrases to lean towards; may be given several times
    #[arg(long, value_name = "WORDS")]
    context: Vec<String>,
    /// Folder with a model (default: the one built into the program)
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// The model is a Whisper model (needs a build with --features whisper)
    #[arg(long, requires = "model")]
    whisper: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    channel: usize,
    text: String,
    words: Vec<WordOut>,
    audio_s: f64,
    compute_s: f64,
}

#[derive(Serialize)]
struct WordOut {
    word: String,
    start_ms: u64,
    end_ms: u64,
    confidence: f32,
}

#[derive(Serialize)]
struct Failed<'a> {
    file: &'a str,
    error: String,
}

/// Runs it.
///
/// # Errors
/// If the model cannot be loaded or the output breaks.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let kind = if args.whisper { RecognizerKind::Whisper } else { RecognizerKind::Embedded };
    let source = RecognizerSource { kind, dir: args.model.clone(), refine_dir: None };
    let recognizer = progress::loading(|p| recognizers::load(&source, p))?;
    let bias = Bias { context: args.context.iter().map(|c| c.to_lowercase()).collect(), spot: Vec::new() };
    let mut out = std::io::stdout().lock();
    let mut exit = Exit::Success;
    for path in &args.files {
        let file = path.display().to_string();
        match frames(path) {
            Ok(channels) => {
                for (channel, frames) in channels.iter().enumerate() {
                    let line = transcribe(&file, channel, frames, recognizer.as_ref(), &bias)?;
                    serde_json::to_writer(&mut out, &line)?;
                    out.write_all(b"\n")?;
                }
            }
            Err(error) => {
                exit = Exit::Failure;
                serde_json::to_writer(&mut out, &Failed { file: &file, error: format!("{error:#}") })?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()?;
    }
    Ok(exit)
}

fn transcribe<'a>(
    file: &'a str,
    channel: usize,
    frames: &[AudioFrame],
    recognizer: &dyn Recognizer,
    bias: &Bias,
) -> anyhow::Result<Line<'a>> {
    let begun = Instant::now();
    let mut stream = recognizer.start(TrackId(0), bias)?;
    let mut news = Vec::new();
    for frame in frames {
        stream.accept(frame, &mut news);
    }
    stream.finish(&mut news);
    let words: Vec<Word> = news
        .into_iter()
        .filter_map(|n| if let Recognized::Hypothesis(h) = n { Some(h.committed) } else { None })
        .flatten()
        .collect();
    Ok(Line {
        file,
        channel,
        text: text_of(&words),
        words: words
            .into_iter()
            .map(|w| WordOut { word: w.text, start_ms: w.start.ms(), end_ms: w.end.ms(), confidence: w.confidence })
            .collect(),
        audio_s: frames.len() as f64 * 0.02,
        compute_s: (begun.elapsed().as_secs_f64() * 1e4).round() / 1e4,
    })
}

/// The frames of each channel.
fn frames(path: &Path) -> anyhow::Result<Vec<Vec<AudioFrame>>> {
    let mut channels = 1;
    loop {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut recording = Recording::new(PACKET_MS)?;
        match recording.add(Box::new(BufReader::new(file)), unnamed(channels)) {
            Ok(()) => return collect(recording, channels),
            // How many channels a file has is known once it is open; then it is opened again with that many tracks.
            Err(FileError::Channels { found, .. }) if found != channels && found <= MAX_CHANNELS => channels = found,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whoever transcribes a recording states that the people in it agreed.
fn unnamed(channels: usize) -> Vec<TrackInfo> {
    let consent =
        Consent { basis: "operator".to_owned(), reference: "stated by transcribing the recording".to_owned() };
    (0u16..)
        .take(channels)
        .map(|i| TrackInfo {
            id: TrackId(i),
            party: Party::Unknown,
            name: String::new(),
            email: None,
            consent: Some(consent.clone()),
        })
        .collect()
}

fn collect(mut recording: Recording, channels: usize) -> anyhow::Result<Vec<Vec<AudioFrame>>> {
    let mut frames = vec![Vec::new(); channels];
    let mut assembler = Assembler::new(AssemblerConfig::new(Mode::Recorded));
    while let Some(timed) = recording.next()? {
        let now = Instant::now();
        assembler.push(IngestItem::new(now, timed.what));
        while let Some((input, _)) = assembler.pop(now) {
            if let Input::Audio(frame) = input
                && let Some(channel) = frames.get_mut(usize::from(frame.track.0))
            {
                channel.push(frame);
            }
        }
    }
    // Some are known only once the file has been read.
    for warning in recording.warnings() {
        eprintln!("note: {warning}");
    }
    Ok(frames)
}
