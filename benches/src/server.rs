//! What a server takes: memory and processor time with several calls at once.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reframe_bots::play::{self, Player};
use serde_json::{Value, json};

use crate::process;

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
}

/// The server; killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _already_waited = self.0.wait();
    }
}

/// Runs it.
///
/// # Errors
/// If the program is missing, or a call fails.
pub fn run(args: &Args) -> anyhow::Result<Value> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("reframe.toml"), format!("version = 1\n[limits]\nmax_calls = {}\n", args.calls))?;
    let mut child = Command::new(process::reframe()?)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the server cannot be started")?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let server = Server(child);
    let (mut addr, mut token) = (None, None);
    while token.is_none() {
        let Some(line) = lines.next() else { bail!("the server did not start") };
        let line = line?;
        addr = addr.or_else(|| line.strip_prefix("listening on http://").map(str::to_owned));
        token = line.strip_prefix("token:").map(|t| t.trim().to_owned());
    }
    std::thread::spawn(move || lines.for_each(drop));
    let (addr, token) = (addr.context("no address")?, token.context("no token")?);
    let pid = server.0.id();
    let idle_kib = process::status_kib(pid, "VmRSS")?;
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/calls/demo");
    let call = play::load(&[fixture], &[])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let begun = (Instant::now(), process::cpu_s(pid)?);
    let players: Vec<_> = (0..args.calls)
        .map(|_| {
            let player = Player::new(format!("ws://{addr}/v1/ingest")).token(&token).add(call.clone());
            runtime.spawn(player.run())
        })
        .collect();
    let mut most_kib = 0;
    while begun.0.elapsed() < Duration::from_secs(args.seconds)
        && !players.iter().any(tokio::task::JoinHandle::is_finished)
    {
        std::thread::sleep(Duration::from_millis(250));
        most_kib = most_kib.max(process::status_kib(pid, "VmRSS")?);
    }
    let (wall_s, cpu_s) = (begun.0.elapsed().as_secs_f64(), process::cpu_s(pid)? - begun.1);
    let finished: Vec<_> = players.iter().filter(|p| p.is_finished()).collect();
    if wall_s < args.seconds as f64 * 0.9 && !finished.is_empty() && wall_s < 30.0 {
        bail!("a call ended after {wall_s:.1} s: too early to measure");
    }
    let per_track = cpu_s / wall_s / f64::from(args.calls * 2);
    println!("{} calls, {} tracks, {wall_s:.1} s", args.calls, args.calls * 2);
    println!(
        "memory: {} MiB idle, {} MiB at most with the calls ({:.1} MiB per call)",
        idle_kib / 1024,
        most_kib / 1024,
        (most_kib.saturating_sub(idle_kib)) as f64 / 1024.0 / f64::from(args.calls)
    );
    println!("processor: {:.3} of one core in all, {per_track:.4} per track", cpu_s / wall_s);
    Ok(json!({
        "calls": args.calls, "wall_s": wall_s, "idle_mib": idle_kib as f64 / 1024.0, "most_mib": most_kib as f64 / 1024.0,
        "of_one_core": cpu_s / wall_s, "of_one_core_per_track": per_track,
    }))
}
