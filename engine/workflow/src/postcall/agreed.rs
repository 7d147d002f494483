//! What was settled in a call, and when it goes on.

use reframe_call::{audio::Party, date::Date};

use super::{
    acts::{NO, YES},
    cues::{Cues, cue},
    due,
    talk::{Span, Talk},
};

/// Decisions that are kept.
const MOST: usize = 6;
/// Lines around a day in which words of a meeting may stand.
const AROUND: usize = 2;

/// How settled a phrase makes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settles {
    /// By itself.
    Alone,
    /// If the other side agrees.
    IfAgreed,
}

const DECISIONS: &[(&str, Settles)] = &[
    cue("let's go with|ahead|for", Settles::Alone),
    cue("let's just? do|say|start|try|make|take|keep|leave|stick|call|plan|lock|park|skip|hold|get", Settles::IfAgreed),
    cue("we'll just? go with|ahead|for|live", Settles::Alone),
    cue("i'll take|go the|with|it", Settles::Alone),
    cue("we're|i'm going with|ahead", Settles::Alone),
    cue("we're|i'm gonna|going to? go|move ahead|forward|with|for", Settles::Alone),
    cue("we're doing|doin ~", Settles::IfAgreed),
    cue("that's what we're|i'm doing|doin|going", Settles::Alone),
    cue("i'm|we're|we've|i've deciding|decided", Settles::Alone),
    cue("we|i decided to|on|that|we'll", Settles::Alone),
    cue("we've|we agreed|settled on|to|that", Settles::Alone),
    cue("so|okay|then|right we're|we agreed", Settles::Alone),
    cue("that's decided|settled|agreed|a deal", Settles::Alone),
    cue("it's a deal", Settles::Alone),
    cue("i'm|we're happy|fine|okay|good|alright with that|it|the|twenty|twelve|those", Settles::Alone),
    cue("we'll do|take|start|keep|stick|leave|park|skip|drop|use|run|make the|it|with|that|a|on", Settles::IfAgreed),
    cue("let's|we'll park", Settles::Alone),
    cue("works for me|us|you", Settles::IfAgreed),
    cue("start on the|monday|tuesday|wednesday|thursday|friday", Settles::IfAgreed),
    cue("count us|me in", Settles::Alone),
    cue("we have a deal", Settles::Alone),
    cue("you've|you got a deal|yourself", Settles::Alone),
    cue("no let's|we'll|just", Settles::IfAgreed),
    cue("leave _ out", Settles::IfAgreed),
    cue("renew|sign the|it|for ~", Settles::IfAgreed),
    cue("going forward with", Settles::Alone),
    cue("green light", Settles::Alone),
    cue("it's|that's a yes|no", Settles::Alone),
    cue("go with the", Settles::IfAgreed),
];

/// Words of a meeting.
const MEETING: &[(&str, ())] = &[
    cue(
        "meet|meeting|call|calls|talk|speak|chat|catch|invite|calendar|diary|session|demo|workshop|visit|come|regroup|reconvene|review|kickoff|zoom|teams|phone|lunch|coffee|walkthrough|checkpoint|next",
        (),
    ),
    cue("see you", ()),
    cue("follow up", ()),
    cue("sit down", ()),
    cue("works|work|free|available|suit|suits|good|slot|book|pencil", ()),
    cue("kick off", ()),
    cue("sync|ring", ()),
    cue("o'clock", ()),
    cue("half hour|an hour", ()),
];

/// Something that was settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The words.
    pub said: Span,
    /// How sure, 0 to 1.
    pub confidence: f32,
}

/// The decisions of a call, in order.
pub fn decisions(talk: &Talk<'_>) -> Vec<Decision> {
    let cues = Cues::new(DECISIONS);
    let yes = Cues::new(YES);
    let mut found: Vec<(f32, Decision)> = Vec::new();
    for (n, line) in talk.lines.iter().enumerate() {
        for (range, settles) in cues.all(&line.words) {
            let before = &line.words[range.start.saturating_sub(4)..range.start];
            if before.iter().any(|w| {
                ["if", "when", "unless", "whether", "could", "should", "would", "say", "before", "once"].contains(w)
            }) {
                continue;
            }
            let said = talk.passage(n, range.clone(), 24);
            // "let's see", "let's start with the demo", "let's say you": talk, not decisions.
            let after = line.words.get(range.end).copied().unwrap_or("");
            if ["see", "you", "talk", "look", "back", "over", "through", "a", "i"].contains(&after)
                && settles == Settles::IfAgreed
            {
                continue;
            }
            let agreed =
                talk.reply(n, 2).is_some_and(|r| yes.any(&talk.lines[r].words[..talk.lines[r].words.len().min(4)]));
            if settles == Settles::IfAgreed && !agreed || said.to - said.from < 4 {
                continue;
            }
            let buyer = if line.side == Party::Buyer { 0.1 } else { 0.0 };
            // What is settled is settled late.
            #[allow(clippy::cast_precision_loss)]
            let late = n as f32 / talk.lines.len() as f32;
            let score = if settles == Settles::Alone { 0.6 } else { 0.5 } + buyer + 0.2 * late;
            if found.last().is_none_or(|(_, d)| d.said.line != n) {
                found.push((score, Decision { said, confidence: score.min(0.9) }));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.said.cmp(&b.1.said)));
    found.truncate(MOST);
    let mut found: Vec<Decision> = found.into_iter().map(|f| f.1).collect();
    found.sort_by(|a, b| a.said.cmp(&b.said));
    found
}

/// The next time the two sides speak.
#[derive(Clone, Debug, PartialEq)]
pub struct NextStep {
    /// The day.
    pub day: Date,
    /// The words.
    pub said: Span,
    /// How sure, 0 to 1.
    pub confidence: f32,
}

/// The next meeting that was agreed, if one was.
pub fn next_step(talk: &Talk<'_>) -> Option<NextStep> {
    let meeting = Cues::new(MEETING);
    let no = Cues::new(NO);
    let yes = Cues::new(YES);
    let mut best: Option<(f32, NextStep)> = None;
    let total = talk.lines.len();
    for (n, line) in talk.lines.iter().enumerate() {
        #[allow(clippy::cast_precision_loss)]
        let late = n as f32 / total as f32;
        for mention in &line.days {
            let Some(day) = mention.due().filter(|d| *d > talk.today) else { continue };
            if mention.unsure || !due::is_day(mention) {
                continue;
            }
            // "before the eighteenth" is a deadline, not a meeting.
            let some =
                mention.words.start > 0 && ["a", "any", "every", "some"].contains(&line.words[mention.words.start - 1]);
            let deadline = some
                || (1..=2).any(|b| {
                    mention.words.start >= b
                        && ["by", "before", "until", "till", "from", "since"]
                            .contains(&line.words[mention.words.start - b])
                });
            if deadline {
                continue;
            }
            let again = talk
                .lines
                .iter()
                .flat_map(|l| &l.days)
                .filter(|m| due::is_day(m) && m.due() == Some(day))
                .count()
                .min(4);
            let lo = mention.words.start.saturating_sub(10);
            let hi = line.words.len().min(mention.words.end + 10);
            let here = meeting.all(&line.words[lo..hi]).len().min(2);
            let near = (n.saturating_sub(AROUND)..total.min(n + AROUND + 1)).filter(|&i| i != n);
            let near =
                near.filter(|&i| talk.lines[i].words.len() < 25 && meeting.any(&talk.lines[i].words)).count().min(2);
            let agreed =
                talk.reply(n, 2).is_some_and(|r| yes.any(&talk.lines[r].words[..talk.lines[r].words.len().min(5)]));
            // "next monday or is that too soon" / "no not the twenty first".
            let head = |r: usize| &talk.lines[r].words[..talk.lines[r].words.len().min(7)];
            if talk.reply(n, 2).is_some_and(|r| no.any(head(r)) && !yes.any(head(r))) {
                continue;
            }
            let timed = due::has_time(mention);
            #[allow(clippy::cast_precision_loss)]
            let score = 0.25 * again as f32
                + 0.8 * here as f32
                + 0.3 * near as f32
                + if agreed { 0.5 } else { 0.0 }
                + if timed { 1.2 } else { 0.0 }
                + 1.2 * late;
            let said = Span::new(n, mention.words.start.saturating_sub(1)..mention.words.end);
            if score >= 2.0 && best.as_ref().is_none_or(|(s, _)| score >= *s) {
                best = Some((score, NextStep { day, said, confidence: (0.4 + score / 10.0).min(0.9) }));
            }
        }
    }
    best.map(|(_, step)| NextStep { said: widened(talk, &step.said), ..step })
}

/// A day with some of the words around it, so that it can be read.
fn widened(talk: &Talk<'_>, said: &Span) -> Span {
    let passage = talk.passage(said.line, said.from..said.to, 18);
    Span { line: said.line, from: passage.from.min(said.from), to: passage.to.max(said.to) }
}
