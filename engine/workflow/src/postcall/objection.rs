//! Objections, how the rep met them, and how the buyer took it.

use reframe_call::{audio::Party, detect};

use super::{
    cues::Cues,
    learned::{EndingSeen, Judges, Raised, Tables},
    objection_cues::OBJECTIONS,
    talk::{Span, Talk},
};
use crate::handoff::Handling;

/// Lines after an objection in which its answer and the reaction to it are looked for.
const WINDOW: usize = 14;
/// Weight of a cue by which an answer is plainly taken.
const PLAIN: u32 = 3;
/// Lines after an objection that it takes to tell whether it was passed over.
const LEAST_AFTER: usize = 4;
/// Lines within which an answer begins.
const ANSWER_WITHIN: usize = 8;
/// An answer has at least so many words; fewer is a backchannel.
const ANSWER_WORDS: usize = 4;
/// Lines within which the same class raised again is the same objection.
const SAME_WITHIN: usize = 8;

/// An objection and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Objection {
    /// Class.
    pub label: String,
    /// The buyer's words.
    pub raised: Span,
    /// What became of it.
    pub handling: Handling,
    /// The rep's answer.
    pub answer: Option<Span>,
    /// How the buyer took it.
    pub reaction: Option<Span>,
    /// How sure, 0 to 1.
    pub score: f32,
}

/// An objection of which nothing is known but its words.
struct Found {
    span: Span,
    label: String,
    score: f32,
    /// Line of the next one; the number of lines if there is none.
    next: usize,
    /// Whether its class is raised again later.
    again: bool,
}

impl Found {
    fn raised(&self) -> Raised<'_> {
        Raised { line: self.span.line, label: &self.label, next: self.next, again: self.again }
    }
}

/// The objections of a call, and how they ended.
pub fn of(talk: &Talk<'_>, judges: &Judges) -> Vec<Objection> {
    let tables = Tables::default();
    found(talk).into_iter().map(|f| ended(talk, f, &tables, judges)).collect()
}

/// What is to be seen of the end of every objection.
pub fn endings(talk: &Talk<'_>) -> Vec<(Span, EndingSeen)> {
    let tables = Tables::default();
    found(talk).into_iter().map(|f| (f.span.clone(), tables.see(talk, f.raised()))).collect()
}

/// The objections the detector heard, or what cue phrases give if it heard none.
fn found(talk: &Talk<'_>) -> Vec<Found> {
    let mut raised = if talk.call.objections.is_empty() { by_cue(talk) } else { detected(talk) };
    raised.sort_by_key(|(span, _, _)| (span.line, span.from));
    let mut found: Vec<Found> = Vec::with_capacity(raised.len());
    // From the last to the first: each knows what comes after it.
    while let Some((span, label, score)) = raised.pop() {
        let next = found.last().map_or(talk.lines.len(), |f| f.span.line);
        let again = found.iter().any(|f| f.label == label);
        found.push(Found { span, label, score, next, again });
    }
    found.reverse();
    found
}

fn detected(talk: &Talk<'_>) -> Vec<(Span, String, f32)> {
    let mut found: Vec<(Span, String, f32)> = Vec::new();
    for heard in &talk.call.objections {
        if !detect::OBJECTIONS.contains(&heard.label.as_str()) {
            continue;
        }
        let Some(n) = talk.lines.iter().position(|l| l.turn.utterance == heard.utterance) else { continue };
        let line = &talk.lines[n];
        let inside = |i: &usize| {
            let w = &line.turn.words[line.heard_at(*i)];
            w.from_ms < heard.to_ms && w.to_ms > heard.from_ms
        };
        let from = (0..line.words.len()).find(inside).unwrap_or(0);
        let to = (0..line.words.len()).rev().find(inside).map_or(line.words.len(), |i| i + 1);
        let again = found.iter().any(|(s, l, _)| *l == heard.label && n - s.line.min(n) <= 2);
        if !again {
            found.push((Span::new(n, from..to.max(from + 1)), heard.label.clone(), heard.score));
        }
    }
    found
}

fn by_cue(talk: &Talk<'_>) -> Vec<(Span, String, f32)> {
    let cues = Cues::new(OBJECTIONS);
    let mut found: Vec<(Span, String, f32)> = Vec::new();
    for (n, line) in talk.lines.iter().enumerate() {
        if line.side == Party::Rep {
            continue;
        }
        for (range, label) in cues.all(&line.words) {
            let again = found.iter().any(|(s, l, _)| l == label && n - s.line <= SAME_WITHIN);
            if !again {
                found.push((talk.passage(n, range, 26), label.to_owned(), 0.6));
            }
        }
    }
    found
}

fn ended(talk: &Talk<'_>, found: Found, tables: &Tables, judges: &Judges) -> Objection {
    let lines = &talk.lines;
    let n = found.span.line;
    let by_rep = |i: usize, words: usize| lines[i].side == Party::Rep && lines[i].words.len() >= words;
    let end = lines.len().min(n + 1 + WINDOW);
    let within = n + 1..end.min(n + 1 + ANSWER_WITHIN);
    let away = |i: usize| tables.turned_away.any(&lines[i].words[..lines[i].words.len().min(8)]);
    let answer = within.clone().find(|&i| by_rep(i, ANSWER_WORDS) && !away(i));
    let seen = tables.see(talk, found.raised());
    // An answer that is to come is thanked for, and not taken before it is there.
    let to_come = || {
        answer.is_some_and(|a| tables.pending.any(&lines[a].words)) && {
            let last = end.min(found.next.max(n + 2));
            let said = lines[n + 1..last].iter().filter(|l| l.side != Party::Rep);
            !said.flat_map(|l| tables.accepted.all(&l.words)).any(|(_, plain)| plain >= PLAIN)
        }
    };
    // Where the call ends at once the model sees too little: what is not turned away from counts as answered.
    let too_short = lines.len() < n + 1 + LEAST_AFTER && answer.is_some();
    let handling = if !within.clone().any(|i| by_rep(i, 1)) {
        Handling::Open
    } else if judges.handled.says(&seen.handled) {
        if to_come() { Handling::Answered } else { Handling::Handled }
    } else if judges.answered.says(&seen.answered) || too_short && !within.clone().any(|i| by_rep(i, 1) && away(i)) {
        Handling::Answered
    } else {
        Handling::Open
    };
    // "Nope, you shouldn't" may do.
    let answer = answer.or_else(|| within.clone().find(|&i| by_rep(i, 1))).filter(|_| handling != Handling::Open);
    let reaction = answer.filter(|_| handling == Handling::Handled).and_then(|answer| {
        let last = end.min(found.next.max(answer + 7));
        let said = || (answer + 1..last).filter(|&i| lines[i].side != Party::Rep);
        let cued = said().find_map(|i| Some((i, tables.accepted.all(&lines[i].words).first()?.0.clone())));
        let (line, words) = cued.or_else(|| said().next().map(|i| (i, 0..1)))?;
        Some(talk.passage(line, words, 20))
    });
    let answer = answer.map(|i| talk.passage(i, 0..lines[i].words.len(), 30));
    Objection { label: found.label, raised: found.span, handling, answer, reaction, score: found.score }
}
