//! Numbers in words and digits, as one form that can be compared: "forty eight thousand", "48k" and "48,000" are 48000.

use std::collections::BTreeSet;

use reframe_call::number_words::{cardinal, ordinal};

/// Value of a number word, and whether it multiplies what stands before it.
fn word(token: &str) -> Option<(u64, bool)> {
    let value = match token {
        "oh" | "nought" => 0,
        "hundred" => return Some((100, true)),
        "thousand" | "grand" | "k" => return Some((1_000, true)),
        "million" => return Some((1_000_000, true)),
        _ => cardinal(token).or_else(|| ordinal(token).filter(|n| (1..=50).contains(n)))?,
    };
    Some((value, false))
}

/// Whether a token is part of a number written in words.
pub fn is_word(token: &str) -> bool {
    word(token).is_some()
}

/// A single digit in words.
pub fn is_digit_word(token: &str) -> bool {
    word(token).is_some_and(|(v, multiplies)| v < 10 && !multiplies && !token.ends_with("th"))
        && !["first", "second", "third"].contains(&token)
}

/// Whole and fraction of a token of digits: `48,000`, `48k`, `3.5`, `13th`.
fn digits(token: &str) -> Option<(u64, String)> {
    let plain: String = token.chars().filter(|c| *c != ',').collect();
    let (plain, times) = match plain.strip_suffix(['k', 'K']) {
        Some(p) => (p, 1_000),
        None => match plain.strip_suffix(['m', 'M']) {
            Some(p) => (p, 1_000_000),
            None => (["st", "nd", "rd", "th"].iter().find_map(|e| plain.strip_suffix(e)).unwrap_or(&plain), 1),
        },
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !numeric(whole) || !numeric(fraction) {
        return None;
    }
    Some((whole.parse::<u64>().ok()?.checked_mul(times)?, fraction.trim_end_matches('0').to_owned()))
}

fn shown(whole: u64, fraction: &str) -> String {
    if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
}

/// The parts of a run of number words: "two twenty" is 2 and 20, "a hundred and sixty" is 160.
fn groups(run: &[(u64, bool)]) -> Vec<u64> {
    let mut out: Vec<u64> = Vec::new();
    let (mut total, mut part, mut last) = (0u64, 0u64, None::<u64>);
    for &(value, multiplies) in run {
        if multiplies {
            let base = if part == 0 { 1 } else { part };
            if value == 100 {
                part = base.saturating_mul(100);
            } else {
                total = total.saturating_add(base.saturating_mul(value));
                part = 0;
            }
            last = Some(value);
            continue;
        }
        // A unit goes with tens, anything below a hundred with hundreds, anything with what was multiplied.
        let fits = match last {
            None => true,
            Some(l) if l >= 100 => true,
            Some(l) => l >= 20 && value < 10 && value > 0,
        };
        if !fits {
            out.push(total.saturating_add(part));
            (total, part) = (0, 0);
        }
        part = part.saturating_add(value);
        last = Some(value);
    }
    out.push(total.saturating_add(part));
    out
}

/// Every number in `tokens` (lower case, without punctuation at their ends), in all readings that are meant by them: what
/// stands beside one another may also be one number ("two twenty", "twenty twenty six").
pub fn of<'a>(tokens: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut run: Vec<(u64, bool)> = Vec::new();
    let mut point: Option<u64> = None;
    // "1.2 million": what follows a fraction multiplies it and is no number of its own.
    let mut fraction_before = false;
    let end = |run: &mut Vec<(u64, bool)>, point: &mut Option<u64>, found: &mut BTreeSet<String>| {
        if run.is_empty() {
            return;
        }
        let groups = groups(run);
        if let Some(whole) = point.take() {
            let fraction: String = groups.iter().map(u64::to_string).collect();
            found.insert(shown(whole, fraction.trim_end_matches('0')));
        }
        found.extend(groups.iter().map(u64::to_string));
        if groups.len() > 1 {
            let joined: String = groups.iter().map(u64::to_string).collect();
            found.insert(joined.trim_start_matches('0').to_owned());
        }
        run.clear();
    };
    for token in tokens {
        for token in token.split(['-', '/']) {
            if let Some(value) = word(token) {
                if !(fraction_before && value.1) {
                    run.push(value);
                }
                continue;
            }
            fraction_before = false;
            if let Some((whole, fraction)) = digits(token) {
                // "48 thousand"
                if fraction.is_empty() {
                    end(&mut run, &mut point, &mut found);
                    found.insert(shown(whole, ""));
                    run.push((whole, false));
                } else {
                    end(&mut run, &mut point, &mut found);
                    found.insert(shown(whole, &fraction));
                    fraction_before = true;
                }
            } else if token == "point" && !run.is_empty() {
                let whole = groups(&run).pop();
                end(&mut run, &mut point, &mut found);
                point = whole;
            } else if token != "and" || run.is_empty() {
                end(&mut run, &mut point, &mut found);
            }
        }
    }
    end(&mut run, &mut point, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_digits_are_the_same_number() {
        for (text, holds, not) in [
            ("forty eight thousand", "48000", "48"),
            ("48k", "48000", "48"),
            ("48,000", "48000", "48"),
            ("a hundred and sixty trucks", "160", "100"),
            ("two twenty last week", "220", "222"),
            ("twenty twenty six", "2026", "46"),
            ("two hundred of the six hundred", "600", "800"),
            ("three point five percent", "3.5", "35"),
            ("the thirteenth", "13", "3"),
            ("13th", "13", "3"),
            ("2026-03-13", "13", "14"),
            ("fifty to sixty", "60", "110"),
            ("one point two million", "1.2", "2.1"),
            ("nineteen", "19", "9"),
        ] {
            let found = of(text.split(' '));
            assert!(found.contains(holds), "{text}: {found:?}");
            assert!(!found.contains(not), "{text}: {found:?}");
        }
    }
}
