//! Finds what people said they would do: promises, offers that were taken up, requests that were agreed to.

use reframe_call::audio::Party;

use super::{
    acts::{ADVERBS, Force, HABIT, NO, OPENINGS, POLITE_IFS, UNDONE_BY, VERBS, Weight, Who, YES},
    cues::{Cues, cue},
    due::{self, Due},
    people::People,
    talk::{Line, Span, Talk},
};

/// Longest promise that is cited, in words.
const LONGEST: usize = 30;
/// How far before an opening an "if" still governs it, in words.
const IF_REACH: usize = 10;
/// How many lines after a request the answer to it may stand: "mm hm" and an interruption may come between.
const ANSWER_REACH: usize = 2;
/// Share of the words of two promises that must be the same for them to be one.
const SAME: f32 = 0.5;

/// One promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise {
    /// Words it rests on; the first span says what is promised.
    pub spans: Vec<Span>,
    /// First word of the act in the first span's line: "send" of "i'll send you".
    pub act: usize,
    /// Whose it is.
    pub side: Party,
    /// Who is to do it: somebody on the call, or a name that was said.
    pub owner: Option<String>,
    /// When.
    pub due: Option<Due>,
    /// How sure the reading is, 0 to 1.
    pub confidence: f32,
    /// Whether it began with "let me": what follows at once says what comes of it.
    opened: bool,
}

/// The tables, ready for use.
#[derive(Debug)]
pub struct Finder {
    openings: Cues<(Who, Force)>,
    verbs: Cues<Weight>,
    yes: Cues<()>,
    no: Cues<()>,
    polite_ifs: Cues<()>,
    named: Cues<()>,
    owing: Cues<()>,
}

/// What somebody else is said to do: after a name or a role.
const NAMED: &[(&str, ())] = &[
    cue("will|'ll", ()),
    cue("is going to", ()),
    cue("is gonna", ()),
    cue("'s going to", ()),
    cue("'s gonna", ()),
    cue("are going to", ()),
    cue("are gonna", ()),
    cue("and i|myself|me will|'ll", ()),
    cue("and i'll", ()),
];

/// "Send me the pack" after these is a request.
const OWING: &[(&str, ())] = &[
    cue("i owe you", ()),
    cue("i send|write|email you", ()),
    cue("we owe you", ()),
    cue(
        "you'll have|get that|it|the|a|this|your ~ by|on|before|monday|tuesday|wednesday|thursday|friday|tomorrow|today|tonight|this|end",
        (),
    ),
    cue("you'll have it|that|them|this|those", ()),
    cue("you'll hear|have ~ from me|us", ()),
    cue("that's on me|my", ()),
    cue("leave that|it|this with me", ()),
    cue("consider it|that done", ()),
];

impl Default for Finder {
    fn default() -> Self {
        Self {
            openings: Cues::new(OPENINGS),
            verbs: Cues::new(VERBS),
            yes: Cues::new(YES),
            no: Cues::new(NO),
            polite_ifs: Cues::new(POLITE_IFS),
            named: Cues::new(NAMED),
            owing: Cues::new(OWING),
        }
    }
}

/// An act that was found, before it is known whether it binds.
struct Act {
    from: usize,
    verb: usize,
    to: usize,
    who: Who,
    force: Force,
    weight: Weight,
    owner: Option<String>,
}

impl Finder {
    /// Every promise of a call, in order, each once.
    pub fn find(&self, talk: &Talk<'_>, people: &People) -> Vec<Promise> {
        let mut found: Vec<Promise> = Vec::new();
        for (n, line) in talk.lines.iter().enumerate() {
            if line.side == Party::Unknown {
                continue;
            }
            for act in self.acts(line, people) {
                if let Some(promise) = self.weigh(talk, n, &act) {
                    keep(talk, &mut found, promise);
                }
            }
        }
        found
    }

    /// Everything in a line that has the form of a promise.
    fn acts(&self, line: &Line<'_>, people: &People) -> Vec<Act> {
        let words = &line.words;
        let mut acts = Vec::new();
        let mut i = 0;
        while i < words.len() {
            let act = self.owed(line, i).or_else(|| self.opened(line, i, people));
            let act = act.or_else(|| self.by_somebody(line, i, people)).or_else(|| self.imperative(line, i));
            i = match act {
                Some(act) => {
                    let next = act.verb.max(i) + 1;
                    acts.push(act);
                    next
                }
                None => self.openings.at(words, i).map_or(i + 1, |(end, _)| end),
            };
        }
        acts
    }

    fn opened(&self, line: &Line<'_>, i: usize, people: &People) -> Option<Act> {
        let words = &line.words;
        let (end, (who, force)) = self.openings.at(words, i)?;
        let mut verb = end;
        while verb < words.len() && verb < end + 6 && ADVERBS.contains(&words[verb]) && !self.is_never(words, verb) {
            verb += 1;
        }
        // "i'll have priya send it": somebody else does it.
        if ["have", "get", "ask", "tell"].contains(words.get(verb)?)
            && force != Force::Told
            && let Some(act) = self.delegated(line, i, verb, people)
        {
            return Some(Act { who, force, ..act });
        }
        let weight = self.verbs.at(words, verb).map(|(_, w)| w);
        // "get that logged", "have it scanned": done by whomever.
        let got = ["get", "have"].contains(&words[verb]) && weight != Some(Weight::Firm);
        let made = got && words[verb + 1..words.len().min(verb + 5)].iter().any(|w| w.len() > 4 && w.ends_with("ed"));
        let weight = if made { Weight::Firm } else { weight? };
        if weight == Weight::Never {
            return None;
        }
        Some(Act { from: i, verb, to: end_of(line, i, verb), who, force, weight, owner: None })
    }

    fn is_never(&self, words: &[&str], at: usize) -> bool {
        self.verbs.at(words, at).is_some_and(|(_, w)| w == Weight::Never)
    }

    fn delegated(&self, line: &Line<'_>, from: usize, verb: usize, people: &People) -> Option<Act> {
        let words = &line.words;
        let at = verb + 1;
        let word = *words.get(at)?;
        let (end, owner) = match people.at(words, at) {
            Some(m) => (m.end, m.name),
            // "our guy in monterrey esteban": up to the next verb.
            None if ["our", "my"].contains(&word) && words[verb] == "have" => {
                let end = (at + 2..words.len().min(at + 7))
                    .find(|&k| self.verbs.at(words, k).is_some() && !people.is_name(words[k]))?;
                let name = words[at..end].iter().find(|w| people.is_name(w)).map(|w| super::people::bare(w).to_owned());
                (end, name)
            }
            // An unlisted name counts if a verb follows it.
            None if word.len() > 3
                && words[verb] != "get"
                && people.could_be_name(word)
                && !super::topics::is_common(word) =>
            {
                (at + 1, Some(word.to_owned()))
            }
            None => return None,
        };
        let to = words.get(end) == Some(&"to");
        if !to && ["ask", "tell"].contains(&words[verb]) {
            return None;
        }
        let act = end + usize::from(to);
        let weight = self.verbs.at(words, act).map(|(_, w)| w);
        let at_meeting = words.get(act).is_some_and(|w| ["on", "there", "with"].contains(w));
        if weight.is_none() && !at_meeting {
            return None;
        }
        Some(Act {
            from,
            verb,
            to: end_of(line, from, act.min(words.len() - 1)),
            who: Who::Us,
            force: Force::Will,
            weight: Weight::Consult,
            owner,
        })
    }

    /// "priya will send you", "our legal team's going to review it".
    fn by_somebody(&self, line: &Line<'_>, i: usize, people: &People) -> Option<Act> {
        let words = &line.words;
        let (end, owner) = if ["he", "she", "they"].contains(&super::people::bare(words[i])) {
            // A pronoun counts if its person was named shortly before.
            let before = (i.saturating_sub(16)..i).rev();
            let named = before.filter(|&k| people.is_name(words[k])).map(|k| super::people::bare(words[k])).next()?;
            (i + 1, named.to_owned())
        } else {
            let m = people.at(words, i)?;
            (m.end, m.name.or(m.role.map(|r| r.0))?)
        };
        let last = words[end - 1];
        let verb = if last.ends_with("'ll") {
            end
        } else if last.ends_with("'s") && words.get(end).is_some_and(|w| *w == "gonna" || *w == "going") {
            end + if words[end] == "gonna" { 1 } else { 2 }
        } else {
            self.named.at(words, end)?.0
        };
        let mut verb = verb;
        while verb < words.len() && ADVERBS.contains(&words[verb]) {
            verb += 1;
        }
        let (_, weight) = self.verbs.at(words, verb)?;
        // Of people who are not here less is known: only what is plainly an act.
        (weight == Weight::Firm || weight == Weight::Consult).then(|| Act {
            from: i,
            verb,
            to: end_of(line, i, verb),
            who: Who::Us,
            force: Force::Will,
            weight: Weight::Soft,
            owner: Some(owner),
        })
    }

    fn owed(&self, line: &Line<'_>, i: usize) -> Option<Act> {
        let (end, ()) = self.owing.at(&line.words, i)?;
        // "Leave that with me a moment" is about this moment.
        let rest = &line.words[end..line.words.len().min(end + 3)];
        if rest.iter().any(|w| ["moment", "second", "minute", "sec"].contains(w)) {
            return None;
        }
        let act = |weight| Act {
            from: i,
            verb: i,
            to: end_of(line, i, end - 1),
            who: Who::Me,
            force: Force::Will,
            weight,
            owner: None,
        };
        Some(act(if line.words[i] == "you'll" { Weight::Soft } else { Weight::Firm }))
    }

    /// "send me the wording", "ring me friday": a clause that begins with its verb.
    fn imperative(&self, line: &Line<'_>, i: usize) -> Option<Act> {
        const LEADS: [&str; 20] = [
            "yeah", "just", "but", "and", "so", "okay", "please", "then", "yes", "sure", "no", "maybe", "well",
            "alright", "ok", "fine", "also", "perfect", "right", "great",
        ];
        const ACTS: [&str; 20] = [
            "send", "email", "ring", "call", "text", "forward", "get", "give", "shoot", "drop", "put", "ask", "share",
            "add", "copy", "include", "cc", "flick", "ping", "let",
        ];
        let words = &line.words;
        let at_start = i == 0 || line.clauses.iter().any(|c| c.start == i) || LEADS.contains(&words[i - 1]);
        if !at_start || !ACTS.contains(&words[i]) {
            return None;
        }
        let to_me = words[i + 1..words.len().min(i + 7)].iter().any(|w| ["me", "us", "him", "her", "them"].contains(w));
        let (_, weight) = self.verbs.at(words, i)?;
        (to_me && weight != Weight::Never).then(|| Act {
            from: i,
            verb: i,
            to: end_of(line, i, i),
            who: Who::You,
            force: Force::Ask,
            weight,
            owner: None,
        })
    }

    /// Whether what has the form of a promise is one.
    fn weigh(&self, talk: &Talk<'_>, n: usize, act: &Act) -> Option<Promise> {
        let line = &talk.lines[n];
        if self.undone(line, act) {
            return None;
        }
        let span = Span::new(n, act.from..act.to);
        let day = due::of(talk, &span, act.verb);
        let answer = self.answer(talk, n);
        let (binding, needs_answer) = match (act.force, act.weight) {
            (_, Weight::Never) => return None,
            (Force::Will, Weight::Firm | Weight::Consult) => (0.9, false),
            (Force::Will, Weight::Soft) => (if day.is_some() { 0.75 } else { return None }, false),
            (Force::LetMe, Weight::Consult) => (0.8, false),
            (Force::LetMe, Weight::Firm) => (if day.is_some() { 0.8 } else { 0.65 }, false),
            (Force::Can, Weight::Firm | Weight::Consult) if day.is_some() => (0.75, false),
            (Force::Can | Force::Offer, Weight::Firm | Weight::Consult) => (0.65, true),
            (Force::Must, Weight::Consult) => (0.6, false),
            (Force::Must, Weight::Firm) if day.is_some() => (0.6, false),
            (Force::Ask | Force::Told, Weight::Firm) => (0.7, true),
            (Force::Ask, Weight::Consult | Weight::Soft) => (if day.is_some() { 0.6 } else { return None }, true),
            _ => return None,
        };
        let taken = answer.as_ref().filter(|a| a.yes);
        if needs_answer && taken.is_none() {
            return None;
        }
        if matches!(act.force, Force::Can | Force::Offer) && answer.as_ref().is_some_and(|a| a.no) {
            return None;
        }
        let by_other = act.who == Who::You;
        let speaker = if by_other { taken.map_or(n, |a| a.line) } else { n };
        let owner = act.owner.clone().or_else(|| {
            let name = talk.speaker(speaker).to_lowercase();
            (!name.is_empty()).then_some(name)
        });
        let mut spans = vec![span];
        let mut day = day;
        if let Some(a) = taken.filter(|_| needs_answer) {
            let to = talk.lines[a.line].clauses.iter().map(|c| c.end).find(|&e| e >= 2).unwrap_or(1);
            let reply = Span::new(a.line, 0..to.min(12).min(talk.lines[a.line].words.len()));
            day = day.or_else(|| due::of(talk, &reply, 0));
            spans.push(reply);
        }
        let day = day.or_else(|| due::asked_for(talk, n)).map(|d| due::settled(talk, n, &d).unwrap_or(d));
        let confidence = binding * talk.heard(&spans[0]).clamp(0.0, 1.0);
        let side = talk.lines[speaker].side;
        let opened = act.force == Force::LetMe;
        Some(Promise { spans, act: act.verb, side, owner, due: day, confidence, opened })
    }

    fn undone(&self, line: &Line<'_>, act: &Act) -> bool {
        let words = &line.words;
        let before = &words[act.from.saturating_sub(3)..act.from];
        let asks = matches!(act.force, Force::Ask | Force::Offer);
        if let Some(last) = before.last() {
            if UNDONE_BY.contains(last) && !(asks && *last == "if") {
                return true;
            }
            // "and i'm like i'll send it", "i don't think i'll", "what you can": somebody else's words, or none.
            if ["what", "that", "think", "goes"].contains(last) && !matches!(act.force, Force::Will) {
                return true;
            }
        }
        let denied = ["don't", "didn't", "doesn't", "not", "never", "can't", "won't", "wouldn't", "isn't", "no"];
        if before
            .last()
            .is_some_and(|w| ["think", "sure", "that", "say", "promise", "mean", "believe", "know"].contains(w))
            && before.iter().any(|w| denied.contains(w))
        {
            return true;
        }
        if before.len() >= 2 && before[before.len() - 2..] == ["what", "i'll"] {
            return true;
        }
        let around = &words[act.from.saturating_sub(4)..act.to];
        let habit = around.iter().enumerate().any(|(k, w)| {
            HABIT.contains(w)
                && !(*w == "every" && around.get(k + 1).is_some_and(|n| ["one", "bit", "single"].contains(n)))
        });
        if habit && !line.days.iter().any(|d| d.due().is_some() && d.words.start >= act.from && d.words.end <= act.to) {
            return true;
        }
        // A condition in front: "if it breaks we'll send somebody".
        let from = act.from.saturating_sub(IF_REACH);
        let polite: Vec<_> = self.polite_ifs.all(&words[from..act.from]);
        let condition = (from..act.from)
            .any(|k| ["if", "unless"].contains(&words[k]) && !polite.iter().any(|(r, ())| r.contains(&(k - from))));
        if condition && !matches!(act.force, Force::Ask) {
            return true;
        }
        // "once you're live we'll", "when it breaks we'll": how things go, not what is promised. "when i'm back i'll" is.
        let openers = (act.from.saturating_sub(8)..act.from).any(|k| {
            ["when", "once", "whenever", "after", "where"].contains(&words[k])
                && words
                    .get(k + 1)
                    .is_some_and(|w| !["i", "we", "i'm", "we're", "i've", "we've", "this", "that", "i'll"].contains(w))
        });
        openers && act.who == Who::Us && act.owner.is_none()
    }

    fn answer(&self, talk: &Talk<'_>, n: usize) -> Option<Answer> {
        let line = talk.reply(n, ANSWER_REACH)?;
        let words = &talk.lines[line].words;
        let head = &words[..words.len().min(7)];
        let no = self.no.all(head).first().map(|(r, ())| r.start);
        let yes = self.yes.all(head).first().map(|(r, ())| r.start);
        let yes_first = yes.is_some_and(|y| y <= 3 && no.is_none_or(|k| y < k));
        // "no problem", "no that's fine": the table of yeses is read first.
        let no_first = no.is_some_and(|k| k <= 2 && yes.is_none_or(|y| k < y));
        Some(Answer {
            line,
            yes: yes_first || (no_first && yes.is_some_and(|y| y <= 3) && words[0] == "no"),
            no: no_first && yes.is_none(),
        })
    }
}

struct Answer {
    line: usize,
    yes: bool,
    no: bool,
}

/// Where a promise ends: with its clause, and with a following one that only says when.
fn end_of(line: &Line<'_>, from: usize, verb: usize) -> usize {
    let clause = line.clauses.iter().find(|c| c.contains(&verb));
    let mut to = clause.map_or(line.words.len(), |c| c.end).max(verb + 1);
    if to - verb < 3
        && let Some(next) = line.clauses.iter().find(|c| c.start == to)
        && !SUBJECTS.contains(&line.words[next.start])
    {
        to = next.end;
    }
    to.min(from + LONGEST).max(verb + 1)
}

/// A clause that begins so is about something else.
const SUBJECTS: [&str; 16] = [
    "i", "we", "they", "he", "she", "i'm", "we're", "they're", "he's", "she's", "it's", "that's", "i'll", "we'll",
    "what", "i've",
];

/// Words that say little about what is promised.
const LITTLE: &[&str] = &[
    "i'll", "we'll", "i", "we", "you", "the", "a", "an", "that", "it", "to", "and", "of", "for", "on", "in", "by",
    "can", "will", "just", "over", "them", "this", "with", "so", "me", "us", "is", "be", "then", "let", "my", "your",
    "our", "some", "do", "get", "have", "i'm", "we're", "going", "gonna", "could", "would", "yeah", "okay", "up",
    "out", "back", "at", "also",
];

fn content<'t>(talk: &Talk<'t>, promise: &Promise) -> Vec<&'t str> {
    let words = promise.spans.iter().flat_map(|s| talk.words(s).to_vec());
    let mut words: Vec<&str> = words.filter(|w| !LITTLE.contains(w)).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// How many lines a pointer ("i'll do it thursday") may stand behind what it points to.
const POINTER_REACH: usize = 3;

/// Whether a promise names nothing by itself: "i'll get that to you monday".
fn pointer(talk: &Talk<'_>, promise: &Promise, same_line: bool) -> bool {
    const POINTING: [&str; 6] = ["it", "that", "this", "them", "those", "one"];
    let span = &promise.spans[0];
    let line = &talk.lines[span.line];
    let first = &line.words[promise.act.min(span.to)..span.to.min(promise.act + 4)];
    let person = same_line && first.iter().take(2).any(|w| ["him", "her", "em"].contains(w));
    if promise.spans.len() > 1 || !person && !first.iter().any(|w| POINTING.contains(w)) {
        return false;
    }
    let dated = |i: usize| line.days.iter().any(|d| d.words.contains(&i));
    let left = (promise.act + 1..span.to).filter(|&i| !LITTLE.contains(&line.words[i]) && !dated(i)).count();
    left <= 3
}

/// Adds a promise, unless it repeats one: then the repetition is further evidence for it.
fn keep(talk: &Talk<'_>, found: &mut Vec<Promise>, new: Promise) {
    let mine = content(talk, &new);
    let n = new.spans[0].line;
    let same = found.iter_mut().rev().find(|old| {
        if old.side != new.side {
            return false;
        }
        // The answer to a request often says it again: "yeah i'll send it over".
        let answers = old.spans.len() > 1 && old.spans[1].line == n && new.spans[0].from < 12;
        // "I can run that for may … i'll do it when we hang up": only a pointer to what was promised just now.
        let last = old.spans.last().map_or(0, |s| s.line);
        let points = pointer(talk, &new, n == last) && n >= last && n - last <= POINTER_REACH;
        let theirs = content(talk, old);
        let both = mine.iter().filter(|w| theirs.contains(w)).count();
        let least = mine.len().min(theirs.len());
        #[allow(clippy::cast_precision_loss)]
        let alike = least >= 2 && both as f32 / least as f32 > SAME + 0.2 && both >= 2;
        // "let me redo the sums and i'll email you the figure": one promise in two breaths.
        let goes_on = old.opened
            && n == last
            && new.spans[0].from <= old.spans[0].to + 2
            && new.spans[0].from > old.spans[0].from;
        answers || alike || points || goes_on
    });
    match same {
        Some(old) => {
            let inside = |s: &Span| old.spans.iter().any(|o| o.line == s.line && o.from <= s.from && s.to <= o.to);
            let more: Vec<Span> = new.spans.into_iter().filter(|s| !inside(s)).collect();
            old.spans.extend(more);
            if old.spans.len() > 1 && new.owner.is_some() && n == old.spans[1].line {
                old.owner = new.owner;
            }
            // What was said last holds.
            old.due = new.due.or(old.due.take());
            old.confidence = old.confidence.max(new.confidence);
        }
        None => found.push(new),
    }
}
