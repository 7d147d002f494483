//! What a server takes: memory and processor time with several calls at once.

use std::time::{Duration, Instant};

use anyhow::bail;
use reframe_bots::play;
use serde_json::{Value, json};

use crate::{
    process,
    serving::{Over, Serving, fixture},
};

/// Memory and processor time of a server with several calls
///
/// Starts `reframe serve`, plays the demo call into it several times at once, in real time, each as a call of its own,
/// and samples the server's memory and processor time.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Calls at the same time, two tracks each
    #[arg(long, default_value_t = 4)]
    calls: u32,
    /// Stop after this many seconds of the call
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How the sound gets in
    #[arg(long, value_enum, default_value = "socket")]
    over: Over,
}

/// Runs it.
///
/// # Errors
/// If the program is missing, or a call fails.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let server = Serving::start(args.calls)?;
    let idle_kib = server.memory_kib()?;
    let call = play::load(&[fixture("demo")], &[])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let begun = (Instant::now(), process::cpu_s(server.pid())?);
    let players: Vec<_> =
        (0..args.calls).map(|_| runtime.spawn(server.player(args.over).add(call.clone()).run())).collect();
    let mut most_kib = 0;
    while begun.0.elapsed() < Duration::from_secs(args.seconds)
        && !players.iter().any(tokio::task::JoinHandle::is_finished)
    {
        std::thread::sleep(Duration::from_millis(250));
        most_kib = most_kib.max(server.memory_kib()?);
    }
    let (wall_s, cpu_s) = (begun.0.elapsed().as_secs_f64(), process::cpu_s(server.pid())? - begun.1);
    let finished: Vec<_> = players.iter().filter(|p| p.is_finished()).collect();
    if wall_s < args.seconds as f64 * 0.9 && !finished.is_empty() && wall_s < 30.0 {
        bail!("a call ended after {wall_s:.1} s: too early to measure");
    }
    let per_track = cpu_s / wall_s / f64::from(args.calls * 2);
    println!("{} calls over {}, {} tracks, {wall_s:.1} s", args.calls, args.over.as_str(), args.calls * 2);
    println!(
        "memory: {} MiB idle, {} MiB at most with the calls ({:.1} MiB per call)",
        idle_kib / 1024,
        most_kib / 1024,
        (most_kib.saturating_sub(idle_kib)) as f64 / 1024.0 / f64::from(args.calls)
    );
    println!("processor: {:.3} of one core in all, {per_track:.4} per track", cpu_s / wall_s);
    Ok(json!({
        "calls": args.calls, "over": args.over.as_str(), "wall_s": wall_s, "idle_mib": idle_kib as f64 / 1024.0,
        "most_mib": most_kib as f64 / 1024.0, "of_one_core": cpu_s / wall_s, "of_one_core_per_track": per_track,
    }))
}
