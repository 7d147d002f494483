//! `model.lock`: which bytes a model's folder was found to hold when it was fetched.

use std::{collections::BTreeMap, io::Read, path::Path};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Its file name.
pub const FILE: &str = "model.lock";

/// Who vouches for a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The hub named it, and the file has it.
    Hub,
    /// Nobody named one: it is what came the first time.
    FirstFetch,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// Its length.
    pub bytes: u64,
    /// In hex.
    pub sha256: String,
    /// Who says so.
    pub source: Source,
}

/// The lock of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Format of this file; 1.
    pub version: u32,
    /// Repository the files came from.
    pub repo: String,
    /// Its revision: a commit where the hub named one.
    pub revision: String,
    /// The files, by the names they have here.
    pub files: BTreeMap<String, Pinned>,
}

impl Lock {
    /// The lock in `folder`, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or understood.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("{}: cannot be read", path.display())),
        };
        let lock: Self = serde_json::from_str(&text)
            .with_context(|| format!("{}: is damaged; delete it to pin the files anew", path.display()))?;
        if lock.version != 1 {
            bail!("{}: has version {}, this program knows 1", path.display(), lock.version);
        }
        Ok(Some(lock))
    }

    /// Writes the lock into `folder`, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    #[cfg_attr(not(feature = "whisper"), allow(dead_code))]
    pub fn write(&self, folder: &Path) -> Result<()> {
        let (path, part) = (folder.join(FILE), folder.join("model.lock.part"));
        let text = serde_json::to_string_pretty(self).context("a lock is plain data")? + "\n";
        std::fs::write(&part, text)
            .and_then(|()| std::fs::rename(&part, &path))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }
}

/// Length and SHA-256 (hex) of a file; `seen` is told how many bytes each read brought.
///
/// # Errors
/// If it cannot be read.
pub fn hash_file(path: &Path, mut seen: impl FnMut(u64)) -> std::io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let (mut sha, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        let got = file.read(&mut buffer)?;
        if got == 0 {
            return Ok((bytes, hex(&sha.finalize())));
        }
        sha.update(&buffer[..got]);
        bytes += got as u64;
        seen(got as u64);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
