//! Finds what people said they would do: promises, offers that were taken up, requests that were agreed to.

use reframe_call::audio::Party;

use super::{
    acts::{Force, HABIT, NO, POLITE_IFS, TAKEN_UP, UNDONE_BY, Weight, Who, YES},
    cues::Cues,
    due::{self, Due},
    elsewhere,
    forms::{Act, Forms},
    learned::{ActSeen, Feature, Model},
    people::People,
    talk::{Line, Span, Talk},
};

/// How far before an opening an "if" still governs it, in words.
const IF_REACH: usize = 10;
/// How many lines after a request the answer to it may stand: "mm hm" and an interruption may come between.
const ANSWER_REACH: usize = 2;
/// Words somebody must have said before it counts that "will" is rare among them, and how rare that is: one in so many.
const SPOKEN: usize = 200;
const RARELY: usize = 250;
/// How sure a promise is that only the model takes for one.
const UNRULED: f32 = 0.6;
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
    forms: Forms,
    yes: Cues<()>,
    no: Cues<()>,
    polite_ifs: Cues<()>,
}

impl Default for Finder {
    fn default() -> Self {
        Self {
            forms: Forms::default(),
            yes: Cues::new(&[YES, TAKEN_UP].concat()),
            no: Cues::new(NO),
            polite_ifs: Cues::new(POLITE_IFS),
        }
    }
}

/// What has the form of a promise, and what is to be seen of it.
struct Candidate {
    promise: Promise,
    features: Vec<Feature>,
}

/// What the rules make of an act.
struct Binding {
    /// How sure they are that it binds, 0 to 1; none if they take it for no promise.
    sure: Option<f32>,
    /// Whether it binds only if the other side agrees.
    needs_answer: bool,
}

impl Finder {
    /// Every promise of a call, in order, each once.
    pub fn find(&self, talk: &Talk<'_>, people: &People, judge: &Model) -> Vec<Promise> {
        let mut found: Vec<Promise> = Vec::new();
        for candidate in self.all(talk, people).filter(|c| judge.says(&c.features)) {
            keep(talk, &mut found, candidate.promise);
        }
        found
    }

    /// Everything with the form of a promise: its words, what is to be seen of it, and which of them say the same.
    pub fn candidates(&self, talk: &Talk<'_>, people: &People) -> Vec<(Vec<Span>, Vec<Feature>, usize)> {
        let mut found: Vec<Promise> = Vec::new();
        let each = self.all(talk, people).map(|c| {
            let spans = c.promise.spans.clone();
            let group = keep(talk, &mut found, c.promise);
            (spans, c.features, group)
        });
        each.collect()
    }

    fn all<'t>(&'t self, talk: &'t Talk<'_>, people: &'t People) -> impl Iterator<Item = Candidate> + 't {
        let known = (0..talk.lines.len()).filter(|&n| talk.lines[n].side != Party::Unknown);
        known.flat_map(move |n| {
            let acts = self.forms.acts(talk, n, people);
            acts.into_iter().filter_map(|act| self.weigh(talk, n, &act)).collect::<Vec<_>>()
        })
    }

    /// What the rules make of an act, and what is to be seen of it; nothing if nobody could be meant.
    fn weigh(&self, talk: &Talk<'_>, n: usize, act: &Act) -> Option<Candidate> {
        let line = &talk.lines[n];
        if self.undone(line, act) {
            return None;
        }
        let span = Span::new(n, act.from..act.to);
        let day = due::of(talk, &span, act.verb);
        let timed = day.is_some() || elsewhere::at_meeting(talk, &span);
        let answer = self.answer(talk, n);
        let Binding { sure, needs_answer } = self.binding(talk, n, act, day.is_some(), timed);
        let taken = answer.as_ref().filter(|a| a.yes);
        let declined = matches!(act.force, Force::Can | Force::Offer) && answer.as_ref().is_some_and(|a| a.no);
        let bound = sure.is_some() && !declined && (!needs_answer || taken.is_some());
        let reply = answer.as_ref().map(|a| (a.line, a.yes, a.no));
        let seen = ActSeen { act, line: n, bound, dated: timed, reply };
        let features = seen.features(talk);
        // Somebody who is asked has to be there.
        let speaker = if act.who == Who::You { answer.as_ref()?.line } else { n };
        let owner = act.owner.clone().or_else(|| Some(talk.speaker(speaker).to_lowercase()));
        let owner = owner.filter(|name| !name.is_empty());
        let mut spans = vec![span];
        let mut day = day;
        if let Some(a) = taken.filter(|_| needs_answer) {
            let to = talk.lines[a.line].clauses.iter().map(|c| c.end).find(|&e| e >= 2).unwrap_or(1);
            let reply = Span::new(a.line, 0..to.min(12).min(talk.lines[a.line].words.len()));
            day = day.or_else(|| due::of(talk, &reply, 0));
            spans.push(reply);
        }
        let day = day.map(|d| due::settled(talk, n, &d).unwrap_or(d));
        let confidence = sure.unwrap_or(UNRULED) * talk.heard(&spans[0]).clamp(0.0, 1.0);
        let side = talk.lines[speaker].side;
        let opened = act.force == Force::LetMe;
        let promise = Promise { spans, act: act.verb, side, owner, due: day, confidence, opened };
        Some(Candidate { promise, features })
    }

    /// Whether what has the form of a promise is one, by its form.
    fn binding(&self, talk: &Talk<'_>, n: usize, act: &Act, dated: bool, timed: bool) -> Binding {
        let line = &talk.lines[n];
        let rest = &line.words[act.verb..act.to];
        let to_you = || rest.iter().any(|w| ["you", "your", "y'all"].contains(w));
        let (sure, needs_answer) = match (act.force, act.weight) {
            (force, Weight::Never) => (None, matches!(force, Force::Offer | Force::Ask | Force::Told)),
            (Force::Will, Weight::Firm | Weight::Consult) => (Some(0.9), false),
            (Force::Will, Weight::Soft) => (timed.then_some(0.75), false),
            (Force::Present, Weight::Firm | Weight::Consult) if self.without_will(talk, n) => (Some(0.7), false),
            // "Could we get that turned on" / "yeah I can flip that for you".
            (Force::Can, weight) if self.asked(talk, n, act) && (weight != Weight::Soft || to_you()) => {
                (Some(0.7), false)
            }
            // "You can add a level" tells how a thing works.
            (Force::Told, _) if !timed && !rest.iter().any(|w| ["me", "us"].contains(w)) => (None, true),
            (Force::Present, Weight::Soft) if dated && self.without_will(talk, n) => (Some(0.6), false),
            (Force::Can, Weight::Soft) if dated && line.words[act.verb] == "have" && to_you() => (Some(0.6), false),
            (Force::LetMe, Weight::Consult) => (Some(0.8), false),
            (Force::LetMe, Weight::Firm) => (Some(if dated { 0.8 } else { 0.65 }), false),
            (Force::Can, Weight::Firm | Weight::Consult) if dated => (Some(0.75), false),
            (Force::Can | Force::Offer, Weight::Firm | Weight::Consult) => (Some(0.65), true),
            (Force::Must, Weight::Consult) => (Some(0.6), false),
            (Force::Must, Weight::Firm) => (dated.then_some(0.6), false),
            (Force::Ask | Force::Told, Weight::Firm) => (Some(0.7), true),
            (Force::Ask, _) if ["ask", "tell", "call", "ring", "text", "phone"].contains(&line.words[act.verb]) => {
                (Some(0.6), true)
            }
            (Force::Ask, Weight::Consult | Weight::Soft) => (dated.then_some(0.6), true),
            (force, _) => (None, matches!(force, Force::Offer | Force::Ask | Force::Told)),
        };
        Binding { sure, needs_answer }
    }

    /// Whether somebody says what they will do without "will": hardly ever "i'll" in all they say.
    fn without_will(&self, talk: &Talk<'_>, n: usize) -> bool {
        let speaker = talk.lines[n].turn.speaker;
        let said = talk.lines.iter().filter(|l| l.turn.speaker == speaker).flat_map(|l| &l.words);
        let (mut all, mut wills) = (0, 0);
        let mut before = "";
        for word in said {
            all += 1;
            wills += usize::from(
                ["i'll", "we'll", "gonna"].contains(word) || *word == "will" && ["i", "we"].contains(&before),
            );
            before = word;
        }
        all >= SPOKEN && wills * RARELY < all
    }

    /// Whether an act stands at the head of a reply to a request.
    fn asked(&self, talk: &Talk<'_>, n: usize, act: &Act) -> bool {
        let side = talk.lines[n].side;
        let before = (n.saturating_sub(2)..n).rev().find(|&i| talk.lines[i].side != side);
        let asks = |i: usize| {
            let words = &talk.lines[i].words;
            words
                .windows(2)
                .any(|w| matches!(w, ["can" | "could" | "would", "you" | "we" | "i" | "somebody" | "y'all"]))
        };
        act.from <= 4 && before.is_some_and(asks)
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
        // "Because i'll need to put it in the schedule": a reason.
        if before.last().is_some_and(|w| ["because", "cause", "cos"].contains(w)) && act.force != Force::LetMe {
            return true;
        }
        // "I could put nine in front of council but then": weighed, not offered.
        if act.force == Force::Can && words[act.to..].iter().take(2).any(|w| *w == "but") {
            return true;
        }
        let around = &words[act.from.saturating_sub(4)..act.to];
        let habit = around.iter().enumerate().any(|(k, w)| {
            let next = around.get(k + 1);
            HABIT.contains(w)
                && !(*w == "never" && next == Some(&"mind"))
                && !(*w == "every" && next.is_some_and(|n| ["one", "bit", "single"].contains(n)))
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
        let yes_first = yes.is_some_and(|y| y <= 3 && no.is_none_or(|k| y <= k));
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
const POINTER_REACH: usize = 4;

/// Whether a promise names nothing by itself: "i'll get that to you monday".
fn pointer(talk: &Talk<'_>, promise: &Promise, same_line: bool) -> bool {
    const POINTING: [&str; 6] = ["it", "that", "this", "them", "those", "one"];
    let span = &promise.spans[0];
    let line = &talk.lines[span.line];
    let first = &line.words[promise.act.min(span.to)..span.to.min(promise.act + 4)];
    let person = same_line && first.iter().take(2).any(|w| ["him", "her", "em"].contains(w));
    let asked = promise.spans.len() > 1 && line.side == promise.side;
    if asked || !person && !first.iter().any(|w| POINTING.contains(w)) {
        return false;
    }
    let dated = |i: usize| line.days.iter().any(|d| d.words.contains(&i));
    let left = (promise.act + 1..span.to).filter(|&i| !LITTLE.contains(&line.words[i]) && !dated(i)).count();
    left <= 3
}

/// Whether a promise is of nothing but word on something: "come back to you", "let you know".
fn reports(talk: &Talk<'_>, promise: &Promise) -> bool {
    let span = &promise.spans[0];
    let words = &talk.lines[span.line].words[promise.act.min(span.to)..span.to];
    let head = &words[..words.len().min(4)];
    matches!(
        head,
        ["come" | "get" | "be" | "circle" | "report", "back", ..]
            | ["let" | "tell", "you" | "y'all", ..]
            | ["let", "them", "know", ..]
            | ["ask" | "tell", "him" | "her" | "them", "if" | "what" | "whether" | "to", ..]
    )
}

/// Adds a promise, unless it repeats one: then the repetition is further evidence for it. Gives its place.
fn keep(talk: &Talk<'_>, found: &mut Vec<Promise>, new: Promise) -> usize {
    let mine = content(talk, &new);
    let n = new.spans[0].line;
    let same = found.iter().rposition(|old| {
        if old.side != new.side {
            return false;
        }
        // The answer to a request often says it again: "yeah i'll send it over".
        let answers = old.spans.len() > 1 && old.spans[1].line == n && new.spans[0].from < 12;
        // "I can run that for may … i'll do it when we hang up": only a pointer to what was promised just now.
        let last = old.spans.last().map_or(0, |s| s.line);
        let requested = talk.lines[old.spans[0].line].side != old.side;
        // "The new agreement, i'll send it over" points to what was named just now.
        let at_head = n == last || new.spans[0].from <= 5;
        let same_hand = (new.owner == old.owner || requested) && at_head;
        let points = same_hand && pointer(talk, &new, n == last) && n >= last && n - last <= POINTER_REACH;
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
        // "I'll put it to him first thing and I'll come back to you tomorrow": the word on it is part of it.
        let near = n == old.spans[0].line
            && new.spans[0].from <= old.spans[0].to + 12
            && new.spans[0].from > old.spans[0].from;
        let same_day = old.due.is_none() || old.due.as_ref().map(|d| d.day) == new.due.as_ref().map(|d| d.day);
        let told = near && same_day && new.owner == old.owner && reports(talk, &new);
        answers || alike || points || goes_on || told
    });
    match same {
        Some(at) => {
            let old = &mut found[at];
            let inside = |s: &Span| old.spans.iter().any(|o| o.line == s.line && o.from <= s.from && s.to <= o.to);
            let more: Vec<Span> = new.spans.into_iter().filter(|s| !inside(s)).collect();
            old.spans.extend(more);
            if old.spans.len() > 1 && new.owner.is_some() && n == old.spans[1].line {
                old.owner = new.owner;
            }
            // What was said last holds.
            old.due = new.due.or(old.due.take());
            old.confidence = old.confidence.max(new.confidence);
            at
        }
        None => {
            found.push(new);
            found.len() - 1
        }
    }
}
