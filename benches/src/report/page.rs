//! The page: what was measured, machine by machine, the question a buyer asks first at the top.

use std::fmt::Write as _;

use serde_json::Value;

use super::{
    course::{history, told},
    draw::{Range, escaped, ranges, spark},
    figures::{self, Figure, at, list},
    pictures::picture,
    readme::bare,
    records::{Record, Records, latest, spoken},
};
use crate::detect::stats::poisson_upper;

const STYLE: &str = include_str!("page.css");
/// Where 95 of 100 cards should be on the screen, in ms.
const CARD_MS: f64 = 800.0;

/// A command, its heading, and what its figures mean.
const GROUPS: [(&str, &str, &str); 11] = [
    (
        "detect",
        "Is it an objection?",
        "Labelled lines that no rule and no weight was fitted on, word by word as a call brings them; false cards are counted in ordinary talk about work.",
    ),
    (
        "asr",
        "The words",
        "Word errors after Whisper's English normaliser, with bootstrap intervals over utterances, and when a word is there.",
    ),
    (
        "peers",
        "Instead of us",
        "The same audio and the same lines through what one would pick instead. More than 1 means that ours makes fewer errors or takes less time.",
    ),
    (
        "load",
        "Many calls",
        "Calls of two tracks with real speech activity, more and more of them, until cards are late or the engine sheds.",
    ),
    ("server", "Memory and processor", "A server with several calls in real time."),
    ("recognizer", "What hearing costs", "Processor time of one thread per second of audio."),
    (
        "ingest",
        "From packet to frame",
        "Decoding, resampling, putting in order and waiting for the other track, as the server itself measures it.",
    ),
    (
        "loss",
        "A bad network",
        "Whole calls over WebRTC with packets lost, overtaken and late; a word on the wrong track counts twice.",
    ),
    ("soak", "Hours", "One call for long, with clocks that run apart."),
    (
        "workflow",
        "Between calls",
        "A year of a large team's calls: the night's review, search, the review page, a draft. Each bar is a p95.",
    ),
    (
        "micro",
        "Piece by piece",
        "Each stage alone, by criterion; instructions by callgrind, which other programs cannot disturb.",
    ),
];

/// The whole page.
pub fn html(records: &Records) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Reframe, measured</title><style>{STYLE}</style></head><body>\n<header><h1>Reframe, measured</h1>\
         <p class=\"soft\">How late a card is, how often it is wrong, how often it does not come, and what all of it costs. \
         Every figure was recorded by <code>reframe-benches</code>; it stands with the number of cases, the machine and the \
         day, and can be made again with the command beside it.</p></header>\n<main>\n"
    );
    for (machine, commands) in records {
        put(&mut out, format_args!("<section><h2>{}</h2>\n", escaped(&spoken(machine))));
        if let Some(latency) = commands.get("latency") {
            hero(&mut out, latency, commands.get("detect").and_then(|all| latest(all)));
        }
        for (command, title, about) in GROUPS {
            if let Some(all) = commands.get(command) {
                group(&mut out, command, title, about, all);
            }
        }
        for (command, all) in commands {
            if command != "latency" && !GROUPS.iter().any(|g| g.0 == command) {
                group(&mut out, command, command, "Recorded; no figures were chosen for this page yet.", all);
            }
        }
        out.push_str("</section>\n");
    }
    out.push_str(FOOTER);
    out
}

const FOOTER: &str = "</main><footer><p>Small lines under a figure are its course over all recorded days, the dot is the \
     latest. A black whisker or a range in brackets is a 95 % interval. Dashed lines are goals.</p>\
     <p>Made by <code>cargo run --release -p reframe-benches -- report</code>. How each command measures, how waiting is \
     counted and what the clocks are worth: <code>docs/BENCHMARKS.md</code>.</p></footer></body></html>\n";

/// Card latency, with what was false and what was missed beside it.
fn hero(out: &mut String, all: &[Record], detect: Option<&Record>) {
    let Some(last) = latest(all) else { return };
    let figures = figures::of("latency", &last.result);
    if figures.is_empty() {
        return;
    }
    out.push_str("<div class=\"hero\">");
    head(out, "latency", "How late is a card, and can it be trusted?", last);
    let calls: Vec<&str> = list(&last.result, "/calls").iter().filter_map(Value::as_str).collect();
    let audio = at(&last.result, "/audio_s").unwrap_or(0.0) / 60.0;
    put(
        out,
        format_args!(
            "<p class=\"soft\">From the end of the phrase the card answers to the card. {} fixture calls ({:.0} minutes) played in \
             real time over {}: {}.</p>",
            calls.len(),
            audio,
            escaped(last.result["over"].as_str().unwrap_or("the network")),
            escaped(&calls.join(", "))
        ),
    );
    out.push_str("<div class=\"big\">");
    // What is painted is what counts, if it was measured.
    let painted = figures.iter().any(|f| f.name.contains("paint"));
    let shown = figures.iter().filter(|f| !painted || !f.name.contains("socket"));
    shown.clone().for_each(|f| tile(out, f, &history(all, &f.name)));
    out.push_str("</div>");
    let rows = list(&last.result, "/latency").iter().filter_map(|row| {
        let ms = |key: &str| at(row, key);
        let name = row["part"].as_str()?.to_owned();
        Some(Range { name, p50: ms("/p50_ms")?, p95: ms("/p95_ms")?, p99: ms("/p99_ms")?, max: ms("/max_ms")? })
    });
    out.push_str("<h4>Where the time goes <span class=\"soft\">ms: p50 · p95 · p99 · most</span></h4>");
    out.push_str(&ranges(&rows.collect::<Vec<_>>(), Some(CARD_MS)));
    let cards = last.result["false_or_wrong_cards"].as_u64().unwrap_or(0);
    let hours = audio / 60.0;
    put(
        out,
        format_args!(
            "<p class=\"note\">{cards} false or wrong cards in {hours:.2} h allow up to {:.1} an hour (95 %).",
            poisson_upper(cards) / hours.max(1e-9)
        ),
    );
    if let Some(figure) =
        detect.and_then(|d| figures::of("detect", &d.result).into_iter().find(|f| f.name.starts_with("false cards")))
    {
        let upper = figure.range.map_or_else(String::new, |(_, high)| format!(", at most {}", bare(&figure, high)));
        put(
            out,
            format_args!(
                " Over the text of {} of talk at work and with happy customers, before the deck's budget, it is <b>{}</b> ({}{upper}).",
                escaped(figure.n.rsplit("in ").next().unwrap_or_default()),
                escaped(&figure.unit.write(figure.value)),
                escaped(&figure.n)
            ),
        );
    }
    out.push_str(" The voices are synthetic but for one; people are harder.</p>");
    for one in list(&last.result, "/missed") {
        let said = |key: &str| escaped(one[key].as_str().unwrap_or_default());
        let why: Vec<&str> = list(one, "/why").iter().filter_map(Value::as_str).collect();
        put(
            out,
            format_args!(
                "<p class=\"note\">Missed in {}: {} \u{201c}{}\u{201d}. {}</p>",
                said("call"),
                said("label"),
                said("phrase"),
                escaped(&why.join("; "))
            ),
        );
    }
    out.push_str("</div>\n");
}

fn group(out: &mut String, command: &str, title: &str, about: &str, all: &[Record]) {
    let Some(last) = latest(all) else { return };
    out.push_str("<div class=\"group\">");
    head(out, command, title, last);
    put(out, format_args!("<p class=\"soft\">{}</p>", escaped(about)));
    let figures = figures::of(command, &last.result);
    let drawn = picture(command, all, &figures);
    // What is drawn as bars is not said again in tiles.
    let tiles: Vec<&Figure> = figures.iter().filter(|f| !drawn.names.contains(&f.name)).collect();
    if !tiles.is_empty() {
        // What others take is said in ratios, and large.
        out.push_str(if command == "peers" { "<div class=\"big\">" } else { "<div class=\"tiles\">" });
        tiles.iter().for_each(|f| tile(out, f, &history(all, &f.name)));
        out.push_str("</div>");
    }
    out.push_str(&drawn.svg);
    out.push_str("</div>\n");
}

fn head(out: &mut String, command: &str, title: &str, last: &Record) {
    let busy = match last.load {
        Some(load) if load > last.cores as f64 => {
            format!(" <span class=\"busy\">other programs ran: load {load:.1} on {} cores</span>", last.cores)
        }
        _ => String::new(),
    };
    let quick = if last.is_quick() { " <span class=\"busy\">--quick: too short to judge by</span>" } else { "" };
    put(
        out,
        format_args!(
            "<div class=\"head\"><h3>{}</h3><span class=\"when\"><code>{}</code>, {}, {} cores{busy}{quick}</span></div>",
            escaped(title),
            escaped(command),
            escaped(&last.date),
            last.cores
        ),
    );
}

fn tile(out: &mut String, figure: &Figure, history: &[f64]) {
    let written = figure.unit.write(figure.value);
    let (number, unit) = written.split_once(' ').unwrap_or((&written, ""));
    let missed = if figure.met() == Some(false) { " missed" } else { "" };
    put(
        out,
        format_args!(
            "<div class=\"tile{missed}\"><div class=\"name\">{}</div><span class=\"value\">{} <small>{}</small></span>",
            escaped(&figure.name),
            escaped(number),
            escaped(unit)
        ),
    );
    let range = figure.range.map_or_else(String::new, |(low, high)| match low <= 0.0 {
        true => format!("at most {} · ", bare(figure, high)),
        false => format!("{} to {} · ", bare(figure, low), bare(figure, high)),
    });
    put(out, format_args!("<div class=\"of\">{}{}</div>", escaped(&range), escaped(&figure.n)));
    if let Some((goal, least)) = figure.goal {
        let word = if least { "at least" } else { "at most" };
        let verdict = if figure.met() == Some(true) { "met" } else { "missed" };
        put(
            out,
            format_args!("<div class=\"goal\">goal: {word} {}, {verdict}</div>", escaped(&figure.unit.write(goal))),
        );
    }
    if history.len() > 1 {
        let told = told(figure, history);
        out.push_str(&spark(history, &told));
        put(out, format_args!("<div class=\"of\">{}</div>", escaped(&told)));
    }
    out.push_str("</div>");
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_page_stands_alone_and_says_what_was_missed_before_anything_else() {
        let page = html(&sample::records());
        for never in ["<script", "src=", "http://", "https://", "url(", "@import"] {
            assert!(!page.contains(never), "the page asks for something: {never}");
        }
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
        let first_group = place("class=\"group\"");
        for at_the_top in [
            "card on the socket, p50",
            "false cards in these calls",
            "cards missed in these calls",
            "1 of 16",
            "16 cards",
        ] {
            assert!(place(at_the_top) < first_group, "{at_the_top} stands too low");
        }
        assert!(page.contains("AMD EPYC, 2 cores"));
    }

    #[test]
    fn what_was_missed_says_why() {
        let mut records = sample::records();
        let last =
            records.get_mut("amd-epyc-2-cores").and_then(|m| m.get_mut("latency")).and_then(|all| all.last_mut());
        last.unwrap().result["missed"] = serde_json::json!([
            {"call": "bad-line", "label": "roi", "phrase": "<see> the return", "why": ["46.70 s: held back", "a gap"]}]);
        let page = html(&records);
        assert!(
            page.contains("Missed in bad-line: roi \u{201c}&lt;see&gt; the return\u{201d}. 46.70 s: held back; a gap")
        );
    }

    #[test]
    fn a_later_record_is_the_figure_and_the_earlier_one_its_history() {
        let page = html(&sample::records());
        assert!(page.contains("2 records; better than at first (870 ms)"), "the course of p95 is missing");
    }

    #[test]
    fn a_command_nobody_chose_figures_for_is_not_left_out() {
        let page = html(&sample::records());
        assert!(page.contains("no figures were chosen") && page.contains("<code>novel</code>"));
    }

    #[test]
    fn a_record_made_beside_other_programs_says_so() {
        let page = html(&sample::records());
        assert!(page.contains("load 7.5 on 2 cores"));
    }
}
