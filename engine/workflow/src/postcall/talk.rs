//! A call as the rules read it: turns without fillers and stammers, cut into clauses, with the days they name.
//!
//! Rules look at [`Line::words`]; whatever they find is a range of those, and [`Talk::quote`] turns it back into the words
//! as they were heard.

use std::ops::Range;

use reframe_call::audio::Party;

use super::cues::{Cues, cue};
use crate::{
    artifact::Evidence,
    dates::{self, Anchor, Mention, mentions_heard},
    handoff::{CallTranscript, Turn},
};

/// Below this a word is not to be trusted: the recogniser gives it less than even odds.
pub const UNSURE_BELOW: f32 = 0.5;

/// Sounds that carry nothing.
const FILLERS: [&str; 14] =
    ["um", "uh", "er", "erm", "uhm", "hmm", "mm", "ah", "eh", "uh-huh", "mhm", "umm", "uhh", "ehm"];

/// One turn.
#[derive(Debug)]
pub struct Line<'a> {
    /// As it was heard.
    pub turn: &'a Turn,
    /// Whose side its speaker is on.
    pub side: Party,
    /// Its words without fillers and immediate repetitions.
    pub words: Vec<&'a str>,
    /// Where each of them stands in the turn.
    at: Vec<usize>,
    /// Its clauses: ranges of `words`, in order, without holes.
    pub clauses: Vec<Range<usize>>,
    /// The times it names, as ranges of `words`.
    pub days: Vec<Mention>,
}

/// The whole call.
#[derive(Debug)]
pub struct Talk<'a> {
    /// As it was heard.
    pub call: &'a CallTranscript,
    /// Its turns, in order.
    pub lines: Vec<Line<'a>>,
    /// The day of the call.
    pub today: reframe_call::date::Date,
}

/// A range of the words of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Index into [`Talk::lines`].
    pub line: usize,
    /// First word.
    pub from: usize,
    /// One past the last.
    pub to: usize,
}

impl Span {
    /// Words `words` of line `line`.
    pub fn new(line: usize, words: Range<usize>) -> Self {
        Self { line, from: words.start, to: words.end }
    }
}

impl<'a> Talk<'a> {
    /// Reads a call. Times are resolved against `anchor`.
    pub fn read(call: &'a CallTranscript, anchor: &Anchor) -> Self {
        let markers = Cues::new(CLAUSE_MARKERS);
        let lines = call.turns.iter().filter(|t| !t.words.is_empty()).map(|turn| {
            let (words, at) = without_noise(turn);
            let clauses = clauses(&words, &markers);
            let heard: Vec<f32> = at.iter().map(|i| turn.words[*i].confidence).collect();
            let settings = dates::Settings { unsure_below: UNSURE_BELOW, ..dates::Settings::default() };
            let days = mentions_heard(&words, &heard, anchor, &settings);
            Line { turn, side: call.side(turn), words, at, clauses, days }
        });
        let now = anchor.now.date();
        // The calendar of a call is ours: years 1 to 9999.
        let part = |n: i8| u8::try_from(n).unwrap_or(1);
        let year = u16::try_from(now.year()).unwrap_or(1);
        let today = reframe_call::date::Date::new(year, part(now.month()), part(now.day()));
        let today = today.expect("jiff knows only days of the calendar");
        Self { call, lines: lines.collect(), today }
    }

    /// The words of a span.
    pub fn words(&self, span: &Span) -> &[&'a str] {
        &self.lines[span.line].words[span.from..span.to]
    }

    /// Evidence for a span.
    pub fn quote(&self, span: &Span) -> Evidence {
        let line = &self.lines[span.line];
        self.call.quote(line.turn, line.heard(span.from..span.to))
    }

    /// Whether a word of a span was heard too badly to be believed.
    pub fn unsure(&self, span: &Span) -> bool {
        let line = &self.lines[span.line];
        (span.from..span.to).any(|i| line.unsure(i))
    }

    /// How well a span was heard: the mean of its words' confidences.
    pub fn heard(&self, span: &Span) -> f32 {
        let line = &self.lines[span.line];
        let words = &line.turn.words[line.heard(span.from..span.to)];
        let sum: f32 = words.iter().map(|w| w.confidence).sum();
        // A turn has far fewer than 2^23 words.
        #[allow(clippy::cast_precision_loss)]
        let n = words.len() as f32;
        sum / n
    }

    /// Name of a line's speaker.
    pub fn speaker(&self, line: usize) -> &'a str {
        self.call.participants.get(self.lines[line].turn.speaker).map_or("", |p| p.name.as_str())
    }

    /// The clauses around `words`, joined up to `most` words: a passage that can be read by itself.
    pub fn passage(&self, line: usize, words: Range<usize>, most: usize) -> Span {
        let clauses = &self.lines[line].clauses;
        let first = clauses.iter().position(|c| c.contains(&words.start)).unwrap_or(0);
        let last = clauses.iter().position(|c| c.end >= words.end).unwrap_or(clauses.len() - 1).max(first);
        let (mut from, mut to) = (clauses[first].start, clauses[last].end);
        if to - from > most {
            from = from.max((words.start + words.len() / 2).saturating_sub(most / 2));
            to = to.min(from + most).max(words.end);
        }
        // A clause of two or three words says little without its neighbour.
        if to - from < 5 {
            if let Some(next) = clauses.get(last + 1).filter(|c| c.end - from <= most) {
                to = next.end;
            } else if let Some(before) = first.checked_sub(1).map(|i| &clauses[i])
                && to - before.start <= most
            {
                from = before.start;
            }
        }
        Span { line, from, to }
    }

    /// The next line after `line` spoken by somebody on another side, within `reach` lines, and not merely "mm hm".
    pub fn reply(&self, line: usize, reach: usize) -> Option<usize> {
        let side = self.lines[line].side;
        (line + 1..self.lines.len().min(line + 1 + reach)).find(|&i| self.lines[i].side != side)
    }
}

impl Line<'_> {
    /// The words as heard that a range of `words` covers.
    fn heard(&self, words: Range<usize>) -> Range<usize> {
        self.at[words.start]..self.at[words.end - 1] + 1
    }

    /// Where a word of `words` stands in the turn.
    pub fn heard_at(&self, word: usize) -> usize {
        self.at[word]
    }

    /// Whether a word was heard too badly to be believed.
    pub fn unsure(&self, word: usize) -> bool {
        self.turn.words[self.at[word]].confidence < UNSURE_BELOW
    }
}

/// Drops fillers and stammers ("i i'll i'll send"). A turn of nothing else keeps its words.
fn without_noise(turn: &Turn) -> (Vec<&str>, Vec<usize>) {
    let text = |i: usize| turn.words[i].text.as_str();
    let mut at: Vec<usize> = Vec::with_capacity(turn.words.len());
    for i in 0..turn.words.len() {
        if FILLERS.contains(&text(i)) {
            continue;
        }
        let n = at.len();
        // "i'll i'll", "the the", and "we could we could": the later one stays, for it is the one that goes on.
        if n >= 1 && text(at[n - 1]) == text(i) && !text(i).ends_with("ty") && !is_digit(text(i)) {
            at.pop();
        } else if n >= 3 && text(at[n - 2]) == text(i) && text(at[n - 3]) == text(at[n - 1]) && !is_digit(text(i)) {
            // `a b a b`: the first pair goes.
            at.drain(n - 3..n - 1);
        }
        at.push(i);
    }
    if at.is_empty() {
        at = (0..turn.words.len()).collect();
    }
    let words: Vec<&str> = at.iter().map(|&i| text(i)).collect();
    joined(words, at)
}

/// Words a recogniser cuts in two, and whole: a date hangs on them.
const CUT: [(&str, &str, &str); 4] =
    [("after", "noon", "afternoon"), ("to", "night", "tonight"), ("to", "morrow", "tomorrow"), ("to", "day", "today")];

fn joined(words: Vec<&str>, at: Vec<usize>) -> (Vec<&str>, Vec<usize>) {
    let mut out: (Vec<&str>, Vec<usize>) = (Vec::with_capacity(words.len()), Vec::with_capacity(at.len()));
    for (word, at) in words.into_iter().zip(at) {
        let whole = out.0.last().and_then(|last| CUT.iter().find(|c| c.0 == *last && c.1 == word));
        if let Some((_, _, whole)) = whole {
            out.0.pop();
            out.0.push(whole);
        } else {
            out.0.push(word);
            out.1.push(at);
        }
    }
    out
}

/// Digits are repeated on purpose ("two two five").
fn is_digit(word: &str) -> bool {
    ["oh", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"].contains(&word)
}

/// Words a new clause begins with. `true`: always; `false`: only if the word before does not ask for a completion.
const CLAUSE_MARKERS: &[(&str, bool)] = &[
    cue("but", true),
    cue(
        "so i|we|you|they|he|she|it|that|the|what|let's|i'll|we'll|i'm|we're|i'd|we'd|you'd|they'd|you'll|it'll|it's|that's|there's|there|then|if|when|yeah|is|are|can|could|do|how|my|our|maybe|she's|he's|they're|you're",
        true,
    ),
    cue("because|cause|cos", true),
    cue("anyway|anyhow|okay|ok|alright|although", true),
    cue(
        "and i|we|you|they|it|he|she|i'll|we'll|i'm|we're|they're|it's|that's|you'll|you're|he's|she's|then|so|if|i've|we've|what|when|my|our|can|could|maybe|let",
        true,
    ),
    cue("or i|we|you|they|if", true),
    cue("i mean", true),
    cue("if|unless", false),
    cue("i'll|we'll|i'm|we're|i've|we've|i'd|we'd|they're|it's|that's|there's|he's|she's|you're|let's|you'll", false),
    cue("i|we|they|he|she", false),
    cue("can|could|would|should|are|is you|we|i|they|that|it|there", false),
    cue("do|does|did you|we|i|they", false),
    cue("what|how|why", false),
    cue("let me", false),
];

/// Words after which a clause marker completes what was begun.
const EXPECTING: &[&str] = &[
    "that",
    "if",
    "when",
    "what",
    "where",
    "who",
    "which",
    "how",
    "why",
    "think",
    "know",
    "because",
    "and",
    "than",
    "like",
    "say",
    "said",
    "mean",
    "sure",
    "guess",
    "hope",
    "so",
    "or",
    "whether",
    "before",
    "after",
    "until",
    "once",
    "as",
    "while",
    "believe",
    "feel",
    "see",
    "told",
    "tell",
    "about",
    "of",
    "to",
    "for",
    "with",
    "but",
    "wish",
    "suppose",
    "the",
    "a",
    "whatever",
    "wherever",
    "since",
    "everything",
    "something",
    "anything",
    "thing",
    "way",
    "is",
    "was",
    "cause",
    "then",
    "yeah",
    "maybe",
    "okay",
    "ok",
    "well",
    "unless",
    "even",
    "just",
    "not",
    "be",
    "from",
    "at",
    "in",
    "on",
    "by",
];

/// Shortest clause, in words; a shorter beginning joins what follows.
const MIN_CLAUSE: usize = 3;

fn clauses(words: &[&str], markers: &Cues<bool>) -> Vec<Range<usize>> {
    let mut cuts = vec![0];
    for i in 1..words.len() {
        let Some((_, always)) = markers.at(words, i) else { continue };
        let open = EXPECTING.contains(&words[i - 1]);
        let from = *cuts.last().expect("begins with one");
        if (always || !open) && i - from >= MIN_CLAUSE {
            cuts.push(i);
        }
    }
    let ends = cuts.iter().skip(1).copied().chain([words.len()]);
    cuts.iter().zip(ends).map(|(&from, to)| from..to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_cover_a_line_and_cut_where_a_new_one_begins() {
        let markers = Cues::new(CLAUSE_MARKERS);
        let cut = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            clauses(&words, &markers).into_iter().map(|c| words[c].join(" ")).collect::<Vec<_>>().join(" / ")
        };
        assert_eq!(
            cut("yeah that sounds good i'll send you the pack by friday and then we can talk"),
            "yeah that sounds good / i'll send you the pack by friday / and then we can talk"
        );
        assert_eq!(cut("i think we could do it"), "i think we could do it");
        assert_eq!(cut("no"), "no");
    }
}
