//! Back-tests and reports as text for a terminal.

use reframe_call::backtest::{Change, Kind, Side, Worth};

use super::{backtest, report};

/// Changes printed; the rest is in the JSON and on the page.
const CHANGES_MAX: usize = 60;

/// `mm:ss.mmm`.
pub fn clock(ms: u64) -> String {
    reframe_call::time::MediaTime::from_ms(ms).to_string()
}

/// A number of cards an hour.
pub fn per_hour(n: Option<f64>) -> String {
    n.map_or_else(|| "unknown".to_owned(), |n| format!("{n:.1}"))
}

/// How a change is told in a word or two.
pub fn told(change: &Change) -> String {
    match change.kind {
        Kind::Appears => "new".to_owned(),
        Kind::Disappears => "gone".to_owned(),
        Kind::Earlier => format!("{} ms earlier", change.by_ms),
        Kind::Later => format!("{} ms later", change.by_ms),
        Kind::TakenBack => "taken back".to_owned(),
        Kind::Stays => "stays".to_owned(),
    }
}

/// What a card is worth, in a word.
pub const fn worth(worth: Worth) -> &'static str {
    match worth {
        Worth::Right => "right",
        Worth::Wrong => "wrong",
        Worth::Unknown => "not judged",
    }
}

/// A back-test.
pub fn backtest(report: &backtest::Report) -> String {
    let totals = &report.totals;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(format!("{} call(s), {:.2} h", totals.calls, totals.hours()));
    let row = |name: &str, a: String, b: String| format!("{name:22} {a:34} {b}");
    line(row("", "present".into(), "changed".into()));
    line(row("playbook", report.present.join(", "), report.playbook.clone()));
    let (a, b) = (&totals.present, &totals.changed);
    line(row("cards", a.all.cards.to_string(), b.all.cards.to_string()));
    line(row("cards per hour", per_hour(totals.per_hour(a)), per_hour(totals.per_hour(b))));
    line(row("precision", a.all.precision.to_string(), b.all.precision.to_string()));
    line(row("recall", a.all.recall.to_string(), b.all.recall.to_string()));
    line(row("taken back again", a.all.taken_back.to_string(), b.all.taken_back.to_string()));
    let lead = |side: &Side| {
        let s = side.all.lead.summary();
        match (s.median_ms, s.earliest_ms) {
            (Some(median), Some(earliest)) => format!("median {median}, earliest {earliest} (n {})", s.n),
            _ => "no card".to_owned(),
        }
    };
    line(row("ms before the end", lead(a), lead(b)));
    let c = totals.counts;
    line(format!(
        "\n{} new, {} gone, {} earlier, {} later, {} newly taken back, {} no longer taken back, {} as they were",
        c.appear, c.disappear, c.earlier, c.later, c.taken_back, c.stay, c.same
    ));
    let mut left = CHANGES_MAX;
    for call in report.calls.iter().filter(|c| !c.changes.is_empty()) {
        line(format!("\n{}", call.name));
        for change in call.changes.iter().take(left) {
            line(format!("  {}  {:16} {:24} {}", clock(change.at_ms), told(change), change.play, worth(change.worth)));
            if let Some(other) = &change.instead {
                line(format!("             in place of {other}"));
            }
            let w = &change.around;
            line(format!("             … {} [{}] {} …", w.before, w.under, w.after));
        }
        left = left.saturating_sub(call.changes.len());
        if left == 0 {
            line("  … more in --json and --html".to_owned());
            break;
        }
    }
    line(format!(
        "\n{:26} {:>5} {:>5}  {:30} {:30} {}",
        "play", "now", "then", "precision", "recall", "lead, median ms"
    ));
    for play in plays(report) {
        let of = |side: &Side| side.plays.get(play).cloned().unwrap_or_default();
        let (a, b) = (of(a), of(b));
        let lead = b.lead.summary().median_ms.map_or_else(String::new, |ms| ms.to_string());
        line(format!(
            "{play:26} {:>5} {:>5}  {:30} {:30} {lead}",
            a.cards,
            b.cards,
            b.precision.to_string(),
            b.recall.to_string()
        ));
    }
    line(String::new());
    for note in &report.notes {
        line(format!("note: {note}"));
    }
    for failure in &report.gate_failures {
        line(format!("gate not passed: {failure}"));
    }
    if report.gate_failures.is_empty() && report.gate != Default::default() {
        line("gate passed".to_owned());
    }
    out
}

/// All plays of both sides, by name.
pub fn plays(report: &backtest::Report) -> std::collections::BTreeSet<&String> {
    report.totals.present.plays.keys().chain(report.totals.changed.plays.keys()).collect()
}

/// What became of plays.
pub fn usage(report: &report::Report) -> String {
    let mut out = format!("{} call(s), {:.2} h\n", report.calls, report.hours);
    let head = ["detected", "held", "shown", "used", "dismissed", "wrong", "pinned", "expired"];
    let columns: String = head.iter().map(|h| format!(" {h:>9}")).collect();
    out.push_str(&format!("{:26}{columns}  used, of those shown\n", "play"));
    for p in &report.plays {
        let c = &p.counts;
        let counts = [c.detected, c.held_back, c.shown, c.used, c.dismissed, c.wrong, c.pinned, c.expired];
        let columns: String = counts.iter().map(|n| format!(" {n:>9}")).collect();
        out.push_str(&format!("{:26}{columns}  {}\n", p.play, p.used_rate));
    }
    out
}
