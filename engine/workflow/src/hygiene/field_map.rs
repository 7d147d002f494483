//! Which of a system's fields ours are: `fields.toml`, checked before anything is written.

use std::collections::BTreeMap;

use reframe_call::playbook::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::{
    change::is_protected,
    rule_file::{RuleFile, listed},
};
use crate::system::{FieldInfo, RecordKind};

/// Version of the file this program reads.
const FILE_VERSION: u32 = 1;
/// The example that comes with the program: HubSpot's standard properties.
const EXAMPLE: (&str, &str) =
    ("fixtures/workflow_rules/fields.toml", include_str!("../../../../fixtures/workflow_rules/fields.toml"));

/// One field under two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Name of the system: `hubspot`.
    pub system: String,
    /// Of which records.
    pub kind: RecordKind,
    /// Our name: `close_date`.
    pub ours: String,
    /// The system's: `closedate`.
    pub theirs: String,
    /// Our words and the system's for what may stand in it; empty: the same.
    pub options: BTreeMap<String, String>,
    /// May it be written?
    pub write: bool,
    /// Line of the file, from 1.
    line: usize,
}

/// A checked file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMap {
    file: String,
    mappings: Vec<Mapping>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Spanned<u32>,
    field: Vec<Spanned<RawMapping>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    system: String,
    kind: RecordKind,
    ours: String,
    theirs: String,
    #[serde(default)]
    options: BTreeMap<String, String>,
    #[serde(default = "yes")]
    write: bool,
}

const fn yes() -> bool {
    true
}

impl FieldMap {
    /// The example that comes with the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn example() -> Self {
        Self::parse(EXAMPLE.0, EXAMPLE.1).expect("the example that comes with the program is right")
    }

    /// Reads a file, given as its name (to print in problems) and its text.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and what to write instead. The seller's own fields may be mapped to be
    /// read, and neither they nor anything else that means the same field of the system may be written.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut file = RuleFile::new(name, text);
        let mut mappings: Vec<Mapping> = Vec::new();
        if let Some(raw) = file.read::<Raw>() {
            if *raw.version.get_ref() != FILE_VERSION {
                file.error(&raw.version.span(), format!("write `version = {FILE_VERSION}`"));
            }
            for field in raw.field {
                let at = field.span();
                let f = field.into_inner();
                if f.ours.trim().is_empty() || f.theirs.trim().is_empty() || f.system.trim().is_empty() {
                    file.error(&at, "`system`, `ours` or `theirs` is empty; write a name");
                }
                if is_protected(&f.ours) && f.write {
                    file.error(
                        &at,
                        format!("`{}` belongs to the seller and is only read; write `write = false`", f.ours),
                    );
                }
                let line = 1 + text.bytes().take(at.start).filter(|b| *b == b'\n').count();
                let same = mappings.iter().filter(|m| m.system == f.system && m.kind == f.kind);
                for other in same.filter(|m| m.ours == f.ours || m.theirs == f.theirs) {
                    let message = format!(
                        "`{}` and `{}` are mapped in line {} already; map each field of {} once",
                        f.ours, f.theirs, other.line, f.system
                    );
                    file.error(&at, message);
                }
                let RawMapping { system, kind, ours, theirs, options, write } = f;
                mappings.push(Mapping { system, kind, ours, theirs, options, write, line });
            }
        }
        let problems = file.problems();
        if problems.is_empty() { Ok(Self { file: name.to_owned(), mappings }) } else { Err(problems) }
    }

    /// Every mapping, in the file's order.
    #[must_use]
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The mapping of one of our names.
    #[must_use]
    pub fn get(&self, system: &str, kind: RecordKind, ours: &str) -> Option<&Mapping> {
        self.mappings.iter().find(|m| m.system == system && m.kind == kind && m.ours == ours)
    }

    /// Holds the mappings of one kind of record against what the system says of its fields (by `theirs`).
    #[must_use]
    pub fn check(&self, system: &str, kind: RecordKind, theirs: &[FieldInfo]) -> Vec<Problem> {
        let severity = reframe_call::playbook::Severity::Error;
        let mut out = Vec::new();
        let mine = self.mappings.iter().filter(|m| m.system == system && m.kind == kind);
        for m in mine {
            let mut say = |message| out.push(Problem { file: self.file.clone(), line: m.line, severity, message });
            let Some(info) = theirs.iter().find(|f| f.theirs == m.theirs) else {
                let known = listed(theirs.iter().map(|f| f.theirs.as_str()));
                say(format!("{system} has no field `{}`; write one of {known}", m.theirs));
                continue;
            };
            if m.write && !info.writable {
                say(format!("{system} lets nobody write `{}`; write `write = false`", m.theirs));
            }
            for option in m.options.values().filter(|o| !info.options.is_empty() && !info.options.contains(o)) {
                let known = listed(info.options.iter().map(String::as_str));
                say(format!("`{option}` cannot stand in `{}`; write one of {known}", m.theirs));
            }
        }
        out
    }
}
