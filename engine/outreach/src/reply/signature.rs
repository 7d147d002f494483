//! What stands below an answer and says only who wrote it.

use crate::text::key;

/// How an answer is closed, as keys of a whole line; after one of them up to [`MOST_MORE`] words may follow on the line.
#[rustfmt::skip]
const CLOSINGS: &[&str] = &[
    "best", "best regards", "best wishes", "kind regards", "kindest regards", "warm regards", "regards", "rgds", "br",
    "kr", "with kind regards", "with best regards", "with regards", "with respect", "many thanks", "thanks",
    "thank you", "thx", "tks", "cheers", "ciao", "sincerely", "sincerely yours", "yours", "yours sincerely",
    "yours faithfully", "yours truly", "respectfully", "all the best", "greetings", "greets", "take care",
    "speak soon", "talk soon", "have a good week", "have a nice day", "thanks and have a good week",
    "speak soon kind regards", "bye", "mfg", "lg", "vg", "gruss", "gruesse", "viele gruesse", "liebe gruesse",
    "beste gruesse", "herzliche gruesse", "freundliche gruesse", "mit freundlichen gruessen", "mit besten gruessen",
    "schoene gruesse", "cordialement", "bien cordialement", "cdt", "bien a vous", "salutations", "sinceres salutations",
    "meilleures salutations", "bonne journee", "saludos", "un saludo", "un cordial saludo", "saludos cordiales",
    "atentamente", "gracias", "merci", "danke", "groet", "groeten", "met vriendelijke groet", "cordiali saluti",
];
/// Words after a closing on its line: "Best, Marc".
const MOST_MORE: usize = 3;
/// Longest line of a block that says who somebody is, in words; a notice of the company may be longer.
const LONGEST: usize = 9;
/// From how many letters on a line below a closing is a notice, not something said.
const NOTICE: usize = 100;
/// Small words inside names of people, offices and places.
const JOINTS: &[&str] = &[
    "of", "the", "and", "for", "de", "du", "des", "la", "le", "von", "van", "der", "den", "und", "et", "y", "p.p.",
    "i.a.",
];

/// The text without the block below it that says who wrote.
pub(super) fn unsigned(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let said = |i: usize| lines[..i].iter().any(|l| l.split_whitespace().count() > 0);
    let cut = (1..lines.len()).find(|i| said(*i) && (closes(lines[*i]) && signs(&lines[i + 1..]) || block(&lines, *i)));
    let Some(cut) = cut else { return text.trim().to_owned() };
    // What is asked for below one's name is said all the same.
    let after = lines[cut..].iter().filter(|l| key(l).starts_with("ps ") || key(l).starts_with("p s "));
    let kept: Vec<&str> = lines[..cut].iter().chain(after).copied().collect();
    kept.join("\n").trim().to_owned()
}

/// Whether the line closes an answer.
fn closes(line: &str) -> bool {
    let this = key(line);
    let more = |rest: &str| rest.split(' ').filter(|w| !w.is_empty()).count();
    CLOSINGS.iter().any(|c| {
        this.strip_prefix(c).is_some_and(|rest| {
            rest.is_empty()
                || (rest.starts_with(' ') && more(rest) <= MOST_MORE && !line.contains('?') && named(rest, line))
        })
    })
}

/// Whether what follows a closing on its line is a name: "Best, Marc", not "Thanks for nothing".
fn named(rest: &str, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let last = &words[words.len().saturating_sub(rest.split(' ').filter(|w| !w.is_empty()).count())..];
    last.iter().all(|w| w.chars().next().is_some_and(|c| c.is_uppercase() || !c.is_alphanumeric()))
}

/// Whether the lines say who wrote and nothing else.
fn signs(lines: &[&str]) -> bool {
    lines.iter().all(|l| {
        !l.contains('?') && (l.split_whitespace().count() <= LONGEST || l.len() > NOTICE || key(l).starts_with("ps "))
    })
}

/// Whether a block of names begins at line `i`, after an empty one, and goes to the end.
fn block(lines: &[&str], i: usize) -> bool {
    let name = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let capital = |w: &&str| {
            JOINTS.contains(&w.to_lowercase().as_str())
                || w.chars().next().is_some_and(|c| c.is_uppercase() || !c.is_alphanumeric())
        };
        let contact = line.contains('|') || line.contains('@') || line.contains("555 ");
        contact || (words.len() <= 7 && words.iter().all(capital) && !line.trim_end().ends_with(['.', '!', '?', ':']))
    };
    lines[i - 1].trim().is_empty()
        && !lines[i].trim().is_empty()
        && lines[..i].iter().flat_map(|l| l.split_whitespace()).count() > 2
        && lines[i..].iter().all(|l| !l.contains('?') && (l.trim().is_empty() || name(l) || l.len() > NOTICE))
        && name(lines[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_is_left_out() {
        for (text, core) in [
            ("Not now.\n\nKind regards,\nAmelie Stroud\nHead of Operations", "Not now."),
            ("Sure.\nThx\nR.", "Sure."),
            ("No, sorry.\n\nBest, Marc", "No, sorry."),
            ("Send it over please.\n\nDex Amory | Category | Pennywhistle\n0113 555 0150 | x", "Send it over please."),
            ("Passt so für uns.\n\nMfG Hartwig", "Passt so für uns."),
            ("No thanks.\nBest,\nTom\nPS: take me off the list", "No thanks.\nPS: take me off the list"),
            ("Hi Tom,\n\nThanks for nothing.\nStop it.", "Hi Tom,\n\nThanks for nothing.\nStop it."),
            ("Thanks!\nCould you send the price list?", "Thanks!\nCould you send the price list?"),
            ("Regards", "Regards"),
            ("Hi Ana,\n\nUnsubscribe", "Hi Ana,\n\nUnsubscribe"),
        ] {
            assert_eq!(unsigned(text), core, "{text}");
        }
    }
}
