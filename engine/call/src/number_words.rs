//! The words of English numbers, one at a time. How they make up a number depends on what is read: a date, a sum, a
//! transcript that is scored; whoever reads it says so.

/// 0 to 19.
pub const ONES: [&str; 20] = [
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
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
/// 20 to 90.
pub const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/// 0th to 19th.
const ORDINAL_ONES: [&str; 20] = [
    "zeroth",
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
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];
/// 20th to 90th.
const ORDINAL_TENS: [&str; 8] =
    ["twentieth", "thirtieth", "fortieth", "fiftieth", "sixtieth", "seventieth", "eightieth", "ninetieth"];

/// The number of which `word`, in lower case, is the whole: 0 to 19, and tens to 90.
#[must_use]
pub fn cardinal(word: &str) -> Option<u64> {
    value(word, &ONES, &TENS)
}

/// The same of "first" (1) to "nineteenth", "twentieth" to "ninetieth", and "zeroth".
#[must_use]
pub fn ordinal(word: &str) -> Option<u64> {
    value(word, &ORDINAL_ONES, &ORDINAL_TENS)
}

/// The words of a cardinal, 0 to 99: "twenty", "seven"; a larger one has none.
#[must_use]
pub fn cardinal_words(n: usize) -> Vec<&'static str> {
    words(n, ONES, TENS)
}

/// The words of an ordinal, 0 to 99: "twenty", "seventh"; a larger one has none.
#[must_use]
pub fn ordinal_words(n: usize) -> Vec<&'static str> {
    words(n, ORDINAL_ONES, ORDINAL_TENS)
}

fn words(n: usize, ones: [&'static str; 20], tens: [&'static str; 8]) -> Vec<&'static str> {
    match n {
        0..=19 => vec![ones[n]],
        20..=99 if n.is_multiple_of(10) => vec![tens[n / 10 - 2]],
        20..=99 => vec![TENS[n / 10 - 2], ones[n % 10]],
        _ => Vec::new(),
    }
}

fn value(word: &str, ones: &[&str], tens: &[&str]) -> Option<u64> {
    let at = |list: &[&str]| list.iter().position(|w| *w == word).and_then(|n| u64::try_from(n).ok());
    at(ones).or_else(|| at(tens).map(|n| 20 + 10 * n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_value() {
        for (word, c, o) in [
            ("zero", Some(0), None),
            ("nineteen", Some(19), None),
            ("twenty", Some(20), None),
            ("ninety", Some(90), None),
            ("first", None, Some(1)),
            ("twelfth", None, Some(12)),
            ("nineteenth", None, Some(19)),
            ("fortieth", None, Some(40)),
            ("hundred", None, None),
            ("", None, None),
        ] {
            assert_eq!((cardinal(word), ordinal(word)), (c, o), "{word}");
        }
    }
    #[test]
    fn a_number_is_spelled_in_the_words_that_are_read() {
        for (n, c, o) in [
            (0, "zero", "zeroth"),
            (13, "thirteen", "thirteenth"),
            (20, "twenty", "twentieth"),
            (31, "thirty one", "thirty first"),
            (99, "ninety nine", "ninety ninth"),
            (100, "", ""),
        ] {
            assert_eq!((cardinal_words(n).join(" "), ordinal_words(n).join(" ")), (c.into(), o.into()), "{n}");
        }
    }
}
