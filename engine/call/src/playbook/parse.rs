//! From the texts of a playbook to a [`Playbook`], or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    PLAYBOOK_VERSION, Play, Playbook, Problem, Severity, card_file, cards, follows, phrase,
    problem::{Reporter, line_at},
    raw::{RawCardPlace, RawPlay, RawPlaybook},
    spelling::{explain, nearest},
    tests_of,
};
use crate::date::Date;

/// Largest playbook file, in bytes: room for thousands of plays.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Largest card file, in bytes.
pub const MAX_CARD_BYTES: usize = 64 << 10;
/// Most plays of a playbook.
pub const MAX_PLAYS: usize = 2_000;
/// Most card files of a playbook.
pub const MAX_CARD_FILES: usize = 1_000;

/// The texts of a playbook. Whoever calls reads the files; nothing here does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Name of the playbook's file, to print in problems.
    pub file: String,
    /// What it holds.
    pub text: String,
    /// The Markdown files of its folder `cards`, sorted by name.
    pub cards: Vec<CardFile>,
    /// Today, if proof points that have run out are to be warned of.
    pub today: Option<Date>,
}

/// A Markdown file of a playbook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardFile {
    /// As a play names it: `cards/price.md`.
    pub name: String,
    /// To print in problems.
    pub file: String,
    /// What it holds.
    pub text: String,
}

/// The text of a file of at most `most` bytes.
///
/// # Errors
/// If it is larger, or no UTF-8: where, and what to do.
pub fn text_of(file: &str, bytes: &[u8], most: usize) -> Result<String, Problem> {
    let problem = |line, message| Problem { file: file.to_owned(), line, severity: Severity::Error, message };
    if bytes.len() > most {
        return Err(too_large(file, bytes.len() as u64, most));
    }
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let message = format!("byte 0x{byte:02x} here is no UTF-8; save the file with the encoding UTF-8");
        problem(line_at(bytes, at), message)
    })
}

/// Says that a file is too large to be read: of whoever sees its length, before it is read.
#[must_use]
pub fn too_large(file: &str, bytes: u64, most: usize) -> Problem {
    let (has, may) = (bytes.div_ceil(1 << 10), most >> 10);
    let message = format!("the file has {has} KiB, and at most {may} KiB are read; split it into several playbooks");
    Problem { file: file.to_owned(), line: 1, severity: Severity::Error, message }
}

/// Reads a playbook without card files; see [`read`].
#[must_use]
pub fn parse(file: &str, text: &str) -> (Option<Playbook>, Vec<Problem>) {
    read(&Source { file: file.to_owned(), text: text.to_owned(), ..Source::default() })
}

/// Reads a playbook. Never fails outright: gives what could be read and everything that is wrong with it, by file and
/// line. With a [`Severity::Error`] among the problems there is no playbook.
#[must_use]
pub fn read(source: &Source) -> (Option<Playbook>, Vec<Problem>) {
    let largest = [(source.file.as_str(), source.text.len(), MAX_FILE_BYTES)];
    let sizes = source.cards.iter().map(|c| (c.file.as_str(), c.text.len(), MAX_CARD_BYTES));
    let large: Vec<Problem> = largest
        .into_iter()
        .chain(sizes)
        .filter(|(_, bytes, most)| bytes > most)
        .map(|(file, bytes, most)| too_large(file, bytes as u64, most))
        .collect();
    if !large.is_empty() {
        return (None, large);
    }
    let mut report = Reporter::new(&source.file, &source.text);
    let raw: RawPlaybook = match toml::from_str(&source.text) {
        Ok(raw) => raw,
        Err(error) => {
            report.error(error.span().map_or(0, |s| s.start), explain(error.message()));
            return (None, report.take());
        }
    };
    header(&mut report, &raw);
    if raw.play.len() > MAX_PLAYS {
        return (None, report.take());
    }
    let mut maker = Maker { source, owners: BTreeMap::new(), used: BTreeSet::new(), of_cards: Vec::new() };
    let plays = maker.plays(&mut report, &raw.play);
    maker.unused();
    let of_cards = maker.of_cards;
    follows::check(&mut report, &raw.play);
    let (tests, calls) = tests_of::read(&mut report, &raw.test, &plays);
    let mut problems = report.take();
    problems.extend(of_cards);
    // By place, so that whoever mends a file goes through it once.
    problems.sort_by_key(|p| (p.file != source.file, p.file.clone(), p.line));
    if problems.iter().any(|p| p.severity == Severity::Error) {
        return (None, problems);
    }
    let name = raw.name.into_inner();
    let title = if raw.title.is_empty() { name.clone() } else { raw.title };
    let playbook = Playbook { name, title, hash: hash(source), vocabulary: raw.vocabulary, plays, tests, calls };
    (Some(playbook), problems)
}

/// First 12 hex digits of the SHA-256 of all files.
fn hash(source: &Source) -> String {
    let mut hash = Sha256::new();
    hash.update(source.text.as_bytes());
    for card in &source.cards {
        for part in [&card.name, &card.text] {
            hash.update([0]);
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// Whether it is a name: lower-case letters, digits and `_`.
pub(super) fn is_snake_case(s: &str) -> bool {
    !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn header(report: &mut Reporter<'_>, raw: &RawPlaybook) {
    let version = *raw.version.get_ref();
    if version != PLAYBOOK_VERSION {
        let message = format!("version {version} is not known here; this program reads version = {PLAYBOOK_VERSION}");
        report.error(raw.version.span().start, message);
    }
    if !is_snake_case(&raw.name.get_ref().replace('-', "_")) {
        report.error(raw.name.span().start, "name: use lower-case letters, digits, - and _ only");
    }
    if let Some(beyond) = raw.play.get(MAX_PLAYS) {
        let message = format!("{} plays, and at most {MAX_PLAYS} are read; split the playbook", raw.play.len());
        report.error(beyond.id.span().start, message);
    }
    if raw.play.is_empty() {
        report.error(0, "no [[play]] in this playbook: add at least one");
    }
}

/// Makes plays of what is written, and keeps what it takes to see that they do not get in each other's way.
struct Maker<'a> {
    source: &'a Source,
    /// Whose each phrase is.
    owners: BTreeMap<String, String>,
    /// Card files some play names.
    used: BTreeSet<&'a str>,
    of_cards: Vec<Problem>,
}

impl<'a> Maker<'a> {
    fn plays(&mut self, report: &mut Reporter<'_>, raw: &[RawPlay]) -> Vec<Play> {
        let mut ids = BTreeMap::<&str, usize>::new();
        let mut plays = Vec::with_capacity(raw.len());
        for play in raw {
            let (id, at) = (play.id.get_ref(), play.id.span().start);
            if !is_snake_case(id) {
                report.error(at, format!("play id `{id}`: use lower-case letters, digits and _ only"));
            }
            let line = report.line(at);
            match ids.get(id.as_str()) {
                Some(first) => {
                    report.error(
                        at,
                        format!("play id `{id}` is used twice, first in line {first}: every play needs its own"),
                    );
                }
                None => drop(ids.insert(id, line)),
            }
            let label = play.label.get_ref();
            if !is_snake_case(label) || label == "none" {
                let message = format!("label `{label}`: use lower-case letters, digits and _; `none` is reserved");
                report.error(play.label.span().start, message);
            }
            numbers(report, play);
            let phrases = self.phrases(report, id, &play.phrases);
            triggers(report, play);
            plays.push(Play {
                id: id.clone(),
                label: label.clone(),
                speaker: play.speaker,
                priority: play.priority.min(100),
                phrases,
                never: texts(report, id, "never", &play.never, |t| phrase::read(t).map(|p| p.text)),
                like: texts(report, id, "like", &play.like, sentence),
                not_like: texts(report, id, "not_like", &play.not_like, sentence),
                sounds_like: play.sounds_like.clone(),
                cooldown_ms: play.cooldown_ms,
                once: play.once,
                max_per_call: if play.once { 1 } else { play.max_per_call },
                ttl_ms: play.ttl_ms,
                owner: play.owner.clone(),
                enabled: play.enabled,
                urgent: play.urgent,
                follows: play.follows.as_ref().map(|f| f.get_ref().clone()),
                when: play.when.as_ref().map(|w| w.get_ref().clone()),
                line,
                card: self.card(report, play).unwrap_or_default(),
            });
        }
        plays
    }

    fn phrases(&mut self, report: &mut Reporter<'_>, id: &str, raw: &[toml::Spanned<String>]) -> Vec<String> {
        let mut out = Vec::with_capacity(raw.len());
        for written in raw {
            let at = written.span().start;
            let phrase = match phrase::read(written.get_ref()) {
                Ok(phrase) => phrase,
                Err(why) => {
                    report.error(at, format!("play `{id}`: {why}"));
                    continue;
                }
            };
            let text = &phrase.text;
            if phrase.is_short() {
                let message = format!(
                    "play `{id}`: \"{text}\" is one short word and will fire often; use a phrase of two or more words"
                );
                report.warn(at, message);
            }
            if let Some(owner) = self.owners.get(&phrase.key)
                && owner != id
            {
                report.error(at, format!("the phrase \"{text}\" stands in play `{owner}` too: keep it in one of them"));
            }
            self.owners.insert(phrase.key, id.to_owned());
            out.push(phrase.text);
        }
        out
    }

    fn card(&mut self, report: &mut Reporter<'_>, play: &RawPlay) -> Option<super::CardText> {
        let (id, today) = (play.id.get_ref(), self.source.today);
        let name = match play.card.get_ref() {
            RawCardPlace::Here(card) => return Some(cards::make(report, play.card.span().start, id, card, today)),
            RawCardPlace::File(name) => name,
        };
        let source: &'a Source = self.source;
        let Some(file) = source.cards.iter().find(|f| f.name == *name) else {
            let near = nearest(name, source.cards.iter().map(|f| f.name.as_str()));
            let hint = near.map_or_else(
                || "put it into this playbook's folder `cards`, or write the card here".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            report.error(play.card.span().start, format!("play `{id}`: there is no card file `{name}`; {hint}"));
            return None;
        };
        let again = !self.used.insert(&file.name);
        let mut report = Reporter::new(&file.file, &file.text);
        let card = card_file::read(&mut report).map(|raw| cards::make(&mut report, 0, id, &raw, today));
        if !again {
            self.of_cards.extend(report.take());
        }
        card
    }

    /// Warns of card files that no play names.
    fn unused(&mut self) {
        for file in self.source.cards.iter().filter(|f| !self.used.contains(f.name.as_str())) {
            let message = format!("no play uses this card; write card = \"{}\" in one, or delete it", file.name);
            self.of_cards.push(Problem { file: file.file.clone(), line: 1, severity: Severity::Warning, message });
        }
    }
}

fn sentence(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a line is empty: write a whole sentence, or take it out".to_owned());
    }
    Ok(text.to_owned())
}

/// The lines of a list, those that can be used.
fn texts(
    report: &mut Reporter<'_>,
    id: &str,
    key: &str,
    raw: &[toml::Spanned<String>],
    read: impl Fn(&str) -> Result<String, String>,
) -> Vec<String> {
    let mut out = Vec::with_capacity(raw.len());
    for written in raw {
        match read(written.get_ref()) {
            Ok(text) => out.push(text),
            Err(why) => report.error(written.span().start, format!("play `{id}`, {key}: {why}")),
        }
    }
    out
}

fn numbers(report: &mut Reporter<'_>, play: &RawPlay) {
    let (id, at) = (play.id.get_ref(), play.id.span().start);
    if play.ttl_ms < 3_000 {
        report.error(at, format!("play `{id}`: ttl_ms = {} is too short to read; write 3000 or more", play.ttl_ms));
    }
    if play.priority > 100 {
        report.warn(at, format!("play `{id}`: priority {} is treated as 100, the highest", play.priority));
    }
    if play.max_per_call == 0 {
        report.error(
            at,
            format!(
                "play `{id}`: max_per_call = 0 would never show; write enabled = false, or max_per_call = 1 or more"
            ),
        );
    }
}

/// Whether there is something that makes the play fire, and one kind of thing only.
fn triggers(report: &mut Reporter<'_>, play: &RawPlay) {
    let (id, at) = (play.id.get_ref(), play.id.span().start);
    let said = !play.phrases.is_empty() || !play.like.is_empty();
    match &play.when {
        Some(when) => {
            let at = when.span().start;
            for why in when.get_ref().check() {
                report.error(at, format!("play `{id}`, [play.when]: {why}"));
            }
            if said {
                report.error(at, format!("play `{id}` has [play.when] and phrases or like: keep one of them"));
            }
        }
        None if !said && play.follows.is_none() => report.error(
            at,
            format!("play `{id}` has no phrases, like, follows or [play.when]: nothing could trigger it; add phrases"),
        ),
        None => {}
    }
}
