//! Keeps results by machine and date.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

/// Writes `value` with the machine and the date to `benches/record/MACHINE/DATE-NAME.json`.
///
/// # Errors
/// If the file cannot be written.
pub fn keep(name: &str, value: &Value) -> anyhow::Result<PathBuf> {
    let path = beside(name, "json")?;
    write(&path, name, value)?;
    Ok(path)
}

/// Writes `value` with the machine and the date into `file`.
///
/// # Errors
/// If it cannot be written.
pub fn write(file: &Path, name: &str, value: &Value) -> anyhow::Result<()> {
    let whole = json!({
        "command": name, "date": date(), "machine": machine(), "cores": cores(), "load": load(), "result": value,
    });
    std::fs::write(file, serde_json::to_string_pretty(&whole)? + "\n")
        .with_context(|| format!("{} cannot be written", file.display()))
}

/// Where a file of another kind about the same measurement goes.
///
/// # Errors
/// If the folder cannot be made.
pub fn beside(name: &str, extension: &str) -> anyhow::Result<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("record").join(machine());
    std::fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    Ok(dir.join(format!("{}-{name}.{extension}", date())))
}

fn date() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Load average over the last minute (Linux only): above the number of cores, other programs took part in the figures.
fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// Processor and number of cores, as a folder name.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or("unknown processor");
    let words = model.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    let words: Vec<&str> = words.split_whitespace().take(4).collect();
    format!("{}-{}-cores", words.join("-"), cores())
}
