//! Close dates that are wishes: past, moved again and again, or sooner than deals of the stage are signed.

use super::{
    context::{Context, Said},
    finding::{Finding, Level},
    history::{quantile, share},
    view::{self, field},
};

/// How sure a number of the file is, which nobody measured.
const BY_DEFAULT: f32 = 0.5;
/// How sure it is that a date which moves and moves is no plan.
const MOVED: f32 = 0.9;

/// Everything that is wrong with the close date. One finding at most would change it.
pub(super) fn check(c: &Context<'_>) -> Vec<Finding> {
    // An empty one is a gap; whether it may be empty is the stage's to say.
    let Some(text) = c.view().deal.field(field::CLOSE_DATE) else { return Vec::new() };
    let Some(close) = view::day(text) else {
        let said = said(c, "close-date/unreadable", Level::Low, format!("`{text}` is no date."), 1.0);
        return c.task(said, "Give the close date as YYYY-MM-DD").into_iter().collect();
    };
    let ahead = view::days(c.facts.today, close);
    let when = match u32::try_from(ahead) {
        Ok(ahead) => too_soon(c, ahead),
        Err(_) => past(c, ahead.unsigned_abs()),
    };
    when.into_iter().chain(pushed(c)).collect()
}

fn said(c: &Context<'_>, rule: &str, level: Level, text: String, confidence: f32) -> Said {
    let evidence = vec![c.view().cite_deal(field::CLOSE_DATE)];
    Said { rule: rule.to_owned(), subject: String::new(), level, text, evidence, confidence }
}

/// The days that deals won from this stage still needed; nothing if too few are known.
fn remaining(c: &Context<'_>) -> Option<Vec<u32>> {
    let remaining = c.history.remaining(&c.stage.name, c.days_in_stage());
    (remaining.len() >= c.rules.limits().history_at_least).then_some(remaining)
}

/// A new date is proposed only where history gives one.
fn past(c: &Context<'_>, days: u32) -> Option<Finding> {
    let begin = format!("The close date went by {days} days ago and the deal is open.");
    match remaining(c) {
        Some(remaining) => {
            let median = quantile(&remaining, 0.5);
            let text =
                format!("{begin} Half of the {} deals won from here needed {median} days more.", remaining.len());
            let after = view::later(c.facts.today, median).to_string();
            // That it is past is sure; the new date is right for half of all deals.
            c.change(said(c, "close-date/past", Level::Concern, text, 0.5), field::CLOSE_DATE, after)
        }
        None => c.task(said(c, "close-date/past", Level::Concern, begin, 1.0), "Give the deal a new close date"),
    }
}

fn too_soon(c: &Context<'_>, ahead: u32) -> Option<Finding> {
    let limits = c.rules.limits();
    if let Some(remaining) = remaining(c) {
        let slower = remaining.len() - remaining.partition_point(|days| *days <= ahead);
        let slower_share = share(slower, remaining.len());
        if slower_share < limits.slower_share {
            return None;
        }
        let (median, n) = (quantile(&remaining, 0.5), remaining.len());
        let text = format!(
            "It is to close in {ahead} days; {slower} of {n} deals won from {} took longer from here, half of them {median} days or more.",
            c.stage.name
        );
        let after = view::later(c.facts.today, median).to_string();
        return c.change(said(c, "close-date/soon", Level::Concern, text, slower_share), field::CLOSE_DATE, after);
    }
    let least = c.stage.fast_days.saturating_sub(c.days_in_stage());
    if ahead >= least {
        return None;
    }
    let text = format!(
        "It is to close in {ahead} days; from {} even quick deals need {least} more (default, n too small).",
        c.stage.name
    );
    c.task(said(c, "close-date/soon", Level::Low, text, BY_DEFAULT), "Check the close date with the buyer")
}

fn pushed(c: &Context<'_>) -> Option<Finding> {
    let moves = &c.view().close_dates;
    let times = moves.iter().filter(|m| m.to > m.from && m.at_unix_ms <= c.facts.now_ms).count();
    if times < c.rules.limits().pushes {
        return None;
    }
    let text = format!("The close date was moved to a later day {times} times.");
    let said = said(c, "close-date/pushed", Level::Concern, text, MOVED);
    c.task(said, "Ask the buyer which day they need it for, and what that day hangs on")
}
