//! Deals of which the buyer's side has been silent for longer than deals of their stage are that go on.

use super::{
    context::{Context, Said},
    finding::{Finding, Level},
    view::field,
};

/// Silent for so many times as long as is usual, a deal is probably lost.
const LONG_TIMES: u32 = 2;
/// How sure a number of the file is, which nobody measured.
const BY_DEFAULT: f32 = 0.5;

/// Days since the buyer's side did something, against the stage's own history.
pub(super) fn check(c: &Context<'_>) -> Option<Finding> {
    let limits = c.rules.limits();
    let last = c.view().last_activity(c.facts.now_ms);
    // A deal begins with a sign of life: where none is known, coming into the stage counts as one.
    let since = match (last.map(|a| a.at_unix_ms), c.entered_ms) {
        (Some(activity), Some(entered)) => activity.max(entered),
        (activity, entered) => activity.or(entered)?,
    };
    let silent = c.days_since(since);
    let name = &c.stage.name;
    let usual = c.history.silence(name, limits.stale_share, limits.history_at_least, c.stage.silence_days);
    if silent <= usual.days {
        return None;
    }
    let confidence = match c.history.share_less_silent(name, silent) {
        Some(share) if !usual.is_default => share,
        _ => BY_DEFAULT,
    };
    let percent = (limits.stale_share * 100.0).round();
    let rule = if usual.is_default {
        format!("the limit for {name} is {} days ({usual})", usual.days)
    } else {
        format!(
            "{percent} % of the deals that went on from {name} were never silent for more than {} days ({usual})",
            usual.days
        )
    };
    let said = Said {
        rule: format!("stale/{name}"),
        subject: String::new(),
        level: if silent > usual.days.saturating_mul(LONG_TIMES) { Level::High } else { Level::Concern },
        text: if last.is_some_and(|a| a.at_unix_ms >= since) {
            format!("Nothing from the buyer's side for {silent} days; {rule}.")
        } else {
            format!("Nothing from the buyer's side since the deal came into {name} {silent} days ago; {rule}.")
        },
        evidence: vec![last.map_or_else(|| c.view().cite_deal(field::STAGE), |a| a.evidence.clone())],
        confidence,
    };
    c.task(said, "Get a sign of life from the buyer, or close the deal")
}
