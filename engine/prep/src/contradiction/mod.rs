//! Contradictions across the calls of a deal: what the same side said of one thing and cannot both be so.
//!
//! Two ways lead to them. What is said in so many words is read as a value: numbers (budget, price, size, team), days (date,
//! contract), names (tool, location) and sides (authority, competitor, process, security, need). Questions, what is only
//! imagined, what is over, and what is somebody else's are passed by, and every value is held against the later ones of the
//! same side in later calls. People say most things otherwise ("there are two pens now"): those a pair model finds, which
//! weighs what two turns share, where they differ, and how what was said around them took it ([`model`]). A change that was
//! announced is a contradiction too: the record must follow it. Of each slot one is shown, with both quotes.

mod amount;
mod day;
mod fact;
pub mod labelled;
mod learned;
mod lexicon;
mod line;
pub mod model;
mod number;
mod pair;
mod place;
mod reading;
mod stance;
#[cfg(test)]
mod tests;
pub mod training;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Zoned, tz::TimeZone};
use reframe_call::audio::Party;
use reframe_workflow::{artifact::Claim, handoff::CallTranscript};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    fact::{Fact, Line, Value},
    line::sentences,
    model::Model,
};

/// Statements about a slot that are kept of one call, the first ones: whoever says more about one thing repeats it.
const MAX_PER_CALL: usize = 24;
/// Longest quotation, in words.
const MAX_QUOTE_WORDS: usize = 40;
/// How sure a contradiction is: the share of those found on calls nobody had read that were ones (docs/CALL_PREP.md).
const CONFIDENCE: f32 = 0.6;

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Money that is there for it.
    Budget,
    /// When something is to happen.
    Date,
    /// Who decides.
    Authority,
    /// Whether and whom else they talk to.
    Competitor,
    /// How many users, sites, vehicles, cases.
    Size,
    /// What has to happen before they buy.
    Process,
    /// What they need.
    Need,
    /// What they work with today.
    Tool,
    /// What something costs, or what they pay.
    Price,
    /// Who does the work on their side.
    Team,
    /// Until when and how they are bound to somebody else.
    Contract,
    /// Where something is or takes place.
    Location,
    /// What is allowed and asked for.
    Security,
}

impl Slot {
    /// Every slot, in order.
    pub const ALL: [Self; 13] = [
        Self::Budget,
        Self::Date,
        Self::Authority,
        Self::Competitor,
        Self::Size,
        Self::Process,
        Self::Need,
        Self::Tool,
        Self::Price,
        Self::Team,
        Self::Contract,
        Self::Location,
        Self::Security,
    ];

    /// The word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Date => "date",
            Self::Authority => "authority",
            Self::Competitor => "competitor",
            Self::Size => "size",
            Self::Process => "process",
            Self::Need => "need",
            Self::Tool => "tool",
            Self::Price => "price",
            Self::Team => "team",
            Self::Contract => "contract",
            Self::Location => "location",
            Self::Security => "security",
        }
    }

    /// As it stands in a sentence.
    #[must_use]
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::Budget => "the budget",
            Self::Date => "the date",
            Self::Authority => "who decides",
            Self::Competitor => "who else you look at",
            Self::Size => "the size",
            Self::Process => "how you buy",
            Self::Need => "what you need",
            Self::Tool => "the tool you use",
            Self::Price => "the price",
            Self::Team => "the team",
            Self::Contract => "the contract you are in",
            Self::Location => "the place",
            Self::Security => "what is allowed",
        }
    }
}

/// A turn to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpokenTurn<'a> {
    /// Whether the buyer's side speaks.
    pub buyer: bool,
    /// Its words, as they were heard or written.
    pub words: Vec<&'a str>,
}

/// A call to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenCall<'a> {
    /// When it was, in the zone its days are meant in.
    pub now: Zoned,
    /// Its turns, in order.
    pub turns: Vec<SpokenTurn<'a>>,
}

/// Where words are: call, turn, and first and last word of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Number of the call, as given.
    pub call: usize,
    /// Number of the turn.
    pub turn: usize,
    /// First and last word.
    pub words: (usize, usize),
}

/// Two statements that cannot both be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What about.
    pub slot: Slot,
    /// The earlier one.
    pub first: Place,
    /// The later one.
    pub second: Place,
}

/// Contradictions of calls that are given in order of time: of each slot one, in order of the later statement. What is said
/// in so many words comes first, the rest is what the built-in model finds.
#[must_use]
pub fn find(calls: &[SpokenCall<'_>]) -> Vec<Pair> {
    find_with(calls, Model::shipped())
}

/// The same, with a model of one's own.
#[must_use]
pub fn find_with(calls: &[SpokenCall<'_>], model: &Model) -> Vec<Pair> {
    let mut out = stated(calls);
    let turn = |p: Place| (p.call, p.turn);
    for pair in learned::find(calls, model) {
        let known =
            |p: &Pair| p.slot == pair.slot || turn(p.first) == turn(pair.first) || turn(p.second) == turn(pair.second);
        if !out.iter().any(known) {
            out.push(pair);
        }
    }
    out.sort_by_key(|p| (p.second, p.first, p.slot));
    out
}

/// Contradictions between two values of a slot that were said in so many words: of each slot the first.
fn stated(calls: &[SpokenCall<'_>]) -> Vec<Pair> {
    let mut by_slot: BTreeMap<Slot, Vec<Fact>> = BTreeMap::new();
    for fact in facts(calls) {
        let known = by_slot.entry(fact.slot).or_default();
        if known.iter().rev().take_while(|f| f.call == fact.call).count() < MAX_PER_CALL {
            known.push(fact);
        }
    }
    let mut out: Vec<Pair> = by_slot.values().filter_map(|facts| first_of(facts)).collect();
    // One pair of turns is one contradiction: the plainest slot says what it is. What people want, and who decides, can be
    // told from almost any two statements.
    let plain = |slot: Slot| match slot {
        Slot::Need => 2,
        Slot::Authority => 1,
        _ => 0,
    };
    let turns = |p: &Pair| (p.first.call, p.first.turn, p.second.call, p.second.turn);
    out.sort_by_key(|p| (plain(p.slot), p.slot));
    let mut seen = BTreeSet::new();
    out.retain(|p| seen.insert(turns(p)));
    out
}

/// The first contradiction among the statements about one slot.
fn first_of(facts: &[Fact]) -> Option<Pair> {
    for (n, later) in facts.iter().enumerate() {
        // The latest call before it in which the side said something else: that is what people remember.
        let against = facts[..n].iter().filter(|earlier| {
            earlier.call < later.call
                && earlier.buyer == later.buyer
                && earlier.excludes(later)
                && related(earlier, later)
        });
        let Some(first) = against.max_by_key(|f| (f.call, std::cmp::Reverse(f.turn))) else { continue };
        // Whoever says in the same call that it is as before has not changed it.
        let stays = |f: &&Fact| {
            f.call == later.call
                && f.slot == later.slot
                && f.topic == later.topic
                && f.turn != later.turn
                && same(first, f)
        };
        if !later.corrects && facts.iter().any(|f| stays(&f)) {
            continue;
        }
        let place = |f: &Fact| Place { call: f.call, turn: f.turn, words: f.words };
        return Some(Pair { slot: later.slot, first: place(first), second: place(later) });
    }
    None
}

/// Whether two statements say the same.
fn same(a: &Fact, b: &Fact) -> bool {
    std::mem::discriminant(&a.value) == std::mem::discriminant(&b.value) && !a.excludes(b)
}

/// Whether two statements are about the same thing, beyond their slot: what it takes differs from slot to slot.
fn related(a: &Fact, b: &Fact) -> bool {
    let common = a.subjects.intersection(&b.subjects).count();
    match (a.slot, &a.value) {
        (Slot::Security | Slot::Location, _) => common >= 1,
        (Slot::Size, _) => common >= 1 || b.corrects,
        (Slot::Price, Value::Stance(_)) => common >= 1,
        (Slot::Tool, Value::Names(is, _)) => {
            common >= 1 || matches!(&b.value, Value::Names(_, not) if is.intersection(not).next().is_some())
        }
        _ => true,
    }
}

fn facts(calls: &[SpokenCall<'_>]) -> Vec<Fact> {
    let mut out = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let mut before: Vec<line::Sentence> = Vec::new();
        let mut before_buyer = false;
        for (turn, said) in call.turns.iter().enumerate() {
            let read = sentences(said.words.iter().copied());
            // What was said just before by the other side is what this is the answer to.
            let asked = if before_buyer == said.buyer { Vec::new() } else { std::mem::take(&mut before) };
            let line = Line { call: number, turn, buyer: said.buyer, sentences: read, asked, now: &call.now };
            out.extend(amount::facts(&line));
            out.extend(day::facts(&line));
            out.extend(place::facts(&line));
            out.extend(stance::facts(&line));
            before = line.sentences;
            before_buyer = said.buyer;
        }
    }
    out
}

/// A contradiction in the calls of a deal, with both quotes as its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contradiction {
    /// What about.
    pub slot: Slot,
    /// The value of the earlier statement, in its own words.
    pub first_value: String,
    /// That of the later one.
    pub second_value: String,
    /// The sentence for it; its evidence is the two quotes, the earlier first.
    pub claim: Claim,
}

/// Contradictions in the calls of a deal, whatever order they are given in.
#[must_use]
pub fn in_calls(calls: &[CallTranscript]) -> Vec<Contradiction> {
    let mut order: Vec<&CallTranscript> = calls.iter().collect();
    order.sort_by(|a, b| (a.started_unix_ms, &a.call).cmp(&(b.started_unix_ms, &b.call)));
    let spoken: Vec<SpokenCall<'_>> = order.iter().map(|call| spoken(call)).collect();
    let found = find(&spoken).into_iter().filter_map(|pair| {
        let (first, first_value) = quoted(&order, pair.first)?;
        let (second, second_value) = quoted(&order, pair.second)?;
        let day =
            |place: Place| spoken.get(place.call).map(|c| c.now.strftime("%-d %B").to_string()).unwrap_or_default();
        let text = format!(
            "Two statements about {}: \"{first_value}\" on {}, \"{second_value}\" on {}.",
            pair.slot.spoken(),
            day(pair.first),
            day(pair.second)
        );
        let claim = Claim::new(text, vec![first, second], CONFIDENCE).ok()?;
        Some(Contradiction { slot: pair.slot, first_value, second_value, claim })
    });
    found.collect()
}

fn spoken(call: &CallTranscript) -> SpokenCall<'_> {
    let zone = TimeZone::get(&call.zone).unwrap_or(TimeZone::UTC);
    let at = Timestamp::from_millisecond(call.started_unix_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let turns = call.turns.iter().map(|turn| SpokenTurn {
        buyer: call.side(turn) != Party::Rep,
        words: turn.words.iter().map(|w| w.text.as_str()).collect(),
    });
    SpokenCall { now: at.to_zoned(zone), turns: turns.collect() }
}

/// The quotation around a place, and the words of its value with a little of what stands beside them.
fn quoted(calls: &[&CallTranscript], place: Place) -> Option<(reframe_workflow::artifact::Evidence, String)> {
    let call = calls.get(place.call)?;
    let turn = call.turns.get(place.turn)?;
    let n = turn.words.len();
    let (first, last) = (place.words.0.min(n.checked_sub(1)?), place.words.1.min(n - 1));
    let room = MAX_QUOTE_WORDS.saturating_sub(last + 1 - first.min(last)) / 2;
    let (from, to) = (first.saturating_sub(room), (last + 1 + room).min(n));
    let value: Vec<&str> =
        turn.words[first.saturating_sub(3)..(last + 4).min(n)].iter().map(|w| w.text.as_str()).collect();
    Some((call.quote(turn, from..to), value.join(" ")))
}
