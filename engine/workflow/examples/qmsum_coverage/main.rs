//! How much of what people wrote down about a meeting is in our note, beside the meeting's beginning and chance.
//!
//! ```sh
//! cargo run --release -p reframe-workflow --example qmsum_coverage -- DIR/test.jsonl
//! ```
//!
//! QMSum (MIT; M. Zhong et al., NAACL 2021): product, academic and committee meetings, each with an answer to "Summarize the
//! whole meeting." They are not sales calls, and have neither times nor sides: both are made up (see `meeting.rs`). Ours is
//! the summary and the lines of the note (headline, topics, decisions, next steps), each text once. The lead of the same length is the
//! meeting's first words, as many as ours has; chance of the same length is utterances drawn at random, ten times.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a few thousand words"
)]

mod meeting;
mod rouge;

use std::{error::Error, path::Path};

use meeting::Meeting;
use reframe_workflow::{
    handoff::NoteProposal,
    postcall::{Settings, run},
};
use rouge::{Rouge, rouge, stems};

/// Times chance is drawn for each meeting.
const DRAWS: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("say which file: DIR/test.jsonl")?;
    let show = std::env::args().nth(2).and_then(|n| n.parse::<usize>().ok());
    let meetings = meeting::read(Path::new(&file))?;
    let names = ["ours", "lead-3", "lead of the same length", "chance of the same length"];
    let mut scores: [Vec<Rouge>; 4] = Default::default();
    let mut lengths = [0usize; 4];
    for (n, meeting) in meetings.iter().enumerate() {
        let note = run(&meeting.as_call(&format!("qmsum-{n}")), &Settings::default());
        let utterances = meeting.utterances();
        let ours = text_of(&note);
        let length = stems(&ours).len();
        let lead: String = utterances.concat().join(" ");
        let mut texts = [stems(&ours), stems(&utterances[..3.min(utterances.len())].concat().join(" ")), stems(&lead)];
        texts[2].truncate(length);
        let chance: Vec<Vec<String>> =
            (0..DRAWS).map(|seed| drawn(&utterances, length, seed + 1 + 100 * n as u64)).collect();
        for (i, text) in texts.iter().enumerate() {
            lengths[i] += text.len();
            scores[i].push(best(text, meeting));
        }
        lengths[3] += chance.iter().map(Vec::len).sum::<usize>() / chance.len();
        let all: Vec<Rouge> = chance.iter().map(|text| best(text, meeting)).collect();
        scores[3].push(mean(&all));
        if show == Some(n) {
            println!("{ours}\n\n{:?}", meeting.answers());
        }
    }
    println!(
        "{} meetings; recall and F of ROUGE-1, -2, -L (stems), mean and 95 % of 10,000 bootstrap draws",
        meetings.len()
    );
    for (i, name) in names.iter().enumerate() {
        println!("{name:28} {:4.0} words   {}", lengths[i] as f64 / meetings.len() as f64, shown(&scores[i]));
    }
    for i in 1..4 {
        let above: Vec<Rouge> =
            scores[0].iter().zip(&scores[i]).map(|(a, b)| std::array::from_fn(|k| a[k] - b[k])).collect();
        println!("ours above {:31} {}", names[i], shown(&above));
    }
    Ok(())
}

/// The summary and the lines of the note; a text that stands in another is not said twice.
fn text_of(note: &NoteProposal) -> String {
    let n = &note.note;
    let claims = note.summary.iter().chain(&n.headline).chain(&n.topics).chain(&n.decisions).chain(&n.next_steps);
    let mut lines: Vec<&str> = Vec::new();
    for text in claims.map(reframe_workflow::artifact::Claim::text) {
        // Who said it stands before what was said: the name would count in ours only.
        let text = text.split_once(": \"").map_or(text, |(_, said)| said);
        if !lines.iter().any(|l| l.contains(text)) {
            lines.push(text);
        }
    }
    lines.join("\n")
}

/// Against the answer that it is most like.
fn best(text: &[String], meeting: &Meeting) -> Rouge {
    let all = meeting.answers().into_iter().map(|a| rouge(text, &stems(a)));
    all.max_by(|a, b| a[1].total_cmp(&b[1])).unwrap_or_default()
}

/// Utterances in random order, cut at `length` words.
fn drawn(utterances: &[Vec<String>], length: usize, seed: u64) -> Vec<String> {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = Vec::new();
    let mut left: Vec<usize> = (0..utterances.len()).collect();
    while text.len() < length && !left.is_empty() {
        let i = left.swap_remove((next(&mut random) % left.len() as u64) as usize);
        text.extend(stems(&utterances[i].join(" ")));
    }
    text.truncate(length);
    text
}

fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

fn mean(scores: &[Rouge]) -> Rouge {
    std::array::from_fn(|k| scores.iter().map(|s| s[k]).sum::<f64>() / scores.len().max(1) as f64)
}

fn shown(scores: &[Rouge]) -> String {
    let mut random = 0x0139_408d_cbbf_7a44_u64;
    let draws: Vec<Rouge> = (0..10_000)
        .map(|_| {
            let drawn: Vec<Rouge> =
                scores.iter().map(|_| scores[(next(&mut random) % scores.len() as u64) as usize]).collect();
            mean(&drawn)
        })
        .collect();
    let whole = mean(scores);
    let parts = ["R1 r", "R1 F", "R2 r", "R2 F", "RL r", "RL F"].iter().enumerate().map(|(k, name)| {
        let mut column: Vec<f64> = draws.iter().map(|d| d[k]).collect();
        column.sort_by(f64::total_cmp);
        format!("{name} {:.3} [{:.3}, {:.3}]", whole[k], column[250], column[9_749])
    });
    parts.collect::<Vec<_>>().join("  ")
}
