//! The stage a deal has evidence for, beside the stage its record says.

use jiff::Zoned;

use super::{
    context::{Context, Said},
    finding::{Finding, Level, Suggest},
    predicate::{Facts, Outcome, Predicate},
    rules::Rules,
    view::{DealView, field},
};
use crate::{artifact::Claim, handoff::TaskProposal};

/// The surest that an absence can be: somebody may have said it where nobody listened.
const SUREST_ABSENCE: f32 = 0.95;

/// The stage that a deal has evidence for. Forecasts use it at once; the record changes only when a person approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveStage {
    /// Its name in the rules.
    pub stage: String,
    /// The name of the stage that the record says.
    pub recorded: String,
    /// What keeps the deal from the stage after, in words; empty if nothing asks for more.
    pub missing: Vec<String>,
}

/// The stage a deal has evidence for; nothing if its record's stage is none of the rules', or the deal is over.
#[must_use]
pub fn effective_stage(view: &DealView, rules: &Rules, now: &Zoned) -> Option<EffectiveStage> {
    let recorded = rules.stage_index(view.deal.field(field::STAGE)?)?;
    if rules.stages()[recorded].end.is_some() {
        return None;
    }
    let reached = reach(Facts::of(view, rules, now), rules, recorded);
    let name = |i: usize| rules.stages()[i].name.clone();
    Some(EffectiveStage { stage: name(reached.stage), recorded: name(recorded), missing: reached.missing })
}

/// How far the evidence goes.
struct Reached {
    /// Number of the stage.
    stage: usize,
    /// What shows that the criteria hold, from the recorded stage on; or, further back, how they fail.
    outcome: Outcome,
    /// What keeps it from going further.
    missing: Vec<String>,
}

/// The first stage whose criteria do not hold. A stage without criteria holds nobody back, and nobody leaves it by
/// themselves; no deal ends by itself.
fn reach(facts: Facts<'_>, rules: &Rules, recorded: usize) -> Reached {
    let mut sum = Outcome { holds: true, evidence: Vec::new(), confidence: 1.0, missing: Vec::new() };
    let open = rules.stages().iter().filter(|s| s.end.is_none()).count();
    for (i, stage) in rules.stages().iter().take(open).enumerate() {
        let stays = i >= recorded && (stage.exit.is_empty() || i + 1 == open);
        let outcome = Predicate::all_of(&stage.exit, facts);
        if stays || !outcome.holds {
            let missing = outcome.missing.clone();
            let outcome = if i < recorded { outcome } else { sum };
            return Reached { stage: i, outcome, missing };
        }
        sum.confidence = sum.confidence.min(outcome.confidence);
        if i >= recorded {
            sum.evidence.extend(outcome.evidence);
        }
    }
    Reached { stage: recorded, outcome: sum, missing: Vec::new() }
}

/// Proposes the stage that there is evidence for.
pub(super) fn check(c: &Context<'_>) -> Option<Finding> {
    let Reached { stage, outcome, .. } = reach(c.facts, c.rules, c.index);
    let (at, here) = (&c.rules.stages()[stage].name, &c.stage.name);
    if stage > c.index {
        let said = Said {
            rule: format!("stage-exit/{here}"),
            subject: String::new(),
            level: Level::Low,
            text: format!("Everything that {here} asks for is documented; the deal stands at {at}."),
            confidence: outcome.confidence,
            evidence: outcome.evidence,
        };
        return c.change(said, field::STAGE, at.clone());
    }
    if stage == c.index {
        return None;
    }
    let missing = outcome.missing.join("; ");
    let heard = c.view().calls.len();
    let said = |rule: &str, confidence| Said {
        rule: format!("{rule}/{at}"),
        subject: String::new(),
        level: Level::Concern,
        text: format!("The record says {here}, but {at} is not documented. Missing: {missing}."),
        evidence: outcome.evidence.clone(),
        confidence,
    };
    if heard < c.rules.limits().calls_to_put_back {
        // Whatever was said was said where nobody listened: a reminder, and no change.
        let said = Said { level: Level::Low, ..said("stage-unproven", 0.5) };
        return c.task(said, format!("Document for {at}: {missing}"));
    }
    // Each call is one more chance to have heard it.
    let confidence = (1.0 - 0.5_f32.powi(i32::try_from(heard).unwrap_or(i32::MAX))).min(SUREST_ABSENCE);
    c.change(said("stage-unmet", confidence), field::STAGE, at.clone())
}

/// Says so of a deal whose stage is none of the rules'.
pub(super) fn unknown(view: &DealView, rules: &Rules) -> Option<Finding> {
    let evidence = vec![view.cite_deal(field::STAGE)];
    let known = rules.stages().iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    let text = match view.deal.field(field::STAGE) {
        Some(stage) => format!("`{stage}` is none of the stages {known}; the deal cannot be judged."),
        None => format!("The deal has no stage; it cannot be judged. Stages are {known}."),
    };
    let what = Claim::new(text, evidence.clone(), 1.0).ok()?;
    let task = TaskProposal { what: Claim::new("Give the deal its stage", evidence, 1.0).ok()?, due: None };
    Some(Finding {
        deal: view.at().clone(),
        version: view.deal.version.clone(),
        rule: "stage-unknown".to_owned(),
        subject: String::new(),
        level: Level::Concern,
        what,
        suggest: Suggest::Task { task },
    })
}
