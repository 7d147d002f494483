//! The next step of a deal: none, one that says nothing, one without a day, one whose day went by.

use super::{
    context::{Context, Said},
    finding::{Finding, Level},
    predicate::Predicate,
    text,
    view::{self, field},
};

/// The one thing, if any, that is wrong with the next step.
pub(super) fn check(c: &Context<'_>) -> Option<Finding> {
    if !c.stage.next_step {
        return None;
    }
    let view = c.view();
    let outcome = Predicate::NextStepDated.judge(c.facts);
    let words = view.deal.field(field::NEXT_STEP).map(str::trim).filter(|t| !t.is_empty());
    if outcome.holds && words.is_none_or(|w| !text::is_vague(w, &c.rules.limits().vague)) {
        return None;
    }
    let said = |rule: &str, level, text: String| Said {
        rule: format!("next-step/{rule}"),
        subject: String::new(),
        level,
        text,
        evidence: outcome.evidence.iter().cloned().chain(words.map(|_| view.cite_deal(field::NEXT_STEP))).collect(),
        confidence: 1.0,
    };
    match (words, c.facts.next_step_day()) {
        (Some(words), day) if text::is_vague(words, &c.rules.limits().vague) => {
            let text = match day {
                Some((day, _)) if outcome.holds => format!("The next step on {day} says nothing: \"{words}\"."),
                _ => format!("The next step says nothing: \"{words}\"."),
            };
            promised(c, said("vague", Level::Concern, text.clone())).or_else(|| {
                c.task(said("vague", Level::Concern, text), "Agree a next step that says who does what, and when")
            })
        }
        (_, Some((day, _))) => {
            let late = u32::try_from(view::days(day, c.facts.today)).unwrap_or_default();
            if late <= c.rules.limits().grace_days {
                return None;
            }
            let text = format!("The next step was to be on {day}, {late} days ago.");
            c.task(said("lapsed", Level::Concern, text), "The next step's day went by: do it, or agree a new day")
        }
        (Some(words), None) => {
            let text = format!("The next step has no day: \"{words}\".");
            c.task(said("undated", Level::Low, text), "Agree on which day the next step is")
        }
        (None, None) => {
            let text = format!("The deal has no next step in {}.", c.stage.name);
            promised(c, said("missing", Level::Concern, text.clone())).or_else(|| {
                c.task(said("missing", Level::Concern, text), "Agree a next step that says who does what, and when")
            })
        }
    }
}

/// What somebody promised in a call for a day to come can stand in the field.
fn promised(c: &Context<'_>, said: Said) -> Option<Finding> {
    let calls = c.view().calls.iter().filter(|call| call.at_unix_ms <= c.facts.now_ms);
    let all = calls.flat_map(|call| call.commitments.iter().map(move |p| (call.at_unix_ms, p)));
    let ahead = all.filter_map(|(at, p)| Some((at, view::civil(p.due?)?, p)));
    let usable =
        ahead.filter(|(_, due, p)| *due >= c.facts.today && !p.unsure && p.what.confidence() >= c.facts.min_confidence);
    // Of the latest call the earliest.
    let (_, due, promise) = usable.max_by_key(|(at, due, _)| (*at, std::cmp::Reverse(*due)))?;
    let after = format!("{} ({due})", promise.what.text());
    let evidence = said.evidence.iter().cloned().chain(promise.what.evidence().iter().cloned()).collect();
    let confidence = promise.what.confidence();
    c.change(Said { evidence, confidence, ..said }, field::NEXT_STEP, after)
}
