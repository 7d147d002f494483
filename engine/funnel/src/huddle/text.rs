//! The morning page for the terminal.

use jiff::tz::TimeZone;

use super::Huddle;
use crate::words::moment;

/// Things that are written out in a line; the rest is counted.
const SHOWN: usize = 5;

/// Seven lines with their numbers, the first things of each below it.
#[must_use]
pub fn text(huddle: &Huddle) -> String {
    let w = &huddle.window;
    let zone = TimeZone::get(&w.zone).unwrap_or(TimeZone::UTC);
    let days = if w.first == w.last { w.first.to_string() } else { format!("{} to {}", w.first, w.last) };
    let mut out = format!("Huddle of {} · {days} ({})\n", w.today, w.zone);
    for line in &huddle.lines {
        out += &format!("{:<22} {}\n", line.topic.title(), line.n);
        for item in line.items.iter().take(SHOWN) {
            let row = format!("    {}  {}  {}", moment(item.at_unix_ms, &zone), item.says, item.links.join(" ← "));
            out += &format!("{}\n", row.trim_end());
        }
        let more = line.n.saturating_sub(SHOWN as u64);
        if more > 0 {
            out += &format!("    and {more} more\n");
        }
    }
    out
}
