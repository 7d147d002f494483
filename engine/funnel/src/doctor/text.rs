//! Findings for the terminal, layer by layer.

use super::{Finding, Layer, Severity};

/// One block for each layer: its usual fault, then what was found and what to do.
#[must_use]
pub fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for layer in Layer::ALL {
        let of: Vec<&Finding> = findings.iter().filter(|f| f.layer == layer).collect();
        let worst = of.iter().map(|f| f.severity).max();
        let mark = match worst {
            None => "ok",
            Some(Severity::Unknown) => "not known",
            Some(Severity::Warning) => "warning",
            Some(Severity::Gotcha) => "see to it",
        };
        out += &format!("{:<20} {mark}\n", layer.title());
        for finding in of {
            let found =
                if finding.severity == Severity::Gotcha { format!(" ({})", layer.gotcha()) } else { String::new() };
            out += &format!("    {}{found}\n      → {}\n", finding.says, finding.todo);
        }
    }
    out
}
