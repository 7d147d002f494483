//! Fault runs of the outbox, as many as wanted: `--runs N --seed S [--threads T]`. Or one program to be killed, against
//! files: `--file DB --journal FILE --seed S [--drain]`, and `--file DB --journal FILE --compare` afterwards.
#![allow(clippy::unwrap_used)]

#[path = "../tests/faults/mod.rs"]
mod faults;

use std::{path::Path, process::ExitCode, thread, time::Instant};

use faults::{Verdict, process, run, world::Planted};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let text = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
    let number = |name: &str, default| text(name).map_or(default, |n| n.parse::<u64>().expect("write a whole number"));
    let flag = |name: &str| args.iter().any(|a| a == name);
    let seed = number("--seed", 1);
    if let (Some(file), Some(journal)) = (text("--file"), text("--journal")) {
        if !flag("--compare") {
            process::work(Path::new(file), Path::new(journal), seed, flag("--drain"));
            return ExitCode::SUCCESS;
        }
        return report(&process::compare(Path::new(file), Path::new(journal)));
    }
    let (runs, threads) = (number("--runs", 1_000), number("--threads", 1).max(1));
    let start = Instant::now();
    let mut all = Verdict::default();
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                scope.spawn(move || {
                    let mut all = Verdict::default();
                    for n in (part..runs).step_by(usize::try_from(threads).unwrap()) {
                        all.add(run(seed.wrapping_add(n), Planted::Nothing, None));
                    }
                    all
                })
            })
            .collect();
        for part in parts {
            all.add(part.join().unwrap());
        }
    });
    println!("seeds {seed}..{} in {:.1} s on {threads} threads", seed + runs, start.elapsed().as_secs_f64());
    report(&all)
}

fn report(v: &Verdict) -> ExitCode {
    println!("{} runs, {} approvals, {} writes", v.runs, v.approvals, v.writes);
    for (fault, n) in &v.faults {
        println!("{n:>9}  {fault}");
    }
    println!("{} unapproved, {} duplicate, {} lost", v.unapproved, v.duplicate, v.lost);
    for note in &v.notes {
        println!("{note}");
    }
    if v.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
