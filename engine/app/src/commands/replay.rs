//! `reframe replay`: a recording, or a record of inputs, through the same code as a live call.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    deal::Deal,
    event::{Event, EventBody},
    input::Input,
    output::{Caption, Job},
    recorded::{Playback, RECORD_VERSION, RecordHeader, RecordLine},
    session::{Ears, SessionSetup},
};
use reframe_ingest::{Assembler, AssemblerConfig, IngestItem, Mode, file::Recording};

use crate::{
    config::Config,
    exit::Exit,
    playbooks, progress, recognizers,
    runner::{Runner, Sink},
    sentences::{self, Plan},
    server::refine::{self, Refine},
    view::{CardView, View},
};

/// Run a recorded call: a WAV or Opus file, or a record of inputs
///
/// A recording's channels are its participants: --channels rep,buyer (the default) is for a file with two. Several files
/// with one channel each are played together, in the order of --channels. A file ending in .jsonl is a record of inputs
/// (written with --inputs, or by a server with data.record_inputs): it needs no model and gives the same events
/// anywhere. Running this states that the people recorded agreed to it; that statement goes into the log.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CALL.wav, CALL.opus, or INPUTS.jsonl
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Who is on each channel: rep, buyer or unknown
    #[arg(long, value_delimiter = ',', default_value = "rep,buyer", value_name = "PARTY,…")]
    channels: Vec<Party>,
    /// Speed: 1 is real time, 4 four times that; as fast as possible if left out
    #[arg(long, value_name = "FACTOR")]
    pace: Option<f64>,
    /// Write all events to this file, one JSON object per line; - for standard output (then nothing else is printed)
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write the inputs as heard to this file, for replay without audio
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    /// Length of the packets the recording is cut into, 5 to 1000 ms; makes no difference to the events
    #[arg(long, value_name = "MS", default_value_t = 20)]
    packet_ms: u32,
    /// Folder with a playbook.toml (default: the configuration's, else the built-in one)
    #[arg(long, value_name = "DIR")]
    playbook: Option<PathBuf>,
    /// Configuration file (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// If the file, the playbook or the model cannot be used.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.pace.is_some_and(|p| !(0.01..=1_000.0).contains(&p)) {
        bail!("--pace must be from 0.01 to 1000; leave it out to run as fast as possible");
    }
    let config = Config::load(args.config.as_deref())?;
    crate::logging::start(&config.log)?;
    let encoder = sentences::load(&config.encoder)?;
    let playbook = playbooks::load(args.playbook.as_deref().or(config.playbook.dir.as_deref()))?;
    let plan = Plan::new(playbook, encoder.as_ref());
    let mut out = Printer::new(args.events.as_deref())?;
    let is_record = |f: &PathBuf| f.extension().is_some_and(|e| e == "jsonl");
    if args.files.iter().any(is_record) {
        let [file] = &args.files[..] else { bail!("replay one record of inputs at a time") };
        replay_record(file, plan, &mut out)?;
    } else {
        replay_audio(args, &config, plan, &mut out)?;
    }
    out.finish()
}

fn setup(config: &Config, plan: Plan, context: Vec<String>, ears: Ears) -> SessionSetup {
    let Plan { playbook, meaning } = plan;
    SessionSetup { settings: config.session, playbook, context, deal: Deal::default(), ears, semantic: meaning }
}

fn replay_audio(args: &Args, config: &Config, plan: Plan, out: &mut Printer) -> anyhow::Result<()> {
    let mut recording = open(&args.files, &args.channels, args.packet_ms)?;
    let recognizer = progress::loading(|p| recognizers::load(&config.recognizer, p))?;
    let record = match &args.inputs {
        None => None,
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
            Some(Box::new(BufWriter::new(file)) as Box<dyn Write + Send>)
        }
    };
    let setup = setup(config, plan, config.playbook.context.clone(), recognizers::ears(recognizer));
    let mut refine = match &config.recognizer.refine_dir {
        Some(dir) if config.session.refine => Some(refine::load(dir)?),
        _ => None,
    };
    let mut runner = Runner::new(setup, &[], record)?;
    runner.begin(out);
    let mut assembler = Assembler::new(AssemblerConfig::new(Mode::Recorded));
    let begun = Instant::now();
    while let Some(timed) = recording.next()? {
        if let Some(pace) = args.pace {
            let due = begun + Duration::from_micros(timed.due_us).div_f64(pace);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let now = Instant::now();
        assembler.push(IngestItem::new(now, timed.what));
        while let Some((input, arrived)) = assembler.pop(now) {
            runner.step(&input, arrived, out)?;
            run_jobs(&mut runner, &mut refine, out)?;
        }
    }
    // Some are known only once the file has been read.
    for warning in recording.warnings() {
        eprintln!("note: {warning}");
    }
    runner.finish()
}

/// In a replay slow work is done at once, in order, so that the result lands at the same place every time.
fn run_jobs(runner: &mut Runner, refine: &mut Option<Refine>, out: &mut Printer) -> anyhow::Result<()> {
    for job in std::mem::take(&mut out.jobs) {
        if let Some(refined) = refine.as_mut().and_then(|refine| refine(&job))
            && !runner.ended()
        {
            runner.step(&Input::Refined(refined), None, out)?;
        }
    }
    Ok(())
}

fn open(files: &[PathBuf], channels: &[Party], packet_ms: u32) -> anyhow::Result<Recording> {
    let mut recording = Recording::new(packet_ms)?;
    let consent = Consent { basis: "operator".to_owned(), reference: "stated by replaying the recording".to_owned() };
    let tracks: Vec<TrackInfo> = (0u16..)
        .zip(channels)
        .map(|(i, party)| TrackInfo {
            id: TrackId(i),
            party: *party,
            name: name_of(*party, channels, usize::from(i)),
            email: None,
            consent: Some(consent.clone()),
        })
        .collect();
    let shares: Vec<Vec<TrackInfo>> = match files.len() {
        1 => vec![tracks],
        n if n == tracks.len() => tracks.into_iter().map(|t| vec![t]).collect(),
        n => bail!("{n} files and {} channels: give --channels one party per file", tracks.len()),
    };
    for (path, tracks) in files.iter().zip(shares) {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        recording
            .add(Box::new(BufReader::new(file)), tracks)
            .with_context(|| format!("{} cannot be replayed", path.display()))?;
    }
    Ok(recording)
}

/// `Rep`, `Buyer`; with a number where there are several.
fn name_of(party: Party, all: &[Party], index: usize) -> String {
    let name = match party {
        Party::Rep => "Rep",
        Party::Buyer => "Buyer",
        Party::Unknown => "Speaker",
    };
    if all.iter().filter(|p| **p == party).count() > 1 {
        format!("{name} {}", all[..=index].iter().filter(|p| **p == party).count())
    } else {
        name.to_owned()
    }
}

fn replay_record(file: &Path, Plan { playbook, meaning }: Plan, out: &mut Printer) -> anyhow::Result<()> {
    let reader = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut lines = BufReader::new(reader).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let header: RecordHeader = serde_json::from_str(&first)
        .with_context(|| format!("{}:1: not a record of inputs (write one with --inputs)", file.display()))?;
    if header.reframe_inputs != RECORD_VERSION {
        bail!("{}: format {} is not known here, {RECORD_VERSION} is", file.display(), header.reframe_inputs);
    }
    if header.playbook != playbook.id() {
        eprintln!(
            "note: recorded with playbook {}, replayed with {}: events may differ",
            header.playbook,
            playbook.id()
        );
    }
    let playback = Playback::new(header.recognizer);
    let (settings, context, deal) = (header.settings, header.context, header.deal);
    let setup = SessionSetup { settings, playbook, context, deal, ears: playback.ears(), semantic: meaning };
    let mut runner = Runner::new(setup, &[], None)?;
    runner.begin(out);
    for (number, line) in (2u64..).zip(lines) {
        let line = line.with_context(|| format!("{}:{number} cannot be read", file.display()))?;
        let line: RecordLine =
            serde_json::from_str(&line).with_context(|| format!("{}:{number}: not an input", file.display()))?;
        runner
            .step(&playback.load(&line), None, out)
            .with_context(|| format!("{}:{number}: cannot be replayed", file.display()))?;
        // What a second pass made of them is in the record.
        out.jobs.clear();
    }
    if !runner.ended() {
        eprintln!("note: the record stops before the call ended");
    }
    runner.finish()
}

/// Prints a call and writes its events.
struct Printer {
    events: Option<Box<dyn Write>>,
    view: Option<View<std::io::Stdout>>,
    names: std::collections::BTreeMap<TrackId, (String, Party)>,
    jobs: Vec<Job>,
    cards: u32,
    failed: Option<anyhow::Error>,
}

impl Printer {
    fn new(events: Option<&Path>) -> anyhow::Result<Self> {
        let to_stdout = events == Some(Path::new("-"));
        let events: Option<Box<dyn Write>> = match events {
            None => None,
            Some(_) if to_stdout => Some(Box::new(BufWriter::new(std::io::stdout()))),
            Some(path) => {
                let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
                Some(Box::new(BufWriter::new(file)))
            }
        };
        let view = (!to_stdout).then(View::stdout);
        Ok(Self { events, view, names: std::collections::BTreeMap::new(), jobs: Vec::new(), cards: 0, failed: None })
    }

    fn finish(mut self) -> anyhow::Result<Exit> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if let Some(events) = &mut self.events {
            events.flush().context("the events cannot be written")?;
        }
        if let Some(view) = &mut self.view {
            view.line(&format!("\n{} card(s)", self.cards))?;
        }
        Ok(Exit::Success)
    }

    fn show(&mut self, event: &Event) -> anyhow::Result<()> {
        if let Some(out) = &mut self.events {
            serde_json::to_writer(&mut *out, event).context("the events cannot be written")?;
            out.write_all(b"\n").context("the events cannot be written")?;
        }
        if let EventBody::TrackAdded { track } = &event.body {
            self.names.insert(track.id, (track.name.clone(), track.party));
        }
        let Some(view) = &mut self.view else { return Ok(()) };
        match &event.body {
            EventBody::UtteranceEnded { track, start, text, .. } => {
                let (name, party) = self.names.get(track).cloned().unwrap_or((track.to_string(), Party::Unknown));
                view.final_line(*start, &name, party == Party::Buyer, text)?;
            }
            EventBody::CardShown { card } => {
                self.cards += 1;
                view.card(&CardView {
                    label: &card.label,
                    title: &card.title,
                    say: &card.say,
                    proof: card.proof.as_ref().map(|p| (p.text.as_str(), p.source.as_str())),
                    ask: card.ask.as_deref(),
                    why: &card.reason.rule,
                    when: format!("{} ms after the phrase", card.reason.stages.total_ms()),
                })?;
            }
            EventBody::CardClosed { end: reframe_call::card::CardEnd::Retracted, .. } => {
                view.line("  ┃ taken back: the words that followed contradicted it")?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Sink for Printer {
    fn event(&mut self, event: &Event, _: Option<Instant>) {
        if self.failed.is_none()
            && let Err(error) = self.show(event)
        {
            self.failed = Some(error);
        }
    }

    fn caption(&mut self, _: &Caption) {}

    fn job(&mut self, job: Job) {
        self.jobs.push(job);
    }
}
