//! The day of a promise that names none itself, or only points to one: "in the same email", "before that", "when we talk".
//!
//! Looked for in the exchange around it, the surest first: what the words point to, the question it answers, the question
//! that follows it. Where nothing in the talk ties a day to the promise it stays without one.

use std::sync::LazyLock;

use super::{
    acts::{NO, YES},
    agreed::NextStep,
    cues::{Cues, cue},
    due::{self, Due, is_day},
    people::bare,
    promise::Promise,
    talk::{Span, Talk},
};
use crate::dates::{self, Mention, calendar};

/// Words around a promise in which it may point to a day.
const AROUND: usize = 8;
/// Lines back in which what it points to may stand.
const BACK: usize = 8;
/// Words of a line that only names or asks for a day.
const SHORT: usize = 12;

/// What words without a day of their own point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Points {
    /// Another promise of the same side, made shortly before: "along with it".
    Promise,
    /// The same, however long ago: "in the same email".
    Parcel,
    /// The day named last: "by then", "that morning".
    Day,
    /// The day before or after the one named last.
    Beside(i64),
    /// The next meeting: "when we talk", "on the next one".
    Meeting,
}

static POINTERS: LazyLock<Cues<Points>> = LazyLock::new(|| {
    Cues::new(&[
        cue("same email|mail|message|packet|pack|envelope|bundle|parcel|post|text|note|go|batch", Points::Parcel),
        cue("same e mail", Points::Parcel),
        cue("along|together|in with it|that|them|those|these|the|this", Points::Promise),
        cue("with it|them|those as|too", Points::Promise),
        cue("as well|too", Points::Promise),
        cue("at the same time", Points::Promise),
        cue("while i'm at it", Points::Promise),
        cue("in there too|as|with", Points::Promise),
        cue("the? same day|morning|afternoon|night|evening", Points::Day),
        cue("by|before then|that", Points::Day),
        cue("no|not later than that", Points::Day),
        cue("that|the very day|morning|afternoon|evening|night|date", Points::Day),
        cue("on the day|night|morning", Points::Meeting),
        cue("the morning|day of", Points::Day),
        cue("the|that day|night|evening|morning|afternoon before", Points::Beside(-1)),
        cue("the|that day|morning after", Points::Beside(1)),
        cue("next time", Points::Meeting),
        cue("next|that call|meeting|session|one|demo|visit", Points::Meeting),
        cue("on|to|at|for the|our|that next? call|meeting|session|visit|one", Points::Meeting),
        cue(
            "before|ahead of|at|in|on the|our|that next? call|meeting|session|visit|demo|walkthrough|review",
            Points::Meeting,
        ),
        cue(
            "when|before|till|until|by the? time? we|you next? talk|speak|meet|come|visit|reconvene|regroup|sit",
            Points::Meeting,
        ),
        cue("when|before i next? see|speak|come|visit|meet|get you|to|down|there|over|out|up", Points::Meeting),
        cue("when i come", Points::Meeting),
        cue("when i'm|we're|you're there|over|down|up|out|with|next|on", Points::Meeting),
        cue("on there", Points::Meeting),
        cue("to the? meeting", Points::Meeting),
    ])
});

/// How the other side asks for a day.
static WHEN: LazyLock<Cues<()>> = LazyLock::new(|| {
    Cues::new(&[
        cue(
            "when|when's do|would|will|can|could|might|that|roughly|should|is|am|are|by|about|for|good|best|suits|works",
            (),
        ),
        cue("by when|what", ()),
        cue("what|which day|days|date|time|sort", ()),
        cue("how soon|quick|quickly|long|fast", ()),
        cue("any idea when", ()),
    ])
});
static YESES: LazyLock<Cues<()>> = LazyLock::new(|| Cues::new(YES));
static NOES: LazyLock<Cues<()>> = LazyLock::new(|| Cues::new(NO));

/// Whether the words of a promise say that it is for the next meeting.
pub fn at_meeting(talk: &Talk<'_>, span: &Span) -> bool {
    let words = &talk.lines[span.line].words[window(talk, span)];
    POINTERS.all(words).iter().any(|(_, p)| *p == Points::Meeting)
}

/// Gives every promise without a day the one that the exchange gives it, and puts right what was put right.
pub fn bind(talk: &Talk<'_>, promises: &mut [Promise], next: Option<&NextStep>) {
    for i in 0..promises.len() {
        let (before, rest) = promises.split_at_mut(i);
        let Some(promise) = rest.first_mut() else { continue };
        let found = match &promise.due {
            Some(due) => in_course(talk, promise, due).or_else(|| moved(talk, promise, due)),
            // What waits for something else, and the invitation to a day, have no day of their own.
            None if invites(talk, &promise.spans[0]) => None,
            None if hangs(talk, &promise.spans[0]) => next
                .filter(|_| at_meeting(talk, &promise.spans[0]))
                .map(|n| Due { day: n.day, words: n.said.clone(), unsure: false }),
            None => pointed(talk, promise, before, next)
                .or_else(|| asked_before(talk, promise))
                .or_else(|| asked_after(talk, &promise.spans[0], promise.spans.last()?))
                .or_else(|| together(talk, promise))
                .or_else(|| seen(talk, promise))
                .or_else(|| recalled(talk, promise)),
        };
        if let Some(due) = found.filter(|d| d.day >= talk.today) {
            let known = promise
                .spans
                .iter()
                .any(|s| s.line == due.words.line && s.from <= due.words.from && due.words.to <= s.to);
            if !known {
                promise.spans.push(due.words.clone());
            }
            promise.due = Some(due);
        }
    }
}

/// The words in which a promise may point: its own, a few around them, none of the promise before or behind it.
fn window(talk: &Talk<'_>, span: &Span) -> std::ops::Range<usize> {
    let words = &talk.lines[span.line].words;
    let opens = |w: &&str| w.ends_with("'ll") || ["gonna", "will"].contains(w);
    let from = span.from.saturating_sub(AROUND);
    let from = words[from..span.from].iter().rposition(opens).map_or(from, |k| from + k + 3).min(span.from);
    let to = words.len().min(span.to + AROUND);
    let to = words[span.to..to].iter().position(opens).map_or(to, |k| span.to + k);
    from..to
}

fn pointed(talk: &Talk<'_>, promise: &Promise, before: &[Promise], next: Option<&NextStep>) -> Option<Due> {
    let own =
        promise.spans.iter().filter(|s| talk.lines[s.line].side == promise.side || s.line == promise.spans[0].line);
    own.into_iter().find_map(|span| {
        let window = window(talk, span);
        let words = &talk.lines[span.line].words;
        let told = POINTERS.all(&words[window.clone()]).into_iter().find_map(|(range, points)| {
            let at = window.start + range.start;
            // "By the time you get that packet thursday".
            let end = window.start + range.end;
            let own = talk.lines[span.line].days.iter().find(|m| m.words.start >= end && m.words.start <= end + 1);
            if let Some(due) = own.and_then(|m| named(talk, span.line, m)) {
                return Some(due);
            }
            match points {
                Points::Promise => with(before, promise, BACK),
                Points::Parcel => with(before, promise, usize::MAX),
                Points::Day => named_before(talk, span.line, at),
                Points::Beside(days) => named_before(talk, span.line, at).and_then(|d| shifted(d, days)),
                Points::Meeting => next.map(|n| Due { day: n.day, words: n.said.clone(), unsure: false }),
            }
        });
        told.or_else(|| event(talk, span.line, &words[window]))
    })
}

/// The day of the last promise of the same side.
fn with(before: &[Promise], promise: &Promise, reach: usize) -> Option<Due> {
    let line = promise.spans[0].line;
    let near = |s: &Span| s.line <= line && line - s.line <= reach;
    let last = |p: &&Promise| p.side == promise.side && p.spans.iter().any(near);
    before.iter().rev().filter(last).find_map(|p| p.due.clone())
}

/// The day named last before word `at` of a line.
fn named_before(talk: &Talk<'_>, line: usize, at: usize) -> Option<Due> {
    let first = line.saturating_sub(BACK);
    (first..=line).rev().find_map(|n| {
        let days = talk.lines[n].days.iter().rev();
        // Nobody says "by then" of today.
        days.filter(|m| n < line || m.words.end <= at).find_map(|m| named(talk, n, m).filter(|d| d.day > talk.today))
    })
}

/// A day as a due date, if it is one that lies ahead.
fn named(talk: &Talk<'_>, line: usize, mention: &Mention) -> Option<Due> {
    let day = mention.due().filter(|d| *d >= talk.today && !due::denied(&talk.lines[line], mention))?;
    Some(Due { day, words: Span::new(line, mention.words.clone()), unsure: mention.unsure })
}

fn shifted(due: Due, days: i64) -> Option<Due> {
    let day = dates::ours(calendar::plus(dates::theirs(due.day)?, days))?;
    Some(Due { day, ..due })
}

/// "Before the committee": the day that was given for what is named.
fn event(talk: &Talk<'_>, line: usize, words: &[&str]) -> Option<Due> {
    const LEADS: [&str; 6] = ["before", "by", "at", "of", "for", "come"];
    const ARTICLES: [&str; 9] = ["the", "our", "your", "that", "this", "my", "his", "her", "their"];
    let at = words.iter().position(|w| LEADS.contains(w))?;
    if ["for", "of"].contains(&words[at]) && !(at > 0 && ["time", "ready", "ahead"].contains(&words[at - 1])) {
        return event(talk, line, &words[at + 1..]);
    }
    let article = words.get(at + 1).is_some_and(|w| ARTICLES.contains(w));
    let from = at + 1 + usize::from(article);
    let what = &words[from..words.len().min(from + 3)];
    let day = what.iter().filter(|w| is_event(w)).find_map(|noun| day_of(talk, line, bare(noun)));
    day.or_else(|| event(talk, line, &words[at + 1..]))
}

/// Whether a word may name something that has a day.
fn is_event(word: &str) -> bool {
    const NONE: [&str; 30] = [
        "then", "that", "this", "they", "them", "with", "when", "what", "which", "have", "will", "would", "could",
        "about", "your", "over", "time", "week", "month", "from", "just", "like", "call", "send", "come", "here",
        "there", "know", "want", "later",
    ];
    let word = bare(word);
    word.len() >= 4 && !NONE.contains(&word) && !word.ends_with("ing") && !word.ends_with("ly")
}

/// The day said of something last, up to a line, failing that soon after: "the committee sits on the tenth".
fn day_of(talk: &Talk<'_>, line: usize, noun: &str) -> Option<Due> {
    let said = |n: usize| {
        let words = &talk.lines[n].words;
        talk.lines[n].days.iter().rev().find_map(|m| {
            let before = &words[m.words.start.saturating_sub(6)..m.words.start];
            let behind = &words[m.words.end..words.len().min(m.words.end + 4)];
            let links = |gap: &[&str]| gap.iter().all(|w| LINKS.contains(&bare(w)));
            let ahead = before.iter().rposition(|w| bare(w) == noun).is_some_and(|k| links(&before[k + 1..]));
            let after = behind.iter().position(|w| bare(w) == noun).is_some_and(|k| links(&behind[..k]));
            if ahead || after { named(talk, n, m) } else { None }
        })
    };
    (0..=line).rev().find_map(said).or_else(|| (line + 1..talk.lines.len().min(line + 4)).find_map(said))
}

/// Words between an event and its day.
const LINKS: [&str; 34] = [
    "is", "are", "on", "the", "sits", "meets", "meet", "falls", "starts", "due", "goes", "in", "it", "at", "for", "of",
    "a", "by", "be", "now", "moved", "to", "runs", "our", "your", "and", "opens", "ends", "that", "which", "comes",
    "week", "next", "meeting",
];

/// The day that is asked for in the line before: "can we have that by friday" / "i'll get it over".
fn asked_before(talk: &Talk<'_>, promise: &Promise) -> Option<Due> {
    let span = &promise.spans[0];
    let line = &talk.lines[span.line];
    // Only at the head of a reply: what comes later in a turn is about something else.
    if span.from > 6 || span.line == 0 {
        return None;
    }
    let first = span.line.saturating_sub(2);
    let asked = (first..span.line).rev().find(|&n| talk.lines[n].side != line.side)?;
    let words = &talk.lines[asked].words;
    let mention = talk.lines[asked].days.iter().rev().find(|m| m.words.end + 4 >= words.len())?;
    let lead = mention.words.start.checked_sub(1).map_or("", |k| words[k]);
    let deadline = ["by", "before", "on", "for", "this", "until"].contains(&lead) && lead != "for";
    let request = ["can", "could", "would", "need", "want", "like", "if", "send", "get", "give", "please"];
    let asks = words.iter().any(|w| request.contains(w));
    if !(deadline || asks && is_day(mention)) {
        return None;
    }
    named(talk, asked, mention)
}

/// The day that is settled in the lines after `last`: "by when" / "thursday", "before the eighth" / "yes definitely",
/// "when's good" / "next week" / "so wednesday the seventh".
fn asked_after(talk: &Talk<'_>, act: &Span, last: &Span) -> Option<Due> {
    let side = talk.lines[act.line].side;
    let rest = &talk.lines[last.line].words[last.to.min(talk.lines[last.line].words.len())..];
    let own = &talk.lines[last.line].words[(last.from + 2).min(last.to)..];
    let mut asked = own.len() <= 3 * SHORT && WHEN.any(own);
    // Whoever goes on for long has gone on to something else.
    if rest.len() > 2 * SHORT {
        return None;
    }
    let end = talk.lines.len().min(last.line + 6);
    let mut open: Option<Due> = None;
    for n in last.line + 1..end {
        let line = &talk.lines[n];
        let other = line.side != side;
        let head = &line.words[..line.words.len().min(5)];
        let short = line.words.len() <= SHORT;
        let day = line.days.iter().rev().find_map(|m| named(talk, n, m));
        match (other, day) {
            // "Thursday", having been asked.
            (false, Some(day)) if asked && (short || line.days.iter().any(is_day)) => return Some(day),
            (false, _) if open.is_some() => {
                let yes = YESES.any(head) || line.words.iter().any(|w| ["definitely", "yes", "before"].contains(w));
                return open.filter(|_| yes && !NOES.any(&head[..head.len().min(2)]));
            }
            (true, Some(day)) if short && (asked || is_deadline(line, &day)) => open = Some(day),
            (true, _) if WHEN.any(head) || short && WHEN.any(&line.words) => asked = true,
            (true, _) if line.words.len() <= 3 && line.words.contains(&"when") => asked = true,
            _ if !short && (!asked || other) => return None,
            _ => {}
        }
    }
    open.filter(|_| asked)
}

/// "All three of those by wednesday": one day for what was promised before.
fn together(talk: &Talk<'_>, promise: &Promise) -> Option<Due> {
    static ALL: LazyLock<Cues<()>> = LazyLock::new(|| {
        Cues::new(&[
            cue("all|those|these|the two|three|four|five|both", ()),
            cue("all of it|that|them|those|these|this", ()),
            cue("both of? them|those|these|things", ()),
            cue("the whole lot|thing|pack|package|bundle", ()),
            cue("the lot", ()),
            cue("everything", ()),
        ])
    });
    const DELIVERING: [&str; 16] = [
        "send", "email", "mail", "redo", "get", "have", "put", "write", "draft", "share", "forward", "turn", "do",
        "prepare", "include", "give",
    ];
    let last = promise.spans.last()?;
    let line = last.line;
    let delivers = talk.lines[promise.spans[0].line].words.get(promise.act).is_some_and(|w| DELIVERING.contains(w));
    if !delivers {
        return None;
    }
    (line..talk.lines.len().min(line + BACK + 2)).find_map(|n| {
        let here = &talk.lines[n];
        if here.side != promise.side {
            return None;
        }
        let (range, ()) =
            ALL.all(&here.words).into_iter().find(|(r, ())| n > line || r.start >= promise.spans[0].to)?;
        let near = here.days.iter().find(|m| m.words.start + 10 >= range.start && m.words.start <= range.end + 10);
        let whole = Span::new(n, range);
        near.and_then(|m| named(talk, n, m)).or_else(|| asked_after(talk, &whole, &whole))
    })
}

/// "I'd see her monday" behind "could you ask her" / "yep": the day the two meet.
fn seen(talk: &Talk<'_>, promise: &Promise) -> Option<Due> {
    const PERSONS: [&str; 4] = ["him", "her", "them", "em"];
    let act = &promise.spans[0];
    if !talk.words(act).iter().any(|w| PERSONS.contains(w)) {
        return None;
    }
    let first = promise.spans.last()?.line;
    (first..talk.lines.len().min(first + 5)).filter(|&n| talk.lines[n].side == promise.side).find_map(|n| {
        let words = &talk.lines[n].words;
        talk.lines[n].days.iter().find_map(|m| {
            let before = &words[m.words.start.saturating_sub(3)..m.words.start];
            let sees = before
                .windows(2)
                .any(|w| ["see", "seeing", "meet", "meeting"].contains(&w[0]) && PERSONS.contains(&w[1]));
            if sees { named(talk, n, m) } else { None }
        })
    })
}

/// The day given when things are gone through again: "spreadsheet today, intro today, nadia friday".
fn recalled(talk: &Talk<'_>, promise: &Promise) -> Option<Due> {
    let span = &promise.spans[0];
    let act = Span { from: promise.act.min(span.to), ..span.clone() };
    let what: Vec<&str> = talk.words(&act).iter().map(|w| bare(w)).filter(|w| is_event(w)).collect();
    let first = promise.spans.last()?.line + BACK;
    (first..talk.lines.len()).find_map(|n| {
        let line = &talk.lines[n];
        line.days.iter().find_map(|m| {
            let before = &line.words[m.words.start.saturating_sub(10)..m.words.start];
            // A day that another act has taken.
            let taken = ["i'll", "we'll", "will", "send", "get", "have", "email", "it's", "was"];
            if before.iter().any(|w| taken.contains(w)) {
                return None;
            }
            let link = |w: &&&str| ["by", "on", "for", "is", "that's", "letter"].contains(*w);
            let noun = before.iter().rev().find(|w| !link(w))?;
            if what.contains(&bare(noun)) { named(talk, n, m) } else { None }
        })
    })
}

/// Whether an act waits for something that has no day: "the minute it comes", "if it works", "once the fault's closed".
fn hangs(talk: &Talk<'_>, span: &Span) -> bool {
    static WAITS: LazyLock<Cues<()>> = LazyLock::new(|| {
        Cues::new(&[
            cue("the minute|moment|second|instant _", ()),
            cue("when he|she|it|they|he's|she's|it's|they're|that|there's|there", ()),
            cue("once|if he|she|it|they|he's|she's|it's|they're|that|there's|there|the|that's|you|you're", ()),
            cue("as soon as he|she|it|they|he's|she's|it's|they're|you've|you", ()),
            cue("after|until he|she|it|they|the|legal|that", ()),
        ])
    });
    let words = &talk.lines[span.line].words;
    WAITS.any(&words[span.from..words.len().min(span.to + AROUND)])
}

/// Whether an act puts a day into somebody's calendar.
fn invites(talk: &Talk<'_>, span: &Span) -> bool {
    const CALENDAR: [&str; 7] = ["invite", "invites", "invitation", "calendar", "calendars", "diary", "pencil"];
    talk.words(span).iter().any(|w| CALENDAR.contains(w))
}

/// "By friday", "before the eighth", "and that's thursday": a day as a question, or as a limit.
fn is_deadline(line: &super::talk::Line<'_>, day: &Due) -> bool {
    let lead = day.words.from.checked_sub(1).map_or("", |k| line.words[k]);
    ["by", "before", "say", "until"].contains(&lead) || line.words.len() <= 4
}

/// "The friday" behind another day is the one that follows it, "the monday before" the one that it follows.
fn in_course(talk: &Talk<'_>, promise: &Promise, due: &Due) -> Option<Due> {
    let span = &due.words;
    let words = &talk.lines[span.line].words;
    let weekday = talk.words(span).iter().find_map(|w| dates::weekday(bare(w)))?;
    let at = (span.from..span.to).find(|&k| dates::weekday(bare(words[k])).is_some())?;
    let plain = talk.words(span).iter().all(|w| {
        dates::weekday(bare(w)).is_some()
            || ["on", "by", "the", "morning", "afternoon", "evening", "night", "before"].contains(w)
    });
    let article = at > 0 && words[at - 1] == "the";
    if !plain || !article || span.line != promise.spans[0].line {
        return None;
    }
    let follows = words.get(span.to).copied().unwrap_or("");
    let base = named_before(talk, span.line, at.saturating_sub(1))?;
    let from = dates::theirs(base.day)?;
    let day = match follows {
        "before" => calendar::previous_weekday(from, weekday),
        "of" => return None,
        _ if due.day >= base.day => return None,
        _ => calendar::next_weekday(calendar::plus(from, -1), weekday),
    };
    let day = dates::ours(day).filter(|d| *d != due.day)?;
    Some(Due { day, ..due.clone() })
}

/// What the other side puts right at once: "the third" / "no it moved it's the tenth".
fn moved(talk: &Talk<'_>, promise: &Promise, due: &Due) -> Option<Due> {
    let side = talk.lines[promise.spans[0].line].side;
    let n = due.words.line + 1;
    let line = talk.lines.get(n)?;
    let denies = line.words.first().is_some_and(|w| ["no", "nope", "actually", "sorry"].contains(w))
        || line.words.iter().any(|w| ["moved", "wrong"].contains(w));
    let mention = line.days.iter().rev().find(|m| is_day(m))?;
    let due = named(talk, n, mention).filter(|d| d.day != due.day)?;
    let same_talker = talk.lines[due.words.line].turn.speaker == talk.lines[promise.spans[0].line].turn.speaker;
    let agreed = line.side != side || !same_talker;
    (denies && agreed && line.words.len() <= 2 * SHORT).then_some(due)
}
