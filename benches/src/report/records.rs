//! What was recorded under `benches/record/MACHINE/DATE-COMMAND.json`, in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

/// Longest record that is read, in bytes: an hour's soak with a point every half minute is a hundredth of it.
const LONGEST: u64 = 16 * 1024 * 1024;

/// One measurement that was kept.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// The command of this program that made it.
    pub command: String,
    /// Day it was made, `2026-01-31`.
    pub date: String,
    /// Processor and number of cores, as a folder name.
    pub machine: String,
    /// Cores this program could use.
    pub cores: u64,
    /// Load average over the minute before it was written; absent in older records.
    #[serde(default)]
    pub load: Option<f64>,
    /// What the command printed, as numbers.
    pub result: Value,
}

impl Record {
    /// A short form, which shows that the command works and not how well.
    pub fn is_quick(&self) -> bool {
        self.result["quick"] == true
    }

    /// Whether the two were made on the same input, as far as it was chosen, and so can be compared.
    pub fn like(&self, other: &Self) -> bool {
        ["quick", "sets", "set", "calls", "over"]
            .iter()
            .all(|key| self.command == "load" || self.result[*key] == other.result[*key])
    }
}

/// The record whose figures count: the latest, short forms only where there is no other.
pub fn latest(all: &[Record]) -> Option<&Record> {
    all.iter().rev().find(|r| !r.is_quick()).or(all.last())
}

/// All records: by machine, then by command, the oldest first.
pub type Records = BTreeMap<String, BTreeMap<String, Vec<Record>>>;

/// Where records are kept in the repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("record")
}

/// Reads every record below `folder`.
///
/// # Errors
/// If a file cannot be read, is longer than any record, or is no record: a page that leaves one out without a word would say
/// too little.
pub fn read(folder: &Path) -> anyhow::Result<Records> {
    let mut all = Records::new();
    for machine in entries(folder)?.into_iter().filter(|p| p.is_dir()) {
        for path in entries(&machine)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
            let length = std::fs::metadata(&path).with_context(|| format!("{} cannot be read", path.display()))?.len();
            if length > LONGEST {
                bail!("{} has {length} bytes, which no record has: remove it", path.display());
            }
            let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let record: Record = serde_json::from_str(&text).with_context(|| {
                format!("{} is not a record: make it again with --record, or remove it", path.display())
            })?;
            all.entry(record.machine.clone()).or_default().entry(record.command.clone()).or_default().push(record);
        }
    }
    for records in all.values_mut().flat_map(BTreeMap::values_mut) {
        records.sort_by(|a, b| a.date.cmp(&b.date));
    }
    Ok(all)
}

/// What lies in a folder, in the order of names, so that the same records give the same page.
fn entries(folder: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let dir = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    dir.map(|entry| Ok(entry?.path())).collect()
}

/// A machine's folder name, to be read by people: `AMD EPYC, 2 cores`.
pub fn spoken(machine: &str) -> String {
    let (processor, cores) = match machine.strip_suffix("-cores").and_then(|m| m.rsplit_once('-')) {
        Some((processor, cores)) => (processor, format!(", {cores} cores")),
        None => (machine, String::new()),
    };
    let words = processor.split('-').map(|word| match word {
        "amd" | "epyc" | "cpu" => word.to_uppercase(),
        _ => word[..word.len().min(1)].to_uppercase() + word.get(1..).unwrap_or_default(),
    });
    words.collect::<Vec<_>>().join(" ") + &cores
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn records_come_in_order_and_what_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let machine = dir.path().join("m");
        std::fs::create_dir(&machine).unwrap();
        let keep = |date: &str| {
            let text = format!(r#"{{"command":"x","date":"{date}","machine":"m","cores":2,"result":{{"a":1}}}}"#);
            std::fs::write(machine.join(format!("{date}-x.json")), text).unwrap();
        };
        keep("2026-02-01");
        keep("2025-12-31");
        let all = read(dir.path()).unwrap();
        let dates: Vec<&str> = all["m"]["x"].iter().map(|r| r.date.as_str()).collect();
        assert_eq!(dates, ["2025-12-31", "2026-02-01"]);
        std::fs::write(machine.join("y.json"), "{}").unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("y.json"));
    }

    #[test]
    fn a_short_form_does_not_take_a_long_one_s_place() {
        let record = |date: &str, quick: bool| Record {
            command: "x".into(),
            date: date.into(),
            machine: "m".into(),
            cores: 2,
            load: None,
            result: serde_json::json!({ "quick": quick }),
        };
        let all = [record("2026-01-01", false), record("2026-01-02", true)];
        assert_eq!(latest(&all).unwrap().date, "2026-01-01");
        assert_eq!(latest(&all[1..]).unwrap().date, "2026-01-02");
        assert!(!all[0].like(&all[1]));
    }

    #[test]
    fn machines_have_names() {
        assert_eq!(spoken("amd-epyc-2-cores"), "AMD EPYC, 2 cores");
        assert_eq!(spoken("apple-m3"), "Apple M3");
    }
}
