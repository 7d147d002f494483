//! What is looked at to tell a promise from what only has its form: its words, what leads to it, and the rules' verdict.

use super::features::{Feature, Set, stem};
use crate::postcall::{forms::Act, talk::Talk};

/// Something with the form of a promise, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct ActSeen<'a> {
    /// The act.
    pub act: &'a Act,
    /// Its line.
    pub line: usize,
    /// Whether the rules take it for a promise.
    pub bound: bool,
    /// Whether a day belongs to it.
    pub dated: bool,
    /// Line of the reply, and whether that is a yes and a no.
    pub reply: Option<(usize, bool, bool)>,
}

/// Words in front of an act that are looked at, and words behind it.
const AROUND: (usize, usize) = (4, 3);
/// An "if" so far in front of an act may govern it, in words.
const IF_REACH: usize = 10;

impl ActSeen<'_> {
    /// Its features.
    pub fn features(&self, talk: &Talk<'_>) -> Vec<Feature> {
        let mut set = Set::default();
        self.verdicts(talk, &mut set);
        self.words(talk, &mut set);
        self.around(talk, &mut set);
        set.list()
    }

    fn verdicts(&self, talk: &Talk<'_>, set: &mut Set) {
        let act = self.act;
        let (force, who, weight) = (format!("{:?}", act.force), format!("{:?}", act.who), format!("{:?}", act.weight));
        let dated = if self.dated { "dated" } else { "undated" };
        let reply = match self.reply {
            None => "none",
            Some((_, true, _)) => "yes",
            Some((_, _, true)) => "no",
            Some(_) => "other",
        };
        let side = talk.lines[self.line].side.as_str();
        set.flag(4, "bound", self.bound);
        set.add(2, &["dated", dated]);
        set.add(2, &["force", &force]);
        set.add(2, &["weight", &weight]);
        set.add(3, &["form", &force, &who, &weight]);
        set.add(3, &["form", &force, &weight, dated]);
        set.add(1, &["reply", reply]);
        set.add(3, &["reply", &force, reply]);
        set.add(1, &["side", side]);
        set.add(2, &["side", side, &force]);
        set.flag(2, "named", act.owner.is_some());
        // Promises gather towards the end.
        set.count(1, &["to go"], (talk.lines.len() - self.line) * 20 / talk.lines.len());
        let line = &talk.lines[self.line];
        set.count(1, &["length"], act.to - act.verb);
        set.count(1, &["line"], line.words.len());
    }

    fn words(&self, talk: &Talk<'_>, set: &mut Set) {
        let act = self.act;
        let words = &talk.lines[self.line].words;
        let verb = words.get(act.verb).copied().unwrap_or_default();
        let force = format!("{:?}", act.force);
        set.add(2, &["opening", &words[act.from..act.verb.max(act.from)].join(" ")]);
        set.add(3, &["verb", verb]);
        set.add(2, &["verb", verb, &force]);
        for n in 2..=3 {
            set.add(2, &[&["verb"], &words[act.verb..act.to.min(act.verb + n)]].concat());
        }
        let inside = &words[act.verb..act.to];
        inside.iter().for_each(|w| set.add(1, &["act", stem(w)]));
        inside.windows(2).for_each(|p| set.add(1, &["act", p[0], p[1]]));
        let has = |some: &[&str]| inside.iter().any(|w| some.contains(w));
        set.flag(2, "to you", has(&["you", "your", "y'all"]));
        set.flag(1, "to them", has(&["him", "her", "them", "his", "their"]));
    }

    fn around(&self, talk: &Talk<'_>, set: &mut Set) {
        let act = self.act;
        let words = &talk.lines[self.line].words;
        let before = &words[act.from.saturating_sub(AROUND.0)..act.from];
        let after = &words[act.to..words.len().min(act.to + AROUND.1)];
        before.iter().for_each(|w| set.add(1, &["before", w]));
        after.iter().for_each(|w| set.add(1, &["after", w]));
        set.add(2, &["just before", before.last().copied().unwrap_or("<start>")]);
        set.add(1, &["just after", after.first().copied().unwrap_or("<end>")]);
        if let [.., a, b] = before {
            set.add(2, &["just before", a, b]);
        }
        let far = &words[act.from.saturating_sub(IF_REACH)..act.from];
        let governed = ["if", "when", "once", "because", "would", "what", "that", "said", "says"];
        governed.iter().filter(|w| far.contains(w)).for_each(|w| set.add(1, &["governed", w]));
        // What it answers, and how it is answered.
        if let Some(last) = self.line.checked_sub(1).map(|i| &talk.lines[i]) {
            let turn = if last.side == talk.lines[self.line].side { "own" } else { "other" };
            let tail = &last.words[last.words.len().saturating_sub(6)..];
            tail.iter().for_each(|w| set.add(1, &["answers", turn, stem(w)]));
            let asks = last.words.windows(2).any(|w| matches!(w, ["can" | "could" | "would" | "will", "you"]));
            set.flag(1, "asked", asks && turn == "other");
        }
        if let Some((line, ..)) = self.reply {
            let head = &talk.lines[line].words;
            head.iter().take(4).for_each(|w| set.add(1, &["replied", w]));
            set.add(1, &["replied first", head.first().copied().unwrap_or_default()]);
        }
    }
}
