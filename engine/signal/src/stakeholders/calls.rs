//! Parts in the decision from what buyers say: of themselves, and of people who are not there.

use reframe_call::audio::Party;
use reframe_workflow::{
    artifact::Claim,
    handoff::{CallTranscript, Turn},
};
use serde::{Deserialize, Serialize};

use super::Role;

/// Somebody's part as a call tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// The part.
    pub role: Role,
    /// The speaker's name if they spoke of themselves.
    pub name: Option<String>,
    /// Else the words for who is meant: `cfo`, `legal`.
    pub title: Option<String>,
    /// What was said, with the words it rests on.
    pub claim: Claim,
}

/// Words for people who are not there, with the part they have when they must be asked or may stop it.
const ABSENT: [(&str, Role); 40] = [
    ("cfo", Role::Economic),
    ("c f o", Role::Economic),
    ("ceo", Role::Economic),
    ("c e o", Role::Economic),
    ("coo", Role::Economic),
    ("cro", Role::Economic),
    ("boss", Role::Economic),
    ("owner", Role::Economic),
    ("founder", Role::Economic),
    ("founders", Role::Economic),
    ("board", Role::Economic),
    ("finance", Role::Economic),
    ("finance team", Role::Economic),
    ("finance director", Role::Economic),
    ("head of finance", Role::Economic),
    ("managing director", Role::Economic),
    ("vp of sales", Role::Economic),
    ("chief revenue officer", Role::Economic),
    ("chief financial officer", Role::Economic),
    ("leadership", Role::Economic),
    ("leadership team", Role::Economic),
    ("cto", Role::Technical),
    ("c t o", Role::Technical),
    ("cio", Role::Technical),
    ("it", Role::Technical),
    ("i t", Role::Technical),
    ("it team", Role::Technical),
    ("it department", Role::Technical),
    ("engineering", Role::Technical),
    ("architect", Role::Technical),
    ("admin", Role::Technical),
    ("security", Role::Technical),
    ("security team", Role::Technical),
    ("infosec", Role::Technical),
    ("legal", Role::Blocker),
    ("legal team", Role::Blocker),
    ("procurement", Role::Blocker),
    ("purchasing", Role::Blocker),
    ("compliance", Role::Blocker),
    ("works council", Role::Blocker),
];

/// What is done with them: `{}` stands for one of [`ABSENT`], with `our`, `my`, `the` or nothing before it.
const ASKED: [&str; 22] = [
    "ask {}",
    "check with {}",
    "run it by {}",
    "run this by {}",
    "run that by {}",
    "talk to {}",
    "speak to {}",
    "speak with {}",
    "convince {}",
    "approval from {}",
    "sign off from {}",
    "signoff from {}",
    "get {} on board",
    "get {} to sign",
    "go through {}",
    "goes through {}",
    "up to {}",
    "{} has to approve",
    "{} has to sign",
    "{} needs to approve",
    "{} signs",
    "{} decides",
];

/// What they do that stops things; then they are blockers, whoever they are.
const STOPPED: [&str; 9] = [
    "{} will block",
    "{} would block",
    "{} will kill",
    "{} will never",
    "{} would never",
    "{} will say no",
    "{} is against",
    "{} are against",
    "{} blocked",
];

/// What people say of themselves.
const OWN: [(&str, Role); 22] = [
    ("i sign this", Role::Economic),
    ("i sign off", Role::Economic),
    ("i sign it", Role::Economic),
    ("i own the budget", Role::Economic),
    ("it's my budget", Role::Economic),
    ("it is my budget", Role::Economic),
    ("i hold the budget", Role::Economic),
    ("i make the final decision", Role::Economic),
    ("it's my decision", Role::Economic),
    ("i'll push for", Role::Champion),
    ("i will push for", Role::Champion),
    ("i'll champion", Role::Champion),
    ("i'll make the case", Role::Champion),
    ("i will make the case", Role::Champion),
    ("i'll sell it internally", Role::Champion),
    ("i really want this", Role::Champion),
    ("i'd be using it", Role::User),
    ("i would be using it", Role::User),
    ("i'd use it every day", Role::User),
    ("i'm on calls all day", Role::User),
    ("i review the architecture", Role::Technical),
    ("i run the crm", Role::Technical),
];

/// Words before a match, in the same turn and at most five back, that turn it round.
const TURNED: [&str; 12] =
    ["not", "never", "don't", "doesn't", "didn't", "won't", "wouldn't", "without", "no", "if", "needn't", "isn't"];
/// Words back that [`TURNED`] reaches.
const REACH: usize = 5;

/// Reads a call. Only buyers are believed; a sentence with a "not" or an "if" before it is left alone. English.
#[must_use]
pub fn spoken(call: &CallTranscript) -> Vec<Spoken> {
    let mut out = Vec::new();
    for turn in call.turns.iter().filter(|t| call.side(t) == Party::Buyer) {
        let words: Vec<&str> = turn.words.iter().map(|w| w.text.as_str()).collect();
        for (phrase, role) in OWN {
            let phrase: Vec<&str> = phrase.split(' ').collect();
            for at in starts(&words, &phrase).filter(|at| !turned(&words, *at)) {
                let name = call.participants.get(turn.speaker).map(|p| p.name.clone());
                let who = name.clone().unwrap_or_else(|| "the buyer".into());
                let text = format!("{who} speaks as {}", article(role));
                out.extend(found(call, turn, at..at + phrase.len(), role, name, None, &text));
            }
        }
        for (who, role) in ABSENT {
            let who_words: Vec<&str> = who.split(' ').collect();
            for at in starts(&words, &who_words) {
                let end = at + who_words.len();
                // "legal team" is found by its longer form.
                let longer = ABSENT.iter().any(|(other, _)| {
                    other.len() > who.len()
                        && other.starts_with(who)
                        && starts(&words[at..], &other.split(' ').collect::<Vec<_>>()).next() == Some(0)
                });
                if longer {
                    continue;
                }
                let told = STOPPED.iter().map(|p| (p, Role::Blocker)).chain(ASKED.iter().map(|p| (p, role)));
                let hit = told.into_iter().find_map(|(p, role)| around(&words, at..end, p).map(|span| (span, role)));
                let Some((span, role)) = hit else { continue };
                if turned(&words, span.start) {
                    continue;
                }
                let text = format!("{who} is spoken of as {}", article(role));
                out.extend(found(call, turn, span, role, None, Some(who.to_owned()), &text));
            }
        }
    }
    out
}

fn article(role: Role) -> &'static str {
    match role {
        Role::Champion => "a champion",
        Role::Economic => "who decides on the money",
        Role::Technical => "who decides whether it can be run",
        Role::User => "a user",
        Role::Blocker => "who can stop it",
        Role::Unknown => "somebody",
    }
}

fn found(
    call: &CallTranscript,
    turn: &Turn,
    span: std::ops::Range<usize>,
    role: Role,
    name: Option<String>,
    title: Option<String>,
    text: &str,
) -> Option<Spoken> {
    // A word heard badly lowers the claim; below one half the workflow shows no words as certain.
    let sure = turn.words[span.clone()].iter().map(|w| w.confidence).fold(1.0_f32, f32::min);
    let claim = Claim::new(text, vec![call.quote(turn, span)], 0.8 * sure).ok()?;
    Some(Spoken { role, name, title, claim })
}

fn starts<'a>(words: &'a [&str], phrase: &'a [&str]) -> impl Iterator<Item = usize> + 'a {
    words.windows(phrase.len().max(1)).enumerate().filter(move |(_, w)| *w == phrase).map(|(at, _)| at)
}

fn turned(words: &[&str], at: usize) -> bool {
    words[at.saturating_sub(REACH)..at].iter().any(|w| TURNED.contains(w))
}

/// The stretch that matches a pattern around a name at `who`, with an `our`, `my` or `the` before the name.
fn around(words: &[&str], who: std::ops::Range<usize>, pattern: &str) -> Option<std::ops::Range<usize>> {
    let (before, after) = pattern.split_once("{}")?;
    let before: Vec<&str> = before.split_whitespace().collect();
    let after: Vec<&str> = after.split_whitespace().collect();
    let mut start = who.start;
    if start > 0 && ["our", "my", "the"].contains(&words[start - 1]) {
        start -= 1;
    }
    let from = start.checked_sub(before.len())?;
    let to = who.end + after.len();
    let fits = words[from..start] == before[..] && words.get(who.end..to)? == &after[..];
    fits.then_some(from..to)
}
