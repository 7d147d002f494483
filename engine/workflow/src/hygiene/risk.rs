//! The risk library: what `risks.toml` calls a risk in the stage a deal is in.

use super::{
    context::{Context, Said},
    finding::Finding,
    predicate::Predicate,
};

/// The risks that a deal runs.
pub(super) fn check(c: &Context<'_>) -> Vec<Finding> {
    let here = |stages: &[String]| stages.is_empty() || stages.contains(&c.stage.name);
    let mut out = Vec::new();
    for risk in c.rules.risks().iter().filter(|r| here(&r.stages)) {
        let outcome = Predicate::all_of(&risk.when, c.facts);
        if outcome.holds {
            let said = Said {
                rule: format!("risk/{}", risk.id),
                subject: String::new(),
                level: risk.level,
                text: risk.says.clone(),
                evidence: outcome.evidence,
                confidence: risk.confidence.min(outcome.confidence),
            };
            out.extend(c.task(said, &risk.task));
        }
    }
    out
}
