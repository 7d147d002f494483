//! Rules over calls written down as who says what from when to when.

mod any;
mod flow;
mod words;

use super::*;
use crate::{
    audio::{Consent, Party, TrackInfo},
    deal::Deal,
    event::UtteranceId,
    playbook,
};

pub(super) const REP: TrackId = TrackId(0);
pub(super) const BUYER: TrackId = TrackId(1);
pub(super) const THIRD: TrackId = TrackId(2);

/// A playbook whose plays have these rules, in lines of TOML; lines of the play itself come before `|`.
pub(super) fn book(rules: &[&str]) -> Arc<Playbook> {
    let mut text = "version = 1\nname = \"t\"\n[vocabulary]\ncompetitors = [\"quillstone\"]\n".to_owned();
    for (i, rule) in rules.iter().enumerate() {
        let (play, when) = rule.split_once('|').unwrap_or(("", rule));
        text += &format!(
            "[[play]]\nid = \"p{i}\"\nlabel = \"coaching\"\n{play}\n[play.when]\n{when}\n[play.card]\ntitle = \"T\"\nsay = [\"a\"]\n"
        );
    }
    let (book, problems) = playbook::parse("t", &text);
    Arc::new(book.unwrap_or_else(|| panic!("{problems:?}\n{text}")))
}

fn info(id: TrackId, party: Party) -> TrackInfo {
    let consent = Some(Consent { basis: "test".to_owned(), reference: String::new() });
    TrackInfo { id, party, name: party.as_str().to_owned(), email: None, consent }
}

/// A call as its events tell it: speech known 60 ms after it begins, words 400 ms after they were said, the end of an
/// utterance 700 ms after its last sound.
#[derive(Clone, Default)]
pub(super) struct Call {
    events: Vec<(u64, EventBody)>,
    utterances: u32,
}

impl Call {
    pub fn of(parties: &[(TrackId, Party)], deal: Deal) -> Self {
        let mut call = Self::default();
        let (playbook, recognizer, detector) = (String::new(), String::new(), String::new());
        call.at(0, EventBody::CallStarted { schema: 1, playbook, recognizer, detector, deal });
        for (track, party) in parties {
            call.at(0, EventBody::TrackAdded { track: info(*track, *party) });
        }
        call
    }

    /// A rep and a buyer.
    pub fn two() -> Self {
        Self::of(&[(REP, Party::Rep), (BUYER, Party::Buyer)], Deal::default())
    }

    /// Two of whom nobody knows the side.
    pub fn unknown() -> Self {
        Self::of(&[(REP, Party::Unknown), (BUYER, Party::Unknown)], Deal::default())
    }

    pub fn at(&mut self, ms: u64, body: EventBody) {
        self.events.push((ms, body));
    }

    /// `track` says `text` from `from` to `to`, in seconds.
    pub fn say(&mut self, track: TrackId, from: f64, to: f64, text: &str) -> &mut Self {
        let (from, to) = ((from * 1_000.0) as u64, (to * 1_000.0) as u64);
        let utterance = UtteranceId(self.utterances);
        self.utterances += 1;
        let ms = MediaTime::from_ms;
        self.at(from + 60, EventBody::SpeechStarted { track, utterance, start: ms(from) });
        let texts: Vec<&str> = text.split_whitespace().collect();
        let each = (to - from) / (texts.len() as u64).max(1);
        for (i, text) in (0u64..).zip(&texts) {
            let (start, end) = (from + i * each, from + (i + 1) * each);
            let word = Word { text: (*text).to_owned(), start: ms(start), end: ms(end), confidence: 1.0 };
            let known = (end + 400).min(to + 690);
            self.at(known, EventBody::WordsCommitted { track, utterance, words: vec![word] });
        }
        let text = texts.join(" ");
        self.at(to + 700, EventBody::UtteranceEnded { track, utterance, start: ms(from), end: ms(to), text });
        self
    }

    /// In order of time.
    pub fn events(&self) -> Vec<Event> {
        let mut all = self.events.clone();
        all.sort_by_key(|e| e.0);
        (0u64..).zip(all).map(|(seq, (ms, body))| Event { seq, at: MediaTime::from_ms(ms), body }).collect()
    }

    /// What the rules of `book` raise until `until` seconds: when, in ms, by which play, and why.
    pub fn raises(&self, book: &Playbook, until: f64) -> Vec<(u64, String, String)> {
        let mut cues = Cues::new(book, None);
        drive(&mut cues, &self.events(), (until * 1_000.0) as u64)
    }

    /// When a single rule fires, in ms.
    pub fn fires(&self, rule: &str, until: f64) -> Vec<u64> {
        self.raises(&book(&[rule]), until).into_iter().map(|(at, ..)| at).collect()
    }

    /// Why a single rule fires first.
    pub fn because(&self, rule: &str, until: f64) -> String {
        self.raises(&book(&[rule]), until).first().map_or(String::new(), |(.., because)| because.clone())
    }
}

pub(super) fn drive(cues: &mut Cues, events: &[Event], until_ms: u64) -> Vec<(u64, String, String)> {
    let mut out = Vec::new();
    let mut take = |cues: &mut Cues, at: MediaTime| {
        while let Some(cue) = cues.take() {
            out.push((at.ms(), cue.play.clone(), cue.because.clone()));
            // As the session does: the log hears of it.
            cues.observe(&Event { seq: 0, at, body: EventBody::CueRaised { cue } });
        }
    };
    let until = MediaTime::from_ms(until_ms);
    for event in events.iter().filter(|e| e.at <= until) {
        while let Some(due) = cues.deadline().filter(|due| *due <= event.at) {
            cues.on_time(due);
            take(cues, due);
        }
        cues.observe(event);
        take(cues, event.at);
    }
    while let Some(due) = cues.deadline().filter(|due| *due <= until) {
        cues.on_time(due);
        take(cues, due);
    }
    out
}
