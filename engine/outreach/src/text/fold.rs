//! One spelling for what looks the same: curly and straight quotes, letters of other scripts that look Latin, letters
//! nobody sees.

/// Letters of other scripts that pass for Latin ones (a part of Unicode's confusables, UTS #39: those drawn alike in most
/// faces).
const LOOKALIKES: &[(&str, char)] = &[
    ("аᴀα", 'a'),
    ("ЬᏏ", 'b'),
    ("сϲᴄ", 'c'),
    ("ԁ", 'd'),
    ("еҽєε", 'e'),
    ("ց", 'g'),
    ("һ", 'h'),
    ("іıιɩӏ", 'i'),
    ("јϳ", 'j'),
    ("кκ", 'k'),
    ("ⅼ", 'l'),
    ("мⅿ", 'm'),
    ("ոпν", 'n'),
    ("оοσօ", 'o'),
    ("рρ", 'p'),
    ("ԛ", 'q'),
    ("г", 'r'),
    ("ѕ", 's'),
    ("тτ", 't'),
    ("υս", 'u'),
    ("ѵ", 'v'),
    ("ԝѡ", 'w'),
    ("хχ", 'x'),
    ("уүγ", 'y'),
    ("ᴢ", 'z'),
];
/// Letters with marks, by the letter they are without.
const MARKED: &[(&str, &str)] = &[
    ("àáâãåāăą", "a"),
    ("ä", "ae"),
    ("æ", "ae"),
    ("çćč", "c"),
    ("ďđ", "d"),
    ("èéêëēęě", "e"),
    ("ğ", "g"),
    ("ìíîïī", "i"),
    ("ł", "l"),
    ("ñńň", "n"),
    ("òóôõøō", "o"),
    ("ö", "oe"),
    ("œ", "oe"),
    ("ř", "r"),
    ("śšş", "s"),
    ("ß", "ss"),
    ("ťţ", "t"),
    ("ùúûūů", "u"),
    ("ü", "ue"),
    ("ýÿ", "y"),
    ("źżž", "z"),
];

/// Whether nobody sees the character: joiners, marks of direction, soft hyphens, selectors, tags, combining marks.
const fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{300}'..='\u{36f}'
        | '\u{e0000}'..='\u{e01ef}')
}

/// The text with the same letters, and plain quotes, dashes and blanks: what a reader sees. Line breaks stay.
#[must_use]
pub fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\u{2026}', "...").chars().filter(|c| !unseen(*c)).map(one).collect()
}

fn one(c: char) -> char {
    match c {
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        '\n' => '\n',
        c if c.is_whitespace() => ' ',
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' | '\u{02bc}' | '`' | '\u{b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => '"',
        '\u{2010}'..='\u{2012}' | '\u{2212}' => '-',
        '\u{37e}' => '?',
        '\u{ff01}'..='\u{ff5e}' => shift(c, 0xff01, 0x21),
        // Mathematical letters: thirteen alphabets of 52.
        '\u{1d400}'..='\u{1d6a3}' => {
            let nth = (c as u32 - 0x1d400) % 52;
            char::from_u32(if nth < 26 { nth + 0x41 } else { nth - 26 + 0x61 }).unwrap_or(c)
        }
        c => c,
    }
}

fn shift(c: char, from: u32, to: u32) -> char {
    char::from_u32(c as u32 - from + to).unwrap_or(c)
}

/// The words alone, for looking phrases up: small letters without marks, lookalikes as Latin ones, apostrophes dropped,
/// one blank between words and no other sign. Umlauts become two letters.
#[must_use]
pub fn key(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars().flat_map(char::to_lowercase) {
        if c == '\'' || unseen(c) {
            continue;
        }
        if let Some((_, latin)) = LOOKALIKES.iter().find(|(set, _)| set.contains(c)) {
            out.push(*latin);
        } else if let Some((_, latin)) = MARKED.iter().find(|(set, _)| set.contains(c)) {
            out.push_str(latin);
        } else if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for text in [
            "hope this finds you well",
            "Hope  this\u{a0}finds you\u{2003}WELL!",
            "ho\u{200b}pe th\u{ad}is finds you well",
            "h\u{43e}pe th\u{456}s finds you w\u{435}ll",
            "\u{ff48}\u{ff4f}\u{ff50}\u{ff45} this finds you well",
            "\u{1d421}\u{1d428}\u{1d429}\u{1d41e} this\nfinds - you, well",
        ] {
            assert_eq!(key(text), "hope this finds you well", "{text:?}");
        }
        assert_eq!(key("I know you\u{2019}re busy"), "i know youre busy");
        assert_eq!(key("Grüße, déjà"), "gruesse deja");
        assert_eq!(plain("\u{201c}a\u{201d}\r\nb"), "\"a\"\nb");
    }
}
