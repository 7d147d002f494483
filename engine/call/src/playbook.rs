//! Playbooks: what to listen for, what to answer, and the lines that test it. Parsed from TOML, checked before use.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::{
    audio::Party,
    card::Proof,
    detect::normalize::{join, tokens_of_text},
};

/// Version of the file format this code reads.
pub const PLAYBOOK_VERSION: u32 = 1;
/// Lines of a card a rep can take in while somebody talks.
pub const MAX_SAY_LINES: usize = 3;
/// Characters of a card line; longer ones wrap on a 380 px overlay and are not read.
pub const MAX_SAY_CHARS: usize = 90;

/// What to listen for and what to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// Short name: the folder's.
    pub name: String,
    /// Name to show.
    pub title: String,
    /// First 12 hex digits of the file's SHA-256; part of the log's first event.
    pub hash: String,
    /// Names the recogniser should lean towards.
    pub vocabulary: Vocabulary,
    /// The plays, in file order.
    pub plays: Vec<Play>,
    /// The lines that test them.
    pub tests: Vec<PlayTest>,
}

impl Playbook {
    /// `name:hash`, as it stands in the log.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.name, self.hash)
    }

    /// The play with this id.
    #[must_use]
    pub fn play(&self, id: &str) -> Option<&Play> {
        self.plays.iter().find(|p| p.id == id)
    }
}

/// Names the recogniser should lean towards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vocabulary {
    /// What we sell.
    pub products: Vec<String>,
    /// Who else sells it.
    pub competitors: Vec<String>,
    /// People likely to be named.
    pub people: Vec<String>,
}

impl Vocabulary {
    /// All names, in file order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.products.iter().chain(&self.competitors).chain(&self.people).map(String::as_str)
    }
}

/// Whose words can trigger a play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakerRule {
    /// The buyer, or somebody whose party is not known.
    #[default]
    Buyer,
    /// The rep.
    Rep,
    /// Anyone.
    Any,
}

impl SpeakerRule {
    /// Whether words of `party` count.
    #[must_use]
    pub const fn admits(self, party: Party) -> bool {
        match self {
            Self::Any => true,
            Self::Buyer => !matches!(party, Party::Rep),
            Self::Rep => matches!(party, Party::Rep),
        }
    }
}

/// One thing a buyer may say, and the card that answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// Unique in its playbook.
    pub id: String,
    /// Class: `price`, `timing`, …
    pub label: String,
    /// Whose words count.
    pub speaker: SpeakerRule,
    /// 0..=100; higher goes first.
    pub priority: u16,
    /// Phrases that trigger it.
    pub phrases: Vec<String>,
    /// Phrases that look like it and are not: they hold it back.
    pub never: Vec<String>,
    /// Sentences like those it should answer (for the semantic detector).
    pub like: Vec<String>,
    /// Sentences near it that it should not answer.
    pub not_like: Vec<String>,
    /// How it may sound when the recogniser cannot know a word of a phrase: `[["hub spot", "hubspot"]]`.
    pub sounds_like: Vec<(String, String)>,
    /// Not again within this time.
    pub cooldown_ms: u64,
    /// At most once in a call.
    pub once: bool,
    /// At most this often in a call.
    pub max_per_call: u32,
    /// Leaves the screen after this time.
    pub ttl_ms: u64,
    /// What the rep sees.
    pub card: CardText,
}

/// What the rep sees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardText {
    /// Heading.
    pub title: String,
    /// The reframe: one to three short lines.
    pub say: Vec<String>,
    /// Proof point.
    #[serde(default)]
    pub proof: Option<Proof>,
    /// Follow-up question.
    #[serde(default)]
    pub ask: Option<String>,
}

/// A line and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayTest {
    /// The line.
    pub say: String,
    /// Who says it.
    pub speaker: Party,
    /// Label, or `none`.
    pub expect: String,
    /// Line in the file, for messages.
    pub line: usize,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The playbook works, but probably not as meant.
    Warning,
    /// The playbook cannot be used.
    Error,
}

/// Something wrong with a playbook, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// How bad.
    pub severity: Severity,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: {kind}: {}", self.file, self.line, self.message)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlaybook {
    version: Spanned<u32>,
    name: Spanned<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    vocabulary: Vocabulary,
    #[serde(default)]
    play: Vec<RawPlay>,
    #[serde(default)]
    test: Vec<RawTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlay {
    id: Spanned<String>,
    label: Spanned<String>,
    #[serde(default)]
    speaker: SpeakerRule,
    #[serde(default = "default_priority")]
    priority: u16,
    phrases: Vec<Spanned<String>>,
    #[serde(default)]
    never: Vec<Spanned<String>>,
    #[serde(default)]
    like: Vec<String>,
    #[serde(default)]
    not_like: Vec<String>,
    #[serde(default)]
    sounds_like: Vec<(String, String)>,
    #[serde(default = "default_cooldown_ms")]
    cooldown_ms: u64,
    #[serde(default)]
    once: bool,
    #[serde(default = "default_max_per_call")]
    max_per_call: u32,
    #[serde(default = "default_ttl_ms")]
    ttl_ms: u64,
    card: CardText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    say: Spanned<String>,
    #[serde(default)]
    speaker: Option<Party>,
    expect: String,
}

const fn default_priority() -> u16 {
    50
}
const fn default_cooldown_ms() -> u64 {
    60_000
}
const fn default_max_per_call() -> u32 {
    3
}
const fn default_ttl_ms() -> u64 {
    30_000
}

fn line_at(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count()
}

fn is_snake_case(s: &str) -> bool {
    !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Reads a playbook. Never fails outright: gives what could be read and everything that is wrong with it. With an
/// [`Severity::Error`] among the problems there is no playbook.
///
/// `file` is the name to print in problems.
#[must_use]
pub fn parse(file: &str, text: &str) -> (Option<Playbook>, Vec<Problem>) {
    let raw: RawPlaybook = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            let line = error.span().map_or(1, |s| line_at(text, s.start));
            let message = error.message().trim().replace('\n', " ");
            return (None, vec![Problem { file: file.to_owned(), line, severity: Severity::Error, message }]);
        }
    };
    let mut check = Check { file, text, problems: Vec::new() };
    check.header(&raw);
    let plays = check.plays(&raw.play);
    let tests = check.tests(raw.test, &plays);
    let problems = check.problems;
    if problems.iter().any(|p| p.severity == Severity::Error) {
        return (None, problems);
    }
    let name = raw.name.into_inner();
    let title = if raw.title.is_empty() { name.clone() } else { raw.title };
    let hash = Sha256::digest(text.as_bytes()).iter().take(6).map(|b| format!("{b:02x}")).collect();
    (Some(Playbook { name, title, hash, vocabulary: raw.vocabulary, plays, tests }), problems)
}

struct Check<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn say(&mut self, severity: Severity, byte: usize, message: String) {
        let line = line_at(self.text, byte);
        self.problems.push(Problem { file: self.file.to_owned(), line, severity, message });
    }

    fn error(&mut self, byte: usize, message: String) {
        self.say(Severity::Error, byte, message);
    }

    fn header(&mut self, raw: &RawPlaybook) {
        let version = *raw.version.get_ref();
        if version != PLAYBOOK_VERSION {
            let at = raw.version.span().start;
            self.error(
                at,
                format!("version {version} is not known here; this program reads version = {PLAYBOOK_VERSION}"),
            );
        }
        if !is_snake_case(&raw.name.get_ref().replace('-', "_")) {
            let at = raw.name.span().start;
            self.error(at, "name: use lower-case letters, digits, - and _ only".to_owned());
        }
        if raw.play.is_empty() {
            self.error(0, "no [[play]] in this playbook: add at least one".to_owned());
        }
    }

    fn plays(&mut self, raw: &[RawPlay]) -> Vec<Play> {
        let mut ids = std::collections::BTreeSet::new();
        let mut owners = std::collections::BTreeMap::<String, String>::new();
        let mut plays = Vec::with_capacity(raw.len());
        for play in raw {
            let (id, at) = (play.id.get_ref(), play.id.span().start);
            if !is_snake_case(id) {
                self.error(at, format!("play id `{id}`: use lower-case letters, digits and _ only"));
            }
            if !ids.insert(id.clone()) {
                self.error(at, format!("play id `{id}` is used twice: every play needs its own"));
            }
            if !is_snake_case(play.label.get_ref()) || play.label.get_ref() == "none" {
                let at = play.label.span().start;
                self.error(
                    at,
                    format!(
                        "label `{}`: use lower-case letters, digits and _; `none` is reserved",
                        play.label.get_ref()
                    ),
                );
            }
            self.card(id, at, play);
            let phrases = self.phrases(id, &play.phrases, &mut owners);
            if phrases.is_empty() && play.like.is_empty() {
                self.error(at, format!("play `{id}` has neither phrases nor like: nothing could trigger it"));
            }
            let never = play.never.iter().map(|p| p.get_ref().to_lowercase()).collect();
            plays.push(Play {
                id: id.clone(),
                label: play.label.get_ref().clone(),
                speaker: play.speaker,
                priority: play.priority.min(100),
                phrases,
                never,
                like: play.like.clone(),
                not_like: play.not_like.clone(),
                sounds_like: play.sounds_like.clone(),
                cooldown_ms: play.cooldown_ms,
                once: play.once,
                max_per_call: if play.once { 1 } else { play.max_per_call },
                ttl_ms: play.ttl_ms,
                card: play.card.clone(),
            });
        }
        plays
    }

    fn card(&mut self, id: &str, at: usize, play: &RawPlay) {
        let card = &play.card;
        if card.title.trim().is_empty() {
            self.error(at, format!("play `{id}`: card.title is empty"));
        }
        if card.say.is_empty() || card.say.len() > MAX_SAY_LINES {
            let n = card.say.len();
            self.error(
                at,
                format!("play `{id}`: card.say has {n} lines; a rep in mid-sentence reads one to {MAX_SAY_LINES}"),
            );
        }
        for line in &card.say {
            let n = line.chars().count();
            if n > MAX_SAY_CHARS {
                self.say(Severity::Warning, at, format!("play `{id}`: a card line has {n} characters; keep it to {MAX_SAY_CHARS} or split it: \"{line}\""));
            }
        }
        if play.ttl_ms < 3_000 {
            self.error(at, format!("play `{id}`: ttl_ms = {} is too short to read; write 3000 or more", play.ttl_ms));
        }
        if play.priority > 100 {
            self.say(
                Severity::Warning,
                at,
                format!("play `{id}`: priority {} is treated as 100, the highest", play.priority),
            );
        }
        if play.max_per_call == 0 {
            self.error(
                at,
                format!("play `{id}`: max_per_call = 0 would never show; remove the play or write 1 or more"),
            );
        }
    }

    fn phrases(
        &mut self,
        id: &str,
        raw: &[Spanned<String>],
        owners: &mut std::collections::BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut out = Vec::with_capacity(raw.len());
        for phrase in raw {
            let at = phrase.span().start;
            let text = phrase.get_ref().to_lowercase();
            let normal = join(&tokens_of_text(&text));
            if normal.is_empty() {
                self.error(
                    at,
                    format!("play `{id}`: the phrase \"{text}\" has no words that count (fillers are ignored)"),
                );
                continue;
            }
            if !normal.contains(' ') && normal.len() < 5 {
                self.say(Severity::Warning, at, format!("play `{id}`: \"{text}\" is one short word and will fire often; use a phrase of two or more words"));
            }
            if let Some(owner) = owners.get(&normal)
                && owner != id
            {
                self.error(at, format!("the phrase \"{text}\" stands in play `{owner}` too: keep it in one of them"));
            }
            owners.insert(normal, id.to_owned());
            out.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        out
    }

    fn tests(&mut self, raw: Vec<RawTest>, plays: &[Play]) -> Vec<PlayTest> {
        let mut out = Vec::with_capacity(raw.len());
        for test in raw {
            let at = test.say.span().start;
            if test.expect != "none" && !plays.iter().any(|p| p.label == test.expect) {
                self.error(at, format!("this test expects `{}`, but no play has that label", test.expect));
            }
            out.push(PlayTest {
                line: line_at(self.text, at),
                say: test.say.into_inner(),
                speaker: test.speaker.unwrap_or(Party::Buyer),
                expect: test.expect,
            });
        }
        if out.is_empty() {
            self.say(
                Severity::Warning,
                0,
                "no [[test]] in this playbook: add lines that must and must not trigger".to_owned(),
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
version = 1
name = "tiny"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
[play.card]
title = "Price"
say = ["One line."]
[[test]]
say = "it's too expensive"
expect = "price"
"#;

    #[test]
    fn reads_a_good_one_with_defaults() {
        let (playbook, problems) = parse("tiny.toml", GOOD);
        assert_eq!(problems, []);
        let playbook = playbook.expect("no problems");
        assert_eq!(playbook.plays[0].ttl_ms, 30_000);
        assert_eq!(playbook.tests[0].speaker, Party::Buyer);
    }

    #[track_caller]
    fn check_error(text: &str, line: usize, part: &str) {
        let (playbook, problems) = parse("p.toml", text);
        assert!(playbook.is_none(), "should be refused: {problems:?}");
        assert!(
            problems.iter().any(|p| p.line == line && p.message.contains(part)),
            "wanted line {line} `{part}`, got {problems:#?}"
        );
    }

    #[test]
    fn problems_name_line_and_cure() {
        check_error(&GOOD.replace("version = 1", "version = 9"), 2, "version = 1");
        check_error(&GOOD.replace("label = \"price\"", "label = \"price\"\ncolour = 3"), 7, "colour");
        check_error(&GOOD.replace("[\"One line.\"]", "[]"), 5, "one to 3");
        check_error(&GOOD.replace("expect = \"price\"", "expect = \"prise\""), 12, "prise");
        check_error(&GOOD.replace("\"too expensive\"", "\"um uh\""), 7, "no words");
        check_error("version = 1\nname = \"x\"\n[[play", 3, "");
        check_error("", 1, "version");
    }

    #[test]
    fn a_phrase_in_two_plays_is_refused() {
        let second = GOOD.split("[[test]]").next().expect("has tests").replace("version = 1\nname = \"tiny\"", "");
        let text = format!("{GOOD}{}", second.replace("id = \"price\"", "id = \"price_b\""));
        let (_, problems) = parse("p.toml", &text);
        assert!(problems.iter().any(|p| p.message.contains("stands in play `price`")), "{problems:?}");
    }
}
