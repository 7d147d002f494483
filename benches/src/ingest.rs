//! From a packet's arrival to its 16 kHz frame, with few calls and with many.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reframe_bots::play;
use serde_json::{Value, json};

use crate::serving::{Over, Serving, fixture};

/// From a packet's arrival to its 16 kHz frame
///
/// Plays the demo call over the network in real time into a server that is a process of its own, once alone and once
/// several times at the same time, and reads what the server measured.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Calls at the same time; one measurement for each
    #[arg(long, value_delimiter = ',', default_value = "1,10")]
    calls: Vec<u32>,
    /// How long to measure
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How the sound gets in
    #[arg(long, value_enum, default_value = "whip")]
    over: Over,
}

/// Runs it.
///
/// # Errors
/// If the program is missing, or a call fails.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let call = play::load(&[fixture("demo")], &[])?;
    println!(
        "{:>5} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "calls", "frames", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "max ms"
    );
    let mut rows = Vec::new();
    for &calls in &args.calls {
        let server = Serving::start(calls)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut players = tokio::task::JoinSet::new();
        for _ in 0..calls {
            players.spawn_on(server.player(args.over).add(call.clone()).run(), runtime.handle());
            // As calls do, they do not begin all in the same millisecond.
            std::thread::sleep(Duration::from_millis(37));
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(args.seconds) {
            std::thread::sleep(Duration::from_millis(500));
            match players.try_join_next() {
                // Too short a call for the time asked for: what there is will do.
                Some(Ok(Ok(_))) => break,
                Some(Ok(Err(error))) => return Err(error.context("a call failed")),
                Some(Err(error)) => return Err(error).context("a call's task died"),
                None => {}
            }
        }
        let f = server.packet_to_frame()?;
        let frames = f.n as f64;
        // Two participants, 50 frames a second each.
        let expected = f64::from(calls) * 100.0 * begun.elapsed().as_secs_f64();
        ensure!(frames > expected * 0.9, "{frames} frames were measured; {expected:.0} were sent");
        println!(
            "{calls:>5} {frames:>8} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
            f.p50_ms, f.p90_ms, f.p95_ms, f.p99_ms, f.max_ms
        );
        rows.push(json!({
            "calls": calls, "frames": frames, "p50_ms": f.p50_ms, "p90_ms": f.p90_ms, "p95_ms": f.p95_ms, "p99_ms": f.p99_ms,
            "max_ms": f.max_ms,
        }));
    }
    Ok(json!({"over": args.over.as_str(), "rows": rows}))
}
