//! When something that was promised is due: which of the days that were named belongs to it.

use std::sync::LazyLock;

use reframe_call::date::{Date, MONTHS};

use super::{
    cues::{Cues, cue},
    talk::{Line, Span, Talk},
};
use crate::dates::{self, Meaning, Mention, calendar};

/// How far behind a promise its day may stand, in words.
const BEHIND: usize = 6;
/// How far in front of it.
const BEFORE: usize = 5;

/// A due date with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The day.
    pub day: Date,
    /// The words that say so.
    pub words: Span,
    /// Whether one of them was heard badly.
    pub unsure: bool,
}

/// "for the friday meeting", "since monday": a day that something is about, not one it is due on.
const ABOUT: &[&str] = &["for", "since", "from", "about", "of", "until", "till", "starting", "after"];

/// The day a promise is due whose words are `span` and whose act begins at word `act` of its line.
pub fn of(talk: &Talk<'_>, span: &Span, act: usize) -> Option<Due> {
    let line = &talk.lines[span.line];
    let today = talk.today;
    let dated = line.days.iter().any(|m| m.due().is_some() && m.words.start >= act && m.words.start < span.to + BEHIND);
    if let Some(words) = at_once(talk, span)
        && !(dated && ["at", "over"].contains(&talk.words(&words)[0]))
    {
        return Some(Due { day: today, words, unsure: false });
    }
    let days = line.days.iter().filter_map(|m| {
        let day = m.due()?;
        (day >= today).then_some((m, day))
    });
    let days: Vec<_> = days
        .filter(|(m, d)| {
            let meeting =
                of_a_meeting(&line.words[act..span.to.max(m.words.end.min(span.to + BEHIND)).max(act)], *d, today);
            !meeting
                && !denied(line, m)
                && !vague(line, m)
                && (m.words.start < act || !about(&line.words, m.words.start))
        })
        .collect();
    let within = days.iter().find(|(m, _)| m.words.start >= act && m.words.start < span.to);
    let behind = || {
        let (m, d) = days.iter().find(|(m, _)| {
            let near = m.words.start <= span.to + BEHIND;
            let by = m.words.start <= span.to + 2 * BEHIND
                && m.words.start > span.to
                && ["by", "say"].contains(&line.words[m.words.start - 1]);
            // "I'd tell you by the time you get that packet thursday".
            let by = by
                || m.words.start > span.to
                    && m.words.start <= span.to + 2 * BEHIND
                    && line.words[span.to..m.words.start].windows(3).any(|w| w == ["by", "the", "time"]);
            // "I'll tell yvonne what's coming so she's ready, i see her this afternoon".
            let seen = m.words.start > span.to + 2
                && ["him", "her", "them"].contains(&line.words[m.words.start - 1])
                && ["see", "seeing", "meet", "meeting"].contains(&line.words[m.words.start - 2]);
            m.words.start >= span.to && (near || by || seen)
        })?;
        // Not the day of the next promise.
        let between = &line.words[span.to..m.words.start];
        let other = between.iter().any(|w| w.ends_with("'ll") || ["will", "can", "gonna", "could"].contains(w));
        (!other).then_some((*m, *d))
    };
    let before = || {
        let (m, d) = days.iter().rev().find(|(m, _)| m.words.end <= act && m.words.end + BEFORE >= span.from)?;
        let between = &line.words[m.words.end.min(span.from)..span.from];
        let other = between.iter().any(|w| w.ends_with("'ll") || ["but", "because", "is"].contains(w));
        let other = other
            || line.words[m.words.start.saturating_sub(10)..m.words.start]
                .iter()
                .any(|w| ["if", "can't", "until"].contains(w));
        (!other).then_some((*m, *d))
    };
    let day_said = within.map(|(m, d)| (*m, *d)).or_else(behind);
    if day_said.is_none()
        && let Some((words, days)) = soon(talk, span, act)
    {
        let day = dates::theirs(today).and_then(|d| dates::ours(calendar::plus(d, days)))?;
        return Some(Due { day, words, unsure: false });
    }
    let (mention, day) = day_said.or_else(before)?;
    let (mention, day) = corrected(line, &days, (mention, day));
    let mut words = Span::new(span.line, mention.words.clone());
    if words.from > 0 && ["by", "on", "before", "this"].contains(&line.words[words.from - 1]) {
        words.from -= 1;
    }
    let unsure = mention.unsure || mention.words.clone().any(|i| line.unsure(i));
    Some(Due { day, words, unsure })
}

/// "Next week some time", "ping you in october": nobody holds that to its last day. "By next week" is.
fn vague(line: &Line<'_>, mention: &Mention) -> bool {
    let said = &line.words[mention.words.clone()];
    let before = mention.words.start.checked_sub(1).map_or("", |i| line.words[i]);
    let bound = ["by", "before", "of"].contains(&before) || said.iter().any(|w| ["by", "end", "before"].contains(w));
    let month = |w: &str| MONTHS.contains(&w);
    let (next_week, of_month) = match said {
        [.., "next", "week"] => (true, false),
        ["in", name] => (false, month(name)),
        [name] => (false, before == "in" && month(name)),
        _ => (false, false),
    };
    !bound && (next_week || of_month)
}

/// "You'll have it in the morning": tomorrow. "By four o'clock", "after this": today. How many days ahead, and the words.
fn soon(talk: &Talk<'_>, span: &Span, act: usize) -> Option<(Span, i64)> {
    static SOON: LazyLock<Cues<i64>> = LazyLock::new(|| {
        Cues::new(&[
            cue("in the morning", 1),
            cue("the morn", 1),
            cue("by the? end of tomorrow", 1),
            cue("after this", 0),
            cue("the now", 0),
            cue("before dinner|supper|lunch|tea", 0),
            cue("once i'm|we're off|done|finished", 0),
            cue("when we|i are|am finished|done", 0),
        ])
    });
    let line = &talk.lines[span.line];
    let end = line.words.len().min(span.to + 4);
    let after_what = |at: usize| {
        line.words.get(at).is_some_and(|w| ["week", "month", "quarter", "year", "one", "meeting"].contains(w))
    };
    let cued = SOON.all(&line.words[act.min(end)..end]).into_iter().find(|(r, _)| !after_what(act + r.end));
    let at = |r: std::ops::Range<usize>| Span::new(span.line, r);
    if let Some((r, days)) = cued {
        return Some((at(act + r.start..act + r.end), days));
    }
    let timed = line.days.iter().find(|m| {
        let by =
            m.words.start.checked_sub(1).is_some_and(|i| line.words[i] == "by") || line.words[m.words.start] == "by";
        matches!(m.meaning, Meaning::Time(_)) && by && m.words.start >= act && m.words.start <= span.to + 2
    })?;
    Some((at(timed.words.clone()), 0))
}

/// "It won't be tomorrow": a day that is named to be ruled out.
pub fn denied(line: &Line<'_>, mention: &Mention) -> bool {
    let before = &line.words[mention.words.start.saturating_sub(3)..mention.words.start];
    before.windows(2).any(|w| matches!(w, ["won't" | "not", "be" | "by" | "on" | "before" | "till" | "until"]))
        || before.last() == Some(&"not")
}

/// "Right after this", "when we hang up": today.
fn at_once(talk: &Talk<'_>, span: &Span) -> Option<Span> {
    static AT_ONCE: LazyLock<Cues<()>> = LazyLock::new(|| {
        Cues::new(&[
            cue("right|straight|just|immediately? after the|this|our|we call|meeting|this|hang", ()),
            cue("right|straight after", ()),
            cue("after the|this|our|we call|meeting|hang|finish", ()),
            cue("when|once we|i hang|get|come off|up|inside|in|back", ()),
            cue("when|once we|i finish", ()),
            cue("as soon as we|i hang|get|finish|come", ()),
            cue("after we|i hang|come|get up|off", ()),
            cue("as soon as we're|i'm|we|i off|done|hang|get", ()),
            cue("when we're|i'm off|done", ()),
            cue("in a minute|moment", ()),
            cue("the minute|second|moment we|i hang|get|finish|come|put", ()),
            cue("soon as we|i hang|get|finish|come|put", ()),
            cue("at|over lunch|lunchtime|dinnertime|supper|tea", ()),
            cue("before i leave|go home|today|tonight", ()),
            cue("within the hour", ()),
            cue("in an|half hour|an?", ()),
            cue("in five|ten|twenty|thirty minutes", ()),
            cue("while we're|i'm on|talking|speaking", ()),
            cue("as we speak", ()),
        ])
    });
    let line = &talk.lines[span.line];
    let end = line.words.len().min(span.to + BEHIND);
    let found = AT_ONCE.all(&line.words[span.from..end]);
    // An act that follows in between has its own day.
    let (range, ()) = found.into_iter().find(|(r, ())| r.start + span.from <= span.to)?;
    Some(Span { line: span.line, from: span.from + range.start, to: span.from + range.end })
}

/// "For the friday meeting", "for november and december".
fn about(words: &[&str], at: usize) -> bool {
    let back = |n: usize| at.checked_sub(n).map_or("", |i| words[i]);
    ABOUT.contains(&back(1))
        || ["and", "or"].contains(&back(1)) && ABOUT.contains(&back(3))
        || back(1) == "the" && ["for", "since", "about", "of"].contains(&back(2))
}

/// "I'll put that in the calendar for tuesday": the day of the meeting, unless it is today or tomorrow.
fn of_a_meeting(words: &[&str], day: Date, today: Date) -> bool {
    let meeting = words.iter().any(|w| {
        ["invite", "calendar", "calendars", "diary", "book", "schedule", "pencil", "block", "invites"].contains(w)
    });
    let by = words.contains(&"by");
    meeting && !by && day != today
}

/// What is said at once to put a day right: "tuesday no it'll be wednesday", "the tuesday that's the tenth".
fn corrected<'m>(line: &Line<'_>, days: &[(&'m Mention, Date)], first: (&'m Mention, Date)) -> (&'m Mention, Date) {
    let later =
        days.iter().filter(|(m, _)| m.words.start >= first.0.words.end && m.words.start <= first.0.words.end + 9);
    let mut right = later.filter(|(m, _)| {
        let before = &line.words[first.0.words.end..m.words.start];
        let n = before.len();
        let last = before.last().copied().unwrap_or("");
        n == 0
            || ["that's", "no", "sorry", "say", "actually", "meaning"].contains(&last)
            || before.windows(2).any(|w| {
                matches!(
                    w,
                    ["it'll", "be"]
                        | ["make", "it"]
                        | ["make", "that"]
                        | ["i", "mean"]
                        | ["that's" | "that'd", "the"]
                        | ["be", "the"]
                )
            })
    });
    right.next_back().copied().unwrap_or(first)
}

/// A weekday that is pinned down in the next lines in a few words: "friday" … "the eighteenth".
pub fn settled(talk: &Talk<'_>, line: usize, due: &Due) -> Option<Due> {
    const WEEKDAYS: [&str; 5] = ["monday", "tuesday", "wednesday", "thursday", "friday"];
    let said = talk.words(&due.words);
    let weekday = said.iter().map(|w| super::people::bare(w)).find(|w| WEEKDAYS.contains(w))?;
    for n in line + 1..talk.lines.len().min(line + 3) {
        let words = &talk.lines[n].words;
        if words.len() > 9 || ["what", "when", "or", "not", "no"].contains(&words[0]) {
            return None;
        }
        let fits = |m: &&Mention| {
            let said = &words[m.words.clone()];
            let other = said.iter().any(|w| WEEKDAYS.contains(w) && *w != weekday);
            is_day(m) && m.words.start <= 5 && !other && m.due().is_some_and(|d| d >= talk.today && d != due.day)
        };
        if let Some(m) = talk.lines[n].days.iter().find(fits) {
            return Some(Due { day: m.due()?, words: Span::new(n, m.words.clone()), unsure: m.unsure });
        }
    }
    None
}

/// Whether a mention is of one day, not of a period.
pub const fn is_day(mention: &Mention) -> bool {
    matches!(mention.meaning, Meaning::Day { .. })
}

/// Whether a mention has a time of day.
pub const fn has_time(mention: &Mention) -> bool {
    matches!(mention.meaning, Meaning::Day { time: Some(_), .. })
}
