//! A whole deal on one page: everything its calls left, each line with the words it rests on.
//!
//! Nothing is written anew here: every line is a claim of a note, chosen and put in order. So a summary over fifty calls
//! costs no more than reading their notes.

use std::collections::BTreeMap;

use reframe_call::date::Date;
use reframe_workflow::{
    artifact::{ArtifactId, Claim},
    handoff::{Commitment, Handling, NoteProposal, ObjectionRaised},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lines of a part; the rest is counted. A page that is read in a few minutes holds no more.
const LISTED: usize = 12;

/// A call's note with what it is known by.
#[derive(Clone, Copy, Debug)]
pub struct CallNote<'a> {
    /// The note's id.
    pub id: &'a ArtifactId,
    /// When the call began, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// The note.
    pub note: &'a NoteProposal,
}

/// A line with the note it stands in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The note.
    pub note: ArtifactId,
    /// Name of the call.
    pub call: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What was said, and the words.
    pub what: Claim,
}

/// A promise with the day it is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Whose: `rep` or `buyer`.
    pub side: String,
    /// The day, if one was said.
    #[schemars(with = "Option<String>")]
    pub due: Option<Date>,
    /// Whether that day is over. Whether it was kept is not known here.
    pub past: bool,
    /// What.
    pub line: Line,
}

/// Objections of one kind over all calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objections {
    /// Class: `price`.
    pub label: String,
    /// How often it was raised.
    pub raised: u64,
    /// How it stood when it was raised last.
    pub last: Handling,
    /// Where it was raised last.
    pub line: Line,
}

/// A part of the page, the most recent lines first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part<T> {
    /// How many there are.
    pub n: u64,
    /// The first twelve.
    pub lines: Vec<T>,
}

/// The page's values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DealSummary {
    /// Calls it rests on.
    pub calls: u64,
    /// Each call in a line.
    pub headlines: Part<Line>,
    /// What was decided.
    pub decisions: Part<Line>,
    /// What was promised, first what is not past, the soonest first; then what is past, the latest first; then what has
    /// no day.
    pub promises: Part<Promise>,
    /// Objections by kind: first those that stand open, then the most frequent.
    pub objections: Part<Objections>,
    /// People who were spoken of and not there.
    pub absent: Part<Line>,
    /// Risk from 1 to 5 after each call, in order of time.
    pub risk: Vec<(i64, u8)>,
    /// Why it stands so now.
    pub risk_because: Option<Line>,
}

fn part<T>(all: Vec<T>) -> Part<T> {
    let n = all.len() as u64;
    Part { n, lines: all.into_iter().take(LISTED).collect() }
}

fn line(of: &CallNote<'_>, what: &Claim) -> Line {
    Line { note: of.id.clone(), call: of.note.call.clone(), at_unix_ms: of.at_unix_ms, what: what.clone() }
}

/// Everything the calls of a deal left; `today` is the reader's day.
#[must_use]
pub fn summary(notes: &[CallNote<'_>], today: Date) -> DealSummary {
    let mut notes = notes.to_vec();
    notes.sort_by(|a, b| b.at_unix_ms.cmp(&a.at_unix_ms).then_with(|| a.id.cmp(b.id)));
    let lines = |of: fn(&NoteProposal) -> Vec<&Claim>| {
        part(notes.iter().flat_map(|n| of(n.note).into_iter().map(|c| line(n, c))).collect())
    };
    let mut promises: Vec<Promise> =
        notes.iter().flat_map(|n| n.note.commitments.iter().map(|c| promise(n, c, today))).collect();
    promises.sort_by_key(|p| match p.due {
        Some(day) if !p.past => (0, Some(day), None),
        Some(day) => (1, None, Some(std::cmp::Reverse(day))),
        None => (2, None, None),
    });
    let risks = notes.iter().filter_map(|n| n.note.risk.as_ref().map(|risk| (n, risk)));
    let mut risk: Vec<(i64, u8)> = risks.clone().map(|(n, risk)| (n.at_unix_ms, risk.level)).collect();
    risk.reverse();
    DealSummary {
        calls: notes.len() as u64,
        headlines: lines(|n| n.note.headline.iter().collect()),
        decisions: lines(|n| n.note.decisions.iter().collect()),
        promises: part(promises),
        objections: objections(&notes),
        absent: lines(|n| n.absent.iter().collect()),
        risk,
        risk_because: risks.clone().next().map(|(n, risk)| line(n, &risk.because)),
    }
}

fn promise(of: &CallNote<'_>, c: &Commitment, today: Date) -> Promise {
    Promise {
        side: c.owner.side.clone(),
        due: c.due,
        past: c.due.is_some_and(|day| day < today),
        line: line(of, &c.what),
    }
}

/// `notes` are the latest first, so the first of a kind is the last that was raised.
fn objections(notes: &[CallNote<'_>]) -> Part<Objections> {
    let mut by: BTreeMap<&str, Objections> = BTreeMap::new();
    // Within a call the last one stands.
    let raised = notes.iter().flat_map(|n| n.note.objections.iter().rev().map(move |o| (n, o)));
    for (of, ObjectionRaised { label, raised, handling, .. }) in raised {
        let it = by.entry(label).or_insert_with(|| Objections {
            label: label.clone(),
            raised: 0,
            last: *handling,
            line: line(of, raised),
        });
        it.raised += 1;
    }
    let mut all: Vec<Objections> = by.into_values().collect();
    all.sort_by_key(|o| (o.last == Handling::Handled, std::cmp::Reverse(o.raised)));
    part(all)
}
