//! What a first message must be before a person may approve it. A deterministic linter; there is no way round it: only
//! [`Linted`] becomes a proposal, and only [`lint`] makes one.

mod claims;
mod edit;
mod form;
mod language;
mod linted;
mod reason;
mod step;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    edit::{BadEdit, edited},
    language::{FORBIDDEN, Language},
    linted::{Footing, Linted, NotSendable},
};
use crate::{
    facts::{Topic, personal},
    text::{find, has, key, pictures, plain, sentences, words},
    voice::Voice,
};

/// A message must have fewer words than this.
pub const MAX_WORDS: usize = 90;
/// Sentences between greeting and name.
pub const SENTENCES: usize = 3;

/// Where a message goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail: the only one this program can send on.
    #[default]
    Email,
    /// A message on LinkedIn: a person copies and sends it.
    Linkedin,
    /// A text message: a person copies and sends it.
    Sms,
    /// A telephone call: a person makes it, with the text before them.
    Call,
}

impl Channel {
    /// The word in files and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Linkedin => "linkedin",
            Self::Sms => "sms",
            Self::Call => "call",
        }
    }
}

impl From<Channel> for reframe_policy::Channel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Linkedin => Self::Linkedin,
            Channel::Sms => Self::Sms,
            Channel::Call => Self::Call,
        }
    }
}

/// A rule that a message breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// 90 words or more.
    TooLong,
    /// Not exactly three sentences.
    Sentences,
    /// Names nothing of the signal.
    NoReason,
    /// Asks nothing.
    NoQuestion,
    /// Asks more than one thing.
    ManyQuestions,
    /// A worn-out phrase.
    ForbiddenOpener,
    /// Not the greeting of the language.
    Greeting,
    /// Not the seller's first name alone.
    SignOff,
    /// A picture.
    Emoji,
    /// No concrete next step.
    NoNextStep,
    /// A word that the voice file forbids.
    Voice,
    /// Private life.
    Personal,
    /// Something no fact supports.
    Unsupported,
    /// A link, markup, or anything that tracks.
    Link,
    /// Capitals, or more than one exclamation mark.
    Shouting,
    /// An empty subject, or one that feigns an answer.
    Subject,
}

/// Which part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The subject.
    Subject,
    /// The text.
    Body,
}

/// What is wrong, where, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The rule.
    pub rule: Rule,
    /// Where.
    pub part: Part,
    /// The words it is about, as a reader sees them; empty: something is missing.
    pub words: String,
    /// What to write.
    pub write: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { words, write, .. } = self;
        if words.is_empty() { f.write_str(write) } else { write!(f, "\"{words}\": {write}") }
    }
}

/// A message as it would go out, with what it may rest on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Where it goes.
    pub channel: Channel,
    /// Its language.
    pub language: Language,
    /// First name of who signs.
    pub seller_first_name: String,
    /// First name of who gets it.
    pub contact_first_name: String,
    /// The one signal it is about, in the words of its source.
    pub signal: String,
    /// What else is known; what the message says must stand there or in the signal.
    pub facts: Vec<String>,
    /// Subject; empty where the channel has none.
    pub subject: String,
    /// Text, from greeting to name.
    pub body: String,
    /// Whether it stands in a conversation that the other side has seen: then "Re:" is true.
    #[serde(default)]
    pub in_thread: bool,
}

/// A message cut into its parts, as a reader sees it.
struct Parts {
    /// The whole text.
    whole: String,
    /// What stands between greeting and name.
    middle: String,
    greeting: String,
    /// Lines after the text.
    end: Vec<String>,
}

impl Parts {
    fn of(candidate: &Candidate) -> Self {
        let whole = plain(&candidate.body);
        let lines: Vec<&str> = whole.lines().map(str::trim).collect();
        let filled: Vec<usize> = (0..lines.len()).filter(|i| !lines[*i].is_empty()).collect();
        let (Some(&first), Some(&last)) = (filled.first(), filled.last()) else {
            return Self { whole: String::new(), middle: String::new(), greeting: String::new(), end: vec![] };
        };
        let language = candidate.language;
        let is_closing = |line: &str| {
            let key = key(line);
            language.closings().contains(&key.as_str())
        };
        // The greeting: the first line if it is short, or what stands before its first comma.
        let mut from = first;
        let mut lead = String::new();
        let mut greeting = lines[first].to_owned();
        let salute = |line: &str| {
            let key = key(line);
            let head = key.split(' ').next().unwrap_or_default().to_owned();
            let known = [
                "hi",
                "hello",
                "hey",
                "dear",
                "hallo",
                "guten",
                "sehr",
                "liebe",
                "lieber",
                "bonjour",
                "cher",
                "chere",
                "good",
                "greetings",
                "moin",
                "salut",
                "yo",
                "hiya",
                "servus",
                "gruess",
                "madame",
                "monsieur",
            ];
            known.contains(&head.as_str()) || line.contains('様') || line.contains("さん")
        };
        let named = key(lines[first]) == key(&candidate.contact_first_name);
        if language == Language::Japanese {
            // The company may stand on a line before the name.
            if let Some(at) = filled.iter().take(3).find(|i| lines[**i].contains('様')) {
                greeting = lines[*at].to_owned();
                from = at + 1;
            }
        } else if salute(lines[first]) || named {
            if words(lines[first]).len() <= 6 {
                from = first + 1;
            } else if let Some((_, rest)) = lines[first].split_once(',').filter(|(h, _)| words(h).len() <= 5) {
                greeting = lines[first].to_owned();
                lead = format!("{}\n", rest.trim());
                from = first + 1;
            }
        }
        // The end: a last line of few words without a mark, and a closing before it.
        let mut until = last + 1;
        let mut end = Vec::new();
        let seller = key(&candidate.seller_first_name);
        let name_like = |line: &str| {
            let few = words(line).len() <= 4 && !line.ends_with(['?', '!', '？', '。']);
            few && (!line.ends_with('.') || key(line) == seller)
        };
        let has_name = |line: &str| !seller.is_empty() && find(&key(line), &seller).is_some() && words(line).len() <= 8;
        let mut tail: Vec<usize> = filled.iter().rev().take_while(|i| **i >= from).copied().take(4).collect();
        tail.reverse();
        let signs = tail.iter().position(|i| has_name(lines[*i]) && (name_like(lines[*i]) || is_title(lines[*i])));
        if let Some(at) = signs {
            let mut at = at;
            while at > 0 && is_closing(lines[tail[at - 1]]) {
                at -= 1;
            }
            until = tail[at];
        } else if last >= from && (name_like(lines[last]) || is_closing(lines[last])) {
            let mut at = tail.len() - 1;
            while at > 0
                && (is_closing(lines[tail[at - 1]]) || is_closing(lines[tail[at]]) && name_like(lines[tail[at - 1]]))
            {
                at -= 1;
                if !is_closing(lines[tail[at]]) {
                    at += 1;
                    break;
                }
            }
            until = tail[at];
        }
        end.extend(lines[until.min(lines.len())..].iter().filter(|l| !l.is_empty()).map(|l| (*l).to_owned()));
        let middle = lead + &lines[from.min(until)..until].join("\n");
        Self { middle: middle.trim().to_owned(), greeting, end, whole }
    }
}

/// "Tom Miller, Acme | Account Executive": a name with more.
fn is_title(line: &str) -> bool {
    line.contains([',', '|', '/', '-', '(']) && !line.ends_with(['?', '!'])
}

/// Everything that is wrong with a message, the gravest place first; empty: a person may approve it.
#[must_use]
pub fn faults(candidate: &Candidate, voice: &Voice) -> Vec<Fault> {
    let parts = Parts::of(candidate);
    let mut out = Vec::new();
    let mut fault = |rule, part, words: &str, write: String| {
        out.push(Fault { rule, part, words: words.chars().take(120).collect(), write });
    };
    for (rule, words, write) in form::check(candidate, &parts, voice.most_words(candidate.channel)) {
        fault(rule, Part::Body, &words, write);
    }
    let subject = plain(&candidate.subject);
    for (part, text) in [(Part::Subject, &subject), (Part::Body, &parts.whole)] {
        let key = key(text);
        if let Some(phrase) = FORBIDDEN.iter().find(|p| has_phrase(&key, text, p)) {
            fault(
                Rule::ForbiddenOpener,
                part,
                phrase,
                "leave it out and begin with what you saw at their company".into(),
            );
        }
        for (_, picture) in pictures(if part == Part::Body { &candidate.body } else { &candidate.subject }) {
            fault(Rule::Emoji, part, &picture, "use words; messages carry no pictures".into());
        }
        for words in form::links(text, candidate) {
            fault(Rule::Link, part, &words, "leave it out: no links, no markup, nothing that tracks".into());
        }
        for words in form::shouts(text, candidate) {
            fault(Rule::Shouting, part, &words, "write it in small letters, with one mark at most".into());
        }
        if let Some((topic, words)) = private(text, candidate) {
            fault(Rule::Personal, part, &words, format!("leave it out: it is about private life ({topic:?})"));
        }
        if let Some((word, instead)) = voice.forbidden(&key) {
            let write = instead.map_or("leave it out".to_owned(), |i| format!("write \"{i}\""));
            fault(Rule::Voice, part, &word, format!("the voice guide does not allow it: {write}"));
        }
    }
    let read = sentences(&parts.middle);
    if let Some(write) = reason::missing(candidate, &parts.middle) {
        fault(Rule::NoReason, Part::Body, "", write);
    }
    if !step::is_there(candidate.language, &parts.middle) {
        let write = "name one next step: \"Would a 15-minute conversation about … on Tuesday help?\"";
        fault(Rule::NoNextStep, Part::Body, "", write.into());
    }
    for words in claims::unsupported(candidate, &read, &subject) {
        let write = "no fact says so: leave it out, or add the fact with its source";
        fault(Rule::Unsupported, Part::Body, &words, write.into());
    }
    if candidate.channel == Channel::Email {
        let key = key(&subject);
        let feigned =
            ["re ", "fw ", "fwd ", "aw ", "wg ", "tr "].iter().any(|p| key.starts_with(p)) && subject.contains(':');
        if key.is_empty() {
            fault(Rule::Subject, Part::Subject, "", "write a subject of two to six words".into());
        } else if feigned && !candidate.in_thread {
            fault(Rule::Subject, Part::Subject, &subject, "it feigns an answer; write what it is about".into());
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Phrases in scripts without blanks are looked for anywhere.
fn has_phrase(key: &str, text: &str, phrase: &str) -> bool {
    if phrase.is_ascii() { find(key, phrase).is_some() } else { text.contains(phrase) }
}

/// Private words that need no "your" beside them, as keys: there is no business in them.
const ALWAYS: [&str; 29] = [
    "wife",
    "husband",
    "spouse",
    "fianc",
    "daughter",
    "son",
    "sons",
    "kids",
    "pregnan",
    "newborn",
    "wedding",
    "honeymoon",
    "divorc",
    "marri",
    "cancer",
    "surgery",
    "vacation",
    "holidays",
    "birthday",
    "bday",
    "funeral",
    "passed away",
    "condolence",
    "girlfriend",
    "boyfriend",
    "baby",
    "instagram",
    "ehefrau",
    "bebe",
];

/// The private matter a message speaks of. What its signal itself says in public, for business, is not private.
fn private(text: &str, candidate: &Candidate) -> Option<(Topic, String)> {
    let signal = key(&candidate.signal);
    for sentence in sentences(text) {
        let names = [candidate.contact_first_name.trim(), candidate.seller_first_name.trim()];
        // "April" and "Christian" are people here.
        let names = names.iter().filter(|n| n.chars().count() > 2);
        let mut rest = names.fold(sentence.text, |text, name| text.replace(name, "|"));
        while let Some((topic, words)) = personal(&rest) {
            let said = key(&rest);
            let at = find(&said, &words).or_else(|| said.find(&words)).unwrap_or(0);
            let of_them = said[..at].split(' ').rev().filter(|w| !w.is_empty()).take(NEAR).any(|w| YOURS.contains(&w));
            let public = has(&signal, &words);
            if !public && (of_them || ALWAYS.iter().any(|a| words.starts_with(a))) {
                return Some((topic, words));
            }
            // Looked at: go on behind it.
            rest = said.get(..at).unwrap_or_default().to_owned()
                + " | "
                + said.get(at + words.len()..).unwrap_or_default();
        }
    }
    None
}

/// How many words before it they stand.
const NEAR: usize = 4;

/// Words that make a private matter the reader's, as keys.
const YOURS: [&str; 18] = [
    "your", "you", "youre", "youve", "yours", "du", "dein", "deine", "deiner", "ihr", "ihre", "ihren", "ihrem",
    "ihrer", "vous", "votre", "vos", "sie",
];

/// The gate: a message without faults, or all of them.
///
/// # Errors
/// Every [`Fault`].
pub fn lint(candidate: Candidate, voice: &Voice) -> Result<Linted, Vec<Fault>> {
    let faults = faults(&candidate, voice);
    if faults.is_empty() { Ok(Linted::new(candidate)) } else { Err(faults) }
}

#[cfg(test)]
mod tests;
