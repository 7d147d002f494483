//! What the operating system knows about a process: memory and processor time.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// The `reframe` program beside this one.
///
/// # Errors
/// If it was not built.
pub fn reframe() -> anyhow::Result<PathBuf> {
    beside("reframe", "cargo build --release")
}

/// The `reframe-bot` program beside this one.
///
/// # Errors
/// If it was not built.
pub fn reframe_bot() -> anyhow::Result<PathBuf> {
    beside("reframe-bot", "cargo build --release -p reframe-bots")
}

fn beside(name: &str, build: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        bail!("{} is not there; build it with: {build}", path.display());
    }
    Ok(path)
}

/// What a program took that ran to its end.
#[derive(Debug)]
pub struct Ran {
    /// From its start to its end.
    pub wall: Duration,
    /// Processor time of all its threads, in seconds, as last seen.
    pub cpu_s: f64,
    /// Most memory it had, in KiB, as last seen.
    pub most_kib: u64,
    /// What it printed.
    pub output: String,
}

/// Runs a program to its end and looks at it meanwhile.
///
/// # Errors
/// If it cannot be run or fails; then with what it said.
pub fn run(command: &mut Command) -> anyhow::Result<Ran> {
    /// How often memory and processor time are looked at.
    const LOOK: Duration = Duration::from_millis(5);
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the program cannot be started")?;
    let (out, err) = (child.stdout.take().context("no output")?, child.stderr.take().context("no output")?);
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            from.read_to_string(&mut text).map(|_| text)
        })
    };
    let (out, err) = (read(Box::new(out)), read(Box::new(err)));
    let (mut cpu, mut most_kib) = (0.0, 0);
    let status = loop {
        // Gone, but not waited for yet, it has no memory any more: what was seen last counts.
        most_kib = status_kib(child.id(), "VmHWM").unwrap_or(0).max(most_kib);
        cpu = cpu_s(child.id()).unwrap_or(0.0).max(cpu);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    let wall = begun.elapsed();
    let text =
        |t: std::thread::JoinHandle<std::io::Result<String>>| t.join().ok().and_then(Result::ok).unwrap_or_default();
    let (output, said) = (text(out), text(err));
    if !status.success() {
        bail!("{command:?} failed ({status}): {}", said.trim());
    }
    Ok(Ran { wall, cpu_s: cpu, most_kib, output })
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
    stat(&text).map(|(_, s)| s).context("the processor time cannot be read")
}

/// All threads of a process that run now: number, name (at most 15 characters), processor seconds.
///
/// # Errors
/// If there is no such process (Linux only).
pub fn threads(pid: u32) -> anyhow::Result<BTreeMap<u32, (String, f64)>> {
    let all = std::fs::read_dir(format!("/proc/{pid}/task")).context("threads can only be listed on Linux")?;
    let read = all.filter_map(|entry| {
        let path = entry.ok()?.path();
        let tid = path.file_name()?.to_str()?.parse().ok()?;
        // One that has ended meanwhile is passed by.
        let (name, s) = stat(&std::fs::read_to_string(path.join("stat")).ok()?)?;
        Some((tid, (name, s)))
    });
    Ok(read.collect())
}

/// Name and processor seconds in the text of a `stat` file.
fn stat(text: &str) -> Option<(String, f64)> {
    // Fields 14 and 15 count from the start; the name in field 2 may hold blanks, so count from its closing bracket.
    let (before, after_name) = text.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12))?;
    // Linux reports these in hundredths of a second to every program (USER_HZ).
    Some((name, (user + system) / 100.0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_does_not_shift_the_fields() {
        let text = "7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 3 0 1 2 3\n";
        assert_eq!(stat(text), Some(("a (b) c".into(), 2.0)));
        assert_eq!(stat("7 (x"), None);
    }

    #[test]
    fn a_program_is_run_and_its_failure_told() {
        let ran = run(Command::new("sh").args(["-c", "echo done"])).unwrap();
        assert_eq!(ran.output, "done\n");
        let error = run(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("no") && error.contains('3'), "{error}");
    }
}
