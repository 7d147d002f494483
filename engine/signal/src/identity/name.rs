//! Names of organisations and of people, brought to one form.

/// Legal forms, without dots and in lower case; taken off the end (and `the` off the beginning).
const LEGAL: [&str; 56] = [
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "llc",
    "llp",
    "lp",
    "ltd",
    "limited",
    "plc",
    "pllc",
    "pc",
    "gmbh",
    "mbh",
    "ag",
    "kg",
    "kgaa",
    "ohg",
    "ug",
    "ev",
    "eg",
    "se",
    "sa",
    "sas",
    "sasu",
    "sarl",
    "srl",
    "spa",
    "sl",
    "slu",
    "nv",
    "bv",
    "ab",
    "as",
    "asa",
    "aps",
    "oy",
    "oyj",
    "sro",
    "spzoo",
    "kft",
    "pty",
    "pte",
    "pvt",
    "private",
    "kk",
    "sdn",
    "bhd",
    "ltda",
    "haftungsbeschrankt",
    "cv",
    "de",
    "cie",
    "compagnie",
];

/// A letter without its marks; `ä`, `ae` and `a` come out alike.
fn folded(c: char) -> &'static str {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'æ' | 'ā' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'í' | 'ì' | 'î' | 'ï' | 'ı' => "i",
        'ñ' | 'ń' | 'ň' => "n",
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'œ' | 'ő' => "o",
        'ú' | 'ù' | 'û' | 'ü' | 'ů' | 'ű' => "u",
        'š' | 'ś' | 'ş' => "s",
        'ž' | 'ź' | 'ż' => "z",
        'ł' => "l",
        'ý' | 'ÿ' => "y",
        'đ' => "d",
        'ř' => "r",
        'ť' => "t",
        'ğ' => "g",
        'ß' => "ss",
        _ => "",
    }
}

/// Lower case, no marks, letters and digits, single spaces; `&` and `+` are `and`; dots and apostrophes vanish.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut text = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match (c, folded(c)) {
            ('.' | '\'' | '’' | '`', _) => {}
            ('&' | '+', _) => text.push_str(" and "),
            (_, plain) if !plain.is_empty() => text.push_str(plain),
            (c, _) if c.is_alphanumeric() => text.push(c),
            _ => text.push(' '),
        }
    }
    text.split_whitespace().map(|w| w.replace("ae", "a").replace("oe", "o").replace("ue", "u")).collect()
}

/// An organisation's name without its legal form: `muller sohne` for "Müller & Söhne GmbH & Co. KG" and for "Mueller und
/// Soehne". Equal keys are equal names; an empty key is no name.
#[must_use]
pub fn name_key(name: &str) -> String {
    // "Acme (formerly Apex)" and "Acme, a part of Apex" are Acme.
    let bare = name.split(['(', '|']).next().filter(|t| !t.trim().is_empty()).unwrap_or(name);
    let mut words = words(bare);
    if words.len() > 1 && words[0] == "the" {
        words.remove(0);
    }
    // "Sp. z o.o." is three words.
    if words.len() > 3 && words[words.len() - 3..] == ["sp", "z", "oo"] {
        words.truncate(words.len() - 3);
    }
    let legal = |w: &String| LEGAL.contains(&w.as_str());
    // A legal form, or an "and" between two of them ("GmbH & Co. KG"). Never the whole name.
    while words.len() > 1 {
        let n = words.len();
        if legal(&words[n - 1]) || words[n - 1] == "and" {
            words.pop();
        } else {
            break;
        }
    }
    let words: Vec<String> = words.into_iter().filter(|w| !["and", "und", "et", "y"].contains(&w.as_str())).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_forms_marks_and_spelling_do_not_matter_and_words_do() {
        for (a, b) in [
            ("Müller & Söhne GmbH & Co. KG", "Mueller und Soehne"),
            ("The Acme Company, Inc.", "ACME"),
            ("Acme S.A.", "acme sa"),
            ("Société Générale d'Essai SARL", "Societe Generale dEssai"),
            ("Straße AG", "Strasse"),
            ("Apex Pty. Ltd.", "Apex"),
            ("Northwind (formerly Southwind)", "Northwind"),
        ] {
            assert_eq!(name_key(a), name_key(b), "{a} / {b}");
        }
        for (a, b) in [("Acme Bank", "Acme"), ("Delta Air", "Delta Faucet"), ("Co", "Inc"), ("Acme 1", "Acme 2")] {
            assert_ne!(name_key(a), name_key(b), "{a} / {b}");
        }
        assert_eq!(name_key("Limited"), "limited");
        assert_eq!(name_key("…"), "");
    }
}
