//! Conditions as they stand in a rule file, and what is wrong with them.

use serde::Deserialize;
use toml::Spanned;

use super::{
    predicate::{Is, Predicate},
    rule_file::{RuleFile, listed},
};

/// A condition: one of the subjects, with what belongs to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPredicate {
    all: Option<Vec<Spanned<RawPredicate>>>,
    any: Option<Vec<Spanned<RawPredicate>>>,
    not: Option<Box<Spanned<RawPredicate>>>,
    slot: Option<String>,
    within_days: Option<u32>,
    field: Option<String>,
    is: Option<String>,
    above: Option<f64>,
    below: Option<f64>,
    contact_role: Option<String>,
    contacts_at_least: Option<usize>,
    task_open: Option<bool>,
    buyer_active_within_days: Option<u32>,
    next_step_dated: Option<bool>,
    objection_open: Option<String>,
    close_within_days: Option<u32>,
}

/// Every key that makes a condition of a table.
const SUBJECTS: [&str; 12] = [
    "all",
    "any",
    "not",
    "slot",
    "field",
    "contact_role",
    "contacts_at_least",
    "task_open",
    "buyer_active_within_days",
    "next_step_dated",
    "objection_open",
    "close_within_days",
];

/// Names that rules may use, as the file of stages declares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vocabulary {
    /// Slots that calls may fill.
    pub slots: Vec<String>,
    /// Roles that contacts may have.
    pub roles: Vec<String>,
}

impl Vocabulary {
    /// Says so if `name` is none of `known`.
    pub fn check(file: &mut RuleFile<'_>, at: &std::ops::Range<usize>, what: &str, name: &str, known: &[String]) {
        if !known.iter().any(|k| k == name) {
            let known = listed(known.iter().map(String::as_str));
            file.error(at, format!("there is no {what} `{name}`; write one of {known}, or declare it at the top"));
        }
    }
}

/// All of these conditions as one; what is wrong with them is taken down.
pub(super) fn conditions(file: &mut RuleFile<'_>, raw: &[Spanned<RawPredicate>], names: &Vocabulary) -> Vec<Predicate> {
    raw.iter().filter_map(|p| condition(file, p, names)).collect()
}

fn condition(file: &mut RuleFile<'_>, raw: &Spanned<RawPredicate>, names: &Vocabulary) -> Option<Predicate> {
    let (at, p) = (raw.span(), raw.get_ref());
    let mut found: Vec<Predicate> = Vec::new();
    for (parts, make) in [(&p.all, Predicate::All as fn(_) -> _), (&p.any, Predicate::Any)] {
        if let Some(parts) = parts {
            if parts.is_empty() {
                file.error(&at, "the list is empty; write at least one condition in it");
            }
            found.push(make(conditions(file, parts, names)));
        }
    }
    if let Some(inner) = &p.not {
        found.extend(condition(file, inner, names).map(|inner| Predicate::Not(Box::new(inner))));
    }
    if let Some(slot) = &p.slot {
        Vocabulary::check(file, &at, "slot", slot, &names.slots);
        found.push(Predicate::Slot { slot: slot.clone(), within_days: p.within_days });
    } else if p.within_days.is_some() {
        file.error(&at, "`within_days` belongs to `slot`; write it beside one, or leave it out");
    }
    if let Some(field) = &p.field {
        found.push(Predicate::Field { field: field.clone(), is: is(file, &at, p) });
    } else if p.is.is_some() || p.above.is_some() || p.below.is_some() {
        file.error(&at, "`is`, `above` and `below` belong to `field`; write them beside one, or leave them out");
    }
    if let Some(role) = &p.contact_role {
        Vocabulary::check(file, &at, "role", role, &names.roles);
        found.push(Predicate::ContactRole(role.clone()));
    }
    found.extend(p.contacts_at_least.map(Predicate::ContactsAtLeast));
    for (key, value, means) in [
        ("task_open", p.task_open, Predicate::TaskOpen),
        ("next_step_dated", p.next_step_dated, Predicate::NextStepDated),
    ] {
        match value {
            Some(true) => found.push(means),
            Some(false) => {
                file.error(&at, format!("write `not = {{ {key} = true }}` instead of `{key} = false`"));
                return None;
            }
            None => {}
        }
    }
    found.extend(p.buyer_active_within_days.map(Predicate::BuyerActiveWithinDays));
    if let Some(label) = &p.objection_open {
        found.push(Predicate::ObjectionOpen((label != "any").then(|| label.clone())));
    }
    found.extend(p.close_within_days.map(Predicate::CloseWithinDays));
    let subjects = subjects(p);
    if subjects != 1 {
        let known = listed(SUBJECTS);
        let message = format!("a condition has one subject, and this has {subjects}; write exactly one of {known}");
        file.error(&at, message);
        return None;
    }
    found.pop()
}

fn is(file: &mut RuleFile<'_>, at: &std::ops::Range<usize>, p: &RawPredicate) -> Is {
    match (&p.is, p.above, p.below) {
        (None, None, None) => Is::Set,
        (Some(text), None, None) => Is::Text(text.clone()),
        (None, Some(n), None) => Is::Above(n),
        (None, None, Some(n)) => Is::Below(n),
        _ => {
            file.error(at, "write one of `is`, `above` and `below`; for a range write two conditions in `all`");
            Is::Set
        }
    }
}

fn subjects(p: &RawPredicate) -> usize {
    let there = [
        p.all.is_some(),
        p.any.is_some(),
        p.not.is_some(),
        p.slot.is_some(),
        p.field.is_some(),
        p.contact_role.is_some(),
        p.contacts_at_least.is_some(),
        p.task_open.is_some(),
        p.buyer_active_within_days.is_some(),
        p.next_step_dated.is_some(),
        p.objection_open.is_some(),
        p.close_within_days.is_some(),
    ];
    there.into_iter().filter(|t| *t).count()
}
