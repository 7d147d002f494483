//! Whisper's English text normaliser, written anew for what matters here, so that word errors can be compared with others'.
//!
//! As in "Robust Speech Recognition via Large-Scale Weak Supervision" (Radford et al. 2022), appendix C: lower case;
//! what stands in brackets goes; hesitations (hmm, mm, mhm, mmm, uh, um) go; contractions and titles are written out; letters
//! lose their accents; numbers in words become digits, with decimals, ordinals, percent and currency; British spellings
//! become American; everything that is no letter, digit or apostrophe within a word is a blank.
//!
//! Not done: the spelling list has the words of [`AMERICAN`] and two endings, not Whisper's 1,741 pairs; "double" and "triple"
//! before a digit, plus and minus signs, cents and "and a half" stay words. Beyond Whisper, "cannot" is "can not".

use super::numbers;

/// Hesitations.
const FILLERS: [&str; 6] = ["hmm", "mm", "mhm", "mmm", "uh", "um"];

/// Whole words written out.
const WHOLE: [(&str, &str); 24] = [
    ("won't", "will not"),
    ("can't", "can not"),
    ("cannot", "can not"),
    ("let's", "let us"),
    ("ain't", "aint"),
    ("y'all", "you all"),
    ("wanna", "want to"),
    ("gotta", "got to"),
    ("gonna", "going to"),
    ("i'ma", "i am going to"),
    ("imma", "i am going to"),
    ("woulda", "would have"),
    ("coulda", "could have"),
    ("shoulda", "should have"),
    ("ma'am", "madam"),
    ("mr", "mister"),
    ("mrs", "missus"),
    ("st", "saint"),
    ("dr", "doctor"),
    ("prof", "professor"),
    ("capt", "captain"),
    ("gov", "governor"),
    ("jr", "junior"),
    ("sr", "senior"),
];

/// Ends of words written out, in this order. Every `'s` is taken for "is", as Whisper does but before "been" and "got".
const ENDS: [(&str, &str); 7] = [
    ("n't", " not"),
    ("'re", " are"),
    ("'s", " is"),
    ("'d", " would"),
    ("'ll", " will"),
    ("'t", " not"),
    ("'ve", " have"),
];

/// British spellings met in talk, beside `-ise` and `-our` below.
const AMERICAN: [(&str, &str); 26] = [
    ("centre", "center"),
    ("centres", "centers"),
    ("theatre", "theater"),
    ("metre", "meter"),
    ("metres", "meters"),
    ("litre", "liter"),
    ("litres", "liters"),
    ("cheque", "check"),
    ("cheques", "checks"),
    ("programme", "program"),
    ("programmes", "programs"),
    ("licence", "license"),
    ("defence", "defense"),
    ("offence", "offense"),
    ("grey", "gray"),
    ("travelling", "traveling"),
    ("travelled", "traveled"),
    ("cancelled", "canceled"),
    ("cancelling", "canceling"),
    ("labelled", "labeled"),
    ("modelling", "modeling"),
    ("catalogue", "catalog"),
    ("dialogue", "dialog"),
    ("counselled", "counseled"),
    ("jewellery", "jewelry"),
    ("tyre", "tire"),
];
/// Words in `-our` that are `-or` elsewhere; the ending alone would spoil "hour" and "four".
const OUR: [&str; 14] = [
    "behaviour",
    "colour",
    "endeavour",
    "favour",
    "flavour",
    "harbour",
    "honour",
    "humour",
    "labour",
    "neighbour",
    "odour",
    "rumour",
    "savour",
    "vapour",
];
/// Verbs in `-ise` that are `-ize` elsewhere, without their ending.
const ISE: [&str; 16] = [
    "organ", "real", "recogn", "optim", "custom", "prior", "author", "final", "maxim", "minim", "emphas", "apolog",
    "special", "util", "standard", "summar",
];

/// The words of `text` as they are compared.
pub fn words(text: &str) -> Vec<String> {
    let text = without_brackets(&text.to_lowercase().replace(['’', 'ʼ', '`'], "'"));
    let mut out = Vec::new();
    for chunk in text.split_whitespace() {
        // A sign that belongs to a number stays until numbers are read: $20, 3.5, 1,000, 40%.
        let chunk: String = chunk.chars().flat_map(plain).collect();
        for word in split(&chunk) {
            written_out(&word, &mut out);
        }
    }
    out.retain(|w| !FILLERS.contains(&w.as_str()));
    numbers::as_digits(&out).into_iter().map(|w| american(&w)).collect()
}

fn without_brackets(text: &str) -> String {
    let (mut out, mut depth) = (String::with_capacity(text.len()), 0_u32);
    for c in text.chars() {
        match c {
            '[' | '(' | '<' => depth += 1,
            ']' | ')' | '>' => {
                depth = depth.saturating_sub(1);
                out.push(' ');
            }
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// A letter without its accent.
fn plain(c: char) -> impl Iterator<Item = char> {
    let text: &str = match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'æ' => "ae",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => "o",
        'œ' => "oe",
        'ß' => "ss",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' => "y",
        _ => "",
    };
    text.chars().chain(text.is_empty().then_some(c))
}

/// Cuts at everything that is neither letter, digit nor apostrophe, but for signs that belong to a number.
fn split(chunk: &str) -> Vec<String> {
    let chars: Vec<char> = chunk.chars().collect();
    let digit = |i: Option<usize>| i.and_then(|i| chars.get(i)).is_some_and(char::is_ascii_digit);
    let (mut out, mut word) = (Vec::new(), String::new());
    for (i, &c) in chars.iter().enumerate() {
        let keep = match c {
            '\'' => true,
            '.' => digit(i.checked_sub(1)) && digit(Some(i + 1)),
            '$' | '€' | '£' => digit(Some(i + 1)),
            '%' => digit(i.checked_sub(1)),
            _ => c.is_alphanumeric(),
        };
        // 1,000 is one number.
        if c == ',' && digit(i.checked_sub(1)) && digit(Some(i + 1)) {
            continue;
        }
        if keep {
            word.push(c);
        } else if !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
    }
    out.push(word);
    out.into_iter().map(|w| w.trim_matches('\'').to_owned()).filter(|w| !w.is_empty()).collect()
}

fn written_out(word: &str, out: &mut Vec<String>) {
    if let Some((_, long)) = WHOLE.iter().find(|(short, _)| *short == word) {
        out.extend(long.split(' ').map(str::to_owned));
        return;
    }
    if word == "i'm" {
        out.extend(["i".to_owned(), "am".to_owned()]);
        return;
    }
    if let Some((stem, long)) =
        ENDS.iter().find_map(|(end, long)| Some((word.strip_suffix(end)?, long))).filter(|(stem, _)| !stem.is_empty())
    {
        out.extend([stem.replace('\'', ""), long.trim().to_owned()]);
        return;
    }
    out.push(word.replace('\'', ""));
}

fn american(word: &str) -> String {
    if let Some((_, us)) = AMERICAN.iter().find(|(uk, _)| *uk == word) {
        return (*us).to_owned();
    }
    if let Some(stem) = OUR.iter().find(|stem| word.starts_with(**stem)) {
        return format!("{}or{}", &stem[..stem.len() - 3], &word[stem.len()..]);
    }
    match ISE.iter().find_map(|stem| Some((stem, word.strip_prefix(stem)?))) {
        Some((stem, rest))
            if rest.starts_with("is") && matches!(rest, "ise" | "ised" | "ises" | "ising" | "isation" | "isations") =>
        {
            format!("{stem}iz{}", &rest[2..])
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_said_is_the_same_written() {
        for (text, wanted) in [
            ("Mr. Park, you can't be serious!", "mister park you can not be serious"),
            ("Um, it's [laughs] we're — uh — (coughs) late", "it is we are late"),
            ("I'll  pay $1,000.50; that's 40%", "i will pay $1000.50 that is 40%"),
            ("café naïve Übergröße", "cafe naive ubergrosse"),
            (
                "the colours of our neighbours' organisation, at four hours",
                "the colors of our neighbors organization at 4 hours",
            ),
            ("twenty-five people", "25 people"),
            ("he'd rather not; they've wanted 'this'", "he would rather not they have wanted this"),
            ("we should've", "we should have"),
            ("travelling to the centre", "traveling to the center"),
            ("otherwise a promise, an exercise", "otherwise a promise an exercise"),
            ("", ""),
            ("--- ...", ""),
        ] {
            assert_eq!(words(text).join(" "), wanted, "{text}");
        }
    }
}
