//! Cuts a sentence of an e-mail into words, classes of words and marks.

/// One word or mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Lower case, contractions undone; addresses, numbers, times and days as a class: `<url>`, `<day>`.
    pub word: String,
    /// Whether it is written like a name: a capital, and not the first word.
    pub name: bool,
}

/// Most tokens that are read of a sentence: whatever is longer is not a sentence.
const MOST: usize = 200;

const DAYS: [&str; 14] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "tues",
    "wed",
    "thurs",
    "thur",
    "fri",
];

/// Months that are no other word.
const MONTHS: [&str; 19] = [
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
    "jan",
    "feb",
    "apr",
    "jul",
    "aug",
    "sept",
    "oct",
    "nov",
    "dec",
];

/// What a contraction stands for: its end, and the words. `'s` stays: it is "is" as often as not.
const CONTRACTIONS: [(&str, &[&str]); 5] =
    [("'ll", &["will"]), ("'re", &["are"]), ("'d", &["would"]), ("'ve", &["have"]), ("'m", &["am"])];

/// The tokens of a sentence.
pub fn tokens(sentence: &str) -> Vec<Token> {
    let mut out = Vec::new();
    for chunk in sentence.split_whitespace() {
        if out.len() >= MOST {
            break;
        }
        match address(chunk) {
            Some(class) => out.push(Token { word: class.to_owned(), name: false }),
            None => split(chunk, &mut out),
        }
    }
    out.truncate(MOST);
    out
}

fn address(chunk: &str) -> Option<&'static str> {
    let low = chunk.to_ascii_lowercase();
    let site = [".com", ".org", ".net"].iter().any(|end| low.contains(end));
    if low.contains('@') && low.contains('.') {
        Some("<mail>")
    } else if low.contains("://") || low.contains("www.") || low.contains("$link") || site {
        Some("<url>")
    } else {
        None
    }
}

/// Words, numbers and marks of what stands between two spaces.
fn split(chunk: &str, out: &mut Vec<Token>) {
    let chars: Vec<char> = chunk.chars().map(|c| if c == '\u{2019}' || c == '\u{2018}' { '\'' } else { c }).collect();
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        if chars[i].is_ascii_digit() {
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | ',' | '-' | '/');
            while i < chars.len() && inside(chars[i]) {
                i += 1;
            }
            while i > start + 1 && matches!(chars[i - 1], ':' | '.' | ',' | '-' | '/') {
                i -= 1;
            }
            out.push(Token { word: number(&chars[start..i]).to_owned(), name: false });
        } else if chars[i].is_alphabetic() {
            let inside = |c: char, next: Option<&char>| {
                c.is_alphanumeric() || (matches!(c, '\'' | '-') && next.is_some_and(|n| n.is_alphanumeric()))
            };
            while i < chars.len() && inside(chars[i], chars.get(i + 1)) {
                i += 1;
            }
            let name = chars[start].is_uppercase() && !out.is_empty();
            word(&chars[start..i].iter().collect::<String>().to_lowercase(), name, out);
        } else {
            i += 1;
            // A row of the same mark is one: "!!!", "--".
            while i < chars.len() && chars[i] == chars[start] {
                i += 1;
            }
            if matches!(chars[start], '?' | '!' | '.' | ',' | ':' | ';' | '-' | '(' | ')' | '"' | '>') {
                out.push(Token { word: chars[start].to_string(), name: false });
            }
        }
    }
}

fn number(chars: &[char]) -> &'static str {
    let text: String = chars.iter().collect::<String>().to_ascii_lowercase();
    if text.contains(':') || text.ends_with("am") || text.ends_with("pm") { "<time>" } else { "<num>" }
}

fn word(low: &str, name: bool, out: &mut Vec<Token>) {
    let mut push = |word: &str, name: bool| out.push(Token { word: word.to_owned(), name });
    if DAYS.contains(&low) {
        return push("<day>", false);
    }
    if MONTHS.contains(&low) {
        return push("<month>", false);
    }
    match low {
        "can't" | "cannot" => ["can", "not"].iter().for_each(|w| push(w, false)),
        "won't" => ["will", "not"].iter().for_each(|w| push(w, false)),
        "lets" => push("let's", false),
        "pls" | "plz" => push("please", false),
        _ => {
            if let Some(stem) = low.strip_suffix("n't") {
                push(stem, false);
                return push("not", false);
            }
            if let Some((stem, rest)) = CONTRACTIONS.iter().find_map(|(end, r)| Some((low.strip_suffix(end)?, r))) {
                push(stem, name);
                rest.iter().for_each(|w| push(w, false));
                return;
            }
            push(low, name);
        }
    }
}
