//! How long a whole-deal summary over 50 calls and a brief take.
//!
//! `cargo run --release -p reframe-prep --example prep_speed`
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a timing reads the clock")]

use std::time::Instant;

use reframe_prep::{
    brief::{self, Input},
    deal_summary,
    objections::History,
};
use reframe_workflow::{
    handoff::{CallTranscript, HeardWord, Meeting, NoteProposal, Participant, Turn},
    postcall,
};

const LINES: [&str; 12] = [
    "so where do we stand with the budget and who decides in the end",
    "we've got eighty thousand set aside in the budget and our cfo has to sign it",
    "i'll send you the security questionnaire by friday and we talk again next tuesday",
    "honestly that's too expensive for us compared to what we pay today",
    "we have three hundred and twenty users in total and they all work in spreadsheets",
    "okay and which tool do you use for your tickets at the moment",
    "we use zendesk for the tickets and it takes us two days a week to clean it up",
    "we want to go live in june because the audit is in july",
    "we're also talking to two other suppliers about the same thing",
    "the data must stay on our own servers that's not up to me",
    "priya from finance wants to see a payback under a year",
    "the contract with the old provider runs until march next year",
];

fn call(n: usize, words: usize) -> CallTranscript {
    let (mut turns, mut at, mut said) = (Vec::new(), 0, 0);
    while said < words {
        let text = LINES[(turns.len() * 7 + n) % LINES.len()];
        let words: Vec<HeardWord> = text
            .split(' ')
            .map(|w| {
                at += 300;
                HeardWord { text: w.into(), from_ms: at - 300, to_ms: at - 20, confidence: 0.9 }
            })
            .collect();
        said += words.len();
        turns.push(Turn { utterance: u32::try_from(turns.len()).unwrap(), speaker: turns.len() % 2, words });
    }
    let who = |name: &str, side: &str| Participant { name: name.into(), side: side.into(), email: None };
    CallTranscript {
        call: format!("c{n}"),
        title: String::new(),
        started_unix_ms: 1_767_600_000_000 + i64::try_from(n).unwrap() * 86_400_000,
        zone: "Europe/Berlin".into(),
        deal: None,
        participants: vec![who("sam", "rep"), who("dana", "buyer")],
        turns,
        objections: Vec::new(),
        cards: Vec::new(),
        notes: Vec::new(),
        missing_ms: 0,
    }
}

fn main() {
    let calls: Vec<CallTranscript> = (0..50).map(|n| call(n, 5_000)).collect();
    let words: usize = calls.iter().flat_map(|c| &c.turns).map(|t| t.words.len()).sum();
    let notes: Vec<NoteProposal> = calls.iter().map(|c| postcall::run(c, &postcall::Settings::default())).collect();
    let began = Instant::now();
    let summary = deal_summary::summarize(&calls, &notes, "2026-04-01".parse().unwrap());
    println!(
        "summary of {} calls, {words} words: {} ms, {} claims",
        calls.len(),
        began.elapsed().as_millis(),
        summary.claims().len()
    );
    let meeting = Meeting { event: "m".into(), ..Meeting::default() };
    let history = History::default();
    let input = Input {
        meeting: &meeting,
        deal: None,
        company: None,
        contacts: &[],
        read_unix_ms: 0,
        calls: &calls,
        notes: &notes,
        mails: &[],
        signals: &[],
        rules: None,
        playbook: None,
        playbook_unix_ms: 0,
        history: &history,
        segment: "",
    };
    let began = Instant::now();
    let brief = brief::make(input, &"2026-04-01T09:00[Europe/Berlin]".parse().unwrap());
    println!("brief: {} ms, {} words", began.elapsed().as_millis(), brief::words(&brief));
}
