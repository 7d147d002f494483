//! CRM hygiene: what is wrong with each deal, by the team's own rules, and what to do about it.
//!
//! [`review`] looks at deals one by one and proposes; it changes nothing. What a deal *is* and what its record *says* may
//! differ: forecasts use the [`effective_stage`] at once, the record changes when a person approves. Every finding cites
//! the words or fields it rests on; where the fault is an absence, that is the empty field, or the stage that asks for
//! more. The seller's own commit is in no proposal: [`Change`] has no value for it.
//!
//! The rules are files (`stages.toml`, `risks.toml`; [`Rules::built_in`] has those that come with the program). What counts
//! as long or soon is measured on past deals ([`History`]) and falls back to a number of the file, which the finding says.

mod change;
mod close_date;
mod context;
mod cues;
mod digest;
mod field_map;
mod finding;
mod gaps;
mod history;
mod next_step;
mod predicate;
mod promises;
mod quiet;
mod raw;
mod rebase;
mod risk;
pub(crate) mod rule_file;
mod rules;
mod stage;
pub(crate) mod text;
mod view;

use jiff::Zoned;

use self::context::Context;
pub use self::{
    change::{Change, ChangeError, PROTECTED, is_protected},
    field_map::{FieldMap, Mapping},
    finding::{Finding, Level, Suggest},
    history::{Basis, History, PastDeal},
    predicate::{Is, Predicate},
    rebase::{Rebased, rebase},
    rules::{End, Limits, RiskRule, Rules, Stage},
    stage::{EffectiveStage, effective_stage},
    view::{BuyerActivity, CallDigest, CloseDateChange, DealView, StageChange, field},
};

/// Version of these rules' text: raised when findings may change though no file and no deal did.
pub const VERSION: u32 = 1;

/// Everything that is wrong with these deals at a time: deal by deal as given, the worst first. Deals that are over are
/// passed by. The same input gives the same findings.
#[must_use]
pub fn review(deals: &[DealView], history: &History, rules: &Rules, now: &Zoned) -> Vec<Finding> {
    let mut out = Vec::new();
    for view in deals {
        let Some(context) = Context::of(view, history, rules, now) else {
            out.extend(stage::unknown(view, rules));
            continue;
        };
        if context.stage.end.is_some() {
            continue;
        }
        let mut found = Vec::new();
        found.extend(stage::check(&context));
        found.extend(quiet::check(&context));
        found.extend(close_date::check(&context));
        found.extend(gaps::check(&context));
        found.extend(next_step::check(&context));
        found.extend(promises::check(&context));
        found.extend(risk::check(&context));
        found.sort_by(|a, b| (b.level, &a.rule, &a.subject).cmp(&(a.level, &b.rule, &b.subject)));
        out.extend(found);
    }
    out
}
