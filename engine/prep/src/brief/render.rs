//! A brief as Markdown and as JSON, and the limit of its length.

use jiff::Zoned;
use reframe_workflow::{artifact::Evidence, handoff::Brief};

use crate::wording::count;

/// Takes lines away, the last of the longest part first, until it has no more than `most` words; the last line of a part
/// stays.
pub fn shorten(brief: &mut Brief, most: usize) {
    let words = |part: &(String, Vec<reframe_workflow::artifact::Claim>)| {
        count(&part.0) + part.1.iter().map(|c| count(c.text())).sum::<usize>()
    };
    let fill: usize = brief.empty.iter().map(|(_, what)| count(what) + 2).sum();
    while fill + brief.parts.iter().map(words).sum::<usize>() > most {
        let Some(longest) = brief.parts.iter_mut().filter(|p| p.1.len() > 1).max_by_key(|p| words(p)) else { break };
        longest.1.pop();
    }
}

/// Number of words as they are read: titles, lines, and what empty parts say.
#[must_use]
pub fn words(brief: &Brief) -> usize {
    let parts =
        brief.parts.iter().map(|(name, claims)| count(name) + claims.iter().map(|c| count(c.text())).sum::<usize>());
    parts.sum::<usize>() + brief.empty.iter().map(|(_, what)| count(what) + 2).sum::<usize>()
}

/// As Markdown; the numbers in brackets lead to the list of what each line rests on.
#[must_use]
pub fn markdown(brief: &Brief, now: &Zoned) -> String {
    let mut out = String::new();
    let mut notes = Vec::new();
    for (name, claims) in &brief.parts {
        let mut title = name.clone();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        out.push_str(&format!("## {title}\n\n"));
        if claims.is_empty() {
            let fill = brief.empty.iter().find(|(part, _)| part == name).map_or("", |(_, what)| what.as_str());
            out.push_str(&format!("Nothing found. What would fill this: {fill}.\n\n"));
            continue;
        }
        for claim in claims {
            let marks: Vec<String> = claim
                .evidence()
                .iter()
                .map(|e| {
                    let shown = shown(e, now);
                    let at = notes.iter().position(|n| *n == shown).unwrap_or_else(|| {
                        notes.push(shown);
                        notes.len() - 1
                    });
                    format!("[{}]", at + 1)
                })
                .collect();
            let mut marks = marks;
            marks.dedup();
            out.push_str(&format!("- {} {}\n", line(claim.text()), marks.concat()));
        }
        out.push('\n');
    }
    if !notes.is_empty() {
        out.push_str("## Evidence\n\n");
        for (n, note) in (1..).zip(notes) {
            out.push_str(&format!("{n}. {note}\n"));
        }
    }
    out
}

/// One line of plain text: what others wrote must not become markup of ours.
fn line(text: &str) -> String {
    let mut out = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '`' | '*' | '_' | '\\' | '#' | '|' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn shown(evidence: &Evidence, now: &Zoned) -> String {
    match evidence {
        Evidence::Words { call, from_ms, quote, .. } => {
            let s = from_ms / 1_000;
            format!("{} at {}:{:02}: \"{}\"", line(call), s / 60, s % 60, line(quote))
        }
        Evidence::Event { call, seq } => format!("{}, event {seq}", line(call)),
        Evidence::Field { record, field, value, .. } => {
            let value = value.as_deref().map_or("empty".to_owned(), |v| format!("\"{}\"", line(v)));
            format!("{}, {}: {value}", line(&record.to_string()), line(field))
        }
        Evidence::Source { item, quote, at_unix_ms, .. } => {
            format!("{} of {}: \"{}\"", line(item), super::day(*at_unix_ms, now), line(quote))
        }
    }
}

/// As JSON: the hand-off itself, members in the order of their names.
#[must_use]
pub fn json(brief: &Brief) -> Vec<u8> {
    reframe_workflow::artifact::canonical(brief)
}
