//! The list of an export's files, by which a copy is told whole.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an export consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `reframe-export`.
    pub format: String,
    /// Version of the layout.
    pub layout: u32,
    /// Version of the store's tables.
    pub store_format: i64,
    /// Rows of every table that is exported, events included.
    pub rows: BTreeMap<String, u64>,
    /// Every file besides this one, by its path within the export.
    pub files: BTreeMap<String, FileEntry>,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its lines.
    pub lines: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of it, as 64 hexadecimal digits.
    pub sha256: String,
}

/// The word in [`Manifest::format`].
pub(super) const FORMAT: &str = "reframe-export";
/// Name of its file.
pub(super) const FILE: &str = "manifest.json";
