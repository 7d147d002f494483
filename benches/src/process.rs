//! What the operating system knows about a process: memory and processor time.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};

/// The `reframe` program beside this one.
///
/// # Errors
/// If it was not built.
pub fn reframe() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("reframe");
    if !path.is_file() {
        bail!("{} is not there; build it with: cargo build --release", path.display());
    }
    Ok(path)
}

/// Runs this program again with the tensor library on one core, as the server is run: it reads the number of threads from
/// the environment when it is first used, and would spread even small products over all cores. `None` in the second run.
pub fn again_on_one_core() -> Option<ExitCode> {
    const NAME: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(NAME).is_some() {
        return None;
    }
    let mut again = std::process::Command::new(std::env::current_exe().ok()?);
    let status = again.args(std::env::args_os().skip(1)).env(NAME, "1").status().ok()?;
    Some(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1).into())
}

/// A line of `/proc/PID/status` in KiB.
///
/// # Errors
/// If there is no such process or line (Linux only).
pub fn status_kib(pid: u32, field: &str) -> anyhow::Result<u64> {
    let text =
        std::fs::read_to_string(format!("/proc/{pid}/status")).context("memory can only be measured on Linux")?;
    let line = text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("no {field} for process {pid}"))
}

/// Processor seconds used by all threads of a process, those that ended included.
///
/// # Errors
/// If there is no such process (Linux only).
pub fn cpu_s(pid: u32) -> anyhow::Result<f64> {
    let text =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).context("processor time can only be measured on Linux")?;
    // Fields 14 and 15 count from the start; the name in field 2 may hold blanks, so count from its closing bracket.
    let after_name = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok());
    let total = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
    // Linux reports these in hundredths of a second to every program (USER_HZ).
    total.map(|t| t / 100.0).context("the processor time cannot be read")
}

/// Processor seconds used by the calling thread, to the microsecond; what other programs take does not count.
///
/// # Errors
/// If it cannot be read (Linux only).
pub fn thread_cpu_s() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .context("processor time can only be measured on Linux")?;
    let ns: f64 = text.split_whitespace().next().and_then(|n| n.parse().ok()).context("schedstat cannot be read")?;
    Ok(ns / 1e9)
}
