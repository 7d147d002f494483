//! Reading a profile: JSON with line and column, then what the form cannot say.

use std::collections::BTreeSet;

use super::{Icp, Predicate, civil_day};

/// Largest file, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// Most rules of one sort.
const MOST_RULES: usize = 200;
/// Deepest nesting of conditions.
const MOST_DEPTH: usize = 8;

/// Why a file is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IcpError {
    /// The form is wrong.
    #[error("line {line}, column {column}: {problem}")]
    Form {
        /// From 1; 0: the file.
        line: usize,
        /// From 1.
        column: usize,
        /// What, and what is expected.
        problem: String,
    },
    /// The form is right and the contents make no sense: all that was found.
    #[error("{}", .0.join("\n"))]
    Contents(Vec<String>),
}

/// Reads a profile.
///
/// # Errors
/// [`IcpError`]: one fault of form with its place, or all faults of contents with the rules' names.
pub fn read(json: &[u8]) -> Result<Icp, IcpError> {
    if json.len() > MOST_BYTES {
        let problem = format!("{} bytes are more than {MOST_BYTES}: this is no profile", json.len());
        return Err(IcpError::Form { line: 0, column: 0, problem });
    }
    let icp: Icp = serde_json::from_slice(json).map_err(|e| {
        let text = e.to_string();
        let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let hint = "; the JSON Schema says what may stand here";
        IcpError::Form { line: e.line(), column: e.column(), problem: format!("{problem}{hint}") }
    })?;
    let faults = faults(&icp);
    if faults.is_empty() { Ok(icp) } else { Err(IcpError::Contents(faults)) }
}

/// The JSON Schema of a profile, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Icp).to_value()
}

fn faults(icp: &Icp) -> Vec<String> {
    let mut out = Vec::new();
    if icp.name.trim().is_empty() {
        out.push("`name` is empty: say whom this describes".into());
    }
    if icp.version == 0 {
        out.push("`version` is 0: count from 1".into());
    }
    if civil_day(icp.refresh_by) <= civil_day(icp.valid_from) {
        out.push(format!("`refresh_by` {} is not after `valid_from` {}", icp.refresh_by, icp.valid_from));
    }
    if icp.fit.is_empty() {
        out.push("`fit` has no rule: write at least one, else every account fits".into());
    }
    if icp.fit.len().max(icp.exclusion.len()) > MOST_RULES {
        out.push(format!("more than {MOST_RULES} rules of one sort"));
    }
    let mut ids = BTreeSet::new();
    let names = icp.fit.iter().map(|r| &r.id).chain(icp.exclusion.iter().map(|r| &r.id));
    for id in names {
        if id.trim().is_empty() {
            out.push("a rule has an empty `id`: name it".into());
        } else if !ids.insert(id) {
            out.push(format!("`{id}` names two rules: give each its own id"));
        }
    }
    for rule in &icp.fit {
        if !(1..=100).contains(&rule.weight) {
            out.push(format!("fit `{}`: weight {} is outside 1 to 100", rule.id, rule.weight));
        }
        predicate(&rule.when, &format!("fit `{}`", rule.id), 0, &mut out);
    }
    let mut kinds = BTreeSet::new();
    for rule in &icp.intent {
        let kind = rule.kind.as_str();
        if !kinds.insert(rule.kind) {
            out.push(format!("intent `{kind}` stands twice"));
        }
        if !(-100..=100).contains(&rule.points) {
            out.push(format!("intent `{kind}`: {} points are outside -100 to 100", rule.points));
        }
        if !(1..=365).contains(&rule.half_life_days) {
            out.push(format!("intent `{kind}`: half-life of {} days is outside 1 to 365", rule.half_life_days));
        }
    }
    for rule in &icp.exclusion {
        if rule.reason.trim().is_empty() {
            out.push(format!("exclusion `{}` has no `reason`: people read it when an account is left out", rule.id));
        }
        predicate(&rule.when, &format!("exclusion `{}`", rule.id), 0, &mut out);
    }
    out
}

fn predicate(p: &Predicate, at: &str, depth: usize, out: &mut Vec<String>) {
    if depth == MOST_DEPTH {
        out.push(format!("{at}: conditions are nested deeper than {MOST_DEPTH}"));
        return;
    }
    match p {
        Predicate::OneOf { values, .. } | Predicate::HasAny { values, .. } => {
            if values.is_empty() || values.iter().any(|v| v.trim().is_empty()) {
                out.push(format!("{at}: `values` is empty or has an empty text"));
            }
        }
        Predicate::Between { least: None, most: None, .. } => {
            out.push(format!("{at}: `between` needs `least`, `most` or both"));
        }
        Predicate::Between { least: Some(a), most: Some(b), .. } if a > b => {
            out.push(format!("{at}: `least` {a} is above `most` {b}: no account can fit"));
        }
        Predicate::Between { .. } => {}
        Predicate::All { of } | Predicate::Any { of } => {
            if of.is_empty() {
                out.push(format!("{at}: `of` is empty"));
            }
            of.iter().for_each(|p| predicate(p, at, depth + 1, out));
        }
        Predicate::Not { of } => predicate(of, at, depth + 1, out),
    }
}
