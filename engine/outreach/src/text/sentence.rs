//! Where sentences end, and which of them ask.

use super::words;

/// What never ends a sentence.
const INNER: &[&str] = &[
    "e.g", "i.e", "mr", "mrs", "ms", "dr", "prof", "st", "vs", "approx", "ca", "no", "fig", "z.b", "d.h", "u.a", "bzw",
    "ggf", "nr", "mme", "mlle", "m", "p.ex", "env", "resp", "incl", "inkl", "cf", "hr", "fr", "est", "avg", "min",
    "max", "gen", "sen", "rep", "jr", "sr", "abt", "tel", "v", "str", "jan", "feb", "apr", "aug", "sept", "oct", "nov",
    "dec", "vgl", "usw", "evtl", "zzgl", "mind", "ing", "dipl", "ex", "av", "bd", "q", "vol", "dept", "asst", "ph.d",
];
/// What ends one only before a word that begins sentences.
const EITHER: &[&str] = &[
    "inc", "ltd", "corp", "co", "etc", "u.s", "u.k", "e.u", "a.m", "p.m", "llc", "plc", "bros", "s.a", "gmbh", "b.v",
    "u.s.a", "s.p.a", "n.v", "d.c", "hrs", "mins",
];
/// Words that begin sentences, and seldom follow a company's name otherwise.
const STARTERS: &[&str] = &[
    "i",
    "we",
    "you",
    "your",
    "it",
    "the",
    "this",
    "that",
    "these",
    "those",
    "would",
    "could",
    "do",
    "does",
    "did",
    "is",
    "are",
    "can",
    "how",
    "what",
    "when",
    "if",
    "many",
    "most",
    "teams",
    "our",
    "my",
    "in",
    "at",
    "with",
    "companies",
    "worth",
    "open",
    "who",
    "why",
    "where",
    "which",
    "should",
    "may",
    "might",
    "will",
    "have",
    "has",
    "had",
    "often",
    "usually",
    "after",
    "since",
    "one",
    "two",
    "any",
    "mind",
    "happy",
    "some",
    "growing",
    "new",
    "for",
    "as",
    "they",
    "he",
    "she",
    "there",
    "not",
    "but",
    "and",
    "so",
    "wäre",
    "passt",
    "können",
    "haben",
    "viele",
    "oft",
    "wenn",
    "ich",
    "wir",
    "sie",
    "ihr",
    "das",
    "die",
    "der",
    "seriez",
    "auriez",
    "est",
    "souvent",
    "vous",
    "nous",
    "je",
    "les",
    "le",
    "la",
    "un",
    "une",
    "pourrions",
    "teams",
    "leaders",
];

/// One sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Byte where it begins in the text it was read from.
    pub at: usize,
    /// Its text, trimmed.
    pub text: String,
    /// Questions in it that are asked, not quoted.
    pub questions: usize,
}

/// The sentences of a text that was made [`plain`](super::plain). What has no word is none.
#[must_use]
pub fn sentences(text: &str) -> Vec<Sentence> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let mut out = Vec::new();
    let mut start = 0;
    let mut i = 0;
    while i < chars.len() {
        let (_, c) = chars[i];
        let next = |n: usize| chars.get(n).map(|c| c.1);
        let cut = if matches!(c, '。' | '？' | '！' | '.' | '?' | '!') {
            let mut end = i + 1;
            while next(end).is_some_and(|c| ".?!。？！".contains(c)) {
                end += 1;
            }
            let marks = end;
            while next(end).is_some_and(|c| "\"')]」』".contains(c)) {
                end += 1;
            }
            let wide = matches!(c, '。' | '？' | '！');
            let mark: String = chars[i..marks].iter().map(|c| c.1).collect();
            let ends = wide || ends(text, &chars, i, end, &mark, end > marks);
            (ends || end > i + 1).then_some((end, ends))
        } else if c == '\n' && breaks(text, chars[i].0, start) {
            Some((i + 1, true))
        } else {
            None
        };
        match cut {
            Some((end, true)) => {
                let stop = chars.get(end).map_or(text.len(), |c| c.0);
                push(&mut out, text, start, stop);
                start = stop;
                i = end;
            }
            Some((end, false)) => i = end,
            None => i += 1,
        }
    }
    push(&mut out, text, start, text.len());
    out
}

/// Whether the marks before `end` close a sentence.
fn ends(text: &str, chars: &[(usize, char)], i: usize, end: usize, mark: &str, closed: bool) -> bool {
    let rest = chars.get(end).map_or("", |c| &text[c.0..]);
    let follows = rest.chars().next();
    if follows.is_none() {
        return true;
    }
    if !follows.is_some_and(char::is_whitespace) {
        // "acme.example", "3.5": inside a word; "sure?Or": somebody left the blank out.
        let letter = follows.is_some_and(char::is_uppercase);
        let before = i.checked_sub(1).and_then(|p| chars.get(p)).is_some_and(|c| c.1.is_lowercase());
        return letter && before && (mark.contains(['?', '!']) || looks_new(rest));
    }
    let after = words(rest).first().map(|w| w.1.to_owned()).unwrap_or_default();
    let small = after.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_lowercase);
    if mark.contains(['?', '!']) {
        // A quoted question that the sentence goes on after, or a name with a mark: "the people at Zing! are".
        return !(small && (closed || !mark.contains('?')));
    }
    if mark.len() > 1 {
        return !small;
    }
    let before =
        text[..chars[i].0].rsplit(|c: char| c.is_whitespace() || "(\"'-/".contains(c)).next().unwrap_or_default();
    let before = before.to_lowercase();
    let starter = || STARTERS.contains(&after.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().as_str());
    if closed {
        return !small;
    }
    if INNER.contains(&before.as_str()) && !(before == "no" && (rest.starts_with("\n\n") || starter())) {
        return false;
    }
    if EITHER.contains(&before.as_str()) {
        return !small && (starter() || rest.starts_with("\n\n"));
    }
    let initial = before.chars().count() == 1 && before.chars().all(char::is_alphabetic) && before != "i";
    // An ordinal or a version: "3. Quartal", "am 12. Mai".
    let ordinal = before.len() <= 2 && !before.is_empty() && before.bytes().all(|b| b.is_ascii_digit()) && !starter();
    !((initial || ordinal) && !rest.starts_with("\n\n"))
        && !(small && after.chars().all(|c| c.is_lowercase() || ",'".contains(c)) && before.contains('.'))
}

/// Whether what follows a full stop without a blank is a new sentence: "it.The next".
fn looks_new(rest: &str) -> bool {
    rest.split_whitespace().next().is_some_and(|w| STARTERS.contains(&w.to_lowercase().as_str()))
}

/// Whether a line break ends a sentence that has no mark: before an empty line, a bullet, or after a short line.
fn breaks(text: &str, at: usize, start: usize) -> bool {
    let rest = &text[at + 1..];
    let line = text[start.min(at)..at].rsplit('\n').next().unwrap_or_default().trim();
    let next = rest.trim_start_matches([' ', '\t']);
    if next.starts_with('\n') || next.is_empty() {
        return true;
    }
    let bullet = next.starts_with(['-', '*', '\u{2022}', '>']);
    let short = line.chars().count() < 45 && !line.ends_with([',', ';', ':', '-']);
    bullet || (short && next.starts_with(char::is_uppercase) && !next.starts_with("I "))
}

fn push(out: &mut Vec<Sentence>, text: &str, start: usize, end: usize) {
    let raw = &text[start..end];
    let lead = raw.len() - raw.trim_start().len();
    let trimmed = raw.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        out.push(Sentence { at: start + lead, text: trimmed.to_owned(), questions: questions(trimmed) });
    } else if let (true, Some(last)) = (trimmed.contains(['?', '？']), out.last_mut()) {
        last.questions = last.questions.max(1);
    }
}

/// Runs of question marks outside of double quotes.
fn questions(sentence: &str) -> usize {
    let mut quoted = false;
    let mut asked = 0;
    let mut before = ' ';
    let count = sentence.chars().filter(|c| *c == '"').count();
    // A quote that is the whole sentence is not somebody else's; an odd mark is no quote.
    let whole = sentence.starts_with('"') && sentence.trim_end_matches(['?', '.']).ends_with('"') && count == 2;
    let chars: Vec<char> = sentence.chars().collect();
    for (i, c) in chars.iter().copied().enumerate() {
        // In the middle of a word it belongs to an address.
        let inside = chars.get(i + 1).is_some_and(|n| n.is_alphanumeric() && !n.is_uppercase());
        let mark = c == '？' || (c == '?' && !inside);
        match c {
            '"' if count % 2 == 0 && !whole => quoted = !quoted,
            '「' | '『' => quoted = true,
            '」' | '』' => quoted = false,
            _ if mark && !quoted && !matches!(before, '?' | '？') => asked += 1,
            _ => {}
        }
        before = c;
    }
    // A polite question in Japanese may end in a full stop.
    asked + usize::from(sentence.ends_with("か。"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        for (text, n, questions) in [
            ("One. Two. Three?", 3, 1),
            ("You use tools, e.g. Jira, at Acme Inc. in Berlin. Worth a chat?", 2, 1),
            ("Saw the round at Acme Inc. Teams like yours stall. Free?", 3, 1),
            ("Growth was 3.5 % at approx. 40 sites. Fine.", 2, 0),
            ("You asked \"who owns churn?\" on stage. Could we talk?", 2, 1),
            ("You asked \"who owns churn?\" Could we talk?", 2, 1),
            ("We met J. Smith of St. Gallen vs. Bern at 9 a.m. on Monday. Ok?", 2, 1),
            ("Really?! Yes. Is it so?? No", 4, 2),
            ("Wrapped\nlines are one sentence. And\nanother one.", 2, 0),
            ("no mark here\n\nand none there", 2, 0),
            ("Das gilt z. B. für Köln. Passt Dienstag, der 3. Mai?", 2, 1),
            ("- first point\n- second point", 2, 0),
            ("昨日の記事を拝見しました。課題は在庫です。15分お話しできますか？", 3, 1),
            ("Well... maybe. See acme.example or v2.1 for it.", 2, 0),
            ("It grew.The team did too.", 2, 0),
            ("", 0, 0),
        ] {
            let found = sentences(text);
            let asked: usize = found.iter().map(|s| s.questions).sum();
            assert_eq!((found.len(), asked), (n, questions), "{text}: {found:#?}");
        }
    }
}
