//! One deal under review, and how findings about it are put together.

use jiff::{Zoned, civil};

use super::{
    change::Change,
    finding::{Finding, Level, Suggest},
    history::History,
    predicate::Facts,
    rules::{Rules, Stage},
    view::{self, DealView, field},
};
use crate::{
    artifact::{Claim, Evidence},
    handoff::{FieldProposal, TaskProposal},
};

/// A deal in a known stage, with what it is judged by.
pub(super) struct Context<'a> {
    pub rules: &'a Rules,
    pub history: &'a History,
    pub facts: Facts<'a>,
    pub stage: &'a Stage,
    /// Number of the stage.
    pub index: usize,
    /// When it came into the stage, in ms since 1970-01-01 UTC, if that is known.
    pub entered_ms: Option<i64>,
}

/// What is to be said, before it is known what to do about it.
pub(super) struct Said {
    pub rule: String,
    /// Which of several things of the kind; empty where there is one.
    pub subject: String,
    pub level: Level,
    pub text: String,
    pub evidence: Vec<Evidence>,
    pub confidence: f32,
}

impl<'a> Context<'a> {
    /// Of a deal; nothing if its stage is none of the rules'.
    pub fn of(view: &'a DealView, history: &'a History, rules: &'a Rules, now: &Zoned) -> Option<Self> {
        let index = rules.stage_index(view.deal.field(field::STAGE)?)?;
        let facts = Facts::of(view, rules, now);
        let here = |s: &&view::StageChange| rules.stage_index(&s.stage) == Some(index) && s.at_unix_ms <= facts.now_ms;
        let entered_ms = view.stages.iter().rfind(here).map(|s| s.at_unix_ms);
        Some(Self { rules, history, facts, stage: &rules.stages()[index], index, entered_ms })
    }

    pub fn view(&self) -> &'a DealView {
        self.facts.view
    }

    /// Whole days since a time, none if it lies ahead.
    pub fn days_since(&self, unix_ms: i64) -> u32 {
        u32::try_from(self.facts.now_ms.saturating_sub(unix_ms).max(0) / view::DAY_MS).unwrap_or(u32::MAX)
    }

    /// Whole days in the stage; none if nobody knows.
    pub fn days_in_stage(&self) -> u32 {
        self.entered_ms.map_or(0, |at| self.days_since(at))
    }

    fn finding(&self, said: Said, suggest: Suggest) -> Option<Finding> {
        let Said { rule, subject, level, text, mut evidence, confidence } = said;
        // Whatever is missing is missing because the stage asks for it.
        let stage = self.view().cite_deal(field::STAGE);
        if !evidence.contains(&stage) {
            evidence.push(stage);
        }
        let what = Claim::new(text, evidence, confidence).ok()?;
        let (deal, version) = (self.view().at().clone(), self.view().deal.version.clone());
        Some(Finding { deal, version, rule, subject, level, what, suggest })
    }

    /// A finding that reminds the seller of something. Nothing, if an open task says the same already.
    pub fn task(&self, said: Said, task: impl Into<String>) -> Option<Finding> {
        let task = task.into();
        let same = |t: &crate::system::Record| t.field(field::SUBJECT).is_some_and(|s| s.eq_ignore_ascii_case(&task));
        if self.view().open_tasks().any(same) {
            return None;
        }
        let evidence = said.evidence.iter().cloned().chain([self.view().cite_deal(field::STAGE)]).collect();
        let what = Claim::new(task, evidence, said.confidence).ok()?;
        let due = view::handed(next_working_day(self.facts.today));
        self.finding(said, Suggest::Task { task: TaskProposal { what, due } })
    }

    /// A finding that would have a field of the deal read otherwise. Nothing, if no proposal may say so.
    pub fn change(&self, said: Said, name: &str, after: String) -> Option<Finding> {
        let view = self.view();
        let mut evidence = said.evidence.clone();
        let now = view.cite_deal(name);
        if !evidence.contains(&now) {
            evidence.push(now);
        }
        let proposal = FieldProposal {
            record: view.at().clone(),
            version: view.deal.version.clone(),
            field: name.to_owned(),
            before: view.deal.field(name).map(str::to_owned),
            after: Some(after),
            because: Claim::new(said.text.clone(), evidence, said.confidence).ok()?,
            rule: said.rule.clone(),
        };
        let change = Change::new(proposal).ok()?;
        self.finding(said, Suggest::Change { change })
    }
}

impl<'a> Facts<'a> {
    /// Of a deal, at a time.
    pub fn of(view: &'a DealView, rules: &Rules, now: &Zoned) -> Self {
        let now_ms = now.timestamp().as_millisecond();
        Self { view, min_confidence: rules.limits().min_confidence, now_ms, today: now.date() }
    }
}

/// The next day that is neither Saturday nor Sunday.
fn next_working_day(today: civil::Date) -> civil::Date {
    use civil::Weekday::{Friday, Saturday};
    let days = match today.weekday() {
        Friday => 3,
        Saturday => 2,
        _ => 1,
    };
    view::later(today, days)
}
