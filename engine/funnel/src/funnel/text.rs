//! A funnel as a table for the terminal.

use super::DropOff;
use crate::words::{percent, span};

/// Cohorts that are written out, the latest; the rest is counted.
const COHORTS: usize = 12;

/// Counts, rates with intervals, times and cohorts of one step.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "times in ms are far below 2^52")]
pub fn text(step: &DropOff) -> String {
    let all = step.all;
    let mut out = format!("{} → {}\n", step.from, step.to);
    out += &format!(
        "  entered {} = advanced {} + dropped {} + open {}\n",
        all.entered, all.advanced, all.dropped, all.open
    );
    out += &format!("  of those decided  {}\n  of all so far     {}\n", step.decided.text(), step.so_far.text());
    let dropped: Vec<String> = step.dropped_by.iter().map(|(how, n)| format!("{n} {}", how.title())).collect();
    if !dropped.is_empty() {
        out += &format!("  dropped           {}\n", dropped.join(", "));
    }
    for at in &step.wait.at {
        let (share, low, high) = (percent(at.share), percent(at.low), percent(at.high));
        out += &format!("  within {:>2} d       {share} ({low}–{high}), {} at risk\n", at.days, at.at_risk);
    }
    let median = step.wait.median_ms.map_or_else(
        || "fewer than half got there".to_owned(),
        |ms| {
            let end = |t: Option<i64>| t.map_or_else(|| "?".to_owned(), |t| span(t as f64));
            format!("{} ({}–{})", span(ms as f64), end(step.wait.median_low_ms), end(step.wait.median_high_ms))
        },
    );
    out += &format!("  half are there in {median}\n");
    let hidden = step.cohorts.len().saturating_sub(COHORTS);
    if hidden > 0 {
        out += &format!("  {hidden} earlier cohorts are in the JSON\n");
    }
    for cohort in step.cohorts.iter().skip(hidden) {
        let t = cohort.tally;
        out += &format!(
            "  {:<9} entered {:>4}  advanced {:>4}  dropped {:>4}  open {:>4}  decided {}\n",
            cohort.name,
            t.entered,
            t.advanced,
            t.dropped,
            t.open,
            cohort.decided.text()
        );
    }
    out
}
