//! The tests a playbook brings along.

use toml::Spanned;

use super::{
    CallTest, Play, PlayTest, Step,
    problem::Reporter,
    raw::{RawStep, RawTest},
    spelling::nearest,
};
use crate::{audio::Party, time::MediaTime};

/// Longest little call, in seconds: a day.
const MAX_SECONDS: f64 = 86_400.0;
/// Most steps of a little call.
const MAX_STEPS: usize = 1_000;

/// Reads all tests, those that can be run.
pub(super) fn read(
    report: &mut Reporter<'_>,
    raw: &[Spanned<RawTest>],
    plays: &[Play],
) -> (Vec<PlayTest>, Vec<CallTest>) {
    let (mut lines, mut calls) = (Vec::new(), Vec::new());
    for test in raw {
        let (at, written) = (test.span().start, test.get_ref());
        match (&written.say, &written.call) {
            (Some(say), None) => lines.extend(line_test(report, say, written, plays)),
            (None, Some(call)) => calls.extend(call_test(report, at, call, written, plays)),
            (Some(_), Some(_)) => report.error(at, "a test has either `say` or `call`: make two of it"),
            (None, None) => report.error(at, "a test needs a line, say = \"…\", or a little call, call = [ … ]"),
        }
    }
    if raw.is_empty() {
        report.warn(0, "no [[test]] in this playbook: add lines that must and must not trigger");
    }
    (lines, calls)
}

fn line_test(report: &mut Reporter<'_>, say: &Spanned<String>, raw: &RawTest, plays: &[Play]) -> Option<PlayTest> {
    let at = say.span().start;
    if raw.expect_cards.is_some() || raw.deal.is_some() {
        report.error(at, "`expect_cards` and `deal` go with `call`; with `say` write expect = \"…\"");
        return None;
    }
    let Some(expect) = &raw.expect else {
        report.error(at, "what must come of this line? Add expect = \"a label\", or expect = \"none\"");
        return None;
    };
    let label = expect.get_ref();
    let mut play = None;
    if label != "none" && !plays.iter().any(|p| p.label == *label) {
        let near = nearest(label, plays.iter().map(|p| p.label.as_str()));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        report.error(expect.span().start, format!("this test expects `{label}`, but no play has that label{hint}"));
    } else if let Some(id) = &raw.play {
        let at = id.span().start;
        match plays.iter().find(|p| p.id == *id.get_ref()) {
            None => unknown_play(report, at, id.get_ref(), plays),
            Some(found) if found.label != *label => {
                let message =
                    format!("play `{}` has the label `{}`, and this test expects `{label}`", found.id, found.label);
                report.error(at, format!("{message}; write expect = \"{}\"", found.label));
            }
            Some(found) => play = Some(found.id.clone()),
        }
    }
    Some(PlayTest {
        line: report.line(at),
        say: say.get_ref().clone(),
        speaker: raw.speaker.unwrap_or(Party::Buyer),
        partial: raw.partial.clone(),
        expect: label.clone(),
        play,
    })
}

fn unknown_play(report: &mut Reporter<'_>, at: usize, id: &str, plays: &[Play]) {
    let near = nearest(id, plays.iter().map(|p| p.id.as_str()));
    let hint = near.map_or_else(|| "write the id of one of them".to_owned(), |near| format!("did you mean `{near}`?"));
    report.error(at, format!("no play has the id `{id}`; {hint}"));
}

fn call_test(
    report: &mut Reporter<'_>,
    at: usize,
    call: &[Spanned<RawStep>],
    raw: &RawTest,
    plays: &[Play],
) -> Option<CallTest> {
    if raw.expect.is_some() || raw.play.is_some() || raw.speaker.is_some() || !raw.partial.is_empty() {
        report.error(
            at,
            "`expect`, `play`, `speaker` and `partial` go with `say`; with `call` write expect_cards = [ … ]",
        );
        return None;
    }
    let Some(expect) = &raw.expect_cards else {
        report.error(at, "which cards must come up in this call? Add expect_cards = [\"a play's id\"], or [] for none");
        return None;
    };
    for id in expect {
        if !plays.iter().any(|p| p.id == *id.get_ref()) {
            unknown_play(report, id.span().start, id.get_ref(), plays);
        }
    }
    let deal = raw.deal.clone().unwrap_or_default();
    if let Err(why) = deal.check() {
        report.error(at, why);
    }
    if call.is_empty() || call.len() > MAX_STEPS {
        report.error(at, format!("a little call has 1 to {MAX_STEPS} steps; this one has {}", call.len()));
    }
    let mut steps: Vec<Step> = Vec::with_capacity(call.len());
    for written in call {
        let (at, raw) = (written.span().start, written.get_ref());
        let seconds = |s: f64| (0.0..=MAX_SECONDS).contains(&s);
        if !seconds(raw.at_s) || !raw.for_s.is_none_or(seconds) {
            report.error(at, format!("at_s and for_s are seconds from 0 to {MAX_SECONDS}"));
            continue;
        }
        // In range, so that nothing is cut off; to the millisecond, so that it is the same number everywhere.
        let ms = |s: f64| (s * 1_000.0).round() as u64;
        let who = match (&raw.rep, &raw.buyer) {
            (Some(_), Some(_)) => {
                report.error(at, "a step has one speaker: make two steps of it");
                continue;
            }
            (Some(text), None) => Some((Party::Rep, text.clone())),
            (None, Some(text)) => Some((Party::Buyer, text.clone())),
            (None, None) => None,
        };
        let at_time = MediaTime::from_ms(ms(raw.at_s));
        if steps.last().is_some_and(|last| last.at > at_time) {
            report.error(at, format!("at_s = {} is before the step above; write the steps in order", raw.at_s));
        }
        steps.push(Step { at: at_time, who, for_ms: raw.for_s.map(ms) });
    }
    Some(CallTest {
        line: report.line(at),
        steps,
        deal,
        expect_cards: expect.iter().map(|id| id.get_ref().clone()).collect(),
    })
}
