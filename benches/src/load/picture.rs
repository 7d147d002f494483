//! Latency, processor and memory over the number of calls.

use super::step::{LATE_MS, Step};
use crate::plot::{Axis, Line, Plot};

/// As SVG.
pub fn picture(steps: &[Step]) -> String {
    let most = steps.last().map_or(1.0, |s| f64::from(s.calls));
    let line = |name: &str, of: &dyn Fn(&Step) -> f64| Line {
        name: name.to_owned(),
        points: steps.iter().map(|s| (f64::from(s.calls), of(s))).collect(),
        dotted: false,
    };
    let limit = |at: f64| Line { name: String::new(), points: vec![(0.0, at), (most, at)], dotted: true };
    let top = |of: &dyn Fn(&Step) -> f64, least: f64| steps.iter().map(of).fold(least, f64::max) * 1.1;
    let plot = |title: &str, unit: &str, to: f64, lines: Vec<Line>| Plot {
        title: title.to_owned(),
        x: Axis { name: "calls at the same time".into(), from: 0.0, to: most },
        y: Axis { name: unit.into(), from: 0.0, to },
        lines,
    };
    let late = |s: &Step| s.cards.p95_ms.min(4.0 * LATE_MS);
    Plot::page(&[
        plot(
            "From the end of the phrase to the card (limit 1 s)",
            "ms",
            top(&late, LATE_MS),
            vec![line("p95", &late), line("p50", &|s| s.cards.p50_ms), limit(LATE_MS)],
        ),
        plot(
            "Processor",
            "cores",
            top(&|s| s.engine_cores + s.generator_cores, 1.0),
            vec![line("server", &|s| s.engine_cores), line("players", &|s| s.generator_cores)],
        ),
        plot("Memory of the server", "MiB", top(&|s| s.memory_mib, 1.0), vec![line("", &|s| s.memory_mib)]),
    ])
}
