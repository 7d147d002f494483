//! The record's pictures: what other thresholds would give, how far probabilities can be trusted, what is taken for what.

use std::fmt::Write as _;

use reframe_call::detect::fusion::MEANING_AT;

use super::{
    score::{Point, Scores},
    stats::Calibration,
};
use crate::plot::{Axis, Line, Plot};

fn axis(name: &str, to: f64) -> Axis {
    Axis { name: name.to_owned(), from: 0.0, to }
}

fn line(name: &str, points: Vec<(f64, f64)>, dotted: bool) -> Line {
    Line { name: name.to_owned(), points, dotted }
}

/// Precision, recall and false cards over the threshold, and told over right.
pub fn curves(title: &str, points: &[Point], calibration: &Calibration) -> String {
    let of = |y: fn(&Point) -> f64| points.iter().map(|p| (p.threshold, y(p))).collect::<Vec<_>>();
    let now = |to: f64| line("set", vec![(f64::from(MEANING_AT), 0.0), (f64::from(MEANING_AT), to)], true);
    let shares = Plot {
        title: format!("{title}: over the threshold"),
        x: axis("score from which on a card comes", 1.0),
        y: axis("percent", 100.0),
        lines: vec![
            line("precision", of(|p| 100.0 * p.precision.value()), false),
            line("recall", of(|p| 100.0 * p.recall.value()), false),
            line("hard negatives fired", of(|p| 100.0 * p.hard.value()), false),
            now(100.0),
        ],
    };
    let most = points.iter().map(|p| p.per_hour).fold(1.0, f64::max).min(20.0);
    let cards = Plot {
        title: "False cards in ordinary talk".to_owned(),
        x: axis("score from which on a card comes", 1.0),
        y: axis("per hour", most),
        lines: vec![line("false cards per hour", of(|p| p.per_hour), false), now(most)],
    };
    let told = calibration.bins.iter().filter(|b| b.n > 0).map(|b| (b.told, 100.0 * b.right)).collect();
    let trust = Plot {
        title: format!("Told and right (expected calibration error {:.3})", calibration.ece),
        x: axis("probability told", 1.0),
        y: axis("percent right", 100.0),
        lines: vec![line("detector", told, false), line("perfect", vec![(0.0, 0.0), (1.0, 100.0)], true)],
    };
    Plot::page(&[shares, cards, trust])
}

/// Side of a cell.
const CELL: f64 = 34.0;
/// Room for names.
const NAMES: f64 = 130.0;

/// What is taken for what: a row per label, a column per answer, darker the larger the share of its row.
pub fn confusion(title: &str, scores: &Scores) -> String {
    let columns = scores.shown_labels();
    let rows: Vec<&String> = columns.iter().filter(|l| scores.classes[*l].recall.n > 0).collect();
    let width = NAMES + CELL * columns.len() as f64 + 20.0;
    let height = NAMES + 30.0 + CELL * rows.len() as f64 + 10.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"8\" y=\"20\" font-size=\"14\">{}</text>\n",
        title.replace('&', "&amp;").replace('<', "&lt;")
    );
    let mut add = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("a String takes everything");
    let top = NAMES + 30.0;
    for (x, label) in columns.iter().enumerate() {
        let x = NAMES + CELL * (x as f64 + 0.6);
        add(format_args!("<text transform=\"translate({x:.1} {:.1}) rotate(-60)\">{label}</text>\n", top - 6.0));
    }
    for (y, row) in rows.into_iter().enumerate() {
        let at = top + CELL * y as f64;
        let n = scores.classes[row].recall.n;
        add(format_args!("<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{row}</text>\n", NAMES - 6.0, at + 21.0));
        for (x, column) in columns.iter().enumerate() {
            let count = scores.confusion.get(&(row.clone(), column.clone())).copied().unwrap_or(0);
            let share = count as f64 / n.max(1) as f64;
            let colour = if row == column { "#1f6feb" } else { "#d1480b" };
            let x = NAMES + CELL * x as f64;
            add(format_args!(
                "<rect x=\"{x:.1}\" y=\"{at:.1}\" width=\"{CELL}\" height=\"{CELL}\" fill=\"{colour}\" \
                 fill-opacity=\"{:.2}\" stroke=\"#ddd\"/>\n",
                share * 0.8
            ));
            if count > 0 {
                add(format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{count}</text>\n",
                    x + CELL / 2.0,
                    at + 21.0
                ));
            }
        }
    }
    out + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{data, score, systems::Answer};

    #[test]
    fn pictures_hold_what_was_counted() {
        let lines =
            [data::Line { label: "price".into(), near: None, text: "x".into(), said: None, at: ("f".into(), 1) }];
        let answers = [Answer::default()];
        let scores = Scores::of(&lines, &answers);
        let svg = confusion("a < b", &scores);
        assert!(svg.contains("a &lt; b") && svg.contains(">price</text>") && svg.contains(">1</text>"), "{svg}");
        let points = score::trade_off(&lines, &answers, &[], 1.0);
        let svg = curves("t", &points, &scores.calibration);
        assert!(svg.contains("false cards per hour") && svg.ends_with("</svg>\n"));
    }
}
