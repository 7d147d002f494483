//! Objections, how the rep met them, and how the buyer took it.

use reframe_call::{audio::Party, detect};

use super::{
    cues::Cues,
    objection_cues::{ACCEPTED, OBJECTIONS, PENDING, PERSISTED, TURNED_AWAY},
    talk::{Span, Talk},
};
use crate::handoff::Handling;

/// Lines after an objection in which its answer and the reaction to it are looked for.
const WINDOW: usize = 14;
/// An answer has at least so many words; fewer is a backchannel.
const ANSWER_WORDS: usize = 4;
/// Least weight of words that take an answer; less is politeness.
const LEAST_YES: u32 = 2;
/// An answer that is to come takes so many parts of that weight.
const PENDING_TAKES: u32 = 4;
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

/// The objections of a call: those the detector heard, or what cue phrases give if it heard none.
pub fn of(talk: &Talk<'_>) -> Vec<Objection> {
    let mut raised = if talk.call.objections.is_empty() { by_cue(talk) } else { detected(talk) };
    raised.sort_by_key(|(span, _, _)| (span.line, span.from));
    let ends: Vec<usize> = raised.iter().skip(1).map(|(s, _, _)| s.line).chain([talk.lines.len()]).collect();
    let reactions = Reactions::default();
    raised
        .into_iter()
        .zip(ends)
        .map(|((span, label, score), next)| reactions.judge(talk, span, label, score, next))
        .collect()
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

/// The tables of reactions, ready for use.
struct Reactions {
    accepted: Cues<u32>,
    persisted: Cues<u32>,
    turned_away: Cues<()>,
    pending: Cues<()>,
}

impl Default for Reactions {
    fn default() -> Self {
        Self {
            accepted: Cues::new(ACCEPTED),
            persisted: Cues::new(PERSISTED),
            turned_away: Cues::new(TURNED_AWAY),
            pending: Cues::new(PENDING),
        }
    }
}

impl Reactions {
    fn judge(&self, talk: &Talk<'_>, raised: Span, label: String, score: f32, next: usize) -> Objection {
        let n = raised.line;
        let lines = &talk.lines;
        let end = lines.len().min(n + 1 + WINDOW);
        let answer = (n + 1..end.min(n + 9)).find(|&i| {
            lines[i].side == Party::Rep
                && lines[i].words.len() >= ANSWER_WORDS
                && !self.turned_away.any(&lines[i].words[..lines[i].words.len().min(8)])
        });
        let away = (n + 1..end.min(n + 4)).any(|i| {
            lines[i].side == Party::Rep && self.turned_away.any(&lines[i].words[..lines[i].words.len().min(8)])
        });
        let Some(answer) = answer else {
            return Objection { label, raised, handling: Handling::Open, answer: None, reaction: None, score };
        };
        // The buyer's words after the answer, up to the next objection, or a little further if that comes at once.
        let last = end.min(next.max(answer + 7));
        let (mut yes, mut no, mut reaction) = (0, 0, None);
        let after = lines.iter().enumerate().take(last).skip(answer + 1);
        for (i, line) in after.filter(|(_, l)| l.side != Party::Rep) {
            // What is said first weighs most.
            let near = if i <= answer + 2 { 3 } else { 1 };
            for (range, weight) in self.accepted.all(&line.words) {
                yes += weight * near;
                reaction.get_or_insert_with(|| talk.passage(i, range, 20));
            }
            for (_, weight) in self.persisted.all(&line.words) {
                no += weight * near;
            }
        }
        // An answer that is to come is thanked for, and not taken before it is there.
        let heard = lines[n + 1..last.min(answer + 5)].iter().filter(|l| l.side == Party::Rep);
        let pending = heard.into_iter().any(|l| self.pending.any(&l.words));
        let yes = if pending { yes / PENDING_TAKES } else { yes };
        let handling = if yes >= LEAST_YES && yes >= no {
            Handling::Handled
        } else if away {
            Handling::Open
        } else {
            Handling::Answered
        };
        let whole = 0..lines[answer].words.len();
        let answer = talk.passage(answer, whole, 30);
        let reaction = reaction.filter(|_| handling == Handling::Handled);
        Objection { label, raised, handling, answer: Some(answer), reaction, score }
    }
}
