//! What is somebody's goes out as a placeholder and comes back as it was.
//!
//! Words go out only if they are known to say nothing about a person: names, addresses and long numbers are taken out by
//! rule, and so is every word that stands in no list of ordinary ones, for that may be a name too. One thing keeps one
//! placeholder through a call.

use std::{collections::BTreeMap, ops::Range};

use super::{Reason, figures, spoken};
use crate::{
    handoff::CallTranscript,
    mailbox_provider::is_mailbox_provider,
    postcall::{People, bare, is_common, name_case},
};

/// People and companies that are known besides those on the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Names of people: the deal's contacts.
    pub people: Vec<String>,
    /// Names of companies: the buyer's, and the parts of its host names.
    pub companies: Vec<String>,
}

/// What stands for some words of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// A word, or a placeholder with what was attached to its last word: `PERSON_1's`.
    pub text: String,
    /// Which words of the line.
    pub words: Range<usize>,
}

/// Takes out and puts back.
#[derive(Debug)]
pub struct Redactor {
    people: People,
    /// Each person's names, in lower case, with the placeholder.
    persons: Vec<(Vec<String>, String)>,
    companies: Vec<(Vec<String>, String)>,
    given: BTreeMap<(&'static str, String), String>,
    /// What each placeholder stands for, as a reader sees it.
    shown: BTreeMap<String, String>,
    /// Placeholders of the participants, in their order.
    participants: Vec<String>,
}

/// Given names that are much more often something else: they count only beside a cue.
const CUES_BEFORE: [&str; 20] = [
    "hi", "hey", "hello", "thanks", "thank", "with", "ask", "asked", "tell", "told", "named", "called", "i'm", "from",
    "mister", "mr", "mrs", "ms", "doctor", "dr",
];
/// And what stands behind them.
const CUES_BEHIND: [&str; 4] = ["from", "said", "says", "over"];

impl Redactor {
    /// For a call and whoever else is known.
    #[must_use]
    pub fn new(call: &CallTranscript, known: &Known) -> Self {
        let names = call.participants.iter().map(|p| p.name.as_str());
        let mut new = Self {
            people: People::new(names.clone().chain(known.people.iter().map(String::as_str))),
            persons: Vec::new(),
            companies: Vec::new(),
            given: BTreeMap::new(),
            shown: BTreeMap::new(),
            participants: Vec::new(),
        };
        for name in names {
            // "Dana" beside "Dana Reyes" is somebody else: each participant is a person of their own.
            let placeholder = new.known_person(&parts(name), &name_case(name));
            new.participants.push(placeholder);
        }
        for name in &known.people {
            new.known_person(&parts(name), &name_case(name));
        }
        let hosts = call.participants.iter().filter(|p| p.side != "rep").filter_map(|p| p.email.as_deref());
        let hosts = hosts.filter_map(|e| company_of(e).map(str::to_owned));
        for company in known.companies.iter().cloned().chain(hosts) {
            let words = parts(&company);
            if !words.is_empty() && !new.companies.iter().any(|(w, _)| *w == words) {
                let placeholder = new.placeholder("ORG", &words.join(" "), company.trim());
                new.companies.push((words, placeholder));
            }
        }
        // The longest first, so that no part of it is taken for the whole.
        new.companies.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        new
    }

    /// The placeholder of the participant with this index; of nobody, if there is none.
    #[must_use]
    pub fn participant(&self, index: usize) -> &str {
        self.participants.get(index).map_or("PERSON_0", String::as_str)
    }

    fn placeholder(&mut self, kind: &'static str, key: &str, shown: &str) -> String {
        if let Some(known) = self.given.get(&(kind, key.to_owned())) {
            return known.clone();
        }
        let n = self.given.keys().filter(|(k, _)| *k == kind).count() + 1;
        let placeholder = format!("{kind}_{n}");
        self.given.insert((kind, key.to_owned()), placeholder.clone());
        self.shown.insert(placeholder.clone(), shown.to_owned());
        placeholder
    }

    /// The placeholder of somebody known by exactly these names.
    fn known_person(&mut self, names: &[String], shown: &str) -> String {
        if names.is_empty() {
            return self.placeholder("PERSON", shown, shown);
        }
        let placeholder = self.placeholder("PERSON", &names.join(" "), shown);
        if !self.persons.iter().any(|(have, _)| have == names) {
            self.persons.push((names.to_vec(), placeholder.clone()));
        }
        placeholder
    }

    /// The placeholder of whoever is spoken of by these names: the one person known who has them all; somebody new; or, if
    /// several have them, nobody but what was said, for to choose one would be to put words into another's mouth.
    fn person(&mut self, names: &[String], shown: &str) -> String {
        let same = |(have, _): &&(Vec<String>, String)| !names.is_empty() && names.iter().all(|n| have.contains(n));
        let mut known = self.persons.iter().filter(same);
        match (known.next(), known.next()) {
            (Some((_, placeholder)), None) => placeholder.clone(),
            (None, _) => self.known_person(names, shown),
            _ => self.placeholder("PERSON", &format!("as said: {shown}"), shown),
        }
    }

    /// A line as it goes out. `words` are in lower case, as a recogniser writes them.
    pub fn line(&mut self, words: &[&str]) -> Vec<Piece> {
        let (mut out, mut i) = (Vec::with_capacity(words.len()), 0);
        while i < words.len() {
            let (text, end) = self.piece(words, i);
            if !text.is_empty() {
                out.push(Piece { text, words: i..end });
            }
            i = end;
        }
        out
    }

    fn piece(&mut self, words: &[&str], i: usize) -> (String, usize) {
        let kinds: [(&'static str, Option<usize>); 4] = [
            ("EMAIL", spoken::mail_address(words, i)),
            ("SITE", spoken::site(words, i)),
            ("NUMBER", spoken::number(words, i)),
            ("ADDRESS", spoken::street(words, i)),
        ];
        if let Some((kind, mut end)) = kinds.into_iter().find_map(|(kind, end)| Some((kind, end?))) {
            // Town and code behind a street belong to it.
            while kind == "ADDRESS" && end < words.len() && !self.is_plain(words[end]) {
                end += 1;
            }
            return self.taken(kind, words, i, end);
        }
        if let Some(end) = self.company(words, i) {
            return self.taken("ORG", words, i, end);
        }
        let names = self.names(words, i);
        if names > 0 {
            return self.taken("PERSON", words, i, i + names);
        }
        if let Some(end) = spoken::spelled(words, i) {
            return self.taken("TERM", words, i, end);
        }
        if self.is_plain(words[i]) { (clean(words[i]), i + 1) } else { self.taken("TERM", words, i, i + 1) }
    }

    fn taken(&mut self, kind: &'static str, words: &[&str], from: usize, end: usize) -> (String, usize) {
        let last = words[end - 1];
        let ending = &last[bare(last).len()..];
        let mut said: Vec<String> = words[from..end].iter().map(|w| (*w).to_owned()).collect();
        bare(last).clone_into(&mut said[end - 1 - from]);
        let text = said.join(" ");
        let placeholder = match kind {
            "PERSON" => {
                let names: Vec<String> = said.iter().flat_map(|w| parts(w)).collect();
                self.person(&names, &name_case(&text))
            }
            "ORG" => {
                let names = parts(&text);
                let whole = self.companies.iter().find(|(have, _)| names.iter().all(|n| have.contains(n)));
                whole.map_or_else(|| "ORG_0".to_owned(), |(_, placeholder)| placeholder.clone())
            }
            kind => self.placeholder(kind, &text, &text),
        };
        (format!("{placeholder}{ending}"), end)
    }

    /// The end of a company's name, whole or by a part of it that is no ordinary word.
    fn company(&self, words: &[&str], i: usize) -> Option<usize> {
        let plain = |w: &&str| parts(bare(w)).concat();
        let whole = self.companies.iter().find(|(name, _)| {
            let there = words.get(i..i + name.len());
            there.is_some_and(|there| there.iter().map(plain).eq(name.iter().cloned()))
        });
        let part = plain(&words[i]);
        let by_part = || self.companies.iter().any(|(name, _)| name.contains(&part)) && !is_common(&part);
        whole.map(|(name, _)| i + name.len()).or_else(|| by_part().then_some(i + 1))
    }

    /// How many words from `i` on name a person.
    fn names(&self, words: &[&str], i: usize) -> usize {
        let is = |at: usize| words.get(at).is_some_and(|w| self.is_person(words, at, w));
        if !is(i) {
            // "my director stone": beside a role a word can be a name that no list has.
            let from = (1..=4).filter_map(|back| i.checked_sub(back));
            let beside = from
                .filter_map(|at| self.people.at(words, at))
                .any(|m| m.end == i + 1 && m.name.as_deref() == Some(bare(words[i])));
            return usize::from(beside);
        }
        let mut n = 1;
        let attached = |at: usize| bare(words[at]).len() < words[at].len();
        while n < 4 && !attached(i + n - 1) && i + n < words.len() {
            let next = words[i + n];
            if is(i + n) || !self.is_plain(next) && next.chars().all(|c| c.is_alphabetic() || c == '\'') {
                n += 1;
            } else {
                break;
            }
        }
        n
    }

    fn is_person(&self, words: &[&str], at: usize, word: &str) -> bool {
        if self.people.is_name(word) {
            return true;
        }
        if !self.people.may_be_name(word) {
            return false;
        }
        let before = at.checked_sub(1).is_some_and(|b| CUES_BEFORE.contains(&words[b]));
        before || words.get(at + 1).is_some_and(|w| CUES_BEHIND.contains(w))
    }

    /// Whether a word may go out: ordinary speech, a short number, a day.
    fn is_plain(&self, word: &str) -> bool {
        let core = bare(word);
        if core.bytes().any(|b| b.is_ascii_digit()) {
            return core.len() <= 7 && core.chars().filter(char::is_ascii_alphabetic).count() <= 2;
        }
        let listed = |w: &str| is_common(w) || figures::is_word(w);
        let form = |end: &str| core.strip_suffix(end).is_some_and(|stem| stem.len() > 2 && listed(stem));
        let ordinary = listed(word) || listed(core) || form("s") || form("ly") || form("ed") || form("ing");
        let joined = core.contains('-') && core.split('-').all(listed);
        (ordinary || joined) && !self.people.is_name(word)
    }

    /// Text with placeholders as a reader sees it.
    ///
    /// # Errors
    /// [`Reason::UnknownPlaceholder`] if one was never given out.
    pub fn restore(&self, text: &str) -> Result<String, Reason> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, end)) = next_placeholder(rest) {
            let shown = self.shown.get(&rest[at..end]).ok_or(Reason::UnknownPlaceholder)?;
            out.push_str(&rest[..at]);
            out.push_str(shown);
            rest = &rest[end..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Every placeholder that was given out, with what it stands for.
    #[must_use]
    pub const fn given(&self) -> &BTreeMap<String, String> {
        &self.shown
    }
}

/// Where the first placeholder of a text stands: capitals, a low line, digits.
pub fn next_placeholder(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('_') {
        let from = bytes[..at].iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(0, |p| p + 1);
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if from < at && digits > 0 {
            return Some((from, at + 1 + digits));
        }
    }
    None
}

/// The company in an address: `globex` of `dana@mail.globex.co.uk`; none where anybody has a mailbox.
#[must_use]
pub fn company_of(address: &str) -> Option<&str> {
    let (_, host) = address.rsplit_once('@')?;
    if is_mailbox_provider(&host.to_lowercase()) {
        return None;
    }
    host.split('.').filter(|p| p.len() > 3).max_by_key(|p| p.len())
}

/// A name's words in lower case, without punctuation.
fn parts(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.map(|w| bare(&w.to_lowercase()).to_owned()).filter(|w| w.chars().count() > 1).collect()
}

/// A word without what could be taken for markup or a placeholder.
fn clean(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric() || "'-.,%$€£&/".contains(*c)).collect()
}
