//! Numbers in words as digits, the way Whisper's normaliser writes them: "one hundred and five" is 105, "nineteen eighty four"
//! is 1984, "one oh one" is 101, "three point five percent" is 3.5%, "twenty first" is 21st.

use reframe_call::number_words::{cardinal, ordinal};

const SCALES: [(&str, u64); 4] =
    [("hundred", 100), ("thousand", 1_000), ("million", 1_000_000), ("billion", 1_000_000_000)];
/// What makes the number before it an amount, and the sign for it. Whisper sets the sign of a currency in front.
const SIGNS: [(&str, &str); 7] = [
    ("percent", "%"),
    ("dollar", "$"),
    ("dollars", "$"),
    ("pound", "£"),
    ("pounds", "£"),
    ("euro", "€"),
    ("euros", "€"),
];

/// What a word adds to a number.
enum Part {
    /// 0 to 19.
    One(u64),
    /// 20 to 90.
    Ten(u64),
    /// 100 and up.
    Scale(u64),
    /// Ends the number.
    Ordinal(u64),
    /// Digits as they stand.
    Digits(u64),
}

fn part(word: &str) -> Option<Part> {
    if let Some(n) = cardinal(word) {
        return Some(if n < 20 { Part::One(n) } else { Part::Ten(n) });
    }
    if let Some((_, n)) = SCALES.iter().find(|(w, _)| *w == word) {
        return Some(Part::Scale(*n));
    }
    if let Some(n) = ordinal(word).or((word == "hundredth").then_some(100)) {
        return Some(Part::Ordinal(n));
    }
    // Longer ones are no amounts but codes, and stay as they are.
    if word.len() <= 9 && word.bytes().all(|b| b.is_ascii_digit()) { word.parse().ok().map(Part::Digits) } else { None }
}

/// A number in the making: digits said one after the other, or an amount.
#[derive(Default)]
struct Number {
    /// Digits of earlier parts that this one follows: "nineteen" before "eighty four".
    before: String,
    /// Finished thousands and millions.
    large: u64,
    /// Below a thousand.
    small: u64,
    /// What may still be added to `small`: below this. 0 after a one.
    room: u64,
    some: bool,
}

impl Number {
    fn add(&mut self, n: u64) {
        if self.some && (self.room == 0 || n >= self.room) {
            let done = self.written();
            *self = Self { before: done, ..Self::default() };
        }
        self.small += n;
        self.some = true;
        self.room = if (20..=90).contains(&n) { 10 } else { 0 };
    }

    fn scale(&mut self, by: u64) {
        if by == 100 {
            self.small = self.small.max(u64::from(!self.some)) * 100;
            self.room = 100;
        } else {
            self.large += self.small.max(u64::from(!self.some)).saturating_mul(by);
            self.small = 0;
            self.room = by.min(1_000);
        }
        self.some = true;
    }

    fn written(&self) -> String {
        format!("{}{}", self.before, self.large.saturating_add(self.small))
    }
}

/// `words` with numbers as digits.
pub fn as_digits(words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let Some((written, next)) = number(words, at) else {
            out.push(words[at].clone());
            at += 1;
            continue;
        };
        at = next;
        match words.get(at).and_then(|w| SIGNS.iter().find(|(name, _)| *name == w.as_str())) {
            Some((_, "%")) => {
                out.push(written + "%");
                at += 1;
            }
            Some((_, sign)) => {
                out.push(format!("{sign}{written}"));
                at += 1;
            }
            None => out.push(written),
        }
    }
    out
}

/// The number that begins at `at`, written, and where it ends.
fn number(words: &[String], at: usize) -> Option<(String, usize)> {
    let (mut number, mut next) = (Number::default(), at);
    while let Some(word) = words.get(next) {
        // "and" belongs to a number only within one: "one hundred and five".
        let and = word == "and"
            && number.room >= 100
            && words.get(next + 1).is_some_and(|w| matches!(part(w), Some(Part::One(_) | Part::Ten(_))));
        let oh = number.some
            && word == "oh"
            && number.large == 0
            && words.get(next + 1).is_some_and(|w| matches!(part(w), Some(Part::One(1..=9))));
        if and {
            next += 1;
            continue;
        }
        match part(word) {
            _ if oh => {
                number.room = 0;
                number.add(0);
            }
            Some(Part::One(n) | Part::Ten(n)) => number.add(n),
            Some(Part::Digits(n)) if !number.some => {
                number.add(n);
                number.room = 0;
                // "20 thousand", but not "20 5".
                if !words.get(next + 1).is_some_and(|w| matches!(part(w), Some(Part::Scale(_)))) {
                    return Some((word.clone(), next + 1));
                }
            }
            // "a hundred" is 100; "hundreds" and "second" alone are words.
            Some(Part::Scale(by)) if number.some => number.scale(by),
            Some(Part::Scale(by)) if next == at && at > 0 && words[at - 1] == "a" => number.scale(by),
            Some(Part::Ordinal(n)) if !number.some || n < number.room => {
                number.add(n);
                let digits = number.written();
                let end = match (
                    digits.ends_with("11") || digits.ends_with("12") || digits.ends_with("13"),
                    digits.as_bytes().last(),
                ) {
                    (false, Some(b'1')) => "st",
                    (false, Some(b'2')) => "nd",
                    (false, Some(b'3')) => "rd",
                    _ => "th",
                };
                return Some((digits + end, next + 1));
            }
            _ => break,
        }
        next += 1;
    }
    if !number.some {
        return None;
    }
    let mut written = number.written();
    // "three point five".
    if words.get(next).is_some_and(|w| w == "point") {
        let digits: String = words[next + 1..]
            .iter()
            .map_while(|w| match part(w) {
                Some(Part::One(n)) if n < 10 => Some(n.to_string()),
                _ if w == "oh" => Some("0".to_owned()),
                _ => None,
            })
            .collect();
        if !digits.is_empty() {
            next += 1 + digits.len();
            written = format!("{written}.{digits}");
        }
    }
    Some((written, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (words, wanted) in [
            ("one hundred and five people", "105 people"),
            ("nineteen eighty four", "1984"),
            ("twenty twenty five", "2025"),
            ("one oh one", "101"),
            ("three point one four percent", "3.14%"),
            ("twenty first", "21st"),
            ("the eleventh hour", "the 11th hour"),
            ("two million three hundred thousand and twelve dollars", "$2300012"),
            ("forty two thousand", "42000"),
            ("twenty five and six", "25 and 6"),
            ("20 thousand euros", "€20000"),
            ("a hundred pounds", "a £100"),
            ("one two three", "123"),
            ("hundred reasons and oh no", "hundred reasons and oh no"),
            ("no point at all", "no point at all"),
        ] {
            let split: Vec<String> = words.split(' ').map(str::to_owned).collect();
            assert_eq!(as_digits(&split).join(" "), wanted, "{words}");
        }
    }
}
