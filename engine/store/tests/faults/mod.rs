//! Seeded runs of the outbox in a hostile world: people who click, edit and revoke, a program that dies anywhere, a
//! system that fails in every way; then the journal is compared with what was approved.
#![allow(dead_code)] // each program uses its own part

pub mod dice;
pub mod made;
pub mod mortal;
pub mod people;
pub mod process;
pub mod world;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    audit::{Actor, Head, verify_chain},
    gate::Approved,
    outbox::{AuditBook, Clearing, Entry, Inbox, NotCleared, Queue, State, Step, VoidWhy, Worker, step},
};

use self::{
    made::{proposal, service},
    mortal::Mortal,
    people::People,
    world::{Planted, Sim, World},
};

/// Lets everything out: what may be sent to whom is another crate's matter.
pub struct AllClear;

impl Clearing for AllClear {
    fn clear(&self, _: &Approved, _: i64) -> Result<(), NotCleared> {
        Ok(())
    }
}

/// What a run, or many, came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub runs: u64,
    pub approvals: u64,
    pub writes: u64,
    pub done: u64,
    pub unapproved: u64,
    pub duplicate: u64,
    pub lost: u64,
    pub faults: BTreeMap<&'static str, u64>,
    /// What the first violations were.
    pub notes: Vec<String>,
}

impl Verdict {
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.approvals += other.approvals;
        self.writes += other.writes;
        self.done += other.done;
        self.unapproved += other.unapproved;
        self.duplicate += other.duplicate;
        self.lost += other.lost;
        for (fault, n) in other.faults {
            *self.faults.entry(fault).or_default() += n;
        }
        self.notes.extend(other.notes);
        self.notes.truncate(20);
    }

    pub fn is_clean(&self) -> bool {
        self.unapproved + self.duplicate + self.lost == 0
    }
}

/// The keeper of a run: in memory it outlives the program that dies, in a file it is opened anew.
pub struct Keeper<'a> {
    file: Option<&'a Path>,
    log: Mutex<Arc<SqliteLog>>,
}

impl<'a> Keeper<'a> {
    fn open(file: Option<&'a Path>) -> Self {
        let log = Self::opened(file);
        Self { file, log: Mutex::new(Arc::new(log)) }
    }

    fn opened(file: Option<&Path>) -> SqliteLog {
        file.map_or_else(SqliteLog::in_memory, |f| SqliteLog::open(f, SqliteOptions::default())).unwrap()
    }

    pub fn log(&self) -> Arc<SqliteLog> {
        Arc::clone(&self.log.lock().unwrap())
    }

    fn reopen(&self) {
        if self.file.is_some() {
            *self.log.lock().unwrap() = Arc::new(Self::opened(self.file));
        }
    }
}

/// One run; in memory, or in a file that is not there yet.
pub fn run(seed: u64, planted: Planted, file: Option<&Path>) -> Verdict {
    let world = World::new(seed, planted);
    let keeper = Keeper::open(file);
    let batch = format!("call-{seed}");
    let n = 2 + world.state().dice.roll(2);
    let first = world.state().dice.roll(8);
    let by = Actor::service("stages");
    let start = world.state().wall();
    let proposals: Vec<_> = (first..first + n).map(|nth| proposal(&batch, nth, "v0", start)).collect();
    let log = keeper.log();
    log.put_proposals(&proposals, &by, start).unwrap();
    drop(log);
    let people = People::new(&keeper, &world, proposals);
    people.restore();

    let mut life = 0;
    let events = 14 + world.state().dice.roll(10);
    for _ in 0..events {
        let what = world.state().dice.roll(100);
        match what {
            0..=44 => drop(turn(&keeper, &world, &people, &mut life)),
            45..=79 => people.act(),
            _ => {
                let mut state = world.state();
                // Seconds, minutes, now and then most of a day: approvals run out.
                let most = [5_000, 200_000, 1_000_000, 50_000_000][state.dice.roll(4) as usize];
                let pause = state.dice.roll(most);
                state.advance(pause);
            }
        }
    }
    drain(&keeper, &world, &people, &mut life);
    judge(seed, &keeper, &world, &people)
}

/// One step of the program; a new life of it if it died, with a clock that may have been set meanwhile.
fn turn(keeper: &Keeper<'_>, world: &World, people: &People<'_>, life: &mut u64) -> Option<Step> {
    if world.state().dead {
        keeper.reopen();
        *life += 1;
        let mut state = world.state();
        state.dead = false;
        let down = state.dice.roll(20_000);
        state.advance(down);
        if state.dice.chance(25) {
            state.count("clock set");
            let days = 3 * 86_400_000;
            state.offset += state.dice.roll(2 * days).cast_signed() - days.cast_signed();
        }
    }
    let log = keeper.log();
    let worker = Worker { run: format!("run-{life}"), service: people.service(), limits: world.limits() };
    let meddler = || people.act();
    let sim = Sim { world, meddler: &meddler };
    let mortal = Mortal { log: &log, world };
    let now = || {
        let mut state = world.state();
        state.advance(1);
        state.wall()
    };
    let step = step(&mortal, &[&sim], &worker, &AllClear, &now);
    match step {
        Ok(step) => Some(step),
        Err(error) => {
            assert!(world.state().dead, "only a dead program may fail: {error:?}");
            None
        }
    }
}

/// Faults end; everything that is on its way must arrive.
fn drain(keeper: &Keeper<'_>, world: &World, people: &People<'_>, life: &mut u64) {
    world.state().calm = true;
    people.restore();
    for _ in 0..200 {
        if let Some(Step::Idle { next_unix_ms }) = turn(keeper, world, people, life) {
            let Some(next) = next_unix_ms else { return };
            let mut state = world.state();
            let ahead = (next - state.wall()).clamp(1, 86_400_000);
            state.advance(ahead.unsigned_abs());
        }
    }
}

fn judge(seed: u64, keeper: &Keeper<'_>, world: &World, people: &People<'_>) -> Verdict {
    let log = keeper.log();
    let state = world.state();
    let approvals = people.approvals();
    let entries = log.entries(None, 0, 1_000).unwrap();
    let mut v = Verdict { runs: 1, faults: state.faults.clone(), ..Verdict::default() };
    v.approvals = approvals.len() as u64;
    v.writes = state.journal.len() as u64;
    let mut note = |text: String| v.notes.push(format!("seed {seed}: {text}"));
    let mut per_marker: BTreeMap<&str, u64> = BTreeMap::new();
    for landed in &state.journal {
        *per_marker.entry(&landed.marker).or_default() += 1;
        let covered = approvals.iter().any(|a| {
            a.marker == landed.marker
                && a.action == landed.action
                && a.seen_version == landed.seen_version
                && a.void_true.is_none_or(|t| landed.sent_true <= t)
                // The gate is asked a moment before the request goes out.
                && landed.sent_wall < a.expires_wall + 1_000
        });
        if !covered || landed.revoked {
            v.unapproved += 1;
            note(format!("unapproved: {landed:?}"));
        }
    }
    for (marker, n) in per_marker.iter().filter(|(_, n)| **n > 1) {
        v.duplicate += n - 1;
        note(format!("{n} times: {marker}"));
    }
    if entries.len() != approvals.len() {
        v.lost += 1;
        note(format!("{} approvals, {} entries", approvals.len(), entries.len()));
    }
    for entry in &entries {
        let end = match &entry.state {
            State::Done { .. } => "ended: done",
            State::Failed { .. } => "ended: failed",
            State::Void { why: VoidWhy::Expired } => "ended: void, expired",
            State::Void { why: VoidWhy::Edited } => "ended: void, edited",
            State::Void { why: VoidWhy::TakenBack } => "ended: void, taken back",
            State::Void { why: VoidWhy::TargetChanged { .. } } => "ended: void, target changed",
            _ => "ended: otherwise",
        };
        *v.faults.entry(end).or_default() += 1;
        let approval =
            approvals.iter().find(|a| a.digest == entry.approval.digest && a.at_wall == entry.approval.at_unix_ms);
        let Some(approval) = approval else {
            v.unapproved += 1;
            note(format!("an entry nobody approved: {entry:?}"));
            continue;
        };
        // All that was approved counts: the same change for another version of its target is another approval.
        let landed = state.journal.iter().any(|l| {
            l.marker == approval.marker && l.action == approval.action && l.seen_version == approval.seen_version
        });
        let done = |e: &Entry| matches!(e.state, State::Done { .. });
        let others = entries.iter().any(|e| done(e) && e.approval.digest == entry.approval.digest);
        match &entry.state {
            State::Done { .. } if landed => v.done += 1,
            // The same bytes approved twice, the first time in vain: what landed belongs to the other entry.
            State::Failed { .. } | State::Void { .. } if !landed || others => {}
            other => {
                v.lost += 1;
                note(format!("lost: {other:?}, landed {landed}, {entry:?}"));
            }
        }
    }
    if let Err(tampered) = verify_chain(&log.entries_from(0, 100_000).unwrap(), Head::default()) {
        v.lost += 1;
        note(tampered.to_string());
    }
    v
}

/// Enrols the identity of the runs.
pub fn enrol(log: &SqliteLog, name: &str, at: i64) {
    log.enrol(&service(name), &Actor::service("setup"), at).unwrap();
}
