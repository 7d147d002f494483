//! Addresses, numbers and spelled words as people say them: where in a line they end, if they begin at a word.

use super::figures;

/// Ends of host names.
const TOP_LEVEL: [&str; 30] = [
    "com", "net", "org", "io", "co", "uk", "de", "fr", "eu", "us", "ca", "au", "ai", "app", "dev", "edu", "gov", "biz",
    "info", "example", "me", "tv", "nl", "ch", "at", "es", "it", "pl", "in", "nz",
];
/// What is said between the parts of a local part.
const JOINTS: [&str; 6] = ["dot", "underscore", "dash", "hyphen", "plus", "minus"];
/// What a street is called.
const STREETS: [&str; 20] = [
    "street",
    "st",
    "avenue",
    "ave",
    "road",
    "rd",
    "boulevard",
    "blvd",
    "lane",
    "drive",
    "highway",
    "parkway",
    "court",
    "terrace",
    "square",
    "crescent",
    "strasse",
    "straße",
    "place",
    "suite",
];
/// Words that stand in no street's name.
const NO_STREET: [&str; 20] = [
    "of", "the", "to", "a", "and", "or", "in", "for", "is", "on", "at", "with", "you", "we", "i", "that", "it", "per",
    "percent", "days",
];
/// Longest local part in words: a name spelled letter by letter.
const LOCAL_WORDS: usize = 24;
/// Longest host name in words.
const HOST_WORDS: usize = 12;
/// Longest name before its first dot in words, unless it is spelled.
const HOST_NAME_WORDS: usize = 3;
/// Digits from which a number is somebody's: amounts said in figures have fewer, telephone numbers and accounts more.
const LONG_DIGITS: usize = 7;
/// Single digits in a row from which it is no amount: nobody says an amount digit by digit.
const DIGITS_IN_A_ROW: usize = 4;
/// Single letters in a row from which something is spelled.
const LETTERS_IN_A_ROW: usize = 3;
/// Spelled abbreviations that are nobody's name.
const ABBREVIATIONS: [&str; 16] =
    ["cfo", "ceo", "cto", "coo", "cio", "erp", "crm", "api", "roi", "sla", "rfp", "gps", "kpi", "nda", "msa", "pdf"];

fn is_letter(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

/// "dana dot reyes at globex dot com", `dana@globex.com`.
pub fn mail_address(words: &[&str], from: usize) -> Option<usize> {
    if words[from].contains('@') {
        return Some(from + 1);
    }
    let last = words.len().min(from + LOCAL_WORDS + 1);
    let at = (from + 1..last).find(|i| words[*i] == "at")?;
    let local = &words[from..at];
    let spelled = local.iter().all(|w| is_letter(w) || figures::is_word(w) || JOINTS.contains(w));
    let joined = local.len() % 2 == 1 && local.iter().skip(1).step_by(2).all(|w| JOINTS.contains(w));
    if !(spelled || joined) || JOINTS.contains(&local[0]) {
        return None;
    }
    host(words, at + 1)
}

/// The end of a host name that begins at `from`.
fn host(words: &[&str], from: usize) -> Option<usize> {
    if words.get(from).is_some_and(|w| dotted(w)) {
        return Some(from + 1);
    }
    let last = words.len().min(from + HOST_WORDS);
    let mut end = (from + 1..last).find(|i| words[*i] == "dot")?;
    let name = &words[from..end];
    if name.len() > HOST_NAME_WORDS && !name.iter().all(|w| is_letter(w) || figures::is_word(w)) {
        return None;
    }
    while words.get(end) == Some(&"dot") && end + 1 < words.len() {
        end += 2;
    }
    TOP_LEVEL.contains(&words[end - 1].trim_end_matches("'s")).then_some(end)
}

fn dotted(word: &str) -> bool {
    let word = word.trim_end_matches("'s");
    word.rsplit_once('.').is_some_and(|(host, top)| !host.is_empty() && TOP_LEVEL.contains(&top))
}

/// "globex dot com", `www.globex.com`, `https://…`.
pub fn site(words: &[&str], from: usize) -> Option<usize> {
    let word = words[from];
    if word.contains("://") || word.starts_with("www.") || dotted(word) {
        return Some(from + 1);
    }
    let spelled = words[from..].iter().take_while(|w| is_letter(w)).count();
    let before = if spelled > 1 { spelled } else { 1 };
    if words.get(from + before) != Some(&"dot") || word == "dot" {
        return None;
    }
    host(words, from)
}

/// Telephone numbers, accounts, cards, codes: long digits, or digits said one by one.
pub fn number(words: &[&str], from: usize) -> Option<usize> {
    const WITHIN: [&str; 7] = ["dash", "double", "triple", "extension", "ext", "plus", "hyphen"];
    let (mut digits, mut row, mut longest, mut count) = (0usize, 0usize, 0usize, 0usize);
    let mut end = from;
    for (i, word) in words.iter().enumerate().skip(from) {
        let written = word.chars().filter(char::is_ascii_digit).count();
        let punctuated = |c: char| c.is_ascii_digit() || "-.()/+#*x".contains(c);
        if written > 0 && word.chars().all(punctuated) {
            digits += written;
            row = if written == 1 { row + 1 } else { 0 };
        } else if figures::is_digit_word(word) || *word == "o" {
            digits += 1;
            row += 1;
        } else if figures::is_word(word) && count > 0 && !["k", "grand", "thousand", "million"].contains(word) {
            digits += 1;
            row = 0;
        } else if WITHIN.contains(word) && (count > 0 || *word != "dash" && *word != "hyphen") {
            if *word == "double" || *word == "triple" {
                row += 1;
                digits += 1;
            }
            continue;
        } else {
            break;
        }
        count += 1;
        longest = longest.max(row);
        end = i + 1;
    }
    let long = digits >= LONG_DIGITS
        && (longest >= 3 || words[from..end].iter().any(|w| w.bytes().any(|b| b.is_ascii_digit())));
    (end > from && (long || longest >= DIGITS_IN_A_ROW)).then_some(end)
}

/// "four twelve main street", "12 baker st suite 4".
pub fn street(words: &[&str], from: usize) -> Option<usize> {
    let numeric = |w: &&&str| figures::is_word(w) || w.bytes().next().is_some_and(|b| b.is_ascii_digit());
    let number = words[from..].iter().take_while(numeric).count();
    if number == 0 || number > 5 {
        return None;
    }
    let name = from + number;
    let suffix = (name + 1..words.len().min(name + 4)).find(|i| STREETS.contains(&words[*i]))?;
    if words[name..suffix].iter().any(|w| NO_STREET.contains(w)) {
        return None;
    }
    let mut end = suffix + 1;
    while words.get(end).is_some_and(|w| ["suite", "apartment", "apt", "unit", "floor"].contains(w)) {
        end += 1;
        end += words[end..].iter().take_while(numeric).count();
    }
    Some(end)
}

/// "r e y e s", but not "c f o".
pub fn spelled(words: &[&str], from: usize) -> Option<usize> {
    let letters = words[from..].iter().take_while(|w| is_letter(w)).count();
    if letters < LETTERS_IN_A_ROW {
        return None;
    }
    let text: String = words[from..from + letters].concat();
    (!ABBREVIATIONS.contains(&text.as_str())).then_some(from + letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, String)> {
        let words: Vec<&str> = text.split(' ').collect();
        let (mut out, mut i) = (Vec::new(), 0);
        while i < words.len() {
            let kinds: [(&'static str, Option<usize>); 5] = [
                ("mail", mail_address(&words, i)),
                ("site", site(&words, i)),
                ("number", number(&words, i)),
                ("street", street(&words, i)),
                ("spelled", spelled(&words, i)),
            ];
            match kinds.into_iter().find_map(|(kind, end)| Some((kind, end?))) {
                Some((kind, end)) => {
                    out.push((kind, words[i..end].join(" ")));
                    i = end;
                }
                None => i += 1,
            }
        }
        out
    }

    #[test]
    fn what_is_somebodys_is_found() {
        for (text, kind, what) in [
            ("email me dana dot reyes at globex dot com okay", "mail", "dana dot reyes at globex dot com"),
            ("it's d r e y e s at globex dot co dot uk thanks", "mail", "d r e y e s at globex dot co dot uk"),
            ("write to dana@globex.com please", "mail", "dana@globex.com"),
            ("our site is globex dot com for it", "site", "globex dot com"),
            ("call five five five oh one nine nine tomorrow", "number", "five five five oh one nine nine"),
            ("it's 555-0199-23 i think", "number", "555-0199-23"),
            ("card four one one one twenty two", "number", "four one one one twenty two"),
            ("we're at four twelve old mill road suite nine", "street", "four twelve old mill road suite nine"),
            ("that's r e y e s yes", "spelled", "r e y e s"),
        ] {
            assert_eq!(found(text), [(kind, what.to_owned())], "{text}");
        }
    }

    #[test]
    fn amounts_days_and_abbreviations_stay() {
        for text in [
            "forty eight thousand a year",
            "two or three weeks",
            "48000 dollars",
            "the c f o signs",
            "a hundred and sixty trucks",
            "on march thirteenth twenty twenty six",
            "two twenty last week",
            "we look at it at ten",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
