//! A process that appends is killed with SIGKILL at random moments: every event it had acknowledged must be there.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::{
    collections::BTreeMap,
    env,
    hash::{BuildHasher, Hasher},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::made::{call, id, nth, run};
use reframe_store::{Append, CallState, EventLog, SqliteLog, SqliteOptions};

const CALLS: [&str; 3] = ["one", "two", "three"];
const ROUNDS: u64 = 15;
/// Tells the copy of this program that it is the one to be killed, and where its file is.
const FILE: &str = "REFRAME_KILL_TEST_FILE";
/// Seed of a run, to repeat one.
const SEED: &str = "REFRAME_KILL_TEST_SEED";

/// splitmix64 (Steele, Lea, Flood 2014): small, and good enough to pick moments and sizes.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

fn next_seqs(log: &SqliteLog) -> BTreeMap<&'static str, u64> {
    CALLS.iter().map(|name| (*name, log.call(&id(name)).unwrap().map_or(0, |r| r.next_seq))).collect()
}

/// The program that is killed: appends to three calls until then, in batches of random size, and says what was
/// acknowledged. Does nothing when run as an ordinary test.
#[test]
fn appends_until_killed() {
    let Some(file) = env::var_os(FILE) else { return };
    let mut dice = Dice(env::var(SEED).unwrap().parse().unwrap());
    let log = SqliteLog::open(Path::new(&file), SqliteOptions::default()).unwrap();
    let mut next = next_seqs(&log);
    loop {
        let batch: Vec<_> = CALLS
            .iter()
            .map(|name| {
                let from = next[name];
                (*name, id(name), from, run(name, from..from + dice.roll(40)))
            })
            .collect();
        let parts: Vec<_> =
            batch.iter().map(|(_, call, from, events)| Append { call, expected_seq: *from, events }).collect();
        let results = log.append_batch(&parts).unwrap();
        let mut said = String::new();
        for ((name, ..), result) in batch.iter().zip(results) {
            let done = result.unwrap();
            next.insert(name, done.next_seq);
            said += &format!("acknowledged {name} {}\n", done.next_seq);
        }
        // One write: the parent must not hear half a line of what was promised.
        std::io::stdout().write_all(said.as_bytes()).unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.db");
    let seed = env::var(SEED)
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| std::collections::hash_map::RandomState::new().build_hasher().finish() >> 1);
    println!("seed {seed} (repeat with {SEED}={seed})");
    let mut dice = Dice(seed);
    {
        let log = SqliteLog::open(&file, SqliteOptions::default()).unwrap();
        for name in CALLS {
            log.create(&call(name)).unwrap();
        }
    }
    let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::appends_until_killed", "--nocapture"])
            .env(FILE, &file)
            .env(SEED, (seed + round).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        // Wait for the first word, so that the killing falls among appends and not before them; now and then don't, so
        // that it falls into opening and recovery as well.
        let wait_for_first = dice.roll(4) != 0;
        let mut take = |line: String| {
            if let Some(("acknowledged", rest)) = line.split_once(' ') {
                let (name, next) = rest.split_once(' ').unwrap();
                acknowledged.insert(name.to_owned(), next.parse().unwrap());
            }
        };
        if wait_for_first {
            for line in said.by_ref() {
                let line = line.unwrap();
                let first = line.starts_with("acknowledged");
                take(line);
                if first {
                    break;
                }
            }
        }
        let wait_us = dice.roll(150_000);
        let reader = std::thread::spawn(move || said.map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_micros(wait_us));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap().into_iter().for_each(&mut take);

        let log = SqliteLog::open(&file, SqliteOptions::default()).unwrap();
        log.check().unwrap();
        for name in CALLS {
            let events = log.read(&id(name), 0).unwrap();
            let promised = acknowledged.get(name).copied().unwrap_or(0);
            assert!(
                events.len() as u64 >= promised,
                "seed {seed}, round {round}: {promised} events of call {name} were acknowledged, {} are there",
                events.len()
            );
            for (seq, found) in (0..).zip(&events) {
                assert_eq!(*found, nth(name, seq), "seed {seed}, round {round}, call {name}");
            }
            let record = log.call(&id(name)).unwrap().unwrap();
            assert_eq!((record.next_seq, record.state), (events.len() as u64, CallState::Open));
        }
    }
    let total: u64 = acknowledged.values().sum();
    println!("{ROUNDS} kills, {total} events acknowledged, all there");
    assert!(total > 0, "seed {seed}: no round got as far as an append");
}
