//! One paragraph that says why an account is in the feed, or the word `PASS`.

use std::collections::BTreeMap;

use reframe_workflow::artifact::{Claim, Evidence};

use crate::{
    event::{DAY_MS, SignalEvent},
    icp::Judgement,
    warmth::Warmth,
};

/// What is written where nothing speaks for an account.
pub const PASS: &str = "PASS";
/// Most signals that one paragraph tells of.
const MOST: usize = 3;
/// A signal is told of from this share of what all positive ones add, in hundredths.
const LEAST_SHARE: i64 = 10;

/// Why an account is worth a person's time, or that it is not.
#[derive(Clone, Debug, PartialEq)]
pub enum Rationale {
    /// A paragraph that cites each signal it tells of.
    Because(Claim),
    /// Nothing speaks for it.
    Pass,
}

impl std::fmt::Display for Rationale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Because(claim) => f.write_str(claim.text()),
            Self::Pass => f.write_str(PASS),
        }
    }
}

/// Writes the paragraph: up to three signals that add most, each word for word with its age, what speaks against it, and
/// what of the profile fits. `events` must hold the warmth's events; those that are missing are not told of.
#[must_use]
pub fn rationale(
    name: &str,
    warmth: &Warmth,
    judgement: &Judgement,
    events: &BTreeMap<&str, &SignalEvent>,
) -> Rationale {
    let gained: i64 = warmth.contributions.iter().map(|c| c.milli.max(0)).sum();
    if warmth.milli <= 0 || gained == 0 || !judgement.excluded.is_empty() {
        return Rationale::Pass;
    }
    let known = || warmth.contributions.iter().filter_map(|c| Some((c, *events.get(c.event.as_str())?)));
    let told: Vec<_> = known()
        .filter(|(c, _)| c.milli > 0 && c.milli * 100 >= gained * LEAST_SHARE)
        .chain(known().filter(|(c, _)| c.milli > 0).take(1))
        .fold(Vec::new(), |mut told: Vec<_>, next| {
            if told.len() < MOST
                && !told.iter().any(|(c, _): &(&crate::warmth::Contribution, _)| c.event == next.0.event)
            {
                told.push(next);
            }
            told
        });
    if told.is_empty() {
        return Rationale::Pass;
    }
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut parts = Vec::new();
    for (c, event) in &told {
        let share = c.milli * 100 / gained;
        parts.push(format!("{} \"{}\" ({}, {share} % of the warmth)", c.kind.words(), event.line(), age(c.age_ms)));
        evidence.push(event.evidence());
    }
    let mut text = format!("{name}: {}.", parts.join("; "));
    if let Some((c, event)) = known().find(|(c, _)| c.milli < 0) {
        text.push_str(&format!(" Against it: {} \"{}\" ({}).", c.kind.words(), event.line(), age(c.age_ms)));
        evidence.push(event.evidence());
    }
    let fits: Vec<&str> = judgement.parts.iter().filter(|p| p.holds == Some(true)).map(|p| p.rule.as_str()).collect();
    if !fits.is_empty() {
        text.push_str(&format!(" Fits by {}.", fits.join(", ")));
    }
    Claim::new(text, evidence, 1.0).map_or(Rationale::Pass, Rationale::Because)
}

/// An age in words.
fn age(ms: i64) -> String {
    match ms / DAY_MS {
        0 => "less than a day ago".to_owned(),
        1 => "1 day ago".to_owned(),
        n => format!("{n} days ago"),
    }
}
