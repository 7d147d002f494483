//! A deal as a whole, over all of its calls: when what happened, what was promised and became of it, objections, people,
//! contradictions; every line with what it rests on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use reframe_workflow::{
    artifact::Claim,
    handoff::{CallTranscript, Handling, NoteProposal},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    contradiction::{self, Contradiction},
    wording::{content, plain_words},
};

/// A call of the deal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// Name of the call.
    pub call: String,
    /// Its title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What it came to: the headline of its note, or its first decision.
    pub what: Option<Claim>,
}

/// What became of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// A later call says that it was done.
    Kept,
    /// Nothing says so, and its day is not past.
    Open,
    /// Nothing says so, and its day is past.
    Late,
}

/// A promise and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracked {
    /// The promise; if it was kept, the words for that are the last of its evidence.
    pub what: Claim,
    /// Whose side owes it: `rep` or `buyer`.
    pub side: String,
    /// Who on it.
    pub owner: Option<String>,
    /// The day it is due, `2026-03-13`.
    pub due: Option<String>,
    /// What became of it.
    pub kept: Kept,
}

/// A class of objection over the deal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// Class.
    pub label: String,
    /// How it ended the last time.
    pub last: Handling,
    /// The buyer's words each time, in order.
    pub raised: Vec<Claim>,
}

/// Somebody of the deal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name, or role of somebody without a name.
    pub name: String,
    /// Whose side: `rep`, `buyer`, `unknown`; `absent` for those who were only spoken of.
    pub side: String,
    /// Calls they spoke in, or were spoken of in.
    pub calls: usize,
    /// The first words that show it.
    pub shown: Claim,
}

/// A deal over all of its calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DealSummary {
    /// Its calls, in order of time.
    pub timeline: Vec<Moment>,
    /// Promises, in order of being made.
    pub promises: Vec<Tracked>,
    /// Objections: first what is not handled, then by how often it came up.
    pub objections: Vec<Course>,
    /// People: those who spoke, then those spoken of, each by number of calls.
    pub people: Vec<Person>,
    /// Statements that cannot both be so.
    pub contradictions: Vec<Contradiction>,
}

/// Words that say something was done.
const DONE: &[&[&str]] = &[
    &["i", "sent"],
    &["i've", "sent"],
    &["we", "sent"],
    &["we've", "sent"],
    &["you", "sent"],
    &["you've", "sent"],
    &["as", "promised"],
    &["i", "got"],
    &["we", "got"],
    &["i've", "got"],
    &["we've", "got"],
    &["got", "the"],
    &["thanks", "for"],
    &["thank", "you", "for"],
    &["i", "talked", "to"],
    &["i", "spoke", "to"],
    &["i", "asked"],
    &["i've", "asked"],
    &["we've", "done"],
    &["is", "done"],
    &["it's", "done"],
    &["i", "checked"],
    &["i've", "checked"],
    &["i", "looked", "into"],
    &["have", "signed"],
    &["we've", "signed"],
    &["i", "did"],
    &["i've", "put"],
    &["i've", "made"],
    &["i've", "built"],
    &["we", "did"],
    &["we've", "set"],
    &["received"],
    &["i", "saw"],
    &["came", "through"],
];
/// Words of a promise that a later turn must share for being about it.
const SHARED: usize = 2;

/// Puts it together. Calls and notes may come in any order; notes of calls that are not given are left out of the timeline.
/// `today` is the day that promises are held against.
#[must_use]
pub fn summarize(calls: &[CallTranscript], notes: &[NoteProposal], today: Date) -> DealSummary {
    let mut order: Vec<&CallTranscript> = calls.iter().collect();
    order.sort_by(|a, b| (a.started_unix_ms, &a.call).cmp(&(b.started_unix_ms, &b.call)));
    let by_call: BTreeMap<&str, &NoteProposal> = notes.iter().map(|n| (n.call.as_str(), n)).collect();
    let in_time: Vec<(&CallTranscript, &NoteProposal)> =
        order.iter().filter_map(|c| Some((*c, *by_call.get(c.call.as_str())?))).collect();
    let timeline = order.iter().map(|call| {
        let note = by_call.get(call.call.as_str()).map(|n| &n.note);
        let what = note.and_then(|n| n.headline.as_ref().or_else(|| n.decisions.first()).or_else(|| n.topics.first()));
        Moment {
            call: call.call.clone(),
            title: call.title.clone(),
            at_unix_ms: call.started_unix_ms,
            what: what.cloned(),
        }
    });
    DealSummary {
        timeline: timeline.collect(),
        promises: promises(&order, &in_time, today),
        objections: courses(&in_time),
        people: people(&order, &in_time),
        contradictions: contradiction::in_calls(calls),
    }
}

/// A turn that says something was done: its call, and its words by their beginnings.
struct Report<'a> {
    order: usize,
    call: &'a CallTranscript,
    turn: &'a reframe_workflow::handoff::Turn,
    about: BTreeSet<String>,
}

fn promises(order: &[&CallTranscript], notes: &[(&CallTranscript, &NoteProposal)], today: Date) -> Vec<Tracked> {
    let mut reports: Vec<Report<'_>> = Vec::new();
    for (n, call) in order.iter().enumerate() {
        for turn in &call.turns {
            let words: Vec<&str> = turn.words.iter().map(|w| w.text.as_str()).collect();
            let lower: Vec<String> = plain_words(&words.join(" "));
            if DONE.iter().any(|p| lower.windows(p.len()).any(|w| w.iter().zip(*p).all(|(a, b)| a == b))) {
                reports.push(Report { order: n, call, turn, about: content(&words.join(" ")) });
            }
        }
    }
    let mut out = Vec::new();
    for (call, note) in notes {
        let made = order.iter().position(|c| c.call == call.call).unwrap_or(0);
        for promise in &note.commitments {
            let about = content(promise.what.text());
            let tells = |r: &&Report<'_>| {
                r.order > made && r.about.intersection(&about).count() >= SHARED.min(about.len().max(1))
            };
            let done = reports.iter().find(tells);
            let due = promise.due.map(|d| d.to_string());
            let past = due.as_ref().and_then(|d| d.parse::<Date>().ok()).is_some_and(|d| d < today);
            let what = done.and_then(|r| {
                let quote = r.call.quote(r.turn, 0..r.turn.words.len().min(30));
                let evidence = promise.what.evidence().iter().cloned().chain([quote]).collect();
                Claim::new(promise.what.text(), evidence, promise.what.confidence().min(0.7)).ok()
            });
            out.push(Tracked {
                kept: if what.is_some() {
                    Kept::Kept
                } else if past {
                    Kept::Late
                } else {
                    Kept::Open
                },
                what: what.unwrap_or_else(|| promise.what.clone()),
                side: promise.owner.side.clone(),
                owner: promise.owner.name.clone(),
                due,
            });
        }
    }
    out
}

fn courses(notes: &[(&CallTranscript, &NoteProposal)]) -> Vec<Course> {
    let mut courses: BTreeMap<&str, Course> = BTreeMap::new();
    for objection in notes.iter().flat_map(|(_, n)| &n.objections) {
        let course = courses.entry(&objection.label).or_insert_with(|| Course {
            label: objection.label.clone(),
            last: objection.handling,
            raised: Vec::new(),
        });
        course.last = objection.handling;
        course.raised.push(objection.raised.clone());
    }
    let mut out: Vec<Course> = courses.into_values().collect();
    out.sort_by_key(|c| (c.last == Handling::Handled, std::cmp::Reverse(c.raised.len()), c.label.clone()));
    out
}

fn people(order: &[&CallTranscript], notes: &[(&CallTranscript, &NoteProposal)]) -> Vec<Person> {
    let mut spoke: BTreeMap<(String, String), Person> = BTreeMap::new();
    for call in order {
        let mut here = BTreeSet::new();
        for turn in &call.turns {
            let Some(who) = call.participants.get(turn.speaker) else { continue };
            if !here.insert(turn.speaker) {
                continue;
            }
            let evidence = vec![call.quote(turn, 0..turn.words.len().min(12))];
            let Ok(shown) = Claim::new(format!("{} spoke.", who.name), evidence, 1.0) else { continue };
            let key = (who.name.to_lowercase(), who.side.clone());
            let person = spoke.entry(key).or_insert_with(|| Person {
                name: who.name.clone(),
                side: who.side.clone(),
                calls: 0,
                shown,
            });
            person.calls += 1;
        }
    }
    let mut absent: BTreeMap<String, Person> = BTreeMap::new();
    for claim in notes.iter().flat_map(|(_, n)| &n.absent) {
        let name = claim.text().split(" (").next().unwrap_or_default().to_owned();
        let known = spoke.keys().any(|(known, _)| known.split_whitespace().any(|w| w == name.to_lowercase()));
        if known || name.is_empty() || name.starts_with('[') {
            continue;
        }
        let person = absent.entry(name.to_lowercase()).or_insert_with(|| Person {
            name: claim.text().to_owned(),
            side: "absent".to_owned(),
            calls: 0,
            shown: claim.clone(),
        });
        person.calls += 1;
    }
    let by_calls = |map: Vec<Person>| {
        let mut list = map;
        list.sort_by(|a, b| b.calls.cmp(&a.calls).then(a.name.cmp(&b.name)));
        list
    };
    let mut out = by_calls(spoke.into_values().collect());
    out.extend(by_calls(absent.into_values().collect()));
    out
}

impl DealSummary {
    /// Every statement in it, each with what it rests on.
    #[must_use]
    pub fn claims(&self) -> Vec<&Claim> {
        let mut all: Vec<&Claim> = self.timeline.iter().filter_map(|m| m.what.as_ref()).collect();
        all.extend(self.promises.iter().map(|p| &p.what));
        all.extend(self.objections.iter().flat_map(|o| &o.raised));
        all.extend(self.people.iter().map(|p| &p.shown));
        all.extend(self.contradictions.iter().map(|c| &c.claim));
        all
    }
}

/// The day of a time in a zone, for [`summarize`].
#[must_use]
pub fn day_of(unix_ms: i64, zone: &TimeZone) -> Date {
    Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone()).date()
}

#[cfg(test)]
mod tests {
    use reframe_workflow::verify::{Sources, check_all};

    use super::*;
    use crate::sample;

    #[test]
    fn a_deal_over_its_calls() {
        let calls = sample::calls();
        let notes: Vec<NoteProposal> = calls.iter().map(sample::note).collect();
        let mut turned = calls.clone();
        turned.reverse();
        let today = "2026-04-20".parse().unwrap();
        let summary = summarize(&calls, &notes, today);
        assert_eq!(summary, summarize(&turned, &notes, today), "the order they are given in does not matter");
        assert_eq!(summary.timeline.iter().map(|m| m.call.as_str()).collect::<Vec<_>>(), ["c1", "c2", "c3"]);
        assert!(!summary.promises.is_empty());
        assert!(
            summary.people.iter().any(|p| p.name == "dana" && p.side == "buyer" && p.calls == 3),
            "{:?}",
            summary.people
        );
        assert_eq!(summary.contradictions.iter().map(|c| c.slot).collect::<Vec<_>>(), [contradiction::Slot::Budget]);
        let broken = check_all(&summary.claims(), Sources { calls: &calls, ..Sources::default() });
        assert_eq!(broken, []);
    }

    #[test]
    fn a_promise_is_kept_when_a_later_call_says_so() {
        let calls = sample::calls();
        let mut note = sample::note(&calls[0]);
        let turn = &calls[0].turns[1];
        let evidence = vec![calls[0].quote(turn, 0..3)];
        let promise = |text: &str, due: &str| reframe_workflow::handoff::Commitment {
            what: Claim::new(text, evidence.clone(), 0.9).unwrap(),
            owner: reframe_workflow::handoff::Owner { side: "rep".into(), name: None },
            due: due.parse().ok(),
            due_words: None,
            unsure: false,
        };
        note.commitments = vec![
            promise("Send the security questionnaire.", "2026-03-05"),
            promise("Book a visit at the dock.", "2026-03-06"),
            promise("Draft the rollout plan.", "2026-12-01"),
        ];
        let summary = summarize(&calls, &[note], "2026-04-20".parse().unwrap());
        let kept: Vec<Kept> = summary.promises.iter().map(|p| p.kept).collect();
        assert_eq!(kept, [Kept::Kept, Kept::Late, Kept::Open]);
        assert_eq!(summary.promises[0].what.evidence().len(), 2);
    }
}
