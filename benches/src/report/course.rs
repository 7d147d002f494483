//! How a figure went over all recorded days.

use super::{
    draw::spark,
    figures::{self, Figure},
    records::{Record, latest},
};

/// The values of a figure over all days that have it on the same input as the latest, the oldest first.
pub fn history(all: &[Record], name: &str) -> Vec<f64> {
    let Some(last) = latest(all) else { return Vec::new() };
    let of = |r: &Record| figures::of(&r.command, &r.result).into_iter().find(|f| f.name == name).map(|f| f.value);
    all.iter().filter(|r| r.like(last)).filter_map(of).collect()
}

/// A figure's course in words.
pub fn told(figure: &Figure, history: &[f64]) -> String {
    let first = history.first().copied().unwrap_or(figure.value);
    let first_written = figure.unit.write(first);
    let n = history.len();
    if figure.value == first {
        format!("{n} records; as at first")
    } else if (figure.value > first) == figure.more_is_better {
        format!("{n} records; better than at first ({first_written})")
    } else {
        format!("{n} records; worse than at first ({first_written})")
    }
}

/// The small line of a figure that is drawn as a bar; none of a single day.
pub fn course(figure: &Figure, all: &[Record]) -> String {
    let values = history(all, &figure.name);
    if values.len() > 1 { spark(&values, &told(figure, &values)) } else { String::new() }
}
