//! Little calls: who says what and when, as words, through a real session.

use std::{collections::VecDeque, sync::Arc};

use super::TestRun;
use crate::{
    audio::{Consent, Party, TrackId, TrackInfo},
    deal::Deal,
    detect::meaning::Meaning,
    event::{Event, EventBody},
    input::Input,
    output::Output,
    playbook::{CallTest, Playbook},
    recognize::Word,
    session::{CallSession, SessionSettings, SessionSetup},
    testing::deaf_ears,
    time::MediaTime,
};

/// Speaking time given to a word without a time of its own; conversational English runs at about 200 words a minute.
const WORD_MS: u64 = 300;
/// Silence after the last step: room for a card that waits for a pause.
const AFTER_MS: u64 = 1_000;

/// The words of a line that begins at `at` and takes `for_ms`, spread evenly.
pub(super) fn words(line: &str, at: MediaTime, for_ms: Option<u64>) -> Vec<Word> {
    let texts: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    let n = texts.len().max(1) as u64;
    let all_us = for_ms.unwrap_or(n * WORD_MS) * 1_000;
    let edge = |i: u64| MediaTime::from_us(at.us() + all_us * i / n);
    (0..).zip(texts).map(|(i, text)| Word { text, start: edge(i), end: edge(i + 1), confidence: 1.0 }).collect()
}

/// A session fed with words, and what it said.
pub(super) struct Drive {
    session: CallSession,
    events: Vec<Event>,
}

impl Drive {
    pub fn new(playbook: &Arc<Playbook>, meaning: Option<&Arc<Meaning>>, deal: Deal) -> Self {
        let setup = SessionSetup {
            settings: SessionSettings::default(),
            playbook: Arc::clone(playbook),
            context: Vec::new(),
            deal,
            ears: deaf_ears(),
            semantic: meaning.cloned(),
        };
        let mut drive = Self { session: CallSession::new(setup), events: Vec::new() };
        drive.drain();
        for party in [Party::Rep, Party::Buyer, Party::Unknown] {
            let consent = Some(Consent { basis: "test".to_owned(), reference: String::new() });
            let name = party.as_str().to_owned();
            drive.take(&Input::TrackAdded(TrackInfo { id: track_of(party), party, name, email: None, consent }));
        }
        drive
    }

    /// Words that stay, and words that may still change.
    pub fn say(&mut self, party: Party, words: Vec<Word>, tail: Vec<Word>, done: bool) {
        self.take(&Input::Words { track: track_of(party), words, tail, done });
    }

    /// Time passes.
    pub fn pass(&mut self, until: MediaTime) {
        self.take(&Input::Tick(until));
    }

    /// All that happened, up to the call's end.
    pub fn end(mut self) -> Vec<Event> {
        self.take(&Input::End);
        self.events
    }

    fn take(&mut self, input: &Input) {
        // Only tracks that were announced speak, and times are within a day: there is nothing to refuse.
        if self.session.handle_input(input).is_ok() {
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Event(event) => self.events.push(event),
                Output::Idle { .. } => return,
                Output::Caption(_) | Output::Job(_) => {}
            }
        }
    }
}

const fn track_of(party: Party) -> TrackId {
    TrackId(match party {
        Party::Rep => 0,
        Party::Buyer => 1,
        Party::Unknown => 2,
    })
}

/// A word, or the passing of time, in its place among the others.
enum Next {
    Word { party: Party, word: Word, last: bool },
    Pass,
}

pub(super) fn run(playbook: &Arc<Playbook>, meaning: Option<&Arc<Meaning>>, test: &CallTest) -> TestRun {
    let mut call = Drive::new(playbook, meaning, test.deal.clone());
    let mut next: Vec<(MediaTime, Next)> = Vec::new();
    for step in &test.steps {
        let Some((party, line)) = &step.who else {
            next.push((step.at, Next::Pass));
            continue;
        };
        let mut words = VecDeque::from(words(line, step.at, step.for_ms));
        while let Some(word) = words.pop_front() {
            next.push((word.end, Next::Word { party: *party, word, last: words.is_empty() }));
        }
    }
    // Word by word as they end, so that two may speak at once.
    next.sort_by_key(|(at, _)| *at);
    let over = next.last().map_or(MediaTime::ZERO, |(at, _)| *at).plus_ms(AFTER_MS);
    for (at, what) in next {
        match what {
            Next::Word { party, word, last } => call.say(party, vec![word], Vec::new(), last),
            Next::Pass => call.pass(at),
        }
    }
    call.pass(over);
    judge(test, &call.end())
}

fn judge(test: &CallTest, events: &[Event]) -> TestRun {
    let (mut cards, mut because) = (Vec::new(), Vec::new());
    for event in events {
        match &event.body {
            EventBody::CardShown { card } => {
                because.push(format!("at {} `{}`: {}", event.at, card.play, card.reason.rule));
                cards.push(card.play.clone());
            }
            EventBody::DetectionSuppressed { detection, by } => {
                because.push(format!("at {} `{}` was held back by {by}", event.at, detection.play));
            }
            _ => {}
        }
    }
    if because.is_empty() {
        because.push("nothing matched".to_owned());
    }
    let list = |plays: &[String]| match plays {
        [] => "no card".to_owned(),
        plays => format!("the cards {}", plays.join(", ")),
    };
    TestRun {
        line: test.line,
        what: format!("the call of {} steps", test.steps.len()),
        wanted: list(&test.expect_cards),
        got: list(&cards),
        because: because.join("; "),
        passed: cards == test.expect_cards,
    }
}
