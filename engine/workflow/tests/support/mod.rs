//! Reads labelled calls: the words of a `.txt` as a recogniser would time them, and what its `.toml` says is in them.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_docs_in_private_items,
    reason = "each user takes a part of it; a bad fixture must stop the run"
)]

use std::path::{Path, PathBuf};

use reframe_workflow::{
    artifact::Evidence,
    handoff::{CallTranscript, HeardWord, ObjectionMoment, Participant, Turn},
};
use serde::Deserialize;

/// Words a second: the middle of what conversation runs at.
pub const WORDS_PER_SECOND: f64 = 2.6;

/// What is in a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    pub title: String,
    pub started: String,
    pub zone: String,
    pub fiscal_year_starts: Option<i8>,
    pub stage: Option<String>,
    pub speaker: Vec<Speaker>,
    #[serde(default)]
    pub commitment: Vec<Promised>,
    #[serde(default)]
    pub decision: Vec<Quoted>,
    #[serde(default)]
    pub next_step: Vec<Dated>,
    #[serde(default)]
    pub absent: Vec<Person>,
    #[serde(default)]
    pub objection: Vec<Objected>,
    #[serde(default)]
    pub stage_evidence: Vec<Slotted>,
    #[serde(default)]
    pub date: Vec<Resolved>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speaker {
    pub name: String,
    pub side: String,
    pub email: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promised {
    pub turn: usize,
    pub quote: String,
    pub side: String,
    pub owner: Option<String>,
    pub what: String,
    pub due: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quoted {
    pub turn: usize,
    pub quote: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dated {
    pub turn: usize,
    pub quote: String,
    pub due: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub turn: usize,
    pub quote: String,
    pub who: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objected {
    pub turn: usize,
    pub quote: String,
    pub label: String,
    pub handled: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slotted {
    pub turn: usize,
    pub quote: String,
    pub slot: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    pub turn: usize,
    pub quote: String,
    pub resolves: String,
}

/// A labelled call. Utterance `n` of the call is line `n` of the text, from 1.
#[derive(Debug)]
pub struct Labelled {
    pub name: String,
    pub call: CallTranscript,
    pub labels: Labels,
}

/// All calls of a split, by name.
pub fn load(split: &str) -> Vec<Labelled> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/postcall").join(split);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.filter_map(|e| Some(e.ok()?.path())).collect())
        .unwrap_or_default();
    files.retain(|f| f.extension().is_some_and(|e| e == "txt") && f.with_extension("toml").exists());
    files.sort();
    files.iter().map(|f| read(f)).collect()
}

fn read(text: &Path) -> Labelled {
    let name = text.file_stem().unwrap().to_string_lossy().into_owned();
    let toml = std::fs::read_to_string(text.with_extension("toml")).unwrap();
    let labels: Labels = toml::from_str(&toml).unwrap_or_else(|e| panic!("{name}.toml: {e}"));
    let speech = std::fs::read_to_string(text).unwrap();
    let call = call(&name, &labels, &speech);
    Labelled { name, call, labels }
}

fn call(name: &str, labels: &Labels, speech: &str) -> CallTranscript {
    let mut at = 0u32;
    let ms = |word: u32| (f64::from(word) * 1_000.0 / WORDS_PER_SECOND) as u64;
    let turns = speech.lines().enumerate().filter_map(|(i, line)| {
        let (speaker, words) = line.split_once(':')?;
        let speaker = labels.speaker.iter().position(|s| s.name == speaker.trim());
        let speaker = speaker.unwrap_or_else(|| panic!("{name}.txt:{}: nobody is called so", i + 1));
        let words: Vec<HeardWord> = words
            .split_whitespace()
            .map(|w| {
                at += 1;
                HeardWord { text: w.to_owned(), from_ms: ms(at - 1), to_ms: ms(at), confidence: 0.95 }
            })
            .collect();
        (!words.is_empty()).then(|| Turn { utterance: u32::try_from(i + 1).unwrap(), speaker, words })
    });
    let turns = turns.collect();
    let started: jiff::civil::DateTime = labels.started.parse().unwrap();
    let started = started.in_tz(&labels.zone).unwrap();
    CallTranscript {
        call: name.to_owned(),
        title: labels.title.clone(),
        started_unix_ms: started.timestamp().as_millisecond(),
        zone: labels.zone.clone(),
        deal: None,
        participants: labels
            .speaker
            .iter()
            .map(|s| Participant { name: s.name.clone(), side: s.side.clone(), email: None })
            .collect(),
        turns,
        objections: vec![],
        cards: vec![],
        notes: vec![],
        missing_ms: 0,
    }
}

/// Parts the calls are cut into for cross-validation.
pub const FOLDS: u64 = 10;

/// The part a call is in, by its name: the same whatever other calls there are.
pub fn fold(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash ^ (hash >> 32)) % FOLDS
}

/// Share of the shorter's words that must be the same for two passages to be one.
const OVERLAP: f64 = 0.5;

/// A labelled passage: turn (from 1) and word positions in it.
pub fn place(call: &CallTranscript, turn: usize, quote: &str) -> (u32, std::ops::Range<usize>) {
    let utterance = u32::try_from(turn).unwrap();
    let words: Vec<&str> = call
        .turns
        .iter()
        .find(|t| t.utterance == utterance)
        .map(|t| t.words.iter().map(|w| w.text.as_str()).collect())
        .unwrap_or_default();
    let quote: Vec<&str> = quote.split_whitespace().collect();
    let at = words.windows(quote.len().max(1)).position(|w| w == quote);
    let at = at.unwrap_or_else(|| panic!("{} turn {turn}: the quote is not there", call.call));
    (utterance, at..at + quote.len())
}

/// A cited passage: turn and word positions in it.
pub fn cited(call: &CallTranscript, evidence: &Evidence) -> Option<(u32, std::ops::Range<usize>)> {
    let Evidence::Words { utterance, from_ms, quote, .. } = evidence else { return None };
    let turn = call.turns.iter().find(|t| t.utterance == *utterance)?;
    let from = turn.words.iter().position(|w| w.from_ms == *from_ms)?;
    Some((*utterance, from..from + quote.split(' ').count()))
}

/// Whether two passages are one.
pub fn same(a: &(u32, std::ops::Range<usize>), b: &(u32, std::ops::Range<usize>)) -> bool {
    let both = a.1.end.min(b.1.end).saturating_sub(a.1.start.max(b.1.start));
    a.0 == b.0 && both as f64 >= OVERLAP * a.1.len().min(b.1.len()) as f64 && both > 0
}

/// The call with its labelled objections, as a detector would hand them over.
pub fn given(labelled: &Labelled) -> CallTranscript {
    let mut call = labelled.call.clone();
    call.objections = labelled
        .labels
        .objection
        .iter()
        .map(|o| {
            let (utterance, words) = place(&labelled.call, o.turn, &o.quote);
            let turn = labelled.call.turns.iter().find(|t| t.utterance == utterance).unwrap();
            let (from_ms, to_ms) = (turn.words[words.start].from_ms, turn.words[words.end - 1].to_ms);
            ObjectionMoment { seq: 0, label: o.label.clone(), score: 0.9, utterance, from_ms, to_ms }
        })
        .collect();
    call
}

/// Whether a predicted "Dana (cfo)" is the labelled person.
pub fn is_person(predicted: &str, who: &str) -> bool {
    let predicted = predicted.to_lowercase();
    let name = predicted.split(" (").next().unwrap_or_default();
    name == who
        || predicted.contains(&format!("({who})"))
        || who.split(' ').any(|w| w == name)
        || name.split(' ').any(|w| w == who)
}
