//! How many calls at once: more and more of them, until cards are late or something is shed.

mod picture;
mod rest;
mod slot;
mod step;
mod watch;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use reframe_bots::play::Call;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, channel};

use self::{
    slot::{News, Shared},
    step::{Step, header, line, per_call_mib, step},
};
use crate::{
    record,
    sample_call::SampleCall,
    serving::{Over, Serving},
};

/// Of the most that went well, this share is held for long.
const HELD: f64 = 0.8;
/// A generator that is later than this with its packets measures itself.
const GENERATOR_LATE_MS: u64 = 250;
/// Cards and ended calls that may wait to be counted: an hour of thirty calls.
const NEWS: usize = 8_192;

/// How many calls at once: card latency, memory, processor time and what is shed, call by call more
///
/// Starts `reframe serve` as a process of its own and plays fixture calls into it, two participants each, in real time,
/// every one with a screen that watches; a call that ends is followed by another. Calls are added until 95 of 100 cards are
/// no longer there within a second or something is shed; then four fifths of the most that went well are held. The players
/// run on the same machine: what they take is measured and said.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Calls to begin with
    #[arg(long, default_value_t = 4)]
    from: u32,
    /// Calls added at each step
    #[arg(long, default_value_t = 4)]
    step: u32,
    /// Most calls
    #[arg(long, default_value_t = 64)]
    most: u32,
    /// How long each step is measured, in seconds; ten more pass before, for the new calls to begin
    #[arg(long, default_value_t = 90)]
    hold: u64,
    /// How long four fifths are held, as 10m or 1h; 0s: not at all
    #[arg(long, default_value = "10m", value_parser = seconds)]
    soak: u64,
    /// Silent calls for the measurement at rest
    #[arg(long, default_value_t = 20)]
    silent: u32,
    /// How the sound gets in
    #[arg(long, value_enum, default_value = "socket")]
    over: Over,
    /// Which fixture calls, in turn
    #[arg(long, value_delimiter = ',', default_value = "demo,cold-call,procurement,no-objection,real-speech")]
    calls: Vec<String>,
    /// Few calls for a short time, to see in a minute that everything works; goals are not looked at
    #[arg(long)]
    quick: bool,
}

/// How much is measured.
struct Extent {
    from: u32,
    step: u32,
    most: u32,
    /// How long new calls are given to begin, in seconds.
    settle: u64,
    /// How long a step is measured, in seconds.
    hold: u64,
    soak: u64,
    starts: usize,
    silent: u32,
    /// How long silence is measured, in seconds.
    rest: u64,
}

impl Extent {
    fn of(args: &Args) -> Self {
        if args.quick {
            // Long enough for the first objection of the short call, which comes six seconds after the call begins.
            return Self { from: 1, step: 1, most: 2, settle: 2, hold: 8, soak: 0, starts: 1, silent: 2, rest: 2 };
        }
        let (from, step) = (args.from.max(1), args.step.max(1));
        let (most, hold, soak, silent) = (args.most, args.hold, args.soak, args.silent);
        Self { from, step, most, settle: 10, hold, soak, starts: 5, silent, rest: 30 }
    }

    /// The first calls begin somewhere within so many ms.
    const fn spread_ms(&self) -> u64 {
        (self.settle - 1) * 1_000
    }
}

fn calls(args: &Args) -> anyhow::Result<Vec<SampleCall>> {
    if args.quick {
        return Ok(vec![SampleCall::short()?]);
    }
    args.calls.iter().map(|name| SampleCall::load(name)).collect()
}

/// Runs it.
///
/// # Errors
/// If the program is missing, a fixture is, or what comes out cannot be.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let extent = Extent::of(args);
    let Extent { from, step, most, hold, soak, silent, .. } = extent;
    let ready = rest::cold_starts(extent.starts)?;
    println!("from start to taking connections: {:.0} ms (the middle of {})", ready.p50_ms, ready.n);
    let (idle, idle_mib) = rest::at_rest(silent, extent.rest)?;
    println!("{silent} silent calls: {:.1} % of a core, {idle_mib:.0} MiB", idle * 100.0);

    let samples = calls(args)?;
    let longest = samples.iter().map(SampleCall::length_ms).max().unwrap_or(0) / 1_000;
    let names: Vec<String> = samples.iter().map(|sample| sample.name.clone()).collect();
    let calls: Vec<Call> = samples.into_iter().map(|sample| sample.call).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let server = Serving::start(most.max(from) + 1)?;
    let empty_kib = server.memory_kib()?;
    let (shared, mut ended) = shared(&server, args.over, calls.clone());
    let mut slots = 0;
    let mut add = |upto: u32| {
        while slots < upto {
            slots += 1;
            runtime.spawn(slot::run(Arc::clone(&shared), u64::from(slots), extent.spread_ms()));
        }
    };
    header();
    let mut steps: Vec<Step> = Vec::new();
    let mut at = from;
    loop {
        add(at);
        let measured = measure(&server, &shared, &mut ended, at, (extent.settle, hold))?;
        line(&measured);
        let well = measured.went_well();
        steps.push(measured);
        if !well && !args.quick || at >= most {
            break;
        }
        at = (at + step).min(most);
    }
    shared.stop.store(true, Ordering::Relaxed);
    let best = steps.iter().rev().find(|s| s.went_well()).cloned();
    let per_call = per_call_mib(&steps);
    drop(server);
    drop(runtime);

    let held = match &best {
        Some(best) if soak > 0 => {
            Some(hold_at(((f64::from(best.calls) * HELD) as u32).max(1), &extent, args.over, calls)?)
        }
        _ => None,
    };
    let last = steps.last().context("nothing was measured")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    steps.iter().chain(&held).try_for_each(|step| step.check(cores))?;
    ensure!(
        (0.0..cores).contains(&idle) && ready.p50_ms > 0.0,
        "{idle} cores in silence, {} ms to start",
        ready.p50_ms
    );
    ensure!(
        steps.iter().any(|s| s.cards.n > 0),
        "no card came: --hold is too short for these calls, or nothing is heard"
    );
    ensure!(shared.untold.load(Ordering::Relaxed) == 0, "more cards came than could be counted");
    let most_late = steps.iter().map(|s| s.generator_late_ms).max().unwrap_or(0);
    if most_late > GENERATOR_LATE_MS {
        println!(
            "the players themselves were up to {most_late} ms late with their packets: the machine was too busy to trust the last steps"
        );
    }
    println!("\nfixture calls of up to {longest} s, one after the other; {} MiB without a call", empty_kib / 1024);
    println!("memory: {per_call:.1} MiB per added call");
    if let Some(best) = &best {
        let cores = best.engine_cores.max(1e-9);
        println!(
            "{} calls went well: {:.2} cores of the server ({:.1} calls per core) beside {:.2} of the players",
            best.calls,
            best.engine_cores,
            f64::from(best.calls) / cores,
            best.generator_cores
        );
    }
    for (name, share) in last.stages.as_object().into_iter().flatten() {
        println!("  {name:44} {:>6.3} cores", share.as_f64().unwrap_or(0.0));
    }
    if let Some(held) = &held {
        header();
        line(held);
    }
    if keep {
        let path = record::beside("load", "svg")?;
        std::fs::write(&path, picture::picture(&steps))?;
        println!("drawn in {}", path.display());
    }
    let per_core = best.as_ref().map(|b| f64::from(b.calls) / b.engine_cores.max(1e-9));
    let goals = json!({
        "calls_of_20": best.as_ref().map(|b| b.calls), "silent_calls_under_0_1_core": idle, "mib_per_call_under_15": per_call,
        "ready_ms_under_1500": ready.p50_ms,
    });
    Ok(json!({
        "over": args.over.as_str(), "fixtures": names, "quick": args.quick, "hold_s": hold, "cold_start": ready,
        "silent": {"calls": silent, "cores": idle, "mib": idle_mib}, "empty_mib": empty_kib / 1024,
        "steps": steps, "calls": best.as_ref().map(|b| b.calls), "calls_per_core": per_core, "mib_per_call": per_call,
        "held_s": soak, "held": held, "goals": goals,
        "note": "players and screens ran on the same machine; their processor time is generator_cores and not the server's",
    }))
}

/// What the slots share, and where they tell.
fn shared(server: &Serving, over: Over, calls: Vec<Call>) -> (Arc<Shared>, Receiver<News>) {
    let (tell, told) = channel(NEWS);
    let (stop, untold, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    (Arc::new(Shared { server: server.connection(), over, calls, stop, tell, untold, refused }), told)
}

/// Lets new calls begin for so many seconds, then measures for so many.
fn measure(
    server: &Serving,
    shared: &Shared,
    ended: &mut Receiver<News>,
    calls: u32,
    (settle, hold): (u64, u64),
) -> anyhow::Result<Step> {
    std::thread::sleep(Duration::from_secs(settle));
    while ended.try_recv().is_ok() {}
    let (begun, refused) = (Instant::now(), shared.refused.load(Ordering::Relaxed));
    let stretch = watch::watch(server, Duration::from_secs(hold))?;
    let mut news = Vec::new();
    while let Ok(one) = ended.try_recv() {
        news.push(one);
    }
    Ok(step(calls, &stretch, &news, begun, shared.refused.load(Ordering::Relaxed) - refused))
}

/// Holds so many calls in a fresh server.
fn hold_at(calls: u32, extent: &Extent, over: Over, fixtures: Vec<Call>) -> anyhow::Result<Step> {
    println!("\nholding {calls} calls for {} s", extent.soak);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let server = Serving::start(calls + 1)?;
    let (shared, mut ended) = shared(&server, over, fixtures);
    for n in 0..calls {
        runtime.spawn(slot::run(Arc::clone(&shared), u64::from(n), extent.spread_ms()));
    }
    let held = measure(&server, &shared, &mut ended, calls, (extent.settle, extent.soak));
    shared.stop.store(true, Ordering::Relaxed);
    held
}

/// Seconds of a text like `90s`, `10m`, `1h`.
fn seconds(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is no time: write 90s, 10m or 1h");
    let (number, factor) = match text.char_indices().last().ok_or_else(bad)? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3_600),
        _ => return Err(bad()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!((seconds("90s"), seconds("10m"), seconds("1h"), seconds("0s")), (Ok(90), Ok(600), Ok(3_600), Ok(0)));
        assert!(seconds("10").is_err() && seconds("").is_err() && seconds("xm").is_err());
    }
}
