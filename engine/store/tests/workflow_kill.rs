//! A program that approves and writes is killed with SIGKILL at random moments: then all that was approved is written,
//! once.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

use std::{
    env,
    hash::{BuildHasher, Hasher},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::faults::{dice::Dice, process};

const KILLS: u64 = 15;
/// Folder of the copy of this program that is to be killed.
const FOLDER: &str = "REFRAME_OUTBOX_KILL_FOLDER";
/// Seed of a run, to repeat one.
const SEED: &str = "REFRAME_OUTBOX_KILL_SEED";
/// Set in the last copy: it works off what is left.
const DRAIN: &str = "REFRAME_OUTBOX_KILL_DRAIN";

/// The program that is killed. Does nothing when run as an ordinary test.
#[test]
fn works_until_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let seed = env::var(SEED).unwrap().parse().unwrap();
    process::work(&folder.join("calls.db"), &folder.join("journal"), seed, env::var_os(DRAIN).is_some());
}

fn start(folder: &Path, seed: u64, drain: bool) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "workflow_kill::works_until_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string());
    if drain {
        command.env(DRAIN, "1");
    }
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn what_was_approved_is_written_once_however_often_the_program_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let seed = env::var(SEED)
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| std::collections::hash_map::RandomState::new().build_hasher().finish() >> 1);
    println!("seed {seed} (repeat with {SEED}={seed})");
    let mut dice = Dice(seed);
    for round in 0..KILLS {
        let mut child = start(folder.path(), seed.wrapping_add(round), false);
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        // Mostly among writes; now and then into opening.
        if dice.roll(4) != 0 {
            said.by_ref().map_while(Result::ok).find(|line| line.ends_with("approved"));
        }
        let reader = std::thread::spawn(move || said.count());
        std::thread::sleep(Duration::from_micros(dice.roll(150_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
    }
    let mut last = start(folder.path(), seed.wrapping_add(KILLS), true);
    assert!(last.wait().unwrap().success());
    let verdict = process::compare(&folder.path().join("calls.db"), &folder.path().join("journal"));
    println!("{KILLS} kills, {} approvals, {} writes", verdict.approvals, verdict.writes);
    assert!(verdict.is_clean(), "seed {seed}: {verdict:?}");
    assert!(verdict.done > 0, "seed {seed}: no round got as far as a write");
}
