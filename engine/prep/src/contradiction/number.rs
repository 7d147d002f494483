//! Numbers in sentences: digits and words, money, ranges, and what they count.

use reframe_call::number_words::cardinal;

use super::line::Sentence;

/// A number as it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// First word.
    pub from: usize,
    /// One past the last.
    pub to: usize,
    /// Least it can mean.
    pub low: f64,
    /// Most it can mean.
    pub high: f64,
    /// Whether it is money by its own words: a currency, "k", "grand".
    pub money: bool,
    /// Whether it was said with a scale: "thousand", "k", or four digits and more.
    pub scaled: bool,
    /// "About", "roughly": it may be off by some.
    pub rough: bool,
    /// Whether it is a share.
    pub percent: bool,
}

const CURRENCIES: [&str; 14] = [
    "euro", "euros", "dollar", "dollars", "pound", "pounds", "quid", "bucks", "francs", "eur", "usd", "gbp", "chf",
    "kroner",
];
const ROUGH: [&str; 12] = [
    "about",
    "around",
    "roughly",
    "approximately",
    "almost",
    "nearly",
    "circa",
    "some",
    "close",
    "maybe",
    "like",
    "probably",
];

/// Every number of a sentence, in order; those of a range are one.
pub fn numbers(s: &Sentence) -> Vec<Number> {
    let mut out: Vec<Number> = Vec::new();
    let mut i = 0;
    while i < s.words.len() {
        let Some(mut n) = number(s, i) else {
            i += 1;
            continue;
        };
        let word = |k: usize| s.words.get(k).map_or("", |w| w.text.as_str());
        // "Between twenty and thirty thousand", "forty to fifty": one range, in the scale of its end.
        let joined = ["to", "and", "or"].contains(&word(n.to));
        let between = i > 0 && word(i - 1) == "between";
        if joined
            && (between || word(n.to) != "and")
            && let Some(other) = number(s, n.to + 1)
            && !other.percent
        {
            let scale =
                if !n.scaled && other.scaled && n.high < 1_000.0 && other.high >= 1_000.0 { 1_000.0 } else { 1.0 };
            if n.low * scale <= other.high {
                n = Number { from: n.from, low: n.low * scale, scaled: n.scaled || other.scaled, ..other };
            }
        }
        n.rough |= (1..=2).any(|k| i >= k && ROUGH.contains(&word(i - k)));
        i = n.to;
        out.push(n);
    }
    out
}

/// The number that begins at word `i`.
fn number(s: &Sentence, i: usize) -> Option<Number> {
    let word = |k: usize| s.words.get(k).map_or("", |w| w.text.as_str());
    let first = word(i);
    let bare = first.trim_start_matches(['$', '€', '£']).trim_end_matches(['$', '€', '£']);
    let mut money = bare.len() != first.len();
    let (mut value, mut to, mut scaled) = if let Some((v, scaled, k)) = digits(bare) {
        money |= k;
        (v, i + 1, scaled)
    } else {
        let (v, to, scaled) = in_words(s, i)?;
        (v, to, scaled)
    };
    for (names, scale) in
        [(&["hundred"][..], 100.0), (&["thousand", "k", "grand"], 1e3), (&["million", "mil", "m"], 1e6)]
    {
        if names.contains(&word(to)) && (value < 1_000.0 || scale < 1e3) {
            money |= word(to) == "grand" || word(to) == "k";
            value *= scale;
            scaled = true;
            to += 1;
        }
    }
    if CURRENCIES.contains(&word(to)) {
        money = true;
        to += 1;
        // "Three euros twenty".
        if value < 1_000.0
            && let Some((cents, end)) = small(s, to).filter(|(c, _)| (1.0..100.0).contains(c))
            && !["people", "users", "months", "weeks", "percent"].contains(&word(end))
        {
            value += cents / 100.0;
            to = end;
        }
    }
    money |= (i..to).any(|k| ["grand", "k"].contains(&word(k)));
    let percent = first.ends_with('%') || ["percent", "per", "%"].contains(&word(to)) && word(to) != "per";
    Some(Number { from: i, to, low: value, high: value, money, scaled, rough: false, percent })
}

/// `80,000`, `80k`, `1.5m`: value, whether it has a scale, whether that makes it money.
fn digits(text: &str) -> Option<(f64, bool, bool)> {
    let (body, scale, k) = match text.strip_suffix('k') {
        Some(body) => (body, 1e3, true),
        None => match text.strip_suffix('m') {
            Some(body) => (body, 1e6, true),
            None => (text, 1.0, false),
        },
    };
    let body = body.trim_end_matches('%');
    if body.is_empty() || !body.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if !body.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.') {
        return None;
    }
    // "80,000" and "80.000" are thousands, "3.20" is not.
    let groups: Vec<&str> = body.split([',', '.']).collect();
    let thousands = groups.len() > 1 && groups[1..].iter().all(|g| g.len() == 3);
    let plain = if thousands { groups.concat() } else { body.replace(',', ".") };
    let value: f64 = plain.parse().ok()?;
    Some((value * scale, scale > 1.0 || value >= 1_000.0, k))
}

/// Number words from `i` on, up to hundreds and "thousand": value, end, whether it had a scale.
fn in_words(s: &Sentence, i: usize) -> Option<(f64, usize, bool)> {
    let word = |k: usize| s.words.get(k).map_or("", |w| w.text.as_str());
    match (word(i), word(i + 1), word(i + 2)) {
        ("half", "a", "million") => return Some((500_000.0, i + 3, true)),
        ("quarter", "million", _) => return Some((250_000.0, i + 2, true)),
        ("a", "dozen", _) => return Some((12.0, i + 2, false)),
        ("dozen", ..) => return Some((12.0, i + 1, false)),
        _ => {}
    }
    let (mut total, mut scaled) = (0.0, false);
    let mut to;
    let (mut part, mut at) = match word(i) {
        "a" if ["hundred", "thousand", "million"].contains(&word(i + 1)) => (1.0, i + 1),
        _ => small(s, i)?,
    };
    loop {
        if word(at) == "hundred" {
            part *= 100.0;
            at += 1;
            let rest = if word(at) == "and" { at + 1 } else { at };
            if let Some((more, end)) = small(s, rest).filter(|(n, _)| *n < 100.0) {
                part += more;
                at = end;
            }
        }
        // "Forty eight and a half".
        if word(at) == "and" && word(at + 1) == "a" && word(at + 2) == "half" {
            part += 0.5;
            at += 3;
        }
        // "One point two million".
        if word(at) == "point"
            && let Some((tenths, end)) = small(s, at + 1).filter(|(n, _)| *n < 10.0)
        {
            part += tenths / 10.0;
            at = end;
        }
        let scale = match word(at) {
            "thousand" | "grand" | "k" => 1e3,
            "million" => 1e6,
            _ => 1.0,
        };
        total += part * scale;
        to = at;
        if scale == 1.0 {
            break;
        }
        scaled = true;
        to += 1;
        let rest = if word(to) == "and" { to + 1 } else { to };
        let Some((more, end)) = small(s, rest) else { break };
        if scale < 1e3 || word(end) == "percent" {
            break;
        }
        (part, at) = (more, end);
    }
    Some((total, to, scaled))
}

/// 0 to 99 in words or digits.
fn small(s: &Sentence, i: usize) -> Option<(f64, usize)> {
    let word = |k: usize| s.words.get(k).map_or("", |w| w.text.as_str());
    if let Ok(n) = word(i).parse::<u32>() {
        return (n < 100).then(|| (f64::from(n), i + 1));
    }
    let n = cardinal(word(i))?;
    let float = |n: u64| f64::from(u32::try_from(n).unwrap_or(0));
    if n >= 20
        && let Some(ones) = cardinal(word(i + 1)).filter(|o| (1..10).contains(o))
    {
        return Some((float(n + ones), i + 2));
    }
    Some((float(n), i + 1))
}

/// How far two numbers may lie apart and be the same: a twentieth, and more if one was only roughly said.
const SAME: f64 = 0.05;
const SAME_ROUGH: f64 = 0.15;

impl Number {
    /// Whether two numbers cannot mean the same.
    pub fn differs(&self, other: &Self) -> bool {
        let slack = if self.rough || other.rough { SAME_ROUGH } else { SAME };
        let scale = thousandfold(self, other);
        let (low, high) = (self.low * scale.0, self.high * scale.0);
        let (other_low, other_high) = (other.low * scale.1, other.high * scale.1);
        low > other_high * (1.0 + slack) || other_low > high * (1.0 + slack)
    }
}

/// "Forty" for "forty thousand": what a side without a scale is to be taken by.
fn thousandfold(a: &Number, b: &Number) -> (f64, f64) {
    match (a.scaled, b.scaled) {
        (true, false) if a.low >= 1_000.0 && b.high < 1_000.0 => (1.0, 1_000.0),
        (false, true) if b.low >= 1_000.0 && a.high < 1_000.0 => (1_000.0, 1.0),
        _ => (1.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contradiction::line::sentences;

    fn read(text: &str) -> Vec<(f64, f64, bool)> {
        let all = sentences(text.split(' '));
        all.iter().flat_map(numbers).map(|n| (n.low, n.high, n.money)).collect()
    }

    #[test]
    fn numbers_of_every_form() {
        for (text, want) in [
            ("we have $80,000 set aside", &[(80_000.0, 80_000.0, true)][..]),
            ("about eighty thousand dollars", &[(80_000.0, 80_000.0, true)]),
            ("80k", &[(80_000.0, 80_000.0, true)]),
            ("fifty grand", &[(50_000.0, 50_000.0, true)]),
            ("a hundred and ninety", &[(190.0, 190.0, false)]),
            ("one point two million", &[(1_200_000.0, 1_200_000.0, false)]),
            ("half a million", &[(500_000.0, 500_000.0, false)]),
            ("forty eight and a half to be exact", &[(48.5, 48.5, false)]),
            ("between 20 and 30 thousand", &[(20_000.0, 30_000.0, false)]),
            ("forty to fifty people", &[(40.0, 50.0, false)]),
            ("3 euros 20 a call", &[(3.2, 3.2, true)]),
            ("four euros ninety per call", &[(4.9, 4.9, true)]),
            ("two hundred and forty seats and three sites", &[(240.0, 240.0, false), (3.0, 3.0, false)]),
            ("twenty five thousand five hundred", &[(25_500.0, 25_500.0, false)]),
            ("64,000.", &[(64_000.0, 64_000.0, false)]),
            ("nothing", &[]),
        ] {
            assert_eq!(read(text), want, "{text}");
        }
    }

    #[test]
    fn the_same_in_other_words() {
        for (a, b, differ) in [
            ("fifty thousand", "50k", false),
            ("about fifty thousand", "48500", false),
            ("fifty thousand", "forty thousand", true),
            ("40,000", "40", false),
            ("between 20 and 30 thousand", "27", false),
            ("320", "240", true),
            ("around 300", "320", false),
            ("3 euros 20", "4 euros 90", true),
        ] {
            let one = |text: &str| numbers(&sentences(text.split(' '))[0])[0].clone();
            assert_eq!(one(a).differs(&one(b)), differ, "{a} / {b}");
        }
    }
}
