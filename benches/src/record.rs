//! Keeps results by machine and date.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

/// Writes `value` with the machine and the date to `benches/record/MACHINE/DATE-NAME.json`.
///
/// # Errors
/// If the file cannot be written.
pub fn keep(name: &str, value: &Value) -> anyhow::Result<PathBuf> {
    let (path, date) = (beside(name, "json")?, date());
    let whole = json!({ "command": name, "date": date, "machine": machine(), "cores": cores(), "result": value });
    std::fs::write(&path, serde_json::to_string_pretty(&whole)? + "\n")
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
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

/// Processor and number of cores, as a folder name.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or("unknown processor");
    let words = model.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    let words: Vec<&str> = words.split_whitespace().take(4).collect();
    format!("{}-{}-cores", words.join("-"), cores())
}
