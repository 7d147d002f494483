//! Recognised words made fit to read: capitals, no fillers, and a mark on whatever was heard badly and decides something.

use reframe_call::audio::Party;

use super::{
    people::{People, bare},
    promise::Promise,
    stage::is_figure,
    talk::{Span, Talk},
};

/// Words with a capital wherever they stand.
const CAPITALS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "christmas",
    "easter",
    "thanksgiving",
    "juneteenth",
    "excel",
    "salesforce",
    "hubspot",
    "google",
    "microsoft",
    "outlook",
    "slack",
    "zoom",
    "teams",
];
/// Abbreviations.
const ACRONYMS: &[&str] = &[
    "it's", "cfo", "ceo", "cto", "coo", "cio", "ciso", "cmo", "cro", "hr", "erp", "crm", "sso", "api", "pdf", "csv",
    "sow", "msa", "nda", "roi", "sla", "po", "poc", "gdpr", "dpa", "saas", "kpi", "rfp", "ok", "vp", "uk", "eu", "us",
    "vpn", "sms",
];
/// Words of a number.
const NUMBERS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "thirteen",
    "fourteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "half",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "double",
    "triple",
];
/// Openers that carry nothing when a sentence is quoted by itself.
const LEADS: &[&str] = &[
    "yeah", "so", "and", "but", "okay", "well", "right", "alright", "no", "yes", "oh", "then", "ok", "because", "like",
    "aye",
];
/// Phrases that carry nothing anywhere.
const EMPTY: &[&[&str]] = &[&["you", "know"], &["i", "mean"], &["sort", "of"], &["kind", "of"], &["or", "whatever"]];

/// Longest line of a note, in characters.
const LINE_CHARS: usize = 160;

/// Turns spans of a call into text.
#[derive(Clone, Copy, Debug)]
pub struct Wording<'t, 'c> {
    /// The call.
    pub talk: &'t Talk<'c>,
    /// Who may be meant.
    pub people: &'t People,
    /// Names that were found in the call and stand in no list.
    pub names: &'t [String],
}

impl Wording<'_, '_> {
    /// A sentence: what was said, fit to read.
    pub fn sentence(&self, span: &Span) -> String {
        let words = self.talk.words(span);
        let mut skip = 0;
        while skip + 3 < words.len() && LEADS.contains(&words[skip]) {
            skip += 1;
        }
        let mut text = self.phrase(&Span { from: span.from + skip, ..span.clone() });
        capitalise(&mut text);
        shorten(&mut text);
        if !text.ends_with('…') {
            text.push('.');
        }
        text
    }

    /// A sentence with its speaker: `Dana: "We lost two loads last fall."`
    pub fn quoted(&self, span: &Span) -> String {
        let name = self.speaker(span.line);
        format!("{name}: \"{}\"", self.sentence(span))
    }

    /// Name of a line's speaker as it is shown.
    pub fn speaker(&self, line: usize) -> String {
        let name = self.talk.speaker(line);
        if name.is_empty() { "Somebody".to_owned() } else { name_case(name) }
    }

    /// The words of a span with capitals and marks, not begun and not ended.
    pub fn phrase(&self, span: &Span) -> String {
        let line = &self.talk.lines[span.line];
        let mut out: Vec<String> = Vec::new();
        let mut i = span.from;
        while i < span.to {
            if let Some(empty) = EMPTY.iter().find(|e| i + e.len() < span.to && line.words[i..].starts_with(e)) {
                i += empty.len();
                continue;
            }
            let word = line.words[i];
            let decides = self.decides(span.line, i);
            let shown = self.cased(word, line.words.get(i + 1).copied());
            out.push(if line.unsure(i) && decides { format!("[unsure: {shown}]") } else { shown });
            i += 1;
        }
        out.join(" ")
    }

    /// Whether a word is a number, a name, or part of a date: wrong, it would mislead.
    pub fn decides(&self, line: usize, word: usize) -> bool {
        let l = &self.talk.lines[line];
        let text = l.words[word];
        let dated = l.days.iter().any(|d| d.words.contains(&word));
        dated || is_figure(text) || NUMBERS.contains(&text) || self.is_name(text) || self.people.may_be_name(text)
    }

    fn is_name(&self, word: &str) -> bool {
        self.people.is_name(word) || self.names.iter().any(|n| n == bare(word))
    }

    fn cased(&self, word: &str, next: Option<&str>) -> String {
        if word == "i" || word.starts_with("i'") {
            return format!("I{}", &word[1..]);
        }
        let stem = bare(word);
        // "may the fourth", "march third": months that are verbs too keep their small letter without a day beside them.
        let month = ["may", "march"].contains(&word)
            && next.is_some_and(|n| n == "the" || n.ends_with("th") || ["first", "second", "third"].contains(&n));
        if ACRONYMS.contains(&stem) && stem != "it's" && stem != "us" && stem != "po" {
            return format!("{}{}", stem.to_uppercase(), &word[stem.len()..]);
        }
        if CAPITALS.contains(&stem) || month || self.is_name(word) {
            return name_case(word);
        }
        word.to_owned()
    }

    /// What is promised, from its verb on, seen from outside: "Send them the security pack by Friday".
    pub fn act(&self, promise: &Promise) -> String {
        let span = &promise.spans[0];
        let line = &self.talk.lines[span.line];
        let asked = line.side != promise.side;
        let speaker = self.speaker(span.line);
        let whose = format!("{speaker}'s");
        let buyer = line.side == Party::Buyer;
        self.turned(promise, |word| match (word, asked) {
            ("you", false) | ("I", true) => Some("them"),
            ("your" | "yours", false) => Some("their"),
            ("me", true) => Some(&speaker),
            ("me", false) => Some("them"),
            ("myself", false) => Some("themselves"),
            ("my", _) => Some(&whose),
            ("our", _) if buyer => Some("their"),
            ("us", _) if buyer => Some("them"),
            _ => None,
        })
    }

    /// The same as the rep would write it to the buyer: "Send you the security pack by Friday".
    pub fn act_to_buyer(&self, promise: &Promise) -> String {
        let spoken_by_buyer = self.talk.lines[promise.spans[0].line].side == Party::Buyer;
        self.turned(promise, |word| match word {
            _ if !spoken_by_buyer => None,
            "you" => Some("us"),
            "your" | "yours" => Some("our"),
            "me" | "us" | "myself" | "I" => Some("you"),
            "my" | "our" => Some("your"),
            "mine" | "ours" => Some("yours"),
            _ => None,
        })
    }

    fn turned<'w>(&self, promise: &Promise, turn: impl Fn(&str) -> Option<&'w str>) -> String {
        const DANGLING: [&str; 22] = [
            "okay", "yeah", "so", "and", "right", "um", "but", "then", "is", "like", "if", "because", "that", "the",
            "a", "to", "or", "oh", "well", "too", "no", "just",
        ];
        let span = &promise.spans[0];
        let from = Span { from: promise.act.max(span.from), ..span.clone() };
        let words = self.phrase(&from);
        let mut out: Vec<&str> = words.split(' ').map(|w| turn(w).unwrap_or(w)).collect();
        while out.len() > 3 && out.last().is_some_and(|w| DANGLING.contains(w)) {
            out.pop();
        }
        let mut text = out.join(" ");
        capitalise(&mut text);
        shorten(&mut text);
        text
    }
}

/// "dana" as "Dana", "mary-jane" as "Mary-Jane".
pub fn name_case(name: &str) -> String {
    let mut up = true;
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if up {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        up = c == ' ' || c == '-';
    }
    out
}

fn capitalise(text: &mut String) {
    if let Some(first) = text.chars().next() {
        let upper: String = first.to_uppercase().collect();
        text.replace_range(..first.len_utf8(), &upper);
    }
}

/// Cuts at a word, so that a line stays a line.
fn shorten(text: &mut String) {
    if text.chars().count() <= LINE_CHARS {
        return;
    }
    let mut end = text.char_indices().nth(LINE_CHARS).map_or(text.len(), |(i, _)| i);
    end = text[..end].rfind(' ').unwrap_or(end);
    text.truncate(end);
    text.push_str(" …");
}
