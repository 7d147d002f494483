//! Lines, each on its own. One that is given as it grew goes through a session: only there may what was found be taken
//! back.

use std::sync::Arc;

use super::{
    TestRun,
    call::{Drive, words},
};
use crate::{
    card::CardEnd,
    deal::Deal,
    detect::{line::LineDetector, meaning::Meaning},
    event::EventBody,
    playbook::{PlayTest, Playbook},
    time::MediaTime,
};

/// A detection, as far as a test looks at it.
struct Found {
    label: String,
    play: String,
    rule: String,
}

/// What was found in a line, or why nothing was.
type Outcome = Result<Found, String>;

pub(super) fn run(playbook: &Arc<Playbook>, meaning: Option<&Arc<Meaning>>) -> Vec<TestRun> {
    let mut lines = LineDetector::new(Arc::clone(playbook), meaning.cloned());
    let outcome = |test: &PlayTest| {
        if !test.partial.is_empty() {
            return growing(playbook, meaning, test);
        }
        // The rules of plays are no part of the detector; a session knows them.
        whole(&mut lines, test).or_else(|why| by_rule(playbook, meaning, test).ok_or(why))
    };
    playbook.tests.iter().map(with(outcome)).collect()
}

fn with<'a>(mut outcome: impl FnMut(&'a PlayTest) -> Outcome) -> impl FnMut(&'a PlayTest) -> TestRun {
    move |test| judge(test, outcome(test))
}

fn judge(test: &PlayTest, outcome: Outcome) -> TestRun {
    let passed = match &outcome {
        Ok(found) => found.label == test.expect && test.play.as_ref().is_none_or(|play| *play == found.play),
        Err(_) => test.expect == "none",
    };
    let (got, because) = match outcome {
        Ok(found) => (format!("{} (play `{}`)", found.label, found.play), found.rule),
        Err(because) => ("none".to_owned(), because),
    };
    let wanted = match &test.play {
        Some(play) => format!("{} (play `{play}`)", test.expect),
        None => test.expect.clone(),
    };
    let what = format!("\"{}\" ({})", test.say, test.speaker.as_str());
    TestRun { line: test.line, what, wanted, got, because, passed }
}

fn nothing(held_back: Option<(String, String)>) -> String {
    match held_back {
        Some((rule, by)) => format!("{rule} was held back by {by}"),
        None => "no phrase of the play is in the line".to_owned(),
    }
}

fn whole(lines: &mut LineDetector, test: &PlayTest) -> Outcome {
    let result = lines.detect(test.speaker, &test.say);
    match result.detection {
        Some(d) => Ok(Found { label: d.label, play: d.play, rule: d.evidence.rule }),
        None => Err(nothing(result.suppressed.into_iter().next().map(|(d, by)| (d.evidence.rule, by)))),
    }
}

/// The first rule that the line alone makes fire.
fn by_rule(playbook: &Arc<Playbook>, meaning: Option<&Arc<Meaning>>, test: &PlayTest) -> Option<Found> {
    if playbook.plays.iter().all(|p| p.when.is_none()) {
        return None;
    }
    let mut call = Drive::new(playbook, meaning, Deal::default());
    call.say(test.speaker, words(&test.say, MediaTime::ZERO, None), Vec::new(), true);
    call.end().into_iter().find_map(|event| match event.body {
        EventBody::CueRaised { cue } => Some(Found { label: cue.label, play: cue.play, rule: cue.because }),
        _ => None,
    })
}

/// Each hypothesis replaces the one before, and the last one stands.
fn growing(playbook: &Arc<Playbook>, meaning: Option<&Arc<Meaning>>, test: &PlayTest) -> Outcome {
    let mut call = Drive::new(playbook, meaning, Deal::default());
    for partial in &test.partial {
        call.say(test.speaker, Vec::new(), words(partial, MediaTime::ZERO, None), false);
    }
    call.say(test.speaker, words(&test.say, MediaTime::ZERO, None), Vec::new(), true);
    let (mut found, mut shown, mut held_back) = (Vec::<Found>::new(), Vec::new(), None);
    for event in call.end() {
        match event.body {
            EventBody::ObjectionDetected { detection: d } => {
                found.push(Found { label: d.label, play: d.play, rule: d.evidence.rule });
            }
            EventBody::CueRaised { cue } => {
                found.push(Found { label: cue.label, play: cue.play, rule: cue.because });
            }
            EventBody::DetectionSuppressed { detection: d, by } => {
                held_back.get_or_insert((d.evidence.rule, by));
            }
            EventBody::CardShown { card } | EventBody::CardQueued { card } => shown.push((card.id, card.play)),
            EventBody::CardClosed { card, end: CardEnd::Retracted } => {
                if let Some((_, play)) = shown.iter().find(|(id, _)| *id == card) {
                    held_back.get_or_insert((format!("play `{play}`"), "what was said after it".to_owned()));
                    found.retain(|f| f.play != *play);
                }
            }
            _ => {}
        }
    }
    found.into_iter().next().ok_or_else(|| nothing(held_back))
}
