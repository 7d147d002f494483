//! Everything the rules found in a call, before it is put into words.

use reframe_call::{audio::Party, date::Date};

use super::{
    absent::{self, Absent},
    agreed::{self, NextStep},
    decision::{self, Decision},
    due::Due,
    elsewhere,
    learned::Judges,
    objection::{self, Objection},
    people::People,
    promise::{Finder, Promise},
    stage::{self, Fact, Slot},
    talk::{Span, Talk},
    topics::{self, Topic},
};

/// What was found.
#[derive(Debug)]
pub struct Reading {
    /// What people said they would do.
    pub promises: Vec<Promise>,
    /// Objections and how they were met.
    pub objections: Vec<Objection>,
    /// People who matter and were not there.
    pub absent: Vec<Absent>,
    /// What was settled.
    pub decisions: Vec<Decision>,
    /// The next meeting.
    pub next: Option<NextStep>,
    /// What the buyer stated about the deal.
    pub facts: Vec<Fact>,
    /// What it was about.
    pub topics: Vec<Topic>,
    /// When they mean to sign or start, with the words.
    pub closes: Option<(Date, Span)>,
}

impl Reading {
    /// Reads a call.
    pub fn of(talk: &Talk<'_>, people: &People, judges: &Judges) -> Self {
        let facts = stage::facts(talk);
        let mut promises = Finder::default().find(talk, people, &judges.promise);
        let next = agreed::next_step(talk);
        elsewhere::bind(talk, &mut promises, next.as_ref());
        if let Some(next) = &next {
            promises.iter_mut().for_each(|p| due_at_meeting(talk, p, next));
        }
        Self {
            promises,
            objections: objection::of(talk, judges),
            absent: absent::of(talk, people),
            decisions: decision::decisions(talk),
            next,
            topics: topics::of(talk, people),
            closes: closes(talk, &facts),
            facts,
        }
    }

    /// The most telling fact of a slot.
    pub fn fact(&self, slot: Slot) -> Option<&Fact> {
        self.facts.iter().find(|f| f.slot == slot)
    }
}

/// What is brought to the next meeting is due on its day: "i'll bring our integration lead", "i'll have counsel on there".
fn due_at_meeting(talk: &Talk<'_>, promise: &mut Promise, next: &NextStep) {
    let span = &promise.spans[0];
    let act = talk.words(&Span { from: promise.act.max(span.from), ..span.clone() });
    let there = act.windows(2).any(|w| matches!(w, ["on", "there"] | ["with", "me"] | ["next", "time"]));
    let brings = matches!(act.first(), Some(&"bring" | &"come")) || act.first() == Some(&"have") && there;
    if promise.due.is_none() && brings {
        promise.due = Some(Due { day: next.day, words: next.said.clone(), unsure: false });
        promise.spans.push(next.said.clone());
    }
}

/// The day the buyer gave for signing; failing that, for starting.
fn closes(talk: &Talk<'_>, facts: &[Fact]) -> Option<(Date, Span)> {
    const STARTS: [&str; 4] = ["start", "live", "begin", "kick"];
    let day_in = |span: &Span| {
        let line = &talk.lines[span.line];
        let inside = line.days.iter().find(|m| m.words.start >= span.from && m.words.end <= span.to && !m.unsure)?;
        inside.due().filter(|d| *d > talk.today)
    };
    let signing =
        facts.iter().filter(|f| f.slot == Slot::Signing).find_map(|f| Some((day_in(&f.said)?, f.said.clone())));
    let starting = || {
        let said = facts.iter().filter(|f| f.slot == Slot::Timeline && talk.lines[f.said.line].side == Party::Buyer);
        let said = said.filter(|f| talk.words(&f.said).iter().any(|w| STARTS.contains(w)));
        said.filter_map(|f| Some((day_in(&f.said)?, f.said.clone()))).next()
    };
    signing.or_else(starting)
}
