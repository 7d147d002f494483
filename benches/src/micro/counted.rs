//! Instructions of one run of a piece, by valgrind's callgrind: the same on a busy machine as on a quiet one.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use super::bodies::{self, Body};

/// Runs before the one that is counted, so that what is made on first use is there.
const BEFORE: usize = 2;

/// Whether valgrind can be run.
pub fn there() -> bool {
    let ran = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    ran.is_ok_and(|status| status.success())
}

/// Instructions of one run of `name`, counted in a process of its own.
///
/// # Errors
/// If valgrind fails or says something unexpected.
pub fn instructions(name: &str, folder: &Path) -> anyhow::Result<u64> {
    let file = folder.join("callgrind.out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--toggle-collect=*counted_once*"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["micro", "--count", name])
        .stdin(Stdio::null())
        .output()
        .context("valgrind cannot be run")?;
    if !output.status.success() {
        bail!(
            "valgrind failed on {name:?}: {}",
            String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default()
        );
    }
    let text = std::fs::read_to_string(&file).context("callgrind left nothing")?;
    match total(&text) {
        Some(0) | None => bail!("callgrind counted nothing in {name:?}: is the program stripped of its symbols?"),
        Some(n) => Ok(n),
    }
}

/// The sum in a file of callgrind's.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("summary:").or_else(|| l.strip_prefix("totals:")))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What callgrind is told to look at; runs `name` under it.
///
/// # Errors
/// If there is no such piece.
pub fn run(name: &str) -> anyhow::Result<()> {
    let mut body = bodies::make(name)?;
    (0..BEFORE).for_each(|_| body());
    counted_once(&mut body);
    Ok(())
}

/// Its name is what callgrind looks for, so it must stay a function.
#[inline(never)]
fn counted_once(body: &mut Body) {
    body();
    std::hint::black_box(());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_read() {
        let text = "version: 1\nevents: Ir\nsummary: 123456\n\nfn=(1) x\n1 7\ntotals: 99\n";
        assert_eq!(total(text), Some(123_456));
        assert_eq!(total("events: Ir\ntotals: 42\n"), Some(42));
        assert_eq!(total("fn=(1) summary\n"), None);
    }
}
