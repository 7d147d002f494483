//! Fills a file with made-up calls, indexes it, searches it and prints how long each took and how large the file grew.
//!
//! `cargo run --release -p reframe-store --example search_figures -- [--calls N] [--utterances N]`
//!
//! The file lies in a folder of its own that is deleted at the end. Words are drawn from Zipf's law over 20,000, so that
//! some are in every second utterance and most are rare, as in speech.
#![allow(clippy::unwrap_used)]

use std::{env, fs, time::Instant};

use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};
use reframe_store::{Append, CallId, EventLog, NewCall, SqliteLog, SqliteOptions, search::Filters};

const NOW: i64 = 1_700_000_000_000;
const VOCABULARY: u64 = 20_000;
const SYLLABLES: [&str; 20] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su", "ta", "ve", "wi", "xo",
    "zu",
];

/// splitmix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    /// Rank `r` with a chance near `1 / r`.
    fn rank(&mut self) -> u64 {
        let u = self.roll(1 << 32) as f64 / (1_u64 << 32) as f64;
        ((VOCABULARY as f64).powf(u) as u64).min(VOCABULARY) - 1
    }
}

fn word(rank: u64) -> String {
    let mut rest = rank + 20;
    let mut out = String::new();
    while rest > 0 {
        out.push_str(SYLLABLES[(rest % 20) as usize]);
        rest /= 20;
    }
    out
}

fn argument(name: &str, otherwise: u64) -> u64 {
    let args: Vec<String> = env::args().collect();
    args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
}

fn events(dice: &mut Dice, call: u64, utterances: u64, vocabulary: &[String]) -> Vec<Event> {
    let person = |track, party, name: String| TrackInfo { id: TrackId(track), party, name, email: None, consent: None };
    let mut bodies = vec![
        EventBody::TrackAdded { track: person(0, Party::Rep, format!("Rep {}", call % 40)) },
        EventBody::TrackAdded { track: person(1, Party::Buyer, format!("Buyer {}", call % 4_000)) },
    ];
    for u in 0..utterances {
        let (track, utterance) = (TrackId((u % 2) as u16), UtteranceId(u as u32));
        let texts: Vec<&str> = (0..5 + dice.roll(17)).map(|_| vocabulary[dice.rank() as usize].as_str()).collect();
        let at = |ms: u64| MediaTime::from_ms(u * 12_000 + ms);
        let words = (0..).zip(&texts).map(|(n, text)| Word {
            text: (*text).into(),
            start: at(n * 300),
            end: at(n * 300 + 250),
            confidence: 0.9,
        });
        bodies.push(EventBody::SpeechStarted { track, utterance, start: at(0) });
        bodies.push(EventBody::WordsCommitted { track, utterance, words: words.collect() });
        bodies.push(EventBody::UtteranceEnded {
            track,
            utterance,
            start: at(0),
            end: at(9_000),
            text: texts.join(" "),
        });
    }
    bodies.push(EventBody::CallEnded { cards_shown: 0, utterances: utterances as u32 });
    (0..).zip(bodies).map(|(seq, body)| Event { seq, at: MediaTime::ZERO, body }).collect()
}

fn main() {
    let (calls, utterances) = (argument("--calls", 20_000), argument("--utterances", 150));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let size = || fs::metadata(&path).unwrap().len() as f64 / 1e6;
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let vocabulary: Vec<String> = (0..VOCABULARY).map(word).collect();
    let mut dice = Dice(7);

    let start = Instant::now();
    let mut planted = Vec::new();
    for first in (0..calls).step_by(200) {
        let made: Vec<_> = (first..calls.min(first + 200))
            .map(|n| {
                let id = CallId::new(format!("call-{n}")).unwrap();
                let day = (calls - n) as i64 * 24 * 60 * 60 * 1_000 / 60;
                log.create(&NewCall {
                    id: id.clone(),
                    title: format!("Call {n}"),
                    playbook: "p@1:0".into(),
                    started_unix_ms: NOW - day,
                    token_hash: String::new(),
                })
                .unwrap();
                (id, events(&mut dice, n, utterances, &vocabulary))
            })
            .collect();
        // Something somebody will look for: three rare words of one utterance.
        let (id, events) = &made[dice.roll(made.len() as u64) as usize];
        if let EventBody::UtteranceEnded { utterance, text, .. } =
            &events[2 + 3 * dice.roll(utterances) as usize + 2].body
        {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.sort_by_key(|w| std::cmp::Reverse(w.len()));
            planted.push((words[..3].join(" "), id.clone(), *utterance));
        }
        let parts: Vec<_> = made.iter().map(|(call, events)| Append { call, expected_seq: 0, events }).collect();
        for result in log.append_batch(&parts).unwrap() {
            result.unwrap();
        }
    }
    log.rebuild_index().unwrap();
    drop(log);
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let before = size();
    println!(
        "{calls} calls x {utterances} utterances written in {:.1} s, {before:.0} MB",
        start.elapsed().as_secs_f64()
    );

    let start = Instant::now();
    let mut count = 0;
    loop {
        let done = log.index(200).unwrap();
        count += done.utterances;
        if done.left == 0 {
            break;
        }
    }
    let took = start.elapsed().as_secs_f64();
    drop(log);
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let after = size();
    let (rate, grown, share) = (count as f64 / took, after - before, 100.0 * (after - before) / before);
    println!(
        "{count} utterances indexed in {took:.1} s ({rate:.0} a second); the file grew by {grown:.0} MB ({share:.0} %)"
    );

    let all = Filters::default;
    let common = |d: &mut Dice| vocabulary[d.roll(20) as usize].clone();
    let middle = |d: &mut Dice| vocabulary[100 + d.roll(1_000) as usize].clone();
    let rare = |d: &mut Dice| vocabulary[10_000 + d.roll(10_000) as usize].clone();
    let mut every = Vec::new();
    for (name, n) in [
        ("one common word", 0),
        ("one word", 1),
        ("one rare word", 2),
        ("two words", 3),
        ("two common and one word", 4),
        ("phrase of two common words", 5),
        ("one word, one buyer", 6),
        ("one common word, one rep", 7),
        ("one word, one month", 8),
        ("one common word, buyers", 9),
        ("two rare words (mostly none)", 10),
    ] {
        let mut times = Vec::new();
        let mut hits = 0;
        for i in 0..100 {
            let d = &mut dice;
            let (query, filters) = match n {
                0 => (common(d), all()),
                1 => (middle(d), all()),
                2 => (rare(d), all()),
                3 => (format!("{} {}", middle(d), middle(d)), all()),
                4 => (format!("{} {} {}", common(d), common(d), middle(d)), all()),
                5 => (format!("\"{} {}\"", common(d), common(d)), all()),
                6 => (middle(d), Filters { speaker: Some(format!("buyer {}", 1_000 + i * 7)), ..all() }),
                7 => (common(d), Filters { speaker: Some(format!("rep {}", 10 + i % 30)), ..all() }),
                8 => {
                    let from = NOW - (30 + d.roll(200) as i64) * 24 * 60 * 60 * 1_000;
                    let to = from + 30 * 24 * 60 * 60 * 1_000;
                    (middle(d), Filters { from_unix_ms: Some(from), to_unix_ms: Some(to), ..all() })
                }
                9 => (common(d), Filters { side: Some(Party::Buyer), ..all() }),
                _ => (format!("{} {}", rare(d), rare(d)), all()),
            };
            let start = Instant::now();
            hits += log.search(&query, &filters, 20, NOW).unwrap().hits.len();
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        every.extend(times.clone());
        println!("{name:32} {} ms, {hits} hits in 100 searches", percentiles(&mut times));
    }
    println!("{:32} {} ms", "all of them", percentiles(&mut every));

    let mut reciprocal = 0.0;
    for (query, call, utterance) in &planted {
        let hits = log.search(query, &all(), 20, NOW).unwrap().hits;
        let rank = hits.iter().position(|h| h.call == *call && h.utterance == *utterance);
        reciprocal += rank.map_or(0.0, |r| 1.0 / (r + 1) as f64);
    }
    println!(
        "known item by its three longest words: mean reciprocal rank {:.3} of {}",
        reciprocal / planted.len() as f64,
        planted.len()
    );
}

fn percentiles(times: &mut [f64]) -> String {
    times.sort_by(f64::total_cmp);
    let at = |p: f64| times[((times.len() - 1) as f64 * p) as usize];
    format!("p50 {:6.2}  p95 {:6.2}  max {:6.2}", at(0.5), at(0.95), at(1.0))
}
