//! What is drawn for each command, beside or in place of its tiles.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    course::course,
    draw::{Bar, bars, curve, escaped},
    figures::{Figure, at, list},
    readme::bare,
    records::{Record, latest},
};

/// A drawing, and the figures that are in it.
#[derive(Default)]
pub struct Drawn {
    /// The drawing.
    pub svg: String,
    /// Names of the figures that need no tile any more.
    pub names: Vec<String>,
}

/// The drawing for `command`; empty where tiles say all.
pub fn picture(command: &str, all: &[Record], figures: &[Figure]) -> Drawn {
    let Some(Record { result, .. }) = latest(all) else { return Drawn::default() };
    let some = |wanted: &dyn Fn(&Figure) -> bool| figures.iter().filter(|f| wanted(f)).collect::<Vec<_>>();
    match command {
        "detect" => Drawn { svg: trade_off(result), names: Vec::new() },
        "asr" => {
            let rows = some(&|f| f.name.starts_with(WORD_ERRORS));
            let mut drawn = figure_bars("Word errors by what was done to the sound", &rows, all);
            drawn.svg += &tags(result);
            drawn
        }
        "load" => Drawn { svg: steps(result), names: Vec::new() },
        "recognizer" => figure_bars("Share of one core", &some(&|_| true), all),
        "ingest" | "loss" => figure_bars("", &some(&|_| true), all),
        "workflow" => shares_of_goals(figures, all),
        "micro" => {
            let mut drawn = micro(figures, " µs", &|f| !f.name.ends_with("instructions"));
            let counted = micro(figures, " instructions", &|f| f.name.ends_with("instructions"));
            drawn.svg += &counted.svg;
            drawn.names.extend(counted.names);
            drawn
        }
        _ => Drawn::default(),
    }
}

/// How the names of these figures begin, and end: what a heading says already is not said again.
const WORD_ERRORS: &str = "word errors, ";
const ONE_CORE: &str = ", share of one core";

fn figure_bars(title: &str, figures: &[&Figure], all: &[Record]) -> Drawn {
    let bar = |f: &&Figure| {
        let range = f.range.map_or_else(String::new, |(low, high)| format!(" ({} to {})", bare(f, low), bare(f, high)));
        let name = f.name.trim_start_matches(WORD_ERRORS).trim_end_matches(ONE_CORE).to_owned();
        let written = f.unit.write(f.value) + &range;
        Bar { name, note: f.n.clone(), value: f.value, range: f.range, written, course: course(f, all), good: true }
    };
    let rows: Vec<Bar> = figures.iter().map(bar).collect();
    if rows.is_empty() {
        return Drawn::default();
    }
    let svg = format!("<h4>{}</h4>{}", escaped(title), bars(&rows, None));
    Drawn { svg, names: figures.iter().map(|f| f.name.clone()).collect() }
}

/// Each figure against its own goal: the bars are shares of it.
fn shares_of_goals(figures: &[Figure], all: &[Record]) -> Drawn {
    let bar = |f: &Figure| {
        let goal = f.goal?.0;
        let written = format!("{} of {}", f.unit.write(f.value), f.unit.write(goal));
        let (note, course, good) = (f.n.clone(), course(f, all), f.met() == Some(true));
        Some(Bar { name: f.name.clone(), note, value: f.value / goal, range: None, written, course, good })
    };
    let rows: Vec<Bar> = figures.iter().filter_map(bar).collect();
    Drawn {
        svg: format!("<h4>Share of what is allowed</h4>{}", bars(&rows, Some(1.0))),
        names: figures.iter().map(|f| f.name.clone()).collect(),
    }
}

/// Times and counts lie decades apart: a table, not bars.
fn micro(figures: &[Figure], unit: &str, wanted: &dyn Fn(&Figure) -> bool) -> Drawn {
    let rows: Vec<&Figure> = figures.iter().filter(|f| wanted(f)).collect();
    if rows.is_empty() {
        return Drawn::default();
    }
    let mut svg = format!(
        "<div class=\"scroll\"><table><tr><th>piece</th><th class=\"n\">once,{unit}</th><th class=\"n\">95 %</th><th>of</th></tr>"
    );
    for f in &rows {
        let range = f.range.map_or_else(String::new, |(low, high)| format!("{} to {}", bare(f, low), bare(f, high)));
        let written = f.unit.write(f.value);
        let written = written.strip_suffix(unit).unwrap_or(&written);
        let name = f.name.trim_end_matches(", instructions");
        put(
            &mut svg,
            format_args!(
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{range}</td><td>{}</td></tr>",
                escaped(name),
                written,
                escaped(&f.n)
            ),
        );
    }
    svg += "</table></div>";
    Drawn { svg, names: rows.iter().map(|f| f.name.clone()).collect() }
}

/// Precision against recall over all thresholds, and where the detector stands.
fn trade_off(result: &Value) -> String {
    let rows: Vec<[f64; 3]> = list(result, "/thresholds/rows")
        .iter()
        .filter_map(|row| Some([at(row, "/0")?, 100.0 * at(row, "/1")?, 100.0 * at(row, "/2")?]))
        .collect();
    let default = f64::from(reframe_call::detect::fusion::MEANING_AT);
    let here =
        rows.iter().find(|r| (r[0] - default).abs() < 1e-6).map(|r| (r[2], r[1], format!("as it ships ({default})")));
    if rows.is_empty() {
        return String::new();
    }
    let points: Vec<(f64, f64)> = rows.iter().map(|r| (r[2], r[1])).collect();
    format!(
        "<h4>Precision and recall at other thresholds, whole lines, %</h4>{}",
        curve(&points, here, 40.0, "recall", "precision")
    )
}

/// Card latency with more and more calls.
fn steps(result: &Value) -> String {
    let bar = |step: &Value| {
        let (p95, lost) =
            (at(step, "/cards/p95_ms")?, at(step, "/shed")? + at(step, "/dropped")? + at(step, "/refused")?);
        let name = format!("{} calls", step["calls"]);
        let note = format!("{} cards, {:.2} cores", step["cards"]["n"], at(step, "/engine_cores")?);
        let written = if lost > 0.0 { format!("{p95:.0} ms, shed or lost: {lost:.0}") } else { format!("{p95:.0} ms") };
        Some(Bar {
            name,
            note,
            value: p95,
            range: None,
            written,
            course: String::new(),
            good: lost == 0.0 && p95 <= 1_000.0,
        })
    };
    let rows: Vec<Bar> = list(result, "/steps").iter().filter_map(bar).collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("<h4>Card p95 with so many calls</h4>{}", bars(&rows, Some(1_000.0)))
    }
}

/// Word errors tag by tag.
fn tags(result: &Value) -> String {
    let Some(clean) = list(result, "/conditions").iter().find(|c| c["condition"] == "clean") else {
        return String::new();
    };
    let bar = |t: &Value| {
        let percent = at(t, "/wer/percent")?;
        let range = (at(t, "/wer/low")?, at(t, "/wer/high")?);
        let (name, note) = (t["tag"].as_str()?.to_owned(), format!("{} words", t["wer"]["words"]));
        let written = format!("{percent:.1} % ({:.1} to {:.1})", range.0, range.1);
        Some(Bar { name, note, value: percent, range: Some(range), written, course: String::new(), good: true })
    };
    let rows: Vec<Bar> = list(clean, "/tags").iter().filter_map(bar).collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("<h4>Clean, by where the speech is from</h4>{}", bars(&rows, None))
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}
