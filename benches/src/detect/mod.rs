//! How good the detector is: objections found and missed, false cards, new plays, calibration, and what an update costs.

mod check;
mod cost;
pub mod data;
mod fresh;
mod ordinary;
pub mod patterns;
mod picture;
pub mod playbooks;
pub mod score;
pub mod stats;
mod stream;
pub mod systems;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use reframe_call::{
    detect::{Detector, meaning::Meaning, semantic::SentenceEncoder},
    playbook::Playbook,
};
use reframe_models::sentence::MiniEncoder;
use serde_json::{Map, Value, json};

use self::{
    data::{Line, Split, Talk, is_objection},
    ordinary::FalseCards,
    patterns::RegexList,
    score::Scores,
    stats::{Share, round},
    systems::{Answer, NearestExample, Ours, System, best_threshold},
};
use crate::{record, wer::Wer};

/// Of ordinary talk, --quick hears every so-manieth line, and times as many of the labelled ones.
const QUICK_TALK: usize = 20;
/// Of the labelled lines, --quick hears every so-manieth word by word, and with new plays.
const QUICK_LINES: usize = 5;

/// Quality and cost of detection on labelled lines
///
/// Runs the labelled lines of fixtures/detect through the detector: precision, recall, hard negatives, each class, false
/// cards in ordinary talk, plays nobody foresaw, calibration, and the time of every hypothesis update against a playbook of
/// 300 plays; beside it a plain list of regular expressions and, if given, the nearest example of a full-size encoder. With
/// --record, pictures are kept beside the numbers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with the lines
    #[arg(long, value_name = "DIR", default_value_os_t = default_folder())]
    data: PathBuf,
    /// Which lines
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    /// Other lines instead: label, near (or -) and text, with tabs between; the label "objection" stands for any class
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Lines as a recogniser heard them: label, near, words heard and, as a fourth column, words said
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    recognised: Option<PathBuf>,
    /// Folder with another playbook than the built-in one
    #[arg(long, value_name = "DIR")]
    playbook: Option<PathBuf>,
    /// Folder with a MiniLM (config.json, model.safetensors, tokenizer.json) to compare with; needs --features bert
    #[arg(long, value_name = "DIR")]
    minilm: Option<PathBuf>,
    /// Folder with another sentence encoder than the one in the program
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Without the sentence encoder
    #[arg(long, conflicts_with = "encoder")]
    phrases_only: bool,
    /// A minute's worth of it
    #[arg(long)]
    quick: bool,
    /// Write every line that did not come out as labelled, and every false card, into this file
    #[arg(long, value_name = "FILE")]
    misses: Option<PathBuf>,
    /// Only look whether the lines are fit to measure with
    #[arg(long)]
    check_data: bool,
    /// With --check-data, write what is wrong into this file
    #[arg(long, value_name = "FILE", requires = "check_data")]
    faults: Option<PathBuf>,
}

pub fn default_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/detect")
}

/// A sentence encoder, ours or another.
pub type Encoder = Arc<dyn SentenceEncoder>;

/// The sentence encoder that is asked for, if one is.
fn encoder(args: &Args) -> anyhow::Result<Option<Encoder>> {
    let encoder = match &args.encoder {
        _ if args.phrases_only => return Ok(None),
        None => MiniEncoder::embedded()?,
        Some(folder) => MiniEncoder::from_dir(folder)?,
    };
    Ok(Some(Arc::new(encoder)))
}

/// A full-size encoder to compare with.
#[cfg(feature = "bert")]
pub fn full_size(folder: &Path) -> anyhow::Result<Encoder> {
    Ok(Arc::new(reframe_models::sentence::bert::BertEncoder::from_dir(folder)?))
}

#[cfg(not(feature = "bert"))]
pub fn full_size(_: &Path) -> anyhow::Result<Encoder> {
    bail!("this was built without BERT; use: cargo run --release -p reframe-benches --features bert -- detect")
}

/// Runs it.
///
/// # Errors
/// If data, playbook or a model cannot be read, or the data is not fit to measure with.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let book = match &args.playbook {
        None => playbooks::built_in()?,
        Some(folder) => playbooks::read(folder)?,
    };
    if args.check_data {
        return check_data(args, &book);
    }
    let encoder = encoder(args)?;
    let general = args.minilm.as_deref().map(full_size).transpose()?;
    let (set, lines) = lines(args)?;
    let mut out = Map::new();
    out.insert("set".into(), set.clone().into());
    out.insert("lines".into(), lines.len().into());
    out.insert("playbook".into(), book.id().into());
    out.insert("quick".into(), args.quick.into());
    out.insert("encoder".into(), encoder.as_ref().map_or(Value::Null, |e| e.id().into()));

    let talk: Vec<Talk> = Talk::all(&args.data)?;
    let talk: Vec<Talk> = if args.quick { talk.into_iter().map(|t| t.every(QUICK_TALK)).collect() } else { talk };
    let mut ours = Ours::new("detector", Arc::clone(&book), encoder.as_ref());
    let (scores, answers) = labelled(&set, &lines, &mut ours, &mut out);
    let some: Vec<Line> = lines.iter().step_by(if args.quick { QUICK_LINES } else { 1 }).cloned().collect();
    word_by_word(&book, encoder.as_ref(), &some, &mut out);
    let cards = false_cards(&book, encoder.as_ref(), &talk, &mut out);
    let points = thresholds(&lines, &answers, &talk, &mut ours, &mut out);
    if let Some(file) = &args.misses {
        let mut text = score::misses(&lines, &answers);
        for (label, line) in cards.iter().flat_map(|c| &c.lines) {
            text += &format!("none\t-\t{label}\tfalse card\t{line}\n");
        }
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    rivals(args, &book, encoder.as_ref(), general.as_ref(), &lines, &mut out)?;
    if args.input.is_none() && args.recognised.is_none() && args.split != Split::Train {
        println!("\nnew plays, three examples each");
        let plays = data::new_plays(&args.data, args.split)?;
        let got = fresh::measure(&book, &plays, &some, encoder.as_ref());
        fresh::print(&got);
        out.insert("new_plays".into(), fresh::json(&got));
    }
    println!("\ncost of a hypothesis update");
    let texts: Vec<&str> = lines.iter().map(|l| l.text.as_str()).collect();
    let texts: Vec<&str> = texts.into_iter().step_by(if args.quick { QUICK_TALK } else { 1 }).collect();
    out.insert("cost".into(), cost::run(&book, &texts, encoder.as_ref(), general.as_ref())?);
    if keep {
        let curves = picture::curves(&set, &points, &scores.calibration);
        std::fs::write(record::beside("detect", "svg")?, curves)?;
        let confusion = picture::confusion(&format!("{set}: label (row) and answer (column)"), &scores);
        std::fs::write(record::beside("detect-confusion", "svg")?, confusion)?;
    }
    Ok(Value::Object(out))
}

/// The lines that were asked for and their name.
fn lines(args: &Args) -> anyhow::Result<(String, Vec<Line>)> {
    let file = args.input.as_ref().or(args.recognised.as_ref());
    let (name, lines) = match file {
        Some(file) => (file.file_name().unwrap_or_default().to_string_lossy().into_owned(), data::read_lines(file)?),
        None => (args.split.name().to_owned(), args.split.read(&args.data)?),
    };
    data::ensure_labels(&lines)?;
    Ok((name, lines))
}

fn check_data(args: &Args, book: &Playbook) -> anyhow::Result<Value> {
    let mut sets = Vec::new();
    for split in [Split::Train, Split::Dev, Split::Test] {
        sets.push((split, split.read(&args.data)?));
    }
    let mut out = Map::new();
    for (split, lines) in &sets {
        println!("{}: {} lines", split.name(), lines.len());
        let counts = check::counts(lines);
        for ((label, near), n) in &counts {
            println!("  {label:20} {near:16} {n:>5}");
        }
        let counts: Map<String, Value> =
            counts.into_iter().map(|((label, near), n)| (format!("{label} {near}"), n.into())).collect();
        out.insert(split.name().to_owned(), counts.into());
    }
    let faults = check::faults(&sets, book);
    let text: String = faults.iter().map(|f| format!("{f}\n")).collect();
    if let Some(file) = &args.faults {
        std::fs::write(file, &text).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    if !faults.is_empty() {
        print!("{text}");
        bail!("{} lines are not as they should be", faults.len());
    }
    println!("nothing is wrong with them");
    Ok(Value::Object(out))
}

fn labelled(set: &str, lines: &[Line], ours: &mut Ours, out: &mut Map<String, Value>) -> (Scores, Vec<Answer>) {
    println!("{set}: {} lines", lines.len());
    let answers: Vec<Answer> = lines.iter().map(|l| ours.answer(&l.text)).collect();
    let scores = Scores::of(lines, &answers);
    scores.print();
    out.insert("scores".into(), scores.json());
    let mut wer = Wer::default();
    for line in lines {
        if let Some(said) = &line.said {
            wer.add(&Wer::of(said, &line.text));
        }
    }
    if wer.words > 0 {
        println!("  {:.1} % of the words were heard wrong", wer.percent());
        out.insert("word_errors_percent".into(), round(wer.percent()).into());
    }
    (scores, answers)
}

fn detector(book: &Arc<Playbook>, encoder: Option<&Encoder>) -> Detector {
    let meaning = encoder.map(|e| Arc::new(Meaning::new(Arc::clone(e), book)));
    Detector::new(Arc::clone(book), meaning)
}

/// What a call would show of the same lines: cards that come before a line is over, and what is taken back.
fn word_by_word(book: &Arc<Playbook>, encoder: Option<&Encoder>, lines: &[Line], out: &mut Map<String, Value>) {
    let mut detector = detector(book, encoder);
    let (mut recall, mut precision, mut hard) = (Share::default(), Share::default(), Share::default());
    let (mut early, mut taken_back, mut heard) = (Share::default(), 0, Vec::new());
    for line in lines {
        // Each line is a call of its own.
        detector.begin();
        let shown = stream::follow(&mut detector, &line.text);
        let objections: Vec<_> = shown.iter().filter(|s| is_objection(&s.label)).collect();
        let stands = objections.iter().find(|s| !s.taken_back);
        let is = is_objection(&line.label);
        taken_back += objections.iter().filter(|s| s.taken_back).count();
        if let Some(card) = stands {
            precision.count(is);
            let words = line.text.split_whitespace().count();
            early.count(card.after_words < words);
            heard.push(card.after_words as f64 / words.max(1) as f64);
        }
        if is {
            recall.count(stands.is_some());
        } else if line.near.is_some() {
            hard.count(stands.is_some());
        }
    }
    heard.sort_by(f64::total_cmp);
    let median = heard.get(heard.len() / 2).copied().unwrap_or(1.0);
    println!("\nthe same, word by word as a call brings them");
    println!("  precision                  {precision}\n  recall                     {recall}");
    println!("  hard negatives fired       {hard}");
    println!("  before the line was over   {early}; median at {:.0} % of its words", 100.0 * median);
    println!("  shown and taken back       {taken_back}");
    out.insert(
        "word_by_word".into(),
        json!({ "precision": precision.json(), "recall": recall.json(), "hard_negatives_fired": hard.json(),
                "before_the_end": early.json(), "median_share_of_words": round(median), "taken_back": taken_back }),
    );
}

fn false_cards(
    book: &Arc<Playbook>,
    encoder: Option<&Encoder>,
    talk: &[Talk],
    out: &mut Map<String, Value>,
) -> Vec<FalseCards> {
    println!("\nordinary talk, word by word");
    let mut detector = detector(book, encoder);
    let cards: Vec<FalseCards> = talk.iter().map(|t| FalseCards::of(&mut detector, t)).collect();
    let all = FalseCards::sum(&cards);
    cards.iter().chain([&all]).for_each(FalseCards::print);
    out.insert("ordinary".into(), cards.iter().chain([&all]).map(FalseCards::json).collect());
    cards
}

/// The threshold's trade-off, on whole lines.
fn thresholds(
    lines: &[Line],
    answers: &[Answer],
    talk: &[Talk],
    ours: &mut Ours,
    out: &mut Map<String, Value>,
) -> Vec<score::Point> {
    let ordinary: Vec<f64> =
        talk.iter().flat_map(|t| &t.lines).map(|line| ours.answer(line).objection_score()).collect();
    let hours = talk.iter().map(Talk::hours).sum();
    let points = score::trade_off(lines, answers, &ordinary, hours);
    println!("\nother thresholds, whole lines");
    println!("  {:>9} {:>10} {:>8} {:>15} {:>12}", "threshold", "precision", "recall", "hard negatives", "false per h");
    for point in points.iter().filter(|p| ((p.threshold * 100.0).round() as u64).is_multiple_of(10)) {
        println!(
            "  {:>9.2} {:>8.1} % {:>6.1} % {:>13.1} % {:>12.2}",
            point.threshold,
            100.0 * point.precision.value(),
            100.0 * point.recall.value(),
            100.0 * point.hard.value(),
            point.per_hour
        );
    }
    let row = |p: &score::Point| {
        json!([
            p.threshold,
            round(p.precision.value()),
            round(p.recall.value()),
            round(p.hard.value()),
            round(p.per_hour)
        ])
    };
    out.insert(
        "thresholds".into(),
        json!({ "columns": ["threshold", "precision", "recall", "hard_negatives_fired", "false_cards_per_hour"],
                "rows": points.iter().map(row).collect::<Vec<_>>() }),
    );
    points
}

/// The same lines through what else one could have taken.
fn rivals(
    args: &Args,
    book: &Arc<Playbook>,
    encoder: Option<&Encoder>,
    general: Option<&Encoder>,
    lines: &[Line],
    out: &mut Map<String, Value>,
) -> anyhow::Result<()> {
    let mut systems: Vec<Box<dyn System>> = vec![Box::new(RegexList::new()?)];
    if encoder.is_some() {
        systems.push(Box::new(Ours::new("phrases alone", Arc::clone(book), None)));
    }
    if let Some(general) = general {
        let mut nearest = NearestExample::new(Arc::clone(general), book);
        // Its threshold is set where ours were: on the development lines.
        let dev = Split::Dev.read(&args.data)?;
        let answers: Vec<Answer> = dev.iter().map(|l| nearest.answer(&l.text)).collect();
        let there: Vec<bool> = dev.iter().map(|l| is_objection(&l.label)).collect();
        nearest.threshold = best_threshold(&answers, &there);
        systems.push(Box::new(nearest));
    }
    println!("\nrivals on the same lines ({} regular expressions)", RegexList::len());
    let mut record = Map::new();
    for system in &mut systems {
        let answers: Vec<Answer> = lines.iter().map(|l| system.answer(&l.text)).collect();
        let s = Scores::of(lines, &answers);
        println!("  {}", system.name());
        println!("    precision {}\n    recall    {}", s.precision, s.recall);
        println!("    right class {}\n    hard negatives fired {}", s.right_class, s.hard);
        record.insert(
            system.name().to_owned(),
            json!({ "precision": s.precision.json(), "recall": s.recall.json(), "right_class": s.right_class.json(),
                    "hard_negatives_fired": s.hard.json(), "f1": round(s.f1.0) }),
        );
    }
    out.insert("rivals".into(), record.into());
    Ok(())
}
