//! Back-tests and reports as web pages: one file, no script, nothing from the network.

use std::fmt::Display;

use reframe_call::backtest::{Change, Kind, Side, Tally, Worth, stats::Rate};

use super::{
    backtest, report,
    text::{clock, per_hour, plays, told, worth},
};

const CSS: &str = include_str!("page.css");
/// Nothing is loaded from anywhere, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Text from outside: words of a call, names of plays.
fn text(outside: impl Display) -> String {
    let mut out = String::new();
    for c in outside.to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A page under construction. What is pushed is markup; texts go through [`text`] first.
struct Page(String);

impl Page {
    fn new(title: &str, below: &str) -> Self {
        Self(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
             <p class=\"soft\">{below}</p>\n",
            title = text(title),
            below = text(below),
        ))
    }

    fn push(&mut self, markup: impl Display) {
        self.0.push_str(&format!("{markup}\n"));
    }

    fn done(mut self) -> String {
        self.0.push_str("</body>\n</html>\n");
        self.0
    }
}

/// A share with its interval, in words and as a bar.
fn rate(r: Rate) -> String {
    let (Some(share), Some((low, high))) = (r.share(), r.interval()) else {
        return "<span class=\"soft\">nothing to judge</span>".to_owned();
    };
    let percent = |x: f64| format!("{:.1}", x * 100.0);
    format!(
        "{share:.2} <span class=\"soft\">({} of {})</span><span class=\"ci\">95 %: {low:.2}–{high:.2}</span>\
         <span class=\"bar\"><i style=\"left:{}%;width:{}%\"></i><b style=\"left:{}%\"></b></span>",
        r.of,
        r.n,
        percent(low),
        percent(high - low),
        percent(share)
    )
}

fn lead(tally: &Tally) -> String {
    let s = tally.lead.summary();
    match (s.median_ms, s.earliest_ms) {
        (Some(median), Some(earliest)) => {
            format!("{median} ms<span class=\"ci\">earliest {earliest} ms, n {}</span>", s.n)
        }
        _ => "<span class=\"soft\">no card</span>".to_owned(),
    }
}

/// A back-test.
pub fn backtest(report: &backtest::Report) -> String {
    let totals = &report.totals;
    let mut page = Page::new(
        "Back-test",
        &format!(
            "{} on {} call(s), {:.2} hours, beside {}",
            report.playbook,
            totals.calls,
            totals.hours(),
            report.present.join(", ")
        ),
    );
    gate(&mut page, report);

    page.push("<h2>Side by side</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th><th>As logged</th><th>Present</th><th>Changed</th></tr></thead>\n<tbody>");
    let sides = [&totals.logged, &totals.present, &totals.changed];
    let mut row = |name: &str, cell: &dyn Fn(&Side) -> String| {
        let cells: String = sides.iter().map(|side| format!("<td>{}</td>", cell(side))).collect();
        page.push(format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>"));
    };
    row("Cards", &|s| s.all.cards.to_string());
    row("Cards per hour", &|s| per_hour(totals.per_hour(s)));
    row("Precision", &|s| rate(s.all.precision));
    row("Recall", &|s| rate(s.all.recall));
    row("Before the sentence ends, median", &|s| lead(&s.all));
    row("Taken back again", &|s| s.all.taken_back.to_string());
    page.push("</tbody></table></div>");

    let c = totals.counts;
    page.push("<h2>What would change</h2>\n<ul class=\"counts\">");
    for (n, what) in [
        (c.appear, "new"),
        (c.disappear, "gone"),
        (c.earlier, "earlier"),
        (c.later, "later"),
        (c.taken_back, "newly taken back"),
        (c.stay, "no longer taken back"),
        (c.same, "as they were"),
    ] {
        page.push(format!("<li><b>{n}</b>{what}</li>"));
    }
    page.push("</ul>");

    by_play(&mut page, report);
    page.push("<h2>Call by call</h2>");
    for call in &report.calls {
        let (n, open) = (call.changes.len(), if call.changes.is_empty() { "" } else { " open" });
        page.push(format!(
            "<details{open}><summary>{} <span class=\"soft\">{}, {} card(s) now, {} then, {n} change(s)</span></summary>",
            text(&call.name),
            clock(call.length_ms),
            call.present.all.cards,
            call.changed.all.cards
        ));
        call.changes.iter().for_each(|c| change(&mut page, c));
        page.push("</details>");
    }
    page.push("<h2>How to read this</h2>\n<ul class=\"notes\">");
    for note in &report.notes {
        page.push(format!("<li>{}</li>", text(note)));
    }
    page.push("<li>bars: the share, and the interval that holds the true one 95 times in 100 (Wilson)</li>\n</ul>");
    page.done()
}

fn gate(page: &mut Page, report: &backtest::Report) {
    if report.gate == Default::default() {
        return;
    }
    if report.gate_failures.is_empty() {
        page.push("<div class=\"gate good\">Gate passed</div>");
        return;
    }
    page.push("<div class=\"gate bad\">Gate not passed<ul>");
    for failure in &report.gate_failures {
        page.push(format!("<li>{}</li>", text(failure)));
    }
    page.push("</ul></div>");
}

fn by_play(page: &mut Page, report: &backtest::Report) {
    page.push("<h2>By play</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>Play</th><th class=\"n\">Now</th><th class=\"n\">Then</th><th>Precision then</th><th>Recall then</th><th>Before the sentence ends</th></tr></thead>\n<tbody>");
    for play in plays(report) {
        let of = |side: &Side| side.plays.get(play).cloned().unwrap_or_default();
        let (a, b) = (of(&report.totals.present), of(&report.totals.changed));
        page.push(format!(
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            text(play),
            a.cards,
            b.cards,
            rate(b.precision),
            rate(b.recall),
            lead(&b)
        ));
    }
    page.push("</tbody></table></div>");
}

fn change(page: &mut Page, change: &Change) {
    let tone = match (change.kind, change.worth) {
        (Kind::Appears | Kind::Stays, Worth::Right) | (Kind::Disappears | Kind::TakenBack, Worth::Wrong) => "good",
        (Kind::Appears | Kind::Stays, Worth::Wrong) | (Kind::Disappears | Kind::TakenBack, Worth::Right) => "bad",
        _ => "soft",
    };
    let instead = change.instead.as_ref().map_or_else(String::new, |o| format!(", in place of {}", text(o)));
    let w = &change.around;
    page.push(format!(
        "<div class=\"change\"><span>{}</span><span class=\"{tone}\">{}</span>\
         <span class=\"play\"><b>{}</b> <span class=\"soft\">{}{instead}; {}</span></span>\
         <span class=\"words\"><q>… {} <mark>{}</mark> {} …</q> <span class=\"ci\">{}</span></span></div>",
        clock(change.at_ms),
        told(change),
        text(&change.play),
        text(&change.title),
        worth(change.worth),
        text(&w.before),
        text(&w.under),
        text(&w.after),
        text(&change.rule)
    ));
}

/// What became of plays.
pub fn usage(report: &report::Report) -> String {
    let mut page = Page::new(
        "What became of the cards",
        &format!("{} call(s), {:.2} hours; the play most often marked wrong first", report.calls, report.hours),
    );
    page.push("<div class=\"scroll\"><table>\n<thead><tr><th>Play</th>");
    for head in ["Detected", "Held back", "Shown", "Used", "Dismissed", "Wrong", "Pinned", "Expired", "Other"] {
        page.push(format!("<th class=\"n\">{head}</th>"));
    }
    page.push("<th>Used, of those shown</th><th>Wrong, of those shown</th></tr></thead>\n<tbody>");
    for p in &report.plays {
        let c = &p.counts;
        let counts = [
            c.detected,
            c.held_back,
            c.shown,
            c.used,
            c.dismissed,
            c.wrong,
            c.pinned,
            c.expired,
            c.gone + c.taken_back,
        ];
        let cells: String = counts.iter().map(|n| format!("<td class=\"n\">{n}</td>")).collect();
        page.push(format!(
            "<tr><th scope=\"row\">{}</th>{cells}<td>{}</td><td>{}</td></tr>",
            text(&p.play),
            rate(p.used_rate),
            rate(p.wrong_rate)
        ));
    }
    page.push("</tbody></table></div>");
    page.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_text() {
        assert_eq!(text("<b onclick='x'>&\"</b>"), "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;&lt;/b&gt;");
        let report = report::Report { calls: 1, hours: 0.5, plays: Vec::new() };
        let page = usage(&report);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        for forbidden in ["<script", "src=", "href=", "http://", "https://", "url(", "@import"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
