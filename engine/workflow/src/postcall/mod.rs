//! After a call: what was said becomes a note, tasks, field changes and a follow-up, for a person to approve.
//!
//! Rules over words find; what is a promise and how an objection ended is decided by small linear models over them that
//! were trained on labelled calls ([`learned`]). No clock: the same call gives the same proposal. Every line cites the words
//! it rests on; what no rule found is not written. The stages of the reading, each in its own file:
//!
//! ```text
//! CallTranscript ─► talk (clauses, days) ─┬─► promise (acts, due) ─► tasks ─┐
//!                                         ├─► objection, absent, agreed     ├─► NoteProposal ─► proposals ─► gate
//!                                         └─► stage, topics, central ─► summary, risk┘
//! ```

mod absent;
mod acts;
mod agreed;
mod central;
mod compose;
mod cues;
mod decision;
mod due;
mod elsewhere;
mod follow_up;
mod forms;
pub mod learned;
mod objection;
mod objection_cues;
mod people;
mod promise;
mod proposals;
mod reading;
mod stage;
mod talk;
#[cfg(test)]
mod tests;
mod topics;
mod wording;

use jiff::{Timestamp, tz::TimeZone};
use reframe_call::audio::Party;

pub use self::proposals::proposals;
pub(crate) use self::{
    compose::day,
    follow_up::{FEWER_THAN, closing, count, greeting},
    people::{People, bare},
    talk::UNSURE_BELOW,
    topics::is_common,
    wording::name_case,
};
use self::{
    compose::{cite, claim},
    learned::Judges,
    reading::Reading,
    talk::Talk,
    wording::Wording,
};
use crate::{
    dates::Anchor,
    handoff::{CallTranscript, Commitment, Note, NoteProposal, ObjectionRaised, Owner, TaskProposal},
};

/// Version of the rules, for [`Maker`](crate::artifact::Maker): raised when what they write may change.
pub const VERSION: u32 = 3;

/// What differs between companies and calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Month in which the fiscal year starts, 1 to 12.
    pub fiscal_year_starts: i8,
    /// E-mail addresses of the buyers who get the follow-up.
    pub recipients: Vec<String>,
    /// Name of the mailbox's system: `gmail`, `local`.
    pub mail_system: String,
    /// Domain of our `Message-ID`s.
    pub mail_domain: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fiscal_year_starts: 1,
            recipients: Vec::new(),
            mail_system: "local".to_owned(),
            mail_domain: "reframe.invalid".to_owned(),
        }
    }
}

/// Reads a call and drafts everything there is to write down about it.
#[must_use]
pub fn run(call: &CallTranscript, settings: &Settings) -> NoteProposal {
    run_with(call, settings, Judges::embedded())
}

/// As [`run`], with other weights than those of the program: to measure weights on calls they were not trained on.
#[must_use]
pub fn run_with(call: &CallTranscript, settings: &Settings, judges: &Judges) -> NoteProposal {
    let talk = Talk::read(call, &anchor(call, settings));
    let mut people = People::new(call.participants.iter().map(|p| p.name.as_str()));
    people.learn(talk.lines.iter().map(|l| l.words.as_slice()));
    let found = Reading::of(&talk, &people, judges);
    let names: Vec<String> = found.absent.iter().filter_map(|a| a.name.clone()).collect();
    let wording = Wording { talk: &talk, people: &people, names: &names };
    let commitments = commitments(wording, &found);
    let tasks = commitments.iter().filter(|c| c.owner.side == Party::Rep.as_str());
    let unsure = commitments.iter().filter(|c| c.unsure).count();
    NoteProposal {
        call: call.call.clone(),
        note: note(wording, &found),
        summary: compose::summary(wording, &found),
        objections: objections(wording, &found),
        absent: absent(wording, &found),
        risk: compose::risk(wording, &found),
        follow_up: follow_up::draft(wording, call, &found),
        tasks: tasks.map(|c| TaskProposal { what: c.what.clone(), due: c.due }).collect(),
        caveats: compose::caveats(&talk, call, unsure, settings.recipients.len()),
        commitments,
    }
}

fn note(wording: Wording<'_, '_>, found: &Reading) -> Note {
    let decisions = found.decisions.iter().map(|d| cite(wording, wording.quoted(&d.said), &d.said, d.confidence));
    let next = found.next.iter().map(|n| {
        let text = format!("{}: {}", compose::day(n.day), wording.quoted(&n.said));
        let evidence = [&n.said].into_iter().chain(&n.also).map(|s| wording.talk.quote(s)).collect();
        claim(text, evidence, n.confidence * wording.talk.heard(&n.said))
    });
    let topics = found.topics.iter().map(|t| {
        let evidence = t.said.iter().map(|s| wording.talk.quote(s)).collect();
        claim(t.text.clone(), evidence, 0.7)
    });
    Note {
        headline: compose::headline(wording, found),
        topics: topics.collect(),
        decisions: decisions.collect(),
        next_steps: next.collect(),
        fields: compose::fields(wording, found),
    }
}

fn commitments(wording: Wording<'_, '_>, found: &Reading) -> Vec<Commitment> {
    let promises = found.promises.iter().map(|p| {
        let evidence = p.spans.iter().map(|s| wording.talk.quote(s)).collect();
        let due = p.due.as_ref();
        // What decides who does what by when: a number, a name or a day in the words of the act.
        let act = &p.spans[0];
        let doubtful = (p.act..act.to).any(|i| wording.talk.lines[act.line].unsure(i) && wording.decides(act.line, i));
        Commitment {
            what: claim(wording.act(p), evidence, p.confidence),
            owner: Owner { side: p.side.as_str().to_owned(), name: p.owner.clone() },
            due: due.filter(|d| !d.unsure).map(|d| d.day),
            due_words: due.map(|d| wording.phrase(&d.words)),
            unsure: doubtful || due.is_some_and(|d| d.unsure),
        }
    });
    promises.collect()
}

fn objections(wording: Wording<'_, '_>, found: &Reading) -> Vec<ObjectionRaised> {
    let raised = found.objections.iter().map(|o| {
        let answer = o.answer.as_ref().map(|a| {
            let mut text = wording.quoted(a);
            let mut evidence = vec![wording.talk.quote(a)];
            if let Some(r) = &o.reaction {
                text.push_str(&format!(" {}", wording.quoted(r)));
                evidence.push(wording.talk.quote(r));
            }
            claim(text, evidence, o.score)
        });
        let said = cite(wording, wording.quoted(&o.raised), &o.raised, o.score);
        ObjectionRaised { label: o.label.clone(), raised: said, handling: o.handling, answer }
    });
    raised.collect()
}

fn absent(wording: Wording<'_, '_>, found: &Reading) -> Vec<crate::artifact::Claim> {
    let people = found.absent.iter().map(|a| {
        let text = match (&a.name, &a.role) {
            (Some(name), Some(role)) => format!("{} ({role})", wording::name_case(name)),
            (Some(name), None) => wording::name_case(name),
            (None, role) => role.clone().unwrap_or_default(),
        };
        let heard = a.said.iter().any(|s| !wording.talk.unsure(s));
        let text = if heard { text } else { format!("[unsure: {text}]") };
        let evidence =
            a.said.iter().take(3).map(|s| wording.talk.quote(&wording.talk.passage(s.line, s.from..s.to, 16)));
        claim(text, evidence.collect(), if heard { 0.8 } else { 0.4 })
    });
    people.collect()
}

/// When and where a call's times are meant. A zone nobody knows counts as UTC.
fn anchor(call: &CallTranscript, settings: &Settings) -> Anchor {
    let zone = TimeZone::get(&call.zone).unwrap_or(TimeZone::UTC);
    let at = Timestamp::from_millisecond(call.started_unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    Anchor { now: at.to_zoned(zone), fiscal_year_starts: settings.fiscal_year_starts }
}
