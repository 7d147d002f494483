//! What has the form of a promise: an opening with a verb, somebody else named with one, a request, a debt.
//!
//! Whether it binds is weighed in [`promise`](super::promise).

use super::{
    acts::{ADVERBS, Force, OPENINGS, VERBS, Weight, Who},
    cues::{Cues, cue},
    people::{People, bare},
    talk::{Line, Talk},
};

/// Longest promise that is cited, in words.
const LONGEST: usize = 30;
/// How far before a pronoun the person it means may be named: words of its line, and lines before.
const NAMED_BEFORE: (usize, usize) = (16, 4);

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

/// An act that was found, before it is known whether it binds.
#[derive(Debug)]
pub struct Act {
    /// First word.
    pub from: usize,
    /// Its verb.
    pub verb: usize,
    /// One past its last word.
    pub to: usize,
    /// Who is to act.
    pub who: Who,
    /// How it opens.
    pub force: Force,
    /// What its verb makes of that.
    pub weight: Weight,
    /// Who was named; empty if somebody else is to do it and no name was said.
    pub owner: Option<String>,
}

/// The tables, ready for use.
#[derive(Debug)]
pub struct Forms {
    openings: Cues<(Who, Force)>,
    verbs: Cues<Weight>,
    named: Cues<()>,
    owing: Cues<()>,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            openings: Cues::new(OPENINGS),
            verbs: Cues::new(VERBS),
            named: Cues::new(NAMED),
            owing: Cues::new(OWING),
        }
    }
}

impl Forms {
    /// Everything in a line that has the form of a promise, whatever its verb.
    pub fn acts(&self, talk: &Talk<'_>, n: usize, people: &People) -> Vec<Act> {
        let line = &talk.lines[n];
        let words = &line.words;
        let mut acts: Vec<Act> = Vec::new();
        let mut i = 0;
        while i < words.len() {
            let act = self.owed(line, i).or_else(|| self.opened(line, i, people));
            let act = act.or_else(|| self.by_somebody(talk, n, i, people)).or_else(|| self.present(line, i));
            // "She'll scan them and send them over" goes on with the act; it asks nobody.
            let goes_on = acts.last().is_some_and(|a| i < a.to && words[i - 1] == "and");
            let act = act.or_else(|| self.imperative(line, i).filter(|_| !goes_on));
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
        while verb < words.len()
            && verb < end + 6
            && ADVERBS.contains(&words[verb])
            && !self.is_never(words, verb)
            && !tells(words, verb, people)
        {
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
        let weight = if made { Some(Weight::Firm) } else { weight };
        let weight = if tells(words, verb, people) { Some(Weight::Consult) } else { weight };
        let weight = weight.or_else(|| untold(line, verb, force)).unwrap_or(Weight::Never);
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
            // "get our settlements team to put it in writing": up to the verb.
            None if ["our", "my", "the"].contains(&word) && words[at..words.len().min(at + 6)].contains(&"to") => {
                let end = at + words[at..].iter().position(|w| *w == "to")?;
                let group = ["team", "people", "guys", "lot", "lads", "girls", "folks", "desk", "department", "office"];
                if !group.contains(&words[end - 1]) {
                    return None;
                }
                (end, Some(words[at + 1..end].join(" ")))
            }
            // "our guy in monterrey esteban": up to the next verb.
            None if ["our", "my"].contains(&word) && words[verb] == "have" => {
                let end = (at + 2..words.len().min(at + 7))
                    .find(|&k| self.verbs.at(words, k).is_some() && !people.is_name(words[k]))?;
                let name = words[at..end].iter().find(|w| people.is_name(w)).map(|w| bare(w).to_owned());
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
    fn by_somebody(&self, talk: &Talk<'_>, n: usize, i: usize, people: &People) -> Option<Act> {
        let line = &talk.lines[n];
        let words = &line.words;
        let (end, owner) = if ["he", "she", "they"].contains(&bare(words[i])) {
            // Nobody named: somebody will all the same.
            (i + 1, meant(talk, n, i, people).unwrap_or_default())
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
        // Of people who are not here less is known: only what is plainly an act, and with a day or done for a listener.
        let to = end_of(line, i, verb);
        let for_you = words[verb..to].iter().any(|w| ["you", "y'all", "your"].contains(w));
        let asks = ["ask", "tell", "see"].contains(&words[verb]) || owner.is_empty() && !for_you;
        let weight = if asks { Weight::Never } else { weight };
        let weight = match weight {
            Weight::Firm | Weight::Consult if for_you => Weight::Firm,
            Weight::Firm | Weight::Consult => Weight::Soft,
            Weight::Soft | Weight::Never => Weight::Never,
        };
        Some(Act { from: i, verb, to, who: Who::Us, force: Force::Will, weight, owner: Some(owner) })
    }

    /// "I bring the agreement when I come": how those speak who leave "will" out. Others tell habits that way.
    fn present(&self, line: &Line<'_>, i: usize) -> Option<Act> {
        const LEADS: [&str; 9] = ["and", "then", "so", "okay", "yes", "yeah", "also", "but", "now"];
        let words = &line.words;
        let at_start = i == 0 || line.clauses.iter().any(|c| c.start == i) || LEADS.contains(&words[i - 1]);
        if !at_start || !["i", "we"].contains(&words[i]) {
            return None;
        }
        let verb = i + 1;
        // Past forms and states are no base forms; the table's stems ("send*") take them in.
        let word = words.get(verb)?;
        let base = !word.ends_with("ed") && (!word.ends_with("ing") || *word == "bring") && !word.ends_with('t')
            || ["put", "text"].contains(word);
        let state = [
            "have", "leave", "propose", "look", "need", "want", "know", "think", "see", "am", "was", "go", "take",
            "had", "told", "said", "did", "gave", "made", "took", "came", "saw", "ran", "wrote", "thought", "brought",
            "bought", "kept", "reckon", "paid", "read",
        ];
        let weight = self.verbs.at(words, verb).map(|(_, w)| w).or_else(|| untold(line, verb, Force::Present));
        if !base || state.contains(word) {
            return None;
        }
        let weight = weight.unwrap_or(Weight::Never);
        let who = if words[i] == "we" { Who::Us } else { Who::Me };
        Some(Act { from: i, verb, to: end_of(line, i, verb), who, force: Force::Present, weight, owner: None })
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
        to_me.then(|| Act {
            from: i,
            verb: i,
            to: end_of(line, i, i),
            who: Who::You,
            force: Force::Ask,
            weight,
            owner: None,
        })
    }
}

/// Whether a verb of telling has a person behind it: "tell yvonne", "speak to our auditor".
fn tells(words: &[&str], verb: usize, people: &People) -> bool {
    const TELLING: [&str; 27] = [
        "tell", "ask", "call", "ring", "phone", "text", "email", "message", "show", "brief", "warn", "chase", "nudge",
        "talk", "speak", "check", "see", "grab", "get", "write", "catch", "meet", "invite", "loop", "ping", "bring",
        "go",
    ];
    if !TELLING.contains(&words[verb]) {
        return false;
    }
    let link = words.get(verb + 1).is_some_and(|w| ["to", "with", "onto"].contains(w));
    // Tells nobody by itself.
    if words[verb] == "go" && !link {
        return false;
    }
    let at = verb + 1 + usize::from(link);
    let here = words.get(at).is_some_and(|w| people.is_here(w));
    let family = words.get(at).is_some_and(|w| ["daddy", "dad", "mum", "mom"].contains(w));
    !here && (family || people.at(words, at).is_some_and(|m| m.name.is_some()))
}

/// What a verb that is in no table is taken for: an act with a day, or one that is done for the listener.
fn untold(line: &Line<'_>, verb: usize, force: Force) -> Option<Weight> {
    const STATES: [&str; 44] = [
        "be", "have", "know", "think", "love", "hate", "want", "need", "like", "see", "hear", "feel", "die", "never",
        "not", "hope", "wish", "trust", "worry", "laugh", "cry", "live", "lose", "mean", "the", "a", "that", "it",
        "you", "we", "they", "he", "she", "i", "be", "always", "usually", "often", "say", "said", "watch", "listen",
        "eat", "drink",
    ];
    let words = &line.words;
    let word = *words.get(verb)?;
    if !matches!(force, Force::Will | Force::Can | Force::Present | Force::LetMe)
        || STATES.contains(&word)
        || word.len() < 3
    {
        return None;
    }
    let next = &words[verb + 1..words.len().min(verb + 6)];
    let object = next
        .first()
        .is_some_and(|w| ["it", "that", "them", "those", "this", "em", "you", "the", "a", "an"].contains(w));
    let for_you = next.windows(2).any(|w| matches!(w, ["for" | "to", "you" | "y'all"]));
    match (object, for_you) {
        (true, true) => Some(Weight::Firm),
        (true, false) => Some(Weight::Soft),
        _ => None,
    }
}

/// Whom a pronoun at word `i` of line `n` means: the person named last, in its line or shortly before; of "they", the
/// last team that was spoken of.
fn meant(talk: &Talk<'_>, n: usize, i: usize, people: &People) -> Option<String> {
    let (words, lines) = NAMED_BEFORE;
    let many = bare(talk.lines[n].words[i]) == "they";
    let named = |line: usize, range: std::ops::Range<usize>| {
        let line = &talk.lines[line].words;
        if many {
            return range.rev().find_map(|k| team(line, k));
        }
        range.rev().find(|&k| people.is_name(line[k]) && !people.is_here(line[k])).map(|k| bare(line[k]).to_owned())
    };
    let here = named(n, i.saturating_sub(words)..i);
    here.or_else(|| (n.saturating_sub(lines)..n).rev().find_map(|l| named(l, 0..talk.lines[l].words.len())))
}

/// "Our settlements team" where it ends at word `k`.
fn team(words: &[&str], k: usize) -> Option<String> {
    let group = ["team", "people", "guys", "lot", "lads", "department", "legal", "procurement", "finance"];
    if !group.contains(&words[k]) {
        return None;
    }
    let from = (k.saturating_sub(3)..k).rev().find(|&j| ["our", "my"].contains(&words[j]))?;
    Some(words[from + 1..=k].join(" "))
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
    // Not the next promise.
    let next = (verb + 1..to).find(|&k| ["i'll", "we'll"].contains(&line.words[k]) && line.words[k - 1] != "what");
    next.unwrap_or(to).min(from + LONGEST).max(verb + 1)
}

/// A clause that begins so is about something else.
const SUBJECTS: [&str; 16] = [
    "i", "we", "they", "he", "she", "i'm", "we're", "they're", "he's", "she's", "it's", "that's", "i'll", "we'll",
    "what", "i've",
];
