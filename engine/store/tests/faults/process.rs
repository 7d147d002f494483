//! A program to be killed: it proposes, approves and writes against a real file and a journal on disk until somebody
//! ends it; and the comparison of the two afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
    time::SystemTime,
};

use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Digest, canonical},
    audit::{Actor, Head, verify_chain},
    gate::{Action, Approved, Approver, Click},
    outbox::{AuditBook, Inbox, Limits, Queue, State, Step, Worker, step},
    system::{FieldInfo, Listing, ReadError, Receipt, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

use super::{
    AllClear, Verdict,
    dice::Dice,
    enrol,
    made::{SYSTEM, action, deal, proposal},
};

/// How much faster this program's clock runs, so that leases and waits pass within a test.
const FASTER: i64 = 200;

fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    // Counted from a day near now: a full count times the factor is no date.
    (i64::try_from(since.as_millis()).unwrap() - 1_780_000_000_000) * FASTER
}

/// A system whose records are lines of a file: marker and digest of the action.
struct Lines {
    journal: PathBuf,
    dice: Mutex<Dice>,
}

fn receipt() -> Receipt {
    Receipt { record: RecordRef { kind: RecordKind::Note, ..deal("1") }, version: None, url: None }
}

fn digest(action: &Action) -> String {
    Digest::of(&canonical(action)).to_string()
}

impl SystemOfRecord for Lines {
    fn name(&self) -> &str {
        SYSTEM
    }

    fn read(&self, _: &RecordRef) -> Result<Option<Record>, ReadError> {
        Ok(None)
    }

    fn list(&self, _: RecordKind, _: &Listing) -> Result<Vec<Record>, ReadError> {
        Ok(vec![])
    }

    fn fields(&self, _: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        Ok(vec![])
    }

    fn find(&self, write: &Approved) -> Result<Option<Receipt>, ReadError> {
        let marker = write.marker().as_str();
        let lines = fs::read_to_string(&self.journal).unwrap_or_default();
        Ok(lines.lines().any(|line| line.starts_with(marker)).then(receipt))
    }

    fn write(&self, write: &Approved) -> Result<Receipt, WriteError> {
        let roll = self.dice.lock().unwrap().roll(10);
        if roll == 0 {
            return Err(WriteError::NotDone { problem: "429".into(), wait_ms: 1_000 });
        }
        if roll == 1 {
            return Err(WriteError::Unknown { problem: "time-out".into() });
        }
        let line = format!("{} {}\n", write.marker().as_str(), digest(write.action()));
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.journal).unwrap();
        file.write_all(line.as_bytes()).unwrap();
        if roll == 2 { Err(WriteError::Unknown { problem: "connection reset".into() }) } else { Ok(receipt()) }
    }
}

/// Works until it is killed; with `drain` nothing new is proposed, and it ends when the outbox is empty.
pub fn work(file: &Path, journal: &Path, seed: u64, drain: bool) {
    let log = SqliteLog::open(file, SqliteOptions::default()).unwrap();
    enrol(&log, "writer", now());
    let mut dice = Dice(seed);
    let system = Lines { journal: journal.to_owned(), dice: Mutex::new(Dice(seed ^ 1)) };
    let worker = Worker { run: format!("run-{seed}-{}", now()), service: "writer".into(), limits: Limits::default() };
    let people = ["ada@example.com", "grace@example.com"].map(|name| Approver::person(name).unwrap());
    for round in 0_u64.. {
        if !drain {
            let batch = format!("call-{seed}-{round}");
            let new: Vec<_> = (0..4).map(|nth| proposal(&batch, nth, "v0", now())).collect();
            log.put_proposals(&new, &Actor::service("stages"), now()).unwrap();
            let mut clicks = vec![];
            for by in &people {
                for p in &new {
                    clicks.push((p.id.clone(), Click { by: by.clone(), shown: p.digest(), at_unix_ms: now() }));
                }
            }
            let taken = log.approve_batch(&clicks).unwrap().into_iter().filter(Result::is_ok).count();
            assert_eq!(taken, new.len(), "two clicks on each, one counts");
            // One is edited after all, and approved as edited.
            let p = &new[0];
            let click = |p: &reframe_workflow::gate::Proposal| Click {
                by: people[0].clone(),
                shown: p.digest(),
                at_unix_ms: now(),
            };
            let edited = log.revise(&p.id, &click(p), action(&batch, 0, "edited")).unwrap();
            log.approve(&p.id, &click(&edited)).unwrap();
            println!("approved");
        }
        for _ in 0..1 + dice.roll(12) {
            match step(&log, &[&system], &worker, &AllClear, &now).unwrap() {
                Step::Idle { next_unix_ms: None } if drain => return,
                Step::Idle { next_unix_ms: Some(_) } if drain => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                Step::Idle { .. } => break,
                _ => {}
            }
        }
    }
}

/// Compares the journal with the outbox, after a run that drained it.
pub fn compare(file: &Path, journal: &Path) -> Verdict {
    let log = SqliteLog::open(file, SqliteOptions::default()).unwrap();
    log.check().unwrap();
    let lines = fs::read_to_string(journal).unwrap_or_default();
    let mut landed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines.lines() {
        let (marker, digest) = line.split_once(' ').unwrap();
        landed.entry(marker).or_default().push(digest);
    }
    let mut v = Verdict { runs: 1, writes: lines.lines().count() as u64, ..Verdict::default() };
    v.duplicate = landed.values().map(|d| d.len() as u64 - 1).sum();
    let mut approved = BTreeSet::new();
    for entry in log.entries(None, 0, usize::MAX).unwrap() {
        v.approvals += 1;
        let proposal = log.revision(entry.proposal(), entry.approval.revision).unwrap().unwrap();
        let (marker, bytes) = (proposal.marker(), digest(&proposal.action));
        let there = landed.get(marker.as_str()).is_some_and(|d| d.contains(&bytes.as_str()));
        match entry.state {
            State::Done { .. } if there => {
                v.done += 1;
                approved.insert((marker.as_str().to_owned(), bytes));
            }
            State::Void { .. } | State::Failed { .. } if !there => {}
            other => {
                v.lost += 1;
                v.notes.push(format!("{other:?}, there {there}"));
            }
        }
    }
    for (marker, digests) in &landed {
        let unapproved = digests.iter().filter(|d| !approved.contains(&((*marker).to_owned(), (**d).to_owned())));
        v.unapproved += unapproved.count() as u64;
    }
    if let Err(tampered) = verify_chain(&log.entries_from(0, usize::MAX).unwrap(), Head::default()) {
        v.lost += 1;
        v.notes.push(tampered.to_string());
    }
    v
}
