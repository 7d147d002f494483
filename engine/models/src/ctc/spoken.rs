//! How written text is said: numbers, letters and signs become words that have a pronunciation.

use reframe_call::number_words::{ONES, cardinal_words};

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// A word, lower case, of letters and inner apostrophes.
    Word(String),
    /// A letter, said by its name.
    Letter(char),
}

/// Longest number read as a number; longer ones are read digit by digit.
const MAX_DIGITS: usize = 9;
/// Longest run of capitals taken for an acronym.
const MAX_ACRONYM: usize = 5;

/// What is said when `text` is read out.
#[must_use]
pub fn spoken(text: &str) -> Vec<Spoken> {
    let mut out = Vec::new();
    for token in text.split(|c: char| c.is_whitespace() || "-/\u{2013}\u{2014}".contains(c)) {
        let token = token.replace('\u{2019}', "'");
        say_token(token.trim_matches(|c: char| !c.is_alphanumeric() && !"$%&+".contains(c)), &mut out);
    }
    out
}

fn say_token(token: &str, out: &mut Vec<Spoken>) {
    let (token, dollars) = token.strip_prefix('$').map_or((token, false), |t| (t, true));
    let letters: String = token.chars().filter(|&c| c != '.').collect();
    let dotted = token.contains('.') && token.split('.').all(|part| part.chars().count() <= 1);
    if !letters.is_empty() && letters.chars().all(char::is_alphabetic) {
        let capitals = letters.chars().all(char::is_uppercase) && (2..=MAX_ACRONYM).contains(&letters.chars().count());
        if dotted || capitals || !has_vowel(&letters) {
            out.extend(letters.chars().flat_map(char::to_lowercase).map(Spoken::Letter));
            return;
        }
    }
    // Runs of letters, of digits and of signs, each said in its own way.
    let kind = |c: char| match c {
        c if c.is_ascii_digit() || c == ',' || c == '.' => 0,
        c if c.is_alphabetic() || c == '\'' => 1,
        _ => 2,
    };
    let mut runs: Vec<(u8, String)> = Vec::new();
    for c in token.chars() {
        match runs.last_mut() {
            Some((k, run)) if *k == kind(c) => run.push(c),
            _ => runs.push((kind(c), c.to_string())),
        }
    }
    let mixed = runs.iter().filter(|r| r.0 != 2).count() > 1;
    for (kind, run) in &runs {
        match kind {
            0 => say_number(run, mixed, out),
            1 => say_letters(run, mixed, out),
            _ => {
                for sign in run.chars() {
                    let name = match sign {
                        '%' => "percent",
                        '&' => "and",
                        '+' => "plus",
                        '@' => "at",
                        '#' => "number",
                        _ => continue,
                    };
                    out.push(Spoken::Word(name.into()));
                }
            }
        }
    }
    if dollars {
        out.push(Spoken::Word("dollars".into()));
    }
}

fn has_vowel(word: &str) -> bool {
    word.chars().any(|c| "aeiouyAEIOUY".contains(c) || !c.is_ascii())
}

fn say_letters(run: &str, mixed: bool, out: &mut Vec<Spoken>) {
    let word = run.trim_matches('\'').to_lowercase();
    let ordinal = matches!(word.as_str(), "st" | "nd" | "rd" | "th");
    if ordinal
        && mixed
        && let Some(Spoken::Word(number)) = out.last_mut()
    {
        *number = ordinal_of(number);
    } else if (mixed && word.chars().count() <= 2) || !has_vowel(&word) {
        out.extend(word.chars().filter(|c| c.is_alphabetic()).map(Spoken::Letter));
    } else if !word.is_empty() {
        out.push(Spoken::Word(word));
    }
}

fn ordinal_of(number: &str) -> String {
    match number {
        "one" => "first".into(),
        "two" => "second".into(),
        "three" => "third".into(),
        "five" => "fifth".into(),
        "eight" => "eighth".into(),
        "nine" => "ninth".into(),
        "twelve" => "twelfth".into(),
        other => other.strip_suffix('y').map_or_else(|| format!("{other}th"), |stem| format!("{stem}ieth")),
    }
}

fn say_number(run: &str, mixed: bool, out: &mut Vec<Spoken>) {
    let run: String = run.chars().filter(|&c| c != ',').collect();
    let (whole, fraction) = run.split_once('.').unwrap_or((&run, ""));
    let word = |w: &str| Spoken::Word(w.into());
    let digit = |c: char| c.to_digit(10).map(|d| ONES[d as usize]);
    // "401k" and "b2b" are read as codes: digit by digit, with "oh" for zero.
    let code = mixed && whole.len() == 3 && fraction.is_empty() && !whole.ends_with("00");
    if code || whole.len() > MAX_DIGITS || (whole.len() > 1 && whole.starts_with('0')) {
        out.extend(whole.chars().filter_map(digit).map(|d| word(if d == "zero" { "oh" } else { d })));
    } else if let Ok(number) = whole.parse::<u32>() {
        let mut words = Vec::new();
        cardinal(number, &mut words);
        out.extend(words.into_iter().map(word));
    }
    if fraction.chars().any(|c| c.is_ascii_digit()) {
        out.push(word("point"));
        out.extend(fraction.chars().filter_map(digit).map(word));
    }
}

fn cardinal(n: u32, out: &mut Vec<&'static str>) {
    for (size, name) in [(1_000_000, "million"), (1_000, "thousand"), (100, "hundred")] {
        if n >= size {
            cardinal(n / size, out);
            out.push(name);
            if !n.is_multiple_of(size) {
                cardinal(n % size, out);
            }
            return;
        }
    }
    out.extend(cardinal_words(n as usize));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let words = spoken(text).into_iter().map(|s| match s {
            Spoken::Word(w) => w,
            Spoken::Letter(c) => format!("{}.", c.to_uppercase()),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_numbers_letters_and_signs() {
        for (text, expected) in [
            ("Too expensive, honestly!", "too expensive honestly"),
            ("that's 24/7", "that's twenty four seven"),
            ("$1,250,000", "one million two hundred fifty thousand dollars"),
            ("a 401k", "a four oh one K."),
            ("our B2B CRM", "our B. two B. C. R. M."),
            ("U.S. sql", "U. S. S. Q. L."),
            ("15% off", "fifteen percent off"),
            ("2.5 percent", "two point five percent"),
            ("the 3rd quarter of the 20th", "the third quarter of the twentieth"),
            ("R&D", "R. and D."),
            ("don\u{2019}t follow-up", "don't follow up"),
            ("", ""),
            ("?! ...", ""),
            ("12345678901", "one two three four five six seven eight nine oh one"),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }
}
