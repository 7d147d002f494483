//! A meeting of QMSum, and the call it is read as.

use std::{collections::BTreeMap, io, path::Path};

use reframe_workflow::handoff::{CallTranscript, HeardWord, Participant, Turn};
use serde::Deserialize;

/// Words are said at an even pace of this many ms: the meetings have no times.
const WORD_MS: u64 = 400;

/// One line of the file.
#[derive(Deserialize)]
pub struct Meeting {
    general_query_list: Vec<Answered>,
    meeting_transcripts: Vec<Said>,
}

#[derive(Deserialize)]
struct Answered {
    answer: String,
}

#[derive(Deserialize)]
struct Said {
    speaker: String,
    content: String,
}

/// The meetings of a file.
pub fn read(file: &Path) -> io::Result<Vec<Meeting>> {
    let text = std::fs::read_to_string(file)?;
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
}

impl Meeting {
    /// What a person wrote when asked to summarise the whole of it: one text for each time it was asked.
    pub fn answers(&self) -> Vec<&str> {
        self.general_query_list.iter().map(|q| q.answer.as_str()).collect()
    }

    /// What was said as a recogniser writes it: lower case, no punctuation, no `{vocalsound}`. Utterances without a word
    /// are left out.
    pub fn utterances(&self) -> Vec<Vec<String>> {
        self.said().map(|(_, words)| words).collect()
    }

    fn said(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        let said = self.meeting_transcripts.iter().map(|s| (s.speaker.as_str(), heard(&s.content)));
        said.filter(|(_, words)| !words.is_empty())
    }

    /// The call it is read as. Whoever speaks first is the rep's side, the next the buyer's, and so on in turn: these
    /// meetings have no sides.
    pub fn as_call(&self, name: &str) -> CallTranscript {
        let mut speakers: BTreeMap<String, usize> = BTreeMap::new();
        let mut participants: Vec<Participant> = Vec::new();
        let mut turns: Vec<Turn> = Vec::new();
        let mut at = 0;
        for (utterance, (speaker, words)) in (1..).zip(self.said()) {
            let next = speakers.len();
            let speaker_index = *speakers.entry(speaker.to_owned()).or_insert(next);
            if speaker_index == participants.len() {
                let side = if next.is_multiple_of(2) { "rep" } else { "buyer" };
                participants.push(Participant { name: speaker.to_owned(), side: side.to_owned(), email: None });
            }
            let words = words.into_iter().map(|text| {
                at += WORD_MS;
                HeardWord { text, from_ms: at - WORD_MS, to_ms: at, confidence: 1.0 }
            });
            turns.push(Turn { utterance, speaker: speaker_index, words: words.collect() });
        }
        CallTranscript {
            call: name.to_owned(),
            title: String::new(),
            // No day is known; 2 March 2026.
            started_unix_ms: 1_772_445_600_000,
            zone: "UTC".to_owned(),
            deal: None,
            participants,
            turns,
            objections: Vec::new(),
            cards: Vec::new(),
            notes: Vec::new(),
            missing_ms: 0,
        }
    }
}

fn heard(content: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in content.split_whitespace().filter(|w| !w.starts_with('{')) {
        let word = word.to_lowercase().replace('\u{2019}', "'");
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        // "'ll" and "'s" stand alone in some of the files.
        match words.last_mut() {
            Some(last) if word.starts_with('\'') && ["ll", "s", "re", "ve", "d", "m"].contains(&bare) => {
                *last = format!("{last}'{bare}");
            }
            _ if bare.is_empty() => {}
            _ => words.push(bare.to_owned()),
        }
    }
    words
}
