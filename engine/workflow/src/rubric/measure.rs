//! What is counted in a call, each with the words that were counted.

use jiff::{Timestamp, tz::TimeZone};
use reframe_call::{audio::Party, date::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    phrases,
    questions::questions,
    spoken::{Place, Spoken, plain},
};
use crate::{
    artifact::{Claim, Evidence},
    dates::{self, Anchor},
    handoff::{CallTranscript, NoteProposal, Turn},
    hygiene::text::in_common,
};

/// Minutes in which a call is opened; of a short call its first half.
const OPENING_MS: u64 = 5 * 60_000;
/// A stretch about our product of fewer words is an introduction, not a pitch.
const PITCH_WORDS: usize = 30;
/// The other side says fewer words than this between two stretches: a backchannel, which ends nothing.
const BACKCHANNEL_WORDS: usize = 3;
/// So many content words in common, and the rep has taken up what the buyer said.
const ECHO_WORDS: usize = 2;
/// Slot of the note for the buyer's criteria.
const CRITERIA_SLOT: &str = "decision_criteria";

/// What was counted in a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// The rep's share of the talk, 0 to 1; nothing if neither side spoke. Speech at the same time counts for both.
    pub rep_talk_share: Option<f32>,
    /// The rep's longest stretch without a word from the buyer (backchannels aside), in ms.
    pub longest_monologue_ms: u64,
    /// How it begins.
    pub longest_monologue: Option<Evidence>,
    /// The rep's questions, in order.
    pub questions: Vec<Evidence>,
    /// How many of them come before the first pitch, or all if there is none.
    pub questions_before_pitch: usize,
    /// Where the rep first pitched.
    pub first_pitch: Option<Evidence>,
    /// Where the rep said what the call is for.
    pub agenda: Option<Evidence>,
    /// Where the buyer named a pain.
    pub pains: Vec<Evidence>,
    /// Where a pain was given a number or a consequence.
    pub pain_consequence: Option<Evidence>,
    /// Where the rep took up the buyer's words about it.
    pub pain_echo: Option<Evidence>,
    /// Where the buyer said what decides.
    pub criteria: Vec<Evidence>,
    /// Where the rep asked for that.
    pub criteria_asked: Option<Evidence>,
    /// Where the buyer said who decides, or how.
    pub decision_process: Option<Evidence>,
    /// What was agreed, by either side.
    pub agreed: Vec<Claim>,
    /// The earliest day on which something agreed is due, and where that was said.
    #[schemars(with = "Option<(String, Claim)>")]
    pub next_step_day: Option<(Date, Claim)>,
    /// Something that the buyer's side owes.
    pub buyer_owes: Option<Claim>,
    /// Something with a day that the buyer's side owes, or a meeting with a day.
    pub buyer_day: Option<Claim>,
    /// Length of the call, in ms.
    pub length_ms: u64,
}

impl Measures {
    /// Counts everything.
    #[must_use]
    pub fn of(call: &CallTranscript, note: &NoteProposal) -> Self {
        let spoken = Spoken::of(call);
        let length_ms = call.length_ms();
        let pitch = pitch(&spoken);
        let asked = asked(&spoken);
        let before = |q: &&Place| pitch.as_ref().is_none_or(|p| (q.turn, q.words.start) < (p.turn, p.words.start));
        let (longest_monologue_ms, longest) = monologue(&spoken);
        let pains = spoken.places(Party::Buyer, phrases::PAIN);
        let mut out = Self {
            rep_talk_share: talk_share(&spoken),
            longest_monologue_ms,
            longest_monologue: longest.and_then(|turn| spoken.beginning(turn)),
            questions_before_pitch: asked.iter().filter(before).count(),
            questions: asked.iter().map(|p| spoken.quote(p)).collect(),
            first_pitch: pitch.map(|p| spoken.quote(&p)),
            agenda: agenda(&spoken, length_ms),
            pain_consequence: consequence(&spoken, &pains),
            pain_echo: echo(&spoken, &pains),
            pains: pains.iter().map(|p| spoken.quote(p)).collect(),
            criteria: spoken.find(Party::Buyer, phrases::CRITERIA),
            criteria_asked: spoken.find(Party::Rep, phrases::ASKS_CRITERIA).into_iter().next(),
            decision_process: spoken.find(Party::Buyer, phrases::PROCESS).into_iter().next(),
            agreed: Vec::new(),
            next_step_day: None,
            buyer_owes: None,
            buyer_day: None,
            length_ms,
        };
        for (slot, claim) in &note.note.fields {
            let new = claim.evidence().iter().filter(|e| matches!(e, Evidence::Words { .. }));
            let new: Vec<_> = new.filter(|e| !out.criteria.contains(e)).cloned().collect();
            if slot == CRITERIA_SLOT && out.criteria.is_empty() {
                out.criteria.extend(new);
            }
        }
        out.agree(call, note);
        out
    }

    /// What was agreed: from the note, which knows promises and their days.
    fn agree(&mut self, call: &CallTranscript, note: &NoteProposal) {
        let mut days: Vec<(Date, &Claim)> = Vec::new();
        for p in note.commitments.iter().filter(|p| !p.unsure) {
            self.agreed.push(p.what.clone());
            days.extend(p.due.map(|due| (due, &p.what)));
            if p.owner.side == "buyer" {
                let owes = self.buyer_owes.get_or_insert_with(|| p.what.clone());
                if p.due.is_some() && self.buyer_day.is_none() {
                    self.buyer_day = Some(p.what.clone());
                    *owes = p.what.clone();
                }
            }
        }
        for step in &note.note.next_steps {
            if !self.agreed.iter().any(|a| a.evidence() == step.evidence()) {
                self.agreed.push(step.clone());
            }
            if let Some(day) = day_of(call, step) {
                days.push((day, step));
                // A step both agreed on, with a day, binds the buyer too.
                self.buyer_day.get_or_insert_with(|| step.clone());
            }
        }
        self.next_step_day = days.into_iter().min_by_key(|(day, _)| *day).map(|(day, claim)| (day, claim.clone()));
    }

    /// The rep's questions in ten minutes.
    #[must_use]
    pub fn questions_in_ten_minutes(&self) -> f64 {
        if self.length_ms == 0 { 0.0 } else { self.questions.len() as f64 * 600_000.0 / self.length_ms as f64 }
    }
}

fn span(turn: &Turn) -> (u64, u64) {
    (turn.words.first().map_or(0, |w| w.from_ms), turn.words.last().map_or(0, |w| w.to_ms))
}

fn talk_share(spoken: &Spoken<'_>) -> Option<f32> {
    let of = |side| -> u64 {
        let spans = spoken.turns(side).map(|(_, t)| span(t));
        spans.map(|(from, to)| to.saturating_sub(from)).sum()
    };
    let (rep, buyer) = (of(Party::Rep), of(Party::Buyer));
    (rep + buyer > 0).then(|| rep as f32 / (rep + buyer) as f32)
}

/// Length of the rep's longest stretch in ms, and the turn it begins in.
fn monologue(spoken: &Spoken<'_>) -> (u64, Option<usize>) {
    let call = spoken.call();
    let mut best = (0, None);
    let mut open: Option<(usize, u64)> = None;
    for (i, turn) in call.turns.iter().enumerate().filter(|(_, t)| !t.words.is_empty()) {
        let (from, to) = span(turn);
        if call.side(turn) == Party::Rep {
            let (begun, since) = *open.get_or_insert((i, from));
            let length = to.saturating_sub(since);
            if length > best.0 {
                best = (length, Some(begun));
            }
        } else if turn.words.len() >= BACKCHANNEL_WORDS {
            open = None;
        }
    }
    best
}

fn asked(spoken: &Spoken<'_>) -> Vec<Place> {
    let rep = spoken.turns(Party::Rep);
    rep.flat_map(|(turn, t)| questions(&t.words).into_iter().map(move |words| Place { turn, words })).collect()
}

fn pitch(spoken: &Spoken<'_>) -> Option<Place> {
    let call = spoken.call();
    spoken.places(Party::Rep, phrases::PITCH).into_iter().find(|p| call.turns[p.turn].words.len() >= PITCH_WORDS)
}

fn agenda(spoken: &Spoken<'_>, length_ms: u64) -> Option<Evidence> {
    let until = OPENING_MS.min(length_ms / 2);
    let call = spoken.call();
    let early = |p: &Place| call.turns[p.turn].words[p.words.start].from_ms <= until;
    spoken.places(Party::Rep, phrases::AGENDA).into_iter().find(early).map(|p| spoken.quote(&p))
}

fn consequence(spoken: &Spoken<'_>, pains: &[Place]) -> Option<Evidence> {
    let call = spoken.call();
    let has = |turn: usize, text: &str| call.turns[turn].words.iter().any(|w| plain(&w.text) == text);
    let turns = pains.iter().map(|p| p.turn);
    let counted = |turn: &usize| phrases::CONSEQUENCE.iter().any(|c| has(*turn, c));
    let turn = turns.into_iter().find(counted)?;
    let words = &call.turns[turn].words;
    let at = words.iter().position(|w| phrases::CONSEQUENCE.contains(&plain(&w.text).as_str()))?;
    Some(spoken.quote(&Place { turn, words: at..at + 1 }))
}

/// The first later turn of the rep that has the buyer's own words for a pain.
fn echo(spoken: &Spoken<'_>, pains: &[Place]) -> Option<Evidence> {
    let quotes: Vec<(usize, String)> = pains
        .iter()
        .filter_map(|p| match spoken.quote(p) {
            Evidence::Words { quote, .. } => Some((p.turn, quote)),
            _ => None,
        })
        .collect();
    let first = quotes.first()?.0;
    for (turn, t) in spoken.turns(Party::Rep).filter(|(turn, _)| *turn > first) {
        let said = t.words.iter().map(|w| plain(&w.text)).collect::<Vec<_>>().join(" ");
        if quotes.iter().any(|(at, quote)| *at < turn && in_common(quote, &said) >= ECHO_WORDS) {
            return spoken.beginning(turn);
        }
    }
    None
}

/// The first day that a claim's words name.
fn day_of(call: &CallTranscript, claim: &Claim) -> Option<Date> {
    let now = Timestamp::from_millisecond(call.started_unix_ms).ok()?;
    let zone = TimeZone::get(&call.zone).unwrap_or(TimeZone::UTC);
    let anchor = Anchor { now: now.to_zoned(zone), fiscal_year_starts: 1 };
    claim.evidence().iter().find_map(|e| match e {
        Evidence::Words { quote, .. } => {
            let words: Vec<&str> = quote.split(' ').collect();
            dates::mentions(&words, &anchor).iter().find_map(dates::Mention::due)
        }
        _ => None,
    })
}
