//! Emoji and pictures made of signs.

/// Faces made of signs, as they are typed.
const FACES: &[&str] = &[
    ":-)",
    ":)",
    ";-)",
    ";)",
    ":-(",
    ":(",
    ":D",
    ":-D",
    ";D",
    ":P",
    ":-P",
    ":p",
    ":-p",
    "=)",
    "=D",
    "^_^",
    "^^",
    "<3",
    ":o)",
    "(:",
    ":-|",
    ":-/",
    ":]",
    "xD",
    "XD",
    ":'(",
    "\\o/",
    "-_-",
    ":3",
    ";P",
    ":-*",
    ":*",
    "8-)",
    "B-)",
    "¯\\_(ツ)_/¯",
];
/// Longest name between colons: `:raised_hands:`.
const SHORTCODE: usize = 24;

/// Whether Unicode draws it as a picture (the emoji blocks, without letters, digits, arrows and marks of trade).
const fn picture(c: char) -> bool {
    matches!(c,
        '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b05}'..='\u{2b07}' | '\u{2b1b}' | '\u{2b1c}'
        | '\u{2b50}' | '\u{2b55}' | '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23f3}' | '\u{23f8}'..='\u{23fa}'
        | '\u{20e3}' | '\u{203c}' | '\u{2049}' | '\u{3030}' | '\u{303d}' | '\u{fe0f}')
}

/// Where pictures are: byte and what is there. A family of joined people is one.
#[must_use]
pub fn pictures(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let goes_on = at == end && !found.is_empty();
        if picture(c) {
            match found.last_mut() {
                Some((_, before)) if goes_on => before.push(c),
                _ => found.push((at, c.to_string())),
            }
            end = at + c.len_utf8();
        } else if goes_on && c == '\u{200d}' {
            end = at + c.len_utf8();
        }
    }
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let bare = piece.trim();
        if let Some(face) = FACES.iter().find(|f| face_at(bare, f)) {
            found.push((at, (*face).to_owned()));
        } else if let Some(code) = shortcode(bare) {
            found.push((at, code.to_owned()));
        }
        at += piece.len();
    }
    found.sort();
    found
}

/// A face alone, or hung on a word: `great:-)`. Of faces that begin with a letter or could be a list's end only those alone.
fn face_at(piece: &str, face: &str) -> bool {
    let bare = piece.trim_end_matches(['.', ',', '!']);
    let hung = || face.len() >= 2 && face.starts_with([':', ';']) && !face.ends_with(['3', 'o', 'p', 'P', 'D']);
    piece == face || bare == face || (hung() && bare.len() > face.len() && bare.ends_with(face) && word(bare, face))
}

fn word(bare: &str, face: &str) -> bool {
    bare.strip_suffix(face)
        .and_then(|b| b.chars().next_back())
        .is_some_and(|c| c.is_alphanumeric() || ".!?".contains(c))
}

fn shortcode(piece: &str) -> Option<&str> {
    let bare = piece.trim_end_matches(['.', ',', '!']);
    let name = bare.strip_prefix(':')?.strip_suffix(':')?;
    let fine = name.len() >= 2 && name.len() <= SHORTCODE && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    fine.then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_seen() {
        for (text, n) in [
            ("great \u{1f680}", 1),
            ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} all", 1),
            ("sounds good :-)", 1),
            ("nice:)", 1),
            ("ship it :rocket:", 1),
            ("1\u{fe0f}\u{20e3} first", 1),
            ("thanks \u{2764}\u{fe0f}!", 1),
            ("love <3", 1),
            ("at 10:30 (see: list)", 0),
            ("costs < 3 and (a) or (b):", 0),
            ("Acme\u{2122} and \u{a9} 2026 \u{2192} next", 0),
            ("ratio 8:3", 0),
        ] {
            assert_eq!(pictures(text).len(), n, "{text}");
        }
    }
}
