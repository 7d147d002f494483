//! README's section on performance, made from the records: nobody types a figure by hand.

use std::fmt::Write as _;

use anyhow::{Context, bail};

use super::{
    figures::{self, Figure},
    records::{Records, latest, spoken},
};

/// What stands before the section.
const BEGIN: &str = "<!-- performance: made by `reframe-benches report --readme`, not by hand -->";
/// What stands after it.
const END: &str = "<!-- end of performance -->";

/// What is measured, in the words of a reader.
fn about(command: &str) -> &'static str {
    match command {
        "latency" => "calls in real time",
        "load" => "many calls",
        "asr" => "recognition",
        "detect" => "detection",
        "peers" => "others, same input",
        "server" => "server",
        "workflow" => "between calls",
        _ => "",
    }
}

/// Order of the rows: what a reader asks first.
const ORDER: [&str; 7] = ["latency", "load", "detect", "asr", "peers", "server", "workflow"];

/// The section, markers included.
pub fn section(records: &Records) -> String {
    let mut out = format!("{BEGIN}\n");
    let mut put = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("a String takes everything");
    for (machine, commands) in records {
        put(format_args!(
            "\nMeasured on {}:\n\n| part | what | figure | of | goal | recorded |\n|---|---|---|---|---|---|\n",
            spoken(machine)
        ));
        for command in ORDER {
            let all = commands.get(command).map_or(&[][..], Vec::as_slice);
            // What a short form gives is no figure to show.
            let Some(record) = latest(all).filter(|r| !r.is_quick()) else { continue };
            let mut first = about(command);
            for figure in figures::of(command, &record.result).iter().filter(|f| f.front) {
                put(format_args!(
                    "| {first} | {} | {} | {} | {} | {} |\n",
                    figure.name,
                    value(figure),
                    figure.n,
                    goal(figure),
                    record.date
                ));
                first = "";
            }
        }
    }
    out + "\n" + END
}

fn value(figure: &Figure) -> String {
    let written = figure.unit.write(figure.value);
    match figure.range {
        Some((low, high)) if low <= 0.0 => format!("{written} (95 %: at most {})", bare(figure, high)),
        Some((low, high)) => format!("{written} (95 %: {} to {})", bare(figure, low), bare(figure, high)),
        None => written,
    }
}

/// A number without its unit.
pub fn bare(figure: &Figure, value: f64) -> String {
    let written = figure.unit.write(value);
    written.split(' ').next().unwrap_or_default().to_owned()
}

fn goal(figure: &Figure) -> String {
    let Some((goal, least)) = figure.goal else { return String::new() };
    let word = if least { "≥" } else { "≤" };
    let missed = if figure.met() == Some(false) { ", **missed**" } else { "" };
    format!("{word} {}{missed}", figure.unit.write(goal))
}

/// `text` with the section in place of the one that is there.
///
/// # Errors
/// If `text` has no place for it.
pub fn replaced(text: &str, section: &str) -> anyhow::Result<String> {
    let (before, rest) = text.split_once(BEGIN).with_context(|| {
        format!("README.md has no line `{BEGIN}`: put it where the figures belong, and `{END}` below it")
    })?;
    let (_, after) =
        rest.split_once(END).with_context(|| format!("README.md has no line `{END}`: put it where the figures end"))?;
    Ok(format!("{before}{section}{after}"))
}

/// Whether `text` says what the records say.
///
/// # Errors
/// Names the first line that differs, and what to do.
pub fn check(text: &str, section: &str) -> anyhow::Result<()> {
    let wanted = replaced(text, section)?;
    if let Some((n, (has, wants))) = (1..).zip(text.lines().zip(wanted.lines())).find(|(_, (a, b))| a != b) {
        bail!(
            "README.md, line {n}, does not say what benches/record says; run `cargo run --release -p reframe-benches -- report --readme`\n  it has   {has}\n  recorded {wants}"
        );
    }
    if text.len() != wanted.len() {
        bail!(
            "README.md does not say all that benches/record says; run `cargo run --release -p reframe-benches -- report --readme`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::{records, sample};

    #[test]
    fn a_figure_changed_by_hand_is_found() {
        let section = section(&sample::records());
        let old = format!("# R\n\n{BEGIN}\nold\n{END}\n\nmore\n");
        let new = replaced(&old, &section).unwrap();
        check(&new, &section).unwrap();
        assert!(new.starts_with("# R\n") && new.ends_with("\nmore\n"), "{new}");
        assert!(new.contains("| card on the socket, p95 | 571 ms | 16 cards | ≤ 800 ms | 2026-02-01 |"), "{new}");
        let error = check(&new.replace("571 ms", "471 ms"), &section).unwrap_err().to_string();
        assert!(error.contains("line 10") && error.contains("report --readme"), "{error}");
        assert!(check(&old, &section).is_err() && replaced("# R\n", &section).is_err());
    }

    /// A row that was taken out or put in by hand is found at its line; a text whose lines all read the same but end
    /// otherwise is found too.
    #[test]
    fn a_section_that_is_too_short_or_too_long_is_found() {
        let section = section(&sample::records());
        let readme = replaced(&format!("# R\n\n{BEGIN}\n{END}\n\nmore\n"), &section).unwrap();
        check(&readme, &section).unwrap();
        let says = |text: &str| check(text, &section).unwrap_err().to_string();
        let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with('|')).collect();
        let last = *rows.last().unwrap();
        let nth = readme.lines().position(|line| line == last).unwrap() + 1;

        let shorter = says(&readme.replace(&format!("{last}\n"), ""));
        assert!(
            shorter.contains(&format!("line {nth}, ")) && shorter.contains(&format!("recorded {last}")),
            "{shorter}"
        );
        let longer = says(&readme.replace(last, &format!("{last}\n| by hand |")));
        assert!(longer.contains(&format!("line {}, ", nth + 1)) && longer.contains("it has   | by hand |"), "{longer}");
        let beyond = says(&readme.replace(END, &format!("\n{END}")));
        assert!(beyond.contains(", line ") && beyond.contains(&format!("recorded {END}")), "{beyond}");
        // Line ends of another system make no line differ.
        let ends = says(&readme.replace('\n', "\r\n"));
        assert!(ends.contains("does not say all") && ends.contains("report --readme"), "{ends}");
        let endless = says(&readme.replace(END, ""));
        assert!(endless.contains("has no line") && endless.contains(END), "{endless}");
    }

    /// The repository's own README.
    #[test]
    fn readme_says_what_was_recorded() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
        check(&text, &section(&records::read(&records::folder()).unwrap())).unwrap();
    }
}
