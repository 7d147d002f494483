//! An account as a table for the terminal.

use jiff::tz::TimeZone;

use super::{AccountState, StageState, Walk};
use crate::{
    lineage,
    stage::Stage,
    words::{count, moment},
};

/// Ids that are written out in a line; the rest is counted.
const IDS: usize = 2;

/// The six stages of each walk with times, approvals and ids, and what is missing in the lineage.
#[must_use]
pub fn text(state: &AccountState, zone: &TimeZone) -> String {
    let mut out = format!("{} ({}) · {}\n", state.account.name, state.account.id, count(state.walks.len(), "walk"));
    for walk in &state.walks {
        out.push_str(&head(walk, zone));
        out.push_str("  stage        begun             done              approval    what\n");
        for stage in &walk.stages {
            out.push_str(&line(stage, zone));
        }
    }
    let gaps = lineage::gaps(state);
    if gaps.is_empty() {
        out.push_str("Lineage: unbroken\n");
    }
    for gap in gaps {
        out.push_str(&format!("Lineage: {gap}\n"));
    }
    out
}

fn head(walk: &Walk, zone: &TimeZone) -> String {
    let end = walk.ended.map_or_else(
        || if walk.is_complete() { "completed, under way".to_owned() } else { "under way".to_owned() },
        |ended| format!("{} {}", ended.end.as_str(), moment(ended.at_unix_ms, zone)),
    );
    format!("\nWalk {} · began {} · {end}\n", walk.no, moment(walk.began_unix_ms, zone))
}

fn line(stage: &StageState, zone: &TimeZone) -> String {
    let at = |time: Option<i64>| time.map_or_else(|| "–".to_owned(), |ms| moment(ms, zone));
    let approval = match stage.approval() {
        Some(state) => state.as_str(),
        None if stage.stage.is_gated() => "–",
        None => "not needed",
    };
    let ids: Vec<&str> =
        stage.artifacts.iter().map(|id| id.as_str()).chain(stage.calls.iter().map(String::as_str)).collect();
    let mut what = ids.iter().take(IDS).copied().collect::<Vec<_>>().join(", ");
    if ids.len() > IDS {
        what.push_str(&format!(", and {} more", ids.len() - IDS));
    }
    if stage.counts.total() > 0 {
        let sep = if what.is_empty() { "" } else { "; " };
        what.push_str(&format!(
            "{sep}{} of {} done",
            stage.counts.done,
            count(stage.counts.total() as usize, "proposal")
        ));
    }
    let name = Stage::title(stage.stage);
    let row = format!(
        "  {name:<12} {:<17} {:<17} {approval:<11} {what}",
        at(stage.begun_unix_ms()),
        at(stage.done_unix_ms())
    );
    format!("{}\n", row.trim_end())
}
