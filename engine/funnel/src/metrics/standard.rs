//! The metrics the playbook asks for, and the distance of drafts.

use super::{Metric, MetricKind};

/// Id, title, kind, what is measured, what it is divided by.
type Row = (&'static str, &'static str, MetricKind, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        "pipeline_per_seller",
        "Pipeline per seller",
        MetricKind::Money,
        "Amounts of the deals that were created in the period, in the team's currency",
        "sellers who worked in the period",
    ),
    (
        "win_rate",
        "Win rate at named stages",
        MetricKind::Rate,
        "Deals that were won, of those that were in the named stage and have ended since",
        "deals that were in the named stage and have ended; open ones are told apart",
    ),
    (
        "time_to_close",
        "Time to close",
        MetricKind::Duration,
        "Median time from a deal's first hand-off to its win, by Kaplan and Meier with open deals censored",
        "",
    ),
    (
        "forecast_accuracy",
        "Forecast accuracy",
        MetricKind::Nearness,
        "One less the sum of absolute differences between forecast and outcome over the sum of outcomes, at least 0",
        "",
    ),
    (
        "decisions_changed",
        "Decisions changed",
        MetricKind::Rate,
        "Decisions that came out otherwise than what stood in the plan or the CRM before a flag, score or brief was shown",
        "decisions that were taken after one was shown",
    ),
    (
        "reply_rate",
        "Reply rate",
        MetricKind::Rate,
        "People who wrote back themselves; automatic replies are none",
        "people who were written to and whose mail did not bounce",
    ),
    (
        "qualified_meetings",
        "Qualified meetings",
        MetricKind::Count,
        "Meetings that took place with somebody of an account that fits the profile",
        "",
    ),
    (
        "qualified_meeting_rate",
        "Qualified meeting rate",
        MetricKind::Rate,
        "Accounts with a qualified meeting",
        "accounts that outreach began with",
    ),
    (
        "opt_out_rate",
        "Opt-out rate",
        MetricKind::Rate,
        "People who asked not to be written to again, on any channel",
        "people who were written to",
    ),
    ("complaint_rate", "Complaint rate", MetricKind::Rate, "People who complained", "people who were written to"),
    (
        "workflow_completions",
        "Workflow completions",
        MetricKind::Count,
        "Walks that got as far as an approved write in the system of record after a call",
        "rep and week",
    ),
    (
        "draft_distance",
        "Distance of what went out from the draft",
        MetricKind::Nearness,
        "Words that a person changed in a text before it went out, over the words of the longer of the two texts",
        "",
    ),
    (
        "stage_conversion",
        "Conversion between two stages",
        MetricKind::Rate,
        "Walks that were at the second point after the first",
        "walks that were at the first point and are decided; open ones are told apart",
    ),
    (
        "time_on_task",
        "Time to decide",
        MetricKind::Duration,
        "Median time from the moment a proposal was on a person's screen to their decision",
        "",
    ),
];

pub(super) fn metrics() -> Vec<Metric> {
    let make = |(id, title, kind, of, per): &Row| Metric {
        id: (*id).to_owned(),
        title: (*title).to_owned(),
        kind: *kind,
        of: (*of).to_owned(),
        per: Some(*per).filter(|p| !p.is_empty()).map(str::to_owned),
    };
    ROWS.iter().map(make).collect()
}
