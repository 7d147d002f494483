//! Tasks and promises whose day went by.

use jiff::civil;

use super::{
    context::{Context, Said},
    finding::{Finding, Level},
    text,
    view::{self, CallDigest, field},
};
use crate::{artifact::Evidence, handoff::Commitment};

/// What a reminder of a late task begins with. A late reminder is not reminded of.
const AGAIN: &str = "Late, do it or give it a new day: ";
/// How sure it is that a promise of ours was not kept when no task or note speaks of it: work is done unrecorded.
const OURS: f32 = 0.5;
/// The same of the buyer's, of whom nothing was heard since.
const THEIRS: f32 = 0.8;

/// Tasks not done and promises not kept.
pub(super) fn check(c: &Context<'_>) -> Vec<Finding> {
    let mut out = tasks(c);
    for call in c.view().calls.iter().filter(|call| call.at_unix_ms <= c.facts.now_ms) {
        out.extend(call.commitments.iter().filter_map(|p| promise(c, call, p)));
    }
    out
}

/// Days by which something is late, if that is more than may be.
fn late(c: &Context<'_>, due: civil::Date) -> Option<u32> {
    let days = u32::try_from(view::days(due, c.facts.today)).ok()?;
    (days > c.rules.limits().grace_days).then_some(days)
}

fn tasks(c: &Context<'_>) -> Vec<Finding> {
    let view = c.view();
    let of = |task| {
        let late = late(c, view::day(crate::system::Record::field(task, field::DUE)?)?)?;
        let subject = task.field(field::SUBJECT)?.trim();
        if subject.is_empty() || subject.starts_with(AGAIN) {
            return None;
        }
        let said = Said {
            rule: "task/lapsed".to_owned(),
            subject: task.at.to_string(),
            level: Level::Low,
            text: format!("The task \"{subject}\" is {late} days late."),
            evidence: vec![view.cite(task, field::DUE), view.cite(task, field::SUBJECT)],
            confidence: 1.0,
        };
        c.task(said, format!("{AGAIN}{subject}"))
    };
    view.open_tasks().filter_map(of).collect()
}

fn promise(c: &Context<'_>, call: &CallDigest, promise: &Commitment) -> Option<Finding> {
    let view = c.view();
    // Too badly heard to be held against anybody.
    if promise.unsure || promise.what.confidence() < c.facts.min_confidence {
        return None;
    }
    let due = view::civil(promise.due?)?;
    let late = late(c, due)?;
    let what = promise.what.text();
    let buyers = promise.owner.side == "buyer";
    // What is on the list is the list's to remind of, and what was crossed off was kept.
    let says = |text: Option<&str>| text.is_some_and(|text| text::same_thing(text, what));
    let listed = view.tasks.iter().any(|t| says(t.field(field::SUBJECT)));
    let later = |n: &&crate::system::Record| n.updated_unix_ms > call.at_unix_ms;
    let written = view.notes.iter().filter(later).any(|n| says(n.field(field::BODY)));
    // Of the buyer's promises any sign of life may be the keeping.
    let answered =
        buyers && view.buyer_activity.iter().any(|a| after(a.at_unix_ms, call) && a.at_unix_ms <= c.facts.now_ms);
    if listed || written || answered {
        return None;
    }
    let (who, sure) = if buyers { ("The buyer's side", THEIRS) } else { ("Our side", OURS) };
    let who = promise.owner.name.as_deref().unwrap_or(who);
    let said = Said {
        rule: "commitment/lapsed".to_owned(),
        subject: subject(promise, call),
        level: Level::Concern,
        text: format!(
            "{who} promised for {due}: \"{what}\". That is {late} days ago, and nothing shows that it was done."
        ),
        evidence: promise.what.evidence().to_vec(),
        confidence: sure.min(promise.what.confidence()),
    };
    c.task(said, format!("Check what became of: {what}"))
}

/// What the buyer's side does in the call itself is not done after it: a call is over after four hours.
fn after(at_unix_ms: i64, call: &CallDigest) -> bool {
    const LONGEST_CALL_MS: i64 = 4 * 60 * 60 * 1_000;
    at_unix_ms > call.at_unix_ms.saturating_add(LONGEST_CALL_MS)
}

fn subject(promise: &Commitment, call: &CallDigest) -> String {
    match promise.what.evidence().first() {
        Some(Evidence::Words { call, from_ms, .. }) => format!("{call}@{from_ms}"),
        Some(Evidence::Event { call, seq }) => format!("{call}#{seq}"),
        _ => call.call.clone(),
    }
}
