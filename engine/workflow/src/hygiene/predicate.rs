//! Conditions over what is known of a deal: whether they hold, what shows it, and what is missing if they do not.

use jiff::civil;

use super::view::{self, BuyerActivity, DealView, field};
use crate::{
    artifact::{Claim, Evidence},
    handoff::Handling,
    system::Record,
};

/// A condition, as a rule file states it.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Each of these holds; of none: it holds.
    All(Vec<Self>),
    /// At least one of these holds; of none: it does not.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A call gave evidence for a slot.
    Slot {
        /// Which: `budget`.
        slot: String,
        /// Only calls of the last so many days count.
        within_days: Option<u32>,
    },
    /// A field of the deal says something.
    Field {
        /// Which: `amount`.
        field: String,
        /// What it has to say.
        is: Is,
    },
    /// Somebody of this role is among the contacts.
    ContactRole(String),
    /// There are at least so many contacts.
    ContactsAtLeast(usize),
    /// There is a task that is not done.
    TaskOpen,
    /// The buyer's side did something in the last so many days.
    BuyerActiveWithinDays(u32),
    /// There is a next step with a day that is not past.
    NextStepDated,
    /// An objection was not handled when it was last raised: of this class, or any.
    ObjectionOpen(Option<String>),
    /// The close date is at most so many days ahead, or past.
    CloseWithinDays(u32),
}

/// What a field has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Is {
    /// Anything.
    Set,
    /// Exactly this, whatever the case.
    Text(String),
    /// A number above this.
    Above(f64),
    /// A number below this.
    Below(f64),
}

/// What conditions are judged on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// The deal.
    pub view: &'a DealView,
    /// Words count as evidence from this confidence on.
    pub min_confidence: f32,
    /// The time of the review, in ms since 1970-01-01 UTC.
    pub now_ms: i64,
    /// Its day.
    pub today: civil::Date,
}

/// How a condition turned out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// Does it hold?
    pub holds: bool,
    /// What shows that; empty where nothing but an absence does.
    pub evidence: Vec<Evidence>,
    /// How sure the weakest part of it is, 0 to 1.
    pub confidence: f32,
    /// What would have to be there, in words, if it does not hold.
    pub missing: Vec<String>,
}

impl Outcome {
    fn yes(evidence: Vec<Evidence>, confidence: f32) -> Self {
        Self { holds: true, evidence, confidence, missing: Vec::new() }
    }

    fn of(holds: bool, evidence: Vec<Evidence>, missing: impl FnOnce() -> String) -> Self {
        let missing = if holds { Vec::new() } else { vec![missing()] };
        Self { holds, evidence, confidence: 1.0, missing }
    }
}

impl Predicate {
    /// Judges several, all of which must hold.
    pub(super) fn all_of(parts: &[Self], facts: Facts<'_>) -> Outcome {
        all(parts, facts)
    }

    /// Judges it.
    pub(super) fn judge(&self, facts: Facts<'_>) -> Outcome {
        let view = facts.view;
        match self {
            Self::All(parts) => all(parts, facts),
            Self::Any(parts) => any(parts, facts),
            Self::Not(inner) => {
                let inner = inner.judge(facts);
                let missing = if inner.holds { vec![self.words()] } else { Vec::new() };
                Outcome { holds: !inner.holds, missing, ..inner }
            }
            Self::Slot { slot, within_days } => match facts.slot(slot, *within_days) {
                Some(claim) => Outcome::yes(claim.evidence().to_vec(), claim.confidence()),
                None => Outcome::of(false, Vec::new(), || self.words()),
            },
            Self::Field { field, is } => {
                let holds = view.deal.field(field).is_some_and(|text| is.fits(text));
                Outcome::of(holds, vec![view.cite_deal(field)], || self.words())
            }
            Self::ContactRole(role) => match facts.contact(role) {
                Some(contact) => Outcome::yes(vec![view.cite(contact, field::ROLE)], 1.0),
                None => Outcome::of(false, Vec::new(), || self.words()),
            },
            Self::ContactsAtLeast(n) => {
                let shown = view.contacts.iter().map(|c| view.cite(c, field::ROLE)).collect();
                Outcome::of(view.contacts.len() >= *n, shown, || self.words())
            }
            Self::TaskOpen => {
                let open: Vec<_> = view.open_tasks().take(1).map(|t| view.cite(t, field::SUBJECT)).collect();
                Outcome::of(!open.is_empty(), open, || self.words())
            }
            Self::BuyerActiveWithinDays(days) => {
                let last = view.last_activity(facts.now_ms);
                let since = facts.now_ms.saturating_sub(i64::from(*days) * view::DAY_MS);
                let holds = last.is_some_and(|a| a.at_unix_ms >= since);
                Outcome::of(holds, last.map(shown).into_iter().collect(), || self.words())
            }
            Self::NextStepDated => match facts.next_step_day() {
                Some((day, evidence)) => Outcome::of(day >= facts.today, vec![evidence], || self.words()),
                None => Outcome::of(false, vec![view.cite_deal(field::NEXT_STEP)], || self.words()),
            },
            Self::ObjectionOpen(label) => match facts.open_objection(label.as_deref()) {
                Some(raised) => Outcome::yes(raised.evidence().to_vec(), raised.confidence()),
                None => Outcome::of(false, Vec::new(), || self.words()),
            },
            Self::CloseWithinDays(most) => {
                let close = view.deal.field(field::CLOSE_DATE).and_then(view::day);
                let holds = close.is_some_and(|close| close <= view::later(facts.today, *most));
                Outcome::of(holds, vec![view.cite_deal(field::CLOSE_DATE)], || self.words())
            }
        }
    }

    /// What it asks for, as it stands in a sentence after "missing:".
    pub(super) fn words(&self) -> String {
        let joined = |parts: &[Self], with: &str| parts.iter().map(Self::words).collect::<Vec<_>>().join(with);
        match self {
            Self::All(parts) => joined(parts, " and "),
            Self::Any(parts) => joined(parts, " or "),
            Self::Not(inner) => format!("no {}", inner.words()),
            Self::Slot { slot, within_days: None } => format!("evidence of {} from a call", slot.replace('_', " ")),
            Self::Slot { slot, within_days: Some(days) } => {
                format!("evidence of {} from a call of the last {days} days", slot.replace('_', " "))
            }
            Self::Field { field, is } => {
                let name = field.replace('_', " ");
                match is {
                    Is::Set => name,
                    Is::Text(text) => format!("{name} \"{text}\""),
                    Is::Above(n) => format!("{name} above {n}"),
                    Is::Below(n) => format!("{name} below {n}"),
                }
            }
            Self::ContactRole(role) => format!("contact who is {}", role.replace('_', " ")),
            Self::ContactsAtLeast(n) => format!("{n} contacts"),
            Self::TaskOpen => "open task".to_owned(),
            Self::BuyerActiveWithinDays(days) => format!("activity of the buyer in the last {days} days"),
            Self::NextStepDated => "next step with a date ahead".to_owned(),
            Self::ObjectionOpen(None) => "open objection".to_owned(),
            Self::ObjectionOpen(Some(label)) => format!("open objection about {}", label.replace('_', " ")),
            Self::CloseWithinDays(days) => format!("close date within {days} days"),
        }
    }
}

fn all(parts: &[Predicate], facts: Facts<'_>) -> Outcome {
    let outcomes: Vec<_> = parts.iter().map(|p| p.judge(facts)).collect();
    let holds = outcomes.iter().all(|o| o.holds);
    let mut sum = Outcome { holds, evidence: Vec::new(), confidence: 1.0, missing: Vec::new() };
    // Of a whole that does not hold, only the parts that fail say anything.
    for outcome in outcomes.into_iter().filter(|o| holds || !o.holds) {
        sum.confidence = sum.confidence.min(outcome.confidence);
        sum.evidence.extend(outcome.evidence);
        sum.missing.extend(outcome.missing);
    }
    sum
}

fn any(parts: &[Predicate], facts: Facts<'_>) -> Outcome {
    let outcomes: Vec<_> = parts.iter().map(|p| p.judge(facts)).collect();
    // The surest that holds; the first of equals.
    let best = outcomes.iter().filter(|o| o.holds).fold(None, |best: Option<&Outcome>, o| match best {
        Some(b) if b.confidence >= o.confidence => Some(b),
        _ => Some(o),
    });
    if let Some(best) = best {
        return best.clone();
    }
    let missing = outcomes.iter().map(|o| o.missing.join(" and ")).filter(|m| !m.is_empty()).collect::<Vec<_>>();
    let evidence = outcomes.into_iter().flat_map(|o| o.evidence).collect();
    Outcome { holds: false, evidence, confidence: 1.0, missing: vec![missing.join(" or ")] }
}

fn shown(activity: &BuyerActivity) -> Evidence {
    activity.evidence.clone()
}

impl Is {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Set => !text.trim().is_empty(),
            Self::Text(is) => text.trim().to_lowercase() == is.trim().to_lowercase(),
            Self::Above(least) => view::number(text).is_some_and(|n| n > *least),
            Self::Below(most) => view::number(text).is_some_and(|n| n < *most),
        }
    }
}

impl<'a> Facts<'a> {
    /// The latest sure enough words for a slot.
    pub fn slot(&self, slot: &str, within_days: Option<u32>) -> Option<&'a Claim> {
        let since = within_days.map(|d| self.now_ms.saturating_sub(i64::from(d) * view::DAY_MS));
        let calls = self.view.calls.iter().filter(|c| c.at_unix_ms <= self.now_ms);
        let calls = calls.filter(|c| since.is_none_or(|since| c.at_unix_ms >= since));
        let claims = calls.flat_map(|c| c.slots.iter().map(move |(name, claim)| (c.at_unix_ms, name, claim)));
        let fit = claims.filter(|(_, name, claim)| *name == slot && claim.confidence() >= self.min_confidence);
        fit.max_by_key(|(at, ..)| *at).map(|(.., claim)| claim)
    }

    /// The first contact of a role; a field may name several, separated by commas or semicolons.
    pub fn contact(&self, role: &str) -> Option<&'a Record> {
        let has = |text: &str| text.split([',', ';']).any(|r| r.trim().to_lowercase().replace([' ', '-'], "_") == role);
        self.view.contacts.iter().find(|c| c.field(field::ROLE).is_some_and(has))
    }

    /// The latest day on which something is to happen, and where that stands: the field for it, the day of an open task,
    /// or a day in the words of the next step.
    pub fn next_step_day(&self) -> Option<(civil::Date, Evidence)> {
        let view = self.view;
        let of_deal = |name: &'static str, day: Option<civil::Date>| day.map(|day| (day, view.cite_deal(name)));
        let stated = view.deal.field(field::NEXT_STEP_DATE).and_then(view::day);
        let in_words = view.deal.field(field::NEXT_STEP).and_then(|text| text.split_whitespace().find_map(view::day));
        let tasks =
            view.open_tasks().filter_map(|t| Some((view::day(t.field(field::DUE)?)?, view.cite(t, field::DUE))));
        let all = of_deal(field::NEXT_STEP_DATE, stated).into_iter().chain(of_deal(field::NEXT_STEP, in_words));
        all.chain(tasks).max_by_key(|(day, _)| *day)
    }

    /// The buyer's words of an objection that was not handled the last time its class came up.
    pub fn open_objection(&self, label: Option<&str>) -> Option<&'a Claim> {
        let mut last = std::collections::BTreeMap::new();
        let mut calls: Vec<_> = self.view.calls.iter().filter(|c| c.at_unix_ms <= self.now_ms).collect();
        calls.sort_by_key(|c| c.at_unix_ms);
        for objection in calls.iter().flat_map(|c| &c.objections) {
            last.insert(objection.label.as_str(), objection);
        }
        let mut open = last.values().filter(|o| o.handling != Handling::Handled);
        let sure = |claim: &Claim| claim.confidence() >= self.min_confidence;
        open.find(|o| label.is_none_or(|l| l == o.label) && sure(&o.raised)).map(|o| &o.raised)
    }
}
