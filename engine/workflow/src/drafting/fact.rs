//! What the rules' note holds of a call, as lines and days: what a model may build promises on, and all it is told of them.

use std::collections::BTreeSet;

use reframe_call::{audio::Party, date::Date};

use super::page::{Page, Quote};
use crate::{
    artifact::{Claim, Evidence},
    handoff::NoteProposal,
    postcall::day,
};

/// What kind of thing the note holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// Our side said it would do something.
    OurPromise,
    /// The buyers did.
    TheirPromise,
    /// Something was decided.
    Decision,
    /// When it goes on.
    NextStep,
    /// When it shall be closed.
    CloseDate,
    /// Anything else: an objection, a line of the summary.
    Said,
}

/// One thing that the note holds.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Its kind.
    pub kind: FactKind,
    /// The words it rests on: utterance, from, to in ms.
    pub words: Vec<(u32, u64, u64)>,
    /// Its day.
    pub due: Option<Date>,
}

impl Fact {
    fn new(kind: FactKind, claim: &Claim, due: Option<Date>) -> Self {
        let words = claim.evidence().iter().filter_map(|e| match e {
            Evidence::Words { utterance, from_ms, to_ms, .. } => Some((*utterance, *from_ms, *to_ms)),
            _ => None,
        });
        Self { kind, words: words.collect(), due }
    }

    /// Whether it rests on any of the quoted words.
    #[must_use]
    pub fn is_in(&self, page: &Page<'_>, quote: &Quote) -> bool {
        self.words.iter().any(|words| overlap(page, quote, *words))
    }

    /// Whether the quoted words are those that say it, and not only those that give its day: a promise's first.
    #[must_use]
    pub fn is_said_in(&self, page: &Page<'_>, quote: &Quote) -> bool {
        let promise = matches!(self.kind, FactKind::OurPromise | FactKind::TheirPromise);
        let said = if promise { 1 } else { self.words.len() };
        self.words.iter().take(said).any(|words| overlap(page, quote, *words))
    }

    /// Whether a promise may be built on it.
    #[must_use]
    pub const fn binds(&self) -> bool {
        !matches!(self.kind, FactKind::Said)
    }

    fn line(&self, page: &Page<'_>) -> Option<String> {
        let what = match self.kind {
            FactKind::OurPromise => "promise of ours",
            FactKind::TheirPromise => "promise of theirs",
            FactKind::Decision => "decision",
            FactKind::NextStep => "next step",
            FactKind::CloseDate => "when it shall be closed",
            FactKind::Said => return None,
        };
        let numbers: BTreeSet<u32> = self.words.iter().map(|w| w.0).filter(|u| given(page, *u)).collect();
        if numbers.is_empty() {
            return None;
        }
        let lines: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let due = self.due.map_or_else(String::new, |d| format!(", {}", day(d)));
        Some(format!("- {what}{due}: line {}\n", lines.join(", ")))
    }
}

fn overlap(page: &Page<'_>, quote: &Quote, (utterance, from, to): (u32, u64, u64)) -> bool {
    let Some(Evidence::Words { from_ms, to_ms, .. }) = page.evidence(quote) else { return false };
    utterance == quote.utterance && from < to_ms && from_ms < to
}

fn given(page: &Page<'_>, utterance: u32) -> bool {
    page.lines.get(&utterance).is_some_and(|l| !l.withheld)
}

/// Everything the note holds.
#[must_use]
pub fn of(note: &NoteProposal) -> Vec<Fact> {
    let field = |name: &str| note.note.fields.iter().find(|(n, _)| n == name).map(|(_, claim)| claim);
    let date = |name: &str| field(name).and_then(|c| c.text().parse::<Date>().ok());
    let mut all: Vec<Fact> = Vec::new();
    for c in &note.commitments {
        let ours = c.owner.side == Party::Rep.as_str();
        let kind = if ours { FactKind::OurPromise } else { FactKind::TheirPromise };
        all.push(Fact::new(kind, &c.what, c.due.filter(|_| !c.unsure)));
    }
    all.extend(note.note.decisions.iter().map(|d| Fact::new(FactKind::Decision, d, None)));
    all.extend(note.note.next_steps.iter().map(|n| Fact::new(FactKind::NextStep, n, date("next_step_date"))));
    all.extend(field("close_date").map(|c| Fact::new(FactKind::CloseDate, c, date("close_date"))));
    all.extend(note.note.headline.iter().chain(&note.summary).map(|c| Fact::new(FactKind::Said, c, None)));
    let objections = note.objections.iter().flat_map(|o| std::iter::once(&o.raised).chain(&o.answer));
    all.extend(objections.map(|c| Fact::new(FactKind::Said, c, None)));
    all
}

/// The list a model reads: kind, day and lines, and no word of anybody.
#[must_use]
pub fn text(facts: &[Fact], page: &Page<'_>) -> String {
    let lines: String = facts.iter().filter_map(|f| f.line(page)).collect();
    if lines.is_empty() { "- nothing\n".to_owned() } else { lines }
}
