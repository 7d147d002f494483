//! Inline SVG for the page. Widths are in percent and heights in pixels, so that letters keep their size on any screen.

use std::fmt::Write as _;

/// Text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Where a value lies between two others, in percent, limited to them.
fn percent(value: f64, from: f64, to: f64) -> f64 {
    (100.0 * (value - from) / (to - from).max(1e-12)).clamp(0.0, 100.0)
}

/// The course of a figure: one point a date, the oldest first. A single one is a dot.
pub fn spark(values: &[f64], name: &str) -> String {
    const HEIGHT: f64 = 26.0;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let x = |n: usize| if values.len() < 2 { 97.0 } else { 3.0 + 94.0 * n as f64 / (values.len() - 1) as f64 };
    let y = |v: f64| if high > low { 4.0 + (HEIGHT - 8.0) * (high - v) / (high - low) } else { HEIGHT / 2.0 };
    let mut out = format!("<svg class=\"spark\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">", escaped(name));
    for (n, pair) in values.windows(2).enumerate() {
        put(
            &mut out,
            format_args!(
                "<line class=\"trace\" x1=\"{:.1}%\" y1=\"{:.1}\" x2=\"{:.1}%\" y2=\"{:.1}\"/>",
                x(n),
                y(pair[0]),
                x(n + 1),
                y(pair[1])
            ),
        );
    }
    if let Some((n, last)) = values.iter().enumerate().next_back() {
        put(&mut out, format_args!("<circle class=\"now\" cx=\"{:.1}%\" cy=\"{:.1}\" r=\"3\"/>", x(n), y(*last)));
    }
    out + "</svg>"
}

/// Percentiles of one thing.
pub struct Range {
    /// What it is.
    pub name: String,
    /// Median.
    pub p50: f64,
    /// 95 of 100 are less.
    pub p95: f64,
    /// 99 of 100 are less.
    pub p99: f64,
    /// The most.
    pub max: f64,
}

/// Percentiles one under the other on one scale, and a limit for the first of them.
pub fn ranges(rows: &[Range], limit: Option<f64>) -> String {
    let longest = rows.iter().map(|r| r.max).chain(limit).fold(0.0, f64::max) * 1.04;
    let x = |v: f64| percent(v, 0.0, longest);
    let mut out = String::from("<div class=\"ranges\">");
    for (n, row) in rows.iter().enumerate() {
        let mark = match limit.filter(|_| n == 0) {
            Some(limit) => {
                format!("<line class=\"limit\" x1=\"{0:.2}%\" x2=\"{0:.2}%\" y1=\"0\" y2=\"20\"/>", x(limit))
            }
            None => String::new(),
        };
        put(
            &mut out,
            format_args!(
                "<div class=\"row{}\"><span class=\"what\">{}</span><span class=\"values\">{:.0} · {:.0} · {:.0} · {:.0}</span>\
                 <svg height=\"20\" role=\"img\" aria-label=\"{}: p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, most {:.1} ms\">\
                 <line class=\"track\" x1=\"0\" x2=\"100%\" y1=\"10\" y2=\"10\"/>\
                 <line class=\"thin\" x1=\"0\" x2=\"{:.2}%\" y1=\"10\" y2=\"10\"/>\
                 <line class=\"thick\" x1=\"0\" x2=\"{:.2}%\" y1=\"10\" y2=\"10\"/>\
                 <circle class=\"median\" cx=\"{:.2}%\" cy=\"10\" r=\"5\"/>{mark}</svg></div>",
                if n == 0 { " first" } else { "" },
                escaped(&row.name),
                row.p50,
                row.p95,
                row.p99,
                row.max,
                escaped(&row.name),
                row.p50,
                row.p95,
                row.p99,
                row.max,
                x(row.max),
                x(row.p95),
                x(row.p50),
            ),
        );
    }
    out + "</div>"
}

/// One bar.
pub struct Bar {
    /// What it is.
    pub name: String,
    /// Of how many, in small letters.
    pub note: String,
    /// Its length.
    pub value: f64,
    /// 95 % interval, drawn as a whisker.
    pub range: Option<(f64, f64)>,
    /// What stands beside it.
    pub written: String,
    /// Its course, drawn by [`spark`]; may be empty.
    pub course: String,
    /// Ours, or within its limit.
    pub good: bool,
}

/// Bars one under the other on one scale, and a limit all of them share.
pub fn bars(rows: &[Bar], limit: Option<f64>) -> String {
    let reach = |b: &Bar| b.range.map_or(b.value, |(_, high)| high.max(b.value));
    let longest = rows.iter().map(reach).chain(limit).fold(0.0, f64::max) * 1.04;
    let x = |v: f64| percent(v, 0.0, longest);
    let mut out = String::from("<div class=\"bars\">");
    for row in rows {
        let note = if row.note.is_empty() { String::new() } else { format!("<small>{}</small>", escaped(&row.note)) };
        let whisker = row.range.map_or_else(String::new, |(low, high)| {
            format!("<line class=\"whisker\" x1=\"{:.2}%\" x2=\"{:.2}%\" y1=\"8\" y2=\"8\"/>", x(low), x(high))
        });
        let mark = limit.map_or_else(String::new, |limit| {
            format!("<line class=\"limit\" x1=\"{0:.2}%\" x2=\"{0:.2}%\" y1=\"0\" y2=\"16\"/>", x(limit))
        });
        put(
            &mut out,
            format_args!(
                "<div class=\"row\"><span class=\"what\">{}{note}</span><span class=\"values\">{}{}</span>\
                 <svg height=\"16\" aria-hidden=\"true\"><rect class=\"{}\" x=\"0\" y=\"2\" width=\"{:.2}%\" height=\"12\" rx=\"2\"/>{whisker}{mark}</svg></div>",
                escaped(&row.name),
                escaped(&row.written),
                row.course,
                if row.good { "good" } else { "other" },
                x(row.value).max(0.3),
            ),
        );
    }
    out + "</div>"
}

/// A curve through points in percent, 0..=100 both ways, with one of them marked. `from` is where both axes begin.
pub fn curve(
    points: &[(f64, f64)],
    marked: Option<(f64, f64, String)>,
    from: f64,
    x_name: &str,
    y_name: &str,
) -> String {
    const HEIGHT: f64 = 220.0;
    const LEFT: f64 = 9.0;
    const BOTTOM: f64 = 36.0;
    let x = |v: f64| LEFT + percent(v, from, 100.0) * (98.0 - LEFT) / 100.0;
    let y = |v: f64| 8.0 + (100.0 - percent(v, from, 100.0)) * (HEIGHT - BOTTOM - 8.0) / 100.0;
    let mut out = format!(
        "<svg class=\"curve\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{} against {}\">",
        escaped(y_name),
        escaped(x_name)
    );
    for step in 0..=4 {
        let v = from + (100.0 - from) * f64::from(step) / 4.0;
        put(
            &mut out,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}%\" x2=\"98%\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
                 <text x=\"{1}%\" y=\"{2:.1}\" text-anchor=\"end\">{v:.0}</text>\
                 <text x=\"{3:.1}%\" y=\"{4:.1}\" text-anchor=\"middle\">{v:.0}</text>",
                y(v),
                LEFT - 1.5,
                y(v) + 4.0,
                x(v),
                HEIGHT - BOTTOM + 16.0
            ),
        );
    }
    let within: Vec<&(f64, f64)> = points.iter().filter(|p| p.0 >= from && p.1 >= from).collect();
    for pair in within.windows(2) {
        put(
            &mut out,
            format_args!(
                "<line class=\"trace\" x1=\"{:.2}%\" y1=\"{:.1}\" x2=\"{:.2}%\" y2=\"{:.1}\"/>",
                x(pair[0].0),
                y(pair[0].1),
                x(pair[1].0),
                y(pair[1].1)
            ),
        );
    }
    if let Some((a, b, name)) = marked {
        put(
            &mut out,
            format_args!(
                "<circle class=\"now\" cx=\"{:.2}%\" cy=\"{:.1}\" r=\"5\"/><text class=\"mark\" x=\"{:.2}%\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                x(a),
                y(b),
                x(a) - 1.5,
                y(b) + 16.0,
                escaped(&name)
            ),
        );
    }
    put(
        &mut out,
        format_args!(
            "<text x=\"98%\" y=\"{:.1}\" text-anchor=\"end\">{} →</text><text x=\"{:.1}%\" y=\"{:.1}\">↑ {}</text></svg>",
            HEIGHT - 3.0,
            escaped(x_name),
            LEFT + 1.0,
            HEIGHT - BOTTOM - 8.0,
            escaped(y_name)
        ),
    );
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_ends_within_the_picture_and_names_cannot_break_out() {
        let bar = |name: &str, value, range| Bar {
            name: name.into(),
            note: "<n>".into(),
            value,
            range,
            written: "x".into(),
            course: String::new(),
            good: true,
        };
        let svg = bars(&[bar("<b>&\"", 10.0, Some((5.0, 26.0))), bar("b", 13.0, None)], None);
        assert!(svg.contains("&lt;b&gt;&amp;&quot;") && !svg.contains("<b>") && !svg.contains("<n>"), "{svg}");
        assert!(svg.contains("x2=\"96.15%\"") && svg.contains("width=\"48.08%\""), "{svg}");
    }

    #[test]
    fn a_figure_of_one_day_is_a_dot_and_of_two_a_line() {
        assert!(!spark(&[1.0], "a").contains("<line"));
        let two = spark(&[1.0, 2.0], "a");
        assert!(two.contains("x1=\"3.0%\" y1=\"22.0\" x2=\"97.0%\" y2=\"4.0\""), "{two}");
    }
}
