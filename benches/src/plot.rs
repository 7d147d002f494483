//! Line plots as SVG, as much of them as the records need.

use std::fmt::Write as _;

/// An axis and its range.
pub struct Axis {
    /// What it shows.
    pub name: String,
    /// Least value.
    pub from: f64,
    /// Greatest value.
    pub to: f64,
}

/// A line of points.
pub struct Line {
    /// For the legend; none if empty.
    pub name: String,
    /// In the axes' units.
    pub points: Vec<(f64, f64)>,
    /// A limit rather than a measurement.
    pub dotted: bool,
}

/// A picture of lines.
pub struct Plot {
    /// Above it.
    pub title: String,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// What is in it.
    pub lines: Vec<Line>,
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 34.0;
const RIGHT: f64 = 16.0;
const BOTTOM: f64 = 44.0;
const COLOURS: [&str; 4] = ["#1f6feb", "#d1480b", "#1a7f37", "#8250df"];

impl Plot {
    /// Several plots, one above the other.
    pub fn page(plots: &[Self]) -> String {
        let height = HEIGHT * plots.len() as f64;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
        );
        for (n, plot) in plots.iter().enumerate() {
            plot.draw(HEIGHT * n as f64, &mut out);
        }
        out + "</svg>\n"
    }

    fn draw(&self, top: f64, out: &mut String) {
        let x = |v: f64| LEFT + (v - self.x.from) / (self.x.to - self.x.from).max(1e-9) * (WIDTH - LEFT - RIGHT);
        let y = |v: f64| {
            let share = (v.clamp(self.y.from, self.y.to) - self.y.from) / (self.y.to - self.y.from).max(1e-9);
            top + HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        };
        let mut add = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("a String takes everything");
        add(format_args!(
            "<text x=\"{LEFT}\" y=\"{:.1}\" font-size=\"14\">{}</text>\n",
            top + 20.0,
            escaped(&self.title)
        ));
        // Whole numbers, unless they would repeat.
        let digits = usize::from(self.y.to - self.y.from < 8.0);
        for step in 0..=4 {
            let v = self.y.from + (self.y.to - self.y.from) * f64::from(step) / 4.0;
            let at = y(v);
            add(format_args!(
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{v:.digits$}</text>\n",
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            ));
            let v = self.x.from + (self.x.to - self.x.from) * f64::from(step) / 4.0;
            add(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{v:.1}</text>\n",
                x(v),
                top + HEIGHT - BOTTOM + 18.0
            ));
        }
        add(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text x=\"14\" y=\"{:.1}\">{}</text>\n",
            (LEFT + WIDTH - RIGHT) / 2.0,
            top + HEIGHT - 8.0,
            escaped(&self.x.name),
            top + TOP,
            escaped(&self.y.name)
        ));
        for (n, line) in self.lines.iter().enumerate() {
            let colour = if line.dotted { "#888" } else { COLOURS[n % COLOURS.len()] };
            let points: Vec<String> = line.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
            let dash = if line.dotted { " stroke-dasharray=\"4 4\"" } else { "" };
            add(format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"{dash}/>\n",
                points.join(" ")
            ));
            if !line.name.is_empty() {
                add(format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>\n",
                    WIDTH - RIGHT - 4.0,
                    top + TOP + 14.0 * (n as f64 + 1.0),
                    escaped(&line.name)
                ));
            }
        }
    }
}

/// Numbers with names, one under the other, and a limit.
pub struct Bars {
    /// Above it.
    pub title: String,
    /// What no bar should reach; it is where the scale ends unless one does.
    pub limit: f64,
    /// Name and length.
    pub bars: Vec<(String, f64)>,
}

impl Bars {
    /// Several, one above the other.
    pub fn page(all: &[Self]) -> String {
        const NAMES: f64 = 330.0;
        const ROW: f64 = 20.0;
        let heights = || all.iter().map(|b| TOP + ROW * b.bars.len() as f64 + 16.0);
        let height: f64 = heights().sum();
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
        );
        let mut top = 0.0;
        for (bars, high) in all.iter().zip(heights()) {
            let longest = bars.bars.iter().map(|(_, v)| *v).fold(bars.limit, f64::max).max(1e-9);
            let scale = (WIDTH - NAMES - 80.0) / longest;
            let mut add = |text: std::fmt::Arguments<'_>| out.write_fmt(text).expect("a String takes everything");
            add(format_args!(
                "<text x=\"16\" y=\"{:.1}\" font-size=\"14\">{}</text>\n",
                top + 20.0,
                escaped(&bars.title)
            ));
            for (n, (name, value)) in bars.bars.iter().enumerate() {
                let (y, length) = (top + TOP + ROW * n as f64, (value * scale).max(0.5));
                let colour = COLOURS[usize::from(*value >= bars.limit)];
                add(format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
                     <rect x=\"{NAMES}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"14\" fill=\"{colour}\"/>\
                     <text x=\"{:.1}\" y=\"{:.1}\">{value:.1}</text>\n",
                    NAMES - 6.0,
                    y + 11.0,
                    escaped(name),
                    NAMES + length + 4.0,
                    y + 11.0
                ));
            }
            let (x, end) = (NAMES + bars.limit * scale, top + high - 12.0);
            add(format_args!(
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{end:.1}\" stroke=\"#888\" stroke-dasharray=\"4 4\"/>\n",
                top + TOP - 6.0
            ));
            top += high;
        }
        out + "</svg>\n"
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_over_its_limit_has_the_other_colour() {
        let bars = vec![("slow & late".into(), 250.0), ("quick".into(), 10.0)];
        let svg = Bars::page(&[Bars { title: "t".into(), limit: 200.0, bars }]);
        assert!(svg.contains(COLOURS[1]) && svg.contains(COLOURS[0]) && svg.contains("slow &amp; late"), "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn points_stay_within_the_picture() {
        let axis = |name: &str| Axis { name: name.into(), from: 0.0, to: 10.0 };
        let line = Line { name: "a & b".into(), points: vec![(0.0, -5.0), (10.0, 99.0)], dotted: false };
        let svg = Plot::page(&[Plot { title: "<T>".into(), x: axis("x"), y: axis("y"), lines: vec![line] }]);
        assert!(svg.contains("60.0,236.0 884.0,34.0"), "{svg}");
        assert!(svg.contains("a &amp; b") && svg.contains("&lt;T>"));
    }
}
