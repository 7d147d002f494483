//! What is looked at to tell how an objection ended: the answer, what the buyer said after it, and the rules' cues.

use reframe_call::audio::Party;

use super::features::{Feature, Set, stem};
use crate::postcall::{
    cues::Cues,
    objection_cues::{ACCEPTED, PENDING, PERSISTED, TURNED_AWAY},
    talk::Talk,
};

/// Lines after an objection in which its end is looked for, and those in which it is looked for whether it was answered:
/// of 6 to 16 the best in cross-validation.
const WINDOWS: [usize; 2] = [16, 8];
/// Fewer words are no answer.
const ANSWER_WORDS: usize = 4;
/// Words in which a rep turns away, if they do.
const TURN_WORDS: usize = 8;

/// More than any count that matters: of what is not there.
const MANY: usize = 99;

/// Words that two passages share without being about the same.
const LITTLE: &[&str] = &[
    "the", "a", "an", "i", "you", "we", "it", "that", "this", "to", "of", "and", "in", "on", "for", "is", "was", "so",
    "but", "they", "he", "she", "if", "at", "with", "my", "your", "our", "be", "do", "have", "it's", "that's", "i'm",
    "not", "what", "as", "or", "are", "there", "then", "just", "yeah", "no", "yes", "okay", "well", "one", "can",
    "would", "like", "know", "don't", "all", "me", "them", "him", "her", "get", "got", "right", "oh",
];

/// The rules' tables, ready for use.
#[derive(Debug)]
pub struct Tables {
    /// The buyer takes an answer.
    pub accepted: Cues<u32>,
    /// The buyer does not.
    pub persisted: Cues<u32>,
    /// The rep passes over it.
    pub turned_away: Cues<()>,
    /// The rep has no answer yet.
    pub pending: Cues<()>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            accepted: Cues::new(ACCEPTED),
            persisted: Cues::new(PERSISTED),
            turned_away: Cues::new(TURNED_AWAY),
            pending: Cues::new(PENDING),
        }
    }
}

/// An objection, and what bounds its end.
#[derive(Clone, Copy, Debug)]
pub struct Raised<'a> {
    /// Its line.
    pub line: usize,
    /// Its class.
    pub label: &'a str,
    /// Line of the next objection; the number of lines if there is none.
    pub next: usize,
    /// Whether one of its class is raised again later.
    pub again: bool,
}

/// What each of two models looks at.
#[derive(Clone, Debug)]
pub struct EndingSeen {
    /// For whether it was handled.
    pub handled: Vec<Feature>,
    /// For whether it was answered.
    pub answered: Vec<Feature>,
}

impl Tables {
    /// What is to be seen of an objection's end.
    pub fn see(&self, talk: &Talk<'_>, raised: Raised<'_>) -> EndingSeen {
        let [handled, answered] = WINDOWS.map(|window| self.window(talk, raised, window));
        EndingSeen { handled, answered }
    }

    fn window(&self, talk: &Talk<'_>, raised: Raised<'_>, window: usize) -> Vec<Feature> {
        let n = raised.line;
        let end = talk.lines.len().min(n + 1 + window).min(raised.next.max(n + 2));
        let mut set = Set::default();
        set.add(2, &["label", raised.label]);
        set.flag(1, "again", raised.again);
        let last = raised.next >= talk.lines.len();
        set.count(1, &["gap"], if last { MANY } else { raised.next.saturating_sub(n) });
        let by_rep = |i: &usize| talk.lines[*i].side == Party::Rep;
        let answer = (n + 1..end).find(|i| by_rep(i) && talk.lines[*i].words.len() >= ANSWER_WORDS);
        set.count(2, &["answer at"], answer.map_or(MANY, |a| a - n));
        self.rep(talk, n, end, &mut set);
        let from = answer.or_else(|| (n + 1..end).find(by_rep)).unwrap_or(n) + 1;
        self.buyer(talk, n, answer, from..end, &mut set);
        set.list()
    }

    fn rep(&self, talk: &Talk<'_>, n: usize, end: usize, set: &mut Set) {
        let mut said = 0;
        let turns = talk.lines[n + 1..end].iter().filter(|l| l.side == Party::Rep);
        for (k, line) in turns.enumerate() {
            let words = &line.words;
            said += words.len();
            let place = if k == 0 { "answer" } else { "more of it" };
            for word in words {
                set.add(1, &["rep", stem(word)]);
                if k == 0 {
                    set.add(1, &["answer", stem(word)]);
                }
            }
            words.windows(2).for_each(|p| set.add(1, &["rep", p[0], p[1]]));
            opening(words, &["rep", place], set);
            if k < 2 {
                set.count(2, &[place, "length"], words.len());
                set.count(2, &[place, "shared"], shared(words, &talk.lines[n].words));
            }
            if self.pending.any(words) {
                set.add(2, &[place, "pending"]);
            }
            if self.turned_away.any(&words[..words.len().min(TURN_WORDS)]) {
                set.add(3, &[place, "away"]);
            }
        }
        set.count(2, &["rep words"], said);
    }

    fn buyer(&self, talk: &Talk<'_>, n: usize, answer: Option<usize>, lines: std::ops::Range<usize>, set: &mut Set) {
        let (mut yes, mut no, mut said, mut replies) = (0, 0, 0, 0);
        for line in talk.lines[lines.start.min(lines.end)..lines.end].iter().filter(|l| l.side != Party::Rep) {
            let words = &line.words;
            said += words.len();
            // What is said first weighs most.
            let (place, strength, near) = match replies {
                0 => ("first", 2, 3),
                1 => ("second", 2, 3),
                _ => ("later", 1, 1),
            };
            for word in words {
                set.add(strength, &["buyer", stem(word)]);
                set.add(1, &["buyer", place, stem(word)]);
            }
            words.windows(2).for_each(|p| set.add(strength, &["said", p[0], p[1]]));
            opening(words, &["buyer", place], set);
            opening(words, &["buyer"], set);
            if replies == 0 {
                set.count(2, &["reply", "length"], words.len());
            }
            if let Some(answer) = answer {
                set.count(1, &[place, "echo"], shared(words, &talk.lines[answer].words));
            }
            set.count(1, &[place, "back"], shared(words, &talk.lines[n].words));
            let mut weigh = |cues: &Cues<u32>, name: &str, plain: u32| {
                let found = cues.all(words);
                for (_, weight) in &found {
                    let how = if *weight >= plain { "plain" } else { "faint" };
                    set.add(3, &["cue", name, how]);
                    set.add(3, &["cue", place, name, how]);
                }
                found.iter().map(|(_, weight)| *weight as usize * near).sum::<usize>()
            };
            yes += weigh(&self.accepted, "accepted", 3);
            no += weigh(&self.persisted, "persisted", 2);
            replies += 1;
        }
        set.count(3, &["accepted"], yes);
        set.count(3, &["persisted"], no);
        set.flag(3, "by the rules", yes >= 2 && yes >= no);
        set.count(2, &["buyer words"], said);
        set.count(2, &["replies"], replies);
    }
}

/// The first one and two words.
fn opening(words: &[&str], kind: &[&str], set: &mut Set) {
    for n in 1..=words.len().min(2) {
        set.add(2, &[kind, &["opens"], &words[..n]].concat());
    }
}

/// How many words of `a` are also in `b`, whatever their ending.
fn shared(a: &[&str], b: &[&str]) -> usize {
    let mut found: Vec<&str> = a.iter().filter(|w| !LITTLE.contains(w)).map(|w| stem(w)).collect();
    found.sort_unstable();
    found.dedup();
    found.retain(|x| b.iter().any(|w| !LITTLE.contains(w) && stem(w) == *x));
    found.len()
}
