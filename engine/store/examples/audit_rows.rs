//! How long the whole record of one proposal takes among many entries: `--rows N` (1,000,000), in a file that is thrown
//! away.
#![allow(clippy::unwrap_used)]

#[path = "../tests/faults/mod.rs"]
mod faults;

use std::time::Instant;

use faults::made::proposal;
use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::ArtifactId,
    audit::{Actor, Happening, Head, What, verify_chain},
    outbox::{AuditBook, Inbox, whole_record},
};

fn main() {
    let rows: u64 = std::env::args().skip_while(|a| a != "--rows").nth(1).map_or(1_000_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let start = Instant::now();
    let mut wanted = None;
    for block in 0..rows.div_ceil(10_000) {
        if block == rows / 20_000 {
            let p = proposal("wanted", 0, "v0", 1);
            log.put_proposals(std::slice::from_ref(&p), &Actor::service("stages"), 1).unwrap();
            wanted = Some(p);
        }
        let entries: Vec<_> = (block * 10_000..rows.min((block + 1) * 10_000))
            .map(|n| Happening {
                at_unix_ms: n.cast_signed(),
                by: Actor::service("writer"),
                what: What::WriteAttempted,
                // Six entries to a proposal, twenty proposals to a call.
                subjects: vec![
                    ArtifactId::of("proposal", &(n / 6).to_be_bytes()).to_string(),
                    ArtifactId::of("note_proposal", &(n / 120).to_be_bytes()).to_string(),
                    format!("call-{}", n / 120),
                ],
                detail: format!("outbox {n} attempt 1"),
            })
            .collect();
        log.note(&entries).unwrap();
    }
    println!("{rows} entries in {:.1} s", start.elapsed().as_secs_f64());
    drop(log);
    let size = std::fs::metadata(&path).unwrap().len();
    // Opened anew: nothing is in our caches.
    let log = SqliteLog::open(&path, SqliteOptions::default()).unwrap();
    let start = Instant::now();
    let found = whole_record(&log, &wanted.unwrap().id).unwrap().len();
    println!("whole record of a proposal: {found} entries in {:.3} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let found = log.record_of("call-17").unwrap().len();
    println!("record of a call: {found} entries in {:.3} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    let mut head = Head::default();
    while head.next < log.head().unwrap().next {
        head = verify_chain(&log.entries_from(head.next, 10_000).unwrap(), head).unwrap();
    }
    println!("whole chain verified in {:.1} s; file of {} MB", start.elapsed().as_secs_f64(), size / 1_000_000);
}
