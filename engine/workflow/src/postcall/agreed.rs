//! When it goes on: the next meeting that was agreed.

use reframe_call::date::Date;

use super::{
    acts::{NO, YES},
    cues::{Cues, cue},
    due,
    talk::{Span, Talk},
};
use crate::dates::{Meaning, Mention};

/// Least score of a day that counts as agreed.
const LEAST: f32 = 2.0;
/// Lines around the words of the agreement in which the same day said again belongs to it.
const EXCHANGE: usize = 6;
/// Further passages that are cited for it.
const MOST_ALSO: usize = 2;

/// Lines around a day in which words of a meeting may stand.
const AROUND: usize = 2;

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

/// The next time the two sides speak.
#[derive(Clone, Debug, PartialEq)]
pub struct NextStep {
    /// The day.
    pub day: Date,
    /// The words.
    pub said: Span,
    /// The rest of the exchange in which it was agreed: proposed, confirmed, said again.
    pub also: Vec<Span>,
    /// How sure, 0 to 1.
    pub confidence: f32,
}

/// A day that may be the one of the next meeting.
struct Candidate {
    score: f32,
    day: Date,
    said: Span,
    timed: bool,
}

/// The next meeting that was agreed, if one was.
pub fn next_step(talk: &Talk<'_>) -> Option<NextStep> {
    let tables = Tables { meeting: Cues::new(MEETING), no: Cues::new(NO), yes: Cues::new(YES) };
    let all: Vec<Candidate> = (0..talk.lines.len())
        .flat_map(|n| talk.lines[n].days.iter().map(move |m| (n, m)))
        .filter_map(|(n, m)| tables.candidate(talk, n, m))
        .collect();
    let mut best: Option<&Candidate> = None;
    for c in &all {
        if c.score >= LEAST && best.is_none_or(|b| c.score >= b.score) {
            best = Some(c);
        }
    }
    let best = best?;
    // The same day said again in the exchange, and where it is summed up.
    let near = |c: &&Candidate| {
        c.day == best.day && c.said != best.said && (c.timed || c.said.line.abs_diff(best.said.line) <= EXCHANGE)
    };
    let mut also: Vec<&Candidate> = all.iter().filter(near).collect();
    also.sort_by_key(|c| (!c.timed, std::cmp::Reverse(c.said.line)));
    also.truncate(MOST_ALSO);
    let also = also.into_iter().map(|c| widened(talk, &c.said)).collect();
    let confidence = (0.4 + best.score / 10.0).min(0.9);
    Some(NextStep { day: best.day, said: widened(talk, &best.said), also, confidence })
}

/// The tables, ready for use.
struct Tables {
    meeting: Cues<()>,
    no: Cues<()>,
    yes: Cues<()>,
}

impl Tables {
    fn candidate(&self, talk: &Talk<'_>, n: usize, mention: &Mention) -> Option<Candidate> {
        let line = &talk.lines[n];
        let total = talk.lines.len();
        let day = mention.due().filter(|d| *d > talk.today)?;
        if mention.unsure || !due::is_day(mention) || due::denied(line, mention) {
            return None;
        }
        let before = |b: usize| mention.words.start.checked_sub(b).map_or("", |k| line.words[k]);
        // "Before the eighteenth" is a deadline, "a tuesday" any.
        let deadline = ["by", "before", "until", "till", "from", "since"];
        if ["a", "any", "every", "some"].contains(&before(1)) || (1..=2).any(|b| deadline.contains(&before(b))) {
            return None;
        }
        let head = |r: usize, most: usize| &talk.lines[r].words[..talk.lines[r].words.len().min(most)];
        let reply = talk.reply(n, 2);
        // "Next monday or is that too soon" / "no not the twenty first".
        if reply.is_some_and(|r| self.no.any(head(r, 7)) && !self.yes.any(head(r, 7))) {
            return None;
        }
        let mentions = talk.lines.iter().flat_map(|l| &l.days);
        let again = mentions.filter(|m| due::is_day(m) && m.due() == Some(day)).count().min(4);
        let lo = mention.words.start.saturating_sub(10);
        let hi = line.words.len().min(mention.words.end + 10);
        let here = self.meeting.all(&line.words[lo..hi]).len().min(2);
        let near = (n.saturating_sub(AROUND)..total.min(n + AROUND + 1)).filter(|&i| i != n);
        let near =
            near.filter(|&i| talk.lines[i].words.len() < 25 && self.meeting.any(&talk.lines[i].words)).count().min(2);
        let agreed = reply.is_some_and(|r| self.yes.any(head(r, 5)));
        // The other side says the time or the day again.
        let echoed = reply.is_some_and(|r| {
            talk.lines[r].words.len() <= 14 && talk.lines[r].days.iter().any(|m| m.due() == Some(day) || is_time(m))
        });
        let timed = due::has_time(mention);
        // The day of what one of them will do is not that of a meeting.
        let act = &line.words[mention.words.start.saturating_sub(12)..mention.words.start];
        let own = act.iter().rposition(|w| ["i'll", "we'll"].contains(w)).is_some_and(|k| {
            let verb = &act[k + 1..act.len().min(k + 3)];
            !verb
                .iter()
                .any(|w| ["call", "ring", "see", "meet", "come", "visit", "talk", "speak", "phone", "be"].contains(w))
        });
        #[allow(clippy::cast_precision_loss)]
        let score = 0.25 * again as f32
            + 0.8 * here as f32
            + 0.3 * near as f32
            + if agreed { 0.5 } else { 0.0 }
            + if echoed && timed { 0.4 } else { 0.0 }
            + if timed { 1.2 } else { 0.0 }
            + if own { -1.0 } else { 0.0 }
            + 1.2 * (n as f32 / total as f32);
        let said = Span::new(n, mention.words.start.saturating_sub(1)..mention.words.end);
        Some(Candidate { score, day, said, timed })
    }
}

/// Whether a mention is of a time of day alone.
const fn is_time(mention: &Mention) -> bool {
    matches!(mention.meaning, Meaning::Time(_))
}

/// A day with some of the words around it, so that it can be read.
fn widened(talk: &Talk<'_>, said: &Span) -> Span {
    let passage = talk.passage(said.line, said.from..said.to, 18);
    Span { line: said.line, from: passage.from.min(said.from), to: passage.to.max(said.to) }
}
