//! A card in a Markdown file: its keys between two `+++` lines, then what to say.
//!
//! ```text
//! +++
//! title = "Price feels high"
//! proof = { text = "…", source = "…" }
//! +++
//! - Fair. Set the number aside for one minute.
//! - Let's put a figure on what the problem costs you today.
//!
//! ## Ask
//! Is it the total, or the way it's spread?
//!
//! ## Avoid
//! Don't defend the price before you know what they compare it with.
//! ```

use toml::Spanned;

use super::{problem::Reporter, raw::RawCard, spelling::explain};

/// The line before and after the keys.
const FENCE: &str = "+++";

/// Where a line of the body belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Say,
    Ask,
    Avoid,
    /// Under a heading that is not known, which was said.
    Unknown,
}

/// Reads the card of one file. None if something is wrong that leaves no card; the reporter has it then.
pub(super) fn read(report: &mut Reporter<'_>) -> Option<RawCard> {
    let text = report.text();
    let Some((keys, body)) = fences(text) else {
        report.error(
            0,
            "a card file begins with its keys between two lines of `+++`: write +++, title = \"…\", +++, then the lines to \
             say as a list",
        );
        return None;
    };
    // Blanks in place of what stands before: then every place the TOML reader names is a place in this file.
    let padded = format!("{}{}", " ".repeat(keys.start), &text[keys.clone()]);
    let mut card: RawCard = match toml::from_str(&padded) {
        Ok(card) => card,
        Err(error) => {
            report.error(error.span().map_or(0, |s| s.start), explain(error.message()));
            return None;
        }
    };
    if let Some(say) = &card.say {
        report.error(say.span().start, "`say` is not for the keys of a card file: write each line below, as `- line`");
    }
    let body = read_body(report, body);
    let mut fill = |name: &str, key: &mut Option<Spanned<String>>, section: Option<Spanned<String>>| {
        if let (Some(_), Some(again)) = (&key, &section) {
            report.error(again.span().start, format!("`{name}` stands above as a key and here: keep one of them"));
        }
        *key = section.or_else(|| key.take());
    };
    fill("ask", &mut card.ask, body.ask);
    fill("avoid", &mut card.avoid, body.avoid);
    card.say = Some(Spanned::new(body.start..body.start, body.say));
    Some(card)
}

/// The bytes between the two fences, and the first byte after the second.
fn fences(text: &str) -> Option<(std::ops::Range<usize>, usize)> {
    let mut begin = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        match begin {
            None if line.trim_end() == FENCE => begin = Some(next),
            // Nothing but blank lines may stand before.
            None if line.trim().is_empty() => {}
            None => return None,
            Some(from) if line.trim_end() == FENCE => return Some((from..at, next)),
            Some(_) => {}
        }
        at = next;
    }
    None
}

struct Body {
    start: usize,
    say: Vec<Spanned<String>>,
    ask: Option<Spanned<String>>,
    avoid: Option<Spanned<String>>,
}

fn read_body(report: &mut Reporter<'_>, start: usize) -> Body {
    let mut body = Body { start, say: Vec::new(), ask: None, avoid: None };
    let mut section = Section::Say;
    let mut at = start;
    for line in report.text()[start..].split_inclusive('\n') {
        let place = at;
        at += line.len();
        let indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with("<!--") && line.ends_with("-->") {
            continue;
        }
        if let Some(heading) = line.strip_prefix("##") {
            section = match heading.trim().to_lowercase().as_str() {
                "ask" => Section::Ask,
                "avoid" => Section::Avoid,
                _ => {
                    report.error(place, format!("the heading `{line}` is not known; write `## Ask` or `## Avoid`"));
                    Section::Unknown
                }
            };
            continue;
        }
        if line.starts_with('#') {
            report.error(place, "the card's heading is the key `title` between the `+++` lines; take this one out");
            continue;
        }
        match section {
            Section::Say => match line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
                Some(said) => body.say.push(Spanned::new(place..at, said.trim().to_owned())),
                None if indented && let Some(last) = body.say.last_mut() => extend(last, line),
                None => report.error(place, "write each line to say as `- line`"),
            },
            Section::Ask => extend(body.ask.get_or_insert_with(|| Spanned::new(place..at, String::new())), line),
            Section::Avoid => extend(body.avoid.get_or_insert_with(|| Spanned::new(place..at, String::new())), line),
            Section::Unknown => {}
        }
    }
    body
}

fn extend(text: &mut Spanned<String>, more: &str) {
    let text = text.get_mut();
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}
