//! What a deal of a stage must have and has not: fields, people, and the buyer's own criteria.

use super::{
    context::{Context, Said},
    finding::{Finding, Level},
    text,
    view::{self, field},
};
use crate::artifact::Claim;

/// Slot of the buyer's criteria.
const CRITERIA: &str = "decision_criteria";
/// How sure it is that nobody is missing who was merely not entered.
const PEOPLE: f32 = 0.8;
/// Longest text of a call that becomes a field's, in characters: more is no value but a story.
const MAX_VALUE_CHARS: usize = 100;

/// Every gap.
pub(super) fn check(c: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<_> = c.stage.needs.iter().filter_map(|name| empty_field(c, name)).collect();
    out.extend(c.stage.roles.iter().filter_map(|role| nobody(c, role)));
    out.extend(too_few(c));
    out.extend(criteria(c));
    out
}

fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

fn empty_field(c: &Context<'_>, name: &str) -> Option<Finding> {
    let view = c.view();
    if view.deal.field(name).is_some_and(|v| !v.trim().is_empty()) {
        return None;
    }
    let said = |text: String, confidence| Said {
        rule: format!("missing/{name}"),
        subject: String::new(),
        level: Level::Concern,
        text,
        evidence: vec![view.cite_deal(name)],
        confidence,
    };
    if let Some((value, claim)) = c.facts.slot(name, None).and_then(|claim| Some((value(name, claim)?, claim))) {
        let text = format!("The deal has no {}; a call says: {value}.", spoken(name));
        let evidence = claim.evidence().iter().cloned().chain([view.cite_deal(name)]).collect();
        let said = Said { evidence, ..said(text, claim.confidence()) };
        return c.change(said, name, value);
    }
    let text = format!("A deal in {} must have a {}; this one has none.", c.stage.name, spoken(name));
    c.task(said(text, 1.0), format!("Fill in the deal's {}", spoken(name)))
}

/// What a call says of a field, if that can stand in it.
fn value(name: &str, claim: &Claim) -> Option<String> {
    let text = claim.text().trim();
    let fits = match name {
        field::AMOUNT => view::number(text).is_some(),
        field::CLOSE_DATE | field::NEXT_STEP_DATE => text.len() == 10 && view::day(text).is_some(),
        _ => !text.is_empty() && text.chars().count() <= MAX_VALUE_CHARS && !text.chars().any(char::is_control),
    };
    fits.then(|| text.to_owned())
}

fn nobody(c: &Context<'_>, role: &str) -> Option<Finding> {
    if c.facts.contact(role).is_some() {
        return None;
    }
    let view = c.view();
    let named = spoken(role);
    let absent = view.calls.iter().flat_map(|call| &call.absent);
    let spoken_of = absent.into_iter().find(|claim| claim.text().to_lowercase().contains(&named));
    let (text, task) = match spoken_of {
        Some(claim) => (
            format!("No contact is the {named}, but a call speaks of one: {}.", claim.text()),
            format!("Add the {named} to the deal: {}", claim.text()),
        ),
        None => (
            format!("No contact of the deal is the {named}, and {} asks for one.", c.stage.name),
            format!("Find out who the {named} is, and add them to the deal"),
        ),
    };
    let of_contacts = view.contacts.iter().map(|p| view.cite(p, field::ROLE));
    let said = Said {
        rule: format!("contact/{role}"),
        subject: String::new(),
        level: Level::Concern,
        text,
        evidence: spoken_of.iter().flat_map(|claim| claim.evidence().iter().cloned()).chain(of_contacts).collect(),
        confidence: PEOPLE,
    };
    c.task(said, task)
}

fn too_few(c: &Context<'_>) -> Option<Finding> {
    let view = c.view();
    let (has, least) = (view.contacts.len(), c.stage.contacts);
    if has >= least {
        return None;
    }
    let said = Said {
        rule: "contact/too-few".to_owned(),
        subject: String::new(),
        level: Level::Concern,
        text: format!("The deal has {has} of the {least} contacts that {} asks for.", c.stage.name),
        evidence: view.contacts.iter().map(|p| view.cite(p, field::ROLE)).collect(),
        confidence: PEOPLE,
    };
    c.task(said, "Get to know one more person on the buyer's side")
}

/// The buyer's criteria: never heard, or words that could mean anything.
fn criteria(c: &Context<'_>) -> Option<Finding> {
    if !c.stage.decision_criteria {
        return None;
    }
    let said = |rule: &str, text: String, claim: Option<&Claim>| Said {
        rule: rule.to_owned(),
        subject: String::new(),
        level: Level::Concern,
        text,
        evidence: claim.map(|claim| claim.evidence().to_vec()).unwrap_or_default(),
        confidence: claim.map_or(PEOPLE, Claim::confidence),
    };
    let task = "Ask the buyer by what they will decide, and write it down";
    let vague = &c.rules.limits().vague;
    match c.facts.slot(CRITERIA, None) {
        None => {
            let text = format!("The buyer's decision criteria are not known in {}.", c.stage.name);
            c.task(said("decision-criteria/missing", text, None), task)
        }
        Some(claim) if text::is_vague(claim.text(), vague) => {
            let text = format!("The buyer's decision criteria could mean anything: \"{}\".", claim.text());
            c.task(said("decision-criteria/vague", text, Some(claim)), task)
        }
        Some(_) => None,
    }
}
